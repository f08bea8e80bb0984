//! The GPU against the processor: words to the bit, states within the tolerance, variances within chance.

use wgpu::{BufferBindingType, BufferUsages};

use super::array::fetch;
use super::device::{Shader, bound, buffer, layout, table};
use super::record;
use super::*;
use crate::array::{Array, ArrayParameters};
use crate::kernel::lattice::{BandStep, Factors};
use crate::kernel::noise::{NoiseKey, RoundKeys, words_at_site};
use crate::kernel::team::Team;
use crate::random::split;
use crate::signal::{ArrayId, Burst, FieldView, SheetShape, Sign};
use crate::time::{Tick, Timestamp};
use crate::units::Hertz;

/// An adapter that computes on the processor, so that every machine judges by the same one; else whichever is there.
fn gpu() -> Option<Gpu> {
    let found = Gpu::find(Which::Software).or_else(|_| Gpu::find(Which::Fastest));
    found.inspect_err(|error| eprintln!("SKIPPED: tests of the GPU: {error}")).ok()
}

/// Both arrays, made alike.
fn pair(gpu: &Gpu, side: (usize, usize), parameters: &ArrayParameters) -> (Array, GpuArray) {
    let (height, width) = side;
    let id = ArrayId(3);
    let seed = 0x1234_5678_9ABC_DEF0;
    (
        Array::new(id, height, width, parameters, seed, 1).unwrap(),
        GpuArray::new(gpu, id, height, width, parameters, seed).unwrap(),
    )
}

/// The largest difference of a part per band, in units of the band's tonic rms.
fn differences(one: FieldView<'_>, other: FieldView<'_>, variances: &[f64]) -> Vec<f64> {
    let largest = |a: &[f32], b: &[f32]| {
        let apart = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs());
        // Not `f64::max`, which would pass over what is no number.
        apart.fold(0.0, |most: f64, apart| if apart <= most { most } else { apart })
    };
    let of = |(band, variance): (usize, &f64)| {
        let ((a, b), (c, d)) = (one.band(band), other.band(band));
        largest(a, c).max(largest(b, d)) / variance.sqrt()
    };
    variances.iter().enumerate().map(of).collect()
}

fn burst(site: u64, phase: f32, magnitude: f32) -> Burst {
    Burst {
        time: Timestamp::ZERO,
        array: ArrayId(3),
        site: site as u32,
        sign: if site.is_multiple_of(2) { Sign::On } else { Sign::Off },
        phase,
        magnitude,
        surprisal_bits: 5.0,
    }
}

/// How hard both arrays are driven.
#[derive(Clone, Copy, PartialEq)]
enum Drive {
    /// Some bursts at different sites, and levels within the tonic rms, which end.
    Sparse,
    /// Bursts upon bursts at one site, up to the ceiling, and levels of several times the tonic rms.
    Hard,
}

/// What is told before a tick: bursts, then levels where there are new ones.
fn told(drive: Drive, tick: u64, sites: u64) -> (Vec<Burst>, Option<Vec<f32>>) {
    let mut bursts = Vec::new();
    let ramp = |most: f32| (0..sites).map(|site| most * (site % 4) as f32 / 3.0).collect();
    match drive {
        Drive::Sparse => {
            if tick % 20 == 3 {
                let count = sites.div_ceil(16).min(6);
                bursts.extend((0..count).map(|n| burst((tick * 31 + n * 17) % sites, 0.4 * n as f32, 1.0)));
                // Neither is taken.
                bursts.extend([burst(sites, 0.0, 1.0), burst(0, f32::NAN, 1.0)]);
            }
            let level = if tick < 120 { 1.0 } else { 0.0 };
            (bursts, (tick % 60 == 10).then(|| ramp(level)))
        }
        Drive::Hard => {
            if tick % 5 == 2 {
                for n in 0..8 {
                    bursts.push(burst(tick * 31 % sites, 0.4 * n as f32, 1.0 + n as f32));
                    bursts.push(burst((tick * 17 + n * 5) % sites, 0.0, 2.0));
                }
            }
            (bursts, (tick == 4).then(|| ramp(4.5)))
        }
    }
}

/// Steps both for `ticks`, told alike, and gives the differences of driven and twin at the end.
fn compare(
    gpu: &Gpu,
    side: (usize, usize),
    parameters: &ArrayParameters,
    (drive, ticks): (Drive, u64),
) -> [Vec<f64>; 2] {
    let (mut array, mut on_gpu) = pair(gpu, side, parameters);
    let rate = |column: usize| Hertz(0.75 * 1.7_f64.powf((column % 9) as f64));
    array.tune_columns(rate);
    on_gpu.tune_columns(rate);
    let mut team = Team::new(1);
    for tick in 0..ticks {
        let (bursts, levels) = told(drive, tick, array.shape().sites() as u64);
        for burst in &bursts {
            array.strike(burst);
            on_gpu.strike(burst);
        }
        if let Some(levels) = levels {
            array.sustain(&levels);
            on_gpu.sustain(&levels);
        }
        array.step(Tick(tick), &mut team);
        on_gpu.step(Tick(tick)).unwrap();
        if tick == ticks / 3 {
            // Reading in between changes nothing.
            on_gpu.read().unwrap();
        }
    }
    on_gpu.read().unwrap();
    assert_eq!(on_gpu.refused(), array.refused());
    let view = array.field();
    assert_eq!(view.carriers, on_gpu.field().carriers);
    let driven = differences(view, on_gpu.field(), array.band_variances());
    let twin = array.twin().zip(on_gpu.twin());
    assert_eq!(twin.is_some(), parameters.twin);
    let twin = twin.map(|(one, other)| differences(one, other, array.band_variances()));
    [driven, twin.unwrap_or_default()]
}

fn within_tolerance(what: &str, differences: &[Vec<f64>; 2]) {
    let most = differences.iter().flatten().fold(0.0_f64, |most, value| most.max(*value));
    println!("{what}: {most:.1e} of the tonic rms");
    assert!(differences.iter().flatten().all(|value| *value <= TOLERANCE), "{what}: {differences:?}");
}

#[test]
fn the_words_of_the_noise_are_the_processors_to_the_bit() {
    let Some(gpu) = gpu() else { return };
    for (height, width) in [(1, 1), (3, 5), (17, 17), (5, 100), (37, 64)] {
        let shape = SheetShape { height, width, bands: 1 };
        let key = NoiseKey { seed: [7, 9], tick: split(0x1_0000_0003), lane: 3 << 16 | 2 };
        let keys = RoundKeys::new(key.seed);
        let numbers = Factors::new(&BandStep::default()).numbers();
        let record = record::of_band(shape, 0, key.lane, &numbers, keys.rounds());
        let record = record::at_tick(record, key.tick, 0);
        let groups = record::groups(shape);
        let usage = BufferUsages::COPY_DST | BufferUsages::COPY_SRC;
        let of = &gpu.device;
        let records = buffer(of, record::BYTES as u64, usage | BufferUsages::UNIFORM);
        let constants = buffer(of, 1_024, usage | BufferUsages::STORAGE);
        let drawn = buffer(of, groups as u64 * 32, usage | BufferUsages::STORAGE);
        let storage = |read_only| BufferBindingType::Storage { read_only };
        let bindings = layout(of, &[BufferBindingType::Uniform, storage(true), storage(false)]);
        // The noise with another end: what it draws instead of a step.
        let text = concat!(include_str!("noise.wgsl"), include_str!("words.wgsl"));
        let pipeline = Shader::new(of, text, &[&bindings]).entry(of, "draw", &[]);
        gpu.queue.write_buffer(&records, 0, bytemuck::cast_slice(&record));
        gpu.queue.write_buffer(&constants, 0, bytemuck::cast_slice(&table()));
        let group = bound(of, &bindings, &[&records, &constants, &drawn]);
        let mut encoder = of.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &group, &[0]);
            pass.dispatch_workgroups((groups as u32).div_ceil(256), 1, 1);
        }
        gpu.queue.submit([encoder.finish()]);
        let staging = buffer(of, drawn.size(), BufferUsages::MAP_READ | BufferUsages::COPY_DST);
        let mut words = Vec::new();
        fetch(&gpu, &staging, &[&drawn], |_, values| {
            words.extend(values.iter().map(|value| value.to_bits()));
        })
        .unwrap();
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let at = (y * record::groups_in_row(shape) + x / 4) * 8 + x % 4;
            let expected = words_at_site(&key, &keys, width, y, x);
            assert_eq!([words[at], words[at + 4]], expected, "{height} x {width}: site {y}, {x}");
        }
    }
}

#[test]
fn the_state_is_the_processors_within_the_tolerance_whatever_the_shape() {
    let Some(gpu) = gpu() else { return };
    println!("{:?}", gpu.facts());
    for side in [(1, 1), (3, 5), (17, 17), (64, 64), (37, 100)] {
        for twin in [false, true] {
            let parameters = ArrayParameters { twin, ..Default::default() };
            let what = format!("{} x {}, twin {twin}", side.0, side.1);
            within_tolerance(&what, &compare(&gpu, side, &parameters, (Drive::Sparse, 200)));
            within_tolerance(&format!("{what}, hard"), &compare(&gpu, side, &parameters, (Drive::Hard, 16)));
        }
    }
}

#[test]
fn a_hard_drive_parts_it_from_the_processor_no_sooner_than_the_processor_from_itself() {
    let Some(gpu) = gpu() else { return };
    let parameters = ArrayParameters { twin: false, ..Default::default() };
    let (mut array, mut on_gpu) = pair(&gpu, (17, 17), &parameters);
    let (mut beside, _) = pair(&gpu, (17, 17), &parameters);
    let mut team = Team::new(1);
    let mut grown = 0.0_f64;
    for tick in 0..120 {
        let (bursts, levels) = told(Drive::Hard, tick, 289);
        for burst in &bursts {
            array.strike(burst);
            beside.strike(burst);
            on_gpu.strike(burst);
        }
        if let Some(levels) = levels {
            array.sustain(&levels);
            beside.sustain(&levels);
            on_gpu.sustain(&levels);
        }
        // As much as rounding.
        (0..289).for_each(|site| beside.push_site(site, 1e-6, 0.0));
        array.step(Tick(tick), &mut team);
        beside.step(Tick(tick), &mut team);
        on_gpu.step(Tick(tick)).unwrap();
        on_gpu.read().unwrap();
        let most = |view: FieldView<'_>| {
            differences(array.field(), view, array.band_variances()).into_iter().fold(0.0, f64::max)
        };
        let (apart, own) = (most(on_gpu.field()), most(beside.field()));
        assert!(apart <= 30.0 * own.max(1e-6), "tick {tick}: {apart:.1e} against {own:.1e}");
        grown = grown.max(own);
    }
    println!("17 x 17, hard: the processor parts from itself by {grown:.1e} of the tonic rms");
    assert!(grown > TOLERANCE, "hard enough to be chaotic: {grown:.1e}");
}

#[test]
fn other_parameters_are_within_the_tolerance_too() {
    let Some(gpu) = gpu() else { return };
    let plain = ArrayParameters::default();
    for (what, parameters) in [
        ("every band at every tick", ArrayParameters { steps_per_cycle: 1e6, ..plain.clone() }),
        ("one band", ArrayParameters { bands: 1, lowest_hz: 10.0, ..plain.clone() }),
        ("slow bands alone", ArrayParameters { bands: 3, lowest_hz: 0.5, ..plain.clone() }),
        ("no saturation, no cascade", ArrayParameters { saturation: 0.0, kappa: 0.0, ..plain.clone() }),
        ("no spread", ArrayParameters { diffusion: 0.0, ..plain.clone() }),
        ("long pulses", ArrayParameters { burst_ms: 1_000.0, ..plain.clone() }),
        ("no noise", ArrayParameters { tonic: 0.0, ..plain }),
    ] {
        within_tolerance(what, &compare(&gpu, (9, 14), &parameters, (Drive::Sparse, 200)));
        within_tolerance(&format!("{what}, hard"), &compare(&gpu, (9, 14), &parameters, (Drive::Hard, 16)));
    }
}

#[test]
fn a_drive_that_the_processor_does_not_have_is_seen() {
    let Some(gpu) = gpu() else { return };
    let (mut array, mut on_gpu) = pair(&gpu, (3, 5), &ArrayParameters::default());
    on_gpu.push_site(7, 0.1, 0.0);
    array.step(Tick(0), &mut Team::new(1));
    on_gpu.step(Tick(0)).unwrap();
    on_gpu.read().unwrap();
    let apart = differences(array.field(), on_gpu.field(), array.band_variances());
    assert!(apart[7] > 10.0 * TOLERANCE, "{apart:?}");
    assert!(differences(array.field(), array.field(), array.band_variances()).iter().all(|d| *d == 0.0));
}

#[test]
fn many_ticks_in_one_submission_are_the_same_as_one_at_a_time() {
    let Some(gpu) = gpu() else { return };
    let parameters = ArrayParameters::default();
    let run = |each: bool| {
        let (_, mut array) = pair(&gpu, (5, 21), &parameters);
        for tick in 0..700 {
            let (bursts, levels) = told(Drive::Sparse, tick, 105);
            for burst in &bursts {
                array.strike(burst);
            }
            if let Some(levels) = levels {
                array.sustain(&levels);
            }
            array.step(Tick(tick)).unwrap();
            if each {
                array.finish().unwrap();
            }
        }
        array.read().unwrap();
        let bands = (0..parameters.bands).map(|band| array.field().band(band).0.to_vec());
        bands.collect::<Vec<_>>()
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn variances_over_a_long_run_are_the_processors() {
    let Some(gpu) = gpu() else { return };
    // Chaotic: the paths part within seconds, so that only the statistics can agree.
    let parameters = ArrayParameters { kappa: 3.0, twin: false, ..Default::default() };
    let (mut array, mut on_gpu) = pair(&gpu, (32, 32), &parameters);
    let mut team = Team::new(1);
    // Twentieths of the run, whose scatter says how well a mean is known.
    let (parts, ticks) = (20, 1_000);
    let mut means = vec![[vec![0.0; parts], vec![0.0; parts]]; parameters.bands];
    for tick in 0..parts as u64 * ticks {
        array.step(Tick(tick), &mut team);
        on_gpu.step(Tick(tick)).unwrap();
        if tick % 25 == 24 {
            on_gpu.read().unwrap();
            for (band, means) in means.iter_mut().enumerate() {
                for (view, means) in [array.field(), on_gpu.field()].into_iter().zip(means) {
                    let (re, im) = view.band(band);
                    let sum: f64 = re.iter().chain(im).map(|x| f64::from(*x).powi(2)).sum();
                    means[(tick / ticks) as usize] += sum / 1_024.0 / (ticks / 25) as f64;
                }
            }
        }
    }
    let apart = differences(array.field(), on_gpu.field(), array.band_variances());
    println!("differences at the end: {apart:?}");
    assert!(apart.iter().any(|apart| *apart > 0.1), "the paths have parted: {apart:?}");
    for (band, (means, variance)) in means.iter().zip(array.band_variances()).enumerate() {
        let each: Vec<f64> = means[0].iter().zip(&means[1]).map(|(a, b)| (b - a) / variance).collect();
        let mean = each.iter().sum::<f64>() / parts as f64;
        let scatter = each.iter().map(|apart| (apart - mean).powi(2)).sum::<f64>() / (parts - 1) as f64;
        let error = (scatter / parts as f64).sqrt();
        println!("band {band}: variance off by {mean:+.5}, standard error {error:.5}");
        assert!(mean.abs() < 4.0 * error + 1e-4, "band {band}: {mean} +- {error}");
        assert!(error < 0.02, "band {band}: known well enough: {error}");
    }
}

#[test]
fn a_sheet_that_cannot_be_is_refused_by_its_size() {
    let Some(gpu) = gpu() else { return };
    let refused = |height, width| {
        let made = GpuArray::new(&gpu, ArrayId(0), height, width, &ArrayParameters::default(), 1);
        made.err().unwrap().to_string()
    };
    assert!(refused(0, 5).contains("0 x 5 (allowed: 1 x 1 to 4096 x 4096)"));
    assert!(refused(5_000, 5_000).contains("5000 x 5000"));
}
