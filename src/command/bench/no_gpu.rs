//! What stands for a GPU in a build without the feature `gpu`: a message.

use super::throughput::Throughput;
use crate::config::Config;
use crate::error::{Error, Result};

/// There is none.
pub(super) enum Device {}

impl Device {
    /// Says how to get a build that has one.
    pub(super) fn open() -> Result<Self> {
        Err(Error::call("--gpu", "this build of napot has no GPU: it was made without the feature `gpu`")
            .help("Build it with `cargo build --release --features gpu`."))
    }

    pub(super) fn measure(&self, _: &Config, _: &[usize]) -> Result<Vec<Throughput>> {
        match *self {}
    }

    pub(super) fn told(&self) -> String {
        match *self {}
    }
}
