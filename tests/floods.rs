//! Inputs that are more than what waits for the engine has room for: they are played whole, and no run waits for ever.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The room on a sheet, as fast as it can, without the page.
const PLAIN: [&str; 5] = ["--speed", "max", "--no-view", "--json", "--quiet"];
/// So long that only one that waits for ever is not done.
const PATIENCE: Duration = Duration::from_mins(5);

/// The report of a run that must end.
fn ended(folder: &Path, arguments: &[&str]) -> Value {
    let out = folder.join("said.json");
    let mut run: Child = Command::new(env!("CARGO_BIN_EXE_napot"))
        .args(arguments)
        .args(PLAIN)
        .current_dir(folder)
        .stdout(std::fs::File::create(&out).unwrap())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while run.try_wait().unwrap().is_none() {
        if begun.elapsed() > PATIENCE {
            run.kill().unwrap();
            panic!("{arguments:?} waits for ever");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(run.wait().unwrap().success(), "{arguments:?}");
    serde_json::from_slice(&std::fs::read(out).unwrap()).unwrap()
}

/// A film that turns from black to white and back, twenty times a second: every site bursts at once.
fn strobe(path: &Path) {
    let mut film = b"YUV4MPEG2 W32 H32 F20:1 Ip A1:1 Cmono\n".to_vec();
    for picture in 0..6 {
        film.extend(b"FRAME\n");
        film.extend([if picture % 2 == 0 { 16 } else { 235 }; 32 * 32]);
    }
    std::fs::write(path, film).unwrap();
}

#[test]
fn a_picture_with_more_bursts_than_wait_is_played_recorded_and_replayed_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    strobe(&folder.path().join("strobe.y4m"));
    let sheet = ["vision.height=384", "vision.width=384", "mind.enabled=false", "objects.enabled=false"];
    let settings: Vec<&str> = sheet.iter().flat_map(|setting| ["--set", setting]).collect();
    let call = [&["replay", "strobe.y4m", "--record", "strobe.mcap"][..], &settings].concat();
    let first = ended(folder.path(), &call);
    // Pictures in which all of 384 x 384 sites burst: one alone is more than 131,072, which may wait.
    let bursts = first["bursts"]["count"].as_u64().unwrap();
    assert!(bursts >= 3 * 384 * 384, "{bursts}");
    let again = ended(folder.path(), &["replay", "strobe.mcap"]);
    assert_eq!(again["ledger_hash"], first["ledger_hash"]);
    assert_eq!(again["bursts"]["count"].as_u64(), Some(bursts));
}

#[test]
fn channels_of_a_sound_cards_rate_are_played_and_recorded_to_their_last_sample() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<String> = (0..25_000).map(|n| (f64::from(n) * 0.01).sin().to_string()).collect();
    std::fs::write(folder.path().join("fast.csv"), format!("a\n{}\n", rows.join("\n"))).unwrap();
    let report = ended(folder.path(), &["replay", "fast.csv", "--rate", "50000", "--record", "fast.mcap"]);
    let sources = report["sources"].as_array().unwrap();
    assert_eq!(sources[0]["delivered"], 25_000, "{sources:?}");
    assert!(report["ticks"].as_u64().unwrap() >= 500);
    let info = Command::new(env!("CARGO_BIN_EXE_napot"))
        .args(["session", "info", "fast.mcap", "--json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let info: Value = serde_json::from_slice(&info.stdout).unwrap();
    assert_eq!(info["channel_samples"], 25_000, "{info}");
}
