//! The report of a run: it follows its schema, says `null` where nothing was measured, and repeats.

mod small;

use std::process::Command;

use napot::command::report::Report;
use serde_json::Value;
use small::{napot, said, whole_outputs};

fn validator() -> jsonschema::Validator {
    let schema = serde_json::to_value(schemars::schema_for!(Report)).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

/// A report of two seconds of the room, from a file and from standard output.
fn two_seconds() -> (Value, Value) {
    let folder = tempfile::tempdir().unwrap();
    let run = napot(folder.path(), &["demo", "--for", "2", "--json", "--out", "run"]);
    assert!(run.status.success(), "{}", said(&run));
    let printed = serde_json::from_slice(&run.stdout).expect("one JSON document on standard output");
    (whole_outputs(&folder.path().join("run")), printed)
}

#[test]
fn the_report_follows_its_schema_in_the_file_and_on_standard_output() {
    let validator = validator();
    let (kept, printed) = two_seconds();
    for report in [&kept, &printed] {
        let faults: Vec<String> = validator.iter_errors(report).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
    assert_eq!(kept, printed);
}

#[test]
fn the_report_has_every_figure_that_scripts_rely_on() {
    let (report, _) = two_seconds();
    for pointer in [
        "/version",
        "/seed",
        "/config_hash",
        "/seconds",
        "/ticks",
        "/realtime_factor",
        "/sources",
        "/bursts/count",
        "/bursts/per_second",
        "/bursts/bits_per_second",
        "/bursts/mean_surprisal_bits",
        "/tonic",
        "/energy/in",
        "/energy/stored",
        "/energy/dissipated",
        "/energy/relative_error",
        "/latency_ms",
        "/deadline_misses",
        "/ledger_hash",
    ] {
        assert!(report.pointer(pointer).is_some(), "{pointer} is missing");
    }
    let sources = report["sources"].as_array().unwrap();
    assert_eq!(sources.len(), 2, "the room is seen and heard");
    for source in sources {
        for key in ["name", "kind", "produced", "delivered", "dropped", "origin"] {
            assert!(!source[key].is_null(), "{key} of a source is missing: {source}");
        }
        let count = |key: &str| source[key].as_u64().unwrap();
        assert_eq!(count("produced"), count("delivered") + count("dropped"));
    }
    for hop in report["latency_ms"].as_object().unwrap().values() {
        for key in ["origin", "count", "p50", "p99", "p99_9", "max"] {
            assert!(hop.get(key).is_some(), "{key} of a hop is missing: {hop}");
        }
    }
    assert_eq!(report["ticks"], 2_000);
    assert_eq!(report["seconds"], 2.0);
}

#[test]
fn what_was_not_measured_is_null_and_never_zero() {
    let (report, _) = two_seconds();
    // Nothing is due in a run at full speed, two seconds are shorter than a spectrum's segment, and
    // 2000 ticks have no 99.9th percentile.
    for pointer in ["/deadline_misses", "/tonic", "/spectrum", "/latency_ms/engine_tick/p99_9"] {
        assert_eq!(report.pointer(pointer), Some(&Value::Null), "{pointer}");
    }
}

#[test]
fn a_report_that_lacks_a_figure_breaks_the_schema() {
    let validator = validator();
    let (report, _) = two_seconds();
    for (key, value) in [("ledger_hash", Value::Null), ("tonic", 0.into()), ("ticks", "many".into())] {
        let mut broken = report.clone();
        broken[key] = value;
        assert!(!validator.is_valid(&broken), "{key}");
    }
    let mut broken = report;
    broken["energy"].as_object_mut().unwrap().remove("dissipated");
    assert!(!validator.is_valid(&broken));
}

#[test]
fn one_thread_and_two_give_the_same_ledger_and_the_same_sound() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["1", "2"].map(|threads| {
        let threads_key = format!("engine.threads={threads}");
        let run =
            napot(folder.path(), &["demo", "--for", "2", "--quiet", "--out", threads, "--set", &threads_key]);
        assert!(run.status.success(), "{}", said(&run));
        let _ = whole_outputs(&folder.path().join(threads));
        ["ledger.txt", "sound.wav"].map(|name| std::fs::read(folder.path().join(threads).join(name)).unwrap())
    });
    assert!(one[0] == two[0], "the ledgers differ");
    assert!(one[1] == two[1], "the sounds differ");
}

#[test]
fn a_run_of_one_second_can_be_analysed_without_curves_over_time() {
    let folder = tempfile::tempdir().unwrap();
    let run = napot(folder.path(), &["demo", "--for", "1", "--quiet", "--out", "run"]);
    assert!(run.status.success(), "{}", said(&run));
    let run_folder = folder.path().join("run");
    let analyzed =
        Command::new(env!("CARGO_BIN_EXE_napot")).arg("analyze").arg(&run_folder).output().unwrap();
    assert!(analyzed.status.success(), "{}", said(&analyzed));
    assert!(String::from_utf8_lossy(&analyzed.stdout).contains("1.0 s of model time"));
    assert!(!run_folder.join("bursts.png").exists(), "one point is no curve");
    // Where plots can't be written, the rest is told.
    let mut command = Command::new(env!("CARGO_BIN_EXE_napot"));
    let nowhere = run_folder.join("report.json/plots");
    let analyzed = command.arg("analyze").arg(&run_folder).arg("--out").arg(nowhere).output().unwrap();
    assert_eq!(analyzed.status.code(), Some(1), "{}", said(&analyzed));
    assert!(String::from_utf8_lossy(&analyzed.stdout).contains("1.0 s of model time"));
}

/// What a table of 512 rows a second says of one second of it.
#[test]
fn what_lies_behind_the_end_of_a_run_is_counted_as_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let row = |n: u32| format!("{:.9},{}\n", f64::from(n) / 512.0, n % 7);
    let rows: String = (0..2_000).map(row).collect();
    std::fs::write(folder.path().join("t.csv"), format!("seconds,a\n{rows}")).unwrap();
    let told = |run: &std::process::Output| -> Value {
        assert!(run.status.success(), "{}", said(run));
        serde_json::from_slice::<Value>(&run.stdout).unwrap()["sources"][0].clone()
    };
    let call = ["replay", "t.csv", "--record", "a.mcap", "--for", "1", "--json"];
    let source = told(&napot(folder.path(), &call));
    // The row at the end itself enters no tick, and nothing is read behind it.
    assert_eq!(
        (&source["produced"], &source["delivered"], &source["dropped"]),
        (&513.into(), &512.into(), &1.into())
    );
    let all = told(&napot(folder.path(), &["replay", "t.csv", "--json"]));
    assert_eq!((&all["produced"], &all["dropped"]), (&2_000.into(), &0.into()));
    // Of a session ticks are counted.
    let part = told(&napot(folder.path(), &["replay", "a.mcap", "--for", "0.4", "--json"]));
    assert_eq!(part["delivered"], 400, "{part}");
}

#[test]
fn a_report_that_cannot_be_kept_is_printed_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("run/report.json.part")).unwrap();
    let run = napot(folder.path(), &["demo", "--for", "0.5", "--json", "--out", "run"]);
    assert_eq!(run.status.code(), Some(1), "{}", said(&run));
    let report: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert!(report["failures"].to_string().contains("report.json"), "{}", report["failures"]);
    assert_eq!(report["ticks"], 500);
}
