//! A bank of amplitude-modulated carriers: each tick's modulation, summed by sub-band, then carried into sound.
//!
//! Every loop does separate products and sums in a stated order, never fused or reassociated, so the wide
//! paths and the portable one give equal bits; they differ only in how many lanes go at once.

use super::turns;
use super::wide::compile_wide;

/// Lanes that the loops are cut into.
pub const LANES: usize = 16;
/// Sound frames in one block.
pub const BLOCK: usize = 48;
/// Vectors of [`LANES`] in one block.
pub const VECTORS: usize = BLOCK / LANES;

/// Beyond this the power of a modulator is no number of a field: it counts as silence.
const ABSURD_POWER: f32 = 1e30;
/// Keeps the bound's quotient defined where the bound and the power are both zero.
const TINY_POWER: f32 = 1e-30;

/// The complex amplitude of one sub-band: left real, left imaginary, right real, right imaginary.
pub type Amplitude = [f32; 4];

/// The carriers' constants, one value each; all slices of one length, a multiple of [`LANES`].
#[derive(Clone, Copy, Debug)]
pub struct Bank<'a> {
    /// Phase advance per tick, in 2^-32 turns.
    pub increment: &'a [u32],
    /// Phase at tick 0, in 2^-32 turns.
    pub phase: &'a [u32],
    /// Gain to the left.
    pub left: &'a [f32],
    /// Gain to the right.
    pub right: &'a [f32],
    /// The largest power of the modulator; beyond it the amplitude is held, the phase goes on.
    pub power_bound: &'a [f32],
}

/// What each carrier's modulator adds to its sub-band, one value per carrier.
#[derive(Debug)]
pub struct Products<'a> {
    /// Left, real part.
    pub left_re: &'a mut [f32],
    /// Left, imaginary part.
    pub left_im: &'a mut [f32],
    /// Right, real part.
    pub right_re: &'a mut [f32],
    /// Right, imaginary part.
    pub right_im: &'a mut [f32],
}

compile_wide! {
    /// Modulates every carrier: `out = gain * bounded(z) * e^{i 2 pi (phase + tick * increment)}`.
    ///
    /// A modulator that is not finite counts as 0. `tick` is the tick's number modulo 2^32, which is exact
    /// because phases wrap there too.
    ///
    /// # Panics
    /// Where the slices' lengths differ.
    pub fn modulate, modulate_on(tick: u32, bank: &Bank<'_>, re: &[f32], im: &[f32], out: &mut Products<'_>) = modulate_lanes
}

#[inline(always)]
fn modulate_lanes(tick: u32, bank: &Bank<'_>, re: &[f32], im: &[f32], out: &mut Products<'_>) {
    let count = re.len();
    let (increment, phase) = (&bank.increment[..count], &bank.phase[..count]);
    let (left, right, bound) = (&bank.left[..count], &bank.right[..count], &bank.power_bound[..count]);
    let im = &im[..count];
    let (left_re, left_im) = (&mut out.left_re[..count], &mut out.left_im[..count]);
    let (right_re, right_im) = (&mut out.right_re[..count], &mut out.right_im[..count]);
    for c in 0..count {
        let power = re[c] * re[c] + im[c] * im[c];
        // A comparison with NaN is false, so NaN and infinity fall to zero here.
        let (x, y) = if power < ABSURD_POWER { (re[c], im[c]) } else { (0.0, 0.0) };
        let held = (bound[c] / power.max(bound[c]).max(TINY_POWER)).sqrt();
        let angle = phase[c].wrapping_add(tick.wrapping_mul(increment[c]));
        let (cosine, sine) = (turns::cosine(angle), turns::sine(angle));
        let a = (x * cosine - y * sine) * held;
        let b = (x * sine + y * cosine) * held;
        left_re[c] = a * left[c];
        left_im[c] = b * left[c];
        right_re[c] = a * right[c];
        right_im[c] = b * right[c];
    }
}

/// Sums the carriers of each sub-band in their order: sub-band `s` has those below `ends[s]`, from the
/// previous sub-band's end on.
pub fn gather_subbands(products: &Products<'_>, ends: &[u32], out: &mut [Amplitude]) {
    let mut start = 0;
    for (&end, sum) in ends.iter().zip(out) {
        let end = end as usize;
        let mut total = [0.0; 4];
        for c in start..end {
            total[0] += products.left_re[c];
            total[1] += products.left_im[c];
            total[2] += products.right_re[c];
            total[3] += products.right_im[c];
        }
        *sum = total;
        start = end;
    }
}

/// One sub-band's carrier over a vector of frames: cosines, then sines.
pub type Phasor = [[f32; LANES]; 2];

compile_wide! {
    /// Carries sub-bands into sound: `sum over s of Re[(from_s + j/48 (to_s - from_s)) e^{i theta_s(j)}]` for
    /// frames `j` of 0 to 47, left and right.
    ///
    /// `phasors` holds `e^{i theta_s(j)}`, all sub-bands of the first [`LANES`] frames, then of the next, and so on:
    /// [`VECTORS`] times as many as there are sub-bands. The sums run over sub-bands in their order.
    ///
    /// # Panics
    /// Where the slices' lengths do not agree.
    pub fn carry, carry_on(
        phasors: &[Phasor],
        from: &[Amplitude],
        to: &[Amplitude],
        left: &mut [f32; BLOCK],
        right: &mut [f32; BLOCK],
    ) = carry_lanes
}

#[inline(always)]
fn carry_lanes(
    phasors: &[Phasor],
    from: &[Amplitude],
    to: &[Amplitude],
    left: &mut [f32; BLOCK],
    right: &mut [f32; BLOCK],
) {
    let subbands = from.len();
    let to = &to[..subbands];
    for v in 0..VECTORS {
        let phasors = &phasors[v * subbands..(v + 1) * subbands];
        let mut ramp = [0.0f32; LANES];
        for (lane, r) in ramp.iter_mut().enumerate() {
            *r = (v * LANES + lane) as f32 / BLOCK as f32;
        }
        // What the amplitudes at the block's start give, and what their change over the block adds.
        let mut start = [[0.0f32; LANES]; 2];
        let mut change = [[0.0f32; LANES]; 2];
        for ((phasor, a), b) in phasors.iter().zip(from).zip(to) {
            let d = [b[0] - a[0], b[1] - a[1], b[2] - a[2], b[3] - a[3]];
            for lane in 0..LANES {
                let (cosine, sine) = (phasor[0][lane], phasor[1][lane]);
                start[0][lane] += a[0] * cosine - a[1] * sine;
                start[1][lane] += a[2] * cosine - a[3] * sine;
                change[0][lane] += d[0] * cosine - d[1] * sine;
                change[1][lane] += d[2] * cosine - d[3] * sine;
            }
        }
        for lane in 0..LANES {
            left[v * LANES + lane] = start[0][lane] + ramp[lane] * change[0][lane];
            right[v * LANES + lane] = start[1][lane] + ramp[lane] * change[1][lane];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wide::Isa;
    use super::*;
    use crate::random::Stream;

    const COUNT: usize = 1_024;

    struct Filled {
        words: [Vec<u32>; 2],
        floats: [Vec<f32>; 5],
    }

    fn fill(seed: u64) -> Filled {
        let mut draw = Stream::new(seed, 0);
        let words = [0, 1].map(|_| (0..COUNT).map(|_| draw.word()).collect());
        let floats = [0; 5].map(|_| (0..COUNT).map(|_| draw.normal() as f32).collect());
        Filled { words, floats }
    }

    fn run(f: &Filled, isa: Isa) -> Vec<f32> {
        let bound = vec![1.0; COUNT];
        let bank = Bank {
            increment: &f.words[0],
            phase: &f.words[1],
            left: &f.floats[0],
            right: &f.floats[1],
            power_bound: &bound,
        };
        let mut sums = [0; 4].map(|_| vec![0.0; COUNT]);
        let [a, b, c, d] = &mut sums;
        let mut out = Products { left_re: a, left_im: b, right_re: c, right_im: d };
        modulate_on(isa, 123_456_789, &bank, &f.floats[2], &f.floats[3], &mut out);
        sums.concat()
    }

    fn equal(a: &[f32], b: &[f32]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
    }

    #[test]
    fn no_set_of_vector_instructions_changes_a_bit_of_modulation() {
        let filled = fill(1);
        let portable = run(&filled, Isa::Portable);
        assert!(portable.iter().any(|x| x.abs() > 0.1));
        for &isa in Isa::all() {
            assert!(equal(&run(&filled, isa), &portable), "{isa:?}");
        }
    }

    #[test]
    fn sub_bands_gather_their_own_carriers() {
        let filled = fill(4);
        let [mut a, mut b, mut c, mut d] = [0, 1, 2, 3].map(|i| filled.floats[i].clone());
        let products = Products { left_re: &mut a, left_im: &mut b, right_re: &mut c, right_im: &mut d };
        let ends = [1, 8, 9, 20, 20, 60, 300, 301, COUNT as u32];
        let mut out = [[f32::NAN; 4]; 9];
        gather_subbands(&products, &ends, &mut out);
        let mut start = 0;
        for (&end, sums) in ends.iter().zip(&out) {
            for (sum, part) in sums.iter().zip(&filled.floats) {
                let exact: f64 = part[start..end as usize].iter().map(|&x| f64::from(x)).sum();
                assert!((f64::from(*sum) - exact).abs() < 1e-4, "{sum} {exact}");
            }
            start = end as usize;
        }
    }

    #[test]
    fn no_set_of_vector_instructions_changes_a_bit_of_carrying() {
        let mut draw = Stream::new(2, 0);
        let subbands = 37;
        let phasors: Vec<Phasor> = (0..VECTORS * subbands)
            .map(|_| [0; 2].map(|_| [0; LANES].map(|_| draw.normal() as f32)))
            .collect();
        let [from, to]: [Vec<Amplitude>; 2] =
            [0; 2].map(|_| (0..subbands).map(|_| [0; 4].map(|_| draw.normal() as f32)).collect());
        let sound = |isa| {
            let mut sides = [[0.0; BLOCK]; 2];
            let [left, right] = &mut sides;
            carry_on(isa, &phasors, &from, &to, left, right);
            sides
        };
        let portable = sound(Isa::Portable);
        for &isa in Isa::all() {
            assert!(equal(sound(isa).as_flattened(), portable.as_flattened()), "{isa:?}");
        }
    }

    #[test]
    fn a_modulator_that_is_no_number_is_silent_and_a_huge_one_is_held() {
        let mut filled = fill(3);
        filled.floats[0].fill(1.0);
        filled.floats[2][0] = f32::NAN;
        filled.floats[2][1] = f32::INFINITY;
        filled.floats[3][2] = 1e25;
        filled.floats[2][3] = 1e9;
        let out = run(&filled, Isa::best());
        for c in 0..3 {
            assert!(out[c].abs() == 0.0 && out[COUNT + c].abs() == 0.0);
        }
        let held = (out[3] * out[3] + out[COUNT + 3] * out[COUNT + 3]).sqrt();
        assert!((held - 1.0).abs() < 1e-4, "{held}");
    }
}
