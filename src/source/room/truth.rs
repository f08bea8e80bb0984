//! What is true of the room: depth, labels and camera of a frame, and every contact with its time.

use std::collections::VecDeque;

use rapier3d::prelude::Vector;

use super::camera::{CameraPose, Intrinsics, Path};
use super::parameters::RoomParameters;
use super::strike::Striker;
use super::world::{Impact, Other, World};
use crate::error::Result;
use crate::time::Timestamp;

/// The truth about one frame. Maps have `width * height` values row by row from the upper left, each for the
/// ray through its pixel's centre.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// The frame's time.
    pub time: Timestamp,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Metres along the optical axis (not along the ray); infinity where there is nothing.
    pub depth: Vec<f32>,
    /// What is seen: 0 is the room, 1 and up are its solids.
    pub labels: Vec<u8>,
    /// Where the camera stands.
    pub pose: CameraPose,
    /// Its lens.
    pub intrinsics: Intrinsics,
}

/// One impact of a solid on another or on the room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contact {
    /// When; its sound starts with the sound frame of this time.
    pub time: Timestamp,
    /// The label of the first solid, 1 and up.
    pub first: u8,
    /// The label of the second solid, above `first`; 0 is the room.
    pub second: u8,
    /// Speed of approach along the normal in m/s, above 0.3.
    pub speed: f32,
    /// Impulse in N s.
    pub impulse: f32,
    /// Where, in the room's axes, in metres.
    pub position: [f32; 3],
    /// Where it is heard, -1 (left) to 1 (right).
    pub pan: f32,
    /// Largest amplitude, of the louder channel, of the sound it makes by itself: full scale is 1; before
    /// the limiter, without the room's echo.
    pub peak: f32,
}

/// All contacts of a room from time zero on, in the order of their times, without end.
pub struct Contacts {
    world: World,
    path: Path,
    striker: Striker,
    queue: VecDeque<Contact>,
    until: Option<Timestamp>,
}

impl Contacts {
    /// The contacts of the room of `seed`; picture size and rate make no difference.
    ///
    /// # Errors
    /// Where a parameter is out of its bounds.
    pub fn new(parameters: &RoomParameters, seed: u64) -> Result<Self> {
        parameters.check()?;
        let world = World::new(parameters, seed);
        let striker = Striker::new(world.parts());
        Ok(Self { striker, world, path: Path::new(seed), queue: VecDeque::new(), until: None })
    }

    fn read_step(&mut self) {
        let time = self.world.time();
        if self.world.impacts().is_empty() {
            return;
        }
        let pose = self.path.pose(time);
        for impact in self.world.impacts().iter().filter(|impact| impact.first) {
            let centre = |body: usize| self.world.pose(body).translation;
            self.queue.push_back(tell(time, impact, &self.striker, &pose, centre));
        }
    }
}

/// An impact as it is told.
pub(super) fn tell(
    time: Timestamp,
    impact: &Impact,
    striker: &Striker,
    pose: &CameraPose,
    centre: impl Fn(usize) -> Vector,
) -> Contact {
    let strike = striker.strike(impact, pose, centre);
    let second = match impact.other {
        Other::Plane(_) => 0,
        Other::Body(other) => other as u8 + 1,
    };
    Contact {
        time,
        first: impact.body as u8 + 1,
        second,
        speed: impact.speed,
        impulse: impact.impulse,
        position: impact.place.to_array(),
        pan: strike.pan,
        peak: striker.peak(&strike),
    }
}

impl Iterator for Contacts {
    type Item = Contact;

    fn next(&mut self) -> Option<Contact> {
        while self.queue.is_empty() {
            if self.until.is_some_and(|until| self.world.time() >= until) {
                return None;
            }
            self.world.step();
            self.read_step();
        }
        self.queue.pop_front()
    }
}

/// The contacts of a room before `until`.
///
/// # Errors
/// Where a parameter is out of its bounds.
pub fn contacts(parameters: &RoomParameters, seed: u64, until: Timestamp) -> Result<Vec<Contact>> {
    let mut contacts = Contacts::new(parameters, seed)?;
    contacts.until = Some(until);
    Ok(contacts.take_while(|contact| contact.time < until).collect())
}
