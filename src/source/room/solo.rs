//! Each contact's own sound, apart from all else that sounds around it: what masks it is then a matter of levels.

use std::collections::VecDeque;

use super::camera::Path;
use super::parameters::RoomParameters;
use super::strike::Striker;
use super::synth::Synth;
use super::truth::{Contact, tell};
use super::world::{Impact, Other, World};
use crate::error::Result;
use crate::time::SAMPLES_PER_TICK;

/// Ticks of sound before and after a contact.
const TICKS: usize = 60;
/// Sound frames before and after a contact.
pub const SOLO_FRAMES: usize = TICKS * SAMPLES_PER_TICK;

/// A contact and its own sound.
#[derive(Clone, Debug, PartialEq)]
pub struct Solo {
    /// The contact.
    pub contact: Contact,
    /// What it alone adds to the room's sound, echo included: the [`SOLO_FRAMES`] sound frames that start with its
    /// time.
    pub own: Vec<[f32; 2]>,
    /// The room's sound as it would be without it: [`SOLO_FRAMES`] sound frames before and as many after its time.
    /// What else ever sounds is in it.
    pub rest: Vec<[f32; 2]>,
}

/// All contacts of a room with their own sounds, from time zero on, without end; each comes when its sound is
/// whole.
///
/// The own sound is the difference of two renderings of the same world, with and without the contact's strikes, so
/// that both add up to what [`super::RoomSound`] gives.
pub struct Solos {
    world: World,
    path: Path,
    striker: Striker,
    synth: Synth,
    /// The last [`SOLO_FRAMES`] sound frames.
    past: VecDeque<[f32; 2]>,
    open: VecDeque<Open>,
}

/// A contact whose sound goes on.
struct Open {
    pair: (usize, Other),
    without: Synth,
    solo: Solo,
}

impl Solos {
    /// The contacts of the room of `seed`; picture size and rate make no difference.
    ///
    /// # Errors
    /// Where a parameter is out of its bounds.
    pub fn new(parameters: &RoomParameters, seed: u64) -> Result<Self> {
        parameters.check()?;
        let world = World::new(parameters, seed);
        let striker = Striker::new(world.parts());
        Ok(Self {
            synth: Synth::new(&striker, world.parts().len()),
            striker,
            world,
            path: Path::new(seed),
            past: std::iter::repeat_n([0.0; 2], SOLO_FRAMES).collect(),
            open: VecDeque::new(),
        })
    }

    /// Renders the millisecond that begins with the world's time, with and without each contact that is open.
    fn tick(&mut self) {
        let pose = self.path.pose(self.world.time());
        let centre = |body: usize| self.world.pose(body).translation;
        for impact in self.world.impacts().iter().filter(|impact| impact.first) {
            let contact = tell(self.world.time(), impact, &self.striker, &pose, centre);
            let (own, rest) = (Vec::with_capacity(SOLO_FRAMES), self.past.iter().copied().collect());
            let solo = Solo { contact, own, rest };
            self.open.push_back(Open { pair: pair(impact), without: self.synth.clone(), solo });
        }
        for impact in self.world.impacts() {
            let strike = self.striker.strike(impact, &pose, centre);
            self.synth.strike(&strike);
            // A pair that meets again within its contact sounds as part of it.
            for open in self.open.iter_mut().filter(|open| open.pair != pair(impact)) {
                open.without.strike(&strike);
            }
        }
        let mut with = Vec::with_capacity(SAMPLES_PER_TICK);
        self.synth.render(&pose, self.world.rubs(), centre, &mut with);
        for open in &mut self.open {
            let Solo { own, rest, .. } = &mut open.solo;
            open.without.render(&pose, self.world.rubs(), centre, rest);
            let without = &rest[rest.len() - SAMPLES_PER_TICK..];
            own.extend(with.iter().zip(without).map(|(a, b)| [a[0] - b[0], a[1] - b[1]]));
        }
        self.past.drain(..SAMPLES_PER_TICK);
        self.past.extend(with);
        self.world.step();
    }
}

impl Iterator for Solos {
    type Item = Solo;

    fn next(&mut self) -> Option<Solo> {
        while self.open.front().is_none_or(|open| open.solo.own.len() < SOLO_FRAMES) {
            self.tick();
        }
        self.open.pop_front().map(|open| open.solo)
    }
}

fn pair(impact: &Impact) -> (usize, Other) {
    (impact.body, impact.other)
}

#[cfg(test)]
mod tests {
    use super::super::Room;
    use super::*;
    use crate::stream::Source;
    use crate::time::{SAMPLE_RATE, Timestamp};

    #[test]
    fn a_contact_and_the_rest_add_up_to_the_room_and_the_contact_is_silent_nowhere() {
        let parameters = RoomParameters { width: 16, height: 16, ..RoomParameters::default() };
        let mut sound = Room::new(&parameters, 3).unwrap().into_sources().1;
        let room: Vec<[f32; 2]> = (0..500).flat_map(|_| sound.pull().unwrap().unwrap().frames).collect();
        let told = super::super::contacts(&parameters, 3, Timestamp(4_500_000_000)).unwrap();
        let solos: Vec<Solo> = Solos::new(&parameters, 3).unwrap().take(told.len()).collect();
        assert!(told.len() > 10);
        for (solo, contact) in solos.iter().zip(&told) {
            assert_eq!(solo.contact, *contact);
            let at = usize::try_from(contact.time.0 * i64::from(SAMPLE_RATE) / 1_000_000_000).unwrap();
            let apart = |a: [f32; 2], b: [f32; 2]| (a[0] - b[0]).abs().max((a[1] - b[1]).abs());
            for (k, (&own, &rest)) in solo.own.iter().zip(&solo.rest[SOLO_FRAMES..]).enumerate() {
                assert!(apart([own[0] + rest[0], own[1] + rest[1]], room[at + k]) < 1e-6);
            }
            let before = &solo.rest[..SOLO_FRAMES];
            let heard = &room[at.saturating_sub(SOLO_FRAMES)..at];
            assert!(before.iter().rev().zip(heard.iter().rev()).all(|(&a, &b)| apart(a, b) == 0.0));
            assert!(solo.own[..480].iter().any(|&frame| apart(frame, [0.0; 2]) > 1e-3));
        }
    }
}
