//! A chunk: records that were packed together, given one by one once all of it is found good.
//!
//! Source: the MCAP specification, section *Chunk*, and RFC 8878 (Zstandard). Its decoder is the reference one, the
//! same that the writer compresses with. It decodes straight into a buffer of a size that was held plausible before:
//! no window that a frame asks for is ever allocated. LZ4 frames, which only other programs write, ask for blocks of 4
//! MB at most.

use std::io::Read;

use lz4_flex::frame::FrameDecoder;
use zstd::bulk::Decompressor;
use zstd::zstd_safe::find_frame_compressed_size;

use super::MOST_RECORD;
use super::fields::{Field, Fields, same};
use super::record::{self, Declared, Record};

/// What a frame begins with. Older formats that the decoder may know too are kept from it.
const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
/// The most bytes that a block gives (section 3.1.1.2.4).
const BLOCK: usize = 128 << 10;
/// The fewest bytes of a block that gives any: a header of three, and one to be repeated.
const SHORTEST_BLOCK: usize = 4;
/// The most bytes that LZ4 makes of one: a run grows by 255 with each byte of its length.
const LZ4_MOST: usize = 255;

/// The records of a chunk.
#[derive(Default)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    next: usize,
    end: usize,
    decoder: Option<Decompressor<'static>>,
}

impl Chunk {
    /// Takes the records out of a chunk's `content`, which is used up, and checks all of them: what needs to be
    /// declared before is held against `declared`.
    ///
    /// # Errors
    /// Says what is wrong; no record is given then.
    pub fn open(&mut self, content: &mut Vec<u8>, declared: &mut Declared) -> Field<()> {
        let opened = self.unpack(content).and_then(|()| self.check(declared));
        if opened.is_err() {
            self.next = self.end;
        }
        opened
    }

    /// The next record; `None` where none is left.
    ///
    /// # Errors
    /// None in a chunk that was opened well.
    pub fn next(&mut self) -> Field<Option<Record>> {
        while !self.left().is_empty() {
            let mut records = Fields::new(self.left());
            let (opcode, content) = framed(&mut records)?;
            let (record, read) = (record::record(opcode, content)?, records.read());
            self.next += read;
            if record.is_some() {
                return Ok(record);
            }
        }
        Ok(None)
    }

    /// The records that were not given yet.
    fn left(&self) -> &[u8] {
        self.bytes.get(self.next..self.end).unwrap_or_default()
    }

    fn unpack(&mut self, content: &mut Vec<u8>) -> Field<()> {
        (self.next, self.end) = (0, 0);
        let mut fields = Fields::new(content);
        let _times = (fields.u64()?, fields.u64()?);
        let (size, written, compression) = (fields.u64()?, fields.u32()?, fields.text()?);
        let packed = fields.bytes64()?;
        if size > MOST_RECORD {
            return Err(format!("the chunk is said to hold {size} bytes (allowed: up to {MOST_RECORD})"));
        }
        let size = size as usize;
        match compression {
            "" if packed.len() == size => {
                (self.next, self.end) = (fields.read() - size, fields.read());
                // Not copied: the buffers change places.
                std::mem::swap(content, &mut self.bytes);
            }
            "" => {
                let length = packed.len();
                return Err(format!("the chunk is said to hold {size} bytes (found: {length})"));
            }
            "zstd" => {
                let decoder = self.decoder.get_or_insert_with(Decompressor::default);
                decompress(decoder, packed, size, &mut self.bytes)?;
                self.end = size;
            }
            "lz4" => {
                decompress_lz4(packed, size, &mut self.bytes)?;
                self.end = size;
            }
            other => {
                let name: String = other.chars().take(16).collect();
                return Err(format!(
                    "the chunk's compression is not read: `{name}` (allowed: `zstd`, `lz4` or none)"
                ));
            }
        }
        same("the chunk", written, crc32fast::hash(self.left()))
    }

    /// Checks every record's frame and content, and that it may stand in a chunk.
    fn check(&self, declared: &mut Declared) -> Field<()> {
        let mut records = Fields::new(self.left());
        while records.read() < self.left().len() {
            let at = records.read();
            let inside = |what| format!("in the chunk, byte {at} of its records: {what}");
            let (opcode, content) = framed(&mut records).map_err(inside)?;
            if !record::in_chunk(opcode) {
                return Err(inside(format!("a record of kind {opcode:#04x} does not belong here")));
            }
            record::check(opcode, content).map_err(inside)?;
            declared.check(opcode, content).map_err(inside)?;
        }
        Ok(())
    }
}

/// The next record's kind and content.
fn framed<'a>(records: &mut Fields<'a>) -> Field<(u8, &'a [u8])> {
    let [opcode] = records.array()?;
    Ok((opcode, records.bytes64()?))
}

/// Puts what `packed` holds into `into`, which must come to `size` bytes.
///
/// # Errors
/// Says what is wrong: not one whole frame, damage, another size.
fn decompress(
    decoder: &mut Decompressor<'static>,
    packed: &[u8],
    size: usize,
    into: &mut Vec<u8>,
) -> Field<()> {
    into.clear();
    if packed.is_empty() && size == 0 {
        return Ok(());
    }
    if !packed.starts_with(&MAGIC) || find_frame_compressed_size(packed) != Ok(packed.len()) {
        return Err("the chunk's bytes are not one Zstandard frame".into());
    }
    let most = (packed.len() / SHORTEST_BLOCK).saturating_mul(BLOCK);
    if size > most {
        return Err(format!("the chunk is said to hold {size} bytes (possible: up to {most})"));
    }
    into.try_reserve_exact(size)
        .map_err(|cause| format!("no memory for the chunk's {size} bytes: {cause}"))?;
    let got = decoder
        .decompress_to_buffer(packed, into)
        .map_err(|cause| format!("the chunk does not decompress to {size} bytes: {cause}"))?;
    if got == size { Ok(()) } else { Err(format!("the chunk decompresses to {got} bytes (written: {size})")) }
}

/// Puts what the LZ4 frame `packed` holds into `into`, which must come to `size` bytes.
///
/// # Errors
/// Says what is wrong: damage, another size.
fn decompress_lz4(packed: &[u8], size: usize, into: &mut Vec<u8>) -> Field<()> {
    into.clear();
    let most = packed.len().saturating_mul(LZ4_MOST);
    if size > most {
        return Err(format!("the chunk is said to hold {size} bytes (possible: up to {most})"));
    }
    into.try_reserve_exact(size)
        .map_err(|cause| format!("no memory for the chunk's {size} bytes: {cause}"))?;
    // A byte more shows that it holds more, without unpacking all of that.
    let got = FrameDecoder::new(packed).take(size as u64 + 1).read_to_end(into);
    got.map_err(|cause| format!("the chunk does not decompress to {size} bytes: {cause}"))?;
    let got = into.len();
    if got == size { Ok(()) } else { Err(format!("the chunk decompresses to {got} bytes (written: {size})")) }
}
