//! How near a picture is to the truth: PSNR and SSIM on Y, as the super-resolution literature has them.
//!
//! `Y = 16 + 65.481 R + 128.553 G + 24.966 B` (ITU-R BT.601, R, G, B from 0 to 1); of a picture without colour Y is its own
//! value, 0 to 255. The peak is 255 for both. SSIM: Wang, Bovik, Sheikh, Simoncelli, IEEE Trans Image Process 13:600 (2004),
//! with their window, Gaussian with 1.5 pixels over 11 x 11, within the picture, K₁ = 0.01, K₂ = 0.03.

/// Half the window's side.
const REACH: usize = 5;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Likeness {
    /// In dB; `None` where the pictures are equal.
    pub psnr_db: Option<f64>,
    /// -1 to 1; `None` where the pictures are smaller than the window.
    pub ssim: Option<f64>,
}

/// Compares two pictures of sRGB bytes, `shave` pixels at every edge left out.
///
/// # Panics
/// Where lengths do not agree, or nothing is left within the edges.
#[must_use]
pub fn likeness(size: (usize, usize), found: &[u8], truth: &[u8], shave: usize) -> Likeness {
    assert!(found.len() == truth.len(), "pictures of one size");
    let grey =
        [found, truth].iter().all(|rgb| rgb.as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && g == b));
    let luma =
        |rgb: &[u8]| rgb.as_chunks::<3>().0.iter().map(|pixel| luma(*pixel, grey)).collect::<Vec<f64>>();
    likeness_of_luma(size, &luma(found), &luma(truth), shave)
}

/// The same of Y itself, which may lie beyond 0 to 255.
///
/// # Panics
/// As [`likeness`].
#[must_use]
pub fn likeness_of_luma(
    (height, width): (usize, usize),
    found: &[f64],
    truth: &[f64],
    shave: usize,
) -> Likeness {
    assert!(found.len() == truth.len() && truth.len() == height * width, "pictures of one size");
    assert!(height > 2 * shave && width > 2 * shave, "a picture within the edges");
    let size = (height - 2 * shave, width - 2 * shave);
    let inner = |luma: &[f64]| -> Vec<f64> {
        let place = |at: usize| (at / size.1 + shave) * width + at % size.1 + shave;
        (0..size.0 * size.1).map(|at| luma[place(at)]).collect()
    };
    let (found, truth) = (inner(found), inner(truth));
    let square: f64 = found.iter().zip(&truth).map(|(x, y)| (x - y) * (x - y)).sum();
    let mean = square / found.len() as f64;
    let psnr_db = (mean > 0.0).then(|| 10.0 * libm::log10(255.0 * 255.0 / mean));
    Likeness { psnr_db, ssim: ssim(size, &found, &truth) }
}

fn luma(rgb: [u8; 3], grey: bool) -> f64 {
    let [r, g, b] = rgb.map(f64::from);
    if grey { r } else { 16.0 + (65.481 * r + 128.553 * g + 24.966 * b) / 255.0 }
}

fn ssim((height, width): (usize, usize), found: &[f64], truth: &[f64]) -> Option<f64> {
    let side = 2 * REACH + 1;
    if height < side || width < side {
        return None;
    }
    let raw: Vec<f64> =
        (0..side).map(|at| at as f64 - REACH as f64).map(|x| libm::exp(-x * x / (2.0 * 1.5 * 1.5))).collect();
    let sum: f64 = raw.iter().sum();
    let window: Vec<f64> = raw.iter().map(|x| x / sum).collect();
    let mean = |of: &dyn Fn(usize) -> f64| -> Vec<f64> {
        let (high, wide) = (height - 2 * REACH, width - 2 * REACH);
        let across = |at: usize| -> f64 {
            let (y, x) = (at / wide, at % wide);
            window.iter().enumerate().map(|(k, w)| w * of(y * width + x + k)).sum()
        };
        let rows: Vec<f64> = (0..height * wide).map(across).collect();
        let down = |at: usize| window.iter().enumerate().map(|(k, w)| w * rows[at + k * wide]).sum();
        (0..high * wide).map(down).collect()
    };
    let (x, y) = (mean(&|at| found[at]), mean(&|at| truth[at]));
    let (xx, yy) = (mean(&|at| found[at] * found[at]), mean(&|at| truth[at] * truth[at]));
    let xy = mean(&|at| found[at] * truth[at]);
    let (c1, c2) = (2.55 * 2.55, 7.65 * 7.65);
    let index = |at: usize| {
        let (a, b) = (x[at], y[at]);
        let (var, covariance) = (xx[at] - a * a + yy[at] - b * b, xy[at] - a * b);
        (2.0 * a * b + c1) * (2.0 * covariance + c2) / ((a * a + b * b + c1) * (var + c2))
    };
    Some((0..x.len()).map(index).sum::<f64>() / x.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(step: u8) -> Vec<u8> {
        (0..32 * 32).flat_map(|at| [(at % 32 * 7) as u8 + step; 3]).collect()
    }

    #[test]
    fn equal_pictures_have_no_error_and_are_wholly_alike() {
        let found = likeness((32, 32), &ramp(0), &ramp(0), 2);
        assert_eq!(found.psnr_db, None);
        assert!((found.ssim.unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn an_offset_of_five_is_34_db() {
        let found = likeness((32, 32), &ramp(5), &ramp(0), 0);
        assert!((found.psnr_db.unwrap() - 34.151_4).abs() < 1e-3, "{found:?}");
        assert!(found.ssim.unwrap() < 1.0);
    }

    #[test]
    fn numbers_are_compared_as_they_are_beyond_black_and_white_too() {
        let found = likeness_of_luma((1, 2), &[-51.0, 306.0], &[0.0, 255.0], 0);
        assert!((found.psnr_db.unwrap() - 20.0 * libm::log10(5.0)).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn what_differs_in_the_shaved_edge_does_not_count_and_small_pictures_have_no_ssim() {
        let mut other = ramp(0);
        other[0] = 255;
        assert_eq!(likeness((32, 32), &other, &ramp(0), 1).psnr_db, None);
        assert_eq!(likeness((8, 8), &[1; 192], &[2; 192], 0).ssim, None);
    }
}
