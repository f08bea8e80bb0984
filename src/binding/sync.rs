//! Synchronisation: how far arrays are turned, shifted or late against one another, from what pairs of them tell.
//!
//! A pair tells `w e^{i(θ_k - θ_j)}` and may be wrong; most may. What all pairs together say best is the maximum of
//! `Re Σ conj(v_k) H_kj v_j` over phases `v = e^{iφ}` (Singer, "Angular synchronization by eigenvectors and semidefinite programming",
//! Appl Comput Harmon Anal 30:20, 2011). Two ways to it:
//!
//! ```text
//! φ_k' = Σ_j w_kj sin(φ_j + δ_kj - φ_k) / |Σ_j H_kj v_j|       Kuramoto's flow, frustrated (Sakaguchi and Kuramoto, Prog
//!                                                           Theor Phys 76:576, 1986), each array by a clock of its own
//! v = H v / |H v|                                            the leading eigenvector
//! ```
//!
//! Of `n` arrays whose pairs are right with probability `p` and else uniform, both find angles that correlate with the truth
//! from `p > 1 / sqrt(n)` on (there, section 5).

use core::f64::consts::TAU;
use std::sync::Arc;

use rustfft::num_complex::Complex64;
use rustfft::{Fft, FftPlanner};

use crate::random::Stream;

/// Steps in which the flow settles, and their length.
pub(super) const STEPS: usize = 200;
const STEP: f64 = 0.5;
/// Turns of the power iteration: to the size of the largest eigenvalue, and to the vector.
const SIZING: usize = 40;
const POWERS: usize = 120;
/// Sums side by side: a row's product is one sum for each of these, then theirs in order.
const SIDE_BY_SIDE: usize = 8;

/// What pairs of arrays tell of how they differ: a Hermitian matrix.
#[derive(Clone, Debug)]
pub struct Differences {
    count: usize,
    /// Row by row, rows padded with zeros to whole sums.
    re: Vec<f64>,
    im: Vec<f64>,
}

impl Differences {
    /// Of `count` arrays; no pair tells anything yet.
    #[must_use]
    pub fn new(count: usize) -> Self {
        let numbers = count * count.next_multiple_of(SIDE_BY_SIDE);
        Self { count, re: vec![0.0; numbers], im: vec![0.0; numbers] }
    }

    /// Arrays that agree where their number in `matrix`, `count` x `count`, is above 0, and contradict where it is below: differences
    /// of none and of half a turn.
    ///
    /// # Panics
    /// Where the matrix is not of that size.
    #[must_use]
    pub fn of_signs(matrix: &[f64], count: usize) -> Self {
        assert_eq!(matrix.len(), count * count, "a number for each pair");
        let mut found = Self::new(count);
        for (at, weight) in matrix.iter().enumerate() {
            let place = found.place(at / count, at % count);
            found.re[place] = *weight;
        }
        found
    }

    /// Pair `one`, `other` tells that the one's angle is `difference` radians ahead of the other's, with that weight.
    ///
    /// # Panics
    /// Where there is no such array, or both are one.
    pub fn tell(&mut self, one: usize, other: usize, difference: f64, weight: f64) {
        assert!(one < self.count && other < self.count && one != other, "a pair of arrays");
        let (re, im) = (weight * libm::cos(difference), weight * libm::sin(difference));
        let (there, back) = (self.place(one, other), self.place(other, one));
        (self.re[there], self.im[there]) = (re, im);
        (self.re[back], self.im[back]) = (re, -im);
    }

    fn place(&self, one: usize, other: usize) -> usize {
        one * self.count.next_multiple_of(SIDE_BY_SIDE) + other
    }

    /// `out = (H + shift) v`; all by real and imaginary parts.
    fn times(&self, shift: f64, v: &[Vec<f64>; 2], out: &mut [Vec<f64>; 2]) {
        let row = self.count.next_multiple_of(SIDE_BY_SIDE);
        for at in 0..self.count {
            let (re, im) = (&self.re[at * row..][..row], &self.im[at * row..][..row]);
            let mut sums = [[0.0; SIDE_BY_SIDE]; 2];
            let numbers = re.chunks_exact(SIDE_BY_SIDE).zip(im.chunks_exact(SIDE_BY_SIDE));
            let vectors = v[0].chunks_exact(SIDE_BY_SIDE).zip(v[1].chunks_exact(SIDE_BY_SIDE));
            for ((re, im), (x, y)) in numbers.zip(vectors) {
                for lane in 0..SIDE_BY_SIDE {
                    sums[0][lane] += re[lane] * x[lane] - im[lane] * y[lane];
                    sums[1][lane] += re[lane] * y[lane] + im[lane] * x[lane];
                }
            }
            for (out, (sum, v)) in out.iter_mut().zip(sums.iter().zip(v)) {
                out[at] = shift * v[at] + sum.iter().sum::<f64>();
            }
        }
    }

    /// Angles in radians, -π to π, that Kuramoto's flow settles at from a seeded start; all may be turned alike.
    #[must_use]
    pub fn by_flow(&self, seed: u64) -> Vec<f64> {
        let mut phases = self.start(seed);
        self.follow(&mut phases, STEPS);
        phases.iter().map(|phase| turned(*phase)).collect()
    }

    /// Moves phases along the flow by so many steps from where they are.
    ///
    /// # Panics
    /// Where there is not a phase for each array.
    pub fn follow(&self, phases: &mut [f64], steps: usize) {
        assert_eq!(phases.len(), self.count, "a phase for each array");
        let mut v = self.none();
        let mut pull = self.none();
        for _ in 0..steps {
            for (at, phase) in phases.iter().enumerate() {
                (v[0][at], v[1][at]) = (libm::cos(*phase), libm::sin(*phase));
            }
            self.times(0.0, &v, &mut pull);
            for (at, phase) in phases.iter_mut().enumerate() {
                let (re, im) = (pull[0][at], pull[1][at]);
                // An array that no pair tells anything of stays where it is.
                let length = (re * re + im * im).sqrt().max(f64::MIN_POSITIVE);
                *phase += STEP * (im * v[0][at] - re * v[1][at]) / length;
            }
        }
    }

    /// The same by the leading eigenvector: power iteration from a seeded start.
    #[must_use]
    pub fn by_eigenvector(&self, seed: u64) -> Vec<f64> {
        let mut v = self.none();
        for (at, phase) in self.start(seed).into_iter().enumerate() {
            (v[0][at], v[1][at]) = (libm::cos(phase), libm::sin(phase));
        }
        let mut then = self.none();
        // The largest eigenvalue by size may be one below 0: with its size added, none is.
        let mut shift = 0.0;
        for turn in 0..SIZING + POWERS {
            self.times(shift, &v, &mut then);
            let square = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>();
            let length = (square(&then[0]) + square(&then[1])).sqrt().max(f64::MIN_POSITIVE);
            for (v, then) in v.iter_mut().zip(&then) {
                v.iter_mut().zip(then).for_each(|(v, then)| *v = then / length);
            }
            if turn + 1 == SIZING {
                shift = length;
            }
        }
        (0..self.count).map(|at| libm::atan2(v[1][at], v[0][at])).collect()
    }

    /// The same by what the pairs of array `one` alone tell: no synchronisation.
    ///
    /// # Panics
    /// Where there is no such array.
    #[must_use]
    pub fn of_one(&self, one: usize) -> Vec<f64> {
        assert!(one < self.count, "an array");
        let told = (0..self.count).map(|other| self.place(other, one));
        told.map(|place| libm::atan2(self.im[place], self.re[place])).collect()
    }

    fn start(&self, seed: u64) -> Vec<f64> {
        let mut draws = Stream::new(seed, 0);
        (0..self.count).map(|_| draws.between(0.0, TAU)).collect()
    }

    fn none(&self) -> [Vec<f64>; 2] {
        let none = vec![0.0; self.count.next_multiple_of(SIDE_BY_SIDE)];
        [none.clone(), none]
    }
}

/// The same angle from -π to π.
#[must_use]
pub fn turned(angle: f64) -> f64 {
    angle - TAU * (angle / TAU).round()
}

/// How well angles are those of `truth`, both in radians and up to one turn of all: 1 where they are, some `1 / sqrt(count)` by chance.
///
/// # Panics
/// Where there are not as many.
#[must_use]
pub fn correlation(found: &[f64], truth: &[f64]) -> f64 {
    assert_eq!(found.len(), truth.len(), "an angle for each");
    let (mut re, mut im) = (0.0, 0.0);
    for (found, truth) in found.iter().zip(truth) {
        re += libm::cos(found - truth);
        im += libm::sin(found - truth);
    }
    libm::hypot(re, im) / found.len().max(1) as f64
}

/// Lines that are to be held against one another at every lag, on a circle twice as long, so that no end meets the other.
pub struct Lags {
    length: usize,
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
}

impl Lags {
    /// Of lines of `length` numbers, at least 1.
    #[must_use]
    pub fn new(length: usize) -> Self {
        let mut planner = FftPlanner::new();
        let circle = 2 * length;
        Self { length, forward: planner.plan_fft_forward(circle), inverse: planner.plan_fft_inverse(circle) }
    }

    /// Lags on the circle: angles are `2π lag / circle`.
    #[must_use]
    pub fn circle(&self) -> usize {
        2 * self.length
    }

    /// A line's spectrum; beyond its ends there is nothing.
    ///
    /// # Panics
    /// Where the line has another length.
    #[must_use]
    pub fn spectrum(&self, line: &[f32]) -> Vec<Complex64> {
        assert_eq!(line.len(), self.length, "a line of the length");
        let mut out: Vec<Complex64> = line.iter().map(|x| Complex64::new(f64::from(*x), 0.0)).collect();
        out.resize(self.circle(), Complex64::default());
        self.forward.process(&mut out);
        out
    }

    /// How many numbers the lines of the one lie behind those of the other, to a part of a number by a parabola through the peak
    /// of their cross-correlation, summed over pairs of lines; and how alike they are there, 0 to 1. Of lines that are alike nowhere,
    /// both are 0.
    ///
    /// # Panics
    /// Where spectra are of another length.
    #[must_use]
    pub fn between(&self, pairs: &[(&[Complex64], &[Complex64])]) -> (f64, f64) {
        let (products, scale) = self.products(pairs);
        let (at, peak) = highest(&products, |_| true);
        if peak <= 0.0 { (0.0, 0.0) } else { (lag(&products, at), peak / scale) }
    }

    /// Products of the lines of the one and the other, summed over pairs of lines, where the one lies each number behind the other on
    /// the circle; and what they are at most.
    ///
    /// # Panics
    /// As [`Self::between`].
    #[must_use]
    pub fn products(&self, pairs: &[(&[Complex64], &[Complex64])]) -> (Vec<f64>, f64) {
        let circle = self.circle();
        let (mut both, mut powers) = (vec![Complex64::default(); circle], [0.0, 0.0]);
        for (one, other) in pairs {
            assert!(one.len() == circle && other.len() == circle, "spectra of lines");
            for (both, (one, other)) in both.iter_mut().zip(one.iter().zip(*other)) {
                *both += one * other.conj();
                powers[0] += one.norm_sqr();
                powers[1] += other.norm_sqr();
            }
        }
        self.inverse.process(&mut both);
        (both.iter().map(|x| x.re).collect(), (powers[0] * powers[1]).sqrt().max(f64::MIN_POSITIVE))
    }
}

/// Where numbers are highest of those places that count, the last of equal ones, and how high; 0 and 0 of none.
pub(super) fn highest(numbers: &[f64], counts: impl Fn(usize) -> bool) -> (usize, f64) {
    let places = (0..numbers.len()).filter(|at| counts(*at));
    let at = places.max_by(|one, other| numbers[*one].total_cmp(&numbers[*other]));
    at.map_or((0, 0.0), |at| (at, numbers[at]))
}

/// The lag of a peak on a circle, to a part of a number by a parabola, from minus half the circle to half of it.
pub(super) fn lag(numbers: &[f64], at: usize) -> f64 {
    let circle = numbers.len();
    let [before, peak, after] = [circle - 1, 0, 1].map(|by| numbers[(at + by) % circle]);
    let bend = (before - 2.0 * peak + after).min(-f64::MIN_POSITIVE);
    let lag = at as f64 + (0.5 * (before - after) / bend).clamp(-0.5, 0.5);
    if lag > circle as f64 / 2.0 { lag - circle as f64 } else { lag }
}

/// Where angles are those of a circle that is `circle` long, by how much each is ahead of the middle one: their differences
/// on the circle are within half of it.
#[must_use]
pub fn on_a_circle(angles: &[f64], circle: f64) -> Vec<f64> {
    let (mut re, mut im) = (0.0, 0.0);
    for angle in angles {
        re += libm::cos(*angle);
        im += libm::sin(*angle);
    }
    let mean = libm::atan2(im, re);
    let mut found: Vec<f64> = angles.iter().map(|angle| turned(angle - mean) / TAU * circle).collect();
    from_the_middle(&mut found);
    found
}

/// Takes the middle one of some numbers from all of them.
pub(super) fn from_the_middle(numbers: &mut [f64]) {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    for x in numbers {
        *x -= middle;
    }
}

#[cfg(test)]
mod tests {
    use core::f64::consts::PI;

    use super::*;

    /// Angles, and what pairs tell of them: right with probability `right`, else anything.
    fn told(count: usize, right: f64, seed: u64) -> (Vec<f64>, Differences) {
        let mut draws = Stream::new(seed, 7);
        let truth: Vec<f64> = (0..count).map(|_| draws.between(-PI, PI)).collect();
        let mut differences = Differences::new(count);
        for one in 0..count {
            for other in one + 1..count {
                let is_right = draws.uniform() < right;
                let any = draws.between(-PI, PI);
                let difference = if is_right { truth[one] - truth[other] } else { any };
                differences.tell(one, other, difference, 1.0);
            }
        }
        (truth, differences)
    }

    #[test]
    fn angles_are_found_though_nine_pairs_of_ten_are_wrong() {
        let (truth, differences) = told(200, 0.15, 3);
        for found in [differences.by_flow(1), differences.by_eigenvector(1)] {
            let correlation = correlation(&found, &truth);
            assert!(correlation > 0.85, "{correlation}");
        }
        // One array's pairs alone are as wrong as all.
        assert!(correlation(&differences.of_one(0), &truth) < 0.4);
        let (truth, differences) = told(40, 1.0, 4);
        for found in [differences.by_flow(1), differences.by_eigenvector(1)] {
            assert!(correlation(&found, &truth) > 1.0 - 1e-9);
        }
        assert!(correlation(&differences.of_one(7), &truth) > 1.0 - 1e-9);
    }

    #[test]
    fn where_all_pairs_are_wrong_nothing_is_found() {
        let (truth, differences) = told(200, 0.0, 5);
        for found in [differences.by_flow(1), differences.by_eigenvector(1)] {
            assert!(correlation(&found, &truth) < 0.25);
        }
        assert!(correlation(&Differences::new(3).by_flow(2), &[0.0; 3]) <= 1.0);
        assert!(
            Differences::new(0).by_flow(2).is_empty() && Differences::new(0).by_eigenvector(2).is_empty()
        );
    }

    #[test]
    fn a_line_is_found_where_it_was_moved_to_a_part_of_a_number() {
        let bump = |middle: f64| -> Vec<f32> {
            (0..64)
                .map(|at| libm::exp(-0.02 * (f64::from(at) - middle) * (f64::from(at) - middle)) as f32)
                .collect()
        };
        let lags = Lags::new(64);
        for moved in [-8.0, -3.25, 0.0, 0.5, 9.75] {
            let (one, other) = (lags.spectrum(&bump(30.0 + moved)), lags.spectrum(&bump(30.0)));
            let (lag, alike) = lags.between(&[(&one, &other)]);
            assert!((lag - moved).abs() < 0.1 && alike > 0.7, "{moved}: {lag}, {alike}");
        }
    }

    #[test]
    fn angles_of_a_circle_are_numbers_ahead_of_the_middle_one() {
        let angle = |lag: f64| turned(3.0 + TAU * lag / 128.0);
        let found = on_a_circle(&[5.0, -20.0, 0.0, 0.0, 0.0].map(angle), 128.0);
        let wanted = [5.0, -20.0, 0.0, 0.0, 0.0];
        assert!(found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-9), "{found:?}");
        assert!(on_a_circle(&[], 4.0).is_empty());
    }
}
