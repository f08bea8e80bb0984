//! The claim of recall: what the field alone still tells of a picture, and which part of the array and of the reading does that.
//!
//! Every variant is read in several ways, so what the memory of pictures does is in each: by lines alone, by a memory that knows
//! the pictures, by a ridge of as many numbers as that memory, and, of the twin where one runs, by the memory alone.

use super::flash::{Exposure, Flash, Left};
use super::{Figure, Run};
use crate::error::Result;
use crate::memory::trace::{Known, Line, Ridge, correlation};
use crate::memory::trained::leaves::leaves;

/// The variants by their numbers. Those of one band are larger sheets of as many oscillators.
pub(super) const VARIANTS: [&str; 4] =
    ["as it is", "without cascade (kappa 0)", "one driven band, 96 Hz", "one slow band, 6 Hz"];
/// The only band of a variant, in Hz.
const BANDS: [Option<f64>; VARIANTS.len()] = [None, None, Some(96.0), Some(6.0)];
/// Pictures that the lines are fitted on; none of them is known to the memory.
const FITTED: usize = 120;
/// Pictures that are known.
const KNOWN: usize = 1_000;
/// Of them, those that are flashed.
const FLASHED: usize = 100;

/// How pictures are flashed, before a variant changes it.
fn flash(quick: bool) -> Flash {
    if quick { Flash { side: 64, pixels: 8, ..Flash::default() } } else { Flash::default() }
}

/// Of how many pictures one is left where it is to be quick.
fn share(quick: bool) -> usize {
    if quick { 10 } else { 1 }
}

/// Those that are known, then those that lines are fitted on, as grey levels.
pub(super) fn pictures(seed: u64, quick: bool) -> Vec<Vec<u8>> {
    let side = flash(quick).side;
    let numbers = (0..KNOWN / share(quick)).chain(KNOWN..KNOWN + FITTED / share(quick));
    numbers.map(|number| grey(&leaves(seed, number as u32, side))).collect()
}

/// Runs a variant.
pub(super) fn run(&Run { variant, seed, quick, pictures }: &Run<'_>) -> Result<Vec<Figure>> {
    let mut flash = flash(quick);
    let drawn = flash.side;
    match (variant, BANDS[variant]) {
        // One twin, that of the array as it is, shows what chance is.
        (_, Some(hz)) => {
            flash = flash.in_one_band(hz);
            flash.array.twin = false;
        }
        (1, _) => flash.array.kappa = 0.0,
        _ => {}
    }
    let (known, flashed) = (KNOWN / share(quick), FLASHED / share(quick));
    let shown = |picture: &Vec<u8>| Shown::new(&flash, spread(picture, drawn, flash.side));
    let (known, fitted) = pictures.split_at(known);
    let fitted = fitted.iter().map(shown).collect::<Result<Vec<Shown>>>()?;
    let known = known.iter().map(shown).collect::<Result<Vec<Shown>>>()?;
    let mut exposure = Exposure::new(&flash, seed)?;
    let mut left_of =
        |of: &[Shown]| -> Vec<Vec<Left>> { of.iter().map(|shown| exposure.flash(&shown.picture)).collect() };
    let (fitted_left, left) = (left_of(&fitted), left_of(&known[..flashed]));
    let impressions: fn(&Shown) -> &[f32] = |shown| &shown.impression;
    let pixels: fn(&Shown) -> &[f32] = |shown| &shown.pixels;
    let memory = Known::new(
        &known.iter().map(impressions).collect::<Vec<_>>(),
        &known.iter().map(pixels).collect::<Vec<_>>(),
    );
    let truths: Vec<&[f32]> = known[..flashed].iter().map(pixels).collect();
    let mut figures = Vec::new();
    for (at, lag) in flash.lags.iter().enumerate() {
        let fit = |of: Read, truth: fn(&Shown) -> &[f32]| {
            let traces: Vec<&[f32]> = fitted_left.iter().map(|left| of(&left[at])).collect();
            Line::fit(&traces, &fitted.iter().map(truth).collect::<Vec<_>>())
        };
        let driven: Read = |left| &left.driven.envelope;
        let twin: Read = |left| left.twin.as_ref().map_or(&[], |twin| &twin.envelope);
        let [linear, still]: [Read; 2] = [|left| &left.driven.linear, |left| &left.driven.still];
        let traces = |of: Read| -> Vec<&[f32]> { left.iter().map(|left| of(&left[at])).collect() };
        let likeness = |found: &[Vec<f32>]| {
            let each = found.iter().zip(&truths).map(|(found, truth)| correlation(found, truth));
            each.sum::<f64>() / flashed as f64
        };
        let read = |of: Read| {
            let line = fit(of, pixels);
            likeness(&traces(of).into_iter().map(|trace| line.read(trace)).collect::<Vec<_>>())
        };
        let ridge = {
            let traces: Vec<&[f32]> = fitted_left.iter().map(|left| driven(&left[at])).collect();
            Ridge::fit(&traces, &fitted.iter().map(pixels).collect::<Vec<_>>())
        };
        let by_ridge = traces(driven).into_iter().map(|trace| ridge.read(trace)).collect::<Vec<_>>();
        let to_impression = fit(driven, impressions);
        let recalled = |of: Read| likeness(&memory.recall(&to_impression, &traces(of)));
        let right = |of: Read| {
            let chosen = traces(of).into_iter().map(|trace| memory.choose(&to_impression, trace));
            chosen.enumerate().filter(|(number, chosen)| number == chosen).count() as f64 / flashed as f64
        };
        let mut found = vec![
            ("r, linear read-out", read(linear)),
            ("the same without oscillation", read(still)),
            ("r, read-out of power", read(driven)),
            ("r, ridge of equal numbers", likeness(&by_ridge)),
            ("r, with the memory", recalled(driven)),
            ("right choice", right(driven)),
        ];
        if flash.array.twin {
            found.extend([("r, with the memory, twin", recalled(twin)), ("right choice, twin", right(twin))]);
        }
        let task = format!("{lag} ms after");
        figures.extend(found.into_iter().map(|(metric, value)| Figure {
            variant,
            task: task.clone(),
            metric,
            value,
        }));
    }
    Ok(figures)
}

/// What is read: the power or the field itself, of the field that saw the picture or of its twin.
type Read = fn(&Left) -> &[f32];

/// A picture, what the retina makes of it, and its pixels as they are to be read back.
struct Shown {
    picture: Vec<u8>,
    impression: Vec<f32>,
    pixels: Vec<f32>,
}

impl Shown {
    fn new(flash: &Flash, picture: Vec<u8>) -> Result<Self> {
        Ok(Self { impression: flash.impression(&picture)?, pixels: flash.grey(&picture), picture })
    }
}

/// A picture on a sheet of another side, each pixel as often as it takes.
fn spread(picture: &[u8], from: usize, to: usize) -> Vec<u8> {
    (0..to * to).map(|at| picture[at / to * from / to * from + at % to * from / to]).collect()
}

/// The mean of red, green and blue.
fn grey(rgb: &[u8]) -> Vec<u8> {
    rgb.chunks_exact(3).map(|pixel| (pixel.iter().map(|x| u32::from(*x)).sum::<u32>() / 3) as u8).collect()
}
