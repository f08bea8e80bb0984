//! What a picture's arrival says: its stamp, its number, and what was lost before it.

use std::time::Duration;

use crate::signal::{Origin, Stamp};
use crate::time::Timestamp;

/// The oldest stamp of a driver that is believed.
const OLDEST: Duration = Duration::from_secs(1);
/// The largest gap in a driver's count that is believed: half an hour at 30 pictures per second.
const LARGEST_GAP: u32 = 1 << 16;
/// Pictures in a row that do not follow, after which the driver has begun to count anew.
const BEGUN_ANEW: u32 = 10;

/// The order of one camera's pictures, over all that it was opened.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// The number of the next picture.
    number: u64,
    count: Count,
    /// The newest stamp of the driver's own.
    newest: Option<Timestamp>,
}

impl Arrivals {
    /// A camera was opened: it counts anew, and what was lost since the one before shows as a gap of one.
    pub fn opened(&mut self) {
        self.count = Count::default();
        self.number += u64::from(self.number > 0);
    }

    /// The number of a picture with the driver's count `sequence`, and how many were lost before it; `None` where it runs
    /// backwards.
    pub fn number(&mut self, sequence: Option<u32>) -> Option<(u64, u64)> {
        let lost = sequence.map_or(Some(0), |sequence| self.count.lost_before(sequence))?;
        let number = self.number + lost;
        self.number = number + 1;
        Some((number, lost))
    }

    /// The stamp of a picture that came `now` and that its driver stamped `age` before.
    ///
    /// A stamp in the future has no age, and one that is older than a second, or than the one that was believed before, is not believed.
    pub fn stamp(&mut self, now: Timestamp, age: Option<Duration>) -> Stamp {
        let device = age
            .filter(|age| *age <= OLDEST)
            .map(|age| Timestamp(now.0 - i64::try_from(age.as_nanos()).unwrap_or(0)))
            .filter(|time| self.newest.is_none_or(|newest| *time >= newest));
        self.newest = device.or(self.newest);
        let (time, origin) = device.map_or((now, Origin::Arrival), |time| (time, Origin::Device));
        Stamp { time, origin }
    }
}

/// A driver's count of its pictures.
#[derive(Debug, Default)]
struct Count {
    last: Option<u32>,
    /// Whether it was ever seen to move: some drivers leave it at zero.
    moves: bool,
    /// Pictures in a row that did not follow.
    astray: u32,
}

impl Count {
    fn lost_before(&mut self, sequence: u32) -> Option<u64> {
        // It may pass through the end of its range.
        let ahead = self.last.map_or(1, |last| sequence.wrapping_sub(last));
        if ahead == 0 && !self.moves {
            return Some(0);
        }
        let follows = (1..=LARGEST_GAP).contains(&ahead);
        self.astray = if follows { 0 } else { self.astray + 1 };
        if !follows && self.astray < BEGUN_ANEW {
            return None;
        }
        self.moves = self.last.is_some();
        self.last = Some(sequence);
        self.astray = 0;
        Some(if follows { u64::from(ahead - 1) } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(sequences: &[u32]) -> Vec<Option<(u64, u64)>> {
        let mut arrivals = Arrivals::default();
        sequences.iter().map(|sequence| arrivals.number(Some(*sequence))).collect()
    }

    #[test]
    fn a_gap_is_counted_and_shows_in_the_numbers() {
        assert_eq!(numbers(&[7, 8, 11]), [Some((0, 0)), Some((1, 0)), Some((4, 2))]);
        assert_eq!(numbers(&[u32::MAX, 0, 2]), [Some((0, 0)), Some((1, 0)), Some((3, 1))]);
    }

    #[test]
    fn what_runs_backwards_never_passes_on() {
        assert_eq!(
            numbers(&[5, 6, 5, 6, 4, 7]),
            [Some((0, 0)), Some((1, 0)), None, None, None, Some((2, 0))]
        );
    }

    #[test]
    fn a_driver_that_begins_anew_or_does_not_count_is_followed() {
        let mut anew = vec![1_000, 1_001];
        anew.extend(0..12);
        let passed = numbers(&anew);
        assert_eq!(passed.iter().filter(|number| number.is_none()).count(), 9);
        assert_eq!(passed.last(), Some(&Some((4, 0))));
        assert_eq!(numbers(&[0, 0, 0]), [Some((0, 0)), Some((1, 0)), Some((2, 0))]);
    }

    #[test]
    fn a_return_shows_as_a_gap() {
        let mut arrivals = Arrivals::default();
        arrivals.opened();
        assert_eq!(arrivals.number(Some(90)), Some((0, 0)));
        arrivals.opened();
        assert_eq!(arrivals.number(Some(0)), Some((2, 0)));
        assert_eq!(arrivals.number(None), Some((3, 0)));
    }

    #[test]
    fn a_drivers_stamp_is_taken_where_it_is_plausible() {
        let mut arrivals = Arrivals::default();
        let milliseconds = Duration::from_millis;
        let now = |ms: i64| Timestamp(ms * 1_000_000);
        let mut stamp = |at, age| {
            let stamp = arrivals.stamp(now(at), age);
            (stamp.time.0 / 1_000_000, stamp.origin)
        };
        assert_eq!(stamp(100, Some(milliseconds(8))), (92, Origin::Device));
        assert_eq!(stamp(130, None), (130, Origin::Arrival));
        assert_eq!(stamp(160, Some(milliseconds(1_001))), (160, Origin::Arrival));
        assert_eq!(
            stamp(170, Some(milliseconds(20))),
            (150, Origin::Device),
            "an arrival says nothing of the driver's clock"
        );
        assert_eq!(stamp(175, Some(milliseconds(40))), (175, Origin::Arrival), "older than the one before");
        assert_eq!(stamp(200, Some(milliseconds(8))), (192, Origin::Device));
    }
}
