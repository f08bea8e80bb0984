//! Wholes finished by a model that learned pictures of their kind under few views.

use std::path::{Path, PathBuf};

use super::seen::Seen;
use crate::binding::consensus::{How, Whole};
use crate::binding::part::Part;
use crate::command::learn::load_views;
use crate::command::measured::Together;
use crate::error::{Error, Result};
use crate::memory::views::store::Kept;

/// How far an angle may lie from the one that was learned, in degrees, before it is said.
const NEAR: f64 = 0.5;

/// A model, read.
pub(super) struct Learned {
    file: PathBuf,
    kept: Kept,
}

impl Learned {
    /// The model of a file, where no `prior` is asked; says where what was seen is not what it learned.
    pub fn read(file: &Path, seen: &Seen, prior: bool) -> Result<Self> {
        if prior {
            let error = Error::call("--learned", "it makes pictures anew, whatever a renderer made of them");
            return Err(error.value(file.display()).bound("`--learned`, or who renders"));
        }
        let Seen::Views(views) = seen else {
            let error = Error::call("--learned", "it has no effect on this input").value(file.display());
            return Err(error.bound("a sinogram or tilt series, NAME.npy or NAME.tif"));
        };
        let kept = load_views(file)?;
        let name = file.display();
        if views.detectors != kept.side {
            let (side, detectors) = (kept.side, views.detectors);
            tracing::warn!(
                "{name}: it learned pictures of {side} x {side}, these are of {detectors} x {detectors}"
            );
        }
        if !alike(&views.degrees, &kept.degrees) {
            let (learned, seen) = (kept.degrees.len(), views.degrees.len());
            tracing::warn!(
                "{name}: it learned {learned} views under other angles than these {seen}: `napot learn views` learns those"
            );
        }
        Ok(Self { file: file.to_owned(), kept })
    }

    /// Makes the picture of each whole anew, from what its arrays see.
    ///
    /// # Errors
    /// Where the model gives no numbers.
    pub fn finish(&self, wholes: &mut [Whole], parts: &[Part], slices: usize, how: &How) -> Result<()> {
        for whole in wholes.iter_mut().filter(|whole| whole.arrays.len() > 1) {
            let seen = whole.arrays.iter().map(|array| &parts[*array]).collect();
            let picture = self.kept.views.picture(&Together::new(seen, slices, how.threads));
            if let Some(at) = picture.iter().position(|x| !x.is_finite()) {
                let error = Error::input(&self.file, "what the model finds is no number");
                let error = error.at(format!("pixel {at}")).value(picture[at]).bound("finite");
                return Err(error.help("Train it at a lower `--rate`."));
            }
            whole.picture = picture.into_iter().map(|x| x.min(how.most)).collect();
        }
        Ok(())
    }
}

/// Whether two sets of angles are the same lines.
fn alike(seen: &[f64], learned: &[f64]) -> bool {
    let apart = |one: f64, other: f64| {
        let off = (one - other).rem_euclid(180.0);
        off.min(180.0 - off)
    };
    let among = |angles: &[f64], angle: f64| angles.iter().any(|other| apart(angle, *other) <= NEAR);
    seen.len() == learned.len()
        && seen.iter().all(|angle| among(learned, *angle))
        && learned.iter().all(|angle| among(seen, *angle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_lines_are_known_whichever_way_they_are_told() {
        assert!(alike(&[0.0, 45.0, 90.0, 135.0], &[180.2, 225.0, -90.0, -45.3]));
        assert!(!alike(&[0.0, 45.0], &[0.0, 46.0]));
        assert!(!alike(&[0.0, 45.0, 45.1], &[0.0, 45.0]));
    }
}
