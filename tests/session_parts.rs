//! Parts of sessions: the last seconds kept at a signal, cutting, joining, going round, and what people are shown.

mod small;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use napot::session::{Recorder, Session};
use napot::signal::SessionItem;
use napot::stream::Sink;
use napot::time::Tick;
use serde_json::Value;
use small::{napot, said, whole_outputs};

/// Records four seconds of the small room into `a.mcap`, a state every second.
fn recorded(folder: &Path) {
    let run = napot(folder, &["demo", "--for", "4", "--record", "a.mcap", "--set", STATES]);
    assert!(run.status.success(), "{}", said(&run));
}

const STATES: &str = "record.state_seconds=1";

/// A call that takes none of the small run's settings.
fn call(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_napot")).current_dir(folder).args(arguments).output().unwrap()
}

/// A call that must succeed and print JSON.
fn told(folder: &Path, arguments: &[&str]) -> Value {
    let output = call(folder, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A call that is refused: with which code, and with which words.
fn refused(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) {
    let output = call(folder, arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output));
    for word in words {
        assert!(said(&output).contains(word), "{word:?} is not in {}", said(&output));
    }
}

/// The lines of the ledger in which a replay equals its session; it must equal it everywhere.
fn equal_lines(folder: &Path, session: &str) -> u64 {
    let report = told(folder, &["replay", session, "--verify", "--no-view", "--speed", "max"]);
    assert_eq!(report["session"]["verified"]["difference"], Value::Null);
    report["session"]["verified"]["equal_lines"].as_u64().unwrap()
}

/// Waits until it is so.
fn until(mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < Duration::from_mins(1), "waited for nothing");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(unix)]
#[test]
fn what_just_happened_is_kept_at_a_signal_and_is_the_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let mut command = Command::new(env!("CARGO_BIN_EXE_napot"));
    command.current_dir(dir).args(small::SETTINGS).args(["demo", "--speed", "2", "--for", "60", "--no-view"]);
    // So little memory that the beginning is forgotten, and the file to know by when.
    command.args(["--set", STATES, "--set", "record.retro_megabytes=1", "--record", "all.mcap"]);
    let run = command.args(["--retro", "last.mcap"]).stderr(Stdio::piped()).spawn().unwrap();
    let signal = |name: &str| {
        let sent = Command::new("kill").args([name, &run.id().to_string()]).status().unwrap();
        assert!(sent.success());
    };
    until(|| {
        let found = call(dir, &["session", "info", "all.mcap.part", "--json"]);
        let info: Value = serde_json::from_slice(&found.stdout).unwrap_or_default();
        info["states"].as_array().is_some_and(|states| states.len() >= 4)
    });
    signal("-USR1");
    until(|| dir.join("last-1.mcap").exists());
    signal("-USR1");
    until(|| dir.join("last-2.mcap").exists());
    signal("-INT");
    let output = run.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("kept the last") && said(&output).contains("last-2.mcap"),
        "{}",
        said(&output)
    );
    let info = told(dir, &["session", "info", "last-1.mcap"]);
    assert!(info["first_tick"].as_u64().unwrap() >= 1_000, "the beginning is forgotten: {info}");
    assert_eq!(info["states"][0], info["first_tick"]);
    assert!(equal_lines(dir, "last-1.mcap") >= 1);
    // It is a part of the whole.
    let merged = told(dir, &["session", "merge", "all.mcap", "last-1.mcap", "merged.mcap"]);
    assert_eq!(merged["end_tick"], told(dir, &["session", "info", "all.mcap"])["end_tick"]);
    // Two that were kept make one without a hole: what the whole has of their time.
    let joined = told(dir, &["session", "merge", "last-1.mcap", "last-2.mcap", "both.mcap"]);
    let [from, to] = ["first_tick", "end_tick"].map(|key| joined[key].as_u64().unwrap());
    assert!(to > info["end_tick"].as_u64().unwrap(), "the second reaches further: {joined}");
    assert_eq!(joined["electrode_samples"], to - from, "1,000 a second");
    let [from, to] = [from, to].map(|tick| format!("{}.{:03}", tick / 1_000, tick % 1_000));
    let part = told(dir, &["session", "cut", "all.mcap", "part.mcap", "--from", &from, "--to", &to]);
    for key in ["first_tick", "end_tick", "bursts", "marks", "timed_ticks"] {
        assert_eq!(joined[key], part[key], "{key}");
    }
    let [joined, part] = [&joined, &part].map(|info| info["pictures"].as_u64().unwrap());
    assert!(joined.abs_diff(part) <= 1, "{joined} of {part} pictures");
}

/// The first electrode of a session, sample by sample with its time in ms.
fn first_electrode(dir: &Path, session: &str) -> Vec<(usize, f64)> {
    let output = call(dir, &["export", session, "--to", "csv"]);
    assert!(output.status.success() && said(&output).is_empty(), "{}", said(&output));
    let text = fs::read_to_string(dir.join(session).with_extension("csv")).unwrap();
    let cells = |row: &str| {
        let mut cells = row.split(',');
        // Whole milliseconds, told with nine decimals of a second.
        let ns = cells.next().unwrap().replace('.', "");
        (ns.parse::<usize>().unwrap() / 1_000_000, cells.next().unwrap().parse().unwrap())
    };
    text.lines().skip(1).map(cells).collect()
}

#[test]
fn electrodes_at_a_low_rate_stand_where_the_field_was_in_runs_and_in_replays_from_a_state() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    for (name, rate) in [("a.mcap", "electrodes.rate_hz=1000"), ("b.mcap", "electrodes.rate_hz=250")] {
        let run = napot(dir, &["demo", "--for", "4", "--record", name, "--set", STATES, "--set", rate]);
        assert!(run.status.success(), "{}", said(&run));
    }
    let again = ["replay", "b.mcap", "--start", "2", "--record", "c.mcap", "--speed", "max", "--no-view"];
    let again = call(dir, &again);
    assert!(again.status.success(), "{}", said(&again));
    let [every, low, part] = ["a.mcap", "b.mcap", "c.mcap"].map(|session| first_electrode(dir, session));
    assert_eq!([every.len(), low.len(), part.len()], [4_000, 1_000, 500], "as many as their ticks have");
    let apart = |late: usize| -> f64 {
        let inside = low.iter().filter(|(ms, _)| (100..3_900).contains(ms));
        inside.map(|(ms, value)| (every[*ms + late - 60].1 - value).powi(2)).sum()
    };
    let late = (0..=120).min_by(|a, b| apart(*a).total_cmp(&apart(*b))).unwrap();
    assert!(late.abs_diff(60) <= 4, "{late} - 60 ms from where they are at 1000 Hz");
    // Only what looks back behind the state knows less than the run did.
    assert_eq!(part[13..], low[500 + 13..]);
}

#[test]
fn a_part_begins_at_a_state_and_ends_to_the_tick_and_parts_join_to_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    recorded(dir);
    let part = told(dir, &["session", "cut", "a.mcap", "b.mcap", "--from", "1.5", "--to", "3.2"]);
    assert_eq!((&part["first_tick"], &part["end_tick"]), (&1_000.into(), &3_200.into()));
    assert_eq!(part["electrode_samples"], 2_200, "1,000 a second");
    assert_eq!(equal_lines(dir, "b.mcap"), 2);
    told(dir, &["session", "cut", "a.mcap", "head.mcap", "--to", "2.5"]);
    told(dir, &["session", "cut", "a.mcap", "tail.mcap", "--from", "2"]);
    let joined = told(dir, &["session", "merge", "head.mcap", "b.mcap", "tail.mcap", "c.mcap"]);
    let whole = told(dir, &["session", "info", "a.mcap"]);
    // Without ends it is the whole.
    let cut = told(dir, &["session", "cut", "a.mcap", "all.mcap"]);
    for key in
        ["first_tick", "end_tick", "ledger_lines", "bursts", "electrode_samples", "marks", "timed_ticks"]
    {
        assert_eq!((&joined[key], &cut[key]), (&whole[key], &whole[key]), "{key}");
    }
    // With what is of the time at which the run ended.
    assert_eq!((&joined["pictures"], &cut["pictures"]), (&whole["pictures"], &whole["pictures"]));
    assert_eq!(equal_lines(dir, "c.mcap"), 4);
    // Where one ends and the next begins, the state itself shows that they are of one run.
    told(dir, &["session", "cut", "a.mcap", "two.mcap", "--to", "2"]);
    told(dir, &["session", "merge", "two.mcap", "tail.mcap", "d.mcap"]);
}

/// Writes `a.mcap` again as `b.mcap`, with what people would have done at second 1.5.
fn with_hands(dir: &Path, items: &[SessionItem]) {
    let session = Session::open(&dir.join("a.mcap")).unwrap();
    let recorder = Recorder::new(session.facts().clone(), Arc::default());
    let mut recorder = Box::new(recorder.into_file(&dir.join("b.mcap"), true).unwrap());
    let mut items = items.iter();
    for item in session.items().unwrap() {
        let item = item.unwrap();
        if matches!(&item, SessionItem::Entered(entered) if entered.first >= Tick(1_500)) {
            items.by_ref().for_each(|item| recorder.push(item).unwrap());
        }
        recorder.push(&item).unwrap();
    }
    recorder.finish().unwrap();
}

#[test]
fn a_part_begins_with_who_holds_and_a_recorded_replay_says_which_notes_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    recorded(dir);
    let at = Tick(1_500).start();
    let control = |text: &str| SessionItem::Control(at, text.to_owned());
    let note = SessionItem::Mark(at, "louder".to_owned());
    with_hands(dir, &[control("binding.hold.2=true"), control("view.band=3"), note]);
    told(dir, &["session", "cut", "b.mcap", "part.mcap", "--from", "2"]);
    let part = Session::open(&dir.join("part.mcap")).unwrap();
    let items: Vec<SessionItem> = part.items().unwrap().map(Result::unwrap).collect();
    for text in ["binding.hold.2=true", "view.band=3"] {
        assert!(items.contains(&SessionItem::Control(Tick(2_000).start(), text.to_owned())), "{text}");
    }
    for (session, start) in [("part.mcap", "0"), ("b.mcap", "3")] {
        let replay = ["replay", session, "--start", start, "--speed", "max", "--no-view"];
        let report = told(dir, &replay);
        let held: Vec<bool> = report["binding"]["arrays"]
            .as_array()
            .unwrap()
            .iter()
            .map(|array| array["held"].as_bool().unwrap())
            .collect();
        assert_eq!(held, [false, false, true, false, false, false, false, false], "{session}");
    }
    for (start, lacks) in [("0", true), ("2", false)] {
        let file = format!("c{start}.mcap");
        let replay = ["replay", "b.mcap", "--start", start, "--record", &file, "--speed", "max", "--no-view"];
        let output = call(dir, &replay);
        assert!(output.status.success(), "{}", said(&output));
        let found = said(&output).contains("notes of the session are not carried over: 1");
        assert_eq!(found, lacks, "{}", said(&output));
    }
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    recorded(dir);
    refused(
        dir,
        &["session", "cut", "a.mcap", "b.mcap", "--from", "9"],
        2,
        &["--from", "behind the end", "below 4"],
    );
    refused(
        dir,
        &["session", "cut", "a.mcap", "b.mcap", "--from", "2.5", "--to", "2"],
        2,
        &["--to", "above 2"],
    );
    refused(dir, &["session", "cut", "a.mcap", "a.mcap"], 2, &["already"]);
    told(dir, &["session", "cut", "a.mcap", "head.mcap", "--to", "1"]);
    told(dir, &["session", "cut", "a.mcap", "tail.mcap", "--from", "2"]);
    refused(
        dir,
        &["session", "merge", "head.mcap", "tail.mcap", "c.mcap"],
        1,
        &["tail.mcap", "where that ends", "0"],
    );
    let other = napot(dir, &["demo", "--for", "2", "--seed", "9", "--record", "other.mcap"]);
    assert!(other.status.success());
    refused(dir, &["session", "merge", "head.mcap", "other.mcap", "c.mcap"], 1, &["another configuration"]);
    let bytes = fs::read(dir.join("a.mcap")).unwrap();
    fs::write(dir.join("cut.mcap"), &bytes[..bytes.len() / 2]).unwrap();
    refused(dir, &["session", "cut", "cut.mcap", "b.mcap"], 1, &["cut short", "recover"]);
    assert!(!dir.join("b.mcap").exists() && !dir.join("c.mcap").exists());
}

#[test]
fn a_session_goes_round_and_round_and_then_nothing_can_be_verified() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    recorded(dir);
    let rounds = ["replay", "a.mcap", "--loop", "--start", "2", "--for", "7", "--speed", "max", "--no-view"];
    let report = told(dir, &[&rounds[..], &["--record", "b.mcap"]].concat());
    assert_eq!((&report["ticks"], &report["session"]["first_tick"]), (&7_000.into(), &2_000.into()));
    // What entered in the first two seconds entered again in the second ones, two seconds later.
    assert!(call(dir, &["export", "b.mcap", "--to", "bursts"]).status.success());
    let table = fs::read_to_string(dir.join("b.bursts.csv")).unwrap();
    let bursts = |from: u64, to: u64| -> Vec<String> {
        let rows = table.lines().skip(1).filter_map(|row| {
            let (tick, rest) = row.split_once(',')?;
            let tick = tick.parse::<u64>().ok().filter(|tick| (from..to).contains(tick))?;
            Some(format!("{} {}", tick - from, rest.split_once(',')?.1))
        });
        rows.collect()
    };
    assert!(!bursts(2_000, 4_000).is_empty());
    assert_eq!(bursts(2_000, 4_000), bursts(4_000, 6_000));
    assert_eq!(bursts(2_000, 4_000), bursts(6_000, 8_000));
    assert_eq!(equal_lines(dir, "b.mcap"), 7);
    refused(
        dir,
        &["replay", "a.mcap", "--loop", "--verify", "--no-view"],
        2,
        &["--verify", "round and round"],
    );
}

#[test]
fn what_people_are_shown_is_in_the_session_and_comes_out_again() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    recorded(dir);
    let info = told(dir, &["session", "info", "a.mcap"]);
    let pictures = info["pictures"].as_u64().unwrap();
    assert!((100..=125).contains(&pictures), "30 a second: {pictures}");
    assert_eq!(info["timed_ticks"], 4_000);
    for form in ["png", "latency", "mp4"] {
        let output = call(dir, &["export", "a.mcap", "--to", form]);
        assert!(output.status.success(), "{}", said(&output));
    }
    let times = fs::read_to_string(dir.join("a.pictures/times.csv")).unwrap();
    assert_eq!(times.lines().count() as u64, 1 + pictures);
    assert!(times.starts_with("file,seconds\n000001.png,0.0"), "{times}");
    assert!(fs::read(dir.join("a.pictures/000002.png")).unwrap().starts_with(b"\x89PNG"));
    let latency = fs::read_to_string(dir.join("a.latency.csv")).unwrap();
    assert_eq!(latency.lines().count(), 1 + 4_000);
    // The film is a film: it plays, pictures and sound, as long as the session.
    let film = told(dir, &["replay", "a.mp4", "--speed", "max", "--no-view", "--for", "4"]);
    let kinds: Vec<&str> =
        film["sources"].as_array().unwrap().iter().filter_map(|s| s["kind"].as_str()).collect();
    assert!(kinds.contains(&"sound") && kinds.contains(&"video"), "{kinds:?}");
    // Nothing is written over: it may be the recording that the session was made from.
    fs::write(dir.join("a.mp4"), "mine").unwrap();
    for form in ["mp4", "png"] {
        refused(dir, &["export", "a.mcap", "--to", form], 2, &["--to", "of this name already", "--out DIR"]);
    }
    assert_eq!(fs::read(dir.join("a.mp4")).unwrap(), b"mine");
    // A replay shows and keeps the same pictures.
    told(dir, &["replay", "a.mcap", "--record", "b.mcap", "--speed", "max", "--no-view"]);
    let again = told(dir, &["session", "info", "b.mcap"])["pictures"].as_u64().unwrap();
    assert!(again >= pictures - 1, "{again} of {pictures}");
    let deaf = ["--set", "vision.enabled=false", "--for", "1", "--record", "blind.mcap"];
    assert!(napot(dir, &[&["demo"], &deaf[..]].concat()).status.success());
    refused(dir, &["export", "blind.mcap", "--to", "mp4"], 1, &["blind.mcap", "no pictures"]);
}

#[test]
fn how_fast_a_recording_grows_is_told_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let run = napot(folder.path(), &["demo", "--for", "8", "--record", "a.mcap", "--out", "A"]);
    assert!(said(&run).contains("MB a second; room for"), "{}", said(&run));
    let report = whole_outputs(&folder.path().join("A"));
    let recording = &report["recording"];
    assert!(recording["hours_left"].as_f64().unwrap() > 0.0, "{recording}");
    assert_eq!(recording["retro_seconds"], Value::Null, "a run at full speed remembers nothing");
    refused(
        folder.path(),
        &["demo", "--for", "1", "--speed", "max", "--no-view", "--retro", "x"],
        2,
        &["--retro", "paced"],
    );
    let absent = ["demo", "--for", "1", "--no-view", "--retro", "absent/x"];
    refused(folder.path(), &absent, 2, &["--retro", "no such folder", "absent"]);
    // A tail would never come.
    let tails = ["demo", "--for", "1", "--no-view", "--tail", "2"];
    refused(folder.path(), &tails, 2, &["--tail", "its length already", "--for"]);
}

/// The rows of a table without its head: seconds, then values, in `f32`.
fn rows(table: &str) -> Vec<(String, Vec<f32>)> {
    let row = |line: &str| {
        let (time, values) = line.split_once(',').unwrap();
        (time.to_owned(), values.split(',').map(|value| value.parse().unwrap()).collect())
    };
    table.lines().skip(1).map(row).collect()
}

#[test]
fn channels_come_out_as_they_entered_from_a_table_and_from_a_replay() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let lines: Vec<String> = (0..500)
        .map(|n| format!("{:.9},{},{}\n", f64::from(n) * 0.004, f64::from(n % 7) / 3.0, n * n % 11))
        .collect();
    fs::write(dir.join("t.csv"), format!("seconds,\"a\",c\n{}", lines.concat())).unwrap();
    let run = napot(dir, &["replay", "t.csv", "--record", "a.mcap"]);
    assert!(run.status.success(), "{}", said(&run));
    assert!(napot(dir, &["replay", "a.mcap", "--record", "b.mcap"]).status.success());
    let given = rows(&fs::read_to_string(dir.join("t.csv")).unwrap());
    for name in ["a", "b"] {
        let session = format!("{name}.mcap");
        assert_eq!(told(dir, &["session", "info", &session])["channel_samples"], 500);
        assert!(call(dir, &["export", &session, "--to", "channels"]).status.success());
        let table = fs::read_to_string(dir.join(format!("{name}.channels.csv"))).unwrap();
        assert!(table.starts_with("seconds,a,c\n"), "{table:.40}");
        assert_eq!(rows(&table), given);
    }
    let json = told(dir, &["export", "a.mcap", "--to", "csv"]);
    assert_eq!(json, serde_json::json!({ "file": "a.csv", "missing_samples": 0, "damage": null }));
    // A name with the form's ending is the file itself.
    let json = told(dir, &["export", "a.mcap", "--to", "channels", "--out", "named.csv"]);
    assert_eq!(json["file"], "named.csv");
    assert_eq!(fs::read(dir.join("named.csv")).unwrap(), fs::read(dir.join("a.channels.csv")).unwrap());
    // No sound entered: what was begun is not left.
    refused(dir, &["export", "a.mcap", "--to", "wav"], 1, &["no sound"]);
    assert!(!dir.join("a.wav.part").exists() && !dir.join("a.wav").exists());
    // What came out goes in again.
    let run = napot(dir, &["replay", "a.channels.csv", "--record", "c.mcap"]);
    assert!(run.status.success(), "{}", said(&run));
    let hash = |session: &str| told(dir, &["session", "info", session])["bursts"].clone();
    assert_eq!(hash("c.mcap"), hash("a.mcap"));
}

#[test]
fn a_recorded_eeg_comes_out_with_the_same_numbers() {
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/eeg/test.edf");
    if !recording.exists() {
        eprintln!("SKIPPED: there is no {}", recording.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let run = napot(dir, &["replay", recording.to_str().unwrap(), "--record", "a.mcap"]);
    assert!(run.status.success(), "{}", said(&run));
    assert!(call(dir, &["export", "a.mcap", "--to", "channels"]).status.success());
    let table = rows(&fs::read_to_string(dir.join("a.channels.csv")).unwrap());
    let found: Vec<Vec<f32>> = table.into_iter().map(|(_, values)| values).collect();
    let mut source = napot::source::scalar::open_edf(&recording).unwrap();
    let mut given = Vec::new();
    while let Some(sample) = napot::stream::Source::pull(&mut source).unwrap() {
        given.push(sample.values);
    }
    assert!(given.len() > 1_000);
    assert!(found == given, "{} rows of {}", found.len(), given.len());
}
