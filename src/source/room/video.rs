//! The room's picture as a source of frames, with the truth about the frame just given.

use super::camera::Path;
use super::parameters::RoomParameters;
use super::render::Painter;
use super::shade::Stage;
use super::truth::Truth;
use super::world::{STEPS_PER_SECOND, World};
use crate::error::Result;
use crate::signal::{Frame, Origin, Stamp};
use crate::stream::{Source, SourceInfo};
use crate::time::Timestamp;

/// The room's frames, from time zero on and without end; frame `k` shows time `k / frames_per_second`.
pub struct RoomVideo {
    info: SourceInfo,
    frames_per_second: u32,
    sequence: u64,
    world: World,
    path: Path,
    stage: Stage,
    painter: Painter,
    truth: Truth,
}

impl RoomVideo {
    /// Takes parameters that are within their bounds.
    pub(super) fn new(parameters: &RoomParameters, seed: u64) -> Self {
        let &RoomParameters { width, height, frames_per_second, .. } = parameters;
        let world = World::new(parameters, seed);
        let path = Path::new(seed);
        let painter = Painter::new(width, height);
        let truth = Truth {
            time: Timestamp::ZERO,
            width,
            height,
            depth: vec![f32::INFINITY; width * height],
            labels: vec![0; width * height],
            pose: path.pose(Timestamp::ZERO),
            intrinsics: painter.lens(),
        };
        let info = SourceInfo {
            name: "room".into(),
            kind: "video".into(),
            origin: Origin::Recorded,
            format: format!("{width}x{height}, {frames_per_second} fps"),
        };
        let stage = Stage::new(seed, world.parts());
        Self { info, frames_per_second, sequence: 0, world, path, stage, painter, truth }
    }

    /// The truth about the frame that was given last; before the first frame its maps are empty of things.
    #[must_use]
    pub fn truth(&self) -> &Truth {
        &self.truth
    }
}

impl Source for RoomVideo {
    type Item = Frame;

    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn pull(&mut self) -> Result<Option<Frame>> {
        let time = Timestamp::from_count(self.sequence, self.frames_per_second);
        self.world.advance_to(time);
        let ahead_seconds = (self.world.time() - time).as_nanos() as f32 * 1e-9;
        self.stage.set(&self.world, 1.0 - ahead_seconds * STEPS_PER_SECOND as f32);
        self.truth.time = time;
        self.truth.pose = self.path.pose(time);
        let pose = self.truth.pose;
        let rgb = self.painter.paint(&self.stage, &pose, &mut self.truth);
        let (width, height) = (self.truth.width, self.truth.height);
        let frame = Frame { stamp: Stamp::recorded(time), sequence: self.sequence, width, height, rgb };
        self.sequence += 1;
        Ok(Some(frame))
    }
}
