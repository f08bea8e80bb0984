//! `napot learn views`: learns how pictures of one kind look under few views, for `napot bind --learned`.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{beside, decibels, save};
use crate::binding::part::Part;
use crate::binding::projection::ParallelBeam;
use crate::command::bind::{degrees, told_again};
use crate::command::measured::Together;
use crate::command::numbers::RangeArgs;
use crate::command::{Common, pictures, print_json, print_line, written};
use crate::error::{Error, Kind, Result};
use crate::memory::picture::Plane;
use crate::memory::trained::lessons::luma;
use crate::memory::trained::model::Size;
use crate::memory::trained::store::sized;
use crate::memory::views::lessons::squared;
use crate::memory::views::store::Kept;
use crate::memory::views::train::{Course, Training, bytes};
use crate::memory::views::{MOST_STAGES, Views};
use crate::sink::curves;

/// Steps after which the model so far is written.
const WRITTEN: usize = 500;
/// Steps whose errors are told as one.
const TOLD: usize = 100;
/// The most views.
const MOST_VIEWS: usize = 512;
/// The most bytes that a step of training may take.
const MOST_BYTES: usize = 8 << 30;

/// What the command takes.
#[derive(Args, Debug)]
pub(crate) struct ViewsArgs {
    /// Pictures of the kind that will be seen, films, sessions, folders of pictures, pages of numbers (x.npy, x.tif): their luma, the middle square, and of that the circle
    /// that all views see; each at least as high and wide as `--side`. For a volume, the slices of others like it.
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    numbers: RangeArgs,
    /// The angles of the views, in degrees, as `napot bind` takes them: of the first and of the one after the last, evenly, with `--views`; or
    /// a file with one for each.
    #[arg(long, value_name = "FROM:TO|FILE", allow_hyphen_values = true, required = true)]
    angles: String,
    /// How many views lie evenly from FROM to TO, 2 to 512.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=512))]
    views: Option<u16>,
    /// Rows and columns of the pictures, and detector elements, 8 to 512: those of the sinograms that will come.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(8..=512))]
    side: u16,
    /// Steps of training, 1 to 1000000.
    #[arg(long, value_name = "N", default_value_t = 1_500)]
    steps: u64,
    /// Pictures of a step, 1 to 1024.
    #[arg(long, value_name = "N", default_value_t = 16)]
    batch: usize,
    /// The rate of learning, above 0, at most 1; it falls to a hundredth over the last fifth.
    #[arg(long, value_name = "RATE", default_value_t = 1e-3)]
    rate: f64,
    /// Stages, a network each, 1 to 16.
    #[arg(long, value_name = "N", default_value_t = 3)]
    stages: usize,
    /// Channels of each network, 1 to 256.
    #[arg(long, value_name = "N", default_value_t = 32)]
    channels: usize,
    /// Blocks of each network, two layers each, 1 to 32.
    #[arg(long, value_name = "N", default_value_t = 3)]
    blocks: usize,
    /// Threads of the processor; the result does not depend on them. As many as there are cores where it is left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
}

/// What was learned.
#[derive(Serialize)]
struct Learned {
    file: String,
    parameters: usize,
    pictures: usize,
    views: usize,
    steps: usize,
    /// The PSNR, of each one's brightest pixel, of the last hundred steps' pictures before they were learned, and that of the data's
    /// first steps alone.
    psnr_db: f64,
    data_alone_db: f64,
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &ViewsArgs) -> Result<ExitCode> {
    let bound = "a model: --out x.safetensors";
    let out = written::out(common, bound)?;
    written::of_kind("--out", out, &["safetensors"], bound)?;
    let curve = beside(out, ".png");
    let angles = PathBuf::from(&args.angles);
    for file in [out, curve.as_path()] {
        written::spare("--out", file, args.inputs.iter().chain([&angles]))?;
    }
    written::in_a_folder("--out", out)?;
    let seed = common.seed.unwrap_or_default();
    let course = Course { steps: args.steps, batch: args.batch, rate: args.rate, seed };
    course.check()?;
    let size = Size { channels: args.channels, blocks: args.blocks };
    sized(size)?;
    if !(1..=MOST_STAGES).contains(&args.stages) {
        let error = Error::call("--stages", "the value is out of bounds").value(args.stages);
        return Err(error.bound(format!("1 to {MOST_STAGES}")));
    }
    let side = usize::from(args.side);
    let threads = args.threads.map_or_else(pictures::threads, usize::from);
    let taken = bytes(size, args.stages, side, args.batch, threads);
    if taken > MOST_BYTES {
        let error = Error::call("learn views", "a step would take too many bytes").value(taken);
        let error = error.bound(format!("at most {MOST_BYTES}"));
        return Err(
            error.help("Lower `--batch`, `--channels`, `--stages`, `--blocks`, `--side` or `--threads`.")
        );
    }
    let degrees = viewed(args)?;
    let part =
        Part::new(Box::new(ParallelBeam::new(side, side, &degrees)?), vec![0.0; degrees.len() * side])?;
    let frames = pictures::pictures(&args.inputs, args.numbers, side)?;
    if frames.is_empty() {
        let error = Error::call("learn views", "there is nothing to learn from");
        return Err(error.bound("pictures of the kind that will be seen"));
    }
    let planes: Vec<Plane> =
        frames.iter().map(|frame| squared(&luma(frame.height, frame.width, &frame.rgb), side)).collect();
    drop(frames);
    let mut training = Training::of(Views::new(size, args.stages, seed));
    trained(common, &course, &planes, (&part, threads), &mut training, |training| {
        let (degrees, made) = (degrees.clone(), vec![call(args, degrees.len(), training.errors.len(), seed)]);
        save(out, &Kept { views: training.views.clone(), side, degrees, made }.to_bytes()?)
    })?;
    if training.errors.len() > 1 {
        let title = "Training: how near each step's pictures came, before they were learned";
        let named = [(0, "learned"), (1, "the data alone")].map(|(at, name)| (name, told(&training, at)));
        curves::write(curve, title, ["step", "PSNR (dB)"], &named)?;
    }
    let last = |at: usize| mean(&training.errors[training.errors.len().saturating_sub(TOLD)..], at);
    let learned = Learned {
        file: out.display().to_string(),
        parameters: training.views.stages().iter().map(|stage| stage.numbers().len()).sum(),
        pictures: planes.len(),
        views: degrees.len(),
        steps: training.errors.len(),
        psnr_db: last(0),
        data_alone_db: last(1),
    };
    if common.json {
        print_json(&learned)?;
    } else if !common.quiet {
        let Learned { parameters, pictures, views, steps, psnr_db, data_alone_db, .. } = learned;
        print_line(&format!(
            "{}: {parameters} numbers, {pictures} pictures, {views} views, {steps} steps; {psnr_db:.2} dB, {data_alone_db:.2} by the data alone",
            out.display()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The angles that the call names.
fn viewed(args: &ViewsArgs) -> Result<Vec<f64>> {
    let named = &args.angles;
    let degrees = degrees(named, args.views.map(usize::from))?;
    if let Some(views) = args.views.filter(|views| usize::from(*views) != degrees.len()) {
        let error = Error::call("--views", "the file has another number of angles").at(named).value(views);
        return Err(error.bound(format!("{}, or left out", degrees.len())));
    }
    if !(2..=MOST_VIEWS).contains(&degrees.len()) {
        let error = Error::call("--angles", "so many views are not learned").at(named).value(degrees.len());
        return Err(error.bound(format!("2 to {MOST_VIEWS}")));
    }
    told_again(named, &degrees)?;
    Ok(degrees)
}

/// Takes all steps; `keep` is handed the training now and then, and at the end.
fn trained(
    common: &Common,
    course: &Course,
    planes: &[Plane],
    (part, threads): (&Part, usize),
    training: &mut Training,
    keep: impl Fn(&Training) -> Result<()>,
) -> Result<()> {
    let bar = if common.quiet || !std::io::stderr().is_terminal() {
        ProgressBar::hidden()
    } else {
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}, {eta} left, {msg}");
        ProgressBar::new(course.steps).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    };
    let dark = Together::new(vec![part], 1, 1);
    while (training.errors.len() as u64) < course.steps {
        let [error, start] = training.step(course, planes, &dark, threads);
        let step = training.errors.len();
        let kept = step.is_multiple_of(WRITTEN) || step as u64 == course.steps;
        if !error.is_finite() || kept && !training.is_finite() {
            let problem = Error::new(Kind::Numeric, "learn views", "the training ran away");
            let problem = problem.at(format!("step {step}")).value(error).bound("finite");
            return Err(problem.help("Take a lower `--rate`."));
        }
        let [error, start] = [error, start].map(|error| decibels(f64::from(error)));
        bar.set_position(step as u64);
        bar.set_message(format!("{error:.2} dB, {start:.2} by the data alone"));
        if kept {
            keep(training)?;
            if bar.is_hidden() && !common.quiet {
                eprintln!("step {step} of {}, {error:.2} dB, {start:.2} by the data alone", course.steps);
            }
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// The PSNR by step, in means over some.
fn told(training: &Training, at: usize) -> Vec<(f64, f64)> {
    let group = (training.errors.len() / 20).clamp(1, TOLD);
    let groups = training.errors.chunks(group).enumerate();
    groups.map(|(number, errors)| ((number * group + errors.len()) as f64, mean(errors, at))).collect()
}

/// The PSNR of the mean error of some steps.
fn mean(errors: &[[f32; 2]], at: usize) -> f64 {
    decibels(errors.iter().map(|errors| f64::from(errors[at])).sum::<f64>() / errors.len().max(1) as f64)
}

/// The call in words, without what says where files lie.
fn call(args: &ViewsArgs, views: usize, taken: usize, seed: u64) -> String {
    let ViewsArgs { inputs, numbers, side, steps, batch, rate, stages, channels, blocks, .. } = args;
    format!(
        "napot learn views ({} files or folders){} --angles ({views}) --side {side} --steps {steps} --batch {batch} --rate {rate} --stages {stages} --channels {channels} --blocks {blocks} --seed {seed}, {taken} steps taken",
        inputs.len(),
        numbers.told()
    )
}
