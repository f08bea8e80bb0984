//! Walks an XDF file chunk by chunk, holding every length against the bytes that are left.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Bytes that a window holds: far more than the largest piece that is read through one.
const WINDOW_BYTES: usize = 64 << 10;
/// The longest text of a stream's header.
const MAX_HEADER_BYTES: u64 = 16 << 20;
/// What every message about damage ends with.
const USED: &str = "What came before it was used.";

/// Chunks that are understood; all others are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// A stream's header.
    Header,
    /// Samples of a stream.
    Samples,
    /// A measurement of how far a stream's clock was off.
    Offset,
    /// The file's header, a boundary, a stream's footer, or one of a later version.
    Other,
}

/// One chunk.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Its first byte in the file.
    pub at: u64,
    /// What it holds.
    pub tag: Tag,
    /// The stream to which it belongs; 0 where it belongs to none.
    pub stream: u32,
    /// Its content, behind the tag and the stream, as far as the file goes.
    pub body: std::ops::Range<u64>,
    /// Where the chunk says that it ends.
    pub end: u64,
}

/// A file and its length.
pub struct Input {
    path: PathBuf,
    file: File,
    length: u64,
}

/// A part of the file that is held in memory.
#[derive(Default)]
pub struct Window {
    bytes: Vec<u8>,
    start: u64,
}

impl Input {
    pub fn open(path: &Path) -> Result<Self> {
        let file = super::super::file(path)?;
        let length = file.metadata().map_err(|cause| unreadable(path, 0, &cause))?.len();
        Ok(Self { path: path.to_owned(), file, length })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `count` bytes from `at` on; all of them lie within the file, or it has changed under our hands.
    pub fn read<'w>(&mut self, window: &'w mut Window, at: u64, count: usize) -> Result<&'w [u8]> {
        let held = at.checked_sub(window.start).and_then(|offset| usize::try_from(offset).ok());
        let held = held.filter(|offset| offset.saturating_add(count) <= window.bytes.len());
        if held.is_none() {
            self.refill(window, at).map_err(|cause| unreadable(&self.path, at, &cause))?;
        }
        let from = held.unwrap_or(0);
        let end = self.length.max(at);
        window.bytes.get(from..from + count).ok_or_else(|| self.cut(at, count as u64, end - at))
    }

    fn refill(&mut self, window: &mut Window, at: u64) -> std::io::Result<()> {
        window.bytes.clear();
        window.start = at;
        self.file.seek(SeekFrom::Start(at))?;
        window.bytes.reserve_exact(WINDOW_BYTES);
        (&self.file).take(WINDOW_BYTES as u64).read_to_end(&mut window.bytes).map(|_| ())
    }

    /// A whole number of variable length at `at`, and its first byte behind.
    fn whole(&mut self, window: &mut Window, at: u64, end: u64) -> Result<(u64, u64)> {
        if at >= end {
            return Err(self.cut(at, 1, 0));
        }
        let width = self.read(window, at, 1)?[0];
        if ![1, 4, 8].contains(&width) {
            let error = self.damage(at, "a length has an unknown width");
            return Err(error.value(format!("{width} bytes")).bound("1, 4 or 8 bytes"));
        }
        let left = end - at - 1;
        if u64::from(width) > left {
            return Err(self.cut(at + 1, u64::from(width), left));
        }
        let mut digits = [0; 8];
        digits[..usize::from(width)].copy_from_slice(self.read(window, at + 1, usize::from(width))?);
        Ok((u64::from_le_bytes(digits), at + 1 + u64::from(width)))
    }

    /// The chunk that begins at `at`; `None` at the file's end.
    ///
    /// A chunk that is cut short is given as far as it goes; [`Input::check_whole`] tells.
    pub fn chunk(&mut self, window: &mut Window, at: u64) -> Result<Option<Chunk>> {
        if at >= self.length {
            return Ok(None);
        }
        let (length, start) = self.whole(window, at, self.length)?;
        let left = self.length - start;
        if left < 2.min(length) {
            return Err(self.cut(start, length, left));
        }
        let (tag, owned) = match length {
            0 | 1 => (Tag::Other, false),
            _ => match self.read(window, start, 2)? {
                [2, 0] => (Tag::Header, true),
                [3, 0] => (Tag::Samples, true),
                [4, 0] => (Tag::Offset, true),
                [6, 0] => (Tag::Other, true),
                _ => (Tag::Other, false),
            },
        };
        let least = if owned { 6 } else { 2 };
        if length < least {
            let error = self.damage(at, "a chunk is too short for what it is");
            return Err(error.value(format!("{length} bytes")).bound(format!("at least {least} bytes")));
        }
        if left < least {
            return Err(self.cut(start, length, left));
        }
        let stream = if owned {
            let id = self.read(window, start + 2, 4)?;
            u32::from_le_bytes([id[0], id[1], id[2], id[3]])
        } else {
            0
        };
        let end = start.saturating_add(length);
        Ok(Some(Chunk { at, tag, stream, body: start + least..end.min(self.length), end }))
    }

    /// An error where the file ends before the chunk does.
    pub fn check_whole(&self, chunk: &Chunk) -> Result<()> {
        if chunk.end <= self.length {
            return Ok(());
        }
        Err(self.cut(chunk.at, chunk.end - chunk.at, self.length - chunk.at))
    }

    /// The text of a stream's header.
    pub fn text(&mut self, chunk: &Chunk) -> Result<String> {
        let length = chunk.body.end - chunk.body.start;
        if length > MAX_HEADER_BYTES {
            let error = self.wrong(chunk.at, "a stream's header is too long");
            return Err(error.value(format!("{length} bytes")).bound(format!("{MAX_HEADER_BYTES} bytes")));
        }
        let mut bytes = Vec::new();
        let read = self
            .file
            .seek(SeekFrom::Start(chunk.body.start))
            .and_then(|_| (&self.file).take(length).read_to_end(&mut bytes));
        read.map_err(|cause| unreadable(&self.path, chunk.body.start, &cause))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The two numbers of a clock offset: when it was measured, and what is to be added then.
    pub fn offset(&mut self, window: &mut Window, chunk: &Chunk) -> Result<(f64, f64)> {
        let length = chunk.end - chunk.body.start;
        if length != 16 {
            let error = self.damage(chunk.at, "a clock offset has another length");
            return Err(error.value(format!("{length} bytes")).bound("16 bytes"));
        }
        let time = float(self.read(window, chunk.body.start, 8)?);
        Ok((time, float(self.read(window, chunk.body.start + 8, 8)?)))
    }

    /// How many samples of `size` bytes, stamps aside, a chunk holds, and where the first one begins.
    ///
    /// The chunk's length must fit that number, whether or not the file goes so far.
    pub fn samples(&mut self, window: &mut Window, chunk: &Chunk, size: u64) -> Result<(u64, u64)> {
        let (count, first) = self.whole(window, chunk.body.start, chunk.body.end)?;
        let least = u128::from(count) * u128::from(size + 1);
        let most = least + 8 * u128::from(count);
        let length = u128::from(chunk.end.saturating_sub(first));
        if length < least || length > most {
            let error = self.damage(chunk.at, "the length of a chunk does not fit its number of samples");
            let error = error.value(format!("{length} bytes for {count} samples"));
            return Err(error.bound(format!("{least} to {most} bytes")));
        }
        Ok((count, first))
    }

    /// One sample at `at`, which ends before `end`: its own stamp, if it has one, and where its values begin.
    pub fn stamp(&mut self, window: &mut Window, at: u64, end: u64, size: u64) -> Result<(Option<f64>, u64)> {
        let left = end.saturating_sub(at);
        if left < 1 + size {
            return Err(self.cut(at, 1 + size, left));
        }
        match self.read(window, at, 1)?[0] {
            0 => Ok((None, at + 1)),
            8 if left < 9 + size => Err(self.cut(at, 9 + size, left)),
            8 => {
                let stamp = float(self.read(window, at + 1, 8)?);
                if !stamp.is_finite() {
                    return Err(self.damage(at, "a time stamp is no number").value(stamp));
                }
                Ok((Some(stamp), at + 9))
            }
            width => {
                let error = self.damage(at, "a time stamp has an unknown width");
                Err(error.value(format!("{width} bytes")).bound("0 or 8 bytes"))
            }
        }
    }

    /// Something wrong at a byte.
    pub fn wrong(&self, at: u64, problem: &str) -> Error {
        Error::input(&self.path, problem).at(format!("byte {at}"))
    }

    /// Something wrong at a byte, before which all is well.
    pub fn damage(&self, at: u64, problem: &str) -> Error {
        self.wrong(at, problem).help(USED)
    }

    fn cut(&self, at: u64, needed: u64, left: u64) -> Error {
        let error = self.damage(at, "the file was cut short: it ends within a chunk");
        error.value(format!("{left} bytes are left")).bound(format!("at least {needed} bytes"))
    }
}

fn unreadable(path: &Path, at: u64, cause: &std::io::Error) -> Error {
    let problem = match cause.kind() {
        ErrorKind::IsADirectory => "this is a directory, not a file",
        _ => "the file can't be read on",
    };
    Error::input(path, problem).at(format!("byte {at}")).value(cause)
}

/// The little-endian number of eight bytes.
fn float(bytes: &[u8]) -> f64 {
    let mut digits = [0; 8];
    digits.copy_from_slice(bytes);
    f64::from_le_bytes(digits)
}
