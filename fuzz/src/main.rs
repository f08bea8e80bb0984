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
        let importer =
            Importer::named(&name).unwrap_or_else(|| panic!("NAPOT_IMPORTER: no importer `{name}`"));
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
        // Decoders that are known to panic are guarded: only what gets past the guard counts, below.
        std::panic::set_hook(Box::new(|_| {}));
        (importer, folder.join(format!("napot-fuzz-{}", std::process::id())))
    })
}

/// The longest that an input may take, with all that the fuzzer counts: three times what it takes without.
const MOST_SECONDS: f64 = 3.0;

/// What this thread has had of the processor, in seconds.
fn processor_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the place is this function's own.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

fuzz_target!(|bytes: &[u8]| {
    let (importer, path) = setting();
    let before = processor_seconds();
    let outcome = importer.play(path, bytes).and_then(|()| {
        let took = processor_seconds() - before;
        if took > MOST_SECONDS {
            Err(format!("it took {took:.1} s (allowed: up to {MOST_SECONDS})"))
        } else {
            Ok(())
        }
    });
    if let Err(why) = outcome {
        eprintln!("{}: {why}", importer.name);
        std::process::abort();
    }
});
