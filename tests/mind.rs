//! The mind's eye in whole runs: it changes nothing, gives the same again, and leaves a memory that renders.

#[allow(dead_code)] // whole outputs are judged elsewhere
mod small;

use std::fs;

use serde_json::Value;
use small::{napot, run, said};

const DEMO: [&str; 5] = ["demo", "--for", "8", "--seed", "3"];

#[test]
fn it_changes_no_bit_of_a_run_and_gives_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let of = |out: &str, more: &[&str]| run(folder.path(), &[&DEMO[..], &["--out", out], more].concat());
    let (one, same) = (of("A", &[]), of("B", &["--set", "engine.threads=2"]));
    let without = of("C", &["--set", "mind.enabled=false"]);
    assert!(without["mind"].is_null());
    assert_eq!(one["ledger_hash"], without["ledger_hash"]);
    assert_eq!(one["config_hash"], without["config_hash"]);
    assert_eq!(one["mind"], same["mind"]);
    assert_eq!(one["mind"]["moments"], 8_000 / 97);
    assert!(one["mind"]["written"].as_u64().unwrap() > 0, "{}", one["mind"]);
    let memory = |out: &str| fs::read(folder.path().join(out).join("memory.safetensors"));
    assert_eq!(memory("A").unwrap(), memory("B").unwrap());
    assert!(memory("C").is_err());
    let few = of("D", &["--set", "mind.episodes=4", "--set", "mind.patches=0"]);
    assert!(few["mind"]["forgotten"].as_u64().unwrap() > 0, "{}", few["mind"]);
    assert!(memory("D").is_err());
}

#[test]
fn a_session_is_remembered_as_the_same_in_every_replay() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = run(folder.path(), &[&DEMO[..], &["--record", "a.mcap"]].concat());
    let replay = |more: &[&str]| {
        run(folder.path(), &[&["replay", "a.mcap", "--verify"], more].concat())["mind"].clone()
    };
    let (one, other) = (replay(&[]), replay(&["--set", "engine.threads=2"]));
    assert_eq!(one, other);
    assert_eq!(one["moments"], recorded["mind"]["moments"]);
    assert!(one["written"].as_u64().unwrap() > 0);
}

#[test]
fn what_a_run_has_seen_renders_what_is_like_it() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &[&DEMO[..], &["--out", "A", "--record", "a.mcap"]].concat());
    let program = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_napot"));
        let output = command.args(arguments).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        output
    };
    let told = program(&["memory", "info", "A/memory.safetensors"]);
    assert!(
        String::from_utf8_lossy(&told.stdout).contains("colour"),
        "{}",
        String::from_utf8_lossy(&told.stdout)
    );
    program(&["memory", "show", "A/memory.safetensors", "--out", "patches.png"]);
    program(&["render", "denoise", "patches.png", "--memory", "A/memory.safetensors", "--out", "clean.png"]);
    // What a session keeps of its pictures is learned as films are.
    let learned = program(&["memory", "learn", "a.mcap", "--memory", "session.safetensors", "--json"]);
    let learned: Value = serde_json::from_slice(&learned.stdout).unwrap();
    assert!(learned["learned"]["written"].as_u64().unwrap() > 0, "{learned}");
}

#[test]
fn an_episode_more_than_it_may_hold_is_refused_by_name_and_bound() {
    let folder = tempfile::tempdir().unwrap();
    let output = napot(folder.path(), &["demo", "--for", "1", "--set", "mind.episodes=0"]);
    assert_eq!(output.status.code(), Some(2));
    let told = said(&output);
    assert!(told.contains("mind.episodes") && told.contains("1 to 1024"), "{told}");
}
