//! How arrays bind a film while some of them hold: PSNR of wholes and parts, updates until those are told apart and are back.
//!
//! `holding ROOM_SEED|FILE ARRAY[,ARRAY…]` plays a minute of the built-in room of that seed, or a film; the arrays hold from the
//! third second of every ten to the seventh.

mod film;

use film::Film;
use napot::engine::binding::BindingParameters;
use napot::engine::binding::world::World;
use napot::error::{Error, Result};
use napot::signal::BindingFigures;

/// Updates in a round, and where in it arrays begin and end to hold.
const ROUND: u64 = 100;
const HOLDS: std::ops::Range<u64> = 30..70;

fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match &words[..] {
        [what, arrays] => play(what, arrays),
        _ => Err(Error::call("holding", "`ROOM_SEED|FILE ARRAY[,ARRAY…]` is needed")),
    };
    film::end(done)
}

fn play(what: &str, arrays: &str) -> Result<()> {
    let holders: Vec<usize> = arrays.split(',').filter_map(|array| array.parse().ok()).collect();
    let mut film = Film::open(what)?;
    let parameters = BindingParameters::default();
    let mut world = World::new(&parameters, 0)?;
    let mut update = 0;
    let (mut told, mut back, mut torn, mut free) = (Vec::new(), Vec::new(), 0, 0);
    let mut waits = None;
    while let Some(picture) = film.pull()? {
        let place = update % ROUND;
        if place == HOLDS.start || (place == HOLDS.end && update > ROUND / 2) {
            for array in &holders {
                world.hold(*array, place == HOLDS.start);
            }
            waits = Some(update);
        }
        world.see(&picture)?;
        let is_held = HOLDS.contains(&place);
        let right = if is_held { is_apart(world.figures(), &holders) } else { is_one(world.figures()) };
        if let Some(since) = waits.filter(|_| right) {
            if is_held { &mut told } else { &mut back }.push(update - since + 1);
            waits = None;
        }
        if place < HOLDS.start && waits.is_none() {
            free += 1;
            torn += u64::from(!right);
        }
        update += 1;
    }
    let figures = world.figures();
    let [whole, apart, uncoupled] = [figures.mean_whole_db, figures.mean_apart_db, figures.mean_uncoupled_db]
        .map(Option::unwrap_or_default);
    println!("{update} updates: whole {whole:.2} dB, best alone {apart:.2} dB, uncoupled {uncoupled:.2} dB");
    println!(
        "told apart after {told:?}, back after {back:?} updates; torn in {torn} of {free} without holding"
    );
    Ok(())
}

/// Whether those that hold, and only they, are outside the largest whole.
fn is_apart(figures: &BindingFigures, holders: &[usize]) -> bool {
    let Some(largest) = figures.wholes.first() else { return false };
    let inside = |array: usize| figures.arrays[array].whole == Some(largest.name);
    (0..figures.arrays.len()).all(|array| inside(array) != holders.contains(&array))
}

fn is_one(figures: &BindingFigures) -> bool {
    figures.wholes.first().is_some_and(|whole| usize::from(whole.arrays) == figures.arrays.len())
}
