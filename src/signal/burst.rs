//! The one event format of all senses.

use crate::time::Timestamp;

/// Which array an event belongs to: its index in the engine's list of arrays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct ArrayId(pub u8);

/// The direction of the change that raised a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sign {
    /// Brighter, louder, higher.
    On,
    /// Darker, quieter, lower.
    Off,
}

impl Sign {
    /// 1 for on, -1 for off.
    #[must_use]
    pub fn factor(self) -> f32 {
        match self {
            Self::On => 1.0,
            Self::Off => -1.0,
        }
    }
}

/// A phasic burst: something new at one site.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// When it happened.
    pub time: Timestamp,
    /// The array it drives.
    pub array: ArrayId,
    /// The site, `row * width + column` on that array's sheet.
    pub site: u32,
    /// The direction of the change.
    pub sign: Sign,
    /// Its phase against the tonic carrier in radians, in `[0, 2 pi)`: the hue of a chroma burst
    /// (red is 0), 0 for all others.
    pub phase: f32,
    /// Size of the change in units of the sense's threshold, greater than 0.
    pub magnitude: f32,
    /// `-log2 p` under the sense's running prediction, in bits, at least 0.
    pub surprisal_bits: f32,
}
