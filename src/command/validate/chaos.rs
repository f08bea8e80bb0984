//! Where forgetting ends: the largest Lyapunov exponent against κ, by two copies that are drawn together again.
//!
//! Benettin, Galgani, Giorgilli, Strelcyn, Meccanica 15:9 (1980): two copies under the same noise; every
//! [`RENEWAL`] ticks the logarithm of their distance is booked and the second is put back to [`APART`] of the
//! tonic rms from the first, in the direction that it took.

use super::lab::{Task, alone};
use super::row::{Estimate, Row};
use crate::array::tonic::Tonic;
use crate::array::{ArrayParameters, band_steps};
use crate::error::Result;
use crate::kernel::lanes::Instructions;
use crate::kernel::lattice::Factors;
use crate::kernel::noise::{NoiseKey, RoundKeys};
use crate::kernel::planes::{Extent, Planes};
use crate::kernel::sheet::{SheetStep, Workroom, step_sheet};
use crate::kernel::team::Team;
use crate::random::{Stream, split};
use crate::time::TICKS_PER_SECOND;

/// Sites of a side.
const SIDE: usize = 32;
/// Distance of the copies in units of the tonic rms: far above single precision, far below the field.
const APART: f64 = 1e-3;
/// Ticks between two renewals: growth and decay stay within a decade, and every band makes a whole number of steps.
const RENEWAL: u64 = 64;
/// Renewals until the difference has found its direction: 4.1 s.
const SETTLING: u64 = 64;
/// Sheets per κ.
const SEEDS: u64 = 8;

/// Runs the family.
pub(super) fn run(task: Task) -> Result<Vec<Row>> {
    let mut rows = vec![uncoupled(task)?];
    if task.quick {
        return Ok(rows);
    }
    let mut last: Option<(f64, f64)> = None;
    let mut edge = f64::NAN;
    for kappa in [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0] {
        let found = exponent(&ArrayParameters { kappa, ..alone() }, task)?;
        if let Some((before, rate)) = last
            && rate < 0.0
            && found.mean >= 0.0
        {
            edge = before + (kappa - before) * rate / (rate - found.mean);
        }
        last = Some((kappa, found.mean));
        let name = format!("chaos: largest Lyapunov exponent in 1/s, κ = {kappa}");
        rows.push(if kappa < 2.0 {
            let source = "forgetting: below 0 by four standard errors; 32 x 32 sites";
            Row::below(name, &found, 0.0, -20.0, source)
        } else if kappa > 2.0 {
            let source = "chaos: above 0 by four standard errors; 32 x 32 sites";
            Row::above(name, &found, 0.0, 200.0, source)
        } else {
            let source =
                "the default stands near the edge: nearer to 0 than the slowest band's γ; 32 x 32 sites";
            Row::claim(name, &found, 0.0, [-1.571, 1.571], source)
        });
    }
    let source = "where the exponent crosses 0, between its neighbours in κ by a line; trials of single sites \
                  put it between 2 and 4";
    rows.push(Row::claim("chaos: κ of the edge".to_owned(), &Estimate::exact(edge), 2.0, [1.5, 4.0], source));
    Ok(rows)
}

/// Without cascade and saturation the exponent is the slowest band's γ.
fn uncoupled(task: Task) -> Result<Row> {
    let parameters = ArrayParameters { kappa: 0.0, saturation: 0.0, ..alone() };
    let found = exponent(&parameters, task)?;
    let source =
        "-γ of the slowest band, exact for the linear array; 0.01: single precision at a distance of 1e-3";
    let name = "chaos: largest Lyapunov exponent in 1/s, linear".to_owned();
    Ok(Row::closed(name, &found, -parameters.gamma(0), 0.01, source))
}

fn exponent(parameters: &ArrayParameters, task: Task) -> Result<Estimate> {
    parameters.check()?;
    // 12.3 s.
    let renewals = task.size(192, 64);
    let rate = |seed| Copies::new(parameters, task.seed + seed).rate(renewals);
    let rates: Vec<f64> = (0..SEEDS).map(rate).collect();
    Ok(Estimate::mean(&rates, "sheets"))
}

/// Two copies of a sheet under the same noise.
struct Copies {
    ticks_per_step: Vec<u64>,
    variances: Vec<f64>,
    factors: Vec<Factors>,
    seed: u64,
    tick: u64,
    first: Planes,
    second: Planes,
    workroom: Workroom,
    team: Team,
}

impl Copies {
    fn new(parameters: &ArrayParameters, seed: u64) -> Self {
        let tonic = Tonic::solve(parameters, SIDE, SIDE);
        let factors = band_steps(parameters, &tonic).iter().map(Factors::new).collect();
        let mut draws = Stream::new(seed, 0);
        let extent = Extent { bands: parameters.bands, height: SIDE, width: SIDE };
        let mut first = Planes::zeros(extent, 0);
        for part in 0..2 {
            for (band, variance) in tonic.variances.iter().enumerate() {
                let size = (variance / 2.0).sqrt();
                first.part_mut(band, part).fill_with(|| (size * draws.normal()) as f32);
            }
        }
        // A difference that is the same at all sites: the slowest mode of every band.
        let mut second = first.copied(1);
        for (band, variance) in tonic.variances.iter().enumerate() {
            let step = (APART * variance.sqrt()) as f32;
            second.part_mut(band, 0).iter_mut().for_each(|re| *re += step);
        }
        Self {
            ticks_per_step: (0..parameters.bands).map(|band| parameters.ticks_per_step(band)).collect(),
            variances: tonic.variances,
            factors,
            seed,
            tick: 0,
            workroom: Workroom::new(&first, 1),
            first,
            second,
            team: Team::new(1),
        }
    }

    /// The mean rate of the logarithm of their distance, in 1/s.
    fn rate(mut self, renewals: u64) -> f64 {
        let mut sum = 0.0;
        for renewal in 0..SETTLING + renewals {
            for _ in 0..RENEWAL {
                self.step();
            }
            let grown = self.renew();
            if renewal >= SETTLING {
                sum += grown;
            }
        }
        sum / (renewals * RENEWAL) as f64 * TICKS_PER_SECOND as f64
    }

    fn step(&mut self) {
        let due: Vec<bool> =
            self.ticks_per_step.iter().map(|ticks| (self.tick + 1) % ticks == ticks / 2).collect();
        let seed = split(self.seed);
        let step = SheetStep {
            with: Instructions::best(),
            factors: &self.factors,
            due: &due,
            key: NoiseKey { seed, tick: split(self.tick), lane: 0 },
            keys: &RoundKeys::new(seed),
        };
        let twin = Some(&mut self.second);
        step_sheet(&mut self.team, &step, &mut self.first, twin, |_, _| None, None, &mut self.workroom);
        self.tick += 1;
    }

    /// Puts the second copy back to its distance; gives the logarithm of how far it had gone, over that distance.
    fn renew(&mut self) -> f64 {
        let sites = (SIDE * SIDE) as f64;
        let planes = || (0..2).flat_map(|part| (0..self.variances.len()).map(move |band| (band, part)));
        let mut square = 0.0;
        for (band, part) in planes() {
            let pairs = self.first.part(band, part).iter().zip(self.second.part(band, part));
            let sum: f64 = pairs.map(|(x, y)| f64::from(y - x).powi(2)).sum();
            square += sum / self.variances[band] / sites;
        }
        let scale = APART / square.sqrt();
        for (band, part) in planes() {
            let second = self.second.part_mut(band, part);
            for (x, y) in self.first.part(band, part).iter().zip(second) {
                *y = (f64::from(*x) + scale * f64::from(*y - *x)) as f32;
            }
        }
        -scale.ln()
    }
}
