//! What a band shows of itself by place: its power, pixel by pixel; real-time code.

use crate::kernel::meters::Plane;

/// `|z|²` beyond this many times its tonic mean counts as this many: no reading hangs on rare peaks.
pub const HELD: f32 = 6.0;

/// Means of `|z|²` over the sites of each of `pixels` rows and columns, in units of `tonic_variance`, of the difference from a
/// twin where there is one; into `out`, row by row.
///
/// # Panics
/// Where the plane has no whole rows of `width` sites, there are more pixels than sites along a side, or `out` has not one
/// number for each pixel.
pub fn pooled_power(
    plane: Plane<'_>,
    twin: Option<Plane<'_>>,
    width: usize,
    tonic_variance: f32,
    pixels: (usize, usize),
    out: &mut [f32],
) {
    let (rows, columns) = pixels;
    let height = plane.0.len() / width;
    assert!(plane.0.len() == height * width && rows <= height && columns <= width, "a site for every pixel");
    assert_eq!(out.len(), rows * columns, "a number for every pixel");
    let per = 1.0 / tonic_variance;
    let power = |site: usize| {
        let (mut re, mut im) = (plane.0[site], plane.1[site]);
        if let Some((twin_re, twin_im)) = twin {
            re -= twin_re[site];
            im -= twin_im[site];
        }
        ((re * re + im * im) * per).min(HELD)
    };
    let edge = |at: usize, length: usize, count: usize| at * length / count;
    for row in 0..rows {
        let lines = edge(row, height, rows)..edge(row + 1, height, rows);
        for column in 0..columns {
            let (from, to) = (edge(column, width, columns), edge(column + 1, width, columns));
            let sum: f32 =
                lines.clone().map(|y| (y * width + from..y * width + to).map(power).sum::<f32>()).sum();
            out[row * columns + column] = sum / (lines.len() * (to - from)) as f32;
        }
    }
}

/// The pixel that a site belongs to, as [`pooled_power`] has it.
#[must_use]
pub fn pixel_of(site: usize, (height, width): (usize, usize), (rows, columns): (usize, usize)) -> usize {
    let of = |at: usize, length: usize, count: usize| ((at + 1) * count - 1) / length;
    of(site / width, height, rows) * columns + of(site % width, width, columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_site_counts_in_its_pixel_and_in_no_other() {
        for (sheet, pixels) in
            [((5, 7), (2, 3)), ((16, 16), (16, 16)), ((100, 37), (16, 16)), ((1, 3), (1, 2))]
        {
            let (height, width) = sheet;
            for site in 0..height * width {
                let mut re = vec![0.0; height * width];
                re[site] = 1.0;
                let im = vec![0.0; height * width];
                let mut out = vec![0.0; pixels.0 * pixels.1];
                pooled_power((&re, &im), None, width, 1.0, pixels, &mut out);
                let struck: Vec<usize> = (0..out.len()).filter(|at| out[*at] > 0.0).collect();
                assert_eq!(struck, [pixel_of(site, sheet, pixels)], "{sheet:?} {pixels:?} {site}");
            }
        }
    }

    #[test]
    fn peaks_are_held_and_a_twin_is_taken_off() {
        let (re, im) = ([10.0, 0.0, 2.0, 2.0], [0.0, 0.0, 1.0, 0.0]);
        let mut out = [0.0; 2];
        pooled_power((&re, &im), None, 2, 2.0, (2, 1), &mut out);
        assert_eq!(out, [0.5 * HELD, 0.5 * (2.5 + 2.0)]);
        pooled_power((&re, &im), Some((&re, &im)), 2, 2.0, (2, 1), &mut out);
        assert_eq!(out, [0.0; 2]);
    }
}
