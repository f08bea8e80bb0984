//! How well arrays agree: whether one picture explains what two of them see, on the scale of the noise.
//!
//! Each array sees too little to predict another's data by its own picture: of two that see the same, each is wrong about what
//! it does not see. So both explain one picture together, for some steps, and what is then left of their data tells: of one
//! world little, of two worlds what no picture can be (their masses, centres and higher moments differ; Helgason and
//! Ludwig's conditions). With `e²` the mean square that is left and `s²` the scale,
//!
//! ```text
//! J = (1 - q) / (1 + q),   q = e² / (L s)²,   s² = σ² + (τ rms)²
//! ```
//!
//! | symbol | default | unit | meaning |
//! |---|---|---|---|
//! | σ | 0 | of the data | noise of a number, where it is known |
//! | τ | 0.02 | 1 | what grid and few steps leave, of the data's size; where σ is not known, the tenth of all pairs' `e / rms`, 0.01 to 0.05, from 0.02 where arrays see parts |
//! | L | 2.5 | 1 | how many scales still agree |
//!
//! Where an array sees nothing but black, and rms is 0, it counts as a thousandth of the largest that any had: that little light nobody
//! contradicts.
//!
//! Arrays that see only parts of the picture are held against those that they share most of it with; what is left of them counts as
//! of the part that both see, and where that is too little they tell nothing of each other.

use std::cmp::Reverse;

use super::overlap::Overlap;
use super::part::{Part, explained};
use super::shared::each;
use crate::random::Stream;

/// Steps of a pair's picture.
const STEPS: usize = 24;
/// L.
const LIMIT: f64 = 2.5;
/// τ where σ is known, and its bounds where it is not.
pub(super) const TOLERANCE: f64 = 0.02;
const BOUNDS: [f64; 2] = [0.01, 0.05];
/// Others that an array is held against; of more, a seeded choice, so that the cost grows with the number of arrays alone.
const PARTNERS: usize = 8;
/// Arrays that speak for their group where groups meet, and groups that all others meet.
const SPEAKERS: usize = 4;
const MEETINGS: usize = 8;
/// A whole has grown from many arrays, whose pictures were stopped: its limit is so much wider than a pair's.
const WIDER: f64 = 2.0;
/// The least rms that is a scale, in parts of the largest of any array.
const FAINT: f64 = 1e-3;

/// What was found of all pairs that were looked at.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// `J` of arrays `k` and `j` at `k * arrays + j`, -1 to 1, symmetric; 0 where the two were not held together.
    pub matrix: Vec<f64>,
    /// The arrays.
    pub arrays: usize,
    /// σ in units of the data; 0 where it is within τ.
    pub sigma: f64,
    /// τ.
    pub tolerance: f64,
    /// The least `e / rms` of a pair.
    pub least: f64,
    /// The least rms that is a scale.
    floor: f64,
    /// What arrays see of the same.
    overlap: Overlap,
}

impl Agreement {
    /// Looks at pairs of arrays; `sigma` is the noise where it is known, `most` the brightest that a picture may be.
    #[must_use]
    pub fn of(parts: &[Part], sigma: Option<f64>, most: f32, seed: u64, threads: usize) -> Self {
        let overlap = Overlap::of(parts);
        let pairs = if overlap.is_whole() { pairs(parts.len(), seed) } else { overlap.pairs(PARTNERS, seed) };
        Self::of_pairs(parts, &pairs, sigma, most, threads)
    }

    /// Of those `pairs` of arrays alone; of none, a scale on which a picture may be held against an array.
    #[must_use]
    pub fn of_pairs(
        parts: &[Part],
        pairs: &[(usize, usize)],
        sigma: Option<f64>,
        most: f32,
        threads: usize,
    ) -> Self {
        let arrays = parts.len();
        let overlap = Overlap::of(parts);
        let left = left(parts, &overlap, &sides(pairs), most, threads);
        let parted = left.iter().flatten();
        let mut parted: Vec<f64> = parted.map(|(left, rms)| left / rms.max(f64::MIN_POSITIVE)).collect();
        parted.sort_by(f64::total_cmp);
        let least = parted.first().copied().unwrap_or_default();
        let tenth = parted.get(parted.len() / 10).copied().unwrap_or_default();
        let known = sigma.is_some() || pairs.is_empty();
        // Parts that hardly overlap fit one another wholly, and say nothing of what few steps leave of a blur.
        let least_tolerance = if overlap.is_whole() { BOUNDS[0] } else { TOLERANCE };
        let tolerance = if known { TOLERANCE } else { tenth.clamp(least_tolerance, BOUNDS[1]) };
        let mut found = Self {
            matrix: vec![0.0; arrays * arrays],
            arrays,
            sigma: sigma.unwrap_or_default(),
            tolerance,
            least,
            floor: 0.0,
            overlap,
        };
        found.see(parts);
        for ((one, other), left) in pairs.iter().zip(&left) {
            let agrees = found.of_left(*left);
            found.matrix[one * arrays + other] = agrees;
            found.matrix[other * arrays + one] = agrees;
        }
        found
    }

    /// `J` of pairs of arrays as they see now, each by a picture of its own.
    #[must_use]
    pub fn between(&self, parts: &[Part], pairs: &[(usize, usize)], most: f32, threads: usize) -> Vec<f64> {
        let left = left(parts, &self.overlap, &sides(pairs), most, threads);
        left.into_iter().map(|left| self.of_left(left)).collect()
    }

    /// Takes note of how much arrays see: of what is black after it, that is the scale.
    pub fn see(&mut self, parts: &[Part]) {
        let brightest = parts.iter().map(Part::rms).fold(0.0, f64::max);
        self.floor = self.floor.max(FAINT * brightest);
    }

    /// The root mean square on whose scale an array's data are judged; 0 only where no array ever saw any light.
    #[must_use]
    pub fn scale(&self, part: &Part) -> f64 {
        part.rms().max(self.floor)
    }

    /// Whether some pairs were not looked at.
    #[must_use]
    pub fn is_sparse(&self) -> bool {
        self.arrays > PARTNERS + 1
    }

    /// Whether every array sees all of the picture; where they see parts, only neighbours are pairs.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.overlap.is_whole()
    }

    /// Has groups of arrays meet, some of each for all: chains of pairs may have missed that two groups see one world. What the
    /// speakers find, all of both groups are told.
    pub fn meet(&mut self, parts: &[Part], groups: &[Vec<usize>], most: f32, threads: usize) {
        let mut largest: Vec<usize> = (0..groups.len()).collect();
        largest.sort_by_key(|group| (Reverse(groups[*group].len()), *group));
        largest.truncate(MEETINGS);
        let meets = |one: &usize, other: &usize| one != other && !(largest.contains(other) && other < one);
        let pairs: Vec<(usize, usize)> = largest
            .iter()
            .flat_map(|one| (0..groups.len()).map(move |other| (*one, other)))
            .filter(|(one, other)| meets(one, other))
            .collect();
        let speakers = |group: usize| groups[group].iter().take(SPEAKERS).copied();
        let sides: Vec<[Vec<usize>; 2]> =
            pairs.iter().map(|(one, other)| [*one, *other].map(|group| speakers(group).collect())).collect();
        for ((one, other), left) in pairs.iter().zip(left(parts, &self.overlap, &sides, most, threads)) {
            let agrees = self.of_left(left);
            for (one, other) in
                groups[*one].iter().flat_map(|one| groups[*other].iter().map(move |other| (one, other)))
            {
                self.matrix[one * self.arrays + other] = agrees;
                self.matrix[other * self.arrays + one] = agrees;
            }
        }
    }

    /// `J` of what is left of a team, none where its sides see nothing of the same.
    fn of_left(&self, left: Option<(f64, f64)>) -> f64 {
        left.map_or(0.0, |(left, rms)| self.judged(left, rms, 1.0))
    }

    /// `J` of a root mean square `left` of data whose own is `rms`, with a limit `wider` times as wide.
    fn judged(&self, left: f64, rms: f64, wider: f64) -> f64 {
        let rms = rms.max(self.floor);
        let scale = self.sigma * self.sigma + self.tolerance * self.tolerance * rms * rms;
        let ratio = left * left / (LIMIT * LIMIT * wider * wider * scale).max(f64::MIN_POSITIVE);
        // Of no scale at all the ratio has no bound, and what is kept of it would stay no number.
        let ratio = ratio.min(f64::MAX);
        (1.0 - ratio) / (1.0 + ratio)
    }

    /// The part of data of that root mean square that may be left of two arrays which still agree.
    #[must_use]
    pub fn limit(&self, rms: f64) -> f64 {
        let noise = self.sigma / rms.max(f64::MIN_POSITIVE);
        LIMIT * (noise * noise + self.tolerance * self.tolerance).sqrt()
    }

    /// Has a whole explain those arrays of whose data up to `left` is left, of their rms; of two alone half as much.
    pub fn tolerate(&mut self, left: f64) {
        self.tolerance = left / (LIMIT * WIDER);
    }

    /// How well a whole's picture explains an array: `J` with the whole's wider limit, -1 to 1; below 0 it contradicts.
    #[must_use]
    pub fn explains(&self, part: &Part, picture: &[f32], scratch: &mut Vec<f32>) -> f64 {
        let left = (part.missed(picture, scratch) / part.seen() as f64).sqrt();
        self.judged(left, part.rms(), WIDER)
    }
}

/// The pairs that are looked at: all, or for each array the next in [`PARTNERS`] / 2 seeded circles.
fn pairs(arrays: usize, seed: u64) -> Vec<(usize, usize)> {
    if arrays <= PARTNERS + 1 {
        return (0..arrays).flat_map(|one| (one + 1..arrays).map(move |other| (one, other))).collect();
    }
    let mut draws = Stream::new(seed, 1);
    let mut found = Vec::new();
    for _ in 0..PARTNERS / 2 {
        let mut circle: Vec<usize> = (0..arrays).collect();
        for at in (1..arrays).rev() {
            circle.swap(at, (draws.uniform() * (at + 1) as f64) as usize);
        }
        let next = circle[1..].iter().chain(&circle[..1]);
        found.extend(circle.iter().zip(next).map(|(one, other)| (*one.min(other), *one.max(other))));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Each pair as two sides.
fn sides(pairs: &[(usize, usize)]) -> Vec<[Vec<usize>; 2]> {
    pairs.iter().map(|(one, other)| [vec![*one], vec![*other]]).collect()
}

/// Root mean squares of what is left of both sides' data when one picture explains them, and of the data. Only where both look can
/// one contradict the other, so what is left counts as of that part; `None` where that is too little.
fn left(
    parts: &[Part],
    overlap: &Overlap,
    teams: &[[Vec<usize>; 2]],
    most: f32,
    threads: usize,
) -> Vec<Option<(f64, f64)>> {
    let one = |[one, other]: &[Vec<usize>; 2]| {
        let shared = overlap.between(one, other)?;
        let team: Vec<&Part> = one.iter().chain(other).map(|array| &parts[*array]).collect();
        let picture = explained(&team, most, STEPS);
        let (mut scratch, mut sums, mut count) = (Vec::new(), [0.0, 0.0], 0.0);
        for part in team {
            sums[0] += part.missed(&picture, &mut scratch);
            sums[1] += part.rms() * part.rms() * part.seen() as f64;
            count += part.seen() as f64;
        }
        Some(((sums[0] / (count * shared)).sqrt(), (sums[1] / count).sqrt()))
    };
    each(teams, threads, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_black_is_on_the_scale_of_what_was_seen_and_never_no_number() {
        let mut found = Agreement::of_pairs(&[], &[], None, 1.0, 1);
        assert_eq!(found.judged(0.0, 0.0, WIDER), 1.0);
        found.floor = 0.01;
        assert!(found.judged(1e-4, 0.0, WIDER) > 0.9 && found.judged(1.0, 0.0, WIDER) < -0.9);
        // Of what is no black it changes nothing.
        let without = Agreement { floor: 0.0, ..found.clone() };
        assert_eq!(found.judged(0.1, 2.0, 1.0), without.judged(0.1, 2.0, 1.0));
        for (tolerance, floor) in [(f64::INFINITY, 0.0), (f64::INFINITY, 0.01), (0.0, 0.0), (0.02, 0.0)] {
            (found.tolerance, found.floor) = (tolerance, floor);
            for left in [0.0, 1e-9, 3.0, f64::INFINITY] {
                let agrees = found.judged(left, 0.0, WIDER);
                assert!((-1.0..=1.0).contains(&agrees), "{left} of {tolerance}, {floor}: {agrees}");
            }
        }
    }

    #[test]
    fn few_arrays_meet_all_others_and_many_meet_some_each() {
        assert_eq!(pairs(4, 0).len(), 6);
        let many = pairs(256, 3);
        assert!(many.len() <= 256 * PARTNERS / 2 && many.len() > 900, "{}", many.len());
        assert_eq!(many, pairs(256, 3));
        assert_ne!(many, pairs(256, 4));
        for array in 0..256 {
            let met = many.iter().filter(|(one, other)| *one == array || *other == array).count();
            assert!((2..=PARTNERS).contains(&met), "array {array} meets {met}");
        }
    }
}
