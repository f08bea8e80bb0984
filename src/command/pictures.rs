//! What the commands of the memory share: pictures in, pictures out, and the file of a memory.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::numbers::{self, Grid, Range, RangeArgs};
use crate::error::{Error, Result};
use crate::memory::picture::Picture;
use crate::memory::recall::PatchMemory;
use crate::memory::store;
use crate::memory::trained::model::Model;
use crate::memory::trained::store::Kept;
use crate::memory::views;
use crate::signal::{Frame, Stamp};
use crate::sink::canvas::Canvas;
use crate::sink::part::{PartFile, part_of};
use crate::source::content::Content;
use crate::source::media::{self, MediaOptions};
use crate::source::video::{self, FrameSource};
use crate::time::Timestamp;

/// The largest memory that is read.
const MOST_BYTES: u64 = 4 << 30;
/// The most pictures that are learned in one call.
const MOST_PICTURES: usize = 10_000;

/// The most bytes of pictures that are learned in one call, three a pixel: they are held at once, as numbers of four.
const MOST_HELD: usize = 512 << 20;

/// The first picture of a file.
pub(super) fn picture(path: &Path) -> Result<Frame> {
    let mut room = usize::MAX;
    let mut first = gather(path, 1, 1, &mut room, |_| false)?;
    first.pop().ok_or_else(|| no_pictures(path))
}

/// Every picture of files and folders, each at least `least` pixels high and wide, and every page of files of numbers.
pub(super) fn pictures(paths: &[PathBuf], numbers: RangeArgs, least: usize) -> Result<Vec<Frame>> {
    Ok(placed(paths, numbers, least)?.into_iter().map(|(_, frame)| frame).collect())
}

/// The same, each with its file, and its place there where that holds several.
pub(super) fn placed(paths: &[PathBuf], numbers: RangeArgs, least: usize) -> Result<Vec<(String, Frame)>> {
    numbers.check(paths)?;
    let mut all = Vec::new();
    let mut room = MOST_HELD;
    for path in paths {
        let within = numbers::within(path)?;
        let tables: BTreeSet<&PathBuf> = within.iter().collect();
        for file in &within {
            let found = pages(file, numbers.range, least, &mut room)?;
            let several = found.len() > 1;
            all.extend(found.into_iter().map(|frame| (place(file, "page", several, &frame), frame)));
        }
        // A folder may hold both, and some of its pictures were read as numbers.
        let files = if path.is_dir() { video::pictures_of(path).unwrap_or_default() } else { Vec::new() };
        let file = |sequence: u64| usize::try_from(sequence).ok().and_then(|at| files.get(at));
        if tables.is_empty() || files.iter().any(|file| !tables.contains(file)) {
            let read = |sequence: u64| file(sequence).is_some_and(|file| tables.contains(file));
            let found = gather(path, MOST_PICTURES + 1, least, &mut room, read)?;
            let several = found.len() > 1;
            let named = |frame: &Frame| match file(frame.sequence) {
                Some(file) => place(file, "picture", false, frame),
                None => place(path, "picture", several, frame),
            };
            all.extend(found.into_iter().map(|frame| (named(&frame), frame)));
        }
        if all.len() > MOST_PICTURES {
            let error = Error::call(path.display().to_string(), "there are too many pictures");
            return Err(error
                .value(format!("over {MOST_PICTURES}"))
                .bound(format!("at most {MOST_PICTURES}")));
        }
    }
    Ok(all)
}

/// The pictures of a file or folder; `None` where it holds none.
pub(super) fn source(path: &Path) -> Result<Option<FrameSource>> {
    let content = if path.is_dir() { None } else { Some(Content::of(path)?) };
    match content {
        // Sessions are MCAP files, and so are other programs' recordings.
        Some(Content::Mcap) => Ok(media::open(path, &MediaOptions::default())?.video),
        Some(content) if !content.may_show() => Ok(None),
        _ => video::open(path),
    }
}

/// A picture's file, and its number there where it has `several`.
fn place(file: &Path, what: &str, several: bool, frame: &Frame) -> String {
    let number = if several { format!(", {what} {}", frame.sequence) } else { String::new() };
    format!("{}{number}", file.display())
}

/// The first `most` pictures of a file or folder but those to `skip` by their numbers, none smaller than `least`, as long as there is `room` for
/// their bytes.
fn gather(
    path: &Path,
    most: usize,
    least: usize,
    room: &mut usize,
    skip: impl Fn(u64) -> bool,
) -> Result<Vec<Frame>> {
    let mut source = source(path)?.ok_or_else(|| no_pictures(path))?;
    let mut frames = Vec::new();
    while frames.len() < most
        && let Some(frame) = source.pull()?
    {
        if !skip(frame.sequence) {
            frames.push(held(path, frame, least, room)?);
        }
    }
    if frames.is_empty() { Err(no_pictures(path)) } else { Ok(frames) }
}

/// The pages of a file of numbers, in the same way: in bytes, and what lies beyond black and white cut.
fn pages(path: &Path, range: Option<Range>, least: usize, room: &mut usize) -> Result<Vec<Frame>> {
    let (pages, _) = Grid::read(path)?.pages(path, range, usize::MAX)?;
    let frame = |(sequence, page): (u64, &Picture)| {
        let (width, height) = (page.width(), page.height());
        let stamp = Stamp::recorded(Timestamp::ZERO);
        held(path, Frame { stamp, sequence, width, height, rgb: page.to_rgb() }, least, room)
    };
    (0..).zip(&pages).map(frame).collect()
}

/// A picture, if it is large enough and there is room for it.
fn held(path: &Path, frame: Frame, least: usize, room: &mut usize) -> Result<Frame> {
    if frame.height.min(frame.width) < least {
        return Err(too_small(path, &frame, least));
    }
    *room = room.checked_sub(frame.rgb.len()).ok_or_else(|| too_large(path))?;
    Ok(frame)
}

fn no_pictures(path: &Path) -> Error {
    Error::input(path, "there is no picture in it")
        .bound("PNG, JPEG, BMP, PNM, GIF, a film, a session, a folder of pictures, or numbers: x.npy, x.tif")
}

fn too_small(path: &Path, frame: &Frame, least: usize) -> Error {
    Error::input(path, "a picture is too small to be learned from")
        .at(format!("picture {}", frame.sequence))
        .value(format!("{} x {}", frame.width, frame.height))
        .bound(format!("at least {least} x {least}"))
}

fn too_large(path: &Path) -> Error {
    Error::call(path.display().to_string(), "the pictures are too large to be learned in one call")
        .bound(format!("at most {} MiB together, three bytes a pixel", MOST_HELD >> 20))
        .help("Give fewer or smaller ones; a memory learns on in several calls, a renderer by `--from`.")
}

/// Writes sRGB bytes as a PNG file: whole or not at all.
pub(super) fn write(path: &Path, (height, width): (usize, usize), rgb: &[u8]) -> Result<()> {
    let mut canvas = Canvas::new(width, height);
    for (at, rgb) in rgb.as_chunks::<3>().0.iter().enumerate() {
        canvas.put(at % width, at / width, *rgb);
    }
    canvas.save(path)
}

/// Refuses a folder that is there already, with this problem and what would be allowed.
pub(super) fn new_folder(out: &Path, problem: &str, bound: &str) -> Result<()> {
    if out.exists() {
        return Err(Error::call("--out", problem).value(out.display()).bound(bound));
    }
    Ok(())
}

/// Makes the folder `out`, which gets its name when `fill` is done with it, and is gone where that fails.
pub(super) fn whole_folder<T>(out: &Path, fill: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    // Without a separator at its end, which would put what is unfinished inside of it.
    let out: &Path = &out.components().collect::<PathBuf>();
    let part = part_of(out);
    let failed = |cause: std::io::Error| Error::output(&part, "the folder can't be made").value(cause);
    if part.exists() {
        // It may be what a call that was ended left, or somebody's own.
        let error = Error::output(&part, "the folder of what is unfinished exists already");
        return Err(error.help("Remove it, or name another folder."));
    }
    fs::create_dir_all(&part).map_err(failed)?;
    match fill(&part) {
        Ok(made) => {
            fs::rename(&part, out)
                .map_err(|cause| Error::output(out, "the folder can't take its name").value(cause))?;
            Ok(made)
        }
        Err(error) => {
            // The first error is the one to tell.
            let _ = fs::remove_dir_all(&part);
            Err(error)
        }
    }
}

/// Reads a memory.
pub(super) fn load(path: &Path) -> Result<PatchMemory> {
    store::from_bytes(path, &read(path, "the memory", "`napot memory learn` makes one.", MOST_BYTES)?)
}

/// The model that comes with the program; `docs/restoration.md` says how it was made.
const MODEL: &[u8] = include_bytes!("renderer.safetensors");

/// Reads a trained model, or the one that comes with the program.
pub(super) fn load_model(path: Option<&Path>) -> Result<Model> {
    let kept = match path {
        Some(path) => load_trained(path)?,
        None => Kept::from_bytes(Path::new("the built-in model"), MODEL)?,
    };
    Ok(kept.training.model)
}

/// Reads a trained model, or a training on its way.
pub(super) fn load_trained(path: &Path) -> Result<Kept> {
    Kept::from_bytes(path, &read(path, "the model", "`napot learn` makes one.", MOST_BYTES)?)
}

/// Reads a reconstruction of few views.
pub(super) fn load_views(path: &Path) -> Result<views::store::Kept> {
    let help = "`napot learn views` makes one.";
    views::store::Kept::from_bytes(path, &read(path, "the model", help, MOST_BYTES)?)
}

/// Reads a whole file of at most `most` bytes, whatever its system says of its length.
pub(super) fn read(path: &Path, what: &str, help: &str, most: u64) -> Result<Vec<u8>> {
    let failed = |cause: std::io::Error| {
        let error = Error::call(path.display().to_string(), format!("{what} can't be read")).value(cause);
        error.help(help)
    };
    let file = File::open(path).map_err(failed)?;
    let told = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::new();
    if told <= most {
        file.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    }
    let size = told.max(bytes.len() as u64);
    if size > most {
        let error = Error::input(path, format!("{what} is too large, in bytes"));
        return Err(error.value(size).bound(format!("at most {most}")));
    }
    Ok(bytes)
}

/// Writes a memory; one of that name stays as it is until the new one is whole.
pub(super) fn save(path: &Path, memory: &PatchMemory) -> Result<()> {
    let bytes = store::to_bytes(memory)?;
    let mut file = PartFile::create(path)?;
    file.bytes(&bytes)?;
    file.finish()
}

/// The threads that a command takes where none are named: as many as there are cores.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_that_memory_does_not_hold_at_once_are_refused_with_a_way_out() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.ppm", "b.ppm"] {
            std::fs::write(folder.path().join(name), b"P6\n2 2\n255\n............").unwrap();
        }
        let held = |room: usize| gather(folder.path(), 9, 1, &mut room.clone(), |_| false);
        assert_eq!(held(24).unwrap().len(), 2);
        let refused = held(23).unwrap_err().to_string();
        for part in ["too large to be learned in one call", "512 MiB", "several calls"] {
            assert!(refused.contains(part), "{refused}");
        }
    }
}
