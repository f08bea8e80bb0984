//! How fast model time runs, and how people change that while it does: pause, slow motion, a step.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::plan::Pace;
use crate::time::{Tick, Timestamp};

/// What is asked of a run's time; written by whoever may, read by the real-time thread.
#[derive(Debug)]
pub(super) struct Tempo {
    /// Thousandths of real time.
    speed: AtomicU32,
    /// The tick before which time stands still.
    holds_at: AtomicU64,
}

impl Tempo {
    /// A run's time at its own pace.
    pub(super) fn new(pace: Pace) -> Self {
        let speed = match pace {
            Pace::Max => 0,
            Pace::Real { thousandths } => thousandths,
        };
        Self { speed: AtomicU32::new(speed), holds_at: AtomicU64::new(u64::MAX) }
    }

    /// Thousandths of real time; 0 is as fast as can be.
    pub(super) fn speed(&self) -> u32 {
        self.speed.load(Ordering::Relaxed)
    }

    /// Goes on at so many thousandths of real time.
    pub(super) fn set_speed(&self, thousandths: u32) {
        self.speed.store(thousandths, Ordering::Relaxed);
    }

    /// Whether time stands still, or is about to.
    pub(super) fn is_held(&self) -> bool {
        self.holds_at.load(Ordering::Relaxed) != u64::MAX
    }

    /// Stands still before `tick`.
    pub(super) fn hold_at(&self, tick: Tick) {
        self.holds_at.store(tick.0, Ordering::Relaxed);
    }

    /// Goes on.
    pub(super) fn go_on(&self) {
        self.holds_at.store(u64::MAX, Ordering::Relaxed);
    }
}

/// When ticks are due. A change of speed or a pause moves what comes after, so that nothing is late for it.
#[derive(Debug)]
pub(super) struct Pacer {
    tempo: Arc<Tempo>,
    pace: Pace,
    /// A tick, and when it was due.
    base: (Tick, Timestamp),
    held: bool,
}

impl Pacer {
    /// Ticks at `pace`, the first of which is due at `start`.
    pub(super) fn new(tempo: Arc<Tempo>, pace: Pace, first: Tick, start: Timestamp) -> Self {
        Self { tempo, pace, base: (first, start), held: false }
    }

    /// When a tick is due, where ticks are paced.
    pub(super) fn due(&self, tick: Tick) -> Option<Timestamp> {
        self.pace.due(Tick(tick.0 - self.base.0.0)).map(|due| Timestamp(self.base.1.0 + due.0))
    }

    /// Whether time goes on to `tick`; looks at what was asked for since.
    pub(super) fn admits(&mut self, tick: Tick, now: Timestamp) -> bool {
        if tick.0 >= self.tempo.holds_at.load(Ordering::Relaxed) {
            self.held = true;
            return false;
        }
        let pace = match self.tempo.speed() {
            0 => Pace::Max,
            thousandths => Pace::Real { thousandths },
        };
        if pace != self.pace {
            // From where time stands: the tick is as far off as it was, at the new speed from there on.
            let due = if self.held { now } else { self.due(tick).unwrap_or(now).min(now) };
            (self.pace, self.base) = (pace, (tick, due));
        } else if self.held {
            self.base = (tick, now);
        }
        self.held = false;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn pacer() -> (Arc<Tempo>, Pacer) {
        let pace = Pace::Real { thousandths: 1_000 };
        let tempo = Arc::new(Tempo::new(pace));
        (Arc::clone(&tempo), Pacer::new(tempo, pace, Tick(5), Timestamp(100 * MS)))
    }

    #[test]
    fn ticks_are_due_a_millisecond_apart() {
        let (_, mut pacer) = pacer();
        assert!(pacer.admits(Tick(5), Timestamp(100 * MS)));
        assert_eq!(pacer.due(Tick(5)), Some(Timestamp(100 * MS)));
        assert_eq!(pacer.due(Tick(25)), Some(Timestamp(120 * MS)));
    }

    #[test]
    fn a_pause_moves_what_comes_after() {
        let (tempo, mut pacer) = pacer();
        tempo.hold_at(Tick(0));
        assert!(tempo.is_held() && !pacer.admits(Tick(10), Timestamp(105 * MS)));
        tempo.go_on();
        assert!(pacer.admits(Tick(10), Timestamp(205 * MS)));
        assert_eq!(pacer.due(Tick(11)), Some(Timestamp(206 * MS)));
    }

    #[test]
    fn a_step_plays_so_many_ticks_and_stands_still_again() {
        let (tempo, mut pacer) = pacer();
        tempo.hold_at(Tick(8));
        let admitted = (5..20).filter(|tick| pacer.admits(Tick(*tick), Timestamp(200 * MS))).count();
        assert_eq!(admitted, 3);
    }

    #[test]
    fn another_speed_holds_from_the_next_tick_on() {
        let (tempo, mut pacer) = pacer();
        tempo.set_speed(20);
        assert!(pacer.admits(Tick(10), Timestamp(105 * MS)));
        assert_eq!(pacer.due(Tick(10)), Some(Timestamp(105 * MS)));
        assert_eq!(pacer.due(Tick(11)), Some(Timestamp(155 * MS)));
        tempo.set_speed(1_000);
        assert!(pacer.admits(Tick(11), Timestamp(120 * MS)));
        assert_eq!(pacer.due(Tick(12)), Some(Timestamp(121 * MS)), "it does not wait for the slow tick");
    }
}
