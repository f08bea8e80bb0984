//! Few views by the program: `napot learn views` learns how pictures look under them, `napot bind --learned` finishes wholes by that.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)] // small counts

#[allow(dead_code)] // not all of it is called here
mod program;

use std::fs;
use std::path::Path;

use napot::binding::projection::{ParallelBeam, Projection};
use napot::format::npy;
use program::{json, napot, refused, said};

const SIDE: usize = 16;
const DEGREES: [f64; 4] = [0.0, 45.0, 90.0, 135.0];

/// A disc of that radius, lit evenly.
fn disc(radius: f32) -> Vec<f32> {
    let away = |at: usize| at as f32 - (SIDE / 2) as f32;
    let inside = |at: usize| away(at / SIDE).hypot(away(at % SIDE)) < radius;
    (0..SIDE * SIDE).map(|at| if inside(at) { 0.8 } else { 0.0 }).collect()
}

fn picture(path: &Path, side: usize, values: &[f32]) {
    let head = format!("P5\n{side} {side}\n255\n").into_bytes();
    let bytes = values.iter().map(|x| (255.0 * x).round() as u8);
    fs::write(path, head.into_iter().chain(bytes).collect::<Vec<u8>>()).unwrap();
}

/// Discs to learn, in `discs`, and what is seen of one as `seen.npy`, with `truth.npy`.
fn scanner() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("discs")).unwrap();
    for radius in [3, 4, 5] {
        picture(&path(&format!("discs/{radius}.pgm")), SIDE, &disc(radius as f32));
    }
    let (truth, mut data) = (disc(4.0), vec![0.0; DEGREES.len() * SIDE]);
    ParallelBeam::new(SIDE, SIDE, &DEGREES).unwrap().apply(&truth, &mut data, 1);
    fs::write(path("seen.npy"), npy::to_bytes(&[DEGREES.len(), SIDE], &data)).unwrap();
    fs::write(path("truth.npy"), npy::to_bytes(&[SIDE, SIDE], &truth)).unwrap();
    fs::write(path("assign.txt"), "0\n1\n0\n1\n").unwrap();
    folder
}

const LEARN: &str = "learn views discs --angles 0:180 --views 4 --side 16 --stages 2 --channels 8 --blocks 1 --batch 4 --rate 4e-3 --json";
const BIND: &str =
    "bind seen.npy --angles 0:180 --assign assign.txt --truth truth.npy --out found.npy --json";

#[test]
fn what_was_learned_finishes_a_whole_and_the_threads_do_not_show() {
    let folder = scanner();
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let told = json(&napot(folder.path(), &format!("{LEARN} --steps 400 --out m.safetensors --threads 1")));
    assert_eq!((told["pictures"].as_u64(), told["views"].as_u64()), (Some(3), Some(4)));
    assert!(told["psnr_db"].as_f64() > Some(told["data_alone_db"].as_f64().unwrap() + 1.0), "{told}");
    assert!(read("m.safetensors.png").len() > 1_000);
    napot(folder.path(), &format!("{LEARN} --steps 400 --out n.safetensors --threads 2"));
    assert!(read("m.safetensors") == read("n.safetensors"));
    let psnr = |more: &str| {
        let told = json(&napot(folder.path(), &format!("{BIND} {more}")));
        told["wholes"][0]["psnr"].as_f64().unwrap()
    };
    let (data, learned) = (psnr(""), psnr("--learned m.safetensors"));
    assert!(learned > data + 0.2, "{learned} dB, {data} without");
    // The file holds what the figure is of.
    let found = npy::Array::from_bytes(Path::new("found.npy"), &read("found.npy")).unwrap().values;
    let error: f64 = found.iter().zip(disc(4.0)).map(|(x, y)| (x - f64::from(y)).powi(2)).sum();
    let by_file = 10.0 * (0.64 * (SIDE * SIDE) as f64 / error).log10();
    assert!((by_file - learned).abs() < 0.01, "{by_file} in the file, {learned} said");
}

#[test]
fn what_was_not_learned_is_said_and_bad_input_meets_one_message() {
    let folder = scanner();
    let path = |name: &str| folder.path().join(name);
    let learned = napot(folder.path(), &format!("{LEARN} --steps 2 --out m.safetensors"));
    assert!(learned.status.success(), "{}", said(&learned));
    let other = napot(
        folder.path(),
        "bind seen.npy --angles 0:90 --assign assign.txt --learned m.safetensors --json",
    );
    assert!(other.status.success() && said(&other).contains("other angles"), "{}", said(&other));
    let refused = |words: &str, parts: &[&str]| refused(folder.path(), words, parts);
    let learn = |words: &str| format!("learn views {words} --side 16 --steps 2 --out o.safetensors");
    refused(&learn("discs"), &["--angles"]);
    refused(&learn("discs --angles 0:180"), &["0:180", "--views N"]);
    refused(&learn("discs --angles absent.txt"), &["absent.txt"]);
    refused(&learn("discs --angles 0:0 --views 4"), &["--angles", "same angle"]);
    fs::write(path("three.txt"), "0 60 120").unwrap();
    refused(&learn("discs --angles three.txt --views 4"), &["--views", "three.txt", "4", "3"]);
    let large = "--stages 16 --channels 256 --blocks 32 --batch 64";
    refused(&learn(&format!("discs --angles three.txt {large}")), &["too many bytes", "--batch"]);
    refused(&learn("discs --angles three.txt --rate 0"), &["--rate", "0", "above 0"]);
    refused(&learn("--angles 0:180 --views 4"), &["nothing to learn from"]);
    picture(&path("small.pgm"), 9, &[0.5; 81]);
    refused(&learn("small.pgm --angles 0:180 --views 4"), &["small.pgm", "9 x 9", "16 x 16"]);
    refused(&learn("discs --angles 0:180 --views 4 --stages 17"), &["--stages", "17", "1 to 16"]);
    refused("learn views discs --angles 0:180 --views 4", &["--out"]);
    assert!(!path("o.safetensors").exists());
    let whole = fs::read(path("m.safetensors")).unwrap();
    fs::write(path("cut"), &whole[..whole.len() / 2]).unwrap();
    let bind = "bind seen.npy --angles 0:180 --assign assign.txt";
    refused(&format!("{bind} --learned cut"), &["cut", "no whole model"]);
    let mut vast = whole.clone();
    let head = 8 + usize::try_from(u64::from_le_bytes(whole[..8].try_into().unwrap())).unwrap();
    vast[head..].chunks_exact_mut(4).for_each(|number| number.copy_from_slice(&f32::MAX.to_le_bytes()));
    fs::write(path("vast"), vast).unwrap();
    refused(&format!("{bind} --learned vast --out o.npy"), &["vast", "no number"]);
    assert!(!path("o.npy").exists());
    // A model that renders is no such one, and the other way round.
    let renderer = napot(
        folder.path(),
        "learn --synthetic 1 --steps 1 --channels 4 --blocks 1 --batch 1 --out r.safetensors",
    );
    assert!(renderer.status.success(), "{}", said(&renderer));
    refused(
        &format!("{bind} --learned r.safetensors"),
        &["r.safetensors", "napot-views-1", "napot learn views"],
    );
    refused(&format!("{bind} --model m.safetensors"), &["m.safetensors", "another form"]);
    refused(&format!("{bind} --learned m.safetensors --with trained"), &["--learned", "renderer"]);
    refused(&format!("{bind} --learned m.safetensors --way robust"), &["--learned", "--way"]);
    refused(&format!("{bind} --learned m.safetensors --out m.safetensors"), &["--out", "m.safetensors"]);
    fs::write(path("tiles.txt"), "discs/3.pgm 0 0\ndiscs/3.pgm 0 0\n").unwrap();
    refused("bind tiles.txt --learned m.safetensors", &["--learned", "no effect"]);
}
