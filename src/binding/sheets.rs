//! A sheet of oscillators for each array: those that agree swing together, those that contradict swing apart.
//!
//! The sheets are of the engine's own kind ([`crate::array`]), of one slow band (theta), each with a tonic rhythm of its own. At every site a sheet is
//! driven, as its arrays' senses would, towards what the others' mean fields `Z` say, weighed by the evidence with its sign:
//!
//! ```text
//! dz_k = [ (-γ + iω) z_k - g |z_k|² z_k + D ∇² z_k + γ A h_k / |h_k| ] dt + c sqrt(2 γ E) dW_k,    h_k = Σ_j J_kj Z_j
//! ```
//!
//! So it is Kuramoto's model with weights of both signs (Hong and Strogatz, Phys Rev Lett 106:054102, 2011) on oscillators that have an amplitude, and
//! two worlds end half a turn apart. An array that nobody tells anything of keeps its own rhythm. Its phase is that of its mean field, beside the band's carrier.

use crate::array::{Array, ArrayParameters};
use crate::error::Result;
use crate::kernel::team::Team;
use crate::signal::ArrayId;
use crate::time::Tick;

/// Rows and columns of a sheet.
const SIDE: usize = 4;
/// Its band in Hz.
const THETA_HZ: f64 = 6.0;
/// A, in units of the tonic rms.
const PULL: f64 = 6.0;
/// Ticks in which sheets settle from their tonic state.
pub const SETTLED: u64 = 1_000;
/// Ticks between two looks at a world that changes.
pub const UPDATE: u64 = 100;

/// The sheets of some arrays.
pub struct Sheets {
    arrays: Vec<Array>,
    team: Team,
    next: Tick,
}

impl Sheets {
    /// Sheets of `count` arrays, up to 256, in their tonic state: of each its own, or, where pairs are `neighbours` alone, the first's, for
    /// those would hold a phase that goes once round between them (a vortex).
    ///
    /// # Errors
    /// None that these sizes can have; they are the array's.
    pub fn new(count: usize, neighbours: bool, seed: u64) -> Result<Self> {
        let parameters = ArrayParameters {
            bands: 1,
            lowest_hz: THETA_HZ,
            kappa: 0.0,
            burst_ms: 1.0,
            twin: false,
            ..ArrayParameters::default()
        };
        let sheet = |array: usize| Array::new(ArrayId(array as u8), SIDE, SIDE, &parameters, seed, 1);
        let mut sheets: Vec<Array> = (0..count).map(sheet).collect::<Result<_>>()?;
        if neighbours && let Some((first, others)) = sheets.split_first_mut() {
            let mut state = Vec::with_capacity(first.state_values());
            first.for_state(|plane| state.extend_from_slice(plane));
            for sheet in others {
                sheet.put_state(&state);
            }
        }
        Ok(Self { arrays: sheets, team: Team::new(1), next: Tick(0) })
    }

    /// Goes on for so many ticks, coupled by `agreement`, a number for each pair of arrays.
    ///
    /// # Panics
    /// Where there are not `arrays` x `arrays` numbers.
    pub fn swing(&mut self, agreement: &[f64], ticks: u64) {
        let count = self.arrays.len();
        assert_eq!(agreement.len(), count * count, "a number for each pair");
        let told = |array: usize| -> Vec<(usize, f64)> {
            let row = agreement[array * count..][..count].iter().copied().enumerate();
            row.filter(|(other, weight)| *other != array && *weight != 0.0).collect()
        };
        let told: Vec<Vec<(usize, f64)>> = (0..count).map(told).collect();
        for _ in 0..ticks {
            let fields: Vec<[f64; 2]> = self.arrays.iter().map(mean_field).collect();
            for (sheet, told) in self.arrays.iter_mut().zip(&told) {
                let mut h = [0.0; 2];
                for (other, weight) in told {
                    h[0] += weight * fields[*other][0];
                    h[1] += weight * fields[*other][1];
                }
                let size = libm::hypot(h[0], h[1]);
                if size > f64::MIN_POSITIVE {
                    // What a tick leaves of the drive is added to, so that it stays at the pull.
                    let pull = PULL * (1.0 - sheet.parameters().left_after_a_tick()) / size;
                    let [re, im] = h.map(|part| (pull * part) as f32);
                    (0..SIDE * SIDE).for_each(|site| sheet.push_site(site, re, im));
                }
                sheet.step(self.next, &mut self.team);
            }
            self.next = Tick(self.next.0 + 1);
        }
    }

    /// Each array's phase in radians, 0 to 2π.
    #[must_use]
    pub fn phases(&self) -> Vec<f64> {
        let phase = |[re, im]: [f64; 2]| libm::atan2(im, re).rem_euclid(core::f64::consts::TAU);
        self.arrays.iter().map(mean_field).map(phase).collect()
    }

    /// How strongly each sheet swings as one: the size of its mean field, in units of a site's tonic rms.
    #[must_use]
    pub fn amplitudes(&self) -> Vec<f64> {
        let size = |sheet: &Array| {
            let [re, im] = mean_field(sheet);
            libm::hypot(re, im) / (sheet.shape().sites() as f64 * sheet.band_variances()[0].sqrt())
        };
        self.arrays.iter().map(size).collect()
    }
}

/// The phases of new sheets that have settled by `agreement`, as [`Sheets::new`] and [`Sheets::swing`] say.
///
/// # Errors
/// As [`Sheets::new`].
pub fn settled(agreement: &[f64], count: usize, neighbours: bool, seed: u64) -> Result<Vec<f64>> {
    let mut sheets = Sheets::new(count, neighbours, seed)?;
    sheets.swing(agreement, SETTLED);
    Ok(sheets.phases())
}

/// The sum of a sheet's sites, beside the carrier.
fn mean_field(sheet: &Array) -> [f64; 2] {
    let field = sheet.field();
    [field.re, field.im].map(|part| part.iter().map(|x| f64::from(*x)).sum())
}

#[cfg(test)]
mod tests {
    use super::super::phases::order;
    use super::*;

    /// All of some arrays agree, or contradict.
    fn all(count: usize, weight: f64) -> Vec<f64> {
        (0..count * count).map(|at| if at / count == at % count { 0.0 } else { weight }).collect()
    }

    #[test]
    fn those_that_agree_swing_as_one_between_two_looks_however_many_they_are() {
        for count in [2, 8, 64] {
            let mut sheets = Sheets::new(count, false, 1).unwrap();
            assert!(order(sheets.phases().into_iter()).0 < 0.5, "{count}: tonic rhythms of their own");
            sheets.swing(&all(count, 0.3), UPDATE);
            let found = order(sheets.phases().into_iter()).0;
            assert!(found > 0.98, "{count}: {found}");
        }
    }

    #[test]
    fn whom_nobody_tells_anything_keeps_a_rhythm_of_its_own() {
        let count = 16;
        let mut sheets = Sheets::new(count, false, 2).unwrap();
        sheets.swing(&all(count, 0.0), SETTLED);
        let found = order(sheets.phases().into_iter()).0;
        assert!(found < 0.5, "{found}");
        let mean = |sheets: &Sheets| sheets.amplitudes().iter().sum::<f64>() / count as f64;
        let alone = mean(&sheets);
        sheets.swing(&all(count, 0.1), UPDATE);
        assert!(alone < 0.6 && mean(&sheets) > 2.5, "{alone}, {}", mean(&sheets));
    }

    #[test]
    fn an_array_that_changes_its_world_is_half_a_turn_away_a_look_later() {
        let count = 9;
        let told = |of: &[bool]| -> Vec<f64> {
            (0..count * count).map(|at| if of[at / count] == of[at % count] { 0.5 } else { -0.5 }).collect()
        };
        for seed in 0..20 {
            let mut of: Vec<bool> = (0..count).map(|array| array % 2 == 0).collect();
            let mut sheets = Sheets::new(count, false, seed).unwrap();
            sheets.swing(&told(&of), SETTLED);
            of[3] = true;
            sheets.swing(&told(&of), UPDATE);
            let phases = sheets.phases();
            let beside = |one: usize, other: usize| libm::cos(phases[one] - phases[other]);
            assert!(beside(3, 0) > 0.9 && beside(3, 1) < -0.9, "seed {seed}: {phases:?}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_bits_and_another_others() {
        let phases = |seed: u64| settled(&all(5, 0.2), 5, false, seed).unwrap();
        assert_eq!(phases(3), phases(3));
        assert_ne!(phases(3), phases(4));
    }
}
