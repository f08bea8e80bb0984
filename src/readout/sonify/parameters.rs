//! What can be set about the sound, with bounds that keep it safe.

use super::scenes;
use crate::error::{Error, Result};

/// The section `sound`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SonifyParameters {
    /// The scene whose settings hold where none is given here: `field`, `glass`, `rain` or `sea`.
    pub scene: String,
    /// Loudness that is held in LUFS (EBU R 128: -23), -40 to -16; 0 holds none.
    pub loudness_lufs: f64,
    /// Root mean square of the tonic sound in dB of full scale, -60 to -18.
    pub level_db: f64,
    /// Carriers per octave, 64 to 1024.
    pub carriers_per_octave: usize,
    /// Octaves that the field is carried up by, 0 to 12.
    pub octaves_up: u32,
    /// Peak of the most surprising long grain against the tonic's root mean square in dB, -40 to 18; short
    /// ones peak up to 3 dB higher, with the same energy.
    pub grain_db: f64,
    /// Surprisal in bits at which a grain has half its highest amplitude, 0.1 to 100.
    pub half_bits: f64,
    /// Grains that sound at once, shared evenly by the arrays, 0 to 256; 0 mutes the bursts.
    pub voices: usize,
    /// Grains that each array may start in one tick, 1 to 64: its most surprising bursts.
    pub starts_per_tick: usize,
    /// Pitch of a picture's bottom row in Hz, 40 to 8000.
    pub picture_low_hz: f64,
    /// Pitch of a picture's top row in Hz, above the bottom's, up to 16000.
    pub picture_high_hz: f64,
    /// A picture's bursts come all at once with its frame; their grains start scattered over this many
    /// milliseconds, 0 to 100, so that the frame rate is not heard as a buzz.
    pub picture_scatter_ms: u32,
    /// Length of the fade at the start in milliseconds, 10 to 10000.
    pub fade_in_ms: u32,
    /// Length of the fade at the end in milliseconds, 10 to 10000.
    pub fade_out_ms: u32,
}

impl Default for SonifyParameters {
    fn default() -> Self {
        Self {
            scene: "field".to_owned(),
            loudness_lufs: -23.0,
            level_db: -24.0,
            carriers_per_octave: 256,
            octaves_up: 7,
            grain_db: 7.0,
            half_bits: 8.0,
            voices: 48,
            starts_per_tick: 16,
            picture_low_hz: 200.0,
            picture_high_hz: 4_000.0,
            picture_scatter_ms: 24,
            fade_in_ms: 500,
            fade_out_ms: 300,
        }
    }
}

impl SonifyParameters {
    /// Checks every bound.
    ///
    /// # Errors
    /// Where a value lies outside; the error names the key, the value and the bound.
    pub fn check(&self) -> Result<()> {
        if !scenes::SCENES.iter().any(|scene| scene.name == self.scene) {
            let error = Error::configuration("sound.scene", "there is no such scene");
            return Err(error.value(&self.scene).bound(scenes::names()));
        }
        if self.loudness_lufs != 0.0 {
            within("sound.loudness_lufs", self.loudness_lufs, -40.0, -16.0)?;
        }
        within("sound.level_db", self.level_db, -60.0, -18.0)?;
        within("sound.carriers_per_octave", self.carriers_per_octave as f64, 64.0, 1_024.0)?;
        within("sound.octaves_up", f64::from(self.octaves_up), 0.0, 12.0)?;
        within("sound.grain_db", self.grain_db, -40.0, 18.0)?;
        within("sound.half_bits", self.half_bits, 0.1, 100.0)?;
        within("sound.voices", self.voices as f64, 0.0, 256.0)?;
        within("sound.starts_per_tick", self.starts_per_tick as f64, 1.0, 64.0)?;
        within("sound.picture_low_hz", self.picture_low_hz, 40.0, 8_000.0)?;
        within("sound.picture_high_hz", self.picture_high_hz, 40.0, 16_000.0)?;
        within("sound.picture_scatter_ms", f64::from(self.picture_scatter_ms), 0.0, 100.0)?;
        within("sound.fade_in_ms", f64::from(self.fade_in_ms), 10.0, 10_000.0)?;
        within("sound.fade_out_ms", f64::from(self.fade_out_ms), 10.0, 10_000.0)?;
        if self.picture_high_hz <= self.picture_low_hz {
            return Err(Error::configuration(
                "sound.picture_high_hz",
                "the top row is not above the bottom row",
            )
            .value(self.picture_high_hz)
            .bound(format!("above sound.picture_low_hz = {}", self.picture_low_hz)));
        }
        Ok(())
    }
}

fn within(key: &str, value: f64, low: f64, high: f64) -> Result<()> {
    // NaN is in no range.
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(Error::configuration(key, "the value is out of bounds")
        .value(value)
        .bound(format!("{low} to {high}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_allowed() {
        SonifyParameters::default().check().unwrap();
    }

    #[test]
    fn a_loud_start_is_refused_with_its_bound() {
        let loud = SonifyParameters { level_db: -3.0, ..Default::default() };
        assert_eq!(
            loud.check().unwrap_err().to_string(),
            "sound.level_db: the value is out of bounds: -3 (allowed: -60 to -18)"
        );
        let absurd = SonifyParameters { half_bits: f64::NAN, ..Default::default() };
        assert!(absurd.check().is_err());
        let upside_down = SonifyParameters { picture_high_hz: 100.0, ..Default::default() };
        assert!(upside_down.check().unwrap_err().to_string().contains("above sound.picture_low_hz = 200"));
    }
}
