//! An array with what it sees: its projection, its data, and how far a step of it may go.
//!
//! The step is SIRT's, `C Pᵀ R (y - P x)` with `R = 1 / (P 1)` and `C = 1 / (Pᵀ 1)` (Gilbert, J Theor Biol 36:105, 1972; Gregor and
//! Benson, IEEE Trans Med Imaging 27:918, 2008): at most 1 long, whatever the projection's units. Momentum is that of Beck and
//! Teboulle, SIAM J Imaging Sci 2:183 (2009).

use super::projection::Projection;
use crate::error::{Error, Result};

/// A row shorter than this part of the longest counts as so long: rays that only graze a picture tell little.
const LEAST_ROW: f32 = 1.0 / 64.0;
/// A pixel seen less than this part of the one seen best is not seen.
const LEAST_SIGHT: f32 = 1e-5;
/// Applications that bound the step.
const POWERS: usize = 3;

/// An array of the consensus.
pub struct Part {
    projection: Box<dyn Projection>,
    data: Vec<f32>,
    /// `R`; 0 where a number was not seen.
    rows: Vec<f32>,
    /// `Pᵀ 1` over what was seen: how much each pixel is.
    sight: Vec<f32>,
    /// The largest step that does not grow.
    step: f32,
    seen: usize,
    rms: f64,
}

impl Part {
    /// An array; of `data`, numbers that are not finite count as not seen.
    ///
    /// # Errors
    /// Where there are more or fewer data than the projection gives, or none of them sees the picture.
    pub fn new(projection: Box<dyn Projection>, mut data: Vec<f32>) -> Result<Self> {
        if data.len() != projection.data_len() {
            let error = Error::call("data", "they are not as many as the projection gives").value(data.len());
            return Err(error.bound(projection.data_len()));
        }
        let (height, width) = projection.size();
        let sizes = projection.sizes();
        let weights = sizes.as_deref().unwrap_or(&*projection);
        let ones = vec![1.0; height * width];
        let mut rows = vec![0.0; data.len()];
        weights.apply(&ones, &mut rows, 1);
        let longest = rows.iter().fold(0.0f32, |most, row| most.max(*row));
        let mask: Vec<f32> = data.iter().map(|number| f32::from(u8::from(number.is_finite()))).collect();
        for ((row, number), seen) in rows.iter_mut().zip(&mut data).zip(&mask) {
            let looks = *seen > 0.0 && *row > 0.0;
            *row = if looks { 1.0 / row.max(LEAST_ROW * longest) } else { 0.0 };
            *number = if looks { *number } else { 0.0 };
        }
        let seen = rows.iter().filter(|row| **row > 0.0).count();
        let mut sight = vec![0.0; height * width];
        weights.adjoint(&mask, &mut sight, 1);
        let best = sight.iter().fold(0.0f32, |most, sight| most.max(*sight));
        if seen == 0 || best <= 0.0 {
            let error = Error::call("data", "the array sees nothing: no number is finite and of the picture");
            return Err(error.value(0).bound("at least 1 number"));
        }
        sight.iter_mut().filter(|sight| **sight < LEAST_SIGHT * best).for_each(|sight| *sight = 0.0);
        let step = bounded(weights, &rows, &sight);
        let rms = rms(&data, seen);
        Ok(Self { projection, data, rows, sight, step, seen, rms })
    }

    /// Sees other numbers; one that is not finite, or that was not seen at first, stays as it was.
    ///
    /// # Errors
    /// Where they are not as many as before.
    pub fn see(&mut self, data: &[f32]) -> Result<()> {
        if data.len() != self.data.len() {
            let error = Error::call("data", "they are not as many as before").value(data.len());
            return Err(error.bound(self.data.len()));
        }
        let seen = self.data.iter_mut().zip(data).zip(&self.rows);
        for ((kept, number), _) in seen.filter(|((_, number), row)| **row > 0.0 && number.is_finite()) {
            *kept = *number;
        }
        self.rms = rms(&self.data, self.seen);
        Ok(())
    }

    /// Rows and columns of the picture.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        self.projection.size()
    }

    /// How much each pixel is seen.
    #[must_use]
    pub fn sight(&self) -> &[f32] {
        &self.sight
    }

    /// Numbers of the data that count.
    #[must_use]
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// The root of the mean square of the data.
    #[must_use]
    pub fn rms(&self) -> f64 {
        self.rms
    }

    /// Writes `Pᵀ R (y - P x)` times the longest step into `pull`; `scratch` holds the data meanwhile. Returns the sum of squares
    /// of `y - P x`.
    pub fn pull(&self, picture: &[f32], scratch: &mut Vec<f32>, pull: &mut [f32], threads: usize) -> f64 {
        scratch.resize(self.data.len(), 0.0);
        self.projection.apply(picture, scratch, threads);
        let mut square = 0.0;
        for ((guess, number), row) in scratch.iter_mut().zip(&self.data).zip(&self.rows) {
            let missed = if *row > 0.0 { number - *guess } else { 0.0 };
            square += f64::from(missed) * f64::from(missed);
            *guess = self.step * row * missed;
        }
        self.projection.adjoint(scratch, pull, threads);
        square
    }

    /// The sum of squares of `y - P x`.
    #[must_use]
    pub fn missed(&self, picture: &[f32], scratch: &mut Vec<f32>) -> f64 {
        scratch.resize(self.data.len(), 0.0);
        self.projection.apply(picture, scratch, 1);
        let seen = scratch.iter().zip(&self.data).zip(&self.rows).filter(|(_, row)| **row > 0.0);
        seen.map(|((guess, number), _)| f64::from(number - guess) * f64::from(number - guess)).sum()
    }
}

/// One over the largest growth of `C Pᵀ R P` that some powers from the even picture show; of a projection without negative
/// numbers the first is already a bound (Collatz and Wielandt).
fn bounded(projection: &dyn Projection, rows: &[f32], sight: &[f32]) -> f32 {
    let mut picture = vec![1.0f32; sight.len()];
    let (mut data, mut back) = (vec![0.0; rows.len()], vec![0.0; sight.len()]);
    let mut most = 0.0f32;
    for _ in 0..POWERS {
        projection.apply(&picture, &mut data, 1);
        data.iter_mut().zip(rows).for_each(|(number, row)| *number *= row);
        projection.adjoint(&data, &mut back, 1);
        let before = picture.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        let seen = back.iter().zip(sight).map(|(x, s)| if *s > 0.0 { x / s } else { 0.0 });
        picture = seen.collect();
        let after = picture.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        if before <= 0.0 {
            break;
        }
        most = most.max(after / before);
    }
    1.0 / most.max(1e-3)
}

/// The root of the mean square of those that are seen; the others are 0.
fn rms(data: &[f32], seen: usize) -> f64 {
    let square: f64 = data.iter().map(|number| f64::from(*number) * f64::from(*number)).sum();
    (square / seen as f64).sqrt()
}

/// Momentum's weights, step by step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Momentum(f64);

impl Momentum {
    pub(super) fn new() -> Self {
        Self(1.0)
    }

    /// How far the next step looks ahead along the last.
    pub(super) fn next(&mut self) -> f32 {
        let then = f64::midpoint(1.0, (1.0 + 4.0 * self.0 * self.0).sqrt());
        let ahead = (self.0 - 1.0) / then;
        self.0 = then;
        ahead as f32
    }
}

/// The picture, 0 to `most`, that explains several parts at once, after `steps` steps from the dark.
///
/// # Panics
/// Where the parts are of pictures of different sizes, or none is given.
#[must_use]
pub fn explained(parts: &[&Part], most: f32, steps: usize) -> Vec<f32> {
    let pixels = parts[0].sight.len();
    let sight: Vec<f32> = (0..pixels).map(|at| parts.iter().map(|part| part.sight[at]).sum()).collect();
    let mut picture = vec![0.0f32; pixels];
    let (mut ahead, mut sum, mut pull) = (picture.clone(), picture.clone(), picture.clone());
    let (mut scratch, mut momentum) = (Vec::new(), Momentum::new());
    for _ in 0..steps {
        sum.fill(0.0);
        for part in parts {
            part.pull(&ahead, &mut scratch, &mut pull, 1);
            sum.iter_mut().zip(&pull).for_each(|(sum, pull)| *sum += pull);
        }
        let by = momentum.next();
        for (at, x) in picture.iter_mut().enumerate() {
            let further = if sight[at] > 0.0 { sum[at] / sight[at] } else { 0.0 };
            let new = (ahead[at] + further).clamp(0.0, most);
            ahead[at] = new + by * (new - *x);
            *x = new;
        }
    }
    picture
}
