//! A reconstruction of few views as a file of `safetensors`, out and in.
//!
//! | tensor | shape | holds |
//! |---|---|---|
//! | `stage.K.LAYER.weight` | (output, input, 3, 3) | the weights of a layer of stage `K`, from 0 |
//! | `stage.K.LAYER.bias` | (output) | its offsets |
//!
//! The metadata hold, under `napot`, the form, the sides, the side of the pictures and the angles that were learned, and the call that made it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::file::{Envelope, Part};
use super::super::trained::model::Size;
use super::super::trained::store::{numbers, shapes, sized};
use super::{MOST_STAGES, Views};
use crate::error::{Error, Result};

/// The form that is written and read.
const FILE: Envelope =
    Envelope { form: "napot-views-1", name: "model", help: "`napot learn views` makes one." };

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    form: String,
    size: Size,
    stages: usize,
    side: usize,
    degrees: Vec<f64>,
    made: Vec<String>,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// The reconstruction.
    pub views: Views,
    /// Rows and columns of the pictures that it learned.
    pub side: usize,
    /// The angles of its views.
    pub degrees: Vec<f64>,
    /// The calls that made it, in their order.
    pub made: Vec<String>,
}

impl Kept {
    /// The bytes of a file.
    ///
    /// # Errors
    /// Where the form cannot hold it.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut parts: Vec<Part<'_>> = Vec::new();
        for (at, stage) in self.views.stages().iter().enumerate() {
            for layer in stage.form().layers() {
                let shapes = shapes(&format!("stage.{at}"), &layer);
                parts.extend(shapes.map(|(name, shape, place)| (name, shape, &stage.numbers()[place])));
            }
        }
        let facts = Facts {
            form: FILE.form.to_owned(),
            size: self.views.size(),
            stages: self.views.stages().len(),
            side: self.side,
            degrees: self.degrees.clone(),
            made: self.made.clone(),
        };
        FILE.to_bytes(&facts, parts)
    }

    /// What the bytes of the file at `path` hold.
    ///
    /// # Errors
    /// Where they are no such model, one of another form, cut short, of other shapes, or hold what is no number.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self> {
        let Facts { size, stages, side, degrees, made, .. } = FILE.facts(path, bytes)?;
        sized(size).map_err(|error| error.within(path, None))?;
        if !(1..=MOST_STAGES).contains(&stages) {
            let error = Error::input(path, "its stages are out of bounds").at("metadata").value(stages);
            return Err(error.bound(format!("1 to {MOST_STAGES}")));
        }
        let file = FILE.tensors(path, bytes)?;
        let (form, mut read) = (Views::form(size), Vec::new());
        for stage in 0..stages {
            let mut all = Vec::with_capacity(form.len());
            for layer in form.layers() {
                for (name, shape, _) in shapes(&format!("stage.{stage}"), &layer) {
                    all.extend(numbers(path, &file, &name, Some(&shape))?);
                }
            }
            read.push(all);
        }
        Ok(Self { views: Views::of(size, read), side, degrees, made })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Kept {
        let views = Views::new(Size { channels: 4, blocks: 1 }, 2, 7);
        Kept { views, side: 16, degrees: vec![0.0, 22.5], made: vec!["napot learn views".into()] }
    }

    fn refused(bytes: &[u8]) -> String {
        Kept::from_bytes(Path::new("v.safetensors"), bytes).unwrap_err().to_string()
    }

    #[test]
    fn a_model_comes_back_to_the_bit_and_every_cut_is_refused_by_name() {
        let bytes = kept().to_bytes().unwrap();
        assert_eq!(Kept::from_bytes(Path::new("v"), &bytes).unwrap(), kept());
        for end in (0..bytes.len()).step_by(bytes.len() / 30).chain([bytes.len() - 1]) {
            assert!(refused(&bytes[..end]).starts_with("v.safetensors"), "{end}");
        }
    }

    #[test]
    fn another_form_and_what_is_no_number_are_refused_with_their_place() {
        let mut spoilt = kept().to_bytes().unwrap();
        let at = spoilt.windows(FILE.form.len()).position(|window| window == FILE.form.as_bytes()).unwrap();
        let mut other = spoilt.clone();
        other[at + FILE.form.len() - 1] = b'9';
        let said = refused(&other);
        assert!(said.contains("napot-views-9") && said.contains(FILE.form), "{said}");
        let end = spoilt.len();
        spoilt[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        assert!(refused(&spoilt).contains("NaN"));
        assert!(refused(b"no such thing").contains("no whole model"));
    }
}
