//! `napot bind --align=rotation` says how surely turns are told, and which are not: of round bodies under noise.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // small counts, pixels

#[allow(dead_code)] // refusals are judged elsewhere
mod program;

use std::fs;
use std::path::Path;

use napot::binding::phantom::Scene;
use napot::binding::projection::{ParallelBeam, Projection};
use napot::format::npy;
use napot::random::Stream;
use program::{json, napot};

const SIDE: usize = 32;
const ARRAYS: usize = 8;
const VIEWS: usize = 32;
/// Degrees by which the arrays are turned.
const TURNS: [f64; ARRAYS] = [0.0, 6.0, 0.0, -4.0, 0.0, 0.0, 0.0, 0.0];

/// Writes a sinogram of the scene under noise of 5 %, every eighth view an array's.
fn write(folder: &Path, scene: &Scene) {
    let really: Vec<f64> =
        (0..VIEWS).map(|view| 180.0 * view as f64 / VIEWS as f64 + TURNS[view % ARRAYS]).collect();
    let picture: Vec<f32> = scene.picture(SIDE).into_iter().map(|x| x.max(0.0)).collect();
    let mut clean = vec![0.0; VIEWS * SIDE];
    ParallelBeam::new(SIDE, SIDE, &really).unwrap().apply(&picture, &mut clean, 1);
    let rms = (clean.iter().map(|x| f64::from(x * x)).sum::<f64>() / clean.len() as f64).sqrt();
    let mut draws = Stream::new(5, 0);
    let data: Vec<f32> = clean.iter().map(|x| x + (0.05 * rms * draws.normal()) as f32).collect();
    fs::write(folder.join("views.npy"), npy::to_bytes(&[VIEWS, SIDE], &data)).unwrap();
    let assign: Vec<String> = (0..VIEWS).map(|view| (view % ARRAYS).to_string()).collect();
    fs::write(folder.join("assign.txt"), assign.join("\n")).unwrap();
}

const CALL: &str = "bind views.npy --angles 0:180 --assign assign.txt --most 1 --align=rotation";

#[test]
fn a_disc_and_a_nearly_round_ellipse_under_noise_are_said_not_to_tell_and_stay() {
    for ratio in [1.0, 0.95] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &Scene(vec![[0.5, 0.0, 0.0, 11.0, 11.0 * ratio, 0.4]]));
        let told = json(&napot(folder.path(), &format!("{CALL} --json")));
        let undetermined = told["undetermined"].as_array().unwrap();
        assert_eq!(undetermined.len(), ARRAYS, "{told}");
        for (array, one) in undetermined.iter().enumerate() {
            assert_eq!((one["array"].as_u64(), &one["what"]), (Some(array as u64), &"rotation".into()));
            assert!(one["why"].as_str().unwrap().contains("noise"), "{one}");
            assert_eq!(told["rotations"][array].as_f64(), Some(0.0), "{told}");
            assert!(told["rotation_errors"][array].is_null(), "{told}");
        }
        let said = String::from_utf8(napot(folder.path(), CALL).stdout).unwrap();
        assert!(said.contains("arrays 0 1 2 3 4 5 6 7: rotation not determined"), "{said}");
        assert!(said.contains("alike from all sides") && !said.contains("were turned by"), "{said}");
    }
}

#[test]
fn what_tells_its_turns_is_told_with_standard_errors_that_hold() {
    let folder = tempfile::tempdir().unwrap();
    // A skull with what is in it: the large ellipses of Shepp and Logan's phantom, with the contrasts of Toft.
    let half = SIDE as f64 / 2.0 - 1.0;
    let rows = [
        [1.0, 0.69, 0.92, 0.0, 0.0, 0.0],
        [-0.8, 0.6624, 0.874, 0.0, 0.0184, 0.0],
        [-0.2, 0.11, 0.31, 0.22, 0.0, 0.314],
        [-0.2, 0.16, 0.41, -0.22, 0.0, -0.314],
        [0.1, 0.21, 0.25, 0.0, -0.35, 0.0],
        [0.1, 0.046, 0.046, 0.0, -0.1, 0.0],
        [0.1, 0.046, 0.046, 0.0, 0.1, 0.0],
        [0.1, 0.046, 0.023, -0.08, 0.605, 0.0],
        [0.1, 0.023, 0.023, 0.0, 0.606, 0.0],
        [0.1, 0.023, 0.046, 0.06, 0.605, 0.0],
    ];
    let ellipse =
        |[bright, a, b, x, y, turn]: [f64; 6]| [bright, x * half, y * half, a * half, b * half, turn];
    write(folder.path(), &Scene(rows.map(ellipse).to_vec()));
    let told = json(&napot(folder.path(), &format!("{CALL} --json")));
    assert_eq!(told["undetermined"].as_array().unwrap().len(), 0, "{told}");
    assert!(told["shifts"].is_null() && told["shift_errors"].is_null(), "{told}");
    let found = |key: &str| -> Vec<f64> {
        told[key].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
    };
    let (turns, errors) = (found("rotations"), found("rotation_errors"));
    for ((turn, error), truth) in turns.iter().zip(&errors).zip(TURNS) {
        assert!((0.02..1.0).contains(error) && (turn - truth).abs() < 4.0 * error + 0.1, "{told}");
    }
    let said = String::from_utf8(napot(folder.path(), CALL).stdout).unwrap();
    assert!(said.contains("array 1: its views were turned by +") && said.contains(" ± "), "{said}");
    assert!(!said.contains("not determined"), "{said}");
    let both = json(&napot(folder.path(), &format!("{} --json", CALL.replace("rotation", "both"))));
    assert!(both["shift_errors"][0].as_f64().is_some_and(|error| error < 0.5), "{both}");
}
