//! Alignment: by how many elements each array's detector lies beside where it should.
//!
//! Views under nearly one angle look alike, so each pair of arrays that has such tells a lag, by cross-correlation; what all pairs
//! tell together is synchronised ([`super::sync`]), as angles of a circle that no lag goes round. Views a few degrees apart are
//! not the same, so the arrays are then bound and each is held against what the others of its whole show it, a few times over
//! (reprojection: Dengler, Ultramicroscopy 30:337, 1989).

use std::collections::BTreeSet;

use rustfft::num_complex::Complex64;

use super::consensus::{How, Whole, bind};
use super::part::{Part, explained};
use super::projection::{ParallelBeam, Projection};
use super::shared::each;
use super::sync::{Differences, Lags, STEPS, on_a_circle};
use crate::error::{Error, Result};

/// Views that are nearer than this look alike, in degrees.
const NEAR: f64 = 12.0;
/// Times that arrays are held against the others; fewer where none moves by more than [`STILL`] elements.
const ROUNDS: usize = 16;
const STILL: f64 = 0.02;
/// Steps of the pictures meanwhile.
const PICTURE_STEPS: usize = 40;
/// The most others by whose picture an array is judged.
const OTHERS: usize = 32;

/// What an array sees: angles in degrees, and a line of `detectors` numbers for each, one after another.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Angles in degrees.
    pub degrees: Vec<f64>,
    /// Lines.
    pub data: Vec<f32>,
}

impl Seen {
    /// The array that sees this on a detector that lies `shift` elements beside its place.
    ///
    /// # Errors
    /// As [`ParallelBeam::shifted`] and [`Part::new`].
    pub fn part(&self, detectors: usize, shift: f64) -> Result<Part> {
        Part::new(Box::new(self.beams(detectors, shift)?), self.data.clone())
    }

    fn beams(&self, detectors: usize, shift: f64) -> Result<ParallelBeam> {
        ParallelBeam::shifted(detectors, detectors, &self.degrees, shift)
    }
}

/// Spectra of an array's lines by their angles; none of a line without a number that is finite.
type Spectra = Vec<(f64, Vec<Complex64>)>;

/// Elements by which each array's detector is shifted against the middle one of them all, at most half of its length either way.
///
/// # Errors
/// As [`bind`] and [`Seen::part`], and where no two arrays have views that are near enough.
///
/// # Panics
/// Where an array has not `detectors` numbers for each angle.
pub fn shifts(arrays: &[Seen], detectors: usize, how: &How) -> Result<Vec<f64>> {
    let mut lags = Lags::new(detectors);
    let spectra: Vec<Spectra> =
        arrays.iter().map(|seen| spectra(&mut lags, &seen.degrees, &seen.data, detectors)).collect();
    let (differences, told) = told(&mut lags, &spectra);
    if told.is_empty() {
        let error = Error::call("align", "no two arrays have views of something that are near each other");
        return Err(error.value(arrays.len()).bound(format!("views within {NEAR} degrees")));
    }
    // Lags are small parts of the circle, so the flow begins where there are none; who is told nothing counts as the middle one.
    let mut angles = vec![0.0; arrays.len()];
    differences.follow(&mut angles, STEPS);
    let half = detectors as f64 / 2.0;
    let of_told: Vec<f64> = told.iter().map(|array| angles[*array]).collect();
    let mut shifts = vec![0.0f64; arrays.len()];
    for (array, shift) in told.iter().zip(on_a_circle(&of_told, lags.circle())) {
        shifts[*array] = shift.clamp(-half, half);
    }
    let how = How { iterations: how.iterations.min(PICTURE_STEPS), ..*how };
    for _ in 0..ROUNDS {
        let parts = arrays.iter().zip(&shifts).map(|(seen, shift)| seen.part(detectors, *shift));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let wholes = bind(&parts, &how)?.wholes;
        let numbers: Vec<usize> = (0..arrays.len()).collect();
        let moves = each(&numbers, how.threads, |array| {
            let others = others(&wholes, *array);
            let others: Vec<&Part> = others.iter().map(|other| &parts[*other]).collect();
            if others.is_empty() {
                return Ok(0.0);
            }
            let picture = explained(&others, how.most, PICTURE_STEPS);
            let seen = &arrays[*array];
            let mut shown = vec![0.0; seen.data.len()];
            seen.beams(detectors, shifts[*array])?.apply(&picture, &mut shown, 1);
            let mut lags = Lags::new(detectors);
            let shown = self::spectra(&mut lags, &seen.degrees, &shown, detectors);
            Ok(lags.between(&near(&spectra[*array], &shown, 0.0)).0)
        });
        let moves = moves.into_iter().collect::<Result<Vec<f64>>>()?;
        for (shift, by) in shifts.iter_mut().zip(&moves) {
            *shift = (*shift + by).clamp(-half, half);
        }
        if moves.iter().all(|by| by.abs() < STILL) {
            break;
        }
    }
    Ok(shifts)
}

/// The others of an array's whole, or of the largest where it is alone; at most [`OTHERS`].
fn others(wholes: &[Whole], array: usize) -> Vec<usize> {
    let own = wholes.iter().find(|whole| whole.arrays.contains(&array));
    let whole = own.filter(|whole| whole.arrays.len() > 1).unwrap_or(&wholes[0]);
    let thin = whole.arrays.len().div_ceil(OTHERS);
    whole.arrays.iter().copied().filter(|other| *other != array).step_by(thin).collect()
}

fn spectra(lags: &mut Lags, degrees: &[f64], data: &[f32], detectors: usize) -> Spectra {
    assert_eq!(data.len(), degrees.len() * detectors, "a line for each angle");
    let lines = degrees.iter().zip(data.chunks_exact(detectors));
    lines.filter_map(|(degrees, line)| Some((*degrees, lags.spectrum(&mended(line)?)))).collect()
}

/// A line with what is missing drawn straight from what is beside it; none where all is missing.
fn mended(line: &[f32]) -> Option<Vec<f32>> {
    let known: Vec<usize> = (0..line.len()).filter(|at| line[*at].is_finite()).collect();
    let (first, last) = (*known.first()?, *known.last()?);
    let mut out = line.to_vec();
    out[..first].fill(line[first]);
    out[last..].fill(line[last]);
    for pair in known.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let step = (line[to] - line[from]) / (to - from) as f32;
        for (at, number) in out[from..to].iter_mut().enumerate() {
            *number = line[from] + step * at as f32;
        }
    }
    Some(out)
}

/// Pairs of spectra whose angles are no more than `apart` degrees from each other.
fn near<'a>(one: &'a Spectra, other: &'a Spectra, apart: f64) -> Vec<(&'a [Complex64], &'a [Complex64])> {
    let far = |one: f64, other: f64| ((one - other + 180.0).rem_euclid(360.0) - 180.0).abs();
    let of = |(degrees, line): &'a (f64, Vec<Complex64>)| {
        let near = other.iter().filter(move |(other, _)| far(*degrees, *other) <= apart);
        near.map(move |(_, other)| (line.as_slice(), other.as_slice()))
    };
    one.iter().flat_map(of).collect()
}

/// What all pairs of arrays tell, and the arrays that are told anything.
fn told(lags: &mut Lags, spectra: &[Spectra]) -> (Differences, Vec<usize>) {
    let (mut differences, mut told) = (Differences::new(spectra.len()), BTreeSet::new());
    for (one, its) in spectra.iter().enumerate() {
        for (other, others) in spectra.iter().enumerate().skip(one + 1) {
            let (lag, alike) = lags.between(&near(its, others, NEAR));
            if alike > 0.0 {
                let angle = core::f64::consts::TAU * lag / lags.circle() as f64;
                differences.tell(one, other, angle, alike);
                told.extend([one, other]);
            }
        }
    }
    (differences, told.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::super::consensus::Way;
    use super::*;

    const SIDE: usize = 32;

    fn how() -> How {
        let (iterations, coupling, most) = (60, 0.5, 1.0);
        How { way: Way::Phases, iterations, coupling, most, sigma: None, seed: 3, threads: 2 }
    }

    /// Eight arrays of four views each, every eighth view an array's, of two discs; the last arrays' detectors are shifted.
    fn shifted(by: &[f64]) -> Vec<Seen> {
        let disc = |at: usize, y: f64, x: f64, radius: f64| {
            libm::hypot((at / SIDE) as f64 - y, (at % SIDE) as f64 - x) < radius
        };
        let level = |at: usize| {
            0.8 * f32::from(u8::from(disc(at, 12.0, 19.0, 6.0)))
                + f32::from(u8::from(disc(at, 21.0, 11.0, 3.0)))
        };
        let picture: Vec<f32> = (0..SIDE * SIDE).map(level).collect();
        let array = |array: usize| {
            let degrees: Vec<f64> = (0..4).map(|view| (view * 8 + array) as f64 * 5.625).collect();
            let shift = (array + by.len()).checked_sub(8).map_or(0.0, |at| by[at]);
            let beams = ParallelBeam::shifted(SIDE, SIDE, &degrees, shift).unwrap();
            let mut data = vec![0.0; beams.data_len()];
            beams.apply(&picture, &mut data, 1);
            Seen { degrees, data }
        };
        (0..8).map(array).collect()
    }

    #[test]
    fn shifted_detectors_are_found_to_a_tenth_of_an_element() {
        let by = [4.0, -2.5, 0.75];
        let mut arrays = shifted(&by);
        // A line that is not whole tells nothing, and harms nothing.
        arrays[1].data[5] = f32::NAN;
        let found = shifts(&arrays, SIDE, &how()).unwrap();
        for (array, found) in found.iter().enumerate() {
            let wanted = (array + by.len()).checked_sub(8).map_or(0.0, |at| by[at]);
            assert!((found - wanted).abs() < 0.1, "array {array}: {found}, not {wanted}");
        }
    }

    #[test]
    fn where_nothing_is_shifted_nothing_moves_whatever_the_seed_and_the_threads() {
        let mut arrays = shifted(&[]);
        // A detector element that is dead in every line.
        for array in &mut arrays {
            array.data.iter_mut().skip(9).step_by(SIDE).for_each(|number| *number = f32::NAN);
        }
        let one = shifts(&arrays, SIDE, &How { threads: 1, ..how() }).unwrap();
        assert!(one.iter().all(|shift| shift.abs() < 0.05), "{one:?}");
        for seed in 0..6 {
            let found = shifts(&arrays, SIDE, &How { seed, ..how() }).unwrap();
            assert!(found.iter().all(|shift| shift.abs() < 0.05), "seed {seed}: {found:?}");
        }
        assert_eq!(one, shifts(&arrays, SIDE, &how()).unwrap());
    }

    #[test]
    fn arrays_that_nothing_can_be_held_against_stay_and_none_at_all_is_told() {
        let mut arrays = shifted(&[3.0]);
        arrays[0].data.fill(0.0);
        let found = shifts(&arrays, SIDE, &how()).unwrap();
        assert!(found[0].abs() < 1e-9 && (found[7] - 3.0).abs() < 0.1, "{found:?}");
        for (number, array) in arrays.iter_mut().enumerate() {
            array.degrees = vec![number as f64 * 22.0];
            array.data.truncate(SIDE);
        }
        let error = shifts(&arrays, SIDE, &how()).unwrap_err().to_string();
        assert!(error.contains("near each other") && error.contains("12 degrees"), "{error}");
        // Round the circle is near, too.
        arrays[1].degrees = vec![359.0];
        arrays[0].data = arrays[1].data.clone();
        assert!(shifts(&arrays, SIDE, &how()).is_ok());
    }

    #[test]
    fn what_is_missing_of_a_line_is_drawn_straight() {
        let gap = f32::NAN;
        assert_eq!(mended(&[gap, 1.0, gap, gap, 4.0, gap]).unwrap(), [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
        assert!(mended(&[gap, f32::INFINITY]).is_none());
    }
}
