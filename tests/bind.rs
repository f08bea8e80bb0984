//! `napot bind` by the program: wholes in files, and what bad input meets.

// Sinograms are small: every cast is of a value that fits.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]

#[allow(dead_code)] // not all of it is called here
mod program;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use napot::format::{npy, tiff};
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

/// The arrays of each whole that a call told of.
fn arrays(told: &serde_json::Value) -> Vec<Vec<u64>> {
    let wholes = told["wholes"].as_array().unwrap();
    wholes.iter().map(|whole| serde_json::from_value(whole["arrays"].clone()).unwrap()).collect()
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
    // What an earlier call left is none of its wholes.
    fs::write(folder.path().join("x-2.png"), "").unwrap();
    let again = napot(folder.path(), "bind one.npy --angles 0:180 --most 1 --iterations 5 --out x.png");
    assert!(program::said(&again).contains("x-2.png is not of this call"), "{}", program::said(&again));
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
    assert_eq!(arrays(&told), [[0, 1, 2, 3], [4, 5, 6, 7]], "{told}");
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
    assert_eq!(arrays(&apart)[0].len(), 6, "{apart}");
    assert!(apart["shifts"].is_null());
    let told = json(&napot(folder.path(), &format!("{call} --align")));
    assert_eq!(arrays(&told)[0].len(), 8, "{told}");
    for array in 0..8 {
        let found = told["shifts"][array].as_f64().unwrap();
        assert!((found - shift(array)).abs() < 0.15, "array {array}: {found}, not {}", shift(array));
    }
}

#[test]
fn views_that_were_turned_are_found_and_their_arrays_bind() {
    let folder = scanner();
    let turn = |view: usize| [0.0, 0.0, 7.5, 0.0, 0.0, -4.0, 0.0, 0.0][view % 8];
    let discs = [(3.0, -2.0, 6.0), (-6.0, 4.0, 2.5)];
    let number = |view: usize, detector: usize| {
        let angle: f64 = (view as f64 * 180.0 / VIEWS as f64 + turn(view)).to_radians();
        let chord = |(x, y, r): (f64, f64, f64)| {
            let place = detector as f64 - (SIDE / 2) as f64 - (x * libm::cos(angle) - y * libm::sin(angle));
            2.0 * libm::sqrt((r * r - place * place).max(0.0)) as f32
        };
        discs.into_iter().map(chord).sum::<f32>()
    };
    write(&folder.path().join("turned.npy"), number);
    let call = "bind turned.npy --angles 0:180 --assign assign.txt --most 2";
    let apart = json(&napot(folder.path(), &format!("{call} --json")));
    assert!(apart["rotations"].is_null(), "{apart}");
    let confidence = |told: &serde_json::Value| told["wholes"][0]["confidence"].as_f64().unwrap();
    for (what, shifts) in [("rotation", false), ("both", true)] {
        let told = json(&napot(folder.path(), &format!("{call} --align={what} --json")));
        assert_eq!(arrays(&told)[0].len(), 8, "{told}");
        assert!(confidence(&told) > confidence(&apart) + 0.05, "{told}, not {apart}");
        assert_eq!(told["shifts"].is_array(), shifts);
        for array in 0..8 {
            let found = told["rotations"][array].as_f64().unwrap();
            assert!((found - turn(array)).abs() < 1.0, "{what}, array {array}: {told}");
        }
    }
    let told = napot(folder.path(), &format!("{call} --align=rotation"));
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(text.contains("array 2: its views were turned by +7.") && !text.contains("elements"), "{text}");
    // What is meant without a word is still shifts.
    let told = json(&napot(folder.path(), &format!("{call} --align --json")));
    assert!(told["shifts"].is_array() && told["rotations"].is_null(), "{told}");
    refused(folder.path(), &format!("{call} --align=tilt"), &["--align", "tilt", "shift, rotation, both"]);
    // Turned further than is looked for: said, and not bound with the others.
    write(&folder.path().join("far.npy"), |view, detector| {
        number(if view % 8 == 2 { (view + 4) % VIEWS } else { view }, detector)
    });
    let far =
        napot(folder.path(), "bind far.npy --angles 0:180 --assign assign.txt --most 2 --align=rotation");
    let said = program::said(&far);
    assert!(said.contains("array 2") && said.contains("15 degrees or more"), "{said}");
}

/// Row `row`, column `column` of a picture of `SIDE` x `SIDE` with a bright disc and a dim one.
fn pixel(row: usize, column: usize) -> f32 {
    let near = |y: f64, x: f64, r: f64| libm::hypot(row as f64 - y, column as f64 - x) < r;
    0.2 + 0.6 * f32::from(u8::from(near(9.0, 9.0, 5.0))) + 0.3 * f32::from(u8::from(near(16.0, 15.0, 6.0)))
}

#[test]
fn a_tilt_series_becomes_a_volume_in_either_format_with_a_curve() {
    let folder = scanner();
    let path = |name: &str| folder.path().join(name);
    let slices = [disc((0.0, 0.0, 8.0)), disc((2.0, 1.0, 4.0)), disc((-3.0, 2.0, 5.0))];
    let numbers: Vec<f32> =
        (0..VIEWS * 3 * SIDE).map(|at| slices[at / SIDE % 3](at / SIDE / 3, (at % SIDE) as f64)).collect();
    fs::write(path("tilts.npy"), npy::to_bytes(&[VIEWS, 3, SIDE], &numbers)).unwrap();
    fs::write(path("tilts.tif"), tiff::to_bytes((3, SIDE), &numbers).unwrap()).unwrap();
    let call = "--angles 0:180 --most 1 --json";
    let told = json(&napot(folder.path(), &format!("bind tilts.npy {call} --out v.tif --curve c.png")));
    assert_eq!(arrays(&told)[0].len(), 8, "{told}");
    napot(folder.path(), &format!("bind tilts.tif {call} --out v.npy --threads 3"));
    let of = |file: &str| fs::read(path(file)).unwrap();
    let volume = tiff::from_bytes(Path::new("v.tif"), &of("v.tif")).unwrap();
    assert_eq!(volume.shape, [3, SIDE, SIDE]);
    assert_eq!(volume, npy::Array::from_bytes(Path::new("v.npy"), &of("v.npy")).unwrap());
    // Each slice is its own sinogram's picture.
    write(&path("slice.npy"), |view, detector| slices[1](view, detector as f64));
    fs::write(
        path("v-1.npy"),
        npy::to_bytes(&[SIDE, SIDE], &single(&volume.values[SIDE * SIDE..][..SIDE * SIDE])),
    )
    .unwrap();
    let told = json(&napot(folder.path(), &format!("bind slice.npy {call} --truth v-1.npy")));
    // None where they are equal.
    assert!(told["wholes"][0]["psnr"].as_f64().is_none_or(|psnr| psnr > 60.0), "{told}");
    assert!(of("c.png").starts_with(b"\x89PNG"));
    refused(folder.path(), "bind tilts.npy --angles 0:180 --out v.png", &["--out", "volume", "x.tif"]);
    refused(folder.path(), "bind tilts.npy --angles 0:180 --align", &["--align", "one slice", "3"]);
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|x| *x as f32).collect()
}

#[test]
fn pictures_of_parts_bind_into_one_and_those_of_another_scene_stay_out() {
    let folder = scanner();
    let path = |name: &str| folder.path().join(name);
    let truth: Vec<f32> = (0..SIDE * SIDE).map(|at| pixel(at / SIDE, at % SIDE)).collect();
    fs::write(path("truth.npy"), npy::to_bytes(&[SIDE, SIDE], &truth)).unwrap();
    let mut list = String::from("# where each lies\n");
    for (at, corner) in [(0, 0), (0, 12), (12, 0), (12, 12), (6, 6)].into_iter().enumerate() {
        // The last one is of another scene.
        let part = (0..144).map(|place| {
            let (row, column) = (corner.0 + place / 12, corner.1 + place % 12);
            if at == 4 { pixel(SIDE - 1 - row, (column + 11) % SIDE) } else { pixel(row, column) }
        });
        let (name, part) = (format!("part-{at}.npy"), part.collect::<Vec<f32>>());
        fs::write(path(&name), npy::to_bytes(&[12, 12], &part)).unwrap();
        let bytes = tiff::to_bytes((12, 12), &bright(&part)).unwrap();
        fs::write(path(&format!("part-{at}.tif")), bytes).unwrap();
        writeln!(list, "{name} {} {}", corner.0, corner.1).unwrap();
    }
    // What ties the four, which do not overlap: the whole, blurred, every second pixel.
    let tap = |away: f64| libm::exp(-0.5 * away * away);
    let blurred = |at: usize| {
        let (row, column) = (2.0 * (at / 12) as f64 + 0.5, 2.0 * (at % 12) as f64 + 0.5);
        let (mut sum, mut all) = (0.0, 0.0);
        for place in -8..=32i32 {
            all += tap(f64::from(place) - row.floor() - 0.5);
        }
        for (place, value) in truth.iter().enumerate() {
            let weight = tap((place / SIDE) as f64 - row) * tap((place % SIDE) as f64 - column);
            sum += weight * f64::from(*value);
        }
        (sum / (all * all)) as f32
    };
    let coarse: Vec<f32> = (0..144).map(blurred).collect();
    fs::write(path("coarse.npy"), npy::to_bytes(&[12, 12], &coarse)).unwrap();
    fs::write(path("coarse.tif"), tiff::to_bytes((12, 12), &bright(&coarse)).unwrap()).unwrap();
    list += "coarse.npy 0.5 0.5 2 1\n";
    fs::write(path("list.txt"), &list).unwrap();
    let told = json(&napot(folder.path(), "bind list.txt --truth truth.npy --out whole.png --json"));
    assert_eq!(arrays(&told)[0], [0, 1, 2, 3, 5], "{told}");
    let of = |told: &serde_json::Value| told["wholes"][0]["psnr"].as_f64().unwrap();
    assert!(of(&told) > 30.0, "{told}");
    let plain = json(&napot(folder.path(), "bind list.txt --truth truth.npy --way plain --json"));
    assert!(of(&plain) < of(&told) - 5.0, "{plain}");
    // Numbers of another range have no bound of 1, and what is none of them is told.
    fs::write(path("bright.txt"), list.replace(".npy", ".tif")).unwrap();
    let told = json(&napot(folder.path(), "bind bright.txt --json"));
    assert_eq!(arrays(&told)[0], [0, 1, 2, 3, 5], "{told}");
    let mut part = vec![f32::NAN; 3];
    part.extend([0.5; 13]);
    fs::write(path("holes.npy"), npy::to_bytes(&[4, 4], &part)).unwrap();
    fs::write(path("whole.npy"), npy::to_bytes(&[4, 4], &[0.5; 16])).unwrap();
    fs::write(path("holes.txt"), "holes.npy 0 0\nwhole.npy 0 0\nwhole.npy 1 1\n").unwrap();
    let said = program::said(&napot(folder.path(), "bind holes.txt"));
    assert!(said.contains("holes.txt: 3 numbers are not finite"), "{said}");
}

/// The same with 16 bits.
fn bright(part: &[f32]) -> Vec<f32> {
    part.iter().map(|x| (65_535.0 * x).round()).collect()
}

/// Writes eight cameras about a ball of density 1 and radius 0.5, a second ball being what three of them see; as a `transforms.json`.
fn cameras(folder: &Path, strays: i32) {
    let (pixels, focal, away) = (24usize, 40.0, 4.0);
    let mut frames = Vec::new();
    for camera in 0..8 {
        let (turn, tilt) = (0.8 * f64::from(camera), 0.5 * libm::sin(1.7 * f64::from(camera)));
        let back = [libm::cos(tilt) * libm::sin(turn), libm::sin(tilt), libm::cos(tilt) * libm::cos(turn)];
        let right = [libm::cos(turn), 0.0, -libm::sin(turn)];
        let up = [
            back[1] * right[2] - back[2] * right[1],
            back[2] * right[0] - back[0] * right[2],
            back[0] * right[1] - back[1] * right[0],
        ];
        let place = back.map(|x| away * x);
        let middle: [f64; 3] = if camera < strays { [0.35, 0.3, -0.2] } else { [-0.1, 0.15, 0.1] };
        // A ray's chord: twice the root of what the squared radius is more than its squared distance.
        let chord = |at: usize| {
            let [x, y] = [(at % pixels) as f64 - 11.5, 11.5 - (at / pixels) as f64].map(|x| x / focal);
            let ray = [0, 1, 2].map(|axis| x * right[axis] + y * up[axis] - back[axis]);
            let length = libm::sqrt(ray.iter().map(|x| x * x).sum());
            let to = [0, 1, 2].map(|axis| middle[axis] - place[axis]);
            let along = to.iter().zip(ray).map(|(x, y)| x * y).sum::<f64>() / length;
            let beside = to.iter().map(|x| x * x).sum::<f64>() - along * along;
            2.0 * libm::sqrt((0.25 - beside).max(0.0)) as f32
        };
        let numbers: Vec<f32> = (0..pixels * pixels).map(chord).collect();
        fs::write(folder.join(format!("ray-{camera}.npy")), npy::to_bytes(&[pixels, pixels], &numbers))
            .unwrap();
        let rows = [0, 1, 2].map(|row| [right[row], up[row], back[row], place[row]].to_vec());
        frames
            .push(serde_json::json!({ "file_path": format!("ray-{camera}.npy"), "transform_matrix": rows }));
    }
    let told = serde_json::json!({ "fl_x": focal, "frames": frames });
    fs::write(folder.join("transforms.json"), told.to_string()).unwrap();
}

#[test]
fn cameras_about_a_ball_bind_into_a_volume_and_those_that_see_another_do_not() {
    let folder = scanner();
    let side = 20;
    let inside = |middle: [f64; 3]| {
        let density = move |at: usize| {
            let place = |at: usize| (at as f64 + 0.5) / side as f64 * 2.0 - 1.0;
            let [x, y, z] = [at % side, at / side % side, at / side / side].map(place);
            let away =
                libm::sqrt((x - middle[0]).powi(2) + (y - middle[1]).powi(2) + (z - middle[2]).powi(2));
            (((0.5 - away) / 0.1 + 0.5) as f32).clamp(0.0, 1.0)
        };
        (0..side * side * side).map(density).collect::<Vec<f32>>()
    };
    let truth = npy::to_bytes(&[side; 3], &inside([-0.1, 0.15, 0.1]));
    fs::write(folder.path().join("truth.npy"), truth).unwrap();
    let call = "bind transforms.json --side 20 --most 1 --truth truth.npy --json";
    cameras(folder.path(), 0);
    let told = json(&napot(folder.path(), &format!("{call} --out ball.tif")));
    assert_eq!(arrays(&told)[0].len(), 8, "{told}");
    assert!(told["wholes"][0]["psnr"].as_f64().unwrap() > 18.0, "{told}");
    cameras(folder.path(), 3);
    let told = json(&napot(folder.path(), call));
    assert_eq!(arrays(&told), [vec![3, 4, 5, 6, 7], vec![0, 1, 2]], "{told}");
    let text = fs::read_to_string(folder.path().join("transforms.json")).unwrap();
    // What is said of each camera counts, and not what is said of all.
    let own = text.replace("\"file_path\"", "\"fl_x\":40.0,\"w\":24,\"k1\":0,\"file_path\"");
    let own = own.replacen("\"fl_x\":40.0", "\"fl_x\":9.0,\"fl_y\":9.0", 1);
    assert!(own.starts_with("{\"fl_x\":9.0"), "{own}");
    fs::write(folder.path().join("own.json"), own).unwrap();
    assert_eq!(arrays(&json(&napot(folder.path(), &call.replace("transforms", "own")))), arrays(&told));
    let bad = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        fs::write(folder.path().join("bad.json"), text.replacen(from, to, 1)).unwrap();
    };
    // One that looks away sees nothing; the others bind on.
    bad("1.0,4.0]", "1.0,-4.0]");
    let away = napot(folder.path(), &call.replace("transforms", "bad"));
    assert_eq!(arrays(&json(&away))[0], [3, 4, 5, 6, 7]);
    let said = program::said(&away);
    for part in ["array 0, ray-0.npy", "sees nothing", "none of its rays", "`--extent`"] {
        assert!(said.contains(part), "{said}");
    }
    for (from, to, parts) in [
        ("\"fl_x\":40.0", "\"fl\":40.0", &["bad.json", "how wide", "camera_angle_x"][..]),
        ("\"fl_x\":40.0", "\"fl_x\":-1.0", &["bad.json", "frame 0", "focal", "above 0"]),
        ("\"fl_x\":40.0", "\"fl_x\":40.0,\"fl_y\":50.0", &["bad.json", "not square", "50"]),
        ("ray-0.npy", "absent.npy", &["absent.npy"]),
        ("frames", "views", &["bad.json", "transforms.json", "frames"]),
        ("[[1.0,", "[[1.5,", &["bad.json: pose, at frame 0: its axes are no rotation: ", "right-handed"]),
        ("\"fl_x\":40.0", "\"fl_x\":40.0,\"p2\":0.1", &["bad.json", "lenses that bend", "p2 = 0.1"]),
        ("\"file_path\"", "\"h\":25,\"file_path\"", &["frame 0", "another size", "24 (allowed: 25, as `h`"]),
        ("\"file_path\"", "\"fl_x\":-2,\"file_path\"", &["bad.json: focal, at frame 0", "-2"]),
        ("[[1.0,", "[[", &["bad.json", "frame 0", "no pose", "4 numbers"]),
    ] {
        bad(from, to);
        refused(folder.path(), "bind bad.json", parts);
    }
    refused(folder.path(), "bind transforms.json --angles 0:180", &["--angles", "no effect", "sinogram"]);
    refused(folder.path(), "bind one.npy --angles 0:180 --side 8", &["--side", "no effect", "cameras"]);
    refused(folder.path(), "bind transforms.json --extent 0", &["--extent", "above 0"]);
    refused(folder.path(), "bind transforms.json --side 407", &["--side", "407", "1..=406"]);
    refused(folder.path(), "bind transforms.json --side 300", &["8 of 300 x 300 x 300", "`--side 256`"]);
}

#[test]
fn lists_of_pictures_that_say_nothing_are_refused_by_their_line() {
    let folder = scanner();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("part.npy"), npy::to_bytes(&[4, 4], &[0.5; 16])).unwrap();
    fs::write(path("cube.npy"), npy::to_bytes(&[2, 3, 4], &[0.5; 24])).unwrap();
    fs::write(path("blind.npy"), npy::to_bytes(&[4, 4], &[f32::NAN; 16])).unwrap();
    let before = fs::read(path("part.npy")).unwrap();
    for (list, more, parts) in [
        ("part.npy 0 0\npart.npy 0", "", &["list.txt", "line 2", "2", "FILE ROW COLUMN"][..]),
        ("part.npy 0 0\npart.npy 0 x", "", &["list.txt", "line 2", "no number", "x"]),
        ("part.npy 0 0\npart.npy -1 0", "", &["list.txt: row, at line 2: it is out of range", ": -1 (al"]),
        ("part.npy 0 0\npart.npy 0 0 1 0.1", "", &["list.txt", "line 2", "blur", "0.3 to 64"]),
        ("part.npy 0 0", "", &["list.txt", "one picture alone", "2 to 256"]),
        ("# none", "", &["list.txt", "2 to 256"]),
        ("part.npy 0 0\npart.npy 0 200", "", &["list.txt", "no two", "of the same", "2 arrays", "places"]),
        ("part.npy 0 0\npart.npy 9000 0", "", &["list.txt", "too large", "9004", "4096"]),
        ("part.npy 0 0\nabsent.npy 0 0", "", &["absent.npy"]),
        ("part.npy 0 0\ncube.npy 0 0", "", &["cube.npy", "several", "2"]),
        ("part.npy 0 0\nblind.npy 0 0", "", &["list.txt", "array 1", "blind.npy", "sees nothing"]),
        ("part.npy 0 0\npart.npy 1 1", "--angles 0:180", &["--angles", "no effect"]),
        ("part.npy 0 0\npart.npy 1 1", "--arrays 4", &["--arrays", "no effect"]),
        ("part.npy 0 0\npart.npy 1 1", "--out part.npy", &["--out", "part.npy", "is read"]),
        ("part.npy 0 0\npart.npy 1 1", "--curve x.npy", &["--curve", "x.npy", "x.png"]),
        (
            "part.npy 0 0\npart.npy 1 1",
            "--out y.png --curve y-2.png",
            &["--curve", "y-2.png", "a whole is written"],
        ),
    ] {
        fs::write(path("list.txt"), list).unwrap();
        refused(folder.path(), &format!("bind list.txt {more}"), parts);
    }
    assert!(fs::read(path("part.npy")).unwrap() == before);
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
    fs::write(path("four.npy"), npy::to_bytes(&[2, 2, 2, 2], &[0.0; 16])).unwrap();
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
    // An array that sees nothing is said, and the rest binds on.
    let rest = napot(folder.path(), "bind blind.npy --angles 0:180 --most 1 --json");
    assert_eq!(arrays(&json(&rest)), [[1, 2, 3, 4, 5, 6, 7]]);
    let said = program::said(&rest);
    assert!(said.contains("left out: blind.npy, at array 0, rows 0, 1, 2, 3: the array sees"), "{said}");
    // So is an angle that was measured twice: arrays that see from the same angles bind.
    let twice: Vec<String> = (0..VIEWS).map(|view| (view % 16 * 11).to_string()).collect();
    fs::write(path("twice.txt"), twice.join(" ")).unwrap();
    fs::write(path("halves.txt"), "0 ".repeat(VIEWS / 2) + &"1 ".repeat(VIEWS / 2)).unwrap();
    let both = napot(folder.path(), "bind one.npy --angles twice.txt --assign halves.txt --most 1 --json");
    assert_eq!(arrays(&json(&both)), [[0, 1]]);
    assert!(program::said(&both).contains("twice.txt: rows 0 and 16 have the same angle: both count"));
    let before = fs::read(path("one.npy")).unwrap();
    for (words, parts) in [
        ("one.npy --angles 0:180 --out one.npy", &["--out", "one.npy", "is read"][..]),
        ("one.npy --angles 0:180 --out absent/x.png", &["--out", "no such folder", "absent"]),
        ("one.npy --angles 0:180 --out x.jpg", &["--out", "x.jpg", "x.npy"]),
        ("one.npy", &["--angles", "FROM:TO"]),
        ("one.mp4 --angles 0:180", &["one.mp4", "nothing that arrays can see", "NAME.tif"]),
        ("huge.npy --angles 0:180", &["huge.npy", "row 3, column 5", "too large", "1e15"]),
        ("noise.npy --angles 0:180", &["noise.npy", "contradict", "allowed"]),
        ("four.npy --angles 0:180", &["four.npy", "[2, 2, 2, 2]", "views x detectors"]),
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
        ("one.npy --angles 0:180 --truth two.npy", &["two.npy", "32 x 24", "24 x 24"]),
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
