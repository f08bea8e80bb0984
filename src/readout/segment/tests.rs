//! What stands out from pictures that are made here, and what does not.

use super::*;
use crate::random::Stream;

const SIDE: usize = 32;

/// Two squares of one grey apart, the first split by a bar, the second under a disc of the bar's grey; noise of σ = 0.03.
fn scene(seed: u64) -> (Vec<f32>, Vec<usize>) {
    let of = |at: usize| {
        let (y, x) = (at / SIDE, at % SIDE);
        if (7..10).contains(&y) && (2..17).contains(&x) {
            2
        } else if (3..14).contains(&y) && (4..14).contains(&x) {
            1
        } else if y.abs_diff(25).pow(2) + x.abs_diff(24).pow(2) < 18 {
            4
        } else if (18..29).contains(&y) && (12..23).contains(&x) {
            3
        } else {
            0
        }
    };
    let truth: Vec<usize> = (0..SIDE * SIDE).map(of).collect();
    let mut draws = Stream::new(seed, 0);
    let greys = [0.1, 0.5, 0.9, 0.5, 0.9];
    let values = truth.iter().map(|object| (greys[*object] + 0.03 * draws.normal()) as f32).collect();
    (values, truth)
}

/// The adjusted Rand index where the truth is not ground.
fn likeness(found: &Segments, truth: &[usize]) -> f64 {
    let seen: Vec<usize> = (0..truth.len()).filter(|at| truth[*at] > 0).collect();
    let labels: Vec<usize> = seen.iter().map(|at| found.labels[*at].into()).collect();
    rand_index(&labels, &seen.iter().map(|at| truth[*at]).collect::<Vec<_>>())
}

fn mean(how: &How) -> f64 {
    let each = (0..8).map(|seed| {
        let (values, truth) = scene(seed);
        likeness(&segment(&values, SIDE, &How { seed, ..*how }).unwrap(), &truth)
    });
    each.sum::<f64>() / 8.0
}

#[test]
fn parts_behind_a_bar_are_one_object_and_equal_greys_apart_are_two() {
    let found = mean(&How::default());
    assert!(found > 0.95, "{found}");
}

#[test]
fn without_coupling_or_without_frequencies_it_is_gone() {
    let uncoupled = mean(&How { coupling: 0.0, ..How::default() });
    let equal = mean(&How { turn: 0.0, ..How::default() });
    assert!(uncoupled < 0.3 && equal < 0.7, "{uncoupled} {equal}");
}

#[test]
fn as_many_objects_are_found_as_are_told() {
    let (values, truth) = scene(3);
    for objects in [1, 2, 4, 7, MOST_OBJECTS] {
        let found = segment(&values, SIDE, &How { objects: Some(objects), ..How::default() }).unwrap();
        assert_eq!(found.coherence.len(), objects);
        assert_eq!(usize::from(found.labels.iter().copied().max().unwrap()), objects);
        if objects == 4 {
            assert!(likeness(&found, &truth) > 0.9);
        }
    }
}

#[test]
fn the_kept_start_is_that_of_the_lowest_energy_and_a_seed_repeats() {
    let (values, _) = scene(1);
    let found = segment(&values, SIDE, &How::default()).unwrap();
    assert_eq!(found.energies.len(), STARTS);
    assert!(found.energies.iter().all(|energy| *energy >= found.energy));
    assert_eq!(segment(&values, SIDE, &How::default()).unwrap(), found);
    let other = segment(&values, SIDE, &How { seed: 1, ..How::default() }).unwrap();
    assert_ne!(other.energies, found.energies);
}

#[test]
fn pictures_that_tell_nothing_are_refused_with_a_reason() {
    let said =
        |values: &[f32], width: usize| segment(values, width, &How::default()).unwrap_err().to_string();
    assert!(said(&[0.5; 256], 16).contains("one value all over"));
    assert!(said(&[0.5; 21], 3).contains("3 x 7 (allowed: 8 x 8 to 128 x 128)"));
    assert!(said(&vec![0.5; 8 * 129], 129).contains("129 x 8"));
    let mut values = scene(0).0;
    values[33] = f32::NAN;
    assert!(said(&values, SIDE).contains("row 1, column 1: a value is not finite: NaN"));
}

#[test]
fn a_thin_line_is_an_object() {
    let values: Vec<f32> =
        (0..256).map(|at| if (2..14).contains(&(at % 16)) && at / 16 == 7 { 0.9 } else { 0.1 }).collect();
    let found = segment(&values, 16, &How::default()).unwrap();
    assert_eq!(found.coherence.len(), 1);
    assert!(values.iter().zip(&found.labels).all(|(value, label)| (*value > 0.5) == (*label == 1)));
}

#[test]
fn a_picture_with_one_bright_pixel_is_one_value() {
    let mut values = vec![0.2; 256];
    values[100] = 1.0;
    assert!(segment(&values, 16, &How::default()).is_err());
}
