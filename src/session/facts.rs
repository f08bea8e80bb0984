//! What a session says of itself: the configuration, the arrays, the electrodes.

use serde::{Deserialize, Serialize};

use crate::time::TICKS_PER_SECOND;

/// The form that is written and read.
pub(super) const FORM: &str = "napot-session-1";
/// The record of metadata that holds the facts.
pub(super) const FACTS: &str = "napot";

/// The most that a session's facts may say of a run: electrodes, sites of a side, bands.
const MOST_ELECTRODES: usize = 1_024;
const MOST_SIDE: usize = 1 << 24;
const MOST_BANDS: usize = 32;

/// What a session says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The form's name.
    pub form: String,
    /// NAPOT's version.
    pub version: String,
    /// What decides the result of the configuration as TOML, every key spelled out; its seed is the run's.
    pub config: String,
    /// The hash of what in it decides the result.
    pub config_hash: String,
    /// The arrays.
    pub arrays: Vec<Sheet>,
    /// The electrodes' names.
    pub electrodes: Vec<String>,
    /// Their samples per second.
    pub rate_hz: u32,
    /// Names and units of the scalar channels, where there are any.
    pub channels: Option<[Vec<String>; 2]>,
    /// The sources, for people.
    pub sources: Vec<String>,
}

/// The shape of an array.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// `vision`, `hearing` or `scalar`.
    pub name: String,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Bands.
    pub bands: usize,
    /// Whether a twin runs beside it.
    pub twin: bool,
}

impl Facts {
    /// The form that this version writes.
    #[must_use]
    pub fn form() -> String {
        FORM.to_owned()
    }

    /// Whether a session with these facts can go on where one with the `others` ends.
    #[must_use]
    pub fn go_on(&self, others: &Self) -> bool {
        let decisive = |facts: &Self| {
            (
                facts.config_hash.clone(),
                facts.arrays.clone(),
                facts.electrodes.clone(),
                facts.rate_hz,
                facts.channels.clone(),
            )
        };
        decisive(self) == decisive(others)
    }

    /// Holds what a reader goes by to what a run can be: what is wrong, its value and its bound.
    pub(super) fn check(&self) -> std::result::Result<(), (&'static str, usize, String)> {
        let within = |what, value, most: usize| {
            if (1..=most).contains(&value) { Ok(()) } else { Err((what, value, format!("1 to {most}"))) }
        };
        within("the electrodes' rate is out of range", self.rate_hz as usize, TICKS_PER_SECOND as usize)?;
        within("the number of electrodes is out of range", self.electrodes.len(), MOST_ELECTRODES)?;
        for sheet in &self.arrays {
            within("an array's rows are out of range", sheet.height, MOST_SIDE)?;
            within("an array's columns are out of range", sheet.width, MOST_SIDE)?;
            within("an array's bands are out of range", sheet.bands, MOST_BANDS)?;
        }
        Ok(())
    }
}
