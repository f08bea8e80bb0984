//! The cost of the kernels that work beside the tick or now and then: memories, networks, beams, spectra and signatures, each
//! beside the bound that its multiplications set.

// Small counts and values made up here.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

mod common;

use std::hint::black_box;
use std::time::Duration;

use common::bound;
use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use napot::binding::projection::{ParallelBeam, Projection};
use napot::kernel::attention::{Bank, Each, Law, QUERIES, attend, attend_near};
use napot::kernel::convolve::{Packed, Sheets, WINDOW, convolve, owed};
use napot::kernel::decimate::Decimator;
use napot::kernel::least_squares;
use napot::kernel::phase_moments::phase_moments;
use napot::kernel::shortlist::{Coarse, looks, nearest};
use napot::kernel::traces::{CELL, Ladder, TRACES, learn, read};
use napot::random::Stream;

const SITES: usize = 128 * 128;

fn normals(seed: u64, count: usize) -> Vec<f32> {
    let mut draw = Stream::new(seed, 0);
    (0..count).map(|_| draw.normal() as f32).collect()
}

/// Blocks of queries with `dims` numbers each.
fn asked(seed: u64, blocks: usize, dims: usize) -> Vec<Each> {
    let values = normals(seed, blocks * dims * QUERIES);
    values.as_chunks::<QUERIES>().0.to_vec()
}

fn memory(criterion: &mut Criterion) {
    const ROWS: usize = 8_192;
    const DIMS: usize = 49;
    const LOOK: usize = 8;
    /// A picture of 64 x 64 pixels.
    const BLOCKS: usize = 64 * 64 / QUERIES;
    const PAIRS: usize = ROWS * BLOCKS * QUERIES;
    let mut group = criterion.benchmark_group("memory, 8192 rows of 49, 64 x 64 queries");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    let (keys, asked) = (normals(1, ROWS * DIMS), asked(2, BLOCKS, DIMS));
    let laws = vec![Law { square: 0.0, line: 1.0, fixed: 0.0, slope: 0.0, level: 1.0 }; ROWS];
    let bank = Bank { keys: &keys, dims: DIMS, values: &keys, width: DIMS, laws: &laws };
    // A product and a mean of 49 numbers; a law takes 3, a weight 14.
    bound("attention", PAIRS * (2 * DIMS + 3 + 14));
    group.bench_function("attention", |b| b.iter(|| attend(&bank, black_box(&asked), None, 1)));
    bound("nearest rows", PAIRS * DIMS);
    group.bench_function("nearest rows", |b| b.iter(|| nearest(&keys, DIMS, black_box(&asked))));
    let matrix = normals(3, LOOK * DIMS);
    bound("looks", BLOCKS * QUERIES * LOOK * DIMS);
    group.bench_function("looks", |b| b.iter(|| looks(&matrix, DIMS, black_box(&asked))));
    let (own, seen) = (normals(4, ROWS * LOOK), looks(&matrix, DIMS, &asked));
    let coarse = Coarse { keys: &own, dims: LOOK, asked: &seen, reach: 1.0 };
    // The coarse look alone: what is near comes on top.
    bound("attention by a shortlist", PAIRS * (LOOK + 2));
    group.bench_function("attention by a shortlist", |b| {
        b.iter(|| attend_near(&bank, black_box(&asked), &coarse, 1));
    });
}

fn network(criterion: &mut Criterion) {
    const CHANNELS: usize = 32;
    const SIDE: usize = 64;
    let mut group = criterion.benchmark_group("network, 32 to 32 channels of 64 x 64");
    let (weights, bias) = (normals(1, CHANNELS * CHANNELS * WINDOW), normals(2, CHANNELS));
    let mut sheets = [0, 1].map(|_| Sheets::new(CHANNELS, SIDE, SIDE));
    let row = normals(3, SIDE);
    for sheets in &mut sheets {
        for at in 0..CHANNELS * SIDE {
            sheets.row_mut(at / SIDE, at % SIDE).copy_from_slice(&row);
        }
    }
    let [from, slope] = sheets;
    let mut out = slope.clone();
    let packed = Packed::forwards(&weights, &bias);
    let count = SIDE * SIDE * CHANNELS * CHANNELS * WINDOW;
    bound("convolution", count);
    group.bench_function("convolution", |b| b.iter(|| convolve(&packed, black_box(&from), true, &mut out)));
    let (mut weights, mut bias) = (weights, bias);
    bound("slopes of the weights", count);
    group.bench_function("slopes of the weights", |b| {
        b.iter(|| owed(black_box(&from), &slope, &mut weights, &mut bias));
    });
}

fn beams(criterion: &mut Criterion) {
    const SIDE: usize = 128;
    const DETECTORS: usize = 183;
    const ANGLES: usize = 60;
    let mut group = criterion.benchmark_group("beams, 128 x 128 pixels, 60 angles");
    let degrees: Vec<f64> = (0..ANGLES).map(|angle| 3.0 * angle as f64).collect();
    let beam = ParallelBeam::new(SIDE, DETECTORS, &degrees).expect("the sizes are allowed");
    let (mut picture, mut data) = (normals(1, SIDE * SIDE), vec![0.0; beam.data_len()]);
    bound("there", ANGLES * DETECTORS * SIDE);
    group.bench_function("there", |b| b.iter(|| beam.apply(black_box(&picture), &mut data, 1)));
    bound("and back", ANGLES * SIDE * SIDE * 5);
    group.bench_function("and back", |b| b.iter(|| beam.adjoint(black_box(&data), &mut picture, 1)));
}

fn traces(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("traces of 128 x 128 cells");
    let rates: [(f64, f64); TRACES] =
        core::array::from_fn(|k| (1e-3 * (k + 1) as f64, 1e-2 * (k + 1) as f64));
    let ladder = Ladder::new(&rates);
    let mut cells = normals(1, SITES * CELL);
    bound("an event in each", SITES * TRACES * (15 + 4 + 8 + 2));
    group.bench_function("an event in each", |b| {
        b.iter(|| {
            for cell in cells.chunks_exact_mut(CELL) {
                ladder.advance(cell, black_box(33));
                let told = read(cell);
                learn(cell, [1.0 - told[0], -told[1]], 0.2, 0.05);
                ladder.enter(cell, [1.0, 0.0]);
            }
        });
    });
}

fn planes(criterion: &mut Criterion) {
    const FACTOR: usize = 4;
    const CHANNELS: usize = 27;
    let mut group = criterion.benchmark_group("planes and channels");
    let planes: [Vec<f32>; 4] = core::array::from_fn(|seed| normals(seed as u64, SITES));
    let (driven, twin) = ((&*planes[0], &*planes[1]), (&*planes[2], &*planes[3]));
    bound("moments of phases, 128 x 128 with twin", SITES * 16);
    group.bench_function("moments of phases, 128 x 128 with twin", |b| {
        b.iter(|| phase_moments(black_box(driven), Some(twin)));
    });
    let (input, mut out) = (normals(5, CHANNELS), vec![0.0; CHANNELS]);
    let mut decimator = Decimator::new(FACTOR, CHANNELS);
    // Its delay is half of its taps.
    bound("27 channels to a quarter of their rate", CHANNELS * (2 * decimator.delay() + 1));
    group.bench_function("27 channels to a quarter of their rate", |b| {
        b.iter(|| (0..FACTOR).filter(|_| decimator.push(black_box(&input), &mut out)).count());
    });
}

fn squares(criterion: &mut Criterion) {
    const WEIGHTS: usize = 17;
    const DATA: usize = 4_096;
    const SIDE: usize = 64;
    let mut group = criterion.benchmark_group("least squares, float64");
    let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect::<Vec<f64>>();
    let (rows, data) = (wide(normals(1, WEIGHTS * DATA)), wide(normals(2, DATA)));
    bound("a line of 17 weights through 4096 data", 2 * DATA * (WEIGHTS * (WEIGHTS + 1) / 2 + WEIGHTS));
    group.bench_function("a line of 17 weights through 4096 data", |b| {
        b.iter(|| least_squares::line(black_box(&rows), &data));
    });
    let matrix: Vec<f64> =
        (0..SIDE * SIDE)
            .map(|at| {
                if at / SIDE == at % SIDE {
                    2.0
                } else {
                    1.0 / (SIDE + (at / SIDE).abs_diff(at % SIDE)) as f64
                }
            })
            .collect();
    let rights = wide(normals(3, SIDE * SIDE));
    bound("64 equations, 64 right sides", 2 * (SIDE * SIDE * SIDE / 6 + SIDE * SIDE * SIDE));
    group.bench_function("64 equations, 64 right sides", |b| {
        b.iter(|| least_squares::solved(black_box(&matrix), &rights));
    });
}

fn quick() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
}

criterion_group! { name = benches; config = quick(); targets = memory, network, beams, traces, planes, squares }
criterion_main!(benches);
