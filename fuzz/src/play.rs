//! Plays an input through one importer and holds it to its bounds: what the fuzzer and the replay of its corpus share.

use std::alloc::{GlobalAlloc, Layout, System};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};

use napot::error::Result;
use napot::session::{Session, is_session};
use napot::source::content::Content;
use napot::source::mcap::McapOptions;
use napot::source::media::{self, MediaOptions};
use napot::source::sound::SoundTrack;
use napot::source::sound::container::Survey;
use napot::source::sound::decode::{Decoder, Found};
use napot::source::video;
use napot::stream::Source;

/// The most bytes that an input may make an importer hold.
const MOST: isize = 64 << 20;
/// The same where pictures are unpacked: two of the largest that are read, and what decoding one needs.
const MOST_PICTURES: isize = 160 << 20;
/// The most items that are taken from a source: a small file may well hold hours of silence.
const MOST_ITEMS: usize = 100;

/// An allocator that counts the bytes held, and the most of them.
pub struct Counting;

static HELD: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = layout.size().cast_signed();
        PEAK.fetch_max(HELD.fetch_add(size, Relaxed) + size, Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size().cast_signed(), Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What `work` gives, and the most bytes that were held meanwhile.
pub fn most_held<T>(work: impl FnOnce() -> T) -> (T, isize) {
    let before = HELD.load(Relaxed);
    PEAK.store(before, Relaxed);
    let outcome = work();
    (outcome, PEAK.load(Relaxed) - before)
}

/// What reads a kind of file.
#[derive(Clone, Copy, Debug)]
pub struct Importer {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    content: Content,
}

/// All importers.
pub const IMPORTERS: [Importer; 17] = [
    Importer { name: "wave", content: Content::Wave },
    Importer { name: "flac", content: Content::Flac },
    Importer { name: "ogg", content: Content::Ogg },
    Importer { name: "mpeg", content: Content::MpegSound },
    Importer { name: "mp4", content: Content::Mp4 },
    Importer { name: "aiff", content: Content::Aiff },
    Importer { name: "caf", content: Content::Caf },
    Importer { name: "matroska", content: Content::Matroska },
    Importer { name: "avi", content: Content::Avi },
    Importer { name: "y4m", content: Content::Y4m },
    Importer { name: "gif", content: Content::Gif },
    Importer { name: "still", content: Content::Still },
    Importer { name: "table", content: Content::Table },
    Importer { name: "edf", content: Content::Edf },
    Importer { name: "xdf", content: Content::Xdf },
    Importer { name: "mcap", content: Content::Mcap },
    Importer { name: "session", content: Content::Mcap },
];

impl Importer {
    /// The importer of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        IMPORTERS.into_iter().find(|importer| importer.name == name)
    }

    /// Puts `bytes` into the file at `path` and reads it; what is not of the importer's kind is passed over.
    ///
    /// # Errors
    /// Says that it panicked, or how much memory it took.
    pub fn play(self, path: &Path, bytes: &[u8]) -> std::result::Result<(), String> {
        let head = &bytes[..bytes.len().min(4096)];
        if Content::of_head(head) != Some(self.content) {
            return Ok(());
        }
        std::fs::write(path, bytes).map_err(|cause| format!("{}: {cause}", path.display()))?;
        // Errors are what damaged files are for.
        let (outcome, most) = most_held(|| catch_unwind(AssertUnwindSafe(|| drop(self.read(path)))));
        if outcome.is_err() {
            return Err("it panicked".to_owned());
        }
        let bound = if self.shows() { MOST_PICTURES } else { MOST };
        if most > bound { Err(format!("it held {most} bytes (allowed: up to {bound})")) } else { Ok(()) }
    }

    fn shows(self) -> bool {
        self.content.may_show() || self.name == "mcap"
    }

    fn read(self, path: &Path) -> Result<()> {
        if self.name == "session" {
            let _ = is_session(path);
            let session = Session::open(path)?;
            return session.items()?.try_for_each(|item| item.map(drop));
        }
        if self.content.may_sound() || self.content.may_show() {
            // One after the other, and each to its own error.
            let sound = if self.content.may_sound() { self.hear(path) } else { Ok(()) };
            let video = if self.content.may_show() { video::open(path) } else { Ok(None) };
            return video?.map_or(Ok(()), drain).and(sound);
        }
        let mcap = McapOptions { rate: Some(48_000), ..McapOptions::default() };
        let media = media::open(path, &MediaOptions { mcap, ..MediaOptions::default() })?;
        let outcomes = [
            media.video.map(drain),
            media.sound.map(drain),
            media.scalar.map(|scalar| drain(scalar as Box<dyn Source<Item = _>>)),
        ];
        outcomes.into_iter().flatten().collect()
    }

    /// Decodes the sound, but not through the resampler: making its table for an odd rate takes longer than all the
    /// reading.
    fn hear(self, path: &Path) -> Result<()> {
        let survey = Survey::of(path, self.content)?;
        let Found::Track(mut decoder) = Decoder::open(path, self.content, &survey)? else { return Ok(()) };
        let mut frames = Vec::new();
        for _ in 0..MOST_ITEMS {
            frames.clear();
            if !decoder.next(&mut frames)? {
                break;
            }
        }
        Ok(())
    }
}

fn drain<T>(mut source: Box<dyn Source<Item = T>>) -> Result<()> {
    for _ in 0..MOST_ITEMS {
        if source.pull()?.is_none() {
            break;
        }
    }
    source.faults();
    Ok(())
}
