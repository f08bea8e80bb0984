//! `napot live`: camera, microphone and speaker through the engine; the room stands in for what is not there.

pub(super) mod devices;

use std::process::ExitCode;

use clap::Args;

use super::Common;
use super::run::{Piece, RunArgs, Show, play};
use crate::config::Config;
use crate::engine::{Inputs, Plays};
use crate::error::{Error, Result};
use crate::source::room::Room;

/// What a live run takes.
#[derive(Args, Debug)]
pub(super) struct LiveArgs {
    #[command(flatten)]
    pub(super) run: RunArgs,
    /// See by the camera of this name, or part of it, as `napot devices` tells it; `browser` takes the one of whoever
    /// opens the page, `none` sees nothing.
    #[arg(long, value_name = "NAME")]
    camera: Option<String>,
    /// Hear by the microphone of this name; `browser` and `none` as above.
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
    choose(&mut config.camera.enabled, &mut config.camera.name, args.camera.as_deref());
    choose(&mut config.microphone.enabled, &mut config.microphone.name, args.microphone.as_deref());
    choose(&mut config.speaker.enabled, &mut config.speaker.name, args.speaker.as_deref());
    let from_browser =
        [&config.camera.name, &config.microphone.name].iter().any(|name| *name == devices::BROWSER);
    if from_browser && !args.run.has_page() {
        return Err(Error::call("--no-view", "a browser gives its devices through the page"));
    }
    let mut piece = Piece::new(Inputs::default(), Show { title: "live".to_owned(), length: None });
    piece.inputs.live.plays = if args.dry { Plays::Heard } else { Plays::Field };
    piece.owned = devices::open(&config, &mut piece)?;
    fall_back(common, &config, &mut piece)?;
    play(common, &args.run, &config, piece)
}

fn choose(enabled: &mut bool, name: &mut String, asked: Option<&str>) {
    match asked {
        Some("none") => *enabled = false,
        Some(asked) => asked.clone_into(name),
        None => {}
    }
}

/// Puts the room where a sense has no device.
fn fall_back(common: &Common, config: &Config, piece: &mut Piece) -> Result<()> {
    let hears = piece.inputs.live.capture.is_none() && config.hearing.enabled && config.microphone.enabled;
    let sees = piece.inputs.video.is_none() && config.vision.enabled && config.camera.enabled;
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
