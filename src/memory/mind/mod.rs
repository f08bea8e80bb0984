//! The mind's eye: what an array still holds of what it saw, as a picture; and its dreams while little comes in.
//!
//! ```text
//!  field ─> trace: |z_b - twin|² by pixel ─> line ─> reading ─┐
//!  bursts ─> impression ──(keys)──┐                           ├─> weights ─> mean of the pictures: recall
//!  picture that was seen ─(values)┴─> episodes ───────────────┘
//!  tonic field ─> noise ─> the episodes, window by window, at less and less noise ─────────────────> dream
//! ```
//!
//! Ten times a second or so a moment is lived. The line is fitted as the run goes on, and what it explains of impressions it has not
//! met yet sets how far a reading is trusted (see [`super::trace`]): as a trace fades the weights even out, and what is recalled
//! fades into the mean of all that is known. A picture is learned, in one shot, where it was seen while bursts came in and the
//! field did not recall it already: **what was predicted is not stored again**.
//!
//! While little drives the array it dreams: the way back of diffusion from the array's own noise, with the exact denoiser of the
//! episodes, each window of a picture for itself, so that what is dreamt is put together from parts of many. Source: Kamb and
//! Ganguli, arXiv 2412.20292, local score machines.
//!
//! Nothing here feeds back into the array. The same moments and pictures give the same memories and pictures to the bit.

mod dream;
mod episodes;
mod line;

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::picture::Picture;
use super::recall::PatchMemory;
use super::trace::correlation;
use crate::error::{Error, Result};
use crate::signal::{InputPicture, MindFigures, MindPicture};
use crate::time::Tick;
use dream::Dream;
use episodes::Episodes;
use line::FollowingLine;

/// Rows and columns of what it renders.
pub const SIDE: usize = 64;
/// Ticks from one moment to the next: some ten a second, in step with no usual rate of pictures.
pub const MOMENT_TICKS: u64 = 97;
/// The most pixels along a side of a trace.
pub const TRACE_SIDE: usize = 16;
/// Planes of the field that dreams begin with: luminance and complex chroma.
pub const DREAM_PLANES: usize = 3;

/// Rms of a picture, of a range of 1, within which it counts as recalled.
const RECALLED: f32 = 0.04;
/// Drive of a moment, in tonic rms a site, below which little comes in, and from which on a dream ends.
const LITTLE: f32 = 0.35;
const WAKING: f32 = 0.6;
/// And below which nothing is learned.
const NOTHING: f32 = 0.03;
/// Moments with little in a row, after which it dreams: a second.
const UNTIL_DREAM: u32 = 10;
/// Patches that it learns of a picture, at each scale.
const PATCHES_EACH: usize = 64;
/// Rms within which a patch counts as known.
const PATCH_TOLERANCE: f32 = 0.03;
/// Moments that figures are means over, and that the mean picture reaches back.
const MEAN_OVER: f64 = 100.0;
/// How long ago a picture was seen that recall is held against to tell chance: ten seconds.
const ELSEWHERE: usize = 100;

/// How the mind's eye learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MindParameters {
    /// Whether there is one. It needs a seeing array and costs the real-time thread nothing but copies.
    pub enabled: bool,
    /// Pictures that it remembers at once, 1 to 1024, each in 49 kB; of a full memory one by chance makes room.
    pub episodes: usize,
    /// Patches of pictures that it remembers at each of two scales, 0 to 65536: the memory that a run with `--out` leaves, for
    /// `napot render`.
    pub patches: usize,
}

impl Default for MindParameters {
    fn default() -> Self {
        Self { enabled: true, episodes: 256, patches: 2_048 }
    }
}

impl MindParameters {
    /// Checks every bound.
    ///
    /// # Errors
    /// Names the key (under `mind.`), the value and the bound.
    pub fn check(&self) -> Result<()> {
        for (key, value, least, most) in
            [("episodes", self.episodes, 1, 1_024), ("patches", self.patches, 0, 65_536)]
        {
            if !(least..=most).contains(&value) {
                let error = Error::configuration(format!("mind.{key}"), "the value is out of bounds");
                return Err(error.value(value).bound(format!("{least} to {most}")));
            }
        }
        Ok(())
    }
}

/// What a field shows of itself at one time, and what came into it since the moment before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moment {
    /// The tick after which the last of it was taken; its bands are those of the ticks before, one a tick.
    pub tick: Tick,
    /// `|z_b|²`, of the difference from the twin where there is one, over its tonic mean: band by band, pixel by pixel.
    pub trace: Vec<f32>,
    /// Magnitudes of the bursts that came to a pixel, a site, fading.
    pub impression: Vec<f32>,
    /// Drive that bursts started since the moment before, in tonic rms a site.
    pub driven: f32,
    /// Rows and columns of `tonic`, at most [`SIDE`] each.
    pub grain: (usize, usize),
    /// Real parts of three bands at sites that lie evenly, row by row.
    pub tonic: [Vec<f32>; DREAM_PLANES],
}

/// The mind's eye of one array.
pub struct Mind {
    episodes: Episodes,
    line: FollowingLine,
    patches: Option<PatchMemory>,
    dream: Dream,
    seed: u64,
    /// Moments in a row with little.
    little: u32,
    /// The mean of what was seen.
    mean: Option<Picture>,
    /// What was seen, newest last.
    seen: VecDeque<Picture>,
    alike: Mean,
    elsewhere: Mean,
    /// Of the last moment.
    likeness: [Option<f64>; 2],
    figures: MindFigures,
}

/// A mean that forgets.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    count: f64,
    mean: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.mean += (value - self.mean) / self.count.min(MEAN_OVER);
    }

    fn read(self) -> Option<f64> {
        (self.count > 0.0).then_some(self.mean)
    }
}

impl Mind {
    /// One that knows nothing, of an array with traces of `pixels` pixels in `bands` bands.
    ///
    /// # Panics
    /// Where one of both is 0 or the parameters are out of bounds.
    #[must_use]
    pub fn new(parameters: &MindParameters, pixels: usize, bands: usize, seed: u64) -> Self {
        Self {
            episodes: Episodes::new(pixels, parameters.episodes, seed),
            line: FollowingLine::new(bands),
            patches: (parameters.patches > 0)
                .then(|| PatchMemory::new(3, 2, parameters.patches, seed, PATCH_TOLERANCE)),
            dream: Dream::default(),
            seed,
            little: 0,
            mean: None,
            seen: VecDeque::new(),
            alike: Mean::default(),
            elsewhere: Mean::default(),
            likeness: [None; 2],
            figures: MindFigures::default(),
        }
    }

    /// Lives a moment, with the picture that was in sight; gives what it has before its eye. Dreams are rendered where
    /// somebody looks (`watched`).
    pub fn live(
        &mut self,
        moment: &Moment,
        sight: Option<&InputPicture>,
        watched: bool,
    ) -> Option<MindPicture> {
        self.figures.moments += 1;
        let little = if self.figures.dreaming { WAKING } else { LITTLE };
        self.little = if moment.driven < little { self.little.saturating_add(1) } else { 0 };
        self.figures.dreaming = self.little >= UNTIL_DREAM && self.episodes.len() > 1;
        let seen = sight.map(picture);
        let recalled = self.recall(moment, seen.as_ref());
        self.line.follow(&moment.trace, &moment.impression);
        if let (Some(picture), Some(sight)) = (&seen, sight) {
            self.learn(moment, picture, sight, recalled.as_ref());
            self.look(picture);
        }
        self.figures.explained = self.line.explained();
        self.figures.alike = self.alike.read();
        self.figures.elsewhere = self.elsewhere.read();
        let shown = if self.figures.dreaming {
            self.figures.dreamt += 1;
            if !watched {
                return None;
            }
            Some(self.dream.step(&self.episodes, moment))
        } else {
            self.dream.end();
            recalled
        };
        shown.map(|picture| MindPicture {
            tick: moment.tick,
            dream: self.figures.dreaming,
            width: picture.width(),
            height: picture.height(),
            rgb: picture.to_rgb(),
        })
    }

    /// What the trace recalls, and how like it is to what is seen and to what was seen long ago.
    fn recall(&mut self, moment: &Moment, seen: Option<&Picture>) -> Option<Picture> {
        self.likeness = [None; 2];
        let (reading, noise) = self.line.read(&moment.trace, moment.impression.len())?;
        let recalled = self.episodes.recall(&reading, noise)?;
        if self.figures.dreaming {
            return Some(recalled);
        }
        if let (Some(seen), Some(mean)) = (seen, &self.mean) {
            let beyond =
                |picture: &Picture| picture.planes[0].with(&mean.planes[0], |x, mean| x - mean).values;
            let recalled = beyond(&recalled);
            let old = self.seen.front().filter(|_| self.seen.len() >= ELSEWHERE);
            self.likeness = [Some(seen), old].map(|seen| Some(correlation(&recalled, &beyond(seen?))));
            let means = [&mut self.alike, &mut self.elsewhere];
            for (mean, likeness) in means.into_iter().zip(self.likeness) {
                if let Some(likeness) = likeness {
                    mean.add(likeness);
                }
            }
        }
        Some(recalled)
    }

    /// Learns what is seen where something came in and the field did not say it already.
    fn learn(&mut self, moment: &Moment, seen: &Picture, sight: &InputPicture, recalled: Option<&Picture>) {
        if moment.driven < NOTHING {
            return;
        }
        if recalled.is_some_and(|recalled| apart(recalled, seen) <= RECALLED) {
            self.figures.predicted += 1;
            return;
        }
        self.figures.forgotten += u64::from(self.episodes.learn(&moment.impression, seen));
        self.figures.written += 1;
        self.figures.episodes = self.episodes.len() as u64;
        if let Some(patches) = &mut self.patches {
            let whole = Picture::from_rgb(sight.height, sight.width, &sight.rgb, false);
            // Bytes are always numbers, and the memory is one of colour as the picture is.
            let learned = patches.learn(&[whole], PATCHES_EACH, self.seed ^ moment.tick.0);
            debug_assert!(learned.is_ok());
            self.figures.patches = patches.scales().iter().map(|scale| scale.len() as u64).sum();
        }
    }

    /// Keeps in mind what was seen.
    fn look(&mut self, picture: &Picture) {
        let share = 1.0 / (self.figures.moments as f32).clamp(1.0, MEAN_OVER as f32);
        let mean = self.mean.get_or_insert_with(|| picture.clone());
        *mean = mean.with(picture, |mean, x| mean + share * (x - mean));
        self.seen.push_back(picture.luminance());
        if self.seen.len() > ELSEWHERE {
            self.seen.pop_front();
        }
    }

    /// Takes down how many moments were skipped so far.
    pub fn set_skipped(&mut self, moments: u64) {
        self.figures.skipped = moments;
    }

    /// What it did and holds.
    #[must_use]
    pub fn figures(&self) -> &MindFigures {
        &self.figures
    }

    /// How like what was recalled at the last moment is to what was seen then, and to what was seen ten seconds before: correlations beyond
    /// the mean of what was seen; none where it dreamt, knew nothing yet or saw nothing.
    #[must_use]
    pub fn likeness(&self) -> [Option<f64>; 2] {
        self.likeness
    }

    /// The patches of what was seen, for other renderers; `None` where it holds none.
    #[must_use]
    pub fn into_patches(self) -> Option<PatchMemory> {
        self.patches.filter(|patches| patches.scales().iter().any(|scale| !scale.is_empty()))
    }
}

/// An input picture as it is remembered.
fn picture(sight: &InputPicture) -> Picture {
    Picture::from_rgb(sight.height, sight.width, &sight.rgb, false).resized(SIDE, SIDE)
}

/// The rms of two pictures' difference, all planes.
fn apart(a: &Picture, b: &Picture) -> f32 {
    let squares = |(a, b): (&super::picture::Plane, &super::picture::Plane)| {
        a.values.iter().zip(&b.values).map(|(a, b)| (a - b) * (a - b)).sum::<f32>()
    };
    let count = a.planes.iter().map(|plane| plane.values.len()).sum::<usize>();
    (a.planes.iter().zip(&b.planes).map(squares).sum::<f32>() / count as f32).sqrt()
}

#[cfg(test)]
mod tests;
