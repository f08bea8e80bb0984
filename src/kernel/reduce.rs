//! Weighted sums over windows of a sheet in one fixed order (real-time: nothing is allocated).
//!
//! A sum runs in [`LANES`] interleaved partial sums that are added as a balanced tree at the end. The order is
//! part of the result, the instruction set is not.

use super::wide::compile_wide;

/// Interleaved partial sums.
pub const LANES: usize = 32;

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

compile_wide! {
    /// `sum over sites of weight * value` of both parts of a plane: what a Gaussian-weighted electrode picks up.
    ///
    /// # Panics
    /// Where the window reaches beyond a part of the plane or beyond `weights`.
    #[must_use]
    pub fn window_sums, window_sums_on(plane: (&[f32], &[f32]), window: Window, weights: &[f32]) -> [f32; 2] = window_sums_body
}

#[inline(always)]
fn window_sums_body((re, im): (&[f32], &[f32]), window: Window, weights: &[f32]) -> [f32; 2] {
    let Window { site, stride, rows, columns, weight } = window;
    let weights = &weights[weight..weight + rows * columns];
    let mut sums = [[0.0; LANES]; 2];
    for row in 0..rows {
        let first = site + row * stride;
        let (re, im) = (&re[first..first + columns], &im[first..first + columns]);
        let weights = &weights[row * columns..(row + 1) * columns];
        let ((re, re_rest), (im, im_rest)) = (re.as_chunks::<LANES>(), im.as_chunks::<LANES>());
        let (weights, weights_rest) = weights.as_chunks::<LANES>();
        for ((re, im), weight) in re.iter().zip(im).zip(weights) {
            for lane in 0..LANES {
                sums[0][lane] = weight[lane].mul_add(re[lane], sums[0][lane]);
                sums[1][lane] = weight[lane].mul_add(im[lane], sums[1][lane]);
            }
        }
        for (lane, weight) in weights_rest.iter().enumerate() {
            sums[0][lane] = weight.mul_add(re_rest[lane], sums[0][lane]);
            sums[1][lane] = weight.mul_add(im_rest[lane], sums[1][lane]);
        }
    }
    [tree(sums[0]), tree(sums[1])]
}

#[inline(always)]
fn tree(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::super::wide::Isa;
    use super::*;
    use crate::random::Stream;

    fn normals(seed: u64, count: usize) -> Vec<f32> {
        let mut stream = Stream::new(seed, 1);
        (0..count).map(|_| stream.normal() as f32).collect()
    }

    #[test]
    fn every_compilation_gives_the_sum_of_plain_arithmetic_in_the_same_bits() {
        let [re, im, weights] = [1, 2, 3].map(|seed| normals(seed, 4_000));
        for (rows, columns) in [(0, 5), (1, 1), (3, 31), (25, 32), (7, 80)] {
            let window = Window { site: 19, stride: 100, rows, columns, weight: 7 };
            let plain = window_sums_body((&re, &im), window, &weights);
            for isa in Isa::all() {
                let sums = window_sums_on(*isa, (&re, &im), window, &weights);
                assert_eq!(sums.map(f32::to_bits), plain.map(f32::to_bits), "{rows} x {columns} on {isa:?}");
            }
            for (sum, part) in plain.iter().zip([&re, &im]) {
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
        let _ = window_sums((&[0.0; 13], &[0.0; 14]), window, &[0.0; 8]);
    }
}
