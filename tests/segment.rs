//! `napot segment` by the program: labels in files, and what bad input meets.

// Pictures are small: every cast is of a value that fits.
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

#[allow(dead_code)] // not all of it is called here
mod program;

use std::fs;
use std::path::Path;

use napot::format::npy::Array;
use program::{json, napot, refused};

/// A picture file of a grey for each row and column.
fn picture(height: usize, width: usize, grey: impl Fn(usize, usize) -> u8) -> Vec<u8> {
    let mut bytes = format!("P5\n{width} {height}\n255\n").into_bytes();
    bytes.extend((0..height * width).map(|at| grey(at / width, at % width)));
    bytes
}

/// Two squares apart, the first behind a bar that splits it, moved to the right by `moved`, everything `times` as large.
fn squares(times: usize, moved: usize) -> Vec<u8> {
    picture(32 * times, 32 * times, |y, x| {
        let (y, x) = (y / times, (x / times).saturating_sub(moved));
        match (y, x) {
            (7..10, 2..17) => 250,
            (3..14, 4..14) | (18..28, 12..22) => 120,
            _ => 10,
        }
    })
}

/// The label at some places of a file of labels.
fn labels<const N: usize>(file: &Path, at: [(usize, usize); N]) -> [usize; N] {
    let array = Array::from_bytes(file, &fs::read(file).unwrap()).unwrap();
    at.map(|(y, x)| array.values[y * array.shape[1] + x] as usize)
}

#[test]
fn an_object_behind_a_bar_is_one_and_a_large_picture_is_seen_smaller() {
    let folder = tempfile::tempdir().unwrap();
    for (name, times) in [("small", 1), ("large", 5)] {
        fs::write(folder.path().join(format!("{name}.pgm")), squares(times, 0)).unwrap();
        let told = json(&napot(folder.path(), &format!("segment {name}.pgm --out {name} --json")));
        let told = &told["pictures"][0];
        let objects = told["objects"].as_array().unwrap();
        assert_eq!(objects.len(), 3, "{told}");
        assert!(objects.iter().all(|object| object["confidence"].as_f64().unwrap() > 0.8), "{told}");
        assert_eq!(
            told["at"],
            if times == 1 { serde_json::json!([32, 32]) } else { serde_json::json!([64, 64]) }
        );
        let at = |y: usize, x: usize| (y * times + times / 2, x * times + times / 2);
        let file = folder.path().join(name).join(format!("{name}.npy"));
        let [above, below, bar, other, ground] =
            labels(&file, [at(5, 9), at(12, 9), at(8, 9), at(23, 17), at(30, 2)]);
        assert!(above == below && above > 0 && ground == 0, "{above} {below} {ground}");
        assert!(
            bar != above && bar != other && other != above && bar > 0 && other > 0,
            "{above} {bar} {other}"
        );
        let drawn = image::open(folder.path().join(name).join(format!("{name}.png"))).unwrap();
        assert_eq!((drawn.width(), drawn.height()), if times == 1 { (512, 256) } else { (320, 160) });
    }
    let said = napot(folder.path(), "segment large.pgm --out told");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("160 x 160 seen as 64 x 64: 3 objects"), "{said}");
}

#[test]
fn objects_of_a_film_keep_their_labels_and_a_picture_that_tells_nothing_does_not_end_it() {
    let folder = tempfile::tempdir().unwrap();
    let pictures = folder.path().join("film");
    fs::create_dir(&pictures).unwrap();
    for moved in 0..4 {
        fs::write(pictures.join(format!("{moved}.pgm")), squares(1, moved)).unwrap();
    }
    fs::write(pictures.join("9.pgm"), picture(32, 32, |_, _| 7)).unwrap();
    let told = json(&napot(folder.path(), "segment film --out out --json --seed 5"));
    let told = told["pictures"].as_array().unwrap();
    assert_eq!(told.len(), 5);
    let of = |number: usize| {
        let file = folder.path().join("out").join(format!("{number}.npy"));
        labels(&file, [(5, 9), (8, 9), (23, 17)])
    };
    for number in 1..=3 {
        assert_eq!(of(number), of(0), "{told:?}");
    }
    assert!(told[4]["fault"].as_str().unwrap().contains("one value all over"), "{}", told[4]);
    assert!(told[4]["objects"].as_array().unwrap().is_empty());
    // A single picture that tells nothing ends no others either.
    let told = json(&napot(folder.path(), "segment film/9.pgm film/1.pgm --out two --json"));
    let told = told["pictures"].as_array().unwrap();
    assert!(told.len() == 2 && told[0]["fault"].is_string() && told[1]["fault"].is_null(), "{told:?}");
    assert_eq!(told[1]["objects"].as_array().unwrap().len(), 3, "{told:?}");
    assert!(folder.path().join("two").join("9.npy").exists());
    // The same again, to the byte.
    json(&napot(folder.path(), "segment film --out again --json --seed 5"));
    for number in [0, 1, 2, 3, 9] {
        let read = |name: &str| fs::read(folder.path().join(name).join(format!("{number}.npy"))).unwrap();
        assert!(read("out") == read("again"));
    }
}

#[test]
fn as_many_objects_as_are_told_are_found() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.pgm"), squares(1, 0)).unwrap();
    let told = json(&napot(folder.path(), "segment a.pgm --objects 2 --out a --json"));
    assert_eq!(told["pictures"][0]["objects"].as_array().unwrap().len(), 2, "{told}");
}

#[test]
fn bad_input_meets_one_message_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("flat.pgm"), picture(20, 30, |_, _| 99)).unwrap();
    fs::write(path("tiny.pgm"), picture(5, 30, |y, _| y as u8 * 50)).unwrap();
    fs::write(path("strip.pgm"), picture(4, 900, |_, x| (x / 4) as u8)).unwrap();
    fs::write(path("a.pgm"), squares(1, 0)).unwrap();
    fs::write(path("words.txt"), "no picture").unwrap();
    fs::create_dir(path("there")).unwrap();
    let cases: [(&str, &[&str]); 8] = [
        ("segment flat.pgm --out x", &["flat.pgm", "one value all over", "at least 0.02"]),
        ("segment tiny.pgm --out x", &["tiny.pgm", "30 x 5", "8 x 8 to 128 x 128"]),
        ("segment strip.pgm --out x", &["strip.pgm", "64 x 4"]),
        ("segment words.txt --out x", &["words.txt"]),
        ("segment missing.png --out x", &["missing.png"]),
        ("segment a.pgm", &["--out", "a new folder"]),
        ("segment a.pgm --out there", &["--out", "there", "a new folder"]),
        ("segment a.pgm --objects 0 --out x", &["--objects", "1..=32"]),
    ];
    for (words, parts) in cases {
        refused(folder.path(), words, parts);
        assert!(!path("x").exists() && !path("x.part").exists(), "{words}");
    }
}
