//! `napot render`: restores a picture from what is left of it, by a memory, by trained networks, or by both; or from an array's field, by its
//! mind's eye.

mod dream;
mod film;
mod recall;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;

use self::film::{Clip, How};
use super::renderers::RendererArgs;
use super::{Common, pictures, print_json, print_line, taken, written};
use crate::error::{Error, Kind, Result};
use crate::memory::backwards::{Renderer, Task};
use crate::memory::measure::{Likeness, likeness};
use crate::memory::picture::{Picture, Plane};
use crate::memory::quantised::Quantised;
use crate::memory::reader::Reading;
use crate::signal::Frame;
use crate::source::video::jpeg_steps;

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
    /// ends in `.png`, and of all else, the first. Of a session, what an array still held of what it saw (`recall`).
    input: Option<PathBuf>,
    #[command(flatten)]
    who: RendererArgs,
    /// A picture of the input's size, white where pixels were lost; `inpaint` needs it.
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
    /// The whole picture or film: prints PSNR and SSIM on Y.
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
    /// Pictures of a film.
    #[serde(skip_serializing_if = "Option::is_none")]
    frames: Option<u64>,
    /// Pictures of it that were damaged and left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<u64>,
    steps: u32,
    sigma: Option<f32>,
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
            likeness: None,
        }
    }
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &RenderArgs) -> Result<ExitCode> {
    let out = written::out(common, "a picture, x.png, or a new folder for a film")?;
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
    let one = out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"));
    if args.task == What::SuperResolve
        && !one
        && let Some(clip) = Clip::open(input)?
    {
        return film(common, args, clip, out);
    }
    one_picture(out)?;
    let frame = pictures::picture(input)?;
    let seen = Picture::from_rgb(frame.height, frame.width, &frame.rgb, true);
    let (task, observed) = task(args, &frame, seen)?;
    let sigma = match task {
        Task::Denoise { sigma } => Some(sigma * if observed.is_colour() { 3f32.sqrt() } else { 1.0 }),
        Task::RepairJpeg { sigma, .. } => Some(sigma),
        _ => None,
    };
    let scale = if args.task == What::SuperResolve { args.scale() } else { 1 };
    let (height, width) = (observed.height() * scale, observed.width() * scale);
    if height.saturating_mul(width) > MOST_PIXELS {
        let error = Error::input(input, "the result would be too large").value(format!("{width} x {height}"));
        return Err(error.bound(format!("at most {MOST_PIXELS} pixels")));
    }
    let found = rendering(args, |renderer| task.undo(&observed, renderer, args.steps() as usize))?;
    let rgb = to_rgb(&found)?;
    let shave = if scale > 1 { scale } else { 0 };
    let likeness = match &args.truth {
        Some(file) => Some(judged(file, (height, width), &rgb, shave)?),
        None => None,
    };
    pictures::write(out, (height, width), &rgb)?;
    tell(common, &Rendered { sigma, likeness, ..Rendered::of(args, out, (height, width)) })
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
///
/// # Errors
/// Where it holds what is no number: those of a model can be finite and too large to be reckoned with.
fn to_rgb(found: &Picture) -> Result<Vec<u8>> {
    if found.planes.iter().flat_map(|plane| &plane.values).all(|x| x.is_finite()) {
        return Ok(found.to_rgb());
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
    let of_tasks: [(bool, &str, &[What]); 14] = [
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

/// The task, and what it starts from.
fn task(args: &RenderArgs, frame: &Frame, seen: Picture) -> Result<(Task, Picture)> {
    Ok(match args.task {
        What::Denoise => {
            // White noise of σ in R, G and B is one of σ/√3 in luminance and chroma.
            let planes = if seen.is_colour() { 3f32.sqrt() } else { 1.0 };
            let sigma = args.sigma.map_or_else(|| noise(&seen.planes[0]), |sigma| sigma / planes);
            (Task::Denoise { sigma }, seen)
        }
        What::Inpaint => (Task::Inpaint { known: known(args, frame)? }, seen),
        What::Uncrop => {
            let margin = usize::from(args.margin.unwrap_or_default());
            let (height, width) = (frame.height + 2 * margin, frame.width + 2 * margin);
            let inside = |y: usize, x: usize| {
                (margin..margin + frame.height).contains(&y) && (margin..margin + frame.width).contains(&x)
            };
            let at = |y: usize, x: usize| (y - margin) * frame.width + x - margin;
            let known = Plane::of(height, width, |y, x| f32::from(u8::from(inside(y, x))));
            let wide = seen.map(|plane| {
                Plane::of(height, width, |y, x| if inside(y, x) { plane.values[at(y, x)] } else { 0.0 })
            });
            (Task::Inpaint { known }, wide)
        }
        What::SuperResolve => (Task::SuperResolve { scale: args.scale() }, seen),
        What::Colour => (Task::Colour, seen.luminance()),
        What::Dream | What::Recall => return Err(Error::call("TASK", "there is no picture to begin with")),
        What::RepairJpeg => {
            let quantised = Box::new(quantised(args)?);
            let sigma = args.sigma.unwrap_or_else(|| quantised.like_noise(&seen.luma()));
            (Task::RepairJpeg { quantised, sigma }, seen)
        }
    })
}

/// How the input was rounded as a JPEG file: by its own tables, or by the quality that is named.
fn quantised(args: &RenderArgs) -> Result<Quantised> {
    let input = args.input()?;
    match (jpeg_steps(input)?, args.quality) {
        (Some(steps), None) => Ok(Quantised::of(&steps)),
        (None, Some(quality)) => Ok(Quantised::of_quality(quality)),
        (Some(_), Some(quality)) => {
            let error = Error::call("--quality", "the input is a JPEG file, whose own tables count");
            Err(error.at(input.display()).value(quality).help("Leave `--quality` out."))
        }
        (None, None) => {
            let error = Error::call(
                "--quality",
                "the input is not one JPEG file: the quality that it had is not known",
            );
            Err(error.at(input.display()).bound("1 to 100, or a JPEG file as the input"))
        }
    }
}

/// 1 where the mask is dark.
fn known(args: &RenderArgs, frame: &Frame) -> Result<Plane> {
    let path = args.mask.clone().unwrap_or_default();
    let mask = pictures::picture(&path)?;
    if (mask.height, mask.width) != (frame.height, frame.width) {
        let error = Error::input(&path, "the mask is of another size than the picture");
        return Err(error.value(size(&mask)).bound(size(frame)));
    }
    let known = Plane::of(mask.height, mask.width, |y, x| f32::from(u8::from(mask.pixel(x, y)[1] < 128)));
    if known.values.iter().all(|known| *known == 0.0) {
        let error = Error::input(&path, "the mask is white all over: nothing of the picture is known");
        return Err(error.value("0 dark pixels").bound("at least 1"));
    }
    Ok(known)
}

fn size(frame: &Frame) -> String {
    format!("{} x {}", frame.width, frame.height)
}

/// σ of white noise by the median of the finest diagonal detail (Donoho and Johnstone, Biometrika 81:425, 1994).
fn noise(plane: &Plane) -> f32 {
    let (height, width) = (plane.height, plane.width);
    let at = |y: usize, x: usize| plane.values[y * width + x];
    let mut details: Vec<f32> = (0..height / 2)
        .flat_map(|y| (0..width / 2).map(move |x| (2 * y, 2 * x)))
        .map(|(y, x)| 0.5 * (at(y, x) - at(y, x + 1) - at(y + 1, x) + at(y + 1, x + 1)).abs())
        .collect();
    details.sort_by(f32::total_cmp);
    let median = details.get(details.len() / 2).copied().unwrap_or_default();
    (median / 0.6745).max(0.002)
}

/// Holds the result against the truth.
fn judged(file: &Path, (height, width): (usize, usize), rgb: &[u8], shave: usize) -> Result<Likeness> {
    let truth = pictures::picture(file)?;
    if (truth.height, truth.width) != (height, width) {
        let error = Error::input(file, "the truth is of another size than the result");
        return Err(error.value(size(&truth)).bound(format!("{width} x {height}")));
    }
    let shave = if height.min(width) > 2 * shave { shave } else { 0 };
    Ok(likeness((height, width), rgb, &truth.rgb, shave))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn the_noise_is_estimated_from_the_picture() {
        let mut draws = Stream::new(4, 0);
        let plane = Plane::of(64, 64, |y, x| (y + x) as f32 / 200.0 + 0.1 * draws.normal() as f32);
        assert!((noise(&plane) - 0.1).abs() < 0.01, "{}", noise(&plane));
        assert_eq!(noise(&Plane::flat(1, 1, 0.5)), 0.002);
    }
}
