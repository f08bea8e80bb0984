//! What a reader of XDF notices: streams, clocks, jitter, damage, and files that mean harm.

use proptest::prelude::*;

use super::*;

/// A file made by hand, chunk by chunk.
struct File(Vec<u8>);

fn whole(value: usize) -> Vec<u8> {
    match u8::try_from(value) {
        Ok(value) => vec![1, value],
        Err(_) => [&[4][..], &(value as u32).to_le_bytes()].concat(),
    }
}

impl File {
    fn new() -> Self {
        Self(b"XDF:".to_vec()).chunk(1, None, b"<?xml version=\"1.0\"?><info><version>1.0</version></info>")
    }

    fn chunk(mut self, tag: u16, stream: Option<u32>, content: &[u8]) -> Self {
        let owner = stream.map(u32::to_le_bytes).map(|id| id.to_vec()).unwrap_or_default();
        self.0.extend(whole(2 + owner.len() + content.len()));
        self.0.extend(tag.to_le_bytes());
        self.0.extend(owner);
        self.0.extend(content);
        self
    }

    fn header(self, id: u32, name: &str, format: &str, channels: usize, rate: &str, more: &str) -> Self {
        let text = format!(
            "<?xml version=\"1.0\"?><info><name>{name}</name><channel_count>{channels}</channel_count>\
             <nominal_srate>{rate}</nominal_srate><channel_format>{format}</channel_format>{more}</info>"
        );
        self.chunk(2, Some(id), text.as_bytes())
    }

    /// A chunk of one-channel `float32` samples.
    fn samples(self, id: u32, samples: &[(Option<f64>, f32)]) -> Self {
        let samples: Vec<_> =
            samples.iter().map(|(stamp, value)| (*stamp, value.to_le_bytes().to_vec())).collect();
        self.raw(id, &samples)
    }

    fn raw(self, id: u32, samples: &[(Option<f64>, Vec<u8>)]) -> Self {
        let mut content = whole(samples.len());
        for (stamp, values) in samples {
            match stamp {
                Some(stamp) => content.extend([&[8][..], &stamp.to_le_bytes()].concat()),
                None => content.push(0),
            }
            content.extend(values);
        }
        self.chunk(3, Some(id), &content)
    }

    fn offset(self, id: u32, time: f64, value: f64) -> Self {
        self.chunk(4, Some(id), &[time.to_le_bytes(), value.to_le_bytes()].concat())
    }

    fn open(&self) -> Result<Xdf> {
        open(&self.0)
    }

    fn read(&self) -> Played {
        play(self.open().unwrap())
    }
}

fn open(bytes: &[u8]) -> Result<Xdf> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.xdf");
    std::fs::write(&path, bytes).unwrap();
    Xdf::open(&path)
}

struct Played {
    times: Vec<i64>,
    rows: Vec<Vec<f32>>,
    error: Option<String>,
    faults: Faults,
}

impl Played {
    fn seconds(&self) -> Vec<f64> {
        self.times.iter().map(|&time| time as f64 * 1e-9).collect()
    }
}

fn play(mut xdf: Xdf) -> Played {
    let channels = xdf.layout().names.len();
    let mut played = Played { times: Vec::new(), rows: Vec::new(), error: None, faults: Faults::default() };
    loop {
        match xdf.next(&mut played.faults) {
            Ok(Some(sample)) => {
                assert_eq!(sample.values.len(), channels);
                assert!(sample.values.iter().all(|value| value.is_finite()));
                assert!(played.times.last().is_none_or(|&last| last <= sample.stamp.time.0));
                assert!(sample.stamp.time.0 >= 0);
                played.times.push(sample.stamp.time.0);
                played.rows.push(sample.values);
            }
            Ok(None) => return played,
            Err(error) => {
                played.error = Some(error.to_string());
                return played;
            }
        }
    }
}

/// Irregular samples at the given times, each with its number as value.
fn at(times: &[f64]) -> Vec<(Option<f64>, f32)> {
    times.iter().enumerate().map(|(n, &time)| (Some(time), n as f32)).collect()
}

fn failure(result: Result<Xdf>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn every_format_of_numbers_is_read_and_markers_are_left_out() {
    let desc = "<desc><channels><channel><label>Fz &amp; co</label><unit>microvolts</unit></channel>\
                <channel/></channels></desc>";
    let formats: [(&str, Vec<u8>); 6] = [
        ("float32", [1.5_f32.to_le_bytes(), (-2.0_f32).to_le_bytes()].concat()),
        ("double64", [1.5_f64.to_le_bytes(), (-2.0_f64).to_le_bytes()].concat()),
        ("int8", vec![1, 254]),
        ("int16", [1_i16.to_le_bytes(), (-2_i16).to_le_bytes()].concat()),
        ("int32", [1_i32.to_le_bytes(), (-2_i32).to_le_bytes()].concat()),
        ("int64", [1_i64.to_le_bytes(), (-2_i64).to_le_bytes()].concat()),
    ];
    for (format, values) in formats {
        let file = File::new()
            .header(7, "amp", format, 2, "0", desc)
            .header(9, "keys", "string", 1, "0", "")
            .raw(7, &[(Some(3.0), values)])
            .raw(9, &[(Some(2.0), vec![1, 2, b'h', b'i'])])
            .chunk(77, None, b"of a later version")
            .chunk(5, None, &[0; 16]);
        let xdf = file.open().unwrap();
        assert_eq!(xdf.layout().names, ["amp/Fz & co", "amp/2"]);
        assert_eq!(xdf.layout().units, ["microvolts", ""]);
        assert_eq!(xdf.format(), "XDF, 2 channels, 1 stream of markers left out");
        let played = play(xdf);
        assert_eq!(played.times, [0], "{format}");
        let one = if format.starts_with("int") { 1.0 } else { 1.5 };
        assert_eq!(played.rows, [[one, -2.0]], "{format}");
        assert!(played.error.is_none());
    }
}

#[test]
fn streams_are_merged_in_the_order_of_time_and_stand_at_their_first_value_until_they_begin() {
    let file = File::new()
        .header(1, "fast", "float32", 1, "4", "")
        .header(2, "slow", "float32", 1, "2", "")
        .samples(2, &[(Some(10.3), 70.0), (None, 80.0)])
        .samples(1, &[(Some(10.0), 1.0), (None, 2.0), (None, 3.0), (None, 4.0)]);
    let xdf = file.open().unwrap();
    assert_eq!((xdf.format(), xdf.rate_hz()), ("XDF, 2 channels of 2 streams".into(), None));
    assert_eq!(xdf.duration().0 / 1_000_000, 1_300);
    let played = play(xdf);
    let ms: Vec<i64> = played.times.iter().map(|time| (time + 500_000) / 1_000_000).collect();
    assert_eq!(ms, [0, 250, 300, 500, 750, 800]);
    assert_eq!(played.rows, [[1.0, 70.0], [2.0, 70.0], [2.0, 70.0], [3.0, 70.0], [4.0, 70.0], [4.0, 80.0]]);
}

#[test]
fn samples_at_one_time_are_one_row() {
    let file = File::new()
        .header(1, "a", "float32", 1, "0", "")
        .header(2, "b", "float32", 1, "0", "")
        .samples(1, &at(&[0.0, 1.0]))
        .samples(2, &at(&[0.0, 1.0]));
    assert_eq!(file.read().rows, [[0.0, 0.0], [1.0, 1.0]]);
}

#[test]
fn clock_offsets_are_a_line_that_one_late_measurement_does_not_bend() {
    let drift = |time: f64| 100.0 + 5e-5 * (time - 1_000.0);
    let mut file =
        File::new().header(1, "here", "float32", 1, "0", "").header(2, "there", "float32", 1, "0", "");
    for n in 0..40 {
        let time = 1_000.0 + 5.0 * f64::from(n);
        // 20 microseconds of noise, and one that was held up by 30 ms.
        let noise = 1e-5 * f64::from(n % 5 - 2) + if n == 17 { 0.03 } else { 0.0 };
        file = file.offset(2, time, drift(time) + noise);
    }
    let file = file.samples(1, &at(&[1_100.0, 1_300.0])).samples(2, &at(&[1_001.0, 1_150.0]));
    let played = file.read();
    let expected = [1_001.0 + drift(1_001.0) - 1_100.0, 1_150.0 + drift(1_150.0) - 1_100.0];
    let seconds = played.seconds();
    assert!((seconds[1] - expected[0]).abs() < 3e-5, "{seconds:?} {expected:?}");
    assert!((seconds[2] - expected[1]).abs() < 3e-5, "{seconds:?} {expected:?}");
}

#[test]
fn a_clock_that_was_set_anew_goes_on_where_it_was() {
    // It is 900 s ahead, and after a restart 100 s behind; measured every 5 s.
    let mut file = File::new().header(1, "here", "float32", 1, "0", "");
    let times: Vec<f64> = (0..30).map(f64::from).collect();
    for n in 0..6 {
        file = file.offset(1, 1_000.0 + 5.0 * f64::from(n), -900.0);
    }
    for n in 0..6 {
        file = file.offset(1, 40.0 + 5.0 * f64::from(n), 100.0);
    }
    let before: Vec<f64> = times.iter().map(|time| 1_000.0 + time).collect();
    let after: Vec<f64> = times.iter().map(|time| 35.0 + time).collect();
    let seconds = file.samples(1, &at(&before)).samples(1, &at(&after)).read().seconds();
    let expected: Vec<f64> = times.iter().copied().chain(times.iter().map(|time| 35.0 + time)).collect();
    assert!(seconds.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6), "{seconds:?}");
}

#[test]
fn jitter_becomes_a_line_between_breaks_and_dropped_samples_stay_dropped() {
    let jitter = |n: u32| 0.004 * f64::from(n * 7 % 5) - 0.008;
    let stamps: Vec<f64> =
        (0..400).map(|n| 50.0 + 0.01 * f64::from(n) + jitter(n) + if n < 200 { 0.0 } else { 60.0 }).collect();
    let file = |more: &str| {
        File::new().header(1, "amp", "float32", 1, "100", more).samples(1, &at(&stamps)).read().seconds()
    };
    let seconds = file("");
    assert_eq!(seconds.len(), 400);
    for (n, second) in seconds.iter().enumerate() {
        let expected = 0.01 * n as f64 + if n < 200 { 0.0 } else { 60.0 };
        assert!((second - expected).abs() < 3e-4, "{n}: {second}");
    }
    let even = seconds[..200].windows(3).all(|w| (w[2] - 2.0 * w[1] + w[0]).abs() < 3e-9);
    assert!(even, "a straight line");
    let drops = "<desc><synchronization><can_drop_samples>true</can_drop_samples></synchronization></desc>";
    let kept =
        File::new().header(1, "amp", "float32", 1, "100", drops).samples(1, &at(&[1.0, 1.5, 1.51])).read();
    assert_eq!(kept.times, [0, 500_000_000, 510_000_000]);
}

#[test]
fn values_that_are_not_finite_repeat_the_last_and_are_counted() {
    let huge = [(Some(0.0), f64::NAN), (Some(1.0), 2.0), (Some(2.0), 1e300), (Some(3.0), 4.0)];
    let samples: Vec<_> = huge.iter().map(|(time, v)| (*time, v.to_le_bytes().to_vec())).collect();
    let played = File::new().header(1, "a", "double64", 1, "0", "").raw(1, &samples).read();
    assert_eq!(played.rows, [[0.0], [2.0], [2.0], [4.0]]);
    assert_eq!(played.faults.not_finite, 2);
}

#[test]
fn streams_without_channels_or_samples_are_left_out() {
    let file = File::new()
        .header(1, "none", "float32", 0, "0", "")
        .header(2, "silent", "float32", 3, "0", "")
        .header(3, "", "float32", 1, "0", "")
        .raw(1, &[(Some(1.0), Vec::new())])
        .samples(3, &at(&[5.0]));
    assert_eq!(file.open().unwrap().layout().names, ["stream 3/1"]);
    assert_eq!(file.read().times, [0]);
    let silent = File::new().header(2, "silent", "float32", 3, "0", "");
    assert!(failure(silent.open()).contains("channels with samples is out of range: 0 (allowed: 1 to 256)"));
    let mut wide = File::new();
    for id in 0..2 {
        wide = wide.header(id, "wide", "int8", 129, "0", "").raw(id, &[(Some(0.0), vec![0; 129])]);
    }
    assert!(failure(wide.open()).contains("258 (allowed: 1 to 256)"));
}

#[test]
fn time_that_runs_backwards_is_named_by_stream_and_sample() {
    let file = File::new()
        .header(1, "eyes", "float32", 1, "0", "")
        .header(2, "amp", "float32", 1, "0", "")
        .samples(1, &at(&[1.0, 2.0, 1.5, 3.0]))
        .samples(2, &at(&[1.0, 1.2, 1.9, 2.5]));
    let played = file.read();
    let error = played.error.clone().unwrap();
    assert_eq!(played.seconds(), [0.0, 0.2, 0.9, 1.0]);
    for part in ["stream `eyes`, sample 3", "backwards: 0.500 s", "(allowed: 1.000 s or later)"] {
        assert!(error.contains(part), "{error}");
    }
}

/// Two streams of numbers, one of markers, offsets, a boundary and a footer.
fn small() -> Vec<u8> {
    File::new()
        .header(
            1,
            "amp",
            "float32",
            1,
            "10",
            "<desc><channels><channel><label>A</label></channel></channels></desc>",
        )
        .header(2, "eyes", "float32", 1, "0", "")
        .header(3, "keys", "string", 1, "0", "")
        .offset(1, 0.0, 0.0)
        .offset(1, 1.0, 0.0)
        .samples(1, &[(Some(0.0), 1.0), (None, 2.0), (None, 3.0)])
        .samples(2, &at(&[0.05, 0.15]))
        .raw(3, &[(Some(0.1), vec![1, 1, b'x'])])
        .chunk(5, None, &[0; 16])
        .samples(1, &[(Some(0.3), 4.0), (None, 5.0)])
        .chunk(6, Some(1), b"<info/>")
        .0
}

#[test]
fn a_file_cut_at_any_byte_is_given_as_far_as_it_is_whole() {
    let bytes = small();
    let full = play(open(&bytes).unwrap());
    assert_eq!((full.rows.len(), full.error.as_ref()), (7, None));
    let mut last = 0;
    for length in 0..bytes.len() {
        match open(&bytes[..length]) {
            Err(error) => {
                let error = error.to_string();
                let ends = ["cut short", "begin as XDF does", "channels with samples is out of range: 0"];
                assert!(ends.iter().any(|end| error.contains(end)), "{length}: {error}");
            }
            Ok(xdf) => {
                let played = play(xdf);
                assert!(played.rows.len() >= last, "{length}");
                last = played.rows.len();
                // A cut between two chunks leaves a shorter file that is whole.
                let cut = played.error.as_ref().is_none_or(|error| error.contains("cut short"));
                assert!(cut, "{length}: {:?}", played.error);
            }
        }
    }
    assert_eq!(last, 7);
    let played = play(open(&bytes[..bytes.len() - 17]).unwrap());
    assert!(
        played.error.is_some_and(|e| e.contains("What came before it was used")) && played.rows.len() == 6
    );
}

#[test]
fn no_flipped_byte_makes_it_panic() {
    let bytes = small();
    for pattern in [0x01, 0x10, 0x80] {
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= pattern;
            if let Ok(xdf) = open(&damaged) {
                assert!(play(xdf).rows.len() <= 7);
            }
        }
    }
}

#[test]
fn lengths_that_lie_are_told_and_nothing_is_made_for_them() {
    let begin = || File::new().header(1, "a", "float32", 1, "0", "").samples(1, &at(&[0.0]));
    let lies: [(&[u8], &str); 9] = [
        (&[8, 255, 255, 255, 255, 255, 255, 255, 255, 3, 0, 1, 0, 0, 0], "cut short"),
        (&[8, 255, 255, 255, 255, 255, 255, 255, 127, 2, 0, 1, 0, 0, 0], "cut short"),
        (&[4, 255, 255, 255, 255, 9, 9], "cut short"),
        (&[5, 1, 2, 3], "unknown width: 5 bytes (allowed: 1, 4 or 8 bytes)"),
        (&[1, 1, 3], "too short for what it is: 1 bytes (allowed: at least 2 bytes)"),
        (&[1, 5, 3, 0, 1, 0, 0], "too short for what it is: 5 bytes (allowed: at least 6 bytes)"),
        (&[1, 11, 3, 0, 1, 0, 0, 0, 4, 255, 255, 255, 255], "does not fit its number of samples"),
        (&[1, 8, 3, 0, 9, 0, 0, 0, 1, 0], "samples of a stream without a header: stream 9"),
        (&[1, 6, 4, 0, 1, 0, 0, 0], "clock offset has another length: 0 bytes (allowed: 16 bytes)"),
    ];
    for (lie, words) in lies {
        let mut bytes = begin().0;
        bytes.extend(lie);
        let played = play(open(&bytes).unwrap());
        assert_eq!(played.rows.len(), 1);
        assert!(
            played.error.as_ref().is_some_and(|error| error.contains(words)),
            "{words}: {:?}",
            played.error
        );
    }
}

#[test]
fn wrong_headers_are_named_by_byte_value_and_bound() {
    let header = |format: &str, channels: &str, rate: &str| {
        format!(
            "<info><channel_count>{channels}</channel_count><nominal_srate>{rate}</nominal_srate>\
             <channel_format>{format}</channel_format></info>"
        )
    };
    let deep = "<a>".repeat(100_000);
    let laughs = "<!DOCTYPE l [<!ENTITY a \"ha\">]><info><name>&a;</name>";
    for (text, words) in [
        (
            header("float16", "1", "0"),
            "byte 64: the format of a stream is unknown: `float16` (allowed: float32, ",
        ),
        (header("int8", "257", "0"), "channels of a stream is out of range: `257` (allowed: 0 to 256)"),
        (header("int8", "-1", "0"), "`-1` (allowed: 0 to 256)"),
        (
            header("int8", "1", "nan"),
            "the rate of a stream is out of range: `nan` (allowed: 0 to 1000000 Hz)",
        ),
        (header("int8", "1", "-5"), "`-5`"),
        ("<info></info>".into(), "the header of stream 1 has no channel_format"),
        ("<info><name>".into(), "ends within an element: `name`"),
        ("<info></name>".into(), "is no XML"),
        (deep, "nested too deep: 65 (allowed: 64 elements)"),
        (laughs.into(), "ends within an element: `info`"),
    ] {
        let message = failure(File::new().chunk(2, Some(1), text.as_bytes()).open());
        assert!(message.contains(words), "{message}");
    }
    let twice = File::new().header(1, "a", "int8", 1, "0", "").header(1, "a", "int8", 1, "0", "");
    assert!(failure(twice.open()).contains("a second header of a stream: stream 1"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_bytes_are_survived(tail in proptest::collection::vec(any::<u8>(), 0..400)) {
        for head in [File::new(), File(small())] {
            let bytes = [head.0, tail.clone()].concat();
            if let Ok(xdf) = open(&bytes) {
                play(xdf);
            }
        }
    }

    #[test]
    fn random_samples_and_offsets_are_survived(
        stamps in proptest::collection::vec((proptest::option::of(any::<f64>()), any::<f32>()), 1..40),
        offsets in proptest::collection::vec((any::<f64>(), any::<f64>()), 0..10),
        near in proptest::collection::vec((0.0..100.0, -1.0..1.0), 0..10),
        rate in prop_oneof![Just("0"), Just("1e6"), Just("1e-300"), Just("100")],
    ) {
        let mut file = File::new().header(1, "a", "float32", 1, rate, "");
        for (time, value) in offsets.into_iter().chain(near) {
            file = file.offset(1, time, value);
        }
        if let Ok(xdf) = file.samples(1, &stamps).open() {
            prop_assert!(play(xdf).rows.len() <= stamps.len());
        }
    }
}
