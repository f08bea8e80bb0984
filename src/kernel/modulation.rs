//! A modulation filterbank: each channel's envelope in, amplitude per modulation rate out.
//!
//! ```text
//! d_c  += alpha (e_c - d_c)                                              the level below 1/2 Hz
//! y_1   = a y_1 + g (e_c - d_c),   y_2 = a y_2 + g y_1                   at f_k = 1, 2, 4 .. 64 Hz, Q = 2
//! A_ck  = 2 |y_2|  (and d_c joined to the slowest),  interpolated over log2 rate onto the columns
//! ```
//!
//! Octave-spaced filters of Q = 2: Dau, Kollmeier and Kohlrausch, J. Acoust. Soc. Am. 102 (1997), section II.
//! Channels are the lanes of the filters, columns those of the interpolation.

use super::archive::Archive;
use super::wide::compile_wide;
use crate::units::Hertz;

/// Modulation filters: 1, 2, 4, 8, 16, 32 and 64 Hz.
pub const FILTERS: usize = 7;
/// Channels that are filtered side by side, and columns that are written so.
const LANES: usize = 16;
/// Everything slower than this is the sustained level.
const LEVEL_HZ: f64 = 0.5;
/// States below this are flushed, so that none becomes subnormal.
const TINY: f32 = 1e-15;

/// The constants of the filters and of their interpolation.
#[derive(Clone, Debug)]
pub struct Coefficients {
    level: f32,
    re: [f32; FILTERS],
    im: [f32; FILTERS],
    gain: [f32; FILTERS],
    columns: usize,
    /// Per strip of columns: what part of each filter each column takes. All but two neighbours are 0, which cost less
    /// than to look the two up.
    parts: Vec<[Lanes; FILTERS]>,
}

impl Coefficients {
    /// Filters for envelopes of `rate` values per second, read out at the rates of `columns` (within 1 to 64 Hz).
    #[must_use]
    pub fn new(columns: &[Hertz], rate: u32) -> Self {
        let tau = core::f64::consts::TAU;
        let mut made = Self {
            level: (1.0 - libm::exp(-tau * LEVEL_HZ / f64::from(rate))) as f32,
            re: [0.0; FILTERS],
            im: [0.0; FILTERS],
            gain: [0.0; FILTERS],
            columns: columns.len(),
            parts: vec![[[0.0; LANES]; FILTERS]; columns.len().div_ceil(LANES)],
        };
        for k in 0..FILTERS {
            let centre = f64::from(1u32 << k);
            // Two poles in a row have a half-power bandwidth of 0.64 of one; Q = 2 for both together.
            let radius = libm::exp(-0.5 * tau * (0.5 * centre / 0.643_594) / f64::from(rate));
            let angle = tau * centre / f64::from(rate);
            made.re[k] = (radius * libm::cos(angle)) as f32;
            made.im[k] = (radius * libm::sin(angle)) as f32;
            made.gain[k] = (1.0 - radius) as f32;
        }
        for (c, column) in columns.iter().enumerate() {
            let at = libm::log2(column.0.clamp(1.0, 64.0));
            let below = (at.floor() as usize).min(FILTERS - 2);
            let part = at - below as f64;
            made.parts[c / LANES][below][c % LANES] = (1.0 - part) as f32;
            made.parts[c / LANES][below + 1][c % LANES] = part as f32;
        }
        made
    }
}

/// What the filters remember, in groups of `LANES` channels.
#[derive(Clone, Debug)]
pub struct State(Vec<Group>);

type Lanes = [f32; LANES];

#[derive(Clone, Copy, Debug, Default)]
struct Group {
    level: Lanes,
    re: [[Lanes; FILTERS]; 2],
    im: [[Lanes; FILTERS]; 2],
}

impl State {
    /// Silence in `channels` channels.
    #[must_use]
    pub fn new(channels: usize) -> Self {
        Self(vec![Group::default(); channels.div_ceil(LANES)])
    }

    /// Hands every number of the state to `archive`.
    pub fn archive(&mut self, archive: &mut impl Archive) {
        for group in &mut self.0 {
            archive.numbers(&mut group.level);
            archive.numbers(group.re.as_flattened_mut().as_flattened_mut());
            archive.numbers(group.im.as_flattened_mut().as_flattened_mut());
        }
    }
}

compile_wide! {
    /// Filters one value of each channel's envelope; writes `gain` times the amplitudes to `out`, a row of columns
    /// per channel. Allocates nothing.
    pub fn amplitudes, amplitudes_on(
        coefficients: &Coefficients,
        state: &mut State,
        envelope: &[f32],
        gain: f32,
        out: &mut [f32],
    ) = amplitudes_body
}

#[inline(always)]
fn amplitudes_body(
    coefficients: &Coefficients,
    state: &mut State,
    envelope: &[f32],
    gain: f32,
    out: &mut [f32],
) {
    let columns = coefficients.columns.max(1);
    let groups = state.0.iter_mut().zip(envelope.chunks(LANES)).zip(out.chunks_mut(LANES * columns));
    for ((group, envelope), rows) in groups {
        let mut padded = [0.0; LANES];
        padded[..envelope.len()].copy_from_slice(envelope);
        let amplitude = group.step(coefficients, &padded);
        for (lane, row) in rows.chunks_exact_mut(columns).enumerate() {
            for (strip, parts) in row.chunks_mut(LANES).zip(&coefficients.parts) {
                let mut sum = [0.0f32; LANES];
                for k in 0..FILTERS {
                    let level = gain * amplitude[k][lane];
                    sum = each(|l| parts[k][l].mul_add(level, sum[l]));
                }
                // Whole strips are one store; a general copy is a call.
                if let Ok(strip) = <&mut Lanes>::try_from(&mut *strip) {
                    *strip = sum;
                } else {
                    strip.copy_from_slice(&sum[..strip.len()]);
                }
            }
        }
    }
}

#[inline(always)]
fn each<const L: usize>(value: impl Fn(usize) -> f32) -> [f32; L] {
    let mut out = [0.0; L];
    for (l, out) in out.iter_mut().enumerate() {
        *out = value(l);
    }
    out
}

impl Group {
    #[inline(always)]
    fn step(&mut self, coefficients: &Coefficients, envelope: &Lanes) -> [Lanes; FILTERS] {
        let before = self.level;
        let level = each(|l| flushed(coefficients.level.mul_add(envelope[l] - before[l], before[l])));
        let change = each(|l| envelope[l] - level[l]);
        self.level = level;
        let mut amplitude = [[0.0; LANES]; FILTERS];
        for (k, amplitude) in amplitude.iter_mut().enumerate() {
            let (a, b, g) = (coefficients.re[k], coefficients.im[k], coefficients.gain[k]);
            let (mut re, mut im) = (change, [0.0; LANES]);
            for stage in 0..2 {
                let (x, y) = (self.re[stage][k], self.im[stage][k]);
                let next_re = each(|l| flushed(a.mul_add(x[l], (-b).mul_add(y[l], g * re[l]))));
                let next_im = each(|l| flushed(a.mul_add(y[l], b.mul_add(x[l], g * im[l]))));
                (re, im) = (next_re, next_im);
                (self.re[stage][k], self.im[stage][k]) = (re, im);
            }
            *amplitude = each(|l| 2.0 * re[l].mul_add(re[l], im[l] * im[l]).sqrt());
        }
        amplitude[0] = each(|l| amplitude[0][l].max(level[l]));
        amplitude
    }
}

#[inline(always)]
fn flushed(value: f32) -> f32 {
    if value.abs() < TINY { 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    use super::super::wide::Isa;
    use super::*;

    fn steady(rate_hz: f64) -> Vec<f32> {
        let columns: Vec<Hertz> = (0..FILTERS).map(|k| Hertz(f64::from(1u32 << k))).collect();
        let coefficients = Coefficients::new(&columns, 1_000);
        let mut state = State::new(1);
        let mut out = vec![0.0; FILTERS];
        let mut most = vec![0.0f32; FILTERS];
        for n in 0..8_000 {
            let phase = core::f64::consts::TAU * rate_hz * f64::from(n) / 1_000.0;
            let envelope = (0.5 + 0.25 * libm::sin(phase)) as f32;
            amplitudes(&coefficients, &mut state, &[envelope], 1.0, &mut out);
            if n > 6_000 {
                most.iter_mut().zip(&out).for_each(|(most, &now)| *most = most.max(now));
            }
        }
        most
    }

    #[test]
    fn an_envelope_that_beats_eight_times_a_second_is_strongest_at_eight_hertz() {
        let amplitude = steady(8.0);
        assert!((amplitude[3] - 0.25).abs() < 0.03, "{amplitude:?}");
        for (k, &other) in amplitude.iter().enumerate().skip(1) {
            assert!(k == 3 || other < 0.6 * amplitude[3], "{amplitude:?}");
        }
    }

    #[test]
    fn an_unmodulated_level_stays_in_the_slowest_column() {
        let amplitude = steady(0.0);
        assert!((amplitude[0] - 0.5).abs() < 1e-3, "{amplitude:?}");
        assert!(amplitude[1..].iter().all(|&a| a < 1e-3), "{amplitude:?}");
    }

    #[test]
    fn no_set_of_vector_instructions_changes_a_bit() {
        let columns: Vec<Hertz> = (0..19).map(|c| Hertz(1.0 + 3.0 * f64::from(c))).collect();
        let coefficients = Coefficients::new(&columns, 1_000);
        let run = |isa: Isa| {
            let mut state = State::new(37);
            let mut out = vec![0.0; 37 * 19];
            let mut bits: Vec<u32> = Vec::new();
            for n in 0..300u16 {
                let envelope: Vec<f32> = (0..37).map(|c| f32::from((n * 7 + c * 13) % 97) * 0.01).collect();
                amplitudes_on(isa, &coefficients, &mut state, &envelope, 0.7, &mut out);
                bits.extend(out.iter().map(|x| x.to_bits()));
            }
            bits
        };
        for &isa in Isa::all() {
            assert_eq!(run(isa), run(Isa::Portable), "{isa:?}");
        }
    }

    #[test]
    fn a_column_between_two_rates_takes_part_of_both() {
        let at = |hertz: f64| {
            let coefficients = Coefficients::new(&[Hertz(hertz)], 1_000);
            let (mut state, mut out) = (State::new(1), [0.0]);
            for n in 0..500u16 {
                amplitudes(&coefficients, &mut state, &[f32::from(n % 100) * 0.01], 1.0, &mut out);
            }
            out[0]
        };
        let (two, four, between) = (at(2.0), at(4.0), at(2.0 * core::f64::consts::SQRT_2));
        assert!((between - f32::midpoint(two, four)).abs() < 1e-6, "{two} {between} {four}");
    }

    #[test]
    fn a_silent_envelope_ends_at_exactly_nothing() {
        let coefficients = Coefficients::new(&[Hertz(1.0), Hertz(64.0)], 1_000);
        let mut state = State::new(1);
        let mut out = [0.0; 2];
        amplitudes(&coefficients, &mut state, &[1.0], 1.0, &mut out);
        for _ in 0..40_000 {
            amplitudes(&coefficients, &mut state, &[0.0], 1.0, &mut out);
        }
        assert_eq!(out, [0.0; 2]);
    }
}
