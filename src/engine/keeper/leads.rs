//! Electrodes at their own rate: of what is read each tick, sample `k` is the field at `k / rate`, as marks stand at their own tick.
//!
//! The low-pass looks as far ahead as back. So a sample is known only after ticks behind it, and the last ones when the run
//! has ended: the real-time thread, which ends with its last tick, could not give them.

use super::{Desk, Keeper, TRACE_SAMPLES, empty_trace, push, push_all};
use crate::kernel::decimate::Decimator;
use crate::readout::electrodes::low_pass;
use crate::signal::ElectrodeItem;
use crate::time::{TICKS_PER_SECOND, Tick};

/// Makes samples of what is read each tick. Before its first tick and behind its last the field is taken to have stood
/// still: silence there would draw the samples beside it towards 0.
pub(super) struct Leads {
    low_pass: Decimator,
    /// What was read last; nothing before the first tick.
    last: Vec<f32>,
    /// Samples still to come that are of a time before the first tick.
    early: usize,
    /// Ticks that the low-pass is still to be given behind the last.
    behind: usize,
}

impl Leads {
    /// For `channels` values a tick.
    pub(super) fn new(rate_hz: u32, channels: usize) -> Self {
        Self { low_pass: low_pass(rate_hz, channels), last: Vec::new(), early: 0, behind: 0 }
    }

    /// Takes what was read in the next tick; `true` where `out` now holds the next sample.
    pub(super) fn push(&mut self, read: &[f32], out: &mut [f32]) -> bool {
        if self.last.is_empty() {
            self.begin(read, out);
        }
        self.last.copy_from_slice(read);
        self.filter(out)
    }

    /// The next of the samples whose ticks are all over; `false` where none is left.
    pub(super) fn rest(&mut self, out: &mut [f32]) -> bool {
        while self.behind > 0 {
            self.behind -= 1;
            if self.filter(out) {
                return true;
            }
        }
        false
    }

    /// Fills the low-pass with what is read first. As many samples as that gives come once more before the first tick's own.
    fn begin(&mut self, read: &[f32], out: &mut [f32]) {
        self.last.extend_from_slice(read);
        self.behind = self.low_pass.delay();
        self.early = (0..self.behind).filter(|_| self.low_pass.push(read, out)).count();
    }

    fn filter(&mut self, out: &mut [f32]) -> bool {
        let given = self.low_pass.push(&self.last, out);
        let early = given && self.early > 0;
        self.early -= usize::from(early);
        given && !early
    }
}

impl Keeper {
    /// Takes what the electrodes read in a tick.
    pub(super) fn take_leads(&mut self, desk: &mut Desk) {
        self.electrodes.pop_into(&mut desk.read);
        if desk.leads.push(&desk.read, &mut desk.sample) {
            self.keep_sample(desk);
        }
    }

    /// Takes what is left when the run has ended.
    pub(super) fn end_leads(&mut self, desk: &mut Desk) {
        while desk.leads.rest(&mut desk.sample) {
            self.keep_sample(desk);
        }
    }

    /// Measures, keeps and shows a sample.
    fn keep_sample(&mut self, desk: &mut Desk) {
        self.analysis.sample(&desk.sample);
        let driven = &desk.sample[..self.facts.electrodes.len()];
        self.gathering.sample(driven);
        if self.keep.electrodes.is_some() || !self.keep.outlets.is_empty() {
            let item = ElectrodeItem::Sample(driven.to_vec());
            push(&mut self.keep.electrodes, &item, &mut desk.failures);
            push_all(&mut self.keep.outlets, &item, &mut desk.failures);
        }
        desk.samples += 1;
        let Some(publish) = &mut self.publish else { return };
        for (trace, value) in desk.trace.microvolts.iter_mut().zip(driven) {
            trace.push(*value);
        }
        if desk.trace.microvolts[0].len() >= TRACE_SAMPLES {
            let played = desk.samples * TICKS_PER_SECOND / u64::from(self.facts.rate_hz);
            let next = empty_trace(&self.facts, Tick(self.facts.first.0 + played));
            let full = std::mem::replace(&mut desk.trace, next);
            // A page that is slow misses a stretch; the engine does not wait for it.
            let _ = publish.traces.try_send(full);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All samples of a run that reads these values, tick by tick.
    fn samples(rate_hz: u32, ticks: &[f32]) -> Vec<f32> {
        let mut leads = Leads::new(rate_hz, 2);
        let (mut found, mut out) = (Vec::new(), [0.0; 2]);
        for value in ticks {
            if leads.push(&[-value, *value], &mut out) {
                found.push(out[1]);
            }
        }
        while leads.rest(&mut out) {
            found.push(out[1]);
        }
        found
    }

    /// What a strike at a tick leaves at an electrode: a wave of some 20 ms about it.
    fn struck(at: i32) -> Vec<f32> {
        let wave = |tick: i32| {
            let x = f64::from(tick - at) / 8.0;
            libm::exp(-0.5 * x * x) as f32
        };
        (0..1_000).map(wave).collect()
    }

    #[test]
    fn a_strike_stands_at_its_own_time_at_every_rate() {
        for rate_hz in [1_000, 500, 250] {
            let samples = samples(rate_hz, &struck(437));
            let (peak, _) = samples.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
            let peak_ms = peak * 1_000 / rate_hz as usize;
            assert!(peak_ms.abs_diff(437) <= 4, "at {rate_hz} Hz it stands at {peak_ms} ms");
        }
    }

    #[test]
    fn every_run_has_the_samples_of_its_ticks_and_a_steady_field_is_steady_from_end_to_end() {
        for (rate_hz, factor) in [(1_000, 1), (500, 2), (250, 4)] {
            for ticks in [0, 1, 3, 51, 52, 53, 104, 1_001] {
                let samples = samples(rate_hz, &vec![7.0; ticks]);
                assert_eq!(samples.len(), ticks.div_ceil(factor), "{ticks} ticks at {rate_hz} Hz");
                assert!(samples.iter().all(|value| (value - 7.0).abs() < 1e-4), "{samples:?}");
            }
        }
    }

    #[test]
    fn a_run_that_goes_on_from_a_tick_has_the_same_samples_behind_its_first_ones() {
        let whole = struck(437);
        let (all, part) = (samples(250, &whole), samples(250, &whole[400..]));
        assert_eq!(all[100 + 13..], part[13..], "to the bit");
    }

    #[test]
    fn at_a_thousand_hertz_what_is_read_is_the_sample_at_once_and_to_the_bit() {
        let (mut leads, mut out) = (Leads::new(1_000, 1), [0.0]);
        for value in [0.1f32, -3e-39, 12.5] {
            assert!(leads.push(&[value], &mut out));
            assert_eq!(out[0].to_bits(), value.to_bits());
        }
        assert!(!leads.rest(&mut out));
    }
}
