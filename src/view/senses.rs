//! What pages give of their cameras and microphones: who may give, what of it is believed, what is lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::protocol::{Given, MAX_PICTURE_BYTES, Sense};
use crate::signal::{DeviceKind, DeviceState, EncodedPicture, Origin, SoundChunk};
use crate::stream::device::DeviceMonitor;
use crate::time::{Clock, SAMPLE_RATE, Timestamp};

/// Pictures that wait for the run at most.
const PICTURES: usize = 2;
/// Chunks of sound that wait for the run at most.
const CHUNKS: usize = 64;
/// The oldest capture that is believed.
const OLDEST: Duration = Duration::from_secs(10);
/// The most pictures or chunks that a gap between two numbers counts for.
const LONGEST_GAP: u64 = 1_000;
/// Time without anything after which a device counts as silent.
const SILENCE: Duration = Duration::from_secs(1);
/// Bytes of pictures that are taken in a second.
const PICTURE_BYTES: usize = 8 * MAX_PICTURE_BYTES;
/// Bytes of sound that are taken in a second: four times what two channels need, for what a network held back.
const SOUND_BYTES: usize = 4 * 8 * SAMPLE_RATE as usize;

/// The run's end of what pages give of one sense.
#[derive(Debug)]
pub struct FromPages<T> {
    /// What came, in order. A full channel loses its oldest pictures, or the newest sound.
    pub items: Receiver<T>,
    /// How the device does. Its counts are of pictures or of sound frames; `missed` is what the page left out.
    pub monitor: Arc<DeviceMonitor>,
}

/// The senses that a run takes from the pages that show it. One page at a time gives each.
pub struct Senses {
    clock: Arc<dyn Clock>,
    camera: Option<Entry<EncodedPicture>>,
    microphone: Option<Entry<SoundChunk>>,
}

impl Senses {
    /// No sense yet; `clock` is the run's.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, camera: None, microphone: None }
    }

    /// Has pages offer their cameras. At most two pictures wait; the oldest gives way and is counted.
    pub fn camera(&mut self) -> FromPages<EncodedPicture> {
        let (entry, end) = Entry::new(DeviceKind::Camera, "browser camera", PICTURES, PICTURE_BYTES);
        self.camera = Some(Entry { oldest: Some(end.items.clone()), ..entry });
        end
    }

    /// Has pages offer their microphones. At most 64 chunks wait; what finds no room is counted and shows in
    /// `lost_before` of the next.
    pub fn microphone(&mut self) -> FromPages<SoundChunk> {
        let (entry, end) = Entry::new(DeviceKind::Microphone, "browser microphone", CHUNKS, SOUND_BYTES);
        self.microphone = Some(entry);
        end
    }

    /// The run's time.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What the run wants.
    pub(super) fn wanted(&self) -> Vec<Sense> {
        let camera = self.camera.as_ref().map(|_| Sense::Camera);
        camera.into_iter().chain(self.microphone.as_ref().map(|_| Sense::Microphone)).collect()
    }

    /// Whether a page may give `sense` from now on; not while another does. `None` where the run does not want it.
    pub(super) fn begin(&self, sense: Sense) -> Option<bool> {
        match sense {
            Sense::Camera => self.camera.as_ref().map(Entry::begin),
            Sense::Microphone => self.microphone.as_ref().map(Entry::begin),
        }
    }

    /// The page that gave `sense` gives it no more.
    pub(super) fn end(&self, sense: Sense, why: &str) {
        match sense {
            Sense::Camera => self.camera.iter().for_each(|entry| entry.end(why)),
            Sense::Microphone => self.microphone.iter().for_each(|entry| entry.end(why)),
        }
    }

    /// Takes what the page that may give it gives.
    pub(super) fn take(&self, given: &Given) {
        let now = self.now();
        match given.sense {
            Sense::Camera => self.camera.iter().for_each(|entry| entry.take_picture(given, now)),
            Sense::Microphone => self.microphone.iter().for_each(|entry| entry.take_sound(given, now)),
        }
    }

    /// Tells of devices that have fallen silent.
    pub(super) fn watch(&self) {
        let now = self.now();
        self.camera.iter().for_each(|entry| entry.watch(now));
        self.microphone.iter().for_each(|entry| entry.watch(now));
    }
}

/// The page's end of one sense.
struct Entry<T> {
    items: Sender<T>,
    /// The other end, where the oldest gives way.
    oldest: Option<Receiver<T>>,
    monitor: Arc<DeviceMonitor>,
    bytes_per_second: usize,
    giver: Mutex<Giver>,
}

/// How far the page has come that gives.
#[derive(Default)]
struct Giver {
    /// Whether there is one.
    present: bool,
    /// The number that it gave last.
    last: Option<u64>,
    /// The number in the run of what comes next.
    next: u64,
    /// Pictures or sound frames that were lost since the last item that was handed on.
    lost: u64,
    heard: Timestamp,
    silent: bool,
    second: Timestamp,
    bytes: usize,
}

impl Giver {
    /// Takes the number of an item and says how many before it are missing; `None` for one that came before.
    fn go_on(&mut self, sequence: u64) -> Option<u64> {
        let gap = match self.last {
            Some(last) if sequence <= last => return None,
            Some(last) => (sequence - last - 1).min(LONGEST_GAP),
            None => 0,
        };
        self.last = Some(sequence);
        self.next += gap + 1;
        Some(gap)
    }

    /// Whether `bytes` more are within what is taken in a second.
    fn affords(&mut self, bytes: usize, most: usize, now: Timestamp) -> bool {
        if now - self.second >= Duration::from_secs(1) {
            self.second = now;
            self.bytes = 0;
        }
        self.bytes += bytes;
        self.bytes <= most
    }
}

impl<T> Entry<T> {
    fn new(kind: DeviceKind, name: &str, room: usize, bytes_per_second: usize) -> (Self, FromPages<T>) {
        let (sender, items) = bounded(room);
        let monitor = Arc::new(DeviceMonitor::new(kind, name));
        let end = FromPages { items, monitor: Arc::clone(&monitor) };
        let giver = Mutex::default();
        (Self { items: sender, oldest: None, monitor, bytes_per_second, giver }, end)
    }

    /// Only the page's thread comes here.
    fn lock(&self) -> MutexGuard<'_, Giver> {
        self.giver.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> bool {
        let mut giver = self.lock();
        if giver.present {
            return false;
        }
        *giver = Giver { present: true, next: giver.next, ..Giver::default() };
        self.monitor.update(|figures| figures.state = DeviceState::Opening);
        true
    }

    fn end(&self, why: &str) {
        self.lock().present = false;
        self.monitor.troubled(DeviceState::Lost, why);
    }

    fn watch(&self, now: Timestamp) {
        let mut giver = self.lock();
        if giver.present && giver.last.is_some() && !giver.silent && now - giver.heard > SILENCE {
            giver.silent = true;
            self.monitor.troubled(DeviceState::Silent, "the page gives nothing");
        }
    }

    /// Counts an item of `size` pictures or frames, and gives it its number in the run where it is to be used.
    fn admit(&self, given: &Given, size: u64, format: &str, now: Timestamp) -> Option<u64> {
        let mut giver = self.lock();
        let first = giver.last.is_none();
        let back = giver.silent;
        giver.heard = now;
        giver.silent = false;
        let affordable = giver.affords(given.body.len(), self.bytes_per_second, now);
        let gap = giver.go_on(given.sequence);
        let missed = gap.unwrap_or(0) * size;
        let used = affordable && gap.is_some();
        giver.lost += missed + if affordable { 0 } else { size };
        let number = giver.next.checked_sub(1).filter(|_| used);
        drop(giver);
        if first {
            self.monitor.opened(&self.monitor.figures().name, format);
        } else if back {
            self.monitor.recovered();
        }
        self.monitor.update(|figures| {
            figures.delivered += size;
            figures.missed += missed;
            figures.dropped += if used { 0 } else { size };
        });
        number
    }

    /// When it was captured; its arrival where that cannot be.
    fn captured(&self, claimed: i64, arrival: Timestamp, now: Timestamp) -> (Timestamp, Origin) {
        if claimed <= now.0 && now - Timestamp(claimed) <= OLDEST {
            return (Timestamp(claimed), Origin::Device);
        }
        self.monitor.update(|figures| {
            if figures.restamped == 0 {
                tracing::warn!("a page's capture time can't be: its arrival stands for it");
            }
            figures.restamped += 1;
        });
        (arrival, Origin::Arrival)
    }

    /// Hands an item on. Gives back the one that found no room or had to give way: the oldest where that is the rule.
    fn hand_on(&self, item: T) -> Option<T> {
        match (self.items.try_send(item), &self.oldest) {
            (Ok(()), _) => None,
            (Err(TrySendError::Full(item)), Some(oldest)) => {
                let lost = oldest.try_recv().ok();
                // The page's thread alone sends, so there is room now.
                self.items.try_send(item).map_or_else(|refused| Some(refused.into_inner()), |()| lost)
            }
            (Err(refused), _) => Some(refused.into_inner()),
        }
    }
}

impl Entry<EncodedPicture> {
    fn take_picture(&self, given: &Given, now: Timestamp) {
        let Some(sequence) = self.admit(given, 1, "JPEG pictures", now) else { return };
        let (captured, origin) = self.captured(given.captured, now, now);
        let picture = EncodedPicture { jpeg: given.body.to_vec(), captured, origin, sequence };
        if self.hand_on(picture).is_some() {
            self.monitor.update(|figures| figures.dropped += 1);
        }
    }
}

impl Entry<SoundChunk> {
    fn take_sound(&self, given: &Given, now: Timestamp) {
        let (frames, not_finite) = given.frames();
        self.monitor.update(|figures| {
            if not_finite > 0 && figures.not_finite == 0 {
                tracing::warn!("a page gives sound that is no number: it becomes 0");
            }
            figures.not_finite += not_finite;
        });
        let size = frames.len() as u64;
        let format = if given.channels == 1 { "48 kHz, mono" } else { "48 kHz, stereo" };
        let Some(sequence) = self.admit(given, size, format, now) else { return };
        // The last frame had come when the chunk arrived.
        let arrival = Timestamp(now.0 - Timestamp::from_count(size, SAMPLE_RATE).0);
        let (captured, _) = self.captured(given.captured, arrival, now);
        let lost_before = std::mem::take(&mut self.lock().lost);
        if let Some(refused) = self.hand_on(SoundChunk { frames, captured, sequence, lost_before }) {
            self.lock().lost = refused.lost_before + size;
            self.monitor.update(|figures| figures.dropped += size);
        }
    }
}
