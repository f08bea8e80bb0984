//! A modulation filterbank: each channel's envelope in, amplitude per modulation rate out.
//!
//! ```text
//! d_c  += alpha (e_c - d_c)                                              the level below 1/2 Hz
//! y_1   = a y_1 + g (e_c - d_c),   y_2 = a y_2 + g y_1                   at f_k = 1, 2, 4 .. 64 Hz, Q = 2
//! A_ck  = 2 |y_2|  (and d_c joined to the slowest),  interpolated over log2 rate onto the columns
//! ```
//!
//! Octave-spaced filters of Q = 2: Dau, Kollmeier and Kohlrausch, J. Acoust. Soc. Am. 102 (1997), section II.
//! Channels are the lanes.

use crate::units::Hertz;

/// Modulation filters: 1, 2, 4, 8, 16, 32 and 64 Hz.
pub const FILTERS: usize = 7;
/// Channels that are filtered side by side.
const LANES: usize = 8;
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
    /// Per column: the filter below, and the part of the one above.
    columns: Vec<(usize, f32)>,
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
            columns: Vec::with_capacity(columns.len()),
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
        for column in columns {
            let at = libm::log2(column.0.clamp(1.0, 64.0));
            let below = (at.floor() as usize).min(FILTERS - 2);
            made.columns.push((below, (at - below as f64) as f32));
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
}

/// Filters one value of each channel's envelope; writes `gain` times the amplitudes to `out`, a row of columns
/// per channel. Allocates nothing.
pub fn amplitudes(
    coefficients: &Coefficients,
    state: &mut State,
    envelope: &[f32],
    gain: f32,
    out: &mut [f32],
) {
    let columns = coefficients.columns.len().max(1);
    let groups = state.0.iter_mut().zip(envelope.chunks(LANES)).zip(out.chunks_mut(LANES * columns));
    for ((group, envelope), rows) in groups {
        let mut padded = [0.0; LANES];
        padded[..envelope.len()].copy_from_slice(envelope);
        let amplitude = group.step(coefficients, &padded);
        for (lane, row) in rows.chunks_exact_mut(columns).enumerate() {
            let of_lane: [f32; FILTERS] = core::array::from_fn(|k| gain * amplitude[k][lane]);
            for (out, &(below, part)) in row.iter_mut().zip(&coefficients.columns) {
                *out = of_lane[below] + part * (of_lane[below + 1] - of_lane[below]);
            }
        }
    }
}

impl Group {
    fn step(&mut self, coefficients: &Coefficients, envelope: &Lanes) -> [Lanes; FILTERS] {
        let mut change = [0.0; LANES];
        for l in 0..LANES {
            self.level[l] = flushed(self.level[l] + coefficients.level * (envelope[l] - self.level[l]));
            change[l] = envelope[l] - self.level[l];
        }
        let mut amplitude = [[0.0; LANES]; FILTERS];
        for (k, amplitude) in amplitude.iter_mut().enumerate() {
            let (a, b, g) = (coefficients.re[k], coefficients.im[k], coefficients.gain[k]);
            let (mut in_re, mut in_im) = (change, [0.0; LANES]);
            for stage in 0..2 {
                let (state_re, state_im) = (&mut self.re[stage][k], &mut self.im[stage][k]);
                for l in 0..LANES {
                    let (re, im) = (state_re[l], state_im[l]);
                    in_re[l] = flushed(a * re - b * im + g * in_re[l]);
                    in_im[l] = flushed(a * im + b * re + g * in_im[l]);
                    state_re[l] = in_re[l];
                    state_im[l] = in_im[l];
                }
            }
            for l in 0..LANES {
                amplitude[l] = 2.0 * (in_re[l] * in_re[l] + in_im[l] * in_im[l]).sqrt();
            }
        }
        for (slowest, level) in amplitude[0].iter_mut().zip(self.level) {
            *slowest = slowest.max(level);
        }
        amplitude
    }
}

fn flushed(value: f32) -> f32 {
    if value.abs() < TINY { 0.0 } else { value }
}

#[cfg(test)]
mod tests {
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
