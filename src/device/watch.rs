//! The thread that owns a sound device: opens it, sees when it is silent or gone, and opens it again by its name.
//!
//! Servers that are stopped, suspended or killed give no error, or a million a second; so what counts is whether the
//! device calls. A stream is closed on a thread of its own, because closing may never return.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use cpal::Stream;
use crossbeam_channel::{Receiver, bounded};

use super::SoundDeviceParameters;
use super::open::{Attempt, Link, Opened};
use super::stream::Troubles;
use crate::error::{Error, Kind, Result};
use crate::signal::{DeviceKind, DeviceState};
use crate::stream::bridge::{Counts, Socket, Tally};
use crate::stream::capture::{self, Capture, CaptureLink};
use crate::stream::device::{DeviceMonitor, let_go, within};
use crate::stream::playback::{self, Playback, PlaybackLink};
use crate::time::{Clock, Timestamp};

/// How often the thread looks.
const LOOK: Duration = Duration::from_millis(20);
/// A device that has not called for so long is silent.
const SILENT: Duration = Duration::from_millis(500);
/// One that has not called for so long is opened anew.
const GIVEN_UP: Duration = Duration::from_secs(5);
/// First and longest wait before the next attempt to open.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(500)];
/// How long the first attempt may take, and the end of the thread.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long an attempt to open may take; one beside another that hangs may take twice as long, and so on.
const OPENING: Duration = Duration::from_millis(2_500);
/// Attempts to open that may hang.
const MOST_HANGING: usize = 4;
/// How long a stream may take to close before it is left to itself.
const CLOSING: Duration = Duration::from_secs(1);
/// The block that is begun with, and the largest that faults lead to.
const BLOCKS: [u32; 2] = [128, 2_048];
/// Faults within [`FAULTS_COUNT`] that make the next block twice as long.
const MANY_FAULTS: u64 = 8;
/// See there.
const FAULTS_COUNT: Duration = Duration::from_secs(10);
/// The share of a device's rate below which its block is too short for it.
const LEAST_SHARE: f64 = 0.9;
/// Errors of the back end in a look after which a stream is given up.
const FLOOD: u64 = 100;

/// A device that is owned by its thread until it is dropped.
pub struct SoundDevice {
    /// What it says of itself.
    pub monitor: Arc<DeviceMonitor>,
    stop: Arc<AtomicBool>,
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for SoundDevice {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // A host that hangs is left behind with its thread: the run ends all the same.
        if self.ended.recv_timeout(PATIENCE) != Err(crossbeam_channel::RecvTimeoutError::Timeout)
            && let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of a sound device had failed");
        }
    }
}

/// Opens a microphone and owns it from then on.
///
/// # Errors
/// Why it can't be opened now. Later it may come and go.
pub fn microphone(asked: &SoundDeviceParameters, clock: Arc<dyn Clock>) -> Result<(SoundDevice, Capture)> {
    let (socket, capture) = capture::capture();
    Ok((start(asked, clock, Way::In(socket))?, capture))
}

/// Opens a speaker and owns it from then on.
///
/// # Errors
/// As those of [`microphone`].
pub fn speaker(asked: &SoundDeviceParameters, clock: Arc<dyn Clock>) -> Result<(SoundDevice, Playback)> {
    let (socket, mut playback) = playback::playback();
    let device = start(asked, clock, Way::Out(socket))?;
    playback.follow(Arc::clone(&device.monitor.muted));
    Ok((device, playback))
}

/// The direction of a device.
enum Way {
    In(Socket<CaptureLink>),
    Out(Socket<PlaybackLink>),
}

impl Way {
    fn kind(&self) -> DeviceKind {
        match self {
            Way::In(_) => DeviceKind::Microphone,
            Way::Out(_) => DeviceKind::Speaker,
        }
    }
}

fn start(asked: &SoundDeviceParameters, clock: Arc<dyn Clock>, way: Way) -> Result<SoundDevice> {
    let kind = way.kind();
    let monitor = Arc::new(DeviceMonitor::new(kind, &asked.name));
    let stop = Arc::<AtomicBool>::default();
    let (opened_in, opened) = bounded(1);
    let (ended_in, ended) = bounded(1);
    let owner = Owner {
        asked: asked.clone(),
        host: asked.host.clone(),
        flooded: false,
        block: first_block(asked),
        attempts: Arc::default(),
        clock,
        way,
        monitor: Arc::clone(&monitor),
        stop: Arc::clone(&stop),
        links: Vec::new(),
        before: Counts::default(),
    };
    let thread = std::thread::Builder::new()
        .name(format!("napot-{}", kind.name().chars().take(8).collect::<String>()))
        .spawn(move || {
            owner.run(|outcome| {
                // Who asked may have lost patience.
                let _ = opened_in.try_send(outcome);
            });
            let _ = ended_in.send(());
        })
        .map_err(|cause| Error::new(Kind::Device, kind.name(), "no thread could be started").value(cause))?;
    let Ok(outcome) = opened.recv_timeout(PATIENCE) else {
        // It is left to itself: who hangs now would not end soon either.
        stop.store(true, Ordering::Release);
        let error = Error::new(Kind::Device, kind.name(), "its host did not answer");
        return Err(error.bound(format!("within {} s", PATIENCE.as_secs())));
    };
    outcome.map(|()| SoundDevice { monitor, stop, ended, thread: Some(thread) })
}

/// The block that is begun with.
fn first_block(asked: &SoundDeviceParameters) -> u32 {
    if asked.block_frames > 0 { asked.block_frames } else { BLOCKS[0] }
}

/// A stream that is open.
struct Open {
    stream: Stream,
    tally: Arc<Tally>,
    troubles: Arc<Troubles>,
    since: Timestamp,
    /// Whether the device has the block that was asked for; one of its own does not grow with a wish.
    follows: bool,
    others_seen: u64,
    /// Frames a second.
    rate: u32,
    watched: Watched,
}

/// What was counted when the count of faults began.
struct Watched {
    since: Timestamp,
    faults: u64,
    moved: u64,
}

impl Watched {
    fn from(open: &Open, now: Timestamp) -> Self {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let faults = count(&open.tally.faults) + count(&open.troubles.late);
        Self { since: now, faults, moved: count(&open.tally.moved) }
    }

    /// Whether a larger block is worth a gap, for a device of `rate` that has called within `quiet`: faults come often, or it gives
    /// or takes much less than its rate. `here` is what is counted now.
    fn wants_larger(&mut self, here: Self, rate: u32, quiet: Duration) -> bool {
        // A silence says nothing of the block.
        if quiet >= SILENT {
            return false;
        }
        let time = here.since - self.since;
        let many = here.faults - self.faults >= MANY_FAULTS;
        let share = (here.moved - self.moved) as f64 / (time.as_secs_f64() * f64::from(rate));
        let is_over = time >= FAULTS_COUNT;
        if is_over {
            *self = here;
        }
        many || (is_over && share < LEAST_SHARE)
    }
}

/// Why a stream is given up.
enum End {
    /// It is gone.
    Lost(&'static str),
    /// A larger block is wanted.
    Larger,
    /// Another device was asked for.
    Another(String),
    /// The run ends.
    Stop,
}

struct Owner {
    asked: SoundDeviceParameters,
    /// The host that was asked for; while a device is kept, what is asked for is its own.
    host: String,
    /// Whether the last stream drowned in errors, and its server has not refused one since.
    flooded: bool,
    block: u32,
    clock: Arc<dyn Clock>,
    way: Way,
    monitor: Arc<DeviceMonitor>,
    stop: Arc<AtomicBool>,
    /// Held by every attempt to open that is under way.
    attempts: Arc<()>,
    /// What counts the links that the engine or a device still has, the newest last.
    links: Vec<Arc<Tally>>,
    /// The counts of those that have ended.
    before: Counts,
}

impl Owner {
    /// Owns the device until the run stops; `told` gets the outcome of the first attempt, which ends all where it fails.
    fn run(mut self, told: impl FnOnce(Result<()>)) {
        self.own(told);
        self.tell_last();
    }

    fn own(&mut self, told: impl FnOnce(Result<()>)) {
        let mut told = Some(told);
        let mut wait = BACK_OFF[0];
        while !self.stop.load(Ordering::Acquire) {
            match self.open() {
                Ok(open) => {
                    told.take().into_iter().for_each(|told| told(Ok(())));
                    let since = open.since;
                    match self.watch(open) {
                        End::Stop => return,
                        // One that is lost as soon as it is open must not be opened without end.
                        End::Lost(_) => {
                            if self.clock.now() - since > GIVEN_UP {
                                wait = BACK_OFF[0];
                            }
                            self.rest(wait);
                            wait = (2 * wait).min(BACK_OFF[1]);
                        }
                        End::Larger | End::Another(_) => wait = BACK_OFF[0],
                    }
                }
                Err(error) => {
                    if let Some(told) = told.take() {
                        return told(Err(error));
                    }
                    self.flooded = false;
                    self.monitor.troubled(DeviceState::Lost, &error.to_string());
                    self.rest(wait);
                    wait = (2 * wait).min(BACK_OFF[1]);
                }
            }
        }
    }

    fn rest(&mut self, time: Duration) {
        let until = self.clock.now() + time;
        while self.clock.now() < until && !self.stop.load(Ordering::Acquire) {
            if let Some(name) = self.monitor.take_wish() {
                self.turn_to(name);
                return;
            }
            self.clock.wait_until(self.clock.now() + LOOK);
            self.tell();
        }
    }

    fn turn_to(&mut self, name: String) {
        self.asked.name = name;
        self.asked.host.clone_from(&self.host);
        // What the last one needed says nothing of this one.
        (self.block, self.flooded) = (first_block(&self.asked), false);
    }

    fn open(&mut self) -> Result<Open> {
        let hanging = Arc::strong_count(&self.attempts) - 1;
        let troubles = Arc::<Troubles>::default();
        let attempt = Attempt {
            kind: self.way.kind(),
            asked: self.asked.clone(),
            block: self.block,
            clock: Arc::clone(&self.clock),
            troubles: Arc::clone(&troubles),
        };
        let limit = OPENING * 2u32.pow(hanging as u32);
        let held = Arc::clone(&self.attempts);
        let work = move || {
            let opened = attempt.open();
            drop(held);
            opened
        };
        let silent =
            |bound| Error::new(Kind::Device, self.way.kind().name(), "its host did not answer").bound(bound);
        if hanging >= MOST_HANGING {
            return Err(silent(format!("{hanging} attempts to open it still wait")));
        }
        let opened =
            within(limit, work).ok_or_else(|| silent(format!("within {} s", limit.as_secs_f32())))??;
        match (&mut self.way, opened.link) {
            (Way::In(socket), Link::In(link)) => socket.plug(link),
            (Way::Out(socket), Link::Out(link)) => socket.plug(link),
            // An attempt brings what its kind asks for.
            _ => {}
        }
        let Opened { host, name, format, block, stream, tally, .. } = opened;
        self.block = block;
        self.links.push(Arc::clone(&tally));
        // A device that is lost is waited for, not exchanged for one of another host.
        self.asked.host = host;
        self.monitor.opened(&name, &format.describe());
        let rate = format.config.sample_rate;
        self.monitor.agreed(rate.into());
        let now = self.clock.now();
        let follows = format.only_block.is_none();
        let watched = Watched { since: now, faults: 0, moved: 0 };
        Ok(Open { stream, tally, troubles, since: now, follows, others_seen: 0, rate, watched })
    }

    /// Watches a stream to its end and closes it.
    fn watch(&mut self, mut open: Open) -> End {
        let end = loop {
            self.clock.wait_until(self.clock.now() + LOOK);
            self.tell();
            if let Some(end) = self.look(&mut open) {
                break end;
            }
        };
        let late = open.troubles.late.load(Ordering::Relaxed);
        self.monitor.update(|figures| figures.missed += late);
        if !let_go(open.stream, CLOSING) {
            let kind = self.way.kind().name();
            tracing::warn!("{kind}: its host does not let go of the stream; it is left behind");
        }
        match &end {
            End::Lost(problem) => self.monitor.troubled(DeviceState::Lost, problem),
            End::Larger => {
                self.block = (2 * self.block).min(BLOCKS[1]);
                tracing::warn!(
                    "{}: blocks come too late; now of {} frames",
                    self.way.kind().name(),
                    self.block
                );
            }
            End::Another(name) => self.turn_to(name.clone()),
            End::Stop => {}
        }
        end
    }

    fn look(&mut self, open: &mut Open) -> Option<End> {
        if self.stop.load(Ordering::Acquire) {
            return Some(End::Stop);
        }
        if let Some(name) = self.monitor.take_wish() {
            return Some(End::Another(name));
        }
        if open.troubles.ends.load(Ordering::Relaxed) > 0 {
            return Some(End::Lost("the device or its server is gone"));
        }
        let others = open.troubles.others.load(Ordering::Relaxed);
        if others - std::mem::replace(&mut open.others_seen, others) > FLOOD {
            return Some(self.drowned(open));
        }
        let realtime = !open.troubles.refused.load(Ordering::Relaxed);
        self.monitor.update(|figures| figures.realtime = realtime);
        let now = self.clock.now();
        let quiet = now - open.tally.called().unwrap_or(open.since);
        if quiet >= GIVEN_UP {
            // One that is silent and says that blocks are late can't keep up with such short ones.
            let is_late = open.troubles.late.load(Ordering::Relaxed) > 0;
            let end = is_late.then(|| self.larger(open)).flatten();
            return Some(end.unwrap_or(End::Lost("it has been silent for too long and is opened anew")));
        }
        if quiet >= SILENT {
            self.monitor.troubled(DeviceState::Silent, "it says no error and gives nothing");
        } else if self.monitor.figures().state == DeviceState::Silent {
            self.monitor.recovered();
            // What its silence cost says nothing of its block.
            open.watched = Watched::from(open, now);
        }
        let here = Watched::from(open, now);
        if open.watched.wants_larger(here, open.rate, quiet) { self.larger(open) } else { None }
    }

    /// A stream that gives nothing but errors: its server is gone, or the block is too short for it. In the latter case a
    /// new stream can be opened at once, and drowns as well.
    fn drowned(&mut self, open: &Open) -> End {
        let again = std::mem::replace(&mut self.flooded, true);
        let end = again.then(|| self.larger(open)).flatten();
        end.unwrap_or(End::Lost("its server gives nothing but errors"))
    }

    /// A block of twice the length, where that is left to us and the device follows.
    fn larger(&self, open: &Open) -> Option<End> {
        let may = self.asked.block_frames == 0 && open.follows && self.block < BLOCKS[1];
        may.then_some(End::Larger)
    }

    fn tell(&mut self) {
        // What neither a stream nor the engine holds any more has ended.
        let is_held = |link: &Arc<Tally>| Arc::strong_count(link) > 1;
        let (held, ended) = std::mem::take(&mut self.links).into_iter().partition(is_held);
        self.links = held;
        for link in ended {
            self.end(&link);
        }
        let counts = self.links.iter().fold(self.before, |sum, link| sum.plus(link.counts()));
        let newest = self.links.last().map(|link| (link.block.load(Ordering::Relaxed) as u32, link.drift()));
        self.monitor.update(|figures| {
            figures.delivered = counts.moved;
            figures.dropped = counts.dropped;
            figures.filled = counts.filled;
            figures.used = counts.used;
            figures.resampled = counts.resampled;
            figures.faults = counts.faults;
            figures.not_finite = counts.not_finite;
            if let Some((block, drift)) = newest {
                (figures.block, figures.drift_ppm) = (block, drift);
            }
        });
    }

    fn end(&mut self, link: &Arc<Tally>) {
        let counts = match self.way {
            Way::In(_) => link.counts().ended_in(),
            Way::Out(_) => link.counts().ended_out(),
        };
        self.before = self.before.plus(counts);
    }

    /// After the run: what waits now waits for ever.
    fn tell_last(&mut self) {
        self.tell();
        for link in std::mem::take(&mut self.links) {
            self.end(&link);
        }
        self.tell();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64, faults: u64, moved: f64) -> Watched {
        Watched { since: Timestamp((seconds * 1e9) as i64), faults, moved: (moved * 48e3) as u64 }
    }

    #[test]
    fn larger_blocks_are_for_devices_that_are_late_and_not_for_those_that_were_silent() {
        let calls = Duration::from_millis(3);
        let begun = || at(0.0, 0, 0.0);
        assert!(!begun().wants_larger(at(10.0, 7, 10.0), 48_000, calls));
        assert!(begun().wants_larger(at(2.0, MANY_FAULTS, 2.0), 48_000, calls), "many faults");
        assert!(begun().wants_larger(at(10.0, 0, 8.0), 48_000, calls), "less than its rate");
        // Its server was stopped for the last three of ten seconds.
        assert!(!begun().wants_larger(at(10.0, 0, 7.0), 48_000, Duration::from_secs(3)));
    }
}
