//! Who swings together: groups of arrays by their phases.
//!
//! Phases are those of the arrays' sheets ([`super::sheets`]); here is who swings together by them. The leading eigenvector of the evidence is
//! here to be compared with.

use super::sync::Differences;

/// Arrays whose phases are nearer than a sixth of a turn swing together: `cos > 1 / 2`.
const TOGETHER: f64 = 0.5;

/// Kuramoto's order parameter of some phases, 0 to 1, and their mean phase.
#[must_use]
pub fn order(phases: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut re, mut im, mut count) = (0.0, 0.0, 0.0f64);
    for phase in phases {
        re += libm::cos(phase);
        im += libm::sin(phase);
        count += 1.0;
    }
    (libm::hypot(re, im) / count.max(1.0), libm::atan2(im, re))
}

/// The groups of arrays that agree and swing together, by chains of such pairs; each ascending, by their first array.
#[must_use]
pub fn groups(agreement: &[f64], phases: &[f64]) -> Vec<Vec<usize>> {
    let arrays = phases.len();
    let joined = |one: usize, other: usize| {
        agreement[one * arrays + other] > 0.0 && libm::cos(phases[one] - phases[other]) > TOGETHER
    };
    let mut of: Vec<Option<usize>> = vec![None; arrays];
    let mut found: Vec<Vec<usize>> = Vec::new();
    for start in 0..arrays {
        if of[start].is_some() {
            continue;
        }
        let (mut group, mut next) = (vec![start], 0);
        of[start] = Some(found.len());
        while let Some(one) = group.get(next).copied() {
            for (other, its) in of.iter_mut().enumerate() {
                if its.is_none() && joined(one, other) {
                    *its = Some(found.len());
                    group.push(other);
                }
            }
            next += 1;
        }
        group.sort_unstable();
        found.push(group);
    }
    found
}

/// Two groups by the signs of the agreement's leading eigenvector; one where all signs are equal.
#[must_use]
pub fn by_eigenvector(agreement: &[f64], arrays: usize, seed: u64) -> Vec<Vec<usize>> {
    let angles = Differences::of_signs(agreement, arrays).by_eigenvector(seed);
    let side = |near: bool| -> Vec<usize> {
        (0..arrays).filter(|array| (libm::cos(angles[*array] - angles[0]) > 0.0) == near).collect()
    };
    [side(true), side(false)].into_iter().filter(|one| !one.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sheets::settled;
    use super::*;

    /// Arrays agree within their worlds and contradict across, but for one pair that is wrong.
    fn worlds(of: &[usize], wrong: Option<(usize, usize)>) -> Vec<f64> {
        let count = of.len();
        let mut matrix: Vec<f64> =
            (0..count * count).map(|at| if of[at / count] == of[at % count] { 0.8 } else { -0.8 }).collect();
        (0..count).for_each(|one| matrix[one * count + one] = 0.0);
        if let Some((one, other)) = wrong {
            matrix[one * count + other] = 0.8;
            matrix[other * count + one] = 0.8;
        }
        matrix
    }

    #[test]
    fn two_worlds_swing_half_a_turn_apart_and_one_wrong_pair_joins_nothing() {
        let of = [0, 1, 0, 0, 1, 1, 0, 0, 1, 0];
        for seed in 0..50 {
            let matrix = worlds(&of, Some((0, 1)));
            let phases = settled(&matrix, of.len(), false, seed).unwrap();
            let found = groups(&matrix, &phases);
            assert_eq!(found, [vec![0, 2, 3, 6, 7, 9], vec![1, 4, 5, 8]], "seed {seed}: {phases:?}");
            assert!(libm::cos(phases[2] - phases[4]) < -0.9, "seed {seed}: {phases:?}");
            assert_eq!(by_eigenvector(&matrix, of.len(), seed), found);
        }
    }

    #[test]
    fn one_world_swings_as_one_and_who_agrees_with_none_stays_alone() {
        let phases = settled(&worlds(&[0; 6], None), 6, false, 9).unwrap();
        assert!(order(phases.iter().copied()).0 > 0.99);
        let matrix = worlds(&[0, 0, 0, 1, 2, 0], None);
        let phases = settled(&matrix, 6, false, 9).unwrap();
        assert_eq!(groups(&matrix, &phases), [vec![0, 1, 2, 5], vec![3], vec![4]]);
    }

    #[test]
    fn phases_of_nothing_and_of_one_are_no_fault() {
        assert!(settled(&[], 0, false, 1).unwrap().is_empty());
        assert_eq!(settled(&[0.0], 1, true, 1).unwrap().len(), 1);
        assert_eq!(order(std::iter::empty()).0, 0.0);
    }

    #[test]
    fn neighbours_of_a_ring_swing_together_from_near_rest() {
        let count = 40;
        let mut ring = vec![0.0; count * count];
        for one in 0..count {
            let other = (one + 1) % count;
            (ring[one * count + other], ring[other * count + one]) = (1.0, 1.0);
        }
        let together = |neighbours: bool, seed: u64| {
            order(settled(&ring, count, neighbours, seed).unwrap().into_iter()).0 > 0.9
        };
        assert!((0..20).all(|seed| together(true, seed)));
        assert!((0..20).any(|seed| !together(false, seed)), "no start anywhere goes round");
    }
}
