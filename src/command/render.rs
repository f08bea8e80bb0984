//! `napot render`: restores a picture from what is left of it, by a memory, by trained networks, or by both; or from an array's field, by its
//! mind's eye.

mod dream;
mod film;
mod recall;
mod still;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;

use self::film::{Clip, How};
use super::numbers::{self, Range, RangeArgs};
use super::renderers::RendererArgs;
use super::{Common, pictures, print_json, print_line, taken, written};
use crate::error::{Error, Kind, Result};
use crate::memory::backwards::Renderer;
use crate::memory::measure::Likeness;
use crate::memory::picture::Picture;
use crate::memory::reader::Reading;

/// Steps of a dream where nobody says.
const DREAM_STEPS: u32 = 50;
/// The most pixels of a result; each is read many times, so that more would take hours.
const MOST_PIXELS: usize = 4_096 * 4_096;

/// What was done to the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
enum What {
    /// White noise came over it (`--sigma`).
    Denoise,
    /// A part was lost: where `--mask` is white.
    Inpaint,
    /// Its edges were lost (`--margin`).
    Uncrop,
    /// It was shrunk (`--scale`).
    SuperResolve,
    /// Its colour was lost.
    Colour,
    /// It was kept as a JPEG file; what is no JPEG file now needs `--quality`.
    RepairJpeg,
    /// Nothing was ever seen: the way back from the tonic field alone (`--size`, without INPUT).
    Dream,
    /// It was seen while a session was recorded, INPUT, and is what the array still held of it: at a moment (`--at`), or all along.
    Recall,
}

/// What the command takes.
#[derive(Args, Debug)]
pub(super) struct RenderArgs {
    /// What was done to the picture.
    task: What,
    /// What is left of it; a dream has none. The result goes to the PNG file that `--out` names. Of a film, or a folder of pictures, that was
    /// shrunk all pictures are rendered, by the memory of the last ones, into the new folder that `--out` names; where that
    /// ends in `.png`, and of all else, the first. A photograph that says how it was held (Exif, of JPEG and PNG) is stood upright; colours are
    /// taken for sRGB, transparent pixels for black. A grey picture may be numbers, a NumPy file, a TIFF, or PNG and PGM of more than eight
    /// bits, and so may the result, with all pages of a stack (`--out x.npy` or `x.tif`: of 32 bits, in the input's units; a TIFF's notes, as of the size of a pixel, are not carried over). Of a session, what an array still held of what it saw (`recall`).
    input: Option<PathBuf>,
    #[command(flatten)]
    who: RendererArgs,
    /// A picture of the input's size, white where pixels were lost, or an array or TIFF, not 0 there; `inpaint` needs it.
    #[arg(long, value_name = "FILE", required_if_eq("task", "inpaint"))]
    mask: Option<PathBuf>,
    /// Pixels that were lost at every edge, 1 to 1024; `uncrop` needs it.
    #[arg(long, value_name = "PIXELS", required_if_eq("task", "uncrop"), value_parser = clap::value_parser!(u16).range(1..=1_024))]
    margin: Option<u16>,
    /// How much smaller the input is than the whole, 2 to 4; 2 where nothing is said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=4))]
    scale: Option<u8>,
    /// The noise's σ in red, green and blue, of a JPEG file in luma, of a range of 1: 0.001 to 2; estimated from the finest detail, or from a
    /// JPEG file's steps, where it is not given.
    #[arg(long, value_name = "SIGMA", value_parser = sigma, allow_negative_numbers = true)]
    sigma: Option<f32>,
    #[command(flatten)]
    numbers: RangeArgs,
    /// The quality of the JPEG file that INPUT once was, 1 (worst) to 100, by the Independent JPEG Group's scale; a JPEG file tells by itself.
    #[arg(long, value_name = "Q", value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: Option<u8>,
    /// Pixels along a side of a dream, 16 to 2048; `dream` needs it.
    #[arg(long, value_name = "PIXELS", required_if_eq("task", "dream"), conflicts_with = "input", value_parser = clap::value_parser!(u16).range(16..=2_048))]
    size: Option<u16>,
    /// The moment of a session that is recalled, in seconds of its time: what was seen then, and what the array held of it, side by side.
    /// Without it every moment goes, likewise, into the new folder that `--out` names.
    #[arg(long, value_name = "SECONDS", value_parser = super::from_zero, allow_negative_numbers = true)]
    at: Option<f64>,
    /// Steps of the way back, 1 to 1000: 1 where nothing is said, of a dream 50.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    steps: Option<u32>,
    /// Read a patch at every N-th row and column, 1 to 7: N² times as fast, not exact.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=7))]
    stride: u8,
    /// Read a patch at every third place, and a noisy one by those rows of the memory alone that may be near: some four
    /// times as fast, at a loss of less than a tenth of a dB.
    #[arg(long, conflicts_with = "stride")]
    approximate: bool,
    /// Read a noisy picture twice, the second time by its own patches too: better where it repeats itself, and some three times
    /// as long.
    #[arg(long)]
    own: bool,
    /// The whole picture or film: prints PSNR and SSIM on Y. Numbers are in the same units as those of INPUT.
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
}

/// A noise level on the command line.
fn sigma(text: &str) -> std::result::Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if (0.001..=2.0).contains(&value) => Ok(value),
        _ => Err("allowed: 0.001 to 2".to_owned()),
    }
}

/// What was rendered.
#[derive(Serialize)]
struct Rendered {
    task: What,
    /// None of a dream.
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    out: String,
    width: usize,
    height: usize,
    /// Pictures of a film, or pages of a stack.
    #[serde(skip_serializing_if = "Option::is_none")]
    frames: Option<u64>,
    /// Pictures of it that were damaged and left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<u64>,
    steps: u32,
    /// The noise that was taken away, of a range of 1; of several pages the mean.
    sigma: Option<f32>,
    /// Whether nobody named it.
    #[serde(skip)]
    estimated: bool,
    /// What that range is of the numbers of the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<Range>,
    likeness: Option<Likeness>,
}

impl Rendered {
    /// A picture of `size` (rows, columns) that nothing more is told of.
    fn of(args: &RenderArgs, out: &Path, (height, width): (usize, usize)) -> Self {
        Self {
            task: args.task,
            input: args.input.as_ref().map(|input| input.display().to_string()),
            out: out.display().to_string(),
            width,
            height,
            frames: None,
            damaged: None,
            steps: args.steps(),
            sigma: None,
            estimated: false,
            range: None,
            likeness: None,
        }
    }
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &RenderArgs) -> Result<ExitCode> {
    let out =
        written::out(common, "a picture, x.png, its numbers, x.npy or x.tif, or a new folder for a film")?;
    fitting(args)?;
    written::spare(
        "--out",
        out,
        args.input.iter().chain(&args.truth).chain(&args.mask).chain(args.who.files()),
    )?;
    match args.task {
        What::Dream => return dreamt(common, args, out),
        What::Recall => return recall::run(common, args, out),
        _ => {}
    }
    let input = args.input()?;
    args.numbers.check(args.input.iter().chain(&args.truth))?;
    let one = written::ends(out, &["png"]) || numbers::named(out);
    if args.task == What::SuperResolve
        && !one
        && !numbers::holds(input)
        && let Some(clip) = Clip::open(input)?
    {
        args.numbers.check([])?;
        return film(common, args, clip, out);
    }
    still::run(common, args, out)
}

impl RenderArgs {
    /// The options of all commands that have an effect.
    pub(super) fn takes(&self) -> &'static [&'static str] {
        match self.task {
            What::Dream => &["--config", "--set", "--seed", "--out"],
            What::Recall => taken::ALL,
            _ => &["--out"],
        }
    }

    fn input(&self) -> Result<&Path> {
        self.input.as_deref().ok_or_else(|| {
            let bound = if self.task == What::Recall { "a session" } else { "a picture, a film or a folder" };
            Error::call("INPUT", "there is nothing to render from").bound(bound)
        })
    }

    fn scale(&self) -> usize {
        self.scale.unwrap_or(2).into()
    }

    fn steps(&self) -> u32 {
        self.steps.unwrap_or(if self.task == What::Dream { DREAM_STEPS } else { 1 })
    }
}

/// Refuses what is no place for one picture.
fn one_picture(out: &Path) -> Result<()> {
    written::of_kind("--out", out, &["png"], "a picture, x.png")?;
    written::in_a_folder("--out", out)
}

/// The mean of what there is.
fn mean(all: &[f64]) -> Option<f64> {
    (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
}

/// A result as sRGB bytes.
fn to_rgb(found: &Picture) -> Result<Vec<u8>> {
    found.planes.iter().try_for_each(|plane| finite(&plane.values))?;
    Ok(found.to_rgb())
}

/// Refuses what is no number: those of a model can be finite and too large to be reckoned with.
fn finite(values: &[f32]) -> Result<()> {
    if values.iter().all(|x| x.is_finite()) {
        return Ok(());
    }
    let error = Error::new(Kind::Numeric, "render", "what was rendered is no number");
    Err(error.help("Is the model trained? Take a lower `--rate`."))
}

/// Dreams.
fn dreamt(common: &Common, args: &RenderArgs, out: &Path) -> Result<ExitCode> {
    one_picture(out)?;
    let config = common.load()?;
    let (side, steps) = (usize::from(args.size.unwrap_or_default()), args.steps());
    let how = (config.seed, pictures::threads());
    let found =
        rendering(args, |renderer| dream::dreamt(side, &config.array, how, renderer, steps as usize))?;
    pictures::write(out, (side, side), &to_rgb(&found)?)?;
    tell(common, &Rendered::of(args, out, (side, side)))
}

/// Refuses what would have no effect.
fn fitting(args: &RenderArgs) -> Result<()> {
    use What::{Colour, Denoise, Dream, Inpaint, Recall, RepairJpeg, SuperResolve, Uncrop};
    const RESTORES: &[What] = &[Denoise, Inpaint, Uncrop, SuperResolve, Colour, RepairJpeg];
    const RENDERS: &[What] = &[Denoise, Inpaint, Uncrop, SuperResolve, Colour, RepairJpeg, Dream];
    // Colour comes from a memory alone, in one step whatever is asked.
    const NETWORKS: &[What] = &[Denoise, Inpaint, Uncrop, SuperResolve, RepairJpeg, Dream];
    // Where the evidence is a noisy picture.
    const CLEANS: &[What] = &[Denoise, RepairJpeg, Dream];
    let (who, networks) = (args.who.named(), args.who.of_networks());
    let of_tasks: [(bool, &str, &[What]); 15] = [
        (args.at.is_some(), "--at", &[Recall]),
        (args.scale.is_some(), "--scale", &[SuperResolve]),
        (args.steps.is_some(), "--steps", NETWORKS),
        (args.truth.is_some(), "--truth", RESTORES),
        (who.is_some(), who.unwrap_or_default(), RENDERS),
        (networks.is_some(), networks.unwrap_or_default(), NETWORKS),
        (args.stride > 1, "--stride", RENDERS),
        (args.approximate, "--approximate", RENDERS),
        (args.own, "--own", CLEANS),
        (args.size.is_some(), "--size", &[Dream]),
        (args.mask.is_some(), "--mask", &[Inpaint]),
        (args.margin.is_some(), "--margin", &[Uncrop]),
        (args.quality.is_some(), "--quality", &[RepairJpeg]),
        (args.sigma.is_some(), "--sigma", &[Denoise, RepairJpeg]),
        (args.numbers.range.is_some(), "--range", RESTORES),
    ];
    let of_memories =
        [(args.approximate, "--approximate"), (args.own, "--own"), (args.stride > 1, "--stride")];
    let name =
        |what: &What| what.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
    if let Some((_, flag, tasks)) =
        of_tasks.iter().find(|(given, _, tasks)| *given && !tasks.contains(&args.task))
    {
        let tasks: Vec<String> = tasks.iter().map(name).collect();
        let error = Error::call(*flag, "it has no effect on this task").value(name(&args.task));
        return Err(error.bound(tasks.join(", ")));
    }
    if args.who.memory.is_some() && !args.who.remembers() {
        let error = Error::call("--memory", "it has no effect where trained networks render");
        return Err(error.value("--with trained").bound("`--with memory` or `both`"));
    }
    if let Some((_, flag)) = of_memories.iter().find(|(given, _)| *given && !args.who.remembers()) {
        return Err(Error::call(*flag, "it says how a memory is read, and none is named")
            .bound("with `--memory FILE`"));
    }
    Ok(())
}

/// Makes a film larger.
fn film(common: &Common, args: &RenderArgs, mut clip: Clip, out: &Path) -> Result<ExitCode> {
    let (scale, steps) = (args.scale(), args.steps() as usize);
    let how = How { scale, steps, most: MOST_PIXELS, truth: args.truth.as_deref() };
    let made = rendering(args, |renderer| film::enlarge(&mut clip, &how, renderer, out))?;
    if made.damaged > 0 {
        let input = args.input()?.display();
        tracing::warn!("{input}: {} pictures are damaged and left out", made.damaged);
    }
    let (frames, damaged, likeness) = (Some(made.frames), Some(made.damaged), made.likeness);
    tell(common, &Rendered { frames, damaged, likeness, ..Rendered::of(args, out, made.size) })
}

/// Says what was rendered.
fn tell(common: &Common, told: &Rendered) -> Result<ExitCode> {
    if common.json {
        print_json(told)?;
    } else if !common.quiet {
        let Rendered { width, height, out, .. } = told;
        let what = told.frames.map_or_else(String::new, |frames| format!("{frames} pictures of "));
        print_line(&format!("{what}{width} x {height} in {out}"))?;
        if let Some(sigma) = told.sigma.filter(|_| told.estimated) {
            print_line(&format!("sigma {sigma:.4}, estimated"))?;
        }
        if let Some(Likeness { psnr_db, ssim }) = told.likeness {
            let text =
                |value: Option<f64>, digits: usize| value.map_or("-".into(), |x| format!("{x:.digits$}"));
            print_line(&format!("PSNR {} dB, SSIM {} on Y", text(psnr_db, 2), text(ssim, 4)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Has whoever renders do `work`.
fn rendering<T>(args: &RenderArgs, work: impl FnOnce(&dyn Renderer) -> Result<T>) -> Result<T> {
    let threads = pictures::threads();
    let reading =
        Reading { stride: args.stride.into(), approximate: args.approximate, own: args.own, threads };
    args.who.rendering(reading, |renderer| work(renderer))
}
