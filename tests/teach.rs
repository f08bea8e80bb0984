//! `napot teach` and what runs recognise by it: pictures, films and sessions, and what bad input meets.

#[allow(dead_code)] // runs are on larger arrays here
mod small;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use small::said;

/// A sheet of 64 sites a place.
const SETTINGS: [&str; 6] =
    ["--set", "vision.height=32", "--set", "vision.width=32", "--set", "hearing.enabled=false"];
const GREY: [u8; 3] = [118; 3];
const RED: [u8; 3] = [200, 60, 60];
const GREEN: [u8; 3] = [60, 160, 60];

/// A picture of grey with a square of this colour in its middle.
fn picture(path: &Path, colour: [u8; 3]) {
    let mut bytes = b"P6\n32 32\n255\n".to_vec();
    for at in 0..32 * 32 {
        let inside = (8..24).contains(&(at / 32)) && (8..24).contains(&(at % 32));
        bytes.extend(if inside { colour } else { GREY });
    }
    fs::write(path, bytes).unwrap();
}

/// A folder of pictures that plays as a film: grey, then the colour, ten pictures each.
fn film(folder: &Path, name: &str, colour: [u8; 3]) {
    fs::create_dir(folder.join(name)).unwrap();
    for number in 0..20 {
        let path = folder.join(name).join(format!("{number}.ppm"));
        picture(&path, if number < 10 { GREY } else { colour });
    }
}

/// A run as fast as it can, without the page.
fn napot(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_napot"));
    command.args(words).args(["--speed", "max", "--no-view"]).args(SETTINGS).current_dir(folder);
    command.output().unwrap()
}

fn teach(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_napot"));
    command.arg("teach").args(words).args(SETTINGS).current_dir(folder).output().unwrap()
}

fn report(output: &Output) -> Value {
    assert!(output.status.success(), "{}", said(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_colour_that_was_taught_by_one_picture_is_recognised_in_films_and_their_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    picture(&at.join("red.ppm"), RED);
    picture(&at.join("green.ppm"), GREEN);
    film(at, "film", GREEN);
    let taught = report(&teach(at, &["red", "red.ppm", "--signatures", "k.safetensors", "--json"]));
    assert_eq!(taught["names"], serde_json::json!(["red"]));
    let taught = report(&teach(at, &["green", "green.ppm", "--signatures", "k.safetensors", "--json"]));
    assert_eq!(taught["names"], serde_json::json!(["red", "green"]));
    // Another seed is another tonic rhythm.
    let by = ["--signatures", "k.safetensors", "--json"];
    let run = |words: &[&str]| report(&napot(at, &[words, &by].concat()));
    let seen = run(&["replay", "film", "--seed", "5", "--record", "a.mcap", "--tail", "0.5"]);
    let found = &seen["recognition"];
    assert_eq!(found["times"]["green"], 1, "{found}");
    assert!(found["last"]["confidence"].as_f64().unwrap() >= 0.99, "{found}");
    assert!(found["last"]["after_ms"].as_u64().unwrap() <= 150, "{found}");
    // It changes no bit of the run, and a replay recognises the same.
    let without = report(&napot(at, &["replay", "film", "--seed", "5", "--tail", "0.5", "--json"]));
    assert!(without["recognition"].is_null());
    assert_eq!(without["ledger_hash"], seen["ledger_hash"]);
    let again = run(&["replay", "a.mcap", "--verify", "--set", "engine.threads=2"]);
    assert_eq!(again["recognition"], *found);
    // What was recorded can be taught from too, and what was recognised stands in it.
    report(&teach(at, &["from a session", "a.mcap", "--signatures", "k.safetensors", "--json"]));
    let info = ["session", "info", "a.mcap", "--json"];
    let info = Command::new(env!("CARGO_BIN_EXE_napot")).args(info).current_dir(at).output().unwrap();
    assert_eq!(report(&info)["marks"], 1);
    // The purest red, whose hue is 0, is a colour.
    picture(&at.join("purest.ppm"), [100, 70, 70]);
    report(&teach(at, &["purest", "purest.ppm", "--signatures", "k.safetensors", "--json"]));
}

#[test]
fn bad_input_is_refused_by_name_and_figure() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    picture(&at.join("red.ppm"), RED);
    picture(&at.join("grey.ppm"), GREY);
    let by = ["--signatures", "k.safetensors"];
    let refused = |output: &Output, code: i32, parts: &[&str]| {
        let said = said(output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    };
    let silent = teach(at, &[&["quiet", "grey.ppm"][..], &by].concat());
    refused(&silent, 2, &["quiet", "silence", "agreed by", "at least 12"]);
    assert!(!at.join("k.safetensors").exists(), "nothing was learned");
    assert!(teach(at, &[&["red", "red.ppm"][..], &by].concat()).status.success());
    refused(&teach(at, &[&["red", "red.ppm"][..], &by].concat()), 2, &["known already"]);
    refused(&teach(at, &[&["", "red.ppm"][..], &by].concat()), 2, &["empty", "1 to 64"]);
    refused(&teach(at, &[&["x".repeat(65).as_str(), "red.ppm"][..], &by].concat()), 2, &["too long", "65"]);
    let none = napot(at, &["demo", "--for", "1", "--signatures", "none", "--out", "left"]);
    refused(&none, 2, &["none", "can't be read"]);
    assert!(!at.join("left").exists(), "a run that can't begin leaves nothing");
    refused(&teach(at, &["x", "red.ppm", "--signatures", "no/k"]), 2, &["--signatures", "no such folder"]);
    let lone = ["x", "red.ppm", "--signatures", "lone", "--set", "array.twin=false"];
    refused(&teach(at, &lone), 2, &["--signatures", "twin"]);
    let other = [&["demo", "--for", "1"][..], &by].concat();
    let other = Command::new(env!("CARGO_BIN_EXE_napot"))
        .args(other)
        .args(["--no-view", "--speed", "max", "--set", "vision.width=20", "--set", "vision.height=16"])
        .current_dir(at)
        .output()
        .unwrap();
    refused(&other, 2, &["another shape of sheet", "32 x 32", "16 x 20"]);
    let weaker = [&["demo", "--for", "1", "--set", "array.burst_gain=1.5"][..], &by].concat();
    let told = said(&napot(at, &weaker));
    let parts = ["k.safetensors", "taught with array.burst_gain", "this run has array.burst_gain 1.5"];
    assert!(parts.iter().all(|part| told.contains(part)), "{told}");
    let mut bytes = fs::read(at.join("k.safetensors")).unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(at.join("k.safetensors"), &bytes).unwrap();
    let spoilt = napot(at, &[&["demo", "--for", "1"][..], &by].concat());
    assert!(!spoilt.status.success());
    assert!(said(&spoilt).contains("red") && said(&spoilt).contains("NaN"), "{}", said(&spoilt));
}
