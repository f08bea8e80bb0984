//! The order parameter of a band and its metastability (real-time: nothing is allocated).
//!
//! `R = | mean over sites of z/|z| |`: 1 where all sites have one phase, about `1/sqrt(sites)` where they have
//! none in common (Kuramoto 1984). Metastability is the standard deviation of `R` over time (Shanahan 2010,
//! Chaos 20:013108; Deco et al. 2017, Scientific Reports 7:3095).

use super::moments::Moments;
use crate::kernel::meters::{Plane, phasors};

/// The order parameter of one band plane, given as real and imaginary parts of equal length: 0 to 1; 0 for an
/// empty plane.
#[must_use]
pub fn order_parameter(plane: Plane<'_>) -> f32 {
    order_of(phasors(plane), plane.0.len())
}

/// The order parameter of `sites` sites whose phasors sum to `sum`.
pub(super) fn order_of([re, im]: [f32; 2], sites: usize) -> f32 {
    (re * re + im * im).sqrt() / sites.max(1) as f32
}

/// The order parameter of one band over time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Order {
    latest: f32,
    moments: Moments,
}

impl Order {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at the band's plane and returns its order parameter.
    pub fn look(&mut self, plane: (&[f32], &[f32])) -> f32 {
        self.latest = order_parameter(plane);
        self.moments.push(f64::from(self.latest));
        self.latest
    }

    /// The order parameter at the last look, 0 to 1; 0 before the first.
    #[must_use]
    pub fn latest(&self) -> f32 {
        self.latest
    }

    /// The mean order parameter; `None` before the first look.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        self.moments.mean()
    }

    /// The standard deviation of the order parameter over all looks; `None` before the first.
    #[must_use]
    pub fn metastability(&self) -> Option<f64> {
        self.moments.standard_deviation()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn one_phase_everywhere_is_full_order_whatever_the_amplitudes() {
        let re: Vec<f32> = (1..=1_000).map(|i| 0.6 * i as f32).collect();
        let im: Vec<f32> = (1..=1_000).map(|i| 0.8 * i as f32).collect();
        assert!((order_parameter((&re, &im)) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn independent_phases_leave_what_chance_leaves() {
        let mut stream = Stream::new(5, 0);
        let mut order = Order::new();
        for _ in 0..200 {
            let plane: [Vec<f32>; 2] =
                std::array::from_fn(|_| (0..1_024).map(|_| stream.normal() as f32).collect());
            order.look((&plane[0], &plane[1]));
        }
        // A Rayleigh variable with mean sqrt(pi)/2 / sqrt(sites) and deviation sqrt(1 - pi/4) / sqrt(sites).
        assert!((order.mean().unwrap() - 0.0277).abs() < 0.003, "{:?}", order.mean());
        assert!((order.metastability().unwrap() - 0.01447).abs() < 0.003, "{:?}", order.metastability());
    }

    #[test]
    fn a_steady_order_is_not_metastable_and_no_look_is_no_figure() {
        let mut order = Order::new();
        assert_eq!(order.metastability(), None);
        for _ in 0..10 {
            order.look((&[1.0, 1.0], &[0.0, 0.0]));
        }
        assert_eq!(order.metastability(), Some(0.0));
    }
}
