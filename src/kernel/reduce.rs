//! Weighted sums over windows of a sheet in one fixed order (real-time: nothing is allocated).
//!
//! A sum runs in lanes that are added as a balanced tree at the end. The order is part of the result, the
//! instruction set is not.

use super::lanes::{Instructions, LANES, Lanes, Work};

/// Columns that a row of a window is best a multiple of.
pub const COLUMNS: usize = 2 * LANES;

/// A rectangle of a sheet, with a weight for each of its sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first site, `row * stride + column`.
    pub site: usize,
    /// Sites from a row of the sheet to the next.
    pub stride: usize,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// The first weight; row after row follows.
    pub weight: usize,
}

/// `sum over sites of weight * value` of both parts of a plane: what a Gaussian-weighted electrode picks up.
///
/// # Panics
/// Where the window reaches beyond a part of the plane or beyond `weights`.
#[must_use]
pub fn window_sums(
    with: Instructions,
    (re, im): (&[f32], &[f32]),
    window: Window,
    weights: &[f32],
) -> [f32; 2] {
    let Window { site, stride, rows, columns, weight } = window;
    let weights = &weights[weight..weight + rows * columns];
    if weights.is_empty() {
        return [0.0; 2];
    }
    let end = site + (rows - 1) * stride + columns;
    with.run(Sum { parts: [&re[site..end], &im[site..end]], stride, columns, weights })
}

struct Sum<'a> {
    parts: [&'a [f32]; 2],
    stride: usize,
    columns: usize,
    weights: &'a [f32],
}

impl Work for Sum<'_> {
    type Output = [f32; 2];

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) -> [f32; 2] {
        let Self { parts: [re, im], stride, columns, weights } = self;
        let zero = l.splat(0.0);
        // Two vectors side by side, both parts.
        let mut sums = [[zero; 2]; 2];
        for (row, weights) in weights.chunks_exact(columns).enumerate() {
            let (re, im) = (&re[row * stride..][..columns], &im[row * stride..][..columns]);
            let (re, re_rest) = re.as_chunks::<LANES>();
            let (im, im_rest) = im.as_chunks::<LANES>();
            let (weights, weights_rest) = weights.as_chunks::<LANES>();
            let (pairs, odd) = weights.as_chunks::<2>();
            let (re_pairs, re_odd) = re.as_chunks::<2>();
            let (im_pairs, im_odd) = im.as_chunks::<2>();
            for ((weights, re), im) in pairs.iter().zip(re_pairs).zip(im_pairs) {
                for half in 0..2 {
                    sums[half] = add(l, &weights[half], &re[half], &im[half], sums[half]);
                }
            }
            for ((weights, re), im) in odd.iter().zip(re_odd).zip(im_odd) {
                sums[0] = add(l, weights, re, im, sums[0]);
            }
            if !weights_rest.is_empty() {
                sums[1] = add(l, &padded(weights_rest), &padded(re_rest), &padded(im_rest), sums[1]);
            }
        }
        [tree(l, l.add(sums[0][0], sums[1][0])), tree(l, l.add(sums[0][1], sums[1][1]))]
    }
}

#[inline(always)]
fn add<L: Lanes>(
    l: L,
    weights: &[f32; LANES],
    re: &[f32; LANES],
    im: &[f32; LANES],
    sums: [L::F; 2],
) -> [L::F; 2] {
    let weights = l.load(weights);
    [l.fma(weights, l.load(re), sums[0]), l.fma(weights, l.load(im), sums[1])]
}

#[inline(always)]
fn padded(rest: &[f32]) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    lanes[..rest.len()].copy_from_slice(rest);
    lanes
}

/// Halves onto halves.
#[inline(always)]
fn tree<L: Lanes>(l: L, sum: L::F) -> f32 {
    let mut lanes = [0.0; LANES];
    l.store(&mut lanes, sum);
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn normals(seed: u64, count: usize) -> Vec<f32> {
        let mut stream = Stream::new(seed, 1);
        (0..count).map(|_| stream.normal() as f32).collect()
    }

    #[test]
    fn every_set_of_instructions_gives_the_sum_of_plain_arithmetic_in_the_same_bits() {
        let [re, im, weights] = [1, 2, 3].map(|seed| normals(seed, 4_000));
        for (rows, columns) in [(0, 5), (1, 1), (3, 31), (25, 32), (7, 80)] {
            let window = Window { site: 19, stride: 100, rows, columns, weight: 7 };
            let all = Instructions::all();
            let sums = all.iter().map(|with| window_sums(*with, (&re, &im), window, &weights));
            let sums: Vec<[f32; 2]> = sums.collect();
            assert!(sums.iter().all(|sum| sum.map(f32::to_bits) == sums[0].map(f32::to_bits)), "{sums:?}");
            for (sum, part) in sums[0].iter().zip([&re, &im]) {
                let at = |row: usize, column: usize| {
                    f64::from(part[19 + 100 * row + column] * weights[7 + columns * row + column])
                };
                let exact: f64 =
                    (0..rows).flat_map(|row| (0..columns).map(move |column| at(row, column))).sum();
                assert!((f64::from(*sum) - exact).abs() < 1e-4, "{sum} for {exact}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn a_window_beyond_the_plane_is_refused() {
        let window = Window { site: 0, stride: 10, rows: 2, columns: 4, weight: 0 };
        let _ = window_sums(Instructions::best(), (&[0.0; 13], &[0.0; 14]), window, &[0.0; 8]);
    }
}
