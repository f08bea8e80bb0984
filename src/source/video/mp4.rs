//! MP4 and its kin (ISO base media, ISO/IEC 14496-12): what the boxes say before `ffmpeg` decodes the pictures.
//!
//! Whether there is a picture track, its codec, and whether the file is shorter than its boxes. An MP4 is
//! read by its index, the `moov` box; recorders write it last, so a file that was cut short often has none.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::child::{self, Known};
use super::{FrameSource, VideoOptions};
use crate::error::{Error, Result};

/// Most boxes that are looked at: fragmented files have two for each fragment.
const MAX_BOXES: usize = 1 << 20;

/// Opens the file at `path` of `length` bytes; `None` where it has no picture track.
///
/// # Errors
/// Where its index is missing or cut, its boxes do not hold together, or the child fails.
pub(super) fn open(path: &Path, length: u64, options: &VideoOptions) -> Result<Option<FrameSource>> {
    let failed = |cause: std::io::Error| Error::input(path, "reading failed").value(cause);
    let file = File::open(path).map_err(failed)?;
    let mut boxes = Boxes { file, left: MAX_BOXES };
    let survey = boxes.survey(length).map_err(failed)?;
    let without_index = |problem: &str| {
        Error::input(path, problem)
            .at(format!("byte {length}"))
            .help("An MP4 cannot be read without its index (the `moov` box): copy the file again, whole.")
    };
    let name = match survey.index {
        Index::Whole(None) => return Ok(None),
        Index::Whole(Some(codec)) => format!("MP4, {}", codec.escape_ascii()),
        // Still pictures (HEIF, AVIF) have a `meta` box instead.
        Index::Missing if survey.meta => "HEIF".into(),
        Index::Missing if survey.cut => return Err(without_index("the file is cut short before its index")),
        Index::Missing => return Err(without_index("the file has no index")),
        Index::Cut => return Err(without_index("the file is cut short within its index")),
    };
    child::open(path, options, &Known { name, cut: survey.cut, from_zero: true })
}

enum Index {
    Missing,
    Cut,
    /// With the picture track's codec.
    Whole(Option<[u8; 4]>),
}

struct Survey {
    index: Index,
    cut: bool,
    meta: bool,
}

/// A box: its name, and where its content starts and ends.
#[derive(Clone, Copy)]
struct Part {
    name: [u8; 4],
    start: u64,
    end: u64,
}

struct Boxes {
    file: File,
    left: usize,
}

impl Boxes {
    fn survey(&mut self, length: u64) -> std::io::Result<Survey> {
        let mut survey = Survey { index: Index::Missing, cut: false, meta: false };
        let mut at = 0;
        while at < length {
            let Some(part) = self.part(at, length)? else {
                survey.cut = true;
                break;
            };
            survey.cut |= part.end > length;
            survey.meta |= &part.name == b"meta";
            if &part.name == b"moov" {
                let whole = part.end <= length;
                survey.index = if whole { Index::Whole(self.picture_codec(part)?) } else { Index::Cut };
            }
            at = part.end;
        }
        Ok(survey)
    }

    /// The codec of the first picture track of the index `moov`.
    fn picture_codec(&mut self, moov: Part) -> std::io::Result<Option<[u8; 4]>> {
        let mut at = moov.start;
        while let Some(track) = self.part(at, moov.end)? {
            at = track.end;
            if &track.name != b"trak" {
                continue;
            }
            let Some(media) = self.find(track, *b"mdia")? else { continue };
            let Some(handler) = self.find(media, *b"hdlr")? else { continue };
            if self.word(handler.start + 8)? != Some(*b"vide") {
                continue;
            }
            let mut inner = Some(media);
            for name in [b"minf", b"stbl", b"stsd"] {
                inner = match inner {
                    Some(part) => self.find(part, *name)?,
                    None => None,
                };
            }
            let codec = match inner {
                Some(table) => self.word(table.start + 12)?,
                None => None,
            };
            return Ok(Some(codec.unwrap_or(*b"none")));
        }
        Ok(None)
    }

    fn find(&mut self, parent: Part, name: [u8; 4]) -> std::io::Result<Option<Part>> {
        let mut at = parent.start;
        while let Some(part) = self.part(at, parent.end)? {
            if part.name == name {
                return Ok(Some(part));
            }
            at = part.end;
        }
        Ok(None)
    }

    /// The box at byte `at` of what ends at `end`; `None` where no box fits there.
    fn part(&mut self, at: u64, end: u64) -> std::io::Result<Option<Part>> {
        if self.left == 0 || at >= end {
            return Ok(None);
        }
        self.left -= 1;
        let (Some(size), Some(name)) = (self.word(at)?, self.word(at + 4)?) else { return Ok(None) };
        let (head, size) = match u32::from_be_bytes(size) {
            0 => (8, end - at),
            1 => match (self.word(at + 8)?, self.word(at + 12)?) {
                (Some(high), Some(low)) => {
                    (16, u64::from(u32::from_be_bytes(high)) << 32 | u64::from(u32::from_be_bytes(low)))
                }
                _ => return Ok(None),
            },
            size => (8, u64::from(size)),
        };
        if size < head {
            return Ok(None);
        }
        Ok(Some(Part { name, start: at + head, end: at.saturating_add(size) }))
    }

    fn word(&mut self, at: u64) -> std::io::Result<Option<[u8; 4]>> {
        let mut word = [0; 4];
        self.file.seek(SeekFrom::Start(at))?;
        match self.file.read_exact(&mut word) {
            Ok(()) => Ok(Some(word)),
            Err(cause) if cause.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            Err(cause) => Err(cause),
        }
    }
}
