//! What `napot bind` leaves: pictures and volumes, and how near they came step by step.

use std::path::{Path, PathBuf};

use super::input::ends;
use super::{BindArgs, Common, memory, pictures};
use crate::binding::consensus::MOST_ARRAYS;
use crate::error::{Error, Result};
use crate::format::{npy, tiff};
use crate::sink::part::PartFile;

/// Where the pictures go.
pub(super) fn out(common: &Common) -> Result<&Path> {
    let bound = "a picture, x.png, or its numbers, x.npy or x.tif";
    let out = memory::out(common, bound)?;
    memory::in_a_folder("--out", out)?;
    if ends(out, &["png", "npy", "tif", "tiff"]) {
        return Ok(out);
    }
    Err(Error::call("--out", "pictures of this kind are not written").value(out.display()).bound(bound))
}

/// Where the curve goes.
pub(super) fn curve(args: &BindArgs) -> Result<Option<&Path>> {
    let Some(curve) = args.curve.as_deref() else { return Ok(None) };
    memory::in_a_folder("--curve", curve)?;
    if !ends(curve, &["png"]) {
        let error = Error::call("--curve", "curves of this kind are not drawn").value(curve.display());
        return Err(error.bound("x.png"));
    }
    Ok(Some(curve))
}

/// Refuses to write over what is read, be it by a further whole, or one file over another.
pub(super) fn spare(
    out: Option<&Path>,
    curve: Option<&Path>,
    args: &BindArgs,
    listed: &[&Path],
) -> Result<()> {
    let angles = args.angles.as_ref().map(PathBuf::from);
    let read = [Some(&args.seen), angles.as_ref(), args.assign.as_ref()];
    let read = read.into_iter().flatten().chain(&args.truth).chain(args.prior.files());
    let read = read.map(PathBuf::as_path).chain(listed.iter().copied());
    let read: Vec<PathBuf> = read.filter_map(|file| file.canonicalize().ok()).collect();
    let pictures =
        out.into_iter().flat_map(|out| (0..MOST_ARRAYS).map(move |number| ("--out", named(out, number))));
    let mut files = pictures.chain(curve.map(|curve| ("--curve", curve.to_path_buf())));
    if let Some((flag, file)) =
        files.find(|(_, file)| file.canonicalize().is_ok_and(|file| read.contains(&file)))
    {
        return Err(Error::call(flag, "this file is read").value(file.display()).bound("another file"));
    }
    match out.zip(curve) {
        Some((out, curve)) if (0..MOST_ARRAYS).any(|number| named(out, number) == curve) => {
            let error = Error::call("--curve", "a whole is written there").value(curve.display());
            Err(error.bound("another file"))
        }
        _ => Ok(()),
    }
}

/// The file of a whole: as named, then with `-2`, `-3` behind its name.
pub(super) fn named(out: &Path, number: usize) -> PathBuf {
    if number == 0 {
        return out.to_path_buf();
    }
    let part = |text: Option<&std::ffi::OsStr>| text.unwrap_or_default().to_string_lossy().into_owned();
    out.with_file_name(format!("{}-{}.{}", part(out.file_stem()), number + 1, part(out.extension())))
}

/// Writes a whole of slices, rows and columns: of PNG, white is `most` or the brightest pixel.
pub(super) fn write(
    file: &Path,
    [slices, height, width]: [usize; 3],
    picture: &[f32],
    most: f32,
) -> Result<()> {
    let bytes = if ends(file, &["npy"]) {
        let shape = if slices == 1 { &[height, width][..] } else { &[slices, height, width] };
        npy::to_bytes(shape, picture)
    } else if ends(file, &["tif", "tiff"]) {
        tiff::to_bytes((height, width), picture)?
    } else {
        let brightest = || picture.iter().fold(f32::MIN_POSITIVE, |most, x| most.max(*x));
        let white = if most.is_finite() { most } else { brightest() };
        let grey: Vec<u8> =
            picture.iter().flat_map(|x| [(255.0 * x / white).clamp(0.0, 255.0).round() as u8; 3]).collect();
        return pictures::write(file, (height, width), &grey);
    };
    let mut part = PartFile::create(file)?;
    part.bytes(&bytes)?;
    part.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_wholes_have_names_of_their_own() {
        assert_eq!(named(Path::new("a/x.png"), 0), Path::new("a/x.png"));
        assert_eq!(named(Path::new("a/x.png"), 2), Path::new("a/x-3.png"));
    }
}
