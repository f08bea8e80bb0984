//! Bytes read in order from a file or a pipe, with the place kept for messages, and the bounds that all readers share.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::time::Timestamp;

/// Most columns or rows of a picture.
pub const MAX_SIDE: usize = 16_384;
/// Most pixels of a picture: 4096 x 3072, so that a decoder's planes and two whole frames stay below 130 MB,
/// and the whole program below 200 MB.
pub const MAX_PIXELS: usize = 4_096 * 3_072;
/// Most bytes of one compressed picture: two for each pixel of the largest.
pub(super) const MAX_PACKET: u64 = 1 << 25;

/// Refuses a picture that is empty or larger than the bounds.
///
/// # Errors
/// Names the file, the place, the size and the bound.
pub(super) fn check_size(path: &Path, place: &str, width: usize, height: usize) -> Result<()> {
    let inside = (1..=MAX_SIDE).contains(&width) && (1..=MAX_SIDE).contains(&height);
    if inside && width * height <= MAX_PIXELS {
        return Ok(());
    }
    Err(Error::input(path, "the picture's size is out of range")
        .at(place)
        .value(format!("{width} x {height}"))
        .bound(size_bound()))
}

/// The bound on a picture's size, in words.
pub(super) fn size_bound() -> String {
    format!("1 to {MAX_SIDE} columns and rows, at most {MAX_PIXELS} pixels")
}

/// The error of a file that ends before its last frame does; `frame` is the first that is missing, `time` what was
/// reached.
pub(super) fn cut_short(path: &Path, frame: u64, time: Timestamp) -> Error {
    Error::input(path, "the file is cut short").at(format!("frame {frame}, {time}"))
}

/// The error of a video without a single whole picture.
pub(super) fn no_pictures(path: &Path) -> Error {
    Error::input(path, "the video holds no pictures").value("0 frames").bound("at least 1")
}

/// Bytes in order, counted.
pub(super) struct Input<R> {
    path: PathBuf,
    from: R,
    position: u64,
}

impl<R: Read> Input<R> {
    /// Reads `from`, which messages call `path`.
    pub fn new(path: &Path, from: R) -> Self {
        Self { path: path.to_owned(), from, position: 0 }
    }

    /// The name for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes read or skipped so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Reads until `buffer` is full or the input ends; returns how many bytes there were.
    ///
    /// # Errors
    /// Where reading fails.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut got = 0;
        while got < buffer.len() {
            match self.from.read(&mut buffer[got..]) {
                Ok(0) => break,
                Ok(count) => got += count,
                Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(self.failed(&cause)),
            }
        }
        self.position += got as u64;
        Ok(got)
    }

    /// Reads an array; `None` where the input ends within it.
    ///
    /// # Errors
    /// Where reading fails.
    pub fn array<const N: usize>(&mut self) -> Result<Option<[u8; N]>> {
        let mut bytes = [0; N];
        Ok((self.fill(&mut bytes)? == N).then_some(bytes))
    }

    /// Appends `count` bytes to `into`, which grows with what is there and not with what was promised;
    /// returns whether all were there.
    ///
    /// # Errors
    /// Where reading fails.
    pub fn append(&mut self, count: u64, into: &mut Vec<u8>) -> Result<bool> {
        let got = self.from.by_ref().take(count).read_to_end(into).map_err(|cause| self.failed(&cause))?;
        self.position += got as u64;
        Ok(got as u64 == count)
    }

    /// Passes over `count` bytes; returns whether all were there.
    ///
    /// # Errors
    /// Where reading fails.
    pub fn skip(&mut self, count: u64) -> Result<bool> {
        let got = std::io::copy(&mut self.from.by_ref().take(count), &mut std::io::sink())
            .map_err(|cause| self.failed(&cause))?;
        self.position += got;
        Ok(got == count)
    }

    /// An error about what was read last.
    pub fn error(&self, problem: &str) -> Error {
        Error::input(&self.path, problem).at(format!("byte {}", self.position))
    }

    fn failed(&self, cause: &std::io::Error) -> Error {
        self.error("reading failed").value(cause)
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let got = self.from.read(buffer)?;
        self.position += got as u64;
        Ok(got)
    }
}
