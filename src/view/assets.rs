//! The page's files, embedded in the binary.

use axum::body::Bytes;

/// What stands in `version.js` for the page's version, until it is served.
const UNKNOWN: &str = "UNKNOWN";

/// One file of the page.
pub(super) struct Asset {
    /// Its path on the server.
    pub(super) path: &'static str,
    /// Its content type.
    pub(super) kind: &'static str,
    /// Its bytes.
    pub(super) bytes: &'static [u8],
}

impl Asset {
    /// Its bytes as they are served, in a page of this version.
    pub(super) fn served(&self, version: &str) -> Bytes {
        match std::str::from_utf8(self.bytes) {
            Ok(text) if self.path == "/version.js" => text.replace(UNKNOWN, version).into(),
            _ => Bytes::from_static(self.bytes),
        }
    }
}

/// The version of the page: the same for the same files, whatever the program's is.
pub(super) fn version() -> String {
    let mut hash = blake3::Hasher::new();
    for asset in ASSETS {
        hash.update(asset.path.as_bytes()).update(&[0]).update(blake3::hash(asset.bytes).as_bytes());
    }
    hash.finalize().to_hex()[..16].to_owned()
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! asset {
    ($path:literal, $file:literal, $kind:expr) => {
        Asset { path: $path, kind: $kind, bytes: include_bytes!(concat!("page/", $file)) }
    };
}

/// All files of the page.
pub(super) const ASSETS: &[Asset] = &[
    asset!("/", "index.html", HTML),
    asset!("/page.css", "page.css", CSS),
    asset!("/icon.svg", "icon.svg", SVG),
    asset!("/main.js", "main.js", SCRIPT),
    asset!("/wire.js", "wire.js", SCRIPT),
    asset!("/version.js", "version.js", SCRIPT),
    asset!("/palette.js", "palette.js", SCRIPT),
    asset!("/field.js", "field.js", SCRIPT),
    asset!("/age.js", "age.js", SCRIPT),
    asset!("/bands.js", "bands.js", SCRIPT),
    asset!("/cochleagram.js", "cochleagram.js", SCRIPT),
    asset!("/input.js", "input.js", SCRIPT),
    asset!("/mind.js", "mind.js", SCRIPT),
    asset!("/belonging.js", "belonging.js", SCRIPT),
    asset!("/binding.js", "binding.js", SCRIPT),
    asset!("/objects.js", "objects.js", SCRIPT),
    asset!("/light.js", "light.js", SCRIPT),
    asset!("/recognition.js", "recognition.js", SCRIPT),
    asset!("/meters.js", "meters.js", SCRIPT),
    asset!("/spectrum.js", "spectrum.js", SCRIPT),
    asset!("/traces.js", "traces.js", SCRIPT),
    asset!("/health.js", "health.js", SCRIPT),
    asset!("/sound.js", "sound.js", SCRIPT),
    asset!("/player.js", "player.js", SCRIPT),
    asset!("/playback.js", "playback.js", SCRIPT),
    asset!("/senses.js", "senses.js", SCRIPT),
    asset!("/clock.js", "clock.js", SCRIPT),
    asset!("/camera.js", "camera.js", SCRIPT),
    asset!("/microphone.js", "microphone.js", SCRIPT),
    asset!("/listener.js", "listener.js", SCRIPT),
    asset!("/canvas.js", "canvas.js", SCRIPT),
    asset!("/commands.js", "commands.js", SCRIPT),
    asset!("/fourier.js", "fourier.js", SCRIPT),
    asset!("/hands.js", "hands.js", SCRIPT),
    asset!("/head.js", "head.js", SCRIPT),
    asset!("/latency.js", "latency.js", SCRIPT),
    asset!("/log.js", "log.js", SCRIPT),
    asset!("/energy.js", "energy.js", SCRIPT),
    asset!("/devices.js", "devices.js", SCRIPT),
    asset!("/raster.js", "raster.js", SCRIPT),
    asset!("/scope.js", "scope.js", SCRIPT),
    asset!("/notice.js", "notice.js", SCRIPT),
    asset!("/shown.js", "shown.js", SCRIPT),
    asset!("/stage.js", "stage.js", SCRIPT),
    asset!("/tabs.js", "tabs.js", SCRIPT),
    asset!("/waterfall.js", "waterfall.js", SCRIPT),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_knows_its_version_once_it_is_served_and_no_other_file_changes() {
        let version = version();
        assert_eq!(version.len(), 16);
        for asset in ASSETS {
            let served = asset.served(&version);
            let named = String::from_utf8_lossy(&served).contains(&format!("\"{version}\""));
            assert_eq!(named, asset.path == "/version.js", "{}", asset.path);
            assert_eq!(served == asset.bytes, asset.path != "/version.js", "{}", asset.path);
        }
    }
}
