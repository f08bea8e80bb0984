//! What the arrays will need of the machine's memory, said and held against what there is before it is taken.

use crate::array::{Array, ArrayParameters};
use crate::error::{Error, Result};
use crate::signal::SheetShape;

/// Copies of the state on their way to the ledger.
const COPIES: u64 = 2;
/// Bytes in a megabyte, as people say it.
const MEGABYTE: u64 = 1_000_000;

/// Bytes that arrays of these shapes take, and `learned` ones of what they learn, the ledger's copies of all that included.
#[must_use]
pub fn needed(shapes: &[SheetShape], parameters: &ArrayParameters, learned: u64) -> u64 {
    let state: u64 = shapes.iter().map(|shape| Array::bytes_of(*shape, parameters.twin)).sum();
    (1 + COPIES) * (state + learned)
}

/// Refuses shapes that this machine has no memory for; where the system tells nothing of its memory, nothing is refused.
///
/// # Errors
/// Names what is needed and what is free.
pub fn check(shapes: &[SheetShape], parameters: &ArrayParameters, learned: u64) -> Result<()> {
    let needed = needed(shapes, parameters, learned);
    tracing::info!(megabytes = needed.div_ceil(MEGABYTE), "memory of the arrays");
    within(needed, available())
}

/// Refuses one array that this machine has no memory for, where no ledger takes copies of it.
///
/// # Errors
/// As [`check`].
pub fn check_alone(shape: SheetShape, parameters: &ArrayParameters) -> Result<()> {
    within(Array::bytes_of(shape, parameters.twin), available())
}

fn within(needed: u64, available: Option<u64>) -> Result<()> {
    let Some(available) = available.filter(|available| needed > *available) else { return Ok(()) };
    let error = Error::configuration("array size", "the sheets need more memory than this machine has free");
    Err(error
        .value(format!("{} MB", needed.div_ceil(MEGABYTE)))
        .bound(format!("at most {} MB", available / MEGABYTE))
        .help("Take smaller sheets, fewer bands, or no twin (`array.twin=false`)."))
}

/// Bytes that the system can give without swapping.
fn available() -> Option<u64> {
    let told = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_cannot_hold_is_refused_with_both_figures() {
        let shape = SheetShape { height: 4_096, width: 4_096, bands: 8 };
        let needed = needed(&[shape], &ArrayParameters::default(), 0);
        // Two copies of sixteen planes of 64 MiB, and three planes of drive, three times over.
        assert!((7_000_000_000..7_500_000_000).contains(&needed), "{needed}");
        let message = within(needed, Some(1_000_000_000)).unwrap_err().to_string();
        assert!(message.contains("array size") && message.contains("at most 1000 MB"), "{message}");
        assert!(within(needed, Some(needed)).is_ok() && within(needed, None).is_ok());
    }

    #[test]
    fn the_default_arrays_fit() {
        let shape = SheetShape { height: 128, width: 128, bands: 8 };
        assert!(check(&[shape], &ArrayParameters::default(), 0).is_ok());
    }
}
