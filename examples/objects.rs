//! What stands out from a film: how many objects, how often labels jump, how long it takes; of the room also how well, as its truth is known.
//!
//! `objects ROOM_SEED|FILE [SIDE]` plays a minute of the built-in room of that seed, or a film. A label jumps where a pixel goes from one
//! object to another though its grey stays within a fiftieth.

#![allow(clippy::cast_precision_loss)] // small counts

use std::path::Path;
use std::time::Instant;

use napot::engine::objects::{Objects, ObjectsParameters};
use napot::error::{Error, Result};
use napot::readout::segment::{How, Seen, rand_index};
use napot::signal::{Frame, InputPicture};
use napot::source::media::{self, MediaOptions};
use napot::source::room::{Room, RoomParameters, RoomVideo};
use napot::stream::Source;

/// Nanoseconds between updates, and of the whole.
const UPDATE: i64 = 100_000_000;
const END: i64 = 60_000_000_000;
/// A pixel whose grey changes by less has not moved.
const STILL: f32 = 0.02;

fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match &words[..] {
        [what] => play(what, 32),
        [what, side] => play(what, side.parse().unwrap_or(0)),
        _ => Err(Error::call("objects", "`ROOM_SEED|FILE [SIDE]` is needed")),
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::from(error.kind().exit_code())
        }
    }
}

enum Film {
    Room(Box<RoomVideo>),
    File(Box<dyn Source<Item = Frame>>),
}

impl Film {
    fn open(what: &str) -> Result<Self> {
        if let Ok(seed) = what.parse() {
            return Ok(Self::Room(Box::new(Room::new(&RoomParameters::default(), seed)?.into_sources().0)));
        }
        let media = media::open(Path::new(what), &MediaOptions::default())?;
        media.video.map(Self::File).ok_or_else(|| Error::call(what, "it shows no pictures"))
    }

    fn pull(&mut self) -> Result<Option<Frame>> {
        match self {
            Self::Room(room) => room.pull(),
            Self::File(file) => file.pull(),
        }
    }

    /// The thing of each pixel of the last picture, seen with so many rows and columns; 0 is the room.
    fn truth(&self, [rows, columns]: [usize; 2]) -> Option<Vec<usize>> {
        let Self::Room(room) = self else { return None };
        let truth = room.truth();
        let middle = |at: usize, cells: usize, pixels: usize| (2 * at + 1) * pixels / (2 * cells);
        let thing = |at: usize| {
            let (y, x) =
                (middle(at / columns, rows, truth.height), middle(at % columns, columns, truth.width));
            usize::from(truth.labels[y * truth.width + x])
        };
        Some((0..rows * columns).map(thing).collect())
    }
}

/// The labels of all pixels that are of things, found and true.
#[derive(Default)]
struct Pairs {
    found: Vec<usize>,
    truth: Vec<usize>,
}

impl Pairs {
    fn add(&mut self, labels: &[u8], truth: &[usize]) {
        for (label, thing) in labels.iter().zip(truth).filter(|(_, thing)| **thing > 0) {
            self.found.push(usize::from(*label));
            self.truth.push(*thing);
        }
    }

    fn index(&self) -> f64 {
        rand_index(&self.found, &self.truth)
    }
}

fn play(what: &str, side: usize) -> Result<()> {
    let mut film = Film::open(what)?;
    let mut objects =
        Objects::new(&ObjectsParameters { side, ..ObjectsParameters::default() }, &How::default())?;
    let (mut next, mut spent, mut jumped, mut stayed, mut pictures) = (0, 0.0, 0u64, 0u64, 0);
    let (mut whole, mut each) = (Pairs::default(), Vec::new());
    let mut last: Option<(Vec<f32>, Vec<u8>)> = None;
    while let Some(frame) = film.pull()? {
        let Frame { stamp, width, height, rgb, .. } = frame;
        if next >= END {
            break;
        }
        if stamp.time.0 < next {
            continue;
        }
        next += UPDATE;
        let greys = Seen::of(&rgb, [height, width], side).greys;
        let begun = Instant::now();
        objects.look(&InputPicture { time: stamp.time, width, height, rgb });
        spent += begun.elapsed().as_secs_f64();
        pictures += 1;
        if let Some((before, were)) = &last {
            let pixels = before.iter().zip(&greys).zip(were.iter().zip(objects.labels()));
            for ((before, now), (was, is)) in pixels {
                if (before - now).abs() < STILL && *was > 0 && *is > 0 {
                    *if was == is { &mut stayed } else { &mut jumped } += 1;
                }
            }
        }
        if let Some(truth) = film.truth(objects.figures().size) {
            let mut own = Pairs::default();
            own.add(objects.labels(), &truth);
            whole.add(objects.labels(), &truth);
            each.push(own.index());
        }
        last = Some((greys, objects.labels().to_vec()));
    }
    let figures = objects.figures();
    println!(
        "{pictures} updates, seen as {} x {}: {:.2} objects on the mean, {:.2} ms an update",
        figures.size[1],
        figures.size[0],
        figures.mean_objects.unwrap_or_default(),
        1e3 * spent / f64::from(pictures.max(1))
    );
    println!(
        "{:.2} % of an object's pixels that have not changed jump to another",
        100.0 * jumped as f64 / (jumped + stayed).max(1) as f64
    );
    if !each.is_empty() {
        println!(
            "FG-ARI {:.3} picture by picture, {:.3} over the film",
            each.iter().sum::<f64>() / each.len() as f64,
            whole.index()
        );
    }
    Ok(())
}
