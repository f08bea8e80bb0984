//! What one look at a band's plane tells, in one pass: its order, its difference from the twin's, the bits in that
//! (real-time: nothing is allocated).
//!
//! Sums run in 64 interleaved partial sums that are added as a balanced tree at the end; the order is part of
//! the result, the instruction set is not.

use super::logarithm::log2_one_plus;
use super::wide::compile_wide;

/// Interleaved partial sums.
const LANES: usize = 64;
/// Sites per lane that share one logarithm.
const DEEP: usize = 4;
const CHUNK: usize = LANES * DEEP;
/// The largest ratio of difference to noise that counts at a site, 30 bits: the product of [`DEEP`] of them is a number.
const LARGEST_RATIO: f32 = 1e9;

/// A plane of complex values: real parts, imaginary parts.
pub type Plane<'a> = (&'a [f32], &'a [f32]);

/// Sums over the sites of a plane.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sums {
    /// `z/|z|`, real and imaginary part: a Kuramoto order parameter before its division by the number of sites. Sites at
    /// exactly 0 have no phase and add nothing.
    pub phasor: [f32; 2],
    /// `|a - b|^2`, in the unit of the values, squared.
    pub difference: f32,
    /// `log2(1 + |a - b|^2 * precision)`: with `precision = 1 / E`, what a complex Gaussian channel with signal `a - b` and
    /// noise variance `E` at each site carries (Shannon 1948, theorem 17). Exactly 0 for equal planes.
    pub bits: f32,
}

compile_wide! {
    /// All sums of `a` and its difference from `b`, over the sites that all four parts have.
    #[must_use]
    pub fn compare, compare_on(a: Plane<'_>, b: Plane<'_>, precision: f32) -> Sums = compare_body::<true>
}

compile_wide! {
    /// The sum of `a`'s phasors alone.
    #[must_use]
    pub fn phasors, phasors_on(a: Plane<'_>) -> [f32; 2] = phasors_body
}

/// `1 / sqrt(x)` for `x` from the smallest normal number to 1e38, relative error below 9e-7 with a mean of 6e-9.
///
/// Two Newton steps from the first guess that lies in a number's own bits, their constants balanced so that errors have
/// both signs (Walczyk, Moroz and Cieslinski, Entropy 23:86, 2021): products and sums only, so one value on every processor, at a
/// third of the cost of a root and a division.
#[inline(always)]
pub(super) fn inverse_root(x: f32) -> f32 {
    let guess = f32::from_bits(0x5F37_6908_u32.wrapping_sub(x.to_bits() >> 1));
    let half = -0.500_438_2 * x;
    let once = guess * (half * guess).mul_add(guess, 1.501_314_5);
    let half = -0.500_000_3 * x;
    once * (half * once).mul_add(once, 1.500_000_8)
}

struct Totals {
    re: [f32; LANES],
    im: [f32; LANES],
    difference: [f32; LANES],
    bits: [f32; LANES],
}

#[inline(always)]
fn phasors_body(a: Plane<'_>) -> [f32; 2] {
    compare_body::<false>(a, a, 0.0).phasor
}

#[inline(always)]
fn compare_body<const TWIN: bool>(a: Plane<'_>, b: Plane<'_>, precision: f32) -> Sums {
    let zero = [0.0; LANES];
    let mut totals = Totals { re: zero, im: zero, difference: zero, bits: zero };
    let sites = [a.0, a.1, b.0, b.1].into_iter().map(<[f32]>::len).fold(usize::MAX, usize::min);
    let [(a_re, a), (a_im, b), (b_re, c), (b_im, d)] =
        [a.0, a.1, b.0, b.1].map(|part| part[..sites].as_chunks::<CHUNK>());
    for (((a_re, a_im), b_re), b_im) in a_re.iter().zip(a_im).zip(b_re).zip(b_im) {
        totals.add::<TWIN>([a_re, a_im, b_re, b_im], precision);
    }
    if !a.is_empty() {
        // Zeros add nothing to any sum.
        let [a, b, c, d] = [a, b, c, d].map(|rest| {
            let mut padded = [0.0; CHUNK];
            padded[..rest.len()].copy_from_slice(rest);
            padded
        });
        totals.add::<TWIN>([&a, &b, &c, &d], precision);
    }
    Sums {
        phasor: [tree(totals.re), tree(totals.im)],
        difference: tree(totals.difference),
        bits: tree(totals.bits),
    }
}

impl Totals {
    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "one index runs over eight arrays")]
    fn add<const TWIN: bool>(&mut self, [a_re, a_im, b_re, b_im]: [&[f32; CHUNK]; 4], precision: f32) {
        // The product of 1 + ratio over the lane's sites, less 1: it keeps the digits of the smallest ratios.
        let mut product = [0.0f32; LANES];
        for v in 0..DEEP {
            for l in 0..LANES {
                let i = v * LANES + l;
                let (re, im) = (a_re[i], a_im[i]);
                // The smallest positive number keeps 0/0 at 0 and is lost against any real power.
                let power = re.mul_add(re, im * im).clamp(f32::MIN_POSITIVE, 1e38);
                let inverse = inverse_root(power);
                self.re[l] = re.mul_add(inverse, self.re[l]);
                self.im[l] = im.mul_add(inverse, self.im[l]);
                if TWIN {
                    let (re, im) = (re - b_re[i], im - b_im[i]);
                    let difference = re.mul_add(re, im * im);
                    self.difference[l] += difference;
                    let ratio = (difference * precision).min(LARGEST_RATIO);
                    product[l] = product[l].mul_add(ratio, product[l] + ratio);
                }
            }
        }
        if TWIN {
            for (bits, product) in self.bits.iter_mut().zip(product) {
                *bits += log2_one_plus(product);
            }
        }
    }
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
    fn no_set_of_vector_instructions_changes_a_bit() {
        for count in [0, 1, 63, 64, 65, 255, 256, 1_000, 16_384] {
            let [a, b, c, d] = [1, 2, 3, 4].map(|seed| normals(seed, count));
            let look = |isa| {
                let Sums { phasor, difference, bits } = compare_on(isa, (&a, &b), (&c, &d), 0.7);
                let [re, im] = phasors_on(isa, (&a, &b));
                [phasor[0], phasor[1], difference, bits, re, im].map(f32::to_bits)
            };
            for &isa in Isa::all() {
                assert_eq!(look(isa), look(Isa::Portable), "{count} sites, {isa:?}");
            }
        }
    }

    #[test]
    fn the_sums_are_those_of_plain_arithmetic() {
        let count = 5_003;
        for scale in [1e-6f32, 1.0, 1e3] {
            let [a, b] = [5, 6].map(|seed| normals(seed, count));
            let [c, d] = [(7, &a), (8, &b)].map(|(seed, near)| {
                normals(seed, count).iter().zip(near).map(|(x, near)| near + scale * x).collect::<Vec<f32>>()
            });
            let (mut re, mut im, mut power, mut bits) = (0.0f64, 0.0f64, 0.0f64, 0.0f64);
            for i in 0..count {
                let (x, y) = (f64::from(a[i]), f64::from(b[i]));
                re += x / x.hypot(y);
                im += y / x.hypot(y);
                let term = f64::from(a[i] - c[i]).powi(2) + f64::from(b[i] - d[i]).powi(2);
                power += term;
                bits += (term * 0.5).ln_1p() / core::f64::consts::LN_2;
            }
            let sums = compare((&a, &b), (&c, &d), 0.5);
            assert!((f64::from(sums.phasor[0]) - re).abs() < 2e-3, "{} {re}", sums.phasor[0]);
            assert!((f64::from(sums.phasor[1]) - im).abs() < 2e-3, "{} {im}", sums.phasor[1]);
            assert!((f64::from(sums.difference) / power - 1.0).abs() < 1e-6, "{}", sums.difference);
            assert!((f64::from(sums.bits) / bits - 1.0).abs() < 1e-6, "{} {bits}", sums.bits);
        }
    }

    #[test]
    fn the_inverse_root_is_right_in_every_octave() {
        let (mut worst, mut sum, mut count) = (0.0f64, 0.0, 0.0);
        let mut bits = f32::MIN_POSITIVE.to_bits();
        while bits < 1e38f32.to_bits() {
            let x = f32::from_bits(bits);
            let error = f64::from(inverse_root(x)) * f64::from(x).sqrt() - 1.0;
            worst = worst.max(error.abs());
            sum += error;
            count += 1.0;
            bits += 12_347;
        }
        assert!(worst < 9e-7 && (sum / count).abs() < 5e-8, "{worst:e} {:e}", sum / count);
    }

    #[test]
    fn equal_planes_differ_by_nothing_and_a_site_at_zero_has_no_phase() {
        let (a, b) = (normals(1, 100), normals(2, 100));
        let sums = compare((&a, &b), (&a, &b), 3.0);
        assert_eq!((sums.difference.to_bits(), sums.bits.to_bits()), (0, 0));
        let [re, im] = phasors((&[0.0, 3.0, -1e-18], &[0.0, 4.0, 0.0]));
        assert!((re - (0.6 - 1.0)).abs() < 2e-6 && (im - 0.8).abs() < 2e-6, "{re} {im}");
    }

    #[test]
    fn values_beyond_all_bounds_leave_finite_sums_of_bits() {
        let huge = vec![1e18f32; 300];
        let zero = vec![0.0f32; 300];
        let sums = compare((&huge, &huge), (&zero, &zero), 1e6);
        assert!((sums.bits / (300.0 * 29.897) - 1.0).abs() < 1e-3, "{}", sums.bits);
    }
}
