//! Integer time: nanosecond stamps, millisecond ticks, and the only code that reads the system's clock.
//!
//! Times are `i64` nanoseconds, sample positions are `u64` counts. No float carries time, and no
//! sum of steps does: the time of tick `n` is `n` times the tick.

use std::fmt;
use std::ops::{Add, Sub};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// The engine's sample rate in frames per second.
pub const SAMPLE_RATE: u32 = 48_000;
/// Sound frames in one tick.
pub const SAMPLES_PER_TICK: usize = 48;
/// Ticks in one second.
pub const TICKS_PER_SECOND: u64 = 1_000;
/// Nanoseconds in one tick.
pub const TICK_NANOSECONDS: i64 = 1_000_000;

/// A point in time: nanoseconds since the start of its clock (a run, a recording).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The start of the clock.
    pub const ZERO: Self = Self(0);

    /// The time of `count` periods at `rate` periods per second, rounded down to a nanosecond.
    ///
    /// Exact for every `count`, where a sum of rounded periods would drift.
    #[must_use]
    pub fn from_count(count: u64, rate: u32) -> Self {
        Self::from_ratio(i128::from(count), i128::from(rate.max(1)))
    }

    /// Seconds with all nine digits.
    #[must_use]
    pub fn exactly(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanoseconds = self.0.unsigned_abs();
        format!("{sign}{}.{:09}", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000)
    }

    /// The time `numerator / denominator` seconds, rounded down to a nanosecond and clamped to
    /// the range of `i64`; a denominator of zero gives zero.
    #[must_use]
    pub fn from_ratio(numerator: i128, denominator: i128) -> Self {
        if denominator == 0 {
            return Self::ZERO;
        }
        let nanoseconds = numerator.saturating_mul(1_000_000_000).div_euclid(denominator);
        let clamped = nanoseconds.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        Self(i64::try_from(clamped).unwrap_or(i64::MAX))
    }

    /// The first tick that starts at or after this time; times before the start belong to tick 0.
    ///
    /// An input stamped `t` enters this tick: never before it happened.
    #[must_use]
    pub fn tick_at_or_after(self) -> Tick {
        let up = self.0.max(0).saturating_add(TICK_NANOSECONDS - 1) / TICK_NANOSECONDS;
        Tick(u64::try_from(up).unwrap_or(0))
    }

    /// Seconds, for printing only.
    #[must_use]
    pub fn seconds_for_print(self) -> f64 {
        self.0 as f64 * 1e-9
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(rhs.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl Sub for Timestamp {
    type Output = Duration;
    /// The time from `rhs` to `self`; zero where `rhs` is later.
    fn sub(self, rhs: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(rhs.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s", self.seconds_for_print())
    }
}

/// The index of an engine tick; tick `n` covers the millisecond from `n` ms on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub u64);

impl Tick {
    /// The time at which this tick starts.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp(i64::try_from(self.0).unwrap_or(i64::MAX).saturating_mul(TICK_NANOSECONDS))
    }

    /// The next tick.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// What gives the time and waits for it; everything outside this module is handed one.
pub trait Clock: Send + Sync {
    /// The time since the clock's start.
    fn now(&self) -> Timestamp;
    /// Returns at `time` or later; at once where that is past.
    fn wait_until(&self, time: Timestamp);
}

/// The system's monotonic clock, counted from its creation.
#[derive(Debug)]
pub struct WallClock {
    start: Instant,
}

impl WallClock {
    /// A clock that reads zero now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(self.start.elapsed().as_nanos()).unwrap_or(i64::MAX))
    }

    fn wait_until(&self, time: Timestamp) {
        let left = time - self.now();
        if !left.is_zero() {
            std::thread::sleep(left);
        }
    }
}

/// From 1900, from which network time counts, to 1970: 25,567 days.
const FROM_1900_TO_1970: Duration = Duration::from_hours(24 * 25_567);

/// The time since 1900 by the calendar: for stamps that go to other programs. It may jump, so nothing here is ordered by it.
#[must_use]
pub fn since_1900() -> Duration {
    since_1970() + FROM_1900_TO_1970
}

/// The time since 1970 by the calendar, in which some drivers stamp. It may jump as [`since_1900`] may.
#[must_use]
pub fn since_1970() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// The system's monotonic time (`CLOCK_MONOTONIC`), in which Linux's drivers stamp.
#[cfg(target_os = "linux")]
#[must_use]
pub fn monotonic() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Time that the processor's cores spent on this program, all threads together; `None` where the system does not tell.
#[must_use]
pub fn of_cores() -> Option<Duration> {
    #[cfg(target_os = "linux")]
    {
        let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Some(Duration::new(u64::try_from(spent.tv_sec).ok()?, u32::try_from(spent.tv_nsec).ok()?))
    }
    #[cfg(not(target_os = "linux"))]
    {
        None
    }
}

/// A clock that stands still until it is told to go on: tests run hours in seconds.
#[derive(Debug, Default)]
pub struct ManualClock {
    nanoseconds: AtomicI64,
}

impl ManualClock {
    /// A clock that reads zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the clock on by `step`.
    pub fn advance(&self, step: Duration) {
        let step = i64::try_from(step.as_nanos()).unwrap_or(i64::MAX);
        self.nanoseconds.fetch_add(step, Ordering::AcqRel);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.nanoseconds.load(Ordering::Acquire))
    }

    /// Jumps to `time`: who waits on a manual clock is alone in its test.
    fn wait_until(&self, time: Timestamp) {
        self.nanoseconds.fetch_max(time.0, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_become_times_without_drift() {
        assert_eq!(Timestamp::from_count(48_000 * 86_400, 48_000).0, 86_400_000_000_000);
        assert_eq!(Timestamp::from_count(1, 48_000).0, 20_833);
        assert_eq!(Timestamp::from_count(3, 30_000), Timestamp(100_000));
    }

    #[test]
    fn an_input_never_enters_a_tick_that_started_before_it_happened() {
        assert_eq!(Timestamp(-5).tick_at_or_after(), Tick(0));
        assert_eq!(Timestamp(0).tick_at_or_after(), Tick(0));
        assert_eq!(Timestamp(1).tick_at_or_after(), Tick(1));
        assert_eq!(Timestamp(1_000_000).tick_at_or_after(), Tick(1));
    }

    #[test]
    fn absurd_ratios_are_clamped_not_wrapped() {
        assert_eq!(Timestamp::from_ratio(i128::MAX, 1).0, i64::MAX);
        assert_eq!(Timestamp::from_ratio(7, 0), Timestamp::ZERO);
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::new();
        clock.advance(Duration::from_hours(1));
        assert_eq!(clock.now(), Timestamp(3_600_000_000_000));
        clock.wait_until(Timestamp(1));
        assert_eq!(clock.now(), Timestamp(3_600_000_000_000));
    }

    #[test]
    fn the_wall_clock_never_runs_backwards() {
        let clock = WallClock::start();
        let first = clock.now();
        clock.wait_until(first + Duration::from_millis(2));
        assert!(clock.now() - first >= Duration::from_millis(2));
    }
}
