//! Matroska and `WebM`, read forwards only: from files with Motion-JPEG and from the child's pipe.
//!
//! Elements are read one after the other; of the masters only `Segment`, `Cluster` and `BlockGroup` are
//! entered, so that clusters of unknown size need no care. A block is shown at
//! `(cluster timestamp + block timestamp) * TimestampScale` nanoseconds. Sources: RFC 8794 (EBML), RFC 9559.

use std::io::Read;

use super::input::{Input, MAX_PACKET, check_size, cut_short};
use super::motion_jpeg::{MotionJpeg, Packets};
use super::yuv::ColourTag;
use super::{FrameSource, VideoOptions, child};
use crate::error::{Error, Result};
use crate::time::Timestamp;

const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_A966;
const TRACKS: u32 = 0x1654_AE6B;
const CLUSTER: u32 = 0x1F43_B675;
const CLUSTER_TIME: u32 = 0xE7;
const BLOCK_GROUP: u32 = 0xA0;
const BLOCK: u32 = 0xA1;
const SIMPLE_BLOCK: u32 = 0xA3;

/// Most bytes of the track list and of the segment's information.
const MAX_HEADER: u64 = 1 << 22;

/// Opens the Matroska file `input` of `length` bytes: here where it is Motion-JPEG, else through the child.
///
/// # Errors
/// Where the header is damaged or absurd.
pub(super) fn open<R: Read + Send + 'static>(
    input: Input<R>,
    length: u64,
    options: &VideoOptions,
) -> Result<Option<FrameSource>> {
    let Some(matroska) = Matroska::new(input)? else { return Ok(None) };
    let (track, path) = (matroska.track.clone(), matroska.input.path().to_owned());
    if track.codec != "V_MJPEG" || track.encoded {
        let cut = matroska.segment_end.is_some_and(|end| end > length);
        let name = format!("Matroska, {}", track.codec);
        return child::open(&path, options, &child::Known { name, cut, from_zero: true });
    }
    check_size(&path, "the track's header", track.width, track.height)?;
    let format = format!("Motion-JPEG (Matroska) {}x{}", track.width, track.height);
    Ok(Some(Box::new(MotionJpeg::new(matroska, format, track.height))))
}

/// The picture track.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    number: u64,
    /// The codec's identifier: `V_MJPEG`.
    pub codec: String,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// What is said about its colours.
    pub colour: ColourTag,
    /// Bytes that were taken off the start of every block.
    prefix: Vec<u8>,
    /// Whether blocks are compressed or encrypted once more.
    encoded: bool,
}

/// A file's picture track, block by block.
pub(super) struct Matroska<R> {
    input: Input<R>,
    track: Track,
    scale: u64,
    segment_end: Option<u64>,
    cluster_end: Option<u64>,
    cluster_time: i64,
    index: u64,
    last: Timestamp,
}

impl<R: Read> Matroska<R> {
    /// Reads up to the track list; `None` where it has no picture track.
    ///
    /// # Errors
    /// Where the header is damaged.
    pub fn new(input: Input<R>) -> Result<Option<Self>> {
        let mut this = Self {
            input,
            track: Track::default(),
            scale: 1_000_000,
            segment_end: None,
            cluster_end: None,
            cluster_time: 0,
            index: 0,
            last: Timestamp::ZERO,
        };
        loop {
            let Some((id, size)) = this.element()? else {
                return Err(this.input.error("the file ends before its track list"));
            };
            match (id, size) {
                (SEGMENT, _) => {
                    this.segment_end = size.map(|size| this.input.position().saturating_add(size));
                }
                (CLUSTER, _) => return Err(this.input.error("the pictures start before the track list")),
                (TRACKS, Some(size)) => {
                    let body = this.body(size)?;
                    let Some(track) = tracks(&body) else { return Ok(None) };
                    this.track = track;
                    return Ok(Some(this));
                }
                (INFO, Some(size)) => {
                    let body = this.body(size)?;
                    if let Some((_, scale)) = children(&body).find(|&(id, _)| id == 0x2A_D7B1) {
                        this.scale = number(scale).clamp(1, 1_000_000_000_000);
                    }
                }
                (_, Some(size)) => {
                    if !this.input.skip(size)? {
                        return Err(this.input.error("the file ends before its track list"));
                    }
                }
                (_, None) => return Err(this.input.error("an element has no size")),
            }
        }
    }

    /// The track.
    pub fn track(&self) -> &Track {
        &self.track
    }

    /// Blocks given so far.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The time of the last block.
    pub fn last(&self) -> Timestamp {
        self.last
    }

    /// Puts the next block of the picture track into `data`, at most `limit` bytes, and gives its time;
    /// `None` at the end.
    ///
    /// # Errors
    /// Where the file is cut short or damaged.
    pub fn block(&mut self, data: &mut Vec<u8>, limit: u64) -> Result<Option<Timestamp>> {
        loop {
            let before = self.input.position();
            let Some((id, size)) = self.element()? else {
                let inside = |end: Option<u64>| end.is_some_and(|end| before < end);
                let cut =
                    self.input.position() != before || inside(self.segment_end) || inside(self.cluster_end);
                return if cut { Err(self.cut()) } else { Ok(None) };
            };
            if id == SEGMENT || id == CLUSTER || id == BLOCK_GROUP {
                if id == CLUSTER {
                    self.cluster_end = size.map(|size| self.input.position().saturating_add(size));
                }
                continue;
            }
            let Some(size) = size else {
                return Err(self.input.error("an element has no size").value(format!("{id:X}")));
            };
            let room = self.segment_end.map_or(u64::MAX, |end| end.saturating_sub(self.input.position()));
            if size > room {
                return Err(self.too_long(id, size, room));
            }
            match id {
                CLUSTER_TIME if size <= 8 => {
                    let body = self.body(size)?;
                    self.cluster_time = i64::try_from(number(&body)).unwrap_or(i64::MAX);
                }
                SIMPLE_BLOCK | BLOCK => {
                    if let Some(time) = self.picture(size, limit, data)? {
                        return Ok(Some(time));
                    }
                }
                _ => {
                    if !self.input.skip(size)? {
                        return Err(self.cut());
                    }
                }
            }
        }
    }

    /// Reads a block of `size` bytes; `None` where it is another track's.
    fn picture(&mut self, size: u64, limit: u64, data: &mut Vec<u8>) -> Result<Option<Timestamp>> {
        let start = self.input.position();
        let Some((number, _)) = self.vint()? else { return Err(self.cut()) };
        let Some([high, low, flags]) = self.input.array::<3>()? else { return Err(self.cut()) };
        let head = self.input.position() - start;
        let Some(length) = size.checked_sub(head) else { return Err(self.too_long(BLOCK, head, size)) };
        if number != self.track.number {
            return if self.input.skip(length)? { Ok(None) } else { Err(self.cut()) };
        }
        if flags & 0x06 != 0 {
            return Err(self.input.error("a picture is laced with others, which is not read"));
        }
        if length > limit {
            return Err(self.too_long(BLOCK, length, limit));
        }
        data.clear();
        data.extend_from_slice(&self.track.prefix);
        if !self.input.append(length, data)? {
            return Err(self.cut());
        }
        let ticks = i128::from(self.cluster_time) + i128::from(i16::from_be_bytes([high, low]));
        let nanoseconds = ticks * i128::from(self.scale);
        self.last = Timestamp::from_ratio(nanoseconds, 1_000_000_000);
        self.index += 1;
        Ok(Some(self.last))
    }

    fn cut(&self) -> Error {
        cut_short(self.input.path(), self.index, self.last)
    }

    fn too_long(&self, id: u32, size: u64, room: u64) -> Error {
        self.input
            .error(&format!("element {id:X} is longer than what holds it"))
            .value(format!("{size} bytes"))
            .bound(format!("at most {room} bytes"))
    }

    fn body(&mut self, size: u64) -> Result<Vec<u8>> {
        if size > MAX_HEADER {
            return Err(self.too_long(TRACKS, size, MAX_HEADER));
        }
        let mut body = Vec::new();
        if self.input.append(size, &mut body)? {
            Ok(body)
        } else {
            Err(self.input.error("the file ends within its header"))
        }
    }

    /// The next element's identifier and size (none: unknown); `None` where the input ends before or in it.
    fn element(&mut self) -> Result<Option<(u32, Option<u64>)>> {
        let Some([first]) = self.input.array::<1>()? else { return Ok(None) };
        let length = first.leading_zeros();
        if length > 3 {
            return Err(self
                .input
                .error("there is no element where one belongs")
                .value(format!("{first:02X}")));
        }
        let mut id = u32::from(first);
        for _ in 0..length {
            let Some([byte]) = self.input.array::<1>()? else { return Ok(None) };
            id = id << 8 | u32::from(byte);
        }
        let Some((size, unknown)) = self.vint()? else { return Ok(None) };
        Ok(Some((id, (!unknown).then_some(size))))
    }

    /// The next variable-length number, and whether all its bits are set; `None` where the input ends in it.
    fn vint(&mut self) -> Result<Option<(u64, bool)>> {
        let Some([first]) = self.input.array::<1>()? else { return Ok(None) };
        let length = first.leading_zeros();
        if length > 7 {
            return Err(self.input.error("a number is longer than 8 bytes"));
        }
        let mut value = u64::from(first) & ((1 << (7 - length)) - 1);
        for _ in 0..length {
            let Some([byte]) = self.input.array::<1>()? else { return Ok(None) };
            value = value << 8 | u64::from(byte);
        }
        Ok(Some((value, value == (1 << (7 * (length + 1))) - 1)))
    }
}

impl<R: Read + Send> Packets for Matroska<R> {
    fn next(&mut self, data: &mut Vec<u8>) -> Result<Option<Timestamp>> {
        self.block(data, MAX_PACKET)
    }

    fn path(&self) -> &std::path::Path {
        self.input.path()
    }
}

/// The first picture track of a track list's content.
fn tracks(list: &[u8]) -> Option<Track> {
    children(list).filter(|&(id, _)| id == 0xAE).map(|(_, entry)| entry).find_map(|entry| {
        let part = |wanted| children(entry).find(|&(id, _)| id == wanted).map(|(_, body)| body);
        if part(0x83).map(number) != Some(1) {
            return None;
        }
        let mut track = Track {
            number: part(0xD7).map_or(0, number),
            codec: String::from_utf8_lossy(part(0x86).unwrap_or_default()).trim_end_matches('\0').into(),
            ..Track::default()
        };
        for (id, body) in children(part(0xE0).unwrap_or_default()) {
            match id {
                0xB0 => track.width = size(body),
                0xBA => track.height = size(body),
                0x55B0 => track.colour = colour(body),
                _ => {}
            }
        }
        if let Some(encodings) = part(0x6D80) {
            match stripped(encodings) {
                Some(prefix) => track.prefix = prefix.to_vec(),
                None => track.encoded = true,
            }
        }
        Some(track)
    })
}

fn size(body: &[u8]) -> usize {
    usize::try_from(number(body)).unwrap_or(usize::MAX)
}

fn colour(body: &[u8]) -> ColourTag {
    let mut tag = ColourTag::default();
    for (id, value) in children(body) {
        match (id, number(value)) {
            (0x55B1, matrix) => tag.matrix = Some(matrix),
            (0x55B9, 1) => tag.full_range = Some(false),
            (0x55B9, 2) => tag.full_range = Some(true),
            _ => {}
        }
    }
    tag
}

/// The bytes to put back, where the only encoding is header stripping (algorithm 3).
fn stripped(encodings: &[u8]) -> Option<&[u8]> {
    let mut all = children(encodings).filter(|&(id, _)| id == 0x6240);
    let (_, encoding) = all.next()?;
    let (_, compression) = children(encoding).find(|&(id, _)| id == 0x5034)?;
    let part = |wanted| children(compression).find(|&(id, _)| id == wanted).map(|(_, body)| body);
    (all.next().is_none() && part(0x4254).map(number) == Some(3)).then(|| part(0x4255).unwrap_or_default())
}

/// The elements in `bytes` up to the first that is not whole.
fn children(mut bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    std::iter::from_fn(move || {
        let id_length = bytes.first()?.leading_zeros() as usize + 1;
        let id = u32::try_from(number(bytes.get(..id_length.min(5))?)).ok()?;
        let rest = &bytes[id_length.min(5)..];
        let size_length = rest.first()?.leading_zeros() as usize + 1;
        let coded = number(rest.get(..size_length)?);
        let size = usize::try_from(coded & ((1_u64 << (7 * size_length).min(63)) - 1)).ok()?;
        let body = rest.get(size_length..)?.get(..size)?;
        bytes = &rest[size_length + size..];
        Some((id, body))
    })
}

/// A big-endian number of up to 8 bytes.
fn number(body: &[u8]) -> u64 {
    body.iter().take(8).fold(0, |value, &byte| value << 8 | u64::from(byte))
}
