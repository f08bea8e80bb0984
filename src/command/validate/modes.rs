//! The lattice's modes: Ornstein-Uhlenbeck marginals, and the correlation of neighbours that they sum to.

use super::lab::{Sheet, Task, alone, hertz, linear};
use super::row::{Estimate, Row};
use crate::array::ArrayParameters;
use crate::error::Result;
use crate::memory::decay::{Decay, eigenvalue};

/// Sites of a side.
const SIDE: usize = 16;
/// Stretches of time that count as independent.
const BLOCKS: usize = 32;
/// Modes by their wave numbers; those alike by symmetry are averaged.
const MODES: [(usize, usize); 4] = [(0, 0), (1, 0), (2, 3), (8, 8)];
/// Neighbours whose correlation is measured, in sites down and across.
const NEIGHBOURS: [(usize, usize); 3] = [(0, 1), (0, 2), (1, 1)];

/// The number of a mode.
fn number((down, across): (usize, usize)) -> usize {
    down * SIDE + across
}

/// The decay of a band, with or without what saturation takes.
fn decay(parameters: &ArrayParameters, band: usize, saturated: bool) -> Decay {
    let of = if saturated { Decay::saturated } else { Decay::of };
    of(parameters, band, SIDE, SIDE)
}

/// Runs the family.
pub(super) fn run(task: Task) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (band, seconds) in [(3, task.size(320, 32)), (7, task.size(64, 16))] {
        let parameters = linear();
        let watched = Watch::of(&parameters, band, seconds, task.seed)?;
        rows.extend(marginals(&parameters, &watched));
        rows.extend(watched.neighbours(&parameters, "linear", false));
    }
    if !task.quick {
        let parameters = alone();
        let watched = Watch::of(&parameters, 3, 320, task.seed)?;
        rows.extend(forgetting(&parameters, &watched));
        rows.extend(watched.neighbours(&parameters, "default", true));
    }
    Ok(rows)
}

/// Sums over a run, block by block.
struct Watch {
    band: usize,
    /// Steps of the lag: about half a relaxation time.
    steps: u64,
    /// Per mode and block: `Σ|z|²`, `Σ Re z(t+τ) z̄(t)`, `Σ |z(t+τ) - f z(t)|²`, and how many were summed.
    modes: Vec<Vec<[f64; 4]>>,
    /// Per block: `Σ|u|²`, then `Σ Re u(x) ū(x+r)` for every neighbour.
    neighbours: Vec<[f64; 1 + NEIGHBOURS.len()]>,
}

impl Watch {
    fn of(parameters: &ArrayParameters, band: usize, seconds: u64, seed: u64) -> Result<Self> {
        let mut sheet = Sheet::new(SIDE, parameters, seed)?;
        let gamma_h = parameters.gamma(band) * parameters.step_seconds(band);
        let steps = (0.5 / gamma_h).round() as u64;
        let lag = steps * parameters.ticks_per_step(band);
        // From independent sites to the lattice's own state.
        sheet.run(4_000);
        let mut watch = Self {
            band,
            steps,
            modes: vec![vec![[0.0; 4]; BLOCKS]; MODES.len()],
            neighbours: vec![[0.0; 1 + NEIGHBOURS.len()]; BLOCKS],
        };
        let left = decay(parameters, band, false);
        let keep: Vec<f64> = MODES.map(|mode| left.left(number(mode), steps as u32)).into();
        let modes = left.transform();
        let look = |sheet: &Sheet| {
            let (re, im) = sheet.array.field().band(band);
            modes.of(re, im)
        };
        let looks = seconds * 1_000 / lag / BLOCKS as u64;
        for block in 0..BLOCKS {
            let mut before = look(&sheet);
            for _ in 0..looks {
                sheet.run(lag);
                let now = look(&sheet);
                for (mode, keep) in keep.iter().enumerate() {
                    let sums = &mut watch.modes[mode][block];
                    for at in alike(MODES[mode]) {
                        let (z, later) = (before[at], now[at]);
                        sums[0] += z.norm_sqr();
                        sums[1] += (later * z.conj()).re;
                        sums[2] += (later - z * *keep).norm_sqr();
                        sums[3] += 1.0;
                    }
                }
                watch.correlate(block, &sheet);
                before = now;
            }
        }
        Ok(watch)
    }

    fn correlate(&mut self, block: usize, sheet: &Sheet) {
        let (re, im) = sheet.array.field().band(self.band);
        let sums = &mut self.neighbours[block];
        for site in 0..SIDE * SIDE {
            let (y, x) = (site / SIDE, site % SIDE);
            let with = |other: usize| f64::from(re[site] * re[other] + im[site] * im[other]);
            sums[0] += with(site);
            for (sum, (down, across)) in sums[1..].iter_mut().zip(NEIGHBOURS) {
                let one = (y + down) % SIDE * SIDE + (x + across) % SIDE;
                let other = (y + across) % SIDE * SIDE + (x + down) % SIDE;
                *sum += 0.5 * (with(one) + with(other));
            }
        }
    }

    /// The ratio of two sums of a mode.
    fn ratio(&self, mode: usize, above: usize, below: usize) -> Estimate {
        let part = |which: usize| self.modes[mode].iter().map(|sums| sums[which]).collect::<Vec<f64>>();
        Estimate::ratio(&part(above), &part(below), "stretches of time")
    }

    /// Correlations against the sum over the lattice's modes.
    fn neighbours(&self, parameters: &ArrayParameters, which: &str, saturated: bool) -> Vec<Row> {
        let decay = decay(parameters, self.band, saturated);
        let all: Vec<(usize, usize)> = (0..SIDE * SIDE).map(|k| (k / SIDE, k % SIDE)).collect();
        let power = |mode| decay.stationary(number(mode));
        let variance: f64 = all.iter().map(|mode| power(*mode)).sum();
        let row = |(index, (down, across)): (usize, (usize, usize))| {
            let wave = |(k, l): (usize, usize)| {
                let turn = (k * down + l * across) as f64 / SIDE as f64;
                libm::cos(core::f64::consts::TAU * turn)
            };
            let expected = all.iter().map(|mode| power(*mode) * wave(*mode)).sum::<f64>() / variance;
            let part = |which: usize| self.neighbours.iter().map(|sums| sums[which]).collect::<Vec<f64>>();
            let found = Estimate::ratio(&part(index + 1), &part(0), "stretches of time");
            let name = format!(
                "space: correlation at ({down}, {across}), {which}, {}",
                hertz(parameters, self.band)
            );
            if parameters.kappa > 0.0 {
                let source = "lattice sum with saturation as decay 2 g E; the cascade, local to a site, is left \
                              out and can only take correlation away";
                return Row::claim(name, &found, expected, [0.0, expected + 4.0 * found.error], source);
            }
            let source =
                "Σ cos(k r) / (1 - f²) over Σ 1 / (1 - f²), f = (1 - D h λ) e^(-γ h), λ of the lattice";
            Row::closed(name, &found, expected, 0.0, source)
        };
        NEIGHBOURS.into_iter().enumerate().map(row).collect()
    }
}

/// Mean and variance of the linear array's modes.
fn marginals(parameters: &ArrayParameters, watch: &Watch) -> Vec<Row> {
    let decay = decay(parameters, watch.band, false);
    let mut rows = Vec::new();
    let tau = watch.steps as f64 * parameters.step_seconds(watch.band);
    for (index, mode) in MODES.into_iter().enumerate() {
        let (mode_number, steps) = (number(mode), watch.steps as u32);
        let keeps = decay.left(mode_number, steps);
        let rate =
            parameters.gamma(watch.band) * (1.0 + parameters.diffusion * eigenvalue(mode, (SIDE, SIDE)));
        let place = format!("{mode:?}, {}, {:.0} ms", hertz(parameters, watch.band), 1_000.0 * tau);
        let source = format!(
            "((1 - D h λ) e^(-γ h))^{}; e^(-(γ + D λ) t) of endless steps gives {:.4}",
            watch.steps,
            libm::exp(-rate * tau)
        );
        let name = format!("mode: mean left, {place}");
        rows.push(Row::closed(name, &watch.ratio(index, 1, 0), keeps, 0.0, &source));
        let spread = watch.ratio(index, 2, 3);
        let stationary = decay.stationary(mode_number);
        let scaled = Estimate { mean: spread.mean / stationary, error: spread.error / stationary, ..spread };
        let source = format!(
            "1 - f² about the mean, in units of S = σ² / (1 - f²); 1 - e^(-2 (γ + D λ) t) gives {:.4}",
            1.0 - libm::exp(-2.0 * rate * tau)
        );
        let name = format!("mode: variance grown, {place}");
        rows.push(Row::closed(name, &scaled, 1.0 - keeps * keeps, 0.0, &source));
    }
    rows
}

/// How fast the default array's modes forget, against the linear form.
fn forgetting(parameters: &ArrayParameters, watch: &Watch) -> Vec<Row> {
    let decay = decay(parameters, watch.band, true);
    let row = |(index, mode): (usize, (usize, usize))| {
        let keeps = decay.left(number(mode), watch.steps as u32);
        let found = watch.ratio(index, 1, 0);
        let tau = watch.steps as f64 * parameters.step_seconds(watch.band);
        let place = format!("{mode:?}, {}, {:.0} ms", hertz(parameters, watch.band), 1_000.0 * tau);
        let source = format!(
            "the linear form with saturation as decay 2 g E, a bound from above: the cascade (κ = 2), left out, \
             hastens forgetting, here to a rate of {:.1} γ instead of {:.1} γ",
            // What is lost in its own error is not told from less.
            -libm::log(found.mean.max(found.error)) / tau / parameters.gamma(watch.band),
            -libm::log(keeps) / tau / parameters.gamma(watch.band)
        );
        let interval = [-4.0 * found.error, keeps + 4.0 * found.error];
        Row::claim(format!("mode: mean left, default, {place}"), &found, keeps, interval, &source)
    };
    MODES.into_iter().enumerate().map(row).collect()
}

/// The places of the modes with the same eigenvalue by symmetry.
fn alike((down, across): (usize, usize)) -> Vec<usize> {
    let mirror = |k: usize| (SIDE - k) % SIDE;
    let mut found: Vec<usize> = [(down, across), (across, down)]
        .into_iter()
        .flat_map(|(k, l)| [(k, l), (mirror(k), l), (k, mirror(l)), (mirror(k), mirror(l))])
        .map(|(k, l)| k * SIDE + l)
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}
