//! Playback: 48 frames a tick of the run become what a sound device asks for; its callback finds them in a ring.
//!
//! The engine's side keeps so many frames ahead of the device that none is missing; where one was, the frames that then
//! come too late are left out, so that a fault does not make all that follows later. Drift is resampled away. People may
//! mute it, which fades what goes to the device and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Adjustable as _, Async, FixedAsync, Indexing, Resampler as _};

use super::bridge::{FRAMES, Margin, Mark, Plug, Side, Socket, Tally, exchange, resampler};
use super::drift::Controller;
use super::ring::{Consumer, Producer, ring};
use crate::error::Result;
use crate::time::{SAMPLES_PER_TICK, Timestamp};

/// Frames that are taken at once by a callback.
const PIECE: usize = 64;
/// Frames from full sound to silence where it is muted, and back: 50 ms.
const FADE: u16 = 2_400;

/// The device's end: belongs to its callback, which may neither allocate nor wait.
pub struct Spout {
    frames: Consumer<[f32; 2]>,
    marks: Producer<Mark>,
    count: u64,
    tally: Arc<Tally>,
}

impl Spout {
    /// A callback at `now` asks for `block` frames, the first of which is heard `latency` from now; `put` gets each in
    /// its order. What is not there is silence.
    #[cfg_attr(napot_rtsan, sanitize(realtime = "nonblocking"))]
    pub fn fill(
        &mut self,
        block: usize,
        now: Timestamp,
        latency: Duration,
        mut put: impl FnMut(usize, [f32; 2]),
    ) {
        let mut piece = [[0.0; 2]; PIECE];
        let mut there = 0;
        while there < block {
            let got = self.frames.pop_into(&mut piece[..(block - there).min(PIECE)]);
            if got == 0 {
                break;
            }
            for (index, frame) in piece[..got].iter().enumerate() {
                put(there + index, *frame);
            }
            there += got;
        }
        for index in there..block {
            put(index, [0.0; 2]);
        }
        self.count += block as u64;
        self.tally.call(now, block);
        Tally::add(&self.tally.filled, block - there);
        let latency_ns = u32::try_from(latency.as_nanos()).unwrap_or(u32::MAX);
        let missing = (block - there) as u32;
        // Without room the engine has not looked at thousands: it will begin anew anyhow.
        self.marks.push(Mark { time: now, count: self.count, block: block as u32, missing, latency_ns });
    }
}

/// A device's link in the engine.
pub struct PlaybackLink {
    frames: Producer<[f32; 2]>,
    side: Side,
    resampler: Async<f32>,
    output: Vec<[f32; 2]>,
    running: bool,
    /// Whether frames come too late since a fault.
    late: bool,
}

/// The two ends of a device's way out: at `rate`, `margin` ahead of it.
///
/// # Errors
/// Where the rate can't be converted.
pub fn link(rate: u32, margin: Margin) -> Result<(Spout, PlaybackLink, Arc<Tally>)> {
    let (frames_in, frames_out, _) = ring(FRAMES);
    let (marks, side) = Side::new(rate, margin);
    let tally = Arc::clone(&side.tally);
    let resampler = resampler(rate, FixedAsync::Input)?;
    let spout = Spout { frames: frames_out, marks, count: 0, tally: Arc::clone(&tally) };
    let output = vec![[0.0; 2]; resampler.output_frames_max()];
    let link = PlaybackLink { frames: frames_in, side, resampler, output, running: false, late: false };
    Ok((spout, link, tally))
}

/// When a tick's sound will be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Played {
    /// From the tick to the callback that takes its first frame; the resampler's delay included.
    pub waits: Duration,
    /// From there to the converter, through what of the callback's block is before it.
    pub device: Duration,
}

impl PlaybackLink {
    /// Frames that wait in the ring.
    fn waiting(&self) -> usize {
        FRAMES - self.frames.vacant()
    }

    fn give(&mut self, now: Timestamp, sound: &[[f32; 2]; SAMPLES_PER_TICK]) -> Option<Played> {
        let news = self.side.follow();
        if news.jumped || !self.side.is_steady(now) {
            self.running = false;
        }
        if !self.side.is_steady(now) {
            return None;
        }
        // What was missing while it did not run is no fault.
        if self.running && news.missing > 0 {
            self.note_fault();
        }
        let mut waiting = self.waiting();
        let target = self.side.margin.seconds() * self.side.rate;
        let mut excess = -self.side.clock.past(now, self.side.count + waiting as u64) - target;
        let block = f64::from(self.side.clock.block());
        if excess.abs() > (2.0 * block).max(0.02 * self.side.rate) + block {
            self.running = false;
        }
        if !self.running {
            if excess > 0.0 {
                return None;
            }
            // Silence up to the level that is kept.
            let lead = ((-excess) as usize).min(self.frames.vacant());
            for _ in 0..lead {
                self.frames.push([0.0; 2]);
            }
            Tally::add(&self.side.tally.filled, lead);
            waiting += lead;
            excess += lead as f64;
            self.resampler.reset();
            self.side.controller = Controller::starting(self.side.clock.ppm());
            (self.running, self.late) = (true, false);
        }
        let ppm = self.side.controller.step(1e-3, self.side.clock.ppm(), -excess, self.side.rate);
        // Out of bounds only by a controller that is bounded itself.
        let _ = self.resampler.set_resample_ratio_relative(1.0 + ppm * 1e-6, true);
        // After a fault, what comes too late is left out, tick by tick, until the level is what it was.
        let surplus = if self.late { excess.max(0.0) as usize } else { 0 };
        self.late = surplus > 0;
        self.resample(sound, surplus);
        Some(self.played(excess + target, waiting))
    }

    /// Frames were missing. As long as what follows comes too late, it is one fault.
    fn note_fault(&mut self) {
        if !std::mem::replace(&mut self.late, true) {
            Tally::add(&self.side.tally.faults, 1);
            self.side.margin.grow();
        }
    }

    /// When a tick is heard that found `waiting` frames in the ring, their end `level` ahead of the device's position.
    /// That goes over a block as it is asked for, so a frame is asked for up to a block later than it says.
    fn played(&self, level: f64, waiting: usize) -> Played {
        let delay = self.resampler.output_delay();
        let block = self.side.clock.block().max(1) as usize;
        let before = (waiting + delay) % block;
        let waits = level + (delay + block) as f64 - before as f64;
        Played {
            waits: Duration::from_secs_f64(waits.max(0.0) / self.side.rate),
            device: self.side.latency + Duration::from_secs_f64(before as f64 / self.side.rate),
        }
    }

    fn resample(&mut self, sound: &[[f32; 2]; SAMPLES_PER_TICK], surplus: usize) {
        let given = self.resampler.output_frames_next().min(self.output.len());
        let input = InterleavedSlice::new(sound.as_flattened(), 2, SAMPLES_PER_TICK);
        let output = InterleavedSlice::new_mut(self.output[..given].as_flattened_mut(), 2, given);
        if let (Ok(input), Ok(mut output)) = (input, output) {
            // It fails only where a buffer is too short, and these are as long as it asked for.
            let _ = self.resampler.process_into_buffer(&input, &mut output, None::<&Indexing>);
        }
        let surplus = surplus.min(given);
        let kept = self.frames.push_some(&self.output[surplus..given]);
        Tally::add(&self.side.tally.used, kept);
        Tally::add(&self.side.tally.dropped, given - kept);
        self.side
            .tally
            .resampled
            .fetch_add((given.cast_signed() - SAMPLES_PER_TICK.cast_signed()) as i64, Ordering::Relaxed);
    }
}

/// The sound on its way to the device: as it is, or faded out while it is muted.
struct Fader {
    muted: Arc<AtomicBool>,
    /// Where the fade is: 0 is silence, [`FADE`] the sound as it is.
    level: u16,
    faded: [[f32; 2]; SAMPLES_PER_TICK],
}

impl Fader {
    fn new(muted: Arc<AtomicBool>) -> Self {
        Self { muted, level: FADE, faded: [[0.0; 2]; SAMPLES_PER_TICK] }
    }

    /// A tick's sound at this point of the fade.
    fn pass<'a>(&'a mut self, sound: &'a [[f32; 2]; SAMPLES_PER_TICK]) -> &'a [[f32; 2]; SAMPLES_PER_TICK] {
        let muted = self.muted.load(Ordering::Relaxed);
        if !muted && self.level == FADE {
            return sound;
        }
        for (faded, frame) in self.faded.iter_mut().zip(sound) {
            self.level = if muted { self.level.saturating_sub(1) } else { (self.level + 1).min(FADE) };
            let gain = f32::from(self.level) / f32::from(FADE);
            *faded = frame.map(|value| gain * value);
        }
        &self.faded
    }
}

/// The engine's way to whatever device is there.
pub struct Playback {
    plug: Plug<PlaybackLink>,
    fader: Fader,
}

/// A way out without a device: the socket is for the device's keeper.
#[must_use]
pub fn playback() -> (Socket<PlaybackLink>, Playback) {
    let (socket, plug) = exchange();
    (socket, Playback { plug, fader: Fader::new(Arc::default()) })
}

impl Playback {
    /// Has it fall silent while `muted` is set, within 50 ms and without a click. The devices that come later, too.
    pub fn follow(&mut self, muted: Arc<AtomicBool>) {
        self.fader.muted = muted;
    }

    /// Hands over the sound of a tick; without a device, or while its clock is measured, it is lost and counted.
    #[cfg_attr(napot_rtsan, sanitize(realtime = "nonblocking"))]
    pub fn give(&mut self, now: Timestamp, sound: &[[f32; 2]; SAMPLES_PER_TICK]) -> Option<Played> {
        // Without a device, too: one that comes while it is muted is silent from its first frame.
        let sound = self.fader.pass(sound);
        let link = self.plug.newest()?;
        let played = link.give(now, sound);
        if played.is_none() {
            Tally::add(&link.side.tally.dropped, SAMPLES_PER_TICK);
        }
        played
    }
}

#[cfg(test)]
#[path = "playback_tests.rs"]
mod tests;
