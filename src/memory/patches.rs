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
    /// Rows and columns from as far before the picture as a patch reaches to as far behind it, mirrored at its edges.
    mirror: [Vec<usize>; 2],
    /// Of all rows and columns, only the places whose row and column add up to a multiple of this.
    diagonal: usize,
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
        let reach = side / 2;
        let mirror = [height, width].map(|length| {
            (0..length + 2 * reach).map(|at| mirrored(at, reach, length)).collect::<Vec<usize>>()
        });
        Self { side, height, width, rows: every(height), columns: every(width), mirror, diagonal: 1 }
    }

    /// Every third place of each row, one further to the left in each row than in the one above: a third of all places, as
    /// evenly as can be.
    #[must_use]
    pub fn thirds(side: usize, size: (usize, usize)) -> Self {
        Self { diagonal: 3, ..Self::new(side, size, 1) }
    }

    /// Places of `row`: the first column, and how many there are.
    fn along(&self, row: usize) -> (usize, usize) {
        let first = (self.diagonal - row % self.diagonal) % self.diagonal;
        (first, self.columns.len().saturating_sub(first).div_ceil(self.diagonal))
    }

    /// Row and column of a patch.
    fn place(&self, patch: usize) -> (usize, usize) {
        // As many rows as a diagonal is wide have together as many places as one whole row.
        let whole = self.columns.len();
        let (mut row, mut left) = (patch / whole * self.diagonal, patch % whole);
        loop {
            let (first, count) = self.along(row);
            if left < count {
                return (self.rows[row], self.columns[first + left * self.diagonal]);
            }
            (row, left) = (row + 1, left - count);
        }
    }

    /// Patches.
    #[must_use]
    pub fn len(&self) -> usize {
        let whole = self.rows.len() / self.diagonal;
        let rest = whole * self.diagonal..self.rows.len();
        whole * self.columns.len() + rest.map(|row| self.along(row).1).sum::<usize>()
    }

    /// Never: a picture has a pixel.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Patches `range` of a picture, plane after plane.
    #[must_use]
    pub fn cut(&self, picture: &Picture, range: std::ops::Range<usize>) -> Vec<f32> {
        let mut out = Vec::with_capacity(range.len() * picture.planes.len() * self.side * self.side);
        for patch in range {
            let (y, x) = self.place(patch);
            let columns = &self.mirror[1][x..x + self.side];
            for plane in &picture.planes {
                for row in &self.mirror[0][y..y + self.side] {
                    let line = &plane.values[row * self.width..][..self.width];
                    out.extend(columns.iter().map(|column| line[*column]));
                }
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
            let (y, x) = grid.place(first + patch);
            // What of the patch lies within the picture.
            let rows = reach.saturating_sub(y)..grid.side.min(grid.height + reach - y);
            let columns = reach.saturating_sub(x)..grid.side.min(grid.width + reach - x);
            for row in rows {
                let to = (y + row - reach) * grid.width + x + columns.start - reach;
                for count in &mut self.counts.values[to..to + columns.len()] {
                    *count += 1.0;
                }
                for (plane, sums) in self.sums.planes.iter_mut().enumerate() {
                    let from = plane * area + row * grid.side;
                    let values = &values[from + columns.start..from + columns.end];
                    for (sum, value) in sums.values[to..to + columns.len()].iter_mut().zip(values) {
                        *sum += value;
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
        let grids = [1, 2, 3, 5].map(|stride| (stride, Grid::new(5, (9, 13), stride)));
        for (stride, grid) in grids.into_iter().chain([(0, Grid::thirds(5, (9, 13)))]) {
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

    #[test]
    fn thirds_are_the_places_of_every_third_diagonal_whatever_the_picture() {
        for (height, width) in [(1, 1), (1, 5), (5, 1), (2, 2), (3, 4), (8, 7), (9, 13)] {
            let grid = Grid::thirds(7, (height, width));
            let wanted: Vec<(usize, usize)> = (0..height)
                .flat_map(|y| (0..width).map(move |x| (y, x)))
                .filter(|(y, x)| (y + x) % 3 == 0)
                .collect();
            let found: Vec<(usize, usize)> = (0..grid.len()).map(|patch| grid.place(patch)).collect();
            assert_eq!(found, wanted, "{height} x {width}");
            let mut mosaic = Mosaic::new(&grid, 1);
            let picture = Picture { planes: vec![Plane::flat(height, width, 0.5)] };
            mosaic.lay(&grid, 0, &grid.cut(&picture, 0..grid.len()));
            assert_eq!(mosaic.finish(), picture, "a pixel of {height} x {width} lies in no patch");
        }
    }
}
