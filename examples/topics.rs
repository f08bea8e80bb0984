//! Lets an outside judge see what we read of an MCAP file of another program.
//!
//! `topics FILE [TOPIC…]` prints a line per picture: `picture NANOSECONDS NUMBER WIDTH HEIGHT`, then red, green and blue
//! of all its pixels in hexadecimals; then a line per frame of sound: `sound LEFT RIGHT`; at the end the faults.

use std::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::path::Path;

use napot::error::{Error, Result};
use napot::source::mcap::{self, McapOptions};
use napot::stream::Faults;

fn main() -> std::process::ExitCode {
    let mut words = std::env::args().skip(1);
    let done = match words.next() {
        Some(file) => read(Path::new(&file), &McapOptions { topics: words.collect(), rate: None }),
        None => Err(Error::call("topics", "`FILE [TOPIC…]` is needed")),
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::from(error.kind().exit_code())
        }
    }
}

fn read(path: &Path, options: &McapOptions) -> Result<()> {
    let topics = mcap::open(path, options)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let failed = |cause: std::io::Error| Error::output("-", "it cannot be written").value(cause);
    let mut faults = Faults::default();
    if let Some(mut video) = topics.video {
        while let Some(frame) = video.pull()? {
            let (time, number) = (frame.stamp.time.0, frame.sequence);
            let mut pixels = String::new();
            for byte in &frame.rgb {
                // Writing to a text never fails.
                let _ = write!(pixels, "{byte:02x}");
            }
            writeln!(out, "picture {time} {number} {} {} {pixels}", frame.width, frame.height)
                .map_err(failed)?;
        }
        faults.damaged += video.faults().damaged;
    }
    if let Some(mut sound) = topics.sound {
        while let Some(block) = sound.pull()? {
            block
                .frames
                .iter()
                .try_for_each(|[left, right]| writeln!(out, "sound {left} {right}"))
                .map_err(failed)?;
        }
        faults.damaged += sound.faults().damaged;
    }
    writeln!(out, "faults {}", faults.damaged).map_err(failed)?;
    out.flush().map_err(failed)
}
