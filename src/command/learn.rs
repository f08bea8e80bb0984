//! `napot learn`: trains the renderer on photographs, dead leaves and the room, into a file that `napot render` takes.

mod senses;
mod views;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::numbers::RangeArgs;
use super::{Common, pictures, print_json, print_line, taken, written};
use crate::error::{Error, Kind, Result};
use crate::memory::picture::Plane;
use crate::memory::trained::leaves::leaves;
use crate::memory::trained::lessons::{LEAST_SIDE, luma};
use crate::memory::trained::model::{Job, Model, Size};
use crate::memory::trained::store::{Kept, sized};
use crate::memory::trained::train::{Course, Training};
use crate::signal::{Frame, Stamp};
use crate::sink::curves::{self, Curve};
use crate::sink::part::PartFile;
use crate::source::room::{Room, RoomParameters};
use crate::stream::Source;
use crate::time::Timestamp;

/// The side of a generated picture.
const SIDE: usize = 264;
/// Frames of the room between two that are learned.
const FRAMES_BETWEEN: u32 = 15;

/// What a network learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// To enlarge 2, 3 and 4 times.
    SuperResolve,
    /// To take noise away.
    Denoise,
}

/// What the command takes.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct LearnArgs {
    #[command(subcommand)]
    other: Option<Other>,
    /// Pictures, films, sessions, folders of pictures, pages of numbers (x.npy, x.tif); each at least 152 pixels high and wide.
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    numbers: RangeArgs,
    /// Learn from this many pictures of dead leaves: generated from the seed, opaque shapes that hide one another.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    synthetic: u32,
    /// Learn from this many pictures of the room, one every half a second.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    room: u32,
    /// Steps of training.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    steps: u64,
    /// What to learn; the other network stays as it is. Both in turn where it is left out.
    #[arg(long, value_name = "TASK")]
    only: Option<What>,
    /// Pieces of a step, 32 x 32 sites each.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    batch: u16,
    /// The rate of learning; it falls to a hundredth over the last fifth.
    #[arg(long, value_name = "RATE", default_value_t = 1e-3)]
    rate: f64,
    /// Channels of a new network; 32 where it is left out.
    #[arg(long, value_name = "N")]
    channels: Option<usize>,
    /// Blocks of a new network, two layers each; 5 where it is left out.
    #[arg(long, value_name = "N")]
    blocks: Option<usize>,
    /// Start from this model instead of a new one, of its size: fine-tuning.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["resume", "channels", "blocks"])]
    from: Option<PathBuf>,
    /// Go on where the training into `--out` was left, by its `.checkpoint`, up to `--steps`; all else as it began.
    #[arg(long)]
    resume: bool,
    /// Write the checkpoint every so many steps.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    checkpoint: u64,
    /// Threads of the processor, on which alone training runs, in a build for a GPU too; the result does not depend on them. As many as there are cores where it is left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Write the pictures into this new folder, so that others can learn from the same.
    #[arg(long, value_name = "DIR")]
    write_pictures: Option<PathBuf>,
}

/// What else is learned.
#[derive(Subcommand, Debug)]
enum Other {
    /// Learn from recordings what a sound that belongs to its picture is like; or judge a template by them.
    Senses(senses::SensesArgs),
    /// Learn from pictures of one kind how they look under few views, for `napot bind --learned`.
    Views(views::ViewsArgs),
}

impl LearnArgs {
    /// The options of all commands that have an effect.
    pub(super) fn takes(&self) -> &'static [&'static str] {
        if let Some(Other::Senses(_)) = &self.other { taken::ALL } else { &["--seed", "--out"] }
    }
}

/// What was learned.
#[derive(Serialize)]
struct Learned {
    file: String,
    parameters: usize,
    pictures: usize,
    steps: u64,
    /// The PSNR of the last steps' pieces before they were learned, by task; `None` where it was not trained.
    psnr_db: [Option<f64>; 4],
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &LearnArgs) -> Result<ExitCode> {
    match &args.other {
        Some(Other::Senses(args)) => return senses::run(common, args),
        Some(Other::Views(args)) => return views::run(common, args),
        None => (),
    }
    let (out, curve) = outputs(common, args)?;
    let seed = common.seed.unwrap_or_default();
    let mut kept = begin(args, out, seed)?;
    let frames = gathered(args, seed)?;
    if let Some(folder) = &args.write_pictures {
        pictures::whole_folder(folder, |part| written(part, &frames))?;
    }
    let sum = frames.iter().fold(0, |sum, frame| crc32fast::hash(&frame.rgb) ^ u32::rotate_left(sum, 1));
    let planes: Vec<Plane> = frames.iter().map(|frame| luma(frame.height, frame.width, &frame.rgb)).collect();
    drop(frames);
    if let Some((course, pictures)) = &mut kept.course {
        if args.resume && *pictures != sum {
            let error = Error::call("--resume", "the pictures are not those that the training began with");
            return Err(error.at(checkpoint(out).display()).help("Make the same call with `--resume`."));
        }
        (course.steps, *pictures) = (args.steps, sum);
    }
    trained(common, args, out, &mut kept, &planes)?;
    let finished = Kept { course: None, ..kept.clone() };
    save(out, &finished.to_bytes()?)?;
    let errors = &kept.training.errors;
    if errors.len() > 1 {
        let title = "Training: how near each step's pieces came, before it was learned";
        let named: Vec<Curve> = ["x2", "x3", "x4", "noise"].into_iter().zip(psnr_by_step(&kept)).collect();
        curves::write(curve, title, ["step", "PSNR (dB)"], &named)?;
    }
    let learned = Learned {
        file: out.display().to_string(),
        parameters: kept.training.model.networks().iter().map(|network| network.numbers().len()).sum(),
        pictures: planes.len(),
        steps: kept.training.step,
        psnr_db: psnr_by_step(&kept).map(|curve| curve.last().map(|(_, db)| *db)),
    };
    if common.json {
        print_json(&learned)?;
    } else if !common.quiet {
        let Learned { parameters, pictures, steps, .. } = learned;
        let text = format!("{}: {parameters} numbers, {pictures} pictures, {steps} steps", out.display());
        print_line(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The model's file and that of its curve; refuses, before any work, names that can't be written or are read.
fn outputs<'a>(common: &'a Common, args: &LearnArgs) -> Result<(&'a Path, PathBuf)> {
    let bound = "a model: --out x.safetensors";
    let out = written::out(common, bound)?;
    written::of_kind("--out", out, &["safetensors"], bound)?;
    let (left, curve) = (checkpoint(out), beside(out, ".png"));
    for file in [out, left.as_path(), curve.as_path()] {
        written::spare("--out", file, args.inputs.iter().chain(&args.from))?;
    }
    written::in_a_folder("--out", out)?;
    if let Some(folder) = args.write_pictures.as_ref().filter(|folder| folder.exists()) {
        let error = Error::call("--write-pictures", "there is something of this name already");
        return Err(error.value(folder.display()).bound("a new folder"));
    }
    Ok((out, curve))
}

fn checkpoint(out: &Path) -> PathBuf {
    beside(out, ".checkpoint")
}

/// What lies beside the model: its name with one more ending.
fn beside(out: &Path, ending: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The training that the call starts or goes on with.
fn begin(args: &LearnArgs, out: &Path, seed: u64) -> Result<Kept> {
    let tasks = [What::SuperResolve, What::Denoise].map(|one| args.only.is_none_or(|only| only == one));
    let course = Course { steps: args.steps, batch: args.batch.into(), rate: args.rate, seed, tasks };
    course.check()?;
    if args.resume {
        return resumed(&checkpoint(out), args, &course);
    }
    refuse_unfinished(&checkpoint(out))?;
    let size = size(args);
    sized(size)?;
    let (model, mut made) = match &args.from {
        Some(file) => {
            let kept = pictures::load_trained(file)?;
            (kept.training.model, kept.made)
        }
        None => (Model::new(size, seed), Vec::new()),
    };
    made.push(call(args, seed));
    Ok(Kept { training: Training::of(model), made, course: Some((course, 0)) })
}

/// Refuses to begin anew where the first checkpoint would replace a training that was left, or what can't be told from one.
fn refuse_unfinished(file: &Path) -> Result<()> {
    if !file.exists() {
        return Ok(());
    }
    let unknown = |error: Error| error.help("Remove it, or name another file by `--out`.");
    let kept = pictures::load_trained(file).map_err(unknown)?;
    let step = kept.training.step;
    if let Some((course, _)) = kept.course.filter(|(course, _)| step < course.steps) {
        let error = Error::call("--out", "an unfinished training lies there").at(file.display());
        return Err(error
            .value(format!("{step} of {} steps", course.steps))
            .help("Go on with `--resume`, remove it, or name another file."));
    }
    Ok(())
}

/// The size of a new network.
fn size(args: &LearnArgs) -> Size {
    let Size { channels, blocks } = Size::default();
    Size { channels: args.channels.unwrap_or(channels), blocks: args.blocks.unwrap_or(blocks) }
}

/// The training that a checkpoint holds, if `asked` differs in no more than its steps; the calls that made it say where it does.
fn resumed(file: &Path, args: &LearnArgs, asked: &Course) -> Result<Kept> {
    let mut kept = pictures::load_trained(file)?;
    let Some((began, _)) = &kept.course else {
        return Err(Error::input(file, "this is a finished model, no training").help("Give it to `--from`."));
    };
    let only = |[grow, clean]: [bool; 2]| match (grow, clean) {
        (true, false) => "super-resolve",
        (false, true) => "denoise",
        _ => "both tasks",
    };
    let form = kept.training.model.networks()[0].form();
    let text = |number: usize| number.to_string();
    let flags = [
        ("--channels", text(args.channels.unwrap_or(form.channels)), text(form.channels)),
        ("--blocks", text(args.blocks.unwrap_or(form.blocks)), text(form.blocks)),
        ("--batch", asked.batch.to_string(), began.batch.to_string()),
        ("--rate", asked.rate.to_string(), began.rate.to_string()),
        ("--seed", asked.seed.to_string(), began.seed.to_string()),
        ("--only", only(asked.tasks).to_owned(), only(began.tasks).to_owned()),
    ];
    if let Some((flag, asked, began)) = flags.into_iter().find(|(_, asked, began)| asked != began) {
        let error = Error::call(flag, "the training began with another value").at(file.display());
        return Err(error.value(asked).bound(began).help("Make the same call with `--resume`."));
    }
    // By how many steps were planned the rate fell.
    if began.steps != asked.steps
        && let Some(last) = kept.made.last_mut()
    {
        *last = format!("{last}, then --resume --steps {}", asked.steps);
    }
    Ok(kept)
}

/// The call in words, without what says where files lie.
fn call(args: &LearnArgs, seed: u64) -> String {
    let mut words = vec!["napot learn".to_owned()];
    let mut add = |word: String| words.push(word);
    if !args.inputs.is_empty() {
        add(format!("({} files or folders){}", args.inputs.len(), args.numbers.told()));
    }
    for (flag, value) in [("synthetic", args.synthetic), ("room", args.room)] {
        if value > 0 {
            add(format!("--{flag} {value}"));
        }
    }
    if let Some(only) = args.only.and_then(|only| only.to_possible_value()) {
        add(format!("--only {}", only.get_name()));
    }
    let LearnArgs { steps, batch, rate, .. } = args;
    let Size { channels, blocks } = size(args);
    add(format!("--steps {steps} --batch {batch} --rate {rate}"));
    if args.from.is_some() {
        add("--from (the model so far)".to_owned());
    } else {
        add(format!("--channels {channels} --blocks {blocks}"));
    }
    add(format!("--seed {seed}"));
    words.join(" ")
}

/// All pictures: those given, dead leaves, the room.
fn gathered(args: &LearnArgs, seed: u64) -> Result<Vec<Frame>> {
    let mut frames = pictures::pictures(&args.inputs, args.numbers, LEAST_SIDE)?;
    frames.extend(rained(args.synthetic, seed, threads(args)));
    if args.room > 0 {
        let parameters = RoomParameters { width: SIDE, height: SIDE, ..RoomParameters::default() };
        let (mut video, _) = Room::new(&parameters, seed)?.into_sources();
        for number in 0..args.room * FRAMES_BETWEEN {
            if let Some(frame) = video.pull()?.filter(|_| number % FRAMES_BETWEEN == 0) {
                frames.push(frame);
            }
        }
    }
    if frames.is_empty() {
        let error = Error::call("learn", "there is nothing to learn from");
        return Err(error.bound("pictures, `--synthetic N` or `--room N`"));
    }
    Ok(frames)
}

fn threads(args: &LearnArgs) -> usize {
    args.threads.map_or_else(pictures::threads, usize::from)
}

/// Pictures of dead leaves, in the order of their numbers.
fn rained(count: u32, seed: u64, threads: usize) -> Vec<Frame> {
    let mut frames: Vec<Option<Frame>> = vec![None; count as usize];
    let each = frames.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        for (member, frames) in frames.chunks_mut(each).enumerate() {
            scope.spawn(move || {
                for (at, frame) in frames.iter_mut().enumerate() {
                    let number = (member * each + at) as u32;
                    let rgb = leaves(seed, number, SIDE);
                    let stamp = Stamp::recorded(Timestamp::ZERO);
                    *frame = Some(Frame { stamp, sequence: number.into(), width: SIDE, height: SIDE, rgb });
                }
            });
        }
    });
    frames.into_iter().flatten().collect()
}

fn written(folder: &Path, frames: &[Frame]) -> Result<()> {
    std::fs::create_dir_all(folder)
        .map_err(|cause| Error::output(folder, "the folder can't be made").value(cause))?;
    for (number, frame) in frames.iter().enumerate() {
        pictures::write(&folder.join(format!("{number:05}.png")), (frame.height, frame.width), &frame.rgb)?;
    }
    Ok(())
}

/// Takes the steps that are left, with a checkpoint now and then and at the end.
fn trained(common: &Common, args: &LearnArgs, out: &Path, kept: &mut Kept, planes: &[Plane]) -> Result<()> {
    let Some((course, _)) = kept.course.clone() else { return Ok(()) };
    let bar = if common.quiet || !std::io::stderr().is_terminal() {
        ProgressBar::hidden()
    } else {
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}, {eta} left, {msg}");
        ProgressBar::new(course.steps).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    };
    while kept.training.step < course.steps {
        let error = kept.training.step(&course, planes, threads(args));
        if !error.is_finite() {
            let problem = Error::new(Kind::Numeric, "learn", "the training ran away");
            return Err(problem
                .at(format!("step {}", kept.training.step))
                .value(error)
                .bound("finite")
                .help("Take a lower `--rate`; the last checkpoint stands."));
        }
        bar.set_position(kept.training.step);
        bar.set_message(format!("{:.2} dB", decibels(f64::from(error))));
        if kept.training.step.is_multiple_of(args.checkpoint) || kept.training.step == course.steps {
            save(&checkpoint(out), &kept.to_bytes()?)?;
            if bar.is_hidden() && !common.quiet {
                eprintln!(
                    "step {} of {}, {:.2} dB",
                    kept.training.step,
                    course.steps,
                    decibels(f64::from(error))
                );
            }
        }
    }
    bar.finish_and_clear();
    Ok(())
}

fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = PartFile::create(path)?;
    file.bytes(bytes)?;
    file.finish()
}

fn decibels(error: f64) -> f64 {
    -10.0 * libm::log10(error.max(1e-12))
}

/// The PSNR by step of x2, x3, x4 and noise, in means over some hundred steps.
fn psnr_by_step(kept: &Kept) -> [Vec<(f64, f64)>; 4] {
    let Some((course, _)) = &kept.course else { return Default::default() };
    let mut all: [Vec<(f64, f64)>; 4] = Default::default();
    for (step, error) in (0..).zip(&kept.training.errors) {
        let at = match Training::job(course, step) {
            Job::Grow(scale) => scale - 2,
            Job::Clean => 3,
        };
        all[at].push((step as f64, f64::from(*error)));
    }
    all.map(|points| {
        let group = (points.len() / 200).clamp(1, 100);
        let mean = |points: &[(f64, f64)]| {
            let error = points.iter().map(|(_, error)| error).sum::<f64>() / points.len() as f64;
            (points[points.len() - 1].0, decibels(error))
        };
        points.chunks(group).map(mean).collect()
    })
}
