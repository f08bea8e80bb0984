//! What arrays make of a world that moves while some of them hold.

use super::*;
use crate::time::Timestamp;

fn binder() -> (Binder, Holds) {
    let parameters = BindingParameters { side: 32, ..BindingParameters::default() };
    Binder::new(&parameters, 1).unwrap()
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
    InputPicture { time, width: 48, height: 48, rgb, bursts: Vec::new() }
}

#[test]
fn who_holds_does_so_from_the_tick_on_that_it_was_told_for() {
    let (mut binder, holds) = binder();
    let hold = Hold { tick: Tick(150), array: 3, held: true };
    assert_eq!(Hold::read(hold.tick, &hold.text()), Some(hold));
    assert_eq!(Hold::read(hold.tick, "array.kappa=1"), None);
    holds.give(hold).unwrap();
    let error = holds.give(Hold { array: 8, ..hold }).unwrap_err().to_string();
    assert!(error.contains("0 to 7"), "{error}");
    let mut held = |tick: u64| {
        binder.see(Tick(tick), &scene(0)).unwrap();
        binder.figures().arrays.iter().map(|array| array.held).collect::<Vec<_>>()
    };
    assert_eq!(held(99), [false; 8]);
    // An update between was skipped: who was to hold by then does with the next.
    assert_eq!(held(299), [false, false, false, true, false, false, false, false]);
    // Nobody holds where nobody binds any more.
    drop(binder);
    holds.give(hold).unwrap();
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
fn a_cut_to_black_leaves_the_whole_as_it_is_and_so_does_the_way_back() {
    let mut world = world();
    play(&mut world, 0..10);
    let black = InputPicture { width: 48, height: 48, rgb: vec![0; 3 * 48 * 48], ..InputPicture::default() };
    for step in 0..40 {
        world.see(&black).unwrap();
        assert!(world.figures().arrays.iter().all(|array| array.whole == Some(0)), "{step}");
    }
    assert!(world.figures().wholes[0].confidence > 0.5, "{:?}", world.figures().wholes);
    assert_eq!(play(&mut world, 10..20), [Some(0); 8]);
    assert_eq!(world.renewed, 0);
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
