//! Objects that stand out from what is seen, for people: labels, pictures, figures.

use crate::time::Tick;

/// An object.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SeenObject {
    /// Its label, from 1; it keeps it from update to update.
    pub label: u8,
    /// The colour of its label: red, green, blue.
    pub colour: [u8; 3],
    /// Its share of the picture's pixels, 0 to 1.
    pub share: f32,
    /// How much its oscillators swing as one: their order parameter, 0 to 1.
    pub confidence: f32,
}

/// A picture and its objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectsPicture {
    /// When it was in sight.
    pub tick: Tick,
    /// Rows and columns of the labels; 0 before the first.
    pub size: [usize; 2],
    /// The object of each of these pixels; 0 is ground.
    pub labels: Vec<u8>,
    /// Rows and columns of the picture.
    pub shown: [usize; 2],
    /// The picture: a byte of grey (sRGB) a pixel.
    pub grey: Vec<u8>,
    /// The objects, by their labels.
    pub objects: Vec<SeenObject>,
}

/// What stands out from what is seen; what is not measured yet is `None`.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ObjectsFigures {
    /// Updates: one every 100 ms from the first picture on.
    pub updates: u64,
    /// Updates that a paced run skipped, because what segments was a second behind.
    pub skipped: u64,
    /// Rows and columns at which the picture is segmented.
    pub size: [usize; 2],
    /// The objects now, by their labels; none where nothing stands out.
    pub objects: Vec<SeenObject>,
    /// Mean number of objects over all updates.
    pub mean_objects: Option<f64>,
    /// Mean time of an update in ms of this machine.
    pub update_ms: Option<f64>,
}
