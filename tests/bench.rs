//! `napot bench` and what a run takes of a machine: options that would do nothing, and threads beyond its cores.

use std::process::{Command, Output};

use napot::config::Config;

/// Runs a measurement on small sheets.
fn bench(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_napot"));
    command.arg("bench").args(arguments).args(["--set", "vision.height=16", "--set", "vision.width=16"]);
    command.args(["--set", "hearing.cochlea.channels=16", "--set", "hearing.cochlea.rates=8"]);
    command.args(["--set", "room.height=32", "--set", "room.width=32"]).output().unwrap()
}

fn refused(arguments: &[&str], parts: &[&str]) {
    let output = bench(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty(), "{arguments:?}: a refused call prints no result");
    for part in parts {
        assert!(said.contains(part), "{arguments:?}: no `{part}` in: {said}");
    }
}

#[test]
fn what_throughput_alone_takes_is_refused_elsewhere() {
    for what in ["pipeline", "latency"] {
        for option in [&["--sizes", "64"][..], &["--threads", "1"], &["--gpu"]] {
            refused(&[&[what][..], option].concat(), &[option[0], "no effect", what, "throughput"]);
        }
    }
}

#[test]
fn one_number_of_threads_beyond_the_cores_is_refused_though_another_is_not() {
    let cores = std::thread::available_parallelism().unwrap().get();
    if cores >= 64 {
        eprintln!("SKIPPED: more threads than cores: this machine has {cores} cores");
        return;
    }
    let bound = format!("64 (allowed: at most {cores})");
    refused(&["throughput", "--threads", "1,64", "--sizes", "8"], &["--threads", &bound]);
}

#[test]
fn sizes_that_were_asked_for_are_all_that_is_measured_of_one_array_each() {
    let output = bench(&["throughput", "--sizes", "8", "--threads", "1", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows.len(), 3);
    for row in rows {
        assert_eq!((row["sites"][0].as_u64(), row["arrays"].as_u64()), (Some(8), Some(1)), "{row}");
    }
}

#[test]
fn a_short_run_of_the_whole_engine_says_its_tenths_of_a_second() {
    let output = bench(&["pipeline", "--for", "0.2"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("whole engine on the room, 0.2 s,"), "{told}");
}

#[test]
fn a_step_is_shared_by_no_more_threads_than_there_are_cores() {
    let cores = std::thread::available_parallelism().unwrap().get();
    let mut config = Config::default();
    for asked in [1, cores, 64] {
        config.engine.threads = asked;
        assert_eq!(config.threads(), asked.min(cores));
    }
}
