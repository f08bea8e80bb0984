//! The shipped configurations: the default is the default, the others load, the broken ones say what is wrong.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn napot(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_napot")).args(arguments).current_dir(root()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn toml_files(folder: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    found.sort();
    found
}

#[test]
fn the_default_configuration_spells_out_the_defaults() {
    let spelled = napot(&["config", "print", "--config", "configs/default.toml"]);
    assert!(spelled.status.success(), "{}", text(&spelled.stderr));
    let defaults = text(&napot(&["config", "print"]).stdout);
    for (here, there) in text(&spelled.stdout).lines().zip(defaults.lines()) {
        assert_eq!(here, there, "configs/default.toml on the left, the default on the right");
    }
}

#[test]
fn every_shipped_configuration_is_valid_and_what_is_printed_is_valid_again() {
    let folder = tempfile::tempdir().unwrap();
    let files = toml_files("configs");
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let file = file.to_str().unwrap();
        let checked = napot(&["config", "check", "--config", file]);
        assert!(checked.status.success(), "{file}: {}", text(&checked.stderr));
        let printed = napot(&["config", "print", "--config", file]).stdout;
        let copy = folder.path().join("copy.toml");
        std::fs::write(&copy, &printed).unwrap();
        let again = napot(&["config", "print", "--config", copy.to_str().unwrap()]);
        assert_eq!(text(&again.stdout), text(&printed), "{file}");
    }
}

/// The parts of a message that a broken file asks for.
fn expected(file: &Path) -> Vec<String> {
    let content = std::fs::read_to_string(file).unwrap();
    content.lines().filter_map(|line| line.strip_prefix("# expect: ")).map(str::to_owned).collect()
}

#[test]
fn a_broken_configuration_is_refused_with_file_place_value_and_bound() {
    let files = toml_files("configs/broken");
    assert!(files.len() >= 10, "{files:?}");
    let mut faults = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let parts = expected(&file);
        assert!(!parts.is_empty(), "{name} expects nothing");
        let refused = napot(&["config", "check", "--config", &format!("configs/broken/{name}")]);
        let message = text(&refused.stderr);
        if refused.status.code() != Some(2) {
            faults.push(format!("{name}: exit code {:?}, 2 was expected: {message}", refused.status.code()));
        }
        let one_line = message.trim_end().lines().count() == 1;
        for part in parts.iter().chain([&name]).filter(|part| !message.contains(part.as_str())) {
            faults.push(format!("{name}: no `{part}` in: {message}"));
        }
        if !one_line || message.contains("panicked") || !refused.stdout.is_empty() {
            faults.push(format!("{name}: not one message on standard error: {message}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn an_override_is_checked_like_a_file() {
    for (override_, parts) in [
        ("array.kappa=20", ["array.kappa", "20", "0 to 8"]),
        ("array.kapa=1", ["kapa", "kappa", "--set"]),
        ("array.chi=steep", ["steep", "--set", "invalid type"]),
        ("kappa", ["--set", "kappa", "="]),
        ("view.port=99999", ["99999", "--set", "a whole number from 0 to 65535"]),
        ("view.hosts=studio.local", ["studio.local", "--set", "a list, as [\"a\", \"b\"]"]),
        ("array=1", ["--set", "integer `1`", "a section"]),
    ] {
        let refused = napot(&["config", "check", "--set", override_]);
        let message = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{override_}: {message}");
        for part in parts {
            assert!(message.contains(part), "{override_}: no `{part}` in: {message}");
        }
    }
    assert!(
        napot(&["config", "check", "--set", "array.kappa=1", "--set", "sound.level_db=-30"]).status.success()
    );
}

#[test]
fn a_schema_takes_no_overrides_and_quiet_devices_are_not_listed() {
    let refused = napot(&["config", "schema", "--set", "array.kappa=1"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("--set: it has no effect"), "{}", text(&refused.stderr));
    let quiet = napot(&["devices", "--quiet"]);
    assert!(quiet.status.success() && quiet.stdout.is_empty(), "{}", text(&quiet.stdout));
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    for file in ["configs/absent.toml", "configs"] {
        let refused = napot(&["config", "check", "--config", file]);
        assert_eq!(refused.status.code(), Some(2), "{file}");
        assert!(text(&refused.stderr).contains(file), "{}", text(&refused.stderr));
    }
}
