//! What `napot bind` reads of numbers, checked: sinograms and tilt series, angles, which array has which view, the truth.

use std::path::Path;

use super::super::numbers;
use super::super::written::ends;
use super::{BindArgs, pictures};
use crate::binding::align::{Place, Seen};
use crate::binding::consensus::MOST_ARRAYS;
use crate::binding::projection::{MOST_SIDE, ParallelBeam, Projection, Slices};
use crate::error::{Error, Result};
use crate::format::npy::Array;

/// The largest text that is read, in bytes.
const MOST_BYTES: u64 = 64 << 20;
/// The largest number of a sinogram: its square is one, too.
const LARGEST: f64 = 1e15;
/// Angles nearer than this, in degrees, are the same.
const SAME: f64 = 1e-6;

/// A sinogram, or several of one tilt series, with all that is known of it.
#[derive(Debug)]
pub(super) struct Views {
    /// Detector elements in a row, and pixels along a picture's side.
    pub detectors: usize,
    /// Rows of detector elements: slices of the whole.
    pub slices: usize,
    /// The views of each array.
    pub arrays: Vec<Vec<usize>>,
    /// Numbers that are not finite.
    pub unseen: usize,
    /// Degrees of each view.
    degrees: Vec<f64>,
    values: Vec<f32>,
}

impl Views {
    /// Reads what the call names.
    pub fn read(args: &BindArgs) -> Result<Self> {
        let file = &args.seen;
        if !numbers::named(file) {
            let error = Error::input(file, "it is nothing that arrays can see");
            let error = error.bound("NAME.npy, NAME.tif, NAME.txt or NAME.json");
            return Err(error.help("`napot bind --help` says what stands in each."));
        }
        let Array { shape, values, .. } = numbers::array(file)?;
        let (views, slices, detectors) = match shape[..] {
            [views, detectors] => (views, 1, detectors),
            [views, slices, detectors] => (views, slices, detectors),
            _ => (0, 0, 0),
        };
        if views * slices * detectors == 0 {
            let error =
                Error::input(file, "it is neither a sinogram nor a tilt series").value(format!("{shape:?}"));
            return Err(error.bound("views x detectors, or views x rows x detectors, none empty"));
        }
        if detectors > MOST_SIDE || views > MOST_SIDE {
            let error =
                Error::input(file, "the sinogram is too large").value(format!("{views} x {detectors}"));
            return Err(error.bound(format!("{MOST_SIDE} x {MOST_SIDE}")));
        }
        let Some(named) = &args.angles else {
            let error = Error::call("--angles", "the angles of a sinogram's views are not known");
            return Err(error.bound("FROM:TO in degrees, or a file with one for each view"));
        };
        let degrees = angles(named, file, (views, detectors))?;
        told_again(named, &degrees)?;
        let arrays = match &args.assign {
            Some(assign) => assigned(assign, views)?,
            None => split(args.arrays.unwrap_or(ARRAYS) as usize, &degrees, args.align.is_some())?,
        };
        let place = |at: usize| {
            let slice =
                if slices > 1 { format!("slice {}, ", at / detectors % slices) } else { String::new() };
            format!("row {}, {slice}column {}", at / detectors / slices, at % detectors)
        };
        if let Some(at) = values.iter().position(|number| number.is_finite() && number.abs() > LARGEST) {
            let error = Error::input(file, "a number is too large").at(place(at));
            return Err(error.value(values[at]).bound(format!("at most {LARGEST:e}")));
        }
        let values: Vec<f32> = values.into_iter().map(|number| number as f32).collect();
        let unseen = values.iter().filter(|number| !number.is_finite()).count();
        if unseen > 0 {
            told(file, &values, detectors, unseen);
        }
        Ok(Self { detectors, slices, arrays, unseen, degrees, values })
    }

    /// The angles under which an array looks.
    pub fn degrees(&self, array: usize) -> impl Iterator<Item = f64> {
        self.arrays[array].iter().map(|view| self.degrees[*view])
    }

    /// What an array sees, slice by slice.
    pub fn seen(&self, array: usize) -> Seen {
        let views = &self.arrays[array];
        let line = |slice: usize, view: usize| {
            &self.values[(view * self.slices + slice) * self.detectors..][..self.detectors]
        };
        let lines = (0..self.slices).flat_map(|slice| views.iter().map(move |view| line(slice, *view)));
        Seen {
            degrees: views.iter().map(|view| self.degrees[*view]).collect(),
            data: lines.flatten().copied().collect(),
        }
    }

    /// What the array looks through from that place, and what it sees.
    pub fn sight(&self, array: usize, place: Place) -> Result<Sight> {
        let Seen { degrees, data } = self.seen(array);
        let degrees: Vec<f64> = degrees.iter().map(|degrees| degrees + place.turn).collect();
        let beams = ParallelBeam::shifted(self.detectors, self.detectors, &degrees, place.shift)?;
        Ok((Box::new(Slices::new(beams, self.slices)?), data))
    }
}

/// What an array looks through, and what it sees.
pub(super) type Sight = (Box<dyn Projection>, Vec<f32>);

/// Arrays among which views are split where nothing is said.
const ARRAYS: u32 = 8;

/// Says which columns, or how many numbers, are not seen.
fn told(file: &Path, values: &[f32], width: usize, unseen: usize) {
    let blind = |column: &usize| values.iter().skip(*column).step_by(width).all(|number| !number.is_finite());
    let columns: Vec<usize> = (0..width).filter(blind).collect();
    let columns = if columns.is_empty() {
        String::new()
    } else {
        format!(", among them all of columns {}", super::told::some(&columns))
    };
    let file = file.display();
    tracing::warn!(
        "{file}: {unseen} of {} numbers are not finite{columns}: they count as not seen",
        values.len()
    );
}

/// The lines of a text file that say something, counted from 1; what follows a `#` is for people.
pub(super) fn lines(path: &Path, help: &str) -> Result<Vec<(usize, String)>> {
    let bytes = pictures::read(path, "the file", help, MOST_BYTES)?;
    let text = String::from_utf8(bytes).map_err(|_| Error::input(path, "it is no text"))?;
    let said = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim().to_owned());
    Ok((1..).zip(said).filter(|(_, line)| !line.is_empty()).collect())
}

/// The words of a text file: between blanks, commas and ends of lines.
fn words(path: &Path, help: &str) -> Result<Vec<String>> {
    let between = |letter: char| letter.is_whitespace() || letter == ',';
    let lines = lines(path, help)?;
    let words = lines.iter().flat_map(|(_, line)| line.split(between));
    Ok(words.filter(|word| !word.is_empty()).map(str::to_owned).collect())
}

/// Degrees of each row.
fn angles(named: &str, sinogram: &Path, (rows, columns): (usize, usize)) -> Result<Vec<f64>> {
    let degrees = degrees(named, Some(rows))?;
    if degrees.len() != rows {
        let error = Error::input(sinogram, "it has another number of rows than there are angles").value(rows);
        let error = error.bound(format!("{} rows, as {named} has angles", degrees.len()));
        let turned = "Its columns are as many: turn it over, `sinogram.T`.";
        return Err(if degrees.len() == columns { error.help(turned) } else { error });
    }
    Ok(degrees)
}

/// The degrees that `--angles` names: of so many views from one to another, or those of a file.
pub(in crate::command) fn degrees(named: &str, views: Option<usize>) -> Result<Vec<f64>> {
    let ends: Option<(f64, f64)> =
        named.split_once(':').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    let degrees: Vec<f64> = match (ends, views) {
        (Some((from, to)), Some(views)) => {
            (0..views).map(|view| from + (to - from) * view as f64 / views as f64).collect()
        }
        (Some(_), None) => {
            let error = Error::call("--angles", "it is not said how many views lie evenly").value(named);
            return Err(error.bound("FROM:TO with `--views N`, or a file with one for each view"));
        }
        (None, _) => from_file(Path::new(named))?,
    };
    if let Some(row) = degrees.iter().position(|angle| !angle.is_finite()) {
        let error = Error::call("--angles", "an angle is no number").at(format!("row {row} of {named}"));
        return Err(error.value(degrees[row]).bound("a finite number of degrees"));
    }
    if degrees.is_empty() {
        let error = Error::input(Path::new(named), "there is no angle in it").value(0);
        return Err(
            error.bound(views.map_or("one or more".to_owned(), |views| format!("{views}, one a row")))
        );
    }
    Ok(degrees)
}

fn from_file(path: &Path) -> Result<Vec<f64>> {
    if ends(path, &["npy"]) {
        return Ok(numbers::array(path)?.values);
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

/// Says where an angle was measured twice: both views count. From one angle alone nothing can be told.
pub(in crate::command) fn told_again(named: &str, degrees: &[f64]) -> Result<()> {
    let Some((one, other)) = repeated(degrees) else { return Ok(()) };
    if degrees.iter().all(|angle| apart(*angle, degrees[0]) < SAME) {
        let error = Error::call("--angles", "all views have the same angle, in degrees");
        let error = error.at(format!("rows {one} and {other} of {named}, and every other"));
        return Err(error.value(degrees[0]).bound("at least two angles"));
    }
    tracing::warn!("{named}: rows {one} and {other} have the same angle: both count");
    Ok(())
}

/// The first two rows, round the circle, that have the same angle, the lower one first.
fn repeated(degrees: &[f64]) -> Option<(usize, usize)> {
    let mut order: Vec<usize> = (0..degrees.len()).collect();
    let around = |row: usize| degrees[row].rem_euclid(360.0);
    order.sort_by(|one, other| around(*one).total_cmp(&around(*other)));
    let neighbours = order.windows(2).map(|pair| (pair[0], pair[1]));
    let ends = order.last().copied().zip(order.first().copied());
    neighbours
        .chain(ends)
        .find(|(one, other)| one != other && apart(degrees[*one], degrees[*other]) < SAME)
        .map(|(one, other)| (one.min(other), one.max(other)))
}

/// How far two angles are apart round the circle, 0 to 180 degrees.
fn apart(one: f64, other: f64) -> f64 {
    let turn = (one - other).rem_euclid(360.0);
    turn.min(360.0 - turn)
}

/// The rows of each array: neighbours by their angle, half a turn being the same line, or, `dealt`, in turn. To find detectors and
/// turns they are dealt: where the body lies and how a wedge's detector lies are one question.
fn split(arrays: usize, degrees: &[f64], dealt: bool) -> Result<Vec<Vec<usize>>> {
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
    let own = |array: usize| {
        let mut own: Vec<usize> = if dealt {
            order[array..].iter().step_by(arrays).copied().collect()
        } else {
            order[array * views / arrays..(array + 1) * views / arrays].to_vec()
        };
        own.sort_unstable();
        own
    };
    Ok((0..arrays).map(own).collect())
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
    fn arrays_are_of_neighbours_by_their_angle_or_dealt_their_views_in_turn() {
        let degrees = [90.0, 0.0, 100.0, 10.0, 190.0, 271.0];
        assert_eq!(split(2, &degrees, false).unwrap(), [vec![1, 3, 4], vec![0, 2, 5]]);
        assert_eq!(split(2, &degrees, true).unwrap(), [vec![1, 4, 5], vec![0, 2, 3]]);
        let told = split(1, &degrees, false).unwrap_err().to_string();
        assert_eq!(told, "--arrays: one array alone has nothing to bind to: 1 (allowed: 2 to 6, of 6 views)");
        assert!(split(7, &degrees, true).unwrap_err().to_string().contains("7 (allowed: 2 to 6"));
        let many: Vec<f64> = (0..600).map(|view| f64::from(view) * 0.3).collect();
        assert_eq!(split(256, &many, false).unwrap().len(), 256);
        assert!(split(257, &many, false).unwrap_err().to_string().contains("257 (allowed: 2 to 256"));
    }

    #[test]
    fn angles_that_come_again_are_named_round_the_circle_too() {
        for once in [&[0.0, 180.0, 359.0][..], &[12.0], &[]] {
            assert_eq!(repeated(once), None, "{once:?}");
        }
        for (degrees, rows) in
            [(&[1.0, 2.0, 1.0], (0, 2)), (&[0.0, 5.0, 360.0], (0, 2)), (&[5.0, 0.0, -1e-9], (1, 2))]
        {
            assert_eq!(repeated(degrees), Some(rows), "{degrees:?}");
            assert!(told_again("a.txt", degrees).is_ok(), "{degrees:?}: they bind");
        }
        let told = told_again("a.txt", &[360.0, 0.0, -1e-9]).unwrap_err().to_string();
        assert!(told.contains("the same angle") && told.contains("a.txt"), "{told}");
    }
}
