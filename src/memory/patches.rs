//! Pictures as overlapping square patches, and back.

use super::picture::{Picture, Plane, mirrored};

/// Where patches of a picture lie: centres on a grid that takes every `stride`-th row and column, and the last ones.
#[derive(Clone, Debug)]
pub struct Grid {
    side: usize,
    height: usize,
    width: usize,
    rows: Vec<usize>,
    columns: Vec<usize>,
}

impl Grid {
    /// The grid of a `height x width` picture for patches of an odd `side`.
    #[must_use]
    pub fn new(side: usize, (height, width): (usize, usize), stride: usize) -> Self {
        let every = |length: usize| {
            let mut places: Vec<usize> = (0..length).step_by(stride.max(1)).collect();
            if places.last() != Some(&(length - 1)) {
                places.push(length - 1);
            }
            places
        };
        Self { side, height, width, rows: every(height), columns: every(width) }
    }

    /// Patches.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    /// Never: a picture has a pixel.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pixels of a patch, mirrored where it reaches beyond the picture.
    fn pixels(&self, patch: usize) -> impl Iterator<Item = usize> + '_ {
        let reach = self.side / 2;
        let (y, x) = (self.rows[patch / self.columns.len()], self.columns[patch % self.columns.len()]);
        (0..self.side * self.side).map(move |at| {
            let row = mirrored(y + at / self.side, reach, self.height);
            row * self.width + mirrored(x + at % self.side, reach, self.width)
        })
    }

    /// Patches `range` of a picture, plane after plane.
    #[must_use]
    pub fn cut(&self, picture: &Picture, range: std::ops::Range<usize>) -> Vec<f32> {
        let mut out = Vec::with_capacity(range.len() * picture.planes.len() * self.side * self.side);
        for patch in range {
            for plane in &picture.planes {
                out.extend(self.pixels(patch).map(|at| plane.values[at]));
            }
        }
        out
    }
}

/// Patches laid over each other: every pixel is the mean of what they say of it.
#[derive(Clone, Debug)]
pub struct Mosaic {
    sums: Picture,
    counts: Plane,
}

impl Mosaic {
    /// Of `planes` planes for `grid`, with nothing laid.
    #[must_use]
    pub fn new(grid: &Grid, planes: usize) -> Self {
        let none = Plane::flat(grid.height, grid.width, 0.0);
        Self { sums: Picture { planes: vec![none.clone(); planes] }, counts: none }
    }

    /// Lays patches from number `first` on, as [`Grid::cut`] gives them; what is beyond the picture is left out.
    pub fn lay(&mut self, grid: &Grid, first: usize, patches: &[f32]) {
        let area = grid.side * grid.side;
        let planes = self.sums.planes.len();
        let reach = grid.side / 2;
        for (patch, values) in patches.chunks_exact(area * planes).enumerate() {
            let place = first + patch;
            let (y, x) = (grid.rows[place / grid.columns.len()], grid.columns[place % grid.columns.len()]);
            for at in 0..area {
                let row = (y + at / grid.side).checked_sub(reach).filter(|row| *row < grid.height);
                let column = (x + at % grid.side).checked_sub(reach).filter(|column| *column < grid.width);
                if let (Some(row), Some(column)) = (row, column) {
                    let pixel = row * grid.width + column;
                    self.counts.values[pixel] += 1.0;
                    for (plane, sums) in self.sums.planes.iter_mut().enumerate() {
                        sums.values[pixel] += values[plane * area + at];
                    }
                }
            }
        }
    }

    /// The picture.
    #[must_use]
    pub fn finish(self) -> Picture {
        self.sums.map(|plane| plane.with(&self.counts, |sum, count| sum / count.max(1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_comes_back_from_its_patches() {
        let plane = |seed: usize| Plane::of(9, 13, |y, x| ((y * 31 + x * 17 + seed) % 23) as f32);
        let picture = Picture { planes: vec![plane(0), plane(5), plane(11)] };
        for stride in [1, 2, 3, 5] {
            let grid = Grid::new(5, (9, 13), stride);
            let mut mosaic = Mosaic::new(&grid, 3);
            for first in (0..grid.len()).step_by(7) {
                let patches = grid.cut(&picture, first..(first + 7).min(grid.len()));
                mosaic.lay(&grid, first, &patches);
            }
            let back = mosaic.finish();
            let pairs = back.planes.iter().zip(&picture.planes);
            for (x, y) in pairs.flat_map(|(back, plane)| back.values.iter().zip(&plane.values)) {
                assert!((x - y).abs() < 1e-4, "stride {stride}");
            }
        }
    }

    #[test]
    fn a_picture_of_one_pixel_has_one_patch() {
        let grid = Grid::new(7, (1, 1), 4);
        let picture = Picture { planes: vec![Plane::flat(1, 1, 0.5)] };
        assert_eq!((grid.len(), grid.cut(&picture, 0..1)), (1, vec![0.5; 49]));
    }
}
