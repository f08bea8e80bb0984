//! Slow bands that step every few ticks, against all bands at every tick; and the order of the step in its length.

use super::lab::{Sheet, Task, alone, hertz};
use super::row::{Estimate, Row};
use crate::array::ArrayParameters;
use crate::error::Result;
use crate::readout::spectrum::Welch;
use crate::units::Hertz;

/// Sites of a side.
const SIDE: usize = 32;
/// Sites of a side of a patch, whose mean is an electrode.
const PATCH: usize = 4;
/// Steps per cycle at which every band steps every tick.
const EVERY_TICK: f64 = 1e6;
/// What multirate may cost in accuracy.
const TOLERANCE: f64 = 0.01;
/// Sheets of each kind.
const SEEDS: u64 = 16;
/// Ticks from one look at the state to the next; odd, so that looks fall on every phase of a band's step.
const LOOK: u64 = 21;
/// Bands whose resonant transfer is compared.
const DRIVEN: [usize; 3] = [1, 3, 5];

/// Runs the family.
pub(super) fn run(task: Task) -> Result<Vec<Row>> {
    let multirate = ArrayParameters { steps_per_cycle: task.steps_per_cycle, ..alone() };
    let single = ArrayParameters { steps_per_cycle: EVERY_TICK, ..alone() };
    let (one, other) = (Tonic::of(&multirate, task)?, Tonic::of(&single, task)?);
    let mut rows = Vec::new();
    let within = &format!(
        "{} steps per cycle at least against a step every tick, default array: within 1 % by design",
        task.steps_per_cycle
    );
    for band in 0..multirate.bands {
        let of = |tonic: &Tonic| {
            let each: Vec<f64> = tonic.variances.iter().map(|seed| seed[band]).collect();
            Estimate::mean(&each, "sheets")
        };
        let name = format!("multirate: variance over single rate's, {}", hertz(&multirate, band));
        rows.push(Row::closed(name, &of(&one).over(&of(&other)), 1.0, TOLERANCE, within));
    }
    for (index, centre) in thirds().enumerate() {
        let of = |tonic: &Tonic| {
            let each: Vec<f64> = tonic.thirds.iter().map(|seed| seed[index]).collect();
            Estimate::mean(&each, "sheets")
        };
        let name = format!("multirate: power over single rate's, third of an octave at {centre:.2} Hz");
        rows.push(Row::closed(name, &of(&one).over(&of(&other)), 1.0, TOLERANCE, within));
    }
    for band in DRIVEN {
        let of = |parameters| transfer(parameters, band, task);
        let name = format!("multirate: resonant transfer over single rate's, {}", hertz(&multirate, band));
        rows.push(Row::closed(name, &of(&multirate)?.over(&of(&single)?), 1.0, TOLERANCE, within));
    }
    Ok(rows)
}

/// Centres of the thirds of an octave from 1 to 100 Hz (IEC 61260, base ten).
fn thirds() -> impl Iterator<Item = f64> {
    (0..=20).map(|n| libm::pow(10.0, f64::from(n) / 10.0))
}

/// Variances over `E` and power in thirds of an octave of the mean over patches, sheet by sheet.
struct Tonic {
    variances: Vec<Vec<f64>>,
    thirds: Vec<Vec<f64>>,
}

impl Tonic {
    fn of(parameters: &ArrayParameters, task: Task) -> Result<Self> {
        let mut tonic = Self { variances: Vec::new(), thirds: Vec::new() };
        for seed in 0..SEEDS {
            let mut sheet = Sheet::new(SIDE, parameters, task.seed + seed)?;
            sheet.run(3_000);
            let patches = (SIDE / PATCH) * (SIDE / PATCH);
            let mut welch = Welch::new(patches, 1_000);
            let mut sums = vec![0.0; parameters.bands];
            let mut values = vec![0.0; patches];
            let ticks: u64 = task.size(60_000, 8_000);
            for tick in 0..ticks {
                sheet.step();
                patch_means(&sheet, &mut values);
                welch.push(&values);
                if tick % LOOK == 0 {
                    sums.iter_mut().enumerate().for_each(|(band, sum)| *sum += sheet.power(band));
                }
            }
            let looks = ticks.div_ceil(LOOK) as f64;
            tonic.variances.push(sums.iter().map(|sum| sum / looks).collect());
            tonic.thirds.push(third_powers(&welch));
        }
        Ok(tonic)
    }
}

/// `Σ_b Re e^{iωt} u_b`, mean over every patch.
fn patch_means(sheet: &Sheet, values: &mut [f32]) {
    let field = sheet.array.field();
    values.fill(0.0);
    let across = SIDE / PATCH;
    for band in 0..sheet.array.shape().bands {
        let [c, s] = field.carrier(band);
        let (re, im) = field.band(band);
        for (y, (re, im)) in re.chunks(SIDE).zip(im.chunks(SIDE)).enumerate() {
            let row = &mut values[y / PATCH * across..][..across];
            for (value, (re, im)) in row.iter_mut().zip(re.chunks(PATCH).zip(im.chunks(PATCH))) {
                *value += c * re.iter().sum::<f32>() - s * im.iter().sum::<f32>();
            }
        }
    }
}

fn third_powers(welch: &Welch) -> Vec<f64> {
    let frequencies = welch.frequencies();
    let density = welch.mean().unwrap_or_else(|| vec![f64::NAN; frequencies.len()]);
    let edge = libm::pow(10.0, 0.05);
    let power = |centre: f64| {
        let inside = |hz: f64| (centre / edge..centre * edge).contains(&hz);
        frequencies.iter().zip(&density).filter(|(hz, _)| inside(**hz)).map(|(_, density)| density).sum()
    };
    thirds().map(power).collect()
}

/// The mean response of a band to a steady drive of the tonic rms at its own frequency, in units of the tonic rms.
fn transfer(parameters: &ArrayParameters, band: usize, task: Task) -> Result<Estimate> {
    let parameters = ArrayParameters { twin: true, ..parameters.clone() };
    let mut each = Vec::new();
    for seed in 0..SEEDS {
        let mut sheet = Sheet::new(SIDE, &parameters, task.seed + seed)?;
        let centre: Hertz = parameters.centre(band);
        sheet.array.tune_columns(|_| centre);
        sheet.array.sustain(&[1.0; SIDE * SIDE]);
        sheet.run(3_000);
        let (mut sum, looks): (f64, u64) = (0.0, task.size(600, 60));
        for _ in 0..looks {
            sheet.run(LOOK);
            let re = sheet.array.field().band(band).0;
            sum += re.iter().map(|re| f64::from(*re)).sum::<f64>();
        }
        let sites = (SIDE * SIDE) as f64;
        each.push(sum / looks as f64 / sites / sheet.array.band_variances()[band].sqrt());
    }
    Ok(Estimate::mean(&each, "sheets"))
}

/// Runs the family of the step's order.
pub(super) fn order(_: Task) -> Result<Vec<Row>> {
    // A sheet whose columns are driven each at a band of its own: diffusion and cascade bring everything to all.
    let at = |steps_per_cycle: f64| -> Result<Vec<f64>> {
        let parameters =
            ArrayParameters { bands: 4, lowest_hz: 0.1, kappa: 1.0, tonic: 0.0, steps_per_cycle, ..alone() };
        let mut sheet = Sheet::oblong(1, 4, &parameters, 1)?;
        sheet.array.tune_columns(|column| parameters.centre(column));
        sheet.array.sustain(&[1.0; 4]);
        // Steps lie in the middle of their intervals: a whole number of the longest, and two cycles of the slowest band.
        sheet.run(16_384);
        let field = sheet.array.field();
        Ok(field.re.iter().chain(field.im.iter()).map(|value| f64::from(*value)).collect())
    };
    let states = [8.0, 16.0, 32.0, 64.0, 128.0].map(at).into_iter().collect::<Result<Vec<_>>>()?;
    let apart: Vec<f64> = states
        .windows(2)
        .map(|pair| pair[0].iter().zip(&pair[1]).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt())
        .collect();
    let row = |(index, pair): (usize, &[f64])| {
        let finest = 32 << index;
        let name = format!("step: order in h, {} to {finest} steps per cycle", finest / 4);
        let source = "log2 of the ratio of successive differences, noise off, κ = 1, 16.4 s, single precision; \
                      explicit diffusion and split terms are of first order, the next order bends by O(h): \
                      half at 32 steps per cycle";
        let bend = 16.0 / f64::from(finest);
        Row::claim(name, &Estimate::exact((pair[0] / pair[1]).log2()), 1.0, [1.0 - bend, 1.0 + bend], source)
    };
    Ok(apart.windows(2).enumerate().map(row).collect())
}
