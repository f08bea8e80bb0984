//! The claim of following: things that move and hide each other keep their labels, and which part of the oscillators does that.

use super::scenes::{SIDE, Scene, film, of_greys};
use super::{Figure, Run};
use crate::error::Result;
use crate::readout::segment::{Follow, How, MOST_OBJECTS, OfThings, Segments, frequencies, ground, segment};

/// The variants by their numbers; all have as many steps.
pub(super) const VARIANTS: [&str; 7] = [
    "as it is",
    "without coupling (kappa 0)",
    "without frequencies (tau 0)",
    "whatever its coherence, and edges",
    "without coupling, whatever its coherence",
    "not followed",
    "connected components of like grey",
];
/// Films of each seed, pictures of each, and the noise's σ.
const FILMS: u32 = 5;
const PICTURES: usize = 100;
const NOISE: f64 = 0.03;
/// Neighbours whose greys differ by less are of one part.
const LIKE: f32 = 0.1;

/// Runs a variant.
pub(super) fn run(&Run { variant, seed, quick, .. }: &Run<'_>) -> Result<Vec<Figure>> {
    let (films, pictures) = if quick { (1, PICTURES / 10) } else { (FILMS, PICTURES) };
    let (mut each, mut whole, mut told, mut jumped, mut stayed) = (0.0, 0.0, 0, 0u32, 0u32);
    for number in 0..films {
        let mut follow = if matches!(variant, 3..=6) { Follow::all() } else { Follow::sure() };
        let mut pairs = OfThings::default();
        let mut last: Vec<(usize, u8)> = Vec::new();
        for scene in film(NOISE, seed, number, pictures) {
            let mut found = found(variant, &scene, seed)?;
            if variant == 5 {
                told += found.coherence.len();
            } else {
                told += follow.follow(&mut found, SIDE).len();
            }
            let mut own = OfThings::default();
            own.add(&found.labels, &scene.truth);
            pairs.add(&found.labels, &scene.truth);
            each += own.index();
            let now: Vec<(usize, u8)> = scene.truth.iter().copied().zip(found.labels).collect();
            // Pixels that a thing still covers, and that were and are of an object.
            for ((thing, was), (still, is)) in last.iter().zip(&now) {
                if *thing > 0 && thing == still && *was > 0 && *is > 0 {
                    *if was == is { &mut stayed } else { &mut jumped } += 1;
                }
            }
            last = now;
        }
        whole += pairs.index();
    }
    let count = f64::from(films) * pictures as f64;
    let figures = [
        ("FG-ARI of pictures", each / count),
        ("FG-ARI of the film", whole / f64::from(films)),
        ("objects told", told as f64 / count),
        (
            "pixels of a thing whose label jumps, %",
            100.0 * f64::from(jumped) / f64::from((jumped + stayed).max(1)),
        ),
    ];
    Ok(figures.map(|(metric, value)| Figure { variant, task: "moving".to_owned(), metric, value }).into())
}

/// The objects of a picture, by a variant.
fn found(variant: usize, scene: &Scene, seed: u64) -> Result<Segments> {
    let how = How { seed, ..How::default() };
    let how = match variant {
        1 | 4 => How { coupling: 0.0, ..how },
        2 => How { turn: 0.0, ..how },
        6 => return parts(scene),
        _ => how,
    };
    segment(&scene.greys, SIDE, &how)
}

/// The largest parts of like grey.
fn parts(scene: &Scene) -> Result<Segments> {
    let greys = frequencies(&scene.greys, SIDE)?;
    let parts = of_greys(&greys, &ground(&greys, SIDE), LIKE);
    let mut sizes = vec![0; parts.len() + 1];
    for part in &parts {
        sizes[*part] += 1;
    }
    let mut order: Vec<usize> = (1..sizes.len()).filter(|part| sizes[*part] > 0).collect();
    order.sort_by_key(|part| std::cmp::Reverse(sizes[*part]));
    order.truncate(MOST_OBJECTS);
    let label = |part: &usize| order.iter().position(|other| other == part).map_or(0, |at| at as u8 + 1);
    Ok(Segments {
        labels: parts.iter().map(label).collect(),
        coherence: vec![1.0; order.len()],
        ..Segments::default()
    })
}
