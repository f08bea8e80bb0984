//! Reads XDF, the container of the Lab Streaming Layer: all streams of numbers, merged in the order of time.
//!
//! Source: the specification of XDF 1.0 (Kothe and Brunner). The file is walked three times: for headers and clock
//! offsets, which stand all over it; for time stamps, since a line through them needs them all; and to play. What is
//! kept is a window and 8 bytes per chunk of each stream, a line per stretch without a break, and clock offsets;
//! each has a bound. No length of the file's allocates anything before it is held against the bytes that are left.
//! Reading stops at damage and does not go on from the next boundary.

mod chunks;
mod clock;
mod header;

use std::path::Path;

use self::chunks::{Chunk, Input, Tag, Window};
use self::clock::{Stamps, Straightener, Stretch};
use self::header::{Format, Header};
use super::MAX_CHANNELS;
use crate::error::{Error, Result};
use crate::signal::{ScalarLayout, ScalarSample, Stamp};
use crate::stream::Faults;
use crate::time::Timestamp;

/// The most streams, markers included.
const MAX_STREAMS: usize = 256;
/// The most chunks of samples that are played: 64 MiB of places.
const MAX_CHUNKS: usize = 8 << 20;
/// The most clock offsets: one every five seconds for a day from 15 streams.
const MAX_OFFSETS: usize = 1 << 18;
/// The most stretches without a break.
const MAX_STRETCHES: usize = 1 << 16;
/// The longest recording, in seconds: what nanoseconds in 63 bits hold.
const MAX_SECONDS: f64 = 9.2e9;

/// An XDF file, opened at its first sample.
pub struct Xdf {
    input: Input,
    streams: Vec<Stream>,
    /// All streams that have a header.
    known: Vec<u32>,
    /// Streams of strings, which are no channels.
    markers: usize,
    /// The time of the first sample on the recorder's clock.
    origin: f64,
    /// Where the last sample ends.
    duration: Timestamp,
    values: Vec<f32>,
    /// What is told behind the last sample: where the file stops being whole.
    cut: Option<Error>,
    /// What is told at the next call.
    broken: Option<Error>,
    /// Clock offsets that are no numbers.
    pub damaged: u64,
}

/// A stream of numbers.
struct Stream {
    id: u32,
    header: Header,
    offsets: Vec<(f64, f64)>,
    stamps: Stamps,
    straightener: Option<Straightener>,
    stretches: Vec<Stretch>,
    /// Chunks that hold samples, by their first byte.
    chunks: Vec<u64>,
    /// Samples that are whole.
    samples: u64,
    first_time: f64,
    last_time: f64,
    /// Its first channel among all.
    channel: usize,
    cursor: Cursor,
}

/// Where a stream is being read.
#[derive(Default)]
struct Cursor {
    window: Window,
    /// The next chunk, what is left in the current one, and where that lies.
    chunk: usize,
    left: u64,
    at: u64,
    end: u64,
    /// Samples read.
    read: u64,
    stretch: usize,
    /// When the next sample was taken, and where its values lie; `None` after the last.
    next: Option<(Timestamp, u64)>,
}

impl Xdf {
    /// Opens the file at `path`, reads all headers and clock offsets, and finds the times of all samples.
    pub fn open(path: &Path) -> Result<Self> {
        let mut input = Input::open(path)?;
        let mut window = Window::default();
        let length = b"XDF:".len();
        if !input.read(&mut window, 0, length).is_ok_and(|magic| magic == b"XDF:") {
            return Err(input.wrong(0, "the file does not begin as XDF does").bound("`XDF:`"));
        }
        let mut xdf = Self {
            input,
            streams: Vec::new(),
            known: Vec::new(),
            markers: 0,
            origin: 0.0,
            duration: Timestamp::ZERO,
            values: Vec::new(),
            cut: None,
            broken: None,
            damaged: 0,
        };
        xdf.survey(&mut window)?;
        xdf.measure(&mut window)?;
        xdf.arrange()?;
        Ok(xdf)
    }

    /// Reads headers and clock offsets, as far as the file is whole.
    fn survey(&mut self, window: &mut Window) -> Result<()> {
        let (mut at, mut offsets) = (4, 0);
        // What is wrong with a chunk is told by the second walk, which stops at the same place.
        while let Ok(Some(chunk)) = self.input.chunk(window, at) {
            if self.input.check_whole(&chunk).is_err() {
                break;
            }
            at = chunk.end;
            match chunk.tag {
                Tag::Header => self.header(&chunk)?,
                Tag::Offset => {
                    let Ok((time, value)) = self.input.offset(window, &chunk) else { break };
                    let Some(stream) = self.streams.iter_mut().find(|s| s.id == chunk.stream) else {
                        continue;
                    };
                    if !(time.is_finite() && value.is_finite()) {
                        self.damaged += 1;
                        continue;
                    }
                    if offsets == MAX_OFFSETS {
                        let error = self.input.wrong(chunk.at, "there are too many clock offsets");
                        return Err(error.value(MAX_OFFSETS + 1).bound(MAX_OFFSETS));
                    }
                    offsets += 1;
                    stream.offsets.push((time, value));
                }
                Tag::Samples | Tag::Other => {}
            }
        }
        for stream in &mut self.streams {
            let rate = stream.header.rate;
            stream.stamps = Stamps::new(rate, &stream.offsets);
            stream.straightener = (rate > 0.0 && !stream.header.drops).then(|| Straightener::new(rate));
        }
        Ok(())
    }

    fn header(&mut self, chunk: &Chunk) -> Result<()> {
        let at = |problem: &str| self.input.wrong(chunk.at, problem);
        if self.known.contains(&chunk.stream) {
            return Err(at("a second header of a stream").value(format!("stream {}", chunk.stream)));
        }
        if self.known.len() == MAX_STREAMS {
            return Err(at("there are too many streams").value(MAX_STREAMS + 1).bound(MAX_STREAMS));
        }
        self.known.push(chunk.stream);
        let text = self.input.text(chunk)?;
        let header = Header::read(&text, chunk.stream, |problem| self.input.wrong(chunk.at, problem))?;
        if header.format == Format::String {
            self.markers += 1;
        } else if header.channels > 0 {
            self.streams.push(Stream::new(chunk.stream, header));
        }
        Ok(())
    }

    /// Finds every sample and its time, as far as the file is whole.
    fn measure(&mut self, window: &mut Window) -> Result<()> {
        let (mut at, mut chunks, mut stretches) = (4, 0, 0);
        loop {
            let chunk = match self.input.chunk(window, at) {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return Ok(()),
                Err(cut) => {
                    self.cut = Some(cut);
                    return Ok(());
                }
            };
            at = chunk.end;
            let stream = self.streams.iter_mut().find(|stream| stream.id == chunk.stream);
            let walked = match (chunk.tag, stream) {
                (Tag::Samples, Some(stream)) => {
                    chunks += 1;
                    stream.measure(&mut self.input, window, &chunk, &mut stretches)
                }
                (Tag::Samples, None) if !self.known.contains(&chunk.stream) => {
                    let error = self.input.damage(chunk.at, "there are samples of a stream without a header");
                    Err(error.value(format!("stream {}", chunk.stream)))
                }
                (Tag::Offset, _) => self.input.offset(window, &chunk).map(|_| ()),
                _ => Ok(()),
            };
            if let Err(cut) = self.input.check_whole(&chunk).and(walked) {
                self.cut = Some(cut);
                return Ok(());
            }
            for (found, most, what) in [
                (chunks, MAX_CHUNKS, "there are too many chunks of samples"),
                (stretches, MAX_STRETCHES, "the recording breaks off too often"),
            ] {
                if found > most {
                    return Err(self.input.wrong(chunk.at, what).value(found).bound(most));
                }
            }
        }
    }

    /// Lays the streams that have samples on one clock.
    fn arrange(&mut self) -> Result<()> {
        self.streams.retain(|stream| stream.samples > 0);
        let channels: usize = self.streams.iter().map(|stream| stream.header.channels).sum();
        if channels == 0
            && let Some(cut) = self.cut.take()
        {
            return Err(cut);
        }
        if channels == 0 || channels > MAX_CHANNELS {
            let problem = "the number of channels with samples is out of range";
            let error = Error::input(self.input.path(), problem).value(channels);
            return Err(error.bound(format!("1 to {MAX_CHANNELS}")));
        }
        self.values = Vec::with_capacity(channels);
        let mut channel = 0;
        for stream in &mut self.streams {
            stream.settle();
            stream.channel = channel;
            channel += stream.header.channels;
        }
        self.origin = self.streams.iter().map(|s| s.first_time).fold(f64::INFINITY, f64::min);
        let last = self.streams.iter().map(|s| s.last_time).fold(f64::NEG_INFINITY, f64::max);
        let latest = last - self.origin;
        self.duration = Timestamp((latest.clamp(0.0, MAX_SECONDS) * 1e9).round() as i64);
        for stream in &mut self.streams {
            stream.advance(&mut self.input, self.origin)?;
            // Until a stream begins, its channels stand at its first values: a step from 0 would look like news.
            self.values.resize(stream.channel + stream.header.channels, 0.0);
            stream.values(&mut self.input, &mut self.values[stream.channel..])?;
        }
        Ok(())
    }

    /// What it is, in words.
    pub fn format(&self) -> String {
        let channels = super::channels(self.values.len());
        let streams = match self.streams.as_slice() {
            [stream] if stream.header.rate > 0.0 => format!(", {} Hz", stream.header.rate),
            [_] => String::new(),
            streams => format!(" of {} streams", streams.len()),
        };
        let markers = match self.markers {
            0 => String::new(),
            1 => ", 1 stream of markers left out".into(),
            more => format!(", {more} streams of markers left out"),
        };
        format!("XDF, {channels}{streams}{markers}")
    }

    /// The channels, `stream/channel`, and their units.
    pub fn layout(&self) -> ScalarLayout {
        let all = || self.streams.iter().flat_map(|s| (0..s.header.channels).map(move |c| (&s.header, c)));
        ScalarLayout {
            names: all().map(|(header, channel)| header.channel(channel)).collect(),
            units: all().map(|(header, channel)| header.unit(channel)).collect(),
        }
    }

    /// Samples per second of a file with one stream that has a rate.
    pub fn rate_hz(&self) -> Option<f64> {
        match self.streams.as_slice() {
            [stream] if stream.header.rate > 0.0 => Some(stream.header.rate),
            _ => None,
        }
    }

    /// From the first sample to the end of the last one that is whole.
    pub fn duration(&self) -> Timestamp {
        self.duration
    }

    /// The next time at which any stream has a sample, and the newest values of all.
    pub fn next(&mut self, faults: &mut Faults) -> Result<Option<ScalarSample>> {
        if let Some(broken) = self.broken.take() {
            return Err(broken);
        }
        let Some(time) =
            self.streams.iter().filter_map(|stream| stream.cursor.next).map(|(time, _)| time).min()
        else {
            return self.cut.take().map_or(Ok(None), Err);
        };
        for stream in self.streams.iter_mut().filter(|s| s.cursor.next.is_some_and(|(next, _)| next == time))
        {
            let values = &mut self.values[stream.channel..];
            faults.not_finite += stream.values(&mut self.input, values)?;
            // What comes before the fault is good, this sample included.
            if let Err(broken) = stream.advance(&mut self.input, self.origin) {
                self.broken.get_or_insert(broken);
            }
        }
        Ok(Some(ScalarSample { stamp: Stamp::recorded(time), values: self.values.clone() }))
    }
}

impl Stream {
    fn new(id: u32, header: Header) -> Self {
        Self {
            id,
            stamps: Stamps::new(header.rate, &[]),
            header,
            offsets: Vec::new(),
            straightener: None,
            stretches: Vec::new(),
            chunks: Vec::new(),
            samples: 0,
            first_time: 0.0,
            last_time: 0.0,
            channel: 0,
            cursor: Cursor::default(),
        }
    }

    /// Bytes of a sample's values.
    fn size(&self) -> u64 {
        (self.header.channels * self.header.format.bytes()) as u64
    }

    /// Takes the times of a chunk's samples, up to the first that is not whole.
    fn measure(
        &mut self,
        input: &mut Input,
        window: &mut Window,
        chunk: &Chunk,
        stretches: &mut usize,
    ) -> Result<()> {
        let size = self.size();
        let (count, mut at) = input.samples(window, chunk, size)?;
        let mut known = false;
        for _ in 0..count {
            let (stamp, values) = input.stamp(window, at, chunk.body.end, size)?;
            let time = self.stamps.next(stamp);
            if !time.is_finite() {
                return Err(input.damage(at, "a time is out of range").value(time));
            }
            if let Some(straightener) = &mut self.straightener {
                *stretches += usize::from(straightener.push(time));
                if *stretches > MAX_STRETCHES {
                    return Ok(());
                }
            }
            if !known {
                self.chunks.push(chunk.at);
                known = true;
            }
            if self.samples == 0 {
                self.first_time = time;
            }
            self.last_time = time;
            self.samples += 1;
            at = values + size;
        }
        if at != chunk.end {
            let error = input.damage(chunk.at, "a chunk is longer than its samples");
            return Err(error.value(format!("{} bytes more", chunk.end - at)).bound("0 bytes"));
        }
        Ok(())
    }

    /// Draws the line through the times, and goes back to the first sample.
    fn settle(&mut self) {
        self.stamps.restart();
        self.stretches = self.straightener.take().map(Straightener::finish).unwrap_or_default();
        if let (Some(first), Some(last)) = (self.stretches.first(), self.stretches.last()) {
            self.first_time = first.start;
            self.last_time = last.start + last.since(last.start, self.samples);
        }
    }

    /// Goes to the next sample.
    fn advance(&mut self, input: &mut Input, origin: f64) -> Result<()> {
        let size = self.size();
        let cursor = &mut self.cursor;
        let before = cursor.next.take();
        if cursor.read == self.samples {
            return Ok(());
        }
        while cursor.left == 0 {
            let place = self.chunks.get(cursor.chunk).copied().unwrap_or(u64::MAX);
            let Some(chunk) = input.chunk(&mut cursor.window, place)? else {
                return Err(input.damage(cursor.at, "the file has changed while it was read"));
            };
            (cursor.left, cursor.at) = input.samples(&mut cursor.window, &chunk, size)?;
            cursor.end = chunk.body.end;
            cursor.chunk += 1;
        }
        let at = cursor.at;
        let (stamp, values) = input.stamp(&mut cursor.window, at, cursor.end, size)?;
        while self.stretches.get(cursor.stretch + 1).is_some_and(|next| next.from <= cursor.read) {
            cursor.stretch += 1;
        }
        let since = match self.stretches.get(cursor.stretch) {
            Some(stretch) => stretch.since(origin, cursor.read),
            None => self.stamps.next(stamp) - origin,
        };
        cursor.read += 1;
        cursor.left -= 1;
        cursor.at = values + size;
        if !(-MAX_SECONDS..=MAX_SECONDS).contains(&since) {
            let error = input.damage(at, "a time is out of range").value(format!("{since} s"));
            return Err(error.bound(format!("up to {MAX_SECONDS} s after the first sample")));
        }
        let time = Timestamp((since * 1e9).round() as i64);
        if let Some((last, _)) = before.filter(|(last, _)| time < *last) {
            let place = format!("byte {at} (stream `{}`, sample {})", self.header.name, cursor.read);
            let error = Error::input(input.path(), "the time runs backwards").at(place).value(time);
            return Err(error.bound(format!("{last} or later")));
        }
        cursor.next = Some((time, values));
        Ok(())
    }

    /// Reads the values of the next sample into the first of `out`; how many are not finite and stay as they are.
    fn values(&mut self, input: &mut Input, out: &mut [f32]) -> Result<u64> {
        let Some((_, at)) = self.cursor.next else { return Ok(0) };
        let size = self.size() as usize;
        let bytes = input.read(&mut self.cursor.window, at, size)?;
        let mut not_finite = 0;
        for (value, bytes) in out.iter_mut().zip(bytes.chunks_exact(self.header.format.bytes().max(1))) {
            let new = self.header.format.value(bytes);
            not_finite += u64::from(!new.is_finite());
            *value = if new.is_finite() { new } else { *value };
        }
        Ok(not_finite)
    }
}

#[cfg(test)]
mod tests;
