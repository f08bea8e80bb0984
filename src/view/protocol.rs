//! The bytes on the page's WebSocket: a 24-byte header, then pictures, sound or JSON.
//!
//! ```text
//! byte  0      kind, from the server: 1 field, 2 input picture, 3 sound, 4 status, 5 traces, 6 about, 9 answer,
//!              10 picture of the mind's eye, 11 what arrays bind
//!              kind, from the page: 7 sound of its microphone, 8 picture of its camera
//!       1      version of this protocol, 1
//!       2..4   detail: the band of a field, 256 more where it is the field less its twin; the channels (1 or 2) of kind 7;
//!              1 where a picture of the mind's eye is dreamt; else 0
//!       4..8   count: images of a field, frames of sound (of kind 7 at most 4,800), else 1
//!       8..16  sequence number among messages of this kind, from 1, as the server took them from the engine;
//!              from the page: as the device gave them, so that what the page left out shows as a gap
//!      16..24  tick, of an input picture 0; of sound: the position of its first frame at 48 kHz;
//!              from the page: when it (of sound: its first frame) was captured, in ns on the run's clock, signed
//! ```
//! All little-endian. A field's image is `array, 0, width, height` (u16 each), then phase and amplitude per
//! site; behind the last stand the levels of what is heard, a byte a pitch, to the message's end; an input picture, or one of the mind's eye, is `width, height` (u16), a side `s` and 0 (u16), then RGB, then the input's
//! bursts in `s` by `s` cells, On before Off (a byte each); sound is pairs of f32, of the page with
//! as many as it has channels; a picture of the page is one JPEG picture of at most 4 MB.
//! Kinds 4 to 6 and 9 carry JSON in UTF-8: [`Figures`], [`TraceChunk`], [`Described`] and [`Answer`]. The page asks in
//! JSON, see [`Request`].
//!
//! A page that wants to give asks `{"begin":"camera"}` and is answered `{"sense":"camera","granted":true}`, or
//! `false` where another page gives it. It stamps by the run's clock: `{"clock":T}`, T its own time in us, is answered
//! `{"asked":T,"now":N}` with the run's time in ns; the run's time at the middle of the exchange with the least round
//! trip was N. Every picture is answered `{"picture":SEQUENCE}`, so that a page never has more than two under way.

use std::collections::BTreeMap;

use axum::body::Bytes;

use super::About;
use super::outbox::Counts;
use crate::signal::{
    BURST_SIDE, BindingPicture, DeviceKind, DeviceListing, FieldFrame, InputPicture, MindPicture,
    ObjectsPicture, Poke, SeenObject, Status, TraceChunk,
};

/// The header's size in bytes; a multiple of 4, so that sound lies aligned.
pub(super) const HEADER_BYTES: usize = 24;
/// What a field's detail has beside the band where it is the field less its twin.
const DIFFERENCE: u16 = 256;
/// The version of this protocol.
const VERSION: u8 = 1;
/// The most frames of one message of the page's sound: 100 ms.
const MAX_SOUND_FRAMES: usize = 4_800;
/// The most bytes of one picture of the page's camera.
pub(super) const MAX_PICTURE_BYTES: usize = 4_000_000;

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
    /// Sound of the page's microphone.
    Microphone = 7,
    /// A picture of the page's camera.
    Camera = 8,
    /// What became of a request.
    Answer = 9,
    /// What the mind's eye has before it.
    Mind = 10,
    /// What arrays bind.
    Binding = 11,
    /// What stands out.
    Objects = 12,
}

/// What a page can give of its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub(super) enum Sense {
    /// Pictures.
    Camera,
    /// Sound.
    Microphone,
}

/// What a page may ask; each part is optional.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
#[serde(deny_unknown_fields, default)]
pub(super) struct Request {
    /// This field frame, and all before it, have been drawn or passed over.
    pub(super) ack: Option<u64>,
    /// Show this band, on all pages.
    pub(super) band: Option<u8>,
    /// Show the field less its twin, or the field, on all pages.
    pub(super) difference: Option<bool>,
    /// From now on this page wants to give this.
    pub(super) begin: Option<Sense>,
    /// What time is it? The page's own time in us, which comes back with the answer.
    pub(super) clock: Option<u64>,
    /// It gives this no more.
    pub(super) end: Option<Sense>,
    /// Keep the last seconds in a file.
    pub(super) keep: Option<bool>,
    /// Send sound, or stop.
    pub(super) sound: Option<bool>,
    /// Which devices of this kind are there?
    pub(super) devices: Option<DeviceKind>,
    /// Use the device of this name, or part of it, instead.
    pub(super) device: Option<(DeviceKind, String)>,
    /// Mute the speaker, or have it sound again.
    pub(super) mute: Option<bool>,
    /// Take control, whoever has it (`true`), or give it back, after what else is asked for here.
    pub(super) control: Option<bool>,
    /// Set these parameters; all or none.
    pub(super) set: Option<BTreeMap<String, f64>>,
    /// Strike the field.
    pub(super) poke: Option<Poke>,
    /// Go on at so many thousandths of real time, 10 to 1000.
    pub(super) speed: Option<u32>,
    /// Stand still, or go on.
    pub(super) pause: Option<bool>,
    /// Stand still after one picture of the field more.
    pub(super) step: Option<bool>,
    /// Write this down at the present time: 1 to 200 characters.
    pub(super) annotate: Option<String>,
    /// Give what was seen last this name: 1 to 64 characters.
    pub(super) teach: Option<String>,
    /// Have the array of this number go on seeing what it sees now, or see again.
    pub(super) hold: Option<(u8, bool)>,
}

/// Who is in control of a run, as one page sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub(super) enum InControl {
    /// Nobody yet: the first page that changes something will be.
    Nobody,
    /// This page.
    Own,
    /// Another page.
    Other,
}

/// The figures as one page gets them.
#[derive(Clone, Debug, serde::Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Figures<'a> {
    /// The engine's; `None` before the first.
    pub(super) status: Option<&'a Status>,
    /// Whether the run has ended.
    pub(super) ended: bool,
    /// Pages that watch.
    pub(super) viewers: usize,
    /// Who is in control.
    pub(super) control: InControl,
    /// This page's own counts.
    pub(super) viewer: Counts,
    /// What the server refused, by kind; a kind of which there was none is left out.
    pub(super) refused: BTreeMap<String, u64>,
}

/// What a run is, and what it wants of its pages.
#[derive(Clone, Debug, serde::Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "About"))]
pub(super) struct Described<'a> {
    /// Unlike that of any other run: a page that stays open over a restart begins anew.
    pub(super) run: String,
    /// What it is.
    #[serde(flatten)]
    pub(super) about: &'a About,
    /// What pages may give.
    pub(super) senses: &'a [Sense],
}

/// What a page is answered.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(untagged)]
pub(super) enum Answer {
    /// The run's time.
    Clock {
        /// What the page sent with its question.
        asked: u64,
        /// Nanoseconds on the run's clock.
        now: i64,
    },
    /// Whether the page may give what it wants to.
    Giving {
        /// What it asked about.
        sense: Sense,
        /// Whether it may; else another page gives it.
        granted: bool,
    },
    /// Devices that may be chosen.
    Devices {
        /// All of the kind that was asked for, those that can't be opened with why.
        devices: Vec<DeviceListing>,
    },
    /// What was asked for is not done.
    Refused {
        /// Why, in a sentence.
        refused: &'static str,
    },
    /// A picture came.
    Picture {
        /// Its sequence number.
        picture: u64,
    },
}

/// A message of a page's camera or microphone, its sizes checked and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// Whose it is.
    pub(super) sense: Sense,
    /// Values of each frame of sound: 1 or 2.
    pub(super) channels: usize,
    /// Its number among those of this page.
    pub(super) sequence: u64,
    /// When it was captured, as the page says: nanoseconds on the run's clock.
    pub(super) captured: i64,
    /// The samples or the picture.
    pub(super) body: Bytes,
}

impl Given {
    /// Left and right of each frame; a value that is not finite becomes 0 and is counted beside them.
    pub(super) fn frames(&self) -> (Vec<[f32; 2]>, u64) {
        let mut not_finite = 0;
        let mut value = |bytes: &[u8]| {
            let value = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            not_finite += u64::from(!value.is_finite());
            if value.is_finite() { value } else { 0.0 }
        };
        let width = 4 * self.channels;
        let frames = self.body.chunks_exact(width).map(|frame| {
            let left = value(frame);
            [left, if width == 4 { left } else { value(&frame[4..]) }]
        });
        (frames.collect(), not_finite)
    }
}

/// What a page gives; `None` where it is nothing that a page may send.
pub(super) fn given(message: &Bytes) -> Option<Given> {
    let (head, body) = message.split_at_checked(HEADER_BYTES)?;
    let [kind, version, detail @ ..] = *head.first_chunk::<4>()?;
    let channels = usize::from(u16::from_le_bytes(detail));
    let count = u32::from_le_bytes(*head[4..].first_chunk()?) as usize;
    let sense = match kind {
        kind if kind == Kind::Microphone as u8 => Sense::Microphone,
        kind if kind == Kind::Camera as u8 => Sense::Camera,
        _ => return None,
    };
    let whole = match sense {
        Sense::Microphone => {
            (1..=2).contains(&channels)
                && (1..=MAX_SOUND_FRAMES).contains(&count)
                && body.len() == 4 * channels * count
        }
        Sense::Camera => channels == 0 && count == 1 && (1..=MAX_PICTURE_BYTES).contains(&body.len()),
    };
    (version == VERSION && whole).then_some(Given {
        sense,
        channels,
        sequence: u64::from_le_bytes(*head[8..].first_chunk()?),
        captured: i64::from_le_bytes(*head[16..].first_chunk()?),
        body: message.slice(HEADER_BYTES..),
    })
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
    let images: usize = frame.images.iter().map(|image| 8 + image.phase_amplitude.len()).sum();
    let body = images + frame.levels.len();
    let mut bytes = header(
        Kind::Field,
        small(frame.band) | (DIFFERENCE * u16::from(frame.difference)),
        u32::from(small(count)),
        sequence,
        frame.tick.0,
        body,
    );
    for image in frame.images.iter().filter(whole) {
        for part in [u16::from(image.array.0), 0, small(image.width), small(image.height)] {
            bytes.extend(part.to_le_bytes());
        }
        bytes.extend_from_slice(&image.phase_amplitude);
    }
    bytes.extend_from_slice(&frame.levels);
    Some(bytes.into())
}

/// An input picture; `None` where it is empty or not whole.
pub(super) fn input(picture: &InputPicture, sequence: u64) -> Option<Bytes> {
    let InputPicture { width, height, rgb, bursts, .. } = picture;
    pixels((Kind::Input, 0, sequence, 0), [*width, *height], rgb, bursts)
}

/// A picture of the mind's eye; `None` where it is empty or not whole.
pub(super) fn mind(picture: &MindPicture, sequence: u64) -> Option<Bytes> {
    let head = (Kind::Mind, u16::from(picture.dream), sequence, picture.tick.0);
    pixels(head, [picture.width, picture.height], &picture.rgb, &[])
}

/// What arrays bind; `None` where it is empty or not whole.
pub(super) fn binding(picture: &BindingPicture, sequence: u64) -> Option<Bytes> {
    let BindingPicture { tick, side, arrays, wholes, grey } = picture;
    if *side == 0 || grey.len() != side * side * (arrays.len() + wholes.len()) {
        return None;
    }
    let body = 8 + 6 * arrays.len() + 4 * wholes.len() + grey.len();
    let mut bytes = header(Kind::Binding, 0, 1, sequence, tick.0, body);
    for part in [small(*side), small(arrays.len()), small(wholes.len()), 0] {
        bytes.extend(part.to_le_bytes());
    }
    for array in arrays {
        bytes.extend([array.whole.unwrap_or(u8::MAX), u8::from(array.held)]);
        bytes.extend(((array.phase * 65_536.0) as u16).to_le_bytes());
        bytes.extend(((array.amplitude * 256.0) as u16).to_le_bytes());
    }
    for whole in wholes {
        bytes.extend([whole.name, whole.arrays, (255.0 * whole.confidence).round() as u8, 0]);
    }
    bytes.extend_from_slice(grey);
    Some(bytes.into())
}

/// What stands out; `None` where it is empty or not whole.
pub(super) fn objects(picture: &ObjectsPicture, sequence: u64) -> Option<Bytes> {
    let ObjectsPicture { tick, size, labels, shown, grey, objects } = picture;
    let pixels = |[rows, columns]: &[usize; 2]| rows * columns;
    if labels.is_empty() || labels.len() != pixels(size) || grey.len() != pixels(shown) {
        return None;
    }
    let body = 12 + 8 * objects.len() + labels.len() + grey.len();
    let mut bytes = header(Kind::Objects, 0, 1, sequence, tick.0, body);
    for part in [size[1], size[0], shown[1], shown[0], objects.len(), 0] {
        bytes.extend(small(part).to_le_bytes());
    }
    for SeenObject { label, colour, share, confidence } in objects {
        bytes.push(*label);
        bytes.extend(colour);
        bytes.extend(((share * 65_535.0) as u16).to_le_bytes());
        bytes.extend([(255.0 * confidence).round() as u8, 0]);
    }
    bytes.extend_from_slice(labels);
    bytes.extend_from_slice(grey);
    Some(bytes.into())
}

fn pixels(
    (kind, detail, sequence, tick): (Kind, u16, u64, u64),
    [width, height]: [usize; 2],
    rgb: &[u8],
    bursts: &[u8],
) -> Option<Bytes> {
    if width * height == 0 || rgb.len() != 3 * width * height {
        return None;
    }
    let side = if bursts.len() == 2 * BURST_SIDE * BURST_SIDE { BURST_SIDE } else { 0 };
    let mut bytes = header(kind, detail, 1, sequence, tick, 8 + rgb.len() + 2 * side * side);
    for part in [small(width), small(height), small(side), 0] {
        bytes.extend(part.to_le_bytes());
    }
    bytes.extend_from_slice(rgb);
    bytes.extend_from_slice(&bursts[..2 * side * side]);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::FieldImage;

    #[test]
    fn the_levels_of_what_is_heard_stand_behind_a_fields_images() {
        let image =
            FieldImage { width: 1, height: 2, phase_amplitude: vec![1, 2, 3, 4], ..Default::default() };
        let frame = FieldFrame { images: vec![image], levels: vec![7, 8, 9], ..FieldFrame::default() };
        let bytes = field(&frame, 1).unwrap();
        assert_eq!(bytes[24 + 8..], [1, 2, 3, 4, 7, 8, 9]);
        assert!(field(&FieldFrame { levels: vec![7], ..FieldFrame::default() }, 1).is_none());
    }
}
