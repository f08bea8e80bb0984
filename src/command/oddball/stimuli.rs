//! Two sounds and two pictures, and the order in which they come.

use crate::random::Stream;
use crate::signal::{Frame, Stamp};
use crate::time::Timestamp;

/// Frames of a sound: 50 ms.
pub(super) const SOUND_FRAMES: usize = 2_400;
/// Pictures a second: a flash of two of them lasts 1/12 s.
pub(super) const PICTURES_PER_SECOND: u32 = 24;
/// A side of a picture in pixels.
const SIDE: usize = 32;
/// Tones in a sound.
const TONES: usize = 60;
/// One in so many is a deviant.
const ONE_IN: usize = 8;

/// A burst of many tones between two frequencies, with ramps of 2 ms, at a fifth of full scale.
pub(super) fn sound(low_hz: f64, high_hz: f64, seed: u64) -> Vec<f32> {
    let mut stream = Stream::new(seed, 1);
    let mut out = vec![0.0; SOUND_FRAMES];
    for tone in 0..TONES {
        let share = (tone as f64 + stream.uniform()) / TONES as f64;
        let omega = core::f64::consts::TAU * low_hz * libm::pow(high_hz / low_hz, share) / 48_000.0;
        let phase = core::f64::consts::TAU * stream.uniform();
        for (n, value) in out.iter_mut().enumerate() {
            *value += libm::sin(omega * n as f64 + phase);
        }
    }
    let rms = (out.iter().map(|value| value * value).sum::<f64>() / SOUND_FRAMES as f64).sqrt();
    let ramp = |n: usize| (n.min(SOUND_FRAMES - 1 - n) as f64 / 96.0).min(1.0);
    out.iter().enumerate().map(|(n, value)| (0.2 * value / rms * ramp(n)) as f32).collect()
}

/// A picture: grey, or with checks in colour on its left (`Some(0)`) or right half (`Some(1)`).
pub(super) fn picture(shown: Option<usize>, number: u64) -> Frame {
    let mut rgb = vec![96; 3 * SIDE * SIDE];
    for (at, pixel) in rgb.chunks_exact_mut(3).enumerate() {
        let (row, column) = (at / SIDE, at % SIDE);
        let half = column / (SIDE / 2);
        let inside = (4..28).contains(&row) && (3..13).contains(&(column % (SIDE / 2)));
        if shown == Some(half) && inside && (row / 3 + column / 3) % 2 == 0 {
            pixel.copy_from_slice(if half == 0 { &[220, 150, 120] } else { &[120, 220, 150] });
        }
    }
    let stamp = Stamp::recorded(Timestamp::from_count(number, PICTURES_PER_SECOND));
    Frame { stamp, sequence: number, width: SIDE, height: SIDE, rgb }
}

/// Which trials of a block are deviants: one in eight, never the first of eight, so that no two follow each other.
pub(super) fn deviants(trials: usize, seed: u64, stream: u32) -> Vec<bool> {
    let mut stream = Stream::new(seed, stream);
    let mut out = vec![false; trials];
    for group in out.chunks_exact_mut(ONE_IN) {
        group[1 + stream.word() as usize % (ONE_IN - 1)] = true;
    }
    out
}
