//! Reads what a stream's XML header says: name, format, rate, and its channels' labels and units.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

use super::super::MAX_CHANNELS;
use crate::error::Error;

/// The deepest nesting of elements: what is open is kept, so it must have an end.
const MAX_DEPTH: usize = 64;
/// The longest name, label or unit that is kept, in characters.
const MAX_NAME: usize = 80;
/// The highest rate, in samples per second.
const MAX_RATE: f64 = 1e6;

/// How a stream's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Float32,
    Double64,
    Int8,
    Int16,
    Int32,
    Int64,
    /// Markers: no channel of numbers.
    String,
}

const FORMATS: [(&str, Format, usize); 7] = [
    ("float32", Format::Float32, 4),
    ("double64", Format::Double64, 8),
    ("int8", Format::Int8, 1),
    ("int16", Format::Int16, 2),
    ("int32", Format::Int32, 4),
    ("int64", Format::Int64, 8),
    ("string", Format::String, 0),
];

impl Format {
    /// Bytes of a value; 0 where they differ from value to value.
    pub fn bytes(self) -> usize {
        FORMATS.iter().find(|(_, format, _)| *format == self).map_or(0, |(.., bytes)| *bytes)
    }

    /// The value in the first bytes of `at`, which holds [`Format::bytes`] of them.
    pub fn value(self, at: &[u8]) -> f32 {
        let mut digits = [0; 8];
        let bytes = self.bytes().min(at.len());
        digits[..bytes].copy_from_slice(&at[..bytes]);
        let [a, b, c, d, ..] = digits;
        match self {
            Self::Float32 => f32::from_le_bytes([a, b, c, d]),
            Self::Double64 => f64::from_le_bytes(digits) as f32,
            Self::Int8 => f32::from(a.cast_signed()),
            Self::Int16 => f32::from(i16::from_le_bytes([a, b])),
            Self::Int32 => i32::from_le_bytes([a, b, c, d]) as f32,
            Self::Int64 => i64::from_le_bytes(digits) as f32,
            Self::String => 0.0,
        }
    }
}

/// What is needed of a stream's header.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    pub name: String,
    pub format: Format,
    pub channels: usize,
    /// Samples per second; 0 where they come as they come.
    pub rate: f64,
    /// Whether the sender may leave samples out: then its times must not be straightened.
    pub drops: bool,
    /// Labels and units, as many as the header names.
    labels: Vec<(String, String)>,
}

impl Header {
    /// The name of a channel: the stream's and its own, or its number.
    pub fn channel(&self, channel: usize) -> String {
        match self.labels.get(channel) {
            Some((label, _)) if !label.is_empty() => format!("{}/{label}", self.name),
            _ => format!("{}/{}", self.name, channel + 1),
        }
    }

    /// The unit of a channel, empty where there is none.
    pub fn unit(&self, channel: usize) -> String {
        self.labels.get(channel).map(|(_, unit)| unit.clone()).unwrap_or_default()
    }

    /// Reads the header of stream `id`; `wrong` makes an error that names the place.
    pub fn read(text: &str, id: u32, wrong: impl Fn(&str) -> Error) -> Result<Self, Error> {
        let found = Found::in_text(text, &wrong)?;
        let missing = |what: &str| wrong(&format!("the header of stream {id} has no {what}"));

        let word = found.format.ok_or_else(|| missing("channel_format"))?;
        let format = FORMATS.iter().find(|(name, ..)| *name == word).map(|(_, format, _)| *format);
        let format = format.ok_or_else(|| {
            let known = FORMATS.map(|(name, ..)| name).join(", ");
            wrong("the format of a stream is unknown").value(format!("`{}`", shown(&word))).bound(known)
        })?;

        let word = found.count.ok_or_else(|| missing("channel_count"))?;
        // Markers are passed over, however many there are of them.
        let most = if format == Format::String { usize::MAX } else { MAX_CHANNELS };
        let channels = word.parse().ok().filter(|&channels: &usize| channels <= most).ok_or_else(|| {
            let error = wrong("the number of channels of a stream is out of range");
            error.value(format!("`{}`", shown(&word))).bound(format!("0 to {MAX_CHANNELS}"))
        })?;

        let word = found.rate.ok_or_else(|| missing("nominal_srate"))?;
        let rate = word.parse().ok().filter(|rate| (0.0..=MAX_RATE).contains(rate)).ok_or_else(|| {
            let error = wrong("the rate of a stream is out of range");
            error.value(format!("`{}`", shown(&word))).bound(format!("0 to {MAX_RATE} Hz"))
        })?;

        let name = found.name.map(|name| shown(&name)).filter(|name| !name.is_empty());
        Ok(Self {
            name: name.unwrap_or_else(|| format!("stream {id}")),
            format,
            channels,
            rate,
            drops: found.drops,
            labels: found.labels,
        })
    }
}

/// The texts of a header, each where it first stands.
#[derive(Default)]
struct Found {
    name: Option<String>,
    count: Option<String>,
    rate: Option<String>,
    format: Option<String>,
    drops: bool,
    labels: Vec<(String, String)>,
}

impl Found {
    fn in_text(text: &str, wrong: &impl Fn(&str) -> Error) -> Result<Self, Error> {
        let text = text.trim_start_matches('\u{feff}').trim_end_matches(['\0', ' ', '\n', '\r', '\t']);
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        let mut found = Self::default();
        // The names of the open elements, outermost first, and the text within the innermost.
        let mut open: Vec<String> = Vec::new();
        let mut inner = String::new();
        loop {
            let event = reader
                .read_event()
                .map_err(|cause| wrong("a stream's header is no XML").value(shown(&cause.to_string())))?;
            match event {
                Event::Start(start) => {
                    if open.len() == MAX_DEPTH {
                        let error = wrong("a stream's header is nested too deep");
                        return Err(error.value(MAX_DEPTH + 1).bound(format!("{MAX_DEPTH} elements")));
                    }
                    open.push(start.local_name().as_ref().to_owned());
                    inner.clear();
                    found.begin(&open);
                }
                Event::Text(piece) => inner += &piece,
                Event::CData(piece) => inner += &piece,
                Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                    Ok(Some(character)) => inner.push(character),
                    _ => inner += resolve_predefined_entity(&reference).unwrap_or_default(),
                },
                Event::End(_) => {
                    found.end(&open, inner.trim());
                    open.pop();
                    inner.clear();
                }
                Event::Eof if open.is_empty() => return Ok(found),
                Event::Eof => {
                    let error = wrong("a stream's header ends within an element");
                    return Err(
                        error.value(format!("`{}`", open.last().map(|e| shown(e)).unwrap_or_default()))
                    );
                }
                _ => {}
            }
        }
    }

    fn begin(&mut self, open: &[String]) {
        let within = open.iter().map(String::as_str);
        if within.eq(["info", "desc", "channels", "channel"]) && self.labels.len() < MAX_CHANNELS {
            self.labels.push(Default::default());
        }
    }

    fn end(&mut self, open: &[String], text: &str) {
        let place: Vec<&str> = open.iter().map(String::as_str).collect();
        let field = match place.as_slice() {
            ["info", "name"] => &mut self.name,
            ["info", "channel_count"] => &mut self.count,
            ["info", "nominal_srate"] => &mut self.rate,
            ["info", "channel_format"] => &mut self.format,
            ["info", "desc", "synchronization", "can_drop_samples"] => {
                self.drops |= text.eq_ignore_ascii_case("true");
                return;
            }
            ["info", "desc", "channels", "channel", what @ ("label" | "unit")] => {
                if let Some((label, unit)) = self.labels.last_mut() {
                    let field = if *what == "label" { label } else { unit };
                    *field = shown(text);
                }
                return;
            }
            _ => return,
        };
        field.get_or_insert_with(|| text.to_owned());
    }
}

/// A text for people: on one line, and not too long.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect::<String>().trim().to_owned()
}
