//! What `napot bind` tells of what came of it.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::{Common, print_json, print_line};
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
    /// Numbers of the sinogram that are not finite.
    pub(super) unseen: usize,
    /// With `--align` or `--align=both`: elements by which each array's detector lies beside the middle one's; `null` of one that is in no whole.
    pub(super) shifts: Option<Vec<Option<f64>>>,
    /// With `--align=rotation` or `both`: degrees by which each array's views are turned against the middle one's; likewise.
    pub(super) rotations: Option<Vec<Option<f64>>>,
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
    for (array, shift) in told.shifts.iter().flatten().enumerate() {
        let Some(shift) = shift.filter(|shift| shift.abs() >= 0.05) else { continue };
        print_line(&format!("array {array}: its detector was {shift:+.2} elements beside its place"))?;
    }
    for (array, turn) in told.rotations.iter().flatten().enumerate() {
        let Some(turn) = turn.filter(|turn| turn.abs() >= 0.05) else { continue };
        print_line(&format!("array {array}: its views were turned by {turn:+.2} degrees"))?;
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
