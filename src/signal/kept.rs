//! What the engine hands to the files of a run.

use super::FieldImage;
use crate::time::Timestamp;

/// What an electrode file takes, in the order of time.
#[derive(Clone, Debug, PartialEq)]
pub enum ElectrodeItem {
    /// One sample of every electrode in microvolts.
    Sample(Vec<f32>),
    /// Something that happened, with its time.
    Mark(Timestamp, String),
}

/// The field of the first array at one time: one picture per band, slowest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldRow {
    /// The time after the tick that it shows.
    pub time: Timestamp,
    /// One picture per band.
    pub images: Vec<FieldImage>,
}
