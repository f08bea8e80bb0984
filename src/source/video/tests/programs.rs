//! Files that the `ffmpeg` program makes or decodes.

use std::path::Path;

use super::super::{VideoOptions, open, open_with};
use super::{drain, ffmpeg, frames, milliseconds, run_ffmpeg, shared};
use crate::error::Kind;
use crate::signal::Frame;

const BARS: [&str; 4] = ["-f", "lavfi", "-i", "smptebars=d=1:s=320x240:r=10"];

/// Greatest distance of a pixel of the bars from their true colours (75 % white, yellow, cyan, green, magenta,
/// red, blue), in the middle of each bar, sixty rows from the top.
fn off_the_bars(frame: &Frame) -> u8 {
    let bars = [
        [180; 3],
        [180, 180, 16],
        [16, 180, 180],
        [16, 180, 16],
        [180, 16, 180],
        [180, 16, 16],
        [16, 16, 180],
    ];
    let level = |value: u8| ((u32::from(value) - 16) * 255 / 219) as u8;
    let off = bars.iter().enumerate().flat_map(|(index, bar)| {
        let pixel = frame.pixel((2 * index + 1) * frame.width / 14, frame.height / 4);
        bar.iter().zip(pixel).map(|(&want, got)| level(want).abs_diff(got)).collect::<Vec<_>>()
    });
    off.max().unwrap()
}

fn make(folder: &Path, name: &str, arguments: &[&str]) -> std::path::PathBuf {
    let path = folder.join(name);
    run_ffmpeg(arguments, &path);
    path
}

#[test]
fn colours_and_orientation_are_right_in_every_codec() {
    if !ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let hd = ["-f", "lavfi", "-i", "smptebars=d=1:s=1280x720:r=10"];
    let to_709 = ["-vf", "scale=out_color_matrix=bt709", "-colorspace", "bt709"];
    for (name, source, options) in [
        ("a.avi", BARS, &["-c:v", "mjpeg", "-q:v", "1"][..]),
        ("b.avi", BARS, &["-c:v", "mjpeg", "-q:v", "1", "-pix_fmt", "yuvj444p"]),
        ("c.mkv", BARS, &["-c:v", "mjpeg", "-q:v", "1", "-pix_fmt", "yuvj422p"]),
        ("d.y4m", BARS, &["-pix_fmt", "yuv420p"]),
        ("e.y4m", BARS, &["-pix_fmt", "yuv444p"]),
        ("f.mp4", BARS, &["-c:v", "mpeg4", "-q:v", "1"]),
        ("g.mkv", BARS, &["-c:v", "ffv1", "-pix_fmt", "yuv422p10le"]),
        ("h.mkv", BARS, &["-c:v", "ffv1", "-pix_fmt", "bgr0"]),
        ("i.mov", BARS, &["-c:v", "png", "-pix_fmt", "rgb24"]),
        ("j.ts", BARS, &["-c:v", "mpeg2video", "-q:v", "1"]),
        ("k.mkv", hd, &[&to_709[..], &["-c:v", "ffv1", "-pix_fmt", "yuv420p"]].concat()),
    ] {
        let path = make(folder.path(), name, &[&source[..], options].concat());
        let (frames, error) = frames(&path);
        assert_eq!((frames.len(), error), (10, None), "{name}");
        let off = off_the_bars(&frames[0]);
        assert!(off <= 8, "{name}: {off} steps off");
        assert_eq!(frames[9].sequence, 9);
        let from = frames[0].stamp.time.0 / 1_000_000;
        assert!((900..=901).contains(&(frames[9].stamp.time.0 / 1_000_000 - from)), "{name}");
    }
}

#[test]
fn the_cockatoo_has_280_frames_at_20_a_second_from_zero_on() {
    let Some(path) = shared("av/cockatoo.mp4") else { return };
    if !ffmpeg() {
        return;
    }
    let mut source = open(&path).unwrap().unwrap();
    assert_eq!(source.info().format, "MP4, avc1 1280x720 (by ffmpeg)");
    for index in 0..280 {
        let frame = source.pull().unwrap().unwrap();
        assert_eq!((frame.width, frame.height, frame.sequence), (1280, 720, index));
        assert_eq!(frame.stamp.time.0, index.cast_signed() * 50_000_000);
    }
    assert!(source.pull().unwrap().is_none());
    assert_eq!(source.faults().damaged, 0);
}

#[test]
fn variable_frame_rates_keep_their_stamps() {
    if !ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Frame n of 25 a second is shown at n squared times 40 ms.
    let filter = ["-vf", "setpts=N*N/(25*TB)", "-fps_mode", "vfr", "-frames:v", "6"];
    let want = [0, 40, 160, 360, 640, 1_000];
    for (name, codec) in [("a.mkv", "mjpeg"), ("b.mkv", "ffv1"), ("c.mp4", "mpeg4")] {
        let source = ["-f", "lavfi", "-i", "testsrc=d=1:s=64x48:r=25"];
        let path = make(folder.path(), name, &[&source[..], &filter, &["-c:v", codec]].concat());
        let (frames, error) = frames(&path);
        assert_eq!((milliseconds(&frames), error), (want.to_vec(), None), "{name}");
    }
}

#[test]
fn stamps_count_from_the_start_of_the_file_s_clock() {
    if !ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let late = ["-f", "lavfi", "-i", "testsrc=d=0.2:s=64x48:r=10", "-output_ts_offset", "3"];
    for (name, codec, first) in
        [("a.mkv", "mjpeg", 3_000), ("b.mkv", "ffv1", 3_000), ("c.ts", "mpeg2video", 0)]
    {
        let path = make(folder.path(), name, &[&late[..], &["-c:v", codec]].concat());
        let (frames, error) = frames(&path);
        assert_eq!((milliseconds(&frames), error), (vec![first, first + 100], None), "{name}");
    }
}

#[test]
fn a_cut_matroska_file_gives_what_came_before_and_says_so() {
    if !ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = ["-f", "lavfi", "-i", "testsrc=d=1:s=32x32:r=4", "-c:v", "mjpeg"];
    let path = make(folder.path(), "a.mkv", &source);
    let file = std::fs::read(&path).unwrap();
    let (whole, _) = frames(&path);
    assert_eq!(whole.len(), 4);
    for length in (0..file.len()).step_by(19) {
        let (frames, error) = super::outcome_alone(&path, &file[..length]);
        assert!(whole.starts_with(&frames), "cut at {length}");
        let error = error.unwrap_or_else(|| panic!("a cut at byte {length} was not told")).to_string();
        assert!(["cut", "ends", "`ffmpeg`", "empty"].iter().any(|word| error.contains(word)), "{error}");
        let mut flipped = file.clone();
        flipped[length] ^= 0x5A;
        super::outcome_alone(&path, &flipped);
    }
}

#[test]
fn a_cut_mp4_gives_its_frames_up_to_the_cut_where_its_index_is_whole() {
    if !ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = ["-f", "lavfi", "-i", "testsrc2=d=2:s=160x120:r=10", "-c:v", "mpeg4", "-g", "5"];
    let path = make(folder.path(), "first.mp4", &[&source[..], &["-movflags", "faststart"]].concat());
    let (whole, _) = frames(&path);
    let file = std::fs::read(&path).unwrap();
    let (frames, error) = super::outcome(&path, &file[..file.len() / 2]);
    assert!((4..16).contains(&frames.len()), "{}", frames.len());
    assert!(whole.starts_with(&frames));
    let error = error.unwrap().to_string();
    assert!(error.contains("first.mp4, at frame") && error.contains("cut short"), "{error}");

    let path = make(folder.path(), "last.mp4", &source);
    let file = std::fs::read(&path).unwrap();
    for length in [file.len() / 2, file.len() - 10] {
        let (frames, error) = super::outcome(&path, &file[..length]);
        assert_eq!(frames.len(), 0);
        let error = error.unwrap().to_string();
        assert!(error.contains("index") && error.contains("cannot be read without"), "{error}");
    }
}

#[test]
fn files_without_a_picture_track_say_none() {
    if !ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tone = ["-f", "lavfi", "-i", "sine=d=0.2"];
    for name in ["a.wav", "b.mp4", "c.mkv", "d.ogg", "e.avi", "f.flac", "g.mp3", "h.ts", "i.aiff"] {
        let path = make(folder.path(), name, &tone);
        assert!(open(&path).unwrap().is_none(), "{name}");
    }
}

#[test]
fn a_missing_program_is_told_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.flv");
    std::fs::write(&path, b"FLV\x01\x01\0\0\0\x09").unwrap();
    let options = VideoOptions { ffmpeg: "/nowhere/ffmpeg".into(), ..VideoOptions::default() };
    let error = open_with(&path, &options).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), Kind::Device);
    let text = error.to_string();
    assert!(text.contains("clip.flv: this codec needs the `ffmpeg` program"), "{text}");
    assert!(text.contains("Install it"), "{text}");
}

#[test]
fn what_the_program_cannot_read_is_quoted() {
    if !ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.flv");
    std::fs::write(&path, b"FLV\x01\x01\0\0\0\x09").unwrap();
    let error = open(&path).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("clip.flv: ") && error.contains("ffmpeg"), "{error}");
    std::fs::write(&path, [0xFE, 0x00, 0x01, 0xA7].repeat(300)).unwrap();
    let error = open(&path).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("no known kind"), "{error}");
}

#[test]
fn rotation_is_applied_and_a_cover_is_not_video() {
    if !ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let plain = make(folder.path(), "plain.mp4", &[&BARS[..], &["-c:v", "mpeg4", "-q:v", "1"]].concat());
    let plain = plain.to_str().unwrap();
    let turned =
        make(folder.path(), "turned.mp4", &["-i", plain, "-c", "copy", "-metadata:s:v:0", "rotate=90"]);
    let (frames, error) = frames(&turned);
    assert_eq!(error, None);
    assert_eq!((frames[0].width, frames[0].height), (240, 320));
    let picture = make(folder.path(), "cover.png", &[&BARS[..], &["-frames:v", "1"]].concat());
    let tone = ["-f", "lavfi", "-i", "sine=d=0.2", "-i", picture.to_str().unwrap(), "-map", "0", "-map", "1"];
    let song = make(
        folder.path(),
        "song.m4a",
        &[&tone[..], &["-c:v", "mjpeg", "-disposition:v", "attached_pic"]].concat(),
    );
    assert!(open(&song).unwrap().is_none());
}

#[test]
fn a_frame_that_the_decoder_knows_to_be_damaged_is_counted() {
    if !ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = ["-f", "lavfi", "-i", "testsrc2=d=1:s=160x120:r=10", "-c:v", "mpeg2video", "-g", "1"];
    let path = make(folder.path(), "a.avi", &source);
    let mut file = std::fs::read(&path).unwrap();
    let middle = file.len() / 2;
    for (byte, step) in file[middle..middle + 300].iter_mut().zip(0..) {
        *byte = byte.wrapping_mul(7).wrapping_add(step as u8);
    }
    std::fs::write(&path, &file).unwrap();
    let mut source = open(&path).unwrap().unwrap();
    let (frames, _) = drain(&mut source);
    assert!(source.faults().damaged >= 1);
    assert!((8..=10).contains(&frames.len()), "{}", frames.len());
}
