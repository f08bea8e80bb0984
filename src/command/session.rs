//! `napot session`: looks into sessions, mends, cuts and joins them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Common, print_json, print_line};
use crate::engine::hash_of_state;
use crate::error::{Error, Result};
use crate::session::{Counts, Facts, Recorder, Session, part_of};
use crate::signal::SessionItem;
use crate::stream::Sink;
use crate::time::Timestamp;

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
    /// Write a part of a session into a new one, which begins at the last state that is kept at or before `--from`.
    Cut {
        /// The session.
        #[arg(value_name = "SESSION")]
        file: PathBuf,
        /// The new session.
        #[arg(value_name = "NEW")]
        to: PathBuf,
        /// Where the part begins, in seconds of the session's own time.
        #[arg(long, value_name = "SECONDS", value_parser = super::from_zero)]
        from: Option<f64>,
        /// Where it ends.
        #[arg(long = "to", value_name = "SECONDS", value_parser = super::seconds)]
        until: Option<f64>,
    },
    /// Write parts of one run, each going on where or before the one before it ends, into one new session.
    Merge {
        /// The parts in the order of time, then the new session.
        #[arg(value_name = "FILE", num_args = 3.., required = true)]
        files: Vec<PathBuf>,
    },
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &SessionArgs) -> Result<ExitCode> {
    match &args.what {
        What::Info { file } => info(common, file),
        What::Recover { file, to } => recover(common, file, to),
        What::Cut { file, to, from, until } => cut(common, file, to, [*from, *until]),
        What::Merge { files } => merge(common, files),
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
    pictures: u64,
    timed_ticks: u64,
    channel_samples: u64,
    marks: usize,
    controls: u64,
    bytes: u64,
    damage: Option<String>,
    bytes_not_read: u64,
}

impl<'a> Info<'a> {
    fn of(session: &'a Session) -> Self {
        let [first, end] = session.ticks();
        let Counts { bursts, samples, pictures, timed, channel_samples, controls } = session.counts();
        Self {
            file: session.path().display().to_string(),
            facts: session.facts(),
            first_tick: first.0,
            end_tick: end.0,
            seconds: end.start().seconds_for_print() - first.start().seconds_for_print(),
            states: session.states().iter().map(|tick| tick.0).collect(),
            ledger_lines: session.lines().len(),
            bursts,
            electrode_samples: samples,
            pictures,
            timed_ticks: timed,
            channel_samples,
            controls,
            bytes: fs::metadata(session.path()).map_or(0, |file| file.len()),
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
             {} ledger lines, {} bursts of eyes and channels, {} samples of {} electrodes, {} pictures, {} marks, {} changes.\n\
             states at second: {states}.\n{:.1} MB, {:.2} a second.",
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
            self.pictures,
            self.marks,
            self.controls,
            self.bytes as f64 / 1e6,
            self.bytes as f64 / 1e6 / self.seconds.max(1e-3),
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
    let [first, end] = session.ticks();
    if first == end {
        return Err(Error::input(file, "nothing in this session is whole"));
    }
    write(common, to, session.facts(), session.items()?)?;
    if let Some((damage, bytes)) = session.damage() {
        eprintln!("napot: {damage}; {bytes} bytes could not be recovered");
    }
    Ok(ExitCode::from(u8::from(session.damage().is_some())))
}

/// Writes items into a new session, and says what it holds.
fn write(
    common: &Common,
    to: &Path,
    facts: &Facts,
    items: impl Iterator<Item = Result<SessionItem>>,
) -> Result<()> {
    if to.exists() {
        return Err(Error::call("NEW", "there is a file of this name already").value(to.display()));
    }
    // Not over it: it may be the very one that is mended.
    let part = part_of(to);
    if part.exists() {
        let error = Error::call("NEW", "a recording of this name broke off, or is under way");
        return Err(error.value(part.display()).bound("another name"));
    }
    let mut recorder = Box::new(Recorder::new(facts.clone(), Arc::default()).into_file(to, true)?);
    for item in items {
        recorder.push(&item?)?;
    }
    recorder.finish()?;
    say(common, &Info::of(&Session::open(to)?))
}

/// A session that is whole.
fn open_whole(file: &Path) -> Result<Session> {
    let session = Session::open(file)?;
    match session.damage() {
        None => Ok(session),
        Some((damage, _)) => {
            Err(damage.clone().help("`napot session recover` makes a whole session of it first."))
        }
    }
}

fn cut(common: &Common, file: &Path, to: &Path, [from, until]: [Option<f64>; 2]) -> Result<ExitCode> {
    let session = open_whole(file)?;
    let [first, end] = session.ticks();
    let tick = |seconds: f64| Timestamp((seconds * 1e9).round() as i64).tick_at_or_after();
    let from = from.map_or(first, tick);
    if from >= end {
        let error = Error::call("--from", "it lies behind the end of the session").value(from.start());
        return Err(error.bound(format!("below {}", end.start())));
    }
    // Up to the end it has what is stamped there, too.
    let until = until.map(tick).filter(|until| *until < end);
    if let Some(until) = until.filter(|until| *until <= from.max(first)) {
        let error = Error::call("--to", "it does not lie behind the part's beginning").value(until.start());
        return Err(error.bound(format!("above {}", from.max(first).start())));
    }
    let from = session.state_at_or_before(from.max(first));
    write(common, to, session.facts(), session.part(from, until)?)?;
    Ok(ExitCode::SUCCESS)
}

fn merge(common: &Common, files: &[PathBuf]) -> Result<ExitCode> {
    let Some((to, parts)) = files.split_last() else { return Ok(ExitCode::SUCCESS) };
    let sessions: Vec<Session> = parts.iter().map(|part| open_whole(part)).collect::<Result<_>>()?;
    for pair in sessions.windows(2) {
        goes_on(&pair[0], &pair[1])?;
    }
    let last = sessions.iter().map(|session| session.ticks()[1]).max().unwrap_or_default();
    let mut end = sessions[0].ticks()[0];
    let mut items: Box<dyn Iterator<Item = Result<SessionItem>>> = Box::new(std::iter::empty());
    for session in &sessions {
        let from = end.max(session.ticks()[0]);
        end = end.max(session.ticks()[1]);
        if from < end {
            items = Box::new(items.chain(session.part(from, (end < last).then_some(end))?));
        }
    }
    write(common, to, sessions[0].facts(), items)?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses a part that is not of the same run as the one before, or leaves a gap to it.
fn goes_on(before: &Session, after: &Session) -> Result<()> {
    let wrong = |problem: &str| {
        Error::input(after.path(), problem).help(format!("The part before is {}.", before.path().display()))
    };
    if !before.facts().go_on(after.facts()) {
        return Err(wrong("it has another configuration or other arrays than the part before"));
    }
    let ([_, end], [first, _]) = (before.ticks(), after.ticks());
    if first > end || first < before.ticks()[0] {
        let error = wrong("it does not begin within the part before, or where that ends");
        return Err(error.value(first.start()).bound(format!(
            "{} to {}",
            before.ticks()[0].start(),
            end.start()
        )));
    }
    if let Some(line) =
        after.lines().iter().find(|line| before.line(line.tick).is_some_and(|own| own != *line))
    {
        return Err(wrong("it is of another run: the ledgers differ").at(format!("tick {}", line.tick.0)));
    }
    let shared = after.lines().iter().any(|line| before.line(line.tick).is_some());
    let joined = || -> Result<bool> {
        let last = before.line_before(first).filter(|line| line.tick.next() == first);
        Ok(last
            .zip(after.state(first)?)
            .is_some_and(|(line, state)| line.state == hash_of_state(&state.values)))
    };
    if shared || joined()? {
        return Ok(());
    }
    Err(wrong(
        "nothing shows that it is of the same run: no line of the ledger is in both, and its first state is not the other's last",
    ))
}
