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

/// The name of no device.
const NONE: &str = "none";

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
    /// See nothing, as by `--camera none`.
    #[arg(long, conflicts_with = "camera")]
    no_camera: bool,
    /// Hear nothing, as by `--microphone none`.
    #[arg(long, conflicts_with = "microphone")]
    no_mic: bool,
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
    let camera = if args.no_camera { Some(NONE) } else { args.camera.as_deref() };
    let microphone = if args.no_mic { Some(NONE) } else { args.microphone.as_deref() };
    choose(&mut config.camera.enabled, &mut config.camera.name, camera);
    choose(&mut config.microphone.enabled, &mut config.microphone.name, microphone);
    choose(&mut config.speaker.enabled, &mut config.speaker.name, args.speaker.as_deref());
    let from_browser = (config.camera.enabled && config.camera.name == devices::BROWSER)
        || (config.microphone.enabled && config.microphone.name == devices::BROWSER);
    if from_browser && !args.run.has_page() {
        return Err(Error::call("--no-view", "a browser gives its devices through the page"));
    }
    let mut piece = Piece::new(Inputs::default(), Show { title: "live".to_owned(), length: None });
    piece.inputs.live.plays = if args.dry { Plays::Heard } else { Plays::Field };
    piece.owned = devices::open(&config, &mut piece)?;
    for told in fall_back(&config, args.run.has_page(), &mut piece)? {
        if !common.quiet {
            eprintln!("NAPOT: {told}.");
        }
    }
    play(common, &args.run, &config, piece)
}

/// Has the device of this name opened, or none; without a name what is configured stays.
fn choose(enabled: &mut bool, name: &mut String, asked: Option<&str>) {
    match asked {
        Some(NONE) => *enabled = false,
        Some(asked) => {
            *enabled = true;
            asked.clone_into(name);
        }
        None => {}
    }
}

/// Puts the room where a sense has no device, and names it in the run's title; what is to be said of what is not there.
fn fall_back(config: &Config, has_page: bool, piece: &mut Piece) -> Result<Vec<&'static str>> {
    let hears = piece.inputs.live.capture.is_none() && config.hearing.enabled && config.microphone.enabled;
    let sees = piece.inputs.video.is_none() && config.vision.enabled && config.camera.enabled;
    let mut told = Vec::new();
    if hears || sees {
        let (video, sound) = Room::new(&config.room, config.seed)?.into_sources();
        if sees {
            piece.inputs.video = Some(Box::new(video));
            told.push("no camera: the built-in room is seen instead");
        }
        if hears {
            piece.inputs.sound = Some(Box::new(sound));
            told.push("no microphone: the built-in room is heard instead");
        }
    }
    piece.show.title.push_str(match (sees, hears) {
        (true, true) => ", the room in place of the camera and the microphone",
        (true, false) => ", the room in place of the camera",
        (false, true) => ", the room in place of the microphone",
        (false, false) => "",
    });
    if config.speaker.enabled && piece.inputs.live.playback.is_none() {
        let silent = "no speaker: the run is silent";
        told.push(if has_page { "no speaker: the run sounds on the page only" } else { silent });
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(config: &Config, has_page: bool) -> (Vec<&'static str>, String) {
        let show = Show { title: "live".to_owned(), length: None };
        let mut piece = Piece::new(Inputs::default(), show);
        let told = fall_back(config, has_page, &mut piece).unwrap();
        (told, piece.show.title)
    }

    #[test]
    fn a_device_that_is_named_is_opened_whatever_the_configuration_says() {
        let (mut enabled, mut name) = (false, "b".to_owned());
        choose(&mut enabled, &mut name, None);
        assert_eq!((enabled, &name[..]), (false, "b"));
        choose(&mut enabled, &mut name, Some("a"));
        assert_eq!((enabled, &name[..]), (true, "a"));
        choose(&mut enabled, &mut name, Some(NONE));
        assert_eq!((enabled, &name[..]), (false, "a"));
    }

    #[test]
    fn what_is_not_there_is_said_and_the_title_names_what_stands_in() {
        let mut config = Config::default();
        let (told, title) = said(&config, true);
        let expected = [
            "no camera: the built-in room is seen instead",
            "no microphone: the built-in room is heard instead",
            "no speaker: the run sounds on the page only",
        ];
        assert_eq!(told, expected);
        assert_eq!(title, "live, the room in place of the camera and the microphone");
        config.camera.enabled = false;
        let (told, title) = said(&config, false);
        assert_eq!(told, [expected[1], "no speaker: the run is silent"]);
        assert_eq!(title, "live, the room in place of the microphone");
        (config.camera.enabled, config.microphone.enabled, config.speaker.enabled) = (true, false, false);
        let (told, title) = said(&config, true);
        assert_eq!((told, &title[..]), (vec![expected[0]], "live, the room in place of the camera"));
        config.camera.enabled = false;
        assert_eq!(said(&config, true), (Vec::new(), "live".to_owned()));
    }
}
