//! What a sensory array is driven by of a picture: each site's own light less that of its surround.
//!
//! ```text
//! y = (T - w G T) x        T: the tile that the array looks at,  G: a Gaussian over its sites,  w: the surround's weight
//! ```
//!
//! It is the centre-surround of the retina ([`crate::sense::retina`]) before its thresholds, so with `x` the log-luminance above the
//! darkest, `1 + (L - ln dark) / (1 - ln dark)`, the bursts of a site since darkness, each by its sign, magnitude and threshold, add up to
//! `(1 - ln dark) y` but for a part of a threshold (`gain` 0). Even light is not all lost: a part `1 - w` of it drives.

use super::projection::Projection;
use super::tile::{Place, Tile};
use crate::error::{Error, Result};
use crate::kernel::blur::half_gaussian;

/// The drive of an array's sites.
#[derive(Clone, Debug)]
pub struct Drive {
    centre: Tile,
    surround: Tile,
    weight: f32,
}

impl Drive {
    /// The drive of a sheet of `shape` (rows, columns) that looks at `place` of a picture of `size`; the surround weighs `weight`, 0 to 1, and
    /// its standard deviation is `sites`, 0.5 to 32.
    ///
    /// # Errors
    /// As [`Tile::new`], and where the surround is out of its bounds.
    pub fn new(
        size: (usize, usize),
        place: &Place,
        shape: (usize, usize),
        weight: f32,
        sites: f32,
    ) -> Result<Self> {
        let bounded = [("surround", weight, 0.0, 1.0), ("surround_sites", sites, 0.5, 32.0)];
        if let Some((name, value, least, most)) =
            bounded.into_iter().find(|(_, value, least, most)| !(least..=most).contains(&value))
        {
            let error = Error::call(name, "the value is out of bounds").value(value);
            return Err(error.bound(format!("{least} to {most}")));
        }
        let centre = Tile::new(size, place, shape)?;
        let surround = centre.blurred(&half_gaussian(sites));
        Ok(Self { centre, surround, weight })
    }

    /// Takes the surround's part from `out`.
    fn less(&self, out: &mut [f32], surround: impl Fn(&mut [f32])) {
        let mut around = vec![0.0; out.len()];
        surround(&mut around);
        out.iter_mut().zip(&around).for_each(|(sum, x)| *sum -= self.weight * x);
    }
}

impl Projection for Drive {
    fn size(&self) -> (usize, usize) {
        self.centre.size()
    }

    fn data_len(&self) -> usize {
        self.centre.data_len()
    }

    fn apply(&self, picture: &[f32], data: &mut [f32], threads: usize) {
        self.centre.apply(picture, data, threads);
        self.less(data, |around| self.surround.apply(picture, around, threads));
    }

    fn adjoint(&self, data: &[f32], picture: &mut [f32], threads: usize) {
        self.centre.adjoint(data, picture, threads);
        self.less(picture, |around| self.surround.adjoint(data, around, threads));
    }

    fn sizes(&self) -> Option<Box<dyn Projection>> {
        Some(Box::new(Self { weight: -self.weight, ..self.clone() }))
    }
}
