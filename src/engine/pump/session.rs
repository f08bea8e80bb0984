//! The pump of a session: what entered another run, into the same ticks again.

use std::sync::Arc;

use super::{
    BURST_RING, Common, Pump, RecordedFeed, SOUND_RING, Shown, SoundFeed, drain, hand_on, push_frames, spawn,
    wait_for,
};
use crate::engine::binding::Hold;
use crate::engine::hands::Tunings;
use crate::error::Result;
use crate::signal::{
    Burst, ChannelsItem, Entered, PictureItem, ScalarSample, SessionItem, Stamp, is_decisive,
};
use crate::stream::Source;
use crate::stream::promise::{Promiser, promise};
use crate::stream::ring::{Producer, ring};
use crate::time::{SAMPLES_PER_TICK, Tick, Timestamp};

/// Starts a pump of what entered another run: its bursts, its sound where the engine hears, the changes of its parameters,
/// its pictures for people.
///
/// # Errors
/// Where no thread can be started.
pub(in crate::engine) fn session(
    mut source: Box<dyn Source<Item = SessionItem>>,
    hears: bool,
    tunings: Tunings,
    shown: Shown,
    common: Common,
) -> Result<(Pump, Option<SoundFeed>, RecordedFeed)> {
    let (bursts, burst_end, counters) = ring(BURST_RING);
    let (frames, frame_end, _) = ring(SOUND_RING);
    let ((bursts_promiser, bursts_promise), (sound_promiser, sound_promise)) = (promise(), promise());
    let name = source.info().name.clone();
    let pump = spawn(name, Arc::default(), counters, move |items| {
        let mut end = RecordedEnd {
            bursts,
            promiser: bursts_promiser,
            frames: hears.then_some(frames),
            tunings,
            shown,
            given: Tick(0),
        };
        let size = |item: &SessionItem| match item {
            SessionItem::Entered(entered) => u64::from(entered.ticks),
            _ => 0,
        };
        let mut late = 0;
        let mut report = drain(&mut *source, &common, items, size, |item| match item {
            SessionItem::Entered(entered) => {
                let beyond = common.until.map_or(0, |until| entered.end().0.saturating_sub(until.0));
                late += beyond.min(u64::from(entered.ticks));
                end.push(&common, &entered)
            }
            SessionItem::Picture(picture) => end.show(&common, &picture),
            SessionItem::Channels(channels) => end.tell(&common, &channels),
            SessionItem::Control(time, text) => end.retune(&common, time, &text),
            _ => true,
        });
        report.dropped += late;
        drop((end, sound_promiser));
        report
    })?;
    let sound = hears.then_some(SoundFeed { frames: frame_end, promise: sound_promise });
    Ok((pump, sound, RecordedFeed { bursts: burst_end, promise: bursts_promise }))
}

/// The engine's ends of what entered another run.
struct RecordedEnd {
    bursts: Producer<(Tick, Burst)>,
    promiser: Promiser,
    frames: Option<Producer<[f32; 2]>>,
    tunings: Tunings,
    shown: Shown,
    /// The tick up to which everything was given. What is shown stands behind its block; what lies after it could wait for
    /// ever to be taken, and is passed over.
    given: Tick,
}

impl RecordedEnd {
    fn push(&mut self, common: &Common, entered: &Entered) -> bool {
        let mut sound = entered.sound.iter().copied().chain(std::iter::repeat([0.0; 2]));
        let mut bursts = entered.bursts.iter().peekable();
        // Tick by tick: a block may hold more than the rings do, and the engine takes what it has been promised.
        for tick in (entered.first.0..entered.end().0).map(Tick) {
            let heard = sound.by_ref().take(SAMPLES_PER_TICK);
            if !self.frames.as_mut().is_none_or(|frames| push_frames(frames, common, heard)) {
                return false;
            }
            while let Some(burst) = bursts.next_if(|(at, _)| *at <= tick) {
                if !wait_for(common, || self.bursts.vacant() > 0) {
                    return false;
                }
                self.bursts.push(*burst);
            }
            self.given = tick.next();
            self.promiser.nothing_before(self.given);
        }
        true
    }

    /// A change stands before the ticks that it is for. One that can't be made here (the replay has another configuration) is
    /// told and passed over.
    fn retune(&mut self, common: &Common, time: Timestamp, text: &str) -> bool {
        if let Some(hold) = Hold::read(time.tick_at_or_after(), text) {
            // Where fewer arrays bind, or none, than in the run, nobody holds.
            let _ = self.tunings.hold(hold);
            return true;
        }
        if !is_decisive(text) {
            return true;
        }
        if !wait_for(common, || self.tunings.has_room()) {
            return false;
        }
        if let Err(error) = self.tunings.give(time.tick_at_or_after(), text) {
            tracing::warn!("a change of parameters is passed over: {error}");
        }
        true
    }

    fn show(&mut self, common: &Common, picture: &PictureItem) -> bool {
        if self.shown.pictures.is_none() || picture.time > self.given.start() {
            return true;
        }
        // One that is damaged is not shown; nothing else depends on it.
        picture.decode().map_or(true, |picture| hand_on(self.shown.pictures.as_ref(), common, picture))
    }

    fn tell(&mut self, common: &Common, channels: &ChannelsItem) -> bool {
        let width = channels.values.len() / channels.times.len().max(1);
        let samples = channels.times.iter().zip(channels.values.chunks(width.max(1)));
        samples.into_iter().filter(|(time, _)| **time <= self.given.start()).all(|(time, values)| {
            let sample = ScalarSample { stamp: Stamp::recorded(*time), values: values.to_vec() };
            hand_on(self.shown.samples.as_ref(), common, sample)
        })
    }
}
