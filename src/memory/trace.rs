//! Reading back what is left of a picture in a field: a line through what a pixel's sites show, and the pictures that are known.
//!
//! What a line explains of the impressions, R², makes the memory's temperature: a reading over R² is the impression with noise
//! of the variance `(1 - R²)/R²` times its own, and the memory's softmax is then the posterior over the pictures that it knows.

use super::dense::{Dense, Projection};
use crate::kernel::least_squares::line;

/// A line from what is left of a pixel to a number of it.
#[derive(Clone, Debug)]
pub struct Line {
    /// A weight for each number that is left, and at the end what is added.
    weights: Vec<f64>,
    /// R²: how much of the number's variance the line explains on flashes that it was not fitted on.
    pub explained: f64,
}

impl Line {
    /// Fits a line on the first half of `traces`, each `pixels x count` numbers, and holds it against the second.
    ///
    /// # Panics
    /// Where lengths do not agree or there are fewer than two traces.
    #[must_use]
    pub fn fit(traces: &[&[f32]], truths: &[&[f32]]) -> Self {
        assert!(traces.len() > 1 && traces.len() == truths.len(), "two traces or more, a truth for each");
        let count = traces[0].len() / truths[0].len();
        let half = traces.len() / 2;
        let rows = |from: &[&[f32]]| -> Vec<f64> {
            let with_one = |row: &[f32]| row.iter().map(|x| f64::from(*x)).chain([1.0]).collect::<Vec<f64>>();
            from.iter().flat_map(|trace| trace.chunks_exact(count).flat_map(with_one)).collect()
        };
        let numbers = |from: &[&[f32]]| -> Vec<f64> {
            from.iter().flat_map(|t| t.iter().map(|x| f64::from(*x))).collect()
        };
        let weights =
            line(&rows(&traces[..half]), &numbers(&truths[..half])).unwrap_or_else(|| vec![0.0; count + 1]);
        let mut fitted = Self { weights, explained: 0.0 };
        let read: Vec<f32> = traces[half..].iter().flat_map(|trace| fitted.read(trace)).collect();
        let r = correlation(&read, &truths[half..].concat());
        fitted.explained = r.max(0.0) * r.max(0.0);
        fitted
    }

    /// The number of every pixel.
    #[must_use]
    pub fn read(&self, trace: &[f32]) -> Vec<f32> {
        let Some((added, weights)) = self.weights.split_last() else { return Vec::new() };
        let number =
            |row: &[f32]| row.iter().zip(weights).map(|(x, w)| f64::from(*x) * w).sum::<f64>() + added;
        trace.chunks_exact(weights.len()).map(|row| number(row) as f32).collect()
    }
}

/// Pictures that are known, by what the retina makes of them.
pub struct Known {
    memory: Dense,
    area: usize,
    mean: f32,
    variance: f32,
}

impl Known {
    /// Learns impressions and pictures in one pass.
    ///
    /// # Panics
    /// Where there are none or lengths differ.
    #[must_use]
    pub fn new(impressions: &[&[f32]], pictures: &[&[f32]]) -> Self {
        let area = impressions[0].len();
        let mut memory = Dense::new(2 * area, impressions.len(), 0);
        for (impression, picture) in impressions.iter().zip(pictures) {
            assert!(impression.len() == area && picture.len() == area, "pictures of one size");
            memory.append(&[*impression, *picture].concat(), 1.0);
        }
        let numbers = || impressions.iter().copied().flatten().copied().map(f64::from);
        let count = (impressions.len() * area) as f64;
        let mean = numbers().sum::<f64>() / count;
        let variance = numbers().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
        Self { memory, area, mean: mean as f32, variance: variance as f32 }
    }

    /// What `line` reads from a trace, as an impression with noise.
    fn noisy(&self, line: &Line, trace: &[f32]) -> Vec<f32> {
        let explained = explained(line);
        line.read(trace).iter().map(|x| self.mean + (x - self.mean) / explained).collect()
    }

    /// The pictures that traces recall: of each the mean of all that are known, by their posterior probabilities.
    #[must_use]
    pub fn recall(&self, line: &Line, traces: &[&[f32]]) -> Vec<Vec<f32>> {
        let seen: Vec<f32> = traces.iter().flat_map(|trace| self.noisy(line, trace)).collect();
        let noise = (self.variance * (1.0 - explained(line)) / explained(line)).sqrt();
        let mut look = vec![0.0; self.area * 2 * self.area];
        for at in 0..self.area {
            look[at * 2 * self.area + at] = 1.0;
        }
        let look = Projection::new(look, 2 * self.area);
        let rows = self.memory.read(&look, &seen, noise, 1);
        rows.chunks_exact(2 * self.area).map(|row| row[self.area..].to_vec()).collect()
    }

    /// Which of all known pictures a trace is most likely of.
    #[must_use]
    pub fn choose(&self, line: &Line, trace: &[f32]) -> usize {
        let seen = self.noisy(line, trace);
        let apart = |row: &[f32]| row.iter().zip(&seen).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
        let distances = self.memory.rows().chunks_exact(2 * self.area).map(|row| apart(&row[..self.area]));
        let nearest = distances.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        nearest.map_or(0, |(at, _)| at)
    }
}

/// What a line explains, so that it may be divided by.
fn explained(line: &Line) -> f32 {
    line.explained.clamp(1e-6, 0.999_999) as f32
}

/// Pearson's correlation; 0 where one of both does not vary.
#[must_use]
pub fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let mean = |of: &[f32]| of.iter().map(|x| f64::from(*x)).sum::<f64>() / of.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let [mut ab, mut aa, mut bb] = [0.0; 3];
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (f64::from(*a) - mean_a, f64::from(*b) - mean_b);
        (ab, aa, bb) = (ab + a * b, aa + a * a, bb + b * b);
    }
    if aa > 0.0 && bb > 0.0 { ab / (aa * bb).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn a_line_finds_the_weights_that_made_its_numbers() {
        let mut draws = Stream::new(1, 1);
        let traces: Vec<Vec<f32>> =
            (0..4).map(|_| (0..200).map(|_| draws.between(0.0, 2.0) as f32).collect()).collect();
        let truth =
            |trace: &Vec<f32>| trace.chunks(2).map(|x| 0.5 * x[0] - 2.0 * x[1] + 1.0).collect::<Vec<f32>>();
        let truths: Vec<Vec<f32>> = traces.iter().map(truth).collect();
        let borrowed = |of: &[Vec<f32>]| -> Vec<Vec<f32>> { of.to_vec() };
        let (a, b) = (borrowed(&traces), borrowed(&truths));
        let line = Line::fit(
            &a.iter().map(Vec::as_slice).collect::<Vec<_>>(),
            &b.iter().map(Vec::as_slice).collect::<Vec<_>>(),
        );
        assert!(line.explained > 0.999_999, "{}", line.explained);
        assert!((line.read(&[1.0, 1.0])[0] + 0.5).abs() < 1e-4);
    }
}
