//! The cost of everything in a tick but the array's step: each kernel alone, each sense and read-out whole, at the
//! default configuration's sizes. A tick is 1 ms; a picture comes every 33 ticks. What is bound by its multiplications has that
//! bound beside it.

// Small counts and values made up here.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

mod common;

use std::hint::black_box;
use std::time::Duration;

use common::bound;
use criterion::{Criterion, criterion_group, criterion_main};
use napot::kernel::blur::Blur;
use napot::kernel::carriers::{self, BLOCK, Bank, LANES, Phasor, Products, VECTORS};
use napot::kernel::grains::{self, Grain};
use napot::kernel::lanes::Instructions;
use napot::kernel::modulation::FILTERS;
use napot::kernel::reduce::{Watched, WindowSums};
use napot::kernel::resample_area::{Axis, area_average, srgb_to_linear};
use napot::kernel::{contrast, gammatone, logarithm, meters, modulation};
use napot::random::Stream;
use napot::readout::electrodes::{ElectrodeParameters, Montage, MontageKind};
use napot::readout::sonify::{Sonifier, SonifyParameters, Voice, Voicing};
use napot::readout::spectrum::Welch;
use napot::sense::cochlea::{Cochlea, CochleaParameters};
use napot::sense::retina::{Retina, RetinaParameters};
use napot::signal::{ArrayId, Burst, FieldView, Frame, SheetShape, Sign, Stamp};
use napot::time::{Tick, Timestamp};
use napot::units::Hertz;
use ndarray::Array3;

const CHANNELS: usize = 128;
const RATES: usize = 32;
const SIDE: usize = 128;
const SITES: usize = SIDE * SIDE;
const VISION: SheetShape = SheetShape { height: SIDE, width: SIDE, bands: 8 };
const HEARING: SheetShape = SheetShape { height: CHANNELS, width: RATES, bands: 8 };
const BANDS_HZ: [f64; 8] = [0.75, 1.5, 3.0, 6.0, 12.0, 24.0, 48.0, 96.0];

fn normals(seed: u64, count: usize) -> Vec<f32> {
    let mut draw = Stream::new(seed, 0);
    (0..count).map(|_| draw.normal() as f32).collect()
}

fn cochlea(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cochlea, a tick");
    let centres = gammatone::erb_spaced(Hertz(50.0), Hertz(16_000.0), CHANNELS);
    let filters = gammatone::Coefficients::new(&centres, 48_000);
    let mut state = gammatone::State::new(&filters);
    let sound = normals(1, 2 * BLOCK);
    let ears = [0, 1].map(|ear| core::array::from_fn(|n| 0.1 * sound[ear * BLOCK + n]));
    let mut power = vec![0.0; CHANNELS];
    // A frame takes 2 for the carrier, 8 for the stages and 2 for the power; a block 16 to turn.
    bound("gammatone filters, both ears", 2 * CHANNELS * (12 * BLOCK + 16));
    group.bench_function("gammatone filters, both ears", |b| {
        b.iter(|| gammatone::power(&filters, &mut state, black_box(&ears), &mut power));
    });
    let mut level = vec![0.0; CHANNELS];
    // A logarithm takes 9.
    bound("levels", CHANNELS * (9 + 1));
    group.bench_function("levels", |b| {
        b.iter(|| logarithm::decibels(black_box(&power), 1e-8, -85.0, &mut level));
    });
    let rates: Vec<Hertz> =
        (0..RATES).map(|c| Hertz(libm::exp2(6.0 * c as f64 / (RATES - 1) as f64))).collect();
    let filters = modulation::Coefficients::new(&rates, 1_000);
    let mut state = modulation::State::new(CHANNELS);
    let envelope: Vec<f32> = power.iter().map(|p| p.sqrt()).collect();
    let mut drive = vec![0.0; CHANNELS * RATES];
    bound("modulation filters", CHANNELS * (1 + FILTERS * (15 + 1 + RATES)));
    group.bench_function("modulation filters", |b| {
        b.iter(|| modulation::amplitudes(&filters, &mut state, black_box(&envelope), 1.0, &mut drive));
    });
    let mut whole =
        Cochlea::new(&CochleaParameters::default(), ArrayId(1)).expect("the defaults are allowed");
    let frames = core::array::from_fn(|n| [ears[0][n], ears[1][n]]);
    let mut bursts = Vec::with_capacity(4_096);
    let mut tick = Tick(0);
    group.bench_function("whole", |b| {
        b.iter(|| {
            bursts.clear();
            whole.tick(tick, black_box(&frames), &mut bursts);
            tick = tick.next();
        });
    });
}

fn readout(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read-outs, a tick");
    let planes: Vec<Vec<f32>> = (0..4).map(|seed| normals(seed, SITES)).collect();
    let (driven, twin) = ((&*planes[0], &*planes[1]), (&*planes[2], &*planes[3]));
    // 8 of a site are an inverse root; the logarithms of bits come on top.
    bound("meters, 128 x 128 with twin", 16 * SITES);
    group.bench_function("meters, 128 x 128 with twin", |b| {
        b.iter(|| meters::compare(black_box(driven), black_box(twin), 0.7));
    });
    bound("meters, 128 x 128 without twin", 12 * SITES);
    group.bench_function("meters, 128 x 128 without twin", |b| b.iter(|| meters::phasors(black_box(driven))));
    let parameters = ElectrodeParameters::default();
    let montage = Montage::on_sheet(MontageKind::TenTwenty19, VISION, &parameters, &[1.0; 8])
        .expect("the defaults are allowed");
    let mut sums = WindowSums::new(montage.windows(), VISION.bands);
    let with = Instructions::best();
    group.bench_function("sums of 19 electrodes, a band of 128 x 128", |b| {
        b.iter(|| sums.take(with, montage.windows(), 0, black_box(driven)));
    });
    let mut microvolts = vec![0.0; 19];
    let carriers = [[0.6, 0.8]; VISION.bands];
    group.bench_function("19 electrodes from their sums", |b| {
        b.iter(|| montage.read(&Watched { sums: &sums, carriers: black_box(&carriers) }, &mut microvolts));
    });
    let mut welch = Welch::new(27, 1_000);
    let sample = normals(6, 27);
    group.bench_function("spectra of 27 electrodes", |b| b.iter(|| welch.push(black_box(&sample))));
}

fn field(shape: SheetShape, seed: u64) -> [Array3<f32>; 2] {
    [0, 1].map(|part| {
        let values = normals(seed + part, shape.bands * shape.sites());
        Array3::from_shape_vec((shape.bands, shape.height, shape.width), values).expect("the sizes agree")
    })
}

fn carrier_kernels(criterion: &mut Criterion) {
    const COUNT: usize = 2_048;
    const SUBBANDS: usize = 144;
    let mut group = criterion.benchmark_group("sound, a tick");
    let words: Vec<u32> = (0..COUNT as u32).map(|c| c.wrapping_mul(2_654_435_761)).collect();
    let values: Vec<Vec<f32>> = (0..4).map(|seed| normals(seed, COUNT)).collect();
    let bank = Bank {
        increment: &words,
        phase: &words,
        left: &values[0],
        right: &values[1],
        power_bound: &[9.0; COUNT],
    };
    let [mut a, mut b, mut c, mut d] = [0; 4].map(|_| vec![0.0; COUNT]);
    let mut products = Products { left_re: &mut a, left_im: &mut b, right_re: &mut c, right_im: &mut d };
    let mut tick = 0;
    // A sine takes 7.
    bound("2048 carriers modulated", COUNT * (2 + 2 * 7 + 10));
    group.bench_function("2048 carriers modulated", |b| {
        b.iter(|| {
            tick += 1;
            carriers::modulate(tick, &bank, black_box(&values[2]), &values[3], &mut products);
        });
    });
    // Carriers lie evenly per octave, sub-bands evenly per hertz.
    let ends: Vec<u32> = (1..=SUBBANDS)
        .map(|s| (COUNT as f64 * libm::log2(1.0 + s as f64) / libm::log2(1.0 + SUBBANDS as f64)) as u32)
        .collect();
    let mut sums = vec![[0.0; 4]; SUBBANDS];
    group.bench_function("144 sub-bands gathered", |b| {
        b.iter(|| carriers::gather_subbands(black_box(&products), &ends, &mut sums));
    });
    let phasors: Vec<Phasor> = vec![[[0.6; LANES], [0.8; LANES]]; VECTORS * SUBBANDS];
    let before = sums.clone();
    let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
    bound("144 sub-bands carried", SUBBANDS * BLOCK * 8);
    group.bench_function("144 sub-bands carried", |b| {
        b.iter(|| carriers::carry(black_box(&phasors), &before, &sums, &mut left, &mut right));
    });
    let grain = Grain { increment: 89_478_485, window: 4_473_924, frames: 480, level: [0.5, 0.25] };
    bound("48 grains", 48 * BLOCK * (2 * 7 + 5));
    group.bench_function("48 grains", |b| {
        b.iter(|| {
            for age in 0..48 {
                grains::add(black_box(&grain), age, false, &mut left, &mut right);
            }
        });
    });
}

fn sound(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sound, a tick");
    let pitches: Vec<f64> = (0..CHANNELS).map(|row| 50.0 * libm::exp2(row as f64 / 16.0)).collect();
    let voices = [
        Voice { shape: VISION, voicing: Voicing::Picture },
        Voice { shape: HEARING, voicing: Voicing::Pitches(&pitches) },
    ];
    let fields = [field(VISION, 1), field(HEARING, 2)];
    let views = fields.each_ref().map(|[re, im]| FieldView::still(re.view(), im.view()));
    let bursts: Vec<Burst> = (0..64)
        .map(|n| Burst {
            time: Timestamp(0),
            array: ArrayId((n % 2) as u8),
            site: n * 61,
            sign: Sign::On,
            phase: 0.0,
            magnitude: 1.0,
            surprisal_bits: 8.0,
        })
        .collect();
    for (name, bursts) in [("whole, at rest", &bursts[..0]), ("whole, 64 bursts in each", &bursts[..])] {
        let parameters = SonifyParameters::default();
        let mut sonifier =
            Sonifier::new(&parameters, &voices, &[1.0; 8], &BANDS_HZ, 1).expect("the defaults are allowed");
        let mut out = [[0.0; 2]; BLOCK];
        let mut tick = Tick(0);
        group.bench_function(name, |b| {
            b.iter(|| {
                sonifier.tick(tick, &views, bursts, &mut out);
                tick = tick.next();
            });
        });
    }
}

/// A bright square that moves over a grey slope.
fn picture(number: u64) -> Frame {
    let (width, height) = (256, 256);
    let at = (number * 5 % 200) as usize;
    let inside = |x: usize, y: usize| (at..at + 40).contains(&x) && (90..150).contains(&y);
    let pixel = |x, y| if inside(x, y) { [250, 180, 40] } else { [(x / 2) as u8, (y / 2) as u8, 70] };
    let rgb = (0..width * height).flat_map(|i| pixel(i % width, i / width)).collect();
    let stamp = Stamp::recorded(Timestamp::from_count(number, 30));
    Frame { stamp, sequence: number, width, height, rgb }
}

fn retina(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("retina, a picture of 256 x 256");
    let pictures: Vec<Frame> = (0..40).map(picture).collect();
    let (axis, table) = (Axis::new(256, 0.0, 256.0, SIDE), srgb_to_linear());
    let (mut row, mut light) = (vec![[0.0; 3]; SIDE], vec![[0.0; 3]; SITES]);
    group.bench_function("area average", |b| {
        b.iter(|| {
            area_average(&table, black_box(&pictures[0].rgb), 256, (&axis, &axis), &mut row, &mut light);
        });
    });
    let mut log = vec![0.0; SITES];
    bound("log-luminance", SITES * (3 + 9 + 1));
    group.bench_function("log-luminance", |b| {
        b.iter(|| contrast::log_luminance(black_box(&light), [0.2126, 0.7152, 0.0722], 0.007, &mut log));
    });
    let mut surround = Blur::new(vec![0.1; 10], SIDE, SIDE);
    let mut out = vec![0.0; SITES];
    // Along rows, then along columns, a centre and 9 pairs each.
    bound("surround", SITES * 2 * 10);
    group.bench_function("surround", |b| b.iter(|| surround.apply(black_box(&log), &mut out)));
    group.bench_function("changes of luminance", |b| {
        b.iter(|| contrast::distances(black_box(&log), 0.1, 0.2, &mut out));
    });
    let references = vec![[0.1, 0.2]; SITES];
    bound("changes of colour", SITES * 7);
    group.bench_function("changes of colour", |b| {
        b.iter(|| contrast::chroma_distances(black_box(&light), 0.007, &references, 0.1, &mut out));
    });
    let mut whole =
        Retina::new(&RetinaParameters::default(), SIDE, SIDE, ArrayId(0)).expect("the defaults are allowed");
    let mut number = 0;
    let mut bursts = 0;
    group.bench_function("whole", |b| {
        b.iter(|| {
            whole.encode(&pictures[number % pictures.len()], &mut |_| bursts += 1);
            number += 1;
        });
    });
}

fn quick() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
}

criterion_group! { name = benches; config = quick(); targets = cochlea, readout, carrier_kernels, sound, retina }
criterion_main!(benches);
