//! `napot session`: looks into a session, and makes a whole file of one that was cut short.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Common, print_json, print_line};
use crate::error::{Error, Result};
use crate::session::{Facts, Recorder, Session};
use crate::stream::Sink;

/// What the command takes.
#[derive(Args, Debug)]
pub(super) struct SessionArgs {
    #[command(subcommand)]
    what: What,
}

/// What to do.
#[derive(Subcommand, Debug)]
enum What {
    /// Say what a session holds; exit code 1 where it is cut short or damaged.
    Info {
        /// The session.
        #[arg(value_name = "SESSION")]
        file: PathBuf,
    },
    /// Write everything that is whole in a session into a new one; exit code 1 where something was lost.
    Recover {
        /// The session that was cut short; a killed recorder leaves `NAME.part`.
        #[arg(value_name = "SESSION")]
        file: PathBuf,
        /// The new session.
        #[arg(value_name = "NEW")]
        to: PathBuf,
    },
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &SessionArgs) -> Result<ExitCode> {
    match &args.what {
        What::Info { file } => info(common, file),
        What::Recover { file, to } => recover(common, file, to),
    }
}

/// What a session holds.
#[derive(Serialize)]
struct Info<'a> {
    file: String,
    facts: &'a Facts,
    first_tick: u64,
    end_tick: u64,
    seconds: f64,
    states: Vec<u64>,
    ledger_lines: usize,
    bursts: u64,
    electrode_samples: u64,
    marks: usize,
    damage: Option<String>,
    bytes_not_read: u64,
}

impl<'a> Info<'a> {
    fn of(session: &'a Session) -> Self {
        let [first, end] = session.ticks();
        let [bursts, electrode_samples] = session.counts();
        Self {
            file: session.path().display().to_string(),
            facts: session.facts(),
            first_tick: first.0,
            end_tick: end.0,
            seconds: end.start().seconds_for_print() - first.start().seconds_for_print(),
            states: session.states().iter().map(|tick| tick.0).collect(),
            ledger_lines: session.lines().len(),
            bursts,
            electrode_samples,
            marks: session.marks().len(),
            damage: session.damage().map(|(damage, _)| damage.to_string()),
            bytes_not_read: session.damage().map_or(0, |(_, bytes)| bytes),
        }
    }

    fn text(&self) -> String {
        let sheets: Vec<String> = self
            .facts
            .arrays
            .iter()
            .map(|sheet| format!("{} {} x {} x {}", sheet.name, sheet.height, sheet.width, sheet.bands))
            .collect();
        let states: Vec<String> = self.states.iter().map(|tick| (tick / 1_000).to_string()).collect();
        let states = if states.is_empty() { "none".to_owned() } else { states.join(", ") };
        let mut text = format!(
            "{}: {:.3} s from tick {}, recorded by napot {}.\n\
             arrays: {}; configuration {}.\nsources: {}.\n\
             {} ledger lines, {} bursts, {} samples of {} electrodes, {} marks.\n\
             states at second: {states}.",
            self.file,
            self.seconds,
            self.first_tick,
            self.facts.version,
            sheets.join(", "),
            self.facts.config_hash,
            self.facts.sources.join("; "),
            self.ledger_lines,
            self.bursts,
            self.electrode_samples,
            self.facts.electrodes.len(),
            self.marks,
        );
        if let Some(damage) = &self.damage {
            let _ = write!(text, "\n{damage}; {} bytes are not read.", self.bytes_not_read);
        }
        text
    }
}

fn info(common: &Common, file: &Path) -> Result<ExitCode> {
    let session = Session::open(file)?;
    let info = Info::of(&session);
    say(common, &info)?;
    Ok(ExitCode::from(u8::from(session.damage().is_some())))
}

fn say(common: &Common, info: &Info<'_>) -> Result<()> {
    if common.json {
        print_json(info)
    } else if common.quiet {
        Ok(())
    } else {
        print_line(&info.text())
    }
}

fn recover(common: &Common, file: &Path, to: &Path) -> Result<ExitCode> {
    let session = Session::open(file)?;
    if to.exists() {
        return Err(Error::call("NEW", "there is a file of this name already").value(to.display()));
    }
    let [first, end] = session.ticks();
    if first == end {
        return Err(Error::input(file, "nothing in this session is whole"));
    }
    let mut recorder = Box::new(Recorder::create(to, session.facts(), true)?);
    for item in session.items()? {
        recorder.push(&item?)?;
    }
    recorder.finish()?;
    let recovered = Session::open(to)?;
    say(common, &Info::of(&recovered))?;
    if let Some((damage, bytes)) = session.damage() {
        eprintln!("napot: {damage}; {bytes} bytes could not be recovered");
    }
    Ok(ExitCode::from(u8::from(session.damage().is_some())))
}
