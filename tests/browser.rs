//! A real browser as camera and microphone, end to end: `scripts/check_browser.sh` runs it.

// Counts and times of a minute are far below 2^52.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

#[path = "browser/chromium.rs"]
mod chromium;
#[path = "browser/measured.rs"]
mod measured;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use chromium::{Chromium, wait};
use measured::Came;
use napot::signal::{
    BindingPicture, DeviceState, EncodedPicture, FieldFrame, Frame, InputPicture, MindPicture,
    ObjectsPicture, SheetShape, SoundChunk, Status,
};
use napot::source::browser::BrowserCamera;
use napot::stream::device::DeviceMonitor;
use napot::stream::latest::latest;
use napot::stream::{Source, ring};
use napot::time::{Clock, WallClock};
use napot::view::{About, Bell, Feeds, FromPages, Running, Senses, ViewParameters, bind, start};

/// How long is measured.
const LONG: Duration = Duration::from_secs(8);
/// The tone of the made-up microphone in Hz.
const TONE: f64 = 1_000.0;

/// A run that takes both senses and keeps what came, each item with its arrival.
struct Run {
    page: Running,
    /// Ends with the number of pictures that were damaged.
    eye: JoinHandle<u64>,
    clock: Arc<dyn Clock>,
    stop: Arc<AtomicBool>,
    pictures: Arc<Mutex<Vec<Came<Frame>>>>,
    sound: Arc<Mutex<Vec<Came<SoundChunk>>>>,
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
        let eye = watch(eye, &stop, &clock, &pictures);
        listen(ear, &clock, &sound);
        let bound = bind(&ViewParameters { port: 0, ..ViewParameters::default() }).unwrap();
        let page = start(bound, feeds(senses)).unwrap();
        Self { page, eye, clock, stop, pictures, sound, camera, microphone }
    }

    fn states(&self) -> [DeviceState; 2] {
        [self.camera.figures().state, self.microphone.figures().state]
    }

    /// Waits until both give and the clocks have had time to agree, then measures.
    fn measure(&self, name: &str) {
        wait("a camera and a microphone", || (self.states() == [DeviceState::Running; 2]).then_some(()));
        std::thread::sleep(Duration::from_secs(3));
        let before = [self.camera.figures(), self.microphone.figures()];
        self.pictures.lock().unwrap().clear();
        self.sound.lock().unwrap().clear();
        std::thread::sleep(LONG);
        let pictures = std::mem::take(&mut *self.pictures.lock().unwrap());
        let sound = std::mem::take(&mut *self.sound.lock().unwrap());
        measured::pictures(name, &pictures, [&before[0], &self.camera.figures()]);
        measured::sound(name, &sound, TONE, [&before[1], &self.microphone.figures()]);
    }
}

fn watch(
    eye: FromPages<EncodedPicture>,
    stop: &Arc<AtomicBool>,
    clock: &Arc<dyn Clock>,
    kept: &Arc<Mutex<Vec<Came<Frame>>>>,
) -> JoinHandle<u64> {
    let (clock, kept) = (Arc::clone(clock), Arc::clone(kept));
    let mut camera = BrowserCamera::new(eye.items, eye.monitor, Arc::clone(stop));
    std::thread::spawn(move || {
        while let Some(frame) = camera.pull().unwrap() {
            kept.lock().unwrap().push((frame, clock.now()));
        }
        camera.faults().damaged
    })
}

fn listen(ear: FromPages<SoundChunk>, clock: &Arc<dyn Clock>, kept: &Arc<Mutex<Vec<Came<SoundChunk>>>>) {
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
        mind: latest(&MindPicture::default()).1,
        binding: latest(&BindingPicture::default()).1,
        objects: latest(&ObjectsPicture::default()).1,
        status: latest(&status).1,
        traces: traces_out,
        sound: sound_out,
        control: crossbeam_channel::bounded(1).0,
        bell: Bell::default(),
        watched: Arc::default(),
        sent: None,
        senses: Some(senses),
        devices: None,
        about,
    }
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
    run.measure("first");
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
    run.measure("after the reload");

    drop(browser);
    wait("the loss of both", || (run.states() == [DeviceState::Lost; 2]).then_some(()));
    let begun = format!("{}?give=camera,microphone", run.page.url());
    let mut browser = Chromium::open(&program, &folder.path().join("kiosk"), &wave, &begun);
    run.measure("asked for by the address");
    run.stop.store(true, Ordering::Release);
    assert_eq!(run.eye.join().unwrap(), 0, "pictures were damaged");
    run.page.stop();
    wait("the page to close its devices with the run", || {
        let told = browser.value("document.querySelector('#senses').innerText");
        (told.as_str()?.matches("waiting for a run").count() == 2).then_some(())
    });
}
