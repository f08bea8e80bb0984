//! Tests of the read-out that tells whether two senses belong together.

use super::*;
use crate::random::Stream;
use crate::signal::{ArrayId, Sign};
use crate::time::Timestamp;

const WINDOW: u64 = 200;
const BINS: u64 = 12_000;

/// Chance events, each of which one sense shows and the other `late` bins after; `late` may be below 0.
fn senses(seed: u64, late: i64) -> [Track; 2] {
    let mut draws = Stream::new(seed, 0);
    let mut events: Vec<u64> = Vec::new();
    let mut at = 100.0;
    while at < BINS as f64 {
        events.push(at as u64);
        at += draws.between(15.0, 120.0);
    }
    let track = |shift: i64, noise: u32| {
        let mut draws = Stream::new(seed, noise);
        let mut signal: Vec<f32> = (0..BINS).map(|_| 0.1 * draws.normal() as f32).collect();
        for event in &events {
            if let Some(x) = signal.get_mut(event.saturating_add_signed(shift) as usize) {
                *x += 1.0;
            }
        }
        let mut track = Track::new(BINS as usize);
        for x in signal {
            for _ in 0..BIN_TICKS {
                track.take(x);
            }
        }
        track
    };
    [track(0, 1), track(late, 2)]
}

fn windows(seen: &Track, heard: &Track) -> Vec<Coherence> {
    (3..BINS / WINDOW).map(|at| coherence(seen, at * WINDOW, heard, at * WINDOW, WINDOW).unwrap()).collect()
}

fn learned() -> Template {
    let worlds: Vec<[Track; 2]> = (1..5).map(|seed| senses(seed, 0)).collect();
    let own: Vec<Coherence> = worlds.iter().flat_map(|[seen, heard]| windows(seen, heard)).collect();
    let others = worlds.iter().cycle().skip(1);
    let foreign: Vec<Coherence> =
        worlds.iter().zip(others).flat_map(|([seen, _], [_, heard])| windows(seen, heard)).collect();
    Template::learn(&own, &foreign).unwrap()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn what_belongs_together_is_told_from_what_does_not() {
    let template = learned();
    let [seen, heard] = senses(7, 0);
    let [_, foreign] = senses(8, 0);
    let evidence = |heard: &Track| mean(windows(&seen, heard).iter().map(|c| template.evidence(c)));
    let order = |heard: &Track| mean(windows(&seen, heard).iter().map(|c| f64::from(template.order(c))));
    assert!(evidence(&heard) > evidence(&foreign) + 0.3, "{} {}", evidence(&heard), evidence(&foreign));
    assert!(order(&heard) > order(&foreign) + 0.2, "{} {}", order(&heard), order(&foreign));
}

#[test]
fn a_late_sound_is_late_by_as_many_milliseconds() {
    let template = learned();
    for late in [-20, -3, 0, 7, 31] {
        let [seen, heard] = senses(5, late);
        let at = |lag| coherence(&seen, 4_000, &heard, 4_000u64.checked_add_signed(lag)?, 1_000);
        let (found, _) = template.asynchrony_ms(at).unwrap();
        assert!((found - 10.0 * late as f64).abs() < 10.0, "{late}: {found}");
    }
}

#[test]
fn a_sense_coheres_with_itself_wholly_and_with_silence_not_at_all() {
    let [seen, _] = senses(6, 0);
    for c in coherence(&seen, 900, &seen, 900, WINDOW).unwrap() {
        assert!((c[0] - 1.0).abs() < 1e-5 && c[1].abs() < 1e-5, "{c:?}");
    }
    for c in locking(&seen, 900, &seen, 900, WINDOW).unwrap() {
        assert!((c[0] - 1.0).abs() < 1e-5 && c[1].abs() < 1e-5, "{c:?}");
    }
    let mut silent = Track::new(1_000);
    for _ in 0..1_000 * BIN_TICKS {
        silent.take(f32::NAN);
    }
    let nothing = coherence(&seen, 900, &silent, 900, WINDOW).unwrap();
    assert_eq!(nothing, [[0.0; 2]; BANDS]);
    assert_eq!(learned().order(&nothing).to_bits(), 0);
}

#[test]
fn what_is_forgotten_or_to_come_is_not_measured() {
    let mut short = Track::new(300);
    for _ in 0..1_000 * BIN_TICKS {
        short.take(1.0);
    }
    assert_eq!(short.bins(), 1_000);
    assert!(coherence(&short, 1_000, &short, 1_000, 300).is_some());
    assert!(coherence(&short, 1_000, &short, 1_000, 301).is_none());
    assert!(coherence(&short, 1_001, &short, 1_000, 10).is_none());
    assert!(locking(&short, 1_001, &short, 1_000, 10).is_none());
    assert!(coherence(&short, 5, &short, 1_000, 10).is_none());
    let at = |lag| coherence(&short, 960, &short, 960u64.checked_add_signed(lag)?, 290);
    assert!(learned().asynchrony_ms(at).is_none());
    assert!(Template::learn(&[], &[[[0.0; 2]; BANDS]]).is_none());
}

#[test]
fn what_stops_counts_at_its_place_and_what_begins_does_not() {
    let burst = |site: u32, magnitude: f32| Burst {
        time: Timestamp::ZERO,
        array: ArrayId(0),
        site,
        sign: Sign::Off,
        phase: 0.0,
        magnitude,
        surprisal_bits: 0.0,
    };
    let mut braking = Braking::new(16, 16);
    assert_eq!(braking.look(&[burst(0, 2.0), burst(255, 1.0)]), (0.0, 3.0));
    // The upper left goes on, within its place; the lower right moves to another place: it stops there.
    assert_eq!(braking.look(&[burst(17, 2.0), burst(128, 5.0)]), (1.0, 7.0));
    assert_eq!(braking.look(&[]), (7.0, 0.0));
}

#[test]
fn what_pulls_at_each_other_locks_whether_it_belongs_together_or_not() {
    let own = *learned().own();
    let run = |strength: f32| {
        let mut draws = Stream::new(9, 0);
        let mut tracks = [Track::new(4_000), Track::new(4_000)];
        for _ in 0..4_000 {
            for track in &mut tracks {
                let x = draws.normal() as f32;
                for _ in 0..BIN_TICKS {
                    track.take(x);
                }
            }
            let [first, second] = &mut tracks;
            first.couple(second, strength, &own);
        }
        locking(&tracks[0], 4_000, &tracks[1], 4_000, 3_000).unwrap()
    };
    for (apart, pulled) in run(0.0).iter().zip(run(0.9)) {
        let size = |c: &[f32; 2]| c[0].hypot(c[1]);
        assert!(size(apart) < 0.35 && size(&pulled) > 0.7, "{apart:?} {pulled:?}");
    }
}
