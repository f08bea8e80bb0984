//! What people read of a device: what it is, how it does, what came and what was lost.

use serde::{Deserialize, Serialize};

/// What a device is for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// Sound in.
    Microphone,
    /// Pictures in.
    Camera,
    /// Sound out.
    Speaker,
}

impl DeviceKind {
    /// Its name in the command line, logs and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Microphone => "microphone",
            Self::Camera => "camera",
            Self::Speaker => "speaker",
        }
    }
}

/// How a device does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum DeviceState {
    /// It is being opened, for the first time or again.
    #[default]
    Opening,
    /// It gives, or takes, what it should.
    Running,
    /// It is open, says no error, and gives nothing.
    Silent,
    /// It is gone; it is looked for by its name.
    Lost,
}

/// A device that is there, and what it offers or why it can't be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DeviceListing {
    /// What it is for.
    pub kind: DeviceKind,
    /// What it is reached through: a sound server, a driver.
    pub host: String,
    /// Its name; empty where the error is the host's.
    pub name: String,
    /// The formats that it offers, for people, the best first.
    pub formats: Vec<String>,
    /// Why it can't be opened.
    pub error: Option<String>,
}

/// The figures of one device. Counts are of sound frames at the device's rate, or of pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DeviceFigures {
    /// What it is for.
    pub kind: DeviceKind,
    /// Its name.
    pub name: String,
    /// The format that it was opened in, for people.
    pub format: String,
    /// How it does.
    pub state: DeviceState,
    /// What was last wrong with it.
    pub problem: Option<String>,
    /// How often it was opened: after it had been lost, with larger blocks, or because a person chose it.
    pub opened: u32,
    /// How often it was lost after it had been open.
    pub lost: u32,
    /// The rate that was agreed with it, in Hz: frames of sound, or pictures, a second; 0 before it was open.
    pub agreed_hz: f64,
    /// What came from it, or went to it.
    pub delivered: u64,
    /// What was not used: damaged, too late, or without room. Of a speaker, what the run made and it did not play.
    pub dropped: u64,
    /// What the device itself says that it lost, where it counts.
    pub missed: u64,
    /// Sound frames of silence that were put in the place of what did not come: at 48 kHz into the run, at the device's
    /// rate to a speaker.
    pub filled: u64,
    /// Sound frames that went into the run, or from it to the speaker. When the run has ended, to the frame:
    ///
    /// * of a microphone, `delivered = used + dropped`, and the run's frames are `used + filled + resampled`;
    /// * of a speaker, `delivered = used + filled`, and the run's frames are `used + dropped - resampled`.
    pub used: u64,
    /// Sound frames that resampling added: by the device's other rate, and by the drift of its clock.
    pub resampled: i64,
    /// Times that sound was missing while all ran: a thread was late.
    pub faults: u64,
    /// Samples that were not finite and became 0.
    pub not_finite: u64,
    /// Pictures or chunks of sound of a page whose capture time could not be: that of their arrival stands for it.
    pub restamped: u64,
    /// Whether the thread that it calls on has real-time priority; ALSA's plug-ins to sound servers get none.
    pub realtime: bool,
    /// Frames of its last block of sound; 0 for a camera.
    pub block: u32,
    /// How much faster its clock runs than the run's, in parts per million; `None` where that is not known yet.
    pub drift_ppm: Option<f64>,
}

impl DeviceFigures {
    /// A device that is being opened.
    #[must_use]
    pub fn opening(kind: DeviceKind, name: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            format: String::new(),
            state: DeviceState::Opening,
            problem: None,
            opened: 0,
            lost: 0,
            agreed_hz: 0.0,
            delivered: 0,
            dropped: 0,
            missed: 0,
            filled: 0,
            used: 0,
            resampled: 0,
            faults: 0,
            not_finite: 0,
            restamped: 0,
            realtime: false,
            block: 0,
            drift_ppm: None,
        }
    }
}
