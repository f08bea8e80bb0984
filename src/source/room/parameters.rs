//! What can be set about the room, and its bounds.

use crate::error::{Error, Result};

/// What can be set about the room.
///
/// | key | default | unit | allowed | meaning |
/// |---|---|---|---|---|
/// | `enabled` | true | - | - | whether the demo looks into the room |
/// | `width` | 256 | pixels | 16 to 4096 | columns of the picture |
/// | `height` | 256 | pixels | 16 to 4096 | rows of the picture |
/// | `frames_per_second` | 30 | 1/s | 1 to 240 | picture rate |
/// | `objects` | 6 | - | 1 to 24 | solids in the room |
/// | `pace` | 1 | - | 0.1 to 4 | how often one of them is set in motion, relative to the default |
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RoomParameters {
    /// Whether the demo looks into the room; without it nothing drives the arrays.
    pub enabled: bool,
    /// Columns of the picture, 16 to 4096.
    pub width: usize,
    /// Rows of the picture, 16 to 4096.
    pub height: usize,
    /// Pictures per second, 1 to 240.
    pub frames_per_second: u32,
    /// Solids in the room, 1 to 24.
    pub objects: usize,
    /// How often a solid is set in motion, relative to the default, 0.1 to 4.
    pub pace: f64,
}

impl Default for RoomParameters {
    fn default() -> Self {
        Self { enabled: true, width: 256, height: 256, frames_per_second: 30, objects: 6, pace: 1.0 }
    }
}

impl RoomParameters {
    /// Finds the first parameter that is out of its bounds.
    ///
    /// # Errors
    /// Names the key, its value and its bounds.
    pub fn check(&self) -> Result<()> {
        within("room.width", self.width as f64, 16.0, 4096.0, "pixels")?;
        within("room.height", self.height as f64, 16.0, 4096.0, "pixels")?;
        within("room.frames_per_second", f64::from(self.frames_per_second), 1.0, 240.0, "per second")?;
        within("room.objects", self.objects as f64, 1.0, 24.0, "solids")?;
        within("room.pace", self.pace, 0.1, 4.0, "times the default")
    }
}

fn within(key: &str, value: f64, low: f64, high: f64, unit: &str) -> Result<()> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    let bound = format!("{low} to {high} {unit}");
    Err(Error::configuration(key, "the value is out of bounds").value(value).bound(bound))
}
