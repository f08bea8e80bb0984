//! The tonic state: band variances `E_b` for the wanted exponent, and the noise that keeps them.

use super::parameters::{ArrayParameters, STEP_SECONDS};

/// Variances and noise of every band.
#[derive(Clone, Debug, PartialEq)]
pub struct Tonic {
    /// `E_b`, the variance `⟨|z_b|²⟩` of a site; their mean is 1.
    pub variances: Vec<f64>,
    /// Variance of the complex noise that one step adds to a site, `E|c sqrt(2 γ E) dW|²`.
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
        let alone = |band: usize| 1.0 - libm::exp(-2.0 * parameters.gamma(band) * STEP_SECONDS);
        let compensation = share.iter().enumerate().map(|(band, share)| share / alone(band)).collect();
        let noise = share.iter().zip(&variances).map(|(share, variance)| share * variance).collect();
        Self { variances, noise, compensation }
    }
}

fn variances(parameters: &ArrayParameters) -> Vec<f64> {
    let raw: Vec<f64> = (0..parameters.bands)
        .map(|band| libm::pow(parameters.centre(band).0, 1.0 - parameters.chi))
        .collect();
    let mean = raw.iter().sum::<f64>() / raw.len() as f64;
    raw.iter().map(|value| value / mean).collect()
}

/// The noise variance per step, in units of `E_b`, that holds a site at `E_b`.
fn injection(parameters: &ArrayParameters, band: usize, height: usize, width: usize) -> f64 {
    let h = STEP_SECONDS;
    let gamma = parameters.gamma(band);
    let spread = parameters.diffusion * gamma * h;
    // Saturation removes 2 g <|z|^4> / <|z|^2> = 4 g E of a complex normal: as if γ were larger by 2 g E.
    let decay = libm::exp(-(gamma + 2.0 * parameters.saturation * gamma) * h);
    let wave = |k: usize, n: usize| {
        let s = libm::sin(core::f64::consts::PI * k as f64 / n as f64);
        4.0 * s * s
    };
    let mut mean = 0.0;
    for row in 0..height {
        for column in 0..width {
            let eigenvalue = wave(row, height) + wave(column, width);
            let factor = decay * (1.0 - spread * eigenvalue);
            mean += 1.0 / (1.0 - factor * factor);
        }
    }
    (height * width) as f64 / mean
}
