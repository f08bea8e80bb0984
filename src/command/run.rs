//! What `demo` and `replay` share: outputs, page, engine, progress, Ctrl-C, report.

mod looking;

use std::ffi::OsStr;
use std::io::IsTerminal;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use self::looking::{Looking, Page, about, look, page, place};
use super::again::Again;
use super::exchange::Exchange;
use super::live::devices::Owned;
use super::outputs::Outputs;
use super::report::{Report, SessionReport};
use super::teller::Teller;
use super::{Common, outputs, print_json, print_line, senses, signatures, written};
use crate::config::{Config, Session};
use crate::engine::instrument::Instrument;
use crate::engine::{Engine, Inputs, Pace, pump};
use crate::error::{Error, Kind, Result};
use crate::exchange::{Address, Electrodes};
use crate::memory::mind::Mind;
use crate::session::{self, Facts, Recorder, Sheet};
use crate::signal::{DeviceKind, ScalarLayout, SessionItem};
use crate::stream::Sink;
use crate::stream::device::DeviceMonitor;
use crate::stream::recording::RecordingMonitor;
use crate::time::{Clock, Timestamp, WallClock};
use crate::view::{self, ViewParameters};

/// How often the command looks whether the run has ended.
const LOOK: Duration = Duration::from_millis(20);

/// What a run takes.
#[derive(Args, Debug)]
pub(super) struct RunArgs {
    /// Model seconds per second: 1 is real time, `max` as fast as this machine goes.
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = pace, allow_negative_numbers = true)]
    speed: Pace,
    /// Run without the page.
    #[arg(long)]
    no_view: bool,
    /// Show the run in this terminal instead of on the page.
    #[arg(long, conflicts_with_all = ["no_view", "json", "listen"])]
    terminal: bool,
    /// Serve the page on this address of the machine instead of the loopback one, 0.0.0.0 for all; the address that is
    /// printed then holds a token, which everybody who opens the page must have.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "no_view", value_parser = address)]
    listen: Option<IpAddr>,
    /// Run on for this many seconds after the end of the input.
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = super::from_zero, allow_negative_numbers = true)]
    tail: f64,
    /// Keep the whole run in this file: `napot replay FILE` plays it again, to the bit.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Name of what is kept of the last seconds when that is asked for (`r` on the page, or the signal USR1): FILE-1.mcap
    /// and so on; `retro` in the folder of the outputs where none is given.
    #[arg(long, value_name = "FILE")]
    retro: Option<PathBuf>,
    /// Recognise what `napot teach` gave names, by this file of signatures; what the page teaches is kept there too.
    #[arg(long, value_name = "FILE")]
    signatures: Option<PathBuf>,
    /// Send electrodes and onsets on as they come: osc:HOST:PORT, midi:PORT NAME or lsl:NAME; may be given again.
    #[arg(long, value_name = "ADDRESS", value_parser = Address::to_send)]
    send: Vec<Address>,
    /// Take channels in as they come: osc:PORT listens on 127.0.0.1 alone, osc:0.0.0.0:PORT on all addresses of this machine, either with
    /// ?channels=1 to 256 (8 where left out); midi:PORT NAME; lsl:NAME.
    #[arg(long, value_name = "ADDRESS", value_parser = Address::to_receive)]
    receive: Vec<Address>,
}

impl RunArgs {
    /// Whether the page is served.
    pub(super) fn has_page(&self) -> bool {
        !self.no_view && !self.terminal
    }

    /// Whether the terminal belongs to the run's view.
    pub(super) fn has_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether the whole run is kept.
    pub(super) fn is_recorded(&self) -> bool {
        self.record.is_some()
    }

    /// Whether model time is wall time.
    pub(super) fn is_real_time(&self) -> bool {
        self.speed == Pace::Real { thousandths: 1_000 }
    }

    /// Where the page is served.
    fn view(&self, config: &Config) -> Result<ViewParameters> {
        let listen = self.listen.unwrap_or(config.view.listen);
        let parameters = ViewParameters { listen, ..config.view.clone() };
        parameters.check().map(|()| parameters)
    }

    /// Refuses to write over what is read.
    pub(super) fn spare(&self, common: &Common, read: &[PathBuf]) -> Result<()> {
        if let Some(record) = &self.record {
            written::spare("--record", record, read)?;
        }
        let Some(dir) = &common.out else { return Ok(()) };
        for file in read.iter().filter_map(|file| file.canonicalize().ok()) {
            let name = file.file_name().and_then(OsStr::to_str);
            if let Some(name) = name.filter(|name| outputs::are_written(name)) {
                written::spare("--out", &dir.join(name), [&file])?;
            }
        }
        Ok(())
    }

    /// Refuses a tail where it is known when the run ends: it would never come.
    fn check_tail(&self, ticks: Option<u64>) -> Result<()> {
        if self.tail > 0.0 && ticks.is_some() {
            let error = Error::call("--tail", "the run has its length already").value(self.tail);
            return Err(error.bound("without --for, and of no session"));
        }
        Ok(())
    }

    /// What is recorded of a run whose states are `numbers` values long.
    ///
    /// # Errors
    /// Where the last seconds are asked for, and this run can't remember them or there is no folder for them.
    fn recorded(&self, config: &Config, numbers: usize) -> Result<Recorded> {
        let holds = session::holds_state(numbers);
        let remembers = self.remembers(config) && holds.is_ok();
        if self.retro.is_some() && !remembers {
            let error = Error::call("--retro", "this run remembers nothing");
            return Err(match holds {
                Ok(()) => error.bound("a paced run, and record.retro_megabytes above 0"),
                Err(cause) => error.bound("smaller arrays").help(format!("It is too large: {cause}.")),
            });
        }
        if let Some(retro) = &self.retro {
            written::in_a_folder("--retro", retro)?;
        }
        if let Err(cause) = &holds
            && self.record.is_some()
        {
            tracing::warn!("{cause}: it is recorded without, and its replays start at its beginning");
        }
        Ok(Recorded { states: holds.is_ok(), remembers })
    }

    fn remembers(&self, config: &Config) -> bool {
        self.speed != Pace::Max && config.record.retro_megabytes > 0
    }

    fn recorder(
        &self,
        common: &Common,
        config: &Config,
        facts: Facts,
        remembers: bool,
        monitor: &Arc<RecordingMonitor>,
    ) -> Result<Recorder> {
        let mut recorder = Recorder::new(facts, Arc::clone(monitor));
        if let Some(path) = &self.record {
            recorder = recorder.into_file(path, self.speed == Pace::Max)?;
        }
        if remembers {
            let beside = || common.out.clone().unwrap_or_default().join("retro.mcap");
            let path = self.retro.clone().unwrap_or_else(beside);
            recorder = recorder.remembering(path, (config.record.retro_megabytes as usize) << 20);
            #[cfg(unix)]
            signal_hook::flag::register(signal_hook::consts::SIGUSR1, monitor.wish()).map_err(|cause| {
                Error::new(Kind::Device, "signals", "the signal USR1 can't be caught").value(cause)
            })?;
        }
        Ok(recorder)
    }
}

/// What is recorded.
struct Recorded {
    /// States from which replays can start.
    states: bool,
    /// The last seconds, in memory.
    remembers: bool,
}

/// What a run is called, and how long it is if that is known.
pub(super) struct Show {
    pub(super) title: String,
    pub(super) length: Option<Timestamp>,
}

/// What is played.
pub(super) struct Piece {
    pub(super) inputs: Inputs,
    pub(super) layout: Option<ScalarLayout>,
    pub(super) show: Show,
    /// The session that is played again.
    pub(super) again: Option<Again>,
    /// The devices of a live run.
    pub(super) devices: Vec<Arc<DeviceMonitor>>,
    /// What must live as long as the run.
    pub(super) owned: Owned,
    /// The senses that pages may give.
    pub(super) senses: Option<view::Senses>,
    /// The run's clock, flag to stop and trace, which devices share.
    pub(super) common: pump::Common,
}

impl Piece {
    /// Inputs without channels, played from the beginning.
    pub(super) fn new(inputs: Inputs, show: Show) -> Self {
        let clock = Arc::new(WallClock::start());
        let common = pump::Common::new(Arc::default(), clock);
        Self {
            inputs,
            layout: None,
            show,
            again: None,
            devices: Vec::new(),
            owned: Owned::default(),
            senses: None,
            common,
        }
    }
}

/// An address of this machine on the command line.
fn address(text: &str) -> std::result::Result<IpAddr, String> {
    text.parse().map_err(|_| {
        "allowed: an address of this machine in numbers, such as 0.0.0.0 or 192.168.1.5; the port is `--set view.port=N`"
            .to_owned()
    })
}

fn pace(text: &str) -> std::result::Result<Pace, String> {
    if text == "max" {
        return Ok(Pace::Max);
    }
    match text.parse::<f64>() {
        Ok(factor) if (0.01..=1_000.0).contains(&factor) => {
            Ok(Pace::Real { thousandths: (factor * 1_000.0).round() as u32 })
        }
        _ => Err("allowed: 0.01 to 1000, or `max`".to_owned()),
    }
}

/// Plays `inputs` through the engine and reports.
pub(super) fn play(common: &Common, args: &RunArgs, config: &Config, mut piece: Piece) -> Result<ExitCode> {
    let clock = Arc::clone(&piece.common.clock);
    let exchange = Exchange::new(&args.send, &args.receive, args.speed)?;
    let end = piece.show.length.filter(|_| common.seconds.is_none());
    exchange.open_inlet(&config.exchange, &clock, end, &mut piece)?;
    let Piece { inputs, layout, show, mut again, devices, owned, senses, common: common_parts } = piece;
    let channels = layout.clone();
    let session = Session { pace: args.speed, seconds: common.seconds, tail_seconds: args.tail, layout };
    let mut plan = config.plan(&session);
    if let Some(again) = &again {
        again.set(&mut plan);
    }
    args.check_tail(plan.ticks)?;
    let sources: Vec<String> = describe(&inputs, &devices);
    if sources.is_empty() && args.speed == Pace::Max && common.seconds.is_none() {
        let error = Error::call("--speed max", "a run without input at full speed has no end");
        return Err(error.help("Add `--for SECONDS`."));
    }
    let place = place(args, config)?;
    let stop = Arc::clone(&common_parts.stop);
    catch_interrupts(&stop)?;
    let mut instrument = Instrument::new(&plan)?;
    let signatures = signatures::open(args.signatures.as_deref(), &instrument, args.has_page())?;
    let compared = senses::open(config)?;
    let outlets = exchange.open_outlets(&Electrodes {
        names: instrument.electrode_names().to_vec(),
        rate_hz: config.electrodes.rate_hz,
        first: plan.first.start(),
    })?;
    let outputs = common.out.as_deref().map(|dir| Outputs::open(dir, config)).transpose()?;
    let recorded = args.recorded(config, instrument.state_values() + instrument.sense_words())?;
    let trace = Arc::clone(&common_parts.trace);
    let (publish, feeds) = if args.no_view {
        (None, None)
    } else {
        let Page { publish, feeds } = page(senses, &common_parts, !devices.is_empty());
        (Some(publish), Some(feeds))
    };
    if let Some(again) = &again {
        again.restore(&mut instrument)?;
    }
    let (outputs, mut keep) = match outputs {
        Some(outputs) => {
            let (outputs, keep) = outputs.sinks(instrument.electrode_names())?;
            (Some(outputs), keep)
        }
        None => (None, crate::engine::Keep::default()),
    };
    keep.outlets = outlets;
    keep.devices.clone_from(&devices);
    (keep.senses, (keep.signatures, keep.taught)) = (compared, signatures.unzip());
    keep.state_seconds = recorded.states.then_some(config.record.state_seconds);
    if let Some(verifier) = again.as_mut().and_then(|again| again.verifier.take()) {
        if args.record.is_some() {
            let error = Error::call("--record", "a replay that is verified is not recorded");
            return Err(error.bound("one of the two"));
        }
        keep.session = Some(Box::new(verifier));
    } else if args.record.is_some() || recorded.remembers {
        let facts = facts(config, &instrument, &sources, channels)?;
        let monitor = Arc::<RecordingMonitor>::default();
        let mut recorder = args.recorder(common, config, facts, recorded.remembers, &monitor)?;
        // What goes on from a state can be replayed from there.
        if let Some(state) = again.as_mut().and_then(|again| again.state.take()) {
            recorder.push(&SessionItem::State(state))?;
        }
        keep.session = Some(Box::new(recorder));
        keep.monitor = Some(monitor);
    }
    let monitor = keep.monitor.clone();
    let engine = Engine::start(&plan, instrument, inputs, keep, publish, common_parts)?;
    let about = about(config, &engine, &show, sources);
    let shown = feeds.zip(place);
    let running =
        shown.map(|(feeds, place)| look(common, place, view::Feeds { about, ..feeds }, &stop)).transpose()?;
    // A terminal that shows the run shows nothing else.
    let told = Common { quiet: common.quiet || args.terminal, ..common.clone() };
    let mut teller = Teller::new(&told, monitor.clone());
    wait(&told, &engine, &stop, &*clock, &show, &mut teller);
    let mut summary = engine.join(&stop)?;
    // Their figures are final once they are closed.
    drop(owned);
    teller.tell();
    let mut report = Report::new(config, &summary);
    report.view = running.and_then(Looking::stop);
    report.exchange = exchange.report();
    report.latency_ms.extend(trace.report());
    report.devices = devices.iter().map(|device| device.figures()).collect();
    report.session = again.map(Again::report_after);
    report.recording = monitor.map(|monitor| monitor.figures());
    let memory = summary.mind.take().and_then(Mind::into_patches);
    let finished = outputs.map(|outputs| outputs.finish(&report, memory.as_ref(), summary.binding.as_ref()));
    // What was found is told all the same.
    if let Some(Err(failure)) = finished {
        report.failures.push(failure.to_string());
        summary.failures.push(failure);
    }
    if common.json {
        print_json(&report)?;
    } else if !common.quiet {
        print_line(&report.summary())?;
    }
    Ok(exit_code(&report, &summary.failures))
}

/// Tells what went wrong; gives the exit code.
fn exit_code(report: &Report, failures: &[Error]) -> ExitCode {
    for failure in failures {
        eprintln!("napot: {failure}");
    }
    let wrong = report.session.as_ref().is_some_and(SessionReport::is_wrong);
    ExitCode::from(failures.first().map_or(u8::from(wrong), |failure| failure.kind().exit_code()))
}

/// What a session says of itself.
fn facts(
    config: &Config,
    instrument: &Instrument,
    sources: &[String],
    channels: Option<ScalarLayout>,
) -> Result<Facts> {
    let sheets = instrument.arrays().into_iter().map(|array| Sheet {
        name: array.name,
        height: array.height,
        width: array.width,
        bands: array.bands,
        twin: config.array.twin,
    });
    Ok(Facts {
        form: Facts::form(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config: config.decisive().to_toml()?,
        config_hash: config.hash(),
        arrays: sheets.collect(),
        electrodes: instrument.electrode_names().to_vec(),
        rate_hz: config.electrodes.rate_hz,
        channels: channels.map(|layout| [layout.names, layout.units]),
        sources: sources.to_vec(),
    })
}

fn describe(inputs: &Inputs, devices: &[Arc<DeviceMonitor>]) -> Vec<String> {
    let sound = inputs.sound.as_ref().map(|source| source.info());
    let video = inputs.video.as_ref().map(|source| source.info());
    let scalar = inputs.scalar.as_ref().map(|source| source.info());
    let line = |info: &crate::stream::SourceInfo| format!("{}: {} ({})", info.kind, info.name, info.format);
    let session = inputs.session.as_ref().map(|source| source.info());
    let sound_devices =
        devices.iter().map(|device| device.figures()).filter(|figures| figures.kind != DeviceKind::Camera);
    let sound_devices =
        sound_devices.map(|device| format!("{}: {} ({})", device.kind.name(), device.name, device.format));
    [sound, video, scalar, session].into_iter().flatten().map(line).chain(sound_devices).collect()
}

/// The first Ctrl-C ends the run with whole outputs, the second at once.
fn catch_interrupts(stop: &Arc<AtomicBool>) -> Result<()> {
    let stop = Arc::clone(stop);
    ctrlc::set_handler(move || {
        if stop.swap(true, Ordering::AcqRel) {
            std::process::exit(130);
        }
    })
    .map_err(|cause| Error::new(Kind::Device, "signals", "Ctrl-C can't be caught").value(cause))
}

/// Waits for the end of the run, with a progress bar on a terminal.
fn wait(
    common: &Common,
    engine: &Engine,
    stop: &AtomicBool,
    clock: &dyn Clock,
    show: &Show,
    teller: &mut Teller,
) {
    let known = || show.length.map(Timestamp::seconds_for_print);
    let length = common.seconds.or_else(known).filter(|seconds| *seconds > 0.0);
    let visible = std::io::stderr().is_terminal() && !common.quiet && !common.json;
    let bar = match length {
        Some(length) if visible => {
            let style = ProgressStyle::with_template("{wide_bar} {msg}");
            ProgressBar::new((length * 1_000.0) as u64)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        }
        _ => ProgressBar::hidden(),
    };
    while !engine.is_finished() {
        clock.wait_until(clock.now() + LOOK);
        let ticks = engine.ticks();
        bar.set_position(ticks);
        bar.set_message(format!("{:.1} s{}", ticks as f64 / 1_000.0, teller.short()));
        bar.suspend(|| teller.tell());
        if stop.load(Ordering::Acquire) {
            bar.set_message("ending");
        }
    }
    bar.finish_and_clear();
}
