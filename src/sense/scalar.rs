//! Scalar sensors: any channel of numbers becomes bursts of its own unusual changes, whatever its unit.
//!
//! ```text
//! mean  += alpha (x - mean)                                alpha = 1 - exp(-dt / tau), 1/n while young
//! scale *= exp( beta sign(|x - mean| - scale) )            the median of |x - mean|, found by small steps
//! n = floor(|x - reference| / (threshold scale)) >= 1  ->  burst of magnitude n, reference += sign n threshold scale
//! ```
//!
//! | symbol | default | unit | meaning |
//! |---|---|---|---|
//! | `threshold` | 2 | scales | change since the last burst that is one burst unit (2 scales are 1.35 deviations of a Gaussian) |
//! | `tau` | 10 | s | memory of mean and scale |
//!
//! A row of the sheet is a channel. Its 8 columns are the level at which the burst leaves the channel: octiles of a
//! Gaussian with the running mean and scale, lowest first; so a place on the sheet means "this channel, this high".
//!
//! A channel's first value sets mean and reference without a burst. A channel that stands still, value upon value the same,
//! raises none, and for longer than `tau` it tells nothing of its scale: else it would flood for as long when it moves again. For
//! shorter it does, so that counters and coarse steps find theirs too. A channel's unit cancels: multiplying it by any power
//! of two changes no burst.
//!
//! Sources: the event rule of Lichtsteiner, Posch and Delbruck 2008; the running median of Robbins and Monro,
//! Ann. Math. Stat. 22 (1951); median absolute deviation as scale: Hampel 1974.

use serde::{Deserialize, Serialize};

use super::surprisal::Surprisal;
use crate::error::{Error, Result};
use crate::signal::{ArrayId, Burst, ScalarSample, Sign};
use crate::time::Timestamp;

/// Columns of the sheet: levels of a channel.
const LEVELS: usize = 8;
/// Upper edges of the octiles of a Gaussian above its median, in median absolute deviations.
const OCTILES: [f64; 3] = [0.472_42, 1.0, 1.705_53];
/// Bursts expected of a channel per sample before anything is known, and samples that are remembered.
const PRIOR_RATE: f32 = 0.05;
const MEMORY_SAMPLES: f32 = 1_000.0;
/// Samples during which the scale is still being found, in steps that shrink.
const YOUNG: f64 = 64.0;
/// The least scale relative to the value: what an f32 still resolves.
const LEAST_SCALE: f64 = 1e-6;

/// The scalar sense's parameters; see the head of the file for what each does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScalarParameters {
    /// Change that makes one unit of a burst, in running scales; 0.1 to 100.
    pub threshold: f32,
    /// Memory of mean and scale in seconds; 0.01 to 86400.
    pub memory_s: f32,
}

impl Default for ScalarParameters {
    fn default() -> Self {
        Self { threshold: 2.0, memory_s: 10.0 }
    }
}

impl ScalarParameters {
    /// Whether every value lies within its bounds.
    ///
    /// # Errors
    /// A configuration error that names the key, its value and its bound.
    pub fn check(&self) -> Result<()> {
        let bounded =
            [("threshold", self.threshold, 0.1, 100.0), ("memory_s", self.memory_s, 0.01, 86_400.0)];
        for (key, value, low, high) in bounded {
            if !(low..=high).contains(&value) {
                return Err(Error::configuration(format!("scalar.{key}"), "the value is out of range")
                    .value(value)
                    .bound(format!("{low} to {high}")));
            }
        }
        Ok(())
    }
}

/// A sense for a fixed number of channels.
#[derive(Clone, Debug)]
pub struct ScalarSense {
    parameters: ScalarParameters,
    array: ArrayId,
    channels: Vec<Channel>,
    time: Timestamp,
    samples: u64,
    surprisal: Surprisal,
}

#[derive(Clone, Copy, Debug, Default)]
struct Channel {
    /// Whether there was a value.
    seen: bool,
    /// The last value, and for how long it has been held, in units of the memory.
    last: f64,
    held: f64,
    mean: f64,
    /// Running median of |x - mean|; 0 until the channel first moves.
    scale: f64,
    reference: f64,
    /// Samples since the channel first moved.
    age: f64,
}

impl ScalarSense {
    /// The sheet for `channels` channels: a row per channel, 8 columns of level.
    #[must_use]
    pub fn shape(channels: usize) -> (usize, usize) {
        (channels.max(1), LEVELS)
    }

    /// A sense that has seen nothing, for `channels` channels that drive `array`.
    ///
    /// # Errors
    /// Those of [`ScalarParameters::check`]; no channel, or more than 4096.
    pub fn new(parameters: &ScalarParameters, channels: usize, array: ArrayId) -> Result<Self> {
        parameters.check()?;
        if !(1..=4_096).contains(&channels) {
            return Err(Error::configuration("scalar", "the channel count is out of range")
                .value(channels)
                .bound("1 to 4096"));
        }
        Ok(Self {
            parameters: parameters.clone(),
            array,
            channels: vec![Channel::default(); channels],
            time: Timestamp::ZERO,
            samples: 0,
            surprisal: Surprisal::new(channels, PRIOR_RATE, MEMORY_SAMPLES),
        })
    }

    /// Takes one sample and emits its bursts with its time, first channel first.
    ///
    /// Values that are not finite and channels beyond the first are passed over.
    pub fn encode(&mut self, sample: &ScalarSample, emit: &mut dyn FnMut(Burst)) {
        let time = sample.stamp.time;
        let elapsed = (time.0.saturating_sub(self.time.0)).max(0) as f64 * 1e-9;
        let memories = elapsed / f64::from(self.parameters.memory_s);
        let rate = 1.0 - libm::exp(-memories);
        let threshold = f64::from(self.parameters.threshold);
        for (index, (channel, &value)) in self.channels.iter_mut().zip(&sample.values).enumerate() {
            if !value.is_finite() {
                continue;
            }
            let value = f64::from(value);
            if !channel.seen {
                *channel =
                    Channel { seen: true, last: value, mean: value, reference: value, ..Channel::default() };
                continue;
            }
            let Some((sign, units)) = channel.step(value, memories, rate, threshold) else { continue };
            let surprisal_bits = self.surprisal.bits(index, self.samples, sign, units);
            let site = (index * LEVELS + channel.level(value)) as u32;
            emit(Burst { time, array: self.array, site, sign, phase: 0.0, magnitude: units, surprisal_bits });
        }
        self.time = time;
        self.samples += 1;
    }
}

impl Channel {
    /// Learns a value, so many memories and a share of `rate` after the one before, and tells whether it raises a burst.
    fn step(&mut self, value: f64, memories: f64, rate: f64, threshold: f64) -> Option<(Sign, f32)> {
        let still = value - self.last == 0.0;
        self.last = value;
        self.held = if still { self.held + memories } else { 0.0 };
        let deviation = (value - self.mean).abs();
        if self.scale == 0.0 {
            if deviation == 0.0 {
                return None;
            }
            // The first movement there is sets the scale, and is no news.
            self.scale = deviation;
            self.reference = value;
        }
        self.age += 1.0;
        let young = 1.0 / self.age;
        let change = value - self.reference;
        let scale = self.scale.max(LEAST_SCALE * value.abs());
        let units = libm::floor(change.abs() / (threshold * scale)).min(1e6);

        self.mean += rate.max(young.min(1.0 / YOUNG)) * (value - self.mean);
        let step = rate.max(if self.age < YOUNG { 4.0 / (4.0 + self.age) } else { 0.0 }).min(1.0);
        if deviation > self.scale {
            self.scale *= libm::exp(step);
        } else if self.held < 1.0 {
            self.scale *= libm::exp(-step);
        }
        if units < 1.0 || still {
            return None;
        }
        let sign = if change > 0.0 { Sign::On } else { Sign::Off };
        self.reference += f64::from(sign.factor()) * units * threshold * scale;
        Some((sign, units as f32))
    }

    /// The octile of a value, 0 to 7.
    fn level(&self, value: f64) -> usize {
        let deviation = (value - self.mean) / self.scale;
        let out = OCTILES.iter().filter(|&&edge| deviation.abs() >= edge).count();
        if deviation >= 0.0 { 4 + out } else { 3 - out }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::signal::Stamp;

    fn bursts(values: &[f32], rate: u32) -> Vec<Burst> {
        let mut sense = ScalarSense::new(&ScalarParameters::default(), 1, ArrayId(2)).unwrap();
        let mut bursts = Vec::new();
        for (n, &value) in values.iter().enumerate() {
            let stamp = Stamp::recorded(Timestamp::from_count(n as u64, rate));
            sense.encode(&ScalarSample { stamp, values: vec![value] }, &mut |burst| bursts.push(burst));
        }
        bursts
    }

    fn noise(count: usize) -> Vec<f32> {
        let mut stream = Stream::new(11, 0);
        (0..count).map(|_| stream.normal() as f32).collect()
    }

    #[test]
    fn a_channel_that_stands_still_raises_nothing() {
        assert!(bursts(&[7.25; 1_000], 100).is_empty());
        assert!(bursts(&[0.0; 1_000], 1).is_empty());
    }

    /// The largest burst in some seconds of bursts, 0 where there is none.
    fn largest(bursts: &[Burst], seconds: std::ops::Range<i64>) -> f32 {
        let within = bursts.iter().filter(move |burst| seconds.contains(&(burst.time.0 / 1_000_000_000)));
        within.map(|burst| burst.magnitude).fold(0.0, f32::max)
    }

    #[test]
    fn a_channel_that_stood_still_raises_nothing_then_and_does_not_flood_afterwards() {
        let mut values = noise(40_000);
        values[10_000..30_000].fill(0.3);
        let all = bursts(&values, 100);
        // Its last movement is its first value there.
        assert!(all.iter().all(|burst| !(100_010_000_000..300_000_000_000).contains(&burst.time.0)), "still");
        let (before, after) = (largest(&all, 50..100), largest(&all, 300..400));
        assert!(after < 5.0 * before && largest(&all, 340..400) < 2.0 * before, "{before} {after}");
    }

    #[test]
    fn a_channel_of_coarse_steps_finds_its_scale_though_it_mostly_stands_still() {
        // Waves of some steps after ones of thousands, then a jump.
        let wave = |n: u32| {
            let size = if n < 1_000 { 2_000.0 } else { 3.0 };
            libm::round(size * libm::sin(core::f64::consts::TAU * f64::from(n) / 250.0)) as f32
        };
        let mut values: Vec<f32> = (0..7_000).map(wave).collect();
        values[6_500..].iter_mut().for_each(|value| *value += 50.0);
        assert!(largest(&bursts(&values, 50), 130..140) > 5.0);
        // A button that is pressed and let go, half a minute each.
        let button: Vec<f32> = (0..30_000_u16).map(|n| f32::from(n / 1_500 % 2)).collect();
        let moved = bursts(&button, 50);
        assert!((15..20).contains(&moved.len()), "{}", moved.len());
        assert!(moved.iter().all(|burst| burst.time.0 % 30_000_000_000 == 0));
    }

    #[test]
    fn a_channel_whose_first_value_is_missing_is_heard_as_soon_as_one_that_has_it() {
        let mut sense = ScalarSense::new(&ScalarParameters::default(), 2, ArrayId(2)).unwrap();
        let mut counts = [0_usize; 2];
        for (n, value) in noise(2_000).into_iter().enumerate() {
            let value = 1_000.0 + value;
            let stamp = Stamp::recorded(Timestamp::from_count(n as u64, 100));
            let values = vec![value, if n == 0 { f32::NAN } else { value }];
            sense.encode(&ScalarSample { stamp, values }, &mut |burst| {
                counts[burst.site as usize / LEVELS] += 1;
            });
        }
        let [whole, late] = counts;
        assert!(whole > 100 && late > 100, "{counts:?}");
    }

    #[test]
    fn the_unit_of_a_channel_does_not_matter() {
        let volts = noise(2_000);
        let microvolts: Vec<f32> = volts.iter().map(|v| v * 1_048_576.0).collect();
        assert!(!bursts(&volts, 256).is_empty());
        assert_eq!(bursts(&volts, 256), bursts(&microvolts, 256));
    }

    #[test]
    fn a_step_out_of_the_noise_raises_a_large_burst_at_its_time_with_its_sign() {
        let mut values = noise(4_000);
        values[3_000] -= 50.0;
        let all = bursts(&values, 1_000);
        let step = all.iter().find(|burst| burst.time == Timestamp(3_000_000_000)).expect("a burst");
        assert!(step.sign == Sign::Off && step.magnitude > 20.0 && step.surprisal_bits > 10.0, "{step:?}");
        let rest = all
            .iter()
            .filter(|burst| burst.time < step.time)
            .map(|burst| burst.magnitude)
            .fold(0.0, f32::max);
        assert!(step.magnitude > 3.0 * rest, "{rest}");
    }

    #[test]
    fn the_scale_follows_a_channel_that_grows_a_thousandfold() {
        let mut values = noise(60_000);
        values[20_000..].iter_mut().for_each(|value| *value *= 1_000.0);
        let all = bursts(&values, 500);
        let late: Vec<_> = all.iter().filter(|burst| burst.time.0 > 110_000_000_000).collect();
        let mean = late.iter().map(|burst| burst.magnitude).sum::<f32>() / late.len() as f32;
        assert!(!late.is_empty() && mean < 4.0, "{mean}");
    }

    #[test]
    fn high_values_burst_at_high_columns_and_low_ones_at_low_columns() {
        let values: Vec<f32> =
            (0..4_000).map(|n| libm::sin(core::f64::consts::TAU * f64::from(n) / 200.0) as f32).collect();
        for burst in bursts(&values, 1_000).iter().filter(|burst| burst.time.0 > 1_000_000_000) {
            let value = values[usize::try_from(burst.time.0 / 1_000_000).unwrap()];
            assert_eq!(burst.site >= 4, value > 0.0, "{value} {burst:?}");
        }
    }

    #[test]
    fn rates_from_one_hertz_to_a_third_of_a_megahertz_and_wild_values_stay_finite() {
        for rate in [1, 384_000] {
            let mut values = noise(500);
            values[100] = f32::NAN;
            values[200] = f32::MAX;
            values[201] = f32::MIN_POSITIVE;
            for burst in bursts(&values, rate) {
                assert!(
                    burst.magnitude.is_finite() && burst.magnitude >= 1.0 && burst.surprisal_bits.is_finite()
                );
                assert!(burst.site < 8);
            }
        }
    }

    #[test]
    fn no_channel_and_too_many_are_refused_with_the_bound() {
        let parameters = ScalarParameters::default();
        let message = ScalarSense::new(&parameters, 0, ArrayId(0)).unwrap_err().to_string();
        assert_eq!(message, "scalar: the channel count is out of range: 0 (allowed: 1 to 4096)");
        assert!(ScalarSense::new(&parameters, 5_000, ArrayId(0)).is_err());
        assert_eq!(ScalarSense::shape(139), (139, 8));
    }
}
