//! `napot render recall`: what the mind's eye of a replay shows, as a picture of a moment and as a film of all of them.

#![allow(clippy::cast_precision_loss)] // small counts

#[allow(dead_code)] // reports of runs are judged elsewhere
mod program;
#[allow(dead_code)] // as above
mod small;

use std::fs;
use std::path::Path;

use program::{json, napot, refused};
use small::run;

/// A folder with `a.mcap`: eight seconds of the room.
fn recorded() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["demo", "--for", "8", "--seed", "3", "--record", "a.mcap"]);
    folder
}

/// The rows of a film's table.
fn rows(film: &Path) -> Vec<Vec<String>> {
    let table = fs::read_to_string(film.join("times.csv")).unwrap();
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("file,seconds,dream,correlation,psnr_db"));
    lines.map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn a_film_is_the_minds_eye_of_every_replay_and_a_moment_is_one_of_its_pictures() {
    let folder = recorded();
    let call = "render recall a.mcap --json --out";
    let told = json(&napot(folder.path(), &format!("{call} film")));
    let replay = run(folder.path(), &["replay", "a.mcap", "--verify"]);
    assert_eq!(told["mind"], replay["mind"]);
    let rows = rows(&folder.path().join("film"));
    let frames = told["frames"].as_u64().unwrap();
    assert!(frames > 40 && rows.len() as u64 == frames, "{told}");
    assert_eq!([&told["width"], &told["height"]], [512, 256]);
    let kept = rows.iter().filter(|row| row[2] == "0");
    let mean = kept.clone().map(|row| row[3].parse::<f64>().unwrap()).sum::<f64>() / kept.count() as f64;
    assert!((told["correlation"].as_f64().unwrap() - mean).abs() < 1e-3, "{told}");
    assert!(told["likeness"]["psnr_db"].as_f64().unwrap() > 5.0, "{told}");
    // The same bits, whoever shares the work.
    json(&napot(folder.path(), &format!("{call} again --set engine.threads=2")));
    for entry in fs::read_dir(folder.path().join("film")).unwrap() {
        let name = entry.unwrap().file_name();
        let read = |film: &str| fs::read(folder.path().join(film).join(&name)).unwrap();
        assert!(read("film") == read("again"), "{}", name.display());
    }
    // A moment is the last of the film that is not after it.
    let row = &rows[rows.len() / 2];
    let (name, seconds) = (&row[0], row[1].parse::<f64>().unwrap());
    for at in [seconds, seconds + 0.09] {
        let told = json(&napot(folder.path(), &format!("{call} at.png --at {at}")));
        assert_eq!(told["seconds"].as_f64(), Some(seconds), "{told}");
        let [one, other] = [Path::new("film").join(name), "at.png".into()]
            .map(|file: std::path::PathBuf| fs::read(folder.path().join(file)).unwrap());
        assert!(one == other, "{name}");
        if row[2] == "0" {
            assert!((told["correlation"].as_f64().unwrap() - row[3].parse::<f64>().unwrap()).abs() < 1e-4);
        }
    }
    let said = napot(folder.path(), &format!("render recall a.mcap --at {seconds} --out at.png"));
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("what was recalled at") && said.contains("512 x 256"), "{said}");
}

#[test]
fn what_cannot_be_recalled_is_told_in_one_message() {
    let folder = recorded();
    let refused = |words: &str, parts: &[&str]| {
        refused(folder.path(), &format!("render {words}"), parts);
        let left: Vec<_> =
            ["x", "x.part", "x.png"].into_iter().filter(|name| folder.path().join(name).exists()).collect();
        assert!(left.is_empty(), "`{words}` left {left:?}");
    };
    let one = "recall a.mcap --out x.png";
    refused(&format!("{one} --at 9"), &["--at", "past its end", "9.000 s", "0.000 s to 8.000 s"]);
    refused(&format!("{one} --at 0.05"), &["a.mcap", "recalls nothing yet", "a later moment"]);
    refused(&format!("{one} --at 4 --set mind.enabled=false"), &["mind.enabled", "false", "true"]);
    refused(&format!("{one} --at 4 --set vision.enabled=false"), &["vision.enabled", "an array that sees"]);
    refused(one, &["--out", "a folder", "--at SECONDS"]);
    refused("recall --out x", &["INPUT", "a session"]);
    refused("recall none.mcap --out x", &["none.mcap", "no such file"]);
    fs::write(folder.path().join("a.ppm"), b"P6\n1 1\n255\n...").unwrap();
    refused("recall a.ppm --out x", &["a.ppm", "no session", "--record"]);
    for (flag, name) in [
        ("--memory m.safetensors", "--memory"),
        ("--model m.safetensors", "--model"),
        ("--with trained", "--with"),
        ("--turned", "--turned"),
        ("--truth a.ppm", "--truth"),
        ("--mask a.ppm", "--mask"),
        ("--margin 3", "--margin"),
        ("--scale 2", "--scale"),
        ("--sigma 0.1", "--sigma"),
        ("--quality 50", "--quality"),
        ("--steps 3", "--steps"),
        ("--stride 2", "--stride"),
        ("--approximate", "--approximate"),
        ("--own", "--own"),
    ] {
        refused(&format!("{one} --at 4 {flag}"), &[name, "no effect on this task", "recall"]);
    }
    refused("denoise a.ppm --at 3 --out x.png", &["--at", "denoise", "recall"]);
    run(folder.path(), &["demo", "--for", "2", "--set", "vision.enabled=false", "--record", "blind.mcap"]);
    refused("recall blind.mcap --out x", &["blind.mcap", "holds no picture", "camera"]);
}

#[test]
fn a_session_that_was_cut_short_is_recalled_as_far_as_it_is_whole() {
    let folder = recorded();
    let whole = fs::read(folder.path().join("a.mcap")).unwrap();
    fs::write(folder.path().join("cut.mcap"), &whole[..whole.len() * 3 / 4]).unwrap();
    let output = napot(folder.path(), "render recall cut.mcap --json --out film");
    let said = program::said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.matches("cut short").count(), 1, "{said}");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(told["damage"].as_str().unwrap().contains("cut short"), "{told}");
    let seconds = told["seconds"].as_f64().unwrap();
    assert!((3.0..7.9).contains(&seconds) && !rows(&folder.path().join("film")).is_empty(), "{told}");
    refused(folder.path(), "render recall cut.mcap --at 7.99 --out x.png", &["--at", "past its end"]);
}
