//! Live exchange: what goes out is what is kept, what comes in drives an array, and neither can harm a run.

// Seconds and counters are small here.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

mod small;

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use napot::command::report::Report;
use napot::config::{Config, Session};
use napot::engine::instrument::Instrument;
use napot::engine::{Engine, Inputs, Keep, Pace, pump};
use napot::error::Error;
use napot::signal::ElectrodeItem;
use napot::source::media::{self, MediaOptions};
use napot::stream::{Sink, Source};
use napot::time::WallClock;
use rosc::{OscMessage, OscPacket, OscType};
use small::{SETTINGS, napot, said, whole_outputs};

/// Starts a run in real time on small arrays.
fn start(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_napot"));
    command.args(arguments).args(["--no-view", "--json"]).args(SETTINGS).current_dir(folder);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn report(output: &Output) -> Report {
    assert!(output.status.success(), "{}", said(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A socket of the test and its port.
fn socket() -> (UdpSocket, u16) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

/// A port on which nobody listens.
fn free_port() -> u16 {
    socket().1
}

/// All messages that come while `run` goes on, each with the time tag of its bundle in seconds, and how it ended.
fn listen(socket: &UdpSocket, mut run: Child) -> (Vec<(f64, OscMessage)>, Output) {
    let mut messages = Vec::new();
    let mut packet = vec![0; 65_536];
    loop {
        let ended = run.try_wait().unwrap().is_some();
        while let Ok(length) = socket.recv(&mut packet) {
            assert!(length <= 1_400, "a datagram of {length} bytes");
            let OscPacket::Bundle(bundle) = rosc::decoder::decode_udp(&packet[..length]).unwrap().1 else {
                panic!("a message without a bundle")
            };
            let tag =
                f64::from(bundle.timetag.seconds) + f64::from(bundle.timetag.fractional) / 4_294_967_296.0;
            for inner in bundle.content {
                let OscPacket::Message(message) = inner else { panic!("a bundle in a bundle") };
                messages.push((tag, message));
            }
        }
        if ended {
            return (messages, run.wait_with_output().unwrap());
        }
    }
}

/// The samples of an EDF file in microvolts, and its resolution.
fn edf(path: &Path) -> (Vec<String>, Vec<Vec<f32>>, f64) {
    let bytes = fs::read(path).unwrap();
    let field = |at: usize, length: usize| String::from_utf8_lossy(&bytes[at..at + length]).trim().to_owned();
    let signals: usize = field(252, 4).parse().unwrap();
    let range = |at: usize| field(256 + signals * at, 8).parse::<f64>().unwrap();
    let resolution = (range(112) - range(104)) / 65_535.0;
    let mut source = media::open(path, &MediaOptions::default()).unwrap().scalar.unwrap();
    let plain = |name: &String| name.trim_start_matches("EEG ").to_owned();
    let names = source.layout().names.iter().map(plain).collect();
    let mut samples = Vec::new();
    while let Some(sample) = source.pull().unwrap() {
        samples.push(sample.values);
    }
    (names, samples, resolution)
}

#[test]
fn electrodes_and_onsets_go_out_by_osc_as_the_file_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, port) = socket();
    let address = format!("osc:127.0.0.1:{port}");
    let run = start(folder.path(), &["demo", "--for", "2", "--seed", "3", "--send", &address, "--out", "A"]);
    let (messages, output) = listen(&socket, run);
    let report = report(&output);
    assert_eq!(whole_outputs(&folder.path().join("A"))["exchange"][0]["address"], address);
    let (names, kept, resolution) = edf(&folder.path().join("A/electrodes.edf"));
    let of = |path: &str| messages.iter().filter(|(_, m)| m.addr == path).cloned().collect::<Vec<_>>();

    let samples = of("/napot/electrodes");
    assert_eq!(samples.len(), 2_000, "every sample");
    for ((_, sent), kept) in samples.iter().zip(&kept) {
        for (sent, kept) in sent.args.iter().zip(kept) {
            let sent = sent.clone().float().unwrap();
            assert!(
                f64::from(sent - kept).abs() <= resolution,
                "{sent} and {kept}, in steps of {resolution}"
            );
        }
        assert_eq!(sent.args.len(), kept.len());
    }
    let told = of("/napot/names");
    assert!(told.len() == 2, "once a second");
    let strings: Vec<String> = told[0].1.args.iter().map(|name| name.clone().string().unwrap()).collect();
    assert_eq!(strings, names);
    assert_eq!(of("/napot/rate")[0].1.args, [OscType::Int(1_000)]);

    // The tags are the calendar's, and those of the samples follow the model's time.
    let span = samples[1_999].0 - samples[0].0;
    assert!((1.98..2.0).contains(&span), "{span}");
    let onsets: Vec<f32> =
        of("/napot/onset").iter().map(|(_, m)| m.args[0].clone().float().unwrap()).collect();
    let heard: Vec<f32> = report.onsets.iter().map(|onset| *onset as f32).collect();
    assert!(!heard.is_empty() && onsets == heard, "{onsets:?} and {heard:?}");
    let [sent] = &report.exchange[..] else { panic!("{:?}", report.exchange) };
    assert_eq!((&sent.address, &*sent.direction), (&address, "send"));
    assert_eq!((sent.sent, sent.dropped, sent.received), (Some(2_000 + heard.len() as u64), 0, None));
}

#[test]
fn nobody_who_listens_is_no_failure_and_changes_no_bit() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("osc:localhost:{}", free_port());
    for arguments in
        [&["demo", "--for", "1", "--json"][..], &["demo", "--for", "1", "--json", "--send", &address]]
    {
        let report = report(&napot(folder.path(), arguments));
        fs::write(folder.path().join(format!("{}", arguments.len())), report.ledger_hash).unwrap();
    }
    let [alone, heard] = ["4", "6"].map(|name| fs::read_to_string(folder.path().join(name)).unwrap());
    assert_eq!(alone, heard);
}

/// The next of some numbers that look random, -0.5 to 0.5.
fn noise(state: &mut u32) -> f32 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    (*state >> 8) as f32 / 16_777_216.0 - 0.5
}

/// Sends what `packet` makes of a counter every 5 ms until the run has ended; how many, and how it ended.
fn send_while(port: u16, mut run: Child, mut packet: impl FnMut(u64) -> Vec<u8>) -> (u64, Output) {
    let (socket, _) = socket();
    let mut count = 0;
    while run.try_wait().unwrap().is_none() {
        socket.send_to(&packet(count), ("127.0.0.1", port)).unwrap();
        count += 1;
        std::thread::sleep(Duration::from_millis(5));
    }
    (count, run.wait_with_output().unwrap())
}

fn encoded(path: &str, args: Vec<OscType>) -> Vec<u8> {
    rosc::encoder::encode(&OscPacket::Message(OscMessage { addr: path.to_owned(), args })).unwrap()
}

#[test]
fn what_comes_in_by_osc_raises_bursts_and_its_session_replays_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let address = format!("osc:{port}?channels=2");
    let arguments = ["demo", "--for", "3", "--set", "room.enabled=false", "--receive", &address];
    let run = start(folder.path(), &[&arguments[..], &["--record", "a.mcap"]].concat());
    let mut state = 1;
    let (count, output) = send_while(port, run, |n| {
        let values = [noise(&mut state), if n % 50 == 49 { f32::NAN } else { noise(&mut state) }];
        encoded("/napot/in", values.map(OscType::Float).to_vec())
    });
    let report = report(&output);
    let [received] = &report.exchange[..] else { panic!("{:?}", report.exchange) };
    assert_eq!(received.address, format!("osc:127.0.0.1:{port}"));
    let taken = received.received.unwrap();
    assert!((200..=count).contains(&taken), "{taken} of {count}");
    assert_eq!((received.late, received.ignored, received.sent), (Some(0), Some(0), None));
    assert!(report.bursts.by_array["scalar"] > 20, "{:?}", report.bursts.by_array);
    let source = &report.sources[0];
    assert_eq!((&*source.kind, &*source.origin, source.produced), ("scalar", "arrival", taken));
    assert!(source.not_finite > 0);

    let arguments = ["replay", "a.mcap", "--verify", "--speed", "max", "--no-view", "--json"];
    let again = Command::new(env!("CARGO_BIN_EXE_napot")).args(arguments).current_dir(folder.path()).output();
    let again: Report = self::report(&again.unwrap());
    assert_eq!(again.session.unwrap().verified.unwrap().equal_lines, 3);
    assert_eq!(again.ledger_hash, report.ledger_hash);
}

#[test]
fn garbage_and_silence_leave_a_run_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let run = start(folder.path(), &["demo", "--for", "1", "--receive", &format!("osc:{port}")]);
    let mut state = 7;
    let (_, output) = send_while(port, run, |n| match n % 3 {
        0 => (0..n % 900).map(|_| ((noise(&mut state) + 0.5) * 255.0) as u8).collect(),
        1 => b"#bundle\0\0\0\0\0\0\0\0\x01\0\0\xff\xff/napot/in".to_vec(),
        _ => encoded("/someone/else", vec![OscType::Float(1.0)]),
    });
    let report = report(&output);
    assert!(report.exchange[0].ignored.unwrap() > 50, "{:?}", report.exchange);
    assert_eq!((report.ticks, report.exchange[0].received), (1_000, Some(0)));
    assert_eq!(report.bursts.by_array["scalar"], 0);
}

#[test]
fn a_replay_with_an_inlet_ends_with_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(folder.path().join("a.wav"), spec).unwrap();
    (0..16_000_i16).for_each(|n| file.write_sample(n % 97 * 100).unwrap());
    file.finalize().unwrap();
    let address = format!("osc:{}", free_port());
    let run = start(folder.path(), &["replay", "a.wav", "--receive", &address]);
    let report = report(&run.wait_with_output().unwrap());
    // The sound fades after the end of the inputs.
    assert!((1_000..1_500).contains(&report.ticks), "{}", report.ticks);
    assert_eq!(report.sources.len(), 2);
}

#[test]
fn a_replay_with_an_inlet_ends_with_a_film_of_which_nobody_knows_how_long_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut film = b"YUV4MPEG2 W16 H16 F25:1 Ip A1:1 Cmono\n".to_vec();
    for picture in 0..10_u8 {
        film.extend(b"FRAME\n");
        film.extend([picture * 20; 16 * 16]);
    }
    fs::write(folder.path().join("a.y4m"), film).unwrap();
    let address = format!("osc:{}", free_port());
    let mut run = start(folder.path(), &["replay", "a.y4m", "--receive", &address]);
    let ended = (0..400).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        run.try_wait().unwrap().is_some()
    });
    let _ = run.kill();
    assert!(ended, "it goes on for ever");
    let report = report(&run.wait_with_output().unwrap());
    assert!((360..1_000).contains(&report.ticks), "{}", report.ticks);
}

/// Takes some items and then fails.
struct Failing {
    left: usize,
    taken: Arc<AtomicUsize>,
}

impl Sink for Failing {
    type Item = ElectrodeItem;

    fn push(&mut self, _: &ElectrodeItem) -> napot::error::Result<()> {
        self.left = self.left.checked_sub(1).ok_or_else(|| Error::output("there", "nobody is left"))?;
        self.taken.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn finish(self: Box<Self>) -> napot::error::Result<()> {
        Ok(())
    }
}

#[test]
fn an_outlet_that_fails_is_given_up_and_told_and_the_others_get_everything() {
    let overrides = SETTINGS.iter().filter(|word| **word != "--set").map(|word| (*word).to_owned());
    let config = Config::load(None, &overrides.collect::<Vec<_>>()).unwrap();
    let session = Session { pace: Pace::Max, seconds: Some(0.5), tail_seconds: 0.0, layout: None };
    let plan = config.plan(&session);
    let taken = [10, usize::MAX].map(|left| (left, Arc::new(AtomicUsize::new(0))));
    let outlet = |(left, taken): &(usize, Arc<AtomicUsize>)| {
        Box::new(Failing { left: *left, taken: Arc::clone(taken) }) as Box<dyn Sink<Item = ElectrodeItem>>
    };
    let keep = Keep { outlets: taken.iter().map(outlet).collect(), ..Keep::default() };
    let stop = Arc::new(AtomicBool::new(false));
    let common = pump::Common::new(Arc::clone(&stop), Arc::new(WallClock::start()));
    let instrument = Instrument::new(&plan).unwrap();
    let engine = Engine::start(&plan, instrument, Inputs::default(), keep, None, common).unwrap();
    while !engine.is_finished() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let summary = engine.join(&stop).unwrap();
    let failures: Vec<String> = summary.failures.iter().map(ToString::to_string).collect();
    assert_eq!((summary.ticks, &failures[..]), (500, &["there: nobody is left".to_owned()][..]));
    let counts = taken.map(|(_, taken)| taken.load(Ordering::Relaxed));
    assert_eq!(counts, [10, 500]);
}

#[test]
fn wrong_calls_are_refused_with_one_message() {
    let folder = tempfile::tempdir().unwrap();
    let made = napot(folder.path(), &["demo", "--for", "1", "--quiet", "--record", "a.mcap"]);
    assert!(made.status.success(), "{}", said(&made));
    fs::write(folder.path().join("t.csv"), "a\n1\n2\n").unwrap();
    let (taken, port) = socket();
    let taken_address = format!("osc:{port}");
    for (arguments, code, parts) in [
        (&["demo", "--send", "osc:9000"][..], 2, ["--send", "osc:HOST:PORT"]),
        (&["demo", "--send", "tcp:here:9000"], 2, ["--send", "osc:HOST:PORT"]),
        (&["demo", "--receive", "osc:9000?channels=0"], 2, ["--receive", "?channels=1 to 256"]),
        (&["demo", "--receive", "osc:9000", "--receive", "osc:9001"], 2, ["one place", "once"]),
        (&["demo", "--receive", "osc:9000", "--speed", "max"], 2, ["real time", "--speed 1"]),
        (&["demo", "--receive", "osc:9000", "--speed", "2"], 2, ["real time", "--speed 1"]),
        (&["replay", "t.csv", "--rate", "10", "--receive", "osc:9000"], 2, ["--receive", "channels already"]),
        (&["replay", "a.mcap", "--receive", "osc:9000"], 2, ["--receive", "plays alone"]),
        (
            &["demo", "--for", "1", "--send", "osc:no.such.host.invalid:9"],
            3,
            ["no.such.host.invalid", "not known"],
        ),
        (&["demo", "--receive", &taken_address], 3, [&taken_address[4..], "no socket"]),
        (&["demo", "--set", "exchange.delay_ms=0"], 2, ["exchange.delay_ms", "1 to 1000"]),
    ] {
        let output = start(folder.path(), arguments).wait_with_output().unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(parts.iter().all(|part| said.contains(part)), "{arguments:?}: {said}");
        assert!(!said.contains("panicked") && output.stdout.is_empty(), "{arguments:?}: {said}");
    }
    drop(taken);
}

#[test]
fn what_this_build_lacks_is_refused_with_how_to_build_it() {
    for (feature, there) in [("lsl", cfg!(feature = "lsl")), ("midi", cfg!(feature = "midi"))] {
        let address = format!("{feature}:NAPOT");
        let output =
            start(Path::new("."), &["demo", "--send", &address, "--for", "1", "--set", "array.kappa=99"]);
        let said = said(&output.wait_with_output().unwrap());
        // Where it is there, the next fault of the call is told.
        let expected = if there { "array.kappa" } else { "--features" };
        assert!(said.contains(expected), "{feature}: {said}");
    }
}

/// A JACK server of the test, with a device that is none; ended with it.
#[cfg(feature = "midi-jack")]
struct Jack(Child, String);

#[cfg(feature = "midi-jack")]
impl Jack {
    /// `None` where this machine has no jackd.
    fn start() -> Option<Self> {
        let name = format!("napot-test-{}", std::process::id());
        let mut command = Command::new("jackd");
        command.args(["-n", &name, "-r", "-d", "dummy", "-r", "48000", "-p", "256"]);
        command.env("JACK_NO_AUDIO_RESERVATION", "1").stdout(Stdio::null()).stderr(Stdio::null());
        let jack = Self(command.spawn().ok()?, name);
        let listed = || Command::new("jack_lsp").args(["-s", &jack.1]).stdout(Stdio::null()).status();
        let up = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            listed().is_ok_and(|status| status.success())
        });
        up.then_some(jack)
    }

    fn run(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_napot"));
        command.args(arguments).args(["--no-view", "--json"]).args(SETTINGS);
        command.env("JACK_DEFAULT_SERVER", &self.1).env("JACK_NO_START_SERVER", "1");
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

#[cfg(feature = "midi-jack")]
impl Drop for Jack {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(feature = "midi-jack")]
#[test]
fn a_run_plays_another_by_midi_through_jack() {
    let Some(jack) = Jack::start() else {
        return eprintln!("SKIPPED: MIDI through JACK: there is no jackd that starts");
    };
    let playing = jack.run(&["demo", "--for", "8", "--seed", "3", "--send", "midi:"]);
    std::thread::sleep(Duration::from_secs(2));
    let played = jack.run(&["demo", "--set", "room.enabled=false", "--for", "4", "--receive", "midi:NAPOT"]);
    let played = report(&played.wait_with_output().unwrap());
    let playing = report(&playing.wait_with_output().unwrap());
    let (sent, received) = (&playing.exchange[0], &played.exchange[0]);
    assert!(sent.sent.unwrap() > 500 && sent.dropped == 0, "{sent:?}");
    assert!(received.received.unwrap() > 200 && received.ignored == Some(0), "{received:?}");
    assert!(played.bursts.by_array["scalar"] > 0, "{:?}", played.bursts.by_array);
}
