//! Live runs on real servers: every rate and channel count, what is not there, and what goes away and comes back.
#![allow(clippy::cast_precision_loss, clippy::format_collect)] // small counts, short texts
#![cfg(all(feature = "sound", feature = "camera"))]
#![cfg_attr(not(target_os = "linux"), allow(dead_code))]

#[cfg(target_os = "linux")]
#[path = "camera/rig.rs"]
#[allow(dead_code)] // cameras alone need the rest
mod camera;
#[cfg(target_os = "linux")]
#[path = "live/cycles.rs"]
mod cycles;
#[cfg(target_os = "linux")]
#[path = "live/rig.rs"]
mod rig;
#[allow(dead_code)] // whole outputs are judged elsewhere
mod small;

#[cfg(not(target_os = "linux"))]
#[test]
fn live_runs() {
    println!("SKIPPED: live runs, for the rigs are Linux's");
}

#[test]
fn senses_that_are_left_out_are_not_stood_in_for() {
    let folder = tempfile::tempdir().unwrap();
    let napot = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_napot"));
        command.args(["live", "--no-view", "--for", "0.1"]).args(arguments).args(small::SETTINGS);
        command.current_dir(folder.path()).output().unwrap()
    };
    for arguments in [["--no-camera", "--no-mic"], ["--camera=none", "--microphone=none"]] {
        let run = napot(&[&arguments[..], &["--speaker", "none"]].concat());
        let said = small::said(&run);
        assert!(run.status.success(), "{said}");
        assert!(!said.contains("built-in room") && !said.contains("no speaker"), "{said}");
    }
    for both in [["--no-camera", "--camera=browser"], ["--no-mic", "--microphone=browser"]] {
        let run = napot(&both);
        let said = small::said(&run);
        assert!(run.status.code() == Some(2) && said.contains("cannot be used with"), "{said}");
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::time::{Duration, Instant};

    use super::rig::{Live, Server, assert_sums, device, live, napot};

    /// Runs for four seconds on a server with `settings`: both devices are opened in `format`, and sums are exact.
    fn heard_and_played(server: &'static str, settings: &[(&'static str, &'static str)], format: &str) {
        let folder = tempfile::tempdir().unwrap();
        let Some(running) = Server::start(server, folder.path(), settings) else { return };
        let run = live(Some(&running), folder.path(), &["--for", "4", "--camera", "none"]);
        assert_eq!(run.code, Some(0), "{}", run.said);
        for kind in ["microphone", "speaker"] {
            let device = device(&run.report, kind);
            assert!(device["opened"].as_u64().unwrap() >= 1, "{device}");
            assert!(device["format"].as_str().unwrap().starts_with(format), "{device}");
            assert_sums(&run.report, kind);
            assert!(device["used"].as_u64().unwrap() > 48_000, "{device}");
        }
    }

    #[test]
    #[ignore = "needs sound servers and a quiet machine: make test-live"]
    fn every_rate_and_every_count_of_channels_is_heard_and_played() {
        std::thread::scope(|scope| {
            scope.spawn(|| heard_and_played("jack", &[("RATE", "44100")], "44100 Hz, 2 channels"));
            scope.spawn(|| heard_and_played("jack", &[("CHANNELS", "1")], "48000 Hz, 2 channels"));
            scope.spawn(|| heard_and_played("jack", &[("CHANNELS", "8")], "48000 Hz, 2 channels"));
            scope.spawn(|| heard_and_played("pulse", &[("RATE", "44100")], "48000 Hz, 2 channels"));
            scope.spawn(|| heard_and_played("pulse", &[("CHANNELS", "1")], "48000 Hz, "));
            scope.spawn(|| heard_and_played("pulse", &[("CHANNELS", "8")], "48000 Hz, "));
        });
    }

    #[test]
    #[ignore = "needs sound servers and a quiet machine: make test-live"]
    fn without_a_server_the_room_is_heard() {
        let folder = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        let run = live(None, folder.path(), &["--for", "1", "--camera", "none"]);
        assert_eq!(run.code, Some(0), "{}", run.said);
        assert!(run.said.contains("no microphone: the built-in room is heard instead"), "{}", run.said);
        assert!(run.said.contains("no speaker: the run is silent"), "{}", run.said);
        for kind in [": microphone: ", ": speaker: "] {
            assert!(run.said.contains(kind), "{}", run.said);
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        let listed = napot(None).arg("devices").output().unwrap();
        let text = String::from_utf8_lossy(&listed.stdout);
        assert!(listed.status.success() && text.contains("can't be used: "), "{text}");
        assert!(listed.stderr.is_empty(), "{}", String::from_utf8_lossy(&listed.stderr));
        let lines = run.said.lines().count();
        assert!(lines <= 8, "{lines} lines: {}", run.said);
    }

    #[test]
    #[ignore = "needs sound servers and a quiet machine: make test-live"]
    fn a_named_device_that_is_not_there_is_refused_with_what_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let Some(server) = Server::start("jack", folder.path(), &[]) else { return };
        let arguments = ["--for", "1", "--camera", "none", "--microphone", "Nobody's"];
        let run = live(Some(&server), folder.path(), &arguments);
        assert_eq!(run.code, Some(3), "{}", run.said);
        let expected = "napot: microphone: there is none of that name: Nobody's";
        assert!(run.said.contains(expected) && run.said.contains("(allowed: JACK Input)"), "{}", run.said);
    }

    #[test]
    #[ignore = "needs sound servers and a quiet machine: make test-live"]
    fn a_server_that_hangs_at_the_start_is_told_and_the_room_is_heard() {
        let hung = |kind: &'static str| {
            let folder = tempfile::tempdir().unwrap();
            let Some(server) = Server::start(kind, folder.path(), &[]) else { return };
            server.signal("-STOP");
            let listed = napot(Some(&server)).arg("devices").output().unwrap();
            let text = String::from_utf8_lossy(&listed.stdout);
            assert!(
                listed.status.success() && text.contains("its server does not answer within 3 s"),
                "{text}"
            );
            let begun = Instant::now();
            let mut run =
                Live::start(napot(Some(&server)), folder.path(), &["--for", "1", "--camera", "none"]);
            let told = run.wait_for(0, "built-in room", &["is heard instead"]) - begun;
            let run = run.end();
            println!("{kind} hung: told after {told:?}, ended after {:?}", begun.elapsed());
            assert!(told < Duration::from_secs(10), "{kind}: {told:?}");
            assert_eq!(run.code, Some(0), "{}", run.said);
            assert!(run.said.contains("did not answer"), "{}", run.said);
        };
        std::thread::scope(|scope| {
            for kind in ["jack", "pulse"] {
                scope.spawn(move || hung(kind));
            }
        });
    }
}
