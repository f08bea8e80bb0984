//! The rules that concern one file: what must stand in it and what must not.

use super::code::{bare, line, live, words};

/// What decides the state: everything here must give the same bits on every processor.
const UPSTREAM: [&str; 9] = [
    "src/source/",
    "src/sense/",
    "src/array/",
    "src/gpu/",
    "src/kernel/",
    "src/memory/slow.rs",
    "src/time.rs",
    "src/random.rs",
    "src/units.rs",
];
/// What runs within a tick.
const REAL_TIME: [&str; 5] =
    ["src/engine/realtime.rs", "src/engine/instrument.rs", "src/array/", "src/kernel/", "src/memory/slow.rs"];
/// The most lines of a source.
const MOST_LINES: usize = 500;

fn within(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| path.starts_with(place))
}

/// A fault per occurrence of a forbidden piece of code.
fn forbid(text: &str, code: &str, pieces: &[&str], why: &str) -> Vec<String> {
    let found = pieces.iter().flat_map(|piece| code.match_indices(piece));
    found.map(|(at, piece)| format!("line {}: `{piece}`: {why}", line(text, at))).collect()
}

/// The same for whole words.
fn forbid_words(text: &str, code: &str, names: &[&str], why: &str) -> Vec<String> {
    let found = names.iter().flat_map(|name| words(code, name).map(move |at| (at, name)));
    found.map(|(at, name)| format!("line {}: `{name}`: {why}", line(text, at))).collect()
}

/// A file's first line is a sentence about its job.
pub fn opening(_: &str, text: &str) -> Vec<String> {
    let first = text.lines().next().unwrap_or_default();
    if first.strip_prefix("//! ").is_some_and(|sentence| !sentence.trim().is_empty()) {
        return Vec::new();
    }
    vec!["the first line is no `//!` sentence that says the file's job".to_owned()]
}

/// `unsafe` only under `src/kernel/`, and where a C library is called.
pub fn unsafe_code(path: &str, text: &str) -> Vec<String> {
    if within(path, &["src/kernel/", "src/exchange/lsl/binding.rs"]) {
        return Vec::new();
    }
    forbid_words(text, &bare(text), &["unsafe"], "unsafe code belongs in src/kernel/")
}

/// The system's clock only in `src/time.rs`.
pub fn clock(path: &str, text: &str) -> Vec<String> {
    if path == "src/time.rs" {
        return Vec::new();
    }
    forbid_words(text, &bare(text), &["Instant", "SystemTime"], "only src/time.rs reads the clock")
}

/// No printing and no locks where a tick runs.
pub fn real_time(path: &str, text: &str) -> Vec<String> {
    if !within(path, &REAL_TIME) {
        return Vec::new();
    }
    let names = [
        "println",
        "eprintln",
        "print",
        "eprint",
        "dbg",
        "Mutex",
        "RwLock",
        "Condvar",
        "mpsc",
        "crossbeam_channel",
    ];
    forbid_words(text, &live(text), &names, "real-time code neither prints nor locks")
}

/// Elementary functions come from `libm`, which gives the same bits everywhere; the standard library's do not.
pub fn float_mathematics(path: &str, text: &str) -> Vec<String> {
    if !within(path, &UPSTREAM) {
        return Vec::new();
    }
    let functions = [
        "sin", "cos", "tan", "sin_cos", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "exp",
        "exp2", "exp_m1", "ln", "ln_1p", "log", "log2", "log10", "powf", "powi", "powc", "cbrt", "hypot",
        "to_polar",
    ];
    let code = live(text);
    let mut faults = Vec::new();
    for name in functions {
        let called = [format!(".{name}("), format!("f32::{name}"), format!("f64::{name}")];
        for (at, _) in called.iter().flat_map(|call| code.match_indices(call.as_str())) {
            faults.push(format!("line {}: `{name}` differs between machines: call `libm`'s", line(text, at)));
        }
    }
    faults
}

/// No container without an order and no race for the order of a sum.
pub fn unordered(path: &str, text: &str) -> Vec<String> {
    if !within(path, &UPSTREAM) {
        return Vec::new();
    }
    forbid_words(
        text,
        &live(text),
        &["HashMap", "HashSet", "rayon"],
        "its order is not the same in every run",
    )
}

/// No stubs, and no panic where an error belongs.
pub fn loose_ends(_: &str, text: &str) -> Vec<String> {
    let pieces =
        [".unwrap()", "todo!(", "unimplemented!(", "dbg!(", "Box<dyn Error", "Box<dyn std::error::Error"];
    forbid(text, &live(text), &pieces, "the house rules leave this out")
}

/// A file that outgrows the limit holds an idea that wants a name.
pub fn length(_: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    if lines <= MOST_LINES {
        Vec::new()
    } else {
        vec![format!("{lines} lines (allowed: up to {MOST_LINES})")]
    }
}

/// No path of a machine on which this was built, and no package registry by its host.
pub fn machine(path: &str, text: &str) -> Vec<String> {
    // Put together here, or this file would break its own rule.
    let folders = ["work", "home", "root"].map(|name| format!("/{name}/"));
    let hosts = [
        ["index.", "crates.io"],
        ["static.", "crates.io"],
        ["files.", "pythonhosted.org"],
        ["pypi.", "org"],
        ["deb.", "debian.org"],
        ["registry.", "npmjs.org"],
    ]
    .map(|parts| parts.concat());
    let mut faults = Vec::new();
    for folder in &folders {
        for (at, _) in text.match_indices(folder.as_str()) {
            // `a/work/b` and `$HOME/work/b` are relative to something.
            let before = text[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || "_.-)}~/".contains(c)) {
                faults.push(format!("line {}: `{folder}`: a path of one machine", line(text, at)));
            }
        }
    }
    for (at, host) in hosts.iter().flat_map(|host| text.match_indices(host.as_str())) {
        faults.push(format!("line {}: `{host}`: a registry's host", line(text, at)));
    }
    if path == "Cargo.lock" {
        let strange = |entry: &&str| {
            entry.starts_with("source = ") && !entry.contains("github.com/rust-lang/crates.io-index")
        };
        faults
            .extend(text.lines().filter(strange).map(|entry| format!("`{entry}`: not the common registry")));
    }
    faults
}

/// Paths between backticks that do not exist.
pub fn dead_paths(text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let named = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    named
        .filter(|name| is_path(name) && !exists(name))
        .map(|name| format!("`{name}` does not exist"))
        .collect()
}

fn is_path(name: &str) -> bool {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    let file = [".rs", ".md", ".toml", ".sh", ".js"].iter().any(|end| name.ends_with(end));
    plain && !name.starts_with(['/', '.']) && (file || name.ends_with('/'))
}

/// Folders and files right under `src/` that the map leaves out.
pub fn unmapped<'a>(map: &str, files: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut missing: Vec<String> = files
        .filter_map(|path| path.strip_prefix("src/"))
        .map(|inside| {
            inside.split_once('/').map_or(format!("src/{inside}"), |(folder, _)| format!("src/{folder}/"))
        })
        .filter(|place| !map.contains(&format!("`{place}`")))
        .collect();
    missing.dedup();
    missing.into_iter().map(|place| format!("`{place}` is not on the map")).collect()
}

#[test]
fn a_file_without_a_job_is_caught() {
    assert!(opening("src/a.rs", "//! Says its job.\nuse x;").is_empty());
    for text in ["use x;", "//!\n//! Late.", "// Not a doc.", "", "//! \nfn"] {
        assert_eq!(opening("src/a.rs", text).len(), 1, "{text:?}");
    }
}

#[test]
fn unsafe_code_outside_the_kernels_is_caught_and_the_word_is_not() {
    let block = "fn f() { unsafe { g() } }";
    assert_eq!(unsafe_code("src/array/step.rs", block).len(), 1);
    assert_eq!(unsafe_code("src/exchange/lsl/mod.rs", block).len(), 1);
    assert!(unsafe_code("src/kernel/team.rs", block).is_empty());
    assert!(unsafe_code("src/exchange/lsl/binding.rs", block).is_empty());
    assert!(unsafe_code("src/array/step.rs", "// unsafe\nset_use_unsafe(false); \"unsafe\"").is_empty());
}

#[test]
fn a_clock_outside_time_is_caught() {
    let call = "let now = std::time::Instant::now();";
    assert_eq!(clock("src/engine/run.rs", call).len(), 1);
    assert_eq!(clock("src/engine/run.rs", "SystemTime::now()").len(), 1);
    assert!(clock("src/time.rs", call).is_empty());
    assert!(clock("src/engine/run.rs", "/// Instantaneous.\nfn instant() {}").is_empty());
}

#[test]
fn a_lock_or_a_print_in_real_time_code_is_caught() {
    for code in ["println!(\"x\");", "use std::sync::Mutex;", "std::sync::mpsc::channel()", "eprintln!()"] {
        assert_eq!(real_time("src/engine/realtime.rs", code).len(), 1, "{code}");
        assert!(real_time("src/engine/keeper.rs", code).is_empty());
    }
    assert!(real_time("src/array/step.rs", "#[cfg(test)]\nmod tests { fn f() { println!() } }").is_empty());
}

#[test]
fn the_standard_librarys_sine_upstream_is_caught() {
    for code in ["x.sin()", "y.powi(2)", "f32::exp(x)", "z.atan2(a)", "iter.map(f64::ln)"] {
        assert_eq!(float_mathematics("src/sense/retina.rs", code).len(), 1, "{code}");
        assert!(float_mathematics("src/readout/spectrum.rs", code).is_empty());
    }
    assert!(float_mathematics("src/time.rs", "libm::sin(x).sqrt().mul_add(y, z).abs()").is_empty());
    assert!(float_mathematics("src/time.rs", "#[cfg(test)] mod t { fn f() { x.sin() } }").is_empty());
    assert_eq!(unordered("src/source/media.rs", "use std::collections::HashMap;").len(), 1);
    assert!(unordered("src/view/server.rs", "HashMap").is_empty());
}

#[test]
fn an_unwrap_or_a_stub_is_caught() {
    for code in ["x.unwrap()", "todo!()", "fn f() -> Result<(), Box<dyn Error>>"] {
        assert_eq!(loose_ends("src/a.rs", code).len(), 1, "{code}");
    }
    assert!(loose_ends("src/a.rs", "x.unwrap_or(1); // .unwrap()").is_empty());
}

#[test]
fn a_file_of_501_lines_is_caught() {
    assert!(length("src/a.rs", &"\n".repeat(500)).is_empty());
    assert_eq!(length("src/a.rs", &"\n".repeat(501)), ["501 lines (allowed: up to 500)"]);
}

#[test]
fn a_path_of_this_machine_or_a_registry_host_is_caught() {
    let home = ["see ", "/ho", "me/me/x"].concat();
    assert_eq!(machine("README.md", &home).len(), 1);
    assert_eq!(machine("a.sh", &["cd /ro", "ot/"].concat()).len(), 1);
    assert!(machine("a.md", &["docs/ho", "me/page and ~/wo", "rk/"].concat()).is_empty());
    assert_eq!(machine("a.toml", &["https://py", "pi.org/simple"].concat()).len(), 1);
    assert_eq!(machine("Cargo.lock", "source = \"registry+https://mirror.example/index\"").len(), 1);
    assert!(
        machine("Cargo.lock", "source = \"registry+https://github.com/rust-lang/crates.io-index\"")
            .is_empty()
    );
}

#[test]
fn a_dead_path_and_an_unmapped_folder_are_caught() {
    let there = |path: &str| path == "src/time.rs";
    let map = "`src/time.rs` reads `1/f`, `a/b`, `napot demo`, `report.json`; `src/gone/` and `old.md`";
    assert_eq!(dead_paths(map, there), ["`src/gone/` does not exist", "`old.md` does not exist"]);
    let files = ["Cargo.toml", "src/time.rs", "src/new/a.rs", "src/new/b.rs"];
    assert_eq!(unmapped(map, files.into_iter()), ["`src/new/` is not on the map"]);
}
