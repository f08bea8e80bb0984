//! The recording of a run: its form, its writer, its reader.
//!
//! A session is an MCAP file (<https://mcap.dev/spec>): Foxglove and the `mcap` tools open it. It holds what entered the
//! engine tick by tick, so that a replay is the run again, to the bit; and what came out, so that the replay can be held
//! against it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use self::mcap::MAGIC;

#[cfg(test)]
mod fault_tests;
mod form;
pub mod mcap;
mod read;
mod verify;
mod write;

pub use read::Session;
pub use verify::{Difference, Place, Verdict, Verifier};
pub use write::{Facts, Recorder, Sheet};

/// Whether the file at `path` begins as MCAP files do; `false` where it can't be read.
#[must_use]
pub fn is_session(path: &Path) -> bool {
    let mut head = [0; MAGIC.len()];
    File::open(path).is_ok_and(|mut file| file.read_exact(&mut head).is_ok()) && head == MAGIC
}
