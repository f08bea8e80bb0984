//! A strict reader of MCAP files: records in file order, in bounded memory, whatever the bytes are.
//!
//! Source: the MCAP specification, version 0 (<https://mcap.dev/spec>). The reader goes forwards only and uses no
//! index, so a file whose writer was killed is read up to its last whole record. Trouble with the format is no error:
//! it ends the records, and [`Reader::end`] tells where and why.
//!
//! What is checked: lengths, against the record, the file and [`MOST_RECORD`]; kinds, by where they may stand; texts,
//! for UTF-8; schemas and channels, declared before they are named; the CRCs of chunks, attachments, data section and
//! summary section, where written. Not checked: the indexes and statistics, which nothing here uses.

mod chunk;
mod fields;
#[cfg(test)]
mod fuzz_tests;
mod record;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use crc32fast::Hasher;

use self::chunk::Chunk;
use self::fields::{Field, Fields, same};
pub use self::record::Record;
use self::record::{Declared, op};
use crate::error::{Error, Result};

/// The most bytes of a record's content, and of a chunk's records when decompressed.
pub const MOST_RECORD: u64 = 64 << 20;

/// What a file begins and ends with: a byte that is no text, the name, version `0`, and a line's end.
pub const MAGIC: [u8; 8] = *b"\x89MCAP0\r\n";
/// Bytes before a record's content: its kind, 8 bits, and the content's length, 64 bits.
const HEAD: u64 = 9;
/// Bytes of the footer's content.
const FOOTER: u64 = 20;
/// Bytes read at once.
const BUFFER: u64 = 64 << 10;

/// How a file ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With its footer and the closing magic; every CRC that is written was right.
    Whole,
    /// Within a record, or between two without the closing ones: its writer was killed.
    Cut {
        /// Where the record that is not whole or not there begins, in bytes from the file's start.
        at: u64,
    },
    /// With something that no writer leaves.
    Damaged {
        /// Where the record with the damage begins, in bytes from the file's start; for the data section's CRC the
        /// record that ends it, the damage then lies anywhere before.
        at: u64,
        /// What is wrong, with the value and the bound.
        what: String,
    },
}

/// Why the next record can't be given.
enum Stop {
    End(End),
    Failed(Error),
}

type Step<T> = std::result::Result<T, Stop>;

/// A record's head: what comes before its content.
struct Head {
    /// Where it begins, in bytes from the file's start.
    at: u64,
    opcode: u8,
    /// Bytes of the content.
    length: u64,
    /// The bytes themselves.
    bytes: [u8; HEAD as usize],
    /// The CRC-32 of the section up to here.
    section: u32,
}

/// An MCAP file, read record by record.
pub struct Reader {
    name: PathBuf,
    input: BufReader<Box<dyn Read + Send>>,
    /// Bytes of the file when it was opened.
    length: u64,
    position: u64,
    /// Where the last good record ends.
    good: u64,
    /// Where the record given last begins.
    place: u64,
    /// The CRC-32 of the section so far.
    section: Hasher,
    /// The content of the record read last.
    content: Vec<u8>,
    chunk: Chunk,
    declared: Declared,
    begun: bool,
    end: Option<End>,
}

impl Reader {
    /// Opens the file at `path`. What is written to it from now on is not read.
    ///
    /// # Errors
    /// Where there is no such file, it can't be read, or it does not begin as an MCAP file does.
    pub fn open(path: &Path) -> Result<Self> {
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (length, file) = opened.map_err(|cause| {
            let problem = match cause.kind() {
                std::io::ErrorKind::NotFound => "there is no such file",
                _ => "the file can't be opened",
            };
            Error::call(path.display().to_string(), problem).value(cause)
        })?;
        Self::start(path.to_owned(), Box::new(file), length)
    }

    /// Reads `bytes`, of which there are `length`, and which messages call `name`.
    ///
    /// # Errors
    /// Where reading fails, or the bytes do not begin as an MCAP file does.
    pub fn over(name: &str, bytes: impl Read + Send + 'static, length: u64) -> Result<Self> {
        Self::start(name.into(), Box::new(bytes), length)
    }

    fn start(name: PathBuf, input: Box<dyn Read + Send>, length: u64) -> Result<Self> {
        let mut reader = Self {
            name,
            input: BufReader::with_capacity(length.min(BUFFER) as usize, input),
            length,
            position: 0,
            good: 0,
            place: 0,
            section: Hasher::new(),
            content: Vec::new(),
            chunk: Chunk::default(),
            declared: Declared::default(),
            begun: false,
            end: None,
        };
        let count = length.min(MAGIC.len() as u64) as usize;
        reader.fill(count).map_err(|cause| reader.failed(&cause))?;
        if reader.content != MAGIC {
            return Err(Error::input(&reader.name, "this is no MCAP file")
                .at("byte 0")
                .value(reader.content.escape_ascii())
                .bound(MAGIC.escape_ascii()));
        }
        reader.section.update(&MAGIC);
        reader.good = reader.position;
        Ok(reader)
    }

    /// The next record, in file order; those of a chunk come one by one, and only where the whole chunk is good.
    /// `None` at the end of the data section and for ever after: [`Self::end`] says how it ended.
    ///
    /// # Errors
    /// Where reading fails. The file then counts as cut where that was.
    // Not an iterator: an error does not leave the loop by `?` there.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Record>> {
        if self.end.is_some() {
            return Ok(None);
        }
        match self.step() {
            Ok(record) => Ok(Some(record)),
            Err(Stop::End(end)) => {
                self.close(end);
                Ok(None)
            }
            Err(Stop::Failed(error)) => {
                self.close(End::Cut { at: self.position });
                Err(error)
            }
        }
    }

    /// How the file ended; `None` before [`Self::next`] has found out.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Bytes of the file that were read so far: where the record given last ends, or its chunk.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Where the record given last begins, or its chunk, in bytes from the file's start: for messages about it.
    #[must_use]
    pub fn place(&self) -> u64 {
        self.place
    }

    /// Bytes after the last good record, once the end is known: 0 for a whole file.
    #[must_use]
    pub fn discarded(&self) -> u64 {
        if self.end.is_some() { self.length.saturating_sub(self.good) } else { 0 }
    }

    /// Bytes that are lost to one who stops here: once the end is known those after the last good record, before it those from the record
    /// given last on, or its chunk.
    #[must_use]
    pub fn left(&self) -> u64 {
        if self.end.is_some() { self.discarded() } else { self.length.saturating_sub(self.place) }
    }

    /// Ends the records and gives their memory back.
    fn close(&mut self, end: End) {
        self.end = Some(end);
        self.content = Vec::new();
        self.chunk = Chunk::default();
    }

    fn step(&mut self) -> Step<Record> {
        loop {
            if let Some(record) = self.chunk.next().map_err(|what| damaged(self.place, what))? {
                return Ok(record);
            }
            let begun = self.begun;
            let head = self.head(|opcode| match opcode {
                op::HEADER => !begun,
                op::CHUNK | op::MESSAGE_INDEX | op::DATA_END | op::FOOTER | op::UNKNOWN.. => begun,
                other => begun && record::is_given(other),
            })?;
            self.begun = true;
            match head.opcode {
                op::DATA_END => match self.data_end(&head)? {},
                op::FOOTER => match self.footer(&head, head.at)? {},
                op::CHUNK => {
                    self.content(&head)?;
                    let opened = self.chunk.open(&mut self.content, &mut self.declared);
                    opened.map_err(|what| damaged(head.at, what))?;
                    (self.good, self.place) = (self.position, head.at);
                }
                opcode if record::is_given(opcode) => {
                    self.content(&head)?;
                    let checked = self.declared.check(opcode, &self.content);
                    let record = checked.and_then(|()| record::record(opcode, &self.content));
                    let record = record.map_err(|what| damaged(head.at, what))?;
                    self.good = self.position;
                    if let Some(record) = record {
                        self.place = head.at;
                        return Ok(record);
                    }
                }
                _ => self.pass(&head)?,
            }
        }
    }

    /// Reads the next record's head, whose kind must be `allowed` and whose content must fit into the file.
    fn head(&mut self, allowed: impl Fn(u8) -> bool) -> Step<Head> {
        let (at, section) = (self.position, self.section.clone().finalize());
        let left = self.length.saturating_sub(at);
        if left == 0 || !self.fill(left.min(HEAD) as usize).map_err(|cause| self.stopped(&cause))? {
            return Err(cut(at));
        }
        let Some(&opcode) = self.content.first() else { return Err(cut(at)) };
        if !allowed(opcode) {
            return Err(damaged(at, format!("a record of kind {opcode:#04x} does not belong here")));
        }
        let Ok(bytes) = <[u8; HEAD as usize]>::try_from(self.content.as_slice()) else { return Err(cut(at)) };
        self.section.update(&bytes);
        let [_, length @ ..] = bytes;
        let head = Head { at, opcode, length: u64::from_le_bytes(length), bytes, section };
        let left = left.saturating_sub(HEAD);
        if head.length > left {
            // A writer that can seek fills in a chunk's length when the chunk is whole; until then it is this.
            let open = opcode == op::CHUNK && head.length == u64::MAX;
            return Err(if open || head.length <= MOST_RECORD { cut(at) } else { too_long(&head, left) });
        }
        Ok(head)
    }

    /// Reads a record's content and adds it to the section's CRC.
    fn content(&mut self, head: &Head) -> Step<()> {
        if head.length > MOST_RECORD {
            return Err(too_long(head, MOST_RECORD));
        }
        if !self.fill(head.length as usize).map_err(|cause| self.stopped(&cause))? {
            return Err(cut(head.at));
        }
        self.section.update(&self.content);
        Ok(())
    }

    /// Passes over a record's content, of any length, and adds it to the section's CRC.
    fn pass(&mut self, head: &Head) -> Step<()> {
        let mut left = head.length;
        while left > 0 {
            let count = left.min(BUFFER);
            if !self.fill(count as usize).map_err(|cause| self.stopped(&cause))? {
                return Err(cut(head.at));
            }
            self.section.update(&self.content);
            left -= count;
        }
        self.good = self.position;
        Ok(())
    }

    /// Reads `count` bytes, which the file was found to have; returns whether it has them still.
    fn fill(&mut self, count: usize) -> std::io::Result<bool> {
        self.content.clear();
        self.content.try_reserve_exact(count).map_err(std::io::Error::other)?;
        let got = self.input.by_ref().take(count as u64).read_to_end(&mut self.content);
        self.position += self.content.len() as u64;
        Ok(got? == count)
    }

    fn failed(&self, cause: &std::io::Error) -> Error {
        Error::input(&self.name, "reading failed").at(format!("byte {}", self.position)).value(cause)
    }

    fn stopped(&self, cause: &std::io::Error) -> Stop {
        Stop::Failed(self.failed(cause))
    }

    /// Reads the data section's end and all that follows it.
    fn data_end(&mut self, head: &Head) -> Step<Infallible> {
        self.content(head)?;
        let written = Fields::new(&self.content).u32().map_err(|what| damaged(head.at, what))?;
        same("the data section", written, head.section).map_err(|what| damaged(head.at, what))?;
        self.good = self.position;
        self.section = Hasher::new();
        let start = self.position;
        loop {
            let head = self.head(record::in_summary)?;
            if head.opcode == op::FOOTER {
                return self.footer(&head, start);
            }
            self.pass(&head)?;
        }
    }

    /// Reads the footer and what closes the file; its summary section begins at `start`.
    fn footer(&mut self, head: &Head, start: u64) -> Step<Infallible> {
        if start == head.at {
            // Nothing lies between: the section begins with the footer, even where no record ended the last.
            self.section = Hasher::new();
            self.section.update(&head.bytes);
        }
        if head.length != FOOTER {
            return Err(damaged(head.at, format!("a footer of {} bytes (allowed: {FOOTER})", head.length)));
        }
        let before = self.section.clone();
        self.content(head)?;
        self.closing(before, start, head.at).map_err(|what| damaged(head.at, what))?;
        self.good = self.position;

        let at = self.position;
        let left = self.length.saturating_sub(at).min(MAGIC.len() as u64) as usize;
        if !self.fill(left).map_err(|cause| self.stopped(&cause))?
            || MAGIC.starts_with(&self.content) && left < MAGIC.len()
        {
            return Err(cut(at));
        }
        if self.content != MAGIC {
            return Err(damaged(
                at,
                format!(
                    "the file ends otherwise: {} (allowed: {})",
                    self.content.escape_ascii(),
                    MAGIC.escape_ascii()
                ),
            ));
        }
        self.good = self.position;
        match self.length.saturating_sub(self.position) {
            0 => Err(Stop::End(End::Whole)),
            more => Err(damaged(self.position, format!("{more} bytes follow the end (allowed: none)"))),
        }
    }

    /// Checks the footer's fields: offsets within the section from `start` to `end`, and its CRC.
    fn closing(&self, mut section: Hasher, start: u64, end: u64) -> Field<()> {
        let mut fields = Fields::new(&self.content);
        let (summary, offsets) = (fields.u64()?, fields.u64()?);
        // 0 says that there is none.
        if summary != 0 && summary != start {
            return Err(format!("the summary section begins at byte {start} (written: {summary})"));
        }
        if offsets != 0 && !(start..=end).contains(&offsets) {
            return Err(format!("the offset section at byte {offsets} (allowed: {start} to {end})"));
        }
        section.update(self.content.get(..fields.read()).unwrap_or_default());
        same("the summary section", fields.u32()?, section.finalize())
    }
}

fn cut(at: u64) -> Stop {
    Stop::End(End::Cut { at })
}

fn damaged(at: u64, what: String) -> Stop {
    Stop::End(End::Damaged { at, what })
}

fn too_long(head: &Head, most: u64) -> Stop {
    let Head { at, opcode, length, .. } = *head;
    damaged(at, format!("a record of kind {opcode:#04x} of {length} bytes (allowed: up to {most})"))
}
