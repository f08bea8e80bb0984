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

/// Coefficients of `log2(1 + f) / f` on `[sqrt(1/2) - 1, sqrt(2) - 1]`, constant term first: a minimax fit of
/// degree 8 with a relative error of 2.7e-8, below half a unit in the last place of `f32`.
const LOG2_RATIO: [f32; 9] = [
    core::f32::consts::LOG2_E,
    -0.721_347_3,
    0.480_910_63,
    -0.360_703_68,
    0.287_916_24,
    -0.238_944_81,
    0.215_715_63,
    -0.207_269_82,
    0.125_837_04,
];

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

any_processor!(
    /// `sum of |a - b|^2` over a plane of complex values given as real and imaginary parts of equal length.
    ///
    /// Unit: that of the values, squared. Longer slices are cut to the shortest.
    difference_power, difference_power_body, (a_re: &[f32], a_im: &[f32], b_re: &[f32], b_im: &[f32])
);

#[inline(always)]
fn difference_power_body(a_re: &[f32], a_im: &[f32], b_re: &[f32], b_im: &[f32]) -> f32 {
    sum_of_four(a_re, a_im, b_re, b_im, |a_re, a_im, b_re, b_im| {
        let (re, im) = (a_re - b_re, a_im - b_im);
        re.mul_add(re, im * im)
    })
}

/// `sum over sites of log2(1 + |a - b|^2 * precision)`, in bits.
///
/// With `precision = 1 / E` this is what a complex Gaussian channel with signal `a - b` and noise variance `E`
/// at each site carries (Shannon 1948, theorem 17). Zero for equal planes, exactly.
#[must_use]
pub fn information_bits(a: (&[f32], &[f32]), b: (&[f32], &[f32]), precision: f32) -> f32 {
    information_sum(a.0, a.1, b.0, b.1, precision)
}

any_processor!(
    /// The same with its planes one by one.
    information_sum, information_body, (a_re: &[f32], a_im: &[f32], b_re: &[f32], b_im: &[f32], precision: f32)
);

#[inline(always)]
fn information_body(a_re: &[f32], a_im: &[f32], b_re: &[f32], b_im: &[f32], precision: f32) -> f32 {
    sum_of_four(a_re, a_im, b_re, b_im, |a_re, a_im, b_re, b_im| {
        let (re, im) = (a_re - b_re, a_im - b_im);
        log2_one_plus(re.mul_add(re, im * im) * precision)
    })
}

/// `log2(1 + x)` for `x` in `[0, 1e30]`, relative error below 3e-7; larger values count as 1e30.
///
/// One polynomial on every processor, so that the bits never depend on a vendor's logarithm.
#[inline(always)]
#[must_use]
pub fn log2_one_plus(x: f32) -> f32 {
    let x = x.min(1e30);
    // The mantissa in [sqrt(1/2), sqrt(2)) and its exponent: the offset moves the cut from 1 to sqrt(1/2).
    let bits = (1.0 + x).to_bits();
    let exponent = bits.wrapping_sub(0x3F35_04F3).cast_signed() >> 23;
    let mantissa = f32::from_bits(bits.wrapping_sub(exponent.cast_unsigned() << 23));
    // Near 0 the sum 1 + x has lost digits that x still has.
    let f = if exponent == 0 { x } else { mantissa - 1.0 };
    let mut ratio = LOG2_RATIO[8];
    for coefficient in LOG2_RATIO[..8].iter().rev() {
        ratio = ratio.mul_add(f, *coefficient);
    }
    ratio.mul_add(f, exponent as f32)
}

/// The sum of `z/|z|` over a plane, as (real, imaginary): a Kuramoto order parameter before its division by
/// the number of sites. Sites at exactly 0 have no phase and add nothing.
#[must_use]
pub fn unit_phasor_sum(re: &[f32], im: &[f32]) -> (f32, f32) {
    (unit_real_sum(re, im), unit_real_sum(im, re))
}

any_processor!(
    /// `sum of re / sqrt(re^2 + im^2)`, where 0/0 counts as 0.
    unit_real_sum, unit_real_body, (re: &[f32], im: &[f32])
);

#[inline(always)]
fn unit_real_body(re: &[f32], im: &[f32]) -> f32 {
    sum_of_four(re, im, re, im, |re, im, _, _| {
        // The smallest positive number keeps 0/0 at 0 and is lost against any real power.
        re / re.mul_add(re, im * im).max(f32::MIN_POSITIVE).sqrt()
    })
}

/// Sums `term` over four slices side by side, in the fixed lane order.
#[inline(always)]
fn sum_of_four(a: &[f32], b: &[f32], c: &[f32], d: &[f32], term: impl Fn(f32, f32, f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let (c, c_rest) = c.as_chunks::<LANES>();
    let (d, d_rest) = d.as_chunks::<LANES>();
    for (((a, b), c), d) in a.iter().zip(b).zip(c).zip(d) {
        for i in 0..LANES {
            lanes[i] += term(a[i], b[i], c[i], d[i]);
        }
    }
    for ((((lane, a), b), c), d) in lanes.iter_mut().zip(a_rest).zip(b_rest).zip(c_rest).zip(d_rest) {
        *lane += term(*a, *b, *c, *d);
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
            let [a, b, c, d] = [1, 2, 3, 4].map(|seed| normals(seed, count));
            let spans = [Span { site: count / 3, weight: 0, len: count / 2 }];
            for (fast, plain) in [
                (weighted_sum(&a, &spans, &b), weighted_sum_body(&a, &spans, &b)),
                (difference_power(&a, &b, &c, &d), difference_power_body(&a, &b, &c, &d)),
                (information_sum(&a, &b, &c, &d, 0.7), information_body(&a, &b, &c, &d, 0.7)),
                (unit_real_sum(&a, &b), unit_real_body(&a, &b)),
            ] {
                assert_eq!(fast.to_bits(), plain.to_bits(), "{count} sites");
            }
        }
    }

    #[test]
    fn the_sums_are_those_of_plain_arithmetic() {
        let count = 5_003;
        let [a, b, c, d] = [5, 6, 7, 8].map(|seed| normals(seed, count));
        let (mut power, mut bits) = (0.0f64, 0.0f64);
        for i in 0..count {
            let term = f64::from(a[i] - c[i]).powi(2) + f64::from(b[i] - d[i]).powi(2);
            power += term;
            bits += (1.0 + term * 0.5).log2();
        }
        assert!((f64::from(difference_power(&a, &b, &c, &d)) / power - 1.0).abs() < 1e-6);
        assert!((f64::from(information_bits((&a, &b), (&c, &d), 0.5)) / bits - 1.0).abs() < 1e-6);
    }

    #[test]
    fn the_logarithm_is_right_from_nothing_to_huge() {
        assert_eq!(log2_one_plus(0.0).to_bits(), 0.0f32.to_bits());
        let mut x = 1e-12f32;
        while x < 1e29 {
            let exact = f64::from(x).ln_1p() / core::f64::consts::LN_2;
            let relative = (f64::from(log2_one_plus(x)) / exact - 1.0).abs();
            assert!(relative < 3e-7, "log2(1 + {x}) is off by {relative}");
            x *= 1.01;
        }
        assert!(log2_one_plus(f32::INFINITY).is_finite());
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

    #[test]
    fn equal_planes_differ_by_nothing() {
        let (a, b) = (normals(1, 100), normals(2, 100));
        assert_eq!(difference_power(&a, &b, &a, &b).to_bits(), 0);
        assert_eq!(information_bits((&a, &b), (&a, &b), 3.0).to_bits(), 0);
    }

    #[test]
    fn a_site_at_zero_has_no_phase() {
        let (re, im) = unit_phasor_sum(&[0.0, 3.0, -1e-18], &[0.0, 4.0, 0.0]);
        assert!((re - (0.6 - 1.0)).abs() < 1e-6 && (im - 0.8).abs() < 1e-6, "{re} {im}");
    }
}
