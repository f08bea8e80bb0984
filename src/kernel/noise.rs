//! Rows of complex normal noise from the counter-based generator; runs on the real-time thread.
//!
//! `ξ(seed, array, tick, band, site)` is a pure function of its key: Philox4x32-7 (see [`crate::random`])
//! gives four words for two neighbouring sites, Box and Muller (1958) turns each pair of words into a
//! complex normal with `E|ξ|² = 2`. Logarithm, sine and cosine are the polynomials of the Cephes library
//! (Moshier, single precision, errors below 2 units in the last place), in fused multiply-adds, so that
//! every processor gives the same bits. 24-bit uniforms: the tail ends at 5.77 standard deviations.

use crate::random::{MULTIPLIERS, ROUNDS, WEYL};

/// Counters per inner loop.
const LANES: usize = 16;
/// Sites per inner loop: a counter gives the noise of two sites, `LANES` apart.
const BLOCK: usize = 2 * LANES;

/// What a row of noise is keyed by.
#[derive(Clone, Copy, Debug)]
pub struct NoiseKey {
    /// Seed, as (low, high) words.
    pub seed: [u32; 2],
    /// Tick, as (low, high) words.
    pub tick: [u32; 2],
    /// `array << 16 | band`.
    pub lane: u32,
}

/// Counters that a row of `width` sites uses: row `y` starts at `y` times this.
#[must_use]
pub(crate) fn counters_per_row(width: usize) -> u32 {
    (width.div_ceil(BLOCK) * LANES) as u32
}

/// Writes the noise of a row into `re` and `im` (same length), `E|ξ|² = 2`, from the counters `first ..`.
///
/// Site `x` takes words 0 and 1 of counter `first + 16 (x / 32) + x % 16` where `x % 32 < 16`, else words 2
/// and 3: neighbours in a register are neighbours on the sheet.
#[inline(always)]
pub(crate) fn fill_row(key: NoiseKey, first: u32, re: &mut [f32], im: &mut [f32]) {
    let (re_blocks, re_rest) = re.as_chunks_mut::<BLOCK>();
    let (im_blocks, im_rest) = im.as_chunks_mut::<BLOCK>();
    let mut counter = first;
    for (re, im) in re_blocks.iter_mut().zip(im_blocks) {
        fill_block(key, counter, re, im);
        counter = counter.wrapping_add(LANES as u32);
    }
    if !re_rest.is_empty() {
        let (mut re, mut im) = ([0.0; BLOCK], [0.0; BLOCK]);
        fill_block(key, counter, &mut re, &mut im);
        re_rest.copy_from_slice(&re[..re_rest.len()]);
        im_rest.copy_from_slice(&im[..im_rest.len()]);
    }
}

#[inline(always)]
fn fill_block(key: NoiseKey, first: u32, re: &mut [f32; BLOCK], im: &mut [f32; BLOCK]) {
    let words = philox_lanes(key, first);
    for lane in 0..LANES {
        (re[lane], im[lane]) = box_muller(words[0][lane], words[1][lane]);
    }
    for lane in 0..LANES {
        (re[LANES + lane], im[LANES + lane]) = box_muller(words[2][lane], words[3][lane]);
    }
}

/// The words of `LANES` counters, word by word. Words are kept in 64-bit lanes, whose upper half the
/// multiplication ignores: that spares the shuffles between 32 and 64 bits in every round.
#[inline(always)]
fn philox_lanes(key: NoiseKey, first: u32) -> [[u32; LANES]; 4] {
    const LOW: u64 = 0xFFFF_FFFF;
    let mut c0 = [0u64; LANES];
    let mut c1 = [u64::from(key.lane); LANES];
    let mut c2 = [u64::from(key.tick[0]); LANES];
    let mut c3 = [u64::from(key.tick[1]); LANES];
    for (lane, counter) in c0.iter_mut().enumerate() {
        *counter = u64::from(first.wrapping_add(lane as u32));
    }
    let [mut k0, mut k1] = key.seed;
    for round in 0..ROUNDS {
        if round > 0 {
            k0 = k0.wrapping_add(WEYL[0]);
            k1 = k1.wrapping_add(WEYL[1]);
        }
        for lane in 0..LANES {
            let first = u64::from(MULTIPLIERS[0]) * (c0[lane] & LOW);
            let second = u64::from(MULTIPLIERS[1]) * (c2[lane] & LOW);
            c0[lane] = (second >> 32) ^ c1[lane] ^ u64::from(k0);
            c1[lane] = second;
            c2[lane] = (first >> 32) ^ c3[lane] ^ u64::from(k1);
            c3[lane] = first;
        }
    }
    [c0, c1, c2, c3].map(|words| words.map(|word| word as u32))
}

/// Two independent standard normals from two words.
#[inline(always)]
fn box_muller(radius: u32, angle: u32) -> (f32, f32) {
    // (k + 1) / 2^24 lies in (0, 1] and is exact.
    let uniform = ((radius >> 8) + 1).cast_signed() as f32 * (1.0 / 16_777_216.0);
    let length = (-2.0 * ln(uniform)).max(0.0).sqrt();
    let (sin, cos) = sin_cos_turn(angle >> 8);
    (length * cos, length * sin)
}

/// The natural logarithm of a normal number in (0, 1]; Cephes `logf`, its constants as printed there.
#[inline(always)]
#[allow(clippy::excessive_precision)]
fn ln(x: f32) -> f32 {
    // Split so that the mantissa lies in [sqrt(1/2), sqrt(2)).
    let bits = x.to_bits().wrapping_sub(0x3F35_04F3).cast_signed();
    let exponent = (bits >> 23) as f32;
    let mantissa = f32::from_bits(((bits & 0x007F_FFFF) + 0x3F35_04F3).cast_unsigned()) - 1.0;
    let square = mantissa * mantissa;
    let mut p = 7.037_683_6e-2_f32;
    p = p.mul_add(mantissa, -1.151_461_03e-1);
    p = p.mul_add(mantissa, 1.167_699_87e-1);
    p = p.mul_add(mantissa, -1.242_014_08e-1);
    p = p.mul_add(mantissa, 1.424_932_28e-1);
    p = p.mul_add(mantissa, -1.666_805_77e-1);
    p = p.mul_add(mantissa, 2.000_071_48e-1);
    p = p.mul_add(mantissa, -2.499_999_4e-1);
    p = p.mul_add(mantissa, 3.333_333_1e-1);
    let mut y = p * mantissa * square;
    // ln 2 in two parts.
    y = exponent.mul_add(-2.121_944_4e-4, y);
    y = (-0.5f32).mul_add(square, y);
    exponent.mul_add(0.693_359_375, mantissa + y)
}

/// Sine and cosine of `turn / 2^24` of a full turn, `turn < 2^24`; Cephes `sinf`, `cosf` on an octant.
#[inline(always)]
fn sin_cos_turn(turn: u32) -> (f32, f32) {
    let quadrant = (turn + (1 << 21)) >> 22;
    let rest = turn.cast_signed() - (quadrant << 22).cast_signed();
    let x = rest as f32 * (core::f32::consts::TAU / 16_777_216.0);
    let square = x * x;
    let mut s = -1.951_529_6e-4_f32;
    s = s.mul_add(square, 8.332_161e-3);
    s = s.mul_add(square, -1.666_665_5e-1);
    let sin = (s * square).mul_add(x, x);
    let mut c = 2.443_315_7e-5_f32;
    c = c.mul_add(square, -1.388_731_6e-3);
    c = c.mul_add(square, 4.166_664_6e-2);
    let cos = (c * square).mul_add(square, (-0.5f32).mul_add(square, 1.0));
    // Turn by whole quadrants: swap, then signs, without a branch.
    let swap = quadrant & 1 == 1;
    let (a, b) = if swap { (cos, sin) } else { (sin, cos) };
    let sin_sign = (quadrant & 2) << 30;
    let cos_sign = ((quadrant + 1) & 2) << 30;
    (f32::from_bits(a.to_bits() ^ sin_sign), f32::from_bits(b.to_bits() ^ cos_sign))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::philox4x32;

    const KEY: NoiseKey = NoiseKey { seed: [11, 7], tick: [3, 0], lane: 0x0001_0005 };

    fn row(key: NoiseKey, length: usize) -> (Vec<f32>, Vec<f32>) {
        let (mut re, mut im) = (vec![0.0; length], vec![0.0; length]);
        fill_row(key, 0, &mut re, &mut im);
        (re, im)
    }

    #[test]
    fn lanes_are_the_published_generator() {
        let words = philox_lanes(KEY, 40);
        for (lane, ()) in [(); LANES].into_iter().enumerate() {
            let expected = philox4x32([40 + lane as u32, KEY.lane, 3, 0], KEY.seed);
            assert_eq!([words[0][lane], words[1][lane], words[2][lane], words[3][lane]], expected);
        }
    }

    #[test]
    fn the_polynomials_are_the_functions() {
        for k in (1..=16_777_216u32).step_by(997) {
            let x = k as f32 / 16_777_216.0;
            let error = (f64::from(ln(x)) - f64::from(x).ln()).abs();
            assert!(error <= 2.5e-7 * (1.0 + f64::from(x).ln().abs()), "ln {x}: {error}");
        }
        for turn in (0..16_777_216u32).step_by(1_013) {
            let (sin, cos) = sin_cos_turn(turn);
            let angle = f64::from(turn) / 16_777_216.0 * core::f64::consts::TAU;
            assert!((f64::from(sin) - angle.sin()).abs() < 2e-7, "sin {turn}");
            assert!((f64::from(cos) - angle.cos()).abs() < 2e-7, "cos {turn}");
        }
    }

    #[test]
    fn a_site_draws_the_same_however_long_its_row_is() {
        let (re, im) = row(KEY, 100);
        for length in [1, 31, 32, 33, 64, 99] {
            let (re_short, im_short) = row(KEY, length);
            assert_eq!((&re[..length], &im[..length]), (&re_short[..], &im_short[..]), "{length} sites");
        }
    }

    #[test]
    fn no_two_sites_share_a_draw() {
        let mut all: Vec<u32> = Vec::new();
        for y in 0..8 {
            let (mut re, mut im) = (vec![0.0; 40], vec![0.0; 40]);
            fill_row(KEY, y * counters_per_row(40), &mut re, &mut im);
            all.extend(re.iter().map(|value| value.to_bits()));
        }
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn moments_and_tails_are_those_of_a_normal() {
        let (mut sum, mut square, mut fourth, mut over3, mut cross, mut n) = (0.0, 0.0, 0.0, 0u32, 0.0, 0.0);
        for tick in 0..200 {
            let (re, im) = row(NoiseKey { tick: [tick, 0], ..KEY }, 8_192);
            let mut before = 0.0;
            for (x, y) in re.iter().zip(&im) {
                for v in [f64::from(*x), f64::from(*y)] {
                    assert!(v.is_finite());
                    sum += v;
                    square += v * v;
                    fourth += v * v * v * v;
                    over3 += u32::from(v.abs() > 3.0);
                    cross += v * before;
                    before = v;
                    n += 1.0;
                }
            }
        }
        let standard_error = 1.0 / f64::sqrt(n);
        assert!((sum / n).abs() < 4.0 * standard_error);
        assert!((square / n - 1.0).abs() < 4.0 * standard_error * 1.42);
        assert!((fourth / n - 3.0).abs() < 4.0 * standard_error * 9.8);
        assert!((cross / n).abs() < 4.0 * standard_error);
        assert!((f64::from(over3) / n / 0.002_699_8 - 1.0).abs() < 0.05);
    }
}
