//! A bank of complex gammatone filters: stereo sound in, power per channel out, lanes across channels.
//!
//! ```text
//! y_0[n] = g x[n],   y_k[n] = y_{k-1}[n] + a y_k[n-1]   (k = 1..4),   a = lambda e^{i beta}
//! power  = mean over both ears and the block of |y_4|^2
//! ```
//!
//! | symbol | unit | meaning |
//! |---|---|---|
//! | `beta` | rad/sample | 2 pi times centre frequency over sample rate |
//! | `lambda` | - | `exp(-2 pi b / rate)`, `b` = 1.019 equivalent rectangular bandwidths |
//! | `g` | - | `2 (1 - lambda)^4`: a sine of amplitude 1 at the centre gives `\|y_4\|` = 1 |
//!
//! `|y_4|` is the filter's envelope: what half-wave rectification and a low-pass would give, without their ripple.
//!
//! It is computed in the channel's own frame, `u_k[n] = e^{-i beta n} y_k[n]` with `n` from the start of the
//! block: `u_k[n] = u_{k-1}[n] + lambda u_k[n-1]` are real low-passes, half the work of complex ones and as well
//! conditioned in single precision at 50 Hz as at 16 kHz, and `|u_4| = |y_4|`. Between two blocks the states turn by
//! `e^{i beta 48}`. Against double precision a channel's power is off by less than 5e-5, most of it
//! the rounding of `lambda` (-92 dB as an error of the envelope; tested over the whole range).
//!
//! Sources: Hohmann, "Frequency analysis and synthesis using a Gammatone filterbank", Acta Acustica 88 (2002),
//! equations 1 to 11 (all-pole form); Glasberg and Moore, Hearing Research 47 (1990), equation 3 (bandwidth).

use super::archive::Archive;
use super::wide::compile_wide;
use crate::units::Hertz;

/// Channels that are laid side by side.
pub const LANES: usize = 16;
/// Order of the filters.
pub const ORDER: usize = 4;
/// Sound frames in one block.
pub const BLOCK: usize = 48;
/// The filter's damping `b` in equivalent rectangular bandwidths (Hohmann 2002, equations 13 and 14, order 4).
const DAMPING_PER_ERB: f64 = 1.018_591_635_788_130_2;
/// States below this are silence (-320 dB): flushed once a block, so that none becomes subnormal.
const TINY: f32 = 1e-16;

/// The equivalent rectangular bandwidth at a centre frequency (Glasberg and Moore 1990, equation 3).
#[must_use]
pub fn equivalent_rectangular_bandwidth(centre: Hertz) -> Hertz {
    Hertz(24.7 * (0.004_37 * centre.0 + 1.0))
}

/// `count` centre frequencies from `low` to `high`, equally spaced in ERB number
/// `21.4 log10(1 + 0.00437 f)` (Glasberg and Moore 1990, equation 4), ascending.
#[must_use]
pub fn erb_spaced(low: Hertz, high: Hertz, count: usize) -> Vec<Hertz> {
    let number = |f: f64| 21.4 * libm::log10(1.0 + 0.004_37 * f);
    let (first, last) = (number(low.0), number(high.0));
    (0..count)
        .map(|i| {
            let part = if count > 1 { i as f64 / (count - 1) as f64 } else { 0.0 };
            Hertz((libm::pow(10.0, (first + part * (last - first)) / 21.4) - 1.0) / 0.004_37)
        })
        .collect()
}

/// The time from an impulse to the peak of a filter's envelope in seconds: `(order - 1) / (2 pi b)`.
#[must_use]
pub fn envelope_delay_s(centre: Hertz) -> f64 {
    let damping = DAMPING_PER_ERB * equivalent_rectangular_bandwidth(centre).0;
    (ORDER - 1) as f64 / (core::f64::consts::TAU * damping)
}

type Lanes = [f32; LANES];

/// The constants of a bank, in groups of [`LANES`] channels; the last group is padded with silent channels.
#[derive(Clone, Debug)]
pub struct Coefficients {
    channels: usize,
    groups: Vec<Group>,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    decay: Lanes,
    /// `e^{i beta 48}`.
    turn: [Lanes; 2],
    /// `g e^{-i beta n}`.
    carrier: [[Lanes; 2]; BLOCK],
}

impl Group {
    const SILENT: Self =
        Self { decay: [0.0; LANES], turn: [[0.0; LANES]; 2], carrier: [[[0.0; LANES]; 2]; BLOCK] };

    fn set(&mut self, lane: usize, centre: Hertz, rate: u32) {
        let damping = DAMPING_PER_ERB * equivalent_rectangular_bandwidth(centre).0;
        let decay = libm::exp(-core::f64::consts::TAU * damping / f64::from(rate)) as f32;
        // Of the decay as it is rounded, so that the gain at the centre stays 1.
        let left = 1.0 - f64::from(decay);
        let gain = 2.0 * (left * left) * (left * left);
        let angle = centre.radians_per_second() / f64::from(rate);
        self.decay[lane] = decay;
        let (sine, cosine) = libm::sincos(angle * BLOCK as f64);
        (self.turn[0][lane], self.turn[1][lane]) = (cosine as f32, sine as f32);
        for (n, carrier) in self.carrier.iter_mut().enumerate() {
            let (sine, cosine) = libm::sincos(angle * n as f64);
            (carrier[0][lane], carrier[1][lane]) = ((gain * cosine) as f32, (-gain * sine) as f32);
        }
    }
}

impl Coefficients {
    /// The bank with these centre frequencies at `rate` samples per second.
    #[must_use]
    pub fn new(centres: &[Hertz], rate: u32) -> Self {
        let mut groups = vec![Group::SILENT; centres.len().div_ceil(LANES)];
        for (i, &centre) in centres.iter().enumerate() {
            groups[i / LANES].set(i % LANES, centre, rate);
        }
        Self { channels: centres.len(), groups }
    }

    /// Channels of the bank.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }
}

/// What the filters of both ears remember.
#[derive(Clone, Debug)]
pub struct State(Vec<[Stages; 2]>);

#[derive(Clone, Copy, Debug, Default)]
struct Stages {
    re: [Lanes; ORDER],
    im: [Lanes; ORDER],
}

impl State {
    /// Silence.
    #[must_use]
    pub fn new(coefficients: &Coefficients) -> Self {
        Self(vec![[Stages::default(); 2]; coefficients.groups.len()])
    }

    /// Hands every number of the state to `archive`.
    pub fn archive(&mut self, archive: &mut impl Archive) {
        for stages in self.0.as_flattened_mut() {
            archive.numbers(stages.re.as_flattened_mut());
            archive.numbers(stages.im.as_flattened_mut());
        }
    }
}

compile_wide! {
    /// Filters one block of both ears; `power` gets each channel's mean power over both (at least `channels` values; 1
    /// for a full-scale sine). Allocates nothing.
    ///
    /// # Panics
    /// Where `power` has no room for all channels.
    pub fn power, power_on(
        coefficients: &Coefficients,
        state: &mut State,
        ears: &[[f32; BLOCK]; 2],
        power: &mut [f32],
    ) = power_body::<8>, power_body::<8>, power_body::<16>
}

/// `L` channels at a time: as many as a register holds. Channels do not meet, so `L` does not change a bit.
#[inline(always)]
fn power_body<const L: usize>(
    coefficients: &Coefficients,
    state: &mut State,
    ears: &[[f32; BLOCK]; 2],
    power: &mut [f32],
) {
    let power = &mut power[..coefficients.channels];
    for ((group, of_ears), out) in coefficients.groups.iter().zip(&mut state.0).zip(power.chunks_mut(LANES)) {
        let mut sums = [0.0f32; LANES];
        for (stages, sound) in of_ears.iter_mut().zip(ears) {
            for at in (0..LANES).step_by(L) {
                let sum = stages.filter::<L>(group, sound, at, lanes(&sums, at));
                sums[at..at + L].copy_from_slice(&sum);
            }
        }
        let mean: Lanes = each(|l| sums[l] * (0.5 / BLOCK as f32));
        out.copy_from_slice(&mean[..out.len()]);
    }
}

/// An array by its lanes; `core::array::from_fn` is not always inlined, and a call loses the instruction set.
#[inline(always)]
fn each<const L: usize>(value: impl Fn(usize) -> f32) -> [f32; L] {
    let mut out = [0.0; L];
    for (l, out) in out.iter_mut().enumerate() {
        *out = value(l);
    }
    out
}

#[inline(always)]
fn lanes<const L: usize>(of: &Lanes, at: usize) -> [f32; L] {
    each(|l| of[at + l])
}

impl Stages {
    /// Filters one ear's block in the lanes from `at` on; gives `sum` plus the summed power.
    #[inline(always)]
    fn filter<const L: usize>(
        &mut self,
        group: &Group,
        sound: &[f32; BLOCK],
        at: usize,
        mut sum: [f32; L],
    ) -> [f32; L] {
        let (cosine, sine): ([f32; L], [f32; L]) = (lanes(&group.turn[0], at), lanes(&group.turn[1], at));
        let decay: [f32; L] = lanes(&group.decay, at);
        let mut re = [[0.0f32; L]; ORDER];
        let mut im = [[0.0f32; L]; ORDER];
        for k in 0..ORDER {
            let (x, y): ([f32; L], [f32; L]) = (lanes(&self.re[k], at), lanes(&self.im[k], at));
            re[k] = each(|l| cosine[l].mul_add(x[l], -(sine[l] * y[l])));
            im[k] = each(|l| cosine[l].mul_add(y[l], sine[l] * x[l]));
        }
        for (carrier, &x) in group.carrier.iter().zip(sound) {
            let mut in_re: [f32; L] = each(|l| carrier[0][at + l] * x);
            let mut in_im: [f32; L] = each(|l| carrier[1][at + l] * x);
            for k in 0..ORDER {
                in_re = each(|l| decay[l].mul_add(re[k][l], in_re[l]));
                in_im = each(|l| decay[l].mul_add(im[k][l], in_im[l]));
                (re[k], im[k]) = (in_re, in_im);
            }
            sum = each(|l| in_re[l].mul_add(in_re[l], in_im[l].mul_add(in_im[l], sum[l])));
        }
        for k in 0..ORDER {
            self.re[k][at..at + L].copy_from_slice(&flushed(re[k]));
            self.im[k][at..at + L].copy_from_slice(&flushed(im[k]));
        }
        sum
    }
}

#[inline(always)]
fn flushed<const L: usize>(value: [f32; L]) -> [f32; L] {
    each(|l| if value[l].abs() < TINY { 0.0 } else { value[l] })
}

#[cfg(test)]
mod tests {
    use super::super::wide::Isa;
    use super::*;
    use crate::random::Stream;

    const RATE: u32 = 48_000;

    fn bank(count: usize) -> (Vec<Hertz>, Coefficients) {
        let centres = erb_spaced(Hertz(50.0), Hertz(16_000.0), count);
        let coefficients = Coefficients::new(&centres, RATE);
        (centres, coefficients)
    }

    fn noise(blocks: usize) -> Vec<[[f32; BLOCK]; 2]> {
        let mut stream = Stream::new(5, 1);
        (0..blocks).map(|_| [0; 2].map(|_| [0; BLOCK].map(|_| (0.1 * stream.normal()) as f32))).collect()
    }

    #[test]
    fn the_scale_is_that_of_glasberg_and_moore() {
        assert!((equivalent_rectangular_bandwidth(Hertz(1_000.0)).0 - 132.6).abs() < 0.1);
        let centres = erb_spaced(Hertz(50.0), Hertz(16_000.0), 128);
        assert!((centres[0].0 - 50.0).abs() < 1e-9 && (centres[127].0 - 16_000.0).abs() < 1e-6);
        assert!(centres.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_full_scale_sine_has_power_one_in_its_channel_and_little_two_erbs_away() {
        let (centres, coefficients) = bank(37);
        let at = 20;
        let step = centres[at].radians_per_second() / f64::from(RATE);
        let mut state = State::new(&coefficients);
        let mut out = vec![0.0; 37];
        for block in 0..200 {
            let sound = core::array::from_fn(|n| libm::sin(step * (block * BLOCK + n) as f64) as f32);
            power(&coefficients, &mut state, &[sound; 2], &mut out);
        }
        assert!((out[at] - 1.0).abs() < 0.02, "{}", out[at]);
        assert!(out[at - 2] < 0.02 && out[at + 2] < 0.02, "{out:?}");
    }

    #[test]
    fn no_set_of_vector_instructions_changes_a_bit() {
        let (_, coefficients) = bank(37);
        let run = |isa: Isa| {
            let mut state = State::new(&coefficients);
            let mut out = vec![0.0; 37];
            let mut bits = Vec::new();
            for block in &noise(100) {
                power_on(isa, &coefficients, &mut state, block, &mut out);
                bits.extend(out.iter().map(|p| p.to_bits()));
            }
            bits
        };
        for &isa in Isa::all() {
            assert_eq!(run(isa), run(Isa::Portable), "{isa:?}");
        }
    }

    /// The equations of the file's head in double precision, complex as they stand.
    struct Reference {
        gain: f64,
        pole: rustfft::num_complex::Complex64,
        stages: [[rustfft::num_complex::Complex64; ORDER]; 2],
    }

    impl Reference {
        fn new(centre: Hertz) -> Self {
            let damping = DAMPING_PER_ERB * equivalent_rectangular_bandwidth(centre).0;
            let radius = libm::exp(-core::f64::consts::TAU * damping / f64::from(RATE));
            let angle = centre.radians_per_second() / f64::from(RATE);
            let pole = rustfft::num_complex::Complex64::from_polar(radius, angle);
            Self { gain: 2.0 * (1.0 - radius).powi(4), pole, stages: Default::default() }
        }

        fn power(&mut self, ears: &[[f32; BLOCK]; 2]) -> f64 {
            let mut sum = 0.0;
            for (stages, sound) in self.stages.iter_mut().zip(ears) {
                for &x in sound {
                    let mut input = (self.gain * f64::from(x)).into();
                    for stage in &mut *stages {
                        *stage = input + self.pole * *stage;
                        input = *stage;
                    }
                    sum += input.norm_sqr();
                }
            }
            sum / (2 * BLOCK) as f64
        }
    }

    #[test]
    fn every_channel_is_that_of_double_precision_within_92_decibels() {
        let (centres, coefficients) = bank(128);
        let mut references: Vec<Reference> = centres.iter().map(|&centre| Reference::new(centre)).collect();
        let mut state = State::new(&coefficients);
        let mut out = vec![0.0; 128];
        // Two seconds of noise, then of a low note with its overtones: both far from and near to the channels.
        let note = |n: usize| {
            let turn = core::f64::consts::TAU * 55.0 * n as f64 / f64::from(RATE);
            (0.1 * libm::sin(turn) + 0.05 * libm::sin(8.0 * turn) + 0.02 * libm::sin(80.0 * turn)) as f32
        };
        let notes = (0..2_000).map(|b| [core::array::from_fn(|n| note(b * BLOCK + n)); 2]);
        let (mut errors, mut totals) = (vec![0.0; 128], vec![0.0; 128]);
        for block in noise(2_000).into_iter().chain(notes) {
            power(&coefficients, &mut state, &block, &mut out);
            for (c, reference) in references.iter_mut().enumerate() {
                let expected = reference.power(&block);
                errors[c] += (f64::from(out[c]) - expected).abs();
                totals[c] += expected;
            }
        }
        for (c, (error, total)) in errors.iter().zip(&totals).enumerate() {
            // An envelope is off by half of what its square is off by.
            let decibels = 20.0 * libm::log10(0.5 * error / total);
            assert!(decibels < -92.0, "{}: {decibels} dB", centres[c]);
        }
    }

    #[test]
    fn silence_empties_the_filters_to_the_last_bit() {
        let (_, coefficients) = bank(37);
        let mut state = State::new(&coefficients);
        let mut out = vec![0.0; 37];
        for block in &noise(10) {
            power(&coefficients, &mut state, block, &mut out);
        }
        for _ in 0..1_000 {
            power(&coefficients, &mut state, &[[0.0; BLOCK]; 2], &mut out);
        }
        assert!(out.iter().all(|&p| p == 0.0), "{out:?}");
    }
}
