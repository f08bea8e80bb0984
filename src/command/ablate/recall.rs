//! The claim of recall: what the field alone still tells of a picture, with the cascade and without.

use super::Figure;
use super::flash::{Exposure, Flash, Left};
use crate::error::Result;
use crate::memory::trace::{Known, Line, correlation};
use crate::memory::trained::leaves::leaves;

/// The variants by their numbers.
pub(super) const VARIANTS: [&str; 2] = ["as it is", "without cascade (kappa 0)"];
/// Pictures that the lines are fitted on; none of them is known to the memory.
const FITTED: usize = 120;
/// Pictures that are known.
const KNOWN: usize = 1_000;
/// Of them, those that are flashed.
const FLASHED: usize = 100;

/// Runs a variant.
pub(super) fn run(variant: usize, seed: u64, quick: bool) -> Result<Vec<Figure>> {
    let mut flash = Flash::default();
    if quick {
        (flash.side, flash.pixels) = (64, 8);
    }
    if variant == 1 {
        flash.array.kappa = 0.0;
    }
    let share = if quick { 10 } else { 1 };
    let (fitted, known, flashed) = (FITTED / share, KNOWN / share, FLASHED / share);
    let mut exposure = Exposure::new(&flash, seed)?;
    let picture = |number: usize| grey(&leaves(seed, number as u32, flash.side));
    let fit = Flashes::of(&flash, &mut exposure, fitted, &|number| picture(KNOWN + number))?;
    let test = Flashes::of(&flash, &mut exposure, flashed, &picture)?;
    let mut impressions = Vec::new();
    let mut pictures = Vec::new();
    for number in 0..known {
        let picture = picture(number);
        impressions.push(flash.impression(&picture)?);
        pictures.push(flash.grey(&picture));
    }
    let known = Known::new(&impressions, &pictures);
    let mut figures = Vec::new();
    for (at, lag) in flash.lags.iter().enumerate() {
        let task = format!("{lag} ms after");
        let mut add = |metric, value| figures.push(Figure { task: task.clone(), metric, value });
        let line = |of: fn(&Left) -> &[f32], truths: &[Vec<f32>]| {
            let traces: Vec<&[f32]> = fit.left.iter().map(|left| of(&left[at])).collect();
            Line::fit(&traces, &truths.iter().map(Vec::as_slice).collect::<Vec<_>>())
        };
        let envelope: fn(&Left) -> &[f32] = |left| &left.driven.envelope;
        let to_impression = line(envelope, &fit.impressions);
        let to_picture = line(envelope, &fit.pictures);
        let linear = line(|left| &left.driven.linear, &fit.pictures);
        let mean = |of: &dyn Fn(usize, &Left) -> f64| {
            test.left.iter().enumerate().map(|(number, left)| of(number, &left[at])).sum::<f64>()
                / flashed as f64
        };
        let truth = |number: usize| &test.pictures[number][..];
        let likeness =
            |line: &Line, trace: &[f32], number: usize| correlation(&line.read(trace), truth(number));
        let recalled =
            |trace: &[f32], number: usize| correlation(&known.recall(&to_impression, trace), truth(number));
        let chosen =
            |trace: &[f32], number| f64::from(u8::from(known.choose(&to_impression, trace) == number));
        add("r, linear read-out", mean(&|number, left| likeness(&linear, &left.driven.linear, number)));
        add(
            "r, read-out of power",
            mean(&|number, left| likeness(&to_picture, &left.driven.envelope, number)),
        );
        add("r, with the memory", mean(&|number, left| recalled(&left.driven.envelope, number)));
        add("r, with the memory, twin", mean(&|number, left| recalled(&left.twin.envelope, number)));
        add("right choice", mean(&|number, left| chosen(&left.driven.envelope, number)));
        add("right choice, twin", mean(&|number, left| chosen(&left.twin.envelope, number)));
    }
    Ok(figures)
}

/// Pictures that were flashed, and what was left of each at every lag.
struct Flashes {
    left: Vec<Vec<Left>>,
    impressions: Vec<Vec<f32>>,
    pictures: Vec<Vec<f32>>,
}

impl Flashes {
    fn of(
        flash: &Flash,
        exposure: &mut Exposure,
        count: usize,
        picture: &dyn Fn(usize) -> Vec<u8>,
    ) -> Result<Self> {
        let mut all = Self { left: Vec::new(), impressions: Vec::new(), pictures: Vec::new() };
        for number in 0..count {
            let picture = picture(number);
            all.left.push(exposure.flash(&picture));
            all.impressions.push(flash.impression(&picture)?);
            all.pictures.push(flash.grey(&picture));
        }
        Ok(all)
    }
}

/// The mean of red, green and blue.
fn grey(rgb: &[u8]) -> Vec<u8> {
    rgb.chunks_exact(3).map(|pixel| (pixel.iter().map(|x| u32::from(*x)).sum::<u32>() / 3) as u8).collect()
}
