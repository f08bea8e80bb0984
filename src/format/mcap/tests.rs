//! The reader against files of the `mcap` crate's writer: whole, cut at every byte, with every bit turned.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Cursor;

use ::mcap::records::{MessageHeader, Metadata};
use ::mcap::{Attachment, Compression, WriteOptions, Writer};

use super::record::op;
use super::{End, MAGIC, Reader, Record};

/// What a file gives, how it ends and how many bytes it loses.
pub(super) type Outcome = (Vec<Record>, End, u64);

/// Reads `bytes` to the end, and holds the reader to what is true of every file.
pub(super) fn read(bytes: &[u8]) -> Option<Outcome> {
    let length = bytes.len() as u64;
    let mut reader = Reader::over("test", Cursor::new(bytes.to_vec()), length).ok()?;
    let mut records = Vec::new();
    let mut position = reader.position();
    assert_eq!((position, reader.end(), reader.discarded()), (8, None, 0));
    while let Some(record) = reader.next().expect("memory can be read") {
        assert!((position..=length).contains(&reader.position()));
        assert!(reader.place() < reader.position());
        position = reader.position();
        records.push(record);
    }
    assert_eq!(reader.next(), Ok(None), "the end is the end");
    let end = reader.end().expect("a file ends somehow").clone();
    match &end {
        End::Whole => assert_eq!(reader.discarded(), 0),
        End::Cut { at } | End::Damaged { at, .. } => assert!(*at <= length && reader.discarded() <= length),
    }
    Some((records, end, reader.discarded()))
}

pub(super) fn options(chunks: bool, zstd: bool) -> WriteOptions {
    WriteOptions::new()
        .use_chunks(chunks)
        .chunk_size(Some(300))
        .compression(zstd.then_some(Compression::Zstd))
        .compression_threads(0)
        .library("test")
}

fn pairs(key: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(key.to_owned(), value.to_owned()), ("é".to_owned(), String::new())])
}

/// Writes a session and gives what must be read from it. Chunks are flushed by size, so that an attachment and
/// metadata come between.
fn fill(writer: &mut Writer<Cursor<Vec<u8>>>) -> Vec<Record> {
    let mut given = vec![Record::Header { profile: String::new(), library: "test".into() }];
    let schema = writer.add_schema("burst", "jsonschema", b"{}").unwrap();
    given.push(Record::Schema {
        id: schema,
        name: "burst".into(),
        encoding: "jsonschema".into(),
        data: b"{}".to_vec(),
    });
    for (topic, schema) in [("/retina", schema), ("/note", 0)] {
        let metadata = pairs("unit", "Hz");
        let id = writer.add_channel(schema, topic, "json", &metadata).unwrap();
        let (topic, encoding) = (topic.to_owned(), "json".to_owned());
        given.push(Record::Channel { id, schema, topic, encoding, metadata });
    }
    for sequence in 0..12 {
        let (channel_id, log_time) = ((sequence % 2) as u16 + 1, u64::from(sequence) * 1_000_000);
        let data = format!("{{\"n\":{sequence}}}{}", " ".repeat(sequence as usize * 5)).into_bytes();
        let header = MessageHeader { channel_id, sequence, log_time, publish_time: log_time + 1 };
        writer.write_to_known_channel(&header, &data).unwrap();
        given.push(Record::Message {
            channel: channel_id,
            sequence,
            log_time,
            publish_time: log_time + 1,
            data,
        });
        if sequence == 7 {
            writer.flush().unwrap();
            let (name, media_type, data) = ("a.txt".to_owned(), "text/plain".to_owned(), b"hello".to_vec());
            let create_time = 0;
            let file = Attachment {
                log_time,
                create_time,
                name: name.clone(),
                media_type: media_type.clone(),
                data: Cow::Borrowed(&data),
            };
            writer.attach(&file).unwrap();
            let metadata = pairs("seed", "7");
            writer.write_metadata(&Metadata { name: "run".into(), metadata: metadata.clone() }).unwrap();
            given.push(Record::Attachment { name, media_type, log_time, data });
            given.push(Record::Metadata { name: "run".into(), metadata });
        }
    }
    given
}

/// A whole session of this kind, and its records.
pub(super) fn session(options: WriteOptions) -> (Vec<u8>, Vec<Record>) {
    let mut writer = options.create(Cursor::new(Vec::new())).unwrap();
    let given = fill(&mut writer);
    writer.finish().unwrap();
    (writer.into_inner().into_inner(), given)
}

pub(super) const KINDS: [(bool, bool); 3] = [(false, false), (true, false), (true, true)];

/// A file of records that are put together by hand, `magic` and header first.
fn by_hand(records: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for (opcode, content) in [(op::HEADER, vec![0; 8])].iter().chain(records) {
        bytes.push(*opcode);
        bytes.extend((content.len() as u64).to_le_bytes());
        bytes.extend(content);
    }
    bytes
}

fn chunk(size: u64, crc: u32, compression: &str, packed: &[u8]) -> (u8, Vec<u8>) {
    let mut content = vec![0; 16];
    content.extend(size.to_le_bytes());
    content.extend(crc.to_le_bytes());
    content.extend((compression.len() as u32).to_le_bytes());
    content.extend(compression.as_bytes());
    content.extend((packed.len() as u64).to_le_bytes());
    content.extend(packed);
    (op::CHUNK, content)
}

/// What is said of a file that must be damaged.
fn damage(bytes: &[u8]) -> String {
    match read(bytes) {
        Some((_, End::Damaged { what, .. }, _)) => what,
        other => panic!("not damaged: {other:?}"),
    }
}

#[test]
fn what_the_writer_wrote_is_read() {
    for (chunks, zstd) in KINDS {
        let (bytes, given) = session(options(chunks, zstd));
        let (records, end, discarded) = read(&bytes).unwrap();
        assert_eq!(records, given, "chunks: {chunks}, zstd: {zstd}");
        assert_eq!((end, discarded), (End::Whole, 0));
    }
}

#[test]
fn a_session_without_summary_or_crcs_is_whole_too() {
    let (bytes, given) = session(options(true, true).emit_summary_records(false).emit_summary_offsets(false));
    let (records, end, _) = read(&bytes).unwrap();
    assert_eq!((records, end), (given, End::Whole));
    let bare = options(true, true)
        .calculate_chunk_crcs(false)
        .calculate_data_section_crc(false)
        .calculate_summary_section_crc(false)
        .calculate_attachment_crcs(false);
    let (bytes, given) = session(bare);
    let (records, end, _) = read(&bytes).unwrap();
    assert_eq!((records, end), (given, End::Whole));
}

#[test]
fn a_file_is_read_from_disk_and_what_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mcap");
    let error = Reader::open(&path).err().unwrap();
    assert!(error.to_string().contains("there is no such file"), "{error}");
    for bytes in [&b""[..], b"\x89MCAP0\r", b"\x89MCAP1\r\n and more"] {
        std::fs::write(&path, bytes).unwrap();
        let error = Reader::open(&path).err().unwrap().to_string();
        assert!(error.contains("a.mcap, at byte 0: this is no MCAP file: "), "{error}");
        assert!(error.ends_with("(allowed: \\x89MCAP0\\r\\n)"), "{error}");
    }
    let (bytes, given) = session(options(true, true));
    std::fs::write(&path, bytes).unwrap();
    let mut reader = Reader::open(&path).unwrap();
    for record in given {
        assert_eq!(reader.next(), Ok(Some(record)));
    }
    assert_eq!((reader.next(), reader.end()), (Ok(None), Some(&End::Whole)));
}

#[test]
fn every_cut_gives_the_records_before_it() {
    for (chunks, zstd) in KINDS {
        let (bytes, given) = session(options(chunks, zstd));
        let mut most = 0;
        for length in MAGIC.len()..bytes.len() {
            let (records, end, discarded) = read(&bytes[..length]).unwrap();
            assert!(records.len() >= most && records == given[..records.len()], "cut at {length}");
            most = records.len();
            let End::Cut { at } = end else { panic!("cut at {length}: {end:?}") };
            assert_eq!(discarded, length as u64 - at, "cut at {length}");
        }
        assert_eq!(most, given.len());
    }
}

#[test]
fn a_file_that_is_shorter_than_it_was_when_opened_is_cut() {
    let (bytes, given) = session(options(false, false));
    let mut reader = Reader::over("shrunk", Cursor::new(bytes[..200].to_vec()), bytes.len() as u64).unwrap();
    let mut records = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        records.push(record);
    }
    assert_eq!(records, given[..records.len()]);
    assert!(matches!(reader.end(), Some(End::Cut { at: 8..200 })), "{:?}", reader.end());
}

#[test]
fn the_open_chunk_of_a_killed_writer_is_a_cut() {
    let mut writer = options(true, true).create(Cursor::new(Vec::new())).unwrap();
    let given = fill(&mut writer);
    // Not finished: the last chunk's length is still to be filled in.
    let bytes = writer.into_inner().into_inner();
    let (records, end, discarded) = read(&bytes).unwrap();
    assert!(records.len() > 8 && records == given[..records.len()]);
    let End::Cut { at } = end else { panic!("{end:?}") };
    assert_eq!(&bytes[at as usize..][..9], [6, 255, 255, 255, 255, 255, 255, 255, 255]);
    assert_eq!(discarded, bytes.len() as u64 - at);
}

#[test]
fn a_bit_that_turned_is_found_out() {
    for (chunks, zstd) in KINDS {
        let (mut bytes, given) = session(options(chunks, zstd));
        for at in MAGIC.len()..bytes.len() {
            for bit in 0..8 {
                bytes[at] ^= 1 << bit;
                let (records, end, _) = read(&bytes).unwrap();
                // Chunks are held against their CRC before any of them is given; only the section's CRC, the last
                // word, tells that an index outside became a message.
                let strange =
                    |record: &Record| matches!(record, Record::Message { .. }) && !given.contains(record);
                let index = bytes[at] ^ 1 << bit == op::MESSAGE_INDEX;
                assert!(!chunks || index || !records.iter().any(strange), "bit {bit} of byte {at}");
                assert!(end != End::Whole || records == given, "bit {bit} of byte {at}");
                bytes[at] ^= 1 << bit;
            }
        }
    }
}

#[test]
fn a_whole_file_with_more_behind_it_is_damaged() {
    let (mut bytes, given) = session(options(true, true));
    bytes.extend(b"more");
    let (records, end, discarded) = read(&bytes).unwrap();
    let at = bytes.len() as u64 - 4;
    assert_eq!(records, given);
    let what = "4 bytes follow the end (allowed: none)".to_owned();
    assert_eq!((end, discarded), (End::Damaged { at, what }, 4));
}

#[test]
fn kinds_are_passed_over_or_refused_as_the_specification_says() {
    let closing = [(op::DATA_END, vec![0; 4]), (op::FOOTER, vec![0; 20])];
    let file = |records: &[(u8, Vec<u8>)]| {
        let mut bytes = by_hand(&[records, &closing].concat());
        bytes.extend(MAGIC);
        bytes
    };
    for opcode in [0x10, 0x7F, 0x80, 0xFF] {
        let packed = [vec![opcode, 3], vec![0; 7], vec![1, 2, 3]].concat();
        let bytes = file(&[(opcode, vec![1; 70_000]), chunk(12, 0, "", &packed)]);
        let (records, end, _) = read(&bytes).unwrap();
        assert_eq!((records.len(), end), (1, End::Whole), "kind {opcode:#04x}");
    }
    for opcode in [0, op::HEADER, op::CHUNK_INDEX, op::STATISTICS, op::SUMMARY_OFFSET] {
        let what = damage(&file(&[(opcode, vec![0; 30])]));
        assert!(what.ends_with("does not belong here"), "{what}");
    }
    // The specification's smallest file has no end of the data section.
    let bytes = [by_hand(&[(op::FOOTER, vec![0; 20])]), MAGIC.to_vec()].concat();
    assert_eq!(read(&bytes).unwrap().1, End::Whole);
    // A schema of identifier 0 is passed over.
    assert_eq!(read(&file(&[(op::SCHEMA, vec![0; 14])])).unwrap().0.len(), 1);
}

#[test]
fn what_was_not_declared_is_not_used() {
    let channel = |id: u8, schema: u8, topic: u8| {
        (op::CHANNEL, [vec![id, 0, schema, 0, 1, 0, 0, 0, topic], vec![0; 8]].concat())
    };
    let message = |id: u8| (op::MESSAGE, [vec![id], vec![0; 21]].concat());
    let what = damage(&by_hand(&[message(1)]));
    assert_eq!(what, "a message on channel 1, which was not declared");
    let what = damage(&by_hand(&[channel(1, 7, b'a')]));
    assert_eq!(what, "channel 1 is of schema 7, which was not declared");
    let what = damage(&by_hand(&[channel(1, 0, b'a'), message(1), channel(1, 0, b'b')]));
    assert_eq!(what, "channel 1 is declared twice, each time otherwise");
    let (records, ..) = read(&by_hand(&[channel(1, 0, b'a'), channel(1, 0, b'a'), message(1)])).unwrap();
    assert_eq!(records.len(), 4);
}

#[test]
fn a_map_is_sound_or_refused() {
    let metadata = |map: &[u8]| {
        let mut content = vec![0; 4];
        content.extend((map.len() as u32).to_le_bytes());
        content.extend(map);
        damage(&by_hand(&[(op::METADATA, content)]))
    };
    assert!(metadata(&[0; 16]).contains("the same key twice"));
    assert!(metadata(&[0; 7]).contains("a field of 4 bytes, where 3 are left"));
    assert!(metadata(&[1, 0, 0, 0, 0xFF, 0, 0, 0, 0]).contains("invalid utf-8"));
    assert!(metadata(&vec![0; (4 << 20) + 1]).contains("(allowed: up to 4194304)"));
}

#[test]
fn a_chunk_is_what_it_says_or_refused() {
    let zeros = |size: usize| ::zstd::bulk::compress(&vec![0; size], 1).unwrap();
    let what = |record| damage(&by_hand(&[record]));
    assert!(what(chunk(0, 0, "br", &[])).contains("is not read: `br` (allowed: `zstd`, `lz4` or none)"));
    assert!(what(chunk(u64::MAX, 0, "zstd", &[])).contains("(allowed: up to 67108864)"));
    assert!(what(chunk(9, 0, "", &[0; 8])).contains("is said to hold 9 bytes (found: 8)"));
    assert!(
        what(chunk(1 << 26, 0, "zstd", &zeros(10))).contains("is said to hold 67108864 bytes (possible:")
    );
    assert!(what(chunk(999, 0, "zstd", &zeros(1000))).contains("does not decompress to 999 bytes"));
    assert!(what(chunk(1001, 0, "zstd", &zeros(1000))).contains("decompresses to 1000 bytes"));
    let twice = zeros(9).repeat(2);
    assert!(what(chunk(18, 0, "zstd", &twice)).contains("not one Zstandard frame"));
    let lz4 = |size: usize| {
        let mut frame = lz4_flex::frame::FrameEncoder::new(Vec::new());
        std::io::Write::write_all(&mut frame, &vec![0; size]).unwrap();
        frame.finish().unwrap()
    };
    assert!(what(chunk(1 << 26, 0, "lz4", &lz4(10))).contains("is said to hold 67108864 bytes (possible:"));
    assert!(what(chunk(999, 0, "lz4", &lz4(1000))).contains("decompresses to 1000 bytes"));
    assert!(what(chunk(1001, 0, "lz4", &lz4(1000))).contains("decompresses to 1000 bytes"));
    assert!(what(chunk(9, 0, "lz4", &[7; 9])).contains("does not decompress to 9 bytes"));
    let message = [&[op::SCHEMA][..], &[14, 0, 0, 0, 0, 0, 0, 0], &[1, 0], &[0; 12]].concat();
    let mut frame = lz4_flex::frame::FrameEncoder::new(Vec::new());
    std::io::Write::write_all(&mut frame, &message).unwrap();
    let crc = crc32fast::hash(&message);
    let packed = chunk(message.len() as u64, crc, "lz4", &frame.finish().unwrap());
    assert_eq!(read(&by_hand(&[packed])).unwrap().0.len(), 2, "the header and the schema");
    assert!(
        what(chunk(9, 7, "", &[0; 9])).contains("the chunk has another CRC: e60914ae (written: 00000007)")
    );
    assert!(what(chunk(9, 0, "", &[0; 9])).contains("byte 0 of its records: a record of kind 0x00"));
    // A kind that may only stand outside, and one record that is good: neither is given.
    let packed = [&[0x80, 0, 0, 0, 0, 0, 0, 0, 0][..], &[op::ATTACHMENT, 0, 0, 0, 0, 0, 0, 0, 0]].concat();
    assert!(what(chunk(18, 0, "", &packed)).contains("byte 9 of its records: a record of kind 0x09"));
}

/// Reading that fails after some bytes.
struct Failing(Cursor<Vec<u8>>);

impl std::io::Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(std::io::Error::other("the disk is gone")),
            count => Ok(count),
        }
    }
}

#[test]
fn an_error_of_the_disk_is_an_error_once() {
    let (bytes, _) = session(options(false, false));
    let failing = Failing(Cursor::new(bytes[..50].to_vec()));
    let mut reader = Reader::over("disk", failing, bytes.len() as u64).unwrap();
    let error = loop {
        match reader.next() {
            Ok(record) => assert!(record.is_some()),
            Err(error) => break error.to_string(),
        }
    };
    assert_eq!(error, "disk, at byte 50: reading failed: the disk is gone");
    assert_eq!((reader.next(), reader.end()), (Ok(None), Some(&End::Cut { at: 50 })));
}
