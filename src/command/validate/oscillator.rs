//! A single oscillator: its stationary variance and its line.

use core::f64::consts::TAU;

use super::lab::{Sheet, Task, hertz, linear};
use super::row::{Estimate, Row};
use crate::array::ArrayParameters;
use crate::error::Result;

/// Sites of a side; without diffusion every site is an oscillator by itself.
const SIDE: usize = 32;
/// Bands whose line is measured.
const LINES: [usize; 3] = [0, 4, 7];
/// Length of a periodogram in relaxation times.
const SEGMENT: f64 = 32.0;
/// Ticks between two looks at the variance.
const LOOK: u64 = 8;

/// Runs the family.
pub(super) fn run(task: Task) -> Result<Vec<Row>> {
    let parameters = ArrayParameters { diffusion: 0.0, ..linear() };
    let mut sheet = Sheet::new(SIDE, &parameters, task.seed)?;
    let mut variances = vec![vec![0.0; SIDE]; parameters.bands];
    let mut lines: Vec<Line> = LINES.iter().flat_map(|band| Line::three(&parameters, *band)).collect();
    let ticks: u64 = task.size(300_000, 40_000);
    for tick in 0..ticks {
        sheet.step();
        if tick % LOOK == 0 {
            for (band, rows) in variances.iter_mut().enumerate() {
                let (re, im) = sheet.array.field().band(band);
                for ((sum, re), im) in rows.iter_mut().zip(re.chunks(SIDE)).zip(im.chunks(SIDE)) {
                    *sum += re.iter().zip(im).map(|(x, y)| f64::from(x * x + y * y)).sum::<f64>();
                }
            }
        }
        for line in &mut lines {
            line.look(tick, &sheet);
        }
    }
    let looks = (ticks / LOOK * SIDE as u64) as f64;
    let mut rows = Vec::new();
    for (band, sums) in variances.iter().enumerate() {
        let each: Vec<f64> =
            sums.iter().map(|sum| sum / looks / sheet.array.band_variances()[band]).collect();
        let name = format!("oscillator: variance over E, {}", hertz(&parameters, band));
        let source = "Ornstein-Uhlenbeck, exact for the step: noise E (1 - e^(-2 γ h)) against e^(-γ h)";
        rows.push(Row::closed(name, &Estimate::mean(&each, "rows of sites"), 1.0, 0.0, source));
    }
    rows.extend(lines.iter().map(|line| line.row(&parameters)));
    rows.push(departure(&parameters));
    Ok(rows)
}

/// The periodogram of `z = e^{iωt} u` at one frequency, every row of sites for itself.
struct Line {
    band: usize,
    /// Offset from the band's centre in units of γ.
    offset: f64,
    ticks_per_step: u64,
    steps: u64,
    seen: u64,
    segments: u64,
    sums: Vec<[f64; 2]>,
    powers: Vec<f64>,
    variance: f64,
}

impl Line {
    fn three(parameters: &ArrayParameters, band: usize) -> [Self; 3] {
        let steps = (SEGMENT / parameters.gamma(band) / parameters.step_seconds(band)).round() as u64;
        [-1.0, 0.0, 1.0].map(|offset| Self {
            band,
            offset,
            ticks_per_step: parameters.ticks_per_step(band),
            steps,
            seen: 0,
            segments: 0,
            sums: vec![[0.0; 2]; SIDE * SIDE],
            powers: vec![0.0; SIDE],
            variance: 0.0,
        })
    }

    fn look(&mut self, tick: u64, sheet: &Sheet) {
        if !tick.is_multiple_of(self.ticks_per_step) {
            return;
        }
        let parameters = sheet.array.parameters();
        self.variance = sheet.array.band_variances()[self.band];
        let field = sheet.array.field();
        let [c, s] = field.carrier(self.band).map(f64::from);
        let hz = parameters.centre(self.band).0 + self.offset * parameters.gamma(self.band) / TAU;
        let cycles = hz * tick as f64 / 1_000.0;
        let (sin, cos) = libm::sincos(TAU * (cycles - cycles.floor()));
        // The carrier, against the wave that is looked for.
        let turn = [c * cos + s * sin, s * cos - c * sin];
        let (re, im) = field.band(self.band);
        for ((sum, re), im) in self.sums.iter_mut().zip(re).zip(im) {
            let (re, im) = (f64::from(*re), f64::from(*im));
            sum[0] += turn[0] * re - turn[1] * im;
            sum[1] += turn[0] * im + turn[1] * re;
        }
        self.seen += 1;
        if self.seen == self.steps {
            for (power, sums) in self.powers.iter_mut().zip(self.sums.chunks(SIDE)) {
                *power += sums.iter().map(|[re, im]| re * re + im * im).sum::<f64>();
            }
            self.sums.fill([0.0; 2]);
            self.segments += 1;
            self.seen = 0;
        }
    }

    fn row(&self, parameters: &ArrayParameters) -> Row {
        let (gamma, h) = (parameters.gamma(self.band), parameters.step_seconds(self.band));
        // In units of the Lorentzian's peak, 2 E / γ.
        let scale = h * gamma / 2.0 / (self.steps * self.segments) as f64 / SIDE as f64 / self.variance;
        let each: Vec<f64> = self.powers.iter().map(|power| power * scale).collect();
        let n = self.steps as f64;
        let lag = |m: u64| {
            let m = m as f64;
            (1.0 - m / n) * libm::exp(-gamma * h * m) * libm::cos(self.offset * gamma * h * m)
        };
        let expected = gamma * h / 2.0 * (1.0 + 2.0 * (1..self.steps).map(lag).sum::<f64>());
        let place = match self.offset {
            0.0 => "at its centre",
            offset if offset < 0.0 => "γ below it",
            _ => "γ above it",
        };
        let name = format!("oscillator: line over 2 E / γ, {} {place}", hertz(parameters, self.band));
        let source = format!(
            "periodogram of an AR(1) of {n} steps, summed over its lags; the Lorentzian of endless time gives {}",
            1.0 / (1.0 + self.offset * self.offset)
        );
        Row::closed(name, &Estimate::mean(&each, "rows of sites"), expected, 0.0, &source)
    }
}

/// How far the step's own line, without end in time, lies from the Lorentzian within a half-width.
fn departure(parameters: &ArrayParameters) -> Row {
    let mut most = 0.0f64;
    for band in 0..parameters.bands {
        let x = parameters.gamma(band) * parameters.step_seconds(band);
        for tenth in 0..=10 {
            let offset = f64::from(tenth) / 10.0;
            let a = libm::exp(-x);
            let step = x / 2.0 * (1.0 - a * a) / (1.0 - 2.0 * a * libm::cos(offset * x) + a * a);
            most = most.max((step * (1.0 + offset * offset) - 1.0).abs());
        }
    }
    let source =
        "AR(1) against the Lorentzian, all bands, from centre to half-width: (γ h)² / 12 of the sampling";
    let name = "oscillator: largest departure of the step's line from the Lorentzian".to_owned();
    Row::claim(name, &Estimate::exact(most), 0.0, [0.0, 0.01], source)
}
