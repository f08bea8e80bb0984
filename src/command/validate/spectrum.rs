//! The tonic spectrum: its exponent against χ, its residual, the knee model.

use super::lab::{Sheet, Task, alone, linear};
use super::row::{Estimate, Row, short};
use crate::array::ArrayParameters;
use crate::array::tonic::Tonic;
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
            let parameters = ArrayParameters { chi, kappa, ..alone() };
            let found = Found::of(&parameters, task)?;
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
            let of_lines = lines_fit(&parameters, Mode::Knee)?.knee_hz().unwrap_or(0.0);
            let source = format!(
                "at most the knee of the bands' own lines and 0.5 Hz: from the slowest line down the spectrum is flat, \
                 and lines over a finite range bend where χ is small; Σ_b of Lorentzians with the closure's rates; \
                 the knee model's exponent is {}",
                short(found.knee_exponent)
            );
            let name = format!("spectrum: knee in Hz, {place}");
            rows.push(Row::claim(name, &found.knee, of_lines, [0.0, of_lines + 0.5], &source));
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
    let expected = lines_fit(&parameters, Mode::Fixed)?.exponent;
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

/// The fit to the lines of an array's bands as electrodes see them: long waves, which diffusion leaves alone.
fn lines_fit(parameters: &ArrayParameters, mode: Mode) -> Result<AperiodicFit> {
    let tonic = Tonic::solve(parameters, SIDE, SIDE);
    let hz: Vec<f64> = Welch::new(1, 1_000).frequencies();
    let line = |hz: &f64| {
        let of = |band: usize| {
            let (gamma, w) = (parameters.gamma(band), core::f64::consts::TAU * hz);
            let scrambled = tonic.rates[band] - gamma * tonic.compensation;
            let rate = gamma * (1.0 + 2.0 * parameters.saturation) + scrambled;
            let centre = parameters.centre(band).radians_per_second();
            let side = |offset: f64| 1.0 / (rate * rate + offset * offset);
            tonic.variances[band] * rate * (side(w - centre) + side(w + centre))
        };
        (0..parameters.bands).map(of).sum::<f64>()
    };
    let power: Vec<f64> = hz.iter().map(line).collect();
    fit(&hz, &power, FIT_RANGE_HZ, &settings(mode))
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
    let montage = Montage::on_sheet(MontageKind::TenTwenty19, sheet.array.shape(), &electrodes, &variances)?;
    sheet.array.watch(montage.windows().clone());
    let mut welch = Welch::new(montage.names.len(), 1_000);
    let mut values = vec![0.0; montage.names.len()];
    sheet.run(3_000);
    for _ in 0..ticks {
        sheet.step();
        montage.read(&sheet.array.watched().expect("its windows were just given"), &mut values);
        welch.push(&values);
    }
    let (hz, power) = (welch.frequencies(), welch.mean().unwrap_or_default());
    let of = |mode| fit(&hz, &power, FIT_RANGE_HZ, &settings(mode));
    Ok([of(Mode::Fixed)?, of(Mode::Knee)?])
}
