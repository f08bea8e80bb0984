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
use crate::kernel::lattice::{Factors, Instructions};
use crate::kernel::noise::{NoiseKey, RoundKeys};
use crate::kernel::sheet::{Extent, Planes, SheetStep, Workroom, step_sheet};
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
    let source = "where the exponent crosses 0, between its neighbours in κ by a line; the design's prototypes of \
                  single sites put it between 2 and 4";
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
    first: [Vec<f32>; 2],
    second: [Vec<f32>; 2],
    workroom: Workroom,
    team: Team,
}

impl Copies {
    fn new(parameters: &ArrayParameters, seed: u64) -> Self {
        let tonic = Tonic::solve(parameters, SIDE, SIDE);
        let factors = band_steps(parameters, &tonic).iter().map(Factors::new).collect();
        let mut draws = Stream::new(seed, 0);
        let sizes = tonic.variances.iter().map(|variance| (variance / 2.0).sqrt());
        let mut part = || -> Vec<f32> {
            let sites = sizes.clone().flat_map(|size| [size; SIDE * SIDE]);
            sites.map(|size| (size * draws.normal()) as f32).collect()
        };
        let first = [part(), part()];
        // A difference that is the same at all sites: the slowest mode of every band.
        let mut second = first.clone();
        for (band, plane) in second[0].chunks_mut(SIDE * SIDE).enumerate() {
            let step = (APART * tonic.variances[band].sqrt()) as f32;
            for re in plane {
                *re += step;
            }
        }
        let extent = Extent { bands: parameters.bands, height: SIDE, width: SIDE };
        Self {
            ticks_per_step: (0..parameters.bands).map(|band| parameters.ticks_per_step(band)).collect(),
            variances: tonic.variances,
            factors,
            seed,
            tick: 0,
            workroom: Workroom::new(extent, 1, &first[0], &first[1]),
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
            extent: Extent { bands: self.variances.len(), height: SIDE, width: SIDE },
            with: Instructions::best(),
            factors: &self.factors,
            due: &due,
            key: NoiseKey { seed, tick: split(self.tick), lane: 0 },
            keys: &RoundKeys::new(seed),
        };
        let [re, im] = &mut self.first;
        let [twin_re, twin_im] = &mut self.second;
        let (first, second) = (Planes { re, im }, Planes { re: twin_re, im: twin_im });
        step_sheet(&mut self.team, &step, first, Some(second), |_, _| None, &mut self.workroom);
        self.tick += 1;
    }

    /// Puts the second copy back to its distance; gives the logarithm of how far it had gone, over that distance.
    fn renew(&mut self) -> f64 {
        let sites = SIDE * SIDE;
        let mut square = 0.0;
        for (first, second) in self.first.iter().zip(&self.second) {
            for (band, (x, y)) in first.chunks(sites).zip(second.chunks(sites)).enumerate() {
                let sum: f64 = x.iter().zip(y).map(|(x, y)| f64::from(y - x).powi(2)).sum();
                square += sum / self.variances[band] / sites as f64;
            }
        }
        let scale = APART / square.sqrt();
        for (first, second) in self.first.iter().zip(&mut self.second) {
            for (x, y) in first.iter().zip(second) {
                *y = (f64::from(*x) + scale * f64::from(*y - *x)) as f32;
            }
        }
        -scale.ln()
    }
}
