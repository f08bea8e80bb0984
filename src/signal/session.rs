//! What a session keeps of a run: what entered, what came out, and where the state stood.

use std::fmt;

use super::{Burst, PictureItem};
use crate::time::{SAMPLES_PER_TICK, Tick, Timestamp};

/// What entered the engine in some ticks that follow each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entered {
    /// The first of the ticks.
    pub first: Tick,
    /// How many.
    pub ticks: u32,
    /// Left and right at 48 kHz as the cochlea heard them: 48 frames a tick, or none where nothing listens.
    pub sound: Vec<[f32; 2]>,
    /// Bursts of all other senses, each with the tick in which it entered, in their order.
    pub bursts: Vec<(Tick, Burst)>,
}

impl Entered {
    /// The tick after the last.
    #[must_use]
    pub fn end(&self) -> Tick {
        Tick(self.first.0 + u64::from(self.ticks))
    }

    /// Frames of sound that so many ticks have.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.ticks as usize * SAMPLES_PER_TICK
    }
}

/// A line of the ledger: the state after `tick`, and what entered since the line before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerLine {
    /// The tick after which the state was hashed.
    pub tick: Tick,
    /// BLAKE3 of the state of all arrays, first 16 bytes.
    pub state: [u8; 16],
    /// BLAKE3 of the sound frames and bursts that entered, first 16 bytes.
    pub inputs: [u8; 16],
}

impl fmt::Display for LedgerLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |bytes: [u8; 16]| u128::from_be_bytes(bytes);
        write!(f, "{} {:032x} {:032x}", self.tick.0, hex(self.state), hex(self.inputs))
    }
}

/// The whole state between two ticks: a run that takes it goes on to the bit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateItem {
    /// The tick that comes next.
    pub next: Tick,
    /// The arrays' numbers, in the order of the ledger's hash.
    pub values: Vec<f32>,
    /// What the senses remember, and the drives' flags, as words.
    pub senses: Vec<u32>,
}

/// How long ticks that follow each other took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencyItem {
    /// The first of the ticks.
    pub first: Tick,
    /// For each, in ns: from when it was due to its end (`None` where ticks are not paced), and the work itself.
    pub ticks: Vec<(Option<u32>, u32)>,
}

/// Samples of scalar channels as they entered, for people.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChannelsItem {
    /// When each was taken.
    pub times: Vec<Timestamp>,
    /// One value per channel, sample after sample.
    pub values: Vec<f32>,
}

/// What a session takes, in the order of time.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionItem {
    /// What entered.
    Entered(Entered),
    /// A line of the ledger.
    Ledger(LedgerLine),
    /// The state, every few seconds.
    State(StateItem),
    /// Electrodes in microvolts: the number of the first sample, then sample after sample.
    Electrodes(u64, Vec<f32>),
    /// Something that happened, with its time.
    Mark(Timestamp, String),
    /// A small copy of what the eye saw, for people.
    Picture(PictureItem),
    /// Samples of scalar channels, for people.
    Channels(ChannelsItem),
    /// How long ticks took.
    Latency(LatencyItem),
    /// What was changed while the run went on, as `key=value`, with its time.
    Control(Timestamp, String),
}
