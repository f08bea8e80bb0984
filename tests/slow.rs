//! The slow memory in whole runs: what repeats fades, what deviates comes back, and what was learnt is in the session.

#![allow(clippy::cast_precision_loss)] // small counts

#[allow(dead_code)] // whole outputs are judged elsewhere
mod small;

use std::fs;
use std::path::Path;
use std::process::Command;

use napot::config::{Config, Session};
use napot::engine::instrument::Instrument;
use napot::engine::{Pace, StageTimer};
use napot::kernel::team::Team;
use napot::signal::{ArrayId, Burst, Sign};
use napot::time::{ManualClock, Tick};
use serde_json::Value;
use small::{napot, said};

/// A run of some seconds of the small room with these settings: its report and ledger.
fn run(folder: &Path, name: &str, more: &[&str]) -> (Value, String) {
    let mut arguments = vec!["demo", "--for", "4", "--out", name, "--json"];
    for setting in more {
        arguments.extend(["--set", setting]);
    }
    let output = napot(folder, &arguments);
    assert!(output.status.success(), "{}", said(&output));
    let ledger = fs::read_to_string(folder.join(name).join("ledger.txt")).unwrap();
    (serde_json::from_slice(&output.stdout).unwrap(), ledger)
}

#[test]
fn without_a_rate_the_run_is_the_one_without_learning_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, without) = run(folder.path(), "A", &[]);
    let (idle, same) = run(folder.path(), "B", &["learning.enabled=true", "learning.rate=0"]);
    let (learnt, other) = run(folder.path(), "C", &["learning.enabled=true", "learning.coherence=0"]);
    assert_eq!(without, same);
    assert_ne!(without, other);
    assert!(plain["bursts"]["explained"].is_null());
    assert_eq!(
        (&idle["bursts"]["explained"]["count"], &idle["bursts"]["count"]),
        (&0.into(), &plain["bursts"]["count"])
    );
    let explained = &learnt["bursts"]["explained"];
    assert!(explained["count"].as_u64().unwrap() > 0 && explained["bits_per_second"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_run_that_learns_replays_to_the_bit_from_every_state_that_it_kept() {
    let folder = tempfile::tempdir().unwrap();
    let learns = ["--set", "learning.enabled=true", "--set", "learning.coherence=0"];
    let states = ["--record", "a.mcap", "--set", "record.state_seconds=1"];
    let recorded = napot(folder.path(), &[&["demo", "--for", "4"], &learns[..], &states[..]].concat());
    assert!(recorded.status.success(), "{}", said(&recorded));
    for (start, lines) in [("0", 4), ("1", 3), ("2", 2), ("3", 1)] {
        for threads in ["engine.threads=1", "engine.threads=2"] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_napot"));
            command.args(["replay", "a.mcap", "--verify", "--no-view", "--json", "--speed", "max"]);
            let output = command
                .args(["--start", start, "--set", threads])
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert!(output.status.success(), "{start}: {}", said(&output));
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(report["session"]["verified"]["equal_lines"], lines, "{start}, {threads}");
            assert!(report["bursts"]["explained"]["count"].is_u64());
        }
    }
}

/// Bursts of a patch of 16 sites, on the left or on the right of a sheet of 16 x 16.
fn patch(right: bool, tick: u64) -> Vec<Burst> {
    let site = |n: u32| (4 + n / 4) * 16 + n % 4 + if right { 10 } else { 2 };
    let of = |n| Burst {
        time: Tick(tick).start(),
        array: ArrayId(0),
        site: site(n),
        sign: Sign::On,
        phase: 0.0,
        magnitude: 2.0 + (n % 3) as f32,
        surprisal_bits: 5.0,
    };
    (0..16).map(of).collect()
}

#[test]
fn a_standard_fades_by_most_of_it_and_a_deviant_in_its_rhythm_is_whole() {
    let settings = ["vision.height=16", "vision.width=16", "hearing.enabled=false", "learning.enabled=true"];
    let settings: Vec<String> = settings.iter().map(|item| (*item).to_owned()).collect();
    let config = Config::load(None, &settings).unwrap();
    let session = Session { pace: Pace::Max, seconds: None, tail_seconds: 0.0, layout: None };
    let mut instrument = Instrument::new(&config.plan(&session)).unwrap();
    let (mut team, clock) = (Team::new(1), ManualClock::new());
    let mut entered = Vec::new();
    for tick in 0..40_000 {
        let trial = tick / 500;
        let right = trial % 8 == 6;
        let bursts = if tick % 500 == 0 { patch(right, tick) } else { Vec::new() };
        let mut timer = StageTimer::start(&clock);
        let report = instrument.tick(Tick(tick), &[[0.0; 2]; 48], &bursts, &mut team, &mut timer);
        if tick % 500 == 0 {
            assert_eq!(report.bursts[0] + report.expected[0], 16);
            entered.push((right, report.bursts[0]));
        }
    }
    let late = |deviant: bool| {
        let of: Vec<u32> =
            entered[40..].iter().filter(|(right, _)| *right == deviant).map(|(_, n)| *n).collect();
        f64::from(of.iter().sum::<u32>()) / of.len() as f64
    };
    assert_eq!(entered[0].1, 16);
    assert!(late(false) < 0.5 * 16.0, "standards: {}", late(false));
    assert!(late(true) > 0.9 * 16.0, "deviants: {}", late(true));
}
