//! `napot learn views`: learns how pictures of one kind look under few views, for `napot bind --learned`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{beside, decibels, save};
use crate::binding::part::Part;
use crate::binding::projection::ParallelBeam;
use crate::command::bind::degrees;
use crate::command::measured::Together;
use crate::command::{Common, pictures, print_json, print_line, written};
use crate::error::{Error, Kind, Result};
use crate::memory::picture::Plane;
use crate::memory::trained::lessons::luma;
use crate::memory::trained::model::Size;
use crate::memory::trained::store::sized;
use crate::memory::views::lessons::squared;
use crate::memory::views::store::Kept;
use crate::memory::views::train::{Course, Training};
use crate::memory::views::{MOST_STAGES, Views};
use crate::sink::curves;

/// Steps after which the model so far is written.
const WRITTEN: usize = 500;
/// Steps whose errors are told as one.
const TOLD: usize = 100;

/// What the command takes.
#[derive(Args, Debug)]
pub(crate) struct ViewsArgs {
    /// Pictures of the kind that will be seen, films, sessions, folders of pictures: their luma, the middle square; each at least as
    /// high and wide as `--side`. Of a volume the slices of others like it.
    inputs: Vec<PathBuf>,
    /// The angles of the views, in degrees, as `napot bind` takes them: of the first and of the one after the last, evenly, with `--views`; or
    /// a file with one for each.
    #[arg(long, value_name = "FROM:TO|FILE", allow_hyphen_values = true, required = true)]
    angles: String,
    /// How many views lie evenly from FROM to TO.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    views: Option<u16>,
    /// Rows and columns of the pictures, and detector elements: those of the sinograms that will come.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(8..=512))]
    side: u16,
    /// Steps of training.
    #[arg(long, value_name = "N", default_value_t = 3_000)]
    steps: u64,
    /// Pictures of a step.
    #[arg(long, value_name = "N", default_value_t = 16)]
    batch: usize,
    /// The rate of learning; it falls to a hundredth over the last fifth.
    #[arg(long, value_name = "RATE", default_value_t = 1e-3)]
    rate: f64,
    /// Stages, a network each, 1 to 16.
    #[arg(long, value_name = "N", default_value_t = 3)]
    stages: usize,
    /// Channels of each network.
    #[arg(long, value_name = "N", default_value_t = 32)]
    channels: usize,
    /// Blocks of each network, two layers each.
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
    /// The PSNR of the last hundred steps' pictures before they were learned, against four times their root mean square, and that of the
    /// data's first steps alone.
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
    let degrees = degrees(&args.angles, args.views.map(usize::from))?;
    let side = usize::from(args.side);
    let frames = pictures::pictures(&args.inputs, side)?;
    if frames.is_empty() {
        let error = Error::call("learn views", "there is nothing to learn from");
        return Err(error.bound("pictures of the kind that will be seen"));
    }
    let planes: Vec<Plane> =
        frames.iter().map(|frame| squared(&luma(frame.height, frame.width, &frame.rgb), side)).collect();
    drop(frames);
    let dark = vec![0.0; degrees.len() * side];
    let part = Part::new(Box::new(ParallelBeam::new(side, side, &degrees)?), dark)?;
    let mut training = Training::of(Views::new(size, args.stages, seed));
    let made = vec![call(args, degrees.len(), seed)];
    let kept =
        |views: &Views| Kept { views: views.clone(), side, degrees: degrees.clone(), made: made.clone() };
    trained(common, args, &course, &planes, &part, &mut training, |views| {
        save(out, &kept(views).to_bytes()?)
    })?;
    if training.errors.len() > 1 {
        let title = "Training: how near each step's pictures came, before they were learned";
        let named = [(0, "learned"), (1, "the data alone")].map(|(at, name)| (name, told(&training, at)));
        curves::write(curve, title, ["step", "PSNR (dB)"], &named)?;
    }
    let last = |at: usize| told(&training, at).last().map_or(0.0, |(_, db)| *db);
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

/// Takes all steps; `keep` is handed the stages now and then, and at the end.
fn trained(
    common: &Common,
    args: &ViewsArgs,
    course: &Course,
    planes: &[Plane],
    part: &Part,
    training: &mut Training,
    keep: impl Fn(&Views) -> Result<()>,
) -> Result<()> {
    let bar = if common.quiet || !std::io::stderr().is_terminal() {
        ProgressBar::hidden()
    } else {
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}, {eta} left, {msg}");
        ProgressBar::new(course.steps).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    };
    let threads = args.threads.map_or_else(pictures::threads, usize::from);
    let dark = Together::new(vec![part], 1, 1);
    while (training.errors.len() as u64) < course.steps {
        let [error, start] = training.step(course, planes, &dark, threads);
        let step = training.errors.len();
        if !error.is_finite() {
            let problem = Error::new(Kind::Numeric, "learn views", "the training ran away");
            let problem = problem.at(format!("step {step}")).value(error).bound("finite");
            return Err(problem.help("Take a lower `--rate`; what was written last stands."));
        }
        let [error, start] = [error, start].map(|error| decibels(f64::from(error)));
        bar.set_position(step as u64);
        bar.set_message(format!("{error:.2} dB, {start:.2} by the data alone"));
        if step.is_multiple_of(WRITTEN) || step as u64 == course.steps {
            keep(&training.views)?;
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
    let mean = |(number, errors): (usize, &[[f32; 2]])| {
        let error = errors.iter().map(|errors| f64::from(errors[at])).sum::<f64>() / errors.len() as f64;
        ((number * group + errors.len()) as f64, decibels(error))
    };
    training.errors.chunks(group).enumerate().map(mean).collect()
}

/// The call in words, without what says where files lie.
fn call(args: &ViewsArgs, views: usize, seed: u64) -> String {
    let ViewsArgs { inputs, side, steps, batch, rate, stages, channels, blocks, .. } = args;
    format!(
        "napot learn views ({} files or folders) --angles ({views}) --side {side} --steps {steps} --batch {batch} --rate {rate} --stages {stages} --channels {channels} --blocks {blocks} --seed {seed}",
        inputs.len()
    )
}

/// Reads a model for `--learned`.
pub(crate) fn load(path: &Path) -> Result<Kept> {
    let help = "`napot learn views` makes one.";
    Kept::from_bytes(path, &pictures::read(path, "the model", help, MOST_BYTES)?)
}

/// The largest model that is read: 16 stages of the largest networks.
const MOST_BYTES: u64 = 4 << 30;
