//! The claim of alignment: arrays whose views are turned are found from what their pairs tell.

use super::binding::{ARRAYS, SIDE, degrees, how, noisy};
use super::{Figure, Run};
use crate::binding::align::{Place, Seen, What, places, turns_told};
use crate::binding::consensus::{Way, bind};
use crate::binding::part::Part;
use crate::binding::phantom::{Scene, psnr};
use crate::binding::sync::on_a_circle;
use crate::error::Result;
use crate::random::Stream;

/// The variants by their numbers.
pub(super) const VARIANTS: [&str; 6] = [
    "as it is",
    "pairs alone: Kuramoto's flow",
    "pairs alone: leading eigenvector",
    "pairs alone, without coupling: one array's",
    "without alignment",
    "oracle that is given the turns",
];

/// Sixteen arrays of four views, half of them turned by 2 to 10 degrees, some seeing another scene.
pub(super) fn run(&Run { variant, seed, quick, .. }: &Run<'_>) -> Result<Vec<Figure>> {
    let scenes = [Scene::drawn(2 * seed, SIDE), Scene::drawn(2 * seed + 1, SIDE)];
    let truth = scenes[0].picture(SIDE);
    let tasks =
        [("8 of 16 turned", 0.005, 0), ("noise of 5 %", 0.05, 0), ("5 of 16 see another scene", 0.005, 5)];
    let mut figures = Vec::new();
    for (number, (task, noise, others)) in tasks.into_iter().take(if quick { 1 } else { 3 }).enumerate() {
        let mut draws = Stream::new(seed, 300 + number as u32);
        let mut order: Vec<usize> = (0..ARRAYS).collect();
        for at in (1..ARRAYS).rev() {
            order.swap(at, (draws.uniform() * (at + 1) as f64) as usize);
        }
        let mut turns = vec![0.0; ARRAYS];
        for array in &order[..ARRAYS / 2] {
            turns[*array] = draws.between(2.0, 10.0).copysign(draws.between(-1.0, 1.0));
        }
        let other = |array: usize| order[ARRAYS - others..].contains(&array);
        let seen = |array: usize| {
            let own = degrees(array);
            let really: Vec<f64> = own.iter().map(|degrees| degrees + turns[array]).collect();
            let data = scenes[usize::from(other(array))].sinogram(SIDE, &really);
            Seen { degrees: own, data: noisy(&data, noise, &mut draws) }
        };
        let arrays: Vec<Seen> = (0..ARRAYS).map(seen).collect();
        let how = how(Way::Phases, seed);
        let turned = |turns: &[f64]| turns.iter().map(|turn| Place { shift: 0.0, turn: *turn }).collect();
        let pairs = || turns_told(&arrays, &[Place::default(); ARRAYS], SIDE, 1).0;
        let found: Vec<Place> = match variant {
            0 => places(&arrays, SIDE, What::Rotation, &how)?,
            1 => turned(&on_a_circle(&pairs().by_flow(seed), 90.0)),
            2 => turned(&on_a_circle(&pairs().by_eigenvector(seed), 90.0)),
            3 => turned(&on_a_circle(&pairs().of_one(0), 90.0)),
            4 => turned(&[0.0; ARRAYS]),
            _ => turned(&turns),
        };
        // Turned alike is no error: by the middle of what is found beside what is.
        let mut errors: Vec<f64> = (0..ARRAYS)
            .filter(|array| !other(*array))
            .map(|array| found[array].turn - turns[array])
            .collect();
        errors.sort_by(f64::total_cmp);
        let middle = errors[errors.len() / 2];
        let worst = errors.iter().map(|error| (error - middle).abs()).fold(0.0, f64::max);
        // All turned back alike, so that pictures lie on their truth.
        let back = |place: &Place| Place { turn: place.turn - middle, ..*place };
        let parts: Vec<Part> = arrays
            .iter()
            .zip(&found)
            .map(|(seen, place)| seen.part(SIDE, back(place)))
            .collect::<Result<_>>()?;
        let wholes = bind(&parts, &how)?.wholes;
        let best = wholes.iter().map(|whole| psnr(&whole.picture, &truth)).fold(f64::MIN, f64::max);
        for (metric, value) in [("worst error, degrees", worst), ("PSNR, dB", best)] {
            figures.push(Figure { variant, task: task.to_owned(), metric, value });
        }
    }
    Ok(figures)
}
