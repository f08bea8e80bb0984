//! Pictures of numbers, as microscopes and NumPy have them: restored in their own units, learned from, and what bad ones meet.

// Pictures are small: every cast is of a value that fits.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

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
    let told = json(&napot(studio.path(), &format!("{call} --out x.png --json")));
    assert!(told["frames"].is_null() && told["likeness"]["psnr_db"].as_f64() > Some(18.0), "{told}");
}

#[test]
fn files_are_known_by_what_they_hold_and_a_folder_may_hold_both() {
    let studio = studio();
    let path = |name: &str| studio.path().join(name);
    fs::create_dir(path("scans.tif")).unwrap();
    fs::write(path("scans.tif/a.ppm"), [b"P6\n8 8\n255\n".to_vec(), vec![90; 192]].concat()).unwrap();
    fs::copy(path("others.tif"), path("scans.tif/b.lsm")).unwrap();
    let call = "memory learn scans.tif --range 0:4095 --patches 99999 --memory both.safetensors --json";
    let both = json(&napot(studio.path(), call));
    let met = |told: &serde_json::Value| told["scales"][0]["met"].as_f64().unwrap();
    assert!((met(&both) - f64::from(2 * 32 * 32 + 8 * 8)).abs() < 0.5, "{both}");
    // Whole numbers of a kind of 8 bits are of its range, whatever they reach, and a page of a stack stays one.
    let about = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 8, 8), }\n";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((about.len() as u16).to_le_bytes());
    bytes.extend(about.bytes().chain([9; 64]));
    fs::write(path("dark.npy"), bytes).unwrap();
    let told = json(&napot(studio.path(), "render denoise dark.npy --sigma 0.1 --out out.npy --json"));
    assert_eq!(told["range"]["white"].as_f64(), Some(255.0));
    let found = values(&path("out.npy"));
    assert_eq!(found.shape, [1, 8, 8]);
    assert!(found.values.iter().all(|x| (x - 9.0).abs() < 6.0), "{found:?}");
    fs::copy(path("scans.tif/a.ppm"), path("picture.npy")).unwrap();
    let done = napot(studio.path(), "render denoise picture.npy --out x.png");
    assert!(done.status.success(), "{}", said(&done));
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
fn grey_pictures_of_more_than_eight_bits_are_numbers_and_keep_them() {
    let studio = studio();
    let path = |name: &str| studio.path().join(name);
    let numbers = counts_of_sixteen_bits();
    image::ImageBuffer::<image::Luma<u16>, _>::from_raw(SIDE as u32, SIDE as u32, numbers.clone())
        .unwrap()
        .save(path("cells.png"))
        .unwrap();
    let raw: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
    fs::write(path("cells.pgm"), [&b"P5\n32 32\n4095\n"[..], &raw[..]].concat()).unwrap();
    let plain: Vec<f32> = numbers.iter().map(|number| f32::from(*number)).collect();
    fs::write(path("cells.npy"), npy::to_bytes(&[SIDE, SIDE], &plain)).unwrap();
    json(&napot(
        studio.path(),
        "render denoise cells.npy --range 0:4095 --sigma 0.001 --out same.tif --json",
    ));
    for (words, white) in [("cells.png --range 0:4095", 4_095.0), ("cells.pgm", 4_095.0)] {
        let call = format!("render denoise {words} --sigma 0.001 --out out.tif --json");
        let told = json(&napot(studio.path(), &call));
        assert_eq!(told["range"]["white"].as_f64(), Some(white), "{words}");
        let found = values(&path("out.tif"));
        assert_eq!(
            found.values,
            values(&path("same.tif")).values,
            "{words}: as the same numbers of a NumPy file"
        );
    }
    // Within what nobody said is a range they reach too little.
    fs::write(path("dark.pgm"), [&b"P5\n32 32\n65535\n"[..], &raw[..]].concat()).unwrap();
    refused(studio.path(), "render denoise dark.pgm --out x.tif", &["dark.pgm", "0 to 65535", "--range"]);
    // Those of a folder are learned once, beside what has eight bits.
    fs::create_dir(path("both")).unwrap();
    fs::copy(path("cells.png"), path("both/b.png")).unwrap();
    fs::write(path("both/a.pgm"), [b"P5\n8 8\n255\n".to_vec(), vec![90; 64]].concat()).unwrap();
    let call = "memory learn both --range 0:4095 --patches 99999 --memory both.safetensors --json";
    let met = json(&napot(studio.path(), call))["scales"][0]["met"].as_f64().unwrap();
    assert!((met - f64::from(32 * 32 + 8 * 8)).abs() < 0.5, "{met}");
    // As a mask such a picture tells by what is bright, as others do.
    let mask = image::ImageBuffer::from_fn(SIDE as u32, SIDE as u32, |x, _| {
        image::Luma([if x < 4 { 65_535u16 } else { 20_000 }])
    });
    mask.save(path("mask.png")).unwrap();
    let call =
        "render inpaint cells.png --range 0:4095 --mask mask.png --memory m.safetensors --out filled.tif";
    let done = napot(studio.path(), call);
    assert!(done.status.success(), "{}", said(&done));
    let found = values(&path("filled.tif")).values;
    let same = |at: usize| (found[at] - f64::from(numbers[at])).abs() < 0.01;
    assert!((0..SIDE * SIDE).all(|at| at % SIDE < 4 || same(at)));
}

/// Counts of a camera of twelve bits, with what eight would cut.
fn counts_of_sixteen_bits() -> Vec<u16> {
    (0..SIDE * SIDE).map(|at| counts(0, at) as u16 + 7).collect()
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
    let mut dark = std::io::Cursor::new(Vec::new());
    let counts = [85, 285, 485, 100];
    let mut encoder = ::tiff::encoder::TiffEncoder::new(&mut dark).unwrap();
    encoder.write_image::<::tiff::encoder::colortype::Gray16>(2, 2, &counts).unwrap();
    fs::write(path("dark.tif"), dark.into_inner()).unwrap();
    let table = |name: &str, shape: &[usize], values: &[f32]| {
        fs::write(path(name), npy::to_bytes(shape, values)).unwrap();
    };
    table("far.npy", &[2, 2], &[0.1, 0.9, 0.5, 3e38]);
    table("small.npy", &[2, 2], &[0.1, 0.9, 0.5, 0.5]);
    table("holes.npy", &[2, 2], &[0.0, f32::NAN, 1.0, 0.0]);
    table("many.npy", &[20_000, 1, 1], &vec![0.5; 20_000]);
    for (words, parts) in [
        ("render denoise noisy.npy --out x.tif", &["noisy.npy", "about 0 to 1", "--range LOW:HIGH"][..]),
        ("render denoise spoilt.npy --out x.tif", &["spoilt.npy", "page 1, row 1, column 1", "NaN"]),
        ("render denoise line.npy --out x.tif", &["line.npy", "[4]", "two axes"]),
        ("render denoise noisy.npy --range 4095:0 --out x.tif", &["--range", "the lower first"]),
        ("render denoise colour.ppm --range 0:1 --out x.png", &["--range", "pictures of numbers", "x.npy"]),
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
        ("render denoise noisy.npy --range 0:4095 --out noisy.npy", &["--out", "noisy.npy", "is read"]),
        ("render super-resolve noisy.npy --range 0:4095 --out x", &["--out", "x.npy or x.tif"]),
        ("render denoise noisy.npy --range 0:4095 --truth colour.ppm --out x.npy", &["colour.ppm", "2 x 1"]),
        ("render denoise dark.tif --out x.tif", &["dark.tif", "85 to 485", "0 to 65535", "--range"]),
        ("memory learn dark.tif --memory n.safetensors", &["dark.tif", "85 to 485", "--range"]),
        ("render denoise far.npy --out x.tif", &["far.npy", "page 0, row 1, column 1", "about 0 to 1"]),
        ("render inpaint far.npy --mask holes.npy --out x.tif", &["far.npy"]),
        ("render inpaint small.npy --mask holes.npy --out x.tif", &["holes.npy", "row 0, column 1", "NaN"]),
        ("render denoise many.npy --out x.npy", &["many.npy", "too many pages", "20000"]),
        ("memory learn colour.ppm --range 0:1 --memory n.safetensors", &["--range", "none is read"]),
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
