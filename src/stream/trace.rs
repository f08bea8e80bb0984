//! The latency trace: how long each hop took, as a distribution with its count.
//!
//! What is due at a time is counted from when it was due, and a tick that could not run for another is late itself, so
//! no stall hides the ticks behind it (what is known as coordinated omission).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::signal::Origin;

/// Bounds of the coarse distribution in us: six a decade (the E6 series), from 0.01 ms to 1 s.
const STEPS_US: [u64; 31] = [
    10, 15, 22, 33, 47, 68, 100, 150, 220, 330, 470, 680, 1_000, 1_500, 2_200, 3_300, 4_700, 6_800, 10_000,
    15_000, 22_000, 33_000, 47_000, 68_000, 100_000, 150_000, 220_000, 330_000, 470_000, 680_000, 1_000_000,
];

/// How many took how long: below 0.01 ms, in six steps a decade from there on, and 1 s or longer.
pub type Counts = [u64; STEPS_US.len() + 1];

/// A distribution of one hop's times, from 1 us to 1 min with 3 digits; one origin.
#[derive(Clone, Debug)]
pub struct Hop {
    origin: Origin,
    histogram: Histogram<u64>,
    counts: Counts,
}

/// The figures of a hop; what was not measured is `None`, never zero.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct HopReport {
    /// Where the stamps came from: `device`, `arrival` or `recorded`; `clock` of what begins here.
    pub origin: String,
    /// How many were measured.
    pub count: u64,
    /// Median in ms.
    pub p50: Option<f64>,
    /// 99th percentile in ms; needs 1,000 samples.
    pub p99: Option<f64>,
    /// 99.9th percentile in ms; needs 10,000 samples.
    pub p99_9: Option<f64>,
    /// Longest in ms.
    pub max: Option<f64>,
}

/// The hops of a run by their names and origins, which are never mixed, written by any thread but the real-time one, whose
/// figures the keeper brings.
#[derive(Debug, Default)]
pub struct Trace(Mutex<BTreeMap<(&'static str, Origin), Hop>>);

impl Trace {
    /// Adds one time to a hop.
    pub fn record(&self, hop: &'static str, origin: Origin, time: Duration) {
        let mut hops = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hops.entry((hop, origin)).or_insert_with(|| Hop::new(origin)).record(time);
    }

    /// The figures of all hops. One that has stamps of several origins is told once for each: by its name, then by that and the
    /// origin's (`picture_captured_to_tick_arrival`).
    #[must_use]
    pub fn report(&self) -> BTreeMap<String, HopReport> {
        self.distributions().into_iter().map(|(name, (report, _))| (name, report)).collect()
    }

    /// The same, each with its coarse distribution.
    #[must_use]
    pub fn distributions(&self) -> BTreeMap<String, (HopReport, Counts)> {
        let hops = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut told = BTreeMap::new();
        for ((name, _), hop) in hops.iter() {
            let report = hop.report();
            let again = told.contains_key(*name).then(|| format!("{name}_{}", report.origin));
            told.insert(again.unwrap_or_else(|| (*name).to_owned()), (report, *hop.counts()));
        }
        told
    }
}

impl Hop {
    /// An empty distribution. Allocates all that it will need.
    ///
    /// # Panics
    /// Never: the bounds are constants that `hdrhistogram` accepts.
    #[must_use]
    pub fn new(origin: Origin) -> Self {
        let histogram = Histogram::new_with_bounds(1, 60_000_000, 3).expect("constant bounds");
        Self { origin, histogram, counts: [0; STEPS_US.len() + 1] }
    }

    /// Adds one time; longer than a minute counts as a minute. Allocates nothing.
    pub fn record(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.histogram.saturating_record(micros.max(1));
        self.counts[STEPS_US.partition_point(|bound| *bound <= micros)] += 1;
    }

    /// The coarse distribution.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The figures.
    #[must_use]
    pub fn report(&self) -> HopReport {
        let count = self.histogram.len();
        let at = |quantile: f64, least: u64| {
            (count >= least).then(|| self.histogram.value_at_quantile(quantile) as f64 / 1_000.0)
        };
        HopReport {
            origin: format!("{:?}", self.origin).to_lowercase(),
            count,
            p50: at(0.5, 1),
            p99: at(0.99, 1_000),
            p99_9: at(0.999, 10_000),
            max: at(1.0, 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_are_told_by_name_and_only_those_that_were_measured() {
        let trace = Trace::default();
        assert!(trace.report().is_empty());
        trace.record("camera_to_tick", Origin::Device, Duration::from_millis(3));
        let report = trace.report();
        assert_eq!(report["camera_to_tick"].count, 1);
        assert_eq!(report["camera_to_tick"].origin, "device");
    }

    #[test]
    fn stamps_of_two_origins_are_never_one_distribution() {
        let trace = Trace::default();
        for (origin, ms) in [(Origin::Arrival, 1), (Origin::Device, 30), (Origin::Device, 30)] {
            trace.record("camera_to_tick", origin, Duration::from_millis(ms));
        }
        let told: Vec<_> =
            trace.report().into_iter().map(|(name, hop)| (name, hop.origin, hop.count)).collect();
        let hop = |name: &str, origin: &str, count| (name.to_owned(), origin.to_owned(), count);
        assert_eq!(told, [hop("camera_to_tick", "device", 2), hop("camera_to_tick_arrival", "arrival", 1)]);
    }

    #[test]
    fn every_time_is_counted_in_its_step() {
        let mut hop = Hop::new(Origin::Clock);
        for micros in [0, 9, 10, 14, 15, 999, 1_000, 999_999, 1_000_000, 90_000_000] {
            hop.record(Duration::from_micros(micros));
        }
        let told: Vec<_> = hop.counts().iter().enumerate().filter(|(_, count)| **count > 0).collect();
        assert_eq!(told, [(0, &2), (1, &2), (2, &1), (12, &1), (13, &1), (30, &1), (31, &2)]);
        let even = STEPS_US.windows(2).map(|pair| pair[1] as f64 / pair[0] as f64);
        assert!(even.clone().all(|ratio| (1.4..1.54).contains(&ratio)), "{:?}", even.collect::<Vec<_>>());
    }

    #[test]
    fn tails_are_not_claimed_from_few_samples() {
        let mut hop = Hop::new(Origin::Recorded);
        assert_eq!(hop.report().p50, None);
        for _ in 0..1_000 {
            hop.record(Duration::from_micros(250));
        }
        let report = hop.report();
        assert_eq!(report.count, 1_000);
        assert!((report.p99.unwrap() - 0.25).abs() < 0.01);
        assert_eq!(report.p99_9, None);
    }
}
