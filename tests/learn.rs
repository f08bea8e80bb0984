//! Training of the renderer by the program: the same bits every time, left and taken up again, and what bad input meets.

#![allow(clippy::cast_precision_loss)] // small counts

mod program;

use std::fs;
use std::path::Path;

use program::{json, napot, refused, said};

/// What a call that went well printed.
fn asked(folder: &Path, words: &str) -> serde_json::Value {
    json(&napot(folder, words))
}

/// A picture of rings as PPM.
fn rings(path: &Path, side: usize) {
    let pixel = |at: usize| {
        let (y, x) = (at / side, at % side);
        [u8::try_from((y * y + x * x) / 40 % 256).unwrap(); 3]
    };
    let head = format!("P6\n{side} {side}\n255\n").into_bytes();
    fs::write(path, head.into_iter().chain((0..side * side).flat_map(pixel)).collect::<Vec<u8>>()).unwrap();
}

const SMALL: &str = "--channels 6 --blocks 1 --batch 2 --seed 4 --json";

#[test]
fn training_gives_the_same_bits_whoever_steps_and_wherever_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let learn = |more: &str| asked(folder.path(), &format!("learn --synthetic 2 --room 1 {SMALL} {more}"));
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let told = learn("--steps 8 --threads 1 --out a.safetensors");
    assert_eq!((told["steps"].as_u64(), told["pictures"].as_u64()), (Some(8), Some(3)));
    assert!(told["psnr_db"][3].as_f64() > Some(1.0), "{told}");
    learn("--steps 8 --threads 3 --out b.safetensors");
    assert!(read("a.safetensors") == read("b.safetensors"));
    assert!(read("a.safetensors.png").len() > 1_000);
    // The rate falls by how many steps are left: a training that is left is told of the whole.
    fs::copy(folder.path().join("a.safetensors.checkpoint"), folder.path().join("c.safetensors.checkpoint"))
        .unwrap();
    learn("--steps 11 --resume --out c.safetensors");
    learn("--steps 11 --resume --out a.safetensors");
    assert!(read("a.safetensors") == read("c.safetensors") && read("a.safetensors") != read("b.safetensors"));
    // A model says all that made it.
    let text = String::from_utf8_lossy(&read("a.safetensors")).into_owned();
    assert!(text.contains("--steps 8 ") && text.contains("--seed 4, then --resume --steps 11"));
    // Fine-tuning says what it came from; one task leaves the other as it is.
    let tuned = "learn --synthetic 2 --room 1 --batch 2 --seed 4 --json --steps 2 --only denoise";
    asked(folder.path(), &format!("{tuned} --from a.safetensors --out d.safetensors"));
    let text = String::from_utf8_lossy(&read("d.safetensors")).into_owned();
    assert!(text.contains("--only denoise") && text.matches("napot learn").count() == 2);
}

#[test]
fn a_trained_model_renders_and_pictures_are_written_for_others() {
    let folder = tempfile::tempdir().unwrap();
    rings(&folder.path().join("rings.ppm"), 160);
    rings(&folder.path().join("small.ppm"), 40);
    let told = asked(
        folder.path(),
        &format!("learn rings.ppm --synthetic 1 {SMALL} --steps 4 --write-pictures seen --out m.safetensors"),
    );
    assert_eq!(told["pictures"], 2);
    assert!(folder.path().join("seen/00001.png").is_file());
    for (task, width) in [("super-resolve --scale 3", 120), ("denoise --sigma 0.1 --turned", 40)] {
        let (task, more) = task.split_once(' ').unwrap();
        let call = format!("render {task} small.ppm {more} --model m.safetensors --out o.png --json");
        assert_eq!(asked(folder.path(), &call)["width"], width);
    }
    // The model that comes with the program, and the bits again.
    let again = |name: &str| {
        asked(folder.path(), &format!("render super-resolve small.ppm --scale 2 --out {name} --json"));
        fs::read(folder.path().join(name)).unwrap()
    };
    assert!(again("p.png") == again("q.png"));
}

#[test]
fn the_model_that_comes_with_the_program_is_ahead_of_bicubic_and_of_noise() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    // A wedge: sharp edges in many directions.
    let wedge = |side: usize, grain: bool| {
        let fine = 4;
        let pixel = |at: usize| {
            let (top, left) = (at / side * fine, at % side * fine);
            let lit = |point: usize| {
                let scale = 96.0 / (side * fine) as f64;
                let (y, x) =
                    ((top + point / fine) as f64 * scale - 40.0, (left + point % fine) as f64 * scale - 30.0);
                let (angle, away) = (y.atan2(x), y.hypot(x));
                u32::from((angle * 2.0 + away * 0.05).sin() > 0.0)
            };
            let sum: u32 = (0..fine * fine).map(lit).sum();
            let noise = napot::random::philox4x32([u32::try_from(at).unwrap(), 0, 0, 0], [1, 2]);
            let spread = if grain {
                noise.iter().map(|word| f64::from(word >> 16) / 65536.0 - 0.5).sum()
            } else {
                0.0
            };
            // Four uniform numbers: σ of 0.577 times 36.
            let level = 60.0 + 130.0 * f64::from(sum) / (fine * fine) as f64 + 36.0 * spread;
            [level.round().clamp(0.0, 255.0); 3]
        };
        let head = format!("P6\n{side} {side}\n255\n").into_bytes();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within a byte
        let bytes = (0..side * side).flat_map(pixel).map(|level| level as u8);
        head.into_iter().chain(bytes).collect::<Vec<u8>>()
    };
    fs::write(path("truth.ppm"), wedge(96, false)).unwrap();
    fs::write(path("small.ppm"), wedge(48, false)).unwrap();
    fs::write(path("noisy.ppm"), wedge(96, true)).unwrap();
    let psnr = |call: &str| {
        let told = asked(folder.path(), &format!("render {call} --out o.png --truth truth.ppm --json"));
        told["likeness"]["psnr_db"].as_f64().unwrap()
    };
    asked(
        folder.path(),
        "learn --synthetic 1 --steps 0 --channels 4 --blocks 1 --out none.safetensors --json",
    );
    let bicubic = psnr("super-resolve small.ppm --model none.safetensors");
    let trained = psnr("super-resolve small.ppm");
    assert!(trained > bicubic + 1.0, "{trained} dB, bicubic {bicubic} dB");
    let noisy = psnr("denoise noisy.ppm --sigma 0.0815 --model none.safetensors");
    let clean = psnr("denoise noisy.ppm --sigma 0.0815");
    assert!(clean > noisy + 6.0, "{clean} dB, noisy {noisy} dB");
}

/// The bytes of a file with those of `from` replaced by as many others.
fn replaced(path: &Path, from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes
}

#[test]
fn what_is_read_and_what_is_unfinished_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let refused = |words: &str, parts: &[&str]| refused(folder.path(), words, parts);
    rings(&path("rings.ppm"), 160);
    let learn = format!("learn rings.ppm {SMALL} --steps 2");
    asked(folder.path(), &format!("{learn} --out m.safetensors"));
    assert!(path("m.safetensors.png").is_file());
    let old = ["rings.ppm", "m.safetensors", "m.safetensors.checkpoint", "m.safetensors.png"];
    let kept = || old.map(|name| fs::read(path(name)).unwrap());
    let before = kept();
    refused(&format!("{learn} --out m.png"), &["--out", "m.png", "x.safetensors"]);
    refused(&format!("{learn} --out absent/m.safetensors"), &["--out", "no such folder", "absent"]);
    refused(&format!("{learn} m.safetensors.png --out m.safetensors"), &["m.safetensors.png", "is read"]);
    let tune = "learn rings.ppm --steps 2 --out m.safetensors --from";
    refused(&format!("{tune} m.safetensors"), &["m.safetensors", "is read", "another file"]);
    refused(&format!("{tune} m.safetensors.checkpoint"), &["m.safetensors.checkpoint", "is read"]);
    refused(&format!("{tune} other.safetensors --channels 6"), &["--from", "--channels"]);
    refused(&format!("{tune} other.safetensors --blocks 1"), &["--from", "--blocks"]);
    let pictures = format!("{learn} --out n.safetensors --write-pictures .");
    refused(&pictures, &["--write-pictures", "of this name already", "a new folder"]);
    assert!(kept() == before && !path("00000.png").exists() && !path("n.safetensors").exists());
    // Of five planned steps two are done; then only a part of the file is left.
    let checkpoint = path("m.safetensors.checkpoint");
    let unfinished = replaced(&checkpoint, br#"steps\":2"#, br#"steps\":5"#);
    fs::write(&checkpoint, &unfinished).unwrap();
    let again = format!("{learn} --out m.safetensors");
    refused(
        &again,
        &["--out", "m.safetensors.checkpoint", "unfinished training", "2 of 5 steps", "--resume"],
    );
    assert!(fs::read(&checkpoint).unwrap() == unfinished);
    fs::write(&checkpoint, &unfinished[..unfinished.len() / 2]).unwrap();
    refused(&again, &["m.safetensors.checkpoint", "no whole model", "Remove it"]);
    assert_eq!(fs::read(&checkpoint).unwrap().len(), unfinished.len() / 2);
    fs::write(&checkpoint, &unfinished).unwrap();
    let told =
        asked(folder.path(), &format!("learn rings.ppm {SMALL} --steps 5 --resume --out m.safetensors"));
    assert_eq!(told["steps"], 5);
    // One that is finished may be replaced.
    asked(folder.path(), &again);
}

#[test]
fn bad_input_meets_one_message_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    rings(&path("rings.ppm"), 160);
    rings(&path("small.ppm"), 40);
    let learned = napot(folder.path(), &format!("learn rings.ppm {SMALL} --steps 2 --out m.safetensors"));
    assert!(learned.status.success(), "{}", said(&learned));
    let whole = fs::read(path("m.safetensors")).unwrap();
    let refused = |words: &str, parts: &[&str]| {
        refused(folder.path(), words, parts);
        assert!(fs::read(path("m.safetensors")).unwrap() == whole && !path("o.png").exists(), "{words}");
    };
    let learn = |words: &str| format!("learn {words} --out m.safetensors");
    refused("learn rings.ppm", &["--out"]);
    refused(&learn(""), &["nothing to learn from", "--synthetic"]);
    refused(&learn("small.ppm"), &["small.ppm", "picture 0", "40 x 40", "152 x 152"]);
    refused(&learn("absent.ppm"), &["absent.ppm"]);
    refused(&learn("rings.ppm --rate 0"), &["rate", "above 0"]);
    refused(&learn("rings.ppm --channels 5000"), &["channels", "5000", "1 to 256"]);
    refused(&learn("rings.ppm --from absent"), &["absent", "napot learn"]);
    refused(&learn(&format!("--synthetic 1 --resume {SMALL}")), &["pictures are not those"]);
    refused(&learn("rings.ppm --resume"), &["--batch", "began with another value", "16", "allowed: 2"]);
    refused(&learn("rings.ppm --resume --batch 2"), &["--seed", "began with another value"]);
    refused(
        &learn("rings.ppm --resume --batch 2 --seed 4 --only denoise"),
        &["--only", "denoise", "both tasks"],
    );
    let render = "render super-resolve small.ppm --out o.png";
    fs::write(path("cut"), &whole[..whole.len() / 2]).unwrap();
    refused(&format!("{render} --model cut"), &["cut", "no whole model"]);
    fs::write(path("text"), "no such thing").unwrap();
    refused(&format!("{render} --model text"), &["text", "no whole model"]);
    let mut spoilt = whole.clone();
    let end = spoilt.len();
    spoilt[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(path("nan"), spoilt).unwrap();
    refused(&format!("{render} --model nan"), &["nan", "number", "NaN", "finite"]);
    // Each number is finite, and what is reckoned from them is not.
    let mut vast = whole.clone();
    let head = 8 + usize::try_from(u64::from_le_bytes(whole[..8].try_into().unwrap())).unwrap();
    vast[head..].chunks_exact_mut(4).for_each(|number| number.copy_from_slice(&f32::MAX.to_le_bytes()));
    fs::write(path("vast"), vast).unwrap();
    for task in ["super-resolve small.ppm", "denoise small.ppm --sigma 0.1", "dream --size 16 --steps 2"] {
        refused(&format!("render {task} --model vast --out o.png"), &["no number", "--rate"]);
    }
    fs::create_dir(path("clip")).unwrap();
    rings(&path("clip/0.ppm"), 24);
    refused("render super-resolve clip --model vast --out film", &["no number"]);
    assert!(!path("film").exists() && !path("film.part").exists());
    refused(&format!("{render} --with memory"), &["--memory"]);
    refused("render colour small.ppm --out o.png", &["no colour", "--memory"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_keeps_the_old_model() {
    let folder = tempfile::tempdir().unwrap();
    rings(&folder.path().join("rings.ppm"), 160);
    let learn = format!("learn rings.ppm {SMALL} --steps 1 --out m.safetensors");
    assert!(napot(folder.path(), &learn).status.success());
    let old = fs::read(folder.path().join("m.safetensors")).unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path().join("m.safetensors.part")).unwrap();
    refused(folder.path(), &learn, &["m.safetensors", "can't be written"]);
    assert!(fs::read(folder.path().join("m.safetensors")).unwrap() == old);
}

#[test]
fn a_film_is_made_larger_by_the_memory_of_its_last_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["clip", "whole", "short"] {
        fs::create_dir(path(name)).unwrap();
    }
    // Stripes that drift by a part of a pixel: what one picture lacks another has.
    let stripes = |side: usize, number: usize| {
        let fine = 192 / side;
        let pixel = |at: usize| {
            let (top, left) = (at / side * fine, at % side * fine);
            let light = |point: usize| {
                let (y, x) = ((top + point / fine) as f64, (left + point % fine) as f64);
                let x = x + 0.74 * number as f64;
                let wave = |length: f64| (std::f64::consts::TAU * x / length).sin();
                128.0 + 50.0 * wave(9.0) * (y / 40.0).cos() + 40.0 * wave(61.0) + 20.0 * (y / 7.0).sin()
            };
            let mean = (0..fine * fine).map(light).sum::<f64>() / (fine * fine) as f64;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within a byte
            [mean.round() as u8; 3]
        };
        let head = format!("P6\n{side} {side}\n255\n").into_bytes();
        head.into_iter().chain((0..side * side).flat_map(pixel)).collect::<Vec<u8>>()
    };
    for number in 0..5 {
        fs::write(path(&format!("clip/{number}.ppm")), stripes(48, number)).unwrap();
        fs::write(path(&format!("whole/{number}.ppm")), stripes(96, number)).unwrap();
    }
    fs::write(path("short/0.ppm"), stripes(96, 0)).unwrap();
    fs::write(path("short/1.ppm"), stripes(48, 1)).unwrap();
    let told = asked(folder.path(), "render super-resolve clip --scale 2 --truth whole --out large --json");
    assert_eq!((told["frames"].as_u64(), told["width"].as_u64()), (Some(5), Some(96)));
    let mean = told["likeness"]["psnr_db"].as_f64().unwrap();
    let alone = |number: usize| {
        let call =
            format!("clip/{number}.ppm --scale 2 --truth whole/{number}.ppm --out {number}.png --json");
        asked(folder.path(), &format!("render super-resolve {call}"))["likeness"]["psnr_db"].as_f64().unwrap()
    };
    let single = (0..5).map(alone).sum::<f64>() / 5.0;
    assert!(mean > single, "{mean} dB by the memory, {single} dB alone");
    let read = |name: &str| fs::read(path(name)).unwrap();
    assert_eq!(read("large/0.png"), read("0.png"));
    assert_eq!(String::from_utf8(read("large/times.csv")).unwrap().lines().count(), 6);
    // A name of one picture takes the first; a folder that exists is left as it is.
    assert!(asked(folder.path(), "render super-resolve clip --out one.png --json")["frames"].is_null());
    assert_eq!(read("one.png"), read("0.png"));
    let film = "render super-resolve clip --scale 2";
    refused(folder.path(), &format!("{film} --out large"), &["--out", "folder"]);
    let short = format!("{film} --truth short --out other");
    refused(folder.path(), &short, &["short", "picture 1", "48 x 48", "96 x 96"]);
    refused(
        folder.path(),
        &format!("{film} --truth 0.png --out other"),
        &["0.png", "a film or a folder of pictures"],
    );
    assert!(!path("other").exists() && !path("other.part").exists() && path("large/4.png").exists());
}

#[test]
fn a_dream_comes_from_its_seed_alone_and_what_has_no_part_in_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dream = |seed: u32, steps: u32, name: &str| {
        let told = asked(
            folder.path(),
            &format!("render dream --size 48 --steps {steps} --seed {seed} --json --out {name}"),
        );
        assert!(told["task"] == "dream" && told["width"] == 48 && told["input"].is_null(), "{told}");
        fs::read(folder.path().join(name)).unwrap()
    };
    let first = dream(1, 3, "a.png");
    assert!(first == dream(1, 3, "b.png"), "the same seed");
    assert!(first != dream(2, 3, "c.png") && first != dream(1, 2, "d.png"), "another seed, other steps");
    rings(&folder.path().join("rings.ppm"), 32);
    for (words, parts) in [
        ("render dream --out e.png", &["--size"][..]),
        ("render dream --size 8 --out e.png", &["--size", "8", "16..=2048"]),
        ("render dream rings.ppm --size 32 --out e.png", &["--size"]),
        ("render denoise --size 32 --out e.png", &["--size", "denoise", "dream"]),
        ("render dream --size 32 --truth rings.ppm --out e.png", &["--truth"]),
        ("render dream --size 32 --sigma 0.1 --out e.png", &["--sigma", "dream"]),
    ] {
        refused(folder.path(), words, parts);
        assert!(!folder.path().join("e.png").exists(), "{words}");
    }
}
