//! The keeper: takes what the real-time thread puts out, writes it down, measures it, shows it.
//!
//! It may be slow: in a replay the rings then hold the engine back, and nothing is lost.

mod busy;
mod flows;
mod leads;
mod look;
mod raster;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::aim::Aim;
use super::analysis::{Analysis, TonicFit};
use super::gathering::Gathering;
use super::hands::Hands;
use super::instrument::ArrayInfo;
use super::ledger::hash_of_state;
use super::mind::{Moments, RecallSink};
use super::realtime::{RawField, StateCopy};
use super::recognition::Recogniser;
use super::senses::Senses;
use super::sights::{Sights, Told};
use super::tick::TickReport;
use crate::error::Error;
use crate::readout::onset::Onset;
use crate::readout::paint::{FULL_SCALE, paint};
use crate::readout::signature::known::Known;
use crate::signal::{
    ArrayId, BindingFigures, BindingPicture, Control, ElectrodeItem, FieldFrame, FieldImage, FieldRow,
    InputPicture, LedgerLine, MindPicture, ObjectsFigures, ObjectsPicture, Origin, SessionItem, StateItem,
    Status, TraceChunk,
};
use crate::stream::Sink;
use crate::stream::device::DeviceMonitor;
use crate::stream::latest::{Reader, Writer};
use crate::stream::recording::RecordingMonitor;
use crate::stream::ring::{Consumer, Counters, Producer};
use crate::stream::trace::Trace;
use crate::time::{Clock, TICKS_PER_SECOND, Tick, Timestamp};
use crate::units::Hertz;
use busy::Busy;
use flows::Flows;
use leads::Leads;
use raster::Raster;

/// How long the keeper rests when there is nothing to take.
const REST: Duration = Duration::from_millis(2);
/// Samples in a stretch of traces.
const TRACE_SAMPLES: usize = 50;

/// The files of a run; what is `None` is not kept.
#[derive(Default)]
pub struct Keep {
    /// The sound of the field.
    pub sound: Option<Box<dyn Sink<Item = [[f32; 2]]>>>,
    /// The driven electrodes, and onsets as marks.
    pub electrodes: Option<Box<dyn Sink<Item = ElectrodeItem>>>,
    /// The same, to other programs while the run goes on. One that fails is given up; the others stay.
    pub outlets: Vec<Box<dyn Sink<Item = ElectrodeItem>>>,
    /// A line per second and one at the end.
    pub ledger: Option<Box<dyn Sink<Item = LedgerLine>>>,
    /// The field of the first array, a row per second and one at the end.
    pub field: Option<Box<dyn Sink<Item = FieldRow>>>,
    /// All that a session holds.
    pub session: Option<Box<dyn Sink<Item = SessionItem>>>,
    /// What the session's recorder says of itself.
    pub monitor: Option<Arc<RecordingMonitor>>,
    /// What the devices of a live run say of themselves.
    pub devices: Vec<Arc<DeviceMonitor>>,
    /// Seconds between two states in the session; `None` puts none there.
    pub state_seconds: Option<u64>,
    /// The signatures that are recognised; `None` recognises nothing.
    pub signatures: Option<Known>,
    /// What tells whether sound and picture belong together; `None` does not look.
    pub senses: Option<Senses>,
    /// All that is before the mind's eye; taken by the mind itself.
    pub recalled: Option<RecallSink>,
    /// Takes the signatures each time that one was taught while the run goes on.
    pub taught: Option<Box<dyn Sink<Item = Known>>>,
}

/// What people look at; every part may stall without harm.
pub struct Publish {
    /// The field, about 30 a second.
    pub field: Writer<FieldFrame>,
    /// Called when it is there.
    pub shown: Box<dyn Fn() + Send>,
    /// Whether anybody looks: else the field is not painted.
    pub watched: Arc<AtomicBool>,
    /// What comes in, when the field shows what it makes of it.
    pub input: Writer<InputPicture>,
    /// What the mind's eye has before it; taken by its own thread.
    pub mind: Option<Writer<MindPicture>>,
    /// What arrays bind; taken by their thread.
    pub binding: Option<Writer<BindingPicture>>,
    /// What stands out; taken by what takes it apart.
    pub objects: Option<Writer<ObjectsPicture>>,
    /// Figures.
    pub status: Writer<Status>,
    /// Electrode traces; what finds no room is dropped.
    pub traces: crossbeam_channel::Sender<TraceChunk>,
    /// The sound; what finds no room is dropped and counted.
    pub sound: Producer<[f32; 2]>,
    /// What the page asks for.
    pub control: crossbeam_channel::Receiver<Control>,
}

impl Publish {
    /// Where the mind's eye shows what it has before it, and whether anybody looks.
    pub(super) fn take_mind(&mut self) -> Option<(Writer<MindPicture>, Arc<AtomicBool>)> {
        Some((self.mind.take()?, Arc::clone(&self.watched)))
    }
}

/// What the keeper must know of the engine.
pub(super) struct Facts {
    pub(super) arrays: Vec<ArrayInfo>,
    pub(super) electrodes: Vec<String>,
    pub(super) rate_hz: u32,
    /// The run's first tick.
    pub(super) first: Tick,
    pub(super) centres: Vec<Hertz>,
    pub(super) variances: Vec<f32>,
    /// Whether arrays learn to expect their bursts.
    pub(super) learns: bool,
    /// Names and counters of the rings on the way in.
    pub(super) sources: Vec<(String, Arc<Counters>)>,
}

/// The keeper's belongings.
pub(super) struct Keeper {
    pub(super) sound: Consumer<[f32; 2]>,
    pub(super) electrodes: Consumer<f32>,
    pub(super) reports: Consumer<TickReport>,
    pub(super) states: Consumer<Box<StateCopy>>,
    pub(super) spare: Producer<Box<StateCopy>>,
    pub(super) field: Reader<RawField>,
    pub(super) gathering: Gathering,
    /// The way to the mind's eye, where there is one.
    pub(super) moments: Option<Moments>,
    /// The way to what looks at pictures.
    pub(super) sights: Sights,
    /// What the arrays that bind tell of themselves, where any do.
    pub(super) binding: Option<Told<BindingFigures>>,
    /// What is told of objects, where what is seen is taken apart.
    pub(super) objects: Option<Told<ObjectsFigures>>,
    /// What recognises signatures, where there are some.
    pub(super) recogniser: Option<Recogniser>,
    /// What compares sound and picture, in a run that has both.
    pub(super) senses: Option<Senses>,
    pub(super) aim: Arc<Aim>,
    pub(super) hands: Hands,
    pub(super) keep: Keep,
    pub(super) publish: Option<Publish>,
    pub(super) facts: Facts,
    pub(super) analysis: Analysis,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) trace: Arc<Trace>,
    /// When model time began on the clock, in a live run.
    pub(super) start: Option<Timestamp>,
}

/// What the keeper found.
pub(super) struct Kept {
    pub(super) analysis: Analysis,
    pub(super) fit: Option<TonicFit>,
    /// Hash of all ledger lines.
    pub(super) ledger_hash: String,
    pub(super) recogniser: Option<Recogniser>,
    pub(super) senses: Option<Senses>,
    pub(super) failures: Vec<Error>,
}

/// The keeper's own state while it runs.
struct Desk {
    ledger: blake3::Hasher,
    failures: Vec<Error>,
    /// What the electrodes read in a tick, and what becomes of it at their rate.
    read: Vec<f32>,
    leads: Leads,
    sample: Vec<f32>,
    frames: Vec<[f32; 2]>,
    trace: TraceChunk,
    raster: Raster,
    energy: Flows,
    samples: u64,
    /// Whether the newest field was painted.
    painted: bool,
    fit: Option<TonicFit>,
    fitted: Timestamp,
    told: Timestamp,
    ticks_told: u64,
    busy: Busy,
}

impl Keeper {
    /// Runs until the engine's ends are closed and everything has been taken.
    pub(super) fn run(mut self) -> Kept {
        let channels = self.facts.electrodes.len();
        let wide = if self.analysis.twin.is_some() { 2 } else { 1 };
        self.analysis.set_variances(&self.facts.variances);
        let mut desk = Desk {
            ledger: blake3::Hasher::new(),
            failures: Vec::new(),
            read: vec![0.0; channels * wide],
            leads: Leads::new(self.facts.rate_hz, channels * wide),
            sample: vec![0.0; channels * wide],
            frames: Vec::with_capacity(48_000),
            trace: empty_trace(&self.facts, self.facts.first),
            raster: Raster::new(self.facts.arrays.len()),
            energy: Flows::default(),
            samples: 0,
            painted: false,
            fit: None,
            fitted: self.clock.now(),
            told: self.clock.now(),
            ticks_told: 0,
            busy: Busy::new(self.clock.now()),
        };
        loop {
            let open = self.reports.is_written();
            let busy = self.take_all(&mut desk);
            self.obey(&mut desk);
            self.look(&mut desk);
            if !busy {
                if !open {
                    break;
                }
                self.clock.wait_until(self.clock.now() + REST);
            }
        }
        self.finish(desk)
    }

    fn take_all(&mut self, desk: &mut Desk) -> bool {
        let sound = self.take_sound(desk);
        let reports = self.take_reports(desk);
        let states = self.take_states(desk);
        self.take_pictures();
        if let Some(moments) = &mut self.moments {
            moments.hand_on(self.gathering.played(), false);
        }
        self.sights.hand_on(self.gathering.played(), false);
        sound | reports | states
    }

    fn take_sound(&mut self, desk: &mut Desk) -> bool {
        desk.frames.resize(self.sound.waiting().min(48_000), [0.0; 2]);
        let got = self.sound.pop_into(&mut desk.frames);
        if got == 0 {
            return false;
        }
        push(&mut self.keep.sound, &desk.frames[..got], &mut desk.failures);
        if let Some(publish) = &mut self.publish {
            for frame in &desk.frames[..got] {
                publish.sound.push(*frame);
            }
        }
        true
    }

    fn take_reports(&mut self, desk: &mut Desk) -> bool {
        let mut any = false;
        while let Some(report) = self.reports.pop() {
            any = true;
            self.record_hops(&report);
            // Sample by sample and mark by mark in the order of time, so that files of a run and its replay are the same.
            self.take_leads(desk);
            desk.raster.add(&report, &mut desk.trace.bursts);
            self.note_changes(&report, desk);
            if self.gathering.tick(&report) {
                self.give_session(desk);
            }
            if let Some(onset) = self.analysis.tick(&report) {
                self.mark_onset(onset, desk);
            }
            if let Some((senses, sensed)) = self.senses.as_mut().zip(report.sensed.as_ref()) {
                senses.take(report.tick, sensed);
            }
            let seen = self.recogniser.as_mut().and_then(|recogniser| recogniser.look(report.tick));
            if let Some(seen) = seen {
                self.mark(report.tick.start(), seen, desk);
            }
        }
        any
    }

    /// Notes the changes that a tick begins with, before what entered it: so a replay finds them in time.
    fn note_changes(&mut self, report: &TickReport, desk: &mut Desk) {
        if report.retuned == 0 {
            return;
        }
        self.give_session(desk);
        for change in self.hands.applied(report.retuned) {
            self.facts.variances.clone_from(&change.variances);
            self.analysis.change(&change.variances);
            // A fit of what was before would stand beside another spectrum.
            desk.fit = None;
            let item = SessionItem::Control(report.tick.start(), change.text);
            push(&mut self.keep.session, &item, &mut desk.failures);
        }
    }

    /// Adds how long what came from devices, and went to them, was on its way.
    fn record_hops(&self, report: &TickReport) {
        let record = |hop, time| self.trace.record(hop, Origin::Device, time);
        if let Some(woke) = report.woke.filter(|_| self.start.is_some()) {
            self.trace.record("tick_due_to_begun", Origin::Clock, woke);
        }
        if let Some(heard) = report.heard {
            record("sound_captured_to_delivered", heard.device);
            record("sound_delivered_to_tick", heard.waited);
        }
        if let Some(played) = report.played {
            record("sound_tick_to_called_for", played.waits);
            record("sound_called_for_to_presented", played.device);
        }
        if let Some((age, origin)) = report.seen {
            self.trace.record("picture_captured_to_tick", origin, age);
        }
    }

    /// Gives the session what has gathered.
    fn give_session(&mut self, desk: &mut Desk) {
        // With a block go the pictures of its own time, not with the next one.
        self.take_pictures();
        for item in self.gathering.take() {
            push(&mut self.keep.session, &item, &mut desk.failures);
        }
    }

    /// Shows the pictures of the ticks that were played.
    fn take_pictures(&mut self) {
        while let Some(picture) = self.gathering.picture() {
            if let Some(moments) = &mut self.moments {
                moments.see(&picture);
            }
            self.sights.see(&picture);
            if let Some(publish) = &mut self.publish {
                publish.input.write(picture);
            }
        }
    }

    /// Writes an onset down.
    fn mark_onset(&mut self, onset: Onset, desk: &mut Desk) {
        self.mark(onset.tick.start(), "onset".to_owned(), desk);
    }

    /// Writes down that something happened.
    fn mark(&mut self, time: Timestamp, text: String, desk: &mut Desk) {
        push(&mut self.keep.session, &SessionItem::Mark(time, text.clone()), &mut desk.failures);
        // A file begins with the run's first sample, in whatever tick of the session it goes on from.
        let in_file = Timestamp::ZERO + (time - self.facts.first.start());
        push(&mut self.keep.electrodes, &ElectrodeItem::Mark(in_file, text.clone()), &mut desk.failures);
        let mark = ElectrodeItem::Mark(time, text);
        push_all(&mut self.keep.outlets, &mark, &mut desk.failures);
    }

    fn take_states(&mut self, desk: &mut Desk) -> bool {
        let mut any = false;
        while let Some(copy) = self.states.pop() {
            any = true;
            let state = hash_of_state(&copy.values);
            let line = LedgerLine { tick: copy.tick, state, inputs: copy.inputs };
            desk.energy.take(&copy, &self.facts);
            desk.ledger.update(line.to_string().as_bytes());
            desk.ledger.update(b"\n");
            push(&mut self.keep.ledger, &line, &mut desk.failures);
            self.give_state(&copy, line, desk);
            if self.keep.field.is_some() {
                let row = self.field_row(&copy);
                push(&mut self.keep.field, &row, &mut desk.failures);
            }
            self.spare.push(copy);
        }
        any
    }

    /// Gives the session the ledger's line, and every so often the state.
    fn give_state(&mut self, copy: &StateCopy, line: LedgerLine, desk: &mut Desk) {
        if self.keep.session.is_none() {
            return;
        }
        push(&mut self.keep.session, &SessionItem::Ledger(line), &mut desk.failures);
        let next = copy.tick.next();
        if self.keep.state_seconds.is_some_and(|seconds| next.0.is_multiple_of(seconds * TICKS_PER_SECOND)) {
            let state = StateItem { next, values: copy.values.clone(), senses: copy.senses.clone() };
            push(&mut self.keep.session, &SessionItem::State(state), &mut desk.failures);
        }
    }

    /// The first array's bands, from a copy of the state.
    fn field_row(&self, copy: &StateCopy) -> FieldRow {
        let array = &self.facts.arrays[0];
        let sites = array.height * array.width;
        let plane = |index: usize| &copy.values[index * sites..(index + 1) * sites];
        let images = (0..array.bands)
            .map(|band| {
                let mut image = FieldImage::default();
                let planes = (plane(band), plane(array.bands + band));
                paint(ArrayId(0), array.width, planes, self.facts.variances[band], FULL_SCALE, &mut image);
                image
            })
            .collect();
        FieldRow { time: copy.tick.next().start(), images }
    }

    fn finish(mut self, mut desk: Desk) -> Kept {
        for onset in self.analysis.end() {
            self.mark_onset(onset, &mut desk);
        }
        self.end_leads(&mut desk);
        self.give_session(&mut desk);
        let Keep { sound, electrodes, outlets, ledger, field, session, taught, .. } = self.keep;
        let mut close = |outcome: Option<crate::error::Result<()>>| {
            desk.failures.extend(outcome.and_then(Result::err));
        };
        close(sound.map(Sink::finish));
        close(electrodes.map(Sink::finish));
        close(ledger.map(Sink::finish));
        close(field.map(Sink::finish));
        close(session.map(Sink::finish));
        close(taught.map(Sink::finish));
        // Who only looks on may take its time.
        if let Some(moments) = &mut self.moments {
            moments.hand_on(self.gathering.played(), true);
        }
        self.sights.hand_on(self.gathering.played(), true);
        // Last: they may wait for another program.
        for outlet in outlets {
            close(Some(outlet.finish()));
        }
        Kept {
            fit: self.analysis.tonic_fit(),
            analysis: self.analysis,
            recogniser: self.recogniser,
            senses: self.senses,
            ledger_hash: desk.ledger.finalize().to_hex()[..32].to_owned(),
            failures: desk.failures,
        }
    }
}

fn empty_trace(facts: &Facts, first: Tick) -> TraceChunk {
    TraceChunk {
        first_tick: first.0,
        rate_hz: facts.rate_hz,
        names: facts.electrodes.clone(),
        microvolts: vec![Vec::with_capacity(TRACE_SAMPLES); facts.electrodes.len()],
        bursts: vec![Vec::new(); facts.arrays.len()],
    }
}

/// Hands an item to a file; a file that fails is told once and given up, the run goes on.
fn push<T: ?Sized>(sink: &mut Option<Box<dyn Sink<Item = T>>>, item: &T, failures: &mut Vec<Error>) {
    if sink.as_mut().is_some_and(|open| !takes(open, item, failures)) {
        *sink = None;
    }
}

/// The same for several.
fn push_all<T: ?Sized>(sinks: &mut Vec<Box<dyn Sink<Item = T>>>, item: &T, failures: &mut Vec<Error>) {
    sinks.retain_mut(|open| takes(open, item, failures));
}

/// Whether a sink took the item; tells why not.
fn takes<T: ?Sized>(sink: &mut Box<dyn Sink<Item = T>>, item: &T, failures: &mut Vec<Error>) -> bool {
    let Err(failure) = sink.push(item) else { return true };
    tracing::error!("{failure}");
    failures.push(failure);
    false
}
