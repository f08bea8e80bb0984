//! Pictures per second as an exact ratio.

use std::fmt;

use crate::time::Timestamp;

/// Pictures per second: a ratio, because 30000/1001 has no finite decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    frames: u32,
    seconds: u32,
}

impl Rate {
    /// 25 pictures per second.
    pub const DEFAULT: Self = Self { frames: 25, seconds: 1 };
    /// What is allowed, in words.
    pub const BOUND: &'static str = "1 picture per hour to 1000000 per second";

    /// `frames` pictures in `seconds` seconds; `None` outside [`Self::BOUND`].
    #[must_use]
    pub fn new(frames: u32, seconds: u32) -> Option<Self> {
        let (count, time) = (u64::from(frames), u64::from(seconds));
        let inside = count > 0 && time > 0 && count * 3_600 >= time && count <= time * 1_000_000;
        inside.then_some(Self { frames, seconds })
    }

    /// When picture `index` is shown, rounded down to a nanosecond.
    #[must_use]
    pub fn time(self, index: u64) -> Timestamp {
        Timestamp::from_ratio(i128::from(index) * i128::from(self.seconds), i128::from(self.frames))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths =
            (u64::from(self.frames) * 100 + u64::from(self.seconds) / 2) / u64::from(self.seconds);
        match (hundredths / 100, hundredths % 100) {
            (whole, 0) => write!(f, "{whole} fps"),
            (whole, part) => write!(f, "{whole}.{part:02} fps"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ten_thousandth_frame_of_an_ntsc_file_is_on_time() {
        let rate = Rate::new(30_000, 1_001).unwrap();
        assert_eq!(rate.time(30_000), Timestamp(1_001_000_000_000));
        assert_eq!(rate.to_string(), "29.97 fps");
    }

    #[test]
    fn a_rate_of_nothing_or_of_everything_is_refused() {
        for (frames, seconds) in [(0, 1), (1, 0), (u32::MAX, 1), (1, 3_601)] {
            assert_eq!(Rate::new(frames, seconds), None);
        }
        assert!(Rate::new(1, 3_600).is_some());
    }
}
