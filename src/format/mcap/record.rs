//! The records of an MCAP file: their kinds, what they hold, and what they need before them.
//!
//! Source: the MCAP specification, section *Records*. Fields after the known ones are later additions to the format
//! and passed over, as the specification asks.

use std::collections::BTreeMap;

use super::fields::{Field, Fields, same};

/// Kinds of records (section *Records*).
pub(super) mod op {
    pub const HEADER: u8 = 0x01;
    pub const FOOTER: u8 = 0x02;
    pub const SCHEMA: u8 = 0x03;
    pub const CHANNEL: u8 = 0x04;
    pub const MESSAGE: u8 = 0x05;
    pub const CHUNK: u8 = 0x06;
    pub const MESSAGE_INDEX: u8 = 0x07;
    pub const CHUNK_INDEX: u8 = 0x08;
    pub const ATTACHMENT: u8 = 0x09;
    pub const ATTACHMENT_INDEX: u8 = 0x0A;
    pub const STATISTICS: u8 = 0x0B;
    pub const METADATA: u8 = 0x0C;
    pub const METADATA_INDEX: u8 = 0x0D;
    pub const SUMMARY_OFFSET: u8 = 0x0E;
    pub const DATA_END: u8 = 0x0F;
    /// The first of the kinds that the specification does not name.
    pub const UNKNOWN: u8 = 0x10;
}

/// One record of the data section. Times are nanoseconds since an epoch that the writer chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The first record.
    Header {
        /// The profile that the file keeps to; often empty.
        profile: String,
        /// What wrote the file.
        library: String,
    },
    /// How messages are to be decoded. One that comes again is identical.
    Schema {
        /// Its identifier: 1 to 65535.
        id: u16,
        /// Its name.
        name: String,
        /// The language that it is written in: `jsonschema`.
        encoding: String,
        /// The schema itself.
        data: Vec<u8>,
    },
    /// A stream of messages. One that comes again is identical.
    Channel {
        /// Its identifier.
        id: u16,
        /// The schema of its messages, which came before; 0 for none.
        schema: u16,
        /// What it is about.
        topic: String,
        /// How its messages are encoded.
        encoding: String,
        /// More about it.
        metadata: BTreeMap<String, String>,
    },
    /// One message.
    Message {
        /// Its channel, which came before.
        channel: u16,
        /// Its number in the channel.
        sequence: u32,
        /// When it was recorded.
        log_time: u64,
        /// When it was made.
        publish_time: u64,
        /// Its content, as its channel and schema say.
        data: Vec<u8>,
    },
    /// Named texts about the file.
    Metadata {
        /// What they are about.
        name: String,
        /// The texts.
        metadata: BTreeMap<String, String>,
    },
    /// A file within the file.
    Attachment {
        /// Its name.
        name: String,
        /// Its media type.
        media_type: String,
        /// When it was recorded.
        log_time: u64,
        /// Its content.
        data: Vec<u8>,
    },
}

/// What was declared so far: a channel needs its schema before it, a message its channel.
#[derive(Default)]
pub(super) struct Declared {
    /// The CRC-32 of each schema's content by its identifier.
    schemas: BTreeMap<u16, u32>,
    /// The CRC-32 of each channel's content by its identifier.
    channels: BTreeMap<u16, u32>,
}

impl Declared {
    /// Holds a record's content against what was declared before it, and notes what it declares.
    pub fn check(&mut self, opcode: u8, content: &[u8]) -> Field<()> {
        let mut fields = Fields::new(content);
        match opcode {
            op::SCHEMA => match fields.u16()? {
                // To be passed over, says the specification.
                0 => Ok(()),
                id => declare(&mut self.schemas, "schema", id, content),
            },
            op::CHANNEL => {
                let (id, schema) = (fields.u16()?, fields.u16()?);
                if schema != 0 && !self.schemas.contains_key(&schema) {
                    return Err(format!("channel {id} is of schema {schema}, which was not declared"));
                }
                declare(&mut self.channels, "channel", id, content)
            }
            op::MESSAGE => match fields.u16()? {
                id if self.channels.contains_key(&id) => Ok(()),
                id => Err(format!("a message on channel {id}, which was not declared")),
            },
            _ => Ok(()),
        }
    }
}

fn declare(all: &mut BTreeMap<u16, u32>, kind: &str, id: u16, content: &[u8]) -> Field<()> {
    let crc = crc32fast::hash(content);
    match all.insert(id, crc) {
        Some(before) if before != crc => Err(format!("{kind} {id} is declared twice, each time otherwise")),
        _ => Ok(()),
    }
}

/// Whether a record of this kind is given; all others are read by what they mean, or passed over.
pub(super) fn is_given(opcode: u8) -> bool {
    matches!(opcode, op::HEADER | op::SCHEMA | op::CHANNEL | op::MESSAGE | op::ATTACHMENT | op::METADATA)
}

/// Whether a record may stand in a chunk. Kinds that no version of the specification has named yet may come with
/// later ones, and those from 0x80 on belong to applications: both are passed over.
pub(super) fn in_chunk(opcode: u8) -> bool {
    matches!(opcode, op::SCHEMA | op::CHANNEL | op::MESSAGE | op::UNKNOWN..)
}

/// Whether a record may stand in the summary section.
pub(super) fn in_summary(opcode: u8) -> bool {
    matches!(
        opcode,
        op::FOOTER
            | op::SCHEMA
            | op::CHANNEL
            | op::CHUNK_INDEX
            | op::ATTACHMENT_INDEX
            | op::STATISTICS
            | op::METADATA_INDEX
            | op::SUMMARY_OFFSET
            | op::UNKNOWN..
    )
}

/// The record of kind `opcode` with this content; `None` where the specification asks to pass over it.
pub(super) fn record(opcode: u8, content: &[u8]) -> Field<Option<Record>> {
    let mut fields = Fields::new(content);
    Ok(Some(match opcode {
        op::HEADER => {
            Record::Header { profile: fields.text()?.to_owned(), library: fields.text()?.to_owned() }
        }
        op::SCHEMA => {
            let id = fields.u16()?;
            let (name, encoding) = (fields.text()?.to_owned(), fields.text()?.to_owned());
            let data = fields.bytes32()?.to_vec();
            if id == 0 {
                return Ok(None);
            }
            Record::Schema { id, name, encoding, data }
        }
        op::CHANNEL => Record::Channel {
            id: fields.u16()?,
            schema: fields.u16()?,
            topic: fields.text()?.to_owned(),
            encoding: fields.text()?.to_owned(),
            metadata: fields.map()?,
        },
        op::MESSAGE => {
            let (channel, sequence) = (fields.u16()?, fields.u32()?);
            let (log_time, publish_time) = (fields.u64()?, fields.u64()?);
            Record::Message { channel, sequence, log_time, publish_time, data: fields.rest().to_vec() }
        }
        op::METADATA => Record::Metadata { name: fields.text()?.to_owned(), metadata: fields.map()? },
        op::ATTACHMENT => attachment(&mut fields, content)?,
        _ => return Ok(None),
    }))
}

fn attachment(fields: &mut Fields<'_>, content: &[u8]) -> Field<Record> {
    let (log_time, _created) = (fields.u64()?, fields.u64()?);
    let (name, media_type) = (fields.text()?.to_owned(), fields.text()?.to_owned());
    let data = fields.bytes64()?;
    let covered = fields.read();
    // Checked before the bytes are copied.
    same("the attachment", fields.u32()?, crc32fast::hash(&content[..covered]))?;
    Ok(Record::Attachment { name, media_type, log_time, data: data.to_vec() })
}

/// Checks a message's fixed fields without making the record: what a whole chunk is held to before any of it is
/// given.
pub(super) fn check(opcode: u8, content: &[u8]) -> Field<()> {
    if opcode == op::MESSAGE {
        Fields::new(content).take(22).map(|_| ())
    } else {
        record(opcode, content).map(|_| ())
    }
}
