//! What a listener would notice: pink silence, grains where something happens, nothing that hurts.

use super::measure::{
    BANDS_HZ, TonicField, largest_step, listen, pair, pair_of, peak, rms_db, slope, spectrum, third_octaves,
};
use super::*;
use crate::random::Stream;
use crate::signal::{ArrayId, Sign};
use crate::time::Timestamp;

const VISION: SheetShape = SheetShape { height: 128, width: 128, bands: 8 };
const HEARING: SheetShape = SheetShape { height: 128, width: 32, bands: 8 };

/// The sound as it is made, at no held loudness.
fn plain() -> SonifyParameters {
    SonifyParameters { loudness_lufs: 0.0, ..SonifyParameters::default() }
}

fn ear_hz() -> Vec<f64> {
    (0..128).map(|row| 50.0 * libm::pow(320.0, f64::from(row) / 127.0)).collect()
}

fn voices(pitches: &[f64]) -> [Voice<'_>; 2] {
    [
        Voice { shape: VISION, voicing: Voicing::Picture },
        Voice { shape: HEARING, voicing: Voicing::Pitches(pitches) },
    ]
}

fn burst(tick: u64, array: u8, site: usize, sign: Sign, bits: f32) -> Burst {
    Burst {
        time: Timestamp(i64::try_from(tick).unwrap() * 1_000_000),
        array: ArrayId(array),
        site: site as u32,
        sign,
        phase: 0.0,
        magnitude: 1.0,
        surprisal_bits: bits,
    }
}

fn side(sound: &[[f32; 2]], side: usize) -> Vec<f32> {
    sound.iter().map(|f| f[side]).collect()
}

fn quiet(_: u64) -> Vec<Burst> {
    Vec::new()
}

/// A sonifier whose field is silent, so that only grains sound.
fn grains_only(pitches: &[f64]) -> (Sonifier, TonicField) {
    let (sonifier, mut field) = pair(&SonifyParameters { fade_in_ms: 10, ..plain() }, &voices(pitches), 1);
    field.poison(0.0);
    field.swell = 0.0;
    (sonifier, field)
}

#[test]
fn silence_is_pink_in_every_third_of_an_octave_left_right_and_together() {
    let pitches = ear_hz();
    let (mut sonifier, mut field) = pair(&plain(), &voices(&pitches), 1);
    // The slow bands' lines are half a hertz wide: in 20 s, chance alone moves a third of an octave by 0.3 dB.
    let sound = listen(&mut sonifier, &mut field, 0..61_000, quiet);
    let steady = &sound[48_000..];
    assert!((rms_db(steady) + 24.0).abs() < 0.5, "steady level {}", rms_db(steady));
    assert!((rms_db(&sound[..48_000]) + 24.0).abs() < 2.0, "first second {}", rms_db(&sound[..48_000]));
    assert!(peak(steady) < 0.4, "peak {}", peak(steady));
    assert!(largest_step(&sound) < 0.25, "largest step {}", largest_step(&sound));
    let mono: Vec<f32> = steady.iter().map(|f| 0.5 * (f[0] + f[1])).collect();
    for (name, samples) in [("left", side(steady, 0)), ("right", side(steady, 1)), ("mono", mono)] {
        let bands = third_octaves(&samples, -10..=8);
        let (slope, worst) = slope(&bands);
        assert!((slope + 3.01).abs() < 0.15, "{name}: {slope} dB per octave, {bands:?}");
        assert!(worst < 0.5, "{name}: {worst} dB off the line, {bands:?}");
        // Beyond the line the sound rolls off: never a bump, and nothing much where speakers strain.
        let ends = third_octaves(&samples, -15..=13);
        let over = |p: &(f64, f64)| p.1 - bands[10].1 + 3.01 * libm::log2(p.0 / bands[10].0);
        assert!(ends.iter().all(|p| over(p) < 0.6), "{name}: {ends:?}");
        assert!(over(&ends[0]) < -10.0, "{name}: 31 Hz at {}", over(&ends[0]));
    }
}

#[test]
fn other_exponents_tilt_the_sound_by_their_bands() {
    let sheet = [Voice { shape: SheetShape { height: 64, width: 64, bands: 8 }, voicing: Voicing::Picture }];
    let variances: Vec<f32> = BANDS_HZ.iter().map(|f| libm::pow(*f, -0.5) as f32).collect();
    let (mut sonifier, mut field) = pair_of(&plain(), &sheet, &variances, 5);
    let sound = listen(&mut sonifier, &mut field, 0..9_000, quiet);
    let (slope, _) = slope(&third_octaves(&side(&sound[48_000..], 0), -10..=8));
    assert!((slope + 4.5).abs() < 0.4, "{slope} dB per octave");
    assert!((rms_db(&sound[48_000..]) + 24.0).abs() < 2.0);
}

#[test]
fn a_tiny_sheet_sounds_pink_too() {
    let sheet = [Voice { shape: SheetShape { height: 8, width: 8, bands: 8 }, voicing: Voicing::Picture }];
    let (mut sonifier, mut field) = pair(&plain(), &sheet, 2);
    let sound = listen(&mut sonifier, &mut field, 0..9_000, quiet);
    let (slope, _) = slope(&third_octaves(&side(&sound[48_000..], 0), -10..=8));
    assert!((slope + 3.0).abs() < 0.5, "{slope} dB per octave");
    assert!((rms_db(&sound[48_000..]) + 24.0).abs() < 2.0);
}

#[test]
fn carriers_stand_where_they_stood_after_ten_thousand_years() {
    let pitches = ear_hz();
    let play = |first: u64| {
        let (mut sonifier, mut field) = pair(&plain(), &voices(&pitches), 3);
        listen(&mut sonifier, &mut field, first..first + 600, quiet)
    };
    // The field's noise is keyed by the low word, and so are the carriers' phases: equal bits.
    assert_eq!(play(7), play(7 + (70 << 32)));
}

#[test]
fn a_burst_is_heard_at_its_rows_pitch_and_its_columns_place() {
    let pitches = ear_hz();
    let cases = [
        (1, 60 * 32 + 16, Sign::On, pitches[60]),
        (1, 60 * 32 + 16, Sign::Off, pitches[60] / 2.0),
        (0, 10, Sign::On, 200.0 * libm::pow(20.0, 127.5 / 128.0)),
        (0, 127 * 128 + 120, Sign::On, 200.0 * libm::pow(20.0, 0.5 / 128.0)),
    ];
    for (array, site, sign, hz) in cases {
        let (mut sonifier, mut field) = grains_only(&pitches);
        let sound = listen(&mut sonifier, &mut field, 0..200, |n| {
            if n == 50 { vec![burst(n, array, site, sign, 20.0)] } else { Vec::new() }
        });
        let mut heard = side(&sound, 0);
        heard.iter_mut().zip(side(&sound, 1)).for_each(|(l, r)| *l += r);
        heard.resize(48_000, 0.0);
        let grain = &heard[2_400..7_200];
        let power = spectrum(&[grain, &vec![0.0; 43_200]].concat(), 48_000);
        // The window lies over the second; the grain lies well inside its rise, so its line stays put.
        let top = (0..power.len()).max_by(|&a, &b| power[a].total_cmp(&power[b])).unwrap();
        assert!((top as f64 / hz - 1.0).abs() < 0.02, "heard {top} Hz for {hz:.1} Hz");
        let [left, right] =
            [0, 1].map(|s| rms_db(&side(&sound, s).iter().map(|&x| [x, x]).collect::<Vec<_>>()));
        match (array, site % 128) {
            (0, 10) => assert!(left > right + 15.0, "{left} {right}"),
            (0, _) => assert!(right > left + 15.0, "{left} {right}"),
            _ => assert!((left - right).abs() < 1.0, "{left} {right}"),
        }
    }
}

#[test]
fn a_heard_burst_starts_on_its_own_frame_after_the_declared_delay() {
    let pitches = ear_hz();
    for into in [0, 250_000, 990_000] {
        let (mut sonifier, mut field) = grains_only(&pitches);
        let time = 49_000_000 + into;
        let entered = Timestamp(time).tick_at_or_after().0;
        let sound = listen(&mut sonifier, &mut field, 0..120, |n| {
            let mut bursts =
                if n == entered { vec![burst(n, 1, 100 * 32, Sign::On, 20.0)] } else { Vec::new() };
            for b in &mut bursts {
                b.time = Timestamp(time);
            }
            bursts
        });
        let first = sound.iter().position(|f| f[0].abs() > 1e-7).unwrap();
        // Sound frame n leaves with tick n / 48, whose field is that of the tick's start.
        let due = time as usize * 48 / 1_000_000 + DELAY_FRAMES;
        assert!((due..due + 8).contains(&first), "burst at {time} ns heard at {first}, due {due}");
    }
}

#[test]
fn more_surprise_is_louder_up_to_a_bound() {
    let pitches = ear_hz();
    let loudness = |bits: f32| {
        let (mut sonifier, mut field) = grains_only(&pitches);
        peak(&listen(&mut sonifier, &mut field, 0..100, |n| {
            if n == 20 { vec![burst(n, 1, 40 * 32 + 16, Sign::On, bits)] } else { Vec::new() }
        }))
    };
    let levels = [0.0, 2.0, 8.0, 20.0, 1e9].map(loudness);
    assert!(levels.windows(2).all(|w| w[0] < w[1]), "{levels:?}");
    assert!(levels[0].abs() == 0.0 && levels[4] < 0.2, "{levels:?}");
    assert!(loudness(f32::NAN).abs() == 0.0);
    assert!((loudness(f32::INFINITY) - levels[4]).abs() < 1e-4);
}

fn busy(draw: &mut Stream, n: u64) -> Vec<Burst> {
    let mut bursts = Vec::new();
    let mut add = |array: u8, count: u32, sites: f64| {
        for _ in 0..count {
            let sign = if draw.uniform() < 0.5 { Sign::On } else { Sign::Off };
            let site = (draw.uniform() * sites) as usize;
            bursts.push(burst(n, array, site, sign, draw.between(1.0, 12.0) as f32));
        }
    };
    add(1, 12, 4_096.0);
    if n.is_multiple_of(33) {
        add(0, 4_000, 16_384.0);
    }
    bursts
}

#[test]
fn a_busy_scene_stands_six_to_ten_decibels_above_the_ground_and_never_clicks() {
    let pitches = ear_hz();
    let (mut sonifier, mut field) = pair(&plain(), &voices(&pitches), 4);
    let mut draw = Stream::new(4, 1);
    let sound = listen(&mut sonifier, &mut field, 0..5_000, |n| busy(&mut draw, n));
    let above = rms_db(&sound[48_000..]) + 24.0;
    assert!((6.0..=10.0).contains(&above), "{above} dB above the tonic");
    // Grains of every pitch rise out of the ground, from 125 Hz to 4 kHz.
    let octaves = third_octaves(&side(&sound[48_000..], 0), -9..=6);
    let (mut alone, mut same) = pair(&plain(), &voices(&pitches), 4);
    let ground = third_octaves(&side(&listen(&mut alone, &mut same, 0..5_000, quiet)[48_000..], 0), -9..=6);
    assert!(octaves.iter().zip(&ground).all(|(o, g)| o.1 > g.1 + 1.5), "{octaves:?} {ground:?}");
    assert!(peak(&sound) <= limiter::CEILING && largest_step(&sound) < 0.5, "step {}", largest_step(&sound));
}

#[test]
fn a_flash_swells_the_ground_within_bounds() {
    let pitches = ear_hz();
    let (mut sonifier, mut field) = pair(&plain(), &voices(&pitches), 6);
    listen(&mut sonifier, &mut field, 0..1_000, quiet);
    field.poison(20.0);
    let flash = listen(&mut sonifier, &mut field, 1_000..1_100, quiet);
    assert!(rms_db(&flash) > -22.0 && rms_db(&flash) < -12.0, "{}", rms_db(&flash));
    assert!(peak(&flash) <= limiter::CEILING && largest_step(&flash) < 0.7, "{}", largest_step(&flash));
}

#[test]
fn numbers_that_are_none_never_reach_the_speaker_and_leave_no_trace() {
    let pitches = ear_hz();
    let (mut sonifier, mut field) = pair(&plain(), &voices(&pitches), 7);
    listen(&mut sonifier, &mut field, 0..600, quiet);
    for value in [f32::NAN, f32::INFINITY, f32::MAX] {
        let mut ill = pair(&plain(), &voices(&pitches), 7).1;
        ill.poison(value);
        let sound = listen(&mut sonifier, &mut ill, 600..610, |n| vec![burst(n, 0, 5, Sign::On, f32::NAN)]);
        assert!(sound.iter().flatten().all(|x| x.is_finite() && x.abs() <= limiter::CEILING));
    }
    let after = listen(&mut sonifier, &mut field, 610..1_610, quiet);
    assert!((rms_db(&after) + 24.0).abs() < 1.5);
}

#[test]
fn unknown_arrays_sites_and_shapes_are_silent_not_fatal() {
    let pitches = ear_hz();
    let (mut sonifier, _) = pair(&plain(), &voices(&pitches), 8);
    let small = ndarray::Array3::<f32>::ones((8, 4, 4));
    let view = FieldView::still(small.view(), small.view());
    let mut out = [[1.0; 2]; SAMPLES_PER_TICK];
    for n in 0..100 {
        let strange = [burst(n, 9, 0, Sign::On, 9.0), burst(n, 0, 1 << 20, Sign::On, 9.0)];
        sonifier.tick(Tick(n), &[view], &strange, &mut out);
        sonifier.tick(Tick(n), &[], &[], &mut out);
        assert!(out.iter().flatten().all(|x| x.abs() == 0.0));
    }
}

#[test]
fn the_end_fades_to_exact_silence_in_the_declared_ticks() {
    let pitches = ear_hz();
    let (mut sonifier, mut field) = pair(&plain(), &voices(&pitches), 9);
    listen(&mut sonifier, &mut field, 0..1_000, quiet);
    sonifier.begin_fade_out();
    let ticks = sonifier.fade_out_ticks();
    let end = listen(&mut sonifier, &mut field, 1_000..1_001 + ticks, quiet);
    assert!(sonifier.is_silent());
    assert!(end[end.len() - 48..].iter().flatten().all(|x| x.abs() == 0.0));
    assert!(peak(&end[..480]) > 0.05 && largest_step(&end) < 0.2);
}

#[test]
fn what_cannot_be_heard_is_refused_with_value_and_bound() {
    let parameters = SonifyParameters::default();
    let one = [Voice { shape: VISION, voicing: Voicing::Picture }];
    let refuse = |p: &SonifyParameters, v: &[Voice<'_>], e: &[f32], f: &[f64]| {
        Sonifier::new(p, v, e, f, 1).unwrap_err().to_string()
    };
    let message = refuse(&parameters, &[], &[1.0; 8], &BANDS_HZ);
    assert_eq!(message, "sound: there is no array to listen to: 0 arrays (allowed: at least 1)");
    let message = refuse(&parameters, &one, &[1.0; 7], &BANDS_HZ);
    assert!(message.contains("8 frequencies, 7 variances"), "{message}");
    let message = refuse(&parameters, &one, &[f32::NAN; 8], &BANDS_HZ);
    assert!(message.contains("band 0") && message.contains("NaN"), "{message}");
    let message = refuse(&parameters, &one, &[1.0], &[3.0]);
    assert!(message.contains("16384 sites, 8 bands"), "{message}");
    let short = [Voice { shape: HEARING, voicing: Voicing::Pitches(&[440.0]) }];
    let message = refuse(&parameters, &short, &[1.0; 8], &BANDS_HZ);
    assert_eq!(message, "sound, at array 0: an array needs one pitch per row: 1 (allowed: 128)");
    let low = SonifyParameters { octaves_up: 0, ..plain() };
    let slow = [Voice { shape: SheetShape { bands: 1, ..VISION }, voicing: Voicing::Picture }];
    let message = refuse(&low, &slow, &[1.0], &[0.75]);
    assert!(message.starts_with("sound.octaves_up: no band lands in the range of hearing: 0"), "{message}");
}
