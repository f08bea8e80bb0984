//! The decay run backwards: one solver for every task, in any number of steps, whoever renders.
//!
//! A task says what its decay takes: `D(x, s) = (1 - s) x + s L(x)`, from the whole picture at `s = 0` to what was observed at
//! `s = 1`. A renderer `R` gives its estimate of the picture from what is left at `s`. The solver is Cold Diffusion's:
//!
//! ```text
//! x_{s-1} = x_s - D(R(x_s, s), s) + D(R(x_s, s), s-1)
//! ```
//!
//! in which errors of `R` cancel where `D` is linear. What is known conditions the estimate at every step, it is not only
//! put back at the end.
//!
//! | task | `L(x)` |
//! |---|---|
//! | denoise | the noisy picture |
//! | inpaint, uncrop | `x` where it is known, in the hole the smoothest that goes on from around it |
//! | super-resolve | `x` shrunk and grown again |
//! | colour | the luminance of `x` without chroma |
//! | repair a JPEG | the JPEG |
//!
//! A dream has nothing that was observed: the way back is from noise alone, each step's estimate under the next step's noise ([`dream`]).
//!
//! Sources: Bansal et al., arXiv 2208.09392, algorithm 2; Saharia et al., arXiv 2111.05826, section 5.7.
//!
//! To add a task: its variant of [`Task`], a line in each of its methods, its word in the command.

use super::picture::{Picture, Plane};
use super::quantised::Quantised;
use super::smooth;
use crate::error::{Error, Result};

/// What is left of a picture, as a renderer is told.
#[derive(Clone, Copy, Debug)]
pub enum Evidence<'a> {
    /// The picture under white noise of `sigma` in every plane.
    Noisy {
        /// What is seen.
        picture: &'a Picture,
        /// Of a range of 1; above 0.
        sigma: f32,
    },
    /// The picture with a precision, the inverse of a variance, for every pixel; 0 where nothing is known.
    Parts {
        /// What is seen.
        picture: &'a Picture,
        /// One for all planes.
        precisions: &'a Plane,
    },
    /// The picture less a share `level` of what shrinking by `scale` takes.
    Blurred {
        /// What is left, at its full size.
        picture: &'a Picture,
        /// What was seen: `scale` times smaller.
        seen: &'a Picture,
        /// 2 to 4.
        scale: usize,
        /// 0 to 1.
        level: f32,
    },
    /// Luminance alone.
    Grey {
        /// The luminance.
        luminance: &'a Plane,
    },
}

/// Gives the picture that evidence speaks for: its mean, as far as it knows.
pub trait Renderer {
    /// The estimate, of the evidence's size.
    ///
    /// # Errors
    /// Where it knows nothing of such pictures.
    fn render(&self, evidence: &Evidence<'_>) -> Result<Picture>;
}

/// What was done to a picture.
#[derive(Clone, Debug)]
pub enum Task {
    /// White noise of this σ came over every plane.
    Denoise {
        /// Of a range of 1.
        sigma: f32,
    },
    /// Pixels were lost.
    Inpaint {
        /// 1 where the picture is known, 0 in the hole.
        known: Plane,
    },
    /// It was shrunk by this factor.
    SuperResolve {
        /// 2 to 4.
        scale: usize,
    },
    /// Its chroma was lost.
    Colour,
    /// It was kept as a JPEG file; luma and chroma were rounded.
    RepairJpeg {
        /// How luma was rounded.
        quantised: Box<Quantised>,
        /// The white noise that is taken away in its place; of a range of 1.
        sigma: f32,
    },
}

/// Precision of a pixel that is known: within a quarter of a step of 8 bits.
const KNOWN: f32 = 1e6;
/// How far what a hole is filled with at first lies from what it held, of a range of 1; a memory's first answer as much.
pub const FILL: f32 = 0.1;

impl Task {
    /// What the observed picture is at `s = 1`: the size of the whole.
    fn start(&self, observed: &Picture) -> Picture {
        match self {
            Self::SuperResolve { scale } => {
                observed.resized(observed.height() * scale, observed.width() * scale)
            }
            Self::Colour => {
                let none = Plane::flat(observed.height(), observed.width(), 0.0);
                Picture { planes: vec![observed.planes[0].clone(), none.clone(), none] }
            }
            Self::Inpaint { known } => smooth::filled(observed, known),
            Self::Denoise { .. } | Self::RepairJpeg { .. } => observed.clone(),
        }
    }

    /// `R(x, s)`, with what is known put into it.
    fn estimate(&self, x: &Picture, s: f32, observed: &Picture, renderer: &dyn Renderer) -> Result<Picture> {
        let estimate = match self {
            Self::Denoise { sigma } => renderer.render(&Evidence::Noisy { picture: x, sigma: s * sigma })?,
            Self::Inpaint { known } => {
                let hole = 1.0 / (s * s * FILL * FILL);
                let precisions = known.map(|known| if known > 0.5 { KNOWN } else { hole });
                renderer.render(&Evidence::Parts { picture: x, precisions: &precisions })?
            }
            Self::SuperResolve { scale } => {
                renderer.render(&Evidence::Blurred { picture: x, seen: observed, scale: *scale, level: s })?
            }
            Self::Colour => renderer.render(&Evidence::Grey { luminance: &observed.planes[0] })?,
            Self::RepairJpeg { sigma, .. } => {
                // Luma and chroma were rounded apart, so they are cleaned apart.
                let mut seen = x.clone();
                seen.planes[0] = x.luma();
                let mut clean = renderer.render(&Evidence::Noisy { picture: &seen, sigma: s * sigma })?;
                let luma = clean.planes[0].clone();
                clean.set_luma(&luma);
                clean
            }
        };
        Ok(self.conditioned(estimate, observed))
    }

    /// An estimate with what is known put into it.
    pub(super) fn conditioned(&self, estimate: Picture, observed: &Picture) -> Picture {
        match self {
            Self::Denoise { .. } | Self::Colour => estimate,
            Self::Inpaint { known } => {
                let planes = estimate.planes.iter().zip(&observed.planes).map(|(found, seen)| {
                    let mut plane = found.clone();
                    for ((x, seen), known) in plane.values.iter_mut().zip(&seen.values).zip(&known.values) {
                        if *known > 0.5 {
                            *x = *seen;
                        }
                    }
                    plane
                });
                Picture { planes: planes.collect() }
            }
            Self::RepairJpeg { quantised, .. } => {
                let mut held = estimate;
                let luma = quantised.held(&held.luma(), &observed.luma());
                held.set_luma(&luma);
                held
            }
            Self::SuperResolve { .. } => {
                let (height, width) = (estimate.height(), estimate.width());
                let low = estimate.resized(observed.height(), observed.width());
                let missing = observed.with(&low, |seen, found| seen - found).resized(height, width);
                estimate.with(&missing, |x, missing| x + missing)
            }
        }
    }

    /// `L(x)`: what the whole decay makes of an estimate.
    fn lost(&self, estimate: &Picture, start: &Picture, observed: &Picture) -> Picture {
        match self {
            // In the known part of an inpainted picture, start and estimate are the same.
            Self::Denoise { .. } | Self::Inpaint { .. } | Self::Colour | Self::RepairJpeg { .. } => {
                start.clone()
            }
            Self::SuperResolve { .. } => estimate
                .resized(observed.height(), observed.width())
                .resized(estimate.height(), estimate.width()),
        }
    }

    /// Runs the decay of `observed` backwards in `steps` steps of `s`.
    ///
    /// # Errors
    /// Where there is no step or the renderer knows nothing of such pictures.
    pub fn undo(&self, observed: &Picture, renderer: &dyn Renderer, steps: usize) -> Result<Picture> {
        if steps == 0 {
            return Err(Error::call("--steps", "there is no step").value(0).bound("at least 1"));
        }
        let start = self.start(observed);
        let mut x = start.clone();
        for step in 0..steps {
            let s = 1.0 - step as f32 / steps as f32;
            let estimate = self.estimate(&x, s, observed, renderer)?;
            let lost = self.lost(&estimate, &start, observed);
            let back = estimate.with(&lost, |whole, lost| (whole - lost) / steps as f32);
            x = x.with(&back, |x, back| x + back);
        }
        Ok(self.conditioned(x, observed))
    }
}

/// σ of a dream's first noise and of its last, of a range of 1.
const DREAM: (f32, f32) = (1.0, 0.02);
/// The σ at which a dream's chroma begins: pictures have less of it than of light.
const DREAM_CHROMA: f32 = 0.3;

/// The way back from noise alone: `noise` gives pictures of it, of variance 1 and no mean, a new one for each of `steps` steps.
///
/// ```text
/// x_0 = 1/2 + σ_0 n_0,    x̂ = R(x_k, σ_k),    x_{k+1} = x̂ + ρ (x_k - x̂) + σ_{k+1} sqrt(1 - ρ) n_{k+1},    ρ = (σ_{k+1} / σ_k)²
/// ```
///
/// σ falls by equal factors; the last estimate is the dream. In one step it is the mean of all that the renderer knows of such noise. Source: Song et al.,
/// "Score-based generative modeling through stochastic differential equations", ICLR, 2021, appendix F (ancestral sampling).
///
/// # Errors
/// Where there is no step or the renderer knows nothing of such pictures.
pub fn dream(mut noise: impl FnMut() -> Picture, renderer: &dyn Renderer, steps: usize) -> Result<Picture> {
    if steps == 0 {
        return Err(Error::call("--steps", "there is no step").value(0).bound("at least 1"));
    }
    let (first, last) = DREAM;
    let sigma = |step: usize| first * libm::powf(last / first, step as f32 / (steps.max(2) - 1) as f32);
    let mut found = noise().map(|plane| plane.map(|_| 0.0));
    found.planes[0] = found.planes[0].map(|_| 0.5);
    let mut seen = found.clone();
    for step in 0..steps {
        let (now, fresh) = (sigma(step), noise());
        for (at, (x, (found, n))) in
            seen.planes.iter_mut().zip(found.planes.iter().zip(&fresh.planes)).enumerate()
        {
            let most = if at == 0 { f32::INFINITY } else { DREAM_CHROMA };
            if now > most {
                continue;
            }
            // What has just begun was no noise before.
            let begins = step == 0 || sigma(step - 1) > most;
            let stays = if begins { 0.0 } else { (now / sigma(step - 1)) * (now / sigma(step - 1)) };
            let left = x.with(found, |x, found| found + stays * (x - found));
            let size = now * (1.0 - stays).sqrt();
            *x = left.with(n, |x, n| x + size * n);
        }
        found = renderer.render(&Evidence::Noisy { picture: &seen, sigma: now })?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Knows the truth, but for a constant.
    struct Oracle(Picture, f32);

    impl Renderer for Oracle {
        fn render(&self, _: &Evidence<'_>) -> Result<Picture> {
            Ok(self.0.map(|plane| plane.map(|x| x + self.1)))
        }
    }

    fn truth() -> Picture {
        Picture { planes: vec![Plane::of(12, 16, |y, x| 0.5 + 0.3 * libm::sinf((x + 2 * y) as f32))] }
    }

    fn furthest(one: &Picture, other: &Picture) -> f32 {
        let apart = one.with(other, |x, y| (x - y).abs());
        apart.planes.iter().flat_map(|plane| plane.values.iter().copied()).fold(0.0, f32::max)
    }

    #[test]
    fn who_knows_the_truth_finds_it_in_any_number_of_steps() {
        let truth = truth();
        let noisy = truth
            .map(|plane| Plane::of(12, 16, |y, x| plane.values[y * 16 + x] + 0.1 * ((x * y) % 3) as f32));
        let known = Plane::of(12, 16, |y, x| f32::from(u8::from(!(4..8).contains(&x) || y < 3)));
        let holed = truth.map(|plane| plane.with(&known, |x, known| x * known));
        let small = truth.resized(6, 8);
        for steps in [1, 2, 5, 20] {
            let oracle = Oracle(truth.clone(), 0.0);
            for (task, observed) in [
                (Task::Denoise { sigma: 0.1 }, &noisy),
                (Task::Inpaint { known: known.clone() }, &holed),
                (Task::SuperResolve { scale: 2 }, &small),
            ] {
                let found = task.undo(observed, &oracle, steps).unwrap();
                assert!(furthest(&found, &truth) < 1e-4, "{task:?} in {steps}");
            }
        }
    }

    #[test]
    fn what_is_known_stays_whatever_the_renderer_says() {
        let truth = truth();
        let known = Plane::of(12, 16, |_, x| f32::from(u8::from(x < 8)));
        let task = Task::Inpaint { known: known.clone() };
        let found = task.undo(&truth, &Oracle(truth.clone(), 0.4), 3).unwrap();
        let off = found.planes[0].with(&truth.planes[0], |x, y| (x - y).abs());
        assert!(off.values.iter().zip(&known.values).all(|(off, known)| *known < 0.5 || *off == 0.0));
        assert!(off.values.iter().any(|off| *off > 0.3));
        // An offset is not what shrinking could have left: it is taken back.
        let found =
            Task::SuperResolve { scale: 2 }.undo(&truth.resized(6, 8), &Oracle(truth.clone(), 0.4), 3);
        assert!(furthest(&found.unwrap(), &truth) < 1e-3);
    }

    #[test]
    fn a_dream_is_what_the_renderer_makes_of_noise_that_falls() {
        struct Sigmas(std::cell::RefCell<Vec<f32>>);
        impl Renderer for Sigmas {
            fn render(&self, evidence: &Evidence<'_>) -> Result<Picture> {
                let Evidence::Noisy { picture, sigma } = evidence else { unreachable!("a dream is noise") };
                self.0.borrow_mut().push(*sigma);
                Ok((*picture).clone())
            }
        }
        let ones = || Picture { planes: vec![Plane::flat(2, 2, 1.0); 3] };
        for steps in [1, 2, 5] {
            let renderer = Sigmas(std::cell::RefCell::default());
            let found = dream(ones, &renderer, steps).unwrap();
            let sigmas = renderer.0.into_inner();
            assert!(
                sigmas.len() == steps && sigmas[0] == DREAM.0 && sigmas.is_sorted_by(|a, b| a > b),
                "{sigmas:?}"
            );
            assert!(steps == 1 || (sigmas[steps - 1] - DREAM.1).abs() < 1e-6, "{sigmas:?}");
            // Who takes nothing away is left with all noise; that of chroma began later.
            let parts = |begun: &[f32]| {
                let fresh = begun.windows(2).map(|two| two[1] * (1.0 - (two[1] / two[0]).powi(2)).sqrt());
                begun.first().map_or(0.0, |first| first + fresh.sum::<f32>())
            };
            let of_chroma: Vec<f32> = sigmas.iter().copied().filter(|sigma| *sigma <= DREAM_CHROMA).collect();
            let [light, chroma] = [0, 2].map(|plane: usize| found.planes[plane].values[3]);
            assert!((light - 0.5 - parts(&sigmas)).abs() < 1e-4, "{steps}: {light}");
            assert!((chroma - parts(&of_chroma)).abs() < 1e-4, "{steps}: {chroma}");
        }
        let error = dream(ones, &Sigmas(std::cell::RefCell::default()), 0).unwrap_err().to_string();
        assert!(error.contains("--steps") && error.contains("at least 1"), "{error}");
    }

    #[test]
    fn no_step_is_refused() {
        let error = Task::Colour.undo(&truth(), &Oracle(truth(), 0.0), 0).unwrap_err().to_string();
        assert!(error.contains("--steps") && error.contains("at least 1"), "{error}");
    }
}
