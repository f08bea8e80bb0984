//! How surely an array's place is told: the standard error of the fit, and whether the body or noise is what was fitted.
//!
//! An array is held against the picture of the others of its whole. With `g` how that picture's lines change as the array is moved or
//! turned and `e²` the mean square of what is left, at least the noise's σ² where it is known, the fit's error has the variance (Huber,
//! Proc 5th Berkeley Symp 1:221, 1967)
//!
//! ```text
//! B⁻¹ (s² g·g) B⁻¹        B = g₁·g₂        s² = e² + (τ rms)²        ρ = g₁·g₂ / (|g₁| |g₂|)
//! ```
//!
//! `B` is the curvature. That of the data alone will not do: the others' picture holds their noise, which changes with a turn, too, and an
//! array has been turned to where it fits. So halves of the others each make a picture, and only what both say changes (`g₁`, `g₂`) is
//! the body's (half sets, as in van Heel and Schatz, J Struct Biol 151:250, 2005). Of a round body under noise `ρ` is near 0; without noise
//! halves agree on what the grid leaves, too, for which `τ rms` stands, the scale of [`crate::binding::agreement`].

use super::{ASIDE, Place, Seen, What};
use crate::binding::agreement::TOLERANCE;
use crate::error::Result;

/// The least `ρ`, as the median of a whole's arrays: of what changes in the picture of all others, half is then the body's, 2ρ / (1 + ρ).
const BODY: f64 = 1.0 / 3.0;
/// Elements and degrees to either side at which more must change than what the grid leaves.
const FAR: [f64; 2] = [1.0, 5.0];
/// The largest standard error, in elements or degrees: beyond it the curvature is not that of the place that was found.
const MOST_ERROR: f64 = ASIDE;

/// Why a shift or turn is not determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// What would change is noise, or what the grid leaves: under a turn the body looks alike, or nothing is seen.
    Alike,
    /// What changes is the body's, but so little of it under the noise that the standard error is above one element or degree.
    Noise,
    /// Fewer than two others see the same.
    Alone,
}

/// How surely a shift or turn is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surely {
    /// The standard error in elements or degrees; infinite where there is no curvature.
    pub error: f64,
    /// `None` where it is determined.
    pub why_not: Option<WhyNot>,
}

/// What is told of an array's shift and turn, in that order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    /// `ρ`; 0 of what is not looked for.
    pub body: [f64; 2],
    /// Standard errors of each where the other is known, and where both are fitted; infinite where there is no curvature.
    pub alone: [f64; 2],
    pub error: [f64; 2],
}

impl Evidence {
    /// Of an array at `place` and the pictures of all others and of two halves of them; the noise is no less than `sigma`.
    ///
    /// # Errors
    /// As [`Seen::part`].
    pub(super) fn of(
        seen: &Seen,
        detectors: usize,
        what: What,
        place: Place,
        pictures: [&[f32]; 3],
        sigma: Option<f64>,
    ) -> Result<Self> {
        let known: Vec<bool> = seen.data.iter().map(|number| number.is_finite()).collect();
        let count = known.iter().filter(|known| **known).count().max(1) as f64;
        let shown = seen.shown(detectors, place, pictures[0])?;
        let left = seen.data.iter().zip(&shown).filter(|(number, _)| number.is_finite());
        let (mut square, mut data) = (0.0, 0.0);
        for (number, shown) in left {
            square += f64::from(number - shown) * f64::from(number - shown);
            data += f64::from(*number) * f64::from(*number);
        }
        let grid = TOLERANCE * TOLERANCE * data / count;
        let noise = (square / count).max(sigma.map_or(0.0, |sigma| sigma * sigma)) + grid;
        // Half of what changes from so far on one side to so far on the other.
        let change = |at: usize, by: f64, picture: &[f32]| -> Result<Vec<f64>> {
            let to = |by: f64| match at {
                0 => Place { shift: place.shift + by, ..place },
                _ => Place { turn: place.turn + by, ..place },
            };
            let (before, after) =
                (seen.shown(detectors, to(-by), picture)?, seen.shown(detectors, to(by), picture)?);
            let pairs = before.into_iter().zip(after).zip(&known);
            Ok(pairs.map(|((x, y), known)| if *known { 0.5 * f64::from(y - x) } else { 0.0 }).collect())
        };
        let mut changes: [[Vec<f64>; 3]; 2] = Default::default();
        let mut far = [0.0; 2];
        for at in (0..2).filter(|at| what != [What::Rotation, What::Shift][*at]) {
            for (near, picture) in changes[at].iter_mut().zip(pictures) {
                *near = change(at, ASIDE, picture)?.into_iter().map(|x| x / ASIDE).collect();
            }
            far[at] = dot(&change(at, FAR[at], pictures[1])?, &change(at, FAR[at], pictures[2])?) / count;
        }
        let all = |i: usize, j: usize| dot(&changes[i][0], &changes[j][0]);
        let halves = |i: usize, j: usize| {
            0.5 * (dot(&changes[i][1], &changes[j][2]) + dot(&changes[j][1], &changes[i][2]))
        };
        let body = [0, 1].map(|i| {
            let sizes = dot(&changes[i][1], &changes[i][1]) * dot(&changes[i][2], &changes[i][2]);
            if sizes > 0.0 && far[i] > grid { halves(i, i) / sizes.sqrt() } else { 0.0 }
        });
        let alone = |i: usize| {
            let curvature = halves(i, i);
            if curvature > 0.0 { (noise * all(i, i)).sqrt() / curvature } else { f64::INFINITY }
        };
        let alone = [0, 1].map(alone);
        let error = if what == What::Both {
            both(noise, [all(0, 0), all(0, 1), all(1, 1)], [halves(0, 0), halves(0, 1), halves(1, 1)])
        } else {
            alone
        };
        Ok(Self { body, alone, error })
    }

    /// How surely both are told, where the median `ρ` of the whole's arrays is `body`.
    pub(super) fn surely(&self, body: [f64; 2]) -> [Surely; 2] {
        [0, 1].map(|at| {
            // Where the other changes nothing, it takes nothing from this one.
            let error = if body[1 - at] < BODY { self.alone[at] } else { self.error[at] };
            let why_not = if body[at] < BODY {
                Some(WhyNot::Alike)
            } else if error > MOST_ERROR {
                Some(WhyNot::Noise)
            } else {
                None
            };
            Surely { error, why_not }
        })
    }
}

/// Of an array that nobody, or one other alone, sees the same as.
pub(super) const ALONE: Surely = Surely { error: f64::INFINITY, why_not: Some(WhyNot::Alone) };

/// Standard errors of two numbers that are fitted together; matrices are symmetric, by rows.
fn both(noise: f64, [d00, d01, d11]: [f64; 3], [b00, b01, b11]: [f64; 3]) -> [f64; 2] {
    let determinant = b00 * b11 - b01 * b01;
    if b00 <= 0.0 || b11 <= 0.0 || determinant <= 0.0 {
        return [f64::INFINITY; 2];
    }
    [[b11, -b01], [-b01, b00]].map(|[x, y]| {
        let square = x * x * d00 + 2.0 * x * y * d01 + y * y * d11;
        (noise * square.max(0.0)).sqrt() / determinant
    })
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_numbers_that_are_fitted_together_err_as_by_the_inverse_of_their_curvature() {
        // Noise 4, curvature [[2, 1], [1, 2]] of the data as of the halves: the inverse has 2/3 on its diagonal.
        let found = both(4.0, [2.0, 1.0, 2.0], [2.0, 1.0, 2.0]);
        assert!(found.iter().all(|error| (error - (4.0f64 * 2.0 / 3.0).sqrt()).abs() < 1e-12), "{found:?}");
        assert_eq!(both(4.0, [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]), [f64::INFINITY; 2]);
    }
}
