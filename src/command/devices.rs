//! `napot devices`: what is connected, what it offers, or why it cannot be opened.

use std::process::ExitCode;

use super::{Common, print_json, print_line};
use crate::error::Result;
use crate::signal::{DeviceKind, DeviceListing};

/// Runs the command.
pub(super) fn run(common: &Common) -> Result<ExitCode> {
    let found = listings();
    if common.json {
        print_json(&found)?;
    } else if !common.quiet {
        print_line(&text(&found))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Every kind's devices.
fn listings() -> Vec<DeviceListing> {
    [DeviceKind::Microphone, DeviceKind::Speaker, DeviceKind::Camera].into_iter().flat_map(listing).collect()
}

/// The devices of a kind, as far as this build knows the kind.
pub(super) fn listing(kind: DeviceKind) -> Vec<DeviceListing> {
    match kind {
        #[cfg(feature = "camera")]
        DeviceKind::Camera => crate::source::camera::cameras(),
        #[cfg(feature = "sound")]
        DeviceKind::Microphone | DeviceKind::Speaker => crate::device::listing(kind),
        #[allow(unreachable_patterns)] // where the build has both
        _ => Vec::new(),
    }
}

/// For people: a line a device, then what it offers, formats of one kind under one another.
fn text(devices: &[DeviceListing]) -> String {
    if devices.is_empty() {
        return "No devices were found.".to_owned();
    }
    let width = devices.iter().map(|device| device.name.chars().count()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for device in devices {
        let DeviceListing { kind, host, name, formats, error } = device;
        lines.push(format!("{:<10}  {name:<width$}  {host}", kind.name()));
        lines.extend(error.iter().map(|error| format!("    can't be used: {error}")));
        let mut last = "";
        for format in formats {
            // Of pictures, sizes stand under one another.
            if *kind != DeviceKind::Camera {
                lines.push(format!("    {format}"));
                continue;
            }
            let (code, rest) = format.split_once(' ').unwrap_or((format, ""));
            lines.push(format!("    {:<5} {rest}", if code == last { "" } else { code }));
            last = code;
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_stand_in_columns_with_their_formats_or_their_fault() {
        let device = |name: &str, formats: &[&str], error: Option<&str>| DeviceListing {
            kind: DeviceKind::Camera,
            host: "v4l".into(),
            name: name.into(),
            formats: formats.iter().map(|format| (*format).to_owned()).collect(),
            error: error.map(str::to_owned),
        };
        let devices = [
            device("Long Camera", &["YUYV 320x240, 30 fps", "YUYV 640x480, 30 fps", "MJPG 8x8, 5 fps"], None),
            device("Cam", &[], Some("it may not be opened")),
        ];
        let want = "camera      Long Camera  v4l\n    YUYV  320x240, 30 fps\n          640x480, 30 fps\n    \
                    MJPG  8x8, 5 fps\ncamera      Cam          v4l\n    can't be used: it may not be opened";
        assert_eq!(text(&devices), want);
        assert_eq!(text(&[]), "No devices were found.");
    }
}
