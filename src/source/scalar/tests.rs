//! What a reader of recorded channels notices: names, times, values, and honest words about damage.

use super::*;
use crate::error::Kind;
use crate::units::Hertz;

type Read = (Vec<ScalarSample>, Option<Error>, Faults);

fn read(mut file: ScalarFile) -> Read {
    let mut samples: Vec<ScalarSample> = Vec::new();
    let mut error = None;
    loop {
        match file.pull() {
            Ok(Some(sample)) => {
                assert_eq!(sample.values.len(), file.layout().names.len());
                assert!(sample.values.iter().all(|v| v.is_finite()));
                assert!(samples.last().is_none_or(|last| last.stamp.time <= sample.stamp.time));
                samples.push(sample);
            }
            Ok(None) => return (samples, error, file.faults()),
            Err(e) => {
                assert!(error.is_none(), "a broken source gives no more");
                error = Some(e);
            }
        }
    }
}

fn table(text: &str, rate: Option<f64>) -> Result<ScalarFile> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    std::fs::write(&path, text).unwrap();
    open_csv(&path, &CsvOptions { rate: rate.map(Hertz) })
}

fn times(samples: &[ScalarSample]) -> Vec<i64> {
    samples.iter().map(|s| s.stamp.time.0).collect()
}

#[test]
fn a_table_with_a_time_column_keeps_its_times() {
    let file = table("time,Fz,Cz\n10.0,1,2\n10.25,3,4\n10.5,5,6\n", None).unwrap();
    assert_eq!(file.layout().names, ["Fz", "Cz"]);
    assert_eq!(file.rate_hz(), None);
    let (samples, error, _) = read(file);
    assert_eq!(times(&samples), [0, 250_000_000, 500_000_000]);
    assert_eq!(samples[2].values, [5.0, 6.0]);
    assert!(error.is_none());
}

#[test]
fn tabs_semicolons_decimal_commas_and_milliseconds_are_understood() {
    let (samples, ..) = read(table("ms;a\n0;1,5\n2;2,5\n", None).unwrap());
    assert_eq!((times(&samples), samples[1].values[0]), (vec![0, 2_000_000], 2.5));
    let (samples, ..) = read(table("\"time (s)\"\tb\n0\t-1\n1\t1e3\n", None).unwrap());
    assert_eq!((times(&samples), samples[1].values[0]), (vec![0, 1_000_000_000], 1000.0));
}

#[test]
fn a_recording_of_the_openbci_gui_is_its_electrodes_at_the_rate_that_it_tells() {
    let text = "%OpenBCI Raw EXG Data\n%Number of channels = 2\n%Sample Rate = 250 Hz\n\
        %Board = OpenBCI_GUI$BoardCytonSerial\n\
        Sample Index, EXG Channel 0, EXG Channel 1, Accel Channel 0, Timestamp, Other, Timestamp (Formatted)\n\
        0.0, 1.5, -2.5, 0.1, 1609459200.10, 0.0, 2021-01-01 00:00:00.100\n\
        1.0, 2.5, -3.5, 0.1, 1609459200.10, 0.0, 2021-01-01 00:00:00.100\n";
    let file = table(text, None).unwrap();
    assert_eq!(
        (file.rate_hz(), &file.layout().names[..]),
        (Some(250.0), &["EXG Channel 0", "EXG Channel 1"].map(str::to_owned)[..])
    );
    let (samples, error, faults) = read(file);
    assert_eq!((times(&samples), &samples[1].values[..]), (vec![0, 4_000_000], &[2.5, -3.5][..]));
    assert!(error.is_none() && faults == Faults::default());
    // Without a rate its times are taken, and what is damaged is named by its own line.
    let text =
        text.replace("Sample Rate = 250 Hz", "Sample Rate = fast").replace("1.0, 2.5, -3.5", "1.0, 2.5");
    let (samples, error, _) = read(table(&text, None).unwrap());
    assert_eq!(samples.len(), 1);
    assert!(error.unwrap().to_string().contains("line 7"), "the rows stand behind five lines");
}

#[test]
fn a_table_without_times_needs_a_rate_and_says_so() {
    let error = table("1,2\n3,4\n", None).err().unwrap().to_string();
    assert!(error.contains("nothing says when") && error.contains("rate"), "{error}");
    let file = table("1,2\n3,4\n", Some(250.0)).unwrap();
    assert_eq!(file.layout().names, ["column 1", "column 2"]);
    assert_eq!(times(&read(file).0), [0, 4_000_000]);
    // One row a minute, and a rate without a finite decimal, are no other rates.
    let slow = table("1\n2\n3\n", Some(0.016_666_7)).unwrap();
    assert_eq!(slow.rate_hz(), Some(0.016_666_7));
    assert_eq!(times(&read(slow).0), [0, 59_999_880_000, 119_999_760_000]);
    let third = "1\n".repeat(30_001);
    assert_eq!(times(&read(table(&third, Some(1_000.0 / 3.0)).unwrap()).0)[30_000], 90_000_000_000);
    assert_eq!(table("1\n", Some(0.0)).err().unwrap().kind(), Kind::Call);
    assert_eq!(table("1\n", Some(f64::NAN)).err().unwrap().kind(), Kind::Call);
}

#[test]
fn gaps_repeat_the_last_value_and_are_counted() {
    let (samples, error, faults) = read(table("t,a,b\n0,1,nan\n1,,2\n2,inf,oops\n", None).unwrap());
    assert!(error.is_none());
    let values: Vec<&[f32]> = samples.iter().map(|s| s.values.as_slice()).collect();
    assert_eq!(values, [[1.0, 0.0], [1.0, 2.0], [1.0, 2.0]]);
    assert_eq!((faults.not_finite, faults.damaged), (3, 1));
}

#[test]
fn a_column_of_text_is_left_out() {
    let file = table("t,event,a\n0,start,1\n1,stop,2\n", None).unwrap();
    assert_eq!(file.layout().names, ["a"]);
    assert_eq!(read(file).0.len(), 2);
}

#[test]
fn words_for_missing_values_are_gaps_wherever_they_stand() {
    let file = table("time,a,b,c,d\n0,n/a,NA,null,1\n1,-,2,None,NaN\n2,3,N/A,4,nan\n", None).unwrap();
    assert_eq!(file.layout().names, ["a", "b", "c", "d"]);
    let (samples, error, faults) = read(file);
    assert!(error.is_none());
    let values: Vec<&[f32]> = samples.iter().map(|s| s.values.as_slice()).collect();
    assert_eq!(values, [[0.0, 0.0, 0.0, 1.0], [0.0, 2.0, 0.0, 1.0], [3.0, 2.0, 4.0, 1.0]]);
    assert_eq!((faults.not_finite, faults.damaged), (8, 0));
    // A channel may begin late and a column of text with a gap.
    let gaps: Vec<String> = (0..100).map(|n| format!("{n}\tn/a\tn/a\t{n}\n")).collect();
    let text = format!("time\tpupil\tevent\ta\n{}100\t3.5\tblink\t100\n", gaps.concat());
    let file = table(&text, None).unwrap();
    assert_eq!(file.layout().names, ["pupil", "a"]);
    let (samples, _, faults) = read(file);
    assert_eq!((samples.len(), &samples[100].values[..]), (101, &[3.5, 100.0][..]));
    assert_eq!((faults.not_finite, faults.damaged), (100, 0));
}

#[test]
fn columns_of_text_are_named_where_nothing_else_is_left() {
    let error = table("t,event,\"who, when\"\n0,start,me\n", None).err().unwrap().to_string();
    assert!(error.contains(": 0 (allowed: 1 to 256)"), "{error}");
    assert!(error.contains("Columns of text are left out: event, who, when."), "{error}");
    let names: Vec<String> = (0..12).map(|n| format!("e{n}")).collect();
    let text = format!("t,{}\n0,{}\n", names.join(","), ["x"; 12].join(","));
    let error = table(&text, None).err().unwrap().to_string();
    assert!(error.contains("left out: e0, e1, e2, e3, e4, e5, e6, e7 and 4 more."), "{error}");
}

#[test]
fn ordinary_dialects_are_read() {
    for (text, names) in [
        ("\"time\",\"Fz\",\"Cz\"\n\"0\",\"1.5\",\"2\"\n", ["Fz", "Cz"]),
        ("time,\"Fz, left\",step\n0,1.5,2\n", ["Fz, left", "step"]),
        ("time,\"the \"\"left\"\" one\",b\n0,1.5,2\n", ["the \"left\" one", "b"]),
        ("# made by x\n# on a, b; c\n\ntime,a,b\n0,1.5,2\n", ["a", "b"]),
        ("time,Fz (uV; filtered),step\n0,1.5,2\n", ["Fz (uV; filtered)", "step"]),
        ("\u{feff}time,a,b\r\n0,1.5,2\r\n", ["a", "b"]),
        ("time;a;b\r0;1,5;2\r", ["a", "b"]),
        // A stray quotation mark swallows nothing.
        ("time,\"a,b\n0,1.5,2\n", ["a", "b"]),
    ] {
        let file = table(text, None).unwrap();
        assert_eq!(file.layout().names, names, "{text}");
        let (samples, error, faults) = read(file);
        assert!(error.is_none() && faults == Faults::default(), "{text}");
        assert_eq!((samples.len(), &samples[0].values[..]), (1, &[1.5, 2.0][..]), "{text}");
    }
}

#[test]
fn as_many_channels_as_allowed_play_whatever_their_names() {
    let names: Vec<String> = (0..MAX_CHANNELS).map(|n| format!("{n} {}", "long ".repeat(100))).collect();
    let values = vec!["1.25"; MAX_CHANNELS].join(";");
    let text = format!("time;{}\n0;{values}\n1;{values}\n", names.join(";"));
    let file = table(&text, None).unwrap();
    assert_eq!(file.layout().names.len(), MAX_CHANNELS);
    let (samples, error, _) = read(file);
    assert!(error.is_none() && samples.len() == 2 && samples[1].values == vec![1.25; MAX_CHANNELS]);
}

#[test]
fn what_a_table_lacks_is_told_by_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    let told = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let media = crate::source::media::open(&path, &crate::source::media::MediaOptions::default());
        let (_, error, _) = match media {
            Err(error) => return error.to_string(),
            Ok(media) => read(*media.scalar.unwrap()),
        };
        error.unwrap().to_string()
    };
    for (text, words) in [
        (&b"time,a\n"[..], "at line 2: the table holds a header and no rows"),
        (b"# nothing\n", "the table holds no rows"),
        (b"onset,a\n", "the table holds a header and no rows"),
        (b"time,a\n2024-01-01T00:00:00Z,1\n", "line 2, column 1: the time is no number"),
        (b"onset,a\n0,1\n", "nothing says when the rows were taken"),
        (b"time,a\n0\n", "at line 2: the row has another number of cells than the first: 1 (allowed: 2)"),
    ] {
        let error = told(text);
        assert!(error.contains(words), "{error}");
    }
    // Behind what is looked at to recognise it.
    let late = [b"time,a\n".to_vec(), b"0,1\n".repeat(2000), b"1,\xb5\n".to_vec()].concat();
    let error = told(&late);
    assert!(error.contains("at line 2002, byte 8009: the text is not UTF-8: b5"), "{error}");
}

#[test]
fn time_that_runs_backwards_is_named_by_its_line() {
    let (samples, error, _) = read(table("t,a\n1,0\n2,0\n1.5,0\n3,0\n", None).unwrap());
    let error = error.unwrap().to_string();
    assert_eq!(samples.len(), 2);
    assert!(error.contains("line 4") && error.contains("backwards") && error.contains("`1.5`"), "{error}");
}

#[test]
fn a_row_of_another_width_is_named_by_its_line() {
    let (samples, error, _) = read(table("t,a\n1,0\n2\n", None).unwrap());
    let error = error.unwrap().to_string();
    assert_eq!(samples.len(), 1);
    assert!(error.contains("line 3") && error.contains("1 (allowed: 2)"), "{error}");
}

#[test]
fn too_many_channels_and_endless_rows_are_refused() {
    let wide = vec!["1"; MAX_CHANNELS + 1].join(",");
    let error = table(&wide, Some(1.0)).err().unwrap().to_string();
    assert!(error.contains("257 (allowed: 1 to 256)"), "{error}");
    let endless = "1".repeat(3 << 20);
    let error = table(&endless, Some(1.0)).err().unwrap().to_string();
    assert!(error.contains("longer than 1048576 bytes"), "{error}");
}

/// An EDF with the signals' (name, samples in a record), `records` of them each `seconds` long; every
/// sample's digital value is its number in the file, physical = digital / 10.
fn edf(reserved: &str, seconds: &str, signals: &[(&str, usize)], records: usize, onsets: &[&str]) -> Vec<u8> {
    let pad = |text: &str, width: usize| format!("{text:<width$}");
    let mut head = pad("0", 8) + &pad("X", 80) + &pad("X", 80) + "01.01.0101.01.01";
    head += &pad(&(256 * (signals.len() + 1)).to_string(), 8);
    head += &(pad(reserved, 44)
        + &pad(&records.to_string(), 8)
        + &pad(seconds, 8)
        + &pad(&signals.len().to_string(), 4));
    let each = |width: usize, value: &dyn Fn(usize) -> String| -> String {
        (0..signals.len()).map(|n| pad(&value(n), width)).collect()
    };
    head += &each(16, &|n| signals[n].0.into());
    head += &each(80, &|_| String::new());
    head += &each(8, &|_| "uV".into());
    for limit in ["-3276.8", "3276.7", "-32768", "32767"] {
        head += &each(8, &|_| limit.into());
    }
    head += &each(80, &|_| String::new());
    head += &each(8, &|n| signals[n].1.to_string());
    head += &each(32, &|_| String::new());
    let mut bytes = head.into_bytes();
    for record in 0..records {
        for &(name, samples) in signals {
            if name == "EDF Annotations" {
                let onset = onsets.get(record).expect("an onset for each record");
                let mut list = format!("{onset}\x14\x14\0").into_bytes();
                list.resize(2 * samples, 0);
                bytes.extend(list);
            } else {
                bytes.extend((0..samples).flat_map(|n| ((record * samples + n) as u16).to_le_bytes()));
            }
        }
    }
    bytes
}

fn edf_file(bytes: &[u8]) -> Result<ScalarFile> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.edf");
    std::fs::write(&path, bytes).unwrap();
    open_edf(&path)
}

#[test]
fn slower_channels_repeat_their_samples() {
    let file = edf_file(&edf("", "0.5", &[("fast", 4), ("slow", 2)], 2, &[])).unwrap();
    assert_eq!(file.rate_hz(), Some(8.0));
    assert_eq!(file.layout().units, ["uV", "uV"]);
    assert_eq!(file.duration(), Some(Timestamp(1_000_000_000)));
    let (samples, error, _) = read(file);
    assert!(error.is_none());
    let tenths =
        |c: usize| -> Vec<i32> { samples.iter().map(|s| (s.values[c] * 10.0).round() as i32).collect() };
    assert_eq!(tenths(0), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(tenths(1), [0, 0, 1, 1, 2, 2, 3, 3]);
    assert_eq!(times(&samples)[5], 625_000_000);
}

#[test]
fn a_discontinuous_recording_keeps_its_onsets() {
    let signals = [("a", 2), ("EDF Annotations", 10)];
    let file = edf_file(&edf("EDF+D", "1", &signals, 3, &["+5", "+6", "+10.5"])).unwrap();
    assert_eq!(file.layout().names, ["a"]);
    let ms: Vec<i64> = times(&read(file).0).iter().map(|t| t / 1_000_000).collect();
    assert_eq!(ms, [0, 500, 1000, 1500, 5500, 6000]);
    let (samples, error, _) = read(edf_file(&edf("EDF+D", "1", &signals, 2, &["+5", "+5.5"])).unwrap());
    assert_eq!(samples.len(), 2);
    assert!(error.unwrap().to_string().contains("before the one before it ends"));
}

#[test]
fn a_bdf_is_an_edf_of_three_bytes() {
    // The same header but for its version; samples of 24 bits below, between and above what 16 hold.
    let mut bytes = edf("24BIT", "1", &[("a", 4)], 0, &[]);
    bytes[..8].copy_from_slice(b"\xffBIOSEMI");
    bytes[236] = b'1';
    bytes.extend([0, 0, 0x80, 0xff, 0xff, 0xff, 10, 0, 0, 0, 0, 1]);
    let file = edf_file(&bytes).unwrap();
    assert_eq!(file.info().format, "BDF, 1 channel, 4 Hz");
    let (samples, error, _) = read(file);
    let tenths: Vec<i32> = samples.iter().map(|s| (s.values[0] * 10.0).round() as i32).collect();
    assert_eq!((tenths, error), (vec![-8_388_608, -1, 10, 65_536], None));
    bytes.pop();
    assert!(read(edf_file(&bytes).unwrap()).1.is_some_and(|error| error.to_string().contains("cut short")));
}

#[test]
fn an_edf_cut_at_any_byte_is_given_up_to_the_last_whole_record() {
    let bytes = edf("", "1", &[("a", 3), ("b", 1)], 3, &[]);
    let mut last = 0;
    for length in 1..bytes.len() {
        match edf_file(&bytes[..length]) {
            Err(error) => assert!(error.to_string().contains("cut short") || length < 8, "{length}: {error}"),
            Ok(file) => {
                let (samples, error, _) = read(file);
                assert!(samples.len() >= last);
                last = samples.len();
                let error = error.unwrap_or_else(|| panic!("{length} bytes passed as whole")).to_string();
                assert!(error.contains("cut short") && error.contains("(allowed: 3)"), "{error}");
            }
        }
    }
    assert_eq!(last, 6);
}

#[test]
fn records_that_the_header_does_not_declare_are_played_and_told() {
    let bytes = edf("", "1", &[("a", 3)], 3, &[]);
    let with = |declared: &str, length: usize| {
        let mut changed = bytes[..length].to_vec();
        changed[236..244].copy_from_slice(format!("{declared:<8}").as_bytes());
        let file = edf_file(&changed).unwrap();
        let duration = file.duration();
        let (samples, error, _) = read(file);
        (samples.len(), duration.map(|d| d.0 / 1_000_000_000), error.map(|error| error.to_string()))
    };
    for (declared, length, samples) in
        [("0", bytes.len(), 9), ("2", bytes.len(), 9), ("0", bytes.len() - 1, 6)]
    {
        let (found, seconds, error) = with(declared, length);
        assert_eq!((found, seconds), (samples, i64::try_from(samples / 3).ok()));
        let (error, bound) = (error.unwrap(), format!("(allowed: {declared}, as declared)"));
        assert!(error.contains("test.edf, at byte 236: ") && error.contains(&bound), "{error}");
        assert!(error.contains(&format!("{} whole records", samples / 3)), "{error}");
    }
    // -1 is a count that was left open; what fills a file up is no record; none is none.
    assert_eq!(with("-1", bytes.len()), (9, None, None));
    assert_eq!(with("2", bytes.len() - 1), (6, Some(2), None));
    assert_eq!(with("0", 512), (0, Some(0), None));
    assert!(with("0", 513).2.is_some_and(|error| error.contains("0 whole records and 1 bytes")));
}

#[test]
fn wrong_header_fields_are_named_by_byte_value_and_bound() {
    let good = edf("", "1", &[("a", 3)], 1, &[]);
    for (at, text, words) in [
        (252, "0   ", "byte 252: the number of signals is out of range: `0` (allowed: 1 to 1024)"),
        (252, "9999", "byte 252: the number of signals is out of range: `9999`"),
        (236, "many    ", "byte 236: the number of records is out of range: `many`"),
        (244, "-1      ", "byte 244: the length of a record is out of range: `-1`"),
        (244, "0       ", "byte 244: a record with samples has no duration"),
        (256 + 104, "nan     ", "byte 360: a channel's limit is no number: `nan`"),
        (256 + 128, "-40000  ", "byte 384: a channel's digital maximum does not exceed its minimum"),
        (256 + 216, "99999999", "byte 472: the samples in a record is out of range: `99999999`"),
    ] {
        let mut bytes = good.clone();
        bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
        let message = edf_file(&bytes).err().expect("an error").to_string();
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn no_flipped_byte_makes_a_reader_panic() {
    let bytes = edf("EDF+D", "1", &[("a", 3), ("EDF Annotations", 8)], 2, &["+0", "+1"]);
    let text = "time,a,b\n0,1,2\n1,2.5,nan\n2,3,4\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flipped");
    for pattern in [0x01, 0x10, 0x80] {
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= pattern;
            std::fs::write(&path, &damaged).unwrap();
            if let Ok(file) = open_edf(&path) {
                read(file);
            }
        }
        for at in 0..text.len() {
            let mut damaged = text.as_bytes().to_vec();
            damaged[at] ^= pattern;
            std::fs::write(&path, &damaged).unwrap();
            if let Ok(file) = open_csv(&path, &CsvOptions::default()) {
                read(file);
            }
        }
    }
}

#[test]
fn a_real_recording_has_the_values_that_mne_reads() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/eeg/test.edf");
    if !path.exists() {
        eprintln!("SKIPPED: {} is absent", path.display());
        return;
    }
    let file = open_edf(&path).unwrap();
    assert_eq!((file.layout().names.len(), file.rate_hz()), (139, Some(512.0)));
    assert_eq!((file.layout().names[0].as_str(), file.layout().names[138].as_str()), ("A1", "Status"));
    let (samples, error, _) = read(file);
    assert!(error.is_none());
    assert_eq!(samples.len(), 3072);
    // As MNE-Python reads them, in microvolts (the last channel is a count).
    for (channel, sample, value) in [
        (0, 0, -15.0),
        (0, 1000, 31.0),
        (0, 3071, -30.0),
        (70, 0, -7.0),
        (70, 1000, 29.0),
        (70, 3071, -13.0),
        (138, 0, 4352.0),
        (138, 1000, 0.0),
    ] {
        assert!((samples[sample].values[channel] - value).abs() < 1e-3_f32, "{channel} {sample}");
    }
}
