//! Area averaging of a picture in linear light: 8-bit sRGB in, planes of red, green and blue of any size out.
//!
//! Each output cell is the mean of the pixels under it, those at its edges weighted by the part that it covers.
//! The transfer curve is that of IEC 61966-2-1 (sRGB).

/// Luminance of linear red, green and blue (ITU-R BT.709).
pub const LUMINANCE: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// How the picture's pixels make up the cells of one axis.
#[derive(Clone, Debug, Default)]
pub struct Axis {
    /// Per cell: the first pixel and where its weights start.
    first: Vec<(usize, usize)>,
    /// The weights of all cells; those of one cell sum to 1, or are none where the cell lies outside the picture.
    weights: Vec<f32>,
}

impl Axis {
    /// `cells` cells that together span the pixels from `start` to `start + length` (pixels are 1 wide; the span may
    /// reach beyond the picture of `pixels` pixels).
    #[must_use]
    pub fn new(pixels: usize, start: f64, length: f64, cells: usize) -> Self {
        let mut axis = Self { first: Vec::with_capacity(cells + 1), weights: Vec::new() };
        let edge = |cell: usize| start + length * cell as f64 / cells as f64;
        for cell in 0..cells {
            let (low, high) = (edge(cell).max(0.0), edge(cell + 1).min(pixels as f64));
            let covered = high - low;
            // A sliver of a pixel is no part of the picture: it is how rounding looks.
            if covered < 1e-6 {
                axis.first.push((0, axis.weights.len()));
                continue;
            }
            let from = (low.floor() as usize).min(pixels - 1);
            let to = (high.ceil() as usize).clamp(from + 1, pixels);
            axis.first.push((from, axis.weights.len()));
            for pixel in from..to {
                let overlap = (high.min(pixel as f64 + 1.0) - low.max(pixel as f64)).max(0.0);
                axis.weights.push((overlap / covered) as f32);
            }
        }
        axis.first.push((0, axis.weights.len()));
        axis
    }

    /// Cells of the axis.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.first.len().saturating_sub(1)
    }

    /// The first pixel of a cell and the weights of its pixels; no weights outside the picture.
    #[must_use]
    pub fn cell(&self, cell: usize) -> (usize, &[f32]) {
        let (first, from) = self.first[cell];
        (first, &self.weights[from..self.first[cell + 1].1])
    }
}

/// The linear light of each sRGB code, 0 to 1 (IEC 61966-2-1).
#[must_use]
pub fn srgb_to_linear() -> [f32; 256] {
    let mut table = [0.0; 256];
    for (code, out) in table.iter_mut().enumerate() {
        let value = code as f64 / 255.0;
        *out = if value <= 0.040_45 {
            (value / 12.92) as f32
        } else {
            libm::pow((value + 0.055) / 1.055, 2.4) as f32
        };
    }
    table
}

/// Averages a picture (rows of `width` pixels, 3 bytes each) onto `rows` x `columns` cells: linear red, green and
/// blue side by side per cell, row by row, 0 outside the picture. `row` is scratch of `3 * columns` values.
///
/// # Panics
/// Where the axes reach beyond `rgb`, or `row` or `out` are too short.
pub fn area_average(
    table: &[f32; 256],
    rgb: &[u8],
    width: usize,
    (rows, columns): (&Axis, &Axis),
    row: &mut [[f32; 3]],
    out: &mut [[f32; 3]],
) {
    let cells = columns.cells();
    let mut reduced = None;
    for (r, out) in out.chunks_exact_mut(cells).enumerate().take(rows.cells()) {
        out.fill([0.0; 3]);
        let (first, weights) = rows.cell(r);
        for (y, &weight) in (first..).zip(weights) {
            // Neighbouring cells share the row between them.
            if reduced != Some(y) {
                reduce_row(table, &rgb[3 * width * y..3 * width * (y + 1)], columns, row);
                reduced = Some(y);
            }
            for (out, row) in out.as_flattened_mut().iter_mut().zip(row.as_flattened()) {
                *out += weight * row;
            }
        }
    }
}

/// The linear luminance (ITU-R BT.709), 0 to 1, of a picture of rows of `width` pixels, 3 bytes each, averaged onto `rows` x `columns` cells.
///
/// # Panics
/// Where the picture has no pixel, or no whole number of rows.
#[must_use]
pub fn area_luminance(table: &[f32; 256], rgb: &[u8], width: usize, [rows, columns]: [usize; 2]) -> Vec<f32> {
    assert!(width > 0 && !rgb.is_empty() && rgb.len().is_multiple_of(3 * width), "pixels lie in rows");
    let axis = |pixels: usize, cells: usize| Axis::new(pixels, 0.0, pixels as f64, cells);
    let axes = (&axis(rgb.len() / 3 / width, rows), &axis(width, columns));
    let (mut row, mut cells) = (vec![[0.0; 3]; columns], vec![[0.0; 3]; rows * columns]);
    area_average(table, rgb, width, axes, &mut row, &mut cells);
    let luminance = |cell: &[f32; 3]| cell.iter().zip(LUMINANCE).map(|(light, weight)| weight * light).sum();
    cells.iter().map(luminance).collect()
}

fn reduce_row(table: &[f32; 256], pixels: &[u8], columns: &Axis, row: &mut [[f32; 3]]) {
    for (out, pair) in row.iter_mut().zip(columns.first.windows(2)) {
        let (first, weights) = (pair[0].0, &columns.weights[pair[0].1..pair[1].1]);
        let (pixels, _) = pixels[3 * first..3 * (first + weights.len())].as_chunks::<3>();
        *out = match (pixels, weights) {
            // Halving is what a picture of twice the sheet's size needs: no loop to start and to end.
            ([a, b], &[x, y]) => core::array::from_fn(|channel| {
                x * table[usize::from(a[channel])] + y * table[usize::from(b[channel])]
            }),
            _ => pixels.iter().zip(weights).fold([0.0f32; 3], |sum, (pixel, weight)| {
                core::array::from_fn(|channel| sum[channel] + weight * table[usize::from(pixel[channel])])
            }),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn average(rgb: &[u8], width: usize, height: usize, cells: usize) -> Vec<[f32; 3]> {
        let rows = Axis::new(height, 0.0, height as f64, cells);
        let columns = Axis::new(width, 0.0, width as f64, cells);
        let mut row = vec![[0.0; 3]; cells];
        let mut out = vec![[9.0; 3]; cells * cells];
        area_average(&srgb_to_linear(), rgb, width, (&rows, &columns), &mut row, &mut out);
        out
    }

    #[test]
    fn light_is_averaged_in_linear_light_not_in_codes() {
        let rgb = [0, 0, 0, 255, 255, 255, 255, 255, 255, 0, 0, 0];
        assert_eq!(average(&rgb, 2, 2, 1), vec![[0.5; 3]]);
    }

    #[test]
    fn no_light_is_lost_whatever_the_sizes() {
        for (width, height, cells) in [(7, 5, 3), (3, 2, 8), (1, 1, 4), (13, 13, 13)] {
            let rgb: Vec<u8> = (0..3 * width * height).map(|i| (i * 37 % 256) as u8).collect();
            let table = srgb_to_linear();
            let before: f64 = rgb.iter().map(|&code| f64::from(table[usize::from(code)])).sum::<f64>();
            let after: f64 =
                average(&rgb, width, height, cells).iter().flatten().map(|&v| f64::from(v)).sum();
            let (before, after) = (before / (width * height) as f64, after / (cells * cells) as f64);
            assert!((before - after).abs() < 1e-4, "{width}x{height} to {cells}: {before} {after}");
        }
    }

    #[test]
    fn luminance_is_that_of_linear_light() {
        let found = area_luminance(&srgb_to_linear(), &[0, 255, 0, 255, 0, 0, 0, 0, 255, 0, 0, 0], 2, [1, 2]);
        assert!((found[0] - 0.3937).abs() < 1e-6 && (found[1] - 0.1063).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn cells_beyond_the_picture_have_no_weight() {
        let axis = Axis::new(10, -5.0, 20.0, 4);
        assert!(axis.cell(0).1.is_empty() && axis.cell(3).1.is_empty());
        assert_eq!(axis.cell(1).0, 0);
        assert_eq!(axis.cell(2).1.len(), 5);
    }

    #[test]
    fn mid_grey_of_srgb_is_a_fifth_of_the_light() {
        let table = srgb_to_linear();
        assert!((table[128] - 0.215_86).abs() < 1e-4);
        assert_eq!((table[0], table[255]), (0.0, 1.0));
    }
}
