//! How long recordings last: to the end of their last item.
//!
//! Few containers say it well: what is declared is one track's, or rounded, or missing in what was recorded live. So
//! where sound and pictures of one file must go on together, the file is read through once, and so is what comes before
//! it; of films, nothing is decoded where the `ffmpeg` program is at hand.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use super::content::Content;
use super::ffmpeg::{Complaints, spawn_program};
use super::mcap;
use super::media::{self, Media, MediaOptions};
use super::playlist::Timed;
use crate::error;
use crate::stream::Source;
use crate::time::Timestamp;

/// How long a picture or row lasts that is alone: as one of a folder of pictures.
const ALONE: Duration = Duration::from_millis(40);

/// What the program writes where the container gives a packet no time.
const NO_STAMP: i64 = i64::MIN;

/// Tells of each packet its stream (0 sound, 1 pictures, where both are there), times and length, by lines of text.
const OUTPUT: [&str; 8] = ["-map", "0:a:0?", "-map", "0:V:0?", "-c", "copy", "-f", "framecrc"];

/// How far a recording has come. An item without a length lasts as long as the one before it did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reached {
    end: Timestamp,
    /// The latest start of an item without a length.
    latest: Option<Timestamp>,
    /// The time between the last two that did not start together.
    step: Option<Duration>,
}

impl Reached {
    /// Takes an item that starts and, where it has a length, ends so.
    pub fn take(&mut self, start: Timestamp, end: Option<Timestamp>) {
        if let Some(end) = end {
            self.end = self.end.max(end);
            return;
        }
        match self.latest {
            Some(latest) if start <= latest => return,
            Some(latest) => self.step = Some(start - latest),
            None => {}
        }
        self.latest = Some(start);
    }

    /// When the last item ends; zero where there was none.
    #[must_use]
    pub fn end(self) -> Timestamp {
        let of_steps = self.latest.map(|latest| latest + self.step.unwrap_or(ALONE));
        self.end.max(of_steps.unwrap_or_default())
    }
}

/// When the last item of `source` ends, as far as it is whole: reads all of it.
pub fn of_items<T: Timed>(source: &mut dyn Source<Item = T>) -> Timestamp {
    let mut reached = Reached::default();
    // Where it breaks off is told when it plays.
    while let Ok(Some(item)) = source.pull() {
        reached.take(item.start(), item.end());
    }
    reached.end()
}

/// How long the file of sound, pictures or both at `path`, opened as `media`, holds the clock of files that begin only
/// after it: as [`media::length`] where it holds both, else until the end of its last item, and at least for as long as
/// it declares. What breaks off lasts as long as it is whole; that it does is told when it plays.
///
/// # Errors
/// As [`media::open`].
pub fn length_of(path: &Path, options: &MediaOptions, media: &Media) -> error::Result<Timestamp> {
    if let Some(shared) = media::length(path, options, media)? {
        return Ok(shared);
    }
    // A folder holds still pictures.
    let content = if path.is_dir() { Content::Still } else { Content::of(path)? };
    let packets = match content {
        Content::Mcap => Some(mcap::length(path, &options.mcap)?),
        // They are read here, at times that are not all the program's.
        Content::Gif | Content::Y4m | Content::Still => None,
        // Of sound alone a codec's padding would be heard as a gap.
        _ if media.video.is_none() => None,
        _ => of_packets(path, content.counts_from_zero()),
    };
    let end = packets.map_or_else(|| of_all_items(path, options), Ok)?;
    Ok(end.max(media.duration.unwrap_or_default()))
}

/// When the last item of sound or pictures of the file at `path` ends.
///
/// # Errors
/// As [`media::open`].
pub fn of_all_items(path: &Path, options: &MediaOptions) -> error::Result<Timestamp> {
    let Media { sound, video, .. } = media::open(path, &MediaOptions { again: true, ..options.clone() })?;
    let sound = sound.map_or(Timestamp::ZERO, |mut sound| of_items(&mut *sound));
    let video = video.map_or(Timestamp::ZERO, |mut video| of_items(&mut *video));
    Ok(sound.max(video))
}

/// When the last packet of sound or pictures in the file at `path` ends, without decoding any; `from_zero` as
/// [`super::content::Content::counts_from_zero`]. `None` where the `ffmpeg` program isn't installed or finds no packet.
pub fn of_packets(path: &Path, from_zero: bool) -> Option<Timestamp> {
    let before: &[&str] = if from_zero { &["-copyts"] } else { &[] };
    let mut child = spawn_program(OsStr::new("ffmpeg"), path, before, &OUTPUT).ok()?;
    let (packets, errors) = child.stdout.take().zip(child.stderr.take())?;
    // What it complains about is told when the file plays.
    let mut complaints = Complaints::collect(errors);
    let mut ends = [Stream::default(); 2];
    for line in BufReader::new(packets).lines().map_while(Result::ok) {
        // Other lines are comments.
        let _ = read_line(&line, &mut ends);
    }
    // It has closed its output, so it ends; how is told when the file plays.
    let _ = child.wait();
    complaints.finish();
    ends.iter().map(|stream| stream.reached.end()).max().filter(|end| *end > Timestamp::ZERO)
}

#[derive(Clone, Copy, Default)]
struct Stream {
    /// Its unit in seconds: numerator and denominator.
    unit: [i128; 2],
    reached: Reached,
}

/// Reads a stream's unit (`#tb 0: 1/48000`), or a packet (`0, 1024, 1024, 1024, 258, 0x2c5b786a`: stream, decoding
/// time, presentation time, length, bytes, sum); `None` where the line is neither.
fn read_line(line: &str, streams: &mut [Stream; 2]) -> Option<()> {
    if let Some(unit) = line.strip_prefix("#tb ") {
        let (number, unit) = unit.split_once(": ")?;
        let (seconds, parts) = unit.split_once('/')?;
        let stream = streams.get_mut(number.parse::<usize>().ok()?)?;
        stream.unit = [seconds.trim().parse().ok()?, parts.trim().parse().ok()?];
        return Some(());
    }
    let mut fields = line.split(',').map(str::trim);
    let stream = streams.get_mut(fields.next()?.parse::<usize>().ok()?)?;
    let mut number = || fields.next()?.parse::<i64>().ok();
    let (decoded, shown, length) = (number()?, number()?, number()?);
    let start = if shown == NO_STAMP { decoded } else { shown };
    let [seconds, parts] = stream.unit;
    let at = |units: i64| Timestamp::from_ratio(i128::from(units) * seconds, parts);
    stream.reached.take(at(start), (length > 0).then(|| at(start.saturating_add(length))));
    Some(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::source::ffmpeg::films::film;
    use crate::source::playlist::{Entry, Length, Playlist};

    #[test]
    fn lines_of_packets_are_read_and_others_passed_over() {
        let mut streams = [Stream::default(); 2];
        for line in [
            "#software: Lavf",
            "#tb 0: 1/1000",
            "#tb 1: 1001/30000",
            "#tb 7: 1/2",
            "0,         -7,         -7,       20,      300, 0x10a2919d",
            "0,       2094,       2094,       20,      318, 0x1c1692a9, S=1,       10",
            "1,          0,          3,        0,       46, 0x82ea11bd",
            "1,          1, -9223372036854775808, 0, 46, 0x82ea11bd",
            "1,          2,          4,        0,       46, 0x82ea11bd",
            "9, 0, 0, 100000, 1, 0x0",
            "0, ended",
        ] {
            let _ = read_line(line, &mut streams);
        }
        let ends = streams.map(|stream| stream.reached.end());
        // Pictures 3, 1 and 4: the last lasts as long as the time between it and the latest before.
        assert_eq!(ends, [Timestamp(2_114_000_000), Timestamp(166_833_332)]);
    }

    #[test]
    fn sound_and_pictures_of_a_file_last_to_the_end_of_the_longer() {
        let folder = tempfile::tempdir().unwrap();
        for (name, pictures, tone, codecs, ms) in [
            ("a.mkv", "0.4", "0.48", &["-c:v", "ffv1", "-c:a", "flac"][..], 480),
            ("b.mkv", "0.4", "0.3", &["-c:v", "mjpeg", "-c:a", "pcm_s16le"], 400),
            ("c.mp4", "1", "0.5", &["-c:v", "mpeg4", "-c:a", "aac"], 1_000),
            ("d.avi", "0.4", "0.5", &["-c:v", "mjpeg", "-c:a", "pcm_s16le"], 500),
        ] {
            let Some(path) = film(folder.path(), name, pictures, tone, codecs) else { continue };
            let end = of_packets(&path, true).unwrap();
            assert!((end.0 - ms * 1_000_000).abs() <= 1_000_000, "{name}: {end}");
        }
        let none = folder.path().join("none.mkv");
        std::fs::write(&none, b"no film").unwrap();
        assert_eq!(of_packets(&none, true), None);
    }

    #[test]
    fn sound_and_pictures_of_a_looped_file_stay_together() {
        let folder = tempfile::tempdir().unwrap();
        for (name, pictures, tone, codecs) in [
            ("longer-sound.mkv", "0.4", "0.48", &["-c:v", "ffv1", "-c:a", "flac"][..]),
            ("longer-pictures.mkv", "0.4", "0.3", &["-c:v", "mjpeg", "-c:a", "pcm_s16le"]),
            ("padded.mkv", "0.4", "0.4", &["-c:v", "ffv1", "-c:a", "vorbis", "-strict", "-2", "-ac", "2"]),
            ("opus.mkv", "0.4", "0.45", &["-c:v", "ffv1", "-c:a", "libopus"]),
            ("longer-pictures.mp4", "1", "0.5", &["-c:v", "mpeg4", "-c:a", "aac"]),
        ] {
            let Some(path) = film(folder.path(), name, pictures, tone, codecs) else { continue };
            let options = MediaOptions::default();
            let length = media::length(&path, &options, &media::open(&path, &options).unwrap());
            let length = length.unwrap().expect("a file with sound and pictures");
            let files: Vec<Media> = (0..3).map(|_| media::open(&path, &options).unwrap()).collect();
            let (mut sounds, mut films) = (Vec::new(), Vec::new());
            for Media { sound, video, .. } in files {
                let (length, around) = (Length::Shared(length), [Timestamp::ZERO; 2]);
                sounds.push(Entry { source: sound.unwrap(), length, around });
                films.push(Entry { source: video.unwrap(), length, around });
            }
            let mut sound = Playlist::new(sounds, Timestamp::ZERO, None).unwrap();
            let mut film = Playlist::new(films, Timestamp::ZERO, None).unwrap();
            let seams: BTreeSet<i64> = (0..3).map(|round| round * length.0).collect();
            let mut begun = BTreeSet::new();
            while let Some(frame) = film.pull().unwrap() {
                begun.insert(frame.stamp.time.0);
            }
            // Matroska's writer moves pictures on by what sound has before zero.
            let first = *begun.first().unwrap();
            for seam in &seams {
                assert!(begun.contains(&(first + seam)), "{name}: {begun:?} without {first} + {seam}");
            }
            assert_eq!(begun.len() % 3, 0, "{name}: no picture is lost or comes twice");
            let mut position = 0;
            let mut begun = BTreeSet::new();
            while let Some(block) = sound.pull().unwrap() {
                assert!(block.position >= position, "{name}: sound overlaps at frame {position}");
                position = block.position + block.frames.len() as u64;
                begun.insert(block.position);
            }
            let frame = |time: &i64| (time * 48 + 500_000) / 1_000_000;
            for seam in seams.iter().map(frame) {
                assert!(begun.contains(&seam.cast_unsigned()), "{name}: no sound begins at frame {seam}");
            }
        }
    }

    #[test]
    fn a_file_of_one_sense_lasts_to_the_end_of_its_last_item() {
        let folder = tempfile::tempdir().unwrap();
        let length = |path: &Path| {
            let options = MediaOptions::default();
            length_of(path, &options, &media::open(path, &options).unwrap()).unwrap().0
        };
        let silent = folder.path().join("silent.y4m");
        std::fs::write(
            &silent,
            [&b"YUV4MPEG2 W2 H2 F10:1 Cmono\n"[..], &b"FRAME\n\x10\x10\x10\x10".repeat(3)].concat(),
        )
        .unwrap();
        assert_eq!(length(&silent), 300_000_000);
        let pictures = folder.path().join("pictures");
        std::fs::create_dir(&pictures).unwrap();
        for name in ["1.ppm", "2.ppm"] {
            std::fs::write(pictures.join(name), b"P6\n1 1\n255\nabc").unwrap();
        }
        assert_eq!(length(&pictures), 80_000_000);
        let sound = folder.path().join("sound.wav");
        let sample_format = hound::SampleFormat::Int;
        let spec = hound::WavSpec { channels: 1, sample_rate: 48_000, bits_per_sample: 16, sample_format };
        let mut writer = hound::WavWriter::create(&sound, spec).unwrap();
        (0..24_000_i16).for_each(|n| writer.write_sample(n).unwrap());
        writer.finalize().unwrap();
        assert_eq!(length(&sound), 500_000_000);
        for (name, codecs) in [("a.mkv", ["-an", "-c:v", "mpeg4"]), ("b.avi", ["-an", "-c:v", "mjpeg"])] {
            let Some(path) = film(folder.path(), name, "0.4", "0.4", &codecs) else { continue };
            assert!((length(&path) - 400_000_000).abs() <= 1_000_000, "{name}");
        }
    }

    #[test]
    fn items_without_a_length_last_as_long_as_the_one_before() {
        let end = |starts: &[i64]| {
            let mut reached = Reached::default();
            for start in starts {
                reached.take(Timestamp(*start), None);
            }
            reached.end().0
        };
        assert_eq!(end(&[]), 0);
        assert_eq!(end(&[7]), 40_000_007);
        assert_eq!(end(&[0, 10, 15, 15, 3]), 20);
    }
}
