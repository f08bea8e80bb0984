//! What `napot bind` leaves: pictures and volumes, and how near they came step by step.

use std::path::{Path, PathBuf};

use super::super::{numbers, written};
use super::{BindArgs, Common, pictures};
use crate::binding::consensus::MOST_ARRAYS;
use crate::error::{Error, Result};

/// Where the pictures go.
pub(super) fn out(common: &Common) -> Result<&Path> {
    let bound = "a picture, x.png, or its numbers, x.npy or x.tif";
    let out = written::out(common, bound)?;
    written::in_a_folder("--out", out)?;
    written::of_kind("--out", out, &["png", "npy", "tif", "tiff"], bound).map(|()| out)
}

/// Where the curve goes.
pub(super) fn curve(args: &BindArgs) -> Result<Option<&Path>> {
    let Some(curve) = args.curve.as_deref() else { return Ok(None) };
    written::in_a_folder("--curve", curve)?;
    written::of_kind("--curve", curve, &["png"], "x.png").map(|()| Some(curve))
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
    let read = read.into_iter().flatten().chain(&args.truth).chain(&args.learned).chain(args.prior.files());
    let read: Vec<&Path> = read.map(PathBuf::as_path).chain(listed.iter().copied()).collect();
    let pictures =
        out.into_iter().flat_map(|out| (0..MOST_ARRAYS).map(move |number| ("--out", named(out, number))));
    for (flag, file) in pictures.chain(curve.map(|curve| ("--curve", curve.to_path_buf()))) {
        written::spare(flag, &file, &read)?;
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

/// Says which files have the names of further wholes than were written: an earlier call left them.
pub(super) fn older(out: &Path, written: usize) {
    for file in (written..MOST_ARRAYS).map(|number| named(out, number)).filter(|file| file.exists()) {
        tracing::warn!("{} is not of this call, which has fewer wholes", file.display());
    }
}

/// Writes a whole of slices, rows and columns: of PNG, white is `most` or the brightest pixel.
pub(super) fn write(
    file: &Path,
    [slices, height, width]: [usize; 3],
    picture: &[f32],
    most: f32,
) -> Result<()> {
    if numbers::named(file) {
        return numbers::write(file, [slices, height, width], false, picture);
    }
    let brightest = || picture.iter().fold(f32::MIN_POSITIVE, |most, x| most.max(*x));
    let white = if most.is_finite() { most } else { brightest() };
    let grey: Vec<u8> =
        picture.iter().flat_map(|x| [(255.0 * x / white).clamp(0.0, 255.0).round() as u8; 3]).collect();
    pictures::write(file, (height, width), &grey)
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
