//! What a listener notices of sound files: time, length, level, and honest words about damage.

use std::path::{Path, PathBuf};

use super::*;
use crate::error::Kind;

/// Everything a file gives, and the error at its end.
struct Heard {
    frames: Vec<[f32; 2]>,
    error: Option<Error>,
    faults: Faults,
}

fn hear(path: &Path) -> Heard {
    let mut sound = open(path).unwrap().expect("a sound track");
    let mut heard = Heard { frames: Vec::new(), error: None, faults: Faults::default() };
    loop {
        match sound.pull() {
            Ok(Some(block)) => {
                assert_eq!(block.position, heard.frames.len() as u64);
                assert_eq!(block.stamp.time, Timestamp::from_count(block.position, SAMPLE_RATE));
                assert!(!block.frames.is_empty() && block.frames.len() <= BLOCK_FRAMES);
                heard.frames.extend(block.frames);
            }
            Ok(None) => break,
            Err(error) => {
                assert!(heard.error.is_none(), "a broken source gives no more");
                heard.error = Some(error);
            }
        }
    }
    assert!(matches!(sound.pull(), Ok(None)));
    heard.faults = sound.faults();
    heard
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A WAV made of `frames` as `bits` integers or 32-bit floats, the same value on every channel.
fn wav(path: &Path, rate: u32, channels: u16, bits: u16, values: impl Iterator<Item = f32>) {
    let float = bits == 0;
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: if float { 32 } else { bits },
        sample_format: if float { hound::SampleFormat::Float } else { hound::SampleFormat::Int },
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    let full = f64::from((1_u64 << (bits.max(1) - 1)) as u32 - u32::from(bits > 0));
    for value in values {
        for _ in 0..channels {
            if float {
                writer.write_sample(value).unwrap();
            } else {
                writer.write_sample((f64::from(value) * full) as i32).unwrap();
            }
        }
    }
    writer.finalize().unwrap();
}

fn peak(frames: &[[f32; 2]]) -> usize {
    (0..frames.len()).max_by(|&a, &b| frames[a][0].abs().total_cmp(&frames[b][0].abs())).unwrap()
}

fn data(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is absent", path.display());
    None
}

/// Runs `ffmpeg` to make a file, or says that the test is skipped.
fn ffmpeg(arguments: &[&str]) -> bool {
    let made = std::process::Command::new("ffmpeg").args(["-v", "error", "-y"]).args(arguments).status();
    let made = made.is_ok_and(|status| status.success());
    if !made {
        eprintln!("SKIPPED: ffmpeg can't make {arguments:?}");
    }
    made
}

#[test]
fn a_click_at_one_second_stays_at_one_second() {
    let folder = folder();
    for rate in [8_000, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000] {
        let path = folder.path().join("click.wav");
        wav(&path, rate, 1, 16, (0..2 * rate).map(|n| if n == rate { 0.9 } else { 0.0 }));
        let heard = hear(&path);
        assert!(peak(&heard.frames).abs_diff(48_000) <= 1, "{rate} Hz: {}", peak(&heard.frames));
        assert!(heard.frames.len().abs_diff(96_000) <= 1, "{rate} Hz: {}", heard.frames.len());
        assert!(heard.error.is_none());
    }
}

#[test]
fn every_rate_width_and_channel_count_keeps_length_and_level() {
    let folder = folder();
    let path = folder.path().join("level.wav");
    for (rate, channels, bits) in [
        (1, 1, 16),
        (7, 2, 8),
        (8_000, 1, 8),
        (11_025, 2, 24),
        (32_000, 6, 16),
        (44_100, 3, 32),
        (44_101, 1, 0),
        (48_000, 64, 16),
        (96_000, 8, 24),
        (192_000, 2, 0),
        (383_999, 1, 16),
        (384_000, 2, 32),
    ] {
        let count = (rate / 2).max(4);
        wav(&path, rate, channels, bits, (0..count).map(|_| 0.5));
        let heard = hear(&path);
        let due = (f64::from(count) * 48_000.0 / f64::from(rate)).round() as usize;
        assert!(heard.error.is_none(), "{:?}", heard.error);
        assert!(heard.frames.len().abs_diff(due) <= 1, "{rate} Hz: {} of {due}", heard.frames.len());
        if rate >= 8_000 {
            let middle = heard.frames[due / 2];
            let width = if bits == 8 { 0.02 } else { 1e-4 };
            // Low-frequency channels are left out, so all-equal channels keep their level.
            assert!(
                (middle[0] - 0.5).abs() < width && (middle[1] - 0.5).abs() < width,
                "{rate} {channels} {bits}: {middle:?}"
            );
        }
    }
}

#[test]
fn forty_eight_kilohertz_floats_come_through_bit_for_bit_and_nan_as_silence() {
    let folder = folder();
    let path = folder.path().join("nan.wav");
    let value = |n: u16| match n % 100 {
        7 => f32::NAN,
        8 => f32::INFINITY,
        n => f32::from(n) / 128.0,
    };
    wav(&path, 48_000, 1, 0, (0..5000).map(value));
    let heard = hear(&path);
    assert_eq!(heard.faults.not_finite, 100);
    for (n, frame) in heard.frames.iter().enumerate() {
        let want = value(n as u16);
        assert_eq!(frame[0].to_bits(), if want.is_finite() { want.to_bits() } else { 0 });
    }
}

#[test]
fn a_file_cut_at_any_byte_is_given_up_to_the_cut_and_then_says_so() {
    let folder = folder();
    let whole = folder.path().join("whole.wav");
    wav(&whole, 48_000, 2, 16, (0..150).map(|n| n as f32 / 1000.0));
    let bytes = std::fs::read(&whole).unwrap();
    let cut = folder.path().join("cut.wav");
    let mut last = 0;
    for length in 1..bytes.len() {
        std::fs::write(&cut, &bytes[..length]).unwrap();
        let error = match open(&cut) {
            Err(error) => error,
            Ok(None) => panic!("{length}: no sound"),
            Ok(Some(_)) => {
                let heard = hear(&cut);
                assert!(heard.frames.len() >= last, "{length}");
                last = heard.frames.len();
                heard.error.unwrap_or_else(|| panic!("{length} of {} bytes passed as whole", bytes.len()))
            }
        };
        let message = error.to_string();
        assert_eq!(error.kind(), Kind::Input);
        assert!(message.contains("cut.wav"), "{message}");
        assert!(length < 4 || message.contains("cut short"), "{length}: {message}");
    }
    assert_eq!(last, 149);
    assert!(hear(&whole).error.is_none());
}

#[test]
fn no_flipped_byte_makes_it_panic_or_run_away() {
    let folder = folder();
    let path = folder.path().join("flipped.wav");
    wav(&path, 44_100, 2, 16, (0..200).map(|n| n as f32 / 1000.0));
    let bytes = std::fs::read(&path).unwrap();
    for at in 0..48 {
        for pattern in [0x01, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= pattern;
            std::fs::write(&path, &damaged).unwrap();
            if let Ok(Some(mut sound)) = open(&path) {
                let mut blocks = 0;
                while blocks < 2000 && matches!(sound.pull(), Ok(Some(_))) {
                    blocks += 1;
                }
            }
        }
    }
}

/// The bytes of a header with `channels` at `rate`, declaring `length` bytes of 16-bit samples.
fn header(channels: u16, rate: u32, length: u32) -> Vec<u8> {
    let mut bytes = b"RIFF\x64\0\0\0WAVEfmt \x10\0\0\0\x01\0".to_vec();
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend(rate.wrapping_mul(2).to_le_bytes());
    bytes.extend(channels.wrapping_mul(2).to_le_bytes());
    bytes.extend(16_u16.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(length.to_le_bytes());
    bytes.extend([0; 56]);
    bytes
}

#[test]
fn absurd_headers_are_refused_with_place_value_and_bound() {
    let folder = folder();
    let path = folder.path().join("absurd.wav");
    for (channels, rate, words) in [
        (0, 48_000, "byte 22: the channel count is out of range: 0 (allowed: 1 to 64)"),
        (65_535, 48_000, "byte 22: the channel count is out of range: 65535 (allowed: 1 to 64)"),
        (1, 0, "byte 24: the sample rate is out of range: 0 Hz (allowed: 1 to 384000 Hz)"),
        (1, u32::MAX, "byte 24: the sample rate is out of range: 4294967295 Hz"),
    ] {
        std::fs::write(&path, header(channels, rate, 56)).unwrap();
        let message = open(&path).err().expect("an error").to_string();
        assert!(message.contains(words), "{message}");
    }
    std::fs::write(&path, header(1, 48_000, u32::MAX)).unwrap();
    let heard = hear(&path);
    assert_eq!(heard.frames.len(), 28);
    let message = heard.error.expect("an error").to_string();
    assert!(message.contains("cut short") && message.contains("4294967239 bytes missing"), "{message}");
}

#[test]
fn a_recording_whose_recorder_died_is_played_to_its_end_and_told() {
    let folder = folder();
    let path = folder.path().join("died.wav");
    let told = |bytes: &[u8], frames: usize| {
        std::fs::write(&path, bytes).unwrap();
        let heard = hear(&path);
        assert_eq!(heard.frames.len(), frames);
        let message = heard.error.expect("an error").to_string();
        let words = format!("0 bytes in its header, {frames} frames in the file");
        assert!(message.contains("died.wav") && message.contains("cut short"), "{message}");
        assert!(message.contains(&words), "{message}");
    };
    let mut bytes = header(1, 48_000, 0);
    for riff in [36, 0, u32::MAX] {
        bytes[4..8].copy_from_slice(&riff.to_le_bytes());
        told(&bytes, 28);
    }
    told(&bytes[..45], 0);
    let mut long = b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0".to_vec();
    long.extend([0; 28]);
    long.extend(&header(1, 48_000, u32::MAX)[12..]);
    told(&long, 28);
    // No sound at all is none, and chunks that the RIFF counts behind it are no sound.
    for empty in [&bytes[..44], &header(1, 48_000, 0)[..]] {
        std::fs::write(&path, empty).unwrap();
        let heard = hear(&path);
        assert!(heard.frames.is_empty() && heard.error.is_none(), "{:?}", heard.error);
    }
}

#[test]
fn a_mislabelled_file_simply_works_and_a_silent_one_is_none() {
    let folder = folder();
    let path = folder.path().join("song.mp3");
    wav(&path.with_extension("wav"), 48_000, 1, 16, (0..100).map(|_| 0.1));
    std::fs::rename(path.with_extension("wav"), &path).unwrap();
    assert_eq!(hear(&path).frames.len(), 100);
    let gif = folder.path().join("picture.wav");
    std::fs::write(&gif, b"GIF89a\0\0\0").unwrap();
    assert!(open(&gif).unwrap().is_none());
}

#[test]
fn missing_empty_and_unknown_files_are_told_apart() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("empty"), b"").unwrap();
    std::fs::write(at("noise"), [3; 100]).unwrap();
    assert_eq!(open(&at("missing")).err().unwrap().kind(), Kind::Call);
    assert_eq!(open(&at("empty")).err().unwrap().kind(), Kind::Input);
    let message = open(&at("noise")).err().unwrap().to_string();
    assert!(message.contains("no known kind") && message.contains("WAV"), "{message}");
    assert_eq!(open(folder.path()).err().unwrap().kind(), Kind::Call);
}

#[test]
fn real_recordings_last_as_long_as_ffprobe_says() {
    // Frames and rates as `ffprobe -show_streams` and a decoding `ffmpeg` give them.
    for (name, frames, rate) in [
        ("audio/drum-bass.ogg", 551_823_u64, 22_050),
        ("audio/robin.ogg", 59_505, 22_050),
        ("audio/trumpet.ogg", 117_601, 22_050),
        ("av/cockatoo.mp4", 222_383, 16_000),
    ] {
        let Some(path) = data(name) else { continue };
        let heard = hear(&path);
        let due = (frames * 48_000).div_ceil(rate) as usize;
        assert!(heard.frames.len().abs_diff(due) <= 1, "{name}: {} for {due}", heard.frames.len());
        assert!(heard.error.is_none(), "{:?}", heard.error);
        // The bird's sound track is digital silence: ffmpeg decodes it to zeros as well.
        assert_eq!(heard.frames.iter().any(|f| f[0].abs() > 0.01), name.starts_with("audio"));
        let mut again = open(&path).unwrap().unwrap();
        let first = again.pull().unwrap().unwrap();
        assert_eq!(first.frames, heard.frames[..first.frames.len()]);
    }
}

/// Encodes two seconds at 44.1 kHz with a burst of 1 kHz from 1.0 to 1.1 s; `None` where ffmpeg is absent.
fn encoded(folder: &Path, name: &str, before: &[&str], options: &[&str]) -> Option<PathBuf> {
    let source = folder.join("burst.wav");
    let burst = |n: u32| {
        if (44_100..48_510).contains(&n) { 0.8 * libm::sin(0.142_475_9 * f64::from(n)) } else { 0.0 }
    };
    wav(&source, 44_100, 2, 16, (0..88_200).map(|n| burst(n) as f32));
    let path = folder.join(name);
    let ends = [source.to_str().unwrap(), path.to_str().unwrap()];
    ffmpeg(&[before, &["-i", ends[0]], options, &[ends[1]]].concat()).then_some(path)
}

/// The middle of the energy, in frames.
fn centre(frames: &[[f32; 2]]) -> f64 {
    let energy = |f: &[f32; 2]| f64::from(f[0]) * f64::from(f[0]);
    let weighted: f64 = frames.iter().enumerate().map(|(n, f)| n as f64 * energy(f)).sum();
    weighted / frames.iter().map(energy).sum::<f64>()
}

#[test]
fn every_codec_keeps_time_and_length() {
    let folder = folder();
    // Containers that don't say where the sound ends keep the last packet's padding.
    let late: [&str; 6] = ["-f", "lavfi", "-i", "color=d=3:r=10:s=64x64", "-itsoffset", "0.5"];
    for (name, options, start, padded) in [
        ("a.flac", [].as_slice(), 0.0, false),
        ("a.ogg", &[], 0.0, false),
        ("a.mp3", &[], 0.0, false),
        ("a.m4a", &[], 0.0, false),
        ("ima.wav", &["-c:a", "adpcm_ima_wav"], 0.0, true),
        ("a.mka", &[], 0.0, true),
        ("a.opus", &[], 0.0, false),
        ("a.avi", &["-c:a", "pcm_s16le"], 0.0, false),
        ("late.mp4", &late, 0.5, true),
        ("late.mkv", &late, 0.5, true),
    ] {
        let (before, options) = if start > 0.0 { (options, [].as_slice()) } else { ([].as_slice(), options) };
        let Some(path) = encoded(folder.path(), name, before, options) else { continue };
        let heard = hear(&path);
        assert!(heard.error.is_none(), "{name}: {:?}", heard.error);
        let due = 48_000.0 * (1.05 + start);
        // Matroska's stamps are rounded to milliseconds, and keep Vorbis's first half block.
        let tolerance = if name.contains("mk") { 240.0 } else { 48.0 };
        assert!(
            (centre(&heard.frames) - due).abs() < tolerance,
            "{name}: burst at {} for {due}",
            centre(&heard.frames)
        );
        let whole = 96_000 + (48_000.0 * start) as usize;
        let more = if padded { 4800 } else { 1 };
        assert!(
            heard.frames.len() + 1 >= whole && heard.frames.len() <= whole + more,
            "{name}: {}",
            heard.frames.len()
        );
    }
}

#[test]
fn sound_by_ffmpeg_keeps_its_place_on_a_clock_that_starts_late() {
    let folder = folder();
    for (name, codec, due) in
        [("ac3.mka", "ac3", 4.05), ("opus.mka", "libopus", 4.05), ("broadcast.ts", "mp2", 1.05)]
    {
        let options = ["-c:a", codec, "-output_ts_offset", "3"];
        let Some(path) = encoded(folder.path(), name, &[], &options) else { continue };
        let heard = hear(&path);
        assert!(heard.error.is_none(), "{name}: {:?}", heard.error);
        // Encoders' delays, which not every container tells, are some 10 ms.
        let centre = centre(&heard.frames) / 48_000.0;
        assert!((centre - due).abs() < 0.02, "{name}: burst at {centre} s for {due}");
    }
}

#[test]
fn mpeg_sound_has_a_length_only_where_it_counts_its_frames() {
    let folder = folder();
    for (name, options, counted) in [
        ("counted.mp3", [].as_slice(), true),
        ("plain.mp3", &["-write_xing", "0"], false),
        ("plain.aac", &["-f", "adts"], false),
    ] {
        let Some(path) = encoded(folder.path(), name, &[], options) else { continue };
        let duration = open(&path).unwrap().unwrap().duration();
        assert_eq!(duration.is_some(), counted, "{name}: {duration:?}");
        assert!(duration.is_none_or(|d| (d.0 - 2_000_000_000).abs() < 60_000_000), "{name}: {duration:?}");
    }
    // Behind a tag of 130 bytes with a footer.
    let path = folder.path().join("tagged.mp3");
    for (tag, counted) in [(b"VBRI\0\0\0\0", true), (b"Xing\0\0\0\x01", true), (b"Info\0\0\0\x0e", false)] {
        let mut bytes = b"ID3\x04\0\x10\0\0\x01\x02".to_vec();
        bytes.extend([0; 140]);
        bytes.extend([0xff, 0xfb, 0x90, 0]);
        bytes.extend([0; 32]);
        bytes.extend(tag);
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(Survey::of(&path, Content::MpegSound).unwrap().counted, counted, "{tag:?}");
    }
}

#[test]
fn damaged_packets_become_silence_of_their_length_and_are_counted() {
    let folder = folder();
    // Where the samples lie, behind headers and padding.
    for (name, options, quarter) in
        [("a.flac", [].as_slice(), 3), ("a.m4a", &[], 1), ("adpcm.wav", &["-c:a", "adpcm_ms"], 2)]
    {
        let Some(path) = encoded(folder.path(), name, &[], options) else { continue };
        let whole = hear(&path).frames.len();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() * quarter / 4;
        bytes[middle..middle + 80].iter_mut().for_each(|b| *b ^= 0xff);
        std::fs::write(&path, &bytes).unwrap();
        let heard = hear(&path);
        assert!(heard.error.is_none(), "{name}: {:?}", heard.error);
        assert!(heard.frames.len().abs_diff(whole) <= 2, "{name}: {} of {whole}", heard.frames.len());
        assert!(heard.faults.damaged > 0 || name == "adpcm.wav", "{name}");
    }
}

#[test]
fn a_cut_is_told_by_every_container_that_declares_its_length() {
    let folder = folder();
    let fast = ["-movflags", "faststart"];
    for (name, options) in [
        ("a.flac", [].as_slice()),
        ("a.ogg", &[]),
        ("a.mp3", &[]),
        ("a.aiff", &[]),
        ("a.caf", &[]),
        ("a.mka", &[]),
        ("fast.m4a", &fast),
        ("a.m4a", &[]),
    ] {
        let Some(path) = encoded(folder.path(), name, &[], options) else { continue };
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() * 9 / 10]).unwrap();
        if name == "a.m4a" {
            let message = open(&path).err().unwrap().to_string();
            assert!(message.contains("index (`moov`)") && message.contains("cut short"), "{message}");
            continue;
        }
        let heard = hear(&path);
        assert!(heard.frames.len() > 40_000, "{name}: {} frames", heard.frames.len());
        let message = heard.error.unwrap_or_else(|| panic!("{name} passed as whole")).to_string();
        assert!(message.contains("cut short") && message.contains(" s"), "{name}: {message}");
    }
}

#[test]
fn a_fragment_of_more_samples_than_bytes_is_refused_at_once() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz/mp4/run-of-samples-without-bytes");
    let error = open(&path).err().expect("an error").to_string();
    assert!(error.contains("at byte 792") && error.contains("allowed: at most 1977"), "{error}");
}
