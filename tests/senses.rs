//! Whether sound and picture belong together, in whole runs: it changes nothing, gives the same again, meets known shifts, invents nothing.

mod program;
#[allow(dead_code)] // whole outputs are judged elsewhere
mod small;

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use napot::config::{Config, Session};
use napot::engine::instrument::Instrument;
use napot::engine::pump::Common;
use napot::engine::senses::Senses;
use napot::engine::{Engine, Inputs, Keep, Pace};
use napot::error::Result;
use napot::readout::belonging::Templates;
use napot::signal::{AudioBlock, SensesFigures};
use napot::source::room::Room;
use napot::stream::{Source, SourceInfo};
use napot::time::{SAMPLE_RATE, Timestamp, WallClock};
use program::{json, refused};
use small::run;

const DEMO: [&str; 5] = ["demo", "--for", "14", "--seed", "3"];

#[test]
fn it_changes_no_bit_of_a_run_and_gives_the_same_again_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let of = |more: &[&str]| run(folder.path(), &[&DEMO[..], more].concat());
    let (one, two, off) =
        (of(&[]), of(&["--set", "engine.threads=2"]), of(&["--set", "senses.enabled=false"]));
    assert!(off["senses"].is_null());
    assert_eq!(one["ledger_hash"], off["ledger_hash"]);
    assert_eq!(one["config_hash"], off["config_hash"]);
    assert_eq!(one["senses"], two["senses"]);
    let windows = |key: &str| one["senses"][key].as_u64().unwrap();
    assert_eq!(
        windows("told") + windows("untold"),
        20,
        "every half second from the fourth on: {}",
        one["senses"]
    );
    // By the level it is told, too, where no twin runs.
    let level = of(&["--set", "array.twin=false"]);
    assert!(level["senses"]["told"].as_u64().unwrap() > 10, "{}", level["senses"]);
    // A run that does not hear has nothing to compare.
    assert!(of(&["--set", "hearing.enabled=false"])["senses"].is_null());
}

#[test]
fn a_session_says_the_same_as_its_run_in_every_replay() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = run(folder.path(), &[&DEMO[..], &["--record", "a.mcap"]].concat());
    for more in [&[][..], &["--set", "engine.threads=2"]] {
        let replayed = run(folder.path(), &[&["replay", "a.mcap", "--verify"], more].concat());
        assert_eq!(replayed["senses"], recorded["senses"]);
    }
    assert!(recorded["senses"]["told"].as_u64().unwrap() > 0);
}

/// A sound that comes later, or earlier, by so many frames.
struct Shifted {
    sound: Box<dyn Source<Item = AudioBlock>>,
    late: i64,
    waiting: VecDeque<[f32; 2]>,
    frames: usize,
    given: u64,
}

impl Source for Shifted {
    type Item = AudioBlock;

    fn info(&self) -> &SourceInfo {
        self.sound.info()
    }

    fn pull(&mut self) -> Result<Option<AudioBlock>> {
        while self.late > 0 {
            self.waiting.push_back([0.0; 2]);
            self.late -= 1;
        }
        loop {
            let Some(mut block) = self.sound.pull()? else { return Ok(None) };
            self.frames = self.frames.max(block.frames.len());
            self.waiting.extend(block.frames.drain(..));
            while self.late < 0 && self.waiting.pop_front().is_some() {
                self.late += 1;
            }
            if self.late == 0 && self.waiting.len() >= self.frames {
                block.frames.extend(self.waiting.drain(..self.frames));
                // By their stamps the engine would put them back where they were.
                block.stamp.time = Timestamp::from_count(self.given, SAMPLE_RATE);
                block.position = self.given;
                self.given += self.frames as u64;
                return Ok(Some(block));
            }
        }
    }
}

/// What is said of a room whose sound is late by so many milliseconds.
fn shifted(seed: u64, late_ms: i64, threads: usize) -> SensesFigures {
    let mut config = Config { seed, ..Config::default() };
    (config.vision.height, config.vision.width) = (32, 32);
    (config.hearing.cochlea.channels, config.hearing.cochlea.rates) = (64, 8);
    (config.room.height, config.room.width) = (128, 128);
    (config.mind.enabled, config.binding.enabled, config.objects.enabled) = (false, false, false);
    config.engine.threads = threads;
    let (video, sound) = Room::new(&config.room, seed).unwrap().into_sources();
    let sound =
        Shifted { sound: Box::new(sound), late: 48 * late_ms, waiting: VecDeque::new(), frames: 0, given: 0 };
    let inputs = Inputs { video: Some(Box::new(video)), sound: Some(Box::new(sound)), ..Inputs::default() };
    let session = Session { pace: Pace::Max, seconds: Some(40.0), tail_seconds: 0.0, layout: None };
    let plan = config.plan(&session);
    let templates =
        Templates::from_bytes("senses.json", include_bytes!("../src/command/senses.json")).unwrap();
    let keep = Keep { senses: Some(Senses::new(Some(templates))), ..Keep::default() };
    let stop = Arc::<AtomicBool>::default();
    let common = Common::new(Arc::clone(&stop), Arc::new(WallClock::start()));
    let engine = Engine::start(&plan, Instrument::new(&plan).unwrap(), inputs, keep, None, common).unwrap();
    engine.join(&stop).unwrap().senses.unwrap().figures().clone()
}

#[test]
fn a_sound_that_is_shifted_by_a_known_time_is_met_within_20_ms() {
    let met = |seed: u64, late: i32| {
        let figures = shifted(seed, late.into(), 1);
        let found = figures.median_late_ms.unwrap_or(f64::NAN);
        assert!((found - f64::from(late)).abs() <= 20.0, "seed {seed}, {late} ms: {figures:?}");
        figures
    };
    met(0, -100);
    met(0, 0);
    assert_eq!(met(1, 100), shifted(1, 100, 2));
}

#[test]
fn of_a_film_whose_sound_is_silent_nothing_is_told() {
    let film = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/av/cockatoo.mp4");
    if !film.exists() {
        eprintln!("SKIPPED: {} is absent", film.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let film = film.display().to_string();
    let senses = &run(folder.path(), &["replay", &film])["senses"];
    assert_eq!((&senses["told"], &senses["lack"]), (&0.into(), &"silence".into()), "{senses}");
    assert!(senses["untold"].as_u64() > Some(10), "{senses}");
    for invented in ["now", "asynchrony", "mean_evidence", "belongs", "mean_order", "median_late_ms"] {
        assert!(senses[invented].is_null(), "{invented}: {senses}");
    }
    refused(
        folder.path(),
        &format!("learn senses {film} --out t.json"),
        &["cockatoo.mp4", "silent", "a level of 0 at most"],
    );
}

#[test]
fn a_template_is_learned_judged_and_taken_and_bad_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let small = small::SETTINGS.join(" ");
    let learned = "learn senses --room 3 --for 30 --seed 20 --out t.json --json --quiet";
    let learned = json(&program::napot(folder.path(), &format!("{learned} {small}")));
    assert_eq!((learned["recordings"].as_u64(), learned["seconds"].as_f64()), (Some(3), Some(90.0)));
    let made = fs::read_to_string(folder.path().join("t.json")).unwrap();
    assert!(made.contains("--room 3 --for 30 --seed 20"), "{made}");
    let judge =
        "learn senses --judge --room 2 --for 30 --seed 30 --set senses.template=t.json --json --quiet";
    let judged = json(&program::napot(folder.path(), &format!("{judge} {small}")));
    assert!(judged["level"]["apart_foreign"].as_f64() > Some(0.5), "{judged}");
    let told = run(folder.path(), &[&DEMO[..], &["--set", "senses.template=t.json"]].concat());
    assert!(told["senses"]["told"].as_u64() > Some(0));
    fs::write(folder.path().join("spoilt.json"), &made[..made.len() / 2]).unwrap();
    fs::write(folder.path().join("none.wav"), "RIFF").unwrap();
    for (call, parts) in [
        ("demo --for 1 --no-view --set senses.template=no.json", ["no.json", "can't be read"]),
        ("demo --for 1 --no-view --set senses.template=spoilt.json", ["spoilt.json", "no template"]),
        ("learn senses --out u.json", ["nothing to learn from", "--room N"]),
        ("learn senses --room 1 --for 5 --out u.json", ["--for", "at least 30"]),
        ("learn senses --room 1", ["--out", "a template"]),
        ("learn senses --room 1 --judge --out u.json", ["--judge", "nothing is learned"]),
        ("learn senses --room 1 --out u.json --set array.twin=false", ["twin", "array.twin = false"]),
        ("learn senses none.wav --out u.json", ["none.wav", ""]),
    ] {
        refused(folder.path(), call, &parts);
    }
    assert!(!folder.path().join("u.json").exists());
}
