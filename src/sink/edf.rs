//! Writes electrodes as EDF+ (continuous), with annotations, in bounded memory.
//!
//! Kemp and Olivan 2003 (Clinical Neurophysiology 114:1755) and the specification at edfplus.info: records of one
//! second, 16 bits, an `EDF Annotations` signal whose first list in each record keeps its time. The file names
//! no person and no date: it starts on 1 January 1985, the first day that EDF knows, and unknown fields are `X`.

use std::collections::VecDeque;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use super::part::PartFile;
use crate::error::{Error, Result};
use crate::signal::ElectrodeItem;
use crate::stream::Sink;
use crate::time::Timestamp;

/// Microvolts per step of the 16 bits.
const MICROVOLTS_PER_STEP: f32 = 0.1;
/// The physical range that 16 bits reach at 0.1 uV a step; what lies outside is clamped and counted.
pub const RANGE_MICROVOLTS: [f32; 2] = [-3_276.8, 3_276.7];
/// Bytes per record for annotations: about 40 short ones a second.
const ANNOTATION_BYTES: usize = 1_024;
/// Annotations that may wait for room; more are dropped and counted.
const MOST_WAITING: usize = 4_096;
/// An annotation's text is cut to this many bytes.
const MOST_TEXT: usize = 200;
/// The header's sizes: the file's part and each signal's.
const HEADER_BYTES: usize = 256;
/// Where the header tells the number of records.
const RECORD_COUNT_AT: u64 = 236;

/// What a finished file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct EdfSummary {
    /// Records of one second each.
    pub records: u64,
    /// Samples per electrode that were measured; the last record is filled up with the last value.
    pub samples: u64,
    /// Samples that were outside the range, or no number (written as 0).
    pub clipped: u64,
    /// Annotations that found no room.
    pub annotations_dropped: u64,
}

/// An EDF+ file being written, under the name `NAME.part` until it is finished.
#[derive(Debug)]
pub struct EdfWriter {
    file: PartFile,
    rate_hz: usize,
    /// The open record: each electrode's second after the other.
    record: Vec<i16>,
    filled: usize,
    waiting: VecDeque<Vec<u8>>,
    bytes: Vec<u8>,
    summary: EdfSummary,
}

impl EdfWriter {
    /// Begins `path` for the electrodes `names` (labels become `EEG NAME`) at `rate_hz` samples per second.
    ///
    /// `prefilter` is the filter note of every signal, such as `LP:100Hz`, or empty.
    ///
    /// # Errors
    /// Where there are no electrodes or more than 250, a name is not 1 to 12 printable ASCII characters, the rate
    /// is 0 or above 16 kHz, or the file cannot be written.
    pub fn create(path: impl AsRef<Path>, names: &[String], rate_hz: u32, prefilter: &str) -> Result<Self> {
        let path = path.as_ref();
        if names.is_empty() || names.len() > 250 {
            return Err(Error::output(path, "the number of electrodes does not fit an EDF+ file")
                .value(names.len())
                .bound("1 to 250"));
        }
        if let Some(name) = names.iter().find(|name| !is_label(name, 12)) {
            return Err(Error::output(path, "an electrode's name does not fit an EDF+ label")
                .value(format!("{name:?}"))
                .bound("1 to 12 printable ASCII characters"));
        }
        if !(prefilter.is_empty() || is_label(prefilter, 80)) {
            return Err(Error::output(path, "the filter note does not fit an EDF+ header")
                .value(format!("{prefilter:?}"))
                .bound("at most 80 printable ASCII characters"));
        }
        if !(1..=16_000).contains(&rate_hz) {
            return Err(Error::output(path, "the rate does not fit an EDF+ file")
                .value(rate_hz)
                .bound("1 to 16000 Hz"));
        }
        let rate_hz = rate_hz as usize;
        let mut file = PartFile::create(path)?;
        file.bytes(&header(names, rate_hz, prefilter))?;
        Ok(Self {
            file,
            rate_hz,
            record: vec![0; rate_hz * names.len()],
            filled: 0,
            waiting: VecDeque::new(),
            bytes: Vec::with_capacity(2 * rate_hz * names.len() + ANNOTATION_BYTES),
            summary: EdfSummary::default(),
        })
    }

    /// Takes one sample per electrode, in microvolts.
    ///
    /// # Errors
    /// Where a record cannot be written, or `microvolts` does not hold one value per electrode.
    pub fn push(&mut self, microvolts: &[f32]) -> Result<()> {
        let electrodes = self.record.len() / self.rate_hz;
        if microvolts.len() != electrodes {
            return Err(Error::output(self.file.path(), "a sample has another number of electrodes")
                .value(microvolts.len())
                .bound(electrodes));
        }
        // A full record waits for the next sample: what is noted of its time comes a little later.
        if self.filled == self.rate_hz {
            self.write_record()?;
        }
        for (electrode, value) in microvolts.iter().enumerate() {
            let inside = *value >= RANGE_MICROVOLTS[0] && *value <= RANGE_MICROVOLTS[1];
            self.summary.clipped += u64::from(!inside);
            // The conversion saturates, and takes what is no number as 0.
            let step = (value / MICROVOLTS_PER_STEP).round() as i16;
            self.record[electrode * self.rate_hz + self.filled] = step;
        }
        self.filled += 1;
        self.summary.samples += 1;
        Ok(())
    }

    /// Notes `text` at `time` after the start; control characters become spaces, long texts are cut.
    ///
    /// It enters the file with the next record that has room, in the order of the calls; what finds none is counted.
    pub fn annotate(&mut self, time: Timestamp, text: &str) {
        if self.waiting.len() == MOST_WAITING {
            self.summary.annotations_dropped += 1;
            return;
        }
        let mut list = onset(time).into_bytes();
        list.push(0x14);
        let mut end = text.len().min(MOST_TEXT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let clean = text[..end].chars().map(|c| if c.is_control() { ' ' } else { c });
        list.extend(clean.collect::<String>().bytes());
        list.extend([0x14, 0]);
        self.waiting.push_back(list);
    }

    /// Samples that were outside the range so far.
    #[must_use]
    pub fn clipped(&self) -> u64 {
        self.summary.clipped
    }

    /// Completes the last record, tells the number of records in the header, and gives the file its name.
    ///
    /// A last record that is not full repeats its last values; an annotation tells where the measurement ended.
    ///
    /// # Errors
    /// Where nothing was pushed or the end cannot be written; then no file of the final name is made.
    pub fn finish(mut self) -> Result<EdfSummary> {
        if self.summary.samples == 0 {
            let none = Error::output(self.file.path(), "no sample was recorded, so there is no file");
            self.file.remove();
            return Err(none);
        }
        for second in self.record.chunks_exact_mut(self.rate_hz) {
            let last = second[self.filled - 1];
            second[self.filled..].fill(last);
        }
        if self.filled < self.rate_hz {
            let end = Timestamp::from_count(self.summary.samples, self.rate_hz as u32);
            self.waiting.truncate(MOST_WAITING - 1);
            self.annotate(end, "Recording ends");
            // The end matters more than what still waits for room.
            self.waiting.rotate_right(1);
        }
        self.write_record()?;
        self.summary.annotations_dropped += self.waiting.len() as u64;
        self.file.with(|file| {
            file.seek(SeekFrom::Start(RECORD_COUNT_AT))?;
            file.write_all(field(&self.summary.records.to_string(), 8).as_bytes())
        })?;
        self.file.finish_on_disk()?;
        Ok(self.summary)
    }

    fn write_record(&mut self) -> Result<()> {
        self.bytes.clear();
        self.bytes.extend(self.record.iter().flat_map(|step| step.to_le_bytes()));
        let start = self.bytes.len();
        let keeper = format!("+{}\u{14}\u{14}\0", self.summary.records);
        self.bytes.extend(keeper.bytes());
        while let Some(list) = self.waiting.front() {
            if self.bytes.len() - start + list.len() > ANNOTATION_BYTES {
                break;
            }
            self.bytes.extend(list);
            self.waiting.pop_front();
        }
        self.bytes.resize(start + ANNOTATION_BYTES, 0);
        self.file.bytes(&self.bytes)?;
        self.summary.records += 1;
        self.filled = 0;
        Ok(())
    }
}

impl Sink for EdfWriter {
    type Item = ElectrodeItem;

    fn push(&mut self, item: &ElectrodeItem) -> Result<()> {
        match item {
            ElectrodeItem::Sample(microvolts) => EdfWriter::push(self, microvolts),
            ElectrodeItem::Mark(time, text) => {
                self.annotate(*time, text);
                Ok(())
            }
        }
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let path = self.file.path().to_owned();
        let summary = EdfWriter::finish(*self)?;
        if summary.clipped > 0 {
            tracing::warn!(
                "{}: {} samples were beyond its range and are clipped",
                path.display(),
                summary.clipped
            );
        }
        if summary.annotations_dropped > 0 {
            let dropped = summary.annotations_dropped;
            tracing::warn!("{}: {dropped} annotations found no room", path.display());
        }
        Ok(())
    }
}

fn is_label(text: &str, most: usize) -> bool {
    !text.is_empty() && text.len() <= most && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// A time as a list's onset: sign, seconds, and as many decimals as it needs.
fn onset(time: Timestamp) -> String {
    let sign = if time.0 < 0 { "" } else { "+" };
    let text = format!("{sign}{}", time.exactly());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A header field: left-aligned, filled with spaces.
fn field(text: &str, width: usize) -> String {
    format!("{text:<width$.width$}")
}

/// The whole header: the file's part, then each property of all signals, signal by signal.
fn header(names: &[String], rate_hz: usize, prefilter: &str) -> Vec<u8> {
    let signals = names.len() + 1;
    let mut header = String::new();
    for (text, width) in [
        ("0", 8),
        // Code, sex, birth date, name; then start date, administration code, investigator, equipment.
        ("X X X X", 80),
        ("Startdate X X X NAPOT", 80),
        ("01.01.85", 8),
        ("00.00.00", 8),
        (&(HEADER_BYTES * (signals + 1)).to_string(), 8),
        ("EDF+C", 44),
        ("-1", 8),
        ("1", 8),
        (&signals.to_string(), 4),
    ] {
        header += &field(text, width);
    }
    let mut property = |width: usize, electrode: &dyn Fn(&str) -> String, annotations: &str| {
        for name in names {
            header += &field(&electrode(name), width);
        }
        header += &field(annotations, width);
    };
    property(16, &|name| format!("EEG {name}"), "EDF Annotations");
    property(80, &|_| "virtual electrode".to_owned(), "");
    property(8, &|_| "uV".to_owned(), "");
    property(8, &|_| format!("{:.1}", RANGE_MICROVOLTS[0]), "-1");
    property(8, &|_| format!("{:.1}", RANGE_MICROVOLTS[1]), "1");
    property(8, &|_| i16::MIN.to_string(), "-32768");
    property(8, &|_| i16::MAX.to_string(), "32767");
    property(80, &|_| prefilter.to_owned(), "");
    property(8, &|_| rate_hz.to_string(), &(ANNOTATION_BYTES / 2).to_string());
    property(32, &|_| String::new(), "");
    header.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["Fp1", "O2"].map(str::to_owned).to_vec()
    }

    fn text(bytes: &[u8], from: usize, len: usize) -> String {
        String::from_utf8_lossy(&bytes[from..from + len]).trim_end().to_owned()
    }

    #[test]
    fn the_header_is_that_of_the_specification_and_names_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.edf");
        let mut edf = EdfWriter::create(&path, &names(), 4, "LP:100Hz").unwrap();
        for _ in 0..8 {
            edf.push(&[1.0, 2.0]).unwrap();
        }
        edf.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(text(&bytes, 0, 8), "0");
        assert_eq!(text(&bytes, 8, 80), "X X X X");
        assert_eq!(text(&bytes, 88, 80), "Startdate X X X NAPOT");
        assert_eq!(text(&bytes, 168, 16), "01.01.8500.00.00");
        assert_eq!(text(&bytes, 184, 8), "1024");
        assert_eq!(text(&bytes, 192, 44), "EDF+C");
        assert_eq!(text(&bytes, 236, 8), "2");
        assert_eq!(text(&bytes, 244, 8), "1");
        assert_eq!(text(&bytes, 252, 4), "3");
        assert_eq!(text(&bytes, 256, 16), "EEG Fp1");
        assert_eq!(text(&bytes, 288, 16), "EDF Annotations");
        assert_eq!(bytes.len(), 1_024 + 2 * (2 * 2 * 4 + ANNOTATION_BYTES));
    }

    #[test]
    fn samples_come_back_to_a_twentieth_of_a_microvolt_and_electrode_by_electrode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.edf");
        let mut edf = EdfWriter::create(&path, &names(), 4, "").unwrap();
        for i in 0..4 {
            edf.push(&[i as f32 * 1.23, -50.0]).unwrap();
        }
        edf.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let at = |i: usize| f32::from(i16::from_le_bytes([bytes[1_024 + 2 * i], bytes[1_025 + 2 * i]])) * 0.1;
        for i in 0..4 {
            assert!((at(i) - i as f32 * 1.23).abs() <= 0.05001);
            assert!((at(4 + i) + 50.0).abs() <= 0.05001);
        }
    }

    #[test]
    fn values_beyond_the_range_are_clamped_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.edf");
        let mut edf = EdfWriter::create(&path, &names(), 2, "").unwrap();
        edf.push(&[1e9, f32::NEG_INFINITY]).unwrap();
        edf.push(&[f32::NAN, 3_276.7]).unwrap();
        let summary = edf.finish().unwrap();
        assert_eq!(summary.clipped, 3);
        let bytes = std::fs::read(&path).unwrap();
        let steps: Vec<i16> =
            (0..4).map(|i| i16::from_le_bytes([bytes[1_024 + 2 * i], bytes[1_025 + 2 * i]])).collect();
        assert_eq!(steps, [i16::MAX, 0, i16::MIN, i16::MAX]);
    }

    #[test]
    fn until_it_is_finished_only_the_part_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.edf");
        let mut edf = EdfWriter::create(&path, &names(), 2, "").unwrap();
        edf.push(&[0.0; 2]).unwrap();
        assert!(!path.exists() && folder.path().join("e.edf.part").exists());
        let summary = edf.finish().unwrap();
        assert!(path.exists() && !folder.path().join("e.edf.part").exists());
        assert_eq!((summary.records, summary.samples), (1, 1));
        let bytes = std::fs::read(&path).unwrap();
        assert!(String::from_utf8_lossy(&bytes).contains("+0.5\u{14}Recording ends\u{14}"));
    }

    #[test]
    fn what_is_noted_of_the_last_second_after_its_samples_has_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.edf");
        let mut edf = EdfWriter::create(&path, &names(), 2, "").unwrap();
        (0..4).for_each(|_| edf.push(&[0.0; 2]).unwrap());
        edf.annotate(Timestamp(1_960_000_000), "onset");
        let summary = edf.finish().unwrap();
        assert_eq!((summary.records, summary.annotations_dropped), (2, 0));
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        assert!(text.contains("+1.96\u{14}onset\u{14}") && !text.contains("Recording ends"), "{text}");
    }

    #[test]
    fn a_run_without_samples_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.edf");
        let edf = EdfWriter::create(&path, &names(), 2, "").unwrap();
        assert!(edf.finish().unwrap_err().to_string().contains("no sample was recorded"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_flood_of_annotations_is_dropped_and_counted_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut edf = EdfWriter::create(folder.path().join("e.edf"), &names(), 2, "").unwrap();
        for i in 0..5_000 {
            edf.annotate(Timestamp::from_count(i, 1_000), "burst\n\u{14}");
        }
        edf.push(&[0.0; 2]).unwrap();
        edf.push(&[0.0; 2]).unwrap();
        let summary = edf.finish().unwrap();
        let kept = 5_000 - summary.annotations_dropped;
        assert!((50..=90).contains(&kept), "{kept} kept in one record");
    }

    #[test]
    fn onsets_are_written_exactly_and_without_rounding() {
        assert_eq!(onset(Timestamp(1_500_000_000)), "+1.5");
        assert_eq!(onset(Timestamp(0)), "+0");
        assert_eq!(onset(Timestamp(10_000_000_000)), "+10");
        assert_eq!(onset(Timestamp(-20_833)), "-0.000020833");
    }

    #[test]
    fn what_does_not_fit_the_format_is_named_with_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.edf");
        let error = |names: &[String], rate| {
            EdfWriter::create(&path, names, rate, "").map(|_| ()).unwrap_err().to_string()
        };
        assert!(error(&[], 250).contains("0 (allowed: 1 to 250)"));
        assert!(error(&["Fpä".to_owned()], 250).contains("printable ASCII"));
        assert!(error(&names(), 0).contains("1 to 16000 Hz"));
        let missing = EdfWriter::create(folder.path().join("no/e.edf"), &names(), 250, "");
        assert!(missing.map(|_| ()).unwrap_err().to_string().contains("can't be written"));
        let mut edf = EdfWriter::create(&path, &names(), 250, "").unwrap();
        assert!(edf.push(&[0.0]).unwrap_err().to_string().contains("1 (allowed: 2)"));
    }
}
