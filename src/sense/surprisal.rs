//! Surprisal: how many bits each burst costs under a running prediction of its own site.
//!
//! ```text
//! bits = -log2 p(event) - log2 p(sign | last sign) - log2 p(magnitude | last magnitude)
//! p(event)     = (1/2 + n) / (1/(2 p_0) + N)          n, N: events and steps, forgotten with time constant M steps
//! p(same sign) = (1/2 + r) / (1 + R)                  r, R: repeats and events, forgotten over 16 events
//! p(m | m')    = q^|m - m'| (1 - q) / (1 + q - q^m')  m = 1, 2, ...; q from the running mean of |m - m'|
//! ```
//!
//! | symbol | default | unit | meaning |
//! |---|---|---|---|
//! | `p_0` | set by the sense | 1/step | the rate expected of a site before anything is known of it |
//! | `M` | set by the sense | steps | how long an event is remembered |
//! | `q` | 0.41 at first | - | ratio of the two-sided geometric distribution around the last magnitude |
//!
//! This is a cross-entropy under a fixed family of models, site by site: neighbours, hue and rhythm that a better
//! model could use are not used, so it bounds the information from above. Steps without an event are not charged.
//!
//! Sources: Shannon 1948, section 6; the half counts are the estimator of Krichevsky and Trofimov, IEEE Trans. Inf.
//! Theory 27 (1981). Used on the real-time thread: allocates only in [`Surprisal::new`].

use crate::kernel::archive::Archive;
use crate::signal::Sign;

/// Events over which signs and magnitudes are remembered.
const EVENT_MEMORY: f32 = 16.0;
/// The least mean change of magnitude that is believed; keeps a repeated burst from costing exactly nothing.
const LEAST_SPREAD: f32 = 0.05;

/// The running predictions of a sheet's sites.
#[derive(Clone, Debug)]
pub struct Surprisal {
    prior_rate: f32,
    memory: f32,
    sites: Vec<Site>,
    /// A step and the steps that are remembered by then: bursts come many to a step.
    seen: (u64, f32),
}

/// Aligned to its size, so that a site lies in one line of the cache: bursts come from far apart.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Site {
    /// The step of the last event.
    last_step: u64,
    /// Events, forgotten exponentially.
    events: f32,
    /// Repeats of a sign and events, forgotten event by event.
    repeats: f32,
    signs: f32,
    last_sign: Option<Sign>,
    last_magnitude: f32,
    /// Running mean of the change of magnitude.
    spread: f32,
}

impl Surprisal {
    /// Predictions for `sites` sites that have seen nothing: `prior_rate` events per step are expected (in (0, 1)),
    /// and `memory` steps are remembered (at least 1).
    #[must_use]
    pub fn new(sites: usize, prior_rate: f32, memory: f32) -> Self {
        let fresh = Site {
            last_step: 0,
            events: 0.0,
            repeats: 0.0,
            signs: 0.0,
            last_sign: None,
            last_magnitude: 1.0,
            spread: 1.0,
        };
        let prior_rate = prior_rate.clamp(1e-6, 0.999);
        Self { prior_rate, memory: memory.max(1.0), sites: vec![fresh; sites], seen: (0, 0.0) }
    }

    /// Hands every number of the state to `archive`.
    pub fn archive(&mut self, archive: &mut impl Archive) {
        archive.count(&mut self.seen.0);
        archive.number(&mut self.seen.1);
        for site in &mut self.sites {
            archive.count(&mut site.last_step);
            let numbers = [
                &mut site.events,
                &mut site.repeats,
                &mut site.signs,
                &mut site.last_magnitude,
                &mut site.spread,
            ];
            for number in numbers {
                archive.number(number);
            }
            let mut sign = site.last_sign.map_or(0, |sign| if sign == Sign::On { 1 } else { 2 });
            archive.word(&mut sign);
            site.last_sign = match sign {
                0 => None,
                1 => Some(Sign::On),
                _ => Some(Sign::Off),
            };
        }
    }

    /// The bits of an event at `site` in step `step` (steps never decrease), and learns it.
    ///
    /// `magnitude` is in thresholds and counted in whole ones, at least 1. Allocates nothing.
    ///
    /// # Panics
    /// Where `site` is not on the sheet.
    pub fn bits(&mut self, site: usize, step: u64, sign: Sign, magnitude: f32) -> f32 {
        if self.seen.0 != step {
            self.seen = (step, self.memory * (1.0 - libm::expf(-(step as f32) / self.memory)));
        }
        let expected = 0.5 / self.prior_rate + self.seen.1;
        let site = &mut self.sites[site];
        // One logarithm of the product instead of one of each.
        let p = site.event(step, self.memory, expected) * site.sign(sign);
        let (of_size, bits_of_change) = site.magnitude(magnitude);
        (bits_of_change - libm::log2f(p * of_size)).max(0.0)
    }
}

impl Site {
    /// The probability of an event now, where half a count over `expected` steps is known beforehand.
    fn event(&mut self, step: u64, memory: f32, expected: f32) -> f32 {
        let elapsed = step.saturating_sub(self.last_step) as f32;
        self.events *= libm::expf(-elapsed / memory);
        let p = (0.5 + self.events) / expected;
        self.last_step = step;
        self.events += 1.0;
        p.min(1.0)
    }

    /// The probability of its sign.
    fn sign(&mut self, sign: Sign) -> f32 {
        let Some(last) = self.last_sign.replace(sign) else { return 0.5 };
        let same = (0.5 + self.repeats) / (1.0 + self.signs);
        let keep = 1.0 - 1.0 / EVENT_MEMORY;
        self.repeats *= keep;
        self.signs = self.signs * keep + 1.0;
        if last == sign {
            self.repeats += 1.0;
            same
        } else {
            1.0 - same
        }
    }

    /// Its magnitude's `(1 - q) / (1 + q - q^m')`, and the bits of `q^|m - m'|`.
    fn magnitude(&mut self, magnitude: f32) -> (f32, f32) {
        let magnitude = magnitude.round().max(1.0);
        let (expected, spread) = (self.last_magnitude, self.spread.max(LEAST_SPREAD));
        // Of a two-sided geometric distribution: E|d| = 2 q / (1 - q^2).
        let q = ((spread * spread + 1.0).sqrt() - 1.0) / spread;
        let log2_q = libm::log2f(q);
        let of_size = (1.0 - q) / (1.0 + q - libm::exp2f(expected * log2_q));
        let change = (magnitude - expected).abs();
        self.spread += (change - self.spread) / EVENT_MEMORY;
        self.last_magnitude = magnitude;
        (of_size, -change * log2_q)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn the_first_event_costs_what_the_prior_says() {
        let mut surprisal = Surprisal::new(1, 1.0 / 64.0, 100.0);
        let bits = surprisal.bits(0, 0, Sign::On, 1.0);
        // 6 bits for the event, 1 for its sign, and the magnitude's -log2((1 - q) / 1) at q = sqrt(2) - 1.
        assert!((bits - 7.771_55).abs() < 1e-3, "{bits}");
    }

    #[test]
    fn what_repeats_becomes_cheap_and_what_is_new_stays_dear() {
        let mut surprisal = Surprisal::new(1, 0.01, 500.0);
        let mut bits = 0.0;
        for step in 0..2_000 {
            let sign = if step % 2 == 0 { Sign::On } else { Sign::Off };
            bits = surprisal.bits(0, step, sign, 9.0);
        }
        assert!(bits < 0.5, "{bits}");
        assert!(surprisal.bits(0, 2_000, Sign::Off, 40.0) > 30.0);
    }

    #[test]
    fn a_site_that_rests_forgets_and_is_surprised_again() {
        let mut surprisal = Surprisal::new(1, 0.01, 100.0);
        let mut bits = 0.0;
        for step in 0..500 {
            bits = surprisal.bits(0, step, Sign::On, 2.0);
        }
        assert!(surprisal.bits(0, 2_000, Sign::On, 2.0) > bits + 5.0);
    }

    #[test]
    fn magnitudes_are_coded_within_a_tenth_of_a_bit_of_the_entropy_of_their_family() {
        let mut surprisal = Surprisal::new(1, 0.999, 1e6);
        let mut stream = Stream::new(3, 0);
        let (mut total, count) = (0.0, 20_000);
        for step in 0..count {
            let sign = if stream.word() & 1 == 0 { Sign::On } else { Sign::Off };
            // A geometric magnitude of mean 5: its differences are two-sided geometric around the last one.
            let magnitude = 1.0 + libm::floor(libm::log(1.0 - stream.uniform()) / libm::log(0.8));
            total += f64::from(surprisal.bits(0, step, sign, magnitude as f32));
        }
        // Sign 1 bit; entropy of the geometric magnitude 3.61 bits; knowing only the last value costs up to 0.5 more.
        let mean = total / count as f64;
        assert!(mean > 4.5 && mean < 5.3, "{mean}");
    }

    #[test]
    fn the_magnitude_model_sums_to_one() {
        let mut site = Surprisal::new(1, 0.1, 10.0).sites[0];
        site.last_magnitude = 4.0;
        site.spread = 2.5;
        let total: f64 = (1..400)
            .map(|m| {
                let mut copy = site;
                let (of_size, bits_of_change) = copy.magnitude(m as f32);
                f64::from(of_size) * libm::exp2(-f64::from(bits_of_change))
            })
            .sum();
        assert!((total - 1.0).abs() < 1e-4, "{total}");
    }
}
