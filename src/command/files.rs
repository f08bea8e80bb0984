//! Opens the files of a replay and lays them on one clock.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::Config;
use crate::engine::Inputs;
use crate::error::{Error, Result};
use crate::signal::ScalarLayout;
use crate::source::media::{self, Media, MediaOptions};
use crate::source::playlist::{Entry, Length, Playlist, Reopen, Timed};
use crate::stream::Source;
use crate::time::Timestamp;

/// What the files hold.
pub(super) struct Files {
    pub(super) inputs: Inputs,
    pub(super) layout: Option<ScalarLayout>,
    /// How long they play, where that is known.
    pub(super) length: Option<Timestamp>,
    pub(super) config: Config,
}

/// Entries per sense.
#[derive(Default)]
struct Entries {
    sound: Vec<Entry<crate::signal::AudioBlock>>,
    video: Vec<Entry<crate::signal::Frame>>,
    scalar: Vec<Entry<crate::signal::ScalarSample>>,
    layout: Option<ScalarLayout>,
    length: Option<Timestamp>,
    /// Topics that are not played.
    further: Vec<String>,
    /// Of each file that holds sound and pictures, and that something follows, how long both last.
    shared: Vec<Option<Timestamp>>,
}

/// Opens `files`, from `start` on, round and round if `again`.
pub(super) fn open_files(
    files: &[PathBuf],
    options: &MediaOptions,
    start: Timestamp,
    again: bool,
    config: Config,
) -> Result<Files> {
    let entries = open_all(files, options, again, None)?;
    if !entries.further.is_empty() {
        let further = entries.further.join(", ");
        tracing::warn!("further topics are not played: {further}; choose by `--topic NAME`");
    }
    let length = entries.length.filter(|_| !again);
    if let Some(length) = length.filter(|length| start >= *length && length.0 > 0) {
        let error = Error::call("--start", "it lies behind the end of the recordings");
        return Err(error.value(start).bound(format!("below {length}")));
    }
    let layout = entries.layout.clone();
    // Every round of every sense goes by the lengths that the first one found.
    let (options, shared) = (options.clone(), entries.shared.into());
    let round = again.then(|| Round { files: files.into(), options, shared });
    let inputs = Inputs {
        sound: playlist(entries.sound, start, reopen(round.as_ref(), |all| all.sound)),
        video: playlist(entries.video, start, reopen(round.as_ref(), |all| all.video)),
        scalar: playlist(entries.scalar, start, reopen(round.as_ref(), |all| all.scalar)),
        ..Inputs::default()
    };
    let length = length.map(|length| Timestamp(length.0 - start.0));
    Ok(Files { inputs, layout, length, config })
}

/// Opens `files`, which go round if `again`. How long files of sound and pictures last is found out unless `shared`
/// says it.
fn open_all(
    files: &[PathBuf],
    options: &MediaOptions,
    again: bool,
    shared: Option<&[Option<Timestamp>]>,
) -> Result<Entries> {
    let mut all = Entries::default();
    let mut known = true;
    let mut lengths = [Timestamp::ZERO; 3];
    for (index, file) in files.iter().enumerate() {
        let media = media::open(file, options)?;
        let shared = match shared {
            Some(shared) => shared.get(index).copied().flatten(),
            None if again || index + 1 < files.len() => media::length(file, options, &media)?,
            None => None,
        };
        all.shared.push(shared);
        let Media { sound, video, scalar, duration, further } = media;
        all.further.extend(further);
        let length = shared.map_or(Length::Own(duration), Length::Shared);
        let duration = shared.or(duration);
        known &= duration.is_some();
        let mut lengthen = |sense: usize| lengths[sense].0 += duration.unwrap_or_default().0;
        if let Some(source) = sound {
            lengthen(0);
            all.sound.push(Entry { source, length });
        }
        if let Some(source) = video {
            lengthen(1);
            all.video.push(Entry { source, length });
        }
        if let Some(source) = scalar {
            lengthen(2);
            check_layout(file, all.layout.as_ref(), source.layout())?;
            all.layout = Some(source.layout().clone());
            all.scalar.push(Entry { source: source as Box<dyn Source<Item = _>>, length });
        }
    }
    all.length = known.then(|| lengths.into_iter().max().unwrap_or_default());
    Ok(all)
}

fn check_layout(file: &Path, before: Option<&ScalarLayout>, now: &ScalarLayout) -> Result<()> {
    match before {
        Some(before) if before.names.len() != now.names.len() => {
            let error = Error::call(
                file.display().to_string(),
                "it has another number of channels than the file before",
            );
            Err(error.value(now.names.len()).bound(before.names.len()))
        }
        _ => Ok(()),
    }
}

/// What a further round opens.
#[derive(Clone)]
struct Round {
    files: Arc<[PathBuf]>,
    options: MediaOptions,
    shared: Arc<[Option<Timestamp>]>,
}

fn reopen<T>(
    round: Option<&Round>,
    part: impl Fn(Entries) -> Vec<Entry<T>> + Send + 'static,
) -> Option<Reopen<T>> {
    let Round { files, options, shared } = round?.clone();
    Some(Box::new(move || open_all(&files, &options, true, Some(&shared)).map(&part)))
}

fn playlist<T: Timed + Send + 'static>(
    entries: Vec<Entry<T>>,
    start: Timestamp,
    reopen: Option<Reopen<T>>,
) -> Option<Box<dyn Source<Item = T>>> {
    Playlist::new(entries, start, reopen).map(|playlist| Box::new(playlist) as _)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::ffmpeg::films::film;

    fn opened(files: &[PathBuf], again: bool) -> Inputs {
        let options = MediaOptions::default();
        open_files(files, &options, Timestamp::ZERO, again, Config::default()).unwrap().inputs
    }

    /// Times at which pictures begin, in ms; at most so many.
    fn pictures(inputs: &mut Inputs, most: usize) -> Vec<i64> {
        let video = inputs.video.as_mut().unwrap();
        std::iter::from_fn(|| video.pull().unwrap())
            .take(most)
            .map(|frame| frame.stamp.time.0 / 1_000_000)
            .collect()
    }

    #[test]
    fn the_second_round_and_the_second_file_begin_with_sound_and_picture_together() {
        let folder = tempfile::tempdir().unwrap();
        let codecs = ["-c:v", "ffv1", "-c:a", "flac"];
        let Some(path) = film(folder.path(), "film.mkv", "0.4", "0.6", &codecs) else { return };
        let round: Vec<i64> = (0..10).map(|n| 40 * n).collect();
        let two: Vec<i64> = round.iter().copied().chain(round.iter().map(|ms| ms + 600)).collect();
        for (files, again) in [(vec![path.clone()], true), (vec![path.clone(), path.clone()], false)] {
            let mut inputs = opened(&files, again);
            assert_eq!(pictures(&mut inputs, 20), two);
            let sound = inputs.sound.as_mut().unwrap();
            let mut position = 0;
            while position < 2 * 28_800 {
                let block = sound.pull().unwrap().expect("two rounds of sound");
                assert_eq!(block.position, position, "sound goes on without a gap");
                position += block.frames.len() as u64;
                assert!(position <= 28_800 || block.position >= 28_800, "a block lies across the seam");
            }
        }
    }

    #[test]
    fn a_start_within_pictures_that_outlast_their_sound_is_no_wrong_call() {
        let folder = tempfile::tempdir().unwrap();
        let codecs = ["-c:v", "mpeg4", "-c:a", "aac"];
        let Some(path) = film(folder.path(), "film.mp4", "1", "0.4", &codecs) else { return };
        let open = |ms: i64| {
            let start = Timestamp(ms * 1_000_000);
            open_files(std::slice::from_ref(&path), &MediaOptions::default(), start, false, Config::default())
        };
        let mut files = open(800).unwrap();
        assert_eq!(files.length, Some(Timestamp(200_000_000)));
        assert_eq!(pictures(&mut files.inputs, 9), [0, 40, 80, 120, 160]);
        let error = open(1_000).err().unwrap().to_string();
        assert!(error.contains("--start") && error.contains("1.000 s (allowed: below 1.000 s)"), "{error}");
    }
}
