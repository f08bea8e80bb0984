//! What stands out from a film: how many objects, how often labels jump, how long it takes; of the room also how well, as its truth is known.
//!
//! `objects ROOM_SEED|FILE [SIDE]` plays a minute of the built-in room of that seed, or a film. A label jumps where a pixel goes from one
//! object to another though its grey stays within a fiftieth.

#![allow(clippy::cast_precision_loss)] // small counts

mod film;

use std::time::Instant;

use film::Film;
use napot::engine::objects::{Objects, ObjectsParameters};
use napot::error::{Error, Result};
use napot::readout::segment::{How, OfThings, Seen};

/// A pixel whose grey changes by less has not moved.
const STILL: f32 = 0.02;

fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match &words[..] {
        [what] => play(what, 32),
        [what, side] => play(what, side.parse().unwrap_or(0)),
        _ => Err(Error::call("objects", "`ROOM_SEED|FILE [SIDE]` is needed")),
    };
    film::end(done)
}

/// The thing of each pixel of the room's last picture, seen with so many rows and columns; 0 is the room.
fn truth(film: &Film, [rows, columns]: [usize; 2]) -> Option<Vec<usize>> {
    let truth = film.room()?.truth();
    let middle = |at: usize, cells: usize, pixels: usize| (2 * at + 1) * pixels / (2 * cells);
    let thing = |at: usize| {
        let (y, x) = (middle(at / columns, rows, truth.height), middle(at % columns, columns, truth.width));
        usize::from(truth.labels[y * truth.width + x])
    };
    Some((0..rows * columns).map(thing).collect())
}

fn play(what: &str, side: usize) -> Result<()> {
    let mut film = Film::open(what)?;
    let mut objects =
        Objects::new(&ObjectsParameters { side, ..ObjectsParameters::default() }, &How::default())?;
    let (mut spent, mut jumped, mut stayed, mut pictures) = (0.0, 0u64, 0u64, 0);
    let (mut whole, mut each) = (OfThings::default(), Vec::new());
    let mut last: Option<(Vec<f32>, Vec<u8>)> = None;
    while let Some(picture) = film.pull()? {
        let greys = Seen::of(&picture.rgb, [picture.height, picture.width], side).greys;
        let begun = Instant::now();
        objects.look(&picture);
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
        if let Some(truth) = truth(&film, objects.figures().size) {
            let mut own = OfThings::default();
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
