//! Overlap: how much of the picture two arrays both see. What only one of them sees, the other can't contradict.

use super::part::Part;
use crate::random::Stream;

/// Arrays that both see less than this part of what the lesser one sees can't be held against each other.
const LEAST: f64 = 0.05;
/// From this part on they see the same: beams miss the corners of a picture.
const SAME: f64 = 0.9;
/// An array sees all where it sees this part of what any does.
const ALL: f64 = 0.75;

/// Which pixels each array sees, a bit each.
#[derive(Clone, Debug)]
pub(super) struct Overlap {
    seen: Vec<Vec<u64>>,
}

impl Overlap {
    pub(super) fn of(parts: &[Part]) -> Self {
        let bits = |pixels: &[f32]| {
            pixels.iter().enumerate().fold(0u64, |bits, (at, sight)| bits | u64::from(*sight > 0.0) << at)
        };
        Self { seen: parts.iter().map(|part| part.sight().chunks(64).map(bits).collect()).collect() }
    }

    /// The part that arrays of both sides see, of what the lesser side sees, 0 to 1; `None` where it is too little to tell anything.
    pub(super) fn between(&self, one: &[usize], other: &[usize]) -> Option<f64> {
        let (one, other) = (self.union(one), self.union(other));
        let both: u32 = one.iter().zip(&other).map(|(one, other)| (one & other).count_ones()).sum();
        let part = f64::from(both) / f64::from(count(&one).min(count(&other)).max(1));
        (part >= LEAST).then_some(if part >= SAME { 1.0 } else { part })
    }

    /// Whether each array sees all, so that any may be held against any other.
    pub(super) fn is_whole(&self) -> bool {
        let all: Vec<usize> = (0..self.seen.len()).collect();
        let any = f64::from(count(&self.union(&all)));
        self.seen.iter().all(|own| f64::from(count(own)) >= ALL * any)
    }

    /// Each array with the `partners` others with which it shares most; among equals a seeded choice.
    pub(super) fn pairs(&self, partners: usize, seed: u64) -> Vec<(usize, usize)> {
        let (arrays, mut draws) = (self.seen.len(), Stream::new(seed, 1));
        let mut found = Vec::new();
        for one in 0..arrays {
            let others = (0..arrays).map(|other| (other, draws.uniform()));
            let shared = others.filter(|(other, _)| *other != one).filter_map(|(other, draw)| {
                let part = self.between(&[one], &[other])?;
                Some((part, draw, other))
            });
            let mut shared: Vec<(f64, f64, usize)> = shared.collect();
            shared.sort_by(|one, other| other.0.total_cmp(&one.0).then(other.1.total_cmp(&one.1)));
            found.extend(shared.iter().take(partners).map(|(.., other)| (one.min(*other), one.max(*other))));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn union(&self, side: &[usize]) -> Vec<u64> {
        let mut all = vec![0; self.seen.first().map_or(0, Vec::len)];
        for array in side {
            all.iter_mut().zip(&self.seen[*array]).for_each(|(all, own)| *all |= own);
        }
        all
    }
}

fn count(bits: &[u64]) -> u32 {
    bits.iter().map(|bits| bits.count_ones()).sum()
}

#[cfg(test)]
mod tests {
    use super::super::tile::{Place, Tile};
    use super::*;

    fn strip(column: f64) -> Part {
        let place = Place { corner: (0.0, column), every: 1.0, blur: 0.0 };
        Part::new(Box::new(Tile::new((4, 100), &place, (4, 40)).unwrap()), vec![0.5; 160]).unwrap()
    }

    #[test]
    fn arrays_share_what_both_see_and_strips_that_do_not_meet_are_no_pair() {
        let overlap = Overlap::of(&[strip(0.0), strip(20.0), strip(60.0), strip(2.0)]);
        assert_eq!(overlap.between(&[0], &[1]), Some(0.5));
        assert_eq!(overlap.between(&[0], &[2]), None);
        assert_eq!(overlap.between(&[0], &[3]), Some(1.0));
        assert_eq!(overlap.between(&[0, 2], &[1]), Some(0.5));
        assert!(!overlap.is_whole() && Overlap::of(&[strip(0.0), strip(4.0)]).is_whole());
        assert_eq!(overlap.pairs(1, 0), [(0, 3), (1, 3)]);
        assert_eq!(overlap.pairs(8, 0), [(0, 1), (0, 3), (1, 3)]);
    }
}
