//! Logarithms of whole slices by one polynomial: the same bits on every processor, sixteen at a time where it can.

use super::wide::compile_wide;

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

/// A number in `[sqrt(1/2), sqrt(2))` less 1, and the exponent of 2 that belongs to it.
#[inline(always)]
fn split(x: f32) -> (f32, f32) {
    // The offset moves the cut from 1 to sqrt(1/2).
    let exponent = x.to_bits().wrapping_sub(0x3F35_04F3).cast_signed() >> 23;
    let mantissa = f32::from_bits(x.to_bits().wrapping_sub(exponent.cast_unsigned() << 23));
    (mantissa - 1.0, exponent as f32)
}

#[inline(always)]
fn ratio(f: f32) -> f32 {
    let mut ratio = LOG2_RATIO[8];
    for coefficient in LOG2_RATIO[..8].iter().rev() {
        ratio = ratio.mul_add(f, *coefficient);
    }
    ratio
}

/// `log2(x)` for positive, normal `x`: absolute error below 1e-7 near 1, relative error below 2e-7 elsewhere.
#[inline(always)]
#[must_use]
pub fn log2(x: f32) -> f32 {
    let (f, exponent) = split(x);
    ratio(f).mul_add(f, exponent)
}

/// `log2(1 + x)` for `x` in `[0, 1e37]`, relative error below 3e-7.
#[inline(always)]
#[must_use]
pub fn log2_one_plus(x: f32) -> f32 {
    let (f, exponent) = split(1.0 + x);
    // Near 0 the sum 1 + x has lost digits that x still has.
    let f = if exponent == 0.0 { x } else { f };
    ratio(f).mul_add(f, exponent)
}

compile_wide! {
    /// The level of each power in dB (10 log10), `floor_db` where it is not above `floor` (at least the smallest normal
    /// number). Powers are finite.
    ///
    /// # Panics
    /// Where `out` is shorter than `powers`.
    pub fn decibels, decibels_on(powers: &[f32], floor: f32, floor_db: f32, out: &mut [f32]) = decibels_body
}

#[inline(always)]
fn decibels_body(powers: &[f32], floor: f32, floor_db: f32, out: &mut [f32]) {
    let per_octave = 10.0 * core::f32::consts::LOG10_2;
    for (out, &power) in out[..powers.len()].iter_mut().zip(powers) {
        let level = per_octave * log2(power.max(f32::MIN_POSITIVE));
        *out = if power > floor { level } else { floor_db };
    }
}

#[cfg(test)]
mod tests {
    use super::super::wide::Isa;
    use super::*;

    #[test]
    fn the_logarithms_are_right_from_nothing_to_huge() {
        assert_eq!(log2_one_plus(0.0).to_bits(), 0.0f32.to_bits());
        assert_eq!(log2(1.0).to_bits(), 0.0f32.to_bits());
        let mut x = 1e-12f32;
        while x < 1e29 {
            let exact = f64::from(x).ln_1p() / core::f64::consts::LN_2;
            let relative = (f64::from(log2_one_plus(x)) / exact - 1.0).abs();
            assert!(relative < 3e-7, "log2(1 + {x}) is off by {relative}");
            let exact = f64::from(x).log2();
            let error = (f64::from(log2(x)) - exact).abs() / exact.abs().max(0.5);
            assert!(error < 2e-7, "log2({x}) is off by {error}");
            x *= 1.01;
        }
    }

    #[test]
    fn levels_are_decibels_above_the_floor_and_the_floor_below_it_on_every_processor() {
        let powers: Vec<f32> = (0..200u16).map(|n| libm::powf(10.0, 0.1 * f32::from(n) - 16.0)).collect();
        let mut expected = vec![0.0; 200];
        decibels_on(Isa::Portable, &powers, 1e-8, -80.0, &mut expected);
        for (&power, &level) in powers.iter().zip(&expected) {
            let exact = if power > 1e-8 { 10.0 * libm::log10(f64::from(power)) } else { -80.0 };
            assert!((f64::from(level) - exact).abs() < 2e-5, "{power}: {level} {exact}");
        }
        for &isa in Isa::all() {
            let mut out = vec![0.0; 200];
            decibels_on(isa, &powers, 1e-8, -80.0, &mut out);
            assert!(out.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()), "{isa:?}");
        }
    }
}
