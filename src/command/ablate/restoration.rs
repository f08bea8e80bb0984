//! The claim of restoration: generated pictures under noise, shrunk, with holes and as JPEG, by the memory, by the networks, by both, by none.
//!
//! No picture that is restored was learned: the memory's dead leaves have other numbers, and its room another seed, than those that are
//! restored, and the networks that come with the program were trained on numbers below both.

use jpeg_encoder::{ColorType, Encoder};

use super::{Figure, Run};
use crate::command::pictures;
use crate::error::{Error, Result};
use crate::memory::backwards::{Renderer, Task};
use crate::memory::picture::{Picture, Plane};
use crate::memory::quantised::Quantised;
use crate::memory::reader::Reading;
use crate::memory::recall::{AREA, PatchMemory};
use crate::memory::smooth;
use crate::memory::trained::leaves::leaves;
use crate::memory::trained::lessons::luma;
use crate::memory::trained::model::Model;
use crate::memory::trained::renderer::{Both, Trained};
use crate::random::Stream;
use crate::source::camera::picture::jpeg;
use crate::source::room::{Room, RoomParameters};
use crate::stream::Source;

/// The variants by their numbers.
pub(super) const VARIANTS: [&str; 5] = [
    "memory and networks",
    "memory alone",
    "memory alone, equal numbers",
    "networks alone",
    "neither: what was seen",
];
/// The side of a picture that is learned.
const SIDE: usize = 128;
/// The side of the piece in its middle that is restored.
const PIECE: usize = 64;
/// Pictures of each kind that are learned, and that are restored.
const LEARNED: usize = 12;
const RESTORED: usize = 3;
/// Numbers of dead leaves: `napot learn` takes those below 10,000.
const LEARNED_FROM: u32 = 10_000;
const RESTORED_FROM: u32 = 20_000;
/// Seeds of the room, set apart from those of trainings.
const LEARNED_ROOM: u64 = 0x524F_4F4D;
const RESTORED_ROOM: u64 = 0x524F_4F4E;
/// Frames of the room between two pictures: half a second.
const BETWEEN: usize = 15;
/// The memory as `napot memory learn` makes it: scales, rows of each, patches looked at, tolerance.
const SCALES: usize = 2;
pub(super) const ROWS: usize = 8_192;
pub(super) const PATCHES: usize = 40_000;
const TOLERANCE: f32 = 0.03;
/// Noise, of a range of 1.
const SIGMAS: [f32; 2] = [0.1, 0.4];
/// How much smaller.
const SCALE: usize = 2;
/// The share of a picture that is lost under strokes, and half a stroke's width in pixels.
const LOST: f32 = 0.25;
const BRUSH: f64 = 2.5;
/// The quality of a JPEG file.
const QUALITY: u8 = 10;

/// Runs a variant.
pub(super) fn run(&Run { variant, seed, quick, .. }: &Run<'_>) -> Result<Vec<Figure>> {
    let model = pictures::load_model(None)?;
    let networks: Vec<usize> = model.networks().iter().map(|network| network.numbers().len()).collect();
    let rows = match (variant, quick) {
        (2, _) => networks.iter().copied().min().unwrap_or_default() / SCALES / (AREA + 1),
        (_, true) => ROWS / 16,
        _ => ROWS,
    };
    let memory = if variant < 3 { Some(learned(seed, rows, quick)?) } else { None };
    let numbers = memory.as_ref().map_or(0, |memory| {
        memory.scales().iter().map(|scale| scale.rows().len() + scale.counts().len()).sum::<usize>()
    });
    let count = if quick { 1 } else { RESTORED };
    let kinds =
        [("leaves", rained(seed, RESTORED_FROM, count)), ("room", roomed(seed ^ RESTORED_ROOM, count)?)];
    let mut figures = Vec::new();
    for (kind, whole) in kinds {
        let pieces: Vec<Plane> = whole.iter().map(middle).collect();
        let mut draws = Stream::new(seed, 1);
        for (task, name) in tasks(seed) {
            let mut sum = 0.0;
            for piece in &pieces {
                let (task, seen) = seen(&task, piece, &mut draws)?;
                sum += psnr(
                    &restored(
                        &task,
                        &seen,
                        memory.as_ref(),
                        (variant == 0 || variant == 3).then_some(&model),
                    )?,
                    piece,
                );
            }
            let network = usize::from(!matches!(task, Task::SuperResolve { .. }));
            let held = numbers + if variant == 0 || variant == 3 { networks[network] } else { 0 };
            let task = format!("{kind}, {name}");
            let psnr = Figure {
                variant,
                task: task.clone(),
                metric: "PSNR in dB",
                value: sum / pieces.len() as f64,
            };
            figures.extend([psnr, Figure { variant, task, metric: "numbers held", value: held as f64 }]);
        }
    }
    Ok(figures)
}

/// What is done to pictures, by its name in the table.
fn tasks(seed: u64) -> Vec<(Task, String)> {
    let noise = SIGMAS.map(|sigma| (Task::Denoise { sigma }, format!("noise {sigma}")));
    let others = [
        (Task::SuperResolve { scale: SCALE }, format!("x{SCALE}")),
        (Task::Inpaint { known: stroked(seed) }, "strokes".to_owned()),
        (
            Task::RepairJpeg { quantised: Box::new(Quantised::of_quality(QUALITY)), sigma: 0.0 },
            format!("JPEG {QUALITY}"),
        ),
    ];
    noise.into_iter().chain(others).collect()
}

/// What is known where strokes that wander have taken a quarter.
fn stroked(seed: u64) -> Plane {
    let mut draws = Stream::new(seed, 2);
    let mut known = Plane::flat(PIECE, PIECE, 1.0);
    while known.values.iter().sum::<f32>() > (1.0 - LOST) * (PIECE * PIECE) as f32 {
        let edge = PIECE as f64;
        let (mut y, mut x) = (draws.between(0.0, edge), draws.between(0.0, edge));
        let mut way = draws.between(0.0, core::f64::consts::TAU);
        for _ in 0..PIECE / 4 {
            known = Plane::of(PIECE, PIECE, |row, column| {
                let (down, across) = (row as f64 - y, column as f64 - x);
                let lost = down * down + across * across < BRUSH * BRUSH;
                if lost { 0.0 } else { known.values[row * PIECE + column] }
            });
            way += draws.between(-0.6, 0.6);
            y += 2.0 * libm::sin(way);
            x += 2.0 * libm::cos(way);
        }
    }
    known
}

/// What is seen of a picture: as numbers under noise and beside holes, in 8 bits where it was shrunk or is a JPEG file; and the task, which of
/// a JPEG file tells how strong its loss was.
fn seen(task: &Task, picture: &Plane, draws: &mut Stream) -> Result<(Task, Picture)> {
    let byte = |x: f32| (x.clamp(0.0, 1.0) * 255.0).round();
    let plane = match task {
        Task::Denoise { sigma } => {
            let noise = Plane::of(picture.height, picture.width, |_, _| sigma * draws.normal() as f32);
            picture.with(&noise, |x, noise| x + noise)
        }
        Task::Inpaint { known } => picture.with(known, |x, known| x * known),
        Task::RepairJpeg { quantised, .. } => {
            let grey: Vec<u8> = picture.values.iter().map(|x| byte(*x) as u8).collect();
            let mut file = Vec::new();
            let side = PIECE as u16;
            Encoder::new(&mut file, QUALITY)
                .encode(&grey, side, side, ColorType::Luma)
                .map_err(|cause| Error::call("jpeg", "a picture can't be packed").value(cause))?;
            let (width, height, rgb) = jpeg("a JPEG file", "", &file)?;
            let decoded = luma(height, width, &rgb);
            let sigma = quantised.like_noise(&decoded);
            let task = Task::RepairJpeg { quantised: quantised.clone(), sigma };
            return Ok((task, Picture { planes: vec![decoded] }));
        }
        _ => {
            let small = picture.resized(picture.height / SCALE, picture.width / SCALE);
            small.map(|x| byte(x) / 255.0)
        }
    };
    Ok((task.clone(), Picture { planes: vec![plane] }))
}

/// The picture by whoever there is; without any, what was seen, at its full size.
fn restored(
    task: &Task,
    seen: &Picture,
    memory: Option<&PatchMemory>,
    model: Option<&Model>,
) -> Result<Picture> {
    let reader = memory.map(|memory| memory.reader(Reading::default()));
    let trained = model.map(|model| Trained { model, threads: 1, turned: false });
    let both;
    let renderer: &dyn Renderer = match (&reader, &trained) {
        (Some(reader), Some(trained)) => {
            both = Both(reader, trained);
            &both
        }
        (Some(reader), None) => reader,
        (None, Some(trained)) => trained,
        (None, None) => {
            return Ok(match task {
                Task::SuperResolve { .. } => seen.resized(seen.height() * SCALE, seen.width() * SCALE),
                Task::Inpaint { known } => smooth::filled(seen, known),
                _ => seen.clone(),
            });
        }
    };
    task.undo(seen, renderer, 1)
}

fn psnr(found: &Picture, truth: &Plane) -> f64 {
    let square = |(x, y): (&f32, &f32)| f64::from(x.clamp(0.0, 1.0) - y) * f64::from(x.clamp(0.0, 1.0) - y);
    let sum: f64 = found.planes[0].values.iter().zip(&truth.values).map(square).sum();
    -10.0 * libm::log10((sum / truth.values.len() as f64).max(1e-12))
}

/// A memory of dead leaves and the room.
fn learned(seed: u64, rows: usize, quick: bool) -> Result<PatchMemory> {
    let (count, patches) = if quick { (2, PATCHES / 16) } else { (LEARNED, PATCHES) };
    met(
        [rained(seed, LEARNED_FROM, count), roomed(seed ^ LEARNED_ROOM, count)?].concat(),
        rows,
        patches,
        seed,
    )
}

/// A memory of pictures as `napot memory learn` makes it, but for rows and the patches looked at.
pub(super) fn met(planes: Vec<Plane>, rows: usize, patches: usize, seed: u64) -> Result<PatchMemory> {
    let pictures: Vec<Picture> = planes.into_iter().map(|plane| Picture { planes: vec![plane] }).collect();
    let mut memory = PatchMemory::new(1, SCALES, rows, seed, TOLERANCE);
    memory.learn(&pictures, patches, seed)?;
    Ok(memory)
}

/// The luma of dead leaves.
fn rained(seed: u64, from: u32, count: usize) -> Vec<Plane> {
    (from..).take(count).map(|number| luma(SIDE, SIDE, &leaves(seed, number, SIDE))).collect()
}

/// The luma of the room.
fn roomed(seed: u64, count: usize) -> Result<Vec<Plane>> {
    let parameters = RoomParameters { width: SIDE, height: SIDE, ..RoomParameters::default() };
    let (mut video, _) = Room::new(&parameters, seed)?.into_sources();
    let mut planes = Vec::new();
    for number in 1..=count * BETWEEN {
        if let Some(frame) = video.pull()?.filter(|_| number.is_multiple_of(BETWEEN)) {
            planes.push(luma(frame.height, frame.width, &frame.rgb));
        }
    }
    Ok(planes)
}

/// The piece in the middle.
fn middle(plane: &Plane) -> Plane {
    let (top, left) = ((plane.height - PIECE) / 2, (plane.width - PIECE) / 2);
    Plane::of(PIECE, PIECE, |y, x| plane.values[(top + y) * plane.width + left + x])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_restored_was_learned_and_whoever_restores_is_better_than_none() {
        let (learned, held) = (rained(1, LEARNED_FROM, 2), rained(1, RESTORED_FROM, 2));
        assert!(learned.iter().all(|plane| !held.contains(plane)));
        let noisy =
            |variant: usize| run(&Run { variant, seed: 1, quick: true, pictures: &[] }).unwrap()[0].value;
        let none = noisy(4);
        assert!((none - 20.0).abs() < 0.5, "{none} dB of noise of 0.1");
        let restored: Vec<f64> = (0..4).map(noisy).collect();
        assert!(restored.iter().all(|psnr| *psnr > none + 2.0), "{restored:?} dB, {none} before");
    }

    #[test]
    fn a_memory_of_equal_numbers_holds_no_more_than_the_networks() {
        let held = |variant: usize| {
            let figures = run(&Run { variant, seed: 1, quick: true, pictures: &[] }).unwrap();
            figures
                .iter()
                .filter(|figure| figure.metric == "numbers held")
                .map(|f| f.value)
                .collect::<Vec<_>>()
        };
        assert!(held(2).iter().zip(held(3)).all(|(memory, networks)| *memory > 0.0 && *memory <= networks));
        assert!(held(4).iter().all(|none| *none == 0.0));
    }
}
