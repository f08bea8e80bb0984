//! Objects in whole runs: they change nothing, are the same again, and are not there where they are switched off or nothing is seen.

#[allow(dead_code)] // whole outputs are judged elsewhere
mod small;

use small::{napot, run, said, timeless};

const DEMO: [&str; 5] = ["demo", "--for", "3", "--seed", "4"];

#[test]
fn objects_change_no_bit_and_threads_change_no_object() {
    let folder = tempfile::tempdir().unwrap();
    let of = |more: &[&str]| run(folder.path(), &[&DEMO[..], more].concat());
    let (one, same) = (of(&[]), of(&["--set", "engine.threads=2"]));
    let without = of(&["--set", "objects.enabled=false"]);
    assert!(without["objects"].is_null());
    for hash in ["ledger_hash", "config_hash"] {
        assert_eq!(one[hash], without[hash]);
    }
    assert_eq!(timeless(&one, "objects"), timeless(&same, "objects"));
    assert_eq!((&one["objects"]["updates"], &one["objects"]["skipped"]), (&30.into(), &0.into()));
    assert_eq!(one["objects"]["size"], serde_json::json!([32, 32]));
    assert!(one["objects"]["mean_objects"].as_f64().unwrap() > 1.0, "{}", one["objects"]);
}

#[test]
fn a_session_has_the_same_objects_in_every_replay() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = run(folder.path(), &[&DEMO[..], &["--record", "a.mcap"]].concat());
    let replay = |more: &[&str]| {
        timeless(&run(folder.path(), &[&["replay", "a.mcap", "--verify"], more].concat()), "objects")
    };
    let (one, other) = (replay(&[]), replay(&["--set", "engine.threads=2"]));
    assert_eq!(one, other);
    assert_eq!(one["updates"], recorded["objects"]["updates"]);
}

#[test]
fn where_nothing_is_seen_nothing_stands_out() {
    let folder = tempfile::tempdir().unwrap();
    let report = run(folder.path(), &["demo", "--for", "1", "--set", "room.enabled=false"]);
    assert_eq!(report["objects"]["updates"], 0);
    assert!(report["objects"]["mean_objects"].is_null() && report["objects"]["update_ms"].is_null());
    let report = run(folder.path(), &["demo", "--for", "1", "--set", "vision.enabled=false"]);
    assert!(report["objects"].is_null());
}

#[test]
fn from_a_black_film_nothing_stands_out_and_that_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let mut film = b"YUV4MPEG2 W32 H16 F10:1 Ip A1:1 Cmono\n".to_vec();
    for _ in 0..12 {
        film.extend(b"FRAME\n");
        film.extend([16; 32 * 16]);
    }
    std::fs::write(folder.path().join("black.y4m"), film).unwrap();
    let report = run(folder.path(), &["replay", "black.y4m"]);
    assert_eq!(report["failures"], serde_json::json!([]));
    let objects = &report["objects"];
    assert!(
        objects["updates"].as_u64().unwrap() >= 10 && objects["objects"] == serde_json::json!([]),
        "{objects}"
    );
    assert_eq!(objects["mean_objects"], 0.0);
    let output = napot(folder.path(), &["replay", "black.y4m"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("objects: 0 at the end, 0.0 on the mean"), "{told}");
}

#[test]
fn a_side_that_there_is_not_is_refused_by_name_and_bound() {
    let folder = tempfile::tempdir().unwrap();
    let output = napot(folder.path(), &["demo", "--for", "1", "--set", "objects.side=48"]);
    assert_eq!(output.status.code(), Some(2));
    let told = said(&output);
    assert!(told.contains("objects.side") && told.contains("32 or 64"), "{told}");
}
