//! The claim of the slow memory: what repeats fades, what deviates comes back, and which part of it does that.

use super::{Figure, Run};
use crate::command::oddball::{Fading, Plan, SENSES, Trial, play};
use crate::error::Result;

/// The variants by their numbers. Without oscillation a trace holds as many numbers as with it.
pub(super) const VARIANTS: [&str; 5] = [
    "as it is",
    "without learning (rate 0)",
    "without oscillation, equal numbers",
    "without cascade (kappa 0)",
    "without the array (no gate)",
];
/// What is set in each, beside learning.
const SETTINGS: [&[&str]; VARIANTS.len()] = [
    &[],
    &["learning.rate=0"],
    &["learning.oscillates=false"],
    &["array.kappa=0"],
    // Whatever the field does, every burst teaches.
    &["learning.coherence=0"],
];
/// Trials of the one block: 280 standards and 40 deviants.
const TRIALS: usize = 320;

/// Runs a variant.
pub(super) fn run(&Run { variant, seed, quick, .. }: &Run<'_>) -> Result<Vec<Figure>> {
    let trials = if quick { TRIALS / 4 } else { TRIALS };
    let plan = Plan { trials, blocks: 1, seed, overrides: vec![format!("seed={seed}")], ..Plan::default() };
    let settings = [&["learning.enabled=true"], SETTINGS[variant]].concat();
    let figures = |(sense, trials): (&str, &Vec<Trial>)| {
        let fading = Fading::of(&plan, trials);
        let found = [
            ("standards fall by", fading.fall()),
            ("deviants fall by", 1.0 - fading.deviant / fading.raw_deviant),
            ("bursts of a standard, at last", fading.last),
            ("bursts of a deviant", fading.deviant),
        ];
        found.map(|(metric, value)| Figure { variant, task: String::from(sense), metric, value })
    };
    let runs = play(&plan, &settings)?;
    Ok(SENSES.into_iter().zip(&runs).flat_map(figures).collect())
}
