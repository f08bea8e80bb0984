//! `napot replay` of other programs' MCAP files: what plays, what is said of the rest, and that no session is meant.

mod small;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

use mcap::records::MessageHeader;
use serde_json::Value;
use small::{napot, said, whole_outputs};

/// Two seconds of a recording with two cameras and a microphone, in Foxglove's JSON, as `bag.mcap`.
fn bag(folder: &Path) {
    let mut writer = mcap::Writer::new(File::create(folder.join("bag.mcap")).unwrap()).unwrap();
    let mut channel = |topic: &str, schema: &str| {
        let schema = writer.add_schema(schema, "jsonschema", b"{}").unwrap();
        writer.add_channel(schema, topic, "json", &BTreeMap::new()).unwrap()
    };
    let left = channel("/left", "foxglove.RawImage");
    let right = channel("/right", "foxglove.RawImage");
    let mic = channel("/mic", "foxglove.RawAudio");
    let mut send = |channel_id, log_time, text: String| {
        let header = MessageHeader { channel_id, sequence: 0, log_time, publish_time: log_time };
        writer.write_to_known_channel(&header, text.as_bytes()).unwrap();
    };
    for tenth in 0..20_u64 {
        let time = 1_700_000_000_000_000_000 + tenth * 100_000_000;
        let pixels = (if tenth % 2 == 0 { "AAAA" } else { "////" }).repeat(256);
        let image = format!(r#"{{"width":16,"height":16,"step":48,"encoding":"rgb8","data":"{pixels}"}}"#);
        send(left, time, image.clone());
        send(right, time, image);
        // A tenth of a second: 1200 frames of two samples of two bytes.
        let samples = "AAEC".repeat(1_600);
        let sound = format!(
            r#"{{"format":"pcm-s16","sample_rate":12000,"number_of_channels":2,"data":"{samples}"}}"#
        );
        send(mic, time, sound);
    }
    writer.finish().unwrap();
}

#[test]
fn a_bag_plays_its_first_topics_and_names_the_others_and_can_be_recorded() {
    let folder = tempfile::tempdir().unwrap();
    bag(folder.path());
    let run = napot(folder.path(), &["replay", "bag.mcap", "--out", "B", "--record", "a.mcap"]);
    assert!(run.status.success(), "{}", said(&run));
    assert!(
        said(&run).contains("further topics are not played: /right; choose by `--topic NAME`"),
        "{}",
        said(&run)
    );
    let report = whole_outputs(&folder.path().join("B"));
    // Two seconds, and what a run with sound goes on after its end.
    assert!((2_000..2_400).contains(&report["ticks"].as_u64().unwrap()), "{}", report["ticks"]);
    let names: Vec<&str> =
        report["sources"].as_array().unwrap().iter().map(|source| source["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["bag.mcap /mic", "bag.mcap /left"]);
    let again = napot(folder.path(), &["replay", "a.mcap", "--verify"]);
    assert!(again.status.success(), "the recording of the bag is a session: {}", said(&again));
    let right =
        napot(folder.path(), &["replay", "bag.mcap", "--json", "--topic", "/right", "--loop", "--for", "3"]);
    assert!(right.status.success() && !said(&right).contains("further"), "{}", said(&right));
    let report: Value = serde_json::from_slice(&right.stdout).unwrap();
    assert_eq!((&report["ticks"], report["sources"].as_array().unwrap().len()), (&3_000.into(), 1));
}

#[test]
fn wrong_topics_are_refused_with_one_message() {
    let folder = tempfile::tempdir().unwrap();
    bag(folder.path());
    fs::write(folder.path().join("t.csv"), "a\n1\n2\n").unwrap();
    let made = napot(folder.path(), &["demo", "--for", "1", "--record", "a.mcap"]);
    assert!(made.status.success(), "{}", said(&made));
    for (arguments, part) in [
        (&["replay", "bag.mcap", "--topic", "/up"][..], "/left (foxglove.RawImage), /right"),
        (&["replay", "bag.mcap", "--topic", "/left", "--topic", "/right"], "one of each"),
        (&["replay", "t.csv", "--topic", "/left"], "no file has topics"),
        (&["replay", "a.mcap", "--topic", "/entered"], "--topic: a session does not take it"),
        (&["replay", "bag.mcap", "--verify"], "only a session can be verified"),
    ] {
        let output = napot(folder.path(), arguments);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(part) && said.lines().count() == 1, "{arguments:?}: {said}");
    }
}
