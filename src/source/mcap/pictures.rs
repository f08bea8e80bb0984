//! The pictures of a topic: a damaged one is counted and leaves a gap.

use super::messages::{Item, Messages};
use crate::error::{Error, Result};
use crate::signal::{Frame, Stamp};
use crate::source::video::memory::{self, Raw};
use crate::stream::{Faults, Source, SourceInfo};

/// A stream of pictures.
pub(super) struct Pictures {
    info: SourceInfo,
    topic: String,
    messages: Messages,
    given: bool,
    damaged: u64,
    first_damage: Option<Error>,
    ended: bool,
}

impl Pictures {
    pub fn new(info: SourceInfo, topic: &str, messages: Messages) -> Self {
        Self {
            info,
            topic: topic.to_owned(),
            messages,
            given: false,
            damaged: 0,
            first_damage: None,
            ended: false,
        }
    }

    fn read(&mut self) -> Result<Option<Frame>> {
        while let Some(item) = self.messages.next()? {
            match self.frame(&item) {
                Ok(frame) => {
                    self.given = true;
                    return Ok(Some(frame));
                }
                Err(damage) => {
                    self.damaged += 1;
                    self.first_damage.get_or_insert(damage);
                }
            }
        }
        // The end is clean only where a picture came before.
        self.first_damage.take().filter(|_| !self.given).map_or(Ok(None), Err)
    }

    fn frame(&self, item: &Item) -> Result<Frame> {
        let place = format!("message {} of {}", item.number, self.topic);
        let wrong = |what: String| {
            Error::input(self.messages.path(), "the message is damaged").at(&place).value(what)
        };
        let message = item.reading.read(&item.data).map_err(wrong)?;
        let (path, data) = (self.messages.path(), &message.data[..]);
        let (width, height, rgb) = if item.reading.is_raw() {
            let [width, height, step] = [message.width, message.height, message.step].map(|n| n as usize);
            memory::raw(path, &place, Raw { format: &message.format, width, height, step, data })?
        } else {
            memory::compressed(path, &place, &message.format, data)?
        };
        Ok(Frame { stamp: Stamp::recorded(item.time), sequence: item.number, width, height, rgb })
    }
}

impl Source for Pictures {
    type Item = Frame;

    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn pull(&mut self) -> Result<Option<Frame>> {
        if self.ended {
            return Ok(None);
        }
        let read = self.read();
        self.ended = !matches!(read, Ok(Some(_)));
        read
    }

    fn faults(&self) -> Faults {
        Faults { damaged: self.damaged + self.messages.dropped(), ..Faults::default() }
    }
}
