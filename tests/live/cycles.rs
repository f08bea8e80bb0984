//! What goes away and comes back, over and over, under one long run: `NAPOT_CYCLES` times, by default twice.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::camera::preloaded;
use super::rig::{Ended, Live, Server, assert_replays, assert_sums, device, napot};

/// How often: `NAPOT_CYCLES`, or 2. `make soak-devices` does it 100 times.
fn cycles() -> usize {
    std::env::var("NAPOT_CYCLES").ok().and_then(|cycles| cycles.parse().ok()).unwrap_or(2)
}

/// The longest that a device may take to run again after its return.
const RECOVERY: Duration = Duration::from_secs(2);
/// How long it runs before and after it is away.
const RUNS: Duration = Duration::from_millis(1_500);
/// How long it is away.
const AWAY: Duration = Duration::from_millis(500);
/// What says that a device runs again.
const BACK: [&str; 2] = ["it is back", "it goes on"];

/// Takes devices away with `strike` and gives them back with `mend`, under a run that is recorded.
fn cycle(
    what: &str,
    folder: &Path,
    napot: Command,
    kinds: &[&str],
    arguments: &[&str],
    mut strike: impl FnMut(),
    mut mend: impl FnMut(),
) {
    let mut run = Live::start(napot, folder, &[&["--record", "a.mcap"], arguments].concat());
    std::thread::sleep(2 * RUNS);
    let (begun, first_lines) = (Instant::now(), run.lines());
    let mut before = None;
    let (mut worst, mut away) = (Duration::ZERO, Duration::ZERO);
    let mut after = [0; 2];
    for _ in 0..cycles() {
        let (from, gone) = (run.lines(), Instant::now());
        strike();
        for kind in kinds {
            // Closing and opening again may be over before the server is back.
            run.wait_for(from, kind, &[": it", ": the device", ": its"]);
        }
        std::thread::sleep(AWAY);
        let from = run.lines();
        let returned = Instant::now();
        mend();
        for kind in kinds {
            let back = run.wait_for(from, kind, &BACK);
            worst = worst.max(back.saturating_duration_since(returned));
        }
        away += gone.elapsed();
        std::thread::sleep(RUNS);
        after = run.holdings();
        // What the first return leaves for good, later ones find there.
        before.get_or_insert(after);
    }
    let before = before.unwrap();
    let busy = run.processor_seconds() / begun.elapsed().as_secs_f64();
    let all_lines = run.lines() - first_lines;
    let lines = all_lines as f64 / cycles() as f64;
    let ended = run.interrupt();
    assert_eq!(ended.code, Some(0), "{}", ended.said);
    for kind in kinds {
        println!("  {}", device(&ended.report, kind));
    }
    assert!(!ended.said.contains("panicked"), "{}", ended.said);
    assert!(worst <= RECOVERY, "{what}: {worst:?}\n{}", ended.said);
    for (what, before, after) in [("threads", before[0], after[0]), ("descriptors", before[1], after[1])] {
        assert!(after <= before, "{what} grew from {before} to {after}\n{}", ended.said);
    }
    // What is wrong, why it can't be opened yet, that it is back; and once, that blocks become larger.
    let most = (4 * cycles() + 6) * kinds.len();
    assert!(all_lines <= most, "{all_lines} lines, {most} expected at most\n{}", ended.said);
    for kind in kinds.iter().filter(|kind| **kind != "camera") {
        assert_sums(&ended.report, kind);
    }
    assert_replays(folder, "a.mcap");
    let (threads, files) =
        (format!("{} to {}", before[0], after[0]), format!("{} to {}", before[1], after[1]));
    let silence = silence(&ended, away).map_or("-".to_owned(), |silence| format!("{silence:.0} ms"));
    let worst = worst.as_secs_f64() * 1e3;
    println!(
        "| {what} | {} | {threads} | {files} | {worst:.0} ms | {silence} | {lines:.1} | {busy:.2} |",
        cycles()
    );
}

/// Milliseconds of silence at the microphone each time it began, beyond those that it was away.
fn silence(ended: &Ended, away: Duration) -> Option<f64> {
    let devices = ended.report["devices"].as_array()?;
    let microphone = devices.iter().find(|device| device["kind"] == "microphone")?;
    let filled = microphone["filled"].as_f64()? / 48.0;
    Some((filled - away.as_secs_f64() * 1e3) / (cycles() + 1) as f64)
}

const BOTH: [&str; 2] = ["microphone", "speaker"];
const NO_CAMERA: [&str; 2] = ["--camera", "none"];

fn killed(kind: &'static str) {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = Server::start(kind, folder.path(), &[]) else { return };
    let napot = napot(Some(&server));
    let server = std::cell::RefCell::new(server);
    let what = format!("{kind} is killed and started again");
    cycle(
        &what,
        folder.path(),
        napot,
        &BOTH,
        &NO_CAMERA,
        || server.borrow().signal("-KILL"),
        || server.borrow_mut().up(),
    );
}

fn stopped(kind: &'static str) {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = Server::start(kind, folder.path(), &[]) else { return };
    let what = format!("{kind} is stopped and continued");
    let (stop, go) = (|| server.signal("-STOP"), || server.signal("-CONT"));
    cycle(&what, folder.path(), napot(Some(&server)), &BOTH, &NO_CAMERA, stop, go);
}

#[test]
#[ignore = "needs sound servers and a quiet machine: make test-live"]
fn a_killed_jack_server_comes_back() {
    killed("jack");
}

#[test]
#[ignore = "needs sound servers and a quiet machine: make test-live"]
fn a_stopped_jack_server_comes_back() {
    stopped("jack");
}

#[test]
#[ignore = "needs sound servers and a quiet machine: make test-live"]
fn a_killed_pulse_server_comes_back() {
    killed("pulse");
}

#[test]
#[ignore = "needs sound servers and a quiet machine: make test-live"]
fn a_stopped_pulse_server_comes_back() {
    stopped("pulse");
}

#[test]
#[ignore = "needs sound servers and a quiet machine: make test-live"]
fn an_unplugged_camera_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let control = folder.path().join("control");
    let set = |faults: &str| {
        // In one step, for it is read all the time.
        let new = control.with_extension("new");
        std::fs::write(&new, faults).unwrap();
        std::fs::rename(new, &control).unwrap();
    };
    set("");
    let Some(napot) = preloaded(Path::new(env!("CARGO_BIN_EXE_napot")), &control) else { return };
    let arguments = ["--microphone", "none", "--speaker", "none"];
    let (unplug, replug) = (|| set("nodev"), || set(""));
    cycle(
        "camera is unplugged and plugged in",
        folder.path(),
        napot,
        &["camera"],
        &arguments,
        unplug,
        replug,
    );
}
