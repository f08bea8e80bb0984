//! `napot teach`: gives what an input shows a name, from one showing.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::files::{Files, open_files};
use super::run::{Piece, Show};
use super::{Common, again, print_json, print_line, signatures};
use crate::config::{Config, Session};
use crate::engine::instrument::Instrument;
use crate::engine::{Engine, Inputs, Keep, Pace};
use crate::error::{Error, Result};
use crate::readout::signature::known::check_name;
use crate::session;
use crate::signal::{Frame, Stamp};
use crate::source::media::MediaOptions;
use crate::stream::{Source, SourceInfo};
use crate::time::Timestamp;

/// How long grey is seen before a single picture, and the level of that grey: the middle of sRGB's lightness.
const GROUND: Timestamp = Timestamp(500_000_000);
const GREY: u8 = 118;
/// Seconds to run on after the end of a picture or film, so that what appeared last can be seen to its end.
const TAIL_SECONDS: f64 = 0.5;

/// What the command takes.
#[derive(Args, Debug)]
pub(super) struct TeachArgs {
    /// The name.
    name: String,
    /// A picture (seen on a grey ground), a film, a folder of pictures, or a session: what appears first in it is what is taught.
    #[arg(value_name = "FILE")]
    input: PathBuf,
    /// The signatures; where the file exists, it learns one more.
    #[arg(long, value_name = "FILE")]
    signatures: PathBuf,
    /// Begin this many seconds into the input.
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = super::from_zero)]
    start: f64,
}

/// What was taught.
#[derive(serde::Serialize)]
struct Taught {
    file: PathBuf,
    name: String,
    /// All that are known by now.
    names: Vec<String>,
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &TeachArgs) -> Result<ExitCode> {
    check_name(&args.name)?;
    super::written::in_a_folder("--signatures", &args.signatures)?;
    let (config, piece) = open(common, args)?;
    let Piece { inputs, layout, again, common: parts, .. } = piece;
    let session = Session { pace: Pace::Max, seconds: common.seconds, tail_seconds: TAIL_SECONDS, layout };
    let mut plan = config.plan(&session);
    (plan.mind.enabled, plan.binding.enabled, plan.objects.enabled) = (false, false, false);
    let mut instrument = Instrument::new(&plan)?;
    let none = signatures::empty(&instrument)?;
    let known =
        args.signatures.exists().then(|| signatures::load_for(&args.signatures, &none)).transpose()?;
    let known = known.unwrap_or_else(|| none.clone());
    known.has_room(&args.name)?;
    if let Some(again) = again {
        again.set(&mut plan);
        again.restore(&mut instrument)?;
    }
    let keep = Keep { signatures: Some(known), ..Keep::default() };
    let stop = Arc::clone(&parts.stop);
    let summary = Engine::start(&plan, instrument, inputs, keep, None, parts)?.join(&stop)?;
    if let Some(failure) = summary.failures.first() {
        return Err(failure.clone());
    }
    let mut recogniser = summary.recogniser.ok_or_else(|| Error::call("FILE", "nothing was seen"))?;
    recogniser.teach_first(&args.name)?;
    let known = recogniser.known();
    let signature = &known.numbers()[known.numbers().len() - known.length()..];
    let names = signatures::teach(&args.signatures, none, &args.name, signature)?.names().to_vec();
    let taught = Taught { file: args.signatures.clone(), name: args.name.clone(), names };
    if common.json {
        print_json(&taught)?;
    } else if !common.quiet {
        let Taught { file, name, names } = &taught;
        print_line(&format!("{name}: taught; {} knows {} by now", file.display(), names.len()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens the input, as a replay would, but that a single picture has a ground before it.
fn open(common: &Common, args: &TeachArgs) -> Result<(Config, Piece)> {
    let start = Timestamp((args.start * 1e9).round() as i64);
    if session::is_session(&args.input) {
        let quiet = Common { quiet: true, ..common.clone() };
        return again::open(&quiet, &args.input, &again::How { start, verify: false, again: false });
    }
    let config = common.load()?;
    let files = [args.input.clone()];
    let Files { mut inputs, length, mut config, .. } =
        open_files(&files, &MediaOptions::default(), start, false, config)?;
    let Some(video) = inputs.video.take() else {
        return Err(
            Error::input(&args.input, "there is no picture in it").bound("a picture, a film or a session")
        );
    };
    let video: Box<dyn Source<Item = Frame>> = Box::new(OnGround::over(video)?);
    // What is heard and measured plays no part in what is seen.
    let inputs = Inputs { video: Some(video), ..Inputs::default() };
    (config.hearing.enabled, config.vision.enabled) = (false, true);
    let show = Show { title: String::new(), length };
    Ok((config, Piece::new(inputs, show)))
}

/// A source whose only picture comes after a ground; one of several pictures as it is.
struct OnGround {
    source: Box<dyn Source<Item = Frame>>,
    /// What was pulled already, the next at the end.
    waiting: Vec<Frame>,
}

impl OnGround {
    fn over(mut source: Box<dyn Source<Item = Frame>>) -> Result<Self> {
        let mut waiting = Vec::new();
        if let Some(mut first) = source.pull()? {
            if let Some(second) = source.pull()? {
                waiting = vec![second, first];
            } else {
                let ground = Frame { rgb: vec![GREY; first.rgb.len()], ..first.clone() };
                first.stamp = Stamp { time: Timestamp(first.stamp.time.0 + GROUND.0), ..first.stamp };
                first.sequence += 1;
                waiting = vec![first, ground];
            }
        }
        Ok(Self { source, waiting })
    }
}

impl Source for OnGround {
    type Item = Frame;

    fn info(&self) -> &SourceInfo {
        self.source.info()
    }

    fn pull(&mut self) -> Result<Option<Frame>> {
        match self.waiting.pop() {
            Some(frame) => Ok(Some(frame)),
            None => self.source.pull(),
        }
    }
}
