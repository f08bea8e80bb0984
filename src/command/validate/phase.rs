//! Phases: what a pulse does to one, and Kuramoto's transition of many that are coupled all to all.

use core::f64::consts::{PI, TAU};

use super::lab::{Sheet, Task, linear};
use super::row::{Estimate, Row};
use crate::array::ArrayParameters;
use crate::error::Result;
use crate::random::Stream;
use crate::readout::moments::Moments;

/// Oscillators of Kuramoto's model.
const PHASES: usize = 2_000;
/// Length of its step in units of the inverse spread.
const STEP: f64 = 0.05;

/// Runs the family.
pub(super) fn run(task: Task) -> Result<Vec<Row>> {
    let mut rows = response(task)?;
    rows.extend(transition(task));
    rows.extend(metastability(task));
    Ok(rows)
}

/// The shift of phase by a weak pulse, site by site against its twin.
fn response(task: Task) -> Result<Vec<Row>> {
    let parameters = ArrayParameters { diffusion: 0.0, twin: true, ..linear() };
    let side = task.size(96, 48);
    let mut sheet = Sheet::new(side, &parameters, task.seed)?;
    sheet.run(100);
    let band = parameters.bands - 1;
    let gamma_h = parameters.gamma(band) * parameters.step_seconds(band);
    let level = 0.05;
    // What one tick of the drive leaves in the state.
    let pulse = level * -libm::expm1(-gamma_h) * sheet.array.band_variances()[band].sqrt();
    sheet.push_all(level as f32);
    sheet.step();
    let (driven, Some(twin)) = (sheet.array.field(), sheet.array.twin()) else { return Ok(Vec::new()) };
    let ((re, im), (twin_re, twin_im)) = (driven.band(band), twin.band(band));
    let least = 0.3 * sheet.array.band_variances()[band].sqrt();
    // Regression of the shift times r / pulse on sin φ and cos φ, a row of sites at a time.
    let (mut on_sine, mut on_cosine, mut sines, mut cosines) = (vec![], vec![], vec![], vec![]);
    for row in 0..side {
        let mut sums = [0.0; 4];
        for site in row * side..(row + 1) * side {
            let (x, y) = (f64::from(twin_re[site]), f64::from(twin_im[site]));
            let (u, v) = (f64::from(re[site]), f64::from(im[site]));
            let r = x.hypot(y);
            if r < least {
                continue;
            }
            let shift = libm::atan2(v * x - u * y, u * x + v * y) * r / pulse;
            let (sine, cosine) = (y / r, x / r);
            sums[0] += shift * sine;
            sums[1] += shift * cosine;
            sums[2] += sine * sine;
            sums[3] += cosine * cosine;
        }
        on_sine.push(sums[0]);
        on_cosine.push(sums[1]);
        sines.push(sums[2]);
        cosines.push(sums[3]);
    }
    // The second order, pulse / r, averages out over phases; its square is left.
    let second = (pulse / least).powi(2);
    let source = "Δφ = -(ε / r) sin φ of a weak pulse at phase 0, regression over sites against the twin; (ε / r)² is \
                  left out";
    Ok(vec![
        Row::closed(
            "phase: response to a pulse, on sin φ in units of ε / r".to_owned(),
            &Estimate::ratio(&on_sine, &sines, "rows of sites"),
            -1.0,
            second,
            source,
        ),
        Row::closed(
            "phase: response to a pulse, on cos φ in units of ε / r".to_owned(),
            &Estimate::ratio(&on_cosine, &cosines, "rows of sites"),
            0.0,
            second,
            source,
        ),
    ])
}

/// A spread of natural frequencies of unit scale.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Spread {
    Lorentzian,
    Gaussian,
}

impl Spread {
    fn name(self) -> &'static str {
        match self {
            Self::Lorentzian => "Lorentzian",
            Self::Gaussian => "Gaussian",
        }
    }

    fn density(self, x: f64) -> f64 {
        match self {
            Self::Lorentzian => 1.0 / (PI * (1.0 + x * x)),
            Self::Gaussian => libm::exp(-x * x / 2.0) / TAU.sqrt(),
        }
    }

    fn draw(self, draws: &mut Stream) -> f64 {
        match self {
            Self::Lorentzian => libm::tan(PI * (draws.uniform() - 0.5)),
            Self::Gaussian => draws.normal(),
        }
    }

    /// `K_c = 2 / (π g(0))`.
    fn critical(self) -> f64 {
        2.0 / (PI * self.density(0.0))
    }

    /// The order parameter of endlessly many: `1 = K ∫ cos² θ g(K R sin θ) dθ`, by bisection.
    fn order(self, coupling: f64) -> f64 {
        let steps = 2_000;
        let excess = |order: f64| {
            let term = |n: i32| {
                let theta = PI * ((f64::from(n) + 0.5) / f64::from(steps) - 0.5);
                let cosine = libm::cos(theta);
                cosine * cosine * self.density(coupling * order * libm::sin(theta))
            };
            coupling * PI / f64::from(steps) * (0..steps).map(term).sum::<f64>() - 1.0
        };
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..50 {
            let middle = f64::midpoint(low, high);
            if excess(middle) > 0.0 { low = middle } else { high = middle }
        }
        low
    }
}

/// Order parameters around the critical coupling, and the coupling itself.
fn transition(task: Task) -> Vec<Row> {
    let mut rows = Vec::new();
    let seeds: u32 = task.size(16, 5);
    let mut critical = Vec::new();
    for (spread, ratio) in [
        (Spread::Lorentzian, 0.5),
        (Spread::Lorentzian, 1.5),
        (Spread::Lorentzian, 2.0),
        (Spread::Lorentzian, 3.0),
        (Spread::Gaussian, 1.25),
        (Spread::Gaussian, 2.0),
    ] {
        if task.quick && (ratio - 2.0f64).abs() > 0.1 {
            continue;
        }
        let coupling = ratio * spread.critical();
        let orders: Vec<f64> = (0..seeds).map(|n| settle(spread, coupling, task.seed, n).0).collect();
        let found = Estimate::mean(&orders, "populations");
        let name = format!("phase: Kuramoto's order, {}, K = {ratio} K_c", spread.name());
        // Fluctuations of a finite population, O(1/N) in the mean near the edge (Daido 1990).
        let finite = 5.0 / PHASES as f64 / (ratio - 1.0).abs();
        if ratio < 1.0 {
            let floor = 1.0 / (PHASES as f64 * (1.0 - ratio)).sqrt();
            let source = "below K_c: none but the fluctuations of 2000, 1 / sqrt(N (1 - K / K_c)), and four \
                          standard errors";
            rows.push(Row::claim(name, &found, 0.0, [0.0, floor + 4.0 * found.error], source));
            continue;
        }
        if spread == Spread::Lorentzian {
            critical.extend(orders.iter().map(|order| coupling * (1.0 - order * order)));
        }
        let source = match spread {
            Spread::Lorentzian => {
                "sqrt(1 - K_c / K), Kuramoto 1984; 5 / N / (K / K_c - 1) for a population of 2000"
            }
            Spread::Gaussian => {
                "1 = K ∫ cos² θ g(K R sin θ) dθ; 5 / N / (K / K_c - 1) for a population of 2000"
            }
        };
        rows.push(Row::closed(name, &found, spread.order(coupling), finite, source));
    }
    let source = "2 / (π g(0)) = 2 of a Lorentzian of half-width 1, from K (1 - R²); phases alone, all to all; \
                  10 / N for a population of 2000";
    let name = "phase: Kuramoto's critical coupling, Lorentzian".to_owned();
    let found = Estimate::mean(&critical, "populations");
    rows.push(Row::closed(name, &found, Spread::Lorentzian.critical(), 10.0 / PHASES as f64, source));
    rows
}

/// How much the order parameter wanders, below the critical coupling, at it and above.
fn metastability(task: Task) -> Vec<Row> {
    let seeds: u32 = task.size(16, 5);
    let spread = Spread::Lorentzian;
    let at = |ratio: f64| {
        let coupling = ratio * spread.critical();
        let each: Vec<f64> = (0..seeds).map(|n| settle(spread, coupling, task.seed, n).1).collect();
        Estimate::mean(&each, "populations")
    };
    let (below, edge, above) = (at(0.5), at(1.0), at(2.0));
    let chance = ((1.0 - PI / 4.0) / (PHASES as f64 * 0.5)).sqrt();
    let name = |what: &str| format!("phase: metastability, Lorentzian, {what}");
    vec![
        Row::closed(
            name("K = 0.5 K_c"),
            &below,
            chance,
            0.1 * chance,
            "sqrt((1 - π / 4) / N / (1 - K / K_c)), a Rayleigh variable's (Daido 1990); 10 % for 25 lifetimes of a \
             fluctuation in a run",
        ),
        Row::above(
            name("K_c over 0.5 K_c"),
            &edge.over(&below),
            1.0,
            10.0,
            "the order wanders most at the edge (Shanahan 2010); a bound, judged",
        ),
        Row::below(
            name("2 K_c over K_c"),
            &above.over(&edge),
            1.0,
            0.0,
            "a locked population holds its order; a bound, judged",
        ),
    ]
}

/// The order parameter of one population in its steady state: its mean, and its standard deviation over time.
fn settle(spread: Spread, coupling: f64, seed: u64, number: u32) -> (f64, f64) {
    let mut draws = Stream::new(seed, number);
    let mut rates: Vec<f64> = (0..PHASES).map(|_| spread.draw(&mut draws)).collect();
    // The fastest turn many times in a step and average out either way: held where a step is a radian.
    for rate in &mut rates {
        *rate = rate.clamp(-1.0 / STEP, 1.0 / STEP);
    }
    let mut phases: Vec<f64> = (0..PHASES).map(|_| TAU * draws.uniform()).collect();
    let mut order = Moments::default();
    for step in 0..2_000 {
        // Heun's step: the slope of the start, then the mean with that of the end.
        let (x, y, slopes) = slopes(&phases, &rates, coupling);
        let guess: Vec<f64> = phases.iter().zip(&slopes).map(|(phase, slope)| phase + STEP * slope).collect();
        let (_, _, after) = self::slopes(&guess, &rates, coupling);
        for (phase, (one, other)) in phases.iter_mut().zip(slopes.iter().zip(&after)) {
            *phase += STEP * f64::midpoint(*one, *other);
        }
        if step >= 1_000 {
            order.push(x.hypot(y));
        }
    }
    (order.mean().unwrap_or(f64::NAN), order.standard_deviation().unwrap_or(f64::NAN))
}

/// The mean of `e^{iθ}` and every phase's slope.
fn slopes(phases: &[f64], rates: &[f64], coupling: f64) -> (f64, f64, Vec<f64>) {
    let turns: Vec<(f64, f64)> = phases.iter().map(|phase| libm::sincos(*phase)).collect();
    let n = phases.len() as f64;
    let (y, x) = turns.iter().fold((0.0, 0.0), |(y, x), (sine, cosine)| (y + sine / n, x + cosine / n));
    let slope = |(rate, (sine, cosine)): (&f64, &(f64, f64))| rate + coupling * (y * cosine - x * sine);
    (x, y, rates.iter().zip(&turns).map(slope).collect())
}
