//! A file that was cut short, filled up with zeros to the length that its header declares.
//!
//! Demuxers look for their tables behind the samples, and give up where the file ends too soon; with the
//! filling they read on, and the decoder stops where the filling begins.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use symphonia::core::io::MediaSource;

/// The most bytes of filling that are given: what looks for tables needs few, but a packet that is said to be as long
/// as memory would take all, and a table of a CAF makes 32 bytes of each.
const MOST_FILLING: u64 = 1 << 18;

/// The file and what stands for its missing end.
pub struct Padded {
    file: File,
    position: u64,
    /// Bytes that are there.
    real: u64,
    /// Bytes that are declared.
    declared: u64,
    /// Bytes of filling that were given.
    filled: u64,
    beyond: Arc<AtomicBool>,
}

impl Padded {
    /// The file of `real` bytes, read as if it had `declared`; `beyond` is set when zeros are read.
    pub fn new(file: File, real: u64, declared: u64, beyond: Arc<AtomicBool>) -> Self {
        Self { file, position: 0, real, declared, filled: 0, beyond }
    }
}

impl Read for Padded {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        // Reads stop at the cut, so that what was read ahead never mixes bytes and filling.
        let count = if self.position < self.real {
            self.file.read(out)?
        } else {
            let left = self.declared.saturating_sub(self.position).min(MOST_FILLING - self.filled);
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(out.len());
            out[..count].fill(0);
            self.filled += count as u64;
            self.beyond.store(true, Ordering::Release);
            count
        };
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Padded {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let moved = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.declared.checked_add_signed(by),
        };
        self.position = moved.ok_or(std::io::ErrorKind::InvalidInput)?;
        self.file.seek(SeekFrom::Start(self.position.min(self.real)))?;
        Ok(self.position)
    }
}

impl MediaSource for Padded {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.declared)
    }
}
