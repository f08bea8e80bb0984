//! How far what `napot bind --align=rotation` finds is from the truth, against the standard error that it tells, body by body:
//! `cargo run --release --example turned -- SEEDS`. `docs/binding.md` has the table.

use napot::binding::align::{Found, Seen, What, aligned};
use napot::binding::consensus::{How, Way};
use napot::binding::phantom::Scene;
use napot::random::Stream;

/// Detector elements, arrays, and the views of each.
const SIDE: usize = 32;
const ARRAYS: usize = 8;
const VIEWS: usize = 4;

fn main() -> napot::error::Result<()> {
    let seeds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5);
    println!("| body | noise | not determined | error, degrees | stated | error / stated |");
    println!("|---|---|---|---|---|---|");
    for (name, body) in bodies() {
        for noise in [0.0, 0.02, 0.05] {
            let (mut lost, mut errors, mut stated, mut ratios) = (0, Vec::new(), Vec::new(), Vec::new());
            for seed in 0..seeds {
                // A body without noise that is round is refused: no pair of arrays tells anything.
                let Ok((found, turns)) = turned(&body(seed), noise, seed) else {
                    lost += ARRAYS;
                    continue;
                };
                let known: Vec<usize> =
                    (0..ARRAYS).filter(|array| found[*array].surely[1].why_not.is_none()).collect();
                lost += ARRAYS - known.len();
                // Turned alike is no error.
                let mut beside: Vec<f64> =
                    known.iter().map(|array| found[*array].place.turn - turns[*array]).collect();
                beside.sort_by(f64::total_cmp);
                let middle = beside.get(beside.len() / 2).copied().unwrap_or_default();
                for array in known {
                    let error = found[array].place.turn - turns[array] - middle;
                    errors.push(error);
                    stated.push(found[array].surely[1].error);
                    ratios.push(error / found[array].surely[1].error);
                }
            }
            let [error, told, ratio] = [&errors, &stated, &ratios].map(|numbers| rms(numbers));
            let percent = 100.0 * noise;
            let all = seeds as usize * ARRAYS;
            println!("| {name} | {percent} % | {lost} of {all} | {error:.2} | {told:.2} | {ratio:.2} |");
        }
    }
    Ok(())
}

fn rms(numbers: &[f64]) -> f64 {
    (numbers.iter().map(|x| x * x).sum::<f64>() / numbers.len() as f64).sqrt()
}

type Body = Box<dyn Fn(u64) -> Scene>;

fn bodies() -> Vec<(&'static str, Body)> {
    let ellipse =
        |ratio: f64| -> Body { Box::new(move |_| Scene(vec![[0.5, 0.0, 0.0, 11.0, 11.0 * ratio, 0.4]])) };
    vec![
        ("disc", ellipse(1.0)),
        ("ellipse, axes 1 : 0.95", ellipse(0.95)),
        ("ellipse, axes 1 : 0.8", ellipse(0.8)),
        (
            "two discs",
            Box::new(|_| Scene(vec![[0.8, 3.0, -4.0, 6.0, 6.0, 0.0], [1.0, -5.0, 5.0, 3.0, 3.0, 0.0]])),
        ),
        ("Shepp-Logan", Box::new(|_| shepp_logan())),
        ("ellipses drawn at random", Box::new(|seed| Scene::drawn(seed, SIDE))),
    ]
}

/// The head phantom with the contrasts of Toft (1996).
fn shepp_logan() -> Scene {
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
    let half = SIDE as f64 / 2.0 - 1.0;
    let ellipse = |[bright, a, b, x, y, turn]: [f64; 6]| {
        [bright, x * half, -y * half, a * half, b * half, -f64::to_radians(turn)]
    };
    Scene(rows.map(ellipse).to_vec())
}

/// What is found of arrays half of which are turned by 2 to 10 degrees, and their turns.
fn turned(scene: &Scene, noise: f64, seed: u64) -> napot::error::Result<(Vec<Found>, Vec<f64>)> {
    let mut draws = Stream::new(seed, 11);
    let turn = |array: usize, draws: &mut Stream| {
        let by = draws.between(2.0, 10.0).copysign(draws.between(-1.0, 1.0));
        if array % 2 == 1 { by } else { 0.0 }
    };
    let turns: Vec<f64> = (0..ARRAYS).map(|array| turn(array, &mut draws)).collect();
    let seen = |array: usize| {
        let degrees: Vec<f64> =
            (0..VIEWS).map(|view| 180.0 * (view * ARRAYS + array) as f64 / (VIEWS * ARRAYS) as f64).collect();
        let really: Vec<f64> = degrees.iter().map(|degrees| degrees + turns[array]).collect();
        let clean = scene.sinogram(SIDE, &really);
        let square: f64 = clean.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
        let sigma = noise * (square / clean.len() as f64).sqrt();
        let data = clean.iter().map(|x| x + (sigma * draws.normal()) as f32).collect();
        Seen { degrees, data }
    };
    let arrays: Vec<Seen> = (0..ARRAYS).map(seen).collect();
    let how =
        How { way: Way::Phases, iterations: 100, coupling: 0.5, most: 1.0, sigma: None, seed, threads: 1 };
    Ok((aligned(&arrays, SIDE, What::Rotation, &how)?, turns))
}
