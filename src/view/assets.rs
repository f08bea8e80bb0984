//! The page's files, embedded in the binary.

/// One file of the page.
pub(super) struct Asset {
    /// Its path on the server.
    pub(super) path: &'static str,
    /// Its content type.
    pub(super) kind: &'static str,
    /// Its bytes.
    pub(super) bytes: &'static [u8],
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
    asset!("/palette.js", "palette.js", SCRIPT),
    asset!("/field.js", "field.js", SCRIPT),
    asset!("/bands.js", "bands.js", SCRIPT),
    asset!("/input.js", "input.js", SCRIPT),
    asset!("/meters.js", "meters.js", SCRIPT),
    asset!("/spectrum.js", "spectrum.js", SCRIPT),
    asset!("/traces.js", "traces.js", SCRIPT),
    asset!("/health.js", "health.js", SCRIPT),
    asset!("/sound.js", "sound.js", SCRIPT),
    asset!("/player.js", "player.js", SCRIPT),
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
    asset!("/raster.js", "raster.js", SCRIPT),
    asset!("/scope.js", "scope.js", SCRIPT),
    asset!("/tabs.js", "tabs.js", SCRIPT),
    asset!("/waterfall.js", "waterfall.js", SCRIPT),
];
