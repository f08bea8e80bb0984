//! Scenes of ellipses whose line integrals are known in closed form, which no grid has touched: for tests and ablations.

use crate::random::Stream;

/// Parts of a pixel's side, or of a detector element, over which means are taken.
const PARTS: usize = 8;

/// Ellipses as rows of brightness, centre x and y, half axes, turn in radians; lengths in pixels from the middle, y downward.
#[derive(Clone, Debug)]
pub struct Scene(pub Vec<[f64; 6]>);

impl Scene {
    /// A body with some things in it, within a picture of `side` x `side` pixels; brightness 0 to 1.
    #[must_use]
    pub fn drawn(seed: u64, side: usize) -> Self {
        let mut draws = Stream::new(seed, 9);
        let unit = side as f64 / 64.0;
        let (a, b) = (draws.between(18.0, 27.0), draws.between(18.0, 27.0));
        let mut ellipses = vec![[draws.between(0.3, 0.6), 0.0, 0.0, a, b, draws.between(0.0, 3.0)]];
        for _ in 0..5 {
            let (bright, x, y) =
                (draws.between(-0.15, 0.2), draws.between(-11.0, 11.0), draws.between(-11.0, 11.0));
            let (a, b) = (draws.between(2.0, 7.0), draws.between(2.0, 7.0));
            ellipses.push([bright, x, y, a, b, draws.between(0.0, 3.0)]);
        }
        for ellipse in &mut ellipses {
            ellipse[1..5].iter_mut().for_each(|length| *length *= unit);
        }
        Self(ellipses)
    }

    /// The picture, `side` x `side` pixels, each the mean over its area.
    #[must_use]
    pub fn picture(&self, side: usize) -> Vec<f32> {
        let middle = (side / 2) as f64;
        let bright = |x: f64, y: f64| -> f64 {
            let of = |[bright, centre_x, centre_y, a, b, turn]: &[f64; 6]| {
                let (dx, dy) = (x - centre_x, y - centre_y);
                let (sin, cos) = (libm::sin(*turn), libm::cos(*turn));
                let (u, v) = ((dx * cos + dy * sin) / a, (dy * cos - dx * sin) / b);
                if u * u + v * v < 1.0 { *bright } else { 0.0 }
            };
            self.0.iter().map(of).sum()
        };
        let pixel = |at: usize| {
            let place = |at: usize, part: usize| at as f64 + offset(part) - middle;
            let sum: f64 = (0..PARTS * PARTS)
                .map(|part| bright(place(at % side, part % PARTS), place(at / side, part / PARTS)))
                .sum();
            (sum / (PARTS * PARTS) as f64) as f32
        };
        (0..side * side).map(pixel).collect()
    }

    /// Line integrals under these angles in degrees, `degrees x side` numbers, each the mean over its element's width; as
    /// [`super::projection::ParallelBeam`] has them.
    #[must_use]
    pub fn sinogram(&self, side: usize, degrees: &[f64]) -> Vec<f32> {
        let middle = (side / 2) as f64;
        let chord = |[bright, x, y, a, b, turn]: &[f64; 6], [cos, sin]: [f64; 2], t: f64| {
            // y downward: the ray's normal is (cos, -sin).
            let t = t - (x * cos - y * sin);
            let (turn_sin, turn_cos) = (libm::sin(*turn), libm::cos(*turn));
            let along = cos * turn_cos - sin * turn_sin;
            let across = -cos * turn_sin - sin * turn_cos;
            let reach = a * a * along * along + b * b * across * across;
            if t * t < reach { 2.0 * bright * a * b * libm::sqrt(reach - t * t) / reach } else { 0.0 }
        };
        let element = |angle: [f64; 2], at: usize| -> f64 {
            let parts = (0..PARTS).map(|part| at as f64 - middle + offset(part));
            let each = parts.map(|t| self.0.iter().map(|ellipse| chord(ellipse, angle, t)).sum::<f64>());
            each.sum::<f64>() / PARTS as f64
        };
        let view = |degrees: &f64| {
            let angle = degrees.to_radians();
            let angle = [libm::cos(angle), libm::sin(angle)];
            (0..side).map(move |at| element(angle, at) as f32).collect::<Vec<f32>>()
        };
        degrees.iter().flat_map(view).collect()
    }
}

/// The middle of a part of a pixel, from the pixel's middle.
fn offset(part: usize) -> f64 {
    (part as f64 + 0.5) / PARTS as f64 - 0.5
}

/// Peak signal to noise of light whose brightest is that of `truth`, in dB.
///
/// # Panics
/// Where they are not as many.
#[must_use]
pub fn psnr(found: &[f32], truth: &[f32]) -> f64 {
    assert_eq!(found.len(), truth.len(), "pictures of one size");
    let square: f64 = found.iter().zip(truth).map(|(x, y)| f64::from(x - y) * f64::from(x - y)).sum();
    let brightest = f64::from(truth.iter().fold(0.0f32, |most, x| most.max(*x)));
    10.0 * libm::log10(brightest * brightest * truth.len() as f64 / square)
}
