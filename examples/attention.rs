//! Times one read of a memory for `benches/peers/memory.py`, which times `NumPy` and `PyTorch` at the same work.
//!
//! `attention make FOLDER` learns 8,192 patches of dead leaves, and lays noise of 0.1 over a piece of 64 x 64 that it did not
//! learn. Without arguments, commands on standard input, one answer a line: `open FOLDER` (`rows.f32` and `queries.f32` of 49 numbers each,
//! `picture.f32` of as many pixels as there are queries, little-endian; `noise.txt`, the σ), `points` and `step` (seconds),
//! `approximate` (seconds), `write FILE` (what the last of them gave). `points` is softmax attention over the rows as points,
//! `step` a whole denoising step by the mixture of Gaussians, exact or approximate. One thread.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // small counts

use std::io::BufRead;
use std::path::Path;

use napot::error::{Error, Result};
use napot::kernel::attention::{Bank, Each, Law, attend};
use napot::memory::backwards::{Evidence, Renderer};
use napot::memory::dense::{Dense, blocks, rows_of};
use napot::memory::patches::Grid;
use napot::memory::picture::{Picture, Plane};
use napot::memory::reader::Reading;
use napot::memory::recall::{self, AREA, PatchMemory};
use napot::memory::trained::leaves::leaves;
use napot::memory::trained::lessons::luma;
use napot::random::Stream;
use napot::time::monotonic;

/// What is read, and what came of it.
struct Read {
    rows: Vec<f32>,
    laws: Vec<Law>,
    queries: Vec<Each>,
    count: usize,
    memory: PatchMemory,
    picture: Picture,
    sigma: f32,
    found: Vec<f32>,
}

fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match &words[..] {
        [] => serve(),
        [make, folder] if make == "make" => made(Path::new(folder)),
        _ => Err(Error::call("attention", "an argument is not known").value(words.join(" "))),
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::from(error.kind().exit_code())
        }
    }
}

fn serve() -> Result<()> {
    println!("ready");
    let mut read = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|cause| Error::input("-", cause.to_string()))?;
        let (command, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match (command, &mut read) {
            ("open", read) => {
                *read = Some(Read::open(Path::new(rest))?);
                println!("opened");
            }
            ("points" | "step" | "approximate", Some(read)) => {
                let start = monotonic();
                match command {
                    "points" => read.points(),
                    "step" => read.step(Reading::default())?,
                    _ => read.step(Reading { approximate: true, ..Reading::default() })?,
                }
                println!("{:.9}", monotonic().saturating_sub(start).as_secs_f64());
            }
            ("write", Some(read)) => {
                write(Path::new(rest), &read.found)?;
                println!("written");
            }
            _ => {
                return Err(
                    Error::call("attention", "a command is not known, or nothing is open").value(line)
                );
            }
        }
    }
    Ok(())
}

/// Side of a picture, of the piece that is read, the noise, and how many rows there are.
const SIDE: usize = 160;
const PIECE: usize = 64;
const SIGMA: f32 = 0.1;
const ROWS: usize = 8_192;

/// Writes what is read.
fn made(folder: &Path) -> Result<()> {
    let picture = |number: u32| {
        let plane = luma(SIDE, SIDE, &leaves(1, number, SIDE));
        Picture { planes: vec![plane.map(|x| x - 0.5)] }
    };
    let mut memory = PatchMemory::new(1, 1, ROWS, 0, 0.03);
    memory.learn(&(0..16).map(picture).collect::<Vec<_>>(), 100_000, 0)?;
    let mut draws = Stream::new(7, 0);
    let whole = &picture(16).planes[0];
    let noisy = Plane::of(PIECE, PIECE, |y, x| {
        whole.values[(y + 48) * SIDE + x + 48] + SIGMA * draws.normal() as f32
    });
    let picture = Picture { planes: vec![noisy] };
    let grid = Grid::new(recall::SIDE, (PIECE, PIECE), 1);
    let files = [
        ("rows.f32", memory.scales()[0].rows()),
        ("queries.f32", &grid.cut(&picture, 0..grid.len())),
        ("picture.f32", &picture.planes[0].values),
    ];
    for (name, numbers) in files {
        write(&folder.join(name), numbers)?;
    }
    let sigma = folder.join("noise.txt");
    std::fs::write(&sigma, SIGMA.to_string()).map_err(|cause| Error::output(&sigma, cause.to_string()))
}

fn write(path: &Path, numbers: &[f32]) -> Result<()> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(path, bytes).map_err(|cause| Error::output(path, cause.to_string()))
}

/// Numbers of a file.
fn numbers(path: &Path) -> Result<Vec<f32>> {
    let bytes = std::fs::read(path).map_err(|cause| Error::input(path, cause.to_string()))?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

impl Read {
    fn open(folder: &Path) -> Result<Self> {
        let [rows, queries, pixels] =
            ["rows.f32", "queries.f32", "picture.f32"].map(|name| numbers(&folder.join(name)));
        let (rows, queries, pixels) = (rows?, queries?, pixels?);
        let noise = folder.join("noise.txt");
        let text =
            std::fs::read_to_string(&noise).map_err(|cause| Error::input(&noise, cause.to_string()))?;
        let sigma: f32 = text.trim().parse().map_err(|_| Error::input(&noise, "this is no number"))?;
        let (count, asked) = (rows.len() / AREA, queries.len() / AREA);
        let side = asked.isqrt();
        if count == 0 || side * side != asked || pixels.len() != asked {
            return Err(Error::input(
                folder,
                "rows, and a query for each pixel of a square picture, are needed",
            ));
        }
        let precision = 1.0 / (sigma * sigma);
        let law = |row: &[f32]| {
            let square: f32 = row.iter().map(|x| x * x).sum();
            Law { square: 0.0, line: precision, fixed: -0.5 * precision * square, slope: 0.0, level: 1.0 }
        };
        let laws = rows.chunks_exact(AREA).map(law).collect();
        let scale = Dense::from_parts((AREA, count, 0), rows.clone(), vec![1.0; count], 0)
            .map_err(|what| Error::input(folder, what))?;
        let memory =
            PatchMemory::from_scales(1, vec![scale], 0.03).map_err(|what| Error::input(folder, what))?;
        let picture = Picture { planes: vec![Plane { height: side, width: side, values: pixels }] };
        let queries = blocks(&queries, AREA);
        Ok(Self { rows, laws, queries, count: asked, memory, picture, sigma, found: Vec::new() })
    }

    fn points(&mut self) {
        let bank = Bank { keys: &self.rows, dims: AREA, values: &self.rows, width: AREA, laws: &self.laws };
        let answer = attend(&bank, &self.queries, None, 1);
        self.found = rows_of(&answer.values, &answer.norms, AREA, self.count);
    }

    fn step(&mut self, reading: Reading) -> Result<()> {
        let evidence = Evidence::Noisy { picture: &self.picture, sigma: self.sigma };
        let found = self.memory.reader(reading).render(&evidence)?;
        self.found = found.planes.into_iter().flat_map(|plane| plane.values).collect();
        Ok(())
    }
}
