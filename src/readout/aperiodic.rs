//! The aperiodic (1/f) part of a spectrum: offset, knee and exponent, with peaks taken off and an interval.
//!
//! ```text
//! fixed:  log10 P(f) = offset - log10(f^exponent)
//! knee:   log10 P(f) = offset - log10(knee + f^exponent)
//! peak:   height * exp(-(f - centre)^2 / (2 sd^2))      added in log10 power
//! ```
//!
//! The method, step by step, is that of Donoghue et al. 2020 (Nature Neuroscience 23:1655) in its reference
//! implementation `specparam` 2: a first fit, a second to the points that lie on or under it, peaks found one by one
//! in what is left and then fitted together, and a last fit to the spectrum without its peaks.

use super::spectrum::{LEAST_BLOCKS, Welch};
use crate::error::{Error, Kind, Result};
use crate::kernel::least_squares::{self, Model};

/// Points below this percentile of the flattened spectrum make the robust fit (the reference's setting, in percent).
const ROBUST_PERCENTILE: f64 = 0.025;
/// Peaks nearer to the range's edge than this many standard deviations are dropped.
const EDGE_SD: f64 = 1.0;
/// Of two peaks whose centres plus and minus this many standard deviations overlap, the lower is dropped.
const OVERLAP_SD: f64 = 0.75;
/// A centre may move by twice this many standard deviations from its first guess.
const CENTRE_SD: f64 = 1.5;
/// Candidates looked for at most; the reference has no limit, but every candidate costs a pass.
const MOST_PEAKS: usize = 24;
/// Fewer units than this make no interval.
const FEWEST_UNITS: usize = 4;

/// Which aperiodic model is fitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A straight line in log-log: no knee.
    #[default]
    Fixed,
    /// A line that levels off below a knee.
    Knee,
}

/// How a spectrum is fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct FitSettings {
    /// The aperiodic model.
    pub mode: Mode,
    /// Peaks at most; 0 fits none, more than 24 counts as 24.
    pub max_peaks: usize,
    /// A peak's full width (twice its standard deviation) in Hz: least and most.
    pub peak_width_hz: (f64, f64),
    /// A peak rises above this, in log10 power.
    pub min_peak_height: f64,
    /// A peak rises above this many standard deviations of the flattened spectrum.
    pub peak_threshold: f64,
}

impl Default for FitSettings {
    /// The fixed model without peaks; the peak settings are the reference's.
    fn default() -> Self {
        Self {
            mode: Mode::Fixed,
            max_peaks: 0,
            peak_width_hz: (0.5, 12.0),
            min_peak_height: 0.0,
            peak_threshold: 2.0,
        }
    }
}

/// A peak above the aperiodic part.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Peak {
    /// Its centre in Hz.
    pub centre_hz: f64,
    /// Its height in log10 power.
    pub height: f64,
    /// Its full width in Hz: twice the Gaussian's standard deviation.
    pub width_hz: f64,
}

/// The aperiodic part of a spectrum, with what lies above it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct AperiodicFit {
    /// log10 power at 1 Hz of the fixed model (of the knee model where `f^exponent` outweighs the knee).
    pub offset: f64,
    /// The knee in `Hz^exponent`; `None` in the fixed model.
    pub knee: Option<f64>,
    /// The exponent: power falls as `f^-exponent`.
    pub exponent: f64,
    /// The peaks, lowest centre first.
    pub peaks: Vec<Peak>,
    /// The squared correlation of log10 power and the whole model.
    pub r_squared: f64,
    /// The mean absolute difference of log10 power and the whole model.
    pub error: f64,
    /// The largest mean difference from the aperiodic part alone over an octave (from the range's lower end up), in dB.
    pub max_residual_db: f64,
    /// The first and last frequency that was fitted, in Hz.
    pub range_hz: [f64; 2],
}

impl AperiodicFit {
    /// The power of the aperiodic part at `hz`, in the spectrum's unit.
    #[must_use]
    pub fn power_at(&self, hz: f64) -> f64 {
        let parameters = [self.offset, self.exponent, self.knee.unwrap_or(0.0)];
        libm::pow(10.0, aperiodic(&parameters, hz))
    }

    /// The frequency at which the knee lies, in Hz; `None` without one, or where it is negative.
    #[must_use]
    pub fn knee_hz(&self) -> Option<f64> {
        let knee = self.knee.filter(|knee| *knee > 0.0)?;
        Some(libm::pow(knee, 1.0 / self.exponent))
    }
}

/// Fits a spectrum between `range.0` and `range.1` Hz (both included; 0 Hz is left out).
///
/// `frequencies` in Hz ascend evenly; `power` is linear, above 0 within the range.
///
/// # Errors
/// Where the range holds fewer than 8 points, a power is not a positive number, the frequencies are not evenly
/// spaced, or the fit does not settle.
pub fn fit(
    frequencies: &[f64],
    power: &[f64],
    range: (f64, f64),
    settings: &FitSettings,
) -> Result<AperiodicFit> {
    let spectrum = Spectrum::cut(frequencies, power, range)?;
    let first = spectrum.robust_fit(settings.mode)?;
    let flat: Vec<f64> = spectrum.points().map(|(hz, power)| power - aperiodic(&first, hz)).collect();
    let gaussians = spectrum.fit_peaks(&flat, settings)?;
    let without: Vec<f64> = spectrum.points().map(|(hz, power)| power - height_at(&gaussians, hz)).collect();
    let last = fit_aperiodic(settings.mode, &spectrum.hz, &without, None)?;
    Ok(spectrum.report(settings.mode, &last, &gaussians))
}

/// The 95 % interval of the exponent by the jackknife over `units`: spectra that are as good as independent and
/// whose mean is the spectrum in question (stretches of time, or electrodes).
///
/// Each unit in turn is left out of the mean and the fit repeated; the interval is the mean of the leave-one-out
/// exponents plus and minus Student's t times `sqrt((n - 1)/n * sum of squared deviations)` (Efron and Tibshirani
/// 1993, chapter 11). `None` with fewer than 4 units, or where a fit fails.
#[must_use]
pub fn exponent_interval(
    frequencies: &[f64],
    units: &[Vec<f64>],
    range: (f64, f64),
    settings: &FitSettings,
) -> Option<[f64; 2]> {
    let count = units.len() as f64;
    if units.len() < FEWEST_UNITS {
        return None;
    }
    let mut sum = vec![0.0; frequencies.len()];
    for unit in units {
        sum.iter_mut().zip(unit).for_each(|(sum, value)| *sum += value);
    }
    let mut exponents = Vec::with_capacity(units.len());
    for unit in units {
        let others: Vec<f64> =
            sum.iter().zip(unit).map(|(sum, value)| (sum - value) / (count - 1.0)).collect();
        exponents.push(fit(frequencies, &others, range, settings).ok()?.exponent);
    }
    let mean = exponents.iter().sum::<f64>() / count;
    let squares: f64 = exponents.iter().map(|exponent| (exponent - mean) * (exponent - mean)).sum();
    let half = student_t_975(count - 1.0) * libm::sqrt((count - 1.0) / count * squares);
    Some([mean - half, mean + half])
}

/// The 95 % interval for a running estimate: over stretches of time where there are at least 8, else over channels.
///
/// Stretches are the better units: channels share sites and noise, so theirs is the narrower interval.
#[must_use]
pub fn exponent_interval_of(welch: &Welch, range: (f64, f64), settings: &FitSettings) -> Option<[f64; 2]> {
    let blocks = welch.blocks();
    let units = if blocks.len() >= LEAST_BLOCKS { blocks } else { welch.channels() };
    exponent_interval(&welch.frequencies(), &units, range, settings)
}

/// The 97.5 % point of Student's t with `freedom` degrees (Abramowitz and Stegun 26.7.5; within 1 % from 3 degrees up).
fn student_t_975(freedom: f64) -> f64 {
    const Z: f64 = 1.959_964;
    let z2 = Z * Z;
    let first = Z * (z2 + 1.0) / 4.0;
    let second = Z * (5.0 * z2 * z2 + 16.0 * z2 + 3.0) / 96.0;
    let third = Z * (3.0 * z2 * z2 * z2 + 19.0 * z2 * z2 + 17.0 * z2 - 15.0) / 384.0;
    Z + first / freedom + second / (freedom * freedom) + third / (freedom * freedom * freedom)
}

/// log10 power of the aperiodic part at `hz`; parameters are offset, exponent, knee.
fn aperiodic(parameters: &[f64; 3], hz: f64) -> f64 {
    parameters[0] - libm::log10(parameters[2] + libm::pow(hz, parameters[1]))
}

/// A Gaussian peak in log10 power: centre and standard deviation in Hz, height.
#[derive(Clone, Copy, Debug)]
struct Gaussian {
    centre: f64,
    height: f64,
    sd: f64,
}

impl Gaussian {
    fn at(&self, hz: f64) -> f64 {
        let away = (hz - self.centre) / self.sd;
        self.height * libm::exp(-away * away / 2.0)
    }
}

fn height_at(gaussians: &[Gaussian], hz: f64) -> f64 {
    gaussians.iter().map(|gaussian| gaussian.at(hz)).sum()
}

/// The knee model over log10 power; its parameters are offset, knee, exponent.
struct KneeModel<'a> {
    hz: &'a [f64],
}

impl Model for KneeModel<'_> {
    fn evaluate(&self, parameters: &[f64], values: &mut [f64], derivatives: &mut [f64]) {
        let [offset, knee, exponent] = [parameters[0], parameters[1], parameters[2]];
        for ((hz, value), row) in self.hz.iter().zip(values).zip(derivatives.chunks_exact_mut(3)) {
            let powered = libm::pow(*hz, exponent);
            let sum = knee + powered;
            *value = offset - libm::log10(sum);
            let slope = -core::f64::consts::LOG10_E / sum;
            row.copy_from_slice(&[1.0, slope, slope * powered * libm::log(*hz)]);
        }
    }
}

/// A sum of Gaussians; the parameters are centre, height, standard deviation of each.
struct PeakModel<'a> {
    hz: &'a [f64],
}

impl Model for PeakModel<'_> {
    fn evaluate(&self, parameters: &[f64], values: &mut [f64], derivatives: &mut [f64]) {
        let rows = derivatives.chunks_exact_mut(parameters.len());
        for ((hz, value), row) in self.hz.iter().zip(values).zip(rows) {
            *value = 0.0;
            for (peak, row) in parameters.chunks_exact(3).zip(row.chunks_exact_mut(3)) {
                let away = (hz - peak[0]) / peak[2];
                let bell = libm::exp(-away * away / 2.0);
                *value += peak[1] * bell;
                let slope = peak[1] * bell * away / peak[2];
                row.copy_from_slice(&[slope, bell, slope * away]);
            }
        }
    }
}

/// Offset, exponent and knee (0 in the fixed model) that fit the points best, from `start` or the reference's guess.
fn fit_aperiodic(mode: Mode, hz: &[f64], power: &[f64], start: Option<[f64; 3]>) -> Result<[f64; 3]> {
    let failed = || Error::new(Kind::Numeric, "spectrum", "the aperiodic fit does not settle");
    if hz.len() < 3 {
        return Err(failed().value(format!("{} points", hz.len())).bound("at least 3"));
    }
    if mode == Mode::Fixed {
        return Ok(line(hz, power));
    }
    let last = hz.len() - 1;
    let slope = (power[last] - power[0]) / (libm::log10(hz[last]) - libm::log10(hz[0]));
    let [offset, exponent, knee] = start.unwrap_or([power[0], slope.abs(), 0.0]);
    let free = [(f64::NEG_INFINITY, f64::INFINITY); 3];
    let found = least_squares::fit(&KneeModel { hz }, power, &[offset, knee, exponent], &free);
    let found = found.ok_or_else(failed)?;
    Ok([found[0], found[2], found[1]])
}

/// The straight line through log10 power over log10 frequency with the least squares.
fn line(hz: &[f64], power: &[f64]) -> [f64; 3] {
    let count = hz.len() as f64;
    let logs: Vec<f64> = hz.iter().map(|hz| libm::log10(*hz)).collect();
    let (mean_x, mean_y) = (logs.iter().sum::<f64>() / count, power.iter().sum::<f64>() / count);
    let (mut xy, mut xx) = (0.0, 0.0);
    for (x, y) in logs.iter().zip(power) {
        xy += (x - mean_x) * (y - mean_y);
        xx += (x - mean_x) * (x - mean_x);
    }
    let slope = xy / xx;
    [mean_y - slope * mean_x, -slope, 0.0]
}

/// The part of a spectrum that is fitted, as log10 power.
struct Spectrum {
    hz: Vec<f64>,
    power: Vec<f64>,
    resolution: f64,
}

impl Spectrum {
    fn cut(frequencies: &[f64], power: &[f64], range: (f64, f64)) -> Result<Self> {
        let wrong = |problem: &str| Error::new(Kind::Numeric, "spectrum", problem);
        if frequencies.len() != power.len() {
            return Err(wrong("frequencies and powers differ in number").value(format!(
                "{} and {}",
                frequencies.len(),
                power.len()
            )));
        }
        let inside = |hz: f64| hz >= range.0 && hz <= range.1 && hz > 0.0;
        let points = || frequencies.iter().zip(power).filter(|(hz, _)| inside(**hz));
        let hz: Vec<f64> = points().map(|(hz, _)| *hz).collect();
        if hz.len() < 8 {
            return Err(wrong("too few frequencies lie in the range")
                .at(format!("{} to {} Hz", range.0, range.1))
                .value(hz.len())
                .bound("at least 8"));
        }
        if let Some((hz, power)) = points().find(|(_, power)| !power.is_finite() || **power <= 0.0) {
            return Err(wrong("the power is not a positive number").at(format!("{hz} Hz")).value(power));
        }
        let resolution = hz[1] - hz[0];
        if let Some(pair) =
            hz.windows(2).find(|pair| (pair[1] - pair[0] - resolution).abs() > 1e-4 * resolution)
        {
            return Err(wrong("the frequencies are not evenly spaced")
                .at(format!("{} Hz", pair[0]))
                .value(pair[1] - pair[0])
                .bound(resolution));
        }
        let power = points().map(|(_, power)| libm::log10(*power)).collect();
        Ok(Self { hz, power, resolution })
    }

    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.hz.iter().copied().zip(self.power.iter().copied())
    }

    /// A fit to the points that lie lowest over a first fit, so that peaks do not pull it up.
    fn robust_fit(&self, mode: Mode) -> Result<[f64; 3]> {
        let first = fit_aperiodic(mode, &self.hz, &self.power, None)?;
        let over: Vec<f64> =
            self.points().map(|(hz, power)| (power - aperiodic(&first, hz)).max(0.0)).collect();
        let threshold = percentile(&over, ROBUST_PERCENTILE);
        let low = || self.points().zip(&over).filter(|(_, over)| **over <= threshold).map(|(point, _)| point);
        let (hz, power): (Vec<f64>, Vec<f64>) = low().unzip();
        fit_aperiodic(mode, &hz, &power, Some(first))
    }

    /// The peaks of the flattened spectrum, lowest centre first.
    fn fit_peaks(&self, flat: &[f64], settings: &FitSettings) -> Result<Vec<Gaussian>> {
        let mut guesses = self.guess_peaks(flat, settings);
        let (first, last) = (self.hz[0], self.hz[self.hz.len() - 1]);
        guesses.retain(|peak| {
            let margin = EDGE_SD * peak.sd;
            (peak.centre - first).abs() > margin && (peak.centre - last).abs() > margin
        });
        guesses.sort_by(|a, b| a.centre.total_cmp(&b.centre));
        drop_overlapping(&mut guesses);
        if guesses.is_empty() {
            return Ok(guesses);
        }
        let (narrow, wide) = (settings.peak_width_hz.0 / 2.0, settings.peak_width_hz.1 / 2.0);
        let mut start = Vec::new();
        let mut bounds = Vec::new();
        for peak in &guesses {
            let reach = 2.0 * CENTRE_SD * peak.sd;
            start.extend([peak.centre, peak.height, peak.sd]);
            bounds.push(((peak.centre - reach).max(first), (peak.centre + reach).min(last)));
            bounds.extend([(0.0, f64::INFINITY), (narrow, wide)]);
        }
        let found = least_squares::fit(&PeakModel { hz: &self.hz }, flat, &start, &bounds)
            .ok_or_else(|| Error::new(Kind::Numeric, "spectrum", "the fit of the peaks does not settle"))?;
        let peaks = found.chunks_exact(3).map(|p| Gaussian { centre: p[0], height: p[1], sd: p[2] });
        let mut peaks: Vec<Gaussian> = peaks.collect();
        peaks.sort_by(|a, b| a.centre.total_cmp(&b.centre));
        Ok(peaks)
    }

    /// Candidates, highest first: the largest point, its Gaussian taken off, and again.
    fn guess_peaks(&self, flat: &[f64], settings: &FitSettings) -> Vec<Gaussian> {
        let mut left = flat.to_vec();
        let mut guesses = Vec::new();
        let (narrow, wide) = (settings.peak_width_hz.0 / 2.0, settings.peak_width_hz.1 / 2.0);
        while guesses.len() < settings.max_peaks.min(MOST_PEAKS) {
            let at = (1..left.len()).fold(0, |best, i| if left[i] > left[best] { i } else { best });
            let height = left[at];
            if height <= settings.peak_threshold * deviation(&left) || height <= settings.min_peak_height {
                break;
            }
            // Where neither side falls to half its height, the reference takes the mean of the width limits; one
            // that comes out too wide, it takes as narrow.
            let sd = half_width(&left, at).map_or(narrow + wide, |half| {
                let full = 2.0 * half as f64 * self.resolution;
                full / (2.0 * libm::sqrt(2.0 * core::f64::consts::LN_2))
            });
            let sd = if sd > wide { narrow } else { sd.max(narrow) };
            let peak = Gaussian { centre: self.hz[at], height, sd };
            left.iter_mut().zip(&self.hz).for_each(|(left, hz)| *left -= peak.at(*hz));
            guesses.push(peak);
        }
        guesses
    }

    /// Puts the figures together.
    fn report(&self, mode: Mode, parameters: &[f64; 3], gaussians: &[Gaussian]) -> AperiodicFit {
        let model: Vec<f64> =
            self.hz.iter().map(|hz| aperiodic(parameters, *hz) + height_at(gaussians, *hz)).collect();
        let differences = self.power.iter().zip(&model).map(|(power, model)| (power - model).abs());
        let peak = |g: &Gaussian| Peak { centre_hz: g.centre, height: g.height, width_hz: 2.0 * g.sd };
        AperiodicFit {
            offset: parameters[0],
            knee: (mode == Mode::Knee).then_some(parameters[2]),
            exponent: parameters[1],
            peaks: gaussians.iter().map(peak).collect(),
            r_squared: squared_correlation(&self.power, &model),
            error: differences.sum::<f64>() / self.hz.len() as f64,
            max_residual_db: self.max_residual_db(parameters),
            range_hz: [self.hz[0], self.hz[self.hz.len() - 1]],
        }
    }

    /// The largest mean residual from the aperiodic part over an octave, in dB.
    fn max_residual_db(&self, parameters: &[f64; 3]) -> f64 {
        let mut largest = 0.0f64;
        let mut low = self.hz[0];
        while low <= self.hz[self.hz.len() - 1] {
            let octave = self.points().filter(|(hz, _)| *hz >= low && *hz < 2.0 * low);
            let (count, sum) = octave.fold((0.0, 0.0), |(count, sum), (hz, power)| {
                (count + 1.0, sum + power - aperiodic(parameters, hz))
            });
            if count > 0.0 {
                largest = largest.max(10.0 * (sum / count).abs());
            }
            low *= 2.0;
        }
        largest
    }
}

/// Drops the lower one of each neighbouring pair that overlaps; `peaks` ascend by centre.
fn drop_overlapping(peaks: &mut Vec<Gaussian>) {
    let mut keep = vec![true; peaks.len()];
    for (i, pair) in peaks.windows(2).enumerate() {
        if pair[0].centre + OVERLAP_SD * pair[0].sd > pair[1].centre - OVERLAP_SD * pair[1].sd {
            keep[if pair[0].height <= pair[1].height { i } else { i + 1 }] = false;
        }
    }
    let mut keep = keep.into_iter();
    peaks.retain(|_| keep.next() == Some(true));
}

/// Points from `at` to the nearer side's first point at half its height or below; the very first point does not count.
fn half_width(values: &[f64], at: usize) -> Option<usize> {
    let half = values[at] / 2.0;
    let left = (1..at).rev().find(|i| values[*i] <= half).map(|i| at - i);
    let right = (at + 1..values.len()).find(|i| values[*i] <= half).map(|i| i - at);
    [left, right].into_iter().flatten().min()
}

/// The standard deviation.
fn deviation(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    libm::sqrt(values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count)
}

/// The `percent` percentile, linear between neighbours.
fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = percent / 100.0 * (sorted.len() - 1) as f64;
    let below = sorted[place as usize];
    let above = sorted[(place as usize + 1).min(sorted.len() - 1)];
    below + (above - below) * (place - place.floor())
}

/// The squared correlation; 0 where one of the two does not vary.
fn squared_correlation(a: &[f64], b: &[f64]) -> f64 {
    let count = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / count, b.iter().sum::<f64>() / count);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        ab += (a - mean_a) * (b - mean_b);
        aa += (a - mean_a) * (a - mean_a);
        bb += (b - mean_b) * (b - mean_b);
    }
    if aa * bb > 0.0 { ab * ab / (aa * bb) } else { 0.0 }
}

#[cfg(test)]
#[path = "aperiodic_tests.rs"]
mod tests;
