//! The thread that owns the camera: opens it, watches it, finds it again, and hands its newest picture over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::arrival::Arrivals;
use super::backend::{Backend, Device, Fault, Found, Raw};
use super::format::{Choice, Interval, asked, choose, number};
use super::parameters::CameraParameters;
use super::picture::PictureFormat;
use super::slot::Slot;
use crate::signal::{DeviceState, Stamp};
use crate::stream::device::{DeviceMonitor, let_go};
use crate::time::{Clock, Timestamp};

/// How often the end of the run is looked for.
pub(super) const LOOK: Duration = Duration::from_millis(20);
/// How long a camera gives nothing before it is called silent, where three pictures do not take longer.
const SILENCE: Duration = Duration::from_millis(500);
/// How long after a failure the camera is looked for, first and at most.
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_millis(500);
/// How long a camera may take to close before it is left to itself.
const CLOSING: Duration = Duration::from_secs(1);
/// Over how long the rate is measured.
const RATE_WINDOW: Duration = Duration::from_secs(2);
/// The share of the agreed rate below which a camera is called slow.
const SLOW: f64 = 0.8;
/// The problem of a camera that is not there.
const ABSENT: &str = "there is no such camera";

/// A picture on its way to the one who decodes it.
pub(super) struct Arrived {
    pub format: PictureFormat,
    pub data: Vec<u8>,
    pub stamp: Stamp,
    pub number: u64,
}

/// What the thread shares with the camera's other end.
pub(super) struct Shared {
    pub slot: Slot<Arrived>,
    pub monitor: Arc<DeviceMonitor>,
    pub clock: Arc<dyn Clock>,
    /// Set when the run is to stop.
    pub stop: Arc<AtomicBool>,
    /// Set when nobody wants pictures any more.
    pub closed: AtomicBool,
    /// Pictures that were damaged and left out.
    pub damaged: AtomicU64,
}

impl Shared {
    /// Whether it is over.
    pub fn over(&self) -> bool {
        self.stop.load(Ordering::Acquire) || self.closed.load(Ordering::Acquire)
    }

    /// A picture was left out.
    pub fn leave_out(&self) {
        self.damaged.fetch_add(1, Ordering::Relaxed);
        self.monitor.update(|figures| figures.dropped += 1);
    }
}

/// An open camera and how it does.
struct Open {
    device: Box<dyn Device>,
    /// When it was opened, or last gave something.
    alive: Timestamp,
    silent: bool,
    rate: Rate,
    /// Its format, to be told with its first picture: a driver may open what then gives nothing.
    untold: Option<String>,
}

/// The thread's own.
pub(super) struct Owner {
    backend: Box<dyn Backend>,
    parameters: CameraParameters,
    shared: Arc<Shared>,
    /// The camera that was opened last, by which it is found again.
    known: Option<Found>,
    arrivals: Arrivals,
    /// What was last said of a format that is not the one asked for.
    said: String,
    /// When it is looked for next, and how long after a failure then.
    retry: (Timestamp, Duration),
}

impl Owner {
    pub fn new(backend: Box<dyn Backend>, parameters: CameraParameters, shared: Arc<Shared>) -> Self {
        let retry = (Timestamp::ZERO, FIRST_RETRY);
        let arrivals = Arrivals::default();
        Self { backend, parameters, shared, known: None, arrivals, said: String::new(), retry }
    }

    /// Opens the camera, tells how that went, and owns it to the end.
    pub fn run(mut self, tell: impl FnOnce(Result<(), (String, Fault)>)) {
        let mut open = match self.open() {
            Ok(open) => Some(open),
            Err(fault) => {
                tell(Err((self.parameters.name, fault)));
                return;
            }
        };
        if let Some(open) = &mut open {
            self.tell(open);
        }
        tell(Ok(()));
        while !self.shared.over() {
            if let Some(name) = self.shared.monitor.take_wish() {
                if let Some(open) = open.take() {
                    let_go(open, CLOSING);
                }
                self.turn_to(name);
            }
            open = match open {
                Some(open) => self.watch(open),
                None => self.look(),
            };
        }
        if let Some(open) = open {
            let_go(open, CLOSING);
        }
    }

    /// Forgets the camera that it had, and looks for another.
    fn turn_to(&mut self, name: String) {
        self.shared.monitor.update(|figures| {
            figures.name.clone_from(&name);
            figures.state = DeviceState::Opening;
        });
        self.known = None;
        self.parameters.name = name;
        self.retry = (self.shared.clock.now(), FIRST_RETRY);
    }

    /// Finds the camera, chooses a format, and opens it.
    fn open(&mut self) -> Result<Open, Fault> {
        let found = self.find()?;
        self.parameters.name.clone_from(&found.name);
        if let Some(refused) = found.refused {
            return Err(refused);
        }
        let offers = self.backend.offers(&found)?;
        let Some(choice) = choose(&offers, &self.parameters) else {
            return Err(Fault::new("it offers no format that is read", ""));
        };
        self.say_nearest(&found.name, &choice);
        let device = self.backend.open(&found, &choice)?;
        self.known = Some(found);
        self.arrivals.opened();
        let now = self.shared.clock.now();
        let interval = device.interval();
        let rate = Rate::new(interval.map(Interval::fps), now);
        let untold = Some(Choice { interval, ..choice }.text());
        Ok(Open { device, alive: now, silent: false, rate, untold })
    }

    /// Says which format is taken where the one asked for is not offered, once.
    fn say_nearest(&mut self, name: &str, choice: &Choice) {
        if choice.is_exact(&self.parameters) {
            return;
        }
        let (asked, chosen) = (asked(&self.parameters), choice.text());
        let line = format!("camera {name}: {asked} is not offered; the nearest is taken: {chosen}");
        if line != self.said {
            tracing::warn!("{line}");
            self.said = line;
        }
    }

    /// Tells that the camera runs, and at which rate; 0 where its driver does not say.
    fn tell(&mut self, open: &mut Open) {
        let name = self.known.as_ref().map(|known| known.name.as_str());
        if let Some((name, format)) = name.zip(open.untold.take()) {
            self.shared.monitor.agreed(open.rate.agreed.unwrap_or(0.0));
            self.shared.monitor.opened(name, &format);
        }
    }

    /// The camera that was open before, wherever it is now; else the one that is asked for.
    fn find(&self) -> Result<Found, Fault> {
        let there = self.backend.find();
        let names = || there.iter().map(|found| format!("`{}`", found.name)).collect::<Vec<_>>().join(", ");
        let absent = |cause| Fault::new(ABSENT, cause).help("`napot devices` lists them.");
        let chosen = match &self.known {
            Some(known) => {
                let mut returned = there.iter().filter(|found| known.may_be(found));
                returned.clone().find(|found| found.bus == known.bus).or_else(|| returned.next())
            }
            None if self.parameters.name.is_empty() => there.first(),
            None => named(&there, &self.parameters.name),
        };
        match chosen {
            Some(found) => Ok(found.clone()),
            None if there.is_empty() => Err(Fault::new(ABSENT, "none is connected")),
            None => Err(absent(format!("there are {}", names()))),
        }
    }

    /// Looks for the camera, where it is time to. That a lost one is still away is not told again.
    fn look(&mut self) -> Option<Open> {
        let (at, after) = self.retry;
        let now = self.shared.clock.now();
        if now < at {
            self.shared.clock.wait_until(at.min(now + LOOK));
            return None;
        }
        self.wait(now, after);
        match self.open() {
            Ok(open) => Some(open),
            Err(fault) => {
                if self.known.is_none() || fault.problem != ABSENT {
                    self.lost(&fault);
                }
                None
            }
        }
    }

    /// Puts the next look off, each time longer.
    fn wait(&mut self, now: Timestamp, after: Duration) {
        self.retry = (now + after, (after * 2).min(LAST_RETRY));
    }

    /// Takes the camera's next picture, or notes that there is none.
    fn watch(&mut self, mut open: Open) -> Option<Open> {
        match open.device.next(LOOK) {
            Ok(Some(raw)) => {
                self.arrived(&mut open, raw);
                Some(open)
            }
            Ok(None) => {
                self.nothing(&mut open);
                Some(open)
            }
            Err(fault) => {
                self.lost(&fault);
                let_go(open, CLOSING);
                self.wait(self.shared.clock.now(), self.retry.1);
                None
            }
        }
    }

    fn lost(&self, fault: &Fault) {
        self.shared.monitor.troubled(DeviceState::Lost, &fault.to_string());
    }

    fn arrived(&mut self, open: &mut Open, raw: Raw) {
        let now = self.shared.clock.now();
        open.alive = now;
        if std::mem::take(&mut open.silent) {
            self.shared.monitor.recovered();
            open.rate = Rate::new(open.rate.agreed, now);
        }
        self.tell(open);
        self.retry.1 = FIRST_RETRY;
        let shared = &self.shared;
        if let Some(slow) = open.rate.count(now) {
            shared.monitor.troubled(DeviceState::Running, &slow);
        }
        shared.monitor.update(|figures| figures.delivered += 1);
        let Some((number, lost)) = self.arrivals.number(raw.sequence) else {
            shared.leave_out();
            return;
        };
        shared.monitor.update(|figures| figures.missed += lost);
        if raw.damaged {
            shared.leave_out();
            return;
        }
        let stamp = self.arrivals.stamp(now, raw.age);
        let older = shared.slot.put(Arrived { format: open.device.format(), data: raw.data, stamp, number });
        if older.is_some() {
            shared.monitor.update(|figures| figures.dropped += 1);
        }
    }

    fn nothing(&self, open: &mut Open) {
        let limit = open.device.interval().map_or(SILENCE, |interval| interval.times(3).max(SILENCE));
        if !open.silent && self.shared.clock.now() - open.alive >= limit {
            open.silent = true;
            let problem = format!("it has given no picture for {} ms", limit.as_millis());
            self.shared.monitor.troubled(DeviceState::Silent, &problem);
        }
    }
}

/// The camera that `asked` means, in either case of letters: by its whole name or place, else by a part of its name or the
/// end of its place, for a part of that would take `/dev/video10` for `/dev/video1`.
fn named<'a>(there: &'a [Found], asked: &str) -> Option<&'a Found> {
    let asked = asked.to_lowercase();
    let whole = |found: &&Found| found.name.to_lowercase() == asked || found.place.to_lowercase() == asked;
    let part = |found: &&Found| {
        found.name.to_lowercase().contains(&asked) || found.place.to_lowercase().ends_with(&asked)
    };
    there.iter().find(whole).or_else(|| there.iter().find(part))
}

/// The rate at which pictures come, against the one that was agreed.
struct Rate {
    agreed: Option<f64>,
    since: Timestamp,
    pictures: u32,
    told: bool,
}

impl Rate {
    fn new(agreed: Option<f64>, now: Timestamp) -> Self {
        Self { agreed, since: now, pictures: 0, told: false }
    }

    /// Counts a picture; says so once where they come slowly.
    fn count(&mut self, now: Timestamp) -> Option<String> {
        self.pictures += 1;
        let agreed = self.agreed?;
        let past = now - self.since;
        if past < RATE_WINDOW {
            return None;
        }
        let rate = f64::from(self.pictures) / past.as_secs_f64();
        (self.since, self.pictures) = (now, 0);
        let slow = rate < SLOW * agreed;
        let new = slow && !self.told;
        self.told = slow;
        let (rate, agreed) = (number(rate), number(agreed));
        new.then(|| format!("it gives {rate} pictures a second, though {agreed} were agreed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_name_comes_before_a_part_of_one() {
        let camera = |card: &str, place: &str| Found::new(card.into(), place.into(), String::new());
        let there = [camera("Lens Pro", "/dev/video10"), camera("Lens", "/dev/video2")];
        let place = |asked: &str| named(&there, asked).map(|found| found.place.as_str());
        assert_eq!(place("lens"), Some("/dev/video2"), "a whole name, though the first has it as a part");
        assert_eq!(place("ENS"), Some("/dev/video10"), "the first one of a part");
        assert_eq!(place("/dev/video2"), Some("/dev/video2"));
        assert_eq!(place("video2"), Some("/dev/video2"));
        assert_eq!(place("/dev/video1"), None, "another place");
        assert_eq!(place("lens 2"), None);
    }

    #[test]
    fn a_slow_camera_is_told_once_and_again_when_it_had_recovered() {
        let mut rate = Rate::new(Some(30.0), Timestamp::ZERO);
        let mut now = Timestamp::ZERO;
        let mut told = |count: u32, every: Duration| {
            let mut said = Vec::new();
            for _ in 0..count {
                now = now + every;
                said.extend(rate.count(now));
            }
            said
        };
        let (fast, slow) = (Duration::from_millis(33), Duration::from_millis(100));
        assert!(told(300, fast).is_empty());
        assert_eq!(told(200, slow), ["it gives 10 pictures a second, though 30 were agreed"]);
        assert!(told(300, fast).is_empty());
        assert_eq!(told(200, slow).len(), 1);
    }
}
