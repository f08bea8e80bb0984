//! What a session is given: gathers what entered, what came out and what people are shown, until there is a block of it.

use crossbeam_channel::Receiver;

use super::tick::TickReport;
use crate::signal::{
    Burst, ChannelsItem, Entered, InputPicture, LatencyItem, PictureItem, ScalarSample, SessionItem,
};
use crate::stream::ring::Consumer;
use crate::time::{SAMPLES_PER_TICK, Tick, Timestamp};

/// A block of what entered ends with each hundredth tick, so that no state lies within one, and before a change of parameters.
const BLOCK_TICKS: u64 = 100;

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
    channels: ChannelsItem,
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
            channels: ChannelsItem::default(),
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
        self.take_samples();
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
        report.tick.next().0.is_multiple_of(BLOCK_TICKS)
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

    /// Takes the channels' samples of the ticks that were played: with each tick, for their pump waits where many wait.
    fn take_samples(&mut self) {
        let shown = self.shown();
        loop {
            if self.next_sample.is_none() {
                self.next_sample = self.seen.samples.try_recv().ok();
            }
            let Some(sample) = self.next_sample.take_if(|sample| sample.stamp.time <= shown) else { break };
            self.channels.times.push(sample.stamp.time);
            self.channels.values.extend(sample.values);
        }
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
        self.take_samples();
        if !self.channels.times.is_empty() {
            items.push(SessionItem::Channels(std::mem::take(&mut self.channels)));
        }
        items
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Stamp;

    fn gathering() -> (Gathering, crossbeam_channel::Sender<ScalarSample>) {
        let (_, pictures) = crossbeam_channel::bounded(1);
        let (samples_in, samples) = crossbeam_channel::bounded(4);
        let (_, bursts, _) = crate::stream::ring::ring(1);
        let entered = Some(EnteredIn { sound: None, bursts });
        (Gathering::new(entered, SeenIn { pictures, samples }, 1, 0), samples_in)
    }

    fn tick(tick: u64) -> TickReport {
        TickReport { tick: Tick(tick), ..TickReport::default() }
    }

    #[test]
    fn no_block_lies_about_a_hundredth_tick_whatever_ended_the_one_before() {
        let (mut gathering, _samples) = gathering();
        let mut blocks = Vec::new();
        for number in 0..400 {
            if gathering.tick(&tick(number)) || number == 133 {
                let entered = gathering.take().into_iter().find_map(|item| match item {
                    SessionItem::Entered(entered) => Some((entered.first.0, entered.ticks)),
                    _ => None,
                });
                blocks.extend(entered);
            }
        }
        assert_eq!(blocks, [(0, 100), (100, 34), (134, 66), (200, 100), (300, 100)]);
    }

    #[test]
    fn samples_are_taken_with_each_tick_and_given_with_the_block() {
        let (mut gathering, samples) = gathering();
        let sample =
            |tick: u64| ScalarSample { stamp: Stamp::recorded(Tick(tick).start()), values: vec![1.0] };
        for number in 0..99 {
            // Four wait at most, in each tick come three.
            for _ in 0..3 {
                samples.try_send(sample(number)).unwrap();
            }
            assert!(!gathering.tick(&tick(number)));
        }
        assert!(gathering.tick(&tick(99)));
        let channels = gathering.take().into_iter().find_map(|item| match item {
            SessionItem::Channels(channels) => Some(channels.times.len()),
            _ => None,
        });
        assert_eq!(channels, Some(297));
    }
}
