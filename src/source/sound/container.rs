//! Reads, ahead of decoding, what a container declares about its end and about its edits.
//!
//! The decoder's demuxers neither apply the edit lists of MP4 nor always say that a file was cut short.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::{Error, Result};
use crate::source::content::Content;

/// Boxes and chunks looked at in one level, at most: a hostile file can't hold us longer.
const MOST_BOXES: usize = 100_000;

/// Tags before MPEG sound that are passed over, at most.
const MOST_TAGS: usize = 16;
/// Bytes behind them in which the first frame is looked for: more than a frame has.
const MOST_FRAME: u64 = 4096;

/// What a track's edit list says (ISO/IEC 14496-12, 8.6.6): when it starts, and which part is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Time before the track starts, as a count of `movie_scale`ths of a second.
    pub empty: u64,
    /// Where the shown part starts, in the track's own units.
    pub media_start: i64,
    /// How long it is, as a count of `movie_scale`ths of a second; zero: to the end.
    pub length: u64,
    /// Movie units in a second.
    pub movie_scale: u32,
}

/// What is known of a file before it is decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// What shows that the file was cut short: one clause.
    pub cut: Option<String>,
    /// Where the container says that it ends, in bytes, where that lies beyond the file's end.
    pub declared_end: Option<u64>,
    /// Whether it is known to hold no sound.
    pub silent: bool,
    /// The edits of each track of an MP4, by track number.
    pub edits: Vec<(u32, Edit)>,
    /// The length of the whole film in an MP4, and its units in a second.
    pub movie: Option<(u64, u32)>,
    /// Whether MPEG sound counts its frames.
    pub counted: bool,
}

impl Survey {
    /// Looks at the file at `path`, which holds `content`.
    ///
    /// # Errors
    /// Where the file can't be read, and where an MP4 lacks its index.
    pub fn of(path: &Path, content: Content) -> Result<Self> {
        let broken = |cause: std::io::Error| Error::input(path, "the file can't be read").value(cause);
        let mut file = BufReader::new(File::open(path).map_err(broken)?);
        let length = file.seek(SeekFrom::End(0)).map_err(broken)?;
        file.rewind().map_err(broken)?;
        let survey = match content {
            Content::Mp4 => return mp4(path, &mut file, length),
            Content::Aiff => form(&mut file, length),
            Content::Matroska => matroska(&mut file, length),
            Content::Ogg => ogg(&mut file, length),
            Content::Caf => caf(&mut file, length),
            Content::Avi => avi(&mut file),
            Content::MpegSound => mpeg_sound(&mut file),
            _ => Ok(Self::default()),
        };
        // What can't be surveyed is left to the decoder's own checks.
        Ok(survey.unwrap_or_default())
    }

    /// The edit of the track `number`.
    #[must_use]
    pub fn edit(&self, number: u32) -> Edit {
        self.edits.iter().find(|(n, _)| *n == number).map_or(Edit::default(), |(_, edit)| *edit)
    }
}

type Bytes = BufReader<File>;

/// The survey of a container that says that it ends at byte `end`.
fn declares(end: u64, length: u64) -> Survey {
    let cut = (end > length).then(|| format!("its header declares {end} bytes, the file holds {length}"));
    Survey { declared_end: cut.is_some().then_some(end), cut, ..Survey::default() }
}

fn be32(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |sum, &b| sum << 8 | u32::from(b))
}

fn be64(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |sum, &b| sum << 8 | u64::from(b))
}

/// AIFF: `FORM`, length, form.
fn form(file: &mut Bytes, length: u64) -> std::io::Result<Survey> {
    let mut head = [0; 8];
    file.read_exact(&mut head)?;
    Ok(declares(8 + u64::from(be32(&head[4..])), length))
}

/// CAF: an 8-byte header, then chunks of type, 64-bit length; the last may say -1, to the end.
fn caf(file: &mut Bytes, length: u64) -> std::io::Result<Survey> {
    let mut at = 8;
    for _ in 0..MOST_BOXES {
        if at >= length {
            break;
        }
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 12];
        file.read_exact(&mut head)?;
        let size = be64(&head[4..]);
        if size == u64::MAX {
            break;
        }
        at = at.saturating_add(12).saturating_add(size);
    }
    Ok(declares(at, length))
}

/// AVI: a stream's header (`strh`) names its type four bytes on; sound is `auds`.
fn avi(file: &mut Bytes) -> std::io::Result<Survey> {
    let mut head = Vec::new();
    file.take(64 * 1024).read_to_end(&mut head)?;
    let sound = head.windows(12).any(|w| w.starts_with(b"strh") && w.ends_with(b"auds"));
    Ok(Survey { silent: !sound, ..Survey::default() })
}

/// MPEG sound: whether the first frame holds a count of frames instead of sound. Tags (ID3v2.4, 3.1) stand before it.
fn mpeg_sound(file: &mut Bytes) -> std::io::Result<Survey> {
    let mut at = 0;
    let mut start = Vec::new();
    for _ in 0..MOST_TAGS {
        file.seek(SeekFrom::Start(at))?;
        start.clear();
        file.by_ref().take(MOST_FRAME).read_to_end(&mut start)?;
        let Some([b'I', b'D', b'3', _, _, flags, size @ ..]) = start.first_chunk::<10>() else { break };
        // Seven bits a byte; where a footer follows, it is as long as the head.
        let size = size.iter().fold(0, |sum, &byte| sum << 7 | u64::from(byte & 0x7f));
        at += 10 + size + if flags & 0x10 == 0 { 0 } else { 10 };
    }
    let counted = (0..start.len()).any(|at| counts_frames(&start[at..]));
    Ok(Survey { counted, ..Survey::default() })
}

/// Whether a frame of MPEG sound starts here that says how many follow: the tag stands behind the side information,
/// of 9, 17 or 32 bytes by version and channels (Xing's, called Info by encoders of constant rate; its first flag says
/// that there is a count), or behind 32 bytes (Fraunhofer's).
fn counts_frames(bytes: &[u8]) -> bool {
    let [0xff, second, ..] = bytes else { return false };
    let xing = |tag: &[u8]| {
        (tag.starts_with(b"Xing") || tag.starts_with(b"Info"))
            && tag.get(7).is_some_and(|flags| flags & 1 != 0)
    };
    second & 0xe0 == 0xe0
        && ([13, 21, 36].iter().any(|&at| bytes.get(at..).is_some_and(xing))
            || bytes.get(36..).is_some_and(|tag| tag.starts_with(b"VBRI")))
}

/// Matroska: the EBML header, then the Segment, whose length may be unknown (RFC 8794, 6.2; RFC 9559).
fn matroska(file: &mut Bytes, length: u64) -> std::io::Result<Survey> {
    file.seek(SeekFrom::Start(4))?;
    let header = ebml_size(file)?.unwrap_or(0);
    file.seek(SeekFrom::Current(i64::try_from(header).unwrap_or(i64::MAX)))?;
    let mut id = [0; 4];
    file.read_exact(&mut id)?;
    let size = if id == [0x18, 0x53, 0x80, 0x67] { ebml_size(file)? } else { None };
    let end = size.map_or(0, |size| size.saturating_add(file.stream_position().unwrap_or(0)));
    Ok(declares(end, length))
}

/// A variable-length size; `None` where it is marked unknown.
fn ebml_size(file: &mut Bytes) -> std::io::Result<Option<u64>> {
    let mut first = [0];
    file.read_exact(&mut first)?;
    let more = first[0].leading_zeros() as usize;
    if more > 7 {
        return Ok(None);
    }
    let mut rest = [0; 7];
    file.read_exact(&mut rest[..more])?;
    let bits = 7 * (more as u32 + 1);
    let low = u64::from(first[0]) & ((1 << (7 - more)) - 1);
    let size = rest[..more].iter().fold(low, |sum, &b| sum << 8 | u64::from(b));
    Ok((size != (1 << bits) - 1).then_some(size))
}

/// Ogg: the last page must be whole and say that it ends its stream (RFC 3533, section 6).
fn ogg(file: &mut Bytes, length: u64) -> std::io::Result<Survey> {
    // A page holds at most 65307 bytes.
    let from = length.saturating_sub(2 * 65_307);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.take(2 * 65_307).read_to_end(&mut tail)?;
    let last = (0..tail.len()).rev().find(|&at| tail[at..].starts_with(b"OggS\0"));
    let cut = match last.map(|at| (page_end(&tail[at..]), tail[at..].get(5))) {
        None => Some("its last part holds no Ogg page".to_owned()),
        Some((Some(_), Some(flags))) if flags & 4 != 0 => None,
        Some((Some(_), Some(_))) => Some("its last page does not end the stream".to_owned()),
        Some(_) => Some("its last page is not whole".to_owned()),
    };
    Ok(Survey { cut, ..Survey::default() })
}

/// The length of the Ogg page that starts here; `None` where it isn't whole.
fn page_end(page: &[u8]) -> Option<usize> {
    let segments = usize::from(*page.get(26)?);
    let table = page.get(27..27 + segments)?;
    let end = 27 + segments + table.iter().map(|&b| usize::from(b)).sum::<usize>();
    (end <= page.len()).then_some(end)
}

/// One box: its type and where its content lies.
struct Part {
    kind: [u8; 4],
    from: u64,
    to: u64,
}

/// The boxes between two places; one that reaches beyond `to` ends there.
fn boxes(file: &mut Bytes, from: u64, to: u64) -> std::io::Result<(Vec<Part>, u64)> {
    let mut found = Vec::new();
    let mut at = from;
    while at.saturating_add(8) <= to && found.len() < MOST_BOXES {
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 16];
        file.read_exact(&mut head[..8])?;
        let mut size = u64::from(be32(&head));
        let mut start = at + 8;
        if size == 1 {
            file.read_exact(&mut head[8..])?;
            size = be64(&head[8..]);
            start += 8;
        } else if size == 0 {
            size = to - at;
        }
        let end = at.saturating_add(size);
        if end < start {
            break;
        }
        found.push(Part { kind: [head[4], head[5], head[6], head[7]], from: start, to: end.min(to) });
        at = end;
    }
    Ok((found, at))
}

/// MP4: where its boxes end, that its index is there, and the edits of its tracks.
fn mp4(path: &Path, file: &mut Bytes, length: u64) -> Result<Survey> {
    let (top, end) = boxes(file, 0, length).unwrap_or_default();
    let index_is_cut = end > length && top.last().is_some_and(|part| &part.kind == b"moov");
    let Some(index) = top.iter().find(|part| &part.kind == b"moov" && !index_is_cut) else {
        let problem = "the index (`moov`) of this MP4 is missing or not whole, so nothing in it can be found";
        let error = Error::input(path, problem);
        let help =
            "The index often lies at the end: the file was probably cut short. Copy it again, or repair it.";
        return Err(error.at(format!("byte {length}, its end")).help(help));
    };
    let mut survey = declares(end, length);
    // A damaged index is the demuxer's to report.
    let _ = tracks(file, index, &mut survey);
    for fragment in top.iter().filter(|part| &part.kind == b"moof") {
        if let Ok(Some((at, count))) = longest_run(file, fragment, length) {
            let error = Error::input(path, "a fragment declares more samples than the file has bytes");
            return Err(error.at(format!("byte {at}")).value(count).bound(format!("at most {length}")));
        }
    }
    Ok(survey)
}

/// A run of samples (`trun`, ISO/IEC 14496-12, 8.8.8) of a fragment that can't be: the demuxer would count through it.
fn longest_run(file: &mut Bytes, fragment: &Part, most: u64) -> std::io::Result<Option<(u64, u32)>> {
    for track in boxes(file, fragment.from, fragment.to)?.0.iter().filter(|part| &part.kind == b"traf") {
        for run in boxes(file, track.from, track.to)?.0.iter().filter(|part| &part.kind == b"trun") {
            let head = content(file, run, 8)?;
            let count = head.get(4..8).map_or(0, be32);
            if u64::from(count) > most {
                return Ok(Some((run.from, count)));
            }
        }
    }
    Ok(None)
}

fn tracks(file: &mut Bytes, index: &Part, survey: &mut Survey) -> std::io::Result<()> {
    let (parts, _) = boxes(file, index.from, index.to)?;
    if let Some(header) = parts.iter().find(|p| &p.kind == b"mvhd") {
        let bytes = content(file, header, 32)?;
        survey.movie = match bytes.first() {
            Some(1) if bytes.len() >= 32 => Some((be64(&bytes[24..]), be32(&bytes[20..]))),
            Some(0) if bytes.len() >= 20 => Some((u64::from(be32(&bytes[16..])), be32(&bytes[12..]))),
            _ => None,
        };
    }
    let scale = survey.movie.map_or(0, |(_, scale)| scale);
    for track in parts.iter().filter(|p| &p.kind == b"trak") {
        let (parts, _) = boxes(file, track.from, track.to)?;
        let header = parts.iter().find(|p| &p.kind == b"tkhd");
        let edits = parts.iter().find(|p| &p.kind == b"edts");
        let (Some(header), Some(edits)) = (header, edits) else { continue };
        let bytes = content(file, header, 24)?;
        let number = match bytes.first() {
            Some(1) if bytes.len() >= 24 => be32(&bytes[20..]),
            Some(0) if bytes.len() >= 16 => be32(&bytes[12..]),
            _ => continue,
        };
        let (lists, _) = boxes(file, edits.from, edits.to)?;
        if let Some(list) = lists.iter().find(|p| &p.kind == b"elst") {
            let bytes = content(file, list, 4096)?;
            if let Some(edit) = edit_list(&bytes, scale) {
                survey.edits.push((number, edit));
            }
        }
    }
    Ok(())
}

fn content(file: &mut Bytes, part: &Part, most: u64) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(part.from))?;
    let mut bytes = Vec::new();
    file.take(part.to.saturating_sub(part.from).min(most)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// An empty edit, if any, and one shown part; `None` for lists that cut a track into several parts,
/// which is then played whole.
fn edit_list(bytes: &[u8], movie_scale: u32) -> Option<Edit> {
    if movie_scale == 0 || bytes.len() < 8 {
        return None;
    }
    let wide = bytes[0] == 1;
    let size = if wide { 20 } else { 12 };
    let count = be32(&bytes[4..]) as usize;
    let mut edit = Edit { movie_scale, ..Edit::default() };
    let mut shown = 0;
    for entry in bytes[8..].chunks_exact(size).take(count) {
        let (length, start) = if wide {
            (be64(entry), be64(&entry[8..]).cast_signed())
        } else {
            (u64::from(be32(entry)), i64::from(be32(&entry[4..]).cast_signed()))
        };
        if start < 0 {
            edit.empty = edit.empty.saturating_add(if shown == 0 { length } else { 0 });
        } else {
            shown += 1;
            (edit.media_start, edit.length) = (start, length);
        }
    }
    (shown == 1).then_some(edit)
}
