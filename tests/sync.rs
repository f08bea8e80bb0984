//! `napot sync` by the program: recordings of one event on one clock, and what bad input meets.

// Sounds are small: every cast is of a value that fits.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

#[allow(dead_code)] // not all of it is called here
mod program;

use std::fs;
use std::path::Path;

use napot::random::Stream;
use program::{json, napot, refused, said};

/// Frames a second of a sound; of its milliseconds.
const RATE: usize = 8_000;
const FRAMES: usize = RATE / 1_000;

/// Ten seconds of clicks that decay, at random times.
fn event(seed: u64, milliseconds: usize) -> Vec<f32> {
    let mut draws = Stream::new(seed, 0);
    let mut sound = vec![0.0f32; milliseconds * FRAMES];
    for at in (0..milliseconds - 100).map(|at| at * FRAMES) {
        if draws.uniform() < 0.004 {
            let loud = draws.between(0.1, 0.4);
            for after in 0..100 * FRAMES {
                let decay = libm::exp(-0.005 * after as f64);
                sound[at + after] += (loud * decay * draws.normal()) as f32;
            }
        }
    }
    sound
}

/// Writes a part of a sound as a WAV file of 16 bits, with noise.
fn write(path: &Path, sound: &[f32], noise: f64, seed: u64) {
    let mut draws = Stream::new(seed, 1);
    let format = hound::WavSpec {
        channels: 1,
        sample_rate: RATE as u32,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(path, format).unwrap();
    for x in sound {
        let number = f64::from(*x) + noise * draws.normal();
        file.write_sample((number.clamp(-1.0, 1.0) * 32_767.0) as i16).unwrap();
    }
    file.finalize().unwrap();
}

/// Writes a film as Y4M: grey pictures, 25 a second, lit by each level in turn.
fn film(path: &Path, levels: &[u8]) {
    let mut bytes = b"YUV4MPEG2 W16 H16 F25:1 C420\n".to_vec();
    for level in levels {
        bytes.extend(b"FRAME\n");
        bytes.extend([*level; 256]);
        bytes.extend([128; 128]);
    }
    fs::write(path, bytes).unwrap();
}

/// A folder with three recordings of one event that began at 0, 1234 and 2750 ms of it, and one of another.
fn studio() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let sound = event(1, 12_000);
    for (name, from, noise) in [("a.wav", 0, 0.01), ("b.wav", 1_234, 0.02), ("c.wav", 2_750, 0.0)] {
        write(&path(name), &sound[from * FRAMES..(from + 8_000) * FRAMES], noise, from as u64);
    }
    write(&path("other.wav"), &event(2, 8_000), 0.01, 9);
    folder
}

#[test]
fn recordings_of_one_event_are_laid_on_one_clock_and_another_stays_alone() {
    let folder = studio();
    let call = "sync a.wav b.wav c.wav other.wav";
    let output = napot(folder.path(), &format!("{call} --json"));
    let told = json(&output);
    assert!(said(&output).contains("other.wav agrees with no other and stays alone"), "{}", said(&output));
    let recordings = told["recordings"].as_array().unwrap();
    for (at, late) in [0.0, 1_234.0, 2_750.0].into_iter().enumerate() {
        let recording = &recordings[at];
        assert!((recording["late_ms"].as_f64().unwrap() - late).abs() < 2.0, "{told}");
        assert!(recording["alike"].as_f64().unwrap() > 0.3 && recording["by"] == "sound", "{told}");
        assert_eq!((&recording["against"], recording["agrees"].as_array().unwrap().len()), (&0.into(), 2));
    }
    assert!(recordings[3]["late_ms"].is_null() && recordings[3]["agrees"].as_array().unwrap().is_empty());
    assert_eq!(told["pairs"].as_array().unwrap().len(), 6);
    // The same for any number of threads, and nearly so by the eigenvector and by the first alone.
    let again = napot(folder.path(), &format!("{call} --json --threads 3"));
    assert!(output.stdout == again.stdout);
    for way in ["eigenvector", "first"] {
        let told = json(&napot(folder.path(), &format!("{call} --json --way {way}")));
        assert!((told["recordings"][2]["late_ms"].as_f64().unwrap() - 2_750.0).abs() < 2.0, "{way}: {told}");
    }
    let text = napot(folder.path(), "sync c.wav a.wav");
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    let told = text.split("a.wav started ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    assert!((told.parse::<f64>().unwrap() - 2_750.0).abs() < 3.0, "{text}");
    assert!(text.contains(" ms earlier than c.wav") && text.contains("others are laid against"), "{text}");
}

#[test]
fn films_without_sound_are_laid_by_how_their_pictures_change() {
    let folder = tempfile::tempdir().unwrap();
    let mut draws = Stream::new(5, 0);
    let mut level = 100.0;
    let levels: Vec<u8> = (0..300)
        .map(|_| {
            if draws.uniform() < 0.15 {
                level = draws.between(20.0, 230.0);
            }
            level as u8
        })
        .collect();
    film(&folder.path().join("one.y4m"), &levels[..200]);
    film(&folder.path().join("two.y4m"), &levels[60..260]);
    let told = json(&napot(folder.path(), "sync one.y4m two.y4m --json"));
    let recording = &told["recordings"][1];
    assert!((recording["late_ms"].as_f64().unwrap() - 2_400.0).abs() < 5.0, "{told}");
    assert_eq!(recording["by"], "pictures");
}

#[test]
fn what_tells_nothing_is_said_by_name_and_the_rest_goes_on() {
    let folder = studio();
    let path = |name: &str| folder.path().join(name);
    write(&path("silent.wav"), &vec![0.0; 4_000 * FRAMES], 0.0, 0);
    write(&path("short.wav"), &event(1, 500), 0.0, 0);
    film(&path("still.y4m"), &[90; 60]);
    fs::write(path("cut.wav"), &fs::read(path("a.wav")).unwrap()[..30]).unwrap();
    fs::write(path("channels.csv"), "t,a\n0,1\n1,2\n").unwrap();
    let output =
        napot(folder.path(), "sync a.wav silent.wav short.wav still.y4m cut.wav channels.csv b.wav --json");
    let (said, told) = (said(&output), String::from_utf8_lossy(&output.stdout).into_owned());
    assert_eq!(output.status.code(), Some(1), "{said}");
    for (file, parts) in [
        ("silent.wav", &["neither sound", "4000 ms", "something that happens"][..]),
        ("short.wav", &["too short", "500 ms", "at least 1000 ms"]),
        ("still.y4m", &["neither sound"]),
        ("cut.wav", &[]),
        ("channels.csv", &["neither sound"]),
    ] {
        let line = said.lines().find(|line| line.contains(file)).unwrap_or_else(|| panic!("{file}: {said}"));
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
    }
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert!((told["recordings"][6]["late_ms"].as_f64().unwrap() - 1_234.0).abs() < 2.0, "{told}");
    assert!(told["recordings"][1]["fault"].is_string() && told["recordings"][0]["fault"].is_null(), "{told}");
    for (words, parts) in [
        ("a.wav", &["RECORDING", "one alone", "1", "2 to 64"][..]),
        ("a.wav absent.wav", &["absent.wav"]),
        ("a.wav silent.wav", &["too few", "1", "at least 2 of 2"]),
        ("a.wav other.wav", &["the recordings", "none agrees", "2 s of sound", "one event"]),
        ("a.wav b.wav --way best", &["--way", "flow, eigenvector, first"]),
    ] {
        refused(folder.path(), &format!("sync {words}"), parts);
    }
    let many = vec!["a.wav"; 65].join(" ");
    refused(folder.path(), &format!("sync {many}"), &["too many", "65", "2 to 64"]);
}
