//! Holds the loudness: a slow gain that moves what is heard to a target in LUFS; runs on the real-time thread.
//!
//! Loudness is that of ITU-R BS.1770-4 (K-weighting, the sum of both sides' mean squares), over the last seconds. The gain
//! follows a decibel a second at most: what is loud for a moment stays loud against what is around it, and only what stays is
//! moved. Products and sums are separate, so that every processor gives the same sound.

use crate::time::{SAMPLE_RATE, SAMPLES_PER_TICK, TICKS_PER_SECOND};
use crate::units::Decibels;

/// K-weighting at 48 kHz: the head's shelf, then the high-pass; `b0 b1 b2 a1 a2` (BS.1770-4, tables 1 and 2).
const SHELF: [f64; 5] = [
    1.535_124_859_586_97,
    -2.691_696_189_406_38,
    1.198_392_810_852_85,
    -1.690_659_293_182_41,
    0.732_480_774_215_85,
];
const HIGH_PASS: [f64; 5] = [1.0, -2.0, 1.0, -1.990_047_454_833_98, 0.990_072_250_366_21];
const _: () = assert!(SAMPLE_RATE == 48_000, "the filters are those of 48 kHz");
/// What a full-scale sine of 997 Hz on one side is set to by (BS.1770-4, annex 1).
const OFFSET_DB: f64 = -0.691;
/// Seconds over which loudness is averaged.
const SECONDS: f64 = 6.0;
/// Fastest change of the gain in dB per second.
const SLEW_DB: f64 = 1.0;
/// The same in the first seconds, while nothing was heard that it could change: a run does not begin too loud.
const FIRST_SLEW_DB: f64 = 8.0;
/// Its largest size in dB.
const MOST_DB: f64 = 12.0;
/// What is quieter is silence (the absolute gate of BS.1770-4): the gain stands still.
const GATE_LUFS: f64 = -70.0;

/// A second-order section, transposed direct form II.
#[derive(Clone, Copy, Debug, Default)]
struct Section([f64; 2]);

impl Section {
    fn pass(&mut self, [b0, b1, b2, a1, a2]: &[f64; 5], x: f64) -> f64 {
        let y = b0 * x + self.0[0];
        self.0[0] = b1 * x - a1 * y + self.0[1];
        self.0[1] = b2 * x - a2 * y;
        y
    }
}

/// The leveller; both sides share one gain.
#[derive(Debug)]
pub(super) struct Leveller {
    /// `None` where loudness is not held.
    target: Option<f64>,
    sections: [[Section; 2]; 2],
    /// Mean square of both sides, K-weighted.
    power: f64,
    ticks: u64,
    gain_db: f64,
    /// The gain of the last frame.
    gain: f32,
}

impl Leveller {
    /// One that holds `lufs`; 0 holds nothing.
    pub(super) fn new(lufs: f64) -> Self {
        Self {
            target: (lufs < 0.0).then_some(lufs),
            sections: [[Section::default(); 2]; 2],
            power: 0.0,
            ticks: 0,
            gain_db: 0.0,
            gain: 1.0,
        }
    }

    /// Passes a tick's frames, each finite.
    pub(super) fn pass_block(&mut self, block: &mut [[f32; 2]; SAMPLES_PER_TICK]) {
        let Some(target) = self.target else { return };
        self.measure(block);
        let loudness = OFFSET_DB + 10.0 * libm::log10(self.power.max(1e-12));
        if loudness > GATE_LUFS {
            let wanted = (target - loudness).clamp(-MOST_DB, MOST_DB);
            let settles = (self.ticks as f64) < SECONDS * TICKS_PER_SECOND as f64;
            let step = if settles { FIRST_SLEW_DB } else { SLEW_DB } / TICKS_PER_SECOND as f64;
            self.gain_db += (wanted - self.gain_db).clamp(-step, step);
        }
        let (from, to) = (self.gain, Decibels(self.gain_db).amplitude() as f32);
        for (index, frame) in block.iter_mut().enumerate() {
            let share = (index + 1) as f32 / SAMPLES_PER_TICK as f32;
            let gain = from + (to - from) * share;
            *frame = frame.map(|x| x * gain);
        }
        self.gain = to;
    }

    /// Adds a tick to the loudness: the plain mean of the first seconds, then one that forgets.
    fn measure(&mut self, block: &[[f32; 2]; SAMPLES_PER_TICK]) {
        let mut sum = 0.0;
        for frame in block {
            for (sections, &x) in self.sections.iter_mut().zip(frame) {
                let [shelf, high_pass] = sections;
                let y = high_pass.pass(&HIGH_PASS, shelf.pass(&SHELF, f64::from(x)));
                sum += y * y;
            }
        }
        self.ticks += 1;
        let longest = SECONDS * TICKS_PER_SECOND as f64;
        let weight = 1.0 / (self.ticks as f64).min(longest);
        self.power += (sum / SAMPLES_PER_TICK as f64 - self.power) * weight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sine at full scale times `amplitude` on both sides: the amplitudes at which it leaves after so many seconds each.
    fn leaves(leveller: &mut Leveller, amplitude: f64, seconds: u64) -> f64 {
        let mut peak = 0.0f32;
        for tick in 0..1_000 * seconds {
            let mut block = [[0.0; 2]; SAMPLES_PER_TICK];
            for (index, frame) in block.iter_mut().enumerate() {
                let turns = 997.0 * (tick * 48 + index as u64) as f64 / 48_000.0;
                *frame = [(amplitude * libm::sin(core::f64::consts::TAU * turns)) as f32; 2];
            }
            leveller.pass_block(&mut block);
            if tick + 1_000 >= 1_000 * seconds {
                peak = block.iter().fold(peak, |peak, frame| peak.max(frame[0].abs()));
            }
        }
        f64::from(peak)
    }

    #[test]
    fn a_sine_comes_to_the_loudness_that_the_standard_gives_it() {
        // A full-scale sine on one side is -3.01 LUFS, on both 0 (BS.1770-4): 23 dB below is an amplitude of 0.0708.
        for amplitude in [0.04, 0.0708, 0.2] {
            let left = leaves(&mut Leveller::new(-23.0), amplitude, 30);
            let level = 20.0 * libm::log10(left / 0.0708);
            assert!(level.abs() < 0.1, "{amplitude}: {level} dB");
        }
    }

    #[test]
    fn a_moment_is_not_moved_and_silence_not_raised() {
        let mut leveller = Leveller::new(-23.0);
        leaves(&mut leveller, 0.0708, 20);
        let burst = leaves(&mut leveller, 0.28, 1);
        assert!(20.0 * libm::log10(burst / 0.28) > -1.1, "a second moves it a decibel at most");
        let mut silent = Leveller::new(-23.0);
        assert!(leaves(&mut silent, 1e-6, 20) < 2e-6);
        assert_eq!(
            leaves(&mut Leveller::new(0.0), 0.5, 2).to_bits(),
            leaves(&mut Leveller::new(0.0), 0.5, 1).to_bits()
        );
    }
}
