//! The recorder: takes what a run hands it, writes it to a file, and remembers the last seconds.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::facts::Facts;
use super::message::Message;
use super::retro::Retro;
use super::write::Writing;
use crate::error::{Error, Result};
use crate::signal::SessionItem;
use crate::stream::Sink;
use crate::stream::recording::RecordingMonitor;

/// Records a run.
pub struct Recorder {
    facts: Facts,
    monitor: Arc<RecordingMonitor>,
    file: Option<Writing>,
    retro: Option<Retro>,
    failure: Option<Error>,
}

impl Recorder {
    /// A recorder that keeps nothing yet, of a run with these facts.
    #[must_use]
    pub fn new(facts: Facts, monitor: Arc<RecordingMonitor>) -> Self {
        Self { facts, monitor, file: None, retro: None, failure: None }
    }

    /// Keeps everything in a file, which is called `path` with `.part` after its name until it is whole. Where it is
    /// `patient`, the run is held back where the disk is slow, else the recording ends there.
    ///
    /// # Errors
    /// Where the file can't be made or written.
    pub fn into_file(self, path: &Path, patient: bool) -> Result<Self> {
        let file = Writing::create(path, &self.facts, patient, Arc::clone(&self.monitor))?;
        Ok(self.written_by(file))
    }

    /// Keeps everything by a thread that writes already.
    pub(super) fn written_by(mut self, file: Writing) -> Self {
        self.file = Some(file);
        self
    }

    /// Remembers the last seconds in up to `bytes` of memory: at a wish of the monitor they become a file beside `path`,
    /// numbered.
    #[must_use]
    pub fn remembering(mut self, path: PathBuf, bytes: usize) -> Self {
        self.retro = Some(Retro::new(self.facts.clone(), path, bytes, Arc::clone(&self.monitor)));
        self
    }

    /// Where nothing is remembered, this is the recorder's end; else people are told, and it goes on remembering.
    fn fail(&mut self, failure: Error) -> Result<()> {
        if self.retro.is_none() {
            return Err(failure);
        }
        self.monitor.warn(&failure);
        self.failure.get_or_insert(failure);
        Ok(())
    }
}

impl Sink for Recorder {
    type Item = SessionItem;

    fn push(&mut self, item: &SessionItem) -> Result<()> {
        let message = Arc::new(Message::of(item, self.facts.rate_hz));
        if let Some(retro) = &mut self.retro {
            retro.push(item, &message);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let Err(failure) = file.push(message) else { return Ok(()) };
        self.file = None;
        self.fail(failure)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let written = self.file.map_or(Ok(()), Writing::finish);
        let remembered = self.retro.map_or(Ok(()), Retro::finish);
        self.failure.map_or(Ok(()), Err).and(written).and(remembered)
    }
}
