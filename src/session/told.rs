//! What people's tools show of a session: JSON for the ledger and what happened, pictures as ROS has them.

use serde::{Deserialize, Serialize};

use super::form::{Bytes, Parsed, tick};
use crate::signal::{LedgerLine, PictureItem};
use crate::time::Timestamp;

/// The JSON Schema of a ledger's line.
pub(super) const LINE_SCHEMA: &str = r#"{"type":"object","properties":{"tick":{"type":"integer"},"state":{"type":"string"},"inputs":{"type":"string"}}}"#;
/// The JSON Schema of Foxglove's `foxglove.Log`.
pub(super) const LOG_SCHEMA: &str = r#"{"type":"object","properties":{"timestamp":{"type":"object","properties":{"sec":{"type":"integer"},"nsec":{"type":"integer"}}},"level":{"type":"integer"},"message":{"type":"string"},"name":{"type":"string"},"file":{"type":"string"},"line":{"type":"integer"}}}"#;
/// ROS 1's `sensor_msgs/CompressedImage`.
pub(super) const PICTURE_SCHEMA: &str = "std_msgs/Header header\nstring format\nuint8[] data\n\
     ================================================================================\n\
     MSG: std_msgs/Header\nuint32 seq\ntime stamp\nstring frame_id\n";

/// A ledger's line as JSON.
#[derive(Serialize, Deserialize)]
struct Line {
    tick: u64,
    state: String,
    inputs: String,
}

/// The bytes of a ledger's line.
pub(super) fn ledger_bytes(line: &LedgerLine) -> Vec<u8> {
    let hex = |bytes: [u8; 16]| format!("{:032x}", u128::from_be_bytes(bytes));
    let line = Line { tick: line.tick.0, state: hex(line.state), inputs: hex(line.inputs) };
    serde_json::to_vec(&line).unwrap_or_default()
}

/// Reads what [`ledger_bytes`] wrote.
pub(super) fn ledger(bytes: &[u8]) -> Parsed<LedgerLine> {
    let line: Line = serde_json::from_slice(bytes).map_err(|_| "this is no line of a ledger")?;
    let hash = |text: &str| {
        let value = (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok()).flatten();
        value.map(u128::to_be_bytes).ok_or("a hash is no hash")
    };
    Ok(LedgerLine { tick: tick(line.tick)?, state: hash(&line.state)?, inputs: hash(&line.inputs)? })
}

/// A time as Foxglove writes it.
#[derive(Serialize, Deserialize)]
struct Moment {
    sec: u64,
    nsec: u64,
}

/// A mark as Foxglove's `foxglove.Log`.
#[derive(Serialize, Deserialize)]
struct Log {
    timestamp: Moment,
    level: u8,
    message: String,
    name: String,
    file: String,
    line: u32,
}

/// Foxglove's level of a plain message.
const INFO: u8 = 2;

/// The bytes of a mark.
pub(super) fn mark_bytes(time: Timestamp, text: &str) -> Vec<u8> {
    let nanoseconds = time.0.max(0).cast_unsigned();
    let log = Log {
        timestamp: Moment { sec: nanoseconds / 1_000_000_000, nsec: nanoseconds % 1_000_000_000 },
        level: INFO,
        message: text.to_owned(),
        name: "napot".to_owned(),
        file: String::new(),
        line: 0,
    };
    serde_json::to_vec(&log).unwrap_or_default()
}

/// Reads what [`mark_bytes`] wrote.
pub(super) fn mark(bytes: &[u8]) -> Parsed<(Timestamp, String)> {
    let log: Log = serde_json::from_slice(bytes).map_err(|_| "this is no mark")?;
    let whole = log.timestamp.sec.checked_mul(1_000_000_000);
    let nanoseconds = whole.and_then(|whole| whole.checked_add(log.timestamp.nsec));
    let time = nanoseconds.and_then(|nanoseconds| i64::try_from(nanoseconds).ok());
    Ok((Timestamp(time.ok_or("a time is out of range")?), log.message))
}

const FRAME: &[u8] = b"eye";
const FORMAT: &[u8] = b"jpeg";

/// The bytes of a picture.
pub(super) fn picture_bytes(picture: &PictureItem) -> Vec<u8> {
    let nanoseconds = picture.time.0.max(0).cast_unsigned();
    let mut out = Vec::with_capacity(40 + picture.jpeg.len());
    let [sec, nsec] = [nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000];
    for word in [0, sec as u32, nsec as u32] {
        out.extend(word.to_le_bytes());
    }
    for bytes in [FRAME, FORMAT, &picture.jpeg] {
        out.extend((bytes.len() as u32).to_le_bytes());
        out.extend(bytes);
    }
    out
}

/// Reads what [`picture_bytes`] wrote.
pub(super) fn picture(bytes: &[u8]) -> Parsed<PictureItem> {
    let mut rest = Bytes(bytes);
    let (_, sec, nsec) = (rest.word()?, rest.word()?, rest.word()?);
    let mut text = || {
        let length = rest.word()? as usize;
        rest.take(length)
    };
    let (_, format, jpeg) = (text()?, text()?, text()?);
    if format != FORMAT {
        return Err("the picture is in no known form");
    }
    let time = Timestamp(i64::from(sec) * 1_000_000_000 + i64::from(nsec));
    rest.end()?;
    Ok(PictureItem { time, jpeg: jpeg.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Tick;

    #[test]
    fn what_is_told_is_read_back() {
        let line = LedgerLine { tick: Tick(999), state: [1; 16], inputs: [0xFE; 16] };
        assert_eq!(ledger(&ledger_bytes(&line)).unwrap(), line);
        let time = Timestamp(1_234_567_890_123);
        assert_eq!(mark(&mark_bytes(time, "onset")).unwrap(), (time, "onset".to_owned()));
        let item = PictureItem { time, jpeg: vec![1, 2, 3] };
        assert_eq!(picture(&picture_bytes(&item)).unwrap(), item);
    }

    #[test]
    fn lines_without_a_time_and_pictures_that_are_cut_are_refused() {
        let line = LedgerLine { tick: Tick(u64::MAX), state: [1; 16], inputs: [2; 16] };
        assert_eq!(ledger(&ledger_bytes(&line)), Err("a tick is out of range"));
        let bytes = picture_bytes(&PictureItem { time: Timestamp(5), jpeg: vec![1, 2, 3] });
        for end in 0..bytes.len() {
            assert!(picture(&bytes[..end]).is_err(), "{end}");
        }
        let mut other = bytes;
        other[23] = b'p';
        assert_eq!(picture(&other), Err("the picture is in no known form"));
    }
}
