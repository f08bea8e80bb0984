//! Motion-JPEG: a container's packets become frames; a damaged one is counted and leaves a gap.

use super::info;
use super::input::no_pictures;
use super::jpeg::{self, Refusal};
use crate::error::{Error, Result};
use crate::signal::{Frame, Stamp};
use crate::stream::{Faults, Source, SourceInfo};
use crate::time::Timestamp;

/// Where compressed pictures come from.
pub(super) trait Packets: Send {
    /// Puts the next picture's bytes into `data` (cleared) and gives its time; `None` at the end.
    ///
    /// # Errors
    /// Where the container breaks off or is damaged beyond going on.
    fn next(&mut self, data: &mut Vec<u8>) -> Result<Option<Timestamp>>;

    /// The file's name for messages.
    fn path(&self) -> &std::path::Path;
}

/// A stream of JPEG pictures.
pub(super) struct MotionJpeg<P> {
    info: SourceInfo,
    packets: P,
    rows: usize,
    data: Vec<u8>,
    sequence: u64,
    damaged: u64,
    first_damage: Option<Refusal>,
    ended: bool,
}

impl<P: Packets> MotionJpeg<P> {
    /// Decodes `packets`, whose container says that pictures have `rows` rows.
    pub fn new(packets: P, format: String, rows: usize) -> Self {
        Self {
            info: info(packets.path(), format),
            packets,
            rows,
            data: Vec::new(),
            sequence: 0,
            damaged: 0,
            first_damage: None,
            ended: false,
        }
    }

    fn read(&mut self) -> Result<Option<Frame>> {
        loop {
            self.data.clear();
            let Some(time) = self.packets.next(&mut self.data)? else { return self.end() };
            let sequence = self.sequence;
            self.sequence += 1;
            let picture = match jpeg::decode(&self.data) {
                Ok(picture) => picture,
                Err(refusal) => {
                    self.damaged += 1;
                    self.first_damage.get_or_insert(refusal);
                    continue;
                }
            };
            if sequence == self.damaged && self.rows == 2 * picture.height && picture.height > 1 {
                return Err(Error::input(self.packets.path(), "interlaced Motion-JPEG is not read")
                    .at(format!("frame {sequence}"))
                    .value(format!("fields of {} rows", picture.height))
                    .bound(format!("whole pictures of {} rows", self.rows))
                    .help("Convert it with `ffmpeg -i IN -vf yadif OUT.mkv`."));
            }
            let (width, height, rgb) = (picture.width, picture.height, picture.rgb);
            return Ok(Some(Frame { stamp: Stamp::recorded(time), sequence, width, height, rgb }));
        }
    }

    /// The end is clean only where a picture came before.
    fn end(&mut self) -> Result<Option<Frame>> {
        if self.sequence > self.damaged {
            return Ok(None);
        }
        match self.first_damage.take() {
            Some(refusal) => {
                Err(refusal.into_error(self.packets.path(), "frame 0 (and no other is whole), "))
            }
            None => Err(no_pictures(self.packets.path())),
        }
    }
}

impl<P: Packets> Source for MotionJpeg<P> {
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
        Faults { damaged: self.damaged, ..Faults::default() }
    }
}
