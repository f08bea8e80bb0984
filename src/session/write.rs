//! The recorder: takes what a session holds and writes it on a thread of its own.
//!
//! A run that is paced never waits for the disk: where the disk cannot keep up, the recording ends and says so. A run at
//! full speed waits, for nothing of it is lost by that. What was flushed stays readable whatever happens next: the file
//! is called `NAME.part` until it is whole.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use mcap::records::{MessageHeader, Metadata};
use serde::{Deserialize, Serialize};

use super::form;
use crate::error::{Error, Result};
use crate::signal::SessionItem;
use crate::stream::Sink;
use crate::time::{TICKS_PER_SECOND, Tick};

/// The form that is written and read.
pub(super) const FORM: &str = "napot-session-1";
/// The record of metadata that holds the facts, and its key.
pub(super) const FACTS: &str = "napot";
/// Items that may wait for the disk: several seconds of a paced run.
const WAITING: usize = 256;
/// Blocks between two flushes: half a second of the run.
pub(super) const FLUSH_BLOCKS: u32 = 5;
/// The largest chunk in bytes: a reader holds one at a time.
const CHUNK: u64 = 4 << 20;

/// The most that a session's facts may say of a run: electrodes, sites of a side, bands.
const MOST_ELECTRODES: usize = 1_024;
const MOST_SIDE: usize = 1 << 24;
const MOST_BANDS: usize = 32;

/// The topics, in the order of their channels.
pub(super) const ENTERED: &str = "/entered";
pub(super) const STATE: &str = "/state";
pub(super) const ELECTRODES: &str = "/electrodes";
pub(super) const LEDGER: &str = "/ledger";
pub(super) const MARKS: &str = "/marks";

const LINE_SCHEMA: &str = r#"{"type":"object","properties":{"tick":{"type":"integer"},"state":{"type":"string"},"inputs":{"type":"string"}}}"#;
const LOG_SCHEMA: &str = r#"{"type":"object","properties":{"timestamp":{"type":"object","properties":{"sec":{"type":"integer"},"nsec":{"type":"integer"}}},"level":{"type":"integer"},"message":{"type":"string"},"name":{"type":"string"},"file":{"type":"string"},"line":{"type":"integer"}}}"#;

/// Topic, encoding, name of the schema, its encoding and text.
const TOPICS: [(&str, &str, &str, &str, &str); 5] = [
    (ENTERED, "x-napot", "napot.Entered", "x-napot", form::ENTERED_SCHEMA),
    (STATE, "x-napot", "napot.State", "x-napot", form::STATE_SCHEMA),
    (ELECTRODES, "x-napot", "napot.Electrodes", "x-napot", form::ELECTRODES_SCHEMA),
    (LEDGER, "json", "napot.LedgerLine", "jsonschema", LINE_SCHEMA),
    (MARKS, "json", "foxglove.Log", "jsonschema", LOG_SCHEMA),
];

/// What a session says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The form's name.
    pub form: String,
    /// NAPOT's version.
    pub version: String,
    /// What decides the result of the configuration as TOML, every key spelled out; its seed is the run's.
    pub config: String,
    /// The hash of what in it decides the result.
    pub config_hash: String,
    /// The arrays.
    pub arrays: Vec<Sheet>,
    /// The electrodes' names.
    pub electrodes: Vec<String>,
    /// Their samples per second.
    pub rate_hz: u32,
    /// Names and units of the scalar channels, where there are any.
    pub channels: Option<[Vec<String>; 2]>,
    /// The sources, for people.
    pub sources: Vec<String>,
}

/// The shape of an array.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// `vision`, `hearing` or `scalar`.
    pub name: String,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Bands.
    pub bands: usize,
    /// Whether a twin runs beside it.
    pub twin: bool,
}

impl Facts {
    /// The form that this version writes.
    #[must_use]
    pub fn form() -> String {
        FORM.to_owned()
    }

    /// Holds what a reader goes by to what a run can be: what is wrong, its value and its bound.
    pub(super) fn check(&self) -> std::result::Result<(), (&'static str, usize, String)> {
        let within = |what, value, most: usize| {
            if (1..=most).contains(&value) { Ok(()) } else { Err((what, value, format!("1 to {most}"))) }
        };
        within("the electrodes' rate is out of range", self.rate_hz as usize, TICKS_PER_SECOND as usize)?;
        within("the number of electrodes is out of range", self.electrodes.len(), MOST_ELECTRODES)?;
        for sheet in &self.arrays {
            within("an array's rows are out of range", sheet.height, MOST_SIDE)?;
            within("an array's columns are out of range", sheet.width, MOST_SIDE)?;
            within("an array's bands are out of range", sheet.bands, MOST_BANDS)?;
        }
        Ok(())
    }
}

/// Writes a session.
pub struct Recorder {
    path: PathBuf,
    /// Whether a push may wait for the disk.
    patient: bool,
    items: Option<Sender<SessionItem>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Recorder {
    /// Opens `path` with `.part` after its name and writes the facts. A `patient` recorder holds its run back where the
    /// disk is slow, another one gives up.
    ///
    /// # Errors
    /// Where the file can't be made or written.
    pub fn create(path: &Path, facts: &Facts, patient: bool) -> Result<Self> {
        Self::start(Writer::create(path, facts)?, patient)
    }

    /// Hands `writer` to a thread of its own.
    pub(super) fn start<W: Write + Seek + Send + 'static>(writer: Writer<W>, patient: bool) -> Result<Self> {
        let path = writer.path.clone();
        let (items, received) = crossbeam_channel::bounded(WAITING);
        let thread = std::thread::Builder::new()
            .name("napot-session".to_owned())
            .spawn(move || writer.run(&received))
            .map_err(|cause| {
                Error::output(&path, "no thread could be started for the session").value(cause)
            })?;
        Ok(Self { path, patient, items: Some(items), thread: Some(thread) })
    }

    /// What the thread ended with.
    fn outcome(&mut self) -> Result<()> {
        self.items = None;
        let Some(thread) = self.thread.take() else { return Ok(()) };
        let panicked = |_| Error::output(&self.path, "the thread that writes the session panicked");
        thread.join().map_err(panicked)?
    }

    /// Why no more can be written.
    fn failure(&mut self) -> Error {
        let ended = Error::output(&self.path, "the session ended before its run");
        self.outcome().err().unwrap_or(ended)
    }
}

impl Sink for Recorder {
    type Item = SessionItem;

    fn push(&mut self, item: &SessionItem) -> Result<()> {
        let Some(items) = &self.items else { return Ok(()) };
        let sent = if self.patient {
            items.send(item.clone()).map_err(|_| None)
        } else {
            items.try_send(item.clone()).map_err(|refused| match refused {
                TrySendError::Full(_) => Some(WAITING),
                TrySendError::Disconnected(_) => None,
            })
        };
        match sent {
            Ok(()) => Ok(()),
            Err(None) => Err(self.failure()),
            Err(Some(waiting)) => {
                // The thread writes what waits, and ends by itself; the run does not wait for it.
                self.items = None;
                self.thread = None;
                let error = Error::output(&self.path, "the disk does not keep up, the recording ends here");
                Err(error.value(format!("{waiting} blocks waiting")))
            }
        }
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.outcome()
    }
}

/// The file, written through `W`.
pub(super) struct Writer<W: Write + Seek> {
    path: PathBuf,
    part: PathBuf,
    mcap: mcap::Writer<BufWriter<W>>,
    channels: [u16; TOPICS.len()],
    sequences: [u32; TOPICS.len()],
    blocks: u32,
    rate_hz: u64,
}

impl Writer<File> {
    fn create(path: &Path, facts: &Facts) -> Result<Self> {
        if path.is_dir() {
            return Err(Error::call("--record", "this is a folder").value(path.display()));
        }
        let part = part_of(path);
        let io = |cause: std::io::Error| Error::output(&part, "the session can't be written").value(cause);
        Self::over(path, File::create(&part).map_err(io)?, facts)
    }
}

impl<W: Write + Seek> Writer<W> {
    /// Begins the session that is to be called `path` in `file`, which is called so with `.part` after it.
    pub(super) fn over(path: &Path, file: W, facts: &Facts) -> Result<Self> {
        let part = part_of(path);
        let wrong = |cause: mcap::McapError| failed(&part, &cause);
        let mut mcap = mcap::WriteOptions::new()
            .profile("napot")
            .library(format!("napot {}", facts.version))
            .chunk_size(Some(CHUNK))
            // Chunks are put together in memory and written at once: a killed writer leaves whole ones.
            .disable_seeking(true)
            // On this thread, not on one for every core.
            .compression_threads(0)
            .create(BufWriter::new(file))
            .map_err(wrong)?;
        let text = serde_json::to_string(facts).unwrap_or_default();
        let metadata = BTreeMap::from([("facts".to_owned(), text)]);
        mcap.write_metadata(&Metadata { name: FACTS.to_owned(), metadata }).map_err(wrong)?;
        let mut channels = [0; TOPICS.len()];
        for (channel, (topic, encoding, name, schema_encoding, schema)) in channels.iter_mut().zip(TOPICS) {
            let schema = mcap.add_schema(name, schema_encoding, schema.as_bytes()).map_err(wrong)?;
            *channel = mcap.add_channel(schema, topic, encoding, &BTreeMap::new()).map_err(wrong)?;
        }
        mcap.flush().map_err(wrong)?;
        Ok(Self {
            path: path.to_owned(),
            part,
            mcap,
            channels,
            sequences: [0; TOPICS.len()],
            blocks: 0,
            rate_hz: u64::from(facts.rate_hz.max(1)),
        })
    }

    fn run(mut self, items: &Receiver<SessionItem>) -> Result<()> {
        for item in items {
            self.write(&item)?;
        }
        let outcome = self.mcap.finish().map(|_| ());
        outcome.map_err(|cause| failed(&self.part, &cause))?;
        fs::rename(&self.part, &self.path)
            .map_err(|cause| Error::output(&self.path, "the session can't take its name").value(cause))
    }

    pub(super) fn write(&mut self, item: &SessionItem) -> Result<()> {
        match item {
            SessionItem::Entered(entered) => {
                self.message(0, nanoseconds(entered.first), &form::entered_bytes(entered))?;
                self.blocks += 1;
                if self.blocks >= FLUSH_BLOCKS {
                    self.blocks = 0;
                    self.mcap.flush().map_err(|cause| failed(&self.part, &cause))?;
                }
                Ok(())
            }
            SessionItem::State(state) => self.message(1, nanoseconds(state.next), &form::state_bytes(state)),
            SessionItem::Electrodes(first, values) => {
                let tick = Tick(first * TICKS_PER_SECOND / self.rate_hz);
                self.message(2, nanoseconds(tick), &form::electrodes_bytes(*first, values))
            }
            SessionItem::Ledger(line) => {
                self.message(3, nanoseconds(line.tick.next()), &form::ledger_bytes(line))
            }
            SessionItem::Mark(time, text) => {
                self.message(4, time.0.max(0).cast_unsigned(), &form::mark_bytes(*time, text))
            }
        }
    }

    fn message(&mut self, channel: usize, time: u64, data: &[u8]) -> Result<()> {
        let sequence = &mut self.sequences[channel];
        *sequence = sequence.wrapping_add(1);
        let header = MessageHeader {
            channel_id: self.channels[channel],
            sequence: *sequence,
            log_time: time,
            publish_time: time,
        };
        self.mcap.write_to_known_channel(&header, data).map_err(|cause| failed(&self.part, &cause))
    }
}

/// What a session is called while it is written.
pub(super) fn part_of(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    PathBuf::from(part)
}

fn nanoseconds(tick: Tick) -> u64 {
    tick.start().0.max(0).cast_unsigned()
}

fn failed(path: &Path, cause: &mcap::McapError) -> Error {
    // The crate's own words hide what the system said.
    let mut said: &dyn std::error::Error = cause;
    while let Some(deeper) = said.source() {
        said = deeper;
    }
    let error = Error::output(path, "the session can't be written").value(said);
    error.help("What was written stays readable: `napot session recover` makes a whole file of it.")
}
