//! Video files, animations and pictures as streams of stamped frames.
//!
//! | content | read by |
//! |---|---|
//! | Y4M; Motion-JPEG in AVI and Matroska; GIF; PNG, JPEG, BMP and PNM pictures, a folder of them | Rust, here |
//! | every other codec and container (H.264, VP9, MPEG-TS, ...) | the `ffmpeg` program as a child |
//!
//! Stamps are presentation times on the file's own clock, which its sound track shares: kept as the
//! container gives them, for variable frame rates too. What is opened is told by content, never by name.
//! A source holds the frame that it decodes and the compressed bytes of it, nothing more.
//!
//! To add a format: write its file here, implement [`Source`], and let [`open_with`] recognise its first bytes.

mod avi;
mod child;
mod entropy;
mod gif;
mod huffman;
mod input;
pub(super) mod jpeg;
mod matroska;
pub(super) mod memory;
mod motion_jpeg;
mod mp4;
mod pictures;
mod rate;
mod sniff;
#[cfg(test)]
mod tests;
mod y4m;
mod yuv;

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

pub use input::{MAX_PIXELS, MAX_SIDE};
pub use pictures::{Turn, jpeg_steps, natural_order, pictures_of};
pub use rate::Rate;

use crate::error::{Error, Result};
use crate::signal::{Frame, Origin};
use crate::stream::{Source, SourceInfo};
use input::Input;
use sniff::Kind;

/// A stream of pictures, ready to be pulled on any thread.
pub type FrameSource = Box<dyn Source<Item = Frame>>;

/// What the caller knows better than the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoOptions {
    /// Pictures per second of what carries no times: a folder of pictures, a Y4M file without a rate.
    pub rate: Rate,
    /// The program that decodes what is not read here; found on the search path where it is a bare name.
    pub ffmpeg: OsString,
    /// Whether it is opened again: what is lost of its pictures was told.
    pub again: bool,
}

impl Default for VideoOptions {
    /// 25 pictures per second, `ffmpeg`.
    fn default() -> Self {
        Self { rate: Rate::DEFAULT, ffmpeg: "ffmpeg".into(), again: false }
    }
}

/// Opens the pictures of the file or folder at `path`; `None` where it is of a known kind and has none
/// (a sound file).
///
/// # Errors
/// Where nothing can be read there, it is of no known kind, its header is damaged or absurd, or it needs
/// the `ffmpeg` program and that is missing.
pub fn open(path: &Path) -> Result<Option<FrameSource>> {
    open_with(path, &VideoOptions::default())
}

/// [`open`] with options.
///
/// # Errors
/// As [`open`].
pub fn open_with(path: &Path, options: &VideoOptions) -> Result<Option<FrameSource>> {
    let failed = |cause: std::io::Error| Error::input(path, "it cannot be opened").value(cause);
    let about = std::fs::metadata(path).map_err(failed)?;
    if about.is_dir() {
        return Ok(Some(Box::new(pictures::Folder::open(path, options)?)));
    }
    if !about.is_file() {
        return Err(Error::input(path, "it is neither a file nor a folder"));
    }
    let mut file = File::open(path).map_err(failed)?;
    let mut start = Vec::new();
    file.by_ref().take(sniff::LENGTH).read_to_end(&mut start).map_err(failed)?;
    file.rewind().map_err(failed)?;
    if start.is_empty() {
        return Err(Error::input(path, "the file is empty").value("0 bytes").bound("at least 1"));
    }
    let input = Input::new(path, BufReader::with_capacity(1 << 16, file));
    match sniff::kind(&start) {
        Kind::Y4m => Ok(Some(Box::new(y4m::Y4m::open(input, options.rate)?))),
        Kind::Avi => avi::open(input, about.len(), options),
        Kind::Matroska => matroska::open(input, about.len(), options),
        Kind::Mp4 => mp4::open(path, about.len(), options),
        Kind::Gif => Ok(Some(Box::new(gif::Gif::open(input)?))),
        Kind::Picture(format) => Ok(Some(Box::new(pictures::Single::open(path, format, options)?))),
        Kind::Sound => Ok(None),
        Kind::Other(name) => child::open(path, options, &child::Known::named(name)),
        Kind::Unknown => child::open_unknown(path, options),
        Kind::Text => Err(Error::input(path, "the file is text, not video").at("byte 0")),
    }
}

/// The description of a source of pictures called `path`.
fn info(path: &Path, format: String) -> SourceInfo {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    SourceInfo { name, kind: "video".into(), origin: Origin::Recorded, format }
}
