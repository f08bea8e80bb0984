//! `napot segment`: what stands out from pictures, object by object, with colours.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::names::Names;
use super::{Common, pictures, print_json, print_line};
use crate::error::{Error, Result};
use crate::format::npy;
use crate::kernel::palette::label_colour;
use crate::readout::segment::{Follow, How, MOST_OBJECTS, Object, Seen, Segments, segment};
use crate::signal::Frame;
use crate::sink::part::PartFile;
use crate::time::monotonic;

/// The longer side at which a picture is segmented.
const SIDE: usize = 64;
/// The longer side that a small picture is drawn with, or just under it.
const DRAWN: usize = 256;
/// The longer side of what is drawn at most: twice as wide, and both in memory.
const MOST_DRAWN: usize = 4_096;

/// What the command takes.
#[derive(Args, Debug)]
pub(super) struct SegmentArgs {
    /// Pictures, films, sessions, folders of pictures.
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// Objects in each picture; found out where it is not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=MOST_OBJECTS as i64))]
    objects: Option<u8>,
}

/// An object as it is told.
#[derive(Debug, Serialize)]
struct ToldObject {
    /// Its number in the labels; the same from picture to picture where it stays where it was.
    label: u8,
    /// Its pixels at the size at which it was segmented.
    pixels: usize,
    /// How much its oscillators swing as one, 0 to 1.
    confidence: f32,
    /// Red, green and blue.
    colour: [u8; 3],
}

impl From<Object> for ToldObject {
    fn from(Object { label, pixels, coherence }: Object) -> Self {
        Self { label, pixels, confidence: coherence, colour: label_colour(label) }
    }
}

/// A picture as it is told.
#[derive(Debug, Serialize)]
struct ToldPicture {
    input: PathBuf,
    /// The picture beside its labels; the labels themselves lie beside it as `.npy`.
    file: PathBuf,
    width: usize,
    height: usize,
    /// Columns and rows at which it was segmented.
    at: [usize; 2],
    objects: Vec<ToldObject>,
    /// The energy of the labels, and the highest of all starts; none of a picture that tells nothing.
    energy: Option<f64>,
    highest_energy: Option<f64>,
    /// Why it has no objects, where it tells nothing.
    fault: Option<String>,
    /// Seconds that the oscillators took.
    seconds: f64,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Told {
    pictures: Vec<ToldPicture>,
    /// Pictures that are damaged, and are not among them.
    damaged: u64,
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &SegmentArgs) -> Result<ExitCode> {
    let bound = "a new folder: --out segments";
    let out = common.out.as_deref();
    let out = out.ok_or_else(|| Error::call("--out", "there is no folder to write to").bound(bound))?;
    pictures::new_folder(out, "there is something of this name already", bound)?;
    let told = pictures::whole_folder(out, |part| {
        let mut told = Told { pictures: Vec::new(), damaged: 0 };
        let mut names = Names::default();
        for input in &args.inputs {
            all(common, args, input, (part, out, &mut names), &mut told)?;
        }
        Ok(told)
    })?;
    if told.damaged > 0 {
        tracing::warn!("{} pictures are damaged and left out", told.damaged);
    }
    tell(common, &told)?;
    Ok(ExitCode::SUCCESS)
}

/// Segments all pictures of an input.
fn all(
    common: &Common,
    args: &SegmentArgs,
    input: &Path,
    (part, out, names): (&Path, &Path, &mut Names),
    told: &mut Told,
) -> Result<()> {
    let none = || {
        Error::input(input, "there is no picture in it")
            .bound("PNG, JPEG, BMP, PNM, GIF, a film, a session, or a folder of pictures")
    };
    let mut source = pictures::source(input)?.ok_or_else(none)?;
    names.enter(input)?;
    let mut follow = Follow::all();
    let mut faults = Vec::new();
    let first = told.pictures.len();
    while let Some(frame) = source.pull()? {
        let small = Seen::of(&frame.rgb, [frame.height, frame.width], SIDE);
        let [rows, columns] = small.size;
        let how = How {
            objects: args.objects.map(usize::from),
            seed: common.seed.unwrap_or_default(),
            ..How::default()
        };
        let started = monotonic();
        let found = segment(&small.greys, columns, &how);
        let seconds = monotonic().saturating_sub(started).as_secs_f64();
        // In a film a picture may tell nothing; objects come and go.
        let (mut segments, fault) = found.map_or_else(
            |error| (Segments::none(small.greys.len()), Some(error)),
            |segments| (segments, None),
        );
        let objects = follow.follow(&mut segments, columns);
        let name = names.next(&frame);
        write(part, &name, &frame, (&segments.labels, small.size))?;
        let energies = segments.energies.iter().copied();
        told.pictures.push(ToldPicture {
            input: input.to_owned(),
            file: out.join(format!("{name}.png")),
            width: frame.width,
            height: frame.height,
            at: [columns, rows],
            objects: objects.into_iter().map(ToldObject::from).collect(),
            energy: fault.is_none().then_some(segments.energy),
            highest_energy: energies.reduce(f64::max),
            fault: fault.as_ref().map(ToString::to_string),
            seconds,
        });
        faults.extend(fault);
    }
    told.damaged += source.faults().damaged;
    match (told.pictures.len() - first, faults.pop()) {
        (0, _) => Err(none()),
        // Of several inputs the others' pictures would be lost.
        (1, Some(fault)) if args.inputs.len() == 1 => Err(fault.within(input, None)),
        _ => Ok(()),
    }
}

/// Writes a picture beside its labels, which are those of `rows` x `columns`, and the labels of all its pixels.
fn write(
    folder: &Path,
    name: &str,
    frame: &Frame,
    (labels, [rows, columns]): (&[u8], [usize; 2]),
) -> Result<()> {
    let label = |[y, x]: [usize; 2]| labels[y * rows / frame.height * columns + x * columns / frame.width];
    let longer = frame.height.max(frame.width);
    let (zoom, step) = ((DRAWN / longer).max(1), longer.div_ceil(MOST_DRAWN));
    let [height, width] = [frame.height, frame.width].map(|side| (side * zoom / step).max(1));
    let mut rgb = Vec::with_capacity(6 * height * width);
    for row in 0..height {
        let place = |column: usize| {
            [(row * step / zoom).min(frame.height - 1), (column * step / zoom).min(frame.width - 1)]
        };
        rgb.extend((0..width).map(place).flat_map(|[y, x]| frame.pixel(x, y)));
        rgb.extend((0..width).map(place).flat_map(|at| label_colour(label(at))));
    }
    pictures::write(&folder.join(format!("{name}.png")), (height, 2 * width), &rgb)?;
    let places = (0..frame.height * frame.width).map(|at| [at / frame.width, at % frame.width]);
    let labels: Vec<f32> = places.map(|at| f32::from(label(at))).collect();
    let mut file = PartFile::create(folder.join(format!("{name}.npy")))?;
    file.bytes(&npy::to_bytes(&[frame.height, frame.width], &labels))?;
    file.finish()
}

/// Says what was found.
fn tell(common: &Common, told: &Told) -> Result<()> {
    if common.json {
        return print_json(told);
    }
    if common.quiet {
        return Ok(());
    }
    for picture in &told.pictures {
        let ToldPicture { file, width, height, at: [columns, rows], objects, fault, .. } = picture;
        let objects: Vec<String> = objects
            .iter()
            .map(|object| format!("{} ({} pixels, {:.2})", object.label, object.pixels, object.confidence))
            .collect();
        let scaled = if (columns, rows) == (width, height) {
            String::new()
        } else {
            format!(", {width} x {height} seen as {columns} x {rows}")
        };
        let what = match fault {
            Some(fault) => fault.clone(),
            None => format!("{} objects: {}", objects.len(), objects.join(", ")),
        };
        print_line(&format!("{}{scaled}: {what}", file.display()))?;
    }
    Ok(())
}
