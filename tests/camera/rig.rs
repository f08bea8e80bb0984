//! The rig: a fake camera preloaded into a child of the test, and a thread that pulls what it gives.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use napot::error::Result;
use napot::signal::{DeviceFigures, DeviceKind, Frame};
use napot::source::camera::{Camera, CameraParameters};
use napot::stream::device::DeviceMonitor;
use napot::stream::{Faults, Source};
use napot::time::WallClock;

/// The longest that anything here may take; a machine under load needs room.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Set in the child.
const CHILD: &str = "NAPOT_TEST_CAMERA";
/// The control file.
const CONTROL: &str = "FAKECAM_CTL";

/// The preload library, built once; none where there is no C compiler.
fn library() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let build = || {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rigs/fakecam.c");
        let library =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fakecam-{}.so", std::process::id()));
        let arguments = ["-O1", "-shared", "-fPIC", source, "-ldl", "-lpthread", "-o"];
        let built = Command::new("cc").args(arguments).arg(&library).output().ok()?;
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Some(library)
    };
    LIBRARY.get_or_init(build).as_deref()
}

/// A command in whose process the fake camera is; `control` is the file that steers it. None where it can't be built.
pub fn preloaded(program: &Path, control: &Path) -> Option<Command> {
    let Some(library) = library() else {
        println!("SKIPPED: cameras, for there is no C compiler (cc) to build the fake one with");
        return None;
    };
    let mut command = Command::new(program);
    command.env("LD_PRELOAD", library).env(CONTROL, control);
    Some(command)
}

/// Plays `test` in a child of this program that has the fake camera; there, this calls `play`.
pub fn with_camera(test: &str, jpegs: Option<&[u8]>, play: impl FnOnce()) {
    if std::env::var_os(CHILD).is_some() {
        return play();
    }
    let folder = tempfile::tempdir().unwrap();
    let control = folder.path().join("control");
    std::fs::write(&control, "").unwrap();
    let Some(mut child) = preloaded(&std::env::current_exe().unwrap(), &control) else { return };
    if let Some(jpegs) = jpegs {
        let frames = folder.path().join("frames.mjpeg");
        std::fs::write(&frames, jpegs).unwrap();
        child.env("FAKECAM_FRAMES", frames);
    }
    let output = child.args(["--exact", test, "--nocapture"]).env(CHILD, "1").output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// Changes how the fake camera behaves, at once.
pub fn set(control: &str) {
    // In one step, for it is read all the time.
    let path = PathBuf::from(std::env::var_os(CONTROL).unwrap());
    let new = path.with_extension("new");
    std::fs::write(&new, control).unwrap();
    std::fs::rename(new, path).unwrap();
}

/// Has what is logged from now on written to a file, and gives its path.
pub fn start_log() -> PathBuf {
    let path = PathBuf::from(std::env::var_os(CONTROL).unwrap()).with_extension("log");
    let file = std::fs::File::create(&path).unwrap();
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::sync::Mutex::new(file)).init();
    path
}

/// An open camera, and a thread that pulls.
pub struct Viewer {
    pub monitor: Arc<DeviceMonitor>,
    pub frames: Receiver<Frame>,
    pub stop: Arc<AtomicBool>,
    puller: Option<JoinHandle<Faults>>,
}

/// Opens a camera, without a thread that pulls.
pub fn open(parameters: &CameraParameters) -> Result<(Camera, Arc<DeviceMonitor>, Arc<AtomicBool>)> {
    let monitor = Arc::new(DeviceMonitor::new(DeviceKind::Camera, &parameters.name));
    let stop = Arc::new(AtomicBool::new(false));
    let clock = Arc::new(WallClock::start());
    let camera = Camera::open(parameters, clock, Arc::clone(&stop), Arc::clone(&monitor))?;
    Ok((camera, monitor, stop))
}

impl Viewer {
    pub fn open(parameters: &CameraParameters) -> Self {
        let (mut camera, monitor, stop) = open(parameters).unwrap();
        let (give, frames) = channel();
        let puller = std::thread::spawn(move || {
            while let Some(frame) = camera.pull().unwrap() {
                let _ = give.send(frame);
            }
            camera.faults()
        });
        Self { monitor, frames, stop, puller: Some(puller) }
    }

    /// The next frame.
    pub fn frame(&self) -> Frame {
        self.frames
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("no frame; {:?}", self.monitor.figures()))
    }

    /// The next `count` frames.
    pub fn take(&self, count: usize) -> Vec<Frame> {
        (0..count).map(|_| self.frame()).collect()
    }

    /// Passes over what comes until nothing has come for `quiet`.
    pub fn drain(&self, quiet: Duration) {
        let until = Instant::now() + PATIENCE;
        while self.frames.recv_timeout(quiet) != Err(RecvTimeoutError::Timeout) {
            assert!(Instant::now() < until, "frames go on: {:?}", self.monitor.figures());
        }
    }

    /// Waits until the figures are as asked.
    pub fn wait(&self, what: &str, is: impl Fn(&DeviceFigures) -> bool) -> DeviceFigures {
        let until = Instant::now() + PATIENCE;
        loop {
            let figures = self.monitor.figures();
            if is(&figures) {
                return figures;
            }
            assert!(Instant::now() < until, "not {what}: {figures:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops, and says what was left out.
    pub fn stop(mut self) -> Faults {
        self.stop.store(true, Ordering::Release);
        self.puller.take().unwrap().join().unwrap()
    }
}

/// The number that a frame of the fake camera carries.
pub fn drawn(frame: &Frame) -> u32 {
    let column = |bit: usize| (2 * bit + 1) * frame.width / 64;
    (0..32).fold(0, |number, bit| number << 1 | u32::from(frame.pixel(column(bit), 10)[0] > 127))
}

/// Checks that frames run forwards, and that their numbers tell of every picture that is not among them.
pub fn assert_in_order(frames: &[Frame]) {
    for pair in frames.windows(2) {
        let (a, b) = (drawn(&pair[0]), drawn(&pair[1]));
        assert!(b > a, "{b} came after {a}");
        assert_eq!(u64::from(b - a), pair[1].sequence - pair[0].sequence, "from {a} to {b}");
        assert!(pair[1].stamp.time >= pair[0].stamp.time);
    }
}

/// Threads and open files of this process.
pub fn holdings() -> (usize, usize) {
    let count = |folder: &str| std::fs::read_dir(folder).unwrap().count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}

/// Waits until this process holds no more than it held `before`: a thread that has said its last is still there a moment.
pub fn assert_holds(before: (usize, usize)) {
    let until = Instant::now() + PATIENCE;
    while holdings() != before {
        assert!(Instant::now() < until, "threads and open files: {:?}, before {before:?}", holdings());
        std::thread::sleep(Duration::from_millis(5));
    }
}
