//! What a viewer and a listener notice of other programs' MCAP files: counts, times, colours, and honest words.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use mcap::records::MessageHeader;

use super::*;
use crate::error::Kind as Fault;
use crate::source::media::{self, MediaOptions};
use crate::stream::Faults;

/// Nanoseconds of a day in the life of a robot.
const MORNING: u64 = 1_700_000_000_000_000_000;
const MS: u64 = 1_000_000;

/// A message: its topic's schema and encoding, its topic, its milliseconds, its bytes.
type Sent = (&'static str, &'static str, &'static str, u64, Vec<u8>);

/// Writes the messages in this order into a file of their own.
fn file(folder: &Path, messages: &[Sent]) -> PathBuf {
    let path = folder.join("bag.mcap");
    let options = mcap::WriteOptions::new().chunk_size(Some(2_000)).compression_threads(0);
    let mut writer = options.create(File::create(&path).unwrap()).unwrap();
    for (schema, encoding, topic, ms, data) in messages {
        let schema = writer.add_schema(schema, "any", b"").unwrap();
        let channel_id = writer.add_channel(schema, topic, encoding, &BTreeMap::new()).unwrap();
        let log_time = MORNING + ms * MS;
        let header = MessageHeader { channel_id, sequence: 0, log_time, publish_time: 0 };
        writer.write_to_known_channel(&header, data).unwrap();
    }
    writer.finish().unwrap();
    path
}

/// A message of ROS: fields with their lengths, aligned where it is one of ROS 2.
struct Ros(Vec<u8>, bool);

impl Ros {
    fn one() -> Self {
        Self(Vec::new(), false)
    }
    fn two() -> Self {
        Self(vec![0, 1, 0, 0], true)
    }
    fn word(mut self, value: u32) -> Self {
        while self.1 && !self.0.len().is_multiple_of(4) {
            self.0.push(0);
        }
        self.0.extend(value.to_le_bytes());
        self
    }
    fn byte(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }
    fn bytes(self, bytes: &[u8]) -> Self {
        let mut own = self.word(bytes.len() as u32);
        own.0.extend(bytes);
        own
    }
    fn text(self, text: &str) -> Self {
        let zero = if self.1 { "\0" } else { "" };
        self.bytes(format!("{text}{zero}").as_bytes())
    }
    fn header(self) -> Self {
        let own = if self.1 { self } else { self.word(1) };
        own.word(5).word(6).text("cam")
    }
    fn image(self, format: &str, [width, height]: [u32; 2], step: u32, data: &[u8]) -> Vec<u8> {
        self.header().word(height).word(width).text(format).byte(0).word(step).bytes(data).0
    }
}

/// Fields of Protocol Buffers.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() < 16_384);
    let length = [bytes.len() as u8 | 0x80, (bytes.len() >> 7) as u8];
    [&[number << 3 | 2], &length[..], bytes].concat()
}

fn word(number: u8, value: u32) -> Vec<u8> {
    [&[number << 3 | 5][..], &value.to_le_bytes()].concat()
}

fn raw_image(level: u8) -> Vec<u8> {
    let time = field(1, &[0x08, 0x05]);
    [time, word(2, 2), word(3, 1), field(4, b"rgb8"), word(5, 6), field(6, &[level; 6]), field(7, b"c")]
        .concat()
}

fn raw_audio(rate: u32, channels: u32, samples: &[i16]) -> Vec<u8> {
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    [field(2, &bytes), field(3, b"pcm-s16"), word(4, rate), word(5, channels)].concat()
}

fn png(level: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut bytes, 2, 1);
    encoder.set_color(::png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&[level; 2]).unwrap();
    bytes
}

fn opened(path: &Path) -> Topics {
    open(path, &McapOptions::default()).unwrap()
}

fn refused(path: &Path, options: &McapOptions) -> Error {
    open(path, options).err().expect("it is refused")
}

/// All that a source gives, the error at its end, and its faults; it ends once and for all.
fn drain<T>(mut source: Box<dyn Source<Item = T>>) -> (Vec<T>, Option<Error>, Faults) {
    let mut items = Vec::new();
    let error = loop {
        match source.pull() {
            Ok(Some(item)) => items.push(item),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(matches!(source.pull(), Ok(None)));
    (items, error, source.faults())
}

/// Milliseconds and the first pixel of every picture.
fn seen(topics: Topics) -> Vec<(i64, [u8; 3])> {
    let (frames, error, faults) = drain(topics.video.unwrap());
    assert_eq!((error, faults), (None, Faults::default()));
    frames.iter().map(|frame| (frame.stamp.time.0 / 1_000_000, frame.pixel(0, 0))).collect()
}

fn heard(topics: Topics) -> (Vec<[f32; 2]>, Option<Error>, Faults) {
    let (blocks, error, faults) = drain(topics.sound.unwrap());
    (blocks.into_iter().flat_map(|block| block.frames).collect(), error, faults)
}

#[test]
fn pictures_of_every_schema_and_encoding_are_seen_at_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let json = |data: &[u8]| {
        let data = data_encoding::BASE64.encode(data);
        format!(r#"{{"timestamp":{{"sec":1,"nsec":2}},"frame_id":"c","data":"{data}","format":"png"}}"#)
            .into_bytes()
    };
    let raw_json = |level: u8| {
        let data = data_encoding::BASE64.encode(&[level; 6]);
        format!(r#"{{"width":2,"height":1,"encoding":"bgr8","step":6,"data":"{data}"}}"#).into_bytes()
    };
    let compressed = |level| [field(2, &png(level)), field(3, b"png")].concat();
    let foxglove = |ros: Ros, level| ros.word(1).word(2).text("c").bytes(&png(level)).text("png").0;
    let foxglove_raw = |ros: Ros, level| {
        ros.word(1).word(2).text("c").word(2).word(1).text("mono8").word(2).bytes(&[level; 2]).0
    };
    let sensor = |ros: Ros, level| ros.header().text("png").bytes(&png(level)).0;
    let image = |ros: Ros, level| ros.image("rgb8", [2, 1], 6, &[level; 6]);
    for (schema, encoding, message) in [
        ("foxglove.CompressedImage", "protobuf", &compressed as &dyn Fn(u8) -> Vec<u8>),
        ("foxglove.CompressedImage", "json", &|level| json(&png(level))),
        ("foxglove_msgs/CompressedImage", "ros1", &|level| foxglove(Ros::one(), level)),
        ("foxglove_msgs/msg/CompressedImage", "cdr", &|level| foxglove(Ros::two(), level)),
        ("foxglove.RawImage", "protobuf", &raw_image),
        ("foxglove.RawImage", "json", &raw_json),
        ("foxglove_msgs/RawImage", "ros1", &|level| foxglove_raw(Ros::one(), level)),
        ("foxglove_msgs/msg/RawImage", "cdr", &|level| foxglove_raw(Ros::two(), level)),
        ("sensor_msgs/CompressedImage", "ros1", &|level| sensor(Ros::one(), level)),
        ("sensor_msgs/msg/CompressedImage", "cdr", &|level| sensor(Ros::two(), level)),
        ("sensor_msgs/Image", "ros1", &|level| image(Ros::one(), level)),
        ("sensor_msgs/msg/Image", "cdr", &|level| image(Ros::two(), level)),
    ] {
        let messages: Vec<Sent> =
            (0..3).map(|n| (schema, encoding, "/cam", 40 * n, message(50 + n as u8))).collect();
        let path = file(folder.path(), &messages);
        let topics = opened(&path);
        assert_eq!(topics.duration, Timestamp(80_000_000));
        assert_eq!(seen(topics), [(0, [50; 3]), (40, [51; 3]), (80, [52; 3])], "{schema}, {encoding}");
    }
}

#[test]
fn big_endian_numbers_are_read_and_other_encapsulations_are_not() {
    let mut bytes = vec![0, 0, 0, 0];
    for field in
        [&[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0][..], &[0, 0, 0, 1, 0, 0, 0, 2], &[0, 0, 0, 6]]
    {
        bytes.extend(field);
    }
    bytes.extend(b"mono8\0\0\0\0\0\0\x02\0\0\0\x02\x09\x08");
    let reading = Reading::of("sensor_msgs/msg/Image", "cdr").unwrap();
    let message = reading.read(&bytes).unwrap();
    assert_eq!((message.height, message.width, &message.format[..], message.step), (1, 2, "mono8", 2));
    assert_eq!(&message.data[..], [9, 8]);
    bytes[1] = 3;
    assert_eq!(reading.read(&bytes), Err("the encapsulation 00 03 is not plain CDR".to_owned()));
}

#[test]
fn whatever_is_cut_or_lies_about_its_length_is_damage_and_no_panic() {
    let image = Ros::two().image("rgb8", [2, 1], 6, &[1; 6]);
    let audio = raw_audio(48_000, 2, &[1, 2, 3, 4]);
    for (schema, encoding, whole) in [
        ("sensor_msgs/msg/Image", "cdr", &image),
        ("foxglove.RawAudio", "protobuf", &audio),
        ("foxglove.RawImage", "protobuf", &raw_image(3)),
    ] {
        let reading = Reading::of(schema, encoding).unwrap();
        for end in 0..whole.len() {
            let _ = reading.read(&whole[..end]);
            for value in [0, 0x7F, 0x80, 0xFF] {
                let mut spoilt = whole.clone();
                spoilt[end] = value;
                let _ = reading.read(&spoilt);
            }
        }
    }
    let reading = Reading::of("sensor_msgs/msg/Image", "cdr").unwrap();
    let said = reading.read(&image[..image.len() - 1]).unwrap_err();
    assert!(said.ends_with("a field of 6 bytes, where 5 are left"), "{said}");
    let lies = [vec![0x12], vec![0xFF; 9], vec![1]].concat();
    assert!(Reading::of("foxglove.RawImage", "protobuf").unwrap().read(&lies).is_err());
}

#[test]
fn picture_and_sound_share_the_zero_of_the_earlier_one() {
    let folder = tempfile::tempdir().unwrap();
    let tone = |n: i16| raw_audio(48_000, 1, &[n; 480]);
    let mut messages: Vec<Sent> = vec![("foxglove.RawImage", "protobuf", "/cam", 250, raw_image(9))];
    messages.extend((0..10).map(|n| ("foxglove.RawAudio", "protobuf", "/mic", 100 + 10 * n, tone(8_192))));
    let path = file(folder.path(), &messages);
    assert_eq!(seen(opened(&path)), [(150, [9; 3])]);
    let (frames, error, faults) = heard(opened(&path));
    assert_eq!((frames.len(), error, faults), (4_800, None, Faults::default()));
    assert_eq!(frames[2_000], [0.25; 2]);
    assert!(opened(&path).further.is_empty());
}

#[test]
fn late_arrivals_are_not_heard_and_gaps_are_silence() {
    let folder = tempfile::tempdir().unwrap();
    let tone = || raw_audio(48_000, 2, &[16_384, -16_384].repeat(480));
    // Ten milliseconds each: one 30 ms late, then nothing for half a second, then one that comes 200 ms too early.
    let times = [0, 10, 50, 30, 40, 550, 360];
    let messages: Vec<Sent> =
        times.iter().map(|ms| ("foxglove.RawAudio", "protobuf", "/mic", *ms, tone())).collect();
    let path = file(folder.path(), &messages);
    let (frames, error, faults) = heard(opened(&path));
    assert_eq!((error, faults.damaged), (None, 0), "they are put in order");
    assert_eq!(frames.len(), 48 * 560);
    let loud: Vec<usize> = (0..56).filter(|n| frames[480 * n + 240] == [0.5, -0.5]).collect();
    assert_eq!(loud, [0, 1, 2, 3, 4, 36, 55]);
    assert!((0..56).filter(|n| !loud.contains(n)).all(|n| frames[480 * n + 240] == [0.0; 2]));
}

#[test]
fn the_sound_of_ros_has_the_rate_of_its_topic_or_of_the_call() {
    let folder = tempfile::tempdir().unwrap();
    let samples: Vec<u8> = (0..160).flat_map(|_| 8_192_i16.to_le_bytes()).collect();
    let data = |ros: Ros| ros.bytes(&samples).0;
    let about =
        |coding: &str, format: &str| Ros::one().byte(1).word(16_000).text(format).word(128).text(coding).0;
    let sound = |with: Option<Vec<u8>>| {
        let mut messages: Vec<Sent> = (0..100)
            .map(|n| ("audio_common_msgs/AudioData", "ros1", "/audio", 10 * n, data(Ros::one())))
            .collect();
        messages.extend(with.map(|bytes| ("audio_common_msgs/AudioInfo", "ros1", "/about", 3, bytes)));
        file(folder.path(), &messages)
    };
    let path = sound(Some(about("wave", "S16LE")));
    let (frames, error, _) = heard(opened(&path));
    assert_eq!((frames.len(), error), (48_000, None));
    assert!((frames[24_000][0] - 0.25).abs() < 1e-4);
    let error = refused(&sound(Some(about("mp3", "S16LE"))), &McapOptions::default()).to_string();
    assert!(error.contains("at /audio: sound in this coding is not read: `mp3`"), "{error}");
    let path = sound(None);
    let error = refused(&path, &McapOptions::default());
    assert_eq!(error.kind(), Fault::Input);
    assert!(error.to_string().contains("at /audio: nothing tells the sound's rate. Name it by `--rate HZ`"));
    let options = McapOptions { rate: Some(16_000), ..McapOptions::default() };
    assert_eq!(heard(open(&path, &options).unwrap()).0.len(), 48_000);
    let stamped = Ros::two().header().bytes(&samples).0;
    let path = file(folder.path(), &[("audio_common_msgs/msg/AudioDataStamped", "cdr", "/a", 0, stamped)]);
    assert_eq!(heard(open(&path, &options).unwrap()).0.len(), 480);
}

#[test]
fn of_several_topics_the_first_play_and_others_are_named_and_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let image = |topic, ms, level| ("foxglove.RawImage", "protobuf", topic, ms, raw_image(level));
    let path = file(
        folder.path(),
        &[
            ("geometry_msgs/Twist", "ros1", "/cmd", 0, vec![0]),
            image("/left", 10, 1),
            image("/right", 20, 2),
            ("foxglove.RawAudio", "protobuf", "/mic", 30, raw_audio(8_000, 1, &[1; 8])),
        ],
    );
    let topics = opened(&path);
    assert_eq!(topics.further, ["/right"]);
    assert_eq!(topics.video.as_ref().unwrap().info().name, "bag.mcap /left");
    assert_eq!(seen(topics), [(0, [1; 3])]);
    let chosen = |names: &[&str]| McapOptions {
        topics: names.iter().map(ToString::to_string).collect(),
        ..McapOptions::default()
    };
    let right = open(&path, &chosen(&["/right"])).unwrap();
    assert!(right.sound.is_none() && right.further.is_empty());
    assert_eq!(seen(right), [(0, [2; 3])]);
    let error = refused(&path, &chosen(&["/up"]));
    assert_eq!(error.kind(), Fault::Call);
    assert!(
        error.to_string().ends_with(
            "no such topic that is read: /up (allowed: /left (foxglove.RawImage), /right (foxglove.RawImage), \
             /mic (foxglove.RawAudio))"
        ),
        "{error}"
    );
    let error = refused(&path, &chosen(&["/left", "/right"])).to_string();
    assert!(
        error.contains("at most one topic of pictures and one of sound play: /left and /right"),
        "{error}"
    );
}

#[test]
fn a_file_without_pictures_or_sound_says_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), &[("geometry_msgs/Twist", "ros1", "/cmd", 0, vec![0])]);
    let error = media::open(&path, &MediaOptions::default()).err().unwrap();
    assert!(error.to_string().contains("/cmd (geometry_msgs/Twist) (allowed: foxglove."), "{error}");
    let wide = Ros::two().image("16UC1", [2, 1], 4, &[0; 4]);
    let path = file(folder.path(), &[("sensor_msgs/msg/Image", "cdr", "/depth", 0, wide)]);
    let error = refused(&path, &McapOptions::default()).to_string();
    assert!(error.contains("message 0 of /depth: pixels in this encoding are not read: `16UC1`"), "{error}");
}

#[test]
fn a_damaged_picture_leaves_a_gap_and_a_damaged_message_of_sound_silence() {
    let folder = tempfile::tempdir().unwrap();
    let image = |n: u64| {
        let data = if n == 1 { vec![0xFF] } else { raw_image(n as u8) };
        ("foxglove.RawImage", "protobuf", "/cam", 10 * n, data)
    };
    let sound = |n: u64| {
        let mut data = raw_audio(48_000, 1, &[8_192; 4_800]);
        if n == 2 {
            data = raw_audio(44_100, 1, &[8_192; 4_800]);
        }
        ("foxglove.RawAudio", "protobuf", "/mic", 100 * n, data)
    };
    let path = file(folder.path(), &[image(0), image(1), image(2), sound(0), sound(1), sound(2), sound(3)]);
    let (frames, error, faults) = drain(opened(&path).video.unwrap());
    assert_eq!((error, faults.damaged), (None, 1));
    assert_eq!(frames.iter().map(|frame| frame.sequence).collect::<Vec<_>>(), [0, 2]);
    let (frames, error, faults) = heard(opened(&path));
    assert_eq!((frames.len(), error, faults.damaged), (19_200, None, 1));
    assert_eq!((frames[12_000], frames[7_000], frames[17_000]), ([0.0; 2], [0.25; 2], [0.25; 2]));
}

#[test]
fn topics_of_a_file_last_to_the_end_of_the_last_message_of_either() {
    let folder = tempfile::tempdir().unwrap();
    let image = |ms: u64| ("foxglove.RawImage", "protobuf", "/cam", ms, raw_image(1));
    let sound =
        |ms: u64| ("foxglove.RawAudio", "protobuf", "/mic", ms, raw_audio(48_000, 1, &[8_192; 4_800]));
    for (messages, ms) in [
        (vec![image(0), sound(0), image(40), sound(100)], 200),
        (vec![sound(0), image(0), image(100), image(250)], 400),
    ] {
        let path = file(folder.path(), &messages);
        let options = MediaOptions::default();
        let media = media::open(&path, &options).unwrap();
        let length = media::length(&path, &options, &media).unwrap();
        assert_eq!(length, Some(Timestamp(ms * 1_000_000)));
    }
}

#[test]
fn messages_out_of_order_are_put_in_order_within_a_window_and_dropped_beyond() {
    let folder = tempfile::tempdir().unwrap();
    let image = |n: u64| ("foxglove.RawImage", "protobuf", "/cam", n, raw_image(n as u8));
    let mut times: Vec<u64> = (0..200).collect();
    times.swap(3, 40);
    times.swap(100, 150);
    let path = file(folder.path(), &times.iter().map(|n| image(*n)).collect::<Vec<_>>());
    let all: Vec<(i64, [u8; 3])> = (0..200).map(|n| (n, [n as u8; 3])).collect();
    assert_eq!(seen(opened(&path)), all);
    // The one of time 5 comes at the end.
    let (frames, error, faults) = drain({
        let late = (0..200).filter(|n| *n != 5).chain([5]).map(image).collect::<Vec<_>>();
        opened(&file(folder.path(), &late)).video.unwrap()
    });
    assert_eq!((frames.len(), error, faults.damaged), (199, None, 1));
    assert!(frames.is_sorted_by_key(|frame| frame.stamp.time));
}

#[test]
fn a_stamp_of_another_age_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let image = |ms: u64| ("foxglove.RawImage", "protobuf", "/cam", ms, raw_image(1));
    let path = file(folder.path(), &[image(0), image(9_000_000_000), image(40)]);
    assert_eq!(opened(&path).duration, Timestamp(40_000_000));
    let (frames, error, faults) = drain(opened(&path).video.unwrap());
    assert_eq!((frames.len(), error, faults.damaged), (2, None, 1));
}

#[test]
fn a_file_that_is_cut_plays_as_far_as_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let image = |n: u64| ("foxglove.RawImage", "protobuf", "/cam", 10 * n, raw_image(n as u8));
    let path = file(folder.path(), &(0..200).map(image).collect::<Vec<_>>());
    let whole = std::fs::read(&path).unwrap();
    let mut counts = Vec::new();
    for eighth in 2..7 {
        std::fs::write(&path, &whole[..whole.len() * eighth / 8]).unwrap();
        let (frames, error, _) = drain(opened(&path).video.unwrap());
        assert!(error.unwrap().to_string().contains("bag.mcap, at byte"));
        counts.push(frames.len());
    }
    assert!(counts.is_sorted() && counts[4] > 50, "{counts:?}");
}
