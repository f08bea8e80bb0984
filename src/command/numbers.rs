//! Pictures of numbers: NumPy files and TIFFs of one page or several, and which of their numbers are black and white.

use std::path::{Path, PathBuf};

use clap::Args;

use super::pictures;
use super::written::ends;
use crate::error::{Error, Result};
use crate::format::npy::{self, Array};
use crate::format::tiff;
use crate::memory::picture::{Picture, Plane};
use crate::sink::part::PartFile;

/// The endings of files of numbers.
pub(super) const ENDINGS: [&str; 3] = ["npy", "tif", "tiff"];
/// The largest file of numbers that is read: the most numbers in doubles, and room for its header.
const MOST_BYTES: u64 = (8 * tiff::MOST_NUMBERS + 8_192) as u64;
/// How far from the middle between black and white, in units of their distance, half of a picture's numbers may lie: noise
/// of σ = 2 lies within 2.
const FURTHEST: f64 = 5.0;

/// Whether a file is one of numbers, by its name.
pub(super) fn named(path: &Path) -> bool {
    ends(path, &ENDINGS)
}

/// The numbers of a file, whatever its axes.
pub(super) fn array(path: &Path) -> Result<Array> {
    let bytes = pictures::read(path, "the file", "`numpy.save` writes one.", MOST_BYTES)?;
    if ends(path, &["npy"]) { Array::from_bytes(path, &bytes) } else { tiff::from_bytes(path, &bytes) }
}

/// Numbers in rows, in one page or several.
#[derive(Debug)]
pub(super) struct Grid {
    /// Pages, rows of each, columns.
    pub shape: [usize; 3],
    /// Row by row.
    pub values: Vec<f64>,
    /// The largest number of their kind, where that is of whole numbers.
    largest: Option<f64>,
}

impl Grid {
    /// A NumPy file or TIFF of two or three axes.
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
        Ok(Self { shape, values, largest })
    }

    /// The same, or the luminance of a picture, 0 to 1.
    pub fn of_any(path: &Path) -> Result<Self> {
        if named(path) {
            return Self::read(path);
        }
        let frame = pictures::picture(path)?;
        let seen = Picture::from_rgb(frame.height, frame.width, &frame.rgb, true);
        let values = seen.planes[0].values.iter().map(|x| f64::from(*x)).collect();
        Ok(Self { shape: [1, frame.height, frame.width], values, largest: None })
    }

    /// PSNR in dB of a picture against this one, whose brightest pixel is the peak; `None` where they are equal.
    pub fn psnr(&self, picture: &[f32]) -> Option<f64> {
        let peak = self.values.iter().fold(0.0f64, |most, x| most.max(*x));
        let square = |(x, y): (&f64, &f32)| (x - f64::from(*y)) * (x - f64::from(*y));
        let mean = self.values.iter().zip(picture).map(square).sum::<f64>() / self.values.len() as f64;
        (mean > 0.0 && peak > 0.0).then(|| 10.0 * libm::log10(peak * peak / mean))
    }

    /// Its pages as pictures of a range of 1, and that range: `named`, or all numbers of their kind, or 0 to 1.
    ///
    /// # Errors
    /// Where a number is not finite, or most lie far beyond the range.
    pub fn pages(&self, path: &Path, named: Option<Range>) -> Result<(Vec<Picture>, Range)> {
        let [_, height, width] = self.shape;
        let place = |at: usize| {
            let (page, row, column) = (at / width / height, at / width % height, at % width);
            format!("page {page}, row {row}, column {column}")
        };
        if let Some(at) = self.values.iter().position(|x| !x.is_finite()) {
            let error = Error::input(path, "a pixel is no number").at(place(at)).value(self.values[at]);
            return Err(error.bound("finite numbers"));
        }
        let range = named.unwrap_or(Range { black: 0.0, white: self.largest.unwrap_or(1.0) });
        let mut apart: Vec<f64> = self.values.iter().map(|x| (range.unit(*x) - 0.5).abs()).collect();
        let middle = apart.len() / 2;
        let (_, median, _) = apart.select_nth_unstable_by(middle, f64::total_cmp);
        if *median > FURTHEST {
            let ends = |(least, most): (f64, f64), x: &f64| (least.min(*x), most.max(*x));
            let (least, most) = self.values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), ends);
            let error =
                Error::input(path, "most of its numbers are far from what is black and what is white");
            let error = error.value(format!("{least} to {most}")).bound(format!("about {range}"));
            return Err(error.help("`--range LOW:HIGH` tells which number is black and which is white."));
        }
        let page = |values: &[f64]| Picture {
            planes: vec![Plane::of(height, width, |y, x| range.unit(values[y * width + x]) as f32)],
        };
        Ok((self.values.chunks_exact(height * width).map(page).collect(), range))
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
    /// Which number is black and which is white, of pictures of numbers. Where nothing is said, 0 and the largest of their kind if they are whole,
    /// 0:1 otherwise.
    #[arg(long, value_name = "LOW:HIGH", value_parser = range, allow_hyphen_values = true)]
    pub range: Option<Range>,
}

impl RangeArgs {
    /// As it stands in a call, behind a file.
    pub fn told(self) -> String {
        self.range.map_or_else(String::new, |Range { black, white }| format!(" --range {black}:{white}"))
    }

    /// Refuses a range where no file that is read holds numbers.
    pub fn check<'a>(self, files: impl IntoIterator<Item = &'a PathBuf>) -> Result<()> {
        if self.range.is_none() || files.into_iter().any(|file| named(file)) {
            return Ok(());
        }
        let error = Error::call("--range", "it tells of numbers, and no file that is read holds any");
        Err(error.bound("a NumPy file, x.npy, or a TIFF, x.tif"))
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

/// Writes pages of numbers as a NumPy file or a TIFF, by the file's name: whole or not at all.
pub(super) fn write(file: &Path, [pages, height, width]: [usize; 3], values: &[f32]) -> Result<()> {
    let bytes = if ends(file, &["npy"]) {
        let shape = [pages, height, width];
        npy::to_bytes(if pages == 1 { &shape[1..] } else { &shape }, values)
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
        Grid { shape: [1, 1, values.len()], values: values.to_vec(), largest }
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
            let (pages, range) = grid.pages(path, named).unwrap();
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
        let refused = |values: &[f64]| grid(values, None).pages(path, None).unwrap_err().to_string();
        let far = refused(&[120.0, 300.0, 4_000.0]);
        for part in ["counts.npy", "120 to 4000", "0 to 1", "--range LOW:HIGH"] {
            assert!(far.contains(part), "{far}");
        }
        let none = refused(&[0.0, f64::NAN]);
        assert!(none.contains("row 0, column 1") && none.contains("NaN"), "{none}");
    }
}
