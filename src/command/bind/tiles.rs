//! What `napot bind` reads of pictures, checked: a list of files, each a part of the whole at a known place.

use std::path::{Path, PathBuf};

use super::super::numbers::Grid;
use super::BindArgs;
use super::input::{Sight, lines};
use crate::binding::consensus::MOST_ARRAYS;
use crate::binding::projection::MOST_SIDE;
use crate::binding::tile::{Place, Tile};
use crate::error::{Error, Result};

/// What a line of the list holds.
const LINE: &str = "FILE ROW COLUMN [EVERY [BLUR]]";

/// Pictures, each an array's.
#[derive(Debug)]
pub(super) struct Tiles {
    /// Rows and columns of the whole: all that they reach.
    pub size: (usize, usize),
    /// The pictures.
    pub all: Vec<One>,
    /// Numbers that are not finite.
    pub unseen: usize,
}

/// A picture and where it lies.
#[derive(Debug)]
pub(super) struct One {
    /// Its file.
    pub file: PathBuf,
    place: Place,
    shape: (usize, usize),
    values: Vec<f32>,
}

impl Tiles {
    /// Reads the list that the call names, and its pictures.
    pub fn read(args: &BindArgs) -> Result<Self> {
        let list = &args.seen;
        let mut all = Vec::new();
        for (number, line) in lines(list, "It holds a picture a line.")? {
            all.push(one(list, number, &line)?);
        }
        if !(2..=MOST_ARRAYS).contains(&all.len()) {
            let problem = if all.len() == 1 {
                "one picture alone has nothing to bind to"
            } else {
                "so many can't be bound"
            };
            let error = Error::input(list, problem).value(all.len());
            return Err(error.bound(format!("2 to {MOST_ARRAYS} lines")));
        }
        let extents = all.iter().map(|one| one.place.extent(one.shape));
        let size =
            extents.fold((0, 0), |(rows, columns), extent| (rows.max(extent.0), columns.max(extent.1)));
        if size.0 > MOST_SIDE || size.1 > MOST_SIDE {
            let error =
                Error::input(list, "the whole would be too large").value(format!("{} x {}", size.0, size.1));
            return Err(error.bound(format!("{MOST_SIDE} x {MOST_SIDE}")));
        }
        let unseen = all.iter().flat_map(|one| &one.values).filter(|number| !number.is_finite()).count();
        Ok(Self { size, all, unseen })
    }

    /// The brightest of all that is seen.
    pub fn brightest(&self) -> f32 {
        let numbers = self.all.iter().flat_map(|one| &one.values).copied();
        numbers.filter(|number| number.is_finite()).fold(0.0, f32::max)
    }

    /// What the array of a picture looks through, and what it sees.
    pub fn sight(&self, array: usize) -> Result<Sight> {
        let One { place, shape, values, .. } = &self.all[array];
        Ok((Box::new(Tile::new(self.size, place, *shape)?), values.clone()))
    }
}

/// The picture of a line.
fn one(list: &Path, number: usize, line: &str) -> Result<One> {
    let at = format!("line {number}");
    let fault = |problem: &str| Error::input(list, problem).at(&at);
    let words: Vec<&str> = line.split_whitespace().collect();
    let &[name, ref numbers @ ..] = words.as_slice() else {
        return Err(fault("it names no picture").bound(LINE));
    };
    if !(2..=4).contains(&numbers.len()) {
        return Err(fault("it has another number of words").value(words.len()).bound(LINE));
    }
    let mut place = [0.0, 0.0, 1.0, 0.0];
    for (place, word) in place.iter_mut().zip(numbers) {
        *place = word.parse().map_err(|_| fault("this is no number").value(word).bound(LINE))?;
    }
    let place = Place { corner: (place[0], place[1]), every: place[2], blur: place[3] };
    place.check().map_err(|error| error.read_from(list, &at))?;
    let file = list.parent().unwrap_or(Path::new("")).join(name);
    let Grid { shape: [slices, height, width], values, .. } = Grid::of_any(&file)?;
    if slices != 1 {
        let error = Error::input(&file, "it is no picture but several").value(slices);
        return Err(error.bound("1"));
    }
    Ok(One {
        file,
        place,
        shape: (height, width),
        values: values.into_iter().map(|number| number as f32).collect(),
    })
}
