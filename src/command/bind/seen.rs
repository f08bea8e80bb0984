//! What all arrays of `napot bind` see, of whichever kind it is.

use std::path::Path;

use super::cameras::Cameras;
use super::input::{Sight, Views};
use super::tiles::Tiles;
use super::told::rows;
use super::{Aligned, BindArgs, written};
use crate::binding::align::{self, Found, MOST_TURN, Place, What};
use crate::binding::consensus::How;
use crate::binding::part::Part;
use crate::error::{Error, Result};

/// What all arrays see.
pub(super) enum Seen {
    Views(Views),
    Tiles(Tiles),
    Cameras(Cameras),
}

impl Seen {
    pub fn read(args: &BindArgs) -> Result<Self> {
        let file = &args.seen;
        let [list, json] = ["txt", "json"].map(|ending| written::ends(file, &[ending]));
        let idle = [
            (args.angles.is_some() && (list || json), "--angles", "a sinogram, NAME.npy or NAME.tif"),
            (args.arrays.is_some() && (list || json), "--arrays", "a sinogram, NAME.npy or NAME.tif"),
            (args.assign.is_some() && (list || json), "--assign", "a sinogram, NAME.npy or NAME.tif"),
            (args.align.is_some() && (list || json), "--align", "a sinogram, NAME.npy or NAME.tif"),
            (args.learned.is_some() && (list || json), "--learned", "a sinogram, NAME.npy or NAME.tif"),
            (args.side.is_some() && !json, "--side", "cameras, NAME.json"),
            (args.extent.is_some() && !json, "--extent", "cameras, NAME.json"),
        ];
        if let Some((_, flag, bound)) = idle.into_iter().find(|(idle, ..)| *idle) {
            return Err(Error::call(flag, "it has no effect on this input")
                .value(file.display())
                .bound(bound));
        }
        if list {
            return Ok(Self::Tiles(Tiles::read(args)?));
        }
        Ok(if json { Self::Cameras(Cameras::read(args)?) } else { Self::Views(Views::read(args)?) })
    }

    /// Slices, rows and columns of a whole.
    pub fn shape(&self) -> [usize; 3] {
        match self {
            Self::Views(views) => [views.slices, views.detectors, views.detectors],
            Self::Tiles(tiles) => [1, tiles.size.0, tiles.size.1],
            Self::Cameras(cameras) => [cameras.side; 3],
        }
    }

    pub fn arrays(&self) -> usize {
        match self {
            Self::Views(views) => views.arrays.len(),
            Self::Tiles(tiles) => tiles.all.len(),
            Self::Cameras(cameras) => cameras.all.len(),
        }
    }

    pub fn unseen(&self) -> usize {
        match self {
            Self::Views(views) => views.unseen,
            Self::Tiles(tiles) => tiles.unseen,
            Self::Cameras(cameras) => cameras.unseen,
        }
    }

    /// The pictures that are read beside what the call names.
    pub fn files(&self) -> Vec<&Path> {
        match self {
            Self::Views(_) => Vec::new(),
            Self::Tiles(tiles) => tiles.all.iter().map(|one| one.file.as_path()).collect(),
            Self::Cameras(cameras) => cameras.all.iter().map(|one| one.file.as_path()).collect(),
        }
    }

    /// What an array sees, for people.
    pub fn name(&self, array: usize) -> String {
        match self {
            Self::Views(views) => rows(&views.arrays[array]),
            Self::Tiles(tiles) => tiles.all[array].file.display().to_string(),
            Self::Cameras(cameras) => cameras.all[array].file.display().to_string(),
        }
    }

    fn sight(&self, array: usize, place: Place) -> Result<Sight> {
        match self {
            Self::Views(views) => views.sight(array, place),
            Self::Tiles(tiles) => tiles.sight(array),
            Self::Cameras(cameras) => Ok(cameras.sight(array)),
        }
    }

    /// The array, from that place; none where it sees nothing.
    pub fn part(&self, array: usize, place: Place) -> Result<Option<Part>> {
        let (projection, data) = self.sight(array, place)?;
        // As many numbers as the projection gives: nothing else can be wrong.
        Ok(Part::new(projection, data).ok())
    }

    /// That an array sees nothing, and why.
    pub fn blind(&self, file: &Path, array: usize) -> Error {
        let finite = |(_, data): Sight| data.iter().any(|number| number.is_finite());
        let error = if self.sight(array, Place::default()).is_ok_and(finite) {
            let error = Error::input(file, "the array sees nothing: none of its rays meets the whole");
            error.value(0).bound("at least 1 ray").help("Look at the poses and `--extent`.")
        } else {
            let error = Error::input(file, "the array sees nothing: none of its numbers is finite");
            error.value(0).bound("at least 1 number")
        };
        error.at(format!("array {array}, {}", self.name(array)))
    }

    /// With `--align`: where each of those arrays really is.
    pub fn places(&self, args: &BindArgs, how: &How, kept: &[usize]) -> Result<Option<Vec<Found>>> {
        let Some((views, what)) = self.views().zip(args.align) else { return Ok(None) };
        if views.slices > 1 {
            let error = Error::call("--align", "it knows one slice only").value(views.slices);
            return Err(error.bound("a sinogram, views x detectors"));
        }
        let seen: Vec<align::Seen> = kept.iter().map(|array| views.seen(*array)).collect();
        let what = match what {
            Aligned::Shift => What::Shift,
            Aligned::Rotation => What::Rotation,
            Aligned::Both => What::Both,
        };
        let places = align::aligned(&seen, views.detectors, what, how)?;
        for (array, _) in kept.iter().zip(&places).filter(|(_, found)| found.place.turn.abs() >= MOST_TURN) {
            let views = self.name(*array);
            tracing::warn!(
                "array {array} ({views}) is turned by {MOST_TURN} degrees or more: no further is looked"
            );
        }
        Ok(Some(places))
    }

    pub fn views(&self) -> Option<&Views> {
        if let Self::Views(views) = self { Some(views) } else { None }
    }
}
