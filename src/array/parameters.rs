//! An array's parameters and their bounds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::time::{TICKS_PER_SECOND, Tick};
use crate::units::Hertz;

/// Length of a tick in seconds, for the coefficients only: time itself is a tick count.
const TICK_SECONDS: f64 = 1.0 / TICKS_PER_SECOND as f64;

/// The weakest tonic noise: below, squares would leave the range of single precision.
const LEAST_TONIC: f64 = 1e-6;

/// What shapes an array's dynamics; the symbols are those of [`crate::array`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ArrayParameters {
    /// Bands, an octave apart; 1 to 15.
    pub bands: usize,
    /// Centre frequency of the slowest band in Hz; 0.01 to 100, and the fastest band lies at 250 Hz at most.
    pub lowest_hz: f64,
    /// Q, centre frequency over line width; 0.5 to 50.
    pub q: f64,
    /// χ, the exponent of the tonic spectrum as it is measured over 1 to 80 Hz; 0.5 to 2.
    pub chi: f64,
    /// κ, strength of the cascade; 0 to 8. Above about 2.1 the array is chaotic and forgets nothing.
    pub kappa: f64,
    /// g in units of γ/E; 0 to 1.
    pub saturation: f64,
    /// D in units of γ; 0 to 1,000, with `D h` below 1/4 in every band.
    pub diffusion: f64,
    /// The fewest steps that a band makes in a cycle of its own, where ticks allow: the slower a band, the more
    /// ticks are one step of it; 8 to 1,000,000. From 1,000 up the default bands all step every tick.
    pub steps_per_cycle: f64,
    /// Strength of the tonic noise: 1 keeps the tonic variance, 0 is an array without a rhythm of its own; 0, or 1e-6 to 10.
    pub tonic: f64,
    /// Drive that a burst of one threshold starts, in units of the tonic rms; 0 to 12.
    pub burst_gain: f64,
    /// Time constant of a burst's drive in ms; 1 to 1,000.
    pub burst_ms: f64,
    /// Whether a twin without input runs beside the array.
    pub twin: bool,
}

impl Default for ArrayParameters {
    fn default() -> Self {
        Self {
            bands: 8,
            lowest_hz: 0.75,
            q: 1.5,
            chi: 1.0,
            kappa: 2.0,
            saturation: 0.05,
            diffusion: 0.3,
            steps_per_cycle: 32.0,
            tonic: 1.0,
            burst_gain: 3.0,
            burst_ms: 10.0,
            twin: true,
        }
    }
}

impl ArrayParameters {
    /// Checks every bound.
    ///
    /// # Errors
    /// Names the key (under `array.`), the value and the bound.
    pub fn check(&self) -> Result<()> {
        let within = |key: &str, value: f64, low: f64, high: f64| {
            if value.is_finite() && (low..=high).contains(&value) {
                Ok(())
            } else {
                let error = Error::configuration(format!("array.{key}"), "the value is out of bounds");
                Err(error.value(value).bound(format!("{low} to {high}")))
            }
        };
        within("bands", self.bands as f64, 1.0, 15.0)?;
        within("lowest_hz", self.lowest_hz, 0.01, 100.0)?;
        let fastest = self.centre(self.bands - 1).0;
        if fastest > 250.0 {
            return Err(Error::configuration(
                "array.bands",
                "the fastest band is too fast for steps of 1 ms, in Hz",
            )
            .value(fastest)
            .bound("at most 250")
            .help("Lower `array.bands` or `array.lowest_hz`."));
        }
        within("q", self.q, 0.5, 50.0)?;
        within("chi", self.chi, 0.5, 2.0)?;
        within("kappa", self.kappa, 0.0, 8.0)?;
        within("saturation", self.saturation, 0.0, 1.0)?;
        within("diffusion", self.diffusion, 0.0, 1e3)?;
        within("steps_per_cycle", self.steps_per_cycle, 8.0, 1e6)?;
        for band in 0..self.bands {
            let spread = self.diffusion * self.gamma(band) * self.step_seconds(band);
            if spread >= 0.25 {
                let what = "explicit steps would be unstable: D h of a band";
                return Err(Error::configuration("array.diffusion", what)
                    .at(format!("band {band}"))
                    .value(format!("{spread:.3}"))
                    .bound("below 0.25")
                    .help("Lower `array.diffusion`, or raise `array.q` or `array.steps_per_cycle`."));
            }
        }
        within("tonic", self.tonic, 0.0, 10.0)?;
        if self.tonic > 0.0 && self.tonic < LEAST_TONIC {
            let error = Error::configuration("array.tonic", "too weak to be told from none");
            return Err(error.value(self.tonic).bound(format!("0, or at least {LEAST_TONIC}")));
        }
        within("burst_gain", self.burst_gain, 0.0, 12.0)?;
        within("burst_ms", self.burst_ms, 1.0, 1_000.0)
    }

    /// The centre frequency of a band.
    #[must_use]
    pub fn centre(&self, band: usize) -> Hertz {
        Hertz(self.lowest_hz * libm::exp2(band as f64))
    }

    /// γ of a band in 1/s.
    #[must_use]
    pub fn gamma(&self, band: usize) -> f64 {
        self.centre(band).radians_per_second() / (2.0 * self.q)
    }

    /// How many ticks one step of a band is: a power of two.
    #[must_use]
    pub fn ticks_per_step(&self, band: usize) -> u64 {
        let longest = TICKS_PER_SECOND as f64 / (self.centre(band).0 * self.steps_per_cycle);
        let doublings = (0..32).take_while(|n| libm::exp2(f64::from(n + 1)) <= longest).count();
        1 << doublings
    }

    /// Share of a phasic drive that is left after a tick.
    #[must_use]
    pub fn left_after_a_tick(&self) -> f64 {
        self.left_after(1)
    }

    /// Share of a phasic drive that is left after so many ticks.
    fn left_after(&self, ticks: u64) -> f64 {
        libm::exp(-1_000.0 * ticks as f64 / (self.burst_ms * TICKS_PER_SECOND as f64))
    }

    /// Share of a phasic drive that is left after a step of the fastest band, which it drives, and share of a push that counts
    /// for each tick of such a step: with both a push gives the band the same in all, whichever tick it comes in.
    pub(crate) fn phasic_shares(&self) -> [f64; 2] {
        let ticks = self.ticks_per_step(self.bands - 1);
        let left = self.left_after(ticks);
        // The mean over the ticks of a step of what is left; exactly 1 where each tick is one.
        [left, (1.0 - left) / (ticks as f64 * (1.0 - self.left_after_a_tick()))]
    }

    /// The length of a band's step in seconds.
    #[must_use]
    pub fn step_seconds(&self, band: usize) -> f64 {
        self.ticks_per_step(band) as f64 * TICK_SECONDS
    }

    /// The carrier `e^{iωt}` of a band at a tick, real and imaginary part, from the tick count itself: no sum of phases drifts.
    #[must_use]
    pub fn carrier(&self, band: usize, tick: Tick) -> [f32; 2] {
        let cycles = self.centre(band).0 * (tick.0 as f64) * TICK_SECONDS;
        let (sin, cos) = libm::sincos(core::f64::consts::TAU * (cycles - libm::floor(cycles)));
        [cos as f32, sin as f32]
    }

    /// The band whose centre lies nearest to `rate`, by octaves.
    #[must_use]
    pub fn nearest_band(&self, rate: Hertz) -> usize {
        let octaves = libm::round(libm::log2(rate.0 / self.lowest_hz));
        octaves.clamp(0.0, self.bands as f64 - 1.0) as usize
    }
}
