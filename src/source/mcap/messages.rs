//! The messages of one topic in the order of their times, with what a file may do wrong kept within bounds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::message::Reading;
use super::survey::{LONGEST_GAP, Topic};
use crate::error::{Error, Result};
use crate::format::mcap::{End, Reader, Record};
use crate::time::Timestamp;

/// Messages that are held back so that later ones in the file may come before them, and bytes of them.
const MOST_WAITING: usize = 64;
const MOST_BYTES: usize = 64 << 20;

/// A message.
pub(super) struct Item {
    /// Since the recording's zero.
    pub time: Timestamp,
    /// Its number in its topic, from 0.
    pub number: u64,
    pub reading: Reading,
    pub data: Vec<u8>,
}

/// The messages of a topic.
pub(super) struct Messages {
    path: PathBuf,
    reader: Reader,
    channels: BTreeMap<u16, Reading>,
    zero: u64,
    /// The time of the message that was given last.
    last: u64,
    number: u64,
    /// By time, and by their order in the file where times are equal.
    waiting: BTreeMap<(u64, u64), (Reading, Vec<u8>)>,
    bytes: usize,
    ended: Option<Result<()>>,
    dropped: u64,
}

impl Messages {
    /// The messages of `topic` in the file at `path`, whose clock begins at `zero`, in nanoseconds of the file's.
    ///
    /// # Errors
    /// Where the file can't be opened.
    pub fn open(path: &Path, topic: &Topic, zero: u64) -> Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            reader: Reader::open(path)?,
            channels: topic.channels.clone(),
            zero,
            last: zero,
            number: 0,
            waiting: BTreeMap::new(),
            bytes: 0,
            ended: None,
            dropped: 0,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Messages that came too late in the file for their time, or long after all others.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The next message; `None` at the end.
    ///
    /// # Errors
    /// Where the file breaks off, after all that came before; once.
    pub fn next(&mut self) -> Result<Option<Item>> {
        loop {
            while self.ended.is_none() && self.waiting.len() < MOST_WAITING && self.bytes < MOST_BYTES {
                self.read();
            }
            let Some(((time, number), (reading, data))) = self.waiting.pop_first() else {
                return self.ended.replace(Ok(())).unwrap_or(Ok(())).map(|()| None);
            };
            self.bytes -= data.len();
            if time - self.last > LONGEST_GAP {
                self.dropped += 1;
                continue;
            }
            self.last = time;
            let time = Timestamp(i64::try_from(time - self.zero).unwrap_or(i64::MAX));
            return Ok(Some(Item { time, number, reading, data }));
        }
    }

    /// Reads a record.
    fn read(&mut self) {
        match self.reader.next() {
            Ok(Some(Record::Message { channel, log_time, data, .. })) => {
                let Some(reading) = self.channels.get(&channel) else { return };
                let number = self.number;
                self.number += 1;
                if log_time < self.last {
                    self.dropped += 1;
                } else {
                    self.bytes += data.len();
                    self.waiting.insert((log_time, number), (*reading, data));
                }
            }
            Ok(Some(_)) => {}
            Ok(None) => self.ended = Some(self.outcome()),
            Err(error) => self.ended = Some(Err(error)),
        }
    }

    fn outcome(&self) -> Result<()> {
        match self.reader.end() {
            None | Some(End::Whole) => Ok(()),
            Some(End::Cut { at }) => {
                let error = Error::input(&self.path, "the file was cut short").at(format!("byte {at}"));
                Err(error.help("What came before the cut was used."))
            }
            Some(End::Damaged { at, what }) => {
                Err(Error::input(&self.path, "the file is damaged").at(format!("byte {at}")).value(what))
            }
        }
    }
}
