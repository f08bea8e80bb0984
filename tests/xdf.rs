//! XDF there and back: what our writer wrote, our reader reads, and the program plays, whole or cut short.

mod small;

use std::path::Path;

use napot::sink::xdf::XdfWriter;
use napot::source::content::Content;
use napot::source::media::{self, MediaOptions};
use napot::stream::Source;
use napot::time::Timestamp;
use small::{napot, said, whole_outputs};

/// 2 electrodes at 100 Hz for `seconds`, a marker a second; the values that were written.
fn write(path: &Path, seconds: u16) -> Vec<[f32; 2]> {
    let names = ["Cz", "<Pz>"].map(str::to_owned);
    let mut writer = XdfWriter::create(path, &names, 100).unwrap();
    let values: Vec<[f32; 2]> =
        (0..100 * seconds).map(|n| [f32::from(n % 97) / 3.0 - 16.0, -0.1 * f32::from(n % 100)]).collect();
    for (n, value) in values.iter().enumerate() {
        if n % 100 == 0 {
            writer.annotate(Timestamp::from_count(n as u64, 100), "a second");
        }
        writer.push(value).unwrap();
    }
    let summary = writer.finish().unwrap();
    assert_eq!((summary.samples, summary.annotations), (values.len() as u64, u64::from(seconds)));
    values
}

#[test]
fn what_was_written_comes_back_to_the_bit_and_the_nanosecond() {
    let folder = tempfile::tempdir().unwrap();
    // It is known by its content.
    let path = folder.path().join("electrodes.edf");
    let written = write(&path, 25);
    assert_eq!(Content::of(&path).unwrap(), Content::Xdf);
    let media = media::open(&path, &MediaOptions::default()).unwrap();
    assert_eq!(media.duration, Some(Timestamp(25_000_000_000)));
    let mut file = media.scalar.unwrap();
    assert_eq!(file.layout().names, ["electrodes/Cz", "electrodes/<Pz>"]);
    assert_eq!(file.layout().units, ["microvolts", "microvolts"]);
    assert_eq!(file.info().format, "XDF, 2 channels, 100 Hz, 1 stream of markers left out");
    for (n, values) in written.iter().enumerate() {
        let sample = file.pull().unwrap().unwrap();
        assert_eq!(sample.values, values);
        let expected = Timestamp::from_count(n as u64, 100).0;
        assert!((sample.stamp.time.0 - expected).abs() <= 1, "{n}: {:?}", sample.stamp);
    }
    assert!(file.pull().unwrap().is_none());
}

#[test]
fn a_recording_is_played_and_one_cut_short_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("eeg.xdf");
    write(&path, 2);
    let output = napot(folder.path(), &["replay", "eeg.xdf", "--out", "whole"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let report = whole_outputs(&folder.path().join("whole"));
    assert_eq!(report["sources"][0]["delivered"], 200);

    let bytes = std::fs::read(&path).unwrap();
    // Within the last chunk of samples: its end, the markers and the footers are missing.
    let end = bytes.len() - 600;
    std::fs::write(&path, &bytes[..end]).unwrap();
    let output = napot(folder.path(), &["replay", "eeg.xdf", "--out", "cut"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in ["eeg.xdf", "cut short", "byte ", "What came before it was used"] {
        assert!(said.contains(part), "no `{part}` in {said}");
    }
    let report = whole_outputs(&folder.path().join("cut"));
    let delivered = report["sources"][0]["delivered"].as_u64().unwrap();
    assert!((101..200).contains(&delivered), "{delivered} samples");
}

#[test]
fn a_packed_file_is_told_from_an_unknown_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("eeg.xdfz"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]).unwrap();
    let output = napot(folder.path(), &["replay", "eeg.xdfz"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("eeg.xdfz") && said.contains("gzip") && said.contains("gunzip"), "{said}");
}
