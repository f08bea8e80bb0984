//! Sound files: decoded packet by packet, mixed to stereo, brought to 48 kHz, on the file's own clock.
//!
//! [`decode`] reads a track with `symphonia` (WAV by [`wave`], and what only `ffmpeg` decodes by [`child`]),
//! [`mix`] makes it stereo, [`timeline`] puts it where its stamps say, [`resample`] changes its rate.
//!
//! To add a container: teach [`super::content`] its first bytes and `container` how it ends.

pub mod child;
pub(super) mod codec;
pub mod container;
pub mod decode;
pub mod mix;
mod padded;
pub mod resample;
pub mod timeline;
pub mod wave;

#[cfg(test)]
mod tests;

use std::path::Path;

use self::container::Survey;
use self::decode::{Decoder, Found};
use self::resample::Resampler;
use super::content::Content;
use crate::error::{Error, Result};
use crate::signal::{AudioBlock, Origin, Stamp};
use crate::stream::{Faults, Source, SourceInfo};
use crate::time::{SAMPLE_RATE, Timestamp};

/// Frames in one block but for the last: 20 ms.
pub const BLOCK_FRAMES: usize = 960;

/// Frames of a track at its own rate, laid on the file's clock.
pub trait SoundTrack: Send {
    /// Frames per second.
    fn rate(&self) -> u32;

    /// Frames that the file says it holds, if it does.
    fn expected_frames(&self) -> Option<u64>;

    /// Appends some frames to `out`, perhaps none; `false` at the end.
    ///
    /// # Errors
    /// Where the track breaks off.
    fn next(&mut self, out: &mut Vec<[f32; 2]>) -> Result<bool>;

    /// What has gone wrong so far without ending the track.
    fn faults(&self) -> Faults;
}

/// The sound of one file, as stereo blocks at 48 kHz from the file's start on.
pub struct SoundFile {
    info: SourceInfo,
    track: Box<dyn SoundTrack>,
    resampler: Resampler,
    position: u64,
    native: Vec<[f32; 2]>,
    state: State,
}

/// How far the file has been read.
enum State {
    Reading,
    /// Read to its end, or to where it breaks off.
    Read(Option<Error>),
    Done,
}

/// Opens the sound of the file at `path`; `None` where its container is understood and holds no sound.
///
/// # Errors
/// Where the file is missing, empty, of no known kind or damaged before its first sample, and where its
/// sound needs the `ffmpeg` program and that isn't installed.
pub fn open(path: &Path) -> Result<Option<SoundFile>> {
    let content = Content::of(path)?;
    if !content.may_sound() {
        return Ok(None);
    }
    let survey = Survey::of(path, content)?;
    if survey.silent {
        return Ok(None);
    }
    let decoder = match Decoder::open(path, content, &survey)? {
        Found::Track(decoder) => *decoder,
        Found::Silent => return Ok(None),
        Found::Foreign(wrong) => match child::open(path, content)? {
            None => return wrong.map_or(Ok(None), Err),
            Some((wave, child)) => Decoder::of_child(path, wave, child, &survey)?,
        },
    };
    Ok(Some(SoundFile::new(path, decoder)))
}

impl SoundFile {
    fn new(path: &Path, decoder: Decoder) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let info =
            SourceInfo { name, kind: "sound".into(), origin: Origin::Recorded, format: decoder.format() };
        Self::of_track(info, Box::new(decoder))
    }

    /// Plays a track.
    #[must_use]
    pub fn of_track(info: SourceInfo, track: Box<dyn SoundTrack>) -> Self {
        let resampler = Resampler::new(track.rate());
        Self { info, track, resampler, position: 0, native: Vec::new(), state: State::Reading }
    }

    /// How long the file says that its sound lasts, from the file's start; `None` where it doesn't say.
    #[must_use]
    pub fn duration(&self) -> Option<Timestamp> {
        self.track.expected_frames().map(|frames| Timestamp::from_count(frames, self.track.rate()))
    }

    /// Feeds the resampler once.
    fn read_on(&mut self) {
        self.native.clear();
        let ended = match self.track.next(&mut self.native) {
            Ok(true) => None,
            Ok(false) => Some(None),
            Err(error) => Some(Some(error)),
        };
        self.resampler.push(&self.native);
        if let Some(error) = ended {
            self.resampler.finish();
            self.state = State::Read(error);
        }
    }
}

impl Source for SoundFile {
    type Item = AudioBlock;

    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn pull(&mut self) -> Result<Option<AudioBlock>> {
        let mut frames = Vec::with_capacity(BLOCK_FRAMES);
        while frames.len() < BLOCK_FRAMES {
            if self.resampler.pull(BLOCK_FRAMES - frames.len(), &mut frames) > 0 {
                continue;
            }
            match &self.state {
                State::Reading => self.read_on(),
                State::Read(_) | State::Done => break,
            }
        }
        if frames.is_empty() {
            return match std::mem::replace(&mut self.state, State::Done) {
                State::Read(Some(error)) => Err(error),
                _ => Ok(None),
            };
        }
        let stamp = Stamp::recorded(Timestamp::from_count(self.position, SAMPLE_RATE));
        let block = AudioBlock { stamp, position: self.position, frames };
        self.position += block.frames.len() as u64;
        Ok(Some(block))
    }

    fn faults(&self) -> Faults {
        self.track.faults()
    }
}
