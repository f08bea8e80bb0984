//! A line that is fitted as a run goes on: from what is left of a pixel to its impression, forgetting slowly.

use crate::kernel::least_squares::solved;

/// What is left of a sum after a moment: it reaches back some twenty seconds.
const KEPT: f64 = 0.995;
/// Moments before it is trusted.
const LEAST: u64 = 20;
/// Moments between two fits.
const FIT_EVERY: u64 = 5;

/// The line, its sums, and how well it did on what it had not met yet.
pub(super) struct FollowingLine {
    bands: usize,
    /// `bands + 1` squared, and its right side.
    normal: Vec<f64>,
    right: Vec<f64>,
    weights: Option<Vec<f64>>,
    moments: u64,
    /// Of readings and truths: counts, sums, squares and products.
    count: f64,
    sums: [f64; 2],
    squares: [f64; 2],
    products: f64,
}

impl FollowingLine {
    pub(super) fn new(bands: usize) -> Self {
        let wide = bands + 1;
        Self {
            bands,
            normal: vec![0.0; wide * wide],
            right: vec![0.0; wide],
            weights: None,
            moments: 0,
            count: 0.0,
            sums: [0.0; 2],
            squares: [0.0; 2],
            products: 0.0,
        }
    }

    /// Meets a trace, band by band, and the impression that it is of.
    pub(super) fn follow(&mut self, trace: &[f32], impression: &[f32]) {
        let pixels = impression.len();
        if let Some(weights) = &self.weights {
            let forget = |sum: &mut f64| *sum *= KEPT;
            self.sums.iter_mut().chain(&mut self.squares).for_each(forget);
            self.products *= KEPT;
            self.count = self.count * KEPT + pixels as f64;
            for (at, truth) in impression.iter().enumerate() {
                let (read, truth) = (reading(weights, trace, pixels, at), f64::from(*truth));
                for (part, value) in [read, truth].into_iter().enumerate() {
                    self.sums[part] += value;
                    self.squares[part] += value * value;
                }
                self.products += read * truth;
            }
        }
        self.normal.iter_mut().chain(&mut self.right).for_each(|sum| *sum *= KEPT);
        let wide = self.bands + 1;
        let mut row = vec![1.0; wide];
        for (at, truth) in impression.iter().enumerate() {
            for (band, number) in row[..self.bands].iter_mut().enumerate() {
                *number = f64::from(trace[band * pixels + at]);
            }
            for (i, x) in row.iter().enumerate() {
                self.right[i] += x * f64::from(*truth);
                for (j, y) in row.iter().enumerate() {
                    self.normal[i * wide + j] += x * y;
                }
            }
        }
        self.moments += 1;
        if self.moments.is_multiple_of(FIT_EVERY) {
            self.fit();
        }
    }

    /// Solves for the weights. What a band never shows gets none: the smallest ridge sees to that.
    fn fit(&mut self) {
        let wide = self.bands + 1;
        let most = (0..wide).map(|at| self.normal[at * (wide + 1)]).fold(0.0, f64::max);
        let mut ridged = self.normal.clone();
        (0..wide).for_each(|at| ridged[at * (wide + 1)] += 1e-9 * most);
        self.weights = solved(&ridged, &self.right).or_else(|| self.weights.take());
    }

    /// R² of readings on moments that had not been met; `None` before it is known.
    pub(super) fn explained(&self) -> Option<f64> {
        if self.moments < LEAST || self.count <= 0.0 {
            return None;
        }
        let [read, truth] = [0, 1].map(|part| self.variance(part));
        let together = self.products / self.count - self.sums[0] * self.sums[1] / (self.count * self.count);
        (read > 0.0 && truth > 0.0).then(|| (together.max(0.0) * together.max(0.0) / (read * truth)).min(1.0))
    }

    fn variance(&self, part: usize) -> f64 {
        let mean = self.sums[part] / self.count;
        self.squares[part] / self.count - mean * mean
    }

    /// What a trace reads as: an impression with noise, and the noise's standard deviation. `None` before the line is trusted
    /// and where it explains nothing.
    pub(super) fn read(&self, trace: &[f32], pixels: usize) -> Option<(Vec<f32>, f32)> {
        let weights = self.weights.as_ref()?;
        let explained = self.explained()?.clamp(0.0, 0.999);
        if explained < 1e-3 {
            return None;
        }
        let mean = self.sums[1] / self.count;
        let noise = (self.variance(1) * (1.0 - explained) / explained).sqrt();
        let number = |at: usize| (mean + (reading(weights, trace, pixels, at) - mean) / explained) as f32;
        Some(((0..pixels).map(number).collect(), noise as f32))
    }
}

fn reading(weights: &[f64], trace: &[f32], pixels: usize, at: usize) -> f64 {
    let bands = weights.len() - 1;
    (0..bands).map(|band| weights[band] * f64::from(trace[band * pixels + at])).sum::<f64>() + weights[bands]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn it_finds_what_explains_and_says_how_much() {
        let mut draws = Stream::new(5, 1);
        let (mut line, mut deaf) = (FollowingLine::new(2), FollowingLine::new(2));
        let mut last = (Vec::new(), Vec::new());
        for _ in 0..60 {
            let trace: Vec<f32> = (0..200).map(|_| draws.normal() as f32).collect();
            let truth: Vec<f32> = (0..100).map(|at| 2.0 * trace[at] - trace[100 + at] + 3.0).collect();
            let other: Vec<f32> = (0..100).map(|_| draws.normal() as f32).collect();
            line.follow(&trace, &truth);
            deaf.follow(&trace, &other);
            last = (trace, truth);
        }
        assert!(line.explained().unwrap() > 0.999);
        assert!(deaf.explained().unwrap() < 0.01);
        let (read, noise) = line.read(&last.0, 100).unwrap();
        assert!(read.iter().zip(&last.1).all(|(a, b)| (a - b).abs() < 0.05));
        assert!(noise < 0.2);
    }

    #[test]
    fn a_band_that_shows_nothing_does_not_stand_in_the_way() {
        let mut draws = Stream::new(6, 1);
        let mut line = FollowingLine::new(3);
        for _ in 0..40 {
            let mut trace = vec![0.0; 300];
            trace[100..200].iter_mut().for_each(|x| *x = draws.normal() as f32);
            let truth: Vec<f32> = trace[100..200].iter().map(|x| 1.0 - x).collect();
            line.follow(&trace, &truth);
        }
        assert!(line.explained().unwrap() > 0.999);
    }

    #[test]
    fn nothing_is_read_before_it_is_known() {
        let mut line = FollowingLine::new(1);
        for _ in 0..LEAST - 1 {
            line.follow(&[1.0, 2.0], &[1.0, 2.0]);
            assert_eq!(line.read(&[1.0, 2.0], 2), None);
        }
    }
}
