//! A model, or a training on its way, as a file of `safetensors`, out and in.
//!
//! | tensor | shape | holds |
//! |---|---|---|
//! | `enlarge.LAYER.weight`, `clean.LAYER.weight` | (output, input, 3, 3) | the weights of a layer |
//! | `enlarge.LAYER.bias`, `clean.LAYER.bias` | (output) | its offsets |
//! | `enlarge.mean`, `enlarge.square`, `clean.…` | (numbers) | the moments of the slopes; of a training alone |
//! | `errors` | (step) | the mean square error of every step; of a training alone |
//!
//! The metadata hold, under `napot`, the form, the sides, the calls that made it and where a training stands.

use std::path::Path;

use safetensors::tensor::SafeTensors;
use serde::{Deserialize, Serialize};

use super::super::file::{Envelope, Part};
use super::model::{Model, Size};
use super::network::Layer;
use super::train::{Course, Training};
use crate::error::{Error, Result};

/// The form that is written and read.
const FILE: Envelope = Envelope { form: "napot-renderer-1", name: "model", help: "`napot learn` makes one." };
/// What the networks are called.
const NAMES: [&str; 2] = ["enlarge", "clean"];
const MOMENTS: [&str; 2] = ["mean", "square"];

/// The metadata.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    form: String,
    size: Size,
    made: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    progress: Option<Progress>,
}

/// Where a training stands.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress {
    course: Course,
    pictures: u32,
    taken: [u64; 2],
    step: u64,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// The model, alone or with all that its training needs to go on.
    pub training: Training,
    /// The calls that made it, in their order.
    pub made: Vec<String>,
    /// How it is trained, and a checksum of the pictures; `None` of a finished model.
    pub course: Option<(Course, u32)>,
}

impl Kept {
    /// The bytes of a file: of the model alone, or, where there is a course, of the whole training.
    ///
    /// # Errors
    /// Where the form cannot hold it.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let Training { model, moments, taken, step, errors } = &self.training;
        let mut parts: Vec<Part<'_>> = Vec::new();
        for ((name, network), moments) in NAMES.iter().zip(model.networks()).zip(moments) {
            for layer in network.form().layers() {
                for (part, shape, place) in shapes(name, &layer) {
                    parts.push((part, shape, &network.numbers()[place]));
                }
            }
            for (moment, values) in MOMENTS.iter().zip(moments).filter(|_| self.course.is_some()) {
                parts.push((format!("{name}.{moment}"), vec![values.len()], values));
            }
        }
        if self.course.is_some() {
            parts.push(("errors".to_owned(), vec![errors.len()], errors));
        }
        let progress = self.course.clone().map(|(course, pictures)| Progress {
            course,
            pictures,
            taken: *taken,
            step: *step,
        });
        let form = FILE.form.to_owned();
        FILE.to_bytes(&Facts { form, size: model.size(), made: self.made.clone(), progress }, parts)
    }

    /// What the bytes of the file at `path` hold.
    ///
    /// # Errors
    /// Where they are no model, one of another form, cut short, of other shapes, or hold what is no number.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self> {
        let facts: Facts = FILE.facts(path, bytes)?;
        sized(facts.size).map_err(|error| error.within(path, None))?;
        let file = FILE.tensors(path, bytes)?;
        let mut read = Vec::new();
        for (name, form) in NAMES.iter().zip(Model::forms(facts.size)) {
            let mut all = Vec::with_capacity(form.len());
            for layer in form.layers() {
                for (part, shape, _) in shapes(name, &layer) {
                    all.extend(numbers(path, &file, &part, Some(&shape))?);
                }
            }
            read.push(all);
        }
        let clean = read.pop().unwrap_or_default();
        let mut training = Training::of(Model::of(facts.size, [read.pop().unwrap_or_default(), clean]));
        let Some(Progress { course, pictures, taken, step }) = facts.progress else {
            return Ok(Self { training, made: facts.made, course: None });
        };
        course.check().map_err(|error| error.within(path, None))?;
        for (name, moments) in NAMES.iter().zip(&mut training.moments) {
            for (moment, values) in MOMENTS.iter().zip(moments) {
                *values = numbers(path, &file, &format!("{name}.{moment}"), Some(&[values.len()]))?;
            }
        }
        training.errors = numbers(path, &file, "errors", None)?;
        (training.taken, training.step) = (taken, step);
        Ok(Self { training, made: facts.made, course: Some((course, pictures)) })
    }
}

/// Whether sides are within their bounds.
///
/// # Errors
/// Which is not.
pub fn sized(size: Size) -> Result<()> {
    for (name, value, most) in [("channels", size.channels, 256), ("blocks", size.blocks, 32)] {
        if value == 0 || value > most {
            let error = Error::call(name, "the size of the network is out of bounds");
            return Err(error.value(value).bound(format!("1 to {most}")));
        }
    }
    Ok(())
}

/// The tensors of a layer: name, shape, and where their numbers lie.
pub(in crate::memory) fn shapes(
    network: &str,
    layer: &Layer,
) -> [(String, Vec<usize>, core::ops::Range<usize>); 2] {
    let Layer { name, inputs, outputs, weights, bias } = layer;
    [
        (format!("{network}.{name}.weight"), vec![*outputs, *inputs, 3, 3], weights.clone()),
        (format!("{network}.{name}.bias"), vec![*outputs], bias.clone()),
    ]
}

/// The numbers of a tensor, of that shape.
///
/// # Errors
/// Where there is none, of another type or shape, or one of them is none.
pub(in crate::memory) fn numbers(
    path: &Path,
    file: &SafeTensors<'_>,
    name: &str,
    shape: Option<&[usize]>,
) -> Result<Vec<f32>> {
    let (found, values) = FILE.numbers(path, file, name)?;
    if let Some(shape) = shape.filter(|shape| **shape != *found) {
        let error = Error::input(path, "a part of the model has another shape").at(name);
        return Err(error.value(format!("{found:?}")).bound(format!("{shape:?}")));
    }
    if let Some(at) = values.iter().position(|x| !x.is_finite()) {
        let error =
            Error::input(path, "what the model holds is no number").at(format!("{name}, number {at}"));
        return Err(error.value(values[at]).bound("finite"));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Kept {
        let mut training = Training::of(Model::new(Size { channels: 4, blocks: 1 }, 7));
        training.errors = vec![0.5, 0.25];
        (training.step, training.taken) = (2, [1, 1]);
        training.moments[1][0][3] = 0.5;
        let course = Course { steps: 9, batch: 2, rate: 1e-3, seed: 7, tasks: [true, true] };
        Kept { training, made: vec!["napot learn".into()], course: Some((course, 5)) }
    }

    fn refused(bytes: &[u8]) -> String {
        Kept::from_bytes(Path::new("m.safetensors"), bytes).unwrap_err().to_string()
    }

    fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        let mut other = bytes.to_vec();
        other[at..at + to.len()].copy_from_slice(to.as_bytes());
        other
    }

    #[test]
    fn a_training_comes_back_to_the_bit_and_a_finished_model_is_smaller() {
        let kept = kept();
        let bytes = kept.to_bytes().unwrap();
        assert_eq!(Kept::from_bytes(Path::new("m"), &bytes).unwrap(), kept);
        let finished = Kept { course: None, ..kept.clone() };
        let small = finished.to_bytes().unwrap();
        assert!(small.len() < bytes.len() / 2);
        let read = Kept::from_bytes(Path::new("m"), &small).unwrap();
        assert_eq!((read.training.model, read.made), (kept.training.model, kept.made));
    }

    #[test]
    fn every_cut_is_refused_by_name() {
        let bytes = kept().to_bytes().unwrap();
        for end in (0..bytes.len()).step_by(bytes.len() / 40).chain([bytes.len() - 1]) {
            assert!(refused(&bytes[..end]).starts_with("m.safetensors"), "{end}");
        }
    }

    #[test]
    fn other_forms_shapes_and_what_is_no_number_are_refused_with_their_place() {
        let bytes = kept().to_bytes().unwrap();
        let said = refused(&replaced(&bytes, FILE.form, "napot-renderer-9"));
        assert!(said.contains("napot-renderer-9") && said.contains(FILE.form), "{said}");
        let said = refused(&replaced(&bytes, "[4,4,3,3]", "[4,4,9,1]"));
        assert!(said.contains("block.0.a.weight") && said.contains("[4, 4, 9, 1]"), "{said}");
        let mut spoilt = bytes;
        let end = spoilt.len();
        spoilt[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        let said = refused(&spoilt);
        assert!(said.contains("number") && said.contains("NaN"), "{said}");
        assert!(refused(b"no such thing").contains("no whole model"));
    }
}
