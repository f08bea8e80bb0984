//! Alignment: by how many elements each array's detector lies beside where it should.
//!
//! Views under nearly one angle look alike, so each pair of arrays that has such tells a lag, by cross-correlation; what all pairs
//! tell together is synchronised ([`super::sync`]), as angles of a circle that no lag goes round. Views a few degrees apart are
//! not the same, so the arrays are then bound and each is held against what the others of its whole show it, a few times over
//! (reprojection: Dengler, Ultramicroscopy 30:337, 1989).

use rustfft::num_complex::Complex64;

use super::consensus::{How, bind};
use super::part::{Part, explained};
use super::projection::{ParallelBeam, Projection};
use super::sync::{Differences, Lags, on_a_circle};
use crate::error::Result;

/// Views that are nearer than this look alike, in degrees.
const NEAR: f64 = 12.0;
/// Times that arrays are held against the others; fewer where none moves by more than [`STILL`] elements.
const ROUNDS: usize = 16;
const STILL: f64 = 0.02;
/// Steps of the pictures meanwhile.
const STEPS: usize = 40;
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

/// Spectra of an array's lines by their angles; none of a line with a number that is not finite.
type Spectra = Vec<(f64, Vec<Complex64>)>;

/// Elements by which each array's detector is shifted against the middle one of them all.
///
/// # Errors
/// As [`bind`] and [`Seen::part`].
///
/// # Panics
/// Where an array has not `detectors` numbers for each angle.
pub fn shifts(arrays: &[Seen], detectors: usize, how: &How) -> Result<Vec<f64>> {
    let mut lags = Lags::new(detectors);
    let spectra: Vec<Spectra> =
        arrays.iter().map(|seen| spectra(&mut lags, &seen.degrees, &seen.data, detectors)).collect();
    let mut shifts = on_a_circle(&told(&mut lags, &spectra).by_flow(how.seed), lags.circle());
    let how = How { iterations: how.iterations.min(STEPS), ..*how };
    for _ in 0..ROUNDS {
        let parts = arrays.iter().zip(&shifts).map(|(seen, shift)| seen.part(detectors, *shift));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let bound = bind(&parts, &how)?;
        let mut moved = 0.0f64;
        for (array, seen) in arrays.iter().enumerate() {
            let own = bound.wholes.iter().find(|whole| whole.arrays.contains(&array));
            let whole = own.filter(|whole| whole.arrays.len() > 1).unwrap_or(&bound.wholes[0]);
            let thin = whole.arrays.len().div_ceil(OTHERS);
            let others = whole.arrays.iter().filter(|other| **other != array).step_by(thin);
            let others: Vec<&Part> = others.map(|other| &parts[*other]).collect();
            if others.is_empty() {
                continue;
            }
            let picture = explained(&others, how.most, STEPS);
            let mut shown = vec![0.0; seen.data.len()];
            seen.beams(detectors, shifts[array])?.apply(&picture, &mut shown, how.threads);
            let shown = self::spectra(&mut lags, &seen.degrees, &shown, detectors);
            let pairs: Vec<_> = near(&spectra[array], &shown, 0.0);
            if pairs.is_empty() {
                continue;
            }
            let (by, _) = lags.between(&pairs);
            shifts[array] = (shifts[array] + by).clamp(-(detectors as f64), detectors as f64);
            moved = moved.max(by.abs());
        }
        if moved < STILL {
            break;
        }
    }
    Ok(shifts)
}

fn spectra(lags: &mut Lags, degrees: &[f64], data: &[f32], detectors: usize) -> Spectra {
    assert_eq!(data.len(), degrees.len() * detectors, "a line for each angle");
    let lines = degrees.iter().zip(data.chunks_exact(detectors));
    let whole = lines.filter(|(_, line)| line.iter().all(|number| number.is_finite()));
    whole.map(|(degrees, line)| (*degrees, lags.spectrum(line))).collect()
}

/// Pairs of spectra whose angles are no more than `apart` degrees from each other.
fn near<'a>(one: &'a Spectra, other: &'a Spectra, apart: f64) -> Vec<(&'a [Complex64], &'a [Complex64])> {
    let of = |(degrees, line): &'a (f64, Vec<Complex64>)| {
        let near = other.iter().filter(move |(other, _)| (degrees - other).abs() <= apart);
        near.map(move |(_, other)| (line.as_slice(), other.as_slice()))
    };
    one.iter().flat_map(of).collect()
}

/// What all pairs of arrays tell.
fn told(lags: &mut Lags, spectra: &[Spectra]) -> Differences {
    let mut differences = Differences::new(spectra.len());
    for (one, its) in spectra.iter().enumerate() {
        for (other, others) in spectra.iter().enumerate().skip(one + 1) {
            let pairs = near(its, others, NEAR);
            if !pairs.is_empty() {
                let (lag, alike) = lags.between(&pairs);
                let angle = core::f64::consts::TAU * lag / lags.circle() as f64;
                differences.tell(one, other, angle, alike.max(0.0));
            }
        }
    }
    differences
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
    fn where_nothing_is_shifted_nothing_moves() {
        let found = shifts(&shifted(&[]), SIDE, &how()).unwrap();
        assert!(found.iter().all(|shift| shift.abs() < 0.05), "{found:?}");
    }
}
