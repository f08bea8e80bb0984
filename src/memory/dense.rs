//! A dense associative memory: to learn is to append a row, to read is softmax attention.
//!
//! ```text
//! x̂(q) = Σ_i softmax_i( ln n_i - |A q - A x_i|² / 2 h² ) x_i
//! ```
//!
//! which is the exact denoiser of the rows `x_i` under noise of variance `h²`, and the update of a modern Hopfield
//! network. `n_i` is how often row `i` was met: what a row already predicts is counted, not stored again.
//!
//! Sources: Krotov and Hopfield, NIPS 2016; Ramsauer et al., arXiv 2008.02217; Pham et al., arXiv 2505.21777, diffusion as
//! associative memory.

use crate::error::{Error, Result};
use crate::kernel::attention::{Bank, Each, Law, QUERIES, attend};
use crate::kernel::shortlist::nearest;
use crate::random::{philox4x32, split};

/// Rows of `dims` numbers, at most `capacity` of them.
///
/// A full memory forgets a row drawn at random, by its seed and how much was written before, for each that it takes: what
/// was just met is always known, and older rows fade by chance, with half of them gone after `capacity ln 2` more.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    dims: usize,
    capacity: usize,
    rows: Vec<f32>,
    counts: Vec<f32>,
    written: u64,
    seed: u64,
}

/// The largest number of a row that is taken from a file.
const LARGEST: f32 = 1e6;

/// What became of rows that were offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Learned {
    /// Stored: no row had predicted them.
    pub written: u64,
    /// Counted at the row that predicted them.
    pub predicted: u64,
    /// Rows that made room.
    pub forgotten: u64,
}

impl Learned {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            written: self.written + other.written,
            predicted: self.predicted + other.predicted,
            forgotten: self.forgotten + other.forgotten,
        }
    }
}

/// A linear look at a row: `out x dims`, row by row.
#[derive(Clone, Debug)]
pub struct Projection {
    matrix: Vec<f32>,
    dims: usize,
}

impl Projection {
    /// From its matrix.
    ///
    /// # Panics
    /// Where the matrix has no whole rows of `dims`.
    #[must_use]
    pub fn new(matrix: Vec<f32>, dims: usize) -> Self {
        assert!(dims > 0 && !matrix.is_empty() && matrix.len().is_multiple_of(dims), "whole rows of `dims`");
        Self { matrix, dims }
    }

    /// Numbers of a look.
    #[must_use]
    pub fn out(&self) -> usize {
        self.matrix.len() / self.dims
    }

    /// Looks at rows of `dims` numbers.
    #[must_use]
    pub fn of(&self, rows: &[f32]) -> Vec<f32> {
        let look = |row: &[f32]| {
            let product = |line: &[f32]| line.iter().zip(row).map(|(a, x)| a * x).sum::<f32>();
            self.matrix.chunks_exact(self.dims).map(product).collect::<Vec<f32>>()
        };
        rows.chunks_exact(self.dims).flat_map(look).collect()
    }
}

impl Dense {
    /// An empty memory.
    ///
    /// # Panics
    /// Where `dims` or `capacity` is 0.
    #[must_use]
    pub fn new(dims: usize, capacity: usize, seed: u64) -> Self {
        assert!(dims > 0 && capacity > 0, "rows of at least one number, room for at least one row");
        Self { dims, capacity, rows: Vec::new(), counts: Vec::new(), written: 0, seed }
    }

    /// A memory of these rows, each with how often it was met.
    ///
    /// # Errors
    /// Which part is wrong: a length, no room, a count below 1, a number that is not finite.
    pub fn from_parts(
        (dims, capacity, seed): (usize, usize, u64),
        rows: Vec<f32>,
        counts: Vec<f32>,
        written: u64,
    ) -> std::result::Result<Self, String> {
        if dims == 0 || capacity < counts.len() || rows.len() != dims.saturating_mul(counts.len()) {
            return Err(format!("{} numbers are not {} rows of {dims}", rows.len(), counts.len()));
        }
        if capacity == 0 {
            return Err("there is room for no row".to_owned());
        }
        // Of pictures no number is beyond 1; squares of much larger ones are none.
        if let Some(at) = rows.iter().position(|x| !x.is_finite() || x.abs() > LARGEST) {
            return Err(format!("row {} holds {}, beyond {LARGEST}", at / dims, rows[at]));
        }
        if let Some(at) = counts.iter().position(|n| !n.is_finite() || *n < 1.0) {
            return Err(format!("row {at} was met {} times", counts[at]));
        }
        Ok(Self { dims, capacity, rows, counts, written, seed })
    }

    /// Rows that it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Numbers of a row.
    #[must_use]
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// The most rows that it holds.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Rows that were ever written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The seed of its forgetting.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// All rows, one after the other.
    #[must_use]
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// How often each row was met, from 1 up.
    #[must_use]
    pub fn counts(&self) -> &[f32] {
        &self.counts
    }

    /// Where the next row goes: behind the others, or in a full memory in the place of one drawn at random.
    #[must_use]
    pub fn next_place(&self) -> usize {
        if self.len() < self.capacity {
            return self.len();
        }
        let [low, high] = split(self.written);
        // The fourth word sets these draws apart from other uses of the generator under the same seed.
        let word = philox4x32([low, high, 0, 0x4D45_4D4F], split(self.seed))[0];
        ((u64::from(word) * self.capacity as u64) >> 32) as usize
    }

    /// Learns a row in one shot, whatever is known; tells whether another was forgotten for it.
    ///
    /// # Panics
    /// Where the row has another length.
    pub fn append(&mut self, row: &[f32], count: f32) -> bool {
        assert_eq!(row.len(), self.dims, "a row of the memory's length");
        let place = self.next_place();
        self.written += 1;
        if place == self.len() {
            self.rows.extend_from_slice(row);
            self.counts.push(count);
            return false;
        }
        self.rows[place * self.dims..][..self.dims].copy_from_slice(row);
        self.counts[place] = count;
        true
    }

    /// Learns what surprises: a row is stored where no row that is held lies within `tolerance` of it, as the rms of
    /// their difference; else the nearest is counted once more. Rows are looked up 32 at a time, in their order: those of
    /// one look do not know each other, and whose nearest was forgotten for another of them is stored.
    ///
    /// # Errors
    /// Where a number is not finite: nothing is learned then.
    pub fn learn(&mut self, rows: &[f32], tolerance: f32) -> Result<Learned> {
        if let Some(at) = rows.iter().position(|x| !x.is_finite()) {
            let error =
                Error::new(crate::error::Kind::Numeric, "memory", "what is to be learned is no number");
            return Err(error.at(format!("row {}", at / self.dims)).value(rows[at]).bound("finite"));
        }
        Ok(self.take(rows, std::iter::repeat(1.0), tolerance))
    }

    /// Stores rows or counts them, each as often as its count says.
    fn take(&mut self, rows: &[f32], mut counts: impl Iterator<Item = f32>, tolerance: f32) -> Learned {
        let far = tolerance * tolerance * self.dims as f32;
        let mut learned = Learned::default();
        let mut replaced = Vec::new();
        for batch in rows.chunks(self.dims * QUERIES) {
            replaced.clear();
            let found = if self.is_empty() {
                ([0; QUERIES], [f32::INFINITY; QUERIES])
            } else {
                nearest(&self.rows, self.dims, &blocks(batch, self.dims))[0]
            };
            for ((lane, row), count) in batch.chunks_exact(self.dims).enumerate().zip(&mut counts) {
                let near = found.0[lane] as usize;
                // What was found at a place that another row has taken since is known no more.
                if found.1[lane] > far || replaced.contains(&near) {
                    let place = self.next_place();
                    if self.append(row, count) {
                        replaced.push(place);
                        learned.forgotten += 1;
                    }
                    learned.written += 1;
                } else {
                    self.counts[near] += count;
                    learned.predicted += 1;
                }
            }
        }
        learned
    }

    /// Takes in the rows of another memory as if it met them now, each as often as that did: what it knows is counted, the
    /// rest is stored. It has room for as many as the larger of both. Rows are looked up as in [`Self::learn`], so that two
    /// of the other's that are alike can both be stored.
    ///
    /// # Errors
    /// Where their rows are of another length.
    pub fn merge(&mut self, other: &Self, tolerance: f32) -> Result<Learned> {
        if other.dims != self.dims {
            let error = Error::new(crate::error::Kind::Input, "memory", "rows of another length");
            return Err(error.value(other.dims).bound(self.dims));
        }
        self.capacity = self.capacity.max(other.capacity);
        Ok(self.take(&other.rows, other.counts.iter().copied(), tolerance))
    }

    /// Reads the memory by what `look` saw of each query, `out` numbers each: the rows' mean under `h = temperature`.
    ///
    /// # Panics
    /// Where the memory is empty or lengths do not agree.
    #[must_use]
    pub fn read(&self, look: &Projection, seen: &[f32], temperature: f32, threads: usize) -> Vec<f32> {
        let (keys, out) = (look.of(&self.rows), look.out());
        let precision = 1.0 / (temperature * temperature);
        let laws: Vec<Law> = keys
            .chunks_exact(out)
            .zip(&self.counts)
            .map(|(key, count)| point(key, *count, precision))
            .collect();
        let bank = Bank { keys: &keys, dims: out, values: &self.rows, width: self.dims, laws: &laws };
        let answer = attend(&bank, &blocks(seen, out), None, threads);
        rows_of(&answer.values, &answer.norms, self.dims, seen.len() / out)
    }

    /// Of `temperatures`, the one under which every row is best read from what `look` sees of it by all others: the mean
    /// square error over the numbers `judged`, all where it is empty.
    ///
    /// # Panics
    /// Where no temperature is given or there are fewer than two rows.
    #[must_use]
    pub fn best_temperature(&self, look: &Projection, temperatures: &[f32], judged: &[usize]) -> f32 {
        assert!(self.len() > 1 && !temperatures.is_empty(), "rows to leave out, temperatures to choose from");
        let keys = look.of(&self.rows);
        let (out, n) = (look.out(), self.len());
        let row = |at: usize| &self.rows[at * self.dims..][..self.dims];
        let apart = |a: usize, b: usize| -> f64 {
            let pairs = keys[a * out..][..out].iter().zip(&keys[b * out..][..out]);
            pairs.map(|(x, y)| f64::from(x - y) * f64::from(x - y)).sum()
        };
        let all: Vec<usize> = (0..self.dims).collect();
        let judged = if judged.is_empty() { &all[..] } else { judged };
        let mut errors = vec![0.0; temperatures.len()];
        for left in 0..n {
            let squares: Vec<f64> =
                (0..n).map(|other| if other == left { f64::INFINITY } else { apart(left, other) }).collect();
            let least = squares.iter().copied().fold(f64::INFINITY, f64::min);
            for (error, h) in errors.iter_mut().zip(temperatures) {
                let scale = 0.5 / f64::from(h * h);
                let weights: Vec<f64> =
                    squares.iter().map(|square| libm::exp((least - square) * scale)).collect();
                let norm: f64 = weights.iter().sum();
                for at in judged {
                    let mean: f64 =
                        weights.iter().enumerate().map(|(other, w)| w * f64::from(row(other)[*at])).sum();
                    let off = mean / norm - f64::from(row(left)[*at]);
                    *error += off * off;
                }
            }
        }
        let best = (0..errors.len()).min_by(|a, b| errors[*a].total_cmp(&errors[*b]));
        temperatures[best.unwrap_or_default()]
    }
}

/// The law of a point: the logit falls with the square of the distance.
fn point(key: &[f32], count: f32, precision: f32) -> Law {
    let square: f32 = key.iter().map(|x| x * x).sum();
    let fixed = libm::logf(count) - 0.5 * precision * square;
    Law { square: 0.0, line: precision, fixed, slope: 0.0, level: 1.0 }
}

/// Queries as blocks: part by part, 32 queries beside each other; the last block is filled with zeros.
#[must_use]
pub fn blocks(queries: &[f32], dims: usize) -> Vec<Each> {
    let count = queries.len() / dims;
    let mut out = vec![[0.0; QUERIES]; count.div_ceil(QUERIES) * dims];
    for (query, parts) in queries.chunks_exact(dims).enumerate() {
        let (block, lane) = (query / QUERIES, query % QUERIES);
        for (at, part) in parts.iter().enumerate() {
            out[block * dims + at][lane] = *part;
        }
    }
    out
}

/// The first `count` answers of blocks, over their norms, as rows.
#[must_use]
pub fn rows_of(values: &[Each], norms: &[Each], width: usize, count: usize) -> Vec<f32> {
    let number = |at: usize| {
        let (query, part) = (at / width, at % width);
        let (block, lane) = (query / QUERIES, query % QUERIES);
        values[block * width + part][lane] / norms[block][lane]
    };
    (0..count * width).map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn many(n: usize, seed: u64) -> Vec<f32> {
        let mut draws = Stream::new(seed, 0);
        (0..n).map(|_| draws.normal() as f32).collect()
    }

    fn whole(dims: usize) -> Projection {
        Projection::new(
            (0..dims * dims).map(|at| f32::from(u8::from(at % dims == at / dims))).collect(),
            dims,
        )
    }

    #[test]
    fn what_was_seen_once_is_read_back_from_half_of_it() {
        let mut memory = Dense::new(16, 100, 1);
        memory.learn(&many(16 * 50, 1), 0.0).unwrap();
        let half = Projection::new(whole(16).matrix[..8 * 16].to_vec(), 16);
        let back = memory.read(&half, &half.of(memory.rows()), 0.05, 2);
        assert!(back.iter().zip(memory.rows()).all(|(x, y)| (x - y).abs() < 1e-3));
    }

    #[test]
    fn what_is_predicted_is_counted_and_not_stored_again() {
        let mut memory = Dense::new(4, 100, 1);
        let rows = many(4 * 40, 2);
        assert_eq!(memory.learn(&rows, 0.01).unwrap().written, 40);
        let again = memory.learn(&rows, 0.01).unwrap();
        assert_eq!((again.written, again.predicted, memory.len()), (0, 40, 40));
        assert!(memory.counts().iter().all(|count| *count == 2.0));
        // Without tolerance for what differs a little, it is a surprise.
        let other: Vec<f32> = rows.iter().map(|x| x + 0.1).collect();
        assert_eq!(memory.learn(&other, 0.01).unwrap().written, 40);
    }

    #[test]
    fn a_full_memory_knows_the_newest_and_fades_the_older() {
        let mut memory = Dense::new(1, 1_000, 7);
        for n in 0..3_000 {
            memory.append(&[n as f32], 1.0);
            assert!(memory.rows().contains(&(n as f32)));
        }
        assert_eq!((memory.len(), memory.written()), (1_000, 3_000));
        let newer = memory.rows().iter().filter(|n| **n >= 2_000.0).count();
        // 1 - 1/e of them.
        assert!((580..680).contains(&newer), "{newer}");
        assert_eq!(memory, {
            let mut same = Dense::new(1, 1_000, 7);
            for n in 0..3_000 {
                same.append(&[n as f32], 1.0);
            }
            same
        });
    }

    #[test]
    fn merging_counts_what_both_know() {
        let (rows, others) = (many(4 * 10, 3), many(4 * 5, 4));
        let (mut one, mut two) = (Dense::new(4, 99, 0), Dense::new(4, 99, 0));
        one.learn(&rows, 0.01).unwrap();
        two.learn(&rows[..8], 0.01).unwrap();
        two.learn(&others, 0.01).unwrap();
        let learned = one.merge(&two, 0.01).unwrap();
        assert_eq!((learned.written, learned.predicted, one.len()), (5, 2, 15));
        assert_eq!(one.counts()[..3], [2.0, 2.0, 1.0]);
        assert!(one.merge(&Dense::new(5, 9, 0), 0.01).is_err());
        // More rows than are looked up at once, into less room.
        let mut small = Dense::new(4, 3, 0);
        let mut many_times = Dense::new(4, 99, 0);
        for (at, row) in many(4 * 70, 8).chunks_exact(4).enumerate() {
            many_times.append(row, at as f32 + 1.0);
        }
        let learned = small.merge(&many_times, 0.01).unwrap();
        assert_eq!((learned.written, learned.forgotten, small.capacity()), (70, 0, 99));
        assert_eq!((small.rows(), small.counts()), (many_times.rows(), many_times.counts()));
        assert_eq!(small.merge(&many_times, 0.01).unwrap().predicted, 70);
        assert!(small.counts().iter().zip(many_times.counts()).all(|(both, one)| *both == 2.0 * one));
    }

    #[test]
    fn what_is_like_a_row_that_was_just_forgotten_is_stored_anew() {
        let mut memory = Dense::new(1, 1, 0);
        memory.append(&[0.0], 1.0);
        // Looked up together: the first takes the place of what the second is like.
        let learned = memory.learn(&[5.0, 0.0], 0.1).unwrap();
        assert_eq!((learned.written, learned.predicted, learned.forgotten), (2, 0, 2));
        assert_eq!((memory.rows(), memory.counts()), (&[0.0][..], &[1.0][..]));
    }

    #[test]
    fn what_is_no_number_is_not_learned() {
        let mut memory = Dense::new(2, 9, 0);
        let error = memory.learn(&[0.0, 1.0, f32::NAN, 0.0], 0.1).unwrap_err().to_string();
        assert!(error.contains("row 1") && error.contains("NaN") && memory.is_empty(), "{error}");
        assert!(Dense::from_parts((2, 9, 0), vec![0.0, f32::INFINITY], vec![1.0], 1).is_err());
        assert!(Dense::from_parts((2, 9, 0), vec![0.0, 1.0], vec![0.0], 1).is_err());
        assert!(Dense::from_parts((2, 9, 0), vec![0.0; 3], vec![1.0], 1).is_err());
        assert!(Dense::from_parts((2, 0, 0), Vec::new(), Vec::new(), 0).unwrap_err().contains("room"));
    }

    #[test]
    fn the_temperature_is_that_of_the_noise_between_rows() {
        // Clusters of spread 0.1: neither the nearest row alone nor the mean of all is best.
        let centres = many(8 * 6, 5);
        let noise = many(8 * 240, 6);
        let rows: Vec<f32> = noise.iter().enumerate().map(|(at, x)| centres[at % 48] + 0.1 * x).collect();
        let mut memory = Dense::new(8, 999, 0);
        memory.learn(&rows, 0.0).unwrap();
        // Seen by one half, judged by the other, whose noise is its own.
        let half = Projection::new(whole(8).matrix[..4 * 8].to_vec(), 8);
        assert_eq!(memory.best_temperature(&half, &[0.01, 0.2, 5.0], &[4, 5, 6, 7]), 0.2);
    }
}
