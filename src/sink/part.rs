//! A file that is `NAME.part` until it is whole.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

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
        let mut part = path.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).map_err(|cause| failed(&part, &cause))?;
        Ok(Self { path, part, file: BufWriter::new(file) })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// Where they can't be written, as on a full disk.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|cause| failed(&self.part, &cause))
    }

    /// Appends a line of text.
    ///
    /// # Errors
    /// As [`Self::bytes`].
    pub fn line(&mut self, text: &str) -> Result<()> {
        writeln!(self.file, "{text}").map_err(|cause| failed(&self.part, &cause))
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// Where the end can't be written; then no file of the final name is left behind.
    pub fn finish(mut self) -> Result<()> {
        self.file.flush().map_err(|cause| failed(&self.part, &cause))?;
        fs::rename(&self.part, &self.path).map_err(|cause| failed(&self.path, &cause))
    }
}

fn failed(path: &Path, cause: &std::io::Error) -> Error {
    Error::output(path, "the file can't be written").value(cause)
}
