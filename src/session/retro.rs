//! The last seconds of a run in memory, so that what just happened can still be kept.
//!
//! What is remembered begins at a state: a replay of what is saved is the run again, to the bit. It grows to its bound
//! in memory, compressed; then the oldest part, up to the next state, is forgotten.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use zstd::bulk::Compressor;

use super::cut::{Standing, cut};
use super::facts::Facts;
use super::message::{Message, sample_tick};
use super::record::Recorder;
use super::write::part_of;
use crate::error::{Error, Result};
use crate::signal::SessionItem;
use crate::stream::Sink;
use crate::stream::recording::RecordingMonitor;
use crate::time::{Tick, Timestamp};

/// What a message costs besides its bytes.
const OVERHEAD: usize = 96;
/// How hard is compressed: the least, which is a third of a core per GB/s and halves what is kept.
const LEVEL: i32 = 1;
/// Files of one name that are tried.
const MOST_SAVES: u32 = 9_999;

/// A message whose bytes are compressed.
#[derive(Clone)]
struct Kept {
    message: Arc<Message>,
    /// Its bytes before.
    length: usize,
}

impl Kept {
    fn bytes(&self) -> usize {
        self.message.data.len() + OVERHEAD
    }

    fn item(&self) -> std::result::Result<SessionItem, String> {
        let data = &self.message.data;
        if data.len() == self.length {
            return Ok(self.message.item()?);
        }
        let data = zstd::bulk::decompress(data, self.length).map_err(|cause| cause.to_string())?;
        Ok(Message { data, ..*self.message }.item()?)
    }
}

/// Compresses messages one after another. What it needs meanwhile stays its own: memory that came and went between parts that stay
/// would leave holes as large as they are.
struct Packer {
    /// None where there was no memory for it: then nothing is compressed.
    compressor: Option<Compressor<'static>>,
    packed: Vec<u8>,
}

impl Packer {
    fn new() -> Self {
        Self { compressor: Compressor::new(LEVEL).ok(), packed: Vec::new() }
    }

    fn pack(&mut self, message: &Message) -> Kept {
        let length = message.data.len();
        // What can't be made shorter finds no room, and is kept as it is: then its length stays.
        self.packed.clear();
        self.packed.reserve(length.saturating_sub(1));
        let compressor = self.compressor.as_mut();
        let packed = compressor.and_then(|to| to.compress_to_buffer(&message.data, &mut self.packed).ok());
        let data = packed.filter(|packed| *packed < length).map_or(&message.data, |_| &self.packed).clone();
        Kept { message: Arc::new(Message { data, ..*message }), length }
    }
}

/// The last seconds.
pub(super) struct Retro {
    facts: Facts,
    path: PathBuf,
    most: usize,
    monitor: Arc<RecordingMonitor>,
    packer: Packer,
    messages: VecDeque<Kept>,
    /// What stands of the changes that were forgotten: what is remembered begins by it.
    standing: Standing,
    bytes: usize,
    /// Where what is remembered can begin: at the run's beginning, and at states.
    starts: VecDeque<Timestamp>,
    /// The run's first tick; `None` before its first block.
    begun: Option<Tick>,
    /// The newest block: its first tick, and the one behind its last.
    newest: [Tick; 2],
    /// Up to where electrodes have samples.
    sampled: Tick,
    saving: Option<JoinHandle<Result<()>>>,
    failure: Option<Error>,
}

impl Retro {
    pub(super) fn new(facts: Facts, path: PathBuf, most: usize, monitor: Arc<RecordingMonitor>) -> Self {
        let (messages, starts) = (VecDeque::new(), VecDeque::new());
        Self {
            facts,
            path,
            most,
            monitor,
            packer: Packer::new(),
            messages,
            standing: Standing::default(),
            bytes: 0,
            starts,
            begun: None,
            newest: [Tick::default(); 2],
            sampled: Tick::default(),
            saving: None,
            failure: None,
        }
    }

    /// Takes an item and its message.
    pub(super) fn push(&mut self, item: &SessionItem, message: &Message) {
        // Before it is stored: a block comes before all that came out of it.
        if message.is_block() && self.begun.is_some_and(|begun| begun < self.newest[0]) {
            self.look();
        }
        self.follow(item);
        if message.is_state() || message.is_block() && message.time == Timestamp::ZERO {
            self.starts.push_back(message.time);
        }
        let kept = self.packer.pack(message);
        self.bytes += kept.bytes();
        self.messages.push_back(kept);
        while self.bytes > self.most && self.forget() {}
        if message.is_block() {
            let end = self.newest[1].start();
            let span = self.starts.front().map_or(0, |start| end.0.saturating_sub(start.0).max(0));
            self.monitor.remembers(Timestamp(span));
        }
    }

    /// Follows how far blocks and electrodes reach.
    fn follow(&mut self, item: &SessionItem) {
        match item {
            SessionItem::Entered(entered) => {
                if self.begun.is_none() {
                    (self.begun, self.sampled) = (Some(entered.first), entered.first);
                }
                self.newest = [entered.first, entered.end()];
            }
            SessionItem::Electrodes(first, values) => {
                let samples = (values.len() / self.facts.electrodes.len().max(1)) as u64;
                self.sampled = sample_tick(first + samples, self.facts.rate_hz);
            }
            _ => {}
        }
    }

    /// Forgets up to the next state; `false` where nothing is left.
    fn forget(&mut self) -> bool {
        self.starts.pop_front();
        let next = self.starts.front().copied();
        while let Some(kept) =
            self.messages.pop_front_if(|kept| next.is_none_or(|next| kept.message.time < next))
        {
            self.bytes -= kept.bytes();
            if kept.message.is_control()
                && let Ok(SessionItem::Control(_, change)) = kept.item()
            {
                self.standing.take(&change);
            }
        }
        !self.messages.is_empty()
    }

    /// Saves where that is wished and nothing is being saved.
    fn look(&mut self) {
        if self.saving.as_ref().is_some_and(|saving| !saving.is_finished()) {
            return;
        }
        self.join();
        if self.monitor.take_wish() {
            // Onsets, and samples below 1000 Hz, are known within a block of their ticks. A file that went on without
            // them would leave a hole where the next is joined to it.
            self.save(self.newest[0]);
        }
    }

    fn join(&mut self) {
        let Some(saving) = self.saving.take() else { return };
        let panicked = |_| Error::output(&self.path, "the thread that keeps the last seconds panicked");
        if let Err(failure) = saving.join().map_err(panicked).and_then(|saved| saved) {
            self.fail(failure);
        }
    }

    fn fail(&mut self, failure: Error) {
        self.monitor.warn(&failure);
        self.failure.get_or_insert(failure);
    }

    /// Starts a thread that writes what is remembered from before `end`, as far as there are samples of it.
    fn save(&mut self, end: Tick) {
        let end = end.min(self.sampled);
        let Some(start) = self.starts.front().copied().filter(|start| *start < end.start()) else {
            self.monitor.say("nothing is remembered yet that a replay could begin with".to_owned());
            return;
        };
        let (messages, facts) = (self.messages.clone(), self.facts.clone());
        let (path, monitor) = (self.path.clone(), Arc::clone(&self.monitor));
        let standing = self.standing.items(start);
        let seconds = Timestamp(end.start().0 - start.0).seconds_for_print();
        let body = move || {
            let path = free(&path)?;
            write(messages, &standing, [start.tick_at_or_after(), end], &path, facts)?;
            monitor.say(format!("kept the last {seconds:.1} s in {}", path.display()));
            Ok(())
        };
        match std::thread::Builder::new().name("napot-retro".to_owned()).spawn(body) {
            Ok(saving) => self.saving = Some(saving),
            Err(cause) => {
                let error = Error::output(&self.path, "no thread could be started to keep the last seconds");
                self.fail(error.value(cause));
            }
        }
    }

    /// Waits for what is being saved, and saves what is still wished.
    pub(super) fn finish(mut self) -> Result<()> {
        self.join();
        if self.monitor.take_wish() {
            self.save(self.newest[1]);
            self.join();
        }
        self.failure.map_or(Ok(()), Err)
    }
}

/// The first name of `NAME-1.mcap`, `NAME-2.mcap` and so on that is free.
fn free(path: &Path) -> Result<PathBuf> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().map_or_else(|| "mcap".into(), std::ffi::OsStr::to_string_lossy);
    let numbered = |number: u32| path.with_file_name(format!("{stem}-{number}.{ending}"));
    (1..=MOST_SAVES)
        .map(numbered)
        .find(|path| !path.exists() && !part_of(path).exists())
        .ok_or_else(|| Error::output(path, "all numbers of this name are taken").bound(MOST_SAVES))
}

fn write(
    messages: VecDeque<Kept>,
    standing: &[SessionItem],
    ticks: [Tick; 2],
    path: &Path,
    facts: Facts,
) -> Result<()> {
    let (electrodes, rate_hz) = (facts.electrodes.len(), facts.rate_hz);
    let mut recorder = Recorder::new(facts, Arc::default()).into_file(path, true)?;
    for change in standing {
        recorder.push(change)?;
    }
    for kept in messages {
        let item = kept.item().map_err(|problem| Error::output(path, problem))?;
        if let Some(item) = cut(item, ticks, electrodes, rate_hz) {
            recorder.push(&item)?;
        }
    }
    Box::new(recorder).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::session::Session;
    use crate::signal::{Entered, LedgerLine, StateItem};

    fn facts() -> Facts {
        Facts {
            form: Facts::form(),
            version: "0".to_owned(),
            config: String::new(),
            config_hash: String::new(),
            arrays: Vec::new(),
            electrodes: vec!["Cz".to_owned()],
            rate_hz: 250,
            channels: None,
            sources: Vec::new(),
        }
    }

    /// Samples by which electrodes at 250 Hz come late.
    const LATE: u64 = 13;

    /// Seconds of a run that takes some 180 kB a second, with a state every other second; state and samples come late.
    fn seconds(retro: &mut Retro, seconds: std::ops::Range<u64>) {
        // Noise, which can't be compressed.
        let mut draws = Stream::new(1, 1);
        let mut sample = || (draws.normal() * 8_000.0).clamp(-32_768.0, 32_767.0).round() as f32 / 32_768.0;
        let sound: Vec<[f32; 2]> = (0..4_800).map(|_| [sample(), sample()]).collect();
        for second in seconds {
            for tenth in 0..10 {
                let first = Tick(1_000 * second + 100 * tenth);
                let entered = Entered { first, ticks: 100, sound: sound.clone(), ..Entered::default() };
                give(retro, &SessionItem::Entered(entered));
                let sample = (first.0 / 4).saturating_sub(LATE);
                give_samples(retro, sample..first.0 / 4 + 25 - LATE);
                if tenth == 1 && second > 0 {
                    let next = Tick(1_000 * second);
                    let tick = Tick(next.0 - 1);
                    give(retro, &SessionItem::Ledger(LedgerLine { tick, state: [1; 16], inputs: [2; 16] }));
                    if second.is_multiple_of(2) {
                        give(retro, &SessionItem::State(StateItem { next, ..StateItem::default() }));
                    }
                }
            }
        }
    }

    /// What comes when a run of so many seconds has ended.
    fn rest(retro: &mut Retro, seconds: u64) {
        give_samples(retro, 250 * seconds - LATE..250 * seconds);
    }

    fn give_samples(retro: &mut Retro, numbers: std::ops::Range<u64>) {
        let first = numbers.start;
        give(retro, &SessionItem::Electrodes(first, numbers.map(|n| n as f32).collect()));
    }

    fn give(retro: &mut Retro, item: &SessionItem) {
        retro.push(item, &Message::of(item, 250));
    }

    /// The samples of items, which follow each other.
    fn samples(items: impl Iterator<Item = Result<SessionItem>>) -> Vec<f32> {
        let values = |item: Result<SessionItem>| match item.unwrap() {
            SessionItem::Electrodes(_, values) => values,
            _ => Vec::new(),
        };
        items.flat_map(values).collect()
    }

    fn retro(dir: &Path, bytes: usize) -> (Retro, Arc<RecordingMonitor>) {
        let monitor = Arc::<RecordingMonitor>::default();
        (Retro::new(facts(), dir.join("last.mcap"), bytes, Arc::clone(&monitor)), monitor)
    }

    #[test]
    fn what_is_kept_takes_no_more_memory_than_is_counted() {
        for data in
            [vec![7; 100_000], (0..100_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()]
        {
            let kept = Packer::new().pack(&Message { topic: 0, time: Timestamp::ZERO, data });
            assert!(kept.message.data.capacity() <= kept.bytes(), "{}", kept.message.data.capacity());
        }
    }

    #[test]
    fn what_is_kept_begins_at_a_state_holds_everything_since_and_fits_its_bound() {
        let dir = tempfile::tempdir().unwrap();
        let (mut retro, monitor) = retro(dir.path(), 1_000_000);
        let held = |time: Timestamp| SessionItem::Control(time, "binding.hold.1=true".to_owned());
        give(&mut retro, &held(Timestamp::ZERO));
        seconds(&mut retro, 0..11);
        rest(&mut retro, 11);
        assert!(retro.bytes <= 1_000_000, "{}", retro.bytes);
        let span = monitor.figures().retro_seconds.unwrap();
        assert!((2.0..6.0).contains(&span), "a second is some 180 kB: {span}");
        monitor.keep_last();
        retro.finish().unwrap();
        let session = Session::open(&dir.path().join("last-1.mcap")).unwrap();
        assert!(session.damage().is_none());
        let [first, end] = session.ticks();
        assert_eq!((session.states()[0], end), (first, Tick(11_000)));
        assert!(first.0.is_multiple_of(2_000) && first.0 >= 6_000);
        assert_eq!(session.lines()[0].tick, Tick(first.0 + 999), "of whole seconds only");
        let items: Vec<SessionItem> = session.items().unwrap().collect::<Result<_>>().unwrap();
        let sample = items.iter().find_map(|item| match item {
            SessionItem::Electrodes(first, values) => Some((*first, values[0])),
            _ => None,
        });
        assert_eq!(sample, Some((first.0 / 4, first.0 as f32 / 4.0)));
        assert!(items.contains(&held(first.start())), "what was forgotten still holds");
        assert!(monitor.figures().kept.starts_with("kept the last"));
    }

    #[test]
    fn kept_files_hold_the_samples_of_all_their_ticks_and_join_without_a_hole() {
        let dir = tempfile::tempdir().unwrap();
        let (mut retro, monitor) = retro(dir.path(), 64 << 20);
        seconds(&mut retro, 0..3);
        monitor.keep_last();
        seconds(&mut retro, 3..5);
        retro.join();
        monitor.keep_last();
        rest(&mut retro, 5);
        retro.finish().unwrap();
        let [one, two] =
            ["last-1.mcap", "last-2.mcap"].map(|name| Session::open(&dir.path().join(name)).unwrap());
        let ([_, joint], [_, end]) = (one.ticks(), two.ticks());
        assert_eq!((joint, end), (Tick(2_900), Tick(5_000)));
        let numbers = |end: Tick| (0..end.0 / 4).map(|number| number as f32).collect::<Vec<f32>>();
        assert_eq!(samples(one.items().unwrap()), numbers(joint));
        assert_eq!(samples(two.items().unwrap()), numbers(end));
        // As `napot session merge` joins them.
        let joined = one.items().unwrap().chain(two.part(joint, None).unwrap());
        assert_eq!(samples(joined), numbers(end));
    }

    #[test]
    fn every_wish_takes_the_next_free_number_and_a_run_that_began_lately_is_kept_whole() {
        let dir = tempfile::tempdir().unwrap();
        let (mut retro, monitor) = retro(dir.path(), 64 << 20);
        std::fs::write(dir.path().join("last-1.mcap"), "mine").unwrap();
        monitor.keep_last();
        seconds(&mut retro, 0..1);
        retro.join();
        monitor.keep_last();
        seconds(&mut retro, 1..3);
        retro.finish().unwrap();
        assert_eq!(std::fs::read(dir.path().join("last-1.mcap")).unwrap(), b"mine");
        for number in [2, 3] {
            let session = Session::open(&dir.path().join(format!("last-{number}.mcap"))).unwrap();
            assert_eq!(session.ticks()[0], Tick(0));
        }
    }

    #[test]
    fn what_cannot_be_kept_is_told_and_the_next_wish_is_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let (mut retro, monitor) = retro(&dir.path().join("missing"), 64 << 20);
        monitor.keep_last();
        seconds(&mut retro, 0..1);
        retro.join();
        assert!(monitor.figures().kept.contains("can't be written"), "{}", monitor.figures().kept);
        std::fs::create_dir(dir.path().join("missing")).unwrap();
        monitor.keep_last();
        seconds(&mut retro, 1..2);
        assert!(retro.finish().is_err(), "the first failure is the run's");
        assert!(dir.path().join("missing/last-1.mcap").exists());
    }

    #[test]
    fn without_a_state_in_memory_nothing_can_begin() {
        let dir = tempfile::tempdir().unwrap();
        let (mut retro, monitor) = retro(dir.path(), 20_000);
        seconds(&mut retro, 0..1);
        assert!(retro.bytes <= 20_000);
        monitor.keep_last();
        retro.finish().unwrap();
        assert!(monitor.figures().kept.contains("nothing is remembered"), "{}", monitor.figures().kept);
    }
}
