//! Wholes finished by a model that learned pictures of their kind under few views.

use std::path::PathBuf;

use super::input::Views;
use super::{BindArgs, Ways};
use crate::binding::align::Found;
use crate::binding::consensus::{Bound, How};
use crate::binding::part::Part;
use crate::command::measured::Together;
use crate::command::pictures;
use crate::error::{Error, Result};
use crate::memory::views::store::Kept;

/// How far an angle may lie from the one that was learned, in degrees, before it is said.
const NEAR: f64 = 0.5;
/// The most bytes that a layer of its networks may hold.
const MOST_HELD: usize = 1 << 30;

/// A model, read.
pub(super) struct Learned {
    file: PathBuf,
    kept: Kept,
}

impl Learned {
    /// The model of the call, if it names one; says where what was seen is not what it learned.
    pub fn read(args: &BindArgs, views: Option<&Views>) -> Result<Option<Self>> {
        let Some((file, views)) = args.learned.as_ref().zip(views) else { return Ok(None) };
        let idle = [
            (
                args.prior.given(),
                "it makes pictures anew, whatever a renderer made of them",
                "`--learned`, or who renders",
            ),
            (args.way == Ways::Robust, "it goes by all data of a whole alike", "any other `--way`"),
        ];
        if let Some((_, problem, bound)) = idle.into_iter().find(|(idle, ..)| *idle) {
            return Err(Error::call("--learned", problem).value(file.display()).bound(bound));
        }
        let kept = pictures::load_views(file)?;
        let (name, detectors, side) = (file.display(), views.detectors, kept.side);
        let held = kept.views.size().channels * detectors.div_ceil(2).pow(2) * size_of::<f32>();
        if held > MOST_HELD {
            let error = Error::input(file, "the model is too large for such wide views, in bytes of a layer");
            return Err(error.value(held).bound(format!("at most {MOST_HELD}")));
        }
        if detectors != side {
            tracing::warn!(
                "{name}: it learned pictures of {side} x {side}, these are of {detectors} x {detectors}"
            );
        }
        if views.unseen > 0 {
            tracing::warn!(
                "{name}: it learned views that are whole, of these {} numbers are not seen",
                views.unseen
            );
        }
        Ok(Some(Self { file: file.clone(), kept }))
    }

    /// Makes the picture of each whole of two or more arrays anew, from what they see alike; says where they look under other angles than
    /// were learned. `kept` and `places` are the arrays' own numbers and where they were found.
    ///
    /// # Errors
    /// Where the model gives no numbers.
    pub fn finish(
        &self,
        bound: &mut Bound,
        (parts, slices, how): (&[Part], usize, &How),
        (views, kept, places): (&Views, &[usize], Option<&[Found]>),
    ) -> Result<()> {
        let name = self.file.display();
        for number in 0..bound.wholes.len() {
            let arrays = bound.wholes[number].arrays.clone();
            if arrays.len() < 2 {
                continue;
            }
            let turn = |array: usize| places.map_or(0.0, |places| places[array].place.turn);
            let degrees = |array: &usize| {
                let turn = turn(*array);
                views.degrees(kept[*array]).map(move |degrees| degrees + turn).collect::<Vec<f64>>()
            };
            let degrees: Vec<f64> = arrays.iter().flat_map(degrees).collect();
            if !alike(&degrees, &self.kept.degrees) {
                let (seen, learned) = (degrees.len(), self.kept.degrees.len());
                tracing::warn!(
                    "{name}: it learned {learned} views under other angles than the {seen} of whole {number}: `napot learn views` learns those"
                );
            }
            let seen = arrays.iter().map(|array| &parts[*array]).collect();
            let mut picture = self.kept.views.picture(&Together::new(seen, slices, how.threads));
            let (height, width) = (parts[0].size().0 / slices, parts[0].size().1);
            if let Some(at) = picture.iter().position(|x| !x.is_finite()) {
                let (slice, row, column) = (at / width / height, at / width % height, at % width);
                let error = Error::input(&self.file, "what the model finds is no number");
                let error = error.at(format!("whole {number}, slice {slice}, row {row}, column {column}"));
                return Err(error.value(picture[at]).bound("finite").help("Train it at a lower `--rate`."));
            }
            for x in &mut picture {
                *x = x.min(how.most);
            }
            bound.replace(number, picture, parts);
        }
        Ok(())
    }
}

/// Whether two sets of angles are the same lines, each as often.
fn alike(seen: &[f64], learned: &[f64]) -> bool {
    let around = |angles: &[f64]| {
        let mut angles: Vec<f64> = angles.iter().map(|angle| angle.rem_euclid(180.0)).collect();
        angles.sort_by(f64::total_cmp);
        angles
    };
    let near = |(one, other): (&f64, &f64)| {
        let off = (one - other).rem_euclid(180.0);
        off.min(180.0 - off) <= NEAR
    };
    let (seen, learned) = (around(seen), around(learned));
    // The first of one may be the last of the other: 0 and 179.9 degrees are near.
    let turned = |by: usize| seen.iter().zip(learned.iter().cycle().skip(by)).all(near);
    seen.len() == learned.len() && (0..learned.len()).any(turned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_lines_are_known_whichever_way_they_are_told() {
        assert!(alike(&[0.0, 45.0, 90.0, 135.0], &[179.8, 225.0, -90.0, -45.3]));
        assert!(!alike(&[0.0, 45.0], &[0.0, 46.0]));
        assert!(!alike(&[0.0, 0.0, 90.0], &[0.0, 90.0, 90.0]));
        assert!(!alike(&[0.0, 45.0, 45.1], &[0.0, 45.0]));
    }
}
