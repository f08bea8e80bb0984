//! The claim of few views: what arrays coupled with each other, and a renderer that knows how pictures look, make of a scene that
//! hardly anybody saw.

use super::binding::{SIDE, how, noisy};
use super::restoration::{PATCHES, ROWS, met};
use super::{Figure, Run};
use crate::binding::consensus::{Bound, How, Prior, Way, bind_with};
use crate::binding::part::{Part, explained};
use crate::binding::phantom::{Scene, psnr};
use crate::binding::projection::ParallelBeam;
use crate::command::measured::Looks;
use crate::command::pictures;
use crate::error::Result;
use crate::memory::picture::Plane;
use crate::memory::reader::Reading;
use crate::memory::recall::PatchMemory;
use crate::memory::trained::renderer::Trained;
use crate::random::Stream;

/// The variants by their numbers.
pub(super) const VARIANTS: [&str; 7] = [
    "as it is: coupled, networks as prior",
    "a memory of other scenes as prior",
    "without prior",
    "without coupling, with the prior",
    "without coupling, without prior",
    "one solver of all views, no arrays",
    "without prior, a quarter of the steps",
];
/// Views in all, and the arrays that share them.
const FEW: [(usize, usize); 3] = [(4, 4), (8, 8), (32, 8)];
/// Steps of all variants.
const STEPS: usize = 400;
/// The noise's σ, of the data's rms.
const NOISE: f64 = 0.005;
/// Scenes that a memory has met; none of them is seen.
const MET: u64 = 24;
const MET_FROM: u64 = 1_000_000;

/// Runs a variant.
pub(super) fn run(&Run { variant, seed, quick, .. }: &Run<'_>) -> Result<Vec<Figure>> {
    let scene = Scene::drawn(2 * seed, SIDE);
    let truth = scene.picture(SIDE);
    let model = pictures::load_model(None)?;
    let networks = Trained { model: &model, threads: 1, turned: false };
    let memory = if variant == 1 { Some(others(seed, quick)?) } else { None };
    let reader = memory.as_ref().map(|memory| memory.reader(Reading::default()));
    let by_networks = Looks { renderer: &networks, slices: 1 };
    let by_memory = reader.as_ref().map(|reader| Looks { renderer: reader, slices: 1 });
    let prior: Option<&dyn Prior> = match (variant, &by_memory) {
        (0 | 3, _) => Some(&by_networks),
        (1, Some(memory)) => Some(memory),
        _ => None,
    };
    let mut figures = Vec::new();
    for (views, arrays) in if quick { &FEW[1..2] } else { &FEW[..] } {
        let mut draws = Stream::new(seed, 300 + *views as u32);
        let degrees: Vec<f64> = (0..*views).map(|view| 180.0 * view as f64 / *views as f64).collect();
        let data = noisy(&scene.sinogram(SIDE, &degrees), NOISE, &mut draws);
        let part = |own: std::ops::Range<usize>| {
            let sight = ParallelBeam::new(SIDE, SIDE, &degrees[own.clone()])?;
            Part::new(Box::new(sight), data[own.start * SIDE..own.end * SIDE].to_vec())
        };
        let each = views / arrays;
        // Without a prior many steps find the noise, too.
        let steps = if quick || variant == 6 { STEPS / 4 } else { STEPS };
        let found = if variant == 5 {
            psnr(&explained(&[&part(0..*views)?], 1.0, steps), &truth)
        } else {
            let parts: Vec<Part> =
                (0..*arrays).map(|array| part(array * each..(array + 1) * each)).collect::<Result<_>>()?;
            let coupling = if matches!(variant, 3 | 4) { 0.0 } else { 0.5 };
            let how = How { coupling, iterations: steps, ..how(Way::Phases, seed) };
            likeness(&bind_with(&parts, &how, prior, &|_, _| {})?, coupling > 0.0, &truth)
        };
        let task = format!("{views} views, {arrays} arrays");
        figures.push(Figure { variant, task, metric: "PSNR, dB", value: found });
    }
    Ok(figures)
}

/// Bound, the whole that is most like the truth; alone, the mean over all arrays.
fn likeness(bound: &Bound, coupled: bool, truth: &[f32]) -> f64 {
    if coupled {
        return bound.wholes.iter().map(|whole| psnr(&whole.picture, truth)).fold(f64::MIN, f64::max);
    }
    bound.pictures.iter().map(|picture| psnr(picture, truth)).sum::<f64>() / bound.pictures.len() as f64
}

/// A memory of other scenes.
fn others(seed: u64, quick: bool) -> Result<PatchMemory> {
    let (count, rows) = if quick { (2, ROWS / 16) } else { (MET, ROWS) };
    let scene = |number: u64| Plane {
        height: SIDE,
        width: SIDE,
        values: Scene::drawn(MET_FROM + MET * seed + number, SIDE).picture(SIDE),
    };
    met((0..count).map(scene).collect(), rows, PATCHES, seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_the_claim_has_its_effect() {
        let found =
            |variant: usize| run(&Run { variant, seed: 1, quick: true, pictures: &[] }).unwrap()[0].value;
        let [as_it_is, .., central] = [0, 2, 4, 5].map(found);
        assert!(
            as_it_is > found(2) + 0.5 && found(2) > found(4) + 2.0,
            "{as_it_is}, {}, {}",
            found(2),
            found(4)
        );
        assert!((central - found(2)).abs() < 3.0, "{central}, {}", found(2));
    }
}
