//! How far two labellings agree.

use std::collections::BTreeMap;

/// The adjusted Rand index of two labellings of the same things: 1 where they are the same, 0 as by chance (Hubert and Arabie, J Classif 2:193, 1985).
///
/// # Panics
/// Where one labels more things than the other.
#[must_use]
pub fn rand_index(one: &[usize], other: &[usize]) -> f64 {
    assert_eq!(one.len(), other.len(), "labels of the same things");
    let pairs = |count: &f64| count * (count - 1.0) / 2.0;
    let (mut both, mut rows, mut columns) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (a, b) in one.iter().zip(other) {
        *both.entry((a, b)).or_insert(0.0) += 1.0;
        *rows.entry(a).or_insert(0.0) += 1.0;
        *columns.entry(b).or_insert(0.0) += 1.0;
    }
    let (both, rows, columns): (f64, f64, f64) =
        (both.values().map(pairs).sum(), rows.values().map(pairs).sum(), columns.values().map(pairs).sum());
    let chance = rows * columns / pairs(&(one.len() as f64)).max(1.0);
    let most = f64::midpoint(rows, columns);
    if most - chance == 0.0 { 1.0 } else { (both - chance) / (most - chance) }
}

/// The labels that were found and the true ones of all pixels that are of things, picture by picture; what is ground in truth does not count.
#[derive(Clone, Debug, Default)]
pub struct OfThings {
    found: Vec<usize>,
    truth: Vec<usize>,
}

impl OfThings {
    /// Adds a picture's pixels; 0 is ground.
    pub fn add(&mut self, labels: &[u8], truth: &[usize]) {
        for (label, thing) in labels.iter().zip(truth).filter(|(_, thing)| **thing > 0) {
            self.found.push((*label).into());
            self.truth.push(*thing);
        }
    }

    /// FG-ARI: the adjusted Rand index of them all.
    #[must_use]
    pub fn index(&self) -> f64 {
        rand_index(&self.found, &self.truth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_that_of_the_textbook() {
        assert_eq!(rand_index(&[0, 0, 1, 1], &[5, 5, 2, 2]), 1.0);
        // scikit-learn: adjusted_rand_score([0, 0, 1, 2], [0, 0, 1, 1]).
        assert!((rand_index(&[0, 0, 1, 2], &[0, 0, 1, 1]) - 4.0 / 7.0).abs() < 1e-12);
        assert_eq!(rand_index(&[0, 0, 1, 1], &[0, 0, 0, 0]), 0.0);
        assert_eq!(rand_index(&[], &[]), 1.0);
    }

    #[test]
    fn ground_does_not_count_and_pictures_add_up() {
        let mut pixels = OfThings::default();
        pixels.add(&[1, 1, 9], &[2, 2, 0]);
        assert_eq!(pixels.index(), 1.0);
        pixels.add(&[1, 3], &[2, 1]);
        assert_eq!(pixels.index(), rand_index(&[1, 1, 1, 3], &[2, 2, 2, 1]));
    }
}
