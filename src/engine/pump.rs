//! The pumps: one thread per source pulls, encodes and pushes into the engine's rings, and promises.
//!
//! In a replay a full ring holds its pump back, so that nothing is ever dropped on the way in.

mod pictures;
mod session;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Sender;

use pictures::shown_of;
pub(in crate::engine) use session::session;

use super::gathering::SeenIn;
use super::realtime::Live;
use crate::error::{Error, Result};
use crate::sense::retina::Retina;
use crate::sense::scalar::ScalarSense;
use crate::signal::{AudioBlock, Burst, Frame, InputPicture, Origin, ScalarSample, SessionItem};
use crate::stream::priority;
use crate::stream::promise::{Promise, Promiser, promise};
use crate::stream::ring::{Consumer, Counters, Producer, ring};
use crate::stream::trace::Trace;
use crate::stream::{Faults, Source, SourceInfo};
use crate::time::{Clock, Tick, Timestamp};

/// Frames of sound that wait at most: a second and a third.
const SOUND_RING: usize = 65_536;
/// Bursts that wait at most.
const BURST_RING: usize = 131_072;
/// How long a pump rests when its ring is full.
const REST: Duration = Duration::from_micros(500);

/// The sources of a run; all share one clock, whose zero is the start. A session stands alone.
#[derive(Default)]
pub struct Inputs {
    /// Sound for the cochlea.
    pub sound: Option<Box<dyn Source<Item = AudioBlock>>>,
    /// Pictures for the retina.
    pub video: Option<Box<dyn Source<Item = Frame>>>,
    /// Channels for the scalar sense.
    pub scalar: Option<Box<dyn Source<Item = ScalarSample>>>,
    /// What entered another run, and its pictures.
    pub session: Option<Box<dyn Source<Item = SessionItem>>>,
    /// Sound devices.
    pub live: Live,
}

/// What a pump did, told when it has ended.
#[derive(Clone, Debug)]
pub struct PumpReport {
    /// The source.
    pub info: SourceInfo,
    /// Items that the source gave: sound frames, pictures, samples.
    pub produced: u64,
    /// Items that were lost before the engine: damaged, or left when the run stopped.
    pub dropped: u64,
    /// What the source met.
    pub faults: Faults,
    /// Time in the source (decoding, rendering) and in the encoder, in ns.
    pub decode_ns: u64,
    /// See `decode_ns`.
    pub encode_ns: u64,
    /// Why the source broke off, where it did.
    pub failure: Option<Error>,
}

/// What pumps share with the rest of the run.
#[derive(Clone)]
pub struct Common {
    /// Set when the run is to stop.
    pub stop: Arc<AtomicBool>,
    /// The run's clock.
    pub clock: Arc<dyn Clock>,
    /// How long hops take.
    pub trace: Arc<Trace>,
    /// Whether what sources give is needed in time: in a paced run.
    pub(super) urgent: bool,
    /// The first tick that is not played, where that is known.
    pub(super) until: Option<Tick>,
}

impl Common {
    /// Of a run that `stop` ends and `clock` times.
    #[must_use]
    pub fn new(stop: Arc<AtomicBool>, clock: Arc<dyn Clock>) -> Self {
        Self { stop, clock, trace: Arc::default(), urgent: false, until: None }
    }

    /// Whether what is stamped so enters no tick of this run.
    fn is_too_late(&self, time: Timestamp) -> bool {
        self.until.is_some_and(|until| time.tick_at_or_after() >= until)
    }
}

/// A running pump.
pub struct Pump {
    name: String,
    thread: JoinHandle<PumpReport>,
    items: Arc<AtomicU64>,
    /// The ring's counters.
    pub counters: Arc<Counters>,
}

impl Pump {
    /// The source's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Items pulled so far.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.items.load(Ordering::Relaxed)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// Where the thread panicked.
    pub fn join(self) -> Result<PumpReport> {
        let name = self.name;
        self.thread.join().map_err(|_| Error::input(name, "the thread that reads this source panicked"))
    }
}

/// The engine's end of a pump of sound.
pub struct SoundFeed {
    /// Frames at 48 kHz without a gap.
    pub frames: Consumer<[f32; 2]>,
    /// Ended when the last frame is in the ring.
    pub promise: Promise,
}

/// The engine's end of a pump of bursts.
pub struct BurstFeed {
    /// Bursts in the order of their times.
    pub bursts: Consumer<Burst>,
    /// Up to which tick they are complete.
    pub promise: Promise,
    /// Of pictures of a camera: where their stamps come from.
    pub camera: Option<Arc<CameraStamps>>,
    /// Whether another program brings them, for as long as it likes: a run with other inputs ends with those.
    pub lasts: bool,
}

/// Where the stamps of a camera's pictures come from: its driver, or their arrival here.
#[derive(Debug, Default)]
pub struct CameraStamps(AtomicBool);

impl CameraStamps {
    fn set(&self, origin: Origin) {
        self.0.store(origin == Origin::Device, Ordering::Relaxed);
    }

    /// That of the newest picture.
    #[must_use]
    pub fn origin(&self) -> Origin {
        if self.0.load(Ordering::Relaxed) { Origin::Device } else { Origin::Arrival }
    }
}

/// The engine's end of a pump of a session.
pub struct RecordedFeed {
    /// Bursts, each with the tick in which it enters, in their order.
    pub bursts: Consumer<(Tick, Burst)>,
    /// Up to which tick they are complete.
    pub promise: Promise,
}

/// Waits until `done`, or the run stops; says whether it is done.
fn wait_for(common: &Common, mut done: impl FnMut() -> bool) -> bool {
    loop {
        if done() {
            return true;
        }
        if common.stop.load(Ordering::Acquire) {
            return false;
        }
        common.clock.wait_until(common.clock.now() + REST);
    }
}

fn spawn(
    name: String,
    items: Arc<AtomicU64>,
    counters: Arc<Counters>,
    body: impl FnOnce(&AtomicU64) -> PumpReport + Send + 'static,
) -> Result<Pump> {
    let shared = Arc::clone(&items);
    let thread = std::thread::Builder::new()
        .name(format!("napot-{}", name.chars().take(8).collect::<String>()))
        .spawn(move || body(&shared))
        .map_err(|cause| Error::input(&name, "no thread could be started for this source").value(cause))?;
    Ok(Pump { name, thread, items, counters })
}

/// Pulls to the end: times the source, keeps its figures, hands each item to `take`, which says whether to go on.
fn drain<T>(
    source: &mut dyn Source<Item = T>,
    common: &Common,
    items: &AtomicU64,
    size: impl Fn(&T) -> u64,
    mut take: impl FnMut(T) -> bool,
) -> PumpReport {
    let mut report = PumpReport {
        info: source.info().clone(),
        produced: 0,
        dropped: 0,
        faults: Faults::default(),
        decode_ns: 0,
        encode_ns: 0,
        failure: None,
    };
    if common.urgent {
        priority::lift();
    }
    while !common.stop.load(Ordering::Acquire) {
        let start = common.clock.now();
        let pulled = source.pull();
        let end = common.clock.now();
        report.decode_ns += (end - start).as_nanos() as u64;
        match pulled {
            Ok(Some(item)) => {
                report.produced += size(&item);
                items.store(report.produced, Ordering::Relaxed);
                if !take(item) {
                    break;
                }
            }
            Ok(None) => break,
            Err(failure) => {
                report.failure = Some(failure);
                break;
            }
        }
    }
    report.faults = source.faults();
    report
}

/// Starts a pump of sound. A gap between two blocks is filled with silence.
///
/// # Errors
/// Where no thread can be started.
pub fn sound(mut source: Box<dyn Source<Item = AudioBlock>>, common: Common) -> Result<(Pump, SoundFeed)> {
    let (mut frames, consumer, counters) = ring(SOUND_RING);
    let (promiser, promise) = promise();
    let name = source.info().name.clone();
    let pump = spawn(name, Arc::default(), counters, move |items| {
        let mut given = 0;
        let size = |block: &AudioBlock| block.frames.len() as u64;
        let mut lost = 0;
        let mut report = drain(&mut *source, &common, items, size, |block| {
            let gap = block.position.saturating_sub(given);
            let silence = std::iter::repeat_n([0.0; 2], usize::try_from(gap).unwrap_or(usize::MAX));
            let kept = push_frames(&mut frames, &common, silence)
                && push_frames(&mut frames, &common, block.frames.iter().copied());
            given = block.position + block.frames.len() as u64;
            lost += u64::from(!kept) * block.frames.len() as u64;
            kept
        });
        report.dropped += lost;
        drop(promiser);
        report
    })?;
    Ok((pump, SoundFeed { frames: consumer, promise }))
}

fn push_frames(
    ring: &mut Producer<[f32; 2]>,
    common: &Common,
    frames: impl Iterator<Item = [f32; 2]>,
) -> bool {
    let mut frames = frames.peekable();
    while frames.peek().is_some() {
        if !wait_for(common, || ring.vacant() > 0) {
            return false;
        }
        for _ in 0..ring.vacant() {
            let Some(frame) = frames.next() else { break };
            ring.push(frame);
        }
    }
    true
}

/// Pushes bursts in order and keeps the promise.
struct BurstEnd {
    ring: Producer<Burst>,
    promiser: Promiser,
    newest: Timestamp,
    waiting: Vec<Burst>,
}

impl BurstEnd {
    /// Takes the bursts of an item stamped `time`; a stamp that runs backwards counts as the newest.
    fn push(&mut self, common: &Common, time: Timestamp) -> bool {
        self.newest = self.newest.max(time);
        self.promiser.nothing_before(self.newest.tick_at_or_after());
        for mut burst in self.waiting.drain(..) {
            burst.time = burst.time.max(self.newest);
            if !wait_for(common, || self.ring.vacant() > 0) {
                return false;
            }
            self.ring.push(burst);
        }
        true
    }
}

fn bursts() -> (BurstEnd, BurstFeed, Arc<Counters>) {
    let (producer, consumer, counters) = ring(BURST_RING);
    let (promiser, promise) = promise();
    let end = BurstEnd { ring: producer, promiser, newest: Timestamp::ZERO, waiting: Vec::new() };
    (end, BurstFeed { bursts: consumer, promise, camera: None, lasts: false }, counters)
}

/// Pictures and samples that may wait to be shown. Their pumps wait with them, so that none is ever further ahead of the
/// field than that.
const PICTURES: usize = 32;
const SAMPLES: usize = 4_096;

/// The way of what is encoded to people: small pictures, and samples of channels.
#[derive(Clone, Default)]
pub struct Shown {
    /// For the page and the session.
    pub pictures: Option<Sender<InputPicture>>,
    /// For the session.
    pub samples: Option<Sender<ScalarSample>>,
}

/// Both ends of that way, of which a page wants pictures and a session both.
pub(super) fn shown(page: bool, session: bool) -> (Shown, SeenIn) {
    let (pictures_in, pictures) = crossbeam_channel::bounded(PICTURES);
    let (samples_in, samples) = crossbeam_channel::bounded(SAMPLES);
    let shown =
        Shown { pictures: (page || session).then_some(pictures_in), samples: session.then_some(samples_in) };
    (shown, SeenIn { pictures, samples })
}

/// Hands on what people are shown; `false` where the run stops.
fn hand_on<T>(to: Option<&Sender<T>>, common: &Common, item: T) -> bool {
    let Some(to) = to else { return true };
    let room = wait_for(common, || !to.is_full());
    // A keeper that has gone takes none, which stops nothing.
    let _ = room.then(|| to.try_send(item));
    room
}

/// Whether what a source gives comes from a device or another program.
pub(super) fn is_live<T>(source: &dyn Source<Item = T>) -> bool {
    source.info().origin != Origin::Recorded
}

/// Starts a pump of pictures; `pictures` gets a small copy of each. A live run begins at `start` on its clock, on which
/// devices stamp, and no tick of it waits for a picture.
///
/// # Errors
/// Where no thread can be started.
pub fn video(
    mut source: Box<dyn Source<Item = Frame>>,
    mut retina: Retina,
    pictures: Option<Sender<InputPicture>>,
    start: Option<Timestamp>,
    common: Common,
) -> Result<(Pump, BurstFeed)> {
    let (mut end, mut feed, counters) = bursts();
    let name = source.info().name.clone();
    let live = is_live(&*source);
    let stamps = Arc::<CameraStamps>::default();
    feed.camera = live.then(|| Arc::clone(&stamps));
    if start.is_some() {
        end.promiser.wait_for_nothing();
    }
    let pump = spawn(name, Arc::default(), counters, move |items| {
        let (mut encode_ns, mut late) = (0, 0);
        let mut report = drain(
            &mut *source,
            &common,
            items,
            |_| 1,
            |mut frame| {
                if let Some(start) = start.filter(|_| live) {
                    let age = common.clock.now() - frame.stamp.time;
                    common.trace.record("picture_captured_to_decoded", frame.stamp.origin, age);
                    stamps.set(frame.stamp.origin);
                    frame.stamp.time = Timestamp((frame.stamp.time.0 - start.0).max(0));
                }
                if !live && common.is_too_late(frame.stamp.time) {
                    late = 1;
                    return false;
                }
                let start = common.clock.now();
                retina.encode(&frame, &mut |burst| end.waiting.push(burst));
                let small = pictures.as_ref().map(|_| shown_of(&frame, &retina, &end.waiting));
                encode_ns += (common.clock.now() - start).as_nanos() as u64;
                end.push(&common, frame.stamp.time)
                    && small.is_none_or(|small| {
                        hand_on(pictures.as_ref(), &common, InputPicture { time: end.newest, ..small })
                    })
            },
        );
        report.encode_ns = encode_ns;
        report.dropped += report.faults.damaged + late;
        report.produced += report.faults.damaged;
        report
    })?;
    Ok((pump, feed))
}

/// Starts a pump of scalar channels.
///
/// # Errors
/// Where no thread can be started.
pub fn scalar(
    mut source: Box<dyn Source<Item = ScalarSample>>,
    mut sense: ScalarSense,
    samples: Option<Sender<ScalarSample>>,
    common: Common,
) -> Result<(Pump, BurstFeed)> {
    let (mut end, mut feed, counters) = bursts();
    let name = source.info().name.clone();
    let live = is_live(&*source);
    feed.lasts = live;
    let pump = spawn(name, Arc::default(), counters, move |items| {
        let mut late = 0;
        let mut report = drain(
            &mut *source,
            &common,
            items,
            |sample| u64::from(!sample.values.is_empty()),
            |sample| {
                // Time without a value is no sample of any channel.
                let real = !sample.values.is_empty();
                if !live && common.is_too_late(sample.stamp.time) {
                    late = u64::from(real);
                    return false;
                }
                if real {
                    sense.encode(&sample, &mut |burst| end.waiting.push(burst));
                }
                end.push(&common, sample.stamp.time) && (!real || hand_on(samples.as_ref(), &common, sample))
            },
        );
        report.dropped += late;
        report
    })?;
    Ok((pump, feed))
}
