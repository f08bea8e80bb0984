//! Between a sound device's callback and the engine: rings, stamps, and links that can be exchanged while both run.
//!
//! ```text
//! device's callback ─frames, marks═> link (in the engine: clock, controller, resampler) ─48 frames a tick─> engine
//! ```
//!
//! A device that is opened anew gets a new link; the engine takes it at its next tick and hands the old one back, so
//! that it is freed elsewhere. Links of [`super::capture`] and [`super::playback`] differ only in their direction.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use rubato::{Async, FixedAsync, SincInterpolationParameters, WindowFunction};

use super::drift::{Controller, DeviceClock};
use super::ring::{Consumer, Producer, ring};
use crate::error::{Error, Kind, Result};
use crate::time::{SAMPLE_RATE, SAMPLES_PER_TICK, Timestamp};

/// Frames that wait for the other side at most: over a second at 48 kHz.
pub(super) const FRAMES: usize = 65_536;
/// Marks that wait for the engine at most.
const MARKS: usize = 4_096;
/// Links that may be on their way.
const LINKS: usize = 4;
/// Taps of the resampler: 16 frames of delay; flat to some 17 kHz.
const TAPS: usize = 32;
/// What a margin begins with, in seconds, that finds its own length.
const FIRST_MARGIN: f64 = 0.0007;
/// By how much a fault makes it longer.
const MORE_MARGIN: f64 = 0.0005;
/// How long it becomes at most.
const MOST_MARGIN: f64 = 0.02;
/// The largest ratio to the nominal one that the resampler is made for.
const MOST_RELATIVE: f64 = 1.02;

/// Room in time for threads that wake late.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margin {
    seconds: f64,
    most: f64,
}

impl Margin {
    /// One that stays as it is, whatever happens.
    #[must_use]
    pub fn fixed(time: Duration) -> Self {
        Self { seconds: time.as_secs_f64(), most: time.as_secs_f64() }
    }

    /// The smallest that holds: it begins small and each fault makes it longer, up to 20 ms.
    #[must_use]
    pub fn smallest() -> Self {
        Self { seconds: FIRST_MARGIN, most: MOST_MARGIN }
    }

    pub(super) fn seconds(self) -> f64 {
        self.seconds
    }

    /// After a fault.
    pub(super) fn grow(&mut self) {
        self.seconds = (self.seconds + MORE_MARGIN).min(self.most);
    }
}

/// One call of a device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// When it called.
    pub(super) time: Timestamp,
    /// Frames that it had given, less those that found no room, or asked for in all, this block included.
    pub(super) count: u64,
    /// Frames of this block.
    pub(super) block: u32,
    /// Frames of it that were not there in time, or that found no room.
    pub(super) missing: u32,
    /// Ns between the device's converter and this call.
    pub(super) latency_ns: u32,
}

/// What a device and its link count, readable from any thread. Frames are the device's unless said otherwise.
#[derive(Debug, Default)]
pub struct Tally {
    /// Frames that came, or were asked for.
    pub moved: AtomicU64,
    /// Frames that were not used: no room, too late, or while the clock was not known yet.
    pub dropped: AtomicU64,
    /// Frames of silence in the place of what did not come: at 48 kHz on the way in, the device's on the way out.
    pub filled: AtomicU64,
    /// Frames that went into the run's sound, or of it to the device.
    pub used: AtomicU64,
    /// Frames that resampling added to what went through it; negative where it took some away.
    pub resampled: AtomicI64,
    /// Times that frames were missing while all ran.
    pub faults: AtomicU64,
    /// Samples that were not finite.
    pub not_finite: AtomicU64,
    /// Frames of the last block.
    pub block: AtomicU64,
    /// When the device last called, in ns; 0 before it has.
    called: AtomicI64,
    /// The inverted bits of the drift in ppm: 0, which would be no number, while it is not known.
    drift: AtomicU64,
}

impl Tally {
    pub(super) fn add(counter: &AtomicU64, frames: usize) {
        counter.fetch_add(frames as u64, Ordering::Relaxed);
    }

    pub(super) fn call(&self, time: Timestamp, block: usize) {
        self.called.store(time.0.max(1), Ordering::Relaxed);
        self.block.store(block as u64, Ordering::Relaxed);
        Self::add(&self.moved, block);
    }

    /// When the device last called.
    #[must_use]
    pub fn called(&self) -> Option<Timestamp> {
        Some(self.called.load(Ordering::Relaxed)).filter(|time| *time > 0).map(Timestamp)
    }

    pub(super) fn tell_drift(&self, ppm: f64) {
        self.drift.store(!ppm.to_bits(), Ordering::Relaxed);
    }

    /// How much faster the device's clock runs than the run's, in ppm, once that is known.
    #[must_use]
    pub fn drift(&self) -> Option<f64> {
        Some(self.drift.load(Ordering::Relaxed)).filter(|bits| *bits != 0).map(|bits| f64::from_bits(!bits))
    }
}

/// What a link has counted. As long as it runs, some frames wait and are in no sum yet:
///
/// ```text
/// in    moved = used + dropped     the run's frames = used + filled + resampled
/// out   moved = used + filled      the run's frames = used + dropped - resampled
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// See [`Tally::moved`].
    pub moved: u64,
    /// See [`Tally::dropped`].
    pub dropped: u64,
    /// See [`Tally::filled`].
    pub filled: u64,
    /// See [`Tally::used`].
    pub used: u64,
    /// See [`Tally::resampled`].
    pub resampled: i64,
    /// See [`Tally::faults`].
    pub faults: u64,
    /// See [`Tally::not_finite`].
    pub not_finite: u64,
}

impl Tally {
    /// The counts now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            moved: read(&self.moved),
            dropped: read(&self.dropped),
            filled: read(&self.filled),
            used: read(&self.used),
            resampled: self.resampled.load(Ordering::Relaxed),
            faults: read(&self.faults),
            not_finite: read(&self.not_finite),
        }
    }
}

impl Counts {
    /// The counts of a way in that has ended: what waited is dropped.
    #[must_use]
    pub fn ended_in(self) -> Self {
        Self { dropped: self.moved.saturating_sub(self.used), ..self }
    }

    /// The counts of a way out that has ended: what waited was not used, but dropped.
    #[must_use]
    pub fn ended_out(self) -> Self {
        let waited = (self.used + self.filled).saturating_sub(self.moved);
        Self { used: self.used.saturating_sub(waited), dropped: self.dropped + waited, ..self }
    }

    /// The sum of two links of one device.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            moved: self.moved + other.moved,
            dropped: self.dropped + other.dropped,
            filled: self.filled + other.filled,
            used: self.used + other.used,
            resampled: self.resampled + other.resampled,
            faults: self.faults + other.faults,
            not_finite: self.not_finite + other.not_finite,
        }
    }
}

/// Two ends of the exchange of links: the device's keeper has one, the engine the other.
pub(super) fn exchange<L>() -> (Socket<L>, Plug<L>) {
    let (fresh_in, fresh_out, _) = ring(LINKS);
    let (old_in, old_out, _) = ring(LINKS);
    (Socket { fresh: fresh_in, old: old_out }, Plug { link: None, fresh: fresh_out, old: old_in })
}

/// Where a device's keeper plugs its links in.
pub struct Socket<L> {
    fresh: Producer<Box<L>>,
    old: Consumer<Box<L>>,
}

impl<L> Socket<L> {
    /// Gives the engine a new link; it replaces the one before. Frees those that came back.
    pub fn plug(&mut self, link: L) {
        while self.old.pop().is_some() {}
        self.fresh.push(Box::new(link));
    }
}

/// The engine's end.
pub(super) struct Plug<L> {
    pub(super) link: Option<Box<L>>,
    fresh: Consumer<Box<L>>,
    old: Producer<Box<L>>,
}

impl<L> Plug<L> {
    /// The newest link. An old one goes back to be freed.
    pub(super) fn newest(&mut self) -> Option<&mut L> {
        while self.old.vacant() > 0
            && let Some(fresh) = self.fresh.pop()
        {
            if let Some(old) = self.link.replace(fresh) {
                self.old.push(old);
            }
        }
        self.link.as_deref_mut()
    }
}

/// A resampler of stereo between `rate` and the run's: in ticks of 48 frames on the run's side.
pub(super) fn resampler(rate: u32, fixed: FixedAsync) -> Result<Async<f32>> {
    let nominal = match fixed {
        FixedAsync::Output => f64::from(SAMPLE_RATE) / f64::from(rate.max(1)),
        FixedAsync::Input => f64::from(rate) / f64::from(SAMPLE_RATE),
    };
    let parameters = SincInterpolationParameters::new(TAPS, WindowFunction::BlackmanHarris2);
    Async::new_sinc(nominal, MOST_RELATIVE, &parameters, SAMPLES_PER_TICK, 2, fixed).map_err(|cause| {
        Error::new(Kind::Device, "resampler", "the rate can't be converted")
            .value(format!("{rate} Hz, {cause}"))
    })
}

/// What a link of either direction knows of its device.
pub(super) struct Side {
    marks: Consumer<Mark>,
    pub(super) clock: DeviceClock,
    pub(super) controller: Controller,
    /// Frames a second.
    pub(super) rate: f64,
    pub(super) margin: Margin,
    /// Frames that the device had given or asked for at its last call.
    pub(super) count: u64,
    /// Between its converter and its calls.
    pub(super) latency: Duration,
    pub(super) tally: Arc<Tally>,
}

/// What the device's calls since the last tick tell.
pub(super) struct News {
    /// Whether its time or count has jumped: the level that was kept means nothing any more.
    pub(super) jumped: bool,
    /// Frames that it asked for and that were not there, or that it gave and that found no room.
    pub(super) missing: u32,
}

impl Side {
    /// The side of a device at `rate`, and where its callback leaves its marks.
    pub(super) fn new(rate: u32, margin: Margin) -> (Producer<Mark>, Self) {
        let (producer, marks, _) = ring(MARKS);
        let side = Self {
            marks,
            clock: DeviceClock::new(rate),
            controller: Controller::default(),
            rate: f64::from(rate),
            margin,
            count: 0,
            latency: Duration::ZERO,
            tally: Arc::default(),
        };
        (producer, side)
    }

    /// Follows the device's calls.
    pub(super) fn follow(&mut self) -> News {
        let mut news = News { jumped: false, missing: 0 };
        while let Some(mark) = self.marks.pop() {
            if self.clock.is_stalled(mark.time) {
                // What was learned of time and count is void.
                self.clock.restart();
                news.jumped = true;
            }
            news.jumped |= self.clock.update(mark.time, mark.count, mark.block);
            self.count = mark.count;
            self.latency = Duration::from_nanos(u64::from(mark.latency_ns));
            news.missing += mark.missing;
        }
        // A count that stood still for want of room would tell of no clock.
        if self.clock.is_known() && news.missing == 0 {
            self.tally.tell_drift(self.clock.ppm());
        }
        news
    }

    /// Whether its clock is known and it still calls.
    pub(super) fn is_steady(&self, now: Timestamp) -> bool {
        self.clock.is_known() && !self.clock.is_stalled(now)
    }
}
