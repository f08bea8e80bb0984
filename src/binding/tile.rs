//! A picture of a part of the whole, as a camera at a known place takes it: blurred, and kept at every so many rows and columns.
//!
//! ```text
//! y_rc = Σ_ij h(row + every r - i) h(column + every c - j) x_ij       h: a Gaussian, or the straight line between two pixels
//! ```
//!
//! Pixels' middles are at whole numbers; beyond the whole's edges it is dark. A window of the whole is a tile of `every` 1
//! without blur at whole numbers.

use super::projection::{Projection, by_rows};
use crate::error::{Error, Result};

/// The widest blur, in pixels.
pub const MOST_BLUR: f64 = 64.0;
/// The narrowest Gaussian: of a narrower one pixels would see nothing.
pub const LEAST_BLUR: f64 = 0.3;
/// A Gaussian's reach: beyond it lies less than a ten-thousandth.
const REACH: f64 = 4.0;

/// Where a tile lies, and how it was taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Row and column of its first pixel's middle, in pixels of the whole; not below 0.
    pub corner: (f64, f64),
    /// Pixels of the whole from one of its pixels to the next, 1 to 64.
    pub every: f64,
    /// σ of the blur in pixels of the whole: 0 for none, else [`LEAST_BLUR`] to [`MOST_BLUR`].
    pub blur: f64,
}

/// A tile of `shape` pixels.
#[derive(Clone, Debug)]
pub struct Tile {
    rows: Axis,
    columns: Axis,
}

impl Tile {
    /// The tile of `shape` (rows, columns) at `place` of a whole of `size`.
    ///
    /// # Errors
    /// Where it is empty, reaches beyond the whole, or a number of its place is out of range.
    pub fn new(size: (usize, usize), place: &Place, shape: (usize, usize)) -> Result<Self> {
        place.check()?;
        let (high, wide) = place.extent(shape);
        if shape.0 == 0 || shape.1 == 0 || high > size.0 || wide > size.1 {
            let error = Error::call("tile", "it is empty or reaches beyond the whole");
            let (row, column) = place.corner;
            let value = format!("{} x {} at row {row}, column {column}", shape.0, shape.1);
            return Err(error.value(value).bound(format!("within {} x {}", size.0, size.1)));
        }
        Ok(Self {
            rows: Axis::new(size.0, shape.0, place.corner.0, place),
            columns: Axis::new(size.1, shape.1, place.corner.1, place),
        })
    }
}

impl Tile {
    /// The tile after a symmetric blur of its own pixels by a kernel of this centre and side, as [`crate::kernel::blur`] has it.
    pub(super) fn blurred(&self, side: &[f32]) -> Self {
        Self { rows: self.rows.blurred(side), columns: self.columns.blurred(side) }
    }
}

impl Place {
    /// # Errors
    /// Where a number is out of its range.
    pub fn check(&self) -> Result<()> {
        let fault = |name: &str, value: f64, bound: String| {
            Err(Error::call(name, "it is out of range, in pixels").value(value).bound(bound))
        };
        for (name, at) in [("row", self.corner.0), ("column", self.corner.1)] {
            if !(0.0..=1e6).contains(&at) {
                return fault(name, at, "0 or more".to_owned());
            }
        }
        if !(1.0..=64.0).contains(&self.every) {
            return fault("every", self.every, "1 to 64".to_owned());
        }
        if self.blur != 0.0 && !(LEAST_BLUR..=MOST_BLUR).contains(&self.blur) {
            return fault("blur", self.blur, format!("0, or {LEAST_BLUR} to {MOST_BLUR}"));
        }
        Ok(())
    }

    /// Rows and columns of a whole that holds all middles of a tile of that shape here.
    #[must_use]
    pub fn extent(&self, shape: (usize, usize)) -> (usize, usize) {
        let end = |first: f64, count: usize| {
            (first + self.every * count.saturating_sub(1) as f64).ceil() as usize + 1
        };
        (end(self.corner.0, shape.0), end(self.corner.1, shape.1))
    }
}

/// One axis: from the whole's pixels to the tile's, and back.
#[derive(Clone, Debug)]
struct Axis {
    /// Of the whole.
    length: usize,
    /// By a pixel of the tile: the first of the whole that it sees, and the weights from there on.
    seen: Vec<(usize, Vec<f32>)>,
    /// By a pixel of the whole: the tile's that see it, and their weights.
    seers: Vec<Vec<(usize, f32)>>,
}

impl Axis {
    fn new(length: usize, count: usize, first: f64, place: &Place) -> Self {
        let reach = if place.blur > 0.0 { REACH * place.blur } else { 1.0 };
        let weight = |away: f64| {
            if place.blur > 0.0 {
                libm::exp(-0.5 * (away / place.blur) * (away / place.blur))
            } else {
                (1.0 - away.abs()).max(0.0)
            }
        };
        let taps = |at: usize| {
            let middle = first + place.every * at as f64;
            let places = (middle - reach).ceil() as i64..=(middle + reach).floor() as i64;
            // Weights beyond the edge count, so that what is beyond it is dark.
            let sum: f64 = places.clone().map(|to| weight(to as f64 - middle)).sum();
            let within = places.filter(|to| usize::try_from(*to).is_ok_and(|to| to < length));
            let some: Vec<(usize, f32)> =
                within.map(|to| (to as usize, (weight(to as f64 - middle) / sum) as f32)).collect();
            let some: Vec<(usize, f32)> = some.into_iter().skip_while(|(_, weight)| *weight == 0.0).collect();
            let start = some.first().map_or(0, |(to, _)| *to);
            (start, some.into_iter().map(|(_, weight)| weight).collect::<Vec<f32>>())
        };
        let seen: Vec<(usize, Vec<f32>)> = (0..count).map(taps).collect();
        Self::of(length, seen)
    }

    fn of(length: usize, seen: Vec<(usize, Vec<f32>)>) -> Self {
        let mut seers = vec![Vec::new(); length];
        for (from, (start, weights)) in seen.iter().enumerate() {
            for (to, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
                seers[start + to].push((from, *weight));
            }
        }
        Self { length, seen, seers }
    }

    /// What a symmetric kernel of this centre and side makes of the tile's pixels; its edges go on as they end.
    fn blurred(&self, side: &[f32]) -> Self {
        let last = self.count() - 1;
        let taps = |at: usize| {
            let mut line = vec![0.0f32; self.length];
            let mut add = |from: usize, weight: f32| {
                let (start, weights) = &self.seen[from];
                line[*start..].iter_mut().zip(weights).for_each(|(sum, x)| *sum += weight * x);
            };
            for (away, weight) in side.iter().enumerate() {
                add(at.saturating_sub(away), *weight);
                if away > 0 {
                    add((at + away).min(last), *weight);
                }
            }
            let start = line.iter().position(|weight| *weight > 0.0).unwrap_or_default();
            let end = line.iter().rposition(|weight| *weight > 0.0).map_or(start, |last| last + 1);
            (start, line[start..end].to_vec())
        };
        Self::of(self.length, (0..self.count()).map(taps).collect())
    }

    fn count(&self) -> usize {
        self.seen.len()
    }
}

impl Projection for Tile {
    fn size(&self) -> (usize, usize) {
        (self.rows.length, self.columns.length)
    }

    fn data_len(&self) -> usize {
        self.rows.count() * self.columns.count()
    }

    fn apply(&self, picture: &[f32], data: &mut [f32], threads: usize) {
        let ((height, width), wide) = (self.size(), self.columns.count());
        assert!(picture.len() == height * width && data.len() == self.data_len(), "a picture and its data");
        let work = picture.len();
        let mut thin = vec![0.0; height * wide];
        by_rows(&mut thin, wide, work, threads, |y, out| {
            // Rows that the tile does not see stay 0.
            if self.rows.seers[y].is_empty() {
                return;
            }
            for (sum, (start, weights)) in out.iter_mut().zip(&self.columns.seen) {
                let pixels = &picture[y * width + start..];
                *sum = weights.iter().zip(pixels).map(|(weight, x)| weight * x).sum();
            }
        });
        by_rows(data, wide, work, threads, |to, out| {
            out.fill(0.0);
            let (start, weights) = &self.rows.seen[to];
            for (weight, line) in weights.iter().zip(thin[start * wide..].chunks_exact(wide)) {
                out.iter_mut().zip(line).for_each(|(sum, x)| *sum += weight * x);
            }
        });
    }

    fn adjoint(&self, data: &[f32], picture: &mut [f32], threads: usize) {
        let ((height, width), wide) = (self.size(), self.columns.count());
        assert!(picture.len() == height * width && data.len() == self.data_len(), "a picture and its data");
        by_rows(picture, width, height * width, threads, |y, out| {
            out.fill(0.0);
            if self.rows.seers[y].is_empty() {
                return;
            }
            let mut line = vec![0.0f32; wide];
            for (from, weight) in &self.rows.seers[y] {
                let seen = &data[from * wide..][..wide];
                line.iter_mut().zip(seen).for_each(|(sum, x)| *sum += weight * x);
            }
            for (x, (start, weights)) in line.iter().zip(&self.columns.seen) {
                for (sum, weight) in out[*start..].iter_mut().zip(weights) {
                    *sum += weight * x;
                }
            }
        });
    }
}
