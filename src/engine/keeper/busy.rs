//! How many cores the program keeps busy, for people to look at.

use std::time::Duration;

use crate::time::{Timestamp, of_cores};

/// Over how long it is measured at least.
const LEAST: Duration = Duration::from_secs(1);

/// What was spent up to the last look.
pub(super) struct Busy {
    since: Timestamp,
    spent: Option<Duration>,
    cores: Option<f64>,
}

impl Busy {
    /// Measures from now on.
    pub(super) fn new(now: Timestamp) -> Self {
        Self { since: now, spent: of_cores(), cores: None }
    }

    /// Measures anew where there is enough to measure.
    pub(super) fn look(&mut self, now: Timestamp) {
        let wall = now - self.since;
        if wall < LEAST {
            return;
        }
        let spent = of_cores();
        let share = |work: Duration| work.as_secs_f64() / wall.as_secs_f64();
        self.cores = self.spent.zip(spent).map(|(before, spent)| share(spent.saturating_sub(before)));
        self.since = now;
        self.spent = spent;
    }

    /// Cores over the last second or more; `None` before that, or where the system does not tell.
    pub(super) fn cores(&self) -> Option<f64> {
        self.cores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn work_is_told_in_cores_over_a_second_and_not_before() {
        let mut busy = Busy::new(Timestamp::ZERO);
        let start = of_cores().unwrap();
        let mut work = 0u64;
        while of_cores().unwrap() < start + Duration::from_millis(20) {
            work = std::hint::black_box(work + 1);
        }
        busy.look(Timestamp::ZERO + Duration::from_millis(999));
        assert_eq!(busy.cores(), None);
        busy.look(Timestamp::ZERO + LEAST);
        assert!(busy.cores().is_some_and(|cores| cores >= 0.02), "{:?}", busy.cores());
    }
}
