//! One picture, or every page of a stack of numbers, restored.

use std::path::Path;
use std::process::ExitCode;

use super::{MOST_PIXELS, RenderArgs, Rendered, What, mean, rendering, tell, to_rgb};
use crate::command::numbers::{self, Grid, Range};
use crate::command::{Common, pictures, written};
use crate::error::{Error, Result};
use crate::memory::backwards::Task;
use crate::memory::measure::{Likeness, likeness, likeness_of_luma};
use crate::memory::picture::{Picture, Plane};
use crate::memory::quantised::Quantised;
use crate::source::video::jpeg_steps;

/// Pages of one size, of a range of 1.
struct Seen {
    pages: Vec<Picture>,
    /// What that is of the numbers of the file.
    range: Range,
    /// Whether pages are an axis of the file.
    stacked: bool,
}

impl Seen {
    /// The first picture of a file, or the first `most` pages of one of numbers.
    fn read(path: &Path, range: Option<Range>, most: usize) -> Result<Self> {
        if numbers::holds(path) {
            let grid = Grid::read(path)?;
            let [pages, height, width] = grid.shape;
            fits(path, [pages.min(most), height, width])?;
            let (pages, range) = grid.pages(path, range, most)?;
            return Ok(Self { pages, range, stacked: grid.stacked });
        }
        let frame = pictures::picture(path)?;
        let page = Picture::from_rgb(frame.height, frame.width, &frame.rgb, true);
        Ok(Self { pages: vec![page], range: Range::UNIT, stacked: false })
    }

    /// Pages, rows of each, columns.
    fn shape(&self) -> [usize; 3] {
        [self.pages.len(), self.pages[0].height(), self.pages[0].width()]
    }
}

/// Restores what the call names.
pub(super) fn run(common: &Common, args: &RenderArgs, out: &Path) -> Result<ExitCode> {
    let bound = "a picture, x.png, or its numbers, x.npy or x.tif";
    let in_numbers = numbers::named(out);
    if args.task == What::SuperResolve && !in_numbers && out.extension().is_none() {
        let error = Error::call("--out", "the input is no film: the result goes into one file");
        return Err(error.value(out.display()).bound(bound));
    }
    if !in_numbers {
        written::of_kind("--out", out, &["png"], bound)?;
    }
    written::in_a_folder("--out", out)?;
    let input = args.input()?;
    let of_numbers = numbers::holds(input);
    let most = if in_numbers { usize::MAX } else { 1 };
    let seen = Seen::read(input, args.numbers.range, most)?;
    if in_numbers && (args.task == What::Colour || seen.pages[0].is_colour()) {
        let error = Error::call("--out", "files of numbers hold no colour").value(out.display());
        return Err(error.bound("a picture, x.png"));
    }
    let scale = if args.task == What::SuperResolve { args.scale() } else { 1 };
    let margin = usize::from(args.margin.unwrap_or_default());
    let [count, height, width] = seen.shape();
    let shape = [count, (height + 2 * margin) * scale, (width + 2 * margin) * scale];
    fits(input, shape)?;
    let known = match &args.mask {
        Some(mask) => Some(known(mask, [1, height, width])?),
        None => None,
    };
    let truth = match &args.truth {
        Some(file) => {
            let range = if of_numbers { Some(seen.range) } else { args.numbers.range };
            Some(truth(file, Seen::read(file, range, most)?, shape, in_numbers)?)
        }
        None => None,
    };
    // The blocks of a JPEG file are of the picture as it is kept there: it is repaired so, and stood upright again.
    let kept = if args.task == What::RepairJpeg { Some(jpeg_steps(input)?) } else { None };
    let (steps, turn) = kept.unwrap_or_default();
    let mut sigmas = Vec::new();
    let found = rendering(args, |renderer| {
        let restored = |page: &Picture| {
            let kept = turned(page, |size, pixels| turn.back().turned(size, pixels));
            let (task, observed) = task(args, kept, known.as_ref(), steps)?;
            sigmas.extend(told(&task, &observed));
            let found = task.undo(&observed, renderer, args.steps() as usize);
            found.map(|found| turned(&found, |size, pixels| turn.turned(size, pixels)))
        };
        seen.pages.iter().map(restored).collect::<Result<Vec<Picture>>>()
    })?;
    let shave = if scale > 1 && shape[1].min(shape[2]) > 2 * scale { scale } else { 0 };
    let likeness = if in_numbers {
        let pixels = found.iter().flat_map(|page| &page.planes[0].values);
        let values: Vec<f32> = pixels.map(|x| seen.range.back(*x)).collect();
        super::finite(&values)?;
        numbers::write(out, shape, seen.stacked, &values)?;
        truth.map(|truth| alike(&found, &truth.pages, shave))
    } else {
        let rgb = to_rgb(&found[0])?;
        pictures::write(out, (shape[1], shape[2]), &rgb)?;
        truth.map(|truth| likeness((shape[1], shape[2]), &rgb, &truth.pages[0].to_rgb(), shave))
    };
    let frames = (count > 1).then_some(count as u64);
    let range = of_numbers.then_some(seen.range);
    let sigma = mean(&sigmas).map(|sigma| sigma as f32);
    let estimated = args.sigma.is_none();
    let rendered = Rendered::of(args, out, (shape[1], shape[2]));
    tell(common, &Rendered { frames, sigma, estimated, range, likeness, ..rendered })
}

/// A picture turned: `turn` has the pixels of a plane, and the size that they then have, of those that it had.
fn turned(picture: &Picture, turn: impl Fn((usize, usize), &[f32]) -> ((usize, usize), Vec<f32>)) -> Picture {
    picture.map(|plane| {
        let ((height, width), values) = turn((plane.height, plane.width), &plane.values);
        Plane { height, width, values }
    })
}

/// σ in red, green and blue, or in luma, where noise was taken away.
fn told(task: &Task, observed: &Picture) -> Option<f64> {
    match task {
        Task::Denoise { sigma } if observed.is_colour() => Some(f64::from(sigma * 3f32.sqrt())),
        Task::Denoise { sigma } | Task::RepairJpeg { sigma, .. } => Some((*sigma).into()),
        _ => None,
    }
}

/// The mean over pages of numbers that are not their truth to the bit.
fn alike(found: &[Picture], truth: &[Picture], shave: usize) -> Likeness {
    let luma =
        |page: &Picture| page.luma().values.iter().map(|x| 255.0 * f64::from(*x)).collect::<Vec<f64>>();
    let (mut psnr, mut ssim) = (Vec::new(), Vec::new());
    for (found, truth) in found.iter().zip(truth) {
        let one = likeness_of_luma((found.height(), found.width()), &luma(found), &luma(truth), shave);
        psnr.extend(one.psnr_db);
        ssim.extend(one.ssim);
    }
    Likeness { psnr_db: mean(&psnr), ssim: mean(&ssim) }
}

/// The task, and what it starts from.
fn task(
    args: &RenderArgs,
    seen: Picture,
    known: Option<&Plane>,
    steps: Option<[u16; 64]>,
) -> Result<(Task, Picture)> {
    Ok(match args.task {
        What::Denoise => {
            // White noise of σ in R, G and B is one of σ/√3 in luminance and chroma.
            let planes = if seen.is_colour() { 3f32.sqrt() } else { 1.0 };
            let sigma = args.sigma.map_or_else(|| noise(&seen.planes[0]), |sigma| sigma / planes);
            (Task::Denoise { sigma }, seen)
        }
        What::Inpaint => {
            let all = || Plane::flat(seen.height(), seen.width(), 1.0);
            (Task::Inpaint { known: known.cloned().unwrap_or_else(all) }, seen)
        }
        What::Uncrop => {
            let margin = usize::from(args.margin.unwrap_or_default());
            let (height, width) = (seen.height() + 2 * margin, seen.width() + 2 * margin);
            let inside = |y: usize, x: usize| {
                (margin..margin + seen.height()).contains(&y) && (margin..margin + seen.width()).contains(&x)
            };
            let at = |y: usize, x: usize| (y - margin) * seen.width() + x - margin;
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
            let quantised = Box::new(quantised(args, steps)?);
            let sigma = args.sigma.unwrap_or_else(|| quantised.like_noise(&seen.luma()));
            (Task::RepairJpeg { quantised, sigma }, seen)
        }
    })
}

/// How the input was rounded as a JPEG file: by its own tables, or by the quality that is named.
fn quantised(args: &RenderArgs, steps: Option<[u16; 64]>) -> Result<Quantised> {
    let input = args.input()?;
    match (steps, args.quality) {
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

/// 1 where the mask is dark, of numbers 0.
fn known(path: &Path, shape: [usize; 3]) -> Result<Plane> {
    let [_, height, width] = shape;
    let other = |found: [usize; 3]| {
        let error = Error::input(path, "the mask is of another size than the picture");
        error.value(text(found)).bound(text(shape))
    };
    let known = if numbers::holds(path) && !numbers::shows(path) {
        let mask = Grid::read(path)?;
        if mask.shape != shape {
            return Err(other(mask.shape));
        }
        if let Some(at) = mask.values.iter().position(|x| !x.is_finite()) {
            let error = Error::input(path, "the mask holds what is no number").at(mask.place(at));
            return Err(error.value(mask.values[at]).bound("0, or another number where a pixel was lost"));
        }
        Plane::of(height, width, |y, x| f32::from(u8::from(mask.values[y * width + x] == 0.0)))
    } else {
        let mask = pictures::picture(path)?;
        if [1, mask.height, mask.width] != shape {
            return Err(other([1, mask.height, mask.width]));
        }
        Plane::of(height, width, |y, x| f32::from(u8::from(mask.pixel(x, y)[1] < 128)))
    };
    if known.values.iter().all(|known| *known == 0.0) {
        let error = Error::input(path, "the mask is white all over: nothing of the picture is known");
        return Err(error.value("0 dark pixels").bound("at least 1"));
    }
    if known.values.iter().all(|known| *known > 0.0) {
        let error = Error::input(path, "the mask marks nothing: white is what was lost, of numbers not 0");
        return Err(error.value("0 such pixels").bound("at least 1"));
    }
    Ok(known)
}

/// What the result is held against, if it can be.
fn truth(file: &Path, truth: Seen, shape: [usize; 3], in_numbers: bool) -> Result<Seen> {
    if truth.shape() != shape {
        let error = Error::input(file, "the truth is of another size than the result");
        return Err(error.value(text(truth.shape())).bound(text(shape)));
    }
    if in_numbers && truth.pages[0].is_colour() {
        let error = Error::input(file, "the truth has colour, and the result is numbers without");
        return Err(error.bound("a grey picture, or numbers"));
    }
    Ok(truth)
}

/// Refuses what would be too large.
fn fits(file: &Path, shape: [usize; 3]) -> Result<()> {
    if shape.iter().fold(1, |count: usize, length| count.saturating_mul(*length)) <= MOST_PIXELS {
        return Ok(());
    }
    let error = Error::input(file, "the result would be too large").value(text(shape));
    let error = error.bound(format!("at most {MOST_PIXELS} pixels"));
    Err(if shape[0] > 1 { error.help("Give fewer pages at once.") } else { error })
}

/// A size in words.
fn text([pages, height, width]: [usize; 3]) -> String {
    let pages = if pages == 1 { String::new() } else { format!("{pages} pages of ") };
    format!("{pages}{width} x {height}")
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
