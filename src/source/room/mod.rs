//! The room: a seeded procedural world of rolling, bouncing, sounding solids, as video and sound with truth.
//!
//! ```text
//!  cast (who) ─┬─> world (rigid bodies, 1 ms steps) ─┬─> render ─> RoomVideo, Truth
//!  impetus ────┘        camera (path, lens) ─────────┼─> synth  ─> RoomSound
//!                                                    └─> Contacts, Solos
//! ```
//!
//! Both sources own a copy of the world: the same parameters and seed give the same world, so each runs on
//! its own thread and neither waits for the other. Picture size and rate touch neither the sound nor the
//! contacts.
//!
//! To add a solid: give it a variant of `cast::Solid`, a collider in `world`, a ray and a distance in
//! `shape`. To add a material: a variant of `cast::Material`, its modes in `modal`, its looks in `cast`.

mod bounds;
mod camera;
mod cast;
mod impetus;
mod light;
mod modal;
mod noise;
mod parameters;
mod render;
mod reverb;
mod run;
mod scenery;
mod shade;
mod shape;
mod solo;
mod sound;
mod strike;
mod synth;
mod texture;
mod truth;
mod vector;
mod video;
mod wide;
mod world;

#[cfg(test)]
mod tests;

pub use camera::{CameraPose, Intrinsics};
pub use parameters::RoomParameters;
pub use solo::{SOLO_FRAMES, Solo, Solos};
pub use sound::RoomSound;
pub use truth::{Contact, Contacts, Truth, contacts};
pub use video::RoomVideo;

use crate::error::Result;

/// A room that is about to begin: its parameters, checked, and its seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Room {
    parameters: RoomParameters,
    seed: u64,
}

impl Room {
    /// The room of `seed`.
    ///
    /// # Errors
    /// Where a parameter is out of its bounds.
    pub fn new(parameters: &RoomParameters, seed: u64) -> Result<Self> {
        parameters.check()?;
        Ok(Self { parameters: parameters.clone(), seed })
    }

    /// Its picture and its sound, both from time zero and without end.
    #[must_use]
    pub fn into_sources(self) -> (RoomVideo, RoomSound) {
        (RoomVideo::new(&self.parameters, self.seed), RoomSound::new(&self.parameters, self.seed))
    }
}
