//! Writes electrodes as XDF: a stream of EEG and a stream of markers, in bounded memory.
//!
//! The specification of XDF 1.0 (Kothe and Brunner): a file's header, a header per stream, chunks of samples of which
//! the first has a time stamp and the others follow at the rate, a boundary every ten seconds for readers that have
//! lost the way, and a footer per stream. Values are `float32` in microvolts, times seconds after the start; both
//! streams share the clock, so each has one clock offset, of 0. The file names no person, machine or date.

use std::io::Write;
use std::path::Path;

use quick_xml::escape::escape;

use super::part::PartFile;
use crate::error::{Error, Result};
use crate::signal::ElectrodeItem;
use crate::stream::Sink;
use crate::time::Timestamp;

/// The chunks' tags.
const FILE_HEADER: u16 = 1;
const STREAM_HEADER: u16 = 2;
const SAMPLES: u16 = 3;
const CLOCK_OFFSET: u16 = 4;
const BOUNDARY: u16 = 5;
const STREAM_FOOTER: u16 = 6;
/// The streams' numbers.
const ELECTRODES: u32 = 1;
const MARKERS: u32 = 2;
/// What a boundary consists of, after the specification.
const BOUNDARY_MARK: [u8; 16] =
    [0x43, 0xa5, 0x46, 0xdc, 0xcb, 0xf5, 0x41, 0x0f, 0xb3, 0x0e, 0xd5, 0x46, 0x73, 0x83, 0xcb, 0xe4];
/// Seconds between boundaries.
const BOUNDARY_SECONDS: u64 = 10;
/// The most samples of a chunk; a second, where that is less.
const MOST_IN_CHUNK: u32 = 1_024;
/// Markers that may wait for the next chunk; more are dropped and counted.
const MOST_WAITING: u64 = 4_096;
/// A marker's text is cut to this many bytes.
const MOST_TEXT: usize = 200;
/// What may be written.
const MOST_ELECTRODES: usize = 4_096;
const MOST_NAME: usize = 80;
const MOST_HZ: u32 = 1_000_000;

/// What a finished file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct XdfSummary {
    /// Samples per electrode.
    pub samples: u64,
    /// Values that were no finite number, written as 0.
    pub not_finite: u64,
    /// Markers that were written.
    pub annotations: u64,
    /// Markers that found no room.
    pub annotations_dropped: u64,
}

/// An XDF file being written, under the name `NAME.part` until it is finished.
#[derive(Debug)]
pub struct XdfWriter {
    file: PartFile,
    electrodes: usize,
    rate_hz: u32,
    /// Samples of the open chunk, and how many they are.
    chunk: Vec<u8>,
    filled: u32,
    /// Markers that wait, and how many they are.
    waiting: Vec<u8>,
    marked: u64,
    /// First and last marker, in nanoseconds.
    marks: Option<(i64, i64)>,
    boundaries: u64,
    summary: XdfSummary,
}

impl XdfWriter {
    /// Begins `path` for the electrodes `names` at `rate_hz` samples per second.
    ///
    /// # Errors
    /// Where there are no electrodes or more than 4096, a name is empty, has control characters or more than 80 bytes,
    /// the rate is 0 or above 1 MHz, or the file cannot be written.
    pub fn create(path: impl AsRef<Path>, names: &[String], rate_hz: u32) -> Result<Self> {
        let path = path.as_ref();
        if names.is_empty() || names.len() > MOST_ELECTRODES {
            return Err(Error::output(path, "the number of electrodes does not fit an XDF file")
                .value(names.len())
                .bound(format!("1 to {MOST_ELECTRODES}")));
        }
        if let Some(name) = names.iter().find(|name| !is_label(name)) {
            return Err(Error::output(path, "an electrode's name does not fit an XDF label")
                .value(format!("{name:?}"))
                .bound(format!("1 to {MOST_NAME} bytes without control characters")));
        }
        if !(1..=MOST_HZ).contains(&rate_hz) {
            return Err(Error::output(path, "the rate does not fit an XDF file")
                .value(rate_hz)
                .bound(format!("1 to {MOST_HZ} Hz")));
        }
        let mut file = PartFile::create(path)?;
        file.with(|file| begin(file, names, rate_hz))?;
        Ok(Self {
            file,
            electrodes: names.len(),
            rate_hz,
            chunk: Vec::new(),
            filled: 0,
            waiting: Vec::new(),
            marked: 0,
            marks: None,
            boundaries: 0,
            summary: XdfSummary::default(),
        })
    }

    /// Takes one sample per electrode, in microvolts.
    ///
    /// # Errors
    /// Where a chunk cannot be written, or `microvolts` does not hold one value per electrode.
    pub fn push(&mut self, microvolts: &[f32]) -> Result<()> {
        if microvolts.len() != self.electrodes {
            return Err(Error::output(self.file.path(), "a sample has another number of electrodes")
                .value(microvolts.len())
                .bound(self.electrodes));
        }
        if self.filled == 0 {
            self.chunk.push(8);
            self.chunk.extend(self.time(self.summary.samples).to_le_bytes());
        } else {
            self.chunk.push(0);
        }
        for value in microvolts {
            self.summary.not_finite += u64::from(!value.is_finite());
            let value = if value.is_finite() { *value } else { 0.0 };
            self.chunk.extend(value.to_le_bytes());
        }
        self.filled += 1;
        self.summary.samples += 1;
        if self.filled == MOST_IN_CHUNK.min(self.rate_hz) {
            self.write_chunks()?;
        }
        Ok(())
    }

    /// Notes `text` at `time` after the start; control characters become spaces, long texts are cut.
    ///
    /// It enters the file behind the samples of its second, in the order of the calls; what finds no room is counted.
    pub fn annotate(&mut self, time: Timestamp, text: &str) {
        if self.marked == MOST_WAITING {
            self.summary.annotations_dropped += 1;
            return;
        }
        let mut end = text.len().min(MOST_TEXT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let clean: String = text[..end].chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.waiting.push(8);
        self.waiting.extend(seconds(time.0).to_le_bytes());
        put_length(&mut self.waiting, clean.len() as u64);
        self.waiting.extend(clean.bytes());
        self.marked += 1;
        self.marks = Some((self.marks.map_or(time.0, |(first, _)| first), time.0));
    }

    /// Writes what is left and the footers, and gives the file its name.
    ///
    /// # Errors
    /// Where nothing was pushed or the end cannot be written; then no file of the final name is made.
    pub fn finish(mut self) -> Result<XdfSummary> {
        if self.summary.samples == 0 {
            let none = Error::output(self.file.path(), "no sample was recorded, so there is no file");
            self.file.remove();
            return Err(none);
        }
        self.write_chunks()?;
        let last = self.time(self.summary.samples - 1);
        let electrodes = stream_footer(0.0, last, self.summary.samples);
        let (first, last) = self.marks.unwrap_or_default();
        let markers = stream_footer(seconds(first), seconds(last), self.summary.annotations);
        self.file.with(|file| {
            write(file, STREAM_FOOTER, Some(ELECTRODES), &[electrodes.as_bytes()])?;
            write(file, STREAM_FOOTER, Some(MARKERS), &[markers.as_bytes()])
        })?;
        self.file.finish_on_disk()?;
        Ok(self.summary)
    }

    /// When sample `number` was taken, in seconds: by its count, so that nothing adds up.
    fn time(&self, number: u64) -> f64 {
        number as f64 / f64::from(self.rate_hz)
    }

    /// Writes the open chunk, the markers that wait, and a boundary where it is time for one.
    fn write_chunks(&mut self) -> Result<()> {
        self.file.with(|file| {
            write_samples(file, ELECTRODES, u64::from(self.filled), &self.chunk)?;
            write_samples(file, MARKERS, self.marked, &self.waiting)
        })?;
        self.chunk.clear();
        self.waiting.clear();
        self.summary.annotations += self.marked;
        (self.filled, self.marked) = (0, 0);
        let due = self.summary.samples / (u64::from(self.rate_hz) * BOUNDARY_SECONDS);
        if due > self.boundaries {
            self.boundaries = due;
            self.file.with(|file| write(file, BOUNDARY, None, &[&BOUNDARY_MARK]))?;
        }
        Ok(())
    }
}

impl Sink for XdfWriter {
    type Item = ElectrodeItem;

    fn push(&mut self, item: &ElectrodeItem) -> Result<()> {
        match item {
            ElectrodeItem::Sample(microvolts) => XdfWriter::push(self, microvolts),
            ElectrodeItem::Mark(time, text) => {
                self.annotate(*time, text);
                Ok(())
            }
        }
    }

    fn finish(self: Box<Self>) -> Result<()> {
        XdfWriter::finish(*self).map(|_| ())
    }
}

/// Writes the heads of the file and of its streams, and their clocks' offsets.
fn begin(file: &mut impl Write, names: &[String], rate_hz: u32) -> std::io::Result<()> {
    file.write_all(b"XDF:")?;
    write(file, FILE_HEADER, None, &[b"<?xml version=\"1.0\"?><info><version>1.0</version></info>"])?;
    let channel = |name: &String| {
        let label = escape(name.as_str());
        format!("<channel><label>{label}</label><unit>microvolts</unit><type>EEG</type></channel>")
    };
    let channels: String = names.iter().map(channel).collect();
    let header = stream_header("electrodes", "EEG", names.len(), rate_hz, "float32", &channels);
    write(file, STREAM_HEADER, Some(ELECTRODES), &[header.as_bytes()])?;
    let channel = "<channel><label>text</label><type>Markers</type></channel>";
    let header = stream_header("markers", "Markers", 1, 0, "string", channel);
    write(file, STREAM_HEADER, Some(MARKERS), &[header.as_bytes()])?;
    for stream in [ELECTRODES, MARKERS] {
        // When it was measured, and the offset.
        write(file, CLOCK_OFFSET, Some(stream), &[&0_f64.to_le_bytes(), &0_f64.to_le_bytes()])?;
    }
    Ok(())
}

/// Writes a chunk of samples, where there are any.
fn write_samples(file: &mut impl Write, stream: u32, count: u64, samples: &[u8]) -> std::io::Result<()> {
    if count == 0 {
        return Ok(());
    }
    let mut number = Vec::new();
    put_length(&mut number, count);
    write(file, SAMPLES, Some(stream), &[&number, samples])
}

/// Writes one chunk: its length, tag, stream and content.
fn write(file: &mut impl Write, tag: u16, stream: Option<u32>, content: &[&[u8]]) -> std::io::Result<()> {
    let owner = stream.map(u32::to_le_bytes);
    let owner = owner.as_ref().map_or(&[][..], |bytes| bytes);
    let length = 2 + owner.len() + content.iter().map(|piece| piece.len()).sum::<usize>();
    let mut head = Vec::new();
    put_length(&mut head, length as u64);
    head.extend(tag.to_le_bytes());
    head.extend(owner);
    file.write_all(&head)?;
    content.iter().try_for_each(|piece| file.write_all(piece))
}

fn is_label(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MOST_NAME && !text.chars().any(char::is_control)
}

/// Nanoseconds in the seconds of the file.
fn seconds(nanoseconds: i64) -> f64 {
    nanoseconds as f64 / 1e9
}

/// A whole number of variable length: how many bytes it takes (1, 4 or 8), and they.
fn put_length(out: &mut Vec<u8>, value: u64) {
    if let Ok(value) = u8::try_from(value) {
        out.extend([1, value]);
    } else if let Ok(value) = u32::try_from(value) {
        out.push(4);
        out.extend(value.to_le_bytes());
    } else {
        out.push(8);
        out.extend(value.to_le_bytes());
    }
}

fn stream_header(name: &str, kind: &str, count: usize, rate_hz: u32, format: &str, channels: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><info><name>{name}</name><type>{kind}</type><channel_count>{count}</channel_count>\
         <nominal_srate>{rate_hz}</nominal_srate><channel_format>{format}</channel_format>\
         <source_id>napot-{name}</source_id><desc><manufacturer>NAPOT</manufacturer>\
         <channels>{channels}</channels></desc></info>"
    )
}

fn stream_footer(first: f64, last: f64, count: u64) -> String {
    format!(
        "<?xml version=\"1.0\"?><info><first_timestamp>{first}</first_timestamp>\
         <last_timestamp>{last}</last_timestamp><sample_count>{count}</sample_count></info>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["Fp1", "a<b & \"c\""].map(str::to_owned).to_vec()
    }

    /// Tag, stream and content of every chunk of a whole file.
    fn chunks(bytes: &[u8]) -> Vec<(u16, Option<u32>, Vec<u8>)> {
        assert_eq!(&bytes[..4], b"XDF:");
        let mut rest = &bytes[4..];
        let mut found = Vec::new();
        while let [width, more @ ..] = rest {
            let width = usize::from(*width);
            let length = more[..width].iter().rev().fold(0, |sum, byte| 256 * sum + usize::from(*byte));
            let (chunk, behind) = more[width..].split_at(length);
            let tag = u16::from_le_bytes([chunk[0], chunk[1]]);
            let owned = [2, 3, 4, 6].contains(&tag);
            let stream = owned.then(|| u32::from_le_bytes(chunk[2..6].try_into().unwrap()));
            found.push((tag, stream, chunk[if owned { 6 } else { 2 }..].to_vec()));
            rest = behind;
        }
        found
    }

    #[test]
    fn the_chunks_are_those_of_the_specification() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.xdf");
        let mut xdf = XdfWriter::create(&path, &names(), 2).unwrap();
        for n in 0..21 {
            xdf.push(&[n as f32, -1.0]).unwrap();
        }
        xdf.annotate(Timestamp(1_500_000_000), "onset\n1");
        let summary = xdf.finish().unwrap();
        assert_eq!((summary.samples, summary.annotations, summary.annotations_dropped), (21, 1, 0));
        let chunks = chunks(&std::fs::read(&path).unwrap());
        let tags: Vec<u16> = chunks.iter().map(|chunk| chunk.0).collect();
        let samples = [SAMPLES; 10];
        let whole = [&[1, 2, 2, 4, 4][..], &samples, &[5, 3, 3, 6, 6]].concat();
        assert_eq!(tags, whole);
        let header = String::from_utf8(chunks[1].2.clone()).unwrap();
        for part in [
            "<name>electrodes</name><type>EEG</type><channel_count>2</channel_count>",
            "<nominal_srate>2</nominal_srate><channel_format>float32</channel_format>",
            "<channel><label>Fp1</label><unit>microvolts</unit><type>EEG</type></channel>",
            "<label>a&lt;b &amp; &quot;c&quot;</label>",
        ] {
            assert!(header.contains(part), "{header}");
        }
        // Two samples: the first with the time of the chunk, the second without.
        let expected: Vec<u8> = [&[1, 2, 8][..], &1_f64.to_le_bytes(), &2_f32.to_le_bytes()]
            .concat()
            .into_iter()
            .chain((-1_f32).to_le_bytes())
            .chain([0])
            .chain(3_f32.to_le_bytes())
            .chain((-1_f32).to_le_bytes())
            .collect();
        assert_eq!((chunks[6].1, &chunks[6].2), (Some(ELECTRODES), &expected));
        let marker = [&[1, 1, 8][..], &1.5_f64.to_le_bytes(), &[1, 7], b"onset 1"].concat();
        assert_eq!((chunks[17].1, &chunks[17].2), (Some(MARKERS), &marker));
        let footer = String::from_utf8(chunks[18].2.clone()).unwrap();
        assert!(footer.contains("<last_timestamp>10</last_timestamp><sample_count>21</sample_count>"));
    }

    #[test]
    fn until_it_is_finished_only_the_part_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.xdf");
        let mut xdf = XdfWriter::create(&path, &names(), 2).unwrap();
        xdf.push(&[f32::NAN, f32::INFINITY]).unwrap();
        assert!(!path.exists() && folder.path().join("e.xdf.part").exists());
        assert_eq!(xdf.finish().unwrap().not_finite, 2);
        assert!(path.exists() && !folder.path().join("e.xdf.part").exists());
    }

    #[test]
    fn a_run_without_samples_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let xdf = XdfWriter::create(folder.path().join("e.xdf"), &names(), 2).unwrap();
        assert!(xdf.finish().unwrap_err().to_string().contains("no sample was recorded"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_flood_of_markers_is_dropped_and_counted_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut xdf = XdfWriter::create(folder.path().join("e.xdf"), &names(), 1).unwrap();
        for _ in 0..2 {
            for n in 0..5_000 {
                xdf.annotate(Timestamp::from_count(n, 1_000), &"\u{e4}".repeat(400));
            }
            assert!(xdf.waiting.len() as u64 <= MOST_WAITING * (MOST_TEXT as u64 + 11));
            xdf.push(&[0.0; 2]).unwrap();
        }
        let summary = xdf.finish().unwrap();
        assert_eq!((summary.annotations, summary.annotations_dropped), (2 * 4_096, 2 * 904));
    }

    #[test]
    fn what_does_not_fit_the_format_is_named_with_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.xdf");
        let error = |names: &[String], rate| {
            XdfWriter::create(&path, names, rate).map(|_| ()).unwrap_err().to_string()
        };
        assert!(error(&[], 250).contains("0 (allowed: 1 to 4096)"));
        assert!(error(&["a\nb".to_owned()], 250).contains("without control characters"));
        assert!(error(&names(), 0).contains("1 to 1000000 Hz"));
        let missing = XdfWriter::create(folder.path().join("no/e.xdf"), &names(), 250);
        assert!(missing.map(|_| ()).unwrap_err().to_string().contains("can't be written"));
        let mut xdf = XdfWriter::create(&path, &names(), 250).unwrap();
        assert!(xdf.push(&[0.0]).unwrap_err().to_string().contains("1 (allowed: 2)"));
    }
}
