//! Whether two senses tell of one world: the phases of their slow bands against each other (real-time: [`Track::take`] allocates nothing).
//!
//! ```text
//! x       what a sense says, bins of 10 ms, less its mean and by its spread over some 10 s
//! a <- p a + (1 - |p|) x,   z <- p z + (1 - |p|)² a,   p = exp((-γ + iω) 10 ms)     two damped oscillators in a row, per band
//! c_b     = Σ v_b conj(h_b) / sqrt(Σ |v_b|² Σ |h_b|²)                            coherence of band b over a window
//! e       = w₀ + Σ_b Re w_b conj(c_b)                                          evidence, by a template of what belongs together
//! R       = | mean_b (c_b / |c_b|) e^{-iφ_b} |                                   order parameter, φ_b the template's phases
//! async   = the shift of the hearing against the vision at which e is largest
//! ```
//!
//! | symbol | value | unit | meaning |
//! |---|---|---|---|
//! | `ω_b` | 2π 0.75 2^b, b = 0 .. 4 | rad/s | the arrays' slow bands |
//! | `γ_b` | `ω_b` / (2 Q), Q = 1.5 | 1/s | their damping |
//! | x, vision | - | burst units | [`Braking`]: what stops, place by place, from a picture to the next |
//! | x, hearing | - | `E_b` | the power of the hearing array's differential in its fastest band |
//!
//! A thing that hits another loses or turns its speed, and rings: so what *stops* in the picture goes with what sounds. How much
//! moves says less, for things move most while they fly, in silence.
//!
//! Sources: coherence after Carter, Knapp and Nuttall, IEEE Trans. Audio Electroacoustics 21 (1973); phase locking after Lachaux et al.,
//! Human Brain Mapping 8 (1999); order parameter after Kuramoto 1984.

use crate::kernel::least_squares::line;
use crate::signal::Burst;
use crate::time::TICKS_PER_SECOND;

/// Bands that are compared, an octave apart, slowest first.
pub const BANDS: usize = 5;
/// Centre of the slowest in Hz.
const LOWEST_HZ: f64 = 0.75;
/// Centre frequency over line width.
const Q: f64 = 1.5;
/// Ticks of a bin.
pub const BIN_TICKS: usize = 10;
/// Bins in which mean and spread are forgotten.
const MEAN_BINS: f32 = 1_000.0;
/// Bins to either side among which an asynchrony is sought.
pub const MOST_LAG: i64 = 40;
/// Places along each side of a sheet at which it is seen what stops.
pub const PLACES: usize = 8;

/// How much moves at each place of a sheet, row by row.
pub type Places = [f32; PLACES * PLACES];

/// The coherence of each band: real and imaginary part, of size 1 at most; the phase is that of the first sense before the second.
pub type Coherence = [[f32; 2]; BANDS];

/// The place that a site of a sheet of so many rows and columns lies in, row by row.
#[must_use]
pub fn place_of(site: u32, (height, width): (usize, usize)) -> usize {
    let (row, column) = (site as usize / width, site as usize % width);
    (row * PLACES / height).min(PLACES - 1) * PLACES + column * PLACES / width
}

/// The centre of a band in Hz, slowest first.
#[must_use]
pub fn band_hz(band: usize) -> f32 {
    LOWEST_HZ as f32 * (1u32 << band) as f32
}

/// What stops from a picture to the next: the sum over places by how much less moves there.
#[must_use]
pub fn stopped(before: &Places, now: &Places) -> f32 {
    before.iter().zip(now).map(|(before, now)| (before - now).max(0.0)).sum()
}

/// What stops between two pictures: the fall of the bursts' magnitudes at each of 8 x 8 places, summed.
#[derive(Clone, Debug)]
pub struct Braking {
    shape: (usize, usize),
    last: Places,
    now: Places,
}

impl Braking {
    /// On a sheet of so many rows and columns, 1 or more; nothing moved yet.
    #[must_use]
    pub fn new(height: usize, width: usize) -> Self {
        Self { shape: (height, width), last: [0.0; PLACES * PLACES], now: [0.0; PLACES * PLACES] }
    }

    /// Takes all bursts of a picture, which lie on the sheet; gives what stopped since the picture before, in burst units, and how
    /// much moves at all.
    pub fn look(&mut self, bursts: &[Burst]) -> (f32, f32) {
        self.now.fill(0.0);
        for burst in bursts {
            self.now[place_of(burst.site, self.shape)] += burst.magnitude;
        }
        self.fall()
    }

    /// The same of any measure of how much moves at each place, row by row.
    pub fn look_at(&mut self, places: &Places) -> (f32, f32) {
        self.now = *places;
        self.fall()
    }

    fn fall(&mut self) -> (f32, f32) {
        let stopped = stopped(&self.last, &self.now);
        self.last = self.now;
        (stopped, self.now.iter().sum())
    }
}

/// How one sense swings in the slow bands, as far back as there is room.
#[derive(Clone, Debug)]
pub struct Track {
    /// `p` of each band.
    poles: [[f32; 2]; BANDS],
    stages: [[[f32; 2]; 2]; BANDS],
    mean: f32,
    power: f32,
    sum: f32,
    ticks: usize,
    ring: Vec<Coherence>,
    bins: u64,
}

impl Track {
    /// With room for so many bins, 1 or more.
    #[must_use]
    pub fn new(room: usize) -> Self {
        let step = BIN_TICKS as f64 / TICKS_PER_SECOND as f64;
        let pole = |band: usize| {
            let omega = core::f64::consts::TAU * LOWEST_HZ * f64::from(1u32 << band);
            let size = libm::exp(-omega / (2.0 * Q) * step);
            [size * libm::cos(omega * step), size * libm::sin(omega * step)].map(|x| x as f32)
        };
        Self {
            poles: std::array::from_fn(pole),
            stages: [[[0.0; 2]; 2]; BANDS],
            mean: 0.0,
            power: 0.0,
            sum: 0.0,
            ticks: 0,
            ring: vec![[[0.0; 2]; BANDS]; room.max(1)],
            bins: 0,
        }
    }

    /// Takes what the sense says in a tick; what is no number counts as nothing. Whether a bin ended.
    pub fn take(&mut self, x: f32) -> bool {
        self.sum += if x.is_finite() { x } else { 0.0 };
        self.ticks += 1;
        if self.ticks < BIN_TICKS {
            return false;
        }
        let x = self.sum / BIN_TICKS as f32;
        (self.sum, self.ticks) = (0.0, 0);
        self.take_bin(x);
        true
    }

    /// Takes the mean of a bin, a number; not in the midst of one that [`Self::take`] began.
    pub fn take_bin(&mut self, x: f32) {
        self.bins += 1;
        // The plain mean at first, so that the beginning is no step.
        self.mean += (x - self.mean) / (self.bins as f32).min(MEAN_BINS);
        let x = x - self.mean;
        self.power += (x * x - self.power) / (self.bins as f32).min(MEAN_BINS);
        // In units of its own spread, so that two senses can pull at each other.
        let x = if self.power > 0.0 { x / self.power.sqrt() } else { 0.0 };
        let at = ((self.bins - 1) % self.ring.len() as u64) as usize;
        for band in 0..BANDS {
            let ([c, d], gain) = (self.poles[band], self.gain(band));
            let mut driven = [gain * x, 0.0];
            for stage in &mut self.stages[band] {
                let [re, im] = *stage;
                *stage = [c * re - d * im + driven[0], c * im + d * re + driven[1]];
                driven = stage.map(|part| gain * part);
            }
            self.ring[at][band] = driven;
        }
    }

    /// Lets two senses that both ended a bin pull at each other, each at the phases of `own`: `strength` of each band's damping, below 1.
    /// What they swing to is what is held of that bin.
    pub fn couple(&mut self, other: &mut Self, strength: f32, own: &Coherence) {
        let at = |track: &Self| ((track.bins.max(1) - 1) % track.ring.len() as u64) as usize;
        let (mine, others) = (at(self), at(other));
        for (band, [c, d]) in own.iter().enumerate() {
            let size = (c * c + d * d).sqrt().max(f32::MIN_POSITIVE);
            let (c, d) = (c / size, d / size);
            let ([a, b], [e, f]) = (self.stages[band][1], other.stages[band][1]);
            let gain = self.gain(band);
            let pull = strength * gain;
            self.stages[band][1] = [a + pull * (c * e - d * f), b + pull * (c * f + d * e)];
            other.stages[band][1] = [e + pull * (c * a + d * b), f + pull * (c * b - d * a)];
            self.ring[mine][band] = self.stages[band][1].map(|part| gain * part);
            other.ring[others][band] = other.stages[band][1].map(|part| gain * part);
        }
    }

    /// `1 - |p|` of a band.
    fn gain(&self, band: usize) -> f32 {
        let [re, im] = self.poles[band];
        1.0 - (re * re + im * im).sqrt()
    }

    /// Bins that have ended since the beginning.
    #[must_use]
    pub fn bins(&self) -> u64 {
        self.bins
    }

    /// The bands in a bin; `None` where it has not ended or is forgotten.
    fn at(&self, bin: u64) -> Option<&Coherence> {
        let room = self.ring.len() as u64;
        (bin < self.bins && bin + room >= self.bins).then(|| &self.ring[(bin % room) as usize])
    }
}

/// The coherence of `first` in the `bins` bins before `end` with `second` in as many bins before `other`; `None` where one of them
/// is not held whole. A band that is still has 0.
#[must_use]
pub fn coherence(first: &Track, end: u64, second: &Track, other: u64, bins: u64) -> Option<Coherence> {
    let (from, from_other) = (end.checked_sub(bins)?, other.checked_sub(bins)?);
    let mut cross = [[0.0f64; 2]; BANDS];
    let mut powers = [[0.0f64; 2]; BANDS];
    for bin in 0..bins {
        let (v, h) = (first.at(from + bin)?, second.at(from_other + bin)?);
        for (band, ([a, b], [c, d])) in v.iter().zip(h).enumerate() {
            let [a, b, c, d] = [a, b, c, d].map(|x| f64::from(*x));
            cross[band][0] += a * c + b * d;
            cross[band][1] += b * c - a * d;
            powers[band][0] += a * a + b * b;
            powers[band][1] += c * c + d * d;
        }
    }
    Some(std::array::from_fn(|band| {
        let size = (powers[band][0] * powers[band][1]).sqrt();
        cross[band].map(|part| if size > 0.0 { (part / size) as f32 } else { 0.0 })
    }))
}

/// The phase-locking value of each band, likewise: what is left of the coherence when every bin counts alike.
#[must_use]
pub fn locking(first: &Track, end: u64, second: &Track, other: u64, bins: u64) -> Option<Coherence> {
    let (from, from_other) = (end.checked_sub(bins)?, other.checked_sub(bins)?);
    let mut sums = [[0.0f64; 2]; BANDS];
    for bin in 0..bins {
        let (v, h) = (first.at(from + bin)?, second.at(from_other + bin)?);
        for (sum, ([a, b], [c, d])) in sums.iter_mut().zip(v.iter().zip(h)) {
            let [a, b, c, d] = [a, b, c, d].map(|x| f64::from(*x));
            let size = ((a * a + b * b) * (c * c + d * d)).sqrt();
            if size > 0.0 {
                sum[0] += (a * c + b * d) / size;
                sum[1] += (b * c - a * d) / size;
            }
        }
    }
    Some(sums.map(|sum| sum.map(|part| (part / bins.max(1) as f64) as f32)))
}

/// What the coherence of senses that belong together looks like.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// `w₀`, then real and imaginary part of each band's weight.
    weights: Vec<f64>,
    /// The mean coherence of what belongs together.
    own: Coherence,
}

impl Template {
    /// From coherences of what belongs together and of what does not: the line that tells one (1) from the other (0) with the least
    /// squared error, which is Fisher's linear discriminant. `None` where they do not determine it.
    #[must_use]
    pub fn learn(own: &[Coherence], foreign: &[Coherence]) -> Option<Self> {
        let row = |c: &Coherence| {
            core::iter::once(1.0).chain(c.iter().flatten().map(|x| f64::from(*x))).collect::<Vec<f64>>()
        };
        let rows: Vec<f64> = own.iter().chain(foreign).flat_map(row).collect();
        let labels: Vec<f64> = [vec![1.0; own.len()], vec![0.0; foreign.len()]].concat();
        if own.is_empty() || foreign.is_empty() {
            return None;
        }
        let weights = line(&rows, &labels)?;
        let count = own.len() as f32;
        let mean = |band: usize, part: usize| own.iter().map(|c| c[band][part]).sum::<f32>() / count;
        Some(Self { weights, own: std::array::from_fn(|band| [mean(band, 0), mean(band, 1)]) })
    }

    /// Whether it has its numbers, all finite.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let numbers = self.own.iter().flatten().map(|x| f64::from(*x));
        self.weights.len() == 1 + 2 * BANDS && self.weights.iter().copied().chain(numbers).all(f64::is_finite)
    }

    /// The mean coherence of what it was taught to belong together.
    #[must_use]
    pub fn own(&self) -> &Coherence {
        &self.own
    }

    /// The evidence that two senses tell of one world, in no unit: on the mean 1 where they are told without error, 0 where they do not
    /// belong together; where errors are made, both are nearer to each other.
    #[must_use]
    pub fn evidence(&self, of: &Coherence) -> f64 {
        let sum =
            self.weights[1..].iter().zip(of.iter().flatten()).map(|(w, x)| w * f64::from(*x)).sum::<f64>();
        self.weights[0] + sum
    }

    /// The order parameter over the bands: 1 where each stands at the phase that it has where senses belong together, about
    /// `1/sqrt(BANDS)` where phases are random; a band that is still does not count.
    #[must_use]
    pub fn order(&self, of: &Coherence) -> f32 {
        let (mut sum, mut count) = ([0.0f32; 2], 0.0f32);
        for ([a, b], [c, d]) in of.iter().zip(&self.own) {
            let (re, im) = (a * c + b * d, b * c - a * d);
            let size = (re * re + im * im).sqrt();
            if size > 0.0 {
                sum = [sum[0] + re / size, sum[1] + im / size];
                count += 1.0;
            }
        }
        if count > 0.0 { (sum[0] * sum[0] + sum[1] * sum[1]).sqrt() / count } else { 0.0 }
    }

    /// By how many milliseconds the second sense comes later than it belongs to the first (below 0: earlier), within 400 ms to either
    /// side, and the evidence there; `at` gives the coherence with the second sense taken so many bins later. `None` where it gives none.
    #[must_use]
    pub fn asynchrony_ms(&self, at: impl Fn(i64) -> Option<Coherence>) -> Option<(f64, f64)> {
        let mut found = [0.0; 2 * MOST_LAG as usize + 1];
        for (found, lag) in found.iter_mut().zip(-MOST_LAG..) {
            *found = self.evidence(&at(lag)?);
        }
        let best = (0..found.len()).max_by(|a, b| found[*a].total_cmp(&found[*b]))?;
        // A parabola through the largest and its neighbours.
        let mut lag = best as f64 - MOST_LAG as f64;
        if best > 0 && best + 1 < found.len() {
            let (below, above) = (found[best] - found[best - 1], found[best] - found[best + 1]);
            if below + above > 0.0 {
                lag += 0.5 * (below - above) / (below + above);
            }
        }
        Some((lag * BIN_TICKS as f64 * 1e3 / TICKS_PER_SECOND as f64, found[best]))
    }
}

#[cfg(test)]
#[path = "binding_tests.rs"]
mod tests;
