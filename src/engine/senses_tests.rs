//! Tests of what is made of both senses beside a run.

use super::*;
use crate::random::Stream;

/// What stops, tick by tick, of pictures with this much at one place each.
fn seen(pictures: &[(u64, f32)], ticks: u64) -> Vec<f32> {
    let mut sight = Sight::new(0);
    let mut out = Vec::new();
    let mut tell = |x: f32| out.push(x);
    let mut waiting = pictures.iter().peekable();
    for tick in 0..ticks {
        while let Some((at, moves)) = waiting.next_if(|(at, _)| *at <= tick) {
            let mut places = [0.0; PLACES * PLACES];
            places[9] = *moves;
            sight.see(*at, &places, &mut tell);
        }
        sight.wait(tick, &mut tell);
    }
    out
}

#[test]
fn what_stops_stands_from_its_picture_to_the_next() {
    let out = seen(&[(10, 4.0), (50, 1.0), (90, 1.0), (130, 0.5)], 400);
    for (tick, stops) in [(9, 0.0), (10, 0.0), (49, 0.0), (50, 3.0), (89, 3.0), (90, 0.0), (130, 0.5)] {
        assert_eq!(out[tick].to_bits(), f32::to_bits(stops), "tick {tick}");
    }
}

#[test]
fn a_picture_without_bursts_is_where_all_stops_whether_another_comes_or_not() {
    let steady: Vec<(u64, f32)> = (0..5).map(|at| (40 * at, 2.0)).collect();
    let later = [&steady[..], &[(400, 7.0)]].concat();
    for pictures in [&steady[..], &later] {
        let out = seen(pictures, 800);
        for (tick, stops) in [(160, 0.0), (199, 0.0), (200, 2.0), (239, 2.0), (240, 0.0), (399, 0.0)] {
            assert_eq!(out[tick].to_bits(), f32::to_bits(stops), "tick {tick}");
        }
    }
}

#[test]
fn bursts_that_come_in_two_ticks_are_one_picture_and_late_ones_stand_as_early_as_they_can() {
    let mut sight = Sight::new(0);
    let mut out = Vec::new();
    let mut places = [0.0; PLACES * PLACES];
    places[3] = 5.0;
    sight.see(10, &places, &mut |x| out.push(x));
    sight.see(50, &[0.0; PLACES * PLACES], &mut |x| out.push(x));
    places[3] = 4.0;
    sight.see(50, &places, &mut |x| out.push(x));
    sight.see(90, &places, &mut |x| out.push(x));
    assert_eq!(out[50..90], [1.0; 40]);
    // It is told up to here, so that is where a picture of long ago stands.
    sight.see(30, &[0.0; PLACES * PLACES], &mut |x| out.push(x));
    sight.see(130, &[0.0; PLACES * PLACES], &mut |x| out.push(x));
    assert_eq!(out.len(), 130);
}

/// A run of so many seconds in which chance events stop and, `late` ms later, sound; at this level.
fn run(templates: Option<Templates>, seed: u32, seconds: u64, late: u64, level: f32) -> Senses {
    let mut senses = Senses::new(templates);
    let (mut draws, mut event) = (Stream::new(3, seed), 1_000);
    let mut events = Vec::new();
    while event < seconds * 1_000 {
        events.push(event / 40 * 40);
        event += draws.between(200.0, 1_400.0) as u64;
    }
    for tick in 0..seconds * 1_000 {
        let near = |at: u64, from: u64, ticks: u64| (at + from..at + from + ticks).contains(&tick);
        let moves = if events.iter().any(|at| near(*at, 0, 1)) { 1.0 } else { 5.0 };
        let mut places = [0.0; PLACES * PLACES];
        places[(tick / 40 % 3) as usize] = 0.3 * draws.normal().abs() as f32;
        places[20] = moves;
        let sounds = events.iter().any(|at| near(*at, 20 + late, 40));
        let loud = if sounds { 1.0 } else { 0.05 + 0.02 * draws.normal().abs() as f32 };
        let picture = tick.is_multiple_of(40).then_some((Tick(tick), places));
        senses.take(Tick(tick), &Sensed { picture, differential: 0.0, level: level * loud });
    }
    senses
}

fn learned() -> Templates {
    let said: Vec<Said> = (0..3)
        .map(|seed| {
            let said = run(None, seed, 60, 0, 0.1).into_said();
            Said { differential: said.level.clone(), ..said }
        })
        .collect();
    Templates::learn(&said.iter().collect::<Vec<_>>(), String::new()).unwrap()
}

#[test]
fn late_sound_is_told_to_be_late_and_nothing_is_told_of_silence() {
    let templates = learned();
    for late in [0, 100] {
        let senses = run(Some(templates.clone()), 7, 40, late, 0.1);
        let figures = senses.figures();
        let median = figures.median_late_ms.unwrap();
        assert!((median - late as f64).abs() < 20.0, "{late}: {figures:?}");
        assert_eq!(figures.told + figures.untold, (40 - 4) * 2 + 1 - 1, "{figures:?}");
        assert_eq!(figures.now.as_ref().unwrap().bands.len(), 5);
    }
    let own = run(Some(templates.clone()), 7, 40, 0, 0.1);
    assert!(own.figures().belongs.unwrap() > 0.8, "{:?}", own.figures());
    let silent = run(Some(templates), 7, 20, 0, 0.0);
    let figures = silent.figures();
    assert_eq!((figures.told, figures.lack), (0, Some(SensesLack::Silence)));
    assert!(figures.now.is_none() && figures.asynchrony.is_none() && figures.mean_evidence.is_none());
}
