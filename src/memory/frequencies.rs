//! The lowest spatial frequencies of patches: a coarse look, by which rows that are near a noisy patch are found.
//!
//! A natural patch has most of its power there, and white noise no more than its share, so they tell rows apart nearly as
//! well as all numbers do. Frequencies are those of the two-dimensional DCT-II, orthonormal, by the length of `(u, v)`.

use super::dense::blocks;
use super::recall::{AREA, SIDE};
use crate::kernel::attention::{Each, QUERIES};
use crate::kernel::shortlist::looks;

/// Numbers of a plane's look, of the 48 that a patch without its mean has.
const LOOK: usize = 28;

/// The coarse look of patches of some planes.
#[derive(Clone, Debug)]
pub struct Lowest {
    /// `planes LOOK x planes AREA`.
    matrix: Vec<f32>,
    planes: usize,
}

impl Lowest {
    /// For patches of so many planes.
    #[must_use]
    pub fn new(planes: usize) -> Self {
        let mut order: Vec<(usize, usize)> = (1..AREA).map(|at| (at / SIDE, at % SIDE)).collect();
        order.sort_by_key(|(u, v)| (u * u + v * v, *u));
        let wave = |frequency: usize, at: usize| {
            let phase = core::f64::consts::PI * (at as f64 + 0.5) * frequency as f64 / SIDE as f64;
            (if frequency == 0 { 1.0f64 } else { 2.0 } / SIDE as f64).sqrt() * libm::cos(phase)
        };
        let mut matrix = vec![0.0; planes * LOOK * planes * AREA];
        for plane in 0..planes {
            for (number, (u, v)) in order[..LOOK].iter().enumerate() {
                let row = &mut matrix[(plane * LOOK + number) * planes * AREA + plane * AREA..][..AREA];
                for (at, x) in row.iter_mut().enumerate() {
                    *x = (wave(*u, at / SIDE) * wave(*v, at % SIDE)) as f32;
                }
            }
        }
        Self { matrix, planes }
    }

    /// Numbers of a look.
    #[must_use]
    pub fn dims(&self) -> usize {
        self.planes * LOOK
    }

    /// Of patches as blocks.
    #[must_use]
    pub fn of_blocks(&self, asked: &[Each]) -> Vec<Each> {
        looks(&self.matrix, self.planes * AREA, asked)
    }

    /// Of patches as rows.
    #[must_use]
    pub fn of_rows(&self, rows: &[f32]) -> Vec<f32> {
        let dims = self.dims();
        let found = self.of_blocks(&blocks(rows, self.planes * AREA));
        let mut out = vec![0.0; rows.len() / (self.planes * AREA) * dims];
        for (out, found) in out.chunks_mut(QUERIES * dims).zip(found.chunks_exact(dims)) {
            for (lane, row) in out.chunks_exact_mut(dims).enumerate() {
                row.iter_mut().zip(found).for_each(|(x, each)| *x = each[lane]);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn looks_are_orthonormal_free_of_the_mean_and_alike_for_rows_and_blocks() {
        for planes in [1, 3] {
            let lowest = Lowest::new(planes);
            let rows: Vec<&[f32]> = lowest.matrix.chunks_exact(planes * AREA).collect();
            let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            for (at, row) in rows.iter().enumerate() {
                assert!(row.iter().sum::<f32>().abs() < 1e-5);
                assert!((product(row, row) - 1.0).abs() < 1e-5);
                assert!(rows[..at].iter().all(|other| product(row, other).abs() < 1e-5));
            }
            let mut draws = Stream::new(1, 0);
            let patches: Vec<f32> = (0..45 * planes * AREA).map(|_| draws.normal() as f32).collect();
            let (by_row, by_block) =
                (lowest.of_rows(&patches), lowest.of_blocks(&blocks(&patches, planes * AREA)));
            for (at, patch) in patches.chunks_exact(planes * AREA).enumerate() {
                for (number, row) in rows.iter().enumerate() {
                    let found = by_row[at * lowest.dims() + number];
                    assert!((found - product(row, patch)).abs() < 1e-4);
                    assert_eq!(found, by_block[at / QUERIES * lowest.dims() + number][at % QUERIES]);
                }
            }
        }
    }
}
