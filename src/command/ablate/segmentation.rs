//! The claim of segmentation: things that hide each other are told apart, and which part of the oscillators does that.

use super::scenes::{Kind, SIDE, Scene, k_means, of_greys, of_objects};
use super::{Figure, Run};
use crate::error::Result;
use crate::readout::segment::{How, frequencies, ground, rand_index, segment};

/// The variants by their numbers. What has no oscillators is given the same ground; k-means is told how many things there are.
pub(super) const VARIANTS: [&str; 7] = [
    "as it is",
    "without coupling (kappa 0)",
    "without frequencies (tau 0)",
    "first start, not lowest energy",
    "no phases: k-means of the greys",
    "connected components",
    "connected components of like grey",
];
/// What is drawn: its name, its kind, and the noise's σ.
const TASKS: [(&str, Kind, f64); 3] = [
    ("apart", Kind::Apart, 0.03),
    ("occluded", Kind::Occluded, 0.03),
    ("occluded, noise", Kind::Occluded, 0.05),
];
/// Scenes of each kind.
const SCENES: u32 = 20;
/// Neighbours whose greys differ by less are of one part.
const LIKE: f32 = 0.1;

/// Runs a variant.
pub(super) fn run(&Run { variant, seed, quick, .. }: &Run<'_>) -> Result<Vec<Figure>> {
    let scenes = if quick { SCENES / 5 } else { SCENES };
    let mut figures = Vec::new();
    for (task, kind, noise) in TASKS {
        let (mut likeness, mut wrong) = (0.0, 0.0);
        for number in 0..scenes {
            let scene = Scene::draw(kind, noise, seed, number);
            let found = found(variant, &scene, seed.wrapping_add(number.into()))?;
            let things = |labels: &[usize]| {
                let mut labels: Vec<usize> = labels.iter().copied().filter(|label| *label > 0).collect();
                labels.sort_unstable();
                labels.dedup();
                labels.len() as f64
            };
            let seen = |labels: &[usize]| -> Vec<usize> {
                labels
                    .iter()
                    .zip(&scene.truth)
                    .filter(|(_, thing)| **thing > 0)
                    .map(|(label, _)| *label)
                    .collect()
            };
            likeness += rand_index(&seen(&found), &seen(&scene.truth));
            wrong += (things(&found) - things(&scene.truth)).abs();
        }
        let count = f64::from(scenes);
        for (metric, sum) in [("FG-ARI", likeness), ("objects too many or few", wrong)] {
            figures.push(Figure { variant, task: task.to_owned(), metric, value: sum / count });
        }
    }
    Ok(figures)
}

/// The object of each pixel, by a variant.
fn found(variant: usize, scene: &Scene, seed: u64) -> Result<Vec<usize>> {
    let how = How { seed, ..How::default() };
    let how = match variant {
        0 => how,
        1 => How { coupling: 0.0, ..how },
        2 => How { turn: 0.0, ..how },
        3 => How { starts: 1, ..how },
        _ => return plain(variant, scene),
    };
    Ok(segment(&scene.greys, SIDE, &how)?.labels.into_iter().map(usize::from).collect())
}

/// The same without oscillators.
fn plain(variant: usize, scene: &Scene) -> Result<Vec<usize>> {
    let greys = frequencies(&scene.greys, SIDE)?;
    let ground = ground(&greys, SIDE);
    Ok(match variant {
        4 => k_means(&greys, &ground, scene.truth.iter().copied().max().unwrap_or(1)),
        5 => of_objects(&ground),
        _ => of_greys(&greys, &ground, LIKE),
    })
}
