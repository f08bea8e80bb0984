//! The tonic state: band variances `E_b` for the wanted exponent, and the noise that keeps them.
//!
//! Three things would bend a spectrum that was built from `E_b ∝ f^(1-χ)` and noise of that strength, and are
//! solved for here:
//!
//! * the skirts of second-order bands flatten it: the variances follow `f^(1-x)` with `x` solved so that the
//!   *measured* exponent is χ;
//! * diffusion and saturation take energy from a site beyond `γ`: `c_b²` makes it good, summed exactly over
//!   the lattice's modes for the band's own steps;
//! * the cascade pulls unequal variances together: its flux is made good by the quasi-normal closure of the triad
//!   (Orszag, J Fluid Mech 41:363, 1970).

use super::parameters::ArrayParameters;

/// The least noise of a band, in units of what it would take alone.
const LEAST_NOISE: f64 = 0.1;

/// Variances and noise of every band.
#[derive(Clone, Debug, PartialEq)]
pub struct Tonic {
    /// `E_b`, the variance `⟨|z_b|²⟩` of a site; their mean is 1.
    pub variances: Vec<f64>,
    /// Variance of the complex noise that one step adds to a site.
    pub noise: Vec<f64>,
    /// `c_b²`: how much faster a site loses energy than `γ_b` alone would take it.
    pub compensation: Vec<f64>,
}

impl Tonic {
    /// Solves the tonic state of a `height x width` torus.
    #[must_use]
    pub fn solve(parameters: &ArrayParameters, height: usize, width: usize) -> Self {
        let variances = variances(parameters);
        let share: Vec<f64> =
            (0..parameters.bands).map(|band| injection(parameters, band, height, width)).collect();
        let alone =
            |band: usize| 1.0 - libm::exp(-2.0 * parameters.gamma(band) * parameters.step_seconds(band));
        let compensation: Vec<f64> =
            share.iter().enumerate().map(|(band, share)| share / alone(band)).collect();
        let noise = noise(parameters, &variances, &share, &compensation);
        Self { variances, noise, compensation }
    }
}

/// The exponent `x` of `E_b ∝ f^(1-x)` whose measured exponent over 1 to 80 Hz is χ.
///
/// Measured on sheets of 32 x 32 with Q = 1.5, D = 0.3 γ, κ from 0 to 2: `1.05 - 0.012 κ + (0.85 - 0.058 κ) (x - 1)`, and a
/// little less where χ is beyond 1.5; beyond κ = 3 the slope is held.
fn steepness(parameters: &ArrayParameters) -> f64 {
    let kappa = parameters.kappa.min(3.0);
    let beyond = (parameters.chi - 1.5).max(0.0);
    1.0 + (parameters.chi - (1.05 - 0.012 * kappa)) / (0.85 - 0.058 * kappa) + 0.75 * beyond * beyond
}

fn variances(parameters: &ArrayParameters) -> Vec<f64> {
    let x = steepness(parameters);
    let raw: Vec<f64> =
        (0..parameters.bands).map(|band| libm::pow(parameters.centre(band).0, 1.0 - x)).collect();
    let mean = raw.iter().sum::<f64>() / raw.len() as f64;
    raw.iter().map(|value| value / mean).collect()
}

/// The noise variance per step, in units of `E_b`, that holds a site at `E_b` without a cascade.
fn injection(parameters: &ArrayParameters, band: usize, height: usize, width: usize) -> f64 {
    let (gamma, h) = (parameters.gamma(band), parameters.step_seconds(band));
    let spread = parameters.diffusion * gamma * h;
    // Saturation removes 2 g <|z|^4> / <|z|^2> = 4 g E of a complex normal: as if γ were larger by 2 g E.
    let decay = libm::exp(-(gamma + 2.0 * parameters.saturation * gamma) * h);
    let wave = |k: usize, n: usize| {
        let s = libm::sin(core::f64::consts::PI * k as f64 / n as f64);
        4.0 * s * s
    };
    let columns: Vec<f64> = (0..width).map(|column| wave(column, width)).collect();
    let mut mean = 0.0;
    for row in 0..height {
        let down = wave(row, height);
        for across in &columns {
            let factor = decay * (1.0 - spread * (down + across));
            mean += 1.0 / (1.0 - factor * factor);
        }
    }
    (height * width) as f64 / mean
}

/// The noise of every band with the cascade's flux made good.
///
/// With `L_b = γ_b c_b²` a site's loss and `k = κ L_b / sqrt(E_b)`, the third moment of the pair `a`, `c` that the triad
/// keeps up is `2 k E_a (E_c - E_a)` over its own loss `2 L_a + L_c = 4 L_a`. So `2 k` times that flows from fast to slow:
/// `κ² L_b (E_{b+1} - E_b)`, nothing where the variances are equal.
fn noise(parameters: &ArrayParameters, variances: &[f64], share: &[f64], compensation: &[f64]) -> Vec<f64> {
    let kappa = parameters.kappa;
    let loss = |band: usize| parameters.gamma(band) * compensation[band];
    let flux = |slow: usize| {
        let drop = variances[slow + 1] - variances[slow];
        kappa * kappa * loss(slow) * drop
    };
    (0..parameters.bands)
        .map(|band| {
            let from_fast = if band + 1 < parameters.bands { flux(band) } else { 0.0 };
            let to_slow = if band > 0 { flux(band - 1) } else { 0.0 };
            let needed = variances[band] - (from_fast - to_slow) / (2.0 * loss(band));
            share[band] * needed.max(LEAST_NOISE * variances[band])
        })
        .collect()
}
