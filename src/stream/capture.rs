//! Capture: what a sound device gives becomes 48 frames a tick of the run, on the real-time thread.
//!
//! A tick takes the frames that are due; what is not there is silence, counted, and what then comes too late is left
//! out, so a gap never shifts what follows. Drift between the clocks is resampled away.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Adjustable as _, Async, FixedAsync, Indexing, Resampler as _};

use super::bridge::{FRAMES, Margin, Mark, Plug, Side, Socket, Tally, exchange, resampler};
use super::drift::Controller;
use super::ring::{Consumer, Producer, ring};
use crate::error::Result;
use crate::time::{SAMPLE_RATE, SAMPLES_PER_TICK, Timestamp};

/// Frames that are handed over at once by a callback.
const PIECE: usize = 64;
/// Frames that are late by more than this many seconds begin anew.
const MOST_OWED: f64 = 0.1;

/// The device's end: belongs to its callback, which may neither allocate nor wait.
pub struct Tap {
    frames: Producer<[f32; 2]>,
    marks: Producer<Mark>,
    count: u64,
    tally: Arc<Tally>,
}

impl Tap {
    /// A callback at `now` gave `frames`, the last of which was captured `latency` ago. What is not finite becomes 0.
    #[cfg_attr(napot_rtsan, sanitize(realtime = "nonblocking"))]
    pub fn give(
        &mut self,
        mut frames: impl ExactSizeIterator<Item = [f32; 2]>,
        now: Timestamp,
        latency: Duration,
    ) {
        let block = frames.len();
        let mut piece = [[0.0; 2]; PIECE];
        let mut kept = 0;
        let mut wrong = 0;
        while frames.len() > 0 {
            let size = frames.len().min(PIECE);
            for (slot, frame) in piece[..size].iter_mut().zip(&mut frames) {
                *slot = frame.map(|sample| if sample.is_finite() { sample } else { 0.0 });
                wrong += frame.iter().filter(|sample| !sample.is_finite()).count();
            }
            kept += self.frames.push_some(&piece[..size]);
        }
        self.count += kept as u64;
        self.tally.call(now, block);
        Tally::add(&self.tally.dropped, block - kept);
        Tally::add(&self.tally.not_finite, wrong);
        let latency_ns = u32::try_from(latency.as_nanos()).unwrap_or(u32::MAX);
        let missing = (block - kept) as u32;
        // A mark that finds no room is one of thousands that the engine has not looked at: it will begin anew anyhow.
        self.marks.push(Mark { time: now, count: self.count, block: block as u32, missing, latency_ns });
    }
}

/// How a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Its clock is being measured, or its level is being found.
    Aligning,
    /// It gives sound. Says whether the last tick found too little.
    Running { starved: bool },
}

/// A device's link in the engine.
pub struct CaptureLink {
    frames: Consumer<[f32; 2]>,
    side: Side,
    resampler: Async<f32>,
    input: Vec<[f32; 2]>,
    phase: Phase,
    /// Frames that were used or should have been.
    taken: u64,
    /// Those of them that have not come yet.
    owed: usize,
}

/// The two ends of a device's way in: at `rate`, waiting `margin` longer than its blocks make it.
///
/// # Errors
/// Where the rate can't be converted.
pub fn link(rate: u32, margin: Margin) -> Result<(Tap, CaptureLink, Arc<Tally>)> {
    let (frames_in, frames_out, _) = ring(FRAMES);
    let (marks, side) = Side::new(rate, margin);
    let tally = Arc::clone(&side.tally);
    let resampler = resampler(rate, FixedAsync::Output)?;
    let tap = Tap { frames: frames_in, marks, count: 0, tally: Arc::clone(&tally) };
    let input = vec![[0.0; 2]; resampler.input_frames_max()];
    let link =
        CaptureLink { frames: frames_out, side, resampler, input, phase: Phase::Aligning, taken: 0, owed: 0 };
    Ok((tap, link, tally))
}

/// How old a tick's sound was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// From the converter to the callback.
    pub device: Duration,
    /// From the callback to the tick, of the tick's first frame, the resampler's delay included.
    pub waited: Duration,
}

impl CaptureLink {
    /// Fills a tick; `None` where it has no sound.
    fn take(&mut self, now: Timestamp, out: &mut [[f32; 2]; SAMPLES_PER_TICK]) -> Option<Heard> {
        let news = self.side.follow();
        if news.missing > 0 {
            // The count stood still while the device went on: it says nothing of the clock.
            self.side.clock.restart();
        }
        if news.jumped || news.missing > 0 || self.side.clock.is_stalled(now) {
            self.lose_level();
        }
        let block = f64::from(self.side.clock.block());
        let tick = self.side.rate * SAMPLES_PER_TICK as f64 / f64::from(SAMPLE_RATE);
        let target = block + tick + self.side.margin.seconds() * self.side.rate;
        let mut excess = self.side.clock.past(now, self.taken) - target;
        if matches!(self.phase, Phase::Running { .. }) && excess > (2.0 * block).max(0.02 * self.side.rate) {
            self.lose_level();
        }
        if self.phase == Phase::Aligning {
            if !self.side.is_steady(now) || excess < 0.0 {
                // What waits meanwhile must leave room: a ring is full within the time that a clock takes at high rates.
                self.taken += self.leave_out((excess - 2.0 * block).max(0.0) as usize) as u64;
                return None;
            }
            self.align(excess as usize);
            excess = excess.fract();
        }
        let ppm = self.side.controller.step(1e-3, self.side.clock.ppm(), excess, self.side.rate);
        // Out of bounds only by a controller that is bounded itself.
        let _ = self.resampler.set_resample_ratio_relative(1.0 / (1.0 + ppm * 1e-6), true);
        self.resample(out);
        let resampled = self.resampler.output_delay() as f64 / f64::from(SAMPLE_RATE);
        let waited = Duration::from_secs_f64((excess + target).max(0.0) / self.side.rate + resampled);
        Some(Heard { device: self.side.latency, waited })
    }

    /// Gives up the level; what is owed is waited for no more.
    fn lose_level(&mut self) {
        self.taken -= self.owed as u64;
        self.owed = 0;
        self.phase = Phase::Aligning;
    }

    /// Leaves out all but what the target asks for.
    fn align(&mut self, surplus: usize) {
        self.taken += surplus as u64;
        self.owed = surplus - self.leave_out(surplus);
        self.resampler.reset();
        self.side.controller = Controller::starting(self.side.clock.ppm());
        self.phase = Phase::Running { starved: false };
    }

    /// Leaves out up to so many frames; says how many there were.
    fn leave_out(&mut self, frames: usize) -> usize {
        let mut left = frames.min(self.frames.waiting());
        let gone = left;
        let mut piece = [[0.0; 2]; PIECE];
        while left > 0 {
            left -= self.frames.pop_into(&mut piece[..left.min(PIECE)]).max(1);
        }
        Tally::add(&self.side.tally.dropped, gone);
        gone
    }

    fn resample(&mut self, out: &mut [[f32; 2]; SAMPLES_PER_TICK]) {
        if self.owed > 0 {
            self.owed -= self.leave_out(self.owed);
        }
        let needed = self.resampler.input_frames_next().min(self.input.len());
        let there = if self.owed > 0 { 0 } else { self.frames.pop_into(&mut self.input[..needed]) };
        self.input[there..needed].fill([0.0; 2]);
        self.taken += needed as u64;
        self.owed += needed - there;
        Tally::add(&self.side.tally.used, there);
        let filled = ((needed - there) * SAMPLE_RATE as usize).div_ceil(self.side.rate as usize);
        let resampled = SAMPLES_PER_TICK.cast_signed() as i64 - (there + filled).cast_signed() as i64;
        self.side.tally.resampled.fetch_add(resampled, Ordering::Relaxed);
        self.note_fault(filled);
        let input = InterleavedSlice::new(self.input[..needed].as_flattened(), 2, needed);
        let output = InterleavedSlice::new_mut(out.as_flattened_mut(), 2, SAMPLES_PER_TICK);
        if let (Ok(input), Ok(mut output)) = (input, output) {
            // It fails only where a buffer is too short, and these are as long as it asked for.
            let _ = self.resampler.process_into_buffer(&input, &mut output, None::<&Indexing>);
        }
        if self.owed as f64 > MOST_OWED * self.side.rate {
            self.lose_level();
        }
    }

    /// Counts frames of the run that are missing; the first of a row makes the margin longer.
    fn note_fault(&mut self, missing: usize) {
        let Phase::Running { starved } = self.phase else { return };
        if missing > 0 {
            Tally::add(&self.side.tally.filled, missing);
            if !starved {
                Tally::add(&self.side.tally.faults, 1);
                self.side.margin.grow();
            }
        }
        self.phase = Phase::Running { starved: missing > 0 };
    }
}

/// The engine's way to whatever device is there.
pub struct Capture(Plug<CaptureLink>);

/// A way in without a device: the socket is for the device's keeper.
#[must_use]
pub fn capture() -> (Socket<CaptureLink>, Capture) {
    let (socket, plug) = exchange();
    (socket, Capture(plug))
}

impl Capture {
    /// The sound of the tick that starts now: what is not there is silence.
    #[cfg_attr(napot_rtsan, sanitize(realtime = "nonblocking"))]
    pub fn take(&mut self, now: Timestamp, out: &mut [[f32; 2]; SAMPLES_PER_TICK]) -> Option<Heard> {
        out.fill([0.0; 2]);
        let link = self.0.newest()?;
        let heard = link.take(now, out);
        if heard.is_none() {
            Tally::add(&link.side.tally.filled, SAMPLES_PER_TICK);
        }
        heard
    }
}

#[cfg(test)]
#[path = "capture_tests.rs"]
mod tests;
