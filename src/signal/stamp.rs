//! When something was captured, and where that time came from.

use crate::time::Timestamp;

/// Where a capture time came from; reports never mix two origins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The device's driver stamped it.
    Device,
    /// It was stamped when it arrived here.
    Arrival,
    /// A recording carries it.
    Recorded,
    /// It is a time of this program's own, by the run's clock.
    Clock,
}

/// A capture time with its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// Time on the run's clock: for a recording, time since its start.
    pub time: Timestamp,
    /// Where `time` came from.
    pub origin: Origin,
}

impl Stamp {
    /// A stamp that a recording carries.
    #[must_use]
    pub fn recorded(time: Timestamp) -> Self {
        Self { time, origin: Origin::Recorded }
    }
}
