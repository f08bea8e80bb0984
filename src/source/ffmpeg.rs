//! The `ffmpeg` program as a child process, for every codec that has no pure-Rust decoder here.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::error::{Error, Kind, Result};

/// Starts `program` (`ffmpeg`, by a path or a name on the search path) on `input` with `before` as further options for
/// its input and `output` as its output options; what it decodes is on the child's standard output, what it complains
/// about on its standard error.
///
/// The caller reads both and waits for the child. The bit-exact flags keep its scaler and decoders
/// from taking processor-dependent short cuts.
///
/// # Errors
/// Where the program isn't installed or can't be started.
pub fn spawn_program<S: AsRef<OsStr>>(
    program: &OsStr,
    input: &Path,
    before: &[&str],
    output: &[S],
) -> Result<Child> {
    // `file:` keeps a name like `http:` or `concat:` from being taken for a protocol.
    let mut name = std::ffi::OsString::from("file:");
    name.push(input);
    Command::new(program)
        .args(["-nostdin", "-hide_banner", "-loglevel", "repeat+error"])
        .args(["-protocol_whitelist", "file,pipe", "-flags", "+bitexact"])
        .args(before)
        .arg("-i")
        .arg(name)
        .args(["-flags", "+bitexact", "-sws_flags", "+accurate_rnd+bitexact"])
        .args(output)
        .arg("pipe:1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|cause| missing(input, &cause))
}

fn missing(input: &Path, cause: &std::io::Error) -> Error {
    let error = Error::new(
        Kind::Device,
        input.display().to_string(),
        "this codec needs the `ffmpeg` program, which could not be started",
    );
    error.value(cause).help("Install it (Debian: `apt-get install ffmpeg`) and try again.")
}

/// Lines of complaint that are kept.
const LINES: usize = 16;
/// Bytes of a line that are kept.
const LINE_BYTES: usize = 300;

/// What a child complains about, read on a thread so that it never waits for its reader; the last
/// lines are kept, and those that tell of packets left out are counted.
///
/// With the input option `-loglevel repeat+level+warning` warnings are counted too, and not kept.
#[derive(Debug)]
pub struct Complaints {
    kept: Arc<Mutex<Kept>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<String>,
    undecoded: u64,
    cut: bool,
}

impl Complaints {
    /// Reads `errors` (a child's standard error) until it closes.
    #[must_use]
    pub fn collect(errors: impl Read + Send + 'static) -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let shared = Arc::clone(&kept);
        let thread = std::thread::spawn(move || read_lines(BufReader::new(errors), &shared));
        Self { kept, thread: Some(thread) }
    }

    /// Waits until the child has closed its standard error.
    pub fn finish(&mut self) {
        if let Some(thread) = self.thread.take() {
            // It cannot panic; if it did, what it kept is still the best there is.
            let _ = thread.join();
        }
    }

    /// The last line that says something about the input, without the addresses that differ from run to run.
    #[must_use]
    pub fn last(&self) -> Option<String> {
        self.with(|kept| kept.lines.back().cloned())
    }

    /// Whether one of the kept lines contains `words`.
    #[must_use]
    pub fn mention(&self, words: &str) -> bool {
        self.with(|kept| kept.lines.iter().any(|line| line.contains(words)))
    }

    /// Packets that could not be decoded and were left out.
    #[must_use]
    pub fn undecoded(&self) -> u64 {
        self.with(|kept| kept.undecoded)
    }

    /// Whether the input was said to end before its end.
    #[must_use]
    pub fn cut(&self) -> bool {
        self.with(|kept| kept.cut)
    }

    fn with<T>(&self, read: impl FnOnce(&Kept) -> T) -> T {
        read(&self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn read_lines(mut errors: impl Read, shared: &Mutex<Kept>) {
    let mut line = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(count) = errors.read(&mut buffer) {
        for &byte in &buffer[..count] {
            if byte == b'\n' {
                keep(&line, shared);
                line.clear();
            } else if line.len() < LINE_BYTES {
                line.push(byte);
            }
        }
        if count == 0 {
            break;
        }
    }
    keep(&line, shared);
}

fn keep(line: &[u8], shared: &Mutex<Kept>) {
    let line = String::from_utf8_lossy(line);
    // `[h264 @ 0x5595966f0640] gray chroma`: the address is another one each time.
    let line = match line.split_once(" @ 0x").zip(line.split_once("] ")) {
        Some(((name, _), (_, words))) => format!("{}: {words}", name.trim_start_matches('[')),
        None => line.trim().to_owned(),
    };
    if line.is_empty() {
        return;
    }
    let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let left_out = ["Error while decoding stream", "dropping it"];
    kept.undecoded += u64::from(left_out.iter().any(|sign| line.contains(sign)));
    if line.contains("[warning] ") {
        return;
    }
    let line = line.replace("[error] ", "").replace("[fatal] ", "");
    kept.cut |=
        ["partial file", "ended prematurely", "Truncat", "truncat"].iter().any(|sign| line.contains(sign));
    if kept.lines.len() == LINES {
        kept.lines.pop_front();
    }
    kept.lines.push_back(line);
}

/// What tests of whole files make.
#[cfg(test)]
pub(crate) mod films {
    use std::path::{Path, PathBuf};
    use std::process::Command;

    /// Makes a file of 25 pictures a second with a tone, or says that the test is skipped.
    pub(crate) fn film(
        folder: &Path,
        name: &str,
        pictures: &str,
        tone: &str,
        codecs: &[&str],
    ) -> Option<PathBuf> {
        let path = folder.join(name);
        let (pictures, tone) =
            (format!("testsrc=d={pictures}:s=64x48:r=25"), format!("sine=d={tone}:r=48000"));
        let sources = ["-f", "lavfi", "-i", &pictures[..], "-f", "lavfi", "-i", &tone[..]];
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-y"])
            .args(sources)
            .args(codecs)
            .arg(&path)
            .status()
            .is_ok_and(|status| status.success());
        if !made {
            eprintln!("SKIPPED: ffmpeg can't make {name}");
        }
        made.then_some(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_counted_and_their_addresses_left_out() {
        let mut text = b"Error while decoding stream #0:0: Invalid data\n".repeat(1_000);
        text.extend(b"[mov,mp4 @ 0x563900] [error] stream 0, offset 0x590e2: partial file\n");
        text.extend(b"[mov,mp4 @ 0x563900] [warning] Packet corrupt (stream = 0, dts = 1), dropping it.\n");
        let mut complaints = Complaints::collect(std::io::Cursor::new(text));
        complaints.finish();
        assert_eq!(complaints.undecoded(), 1_001);
        assert!(complaints.cut());
        assert_eq!(complaints.last().unwrap(), "mov,mp4: stream 0, offset 0x590e2: partial file");
        assert!(complaints.with(|kept| kept.lines.len() == LINES));
    }

    #[test]
    fn an_endless_line_is_cut_and_not_kept_whole() {
        let mut complaints = Complaints::collect(std::io::repeat(b'x').take(10_000_000));
        complaints.finish();
        assert_eq!(complaints.last().unwrap().len(), LINE_BYTES);
    }
}
