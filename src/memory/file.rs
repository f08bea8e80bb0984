//! The files of `safetensors` that memories and models are kept in: tensors of float32, and one string of metadata.
//!
//! One string, so that the same content gives the same bytes. It is JSON, and says of which form the file is before anything else of it is
//! believed.

use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Kind, Result};

/// Where the metadata lie.
const KEY: &str = "napot";

/// A kind of file, and how it is spoken of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope {
    /// What the metadata call it, as `napot-memory-1`.
    pub form: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// What helps where it is of another form.
    pub help: &'static str,
}

/// A tensor on its way into a file: its name, shape and numbers.
pub(super) type Part<'a> = (String, Vec<usize>, &'a [f32]);

impl Envelope {
    /// The bytes of a file; of `facts` the field `form` should be this one's.
    ///
    /// # Errors
    /// Where the format cannot hold it.
    pub fn to_bytes<'a>(
        self,
        facts: &impl Serialize,
        parts: impl IntoIterator<Item = Part<'a>>,
    ) -> Result<Vec<u8>> {
        let failed = |cause: &dyn std::fmt::Display| {
            Error::new(Kind::Output, self.name, "it can't be written").value(cause)
        };
        let little = |(name, shape, values): Part<'a>| {
            (name, shape, values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())
        };
        let parts: Vec<_> = parts.into_iter().map(little).collect();
        let views = parts.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(|cause| failed(&cause));
            view.map(|view| (name.as_str(), view))
        });
        let views = views.collect::<Result<Vec<_>>>()?;
        let facts = serde_json::to_string(facts).map_err(|cause| failed(&cause))?;
        safetensors::serialize(views, Some([(KEY.to_owned(), facts)].into_iter().collect()))
            .map_err(|cause| failed(&cause))
    }

    /// The metadata in the bytes of the file at `path`.
    ///
    /// # Errors
    /// Where they are no such file, or one of another form.
    pub fn facts<F: DeserializeOwned>(self, path: &Path, bytes: &[u8]) -> Result<F> {
        let Self { form, name, help } = self;
        let wrong = |problem: String| Error::input(path, problem);
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|cause| self.damaged(path, &cause))?;
        let text = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let text = text.ok_or_else(|| wrong(format!("this is no {name}")).at("metadata").bound(form))?;
        let found = serde_json::from_str::<serde_json::Value>(text).ok();
        let found = found.as_ref().and_then(|facts| facts["form"].as_str()).unwrap_or("none");
        if found != form {
            let error = wrong(format!("the {name} is of another form")).at("metadata");
            return Err(error.value(found).bound(form).help(help));
        }
        serde_json::from_str(text)
            .map_err(|cause| Error::input(path, "the metadata are damaged").value(cause))
    }

    /// The tensors in the bytes of the file at `path`.
    ///
    /// # Errors
    /// Where they are not whole.
    pub fn tensors<'a>(self, path: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>> {
        SafeTensors::deserialize(bytes).map_err(|cause| self.damaged(path, &cause))
    }

    /// The numbers of a tensor, and its shape.
    ///
    /// # Errors
    /// Where there is none, or one of another type.
    pub fn numbers(self, path: &Path, file: &SafeTensors<'_>, name: &str) -> Result<(Vec<usize>, Vec<f32>)> {
        let missing = format!("a part of the {} is missing", self.name);
        let tensor = file.tensor(name).map_err(|cause| Error::input(path, missing).at(name).value(cause))?;
        if tensor.dtype() != Dtype::F32 {
            let error = Error::input(path, "the numbers are of another type").at(name);
            return Err(error.value(format!("{:?}", tensor.dtype())).bound("F32"));
        }
        let values = tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        Ok((tensor.shape().to_vec(), values.collect()))
    }

    fn damaged(self, path: &Path, cause: &dyn std::fmt::Display) -> Error {
        Error::input(path, format!("this is no whole {}", self.name)).value(cause)
    }
}
