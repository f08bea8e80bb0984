//! The energy book: every change of `Σ|z|²`, by cause and band; real-time code.

use crate::kernel::lattice::{CAUSES, plane_energy};
use crate::kernel::planes::Planes;

/// What changes a band's energy, in the order of the step's schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// Spread to neighbours; takes energy from the rough modes.
    Diffusion,
    /// The senses.
    Drive,
    /// The cubic term.
    Saturation,
    /// Linear dissipation.
    Damping,
    /// The tonic noise.
    Noise,
    /// The triad between octaves; sums to zero over the bands.
    Cascade,
}

impl Cause {
    /// All causes in the order of the schedule.
    pub const ALL: [Self; CAUSES] =
        [Self::Diffusion, Self::Drive, Self::Saturation, Self::Damping, Self::Noise, Self::Cascade];
}

/// Changes of energy since the start, per band and cause, with the energy at the start and now.
#[derive(Clone, Debug, PartialEq)]
pub struct EnergyBook {
    start: f64,
    now: f64,
    changes: Vec<[f64; CAUSES]>,
    /// `Σ` over ticks and bands of the cascade's absolute change: what its sum is held against.
    cascade_flux: f64,
}

/// The book's sums for a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct EnergyFigures {
    /// Energy that came in: noise and drive, where they add.
    pub input: f64,
    /// Energy now less energy at the start.
    pub stored: f64,
    /// Energy that left by damping, diffusion and saturation.
    pub dissipated: f64,
    /// `|input - dissipated - stored|` over the larger of input and dissipated.
    pub relative_error: f64,
    /// The cascade's sum over bands, relative to its flux; 0 where nothing flowed.
    pub cascade_error: f64,
}

impl EnergyBook {
    pub(super) fn open(planes: &Planes) -> Self {
        let start = energy(planes);
        let changes = vec![[0.0; CAUSES]; planes.extent().bands];
        Self { start, now: start, changes, cascade_flux: 0.0 }
    }

    /// Adds a tick's changes of one band.
    pub(super) fn add(&mut self, band: usize, causes: &[f64; CAUSES]) {
        for (sum, change) in self.changes[band].iter_mut().zip(causes) {
            *sum += change;
        }
        self.cascade_flux += causes[Cause::Cascade as usize].abs();
    }

    /// Measures the energy afresh, so that the book is held against the state and not against itself.
    pub(super) fn measure(&mut self, planes: &Planes) {
        self.now = energy(planes);
    }

    /// The change of a band's energy by one cause since the start.
    #[must_use]
    pub fn change(&self, band: usize, cause: Cause) -> f64 {
        self.changes[band][cause as usize]
    }

    /// The changes of every band's energy since the start, in the order of [`Cause::ALL`].
    #[must_use]
    pub fn changes(&self) -> &[[f64; CAUSES]] {
        &self.changes
    }

    /// The change of energy by one cause over all bands.
    #[must_use]
    pub fn total(&self, cause: Cause) -> f64 {
        self.changes.iter().map(|causes| causes[cause as usize]).sum()
    }

    /// The sums for a report, as of the last measurement of the energy.
    #[must_use]
    pub fn figures(&self) -> EnergyFigures {
        let dissipated =
            -(self.total(Cause::Damping) + self.total(Cause::Diffusion) + self.total(Cause::Saturation));
        let cascade = self.total(Cause::Cascade);
        let input = self.total(Cause::Noise) + self.total(Cause::Drive);
        let stored = self.now - self.start;
        // The cascade only moves energy: what it gained or lost is part of the error.
        let gap = (input - dissipated - stored).abs();
        let scale = input.abs().max(dissipated.abs());
        EnergyFigures {
            input,
            stored,
            dissipated,
            relative_error: if scale > 0.0 { gap / scale } else { 0.0 },
            cascade_error: if self.cascade_flux > 0.0 { cascade.abs() / self.cascade_flux } else { 0.0 },
        }
    }
}

fn energy(planes: &Planes) -> f64 {
    let extent = planes.extent();
    (0..extent.bands).map(|band| plane_energy(planes.part(band, 0), planes.part(band, 1), extent.width)).sum()
}
