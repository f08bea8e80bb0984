//! The fields that an MCAP record's content is made of, read front to back.
//!
//! Source: the MCAP specification, section *Serialization*. Numbers are little-endian; a text and a map are led by
//! their length in bytes, 32 bits; an attachment's and a chunk's bytes by one of 64 bits.

use std::collections::BTreeMap;

/// The most bytes of a map of texts. Each entry costs some ten times its shortest form in memory, so a map is held
/// far shorter than a record.
const MOST_MAP: usize = 4 << 20;

/// A field, or what is wrong with it, in words.
pub(super) type Field<T> = Result<T, String>;

/// A record's content, read front to back.
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    read: usize,
}

impl<'a> Fields<'a> {
    /// The fields of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, read: 0 }
    }

    /// Bytes read so far.
    pub fn read(&self) -> usize {
        self.read
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Field<&'a [u8]> {
        let Some((taken, rest)) = self.bytes.split_at_checked(count) else {
            let (read, left) = (self.read, self.bytes.len());
            return Err(format!(
                "byte {read} of the content: a field of {count} bytes, where {left} are left"
            ));
        };
        self.bytes = rest;
        self.read += count;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Field<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// The next number of 16 bits.
    pub fn u16(&mut self) -> Field<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// The next number of 32 bits.
    pub fn u32(&mut self) -> Field<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next number of 64 bits.
    pub fn u64(&mut self) -> Field<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// The next bytes, led by their length in 32 bits.
    pub fn bytes32(&mut self) -> Field<&'a [u8]> {
        let length = self.u32()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// The next bytes, led by their length in 64 bits.
    pub fn bytes64(&mut self) -> Field<&'a [u8]> {
        let length = self.u64()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// The next text.
    pub fn text(&mut self) -> Field<&'a str> {
        let start = self.read;
        let bytes = self.bytes32()?;
        std::str::from_utf8(bytes).map_err(|cause| format!("byte {start} of its content: a text: {cause}"))
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        self.read += self.bytes.len();
        std::mem::take(&mut self.bytes)
    }

    /// The next map. A key that comes twice would leave it open which value counts.
    pub fn map(&mut self) -> Field<BTreeMap<String, String>> {
        let start = self.read;
        let bytes = self.bytes32()?;
        if bytes.len() > MOST_MAP {
            let length = bytes.len();
            return Err(format!(
                "byte {start} of its content: a map of {length} bytes (allowed: up to {MOST_MAP})"
            ));
        }
        let (mut map, mut entries) = (BTreeMap::new(), Fields::new(bytes));
        while entries.read < bytes.len() {
            let (key, value) = (entries.text()?.to_owned(), entries.text()?.to_owned());
            if map.insert(key, value).is_some() {
                return Err(format!("byte {start} of its content: a map with the same key twice"));
            }
        }
        Ok(map)
    }
}

/// Holds the CRC-32 that was `found` against the one that is `written`; 0 says that none is.
pub(super) fn same(what: &str, written: u32, found: u32) -> Field<()> {
    if written == 0 || found == written {
        return Ok(());
    }
    Err(format!("{what} has another CRC: {found:08x} (written: {written:08x})"))
}
