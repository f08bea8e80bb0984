//! How things flow: sources and sinks, the counted ring (every value), the latest (newest value only),
//! promises, the latency trace, and what recorders and devices say of themselves.
//!
//! To add a transport: write its file here and say in it when not to use it.

pub mod bridge;
pub mod capture;
pub mod device;
pub mod drift;
pub mod latest;
pub mod playback;
pub mod priority;
pub mod promise;
pub mod recording;
pub mod ring;
mod sink;
mod source;
pub mod trace;

pub use sink::Sink;
pub use source::{Faults, Source, SourceInfo};
