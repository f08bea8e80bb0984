//! Pictures of things that hide each other, drawn by a seed, and the plain ways to tell them apart.

use crate::random::Stream;
use crate::readout::segment::median;

/// Rows and columns.
pub(super) const SIDE: usize = 32;
/// The grey of the ground, and those of things.
const GROUND: f64 = 0.05;
const GREYS: [f64; 4] = [0.3, 0.5, 0.75, 1.0];
/// The fewest pixels that are seen of a thing, of two parts of the split one, and of any part of it.
const FEWEST: usize = 25;
const FEWEST_OF_PARTS: usize = 12;
const FEWEST_OF_PART: usize = 5;

/// A picture and the thing that each pixel is of; 0 is ground.
pub(super) struct Scene {
    pub greys: Vec<f32>,
    pub truth: Vec<usize>,
}

/// What scenes are of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Three things of one grey, ground between them.
    Apart,
    /// A thing split by a bar, and far from it one of its grey with something of the bar's before it.
    Occluded,
}

impl Scene {
    /// The scene `number` of a seed, under white noise of σ = `noise`.
    pub fn draw(kind: Kind, noise: f64, seed: u64, number: u32) -> Self {
        let mut draws = Stream::new(seed, number);
        let (truth, greys) = loop {
            let drawn = match kind {
                Kind::Apart => apart(&mut draws),
                Kind::Occluded => occluded(&mut draws),
            };
            if let Some(drawn) = drawn {
                break drawn;
            }
        };
        let greys = truth.iter().map(|thing| (greys[*thing] + noise * draws.normal()) as f32).collect();
        Self { greys, truth }
    }
}

/// Pictures of four things of two greys, which move on straight ways between the edges and hide each other; the first lies behind.
pub(super) fn film(noise: f64, seed: u64, number: u32, pictures: usize) -> Vec<Scene> {
    const EDGE: f64 = (SIDE - 1) as f64;
    let mut draws = Stream::new(seed, number);
    let quarters = [[0.27, 0.27], [0.27, 0.73], [0.73, 0.73], [0.73, 0.27]];
    let mut things: Vec<(Shape, [f64; 2], f64)> = quarters
        .iter()
        .map(|quarter| {
            let (angle, speed) = (draws.between(0.0, core::f64::consts::TAU), draws.between(0.2, 0.5));
            let size = draws.between(3.5, 5.5);
            let shape = Shape::any(&mut draws, quarter.map(|share| EDGE * share), [size, size]);
            (shape, [speed * libm::sin(angle), speed * libm::cos(angle)], size)
        })
        .collect();
    let greys = [GROUND, GREYS[0], GREYS[2], GREYS[0], GREYS[2]];
    let picture = |_| {
        let mut truth = vec![0; SIDE * SIDE];
        for (thing, (shape, way, size)) in (1..).zip(&mut things) {
            for (place, way) in shape.middle().iter_mut().zip(way) {
                if !(*size..=EDGE - *size).contains(&(*place + *way)) {
                    *way = -*way;
                }
                *place += *way;
            }
            shape.draw(&mut truth, thing);
        }
        let greys = truth.iter().map(|thing| (greys[*thing] + noise * draws.normal()) as f32).collect();
        Scene { greys, truth }
    };
    (0..pictures).map(picture).collect()
}

/// Things by pixels, and the greys of ground and things.
type Drawn = Option<(Vec<usize>, [f64; 5])>;

fn apart(draws: &mut Stream) -> Drawn {
    let grey = GREYS[(4.0 * draws.uniform()) as usize];
    let mut truth = vec![0; SIDE * SIDE];
    for thing in 1..=3 {
        let middle = [draws.between(6.0, 26.0), draws.between(6.0, 26.0)];
        let shape = Shape::any(draws, middle, [4.0, 6.0]);
        let mut own = vec![0; SIDE * SIDE];
        shape.draw(&mut own, thing);
        if touch(&own, &truth) {
            return None;
        }
        shape.draw(&mut truth, thing);
    }
    whole(&truth, 3).then_some((truth, [GROUND, grey, grey, grey, grey]))
}

fn occluded(draws: &mut Stream) -> Drawn {
    let first = (4.0 * draws.uniform()) as usize;
    let other = (first + 1 + (3.0 * draws.uniform()) as usize) % 4;
    let (grey, before) = (GREYS[first], GREYS[other]);
    let mut split = vec![0; SIDE * SIDE];
    let [y, x, size] = [draws.between(8.0, 11.0), draws.between(8.0, 22.0), draws.between(6.0, 7.5)];
    Shape::any(draws, [y, x], [size, size]).draw(&mut split, 1);
    let (width, off) = (draws.between(2.5, 4.5), draws.between(-1.5, 1.5));
    let (long, shift) = (size + draws.between(0.0, 2.0), draws.between(-1.0, 1.0));
    let across = draws.uniform() < 0.5;
    let bar = if across {
        Shape::Box { middle: [y + off, x + shift], half: [width / 2.0, long] }
    } else {
        Shape::Box { middle: [y + shift, x + off], half: [long, width / 2.0] }
    };
    bar.draw(&mut split, 2);
    let mut pair = vec![0; SIDE * SIDE];
    let [y, x, size] = [draws.between(20.0, 23.0), draws.between(9.0, 22.0), draws.between(5.0, 7.0)];
    Shape::any(draws, [y, x], [size, size]).draw(&mut pair, 3);
    let angle = draws.between(0.0, core::f64::consts::TAU);
    let middle = [y + size * libm::sin(angle), x + size * libm::cos(angle)];
    Shape::any(draws, middle, [3.5, 5.5]).draw(&mut pair, 4);
    if touch(&split, &pair) {
        return None;
    }
    let truth: Vec<usize> = split.iter().zip(&pair).map(|(one, other)| one + other).collect();
    let parts = components(|one, other| truth[one] == 1 && truth[other] == 1);
    let sizes: Vec<usize> = counts(&parts, &truth.iter().map(|thing| *thing == 1).collect::<Vec<_>>());
    let is_split = sizes.iter().filter(|size| **size >= FEWEST_OF_PARTS).count() >= 2
        && sizes.iter().all(|size| *size >= FEWEST_OF_PART);
    (is_split && whole(&truth, 4)).then_some((truth, [GROUND, grey, before, grey, before]))
}

/// Whether enough is seen of every thing.
fn whole(truth: &[usize], things: usize) -> bool {
    (1..=things).all(|thing| truth.iter().filter(|own| **own == thing).count() >= FEWEST)
}

/// Whether two things are neighbours, across corners too.
fn touch(one: &[usize], other: &[usize]) -> bool {
    (0..one.len()).filter(|at| one[*at] > 0).any(|at| {
        let (y, x) = (at / SIDE, at % SIDE);
        let rows = y.saturating_sub(1)..=(y + 1).min(SIDE - 1);
        rows.into_iter()
            .any(|v| (x.saturating_sub(1)..=(x + 1).min(SIDE - 1)).any(|u| other[v * SIDE + u] > 0))
    })
}

/// What is drawn.
enum Shape {
    Disc { middle: [f64; 2], radius: f64 },
    Box { middle: [f64; 2], half: [f64; 2] },
    Triangle { middle: [f64; 2], size: f64 },
}

impl Shape {
    fn any(draws: &mut Stream, middle: [f64; 2], sizes: [f64; 2]) -> Self {
        let size = draws.between(sizes[0], sizes[1]);
        match (3.0 * draws.uniform()) as usize {
            0 => Self::Disc { middle, radius: size },
            1 => Self::Box { middle, half: [0.85 * size; 2] },
            _ => Self::Triangle { middle, size },
        }
    }

    fn middle(&mut self) -> &mut [f64; 2] {
        match self {
            Self::Disc { middle, .. } | Self::Box { middle, .. } | Self::Triangle { middle, .. } => middle,
        }
    }

    fn draw(&self, onto: &mut [usize], thing: usize) {
        for (at, pixel) in onto.iter_mut().enumerate() {
            let place = [(at / SIDE) as f64, (at % SIDE) as f64];
            let from = |middle: &[f64; 2]| [place[0] - middle[0], place[1] - middle[1]];
            let inside = match self {
                Self::Disc { middle, radius } => {
                    let [y, x] = from(middle);
                    y * y + x * x < radius * radius
                }
                Self::Box { middle, half } => {
                    let [y, x] = from(middle);
                    y.abs() < half[0] && x.abs() < half[1]
                }
                Self::Triangle { middle, size } => {
                    let [y, x] = from(middle);
                    y < 0.7 * size && x.abs() < 0.6 * (y + size)
                }
            };
            if inside {
                *pixel = thing;
            }
        }
    }
}

/// Numbers of connected parts: pixels side by side are of one where `joined` says so.
pub(super) fn components(joined: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let mut of = vec![usize::MAX; SIDE * SIDE];
    let mut count = 0;
    for first in 0..of.len() {
        if of[first] != usize::MAX {
            continue;
        }
        of[first] = count;
        let mut open = vec![first];
        while let Some(at) = open.pop() {
            let (y, x) = (at / SIDE, at % SIDE);
            let near = [
                (y > 0).then(|| at - SIDE),
                (y + 1 < SIDE).then(|| at + SIDE),
                (x > 0).then(|| at - 1),
                (x + 1 < SIDE).then(|| at + 1),
            ];
            for other in near.into_iter().flatten() {
                if of[other] == usize::MAX && joined(at, other) {
                    of[other] = count;
                    open.push(other);
                }
            }
        }
        count += 1;
    }
    of
}

/// Pixels of each part that are counted, of parts that have any.
fn counts(parts: &[usize], counted: &[bool]) -> Vec<usize> {
    let mut counts = vec![0; SIDE * SIDE];
    parts.iter().zip(counted).filter(|(_, counted)| **counted).for_each(|(part, _)| counts[*part] += 1);
    counts.retain(|count| *count > 0);
    counts
}

/// Parts of what is not ground; 0 is ground.
pub(super) fn of_objects(ground: &[bool]) -> Vec<usize> {
    let parts = components(|one, other| !ground[one] && !ground[other]);
    parts.iter().zip(ground).map(|(part, ground)| if *ground { 0 } else { part + 1 }).collect()
}

/// Parts of like grey of what is not ground, after a median of 3 x 3; 0 is ground.
pub(super) fn of_greys(greys: &[f32], ground: &[bool], most: f32) -> Vec<usize> {
    let calm = median(greys, SIDE);
    let like = |one: usize, other: usize| (calm[one] - calm[other]).abs() < most;
    let parts = components(|one, other| !ground[one] && !ground[other] && like(one, other));
    parts.iter().zip(ground).map(|(part, ground)| if *ground { 0 } else { part + 1 }).collect()
}

/// The k-means of what is not ground, on one line, from evenly spread quantiles; 0 is ground.
pub(super) fn k_means(values: &[f32], ground: &[bool], k: usize) -> Vec<usize> {
    let mut sorted: Vec<f32> =
        values.iter().zip(ground).filter(|(_, ground)| !**ground).map(|(x, _)| *x).collect();
    sorted.sort_by(f32::total_cmp);
    if sorted.is_empty() {
        return vec![0; values.len()];
    }
    let mut means: Vec<f32> = (0..k).map(|n| sorted[(2 * n + 1) * sorted.len() / (2 * k)]).collect();
    let nearest = |means: &[f32], x: f32| {
        (0..k).min_by(|one, other| (means[*one] - x).abs().total_cmp(&(means[*other] - x).abs())).unwrap_or(0)
    };
    for _ in 0..50 {
        let mut sums = vec![(0.0f32, 0.0f32); k];
        for x in &sorted {
            let (sum, count) = &mut sums[nearest(&means, *x)];
            *sum += x;
            *count += 1.0;
        }
        means
            .iter_mut()
            .zip(&sums)
            .filter(|(_, (_, count))| *count > 0.0)
            .for_each(|(mean, (sum, count))| *mean = sum / count);
    }
    values.iter().zip(ground).map(|(x, ground)| if *ground { 0 } else { nearest(&means, *x) + 1 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_occluded_scene_has_a_thing_in_parts_and_a_scene_apart_has_none() {
        for number in 0..5 {
            let scene = Scene::draw(Kind::Occluded, 0.0, 3, number);
            let parts = components(|one, other| scene.truth[one] == 1 && scene.truth[other] == 1);
            let ones: Vec<bool> = scene.truth.iter().map(|thing| *thing == 1).collect();
            assert!(counts(&parts, &ones).len() >= 2);
            let scene = Scene::draw(Kind::Apart, 0.0, 3, number);
            let ground: Vec<bool> = scene.truth.iter().map(|thing| *thing == 0).collect();
            let mut parts = of_objects(&ground);
            parts.sort_unstable();
            parts.dedup();
            assert_eq!(parts.len(), 4);
        }
    }

    #[test]
    fn the_things_of_a_film_move_little_by_little_and_stay_in_the_picture() {
        let film = film(0.0, 3, 0, 200);
        for pair in film.windows(2) {
            let moved = pair[0].truth.iter().zip(&pair[1].truth).filter(|(was, is)| was != is).count();
            assert!((1..SIDE * SIDE / 4).contains(&moved), "{moved}");
        }
        assert!(film.iter().all(|scene| scene.truth.iter().filter(|thing| **thing == 4).count() >= FEWEST));
        let first: Vec<usize> = (0..SIDE * SIDE).filter(|at| film[0].truth[*at] == 4).collect();
        assert!(
            film.iter().any(|scene| first.iter().all(|at| scene.truth[*at] != 4)),
            "it never leaves its place"
        );
    }

    #[test]
    fn k_means_finds_two_heaps() {
        let found = k_means(&[0.1, 0.12, 0.5, 0.55, 0.0], &[false, false, false, false, true], 2);
        assert_eq!(found, [1, 1, 2, 2, 0]);
    }
}
