//! What the trained renderer learns from: pieces of pictures, and what is done to them.
//!
//! A picture counts by its luma (ITU-R BT.601). To super-resolve, a piece is shrunk as MATLAB's `imresize` does it and
//! rounded to 8 bits; what its bicubic enlargement misses is to be found. To denoise, white noise of a σ from 0 to
//! [`MOST_NOISE`] comes over it, small ones more often; the noise is to be found.

use super::super::picture::Plane;
use super::model::{Job, NOISE_SIDE};
use crate::kernel::convolve::Sheets;
use crate::random::Stream;

/// The side of a piece as the network sees it.
pub const SIDE: usize = 32;
/// What is cut around a piece before it is shrunk, so that no edge shows.
const MARGIN: usize = 3;
/// The shortest side of a picture that can be learned from: a piece for the largest scale.
pub const LEAST_SIDE: usize = 4 * (SIDE + 2 * MARGIN);
/// The strongest noise of the lessons, of a range of 1.
pub const MOST_NOISE: f32 = 0.5;
/// Draws of lessons, set apart from other uses of the generator under the same seed.
const LESSONS: u64 = 0x4C45_5353;

/// One piece: what the network sees, and what it should answer, as many channels as the task has.
#[derive(Clone, Debug)]
pub struct Piece {
    /// What it sees.
    pub seen: Sheets,
    /// What it should say.
    pub wanted: Sheets,
}

/// The luma of sRGB bytes, 0 to 1.
#[must_use]
pub fn luma(height: usize, width: usize, rgb: &[u8]) -> Plane {
    let of = |[r, g, b]: &[u8; 3]| 0.299 * f32::from(*r) + 0.587 * f32::from(*g) + 0.114 * f32::from(*b);
    Plane { height, width, values: rgb.as_chunks::<3>().0.iter().map(|pixel| of(pixel) / 255.0).collect() }
}

/// Piece number `number` of `seed`, for one job.
///
/// # Panics
/// Where there is no picture or one is smaller than [`LEAST_SIDE`].
#[must_use]
pub fn piece(pictures: &[Plane], job: Job, seed: u64, number: u32) -> Piece {
    let mut draws = Stream::new(seed ^ (LESSONS << 32), number);
    let mut below = |bound: usize| ((draws.uniform() * bound as f64) as usize).min(bound - 1);
    let picture = &pictures[below(pictures.len())];
    let side = match job {
        Job::Grow(scale) => scale * (SIDE + 2 * MARGIN),
        Job::Clean => NOISE_SIDE * SIDE,
    };
    let (top, left) = (below(picture.height - side + 1), below(picture.width - side + 1));
    let way = below(8);
    let whole = Plane::of(side, side, |y, x| {
        let (y, x) = if way & 4 > 0 { (x, y) } else { (y, x) };
        let y = if way & 1 > 0 { side - 1 - y } else { y };
        let x = if way & 2 > 0 { side - 1 - x } else { x };
        picture.values[(top + y) * picture.width + left + x]
    });
    match job {
        Job::Grow(scale) => shrunk(&whole, scale),
        Job::Clean => {
            let sigma = MOST_NOISE * libm::powf(draws.uniform() as f32, 1.5);
            let noise = Plane::of(side, side, |_, _| sigma * draws.normal() as f32);
            let seen = whole.with(&noise, |x, noise| x + noise);
            Piece {
                seen: folded(&seen, NOISE_SIDE, Some(sigma)),
                wanted: folded(&noise.map(|x| -x), NOISE_SIDE, None),
            }
        }
    }
}

/// A piece to be super-resolved.
fn shrunk(whole: &Plane, scale: usize) -> Piece {
    let small_side = whole.height / scale;
    let byte = |x: f32| (x.clamp(0.0, 1.0) * 255.0).round() / 255.0;
    let small = whole.resized(small_side, small_side).map(byte);
    let missing = whole.with(&small.resized(whole.height, whole.width), |x, grown| x - grown);
    let inner = |plane: &Plane, side: usize, margin: usize| {
        Plane::of(side, side, |y, x| plane.values[(y + margin) * plane.width + x + margin])
    };
    Piece {
        seen: folded(&inner(&small, SIDE, MARGIN), 1, None),
        wanted: folded(&inner(&missing, scale * SIDE, scale * MARGIN), scale, None),
    }
}

/// A plane as `scale²` sheets, the pixels of a `scale x scale` square one after the other; then, where it is given, a
/// sheet of `also`.
///
/// # Panics
/// Where the sides are no multiples of `scale`.
#[must_use]
pub fn folded(plane: &Plane, scale: usize, also: Option<f32>) -> Sheets {
    assert!(plane.height.is_multiple_of(scale) && plane.width.is_multiple_of(scale), "whole squares");
    let (height, width) = (plane.height / scale, plane.width / scale);
    let count = scale * scale;
    let mut sheets = Sheets::new(count + usize::from(also.is_some()), height, width);
    for y in 0..height {
        for channel in 0..count {
            let from = &plane.values[(y * scale + channel / scale) * plane.width..][..plane.width];
            for (x, to) in sheets.row_mut(channel, y).iter_mut().enumerate() {
                *to = from[x * scale + channel % scale];
            }
        }
        if let Some(also) = also {
            sheets.row_mut(count, y).fill(also);
        }
    }
    sheets
}

/// The plane of `scale²` sheets: the way back of [`folded`].
#[must_use]
pub fn unfolded(sheets: &Sheets, scale: usize) -> Plane {
    let (height, width) = (sheets.height() * scale, sheets.width() * scale);
    let mut plane = Plane::flat(height, width, 0.0);
    for y in 0..sheets.height() {
        for channel in 0..scale * scale {
            let to = &mut plane.values[(y * scale + channel / scale) * width..][..width];
            for (x, from) in sheets.row(channel, y).iter().enumerate() {
                to[x * scale + channel % scale] = *from;
            }
        }
    }
    plane
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures() -> Vec<Plane> {
        vec![Plane::of(LEAST_SIDE, LEAST_SIDE + 9, |y, x| {
            0.5 + 0.4 * libm::sinf((y * y + 3 * x) as f32 * 0.02)
        })]
    }

    #[test]
    fn folding_is_undone_by_unfolding() {
        let plane = Plane::of(6, 12, |y, x| (12 * y + x) as f32);
        for scale in [1, 2, 3] {
            let sheets = folded(&plane, scale, Some(0.5));
            assert_eq!(sheets.channels(), scale * scale + 1);
            assert!(sheets.row(scale * scale, 1).iter().all(|x| *x == 0.5));
            assert_eq!(unfolded(&sheets, scale), plane);
        }
    }

    #[test]
    fn pieces_repeat_and_hold_what_their_job_asks() {
        for job in [Job::Grow(2), Job::Grow(3), Job::Grow(4), Job::Clean] {
            let (one, same) = (piece(&pictures(), job, 2, 9), piece(&pictures(), job, 2, 9));
            assert_eq!((&one.seen, &one.wanted), (&same.seen, &same.wanted));
            assert_ne!(one.seen, piece(&pictures(), job, 2, 10).seen);
            assert_eq!((one.seen.height(), one.wanted.width()), (SIDE, SIDE));
        }
        let Piece { seen, wanted } = piece(&pictures(), Job::Clean, 2, 9);
        let (mut square, sigma) = (0.0, seen.row(4, 0)[0]);
        for y in 0..SIDE {
            square += wanted.row(0, y).iter().map(|x| x * x).sum::<f32>() / (SIDE * SIDE) as f32;
        }
        assert!((square.sqrt() / sigma - 1.0).abs() < 0.1, "{} of {sigma}", square.sqrt());
    }
}
