//! What the engine publishes for people to look at: field pictures, traces, figures.
//!
//! Everything here may be lost without harm: it is shown, never fed back.

use std::collections::BTreeMap;

use super::{ArrayId, BindingFigures, DeviceFigures, InHand, ObjectsFigures, Stamp};
use crate::time::{Tick, Timestamp};

/// One band of one array as a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldImage {
    /// The array.
    pub array: ArrayId,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Two bytes a site, row by row: the phase in the frame that rotates with the band
    /// (0 to 255 for 0 to 2 pi), then the amplitude (255 is 4 times the tonic rms, of a difference from the twin the
    /// tonic rms; clamped).
    pub phase_amplitude: Vec<u8>,
}

/// The field at one tick.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldFrame {
    /// When the picture was captured that has just entered it, on the run's clock; of a live run.
    pub captured: Option<Stamp>,
    /// The tick.
    pub tick: Tick,
    /// The band that is shown, slowest is 0.
    pub band: usize,
    /// Whether it is the field less its twin.
    pub difference: bool,
    /// One picture per array.
    pub images: Vec<FieldImage>,
    /// How loud each pitch is that is heard, low first: 0 at the floor that hearing adapts to, 255 at the top of its range and above;
    /// none where nothing is heard.
    pub levels: Vec<u8>,
}

/// Cells a side of the grid in which people are shown where a picture raised bursts.
pub const BURST_SIDE: usize = 32;

/// A small picture of what the camera's side sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputPicture {
    /// When it was captured.
    pub time: Timestamp,
    /// Columns; 0 before the first picture.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green, blue, row by row.
    pub rgb: Vec<u8>,
    /// Bursts of light that it raised in each of [`BURST_SIDE`] by as many cells of it, row by row and 255 at most: those On,
    /// then those Off. Empty where they are not told, as in a session that is played again.
    pub bursts: Vec<u8>,
}

/// What the mind's eye has before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MindPicture {
    /// The tick of the field that it is of.
    pub tick: Tick,
    /// Whether it is dreamt; else it is recalled.
    pub dream: bool,
    /// Columns; 0 before the first picture.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green, blue, row by row.
    pub rgb: Vec<u8>,
}

/// What the mind's eye did and holds; what is not measured yet is `None`.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct MindFigures {
    /// Moments that it lived: one every 97 ms.
    pub moments: u64,
    /// Moments that a paced run skipped, because the mind was a second behind.
    pub skipped: u64,
    /// Pictures that it remembers.
    pub episodes: u64,
    /// Patches that it remembers, all scales.
    pub patches: u64,
    /// Pictures that it learned.
    pub written: u64,
    /// Pictures that the field recalled by itself, and that were not learned therefore.
    pub predicted: u64,
    /// Pictures that made room for others.
    pub forgotten: u64,
    /// R²: how much of what bursts left at a pixel is read from the field, before it was met.
    pub explained: Option<f64>,
    /// Correlation of what is recalled with what is seen, both less the mean of what was seen; over the last ten seconds or so.
    pub alike: Option<f64>,
    /// The same with what was seen ten seconds before: chance.
    pub elsewhere: Option<f64>,
    /// Whether it dreams now.
    pub dreaming: bool,
    /// Moments that it dreamt.
    pub dreamt: u64,
}

/// What something that appeared was taken for.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Recognition {
    /// When it appeared, in seconds of model time.
    pub seconds: f64,
    /// The name that fits best; `None` where nothing is known.
    pub nearest: Option<String>,
    /// Whether that was decided for; else it is nothing that is known, or it might be several.
    pub recognised: bool,
    /// Whether it is nothing that is known.
    pub foreign: bool,
    /// The name's probability among all that are known.
    pub confidence: Option<f64>,
    /// How far it is from what was taught: about 1 for the same thing, from 2 on for another.
    pub misfit: Option<f64>,
    /// Milliseconds after which it was decided.
    pub after_ms: Option<u64>,
    /// Hue of the change of colour in degrees, 0 to below 360: red 0, green 120, blue 240; `None` where light alone changed.
    pub hue_degrees: Option<f32>,
}

/// What was recognised, and what is known.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RecognitionFigures {
    /// The names that are known.
    pub names: Vec<String>,
    /// Things that appeared.
    pub onsets: u64,
    /// Those that were recognised.
    pub recognised: u64,
    /// How often each name was recognised.
    pub times: BTreeMap<String, u64>,
    /// What appeared last.
    pub last: Option<Recognition>,
    /// What became of the last wish to teach, in a sentence; empty before the first.
    pub told: String,
}

/// What there is to tell lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum SensesLack {
    /// Nothing is heard.
    Silence,
    /// Nothing stops in the picture, or there is none.
    Stillness,
}

/// A slow band's part in what sound and picture have in common.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SensesBand {
    /// Its centre.
    pub hz: f32,
    /// How much both swing together, 0 to 1.
    pub coherence: f32,
    /// By how much of a turn the sound is behind where it belongs, -180 to 180; below 0 ahead.
    pub phase_degrees: f32,
}

/// Whether what was heard belongs to what was seen, over two seconds.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Belonging {
    /// The end of the window, in seconds of model time.
    pub seconds: f64,
    /// Evidence in spreads, as d' has it: above 0 that sound and picture belong together, below that they do not.
    pub evidence: f64,
    /// The probability that they belong together, 0 to 1, where either was as likely before.
    pub confidence: f64,
    /// Order parameter, 0 to 1: 1 where every band stands at the phase that it has where sound and picture belong together.
    pub order: f32,
    /// Band by band, slowest first.
    pub bands: Vec<SensesBand>,
}

/// By how much the sound is late, over ten seconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Asynchrony {
    /// The end of the window, in seconds of model time.
    pub seconds: f64,
    /// Milliseconds by which the sound comes later than it belongs to the picture, -400 to 400; below 0 it is early.
    pub late_ms: f64,
    /// The probability that this is right within 20 ms, 0 to 1.
    pub confidence: f64,
}

/// Whether sound and picture belong together; what is not told is `None`.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SensesFigures {
    /// Windows of two seconds, one each half second, in which there was something to tell.
    pub told: u64,
    /// Those in which there was nothing, for silence or stillness.
    pub untold: u64,
    /// Why there is nothing to tell now; `None` where there is, or nothing was looked at yet.
    pub lack: Option<SensesLack>,
    /// The last window.
    pub now: Option<Belonging>,
    /// Mean evidence of the windows of the last ten seconds that tell: one window alone is wrong one time in ten.
    pub lately: Option<f64>,
    /// The last ten seconds.
    pub asynchrony: Option<Asynchrony>,
    /// Mean evidence of all windows that tell.
    pub mean_evidence: Option<f64>,
    /// Share of these that speak for belonging together.
    pub belongs: Option<f64>,
    /// Mean order parameter of these.
    pub mean_order: Option<f64>,
    /// Median of all asynchronies that were told with a confidence of a half or more, in ms.
    pub median_late_ms: Option<f64>,
    /// How many these are, and of how many.
    pub sure: [u64; 2],
}

/// A stretch of electrode traces.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TraceChunk {
    /// The tick of the first sample.
    pub first_tick: u64,
    /// Samples per second.
    pub rate_hz: u32,
    /// Electrode names.
    pub names: Vec<String>,
    /// Microvolts, one row per electrode. JSON has null for what is not finite.
    #[cfg_attr(test, ts(as = "Vec<Vec<Option<f32>>>"))]
    pub microvolts: Vec<Vec<f32>>,
    /// Bursts that entered since the stretch before, one row per array: for every 10 ms, how many in each
    /// [`crate::engine::PLACES`]th of the sheet's rows, from row 0.
    pub bursts: Vec<Vec<u32>>,
}

/// An electrode's place, for people.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ElectrodePlace {
    /// Its name.
    pub name: String,
    /// The number of the array on which it lies.
    pub array: usize,
    /// How far down the sheet, 0 to 1.
    pub row: f32,
    /// How far to the right, 0 to 1.
    pub column: f32,
}

/// How long a hop takes, for people: in ms; what too few samples can't tell is `None`.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct HopFigures {
    /// Its name.
    pub name: String,
    /// How many were measured.
    pub count: u64,
    /// Median.
    pub p50: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// Longest.
    pub max: Option<f64>,
    /// How many took how long: below 0.01 ms, in six steps a decade from there on (0.015, 0.022, 0.033, 0.047, 0.068, 0.1 and
    /// so on), and 1000 ms or longer.
    pub counts: Vec<u64>,
}

/// A band's energy, all arrays together, in units of its tonic energy; flows per second of model time.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct BandEnergy {
    /// What it holds: 1 is the tonic rhythm alone.
    pub stored: f64,
    /// From the tonic noise.
    pub noise: f64,
    /// From the senses.
    pub drive: f64,
    /// From the faster band, less what the slower one got.
    pub cascade: f64,
    /// To dissipation: negative.
    pub damping: f64,
    /// To neighbours, where it evens out: negative.
    pub diffusion: f64,
    /// To the cubic term: negative.
    pub saturation: f64,
}

/// The figures of the moment; what is not measured yet is `None`.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Status {
    /// Model time in seconds.
    pub seconds: f64,
    /// Model time over wall time since the start.
    pub realtime_factor: Option<f64>,
    /// Ticks that ended more than 10 ms after they were due.
    pub deadline_misses: u64,
    /// The mind's eye; `None` where there is none.
    pub mind: Option<MindFigures>,
    /// How arrays bind what is seen; `None` where none do.
    pub binding: Option<BindingFigures>,
    /// The objects of what is seen; `None` where it is not taken apart.
    pub objects: Option<ObjectsFigures>,
    /// What is recognised; `None` in a run without signatures.
    pub recognition: Option<RecognitionFigures>,
    /// Whether sound and picture belong together; `None` in a run that does not both see and hear.
    pub senses: Option<SensesFigures>,
    /// Bursts in the last second.
    pub bursts_per_second: f64,
    /// Their information in the last second.
    pub bits_per_second: f64,
    /// Information that was expected and so did not enter, in the last second; `None` where nothing learns.
    pub explained_per_second: Option<f64>,
    /// Information about the input that the field still holds, in bits.
    pub bits_held: Option<f64>,
    /// Seconds that the spectrum and its fit are of: those since the last change of a parameter, 30.7 at most; 0 before the first.
    pub spectrum_seconds: f64,
    /// Frequencies of the spectrum in Hz, ascending, without 0.
    pub spectrum_hz: Vec<f32>,
    /// Power at those frequencies in uV^2/Hz, mean of the electrodes.
    pub spectrum_power: Vec<f32>,
    /// The aperiodic fit at those frequencies; empty where there is none.
    pub spectrum_fit: Vec<f32>,
    /// The tonic exponent.
    pub exponent: Option<f64>,
    /// Its 95 % interval.
    pub exponent_interval: Option<[f64; 2]>,
    /// Order parameter per band of the first array, 0 to 1, slowest first.
    pub order: Vec<f32>,
    /// Its standard deviation over time since the last change of a parameter: metastability.
    pub metastability: Vec<Option<f64>>,
    /// Energy per band over the last second, slowest first; empty before that.
    pub energy: Vec<BandEnergy>,
    /// Engine time per tick in ms: median and 99th percentile.
    pub tick_ms: [Option<f64>; 2],
    /// Cores that this program keeps busy, over the last second or more.
    pub cpu: Option<f64>,
    /// How long hops take: a tick's work first.
    pub latency: Vec<HopFigures>,
    /// Per source: name, produced, delivered, dropped.
    pub sources: Vec<(String, u64, u64, u64)>,
    /// The devices of a live run.
    pub devices: Vec<DeviceFigures>,
    /// What is recorded; `None` where nothing is.
    pub recording: Option<RecordingFigures>,
    /// What people may change, as it stands.
    pub hand: InHand,
    /// A sentence worth reading (a source that ended, a file cut short); empty otherwise.
    pub notice: String,
}

/// What is recorded of a run; what is not known is `None`.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RecordingFigures {
    /// Bytes of the session's file.
    pub bytes: Option<u64>,
    /// Their growth per second of model time.
    pub bytes_per_second: Option<f64>,
    /// Hours of model time until its disk is full.
    pub hours_left: Option<f64>,
    /// Seconds that are kept in memory, to be saved when wanted.
    pub retro_seconds: Option<f64>,
    /// What became of the last wish to save them, or why a recording ended, in a sentence; empty before the first.
    pub kept: String,
    /// Whether that sentence is of something that could not be kept.
    pub failed: bool,
}
