//! How long a way takes: a maximum-length sequence goes out, and where it correlates with what comes back is the delay.
//!
//! Source: D. D. Rife and J. Vanderkooy, "Transfer-function measurement with maximum-length sequences", J. Audio Eng. Soc.
//! 37 (1989). Its circular autocorrelation is a single peak, so the delay stands out of noise and echoes.

use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

/// Bits of the register: a period of 32,767 frames, two thirds of a second at 48 kHz.
const ORDER: u32 = 15;
/// How far the peak must stand out of the rms of the rest.
const LEAST_RATIO: f64 = 12.0;

/// A delay that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delay {
    /// Frames, below the sequence's period.
    pub frames: f64,
    /// Height of the peak over the rms of the correlation elsewhere.
    pub ratio: f64,
}

/// A period of the sequence, each value `level` or `-level`.
#[must_use]
pub fn sequence(level: f32) -> Vec<f32> {
    let mut register = 1_u32;
    let step = |_| {
        // x^15 + x^14 + 1, a primitive polynomial.
        let bit = (register ^ (register >> 1)) & 1;
        let out = register & 1;
        register = (register >> 1) | (bit << (ORDER - 1));
        if out == 1 { level } else { -level }
    };
    (0..(1_usize << ORDER) - 1).map(step).collect()
}

/// The delay of `heard`, a period long, against the sequence; `None` where the sequence is not in it.
#[must_use]
pub fn delay(sequence: &[f32], heard: &[f32]) -> Option<Delay> {
    let count = sequence.len();
    if count < 3 || heard.len() != count {
        return None;
    }
    let mut planner = FftPlanner::<f64>::new();
    let forward = planner.plan_fft_forward(count);
    let spectrum = |values: &[f32]| {
        let mut values: Vec<Complex<f64>> =
            values.iter().map(|value| Complex::new(f64::from(*value), 0.0)).collect();
        forward.process(&mut values);
        values
    };
    let (sent, came) = (spectrum(sequence), spectrum(heard));
    let mut correlation: Vec<Complex<f64>> =
        sent.iter().zip(&came).map(|(sent, came)| sent.conj() * came).collect();
    planner.plan_fft_inverse(count).process(&mut correlation);
    let heights: Vec<f64> = correlation.iter().map(|value| value.re).collect();
    let peak = (0..count).max_by(|a, b| heights[*a].abs().total_cmp(&heights[*b].abs()))?;
    let near = |index: usize| (index + count - peak + 64) % count <= 128;
    let rest: Vec<f64> = (0..count).filter(|index| !near(*index)).map(|index| heights[index]).collect();
    let rms = (rest.iter().map(|value| value * value).sum::<f64>() / rest.len().max(1) as f64).sqrt();
    let ratio = heights[peak].abs() / rms;
    if ratio.is_nan() || ratio <= LEAST_RATIO {
        return None;
    }
    // The top of a parabola through the peak and its neighbours.
    let at = |offset: usize| heights[(peak + count + offset - 1) % count].abs();
    let (before, top, after) = (at(0), at(1), at(2));
    let bend = before - 2.0 * top + after;
    let shift = if bend == 0.0 { 0.0 } else { 0.5 * (before - after) / bend };
    Some(Delay { frames: (peak as f64 + shift).rem_euclid(count as f64), ratio })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn delayed(sequence: &[f32], frames: usize, gain: f32, noise: f32) -> Vec<f32> {
        let mut random = Stream::new(7, 0);
        let count = sequence.len();
        let at = |index: usize| gain * sequence[(index + count - frames) % count];
        (0..count).map(|index| at(index) + noise * random.normal() as f32).collect()
    }

    #[test]
    fn the_sequence_has_every_state_but_zero() {
        let sequence = sequence(1.0);
        assert_eq!(sequence.len(), 32_767);
        assert_eq!(sequence.iter().sum::<f32>(), 1.0);
    }

    #[test]
    fn a_known_delay_is_found_in_noise_and_upside_down() {
        let sequence = sequence(0.1);
        for (frames, gain, noise) in
            [(0, 1.0, 0.0), (1_234, 0.5, 0.1), (32_766, -0.2, 0.1), (240, 0.01, 0.01)]
        {
            let found = delay(&sequence, &delayed(&sequence, frames, gain, noise)).unwrap();
            assert!((found.frames - frames as f64).abs() < 0.1, "{frames}: {found:?}");
        }
    }

    #[test]
    fn silence_and_noise_have_no_delay() {
        let sequence = sequence(0.1);
        assert_eq!(delay(&sequence, &vec![0.0; sequence.len()]), None);
        assert_eq!(delay(&sequence, &delayed(&sequence, 5, 0.0, 0.3)), None);
        assert_eq!(delay(&sequence, &[0.0; 5]), None);
    }
}
