//! Onsets from the hearing bursts: when something began to sound, told with a short look-ahead.
//!
//! ```text
//! a[t]   = sum of the magnitudes of the On bursts of tick t
//! A_w[t] = a[t-w+1] + .. + a[t]                                          w = 4 and 16 ticks: sharp and soft onsets
//! T_w    = floor sqrt(w/4) + mean_w + k spread_w                         running mean and mean absolute deviation of A_w
//! o[t]   = max_w A_w[t] / T_w[t]
//! onset  : o[t] > 1, the largest within `look` ticks on both sides, not below hold of the last onset's o,
//!          which fades with 100 ticks; its time is the tick at which the window's activity above its running median
//!          has come to a tenth
//! ```
//!
//! | symbol | default | unit | meaning |
//! |---|---|---|---|
//! | `floor` | 5 | burst units | least activity that can be an onset |
//! | `k` | 2.5 | - | multiple of what is usual between onsets: the noise |
//! | `c` | 0.5 | - | multiple of the mean, onsets included: the loudness of the music |
//! | `look` | 40 | ticks | look-ahead; onsets further apart than 60 ticks never hide each other by it |
//! | `hold` | 0.05 | - | part of an onset's strength that hides what follows it |
//!
//! A quantile is not moved by how strong the onsets are, so that rare strong ones do not hide weak ones; quantiles
//! are found by small steps (Robbins and Monro 1951) within about 200 ticks, the mean within 3000.
//!
//! The state is bounded and nothing is allocated after [`OnsetDetector::new`].
//!
//! Source: peak picking as in Boeck, Krebs and Schedl, "Evaluating the online capabilities of onset detection
//! methods", ISMIR 2012, section 2.4, on burst totals in place of spectral flux.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::signal::{ArrayId, Burst, Sign};
use crate::time::Tick;

/// The windows in ticks.
const WINDOWS: [usize; 2] = [4, 16];
const LONGEST: usize = WINDOWS[1];
/// Time constant of the running mean in ticks.
const MEAN_TICKS: f32 = 3_000.0;
/// Steps of the running quantiles, relative to their value.
const QUANTILE_STEP: f32 = 0.005;
/// The quantile that noise without onsets reaches.
const USUAL: f32 = 0.8;
/// Burst units that a quantile's step counts on top of its value, so that it can leave 0.
const QUANTILE_OFFSET: f32 = 2.0;
/// Ticks that weigh as much as the empty beginning.
const YOUNG_TICKS: f32 = 20.0;
/// Time constant in ticks with which a strong onset stops hiding weak ones.
const HOLD_TICKS: f32 = 100.0;
/// The part of a window's activity whose first tick is the onset.
const BEGIN: f32 = 0.1;

/// The detector's parameters; see the head of the file for what each does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OnsetParameters {
    /// Least activity of an onset in burst units within 4 ticks; 0.1 to 1000.
    pub floor: f32,
    /// Multiple of the running 80 % quantile of the activity; 0 to 100.
    pub usual: f32,
    /// Multiple of the running mean of the activity; 0 to 100.
    pub mean: f32,
    /// Look-ahead in ticks, in which the strongest moment wins; 1 to 500.
    pub look_ticks: usize,
    /// Part of an onset's strength that hides what follows it; 0 to 1.
    pub hold: f32,
}

impl Default for OnsetParameters {
    fn default() -> Self {
        Self { floor: 5.0, usual: 2.5, mean: 0.5, look_ticks: 40, hold: 0.05 }
    }
}

impl OnsetParameters {
    /// Whether every value lies within its bounds.
    ///
    /// # Errors
    /// A configuration error that names the key, its value and its bound.
    pub fn check(&self) -> Result<()> {
        let bounded = [
            ("floor", self.floor, 0.1, 1_000.0),
            ("usual", self.usual, 0.0, 100.0),
            ("mean", self.mean, 0.0, 100.0),
            ("look_ticks", self.look_ticks as f32, 1.0, 500.0),
            ("hold", self.hold, 0.0, 1.0),
        ];
        for (key, value, low, high) in bounded {
            if !(low..=high).contains(&value) {
                return Err(Error::configuration(format!("onset.{key}"), "the value is out of range")
                    .value(value)
                    .bound(format!("{low} to {high}")));
            }
        }
        Ok(())
    }
}

/// Something began to sound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Onset {
    /// The tick in which its bursts began.
    #[serde(skip)]
    pub tick: Tick,
    /// Activity over the threshold of its moment, above 1.
    pub strength: f32,
}

/// What the detector reads of a tick: the magnitudes of the On bursts of `array`, added up.
#[must_use]
pub fn activity(bursts: &[Burst], array: ArrayId) -> f32 {
    bursts.iter().filter(|b| b.array == array && b.sign == Sign::On).map(|b| b.magnitude).sum()
}

/// Finds onsets in a run of activities.
#[derive(Clone, Debug)]
pub struct OnsetDetector {
    parameters: OnsetParameters,
    windows: [Window; 2],
    /// Activities and strengths of the last ticks, the newest at `at`.
    activity: Vec<f32>,
    strength: Vec<Strength>,
    at: usize,
    /// Ticks so far, and the tick and strength of the last onset's peak.
    seen: u64,
    last: Option<(u64, f32)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    mean: f32,
    median: f32,
    usual: f32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Strength {
    value: f32,
    /// The window in which it was found.
    window: usize,
}

impl OnsetDetector {
    /// A detector that has heard nothing. Allocates all that it will need.
    ///
    /// # Errors
    /// Those of [`OnsetParameters::check`].
    pub fn new(parameters: &OnsetParameters) -> Result<Self> {
        parameters.check()?;
        let length = 2 * parameters.look_ticks + 1 + LONGEST;
        Ok(Self {
            parameters: parameters.clone(),
            windows: [Window::default(); 2],
            activity: vec![0.0; length],
            strength: vec![Strength::default(); length],
            at: 0,
            seen: 0,
            last: None,
        })
    }

    /// Ticks from an onset's strongest moment to the call of [`Self::push`] that tells it.
    #[must_use]
    pub fn look_ahead_ticks(&self) -> usize {
        self.parameters.look_ticks
    }

    /// Takes the activity of `tick` (one call per tick, in order) and tells the onset whose strongest moment was
    /// [`Self::look_ahead_ticks`] earlier, if there was one. At the end, push as many silent ticks.
    pub fn push(&mut self, tick: Tick, activity: f32) -> Option<Onset> {
        self.at = (self.at + 1) % self.activity.len();
        self.activity[self.at] = if activity.is_finite() { activity.max(0.0) } else { 0.0 };
        self.strength[self.at] = self.measure();
        self.seen += 1;
        self.peak(tick)
    }

    /// The slot of `ago` ticks before the newest.
    fn slot(&self, ago: usize) -> usize {
        (self.at + self.activity.len() - ago) % self.activity.len()
    }

    fn sum(&self, ago: usize, window: usize) -> f32 {
        // Oldest first, as the ticks came.
        (ago..ago + window).rev().map(|ago| self.activity[self.slot(ago)]).sum()
    }

    fn measure(&mut self) -> Strength {
        // Large steps at first, so that a noise that starts the run is soon usual.
        let young = 1.0 / (self.seen as f32 + YOUNG_TICKS);
        let mut best = Strength::default();
        for (index, &length) in WINDOWS.iter().enumerate() {
            let total = self.sum(0, length);
            let least = self.parameters.floor * (length as f32 / WINDOWS[0] as f32).sqrt();
            let window = &mut self.windows[index];
            let OnsetParameters { usual, mean, .. } = self.parameters;
            let threshold = least + usual * window.usual + mean * window.mean;
            window.mean += (total - window.mean) / MEAN_TICKS;
            let step = QUANTILE_STEP.max(young);
            window.median = toward_quantile(window.median, total, 0.5, step);
            window.usual = toward_quantile(window.usual, total, USUAL, step);
            if total / threshold > best.value {
                best = Strength { value: total / threshold, window: index };
            }
        }
        best
    }

    /// Whether the strongest moment of its neighbourhood lies `look` ticks back.
    fn peak(&mut self, now: Tick) -> Option<Onset> {
        let look = self.parameters.look_ticks;
        let Strength { value, window } = self.strength[self.slot(look)];
        let largest = (0..=2 * look).all(|ago| self.strength[self.slot(ago)].value <= value);
        if value <= 1.0 || !largest {
            return None;
        }
        let at = (self.seen + 1).saturating_sub(look as u64);
        if let Some((last, strength)) = self.last {
            let elapsed = at.saturating_sub(last);
            let hidden = self.parameters.hold * strength * libm::expf(-(elapsed as f32) / HOLD_TICKS);
            if elapsed < look as u64 || value < hidden {
                return None;
            }
        }
        self.last = Some((at, value));
        let ago = self.begin(look, window);
        Some(Onset { tick: Tick(now.0.saturating_sub(ago as u64)), strength: value })
    }

    /// How many ticks ago the activity of the window that ended `ago` ticks back began to rise.
    fn begin(&self, ago: usize, window: usize) -> usize {
        let length = WINDOWS[window];
        let usual = self.windows[window].median / length as f32;
        let excess = |ago: usize| (self.activity[self.slot(ago)] - usual).max(0.0);
        let least = BEGIN * (ago..ago + length).rev().map(excess).sum::<f32>();
        let mut sum = 0.0;
        let mut reached = |ago: &usize| {
            sum += excess(*ago);
            sum >= least
        };
        (ago..ago + length).rev().find(|ago| reached(ago)).unwrap_or(ago)
    }
}

/// One step of a running quantile towards the one of `part`, never below 0.
fn toward_quantile(quantile: f32, value: f32, part: f32, step: f32) -> f32 {
    let direction = if value > quantile { part } else { part - 1.0 };
    (quantile + step * (quantile + QUANTILE_OFFSET) * direction).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::time::Timestamp;

    fn onsets(activity: impl Fn(u64) -> f32, ticks: u64) -> Vec<Onset> {
        let mut detector = OnsetDetector::new(&OnsetParameters::default()).unwrap();
        (0..ticks).filter_map(|tick| detector.push(Tick(tick), activity(tick))).collect()
    }

    #[test]
    fn silence_has_no_onsets() {
        assert!(onsets(|_| 0.0, 5_000).is_empty());
    }

    #[test]
    fn a_click_every_quarter_second_is_told_once_and_in_its_tick() {
        let found = onsets(|tick| if tick % 250 == 100 { 80.0 } else { 0.0 }, 2_100);
        let ticks: Vec<u64> = found.iter().map(|onset| onset.tick.0).collect();
        assert_eq!(ticks, [100, 350, 600, 850, 1_100, 1_350, 1_600, 1_850]);
    }

    #[test]
    fn a_slow_rise_is_one_onset_at_its_beginning() {
        let found = onsets(|tick| if (1_000..1_014).contains(&tick) { 6.0 } else { 0.0 }, 2_000);
        assert_eq!(found.len(), 1);
        assert!((1_000..1_003).contains(&found[0].tick.0), "{found:?}");
    }

    #[test]
    fn a_steady_rustle_has_few_onsets_and_a_knock_above_it_is_heard() {
        let mut stream = Stream::new(2, 0);
        let rustle: Vec<f32> = (0..20_000).map(|_| libm::floor(stream.between(0.0, 7.0)) as f32).collect();
        let knock = |tick: u64| if tick % 1_000 == 500 { 60.0 } else { 0.0 };
        let found = onsets(|tick| rustle[tick as usize] + knock(tick), 20_000);
        let knocks = found.iter().filter(|onset| (499..=501).contains(&(onset.tick.0 % 1_000))).count();
        assert!(knocks >= 19, "{knocks}");
        let false_alarms =
            found.iter().filter(|onset| onset.tick.0 > 500 && !(499..=501).contains(&(onset.tick.0 % 1_000)));
        assert!(false_alarms.count() <= 2, "{found:?}");
    }

    #[test]
    fn the_weak_echo_of_a_strong_onset_is_hidden_and_an_equal_one_is_not() {
        let pair = |echo: f32| {
            onsets(
                move |tick| match tick {
                    1_000 => 400.0,
                    1_060 => echo,
                    _ => 0.0,
                },
                2_000,
            )
            .len()
        };
        assert_eq!((pair(7.0), pair(150.0)), (1, 2));
    }

    #[test]
    fn only_on_bursts_of_the_ear_count() {
        let burst = |array, sign, magnitude| Burst {
            time: Timestamp::ZERO,
            array: ArrayId(array),
            site: 0,
            sign,
            phase: 0.0,
            magnitude,
            surprisal_bits: 1.0,
        };
        let bursts = [burst(1, Sign::On, 2.0), burst(1, Sign::Off, 4.0), burst(0, Sign::On, 8.0)];
        assert!((activity(&bursts, ArrayId(1)) - 2.0).abs() < f32::EPSILON);
    }

    #[test]
    fn a_look_ahead_of_nothing_is_refused_with_its_bound() {
        let parameters = OnsetParameters { look_ticks: 0, ..OnsetParameters::default() };
        let message = OnsetDetector::new(&parameters).unwrap_err().to_string();
        assert_eq!(message, "onset.look_ticks: the value is out of range: 0 (allowed: 1 to 500)");
    }
}
