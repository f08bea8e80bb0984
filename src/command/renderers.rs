//! Who knows how pictures look: a memory, trained networks, or both, as commands name them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::pictures;
use crate::error::{Error, Result};
use crate::memory::backwards::Renderer;
use crate::memory::reader::Reading;
use crate::memory::trained::renderer::{Both, Trained};

/// Who renders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum With {
    /// The memory that `--memory` names.
    Memory,
    /// Trained networks: all but colour.
    Trained,
    /// Both: of noisy, JPEG and shrunken pictures the mean, a hole one after the other, of colour the memory.
    Both,
}

/// What a command takes of it.
#[derive(Args, Debug)]
pub(super) struct RendererArgs {
    /// Who renders: the memory where one is given, the trained networks where none is.
    #[arg(long, value_name = "WHO")]
    with: Option<With>,
    /// The memory that it is rendered from.
    #[arg(long, value_name = "FILE", required_if_eq_any([("with", "memory"), ("with", "both")]))]
    pub(super) memory: Option<PathBuf>,
    /// The networks that `napot learn` trained; those that come with the program where it is left out.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Have the networks look at the picture all eight ways round: better, and 8 times as long.
    #[arg(long)]
    turned: bool,
}

impl RendererArgs {
    /// Whether a renderer is named.
    pub(super) fn given(&self) -> bool {
        self.named().is_some()
    }

    /// The first flag by which a renderer is named.
    pub(super) fn named(&self) -> Option<&'static str> {
        let flags = [
            (self.with.is_some(), "--with"),
            (self.memory.is_some(), "--memory"),
            (self.model.is_some(), "--model"),
            (self.turned, "--turned"),
        ];
        flags.into_iter().find(|(given, _)| *given).map(|(_, flag)| flag)
    }

    /// The first flag that is given and about the networks alone.
    pub(super) fn of_networks(&self) -> Option<&'static str> {
        let flags = [(self.turned, "--turned"), (self.model.is_some(), "--model")];
        flags.into_iter().find(|(given, _)| *given).map(|(_, flag)| flag)
    }

    /// The files that are read.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.memory.iter().chain(&self.model)
    }

    /// Whether a memory is read.
    pub(super) fn remembers(&self) -> bool {
        self.who() != With::Trained
    }

    fn who(&self) -> With {
        self.with.unwrap_or(match (&self.memory, &self.model) {
            (Some(_), None) => With::Memory,
            (Some(_), Some(_)) => With::Both,
            (None, _) => With::Trained,
        })
    }

    /// Has whoever renders do `work`; a memory is read as `reading` says.
    ///
    /// # Errors
    /// Where something is named that would have no effect, a file can't be read, or `work` fails.
    pub(super) fn rendering<T>(
        &self,
        reading: Reading,
        work: impl FnOnce(&dyn Renderer) -> Result<T>,
    ) -> Result<T> {
        let with = self.who();
        if let Some(flag) = self.of_networks().filter(|_| with == With::Memory) {
            let error = Error::call(flag, "it has no effect where a memory renders").value("--with memory");
            return Err(error.bound("`--with trained` or `both`"));
        }
        let memory = self.memory.as_deref().map(pictures::load).transpose()?;
        let reader = memory.as_ref().map(|memory| memory.reader(reading));
        let model =
            if with == With::Memory { None } else { Some(pictures::load_model(self.model.as_deref())?) };
        let threads = reading.threads;
        let trained = model.as_ref().map(|model| Trained { model, threads, turned: self.turned });
        match (&reader, &trained) {
            (Some(reader), Some(trained)) if with == With::Both => work(&Both(reader, trained)),
            (_, Some(trained)) => work(trained),
            (Some(reader), None) => work(reader),
            (None, None) => Err(Error::call("--memory", "there is no memory to render from")),
        }
    }
}
