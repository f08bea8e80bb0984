//! What a user notices of video files, good and bad.

mod containers;
mod damage;
mod programs;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{FrameSource, VideoOptions, open, open_with};
use crate::error::Error;
use crate::signal::Frame;

/// All frames of `source`, and the error it ended with; checks that it ends once and for all.
pub(super) fn drain(source: &mut FrameSource) -> (Vec<Frame>, Option<Error>) {
    let mut frames = Vec::new();
    let error = loop {
        match source.pull() {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(matches!(source.pull(), Ok(None)), "a source that has ended gives nothing more");
    for frame in &frames {
        assert_eq!(frame.rgb.len(), 3 * frame.width * frame.height);
    }
    (frames, error)
}

/// All frames of the file at `path`, which opens, and the error they ended with.
pub(super) fn frames(path: &Path) -> (Vec<Frame>, Option<Error>) {
    drain(&mut open(path).unwrap().unwrap())
}

/// Frames and message of the file `bytes`: where it does not open, no frames.
pub(super) fn outcome(path: &Path, bytes: &[u8]) -> (Vec<Frame>, Option<Error>) {
    outcome_with(path, bytes, &VideoOptions::default())
}

/// [`outcome`] without the `ffmpeg` program: no child for each of a thousand damaged headers.
pub(super) fn outcome_alone(path: &Path, bytes: &[u8]) -> (Vec<Frame>, Option<Error>) {
    outcome_with(path, bytes, &VideoOptions { ffmpeg: "/nowhere/ffmpeg".into(), ..VideoOptions::default() })
}

fn outcome_with(path: &Path, bytes: &[u8], options: &VideoOptions) -> (Vec<Frame>, Option<Error>) {
    std::fs::write(path, bytes).unwrap();
    match open_with(path, options) {
        Ok(Some(mut source)) => drain(&mut source),
        Ok(None) => (Vec::new(), None),
        Err(error) => (Vec::new(), Some(error)),
    }
}

/// The milliseconds of the frames' stamps.
pub(super) fn milliseconds(frames: &[Frame]) -> Vec<i64> {
    frames.iter().map(|frame| frame.stamp.time.0 / 1_000_000).collect()
}

/// Whether `ffmpeg` is installed; says so where it isn't.
pub(super) fn ffmpeg() -> bool {
    let there = Command::new("ffmpeg").arg("-version").output().is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("SKIPPED: the `ffmpeg` program is not installed");
    }
    there
}

/// Makes the file at `path` with `ffmpeg`.
pub(super) fn run_ffmpeg(arguments: &[&str], path: &Path) {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y"])
        .args(arguments)
        .arg(path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The file `name` of the shared data; says so where it is absent.
pub(super) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is absent", path.display());
    None
}

/// A 4:2:0 Y4M file of `count` frames: frame `n` is grey `16 + 10 n`.
pub(super) fn y4m(width: usize, height: usize, count: u8) -> Vec<u8> {
    let mut file = format!("YUV4MPEG2 W{width} H{height} F30000:1001 Ip A1:1 C420jpeg\n").into_bytes();
    for frame in 0..count {
        file.extend(b"FRAME\n");
        file.extend(vec![16 + 10 * frame; width * height]);
        file.extend(vec![128; 2 * width.div_ceil(2) * height.div_ceil(2)]);
    }
    file
}

/// A baseline grey JPEG picture of 16 x 8 pixels (two blocks) with the Huffman tables of ITU-T T.81,
/// K.3 and K.5: each block flat at `levels` steps of 2 from grey (each -7 to 7), with a little texture.
pub(super) fn jpeg(levels: [i32; 2], with_tables: bool) -> Vec<u8> {
    let mut file = vec![0xFF, 0xD8];
    file.extend([0xFF, 0xDB, 0, 67, 0]);
    file.extend([16; 64]);
    file.extend([0xFF, 0xC0, 0, 11, 8, 0, 8, 0, 16, 1, 1, 0x11, 0]);
    if with_tables {
        file.extend(super::jpeg::standard_tables());
    }
    file.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0]);
    let mut bits = String::new();
    let mut before = 0;
    for level in levels {
        let difference = level - before;
        before = level;
        let size = 32 - difference.unsigned_abs().leading_zeros();
        // Table K.3: the codes of the sizes 0 to 4.
        bits.push_str(["00", "010", "011", "100", "101"][size as usize]);
        if size > 0 {
            let value = if difference < 0 { difference + (1 << size) - 1 } else { difference };
            write!(bits, "{value:0width$b}", width = size as usize).unwrap();
        }
        // Table K.5: run 0, size 1 (00), value 1; then the end of the block (1010).
        bits.push_str("0011010");
    }
    while !bits.len().is_multiple_of(8) {
        bits.push('1');
    }
    file.extend(
        bits.as_bytes()
            .chunks(8)
            .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap()),
    );
    file.extend([0xFF, 0xD9]);
    file
}

/// A chunk of a RIFF file.
pub(super) fn chunk(name: [u8; 4], body: &[u8]) -> Vec<u8> {
    let mut chunk = name.to_vec();
    chunk.extend((body.len() as u32).to_le_bytes());
    chunk.extend(body);
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

fn list(name: [u8; 4], kind: [u8; 4], parts: &[Vec<u8>]) -> Vec<u8> {
    chunk(name, &[&kind[..], &parts.concat()].concat())
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A Motion-JPEG AVI file at 25 pictures per second; each of `segments` is a RIFF segment with its chunks.
pub(super) fn avi(segments: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let sound = [b"auds".to_vec(), words(&[0, 0, 0, 0, 1, 8_000, 0, 0, 0, 0, 0, 0, 0])].concat();
    let pictures = segments.iter().flatten().filter(|chunk| chunk.starts_with(b"01dc")).count() as u32;
    let video = [b"vidsMJPG".to_vec(), words(&[0, 0, 0, 1, 25, 0, pictures, 0, 0, 0, 0, 0])].concat();
    let format = [words(&[40, 16, 8, 1 | 24 << 16]), b"MJPG".to_vec(), words(&[0; 5])].concat();
    let header = list(
        *b"LIST",
        *b"hdrl",
        &[
            chunk(*b"avih", &words(&[40_000, 0, 0, 0, 0, 0, 2, 0, 16, 8, 0, 0, 0, 0])),
            list(*b"LIST", *b"strl", &[chunk(*b"strh", &sound), chunk(*b"strf", &[0; 18])]),
            list(*b"LIST", *b"strl", &[chunk(*b"strh", &video), chunk(*b"strf", &format)]),
        ],
    );
    let mut file = Vec::new();
    for (index, chunks) in segments.iter().enumerate() {
        let movi = list(*b"LIST", *b"movi", chunks);
        file.extend(match index {
            0 => list(*b"RIFF", *b"AVI ", &[header.clone(), movi]),
            _ => list(*b"RIFF", *b"AVIX", &[movi]),
        });
    }
    file
}

/// A GIF file of 4 x 2 pixels whose frames have these delays and disposals, and cover the columns from
/// `left` on in colour `index` of black, red, green, blue (3 is transparent).
pub(super) fn gif(frames: &[(u16, ::gif::DisposalMethod, u16, u8)]) -> Vec<u8> {
    let mut file = Vec::new();
    let palette = [0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255];
    let mut encoder = ::gif::Encoder::new(&mut file, 4, 2, &palette).unwrap();
    for &(delay, dispose, left, index) in frames {
        let width = 4 - left;
        encoder
            .write_frame(&::gif::Frame {
                delay,
                dispose,
                left,
                width,
                height: 2,
                transparent: Some(3),
                buffer: vec![index; usize::from(width) * 2].into(),
                ..::gif::Frame::default()
            })
            .unwrap();
    }
    drop(encoder);
    file
}
