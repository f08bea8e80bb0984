//! Changes the rate of a whole recording to 48 kHz, with the same bits on every processor.
//!
//! A windowed-sinc polyphase filter (Crochiere & Rabiner 1983, *Multirate Digital Signal Processing*,
//! chapter 4; Smith, *Digital Audio Resampling*): output `n` lies at input time `n * in / 48000`, an
//! exact fraction of integers, so nothing drifts, and the filter is centred there, so nothing is
//! delayed. Its table is made with `libm`, and each sum has one fixed order: the system's `sin` and
//! run-time SIMD dispatch, on which the resampling libraries rely, differ between processors.
//!
//! | symbol | value | unit | meaning |
//! |---|---|---|---|
//! | Z | 64 | zero crossings | half length of the filter, at the lower of the two rates |
//! | c | 0.95 | - | cutoff relative to the lower Nyquist frequency |
//! | β | 10.06 | - | Kaiser window for 100 dB: passband to 0.90, stopband from 1.0 of Nyquist |
//! | P | 48000/gcd, at most 1024 | - | phases; beyond that the nearest two are interpolated (-118 dB) |

use crate::time::SAMPLE_RATE;

const HALF_LENGTH: u64 = 64;
const CUTOFF: f64 = 0.95;
const KAISER_BETA: f64 = 10.06;
const MAX_PHASES: u64 = 1024;
/// Input frames that may be used up before they are dropped from the front of the history.
const SLACK: usize = 8192;

/// A stream of stereo frames at one rate, pulled out at 48 kHz.
#[derive(Debug)]
pub struct Resampler {
    rate: u64,
    filter: Option<Filter>,
    left: Vec<f32>,
    right: Vec<f32>,
    /// Position in the input of the first frame of the history, in frames; negative in the run-in.
    start: i64,
    /// Input frames taken in.
    taken: u64,
    /// Output frames given out.
    given: u64,
    ended: bool,
}

#[derive(Debug)]
struct Filter {
    /// Coefficients of one phase, an even count.
    taps: usize,
    phases: u64,
    /// Whether every output lies on a phase.
    exact: bool,
    /// `phases + 1` rows of `taps`; the last is the first, one sample on.
    table: Vec<f32>,
}

impl Resampler {
    /// A resampler from `rate` frames per second (1 to 384000) to 48 kHz; 48 kHz passes untouched.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        let filter = (rate != SAMPLE_RATE).then(|| Filter::new(u64::from(rate.max(1))));
        let run_in = filter.as_ref().map_or(0, |f| f.taps / 2 - 1);
        Self {
            rate: u64::from(rate.max(1)),
            filter,
            left: vec![0.0; run_in],
            right: vec![0.0; run_in],
            start: -(run_in.cast_signed() as i64),
            taken: 0,
            given: 0,
            ended: false,
        }
    }

    /// Takes in the next frames.
    pub fn push(&mut self, frames: &[[f32; 2]]) {
        self.left.extend(frames.iter().map(|f| f[0]));
        self.right.extend(frames.iter().map(|f| f[1]));
        self.taken += frames.len() as u64;
    }

    /// Says that no more comes: what is left can then be pulled, to the nearest frame of the length.
    pub fn finish(&mut self) {
        if !self.ended {
            self.ended = true;
            let run_out = self.filter.as_ref().map_or(0, |f| f.taps / 2 + 1);
            self.left.resize(self.left.len() + run_out, 0.0);
            self.right.resize(self.right.len() + run_out, 0.0);
        }
    }

    /// Appends at most `most` frames at 48 kHz to `out`; says how many. Zero asks for more input.
    pub fn pull(&mut self, most: usize, out: &mut Vec<[f32; 2]>) -> usize {
        let most = if self.ended { most.min(self.left_to_give()) } else { most };
        let count = match &self.filter {
            None => {
                let count = most.min(self.left.len());
                out.extend(self.left.iter().zip(&self.right).take(count).map(|(&l, &r)| [l, r]));
                count
            }
            Some(filter) => {
                let history = History { left: &self.left, right: &self.right, start: self.start };
                let mut count = 0;
                while count < most
                    && let Some(frame) = filter.at(self.given + count as u64, self.rate, &history)
                {
                    out.push(frame);
                    count += 1;
                }
                count
            }
        };
        self.given += count as u64;
        self.forget();
        count
    }

    /// Frames of the whole length that have not been given, once the input has ended.
    fn left_to_give(&self) -> usize {
        let (out, rate) = (u128::from(SAMPLE_RATE), u128::from(self.rate));
        let whole = (2 * u128::from(self.taken) * out + rate) / (2 * rate);
        usize::try_from(whole.saturating_sub(u128::from(self.given))).unwrap_or(usize::MAX)
    }

    /// Drops what no later output needs.
    fn forget(&mut self) {
        let used = match &self.filter {
            None => self.left.len().min((self.given.cast_signed() - self.start).max(0) as usize),
            Some(filter) => {
                let (next, _) = place(self.given, self.rate);
                (next - (filter.taps.cast_signed() as i64 / 2 - 1) - self.start).max(0) as usize
            }
        };
        let used = used.min(self.left.len());
        if used >= SLACK || self.filter.is_none() {
            self.left.drain(..used);
            self.right.drain(..used);
            self.start += used.cast_signed() as i64;
        }
    }
}

/// Where output `n` lies: the input frame at or before it, and the rest in 48000ths of a frame.
fn place(n: u64, rate: u64) -> (i64, u64) {
    let product = u128::from(n) * u128::from(rate);
    let out = u128::from(SAMPLE_RATE);
    (i64::try_from(product / out).unwrap_or(i64::MAX), (product % out) as u64)
}

struct History<'a> {
    left: &'a [f32],
    right: &'a [f32],
    start: i64,
}

impl Filter {
    fn new(rate: u64) -> Self {
        let out = u64::from(SAMPLE_RATE);
        let exact_phases = out / gcd(rate, out);
        let phases = exact_phases.min(MAX_PHASES);
        // Going down, the filter is as long in output samples as it is in input samples going up.
        let half = (HALF_LENGTH * rate.max(out)).div_ceil(out) as usize;
        let taps = (2 * half).next_multiple_of(8);
        let lower = (out as f64 / rate as f64).min(1.0);
        let mut table = Vec::with_capacity(taps * (phases as usize + 1));
        let mut row = vec![0.0_f64; taps];
        for phase in 0..=phases {
            let fraction = phase as f64 / phases as f64;
            for (j, coefficient) in row.iter_mut().enumerate() {
                let t = j as f64 - (taps / 2 - 1) as f64 - fraction;
                *coefficient = kernel(t * lower, taps as f64 / 2.0 * lower);
            }
            // A constant stays the same constant whatever the phase.
            let sum: f64 = row.iter().sum();
            table.extend(row.iter().map(|c| (c / sum) as f32));
        }
        Self { taps, phases, exact: exact_phases == phases, table }
    }

    /// Output `n`, where the history reaches far enough.
    fn at(&self, n: u64, rate: u64, history: &History<'_>) -> Option<[f32; 2]> {
        let (frame, rest) = place(n, rate);
        let first = usize::try_from(frame - (self.taps.cast_signed() as i64 / 2 - 1) - history.start).ok()?;
        let left = history.left.get(first..first + self.taps)?;
        let right = history.right.get(first..first + self.taps)?;
        let scaled = rest * self.phases;
        let phase = (scaled / u64::from(SAMPLE_RATE)) as usize;
        let row = self.row(phase);
        let here = [dot(row, left), dot(row, right)];
        if self.exact {
            return Some(here);
        }
        let row = self.row(phase + 1);
        let next = [dot(row, left), dot(row, right)];
        let weight = (scaled % u64::from(SAMPLE_RATE)) as f32 / SAMPLE_RATE as f32;
        Some([0, 1].map(|c| here[c] + weight * (next[c] - here[c])))
    }

    fn row(&self, phase: usize) -> &[f32] {
        &self.table[phase * self.taps..(phase + 1) * self.taps]
    }
}

/// The sum of products in eight interleaved partial sums, added in one fixed order.
fn dot(row: &[f32], samples: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    for (r, s) in row.chunks_exact(8).zip(samples.chunks_exact(8)) {
        for lane in 0..8 {
            sums[lane] += r[lane] * s[lane];
        }
    }
    ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]))
}

/// The low-pass filter's response at `t` zero crossings of the lower rate, zero beyond `reach`.
fn kernel(t: f64, reach: f64) -> f64 {
    let x = t / reach;
    let inside = 1.0 - x * x;
    if inside <= 0.0 {
        return 0.0;
    }
    let angle = core::f64::consts::PI * CUTOFF * t;
    let sinc = if angle == 0.0 { 1.0 } else { libm::sin(angle) / angle };
    sinc * bessel_i0(KAISER_BETA * inside.sqrt()) / bessel_i0(KAISER_BETA)
}

/// The modified Bessel function of order zero, by its power series (Abramowitz & Stegun, 9.6.12).
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..64 {
        term *= quarter / f64::from(k * k);
        sum += term;
    }
    sum
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(rate: u32, input: &[[f32; 2]]) -> Vec<[f32; 2]> {
        let mut resampler = Resampler::new(rate);
        let mut out = Vec::new();
        for chunk in input.chunks(1000) {
            resampler.push(chunk);
            while resampler.pull(777, &mut out) > 0 {}
        }
        resampler.finish();
        while resampler.pull(777, &mut out) > 0 {}
        out
    }

    fn tone(rate: u32, hertz: f64, seconds: f64) -> Vec<[f32; 2]> {
        let step = core::f64::consts::TAU * hertz / f64::from(rate);
        let wave = |n| (0.5 * libm::sin(step * f64::from(n))) as f32;
        (0..(f64::from(rate) * seconds) as u32).map(|n| [wave(n), -wave(n)]).collect()
    }

    /// The largest difference from the same tone made at 48 kHz, away from the ends.
    fn worst(rate: u32, hertz: f64) -> f32 {
        let got = whole(rate, &tone(rate, hertz, 0.5));
        let want = tone(48_000, hertz, 0.5);
        assert!(got.len().abs_diff(want.len()) <= 2, "{rate} Hz: {} frames", got.len());
        (4800..19_200)
            .map(|n| (got[n][0] - want[n][0]).abs().max((got[n][1] - want[n][1]).abs()))
            .fold(0.0, f32::max)
    }

    #[test]
    fn a_tone_keeps_its_phase_and_level_at_every_rate() {
        for rate in [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 44_101, 88_200, 96_000, 192_000, 383_999]
        {
            let error = worst(rate, 1000.0);
            assert!(error < 2e-5, "{rate} Hz: off by {error}");
        }
    }

    #[test]
    fn what_lies_above_hearing_does_not_fold_down() {
        let out = whole(96_000, &tone(96_000, 30_000.0, 0.2));
        let loudest = out[1000..8000].iter().map(|f| f[0].abs()).fold(0.0, f32::max);
        assert!(loudest < 0.5 * 2e-5, "{loudest}");
    }

    #[test]
    fn forty_eight_kilohertz_passes_untouched() {
        let input = tone(48_000, 440.0, 0.1);
        assert_eq!(whole(48_000, &input), input);
    }

    #[test]
    fn a_constant_stays_the_same_constant() {
        for rate in [7, 44_100, 44_099, 384_000] {
            let out = whole(rate, &vec![[0.25, -0.5]; 4 * rate as usize / 3 + 300]);
            let middle = out[out.len() / 2];
            assert!((middle[0] - 0.25).abs() < 1e-6 && (middle[1] + 0.5).abs() < 1e-6, "{rate}: {middle:?}");
        }
    }

    #[test]
    fn one_hertz_becomes_forty_eight_thousand_frames_a_sample() {
        assert_eq!(whole(1, &[[0.5, 0.5]; 3]).len(), 144_000);
    }

    #[test]
    fn how_the_input_is_cut_into_blocks_changes_no_bit() {
        let input = tone(44_100, 997.0, 0.2);
        let mut resampler = Resampler::new(44_100);
        let mut out = Vec::new();
        for frame in &input {
            resampler.push(&[*frame]);
            while resampler.pull(1, &mut out) > 0 {}
        }
        resampler.finish();
        while resampler.pull(1, &mut out) > 0 {}
        assert_eq!(out, whole(44_100, &input));
    }
}
