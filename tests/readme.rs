//! The README's commands, run: on small arrays, for two seconds, with inputs made here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use napot::format::tiff;

/// The README, and its path for messages.
fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The lines of all blocks marked `sh`, comments aside.
fn commands(markdown: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in markdown.lines() {
        if line.starts_with("```") {
            inside = line == "```sh";
        } else if inside && !line.is_empty() {
            let command = line.split(" #").next().unwrap_or_default().trim();
            found.push(command.to_owned());
        }
    }
    found
}

fn napot(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_napot")).args(arguments).current_dir(folder).output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a run of the README's becomes: the same call for two seconds without the page, on small arrays; for three where it is recorded,
/// after which there is something to recall.
fn made_short<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let mut short = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match *word {
            // Without the page there is nothing to listen for.
            "--for" | "--speed" | "--tail" | "--listen" => {
                words.next();
            }
            "--start" => {
                words.next();
                short.extend(["--start", "1"]);
            }
            "--no-view" => {}
            word => short.push(word),
        }
    }
    // What comes in live keeps real time.
    let live = arguments.contains(&"--receive") || arguments[0] == "live";
    let speed = if live { "1" } else { "max" };
    let seconds = if arguments.contains(&"--record") { "3" } else { "2" };
    short.extend(["--for", seconds, "--speed", speed, "--no-view"]);
    on_small_arrays(short)
}

/// The same call on small arrays.
fn on_small_arrays(mut arguments: Vec<&str>) -> Vec<&str> {
    for small in [
        "vision.height=16",
        "vision.width=16",
        "hearing.cochlea.channels=16",
        "hearing.cochlea.rates=4",
        "room.width=32",
        "room.height=32",
    ] {
        arguments.extend(["--set", small]);
    }
    arguments
}

/// Writes the recordings that the README names into `folder`; tells what this machine can't make.
fn make_inputs(folder: &Path) -> Vec<&'static str> {
    fs::write(folder.join("talk.wav"), wave(3)).unwrap();
    fs::write(folder.join("stage.wav"), sound(&clicks(0..5_000))).unwrap();
    fs::write(folder.join("balcony.wav"), sound(&clicks(700..6_000))).unwrap();
    let rows = (0..600).map(|row| format!("{:.3},{},{}\n", f64::from(row) * 0.005, row % 17, row % 5));
    fs::write(folder.join("channels.csv"), "time,light,heat\n".to_owned() + &rows.collect::<String>())
        .unwrap();
    fs::write(folder.join("mine.toml"), "[array]\nkappa = 1.0\n").unwrap();
    fs::create_dir(folder.join("photos")).unwrap();
    fs::write(folder.join("photos/one.ppm"), picture(48, 3)).unwrap();
    fs::write(folder.join("photos/two.ppm"), picture(48, 5)).unwrap();
    fs::write(folder.join("grainy.ppm"), picture(24, 4)).unwrap();
    fs::write(folder.join("red.png"), [&b"P6\n32 32\n255\n"[..], &[200, 60, 60].repeat(32 * 32)].concat())
        .unwrap();
    fs::write(folder.join("views.npy"), table(32, 24, beside)).unwrap();
    let disc = |y: usize, x: usize| f32::from(u8::from(y.abs_diff(12).pow(2) + x.abs_diff(12).pow(2) < 64));
    let world = |y: usize, x: usize| f32::from(u8::from(y.abs_diff(12).pow(2) + x.abs_diff(15).pow(2) < 36));
    fs::write(folder.join("world.npy"), table(24, 24, world)).unwrap();
    let tilts: Vec<f32> = (0..16 * 2 * 24).map(|at| chord(at / 48, at % 24)).collect();
    fs::write(folder.join("tilts.tif"), tiff::to_bytes((2, 24), &tilts).unwrap()).unwrap();
    let cells: Vec<f32> = tilts.iter().map(|x| 100.0 * x).collect();
    fs::write(folder.join("cells.tif"), tiff::to_bytes((32, 24), &cells).unwrap()).unwrap();
    let half = |columns: usize| move |y: usize, x: usize| disc(y, x + columns);
    fs::write(folder.join("left.npy"), table(24, 16, half(0))).unwrap();
    fs::write(folder.join("right.npy"), table(24, 16, half(8))).unwrap();
    fs::write(folder.join("parts.txt"), "left.npy 0 0\nright.npy 0 8\n").unwrap();
    let ball = |y: usize, x: usize| {
        let [x, y] = [x, y].map(|at| (f32::from(u16::try_from(at).unwrap()) - 7.5) / 30.0);
        // The squared distance of a ray from the middle, 4 away, of a ball of radius 0.5.
        let beside = 16.0 - 16.0 / (1.0 + x * x + y * y);
        2.0 * (0.25 - beside).max(0.0).sqrt()
    };
    fs::write(folder.join("ray.npy"), table(16, 16, ball)).unwrap();
    let poses =
        "[[1,0,0,0],[0,1,0,0],[0,0,1,4]] [[0,0,1,4],[0,1,0,0],[-1,0,0,0]] [[1,0,0,0],[0,0,1,4],[0,-1,0,0]]";
    let frames: Vec<String> = poses
        .split(' ')
        .map(|pose| format!(r#"{{"file_path": "ray.npy", "transform_matrix": {pose}}}"#))
        .collect();
    let cameras = format!(r#"{{"fl_x": 30, "frames": [{}]}}"#, frames.join(","));
    fs::write(folder.join("transforms.json"), cameras).unwrap();
    let made = Command::new("ffmpeg")
        .args("-v error -y -f lavfi -i testsrc=s=64x48:r=10:d=4 -f lavfi -i sine=d=4".split(' '))
        .args("-c:v mpeg4 -c:a aac clip.mp4".split(' '))
        .current_dir(folder)
        .status();
    if made.is_ok_and(|status| status.success()) { Vec::new() } else { vec!["clip.mp4"] }
}

/// What a beam beside the middle of a disc meets of it.
fn chord(_: usize, at: usize) -> f32 {
    let beside = f32::from(u16::try_from(at.abs_diff(12)).unwrap());
    2.0 * (64.0 - beside * beside).max(0.0).sqrt()
}

/// What a beam of one of 32 views meets of a disc beside the middle.
fn beside(view: usize, at: usize) -> f32 {
    let [view, at] = [view, at].map(|number| f32::from(u16::try_from(number).unwrap()));
    let beside = at - 12.0 - 3.0 * (view * core::f32::consts::PI / 32.0).cos();
    2.0 * (36.0 - beside * beside).max(0.0).sqrt()
}

/// A table of numbers as a NumPy file.
fn table(height: usize, width: usize, number: impl Fn(usize, usize) -> f32) -> Vec<u8> {
    let numbers: Vec<f32> = (0..height * width).map(|at| number(at / width, at % width)).collect();
    napot::format::npy::to_bytes(&[height, width], &numbers)
}

/// A square picture of coloured stripes as a PPM file.
fn picture(side: usize, stripe: usize) -> Vec<u8> {
    let pixel = |at: usize| {
        let band = (at % side + at / side) / stripe % 4;
        [20 + 60 * band, 200 - 40 * band, 128 + at * 7 % 11].map(|part| u8::try_from(part).unwrap())
    };
    let pixels = (0..side * side).flat_map(pixel);
    format!("P6\n{side} {side}\n255\n").into_bytes().into_iter().chain(pixels).collect()
}

/// Seconds of a tone as a WAV file.
fn wave(seconds: u32) -> Vec<u8> {
    // A sawtooth of 440 Hz.
    let sample = |n: u32| i16::try_from(n * 440 % RATE).unwrap().wrapping_mul(2).wrapping_sub(16_000);
    sound(&(0..RATE * seconds).map(sample).collect::<Vec<i16>>())
}

/// The same milliseconds of one event, whoever hears them: noise that is loud now and then.
fn clicks(milliseconds: std::ops::Range<u32>) -> Vec<i16> {
    let drawn = |at: u32, what: u32| napot::random::philox4x32([at, what, 0, 0], [5, 6])[0];
    let sample = |n: u32| {
        let loud = if drawn(n / 1_600, 0) % 3 == 0 { 6 } else { 1 };
        loud * i16::try_from(drawn(n, 1) % 4_001).unwrap() - loud * 2_000
    };
    (milliseconds.start * 16..milliseconds.end * 16).map(sample).collect()
}

/// Frames of the sounds, a second.
const RATE: u32 = 16_000;

/// Samples as a WAV file: 16 bit, mono.
fn sound(samples: &[i16]) -> Vec<u8> {
    let rate = RATE;
    let samples: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let length = u32::try_from(samples.len()).unwrap();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    for part in [&16u32.to_le_bytes()[..], &1u16.to_le_bytes(), &1u16.to_le_bytes(), &rate.to_le_bytes()] {
        file.extend(part);
    }
    for part in [&(2 * rate).to_le_bytes()[..], &2u16.to_le_bytes(), &16u16.to_le_bytes(), b"data"] {
        file.extend(part);
    }
    file.extend(length.to_le_bytes());
    file.extend(samples);
    file
}

#[test]
fn every_command_of_the_readme_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let missing = make_inputs(folder.path());
    // Shipped configurations are named as from the project's root.
    fs::create_dir(folder.path().join("configs")).unwrap();
    for name in ["default", "quiet", "deep"] {
        let file = format!("configs/{name}.toml");
        fs::copy(root().join(&file), folder.path().join(&file)).unwrap();
    }
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let mut ran = 0;
    for command in commands(&readme()) {
        let words: Vec<&str> = command.split_whitespace().collect();
        if let Some(lacking) = missing.iter().find(|name| words.contains(name)) {
            eprintln!("SKIPPED: `{command}`: ffmpeg could not make {lacking}");
            continue;
        }
        match words[0] {
            "make" => {
                let target = format!("\n{}:", words.get(1).unwrap_or(&"help"));
                assert!(makefile.contains(&target), "`{command}`: the Makefile has no such target");
            }
            "cmp" => {
                let [one, other] =
                    [words[1], words[2]].map(|name| fs::read(folder.path().join(name)).unwrap());
                assert!(!one.is_empty() && one == other, "`{command}`: they differ");
            }
            "napot" => {
                run_napot(folder.path(), &command, &words[1..]);
                ran += 1;
            }
            // They would change the machine that runs the tests.
            "cargo" | "sudo" => {}
            _ => panic!("`{command}`: the README calls something that no test knows"),
        }
    }
    assert!(ran > 5, "only {ran} calls of napot were found in the README");
}

fn run_napot(folder: &Path, command: &str, arguments: &[&str]) {
    let asked = napot(folder, &[arguments, &["--help"]].concat());
    assert!(asked.status.success(), "`{command}` is no call: {}", told(&asked));
    let output = match arguments[0] {
        // A browser's devices come through the page, which tests of their own open.
        "live" if arguments.contains(&"browser") => return,
        "demo" | "live" | "replay" => napot(folder, &made_short(arguments)),
        // What is taught and where it is recognised must be of one shape.
        "learn" if arguments[1] == "senses" => napot(folder, &on_small_arrays(arguments.to_vec())),
        "teach" => napot(folder, &on_small_arrays(arguments.to_vec())),
        // The moment lies within what was made short.
        "render" => {
            let mut arguments = arguments.to_vec();
            if let Some(at) = arguments.iter().position(|word| *word == "--at") {
                arguments[at + 1] = "2.8";
            }
            napot(folder, &arguments)
        }
        // A measurement takes its time; that the call is understood is enough here.
        "bench" | "certify" => return,
        _ => napot(folder, arguments),
    };
    assert!(output.status.success(), "`{command}` ended with {}: {}", output.status, told(&output));
    if arguments.contains(&"--json") {
        let document: Result<serde_json::Value, _> = serde_json::from_slice(&output.stdout);
        assert!(document.is_ok(), "`{command}` printed more than one JSON document");
    }
    if let Some(at) = arguments.iter().position(|word| *word == "--out")
        && ["demo", "live", "replay"].contains(&arguments[0])
    {
        for name in ["report.json", "sound.wav", "electrodes.edf", "field.png", "ledger.txt"] {
            let file = folder.join(arguments[at + 1]).join(name);
            assert!(fs::metadata(&file).is_ok_and(|file| file.len() > 0), "`{command}` left no {name}");
        }
    }
}

#[test]
fn the_readme_names_every_command_and_no_other() {
    let help = napot(&root(), &["--help"]);
    let help = String::from_utf8(help.stdout).unwrap();
    let listed = help.split("Commands:").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap();
    let listed: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(listed.contains(&"replay"), "{help}");
    let text = readme();
    for command in listed.iter().filter(|command| **command != "help") {
        assert!(text.contains(&format!("napot {command}")), "the README does not show `napot {command}`");
    }
}

#[test]
fn every_link_within_the_project_leads_somewhere() {
    for document in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let local = !link.starts_with("http") && !link.starts_with('#');
            assert!(!local || root().join(link).exists(), "{document}: {link} does not exist");
        }
    }
}

#[test]
fn commands_are_found_in_sh_blocks_only() {
    let markdown =
        "napot no\n```sh\nnapot demo --for 5   # five seconds\n\nmake test\n```\n```text\nnapot no\n```\n";
    assert_eq!(commands(markdown), ["napot demo --for 5", "make test"]);
    assert_eq!(made_short(&["demo", "--for", "5", "--out", "A"])[..4], ["demo", "--out", "A", "--for"]);
}
