//! A file that is `NAME.part` until it is whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// What `path` is called until it is whole.
#[must_use]
pub fn part_of(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    PathBuf::from(part)
}

/// Writes `PATH.part`, and names it `PATH` when it is finished; a run that dies leaves only the part.
#[derive(Debug)]
pub struct PartFile {
    path: PathBuf,
    part: PathBuf,
    file: BufWriter<File>,
}

impl PartFile {
    /// Starts the file at `path`; an older one of that name stays until this one is finished.
    ///
    /// # Errors
    /// Where the part can't be created.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let part = part_of(&path);
        let file = File::create(&part).map_err(|cause| failed(&path, &cause))?;
        Ok(Self { path, part, file: BufWriter::with_capacity(1 << 16, file) })
    }

    /// The name that it will have.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// Where they can't be written, as on a full disk.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.with(|file| file.write_all(bytes))
    }

    /// Appends a line of text.
    ///
    /// # Errors
    /// As [`Self::bytes`].
    pub fn line(&mut self, text: &str) -> Result<()> {
        self.with(|file| writeln!(file, "{text}"))
    }

    /// Has `write` write, wherever in the file it likes.
    ///
    /// # Errors
    /// As [`Self::bytes`].
    pub fn with(&mut self, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<()> {
        write(&mut self.file).map_err(|cause| failed(&self.part, &cause))
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// Where the end can't be written; then no file of the final name is left behind.
    pub fn finish(mut self) -> Result<()> {
        self.with(Write::flush)?;
        fs::rename(&self.part, &self.path).map_err(|cause| failed(&self.path, &cause))
    }

    /// The same, once all of it is on the disk.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub fn finish_on_disk(mut self) -> Result<()> {
        self.with(|file| {
            file.flush()?;
            file.get_ref().sync_all()
        })?;
        self.finish()
    }

    /// Leaves nothing of it.
    pub fn remove(self) {
        // Where that fails, the part is left: it has not the name of a whole file.
        let _ = fs::remove_file(&self.part);
    }
}

fn failed(path: &Path, cause: &io::Error) -> Error {
    let error = Error::output(path, "the file can't be written").value(cause);
    error.help("Is there such a folder, may it be written to, and has the disk room?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_file_has_its_name_once_it_is_whole_and_an_older_one_stays_until_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fs::write(&path, "older").unwrap();
        let mut file = PartFile::create(&path).unwrap();
        file.line("newer").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "older");
        file.finish_on_disk().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "newer\n");
        assert!(!part_of(&path).exists());
        PartFile::create(folder.path().join("b.csv")).unwrap().remove();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_said_and_leaves_no_file_of_the_final_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::os::unix::fs::symlink("/dev/full", part_of(&path)).unwrap();
        let mut file = PartFile::create(&path).unwrap();
        file.line("it waits in memory").unwrap();
        let error = file.finish().unwrap_err();
        assert_eq!(error.kind(), Kind::Output);
        assert!(error.to_string().contains("a.csv.part: the file can't be written"), "{error}");
        assert!(!path.exists());
        let missing = PartFile::create(folder.path().join("no/such/a.csv")).unwrap_err();
        assert!(missing.to_string().contains("no/such/a.csv: "), "{missing}");
    }
}
