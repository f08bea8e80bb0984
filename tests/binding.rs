//! Binding in whole runs: it changes nothing, gives the same again, binds better than each array alone, and leaves its wholes.

#[allow(dead_code)] // whole outputs are judged elsewhere
mod small;

use small::{napot, run, said, timeless};

const DEMO: [&str; 5] = ["demo", "--for", "6", "--seed", "3"];

#[test]
fn it_changes_no_bit_of_a_run_and_gives_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let of = |out: &str, more: &[&str]| run(folder.path(), &[&DEMO[..], &["--out", out], more].concat());
    let (one, same) = (of("A", &[]), of("B", &["--set", "engine.threads=2"]));
    let without = of("C", &["--set", "binding.enabled=false"]);
    assert!(without["binding"].is_null());
    assert_eq!(one["ledger_hash"], without["ledger_hash"]);
    assert_eq!(one["config_hash"], without["config_hash"]);
    assert_eq!(timeless(&one, "binding"), timeless(&same, "binding"));
    assert_eq!(one["binding"]["updates"], 60);
    let whole = |out: &str| std::fs::read(folder.path().join(out).join("whole-a.png"));
    assert_eq!(whole("A").unwrap(), whole("B").unwrap());
    assert!(whole("C").is_err());
    let db = |key: &str| one["binding"][key].as_f64().unwrap();
    for other in ["mean_apart_db", "mean_uncoupled_db"] {
        assert!(db("mean_whole_db") > db(other) + 1.0, "{other}: {}", one["binding"]);
    }
}

#[test]
fn a_session_binds_to_the_same_in_every_replay() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = run(folder.path(), &[&DEMO[..], &["--record", "a.mcap"]].concat());
    let replay = |more: &[&str]| {
        timeless(&run(folder.path(), &[&["replay", "a.mcap", "--verify"], more].concat()), "binding")
    };
    let (one, other) = (replay(&[]), replay(&["--set", "engine.threads=2"]));
    assert_eq!(one, other);
    assert_eq!(one["updates"], recorded["binding"]["updates"]);
}

#[test]
fn a_run_without_pictures_binds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let report = run(folder.path(), &["demo", "--for", "1", "--set", "room.enabled=false"]);
    assert_eq!(report["binding"]["updates"], 0);
    assert!(report["binding"]["order"].is_null() && report["binding"]["update_ms"].is_null());
    let report = run(folder.path(), &["demo", "--for", "1", "--set", "vision.enabled=false"]);
    assert!(report["binding"].is_null());
}

#[test]
fn what_is_out_of_bounds_is_refused_by_name_and_bound() {
    let folder = tempfile::tempdir().unwrap();
    for (setting, key, bound) in [
        ("binding.arrays=1", "binding.arrays", "2 to 16"),
        ("binding.views=33", "binding.views", "1 to 32"),
        ("binding.side=48", "binding.side", "32 or 64"),
    ] {
        let output = napot(folder.path(), &["demo", "--for", "1", "--set", setting]);
        assert_eq!(output.status.code(), Some(2));
        let told = said(&output);
        assert!(told.contains(key) && told.contains(bound), "{told}");
    }
}

#[test]
fn a_folder_keeps_no_pictures_of_the_run_before_and_all_that_is_not_a_runs() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join("A").join(name);
    let again =
        || run(folder.path(), &["demo", "--for", "0.2", "--set", "binding.enabled=false", "--out", "A"]);
    std::fs::create_dir(folder.path().join("A")).unwrap();
    std::fs::write(file("spectrum.png"), "not of a run").unwrap();
    again();
    assert!(file("spectrum.png").exists(), "no run was here before");
    for name in ["whole-a.png", "whole-b.png", "mine.png"] {
        std::fs::write(file(name), "of the run before").unwrap();
    }
    again();
    for (name, stays) in
        [("whole-a.png", false), ("whole-b.png", false), ("spectrum.png", false), ("mine.png", true)]
    {
        assert_eq!(file(name).exists(), stays, "{name}");
    }
}
