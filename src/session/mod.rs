//! The recording of a run: its form, its writer, its reader.
//!
//! A session is an MCAP file (<https://mcap.dev/spec>): Foxglove and the `mcap` tools open it. It holds what entered the
//! engine tick by tick, so that a replay is the run again, to the bit; and what came out, so that the replay can be held
//! against it.

use std::path::Path;

use self::facts::FACTS;
use crate::format::mcap::{Reader, Record};

mod cut;
mod facts;
#[cfg(test)]
mod fault_tests;
mod form;
mod message;
mod read;
mod record;
mod retro;
mod told;
mod verify;
mod write;

pub use facts::{Facts, Sheet};
pub use read::{Counts, Session};
pub use record::Recorder;
pub use verify::{Difference, Place, Verdict, Verifier};
pub use write::{holds_state, part_of};

/// Whether the file at `path` is an MCAP file that begins with what a session says of itself: other programs' files
/// don't. `false` where it can't be read.
#[must_use]
pub fn is_session(path: &Path) -> bool {
    let Ok(mut reader) = Reader::open(path) else { return false };
    loop {
        match reader.next() {
            // What others say of their file may come before.
            Ok(Some(Record::Header { .. })) => {}
            Ok(Some(Record::Metadata { name, .. })) if name != FACTS => {}
            Ok(Some(Record::Metadata { .. })) => return true,
            _ => return false,
        }
    }
}
