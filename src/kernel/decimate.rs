//! Lowers a sample rate by a whole factor through a linear-phase low-pass (real-time: nothing is allocated).
//!
//! The filter is a windowed sinc with a Kaiser window (Kaiser 1974; Oppenheim and Schafer, Discrete-Time Signal
//! Processing, section 7.6): pass band to 0.8, stop band from 1.2 of the new Nyquist frequency, 80 dB. What
//! folds back lands above 0.8 of the new Nyquist frequency.

/// Taps per unit of the factor: Kaiser's length for 80 dB and a transition of 0.4 of the new Nyquist frequency.
const TAPS_PER_FACTOR: usize = 26;
/// Kaiser's shape parameter for 80 dB: `0.1102 (80 - 8.7)`.
const BETA: f64 = 7.857_26;

/// Takes samples of several channels at once and gives every `factor`th, low-passed.
#[derive(Clone, Debug)]
pub struct Decimator {
    factor: usize,
    channels: usize,
    taps: Vec<f32>,
    /// The last `taps` samples per channel, written twice so that the newest window is always contiguous.
    history: Vec<f32>,
    at: usize,
    count: usize,
}

impl Decimator {
    /// A decimator by `factor` (1 passes everything on unchanged) for `channels` channels.
    ///
    /// It starts as if silence had come before.
    #[must_use]
    pub fn new(factor: usize, channels: usize) -> Self {
        let factor = factor.max(1);
        let taps = low_pass(factor);
        let history = vec![0.0; 2 * taps.len() * channels];
        Self { factor, channels, taps, history, at: 0, count: 0 }
    }

    /// How much later than its input a feature appears, in input samples: half the filter.
    #[must_use]
    pub fn delay(&self) -> usize {
        self.taps.len() / 2
    }

    /// Takes one sample per channel; `true` where `out` now holds an output sample per channel.
    ///
    /// The first sample gives an output, then every `factor`th.
    ///
    /// # Panics
    /// Where `input` or `out` does not hold one value per channel.
    pub fn push(&mut self, input: &[f32], out: &mut [f32]) -> bool {
        assert!(input.len() == self.channels && out.len() == self.channels, "one value per channel");
        let len = self.taps.len();
        for (channel, value) in input.iter().enumerate() {
            let history = &mut self.history[2 * len * channel..2 * len * (channel + 1)];
            history[self.at] = *value;
            history[self.at + len] = *value;
        }
        self.at = (self.at + 1) % len;
        let due = self.count == 0;
        self.count = (self.count + 1) % self.factor;
        if due {
            for (channel, value) in out.iter_mut().enumerate() {
                let window = &self.history[2 * len * channel + self.at..][..len];
                // Multiply, then add: without the fused instruction a fused add is a call, and nothing upstream
                // of the state is read from here.
                *value = window.iter().zip(&self.taps).map(|(sample, tap)| sample * tap).sum();
            }
        }
        due
    }
}

/// The taps of the low-pass for a factor; a single 1 for factor 1. They sum to 1.
fn low_pass(factor: usize) -> Vec<f32> {
    if factor == 1 {
        return vec![1.0];
    }
    let half = TAPS_PER_FACTOR * factor / 2;
    let taps: Vec<f64> = (0..=2 * half)
        .map(|i| {
            let x = i as f64 - half as f64;
            let turn = core::f64::consts::PI * x / factor as f64;
            let sinc = if i == half { 1.0 } else { libm::sin(turn) / turn };
            let u = x / half as f64;
            sinc * bessel_i0(BETA * libm::sqrt((1.0 - u * u).max(0.0)))
        })
        .collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| (tap / sum) as f32).collect()
}

/// The modified Bessel function of the first kind and order 0, by its power series (Abramowitz and Stegun 9.6.12).
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..60 {
        term *= quarter / f64::from(k * k);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rms of a sine of `hz` sampled at 1 kHz after decimation, relative to the sine's own.
    fn gain(factor: usize, hz: f64) -> f64 {
        let mut decimator = Decimator::new(factor, 1);
        let (mut power, mut count, mut out) = (0.0, 0.0, [0.0]);
        for i in 0..8_000 {
            let sample = libm::sin(core::f64::consts::TAU * hz * f64::from(i) / 1_000.0) as f32;
            if decimator.push(&[sample], &mut out) && i > 1_000 {
                power += f64::from(out[0]).powi(2);
                count += 1.0;
            }
        }
        libm::sqrt(2.0 * power / count)
    }

    #[test]
    fn the_pass_band_is_flat_and_what_would_fold_is_gone() {
        for (factor, pass_hz, stop_hz) in [(2, 199.3, 301.7), (4, 99.3, 151.7)] {
            assert!((gain(factor, 10.1) - 1.0).abs() < 1e-3);
            assert!((gain(factor, pass_hz) - 1.0).abs() < 1e-3, "{}", gain(factor, pass_hz));
            assert!(gain(factor, stop_hz) < 2e-4, "{}", gain(factor, stop_hz));
        }
    }

    #[test]
    fn an_impulse_comes_out_as_late_as_declared() {
        for factor in [1, 2, 4] {
            let mut decimator = Decimator::new(factor, 2);
            let (mut best, mut at, mut out) = (0.0, 0, [0.0; 2]);
            for i in 0..1_000 {
                let input = if i == 400 { [0.0, 1.0] } else { [0.0; 2] };
                if decimator.push(&input, &mut out) && out[1] > best {
                    (best, at) = (out[1], i);
                }
            }
            assert_eq!(at - 400, decimator.delay());
        }
    }

    #[test]
    fn every_second_or_fourth_sample_is_kept() {
        let mut decimator = Decimator::new(4, 1);
        let mut out = [0.0];
        let kept = (0..1_000).filter(|_| decimator.push(&[1.0], &mut out)).count();
        assert_eq!(kept, 250);
        assert!((out[0] - 1.0).abs() < 1e-6, "a steady level stays itself: {}", out[0]);
    }
}
