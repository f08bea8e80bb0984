//! Lines of arrays side by side: by how many elements those of neighbouring views lie beside one another.

use std::collections::BTreeSet;

use rustfft::num_complex::Complex64;

use super::Seen;
use crate::binding::sync::{Differences, Lags};

/// Views that are nearer than this look alike, in degrees.
pub(super) const NEAR: f64 = 12.0;

/// Spectra of an array's lines by their angles; none of a line without a number that is finite.
pub(super) type Spectra = Vec<(f64, Vec<Complex64>)>;

/// The spectra of what an array sees, or is shown.
pub(super) fn spectra(lags: &Lags, degrees: &[f64], data: &[f32], detectors: usize) -> Spectra {
    let lines = degrees.iter().zip(data.chunks_exact(detectors));
    lines.filter_map(|(degrees, line)| Some((*degrees, lags.spectrum(&mended(line)?)))).collect()
}

/// A line with what is missing drawn straight from what is beside it; none where all is missing.
pub(super) fn mended(line: &[f32]) -> Option<Vec<f32>> {
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
pub(super) fn near<'a>(
    one: &'a Spectra,
    other: &'a Spectra,
    apart: f64,
) -> Vec<(&'a [Complex64], &'a [Complex64])> {
    let far = |one: f64, other: f64| ((one - other + 180.0).rem_euclid(360.0) - 180.0).abs();
    let of = |(degrees, line): &'a (f64, Vec<Complex64>)| {
        let near = other.iter().filter(move |(other, _)| far(*degrees, *other) <= apart);
        near.map(move |(_, other)| (line.as_slice(), other.as_slice()))
    };
    one.iter().flat_map(of).collect()
}

/// What all pairs of arrays tell of their shifts, and the arrays that are told anything.
pub(super) fn told(lags: &Lags, arrays: &[Seen], detectors: usize) -> (Differences, Vec<usize>) {
    let spectra: Vec<Spectra> =
        arrays.iter().map(|seen| spectra(lags, &seen.degrees, &seen.data, detectors)).collect();
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
    use super::*;

    #[test]
    fn what_is_missing_of_a_line_is_drawn_straight() {
        let gap = f32::NAN;
        assert_eq!(mended(&[gap, 1.0, gap, gap, 4.0, gap]).unwrap(), [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
        assert!(mended(&[gap, f32::INFINITY]).is_none());
    }
}
