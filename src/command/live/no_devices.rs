//! The devices of a live run, in a build without any.

use super::super::run::Piece;
use crate::config::Config;
use crate::error::Result;

/// What must live as long as the run: nothing.
pub(in crate::command) type Owned = ();

/// Opens nothing.
#[allow(clippy::unnecessary_wraps)] // as the build with devices
pub(in crate::command) fn open(_: &Config, _: &mut Piece) -> Result<Owned> {
    Ok(())
}
