//! What a JPEG picture tells of the picture that it was made of: in which interval each of its luminance's numbers lay.
//!
//! Luminance is cut into blocks of 8 x 8 pixels from the top left; `C` is a block's cosine transform, `q` the picture's
//! steps. The file keeps `k = round(C / q)`, so the whole picture had every `C` within half a step of `k q`:
//!
//! ```text
//! C[v][u] = 1/4 a(v) a(u) Σ x[y][x] cos((2y+1) v π/16) cos((2x+1) u π/16),    |C / q - k| <= 1/2
//! ```
//!
//! An estimate whose `C` lies elsewhere is led to the nearest that is allowed. Intervals are taken narrower where `k` is not
//! 0, for the ends are the least likely. Blocks that reach beyond the picture are left as they are.
//!
//! Sources: ITU-T T.81, annexes A and K; Zakhor, IEEE Trans Circuits Syst Video Technol 2:91 (1992); narrower intervals:
//! Park and Kim, the same 9:1101 (1999).

use core::f32::consts::PI;

use super::picture::Plane;

/// Side of a block in pixels.
const SIDE: usize = 8;
/// Numbers of a block.
const AREA: usize = SIDE * SIDE;
/// How far a number may lie from what the file says, in steps: where that is 0, and elsewhere.
const REACH: [f32; 2] = [0.5, 0.3];
/// The σ of white noise that is taken away as well as quantisation's, in units of the rms that rounding leaves in the
/// numbers that are not 0: between what is best on dead leaves (3.9) and on photographs (3.3). Most of it is what numbers lost that
/// are 0.
const LIKE_NOISE: f32 = 3.6;
/// The share of numbers that are not 0 from which on there is less of that, down to the rounding alone where none is 0.
const MANY: f32 = 0.25;

/// Where the numbers of a block lie that a table lists, in row order (T.81, figure A.6).
#[rustfmt::skip]
const ZIGZAG: [usize; AREA] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55,
    62, 63,
];

/// The standard's table for luminance in row order (T.81, table K.1).
#[rustfmt::skip]
const STANDARD: [u32; AREA] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87,
    80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92,
    95, 98, 112, 100, 103, 99,
];

/// How a picture's luminance was rounded.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantised {
    /// The steps in row order, of a range of 1.
    steps: [f32; AREA],
    /// Row `u` holds the wave `u` at eight places, of length 1.
    waves: [[f32; SIDE]; SIDE],
}

impl Quantised {
    /// By the 64 steps of a file's table, of a range of 255, in the file's order.
    #[must_use]
    pub fn of(table: &[u16; AREA]) -> Self {
        let mut steps = [0.0; AREA];
        for (place, step) in ZIGZAG.iter().zip(table) {
            steps[*place] = f32::from(*step) / 255.0;
        }
        let mut waves = [[0.0; SIDE]; SIDE];
        for (u, wave) in waves.iter_mut().enumerate() {
            let length = if u == 0 { 8f32 } else { 4.0 };
            for (x, value) in wave.iter_mut().enumerate() {
                *value = libm::cosf(((2 * x + 1) * u) as f32 * PI / 16.0) / length.sqrt();
            }
        }
        Self { steps, waves }
    }

    /// By a quality from 1 to 100, as the Independent JPEG Group's program makes its table of it.
    #[must_use]
    pub fn of_quality(quality: u8) -> Self {
        let quality = u32::from(quality.clamp(1, 100));
        let percent = if quality < 50 { 5_000 / quality } else { 200 - 2 * quality };
        Self::of(&ZIGZAG.map(|place| ((STANDARD[place] * percent + 50) / 100).clamp(1, 255) as u16))
    }

    /// The σ of white noise that is like what was lost of `decoded`, a luma from 0 to 1.
    #[must_use]
    pub fn like_noise(&self, decoded: &Plane) -> f32 {
        let (mut sum, mut others, mut blocks) = (0.0f64, 0.0f64, 0.0f64);
        for (top, left) in places(decoded) {
            let numbers = self.numbers(decoded, top, left);
            let kept =
                |(number, step): (&f32, &f32)| (number.abs() > 0.5 * step).then_some(step * step / 12.0);
            for lost in numbers.iter().zip(&self.steps).filter_map(kept) {
                sum += f64::from(lost);
                others += 1.0;
            }
            blocks += 1.0;
        }
        let all = (blocks * AREA as f64).max(1.0);
        let many = ((others / all) as f32 - MANY).max(0.0) / (1.0 - MANY);
        (LIKE_NOISE + many * (1.0 - LIKE_NOISE)) * libm::sqrt(sum / all) as f32
    }

    /// `estimate` with every number of every block led into the interval that `decoded` tells; both are luma from 0 to 1,
    /// of one size.
    #[must_use]
    pub fn held(&self, estimate: &Plane, decoded: &Plane) -> Plane {
        let mut held = estimate.clone();
        for (top, left) in places(decoded) {
            let seen = self.numbers(decoded, top, left);
            let mut change = self.numbers(estimate, top, left);
            for ((number, seen), step) in change.iter_mut().zip(&seen).zip(&self.steps) {
                let kept = (seen / step).round();
                let reach = if kept == 0.0 { REACH[0] } else { REACH[1] };
                *number = number.clamp((kept - reach) * step, (kept + reach) * step) - *number;
            }
            for (at, change) in self.pixels(&change).iter().enumerate() {
                held.values[(top + at / SIDE) * held.width + left + at % SIDE] += change;
            }
        }
        held
    }

    /// The cosine transform of the block whose first pixel is given; the middle of the range counts as 0.
    fn numbers(&self, plane: &Plane, top: usize, left: usize) -> [f32; AREA] {
        let pixel = |y: usize, x: usize| plane.values[(top + y) * plane.width + left + x] - 0.5;
        let rows = square(|y, u| (0..SIDE).map(|x| self.waves[u][x] * pixel(y, x)).sum());
        square(|v, u| (0..SIDE).map(|y| self.waves[v][y] * rows[y * SIDE + u]).sum())
    }

    /// The way back, but for the middle.
    fn pixels(&self, numbers: &[f32; AREA]) -> [f32; AREA] {
        let rows = square(|v, x| (0..SIDE).map(|u| self.waves[u][x] * numbers[v * SIDE + u]).sum());
        square(|y, x| (0..SIDE).map(|v| self.waves[v][y] * rows[v * SIDE + x]).sum())
    }
}

fn square(number: impl Fn(usize, usize) -> f32) -> [f32; AREA] {
    core::array::from_fn(|at| number(at / SIDE, at % SIDE))
}

/// Where whole blocks begin.
fn places(plane: &Plane) -> impl Iterator<Item = (usize, usize)> {
    let (rows, columns) = (plane.height / SIDE, plane.width / SIDE);
    (0..rows * columns).map(move |at| (at / columns * SIDE, at % columns * SIDE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Plane {
        Plane::of(21, 30, |y, x| 0.5 + 0.4 * libm::sinf((y * y + 5 * x) as f32 * 0.03))
    }

    /// What a JPEG file of this quality makes of a plane.
    fn coded(quantised: &Quantised, plane: &Plane) -> Plane {
        let mut coded = plane.clone();
        for (top, left) in places(plane) {
            let mut numbers = quantised.numbers(plane, top, left);
            for (number, step) in numbers.iter_mut().zip(&quantised.steps) {
                *number = (*number / step).round() * step;
            }
            for (at, x) in quantised.pixels(&numbers).iter().enumerate() {
                coded.values[(top + at / SIDE) * coded.width + left + at % SIDE] = x + 0.5;
            }
        }
        coded
    }

    #[test]
    fn a_block_comes_back_from_its_numbers() {
        let (quantised, plane) = (Quantised::of_quality(50), picture());
        let back = quantised.pixels(&quantised.numbers(&plane, 8, 16));
        for (at, x) in back.iter().enumerate() {
            let wanted = plane.values[(8 + at / SIDE) * plane.width + 16 + at % SIDE];
            assert!((x + 0.5 - wanted).abs() < 1e-5);
        }
    }

    #[test]
    fn quality_fifty_is_the_standards_table_and_one_hundred_is_ones() {
        assert_eq!(Quantised::of_quality(50).steps, STANDARD.map(|step| step as f32 / 255.0));
        assert_eq!(Quantised::of_quality(100).steps, [1.0 / 255.0; AREA]);
        assert!((Quantised::of_quality(10).steps[1] - 55.0 / 255.0).abs() < 1e-6);
    }

    #[test]
    fn what_lies_within_the_intervals_stays_and_all_else_is_led_there() {
        let (quantised, plane) = (Quantised::of_quality(10), picture());
        let decoded = coded(&quantised, &plane);
        // The decoded picture lies in the middle of every interval, a flat one outside.
        let same = quantised.held(&decoded, &decoded);
        assert!(same.values.iter().zip(&decoded.values).all(|(x, y)| (x - y).abs() < 1e-5));
        let held = quantised.held(&Plane::flat(21, 30, 0.2), &decoded);
        for (top, left) in places(&decoded) {
            let (found, seen) = (quantised.numbers(&held, top, left), quantised.numbers(&decoded, top, left));
            for ((found, seen), step) in found.iter().zip(&seen).zip(&quantised.steps) {
                assert!((found - seen).abs() < 0.501 * step, "{found} of {seen}");
            }
        }
        // Beyond the last whole block nothing is known.
        assert_eq!(held.values[20 * 30 + 29], 0.2);
    }

    #[test]
    fn coarser_steps_are_more_noise_and_a_picture_without_a_block_has_none() {
        let noise = |quality: u8| {
            let quantised = Quantised::of_quality(quality);
            quantised.like_noise(&coded(&quantised, &picture()))
        };
        assert!(noise(10) > 1.5 * noise(50) && noise(50) > noise(95), "{} {}", noise(10), noise(50));
        assert_eq!(Quantised::of_quality(10).like_noise(&Plane::flat(7, 30, 0.3)), 0.0);
    }
}
