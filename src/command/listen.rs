//! `napot listen`: the sound of a session in another scene, as a WAV file.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::run::Piece;
use super::{Common, again, print_json, print_line, written};
use crate::config::Session;
use crate::engine::instrument::Instrument;
use crate::engine::{Engine, Keep, Pace};
use crate::error::{Error, Result};
use crate::readout::sonify::scenes;
use crate::sink::wav::WavWriter;
use crate::time::{SAMPLES_PER_TICK, Timestamp};

/// What the command takes.
#[derive(Args, Debug)]
pub(super) struct ListenArgs {
    /// The session; its sound goes to the file that `--out` names.
    session: PathBuf,
    /// The scene: field, glass, rain or sea. Without it, that of the session.
    #[arg(long, value_name = "NAME")]
    scene: Option<String>,
    /// Start this many seconds into the session, at the last state that it keeps before.
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = super::from_zero, allow_negative_numbers = true)]
    start: f64,
}

/// What was written.
#[derive(serde::Serialize)]
struct Listened {
    file: PathBuf,
    scene: String,
    seconds: f64,
    frames: u64,
    /// Why the session ends before its end, where it does.
    damage: Option<String>,
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &ListenArgs) -> Result<ExitCode> {
    let bound = "a WAV file: --out x.wav";
    let file = written::out(common, bound)?.to_path_buf();
    written::of_kind("--out", &file, &["wav"], bound)?;
    written::in_a_folder("--out", &file)?;
    written::spare("--out", &file, [&args.session])?;
    let start = Timestamp((args.start * 1e9).round() as i64);
    let how = again::How { start, verify: false, again: false };
    // The scene is no other configuration: the field is that of the session.
    let mut quiet = Common { quiet: true, ..common.clone() };
    if let Some(name) = &args.scene {
        if scenes::scene(name).is_none() {
            return Err(Error::call("--scene", "there is no such scene").value(name).bound(scenes::names()));
        }
        // First, so that what is set of the sound is set of this scene.
        quiet.overrides.insert(0, format!("sound.scene={name}"));
    }
    let (config, piece) = again::open(&quiet, &args.session, &how)?;
    let Piece { inputs, layout, again, common: parts, .. } = piece;
    let session = Session { pace: Pace::Max, seconds: common.seconds, tail_seconds: 0.0, layout };
    let mut plan = config.plan(&session);
    let mut instrument = Instrument::new(&plan)?;
    let mut damage = None;
    if let Some(again) = again {
        plan.first = again.first;
        let asked = plan.ticks.map(|ticks| again.first.0.saturating_add(ticks));
        plan.ticks = [asked, again.end.map(|end| end.0)].into_iter().flatten().min();
        if let Some(state) = &again.state {
            instrument.restore(&again.report.file, state)?;
        }
        damage = again.report.damage;
    }
    let code = ExitCode::from(u8::from(damage.is_some()));
    let keep = Keep { sound: Some(Box::new(WavWriter::create(file.clone())?)), ..Keep::default() };
    let stop = Arc::clone(&parts.stop);
    let summary = Engine::start(&plan, instrument, inputs, keep, None, parts)?.join(&stop)?;
    if let Some(failure) = summary.failures.first() {
        return Err(failure.clone());
    }
    let frames = summary.ticks * SAMPLES_PER_TICK as u64;
    let seconds = summary.ticks as f64 / 1_000.0;
    let told = Listened { file, scene: config.sound.scene, seconds, frames, damage };
    if common.json {
        print_json(&told)?;
    } else if !common.quiet {
        let Listened { file, scene, seconds, .. } = &told;
        print_line(&format!("{seconds:.1} s of sound in the scene {scene}: {}", file.display()))?;
    }
    Ok(code)
}
