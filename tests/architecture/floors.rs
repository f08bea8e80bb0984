//! The floors: which file or folder stands where, and what it may import.

use super::code::{ascents, bare, crate_names, line};

/// Name, floor, and the neighbours of its own floor that it may import.
const HOUSE: [(&str, u8, &[&str]); 24] = [
    ("units", 0, &[]),
    ("time", 0, &[]),
    ("error", 0, &[]),
    ("random", 0, &[]),
    ("signal", 1, &[]),
    ("kernel", 1, &[]),
    // A ring carries signals.
    ("stream", 1, &["signal"]),
    ("format", 1, &[]),
    ("sense", 2, &[]),
    ("array", 2, &[]),
    ("readout", 2, &[]),
    // The array's numbers and start, run elsewhere.
    ("gpu", 2, &["array"]),
    // It learns the decay of the array, whose numbers it takes.
    ("memory", 2, &["array"]),
    // Its arrays swing by sheets of their own.
    ("binding", 2, &["array"]),
    ("engine", 3, &[]),
    ("source", 3, &[]),
    ("sink", 3, &[]),
    ("device", 3, &[]),
    ("exchange", 3, &[]),
    ("session", 3, &[]),
    ("view", 3, &[]),
    ("config", 4, &[]),
    // A command reads the configuration that it runs.
    ("command", 4, &["config"]),
    ("main", 4, &["command", "config"]),
];

/// Lowest floor that knows no signal, stream or device: what a kernel may build on.
const KERNELS_KNOW: u8 = 0;

fn find(name: &str) -> Option<&'static (&'static str, u8, &'static [&'static str])> {
    HOUSE.iter().find(|(known, ..)| *known == name)
}

/// The folder or file under `src/` to which a path belongs, and its module path.
fn module(path: &str) -> Vec<&str> {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    let stem = inside.strip_suffix(".rs").unwrap_or(inside);
    stem.strip_suffix("/mod").unwrap_or(stem).split('/').collect()
}

/// A fault where a source belongs to no floor.
pub fn placed(path: &str) -> Vec<String> {
    let name = module(path)[0];
    if name == "lib" || find(name).is_some() {
        return Vec::new();
    }
    vec![format!("`{name}` stands on no floor: give it one in tests/architecture/floors.rs")]
}

/// Faults where a source imports its own floor's neighbours or a higher floor.
pub fn imports(path: &str, text: &str) -> Vec<String> {
    let module = module(path);
    let own = module[0];
    // The library's root names everything, once.
    if own == "lib" {
        return Vec::new();
    }
    let Some((_, floor, neighbours)) = find(own) else { return placed(path) };
    let code = bare(text);
    let climbed = ascents(&code)
        .into_iter()
        .filter(|(_, climbs, _)| *climbs >= module.len())
        .map(|(at, _, name)| (at, name));
    let mut faults = Vec::new();
    for (at, name) in crate_names(&code).into_iter().chain(climbed) {
        let Some((_, other, _)) = find(&name) else { continue };
        let limit = if own == "kernel" { KERNELS_KNOW + 1 } else { *floor };
        if name != own && *other >= limit && !neighbours.contains(&name.as_str()) {
            let place = line(text, at);
            faults.push(format!("line {place}: `{own}` (floor {floor}) imports `{name}` (floor {other})"));
        }
    }
    faults
}

#[test]
fn a_lower_floor_and_the_own_folder_may_be_imported() {
    assert!(
        imports("src/array/step.rs", "use crate::{kernel::a, array::b};\nuse super::super::time::Tick;")
            .is_empty()
    );
    assert!(imports("src/stream/ring.rs", "use crate::signal::Burst;").is_empty());
    assert!(imports("src/gpu/array.rs", "use crate::array::Array;").is_empty());
    assert!(imports("src/engine/run.rs", "use crate::{sense::a, array::b, readout::c};").is_empty());
    assert!(imports("src/command/demo.rs", "use crate::config::Config;").is_empty());
    assert!(imports("src/lib.rs", "pub use crate::view;").is_empty());
    assert!(imports("src/time.rs", "// crate::engine is above\n\"crate::view\"").is_empty());
}

#[test]
fn a_higher_floor_is_caught_with_its_line() {
    assert_eq!(
        imports("src/array/step.rs", "//! Job.\nuse crate::engine::Plan;"),
        ["line 2: `array` (floor 2) imports `engine` (floor 3)"]
    );
    assert_eq!(imports("src/time.rs", "fn f() { crate::signal::g() }").len(), 1);
    assert_eq!(imports("src/array/step.rs", "use crate::{time::Tick, config};").len(), 1);
    assert_eq!(imports("src/array/step.rs", "use super::super::source::room;").len(), 1);
}

#[test]
fn a_neighbour_on_the_same_floor_is_caught() {
    for (path, name) in [
        ("src/sense/retina.rs", "array"),
        ("src/readout/spectrum.rs", "sense"),
        ("src/engine/run.rs", "source"),
        ("src/view/mod.rs", "engine"),
        ("src/signal/burst.rs", "stream"),
        ("src/kernel/noise.rs", "signal"),
        ("src/error.rs", "units"),
        ("src/config.rs", "command"),
        ("src/array/step.rs", "gpu"),
        ("src/gpu/array.rs", "readout"),
    ] {
        assert_eq!(imports(path, &format!("use crate::{name}::X;")).len(), 1, "{path} -> {name}");
    }
}

#[test]
fn a_folder_without_a_floor_is_caught() {
    assert_eq!(placed("src/helpers/mod.rs").len(), 1);
    assert_eq!(imports("src/utils.rs", "").len(), 1);
    assert!(placed("src/array/mod.rs").is_empty() && placed("src/main.rs").is_empty());
}
