//! Pictures of numbers: NumPy files and TIFFs of one page or several, grey PNG and PGM of more than eight bits; which numbers are black and white.

mod wide;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use super::pictures;
use super::written::ends;
use crate::error::{Error, Result};
use crate::format::npy::{self, Array};
use crate::format::tiff;
use crate::memory::picture::{Picture, Plane};
use crate::sink::part::PartFile;
use crate::source::content::Content;
use crate::source::video::natural_order;

/// The endings of files of numbers.
const ENDINGS: [&str; 3] = ["npy", "tif", "tiff"];
/// What such files begin with: NumPy's; TIFF's of either order of bytes, and `BigTIFF`'s.
const STARTS: [&[u8]; 5] = [b"\x93NUMPY", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];
/// The most bytes of a file's start that are looked at: headers of PGM may hold comments.
const LOOKED_AT: u64 = 4_096;
/// The largest file of numbers that is read: the most numbers in doubles, and room for its header.
const MOST_BYTES: u64 = (8 * npy::MOST_NUMBERS + 8_192) as u64;
/// The most pages.
const MOST_PAGES: usize = 10_000;
/// How far a number may lie from the middle between black and white, in units of their distance, and how far most may: noise of σ = 2
/// lies within 2.
const FURTHEST: (f64, f64) = (1_000.0, 5.0);
/// The least part of a range that nobody named that numbers must reach.
const LEAST: f64 = 1.0 / 16.0;

/// Whether a file to be written is one of numbers, by its name.
pub(super) fn named(path: &Path) -> bool {
    ends(path, &ENDINGS)
}

/// Whether a file that is there holds numbers, by its first bytes; one that begins like nothing known by its name.
pub(super) fn holds(path: &Path) -> bool {
    if path.is_dir() {
        return false;
    }
    let start = start(path);
    STARTS.iter().any(|wanted| start.starts_with(wanted))
        || wide::begins(&start)
        || named(path) && Content::of(path).is_err()
}

/// Whether a file that holds numbers is a picture, too, of grey in more than eight bits.
pub(super) fn shows(path: &Path) -> bool {
    !path.is_dir() && wide::begins(&start(path))
}

/// The first bytes of a file, none of one that can't be read.
fn start(path: &Path) -> Vec<u8> {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LOOKED_AT).read_to_end(&mut start));
    if read.is_ok() { start } else { Vec::new() }
}

/// The files of numbers of a folder, in the natural order of their names, or the file itself if it is one.
pub(super) fn within(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(if holds(path) { vec![path.to_owned()] } else { Vec::new() });
    }
    let failed = |cause: std::io::Error| Error::input(path, "the folder cannot be read").value(cause);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        files.extend(Some(entry.map_err(failed)?.path()).filter(|file| file.is_file() && holds(file)));
    }
    files.sort_by(|one, other| natural_order(one, other));
    Ok(files)
}

/// The numbers of a file, whatever its axes.
pub(super) fn array(path: &Path) -> Result<Array> {
    let bytes = pictures::read(path, "the file", "NumPy files and TIFFs are read.", MOST_BYTES)?;
    if wide::begins(&bytes) {
        return wide::array(path, &bytes);
    }
    let numpy = ends(path, &["npy"]) && !STARTS[1..].iter().any(|start| bytes.starts_with(start));
    if numpy || bytes.starts_with(STARTS[0]) {
        Array::from_bytes(path, &bytes)
    } else {
        tiff::from_bytes(path, &bytes)
    }
}

/// Numbers in rows, in one page or several.
#[derive(Debug)]
pub(super) struct Grid {
    /// Pages, rows of each, columns.
    pub shape: [usize; 3],
    /// Row by row.
    pub values: Vec<f64>,
    /// Whether pages are an axis of the file, be it of one alone.
    pub stacked: bool,
    /// The largest number of their kind, where that is of whole numbers without sign.
    largest: Option<f64>,
}

impl Grid {
    /// A NumPy file or TIFF of two or three axes, or a grey picture of more than eight bits.
    pub fn read(path: &Path) -> Result<Self> {
        let Array { shape: axes, values, largest } = array(path)?;
        let shape = match axes[..] {
            [height, width] => [1, height, width],
            [pages, height, width] => [pages, height, width],
            _ => [0; 3],
        };
        if shape.contains(&0) {
            let error = Error::input(path, "it is no table of rows and columns").value(format!("{axes:?}"));
            return Err(error.bound("two axes, or three of pages, none empty"));
        }
        Ok(Self { shape, values, stacked: axes.len() == 3, largest })
    }

    /// The same, or the luminance of a picture, 0 to 1.
    pub fn of_any(path: &Path) -> Result<Self> {
        if holds(path) {
            let mut grid = Self::read(path)?;
            if shows(path) {
                let white = grid.largest.take().unwrap_or(1.0);
                grid.values.iter_mut().for_each(|x| *x /= white);
            }
            return Ok(grid);
        }
        let frame = pictures::picture(path)?;
        let seen = Picture::from_rgb(frame.height, frame.width, &frame.rgb, true);
        let values = seen.planes[0].values.iter().map(|x| f64::from(*x)).collect();
        Ok(Self { shape: [1, frame.height, frame.width], values, stacked: false, largest: None })
    }

    /// PSNR in dB of a picture against this one, whose brightest pixel is the peak; `None` where they are equal.
    pub fn psnr(&self, picture: &[f32]) -> Option<f64> {
        let peak = self.values.iter().fold(0.0f64, |most, x| most.max(*x));
        let square = |(x, y): (&f64, &f32)| (x - f64::from(*y)) * (x - f64::from(*y));
        let mean = self.values.iter().zip(picture).map(square).sum::<f64>() / self.values.len() as f64;
        (mean > 0.0 && peak > 0.0).then(|| 10.0 * libm::log10(peak * peak / mean))
    }

    /// Its first `most` pages as pictures of a range of 1, and that range: `named`, or all numbers of their kind, or 0 to 1.
    ///
    /// # Errors
    /// Where there are too many pages, a number is not finite or far beyond the range, or the numbers do not look like those of a range that
    /// nobody named.
    pub fn pages(&self, path: &Path, named: Option<Range>, most: usize) -> Result<(Vec<Picture>, Range)> {
        let [pages, height, width] = self.shape;
        let pages = pages.min(most);
        if pages > MOST_PAGES {
            let error = Error::input(path, "it has too many pages").value(pages);
            return Err(error.bound(format!("at most {MOST_PAGES}")));
        }
        let values = &self.values[..pages * height * width];
        let range = named.unwrap_or(Range { black: 0.0, white: self.largest.unwrap_or(1.0) });
        let far = |furthest: f64| move |x: &&f64| (range.unit(**x) - 0.5).abs() > furthest;
        let asked = "`--range LOW:HIGH` tells which number is black and which is white.";
        if let Some(at) = values.iter().position(|x| !x.is_finite()) {
            let error = Error::input(path, "a pixel is no number").at(self.place(at)).value(values[at]);
            let error = error.bound("finite numbers");
            return Err(error.help(
                "What was lost is named by `inpaint --mask`; give it any number, as `numpy.nan_to_num` does.",
            ));
        }
        let ends = |(least, most): (f64, f64), x: &f64| (least.min(*x), most.max(*x));
        let (least, largest) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), ends);
        let told = |problem: &str| {
            let error = Error::input(path, problem).value(format!("{least} to {largest}"));
            error.bound(format!("about {range}")).help(asked)
        };
        if 2 * values.iter().filter(far(FURTHEST.1)).count() > values.len() {
            return Err(told("most of its numbers are far from what is black and what is white"));
        }
        if let Some(at) = values.iter().position(|x| far(FURTHEST.0)(&x)) {
            let error = Error::input(path, "a number is far from what is black and what is white");
            return Err(error
                .at(self.place(at))
                .value(values[at])
                .bound(format!("about {range}"))
                .help(asked));
        }
        // Bytes and truth values are of their range whatever they reach, as pictures are.
        let guessed = named.is_none() && self.largest.is_none_or(|largest| largest > 255.0);
        if guessed && range.unit(largest) < LEAST {
            return Err(told("its numbers reach little of what would be black to white"));
        }
        let page = |values: &[f64]| Picture {
            planes: vec![Plane::of(height, width, |y, x| range.unit(values[y * width + x]) as f32)],
        };
        Ok((values.chunks_exact(height * width).map(page).collect(), range))
    }

    /// Where a number stands, in words.
    pub fn place(&self, at: usize) -> String {
        let [_, height, width] = self.shape;
        let (page, row, column) = (at / width / height, at / width % height, at % width);
        format!("page {page}, row {row}, column {column}")
    }
}

/// Which number is black and which is white.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub(super) struct Range {
    black: f64,
    white: f64,
}

impl Range {
    /// Black is 0, white 1.
    pub const UNIT: Self = Self { black: 0.0, white: 1.0 };

    /// A number in units of the range, black being 0.
    fn unit(self, x: f64) -> f64 {
        (x - self.black) / (self.white - self.black)
    }

    /// The number that is so far from black to white.
    pub fn back(self, x: f32) -> f32 {
        (self.black + f64::from(x) * (self.white - self.black)) as f32
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {}", self.black, self.white)
    }
}

/// What numbers that are read mean.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct RangeArgs {
    /// Which number is black and which is white, of pictures of numbers: NumPy files, TIFFs, grey PNG and PGM of more than eight bits. Where
    /// nothing is said, 0 and the largest of their kind if they are whole and have no sign, 0:1 otherwise; what reaches little of that is refused.
    #[arg(long, value_name = "LOW:HIGH", value_parser = range, allow_hyphen_values = true)]
    pub range: Option<Range>,
}

impl RangeArgs {
    /// As it stands in a call, behind a file.
    pub fn told(self) -> String {
        self.range.map_or_else(String::new, |Range { black, white }| format!(" --range {black}:{white}"))
    }

    /// Refuses a range where no picture that is read is of numbers.
    pub fn check<'a>(self, files: impl IntoIterator<Item = &'a PathBuf>) -> Result<()> {
        let some = |file: &PathBuf| within(file).is_ok_and(|files| !files.is_empty());
        if self.range.is_none() || files.into_iter().any(some) {
            return Ok(());
        }
        let error = Error::call("--range", "it tells of pictures of numbers, and none is read");
        Err(error.bound("a NumPy file, x.npy, a TIFF, x.tif, or a grey PNG or PGM of more than 8 bits"))
    }
}

/// A range on the command line, LOW:HIGH.
fn range(text: &str) -> std::result::Result<Range, String> {
    let ends = text.split_once(':').and_then(|(low, high)| Some((low.parse().ok()?, high.parse().ok()?)));
    match ends {
        Some((black, white)) if f64::is_finite(white - black) && black < white => Ok(Range { black, white }),
        _ => Err("allowed: LOW:HIGH, two numbers, the lower first, as in 0:4095".to_owned()),
    }
}

/// Writes pages of numbers as a NumPy file or a TIFF, by the file's name: whole or not at all. One page alone has no axis of pages where it is
/// not `stacked`.
pub(super) fn write(file: &Path, shape: [usize; 3], stacked: bool, values: &[f32]) -> Result<()> {
    let [pages, height, width] = shape;
    let bytes = if ends(file, &["npy"]) {
        npy::to_bytes(if pages == 1 && !stacked { &shape[1..] } else { &shape }, values)
    } else {
        tiff::to_bytes((height, width), values)?
    };
    let mut part = PartFile::create(file)?;
    part.bytes(&bytes)?;
    part.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(values: &[f64], largest: Option<f64>) -> Grid {
        Grid { shape: [1, 1, values.len()], values: values.to_vec(), stacked: false, largest }
    }

    #[test]
    fn psnr_goes_by_the_brightest_pixel() {
        let truth = grid(&[0.0, 2.0], None);
        assert_eq!(truth.psnr(&[0.0, 2.0]), None);
        let off = truth.psnr(&[0.2, 1.8]).unwrap();
        assert!((off - 20.0).abs() < 1e-3, "{off}");
    }

    #[test]
    fn a_range_of_numbers_comes_and_goes() {
        let path = Path::new("x.tif");
        let counts = [0.0, 1_023.75, 4_095.0];
        for (grid, named, expected) in [
            (grid(&counts, Some(65_535.0)), range("0:4095").ok(), [0.0, 0.25, 1.0]),
            (grid(&[0.0, 63.75, 255.0], Some(255.0)), None, [0.0, 0.25, 1.0]),
            (grid(&[-0.5, 0.25, 1.5], None), None, [-0.5, 0.25, 1.5]),
        ] {
            let (pages, range) = grid.pages(path, named, 9).unwrap();
            assert_eq!(pages[0].planes[0].values, expected);
            for (x, own) in pages[0].planes[0].values.iter().zip(&grid.values) {
                assert!((f64::from(range.back(*x)) - own).abs() < 1e-3);
            }
        }
        for text in ["", "1", "1:", "2:1", "1:1", "0:inf", "nan:1", "-1e308:1e308"] {
            assert!(range(text).unwrap_err().contains("LOW:HIGH"), "{text}");
        }
        assert_eq!(range("-2:2.5").unwrap(), Range { black: -2.0, white: 2.5 });
    }

    #[test]
    fn numbers_that_no_range_was_told_for_are_named_with_their_place() {
        let path = Path::new("counts.npy");
        let refused =
            |values: &[f64], largest| grid(values, largest).pages(path, None, 9).unwrap_err().to_string();
        let far = refused(&[120.0, 300.0, 4_000.0], None);
        for part in ["counts.npy", "120 to 4000", "0 to 1", "--range LOW:HIGH"] {
            assert!(far.contains(part), "{far}");
        }
        for (values, largest, parts) in [
            (&[0.0, f64::NAN][..], None, &["row 0, column 1", "NaN", "--mask"][..]),
            (&[0.5, 0.5, 3e38], None, &["row 0, column 2", "0 to 1"]),
            (&[85.0, 485.0], Some(65_535.0), &["85 to 485", "0 to 65535", "--range"]),
            (&[0.01, 0.02], None, &["0.01 to 0.02", "little", "--range"]),
        ] {
            let told = refused(values, largest);
            assert!(parts.iter().all(|part| told.contains(part)), "{told}");
        }
        assert!(grid(&[0.0, 1.0], Some(255.0)).pages(path, None, 9).is_ok(), "a dark picture is one");
    }
}
