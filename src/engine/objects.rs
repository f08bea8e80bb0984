//! Objects beside a run: what stands out from the picture in sight, update by update, each with a label that stays.
//!
//! ```text
//! sights ─update─> luminance, its longer side `side` ─> segments by phases ─> labels, those of the last update where they stay
//! ```
//!
//! Each update is segmented by itself, from the same starts: a picture that stands still has the same objects. An object is told where its
//! oscillators swing as one and where it is more than an edge; what holds less together jumps from update to update.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sights::Looks;
use crate::error::{Error, Result};
use crate::kernel::palette::label_colour;
use crate::readout::segment::{Follow, How, Object, Seen, Segments, segment};
use crate::signal::{InputPicture, ObjectsFigures, ObjectsPicture, SeenObject};
use crate::time::Tick;

/// The longer side of the picture for people, or as long as it came.
const SHOWN_SIDE: usize = 128;

/// How what is seen is taken apart into objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectsParameters {
    /// Whether it is. It costs the real-time thread nothing.
    pub enabled: bool,
    /// Pixels of the picture's longer side, 32 or 64.
    pub side: usize,
}

impl Default for ObjectsParameters {
    fn default() -> Self {
        Self { enabled: true, side: 32 }
    }
}

impl ObjectsParameters {
    /// Checks every bound.
    ///
    /// # Errors
    /// Names the key (under `objects.`), the value and the bound.
    pub fn check(&self) -> Result<()> {
        if ![32, 64].contains(&self.side) {
            let error = Error::configuration("objects.side", "the value is out of bounds");
            return Err(error.value(self.side).bound("32 or 64"));
        }
        Ok(())
    }
}

/// What takes pictures apart into objects.
pub struct Objects {
    side: usize,
    how: How,
    follow: Follow,
    labels: Vec<u8>,
    /// Rows and columns of the picture for people, and a byte of grey for each pixel.
    shown: ([usize; 2], Vec<u8>),
    count: u64,
    figures: ObjectsFigures,
}

impl Objects {
    /// Before the first picture.
    ///
    /// # Errors
    /// Where the parameters are out of bounds.
    pub fn new(parameters: &ObjectsParameters, how: &How) -> Result<Self> {
        parameters.check()?;
        Ok(Self {
            side: parameters.side,
            how: *how,
            follow: Follow::sure(),
            labels: Vec::new(),
            shown: ([0; 2], Vec::new()),
            count: 0,
            figures: ObjectsFigures::default(),
        })
    }

    /// Sees a picture; one that is not whole is passed over.
    pub fn look(&mut self, picture: &InputPicture) {
        let &InputPicture { width, height, ref rgb, .. } = picture;
        if width * height == 0 || rgb.len() != 3 * width * height {
            return;
        }
        let seen = Seen::of(rgb, [height, width], self.side);
        self.shown = shown(picture);
        // One value all over, or a few pixels: nothing stands out.
        let found = segment(&seen.greys, seen.size[1], &self.how);
        let mut segments = found.unwrap_or_else(|_| Segments::none(seen.greys.len()));
        let objects = self.follow.follow(&mut segments, seen.size[1]);
        let object = |object: Object| SeenObject {
            label: object.label,
            colour: label_colour(object.label),
            share: object.pixels as f32 / seen.greys.len() as f32,
            confidence: object.coherence,
        };
        self.labels = segments.labels;
        let figures = &mut self.figures;
        figures.updates += 1;
        figures.size = seen.size;
        figures.objects = objects.into_iter().map(object).collect();
        self.count += figures.objects.len() as u64;
        figures.mean_objects = Some(self.count as f64 / figures.updates as f64);
    }

    /// The object of each pixel as it was seen last, row by row; 0 is ground.
    #[must_use]
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// What was found.
    #[must_use]
    pub fn figures(&self) -> &ObjectsFigures {
        &self.figures
    }
}

impl Looks for Objects {
    type Picture = ObjectsPicture;
    type Figures = ObjectsFigures;

    fn see(&mut self, _tick: Tick, picture: &InputPicture) -> Result<()> {
        self.look(picture);
        Ok(())
    }

    fn picture(&self, tick: Tick) -> ObjectsPicture {
        ObjectsPicture {
            tick,
            size: self.figures.size,
            labels: self.labels.clone(),
            shown: self.shown.0,
            grey: self.shown.1.clone(),
            objects: self.figures.objects.clone(),
        }
    }

    fn took(&mut self, skipped: u64, ms: f64) {
        self.figures.skipped = skipped;
        self.figures.update_ms = (self.figures.updates > 0).then(|| ms / self.figures.updates as f64);
    }

    fn figures(&self) -> &ObjectsFigures {
        &self.figures
    }
}

/// The luma (ITU-R BT.709) of a picture at a whole fraction of its size.
fn shown(picture: &InputPicture) -> ([usize; 2], Vec<u8>) {
    let &InputPicture { width, height, ref rgb, .. } = picture;
    let step = width.max(height).div_ceil(SHOWN_SIDE);
    let luma = |at: usize| {
        let [red, green, blue] = [0, 1, 2].map(|part| u32::from(rgb[3 * at + part]));
        ((54 * red + 183 * green + 19 * blue) / 256) as u8
    };
    let row = |y: usize| (0..width).step_by(step).map(move |x| luma(y * width + x));
    ([height.div_ceil(step), width.div_ceil(step)], (0..height).step_by(step).flat_map(row).collect())
}

#[cfg(test)]
mod tests;
