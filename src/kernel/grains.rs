//! Short windowed sines, added into a block of stereo sound.
//!
//! Phase and window are functions of the grain's age in whole frames: nothing is carried from block to
//! block that could drift, and separate products and sums give equal bits on every processor.

use super::carriers::BLOCK;
use super::turns;
use super::wide::compile_wide;

/// A grain: `level * sin^2(pi n / frames) * sin(2 pi n increment / 2^32)` for its frames `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Grain {
    /// Phase advance per frame, in 2^-32 turns.
    pub increment: u32,
    /// The window's phase advance per frame, in 2^-32 turns: half a turn over the grain.
    pub window: u32,
    /// Its length in frames.
    pub frames: u32,
    /// Peak level to the left and to the right.
    pub level: [f32; 2],
}

compile_wide! {
    /// Adds the grain's stretch from `age` on; negative ages lie before its start. Where `released`, the
    /// stretch also fades to nothing by the block's end.
    pub fn add, add_on(
        grain: &Grain,
        age: i32,
        released: bool,
        left: &mut [f32; BLOCK],
        right: &mut [f32; BLOCK],
    ) = add_lanes
}

#[inline(always)]
fn add_lanes(grain: &Grain, age: i32, released: bool, left: &mut [f32; BLOCK], right: &mut [f32; BLOCK]) {
    let mut gains = [1.0f32; BLOCK];
    if released {
        // Half a turn over twice the block: the squared cosine of a quarter turn, 1 down to 0.
        for (j, gain) in (0..).zip(&mut gains) {
            let release = turns::cosine(turns::QUARTER / BLOCK as u32 * j);
            *gain = release * release;
        }
    }
    for j in 0..BLOCK {
        // A negative age is a huge unsigned one, so one comparison says whether the frame is inside.
        let n = age.cast_unsigned().wrapping_add(j as u32);
        let window = turns::sine(n.wrapping_mul(grain.window));
        let gain = if n < grain.frames { window * window * gains[j] } else { 0.0 };
        let x = gain * turns::sine(n.wrapping_mul(grain.increment));
        left[j] += x * grain.level[0];
        right[j] += x * grain.level[1];
    }
}

#[cfg(test)]
mod tests {
    use super::super::wide::Isa;
    use super::*;

    const GRAIN: Grain = Grain { increment: 89_478_485, window: 4_473_924, frames: 480, level: [0.5, 0.25] };

    #[test]
    fn no_set_of_vector_instructions_changes_a_bit() {
        for (age, released) in [(-40, true), (0, false), (100, true), (450, false)] {
            let sound = |isa| {
                let mut sides = [[0.1; BLOCK]; 2];
                let [left, right] = &mut sides;
                add_on(isa, &GRAIN, age, released, left, right);
                sides.map(|side| side.map(f32::to_bits))
            };
            for &isa in Isa::all() {
                assert_eq!(sound(isa), sound(Isa::Portable), "{isa:?}");
            }
        }
    }

    #[test]
    fn a_grain_is_silent_before_its_start_and_after_its_end() {
        let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
        add(&GRAIN, -48, false, &mut left, &mut right);
        add(&GRAIN, 480, false, &mut left, &mut right);
        assert!(left.iter().chain(&right).all(|&x| x.abs() == 0.0));
        add(&GRAIN, -20, false, &mut left, &mut right);
        assert!(left[..20].iter().all(|&x| x.abs() == 0.0) && left[40].abs() > 0.0);
    }

    #[test]
    fn a_released_grain_is_gone_by_the_end_of_the_block() {
        let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
        add(&GRAIN, 200, true, &mut left, &mut right);
        assert!(left[0].abs() > 0.1 && left[BLOCK - 1].abs() < 1e-3);
    }
}
