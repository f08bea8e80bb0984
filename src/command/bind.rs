//! `napot bind`: arrays that each see some views of a sinogram become one picture, or as many as there are worlds.

mod input;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;

use self::input::{Grid, Views};
use super::renderers::RendererArgs;
use super::{Common, memory, pictures, print_json, print_line};
use crate::binding::align;
use crate::binding::consensus::{
    Bound, How, LEAST_WITH_PRIOR, MOST_ARRAYS, Prior, Way, Whole, bind, bind_with,
};
use crate::binding::part::Part;
use crate::error::{Error, Result};
use crate::format::npy;
use crate::memory::backwards::{Evidence, Renderer};
use crate::memory::picture::{Picture, Plane};
use crate::memory::reader::Reading;
use crate::sink::part::PartFile;
use crate::time::monotonic;

/// Pixels of all arrays' pictures together; each takes some 16 bytes.
const MOST_PIXELS: usize = 1 << 27;

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

/// What the command takes.
#[derive(Args, Debug)]
pub(super) struct BindArgs {
    /// The sinogram: a NumPy file of float32 or float64, a row for each view, a column for each detector element.
    /// What is not finite counts as not seen.
    sinogram: PathBuf,
    /// Degrees: of the first view and of the one after the last, evenly; or a file with one for each view, NumPy or text.
    #[arg(long, value_name = "FROM:TO|FILE", allow_hyphen_values = true)]
    angles: String,
    /// Arrays among which the views are split, a wedge of neighbouring angles each: 2 to 256.
    #[arg(long, value_name = "K", default_value_t = 8, conflicts_with = "assign")]
    arrays: usize,
    /// A text file with the array of each view, from 0.
    #[arg(long, value_name = "FILE")]
    assign: Option<PathBuf>,
    /// The world as it is, a picture or NumPy file: prints PSNR; again for each further world.
    #[arg(long, value_name = "FILE")]
    truth: Vec<PathBuf>,
    /// Steps. Where arrays change their whole after some of them, the pictures start again, twice at most.
    /// 100 where nothing is said; with a renderer 400, and 81 or more.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    iterations: Option<u32>,
    /// The noise's σ of the sinogram's numbers, on whose scale arrays disagree; the arrays' own agreement where it is not given.
    #[arg(long, value_name = "SIGMA", value_parser = sigma, allow_negative_numbers = true)]
    sigma: Option<f64>,
    /// The brightest that a pixel may be; the darkest is 0.
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
    /// Find by how many elements each array's detector lies beside its place, and bind with that. Neighbouring views, within 12
    /// degrees, should be different arrays' (`--assign`); half a turn apart are none.
    #[arg(long)]
    align: bool,
    /// Threads; the result is the same for any number.
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

fn most(text: &str) -> std::result::Result<f32, String> {
    number(text, |most: &f32| most.is_finite() && *most > 0.0, "above 0")
}

fn coupling(text: &str) -> std::result::Result<f32, String> {
    number(text, |coupling: &f32| (0.0..=1.0).contains(coupling), "0 to 1")
}

/// A whole as it is told.
#[derive(Debug, Serialize)]
struct ToldWhole {
    /// Its picture; none of an array alone, or without `--out`.
    file: Option<PathBuf>,
    arrays: Vec<usize>,
    confidence: f64,
    psnr: Option<f64>,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Told {
    wholes: Vec<ToldWhole>,
    iterations: usize,
    seconds: f64,
    order_parameter: f64,
    /// Numbers of the sinogram that are not finite.
    unseen: usize,
    /// With `--align`: elements by which each array's detector lies beside the middle one's; `null` of one that is in no whole.
    shifts: Option<Vec<Option<f64>>>,
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &BindArgs) -> Result<ExitCode> {
    let out = common.out.as_ref().map(|_| out(common)).transpose()?;
    if let Some(out) = out {
        spare(out, args)?;
    }
    let views = Views::read(args)?;
    let side = views.detectors;
    let truths: Vec<Grid> = args.truth.iter().map(|file| truth(file, side)).collect::<Result<_>>()?;
    if views.arrays.len() * side * side > MOST_PIXELS {
        let error = Error::input(&args.sinogram, "so many arrays of so large pictures are too much");
        let value = format!("{} of {side} x {side}", views.arrays.len());
        return Err(error.value(value).bound(format!("{MOST_PIXELS} pixels in all")));
    }
    let iterations = args.iterations.unwrap_or(if args.prior.given() { 400 } else { 100 }) as usize;
    if args.prior.given() && iterations < LEAST_WITH_PRIOR {
        let error =
            Error::call("--iterations", "too few: nobody is asked how pictures look").value(iterations);
        return Err(error.bound(format!("{LEAST_WITH_PRIOR} or more with a renderer")));
    }
    let started = monotonic();
    let way = match args.way {
        Ways::Phases => Way::Phases,
        Ways::Agreement => Way::Agreement,
        Ways::Plain => Way::Plain,
        Ways::Robust => Way::Robust,
        Ways::Spectral => Way::Spectral,
    };
    let how = How {
        way,
        iterations,
        coupling: args.coupling,
        most: args.most.unwrap_or(f32::INFINITY),
        sigma: args.sigma,
        seed: common.seed.unwrap_or_default(),
        threads: args.threads.map_or_else(pictures::threads, |threads| threads as usize),
    };
    let seen: Vec<align::Seen> = views.arrays.iter().map(|own| views.of(own)).collect();
    let part = |array: usize, shift: f64| part(args, &views, &seen[array], (array, shift));
    // Who sees nothing is told before anything is held against it.
    let parts: Vec<Part> = (0..seen.len()).map(|array| part(array, 0.0)).collect::<Result<_>>()?;
    let shifts = args.align.then(|| align::shifts(&seen, side, &how)).transpose()?;
    let parts = match &shifts {
        Some(shifts) => {
            shifts.iter().enumerate().map(|(array, shift)| part(array, *shift)).collect::<Result<_>>()?
        }
        None => parts,
    };
    let bound = if args.prior.given() {
        let reading = Reading { threads: how.threads, ..Reading::default() };
        args.prior.rendering(reading, |renderer| bind_with(&parts, &how, Some(&Looks(renderer))))?
    } else {
        bind(&parts, &how)?
    };
    let seconds = monotonic().saturating_sub(started).as_secs_f64();
    said(args, &views, &bound)?;
    let mut wholes = Vec::new();
    for (number, whole) in bound.wholes.iter().enumerate() {
        let file = out.filter(|_| whole.arrays.len() > 1).map(|out| named(out, number));
        if let Some(file) = &file {
            write(file, side, &whole.picture, args.most)?;
        }
        let likenesses: Vec<Option<f64>> = truths.iter().map(|truth| truth.psnr(&whole.picture)).collect();
        // A picture that is its truth has none.
        let psnr = likenesses.into_iter().reduce(|one, other| Some(one?.max(other?))).flatten();
        wholes.push(ToldWhole { file, arrays: whole.arrays.clone(), confidence: whole.confidence, psnr });
    }
    let lone = |array: usize| bound.wholes.iter().any(|whole| whole.arrays == [array]);
    let shift = |(array, shift): (usize, f64)| (!lone(array)).then_some(shift);
    let shifts = shifts.map(|shifts| shifts.into_iter().enumerate().map(shift).collect());
    let (iterations, order_parameter) = (bound.iterations, bound.order_parameter);
    tell(common, &Told { wholes, iterations, seconds, order_parameter, unseen: views.unseen, shifts })
}

/// How pictures look, by a renderer.
struct Looks<'a>(&'a dyn Renderer);

impl Prior for Looks<'_> {
    fn clean(&self, picture: &mut [f32], (height, width): (usize, usize), sigma: f32) -> Result<()> {
        let seen = Picture { planes: vec![Plane { height, width, values: picture.to_vec() }] };
        let found = self.0.render(&Evidence::Noisy { picture: &seen, sigma })?;
        picture.copy_from_slice(&found.planes[0].values);
        Ok(())
    }
}

/// Where the pictures go.
fn out(common: &Common) -> Result<&Path> {
    let bound = "a picture, x.png, or x.npy";
    let out = memory::out(common, bound)?;
    let known =
        |ending: &std::ffi::OsStr| ["png", "npy"].iter().any(|known| ending.eq_ignore_ascii_case(known));
    memory::in_a_folder("--out", out)?;
    if out.extension().is_some_and(known) {
        return Ok(out);
    }
    Err(Error::call("--out", "pictures of this kind are not written").value(out.display()).bound(bound))
}

/// Refuses to write over what is read, be it by a further whole.
fn spare(out: &Path, args: &BindArgs) -> Result<()> {
    let angles = PathBuf::from(&args.angles);
    let read = [Some(&args.sinogram), Some(&angles), args.assign.as_ref()];
    let read = read.into_iter().flatten().chain(&args.truth).chain(args.prior.files());
    let read: Vec<PathBuf> = read.filter_map(|file| file.canonicalize().ok()).collect();
    let files = (0..MOST_ARRAYS).map(|number| named(out, number));
    match files.into_iter().find(|file| file.canonicalize().is_ok_and(|file| read.contains(&file))) {
        Some(file) => {
            Err(Error::call("--out", "this file is read").value(file.display()).bound("another file"))
        }
        None => Ok(()),
    }
}

/// The array `array`, which sees `seen`, with its detector's shift.
fn part(args: &BindArgs, views: &Views, seen: &align::Seen, (array, shift): (usize, f64)) -> Result<Part> {
    seen.part(views.detectors, shift).map_err(|error| {
        if seen.data.iter().any(|number| number.is_finite()) {
            return error;
        }
        let error = Error::input(&args.sinogram, "the array sees nothing: none of its numbers is finite");
        let place = format!("array {array}, {}", rows(&views.arrays[array]));
        error.at(place).value(0).bound("at least 1 number")
    })
}

/// Rows of the sinogram, for people.
fn rows(views: &[usize]) -> String {
    format!("rows {}", some(views))
}

/// The first few of some numbers, for people.
fn some(numbers: &[usize]) -> String {
    let named: Vec<String> = numbers.iter().take(6).map(ToString::to_string).collect();
    format!("{}{}", named.join(", "), if numbers.len() > 6 { ", ..." } else { "" })
}

/// Says who contradicts; fails where nobody agrees.
fn said(args: &BindArgs, views: &Views, bound: &Bound) -> Result<()> {
    let lone: Vec<&Whole> = bound.wholes.iter().filter(|whole| whole.arrays.len() == 1).collect();
    if lone.len() == bound.wholes.len() {
        if bound.agreement.least <= bound.agreement.limit(views.rms()) {
            let error = Error::input(&args.sinogram, "its views contradict: no picture explains a whole");
            return Err(error.help("Name more `--iterations`, or the noise by `--sigma`."));
        }
        let error = Error::input(&args.sinogram, "its views contradict: no picture explains two arrays");
        let error =
            error.value(format!("{:.3} of the data is left of the nearest two", bound.agreement.least));
        let error = error.bound(format!("{:.3}", bound.agreement.limit(views.rms())));
        return Err(error.help("Look at the angles and their order, or name the noise by `--sigma`."));
    }
    for whole in lone {
        let array = whole.arrays[0];
        tracing::warn!("array {array} ({}) agrees with no whole and stays alone", rows(&views.arrays[array]));
    }
    Ok(())
}

/// The file of a whole: as named, then with `-2`, `-3` behind its name.
fn named(out: &Path, number: usize) -> PathBuf {
    if number == 0 {
        return out.to_path_buf();
    }
    let part = |text: Option<&std::ffi::OsStr>| text.unwrap_or_default().to_string_lossy().into_owned();
    out.with_file_name(format!("{}-{}.{}", part(out.file_stem()), number + 1, part(out.extension())))
}

/// Writes a picture: of PNG, white is `most` or the brightest pixel.
fn write(file: &Path, side: usize, picture: &[f32], most: Option<f32>) -> Result<()> {
    if file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy")) {
        let mut part = PartFile::create(file)?;
        part.bytes(&npy::to_bytes(&[side, side], picture))?;
        return part.finish();
    }
    let white = most.unwrap_or_else(|| picture.iter().fold(f32::MIN_POSITIVE, |most, x| most.max(*x)));
    let grey: Vec<u8> =
        picture.iter().flat_map(|x| [(255.0 * x / white).clamp(0.0, 255.0).round() as u8; 3]).collect();
    pictures::write(file, (side, side), &grey)
}

/// Reads what the picture should be.
fn truth(file: &Path, side: usize) -> Result<Grid> {
    let truth = Grid::read(file)?;
    if (truth.height, truth.width) != (side, side) {
        let error = Error::input(file, "the truth is of another size than the picture");
        return Err(error
            .value(format!("{} x {}", truth.width, truth.height))
            .bound(format!("{side} x {side}")));
    }
    if let Some(at) = truth.values.iter().position(|number| !number.is_finite()) {
        let error = Error::input(file, "a number of the truth is none").at(format!(
            "row {}, column {}",
            at / side,
            at % side
        ));
        return Err(error.value(truth.values[at]).bound("finite"));
    }
    if truth.values.iter().all(|number| *number <= 0.0) {
        return Err(Error::input(file, "the truth is dark all over").value(0).bound("a pixel above 0"));
    }
    Ok(truth)
}

fn tell(common: &Common, told: &Told) -> Result<ExitCode> {
    if common.json {
        print_json(told)?;
        return Ok(ExitCode::SUCCESS);
    }
    if common.quiet {
        return Ok(ExitCode::SUCCESS);
    }
    for (number, whole) in told.wholes.iter().filter(|whole| whole.arrays.len() > 1).enumerate() {
        let arrays: Vec<String> = whole.arrays.iter().map(ToString::to_string).collect();
        let psnr = whole.psnr.map_or_else(String::new, |psnr| format!(", PSNR {psnr:.2} dB"));
        let file = whole.file.as_ref().map_or_else(String::new, |file| format!(", in {}", file.display()));
        let text = format!("whole {}: arrays {}", number + 1, arrays.join(" "));
        print_line(&format!("{text}, confidence {:.2}{psnr}{file}", whole.confidence))?;
    }
    for (array, shift) in told.shifts.iter().flatten().enumerate() {
        let Some(shift) = shift.filter(|shift| shift.abs() >= 0.05) else { continue };
        print_line(&format!("array {array}: its detector was {shift:+.2} elements beside its place"))?;
    }
    let Told { iterations, seconds, order_parameter, .. } = told;
    print_line(&format!("{iterations} steps, {seconds:.3} s, order parameter {order_parameter:.3}"))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_wholes_have_names_of_their_own() {
        assert_eq!(named(Path::new("a/x.png"), 0), Path::new("a/x.png"));
        assert_eq!(named(Path::new("a/x.png"), 2), Path::new("a/x-3.png"));
    }

    #[test]
    fn rows_are_named_as_far_as_people_read() {
        assert_eq!(rows(&[0, 4]), "rows 0, 4");
        assert_eq!(rows(&[1, 2, 3, 4, 5, 6, 7]), "rows 1, 2, 3, 4, 5, 6, ...");
    }
}
