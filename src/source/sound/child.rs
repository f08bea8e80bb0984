//! Sound that the `ffmpeg` program decodes and pipes as WAV, for codecs without a pure-Rust decoder here.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process;
use std::thread::JoinHandle;

use super::wave::Wave;
use crate::error::{Error, Result};
use crate::source::content::Content;
use crate::source::ffmpeg;

/// Bytes of complaints that are kept.
const MOST_COMPLAINTS: usize = 64 * 1024;

/// The running program; dropping it ends it.
pub struct Child {
    process: process::Child,
    complaints: Option<JoinHandle<String>>,
}

/// Starts the program on the sound of the file at `path`, which holds `content`; `None` where the file holds none.
///
/// The first sound track keeps its rate and channels, and its place on the file's clock, which is that of its
/// pictures: silence stands for a late start and for gaps. The processor's extensions stay unused, as they change the bits.
///
/// # Errors
/// Where the program isn't installed, or can't make sense of the file.
pub fn open(path: &Path, content: Content) -> Result<Option<(Wave, Child)>> {
    // Without it the program lets the first track start at zero.
    let before: &[&str] = if content.counts_from_zero() { &["-copyts"] } else { &[] };
    let output = ["-cpuflags", "0", "-map", "0:a:0", "-vn", "-af", "aresample=async=1:first_pts=0"];
    let coded = ["-c:a", "pcm_f32le", "-f", "wav"];
    let output = [output.as_slice(), coded.as_slice()].concat();
    let mut process = ffmpeg::spawn_program(OsStr::new("ffmpeg"), path, before, &output)?;
    let pipes = process.stdout.take().zip(process.stderr.take());
    let Some((sound, mut errors)) = pipes else {
        return Err(Error::input(path, "the pipes of the `ffmpeg` program are missing"));
    };
    // Read aside: a full pipe of complaints would stop the program.
    let complaints = std::thread::spawn(move || {
        let mut kept = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = errors.read(&mut chunk) {
            kept.extend_from_slice(&chunk[..count.min(MOST_COMPLAINTS - kept.len())]);
        }
        String::from_utf8_lossy(&kept).into_owned()
    });
    let mut child = Child { process, complaints: Some(complaints) };
    if let Ok(Some(wave)) = Wave::open(path, Box::new(std::io::BufReader::new(sound))) {
        return Ok(Some((wave, child)));
    }
    let (_, complaints) = child.end();
    if complaints.contains("matches no streams") { Ok(None) } else { Err(undecoded(path, &complaints)) }
}

impl Child {
    /// Waits for the program's end; says of how many damaged pieces it complained.
    ///
    /// # Errors
    /// Where the program says that it failed; `place` says how far the sound came.
    pub fn finish(mut self, path: &Path, place: &str) -> Result<u64> {
        let (whole, complaints) = self.end();
        if whole {
            Ok(complaints.lines().count() as u64)
        } else {
            Err(undecoded(path, &complaints).at(place))
        }
    }

    fn end(&mut self) -> (bool, String) {
        let whole = self.process.wait().is_ok_and(|status| status.success());
        let complaints = self.complaints.take().and_then(|reader| reader.join().ok());
        (whole, complaints.unwrap_or_default())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended already: then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn undecoded(path: &Path, complaints: &str) -> Error {
    let said: String = complaints.lines().last().unwrap_or("no word").chars().take(200).collect();
    Error::input(path, "the `ffmpeg` program could not decode the sound").value(said)
}
