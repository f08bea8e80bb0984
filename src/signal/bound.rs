//! What arrays make of the views that each has of what is seen, for people: pictures, groups, figures.

use crate::time::Tick;

/// An array that binds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct BoundArray {
    /// The name of its whole, from 0; `None` where it stays alone.
    pub whole: Option<u8>,
    /// Whether it holds: it goes on seeing what it saw.
    pub held: bool,
    /// The phase of its sheet's slow rhythm beside the carrier, 0 to 1 of a turn.
    pub phase: f32,
    /// How strongly its sheet swings as one, in units of a site's tonic rms: a third where nobody pulls it, some 3.5 where others do.
    pub amplitude: f32,
}

/// A whole: arrays that agree and swing together.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct BoundWhole {
    /// Its name, from 0; it keeps it while most of its arrays stay.
    pub name: u8,
    /// How many arrays it is of.
    pub arrays: u8,
    /// How well it explains them, times their order parameter, 0 to 1.
    pub confidence: f32,
    /// PSNR against the picture that is projected, in dB; `None` where that is black.
    pub psnr_db: Option<f64>,
}

/// Pictures of an update; all are `side` x `side` bytes of grey (sRGB).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BindingPicture {
    /// When it was.
    pub tick: Tick,
    /// Rows, and columns; 0 before the first.
    pub side: usize,
    /// The arrays.
    pub arrays: Vec<BoundArray>,
    /// The wholes, of most arrays first.
    pub wholes: Vec<BoundWhole>,
    /// The wholes' pictures in their order, then each array's of its own views alone.
    pub grey: Vec<u8>,
}

/// How arrays bind; what is not measured yet is `None`. PSNR is of light whose brightest is that of the picture that is projected.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct BindingFigures {
    /// Updates: one every 100 ms from the first picture on.
    pub updates: u64,
    /// Updates that a paced run skipped, because the binder was a second behind.
    pub skipped: u64,
    /// The arrays now.
    pub arrays: Vec<BoundArray>,
    /// The wholes now, of most arrays first.
    pub wholes: Vec<BoundWhole>,
    /// Kuramoto's order parameter of all phases now, 0 to 1.
    pub order: Option<f64>,
    /// Its mean over all updates.
    pub mean_order: Option<f64>,
    /// PSNR of the best picture that an array makes of its own views alone, now, in dB.
    pub apart_db: Option<f64>,
    /// Mean PSNR of the largest whole over all updates, in dB.
    pub mean_whole_db: Option<f64>,
    /// The same of the best picture of one array's views alone.
    pub mean_apart_db: Option<f64>,
    /// The same of the mean of all arrays' pictures without coupling.
    pub mean_uncoupled_db: Option<f64>,
    /// Mean time of an update in ms of this machine.
    pub update_ms: Option<f64>,
}
