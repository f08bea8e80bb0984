//! Prints what the documentation says about the array: a flash running down the bands, the return to the twin,
//! the largest Lyapunov exponent against κ, and the threshold for a weak input with and without the tonic rhythm.

// Counts and times here are small against 2^52.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]

use napot::array::{Array, ArrayParameters};
use napot::error::Result;
use napot::kernel::team::Team;
use napot::signal::ArrayId;
use napot::time::Tick;

/// Rms of `driven - twin` per band, in units of the tonic rms.
fn differential(array: &Array) -> Vec<f64> {
    let Some(twin) = array.twin() else { return Vec::new() };
    let driven = array.field();
    let sites = array.shape().sites() as f64;
    (0..array.shape().bands)
        .map(|band| {
            let ((a, b), (c, d)) = (driven.band(band), twin.band(band));
            let square =
                |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| f64::from(x - y).powi(2)).sum::<f64>();
            ((square(a, c) + square(b, d)) / sites / array.band_variances()[band]).sqrt()
        })
        .collect()
}

fn total(differential: &[f64]) -> f64 {
    differential.iter().map(|d| d * d).sum::<f64>().sqrt()
}

/// Runs a sheet of `side x side` for `ticks`, holding the drive at `amplitude` from `from` for `length` ticks;
/// shows each differential to `look`.
fn drive(
    parameters: &ArrayParameters,
    side: usize,
    amplitude: f32,
    (from, length): (u64, u64),
    ticks: u64,
    mut look: impl FnMut(u64, &[f64]),
) -> Result<()> {
    let mut array = Array::new(ArrayId(0), side, side, parameters, 1, 1)?;
    let mut team = Team::new(1);
    let keeps = (-1.0 / parameters.burst_ms).exp() as f32;
    for tick in 0..ticks {
        if (from..from + length).contains(&tick) {
            let top_up = if tick == from { amplitude } else { amplitude * (1.0 - keeps) };
            (0..side * side).for_each(|site| array.push_site(site, top_up, 0.0));
        }
        array.step(Tick(tick), &mut team);
        if tick >= from && tick % 5 == 0 {
            look(tick - from, &differential(&array));
        }
    }
    Ok(())
}

fn flash() -> Result<()> {
    println!(
        "A flash of 100 ms at 6 x the tonic rms on 96 x 96 sites: largest rms of driven - twin over the"
    );
    println!(
        "tonic rms, and when it came, in ms after the flash began; then the total 1 s and 3 s after it.\n"
    );
    println!("| κ | 0.75 Hz | 1.5 | 3 | 6 | 12 | 24 | 48 | 96 | 1 s | 3 s |");
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for kappa in [0.0, 0.5, 1.0, 1.5, 2.0, 3.0] {
        let parameters = ArrayParameters { kappa, ..ArrayParameters::default() };
        let mut peaks = vec![(0.0, 0); parameters.bands];
        let mut later = (0.0, 0.0);
        drive(&parameters, 96, 6.0, (200, 100), 3_305, |tick, now| {
            for (peak, value) in peaks.iter_mut().zip(now).filter(|_| tick < 1_200) {
                if *value > peak.0 {
                    *peak = (*value, tick);
                }
            }
            match tick {
                1_100 => later.0 = total(now),
                3_100 => later.1 = total(now),
                _ => {}
            }
        })?;
        let cells: Vec<String> = peaks.iter().map(|(peak, at)| format!("{peak:.2} at {at}")).collect();
        println!("| {kappa} | {} | {:.4} | {:.4} |", cells.join(" | "), later.0, later.1);
    }
    Ok(())
}

/// Grows a small difference between driven and twin and takes the mean rate of its logarithm from 0.2 s after
/// the touch on, while it is far below the tonic rms (Benettin et al. 1980, without the need to rescale in
/// single precision: the touch is 1e-4, the fit ends at 0.05).
fn lyapunov() -> Result<()> {
    println!(
        "\nLargest Lyapunov exponent on 32 x 32 sites: growth of a difference of 1e-4, mean of 3 seeds.\n"
    );
    println!("| κ | exponent in 1/s |");
    println!("|---|---|");
    for kappa in [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0] {
        let parameters = ArrayParameters { kappa, ..ArrayParameters::default() };
        let mut rates = Vec::new();
        for seed in 1..=3 {
            let mut array = Array::new(ArrayId(0), 32, 32, &parameters, seed, 1)?;
            let mut team = Team::new(1);
            let mut points: Vec<(f64, f64)> = Vec::new();
            for tick in 0..6_000 {
                if tick == 0 {
                    (0..1_024).for_each(|site| array.push_site(site, 1e-2, 0.0));
                }
                array.step(Tick(tick), &mut team);
                let size = total(&differential(&array));
                if tick >= 200 && size > 1e-6 && size < 0.05 {
                    points.push((tick as f64 / 1_000.0, size.ln()));
                }
            }
            rates.push(slope(&points));
        }
        let mean = rates.iter().sum::<f64>() / rates.len() as f64;
        let spread = rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>() / 2.0;
        println!("| {kappa} | {mean:.2} ± {:.2} |", spread.sqrt());
    }
    Ok(())
}

/// Least-squares slope.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / n, y + point.1 / n));
    let (mut xx, mut xy) = (0.0, 0.0);
    for point in points {
        xx += (point.0 - x).powi(2);
        xy += (point.0 - x) * (point.1 - y);
    }
    xy / xx
}

/// The weakest pulse of 100 ms at the fastest band that still moves the 12 Hz band by a tenth of its tonic
/// rms, by bisection.
fn readiness() -> Result<()> {
    println!(
        "\nThe ground's readiness: the weakest pulse (100 ms, in units of the tonic rms) that moves a band by a"
    );
    println!("tenth of its tonic rms, with the tonic rhythm and without it (32 x 32 sites).\n");
    println!("| band | with the rhythm | without it |");
    println!("|---|---|---|");
    for band in [6, 5, 4, 3] {
        let threshold = |tonic: f64| -> Result<f64> {
            let parameters = ArrayParameters { tonic, ..ArrayParameters::default() };
            let (mut low, mut high) = (0.0f32, 12.0f32);
            for _ in 0..10 {
                let middle = 0.5 * (low + high);
                let mut most = 0.0f64;
                drive(&parameters, 32, middle, (300, 100), 700, |_, now| most = most.max(now[band]))?;
                if most >= 0.1 { high = middle } else { low = middle }
            }
            Ok(f64::from(high))
        };
        let say = |value: f64| if value > 11.9 { "none up to 12".to_owned() } else { format!("{value:.2}") };
        let centre = ArrayParameters::default().centre(band).0;
        println!("| {centre} Hz | {} | {} |", say(threshold(1.0)?), say(threshold(0.0)?));
    }
    Ok(())
}

fn main() -> Result<()> {
    flash()?;
    lyapunov()?;
    readiness()
}
