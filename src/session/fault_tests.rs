//! A disk that fails at any of its first two hundred writes: what was flushed stays, and the run goes on.

use std::fs::{self, File};
use std::io::{Error as IoError, Result as IoResult, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use super::message::Message;
use super::write::{FLUSH_BLOCKS, MOST_STATE, Writer, Writing, holds_state, part_of};
use super::{Facts, Recorder, Session, Sheet};
use crate::error::Result;
use crate::signal::{ArrayId, Burst, Entered, LedgerLine, SessionItem, Sign, StateItem};
use crate::stream::Sink;
use crate::time::{Tick, Timestamp};

/// How a write fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// So do all after it: a full disk.
    ForEver,
    /// Once; those after it succeed.
    Once,
    /// After half of its bytes, and so do all after it.
    Halfway,
}

/// A file whose write number `fails_at` fails.
struct Failing {
    file: File,
    fault: Fault,
    fails_at: usize,
    writes: usize,
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        self.writes += 1;
        let (now, after) = (self.writes == self.fails_at, self.writes > self.fails_at);
        match self.fault {
            Fault::Halfway if now && bytes.len() > 1 => self.file.write(&bytes[..bytes.len() / 2]),
            Fault::Once if !now => self.file.write(bytes),
            _ if now || after => Err(IoError::other("the disk is on fire")),
            _ => self.file.write(bytes),
        }
    }

    fn flush(&mut self) -> IoResult<()> {
        self.file.flush()
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> IoResult<u64> {
        self.file.seek(to)
    }
}

fn facts() -> Facts {
    Facts {
        form: Facts::form(),
        version: "0".into(),
        config: String::new(),
        config_hash: String::new(),
        arrays: vec![Sheet { name: "vision".into(), height: 2, width: 2, bands: 1, twin: false }],
        electrodes: vec!["E1".into()],
        rate_hz: 1_000,
        channels: None,
        sources: Vec::new(),
    }
}

/// The item that comes after `number` others: blocks of a tick, a line of the ledger after every third.
fn item(number: u64) -> SessionItem {
    let tick = Tick(number / 4 * 3 + number % 4);
    if number % 4 == 3 {
        return SessionItem::Ledger(LedgerLine { tick, state: [number as u8; 16], inputs: [7; 16] });
    }
    let burst = Burst {
        time: Timestamp(5),
        array: ArrayId(0),
        site: number as u32,
        sign: Sign::On,
        phase: 0.5,
        magnitude: 1.0,
        surprisal_bits: 2.0,
    };
    let sound = vec![[number as f32 * 1e-3, -0.5]; 48];
    SessionItem::Entered(Entered { first: tick, ticks: 1, sound, bursts: vec![(tick, burst)] })
}

fn open(path: &Path, fault: Fault, fails_at: usize) -> Result<Writer<Failing>> {
    let file = File::create(part_of(path)).unwrap();
    Writer::over(path, Failing { file, fault, fails_at, writes: 0 }, &facts(), Arc::default())
}

/// Writes until it fails: how many items were flushed and how many were given, and what was said.
fn written(mut writer: Writer<Failing>) -> ([u64; 2], String) {
    let (mut flushed, mut blocks) = (0, 0);
    for number in 0.. {
        let item = item(number);
        if let Err(error) = writer.write(&Message::of(&item, 1_000)) {
            return ([flushed, number + 1], error.to_string());
        }
        blocks += u32::from(matches!(item, SessionItem::Entered(_)));
        if blocks == FLUSH_BLOCKS {
            (flushed, blocks) = (number + 1, 0);
        }
    }
    unreachable!("it fails some time")
}

#[test]
fn whichever_write_fails_what_was_flushed_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mcap");
    let mut most = 0;
    for fails_at in 1..=200 {
        for fault in [Fault::ForEver, Fault::Once, Fault::Halfway] {
            let case = format!("write {fails_at}, {fault:?}");
            let (counts, said) = match open(&path, fault, fails_at) {
                Ok(writer) => written(writer),
                Err(error) => ([0; 2], error.to_string()),
            };
            assert!(
                said.contains("a.mcap.part: the session can't be written: the disk is on fire"),
                "{said}"
            );
            assert!(!path.exists(), "{case}: it has its name without being whole");
            let Ok(session) = Session::open(&part_of(&path)) else {
                assert_eq!(counts[0], 0, "{case}: {said}");
                continue;
            };
            let [flushed, given] = counts;
            let found: Vec<SessionItem> = session.items().unwrap().collect::<Result<_>>().unwrap();
            let found_count = found.len() as u64;
            assert!((flushed..=given).contains(&found_count), "{case}: {flushed}, {found_count}, {given}");
            assert!(found.into_iter().eq((0..found_count).map(item)), "{case}");
            assert!(session.damage().is_some() || fault == Fault::Once, "{case}");
            most = most.max(flushed);
        }
    }
    assert!(most > 400, "only {most} items were ever flushed");
}

#[test]
fn a_run_is_told_of_the_fault_once_and_its_later_items_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    for patient in [true, false] {
        let path = folder.path().join("b.mcap");
        let writing = Writing::start(open(&path, Fault::ForEver, 30).unwrap(), patient).unwrap();
        let mut recorder = Recorder::new(facts(), Arc::default()).written_by(writing);
        // As many fit in before the thread takes any; from then on it has time.
        let error = (0..250).find_map(|number| {
            let told = recorder.push(&item(number)).err();
            std::thread::sleep(std::time::Duration::from_millis(if number < 200 { 0 } else { 100 }));
            told
        });
        let error = error.expect("it is told").to_string();
        assert!(error.contains("the disk is on fire") && error.contains("recover"), "{error}");
        for number in 0..1_000 {
            assert_eq!(recorder.push(&item(number)), Ok(()));
        }
        assert_eq!(Box::new(recorder).finish(), Ok(()));
        assert!(!path.exists() && Session::open(&part_of(&path)).unwrap().damage().is_some());
        fs::remove_file(part_of(&path)).unwrap();
    }
}

/// A recorder of `path` that was given these items.
fn given(path: &Path, items: &[SessionItem]) -> Box<Recorder> {
    let mut recorder = Box::new(Recorder::new(facts(), Arc::default()).into_file(path, true).unwrap());
    for item in items {
        recorder.push(item).unwrap();
    }
    recorder
}

#[test]
fn what_lies_behind_a_gap_is_told_as_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mcap");
    given(&path, &[0, 1, 4, 5].map(item)).finish().unwrap();
    let session = Session::open(&path).unwrap();
    let (damage, bytes) = session.damage().unwrap();
    assert!(damage.to_string().contains("ticks are missing"), "{damage}");
    assert!(bytes > 0 && bytes < fs::metadata(&path).unwrap().len(), "{bytes}");
}

#[test]
fn a_name_that_was_taken_meanwhile_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mcap");
    let recorder = given(&path, &[item(0), item(1)]);
    fs::write(&path, "mine").unwrap();
    let told = recorder.finish().unwrap_err().to_string();
    assert!(told.contains("a.mcap: a file took this name meanwhile"), "{told}");
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    let kept = Session::open(&part_of(&path)).unwrap();
    assert!(kept.damage().is_none() && kept.ticks() == [Tick(0), Tick(2)]);
}

#[cfg(unix)]
#[test]
fn a_recording_that_came_first_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let [path, other] = ["a.mcap", "other"].map(|name| folder.path().join(name));
    // Seen by nobody who asks whether it is there: as one that comes between asking and making.
    std::os::unix::fs::symlink(&other, part_of(&path)).unwrap();
    let recorder = Recorder::new(facts(), Arc::default()).into_file(&path, true);
    let told = recorder.err().unwrap().to_string();
    assert!(told.contains("broke off, or is under way") && !other.exists(), "{told}");
}

#[test]
fn what_is_stamped_at_the_end_is_in_the_part_up_to_the_end_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mcap");
    let note = SessionItem::Mark(Tick(2).start(), "the end".to_owned());
    given(&path, &[item(0), item(1), note.clone()]).finish().unwrap();
    let session = Session::open(&path).unwrap();
    let part = |until: Option<Tick>| -> Vec<SessionItem> {
        session.part(Tick(0), until).unwrap().collect::<Result<_>>().unwrap()
    };
    assert_eq!(part(None), [item(0), item(1), note]);
    assert_eq!(part(Some(Tick(2))), [item(0), item(1)]);
}

#[test]
fn the_largest_state_is_read_again_and_a_larger_one_is_refused_before() {
    let most = (MOST_STATE / 4) as usize;
    assert!(holds_state(most).is_ok());
    let told = holds_state(most + 1).unwrap_err().to_string();
    assert!(told.contains("58 (allowed: up to 58)"), "{told}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mcap");
    let mut recorder = Box::new(Recorder::new(facts(), Arc::default()).into_file(&path, true).unwrap());
    // Numbers that don't shrink.
    let values =
        (0..most as u32).map(|number| f32::from_bits(number.wrapping_mul(0x9E37_79B9) >> 2)).collect();
    let state = SessionItem::State(StateItem { next: Tick(1), values, senses: Vec::new() });
    for item in [&item(0), &state, &item(1), &item(2), &item(3)] {
        recorder.push(item).unwrap();
    }
    recorder.finish().unwrap();
    let session = Session::open(&path).unwrap();
    assert!(session.damage().is_none());
    assert_eq!((session.states(), session.counts().bursts), (&[Tick(1)][..], 3));
}
