//! Where energy comes from and goes to, band by band, for people to look at.

use super::Facts;
use crate::array::Cause;
use crate::engine::realtime::StateCopy;
use crate::kernel::lattice::CAUSES;
use crate::signal::BandEnergy;
use crate::time::{TICKS_PER_SECOND, Tick};

/// The flows between the last two copies of the state.
#[derive(Default)]
pub(super) struct Flows {
    last: Option<(Tick, Vec<[f64; CAUSES]>)>,
    /// Of every band, slowest first; empty before there are two copies.
    pub(super) per_second: Vec<BandEnergy>,
}

impl Flows {
    /// Takes the next copy.
    pub(super) fn take(&mut self, copy: &StateCopy, facts: &Facts) {
        let bands = facts.variances.len();
        let now = sum_of_arrays(&copy.energy, bands);
        if let Some((tick, before)) = &self.last
            && copy.tick > *tick
        {
            let seconds = (copy.tick.0 - tick.0) as f64 / TICKS_PER_SECOND as f64;
            let sites: usize = facts.arrays.iter().map(|array| array.height * array.width).sum();
            let stored = stored(copy, facts);
            self.per_second = (0..bands)
                .map(|band| {
                    let tonic = f64::from(facts.variances[band]) * sites as f64;
                    let of = |cause: Cause| {
                        (now[band][cause as usize] - before[band][cause as usize]) / seconds / tonic
                    };
                    BandEnergy {
                        stored: stored[band] / tonic,
                        noise: of(Cause::Noise),
                        drive: of(Cause::Drive),
                        cascade: of(Cause::Cascade),
                        damping: of(Cause::Damping),
                        diffusion: of(Cause::Diffusion),
                        saturation: of(Cause::Saturation),
                    }
                })
                .collect();
        }
        self.last = Some((copy.tick, now));
    }
}

/// Changes by band and cause, all arrays together.
fn sum_of_arrays(energy: &[[f64; CAUSES]], bands: usize) -> Vec<[f64; CAUSES]> {
    let mut sums = vec![[0.0; CAUSES]; bands];
    for (index, changes) in energy.iter().enumerate() {
        for (sum, change) in sums[index % bands].iter_mut().zip(changes) {
            *sum += change;
        }
    }
    sums
}

/// What every band holds: `Σ|z|²` over the sites of all driven sheets.
fn stored(copy: &StateCopy, facts: &Facts) -> Vec<f64> {
    let bands = facts.variances.len();
    let mut sums = vec![0.0; bands];
    let copies: usize = copy.values.len();
    let mut rest = &copy.values[..];
    let sites: usize = facts.arrays.iter().map(|array| array.height * array.width).sum();
    for array in &facts.arrays {
        let plane = array.height * array.width;
        for (index, values) in rest[..2 * bands * plane].chunks_exact(plane).enumerate() {
            sums[index % bands] += values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
        }
        // Behind the driven planes lie those of the twin and of the drive, as many a site on every array.
        rest = &rest[copies / sites * plane..];
    }
    sums
}
