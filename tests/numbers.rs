//! Pictures of numbers, as microscopes and NumPy have them: restored in their own units, learned from, and what bad ones meet.

// Pictures are small: every cast is of a value that fits.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]

mod program;

use std::fs;
use std::path::Path;

use napot::format::{npy, tiff};
use program::{json, napot, refused, said};

const SIDE: usize = 32;
/// What is white: a camera of twelve bits.
const WHITE: f32 = 4_095.0;

/// Counts of a camera: blocks, a little different on each page.
fn counts(page: usize, at: usize) -> f32 {
    let (y, x) = (at / SIDE, at % SIDE);
    [600.0, 1_800.0, 3_000.0][(y / 8 + (x + 3 * page) / 6) % 3]
}

/// Noise of σ = 0.3 of the range: what no eight bits would hold.
fn noise(page: usize, at: usize) -> f32 {
    let words = napot::random::philox4x32([at as u32, page as u32, 0, 0], [1, 2]);
    let sum: f64 = words.iter().map(|word| f64::from(*word) / f64::from(u32::MAX) - 0.5).sum();
    // The variance of a sum of four even draws is a third.
    0.3 * WHITE * (sum * 3f64.sqrt()) as f32
}

fn pages(count: usize, of: impl Fn(usize, usize) -> f32) -> Vec<f32> {
    (0..count).flat_map(|page| (0..SIDE * SIDE).map(|at| of(page, at)).collect::<Vec<f32>>()).collect()
}

/// A folder with a stack of two pages, what noise made of it, and a memory of others like them.
fn studio() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).unwrap();
    let stack = |values: &[f32]| npy::to_bytes(&[2, SIDE, SIDE], values);
    write("truth.npy", stack(&pages(2, counts)));
    write("noisy.npy", stack(&pages(2, |page, at| counts(page, at) + noise(page, at))));
    write("others.tif", tiff::to_bytes((SIDE, SIDE), &pages(2, |page, at| counts(page + 1, at))).unwrap());
    let learned =
        json(&napot(folder.path(), "memory learn others.tif --range 0:4095 --memory m.safetensors --json"));
    assert!(learned["learned"]["written"].as_u64() > Some(10), "{learned}");
    folder
}

fn values(path: &Path) -> npy::Array {
    let bytes = fs::read(path).unwrap();
    if path.extension().unwrap() == "npy" {
        npy::Array::from_bytes(path, &bytes).unwrap()
    } else {
        tiff::from_bytes(path, &bytes).unwrap()
    }
}

#[test]
fn every_page_of_a_stack_is_restored_in_its_own_units_and_a_picture_is_the_first() {
    let studio = studio();
    let path = |name: &str| studio.path().join(name);
    let call = "render denoise noisy.npy --sigma 0.3 --range 0:4095 --memory m.safetensors --truth truth.npy";
    for out in ["clean.npy", "clean.tif"] {
        let told = json(&napot(studio.path(), &format!("{call} --out {out} --json")));
        assert_eq!((told["frames"].as_u64(), told["range"]["white"].as_f64()), (Some(2), Some(4_095.0)));
        let found = values(&path(out));
        assert_eq!(found.shape, [2, SIDE, SIDE], "{out}");
        let square = |of: &[f64]| -> f64 {
            let truth = pages(2, counts);
            of.iter().zip(&truth).map(|(x, y)| (x - f64::from(*y)).powi(2)).sum::<f64>() / truth.len() as f64
        };
        let (left, before) = (square(&found.values), square(&values(&path("noisy.npy")).values));
        assert!(left < 0.2 * before, "{out}: a variance of {left} is left of {before}");
        // The same as the program tells, whose peak is white.
        let peak = f64::from(WHITE * WHITE);
        let of_page = |page: usize| {
            let own = page * SIDE * SIDE..(page + 1) * SIDE * SIDE;
            let truth = &pages(2, counts)[own.clone()];
            let sum: f64 =
                found.values[own].iter().zip(truth).map(|(x, y)| (x - f64::from(*y)).powi(2)).sum();
            10.0 * (peak * truth.len() as f64 / sum).log10()
        };
        let psnr = told["likeness"]["psnr_db"].as_f64().unwrap();
        assert!((psnr - 0.5 * (of_page(0) + of_page(1))).abs() < 0.01, "{out}: {psnr}");
    }
    let first = fs::read(path("truth.npy")).unwrap();
    let first = npy::Array::from_bytes(Path::new("truth.npy"), &first).unwrap();
    let one: Vec<f32> = first.values[..SIDE * SIDE].iter().map(|x| *x as f32).collect();
    fs::write(path("one.npy"), npy::to_bytes(&[SIDE, SIDE], &one)).unwrap();
    let told =
        json(&napot(studio.path(), &format!("{} --out x.png --json", call.replace("truth.npy", "one.npy"))));
    assert!(told["frames"].is_null() && told["likeness"]["psnr_db"].as_f64() > Some(18.0), "{told}");
}

#[test]
fn holes_may_be_told_by_numbers_and_enlarged_pages_are_larger() {
    let studio = studio();
    let path = |name: &str| studio.path().join(name);
    let hole = |at: usize| (12..18).contains(&(at / SIDE)) && (10..18).contains(&(at % SIDE));
    let mask: Vec<f32> = (0..SIDE * SIDE).map(|at| f32::from(u8::from(hole(at)))).collect();
    fs::write(path("mask.npy"), npy::to_bytes(&[SIDE, SIDE], &mask)).unwrap();
    let call =
        "render inpaint truth.npy --mask mask.npy --range 0:4095 --memory m.safetensors --out filled.tif";
    let done = napot(studio.path(), call);
    assert!(done.status.success(), "{}", said(&done));
    let (found, truth) = (values(&path("filled.tif")).values, values(&path("truth.npy")).values);
    for (at, (found, truth)) in found.iter().zip(&truth).enumerate() {
        let same = (found - truth).abs() < 0.01;
        assert!(same || hole(at % (SIDE * SIDE)), "pixel {at}, which is known: {found} of {truth}");
    }
    let call = "render super-resolve truth.npy --range 0:4095 --out large.npy --json";
    let told = json(&napot(studio.path(), call));
    assert_eq!((told["width"].as_u64(), told["frames"].as_u64()), (Some(2 * SIDE as u64), Some(2)));
    assert_eq!(values(&path("large.npy")).shape, [2, 2 * SIDE, 2 * SIDE]);
}

#[test]
fn what_is_wrong_with_numbers_is_named_and_nothing_is_written() {
    let studio = studio();
    let path = |name: &str| studio.path().join(name);
    let spoilt = pages(2, |page, at| if (page, at) == (1, 33) { f32::NAN } else { 0.5 });
    fs::write(path("spoilt.npy"), npy::to_bytes(&[2, SIDE, SIDE], &spoilt)).unwrap();
    fs::write(path("line.npy"), npy::to_bytes(&[4], &[0.0; 4])).unwrap();
    fs::write(path("other.npy"), npy::to_bytes(&[SIDE, 2 * SIDE], &pages(2, counts))).unwrap();
    let pixels = [[200u8, 20, 20], [20, 200, 20]].concat();
    fs::write(path("colour.ppm"), [b"P6\n2 1\n255\n".to_vec(), pixels].concat()).unwrap();
    for (words, parts) in [
        ("render denoise noisy.npy --out x.tif", &["noisy.npy", "about 0 to 1", "--range LOW:HIGH"][..]),
        ("render denoise spoilt.npy --out x.tif", &["spoilt.npy", "page 1, row 1, column 1", "NaN"]),
        ("render denoise line.npy --out x.tif", &["line.npy", "[4]", "two axes"]),
        ("render denoise noisy.npy --range 4095:0 --out x.tif", &["--range", "the lower first"]),
        ("render denoise colour.ppm --range 0:1 --out x.png", &["--range", "no file that is read", "x.npy"]),
        ("render denoise colour.ppm --out x.npy", &["--out", "hold no colour", "x.png"]),
        ("render colour noisy.npy --range 0:4095 --memory m.safetensors --out x.npy", &["hold no colour"]),
        ("render denoise noisy.npy --range 0:4095 --out x.bmp", &["--out", "x.bmp", "x.npy or x.tif"]),
        (
            "render denoise noisy.npy --range 0:4095 --truth other.npy --out x.tif",
            &["other.npy", "64 x 32", "2 pages of 32 x 32"],
        ),
        (
            "render inpaint noisy.npy --range 0:4095 --mask other.npy --out x.tif",
            &["other.npy", "the mask", "64 x 32", "32 x 32"],
        ),
        ("render dream --size 32 --range 0:1 --out x.png", &["--range", "dream"]),
        ("render denoise noisy.npy --range 0:4095 --out noisy.npy", &["noisy.npy"]),
        ("memory learn colour.ppm --range 0:1 --memory n.safetensors", &["--range", "no file that is read"]),
        ("memory learn others.tif --memory n.safetensors", &["others.tif", "--range LOW:HIGH"]),
    ] {
        refused(studio.path(), words, parts);
    }
    let names =
        |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let all: Vec<std::ffi::OsString> = names(studio.path());
    assert!(all.iter().all(|name| !name.to_string_lossy().starts_with("x.")), "{all:?}");
    assert!(values(&path("noisy.npy")).values.len() == 2 * SIDE * SIDE && !path("n.safetensors").exists());
}
