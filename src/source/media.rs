//! Opens whatever a file holds, by its content: sound, pictures, channels.

use std::path::Path;

use super::content::{Content, UNDERSTOOD};
use super::length;
pub use super::length::length_of;
use super::mcap::{self, McapOptions, Topics};
use super::scalar::{self, CsvOptions, ScalarFile};
use super::sound;
use super::sound::container::Survey;
use super::video::{self, VideoOptions};
use crate::error::{Error, Result};
use crate::signal::{AudioBlock, Frame};
use crate::stream::Source;
use crate::time::Timestamp;

/// What one file gives; at least one of the three.
#[derive(Default)]
pub struct Media {
    /// Its sound, on the file's clock.
    pub sound: Option<Box<dyn Source<Item = AudioBlock>>>,
    /// Its pictures, on the same clock.
    pub video: Option<Box<dyn Source<Item = Frame>>>,
    /// Its channels.
    pub scalar: Option<Box<ScalarFile>>,
    /// How long the file says that all it holds lasts; `None` where it doesn't say.
    pub duration: Option<Timestamp>,
    /// Topics of an MCAP file that could be played instead.
    pub further: Vec<String>,
}

/// What files don't say themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaOptions {
    /// For tables.
    pub table: CsvOptions,
    /// For MCAP files.
    pub mcap: McapOptions,
    /// Whether it is opened again: what is lost of its pictures was told.
    pub again: bool,
}

/// Opens the file, or the directory of pictures, at `path`.
///
/// # Errors
/// A missing file and a directory without pictures are wrong calls. An empty file, one of no known kind,
/// and one with neither sound nor pictures nor channels are wrong input, as is damage before the first
/// item. A codec that needs the `ffmpeg` program is an error where that isn't installed.
pub fn open(path: &Path, options: &MediaOptions) -> Result<Media> {
    let pictures = VideoOptions { again: options.again, ..VideoOptions::default() };
    if path.is_dir() {
        let video = video::open_with(path, &pictures)?.ok_or_else(|| {
            let error = Error::call(path.display().to_string(), "the directory holds no pictures");
            error.help("Name a file, or a directory of PNG or JPEG pictures.")
        })?;
        return Ok(Media { video: Some(video), ..Media::default() });
    }
    let content = Content::of(path)?;
    if content == Content::Mcap {
        let Topics { sound, video, duration, further } = mcap::open(path, &options.mcap)?;
        return Ok(Media { sound, video, scalar: None, duration: Some(duration), further });
    }
    let scalar = match content {
        Content::Table => Some(scalar::open_csv(path, &options.table)?),
        Content::Edf => Some(scalar::open_edf(path)?),
        Content::Xdf => Some(scalar::open_xdf(path)?),
        _ => None,
    };
    if let Some(scalar) = scalar {
        let duration = scalar.duration();
        return Ok(Media { scalar: Some(Box::new(scalar)), duration, ..Media::default() });
    }
    let sound = if content.may_sound() { sound::open(path)? } else { None };
    let video = if content.may_show() { video::open_with(path, &pictures)? } else { None };
    if sound.is_none() && video.is_none() {
        let error = Error::input(path, "the file holds neither sound nor pictures");
        return Err(error.bound(UNDERSTOOD));
    }
    let of_sound = sound.as_ref().and_then(sound::SoundFile::duration);
    // Pictures may go on after the sound: only an MP4 says for how long.
    let duration = match &video {
        None => of_sound,
        Some(_) if sound.is_some() && content == Content::Mp4 => {
            let film = Survey::of(path, content)?.movie.filter(|(units, _)| *units > 0);
            let film = film.map(|(units, scale)| Timestamp::from_ratio(units.into(), scale.into()));
            film.map(|film| film.max(of_sound.unwrap_or_default()))
        }
        Some(_) => None,
    };
    let sound = sound.map(|sound| Box::new(sound) as Box<dyn Source<Item = AudioBlock>>);
    Ok(Media { sound, video, duration, ..Media::default() })
}

/// How long the sound and the pictures of `media`, the file at `path`, both hold the clock where something follows:
/// to the end of the longer, by the packets of the file, which is read through for it. A codec's padding may make that
/// a packet longer than what is heard. `None` where it holds only one of the two.
///
/// # Errors
/// As [`open`].
pub fn length(path: &Path, options: &MediaOptions, media: &Media) -> Result<Option<Timestamp>> {
    if media.sound.is_none() || media.video.is_none() {
        return Ok(None);
    }
    let content = Content::of(path)?;
    if content == Content::Mcap {
        return mcap::length(path, &options.mcap).map(Some);
    }
    if let Some(end) = length::of_packets(path, content.counts_from_zero()) {
        return Ok(Some(end.max(media.duration.unwrap_or_default())));
    }
    // Without the `ffmpeg` program, both are of codecs that are decoded here.
    length::of_all_items(path, options).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn media(name: &str, bytes: &[u8]) -> Result<Media> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        open(&path, &MediaOptions::default())
    }

    fn failure(media: Result<Media>) -> Error {
        media.err().expect("an error")
    }

    #[test]
    fn a_file_is_what_it_holds_not_what_it_is_called() {
        let table = media("picture.png", b"t,a\n0,1\n1,2\n").unwrap();
        assert_eq!(table.scalar.unwrap().layout().names, ["a"]);
        let mut wave =
            b"RIFF\x28\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\xbb\0\0\0\x77\x01\0\x02\0\x10\0data\x04\0\0\0"
                .to_vec();
        wave.extend([0, 1, 0, 2]);
        let mut sound = media("song.mp3", &wave).unwrap().sound.unwrap();
        assert_eq!(sound.pull().unwrap().unwrap().frames.len(), 2);
    }

    #[test]
    fn a_wrong_name_is_a_wrong_call_and_wrong_content_is_wrong_input() {
        assert_eq!(
            failure(open(Path::new("/no/such/file.wav"), &MediaOptions::default())).kind(),
            Kind::Call
        );
        assert_eq!(failure(media("empty.wav", b"")).kind(), Kind::Input);
        let error = failure(media("letter.txt", b"Dear reader,\nthis is a letter.\n"));
        assert_eq!(error.kind(), Kind::Input);
        assert!(error.to_string().contains("no known kind") && error.to_string().contains("EDF"), "{error}");
    }

    #[test]
    fn a_file_of_one_sense_shares_no_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("film.y4m");
        std::fs::write(&path, b"YUV4MPEG2 W2 H2 F25:1\nFRAME\n\x10\x10\x10\x10\x80\x80").unwrap();
        let options = MediaOptions::default();
        let film = open(&path, &options).unwrap();
        assert!(film.video.is_some());
        assert_eq!(length(&path, &options, &film).unwrap(), None);
    }

    #[test]
    fn a_directory_without_pictures_is_a_wrong_call() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(failure(open(folder.path(), &MediaOptions::default())).kind(), Kind::Call);
    }
}
