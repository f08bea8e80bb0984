//! What updates are given, and what arrays make of a world that moves while some of them hold.

use super::*;
use crate::time::{ManualClock, Timestamp};

fn parts(behind: bool) -> (Holds, Sights, Binder) {
    let parameters = BindingParameters { side: 32, ..BindingParameters::default() };
    binding(&parameters, 1, Tick(0), [behind, true], Arc::new(ManualClock::new())).unwrap()
}

/// Two bright bars on a dim ground, which stand further with every step.
fn scene(step: usize) -> InputPicture {
    let bright = |x: usize, y: usize| {
        let upright = (x + 48 - 3 * step % 48) % 48 < 9 && (10..40).contains(&y);
        let lying = (y + 48 - 2 * step % 48) % 48 < 7 && (6..44).contains(&x);
        if upright || lying { 210 } else { 60 + (x + y) as u8 / 2 }
    };
    let rgb = (0..48 * 48).flat_map(|at| [bright(at % 48, at / 48); 3]).collect();
    let time = Timestamp(100_000_000 * i64::try_from(step).unwrap());
    InputPicture { time, width: 48, height: 48, rgb }
}

#[test]
fn an_update_has_the_picture_that_was_in_sight_by_the_stamps() {
    let (_holds, mut sights, binder) = parts(false);
    for step in [0, 1, 2] {
        sights.see(&scene(step));
    }
    sights.hand_on(Tick(250), false);
    let given: Vec<(Tick, Option<Timestamp>)> = binder
        .inbox
        .try_iter()
        .map(|update| (update.tick, update.sight.map(|picture| picture.time)))
        .collect();
    assert_eq!(given, [(Tick(99), Some(scene(0).time)), (Tick(199), Some(scene(1).time))]);
}

#[test]
fn what_comes_behind_its_tick_is_waited_for_and_not_for_ever() {
    let (_holds, mut sights, binder) = parts(true);
    sights.see(&scene(0));
    sights.hand_on(Tick(300), false);
    assert!(binder.inbox.is_empty(), "nothing tells yet what was in sight at the end of the first tenth");
    sights.see(&scene(1));
    sights.hand_on(Tick(300), false);
    assert_eq!(binder.inbox.len(), 1);
    sights.hand_on(Tick(199 + PATIENCE), false);
    assert_eq!(binder.inbox.len(), 2);
    sights.hand_on(Tick(599), true);
    assert_eq!(binder.inbox.len(), 6);
}

#[test]
fn who_holds_does_so_from_the_tick_on_that_it_was_told_for() {
    let (holds, mut sights, binder) = parts(false);
    let hold = Hold { tick: Tick(150), array: 3, held: true };
    assert_eq!(Hold::read(hold.tick, &hold.text()), Some(hold));
    assert_eq!(Hold::read(hold.tick, "array.kappa=1"), None);
    holds.give(hold).unwrap();
    let error = holds.give(Hold { array: 8, ..hold }).unwrap_err().to_string();
    assert!(error.contains("0 to 7"), "{error}");
    sights.hand_on(Tick(300), false);
    let given: Vec<usize> = binder.inbox.try_iter().map(|update| update.holds.len()).collect();
    assert_eq!(given, [0, 1, 0]);
}

#[test]
fn the_keeper_does_not_wait_for_a_binder_that_has_gone() {
    let (_holds, mut sights, binder) = parts(false);
    drop(binder);
    sights.hand_on(Tick(100_000), false);
    assert_eq!(sights.figures(), BindingFigures::default());
}

#[test]
fn a_paced_run_skips_what_the_binder_has_no_time_for_and_loses_no_hold() {
    let (holds, mut sights, binder) = parts(false);
    sights.waits = false;
    holds.give(Hold { tick: Tick(1_150), array: 3, held: true }).unwrap();
    let updates = |ticks: u64| ticks / UPDATE_TICKS;
    sights.hand_on(Tick(1_499), false);
    let given: Vec<Update> = binder.inbox.try_iter().collect();
    assert_eq!(given.len(), WAITING);
    assert_eq!(sights.skipped, updates(1_500) - WAITING as u64);
    sights.hand_on(Tick(1_599), false);
    let next = binder.inbox.try_recv().unwrap();
    assert_eq!((next.tick, next.holds.len(), next.skipped), (Tick(1_599), 1, sights.skipped));
}

/// Plays so many steps; the names of the arrays' wholes after them.
fn play(world: &mut World, steps: std::ops::Range<usize>) -> Vec<Option<u8>> {
    steps.for_each(|step| world.see(&scene(step)).unwrap());
    world.figures().arrays.iter().map(|array| array.whole).collect()
}

fn world() -> World {
    World::new(&BindingParameters { side: 32, ..BindingParameters::default() }, 5).unwrap()
}

#[test]
fn all_bind_into_one_whole_that_is_more_than_any_part_of_it() {
    let mut world = world();
    assert_eq!(play(&mut world, 0..20), [Some(0); 8]);
    let figures = world.figures();
    let [whole, apart, uncoupled] =
        [figures.mean_whole_db, figures.mean_apart_db, figures.mean_uncoupled_db].map(Option::unwrap);
    assert!(whole > apart + 1.0 && whole > uncoupled + 1.0, "{whole} {apart} {uncoupled} dB");
    assert!(figures.order.unwrap() > 0.9 && figures.wholes[0].confidence > 0.5, "{figures:?}");
    let shown = world.picture(Tick(1));
    assert_eq!((shown.side, shown.grey.len()), (32, 9 * 32 * 32));
}

#[test]
fn one_that_holds_leaves_and_comes_back_when_it_sees_again() {
    let mut world = world();
    play(&mut world, 0..10);
    world.hold(2, true);
    let held = play(&mut world, 10..20);
    assert_eq!(held.iter().filter(|whole| **whole == Some(0)).count(), 7, "{held:?}");
    assert_eq!(held[2], None);
    let phases: Vec<f64> =
        world.figures().arrays.iter().map(|array| f64::from(array.phase) * core::f64::consts::TAU).collect();
    assert!(libm::cos(phases[2] - phases[0]) < 0.5, "{phases:?}");
    world.hold(2, false);
    assert_eq!(play(&mut world, 20..30), [Some(0); 8]);
    // There is no such array.
    world.hold(8, true);
}

#[test]
fn several_that_hold_make_a_whole_of_what_was() {
    let mut world = world();
    play(&mut world, 0..10);
    for array in [1, 4, 6] {
        world.hold(array, true);
    }
    let held = play(&mut world, 10..26);
    let (was, is) = (held[1], held[0]);
    assert_eq!(held, [is, was, is, is, was, is, was, is]);
    assert!(was.is_some() && is == Some(0) && was != is, "{held:?}");
    // Of what is seen now the one tells more than the other.
    let wholes = &world.figures().wholes;
    assert!(wholes[0].psnr_db.unwrap() > wholes[1].psnr_db.unwrap() + 2.0, "{wholes:?}");
}

#[test]
fn a_picture_that_is_not_whole_or_black_measures_nothing() {
    let mut world = world();
    world.see(&InputPicture { width: 4, height: 4, rgb: vec![1; 3], ..InputPicture::default() }).unwrap();
    assert_eq!(world.figures().updates, 0);
    world.see(&InputPicture { width: 4, height: 4, rgb: vec![0; 48], ..InputPicture::default() }).unwrap();
    let figures = world.figures();
    assert_eq!((figures.updates, figures.apart_db, figures.mean_whole_db), (1, None, None));
}

#[test]
fn arrays_that_nobody_has_half_of_are_bound_anew() {
    let mut world = world();
    play(&mut world, 0..10);
    // Each holds a moment of its own.
    for array in 0..5 {
        world.hold(array, true);
        play(&mut world, 10 + 4 * array..14 + 4 * array);
    }
    play(&mut world, 30..80);
    assert!(world.renewed > 0 && world.torn < super::world::TORN, "{} {}", world.renewed, world.torn);
    let apart = world.figures().apart_db;
    (0..5).for_each(|array| world.hold(array, false));
    assert_eq!(play(&mut world, 80..130), [Some(0); 8]);
    assert!(apart.is_some() && world.figures().wholes[0].psnr_db > apart, "{:?}", world.figures());
    // While most are bound nothing is begun anew.
    let renewed = world.renewed;
    play(&mut world, 130..190);
    assert_eq!(world.renewed, renewed);
}
