//! Dreams: the way back from the array's noise to what is known, window by window.
//!
//! ```text
//! x̂ = Σ_windows Σ_i softmax_i( -|x - x_i|²_window / 2 σ² ) x_i,    x ← x̂ + σ' n,    σ' < σ
//! ```
//!
//! `n` is the tonic field itself, three bands of it as luminance and chroma. At much noise every window is the mean of all that
//! is known; as the noise goes, each decides for itself, its neighbours overlapping it.

use super::super::picture::{Picture, Plane};
use super::episodes::{Episodes, softmax};
use super::{Moment, SIDE};

/// Steps of a dream: some three seconds at ten a second.
const STEPS: u32 = 32;
/// Noise of the first step and of the last but the pause, of a range of 1.
const NOISE: (f32, f32) = (6.0, 0.1);
/// Steps at its end in which it is looked at.
const PAUSE: u32 = 6;
/// Sides of a window, and how far its neighbour lies.
const WINDOW: usize = 32;
const STRIDE: usize = 8;

/// A dream on its way.
#[derive(Default)]
pub(super) struct Dream {
    step: u32,
    now: Option<Picture>,
}

impl Dream {
    /// Wakes.
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }

    /// A step on; what is seen of it.
    pub(super) fn step(&mut self, episodes: &Episodes, moment: &Moment) -> Picture {
        let along = self.step.min(STEPS) as f32 / STEPS as f32;
        let sigma = NOISE.0 * libm::powf(NOISE.1 / NOISE.0, along);
        let noise = noise(moment);
        let last = self.now.take().filter(|_| self.step > 0);
        let last = last.unwrap_or_else(|| noise.map(|plane| Plane::flat(plane.height, plane.width, 0.0)));
        let seen = if self.step > STEPS {
            last
        } else {
            parts(episodes, &last.with(&noise, |x, n| x + sigma * n), sigma)
        };
        self.step = (self.step + 1) % (STEPS + 1 + PAUSE);
        self.now = Some(seen.clone());
        seen
    }
}

/// The tonic field as noise of variance 1, as large as a picture.
fn noise(moment: &Moment) -> Picture {
    let (height, width) = moment.grain;
    let plane = |values: &Vec<f32>| {
        Plane { height, width, values: values.clone() }.resized(SIDE, SIDE).standardised()
    };
    Picture { planes: moment.tonic.iter().map(plane).collect() }
}

/// The mean of the episodes, each window by its own posterior under noise of `sigma`.
fn parts(episodes: &Episodes, x: &Picture, sigma: f32) -> Picture {
    let precision = 0.5 / (sigma * sigma);
    let hat: [f32; WINDOW] = std::array::from_fn(|at| {
        let far = (at as f32 + 0.5 - WINDOW as f32 / 2.0).abs() / (WINDOW as f32 / 2.0);
        (1.0 - far) * (1.0 - far)
    });
    let mut sums = x.map(|plane| Plane::flat(plane.height, plane.width, 0.0));
    let mut shares = Plane::flat(SIDE, SIDE, 0.0);
    let starts = || (0..=SIDE - WINDOW).step_by(STRIDE);
    for (top, left) in starts().flat_map(|top| starts().map(move |left| (top, left))) {
        let row = |y: usize| (top + y) * SIDE + left..(top + y) * SIDE + left + WINDOW;
        let far = |known: &Picture| {
            let planes = x.planes.iter().zip(&known.planes);
            let squares = |(a, b): (&Plane, &Plane)| {
                (0..WINDOW).map(|y| distance(&a.values[row(y)], &b.values[row(y)])).sum::<f32>()
            };
            -precision * planes.map(squares).sum::<f32>()
        };
        let weights = softmax(episodes.pictures().iter().map(far).collect());
        for (weight, known) in weights.iter().zip(episodes.pictures()).filter(|(weight, _)| **weight > 0.0) {
            for (sum, known) in sums.planes.iter_mut().zip(&known.planes) {
                for (y, down) in hat.iter().enumerate() {
                    let along = sum.values[row(y)].iter_mut().zip(&known.values[row(y)]).zip(&hat);
                    along.for_each(|((sum, x), right)| *sum += weight * down * right * x);
                }
            }
        }
        for (y, down) in hat.iter().enumerate() {
            shares.values[row(y)].iter_mut().zip(&hat).for_each(|(share, right)| *share += down * right);
        }
    }
    sums.map(|plane| plane.with(&shares, |sum, share| sum / share))
}

/// The sum of squared differences, in eight lanes.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += (a - b) * (a - b);
        }
    }
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::time::Tick;

    fn tonic(draws: &mut Stream) -> Moment {
        let plane = |draws: &mut Stream| (0..24 * 40).map(|_| draws.normal() as f32).collect::<Vec<f32>>();
        let tonic = std::array::from_fn(|_| plane(draws));
        Moment { tick: Tick(0), grain: (24, 40), tonic, ..Moment::default() }
    }

    #[test]
    fn a_dream_begins_with_the_mean_and_ends_with_what_is_known() {
        let known =
            |values: [f32; 3]| Picture { planes: values.map(|x| Plane::flat(SIDE, SIDE, x)).to_vec() };
        let mut episodes = Episodes::new(1, 8, 0);
        episodes.learn(&[0.0], &known([0.2, 0.1, 0.0]));
        episodes.learn(&[1.0], &known([0.8, -0.1, 0.0]));
        let (mut dream, mut draws) = (Dream::default(), Stream::new(3, 0));
        let first = dream.step(&episodes, &tonic(&mut draws));
        let middle = first.planes[0].values.iter().sum::<f32>() / (SIDE * SIDE) as f32;
        assert!((middle - 0.5).abs() < 0.25, "{middle}");
        let mut last = first;
        for _ in 0..STEPS {
            last = dream.step(&episodes, &tonic(&mut draws));
        }
        let near = |x: &f32| (x - 0.2).abs() < 0.01 || (x - 0.8).abs() < 0.01;
        let settled = last.planes[0].values.iter().filter(|x| near(x)).count();
        assert!(settled > SIDE * SIDE / 2, "{settled} of {} pixels are of one that is known", SIDE * SIDE);
        // It is looked at, and then another begins.
        for _ in 0..PAUSE {
            assert_eq!(dream.step(&episodes, &tonic(&mut draws)), last);
        }
        assert_ne!(dream.step(&episodes, &tonic(&mut draws)), last);
    }
}
