//! Where the parts of a picture were in the picture before: a vector for every pixel.
//!
//! From the coarsest of halved pictures down, the older one is moved by what was found so far, and what is left between
//! both is laid to a further shift of a window of pixels, by least squares:
//!
//! ```text
//! (Σ g gᵀ + λ) d = Σ g (now - moved),    g = ∇ moved
//! ```
//!
//! Source: Lucas and Kanade, IJCAI 1981; over halves: Bouguet, Intel Corporation 2000.

use super::picture::{Plane, cubic, mirrored};

/// Half the window's side, in pixels.
const REACH: usize = 5;
/// Shifts that are found at each size.
const ROUNDS: usize = 4;
/// Halved pictures are no smaller than this.
const LEAST_SIDE: usize = 24;
/// The slope, of a range of 1 a pixel, below which a shift is not believed.
const FAINT: f32 = 0.003;
/// The longest further shift, in pixels.
const MOST: f32 = 1.5;

/// How far each pixel's content lies from it in another picture, in pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Motion {
    /// Down.
    pub down: Plane,
    /// Right.
    pub right: Plane,
}

impl Motion {
    /// None, of a size.
    #[must_use]
    pub fn none(height: usize, width: usize) -> Self {
        let still = Plane::flat(height, width, 0.0);
        Self { down: still.clone(), right: still }
    }

    /// Where what `now` shows lies in `before`, of the same size.
    #[must_use]
    pub fn between(now: &Plane, before: &Plane) -> Self {
        let (height, width) = (now.height, now.width);
        let mut motion = if height.min(width) >= 2 * LEAST_SIDE {
            let even = Plane::flat(height, width, 1.0);
            let coarse = Self::between(&now.halved(&even).0, &before.halved(&even).0);
            let grown = |plane: &Plane| plane.resized(height, width).map(|x| 2.0 * x);
            Self { down: grown(&coarse.down), right: grown(&coarse.right) }
        } else {
            Self::none(height, width)
        };
        for _ in 0..ROUNDS {
            motion.follow(now, before);
        }
        motion
    }

    /// One further shift.
    fn follow(&mut self, now: &Plane, before: &Plane) {
        let moved = self.moved(before);
        let left = now.with(&moved, |now, moved| now - moved);
        let (down, right) = slopes(&moved);
        let sum = |x: &Plane, y: &Plane| blurred(&x.with(y, |x, y| x * y));
        let (dd, rr, dr) = (sum(&down, &down), sum(&right, &right), sum(&down, &right));
        let (d, r) = (sum(&down, &left), sum(&right, &left));
        let damp = FAINT * FAINT;
        for at in 0..now.values.len() {
            let (a, b, c) = (dd.values[at] + damp, rr.values[at] + damp, dr.values[at]);
            let (p, q) = (d.values[at], r.values[at]);
            let area = a * b - c * c;
            self.down.values[at] += ((b * p - c * q) / area).clamp(-MOST, MOST);
            self.right.values[at] += ((a * q - c * p) / area).clamp(-MOST, MOST);
        }
        self.down = blurred(&self.down);
        self.right = blurred(&self.right);
    }

    /// `before` as it would be now, by the cubic kernel; mirrored beyond its edges.
    #[must_use]
    pub fn moved(&self, before: &Plane) -> Plane {
        let (height, width) = (before.height, before.width);
        let taps = |place: f32, length: usize| -> [(usize, f32); 4] {
            // Counted from so far before the edge that no place is negative.
            let place = place.clamp(-(length as f32), 2.0 * length as f32) + (2 * length) as f32;
            let first = place.floor() as usize - 1;
            [0, 1, 2, 3]
                .map(|tap| (mirrored(first + tap, 2 * length, length), cubic((first + tap) as f32 - place)))
        };
        Plane::of(height, width, |y, x| {
            let at = y * width + x;
            let rows = taps(y as f32 + self.down.values[at], height);
            let columns = taps(x as f32 + self.right.values[at], width);
            let row = |y: usize| -> f32 {
                columns.iter().map(|(x, weight)| weight * before.values[y * width + x]).sum()
            };
            rows.iter().map(|(y, weight)| weight * row(*y)).sum()
        })
    }
}

/// Slopes down and right, by differences of the neighbours.
fn slopes(plane: &Plane) -> (Plane, Plane) {
    let (height, width) = (plane.height, plane.width);
    let at = |y: usize, x: usize| plane.values[y.min(height - 1) * width + x.min(width - 1)];
    let down = Plane::of(height, width, |y, x| 0.5 * (at(y + 1, x) - at(y.saturating_sub(1), x)));
    let right = Plane::of(height, width, |y, x| 0.5 * (at(y, x + 1) - at(y, x.saturating_sub(1))));
    (down, right)
}

/// Means over a window, twice: near a Gaussian. Beyond the edges it is mirrored.
pub(super) fn blurred(plane: &Plane) -> Plane {
    let turned =
        |plane: &Plane| Plane::of(plane.width, plane.height, |y, x| plane.values[x * plane.width + y]);
    let mut now = plane.clone();
    for _ in 0..2 {
        now = turned(&averaged(&now));
        now = turned(&averaged(&now));
    }
    now
}

/// Means along rows.
fn averaged(plane: &Plane) -> Plane {
    let width = plane.width;
    let mut out = plane.clone();
    for (from, to) in plane.values.chunks_exact(width).zip(out.values.chunks_exact_mut(width)) {
        // Sums of the whole row so far, so that a window is a difference.
        let mut sums = vec![0.0f64];
        for at in 0..width + 2 * REACH {
            sums.push(sums[at] + f64::from(from[mirrored(at, REACH, width)]));
        }
        for (x, to) in to.iter_mut().enumerate() {
            *to = ((sums[x + 2 * REACH + 1] - sums[x]) / (2 * REACH + 1) as f64) as f32;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waves of several lengths, shifted.
    fn scene(down: f32, right: f32) -> Plane {
        Plane::of(64, 80, |y, x| {
            let (y, x) = (y as f32 + down, x as f32 + right);
            let wave = |a: f32, b: f32| libm::sinf(a * y + b * x);
            0.5 + 0.15 * (wave(0.31, 0.12) + wave(-0.2, 0.4) + wave(0.05, 0.07))
        })
    }

    #[test]
    fn a_shift_of_parts_of_a_pixel_and_of_several_is_found() {
        for (down, right) in [(0.0, 0.0), (0.3, -0.6), (-2.4, 4.25)] {
            let motion = Motion::between(&scene(down, right), &scene(0.0, 0.0));
            for y in 16..48 {
                for x in 16..64 {
                    let at = y * 80 + x;
                    let off = [motion.down.values[at] - down, motion.right.values[at] - right];
                    assert!(off.iter().all(|off| off.abs() < 0.1), "{off:?} at {y}, {x}");
                }
            }
        }
    }

    #[test]
    fn what_is_moved_is_what_is_seen_and_nothing_moves_in_a_flat_picture() {
        let motion = Motion::between(&scene(1.3, -0.7), &scene(0.0, 0.0));
        let off = motion.moved(&scene(0.0, 0.0)).with(&scene(1.3, -0.7), |x, y| (x - y).abs());
        assert!((16..48).all(|y| off.values[y * 80 + 16..y * 80 + 64].iter().all(|off| *off < 0.01)));
        let flat = Plane::flat(5, 3, 0.4);
        assert_eq!(Motion::between(&flat, &flat), Motion::none(5, 3));
    }
}
