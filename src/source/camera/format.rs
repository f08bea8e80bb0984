//! What cameras offer, and the choice that is nearest to what is asked.

use std::time::Duration;

use super::parameters::CameraParameters;
use super::picture::Code;

/// The time of one picture, in seconds: a fraction, as drivers have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    pub numerator: u32,
    pub denominator: u32,
}

impl Interval {
    /// Pictures per second.
    pub fn fps(self) -> f64 {
        f64::from(self.denominator) / f64::from(self.numerator.max(1))
    }

    /// The time of `count` pictures.
    pub fn times(self, count: u32) -> Duration {
        Duration::from_secs(u64::from(self.numerator)) * count / self.denominator.max(1)
    }

    /// The interval of `fps`, to a thousandth.
    fn of(fps: f64) -> Self {
        let thousandths = (fps * 1_000.0).round() as u32;
        if thousandths.is_multiple_of(1_000) {
            return Self { numerator: 1, denominator: thousandths / 1_000 };
        }
        Self { numerator: 1_000, denominator: thousandths }
    }
}

/// `value` with two decimals at most.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Columns or rows that are offered: from the least to the most, in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Side {
    pub least: u32,
    pub most: u32,
    pub step: u32,
}

impl Side {
    /// One size only.
    pub fn only(size: u32) -> Self {
        Self { least: size, most: size, step: 1 }
    }

    fn nearest(self, wanted: u32) -> u32 {
        let step = self.step.max(1);
        let steps = |span: u32| span / step;
        let wanted = wanted.saturating_sub(self.least).saturating_add(step / 2);
        self.least + step * steps(wanted).min(steps(self.most.saturating_sub(self.least)))
    }
}

/// Rates that are offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rates {
    /// The driver does not say.
    Unknown,
    /// These.
    Listed(Vec<Interval>),
    /// Every one from the shortest interval to the longest.
    Between(Interval, Interval),
}

/// One line of what a camera offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub code: Code,
    pub width: Side,
    pub height: Side,
    pub rates: Rates,
}

impl Offer {
    /// For people: `YUYV 640x480, 30 and 60 fps`.
    pub fn text(&self) -> String {
        let size = |width, height| format!("{width}x{height}");
        let least = size(self.width.least, self.height.least);
        let most = size(self.width.most, self.height.most);
        let sizes = if least == most { least } else { format!("{least} to {most}") };
        let rates = match &self.rates {
            Rates::Unknown => return format!("{} {sizes}", self.code.name()),
            Rates::Listed(rates) => {
                rates.iter().map(|rate| number(rate.fps())).collect::<Vec<_>>().join(", ")
            }
            Rates::Between(shortest, longest) => {
                format!("{} to {}", number(longest.fps()), number(shortest.fps()))
            }
        };
        format!("{} {sizes}, {rates} fps", self.code.name())
    }

    /// The nearest that it has.
    fn nearest(&self, wanted: &CameraParameters) -> Choice {
        let away = |rate: &Interval| ((rate.fps() - wanted.fps).abs() * 1_000.0) as u64;
        let interval = match &self.rates {
            Rates::Unknown => None,
            Rates::Listed(rates) => rates.iter().min_by_key(|rate| away(rate)).copied(),
            Rates::Between(shortest, _) if wanted.fps >= shortest.fps() => Some(*shortest),
            Rates::Between(_, longest) if wanted.fps <= longest.fps() => Some(*longest),
            Rates::Between(..) => Some(Interval::of(wanted.fps)),
        };
        Choice {
            code: self.code,
            width: self.width.nearest(wanted.width),
            height: self.height.nearest(wanted.height),
            interval,
        }
    }
}

/// What is asked of the driver, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub code: Code,
    pub width: u32,
    pub height: u32,
    /// `None` where the driver does not say which it has.
    pub interval: Option<Interval>,
}

impl Choice {
    /// For people: `YUYV 640x480, 30 fps`.
    pub fn text(&self) -> String {
        let rate = self.interval.map(|interval| format!(", {} fps", number(interval.fps())));
        format!("{} {}x{}{}", self.code.name(), self.width, self.height, rate.unwrap_or_default())
    }

    /// How far it is from what is asked, the weightiest first: the format, the size, the rate in thousandths; then what is
    /// better among equals.
    fn distance(&self, wanted: &CameraParameters) -> (bool, u32, u64, usize) {
        let other = wanted.code().is_some_and(|code| code != self.code);
        let size = self.width.abs_diff(wanted.width) + self.height.abs_diff(wanted.height);
        let rate = self.interval.map_or(0, |rate| ((rate.fps() - wanted.fps).abs() * 1_000.0).round() as u64);
        let rank = Code::ALL.iter().position(|code| *code == self.code).unwrap_or(Code::ALL.len());
        (other, size, rate, rank)
    }

    /// Whether it is what is asked, to a hundredth of a picture per second.
    pub fn is_exact(&self, wanted: &CameraParameters) -> bool {
        let (other, size, rate, _) = self.distance(wanted);
        !other && size == 0 && rate < 10
    }
}

/// What is asked, for people.
pub(super) fn asked(wanted: &CameraParameters) -> String {
    let CameraParameters { width, height, fps, format, .. } = wanted;
    format!("{format} {width}x{height}, {} fps", number(*fps)).trim_start().to_owned()
}

/// The nearest of the offers; `None` where there is none.
pub(super) fn choose(offers: &[Offer], wanted: &CameraParameters) -> Option<Choice> {
    offers.iter().map(|offer| offer.nearest(wanted)).min_by_key(|choice| choice.distance(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(code: Code, width: u32, height: u32, rates: &[u32]) -> Offer {
        let rates = rates.iter().map(|rate| Interval { numerator: 1, denominator: *rate }).collect();
        Offer { code, width: Side::only(width), height: Side::only(height), rates: Rates::Listed(rates) }
    }

    fn chosen(offers: &[Offer], change: impl FnOnce(&mut CameraParameters)) -> (String, bool) {
        let mut wanted = CameraParameters::default();
        change(&mut wanted);
        let choice = choose(offers, &wanted).unwrap();
        (choice.text(), choice.is_exact(&wanted))
    }

    #[test]
    fn the_exact_format_is_taken_where_it_is_offered() {
        let offers = [
            offer(Code::Mjpg, 640, 480, &[30, 60]),
            offer(Code::Yuyv, 640, 480, &[15, 30]),
            offer(Code::Yuyv, 1280, 720, &[10]),
        ];
        assert_eq!(chosen(&offers, |_| ()), ("YUYV 640x480, 30 fps".into(), true));
        assert_eq!(chosen(&offers, |wanted| wanted.fps = 60.0), ("MJPG 640x480, 60 fps".into(), true));
        assert_eq!(
            chosen(&offers, |wanted| wanted.format = "MJPG".into()),
            ("MJPG 640x480, 30 fps".into(), true)
        );
    }

    #[test]
    fn else_the_nearest_size_then_the_nearest_rate() {
        let offers = [offer(Code::Yuyv, 640, 480, &[5, 25]), offer(Code::Yuyv, 320, 240, &[30])];
        assert_eq!(chosen(&offers, |_| ()), ("YUYV 640x480, 25 fps".into(), false));
        assert_eq!(chosen(&offers, |wanted| wanted.width = 300), ("YUYV 320x240, 30 fps".into(), false));
        assert_eq!(
            chosen(&offers, |wanted| wanted.format = "MJPG".into()),
            ("YUYV 640x480, 25 fps".into(), false)
        );
        assert_eq!(choose(&[], &CameraParameters::default()), None);
    }

    #[test]
    fn sizes_and_rates_in_ranges_are_met_on_their_steps() {
        let side = |least, most, step| Side { least, most, step };
        let interval = |numerator, denominator| Interval { numerator, denominator };
        let offers = [Offer {
            code: Code::Grey,
            width: side(16, 1_000, 8),
            height: side(10, 400, 3),
            rates: Rates::Between(interval(1, 60), interval(2, 25)),
        }];
        assert_eq!(offers[0].text(), "GREY 16x10 to 1000x400, 12.5 to 60 fps");
        assert_eq!(chosen(&offers, |_| ()), ("GREY 640x400, 30 fps".into(), false));
        assert_eq!(
            chosen(&offers, |wanted| (wanted.height, wanted.fps) = (100, 1.0)).0,
            "GREY 640x100, 12.5 fps"
        );
        assert_eq!(chosen(&offers, |wanted| wanted.fps = 29.97).0, "GREY 640x400, 29.97 fps");
        assert_eq!(side(10, 12, 8).nearest(12), 10);
        assert_eq!(side(10, 24, 8).nearest(24), 18);
        assert_eq!(side(0, 0, 0).nearest(5), 0);
    }
}
