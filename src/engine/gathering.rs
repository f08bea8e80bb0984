//! What a session is given: gathers what entered, what came out and what people are shown, until there is a block of it.

use crossbeam_channel::Receiver;

use super::tick::TickReport;
use crate::signal::{
    Burst, ChannelsItem, Entered, InputPicture, LatencyItem, PictureItem, ScalarSample, SessionItem,
};
use crate::stream::ring::Consumer;
use crate::time::{SAMPLES_PER_TICK, Tick, Timestamp};

/// Ticks in a block of what entered.
const BLOCK_TICKS: u32 = 100;

/// What entered the engine, on its way to a session.
pub(super) struct EnteredIn {
    pub(super) sound: Option<Consumer<[f32; 2]>>,
    pub(super) bursts: Consumer<Burst>,
}

/// What was encoded into bursts, on its way to people.
pub(super) struct SeenIn {
    pub(super) pictures: Receiver<InputPicture>,
    pub(super) samples: Receiver<ScalarSample>,
}

/// A block that grows.
pub(super) struct Gathering {
    /// `None` where no session is kept.
    entered: Option<EnteredIn>,
    seen: SeenIn,
    electrodes: usize,
    block: Entered,
    latency: Vec<(Option<u32>, u32)>,
    microvolts: Vec<f32>,
    /// The number of the first sample of those.
    given: u64,
    pictures: Vec<PictureItem>,
    /// The tick that was reported last.
    played: Tick,
    /// What is of a tick that was not played yet.
    next_picture: Option<InputPicture>,
    next_sample: Option<ScalarSample>,
}

impl Gathering {
    /// Of a run whose first electrode sample has this number.
    pub(super) fn new(entered: Option<EnteredIn>, seen: SeenIn, electrodes: usize, given: u64) -> Self {
        Self {
            entered,
            seen,
            electrodes,
            block: Entered::default(),
            latency: Vec::new(),
            microvolts: Vec::new(),
            given,
            pictures: Vec::new(),
            played: Tick(0),
            next_picture: None,
            next_sample: None,
        }
    }

    /// The tick that was reported last.
    pub(super) fn played(&self) -> Tick {
        self.played
    }

    /// Up to when what people are shown has been played. The tick after the last one counts: it may wait for what
    /// comes behind the one that it is shown with.
    fn shown(&self) -> Timestamp {
        self.played.next().start()
    }

    /// Takes what entered in a tick that was played; `true` where the block is full.
    pub(super) fn tick(&mut self, report: &TickReport) -> bool {
        self.played = report.tick;
        let Some(entered) = &mut self.entered else { return false };
        let block = &mut self.block;
        if block.ticks == 0 {
            block.first = report.tick;
        }
        block.ticks += 1;
        let late = report.late_ns.map(|late| u32::try_from(late).unwrap_or(u32::MAX - 1));
        let work = report.stage_ns.iter().fold(0u32, |sum, stage| sum.saturating_add(*stage));
        self.latency.push((late, work));
        if let Some(sound) = &mut entered.sound {
            block.sound.resize(block.frames(), [0.0; 2]);
            let from = block.sound.len() - SAMPLES_PER_TICK;
            sound.pop_into(&mut block.sound[from..]);
        }
        for _ in 0..report.entered {
            block.bursts.extend(entered.bursts.pop().map(|burst| (report.tick, burst)));
        }
        block.ticks >= BLOCK_TICKS
    }

    /// Takes a sample of the driven electrodes.
    pub(super) fn sample(&mut self, microvolts: &[f32]) {
        if self.entered.is_some() {
            self.microvolts.extend_from_slice(microvolts);
        }
    }

    /// The next picture of a tick that was played, to be shown now.
    pub(super) fn picture(&mut self) -> Option<InputPicture> {
        if self.next_picture.is_none() {
            self.next_picture = self.seen.pictures.try_recv().ok();
        }
        let shown = self.shown();
        let picture = self.next_picture.take_if(|picture| picture.time <= shown)?;
        if self.entered.is_some() {
            self.pictures.extend(PictureItem::of(&picture));
        }
        Some(picture)
    }

    /// The channels' samples of the ticks that were played.
    fn channels(&mut self) -> ChannelsItem {
        let shown = self.shown();
        let mut channels = ChannelsItem::default();
        loop {
            if self.next_sample.is_none() {
                self.next_sample = self.seen.samples.try_recv().ok();
            }
            let Some(sample) = self.next_sample.take_if(|sample| sample.stamp.time <= shown) else { break };
            channels.times.push(sample.stamp.time);
            channels.values.extend(sample.values);
        }
        channels
    }

    /// Everything that has gathered.
    pub(super) fn take(&mut self) -> Vec<SessionItem> {
        let mut items = Vec::new();
        if self.block.ticks > 0 {
            let block = std::mem::take(&mut self.block);
            let ticks = std::mem::take(&mut self.latency);
            let latency = SessionItem::Latency(LatencyItem { first: block.first, ticks });
            items.extend([SessionItem::Entered(block), latency]);
        }
        if !self.microvolts.is_empty() {
            let microvolts = std::mem::take(&mut self.microvolts);
            let first = self.given;
            self.given += (microvolts.len() / self.electrodes.max(1)) as u64;
            items.push(SessionItem::Electrodes(first, microvolts));
        }
        items.extend(self.pictures.drain(..).map(SessionItem::Picture));
        let channels = self.channels();
        if !channels.times.is_empty() {
            items.push(SessionItem::Channels(channels));
        }
        items
    }
}
