//! Reading back what is left of a picture in a field: a line through what a pixel's sites show, and the pictures that are known.
//!
//! What a line explains of the impressions, R², makes the memory's temperature: a reading over R² is the impression with noise
//! of the variance `(1 - R²)/R²` times its own, and the memory's softmax is then the posterior over the pictures that it knows.

use super::dense::{Dense, Projection};
use crate::kernel::least_squares::{line, solved};

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

/// A line from a whole trace to all numbers of a picture, by ridge regression: a memory's rival of as many numbers as it has.
pub struct Ridge {
    /// What it was fitted on, less its mean, and how much each counts for each number.
    traces: Vec<Vec<f64>>,
    shares: Vec<Vec<f64>>,
    means: [Vec<f64>; 2],
}

/// Penalties that are tried, in units of the mean square of a trace.
const PENALTIES: [f64; 5] = [0.01, 0.1, 1.0, 10.0, 100.0];

impl Ridge {
    /// Fits on `traces`, with the penalty under which the first half of them reads the second best.
    ///
    /// # Panics
    /// Where lengths do not agree or there are fewer than two traces.
    #[must_use]
    pub fn fit(traces: &[&[f32]], truths: &[&[f32]]) -> Self {
        assert!(traces.len() > 1 && traces.len() == truths.len(), "two traces or more, a truth for each");
        let half = traces.len() / 2;
        let likeness = |penalty: f64| {
            let fitted = Self::with(&traces[..half], &truths[..half], penalty);
            let pairs = traces[half..].iter().zip(&truths[half..]);
            pairs.map(|(trace, truth)| correlation(&fitted.read(trace), truth)).sum::<f64>()
        };
        let found: Vec<f64> = PENALTIES.iter().map(|penalty| likeness(*penalty)).collect();
        let best = (0..found.len()).max_by(|a, b| found[*a].total_cmp(&found[*b])).unwrap_or_default();
        Self::with(traces, truths, PENALTIES[best])
    }

    /// In the space of the traces, of which there are fewer than numbers in each.
    fn with(traces: &[&[f32]], truths: &[&[f32]], penalty: f64) -> Self {
        let (traces, mean_trace) = centred(traces);
        let (truths, mean_truth) = centred(truths);
        let count = traces.len();
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let mut matrix: Vec<f64> =
            (0..count * count).map(|at| product(&traces[at / count], &traces[at % count])).collect();
        let square = (0..count).map(|at| matrix[at * count + at]).sum::<f64>() / count as f64;
        for at in 0..count {
            matrix[at * count + at] += penalty * square.max(1e-12);
        }
        let rights: Vec<f64> =
            (0..mean_truth.len()).flat_map(|number| truths.iter().map(move |truth| truth[number])).collect();
        let shares = solved(&matrix, &rights).unwrap_or_else(|| vec![0.0; rights.len()]);
        let shares = shares.chunks_exact(count).map(<[f64]>::to_vec).collect();
        Self { traces, shares, means: [mean_trace, mean_truth] }
    }

    /// All numbers of the picture that left a trace.
    #[must_use]
    pub fn read(&self, trace: &[f32]) -> Vec<f32> {
        let [mean_trace, mean_truth] = &self.means;
        let apart: Vec<f64> = trace.iter().zip(mean_trace).map(|(x, mean)| f64::from(*x) - mean).collect();
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let like: Vec<f64> = self.traces.iter().map(|known| product(known, &apart)).collect();
        self.shares
            .iter()
            .zip(mean_truth)
            .map(|(shares, mean)| (mean + product(shares, &like)) as f32)
            .collect()
    }
}

/// Rows less their mean, and the mean.
fn centred(rows: &[&[f32]]) -> (Vec<Vec<f64>>, Vec<f64>) {
    let mut mean = vec![0.0; rows[0].len()];
    for row in rows {
        mean.iter_mut().zip(*row).for_each(|(mean, x)| *mean += f64::from(*x) / rows.len() as f64);
    }
    let less = |row: &&[f32]| row.iter().zip(&mean).map(|(x, mean)| f64::from(*x) - mean).collect();
    (rows.iter().map(less).collect(), mean)
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

    #[test]
    fn a_ridge_finds_what_a_line_of_whole_traces_made_and_nothing_in_noise() {
        let mut draws = Stream::new(2, 1);
        let mut many = |count: usize, length: usize| -> Vec<Vec<f32>> {
            (0..count).map(|_| (0..length).map(|_| draws.normal() as f32).collect()).collect()
        };
        let traces = many(60, 8);
        let truths: Vec<Vec<f32>> =
            traces.iter().map(|x| vec![x[0] + x[5], x[1] - x[2], 2.0 * x[7]]).collect();
        let noise = many(60, 3);
        let borrowed = |of: &[Vec<f32>]| -> Vec<Vec<f32>> { of[..40].to_vec() };
        let likeness = |truths: &[Vec<f32>]| {
            let (x, y) = (borrowed(&traces), borrowed(truths));
            let [x, y] = [&x, &y].map(|of| of.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let ridge = Ridge::fit(&x, &y);
            let read: Vec<f32> = traces[40..].iter().flat_map(|trace| ridge.read(trace)).collect();
            correlation(&read, &truths[40..].concat())
        };
        assert!(likeness(&truths) > 0.99, "{}", likeness(&truths));
        assert!(likeness(&noise).abs() < 0.4, "{}", likeness(&noise));
    }
}
