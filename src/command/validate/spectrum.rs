//! The tonic spectrum: its exponent against χ, its residual, the knee model.

use super::lab::{Sheet, Task, alone, linear};
use super::row::{Estimate, Row, short};
use crate::array::ArrayParameters;
use crate::engine::analysis::FIT_RANGE_HZ;
use crate::error::Result;
use crate::readout::aperiodic::{AperiodicFit, FitSettings, Mode, fit};
use crate::readout::electrodes::{ElectrodeParameters, Montage, MontageKind};
use crate::readout::spectrum::Welch;

/// Sites of a side.
const SIDE: usize = 32;
/// Sheets whose exponents count as independent.
const SEEDS: u64 = 8;
/// How far the variances that were solved for may miss the wanted exponent: their slope was fitted.
const FITTED: f64 = 0.05;

/// Runs the family.
pub(super) fn run(task: Task) -> Result<Vec<Row>> {
    let mut rows = vec![closed_form(task)?];
    for kappa in [1.0, 2.0] {
        for chi in [0.5, 1.0, 1.5, 2.0] {
            let found = Found::of(&ArrayParameters { chi, kappa, ..alone() }, task)?;
            let place = format!("χ = {chi}, κ = {kappa}");
            let source = "χ; Welch, segments of 4.096 s, 19 electrodes, 32 x 32 sites, line over the bins of \
                          0.244 Hz from 1 to 80 Hz in log-log; 0.05: the steepness was fitted";
            rows.push(Row::closed(
                format!("spectrum: exponent, {place}"),
                &found.exponent,
                chi,
                FITTED,
                source,
            ));
            let source = "largest mean residual of an octave: bands an octave apart ripple, and away from χ = 1 the \
                          cascade bends";
            let most = if chi > 0.9 && chi < 1.1 { 2.0 } else { 3.0 };
            let name = format!("spectrum: largest residual in dB, {place}");
            rows.push(Row::claim(name, &found.residual, 0.0, [0.0, most], source));
            let source = format!(
                "0 is none; below the slowest line the spectrum is flat, so the knee lies within that line's upper edge, \
                 which the cascade widens (5 γ at κ = 2, see the modes): 2 Hz; the knee model's exponent is {}",
                short(found.knee_exponent)
            );
            let name = format!("spectrum: knee in Hz, {place}");
            rows.push(Row::claim(name, &found.knee, 0.0, [0.0, 2.0], &source));
        }
    }
    Ok(rows)
}

fn settings(mode: Mode) -> FitSettings {
    FitSettings { mode, max_peaks: 0, ..FitSettings::default() }
}

/// The exponent of the linear array without diffusion against that of its bands' Lorentzians on the same grid.
fn closed_form(task: Task) -> Result<Row> {
    let parameters = ArrayParameters { diffusion: 0.0, ..linear() };
    let found = Found::of(&parameters, task)?;
    let variances = Sheet::new(1, &parameters, task.seed)?.array.band_variances().to_vec();
    let hz: Vec<f64> = Welch::new(1, 1_000).frequencies();
    let line = |hz: &f64| {
        let of = |band: usize| {
            let (gamma, w) = (parameters.gamma(band), core::f64::consts::TAU * hz);
            let centre = parameters.centre(band).radians_per_second();
            let side = |offset: f64| 1.0 / (gamma * gamma + offset * offset);
            variances[band] * gamma * (side(w - centre) + side(w + centre))
        };
        (0..parameters.bands).map(of).sum::<f64>()
    };
    let power: Vec<f64> = hz.iter().map(line).collect();
    let expected = fit(&hz, &power, FIT_RANGE_HZ, &settings(Mode::Fixed))?.exponent;
    let source = "the same fit to Σ_b E_b γ_b (1 / (γ² + (ω - ω_b)²) + 1 / (γ² + (ω + ω_b)²)); 0.01: a Hann window, \
                  and bands held between their steps";
    Ok(Row::closed(
        "spectrum: exponent of the linear array".to_owned(),
        &found.exponent,
        expected,
        0.01,
        source,
    ))
}

/// What the fits of some sheets found.
struct Found {
    exponent: Estimate,
    residual: Estimate,
    knee: Estimate,
    knee_exponent: f64,
}

impl Found {
    fn of(parameters: &ArrayParameters, task: Task) -> Result<Self> {
        let fits = (0..SEEDS)
            .map(|seed| fits(parameters, task.seed + seed, task.size(60_000, 12_000)))
            .collect::<Result<Vec<_>>>()?;
        let mean = |of: &dyn Fn(&[AperiodicFit; 2]) -> f64| {
            Estimate::mean(&fits.iter().map(of).collect::<Vec<f64>>(), "sheets")
        };
        Ok(Self {
            exponent: mean(&|[line, _]| line.exponent),
            residual: mean(&|[line, _]| line.max_residual_db),
            knee: mean(&|[_, knee]| knee.knee_hz().unwrap_or(0.0)),
            knee_exponent: mean(&|[_, knee]| knee.exponent).mean,
        })
    }
}

/// The fixed and the knee model of one sheet's electrodes.
fn fits(parameters: &ArrayParameters, seed: u64, ticks: u64) -> Result<[AperiodicFit; 2]> {
    let mut sheet = Sheet::new(SIDE, parameters, seed)?;
    let variances: Vec<f32> = sheet.array.band_variances().iter().map(|e| *e as f32).collect();
    let electrodes = ElectrodeParameters::default();
    let mut montage =
        Montage::on_sheet(MontageKind::TenTwenty19, sheet.array.shape(), &electrodes, &variances)?;
    let mut welch = Welch::new(montage.names.len(), 1_000);
    let mut values = vec![0.0; montage.names.len()];
    sheet.run(3_000);
    for _ in 0..ticks {
        sheet.step();
        montage.read(&sheet.array.field(), &mut values);
        welch.push(&values);
    }
    let (hz, power) = (welch.frequencies(), welch.mean().unwrap_or_default());
    let of = |mode| fit(&hz, &power, FIT_RANGE_HZ, &settings(mode));
    Ok([of(Mode::Fixed)?, of(Mode::Knee)?])
}
