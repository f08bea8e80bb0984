//! How the memory of pictures is read: as a mixture of Gaussians, one for each patch that it holds.
//!
//! What is read is the posterior mean under Gaussians around each row `m`, its own mean taken off, with the variance `τ²` in
//! all directions and `ρ² |m|²` along `m` itself, for the same shape is met at every contrast. With `ρ = 0` that is softmax
//! attention over points. Means of patches are left open; the scale above leads them, for there they are shapes.
//!
//! Sources: Zoran and Weiss, ICCV 2011, patch mixtures as a prior; Buades, Coll, Morel, CVPR 2005, the mean by likeness;
//! Gortler et al., SIGGRAPH 1996, pull and push.

use super::backwards::{Evidence, FILL, Renderer};
use super::dense::{Dense, blocks, rows_of};
use super::frequencies::Lowest;
use super::patches::{Grid, Mosaic};
use super::picture::{Picture, Plane, mirrored};
use super::recall::{AREA, PatchMemory, SIDE};
use crate::error::{Error, Result};
use crate::kernel::attention::{Bank, Each, Law, QUERIES, Weighted, attend, attend_near};
use crate::kernel::shortlist::Coarse;

/// Patches that are read at a time.
const BATCH: usize = 128 * QUERIES;
/// `τ`, how far a patch lies from its row in each pixel, of a range of 1.
const SPREAD: f32 = 0.03;
/// `ρ`, how far contrasts differ, in units of a row's own.
const CONTRAST: f32 = 1.0;
/// The same of a picture's own patches, which are to be met again as they are.
const OWN_CONTRAST: f32 = 0.1;
/// How often such a patch counts as met: seldom, for the noise that is left in it is that of its own place.
const OWN_COUNT: f32 = 0.01;
/// The most patches of its own that a picture is read by.
const MOST_OWN: usize = 8_192;
/// How far a hole's pixel lies from what the scale above says of it.
const GUESS: f32 = 0.12;
/// The noise, of a range of 1, at which the scale above is believed as much as the scale itself: with more patches to a
/// picture and less detail in each it errs more by what it does not know, and less by noise.
const BELIEF: f32 = 0.35;
/// Distances of luminance and of its mean at which patches lend each other their colour.
const HUE: (f32, f32) = (0.05, 0.08);

/// How far below the likeliest row, in logits, a row still counts where a noisy picture is read approximately.
const REACH: f32 = 2.0;

/// How a memory is read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Every `stride`-th row and column has a patch of its own; 1 is exact.
    pub stride: usize,
    /// Whether every third place has a patch, whatever the stride, and a noisy patch is read by those rows alone that its
    /// lowest frequencies are near to: some four times as fast, at a loss of less than a tenth of a dB.
    pub approximate: bool,
    /// Whether a noisy picture is read twice, the second time also by its own patches as they were restored first: for
    /// these the memory is one-shot, too.
    pub own: bool,
    /// Threads; the result is the same with any number.
    pub threads: usize,
}

impl Default for Reading {
    fn default() -> Self {
        Self { stride: 1, approximate: false, own: false, threads: 1 }
    }
}

/// A memory as a renderer.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    memory: &'a PatchMemory,
    reading: Reading,
}

impl<'a> Reader<'a> {
    /// Reads `memory` in a certain way.
    #[must_use]
    pub fn new(memory: &'a PatchMemory, reading: Reading) -> Self {
        Self { memory, reading }
    }
}

impl Renderer for Reader<'_> {
    fn render(&self, evidence: &Evidence<'_>) -> Result<Picture> {
        if let Some(scale) = self.memory.scales().iter().position(Dense::is_empty) {
            return Err(Error::call("memory", "the memory is empty").at(format!("scale {scale}")));
        }
        match *evidence {
            Evidence::Noisy { picture, sigma } => {
                Ok(self.apart(picture, |part| self.denoised(part, sigma, 0)))
            }
            Evidence::Parts { picture, precisions } => {
                // What is no better known than by a smooth fill doesn't say what is looked for; it is one of two guesses.
                let fill = 1.0 / (FILL * FILL);
                let asked = precisions.map(|w| (w - fill).max(0.0));
                let found = self.apart(picture, |part| self.filled(part, &asked, 0));
                let share = precisions.map(|w| fill / (w + fill));
                let joined = found.planes.iter().zip(&picture.planes).map(|(found, seen)| {
                    let change =
                        found.with(seen, |found, seen| found - seen).with(&share, |x, share| x * share);
                    seen.with(&change, |seen, change| seen + change)
                });
                Ok(Picture { planes: joined.collect() })
            }
            Evidence::Blurred { picture, scale, level, .. } => {
                Ok(self.apart(picture, |part| self.sharpened(part, scale, level)))
            }
            Evidence::Grey { luminance } if self.memory.planes() == 3 => Ok(self.coloured(luminance)),
            Evidence::Grey { .. } => {
                let error = Error::call("memory", "the memory is grey, it knows no colour");
                Err(error.help("Learn pictures in colour."))
            }
        }
    }
}

/// Rows made ready for reading.
struct Ready {
    keys: Vec<f32>,
    values: Vec<f32>,
    laws: Vec<Law>,
    dims: usize,
    width: usize,
}

impl Ready {
    fn bank(&self) -> Bank<'_> {
        let Self { keys, values, laws, dims, width } = self;
        Bank { keys, dims: *dims, values, width: *width, laws }
    }
}

/// Takes the mean off every plane of a patch; gives the means.
fn centre(patch: &mut [f32]) -> [f32; 3] {
    let mut means = [0.0; 3];
    for (plane, mean) in patch.chunks_exact_mut(AREA).zip(&mut means) {
        *mean = plane.iter().sum::<f32>() / AREA as f32;
        for x in plane.iter_mut() {
            *x -= *mean;
        }
    }
    means
}

/// The mixture's answer to a row at contrast `a` under noise of variance `noise`: the law of its logit, and of where along
/// the row's direction the posterior mean lies.
fn ridge(contrast: f32, noise: f32, count: f32, contrasts: f32) -> Law {
    let across = noise + SPREAD * SPREAD;
    let along = across + contrasts * contrasts * contrast * contrast;
    Law {
        square: 0.5 * (1.0 / across - 1.0 / along),
        line: contrast / along,
        fixed: libm::logf(count) - 0.5 * (contrast * contrast / along + libm::logf(along / across)),
        slope: 1.0 - noise / along,
        level: contrast * noise / along,
    }
}

/// What of a query lies across a row and stays.
fn across(noise: f32) -> f32 {
    SPREAD * SPREAD / (noise + SPREAD * SPREAD)
}

/// Rows as directions, with their laws under a certain noise.
struct Gaussians {
    keys: Vec<f32>,
    laws: Vec<Law>,
    dims: usize,
}

impl Gaussians {
    /// Of rows whose means are taken off, of as many planes as `picture` has.
    fn of(mut rows: Vec<f32>, counts: &[f32], picture: &Picture, noise: f32, contrasts: f32) -> Self {
        let dims = picture.planes.len() * AREA;
        let law = |(row, count): (&mut [f32], &f32)| {
            let contrast = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            for x in row.iter_mut() {
                *x /= contrast.max(1e-6);
            }
            let law = ridge(contrast, noise, *count, contrasts);
            // What lies across the row is added for all rows alike.
            Law { slope: law.slope - across(noise), ..law }
        };
        let laws = rows.chunks_exact_mut(dims).zip(counts).map(law).collect();
        Self { keys: rows, laws, dims }
    }

    /// Takes others in.
    fn join(&mut self, others: Self) {
        self.keys.extend(others.keys);
        self.laws.extend(others.laws);
    }
}

/// Patches of a picture as rows, their means taken off; no more than [`MOST_OWN`].
fn own_rows(picture: &Picture) -> Vec<f32> {
    let size = (picture.height(), picture.width());
    let stride =
        (1..=MOST_OWN).find(|stride| size.0.div_ceil(*stride) * size.1.div_ceil(*stride) <= MOST_OWN);
    let grid = Grid::new(SIDE, size, stride.unwrap_or(1));
    let mut rows = grid.cut(picture, 0..grid.len());
    for row in rows.chunks_exact_mut(picture.planes.len() * AREA) {
        centre(row);
    }
    rows
}

impl Reader<'_> {
    /// A picture whose planes the memory knows as they are is read whole; else each plane is read as luminance is.
    fn apart(&self, picture: &Picture, read: impl Fn(&Picture) -> Picture) -> Picture {
        if picture.planes.len() <= self.memory.planes() {
            return read(picture);
        }
        let alone = |plane: &Plane| read(&Picture { planes: vec![plane.clone()] }).planes;
        Picture { planes: picture.planes.iter().flat_map(alone).collect() }
    }

    /// The rows of a scale with the first `planes` planes, each plane's mean taken off.
    fn rows(&self, scale: usize, planes: usize) -> Vec<f32> {
        let memory = &self.memory.scales()[scale];
        let mut rows = Vec::with_capacity(memory.len() * planes * AREA);
        for row in memory.rows().chunks_exact(memory.dims()) {
            rows.extend_from_slice(&row[..planes * AREA]);
        }
        rows.chunks_exact_mut(planes * AREA).for_each(|row| {
            centre(row);
        });
        rows
    }

    /// Reads every patch of `picture`: `read` turns a batch of patches into as many patches of `planes` planes.
    fn each(
        &self,
        picture: &Picture,
        planes: usize,
        read: impl Fn(Vec<f32>, &Grid, usize) -> Vec<f32>,
    ) -> Picture {
        let size = (picture.height(), picture.width());
        let grid = if self.reading.approximate {
            Grid::thirds(SIDE, size)
        } else {
            Grid::new(SIDE, size, self.reading.stride)
        };
        let mut mosaic = Mosaic::new(&grid, planes);
        for first in (0..grid.len()).step_by(BATCH) {
            let patches = grid.cut(picture, first..(first + BATCH).min(grid.len()));
            mosaic.lay(&grid, first, &read(patches, &grid, first));
        }
        mosaic.finish()
    }

    /// Whether the scale above `scale` has something to say of a picture of this size.
    fn has_above(&self, scale: usize, picture: &Picture) -> bool {
        scale + 1 < self.memory.scales().len() && picture.height().min(picture.width()) >= 2 * SIDE
    }

    fn denoised(&self, picture: &Picture, sigma: f32, scale: usize) -> Picture {
        let noise = sigma * sigma;
        let counts = self.memory.scales()[scale].counts();
        let mut known =
            Gaussians::of(self.rows(scale, picture.planes.len()), counts, picture, noise, CONTRAST);
        let coarse =
            self.has_above(scale, picture).then(|| self.denoised(&picture.halved(), 0.5 * sigma, scale + 1));
        let lift = |fine: Picture| match &coarse {
            Some(coarse) => lifted(&fine, coarse, noise / (noise + BELIEF * BELIEF)),
            None => fine,
        };
        let first = lift(self.cleared(picture, &known, noise));
        if !self.reading.own || scale > 0 {
            return first;
        }
        let own = own_rows(&first);
        let once = vec![OWN_COUNT; own.len() / known.dims];
        known.join(Gaussians::of(own, &once, picture, noise, OWN_CONTRAST));
        lift(self.cleared(picture, &known, noise))
    }

    /// The mean of what lies under the noise, patch by patch.
    fn cleared(&self, picture: &Picture, known: &Gaussians, noise: f32) -> Picture {
        let dims = known.dims;
        let bank = Bank { keys: &known.keys, dims, values: &known.keys, width: dims, laws: &known.laws };
        let across = across(noise);
        let lowest = self.reading.approximate.then(|| Lowest::new(picture.planes.len()));
        let coarse = lowest.as_ref().map(|lowest| (lowest, lowest.of_rows(&known.keys)));
        self.each(picture, picture.planes.len(), |mut patches, _, _| {
            let means: Vec<[f32; 3]> = patches.chunks_exact_mut(dims).map(centre).collect();
            let asked = blocks(&patches, dims);
            let answer = match &coarse {
                Some((lowest, keys)) => {
                    let looks = lowest.of_blocks(&asked);
                    let coarse = Coarse { keys, dims: lowest.dims(), asked: &looks, reach: REACH };
                    attend_near(&bank, &asked, &coarse, self.reading.threads)
                }
                None => attend(&bank, &asked, None, self.reading.threads),
            };
            let mut read = rows_of(&answer.values, &answer.norms, dims, means.len());
            for ((read, patch), means) in
                read.chunks_exact_mut(dims).zip(patches.chunks_exact(dims)).zip(&means)
            {
                for (at, (read, own)) in read.iter_mut().zip(patch).enumerate() {
                    *read += across * own + means[at / AREA];
                }
            }
            read
        })
    }

    fn filled(&self, picture: &Picture, precisions: &Plane, scale: usize) -> Picture {
        let planes = picture.planes.len();
        let (height, width) = (picture.height(), picture.width());
        if height.max(width) == 1 {
            return picture.clone();
        }
        // The scale above fills the hole first; beyond the last, means do.
        let low = picture.map(|plane| plane.halved(precisions).0);
        let sums = precisions.halved(precisions).1.map(|w| w.min(1.0 / (SPREAD * SPREAD)));
        let low = self.filled(&low, &sums, scale + 1);
        let guess = low.resized(height, width);
        let known = |w: f32| w / (w + 1.0 / (GUESS * GUESS));
        let mut start = picture.clone();
        for (plane, guess) in start.planes.iter_mut().zip(&guess.planes) {
            for ((x, guess), w) in plane.values.iter_mut().zip(&guess.values).zip(&precisions.values) {
                *x = guess + known(*w) * (*x - guess);
            }
        }
        if scale >= self.memory.scales().len() || height.min(width) < SIDE {
            return start;
        }
        // A known pixel lies within `SPREAD` of its row, a guessed one within both.
        let weight = |w: f32| 1.0 / (1.0 / (w + 1.0 / (GUESS * GUESS)) + SPREAD * SPREAD);
        let weights = Picture { planes: vec![precisions.map(weight); planes] };
        self.weighed(&start, &weights, scale)
    }

    /// Reads patches whose pixels have precisions of their own.
    fn weighed(&self, picture: &Picture, weights: &Picture, scale: usize) -> Picture {
        let planes = picture.planes.len();
        let dims = planes * AREA;
        let keys = self.rows(scale, planes);
        let count =
            |count: &f32| Law { square: 0.0, line: 0.0, fixed: libm::logf(*count), slope: 0.0, level: 1.0 };
        let laws: Vec<Law> = self.memory.scales()[scale].counts().iter().map(count).collect();
        let bank = Bank { keys: &keys, dims, values: &keys, width: dims, laws: &laws };
        self.each(picture, planes, |mut patches, grid, first| {
            let queries = patches.len() / dims;
            let precisions = grid.cut(weights, first..first + queries);
            // Only one offset is open: that of luminance. The chroma's means are taken off by their precisions.
            let means: Vec<[f32; 3]> = patches
                .chunks_exact_mut(dims)
                .zip(precisions.chunks_exact(dims))
                .map(|(patch, w)| weighted_centre(patch, w))
                .collect();
            let asked: Vec<f32> = patches.iter().zip(&precisions).map(|(x, w)| x * w).collect();
            let sums: Vec<f32> =
                precisions.chunks_exact(dims).map(|w| 1.0 / w.iter().sum::<f32>().max(1e-12)).collect();
            let (asked, precise) = (blocks(&asked, dims), blocks(&precisions, dims));
            let open: Vec<Each> = blocks(&sums, 1);
            let weighted = Weighted { precisions: &precise, open: &open };
            let answer = attend(&bank, &asked, Some(&weighted), self.reading.threads);
            let mut read = rows_of(&answer.values, &answer.norms, dims, queries);
            let offsets = rows_of(&answer.offsets, &answer.norms, 1, queries);
            for (query, read) in read.chunks_exact_mut(dims).enumerate() {
                for (at, x) in read.iter_mut().enumerate() {
                    let place = query * dims + at;
                    let own = SPREAD * SPREAD * precisions[place];
                    let recalled = *x + offsets[query];
                    *x = recalled + own * (patches[place] - recalled) + means[query][at / AREA];
                }
            }
            read
        })
    }

    fn sharpened(&self, picture: &Picture, factor: usize, level: f32) -> Picture {
        let planes = picture.planes.len();
        let dims = planes * AREA;
        let blur = blur(factor);
        let rows = self.rows(0, planes);
        let noise = SPREAD * SPREAD;
        let mut ready = Ready { keys: Vec::new(), values: Vec::new(), laws: Vec::new(), dims, width: dims };
        for (row, count) in rows.chunks_exact(dims).zip(self.memory.scales()[0].counts()) {
            // What the decay up to `level` took from the row, and what it left.
            let lost: Vec<f32> = row
                .chunks_exact(AREA)
                .flat_map(|plane| {
                    blur.of(plane)
                        .into_iter()
                        .zip(plane)
                        .map(|(low, x)| level * (x - low))
                        .collect::<Vec<_>>()
                })
                .collect();
            let mut key: Vec<f32> = row.iter().zip(&lost).map(|(x, lost)| x - lost).collect();
            centre(&mut key);
            let contrast = key.iter().map(|x| x * x).sum::<f32>().sqrt();
            ready.laws.push(ridge(contrast, noise, *count, CONTRAST));
            ready.keys.extend(key.iter().map(|x| x / contrast.max(1e-3)));
            ready.values.extend(lost.iter().map(|x| x / contrast.max(1e-3)));
        }
        let bank = ready.bank();
        let detail = self.each(picture, planes, |mut patches, _, _| {
            let queries = patches.len() / dims;
            for patch in patches.chunks_exact_mut(dims) {
                centre(patch);
            }
            let answer = attend(&bank, &blocks(&patches, dims), None, self.reading.threads);
            rows_of(&answer.values, &answer.norms, dims, queries)
        });
        picture.with(&detail, |x, lost| x + lost)
    }

    /// Lends luminance the chroma of patches like it, in shape and brightness; the scale above first.
    fn coloured(&self, luminance: &Plane) -> Picture {
        let picture = Picture { planes: vec![luminance.clone()] };
        let memory = &self.memory.scales()[0];
        let (shape, mean) = (1.0 / HUE.0, AREA as f32 / HUE.1);
        let dims = AREA + 1;
        let look = |patch: &[f32]| {
            let mut look = patch[..AREA].to_vec();
            let [own, ..] = centre(&mut look);
            for x in &mut look {
                *x *= shape / 7.0;
            }
            look.push(own * mean / 7.0);
            look
        };
        let mut ready =
            Ready { keys: Vec::new(), values: Vec::new(), laws: Vec::new(), dims, width: 2 * AREA };
        for (row, count) in memory.rows().chunks_exact(3 * AREA).zip(memory.counts()) {
            let key = look(row);
            let square: f32 = key.iter().map(|x| x * x).sum();
            let fixed = libm::logf(*count) - 0.5 * square;
            ready.laws.push(Law { square: 0.0, line: 1.0, fixed, slope: 0.0, level: 1.0 });
            ready.keys.extend(key);
            ready.values.extend_from_slice(&row[AREA..]);
        }
        let bank = ready.bank();
        let chroma = self.each(&picture, 2, |patches, _, _| {
            let asked: Vec<f32> = patches.chunks_exact(AREA).flat_map(look).collect();
            let answer = attend(&bank, &blocks(&asked, dims), None, self.reading.threads);
            rows_of(&answer.values, &answer.norms, 2 * AREA, patches.len() / AREA)
        });
        Picture { planes: [vec![luminance.clone()], chroma.planes].concat() }
    }
}

/// Takes the weighted mean off every plane of a patch; gives the means.
fn weighted_centre(patch: &mut [f32], weights: &[f32]) -> [f32; 3] {
    let mut means = [0.0; 3];
    let planes = patch.chunks_exact_mut(AREA).zip(weights.chunks_exact(AREA));
    for ((plane, weights), mean) in planes.zip(&mut means) {
        let sum: f32 = weights.iter().sum();
        let weighted: f32 = plane.iter().zip(weights).map(|(x, w)| x * w).sum();
        *mean = weighted / sum.max(1e-12);
        for x in plane.iter_mut() {
            *x -= *mean;
        }
    }
    means
}

/// `fine` with its coarse part led to `coarse`, of half its size, by `share`.
fn lifted(fine: &Picture, coarse: &Picture, share: f32) -> Picture {
    let change = coarse.with(&fine.halved(), |new, old| share * (new - old));
    fine.with(&change.resized(fine.height(), fine.width()), |x, change| x + change)
}

/// What shrinking by `factor` and growing again does to a patch, wherever it lies: the mean over where the coarse pixels
/// may begin.
fn blur(factor: usize) -> super::dense::Projection {
    let length = SIDE * factor * 4;
    let middle = length / 2;
    let mut kernel = [0.0f32; 2 * SIDE + 1];
    for phase in 0..factor {
        let pulse = Plane::of(1, length, |_, x| f32::from(u8::from(x == middle + phase)));
        let back = pulse.resized(1, length / factor).resized(1, length);
        for (at, tap) in kernel.iter_mut().enumerate() {
            *tap += back.values[middle + phase + at - SIDE] / factor as f32;
        }
    }
    let mut along = [[0.0f32; SIDE]; SIDE];
    for (to, line) in along.iter_mut().enumerate() {
        for (at, tap) in kernel.iter().enumerate() {
            line[mirrored(to + at, SIDE, SIDE)] += tap;
        }
        let sum: f32 = line.iter().sum();
        for tap in line.iter_mut() {
            *tap /= sum;
        }
    }
    let tap = |at: usize| {
        let (to, from) = (at / AREA, at % AREA);
        along[to / SIDE][from / SIDE] * along[to % SIDE][from % SIDE]
    };
    super::dense::Projection::new((0..AREA * AREA).map(tap).collect(), AREA)
}
