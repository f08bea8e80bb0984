//! Reads EDF, EDF+, BDF and BDF+ record by record.
//!
//! Sources: Kemp et al. 1992, *Electroencephalography and Clinical Neurophysiology* 82:391 (EDF); Kemp &
//! Olivan 2003, *Clinical Neurophysiology* 114:1755 (EDF+). BDF is `BioSemi`'s EDF of 24 bits. Every header field
//! is checked, and named by its byte where it is wrong.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::MAX_CHANNELS;
use super::decimal;
use crate::error::{Error, Result};
use crate::signal::{ScalarLayout, ScalarSample, Stamp};
use crate::stream::Faults;
use crate::time::Timestamp;

/// The most bytes of one record: the standard asks for 61440, long records of many channels hold more.
const MAX_RECORD_BYTES: usize = 16 << 20;
/// The most signals, annotations included.
const MAX_SIGNALS: i64 = 1024;
/// The longest record, in seconds.
const MAX_RECORD_SECONDS: i64 = 86_400;

/// An EDF file, opened at its first record.
pub struct Edf {
    path: PathBuf,
    input: BufReader<File>,
    kind: &'static str,
    /// Bytes of a sample: 2, or 3 in BDF.
    bytes: usize,
    /// Declared records; `None` where the recorder left that open.
    records: Option<u64>,
    /// Whole records that the file's length has room for.
    held: u64,
    /// A record's length in nanoseconds.
    duration: i64,
    channels: Vec<Channel>,
    /// Byte ranges of the annotations within a record.
    annotations: Vec<std::ops::Range<usize>>,
    /// Samples of the fastest channel in a record.
    per_record: usize,
    header_bytes: u64,
    record: Vec<u8>,
    /// Records read.
    read: u64,
    /// The next sample within the record.
    next: usize,
    /// When the record began, in nanoseconds.
    onset: i64,
    first_onset: Option<i64>,
    /// When the last record ended.
    end: i64,
}

/// One channel: physical value = gain · digital value + offset.
struct Channel {
    name: String,
    unit: String,
    gain: f64,
    offset: f64,
    samples: usize,
    /// Its first byte in a record.
    at: usize,
}

impl Edf {
    /// Opens the file at `path` and reads its header.
    pub fn open(path: &Path) -> Result<Self> {
        let file = super::file(path)?;
        let unreadable = |cause: std::io::Error| Error::input(path, "the file can't be read").value(cause);
        let length = file.metadata().map_err(unreadable)?.len();
        let mut input = BufReader::new(file);
        let fixed = Fields::read(path, &mut input, 0, 256)?;
        let bdf = fixed.bytes.starts_with(b"\xffBIOSEMI");
        if !bdf && fixed.text(0, 8) != "0" {
            let error = Error::input(path, "the version of this EDF is unknown").at("byte 0");
            return Err(error.value(format!("`{}`", fixed.text(0, 8))).bound("`0`"));
        }
        let signals = fixed.whole(252, 4, "the number of signals", 1..=MAX_SIGNALS)?;
        let header_bytes = 256 * (signals + 1);
        fixed.whole(184, 8, "the header's length", header_bytes..=header_bytes)?;
        let records = fixed.whole(236, 8, "the number of records", -1..=99_999_999)?;
        let duration = fixed.seconds(244)?;
        let reserved = fixed.text(192, 44);
        let kinds = if bdf { ["BDF+C", "BDF+D", "BDF"] } else { ["EDF+C", "EDF+D", "EDF"] };
        let kind = kinds[..2].iter().find(|kind| reserved.starts_with(**kind)).unwrap_or(&kinds[2]);

        let signals = signals as usize;
        let table = Fields::read(path, &mut input, 256, 256 * signals)?;
        let mut edf = Self {
            path: path.to_owned(),
            input,
            kind,
            bytes: if bdf { 3 } else { 2 },
            records: u64::try_from(records).ok(),
            held: 0,
            duration,
            channels: Vec::new(),
            annotations: Vec::new(),
            per_record: 0,
            header_bytes: header_bytes as u64,
            record: Vec::new(),
            read: 0,
            next: 0,
            onset: 0,
            first_onset: None,
            end: 0,
        };
        edf.signals(&table, signals)?;
        edf.held = length.saturating_sub(edf.header_bytes) / edf.record.len() as u64;
        Ok(edf)
    }

    /// Reads the signals' headers: each field stands for all signals in a row.
    fn signals(&mut self, table: &Fields, signals: usize) -> Result<()> {
        let plus = self.kind.contains('+');
        let mut at = 0;
        for signal in 0..signals {
            let field = |offset: usize, width: usize| offset * signals + width * signal;
            let most = MAX_RECORD_BYTES.cast_signed() as i64 / 2;
            let samples = table.whole(field(216, 8), 8, "the samples in a record", 0..=most)? as usize;
            let name = table.text(field(0, 16), 16);
            let bytes = self.bytes * samples;
            if at + bytes > MAX_RECORD_BYTES {
                let error = Error::input(&self.path, "a record is too long").at(table.place(field(216, 8)));
                return Err(error
                    .value(format!("{} bytes", at + bytes))
                    .bound(format!("{MAX_RECORD_BYTES} bytes")));
            }
            if plus && ["EDF Annotations", "BDF Annotations"].contains(&name) {
                self.annotations.push(at..at + bytes);
            } else if samples > 0 {
                let (gain, offset) =
                    table.scale([field(104, 8), field(112, 8), field(120, 8), field(128, 8)])?;
                let unit = table.text(field(96, 8), 8).to_owned();
                self.channels.push(Channel { name: name.to_owned(), unit, gain, offset, samples, at });
            }
            at += bytes;
        }
        if self.channels.is_empty() || self.channels.len() > MAX_CHANNELS {
            let error = Error::input(&self.path, "the number of channels with samples is out of range")
                .at("byte 252");
            return Err(error.value(self.channels.len()).bound(format!("1 to {MAX_CHANNELS}")));
        }
        if self.duration == 0 {
            let error = Error::input(&self.path, "a record with samples has no duration").at("byte 244");
            return Err(error.value("0 s").bound("more than 0 s"));
        }
        self.per_record = self.channels.iter().map(|c| c.samples).max().unwrap_or(1);
        self.record = vec![0; at];
        // The first call reads the first record.
        self.next = self.per_record;
        Ok(())
    }

    /// `EDF`, `EDF+C` or `EDF+D`, and the same of BDF.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The channels and their units.
    pub fn layout(&self) -> ScalarLayout {
        ScalarLayout {
            names: self.channels.iter().map(|c| c.name.clone()).collect(),
            units: self.channels.iter().map(|c| c.unit.clone()).collect(),
        }
    }

    /// Samples per second of the fastest channel.
    pub fn rate_hz(&self) -> f64 {
        self.per_record as f64 * 1e9 / self.duration as f64
    }

    /// The declared length of a recording without gaps, or what the file holds where that is more.
    pub fn duration(&self) -> Option<Timestamp> {
        let records = self.records.filter(|_| !self.kind.ends_with("+D"))?.max(self.held);
        Some(Timestamp(self.duration.saturating_mul(i64::try_from(records).unwrap_or(i64::MAX))))
    }

    /// The next sample of every channel.
    pub fn next(&mut self, faults: &mut Faults) -> Result<Option<ScalarSample>> {
        if self.next == self.per_record {
            if !self.next_record()? {
                return Ok(None);
            }
            self.next = 0;
        }
        let within = i128::from(self.duration) * self.next as i128 / self.per_record as i128;
        let time = Timestamp(self.onset.saturating_add(i64::try_from(within).unwrap_or(i64::MAX)));
        let value = |channel: &Channel| {
            let at = channel.at + self.bytes * (self.next * channel.samples / self.per_record);
            // The sample's bytes at the top of 32 bits, so that its sign is theirs.
            let mut digits = [0; 4];
            digits[4 - self.bytes..].copy_from_slice(&self.record[at..at + self.bytes]);
            let digital = i32::from_le_bytes(digits) >> (32 - 8 * self.bytes);
            let value = (channel.gain * f64::from(digital) + channel.offset) as f32;
            faults.not_finite += u64::from(!value.is_finite());
            if value.is_finite() { value } else { 0.0 }
        };
        let values = self.channels.iter().map(value).collect();
        self.next += 1;
        Ok(Some(ScalarSample { stamp: Stamp::recorded(time), values }))
    }

    /// Reads the next record; `false` after the last.
    fn next_record(&mut self) -> Result<bool> {
        let at = self.header_bytes + self.read * self.record.len() as u64;
        let mut got = 0;
        while got < self.record.len() {
            match self.input.read(&mut self.record[got..]) {
                Ok(0) => break,
                Ok(count) => got += count,
                Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
                Err(cause) => {
                    let place = format!("byte {}", at + got as u64);
                    return Err(Error::input(&self.path, "the file can't be read on").at(place).value(cause));
                }
            }
        }
        if got < self.record.len() {
            match self.records {
                None if got == 0 => return Ok(false),
                Some(declared) if self.read > declared || declared == 0 && got > 0 => {
                    return Err(self.undeclared(declared, got));
                }
                // What fills a file up behind its last record is no record.
                Some(declared) if self.read == declared => return Ok(false),
                _ => {}
            }
            let place =
                format!("{} (record {}, byte {})", Timestamp(self.end), self.read + 1, at + got as u64);
            let error = Error::input(
                &self.path,
                "the file was cut short: records that its header declares are missing",
            );
            let declared = self.records.map_or("unknown".into(), |n| n.to_string());
            let error = error.at(place).value(format!("{} whole records", self.read)).bound(declared);
            return Err(error.help("What came before the cut was used."));
        }
        self.read += 1;
        self.onset = self.end;
        if self.kind.ends_with("+D") {
            self.onset = self.stored_onset()?;
        }
        self.end = self.onset.saturating_add(self.duration);
        Ok(true)
    }

    /// The file's end came after more than was declared, and `got` bytes of a record that is not whole.
    fn undeclared(&self, declared: u64, got: usize) -> Error {
        let error = Error::input(&self.path, "the file holds records that its header does not declare");
        error
            .at("byte 236")
            .value(format!("{} whole records and {got} bytes", self.read))
            .bound(format!("{declared}, as declared"))
            .help("All whole ones were used. The recorder probably ended before it wrote their number.")
    }

    /// When a record of a discontinuous recording began: its first annotation says so (EDF+, 2.2.4).
    fn stored_onset(&mut self) -> Result<i64> {
        let wrong = |problem: &str| Error::input(&self.path, problem).at(format!("record {}", self.read));
        let list = self.annotations.first().map(|range| &self.record[range.clone()]).unwrap_or_default();
        let text = list.split(|&b| b == 20).next().unwrap_or_default();
        let text = std::str::from_utf8(text).unwrap_or_default();
        let Some(onset) = decimal::nanoseconds(text) else {
            let shown: String = text.chars().filter(|c| !c.is_control()).take(20).collect();
            return Err(wrong("the record's onset is no number of seconds").value(format!("`{shown}`")));
        };
        let since = onset.saturating_sub(*self.first_onset.get_or_insert(onset));
        if since < self.end {
            let error = Error::input(&self.path, "the record begins before the one before it ends")
                .at(format!("record {}", self.read));
            return Err(error.value(Timestamp(since)).bound(format!("{} or later", Timestamp(self.end))));
        }
        Ok(since)
    }
}

/// Header fields: text of fixed width, padded with blanks.
struct Fields<'a> {
    path: &'a Path,
    /// Where in the file the bytes lie.
    start: usize,
    bytes: Vec<u8>,
}

impl<'a> Fields<'a> {
    fn read(path: &'a Path, input: &mut impl Read, start: usize, length: usize) -> Result<Self> {
        let mut bytes = Vec::new();
        let got = input.take(length as u64).read_to_end(&mut bytes);
        if got.is_ok_and(|count| count == length) {
            return Ok(Self { path, start, bytes });
        }
        let error =
            Error::input(path, "the file was cut short: it ends within its header, before the first sample");
        Err(error
            .at(format!("byte {}", start + bytes.len()))
            .bound(format!("at least {} bytes", start + length)))
    }

    fn place(&self, at: usize) -> String {
        format!("byte {}", self.start + at)
    }

    /// The text of a field; what is no ASCII (an old micro sign) is left out of it.
    fn text(&self, at: usize, width: usize) -> &str {
        let field = &self.bytes[at..at + width];
        let printable = field.iter().position(|b| !(32..127).contains(b)).unwrap_or(width);
        std::str::from_utf8(&field[..printable]).unwrap_or_default().trim()
    }

    fn whole(
        &self,
        at: usize,
        width: usize,
        what: &str,
        bound: std::ops::RangeInclusive<i64>,
    ) -> Result<i64> {
        let text = self.text(at, width);
        match text.parse::<i64>() {
            Ok(value) if bound.contains(&value) => Ok(value),
            _ => {
                let error = Error::input(self.path, format!("{what} is out of range")).at(self.place(at));
                Err(error.value(format!("`{text}`")).bound(format!("{} to {}", bound.start(), bound.end())))
            }
        }
    }

    /// The length of a record in nanoseconds.
    fn seconds(&self, at: usize) -> Result<i64> {
        let text = self.text(at, 8);
        let most = MAX_RECORD_SECONDS * 1_000_000_000;
        match decimal::nanoseconds(text) {
            Some(value @ 0..) if value <= most => Ok(value),
            _ => {
                let error =
                    Error::input(self.path, "the length of a record is out of range").at(self.place(at));
                Err(error.value(format!("`{text}`")).bound(format!("0 to {MAX_RECORD_SECONDS} s")))
            }
        }
    }

    /// Gain and offset from physical minimum and maximum, digital minimum and maximum.
    fn scale(&self, at: [usize; 4]) -> Result<(f64, f64)> {
        let mut limits = [0.0; 4];
        for (limit, &at) in limits.iter_mut().zip(&at) {
            let text = self.text(at, 8);
            *limit = text.parse().ok().filter(|v: &f64| v.is_finite()).ok_or_else(|| {
                let error = Error::input(self.path, "a channel's limit is no number").at(self.place(at));
                error.value(format!("`{text}`")).bound("a finite number")
            })?;
        }
        let [low, high, digital_low, digital_high] = limits;
        if digital_low >= digital_high {
            let error = Error::input(self.path, "a channel's digital maximum does not exceed its minimum")
                .at(self.place(at[3]));
            return Err(error.value(digital_high).bound(format!("more than {digital_low}")));
        }
        let gain = (high - low) / (digital_high - digital_low);
        Ok((gain, low - gain * digital_low))
    }
}
