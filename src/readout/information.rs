//! Information: the bits about the input that the field holds, and the bits per second that bursts bring in
//! (real-time: nothing is allocated).

use crate::kernel::meters::{Plane, compare};
use crate::signal::FieldView;

/// The Gaussian-channel information in `driven - twin` of one band plane: `sum over sites of log2(1 + |d|^2 / E_b)`,
/// in bits, at least 0, exactly 0 where the two are equal.
///
/// It takes each site's tonic noise as an independent complex Gaussian of variance `E_b` (Shannon 1948): an upper
/// bound where neighbours are alike.
#[must_use]
pub fn bits_held(driven: Plane<'_>, twin: Plane<'_>, tonic_variance: f32) -> f32 {
    compare(driven, twin, 1.0 / tonic_variance).bits
}

/// The bits that all bands hold together; each band's go into `out`, slowest first.
///
/// # Panics
/// Where the fields' shapes differ, or `tonic_variances` or `out` does not hold one value per band.
pub fn bits_held_by_bands(
    driven: &FieldView,
    twin: &FieldView,
    tonic_variances: &[f32],
    out: &mut [f32],
) -> f64 {
    let shape = driven.shape();
    assert!(shape == twin.shape(), "driven and twin have one shape");
    assert!(tonic_variances.len() == shape.bands && out.len() == shape.bands, "one value per band");
    let mut sum = 0.0;
    for (band, (out, variance)) in out.iter_mut().zip(tonic_variances).enumerate() {
        *out = bits_held(driven.band(band), twin.band(band), *variance);
        sum += f64::from(*out);
    }
    sum
}

/// Counts bits in steps of 2^-20, so that what leaves the window takes away exactly what it brought.
const STEPS_PER_BIT: f64 = 1_048_576.0;

/// What bursts bring in: their number and their surprisal, over a sliding window and in total.
#[derive(Clone, Debug)]
pub struct BurstMeter {
    window: Box<[(u32, u64)]>,
    at: usize,
    seen: usize,
    bursts_in_window: u64,
    steps_in_window: u64,
    bursts: u64,
    bits: f64,
    ticks: u64,
    ticks_per_second: f64,
}

impl BurstMeter {
    /// A meter whose window spans `window_ticks` ticks (at least 1) of `ticks_per_second`.
    #[must_use]
    pub fn new(window_ticks: usize, ticks_per_second: u64) -> Self {
        Self {
            window: vec![(0, 0); window_ticks.max(1)].into_boxed_slice(),
            at: 0,
            seen: 0,
            bursts_in_window: 0,
            steps_in_window: 0,
            bursts: 0,
            bits: 0.0,
            ticks: 0,
            ticks_per_second: ticks_per_second as f64,
        }
    }

    /// Takes one tick's bursts: how many, and the sum of their surprisal in bits (a sum that is not finite, or is
    /// below 0, counts as 0).
    pub fn tick(&mut self, bursts: u32, bits: f64) {
        let bits = if bits.is_finite() { bits.max(0.0) } else { 0.0 };
        let steps = (bits * STEPS_PER_BIT) as u64;
        let (old_bursts, old_steps) = std::mem::replace(&mut self.window[self.at], (bursts, steps));
        self.bursts_in_window = self.bursts_in_window + u64::from(bursts) - u64::from(old_bursts);
        self.steps_in_window = self.steps_in_window.saturating_add(steps).saturating_sub(old_steps);
        self.at = (self.at + 1) % self.window.len();
        self.seen = (self.seen + 1).min(self.window.len());
        self.bursts += u64::from(bursts);
        self.bits += bits;
        self.ticks += 1;
    }

    fn seconds_in_window(&self) -> f64 {
        self.seen as f64 / self.ticks_per_second
    }

    /// Bursts per second over the window; `None` before the first tick.
    #[must_use]
    pub fn bursts_per_second(&self) -> Option<f64> {
        (self.seen > 0).then(|| self.bursts_in_window as f64 / self.seconds_in_window())
    }

    /// Bits per second over the window; `None` before the first tick.
    #[must_use]
    pub fn bits_per_second(&self) -> Option<f64> {
        let bits = self.steps_in_window as f64 / STEPS_PER_BIT;
        (self.seen > 0).then(|| bits / self.seconds_in_window())
    }

    /// All bursts so far.
    #[must_use]
    pub fn bursts(&self) -> u64 {
        self.bursts
    }

    /// All bits so far.
    #[must_use]
    pub fn bits(&self) -> f64 {
        self.bits
    }

    /// Bursts and bits per second since the start; `None` before the first tick.
    #[must_use]
    pub fn mean_rates(&self) -> Option<(f64, f64)> {
        let seconds = self.ticks as f64 / self.ticks_per_second;
        (self.ticks > 0).then(|| (self.bursts as f64 / seconds, self.bits / seconds))
    }

    /// The mean surprisal of a burst in bits; `None` without bursts.
    #[must_use]
    pub fn mean_surprisal_bits(&self) -> Option<f64> {
        (self.bursts > 0).then(|| self.bits / self.bursts as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_as_large_as_the_noise_holds_one_bit_per_site() {
        let (zero, two) = (vec![0.0f32; 500], vec![2.0f32; 500]);
        assert!((bits_held((&two, &zero), (&zero, &zero), 4.0) - 500.0).abs() < 0.01);
        assert!((bits_held((&two, &zero), (&zero, &zero), 4.0 / 3.0) - 1_000.0).abs() < 0.01);
        assert_eq!(bits_held((&two, &two), (&two, &two), 4.0).to_bits(), 0);
    }

    #[test]
    fn a_held_rate_is_told_after_the_first_tick_and_ends_with_the_window() {
        let mut meter = BurstMeter::new(1_000, 1_000);
        assert_eq!(meter.bits_per_second(), None);
        for _ in 0..5_000 {
            meter.tick(2, 0.3);
        }
        assert!((meter.bits_per_second().unwrap() - 300.0).abs() < 1e-2);
        assert!((meter.bursts_per_second().unwrap() - 2_000.0).abs() < 1e-9);
        for _ in 0..1_000 {
            meter.tick(0, 0.0);
        }
        assert_eq!(meter.bits_per_second(), Some(0.0));
        assert_eq!(meter.bursts(), 10_000);
        assert!((meter.mean_surprisal_bits().unwrap() - 0.15).abs() < 1e-9);
        assert!((meter.mean_rates().unwrap().1 - 250.0).abs() < 1e-6);
    }

    #[test]
    fn a_short_run_is_divided_by_its_own_length() {
        let mut meter = BurstMeter::new(1_000, 1_000);
        (0..100).for_each(|_| meter.tick(1, 1.0));
        assert!((meter.bits_per_second().unwrap() - 1_000.0).abs() < 1e-6);
    }

    #[test]
    fn a_sum_that_is_no_number_does_not_spoil_the_meter() {
        let mut meter = BurstMeter::new(10, 1_000);
        meter.tick(1, f64::NAN);
        meter.tick(1, -4.0);
        assert_eq!(meter.bits_per_second(), Some(0.0));
    }
}
