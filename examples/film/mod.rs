//! Films for examples: a minute of the built-in room or a file, a picture for each update of what looks at pictures beside a run.

use std::path::Path;
use std::process::ExitCode;

use napot::error::{Error, Result};
use napot::signal::{Frame, InputPicture};
use napot::source::media::{self, MediaOptions};
use napot::source::room::{Room, RoomParameters, RoomVideo};
use napot::stream::Source;

/// Nanoseconds between updates, and of the whole.
const UPDATE: i64 = 100_000_000;
const END: i64 = 60_000_000_000;

/// A film, and when its next picture is due.
pub struct Film {
    source: Of,
    next: i64,
}

enum Of {
    Room(Box<RoomVideo>),
    File(Box<dyn Source<Item = Frame>>),
}

impl Film {
    /// The room of a seed, or a file.
    pub fn open(what: &str) -> Result<Self> {
        let source = if let Ok(seed) = what.parse() {
            Of::Room(Box::new(Room::new(&RoomParameters::default(), seed)?.into_sources().0))
        } else {
            let media = media::open(Path::new(what), &MediaOptions::default())?;
            Of::File(media.video.ok_or_else(|| Error::call(what, "it shows no pictures"))?)
        };
        Ok(Self { source, next: 0 })
    }

    /// The picture of the next update; none after a minute, or the end.
    pub fn pull(&mut self) -> Result<Option<InputPicture>> {
        while self.next < END {
            let frame = match &mut self.source {
                Of::Room(room) => room.pull(),
                Of::File(file) => file.pull(),
            };
            let Some(Frame { stamp, width, height, rgb, .. }) = frame? else { break };
            if stamp.time.0 >= self.next {
                self.next += UPDATE;
                return Ok(Some(InputPicture {
                    time: stamp.time,
                    width,
                    height,
                    rgb,
                    ..InputPicture::default()
                }));
            }
        }
        Ok(None)
    }

    /// The room, where it is that.
    #[allow(dead_code)] // not every example knows the truth
    pub fn room(&self) -> Option<&RoomVideo> {
        match &self.source {
            Of::Room(room) => Some(room),
            Of::File(_) => None,
        }
    }
}

/// How an example ends.
pub fn end(done: Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.kind().exit_code())
        }
    }
}
