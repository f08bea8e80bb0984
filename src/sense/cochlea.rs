//! The cochlea: sound becomes onset bursts and sustained drive, one tick at a time, on the real-time thread.
//!
//! ```text
//! p_c  = mean over both ears and the tick of |gammatone_c|^2                     power of channel c
//! s_c  = 10 log10( lowpass_fast(p_c) )                                          level in dBFS
//! F    = max( floor, peak - range ),   peak = max_c s_c, falling at `recovery`   level adaptation
//! m_c  = max( F, r_{c-w} .. r_{c+w} )                                           masked threshold
//! on   : n = floor((s_c - m_c) / threshold) >= 1  ->  burst On of magnitude n,  r_c = m_c + n threshold
//! else : r_c falls towards s_c at `release`                                     forward masking
//! off  : n = floor((u_c - max(s_c, F)) / off) >= 1 -> burst Off of magnitude n, u_c -= n off; u_c follows s_c
//! a_c  = max(0, s_c - F) / range  ->  modulation filters at 1, 2, 4 .. 64 Hz    ->  sustained drive
//! ```
//!
//! | symbol | default | unit | meaning |
//! |---|---|---|---|
//! | `floor` | -85 | dBFS | a channel's level below it is silence; white noise of -85 dBFS stays below it |
//! | `range` | 55 | dB | dynamic range below the running peak |
//! | `threshold` | 3 | dB | rise above the masked threshold that is one burst unit |
//! | `fast` | 2 | ms | smoothing of the power |
//! | `release` | 150 | dB/s | forward masking: how fast a masked threshold recovers |
//! | `recovery` | 10 | dB/s | how fast the running peak is forgotten |
//! | `w` | 1 | channels | neighbours whose masked threshold counts: with 128 channels a third of an ERB each side |
//!
//! The masked threshold follows rises at once and falls slowly, so a ringing tail that beats, a steady noise and a
//! held tone raise next to nothing, while an onset of any level above them does. Levels count in decibels: a
//! quiet and a loud recording of one sound raise the same bursts. A wider `w` makes vibrato and beats
//! quieter still, but hides soft second bounces under the first one's ring (`tests/hearing.rs`).
//!
//! Row `c` of the sheet is the channel, low to high. The column is a rate from 1 to 64 Hz: for a burst, the rate at which
//! onsets of its channel repeat; for the drive, the rate of amplitude modulation. The lowest column also holds the
//! unmodulated level.
//!
//! Sources: Glasberg and Moore 1990 and Hohmann 2002 (filterbank, see [`crate::kernel::gammatone`]); Jesteadt,
//! Bacon and Lehman, J. Acoust. Soc. Am. 71 (1982) (forward masking); Boeck and Widmer, `DAFx` 2013 (comparing
//! a rise with the neighbours' past, so that vibrato is not an onset); Dau, Kollmeier and Kohlrausch,
//! J. Acoust. Soc. Am. 102 (1997) (modulation filterbank).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::surprisal::Surprisal;
use crate::error::{Error, Result};
use crate::kernel::archive::Archive;
use crate::kernel::gammatone::{self, Coefficients, State};
use crate::kernel::{logarithm, modulation};
use crate::signal::{ArrayId, Burst, Sign};
use crate::time::{SAMPLE_RATE, SAMPLES_PER_TICK, TICKS_PER_SECOND, Tick};
use crate::units::Hertz;

/// Fastest modulation rate of the sheet in Hz; the slowest is 1.
const HIGHEST_RATE_HZ: f64 = 64.0;
/// Onset bursts of a channel that lie closer than this belong to one onset (1 / 64 Hz).
const SAME_ONSET_TICKS: u64 = 16;
/// Onsets expected of a channel per tick before anything is known: two a second.
const PRIOR_RATE: f32 = 0.002;
/// Ticks that the running prediction remembers: two seconds.
const MEMORY_TICKS: f32 = 2_000.0;
/// Samples beyond this are not sound; they are held here, so that no filter overflows.
const LARGEST_SAMPLE: f32 = 16.0;

/// The cochlea's parameters; see the head of the file for what each does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CochleaParameters {
    /// Channels of the filterbank, rows of the sheet; 8 to 1024.
    pub channels: usize,
    /// Modulation rates, columns of the sheet; 1 to 256.
    pub rates: usize,
    /// Lowest centre frequency in Hz; 20 to below `high_hz`.
    pub low_hz: f64,
    /// Highest centre frequency in Hz; at most 20000.
    pub high_hz: f64,
    /// Level in dB re a full-scale sine below which there is silence; -120 to -20.
    pub floor_dbfs: f32,
    /// Dynamic range below the running peak in dB; 10 to 120.
    pub range_db: f32,
    /// How fast the running peak is forgotten in dB/s; 0 to 1000.
    pub recovery_db_per_s: f32,
    /// Rise above the masked threshold that makes one unit of a burst, in dB; 0.5 to 40.
    pub threshold_db: f32,
    /// Fall that makes one unit of an Off burst, in dB; 0.5 to 60.
    pub off_threshold_db: f32,
    /// Time constant of the power's smoothing in ms; 0.5 to 50.
    pub fast_ms: f32,
    /// How fast a masked threshold recovers in dB/s; 1 to 10000.
    pub release_db_per_s: f32,
    /// Neighbours on each side whose masked threshold counts; 0 to 16.
    pub spread_channels: usize,
    /// Drive of a full-range sustained level, in tonic amplitudes; 0 to 100.
    pub sustained_gain: f32,
}

impl Default for CochleaParameters {
    fn default() -> Self {
        Self {
            channels: 128,
            rates: 32,
            low_hz: 50.0,
            high_hz: 16_000.0,
            floor_dbfs: -85.0,
            range_db: 55.0,
            recovery_db_per_s: 10.0,
            threshold_db: 3.0,
            off_threshold_db: 12.0,
            fast_ms: 2.0,
            release_db_per_s: 150.0,
            spread_channels: 1,
            sustained_gain: 1.0,
        }
    }
}

impl CochleaParameters {
    /// Whether every value lies within its bounds.
    ///
    /// # Errors
    /// A configuration error that names the key, its value and its bound.
    pub fn check(&self) -> Result<()> {
        let bounded = [
            ("channels", self.channels as f64, 8.0, 1_024.0),
            ("rates", self.rates as f64, 1.0, 256.0),
            ("high_hz", self.high_hz, 100.0, 20_000.0),
            ("low_hz", self.low_hz, 20.0, self.high_hz.min(19_999.0)),
            ("floor_dbfs", f64::from(self.floor_dbfs), -120.0, -20.0),
            ("range_db", f64::from(self.range_db), 10.0, 120.0),
            ("recovery_db_per_s", f64::from(self.recovery_db_per_s), 0.0, 1_000.0),
            ("threshold_db", f64::from(self.threshold_db), 0.5, 40.0),
            ("off_threshold_db", f64::from(self.off_threshold_db), 0.5, 60.0),
            ("fast_ms", f64::from(self.fast_ms), 0.5, 50.0),
            ("release_db_per_s", f64::from(self.release_db_per_s), 1.0, 10_000.0),
            ("spread_channels", self.spread_channels as f64, 0.0, 16.0),
            ("sustained_gain", f64::from(self.sustained_gain), 0.0, 100.0),
        ];
        for (key, value, low, high) in bounded {
            if !(low..=high).contains(&value) {
                return Err(Error::configuration(
                    format!("hearing.cochlea.{key}"),
                    "the value is out of range",
                )
                .value(value)
                .bound(format!("{low} to {high}")));
            }
        }
        if self.low_hz >= self.high_hz {
            return Err(Error::configuration(
                "hearing.cochlea.low_hz",
                "the lowest channel lies above the highest",
            )
            .value(self.low_hz)
            .bound(format!("below high_hz = {}", self.high_hz)));
        }
        Ok(())
    }
}

/// Constants that follow from the parameters.
#[derive(Clone, Debug)]
struct Derived {
    centres: Vec<Hertz>,
    filters: Coefficients,
    modulation: modulation::Coefficients,
    fast: f32,
    release_per_tick: f32,
    recovery_per_tick: f32,
    floor_power: f32,
}

/// One channel's memory.
#[derive(Clone, Copy, Debug)]
struct Channel {
    /// The masked threshold in dBFS.
    reference: f32,
    /// What an Off burst is measured from, in dBFS.
    upper: f32,
    onset: u64,
    column: u32,
}

/// A cochlea on both ears of a stereo stream.
#[derive(Clone, Debug)]
pub struct Cochlea {
    parameters: CochleaParameters,
    derived: Derived,
    array: ArrayId,
    ears: State,
    /// Smoothed power of each channel.
    powers: Vec<f32>,
    channels: Vec<Channel>,
    peak: f32,
    modulation: modulation::State,
    surprisal: Surprisal,
    refused: u64,
    scratch: Scratch,
}

/// Made anew in each tick.
#[derive(Clone, Debug)]
struct Scratch {
    ears: [[f32; SAMPLES_PER_TICK]; 2],
    power: Vec<f32>,
    level: Vec<f32>,
    masked: Vec<f32>,
    envelope: Vec<f32>,
    sustained: Vec<f32>,
}

impl Cochlea {
    /// A cochlea that has heard nothing, whose bursts go to `array`. Allocates all that it will need.
    ///
    /// # Errors
    /// Those of [`CochleaParameters::check`].
    pub fn new(parameters: &CochleaParameters, array: ArrayId) -> Result<Self> {
        parameters.check()?;
        let count = parameters.channels;
        let centres = gammatone::erb_spaced(Hertz(parameters.low_hz), Hertz(parameters.high_hz), count);
        let filters = Coefficients::new(&centres, SAMPLE_RATE);
        let ears = State::new(&filters);
        let rates: Vec<Hertz> = (0..parameters.rates).map(|c| column_rate(c, parameters.rates)).collect();
        let modulation = modulation::Coefficients::new(&rates, TICKS_PER_SECOND as u32);
        let per_second = TICKS_PER_SECOND as f32;
        let floor = parameters.floor_dbfs;
        let quiet = Channel { reference: floor, upper: floor, onset: 0, column: 0 };
        Ok(Self {
            array,
            ears,
            powers: vec![0.0; count],
            channels: vec![quiet; count],
            peak: floor,
            modulation: modulation::State::new(count),
            surprisal: Surprisal::new(count, PRIOR_RATE, MEMORY_TICKS),
            refused: 0,
            scratch: Scratch {
                ears: [[0.0; SAMPLES_PER_TICK]; 2],
                power: vec![0.0; count],
                level: vec![floor; count],
                masked: vec![floor; count],
                envelope: vec![0.0; count],
                sustained: vec![0.0; count * parameters.rates],
            },
            derived: Derived {
                centres,
                filters,
                modulation,
                fast: 1.0 - libm::expf(-1_000.0 / (per_second * parameters.fast_ms)),
                release_per_tick: parameters.release_db_per_s / per_second,
                recovery_per_tick: parameters.recovery_db_per_s / per_second,
                floor_power: libm::powf(10.0, 0.1 * floor),
            },
            parameters: parameters.clone(),
        })
    }

    /// Hears one tick of sound (left, right; full scale 1) and appends its bursts, low channels first, as far as
    /// `bursts` has capacity: what does not fit is counted in [`Self::refused`]. Allocates nothing.
    ///
    /// A burst carries the start of its tick. Samples that are not finite count as silence.
    pub fn tick(&mut self, tick: Tick, sound: &[[f32; 2]; SAMPLES_PER_TICK], bursts: &mut Vec<Burst>) {
        self.filter(sound);
        let floor = self.measure();
        self.mask(floor);
        for channel in 0..self.channels.len() {
            self.rise(tick, channel, bursts);
            self.fall(tick, channel, floor, bursts);
        }
        for (envelope, &level) in self.scratch.envelope.iter_mut().zip(&self.scratch.level) {
            *envelope = ((level - floor) / self.parameters.range_db).clamp(0.0, 2.0);
        }
        let Scratch { envelope, sustained, .. } = &mut self.scratch;
        let gain = self.parameters.sustained_gain;
        modulation::amplitudes(&self.derived.modulation, &mut self.modulation, envelope, gain, sustained);
    }

    /// The sustained drive of the last tick in tonic amplitudes, at least 0: `channels * rates` values, a row per
    /// channel from low to high, a column per modulation rate from slow to fast.
    #[must_use]
    pub fn sustained(&self) -> &[f32] {
        &self.scratch.sustained
    }

    /// The level of every channel in the last tick, low first: 0 at the floor that it adapts to, 1 at the top of its range, 2 at most.
    #[must_use]
    pub fn levels(&self) -> &[f32] {
        &self.scratch.envelope
    }

    /// The modulation rate of a column: 1 to 64 Hz, evenly in octaves.
    #[must_use]
    pub fn rate_of_column(&self, column: usize) -> Hertz {
        column_rate(column, self.parameters.rates)
    }

    /// The centre frequency of a channel (a row of the sheet).
    ///
    /// # Panics
    /// Where there is no such channel.
    #[must_use]
    pub fn centre_of_channel(&self, channel: usize) -> Hertz {
        self.derived.centres[channel]
    }

    /// The longest time from a sound to the burst that it raises: the tick that is being filled, and the
    /// rise of the slowest (lowest) filter's envelope. High channels answer sooner; none is held back for another.
    #[must_use]
    pub fn delay(&self) -> Duration {
        let slowest = gammatone::envelope_delay_s(self.derived.centres[0]);
        Duration::from_millis(1) + Duration::from_secs_f64(slowest)
    }

    /// Bursts that found no room, since the start.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Hands what it remembers of the past to `archive`: all that its next bursts depend on.
    pub fn archive(&mut self, archive: &mut impl Archive) {
        self.ears.archive(archive);
        archive.numbers(&mut self.powers);
        let last = self.parameters.rates as u32 - 1;
        for channel in &mut self.channels {
            archive.number(&mut channel.reference);
            archive.number(&mut channel.upper);
            archive.count(&mut channel.onset);
            archive.word(&mut channel.column);
            // Whatever was read, it is a place on the sheet.
            channel.column = channel.column.min(last);
        }
        archive.number(&mut self.peak);
        self.modulation.archive(archive);
        self.surprisal.archive(archive);
    }

    /// Both ears through their filters: the power of each channel, smoothed.
    fn filter(&mut self, sound: &[[f32; 2]; SAMPLES_PER_TICK]) {
        let Scratch { ears, power, .. } = &mut self.scratch;
        for (side, ear) in ears.iter_mut().enumerate() {
            for (out, frame) in ear.iter_mut().zip(sound) {
                let x = frame[side];
                *out = if x.is_finite() { x.clamp(-LARGEST_SAMPLE, LARGEST_SAMPLE) } else { 0.0 };
            }
        }
        gammatone::power(&self.derived.filters, &mut self.ears, ears, power);
        for (smooth, &power) in self.powers.iter_mut().zip(&*power) {
            *smooth += self.derived.fast * (power - *smooth);
        }
    }

    /// Levels in dBFS, the running peak, and the floor that follows from it.
    fn measure(&mut self) -> f32 {
        let floor = self.parameters.floor_dbfs;
        self.peak = (self.peak - self.derived.recovery_per_tick).max(floor);
        logarithm::decibels(&self.powers, self.derived.floor_power, floor, &mut self.scratch.level);
        self.peak = self.scratch.level.iter().copied().fold(self.peak, f32::max);
        floor.max(self.peak - self.parameters.range_db)
    }

    /// The threshold that each channel's level has to pass, from the references before this tick.
    fn mask(&mut self, floor: f32) {
        let (spread, last) = (self.parameters.spread_channels, self.channels.len() - 1);
        for (c, masked) in self.scratch.masked.iter_mut().enumerate() {
            let near = &self.channels[c.saturating_sub(spread)..=(c + spread).min(last)];
            *masked = near.iter().fold(floor, |most, channel| most.max(channel.reference));
        }
    }

    fn rise(&mut self, tick: Tick, c: usize, bursts: &mut Vec<Burst>) {
        let (level, masked) = (self.scratch.level[c], self.scratch.masked[c]);
        let channel = &mut self.channels[c];
        let rise = (level - masked) / self.parameters.threshold_db;
        if rise < 1.0 {
            if channel.reference > level {
                channel.reference = (channel.reference - self.derived.release_per_tick).max(level);
            }
            return;
        }
        let units = rise.floor();
        channel.reference = units.mul_add(self.parameters.threshold_db, masked);
        let elapsed = tick.0.saturating_sub(channel.onset);
        if elapsed >= SAME_ONSET_TICKS {
            channel.onset = tick.0;
            channel.column = repetition_column(elapsed, self.parameters.rates);
        }
        self.emit(tick, c, Sign::On, units, bursts);
    }

    fn fall(&mut self, tick: Tick, c: usize, floor: f32, bursts: &mut Vec<Burst>) {
        let level = self.scratch.level[c].max(floor);
        let channel = &mut self.channels[c];
        let fall = (channel.upper - level) / self.parameters.off_threshold_db;
        if fall >= 1.0 {
            let units = fall.floor();
            channel.upper -= units * self.parameters.off_threshold_db;
            self.emit(tick, c, Sign::Off, units, bursts);
        } else {
            let step = self.derived.release_per_tick;
            channel.upper += (level - channel.upper).clamp(-step, step);
        }
    }

    fn emit(&mut self, tick: Tick, c: usize, sign: Sign, magnitude: f32, bursts: &mut Vec<Burst>) {
        let surprisal_bits = self.surprisal.bits(c, tick.0, sign, magnitude);
        if bursts.len() == bursts.capacity() {
            self.refused += 1;
            return;
        }
        let site = c as u32 * self.parameters.rates as u32 + self.channels[c].column;
        let time = tick.start();
        bursts.push(Burst { time, array: self.array, site, sign, phase: 0.0, magnitude, surprisal_bits });
    }
}

fn column_rate(column: usize, columns: usize) -> Hertz {
    let part = if columns > 1 { column as f64 / (columns - 1) as f64 } else { 0.0 };
    Hertz(libm::pow(HIGHEST_RATE_HZ, part))
}

/// The column whose rate is nearest to one onset per `elapsed` ticks.
fn repetition_column(elapsed: u64, columns: usize) -> u32 {
    let rate = TICKS_PER_SECOND as f32 / elapsed.max(1) as f32;
    let part = libm::log2f(rate) / libm::log2f(HIGHEST_RATE_HZ as f32);
    (part.clamp(0.0, 1.0) * (columns - 1) as f32).round() as u32
}

#[cfg(test)]
#[path = "cochlea_tests.rs"]
mod tests;
