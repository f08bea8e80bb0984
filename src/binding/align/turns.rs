//! What pairs of arrays tell of how far their views are turned against one another, by the moments of their lines.
//!
//! The n-th moment of a line is a sum of cosines and sines of n, n - 2, n - 4, ... times its angle (Helgason and Ludwig: Ludwig, Comm
//! Pure Appl Math 19:49, 1966). Two arrays' lines lie on one such curve where their angles are right against each other; what is
//! left beside it, angle by angle, says by how much they are not.

use core::f64::consts::TAU;
use std::collections::BTreeSet;

use super::lines::mended;
use super::{MOST_TURN, Place, Seen};
use crate::binding::shared::each;
use crate::binding::sync::Differences;

/// Moments that are looked at, from the 0th on; of two arrays no more than the one has views, for curves of more pass through any.
const ORDERS: usize = 4;
/// Degrees from one angle that is tried to the next.
const STEP: f64 = 1.0;
/// Degrees of the circle on which differences lie; it is longer than twice the largest, so that no end meets the other.
pub(super) const CIRCLE: f64 = 6.0 * MOST_TURN;
/// The least part of what is left at the worst angle that the best one must explain: lines of a disc about the middle are alike
/// under all angles, and noise alone makes up half.
const LEAST: f64 = 0.5;

/// Moments of an array's lines, by Legendre's polynomials on the detector, which weigh white noise alike; angles in radians.
type Moments = Vec<(f64, [f64; ORDERS])>;

/// What all pairs of arrays tell of how far they are turned, in angles on a circle of 90 degrees, their detectors being in
/// `places`; and the arrays that are told anything.
pub(super) fn told(
    arrays: &[Seen],
    places: &[Place],
    detectors: usize,
    threads: usize,
) -> (Differences, Vec<usize>) {
    let moments: Vec<Moments> =
        arrays.iter().zip(places).map(|(seen, place)| moments(seen, place.shift, detectors)).collect();
    let pairs: Vec<(usize, usize)> =
        (0..arrays.len()).flat_map(|one| (one + 1..arrays.len()).map(move |other| (one, other))).collect();
    let found = each(&pairs, threads, |(one, other)| between(&moments[*one], &moments[*other]));
    let (mut differences, mut told) = (Differences::new(arrays.len()), BTreeSet::new());
    for ((one, other), found) in pairs.into_iter().zip(found) {
        if let Some((turn, explained)) = found {
            differences.tell(one, other, TAU * turn / CIRCLE, explained);
            told.extend([one, other]);
        }
    }
    (differences, told.into_iter().collect())
}

fn moments(seen: &Seen, shift: f64, detectors: usize) -> Moments {
    let (middle, half) = ((detectors / 2) as f64 + shift, detectors as f64 / 2.0);
    let polynomials = |at: usize| {
        let t = (at as f64 - middle) / half;
        [1.0, t, 0.5 * (3.0 * t * t - 1.0), 0.5 * t * (5.0 * t * t - 3.0)]
    };
    let mut squares = [0.0; ORDERS];
    for at in 0..detectors {
        squares.iter_mut().zip(polynomials(at)).for_each(|(square, p)| *square += p * p);
    }
    let of = |line: &[f32]| {
        let mut sums = [0.0; ORDERS];
        for (at, x) in mended(line)?.into_iter().enumerate() {
            sums.iter_mut().zip(polynomials(at)).for_each(|(sum, p)| *sum += f64::from(x) * p);
        }
        sums.iter_mut().zip(squares).for_each(|(sum, square)| *sum /= square.sqrt().max(f64::MIN_POSITIVE));
        Some(sums)
    };
    let lines = seen.degrees.iter().zip(seen.data.chunks_exact(detectors));
    lines.filter_map(|(degrees, line)| Some((degrees.to_radians(), of(line)?))).collect()
}

/// By how many degrees `one` is turned further than `other`, up to twice [`MOST_TURN`] either way, and what part of what is left at
/// the worst of all angles that explains; none where no angle is better than others.
fn between(one: &Moments, other: &Moments) -> Option<(f64, f64)> {
    let steps = (2.0 * MOST_TURN / STEP) as i32;
    let turn = |step: i32| STEP * f64::from(step);
    let left: Vec<f64> = (-steps..=steps).map(|step| left(one, other, turn(step).to_radians())).collect();
    let at = (0..left.len()).min_by(|one, other| left[*one].total_cmp(&left[*other]))?;
    let worst = left.iter().fold(0.0f64, |most, left| most.max(*left));
    let explained = if worst > 0.0 { 1.0 - left[at] / worst } else { 0.0 };
    let part = match left.get(at.wrapping_sub(1)).zip(left.get(at + 1)) {
        Some((before, after)) => vertex(*before, left[at], *after),
        None => 0.0,
    };
    (explained >= LEAST).then_some((STEP * (part + at as f64) - 2.0 * MOST_TURN, explained))
}

/// Where the parabola through three numbers, the middle one at 0, is least: at most half a step away.
fn vertex(before: f64, middle: f64, after: f64) -> f64 {
    let bend = (before - 2.0 * middle + after).max(f64::MIN_POSITIVE);
    (0.5 * (before - after) / bend).clamp(-0.5, 0.5)
}

/// What is left of both arrays' moments beside one curve, the one's views being turned by so many radians.
fn left(one: &Moments, other: &Moments, turn: f64) -> f64 {
    let lines = || one.iter().map(|line| (turn, line)).chain(other.iter().map(|line| (0.0, line)));
    let angles: Vec<f64> = lines().map(|(turn, (angle, _))| angle + turn).collect();
    let mut square = 0.0;
    for order in 0..ORDERS.min(one.len().max(other.len())) {
        let mut rest: Vec<f64> = lines().map(|(_, (_, moments))| moments[order]).collect();
        let mut basis: Vec<Vec<f64>> = Vec::new();
        for degree in (0..=order).rev().step_by(2) {
            for wave in [libm::cos, libm::sin] {
                let mut column: Vec<f64> = angles.iter().map(|angle| wave(degree as f64 * angle)).collect();
                for known in &basis {
                    take(known, &mut column);
                }
                let length = dot(&column, &column).sqrt();
                // The sine of no turns, and what views that lie on one another cannot tell from it.
                if length > 1e-6 * (angles.len() as f64).sqrt() {
                    for x in &mut column {
                        *x /= length;
                    }
                    take(&column, &mut rest);
                    basis.push(column);
                }
            }
        }
        square += dot(&rest, &rest);
    }
    square
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(x, y)| x * y).sum()
}

/// Takes from `column` what lies along `unit`.
fn take(unit: &[f64], column: &mut [f64]) {
    let along = dot(unit, column);
    column.iter_mut().zip(unit).for_each(|(x, unit)| *x -= along * unit);
}
