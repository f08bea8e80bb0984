//! Samples of scalar channels: EEG, a table's columns, any sensor.

use super::Stamp;

/// What the channels of a scalar source are.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalarLayout {
    /// The channels' names, in order, as the source gives them.
    pub names: Vec<String>,
    /// Their units, one per channel; empty where the source names none.
    pub units: Vec<String>,
}

/// One sample of every channel; channels without a value at this time repeat their last.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalarSample {
    /// When it was taken.
    pub stamp: Stamp,
    /// One finite value per channel, in the units of the layout; or none: nothing came up to this time, which a
    /// live source says so that the run can go on.
    pub values: Vec<f32>,
}
