//! The ground's readiness: the weakest pulse that a band notices, with the tonic rhythm and without it.

use super::lab::{Flash, Sheet, Task, hertz};
use super::row::{Estimate, Row};
use crate::array::ArrayParameters;
use crate::error::Result;

/// Sites of a side.
const SIDE: usize = 32;
/// The strongest pulse that is tried, in units of the tonic rms.
const STRONGEST: f64 = 12.0;
/// Sheets per band.
const SEEDS: u64 = 6;

/// Runs the family.
pub(super) fn run(task: Task) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for band in [6, 5, 4, 3] {
        let parameters = ArrayParameters::default();
        let each =
            (0..SEEDS).map(|seed| threshold(1.0, band, task.seed + seed)).collect::<Result<Vec<f64>>>()?;
        let place = hertz(&parameters, band);
        let name = format!("readiness: weakest pulse noticed, with the rhythm, {place}");
        let source = "100 ms at the fastest band, in units of the tonic rms, that moves the band by a tenth of its \
                      rms; weaker than the rhythm itself";
        rows.push(Row::claim(name, &Estimate::mean(&each, "sheets"), 1.0, [0.0, 1.0], source));
        let name = format!("readiness: weakest pulse noticed, without the rhythm, {place}");
        let source = "the ablation: without noise a slow band is still, the triad multiplies, and no pulse up to 12 \
                      is noticed";
        let found = Estimate::exact(threshold(0.0, band, task.seed)?);
        rows.push(Row::claim(name, &found, STRONGEST, [STRONGEST, STRONGEST], source));
    }
    Ok(rows)
}

/// By bisection; [`STRONGEST`] where no pulse is noticed.
fn threshold(tonic: f64, band: usize, seed: u64) -> Result<f64> {
    let parameters = ArrayParameters { tonic, ..ArrayParameters::default() };
    let (mut low, mut high) = (0.0, STRONGEST);
    for _ in 0..9 {
        let middle = f64::midpoint(low, high);
        let mut sheet = Sheet::new(SIDE, &parameters, seed)?;
        let mut most = 0.0f64;
        let flash = Flash { level: middle as f32, from: 300, length: 100 };
        flash.run(&mut sheet, 700, |_, now| most = most.max(now[band]));
        if most >= 0.1 { high = middle } else { low = middle }
    }
    Ok(high)
}
