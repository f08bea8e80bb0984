//! AVI (RIFF, with `OpenDML`'s further `RIFF AVIX` segments): headers, and Motion-JPEG packets in file order.
//!
//! Frame `n` is shown at `(dwStart + n) * dwScale / dwRate` seconds of its stream header. An empty chunk
//! holds the picture before it. The indexes are not needed and not read.
//! Sources: Microsoft, "AVI RIFF File Reference"; Matrox, "`OpenDML` AVI File Format Extensions" 1.02.

use std::io::Read;

use super::input::{Input, MAX_PACKET, check_size, cut_short};
use super::motion_jpeg::{MotionJpeg, Packets};
use super::{FrameSource, Rate, VideoOptions, child};
use crate::error::{Error, Result};
use crate::time::Timestamp;

/// Most bytes of the header list: a few hundred are usual, `OpenDML`'s index tables make it some ten thousand.
const MAX_HEADER: u32 = 1 << 22;

/// Opens the AVI file `input` of `length` bytes: here where it is Motion-JPEG, else through the child.
///
/// # Errors
/// Where the header is damaged or absurd.
pub(super) fn open<R: Read + Send + 'static>(
    input: Input<R>,
    length: u64,
    options: &VideoOptions,
) -> Result<Option<FrameSource>> {
    let mut avi = Avi::new(input)?;
    let Some(video) = avi.header()? else { return Ok(None) };
    let path = avi.input.path().to_owned();
    let codec = video.codec.escape_ascii().to_string();
    if !matches!(video.codec.to_ascii_uppercase().as_slice(), b"MJPG" | b"JPEG" | b"AVRN" | b"DMB1") {
        let cut = avi.riff_end.is_some_and(|end| end > length);
        let name = format!("AVI, {codec}");
        return child::open(&path, options, &child::Known { name, cut, from_zero: true });
    }
    check_size(&path, "the stream's format header", video.width, video.height)?;
    let format = format!("Motion-JPEG (AVI) {}x{}, {}", video.width, video.height, video.rate);
    avi.video = Some(video);
    Ok(Some(Box::new(MotionJpeg::new(avi, format, video.height))))
}

/// The picture track.
#[derive(Clone, Copy)]
struct Video {
    /// The stream's number, as the two digits that start its chunks' names.
    number: [u8; 2],
    codec: [u8; 4],
    width: usize,
    height: usize,
    rate: Rate,
    start: u64,
    /// The frames that the header promises; 0 where a recorder never came to write it.
    length: u64,
}

struct Avi<R> {
    input: Input<R>,
    video: Option<Video>,
    /// The byte after the current `RIFF` segment, where it is known.
    riff_end: Option<u64>,
    /// The byte after the current `LIST movi`.
    movi_end: Option<u64>,
    index: u64,
}

impl<R: Read> Avi<R> {
    fn new(mut input: Input<R>) -> Result<Self> {
        let Some(head) = input.array::<12>()? else {
            return Err(input.error("the file ends within its first header"));
        };
        let size = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        Ok(Self { input, video: None, riff_end: end_of(8, size), movi_end: None, index: 0 })
    }

    /// Reads up to the pictures; `None` where there is no picture track.
    fn header(&mut self) -> Result<Option<Video>> {
        loop {
            let Some((id, size)) = self.chunk()? else {
                return Err(self.input.error("the file ends before its header list (`hdrl`)"));
            };
            if &id != b"LIST" {
                self.pass(size)?;
                continue;
            }
            let Some(kind) = self.input.array::<4>()? else {
                return Err(self.input.error("the file ends within a list"));
            };
            let rest = size.saturating_sub(4);
            if &kind != b"hdrl" {
                self.pass(rest)?;
                continue;
            }
            if rest > MAX_HEADER {
                return Err(self
                    .input
                    .error("the header list is too long")
                    .value(format!("{rest} bytes"))
                    .bound(format!("at most {MAX_HEADER} bytes")));
            }
            let mut header = Vec::new();
            if !self.input.append(u64::from(rest), &mut header)? {
                return Err(self.input.error("the file ends within its header list"));
            }
            return self.streams(&header);
        }
    }

    /// The first picture track of the header list's content.
    fn streams(&self, header: &[u8]) -> Result<Option<Video>> {
        let period = chunks(header).find(|(id, _)| id == b"avih").and_then(|(_, avih)| word(avih, 0));
        let lists = chunks(header).filter(|(id, body)| id == b"LIST" && body.starts_with(b"strl"));
        for (number, (_, list)) in lists.enumerate() {
            let part = |name: &[u8; 4]| chunks(&list[4..]).find(|(id, _)| id == name).map(|(_, body)| body);
            let Some(strh) = part(b"strh") else { continue };
            if !strh.starts_with(b"vids") {
                continue;
            }
            let [Some(scale), Some(rate), Some(start), Some(length)] =
                [20, 24, 28, 32].map(|at| word(strh, at))
            else {
                return Err(self.input.error("the stream header (`strh`) is too short"));
            };
            let Some(strf) = part(b"strf").filter(|strf| strf.len() >= 20) else {
                return Err(self.input.error("the stream's format header (`strf`) is missing or too short"));
            };
            let rate = if rate == 0 || scale == 0 {
                Rate::new(1_000_000, period.unwrap_or(0))
            } else {
                Rate::new(rate, scale)
            };
            let Some(rate) = rate else {
                let found = format!("rate {}, scale {scale}", word(strh, 24).unwrap_or(0));
                return Err(self
                    .input
                    .error("the frame rate is out of range")
                    .value(found)
                    .bound(Rate::BOUND));
            };
            // A negative height says that rows start at the top: the picture decoder knows better.
            let side = |at| word(strf, at).map_or(0, |side| side.cast_signed().unsigned_abs() as usize);
            return Ok(Some(Video {
                number: [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8],
                codec: strf[16..20].try_into().unwrap_or_default(),
                width: side(4),
                height: side(8),
                rate,
                start: u64::from(start),
                length: u64::from(length),
            }));
        }
        Ok(None)
    }

    /// The next chunk's name and size; `None` where the input ends before it.
    fn chunk(&mut self) -> Result<Option<([u8; 4], u32)>> {
        let at = self.input.position();
        let Some([a, b, c, d, size @ ..]) = self.input.array::<8>()? else {
            return Ok(None);
        };
        let id = [a, b, c, d];
        if !id.iter().all(|byte| (0x20..0x7F).contains(byte)) {
            return Err(Error::input(self.input.path(), "there is no chunk where one belongs")
                .at(format!("byte {at}"))
                .value(format!("`{}`", id.escape_ascii()))
                .bound("four printable letters"));
        }
        Ok(Some((id, u32::from_le_bytes(size))))
    }

    /// Passes over a chunk's content and its padding; whether it was all there does not matter in a header.
    fn pass(&mut self, size: u32) -> Result<bool> {
        self.input.skip(u64::from(size) + u64::from(size & 1))
    }

    fn time(&self) -> Timestamp {
        self.video.map_or(Timestamp::ZERO, |video| video.rate.time(video.start + self.index))
    }

    fn cut(&self) -> Error {
        cut_short(self.input.path(), self.index, self.time())
    }

    /// What it means that no chunk follows: the end, or a cut. A cut between two segments shows only in
    /// the header's count of frames.
    fn at_end(&self, before: u64) -> Result<Option<Timestamp>> {
        let promised = self.video.is_some_and(|video| self.index < video.length);
        if promised || self.riff_end.is_some_and(|end| before < end) { Err(self.cut()) } else { Ok(None) }
    }

    /// Enters the list of `size` bytes where it holds pictures, else passes over it; `false` at a cut.
    fn list(&mut self, size: u32) -> Result<bool> {
        let end = end_of(self.input.position(), size);
        let Some(kind) = self.input.array::<4>()? else { return Ok(false) };
        match &kind {
            b"movi" => self.movi_end = end,
            b"rec " => {}
            _ => return self.pass(size.saturating_sub(4)),
        }
        Ok(true)
    }

    /// Reads the picture of `size` bytes; `None` where the input ends within it.
    fn picture(&mut self, size: u32, data: &mut Vec<u8>) -> Result<Option<Timestamp>> {
        let (at, length) = (self.input.position(), u64::from(size));
        let room = self.movi_end.map_or(MAX_PACKET, |end| end.saturating_sub(at)).min(MAX_PACKET);
        if length > room {
            return Err(self
                .input
                .error("a picture's chunk is longer than what holds it")
                .at(format!("byte {}, frame {}", at - 4, self.index))
                .value(format!("{length} bytes"))
                .bound(format!("at most {room} bytes")));
        }
        if !self.input.append(length, data)? {
            return Ok(None);
        }
        // The last chunk's padding may be missing from a file that ends with it.
        self.input.skip(length & 1)?;
        let time = self.time();
        self.index += 1;
        Ok(Some(time))
    }
}

impl<R: Read + Send> Packets for Avi<R> {
    fn next(&mut self, data: &mut Vec<u8>) -> Result<Option<Timestamp>> {
        let Some(video) = self.video else { return Ok(None) };
        loop {
            let before = self.input.position();
            let past_segment = self.riff_end.is_some_and(|end| before >= end);
            let chunk = match self.chunk() {
                // What follows the last segment belongs to no chunk.
                Err(_) if past_segment => return Ok(None),
                chunk => chunk?,
            };
            let Some((id, size)) = chunk else { return self.at_end(before) };
            match &id {
                b"RIFF" => {
                    let Some(form) = self.input.array::<4>()? else { return Err(self.cut()) };
                    if &form != b"AVIX" {
                        return Ok(None);
                    }
                    self.riff_end = end_of(before + 8, size);
                }
                _ if past_segment => return Ok(None),
                b"LIST" => {
                    if !self.list(size)? {
                        return Err(self.cut());
                    }
                }
                [a, b, b'd', b'c' | b'b'] if [*a, *b] == video.number && self.movi_end.is_some() => {
                    if size == 0 {
                        self.index += 1;
                        continue;
                    }
                    return self.picture(size, data)?.ok_or_else(|| self.cut()).map(Some);
                }
                _ => {
                    if !self.pass(size)? && self.riff_end.is_none_or(|end| end > self.input.position()) {
                        return Err(self.cut());
                    }
                }
            }
        }
    }

    fn path(&self) -> &std::path::Path {
        self.input.path()
    }
}

/// The byte after `size` bytes from `start` on; unknown where a recorder never came to write the size.
fn end_of(start: u64, size: u32) -> Option<u64> {
    (size != 0 && size != u32::MAX).then_some(start + u64::from(size))
}

/// The chunks in `bytes` up to the first that is not whole.
fn chunks(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = bytes.split_first_chunk::<8>()?;
        let [a, b, c, d, size @ ..] = *head;
        let size = u32::from_le_bytes(size) as usize;
        let body = rest.get(..size)?;
        bytes = rest.get(size + (size & 1)..).unwrap_or_default();
        Some(([a, b, c, d], body))
    })
}

/// The 32-bit number at byte `at`.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let (word, _) = bytes.get(at..)?.split_first_chunk::<4>()?;
    Some(u32::from_le_bytes(*word))
}
