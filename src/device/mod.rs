//! Sound devices: microphones and speakers through `cpal`, opened by name, watched, and opened again when they return.
//!
//! ```text
//! device's callback ─> Tap ═rings═> capture ─┐            ┌─> playback ═ring═> Spout <─ device's callback
//!                                            └─> engine ──┘
//! watch (a thread per device): opens, sees silence and errors, closes aside, opens again, plugs the new link in
//! ```
//!
//! | file | job |
//! |---|---|
//! | `hosts` | which hosts and devices there are, and the one that a name means |
//! | `format` | which of a device's formats is opened |
//! | `stream` | a `cpal` stream whose callback moves samples and stamps, nothing else |
//! | `watch` | the thread that owns a device |
//! | `browser` | the microphone of a browser, in every build |
//!
//! Parameters exist in every build; the devices by the feature `sound`.

pub mod browser;
#[cfg(feature = "sound")]
mod format;
#[cfg(feature = "sound")]
mod hosts;
#[cfg(feature = "sound")]
mod open;
#[cfg(feature = "sound")]
mod stream;
#[cfg(feature = "sound")]
mod watch;

#[cfg(feature = "sound")]
pub use hosts::listing;
#[cfg(feature = "sound")]
pub use watch::{SoundDevice, microphone, speaker};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Which device is opened, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SoundDeviceParameters {
    /// Whether one is opened in a live run.
    pub enabled: bool,
    /// The host: `alsa`, `jack` and others of this build; empty takes JACK where its server runs, else the system's own.
    pub host: String,
    /// The device's name or a part of it, as `napot devices` tells it; empty takes the host's default.
    pub name: String,
    /// Sample rate in Hz, 8000 to 192000; 0 takes 48000 or what is nearest.
    pub rate_hz: u32,
    /// Frames of a block, 16 to 8192; 0 takes the smallest that holds: it begins small and is made larger where blocks
    /// come too late. A JACK server has its own.
    pub block_frames: u32,
    /// Milliseconds that sound waits beyond its block, 0.2 to 200: room for threads that wake late; 0 takes the least that
    /// holds: it begins with 0.7, and each fault makes it half a millisecond longer, up to 20.
    pub margin_ms: f64,
}

impl Default for SoundDeviceParameters {
    fn default() -> Self {
        let (host, name) = (String::new(), String::new());
        Self { enabled: true, host, name, rate_hz: 0, block_frames: 0, margin_ms: 0.0 }
    }
}

impl SoundDeviceParameters {
    /// Checks the values of `section`.
    ///
    /// # Errors
    /// Names the key, the value and the bound.
    pub fn check(&self, section: &str) -> Result<()> {
        let wrong =
            |key: &str| Error::configuration(format!("{section}.{key}"), "the value is out of bounds");
        if self.rate_hz != 0 && !(8_000..=192_000).contains(&self.rate_hz) {
            return Err(wrong("rate_hz").value(self.rate_hz).bound("0, or 8000 to 192000"));
        }
        if self.block_frames != 0 && !(16..=8_192).contains(&self.block_frames) {
            return Err(wrong("block_frames").value(self.block_frames).bound("0, or 16 to 8192"));
        }
        if self.margin_ms != 0.0 && !(0.2..=200.0).contains(&self.margin_ms) {
            return Err(wrong("margin_ms").value(self.margin_ms).bound("0, or 0.2 to 200"));
        }
        Ok(())
    }

    /// The margin that is asked for.
    #[cfg(feature = "sound")]
    fn margin(&self) -> crate::stream::bridge::Margin {
        use crate::stream::bridge::Margin;
        if self.margin_ms == 0.0 {
            return Margin::smallest();
        }
        Margin::fixed(std::time::Duration::from_secs_f64(self.margin_ms * 1e-3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_bounds_are_refused_by_name() {
        let good = SoundDeviceParameters::default();
        assert!(good.check("microphone").is_ok());
        let wrong = [
            SoundDeviceParameters { rate_hz: 7_999, ..good.clone() },
            SoundDeviceParameters { block_frames: 8_193, ..good.clone() },
            SoundDeviceParameters { margin_ms: f64::NAN, ..good.clone() },
        ];
        for (wrong, key) in wrong.iter().zip(["rate_hz", "block_frames", "margin_ms"]) {
            let message = wrong.check("speaker").unwrap_err().to_string();
            assert!(message.contains(&format!("speaker.{key}")), "{message}");
        }
    }
}
