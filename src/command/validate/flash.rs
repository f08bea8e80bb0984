//! A flash: how it runs down the bands and what is left of it, with its ablation; and the energy book.

use super::lab::{Flash, Sheet, Task, hertz, linear, total};
use super::row::{Estimate, Row};
use crate::array::{ArrayParameters, Cause};
use crate::error::Result;

/// Ticks from the start of the flash to the first and the second look at what is left: 1 s and 3 s after its end.
const LATER: [u64; 2] = [1_100, 3_100];
/// The flash.
const FLASH: Flash = Flash { level: 6.0, from: 200, length: 100 };

/// Where the largest rms of each band must lie, slowest first: about half and twice what these sheets have.
const PEAKS: [[f64; 2]; 8] =
    [[0.015, 0.06], [0.04, 0.2], [0.1, 0.5], [0.25, 1.0], [0.5, 2.0], [0.7, 3.0], [0.9, 4.0], [0.9, 4.0]];
/// The same at κ = 2, where every band from 3 Hz up must move by 0.3 and the two slowest by 0.1.
const PEAKS_AT_TWO: [[f64; 2]; 8] =
    [[0.1, 0.4], [0.15, 0.65], [0.3, 1.2], [0.4, 1.7], [0.55, 2.3], [0.7, 2.7], [0.8, 3.3], [0.7, 2.9]];
/// When each band must arrive at either κ, in ms, slowest first: about half and twice, and 5 ms to either side at least.
const ARRIVALS: [[f64; 2]; 8] = [
    [110.0, 430.0],
    [70.0, 275.0],
    [50.0, 200.0],
    [32.0, 130.0],
    [18.0, 75.0],
    [7.0, 30.0],
    [0.0, 20.0],
    [0.0, 10.0],
];
/// What must be left at [`LATER`]: at κ = 1 it returns to its twin within 0.01 of the tonic rms.
const LEFT: [[f64; 2]; 2] = [[0.003, 0.015], [0.0, 0.01]];
/// The same at κ = 2.
const LEFT_AT_TWO: [[f64; 2]; 2] = [[0.15, 0.6], [0.05, 0.2]];
/// The share of what drives the fastest band that must leave it.
const SHARE: [f64; 2] = [0.015, 0.06];

/// Runs the family.
pub(super) fn run(task: Task) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let side = task.size(96, 48);
    if !task.quick {
        for kappa in [1.0, 2.0] {
            rows.extend(descent(&Course::of(kappa, side, task)?));
        }
        rows.extend(lasting(task)?);
    }
    rows.extend(ablation(task)?);
    Ok(rows)
}

/// What became of flashes on some sheets.
struct Course {
    parameters: ArrayParameters,
    /// Per sheet and band, the largest differential within 1 s.
    peaks: Vec<Vec<f64>>,
    /// Per band, ticks until the mean course first comes within a tenth of its peak.
    arrivals: Vec<f64>,
    /// Per sheet, what is left at [`LATER`].
    left: Vec<[f64; 2]>,
}

impl Course {
    fn of(kappa: f64, side: usize, task: Task) -> Result<Self> {
        let parameters = ArrayParameters { kappa, ..ArrayParameters::default() };
        let (mut peaks, mut left) = (Vec::new(), Vec::new());
        let mut course: Vec<(u64, Vec<f64>)> = Vec::new();
        for seed in 0..task.size(8, 4) {
            let mut sheet = Sheet::new(side, &parameters, task.seed + seed)?;
            let mut most = vec![0.0f64; parameters.bands];
            let (mut later, mut at) = ([0.0; 2], 0);
            FLASH.run(&mut sheet, FLASH.from + LATER[1] + 1, |tick, now| {
                if tick <= LATER[0] {
                    most.iter_mut().zip(now).for_each(|(most, now)| *most = most.max(*now));
                    if seed == 0 {
                        course.push((tick, vec![0.0; parameters.bands]));
                    }
                    course[at].1.iter_mut().zip(now).for_each(|(sum, now)| *sum += now * now);
                    at += 1;
                }
                if let Some(index) = LATER.iter().position(|look| *look == tick) {
                    later[index] = total(now);
                }
            });
            peaks.push(most);
            left.push(later);
        }
        let arrival = |band: usize| {
            let peak = course.iter().map(|(_, now)| now[band].sqrt()).fold(0.0, f64::max);
            course
                .iter()
                .find(|(_, now)| now[band].sqrt() >= 0.9 * peak)
                .map_or(f64::NAN, |(tick, _)| *tick as f64)
        };
        let arrivals = (0..parameters.bands).map(arrival).collect();
        Ok(Self { parameters, peaks, arrivals, left })
    }

    fn peak(&self, band: usize) -> Estimate {
        Estimate::mean(&self.peaks.iter().map(|peaks| peaks[band]).collect::<Vec<f64>>(), "sheets")
    }

    fn left(&self, look: usize) -> Estimate {
        Estimate::mean(&self.left.iter().map(|left| left[look]).collect::<Vec<f64>>(), "sheets")
    }
}

/// Peaks and arrivals down the bands, and what is left.
fn descent(course: &Course) -> Vec<Row> {
    let parameters = &course.parameters;
    let kappa = parameters.kappa;
    let (peaks, left) = if kappa < 2.0 { (PEAKS, LEFT) } else { (PEAKS_AT_TWO, LEFT_AT_TWO) };
    let mut rows = Vec::new();
    for band in (0..parameters.bands).rev() {
        let name = format!(
            "flash: largest rms of driven - twin over the tonic rms, κ = {kappa}, {}",
            hertz(parameters, band)
        );
        let source = "100 ms at 6 x the tonic rms, 96 x 96 sites; at κ = 2 every band from 3 Hz up must move by 0.3, \
                      the two slowest by 0.1; else about half to twice as much as was found, judged";
        rows.push(Row::claim(name, &course.peak(band), peaks[band][0], peaks[band], source));
    }
    for band in (0..parameters.bands).rev() {
        let before = if band + 1 < parameters.bands { course.arrivals[band + 1] } else { 0.0 };
        let name = format!("flash: arrival in ms, κ = {kappa}, {}", hertz(parameters, band));
        let source = "when the rms over 8 sheets first comes within a tenth of its peak, looked at every 5 ms; not \
                      before the next faster band's, else about half to twice as late as was found, judged";
        let bounds = [before.max(ARRIVALS[band][0]), ARRIVALS[band][1]];
        rows.push(Row::claim(name, &Estimate::exact(course.arrivals[band]), before, bounds, source));
    }
    let (soon, late) = (course.left(0), course.left(1));
    let name = |seconds: u64| format!("flash: left of driven - twin {seconds} s after, κ = {kappa}");
    let judged = "total rms over the bands, in units of the tonic rms of one; about half to twice as much as was \
                  found, judged";
    let gone = "it returns to its twin within 0.01 of the tonic rms";
    rows.push(Row::claim(name(1), &soon, left[0][0], left[0], judged));
    rows.push(Row::claim(name(3), &late, left[1][0], left[1], if kappa < 2.0 { gone } else { judged }));
    rows
}

/// Without the cascade nothing leaves the band that was struck, and that band follows its own closed form.
fn ablation(task: Task) -> Result<Vec<Row>> {
    let parameters = ArrayParameters { twin: true, ..linear() };
    let mut sheet = Sheet::new(16, &parameters, task.seed)?;
    let top = parameters.bands - 1;
    let (mut elsewhere, mut apart) = (0.0f64, 0.0f64);
    let gamma = parameters.gamma(top);
    FLASH.run(&mut sheet, 600, |tick, now| {
        elsewhere = now[..top].iter().fold(elsewhere, |most, rms| most.max(*rms));
        let held = ((tick + 1).min(FLASH.length)) as f64 / 1_000.0;
        let rises = -6.0 * libm::expm1(-gamma * held);
        if tick < FLASH.length {
            apart = apart.max((now[top] - rises).abs());
        }
    });
    Ok(vec![
        Row::claim(
            "flash: largest rms in any other band, κ = 0".to_owned(),
            &Estimate::exact(elsewhere),
            0.0,
            [0.0, 0.0],
            "the ablation: without the cascade the bands are alone",
        ),
        Row::claim(
            "flash: largest departure from 6 (1 - e^(-γ t)), linear, 96 Hz".to_owned(),
            &Estimate::exact(apart),
            0.0,
            [0.0, 1e-4],
            "response to a drive held at resonance, exact for the step; single precision",
        ),
    ])
}

/// Without a flash nothing is left, κ by κ: how long a trace lasts.
fn lasting(task: Task) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for kappa in [0.5, 1.5, 3.0] {
        let course = Course::of(kappa, task.size(48, 32), task)?;
        let name = format!("flash: left of driven - twin 3 s after, κ = {kappa}");
        let source = "48 x 48 sites; below the edge it fades, beyond it stays of the order of the tonic rms";
        let bounds = if kappa < 1.0 {
            [0.0, 0.01]
        } else if kappa < 2.0 {
            [0.0, 0.1]
        } else {
            [0.5, 4.0]
        };
        rows.push(Row::claim(name, &course.left(1), if kappa < 2.0 { 0.0 } else { 1.5 }, bounds, source));
    }
    Ok(rows)
}

/// Runs the family of the energy book.
pub(super) fn energy(task: Task) -> Result<Vec<Row>> {
    let parameters = ArrayParameters::default();
    let mut sheet = Sheet::new(task.size(64, 16), &parameters, task.seed)?;
    for second in 0..task.size(20, 3) {
        sheet.push_all(if second % 2 == 0 { 6.0 } else { -3.0 });
        sheet.run(1_000);
    }
    let (book, figures) = sheet.array.balance();
    let closes = "the causes' changes against the state's own energy, with input; relative to what went in";
    let conserves =
        "the cascade's change of Σ|z|² over all bands, relative to its flux: the turn is a rotation";
    let top = parameters.bands - 1;
    let given = book.change(top, Cause::Drive) + book.change(top, Cause::Noise);
    let taken = -book.change(top, Cause::Cascade) / given;
    let flux = "what the cascade takes from the struck band, over what drive and noise gave it: from fast to slow; \
                about half to twice as much as was found, judged";
    Ok(vec![
        Row::claim(
            "energy: error of the book".to_owned(),
            &Estimate::exact(figures.relative_error),
            0.0,
            [0.0, 1e-4],
            closes,
        ),
        Row::claim(
            "energy: error of the cascade".to_owned(),
            &Estimate::exact(figures.cascade_error),
            0.0,
            [0.0, 1e-4],
            conserves,
        ),
        Row::claim(
            "energy: share that leaves the fastest band".to_owned(),
            &Estimate::exact(taken),
            SHARE[0],
            SHARE,
            flux,
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows that fail of a flash with this peak in every band, arrival of every band in ms, and what is left.
    fn failed(kappa: f64, peak: f64, arrival: f64, left: f64) -> usize {
        let parameters = ArrayParameters { kappa, ..ArrayParameters::default() };
        let bands = parameters.bands;
        let course = Course {
            parameters,
            peaks: vec![vec![peak; bands]; 2],
            arrivals: vec![arrival; bands],
            left: vec![[left, left]; 2],
        };
        descent(&course).iter().filter(|row| !row.pass).count()
    }

    #[test]
    fn a_flash_that_goes_nowhere_one_that_stays_and_one_that_is_at_once_everywhere_fail() {
        for kappa in [1.0, 2.0] {
            // All peaks, all arrivals but those of the two fastest bands, and what is left: of nothing at κ = 1 after 3 s.
            let nothing_left = if kappa < 2.0 { 1 } else { 2 };
            assert_eq!(failed(kappa, 0.0, 0.0, 0.0), 8 + 6 + nothing_left, "κ = {kappa}");
            assert_eq!(failed(kappa, 5.0, 500.0, 0.9), 8 + 8 + 2, "κ = {kappa}");
        }
    }
}
