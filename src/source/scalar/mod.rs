//! Scalar recordings: tables of numbers (CSV) and biosignals (EDF, BDF, XDF), one sample of every channel at a time.
//!
//! To add a format: write its reader here, name it in `Reader`, and teach [`super::content`] its first bytes.

mod decimal;
pub(super) mod dialect;
mod edf;
pub(super) mod lines;
mod table;
mod xdf;

use std::path::Path;

pub use self::table::CsvOptions;

use self::edf::Edf;
use self::table::Table;
use self::xdf::Xdf;
use crate::error::{Error, Result};
use crate::signal::{Origin, ScalarLayout, ScalarSample};
use crate::stream::{Faults, Source, SourceInfo};
use crate::time::Timestamp;

/// The most channels of one file.
pub const MAX_CHANNELS: usize = 256;

/// The channels of one recorded file.
pub struct ScalarFile {
    info: SourceInfo,
    layout: ScalarLayout,
    rate: Option<f64>,
    duration: Option<Timestamp>,
    reader: Reader,
    faults: Faults,
    done: bool,
}

enum Reader {
    Table(Box<Table>),
    Edf(Box<Edf>),
    Xdf(Box<Xdf>),
}

/// Opens a table of numbers: an optional header row, then one sample of every channel a row.
///
/// Cells lie between commas, semicolons or tabs (then commas may be decimal), in quotation marks or not. A column named
/// `time`, `t`, `seconds`, `timestamp`, `s` or `ms` stamps the rows, its first being the recording's start. Columns
/// whose first cell is text, gaps apart, are left out with a warning that names them. An empty cell, a word for a missing
/// value (`n/a`, `NA`, `NaN`, `null`, `none`, `-`) or an infinity repeats the last value.
///
/// # Errors
/// Where the file is missing or holds no rows, more than [`MAX_CHANNELS`] channels, or neither a time
/// column nor `options.rate` says when its rows were taken.
pub fn open_csv(path: &Path, options: &CsvOptions) -> Result<ScalarFile> {
    let table = Table::open(path, options)?;
    let layout = table.layout();
    let (format, rate) = (format!("CSV, {}", channels(layout.names.len())), table.rate_hz());
    Ok(ScalarFile::new(path, format, layout, rate, None, Reader::Table(Box::new(table))))
}

/// Opens a biosignal file in EDF (Kemp et al. 1992), EDF+ (Kemp & Olivan 2003), or `BioSemi`'s BDF of 24 bits.
///
/// Channels of several rates are given at the highest, the slower ones repeating their last sample. The
/// annotations' channel is left out; a discontinuous recording (EDF+D, BDF+D) keeps its records' onsets.
///
/// # Errors
/// Where the file is missing, or a header field is out of range: the message names its byte.
pub fn open_edf(path: &Path) -> Result<ScalarFile> {
    let edf = Edf::open(path)?;
    let layout = edf.layout();
    let rate = edf.rate_hz();
    let format = format!("{}, {}, {rate} Hz", edf.kind(), channels(layout.names.len()));
    let duration = edf.duration();
    Ok(ScalarFile::new(path, format, layout, Some(rate), duration, Reader::Edf(Box::new(edf))))
}

/// Opens a recording of the Lab Streaming Layer in XDF 1.0.
///
/// The channels of all streams of numbers are given as `stream/channel`, at every time at which one of them has a
/// sample; the others repeat their last, and stand at their first until they begin. Streams of strings (markers),
/// without channels or without samples are left out. Times are on the recorder's clock: each stream's clock offsets
/// are applied as a robust line, and those of a stream with a rate are straightened between breaks, both as `pyxdf`
/// does. Time zero is the first sample. A value that is not finite repeats the channel's last.
///
/// # Errors
/// Where the file is missing, a header is wrong (the message names its byte), there are no samples or more than
/// [`MAX_CHANNELS`] channels with samples, or the file holds more streams, chunks, clock offsets or breaks than are
/// kept.
pub fn open_xdf(path: &Path) -> Result<ScalarFile> {
    let xdf = Xdf::open(path)?;
    let (format, layout, rate) = (xdf.format(), xdf.layout(), xdf.rate_hz());
    let (duration, damaged) = (xdf.duration(), xdf.damaged);
    let mut file = ScalarFile::new(path, format, layout, rate, Some(duration), Reader::Xdf(Box::new(xdf)));
    file.faults.damaged = damaged;
    Ok(file)
}

fn channels(count: usize) -> String {
    if count == 1 { "1 channel".into() } else { format!("{count} channels") }
}

impl ScalarFile {
    fn new(
        path: &Path,
        format: String,
        layout: ScalarLayout,
        rate: Option<f64>,
        duration: Option<Timestamp>,
        reader: Reader,
    ) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let info = SourceInfo { name, kind: "scalar".into(), origin: Origin::Recorded, format };
        Self { info, layout, rate, duration, reader, faults: Faults::default(), done: false }
    }

    /// The channels' names and units.
    #[must_use]
    pub fn layout(&self) -> &ScalarLayout {
        &self.layout
    }

    /// Samples per second; `None` where each row has a time of its own.
    #[must_use]
    pub fn rate_hz(&self) -> Option<f64> {
        self.rate
    }

    /// How long the header says that the recording lasts; `None` where nothing says so.
    #[must_use]
    pub fn duration(&self) -> Option<Timestamp> {
        self.duration
    }
}

impl Source for ScalarFile {
    type Item = ScalarSample;

    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn pull(&mut self) -> Result<Option<ScalarSample>> {
        if self.done {
            return Ok(None);
        }
        let next = match &mut self.reader {
            Reader::Table(table) => table.next(&mut self.faults),
            Reader::Edf(edf) => edf.next(&mut self.faults),
            Reader::Xdf(xdf) => xdf.next(&mut self.faults),
        };
        self.done = !matches!(next, Ok(Some(_)));
        next
    }

    fn faults(&self) -> Faults {
        self.faults
    }
}

/// Opens the file at `path` for reading, telling a missing file from one that can't be read.
fn file(path: &Path) -> Result<std::fs::File> {
    std::fs::File::open(path).map_err(|cause| {
        let problem = match cause.kind() {
            std::io::ErrorKind::NotFound => "there is no such file",
            _ => "the file can't be opened",
        };
        Error::call(path.display().to_string(), problem).value(cause)
    })
}

#[cfg(test)]
mod tests;
