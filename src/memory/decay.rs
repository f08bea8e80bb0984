//! How the array forgets: the linearised lattice as a diffusion process, mode by mode, in closed form.
//!
//! Without saturation and cascade, and in the frame that turns with its band, a mode `k` of a band is an
//! Ornstein-Uhlenbeck process:
//!
//! ```text
//! z_k(t) | z_k(0) ~ N( e^{-λ_k t} z_k(0), S_k (1 - e^{-2 λ_k t}) ),    λ_k = γ + D μ_k,
//! μ_k = 4 sin²(π k₁ / H) + 4 sin²(π k₂ / W)
//! ```
//!
//! The array steps, so here `e^{-λ_k h}` is what its own step leaves, `f_k = (1 - d μ_k) e^{-γ h}` with the spread `d` of
//! [`Tonic`], and `S_k = σ² / (1 - f_k²)` what its own noise of variance `σ²` keeps up: exact for the steps, and the
//! continuous form for small ones. So the decay of a picture is a known diffusion, and no forward simulation is needed to
//! learn it. What saturation and cascade do to that is measured by `napot validate`.
//!
//! Sources: Uhlenbeck and Ornstein, Phys Rev 36:823 (1930); Ponce-Alvarez and Deco, Sci Rep 14:2615 (2024), the linear
//! approximation of the whole-brain Hopf model; Hoogeboom and Salimans, arXiv 2209.05557, diffusion by modes.

use std::sync::Arc;

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use crate::array::ArrayParameters;
use crate::array::tonic::Tonic;
use crate::random::Stream;

/// The decay of one band of a sheet; modes are numbered row by row, from wave number (0, 0) on.
#[derive(Clone, Debug)]
pub struct Decay {
    height: usize,
    width: usize,
    /// What one step leaves of each mode.
    factors: Vec<f64>,
    /// Variance of the complex noise that one step adds to each mode.
    noise: f64,
    step_seconds: f64,
}

impl Decay {
    /// That of `band` on a `height x width` torus: the array of `parameters` with saturation and cascade left out.
    #[must_use]
    pub fn of(parameters: &ArrayParameters, band: usize, height: usize, width: usize) -> Self {
        let linear = ArrayParameters { kappa: 0.0, saturation: 0.0, ..parameters.clone() };
        Self::with_loss(&linear, band, height, width, 0.0)
    }

    /// The same with saturation as a loss of `2 g E` beside `γ`, as it is for a complex normal field; the spread is that
    /// of the whole array.
    #[must_use]
    pub fn saturated(parameters: &ArrayParameters, band: usize, height: usize, width: usize) -> Self {
        Self::with_loss(parameters, band, height, width, 2.0 * parameters.saturation)
    }

    fn with_loss(parameters: &ArrayParameters, band: usize, height: usize, width: usize, loss: f64) -> Self {
        let tonic = Tonic::solve(parameters, height, width);
        let step_seconds = parameters.step_seconds(band);
        let alone = libm::exp(-parameters.gamma(band) * step_seconds * (1.0 + loss));
        let mode = |at: usize| eigenvalue((at / width, at % width), (height, width));
        let factors = (0..height * width).map(|at| (1.0 - tonic.spread[band] * mode(at)) * alone).collect();
        let noise = tonic.noise[band] * parameters.tonic * parameters.tonic;
        Self { height, width, factors, noise, step_seconds }
    }

    /// Modes: rows times columns of the sheet.
    #[must_use]
    pub fn modes(&self) -> usize {
        self.factors.len()
    }

    /// The steps of the band that lie within `seconds`, to the nearest.
    #[must_use]
    pub fn steps(&self, seconds: f64) -> u32 {
        libm::round(seconds / self.step_seconds) as u32
    }

    /// `e^{-λ_k t}`: the share of mode `mode` that is left after `steps`; 0 to 1 where the step is stable.
    ///
    /// # Panics
    /// Where there is no such mode.
    #[must_use]
    pub fn left(&self, mode: usize, steps: u32) -> f64 {
        libm::pow(self.factors[mode], f64::from(steps))
    }

    /// `S_k`: the variance `⟨|z_k|²⟩` at which the mode settles, in the units of a site's variance.
    ///
    /// # Panics
    /// As [`Self::left`].
    #[must_use]
    pub fn stationary(&self, mode: usize) -> f64 {
        self.noise / (1.0 - self.factors[mode] * self.factors[mode])
    }

    /// `S_k (1 - e^{-2 λ_k t})`: the variance that has come in after `steps`.
    ///
    /// # Panics
    /// As [`Self::left`].
    #[must_use]
    pub fn grown(&self, mode: usize, steps: u32) -> f64 {
        let left = self.left(mode, steps);
        self.stationary(mode) * (1.0 - left * left)
    }

    /// What the modes `start` may be `steps` later: a draw from the closed form.
    ///
    /// # Panics
    /// Where `start` has not one value per mode.
    #[must_use]
    pub fn forward(&self, start: &[Complex<f64>], steps: u32, draws: &mut Stream) -> Vec<Complex<f64>> {
        assert_eq!(start.len(), self.modes(), "one value per mode");
        let later = |(mode, z): (usize, &Complex<f64>)| {
            let size = libm::sqrt(0.5 * self.grown(mode, steps));
            let noise = Complex::new(draws.normal(), draws.normal());
            z * self.left(mode, steps) + noise * size
        };
        start.iter().enumerate().map(later).collect()
    }

    /// The noise level σ that a lag stands for: the rms of the noise at a site, in each of its two parts, over the share
    /// of a flat picture that is left. A picture written with an amplitude of `a` meets a denoiser at `σ / a`.
    #[must_use]
    pub fn noise_level(&self, steps: u32) -> f64 {
        let grown: f64 = (0..self.modes()).map(|mode| self.grown(mode, steps)).sum();
        libm::sqrt(0.5 * grown / self.modes() as f64) / self.left(0, steps)
    }

    /// The transform between sites and modes of this sheet.
    #[must_use]
    pub fn transform(&self) -> Modes {
        Modes::new(self.height, self.width)
    }
}

/// Eigenvalue of the torus's Laplacian, its sign turned: 0 to 8.
#[must_use]
pub fn eigenvalue((down, across): (usize, usize), (height, width): (usize, usize)) -> f64 {
    let wave = |k: usize, n: usize| {
        let sine = libm::sin(core::f64::consts::PI * k as f64 / n as f64);
        4.0 * sine * sine
    };
    wave(down, height) + wave(across, width)
}

/// The unitary Fourier transform of a `height x width` sheet, row by row.
pub struct Modes {
    height: usize,
    width: usize,
    rows: [Arc<dyn Fft<f64>>; 2],
    columns: [Arc<dyn Fft<f64>>; 2],
}

impl Modes {
    /// Of a sheet of at least one site.
    #[must_use]
    pub fn new(height: usize, width: usize) -> Self {
        let mut planner = FftPlanner::new();
        let mut both = |n| [planner.plan_fft_forward(n), planner.plan_fft_inverse(n)];
        Self { height, width, rows: both(width), columns: both(height) }
    }

    /// Modes of the sites `re + i im`.
    ///
    /// # Panics
    /// Where there is not a value for every site.
    #[must_use]
    pub fn of(&self, re: &[f32], im: &[f32]) -> Vec<Complex<f64>> {
        let sites = re.iter().zip(im).map(|(x, y)| Complex::new(f64::from(*x), f64::from(*y))).collect();
        self.turn(sites, 0)
    }

    /// Sites of the modes.
    ///
    /// # Panics
    /// As [`Self::of`].
    #[must_use]
    pub fn sites(&self, modes: Vec<Complex<f64>>) -> Vec<Complex<f64>> {
        self.turn(modes, 1)
    }

    fn turn(&self, mut plane: Vec<Complex<f64>>, way: usize) -> Vec<Complex<f64>> {
        let (height, width) = (self.height, self.width);
        assert_eq!(plane.len(), height * width, "a value for every site");
        let scale = 1.0 / libm::sqrt((height * width) as f64);
        self.rows[way].process(&mut plane);
        let mut turned: Vec<_> =
            (0..height * width).map(|at| plane[at % height * width + at / height]).collect();
        self.columns[way].process(&mut turned);
        (0..height * width).map(|at| turned[at % width * height + at / width] * scale).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Array;
    use crate::kernel::team::Team;
    use crate::signal::ArrayId;
    use crate::time::Tick;

    const SIDE: usize = 8;

    fn linear(tonic: f64) -> ArrayParameters {
        let plain =
            ArrayParameters { twin: false, kappa: 0.0, saturation: 0.0, ..ArrayParameters::default() };
        ArrayParameters { tonic, ..plain }
    }

    /// Runs the array from `start` at every band for `ticks`, again and again; hands over the modes of `band`.
    fn restarted(
        parameters: &ArrayParameters,
        start: &[f32],
        (band, ticks, times): (usize, u64, u64),
        mut look: impl FnMut(&[Complex<f64>]),
    ) {
        let mut array = Array::new(ArrayId(0), SIDE, SIDE, parameters, 3, 1).unwrap();
        let mut team = Team::new(1);
        let modes = Modes::new(SIDE, SIDE);
        // Nothing drives it.
        let state = [start, &vec![0.0; array.state_values() - start.len()]].concat();
        for time in 0..times {
            array.put_state(&state);
            (0..ticks).for_each(|tick| array.step(Tick(time * ticks + tick), &mut team));
            let (re, im) = array.field().band(band);
            look(&modes.of(re, im));
        }
    }

    #[test]
    fn the_mean_of_every_mode_is_that_of_the_running_array() {
        let parameters = linear(0.0);
        let mut draws = Stream::new(5, 0);
        let values = SIDE * SIDE * 2 * parameters.bands;
        let start: Vec<f32> = (0..values).map(|_| draws.normal() as f32).collect();
        for (band, ticks) in [(7, 3), (4, 16)] {
            let decay = Decay::of(&parameters, band, SIDE, SIDE);
            let steps = (ticks / parameters.ticks_per_step(band)) as u32;
            let plane = |part: usize| &start[(part * parameters.bands + band) * SIDE * SIDE..][..SIDE * SIDE];
            let before = Modes::new(SIDE, SIDE).of(plane(0), plane(1));
            restarted(&parameters, &start, (band, ticks, 1), |after| {
                for mode in 0..decay.modes() {
                    let expected = before[mode] * decay.left(mode, steps);
                    let apart = (after[mode] - expected).norm() / expected.norm();
                    assert!(apart < 1e-3, "band {band}, mode {mode}: {apart}");
                }
            });
        }
    }

    #[test]
    fn the_variance_of_every_mode_is_that_of_the_running_array_within_two_percent() {
        let parameters = linear(1.0);
        let (band, ticks, times) = (7, 6, 16_000);
        let decay = Decay::of(&parameters, band, SIDE, SIDE);
        let mut power = vec![0.0; decay.modes()];
        restarted(&parameters, &vec![0.0; SIDE * SIDE * 2 * 8], (band, ticks, times), |after| {
            power.iter_mut().zip(after).for_each(|(sum, z)| *sum += z.norm_sqr());
        });
        let mirror = |k: usize| (SIDE - k) % SIDE;
        for mode in 0..decay.modes() {
            let (k, l) = (mode / SIDE, mode % SIDE);
            let alike = [(k, l), (mirror(k), l), (k, mirror(l)), (mirror(k), mirror(l))];
            let both = alike.iter().flat_map(|(k, l)| [k * SIDE + l, l * SIDE + k]);
            let found = both.map(|at| power[at]).sum::<f64>() / 8.0 / times as f64;
            let ratio = found / decay.grown(mode, ticks as u32);
            assert!((ratio - 1.0).abs() < 0.02, "mode ({k}, {l}): {ratio}");
        }
    }

    #[test]
    fn draws_have_the_closed_forms_moments() {
        let decay = Decay::of(&linear(1.0), 5, 4, 6);
        let start = vec![Complex::new(2.0, -1.0); decay.modes()];
        let mut draws = Stream::new(1, 0);
        let (steps, times) = (3, 20_000);
        let mut sums = vec![(Complex::new(0.0, 0.0), 0.0); decay.modes()];
        for _ in 0..times {
            let later = decay.forward(&start, steps, &mut draws);
            for (mode, (sum, z)) in sums.iter_mut().zip(&later).enumerate() {
                sum.0 += z;
                sum.1 += (z - start[mode] * decay.left(mode, steps)).norm_sqr();
            }
        }
        for (mode, (sum, square)) in sums.iter().enumerate() {
            let mean = sum / f64::from(times) - start[mode] * decay.left(mode, steps);
            assert!(mean.norm() < 0.03, "mode {mode}: {mean}");
            let ratio = square / f64::from(times) / decay.grown(mode, steps);
            assert!((ratio - 1.0).abs() < 0.04, "mode {mode}: {ratio}");
        }
    }

    #[test]
    fn noise_grows_with_the_lag_from_none() {
        let decay = Decay::of(&ArrayParameters::default(), 3, 16, 16);
        let levels: Vec<f64> = [0, 1, 5, 20, 60].map(|steps| decay.noise_level(steps)).to_vec();
        assert_eq!(levels[0], 0.0);
        assert!(levels.windows(2).all(|pair| pair[0] < pair[1]), "{levels:?}");
        // e^(-γ t) of 1/e: the flat picture has lost as much.
        let steps = decay.steps(1.0 / ArrayParameters::default().gamma(3));
        assert!((decay.left(0, steps) - libm::exp(-1.0)).abs() < 0.02);
    }

    #[test]
    fn sites_come_back_from_their_modes() {
        let mut draws = Stream::new(2, 0);
        let re: Vec<f32> = (0..15).map(|_| draws.normal() as f32).collect();
        let im: Vec<f32> = (0..15).map(|_| draws.normal() as f32).collect();
        let modes = Modes::new(3, 5);
        let back = modes.sites(modes.of(&re, &im));
        for (site, z) in back.iter().enumerate() {
            assert!((z - Complex::new(f64::from(re[site]), f64::from(im[site]))).norm() < 1e-12);
        }
    }
}
