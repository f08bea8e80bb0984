//! Bad input: one clear message, the exit code that was promised, never a panic, never half an output as a whole.

mod small;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use small::{napot, said, whole_outputs};

/// A WAV file of 32-bit floats: `frames` frames of a quiet sawtooth on every channel.
fn wave(path: &Path, channels: u16, rate: u32, frames: u32, damage: impl Fn(u32) -> Option<f32>) {
    let sample_format = hound::SampleFormat::Float;
    let spec = hound::WavSpec { channels, sample_rate: rate, bits_per_sample: 32, sample_format };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for frame in 0..frames {
        let sample = damage(frame).unwrap_or(f32::from((frame % 109) as u8) / 545.0 - 0.1);
        for _ in 0..channels {
            writer.write_sample(sample).unwrap();
        }
    }
    writer.finalize().unwrap();
}

/// How many messages of ours a run left; that it did not panic.
fn messages(said: &str) -> usize {
    assert!(!said.contains("panicked"), "{said}");
    said.lines().filter(|line| line.starts_with("napot:")).count()
}

/// Runs a call that must be refused: its exit code is one of `codes`, its only message names `parts`.
fn refused(folder: &Path, arguments: &[&str], codes: &[i32], parts: &[&str]) {
    judge(&napot(folder, arguments), arguments, codes, parts);
}

fn judge(output: &Output, arguments: &[&str], codes: &[i32], parts: &[&str]) {
    let said = said(output);
    let code = output.status.code().unwrap_or(-1);
    assert!(codes.contains(&code), "{arguments:?}: exit code {code}, not one of {codes:?}: {said}");
    assert_eq!(messages(&said), 1, "{arguments:?}: {said}");
    for part in parts {
        assert!(said.contains(part), "{arguments:?}: no `{part}` in: {said}");
    }
    assert!(output.stdout.is_empty(), "{arguments:?}: a refused call prints no result");
}

#[test]
fn a_file_that_is_not_there_is_a_wrong_call() {
    let folder = tempfile::tempdir().unwrap();
    refused(folder.path(), &["replay", "absent.wav"], &[2], &["absent.wav"]);
}

#[test]
fn an_empty_file_is_wrong_input() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("nothing.wav"), b"").unwrap();
    refused(folder.path(), &["replay", "nothing.wav"], &[1], &["nothing.wav", "empty", "at least 1 byte"]);
}

#[test]
fn a_folder_without_pictures_is_a_wrong_call() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("album")).unwrap();
    refused(folder.path(), &["replay", "album"], &[2], &["album"]);
}

#[test]
fn a_text_under_a_films_name_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("film.mp4"), "Dear diary,\nnothing moved today.\n").unwrap();
    refused(folder.path(), &["replay", "film.mp4", "--out", "run"], &[1, 2], &["film.mp4"]);
    assert!(!folder.path().join("run/report.json").exists());
}

#[test]
fn an_unknown_key_is_a_wrong_call() {
    let folder = tempfile::tempdir().unwrap();
    refused(folder.path(), &["demo", "--for", "1", "--set", "array.kapa=1"], &[2], &["kapa", "kappa"]);
}

#[test]
#[cfg(not(feature = "gpu"))]
fn a_gpu_that_this_build_lacks_is_a_wrong_call_that_says_how_to_have_it() {
    refused_as_it_is(&["bench", "throughput", "--gpu"], &["--gpu", "--features gpu"]);
}

#[test]
fn the_whole_engine_on_a_gpu_is_a_wrong_call() {
    refused_as_it_is(&["bench", "pipeline", "--gpu"], &["--gpu", "pipeline", "throughput"]);
}

/// Runs a wrong call without the settings of a small run, which it does not take.
fn refused_as_it_is(arguments: &[&str], parts: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_napot")).args(arguments).output().unwrap();
    judge(&output, arguments, &[2], parts);
}

#[test]
fn samples_that_are_not_finite_are_counted_and_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let bad = |frame: u32| match frame % 4_000 {
        0 => Some(f32::NAN),
        1 => Some(f32::INFINITY),
        _ => None,
    };
    wave(&folder.path().join("odd.wav"), 1, 16_000, 16_000, bad);
    let output = napot(folder.path(), &["replay", "odd.wav", "--out", "run"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(messages(&said), 0, "{said}");
    let report = whole_outputs(&folder.path().join("run"));
    assert_eq!(report["sources"][0]["not_finite"], 8);
    assert_eq!(report["refused"], 0);
    assert!(report["energy"]["relative_error"].as_f64().unwrap() < 1e-3);
}

#[test]
fn a_rate_that_no_file_lacks_is_a_wrong_call() {
    let folder = tempfile::tempdir().unwrap();
    wave(&folder.path().join("w.wav"), 1, 16_000, 1_600, |_| None);
    refused(folder.path(), &["replay", "w.wav", "--rate", "64"], &[2], &["--rate", "a table"]);
}

#[test]
fn a_recording_cut_short_is_played_as_far_as_it_goes_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.wav");
    wave(&path, 1, 16_000, 32_000, |_| None);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..=bytes.len() / 2]).unwrap();
    let output = napot(folder.path(), &["replay", "cut.wav", "--out", "run"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(messages(&said), 1, "{said}");
    assert!(said.contains("cut.wav"), "{said}");
    let report = whole_outputs(&folder.path().join("run"));
    assert!(report["sources"][0]["failure"].as_str().is_some_and(|failure| failure.contains("cut.wav")));
    assert_eq!(report["failures"].as_array().map(Vec::len), Some(1), "{}", report["failures"]);
    // A second was left; what the last block of the resampler lacks is small.
    let frames = report["sources"][0]["delivered"].as_u64().unwrap();
    assert!((47_500..=48_000).contains(&frames), "{frames} frames of 48000 were played");
}

#[test]
fn the_sound_of_a_run_that_was_killed_is_played_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = napot::sink::wav::WavWriter::create(folder.path().join("sound.wav")).unwrap();
    writer.push(&vec![[0.1, -0.1]; 24_000]).unwrap();
    // What is never finished is left as its part.
    drop(writer);
    let output = napot(folder.path(), &["replay", "sound.wav.part", "--out", "run"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(messages(&said), 1, "{said}");
    assert!(said.contains("sound.wav.part") && said.contains("24000 frames in the file"), "{said}");
    let report = whole_outputs(&folder.path().join("run"));
    assert_eq!(report["sources"][0]["delivered"], 24_000);
}

#[test]
fn many_channels_and_extreme_rates_are_played() {
    let folder = tempfile::tempdir().unwrap();
    for (name, channels, rate, frames, at_48_khz) in [
        ("wide.wav", 64, 16_000, 8_000, 24_000),
        ("slow.wav", 1, 1, 2, 96_000),
        ("fast.wav", 1, 384_000, 192_000, 24_000),
    ] {
        wave(&folder.path().join(name), channels, rate, frames, |_| None);
        let run = name.trim_end_matches(".wav");
        let output = napot(folder.path(), &["replay", name, "--out", run]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(0), "{name}: {said}");
        assert_eq!(messages(&said), 0, "{name}: {said}");
        let report = whole_outputs(&folder.path().join(run));
        assert_eq!(report["sources"][0]["delivered"], at_48_khz, "{name}");
    }
}
