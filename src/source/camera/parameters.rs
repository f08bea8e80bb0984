//! What is asked of a camera.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::picture::Code;
use crate::error::{Error, Result};

/// The way to the camera.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CameraBackend {
    /// `v4l` on Linux, `nokhwa` elsewhere.
    #[default]
    Auto,
    /// Video4Linux itself: sizes, damage, sequence and stamps as the driver gives them.
    V4l,
    /// The nokhwa library: every system.
    Nokhwa,
}

/// What is asked of a camera; the nearest that it offers is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CameraParameters {
    /// Whether a camera is opened.
    pub enabled: bool,
    /// The camera's name as `napot devices` prints it, or a part of it; empty for the first one.
    pub name: String,
    /// Columns, 16 to 4096.
    pub width: u32,
    /// Rows, 16 to 4096.
    pub height: u32,
    /// Pictures per second, above 0 and up to 240.
    pub fps: f64,
    /// YUYV, NV12, RGB3, BGR3, MJPG or GREY; empty for the best that the camera offers.
    pub format: String,
    /// The way to the camera.
    pub backend: CameraBackend,
}

impl Default for CameraParameters {
    fn default() -> Self {
        Self {
            enabled: true,
            name: String::new(),
            width: 640,
            height: 480,
            fps: 30.0,
            format: String::new(),
            backend: CameraBackend::Auto,
        }
    }
}

impl CameraParameters {
    /// Checks every bound.
    ///
    /// # Errors
    /// Names the key, the value and the bound.
    pub fn check(&self) -> Result<()> {
        for (key, side) in [("camera.width", self.width), ("camera.height", self.height)] {
            if !(16..=4_096).contains(&side) {
                let error = Error::configuration(key, "the value is out of bounds");
                return Err(error.value(side).bound("16 to 4096"));
            }
        }
        if !(self.fps > 0.0 && self.fps <= 240.0) {
            let error = Error::configuration("camera.fps", "the value is out of bounds");
            return Err(error.value(self.fps).bound("above 0, up to 240"));
        }
        if !self.format.is_empty() && self.code().is_none() {
            let error = Error::configuration("camera.format", "pictures in this format are not read");
            let names = Code::ALL.map(Code::name).join(", ");
            return Err(error
                .value(&self.format)
                .bound(format!("{names}, or empty for the best that the camera offers")));
        }
        if self.backend == CameraBackend::V4l && !cfg!(target_os = "linux") {
            let error = Error::configuration("camera.backend", "this way to cameras is Linux's");
            return Err(error.value("v4l").bound("auto or nokhwa"));
        }
        Ok(())
    }

    /// The format that is asked for; `None` for the best.
    pub(super) fn code(&self) -> Option<Code> {
        Code::ALL.into_iter().find(|code| code.name() == self.format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_camera_can_give_is_refused_by_key() {
        let good = CameraParameters::default();
        assert!(good.check().is_ok());
        for (wrong, said) in [
            (CameraParameters { width: 8, ..good.clone() }, "camera.width: the value is out of bounds: 8"),
            (CameraParameters { height: 9_999, ..good.clone() }, "camera.height"),
            (CameraParameters { fps: 0.0, ..good.clone() }, "camera.fps: the value is out of bounds: 0"),
            (CameraParameters { fps: f64::NAN, ..good.clone() }, "camera.fps"),
            (CameraParameters { format: "H264".into(), ..good.clone() }, "H264 (allowed: YUYV, NV12"),
        ] {
            let error = wrong.check().unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
