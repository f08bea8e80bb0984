//! Sessions: a replay is the run again, to the bit; what was flushed survives a kill, a full disk and damage.

mod small;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use small::{napot, said, whole_outputs};

/// Records four seconds of the small room into `a.mcap` with its outputs in `A`, a state every second.
fn recorded(folder: &Path) {
    let run = napot(folder, &["demo", "--for", "4", "--record", "a.mcap", "--out", "A", "--set", STATES]);
    assert!(run.status.success(), "{}", said(&run));
}

const STATES: &str = "record.state_seconds=1";

fn info(folder: &Path, file: &str) -> (Value, i32) {
    let output = napot_plain(folder, &["session", "info", file, "--json"]);
    let found = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    (found, output.status.code().unwrap())
}

/// A call that takes none of the small run's settings.
fn napot_plain(folder: &Path, arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_napot")).current_dir(folder).args(arguments).output().unwrap()
}

/// Replays `a.mcap` with `--verify` and more arguments: what it said of the session.
fn verified(folder: &Path, arguments: &[&str]) -> Value {
    let mut all = vec!["replay", "a.mcap", "--verify", "--no-view", "--json"];
    all.extend(arguments);
    if !arguments.contains(&"--speed") {
        all.extend(["--speed", "max"]);
    }
    let output = napot_plain(folder, &all);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["session"].clone()
}

#[test]
fn a_replay_is_the_run_again_from_its_beginning_and_from_every_state() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path());
    let whole = verified(folder.path(), &["--out", "B"]);
    assert_eq!((&whole["verified"]["equal_lines"], &whole["first_tick"]), (&4.into(), &0.into()));
    whole_outputs(&folder.path().join("B"));
    for name in ["ledger.txt", "sound.wav", "electrodes.edf"] {
        let [one, other] = ["A", "B"].map(|dir| fs::read(folder.path().join(dir).join(name)).unwrap());
        assert!(one == other, "{name} of run and replay");
    }
    for (start, first, lines) in [("1", 1_000, 3), ("2.9", 2_000, 2), ("3", 3_000, 1)] {
        for threads in ["engine.threads=1", "engine.threads=2"] {
            let found = verified(folder.path(), &["--start", start, "--set", threads]);
            assert_eq!(found["first_tick"], first, "{start}");
            assert_eq!(found["verified"]["equal_lines"], lines, "{start}, {threads}");
        }
    }
    let paced = verified(folder.path(), &["--speed", "8"]);
    assert_eq!(paced["verified"]["equal_lines"], 4);
}

#[test]
fn a_paced_run_is_recorded_as_whole_as_a_fast_one() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "demo",
        "--speed",
        "2",
        "--for",
        "2",
        "--no-view",
        "--record",
        "a.mcap",
        "--set",
        STATES,
        "--set",
        "engine.threads=2",
    ];
    let run = napot_plain(folder.path(), &[&arguments[..], &small::SETTINGS].concat());
    assert!(run.status.success(), "{}", said(&run));
    assert_eq!(verified(folder.path(), &[])["verified"]["equal_lines"], 2);
    assert!(!folder.path().join("a.mcap.part").exists());
    let config = info(folder.path(), "a.mcap").0["facts"]["config"].as_str().unwrap().to_owned();
    assert!(config.contains("threads = 0"), "threads are those of a machine, not of a session: {config}");
}

#[test]
fn a_replay_can_be_recorded_and_has_channels_again() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<String> =
        (0..600).map(|n| format!("{},{},{}\n", f64::from(n) * 0.004, n % 7, n * n % 11)).collect();
    fs::write(folder.path().join("t.csv"), format!("time,a,b\n{}", rows.concat())).unwrap();
    let run = napot(folder.path(), &["replay", "t.csv", "--record", "a.mcap"]);
    assert!(run.status.success(), "{}", said(&run));
    verified(folder.path(), &[]);
    let again = napot_plain(
        folder.path(),
        &["replay", "a.mcap", "--record", "b.mcap", "--speed", "max", "--no-view"],
    );
    assert!(again.status.success(), "{}", said(&again));
    let (one, other) = (info(folder.path(), "a.mcap").0, info(folder.path(), "b.mcap").0);
    for key in ["end_tick", "bursts", "ledger_lines", "electrode_samples"] {
        assert_eq!(one[key], other[key], "{key}");
    }
    assert_eq!(one["facts"]["channels"], other["facts"]["channels"]);
}

#[test]
fn another_configuration_is_played_and_marked_and_not_verified() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path());
    let arguments = ["replay", "a.mcap", "--no-view", "--json", "--speed", "max", "--set", "array.kappa=1"];
    let output = napot_plain(folder.path(), &arguments);
    assert!(output.status.success() && said(&output).contains("another configuration"), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["session"]["same_configuration"], false);
    let output = napot_plain(folder.path(), &[&arguments[..], &["--verify"]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("--verify"), "{}", said(&output));
}

/// How often a recorder is killed: `NAPOT_KILLS`, or 50. `make soak-kills` does it 1000 times.
fn kills() -> u64 {
    std::env::var("NAPOT_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(50)
}

/// Model seconds a second of a recorder that is killed.
const SPEED: u64 = 4;

/// Kills a recorder into `k.mcap.part` some time after the file was seen to grow for the `growths`th time. Its length
/// then, and the ticks that the run may have played since.
fn killed(folder: &Path, growths: u64, after: Duration) -> (u64, u64) {
    let part = folder.join("k.mcap.part");
    let _ = fs::remove_file(&part);
    let mut run = Command::new(env!("CARGO_BIN_EXE_napot"))
        .current_dir(folder)
        .args([
            "demo",
            "--speed",
            &SPEED.to_string(),
            "--for",
            "600",
            "--no-view",
            "-q",
            "--record",
            "k.mcap",
        ])
        .args(small::SETTINGS)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // From when it says what it is: what comes before is no acknowledged part of a run.
    while !napot::session::is_session(&part) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut seen = fs::metadata(&part).map_or(0, |found| found.len());
    for _ in 1..growths {
        loop {
            let length = fs::metadata(&part).map_or(0, |found| found.len());
            if length > seen {
                seen = length;
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let since = std::time::Instant::now();
    std::thread::sleep(after);
    run.kill().unwrap();
    let ticks = u64::try_from(since.elapsed().as_millis()).unwrap() * SPEED;
    run.wait().unwrap();
    (seen, ticks)
}

#[test]
fn a_killed_recorder_leaves_what_it_had_flushed_and_recover_makes_it_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (mut acknowledged, mut most_unwritten) = (0, 0);
    for round in 0..kills() {
        let (seen, ticks) = killed(folder.path(), 1 + round % 5, Duration::from_millis(round * 37 % 200));
        let bytes = fs::read(path("k.mcap.part")).unwrap();
        // What was in the file then may not be lost.
        fs::write(path("seen.mcap"), &bytes[..usize::try_from(seen).unwrap()]).unwrap();
        let (before, _) = info(folder.path(), "seen.mcap");
        let (left, code) = info(folder.path(), "k.mcap.part");
        assert_eq!(code, 1, "cut short");
        for key in ["end_tick", "ledger_lines", "bursts", "electrode_samples"] {
            assert!(left[key].as_u64() >= before[key].as_u64(), "{key}: {left} after {before}");
        }
        let end = |found: &Value| found["end_tick"].as_u64().unwrap();
        acknowledged += end(&before);
        most_unwritten = most_unwritten.max((end(&before) + ticks).saturating_sub(end(&left)));
        let output = napot_plain(folder.path(), &["session", "recover", "k.mcap.part", "r.mcap"]);
        if end(&left) == 0 {
            assert!(said(&output).contains("nothing"), "{}", said(&output));
            continue;
        }
        assert_eq!(output.status.code(), Some(1), "what was lost is said: {}", said(&output));
        let (recovered, code) = info(folder.path(), "r.mcap");
        assert_eq!(code, 0);
        for key in
            ["first_tick", "end_tick", "states", "ledger_lines", "bursts", "electrode_samples", "marks"]
        {
            assert_eq!(left[key], recovered[key], "{key}");
        }
        fs::remove_file(path("r.mcap")).unwrap();
    }
    println!(
        "{} kills: {acknowledged} acknowledged ticks, 0 lost; at most {most_unwritten} ms of a run were not yet written",
        kills()
    );
}

#[test]
#[cfg(unix)]
fn a_disk_that_is_full_ends_the_recording_readable_and_never_touches_the_run() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path());
    let whole = fs::metadata(folder.path().join("a.mcap")).unwrap().len();
    let ledger = fs::read_to_string(folder.path().join("A/ledger.txt")).unwrap();
    let mut last = 0;
    for sixteenths in [3, 8, 14] {
        let blocks = (whole * sixteenths / 16 / 512).to_string();
        let arguments = [
            "demo",
            "--speed",
            "max",
            "--for",
            "4",
            "--no-view",
            "--record",
            "f.mcap",
            "--json",
            "--set",
            STATES,
        ];
        let limited = "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"";
        let output = Command::new("sh")
            .current_dir(folder.path())
            .args(["-c", limited, "sh", &blocks, env!("CARGO_BIN_EXE_napot")])
            .args(arguments)
            .args(small::SETTINGS)
            .output()
            .unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("f.mcap.part") && said.contains("recover") && !said.contains("panicked"),
            "{said}"
        );
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["ticks"], 4_000, "the run goes on");
        assert!(has_ledger(&report, &ledger), "the ledger is that of the run that had room");
        let (left, code) = info(folder.path(), "f.mcap.part");
        assert_eq!(code, 1);
        assert!(left["end_tick"].as_u64().unwrap() >= last, "{left}");
        last = left["end_tick"].as_u64().unwrap();
        fs::remove_file(folder.path().join("f.mcap.part")).unwrap();
    }
    assert!(last > 0);
}

/// Whether a report's ledger is this one: the hash of its lines.
fn has_ledger(report: &Value, ledger: &str) -> bool {
    let mut hasher = blake3::Hasher::new();
    for line in ledger.lines().filter(|line| !line.starts_with('#')) {
        hasher.update(line.as_bytes());
        hasher.update(b"\n");
    }
    report["ledger_hash"] == hasher.finalize().to_hex()[..32]
}

#[test]
fn a_damaged_session_is_played_as_far_as_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path());
    let whole = fs::read(folder.path().join("a.mcap")).unwrap();
    let mut ends = Vec::new();
    for eighth in 1..8 {
        let cut = whole.len() * eighth / 8;
        fs::write(folder.path().join("cut.mcap"), &whole[..cut]).unwrap();
        let mut flipped = whole.clone();
        flipped[cut] ^= 0x10;
        fs::write(folder.path().join("flipped.mcap"), &flipped).unwrap();
        let (found, code) = info(folder.path(), "cut.mcap");
        assert_eq!(code, 1);
        ends.push(found["end_tick"].as_u64().unwrap());
        let (damaged, code) = info(folder.path(), "flipped.mcap");
        assert_eq!(code, 1, "{damaged}");
        assert!(damaged["damage"].as_str().unwrap().contains("flipped.mcap, at byte"), "{damaged}");
    }
    assert!(ends.is_sorted() && ends[6] > 0, "{ends:?}");
    let arguments = ["replay", "cut.mcap", "--speed", "max", "--no-view", "--json"];
    let output = napot_plain(folder.path(), &arguments);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ticks"].as_u64().unwrap(), ends[6]);
    assert!(said(&output).contains("cut short"), "{}", said(&output));
    assert_eq!(output.status.code(), Some(1));
    assert!(report["session"]["damage"].as_str().unwrap().contains("cut.mcap, at byte"));
}

#[test]
fn a_run_whose_states_are_too_large_is_recorded_without_and_replayed_from_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let large = ["vision.height=800", "vision.width=800", "record.state_seconds=1", "mind.enabled=false"];
    let set = large.iter().flat_map(|set| ["--set", set]);
    let call = ["demo", "--for", "0.02", "--speed", "max", "--no-view"];
    let run = napot_plain(
        folder.path(),
        &call.into_iter().chain(["--record", "a.mcap"]).chain(set.clone()).collect::<Vec<_>>(),
    );
    assert!(run.status.success() && said(&run).contains("(allowed: up to 58)"), "{}", said(&run));
    assert_eq!(verified(folder.path(), &[])["verified"]["equal_lines"], 1);
    let call = ["demo", "--for", "0.02", "--no-view", "--retro", "b.mcap"];
    let run = napot_plain(folder.path(), &call.into_iter().chain(set).collect::<Vec<_>>());
    assert!(run.status.code() == Some(2) && said(&run).contains("--retro"), "{}", said(&run));
}

#[test]
fn wrong_calls_are_refused_with_one_message() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path());
    fs::write(folder.path().join("t.csv"), "a\n1\n2\n").unwrap();
    let broken = folder.path().join("broken.mcap.part");
    fs::copy(folder.path().join("a.mcap"), &broken).unwrap();
    fs::write(folder.path().join("other.mcap"), b"\x89MCAP0\r\n\x01rest").unwrap();
    for (arguments, code, part) in [
        (&["replay", "a.mcap", "t.csv"][..], 2, "a session plays alone"),
        (&["replay", "a.mcap", "--loop", "--verify"], 2, "--verify"),
        (&["replay", "a.mcap", "--start", "9"], 2, "--start"),
        (&["replay", "a.mcap", "--for", "9"], 2, "up to 4.000 s"),
        (&["replay", "a.mcap", "--start", "3", "--for", "1.5"], 2, "up to 1.000 s"),
        (&["replay", "t.csv", "--verify"], 2, "--verify"),
        (&["replay", "other.mcap"], 1, "other.mcap"),
        (&["session", "info", "absent.mcap"], 2, "absent.mcap"),
        (&["session", "info", "t.csv"], 1, "t.csv"),
        (&["session", "recover", "a.mcap", "a.mcap"], 2, "already"),
        (&["session", "recover", "broken.mcap.part", "broken.mcap"], 2, "another name"),
        (&["replay", "a.mcap", "--verify", "--record", "b.mcap"], 2, "--record"),
        (&["replay", "t.csv", "--rate", "10", "--record", "t.csv"], 2, "this file is read"),
        (&["replay", "t.csv", "--rate", "10", "--record", "a.mcap"], 2, "a file of this name already"),
        (&["replay", "t.csv", "--rate", "10", "--record", "broken.mcap"], 2, "napot session recover"),
        (&["replay", "A/sound.wav", "--out", "A"], 2, "this file is read"),
        (&["listen", "a.mcap", "--out", "a.mcap"], 2, "x.wav"),
        (&["session", "cut", "a.mcap", "b.mcap", "--from", "2", "--to", "1"], 2, "--to"),
        (&["demo", "--for", "1", "--record", "absent/b.mcap"], 1, "absent/b.mcap"),
        (&["demo", "--set", "record.state_seconds=0"], 2, "record.state_seconds"),
    ] {
        let output = napot_plain(folder.path(), arguments);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        let messages = said.lines().filter(|line| line.starts_with("napot:")).count();
        assert!(messages == 1 && said.contains(part), "{arguments:?}: {said}");
    }
    assert!(
        fs::read(&broken).unwrap() == fs::read(folder.path().join("a.mcap")).unwrap(),
        "what a kill left is left"
    );
}

#[test]
fn what_is_exported_is_what_was_recorded() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path());
    let found = info(folder.path(), "a.mcap").0;
    for form in ["edf", "xdf", "wav", "csv", "bursts", "npy"] {
        let output = napot_plain(folder.path(), &["export", "a.mcap", "--to", form, "--out", "E"]);
        assert!(output.status.success(), "{form}: {}", said(&output));
    }
    let read = |name: &str| fs::read(folder.path().join("E").join(name)).unwrap();
    // Every sample as the table has it is the one that NumPy gets, to the bit.
    let table = String::from_utf8(read("a.csv")).unwrap();
    let npy = read("a.npy");
    let from = 10 + usize::from(u16::from_le_bytes([npy[8], npy[9]]));
    assert_eq!(from % 64, 0);
    let mut numbers = npy[from..].as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
    let mut rows = table.lines();
    let electrodes = found["facts"]["electrodes"].as_array().unwrap().len();
    assert_eq!(rows.next().unwrap().split(',').count(), 1 + electrodes);
    for row in rows {
        for value in row.split(',').skip(1) {
            assert_eq!(Some(value.parse::<f32>().unwrap()), numbers.next());
        }
    }
    assert_eq!(numbers.next(), None);
    assert_eq!(table.lines().count() as u64, 1 + found["electrode_samples"].as_u64().unwrap());
    let bursts = String::from_utf8(read("a.bursts.csv")).unwrap();
    assert_eq!(bursts.lines().count() as u64, 1 + found["bursts"].as_u64().unwrap());
    let sound = read("a.wav");
    let sound = hound::WavReader::new(&sound[..]).unwrap();
    assert_eq!(sound.duration(), 4 * 48_000);
    // The EDF holds the samples that the run's own does; only when its marks were known differs.
    let replayed =
        napot_plain(folder.path(), &["replay", "E/a.edf", "--speed", "max", "--no-view", "--for", "1"]);
    assert!(replayed.status.success(), "{}", said(&replayed));
    let [own, exported] = [folder.path().join("A/electrodes.edf"), folder.path().join("E/a.edf")]
        .map(|path| fs::metadata(path).unwrap().len());
    assert_eq!(own, exported);
}
