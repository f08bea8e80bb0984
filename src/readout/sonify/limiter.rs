//! A peak limiter that sees a peak before it plays it, so that nothing passes the ceiling and nothing is clipped;
//! runs on the real-time thread.
//!
//! Method: for each frame the gain that its peak needs; the least of these over the look-ahead (held minimum);
//! a slow return; then the mean over the look-ahead, which turns each fall of gain into a straight ramp. The
//! mean holds only gains that are low enough for the frame now leaving, so it is low enough itself.

use std::collections::VecDeque;

use crate::time::{SAMPLE_RATE, SAMPLES_PER_TICK};

/// Frames by which the sound is delayed: 2 ms.
pub(super) const LOOK_AHEAD: usize = 96;
/// -1 dBFS, `10^(-1/20)` rounded down.
pub(super) const CEILING: f32 = 0.891_25;
/// Time constant of the return to full gain in seconds.
const RELEASE_S: f64 = 0.2;
/// Gains are summed as integers of this scale: a running sum of floats would drift over days.
const SCALE: f64 = (1u64 << 30) as f64;
/// The sum where all gains are 1.
const FULL: i64 = 96 << 30;
const _: () = assert!(FULL as usize == LOOK_AHEAD * SCALE as usize);

/// The limiter; both channels share one gain, so that places on the stage stand still.
#[derive(Debug)]
pub(super) struct Limiter {
    delayed: [[f32; 2]; LOOK_AHEAD],
    gains: [i64; LOOK_AHEAD],
    sum: i64,
    position: usize,
    count: u64,
    /// (frame, needed gain), gains rising from front to back: the front is the least of the window.
    least: VecDeque<(u64, f64)>,
    gain: f64,
    release: f64,
}

impl Limiter {
    pub(super) fn new() -> Self {
        let gains = [SCALE as i64; LOOK_AHEAD];
        let release = 1.0 - libm::exp(-1.0 / (RELEASE_S * f64::from(SAMPLE_RATE)));
        Self {
            delayed: [[0.0; 2]; LOOK_AHEAD],
            gains,
            sum: gains.iter().sum(),
            position: 0,
            count: 0,
            least: VecDeque::with_capacity(LOOK_AHEAD + 2),
            gain: 1.0,
            release,
        }
    }

    /// Passes a tick's frames, each finite: takes them, leaves those of [`LOOK_AHEAD`] frames ago at their gains.
    pub(super) fn pass_block(&mut self, block: &mut [[f32; 2]; SAMPLES_PER_TICK]) {
        let peak = block.as_flattened().iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
        if peak > CEILING || !self.rests() || !self.position.is_multiple_of(SAMPLES_PER_TICK) {
            for frame in block {
                *frame = self.pass(*frame);
            }
            return;
        }
        // What frame by frame would come to: the delay moves on, every gain stays 1.
        self.delayed[self.position..][..SAMPLES_PER_TICK].swap_with_slice(block);
        self.position = (self.position + SAMPLES_PER_TICK) % LOOK_AHEAD;
        self.count += SAMPLES_PER_TICK as u64;
        self.least.clear();
        self.least.push_back((self.count - 1, 1.0));
    }

    /// Whether every gain is 1, and every frame in the delay needs no less.
    fn rests(&self) -> bool {
        self.gain >= 1.0 && self.sum == FULL && self.least.front().is_none_or(|&(_, gain)| gain >= 1.0)
    }

    /// Takes a finite frame, gives the one of [`LOOK_AHEAD`] frames ago at its gain.
    pub(super) fn pass(&mut self, frame: [f32; 2]) -> [f32; 2] {
        let held = self.hold(frame);
        let next = (self.gain + (1.0 - self.gain) * self.release).min(held);
        // The last step of a return would take for ever; 1e-6 is inaudible.
        self.gain = if next > 1.0 - 1e-6 { 1.0 } else { next };
        let gain = (self.gain * SCALE) as i64;
        self.sum += gain - self.gains[self.position];
        self.gains[self.position] = gain;
        let leaving = self.delayed[self.position];
        self.delayed[self.position] = frame;
        self.position = (self.position + 1) % LOOK_AHEAD;
        let mean = (self.sum as f64 / (LOOK_AHEAD as f64 * SCALE)) as f32;
        // The clamp only takes away the last bit's rounding.
        leaving.map(|x| (x * mean).clamp(-CEILING, CEILING))
    }

    /// The least gain needed by this frame and those still in the delay.
    fn hold(&mut self, frame: [f32; 2]) -> f64 {
        let peak = frame[0].abs().max(frame[1].abs());
        let needed = if peak > CEILING { f64::from(CEILING) / f64::from(peak) } else { 1.0 };
        while self.least.back().is_some_and(|&(_, gain)| gain >= needed) {
            self.least.pop_back();
        }
        self.least.push_back((self.count, needed));
        while self.least.front().is_some_and(|&(at, _)| at + (LOOK_AHEAD as u64) < self.count) {
            self.least.pop_front();
        }
        self.count += 1;
        self.least.front().map_or(1.0, |&(_, gain)| gain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn nothing_passes_the_ceiling_however_loud() {
        let mut limiter = Limiter::new();
        let mut draw = Stream::new(1, 0);
        for n in 0..200_000u32 {
            let loud = if (n / 5_000) % 2 == 0 { 40.0 } else { 0.3 };
            let frame = [loud * draw.normal() as f32, loud * draw.normal() as f32];
            let out = limiter.pass(frame);
            assert!(out.iter().all(|x| x.abs() <= CEILING));
        }
        assert!(limiter.least.capacity() <= 2 * (LOOK_AHEAD + 2));
    }

    #[test]
    fn quiet_sound_passes_bit_for_bit_after_the_declared_delay() {
        let mut limiter = Limiter::new();
        let sound: Vec<f32> = (0..1_000u16).map(|n| f32::from(n) * 8e-4).collect();
        let out: Vec<f32> = sound.iter().map(|&x| limiter.pass([x, -x])[0]).collect();
        for n in LOOK_AHEAD..1_000 {
            assert_eq!(out[n].to_bits(), sound[n - LOOK_AHEAD].to_bits());
        }
    }

    #[test]
    fn blocks_pass_as_their_frames_do() {
        let (mut by_block, mut by_frame) = (Limiter::new(), Limiter::new());
        let mut draw = Stream::new(2, 0);
        for n in 0..4_000u32 {
            // Rests, a loud stretch, and a return long enough to rest again.
            let level = if (300..310).contains(&n) { 1.0 } else { 0.1 };
            let mut block = [0; SAMPLES_PER_TICK].map(|_| [0; 2].map(|_| level * draw.normal() as f32));
            let frames = block.map(|frame| by_frame.pass(frame).map(f32::to_bits));
            by_block.pass_block(&mut block);
            assert_eq!(block.map(|frame| frame.map(f32::to_bits)), frames, "tick {n}");
            let states = [&by_block, &by_frame].map(|l| (l.sum, l.count, l.position, l.gain.to_bits()));
            assert_eq!(states[0], states[1]);
        }
        assert!(by_block.rests());
    }

    #[test]
    fn a_single_peak_bends_the_gain_in_a_ramp_and_lets_it_return() {
        let mut limiter = Limiter::new();
        let mut out = Vec::new();
        for n in 0..240_000 {
            out.push(limiter.pass([if n == 1_000 { 3.0 } else { 0.5 }, 0.5])[1]);
        }
        let least = out[200..].iter().copied().fold(1.0f32, f32::min);
        assert!(least < 0.2, "the gain fell to {least}");
        let step = out[200..].windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
        assert!(step < 0.01, "largest step {step}");
        assert_eq!(out[239_999].to_bits(), 0.5f32.to_bits());
    }
}
