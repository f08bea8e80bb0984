//! The file of signatures: read, written whole, and what a run takes of it.

use std::path::{Path, PathBuf};

use super::pictures;
use crate::engine::Keep;
use crate::engine::instrument::Instrument;
use crate::error::{Error, Result};
use crate::readout::signature::known::Known;
use crate::readout::signature::{Grid, store};
use crate::sink::part::PartFile;
use crate::stream::Sink;

/// The largest file that is read: as many names as are known at most, with room to spare.
const MOST_BYTES: u64 = 64 << 20;

/// Reads signatures.
pub(super) fn load(path: &Path) -> Result<Known> {
    let bytes = pictures::read(path, "the signatures", "`napot teach NAME` makes them.", MOST_BYTES)?;
    store::from_bytes(path, &bytes)
}

/// Writes signatures; those of that name stay as they are until the new ones are whole.
pub(super) fn save(path: &Path, known: &Known) -> Result<()> {
    let bytes = store::to_bytes(known)?;
    let mut file = PartFile::create(path)?;
    file.bytes(&bytes)?;
    file.finish()
}

/// Knows nothing yet, of the array that sees.
pub(super) fn empty(instrument: &Instrument) -> Result<Known> {
    let array = instrument.array_named("vision").map(|array| usize::from(array.0));
    let shape = array.and_then(|array| instrument.shapes().get(array).copied());
    let shape = shape.ok_or_else(|| {
        Error::call("signatures", "there is no array that sees").help("Give an input with pictures.")
    })?;
    Ok(Known::new(Grid::of(shape)))
}

/// Gives a run the signatures at `path`, where there is one, and what keeps what it is taught. A file that is not there is made by
/// what the page teaches; without a page it is an error.
pub(super) fn open(
    path: Option<&Path>,
    instrument: &Instrument,
    may_teach: bool,
    keep: &mut Keep,
) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    let known = if may_teach && !path.exists() {
        super::memory::in_a_folder(path)?;
        eprintln!("napot: {} is not there yet: nothing is known until the page teaches it", path.display());
        empty(instrument)?
    } else {
        load(path)?
    };
    keep.signatures = Some(known);
    keep.taught = Some(Box::new(Keeps(path.to_owned())));
    Ok(())
}

/// Writes what is known each time that something was taught.
struct Keeps(PathBuf);

impl Sink for Keeps {
    type Item = Known;

    fn push(&mut self, known: &Known) -> Result<()> {
        save(&self.0, known)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
