//! The room's sound as a source of stereo blocks.

use super::camera::Path;
use super::parameters::RoomParameters;
use super::strike::Striker;
use super::synth::Synth;
use super::world::World;
use crate::error::Result;
use crate::signal::{AudioBlock, Origin, Stamp};
use crate::stream::{Source, SourceInfo};
use crate::time::{SAMPLE_RATE, SAMPLES_PER_TICK, Timestamp};

/// Ticks in one block.
const TICKS: usize = 10;

/// The room's sound in blocks of 480 frames, from time zero on and without end.
pub struct RoomSound {
    info: SourceInfo,
    position: u64,
    world: World,
    path: Path,
    striker: Striker,
    synth: Synth,
}

impl RoomSound {
    /// Takes parameters that are within their bounds.
    pub(super) fn new(parameters: &RoomParameters, seed: u64) -> Self {
        let world = World::new(parameters, seed);
        let striker = Striker::new(world.parts());
        let info = SourceInfo {
            name: "room".into(),
            kind: "sound".into(),
            origin: Origin::Recorded,
            format: "48 kHz stereo".into(),
        };
        let synth = Synth::new(&striker, world.parts().len());
        Self { info, position: 0, path: Path::new(seed), striker, synth, world }
    }

    /// Appends the millisecond that begins with the world's time, then goes that millisecond on.
    fn tick(&mut self, frames: &mut Vec<[f32; 2]>) {
        let pose = self.path.pose(self.world.time());
        let centre = |body: usize| self.world.pose(body).translation;
        for impact in self.world.impacts() {
            self.synth.strike(&self.striker.strike(impact, &pose, centre));
        }
        self.synth.render(&pose, self.world.rubs(), centre, frames);
        self.world.step();
    }
}

impl Source for RoomSound {
    type Item = AudioBlock;

    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn pull(&mut self) -> Result<Option<AudioBlock>> {
        let mut frames = Vec::with_capacity(TICKS * SAMPLES_PER_TICK);
        for _ in 0..TICKS {
            self.tick(&mut frames);
        }
        let stamp = Stamp::recorded(Timestamp::from_count(self.position, SAMPLE_RATE));
        let block = AudioBlock { stamp, position: self.position, frames };
        self.position += (TICKS * SAMPLES_PER_TICK) as u64;
        Ok(Some(block))
    }
}
