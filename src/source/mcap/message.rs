//! The messages that are read: which schemas, in which encodings, and where their fields lie.
//!
//! Sources: Foxglove's schemas (<https://docs.foxglove.dev/docs/sdk/schemas>); ROS `sensor_msgs`, `audio_common_msgs`.

use std::borrow::Cow;

use data_encoding::BASE64;
use serde::Deserialize;

use self::Slot::{
    Byte, Channels, Coding, Data, FewChannels, Format as Form, Header, Height, Rate, Step, Text, Time, Width,
    Word,
};
use super::wire::{Parsed, Serial, Value, protobuf};

/// What a topic carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Picture,
    Sound,
    /// What the sound of another topic is: its rate, its channels.
    About,
}

/// A field that is read, or passed over.
#[derive(Clone, Copy, Debug)]
enum Slot {
    Header,
    Time,
    Text,
    Byte,
    Word,
    Data,
    /// The encoding of the data.
    Format,
    Width,
    Height,
    Step,
    Rate,
    Channels,
    /// The number of channels in a byte.
    FewChannels,
    Coding,
}

/// A schema.
#[derive(Debug)]
struct Schema {
    /// Its name in ROS 1's manner.
    name: &'static str,
    kind: Kind,
    /// Whether the data are pixels as they are.
    raw: bool,
    /// Its fields in Protocol Buffers by their numbers; none where it has no such form, nor one in JSON.
    numbered: &'static [(u64, Slot)],
    /// Its fields in ROS.
    in_order: &'static [Slot],
}

const SCHEMAS: [Schema; 8] = [
    Schema {
        name: "foxglove_msgs/CompressedImage",
        kind: Kind::Picture,
        raw: false,
        numbered: &[(2, Data), (3, Form)],
        in_order: &[Time, Text, Data, Form],
    },
    Schema {
        name: "foxglove_msgs/RawImage",
        kind: Kind::Picture,
        raw: true,
        numbered: &[(2, Width), (3, Height), (4, Form), (5, Step), (6, Data)],
        in_order: &[Time, Text, Width, Height, Form, Step, Data],
    },
    Schema {
        name: "foxglove_msgs/RawAudio",
        kind: Kind::Sound,
        raw: true,
        numbered: &[(2, Data), (3, Form), (4, Rate), (5, Channels)],
        in_order: &[Time, Data, Form, Rate, Channels],
    },
    Schema {
        name: "sensor_msgs/CompressedImage",
        kind: Kind::Picture,
        raw: false,
        numbered: &[],
        in_order: &[Header, Form, Data],
    },
    Schema {
        name: "sensor_msgs/Image",
        kind: Kind::Picture,
        raw: true,
        numbered: &[],
        in_order: &[Header, Height, Width, Form, Byte, Step, Data],
    },
    Schema {
        name: "audio_common_msgs/AudioData",
        kind: Kind::Sound,
        raw: true,
        numbered: &[],
        in_order: &[Data],
    },
    Schema {
        name: "audio_common_msgs/AudioDataStamped",
        kind: Kind::Sound,
        raw: true,
        numbered: &[],
        in_order: &[Header, Data],
    },
    Schema {
        name: "audio_common_msgs/AudioInfo",
        kind: Kind::About,
        raw: true,
        numbered: &[],
        in_order: &[FewChannels, Rate, Form, Word, Coding],
    },
];

/// How a channel's messages are encoded.
#[derive(Clone, Copy, Debug)]
enum Encoding {
    Protobuf,
    Json,
    Ros1,
    Cdr,
}

/// How a channel's messages are to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    schema: &'static Schema,
    encoding: Encoding,
}

impl Reading {
    /// How messages of this schema in this encoding are read; `None` where they are not.
    pub fn of(schema: &str, encoding: &str) -> Option<Self> {
        let name = match schema.strip_prefix("foxglove.") {
            Some(name) => format!("foxglove_msgs/{name}"),
            None => schema.replacen("/msg/", "/", 1),
        };
        let schema = SCHEMAS.iter().find(|schema| schema.name == name)?;
        let encoding = match encoding {
            "protobuf" if !schema.numbered.is_empty() => Encoding::Protobuf,
            "json" if !schema.numbered.is_empty() => Encoding::Json,
            "ros1" => Encoding::Ros1,
            "cdr" => Encoding::Cdr,
            _ => return None,
        };
        Some(Self { schema, encoding })
    }

    /// What the messages carry.
    pub fn kind(self) -> Kind {
        self.schema.kind
    }

    /// Whether the data are pixels as they are, not a compressed picture.
    pub fn is_raw(self) -> bool {
        self.schema.raw
    }

    /// Reads a message.
    pub fn read(self, bytes: &[u8]) -> Parsed<Message<'_>> {
        let mut message = Message::default();
        match self.encoding {
            Encoding::Protobuf => protobuf(bytes, |number, value| {
                let slot = self.schema.numbered.iter().find(|(known, _)| *known == number);
                slot.map_or(Ok(()), |(_, slot)| message.put(*slot, value))
            })?,
            Encoding::Json => return json(bytes),
            Encoding::Ros1 => message.fill(self.schema.in_order, Serial::ros1(bytes))?,
            Encoding::Cdr => message.fill(self.schema.in_order, Serial::cdr(bytes)?)?,
        }
        Ok(message)
    }
}

/// What a message holds; what its schema lacks is empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub data: Cow<'a, [u8]>,
    /// What `data` is: `jpeg`, `rgb8`, `pcm-s16`.
    pub format: Cow<'a, str>,
    pub width: u32,
    pub height: u32,
    /// Bytes from one row to the next.
    pub step: u32,
    /// Frames of sound per second.
    pub rate: u32,
    pub channels: u32,
    /// The coding of a topic's sound: `wave`, `mp3`.
    pub coding: Cow<'a, str>,
}

impl<'a> Message<'a> {
    fn put(&mut self, slot: Slot, value: Value<'a>) -> Parsed<()> {
        match slot {
            Data => self.data = Cow::Borrowed(value.bytes()?),
            Form => self.format = text(value.bytes()?)?,
            Coding => self.coding = text(value.bytes()?)?,
            Width => self.width = value.word()?,
            Height => self.height = value.word()?,
            Step => self.step = value.word()?,
            Rate => self.rate = value.word()?,
            Channels | FewChannels => self.channels = value.word()?,
            Header | Time | Text | Byte | Word => {}
        }
        Ok(())
    }

    fn fill(&mut self, slots: &[Slot], mut serial: Serial<'a>) -> Parsed<()> {
        for slot in slots {
            let value = match slot {
                Header => serial.header().map(|()| Value::Number(0)),
                Time => serial.time().map(|()| Value::Number(0)),
                Text | Form | Coding => serial.text().map(Value::Bytes),
                Data => serial.bytes().map(Value::Bytes),
                Byte | FewChannels => serial.byte().map(|byte| Value::Number(byte.into())),
                Word | Width | Height | Step | Rate | Channels => {
                    serial.word().map(|word| Value::Number(word.into()))
                }
            };
            self.put(*slot, value?)?;
        }
        Ok(())
    }
}

fn text(bytes: &[u8]) -> Parsed<Cow<'_, str>> {
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|cause| format!("a text: {cause}"))
}

/// Foxglove's messages as JSON; bytes are in base64 (RFC 4648).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Json {
    data: String,
    format: String,
    encoding: String,
    width: u32,
    height: u32,
    step: u32,
    sample_rate: u32,
    number_of_channels: u32,
}

fn json(bytes: &[u8]) -> Parsed<Message<'static>> {
    let json: Json = serde_json::from_slice(bytes).map_err(|cause| cause.to_string())?;
    let data = BASE64.decode(json.data.as_bytes()).map_err(|cause| format!("`data`: {cause}"))?;
    Ok(Message {
        data: Cow::Owned(data),
        format: Cow::Owned(if json.format.is_empty() { json.encoding } else { json.format }),
        width: json.width,
        height: json.height,
        step: json.step,
        rate: json.sample_rate,
        channels: json.number_of_channels,
        coding: Cow::default(),
    })
}
