//! The real-time thread: decides when a tick may run, plays it, hands its outputs on.
//!
//! Within a tick it allocates nothing, takes no lock and makes no system call; between ticks it makes timed
//! waits. A tick runs when every source has promised it (or has more for it than a tick takes), every ring has room and, in a paced run,
//! it is due.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::aim::Aim;
use super::hands::Touched;
use super::instrument::{Instrument, MOST_BURSTS, TickSound};
use super::mind::Probe;
use super::pump::{BurstFeed, RecordedFeed, SoundFeed};
use super::recognition::Feeler;
use super::senses::Sampler;
use super::tempo::Pacer;
use super::tick::{Stage, StageTimer, TickReport};
use crate::kernel::lattice::CAUSES;
use crate::kernel::team::Team;
use crate::signal::{Burst, Stamp};
use crate::stream::capture::{Capture, Heard};
use crate::stream::latest::Writer;
use crate::stream::playback::Playback;
use crate::stream::promise::Promise;
use crate::stream::ring::{Consumer, Producer};
use crate::time::{Clock, SAMPLES_PER_TICK, TICKS_PER_SECOND, Tick, Timestamp};

/// How long the thread waits before it looks again.
const LOOK_AGAIN: Duration = Duration::from_micros(100);
/// Ticks between two pictures of the field: 62.5 a second.
pub(super) const FIELD_EVERY: u64 = 16;

/// A copy of the state on its way to be hashed and drawn.
#[derive(Clone, Debug, Default)]
pub(super) struct StateCopy {
    pub(super) tick: Tick,
    pub(super) inputs: [u8; 16],
    pub(super) values: Vec<f32>,
    /// Changes of energy since the start by cause, array by array and band by band.
    pub(super) energy: Vec<[f64; CAUSES]>,
    /// What the senses remember; filled where a session is kept.
    pub(super) senses: Vec<u32>,
}

/// One band of every array as it is, on its way to be drawn.
#[derive(Clone, Debug, Default)]
pub(super) struct RawField {
    pub(super) tick: Tick,
    /// Model time of the picture that entered with it.
    pub(super) captured: Option<Stamp>,
    pub(super) band: usize,
    /// Whether it is the field less its twin.
    pub(super) difference: bool,
    /// Per array: real and imaginary plane.
    pub(super) planes: Vec<(Vec<f32>, Vec<f32>)>,
    /// How loud each pitch is that is heard.
    pub(super) levels: Vec<f32>,
}

/// The writing ends of what leaves the thread.
pub(super) struct Outlets {
    pub(super) sound: Producer<[f32; 2]>,
    /// Per sample: driven electrodes, then the twin's.
    pub(super) electrodes: Producer<f32>,
    pub(super) reports: Producer<TickReport>,
    pub(super) states: Producer<Box<StateCopy>>,
    /// Copies that the keeper has read.
    pub(super) spare: Consumer<Box<StateCopy>>,
    pub(super) field: Writer<RawField>,
    pub(super) aim: Arc<Aim>,
    /// What entered, where a session is kept.
    pub(super) entered: Option<EnteredOut>,
    /// What the mind's eye is given, where there is one.
    pub(super) probe: Option<Probe>,
    /// What signatures are taken with, in a run that has some.
    pub(super) feeler: Option<Feeler>,
    /// What sound and picture are compared by, in a run that has both.
    pub(super) sampler: Option<Sampler>,
}

/// What entered the engine, on its way to a session; the tick's report says how many bursts are its own.
pub(super) struct EnteredOut {
    /// 48 frames a tick, where the engine hears.
    pub(super) sound: Option<Producer<[f32; 2]>>,
    pub(super) bursts: Producer<Burst>,
}

impl EnteredOut {
    fn has_room(&self) -> bool {
        self.bursts.vacant() >= MOST_BURSTS
            && self.sound.as_ref().is_none_or(|sound| sound.vacant() >= SAMPLES_PER_TICK)
    }

    fn push(&mut self, heard: &TickSound, seen: &[Burst]) {
        if let Some(sound) = &mut self.sound {
            sound.push_some(heard);
        }
        self.bursts.push_some(seen);
    }
}

/// The thread's belongings.
pub(super) struct Realtime {
    pub(super) instrument: Instrument,
    pub(super) team: Team,
    pub(super) sound: Option<SoundFeed>,
    pub(super) bursts: Vec<BurstFeed>,
    pub(super) recorded: Option<RecordedFeed>,
    pub(super) live: Live,
    pub(super) outlets: Outlets,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) pacer: Pacer,
    pub(super) touched: Touched,
    pub(super) first: Tick,
    pub(super) ticks: Option<u64>,
    pub(super) tail_ticks: u64,
    /// When model time begins.
    pub(super) start: Timestamp,
    /// When the field was last shown.
    pub(super) shown: Tick,
    /// Ticks played so far, for people to see.
    pub(super) played: Arc<AtomicU64>,
}

/// The ways from and to sound devices, which a tick never waits for.
#[derive(Default)]
pub struct Live {
    /// From a microphone; the room or a recording where there is none.
    pub capture: Option<Capture>,
    /// To a speaker.
    pub playback: Option<Playback>,
    /// What the speaker gets.
    pub plays: Plays,
    /// Whether there are pictures: they are not waited for either, and the run has no end.
    pub(super) sees: bool,
    /// The stamp of the newest picture that has begun to enter.
    seen: Timestamp,
}

/// What a speaker gets.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Plays {
    /// The field's sound.
    #[default]
    Field,
    /// What is heard: the way through rings and engine alone.
    Heard,
    /// A pattern that measures the way, over and over.
    Pattern(Vec<f32>),
}

impl Plays {
    /// Copies the sound of a tick where it is not the field's.
    fn copy(&self, tick: Tick, heard: &TickSound, sound: &mut TickSound) -> bool {
        match self {
            Self::Pattern(pattern) if !pattern.is_empty() => {
                let first = tick.0 as usize * SAMPLES_PER_TICK;
                for (index, frame) in sound.iter_mut().enumerate() {
                    *frame = [pattern[(first + index) % pattern.len()]; 2];
                }
            }
            Self::Heard => sound.copy_from_slice(heard),
            _ => return false,
        }
        true
    }
}

impl Live {
    /// Whether there is any device.
    pub(super) fn is_there(&self) -> bool {
        self.capture.is_some() || self.playback.is_some() || self.sees
    }

    /// Whether inputs go on for ever.
    fn is_endless(&self) -> bool {
        self.capture.is_some() || self.sees
    }
}

/// What is left when the thread has ended.
pub(super) struct Played {
    pub(super) instrument: Instrument,
    pub(super) ticks: u64,
}

/// What came from devices into a tick.
#[derive(Clone, Copy, Debug, Default)]
struct Entered {
    /// When the tick was due.
    due: Timestamp,
    sound: Option<Heard>,
    /// The picture's, in model time.
    picture: Option<Stamp>,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Playing,
    /// Inputs have ended; this many ticks are left before the fade.
    Tail(u64),
    /// The sound fades; this many ticks are left.
    Fading(u64),
}

/// When to look again whether a tick may run. One that waits for nothing but its time is waited for once; what others
/// have to bring is looked for again and again, with a rest between: a thread with priority would keep them from it.
fn next_look(now: Timestamp, due: Option<Timestamp>, waits_for_time: bool) -> Timestamp {
    let again = now + LOOK_AGAIN;
    due.filter(|due| *due > now && (waits_for_time || *due < again)).unwrap_or(again)
}

/// Whether what a tick takes of bursts is decided: all of it is there, or as much waits as it takes at most; what a ring has no
/// room for is pushed when that has been taken.
fn is_decided<T>(tick: Tick, promise: &Promise, bursts: &Consumer<T>) -> bool {
    promise.covers(tick) || bursts.waiting() >= MOST_BURSTS
}

impl Realtime {
    /// Plays to the end.
    pub(super) fn run(mut self) -> Played {
        let mut seen: Vec<Burst> = Vec::with_capacity(MOST_BURSTS);
        let mut heard: TickSound = [[0.0; 2]; SAMPLES_PER_TICK];
        let mut phase = Phase::Playing;
        let mut tick = self.first;
        loop {
            let ready = self.wait_until_ready(tick);
            phase = self.next_phase(phase, tick, ready);
            if phase == Phase::Fading(0) {
                break;
            }
            // Levels are kept by when a tick was due: one that comes late finds what it would have found.
            let due = self.pacer.due(tick).unwrap_or_else(|| self.clock.now());
            let entered = self.gather(tick, due, &mut heard, &mut seen);
            self.play(tick, &heard, &seen, phase == Phase::Fading(1), entered);
            tick = tick.next();
            self.played.store(tick.0 - self.first.0, Ordering::Relaxed);
            if !self.outlets.sound.is_read() {
                break;
            }
        }
        Played { instrument: self.instrument, ticks: tick.0 - self.first.0 }
    }

    /// Waits until the tick may run; `false` where the run is to stop.
    fn wait_until_ready(&mut self, tick: Tick) -> bool {
        loop {
            let stopped = self.stop.load(Ordering::Acquire);
            let room = self.has_room();
            let now = self.clock.now();
            let admitted = self.pacer.admits(tick, now);
            // Who looks at another band while time stands still sees it; the state stands.
            if !admitted && tick > self.first && self.outlets.aim.take_change() {
                self.show_field(Tick(tick.0 - 1), None);
            }
            let due = self.pacer.due(tick);
            let late = admitted && due.is_none_or(|due| now >= due);
            // What is played on devices is played in time to its end, which is the fade.
            let stops = stopped && (late || !self.live.is_there());
            if room && (stops || (late && self.has_inputs(tick))) {
                return !stopped;
            }
            if !self.outlets.sound.is_read() {
                return false;
            }
            let waits_for_time = room && admitted && self.has_inputs(tick);
            self.clock.wait_until(next_look(self.clock.now(), due.filter(|_| admitted), waits_for_time));
        }
    }

    fn has_inputs(&self, tick: Tick) -> bool {
        // The promise is read first: what it covers is then in the ring.
        let sound = self.sound.as_ref().is_none_or(|feed| {
            let ended = feed.promise.is_ended();
            feed.frames.waiting() >= SAMPLES_PER_TICK || ended
        });
        let recorded =
            self.recorded.as_ref().is_none_or(|feed| is_decided(tick, &feed.promise, &feed.bursts));
        sound && recorded && self.bursts.iter().all(|feed| is_decided(tick, &feed.promise, &feed.bursts))
    }

    fn has_room(&self) -> bool {
        let out = &self.outlets;
        out.sound.vacant() >= SAMPLES_PER_TICK
            && out.electrodes.vacant() >= 2 * self.instrument.electrode_names().len()
            && out.reports.vacant() > 0
            && out.spare.waiting() > 0
            && out.states.vacant() > 0
            && self.touched.has_room()
            && out.entered.as_ref().is_none_or(EnteredOut::has_room)
            && out.probe.as_ref().is_none_or(Probe::has_room)
            && out.feeler.as_ref().is_none_or(Feeler::has_room)
    }

    /// Whether nothing more comes at `tick` or later: every source is over, by its own time too, and nothing waits.
    fn inputs_ended(&self, tick: Tick) -> bool {
        let sound =
            self.sound.as_ref().is_none_or(|feed| feed.promise.is_ended() && feed.frames.waiting() == 0);
        let bursts = |feed: &BurstFeed| feed.promise.is_over(tick) && feed.bursts.waiting() == 0;
        let recorded = self
            .recorded
            .as_ref()
            .is_none_or(|feed| feed.promise.is_over(tick) && feed.bursts.waiting() == 0);
        // What has no end of its own ends with the others, where there are any.
        let alone =
            self.sound.is_none() && self.recorded.is_none() && self.bursts.iter().all(|feed| feed.lasts);
        sound && recorded && self.bursts.iter().filter(|feed| alone || !feed.lasts).all(bursts)
    }

    fn next_phase(&mut self, phase: Phase, tick: Tick, ready: bool) -> Phase {
        let fade = self.instrument.sonifier().fade_out_ticks();
        let endless = self.live.is_endless()
            || (self.sound.is_none() && self.bursts.is_empty() && self.recorded.is_none());
        let next = match phase {
            Phase::Fading(left) => return Phase::Fading(left.saturating_sub(1)),
            _ if !ready => Phase::Fading(fade.max(1)),
            _ if let Some(ticks) = self.ticks => {
                if tick.0 >= ticks {
                    Phase::Fading(0)
                } else if tick.0 + fade >= ticks {
                    Phase::Fading(ticks - tick.0)
                } else {
                    Phase::Playing
                }
            }
            Phase::Playing if endless || !self.inputs_ended(tick) => Phase::Playing,
            Phase::Playing => Phase::Tail(self.tail_ticks),
            Phase::Tail(left) => Phase::Tail(left.saturating_sub(1)),
        };
        let next = if next == Phase::Tail(0) { Phase::Fading(fade.max(1)) } else { next };
        if matches!(next, Phase::Fading(_)) {
            self.instrument.sonifier().begin_fade_out();
        }
        next
    }

    /// Takes a tick's input; says how old what came from devices was.
    #[cfg_attr(napot_rtsan, sanitize(realtime = "nonblocking"))]
    fn gather(
        &mut self,
        tick: Tick,
        due: Timestamp,
        heard: &mut TickSound,
        seen: &mut Vec<Burst>,
    ) -> Entered {
        let mut entered = Entered { due, ..Entered::default() };
        if let Some(capture) = &mut self.live.capture {
            entered.sound = capture.take(due, heard);
        } else {
            let got = self.sound.as_mut().map_or(0, |feed| feed.frames.pop_into(heard));
            heard[got..].fill([0.0; 2]);
        }
        seen.clear();
        for feed in &mut self.bursts {
            if let Some(camera) = &feed.camera {
                // A picture counts when the first of its bursts enters.
                let next = feed.bursts.peek().map(|burst| burst.time);
                let due = next.filter(|time| time.tick_at_or_after() <= tick && *time > self.live.seen);
                self.live.seen = due.unwrap_or(self.live.seen);
                entered.picture = due.map(|time| Stamp { time, origin: camera.origin() });
            }
            while seen.len() < MOST_BURSTS
                && feed.bursts.peek().is_some_and(|burst| burst.time.tick_at_or_after() <= tick)
            {
                seen.extend(feed.bursts.pop());
            }
        }
        if let Some(feed) = &mut self.recorded {
            while seen.len() < MOST_BURSTS && feed.bursts.peek().is_some_and(|(at, _)| *at <= tick) {
                seen.extend(feed.bursts.pop().map(|(_, burst)| burst));
            }
        }
        self.touched.strike(tick, seen);
        entered
    }

    #[cfg_attr(napot_rtsan, sanitize(realtime = "nonblocking"))]
    fn play(&mut self, tick: Tick, heard: &TickSound, seen: &[Burst], last: bool, entered: Entered) {
        let clock = Arc::clone(&self.clock);
        let begun = clock.now();
        let mut timer = StageTimer::start(&*clock);
        let retuned = self.touched.retune(tick, &mut self.instrument);
        let mut report = self.instrument.tick(tick, heard, seen, &mut self.team, &mut timer);
        self.outlets.sound.push_some(self.instrument.sound());
        report.heard = entered.sound;
        report.retuned = retuned;
        report.woke = self.pacer.due(tick).map(|due| begun - due);
        report.seen = entered.picture.map(|Stamp { time, origin }| {
            ((begun - self.start).saturating_sub(time - Timestamp::ZERO), origin)
        });
        if let Some(playback) = &mut self.live.playback {
            let mut other = [[0.0; 2]; SAMPLES_PER_TICK];
            let is_other = self.live.plays.copy(tick, heard, &mut other);
            let sound = if is_other { &other } else { self.instrument.sound() };
            report.played = playback.give(entered.due, sound);
        }
        if let Some(entered) = &mut self.outlets.entered {
            entered.push(heard, seen);
        }
        self.outlets.electrodes.push_some(self.instrument.electrodes());
        if let Some(probe) = &mut self.outlets.probe {
            probe.tick(tick, &self.instrument);
        }
        if let Some(feeler) = &mut self.outlets.feeler {
            feeler.tick(tick, &self.instrument);
        }
        report.sensed =
            self.outlets.sampler.as_ref().map(|sampler| sampler.tick(heard, seen, &self.instrument));
        timer.end(Stage::Read);
        if last || (tick.0 + 1).is_multiple_of(TICKS_PER_SECOND) {
            self.hand_over_state(tick);
        }
        // A picture that has just come is shown at once.
        if entered.picture.is_some() || tick.0 >= self.shown.0 + FIELD_EVERY || tick == self.first {
            self.shown = tick;
            self.show_field(tick, entered.picture);
        }
        timer.end(Stage::Publish);
        report.stage_ns = timer.stage_ns;
        report.late_ns = self.pacer.due(tick).map(|due| (clock.now() - due).as_nanos() as u64);
        self.outlets.reports.push(report);
    }

    fn hand_over_state(&mut self, tick: Tick) {
        if let Some(mut copy) = self.outlets.spare.pop() {
            copy.tick = tick;
            copy.inputs = self.instrument.take_input_hash();
            self.instrument.copy_state(&mut copy.values);
            self.instrument.copy_energy(&mut copy.energy);
            if self.outlets.entered.is_some() {
                self.instrument.copy_senses(&mut copy.senses);
            }
            self.outlets.states.push(copy);
        }
    }

    fn show_field(&mut self, tick: Tick, captured: Option<Stamp>) {
        let (band, wanted) = self.outlets.aim.read();
        let raw = self.outlets.field.input_buffer_mut();
        raw.tick = tick;
        raw.captured = captured;
        raw.band = band;
        raw.difference = wanted && self.instrument.twin(0).is_some();
        for (index, (re, im)) in raw.planes.iter_mut().enumerate() {
            if let Some(field) = self.instrument.field(index) {
                let (from_re, from_im) = field.band(band);
                re.copy_from_slice(from_re);
                im.copy_from_slice(from_im);
            }
            if let Some(twin) = self.instrument.twin(index).filter(|_| raw.difference) {
                let (from_re, from_im) = twin.band(band);
                re.iter_mut().zip(from_re).for_each(|(value, twin)| *value -= twin);
                im.iter_mut().zip(from_im).for_each(|(value, twin)| *value -= twin);
            }
        }
        raw.levels.copy_from_slice(self.instrument.heard_levels());
        self.outlets.field.publish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_late_is_looked_for_with_a_rest_between() {
        let now = Timestamp(5_000_000);
        let (soon, later, past) = (Timestamp(5_040_000), Timestamp(5_900_000), Timestamp(4_000_000));
        let again = now + LOOK_AGAIN;
        assert_eq!(next_look(now, Some(later), true), later, "its time is all that it waits for");
        assert_eq!(next_look(now, Some(later), false), again);
        assert_eq!(next_look(now, Some(soon), false), soon);
        for waits_for_time in [true, false] {
            assert_eq!(next_look(now, Some(past), waits_for_time), again, "never at once");
            assert_eq!(next_look(now, None, waits_for_time), again);
        }
    }
}
