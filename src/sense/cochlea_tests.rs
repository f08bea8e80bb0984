//! What a user would notice of the cochlea.

use super::*;
use crate::random::Stream;

type Block = [[f32; 2]; SAMPLES_PER_TICK];

const TAU: f64 = core::f64::consts::TAU;

fn sine(hertz: f64, sample: usize) -> f64 {
    libm::sin(TAU * hertz * sample as f64 / f64::from(SAMPLE_RATE))
}

/// Hears `ticks` of a mono sound given by its sample number.
fn hear_with(cochlea: &mut Cochlea, ticks: u64, mut sound: impl FnMut(usize) -> f64) -> Vec<Burst> {
    let mut all = Vec::new();
    let mut bursts = Vec::with_capacity(2_048);
    for tick in 0..ticks {
        let block: Block = core::array::from_fn(|n| [sound(tick as usize * SAMPLES_PER_TICK + n) as f32; 2]);
        bursts.clear();
        cochlea.tick(Tick(tick), &block, &mut bursts);
        all.extend_from_slice(&bursts);
    }
    all
}

fn hear(ticks: u64, sound: impl FnMut(usize) -> f64) -> Vec<Burst> {
    hear_with(&mut cochlea(), ticks, sound)
}

fn cochlea() -> Cochlea {
    Cochlea::new(&CochleaParameters::default(), ArrayId(1)).unwrap()
}

fn bits_after_a_second(bursts: &[Burst], seconds: f64) -> f64 {
    let late = bursts.iter().filter(|burst| burst.time.0 >= 1_000_000_000);
    late.map(|burst| f64::from(burst.surprisal_bits)).sum::<f64>() / seconds
}

fn noise(count: usize) -> Vec<f64> {
    let mut stream = Stream::new(4, 0);
    (0..count).map(|_| stream.normal()).collect()
}

/// A struck modal body: partials that ring for about `ring` seconds, two of them beating.
fn struck(seconds: f64, ring: f64) -> f64 {
    if seconds < 0.0 {
        return 0.0;
    }
    [700.0, 711.0, 1_930.0, 3_790.0, 6_200.0].iter().fold(0.0, |sum, hertz| {
        sum + libm::sin(TAU * hertz * seconds) * libm::exp(-seconds * libm::sqrt(hertz / 700.0) / ring)
    })
}

#[test]
fn digital_silence_raises_no_bursts_and_drives_nothing() {
    let mut cochlea = cochlea();
    assert!(hear_with(&mut cochlea, 2_000, |_| 0.0).is_empty());
    assert!(cochlea.sustained().iter().all(|&drive| drive == 0.0));
}

#[test]
fn levels_are_highest_where_a_tone_is_and_0_in_silence() {
    let mut cochlea = cochlea();
    hear_with(&mut cochlea, 300, |_| 0.0);
    assert!(cochlea.levels().iter().all(|&level| level == 0.0));
    hear_with(&mut cochlea, 300, |n| 0.1 * sine(1_000.0, n));
    let (most, level) = cochlea.levels().iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
    assert!((cochlea.centre_of_channel(most).0 - 1_000.0).abs() < 80.0 && *level > 0.8, "{most}: {level}");
    let far = cochlea.levels().iter().filter(|&&level| level == 0.0).count();
    assert!(far > 30, "only {far} pitches are silent beside it");
}

#[test]
fn noise_below_the_floor_is_silence() {
    let noise = noise(48_000);
    assert!(hear(1_000, |n| 5.6e-5 * noise[n]).is_empty());
}

#[test]
fn a_tone_bursts_in_its_own_channels_when_it_begins_and_when_it_ends_and_rests_between() {
    let mut cochlea = cochlea();
    let bursts = hear_with(&mut cochlea, 2_000, |n| {
        if (24_000..72_000).contains(&n) { 0.1 * sine(1_000.0, n) } else { 0.0 }
    });
    let milliseconds = |burst: &Burst| burst.time.0 / 1_000_000;
    let own: Vec<&Burst> = bursts
        .iter()
        .filter(|burst| (cochlea.centre_of_channel(burst.site as usize / 32).0 - 1_000.0).abs() < 40.0)
        .collect();
    assert!(own.iter().any(|burst| burst.sign == Sign::On && (500..505).contains(&milliseconds(burst))));
    assert!(own.iter().any(|burst| burst.sign == Sign::Off && (1_500..1_540).contains(&milliseconds(burst))));
    let resting = bursts.iter().filter(|burst| (700..1_500).contains(&milliseconds(burst))).count();
    assert_eq!(resting, 0);
    assert!(bursts.iter().all(|burst| burst.magnitude >= 1.0 && burst.surprisal_bits >= 0.0));
}

#[test]
fn a_held_tone_costs_fewer_bits_than_a_melody_and_a_melody_fewer_than_noise_bursts() {
    let noise = noise(48_000 * 5);
    let held = hear(5_000, |n| 0.1 * sine(440.0, n));
    let melody = hear(5_000, |n| 0.1 * sine([440.0, 660.0, 550.0, 880.0][n / 12_000 % 4], n));
    let hisses = hear(5_000, |n| if n / 4_800 % 2 == 0 { 0.1 * noise[n] } else { 0.0 });
    let [held, melody, hisses] = [held, melody, hisses].map(|bursts| bits_after_a_second(&bursts, 4.0));
    eprintln!("bits/s: held tone {held:.1}, melody {melody:.0}, noise bursts {hisses:.0}");
    assert!(held < 1.0 && melody > 100.0 && hisses > 2.0 * melody, "{held} {melody} {hisses}");
}

#[test]
fn a_quiet_recording_raises_the_bursts_of_a_loud_one() {
    let noise = noise(48_000 * 2);
    let knocks = |gain: f64| {
        let bursts = hear(2_000, |n| gain * noise[n] * libm::exp(-((n % 14_400) as f64) / 5_000.0));
        let late = bursts.iter().filter(|burst| burst.time.0 > 250_000_000);
        late.map(|burst| burst.magnitude).sum::<f32>()
    };
    let (loud, quiet) = (knocks(0.3), knocks(0.03));
    assert!(loud > 1_000.0 && (quiet / loud - 1.0).abs() < 0.02, "{loud} {quiet}");
}

#[test]
fn every_strike_over_a_ringing_tail_is_heard_at_once_and_the_beating_tail_is_quiet() {
    let strikes = [(0.20, 1.0), (0.75, 0.3), (1.30, 0.1), (1.85, 1.0)];
    let rustle = noise(48_000 * 3);
    let bursts = hear(3_000, |n| {
        let seconds = n as f64 / f64::from(SAMPLE_RATE);
        let sum: f64 = strikes.iter().map(|(at, gain)| gain * struck(seconds - at, 0.25)).sum();
        0.1 * sum + 3e-4 * rustle[n]
    });
    let within = |from: f64, to: f64| {
        let ours = bursts
            .iter()
            .filter(|b| b.sign == Sign::On && b.time.0 as f64 >= 1e9 * from && (b.time.0 as f64) < 1e9 * to);
        ours.map(|burst| burst.magnitude).sum::<f32>()
    };
    for (at, _) in strikes {
        let tail = within(at + 0.1, at + 0.5) / 20.0;
        assert!(
            within(at, at + 0.02) > 30.0 && within(at, at + 0.02) > 8.0 * tail,
            "{at}: {} {tail}",
            within(at, at + 0.02)
        );
    }
}

#[test]
fn a_sound_out_of_phase_between_the_ears_is_heard() {
    let mut cochlea = cochlea();
    let mut bursts = Vec::with_capacity(2_048);
    for tick in 0..50 {
        let block: Block = core::array::from_fn(|n| {
            let x = 0.1 * sine(800.0, tick * SAMPLES_PER_TICK + n) as f32;
            [x, -x]
        });
        cochlea.tick(Tick(tick as u64), &block, &mut bursts);
    }
    assert!(bursts.len() > 20);
}

#[test]
fn a_tone_that_trembles_eight_times_a_second_drives_the_column_of_eight_hertz() {
    let mut cochlea = cochlea();
    let mut strongest = vec![0.0f32; 32];
    let channel = (0..128).min_by(|&a, &b| {
        let off = |c: usize| (cochlea.centre_of_channel(c).0 - 1_000.0).abs();
        off(a).total_cmp(&off(b))
    });
    let row = channel.unwrap() * 32;
    for second in 0..4u64 {
        for tick in 0..1_000 {
            let block: Block = core::array::from_fn(|n| {
                let sample = (second * 1_000 + tick) as usize * SAMPLES_PER_TICK + n;
                [(0.1 * (1.0 + 0.5 * sine(8.0, sample)) * sine(1_000.0, sample)) as f32; 2]
            });
            cochlea.tick(Tick(second * 1_000 + tick), &block, &mut Vec::with_capacity(512));
            let row = &cochlea.sustained()[row..row + 32];
            if second == 3 {
                strongest.iter_mut().zip(row).for_each(|(most, &now)| *most = most.max(now));
            }
        }
    }
    let fast = |column: &usize| cochlea.rate_of_column(*column).0 > 2.5;
    let best = (0..32).filter(fast).max_by(|&a, &b| strongest[a].total_cmp(&strongest[b])).unwrap();
    assert!((cochlea.rate_of_column(best).0 / 8.0 - 1.0).abs() < 0.15, "{best}: {strongest:?}");
    assert!(strongest[0] > strongest[best], "the level itself is in the slowest column");
    assert!((cochlea.rate_of_column(0).0, cochlea.rate_of_column(31).0) == (1.0, 64.0));
}

#[test]
fn a_full_list_is_never_grown_and_what_is_refused_is_counted() {
    let mut cochlea = cochlea();
    let mut bursts = Vec::with_capacity(3);
    let noise = noise(SAMPLES_PER_TICK);
    let block: Block = core::array::from_fn(|n| [noise[n] as f32; 2]);
    cochlea.tick(Tick(0), &block, &mut bursts);
    assert_eq!((bursts.len(), bursts.capacity()), (3, 3));
    assert!(cochlea.refused() > 0);
}

#[test]
fn samples_that_are_no_numbers_are_silence_and_wild_ones_stay_finite() {
    assert!(hear(100, |n| if n % 2 == 0 { f64::NAN } else { f64::INFINITY }).is_empty());
    let bursts = hear(200, |n| if n % 3 == 0 { 1e30 } else { -1e30 });
    assert!(!bursts.is_empty());
    assert!(bursts.iter().all(|burst| burst.magnitude.is_finite() && burst.surprisal_bits.is_finite()));
}

#[test]
fn the_declared_delay_bounds_the_time_to_the_first_burst() {
    for hertz in [60.0, 300.0, 4_000.0] {
        let bursts = hear(1_000, |n| if n >= 24_000 { 0.1 * sine(hertz, n) } else { 0.0 });
        let first = bursts[0].time.0 - 500_000_000;
        let bound = cochlea().delay().as_nanos();
        assert!(first >= 0 && (first as u128) <= bound, "{hertz} Hz: {first} ns, declared {bound} ns");
    }
}

#[test]
fn a_value_out_of_bounds_is_named_with_its_bound() {
    let parameters = CochleaParameters { channels: 4, ..CochleaParameters::default() };
    let message = Cochlea::new(&parameters, ArrayId(0)).unwrap_err().to_string();
    assert_eq!(message, "hearing.cochlea.channels: the value is out of range: 4 (allowed: 8 to 1024)");
    let parameters = CochleaParameters { low_hz: 900.0, high_hz: 900.0, ..CochleaParameters::default() };
    assert!(parameters.check().unwrap_err().to_string().contains("below high_hz = 900"));
}
