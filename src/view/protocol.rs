//! The bytes on the page's WebSocket: a 24-byte header, then pictures, sound or JSON.
//!
//! ```text
//! byte  0      kind: 1 field, 2 input picture, 3 sound, 4 status, 5 traces, 6 about
//!       1      version of this protocol, 1
//!       2..4   detail: the band of a field, else 0
//!       4..8   count: images of a field, frames of sound, else 1
//!       8..16  sequence number among messages of this kind, from 1, as the server took them from the engine
//!      16..24  tick; of sound: the position of its first frame at 48 kHz
//! ```
//! All little-endian. A field's image is `array, 0, width, height` (u16 each), then phase and amplitude per
//! site; an input picture is `width, height` (u16), four bytes 0, then RGB; sound is pairs of f32.
//! Kinds 4 to 6 carry JSON in UTF-8. The page answers in JSON, see [`Request`].

use axum::body::Bytes;

use crate::signal::{FieldFrame, InputPicture, TraceChunk};

/// The header's size in bytes; a multiple of 4, so that sound lies aligned.
pub(super) const HEADER_BYTES: usize = 24;
/// The version of this protocol.
const VERSION: u8 = 1;

/// What a message carries; its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// The field of one band.
    Field = 1,
    /// What comes in.
    Input = 2,
    /// Sound.
    Sound = 3,
    /// The figures.
    Status = 4,
    /// Electrode traces.
    Traces = 5,
    /// What the run is.
    About = 6,
}

/// What a page may ask; each part is optional.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Request {
    /// This field frame, and all before it, have been drawn or passed over.
    pub(super) ack: Option<u64>,
    /// Show this band.
    pub(super) band: Option<u8>,
    /// Keep the last seconds in a file.
    pub(super) keep: Option<bool>,
    /// Send sound, or stop.
    pub(super) sound: Option<bool>,
}

fn header(kind: Kind, detail: u16, count: u32, sequence: u64, tick: u64, body: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + body);
    bytes.extend([kind as u8, VERSION]);
    bytes.extend(detail.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(sequence.to_le_bytes());
    bytes.extend(tick.to_le_bytes());
    bytes
}

fn small(value: usize) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}

/// A field frame; `None` where it holds no whole image.
pub(super) fn field(frame: &FieldFrame, sequence: u64) -> Option<Bytes> {
    let whole = |image: &&crate::signal::FieldImage| {
        let sites = image.width * image.height;
        sites > 0
            && image.phase_amplitude.len() == 2 * sites
            && u16::try_from(image.width.max(image.height)).is_ok()
    };
    let count = frame.images.iter().filter(whole).count();
    if count == 0 {
        return None;
    }
    let body = frame.images.iter().map(|image| 8 + image.phase_amplitude.len()).sum();
    let mut bytes =
        header(Kind::Field, small(frame.band), u32::from(small(count)), sequence, frame.tick.0, body);
    for image in frame.images.iter().filter(whole) {
        for part in [u16::from(image.array.0), 0, small(image.width), small(image.height)] {
            bytes.extend(part.to_le_bytes());
        }
        bytes.extend_from_slice(&image.phase_amplitude);
    }
    Some(bytes.into())
}

/// An input picture; `None` where it is empty or not whole.
pub(super) fn input(picture: &InputPicture, sequence: u64) -> Option<Bytes> {
    let pixels = picture.width * picture.height;
    if pixels == 0 || picture.rgb.len() != 3 * pixels {
        return None;
    }
    let mut bytes = header(Kind::Input, 0, 1, sequence, 0, 8 + picture.rgb.len());
    bytes.extend(small(picture.width).to_le_bytes());
    bytes.extend(small(picture.height).to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend_from_slice(&picture.rgb);
    Some(bytes.into())
}

/// Sound frames, the first of which is number `position` since the start.
pub(super) fn sound(frames: &[[f32; 2]], sequence: u64, position: u64) -> Bytes {
    let count = u32::try_from(frames.len()).unwrap_or(u32::MAX);
    let mut bytes = header(Kind::Sound, 0, count, sequence, position, 8 * frames.len());
    for [left, right] in frames {
        bytes.extend(left.to_le_bytes());
        bytes.extend(right.to_le_bytes());
    }
    bytes.into()
}

/// Any message that carries JSON.
pub(super) fn json(kind: Kind, text: &str, sequence: u64, tick: u64) -> Bytes {
    let mut bytes = header(kind, 0, 1, sequence, tick, text.len());
    bytes.extend_from_slice(text.as_bytes());
    bytes.into()
}

/// A stretch of traces, rounded to 0.01 uV: what a screen can show.
pub(super) fn traces(mut chunk: TraceChunk, sequence: u64) -> Option<Bytes> {
    for value in chunk.microvolts.iter_mut().flatten() {
        *value = (*value * 100.0).round() / 100.0;
    }
    let tick = chunk.first_tick;
    serde_json::to_string(&chunk).ok().map(|text| json(Kind::Traces, &text, sequence, tick))
}
