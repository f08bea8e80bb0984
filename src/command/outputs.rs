//! The files of a run: opened before it starts, each under its final name only when it is whole.

use std::fs;
use std::path::{Path, PathBuf};

use super::pictures;
use super::report::Report;
use crate::config::Config;
use crate::engine::Keep;
use crate::engine::binding::world::World;
use crate::error::{Error, Result};
use crate::memory::recall::PatchMemory;
use crate::readout::electrodes::prefilter;
use crate::signal::{FieldRow, LedgerLine};
use crate::sink::edf::EdfWriter;
use crate::sink::part::PartFile;
use crate::sink::picture::{Column, ContactSheet};
use crate::sink::wav::WavWriter;
use crate::stream::Sink;

/// What `napot analyze` draws of a run.
const PLOTS: [&str; 3] = ["spectrum.png", "bursts.png", "information.png"];

/// Whether a run may write a file of this name into its folder.
pub(super) fn are_written(name: &str) -> bool {
    let names =
        ["report.json", "sound.wav", "electrodes.edf", "field.png", "ledger.txt", "memory.safetensors"];
    names.contains(&name) || is_whole(name)
}

/// The name of a picture of what arrays bound.
fn whole(letter: char) -> String {
    format!("whole-{letter}.png")
}

fn is_whole(name: &str) -> bool {
    ('a'..='z').any(|letter| whole(letter) == name)
}

/// The folder of a run.
pub(super) struct Outputs {
    dir: PathBuf,
    band_hz: Vec<f64>,
    rate_hz: u32,
    /// Whether another run left its outputs here.
    used: bool,
}

impl Outputs {
    /// Makes the folder where it is missing.
    pub(super) fn open(dir: &Path, config: &Config) -> Result<Self> {
        fs::create_dir_all(dir)
            .map_err(|cause| Error::output(dir, "the folder can't be made").value(cause))?;
        Ok(Self {
            dir: dir.to_owned(),
            band_hz: (0..config.array.bands).map(|band| config.array.centre(band).0).collect(),
            rate_hz: config.electrodes.rate_hz,
            used: dir.join("report.json").exists(),
        })
    }

    /// Opens every file of the run.
    pub(super) fn sinks(self, electrodes: &[String]) -> Result<(Self, Keep)> {
        let path = |name: &str| self.dir.join(name);
        let names: Vec<String> = electrodes.to_vec();
        let edf = EdfWriter::create(path("electrodes.edf"), &names, self.rate_hz, prefilter(self.rate_hz))?;
        let columns = self
            .band_hz
            .iter()
            .map(|hz| Column { group: "bands".to_owned(), label: format!("{hz} Hz") })
            .collect();
        let keep = Keep {
            sound: Some(Box::new(WavWriter::create(path("sound.wav"))?)),
            electrodes: Some(Box::new(edf)),
            ledger: Some(Box::new(LedgerFile::create(path("ledger.txt"))?)),
            field: Some(Box::new(FieldFile {
                sheet: ContactSheet::new("The field: phase as hue, amplitude as colour", columns),
                path: path("field.png"),
            })),
            ..Keep::default()
        };
        Ok((self, keep))
    }

    /// Writes the report, the memory of what was seen where there is one, and the wholes that were bound at last.
    pub(super) fn finish(
        self,
        report: &Report,
        memory: Option<&PatchMemory>,
        bound: Option<&World>,
    ) -> Result<()> {
        let path = self.dir.join("report.json");
        let text = serde_json::to_string_pretty(report)
            .map_err(|cause| Error::output(&path, "the report can't be written").value(cause))?;
        let mut file = PartFile::create(path)?;
        file.line(&text)?;
        file.finish()?;
        if self.used {
            self.remove_pictures()?;
        }
        for (name, side, grey) in bound.into_iter().flat_map(World::greys) {
            let rgb: Vec<u8> = grey.into_iter().flat_map(|grey| [grey; 3]).collect();
            pictures::write(&self.dir.join(whole(char::from(b'a' + name))), (side, side), &rgb)?;
        }
        memory.map_or(Ok(()), |memory| pictures::save(&self.dir.join("memory.safetensors"), memory))
    }

    /// Removes the pictures of another run, which would look like this one's: they are not all drawn anew.
    fn remove_pictures(&self) -> Result<()> {
        let pictures = PLOTS.map(str::to_owned).into_iter().chain(('a'..='z').map(whole));
        for file in pictures.map(|name| self.dir.join(name)).filter(|file| file.exists()) {
            fs::remove_file(&file).map_err(|cause| {
                Error::output(&file, "a picture of another run can't be removed").value(cause)
            })?;
        }
        Ok(())
    }
}

struct LedgerFile(PartFile);

impl LedgerFile {
    fn create(path: PathBuf) -> Result<Self> {
        let mut file = PartFile::create(path)?;
        file.line("# tick, hash of the state after it, hash of what entered since the line before")?;
        Ok(Self(file))
    }
}

impl Sink for LedgerFile {
    type Item = LedgerLine;

    fn push(&mut self, line: &LedgerLine) -> Result<()> {
        self.0.line(&line.to_string())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.0.finish()
    }
}

struct FieldFile {
    sheet: ContactSheet,
    path: PathBuf,
}

impl Sink for FieldFile {
    type Item = FieldRow;

    fn push(&mut self, row: &FieldRow) -> Result<()> {
        self.sheet.add_row(row.time, None, &row.images);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        if self.sheet.rows() == 0 {
            return Ok(());
        }
        self.sheet.write(&self.path)
    }
}
