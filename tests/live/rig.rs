//! The rig of live runs: sound servers that can be killed and stopped, and the program, whose log is read as it comes.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::small;

/// The longest that anything here may take; a machine under load needs room.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A sound server of `tests/rigs/sound.sh`, which is stopped at the end.
pub struct Server {
    kind: &'static str,
    folder: PathBuf,
    settings: Vec<(&'static str, &'static str)>,
    /// What a program needs to find it.
    pub environment: Vec<(String, String)>,
}

impl Server {
    /// Starts a server of a kind, `jack` or `pulse`, in `folder`; none where it is not installed.
    pub fn start(
        kind: &'static str,
        folder: &Path,
        settings: &[(&'static str, &'static str)],
    ) -> Option<Self> {
        let programs: &[&str] =
            if kind == "jack" { &["jackd", "jack_lsp"] } else { &["pulseaudio", "pactl"] };
        let is_there = |program: &str| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        };
        if let Some(missing) = programs.iter().find(|program| !is_there(program)) {
            println!(
                "SKIPPED: live runs on {kind}, for {missing} is not installed (scripts/install.sh rigs)"
            );
            return None;
        }
        // A folder's name is the server's: no two may share it.
        let folder = folder.join(format!("{kind}{}x{}", std::process::id(), unique()));
        let mut server = Self { kind, folder, settings: settings.to_vec(), environment: Vec::new() };
        server.up();
        Some(server)
    }

    fn script(&self, verb: &str) -> String {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rigs/sound.sh");
        let mut command = Command::new("sh");
        command.arg(script).args([verb, self.kind]).arg(&self.folder).envs(self.settings.iter().copied());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts it, again where it had been killed.
    pub fn up(&mut self) {
        let said = self.script("up");
        let pairs = said.split_whitespace().filter_map(|word| word.split_once('='));
        self.environment = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    }

    /// Sends its process a signal.
    pub fn signal(&self, signal: &str) {
        let pid = std::fs::read_to_string(self.folder.join("pid")).unwrap();
        let sent = Command::new("kill").args([signal, pid.trim()]).status().unwrap();
        assert!(sent.success(), "{signal} to {} {pid}", self.kind);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.script("down");
    }
}

fn unique() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// Lines of the log, each with when it came.
type Lines = Arc<Mutex<Vec<(Instant, String)>>>;

/// A `napot live` that runs.
pub struct Live {
    child: Child,
    folder: PathBuf,
    lines: Lines,
    reader: std::thread::JoinHandle<()>,
}

/// What was left of one.
pub struct Ended {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it said on standard error.
    pub said: String,
    /// Its report; null where it wrote none.
    pub report: Value,
}

impl Live {
    /// Starts `command live ARGUMENTS` on small arrays, with outputs in `folder/out`.
    pub fn start(mut command: Command, folder: &Path, arguments: &[&str]) -> Self {
        command.args(["live", "--no-view", "--out", "out"]).args(arguments).args(small::SETTINGS);
        command.current_dir(folder).env("NAPOT_LOG", "warn,jack=off");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = Lines::default();
        let (written, stderr) = (Arc::clone(&lines), child.stderr.take().unwrap());
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                written.lock().unwrap().push((Instant::now(), line));
            }
        });
        Self { child, folder: folder.to_owned(), lines, reader }
    }

    /// How many lines there are.
    pub fn lines(&self) -> usize {
        self.lines.lock().unwrap().len()
    }

    /// Waits for a line from the `from`th on that starts, after its time and level, as `who` and has one of `words`;
    /// says when it came.
    pub fn wait_for(&mut self, from: usize, who: &str, words: &[&str]) -> Instant {
        let until = Instant::now() + PATIENCE;
        loop {
            let is_it = |line: &str| line.contains(who) && words.iter().any(|word| line.contains(word));
            let found =
                self.lines.lock().unwrap().iter().skip(from).find(|(_, line)| is_it(line)).map(|(at, _)| *at);
            if let Some(at) = found {
                return at;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < until,
                "no {who} {words:?} ({ended:?}): {}",
                self.said()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn said(&self) -> String {
        self.lines.lock().unwrap().iter().map(|(_, line)| format!("{line}\n")).collect()
    }

    /// Threads and open files of the process.
    pub fn holdings(&self) -> [usize; 2] {
        let of = |what: &str| std::fs::read_dir(format!("/proc/{}/{what}", self.child.id())).unwrap().count();
        [of("task"), of("fd")]
    }

    /// Seconds of processor time that it has used.
    pub fn processor_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        // User and system time, in hundredths.
        [11, 12].iter().map(|at| fields[*at].parse::<f64>().unwrap() / 100.0).sum()
    }

    /// Ends it as Ctrl-C does.
    pub fn interrupt(self) -> Ended {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.end()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > until {
                self.child.kill().unwrap();
                panic!("it does not end: {}", self.said());
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let said = {
            // The pipe may be held open by what it left behind.
            let _ = self.reader.join();
            let lines = self.lines.lock().unwrap();
            lines.iter().map(|(_, line)| format!("{line}\n")).collect::<String>()
        };
        let report = std::fs::read(self.folder.join("out/report.json"))
            .map_or(Value::Null, |report| serde_json::from_slice(&report).unwrap());
        Ended { code: status.code(), said, report }
    }
}

/// The program, which finds `server`.
pub fn napot(server: Option<&Server>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_napot"));
    command.envs(server.into_iter().flat_map(|server| server.environment.iter().cloned()));
    command
}

/// Runs `napot live ARGUMENTS` to its end.
pub fn live(server: Option<&Server>, folder: &Path, arguments: &[&str]) -> Ended {
    Live::start(napot(server), folder, arguments).end()
}

/// The device of a kind in a report.
pub fn device<'a>(report: &'a Value, kind: &str) -> &'a Value {
    let devices = report["devices"].as_array().unwrap();
    devices.iter().find(|device| device["kind"] == kind).unwrap_or_else(|| panic!("no {kind}: {devices:?}"))
}

/// Checks that a device's frames add up, to the frame: those that came, and those of the run.
pub fn assert_sums(report: &Value, kind: &str) {
    let device = device(report, kind);
    let of = |key: &str| device[key].as_i64().unwrap();
    let run = 48 * report["ticks"].as_i64().unwrap();
    let [came, mine] = match kind {
        "microphone" => [of("used") + of("dropped"), of("used") + of("filled") + of("resampled")],
        _ => [of("used") + of("filled"), of("used") + of("dropped") - of("resampled")],
    };
    assert_eq!((of("delivered"), run), (came, mine), "{device}");
}

/// Checks that the session that was recorded there replays to the bit.
pub fn assert_replays(folder: &Path, session: &str) {
    let mut command = napot(None);
    let output =
        command.current_dir(folder).args(["replay", session, "--verify", "--no-view", "--speed", "max"]);
    let output = output.output().unwrap();
    assert!(output.status.success(), "{}", small::said(&output));
}
