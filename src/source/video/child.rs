//! Pictures that the `ffmpeg` program decodes: a child process, read through a pipe.
//!
//! The child decodes the first picture track (not a cover) to raw planes in Matroska; what it decodes to
//! is one of a few 8-bit layouts, so that its own converter has nothing to do for usual streams, and
//! the length of a frame tells which. Frames that its decoder knows to be damaged are left out
//! and counted (`-err_detect explode`); what a decoder patches over without saying so is a picture. Rotation is applied.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout};

use super::input::{Input, check_size, cut_short, no_pictures};
use super::matroska::Matroska;
use super::yuv::{Layout, Matrix, to_rgb};
use super::{FrameSource, VideoOptions, info};
use crate::error::{Error, Result};
use crate::signal::{Frame, Stamp};
use crate::source::ffmpeg::{Complaints, spawn_program};
use crate::stream::{Faults, Source, SourceInfo};
use crate::time::Timestamp;

/// Two decoding threads: each holds pictures of its own. Packets that are cut or damaged are dropped, with a
/// warning, and damage within them is an error and not patched over.
const BEFORE: [&str; 8] = [
    "-loglevel",
    "repeat+level+warning",
    "-threads",
    "2",
    "-fflags",
    "+discardcorrupt",
    "-err_detect",
    "explode",
];

/// Codecs of the MPEG-4 part 2 and H.263 family, whose decoder in `ffmpeg` 5.1 aborts the whole program when told
/// to stop at damage (`Assertion frame->buf[0] failed`): it patches damaged frames over.
const FRAGILE: [&str; 12] = [
    "MP4V",
    "S263",
    "H263",
    "V_MPEG4/ISO/SP",
    "V_MPEG4/ISO/ASP",
    "V_MPEG4/ISO/AP",
    "V_MPEG4/MS",
    "FMP4",
    "XVID",
    "DIVX",
    "DX50",
    "DIV3",
];

/// Matroska counts milliseconds: times a thousand, its stamps are microseconds.
const STAMP_FACTOR: i128 = 1_000;

const FILTER: &str =
    "format=pix_fmts=yuv420p|yuvj420p|yuv422p|yuvj422p|yuv444p|yuvj444p|gray|bgr0,setpts=PTS*1000";

const OUTPUT: [&str; 15] = [
    "-an",
    "-sn",
    "-dn",
    "-map",
    "0:V:0?",
    "-fps_mode",
    "passthrough",
    "-vf",
    FILTER,
    "-c:v",
    "rawvideo",
    // 4:4:4 and RGB have no name of their own in Matroska.
    "-allow_raw_vfw",
    "1",
    "-f",
    "matroska",
];

/// What is known of a file before the child reads it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Container and codec, for people.
    pub name: String,
    /// Whether the container promises more bytes than the file has.
    pub cut: bool,
    /// Whether the container's clock starts at zero; else (broadcast streams, whose clocks start anywhere) zero is
    /// the first stamp of any track.
    pub from_zero: bool,
}

impl Known {
    /// A file of which only the container is known.
    pub fn named(name: &str) -> Self {
        Self { name: name.into(), cut: false, from_zero: false }
    }
}

/// Opens the file at `path`; `None` where it has no picture track.
///
/// # Errors
/// Where the program is missing or cannot read the file.
pub(super) fn open(path: &Path, options: &VideoOptions, known: &Known) -> Result<Option<FrameSource>> {
    Ok(start(path, options, known)?.map(|decoded| Box::new(decoded) as FrameSource))
}

fn start(path: &Path, options: &VideoOptions, known: &Known) -> Result<Option<Decoded>> {
    let fragile = FRAGILE.iter().any(|codec| known.name.to_ascii_uppercase().contains(codec));
    let mut before = if fragile { &BEFORE[..6] } else { &BEFORE[..] }.to_vec();
    if known.from_zero {
        before.push("-copyts");
    }
    let mut child = spawn_program(&options.ffmpeg, path, &before, &OUTPUT)?;
    let lost = || Error::input(path, "the pipe of the `ffmpeg` program is missing");
    let pictures = child.stdout.take().ok_or_else(lost)?;
    let complaints = Complaints::collect(child.stderr.take().ok_or_else(lost)?);
    let mut running = Running { child, complaints };
    let matroska = match Matroska::new(Input::new(path, BufReader::with_capacity(1 << 16, pictures))) {
        Ok(Some(matroska)) => matroska,
        Ok(None) => return Ok(None),
        Err(_) => {
            running.wait();
            return running.refusal(path);
        }
    };
    let track = matroska.track();
    let (width, height) = (track.width, track.height);
    check_size(path, "the stream's header", width, height)?;
    let matrix = Matrix::choose(track.colour, height);
    let format = format!("{} {width}x{height} (by ffmpeg)", known.name);
    Ok(Some(Decoded {
        info: info(path, format),
        path: path.to_owned(),
        running,
        matroska,
        size: (width, height),
        matrix,
        cut: known.cut,
        data: Vec::new(),
        sequence: 0,
        ended: false,
    }))
}

/// [`open`] for a file that nothing is known about: it is an error where it has no picture track.
///
/// # Errors
/// As [`open`], and where no kind is recognised.
pub(super) fn open_unknown(path: &Path, options: &VideoOptions) -> Result<Option<FrameSource>> {
    let unknown = || Error::input(path, "the file is of no known kind").at("byte 0");
    match open(path, options, &Known::named("unnamed")) {
        Ok(None) => Err(unknown()),
        Err(error) if error.kind() == crate::error::Kind::Input => Err(unknown().value(error)),
        opened => opened,
    }
}

/// A child that is stopped and waited for with its owner.
struct Running {
    child: Child,
    complaints: Complaints,
}

impl Running {
    /// Waits until the child has ended; whether it was content.
    fn wait(&mut self) -> bool {
        let content = self.child.wait().is_ok_and(|status| status.success());
        self.complaints.finish();
        content
    }

    /// Why the child gave no header.
    fn refusal(&self, path: &Path) -> Result<Option<Decoded>> {
        if self.complaints.mention("does not contain any stream") {
            return Ok(None);
        }
        let last = self.complaints.last().unwrap_or_else(|| "it gives no reason".into());
        Err(Error::input(path, "the `ffmpeg` program cannot read it").value(format!("\"{last}\"")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only where the child has already been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.complaints.finish();
    }
}

/// A stream that the child decodes.
struct Decoded {
    info: SourceInfo,
    path: PathBuf,
    running: Running,
    matroska: Matroska<BufReader<ChildStdout>>,
    size: (usize, usize),
    matrix: Matrix,
    cut: bool,
    data: Vec<u8>,
    sequence: u64,
    ended: bool,
}

impl Decoded {
    fn read(&mut self) -> Result<Option<Frame>> {
        let (width, height) = self.size;
        let limit = Layout::Bgr0.bytes(width, height) as u64;
        // A frame cut off in the pipe says only that the child is gone: its own words are better.
        let Ok(Some(time)) = self.matroska.block(&mut self.data, limit) else { return self.end() };
        let Some(layout) = Layout::with_bytes(self.data.len(), width, height) else {
            return Err(Error::input(&self.path, "a decoded frame has an unknown length")
                .at(format!("frame {}", self.sequence))
                .value(format!("{} bytes", self.data.len()))
                .bound(format!("1 to 4 bytes for each of {width} x {height} pixels")));
        };
        let rgb = to_rgb(&self.data, layout, self.matrix, width, height);
        let sequence = self.sequence;
        self.sequence += 1;
        Ok(Some(Frame { stamp: Stamp::recorded(unscaled(time)), sequence, width, height, rgb }))
    }

    fn end(&mut self) -> Result<Option<Frame>> {
        let content = self.running.wait();
        let complaints = &self.running.complaints;
        let quoted = |error: Error| match complaints.last() {
            Some(last) => error.value(format!("ffmpeg: \"{last}\"")),
            None => error,
        };
        let next = unscaled(self.matroska.last());
        if self.cut || complaints.cut() {
            return Err(quoted(cut_short(&self.path, self.sequence, next)));
        }
        if !content {
            let stopped = Error::input(&self.path, "the `ffmpeg` program broke off");
            return Err(quoted(stopped.at(format!("frame {}, {next}", self.matroska.index()))));
        }
        if self.sequence == 0 {
            return Err(quoted(no_pictures(&self.path)));
        }
        Ok(None)
    }
}

impl Source for Decoded {
    type Item = Frame;

    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn pull(&mut self) -> Result<Option<Frame>> {
        if self.ended {
            return Ok(None);
        }
        let read = self.read();
        self.ended = !matches!(read, Ok(Some(_)));
        read
    }

    fn faults(&self) -> Faults {
        Faults { damaged: self.running.complaints.undecoded(), ..Faults::default() }
    }
}

fn unscaled(time: Timestamp) -> Timestamp {
    Timestamp::from_ratio(i128::from(time.0), 1_000_000_000 * STAMP_FACTOR)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ffmpeg, run_ffmpeg};
    use super::*;

    #[test]
    fn a_dropped_source_leaves_no_child_behind() {
        if !ffmpeg() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.mp4");
        run_ffmpeg(&["-f", "lavfi", "-i", "testsrc2=d=4:s=320x240:r=25", "-c:v", "mpeg4"], &path);
        let known = Known::named("MP4");
        let mut source = start(&path, &VideoOptions::default(), &known).unwrap().unwrap();
        assert!(source.pull().unwrap().is_some());
        let process = format!("/proc/{}", source.running.child.id());
        assert!(Path::new(&process).exists(), "the child has ended before its time");
        drop(source);
        assert!(!Path::new(&process).exists(), "the child still runs, or is a zombie");
    }
}
