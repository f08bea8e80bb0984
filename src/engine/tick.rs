//! What the engine reports of a tick: plain numbers in a fixed place, so that reporting allocates nothing.

use std::time::Duration;

use crate::readout::binding::Places;
use crate::signal::Origin;
use crate::stream::capture::Heard;
use crate::stream::playback::Played;
use crate::time::{Clock, Tick, Timestamp};

/// The most arrays an engine has.
pub const MOST_ARRAYS: usize = 4;
/// Into how many parts a sheet's rows are told apart, for people.
pub const PLACES: usize = 32;
/// How many stages a tick has.
pub const STAGES: usize = 5;

/// The parts of a tick whose time is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The cochlea, and bursts into drive.
    Hear,
    /// The arrays' step, twins included.
    Step,
    /// Electrodes and meters.
    Read,
    /// The sound of the field.
    Sonify,
    /// Hashes, copies and rings.
    Publish,
}

impl Stage {
    /// All stages in their order.
    pub const ALL: [Self; STAGES] = [Self::Hear, Self::Step, Self::Read, Self::Sonify, Self::Publish];

    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hear => "hear",
            Self::Step => "step",
            Self::Read => "read",
            Self::Sonify => "sonify",
            Self::Publish => "publish",
        }
    }
}

/// What both senses say in a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sensed {
    /// Of the picture whose bursts entered: the tick of its stamp, and the sum of their magnitudes at each place of the sheet.
    pub picture: Option<(Tick, Places)>,
    /// The power of the hearing array's differential in its fastest band, in `E_b`; 0 without a twin.
    pub differential: f32,
    /// The rms of the sound that entered, of full scale.
    pub level: f32,
}

/// One tick in numbers. Band figures look at one band a tick, in turn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TickReport {
    /// The tick.
    pub tick: Tick,
    /// Bursts that entered from other senses than the cochlea.
    pub entered: u32,
    /// Changes of parameters that were made before it.
    pub retuned: u32,
    /// Bursts that entered, per array.
    pub bursts: [u32; MOST_ARRAYS],
    /// The same by where on the sheet: its rows in equal parts, from row 0.
    pub places: [[u16; PLACES]; MOST_ARRAYS],
    /// Their surprisal in bits, per array.
    pub bits: [f32; MOST_ARRAYS],
    /// Bursts that the slow memory expected and that did not enter, per array.
    pub expected: [u32; MOST_ARRAYS],
    /// Bits that it explained away, per array.
    pub explained_bits: [f32; MOST_ARRAYS],
    /// Sum of the hearing On bursts' magnitudes: what onsets are found in.
    pub hearing_activity: f32,
    /// The band that the next figures are of.
    pub band: usize,
    /// Order parameter, per array.
    pub order: [f32; MOST_ARRAYS],
    /// Rms of `driven - twin` over the tonic rms, per array; `None` without a twin.
    pub differential: Option<[f32; MOST_ARRAYS]>,
    /// Bits held about the input, all arrays; `None` without a twin.
    pub bits_held: Option<f32>,
    /// What is compared of sound and picture; `None` in a run that does not compare them.
    pub sensed: Option<Sensed>,
    /// Time of each stage in ns.
    pub stage_ns: [u32; STAGES],
    /// From when the tick was due to its begin; `None` where ticks are not paced.
    pub woke: Option<Duration>,
    /// How old the sound of a microphone was that entered; `None` where none did.
    pub heard: Option<Heard>,
    /// How old the picture of a camera was whose bursts began to enter; `None` where none did.
    pub seen: Option<(Duration, Origin)>,
    /// When a speaker will play the sound; `None` where none does.
    pub played: Option<Played>,
    /// Time from when the tick was due to its end in ns; `None` where ticks are not paced.
    pub late_ns: Option<u64>,
}

/// Times the stages of a tick.
pub struct StageTimer<'a> {
    clock: &'a dyn Clock,
    last: Timestamp,
    /// Time of each stage in ns.
    pub stage_ns: [u32; STAGES],
}

impl<'a> StageTimer<'a> {
    /// Starts a tick's first stage now.
    #[must_use]
    pub fn start(clock: &'a dyn Clock) -> Self {
        Self { clock, last: clock.now(), stage_ns: [0; STAGES] }
    }

    /// Ends a stage; the next begins.
    pub fn end(&mut self, stage: Stage) {
        let now = self.clock.now();
        let spent = (now - self.last).as_nanos().min(u128::from(u32::MAX));
        self.stage_ns[stage as usize] = self.stage_ns[stage as usize].saturating_add(spent as u32);
        self.last = now;
    }
}
