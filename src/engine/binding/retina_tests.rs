//! What retinas' bursts tell of the world, bound.

use crate::binding::consensus::{How, Way, bind};
use crate::binding::drive::Drive;
use crate::binding::part::Part;
use crate::binding::phantom::psnr;
use crate::binding::tile::Place;
use crate::kernel::resample_area::srgb_to_linear;
use crate::sense::retina::{Retina, RetinaParameters};
use crate::signal::{ArrayId, Frame, Stamp};
use crate::time::Timestamp;

/// What a retina's bursts add up to in each of its sites, from darkness to the picture.
fn driven(retina: &mut Retina, threshold: f32, frames: &[Frame]) -> Vec<f32> {
    let mut driven = vec![0.0; frames[0].width * frames[0].height];
    for frame in frames {
        retina.encode(frame, &mut |burst| {
            driven[burst.site as usize] += threshold * burst.sign.factor() * burst.magnitude;
        });
    }
    driven
}

#[test]
fn four_retinas_that_each_see_a_corner_bind_their_bursts_into_one_picture() {
    const SIDE: usize = 32;
    const CORNER: usize = 20;
    let (dark, threshold, surround, sites) = (0.007f32, 0.02f32, 0.5f32, 3.0f32);
    let grey = |row: usize, column: usize| -> u8 {
        let (y, x) = (row as f64 / 31.0, column as f64 / 31.0);
        let light = 0.45
            + 0.3 * libm::sin(9.0 * x + 4.0 * y)
            + if (x - 0.5).hypot(y - 0.4) < 0.2 { 0.2 } else { 0.0 };
        (255.0 * light) as u8
    };
    let light = srgb_to_linear();
    let range = 1.0 - dark.ln();
    let truth: Vec<f32> = (0..SIDE * SIDE)
        .map(|at| 1.0 + light[usize::from(grey(at / SIDE, at % SIDE))].ln() / range)
        .collect();
    let parameters = RetinaParameters {
        threshold,
        dark,
        surround,
        surround_sites: sites,
        gain: 0.0,
        chroma: false,
        ..RetinaParameters::default()
    };
    let part = |(row, column): (usize, usize)| {
        let frame = |lit: bool, sequence: u64| Frame {
            stamp: Stamp::recorded(Timestamp(33_000_000 * sequence.cast_signed())),
            sequence,
            width: CORNER,
            height: CORNER,
            rgb: (0..CORNER * CORNER)
                .flat_map(|at| [if lit { grey(row + at / CORNER, column + at % CORNER) } else { 0 }; 3])
                .collect(),
        };
        let mut retina = Retina::new(&parameters, CORNER, CORNER, ArrayId(0)).unwrap();
        let mut data = driven(&mut retina, threshold, &[frame(false, 0), frame(true, 1), frame(true, 2)]);
        for level in &mut data {
            *level /= range;
        }
        let place = Place { corner: (row as f64, column as f64), every: 1.0, blur: 0.0 };
        let drive = Drive::new((SIDE, SIDE), &place, (CORNER, CORNER), surround, sites).unwrap();
        Part::new(Box::new(drive), data).unwrap()
    };
    let parts: Vec<Part> = [(0, 0), (0, 12), (12, 0), (12, 12)].map(part).into();
    let how =
        How { way: Way::Phases, iterations: 200, coupling: 0.5, most: 1.0, sigma: None, seed: 1, threads: 1 };
    let bound = bind(&parts, &how).unwrap();
    assert_eq!(bound.wholes[0].arrays, [0, 1, 2, 3]);
    let likeness = psnr(&bound.wholes[0].picture, &truth);
    assert!(likeness > 35.0, "{likeness} dB");
}
