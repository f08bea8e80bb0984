//! `napot demo`: the built-in room through the whole engine.

use std::process::ExitCode;

use super::Common;
use super::run::{Piece, RunArgs, Show, play};
use crate::engine::Inputs;
use crate::error::Result;
use crate::source::room::Room;

/// Runs the command.
pub(super) fn run(common: &Common, args: &RunArgs) -> Result<ExitCode> {
    let config = common.load()?;
    let mut inputs = Inputs::default();
    if config.room.enabled {
        let (video, sound) = Room::new(&config.room, config.seed)?.into_sources();
        inputs.video = config.vision.enabled.then(|| Box::new(video) as _);
        inputs.sound = config.hearing.enabled.then(|| Box::new(sound) as _);
    }
    let title = if config.room.enabled { "the room" } else { "no input" };
    play(common, args, &config, Piece::new(inputs, Show { title: title.to_owned(), length: None }))
}
