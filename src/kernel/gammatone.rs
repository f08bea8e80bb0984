//! A bank of complex gammatone filters: sound in, power per channel out, lanes across channels.
//!
//! ```text
//! y_0[n] = g x[n],   y_k[n] = y_{k-1}[n] + a y_k[n-1]   (k = 1..4),   a = lambda e^{i beta}
//! power  = mean over the block of |y_4|^2
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
//! Sources: Hohmann, "Frequency analysis and synthesis using a Gammatone filterbank", Acta Acustica 88 (2002),
//! equations 1 to 11 (all-pole form); Glasberg and Moore, Hearing Research 47 (1990), equation 3 (bandwidth).

use crate::units::Hertz;

/// Channels that are filtered side by side.
pub const LANES: usize = 8;
/// Order of the filters.
pub const ORDER: usize = 4;
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

/// The constants of a bank, in groups of [`LANES`] channels; the last group is padded with silent channels.
#[derive(Clone, Debug)]
pub struct Coefficients {
    channels: usize,
    groups: Vec<Group>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Group {
    re: [f32; LANES],
    im: [f32; LANES],
    gain: [f32; LANES],
}

impl Coefficients {
    /// The bank with these centre frequencies at `rate` samples per second.
    #[must_use]
    pub fn new(centres: &[Hertz], rate: u32) -> Self {
        let mut groups = vec![Group::default(); centres.len().div_ceil(LANES)];
        for (i, &centre) in centres.iter().enumerate() {
            let damping = DAMPING_PER_ERB * equivalent_rectangular_bandwidth(centre).0;
            let radius = libm::exp(-core::f64::consts::TAU * damping / f64::from(rate));
            let angle = centre.radians_per_second() / f64::from(rate);
            let group = &mut groups[i / LANES];
            group.re[i % LANES] = (radius * libm::cos(angle)) as f32;
            group.im[i % LANES] = (radius * libm::sin(angle)) as f32;
            let left = (1.0 - radius) * (1.0 - radius);
            group.gain[i % LANES] = (2.0 * left * left) as f32;
        }
        Self { channels: centres.len(), groups }
    }

    /// Channels of the bank.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }
}

/// What the filters of one ear remember.
#[derive(Clone, Debug)]
pub struct State(Vec<Stages>);

#[derive(Clone, Copy, Debug, Default)]
struct Stages {
    re: [[f32; LANES]; ORDER],
    im: [[f32; LANES]; ORDER],
}

impl State {
    /// Silence.
    #[must_use]
    pub fn new(coefficients: &Coefficients) -> Self {
        Self(vec![Stages::default(); coefficients.groups.len()])
    }
}

/// Filters one block of sound and adds each channel's mean power over the block to `power`
/// (at least `channels` values; 1 for a full-scale sine). Allocates nothing.
///
/// The same bits with and without the processor's vector units: fused multiply-adds are exact and the order of
/// sums is that of the text.
pub fn add_power(coefficients: &Coefficients, state: &mut State, sound: &[f32], power: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        // SAFETY: the processor has both features, which is all that the function asks for.
        unsafe { add_power_avx2(coefficients, state, sound, power) };
        return;
    }
    add_power_body(coefficients, state, sound, power);
}

/// [`add_power`] compiled for AVX2 and FMA.
///
/// # Safety
/// The processor must have both.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn add_power_avx2(coefficients: &Coefficients, state: &mut State, sound: &[f32], power: &mut [f32]) {
    add_power_body(coefficients, state, sound, power);
}

/// Inlined into each version: a call would lose the caller's instruction set, and `mul_add` without it is a
/// slow library routine.
#[inline(always)]
#[expect(clippy::inline_always, reason = "see above")]
fn add_power_body(coefficients: &Coefficients, state: &mut State, sound: &[f32], power: &mut [f32]) {
    let per_sample = 1.0 / sound.len().max(1) as f32;
    for ((group, stages), out) in
        coefficients.groups.iter().zip(&mut state.0).zip(power[..coefficients.channels].chunks_mut(LANES))
    {
        let mut sum = [0.0f32; LANES];
        let mut local = *stages;
        for &x in sound {
            let mut in_re = [0.0f32; LANES];
            let mut in_im = [0.0f32; LANES];
            for (input, gain) in in_re.iter_mut().zip(group.gain) {
                *input = x * gain;
            }
            for k in 0..ORDER {
                for l in 0..LANES {
                    let (re, im) = (local.re[k][l], local.im[k][l]);
                    let next_re = group.re[l].mul_add(re, (-group.im[l]).mul_add(im, in_re[l]));
                    let next_im = group.re[l].mul_add(im, group.im[l].mul_add(re, in_im[l]));
                    local.re[k][l] = next_re;
                    local.im[k][l] = next_im;
                    in_re[l] = next_re;
                    in_im[l] = next_im;
                }
            }
            for l in 0..LANES {
                sum[l] = in_re[l].mul_add(in_re[l], in_im[l].mul_add(in_im[l], sum[l]));
            }
        }
        *stages = flushed(local);
        for (out, sum) in out.iter_mut().zip(sum) {
            *out += sum * per_sample;
        }
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "part of the kernel's body")]
fn flushed(mut stages: Stages) -> Stages {
    for part in stages.re.iter_mut().chain(&mut stages.im) {
        for value in part {
            *value = if value.abs() < TINY { 0.0 } else { *value };
        }
    }
    stages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    const RATE: u32 = 48_000;

    fn bank() -> (Vec<Hertz>, Coefficients) {
        let centres = erb_spaced(Hertz(50.0), Hertz(16_000.0), 37);
        let coefficients = Coefficients::new(&centres, RATE);
        (centres, coefficients)
    }

    fn noise(count: usize) -> Vec<f32> {
        let mut stream = Stream::new(5, 1);
        (0..count).map(|_| (0.1 * stream.normal()) as f32).collect()
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
        let (centres, coefficients) = bank();
        let at = 20;
        let step = centres[at].radians_per_second() / f64::from(RATE);
        let sound: Vec<f32> = (0..9_600).map(|n| libm::sin(step * f64::from(n)) as f32).collect();
        let mut state = State::new(&coefficients);
        let mut power = vec![0.0; 37];
        add_power(&coefficients, &mut state, &sound[..4_800], &mut power);
        power.fill(0.0);
        add_power(&coefficients, &mut state, &sound[4_800..], &mut power);
        assert!((power[at] - 1.0).abs() < 0.02, "{}", power[at]);
        assert!(power[at - 2] < 0.02 && power[at + 2] < 0.02, "{power:?}");
    }

    #[test]
    fn the_processors_vector_units_do_not_change_a_bit() {
        type Filter<'a> = &'a dyn Fn(&mut State, &[f32], &mut [f32]);
        let (_, coefficients) = bank();
        let sound = noise(4_800);
        let run = |filter: Filter| {
            let mut state = State::new(&coefficients);
            let mut power = vec![0.0; 37];
            for block in sound.chunks(48) {
                filter(&mut state, block, &mut power);
            }
            power.iter().map(|p| p.to_bits()).collect::<Vec<_>>()
        };
        let chosen = run(&|state, block, power| add_power(&coefficients, state, block, power));
        let plain = run(&|state, block, power| add_power_body(&coefficients, state, block, power));
        assert_eq!(chosen, plain);
    }

    #[test]
    fn the_lanes_agree_with_filters_written_one_by_one() {
        let (centres, coefficients) = bank();
        let sound = noise(480);
        let mut power = vec![0.0; 37];
        add_power(&coefficients, &mut State::new(&coefficients), &sound, &mut power);
        for (&centre, &power) in centres.iter().zip(&power) {
            let expected = reference(centre, &sound);
            assert!((f64::from(power) / expected - 1.0).abs() < 1e-3, "{centre}: {power} {expected}");
        }
    }

    /// The equations of the file's head in double precision.
    fn reference(centre: Hertz, sound: &[f32]) -> f64 {
        let damping = DAMPING_PER_ERB * equivalent_rectangular_bandwidth(centre).0;
        let radius = libm::exp(-core::f64::consts::TAU * damping / f64::from(RATE));
        let angle = centre.radians_per_second() / f64::from(RATE);
        let a = rustfft::num_complex::Complex64::from_polar(radius, angle);
        let mut y = [rustfft::num_complex::Complex64::default(); ORDER];
        let mut sum = 0.0;
        for &x in sound {
            let mut input = (2.0 * (1.0 - radius).powi(4) * f64::from(x)).into();
            for stage in &mut y {
                *stage = input + a * *stage;
                input = *stage;
            }
            sum += input.norm_sqr();
        }
        sum / sound.len() as f64
    }

    #[test]
    fn silence_empties_the_filters_to_the_last_bit() {
        let (_, coefficients) = bank();
        let mut state = State::new(&coefficients);
        let mut power = vec![0.0; 37];
        add_power(&coefficients, &mut state, &noise(480), &mut power);
        for _ in 0..1_000 {
            power.fill(0.0);
            add_power(&coefficients, &mut state, &[0.0; 48], &mut power);
        }
        assert!(power.iter().all(|&p| p == 0.0), "{power:?}");
    }
}
