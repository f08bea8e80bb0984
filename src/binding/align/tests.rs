//! Arrays that were shifted and turned are found, and what nothing is told of stays.

use super::super::consensus::Way;
use super::*;

const SIDE: usize = 32;

fn how() -> How {
    let (iterations, coupling, most) = (60, 0.5, 1.0);
    How { way: Way::Phases, iterations, coupling, most, sigma: None, seed: 3, threads: 2 }
}

/// Eight arrays of four views each, every eighth view an array's, of two discs; the last arrays are at these places.
fn placed(by: &[Place]) -> Vec<Seen> {
    let disc = |at: usize, y: f64, x: f64, radius: f64| {
        libm::hypot((at / SIDE) as f64 - y, (at % SIDE) as f64 - x) < radius
    };
    let level = |at: usize| {
        0.8 * f32::from(u8::from(disc(at, 12.0, 19.0, 6.0))) + f32::from(u8::from(disc(at, 21.0, 11.0, 3.0)))
    };
    seen(&(0..SIDE * SIDE).map(level).collect::<Vec<f32>>(), by)
}

fn seen(picture: &[f32], by: &[Place]) -> Vec<Seen> {
    let array = |array: usize| {
        let degrees: Vec<f64> = (0..4).map(|view| (view * 8 + array) as f64 * 5.625).collect();
        let place = (array + by.len()).checked_sub(8).map_or(Place::default(), |at| by[at]);
        let mut seen = Seen { data: vec![0.0; degrees.len() * SIDE], degrees };
        seen.data = seen.shown(SIDE, place, picture).unwrap();
        seen
    };
    (0..8).map(array).collect()
}

fn shifted(by: &[f64]) -> Vec<Seen> {
    placed(&by.iter().map(|shift| Place { shift: *shift, turn: 0.0 }).collect::<Vec<_>>())
}

fn turned(by: &[f64]) -> Vec<Seen> {
    placed(&by.iter().map(|turn| Place { shift: 0.0, turn: *turn }).collect::<Vec<_>>())
}

fn shifts(arrays: &[Seen], how: &How) -> Result<Vec<f64>> {
    let places = places(arrays, SIDE, What::Shift, how)?;
    assert!(places.iter().all(|place| place.turn == 0.0));
    Ok(places.iter().map(|place| place.shift).collect())
}

fn turns(arrays: &[Seen], how: &How) -> Result<Vec<f64>> {
    let places = places(arrays, SIDE, What::Rotation, how)?;
    assert!(places.iter().all(|place| place.shift == 0.0));
    Ok(places.iter().map(|place| place.turn).collect())
}

/// The most by which what was found is not `by`, which is that of the last arrays.
fn worst(found: &[f64], by: &[f64]) -> f64 {
    let wanted = |array: usize| (array + by.len()).checked_sub(8).map_or(0.0, |at| by[at]);
    found.iter().enumerate().map(|(array, found)| (found - wanted(array)).abs()).fold(0.0, f64::max)
}

#[test]
fn shifted_detectors_are_found_to_a_tenth_of_an_element() {
    let by = [4.0, -2.5, 0.75];
    let mut arrays = shifted(&by);
    // A line that is not whole tells nothing, and harms nothing.
    arrays[1].data[5] = f32::NAN;
    let found = shifts(&arrays, &how()).unwrap();
    assert!(worst(&found, &by) < 0.1, "{found:?}");
}

#[test]
fn turned_views_are_found_to_a_quarter_of_a_degree_by_flow_and_eigenvector_alike() {
    let by = [9.0, -5.5, 1.25];
    let mut arrays = turned(&by);
    arrays[1].data[5] = f32::NAN;
    let found = turns(&arrays, &how()).unwrap();
    assert!(worst(&found, &by) < 0.25, "{found:?}");
    // Pairs alone, before arrays are held against what others show.
    let (differences, told) = turns_told(&arrays, &[Place::default(); 8], SIDE, 2);
    assert_eq!(told, [0, 1, 2, 3, 4, 5, 6, 7]);
    for angles in [differences.by_flow(1), differences.by_eigenvector(1)] {
        let found = on_a_circle(&angles, turns::CIRCLE);
        assert!(worst(&found, &by) < 1.0, "{found:?}");
    }
}

#[test]
fn shifted_and_turned_arrays_are_found_together() {
    let by = [(4.0, 3.0), (-2.5, 0.0), (0.0, -6.0)].map(|(shift, turn)| Place { shift, turn });
    let found = places(&placed(&by), SIDE, What::Both, &how()).unwrap();
    let shifts: Vec<f64> = found.iter().map(|place| place.shift).collect();
    let turns: Vec<f64> = found.iter().map(|place| place.turn).collect();
    assert!(worst(&shifts, &by.map(|place| place.shift)) < 0.15, "{shifts:?}");
    assert!(worst(&turns, &by.map(|place| place.turn)) < 0.3, "{turns:?}");
}

#[test]
fn where_nothing_is_moved_nothing_moves_whatever_the_seed_and_the_threads() {
    let mut arrays = shifted(&[]);
    // A detector element that is dead in every line.
    for array in &mut arrays {
        array.data.iter_mut().skip(9).step_by(SIDE).for_each(|number| *number = f32::NAN);
    }
    for (of, most) in [(shifts as fn(&[Seen], &How) -> Result<Vec<f64>>, 0.05), (turns, 0.2)] {
        let one = of(&arrays, &How { threads: 1, ..how() }).unwrap();
        assert!(worst(&one, &[]) < most, "{one:?}");
        for seed in 0..6 {
            let found = of(&arrays, &How { seed, ..how() }).unwrap();
            assert!(worst(&found, &[]) < most, "seed {seed}: {found:?}");
        }
        assert_eq!(one, of(&arrays, &how()).unwrap());
    }
}

#[test]
fn views_that_are_turned_too_far_stop_at_the_bound() {
    let found = turns(&turned(&[24.0]), &how()).unwrap();
    assert!((found[7] - MOST_TURN).abs() < 1e-9 && worst(&found[..7], &[]) < 0.5, "{found:?}");
}

#[test]
fn arrays_that_nothing_can_be_held_against_stay_and_none_at_all_is_told() {
    let mut arrays = shifted(&[3.0]);
    arrays[0].data.fill(0.0);
    let found = shifts(&arrays, &how()).unwrap();
    assert!(found[0].abs() < 1e-9 && (found[7] - 3.0).abs() < 0.1, "{found:?}");
    let mut dark = turned(&[3.0]);
    dark[0].data.fill(0.0);
    let found = turns(&dark, &how()).unwrap();
    assert!(found[0].abs() < 1e-9 && (found[7] - 3.0).abs() < 0.25, "{found:?}");
    for (number, array) in arrays.iter_mut().enumerate() {
        array.degrees = vec![number as f64 * 22.0];
        array.data.truncate(SIDE);
    }
    let error = shifts(&arrays, &how()).unwrap_err().to_string();
    assert!(error.contains("near each other") && error.contains("12 degrees"), "{error}");
    // A view alone lies on any curve, and a disc about the middle looks alike from everywhere.
    let ball: Vec<f32> = (0..SIDE * SIDE)
        .map(|at| {
            f32::from(u8::from(libm::hypot((at / SIDE) as f64 - 16.0, (at % SIDE) as f64 - 16.0) < 9.0))
        })
        .collect();
    for arrays in [arrays.clone(), seen(&ball, &[Place { shift: 0.0, turn: 5.0 }])] {
        let error = turns(&arrays, &how()).unwrap_err().to_string();
        assert!(error.contains("how they are turned") && error.contains("8 arrays"), "{error}");
    }
    // Round the circle is near, too.
    arrays[1].degrees = vec![359.0];
    arrays[0].data = arrays[1].data.clone();
    assert!(shifts(&arrays, &how()).is_ok());
}
