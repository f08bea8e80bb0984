//! Runs the program on small arrays, as fast as it can, without the page.

use std::path::Path;
use std::process::{Command, Output};

/// Small arrays, and a small room.
pub const SETTINGS: [&str; 12] = [
    "--set",
    "vision.height=16",
    "--set",
    "vision.width=16",
    "--set",
    "hearing.cochlea.channels=16",
    "--set",
    "hearing.cochlea.rates=8",
    "--set",
    "room.width=32",
    "--set",
    "room.height=32",
];

/// Runs `napot ARGUMENTS` in `folder` on small arrays.
pub fn napot(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_napot"));
    command.args(arguments).args(["--speed", "max", "--no-view"]).args(SETTINGS).current_dir(folder);
    command.output().unwrap()
}

/// The report of a run that must go well.
#[allow(dead_code)] // not every test asks for it
pub fn run(folder: &Path, arguments: &[&str]) -> serde_json::Value {
    let output = napot(folder, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a report has under `key`, without the time that it took.
#[allow(dead_code)] // as above
pub fn timeless(report: &serde_json::Value, key: &str) -> serde_json::Value {
    let mut found = report[key].clone();
    assert!(found["update_ms"].as_f64().unwrap() > 0.0, "{found}");
    found.as_object_mut().unwrap().remove("update_ms");
    found
}

/// What a run said on standard error.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The run's report, and that all its files are there under their final names and whole.
pub fn whole_outputs(folder: &Path) -> serde_json::Value {
    for name in ["report.json", "sound.wav", "electrodes.edf", "field.png", "ledger.txt"] {
        let size = std::fs::metadata(folder.join(name)).map_or(0, |file| file.len());
        assert!(size > 0, "{name} is missing or empty");
    }
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.extension().is_none_or(|end| end != "part"), "{} was left over", path.display());
    }
    serde_json::from_slice(&std::fs::read(folder.join("report.json")).unwrap()).unwrap()
}
