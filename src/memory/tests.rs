//! The memory as a renderer: what it restores, and that reading it is the same on any number of threads.

use super::backwards::{Evidence, Renderer, Task};
use super::picture::{Picture, Plane};
use super::reader::Reading;
use super::recall::PatchMemory;
use crate::random::Stream;

/// A seeded world of shaded discs that hide one another: dead leaves.
fn leaves(side: usize, seed: u64) -> Picture {
    let mut draws = Stream::new(seed, 0);
    let mut planes =
        vec![Plane::flat(side, side, 0.5), Plane::flat(side, side, 0.0), Plane::flat(side, side, 0.0)];
    for _ in 0..120 {
        let [y, x] = [(); 2].map(|()| draws.between(0.0, side as f64));
        let radius = draws.between(3.0, side as f64 / 4.0);
        let colour = [draws.between(0.1, 0.9), draws.between(-0.2, 0.2), draws.between(-0.2, 0.2)];
        for at in 0..side * side {
            let (down, across) = ((at / side) as f64 - y, (at % side) as f64 - x);
            if down * down + across * across < radius * radius {
                for (plane, value) in planes.iter_mut().zip(colour) {
                    plane.values[at] = value as f32;
                }
            }
        }
    }
    Picture { planes }
}

fn memory(planes: usize) -> PatchMemory {
    let pictures: Vec<Picture> = (0..3).map(|seed| leaves(64, seed)).collect();
    let mut memory = PatchMemory::new(planes, 2, 2_000, 1, 0.03);
    memory.learn(&pictures, 4_000, 2).unwrap();
    memory
}

fn noisy(picture: &Picture, sigma: f32) -> Picture {
    let mut draws = Stream::new(99, 0);
    let mut picture = picture.clone();
    for x in picture.planes.iter_mut().flat_map(|plane| &mut plane.values) {
        *x += sigma * draws.normal() as f32;
    }
    picture
}

fn error_db(found: &Picture, truth: &Picture) -> f64 {
    let off = found.with(truth, |x, y| (x - y) * (x - y));
    let values: Vec<f64> = off.planes.iter().flat_map(|plane| &plane.values).map(|x| f64::from(*x)).collect();
    10.0 * libm::log10(values.iter().sum::<f64>() / values.len() as f64)
}

#[test]
fn noise_holes_and_smallness_of_pictures_never_seen_are_mended() {
    let (memory, truth) = (memory(1), leaves(48, 77).luminance());
    let reader = memory.reader(Reading::default());
    let seen = noisy(&truth, 0.1);
    let found = Task::Denoise { sigma: 0.1 }.undo(&seen, &reader, 1).unwrap();
    let gain = error_db(&seen, &truth) - error_db(&found, &truth);
    assert!(gain > 3.0, "denoise: {gain} dB");
    let known =
        Plane::of(48, 48, |y, x| f32::from(u8::from(!((18..26).contains(&y) && (20..30).contains(&x)))));
    let holed = truth.map(|plane| plane.with(&known, |x, known| x * known));
    let found = Task::Inpaint { known }.undo(&holed, &reader, 2).unwrap();
    let gain = error_db(&holed, &truth) - error_db(&found, &truth);
    assert!(gain > 8.0, "inpaint: {gain} dB");
    let small = truth.resized(24, 24);
    let found = Task::SuperResolve { scale: 2 }.undo(&small, &reader, 2).unwrap();
    let gain = error_db(&small.resized(48, 48), &truth) - error_db(&found, &truth);
    assert!(gain > 0.3, "super-resolve: {gain} dB");
}

#[test]
fn colour_comes_back_where_the_picture_was_seen() {
    let memory = memory(3);
    let truth = leaves(64, 1);
    let found = Task::Colour.undo(&truth.luminance(), &memory.reader(Reading::default()), 1).unwrap();
    let grey =
        Picture { planes: vec![truth.planes[0].clone(), Plane::flat(64, 64, 0.0), Plane::flat(64, 64, 0.0)] };
    let gain = error_db(&grey, &truth) - error_db(&found, &truth);
    assert!(gain > 2.0, "{gain} dB");
}

#[test]
fn threads_never_change_a_bit_and_a_wider_stride_or_fewer_rows_change_little() {
    let (memory, truth) = (memory(1), leaves(40, 5).luminance());
    let seen = noisy(&truth, 0.1);
    let read = |stride, approximate, threads| {
        let evidence = Evidence::Noisy { picture: &seen, sigma: 0.1 };
        let reading = Reading { stride, approximate, threads, ..Reading::default() };
        memory.reader(reading).render(&evidence).unwrap()
    };
    let exact = read(1, false, 1);
    assert_eq!(exact, read(1, false, 3));
    let near = read(1, true, 1);
    assert_eq!(near, read(1, true, 3));
    assert_ne!(near, exact);
    for (other, most) in [(read(2, false, 2), 0.5), (near, 0.2)] {
        let apart = error_db(&other, &truth) - error_db(&exact, &truth);
        assert!(apart < most, "{apart} dB");
    }
}

#[test]
fn an_empty_memory_and_a_grey_one_asked_for_colour_say_so() {
    let truth = leaves(16, 1);
    let empty = PatchMemory::new(1, 1, 10, 0, 0.03);
    let asked = |memory: &PatchMemory, task: &Task| {
        task.undo(&truth.luminance(), &memory.reader(Reading::default()), 1).unwrap_err().to_string()
    };
    assert!(asked(&empty, &Task::Denoise { sigma: 0.1 }).contains("empty"));
    assert!(asked(&memory(1), &Task::Colour).contains("grey"));
    let mut colour = PatchMemory::new(3, 1, 10, 0, 0.03);
    assert!(colour.learn(&[truth.luminance()], 10, 0).unwrap_err().to_string().contains("--grey"));
}

#[test]
fn a_picture_that_repeats_itself_helps_itself() {
    let truth =
        Picture { planes: vec![Plane::of(48, 48, |y, x| if (x + 2 * y) % 12 < 5 { 0.2 } else { 0.7 })] };
    let (memory, seen) = (memory(1), noisy(&truth, 0.1));
    let read = |own| {
        let evidence = Evidence::Noisy { picture: &seen, sigma: 0.1 };
        memory.reader(Reading { own, ..Reading::default() }).render(&evidence).unwrap()
    };
    let gain = error_db(&read(false), &truth) - error_db(&read(true), &truth);
    assert!(gain > 0.5, "{gain} dB");
}
