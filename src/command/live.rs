//! `napot live`: camera, microphone and speaker through the engine; the room stands in for what is not there.

use std::process::ExitCode;

use clap::Args;

use super::Common;
use super::run::{Piece, RunArgs, Show, play};
use crate::config::Config;
use crate::device::SoundDeviceParameters;
use crate::engine::Inputs;
use crate::error::{Error, Result};
use crate::source::room::Room;

/// What a live run takes.
#[derive(Args, Debug)]
pub(super) struct LiveArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Hear by the microphone of this name, or part of it, as `napot devices` tells it; `none` hears nothing.
    #[arg(long, value_name = "NAME")]
    microphone: Option<String>,
    /// Sound by the speaker of this name; `none` sounds on the page only.
    #[arg(long, value_name = "NAME")]
    speaker: Option<String>,
    /// Send what is heard to the speaker instead of the field's sound: the bare way through rings and engine.
    #[arg(long)]
    dry: bool,
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &LiveArgs) -> Result<ExitCode> {
    if !args.run.is_real_time() {
        return Err(Error::call("--speed", "a live run goes at the speed of its devices").bound("1"));
    }
    let mut config = common.load()?;
    choose(&mut config.microphone, args.microphone.as_deref());
    choose(&mut config.speaker, args.speaker.as_deref());
    let mut piece = Piece::new(Inputs::default(), Show { title: "live".to_owned(), length: None });
    piece.inputs.live.dry = args.dry;
    // They are owned here until the run has ended.
    let _devices = devices::open(&config, &mut piece)?;
    fall_back(common, &config, &mut piece)?;
    play(common, &args.run, &config, piece)
}

fn choose(parameters: &mut SoundDeviceParameters, name: Option<&str>) {
    match name {
        Some("none") => parameters.enabled = false,
        Some(name) => name.clone_into(&mut parameters.name),
        None => {}
    }
}

/// Puts the room where a sense has no device.
fn fall_back(common: &Common, config: &Config, piece: &mut Piece) -> Result<()> {
    let hears = piece.inputs.live.capture.is_none() && config.hearing.enabled && config.microphone.enabled;
    let sees = piece.inputs.video.is_none() && config.vision.enabled;
    if !(hears || sees) {
        return Ok(());
    }
    let (video, sound) = Room::new(&config.room, config.seed)?.into_sources();
    if sees {
        piece.inputs.video = Some(Box::new(video));
        say(common, "no camera: the built-in room is seen instead");
    }
    if hears {
        piece.inputs.sound = Some(Box::new(sound));
        say(common, "no microphone: the built-in room is heard instead");
    }
    Ok(())
}

fn say(common: &Common, what: &str) {
    if !common.quiet {
        eprintln!("NAPOT: {what}.");
    }
}

#[cfg(feature = "sound")]
mod devices {
    //! The devices of this build.

    use std::sync::Arc;

    use super::{Config, Piece, Result, SoundDeviceParameters};
    use crate::device::{self, SoundDevice};

    /// Opens what is asked for. What was named must be there; what was not may be missing.
    pub(super) fn open(config: &Config, piece: &mut Piece) -> Result<Vec<SoundDevice>> {
        let mut owned = Vec::new();
        let clock = &piece.common.clock;
        if config.microphone.enabled && config.hearing.enabled {
            let opened = device::microphone(&config.microphone, Arc::clone(clock));
            if let Some((device, capture)) = optional(&config.microphone, opened)? {
                piece.inputs.live.capture = Some(capture);
                owned.push(device);
            }
        }
        if config.speaker.enabled {
            let opened = device::speaker(&config.speaker, Arc::clone(clock));
            if let Some((device, playback)) = optional(&config.speaker, opened)? {
                piece.inputs.live.playback = Some(playback);
                owned.push(device);
            }
        }
        piece.devices.extend(owned.iter().map(|device| Arc::clone(&device.monitor)));
        Ok(owned)
    }

    fn optional<T>(asked: &SoundDeviceParameters, opened: Result<T>) -> Result<Option<T>> {
        match opened {
            Ok(device) => Ok(Some(device)),
            Err(error) if asked.name.is_empty() && asked.host.is_empty() => {
                tracing::warn!("{error}");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(not(feature = "sound"))]
mod devices {
    //! This build has no sound devices.

    use super::{Config, Piece, Result};

    pub(super) fn open(_: &Config, _: &mut Piece) -> Result<()> {
        Ok(())
    }
}
