//! Binding beside a run: which picture each update is given, the hands of people on its arrays, and the thread on which they bind.
//!
//! ```text
//! pump ─pictures─> keeper ─update: picture in sight, who holds─> binder ─latest─> page
//!                    ^ page's hands; in a replay the session's
//! ```
//!
//! An update is of a tick, each [`UPDATE_TICKS`]th, and of the picture that is in sight then by the stamps; so offline the same
//! run binds to the same bit, and nothing of it is on the real-time thread. A binder that is a second behind holds the keeper back,
//! but not in a paced run: there updates are skipped, and counted.

pub mod world;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, unbounded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::signal::{BindingFigures, BindingPicture, InputPicture};
use crate::stream::latest::Writer;
use crate::time::{Clock, Tick};
use world::World;

/// Ticks from one update to the next.
pub const UPDATE_TICKS: u64 = 100;
/// Updates that may wait for the binder: a second.
const WAITING: usize = 10;
/// Ticks after which no picture of a session is waited for: its pictures stand some blocks behind what entered with them.
const PATIENCE: u64 = 2_000;

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

/// What the binder is given.
struct Update {
    tick: Tick,
    sight: Option<Arc<InputPicture>>,
    holds: Vec<Hold>,
    /// Updates that were skipped before it, in all.
    skipped: u64,
}

/// The keeper's part.
pub struct Sights {
    binder: Sender<Update>,
    /// Pictures that no update has come after yet.
    pictures: VecDeque<Arc<InputPicture>>,
    sight: Option<Arc<InputPicture>>,
    hands: Receiver<Hold>,
    holds: VecDeque<Hold>,
    /// The tick of the next update.
    next: Tick,
    /// Whether pictures come behind the ticks that they were seen in: those of a session.
    behind: bool,
    /// Whether a binder that is behind is waited for.
    waits: bool,
    skipped: u64,
    figures: Arc<Mutex<BindingFigures>>,
}

/// The binder's own part.
pub struct Binder {
    world: World,
    inbox: Receiver<Update>,
    clock: Arc<dyn Clock>,
    figures: Arc<Mutex<BindingFigures>>,
}

/// The ends of what binds beside a run; none where nothing does.
#[derive(Default)]
pub(super) struct Binding {
    pub(super) holds: Option<Holds>,
    pub(super) sights: Option<Sights>,
    pub(super) binder: Option<JoinHandle<Result<World>>>,
}

/// All parts, for a run from `first` on; pictures of a session come `behind` their ticks, and a run that is not paced `waits` for the
/// binder.
///
/// # Errors
/// Where the parameters are out of bounds.
pub(super) fn binding(
    parameters: &BindingParameters,
    seed: u64,
    first: Tick,
    [behind, waits]: [bool; 2],
    clock: Arc<dyn Clock>,
) -> Result<(Holds, Sights, Binder)> {
    parameters.check()?;
    let (to_binder, inbox) = crossbeam_channel::bounded(WAITING);
    let (to, hands) = unbounded();
    let holds = Holds { to, arrays: parameters.arrays };
    let figures = Arc::<Mutex<BindingFigures>>::default();
    let sights = Sights {
        binder: to_binder,
        pictures: VecDeque::new(),
        sight: None,
        hands,
        holds: VecDeque::new(),
        next: Tick(first.0.next_multiple_of(UPDATE_TICKS) + UPDATE_TICKS - 1),
        behind,
        waits,
        skipped: 0,
        figures: Arc::clone(&figures),
    };
    Ok((holds, sights, Binder { world: World::new(parameters, seed)?, inbox, clock, figures }))
}

impl Sights {
    /// Takes a picture that was seen, in the order of time.
    pub(super) fn see(&mut self, picture: &InputPicture) {
        self.pictures.push_back(Arc::new(picture.clone()));
    }

    /// Hands on the updates up to the tick that was played last; at the `end` no picture comes any more.
    pub(super) fn hand_on(&mut self, played: Tick, end: bool) {
        self.holds.extend(self.hands.try_iter());
        while self.next <= played {
            let time = self.next.start();
            let later = self.pictures.back().is_some_and(|picture| picture.time > time);
            if self.behind && !(later || end || played.0 >= self.next.0 + PATIENCE) {
                return;
            }
            while let Some(picture) = self.pictures.pop_front_if(|picture| picture.time <= time) {
                self.sight = Some(picture);
            }
            let mut holds = Vec::new();
            while let Some(hold) = self.holds.pop_front_if(|hold| hold.tick <= self.next) {
                holds.push(hold);
            }
            let (tick, sight, skipped) = (self.next, self.sight.clone(), self.skipped);
            self.give(Update { tick, sight, holds, skipped }, self.waits || end);
            self.next = Tick(self.next.0 + UPDATE_TICKS);
        }
    }

    /// Gives the binder an update; where that is behind and not waited for, what people did goes with the next.
    fn give(&mut self, update: Update, waits: bool) {
        // A binder that has gone takes none, which stops nothing.
        if waits {
            let _ = self.binder.send(update);
        } else if let Err(TrySendError::Full(update)) = self.binder.try_send(update) {
            self.skipped += 1;
            for hold in update.holds.into_iter().rev() {
                self.holds.push_front(hold);
            }
        }
    }

    /// How they bind.
    #[must_use]
    pub fn figures(&self) -> BindingFigures {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Binder {
    /// Binds update by update until no more come; `shows` takes the pictures.
    ///
    /// # Errors
    /// Where what the arrays see can't be bound.
    pub(super) fn run(mut self, mut shows: Option<Writer<BindingPicture>>) -> Result<World> {
        let mut spent = 0.0;
        while let Ok(update) = self.inbox.recv() {
            let begun = self.clock.now();
            for hold in update.holds {
                self.world.hold(usize::from(hold.array), hold.held);
            }
            let Some(sight) = update.sight else { continue };
            self.world.see(&sight)?;
            self.world.skipped(update.skipped);
            if let Some(writer) = &mut shows {
                writer.write(self.world.picture(update.tick));
            }
            spent += (self.clock.now() - begun).as_secs_f64();
            self.world.took(1e3 * spent);
            self.figures.lock().unwrap_or_else(PoisonError::into_inner).clone_from(self.world.figures());
        }
        Ok(self.world)
    }
}

#[cfg(test)]
mod tests;
