//! `napot bench`: what the engine costs on this machine, as ratios and nanoseconds.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;

// A build without the feature says so.
#[cfg_attr(not(feature = "gpu"), path = "no_gpu.rs")]
mod gpu;
mod latency;
mod throughput;

use super::{Common, print_json, print_line, taken};
use crate::config::{Config, Session};
use crate::engine::instrument::Instrument;
use crate::engine::{Engine, Inputs, Keep, Pace, Stage, pump};
use crate::error::{Error, Result};
use crate::source::room::Room;
use crate::time::{TICKS_PER_SECOND, WallClock};
use std::sync::Arc;
use throughput::{Choice, Throughput};

/// What the command takes.
#[derive(Args, Debug)]
pub(super) struct BenchArgs {
    /// What to measure; throughput and pipeline where left out.
    #[arg(value_enum)]
    what: Option<What>,
    /// Sides of the sheets for `throughput`, in sites, with commas between: 64,128,256,1024 where left out, and then more bands and
    /// arrays at 64.
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=4096))]
    sizes: Vec<u16>,
    /// Numbers of threads for `throughput`, with commas between: 1,2 where left out, as far as there are cores.
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: Vec<u16>,
    /// Measure `throughput` on a GPU too, beside the processor: 256, 1024 and what fits, where no sizes are given.
    #[arg(long)]
    gpu: bool,
}

impl BenchArgs {
    /// The options of all commands that have an effect.
    pub(super) fn takes(&self) -> &'static [&'static str] {
        if self.what == Some(What::Throughput) { taken::CONFIGURED } else { taken::TIMED }
    }

    /// Refuses what `throughput` alone takes where it is not measured.
    fn check(&self) -> Result<()> {
        let measured = match self.what {
            None | Some(What::Throughput) => return Ok(()),
            Some(What::Pipeline) => "pipeline",
            Some(What::Latency) => "latency",
        };
        let given = [
            ("--sizes", !self.sizes.is_empty()),
            ("--threads", !self.threads.is_empty()),
            ("--gpu", self.gpu),
        ];
        let Some((flag, _)) = given.into_iter().find(|(_, given)| *given) else { return Ok(()) };
        let error = Error::call(flag, "it has no effect on this measurement");
        Err(error.value(measured).bound("throughput"))
    }

    /// The numbers of threads to measure: those that were asked for, else the usual ones as far as there are cores.
    fn threads(&self, cores: usize) -> Result<Vec<usize>> {
        if self.threads.is_empty() {
            return Ok(THREADS.into_iter().filter(|threads| *threads <= cores).collect());
        }
        let threads: Vec<usize> = self.threads.iter().map(|threads| usize::from(*threads)).collect();
        match threads.iter().copied().find(|threads| *threads > cores) {
            None => Ok(threads),
            Some(beyond) => Err(Error::call("--threads", "more threads than this machine has cores")
                .value(beyond)
                .bound(format!("at most {cores}"))),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// The array alone: ns per oscillator-step by size, threads, bands and arrays.
    Throughput,
    /// The whole engine on the room: ticks per second and the share of each stage.
    Pipeline,
    /// The way from microphone to speaker on real devices, each hop, and the array's own delay. Connect the output to the
    /// input by a cable.
    Latency,
}

/// Model seconds of the pipeline's run, where `--for` says nothing.
const PIPELINE_SECONDS: f64 = 10.0;
/// Sides of the sheets that are measured, where `--sizes` says nothing.
const SIDES: [usize; 4] = [64, 128, 256, 1_024];
/// The same beside a GPU.
const SIDES_BESIDE_GPU: [usize; 2] = [256, 1_024];
/// Numbers of threads that are measured, where `--threads` says nothing.
const THREADS: [usize; 2] = [1, 2];

/// The whole engine's cost on the room.
#[derive(Debug, Serialize)]
struct Pipeline {
    seconds: f64,
    threads: usize,
    ticks_per_second: f64,
    realtime_factor: f64,
    stage_us: Vec<(&'static str, f64)>,
    stage_share: Vec<(&'static str, f64)>,
    tick_ms_p50: Option<f64>,
    tick_ms_p99: Option<f64>,
    decoding_seconds: Vec<(String, f64)>,
}

#[derive(Debug, Serialize)]
struct Results {
    throughput: Vec<Throughput>,
    pipeline: Option<Pipeline>,
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &BenchArgs) -> Result<ExitCode> {
    args.check()?;
    let config = common.load()?;
    if args.what == Some(What::Latency) {
        return latency::run(common, &config);
    }
    let mut results = Results { throughput: Vec::new(), pipeline: None };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // Before all else: a run that can't have what it was asked for need not begin.
    let threads = args.threads(cores)?;
    let device = if args.gpu { Some(gpu::Device::open()?) } else { None };
    if args.what != Some(What::Pipeline) {
        let given = |numbers: &[u16]| numbers.iter().map(|number| usize::from(*number)).collect::<Vec<_>>();
        let sides = match (args.sizes.is_empty(), args.gpu) {
            (true, false) => SIDES.to_vec(),
            (true, true) => SIDES_BESIDE_GPU.to_vec(),
            (false, _) => given(&args.sizes),
        };
        let choice = Choice { sides: &sides, threads: &threads, growth: args.sizes.is_empty() };
        results.throughput = throughput::measure(&config, &choice)?;
        if let Some(device) = &device {
            results.throughput.extend(device.measure(&config, &given(&args.sizes))?);
        }
    }
    if args.what != Some(What::Throughput) {
        results.pipeline = Some(pipeline(&config, common.seconds.unwrap_or(PIPELINE_SECONDS))?);
    }
    match (common.json, args.what) {
        (true, Some(What::Throughput)) => print_json(&results.throughput)?,
        (true, Some(What::Pipeline)) => print_json(&results.pipeline)?,
        (true, _) => print_json(&results)?,
        (false, _) => print_table(&results, device.as_ref())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn pipeline(config: &Config, seconds: f64) -> Result<Pipeline> {
    let session = Session { pace: Pace::Max, seconds: Some(seconds), tail_seconds: 0.0, layout: None };
    let plan = config.plan(&session);
    let (video, sound) = Room::new(&config.room, config.seed)?.into_sources();
    let inputs = Inputs {
        sound: plan.hearing.is_some().then(|| Box::new(sound) as _),
        video: plan.vision.is_some().then(|| Box::new(video) as _),
        ..Inputs::default()
    };
    let common = pump::Common::new(Arc::default(), Arc::new(WallClock::start()));
    let stop = Arc::clone(&common.stop);
    let instrument = Instrument::new(&plan)?;
    let summary = Engine::start(&plan, instrument, inputs, Keep::default(), None, common)?.join(&stop)?;
    let analysis = &summary.analysis;
    let busy = analysis.stage_ns.iter().sum::<u64>().max(1) as f64;
    let each = |scale: f64| {
        Stage::ALL
            .iter()
            .map(|stage| (stage.name(), analysis.stage_ns[*stage as usize] as f64 * scale))
            .collect()
    };
    let ticks = summary.ticks.max(1) as f64;
    let hop = analysis.tick_hop.report();
    Ok(Pipeline {
        seconds: ticks / TICKS_PER_SECOND as f64,
        threads: plan.threads,
        ticks_per_second: ticks / (busy * 1e-9),
        realtime_factor: ticks / TICKS_PER_SECOND as f64 / (busy * 1e-9),
        stage_us: each(1e-3 / ticks),
        stage_share: each(1.0 / busy),
        tick_ms_p50: hop.p50,
        tick_ms_p99: hop.p99,
        decoding_seconds: summary
            .sources
            .iter()
            .map(|source| (source.pump.info.kind.clone(), source.pump.decode_ns as f64 * 1e-9))
            .collect(),
    })
}

fn print_table(results: &Results, device: Option<&gpu::Device>) -> Result<()> {
    if !results.throughput.is_empty() {
        throughput::print(&results.throughput)?;
    }
    if let Some(device) = device {
        print_line(&device.told())?;
    }
    let Some(pipeline) = &results.pipeline else { return Ok(()) };
    print_line(&format!(
        "\nwhole engine on the room, {:.1} s, {} threads: {:.0} ticks a second, {:.2} x real time",
        pipeline.seconds, pipeline.threads, pipeline.ticks_per_second, pipeline.realtime_factor
    ))?;
    for ((name, us), (_, share)) in pipeline.stage_us.iter().zip(&pipeline.stage_share) {
        print_line(&format!("  {name:<8} {us:>8.1} us a tick  {:>5.1} %", 100.0 * share))?;
    }
    for (kind, seconds) in &pipeline.decoding_seconds {
        print_line(&format!("  {kind} source: {seconds:.2} s of its own thread, not counted above"))?;
    }
    Ok(())
}
