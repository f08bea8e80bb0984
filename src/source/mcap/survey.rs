//! Looks through a file once: its topics of pictures and sound, when each begins and ends, and what its sound is.

use std::collections::BTreeMap;
use std::path::Path;

use super::message::{Kind, Reading};
use crate::error::Result;
use crate::format::mcap::{Reader, Record};

/// A topic with messages that are read.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    pub name: String,
    pub kind: Kind,
    /// The name of its messages' schema.
    pub schema: String,
    /// How the messages of each of its channels are read.
    pub channels: BTreeMap<u16, Reading>,
    /// The earliest and the latest time, in the file's nanoseconds.
    pub times: [u64; 2],
}

/// What a `AudioInfo` message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct About {
    pub rate: u32,
    pub channels: u32,
    pub format: String,
    pub coding: String,
}

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Topics of pictures and sound that have messages, by their first one.
    pub topics: Vec<Topic>,
    /// What its sound is, where a topic of its own says so.
    pub about: Option<About>,
    /// Other topics, with the names of their schemas: a few, for messages.
    pub others: Vec<String>,
}

/// The longest time between two messages in nanoseconds, a day: a longer one is a damaged stamp, and would be played.
pub(super) const LONGEST_GAP: u64 = 86_400_000_000_000;
/// The most other topics that are named.
const MOST_OTHERS: usize = 8;

/// A channel that was declared.
struct Channel {
    topic: String,
    schema: String,
    reading: Option<Reading>,
    /// Where its topic stands among those of the survey, once it has a message.
    place: Option<usize>,
}

impl Survey {
    /// Reads the file at `path` as far as it is whole.
    ///
    /// # Errors
    /// Where it can't be opened or read.
    pub fn of(path: &Path) -> Result<Self> {
        let mut reader = Reader::open(path)?;
        let mut survey = Self::default();
        let mut schemas: BTreeMap<u16, String> = BTreeMap::new();
        let mut channels: BTreeMap<u16, Channel> = BTreeMap::new();
        while let Some(record) = reader.next()? {
            match record {
                Record::Schema { id, name, .. } => drop(schemas.insert(id, name)),
                Record::Channel { id, schema, topic, encoding, .. } => {
                    let schema = schemas.get(&schema).cloned().unwrap_or_default();
                    let reading = Reading::of(&schema, &encoding);
                    channels.entry(id).or_insert(Channel { topic, schema, reading, place: None });
                }
                Record::Message { channel: id, log_time, data, .. } => {
                    if let Some(channel) = channels.get_mut(&id) {
                        survey.message(id, channel, log_time, &data);
                    }
                }
                _ => {}
            }
        }
        for channel in channels.values().filter(|channel| channel.reading.is_none()) {
            if survey.others.len() < MOST_OTHERS {
                survey.others.push(format!("{} ({})", channel.topic, channel.schema));
            }
        }
        Ok(survey)
    }

    fn message(&mut self, id: u16, channel: &mut Channel, time: u64, data: &[u8]) {
        let Some(reading) = channel.reading else { return };
        if reading.kind() == Kind::About {
            if self.about.is_none() {
                self.about = reading.read(data).ok().map(|message| About {
                    rate: message.rate,
                    channels: message.channels,
                    format: message.format.into_owned(),
                    coding: message.coding.into_owned(),
                });
            }
            return;
        }
        let place = *channel.place.get_or_insert_with(|| {
            let same = |topic: &Topic| topic.name == channel.topic && topic.kind == reading.kind();
            let place = self.topics.iter().position(same).unwrap_or(self.topics.len());
            if place == self.topics.len() {
                self.topics.push(Topic {
                    name: channel.topic.clone(),
                    kind: reading.kind(),
                    schema: channel.schema.clone(),
                    channels: BTreeMap::new(),
                    times: [time; 2],
                });
            }
            self.topics[place].channels.insert(id, reading);
            place
        });
        let [first, last] = &mut self.topics[place].times;
        *first = time.min(*first);
        if time.saturating_sub(*last) <= LONGEST_GAP {
            *last = time.max(*last);
        }
    }
}
