//! `napot bind` by the program: wholes in files, and what bad input meets.

// Sinograms are small: every cast is of a value that fits.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]

#[allow(dead_code)] // not all of it is called here
mod program;

use std::fs;
use std::path::Path;

use napot::format::npy;
use program::{json, napot, refused};

const SIDE: usize = 24;
const VIEWS: usize = 32;

/// The chords of a disc at column `x`, row `y` from the middle, of radius `r`: its line integrals, in closed form.
fn disc((x, y, r): (f64, f64, f64)) -> impl Fn(usize, f64) -> f32 {
    move |view, detector| {
        let angle = (view as f64 * 180.0 / VIEWS as f64).to_radians();
        let place = detector - (SIDE / 2) as f64 - (x * libm::cos(angle) - y * libm::sin(angle));
        2.0 * libm::sqrt((r * r - place * place).max(0.0)) as f32
    }
}

/// Writes a sinogram, a number by its view and detector.
fn write(path: &Path, number: impl Fn(usize, usize) -> f32) {
    let numbers: Vec<f32> = (0..VIEWS * SIDE).map(|at| number(at / SIDE, at % SIDE)).collect();
    fs::write(path, npy::to_bytes(&[VIEWS, SIDE], &numbers)).unwrap();
}

/// A folder with the sinogram of a disc, `one.npy`, and of two discs that arrays of `assign.txt` see in turn, `two.npy`.
fn scanner() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (one, other) = (disc((0.0, 0.0, 8.0)), disc((2.0, 1.0, 4.0)));
    write(&path("one.npy"), |view, detector| one(view, detector as f64));
    write(&path("two.npy"), |view, detector| {
        if view % 8 < 4 { one(view, detector as f64) } else { other(view, detector as f64) }
    });
    let arrays: Vec<String> = (0..VIEWS).map(|view| (view % 8).to_string()).collect();
    fs::write(path("assign.txt"), format!("# the array of each view\n{}\n", arrays.join("\n"))).unwrap();
    folder
}

#[test]
fn wedges_of_one_world_are_one_whole_however_few_the_steps() {
    let folder = scanner();
    for steps in [1, 5, 20, 39, 40, 100] {
        let call = format!("bind one.npy --angles 0:180 --most 1 --iterations {steps} --json --out x.png");
        let told = json(&napot(folder.path(), &call));
        let wholes = told["wholes"].as_array().unwrap();
        assert_eq!(wholes.len(), 1, "{steps} steps: {told}");
        assert_eq!(wholes[0]["arrays"].as_array().unwrap().len(), 8);
        assert_eq!(wholes[0]["file"], "x.png");
    }
    assert!(folder.path().join("x.png").exists() && !folder.path().join("x-2.png").exists());
}

#[test]
fn two_worlds_are_two_files_and_the_same_for_any_number_of_threads() {
    let folder = scanner();
    let bind = |threads: u32, out: &str| {
        let call = format!(
            "bind two.npy --angles 0:180 --assign assign.txt --most 1 --threads {threads} --out {out} --json"
        );
        json(&napot(folder.path(), &call))
    };
    let told = bind(1, "a.npy");
    let arrays: Vec<Vec<u64>> = told["wholes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|whole| serde_json::from_value(whole["arrays"].clone()).unwrap())
        .collect();
    assert_eq!(arrays, [[0, 1, 2, 3], [4, 5, 6, 7]], "{told}");
    bind(32, "b.npy");
    for (one, other) in [("a.npy", "b.npy"), ("a-2.npy", "b-2.npy")] {
        let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
        assert!(read(one) == read(other), "{one}");
    }
}

#[test]
fn detectors_that_were_shifted_are_found_and_their_arrays_bind() {
    let folder = scanner();
    let discs = [disc((3.0, -2.0, 6.0)), disc((-6.0, 4.0, 2.5))];
    let both = |view: usize, detector: f64| discs.iter().map(|disc| disc(view, detector)).sum::<f32>();
    let shift = |view: usize| [0.0, 0.0, 3.5, 0.0, 0.0, -2.0, 0.0, 0.0][view % 8];
    write(&folder.path().join("moved.npy"), |view, detector| both(view, detector as f64 - shift(view)));
    let call = "bind moved.npy --angles 0:180 --assign assign.txt --most 2 --json";
    let apart = json(&napot(folder.path(), call));
    assert_eq!(apart["wholes"][0]["arrays"].as_array().unwrap().len(), 6, "{apart}");
    assert!(apart["shifts"].is_null());
    let told = json(&napot(folder.path(), &format!("{call} --align")));
    assert_eq!(told["wholes"][0]["arrays"].as_array().unwrap().len(), 8, "{told}");
    for array in 0..8 {
        let found = told["shifts"][array].as_f64().unwrap();
        assert!((found - shift(array)).abs() < 0.15, "array {array}: {found}, not {}", shift(array));
    }
}

#[test]
fn views_that_are_too_few_tell_more_with_networks_that_know_how_pictures_look() {
    let folder = scanner();
    let disc = disc((0.0, 0.0, 8.0));
    write(
        &folder.path().join("few.npy"),
        |view, detector| if view % 8 == 0 { disc(view, detector as f64) } else { f32::NAN },
    );
    let inside = |at: usize| {
        let place = |at: usize, part: usize| at as f64 - 12.0 + (part as f64 + 0.5) / 8.0 - 0.5;
        let hit = |part: &usize| libm::hypot(place(at / SIDE, part / 8), place(at % SIDE, part % 8)) < 8.0;
        (0..64).filter(hit).count() as f32 / 64.0
    };
    let truth: Vec<f32> = (0..SIDE * SIDE).map(inside).collect();
    fs::write(folder.path().join("truth.npy"), npy::to_bytes(&[SIDE, SIDE], &truth)).unwrap();
    let call = "bind few.npy --angles 0:180 --arrays 4 --most 1 --truth truth.npy --json";
    let psnr = |more: &str| {
        let told = json(&napot(folder.path(), &format!("{call} {more}")));
        told["wholes"][0]["psnr"].as_f64().unwrap()
    };
    let (without, with) = (psnr("--iterations 400"), psnr("--with trained"));
    assert!(with > without, "{with} dB, and {without} without");
}

#[test]
fn bad_input_meets_one_message_and_nothing_is_overwritten() {
    let folder = scanner();
    let path = |name: &str| folder.path().join(name);
    let disc = disc((0.0, 0.0, 8.0));
    write(
        &path("huge.npy"),
        |view, detector| if (view, detector) == (3, 5) { 3e38 } else { disc(view, detector as f64) },
    );
    write(&path("blind.npy"), |view, detector| if view < 4 { f32::NAN } else { disc(view, detector as f64) });
    write(&path("dark.npy"), |_, _| 0.0);
    let draws = |view: usize, detector: usize| {
        (napot::random::philox4x32([view as u32, detector as u32, 0, 0], [3, 4])[0] >> 8) as f32 / 1e6
    };
    write(&path("noise.npy"), draws);
    fs::write(path("nan-truth.npy"), npy::to_bytes(&[SIDE, SIDE], &[f32::NAN; SIDE * SIDE])).unwrap();
    fs::write(path("dark-truth.npy"), npy::to_bytes(&[SIDE, SIDE], &[0.0; SIDE * SIDE])).unwrap();
    fs::write(path("cube.npy"), npy::to_bytes(&[2, 3, 4], &[0.0; 24])).unwrap();
    fs::write(path("line.npy"), npy::to_bytes(&[1, SIDE], &[1.0; SIDE])).unwrap();
    fs::write(path("cut.npy"), &fs::read(path("one.npy")).unwrap()[..100]).unwrap();
    fs::write(path("few.txt"), "0 1 2").unwrap();
    fs::write(path("letters.txt"), "0 ten 20").unwrap();
    fs::write(path("none.txt"), "# nothing\n").unwrap();
    fs::write(
        path("gap.txt"),
        (0..VIEWS).map(|view| if view % 2 == 0 { "0 " } else { "2 " }).collect::<String>(),
    )
    .unwrap();
    fs::copy(path("two.npy"), path("two-2.npy")).unwrap();
    let before = fs::read(path("one.npy")).unwrap();
    for (words, parts) in [
        ("one.npy --angles 0:180 --out one.npy", &["--out", "one.npy", "is read"][..]),
        ("one.npy --angles 0:180 --out absent/x.png", &["--out", "no such folder", "absent"]),
        ("one.npy --angles 0:180 --out x.tiff", &["--out", "x.tiff", "x.npy"]),
        ("huge.npy --angles 0:180", &["huge.npy", "row 3, column 5", "too large", "1e15"]),
        ("blind.npy --angles 0:180", &["blind.npy", "array 0", "rows 0, 1, 2, 3", "sees nothing"]),
        ("noise.npy --angles 0:180", &["noise.npy", "contradict", "allowed"]),
        ("cube.npy --angles 0:180", &["cube.npy", "[2, 3, 4]", "two axes"]),
        ("line.npy --angles 0:180", &["--arrays", "one view"]),
        ("cut.npy --angles 0:180", &["cut.npy", "header", "100"]),
        ("one.npy --angles few.txt", &["one.npy", "32", "few.txt"]),
        ("one.npy --angles letters.txt", &["letters.txt", "word 1", "ten"]),
        ("one.npy --angles none.txt", &["none.txt", "no angle"]),
        ("one.npy --angles 0:0", &["--angles", "the same angle", "rows 0 and 1"]),
        ("one.npy --angles 0;180", &["0;180", "FROM:TO"]),
        ("one.npy --angles 0:180 --arrays 1", &["--arrays", "one array alone"]),
        ("one.npy --angles 0:180 --arrays 257", &["--arrays", "257", "2 to 32"]),
        ("one.npy --angles 0:180 --assign gap.txt", &["gap.txt", "array 1", "sees nothing"]),
        ("one.npy --angles 0:180 --truth nan-truth.npy", &["nan-truth.npy", "row 0, column 0", "NaN"]),
        ("one.npy --angles 0:180 --truth dark-truth.npy", &["dark-truth.npy", "dark"]),
        ("one.npy --angles 0:180 --truth two.npy", &["two.npy", "24 x 32", "24 x 24"]),
        ("one.npy --angles 0:180 --most 0", &["--most", "above 0"]),
        ("one.npy --angles 0:180 --most inf", &["--most", "above 0"]),
        ("one.npy --angles 0:180 --coupling 2", &["--coupling", "0 to 1"]),
        ("one.npy --angles 0:180 --sigma -1", &["--sigma", "0 or more"]),
        ("one.npy --angles 0:180 --with memory", &["--memory"]),
        ("one.npy --angles 0:180 --memory one.npy", &["one.npy"]),
        ("one.npy --angles 0:180 --with trained --iterations 80", &["--iterations", "80", "81"]),
        ("one.npy --angles 0:180 --memory one.npy --turned", &["--turned", "no effect", "memory"]),
        ("two-2.npy --angles 0:180 --out two.npy", &["--out", "two-2.npy", "is read"]),
    ] {
        refused(folder.path(), &format!("bind {words}"), parts);
    }
    assert!(fs::read(path("one.npy")).unwrap() == before);
    assert!(napot(folder.path(), "bind dark.npy --angles 0:180").status.code().is_some());
}
