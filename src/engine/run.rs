//! A run from start to summary: builds the instrument, opens the rings, starts the threads, waits for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::aim::Aim;
use super::analysis::{Analysis, TonicFit};
use super::between::{Copies, WAITING_SECONDS, copies, empty_field, entered};
use super::binding::Binder;
use super::binding::world::World;
use super::cores;
use super::gathering::Gathering;
use super::hands::{Tunings, hands};
use super::instrument::{ArrayInfo, Instrument};
use super::keeper::{Facts, Keep, Keeper, Kept, Publish};
use super::mind;
use super::objects::Objects;
use super::plan::{EnginePlan, Pace};
use super::pump::{self, BurstFeed, Common, Inputs, Pump, PumpReport, RecordedFeed, Shown, SoundFeed};
use super::realtime::{Live, Outlets, Played, Realtime};
use super::recognition::{Feeler, Recogniser, recognition};
use super::senses::{Sampler, Senses};
use super::sights::{Looking, Onlookers};
use super::tempo::{Pacer, Tempo};
use super::tuning::Tunable;
use crate::array::EnergyFigures;
use crate::error::{Error, Kind, Result};
use crate::kernel::team::Team;
use crate::memory::mind::Mind;
use crate::sense::retina::Retina;
use crate::sense::scalar::ScalarSense;
use crate::signal::{ElectrodePlace, Hands};
use crate::stream::latest::latest;
use crate::stream::priority;
use crate::stream::ring::{Counters, Counts, ring};
use crate::time::{Clock, SAMPLE_RATE, TICKS_PER_SECOND, Tick, Timestamp};
use crate::units::Hertz;

/// From the start of the threads to the first tick.
const UNTIL_START: Duration = Duration::from_millis(50);

/// A source's part of a run.
#[derive(Clone, Debug)]
pub struct SourceSummary {
    /// What the pump did.
    pub pump: PumpReport,
    /// The counts of its ring: sound frames, or bursts.
    pub ring: Counts,
}

/// What a run did and found.
pub struct Summary {
    /// Ticks that were played.
    pub ticks: u64,
    /// The arrays.
    pub arrays: Vec<ArrayInfo>,
    /// The electrodes' names.
    pub electrodes: Vec<String>,
    /// Per source.
    pub sources: Vec<SourceSummary>,
    /// Everything that was gathered.
    pub analysis: Analysis,
    /// The fit of the tonic spectrum.
    pub fit: Option<TonicFit>,
    /// Energy book per array.
    pub energy: Vec<EnergyFigures>,
    /// Bursts and levels that were refused.
    pub refused: u64,
    /// The mind's eye, where there was one.
    pub mind: Option<Mind>,
    /// The arrays that bound what was seen, where any did.
    pub binding: Option<World>,
    /// What took apart what was seen, where it was.
    pub objects: Option<Objects>,
    /// What was recognised, in a run with signatures.
    pub recogniser: Option<Recogniser>,
    /// What compared sound and picture, in a run that has both.
    pub senses: Option<Senses>,
    /// Hash of all ledger lines.
    pub ledger_hash: String,
    /// Rings on the way out: name and counts.
    pub rings: Vec<(&'static str, Counts)>,
    /// The priority that the engine's thread got, where it asked for one.
    pub priority: Option<String>,
    /// Wall time from start to end in ns.
    pub wall_ns: u64,
    /// What went wrong: sources that broke off, files that could not be written.
    pub failures: Vec<Error>,
}

/// A running engine.
pub struct Engine {
    realtime: JoinHandle<(Played, Option<String>)>,
    keeper: JoinHandle<Kept>,
    mind: Option<JoinHandle<(Mind, Option<Error>)>>,
    binder: Option<Looking<Binder>>,
    objects: Option<Looking<Objects>>,
    pumps: Vec<Pump>,
    rings: Vec<(&'static str, Arc<Counters>)>,
    arrays: Vec<ArrayInfo>,
    electrodes: Vec<String>,
    places: Vec<ElectrodePlace>,
    may: Hands,
    band_hz: Vec<f32>,
    ticks: Arc<AtomicU64>,
    clock: Arc<dyn Clock>,
    started: Timestamp,
}

/// The pumps and their engine ends.
#[derive(Default)]
struct Feeds {
    pumps: Vec<Pump>,
    sound: Option<SoundFeed>,
    bursts: Vec<BurstFeed>,
    recorded: Option<RecordedFeed>,
}

/// The parameters of a run of which some may change.
fn tunable(plan: &EnginePlan) -> Tunable {
    Tunable { array: plan.array.clone(), learning: plan.learning.clone() }
}

impl Engine {
    /// Starts a run of an instrument that was built from `plan`; `common.stop` ends it early, with whole outputs.
    ///
    /// # Errors
    /// Where a parameter is out of bounds, a source has no array to go to, or a thread can't be started.
    pub fn start(
        plan: &EnginePlan,
        mut instrument: Instrument,
        mut inputs: Inputs,
        mut keep: Keep,
        mut publish: Option<Publish>,
        common: Common,
    ) -> Result<Self> {
        let arrays = instrument.arrays();
        let (electrodes, places) = (instrument.electrode_names().to_vec(), instrument.electrode_places());
        let (aim, rate_hz) = (Arc::new(Aim::at(plan.array.bands / 2)), plan.electrodes.rate_hz);
        let centres: Vec<Hertz> = (0..plan.array.bands).map(|band| plan.array.centre(band)).collect();
        let (sound_in, sound_out, sound_counts) = ring(WAITING_SECONDS * SAMPLE_RATE as usize);
        let (leads_in, leads_out, lead_counts) = ring(WAITING_SECONDS * 2_000 * electrodes.len());
        let (reports_in, reports_out, report_counts) = ring(WAITING_SECONDS * 1_000);
        let Copies { states, spare } = copies(&mut instrument, keep.session.is_some());
        let (entered_in, entered_out) = entered(keep.session.is_some(), plan.hearing.is_some());
        let (field_in, field_out) = latest(&empty_field(&arrays, &instrument));
        // Last: model time 0 of a live source is its pump's start, and the engine's is soon after.
        let eye = eye(plan, &instrument, inputs.session.is_some());
        let Onlookers { sights, holds, binder, objects } =
            Onlookers::start(plan, inputs.session.is_some(), publish.as_mut(), &common.clock)?;
        let looks = publish.is_some() || eye.is_some() || sights.are_seen();
        let (shown, seen) = pump::shown(looks, keep.session.is_some());
        let (probe, moments, minder) = unzipped(eye);
        let (feeler, recogniser) = felt(&mut keep, &instrument)?;
        let (sampler, senses) = compared(&mut keep, &instrument);
        let shows = (publish.as_mut().and_then(Publish::take_mind), keep.recalled.take());
        let (live, tempo) = (take_live(&mut inputs), Arc::new(Tempo::new(plan.pace)));
        let is_live = live.is_there();
        let start = is_live.then(|| common.clock.now() + UNTIL_START);
        let common = Common { urgent: plan.pace != Pace::Max, until: plan.ticks.map(Tick), ..common };
        // Whether it may be slowed down, and whether it is a replay.
        let kind = [!is_live && common.urgent && !arrives(&inputs), inputs.session.is_some()];
        let (hands, tunings, touched) = hands(&tunable(plan), &instrument.shapes(), &tempo, kind, holds);
        let (may, played) = (hands.may().clone(), Arc::new(AtomicU64::new(0)));
        let feeds = open_feeds(plan, &instrument, inputs, tunings, shown, start, &common)?;
        let keeper = Keeper {
            sound: sound_out,
            electrodes: leads_out,
            reports: reports_out,
            states: states.1,
            spare: spare.0,
            field: field_out,
            gathering: Gathering::new(entered_out, seen, electrodes.len(), first_sample(plan)),
            moments,
            sights,
            binding: binder.as_ref().map(Looking::told),
            objects: objects.as_ref().map(Looking::told),
            recogniser,
            senses,
            aim: Arc::clone(&aim),
            hands,
            keep,
            publish,
            facts: facts(&instrument, (plan.first, rate_hz), &centres, &feeds.pumps),
            analysis: Analysis::new(electrodes.len(), rate_hz, centres.clone(), plan.array.twin),
            clock: Arc::clone(&common.clock),
            trace: Arc::clone(&common.trace),
            start,
        };
        let begin = start.unwrap_or_else(|| common.clock.now() + UNTIL_START);
        let realtime = Realtime {
            instrument,
            team: team(plan),
            sound: feeds.sound,
            bursts: feeds.bursts,
            recorded: feeds.recorded,
            live,
            start: begin,
            shown: plan.first,
            outlets: Outlets {
                sound: sound_in,
                electrodes: leads_in,
                reports: reports_in,
                states: states.0,
                spare: spare.1,
                field: field_in,
                aim,
                entered: entered_in,
                probe,
                feeler,
                sampler,
            },
            clock: Arc::clone(&common.clock),
            stop: Arc::clone(&common.stop),
            pacer: Pacer::new(tempo, plan.pace, plan.first, begin),
            touched,
            first: plan.first,
            ticks: plan.ticks,
            tail_ticks: plan.tail_ticks,
            played: Arc::clone(&played),
        };
        Ok(Self {
            keeper: thread("napot-keeper", move || keeper.run())?,
            mind: minder.map(|minder| thread("napot-mind", move || minder.run(shows))).transpose()?,
            binder,
            objects,
            realtime: start_realtime(realtime, plan.cores.clone(), common.urgent, is_live)?,
            pumps: feeds.pumps,
            rings: named([sound_counts, lead_counts, report_counts, states.2]),
            arrays,
            electrodes,
            places,
            may,
            band_hz: centres.iter().map(|centre| centre.0 as f32).collect(),
            ticks: played,
            started: common.clock.now(),
            clock: common.clock,
        })
    }

    /// The arrays.
    #[must_use]
    pub fn arrays(&self) -> &[ArrayInfo] {
        &self.arrays
    }

    /// Where the electrodes lie.
    #[must_use]
    pub fn electrode_places(&self) -> &[ElectrodePlace] {
        &self.places
    }

    /// What people may do while it runs.
    #[must_use]
    pub fn may(&self) -> &Hands {
        &self.may
    }

    /// Centre frequencies of the bands in Hz, slowest first.
    #[must_use]
    pub fn band_hz(&self) -> &[f32] {
        &self.band_hz
    }

    /// Ticks played so far.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// Whether the engine has played its last tick.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.realtime.is_finished()
    }

    /// Waits for the end of the run.
    ///
    /// # Errors
    /// Where one of its threads panicked.
    pub fn join(self, stop: &AtomicBool) -> Result<Summary> {
        let panicked =
            |name: &str| Error::new(Kind::Numeric, name, "the thread panicked; its outputs are lost");
        let played = self.realtime.join().map_err(|_| panicked("engine"));
        // Pumps whose input goes on for ever end with the engine.
        stop.store(true, Ordering::Release);
        let kept = self.keeper.join().map_err(|_| panicked("keeper"))?;
        // It lives what the keeper handed on, to the end.
        let mind = self.mind.map(JoinHandle::join).transpose().map_err(|_| panicked("mind"))?;
        let (mind, unkept) = mind.unzip();
        let bound = self.binder.map(Looking::join).transpose().map_err(|_| panicked("binding"))?;
        let objects = self.objects.map(Looking::join).transpose().map_err(|_| panicked("objects"))?;
        let (Played { mut instrument, ticks }, priority) = played?;
        let mut failures = kept.failures;
        failures.extend(unkept.flatten());
        let binding = whole(bound, &mut failures).map(Binder::into_world);
        let objects = whole(objects, &mut failures);
        let mut sources = Vec::new();
        for pump in self.pumps {
            let counters = Arc::clone(&pump.counters);
            let pump = pump.join()?;
            failures.extend(pump.failure.clone());
            sources.push(SourceSummary { pump, ring: counters.read() });
        }
        Ok(Summary {
            ticks,
            arrays: self.arrays,
            electrodes: self.electrodes,
            sources,
            analysis: kept.analysis,
            fit: kept.fit,
            energy: instrument.energy(),
            refused: instrument.refused(),
            mind,
            binding,
            objects,
            recogniser: kept.recogniser,
            senses: kept.senses,
            ledger_hash: kept.ledger_hash,
            rings: self.rings.into_iter().map(|(name, counters)| (name, counters.read())).collect(),
            priority,
            wall_ns: (self.clock.now() - self.started).as_nanos() as u64,
            failures,
        })
    }
}

/// What came of one that looked; why it broke off goes to the failures.
fn whole<T>(found: Option<Result<T>>, failures: &mut Vec<Error>) -> Option<T> {
    found.and_then(|found| found.map_err(|failure| failures.push(failure)).ok())
}

/// The rings on the way out.
fn named(counters: [Arc<Counters>; 4]) -> Vec<(&'static str, Arc<Counters>)> {
    ["sound", "electrodes", "reports", "states"].into_iter().zip(counters).collect()
}

/// The mind's eye of the array that sees, where there are both.
fn eye(
    plan: &EnginePlan,
    instrument: &Instrument,
    is_replay: bool,
) -> Option<(mind::Probe, mind::Moments, mind::Minder)> {
    let array = usize::from(instrument.array_named("vision")?.0);
    let shape = *instrument.shapes().get(array)?;
    plan.mind
        .enabled
        .then(|| mind::mind(&plan.mind, (array, shape), plan.seed, [is_replay, plan.pace == Pace::Max]))
}

/// What signatures are taken with, of the array that sees, and what recognises them; neither where there are none.
fn felt(keep: &mut Keep, instrument: &Instrument) -> Result<(Option<Feeler>, Option<Recogniser>)> {
    let Some(known) = keep.signatures.take() else { return Ok((None, None)) };
    let array = instrument.array_named("vision").map(|array| usize::from(array.0));
    let shape = array.and_then(|array| Some((array, *instrument.shapes().get(array)?)));
    let shape = shape.ok_or_else(|| {
        Error::call("--signatures", "there is no array that sees").help("Give an input with pictures.")
    })?;
    if instrument.twin(shape.0).is_none() {
        let error =
            Error::call("--signatures", "what is recognised departs from the twin, and there is none");
        return Err(error.value("array.twin = false").help("Run with `array.twin = true`."));
    }
    let (feeler, recogniser) = recognition(known, shape)?;
    Ok((Some(feeler), Some(recogniser)))
}

/// What sound and picture are compared by, where both have an array; neither where they don't.
fn compared(keep: &mut Keep, instrument: &Instrument) -> (Option<Sampler>, Option<Senses>) {
    keep.senses.take().and_then(|mut senses| Some((senses.meet(instrument)?, senses))).unzip()
}

fn unzipped<A, B, C>(all: Option<(A, B, C)>) -> (Option<A>, Option<B>, Option<C>) {
    all.map_or((None, None, None), |(a, b, c)| (Some(a), Some(b), Some(c)))
}

/// The number of the first electrode sample.
fn first_sample(plan: &EnginePlan) -> u64 {
    plan.first.0 * u64::from(plan.electrodes.rate_hz) / TICKS_PER_SECOND
}

/// What the keeper must know of the engine.
fn facts(instrument: &Instrument, (first, rate_hz): (Tick, u32), centres: &[Hertz], pumps: &[Pump]) -> Facts {
    Facts {
        arrays: instrument.arrays(),
        electrodes: instrument.electrode_names().to_vec(),
        rate_hz,
        first,
        centres: centres.to_vec(),
        variances: instrument.band_variances().to_vec(),
        learns: instrument.learns(),
        sources: pumps.iter().map(|pump| (pump.name().to_owned(), Arc::clone(&pump.counters))).collect(),
    }
}

/// The threads of a step, each on its core where that was asked for.
fn team(plan: &EnginePlan) -> Team {
    let (cores, urgent) = (plan.cores.clone(), plan.pace != Pace::Max);
    Team::starting(plan.threads, move |member| {
        cores::pin(&cores, member);
        // The tick waits for them all, so they ask for what the engine asks for; its answer is the one that is told.
        if urgent {
            let _ = priority::ask();
        }
    })
}

/// The devices of a run. In a live run no tick waits for a picture, whether that comes from a device or not.
fn take_live(inputs: &mut Inputs) -> Live {
    let mut live = std::mem::take(&mut inputs.live);
    let has_device = live.is_there() || inputs.video.as_deref().is_some_and(pump::is_live);
    live.sees = has_device && inputs.video.is_some();
    live
}

/// Whether channels come in from another program, whose time goes on whatever this run's does.
fn arrives(inputs: &Inputs) -> bool {
    inputs.scalar.as_deref().is_some_and(pump::is_live)
}

fn open_feeds(
    plan: &EnginePlan,
    instrument: &Instrument,
    inputs: Inputs,
    tunings: Option<Tunings>,
    shown: Shown,
    start: Option<Timestamp>,
    common: &Common,
) -> Result<Feeds> {
    let mut feeds = Feeds::default();
    if let Some((source, tunings)) = inputs.session.zip(tunings) {
        let (pump, sound, recorded) =
            pump::session(source, plan.hearing.is_some(), tunings, shown.clone(), common.clone())?;
        feeds = Feeds { pumps: vec![pump], sound, bursts: Vec::new(), recorded: Some(recorded) };
    }
    if let Some(source) = inputs.sound {
        let (pump, feed) = pump::sound(source, common.clone())?;
        feeds.pumps.push(pump);
        feeds.sound = Some(feed);
    }
    if let (Some(source), Some(vision)) = (inputs.video, &plan.vision) {
        let array = instrument.array_named("vision").unwrap_or_default();
        let retina = Retina::new(&vision.retina, vision.height, vision.width, array)?;
        let (pump, feed) = pump::video(source, retina, shown.pictures.clone(), start, common.clone())?;
        feeds.pumps.push(pump);
        feeds.bursts.push(feed);
    }
    if let (Some(source), Some(scalar)) = (inputs.scalar, &plan.scalar) {
        let array = instrument.array_named("scalar").unwrap_or_default();
        let sense = ScalarSense::new(&scalar.sense, scalar.layout.names.len(), array)?;
        let (pump, feed) = pump::scalar(source, sense, shown.samples, common.clone())?;
        feeds.pumps.push(pump);
        feeds.bursts.push(feed);
    }
    Ok(feeds)
}

/// Starts the real-time thread, on its core and, where model time is paced, with priority.
fn start_realtime(
    realtime: Realtime,
    pinned: Vec<usize>,
    urgent: bool,
    is_live: bool,
) -> Result<JoinHandle<(Played, Option<String>)>> {
    thread("napot-engine", move || {
        cores::pin(&pinned, 0);
        let priority = urgent.then(|| ask_for_priority(is_live));
        (realtime.run(), priority)
    })
}

/// Asks for real-time priority and says what came of it; of a live run a refusal is worth a warning.
fn ask_for_priority(is_live: bool) -> String {
    match priority::ask() {
        Ok(()) => "real-time".to_owned(),
        Err(cause) => {
            if is_live {
                tracing::warn!("no real-time priority ({cause}): sound may break under load");
            }
            format!("ordinary: {cause}")
        }
    }
}

pub(super) fn thread<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|cause| Error::new(Kind::Numeric, name, "no thread could be started").value(cause))
}
