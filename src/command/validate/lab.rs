//! What the measurements share: a sheet with its team and clock, and how it is looked at.

use crate::array::{Array, ArrayParameters};
use crate::error::Result;
use crate::kernel::team::Team;
use crate::signal::ArrayId;
use crate::time::Tick;

/// What a measurement is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    /// The first of the seeds that it may take.
    pub seed: u64,
    /// Whether it should take a second rather than a quarter of a minute.
    pub quick: bool,
    /// `array.steps_per_cycle`, which the rows about multirate judge.
    pub steps_per_cycle: f64,
}

impl Task {
    /// One of two sizes.
    pub fn size<T>(self, whole: T, quick: T) -> T {
        if self.quick { quick } else { whole }
    }
}

/// The default array, its twin left out.
pub(super) fn alone() -> ArrayParameters {
    ArrayParameters { twin: false, ..ArrayParameters::default() }
}

/// The linear array: no saturation and no cascade.
pub(super) fn linear() -> ArrayParameters {
    ArrayParameters { kappa: 0.0, saturation: 0.0, ..alone() }
}

/// A sheet under observation.
pub(super) struct Sheet {
    /// The array.
    pub array: Array,
    /// The tick that it steps next.
    pub tick: u64,
    team: Team,
}

impl Sheet {
    /// A square sheet in its tonic state.
    pub fn new(side: usize, parameters: &ArrayParameters, seed: u64) -> Result<Self> {
        Self::oblong(side, side, parameters, seed)
    }

    /// A sheet of `height x width`.
    pub fn oblong(height: usize, width: usize, parameters: &ArrayParameters, seed: u64) -> Result<Self> {
        let array = Array::new(ArrayId(0), height, width, parameters, seed, 1)?;
        Ok(Self { array, tick: 0, team: Team::new(1) })
    }

    /// Steps through one tick.
    pub fn step(&mut self) {
        self.array.step(Tick(self.tick), &mut self.team);
        self.tick += 1;
    }

    /// Steps through `ticks`.
    pub fn run(&mut self, ticks: u64) {
        (0..ticks).for_each(|_| self.step());
    }

    /// Pushes every site.
    pub fn push_all(&mut self, re: f32) {
        (0..self.array.shape().sites()).for_each(|site| self.array.push_site(site, re, 0.0));
    }

    /// `|u|²` of a band over `E`, mean over the sheet.
    pub fn power(&self, band: usize) -> f64 {
        let (re, im) = self.array.field().band(band);
        let sum: f64 = re.iter().zip(im).map(|(x, y)| f64::from(*x).powi(2) + f64::from(*y).powi(2)).sum();
        sum / re.len() as f64 / self.array.band_variances()[band]
    }

    /// Rms of `driven - twin` per band, in units of the tonic rms; empty without a twin.
    pub fn differential(&self) -> Vec<f64> {
        let Some(twin) = self.array.twin() else { return Vec::new() };
        let driven = self.array.field();
        let sites = self.array.shape().sites() as f64;
        let square =
            |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| f64::from(x - y).powi(2)).sum::<f64>();
        let of = |(band, variance): (usize, &f64)| {
            let ((a, b), (c, d)) = (driven.band(band), twin.band(band));
            ((square(a, c) + square(b, d)) / sites / variance).sqrt()
        };
        self.array.band_variances().iter().enumerate().map(of).collect()
    }
}

/// Total rms over bands.
pub(super) fn total(differential: &[f64]) -> f64 {
    differential.iter().map(|rms| rms * rms).sum::<f64>().sqrt()
}

/// How a sheet is flashed: the phasic drive of all sites held at a level for a while.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flash {
    /// In units of the tonic rms.
    pub level: f32,
    /// When it begins, in ticks.
    pub from: u64,
    /// How long it lasts, in ticks.
    pub length: u64,
}

impl Flash {
    /// Runs a sheet through the flash for `ticks` in all; every 5 ticks from its beginning on shows the
    /// differential and the ticks since then.
    pub fn run(self, sheet: &mut Sheet, ticks: u64, mut look: impl FnMut(u64, &[f64])) {
        let keeps = libm::exp(-1.0 / sheet.array.parameters().burst_ms) as f32;
        for tick in 0..ticks {
            if tick == self.from {
                sheet.push_all(self.level);
            } else if (self.from..self.from + self.length).contains(&tick) {
                sheet.push_all(self.level * (1.0 - keeps));
            }
            sheet.step();
            if tick >= self.from && tick % 5 == 0 {
                look(tick - self.from, &sheet.differential());
            }
        }
    }
}

/// A frequency as a row's name says it.
pub(super) fn hertz(parameters: &ArrayParameters, band: usize) -> String {
    format!("{} Hz", parameters.centre(band).0)
}
