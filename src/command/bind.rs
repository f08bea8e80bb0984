//! `napot bind`: arrays that each see a part of the world become one picture, or as many as there are worlds.

mod cameras;
mod input;
mod learned;
mod output;
mod seen;
mod tiles;
mod told;

use std::cell::Cell;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

pub(super) use self::input::{degrees, told_again};
use self::learned::Learned;
use self::seen::Seen;
use self::told::{Moved, Told, ToldWhole, size, tell};
use super::measured::Looks;
use super::numbers::Grid;
use super::renderers::RendererArgs;
use super::{Common, pictures, print_json, print_line, written};
use crate::binding::align::{Found, Place};
use crate::binding::consensus::{Bound, How, LEAST_WITH_PRIOR, Way, Whole, bind_with};
use crate::binding::part::Part;
use crate::error::{Error, Result};
use crate::memory::reader::Reading;
use crate::sink::plot;
use crate::time::monotonic;

/// Pixels of all arrays' pictures together; each takes some 16 bytes.
const MOST_PIXELS: usize = 1 << 27;
/// Voxels along an edge of the largest volume of which two cameras have one each.
const MOST_EDGE: i64 = 406;

/// Who is coupled with whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Ways {
    /// Those whose phases meet: one whole for each world.
    Phases,
    /// Those that agree, by chains of pairs: no phases.
    Agreement,
    /// All alike.
    Plain,
    /// All, each by how well their mean explains it.
    Robust,
    /// Two groups, by the leading eigenvector of the agreement.
    Spectral,
}

/// What of the arrays' places is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Aligned {
    /// Detectors beside their place.
    Shift,
    /// Views that are turned.
    Rotation,
    /// Both.
    Both,
}

/// What the command takes.
#[derive(Args, Debug)]
pub(super) struct BindArgs {
    /// What the arrays see. A sinogram: a NumPy file of float32 or float64, or a TIFF, a row for each view, a column for each detector
    /// element. A tilt series: the same with a page for each view, each page's rows the slices of a volume. Or pictures of parts
    /// of the whole: a text file with a line `FILE ROW COLUMN [EVERY [BLUR]]` for each, an array's own: where in the whole its first
    /// pixel's middle lies, how many of the whole's pixels lie from one of its pixels to the next (1), and the σ of its blur in those
    /// (0). Or cameras about a volume: a `transforms.json` as radiance fields have, whose pictures are sums along their rays, as X-rays' are. What is
    /// not finite counts as not seen.
    #[arg(value_name = "SEEN")]
    seen: PathBuf,
    /// Degrees: of the first view and of the one after the last, evenly; or a file with one for each view, NumPy or text.
    #[arg(long, value_name = "FROM:TO|FILE", allow_hyphen_values = true)]
    angles: Option<String>,
    /// Arrays among which the views are split, a wedge of neighbouring angles each, with `--align` every so many-th: 2 to 256; 8 where
    /// nothing is said.
    #[arg(long, value_name = "K", conflicts_with = "assign")]
    arrays: Option<u32>,
    /// A text file with the array of each view, from 0.
    #[arg(long, value_name = "FILE")]
    assign: Option<PathBuf>,
    /// Of cameras: voxels along each edge of the volume, 1 to 406, fewer of more than two cameras; 64 where nothing is said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST_EDGE))]
    side: Option<u32>,
    /// Of cameras: the length of the volume's edges about the origin, in the world's units; 2 where nothing is said.
    #[arg(long, value_name = "LENGTH", value_parser = extent, allow_negative_numbers = true)]
    extent: Option<f64>,
    /// The world as it is, a picture or NumPy file: prints PSNR; again for each further world.
    #[arg(long, value_name = "FILE")]
    truth: Vec<PathBuf>,
    /// Steps, 1 to 10000, 100 where nothing is said; with `--with`, `--memory`, `--model` or `--turned` at least 81, 400 where nothing is
    /// said. Where arrays change their whole after some of them, the pictures start again, twice at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    iterations: Option<u32>,
    /// The noise's σ of the sinogram's numbers, on whose scale arrays disagree; the arrays' own agreement where it is not given.
    #[arg(long, value_name = "SIGMA", value_parser = sigma, allow_negative_numbers = true)]
    sigma: Option<f64>,
    /// The brightest that a pixel may be; the darkest is 0. Where nothing is said 1 of pictures of parts none of which is brighter,
    /// else no bound.
    #[arg(long, value_name = "VALUE", value_parser = most, allow_negative_numbers = true)]
    most: Option<f32>,
    /// How far an array goes to its whole at each step, 0 to 1.
    #[arg(long, value_name = "KAPPA", default_value_t = 0.5, value_parser = coupling, allow_negative_numbers = true)]
    coupling: f32,
    /// Who is coupled with whom.
    #[arg(long, value_name = "WAY", value_enum, default_value_t = Ways::Phases)]
    way: Ways,
    /// Wholes are held to how pictures look, by whom these name: for views that are too few to tell.
    #[command(flatten)]
    prior: RendererArgs,
    /// Make each whole of two or more arrays of a sinogram or tilt series anew by this model of `napot learn views`, which learned pictures of
    /// its kind under its angles: for views that are too few to tell. What else is said of steps, coupling and noise decides who is one whole
    /// alone; all data of a whole count alike.
    #[arg(long, value_name = "FILE")]
    learned: Option<PathBuf>,
    /// Find where each array really is, and bind with that: by how many elements its detector lies beside its place, where nothing
    /// more is said, or by how many degrees its views are turned, at most 15 either way. The middle array of all counts as right. Each is
    /// told with its standard error; where that can't be told, the array stays at its nominal place.
    /// Neighbouring views, within 12 degrees, should be different arrays', as they are without `--assign`; half a turn apart are none.
    /// Of wedges nobody tells where detectors lie: a body that lies elsewhere looks alike.
    #[arg(long, value_name = "WHAT", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "shift")]
    align: Option<Aligned>,
    /// Draws how much is left of the data, step by step.
    #[arg(long, value_name = "FILE.png")]
    curve: Option<PathBuf>,
    /// Threads, 1 to 256; the result is the same for any number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    threads: Option<u32>,
}

/// A number on the command line, where `fits` says so.
fn number<T: std::str::FromStr>(
    text: &str,
    fits: impl Fn(&T) -> bool,
    bound: &str,
) -> std::result::Result<T, String> {
    text.parse().ok().filter(fits).ok_or_else(|| format!("allowed: {bound}"))
}

fn sigma(text: &str) -> std::result::Result<f64, String> {
    number(text, |sigma: &f64| sigma.is_finite() && *sigma >= 0.0, "0 or more")
}

fn extent(text: &str) -> std::result::Result<f64, String> {
    number(text, |extent: &f64| extent.is_finite() && *extent > 0.0, "above 0")
}

fn most(text: &str) -> std::result::Result<f32, String> {
    number(text, |most: &f32| most.is_finite() && *most > 0.0, "above 0")
}

fn coupling(text: &str) -> std::result::Result<f32, String> {
    number(text, |coupling: &f32| (0.0..=1.0).contains(coupling), "0 to 1")
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &BindArgs) -> Result<ExitCode> {
    let out = common.out.as_ref().map(|_| output::out(common)).transpose()?;
    let curve = output::curve(args)?;
    let seen = Seen::read(args)?;
    if !matches!(seen, Seen::Views(_)) && seen.unseen() > 0 {
        let (file, unseen) = (args.seen.display(), seen.unseen());
        tracing::warn!("{file}: {unseen} numbers are not finite: they count as not seen");
    }
    output::spare(out, curve, args, &seen.files())?;
    let shape = seen.shape();
    if let Some(out) = out.filter(|out| shape[0] > 1 && written::ends(out, &["png"])) {
        let error = Error::call("--out", "a volume is no picture").value(out.display());
        return Err(error.bound("x.npy or x.tif"));
    }
    let truths: Vec<Grid> = args.truth.iter().map(|file| truth(file, shape)).collect::<Result<_>>()?;
    fits(args, &seen)?;
    let how = how(common, args, &seen)?;
    let learned = Learned::read(args, seen.views())?;
    let started = monotonic();
    // Who sees nothing is told before anything is held against it.
    let (kept, mut parts) = sighted(args, &seen)?;
    let places = seen.places(args, &how, &kept)?;
    if let Some(places) = &places {
        let part = |(array, found): (&usize, &Found)| {
            seen.part(*array, found.place)?.ok_or_else(|| seen.blind(&args.seen, *array))
        };
        parts = kept.iter().zip(places).map(part).collect::<Result<_>>()?;
    }
    let mut bound = bound(common, args, (&parts, shape), &how)?;
    if let Some((learned, views)) = learned.as_ref().zip(seen.views()) {
        learned.finish(&mut bound, (&parts, shape[0], &how), (views, &kept, places.as_deref()))?;
    }
    for array in bound.wholes.iter_mut().flat_map(|whole| &mut whole.arrays) {
        *array = kept[*array];
    }
    let seconds = monotonic().saturating_sub(started).as_secs_f64();
    said(args, &seen, &parts, &bound)?;
    if let Some(curve) = curve {
        plot::convergence(curve, &bound.left)?;
    }
    let mut wholes = Vec::new();
    for (number, whole) in bound.wholes.iter().enumerate() {
        let file = out.filter(|_| whole.arrays.len() > 1).map(|out| output::named(out, number));
        if let Some(file) = &file {
            output::write(file, shape, &whole.picture, how.most)?;
        }
        let likenesses: Vec<Option<f64>> = truths.iter().map(|truth| truth.psnr(&whole.picture)).collect();
        // A picture that is its truth has none.
        let psnr = likenesses.into_iter().reduce(|one, other| Some(one?.max(other?))).flatten();
        wholes.push(ToldWhole { file, arrays: whole.arrays.clone(), confidence: whole.confidence, psnr });
    }
    if let Some(out) = out {
        output::older(out, wholes.iter().filter(|whole| whole.file.is_some()).count());
    }
    let lone = |array: usize| bound.wholes.iter().any(|whole| whole.arrays == [array]);
    let of = |what: &[Aligned]| -> Option<Vec<Option<&Found>>> {
        let places = places.as_ref().filter(|_| args.align.is_some_and(|align| what.contains(&align)))?;
        let mut all = vec![None; seen.arrays()];
        for (array, found) in kept.iter().zip(places).filter(|(array, _)| !lone(**array)) {
            all[*array] = Some(found);
        }
        Some(all)
    };
    let shifts = Moved::of(of(&[Aligned::Shift, Aligned::Both]), 0, |place| place.shift);
    let rotations = Moved::of(of(&[Aligned::Rotation, Aligned::Both]), 1, |place| place.turn);
    let (iterations, order_parameter, unseen) = (bound.iterations, bound.order_parameter, seen.unseen());
    tell(
        common,
        &Told {
            wholes,
            iterations,
            seconds,
            order_parameter,
            unseen,
            shifts: shifts.numbers,
            shift_errors: shifts.errors,
            rotations: rotations.numbers,
            rotation_errors: rotations.errors,
            undetermined: places.map(|_| [shifts.undetermined, rotations.undetermined].concat()),
        },
    )
}

/// Refuses what would take more memory than there may be.
fn fits(args: &BindArgs, seen: &Seen) -> Result<()> {
    let (arrays, shape) = (seen.arrays(), seen.shape());
    if arrays * shape.iter().product::<usize>() <= MOST_PIXELS {
        return Ok(());
    }
    let error = Error::input(&args.seen, "so many arrays of so large wholes are too much");
    let error = error.value(format!("{arrays} of {}", size(shape)));
    let error = error.bound(format!("{MOST_PIXELS} pixels in all"));
    if !matches!(seen, Seen::Cameras(_)) {
        return Err(error);
    }
    let most = (1..shape[0]).rev().find(|side| arrays * side.pow(3) <= MOST_PIXELS).unwrap_or(1);
    Err(error.help(format!("`--side {most}` is the largest that fits.")))
}

/// The arrays that see anything, as their numbers and what they see; says which do not, and why. Fails where fewer than two do.
fn sighted(args: &BindArgs, seen: &Seen) -> Result<(Vec<usize>, Vec<Part>)> {
    let (mut kept, mut parts, mut blind) = (Vec::new(), Vec::new(), Vec::new());
    for array in 0..seen.arrays() {
        if let Some(part) = seen.part(array, Place::default())? {
            kept.push(array);
            parts.push(part);
        } else {
            blind.push(seen.blind(&args.seen, array));
        }
    }
    if let Some(error) = blind.first().filter(|_| kept.len() < 2) {
        return Err(error.clone());
    }
    for error in blind {
        tracing::warn!("an array is left out: {error}");
    }
    Ok((kept, parts))
}

/// How the call says to bind.
fn how(common: &Common, args: &BindArgs, seen: &Seen) -> Result<How> {
    let iterations = args.iterations.unwrap_or(if args.prior.given() { 400 } else { 100 }) as usize;
    if args.prior.given() && iterations < LEAST_WITH_PRIOR {
        let error =
            Error::call("--iterations", "too few: nobody is asked how pictures look").value(iterations);
        return Err(error.bound(format!("{LEAST_WITH_PRIOR} or more with a renderer")));
    }
    let way = match args.way {
        Ways::Phases => Way::Phases,
        Ways::Agreement => Way::Agreement,
        Ways::Plain => Way::Plain,
        Ways::Robust => Way::Robust,
        Ways::Spectral => Way::Spectral,
    };
    // Numbers of a NumPy file or a TIFF may be of any range.
    let white = match seen {
        Seen::Tiles(tiles) if tiles.brightest() <= 1.0 => 1.0,
        _ => f32::INFINITY,
    };
    Ok(How {
        way,
        iterations,
        coupling: args.coupling,
        most: args.most.unwrap_or(white),
        sigma: args.sigma,
        seed: common.seed.unwrap_or_default(),
        threads: args.threads.map_or_else(pictures::threads, |threads| threads as usize),
    })
}

/// Binds, with progress on a terminal.
fn bound(
    common: &Common,
    args: &BindArgs,
    (parts, shape): (&[Part], [usize; 3]),
    how: &How,
) -> Result<Bound> {
    let bar = if std::io::stderr().is_terminal() && !common.quiet && !common.json {
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}, {eta} left, {msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::new(how.iterations as u64).with_style(style).with_message("who agrees with whom")
    } else {
        ProgressBar::hidden()
    };
    bar.tick();
    let first = Cell::new(0.0);
    let watch = |step: usize, left: f64| {
        if step == 1 {
            first.set(left);
        }
        bar.set_position(step as u64);
        bar.set_message(format!(
            "{:.2} % of the data left",
            100.0 * left / first.get().max(f64::MIN_POSITIVE)
        ));
    };
    let bound = if args.prior.given() {
        let reading = Reading { threads: how.threads, ..Reading::default() };
        args.prior.rendering(reading, |renderer| {
            bind_with(parts, how, Some(&Looks { renderer, slices: shape[0] }), &watch)
        })
    } else {
        bind_with(parts, how, None, &watch)
    };
    bar.finish_and_clear();
    bound
}

/// Says who contradicts; fails where nobody agrees.
fn said(args: &BindArgs, seen: &Seen, parts: &[Part], bound: &Bound) -> Result<()> {
    let lone: Vec<&Whole> = bound.wholes.iter().filter(|whole| whole.arrays.len() == 1).collect();
    if lone.len() == bound.wholes.len() {
        if bound.agreement.matrix.iter().all(|agrees| *agrees == 0.0) {
            let problem = "no two of its arrays see enough of the same to be held against each other";
            let error = Error::input(&args.seen, problem).value(format!("{} arrays", parts.len()));
            return Err(error.help("Look at the places: neighbours should share a twentieth or more."));
        }
        let limit = bound.agreement.limit(rms(parts));
        if bound.agreement.least <= limit {
            let error = Error::input(&args.seen, "its views contradict: no picture explains a whole");
            return Err(error.help("Name more `--iterations`, or the noise by `--sigma`."));
        }
        let error = Error::input(&args.seen, "its views contradict: no picture explains two arrays");
        let error =
            error.value(format!("{:.3} of the data is left of the nearest two", bound.agreement.least));
        let error = error.bound(format!("{limit:.3}"));
        let places = match seen {
            Seen::Views(_) => "the angles and their order",
            Seen::Tiles(_) => "the places, and whether all pictures are of one range",
            Seen::Cameras(_) => "the poses",
        };
        return Err(error.help(format!("Look at {places}, or name the noise by `--sigma`.")));
    }
    for whole in lone {
        let array = whole.arrays[0];
        tracing::warn!("array {array} ({}) agrees with no whole and stays alone", seen.name(array));
    }
    Ok(())
}

/// The root of the mean square of all data that are seen.
fn rms(parts: &[Part]) -> f64 {
    let square: f64 = parts.iter().map(|part| part.rms() * part.rms() * part.seen() as f64).sum();
    (square / parts.iter().map(Part::seen).sum::<usize>().max(1) as f64).sqrt()
}

/// Reads what the whole should be.
fn truth(file: &Path, shape: [usize; 3]) -> Result<Grid> {
    let truth = Grid::of_any(file)?;
    if truth.shape != shape {
        let error = Error::input(file, "the truth is of another size than the whole");
        return Err(error.value(size(truth.shape)).bound(size(shape)));
    }
    if let Some(at) = truth.values.iter().position(|number| !number.is_finite()) {
        let place = format!("row {}, column {}", at / shape[2], at % shape[2]);
        let error = Error::input(file, "a number of the truth is none").at(place);
        return Err(error.value(truth.values[at]).bound("finite"));
    }
    if truth.values.iter().all(|number| *number <= 0.0) {
        return Err(Error::input(file, "the truth is dark all over").value(0).bound("a pixel above 0"));
    }
    Ok(truth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_side_is_that_of_two_cameras() {
        let pixels = |side: i64| 2 * usize::try_from(side.pow(3)).unwrap();
        assert!(pixels(MOST_EDGE) <= MOST_PIXELS && pixels(MOST_EDGE + 1) > MOST_PIXELS);
    }
}
