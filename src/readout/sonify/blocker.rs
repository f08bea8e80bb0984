//! Keeps standing offsets and numbers that are none out of the speaker; runs on the real-time thread.

use crate::time::SAMPLE_RATE;

/// Half-power frequency in Hz: below hearing, above any drift.
const CORNER_HZ: f64 = 10.0;
/// Smaller states are flushed: denormal numbers are slow and silent.
const TINY: f32 = 1e-20;
/// Beyond this a value is no sound of this engine.
const ABSURD: f32 = 1e6;

/// A one-pole high-pass, `y[n] = x[n] - x[n-1] + R y[n-1]` (Smith, "Introduction to Digital Filters",
/// "DC Blocker"), with a quarantine at its entrance.
#[derive(Debug)]
pub(super) struct Blocker {
    pole: f32,
    input: [f32; 2],
    output: [f32; 2],
    quarantined: u64,
}

impl Default for Blocker {
    fn default() -> Self {
        let pole = libm::exp(-core::f64::consts::TAU * CORNER_HZ / f64::from(SAMPLE_RATE)) as f32;
        Self { pole, input: [0.0; 2], output: [0.0; 2], quarantined: 0 }
    }
}

impl Blocker {
    /// The frame without its standing part; a frame that is not finite, or absurd, counts as a zero one.
    pub(super) fn pass(&mut self, mut frame: [f32; 2]) -> [f32; 2] {
        // NaN is not below the bound.
        if !(frame[0].abs() < ABSURD && frame[1].abs() < ABSURD) {
            self.quarantined += 1;
            frame = [0.0; 2];
        }
        for (side, &x) in frame.iter().enumerate() {
            let y = x - self.input[side] + self.pole * self.output[side];
            self.output[side] = if y.abs() < TINY { 0.0 } else { y };
            self.input[side] = x;
        }
        self.output
    }

    pub(super) fn quarantined(&self) -> u64 {
        self.quarantined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_offset_dies_away_and_numbers_that_are_none_are_counted() {
        let mut blocker = Blocker::default();
        let last = (0..48_000).map(|_| blocker.pass([0.5, -0.5])).last().unwrap();
        assert!(last.iter().all(|x| x.abs() < 1e-6), "{last:?}");
        assert!(blocker.pass([f32::NAN, 0.0]).iter().all(|x| x.is_finite()));
        assert!(blocker.pass([0.0, f32::NEG_INFINITY]).iter().all(|x| x.is_finite()));
        assert_eq!(blocker.quarantined(), 2);
    }
}
