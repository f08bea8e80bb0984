//! The picture that the seeing sense gets, through the few views that each of several arrays has, bound again update by update.
//!
//! ```text
//!  picture ─> light, side x side ─P_k─> what array k sees ─┬─> consensus, tick by tick ─> wholes
//!                        an array that holds sees what it saw └─> the same uncoupled ─> what each array makes of its own
//! ```
//!
//! Views of array `k` of `K` are every `K`th of all, evenly over half a turn. A detector is half as wide again as the picture, so
//! that every ray through it meets one. What arrays see is projected from the picture by the same rays that explain it: there
//! is no misfit of a model in it, as there would be of a real scanner.

use super::BindingParameters;
use crate::binding::consensus::{How, Way};
use crate::binding::live::{Live, Uncoupled};
use crate::binding::part::Part;
use crate::binding::phantom::psnr;
use crate::binding::phases;
use crate::binding::projection::{ParallelBeam, Projection};
use crate::error::Result;
use crate::kernel::palette::encode_srgb;
use crate::kernel::resample_area::{area_luminance, srgb_to_linear};
use crate::signal::{BindingFigures, BindingPicture, BoundArray, BoundWhole, InputPicture};
use crate::time::Tick;

/// Steps of the pictures at first, and with each update.
const FIRST_STEPS: usize = 60;
const STEPS: usize = 10;
/// What may be left of what an array sees, of its rms, that its whole still explains: so much, or so many times what the same
/// steps leave of an array that nobody contradicts, which is how far the world has moved.
const LEFT: f64 = 0.04;
const TIMES_ALONE: f64 = 6.0;
/// Updates after which arrays, no whole of which has more than half of them, are bound anew: what follows wholes can't mend one that
/// was torn apart.
pub(super) const TORN: usize = 20;
/// Steps of light, black to white, that bytes are looked up by.
const LIGHTS: usize = 4_096;

/// Arrays that bind what is seen.
pub struct World {
    side: usize,
    seed: u64,
    beams: Vec<ParallelBeam>,
    /// Light of the picture, and through each array's views.
    light: Vec<f32>,
    seen: Vec<Vec<f32>>,
    held: Vec<bool>,
    bound: Option<(Live, Uncoupled)>,
    /// Updates since a whole had more than half of the arrays, or since they were bound anew, and how often they were.
    pub(super) torn: usize,
    pub(super) renewed: usize,
    /// The name of each array's whole.
    names: Vec<Option<u8>>,
    /// The groups, those of most arrays first.
    groups: Vec<Vec<usize>>,
    sums: Sums,
    figures: BindingFigures,
    linear: [f32; 256],
    bytes: Vec<u8>,
}

/// Sums over updates.
#[derive(Default)]
struct Sums {
    order: f64,
    /// Of the largest whole, the best alone, and the mean of all alone; only of pictures that are not black.
    psnr: [f64; 3],
    count: u64,
}

impl World {
    /// Arrays before the first picture.
    ///
    /// # Errors
    /// Where beams can't be laid.
    pub fn new(parameters: &BindingParameters, seed: u64) -> Result<Self> {
        let &BindingParameters { arrays, views, side, .. } = parameters;
        let degrees = |array: usize| -> Vec<f64> {
            let all = (arrays * views) as f64;
            (0..views).map(|view| 180.0 * (view * arrays + array) as f64 / all).collect()
        };
        let beams: Result<Vec<ParallelBeam>> =
            (0..arrays).map(|array| ParallelBeam::new(side, side * 3 / 2, &degrees(array))).collect();
        let beams = beams?;
        let byte = |step: usize| (255.0 * encode_srgb(step as f64 / (LIGHTS - 1) as f64)).round() as u8;
        Ok(Self {
            side,
            seed,
            light: vec![0.0; side * side],
            seen: beams.iter().map(|beam| vec![0.0; beam.data_len()]).collect(),
            beams,
            held: vec![false; arrays],
            bound: None,
            torn: 0,
            renewed: 0,
            names: vec![None; arrays],
            groups: Vec::new(),
            sums: Sums::default(),
            figures: BindingFigures::default(),
            linear: srgb_to_linear(),
            bytes: (0..LIGHTS).map(byte).collect(),
        })
    }

    /// Lets an array go on seeing what it saw last, or see again; what is no array is passed over.
    pub fn hold(&mut self, array: usize, held: bool) {
        if let Some(hold) = self.held.get_mut(array) {
            *hold = held;
        }
    }

    /// Sees a picture: those that hold do not.
    ///
    /// # Errors
    /// As [`Live::tick`].
    pub fn see(&mut self, picture: &InputPicture) -> Result<()> {
        if picture.width * picture.height == 0 || picture.rgb.len() != 3 * picture.width * picture.height {
            return Ok(());
        }
        // Each pixel the mean over its area.
        self.light = area_luminance(&self.linear, &picture.rgb, picture.width, [self.side; 2]);
        for ((beam, seen), held) in self.beams.iter().zip(&mut self.seen).zip(&self.held) {
            if !held {
                beam.apply(&self.light, seen, 1);
            }
        }
        let bound = match self.bound.take() {
            Some((_, uncoupled)) if self.torn >= TORN => {
                (self.torn, self.renewed) = (0, self.renewed + 1);
                (self.begin()?.0, uncoupled)
            }
            Some(bound) => bound,
            None => self.begin()?,
        };
        let (live, uncoupled) = self.bound.insert(bound);
        live.see(&self.seen.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        live.follow(uncoupled)?;
        live.tolerate(LEFT.max(TIMES_ALONE * live.left_alone(uncoupled)));
        live.advance()?;
        self.groups = live.groups().to_vec();
        self.groups.sort_by_key(|group| (core::cmp::Reverse(group.len()), group[0]));
        let largest = self.groups.first().map_or(0, Vec::len);
        self.torn = if 2 * largest > self.held.len() { 0 } else { self.torn + 1 };
        self.name();
        self.measure();
        Ok(())
    }

    /// Binds what is seen first.
    fn begin(&self) -> Result<(Live, Uncoupled)> {
        let part = |(beam, seen): (&ParallelBeam, &Vec<f32>)| Part::new(Box::new(beam.clone()), seen.clone());
        let parts: Result<Vec<Part>> = self.beams.iter().zip(&self.seen).map(part).collect();
        let how = How {
            way: Way::Phases,
            iterations: STEPS,
            coupling: 0.5,
            most: 1.0,
            sigma: None,
            seed: self.seed,
            threads: 1,
        };
        let mut live = Live::new(parts?, &how, FIRST_STEPS)?;
        live.step_first();
        let uncoupled = live.uncoupled();
        Ok((live, uncoupled))
    }

    /// A whole is called what most of its arrays were in; a new one by the first name that is free.
    fn name(&mut self) {
        let mut names = vec![None; self.names.len()];
        let mut taken: Vec<u8> = Vec::new();
        for group in self.groups.iter().filter(|group| group.len() > 1) {
            let were = |name: u8| group.iter().filter(|array| self.names[**array] == Some(name)).count();
            let free = (0..self.names.len() as u8).filter(|name| !taken.contains(name));
            // The first of those that are equal.
            let name = free.rev().max_by_key(|name| were(*name)).unwrap_or_default();
            taken.push(name);
            for array in group {
                names[*array] = Some(name);
            }
        }
        self.names = names;
    }

    /// What an update came to.
    fn measure(&mut self) {
        let Some((live, uncoupled)) = &self.bound else { return };
        let is_dark = self.light.iter().all(|light| *light <= 0.0);
        let likeness =
            |picture: &[f32]| Some(psnr(picture, &self.light)).filter(|db| !is_dark && db.is_finite());
        let phases = live.phases();
        let amplitudes = live.amplitudes();
        let array = |(array, phase): (usize, &f64)| BoundArray {
            whole: self.names[array],
            held: self.held[array],
            phase: (phase / core::f64::consts::TAU).rem_euclid(1.0) as f32,
            amplitude: amplitudes[array] as f32,
        };
        let wholes = self.groups.iter().filter(|group| group.len() > 1);
        let whole = |group: &Vec<usize>| BoundWhole {
            name: self.names[group[0]].unwrap_or_default(),
            arrays: group.len() as u8,
            confidence: live.confidence(group) as f32,
            psnr_db: likeness(&live.picture(group)),
        };
        let wholes: Vec<BoundWhole> = wholes.map(whole).collect();
        let count = self.held.len();
        let alone = (0..count).filter_map(|array| likeness(uncoupled.picture(array))).max_by(f64::total_cmp);
        let mut mean = vec![0.0; self.light.len()];
        for array in 0..count {
            mean.iter_mut().zip(uncoupled.picture(array)).for_each(|(sum, x)| *sum += x / count as f32);
        }
        // Where none is bound, the largest group is one array.
        let largest = self.groups.first().and_then(|group| likeness(&live.picture(group)));
        if let (Some(whole), Some(alone), Some(mean)) = (largest, alone, likeness(&mean)) {
            let sums = self.sums.psnr.iter_mut().zip([whole, alone, mean]);
            sums.for_each(|(sum, db)| *sum += db);
            self.sums.count += 1;
        }
        let order = phases::order(phases.iter().copied()).0;
        self.sums.order += order;
        let figures = &mut self.figures;
        figures.updates += 1;
        figures.arrays = phases.iter().enumerate().map(array).collect();
        figures.wholes = wholes;
        figures.order = Some(order);
        figures.mean_order = Some(self.sums.order / figures.updates as f64);
        figures.apart_db = alone;
        let [whole, apart, uncoupled] = self.sums.psnr;
        let mean = |sum: f64| (self.sums.count > 0).then(|| sum / self.sums.count as f64);
        figures.mean_whole_db = mean(whole);
        figures.mean_apart_db = mean(apart);
        figures.mean_uncoupled_db = mean(uncoupled);
    }

    /// Takes down how many updates were skipped so far, and how many ms all others took.
    pub(super) fn took(&mut self, skipped: u64, ms: f64) {
        self.figures.skipped = skipped;
        self.figures.update_ms = (self.figures.updates > 0).then(|| ms / self.figures.updates as f64);
    }

    /// What it did.
    #[must_use]
    pub fn figures(&self) -> &BindingFigures {
        &self.figures
    }

    /// The wholes' pictures, of most arrays first: name, side, and that many squared bytes of grey (sRGB).
    #[must_use]
    pub fn greys(&self) -> Vec<(u8, usize, Vec<u8>)> {
        let grey = |light: Vec<f32>| light.into_iter().map(|light| self.byte(light)).collect();
        self.wholes().into_iter().map(|(name, light)| (name, self.side, grey(light))).collect()
    }

    /// The wholes' light, of most arrays first, each with its name; `side` x `side` numbers, 0 to 1.
    fn wholes(&self) -> Vec<(u8, Vec<f32>)> {
        let Some((live, _)) = &self.bound else { return Vec::new() };
        let bound = self.groups.iter().filter(|group| group.len() > 1);
        bound.map(|group| (self.names[group[0]].unwrap_or_default(), live.picture(group))).collect()
    }

    /// The pictures as they are, for people.
    #[must_use]
    pub fn picture(&self, tick: Tick) -> BindingPicture {
        let Some((_, uncoupled)) = &self.bound else { return BindingPicture::default() };
        let mut grey = Vec::with_capacity(self.light.len() * (self.held.len() + self.figures.wholes.len()));
        let mut add = |light: &[f32]| grey.extend(light.iter().map(|light| self.byte(*light)));
        self.wholes().iter().for_each(|(_, light)| add(light));
        (0..self.held.len()).for_each(|array| add(uncoupled.picture(array)));
        BindingPicture {
            tick,
            side: self.side,
            arrays: self.figures.arrays.clone(),
            wholes: self.figures.wholes.clone(),
            grey,
        }
    }

    /// Light as a byte of sRGB.
    fn byte(&self, light: f32) -> u8 {
        self.bytes[(light.clamp(0.0, 1.0) * (LIGHTS - 1) as f32).round() as usize]
    }
}
