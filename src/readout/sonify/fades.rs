//! Sound begins and ends softly; runs on the real-time thread.

use crate::kernel::turns;
use crate::time::SAMPLES_PER_TICK;

const FRAMES_PER_MS: u32 = crate::time::SAMPLE_RATE / 1_000;

/// A fade-in of constant-power shape (quarter sine) at the start, and a fade-out (squared quarter cosine,
/// whose end has no corner) when asked for.
#[derive(Debug)]
pub(super) struct Fades {
    in_frames: u32,
    out_frames: u32,
    started: u32,
    ended: Option<u32>,
}

impl Fades {
    pub(super) fn new(in_ms: u32, out_ms: u32) -> Self {
        Self { in_frames: in_ms * FRAMES_PER_MS, out_frames: out_ms * FRAMES_PER_MS, started: 0, ended: None }
    }

    pub(super) fn begin_fade_out(&mut self) {
        self.ended.get_or_insert(0);
    }

    pub(super) fn out_frames(&self) -> u32 {
        self.out_frames
    }

    pub(super) fn is_silent(&self) -> bool {
        self.ended.is_some_and(|n| n >= self.out_frames)
    }

    /// A tick's frames at this point of the fades.
    pub(super) fn pass_block(&mut self, block: &mut [[f32; 2]; SAMPLES_PER_TICK]) {
        // Between the fades every gain is 1.
        if self.started < self.in_frames || self.ended.is_some() {
            for frame in block {
                *frame = self.pass(*frame);
            }
        }
    }

    /// The frame at this point of the fades.
    fn pass(&mut self, frame: [f32; 2]) -> [f32; 2] {
        let mut gain = 1.0;
        if self.started < self.in_frames {
            gain = turns::sine(quarter(self.started, self.in_frames));
            self.started += 1;
        }
        if let Some(n) = &mut self.ended {
            if *n >= self.out_frames {
                return [0.0; 2];
            }
            let falling = turns::cosine(quarter(*n, self.out_frames));
            gain *= falling * falling;
            *n += 1;
        }
        [frame[0] * gain, frame[1] * gain]
    }
}

/// `n / of` of a quarter turn.
fn quarter(n: u32, of: u32) -> u32 {
    (u64::from(n) * u64::from(turns::QUARTER) / u64::from(of.max(1))) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gains(fades: &mut Fades, frames: usize) -> Vec<f32> {
        (0..frames).map(|_| fades.pass([1.0, 1.0])[0]).collect()
    }

    #[test]
    fn the_start_rises_from_nothing_to_exactly_the_sound() {
        let mut fades = Fades::new(500, 300);
        let rise = gains(&mut fades, 24_001);
        assert!(rise[0].abs() < 1e-6);
        assert!(rise.windows(2).all(|w| w[1] >= w[0] - 2e-7));
        assert_eq!(rise[24_000].to_bits(), 1.0f32.to_bits());
    }

    #[test]
    fn the_end_falls_to_exact_silence_even_when_asked_for_during_the_start() {
        let mut fades = Fades::new(500, 100);
        gains(&mut fades, 12_000);
        fades.begin_fade_out();
        fades.begin_fade_out();
        let fall = gains(&mut fades, 4_801);
        assert!(fall.windows(2).all(|w| (w[1] - w[0]).abs() < 1e-3));
        assert!(fall[4_800].abs() == 0.0 && fades.is_silent());
    }
}
