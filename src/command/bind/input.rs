//! What `napot bind` reads, checked: the sinogram, its angles, which array has which view, the truth.

use std::path::Path;

use super::{BindArgs, pictures};
use crate::binding::align::Seen;
use crate::binding::consensus::MOST_ARRAYS;
use crate::binding::projection::MOST_SIDE;
use crate::error::{Error, Result};
use crate::format::npy::Array;
use crate::memory::picture::Picture;

/// The largest file of numbers that is read: the largest sinogram in doubles, and room for its header.
const MOST_BYTES: u64 = (8 * MOST_SIDE * MOST_SIDE + 8_192) as u64;
/// The largest number of a sinogram: its square is one, too.
const LARGEST: f64 = 1e15;
/// Angles nearer than this, in degrees, are the same.
const SAME: f64 = 1e-6;

/// Numbers in rows.
#[derive(Debug)]
pub(super) struct Grid {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Row by row.
    pub values: Vec<f64>,
}

impl Grid {
    /// A NumPy file of two axes, or the luminance of a picture, 0 to 1.
    pub fn read(path: &Path) -> Result<Self> {
        if path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("npy")) {
            let frame = pictures::picture(path)?;
            let plane = Picture::from_rgb(frame.height, frame.width, &frame.rgb, true).luminance();
            let values = plane.planes[0].values.iter().map(|x| f64::from(*x)).collect();
            return Ok(Self { height: frame.height, width: frame.width, values });
        }
        let Array { shape, values } = array(path)?;
        match shape[..] {
            [height, width] if height > 0 && width > 0 => Ok(Self { height, width, values }),
            _ => {
                let error =
                    Error::input(path, "it is no table of rows and columns").value(format!("{shape:?}"));
                Err(error.bound("two axes, none empty"))
            }
        }
    }

    /// PSNR in dB of a picture against this one, whose brightest pixel is the peak; `None` where they are equal.
    pub fn psnr(&self, picture: &[f32]) -> Option<f64> {
        let peak = self.values.iter().fold(0.0f64, |most, x| most.max(*x));
        let square = |(x, y): (&f64, &f32)| (x - f64::from(*y)) * (x - f64::from(*y));
        let mean = self.values.iter().zip(picture).map(square).sum::<f64>() / self.values.len() as f64;
        (mean > 0.0 && peak > 0.0).then(|| 10.0 * libm::log10(peak * peak / mean))
    }
}

/// A sinogram with all that is known of it.
#[derive(Debug)]
pub(super) struct Views {
    /// Columns.
    pub detectors: usize,
    /// Of each row.
    pub degrees: Vec<f64>,
    /// The rows of each array.
    pub arrays: Vec<Vec<usize>>,
    /// Numbers that are not finite.
    pub unseen: usize,
    values: Vec<f32>,
}

impl Views {
    /// Reads what the call names.
    pub fn read(args: &BindArgs) -> Result<Self> {
        let file = &args.sinogram;
        if file.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("npy")) {
            let error = Error::input(file, "a sinogram is a NumPy file").bound("NAME.npy");
            return Err(error.help("`numpy.save` writes one."));
        }
        let Grid { height, width, values } = Grid::read(file)?;
        if width > MOST_SIDE || height > MOST_SIDE {
            let error = Error::input(file, "the sinogram is too large").value(format!("{height} x {width}"));
            return Err(error.bound(format!("{MOST_SIDE} x {MOST_SIDE}")));
        }
        let degrees = angles(&args.angles, file, (height, width))?;
        repeated(&args.angles, &degrees)?;
        let arrays = match &args.assign {
            Some(assign) => assigned(assign, height)?,
            None => wedges(args.arrays, &degrees)?,
        };
        if let Some(at) = values.iter().position(|number| number.is_finite() && number.abs() > LARGEST) {
            let error = Error::input(file, "a number is too large").at(format!(
                "row {}, column {}",
                at / width,
                at % width
            ));
            return Err(error.value(values[at]).bound(format!("at most {LARGEST:e}")));
        }
        let values: Vec<f32> = values.into_iter().map(|number| number as f32).collect();
        let unseen = values.iter().filter(|number| !number.is_finite()).count();
        if unseen > 0 {
            told(file, &values, width, unseen);
        }
        Ok(Self { detectors: width, degrees, arrays, unseen, values })
    }

    /// What an array of these views sees.
    pub fn of(&self, views: &[usize]) -> Seen {
        let line = |view: &usize| &self.values[view * self.detectors..][..self.detectors];
        Seen {
            degrees: views.iter().map(|view| self.degrees[*view]).collect(),
            data: views.iter().flat_map(line).copied().collect(),
        }
    }

    /// The root of the mean square of all numbers that are seen.
    pub fn rms(&self) -> f64 {
        let seen = self.values.iter().filter(|number| number.is_finite());
        let square: f64 = seen.map(|number| f64::from(*number) * f64::from(*number)).sum();
        (square / (self.values.len() - self.unseen).max(1) as f64).sqrt()
    }
}

/// Says which columns, or how many numbers, are not seen.
fn told(file: &Path, values: &[f32], width: usize, unseen: usize) {
    let blind = |column: &usize| values.iter().skip(*column).step_by(width).all(|number| !number.is_finite());
    let columns: Vec<usize> = (0..width).filter(blind).collect();
    let columns = if columns.is_empty() {
        String::new()
    } else {
        format!(", among them all of columns {}", super::some(&columns))
    };
    let file = file.display();
    tracing::warn!(
        "{file}: {unseen} of {} numbers are not finite{columns}: they count as not seen",
        values.len()
    );
}

/// The numbers of a NumPy file.
fn array(path: &Path) -> Result<Array> {
    Array::from_bytes(path, &pictures::read(path, "the file", "`numpy.save` writes one.", MOST_BYTES)?)
}

/// The words of a text file: between blanks, commas and ends of lines; what follows a `#` is for people.
fn words(path: &Path, help: &str) -> Result<Vec<String>> {
    let bytes = pictures::read(path, "the file", help, MOST_BYTES)?;
    let text = String::from_utf8(bytes).map_err(|_| Error::input(path, "it is no text"))?;
    let between = |letter: char| letter.is_whitespace() || letter == ',';
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    Ok(lines
        .flat_map(|line| line.split(between))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect())
}

/// Degrees of each row.
fn angles(named: &str, sinogram: &Path, (rows, columns): (usize, usize)) -> Result<Vec<f64>> {
    let ends: Option<(f64, f64)> =
        named.split_once(':').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    let degrees: Vec<f64> = match ends {
        Some((from, to)) => (0..rows).map(|row| from + (to - from) * row as f64 / rows as f64).collect(),
        None => from_file(Path::new(named))?,
    };
    if let Some(row) = degrees.iter().position(|angle| !angle.is_finite()) {
        let error = Error::call("--angles", "an angle is no number").at(format!("row {row} of {named}"));
        return Err(error.value(degrees[row]).bound("a finite number of degrees"));
    }
    if degrees.is_empty() {
        return Err(Error::input(Path::new(named), "there is no angle in it")
            .value(0)
            .bound(format!("{rows}, one a row")));
    }
    if degrees.len() != rows {
        let error = Error::input(sinogram, "it has another number of rows than there are angles").value(rows);
        let error = error.bound(format!("{} rows, as {named} has angles", degrees.len()));
        let turned = "Its columns are as many: turn it over, `sinogram.T`.";
        return Err(if degrees.len() == columns { error.help(turned) } else { error });
    }
    Ok(degrees)
}

fn from_file(path: &Path) -> Result<Vec<f64>> {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy")) {
        return Ok(array(path)?.values);
    }
    let number = |(row, word): (usize, &String)| {
        word.parse::<f64>().map_err(|_| {
            let error = Error::input(path, "this is no angle").at(format!("word {row}")).value(word);
            error.bound("a number of degrees")
        })
    };
    words(path, "`--angles` takes FROM:TO in degrees, or a file with one for each view.")?
        .iter()
        .enumerate()
        .map(number)
        .collect()
}

/// Two views under one angle are a fault of the file: they would count twice.
fn repeated(named: &str, degrees: &[f64]) -> Result<()> {
    let mut order: Vec<usize> = (0..degrees.len()).collect();
    let around = |row: usize| degrees[row].rem_euclid(360.0);
    order.sort_by(|one, other| around(*one).total_cmp(&around(*other)));
    let first_again = order.first().map(|first| (*first, around(*first) + 360.0));
    let last = order.last().map(|last| (*last, around(*last)));
    let wrapped =
        first_again.zip(last).filter(|((first, high), (last, low))| first != last && high - low < SAME);
    let near = |pair: &&[usize]| around(pair[1]) - around(pair[0]) < SAME;
    let pair = order.windows(2).find(near).map(|pair| (pair[0], pair[1]));
    let Some((one, other)) = pair.or(wrapped.map(|((first, _), (last, _))| (first, last))) else {
        return Ok(());
    };
    let error = Error::call("--angles", "two views have the same angle, in degrees");
    let place = format!("rows {} and {} of {named}", one.min(other), one.max(other));
    Err(error.at(place).value(degrees[one]).bound("each angle once"))
}

/// The rows of each array: neighbours by their angle, half a turn being the same line.
fn wedges(arrays: usize, degrees: &[f64]) -> Result<Vec<Vec<usize>>> {
    let views = degrees.len();
    let most = views.min(MOST_ARRAYS);
    if !(2..=most).contains(&arrays) {
        if views < 2 {
            let error = Error::call("--arrays", "one view can't be split among arrays").value(views);
            return Err(error.bound("at least 2 views"));
        }
        let problem = match arrays {
            1 => "one array alone has nothing to bind to",
            _ => "the views can't be split among so many arrays",
        };
        return Err(Error::call("--arrays", problem)
            .value(arrays)
            .bound(format!("2 to {most}, of {views} views")));
    }
    let mut order: Vec<usize> = (0..views).collect();
    let line = |row: usize| degrees[row].rem_euclid(180.0);
    order.sort_by(|one, other| line(*one).total_cmp(&line(*other)));
    let wedge = |array: usize| {
        let mut own = order[array * views / arrays..(array + 1) * views / arrays].to_vec();
        own.sort_unstable();
        own
    };
    Ok((0..arrays).map(wedge).collect())
}

/// The rows of each array by a file.
fn assigned(path: &Path, views: usize) -> Result<Vec<Vec<usize>>> {
    let words = words(path, "It holds the array of each view.")?;
    if words.len() != views {
        let error =
            Error::input(path, "it names another number of views than the sinogram has").value(words.len());
        return Err(error.bound(views));
    }
    let mut arrays: Vec<Vec<usize>> = Vec::new();
    for (view, word) in words.iter().enumerate() {
        let Some(array) = word.parse::<usize>().ok().filter(|array| *array < MOST_ARRAYS) else {
            let error = Error::input(path, "it is no array").at(format!("view {view}")).value(word);
            return Err(error.bound(format!("0 to {}", MOST_ARRAYS - 1)));
        };
        arrays.resize(arrays.len().max(array + 1), Vec::new());
        arrays[array].push(view);
    }
    if let Some(empty) = arrays.iter().position(Vec::is_empty) {
        let error =
            Error::input(path, "an array sees nothing: no view is its own").at(format!("array {empty}"));
        return Err(error.value(0).bound("at least 1 view"));
    }
    if arrays.len() < 2 {
        let error = Error::input(path, "one array alone has nothing to bind to").value(arrays.len());
        return Err(error.bound(format!("2 to {MOST_ARRAYS}")));
    }
    Ok(arrays)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wedges_are_neighbours_by_their_angle() {
        let degrees = [90.0, 0.0, 100.0, 10.0, 190.0, 271.0];
        assert_eq!(wedges(2, &degrees).unwrap(), [vec![1, 3, 4], vec![0, 2, 5]]);
        let told = wedges(1, &degrees).unwrap_err().to_string();
        assert_eq!(told, "--arrays: one array alone has nothing to bind to: 1 (allowed: 2 to 6, of 6 views)");
        assert!(wedges(7, &degrees).unwrap_err().to_string().contains("7 (allowed: 2 to 6"));
        let many: Vec<f64> = (0..600).map(|view| f64::from(view) * 0.3).collect();
        assert_eq!(wedges(256, &many).unwrap().len(), 256);
        assert!(wedges(257, &many).unwrap_err().to_string().contains("257 (allowed: 2 to 256"));
    }

    #[test]
    fn angles_that_come_again_are_named_round_the_circle_too() {
        assert!(repeated("a", &[0.0, 180.0, 359.0]).is_ok());
        assert!(repeated("a", &[12.0]).is_ok() && repeated("a", &[]).is_ok());
        for (degrees, rows) in [
            (&[1.0, 2.0, 1.0][..], "rows 0 and 2"),
            (&[0.0, 5.0, 360.0], "rows 0 and 2"),
            (&[5.0, 0.0, -1e-9], "rows 1 and 2"),
        ] {
            let told = repeated("a.txt", degrees).unwrap_err().to_string();
            assert!(told.contains(rows) && told.contains("the same angle"), "{told}");
        }
    }

    #[test]
    fn psnr_is_against_the_brightest_pixel() {
        let truth = Grid { height: 1, width: 2, values: vec![0.0, 2.0] };
        assert!((truth.psnr(&[0.0, 1.8]).unwrap() - 10.0 * (4.0f64 / 0.02).log10()).abs() < 1e-4);
        assert_eq!(truth.psnr(&[0.0, 2.0]), None);
    }
}
