//! What an exchange did, counted exactly and readable from any thread.

use std::sync::atomic::{AtomicU64, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The counters of one outlet or inlet.
#[derive(Debug, Default)]
pub struct Account {
    passed: AtomicU64,
    dropped: AtomicU64,
    late: AtomicU64,
    ignored: AtomicU64,
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Samples and marks that were sent, or samples that came in.
    pub passed: u64,
    /// Samples and marks that found no room or that the system refused to send; messages that found no room.
    pub dropped: u64,
    /// Samples that came after the time up to which the inlet had promised, and were moved there.
    pub late: u64,
    /// Messages that were not for us, or damaged.
    pub ignored: u64,
}

impl Account {
    /// Counts `count` that went through.
    pub fn pass(&self, count: u64) {
        self.passed.fetch_add(count, Ordering::Relaxed);
    }

    /// Counts `count` that were lost.
    pub fn lose(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }

    /// Counts one that came too late.
    pub fn late(&self) {
        self.late.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one message that was not taken.
    pub fn ignore(&self) {
        self.ignored.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts now.
    #[must_use]
    pub fn read(&self) -> Counts {
        Counts {
            passed: self.passed.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            late: self.late.load(Ordering::Relaxed),
            ignored: self.ignored.load(Ordering::Relaxed),
        }
    }
}

/// What a report says of an outlet or an inlet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExchangeReport {
    /// Its address.
    pub address: String,
    /// `send` or `receive`.
    pub direction: String,
    /// Samples and marks that were sent, for MIDI messages; `null` for an inlet.
    pub sent: Option<u64>,
    /// Samples that came in; `null` for an outlet.
    pub received: Option<u64>,
    /// Samples and marks that found no room or that the system refused to send; what got lost on the way is not known.
    pub dropped: u64,
    /// Samples that came too late for their time and were moved; `null` for an outlet.
    pub late: Option<u64>,
    /// Messages that were damaged or not for us; `null` for an outlet.
    pub ignored: Option<u64>,
}

impl ExchangeReport {
    /// A line for people.
    #[must_use]
    pub fn text(&self) -> String {
        match (self.sent, self.received) {
            (Some(sent), _) if self.dropped > 0 => {
                format!("{}: {sent} sent, {} DROPPED.", self.address, self.dropped)
            }
            (Some(sent), _) => format!("{}: {sent} sent.", self.address),
            (None, received) => format!(
                "{}: {} received, {} late, {} dropped, {} ignored.",
                self.address,
                received.unwrap_or(0),
                self.late.unwrap_or(0),
                self.dropped,
                self.ignored.unwrap_or(0)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(sent: Option<u64>, received: Option<u64>, dropped: u64) -> String {
        let (address, direction) = ("osc:here:9".to_owned(), String::new());
        let late = received.map(|_| 2);
        ExchangeReport { address, direction, sent, received, dropped, late, ignored: received.map(|_| 3) }
            .text()
    }

    #[test]
    fn an_outlet_that_dropped_something_is_named_with_how_much() {
        assert_eq!(text(Some(9), None, 0), "osc:here:9: 9 sent.");
        assert_eq!(text(Some(9), None, 4), "osc:here:9: 9 sent, 4 DROPPED.");
        assert_eq!(text(None, Some(7), 1), "osc:here:9: 7 received, 2 late, 1 dropped, 3 ignored.");
    }
}
