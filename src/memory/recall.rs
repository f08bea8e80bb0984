//! The fast memory of pictures: dense memories of patches at several scales, and how they learn.
//!
//! At every scale a row is a patch of luminance and, in colour, chroma, each scale twice as coarse as the one before.
//! How it is read is in [`super::reader`].

use super::dense::{Dense, Learned};
use super::patches::Grid;
use super::picture::Picture;
use super::reader::{Reader, Reading};
use crate::error::{Error, Result};
use crate::kernel::attention::QUERIES;
use crate::random::Stream;

/// Side of a patch in pixels.
pub const SIDE: usize = 7;
/// Pixels of a patch.
pub const AREA: usize = SIDE * SIDE;
/// Patches that were met, at each scale.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchMemory {
    planes: usize,
    scales: Vec<Dense>,
    /// Rms within which a patch counts as predicted.
    tolerance: f32,
}

impl PatchMemory {
    /// An empty memory of `planes` planes (1 or 3) at `scales` scales, each twice as coarse, of `capacity` rows each.
    ///
    /// # Panics
    /// Where `planes` is neither 1 nor 3, or there is no scale.
    #[must_use]
    pub fn new(planes: usize, scales: usize, capacity: usize, seed: u64, tolerance: f32) -> Self {
        assert!(matches!(planes, 1 | 3) && scales > 0, "grey or colour, at one scale or more");
        let scale = |scale: u64| Dense::new(planes * AREA, capacity, seed ^ scale << 32);
        Self { planes, scales: (0..scales as u64).map(scale).collect(), tolerance }
    }

    /// From its scales.
    ///
    /// # Errors
    /// What does not fit.
    pub fn from_scales(
        planes: usize,
        scales: Vec<Dense>,
        tolerance: f32,
    ) -> std::result::Result<Self, String> {
        if !matches!(planes, 1 | 3) || scales.is_empty() {
            return Err(format!("{} scales of {planes} planes", scales.len()));
        }
        if let Some(scale) = scales.iter().find(|scale| scale.dims() != planes * AREA) {
            return Err(format!("rows of {} numbers, not {}", scale.dims(), planes * AREA));
        }
        if !tolerance.is_finite() || tolerance < 0.0 {
            return Err(format!("a tolerance of {tolerance}"));
        }
        Ok(Self { planes, scales, tolerance })
    }

    /// Planes of its patches: 1 or 3.
    #[must_use]
    pub fn planes(&self) -> usize {
        self.planes
    }

    /// Its scales, finest first.
    #[must_use]
    pub fn scales(&self) -> &[Dense] {
        &self.scales
    }

    /// The rms within which a patch counts as predicted.
    #[must_use]
    pub fn tolerance(&self) -> f32 {
        self.tolerance
    }

    /// Learns from pictures: at each scale up to `most` of their patches, drawn without regard to which picture they lie
    /// in, so that none has the last word.
    ///
    /// # Errors
    /// Where a picture has no colour and the memory has, or holds what is no number.
    pub fn learn(&mut self, pictures: &[Picture], most: usize, seed: u64) -> Result<Learned> {
        let place = |at: usize| format!("picture {} of {}, as they are read", at + 1, pictures.len());
        let fitting = pictures.iter().enumerate();
        let fitting = fitting.map(|(at, picture)| self.fitting(picture).map_err(|error| error.at(place(at))));
        let mut pictures: Vec<Picture> = fitting.collect::<Result<_>>()?;
        let mut learned = Learned::default();
        for (scale, memory) in self.scales.iter_mut().enumerate() {
            let mut draws = Stream::new(seed, scale as u32);
            let grids: Vec<Grid> =
                pictures.iter().map(|p| Grid::new(SIDE, (p.height(), p.width()), 1)).collect();
            let mut places: Vec<(u32, u32)> = (0..)
                .zip(&grids)
                .flat_map(|(picture, grid)| (0..grid.len() as u32).map(move |patch| (picture, patch)))
                .collect();
            let wanted = most.min(places.len());
            for place in 0..wanted {
                let other = place + (draws.uniform() * (places.len() - place) as f64) as usize;
                places.swap(place, other);
            }
            let mut rows = Vec::with_capacity(QUERIES * memory.dims());
            for batch in places[..wanted].chunks(QUERIES) {
                rows.clear();
                for (picture, patch) in batch {
                    let (picture, patch) = (*picture as usize, *patch as usize);
                    rows.extend(grids[picture].cut(&pictures[picture], patch..patch + 1));
                }
                learned = learned.and(memory.learn(&rows, self.tolerance)?);
            }
            pictures = pictures.iter().map(Picture::halved).collect();
        }
        Ok(learned)
    }

    /// The planes of `picture` that are learned.
    fn fitting(&self, picture: &Picture) -> Result<Picture> {
        match (self.planes, picture.is_colour()) {
            (1, _) => Ok(picture.luminance()),
            (_, true) => Ok(picture.clone()),
            (_, false) => Err(Error::call("memory", "the memory is of colour, the picture has none")
                .help("Learn pictures without colour into a memory of their own (`--grey`).")),
        }
    }

    /// Takes in what another memory holds; each scale has room for as many rows as the larger of both.
    ///
    /// # Errors
    /// Where it has another kind or number of scales.
    pub fn merge(&mut self, other: &Self) -> Result<Learned> {
        if (self.planes, self.scales.len()) != (other.planes, other.scales.len()) {
            let what = |memory: &Self| format!("{} planes at {} scales", memory.planes, memory.scales.len());
            let error = Error::call("memory", "the memories are of different kinds");
            return Err(error.value(what(other)).bound(what(self)));
        }
        let mut learned = Learned::default();
        for (own, others) in self.scales.iter_mut().zip(&other.scales) {
            learned = learned.and(own.merge(others, self.tolerance)?);
        }
        Ok(learned)
    }

    /// Reads it in a certain way.
    #[must_use]
    pub fn reader(&self, reading: Reading) -> Reader<'_> {
        Reader::new(self, reading)
    }
}
