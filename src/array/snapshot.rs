//! An array's state as a file of `safetensors`, out and in: what is read back goes on to the bit.
//!
//! | tensor | shape | holds |
//! |---|---|---|
//! | `driven`, `twin` | (part, band, row, column) | the state in the frames that turn with its bands; part 0 is real |
//! | `drive` | (plane, row, column) | phasic drive, real and imaginary, and sustained levels |
//!
//! Its metadata hold, under `napot`, the form's name, the next tick, and what the array was made of: an array takes only
//! a snapshot of its own making. The energy book is no part of the state; it begins anew.

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use serde::{Deserialize, Serialize};

use super::ArrayParameters;
use super::step::Array;
use crate::error::{Error, Kind, Result};
use crate::kernel::archive::Archive;
use crate::time::Tick;

/// The form that is written and read.
const FORM: &str = "napot-array-2";
/// Where the metadata lie: one string, so that the same state gives the same file.
const KEY: &str = "napot";

/// The metadata.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    form: String,
    /// The next tick.
    tick: u64,
    /// What a drive tells of itself.
    flags: [bool; 2],
    array: u8,
    seed: [u32; 2],
    /// Rows and columns.
    size: [usize; 2],
    parameters: ArrayParameters,
}

impl Array {
    /// The state before `next`, the tick that would be stepped next.
    ///
    /// # Errors
    /// Where the form cannot hold it.
    pub fn snapshot(&self, next: Tick) -> Result<Vec<u8>> {
        let tensors = self.tensors().map(|(name, shape, values)| {
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (name, shape, bytes)
        });
        let tensors: Vec<_> = tensors.collect();
        let views = tensors.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
            view.map(|view| (*name, view)).map_err(|fault| unwritten(&fault))
        });
        let views = views.collect::<Result<Vec<_>>>()?;
        let facts = serde_json::to_string(&self.facts(next)).map_err(|fault| unwritten(&fault))?;
        safetensors::serialize(views, Some([(KEY.to_owned(), facts)].into_iter().collect()))
            .map_err(|fault| unwritten(&fault))
    }

    /// Takes the state of a snapshot called `name` in messages, and gives the tick that is to be stepped next. Where it
    /// fails, the array is as it was.
    ///
    /// # Errors
    /// Where the bytes are no snapshot, or one of another form, array or shape, or hold what is no number.
    pub fn restore(&mut self, name: &str, bytes: &[u8]) -> Result<Tick> {
        let wrong = |problem: &str| Error::input(name, problem);
        let damaged = |fault: &dyn std::fmt::Display| wrong("this is no whole snapshot").value(fault);
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|fault| damaged(&fault))?;
        let text = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let text = text.ok_or_else(|| wrong("this is no snapshot of an array").at("metadata"))?;
        let found: Facts = serde_json::from_str(text).map_err(|fault| {
            wrong("the metadata are of another form").at("metadata").value(fault).bound(FORM)
        })?;
        // Through the same text and back: reading a decimal may round its last bit.
        let own = serde_json::to_string(&self.facts(Tick(found.tick))).map_err(|fault| unwritten(&fault))?;
        let own: Facts = serde_json::from_str(&own).map_err(|fault| unwritten(&fault))?;
        let differ = |what: &str, found: &dyn std::fmt::Debug, own: &dyn std::fmt::Debug| {
            let error = wrong("the snapshot is not one of this array").at(what);
            Err(error.value(format!("{found:?}")).bound(format!("{own:?}")))
        };
        match () {
            () if found.form != own.form => return differ("form", &found.form, &own.form),
            () if found.array != own.array => return differ("array", &found.array, &own.array),
            () if found.seed != own.seed => return differ("seed", &found.seed, &own.seed),
            () if found.size != own.size => return differ("size", &found.size, &own.size),
            () if found.parameters != own.parameters => {
                return differ("parameters", &found.parameters, &own.parameters);
            }
            () => {}
        }
        let file = SafeTensors::deserialize(bytes).map_err(|fault| damaged(&fault))?;
        let mut read = Vec::with_capacity(self.state_values());
        for (tensor, shape, _) in self.tensors() {
            read.extend(values(name, &file, tensor, &shape)?);
        }
        self.put_state(&read);
        self.drive.set_flags(found.flags);
        Ok(Tick(found.tick))
    }

    /// Hands what the state holds besides its numbers to `archive`.
    pub fn archive(&mut self, archive: &mut impl Archive) {
        self.drive.archive(archive);
    }

    /// Takes the numbers that [`Self::for_state`] handed over, and opens the books anew.
    ///
    /// # Panics
    /// Where there are not [`Self::state_values`] numbers.
    pub fn put_state(&mut self, values: &[f32]) {
        assert!(values.len() == self.state_values(), "a number for every place");
        let (sites, bands) = (self.shape.sites(), self.shape.bands);
        let mut planes = values.chunks_exact(sites);
        let mut plane = || planes.next().unwrap_or_default();
        for copy in std::iter::once(&mut self.driven).chain(&mut self.twin) {
            for (part, band) in (0..2).flat_map(|part| (0..bands).map(move |band| (part, band))) {
                copy.part_mut(band, part).copy_from_slice(plane());
            }
        }
        self.drive.put_planes([plane(), plane(), plane()]);
        self.reopen();
    }

    /// Every tensor: its name, shape and values; together the numbers of [`Self::for_state`].
    fn tensors(&self) -> impl Iterator<Item = (&'static str, Vec<usize>, Vec<f32>)> {
        let shape = self.shape;
        let copies = [("driven", Some(&self.driven)), ("twin", self.twin.as_ref())];
        let copies = copies.into_iter().filter_map(move |(name, planes)| {
            let planes = planes?;
            let places = (0..2).flat_map(|part| (0..shape.bands).map(move |band| (band, part)));
            let values = places.flat_map(|(band, part)| planes.part(band, part)).copied().collect();
            Some((name, vec![2, shape.bands, shape.height, shape.width], values))
        });
        let drive = self.drive.planes().concat();
        copies.chain(std::iter::once(("drive", vec![3, shape.height, shape.width], drive)))
    }

    fn facts(&self, next: Tick) -> Facts {
        Facts {
            form: FORM.to_owned(),
            tick: next.0,
            flags: self.drive.flags(),
            array: self.id.0,
            seed: self.seed,
            size: [self.shape.height, self.shape.width],
            parameters: self.parameters.clone(),
        }
    }
}

/// The numbers of a tensor, all of them finite.
fn values(name: &str, file: &SafeTensors<'_>, tensor: &str, shape: &[usize]) -> Result<Vec<f32>> {
    let wrong = |problem: &str| Error::input(name, problem).at(tensor);
    let view = file.tensor(tensor).map_err(|fault| wrong("the tensor is not there").value(fault))?;
    if view.dtype() != Dtype::F32 || view.shape() != shape {
        return Err(wrong("the tensor has another shape")
            .value(format!("{:?} {:?}", view.dtype(), view.shape()))
            .bound(format!("F32 {shape:?}")));
    }
    let values: Vec<f32> = view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(values),
        Some(index) => Err(Error::input(name, "a value is no number")
            .at(format!("{tensor}, value {index}"))
            .value(values[index])
            .bound("finite")),
    }
}

fn unwritten(fault: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Numeric, "snapshot", "the state could not be put into its form").value(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::team::Team;
    use crate::signal::{ArrayId, Burst, Sign};
    use crate::time::Timestamp;

    fn array(twin: bool) -> Array {
        Array::new(ArrayId(1), 5, 37, &ArrayParameters { twin, ..Default::default() }, 9, 1).unwrap()
    }

    fn run(array: &mut Array, ticks: std::ops::Range<u64>) -> Vec<u32> {
        let mut team = Team::new(1);
        for tick in ticks {
            if tick % 40 == 3 {
                array.strike(&Burst {
                    time: Timestamp::ZERO,
                    array: ArrayId(1),
                    site: (tick % 185) as u32,
                    sign: Sign::On,
                    phase: 0.0,
                    magnitude: 2.0,
                    surprisal_bits: 1.0,
                });
                array.sustain(&[0.5; 185]);
            }
            array.step(Tick(tick), &mut team);
        }
        let mut bits = Vec::new();
        array.for_state(|plane| bits.extend(plane.iter().map(|value| value.to_bits())));
        bits
    }

    #[test]
    fn what_is_read_back_goes_on_to_the_bit() {
        for twin in [true, false] {
            let mut through = array(twin);
            run(&mut through, 0..150);
            let bytes = through.snapshot(Tick(150)).unwrap();
            assert!(bytes == through.snapshot(Tick(150)).unwrap(), "the same state is the same file");
            let mut other = array(twin);
            run(&mut other, 0..20);
            assert_eq!(other.restore("kept", &bytes).unwrap(), Tick(150));
            assert_eq!(run(&mut other, 150..300), run(&mut through, 150..300));
            let figures = other.balance().1;
            assert!(figures.relative_error < 1e-4, "the book begins anew and closes: {figures:?}");
        }
    }

    #[test]
    fn what_is_not_a_snapshot_of_this_array_is_refused_and_changes_nothing() {
        let mut array = array(true);
        let bytes = array.snapshot(Tick(7)).unwrap();
        let before = run(&mut array, 0..1);
        let mut refused = |bytes: &[u8], expected: &str| {
            let message = array.restore("kept.safetensors", bytes).unwrap_err().to_string();
            assert!(message.contains("kept.safetensors") && message.contains(expected), "{message}");
        };
        refused(&[], "no whole snapshot");
        refused(&bytes[..bytes.len() - 4], "no whole snapshot");
        let mut poisoned = bytes.clone();
        let end = poisoned.len();
        poisoned[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        refused(&poisoned, "a value is no number");
        let make = |width, chi| {
            let parameters = ArrayParameters { chi, ..Default::default() };
            Array::new(ArrayId(1), 5, width, &parameters, 9, 1).unwrap().snapshot(Tick(0)).unwrap()
        };
        refused(&make(36, 1.0), "size: the snapshot is not one of this array: [5, 36] (allowed: [5, 37])");
        refused(&make(37, 1.5), "parameters");
        let text = bytes.windows(FORM.len()).position(|window| window == FORM.as_bytes()).unwrap();
        let mut newer = bytes.clone();
        newer[text + FORM.len() - 1] = b'9';
        refused(&newer, "form");
        let mut bits = Vec::new();
        array.for_state(|plane| bits.extend(plane.iter().map(|value| value.to_bits())));
        assert_eq!(bits, before);
    }
}
