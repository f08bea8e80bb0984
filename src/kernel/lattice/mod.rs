//! One step of one band of the oscillator lattice: what it is, and the lanes that run it (real-time code).
//!
//! The state is `u = e^{-iωt} z`: in the frame that turns with its band, the rotation cancels from the equation,
//! and because bands are octaves apart it cancels from the triad as well. So a step knows no frequency, and its
//! length is bound by the dissipation alone.
//!
//! ```text
//! diffusion   a = (1 - 4 D h) u + D h Σ neighbours            explicit, on the torus
//! drive       a += sqrt(E) (e^{γh} - 1) s                     exact at resonance
//! saturation  a *= 1 - q/2 + 3/8 q²,  q = min(2 g h |a|², 1)  of the exact 1/sqrt(1 + q)
//! damping     a *= e^{-γh}                                    exact
//! noise       a += σ ξ
//! cascade     a, c = the pair of this band and the next faster one, turned into each other
//! ```
//!
//! The cascade is the resonant triad `da = k ā c`, `dc = -k a²`. With one `a` of each product held at a
//! midpoint `m = a (1 - k²/8 |a|²) + k/2 ā c` it is linear in the pair and turns it; the turn is made by
//! Cayley's transform, so that `|a|² + |c|²` stays what it is at any `k`:
//!
//! ```text
//! w = k²/4 |m|²,   a' = ((1 - w) a + k m̄ c) / (1 + w),   c' = ((1 - w) c - k m a) / (1 + w)
//! ```
//!
//! The correction of `m` in `k²` makes the turn leave a Gaussian state of equal variances alone. The cascade
//! stands last, where both bands of a pair have their whole variance; anywhere else it would move energy to the
//! band that has just lost some.
//!
//! Products that are added are fused multiply-adds and every sum has a fixed order, so the bits depend neither
//! on the instruction set nor on the team. [`mod@reference`] is the definition, one site after the other.

pub mod reference;
mod rows;
mod terms;
#[cfg(test)]
mod tests;

use super::noise::Shape;
pub use rows::{Rows, RowsStep, Sums, step_rows};

/// Sub-steps that change a band's energy, in the order in which they run.
pub const CAUSES: usize = 6;
/// Without noise, parts below this become zero, so that a decaying band never slows the processor down.
pub const TINY: f32 = 1e-18;

/// The numbers of one band for one step of length `h`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BandStep {
    /// `D h`, the weight of each neighbour's difference; below 1/4.
    pub diffusion: f32,
    /// `sqrt(E) (e^{γh} - 1)`, the weight of a drive.
    pub drive: f32,
    /// `2 g h`.
    pub saturation: f32,
    /// `e^{-γh}`.
    pub damping: f32,
    /// Standard deviation of each part of the noise that a step adds.
    pub noise: f32,
    /// `k`, the triad of this band with the next faster one; 0 for the fastest.
    pub cascade: f32,
}

/// A band's numbers as the arithmetic uses them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    centre: f32,
    spread: f32,
    drive: f32,
    /// Where `q` is held: the `|a|²` beyond which saturation grows no stronger.
    ceiling: f32,
    /// Saturation and damping as one polynomial of `|a|²`.
    pull: [f32; 3],
    /// `e^{-2γh}`, which tells the two apart in the book.
    damping: f64,
    noise: Shape,
    /// `k`, `k/2`, `k²/4`, `k²/8`.
    cascade: [f32; 4],
}

impl Factors {
    /// The factors of a band's step.
    #[must_use]
    pub fn new(step: &BandStep) -> Self {
        let (q, damping, k) = (f64::from(step.saturation), f64::from(step.damping), step.cascade);
        Self {
            centre: (-4.0f32).mul_add(step.diffusion, 1.0),
            spread: step.diffusion,
            drive: step.drive,
            ceiling: if q > 0.0 { (1.0 / q) as f32 } else { f32::MAX },
            pull: [step.damping, (-0.5 * q * damping) as f32, (0.375 * q * q * damping) as f32],
            damping: damping * damping,
            noise: Shape::new(step.noise),
            cascade: [k, 0.5 * k, 0.25 * k * k, 0.125 * k * k],
        }
    }

    /// The same numbers by name, for a step that runs elsewhere.
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        Numbers {
            spread: [self.centre, self.spread],
            drive: self.drive,
            ceiling: self.ceiling,
            pull: self.pull,
            noise: *self.noise.coefficients(),
            cascade: self.cascade,
        }
    }
}

/// What a step's arithmetic multiplies by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numbers {
    /// The weight of a site in its own spread, and that of each neighbour.
    pub spread: [f32; 2],
    /// The weight of a drive.
    pub drive: f32,
    /// The `|a|²` at which saturation is held.
    pub ceiling: f32,
    /// Saturation and damping as one polynomial of `|a|²`, from its constant up.
    pub pull: [f32; 3],
    /// Coefficients of the noise's odd polynomial; all 0 where there is no noise.
    pub noise: [f32; 6],
    /// `k`, `k/2`, `k²/4`, `k²/8`.
    pub cascade: [f32; 4],
}

/// The energy of one band of a block of rows, and how it changed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BandBook {
    /// `Σ|u|²` now. It is carried from step to step, so that a step never measures the same state twice.
    pub energy: f64,
    /// Changes by cause in this step.
    pub changes: [f64; CAUSES],
}

/// Books a band's step by its sums; the cascade's other half goes to `fast`, the book of the next faster band.
pub fn book_step(
    factors: &Factors,
    driven: bool,
    sums: &Sums,
    own: &mut BandBook,
    fast: Option<&mut BandBook>,
) {
    let [diffused, pushed, pulled, noisy, cascaded, other] = sums.totals();
    let diffused = if driven { diffused } else { pushed };
    let saturated = pulled / factors.damping;
    let cascaded = if fast.is_some() { cascaded } else { noisy };
    let after = [diffused, pushed, saturated, pulled, noisy, cascaded];
    let mut before = own.energy;
    for (change, after) in own.changes.iter_mut().zip(after) {
        *change += after - before;
        before = after;
    }
    own.energy = cascaded;
    if let Some(fast) = fast {
        fast.changes[CAUSES - 1] += other - fast.energy;
        fast.energy = other;
    }
}

/// `Σ|u|²` of a plane's rows, each row summed in fixed order.
#[must_use]
pub fn plane_energy(re: &[f32], im: &[f32], width: usize) -> f64 {
    re.chunks(width).zip(im.chunks(width)).map(|(re, im)| row_energy(re, im)).sum()
}

fn row_energy(re: &[f32], im: &[f32]) -> f64 {
    re.iter().zip(im).map(|(x, y)| f64::from(*x) * f64::from(*x) + f64::from(*y) * f64::from(*y)).sum()
}
