//! Several files in one call: they follow each other as wholes, are all named, and what does not fit is told.

#[allow(dead_code)] // whole outputs are judged elsewhere
mod small;

use std::fs;
use std::path::Path;
use std::process::Command;

use small::{napot, run, said};

/// `seconds` of a quiet sawtooth at 16 kHz; a value of every 4000 is no number if `damaged`.
fn wave(path: &Path, seconds: u32, damaged: bool) {
    let sample_format = hound::SampleFormat::Float;
    let spec = hound::WavSpec { channels: 1, sample_rate: 16_000, bits_per_sample: 32, sample_format };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for frame in 0..16_000 * seconds {
        let sample = f32::from((frame % 109) as u8) / 545.0 - 0.1;
        writer.write_sample(if damaged && frame % 4_000 == 0 { f32::NAN } else { sample }).unwrap();
    }
    writer.finalize().unwrap();
}

/// Ten grey pictures a second, without sound.
fn silent_film(path: &Path, seconds: u8) {
    let mut film = b"YUV4MPEG2 W16 H16 F10:1 Ip A1:1 Cmono\n".to_vec();
    for picture in 0..10 * seconds {
        film.extend(b"FRAME\n");
        film.extend([picture * 2; 16 * 16]);
    }
    fs::write(path, film).unwrap();
}

/// Makes a film of a second with sound, or says that the test is skipped.
fn film(path: &Path) -> bool {
    let sources = ["-f", "lavfi", "-i", "testsrc=d=1:s=64x48:r=25", "-f", "lavfi", "-i", "sine=d=1:r=48000"];
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-y"]).args(sources).args(["-c:v", "ffv1", "-c:a", "flac"]);
    let made = command.arg(path).status().is_ok_and(|status| status.success());
    if !made {
        eprintln!("SKIPPED: ffmpeg can't make {}", path.display());
    }
    made
}

/// The source of this kind in a report.
fn source<'a>(report: &'a serde_json::Value, kind: &str) -> &'a serde_json::Value {
    let sources = report["sources"].as_array().unwrap();
    sources.iter().find(|source| source["kind"] == kind).unwrap()
}

#[test]
fn a_film_behind_a_file_that_lacks_a_sense_begins_with_both() {
    let folder = tempfile::tempdir().unwrap();
    if !film(&folder.path().join("film.mkv")) {
        return;
    }
    silent_film(&folder.path().join("silent.y4m"), 2);
    wave(&folder.path().join("pure.wav"), 2, false);
    // Sound is counted with the silence before it.
    let report = run(folder.path(), &["replay", "silent.y4m", "film.mkv"]);
    assert_eq!(source(&report, "sound")["produced"], 3 * 48_000);
    assert_eq!(source(&report, "video")["name"], "silent.y4m, film.mkv");
    // No burst of a picture before the film begins.
    let report = run(folder.path(), &["replay", "pure.wav", "film.mkv", "--for", "1.9"]);
    assert_eq!(source(&report, "video")["delivered"], 0, "{report}");
    let report = run(folder.path(), &["replay", "pure.wav", "film.mkv"]);
    assert_eq!(source(&report, "sound")["produced"], 3 * 48_000);
    assert_eq!(source(&report, "video")["delivered"], 25);
    assert!(report["ticks"].as_u64().unwrap() >= 2_960, "{}", report["ticks"]);
}

#[test]
fn every_file_is_named_and_faults_by_their_file() {
    let folder = tempfile::tempdir().unwrap();
    wave(&folder.path().join("a.wav"), 1, false);
    wave(&folder.path().join("b.wav"), 1, true);
    let output = napot(folder.path(), &["replay", "a.wav", "b.wav", "--json"]);
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("b.wav: 4 not finite") && !said.contains("a.wav: "), "{said}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let sound = source(&report, "sound");
    assert_eq!((&sound["name"], &sound["not_finite"]), (&"a.wav, b.wav".into(), &4.into()));
    // A run that ends within it tells it, too.
    let output = napot(folder.path(), &["replay", "a.wav", "b.wav", "--for", "1.5"]);
    assert!(output.status.success());
    let (told, closing) = (small::said(&output), String::from_utf8_lossy(&output.stdout).into_owned());
    assert!(told.contains("b.wav: ") && told.contains(" not finite"), "{told}");
    assert!(closing.contains("sound: a.wav, b.wav ("), "{closing}");
}

#[test]
fn tables_of_other_channels_do_not_follow_each_other() {
    let folder = tempfile::tempdir().unwrap();
    for (name, header) in [("a.csv", "time,light,heat"), ("b.csv", "time,heat,light")] {
        fs::write(folder.path().join(name), format!("{header}\n0,1,2\n0.1,3,4\n0.2,5,6\n")).unwrap();
    }
    let output = napot(folder.path(), &["replay", "a.csv", "b.csv"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    for part in ["b.csv, at channel 1: ", "a.csv", "heat (allowed: light)"] {
        assert!(said(&output).contains(part), "no `{part}` in: {}", said(&output));
    }
    let report = run(folder.path(), &["replay", "a.csv", "a.csv"]);
    assert_eq!(source(&report, "scalar")["name"], "a.csv, a.csv");
}

#[test]
fn a_start_behind_the_end_of_one_of_two_is_told() {
    let folder = tempfile::tempdir().unwrap();
    wave(&folder.path().join("short.wav"), 1, false);
    silent_film(&folder.path().join("long.y4m"), 3);
    let output = napot(folder.path(), &["replay", "short.wav", "long.y4m", "--start", "2"]);
    let told = said(&output);
    assert!(output.status.success(), "{told}");
    let words = "sound: short.wav: nothing of it plays: it ends at 1.000 s, and the run starts at 2.000 s";
    assert_eq!(told.matches(words).count(), 1, "{told}");
    assert!(!told.contains("long.y4m: nothing"), "{told}");
    let output = napot(folder.path(), &["replay", "short.wav", "long.y4m", "--start", "0.5"]);
    assert!(output.status.success() && !said(&output).contains("nothing of it plays"), "{}", said(&output));
    // Nobody knows how long the film is before it has played.
    let told = said(&napot(folder.path(), &["replay", "long.y4m", "--start", "4"]));
    assert!(told.contains("video: long.y4m: nothing of it plays"), "{told}");
}
