//! What `napot bind` tells of what came of it.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::{Common, print_json, print_line};
use crate::binding::align::{Found, Place, Surely, WhyNot};
use crate::error::Result;

/// A whole as it is told.
#[derive(Debug, Serialize)]
pub(super) struct ToldWhole {
    /// Its picture; none of an array alone, or without `--out`.
    pub(super) file: Option<PathBuf>,
    pub(super) arrays: Vec<usize>,
    pub(super) confidence: f64,
    pub(super) psnr: Option<f64>,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    pub(super) wholes: Vec<ToldWhole>,
    pub(super) iterations: usize,
    pub(super) seconds: f64,
    pub(super) order_parameter: f64,
    /// Numbers that are not finite.
    pub(super) unseen: usize,
    /// With `--align` or `--align=both`: elements by which each array's detector lies beside the middle one's; `null` of one that is in no whole.
    pub(super) shifts: Option<Vec<Option<f64>>>,
    /// With `--align=rotation` or `both`: degrees by which each array's views are turned against the middle one's; likewise.
    pub(super) rotations: Option<Vec<Option<f64>>>,
    /// The standard error of each shift, in elements; `null` of one that is not determined or in no whole.
    pub(super) shift_errors: Option<Vec<Option<f64>>>,
    /// The standard error of each turn, in degrees; likewise.
    pub(super) rotation_errors: Option<Vec<Option<f64>>>,
    /// With `--align`: what is not determined, and therefore 0 above.
    pub(super) undetermined: Option<Vec<Undetermined>>,
}

/// A shift or turn that can't be told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Undetermined {
    pub(super) array: usize,
    /// `shift` or `rotation`.
    pub(super) what: &'static str,
    pub(super) why: &'static str,
}

/// Shifts or turns, as they are told; none where they were not to be found.
#[derive(Debug, Default)]
pub(super) struct Moved {
    pub(super) numbers: Option<Vec<Option<f64>>>,
    pub(super) errors: Option<Vec<Option<f64>>>,
    pub(super) undetermined: Vec<Undetermined>,
}

impl Moved {
    /// Of each array that is in a whole, what `number` says of its place, which is shifts or turns by `at`, 0 or 1.
    pub(super) fn of(found: Option<Vec<Option<&Found>>>, at: usize, number: fn(&Place) -> f64) -> Self {
        let Some(found) = found else { return Self::default() };
        let what = ["shift", "rotation"][at];
        let numbers = found.iter().map(|found| found.map(|found| number(&found.place))).collect();
        let surely: Vec<Option<Surely>> =
            found.iter().map(|found| found.map(|found| found.surely[at])).collect();
        let error = |surely: &Option<Surely>| surely.filter(|it| it.why_not.is_none()).map(|it| it.error);
        let undetermined = surely.iter().enumerate().filter_map(|(array, surely)| {
            let why = match (surely.as_ref()?.why_not?, at) {
                (WhyNot::Alike, 0) => "what it would change is noise: nothing that it sees has an edge",
                (WhyNot::Alike, _) => {
                    "what it would change is noise: within it the body looks alike from all sides"
                }
                (WhyNot::Noise, 0) => "its noise leaves more than an element open",
                (WhyNot::Noise, _) => "its noise leaves more than a degree open",
                (WhyNot::Alone, _) => "fewer than two other arrays see the same",
            };
            Some(Undetermined { array, what, why })
        });
        Self {
            numbers: Some(numbers),
            errors: Some(surely.iter().map(error).collect()),
            undetermined: undetermined.collect(),
        }
    }
}

/// Tells it, as the call wants it.
pub(super) fn tell(common: &Common, told: &Told) -> Result<ExitCode> {
    if common.json {
        print_json(told)?;
        return Ok(ExitCode::SUCCESS);
    }
    if common.quiet {
        return Ok(ExitCode::SUCCESS);
    }
    for (number, whole) in told.wholes.iter().filter(|whole| whole.arrays.len() > 1).enumerate() {
        let arrays: Vec<String> = whole.arrays.iter().map(ToString::to_string).collect();
        let psnr = whole.psnr.map_or_else(String::new, |psnr| format!(", PSNR {psnr:.2} dB"));
        let file = whole.file.as_ref().map_or_else(String::new, |file| format!(", in {}", file.display()));
        let text = format!("whole {}: arrays {}", number + 1, arrays.join(" "));
        print_line(&format!("{text}, confidence {:.2}{psnr}{file}", whole.confidence))?;
    }
    let moved = |numbers: &Option<Vec<Option<f64>>>, errors: &Option<Vec<Option<f64>>>| {
        let pairs = numbers.iter().flatten().zip(errors.iter().flatten()).enumerate();
        let known = pairs.filter_map(|(array, (number, error))| Some((array, (*number)?, (*error)?)));
        known.filter(|(_, number, _)| number.abs() >= 0.05).collect::<Vec<_>>()
    };
    for (array, shift, error) in moved(&told.shifts, &told.shift_errors) {
        print_line(&format!(
            "array {array}: its detector was {shift:+.2} ± {error:.2} elements beside its place"
        ))?;
    }
    for (array, turn, error) in moved(&told.rotations, &told.rotation_errors) {
        print_line(&format!("array {array}: its views were turned by {turn:+.2} ± {error:.2} degrees"))?;
    }
    let mut rest: Vec<&Undetermined> = told.undetermined.iter().flatten().collect();
    while let Some(first) = rest.first().copied() {
        let (alike, others): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|one| (one.what, one.why) == (first.what, first.why));
        rest = others;
        let arrays: Vec<String> = alike.iter().map(|one| one.array.to_string()).collect();
        let many = if arrays.len() == 1 { "" } else { "s" };
        let text = format!("array{many} {}: {} not determined, {}", arrays.join(" "), first.what, first.why);
        print_line(&format!("{text}; bound at the nominal place"))?;
    }
    let Told { iterations, seconds, order_parameter, .. } = told;
    print_line(&format!("{iterations} steps, {seconds:.3} s, order parameter {order_parameter:.3}"))?;
    Ok(ExitCode::SUCCESS)
}

/// A size, for people.
pub(super) fn size([slices, height, width]: [usize; 3]) -> String {
    if slices == 1 { format!("{height} x {width}") } else { format!("{slices} x {height} x {width}") }
}

/// Rows of the sinogram, for people.
pub(super) fn rows(views: &[usize]) -> String {
    format!("rows {}", some(views))
}

/// The first few of some numbers, for people.
pub(super) fn some(numbers: &[usize]) -> String {
    let named: Vec<String> = numbers.iter().take(6).map(ToString::to_string).collect();
    format!("{}{}", named.join(", "), if numbers.len() > 6 { ", ..." } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_named_as_far_as_people_read() {
        assert_eq!(rows(&[0, 4]), "rows 0, 4");
        assert_eq!(rows(&[1, 2, 3, 4, 5, 6, 7]), "rows 1, 2, 3, 4, 5, 6, ...");
    }
}
