//! `napot replay`: recordings through the engine.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::files::{Files, open_files};
use super::run::{Piece, RunArgs, Show, play};
use super::{Common, again};
use crate::error::{Error, Result};
use crate::session;
use crate::source::content::Content;
use crate::source::mcap::McapOptions;
use crate::source::media::MediaOptions;
use crate::source::scalar::CsvOptions;
use crate::time::Timestamp;
use crate::units::Hertz;

/// What the command takes.
#[derive(Args, Debug)]
pub(super) struct ReplayArgs {
    /// Recordings. Sound, picture and channels play together; files of the same sense one after another, and one of sound and pictures
    /// once those before it of either have ended.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Start this many seconds into the recordings; of a session, at the last state that it keeps before, from which `--for` counts.
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = super::from_zero, allow_negative_numbers = true)]
    start: f64,
    /// Play round and round, until `--for` or Ctrl-C.
    #[arg(long = "loop")]
    again: bool,
    /// Hold the replay of a session against its ledger; exit code 1 where it differs.
    #[arg(long)]
    verify: bool,
    /// Samples per second of a table without a time column, or of an MCAP file's sound that does not say it.
    #[arg(long, value_name = "HZ")]
    rate: Option<f64>,
    /// Play this topic of an MCAP file; may be given again, for pictures and sound.
    #[arg(long = "topic", value_name = "NAME")]
    topics: Vec<String>,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &ReplayArgs) -> Result<ExitCode> {
    args.run.spare(common, &args.files)?;
    if args.files.iter().any(|file| session::is_session(file)) {
        return run_session(common, args);
    }
    if args.verify {
        return Err(
            Error::call("--verify", "only a session can be verified").bound("one file made by `--record`")
        );
    }
    let config = common.load()?;
    if let Some(rate) = args.rate.filter(|rate| !(1e-3..=1e6).contains(rate)) {
        let error = Error::call("--rate", "the value is out of bounds, in Hz");
        return Err(error.value(rate).bound("0.001 to 1000000"));
    }
    if args.rate.is_some() && !holds(&args.files, &[Content::Table, Content::Mcap])? {
        return Err(
            Error::call("--rate", "no file lacks it").bound("a table, or an MCAP file that is no session")
        );
    }
    if !args.topics.is_empty() && !holds(&args.files, &[Content::Mcap])? {
        return Err(Error::call("--topic", "no file has topics").bound("an MCAP file that is no session"));
    }
    let options = MediaOptions {
        table: CsvOptions { rate: args.rate.map(Hertz) },
        again: false,
        mcap: McapOptions { topics: args.topics.clone(), rate: args.rate.map(|rate| rate.round() as u32) },
    };
    let start = Timestamp((args.start * 1e9).round() as i64);
    let Files { inputs, layout, length, mut config } =
        open_files(&args.files, &options, start, args.again, config)?;
    // An array without a sense of its own would only repeat its twin.
    config.vision.enabled &= inputs.video.is_some();
    config.hearing.enabled &= inputs.sound.is_some();
    let names: Vec<String> = args
        .files
        .iter()
        .map(|file| file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned())
        .collect();
    let show = Show { title: names.join(", "), length };
    play(common, &args.run, &config, Piece { layout, ..Piece::new(inputs, show) })
}

/// Whether one of the files is one of these.
fn holds(files: &[PathBuf], contents: &[Content]) -> Result<bool> {
    for file in files.iter().filter(|file| !file.is_dir()) {
        if contents.contains(&Content::of(file)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A session plays alone: it holds the whole input of its run.
fn run_session(common: &Common, args: &ReplayArgs) -> Result<ExitCode> {
    let [file] = &args.files[..] else {
        let error = Error::call("FILE", "a session plays alone").value(format!("{} files", args.files.len()));
        return Err(error.bound("one session"));
    };
    for (given, flag) in [(args.rate.is_some(), "--rate"), (!args.topics.is_empty(), "--topic")] {
        if given {
            return Err(Error::call(flag, "a session does not take it"));
        }
    }
    let start = Timestamp((args.start * 1e9).round() as i64);
    let how = again::How { start, verify: args.verify, again: args.again };
    let (config, piece) = again::open(common, file, &how)?;
    if let Some(again) = piece.again.as_ref().filter(|_| args.run.is_recorded() && !common.quiet) {
        again.tell_notes();
    }
    play(common, &args.run, &config, piece)
}
