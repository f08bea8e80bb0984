//! Episodes: pictures that were seen, each known by the impression it made.

use super::super::dense::Dense;
use super::super::picture::{Picture, Plane};

/// Weights below this share of the largest add nothing that could be seen.
const SEEN: f32 = 1e-3;

/// Impressions as keys, pictures as values.
pub(super) struct Episodes {
    keys: Dense,
    pictures: Vec<Picture>,
}

impl Episodes {
    pub(super) fn new(pixels: usize, capacity: usize, seed: u64) -> Self {
        Self { keys: Dense::new(pixels, capacity, seed), pictures: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.pictures.len()
    }

    /// All pictures.
    pub(super) fn pictures(&self) -> &[Picture] {
        &self.pictures
    }

    /// Learns one; tells whether another was forgotten for it.
    pub(super) fn learn(&mut self, impression: &[f32], picture: &Picture) -> bool {
        let place = self.keys.next_place();
        let forgot = self.keys.append(impression, 1.0);
        if let Some(old) = self.pictures.get_mut(place) {
            *old = picture.clone();
        } else {
            self.pictures.push(picture.clone());
        }
        forgot
    }

    /// The mean of all pictures by the posterior of their impressions under noise of this standard deviation; `None` where
    /// there are none.
    pub(super) fn recall(&self, reading: &[f32], noise: f32) -> Option<Picture> {
        let precision = 0.5 / (noise * noise).max(1e-12);
        let far = |key: &[f32]| -> f32 {
            let squares = key.iter().zip(reading).map(|(key, x)| (key - x) * (key - x));
            -precision * squares.sum::<f32>()
        };
        let weights = softmax(self.keys.rows().chunks_exact(self.keys.dims()).map(far).collect());
        let first = self.pictures.first()?;
        let mut mean = first.map(|plane| Plane::flat(plane.height, plane.width, 0.0));
        for (weight, picture) in weights.iter().zip(&self.pictures).filter(|(weight, _)| **weight > 0.0) {
            for (mean, plane) in mean.planes.iter_mut().zip(&picture.planes) {
                mean.values.iter_mut().zip(&plane.values).for_each(|(mean, x)| *mean += weight * x);
            }
        }
        Some(mean)
    }
}

/// Weights of sum 1 from their logarithms; those that can't be seen are 0.
pub(super) fn softmax(mut logarithms: Vec<f32>) -> Vec<f32> {
    let most = logarithms.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for x in &mut logarithms {
        let weight = libm::expf(*x - most);
        *x = if weight < SEEN { 0.0 } else { weight };
        sum += *x;
    }
    for x in &mut logarithms {
        *x /= sum;
    }
    logarithms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(value: f32) -> Picture {
        Picture { planes: vec![Plane::flat(2, 2, value)] }
    }

    #[test]
    fn a_sure_reading_recalls_one_and_an_unsure_one_the_mean() {
        let mut episodes = Episodes::new(2, 4, 1);
        assert_eq!(episodes.recall(&[0.0, 0.0], 1.0), None);
        for (impression, value) in [([0.0, 0.0], 0.0), ([1.0, 0.0], 0.5), ([0.0, 1.0], 1.0)] {
            assert!(!episodes.learn(&impression, &grey(value)));
        }
        let value = |noise: f32| episodes.recall(&[0.9, 0.1], noise).unwrap().planes[0].values[0];
        assert!((value(0.1) - 0.5).abs() < 1e-6);
        assert!((value(100.0) - 0.5).abs() < 1e-3);
        let near = episodes.recall(&[0.1, 0.9], 0.4).unwrap().planes[0].values[0];
        assert!(near > 0.8 && near < 1.0, "{near}");
    }

    #[test]
    fn a_full_memory_forgets_the_picture_with_its_impression() {
        let mut episodes = Episodes::new(1, 3, 9);
        for n in 0..40 {
            let x = n as f32;
            assert_eq!(episodes.learn(&[x], &grey(x)), n >= 3);
            assert_eq!(episodes.recall(&[x], 0.01).unwrap().planes[0].values[0], x, "the newest is known");
        }
        for (key, picture) in episodes.keys.rows().iter().zip(&episodes.pictures) {
            assert_eq!(*key, picture.planes[0].values[0]);
        }
    }
}
