//! Weighted sums over windows of a sheet, taken a block of rows at a time; real-time: nothing is allocated.
//!
//! A window's weights are products, one factor of a site's row and one of its column. In each block of rows a window
//! has a part of its own, summed down every column first and then across:
//!
//! ```text
//! part[lane] = sum over vectors v of column[v, lane] * (sum over rows y of row[y] * value[y, v, lane])
//! window     = tree of lanes of: sum over parts, over bands of c * part_re - s * part_im
//! ```
//!
//! Sums run upwards by fused multiply-adds. The order is part of the result; who takes which block, when, and by which
//! instructions is not: so a block's sums can be taken while its rows are still at hand.

use super::aligned::Aligned;
use super::lanes::{Instructions, LANES, Lanes, Work};
use std::ops::Range;

/// Rows of a block; the last block of a sheet may have fewer.
pub const BLOCK: usize = 16;
/// Values of a part in one band: lanes of its real and its imaginary sum.
const PART: usize = 2 * LANES;

/// A rectangle of a sheet with its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// The first row.
    pub row: usize,
    /// The weight of every row; at least one.
    pub rows: Vec<f32>,
    /// The first column.
    pub column: usize,
    /// The weight of every column; at least one.
    pub columns: Vec<f32>,
}

impl Window {
    /// The weight of every site, row by row.
    pub fn weights(&self) -> impl Iterator<Item = f32> {
        self.rows.iter().flat_map(|row| self.columns.iter().map(move |column| row * column))
    }
}

/// What a window has in a block.
#[derive(Clone, Debug)]
struct Part {
    /// Its rows, counted within the block.
    rows: Range<usize>,
    /// Its rows' weights.
    weights: Range<usize>,
    /// The first column, in whole vectors from the row's beginning.
    column: usize,
    /// Its columns' weights, in whole vectors.
    columns: Range<usize>,
}

/// Windows laid on a sheet.
#[derive(Clone, Debug)]
pub struct Windows {
    height: usize,
    width: usize,
    weights: Aligned,
    /// Block after block.
    parts: Vec<Part>,
    /// Where each block's parts begin, and where they end.
    blocks: Vec<usize>,
    /// The parts of every window, from the top down.
    of: Vec<Vec<usize>>,
}

impl Windows {
    /// Lays `windows` on a sheet of `height x width` sites.
    ///
    /// # Panics
    /// Where a window is empty or reaches beyond the sheet.
    #[must_use]
    pub fn new(height: usize, width: usize, windows: &[Window]) -> Self {
        let mut weights: Vec<f32> = Vec::new();
        let mut laid = Vec::new();
        for Window { row, rows, column, columns } in windows {
            assert!(!rows.is_empty() && row + rows.len() <= height, "a window's rows lie on the sheet");
            assert!(!columns.is_empty() && column + columns.len() <= width, "its columns too");
            // Whole vectors, on the sheet's own bounds: then no load crosses a line of the cache.
            let first = column / LANES * LANES;
            let start = weights.len();
            weights.resize(start + column - first, 0.0);
            weights.extend(columns);
            weights.resize(weights.len().next_multiple_of(LANES), 0.0);
            laid.push((first, start..weights.len()));
        }
        let mut of = vec![Vec::new(); windows.len()];
        let (mut parts, mut blocks) = (Vec::new(), vec![0]);
        for top in (0..height).step_by(BLOCK) {
            for ((window, laid), of) in windows.iter().zip(&laid).zip(&mut of) {
                let (row, end) = (window.row.max(top), (window.row + window.rows.len()).min(top + BLOCK));
                if row >= end {
                    continue;
                }
                let start = weights.len();
                weights.extend(&window.rows[row - window.row..end - window.row]);
                of.push(parts.len());
                parts.push(Part {
                    rows: row - top..end - top,
                    weights: start..weights.len(),
                    column: laid.0,
                    columns: laid.1.clone(),
                });
            }
            blocks.push(parts.len());
        }
        let mut aligned = Aligned::zeros(weights.len());
        aligned.copy_from_slice(&weights);
        Self { height, width, weights: aligned, parts, blocks, of }
    }

    /// Whether they lie on a sheet of this size.
    #[must_use]
    pub fn fit(&self, height: usize, width: usize) -> bool {
        (self.height, self.width) == (height, width)
    }

    /// Where the sums of some whole blocks lie among [`WindowSums::values_mut`].
    pub(super) fn values_of(&self, blocks: Range<usize>, bands: usize) -> Range<usize> {
        self.blocks[blocks.start] * bands * PART..self.blocks[blocks.end] * bands * PART
    }

    /// Takes a block's sums of a band from its rows, real and imaginary parts, into its part of the values.
    pub(super) fn take(
        &self,
        with: Instructions,
        rows: [&[f32]; 2],
        (block, band, bands): (usize, usize, usize),
        values: &mut [f32],
    ) {
        with.run(Take { windows: self, rows, block, band, bands, values });
    }
}

/// The sums of a moment and the bands' carriers in it.
#[derive(Clone, Copy, Debug)]
pub struct Watched<'a> {
    /// The sums of every band.
    pub sums: &'a WindowSums,
    /// `e^{iωt}` of every band: real and imaginary part.
    pub carriers: &'a [[f32; 2]],
}

/// The sums of every window of a sheet's bands, part by part.
#[derive(Clone, Debug)]
pub struct WindowSums {
    bands: usize,
    /// For every part, for every band: lanes of the real and of the imaginary sum.
    values: Aligned,
}

impl WindowSums {
    /// Zeros for the windows of `bands` bands.
    #[must_use]
    pub fn new(windows: &Windows, bands: usize) -> Self {
        Self { bands, values: Aligned::zeros(windows.parts.len() * bands * PART) }
    }

    /// Takes all sums of a band from its plane, real and imaginary parts.
    ///
    /// # Panics
    /// Where the plane or the windows are those of another sheet.
    pub fn take(&mut self, with: Instructions, windows: &Windows, band: usize, (re, im): (&[f32], &[f32])) {
        let sites = windows.height * windows.width;
        assert!(re.len() == sites && im.len() == sites, "a plane of this sheet");
        assert!(self.are_of(windows, self.bands), "sums of these windows");
        for block in 0..windows.blocks.len() - 1 {
            let sites = block * BLOCK * windows.width..sites.min((block + 1) * BLOCK * windows.width);
            let values = &mut self.values[windows.values_of(block..block + 1, self.bands)];
            windows.take(with, [&re[sites.clone()], &im[sites]], (block, band, self.bands), values);
        }
    }

    /// Whether they have a place for every part of `windows` in so many bands.
    pub(super) fn are_of(&self, windows: &Windows, bands: usize) -> bool {
        self.bands == bands && self.values.len() == windows.parts.len() * bands * PART
    }

    pub(super) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }
}

impl Watched<'_> {
    /// `Re[sum over bands of carrier * sum]` of every window into `out`.
    ///
    /// # Panics
    /// Where the sums are not of these windows, there is not one carrier per band or one place per window.
    pub fn read(&self, with: Instructions, windows: &Windows, out: &mut [f32]) {
        let Self { sums, carriers } = *self;
        assert!(sums.are_of(windows, carriers.len()), "sums of these windows, a carrier for every band");
        assert!(out.len() == windows.of.len(), "a place for every window");
        with.run(Read { sums, windows, carriers, out });
    }
}

struct Take<'a> {
    windows: &'a Windows,
    rows: [&'a [f32]; 2],
    block: usize,
    band: usize,
    bands: usize,
    values: &'a mut [f32],
}

impl Work for Take<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let Self { windows: Windows { width, weights, parts, blocks, .. }, rows, block, band, bands, values } =
            self;
        let parts = &parts[blocks[block]..blocks[block + 1]];
        for (part, values) in parts.iter().zip(values.chunks_exact_mut(bands * PART)) {
            let rows = rows.map(|values| &values[part.rows.start * width..part.rows.end * width]);
            let down = &weights[part.weights.clone()];
            let (across, _) = weights[part.columns.clone()].as_chunks::<LANES>();
            let whole = across.len() - usize::from(part.column + across.len() * LANES > *width);
            let mut sums = [l.splat(0.0); 2];
            let (mut v, mut x) = (0, part.column);
            while v + 3 <= whole {
                sums = add_columns::<L, 3>(l, rows, (*width, x), down, &across[v..], sums);
                (v, x) = (v + 3, x + 3 * LANES);
            }
            sums = match whole - v {
                2 => add_columns::<L, 2>(l, rows, (*width, x), down, &across[v..], sums),
                1 => add_columns::<L, 1>(l, rows, (*width, x), down, &across[v..], sums),
                _ => sums,
            };
            if whole < across.len() {
                sums = add_last(l, rows, *width, down, &across[whole], sums);
            }
            let (values, _) = values[band * PART..].as_chunks_mut::<LANES>();
            l.store(&mut values[0], sums[0]);
            l.store(&mut values[1], sums[1]);
        }
    }
}

/// Adds `N` vectors of columns, the first of them at column `x`.
#[inline(always)]
fn add_columns<L: Lanes, const N: usize>(
    l: L,
    [re, im]: [&[f32]; 2],
    (width, x): (usize, usize),
    down: &[f32],
    across: &[[f32; LANES]],
    mut sums: [L::F; 2],
) -> [L::F; 2] {
    let mut columns = [[l.splat(0.0); 2]; N];
    for ((re, im), weight) in re.chunks_exact(width).zip(im.chunks_exact(width)).zip(down) {
        let (re, _) = re[x..x + N * LANES].as_chunks::<LANES>();
        let (im, _) = im[x..x + N * LANES].as_chunks::<LANES>();
        let weight = l.splat(*weight);
        for n in 0..N {
            columns[n][0] = l.fma(weight, l.load(&re[n]), columns[n][0]);
            columns[n][1] = l.fma(weight, l.load(&im[n]), columns[n][1]);
        }
    }
    for (column, weights) in columns.iter().zip(across) {
        let weights = l.load(weights);
        sums = [l.fma(weights, column[0], sums[0]), l.fma(weights, column[1], sums[1])];
    }
    sums
}

/// Adds a row's last columns, fewer than a vector.
#[inline(always)]
fn add_last<L: Lanes>(
    l: L,
    [re, im]: [&[f32]; 2],
    width: usize,
    down: &[f32],
    across: &[f32; LANES],
    sums: [L::F; 2],
) -> [L::F; 2] {
    let x = width / LANES * LANES;
    let mut column = [l.splat(0.0); 2];
    for ((re, im), weight) in re.chunks_exact(width).zip(im.chunks_exact(width)).zip(down) {
        let weight = l.splat(*weight);
        column = [
            l.fma(weight, l.load(&padded(&re[x..])), column[0]),
            l.fma(weight, l.load(&padded(&im[x..])), column[1]),
        ];
    }
    let weights = l.load(across);
    [l.fma(weights, column[0], sums[0]), l.fma(weights, column[1], sums[1])]
}

#[inline(always)]
fn padded(rest: &[f32]) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    lanes[..rest.len()].copy_from_slice(rest);
    lanes
}

struct Read<'a> {
    sums: &'a WindowSums,
    windows: &'a Windows,
    carriers: &'a [[f32; 2]],
    out: &'a mut [f32],
}

impl Work for Read<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let Self { sums: WindowSums { bands, values }, windows, carriers, out } = self;
        for (out, parts) in out.iter_mut().zip(&windows.of) {
            let mut sum = l.splat(0.0);
            for part in parts {
                let (values, _) = values[part * bands * PART..(part + 1) * bands * PART].as_chunks::<LANES>();
                let (pairs, _) = values.as_chunks::<2>();
                for ([re, im], [c, s]) in pairs.iter().zip(carriers) {
                    sum = l.fma(l.splat(*c), l.load(re), sum);
                    sum = l.fnma(l.splat(*s), l.load(im), sum);
                }
            }
            *out = tree(l, sum);
        }
    }
}

/// Halves onto halves.
#[inline(always)]
fn tree<L: Lanes>(l: L, sum: L::F) -> f32 {
    let mut lanes = [0.0; LANES];
    l.store(&mut lanes, sum);
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    const BANDS: usize = 3;

    fn normals(seed: u64, count: usize) -> Vec<f32> {
        let mut stream = Stream::new(seed, 1);
        (0..count).map(|_| stream.normal() as f32).collect()
    }

    fn window(row: usize, rows: usize, column: usize, columns: usize) -> Window {
        let [rows, columns] = [(1, rows), (2, columns)].map(|(seed, count)| normals(seed, count));
        Window { row, rows, column, columns }
    }

    /// Sheets and windows on them: within a vector, over several, into the last and over the whole sheet.
    fn sheets() -> Vec<(usize, usize, Vec<Window>)> {
        vec![
            (1, 1, vec![window(0, 1, 0, 1)]),
            (17, 5, vec![window(16, 1, 2, 3), window(0, 17, 0, 5)]),
            (40, 100, vec![window(3, 25, 19, 31), window(15, 2, 90, 10), window(0, 40, 0, 100)]),
            (128, 128, vec![window(60, 25, 40, 25), window(103, 25, 0, 25), window(0, 1, 127, 1)]),
        ]
    }

    /// The sum as the head of this file has it, lane by lane.
    fn plain(
        [height, width]: [usize; 2],
        window: &Window,
        planes: &[[Vec<f32>; 2]],
        carriers: &[[f32; 2]],
    ) -> f32 {
        let first = window.column / LANES * LANES;
        let vectors = (window.column + window.columns.len() - first).div_ceil(LANES);
        let inside = |x: usize| (window.column..window.column + window.columns.len()).contains(&x);
        let mut lanes: [f32; LANES] = std::array::from_fn(|lane| {
            let part = |values: &[f32], top: usize| {
                (0..vectors).fold(0.0f32, |across, v| {
                    let x = first + v * LANES + lane;
                    let rows = window.row.max(top)..(window.row + window.rows.len()).min(top + BLOCK);
                    let at = |y: usize| if x < width { values[y * width + x] } else { 0.0 };
                    let down = rows.fold(0.0f32, |sum, y| window.rows[y - window.row].mul_add(at(y), sum));
                    let weight = if inside(x) { window.columns[x - window.column] } else { 0.0 };
                    weight.mul_add(down, across)
                })
            };
            let mut sum = 0.0f32;
            for top in (0..height).step_by(BLOCK) {
                if window.row >= top + BLOCK || window.row + window.rows.len() <= top {
                    continue;
                }
                for ([re, im], [c, s]) in planes.iter().zip(carriers) {
                    sum = c.mul_add(part(re, top), sum);
                    sum = (-s).mul_add(part(im, top), sum);
                }
            }
            sum
        });
        for half in [8, 4, 2, 1] {
            for lane in 0..half {
                lanes[lane] += lanes[lane + half];
            }
        }
        lanes[0]
    }

    #[test]
    fn every_set_of_instructions_gives_the_sum_of_plain_arithmetic_in_the_same_bits() {
        let carriers = [[0.6, 0.8], [-0.28, 0.96], [1.0, 0.0]];
        for (height, width, laid) in sheets() {
            let planes: Vec<[Vec<f32>; 2]> = (0..BANDS as u64)
                .map(|band| [2 * band, 2 * band + 1].map(|seed| normals(10 + seed, height * width)))
                .collect();
            let windows = Windows::new(height, width, &laid);
            for with in Instructions::all() {
                let mut sums = WindowSums::new(&windows, BANDS);
                for (band, [re, im]) in planes.iter().enumerate() {
                    sums.take(with, &windows, band, (re, im));
                }
                let mut out = vec![f32::NAN; laid.len()];
                Watched { sums: &sums, carriers: &carriers }.read(with, &windows, &mut out);
                for (value, window) in out.iter().zip(&laid) {
                    let expected = plain([height, width], window, &planes, &carriers);
                    assert_eq!(value.to_bits(), expected.to_bits(), "{with:?} {height} x {width}");
                }
            }
            // And the order aside, it is the sum of weight times value.
            for window in &laid {
                let mut exact = 0.0f64;
                for (index, weight) in window.weights().enumerate() {
                    let (y, x) = (index / window.columns.len(), index % window.columns.len());
                    let site = (window.row + y) * width + window.column + x;
                    for ([re, im], [c, s]) in planes.iter().zip(carriers) {
                        exact += f64::from(weight) * f64::from(c.mul_add(re[site], -s * im[site]));
                    }
                }
                let sum = f64::from(plain([height, width], window, &planes, &carriers));
                assert!((sum - exact).abs() < 1e-3, "{sum} for {exact}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "its columns too")]
    fn a_window_beyond_the_sheet_is_refused() {
        let _ = Windows::new(10, 10, &[window(0, 10, 4, 7)]);
    }
}
