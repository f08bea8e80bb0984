//! What of the field people look at: shared by the keeper, which is asked, and the real-time thread, which shows it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A band, of the driven field or of what is left of it without its twin.
#[derive(Debug)]
pub(super) struct Aim {
    band: AtomicUsize,
    difference: AtomicBool,
    /// Whether it was changed since somebody looked.
    changed: AtomicBool,
}

impl Aim {
    /// At a band of the driven field.
    pub(super) fn at(band: usize) -> Self {
        Self {
            band: AtomicUsize::new(band),
            difference: AtomicBool::new(false),
            changed: AtomicBool::new(false),
        }
    }

    /// Shows this band.
    pub(super) fn show_band(&self, band: usize) {
        self.band.store(band, Ordering::Relaxed);
        self.changed.store(true, Ordering::Release);
    }

    /// Shows the difference from the twin, or the field.
    pub(super) fn show_difference(&self, difference: bool) {
        self.difference.store(difference, Ordering::Relaxed);
        self.changed.store(true, Ordering::Release);
    }

    /// Whether it was changed since this was asked last.
    pub(super) fn take_change(&self) -> bool {
        self.changed.swap(false, Ordering::Acquire)
    }

    /// The band, and whether its difference is shown.
    pub(super) fn read(&self) -> (usize, bool) {
        (self.band.load(Ordering::Relaxed), self.difference.load(Ordering::Relaxed))
    }
}
