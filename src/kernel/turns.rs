//! Sine and cosine of a phase counted as a fraction of a turn: exact phases, the same bits on every processor.
//!
//! A phase is a `u32`: 2^32 is one turn, so phases add and multiply exactly and wrap by themselves.
//! The sine is a polynomial of separate products and sums (no fused ones), so that it has one value
//! whatever the width or the kind of the processor's vectors.

/// The odd polynomial of `sin(pi/2 u)` on -1 to 1, least in its largest error (3.4e-9 before rounding).
const SINE: [f32; 5] =
    [core::f32::consts::FRAC_PI_2, -0.645_963_4, 0.079_688_48, -0.004_672_228, 0.000_150_820_55];

/// One turn over one radian's worth: 2^32.
pub const TURN: f64 = 4_294_967_296.0;

/// A quarter of a turn.
pub const QUARTER: u32 = 1 << 30;

/// The phase nearest to `turns`, whole turns dropped.
#[must_use]
pub fn phase(turns: f64) -> u32 {
    let fraction = turns - libm::floor(turns);
    // A fraction that rounds up to a whole turn wraps to zero.
    libm::round(fraction * TURN) as u64 as u32
}

/// The sine of a phase, within 3e-7.
#[must_use]
// Inlined into loops that are compiled for wider vectors: a call would keep them narrow.
#[allow(clippy::inline_always)]
#[inline(always)]
pub fn sine(phase: u32) -> f32 {
    let signed = phase.cast_signed();
    // Beyond a quarter turn either way, reflect: sin(pi - a) = sin(a).
    let outer = (signed ^ (signed << 1)) >> 31;
    let folded = (signed & !outer) | (i32::MIN.wrapping_sub(signed) & outer);
    let u = folded as f32 * (1.0 / QUARTER as f32);
    let s = u * u;
    u * ((((SINE[4] * s + SINE[3]) * s + SINE[2]) * s + SINE[1]) * s + SINE[0])
}

/// The cosine of a phase, within 3e-7.
#[must_use]
// As for the sine.
#[allow(clippy::inline_always)]
#[inline(always)]
pub fn cosine(phase: u32) -> f32 {
    sine(phase.wrapping_add(QUARTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sine_is_the_sine_all_round_the_turn() {
        let mut worst = 0.0f64;
        for i in 0..200_000u32 {
            let at = i.wrapping_mul(21_475);
            let turn = f64::from(at) / TURN * core::f64::consts::TAU;
            worst = worst.max((f64::from(sine(at)) - libm::sin(turn)).abs());
            worst = worst.max((f64::from(cosine(at)) - libm::cos(turn)).abs());
        }
        assert!(worst < 3e-7, "{worst}");
        assert!(sine(0).abs() == 0.0 && sine(2 * QUARTER).abs() == 0.0);
    }

    #[test]
    fn whole_turns_drop_out_of_a_phase() {
        assert_eq!(phase(3.25), QUARTER);
        assert_eq!(phase(-0.25), 3 * QUARTER);
        assert_eq!(phase(1.0 - 1e-12), 0);
    }
}
