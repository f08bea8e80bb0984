//! Known signatures as a file of `safetensors`, out and in.
//!
//! | tensor | shape | holds |
//! |---|---|---|
//! | `signatures` | (name, slot, band, place, number) | what one showing left |
//!
//! The metadata hold, under `napot`, the form, the sheet, what the array is like, and the names.

use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::known::{Known, Setting};
use super::{Grid, NUMBERS, SLOTS};
use crate::error::{Error, Kind, Result};
use crate::signal::SheetShape;

/// The form that is written and read.
const FORM: &str = "napot-signatures-1";
/// Where the metadata lie: one string, so that the same signatures give the same file.
const KEY: &str = "napot";

/// The metadata.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    form: String,
    height: usize,
    width: usize,
    bands: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    setting: Option<Setting>,
    names: Vec<String>,
}

/// The signatures as the bytes of a file.
///
/// # Errors
/// Where the form cannot hold them.
pub fn to_bytes(known: &Known) -> Result<Vec<u8>> {
    let failed = |cause: &dyn std::fmt::Display| {
        Error::new(Kind::Output, "signatures", "they can't be written").value(cause)
    };
    let SheetShape { height, width, bands } = known.grid().shape;
    let names = known.names().to_vec();
    let bytes: Vec<u8> = known.numbers().iter().flat_map(|x| x.to_le_bytes()).collect();
    let shape = vec![names.len(), SLOTS, bands, known.grid().count(), NUMBERS];
    let view = TensorView::new(Dtype::F32, shape, &bytes).map_err(|cause| failed(&cause))?;
    let setting = known.setting();
    let facts = Facts { form: FORM.to_owned(), height, width, bands, setting, names };
    let facts = serde_json::to_string(&facts).map_err(|cause| failed(&cause))?;
    safetensors::serialize([("signatures", view)], Some([(KEY.to_owned(), facts)].into_iter().collect()))
        .map_err(|cause| failed(&cause))
}

/// The signatures in the bytes of the file at `path`.
///
/// # Errors
/// Where they are none, of another form, cut short, of another shape, hold what is no number, or a name that
/// [`Known::teach`] would refuse.
pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Known> {
    let wrong = |problem: &str| Error::input(path, problem);
    let damaged = |cause: &dyn std::fmt::Display| wrong("these are no whole signatures").value(cause);
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|cause| damaged(&cause))?;
    let text = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
    let text = text.ok_or_else(|| wrong("these are no signatures").at("metadata").bound(FORM))?;
    let form = serde_json::from_str::<serde_json::Value>(text).ok();
    let form = form.as_ref().and_then(|facts| facts["form"].as_str()).unwrap_or("none");
    if form != FORM {
        let error = wrong("the signatures are of another form").at("metadata").value(form);
        return Err(error.bound(FORM).help("`napot teach` makes them."));
    }
    let facts: Facts = serde_json::from_str(text)
        .map_err(|cause| wrong("the metadata are damaged").at("metadata").value(cause))?;
    let sizes = [("height", facts.height, 4_096), ("width", facts.width, 4_096), ("bands", facts.bands, 16)];
    for (name, value, most) in sizes {
        if !(1..=most).contains(&value) {
            let error = wrong("the sheet's shape is out of bounds").at(name).value(value);
            return Err(error.bound(format!("1 to {most}")));
        }
    }
    let file = SafeTensors::deserialize(bytes).map_err(|cause| damaged(&cause))?;
    let tensor = file
        .tensor("signatures")
        .map_err(|cause| wrong("a part of the signatures is missing").at("signatures").value(cause))?;
    let grid = Grid::of(SheetShape { height: facts.height, width: facts.width, bands: facts.bands });
    let shape = [facts.names.len(), SLOTS, facts.bands, grid.count(), NUMBERS];
    if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
        let error = wrong("the numbers have another shape").at("signatures");
        return Err(error
            .value(format!("{:?} {:?}", tensor.dtype(), tensor.shape()))
            .bound(format!("F32 {shape:?}")));
    }
    let numbers: Vec<f32> =
        tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let mut known = Known::new(grid).taken_in(facts.setting);
    let each = known.length();
    for (at, name) in facts.names.iter().enumerate() {
        known.teach(name, &numbers[at * each..][..each]).map_err(|error| error.within(path, None))?;
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::super::known::tests::{grid, shown};
    use super::*;

    fn known() -> Known {
        let mut known = Known::new(grid());
        known.teach("door 1", &shown(0.0, 1)).unwrap();
        known.teach("door 2", &shown(2.1, 2)).unwrap();
        known
    }

    fn refused(bytes: &[u8]) -> String {
        from_bytes(Path::new("s.safetensors"), bytes).unwrap_err().to_string()
    }

    /// The bytes with a piece of text exchanged for one of the same length.
    fn with(bytes: &[u8], old: &str, new: &str) -> Vec<u8> {
        assert_eq!(old.len(), new.len());
        let at = bytes.windows(old.len()).position(|window| window == old.as_bytes()).unwrap();
        let mut bytes = bytes.to_vec();
        bytes[at..at + new.len()].copy_from_slice(new.as_bytes());
        bytes
    }

    #[test]
    fn signatures_come_back_to_the_bit() {
        let bytes = to_bytes(&known()).unwrap();
        let back = from_bytes(Path::new("s"), &bytes).unwrap();
        assert_eq!(back, known());
        assert_eq!(to_bytes(&back).unwrap(), bytes);
        let setting = Some(Setting { burst_gain: 3.0, kappa: 2.0 });
        let bytes = to_bytes(&known().taken_in(setting)).unwrap();
        assert_eq!(from_bytes(Path::new("s"), &bytes).unwrap().setting(), setting);
        let none = to_bytes(&Known::new(grid())).unwrap();
        assert!(from_bytes(Path::new("s"), &none).unwrap().names().is_empty());
    }

    #[test]
    fn cuts_other_forms_and_other_files_are_refused_by_name() {
        let bytes = to_bytes(&known()).unwrap();
        for end in (0..bytes.len()).step_by(bytes.len() / 20).chain([bytes.len() - 1]) {
            assert!(refused(&bytes[..end]).starts_with("s.safetensors"), "{end}");
        }
        let said = refused(&with(&bytes, FORM, "napot-signatures-9"));
        assert!(said.contains("napot-signatures-9") && said.contains(FORM), "{said}");
        assert!(refused(b"no such thing").contains("no whole signatures"));
    }

    #[test]
    fn what_is_no_number_another_shape_and_a_name_given_twice_are_refused_with_their_place() {
        let bytes = to_bytes(&known()).unwrap();
        let mut spoilt = bytes.clone();
        let end = spoilt.len();
        spoilt[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        let said = refused(&spoilt);
        assert!(said.contains("door 2") && said.contains("NaN"), "{said}");
        let said = refused(&with(&bytes, "\\\"bands\\\":2", "\\\"bands\\\":3"));
        assert!(said.contains("another shape"), "{said}");
        let said = refused(&with(&bytes, "door 2", "door 1"));
        assert!(said.contains("known already"), "{said}");
    }
}
