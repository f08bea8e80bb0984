//! A session's messages: which topic an item goes to, its bytes there, and the item again.
//!
//! | topic | encoding | holds |
//! |---|---|---|
//! | `/entered` | `x-napot` | what entered in some ticks: sound, bursts; lossless |
//! | `/state` | `x-napot` | the whole state between two ticks |
//! | `/electrodes` | `x-napot` | microvolts as f32, sample after sample |
//! | `/ledger` | `json` | `tick`, `state`, `inputs` of each ledger line |
//! | `/marks` | `json` | what happened, as Foxglove's log messages |
//! | `/pictures` | `ros1` | small copies of what the eye saw, JPEG |
//! | `/latency` | `x-napot` | how long each tick took |
//! | `/channels` | `x-napot` | samples of scalar channels as they entered |
//! | `/controls` | `json` | what was changed while the run went on, as Foxglove's log messages |
//!
//! A message's time is model time in nanoseconds.

use super::form::{self, Parsed};
use super::told;
use crate::signal::SessionItem;
use crate::time::{TICKS_PER_SECOND, Tick, Timestamp};

/// A topic, and what an MCAP file says of it.
pub(super) struct Topic {
    pub(super) name: &'static str,
    /// How its messages are encoded.
    pub(super) encoding: &'static str,
    /// Name, encoding and text of its schema.
    pub(super) schema: [&'static str; 3],
}

const fn topic(name: &'static str, encoding: &'static str, schema: [&'static str; 3]) -> Topic {
    Topic { name, encoding, schema }
}

const ENTERED: usize = 0;
const STATE: usize = 1;
const ELECTRODES: usize = 2;
const LEDGER: usize = 3;
const MARKS: usize = 4;
const PICTURES: usize = 5;
const LATENCY: usize = 6;
const CONTROLS: usize = 7;
const CHANNELS: usize = 8;

/// The topics, in the order of their channels.
pub(super) const TOPICS: [Topic; 9] = [
    topic("/entered", "x-napot", ["napot.Entered", "x-napot", form::ENTERED_SCHEMA]),
    topic("/state", "x-napot", ["napot.State", "x-napot", form::STATE_SCHEMA]),
    topic("/electrodes", "x-napot", ["napot.Electrodes", "x-napot", form::ELECTRODES_SCHEMA]),
    topic("/ledger", "json", ["napot.LedgerLine", "jsonschema", told::LINE_SCHEMA]),
    topic("/marks", "json", ["foxglove.Log", "jsonschema", told::LOG_SCHEMA]),
    topic("/pictures", "ros1", ["sensor_msgs/CompressedImage", "ros1msg", told::PICTURE_SCHEMA]),
    topic("/latency", "x-napot", ["napot.Latency", "x-napot", form::LATENCY_SCHEMA]),
    topic("/controls", "json", ["foxglove.Log", "jsonschema", told::LOG_SCHEMA]),
    topic("/channels", "x-napot", ["napot.Channels", "x-napot", form::CHANNELS_SCHEMA]),
];

/// An item as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// The topic's number.
    pub(super) topic: usize,
    /// Model time.
    pub(super) time: Timestamp,
    /// Its bytes.
    pub(super) data: Vec<u8>,
}

impl Message {
    /// The message of an item; electrodes have `rate_hz` samples per second.
    pub(super) fn of(item: &SessionItem, rate_hz: u32) -> Self {
        let (topic, time, data) = match item {
            SessionItem::Entered(entered) => (ENTERED, entered.first.start(), form::entered_bytes(entered)),
            SessionItem::State(state) => (STATE, state.next.start(), form::state_bytes(state)),
            SessionItem::Electrodes(first, values) => {
                let time = sample_tick(*first, rate_hz).start();
                (ELECTRODES, time, form::electrodes_bytes(*first, values))
            }
            SessionItem::Ledger(line) => (LEDGER, line.tick.next().start(), told::ledger_bytes(line)),
            SessionItem::Mark(time, text) => (MARKS, *time, told::mark_bytes(*time, text)),
            SessionItem::Picture(picture) => (PICTURES, picture.time, told::picture_bytes(picture)),
            SessionItem::Latency(latency) => (LATENCY, latency.first.start(), form::latency_bytes(latency)),
            SessionItem::Channels(channels) => {
                let time = channels.times.first().copied().unwrap_or_default();
                (CHANNELS, time, form::channels_bytes(channels))
            }
            SessionItem::Control(time, text) => (CONTROLS, *time, told::mark_bytes(*time, text)),
        };
        Self { topic, time, data }
    }

    /// Whether it tells what entered: a block of it ends what is kept so far.
    pub(super) fn is_block(&self) -> bool {
        self.topic == ENTERED
    }

    /// Whether it is a state.
    pub(super) fn is_state(&self) -> bool {
        self.topic == STATE
    }

    /// Whether it is a change while the run went on.
    pub(super) fn is_control(&self) -> bool {
        self.topic == CONTROLS
    }

    /// The item again.
    pub(super) fn item(&self) -> Parsed<SessionItem> {
        item(self.topic, &self.data)
    }
}

/// The item that `data` is on a topic.
pub(super) fn item(topic: usize, data: &[u8]) -> Parsed<SessionItem> {
    Ok(match topic {
        ENTERED => SessionItem::Entered(form::entered(data)?),
        STATE => SessionItem::State(form::state(data)?),
        ELECTRODES => {
            let (first, values) = form::electrodes(data)?;
            SessionItem::Electrodes(first, values)
        }
        LEDGER => SessionItem::Ledger(told::ledger(data)?),
        MARKS => {
            let (time, text) = told::mark(data)?;
            SessionItem::Mark(time, text)
        }
        PICTURES => SessionItem::Picture(told::picture(data)?),
        LATENCY => SessionItem::Latency(form::latency(data)?),
        CONTROLS => {
            let (time, text) = told::mark(data)?;
            SessionItem::Control(time, text)
        }
        CHANNELS => SessionItem::Channels(form::channels(data)?),
        _ => return Err("the topic is not known"),
    })
}

/// The tick at which an electrodes' sample begins.
pub(super) fn sample_tick(sample: u64, rate_hz: u32) -> Tick {
    Tick(sample.saturating_mul(TICKS_PER_SECOND) / u64::from(rate_hz.max(1)))
}
