//! The room's echo: six early reflections and a feedback delay network of four lines.
//!
//! Source: Jot & Chaigne, "Digital delay networks for designing artificial reverberators", AES 90, 1991; the
//! mixing matrix is Hadamard's, the line lengths are primes, and each line loses what its length asks for.

use crate::time::SAMPLE_RATE;

/// Line lengths in sound frames.
const LENGTHS: [usize; 4] = [1_493, 1_867, 2_243, 2_719];
/// Seconds to fall by 60 dB at low frequencies.
const DECAY_SECONDS: f64 = 0.85;
/// One-pole damping of high frequencies per pass.
const DAMPING: f32 = 0.42;
/// First reflections: delay in frames and gains of the ears.
const EARLY: [(usize, f32, f32); 6] = [
    (331, 0.30, 0.14),
    (457, 0.12, 0.28),
    (619, 0.20, 0.18),
    (811, 0.10, 0.20),
    (1_061, 0.17, 0.08),
    (1_289, 0.09, 0.13),
];
/// Level of the network's output.
const TAIL: f32 = 0.20;

/// The echo of the room.
#[derive(Clone)]
pub(super) struct Reverb {
    early: Vec<f32>,
    lines: [Vec<f32>; 4],
    losses: [f32; 4],
    damped: [f32; 4],
    frame: usize,
}

impl Reverb {
    pub(super) fn new() -> Self {
        let loss = |length: usize| {
            let seconds = length as f64 / f64::from(SAMPLE_RATE);
            libm::pow(10.0, -3.0 * seconds / DECAY_SECONDS) as f32
        };
        Self {
            early: vec![0.0; 2_048],
            lines: LENGTHS.map(|length| vec![0.0; length]),
            losses: LENGTHS.map(loss),
            damped: [0.0; 4],
            frame: 0,
        }
    }

    /// What comes back in this frame, as the dry sound goes in.
    #[inline]
    pub(super) fn next(&mut self, dry: [f32; 2]) -> [f32; 2] {
        let mono = 0.5 * (dry[0] + dry[1]);
        let mask = self.early.len() - 1;
        self.early[self.frame & mask] = mono;
        let mut wet = [0.0; 2];
        for (delay, left, right) in EARLY {
            let past = self.early[self.frame.wrapping_sub(delay) & mask];
            wet[0] += left * past;
            wet[1] += right * past;
        }
        let at: [usize; 4] = std::array::from_fn(|i| self.frame % LENGTHS[i]);
        let mut out = [0.0; 4];
        for i in 0..4 {
            let heard = self.lines[i][at[i]] * self.losses[i];
            self.damped[i] = flush(heard + DAMPING * (self.damped[i] - heard));
            out[i] = self.damped[i];
        }
        let [a, b, c, d] = out;
        let mixed = [a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d];
        for i in 0..4 {
            let input = if i % 2 == 0 { dry[0] } else { dry[1] };
            self.lines[i][at[i]] = flush(0.5 * mixed[i] + 0.6 * input + 0.4 * mono);
        }
        self.frame = self.frame.wrapping_add(1);
        [wet[0] + TAIL * (a + c), wet[1] + TAIL * (b + d)]
    }
}

/// Tiny values become zero: they cost many times a normal operation and nobody hears them.
#[inline]
pub(super) fn flush(x: f32) -> f32 {
    if x.abs() < 1e-12 { 0.0 } else { x }
}
