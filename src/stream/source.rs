//! What gives stamped items: a device, a file, the room, a wrapper around another source.

use crate::error::Result;
use crate::signal::Origin;

/// What a source is, for logs and reports.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SourceInfo {
    /// A name that a person recognises: a file name, a device name, `room`.
    pub name: String,
    /// What it gives: `sound`, `video` or `scalar`.
    pub kind: String,
    /// Where its stamps come from.
    pub origin: Origin,
    /// The format it was found in, for people: `H.264 1280x720, 20 fps`, `MP3 16 kHz mono`.
    pub format: String,
}

/// What a source met that did not stop it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Faults {
    /// Frames or packets that were damaged and left out.
    pub damaged: u64,
    /// Values that were not finite and were replaced by zero.
    pub not_finite: u64,
}

/// Gives items in the order of their stamps.
///
/// Wrappers (recorder, fault injector, tracer) are sources around another.
pub trait Source: Send {
    /// What it gives.
    type Item;

    /// What it is.
    fn info(&self) -> &SourceInfo;

    /// The next item; `None` at the end.
    ///
    /// # Errors
    /// Where the stream breaks off: what came before is good, and the source gives no more
    /// (a second call returns `None`).
    fn pull(&mut self) -> Result<Option<Self::Item>>;

    /// What has gone wrong so far without ending the stream.
    fn faults(&self) -> Faults {
        Faults::default()
    }
}
