//! Replays the fuzzer's corpus: every input in `tests/data/fuzz` through its importer, without panic and in bounds.
//!
//! `seed-*` are small whole files that `ffmpeg`, Pillow and the libraries of the formats wrote; all others are inputs
//! that once broke an importer.

#[path = "../fuzz/src/play.rs"]
mod play;

use std::path::Path;

use play::{Counting, IMPORTERS, Importer};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// One test, so that nothing else counts into the memory that an input takes.
#[test]
fn every_input_of_the_corpus_ends_in_bounds_and_whole_files_are_told_from_spoilt_ones() {
    // SAFETY: no other thread of this process reads or writes the environment yet.
    unsafe { std::env::set_var("PATH", "/nowhere") };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input");
    for importer in IMPORTERS {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz").join(importer.name);
        let mut seeds = 0;
        for entry in
            std::fs::read_dir(&corpus).unwrap_or_else(|cause| panic!("{}: {cause}", corpus.display()))
        {
            let input = entry.unwrap().path();
            let bytes = std::fs::read(&input).unwrap();
            let whole = input.file_name().unwrap().to_string_lossy().starts_with("seed-");
            seeds += usize::from(whole);
            importer.play(&path, &bytes).unwrap_or_else(|why| panic!("{}: {why}", input.display()));
            // What is cut anywhere ends in bounds, too.
            for eighth in 1..8 {
                let cut = &bytes[..bytes.len() * eighth / 8];
                importer.play(&path, cut).unwrap_or_else(|why| panic!("{}, cut: {why}", input.display()));
            }
        }
        assert!(seeds > 0, "{}: no whole file", importer.name);
    }
    assert!(Importer::named("tape").is_none());
    let ((), most) = play::most_held(|| drop(vec![0_u8; 100 << 20]));
    assert!(most >= 100 << 20, "{most} bytes were counted");
}
