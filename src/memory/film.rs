//! A film made larger, by the memory of its last pictures.
//!
//! Each picture is enlarged alone first. Then the one before, as it was given, is moved to where its parts are now, and
//! counts where it agrees with what is seen: what it remembers of former pictures lay between the pixels of this one.
//!
//! ```text
//! x = e + w (moved - e),    w = G exp(-m / 2 S²),    m: the mean of (moved, shrunk - seen)² around
//! ```
//!
//! At last what is seen is put in, so that the result, shrunk, is the picture that was given.
//!
//! Source: Elad and Feuer, IEEE Trans Image Process 8:387 (1999), super-resolution of films one picture after the other.

use super::backwards::{Renderer, Task};
use super::motion::{Motion, blurred};
use super::picture::Picture;
use crate::error::Result;

/// `G`: what the memory counts at most.
const MOST: f32 = 0.6;
/// `S`: how far it may lie from what is seen, of a range of 1.
const TRUST: f32 = 0.02;

/// Enlarges the pictures of a film, one after the other.
#[derive(Clone, Debug)]
pub struct Film {
    scale: usize,
    steps: usize,
    /// The last picture enlarged alone, and as it was given.
    last: Option<(Picture, Picture)>,
}

impl Film {
    /// By `scale`, each picture in `steps` steps of the way back.
    #[must_use]
    pub fn new(scale: usize, steps: usize) -> Self {
        Self { scale, steps, last: None }
    }

    /// The next picture, `scale` times as large. After one of another size or kind it begins anew.
    ///
    /// # Errors
    /// As [`Task::undo`].
    pub fn next(&mut self, seen: &Picture, renderer: &dyn Renderer) -> Result<Picture> {
        let task = Task::SuperResolve { scale: self.scale };
        let alone = task.undo(seen, renderer, self.steps)?;
        let size = |x: &Picture| (x.height(), x.width(), x.planes.len());
        let given = match self.last.take().filter(|(last, _)| size(last) == size(&alone)) {
            Some((last, memory)) => {
                let motion = Motion::between(&alone.luma(), &last.luma());
                let moved = memory.map(|plane| motion.moved(plane));
                task.conditioned(joined(&alone, &moved, seen), seen)
            }
            None => alone.clone(),
        };
        self.last = Some((alone, given.clone()));
        Ok(given)
    }
}

/// `alone`, and the memory where it agrees with what is seen.
fn joined(alone: &Picture, moved: &Picture, seen: &Picture) -> Picture {
    let low = moved.luma().resized(seen.height(), seen.width());
    let off = blurred(&low.with(&seen.luma(), |low, seen| (low - seen) * (low - seen)));
    let share = off.map(|off| MOST * libm::expf(-off.max(0.0) / (2.0 * TRUST * TRUST)));
    let share = share.resized(alone.height(), alone.width());
    let planes = alone.planes.iter().zip(&moved.planes).map(|(alone, moved)| {
        let change = moved.with(alone, |moved, alone| moved - alone).with(&share, |x, share| x * share);
        alone.with(&change, |x, change| x + change)
    });
    Picture { planes: planes.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::backwards::Evidence;
    use crate::memory::picture::Plane;

    /// Knows nothing but what shrinking left.
    struct Plain;

    impl Renderer for Plain {
        fn render(&self, evidence: &Evidence<'_>) -> Result<Picture> {
            match evidence {
                Evidence::Blurred { picture, .. } => Ok((*picture).clone()),
                _ => unreachable!("a film is enlarged"),
            }
        }
    }

    /// Fine stripes that drift, and what is seen of them.
    fn scene(shift: f32) -> (Picture, Picture) {
        let whole = Plane::of(96, 96, |y, x| {
            let (y, x) = (y as f32 + 0.4 * shift, x as f32 + shift);
            0.5 + 0.2 * libm::sinf(1.1 * x + 0.2 * y) + 0.2 * libm::sinf(0.21 * y - 0.13 * x)
        });
        let whole = Picture { planes: vec![whole] };
        (whole.clone(), whole.resized(48, 48))
    }

    fn off(one: &Picture, other: &Picture) -> f32 {
        let inner = |plane: &Plane| Plane::of(64, 64, |y, x| plane.values[(y + 16) * 96 + x + 16]);
        let apart = inner(&one.planes[0]).with(&inner(&other.planes[0]), |x, y| (x - y) * (x - y));
        apart.values.iter().sum::<f32>() / 4096.0
    }

    #[test]
    fn the_last_pictures_tell_what_this_one_alone_does_not() {
        let mut film = Film::new(2, 1);
        let (mut alone, mut remembered) = (0.0, 0.0);
        for number in 0..8 {
            let (whole, seen) = scene(0.37 * number as f32);
            let found = film.next(&seen, &Plain).unwrap();
            let single = Film::new(2, 1).next(&seen, &Plain).unwrap();
            if number == 0 {
                assert_eq!(found, single);
            }
            (alone, remembered) = (off(&single, &whole), off(&found, &whole));
        }
        assert!(remembered < 0.97 * alone, "{remembered} with the memory, {alone} without");
    }

    #[test]
    fn after_a_cut_and_after_another_size_the_memory_does_not_show() {
        let mut film = Film::new(2, 1);
        film.next(&scene(0.0).1, &Plain).unwrap();
        let other = Picture { planes: vec![Plane::of(48, 48, |y, x| ((y / 5 + x / 7) % 2) as f32)] };
        let cut = film.next(&other, &Plain).unwrap();
        let alone = Film::new(2, 1).next(&other, &Plain).unwrap();
        assert!(off(&cut, &alone) < 1e-4);
        let small = other.resized(20, 30);
        assert_eq!(film.next(&small, &Plain).unwrap(), Film::new(2, 1).next(&small, &Plain).unwrap());
    }
}
