//! A session's file, written on a thread of its own.
//!
//! A run that is paced never waits for the disk: where the disk cannot keep up, the recording ends and says so. A run at
//! full speed waits, for nothing of it is lost by that. What was flushed stays readable whatever happens next: the file
//! is called `NAME.part` until it is whole.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use mcap::records::{MessageHeader, Metadata};

use super::facts::{FACTS, Facts};
use super::message::{Message, TOPICS};
use crate::error::{Error, Kind, Result};
use crate::format::mcap::MOST_RECORD;
use crate::stream::recording::RecordingMonitor;
use crate::time::Timestamp;

/// Messages that may wait for the disk: several seconds of a paced run.
const WAITING: usize = 512;
/// Blocks between two flushes: half a second of the run.
pub(super) const FLUSH_BLOCKS: u32 = 5;
/// The largest chunk in bytes: a reader holds one at a time.
const CHUNK: u64 = 4 << 20;

/// The most bytes of a state: readers take no record above [`MOST_RECORD`], and beside it in its chunk may be another chunk's worth.
pub(super) const MOST_STATE: u64 = MOST_RECORD - 2 * CHUNK;

/// Refuses a state of so many numbers and words, of four bytes each, where a session can't hold it.
///
/// # Errors
/// With the size and the bound.
pub fn holds_state(numbers: usize) -> Result<()> {
    let bytes = 4 * numbers as u64;
    if bytes > MOST_STATE {
        let error = Error::new(
            Kind::Output,
            "session",
            "a state of these arrays is larger than a session holds, in MB",
        );
        return Err(error.value(bytes / 1_000_000).bound(format!("up to {}", MOST_STATE / 1_000_000)));
    }
    Ok(())
}

/// The thread that writes a session's file.
pub(super) struct Writing {
    path: PathBuf,
    /// Whether a message may wait for the disk.
    patient: bool,
    messages: Option<Sender<Arc<Message>>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Writing {
    /// Opens `path` with `.part` after its name and writes the facts. Where it is `patient`, the run is held back where
    /// the disk is slow, else the writing is given up.
    ///
    /// # Errors
    /// Where the file can't be made or written.
    pub(super) fn create(
        path: &Path,
        facts: &Facts,
        patient: bool,
        monitor: Arc<RecordingMonitor>,
    ) -> Result<Self> {
        if path.is_dir() {
            return Err(Error::call("--record", "this is a folder").value(path.display()));
        }
        let part = part_of(path);
        if path.exists() {
            let error = Error::call("--record", "there is a file of this name already").value(path.display());
            return Err(error.bound("a new file"));
        }
        let taken = || {
            let error = Error::call("--record", "a recording of this name broke off, or is under way");
            error.value(part.display()).help("Save it by `napot session recover`, or remove it.")
        };
        if part.exists() {
            return Err(taken());
        }
        // Of two runs that come here at once, one finds the other's file.
        let file = File::create_new(&part).map_err(|cause| match cause.kind() {
            std::io::ErrorKind::AlreadyExists => taken(),
            _ => unwritten(&part, &cause),
        })?;
        Self::start(Writer::over(path, file, facts, monitor)?, patient)
    }

    /// Hands `writer` to a thread of its own.
    pub(super) fn start<W: Write + Seek + Send + 'static>(writer: Writer<W>, patient: bool) -> Result<Self> {
        let path = writer.path.clone();
        let (messages, received) = crossbeam_channel::bounded(WAITING);
        let thread = std::thread::Builder::new()
            .name("napot-session".to_owned())
            .spawn(move || writer.run(&received))
            .map_err(|cause| {
                Error::output(&path, "no thread could be started for the session").value(cause)
            })?;
        Ok(Self { path, patient, messages: Some(messages), thread: Some(thread) })
    }

    /// Hands over a message.
    ///
    /// # Errors
    /// Where the file can't be written any more, or the disk doesn't keep up.
    pub(super) fn push(&mut self, message: Arc<Message>) -> Result<()> {
        let Some(messages) = &self.messages else { return Ok(()) };
        let sent = if self.patient {
            messages.send(message).map_err(|_| None)
        } else {
            messages.try_send(message).map_err(|refused| match refused {
                TrySendError::Full(_) => Some(WAITING),
                TrySendError::Disconnected(_) => None,
            })
        };
        match sent {
            Ok(()) => Ok(()),
            Err(None) => Err(self.failure()),
            Err(Some(waiting)) => {
                // The thread writes what waits, and ends by itself; the run does not wait for it.
                self.messages = None;
                self.thread = None;
                let error = Error::output(&self.path, "the disk does not keep up, the recording ends here");
                Err(error.value(format!("{waiting} messages waiting")))
            }
        }
    }

    /// Waits until everything is written and the file has its name.
    ///
    /// # Errors
    /// Where it can't be written.
    pub(super) fn finish(mut self) -> Result<()> {
        self.outcome()
    }

    /// What the thread ended with.
    fn outcome(&mut self) -> Result<()> {
        self.messages = None;
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

/// The file, written through `W`.
pub(super) struct Writer<W: Write + Seek> {
    path: PathBuf,
    part: PathBuf,
    mcap: mcap::Writer<BufWriter<W>>,
    channels: [u16; TOPICS.len()],
    sequences: [u32; TOPICS.len()],
    blocks: u32,
    /// When it was flushed first.
    first: Option<Timestamp>,
    monitor: Arc<RecordingMonitor>,
}

impl<W: Write + Seek> Writer<W> {
    /// Begins the session that is to be called `path` in `file`, which is called so with `.part` after it.
    pub(super) fn over(path: &Path, file: W, facts: &Facts, monitor: Arc<RecordingMonitor>) -> Result<Self> {
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
        for (channel, topic) in channels.iter_mut().zip(TOPICS) {
            let [name, encoding, schema] = topic.schema;
            let schema = mcap.add_schema(name, encoding, schema.as_bytes()).map_err(wrong)?;
            *channel =
                mcap.add_channel(schema, topic.name, topic.encoding, &BTreeMap::new()).map_err(wrong)?;
        }
        mcap.flush().map_err(wrong)?;
        let (path, sequences) = (path.to_owned(), [0; TOPICS.len()]);
        Ok(Self { path, part, mcap, channels, sequences, blocks: 0, first: None, monitor })
    }

    fn run(mut self, messages: &Receiver<Arc<Message>>) -> Result<()> {
        for message in messages {
            self.write(&message)?;
        }
        let outcome = self.mcap.finish().map(|_| ());
        outcome.map_err(|cause| failed(&self.part, &cause))?;
        // Its name says that it is whole: so must the disk have it before.
        let synced = File::options().write(true).open(&self.part).and_then(|file| file.sync_all());
        synced.map_err(|cause| unwritten(&self.part, &cause))?;
        if self.path.exists() {
            let problem = "a file took this name meanwhile; the session is whole under its .part";
            return Err(Error::output(&self.path, problem));
        }
        fs::rename(&self.part, &self.path)
            .map_err(|cause| Error::output(&self.path, "the session can't take its name").value(cause))
    }

    /// Writes a message; every so many blocks, what was written so far reaches the disk.
    pub(super) fn write(&mut self, message: &Message) -> Result<()> {
        let sequence = &mut self.sequences[message.topic];
        *sequence = sequence.wrapping_add(1);
        let time = message.time.0.max(0).cast_unsigned();
        let header = MessageHeader {
            channel_id: self.channels[message.topic],
            sequence: *sequence,
            log_time: time,
            publish_time: time,
        };
        let written = self.mcap.write_to_known_channel(&header, &message.data);
        written.map_err(|cause| failed(&self.part, &cause))?;
        self.blocks += u32::from(message.is_block());
        if self.blocks >= FLUSH_BLOCKS {
            self.flush(message.time)?;
        }
        Ok(())
    }

    fn flush(&mut self, now: Timestamp) -> Result<()> {
        self.blocks = 0;
        self.mcap.flush().map_err(|cause| failed(&self.part, &cause))?;
        let first = *self.first.get_or_insert(now);
        let bytes = fs::metadata(&self.part).map_or(0, |found| found.len());
        let free = fs4::available_space(&self.part).ok();
        self.monitor.written(bytes, Timestamp(now.0 - first.0), free);
        Ok(())
    }
}

/// What a session is called while it is written.
#[must_use]
pub fn part_of(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    PathBuf::from(part)
}

fn unwritten(part: &Path, cause: &std::io::Error) -> Error {
    Error::output(part, "the session can't be written").value(cause)
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
