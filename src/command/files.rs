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
    /// Of each file that others go by, how long all that it holds lasts: see [`shared_lengths`].
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
    let (options, shared) = (MediaOptions { again: true, ..options.clone() }, entries.shared.into());
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

/// Opens `files`, which go round if `again`. How long those last that others go by is found out unless `shared` says it.
fn open_all(
    files: &[PathBuf],
    options: &MediaOptions,
    again: bool,
    shared: Option<&[Option<Timestamp>]>,
) -> Result<Entries> {
    let media = files.iter().map(|file| media::open(file, options)).collect::<Result<Vec<Media>>>()?;
    let shared = match shared {
        Some(shared) => shared.to_vec(),
        None => shared_lengths(files, options, again, &media)?,
    };
    let held: Vec<[bool; 3]> = media.iter().map(held).collect();
    let lengths: Vec<Option<Timestamp>> =
        media.iter().zip(&shared).map(|(media, shared)| shared.or(media.duration)).collect();
    let Places { around, end } = Places::of(&held, &lengths);
    let known = lengths.iter().all(Option::is_some);
    let mut all = Entries { length: known.then_some(end), ..Entries::default() };
    let mut first_table: Option<&Path> = None;
    let each = files.iter().zip(media).zip(&shared).zip(around);
    for (((file, media), shared), [of_sound, of_video, of_scalar]) in each {
        let Media { sound, video, scalar, duration, further } = media;
        all.further.extend(further);
        let length = shared.map_or(Length::Own(duration), Length::Shared);
        if let Some(source) = sound {
            all.sound.push(Entry { source, length, around: of_sound });
        }
        if let Some(source) = video {
            all.video.push(Entry { source, length, around: of_video });
        }
        if let Some(source) = scalar {
            let layout = all.layout.get_or_insert_with(|| source.layout().clone());
            let first = *first_table.get_or_insert(file);
            check_layout(file, source.layout(), first, layout)?;
            let source = source as Box<dyn Source<Item = _>>;
            all.scalar.push(Entry { source, length, around: of_scalar });
        }
    }
    all.shared = shared;
    Ok(all)
}

/// Whether a file holds sound, pictures and channels.
fn held(media: &Media) -> [bool; 3] {
    [media.sound.is_some(), media.video.is_some(), media.scalar.is_some()]
}

/// Whether a file holds sound and pictures: only such a file ties one sense to another.
fn is_tie([sound, video, _]: [bool; 3]) -> bool {
    sound && video
}

/// How long those files last by which another begins that holds a further sense, and all that tie senses together where
/// anything follows: it has to be known before they play.
fn shared_lengths(
    files: &[PathBuf],
    options: &MediaOptions,
    again: bool,
    media: &[Media],
) -> Result<Vec<Option<Timestamp>>> {
    let held: Vec<[bool; 3]> = media.iter().map(held).collect();
    let tied = held.iter().copied().any(is_tie);
    let length = |(index, file): (usize, &PathBuf)| {
        let after = held.get(index + 1..).unwrap_or_default();
        let needed = if is_tie(held[index]) {
            again || !after.is_empty()
        } else {
            (held[index][0] || held[index][1]) && ((again && tied) || after.iter().copied().any(is_tie))
        };
        needed.then(|| media::length_of(file, options, &media[index])).transpose()
    };
    files.iter().enumerate().map(length).collect()
}

/// When files play. A file begins, with all that it holds at once, where the last of those before it ends that hold
/// one of its senses. So files of one sense play one after another and those of different senses side by side, until a
/// file holds both: it follows all of them, and what comes after it, in either sense, follows it.
///
/// In a loop, what so hangs together goes round together.
struct Places {
    /// Of each file and for each of its senses, how long no file plays that holds it, before and after.
    around: Vec<[[Timestamp; 2]; 3]>,
    /// When the last of all ends.
    end: Timestamp,
}

impl Places {
    /// Of files that hold this and last so long; one of which that is unknown counts for nothing: nothing goes by it.
    fn of(held: &[[bool; 3]], lengths: &[Option<Timestamp>]) -> Self {
        let mut ends = [Timestamp::ZERO; 3];
        let mut around = vec![[[Timestamp::ZERO; 2]; 3]; held.len()];
        for ((held, length), around) in held.iter().zip(lengths).zip(&mut around) {
            let mine: Vec<usize> = (0..3).filter(|sense| held[*sense]).collect();
            let start = mine.iter().map(|sense| ends[*sense]).max().unwrap_or_default();
            let end = Timestamp(start.0.saturating_add(length.unwrap_or_default().0));
            for sense in mine {
                around[sense][0] = Timestamp(start.0 - ends[sense].0);
                ends[sense] = end;
            }
        }
        // The round of both senses is that of the longer.
        let (round, tied) = (ends[0].max(ends[1]), held.iter().copied().any(is_tie));
        for (sense, end) in ends.iter().enumerate().take(2).filter(|_| tied) {
            if let Some(last) = held.iter().rposition(|held| held[sense]) {
                around[last][sense][1] = Timestamp(round.0 - end.0);
            }
        }
        Self { around, end: ends.into_iter().max().unwrap_or_default() }
    }
}

/// Refuses channels that are not those of the file `before`, after which they play as if they were: `expected`.
fn check_layout(file: &Path, now: &ScalarLayout, before: &Path, expected: &ScalarLayout) -> Result<()> {
    let (file, before) = (file.display().to_string(), before.display());
    if now.names.len() != expected.names.len() {
        let error = Error::call(file, format!("it has another number of channels than {before}"));
        return Err(error.value(now.names.len()).bound(expected.names.len()));
    }
    let mut pairs = now.names.iter().zip(&expected.names).enumerate();
    let Some((index, (now, expected))) = pairs.find(|(_, (now, expected))| now != expected) else {
        return Ok(());
    };
    let error =
        Error::call(file, format!("its channels have other names, or another order, than {before}'s"));
    let error = error.at(format!("channel {}", index + 1)).value(now).bound(expected);
    Err(error.help("Channels that play one after another have the same names in the same order."))
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

    /// A film of 5 pictures a tenth of a second apart, without sound.
    fn silent(folder: &Path) -> PathBuf {
        let path = folder.join("silent.y4m");
        let pictures = b"FRAME\n\x10\x40\x80\xc0".repeat(5);
        std::fs::write(&path, [&b"YUV4MPEG2 W2 H2 F10:1 Cmono\n"[..], &pictures].concat()).unwrap();
        path
    }

    /// 0.3 s of sound.
    fn tone(folder: &Path) -> PathBuf {
        let path = folder.join("tone.wav");
        let sample_format = hound::SampleFormat::Int;
        let spec = hound::WavSpec { channels: 1, sample_rate: 48_000, bits_per_sample: 16, sample_format };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        (0..14_400_i16).for_each(|n| writer.write_sample(n % 97 * 100).unwrap());
        writer.finalize().unwrap();
        path
    }

    fn table(folder: &Path, name: &str, header: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, format!("time,{header}\n0,1,2\n0.1,3,4\n")).unwrap();
        path
    }

    /// First frames of the stretches of sound without a gap; of at most so many blocks.
    fn stretches(inputs: &mut Inputs, most: usize) -> Vec<u64> {
        let sound = inputs.sound.as_mut().unwrap();
        let (mut begun, mut end) = (Vec::new(), None);
        for block in std::iter::from_fn(|| sound.pull().unwrap()).take(most) {
            if end != Some(block.position) {
                begun.push(block.position);
            }
            end = Some(block.position + block.frames.len() as u64);
        }
        begun
    }

    #[test]
    fn a_file_follows_those_that_share_a_sense_with_it_as_a_whole() {
        let ms = |ms: i64| Timestamp(ms * 1_000_000);
        let [sound, video, both, table] =
            [[true, false, false], [false, true, false], [true, true, false], [false, false, true]];
        // What files hold, how long they last, when each begins, when all end, and what a round lacks after each sense.
        let cases = [
            (vec![video, both], vec![6, 6], vec![0, 6], 12, [0, 0]),
            (vec![sound, both], vec![3, 6], vec![0, 3], 9, [0, 0]),
            (vec![both, video, both], vec![6, 5, 4], vec![0, 6, 11], 15, [0, 0]),
            (vec![sound, video, both, sound], vec![3, 5, 4, 2], vec![0, 0, 5, 9], 11, [0, 2]),
            (vec![both, table, table], vec![6, 4, 4], vec![0, 0, 4], 8, [0, 0]),
            (vec![sound, table, video], vec![3, 4, 5], vec![0, 0, 0], 5, [0, 0]),
        ];
        for (held, lengths, starts, end, lacks) in cases {
            let lengths: Vec<Option<Timestamp>> =
                lengths.into_iter().map(|length| Some(ms(length))).collect();
            let places = Places::of(&held, &lengths);
            assert_eq!(places.end, ms(end), "{held:?}");
            let mut passed = [Timestamp::ZERO; 3];
            for (file, held) in held.iter().enumerate() {
                for sense in (0..3).filter(|sense| held[*sense]) {
                    let [before, after] = places.around[file][sense];
                    let start = Timestamp(passed[sense].0 + before.0);
                    assert_eq!(start, ms(starts[file]), "{held:?}: file {file}, sense {sense}");
                    passed[sense] = Timestamp(start.0 + lengths[file].unwrap().0 + after.0);
                }
            }
            let ends = [0, 1].map(|sense| {
                let last = held.iter().rposition(|held| held[sense]);
                last.map_or(Timestamp::ZERO, |last| places.around[last][sense][1])
            });
            assert_eq!(ends, lacks.map(ms), "{held:?}");
        }
    }

    #[test]
    fn sound_and_picture_start_together_behind_a_file_that_lacks_one() {
        let folder = tempfile::tempdir().unwrap();
        let codecs = ["-c:v", "ffv1", "-c:a", "flac"];
        let Some(film) = film(folder.path(), "film.mkv", "0.4", "0.4", &codecs) else { return };
        let (silent, tone) = (silent(folder.path()), tone(folder.path()));
        let at = |start: i64, step: i64, count: i64| (0..count).map(move |n| start + n * step);
        // The last picture of the silent film stands as long as the one before, and then the film begins.
        let mut inputs = opened(&[silent.clone(), film.clone()], false);
        let all: Vec<i64> = at(0, 100, 5).chain(at(500, 40, 10)).collect();
        assert_eq!(pictures(&mut inputs, 99), all);
        assert_eq!(stretches(&mut inputs, 999), [24_000]);
        let mut inputs = opened(&[tone.clone(), film.clone()], false);
        assert_eq!(pictures(&mut inputs, 99), at(300, 40, 10).collect::<Vec<i64>>());
        assert_eq!(stretches(&mut inputs, 999), [0]);
        // Round and round, sound waits for the pictures that it lacks.
        let mut inputs = opened(&[film, silent.clone()], true);
        let round = |start: i64| at(start, 40, 10).chain(at(start + 400, 100, 5));
        assert_eq!(pictures(&mut inputs, 30), round(0).chain(round(900)).collect::<Vec<i64>>());
        assert_eq!(stretches(&mut inputs, 150)[..3], [0, 43_200, 86_400]);
        // What shares no sense plays side by side.
        let mut inputs = opened(&[tone, silent], false);
        assert_eq!((pictures(&mut inputs, 1), stretches(&mut inputs, 1)), (vec![0], vec![0]));
    }

    #[test]
    fn tables_whose_channels_differ_are_refused_and_told_by_both_names() {
        let folder = tempfile::tempdir().unwrap();
        let [one, same, turned] = [("a.csv", "x,y"), ("b.csv", "x,y"), ("c.csv", "y,x")]
            .map(|(name, header)| table(folder.path(), name, header));
        let narrow = folder.path().join("d.csv");
        std::fs::write(&narrow, "time,x\n0,1\n").unwrap();
        let open = |files: &[PathBuf]| {
            let options = MediaOptions::default();
            open_files(files, &options, Timestamp::ZERO, false, Config::default())
        };
        let files = open(&[one.clone(), same.clone()]).unwrap();
        assert_eq!(files.layout.unwrap().names, ["x", "y"]);
        assert_eq!(files.inputs.scalar.unwrap().info().name, "a.csv, b.csv");
        for (other, parts) in [
            (turned, ["c.csv", "a.csv", "at channel 1", "y (allowed: x)"]),
            (narrow, ["d.csv", "a.csv", "number", "1 (allowed: 2)"]),
        ] {
            let error = open(&[one.clone(), same.clone(), other]).err().unwrap();
            assert_eq!(error.kind().exit_code(), 2);
            let error = error.to_string();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
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
