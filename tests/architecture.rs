//! Keeps the house: floors, real-time rules, determinism and the map, read from the sources themselves.
//!
//! It needs nothing but the standard library, so `make lint` runs it without building the project:
//! `rustc --test --edition 2024 tests/architecture.rs`. Every rule is a function of a path and a text and has a
//! test that shows it firing.

// The names of sources are lower case, as cargo wants them.
#![allow(clippy::case_sensitive_file_extension_comparisons)]

#[path = "architecture/code.rs"]
mod code;
#[path = "architecture/floors.rs"]
mod floors;
#[path = "architecture/rules.rs"]
mod rules;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Text files by their path from the project's root, with `/` between folders.
type Files = BTreeMap<String, String>;

/// Whether an entry at the root is no part of the project's text: what git, builds and runs leave there.
fn is_left_over(name: &str) -> bool {
    [".git", "target", ".peers"].contains(&name) || name.starts_with("napot-out")
}

fn root() -> PathBuf {
    // Cargo sets it; the test built by `rustc` alone is run from the project's root.
    option_env!("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// Every UTF-8 file of the project.
fn project() -> Files {
    let mut files = Files::new();
    gather(&root(), "", &mut files);
    assert!(files.contains_key("Cargo.toml"), "run this test from the project's root");
    files
}

fn gather(folder: &Path, prefix: &str, files: &mut Files) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|cause| panic!("{}: {cause}", folder.display()));
    for entry in entries.map(|entry| entry.unwrap()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().unwrap();
        // What npm puts beside the page's checks is others' work too.
        if (prefix.is_empty() && is_left_over(&name)) || name == "node_modules" {
            continue;
        }
        if kind.is_dir() {
            gather(&entry.path(), &format!("{path}/"), files);
        } else if kind.is_file()
            && let Ok(text) = std::fs::read_to_string(entry.path())
        {
            files.insert(path, text);
        }
    }
}

fn sources(files: &Files) -> Vec<(&str, &str)> {
    let ours = |path: &&String| path.starts_with("src/") && path.ends_with(".rs");
    let found: Vec<_> = files.keys().filter(ours).map(|path| (path.as_str(), files[path].as_str())).collect();
    assert!(found.len() > 50, "only {} sources were found: the rules would hold of nothing", found.len());
    found
}

/// Fails with every fault that `rule` finds, one a line.
fn hold(files: &[(&str, &str)], rule: impl Fn(&str, &str) -> Vec<String>) {
    let faults: Vec<String> = files
        .iter()
        .flat_map(|(path, text)| rule(path, text).into_iter().map(move |fault| format!("{path}: {fault}")))
        .collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn a_file_imports_only_lower_floors_or_its_own_folder() {
    hold(&sources(&project()), floors::imports);
}

#[test]
fn every_source_stands_on_a_floor() {
    hold(&sources(&project()), |path, _| floors::placed(path));
}

#[test]
fn every_file_opens_with_its_job() {
    let files = project();
    let rust: Vec<_> = files
        .iter()
        .filter(|(path, _)| path.ends_with(".rs"))
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    hold(&rust, rules::opening);
}

#[test]
fn unsafe_code_stays_in_the_kernels() {
    hold(&sources(&project()), rules::unsafe_code);
}

#[test]
fn only_time_reads_the_clock() {
    hold(&sources(&project()), rules::clock);
}

#[test]
fn the_real_time_thread_neither_prints_nor_locks() {
    hold(&sources(&project()), rules::real_time);
}

#[test]
fn nothing_upstream_of_the_state_depends_on_the_processor() {
    let files = project();
    let tests = code::test_files(&files);
    let sources: Vec<_> = sources(&files).into_iter().filter(|(path, _)| !tests.contains(*path)).collect();
    hold(&sources, rules::float_mathematics);
    hold(&sources, rules::unordered);
}

#[test]
fn nothing_is_left_to_be_done() {
    let files = project();
    let tests = code::test_files(&files);
    let sources: Vec<_> = sources(&files).into_iter().filter(|(path, _)| !tests.contains(*path)).collect();
    hold(&sources, rules::loose_ends);
}

#[test]
fn no_source_is_longer_than_five_hundred_lines() {
    hold(&sources(&project()), rules::length);
}

#[test]
fn no_file_names_this_machine_or_a_registry_host() {
    let files = project();
    let all: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    hold(&all, rules::machine);
}

#[test]
fn the_map_names_what_exists_and_all_of_it() {
    let files = project();
    let exists = |path: &str| root().join(path).exists();
    let map = [("ARCHITECTURE.md", files["ARCHITECTURE.md"].as_str())];
    hold(&map, |_, text| rules::dead_paths(text, exists));
    hold(&map, |_, text| rules::unmapped(text, files.keys().map(String::as_str)));
}
