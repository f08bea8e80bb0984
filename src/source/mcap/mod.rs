//! Pictures and sound of other programs' MCAP files: ROS bags, Foxglove's recordings.
//!
//! `message` knows the schemas, `wire` their encodings, `survey` looks through the file once, `messages` gives one
//! topic's in the order of time, `pictures` and `sound` make sources of them. The time of a message is its log time,
//! and the earliest one of what is played is zero. At most one topic of pictures and one of sound play.
//!
//! To add a schema: a line in `message`'s table, and what its data are in `pictures` or `sound`.

mod message;
mod messages;
mod pictures;
mod sound;
mod survey;
#[cfg(test)]
mod tests;
mod wire;

use std::path::Path;

use self::message::{Kind, Message, Reading};
use self::messages::{Item, Messages};
use self::pictures::Pictures;
use self::sound::{Layout, TopicSound};
use self::survey::{About, Survey, Topic};
use super::length::{Reached, of_items};
use super::sound::{SoundFile, SoundTrack};
use super::video::memory;
use crate::error::{Error, Result};
use crate::signal::{AudioBlock, Frame, Origin};
use crate::stream::{Source, SourceInfo};
use crate::time::Timestamp;

/// What files don't say themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct McapOptions {
    /// The topics that are played: at most one of pictures and one of sound. None: the first of each.
    pub topics: Vec<String>,
    /// Frames per second of sound whose topic doesn't say.
    pub rate: Option<u32>,
}

/// What one file gives; at least one of the first two.
pub struct Topics {
    /// The sound of a topic.
    pub sound: Option<Box<dyn Source<Item = AudioBlock>>>,
    /// The pictures of a topic.
    pub video: Option<Box<dyn Source<Item = Frame>>>,
    /// From the first message to the last.
    pub duration: Timestamp,
    /// The topics that could be played too.
    pub further: Vec<String>,
}

/// Schemas that are read.
const READ: &str = "foxglove.CompressedImage, RawImage and RawAudio; sensor_msgs CompressedImage and Image; \
                    audio_common_msgs AudioData and AudioDataStamped";
/// The most messages that are looked at for a first one that is whole.
const MOST_BEFORE_FIRST: usize = 100;

/// Opens the topics of the file at `path`.
///
/// # Errors
/// A topic that is not there, or can't be played, is a wrong call. A file without messages that are read is wrong
/// input, as is sound whose rate nothing tells, and a kind of pictures or sound that is not read.
pub fn open(path: &Path, options: &McapOptions) -> Result<Topics> {
    let survey = Survey::of(path)?;
    if survey.topics.is_empty() && options.topics.is_empty() {
        let mut error = Error::input(path, "the file holds no messages of pictures or sound that are read");
        if !survey.others.is_empty() {
            error = error.value(survey.others.join(", "));
        }
        return Err(error.bound(READ));
    }
    let Played { pictures, sound, zero } = Played::of(path, &survey, options)?;
    let played: Vec<&Topic> = pictures.into_iter().chain(sound).collect();
    let end = played.iter().map(|topic| topic.times[1]).max().unwrap_or(0);
    let left_out =
        |topic: &&Topic| options.topics.is_empty() && !played.iter().any(|other| same(other, topic));
    Ok(Topics {
        sound: sound.map(|topic| open_sound(path, topic, zero, &survey, options)).transpose()?,
        video: pictures.map(|topic| open_pictures(path, topic, zero)).transpose()?,
        duration: Timestamp(i64::try_from(end - zero).unwrap_or(i64::MAX)),
        further: survey.topics.iter().filter(left_out).map(|topic| topic.name.clone()).collect(),
    })
}

/// How long what plays of the file at `path` lasts, its last picture and its last message of sound included.
///
/// # Errors
/// As [`open`].
pub fn length(path: &Path, options: &McapOptions) -> Result<Timestamp> {
    let survey = Survey::of(path)?;
    let Played { pictures, sound, zero } = Played::of(path, &survey, options)?;
    let mut shown = Reached::default();
    if let Some(topic) = pictures {
        let mut messages = Messages::open(path, topic, zero)?;
        // Where the file breaks off is for whoever plays it.
        while let Ok(Some(Item { time, .. })) = messages.next() {
            shown.take(time, None);
        }
    }
    // Only its samples say how long a message of sound is.
    let heard = match sound {
        Some(topic) => of_items(&mut *open_sound(path, topic, zero, &survey, options)?),
        None => Timestamp::ZERO,
    };
    Ok(heard.max(shown.end()))
}

/// The topics that are played.
struct Played<'a> {
    pictures: Option<&'a Topic>,
    sound: Option<&'a Topic>,
    /// The time of their first message, in the file's nanoseconds.
    zero: u64,
}

impl<'a> Played<'a> {
    fn of(path: &Path, survey: &'a Survey, options: &McapOptions) -> Result<Self> {
        for name in &options.topics {
            if !survey.topics.iter().any(|topic| topic.name == *name) {
                let error =
                    Error::call("--topic", format!("{} has no such topic that is read", path.display()));
                return Err(error.value(name).bound(listed(&survey.topics)));
            }
        }
        let chosen = |kind| chosen(path, &survey.topics, &options.topics, kind);
        let (pictures, sound) = (chosen(Kind::Picture)?, chosen(Kind::Sound)?);
        let zero = pictures.into_iter().chain(sound).map(|topic| topic.times[0]).min().unwrap_or(0);
        Ok(Self { pictures, sound, zero })
    }
}

fn same(one: &Topic, other: &Topic) -> bool {
    one.name == other.name && one.kind == other.kind
}

/// The topic of this kind that is played.
fn chosen<'a>(path: &Path, topics: &'a [Topic], names: &[String], kind: Kind) -> Result<Option<&'a Topic>> {
    let mut found =
        topics.iter().filter(|topic| topic.kind == kind && (names.is_empty() || names.contains(&topic.name)));
    let first = found.next();
    match found.next() {
        Some(second) if !names.is_empty() => {
            let error = Error::call("--topic", "at most one topic of pictures and one of sound play");
            let first = first.map_or("", |topic| &topic.name[..]);
            let both = format!("{first} and {} of {}", second.name, path.display());
            Err(error.value(both).bound("one of each"))
        }
        _ => Ok(first),
    }
}

/// Topics with their schemas, for messages.
fn listed(topics: &[Topic]) -> String {
    if topics.is_empty() {
        return "none is there".to_owned();
    }
    let names: Vec<String> =
        topics.iter().map(|topic| format!("{} ({})", topic.name, topic.schema)).collect();
    names.join(", ")
}

/// Hands the topic's first message that is whole to `look`, with its place.
fn first<T>(
    path: &Path,
    topic: &Topic,
    zero: u64,
    look: impl Fn(&str, Reading, &Message<'_>) -> Result<T>,
) -> Result<T> {
    let mut messages = Messages::open(path, topic, zero)?;
    let mut damage = "there is none".to_owned();
    for _ in 0..MOST_BEFORE_FIRST {
        // Where the file breaks off is for whoever plays it.
        let Ok(Some(Item { number, reading, data, .. })) = messages.next() else { break };
        let place = format!("message {number} of {}", topic.name);
        match reading.read(&data) {
            Ok(message) => return look(&place, reading, &message),
            Err(what) => damage = what,
        }
    }
    let error = Error::input(path, "no message of the topic is whole").at(&topic.name);
    Err(error.value(damage))
}

fn info(path: &Path, topic: &Topic, kind: &str, format: &str) -> SourceInfo {
    let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    SourceInfo {
        name: format!("{file} {}", topic.name),
        kind: kind.to_owned(),
        origin: Origin::Recorded,
        format: format!("{format} ({})", topic.schema),
    }
}

fn open_pictures(path: &Path, topic: &Topic, zero: u64) -> Result<Box<dyn Source<Item = Frame>>> {
    let format = first(path, topic, zero, |place, reading, message| {
        if reading.is_raw() {
            memory::check_raw(path, place, &message.format)?;
            return Ok(format!("{} {}x{}", message.format, message.width, message.height));
        }
        memory::check_compressed(path, place, &message.format, &message.data).map(str::to_owned)
    })?;
    let messages = Messages::open(path, topic, zero)?;
    Ok(Box::new(Pictures::new(info(path, topic, "video", &format), &topic.name, messages)))
}

fn open_sound(
    path: &Path,
    topic: &Topic,
    zero: u64,
    survey: &Survey,
    options: &McapOptions,
) -> Result<Box<dyn Source<Item = AudioBlock>>> {
    let otherwise = match &survey.about {
        Some(about) => Some(layout(path, topic, about)),
        None => options.rate.map(|rate| Ok(Layout { rate, channels: 1 })),
    };
    let layout = first(path, topic, zero, |place, _, message| {
        if let Err((what, bound)) = sound::check_format(&message.format) {
            return Err(Error::input(path, what).at(place).value(&message.format).bound(bound));
        }
        if let Some(layout) = Layout::of(message, None) {
            return Ok(layout);
        }
        otherwise.clone().unwrap_or_else(|| {
            let error = Error::input(path, "nothing tells the sound's rate").at(&topic.name);
            Err(error.help("Name it by `--rate HZ`; the samples are then taken for 16 bits of one channel."))
        })
    })?;
    let track = TopicSound::new(&topic.name, Messages::open(path, topic, zero)?, layout)?;
    let channels = match layout.channels {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        n => format!("{n} channels"),
    };
    let format = format!("PCM S16LE {} kHz {channels}", f64::from(track.rate()) / 1000.0);
    Ok(Box::new(SoundFile::of_track(info(path, topic, "sound", &format), Box::new(track))))
}

/// What an `AudioInfo` message says of the samples of `topic`.
fn layout(path: &Path, topic: &Topic, about: &About) -> Result<Layout> {
    let (coding, format) = (about.coding.to_ascii_lowercase(), about.format.to_ascii_uppercase());
    if !["wave", "wav", "pcm", ""].contains(&&coding[..]) || !["S16LE", ""].contains(&&format[..]) {
        let error = Error::input(path, "sound in this coding is not read").at(&topic.name);
        return Err(error.value(format!("`{}`, `{}`", about.coding, about.format)).bound("`wave`, `S16LE`"));
    }
    Ok(Layout { rate: about.rate, channels: about.channels as usize })
}
