//! Binding beside a run: arrays that bind what is in sight, and the hands of people on them.
//!
//! ```text
//! sights ─update─> binder
//!                    ^ who holds, from which tick on: page's hands; in a replay the session's
//! ```

pub mod world;

use std::collections::VecDeque;

use crossbeam_channel::{Receiver, Sender, unbounded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sights::Looks;
use crate::error::{Error, Result};
use crate::signal::{BindingFigures, BindingPicture, InputPicture};
use crate::time::Tick;
use world::World;

/// How arrays bind what is seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BindingParameters {
    /// Whether they do. It costs the real-time thread nothing.
    pub enabled: bool,
    /// Arrays, 2 to 16.
    pub arrays: usize,
    /// Views of each, 1 to 32.
    pub views: usize,
    /// Rows and columns of the picture that they see, 32 or 64.
    pub side: usize,
}

impl Default for BindingParameters {
    fn default() -> Self {
        Self { enabled: true, arrays: 8, views: 8, side: 32 }
    }
}

impl BindingParameters {
    /// Checks every bound.
    ///
    /// # Errors
    /// Names the key (under `binding.`), the value and the bound.
    pub fn check(&self) -> Result<()> {
        let wrong = |key: &str, value: usize, bound: &str| {
            let error = Error::configuration(format!("binding.{key}"), "the value is out of bounds");
            Err(error.value(value).bound(bound))
        };
        if !(2..=16).contains(&self.arrays) {
            return wrong("arrays", self.arrays, "2 to 16");
        }
        if !(1..=32).contains(&self.views) {
            return wrong("views", self.views, "1 to 32");
        }
        if ![32, 64].contains(&self.side) {
            return wrong("side", self.side, "32 or 64");
        }
        Ok(())
    }
}

/// An array begins to hold, or lets go, from a tick on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) tick: Tick,
    pub(super) array: u8,
    pub(super) held: bool,
}

impl Hold {
    /// What a session keeps of it, behind which a tick is told.
    const KEY: &str = "binding.hold.";

    /// As a session keeps it.
    pub(super) fn text(self) -> String {
        format!("{}{}={}", Self::KEY, self.array, self.held)
    }

    /// One that a session keeps, where it is one.
    pub(super) fn read(tick: Tick, text: &str) -> Option<Self> {
        let (array, held) = text.strip_prefix(Self::KEY)?.split_once('=')?;
        Some(Self { tick, array: array.parse().ok()?, held: held.parse().ok()? })
    }
}

/// The end that holds arrays.
pub(super) struct Holds {
    to: Sender<Hold>,
    arrays: usize,
}

impl Holds {
    /// Has an array hold, or see again.
    ///
    /// # Errors
    /// Where there is none of this number.
    pub(super) fn give(&self, hold: Hold) -> Result<()> {
        if usize::from(hold.array) >= self.arrays {
            let error = Error::configuration("a hold", "there is no array of this number");
            return Err(error.value(hold.array).bound(format!("0 to {}", self.arrays - 1)));
        }
        // Who binds no more holds nothing.
        let _ = self.to.send(hold);
        Ok(())
    }
}

/// Arrays that bind, and who of them holds.
pub(super) struct Binder {
    world: World,
    hands: Receiver<Hold>,
    holds: VecDeque<Hold>,
}

impl Binder {
    /// Arrays before the first picture, and the end that holds them.
    ///
    /// # Errors
    /// Where the parameters are out of bounds.
    pub(super) fn new(parameters: &BindingParameters, seed: u64) -> Result<(Self, Holds)> {
        parameters.check()?;
        let (to, hands) = unbounded();
        let binder = Self { world: World::new(parameters, seed)?, hands, holds: VecDeque::new() };
        Ok((binder, Holds { to, arrays: parameters.arrays }))
    }

    /// What they made of what they saw.
    pub(super) fn into_world(self) -> World {
        self.world
    }
}

impl Looks for Binder {
    type Picture = BindingPicture;
    type Figures = BindingFigures;

    fn see(&mut self, tick: Tick, picture: &InputPicture) -> Result<()> {
        // Whoever gives an update has given all holds of the ticks before it.
        self.holds.extend(self.hands.try_iter());
        while let Some(hold) = self.holds.pop_front_if(|hold| hold.tick <= tick) {
            self.world.hold(usize::from(hold.array), hold.held);
        }
        self.world.see(picture)
    }

    fn picture(&self, tick: Tick) -> BindingPicture {
        self.world.picture(tick)
    }

    fn took(&mut self, skipped: u64, ms: f64) {
        self.world.took(skipped, ms);
    }

    fn figures(&self) -> &BindingFigures {
        self.world.figures()
    }
}

#[cfg(test)]
mod retina_tests;
#[cfg(test)]
mod tests;
