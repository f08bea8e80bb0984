//! A patch memory as a file of `safetensors`, out and in.
//!
//! | tensor | shape | holds |
//! |---|---|---|
//! | `patches.S` | (row, plane, side, side) | the patches of scale `S`, finest 0 |
//! | `counts.S` | (row) | how often each was met |
//!
//! The metadata hold, under `napot`, the form and what the memory was made of.

use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::dense::Dense;
use super::recall::{AREA, PatchMemory, SIDE};
use crate::error::{Error, Kind, Result};

/// The form that is written and read.
const FORM: &str = "napot-memory-1";
/// Where the metadata lie: one string, so that the same memory gives the same file.
const KEY: &str = "napot";
/// The most scales of a file: each halves the picture.
const MOST_SCALES: usize = 8;

/// The metadata.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    form: String,
    planes: usize,
    tolerance: f32,
    scales: Vec<Scale>,
}

/// What a scale was made of.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scale {
    capacity: usize,
    written: u64,
    seed: u64,
}

/// The memory as the bytes of a file.
///
/// # Errors
/// Where the form cannot hold it.
pub fn to_bytes(memory: &PatchMemory) -> Result<Vec<u8>> {
    let failed = |cause: &dyn std::fmt::Display| {
        Error::new(Kind::Output, "memory", "it can't be written").value(cause)
    };
    let little = |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let parts = memory.scales().iter().enumerate().flat_map(|(at, scale)| {
        let shape = vec![scale.len(), memory.planes(), SIDE, SIDE];
        [
            (format!("patches.{at}"), shape, little(scale.rows())),
            (format!("counts.{at}"), vec![scale.len()], little(scale.counts())),
        ]
    });
    let parts: Vec<(String, Vec<usize>, Vec<u8>)> = parts.collect();
    let views = parts.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(|cause| failed(&cause));
        view.map(|view| (name.as_str(), view))
    });
    let views = views.collect::<Result<Vec<_>>>()?;
    let scale =
        |scale: &Dense| Scale { capacity: scale.capacity(), written: scale.written(), seed: scale.seed() };
    let facts = Facts {
        form: FORM.to_owned(),
        planes: memory.planes(),
        tolerance: memory.tolerance(),
        scales: memory.scales().iter().map(scale).collect(),
    };
    let facts = serde_json::to_string(&facts).map_err(|cause| failed(&cause))?;
    safetensors::serialize(views, Some([(KEY.to_owned(), facts)].into_iter().collect()))
        .map_err(|cause| failed(&cause))
}

/// The memory in the bytes of the file at `path`.
///
/// # Errors
/// Where they are no memory, one of another form, cut short, or hold what is no number.
pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<PatchMemory> {
    let wrong = |problem: &str| Error::input(path, problem);
    let damaged = |cause: &dyn std::fmt::Display| wrong("this is no whole memory").value(cause);
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|cause| damaged(&cause))?;
    let text = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
    let text = text.ok_or_else(|| wrong("this is no memory").at("metadata").bound(FORM))?;
    let form = serde_json::from_str::<serde_json::Value>(text).ok();
    let form = form.as_ref().and_then(|facts| facts["form"].as_str()).unwrap_or("none");
    if form != FORM {
        let error = wrong("the memory is of another form").at("metadata");
        return Err(error.value(form).bound(FORM).help("Learn it anew by this version."));
    }
    let facts: Facts =
        serde_json::from_str(text).map_err(|cause| wrong("the metadata are damaged").value(cause))?;
    if facts.scales.is_empty() || facts.scales.len() > MOST_SCALES {
        let error = wrong("the number of scales is out of bounds").value(facts.scales.len());
        return Err(error.bound(format!("1 to {MOST_SCALES}")));
    }
    let file = SafeTensors::deserialize(bytes).map_err(|cause| damaged(&cause))?;
    let scales = facts.scales.iter().enumerate().map(|(at, scale)| {
        let (rows, counts) =
            (numbers(path, &file, &format!("patches.{at}"))?, numbers(path, &file, &format!("counts.{at}"))?);
        let made = (facts.planes.saturating_mul(AREA), scale.capacity, scale.seed);
        Dense::from_parts(made, rows, counts, scale.written)
            .map_err(|fault| wrong("a scale is damaged").at(format!("patches.{at}")).value(fault))
    });
    let scales = scales.collect::<Result<Vec<Dense>>>()?;
    PatchMemory::from_scales(facts.planes, scales, facts.tolerance)
        .map_err(|fault| wrong("the scales do not fit each other").value(fault))
}

fn numbers(path: &Path, file: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>> {
    let tensor = file
        .tensor(name)
        .map_err(|cause| Error::input(path, "a part of the memory is missing").at(name).value(cause))?;
    if tensor.dtype() != Dtype::F32 {
        let error = Error::input(path, "the numbers are of another type").at(name);
        return Err(error.value(format!("{:?}", tensor.dtype())).bound("F32"));
    }
    Ok(tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::picture::{Picture, Plane};

    fn memory() -> PatchMemory {
        let plane = |k: usize| Plane::of(32, 32, move |y, x| libm::sinf((y * k + x * x) as f32 * 0.3));
        let mut memory = PatchMemory::new(3, 2, 200, 5, 0.03);
        memory.learn(&[Picture { planes: vec![plane(1), plane(2), plane(3)] }], 300, 1).unwrap();
        memory
    }

    fn refused(bytes: &[u8]) -> String {
        from_bytes(Path::new("m.safetensors"), bytes).unwrap_err().to_string()
    }

    #[test]
    fn a_memory_comes_back_to_the_bit() {
        let memory = memory();
        let bytes = to_bytes(&memory).unwrap();
        assert_eq!(from_bytes(Path::new("m"), &bytes).unwrap(), memory);
        assert_eq!(to_bytes(&from_bytes(Path::new("m"), &bytes).unwrap()).unwrap(), bytes);
    }

    #[test]
    fn every_cut_is_refused_by_name() {
        let bytes = to_bytes(&memory()).unwrap();
        for end in (0..bytes.len()).step_by(bytes.len() / 40).chain([bytes.len() - 1]) {
            assert!(refused(&bytes[..end]).starts_with("m.safetensors"), "{end}");
        }
    }

    #[test]
    fn what_is_no_number_and_another_form_are_refused_with_their_place() {
        let bytes = to_bytes(&memory()).unwrap();
        let mut spoilt = bytes.clone();
        let end = spoilt.len();
        spoilt[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        let said = refused(&spoilt);
        assert!(said.contains("patches.1") && said.contains("NaN"), "{said}");
        let at = bytes.windows(FORM.len()).position(|window| window == FORM.as_bytes()).unwrap();
        let mut other = bytes;
        other[at + FORM.len() - 1] = b'9';
        let said = refused(&other);
        assert!(said.contains("napot-memory-9") && said.contains(FORM), "{said}");
        assert!(refused(b"no such thing").contains("no whole memory"));
    }

    #[test]
    fn a_memory_with_room_for_no_row_is_refused() {
        let bytes = to_bytes(&PatchMemory::new(1, 1, 1, 0, 0.03)).unwrap();
        assert!(from_bytes(Path::new("m"), &bytes).unwrap().scales()[0].is_empty());
        let (one, none) = (br#"capacity\":1"#, br#"capacity\":0"#);
        let at = bytes.windows(one.len()).position(|window| window == one).unwrap();
        let mut other = bytes;
        other[at..at + none.len()].copy_from_slice(none);
        let said = refused(&other);
        assert!(said.contains("patches.0") && said.contains("room for no row"), "{said}");
    }
}
