//! What people change, strike and slow while a run goes on does what it says, and is in the session: a replay is the run again.

// Counts of a few seconds are far below 2^52.
#![allow(clippy::cast_precision_loss)]

mod small;

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use small::SETTINGS;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

/// Bytes before a message's own.
const HEADER: usize = 24;
const FIELD: u8 = 1;
const STATUS: u8 = 4;
const TRACES: u8 = 5;
const ABOUT: u8 = 6;
const ANSWER: u8 = 9;

/// A run with its page.
struct Run {
    process: Child,
    address: String,
}

impl Run {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_napot"));
        command.args(arguments).args(["--set", "view.port=0"]).args(SETTINGS).current_dir(folder);
        let mut process = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines();
        let line = said.by_ref().map(Result::unwrap).find(|line| line.contains("http://"));
        let line = line.expect("the page's address");
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        // What it says later is taken, so that it never waits.
        std::thread::spawn(move || said.for_each(drop));
        Self { process, address }
    }

    fn page(&self) -> Page {
        let (socket, _) = tungstenite::connect(format!("ws://{}/socket", self.address)).unwrap();
        let MaybeTlsStream::Plain(stream) = socket.get_ref() else { unreachable!("a loopback address") };
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Page { socket, fields: Vec::new(), shown: (false, 0.0) }
    }

    /// Ends it as Ctrl-C does.
    fn end(mut self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Run {
    /// A test that fails leaves nothing behind.
    fn drop(&mut self) {
        let _ = self.process.kill();
    }
}

/// A page without a browser.
struct Page {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    /// The ticks of the fields that came.
    fields: Vec<u64>,
    /// Whether the last of them was less its twin, and the mean of its first picture's amplitudes.
    shown: (bool, f64),
}

impl Page {
    fn ask(&mut self, request: &Value) {
        self.socket.send(Message::text(request.to_string())).unwrap();
    }

    /// The next message of this kind, in JSON.
    fn next(&mut self, kind: u8) -> Value {
        loop {
            let Message::Binary(bytes) = self.socket.read().unwrap() else { continue };
            if bytes[0] == FIELD {
                let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
                self.fields.push(long(16));
                let amplitudes = bytes[HEADER + 8..].iter().skip(1).step_by(2);
                let sum: f64 = amplitudes.clone().map(|amplitude| f64::from(*amplitude)).sum();
                self.shown = (bytes[3] == 1, sum / amplitudes.count() as f64);
                self.ask(&json!({ "ack": long(8) }));
            }
            if bytes[0] == kind {
                return serde_json::from_slice(&bytes[HEADER..]).unwrap();
            }
        }
    }

    /// Waits for a status of which this holds.
    fn until(&mut self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..150 {
            let status = self.next(STATUS);
            if holds(&status) {
                return status;
            }
        }
        panic!("{what} did not come");
    }
}

/// The place of a parameter among those that may change.
fn place(about: &Value, key: &str) -> usize {
    let parameters = about["hands"]["parameters"].as_array().unwrap();
    parameters.iter().position(|parameter| parameter["key"] == key).unwrap()
}

fn verified(folder: &Path, file: &str, start: &str) -> u64 {
    let output = Command::new(env!("CARGO_BIN_EXE_napot"))
        .current_dir(folder)
        .args(["replay", file, "--verify", "--no-view", "--json", "--speed", "max", "--start", start])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "from {start}: {said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["session"]["verified"]["equal_lines"].as_u64().unwrap()
}

#[test]
fn parameters_pokes_and_notes_do_what_they_say_and_a_replay_is_the_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["demo", "--record", "a.mcap", "--out", "A", "--set", "record.state_seconds=1"];
    let run = Run::start(folder.path(), &arguments);
    let mut page = run.page();
    let about = page.next(ABOUT);
    let (chi, kappa) = (place(&about, "array.chi"), place(&about, "array.kappa"));
    page.ask(&json!({ "set": { "array.chi": 1.6, "array.kappa": 0.5 } }));
    let status = page.until("the change", |status| status["status"]["hand"]["values"][chi] == 1.6);
    assert_eq!(status["status"]["hand"]["values"][kappa], 0.5);
    assert_eq!(status["control"], "own");

    let before = status["status"]["bursts_per_second"].as_f64().unwrap();
    for column in 2..8 {
        page.ask(
            &json!({ "poke": { "array": 0, "row": 8, "column": column, "radius": 3, "magnitude": 2.0 } }),
        );
    }
    page.until("the struck sites", |status| {
        status["status"]["bursts_per_second"].as_f64().unwrap() > before + 100.0
    });
    page.ask(&json!({ "annotate": "eyes closed" }));

    // What is out of bounds changes nothing, and is told.
    for (wrong, part) in [
        (json!({ "set": { "array.chi": 1.2, "array.kappa": 99.0 } }), "array.kappa"),
        (json!({ "set": { "seed": 3.0 } }), "can't be changed while a run goes on"),
        (
            json!({ "poke": { "array": 9, "row": 0, "column": 0, "radius": 1, "magnitude": 1.0 } }),
            "poke.array",
        ),
    ] {
        page.ask(&wrong);
        let status =
            page.until(part, |status| status["status"]["hand"]["refused"].as_str().unwrap().contains(part));
        assert_eq!(status["status"]["hand"]["values"][chi], 1.6);
    }
    for wrong in [json!({ "speed": 5 }), json!({ "annotate": "two\nlines" }), json!({ "annotate": "  " })] {
        page.ask(&wrong);
        assert!(page.next(ANSWER)["refused"].is_string(), "{wrong}");
    }

    // A second change, so that a replay from a state between the two must begin by the first.
    std::thread::sleep(Duration::from_millis(1_500));
    page.ask(&json!({ "set": { "array.burst_gain": 6.0 } }));
    let gain = place(&about, "array.burst_gain");
    page.until("the second change", |status| status["status"]["hand"]["values"][gain] == 6.0);
    std::thread::sleep(Duration::from_millis(1_200));
    run.end();

    let whole = verified(folder.path(), "a.mcap", "0");
    assert!(whole >= 3, "{whole} lines");
    for start in ["1", "2", "3"] {
        assert!(verified(folder.path(), "a.mcap", start) > 0);
    }
    // A part that begins behind the first change, too.
    let cut = Command::new(env!("CARGO_BIN_EXE_napot"))
        .current_dir(folder.path())
        .args(["session", "cut", "a.mcap", "b.mcap", "--from", "2", "--to", "3"])
        .output()
        .unwrap();
    assert!(cut.status.success(), "{}", String::from_utf8_lossy(&cut.stderr));
    assert!(verified(folder.path(), "b.mcap", "2") > 0);
    let edf = std::fs::read(folder.path().join("A/electrodes.edf")).unwrap();
    assert!(edf.windows(11).any(|part| part == b"eyes closed"));
}

#[test]
fn the_field_less_its_twin_its_energy_and_the_places_of_bursts_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::start(folder.path(), &["demo"]);
    let mut page = run.page();
    assert_eq!(page.next(ABOUT)["twin"], true);
    let status = page.until("energy", |status| status["status"]["energy"][0].is_object());
    let whole = page.shown;
    assert!(!whole.0);
    for band in status["status"]["energy"].as_array().unwrap() {
        let part = |name: &str| band[name].as_f64().unwrap();
        assert!(
            (0.3..3.0).contains(&part("stored")) && part("noise") > 0.0 && part("damping") < 0.0,
            "{band}"
        );
    }
    // What the senses give enters the fastest band, and comes to the others by the cascade.
    let last = status["status"]["energy"].as_array().unwrap().last().unwrap();
    assert!(last["drive"].as_f64().unwrap() > 0.0, "{last}");
    let traces = page.next(TRACES);
    let row = traces["bursts"][0].as_array().unwrap();
    assert!(row.len() >= 32 && row.len().is_multiple_of(32), "{} places", row.len());

    page.ask(&json!({ "difference": true }));
    for _ in 0..20 {
        page.next(STATUS);
        if page.shown.0 {
            break;
        }
    }
    // The twin hears the same noise: what is left is what the input did, drawn four times as strong.
    assert!(page.shown.0 && page.shown.1 < 0.7 * 4.0 * whole.1, "{:?} of {whole:?}", page.shown);
    page.ask(&json!({ "difference": false }));
    run.end();
}

#[test]
fn time_is_slowed_stopped_and_stepped_and_nothing_is_late_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::start(folder.path(), &["demo", "--out", "A", "--set", "record.retro_megabytes=0"]);
    let mut page = run.page();
    page.ask(&json!({ "pause": true }));
    page.until("the pause", |status| status["status"]["hand"]["paused"] == true);
    let seconds = |status: &Value| status["status"]["seconds"].as_f64().unwrap();
    let held = seconds(&page.next(STATUS));
    let later = seconds(&page.next(STATUS));
    assert!((later - held).abs() < 0.002, "time went on: {held}, {later}");
    page.ask(&json!({ "step": true }));
    let stepped = page.until("a step", |status| seconds(status) > later);
    assert!((seconds(&stepped) - later - 0.016).abs() < 0.003, "{later} to {}", seconds(&stepped));
    page.until("its picture", |_| true);
    let shown = page.fields.iter().filter(|tick| **tick as f64 > later * 1_000.0).count();
    assert_eq!(shown, 1, "a step shows one picture");

    page.ask(&json!({ "speed": 20, "pause": false }));
    page.until("slow motion", |status| status["status"]["hand"]["speed"] == 20);
    page.next(STATUS);
    let [one, other] = [0, 1].map(|_| {
        std::thread::sleep(Duration::from_millis(600));
        while page.next(STATUS)["ended"] == true {}
        page.next(STATUS)
    });
    let slow = other["status"]["realtime_factor"].as_f64().unwrap();
    assert!((0.005..0.04).contains(&slow), "{slow} {one}");

    page.ask(&json!({ "speed": 1000 }));
    page.until("real time again", |status| {
        status["status"]["realtime_factor"].as_f64().is_some_and(|factor| (0.8..1.2).contains(&factor))
    });
    run.end();
    let report = small::whole_outputs(&folder.path().join("A"));
    // A machine that is busy with other tests may be late by itself, not by the seconds that time stood still.
    assert!(report["deadline_misses"].as_u64().unwrap() < 20, "{}", report["deadline_misses"]);
}

#[test]
fn where_another_programs_channels_come_in_time_is_not_slowed() {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let run = Run::start(folder.path(), &["demo", "--receive", &format!("osc:{port}")]);
    let mut page = run.page();
    assert_eq!(page.next(ABOUT)["hands"]["tempo"], false);
    page.ask(&json!({ "pause": true }));
    let status = page.until("a refusal", |status| {
        status["status"]["hand"]["refused"].as_str().unwrap().contains("--receive")
    });
    assert_eq!(status["status"]["hand"]["paused"], false);
    run.end();
}

#[test]
fn one_page_is_in_control_at_a_time_and_another_can_take_over() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::start(folder.path(), &["demo", "--set", "record.retro_megabytes=0"]);
    let (mut one, mut other) = (run.page(), run.page());
    one.ask(&json!({ "set": { "array.tonic": 0.5 } }));
    one.until("control", |status| status["control"] == "own");
    let status = other.until("the other's control", |status| status["control"] == "other");
    // There is no speaker to be muted; the wish to is known all the same.
    assert_eq!(status["status"]["hand"].get("muted"), Some(&Value::Null), "{}", status["status"]["hand"]);
    other.ask(&json!({ "mute": true }));
    assert_eq!(other.next(ANSWER)["refused"], "another page is in control");
    other.ask(&json!({ "set": { "array.tonic": 2.0 } }));
    assert_eq!(other.next(ANSWER)["refused"], "another page is in control");
    other.ask(&json!({ "control": true, "set": { "array.tonic": 2.0 } }));
    let status = other.until("the change", |status| status["status"]["hand"]["values"][2] == 2.0);
    assert_eq!(status["control"], "own");
    one.until("the loss", |status| status["control"] == "other");
    drop(other);
    one.until("freedom", |status| status["control"] == "nobody");
    // A link asks for what it shows and locks nobody out.
    one.ask(&json!({ "band": 1, "control": false, "set": { "array.tonic": 0.7 } }));
    let near = |value: &Value| value.as_f64().is_some_and(|value| (value - 0.7).abs() < 1e-6);
    let status = one.until("the link's wish", |status| near(&status["status"]["hand"]["values"][2]));
    assert_eq!(status["control"], "nobody");
    run.end();
}

#[test]
fn a_session_that_is_played_again_is_not_changed_but_may_be_slowed() {
    let folder = tempfile::tempdir().unwrap();
    let made = small::napot(folder.path(), &["demo", "--for", "3", "--record", "a.mcap"]);
    assert!(made.status.success(), "{}", small::said(&made));
    let run = Run::start(folder.path(), &["replay", "a.mcap", "--loop"]);
    let mut page = run.page();
    let about = page.next(ABOUT);
    assert_eq!(about["hands"]["parameters"], json!([]));
    assert_eq!(about["hands"]["tempo"], true);
    page.ask(&json!({ "set": { "array.kappa": 1.0 } }));
    page.until("a refusal", |status| {
        status["status"]["hand"]["refused"].as_str().unwrap().contains("played again")
    });
    assert_eq!(about["hands"]["holds"], false);
    page.ask(&json!({ "hold": [1, true] }));
    page.until("a refusal", |status| {
        status["status"]["hand"]["refused"].as_str().unwrap().contains("played again")
    });
    page.ask(&json!({ "pause": true }));
    page.until("the pause", |status| status["status"]["hand"]["paused"] == true);
    run.end();
}

#[test]
fn an_array_that_holds_leaves_its_whole_and_comes_back_and_every_replay_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::start(folder.path(), &["demo", "--record", "a.mcap", "--set", "binding.side=32"]);
    let mut page = run.page();
    assert_eq!(page.next(ABOUT)["hands"]["holds"], true);
    let together = |status: &Value| status["status"]["binding"]["wholes"][0]["arrays"] == 8;
    page.until("a whole of all", together);
    page.ask(&json!({ "hold": [2, true] }));
    page.until("its leaving", |status| {
        let binding = &status["status"]["binding"];
        let array = &binding["arrays"][2];
        array["held"] == true && array["whole"] != binding["wholes"][0]["name"]
    });
    page.ask(&json!({ "hold": [2, false] }));
    page.until("its return", |status| {
        status["status"]["binding"]["arrays"][2]["held"] == false && together(status)
    });
    page.ask(&json!({ "hold": [8, true] }));
    page.until("a refusal", |status| {
        status["status"]["hand"]["refused"].as_str().unwrap().contains("0 to 7")
    });
    run.end();
    let replay = |threads: &str| {
        let threads = format!("engine.threads={threads}");
        let arguments =
            ["replay", "a.mcap", "--verify", "--json", "--set", &threads, "--set", "binding.side=32"];
        let output = small::napot(folder.path(), &arguments);
        assert!(output.status.success(), "{}", small::said(&output));
        let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["binding"]["update_ms"] = Value::Null;
        report["binding"].take()
    };
    let (one, other) = (replay("1"), replay("2"));
    assert_eq!(one, other);
    assert_eq!(one["wholes"][0]["arrays"], 8, "{one}");
    assert!(one["mean_order"].as_f64().unwrap() < 0.999, "nobody held in the replay: {one}");
}
