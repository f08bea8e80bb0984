//! The commands, one file each; this file parses the call and dispatches.
//!
//! To add a command: its file here, its variant of `Command`, a line in [`main`]'s match.

mod ablate;
mod again;
mod analyze;
mod bench;
mod bind;
mod certify;
mod configuration;
mod demo;
mod devices;
mod exchange;
mod export;
mod files;
mod learn;
mod listen;
mod live;
mod measure;
mod measured;
mod memory;
mod names;
mod numbers;
pub mod oddball;
mod outputs;
mod pictures;
mod render;
mod renderers;
mod replay;
pub mod report;
mod run;
mod segment;
mod senses;
mod session;
mod signatures;
mod sync;
mod taken;
mod teach;
mod teller;
mod validate;
mod written;

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use clap::{Args, Parser, Subcommand};

use crate::config::Config;
use crate::error::{Error, Result};

/// A real-time sensory engine: camera, microphone and recordings drive arrays of noisy oscillators.
#[derive(Parser, Debug)]
#[command(name = "napot", version, about, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What all commands take.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of all commands; one that has no effect on a command is refused")]
pub(crate) struct Common {
    /// Read the configuration from this TOML file.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Override one key, as in `--set array.kappa=1`; may be given again.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Seed of all noise, of the room, and of what else is drawn.
    #[arg(long, global = true, value_name = "N", allow_negative_numbers = true, value_parser = seed)]
    seed: Option<u64>,
    /// Of a run: for exactly this many seconds of model time, 0.001 to 31536000; input that ends earlier is followed by silence. Also
    /// the length of what `listen`, `teach`, `certify`, `bench` and `learn senses` play or measure.
    #[arg(long = "for", global = true, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    seconds: Option<f64>,
    /// Of a run: write report, sound, electrodes, pictures and ledger into this folder. Of other commands: the file or folder of which
    /// they speak.
    #[arg(long, global = true, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Print one JSON document on standard output and nothing else there.
    #[arg(long, global = true)]
    json: bool,
    /// Print only errors.
    #[arg(long, short, global = true)]
    quiet: bool,
}

impl Common {
    /// The configuration that the call asks for.
    fn load(&self) -> Result<Config> {
        let mut config = Config::load(self.config.as_deref(), &self.overrides)?;
        if let Some(seed) = self.seed {
            config.seed = seed;
        }
        Ok(config)
    }
}

/// What to do.
#[derive(Subcommand, Debug)]
enum Command {
    /// Run the built-in room through the whole engine: no hardware needed.
    Demo(run::RunArgs),
    /// Run camera, microphone and speaker through the engine; the room stands in for what is not there.
    Live(live::LiveArgs),
    /// Run recordings through the engine: sound, video, pictures, CSV, EDF, XDF, MCAP, sessions.
    Replay(replay::ReplayArgs),
    /// Play a session again as sound alone, in a scene of its own, into a WAV file.
    Listen(listen::ListenArgs),
    /// Look into a session, mend it, or write what it holds for other tools.
    Session(session::SessionArgs),
    /// Write what a session holds for other tools: EDF+, XDF, WAV, CSV, NumPy.
    Export(export::ExportArgs),
    /// Learn pictures in one pass into a memory; say, show and join what memories hold.
    Memory(memory::MemoryArgs),
    /// Train the renderer's networks on photographs, generated pictures and the room; `learn senses`: which sounds belong to which pictures; `learn views`: how pictures look under few views.
    Learn(learn::LearnArgs),
    /// Restore a picture, or a film that was shrunk: noise, holes, lost edges, smallness, lost colour, JPEG; or show what an array still held
    /// of what was seen while a session was recorded.
    Render(render::RenderArgs),
    /// Give what an input shows a name, from one showing: `--signatures` then recognises it in every run.
    Teach(teach::TeachArgs),
    /// Bind arrays that each see some views of a sinogram into one picture, or as many as there are worlds.
    Bind(bind::BindArgs),
    /// Tell by how many milliseconds recordings of one event started later than one another: their clocks were never set alike.
    Sync(sync::SyncArgs),
    /// Tell the objects of pictures and films apart by phases of oscillators: labels as colours and numbers.
    Segment(segment::SegmentArgs),
    /// Print and plot what a run found.
    Analyze(analyze::AnalyzeArgs),
    /// Measure what the engine costs on this machine.
    Bench(bench::BenchArgs),
    /// Say in two minutes whether this machine runs the configured engine on its devices in real time, line by line.
    Certify,
    /// Hold the array's physics against closed forms: a table with intervals.
    Validate(validate::ValidateArgs),
    /// Take away, claim by claim, what is said to do it: the same model without, with seeds, mean and spread.
    Ablate(ablate::AblateArgs),
    /// List the devices: what they offer, or why they cannot be opened.
    Devices,
    /// Check, print or describe the configuration.
    Config(configuration::ConfigArgs),
}

impl Command {
    /// Whether the terminal belongs to a run's view.
    fn has_terminal(&self) -> bool {
        match self {
            Self::Demo(run) => run.has_terminal(),
            Self::Live(args) => args.run.has_terminal(),
            Self::Replay(args) => args.run.has_terminal(),
            _ => false,
        }
    }
}

/// A seed on the command line.
fn seed(text: &str) -> std::result::Result<u64, String> {
    text.parse::<u64>().map_err(|_| format!("allowed: a whole number from 0 to {}", u64::MAX))
}

/// A length of time on the command line.
fn seconds(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && (0.001..=31_536_000.0).contains(&value) => Ok(value),
        _ => Err("allowed: 0.001 to 31536000 seconds".to_owned()),
    }
}

/// The same, or 0.
fn from_zero(text: &str) -> std::result::Result<f64, String> {
    if text.parse::<f64>() == Ok(0.0) {
        return Ok(0.0);
    }
    seconds(text).map_err(|_| "allowed: 0, and 0.001 to 31536000 seconds".to_owned())
}

/// The call with its overrides at its end, in their order: of those before a command and those after it, clap would
/// forget the former.
fn overrides_last(call: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let (mut kept, mut overrides) = (Vec::new(), Vec::new());
    let mut words = call.peekable();
    while let Some(word) = words.next() {
        if word == "--" {
            kept.append(&mut overrides);
            kept.push(word);
            kept.extend(words.by_ref());
        } else if word == "--set" {
            overrides.push(word);
            overrides.extend(words.next());
        } else if word.to_str().is_some_and(|word| word.starts_with("--set=")) {
            overrides.push(word);
        } else {
            kept.push(word);
        }
    }
    kept.extend(overrides);
    kept
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse_from(overrides_last(std::env::args_os()));
    let held = cli.command.has_terminal().then(HeldLog::default);
    start_log(cli.common.quiet, held.clone());
    let common = &cli.common;
    let outcome = cli.command.check(common).and_then(|()| match &cli.command {
        Command::Demo(args) => demo::run(common, args),
        Command::Live(args) => live::run(common, args),
        Command::Replay(args) => replay::run(common, args),
        Command::Listen(args) => listen::run(common, args),
        Command::Session(args) => session::run(common, args),
        Command::Export(args) => export::run(common, args),
        Command::Memory(args) => memory::run(common, args),
        Command::Learn(args) => learn::run(common, args),
        Command::Render(args) => render::run(common, args),
        Command::Teach(args) => teach::run(common, args),
        Command::Bind(args) => bind::run(common, args),
        Command::Sync(args) => sync::run(common, args),
        Command::Segment(args) => segment::run(common, args),
        Command::Analyze(args) => analyze::run(common, args),
        Command::Bench(args) => bench::run(common, args),
        Command::Certify => certify::run(common),
        Command::Validate(args) => validate::run(common, args),
        Command::Ablate(args) => ablate::run(common, args),
        Command::Devices => devices::run(common),
        Command::Config(args) => configuration::run(common, args),
    });
    if let Some(held) = held {
        held.tell();
    }
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("napot: {error}");
            ExitCode::from(error.kind().exit_code())
        }
    }
}

/// What was logged while a terminal showed a run: told when it is given back.
#[derive(Clone, Default)]
struct HeldLog(Arc<Mutex<Vec<u8>>>);

/// Bytes that are held; what comes beyond is lost.
const MOST_HELD: usize = 64 * 1024;

impl HeldLog {
    fn tell(&self) {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody is left to tell where that fails.
        let _ = std::io::stderr().write_all(&text);
    }
}

impl Write for HeldLog {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if text.len() + bytes.len() <= MOST_HELD {
            text.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Logs go to standard error, or are held; `NAPOT_LOG` sets the level by module.
fn start_log(quiet: bool, held: Option<HeldLog>) {
    // JACK's library complains of its own closing.
    let default = if quiet { "error,jack=off" } else { "warn,jack=off" };
    let filter = tracing_subscriber::EnvFilter::try_from_env("NAPOT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(held.is_none() && std::io::stderr().is_terminal())
        .with_writer(move || -> Box<dyn Write> {
            held.clone().map_or_else(|| Box::new(std::io::stderr()) as Box<dyn Write>, |held| Box::new(held))
        })
        .init();
}

/// Prints a document as JSON on standard output.
fn print_json<T: serde::Serialize>(document: &T) -> Result<()> {
    let text = serde_json::to_string_pretty(document)
        .map_err(|cause| Error::output("standard output", "the document can't be written").value(cause))?;
    print_line(&text)
}

/// Prints to standard output; a reader that has gone away is no failure of ours.
fn print_line(text: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::output("standard output", "it can't be written").value(cause))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_of_every_command_says_that_what_has_no_effect_is_refused() {
        for call in [&["napot", "devices", "--help"][..], &["napot", "session", "info", "--help"]] {
            let told = Cli::try_parse_from(call).unwrap_err().to_string();
            let (own, common) = told.split_once("Options of all commands; one that has no effect").unwrap();
            assert!(common.contains("--out <PATH>") && !own.contains("--out <PATH>"), "{told}");
        }
    }

    #[test]
    fn overrides_before_and_after_the_command_all_count() {
        let gathered = |words: &[&str]| {
            let words = overrides_last(words.iter().map(OsString::from));
            words.into_iter().map(|word| word.into_string().unwrap()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            gathered(&["napot", "--set", "a=1", "demo", "--set=b=2", "--for", "1"]),
            "napot demo --for 1 --set a=1 --set=b=2"
        );
        assert_eq!(
            gathered(&["napot", "replay", "--set", "a=1", "--", "--set"]),
            "napot replay --set a=1 -- --set"
        );
        assert_eq!(gathered(&["napot", "demo", "--set"]), "napot demo --set");
        let cli = Cli::try_parse_from(overrides_last(
            ["napot", "--set", "seed=1", "demo", "--set", "array.bands=4"].into_iter().map(OsString::from),
        ));
        assert_eq!(cli.unwrap().common.overrides, ["seed=1", "array.bands=4"]);
    }
}
