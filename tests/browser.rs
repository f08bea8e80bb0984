//! A real browser as camera and microphone, end to end: `scripts/check_browser.sh` runs it.

#[path = "browser/chromium.rs"]
mod chromium;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chromium::{Chromium, wait};
use napot::signal::{
    DeviceFigures, DeviceState, FieldFrame, Frame, InputPicture, Origin, SheetShape, SoundChunk, Status,
};
use napot::source::browser::BrowserCamera;
use napot::stream::device::DeviceMonitor;
use napot::stream::latest::latest;
use napot::stream::{Source, ring};
use napot::time::{Clock, Timestamp, WallClock};
use napot::view::{About, Feeds, FromPages, Running, Senses, ViewParameters, start};

/// How long is measured.
const LONG: Duration = Duration::from_secs(8);
/// The tone of the made-up microphone in Hz.
const TONE: f64 = 1_000.0;

/// A run that takes both senses and keeps what came, each item with its arrival.
struct Run {
    page: Running,
    clock: Arc<dyn Clock>,
    stop: Arc<AtomicBool>,
    pictures: Arc<Mutex<Vec<(Frame, Timestamp)>>>,
    sound: Arc<Mutex<Vec<(SoundChunk, Timestamp)>>>,
    camera: Arc<DeviceMonitor>,
    microphone: Arc<DeviceMonitor>,
}

impl Run {
    fn start() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(WallClock::start());
        let mut senses = Senses::new(Arc::clone(&clock));
        let (eye, ear) = (senses.camera(), senses.microphone());
        let stop = Arc::new(AtomicBool::new(false));
        let (pictures, sound) = (Arc::default(), Arc::default());
        let (camera, microphone) = (Arc::clone(&eye.monitor), Arc::clone(&ear.monitor));
        watch(eye, &stop, &clock, &pictures);
        listen(ear, &clock, &sound);
        let page = start(&ViewParameters { port: 0, open: false }, feeds(senses)).unwrap();
        Self { page, clock, stop, pictures, sound, camera, microphone }
    }

    fn states(&self) -> [DeviceState; 2] {
        [self.camera.figures().state, self.microphone.figures().state]
    }

    /// Waits until both give and the clocks have had time to agree, then measures.
    fn measure(&self, name: &str) -> Measured {
        wait("a camera and a microphone", || (self.states() == [DeviceState::Running; 2]).then_some(()));
        std::thread::sleep(Duration::from_secs(3));
        let before = [self.camera.figures(), self.microphone.figures()];
        self.pictures.lock().unwrap().clear();
        self.sound.lock().unwrap().clear();
        std::thread::sleep(LONG);
        let pictures = std::mem::take(&mut *self.pictures.lock().unwrap());
        let sound = std::mem::take(&mut *self.sound.lock().unwrap());
        let after = [self.camera.figures(), self.microphone.figures()];
        Measured::of(name, &pictures, &sound, &before, &after)
    }
}

fn watch(
    eye: FromPages<napot::signal::EncodedPicture>,
    stop: &Arc<AtomicBool>,
    clock: &Arc<dyn Clock>,
    kept: &Arc<Mutex<Vec<(Frame, Timestamp)>>>,
) {
    let (clock, kept) = (Arc::clone(clock), Arc::clone(kept));
    let mut camera = BrowserCamera::new(eye.items, eye.monitor, Arc::clone(stop));
    std::thread::spawn(move || {
        while let Some(frame) = camera.pull().unwrap() {
            kept.lock().unwrap().push((frame, clock.now()));
        }
        assert_eq!(camera.faults().damaged, 0);
    });
}

fn listen(
    ear: FromPages<SoundChunk>,
    clock: &Arc<dyn Clock>,
    kept: &Arc<Mutex<Vec<(SoundChunk, Timestamp)>>>,
) {
    let (clock, kept) = (Arc::clone(clock), Arc::clone(kept));
    std::thread::spawn(move || {
        while let Ok(chunk) = ear.items.recv() {
            kept.lock().unwrap().push((chunk, clock.now()));
        }
    });
}

/// Feeds of a run that shows nothing.
fn feeds(senses: Senses) -> Feeds {
    let (field, input, status) = (FieldFrame::default(), InputPicture::default(), Status::default());
    let about = About {
        title: "a browser's senses".into(),
        version: "0".into(),
        arrays: vec![("vision".into(), SheetShape { height: 64, width: 64, bands: 8 })],
        band_hz: (0..8).map(|band| 0.5 * f32::from(1_u16 << band)).collect(),
        ..About::default()
    };
    // The senders' ends stay, or the run would count as ended.
    let (traces, traces_out) = crossbeam_channel::bounded(1);
    std::mem::forget(traces);
    let (sound, sound_out, _) = ring::ring(1);
    std::mem::forget(sound);
    Feeds {
        field: latest(&field).1,
        input: latest(&input).1,
        status: latest(&status).1,
        traces: traces_out,
        sound: sound_out,
        control: crossbeam_channel::bounded(1).0,
        senses: Some(senses),
        about,
    }
}

/// What arrived in one stretch.
struct Measured {
    frames_per_second: f64,
    device_frames_per_second: f64,
    tone_hz: f64,
    sound_hz: f64,
    by_device: bool,
}

impl Measured {
    fn of(
        name: &str,
        pictures: &[(Frame, Timestamp)],
        sound: &[(SoundChunk, Timestamp)],
        before: &[DeviceFigures; 2],
        after: &[DeviceFigures; 2],
    ) -> Self {
        assert!(
            pictures.len() > 10 && sound.len() > 10,
            "{} pictures, {} chunks",
            pictures.len(),
            sound.len()
        );
        let (first, last) = (&pictures[0].0, &pictures[pictures.len() - 1].0);
        let seconds = (last.stamp.time - first.stamp.time).as_secs_f64();
        let given = last.sequence - first.sequence;
        let frames: Vec<f64> =
            sound.iter().flat_map(|(chunk, _)| &chunk.frames).map(|[left, _]| f64::from(*left)).collect();
        let (start, end) = (&sound[0].0, &sound[sound.len() - 1].0);
        let heard = (frames.len() - end.frames.len()) as f64 / (end.captured - start.captured).as_secs_f64();
        let measured = Self {
            frames_per_second: (pictures.len() - 1) as f64 / seconds,
            device_frames_per_second: given as f64 / seconds,
            tone_hz: tone(&frames),
            sound_hz: heard,
            by_device: pictures.iter().all(|(frame, _)| frame.stamp.origin == Origin::Device),
        };
        let missed = |at: usize| after[at].missed - before[at].missed;
        let dropped = |at: usize| after[at].dropped - before[at].dropped;
        println!("{name}: camera {} for {seconds:.2} s, opened {} times", after[0].format, after[0].opened);
        println!(
            "  {:.2} fps arrived of {:.2} given; {} passed over by the page, {} dropped here",
            measured.frames_per_second,
            measured.device_frames_per_second,
            missed(0),
            dropped(0)
        );
        let stamps: Vec<f64> = pictures.iter().map(|(frame, _)| ms(frame.stamp.time)).collect();
        let numbers: Vec<f64> = pictures.iter().map(|(frame, _)| frame.sequence as f64).collect();
        println!("  capture times off an even beat: {}", spread(&off_line(&numbers, &stamps)));
        println!(
            "  capture to decoded frame: {}",
            spread(&ages(pictures.iter().map(|(frame, at)| (frame.stamp.time, *at))))
        );
        println!("{name}: microphone {}, opened {} times", after[1].format, after[1].opened);
        println!(
            "  {:.1} frames a second, tone {:.2} Hz, peak {:.3}; {} frames missed, {} dropped",
            measured.sound_hz,
            measured.tone_hz,
            frames.iter().fold(0.0, |peak: f64, value| peak.max(value.abs())),
            missed(1),
            dropped(1)
        );
        let stamps: Vec<f64> = sound.iter().map(|(chunk, _)| ms(chunk.captured)).collect();
        let numbers: Vec<f64> = sound.iter().map(|(chunk, _)| chunk.sequence as f64).collect();
        println!("  capture times off an even beat: {}", spread(&off_line(&numbers, &stamps)));
        println!(
            "  capture to arrival: {}",
            spread(&ages(sound.iter().map(|(chunk, at)| (chunk.captured, *at))))
        );
        measured
    }

    fn check(&self) {
        assert!(self.by_device, "a picture was stamped on its arrival");
        assert!((self.device_frames_per_second - 30.0).abs() < 1.0, "{} fps", self.device_frames_per_second);
        assert!((self.tone_hz - TONE).abs() < 2.0, "{} Hz", self.tone_hz);
        assert!((self.sound_hz - 48_000.0).abs() < 240.0, "{} frames a second", self.sound_hz);
    }
}

fn ms(time: Timestamp) -> f64 {
    time.0 as f64 * 1e-6
}

fn ages(items: impl Iterator<Item = (Timestamp, Timestamp)>) -> Vec<f64> {
    items.map(|(captured, at)| ms(at) - ms(captured)).collect()
}

/// The tone's frequency in Hz by its upward zero crossings, each placed between its frames.
fn tone(frames: &[f64]) -> f64 {
    let crossings: Vec<f64> = frames
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0] < 0.0 && pair[1] >= 0.0)
        .map(|(at, pair)| at as f64 - pair[0] / (pair[1] - pair[0]))
        .collect();
    let [first, .., last] = crossings[..] else { return 0.0 };
    48_000.0 * (crossings.len() - 1) as f64 / (last - first)
}

/// How far `values` lie from their line of least squares over `places`.
fn off_line(places: &[f64], values: &[f64]) -> Vec<f64> {
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let (x, y) = (mean(places), mean(values));
    let over: f64 = places.iter().zip(values).map(|(place, value)| (place - x) * (value - y)).sum();
    let slope = over / places.iter().map(|place| (place - x).powi(2)).sum::<f64>();
    places.iter().zip(values).map(|(place, value)| value - y - slope * (place - x)).collect()
}

fn spread(values: &[f64]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
    format!("{:.2} ms least, {:.2} median, {:.2} at 95 %, {:.2} most", at(0.0), at(0.5), at(0.95), at(1.0))
}

/// A minute of the tone at a quarter of full scale: Chromium leaves a gap of some 3 ms where it begins the file anew.
fn write_tone(path: &Path) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(path, spec).unwrap();
    for frame in 0..60 * 48_000 {
        let phase = std::f64::consts::TAU * TONE * f64::from(frame) / 48_000.0;
        file.write_sample((8_192.0 * phase.sin()) as i16).unwrap();
    }
    file.finalize().unwrap();
}

#[test]
#[ignore = "needs Chromium: scripts/check_browser.sh"]
fn a_browser_gives_its_camera_and_microphone_and_goes_on_after_a_reload() {
    let program = std::env::var("NAPOT_CHROMIUM").expect("NAPOT_CHROMIUM names the browser");
    let shots = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let folder = tempfile::tempdir().unwrap();
    let wave = folder.path().join("tone.wav");
    write_tone(&wave);
    let run = Run::start();
    // Asked for by clicks, of which the address says nothing: after the reload the page must remember them.
    let mut browser = Chromium::open(&program, &folder.path().join("profile"), &wave, &run.page.url());
    wait("the control", || {
        let shown = browser.value("!document.querySelector('#senses').hidden");
        shown.as_bool().filter(|shown| *shown)
    });
    browser.value("document.querySelector('#give-camera').click()");
    browser.value("document.querySelector('#give-microphone').click()");
    run.measure("first").check();
    for scheme in ["dark", "light"] {
        let path = shots.join(format!("browser-{scheme}.png"));
        browser.shoot(scheme, &path);
        println!("the page: {}", path.display());
    }

    let opened = run.camera.figures().opened;
    let asked = run.clock.now();
    browser.reload();
    wait("pictures after the reload", || {
        let figures = run.camera.figures();
        (figures.opened > opened && figures.state == DeviceState::Running).then_some(())
    });
    println!(
        "the camera gave again {:.2} s after the reload was asked for",
        (run.clock.now() - asked).as_secs_f64()
    );
    run.measure("after the reload").check();

    drop(browser);
    wait("the loss of both", || (run.states() == [DeviceState::Lost; 2]).then_some(()));
    let begun = format!("{}?give=camera,microphone", run.page.url());
    let browser = Chromium::open(&program, &folder.path().join("kiosk"), &wave, &begun);
    run.measure("asked for by the address").check();
    drop(browser);
    run.stop.store(true, Ordering::Release);
    run.page.stop();
}
