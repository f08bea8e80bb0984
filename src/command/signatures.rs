//! The file of signatures: read, written whole, and what a run takes of it.

use std::path::{Path, PathBuf};

use super::pictures;
use crate::engine::instrument::Instrument;
use crate::error::{Error, Result};
use crate::readout::signature::known::{Known, Setting};
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

/// Reads signatures for a run that begins with `none`; says where its array is another than theirs was.
pub(super) fn load_for(path: &Path, none: &Known) -> Result<Known> {
    let known = load(path)?;
    known.fits(none.grid().shape)?;
    if let (Some(theirs), Some(ours)) = (known.setting(), none.setting())
        && theirs != ours
    {
        tracing::warn!(
            "{}: taught with {theirs}, and this run has {ours}: what they name may not be recognised",
            path.display()
        );
    }
    Ok(known)
}

/// Writes signatures; those of that name stay as they are until the new ones are whole.
pub(super) fn save(path: &Path, known: &Known) -> Result<()> {
    let bytes = store::to_bytes(known)?;
    let mut file = PartFile::create(path)?;
    file.bytes(&bytes)?;
    file.finish()
}

/// Teaches one more signature to what the file holds, be it what another program taught while this one was taken, or to `none` where
/// there is no file; all that it knows then.
pub(super) fn teach(path: &Path, none: Known, name: &str, signature: &[f32]) -> Result<Known> {
    let mut known = none;
    if path.exists() {
        let shape = known.grid().shape;
        known = load(path)?;
        known.fits(shape)?;
    }
    known.teach(name, signature)?;
    save(path, &known)?;
    Ok(known)
}

/// Knows nothing yet, of the array that sees.
pub(super) fn empty(instrument: &Instrument) -> Result<Known> {
    let array = instrument.array_named("vision").map(|array| usize::from(array.0));
    let shape = array.and_then(|array| instrument.shapes().get(array).copied());
    let setting = array.and_then(|array| instrument.parameters(array));
    let setting = setting.map(|array| Setting { burst_gain: array.burst_gain, kappa: array.kappa });
    let shape = shape.ok_or_else(|| {
        Error::call("signatures", "there is no array that sees").help("Give an input with pictures.")
    })?;
    Ok(Known::new(Grid::of(shape)).taken_in(setting))
}

/// What a run recognises by the file at `path`, where one is named, and what keeps what it is taught. A file that is not there is made
/// by what the page teaches; without a page it is an error.
pub(super) fn open(path: Option<&Path>, instrument: &Instrument, may_teach: bool) -> Result<Option<Taught>> {
    let Some(path) = path else { return Ok(None) };
    let none = empty(instrument)?;
    let mut keeps = Keeps { path: path.to_owned(), last: None };
    if may_teach && !path.exists() {
        super::written::in_a_folder("--signatures", path)?;
        tracing::warn!("{} is not there yet: nothing is known until the page teaches it", path.display());
        return Ok(Some((none, Box::new(keeps))));
    }
    let known = load_for(path, &none)?;
    keeps.last = Some(store::to_bytes(&known)?);
    Ok(Some((known, Box::new(keeps))))
}

/// What is known, and where it is kept.
type Taught = (Known, Box<dyn Sink<Item = Known>>);

/// Writes what is known each time that something was taught.
struct Keeps {
    path: PathBuf,
    /// What the file holds, as far as this run knows.
    last: Option<Vec<u8>>,
}

impl Sink for Keeps {
    type Item = Known;

    fn push(&mut self, known: &Known) -> Result<()> {
        // Names that another program taught meanwhile would be lost.
        let held = if self.path.exists() { Some(store::to_bytes(&load(&self.path)?)?) } else { None };
        if held != self.last {
            let error =
                Error::input(&self.path, "another program has changed it: nothing is written over that");
            return Err(error.help("Teach again in a run that begins with it."));
        }
        save(&self.path, known)?;
        self.last = Some(store::to_bytes(known)?);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readout::signature::NUMBERS;
    use crate::signal::SheetShape;

    fn known(names: &[&str]) -> Known {
        let mut known = Known::new(Grid::of(SheetShape { height: 8, width: 8, bands: 1 }));
        let numbers = known.grid().slot() * crate::readout::signature::SLOTS;
        for name in names {
            known.teach(name, &vec![1.0; numbers.next_multiple_of(NUMBERS)]).unwrap();
        }
        known
    }

    #[test]
    fn two_that_teach_at_once_both_stand_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.safetensors");
        let (none, one) = (known(&[]), known(&["one"]));
        // Both began when there was no file.
        teach(&path, none.clone(), "red", one.numbers()).unwrap();
        let all = teach(&path, none.clone(), "green", one.numbers()).unwrap();
        assert_eq!(all.names(), ["red", "green"]);
        assert_eq!(load(&path).unwrap(), all);
        let again = teach(&path, none, "red", one.numbers()).unwrap_err().to_string();
        assert!(again.contains("known already"), "{again}");
        assert_eq!(load(&path).unwrap(), all);
    }

    #[test]
    fn what_another_program_taught_meanwhile_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.safetensors");
        let mut keeps = Keeps { path: path.clone(), last: None };
        keeps.push(&known(&["red"])).unwrap();
        keeps.push(&known(&["red", "green"])).unwrap();
        assert_eq!(load(&path).unwrap().names(), ["red", "green"]);
        save(&path, &known(&["red", "green", "theirs"])).unwrap();
        let error = keeps.push(&known(&["red", "green", "blue"])).unwrap_err().to_string();
        assert!(error.contains("k.safetensors") && error.contains("another program"), "{error}");
        assert_eq!(load(&path).unwrap().names(), ["red", "green", "theirs"]);
    }
}
