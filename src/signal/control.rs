//! What people may change of a run while it goes on, and how they ask for it.

use super::DeviceKind;

/// What stands in a session for a return to its configuration.
pub const AS_CONFIGURED: &str = "as-configured";

/// Whether what a session keeps as changed decides what comes out: parameters do, what is shown does not.
#[must_use]
pub fn is_decisive(change: &str) -> bool {
    change == AS_CONFIGURED || change.starts_with("array.")
}

/// A parameter that may change while a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LiveParameter {
    /// Its key in the configuration.
    pub key: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Its unit; empty for a plain number.
    pub unit: &'static str,
    /// The least value.
    pub low: f64,
    /// The greatest value.
    pub high: f64,
    /// What the run was configured with.
    pub default: f64,
    /// What it does, in a few words.
    pub what: &'static str,
}

/// A named set of parameters.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LiveState {
    /// Its name.
    pub name: &'static str,
    /// What it is like, in a sentence.
    pub what: &'static str,
    /// The parameters that it sets.
    pub values: Vec<(&'static str, f64)>,
}

/// A burst from a person's hand: a disc of sites that is struck at once.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Poke {
    /// The array's number.
    pub array: u8,
    /// The row of its middle, from 0 at the top.
    pub row: u16,
    /// The column of its middle, from 0 at the left.
    pub column: u16,
    /// Its radius in sites, 0 to 16.
    pub radius: u8,
    /// Magnitude of each site's burst, in thresholds; above 0, at most 32.
    pub magnitude: f32,
}

/// What a page asks of the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Control {
    /// Show this band.
    ShowBand(u8),
    /// Show the field less its twin, or the field.
    ShowDifference(bool),
    /// Keep the last seconds in a file.
    KeepLast,
    /// Use the device of this name instead.
    UseDevice(DeviceKind, String),
    /// Mute the speaker, or have it sound again; the run's sound and its session are the same.
    Mute(bool),
    /// Set these parameters; all or none.
    Set(Vec<(String, f64)>),
    /// Strike the field.
    Poke(Poke),
    /// Go on at so many thousandths of real time, 10 to 1000.
    Speed(u32),
    /// Stand still, or go on.
    Pause(bool),
    /// Stand still after one picture of the field more.
    Step,
    /// Write this down at the present time.
    Annotate(String),
    /// Give what was seen last this name.
    Teach(String),
    /// Have the array of this number go on seeing what it sees now, or see again.
    Hold(u8, bool),
}

/// What people may do in a run.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Hands {
    /// The parameters that may change; none where they may not.
    pub parameters: Vec<LiveParameter>,
    /// Named sets of them.
    pub states: Vec<LiveState>,
    /// Whether the field may be struck.
    pub pokes: bool,
    /// Whether time may be slowed and stopped: not that of devices.
    pub tempo: bool,
    /// Whether arrays that bind may be held.
    pub holds: bool,
}

/// What stands at present of what people may change.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InHand {
    /// The parameters, in the order of [`Hands::parameters`].
    pub values: Vec<f64>,
    /// Thousandths of real time; 0 is as fast as can be.
    pub speed: u32,
    /// Whether time stands still.
    pub paused: bool,
    /// Whether the speaker is muted; `None` where there is none.
    pub muted: Option<bool>,
    /// Why the last change was refused; empty where it was not.
    pub refused: String,
}
