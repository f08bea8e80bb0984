//! How far what `napot bind --align=rotation` finds is from the truth, against the standard error that it tells, body by body:
//! `cargo run --release --example turned -- SEEDS ELEMENTS`. `docs/binding.md` has the table. Lines are those of a picture of pixels, and of
//! the last body exact ones, which no grid has touched.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // small counts, pixels

use napot::binding::align::{Found, Seen, What, aligned};
use napot::binding::consensus::{How, Way};
use napot::binding::phantom::Scene;
use napot::binding::projection::{ParallelBeam, Projection};
use napot::error::Result;
use napot::random::Stream;

/// Views of an array.
const VIEWS: usize = 4;

type Body = Box<dyn Fn(u64) -> Scene>;

fn main() {
    let number = |at: usize| std::env::args().nth(at).and_then(|text| text.parse::<usize>().ok());
    let (seeds, side) = (number(1).unwrap_or(5), number(2).unwrap_or(32));
    println!("| body | noise | not determined | error, degrees | stated | error / stated |");
    println!("|---|---|---|---|---|---|");
    for (name, body) in bodies(side) {
        for noise in [0.0, 0.02, 0.05] {
            let (mut lost, mut errors, mut stated, mut ratios) = (0, Vec::new(), Vec::new(), Vec::new());
            for seed in 0..seeds as u64 {
                let exact = name.contains("exact");
                // A body without noise that is round is refused: no pair of arrays tells anything.
                let Ok((found, turns)) = turned(&body(seed), side, noise, (seed, exact)) else {
                    lost += side / 4;
                    continue;
                };
                let known: Vec<(&Found, f64)> = found
                    .iter()
                    .zip(turns)
                    .filter(|(found, _)| found.surely[1].why_not.is_none())
                    .map(|(found, turn)| (found, found.place.turn - turn))
                    .collect();
                lost += side / 4 - known.len();
                // Turned alike is no error.
                let mut sorted: Vec<f64> = known.iter().map(|(_, error)| *error).collect();
                sorted.sort_by(f64::total_cmp);
                let middle = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
                for (found, error) in known {
                    errors.push(error - middle);
                    stated.push(found.surely[1].error);
                    ratios.push((error - middle) / found.surely[1].error);
                }
            }
            let (percent, all) = (100.0 * noise, seeds * side / 4);
            let [error, told, ratio] = [&errors, &stated, &ratios].map(|numbers| rms(numbers));
            println!("| {name} | {percent} % | {lost} of {all} | {error} | {told} | {ratio} |");
        }
    }
}

/// Their root mean square, for people.
fn rms(numbers: &[f64]) -> String {
    let square = numbers.iter().map(|x| x * x).sum::<f64>() / numbers.len() as f64;
    if numbers.is_empty() { String::new() } else { format!("{:.2}", square.sqrt()) }
}

fn bodies(side: usize) -> Vec<(&'static str, Body)> {
    let unit = side as f64 / 32.0;
    let ellipse = |ratio: f64| -> Body {
        Box::new(move |_| Scene(vec![[0.5, 0.0, 0.0, 11.0 * unit, 11.0 * unit * ratio, 0.4]]))
    };
    let disc = move |[bright, x, y, radius]: [f64; 4]| {
        [bright, x * unit, y * unit, radius * unit, radius * unit, 0.0]
    };
    let discs = move |_| Scene([[0.8, 3.0, -4.0, 6.0], [1.0, -5.0, 5.0, 3.0]].map(disc).to_vec());
    vec![
        ("disc", ellipse(1.0)),
        ("ellipse, axes 1 : 0.95", ellipse(0.95)),
        ("ellipse, axes 1 : 0.8", ellipse(0.8)),
        ("two discs", Box::new(discs)),
        ("ellipses drawn at random", Box::new(move |seed| Scene::drawn(seed, side))),
        ("Shepp-Logan", Box::new(move |_| shepp_logan(side))),
        ("Shepp-Logan, exact", Box::new(move |_| shepp_logan(side))),
    ]
}

/// The head phantom with the contrasts of Toft (1996).
fn shepp_logan(side: usize) -> Scene {
    let rows = [
        [1.0, 0.69, 0.92, 0.0, 0.0, 0.0],
        [-0.8, 0.6624, 0.874, 0.0, -0.0184, 0.0],
        [-0.2, 0.11, 0.31, 0.22, 0.0, -18.0],
        [-0.2, 0.16, 0.41, -0.22, 0.0, 18.0],
        [0.1, 0.21, 0.25, 0.0, 0.35, 0.0],
        [0.1, 0.046, 0.046, 0.0, 0.1, 0.0],
        [0.1, 0.046, 0.046, 0.0, -0.1, 0.0],
        [0.1, 0.046, 0.023, -0.08, -0.605, 0.0],
        [0.1, 0.023, 0.023, 0.0, -0.606, 0.0],
        [0.1, 0.023, 0.046, 0.06, -0.605, 0.0],
    ];
    let half = side as f64 / 2.0 - 1.0;
    let ellipse = |[bright, a, b, x, y, turn]: [f64; 6]| {
        [bright, x * half, -y * half, a * half, b * half, -f64::to_radians(turn)]
    };
    Scene(rows.map(ellipse).to_vec())
}

/// What is found of arrays every other one of which is turned by 2 to 10 degrees, and their turns.
fn turned(
    scene: &Scene,
    side: usize,
    noise: f64,
    (seed, exact): (u64, bool),
) -> Result<(Vec<Found>, Vec<f64>)> {
    let mut draws = Stream::new(seed, 11);
    let picture: Vec<f32> = scene.picture(side).into_iter().map(|x| x.max(0.0)).collect();
    let arrays = side / 4;
    let (mut all, mut turns) = (Vec::new(), Vec::new());
    for array in 0..arrays {
        let by = draws.between(2.0, 10.0).copysign(draws.between(-1.0, 1.0));
        let turn = if array % 2 == 1 { by } else { 0.0 };
        let degrees: Vec<f64> =
            (0..VIEWS).map(|view| 180.0 * (view * arrays + array) as f64 / (VIEWS * arrays) as f64).collect();
        let really: Vec<f64> = degrees.iter().map(|degrees| degrees + turn).collect();
        let mut data = vec![0.0; VIEWS * side];
        if exact {
            data = scene.sinogram(side, &really);
        } else {
            ParallelBeam::new(side, side, &really)?.apply(&picture, &mut data, 1);
        }
        let square: f64 = data.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
        let sigma = noise * (square / data.len() as f64).sqrt();
        for x in &mut *data {
            *x += (sigma * draws.normal()) as f32;
        }
        all.push(Seen { degrees, data });
        turns.push(turn);
    }
    let how =
        How { way: Way::Phases, iterations: 100, coupling: 0.5, most: 1.0, sigma: None, seed, threads: 1 };
    Ok((aligned(&all, side, What::Rotation, &how)?, turns))
}
