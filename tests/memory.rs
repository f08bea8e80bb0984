//! Memories and what is rendered from them, by the program: one-shot learning, restoring, and what bad input meets.

// Pictures are small: every cast is of a value that fits.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

mod program;

use std::fs;
use std::path::Path;

use program::{json, napot, refused, said};

/// Writes a picture as PPM, a pixel by its row and column.
fn draw(path: &Path, (height, width): (usize, usize), pixel: impl Fn(usize, usize) -> [u8; 3]) {
    let pixels = (0..height * width).flat_map(|at| pixel(at / width, at % width));
    let head = format!("P6\n{width} {height}\n255\n").into_bytes();
    fs::write(path, head.into_iter().chain(pixels).collect::<Vec<u8>>()).unwrap();
}

/// Stripes and blocks in colour.
fn scene(shift: usize) -> impl Fn(usize, usize) -> [u8; 3] {
    move |y, x| {
        let block = (y / 8 + (x + shift) / 6) % 3;
        [[220, 120, 60], [60, 160, 80], [30, 40, 110]][block]
    }
}

fn grain(y: usize, x: usize) -> i16 {
    let word = napot::random::philox4x32([y as u32, x as u32, 0, 0], [1, 2])[0];
    (word >> 24) as i16 / 4 - 32
}

/// A folder with two scenes, a memory of them, and a third scene with what was done to it.
fn studio() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("album")).unwrap();
    draw(&path("album/one.ppm"), (48, 48), scene(0));
    draw(&path("album/two.ppm"), (48, 40), scene(2));
    draw(&path("truth.ppm"), (32, 32), scene(4));
    draw(&path("noisy.ppm"), (32, 32), |y, x| {
        let add = |value: u8| (i16::from(value) + grain(y, x)).clamp(0, 255) as u8;
        scene(4)(y, x).map(add)
    });
    let hole = |y: usize, x: usize| (12..18).contains(&y) && (10..18).contains(&x);
    draw(&path("holed.ppm"), (32, 32), |y, x| if hole(y, x) { [0; 3] } else { scene(4)(y, x) });
    draw(&path("mask.ppm"), (32, 32), |y, x| [if hole(y, x) { 255 } else { 0 }; 3]);
    draw(&path("grey.ppm"), (32, 32), |y, x| {
        [(scene(4)(y, x).map(u16::from).iter().sum::<u16>() / 3) as u8; 3]
    });
    let learned = json(&napot(folder.path(), "memory learn album --memory m.safetensors --rows 2000 --json"));
    assert!(learned["learned"]["written"].as_u64() > Some(10));
    assert!(learned["learned"]["predicted"].as_u64() > learned["learned"]["written"].as_u64());
    folder
}

#[test]
fn what_was_learned_once_is_not_stored_again_and_files_are_the_same_every_time() {
    let studio = studio();
    let learn = "memory learn album --rows 2000 --json --memory";
    let again = json(&napot(studio.path(), &format!("{learn} n.safetensors")));
    let read = |name: &str| fs::read(studio.path().join(name)).unwrap();
    assert!(read("m.safetensors") == read("n.safetensors"));
    let more = json(&napot(studio.path(), &format!("{learn} n.safetensors")));
    assert_eq!(more["scales"][0]["rows"], again["scales"][0]["rows"]);
    assert_eq!(more["learned"]["written"], 0);
    let merged =
        json(&napot(studio.path(), "memory merge m.safetensors n.safetensors --out o.safetensors --json"));
    assert_eq!(merged["scales"][0]["rows"], again["scales"][0]["rows"]);
    // What would have no effect on a memory that is there is refused, and what it has already is not.
    let old = read("m.safetensors");
    for (flag, asked, held) in
        [("--rows", "100", "2000"), ("--scales", "3", "2"), ("--tolerance", "0.1", "0.03")]
    {
        let call = format!("memory learn truth.ppm --memory m.safetensors {flag}");
        refused(studio.path(), &format!("{call} {asked}"), &[flag, "m.safetensors", asked, held, "new file"]);
        assert!(read("m.safetensors") == old, "{flag}");
        let same = format!("memory learn album --memory n.safetensors {flag} {held}");
        assert!(napot(studio.path(), &same).status.success(), "{flag}");
    }
    // Together there is room as in the larger one.
    napot(studio.path(), "memory learn album --memory little.safetensors --rows 5 --quiet");
    let call = "memory merge little.safetensors m.safetensors --out large.safetensors --json";
    let merged = json(&napot(studio.path(), call));
    assert_eq!(merged["scales"][0]["capacity"], 2000);
    let shown = napot(studio.path(), "memory show m.safetensors --out shown.png");
    assert!(shown.status.success() && read("shown.png").len() > 1_000, "{}", said(&shown));
}

#[test]
fn every_task_brings_the_picture_nearer_to_the_truth() {
    let studio = studio();
    let render = |words: &str| {
        let memory = if words.contains("--with trained") { "" } else { "--memory m.safetensors" };
        let call = format!("render {words} {memory} --out out.png --truth truth.ppm --json");
        json(&napot(studio.path(), &call))["likeness"]["psnr_db"].as_f64().unwrap_or(f64::INFINITY)
    };
    let denoised = render("denoise noisy.ppm --sigma 0.07");
    assert!(denoised > 27.0, "denoise: {denoised} dB");
    let near = render("denoise noisy.ppm --sigma 0.07 --approximate");
    assert!(
        near > denoised - 0.5 && near.to_bits() != denoised.to_bits(),
        "approximate: {near} dB of {denoised}"
    );
    for more in ["--steps 3", "--with both", "--with trained --steps 2"] {
        let filled = render(&format!("inpaint holed.ppm --mask mask.ppm {more}"));
        assert!(filled > 25.0, "inpaint {more}: {filled} dB");
    }
    let coloured = render("colour grey.ppm");
    assert!(coloured > 20.0, "colour: {coloured} dB");
    let wide = json(&napot(
        studio.path(),
        "render uncrop truth.ppm --margin 4 --memory m.safetensors --out w.png --json",
    ));
    assert_eq!((wide["width"].as_u64(), wide["height"].as_u64()), (Some(40), Some(40)));
    let large = json(&napot(
        studio.path(),
        "render super-resolve truth.ppm --scale 3 --memory m.safetensors --out l.png --json",
    ));
    assert_eq!(large["width"].as_u64(), Some(96));
}

#[test]
fn bad_input_meets_one_message_and_nothing_is_overwritten() {
    let studio = studio();
    let path = |name: &str| studio.path().join(name);
    draw(&path("white.ppm"), (32, 32), |_, _| [255; 3]);
    draw(&path("other.ppm"), (32, 31), |_, _| [0; 3]);
    draw(&path("dim.ppm"), (32, 32), |_, _| [127; 3]);
    fs::write(path("out.png"), "what was here").unwrap();
    let with = "--memory m.safetensors --out out.png";
    let refused = |words: &str, parts: &[&str]| {
        refused(studio.path(), words, parts);
        assert_eq!(fs::read(path("out.png")).unwrap(), b"what was here", "{words}");
    };
    refused(
        &format!("render inpaint holed.ppm --mask other.ppm {with}"),
        &["other.ppm", "31 x 32", "32 x 32"],
    );
    refused(
        &format!("render inpaint holed.ppm --mask white.ppm {with}"),
        &["white.ppm", "nothing", "at least 1"],
    );
    refused(
        &format!("render inpaint holed.ppm --mask dim.ppm {with}"),
        &["dim.ppm", "marks nothing", "white is what was lost", "at least 1"],
    );
    refused(&format!("render inpaint holed.ppm {with}"), &["--mask"]);
    refused(&format!("render denoise absent.ppm {with}"), &["absent.ppm", "no such file"]);
    refused(&format!("render super-resolve truth.ppm --scale 5 {with}"), &["5", "2..=4"]);
    refused(
        &format!("render denoise noisy.ppm --approximate --stride 2 {with}"),
        &["--approximate", "--stride"],
    );
    refused(&format!("render denoise noisy.ppm --truth other.ppm {with}"), &["other.ppm", "31", "32 x 32"]);
    refused("render denoise noisy.ppm --memory absent --out out.png", &["absent", "memory learn"]);
    refused("render denoise noisy.ppm --memory m.safetensors", &["--out"]);
    // More than the importer takes: 16k x 16k.
    fs::write(path("vast.ppm"), "P6\n16384 16384\n255\n").unwrap();
    refused(&format!("render denoise vast.ppm {with}"), &["vast.ppm", "16384 x 16384"]);
    let whole = fs::read(path("m.safetensors")).unwrap();
    fs::write(path("cut.safetensors"), &whole[..whole.len() / 2]).unwrap();
    refused(
        "render denoise noisy.ppm --memory cut.safetensors --out out.png",
        &["cut.safetensors", "no whole memory"],
    );
    refused("memory learn album --memory cut.safetensors", &["cut.safetensors"]);
    assert_eq!(fs::read(path("cut.safetensors")).unwrap().len(), whole.len() / 2);
    let mut spoilt = whole.clone();
    let end = spoilt.len();
    spoilt[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(path("nan.safetensors"), spoilt).unwrap();
    refused("memory info nan.safetensors", &["nan.safetensors", "NaN"]);
    // A grey memory knows no colour, and a colour memory takes no grey pictures.
    let grey = napot(studio.path(), "memory learn grey.ppm --memory grey.safetensors");
    assert!(grey.status.success(), "{}", said(&grey));
    refused("render colour grey.ppm --memory grey.safetensors --out out.png", &["grey", "in colour"]);
    refused("memory learn grey.ppm --memory m.safetensors", &["grey.ppm", "--grey"]);
    refused(
        "memory merge m.safetensors grey.safetensors --out x.safetensors",
        &["grey.safetensors", "different kinds"],
    );
    refused("memory learn album --memory absent/m.safetensors", &["--memory", "no such folder", "absent"]);
    assert!(fs::read(path("m.safetensors")).unwrap() == whole && !path("x.safetensors").exists());
}

#[test]
fn a_picture_without_colour_is_passed_over_by_its_name_and_the_rest_is_learned() {
    let studio = studio();
    fs::copy(studio.path().join("grey.ppm"), studio.path().join("album/grey.ppm")).unwrap();
    let learned = napot(studio.path(), "memory learn album --memory n.safetensors --rows 2000");
    assert!(learned.status.success(), "{}", said(&learned));
    for part in ["grey.ppm: not learned", "--grey"] {
        assert!(said(&learned).contains(part), "{}", said(&learned));
    }
    let read = |name: &str| fs::read(studio.path().join(name)).unwrap();
    assert!(read("m.safetensors") == read("n.safetensors"));
}

#[test]
fn what_was_estimated_is_told() {
    let studio = studio();
    let printed = |words: &str| {
        let done = napot(studio.path(), &format!("render denoise noisy.ppm {words} --out x.png"));
        String::from_utf8(done.stdout).unwrap()
    };
    assert!(printed("").contains("sigma 0.") && printed("").contains(", estimated"), "{}", printed(""));
    assert!(!printed("--sigma 0.1").contains("estimated"));
}

#[test]
fn a_picture_of_one_pixel_is_a_picture() {
    let studio = studio();
    draw(&studio.path().join("dot.ppm"), (1, 1), |_, _| [200, 100, 50]);
    for task in ["denoise", "super-resolve", "colour", "uncrop --margin 3"] {
        let (task, more) = task.split_once(' ').unwrap_or((task, ""));
        let call = format!("render {task} dot.ppm {more} --memory m.safetensors --out dot.png");
        let output = napot(studio.path(), &call);
        assert!(output.status.success(), "{task}: {}", said(&output));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_keeps_the_old_memory() {
    let studio = studio();
    let old = fs::read(studio.path().join("m.safetensors")).unwrap();
    // The part is written to a device that is always full.
    std::os::unix::fs::symlink("/dev/full", studio.path().join("m.safetensors.part")).unwrap();
    refused(
        studio.path(),
        "memory learn truth.ppm --memory m.safetensors",
        &["m.safetensors", "can't be written"],
    );
    assert!(fs::read(studio.path().join("m.safetensors")).unwrap() == old);
}

#[test]
fn ablations_come_as_rows_for_programs_and_an_unknown_claim_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let rows = json(&napot(folder.path(), "ablate --quick --only recall --json"));
    let rows = rows.as_array().unwrap();
    for key in ["claim", "task", "variant", "metric", "mean", "sd", "seeds", "seconds"] {
        assert!(rows.iter().all(|row| row.get(key).is_some()), "no `{key}` in {rows:?}");
    }
    let mean = |variant: &str, metric: &str, task: &str| {
        let is = |row: &&serde_json::Value| {
            row["variant"] == variant && row["metric"] == metric && row["task"] == task
        };
        rows.iter().find(is).unwrap()["mean"].as_f64().unwrap()
    };
    let soon = "50 ms after";
    assert!(mean("as it is", "right choice", soon) > mean("as it is", "right choice, twin", soon) + 0.3);
    assert!(
        mean("as it is", "right choice", soon)
            > mean("without cascade (kappa 0)", "right choice", soon) + 0.3
    );
    refused(
        folder.path(),
        "ablate --only sleep",
        &["--only", "sleep", "recall", "slow memory", "restoration", "segmentation"],
    );
}

#[test]
fn bursts_fade_with_learning_and_not_without_and_restoration_says_that_the_array_has_no_part_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let rows = json(&napot(folder.path(), "ablate --quick --only slow --json"));
    let fall = |variant: &str| {
        let is = |row: &&serde_json::Value| {
            row["variant"] == variant && row["metric"] == "standards fall by" && row["task"] == "vision"
        };
        rows.as_array().unwrap().iter().find(is).unwrap()["mean"].as_f64().unwrap()
    };
    assert!(fall("as it is") > fall("without learning (rate 0)") + 0.2, "{rows}");
    let table = napot(folder.path(), "ablate --quick --only restoration --markdown");
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("The array plays no part in it"), "{table}");
    assert!(table.lines().filter(|line| line.starts_with("| memory")).count() >= 6, "{table}");
}

/// Blobs and stripes as a JPEG file of quality 10, and as they were.
fn jpeg(folder: &Path) {
    let pixel = |y: usize, x: usize| {
        let lit = (y as f32 - 20.0).hypot(x as f32 - 22.0) < 15.0;
        let wave = 60.0 * ((y + 2 * x) as f32 * 0.12).sin();
        [if lit { 210 } else { 120 }, 90, 60].map(|level| (level as f32 + wave).clamp(0.0, 255.0) as u8)
    };
    draw(&folder.join("whole.ppm"), (45, 52), pixel);
    let rgb: Vec<u8> = (0..45 * 52).flat_map(|at| pixel(at / 52, at % 52)).collect();
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 10);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
    encoder.encode(&rgb, 52, 45, jpeg_encoder::ColorType::Rgb).unwrap();
    fs::write(folder.join("poor.jpg"), bytes).unwrap();
}

#[test]
fn a_jpeg_picture_is_repaired_by_its_own_tables_or_by_the_quality_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    jpeg(folder.path());
    let psnr = |words: &str| {
        let call = format!("render {words} --truth whole.ppm --json");
        json(&napot(folder.path(), &call))["likeness"]["psnr_db"].as_f64().unwrap()
    };
    // All but nothing is taken away: the picture as it was decoded.
    let poor = psnr("denoise poor.jpg --sigma 0.001 --out poor.png");
    let repaired = psnr("repair-jpeg poor.jpg --out a.png");
    assert!(repaired > poor + 0.2, "{repaired} dB, the JPEG itself {poor} dB");
    assert!(psnr("repair-jpeg poor.jpg --steps 3 --turned --out b.png") > poor + 0.2);
    // The same as a picture of another format: only its quality is known, and to a byte what was decoded.
    psnr("repair-jpeg poor.png --quality 10 --out c.png");
    napot(folder.path(), "memory learn whole.ppm --memory m.safetensors --rows 500 --quiet");
    assert!(psnr("repair-jpeg poor.jpg --memory m.safetensors --stride 3 --out d.png") > poor);
    let old = fs::read(path("a.png")).unwrap();
    let refused = |words: &str, parts: &[&str]| {
        refused(folder.path(), words, parts);
        assert_eq!(fs::read(path("a.png")).unwrap(), old, "{words}");
    };
    refused("render repair-jpeg poor.png --out a.png", &["--quality", "poor.png", "1 to 100"]);
    refused("render repair-jpeg poor.jpg --quality 10 --out a.png", &["--quality", "poor.jpg", "own tables"]);
    refused("render repair-jpeg poor.png --quality 0 --out a.png", &["0", "1..=100"]);
    let whole = fs::read(path("poor.jpg")).unwrap();
    fs::write(path("cut.jpg"), &whole[..whole.len() / 2]).unwrap();
    refused("render repair-jpeg cut.jpg --out a.png", &["cut.jpg", "damaged"]);
    // Adobe's mark: components are red, green and blue.
    let mark = b"\xFF\xEE\x00\x0EAdobe\x00\x64\x00\x00\x00\x00\x00";
    fs::write(path("rgb.jpg"), [&whole[..2], mark, &whole[2..]].concat()).unwrap();
    refused("render repair-jpeg rgb.jpg --out a.png", &["rgb.jpg", "no luma", "frame header"]);
}

/// Four pictures of a film, and the same at half their size.
fn films(folder: &Path) {
    for (name, size) in [("large", 24), ("small", 12)] {
        fs::create_dir(folder.join(name)).unwrap();
        for number in 1..=4 {
            draw(&folder.join(format!("{name}/{number}.ppm")), (size, size), scene(number));
        }
    }
}

#[test]
fn a_film_goes_into_a_new_folder_and_nothing_else_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    films(folder.path());
    let film = |words: &str| napot(folder.path(), &format!("render super-resolve small {words}"));
    let told = json(&film("--truth large --out new/film/ --json"));
    assert_eq!((&told["frames"], &told["damaged"]), (&4.into(), &0.into()));
    let whole = told["likeness"]["psnr_db"].as_f64().unwrap();
    assert!(path("new/film/4.png").exists() && path("new/film/times.csv").exists());
    // Somebody's folder, whose name is that of what is unfinished.
    fs::create_dir(path("own.part")).unwrap();
    fs::write(path("own.part/letter"), "mine").unwrap();
    refused(
        folder.path(),
        "render super-resolve small --out own",
        &["own.part", "exists already", "Remove it"],
    );
    assert_eq!(fs::read_to_string(path("own.part/letter")).unwrap(), "mine");
    refused(folder.path(), "render super-resolve small --out large", &["large", "folder"]);
    // One of four is damaged: the others are held against their own truth.
    fs::write(path("small/2.ppm"), "P6\n12 12\n255\n").unwrap();
    let output = film("--truth large --out rest --json");
    let told = json(&output);
    assert_eq!((&told["frames"], &told["damaged"]), (&3.into(), &1.into()));
    assert!((told["likeness"]["psnr_db"].as_f64().unwrap() - whole).abs() < 6.0, "{told}");
    assert!(said(&output).contains("1 pictures are damaged"), "{}", said(&output));
    // A truth that is too short or too long is told, and the result is there.
    fs::copy(path("large/1.ppm"), path("large/5.ppm")).unwrap();
    refused(
        folder.path(),
        "render super-resolve small --truth large --out long",
        &["large", "goes on after the result"],
    );
    (3..=5).for_each(|number| fs::remove_file(path(&format!("large/{number}.ppm"))).unwrap());
    refused(
        folder.path(),
        "render super-resolve small --truth large --out short",
        &["large", "picture 2", "ends before"],
    );
    assert!(path("long/4.png").exists() && path("short/4.png").exists());
    // A folder of one picture is a film, too.
    (2..=4).for_each(|number| fs::remove_file(path(&format!("small/{number}.ppm"))).unwrap());
    assert_eq!(json(&film("--out single --json"))["frames"], 1);
    assert!(path("single/1.png").exists());
}

#[test]
fn a_picture_that_is_missing_in_the_truth_is_held_against_nothing() {
    let folder = tempfile::tempdir().unwrap();
    films(folder.path());
    let spoil = |name: &str| fs::write(folder.path().join(name), "P6\n24 24\n255\n").unwrap();
    let film = |out: &str| {
        let call = format!("render super-resolve small --truth large --json --out {out}");
        let output = napot(folder.path(), &call);
        (json(&output)["likeness"]["psnr_db"].as_f64().unwrap(), said(&output))
    };
    let (whole, _) = film("whole");
    spoil("large/2.ppm");
    let (rest, told) = film("rest");
    assert!((rest - whole).abs() < 3.0, "{rest} dB, {whole} dB of the whole");
    assert!(told.contains("large: 1 pictures are damaged"), "{told}");
    // At its end, too, and at that of the film: neither ends before the other.
    spoil("large/4.ppm");
    let (_, told) = film("end");
    assert!(told.contains("large: 2 pictures are damaged"), "{told}");
    fs::copy(folder.path().join("large/3.ppm"), folder.path().join("large/4.ppm")).unwrap();
    spoil("small/4.ppm");
    let (_, told) = film("both");
    assert!(told.contains("small: 1 pictures are damaged"), "{told}");
}

#[test]
#[cfg(target_os = "linux")]
fn names_that_are_no_text_are_told_as_far_as_they_are() {
    use std::os::unix::ffi::OsStrExt;
    let studio = studio();
    let asked = |words: &str, name: &[u8]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_napot"));
        let name = std::ffi::OsStr::from_bytes(name);
        let words = words.split_whitespace();
        json(&command.args(words).arg(name).current_dir(studio.path()).output().unwrap())
    };
    let told = asked("render denoise noisy.ppm --sigma 0.1 --json --out", b"\xFF.png");
    assert_eq!(told["out"], "\u{FFFD}.png");
    let told = asked("memory learn truth.ppm --rows 50 --json --memory", b"\xFF.safetensors");
    assert_eq!(told["file"], "\u{FFFD}.safetensors");
}

#[test]
fn what_would_have_no_effect_is_refused_by_name() {
    let studio = studio();
    for (words, parts) in [
        ("denoise noisy.ppm --mask mask.ppm", &["--mask", "denoise", "inpaint"][..]),
        ("super-resolve noisy.ppm --margin 3", &["--margin", "uncrop"]),
        ("denoise noisy.ppm --quality 10", &["--quality", "repair-jpeg"]),
        ("colour grey.ppm --sigma 0.1 --memory m.safetensors", &["--sigma", "denoise, repair-jpeg"]),
        ("denoise noisy.ppm --approximate", &["--approximate", "--memory FILE"]),
        ("denoise noisy.ppm --own", &["--own", "--memory FILE"]),
        (
            "denoise noisy.ppm --with trained --memory m.safetensors --approximate",
            &["--memory", "no effect", "--with trained", "both"],
        ),
        ("denoise noisy.ppm --stride 3", &["--stride", "--memory FILE"]),
        ("super-resolve noisy.ppm --own --memory m.safetensors", &["--own", "denoise, repair-jpeg, dream"]),
        ("colour grey.ppm --steps 10 --memory m.safetensors", &["--steps", "colour"]),
        ("colour grey.ppm --turned --with both --memory m.safetensors", &["--turned", "colour"]),
        ("colour grey.ppm --model x.safetensors --memory m.safetensors", &["--model", "colour"]),
        ("denoise noisy.ppm --sigma 0.1", &[]),
    ] {
        let call = format!("render {words} --out out.png");
        if parts.is_empty() {
            assert!(napot(studio.path(), &call).status.success());
        } else {
            refused(studio.path(), &call, parts);
        }
    }
    refused(
        studio.path(),
        "render super-resolve noisy.ppm --out folder",
        &["--out", "no film", "folder", "x.png"],
    );
    refused(
        studio.path(),
        "render denoise noisy.ppm --out absent/x.png",
        &["--out", "no such folder", "absent"],
    );
    let mut huge = fs::read(studio.path().join("m.safetensors")).unwrap();
    let end = huge.len();
    huge[end - 4..].copy_from_slice(&1e30f32.to_le_bytes());
    fs::write(studio.path().join("huge.safetensors"), huge).unwrap();
    refused(studio.path(), "memory info huge.safetensors", &["huge.safetensors", "beyond 1000000"]);
}
