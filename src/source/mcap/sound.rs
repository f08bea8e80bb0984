//! The sound of a topic: 16-bit samples, laid on the file's clock by the times of their messages.

use symphonia::core::audio::Channels;

use super::message::Message;
use super::messages::{Item, Messages};
use crate::error::{Error, Result};
use crate::source::sound::SoundTrack;
use crate::source::sound::codec::checked;
use crate::source::sound::mix::Downmix;
use crate::source::sound::timeline::{Placed, Timeline};
use crate::stream::Faults;

/// How far a message's time may be from where its sound would go on, in milliseconds: messages are stamped when they
/// arrive, and a gap that is only a late arrival is not to be heard. Beyond some 45 ms sound and picture would seem
/// apart (Rec. ITU-R BT.1359).
const TOLERANCE_MS: u32 = 40;
/// Full scale of 16 bits.
const SCALE: f32 = 32_768.0;

/// What the samples of a topic are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Frames per second.
    pub rate: u32,
    pub channels: usize,
}

impl Layout {
    /// What a message says of its samples; `otherwise` where it doesn't.
    pub fn of(message: &Message<'_>, otherwise: Option<Self>) -> Option<Self> {
        if message.rate == 0 && message.channels == 0 {
            return otherwise;
        }
        Some(Self { rate: message.rate, channels: message.channels as usize })
    }
}

/// A topic's sound at its own rate.
pub(super) struct TopicSound {
    topic: String,
    messages: Messages,
    layout: Layout,
    mix: Downmix,
    timeline: Timeline,
    samples: Vec<f32>,
    mixed: Vec<[f32; 2]>,
    given: bool,
    damaged: u64,
    first_damage: Option<Error>,
}

impl TopicSound {
    /// Plays `messages` of `topic`, whose samples are laid out so.
    ///
    /// # Errors
    /// Where the layout is out of range.
    pub fn new(topic: &str, messages: Messages, layout: Layout) -> Result<Self> {
        checked(messages.path(), layout.rate, layout.channels)?;
        Ok(Self {
            topic: topic.to_owned(),
            messages,
            layout,
            mix: Downmix::new(&Channels::Discrete(layout.channels as u16)),
            timeline: Timeline::tolerant(TOLERANCE_MS),
            samples: Vec::new(),
            mixed: Vec::new(),
            given: false,
            damaged: 0,
            first_damage: None,
        })
    }

    /// Reads a message into `samples`.
    fn read(&mut self, item: &Item) -> Result<()> {
        let place = format!("message {} of {}", item.number, self.topic);
        let damaged = |what: &str| Error::input(self.messages.path(), what).at(&place);
        let message =
            item.reading.read(&item.data).map_err(|what| damaged("the message is damaged").value(what))?;
        check_format(&message.format)
            .map_err(|(what, bound)| damaged(what).value(&message.format).bound(bound))?;
        let found = Layout::of(&message, Some(self.layout));
        if found != Some(self.layout) {
            let found = format!("{} channels at {} Hz", message.channels, message.rate);
            let bound = format!("{} at {} Hz, as before", self.layout.channels, self.layout.rate);
            return Err(damaged("the sound changes its form").value(found).bound(bound));
        }
        let frame = 2 * self.layout.channels;
        if message.data.len() % frame != 0 {
            let error = damaged("the message ends within a frame").value(message.data.len());
            return Err(error.bound(format!("a multiple of {frame} bytes")));
        }
        self.samples.clear();
        let pairs = message.data.as_chunks::<2>().0;
        self.samples.extend(pairs.iter().map(|pair| f32::from(i16::from_le_bytes(*pair)) / SCALE));
        Ok(())
    }
}

/// Whether samples in this format are read: what is wrong with them, and what is allowed.
pub(super) fn check_format(format: &str) -> std::result::Result<(), (&'static str, &'static str)> {
    match format {
        // `AudioData` does not say.
        "" | "pcm-s16" => Ok(()),
        _ => Err(("sound in this format is not read", "pcm-s16")),
    }
}

impl SoundTrack for TopicSound {
    fn rate(&self) -> u32 {
        self.layout.rate
    }

    fn expected_frames(&self) -> Option<u64> {
        None
    }

    fn next(&mut self, out: &mut Vec<[f32; 2]>) -> Result<bool> {
        if self.timeline.silence(out) {
            return Ok(true);
        }
        let Some(item) = self.messages.next()? else {
            // The end is clean only where sound came before.
            return self.first_damage.take().filter(|_| !self.given).map_or(Ok(false), Err);
        };
        if let Err(damage) = self.read(&item) {
            self.damaged += 1;
            self.first_damage.get_or_insert(damage);
            return Ok(true);
        }
        self.given = true;
        self.mixed.clear();
        self.mix.mix(&self.samples, &mut self.mixed);
        let first = frames(item.time.0, self.layout.rate);
        let placed = self.timeline.place(first, &self.mixed, self.layout.rate, out);
        self.damaged += u64::from(placed == Placed::Doubted);
        Ok(true)
    }

    fn faults(&self) -> Faults {
        Faults { damaged: self.damaged + self.messages.dropped(), ..Faults::default() }
    }
}

/// Nanoseconds as frames at `rate`, to the nearest.
fn frames(nanoseconds: i64, rate: u32) -> i64 {
    let doubled = 2 * i128::from(nanoseconds) * i128::from(rate);
    i64::try_from((doubled + 1_000_000_000).div_euclid(2_000_000_000)).unwrap_or(i64::MAX)
}
