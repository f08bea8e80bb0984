//! The sound of a session in its scenes: as loud as is promised, the same on every call, and the session's own by default.

#[allow(dead_code)] // whole outputs are judged elsewhere
mod small;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use small::{napot, said};

fn listen(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_napot"));
    command.current_dir(folder).args(["listen", "a.mcap"]).args(arguments).output().unwrap()
}

fn recorded(folder: &Path) {
    let run = napot(folder, &["demo", "--for", "4", "--record", "a.mcap", "--out", "A"]);
    assert!(run.status.success(), "{}", said(&run));
}

#[test]
fn without_a_scene_it_is_the_sound_of_the_run_and_scenes_differ() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path());
    let own = listen(folder.path(), &["--out", "own.wav", "--json"]);
    assert!(own.status.success(), "{}", said(&own));
    let told: serde_json::Value = serde_json::from_slice(&own.stdout).unwrap();
    assert_eq!((&told["scene"], &told["frames"]), (&"field".into(), &192_000.into()));
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert!(read("own.wav") == read("A/sound.wav"), "the session's own sound");
    let mut sounds = vec![read("own.wav")];
    for scene in ["glass", "rain", "sea"] {
        let name = format!("{scene}.wav");
        assert!(listen(folder.path(), &["--scene", scene, "--out", &name]).status.success());
        sounds.push(read(&name));
    }
    // What is set beside a scene is set of it.
    let fades = ["--scene", "glass", "--set", "sound.fade_in_ms=3000", "--out", "slow.wav"];
    assert!(listen(folder.path(), &fades).status.success());
    sounds.push(read("slow.wav"));
    for (index, sound) in sounds.iter().enumerate() {
        assert!(sounds[..index].iter().all(|other| other != sound), "scene {index}");
    }
}

#[test]
fn a_session_that_is_cut_short_is_heard_as_far_as_it_is_whole_and_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path());
    let path = folder.path().join("a.mcap");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let heard = listen(folder.path(), &["--out", "x.wav", "--json"]);
    assert_eq!(heard.status.code(), Some(1), "{}", said(&heard));
    let told: serde_json::Value = serde_json::from_slice(&heard.stdout).unwrap();
    assert!(told["damage"].as_str().unwrap().contains("cut short"), "{told}");
    assert!(told["frames"].as_u64().unwrap() > 0 && folder.path().join("x.wav").exists());
}

#[test]
fn what_can_not_be_played_or_written_is_said() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path());
    for (arguments, part) in [
        (&["--scene", "noise", "--out", "x.wav"][..], "field, glass, rain, sea"),
        (&["--scene", "sea"], "--out x.wav"),
        (&["--out", "A"], "this is a folder"),
        (&["--start", "90", "--out", "x.wav"], "behind the end"),
    ] {
        let output = listen(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(part), "{}", said(&output));
        assert!(!folder.path().join("x.wav").exists());
    }
}

#[test]
fn a_scene_in_the_configuration_brings_its_settings_and_what_is_given_beside_it_stays() {
    let folder = tempfile::tempdir().unwrap();
    let printed = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_napot"));
        let output = command.current_dir(folder.path()).args(["config", "print"]).args(arguments).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    fs::write(folder.path().join("a.toml"), "[sound]\nscene = \"glass\"\ngrain_db = 1.0\n").unwrap();
    let text = printed(&["--config", "a.toml"]);
    assert!(text.contains("voices = 24") && text.contains("grain_db = 1.0"), "{text}");
    let text = printed(&["--config", "a.toml", "--set", "sound.scene=rain", "--set", "sound.half_bits=9"]);
    assert!(text.contains("voices = 128") && text.contains("half_bits = 9.0"), "{text}");
    assert!(!text.contains("grain_db = 1.0"), "another scene brings all its own settings: {text}");
    let text = printed(&["--config", "a.toml", "--set", "sound.scene = rain"]);
    assert!(text.contains("scene = \"rain\"") && text.contains("voices = 128"), "{text}");
    assert!(!text.contains("grain_db = 1.0"), "{text}");
}
