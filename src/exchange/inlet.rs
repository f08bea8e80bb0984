//! An inlet: values of another program as a source of channels, on the run's clock and always promised a little ahead.
//!
//! ```text
//!   it happened        it is placed here: + delay
//!       |-------------------------------|
//!             now |----------|  promised: nothing comes before now + delay / 2
//! ```
//!
//! A tick waits for the promises of all sources, so one that waited for the next value would stop the run. What
//! happened at `t` is placed at `t + delay` instead, and time up to half a delay from now is given away while nothing
//! comes. What then takes more than the other half to get here is placed at the promised time and counted as late.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::account::Account;
use crate::error::Result;
use crate::signal::{ScalarLayout, ScalarSample, Stamp};
use crate::stream::{Faults, Source, SourceInfo};
use crate::time::{Clock, Timestamp};

/// The longest time between two promises.
const LONGEST_WAIT: Duration = Duration::from_millis(5);

/// One sample of another program.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Arrival {
    /// How long ago it happened, as far as that is known.
    pub(super) age: Duration,
    /// Values of the first channels; the others repeat their last.
    pub(super) values: Vec<f32>,
}

/// What brings samples in; it counts what it ignores.
pub(super) trait Receive: Send {
    /// Waits for samples, at most the time for which it was made, and hands them to `take` in their order.
    fn receive(&mut self, take: &mut dyn FnMut(Arrival)) -> Result<()>;
}

/// Channels that come in while the run goes on.
pub struct Inlet {
    info: SourceInfo,
    layout: ScalarLayout,
    receive: Box<dyn Receive>,
    clock: Arc<dyn Clock>,
    delay: Duration,
    /// When the run ends by its other inputs.
    end: Option<Timestamp>,
    account: Arc<Account>,
    /// The time of the first pull, which is model time 0.
    zero: Option<Timestamp>,
    promised: Timestamp,
    values: Vec<f32>,
    waiting: VecDeque<ScalarSample>,
    not_finite: u64,
}

/// What an inlet is made of.
pub(super) struct Parts {
    pub(super) info: SourceInfo,
    pub(super) layout: ScalarLayout,
    pub(super) receive: Box<dyn Receive>,
    pub(super) account: Arc<Account>,
}

/// How long a receiver may wait, for a delay.
pub(super) fn longest_wait(delay: Duration) -> Duration {
    (delay / 8).min(LONGEST_WAIT)
}

impl Inlet {
    /// An inlet whose first pull is model time 0; it ends at `end`, or never.
    pub(super) fn new(parts: Parts, clock: Arc<dyn Clock>, delay: Duration, end: Option<Timestamp>) -> Self {
        let Parts { info, layout, receive, account } = parts;
        let values = vec![0.0; layout.names.len()];
        Self {
            info,
            layout,
            receive,
            clock,
            delay,
            end,
            account,
            zero: None,
            promised: Timestamp::ZERO,
            values,
            waiting: VecDeque::new(),
            not_finite: 0,
        }
    }

    /// The channels.
    #[must_use]
    pub fn layout(&self) -> &ScalarLayout {
        &self.layout
    }

    /// Model time.
    fn now(&self, zero: Timestamp) -> Timestamp {
        Timestamp::ZERO + (self.clock.now() - zero)
    }

    /// Places what came, and gives time away.
    fn wait(&mut self, zero: Timestamp) -> Result<()> {
        let mut arrived = Vec::new();
        // The first call promises at once: the engine waits for it.
        if self.promised > Timestamp::ZERO {
            self.receive.receive(&mut |arrival| arrived.push(arrival))?;
        }
        let now = self.now(zero);
        for arrival in arrived {
            self.place(now, arrival);
        }
        let ahead = now + self.delay / 2;
        if ahead > self.promised {
            self.promised = ahead;
            let stamp = Stamp { time: ahead, origin: self.info.origin };
            self.waiting.push_back(ScalarSample { stamp, values: Vec::new() });
        }
        Ok(())
    }

    fn place(&mut self, now: Timestamp, arrival: Arrival) {
        let age = i64::try_from(arrival.age.as_nanos()).unwrap_or(i64::MAX);
        let wished = Timestamp(now.0.saturating_sub(age)) + self.delay;
        if wished < self.promised {
            self.account.late();
        }
        self.promised = self.promised.max(wished);
        for (value, new) in self.values.iter_mut().zip(arrival.values) {
            if new.is_finite() {
                *value = new;
            } else {
                self.not_finite += 1;
            }
        }
        self.account.pass(1);
        let stamp = Stamp { time: self.promised, origin: self.info.origin };
        self.waiting.push_back(ScalarSample { stamp, values: self.values.clone() });
    }
}

impl Source for Inlet {
    type Item = ScalarSample;

    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn pull(&mut self) -> Result<Option<ScalarSample>> {
        let zero = *self.zero.get_or_insert_with(|| self.clock.now());
        while self.waiting.is_empty() {
            if self.end.is_some_and(|end| self.promised >= end) {
                return Ok(None);
            }
            self.wait(zero)?;
        }
        Ok(self.waiting.pop_front())
    }

    fn faults(&self) -> Faults {
        Faults { damaged: 0, not_finite: self.not_finite }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Origin;
    use crate::time::ManualClock;

    /// Gives what a test lays down, a step of the clock per call.
    struct Script {
        clock: Arc<ManualClock>,
        step: Duration,
        arrivals: VecDeque<Vec<Arrival>>,
    }

    impl Receive for Script {
        fn receive(&mut self, take: &mut dyn FnMut(Arrival)) -> Result<()> {
            self.clock.advance(self.step);
            self.arrivals.pop_front().into_iter().flatten().for_each(take);
            Ok(())
        }
    }

    const MS: Duration = Duration::from_millis(1);

    fn inlet(arrivals: Vec<Vec<Arrival>>, end_ms: Option<i64>) -> (Inlet, Arc<Account>) {
        let clock = Arc::new(ManualClock::new());
        clock.advance(7 * MS);
        let account = Arc::new(Account::default());
        let script = Script { clock: Arc::clone(&clock), step: 2 * MS, arrivals: arrivals.into() };
        let parts = Parts {
            info: SourceInfo {
                name: "test".to_owned(),
                kind: "scalar".to_owned(),
                origin: Origin::Arrival,
                format: "2 channels".to_owned(),
            },
            layout: ScalarLayout { names: vec!["a".to_owned(), "b".to_owned()], units: Vec::new() },
            receive: Box::new(script),
            account: Arc::clone(&account),
        };
        let end = end_ms.map(|ms| Timestamp(ms * 1_000_000));
        (Inlet::new(parts, clock, 20 * MS, end), account)
    }

    /// Times in ms and values of the next samples.
    fn pulled(inlet: &mut Inlet, count: usize) -> Vec<(i64, Vec<f32>)> {
        let mut next =
            || inlet.pull().unwrap().map(|sample| (sample.stamp.time.0 / 1_000_000, sample.values));
        (0..count).map_while(|_| next()).collect()
    }

    fn arrival(age_ms: u32, values: &[f32]) -> Arrival {
        Arrival { age: age_ms * MS, values: values.to_vec() }
    }

    #[test]
    fn while_nothing_comes_time_is_promised_half_a_delay_ahead() {
        let (mut inlet, account) = inlet(Vec::new(), None);
        assert_eq!(pulled(&mut inlet, 3), [(10, vec![]), (12, vec![]), (14, vec![])]);
        assert_eq!(account.read().passed, 0);
    }

    #[test]
    fn what_happened_is_placed_a_delay_later_however_long_it_took_to_come() {
        let (mut inlet, account) = inlet(vec![vec![arrival(5, &[1.0, 2.0])], vec![arrival(1, &[3.0])]], None);
        let found = pulled(&mut inlet, 3);
        // It came 2 ms after the start and had happened 5 ms before.
        assert_eq!(found[1..], [(17, vec![1.0, 2.0]), (23, vec![3.0, 2.0])]);
        assert_eq!((account.read().passed, account.read().late), (2, 0));
    }

    #[test]
    fn what_comes_too_late_is_moved_to_the_promised_time_and_counted() {
        let (mut inlet, account) = inlet(vec![vec![], vec![arrival(15, &[1.0])]], None);
        assert_eq!(pulled(&mut inlet, 3), [(10, vec![]), (12, vec![]), (12, vec![1.0, 0.0])]);
        assert_eq!(account.read().late, 1);
    }

    #[test]
    fn a_value_that_is_not_finite_repeats_the_last_and_is_counted() {
        let script = vec![vec![arrival(0, &[1.0, 2.0]), arrival(0, &[f32::NAN, 4.0])]];
        let (mut inlet, _) = inlet(script, None);
        assert_eq!(pulled(&mut inlet, 3)[2].1, [1.0, 4.0]);
        assert_eq!(inlet.faults().not_finite, 1);
    }

    #[test]
    fn it_ends_with_the_other_inputs() {
        let (mut inlet, _) = inlet(Vec::new(), Some(13));
        assert_eq!(pulled(&mut inlet, 9).len(), 3);
        assert_eq!(inlet.pull().unwrap(), None);
    }
}
