//! Opens the files of a replay and lays them on one clock.

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::engine::Inputs;
use crate::error::{Error, Result};
use crate::signal::ScalarLayout;
use crate::source::media::{self, Media, MediaOptions};
use crate::source::playlist::{Entry, Playlist, Reopen, Timed};
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
}

/// Opens `files`, from `start` on, round and round if `again`.
pub(super) fn open_files(
    files: &[PathBuf],
    options: &MediaOptions,
    start: Timestamp,
    again: bool,
    config: Config,
) -> Result<Files> {
    let entries = open_all(files, options)?;
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
    let inputs = Inputs {
        sound: playlist(entries.sound, start, reopen(files, options, again, |all| all.sound)),
        video: playlist(entries.video, start, reopen(files, options, again, |all| all.video)),
        scalar: playlist(entries.scalar, start, reopen(files, options, again, |all| all.scalar)),
        ..Inputs::default()
    };
    let length = length.map(|length| Timestamp(length.0 - start.0));
    Ok(Files { inputs, layout, length, config })
}

fn open_all(files: &[PathBuf], options: &MediaOptions) -> Result<Entries> {
    let mut all = Entries::default();
    let mut known = true;
    let mut lengths = [Timestamp::ZERO; 3];
    for file in files {
        let Media { sound, video, scalar, duration, further } = media::open(file, options)?;
        all.further.extend(further);
        known &= duration.is_some();
        let mut lengthen = |sense: usize| lengths[sense].0 += duration.unwrap_or_default().0;
        if let Some(source) = sound {
            lengthen(0);
            all.sound.push(Entry { source, duration });
        }
        if let Some(source) = video {
            lengthen(1);
            all.video.push(Entry { source, duration });
        }
        if let Some(source) = scalar {
            lengthen(2);
            check_layout(file, all.layout.as_ref(), source.layout())?;
            all.layout = Some(source.layout().clone());
            all.scalar.push(Entry { source: source as Box<dyn Source<Item = _>>, duration });
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

fn reopen<T>(
    files: &[PathBuf],
    options: &MediaOptions,
    again: bool,
    part: impl Fn(Entries) -> Vec<Entry<T>> + Send + 'static,
) -> Option<Reopen<T>> {
    let (files, options) = (files.to_vec(), options.clone());
    again.then(|| Box::new(move || open_all(&files, &options).map(&part)) as Reopen<T>)
}

fn playlist<T: Timed + Send + 'static>(
    entries: Vec<Entry<T>>,
    start: Timestamp,
    reopen: Option<Reopen<T>>,
) -> Option<Box<dyn Source<Item = T>>> {
    Playlist::new(entries, start, reopen).map(|playlist| Box::new(playlist) as _)
}
