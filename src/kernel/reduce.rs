//! Sums over a sheet in one fixed order: the same bits from every instruction set (real-time: nothing is allocated).
//!
//! A sum runs in [`LANES`] interleaved partial sums that are added as a balanced tree at the end. The order is
//! part of the result, so the fast path (AVX2 with fused multiply-add, chosen when the processor has it) and
//! the plain path are one body compiled twice. Every operation in it is exact by IEEE 754 (`+ - * / sqrt`,
//! fused multiply-add), so both give the same bits; the tests hold them to it.

// A body must be inlined into its two versions, or the fast one would call the plain one.
#![allow(clippy::inline_always)]

/// Interleaved partial sums: four vectors of eight, enough to hide the latency of a fused multiply-add.
pub const LANES: usize = 32;

/// A run of neighbouring sites in one row of a sheet, with its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first site, `row * width + column`.
    pub site: usize,
    /// Its first weight.
    pub weight: usize,
    /// Sites.
    pub len: usize,
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

/// Makes a function of one body: the body itself, and the same compiled for AVX2 where the processor has it.
macro_rules! any_processor {
    ($(#[$doc:meta])* $name:ident, $body:ident, ($($arg:ident: $type:ty),*)) => {
        $(#[$doc])*
        #[must_use]
        pub fn $name($($arg: $type),*) -> f32 {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn fast($($arg: $type),*) -> f32 {
                    $body($($arg),*)
                }
                if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
                    // SAFETY: the processor has both features: the line above asked it.
                    return unsafe { fast($($arg),*) };
                }
            }
            $body($($arg),*)
        }
    };
}

/// Sites that are summed over all planes before the next: their sums stay in the nearest cache.
const BLOCK: usize = 1_024;

/// The sum of all planes of `values`, site by site, into `out`; a plane has as many sites as `out`.
///
/// Four planes are added as two pairs, then to the sum, which saves most of the traffic between cache and registers;
/// sites do not meet, so nothing here depends on the instruction set.
pub fn sum_planes(values: &[f32], out: &mut [f32]) {
    let sites = out.len();
    for (index, out) in out.chunks_mut(BLOCK).enumerate() {
        out.fill(0.0);
        let (from, to) = (index * BLOCK, index * BLOCK + out.len());
        let mut fours = values.chunks_exact(4 * sites);
        for four in &mut fours {
            let [a, b, c, d] = [0, 1, 2, 3].map(|plane| &four[plane * sites + from..plane * sites + to]);
            for ((((out, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *out += (a + b) + (c + d);
            }
        }
        for plane in fours.remainder().chunks_exact(sites) {
            for (out, value) in out.iter_mut().zip(&plane[from..to]) {
                *out += value;
            }
        }
    }
}

any_processor!(
    /// `sum over spans and sites of weight * value`: what a Gaussian-weighted electrode picks up from a plane.
    ///
    /// # Panics
    /// Where a span reaches beyond `plane` or `weights`.
    weighted_sum, weighted_sum_body, (plane: &[f32], spans: &[Span], weights: &[f32])
);

#[inline(always)]
fn weighted_sum_body(plane: &[f32], spans: &[Span], weights: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    for span in spans {
        let values = &plane[span.site..span.site + span.len];
        let weights = &weights[span.weight..span.weight + span.len];
        let (values, values_rest) = values.as_chunks::<LANES>();
        let (weights, weights_rest) = weights.as_chunks::<LANES>();
        for (value, weight) in values.iter().zip(weights) {
            for i in 0..LANES {
                lanes[i] = weight[i].mul_add(value[i], lanes[i]);
            }
        }
        for ((lane, value), weight) in lanes.iter_mut().zip(values_rest).zip(weights_rest) {
            *lane = weight.mul_add(*value, *lane);
        }
    }
    tree(lanes)
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
    fn the_fast_path_and_the_plain_path_give_the_same_bits() {
        for count in [0, 1, 31, 32, 33, 1_000, 16_384] {
            let [a, b] = [1, 2].map(|seed| normals(seed, count));
            let spans = [Span { site: count / 3, weight: 0, len: count / 2 }];
            let (fast, plain) = (weighted_sum(&a, &spans, &b), weighted_sum_body(&a, &spans, &b));
            assert_eq!(fast.to_bits(), plain.to_bits(), "{count} sites");
        }
    }

    #[test]
    fn planes_add_up_site_by_site() {
        let values = normals(9, 5 * 2_500);
        let mut sum = vec![f32::NAN; 2_500];
        sum_planes(&values, &mut sum);
        for (site, sum) in sum.iter().enumerate() {
            let expected: f32 = (0..5).map(|plane| values[2_500 * plane + site]).sum();
            assert!((sum - expected).abs() < 1e-6);
        }
        sum_planes(&values, &mut []);
    }
}
