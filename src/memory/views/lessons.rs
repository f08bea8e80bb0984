//! What a reconstruction of few views learns from: pictures of one kind, each time turned, sized, shifted and lit anew.
//!
//! An object in a scanner lies as it was put, so a picture counts under any turn, mirrored too, somewhat larger or smaller, a little
//! beside the middle. What lies beyond the circle that all views see is dark.

use core::f64::consts::TAU;

use super::super::picture::Plane;
use crate::random::Stream;

/// Sizes of an object, of its picture's.
const SIZES: [f64; 2] = [0.85, 1.15];
/// How far beside the middle, of the side.
const BESIDE: f64 = 0.05;
/// Its light, of its picture's.
const LIGHT: [f64; 2] = [0.8, 1.1];
/// Draws of lessons, set apart from other uses of the generator under the same seed.
const LESSONS: u64 = 0x5649_4557;

/// A picture, cut to its middle square, at that side.
#[must_use]
pub fn squared(picture: &Plane, side: usize) -> Plane {
    let least = picture.height.min(picture.width);
    let (top, left) = ((picture.height - least) / 2, (picture.width - least) / 2);
    let square = Plane::of(least, least, |y, x| picture.values[(top + y) * picture.width + left + x]);
    square.resized(side, side)
}

/// Lesson number `number` of `seed`: one of the square pictures, as it may lie.
///
/// # Panics
/// Where there is no picture.
#[must_use]
pub fn lesson(pictures: &[Plane], seed: u64, number: u32) -> Plane {
    let mut draws = Stream::new(seed ^ (LESSONS << 32), number);
    let at = ((draws.uniform() * pictures.len() as f64) as usize).min(pictures.len() - 1);
    let (turn, size) = (draws.between(0.0, TAU), draws.between(SIZES[0], SIZES[1]));
    let mirror = if draws.uniform() < 0.5 { -1.0 } else { 1.0 };
    let side = pictures[at].height as f64;
    let beside = [0, 1].map(|_| draws.between(-BESIDE, BESIDE) * side);
    let light = draws.between(LIGHT[0], LIGHT[1]) as f32;
    laid(&pictures[at], [libm::cos(turn) / size, libm::sin(turn) / size], mirror, beside, light)
}

/// A picture read between its pixels, from a place for each pixel of the result.
fn laid(picture: &Plane, [cos, sin]: [f64; 2], mirror: f64, beside: [f64; 2], light: f32) -> Plane {
    let (side, middle) = (picture.height, (picture.height / 2) as f64);
    let inside = |at: f64| at >= 0.0 && at < side as f64;
    let pixel = |y: f64, x: f64| {
        if inside(y) && inside(x) { picture.values[y as usize * side + x as usize] } else { 0.0 }
    };
    Plane::of(side, side, |y, x| {
        let (v, u) = (y as f64 - middle, x as f64 - middle);
        if v * v + u * u >= (middle - 1.0) * (middle - 1.0) {
            return 0.0;
        }
        let row = middle + cos * v + sin * u * mirror + beside[0];
        let column = middle + cos * u * mirror - sin * v + beside[1];
        let (top, left) = (row.floor(), column.floor());
        let (down, along) = ((row - top) as f32, (column - left) as f32);
        let line = |y: f64| (1.0 - along) * pixel(y, left) + along * pixel(y, left + 1.0);
        light * ((1.0 - down) * line(top) + down * line(top + 1.0)).clamp(0.0, 1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lesson_repeats_and_another_differs() {
        let pictures = [Plane::of(20, 20, |y, x| if y > x { 0.8 } else { 0.1 })];
        assert_eq!(lesson(&pictures, 3, 7), lesson(&pictures, 3, 7));
        assert_ne!(lesson(&pictures, 3, 7), lesson(&pictures, 3, 8));
        let one = lesson(&pictures, 3, 7);
        assert!(one.values.iter().all(|x| (0.0..=0.8 * 1.1).contains(x)));
        assert_eq!((one.values[0], one.values[399]), (0.0, 0.0), "beyond the circle it is dark");
    }

    #[test]
    fn a_picture_that_is_laid_as_it_was_is_itself() {
        let picture = Plane::of(16, 16, |y, x| (y * 16 + x) as f32 / 256.0);
        let same = laid(&picture, [1.0, 0.0], 1.0, [0.0; 2], 1.0);
        assert_eq!(same.values[8 * 16 + 8], picture.values[8 * 16 + 8]);
        assert_eq!(same.values[4 * 16 + 10], picture.values[4 * 16 + 10]);
        let quarter = laid(&picture, [0.0, 1.0], 1.0, [0.0; 2], 1.0);
        assert_eq!(quarter.values[8 * 16 + 10], picture.values[10 * 16 + 8], "turned by a quarter");
    }

    #[test]
    fn the_middle_of_an_oblong_picture_is_taken() {
        let picture = Plane::of(4, 8, |_, x| if (2..6).contains(&x) { 1.0 } else { 0.0 });
        assert_eq!(squared(&picture, 4), Plane::flat(4, 4, 1.0));
    }
}
