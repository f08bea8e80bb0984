//! A patch memory as a file of `safetensors`, out and in.
//!
//! | tensor | shape | holds |
//! |---|---|---|
//! | `patches.S` | (row, plane, side, side) | the patches of scale `S`, finest 0 |
//! | `counts.S` | (row) | how often each was met |
//!
//! The metadata hold, under `napot`, the form and what the memory was made of.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::dense::Dense;
use super::file::Envelope;
use super::recall::{AREA, PatchMemory, SIDE};
use crate::error::{Error, Result};

/// The form that is written and read.
const FILE: Envelope =
    Envelope { form: "napot-memory-1", name: "memory", help: "Learn it anew by this version." };
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
    let parts = memory.scales().iter().enumerate().flat_map(|(at, scale)| {
        let shape = vec![scale.len(), memory.planes(), SIDE, SIDE];
        [
            (format!("patches.{at}"), shape, scale.rows()),
            (format!("counts.{at}"), vec![scale.len()], scale.counts()),
        ]
    });
    let scale =
        |scale: &Dense| Scale { capacity: scale.capacity(), written: scale.written(), seed: scale.seed() };
    let facts = Facts {
        form: FILE.form.to_owned(),
        planes: memory.planes(),
        tolerance: memory.tolerance(),
        scales: memory.scales().iter().map(scale).collect(),
    };
    FILE.to_bytes(&facts, parts)
}

/// The memory in the bytes of the file at `path`.
///
/// # Errors
/// Where they are no memory, one of another form, cut short, or hold what is no number.
pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<PatchMemory> {
    let wrong = |problem: &str| Error::input(path, problem);
    let facts: Facts = FILE.facts(path, bytes)?;
    if facts.scales.is_empty() || facts.scales.len() > MOST_SCALES {
        let error = wrong("the number of scales is out of bounds").value(facts.scales.len());
        return Err(error.bound(format!("1 to {MOST_SCALES}")));
    }
    let file = FILE.tensors(path, bytes)?;
    let numbers = |name: String| FILE.numbers(path, &file, &name).map(|(_, numbers)| numbers);
    let scales = facts.scales.iter().enumerate().map(|(at, scale)| {
        let (rows, counts) = (numbers(format!("patches.{at}"))?, numbers(format!("counts.{at}"))?);
        let made = (facts.planes.saturating_mul(AREA), scale.capacity, scale.seed);
        Dense::from_parts(made, rows, counts, scale.written)
            .map_err(|fault| wrong("a scale is damaged").at(format!("patches.{at}")).value(fault))
    });
    let scales = scales.collect::<Result<Vec<Dense>>>()?;
    PatchMemory::from_scales(facts.planes, scales, facts.tolerance)
        .map_err(|fault| wrong("the scales do not fit each other").value(fault))
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
        let at = bytes.windows(FILE.form.len()).position(|window| window == FILE.form.as_bytes()).unwrap();
        let mut other = bytes;
        other[at + FILE.form.len() - 1] = b'9';
        let said = refused(&other);
        assert!(said.contains("napot-memory-9") && said.contains(FILE.form), "{said}");
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
