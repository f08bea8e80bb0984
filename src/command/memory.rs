//! `napot memory`: learns pictures in one pass, says and shows what a memory holds, joins memories.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::numbers::RangeArgs;
use super::{Common, pictures, print_json, print_line, taken, written};
use crate::error::{Error, Result};
use crate::memory::dense::Learned;
use crate::memory::picture::{Picture, Plane};
use crate::memory::recall::{AREA, PatchMemory, SIDE};

/// What the command takes.
#[derive(Args, Debug)]
pub(super) struct MemoryArgs {
    #[command(subcommand)]
    what: What,
}

/// What to do.
#[derive(Subcommand, Debug)]
enum What {
    /// Learn pictures, films, sessions or folders of pictures; what the memory already predicts is counted, not stored again.
    Learn(LearnArgs),
    /// Say what a memory holds.
    Info {
        /// The memory.
        file: PathBuf,
    },
    /// Draw the patches that were met most often, scale by scale, into the PNG file that `--out` names.
    Show {
        /// The memory.
        file: PathBuf,
    },
    /// Join memories into the file that `--out` names: what several know is stored once, and there is room for as many patches as in the
    /// largest.
    Merge {
        /// The memories.
        #[arg(num_args = 2.., required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

impl MemoryArgs {
    /// The options of all commands that have an effect.
    pub(super) fn takes(&self) -> &'static [&'static str] {
        match self.what {
            What::Learn(_) => &["--seed"],
            What::Info { .. } => taken::NONE,
            What::Show { .. } | What::Merge { .. } => &["--out"],
        }
    }
}

/// What learning takes.
#[derive(Args, Debug)]
struct LearnArgs {
    /// Pictures, films, sessions, folders of pictures, pages of numbers (x.npy, x.tif).
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    numbers: RangeArgs,
    /// The memory; where the file exists, it learns on.
    #[arg(long, value_name = "FILE")]
    memory: PathBuf,
    /// Room of a new memory for this many patches at each scale, 8192 where it is left out; a full memory forgets one at random for each new
    /// one.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    rows: Option<u32>,
    /// Scales of a new memory, each twice as coarse as the one before; 2 where it is left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4))]
    scales: Option<u32>,
    /// Look at up to this many patches at each scale, drawn from all pictures alike.
    #[arg(long, value_name = "N", default_value_t = 40_000, value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    patches: u32,
    /// To a new memory a patch within this rms of one that is held is no surprise; 0 to 1 of the range, 0.03 where it is left out.
    #[arg(long, value_name = "RMS", value_parser = unit)]
    tolerance: Option<f32>,
    /// Learn luminance alone.
    #[arg(long)]
    grey: bool,
}

/// Rows of a scale, scales and tolerance of a new memory where nobody says.
const NEW: (u32, u32, f32) = (8_192, 2, 0.03);

/// A number from 0 to 1 on the command line.
fn unit(text: &str) -> std::result::Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("allowed: 0 to 1".to_owned()),
    }
}

/// What a memory holds.
#[derive(Serialize)]
struct Facts {
    file: String,
    colour: bool,
    side: usize,
    tolerance: f32,
    scales: Vec<ScaleFacts>,
    learned: Option<Learned>,
}

#[derive(Serialize)]
struct ScaleFacts {
    rows: usize,
    capacity: usize,
    written: u64,
    met: f64,
}

/// Runs the command.
pub(super) fn run(common: &Common, args: &MemoryArgs) -> Result<ExitCode> {
    match &args.what {
        What::Learn(args) => learn(common, args),
        What::Info { file } => tell(common, file, &pictures::load(file)?, None),
        What::Show { file } => show(common, file),
        What::Merge { files } => merge(common, files),
    }
}

fn learn(common: &Common, args: &LearnArgs) -> Result<ExitCode> {
    written::spare("--memory", &args.memory, &args.inputs)?;
    written::in_a_folder("--memory", &args.memory)?;
    let held = if args.memory.exists() { Some(pictures::load(&args.memory)?) } else { None };
    if let Some(held) = &held {
        fitting(args, held)?;
    }
    let frames = pictures::placed(&args.inputs, args.numbers, 1)?;
    let found: Vec<(String, Picture)> = frames
        .into_iter()
        .map(|(place, frame)| (place, Picture::from_rgb(frame.height, frame.width, &frame.rgb, true)))
        .collect();
    let seed = common.seed.unwrap_or_default();
    let mut memory = held.unwrap_or_else(|| {
        let colour = !args.grey && found.iter().any(|(_, picture)| picture.is_colour());
        let planes = if colour { 3 } else { 1 };
        let (rows, scales) = (args.rows.unwrap_or(NEW.0), args.scales.unwrap_or(NEW.1));
        PatchMemory::new(planes, scales as usize, rows as usize, seed, args.tolerance.unwrap_or(NEW.2))
    });
    let found = learnable(&memory, found)?;
    let learned = memory.learn(&found, args.patches as usize, seed)?;
    pictures::save(&args.memory, &memory)?;
    tell(common, &args.memory, &memory, Some(learned))
}

/// The most files that are named where several are passed over.
const MOST_NAMED: usize = 5;

/// What the memory can learn: one of colour no picture without, and which those are is told.
fn learnable(memory: &PatchMemory, found: Vec<(String, Picture)>) -> Result<Vec<Picture>> {
    let fits = |(_, picture): &(String, Picture)| memory.planes() == 1 || picture.is_colour();
    let (fitting, grey): (Vec<_>, Vec<_>) = found.into_iter().partition(fits);
    let help = "Learn pictures without colour into a memory of their own (`--grey`).";
    if let Some((first, _)) = grey.first() {
        if fitting.is_empty() {
            let error = Error::call(first.clone(), "the memory is of colour, the picture has none");
            return Err(error.help(help));
        }
        let names: Vec<&str> = grey.iter().take(MOST_NAMED).map(|(place, _)| place.as_str()).collect();
        let more = match grey.len() - names.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let names = names.join("; ");
        tracing::warn!("{names}{more}: not learned, for the memory is of colour, and they have none. {help}");
    }
    Ok(fitting.into_iter().map(|(_, picture)| picture).collect())
}

/// Refuses what would have no effect on a memory that learns on.
fn fitting(args: &LearnArgs, memory: &PatchMemory) -> Result<()> {
    let refused = |flag: &str, problem: &str| {
        let error = Error::call(flag, problem).at(args.memory.display());
        error.help(format!("Give a new file, or leave `{flag}` out."))
    };
    if args.grey && memory.planes() != 1 {
        return Err(refused("--grey", "the memory is of colour"));
    }
    let scales = memory.scales();
    let flags = [
        ("--rows", args.rows.map(|rows| rows.to_string()), scales[0].capacity().to_string()),
        ("--scales", args.scales.map(|count| count.to_string()), scales.len().to_string()),
        ("--tolerance", args.tolerance.map(|rms| rms.to_string()), memory.tolerance().to_string()),
    ];
    for (flag, asked, held) in flags {
        if let Some(asked) = asked.filter(|asked| *asked != held) {
            return Err(refused(flag, "the memory has another value").value(asked).bound(held));
        }
    }
    Ok(())
}

fn merge(common: &Common, files: &[PathBuf]) -> Result<ExitCode> {
    let bound = "a memory: --out x.safetensors";
    let out = written::out(common, bound)?;
    written::of_kind("--out", out, &["safetensors"], bound)?;
    written::in_a_folder("--out", out)?;
    written::spare("--out", out, files)?;
    let mut learned = Learned::default();
    let mut memory = pictures::load(&files[0])?;
    for file in &files[1..] {
        let merged = memory.merge(&pictures::load(file)?).map_err(|error| error.at(file.display()))?;
        learned = learned.and(merged);
    }
    pictures::save(out, &memory)?;
    tell(common, out, &memory, Some(learned))
}

fn tell(common: &Common, file: &Path, memory: &PatchMemory, learned: Option<Learned>) -> Result<ExitCode> {
    let scales = memory.scales().iter().map(|scale| ScaleFacts {
        rows: scale.len(),
        capacity: scale.capacity(),
        written: scale.written(),
        met: scale.counts().iter().map(|count| f64::from(*count)).sum(),
    });
    let facts = Facts {
        file: file.display().to_string(),
        colour: memory.planes() == 3,
        side: SIDE,
        tolerance: memory.tolerance(),
        scales: scales.collect(),
        learned,
    };
    if common.json {
        print_json(&facts)?;
    } else if !common.quiet {
        let kind = if facts.colour { "colour" } else { "grey" };
        print_line(&format!("{}: patches of {SIDE} x {SIDE} in {kind}", file.display()))?;
        if let Some(Learned { written, predicted, forgotten }) = learned {
            print_line(&format!("  {written} stored, {predicted} predicted, {forgotten} forgotten"))?;
        }
        for (scale, ScaleFacts { rows, capacity, written, met }) in facts.scales.iter().enumerate() {
            let text = format!("  scale {scale}: {rows} of {capacity} rows, {written} written, {met:.0} met");
            print_line(&text)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Patches in a row and in a column of the picture, per scale.
const SHOWN: usize = 16;
/// Pixels of a pixel.
const ZOOM: usize = 3;

fn show(common: &Common, file: &Path) -> Result<ExitCode> {
    let bound = "a picture: --out x.png";
    let out = written::out(common, bound)?;
    written::of_kind("--out", out, &["png"], bound)?;
    written::in_a_folder("--out", out)?;
    written::spare("--out", out, [file])?;
    let memory = pictures::load(file)?;
    let cell = (SIDE + 1) * ZOOM;
    let (height, width) = (SHOWN * cell, (SHOWN + 1) * cell * memory.scales().len());
    let mut rgb = vec![16; 3 * height * width];
    for (scale, dense) in memory.scales().iter().enumerate() {
        let mut often: Vec<usize> = (0..dense.len()).collect();
        often.sort_by(|a, b| dense.counts()[*b].total_cmp(&dense.counts()[*a]));
        for (place, row) in often.into_iter().take(SHOWN * SHOWN).enumerate() {
            let (top, left) = (place / SHOWN * cell, place % SHOWN * cell + scale * (SHOWN + 1) * cell);
            let planes = dense.rows()[row * dense.dims()..][..dense.dims()].chunks_exact(AREA);
            let plane = |values: &[f32]| Plane { height: SIDE, width: SIDE, values: values.to_vec() };
            let patch = Picture { planes: planes.map(plane).collect() }.to_rgb();
            for at in 0..(SIDE * ZOOM) * (SIDE * ZOOM) {
                let (y, x) = (at / (SIDE * ZOOM), at % (SIDE * ZOOM));
                let from = 3 * (y / ZOOM * SIDE + x / ZOOM);
                let to = 3 * ((top + y) * width + left + x);
                rgb[to..to + 3].copy_from_slice(&patch[from..from + 3]);
            }
        }
    }
    pictures::write(out, (height, width), &rgb)?;
    tell(common, file, &memory, None)
}
