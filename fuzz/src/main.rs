//! Fuzzes one importer, by `NAPOT_IMPORTER`: an input that panics or takes too much memory ends the fuzzer.
//!
//! `scripts/fuzz.sh` builds and runs it for each.
#![no_main]

mod play;

use std::path::PathBuf;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use play::{Counting, Importer};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The importer, and the file that inputs are put into: in memory where the system has such a place.
fn setting() -> &'static (Importer, PathBuf) {
    static SETTING: OnceLock<(Importer, PathBuf)> = OnceLock::new();
    SETTING.get_or_init(|| {
        let name = std::env::var("NAPOT_IMPORTER").unwrap_or_default();
        let importer = Importer::named(&name).unwrap_or_else(|| panic!("NAPOT_IMPORTER: no importer `{name}`"));
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
        // Decoders that are known to panic are guarded: only what gets past the guard counts, below.
        std::panic::set_hook(Box::new(|_| {}));
        (importer, folder.join(format!("napot-fuzz-{}", std::process::id())))
    })
}

fuzz_target!(|bytes: &[u8]| {
    let (importer, path) = setting();
    if let Err(why) = importer.play(path, bytes) {
        eprintln!("{}: {why}", importer.name);
        std::process::abort();
    }
});
