//! What is recorded of a run, for people: how much, how long it will still fit, and the wish to keep the last seconds.
//!
//! The recorders write the figures, the page and the report read them; the wish goes the other way. Nothing here is
//! touched by the real-time thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;
use crate::signal::RecordingFigures;
use crate::time::Timestamp;

/// What no recorder has told.
const UNKNOWN: u64 = u64::MAX;
/// Model time that a rate of growth is measured on at least.
const LEAST_NANOSECONDS: u64 = 3_000_000_000;

/// The figures of a run's recorders.
#[derive(Debug)]
pub struct RecordingMonitor {
    wish: Arc<AtomicBool>,
    bytes: AtomicU64,
    nanoseconds: AtomicU64,
    free: AtomicU64,
    retro: AtomicU64,
    kept: Mutex<(String, bool)>,
}

impl Default for RecordingMonitor {
    fn default() -> Self {
        let unknown = || AtomicU64::new(UNKNOWN);
        Self {
            wish: Arc::default(),
            bytes: unknown(),
            nanoseconds: AtomicU64::new(0),
            free: unknown(),
            retro: unknown(),
            kept: Mutex::default(),
        }
    }
}

impl RecordingMonitor {
    /// The flag that asks to keep the last seconds: a signal's handler can set it.
    #[must_use]
    pub fn wish(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.wish)
    }

    /// Asks to keep the last seconds.
    pub fn keep_last(&self) {
        self.wish.store(true, Ordering::Release);
    }

    /// Whether that was asked since the last time.
    pub fn take_wish(&self) -> bool {
        self.wish.swap(false, Ordering::AcqRel)
    }

    /// The file has `bytes` after `time` of the run, and its disk `free` more where that is known.
    pub fn written(&self, bytes: u64, time: Timestamp, free: Option<u64>) {
        self.bytes.store(bytes, Ordering::Relaxed);
        self.nanoseconds.store(time.0.max(0).cast_unsigned(), Ordering::Relaxed);
        self.free.store(free.unwrap_or(UNKNOWN), Ordering::Relaxed);
    }

    /// So much time is kept in memory.
    pub fn remembers(&self, time: Timestamp) {
        self.retro.store(time.0.max(0).cast_unsigned(), Ordering::Relaxed);
    }

    /// What became of the last wish, in a sentence.
    pub fn say(&self, what: String) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = (what, false);
    }

    /// Tells at once, in the log and to people who look, why something could not be kept.
    pub fn warn(&self, failure: &Error) {
        tracing::error!("{failure}");
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = (failure.to_string(), true);
    }

    /// The figures of the moment.
    #[must_use]
    pub fn figures(&self) -> RecordingFigures {
        let known = |value: &AtomicU64| Some(value.load(Ordering::Relaxed)).filter(|value| *value != UNKNOWN);
        let (bytes, span) = (known(&self.bytes), self.nanoseconds.load(Ordering::Relaxed));
        let hours_left =
            bytes.zip(known(&self.free)).filter(|(bytes, _)| *bytes > 0 && span >= LEAST_NANOSECONDS);
        let (kept, failed) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        RecordingFigures {
            bytes,
            bytes_per_second: bytes
                .filter(|_| span >= LEAST_NANOSECONDS)
                .map(|bytes| bytes as f64 * 1e9 / span as f64),
            hours_left: hours_left.map(|(bytes, free)| free as f64 / bytes as f64 * span as f64 / 3.6e12),
            retro_seconds: known(&self.retro).map(|retro| retro as f64 / 1e9),
            kept,
            failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_left_follow_from_growth_and_free_space_once_both_are_known() {
        let monitor = RecordingMonitor::default();
        assert_eq!(monitor.figures(), RecordingFigures::default());
        monitor.written(1_000, Timestamp(1_000_000_000), Some(1 << 30));
        let early = monitor.figures();
        assert_eq!((early.bytes, early.hours_left), (Some(1_000), None));
        // A megabyte a second, and 7.2 GB free: two hours.
        monitor.written(10_000_000, Timestamp(10_000_000_000), Some(7_200_000_000));
        let figures = monitor.figures();
        assert_eq!((figures.bytes_per_second, figures.hours_left), (Some(1e6), Some(2.0)));
        monitor.written(10_000_000, Timestamp(10_000_000_000), None);
        assert_eq!(monitor.figures().hours_left, None);
    }

    #[test]
    fn what_is_told_last_stands_and_a_failure_is_marked() {
        let monitor = RecordingMonitor::default();
        monitor.warn(&Error::output("a.mcap", "the disk is full"));
        let figures = monitor.figures();
        assert_eq!((&figures.kept[..], figures.failed), ("a.mcap: the disk is full", true));
        monitor.say("kept".to_owned());
        assert!(!monitor.figures().failed);
    }

    #[test]
    fn a_wish_is_taken_once() {
        let monitor = RecordingMonitor::default();
        assert!(!monitor.take_wish());
        monitor.wish().store(true, Ordering::Release);
        assert!(monitor.take_wish() && !monitor.take_wish());
        monitor.keep_last();
        assert!(monitor.take_wish());
    }
}
