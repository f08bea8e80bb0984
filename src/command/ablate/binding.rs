//! The claims of binding: groups and wholes, a world that changes, and angles from pairs that are mostly wrong.

use super::{Figure, Run};
use crate::binding::agreement::Agreement;
use crate::binding::consensus::{How, Way, bind};
use crate::binding::live::Live;
use crate::binding::part::Part;
use crate::binding::phantom::{Scene, psnr};
use crate::binding::phases;
use crate::binding::projection::ParallelBeam;
use crate::binding::sync::{Differences, correlation};
use crate::error::Result;
use crate::random::Stream;
use crate::time::monotonic;

/// Rows and columns of a scene, arrays, and the views of each.
pub(super) const SIDE: usize = 64;
pub(super) const ARRAYS: usize = 16;
const VIEWS: usize = 4;

/// The noise's σ, of the data's rms.
const NOISE: f64 = 0.005;

/// How it is bound; steps are equal in all variants.
pub(super) fn how(way: Way, seed: u64) -> How {
    How { way, iterations: 100, coupling: 0.5, most: 1.0, sigma: None, seed, threads: 1 }
}

/// Views of an array: every so many of all.
pub(super) fn degrees(array: usize) -> Vec<f64> {
    (0..VIEWS).map(|view| 180.0 * (view * ARRAYS + array) as f64 / (VIEWS * ARRAYS) as f64).collect()
}

/// What each array would see of a scene.
fn seen(scene: &Scene) -> Vec<Vec<f32>> {
    (0..ARRAYS).map(|array| scene.sinogram(SIDE, &degrees(array))).collect()
}

/// The same under white noise of that part of its rms.
pub(super) fn noisy(data: &[f32], noise: f64, draws: &mut Stream) -> Vec<f32> {
    let sigma = noise * rms(data);
    data.iter().map(|x| x + (sigma * draws.normal()) as f32).collect()
}

fn rms(data: &[f32]) -> f64 {
    let square: f64 = data.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    (square / data.len() as f64).sqrt()
}

fn part(array: usize, data: Vec<f32>) -> Result<Part> {
    Part::new(Box::new(ParallelBeam::new(SIDE, SIDE, &degrees(array))?), data)
}

/// The share of pairs of arrays that are wrongly together or wrongly apart.
fn wrong(groups: &[Vec<usize>], truth: &[usize]) -> f64 {
    let of = |array: usize| groups.iter().position(|group| group.contains(&array));
    let pairs = || (0..truth.len()).flat_map(|one| (one + 1..truth.len()).map(move |other| (one, other)));
    let wrong = |(one, other): &(usize, usize)| (of(*one) == of(*other)) != (truth[*one] == truth[*other]);
    pairs().filter(wrong).count() as f64 / pairs().count() as f64
}

/// The variants of [`wholes`] by their numbers.
pub(super) const WHOLES: [&str; 7] = [
    "as it is",
    "without phases: chains of agreement",
    "without phases: leading eigenvector",
    "without phases: robust weights",
    "without groups: plain coupling",
    "without coupling",
    "oracle that is given the groups",
];

/// What arrays see that do not see the first scene.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Else {
    /// A second scene, all of them the same.
    Another,
    /// Noise, as strong as what they should see.
    Noise,
    /// The first scene by a detector that lies beside its place, each by another distance.
    Beside,
}

/// How many of sixteen arrays see something else, and what.
const TASKS: [(usize, Else, &str); 7] = [
    (0, Else::Another, "0 see another"),
    (4, Else::Another, "4 see another"),
    (6, Else::Another, "6 see another"),
    (8, Else::Another, "8 see another"),
    (4, Else::Noise, "4 see noise"),
    (6, Else::Noise, "6 see noise"),
    (4, Else::Beside, "4 lie beside"),
];
/// The least and the most that a detector lies beside its place, in its elements.
const BESIDE: (f64, f64) = (2.0, 6.0);

/// What a detector sees that lies `by` elements beside its place, view by view.
fn beside(data: &[f32], by: i32) -> Vec<f32> {
    let own = |at: usize| (at % SIDE).checked_add_signed(by as isize).filter(|place| *place < SIDE);
    (0..data.len()).map(|at| own(at).map_or(0.0, |place| data[at / SIDE * SIDE + place])).collect()
}

/// Sixteen arrays of four views, some of which see something else.
pub(super) fn wholes(&Run { variant, seed, quick, .. }: &Run<'_>) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let scenes = [Scene::drawn(2 * seed, SIDE), Scene::drawn(2 * seed + 1, SIDE)];
    let truths = scenes.each_ref().map(|scene| scene.picture(SIDE));
    let clean = scenes.each_ref().map(seen);
    for &(others, what, task) in if quick { &TASKS[1..2] } else { &TASKS[..] } {
        let mut draws = Stream::new(seed, others as u32 + 400 * what as u32);
        // Who sees what: those of one number are of one world, and who sees noise or lies beside is of none but his own.
        let else_of = |array: usize| if what == Else::Another { 1 } else { 1 + array };
        let mut of: Vec<usize> =
            (0..ARRAYS).map(|array| if array < others { else_of(array) } else { 0 }).collect();
        for at in (1..ARRAYS).rev() {
            of.swap(at, (draws.uniform() * (at + 1) as f64) as usize);
        }
        let mut data: Vec<Vec<f32>> = Vec::new();
        for (array, scene) in of.iter().enumerate() {
            let clean = &clean[if what == Else::Another { *scene } else { 0 }][array];
            data.push(match what {
                Else::Noise if *scene > 0 => {
                    let rms = rms(clean);
                    clean.iter().map(|_| (rms * draws.normal()) as f32).collect()
                }
                Else::Beside if *scene > 0 => {
                    let sign = if draws.uniform() < 0.5 { -1.0 } else { 1.0 };
                    let by = sign * draws.between(BESIDE.0, BESIDE.1);
                    noisy(&beside(clean, by.round() as i32), NOISE, &mut draws)
                }
                _ => noisy(clean, NOISE, &mut draws),
            });
        }
        let all = |arrays: &[usize]| -> Result<Vec<Part>> {
            arrays.iter().map(|array| part(*array, data[*array].clone())).collect()
        };
        let way =
            [Way::Phases, Way::Agreement, Way::Spectral, Way::Robust, Way::Plain, Way::Plain, Way::Plain]
                [variant];
        let coupling = if variant == 5 { 0.0 } else { 0.5 };
        let how = How { coupling, ..how(way, seed) };
        let (mut pictures, mut groups) = (Vec::new(), Vec::new());
        // The oracle binds each group by itself, all others bind once.
        let given: Vec<Vec<usize>> = match variant {
            6 if what == Else::Another => {
                (0..2).map(|scene| (0..ARRAYS).filter(|array| of[*array] == scene).collect()).collect()
            }
            6 => vec![(0..ARRAYS).filter(|array| of[*array] == 0).collect()],
            _ => vec![(0..ARRAYS).collect()],
        };
        for arrays in given.iter().filter(|arrays| !arrays.is_empty()) {
            let bound = bind(&all(arrays)?, &how)?;
            groups.extend(
                bound
                    .wholes
                    .iter()
                    .map(|whole| whole.arrays.iter().map(|array| arrays[*array]).collect::<Vec<usize>>()),
            );
            if variant == 6 && what != Else::Another {
                groups.extend((0..ARRAYS).filter(|array| of[*array] > 0).map(|array| vec![array]));
            }
            if variant == 5 {
                pictures.extend(bound.pictures);
            } else {
                pictures.extend(bound.wholes.into_iter().map(|whole| whole.picture));
            }
        }
        // Alone, the mean over those that see it; bound, the whole that is most like it.
        let likeness = |scene: usize| {
            let each = pictures.iter().map(|picture| psnr(picture, &truths[scene]));
            if variant == 5 {
                let own: Vec<f64> =
                    each.zip(&of).filter(|(_, of)| **of == scene).map(|(psnr, _)| psnr).collect();
                own.iter().sum::<f64>() / own.len() as f64
            } else {
                each.fold(f64::MIN, f64::max)
            }
        };
        let mut found = vec![("PSNR, dB", likeness(0)), ("pairs that are wrong", wrong(&groups, &of))];
        if others > 0 && what == Else::Another {
            found.push(("PSNR of the other, dB", likeness(1)));
        }
        figures.extend(found.into_iter().map(|(metric, value)| Figure {
            variant,
            task: task.to_owned(),
            metric,
            value,
        }));
    }
    Ok(figures)
}

/// The variants of [`changes`] by their numbers.
pub(super) const CHANGES: [&str; 7] = [
    "as it is: phases, tick by tick",
    "without phases: chains of agreement",
    "eigenvector of the same, each tick",
    "without coupling (kappa 0)",
    "eigenvector anew each tick",
    "eigenvector anew each 32 ticks",
    "without change: groups of the start",
];

/// Arrays that each come to see the other scene about every 150 ticks.
pub(super) fn changes(&Run { variant, seed, quick, .. }: &Run<'_>) -> Result<Vec<Figure>> {
    let (ticks, rate) = (if quick { 60 } else { 400 }, 1.0 / 150.0);
    let clean = [Scene::drawn(2 * seed, SIDE), Scene::drawn(2 * seed + 1, SIDE)].map(|scene| seen(&scene));
    let mut draws = Stream::new(seed, 100);
    let mut of: Vec<usize> = (0..ARRAYS).map(|array| array % 2).collect();
    let mut data: Vec<Vec<f32>> =
        (0..ARRAYS).map(|array| noisy(&clean[of[array]][array], NOISE, &mut draws)).collect();
    let parts = || -> Result<Vec<Part>> {
        data.iter().enumerate().map(|(array, data)| part(array, data.clone())).collect()
    };
    let way = [Way::Phases, Way::Agreement, Way::Spectral].get(variant).copied().unwrap_or(Way::Phases);
    let coupling = if variant == 3 { 0.0 } else { 0.5 };
    let how = How { iterations: 2, coupling, ..how(way, seed) };
    let mut fixed = parts()?;
    let mut live = Live::new(parts()?, &how, 60)?;
    let mut groups = live.groups().to_vec();
    let (mut errors, mut took, mut late, mut open) = (0.0, 0.0, Vec::new(), vec![None; ARRAYS]);
    for tick in 0..ticks {
        for (array, of) in of.iter_mut().enumerate() {
            if draws.uniform() < rate {
                *of = 1 - *of;
                open[array] = Some(tick);
            }
            data[array] = noisy(&clean[*of][array], NOISE, &mut draws);
        }
        let started = monotonic();
        match variant {
            0..=3 => {
                live.tick(&data.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
                groups = live.groups().to_vec();
            }
            4 | 5 if variant == 4 || tick % 32 == 0 => {
                for (part, data) in fixed.iter_mut().zip(&data) {
                    part.see(data)?;
                }
                let agreement = Agreement::of(&fixed, how.sigma, how.most, seed, 1);
                groups = phases::by_eigenvector(&agreement.matrix, ARRAYS, seed);
            }
            _ => {}
        }
        took += monotonic().saturating_sub(started).as_secs_f64();
        errors += wrong(&groups, &of);
        // An array is right again when it is with most of those that see what it sees.
        for array in 0..ARRAYS {
            let with = groups.iter().find(|group| group.contains(&array));
            let alike = with.map_or(0, |group| group.iter().filter(|other| of[**other] == of[array]).count());
            let right = 2 * alike > with.map_or(0, Vec::len) && alike > 1;
            if let Some(since) = open[array].filter(|_| right) {
                late.push(f64::from(tick - since));
                open[array] = None;
            }
        }
    }
    let task = String::from("an array changes every 9 ticks");
    let mean = if late.is_empty() { f64::NAN } else { late.iter().sum::<f64>() / late.len() as f64 };
    let found = [
        ("pairs that are wrong", errors / f64::from(ticks)),
        ("ticks until right", mean),
        ("never right, arrays", open.iter().flatten().count() as f64),
        ("milliseconds a tick", 1e3 * took / f64::from(ticks)),
    ];
    Ok(found
        .into_iter()
        .map(|(metric, value)| Figure { variant, task: task.clone(), metric, value })
        .collect())
}

/// The variants of [`angles`] by their numbers.
pub(super) const ANGLES: [&str; 4] = [
    "as it is: Kuramoto's flow",
    "leading eigenvector",
    "without coupling: one array's pairs",
    "theory: eigenvector of a spiked matrix",
];
/// Angles that are to be found.
const COUNT: usize = 400;

/// Angles from their differences, most of which are anything.
// As the runs of all claims.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn angles(&Run { variant, seed, quick, .. }: &Run<'_>) -> Result<Vec<Figure>> {
    let count = if quick { COUNT / 4 } else { COUNT };
    let mut figures = Vec::new();
    for (number, right) in [0.3, 0.15, 0.1, 0.08, 0.06, 0.05, 0.03].into_iter().enumerate() {
        let mut draws = Stream::new(seed, 200 + number as u32);
        let turn = |draws: &mut Stream| draws.between(-core::f64::consts::PI, core::f64::consts::PI);
        let truth: Vec<f64> = (0..count).map(|_| turn(&mut draws)).collect();
        let mut differences = Differences::new(count);
        let mut first = vec![0.0; count];
        for one in 0..count {
            for other in one + 1..count {
                let is_right = draws.uniform() < right;
                let any = turn(&mut draws);
                let difference = if is_right { truth[one] - truth[other] } else { any };
                differences.tell(one, other, difference, 1.0);
                if one == 0 {
                    first[other] = -difference;
                }
            }
        }
        let started = monotonic();
        let found = match variant {
            0 => Some(differences.by_flow(seed)),
            1 => Some(differences.by_eigenvector(seed)),
            2 => Some(first),
            _ => None,
        };
        let took = 1e3 * monotonic().saturating_sub(started).as_secs_f64();
        // The overlap of a spike of strength p √n above 1 with the leading eigenvector (Benaych-Georges and Nadakuditi, Adv Math
        // 227:494, 2011); an array's phase alone is a little nearer than its whole entry.
        let strength = right * right * count as f64;
        let theory = (1.0 - 1.0 / strength.max(1.0)).sqrt();
        let likeness = found.map_or(theory, |found| correlation(&found, &truth));
        let task = format!("{:.0} % right", 100.0 * right);
        figures.push(Figure { variant, task: task.clone(), metric: "correlation", value: likeness });
        if variant < 2 {
            figures.push(Figure { variant, task, metric: "milliseconds", value: took });
        }
    }
    Ok(figures)
}
