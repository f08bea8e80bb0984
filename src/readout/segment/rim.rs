//! Rims: where a thing meets the ground, a pixel's grey is a mixture of both. Such pixels swing with each other, and are the thing's.

use super::MOST_OBJECTS;
use super::ground::near;
use super::groups::Groups;

/// What is known of a label.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    pixels: usize,
    /// Those in a square of 2 x 2 of the label.
    wide: usize,
    /// Those that touch the ground.
    outer: usize,
    grey: f64,
}

impl Sums {
    fn mean(&self) -> f32 {
        (self.grey / self.pixels.max(1) as f64) as f32
    }

    /// Whether most of it is no wider than a pixel, and most of it lies at the ground.
    fn is_rim(&self) -> bool {
        2 * self.wide < self.pixels && 2 * self.outer >= self.pixels
    }
}

/// Gives each pixel of a rim to the object that it touches, of those whose grey lies beyond its own, seen from the ground, the one of the
/// nearest grey. What touches none stays. The objects' coherence is that of the pixels that swing.
pub(super) fn join(found: &mut Groups, greys: &[f32], width: usize) {
    let size = (greys.len() / width, width);
    let sums = sums(&found.labels, greys, size);
    if !sums.iter().skip(1).any(Sums::is_rim) || sums[0].pixels == 0 {
        return;
    }
    let ground = sums[0].mean();
    let mut left: Vec<usize> = (0..greys.len())
        .filter(|at| found.labels[*at] > 0 && sums[usize::from(found.labels[*at])].is_rim())
        .collect();
    let mut labels = found.labels.clone();
    for at in &left {
        labels[*at] = 0;
    }
    loop {
        let joins = |at: usize| {
            let beyond = |label: &u8| {
                let mean = sums[usize::from(*label)].mean();
                *label > 0 && (greys[at] - ground) * (mean - greys[at]) > 0.0
            };
            let apart = |label: &u8| (sums[usize::from(*label)].mean() - greys[at]).abs();
            let touched = near(at, size).map(|other| labels[other]).into_iter().filter(beyond);
            touched.min_by(|one, other| apart(one).total_cmp(&apart(other)).then(one.cmp(other)))
        };
        let joined: Vec<(usize, u8)> = left.iter().filter_map(|at| Some((*at, joins(*at)?))).collect();
        if joined.is_empty() {
            break;
        }
        for (at, label) in joined {
            labels[at] = label;
        }
        left.retain(|at| labels[*at] == 0);
    }
    for at in left {
        labels[at] = found.labels[at];
    }
    found.labels = labels;
    found.sort();
}

/// Which pixels lie in a square of two by two of their label.
pub(super) fn wide(labels: &[u8], width: usize) -> Vec<bool> {
    let height = labels.len() / width.max(1);
    let mut wide = vec![false; labels.len()];
    for at in (1..height).flat_map(|y| (1..width).map(move |x| y * width + x)) {
        let square = [at, at - 1, at - width, at - width - 1];
        if square.iter().all(|pixel| labels[*pixel] == labels[at]) {
            for pixel in square {
                wide[pixel] = true;
            }
        }
    }
    wide
}

/// Sums over the pixels of every label.
fn sums(labels: &[u8], greys: &[f32], size: (usize, usize)) -> [Sums; MOST_OBJECTS + 1] {
    let mut sums = [Sums::default(); MOST_OBJECTS + 1];
    for (at, (label, wide)) in labels.iter().zip(wide(labels, size.1)).enumerate() {
        let own = &mut sums[usize::from(*label)];
        own.pixels += 1;
        own.wide += usize::from(wide);
        own.outer += usize::from(near(at, size).into_iter().any(|other| labels[other] == 0));
        own.grey += f64::from(greys[at]);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Digits: labels, and greys in tenths.
    fn joined(labels: &str, greys: &str, width: usize) -> (Vec<u8>, Vec<f32>) {
        let digits = |of: &str| -> Vec<u8> { of.bytes().map(|digit| digit - b'0').collect() };
        let labels = digits(labels);
        let count = usize::from(labels.iter().copied().max().unwrap_or_default());
        let mut found = Groups { labels, coherence: (0..count).map(|n| 0.9 - 0.1 * n as f32).collect() };
        let greys: Vec<f32> = digits(greys).into_iter().map(|tenth| 0.1 * f32::from(tenth)).collect();
        join(&mut found, &greys, width);
        (found.labels, found.coherence)
    }

    #[test]
    fn a_rim_of_mixed_greys_is_the_things_and_what_is_left_is_counted_anew() {
        let (labels, coherence) = joined(
            concat!("000000", "222220", "211120", "211120", "211130", "222230"),
            concat!("000000", "444440", "488840", "488840", "488820", "444420"),
            6,
        );
        let ring = |at: usize| u8::from(at / 6 > 0 && at % 6 < 5);
        assert_eq!(labels, (0..36).map(ring).collect::<Vec<u8>>());
        assert_eq!(coherence, [0.9]);
    }

    #[test]
    fn a_line_that_no_thing_is_beyond_stays() {
        // Lighter than what it touches: no mixture of that with the ground.
        let labels = concat!("000000", "022220", "011110", "011110", "000000");
        let greys = concat!("000000", "099990", "055550", "055550", "000000");
        let (found, coherence) = joined(labels, greys, 6);
        assert!(found.contains(&2) && coherence.len() == 2);
    }

    #[test]
    fn what_is_wide_stays() {
        let labels = concat!("000000", "022220", "022220", "011110", "011110", "000000");
        let greys = concat!("000000", "033330", "033330", "088880", "088880", "000000");
        assert!(joined(labels, greys, 6).0.contains(&2));
    }
}
