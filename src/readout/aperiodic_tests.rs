//! Tests of the aperiodic fit: known spectra, the reference implementation's numbers, and the interval's coverage.

use super::*;
use crate::format::npy::Array;
use crate::random::Stream;

fn grid() -> Vec<f64> {
    (0..=400).map(|k| f64::from(k) * 0.25).collect()
}

/// The spectrum `made` of the golden table: a knee, two peaks and a regular ripple.
fn made() -> Vec<f64> {
    let value = |k: i32| {
        let hz = f64::from(k) * 0.25;
        let bell = |centre: f64, sd: f64| libm::exp(-(hz - centre) * (hz - centre) / (2.0 * sd * sd));
        let ripple = 0.03 * libm::sin(1.7 * f64::from(k * k));
        let smooth = 2.0 - libm::log10(20.0 + libm::pow(hz, 1.7));
        libm::pow(10.0, smooth + 0.8 * bell(10.0, 1.2) + 0.4 * bell(23.0, 2.5) + ripple)
    };
    (0..=400).map(value).collect()
}

/// The numbers of a one-dimensional `.npy` file of little-endian doubles; `None` where it is absent.
fn npy(name: &str) -> Option<Vec<f64>> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/spectra").join(name);
    let bytes = std::fs::read(&path).ok()?;
    Some(Array::from_bytes(&path, &bytes).unwrap().values)
}

fn spectrum(name: &str) -> Option<(Vec<f64>, Vec<f64>)> {
    match name {
        "meg" => Some((npy("freqs_2.npy")?, npy("spectrum_2.npy")?)),
        "lfp" => Some((npy("freqs_lfp.npy")?, npy("spectrum_lfp.npy")?)),
        _ => Some((grid(), made())),
    }
}

#[test]
fn the_fit_agrees_with_the_reference_implementation() {
    let table = include_str!("../../tests/data/aperiodic-specparam.txt");
    let (mut compared, mut skipped) = (0, 0);
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |i: usize| words[i].parse::<f64>().unwrap();
        let Some((frequencies, power)) = spectrum(words[0]) else {
            skipped += 1;
            continue;
        };
        let settings = FitSettings {
            mode: if words[3] == "knee" { Mode::Knee } else { Mode::Fixed },
            max_peaks: number(4) as usize,
            peak_width_hz: (number(5), 12.0),
            ..Default::default()
        };
        let found = fit(&frequencies, &power, (number(1), number(2)), &settings).unwrap();
        eprintln!(
            "{:<40} exponent {:+.5} theirs {:+.5} difference {:+.6}, peaks {} theirs {}, r2 {:+.6}",
            words[..5].join(" "),
            found.exponent,
            number(8),
            found.exponent - number(8),
            found.peaks.len(),
            words[11],
            found.r_squared - number(9),
        );
        assert!((found.exponent - number(8)).abs() < 0.005, "{line}: {found:?}");
        assert!((found.offset - number(6)).abs() < 0.02, "{line}: {found:?}");
        assert!((found.r_squared - number(9)).abs() < 0.002, "{line}: {found:?}");
        assert!((found.error - number(10)).abs() < 0.002, "{line}: {found:?}");
        if let Some(knee) = found.knee {
            assert!((knee - number(7)).abs() < 0.02 * knee.abs().max(10.0), "{line}: {found:?}");
        }
        assert_eq!(found.peaks.len(), number(11) as usize, "{line}: {found:?}");
        if let Some(peak) = found.peaks.first() {
            assert!((peak.centre_hz - number(12)).abs() < 0.05, "{line}: {found:?}");
            assert!((peak.height - number(13)).abs() < 0.02, "{line}: {found:?}");
        }
        compared += 1;
    }
    if skipped > 0 {
        eprintln!("SKIPPED: {skipped} comparisons on ../shared/data/spectra, which is absent");
    }
    assert!(compared >= 8);
}

#[test]
fn a_pure_power_law_gives_its_exponent_and_no_residual() {
    let power: Vec<f64> = grid().iter().map(|hz| 50.0 / libm::pow(hz.max(0.01), 1.5)).collect();
    for mode in [Mode::Fixed, Mode::Knee] {
        let found = fit(&grid(), &power, (1.0, 80.0), &FitSettings { mode, ..Default::default() }).unwrap();
        assert!((found.exponent - 1.5).abs() < 1e-6, "{found:?}");
        assert!(found.max_residual_db < 1e-4 && found.r_squared > 0.999_999);
        assert!((found.power_at(4.0) / 6.25 - 1.0).abs() < 1e-5);
    }
}

#[test]
fn a_bend_that_a_line_cannot_follow_shows_in_the_residual() {
    let power: Vec<f64> = grid().iter().map(|hz| 1.0 / (100.0 + hz * hz)).collect();
    let straight = fit(&grid(), &power, (1.0, 80.0), &FitSettings::default()).unwrap();
    let bent =
        fit(&grid(), &power, (1.0, 80.0), &FitSettings { mode: Mode::Knee, ..Default::default() }).unwrap();
    assert!(straight.max_residual_db > 2.0, "{straight:?}");
    assert!(bent.max_residual_db < 1e-3 && (bent.exponent - 2.0).abs() < 1e-5, "{bent:?}");
    assert!((bent.knee_hz().unwrap() - 10.0).abs() < 1e-3);
}

#[test]
fn the_interval_covers_the_truth_about_as_often_as_it_says() {
    // Periodograms of a power law: exponential variates around it, as Welch's segments have.
    let mut stream = Stream::new(11, 0);
    let (frequencies, mut covered) = (grid(), 0);
    for _ in 0..100 {
        let units: Vec<Vec<f64>> = (0..16)
            .map(|_| {
                let draw = |hz: &f64| {
                    // Mean of 8 independent electrodes.
                    let sum: f64 = (0..8).map(|_| -libm::log(1.0 - stream.uniform())).sum();
                    sum / 8.0 / hz.max(0.1)
                };
                frequencies.iter().map(draw).collect()
            })
            .collect();
        let [low, high] =
            exponent_interval(&frequencies, &units, (1.0, 80.0), &FitSettings::default()).unwrap();
        covered += i32::from(low <= 1.0 && 1.0 <= high);
        assert!(high - low < 0.1);
    }
    eprintln!("coverage {covered} of 100");
    assert!((88..=100).contains(&covered), "{covered} of 100");
}

#[test]
fn too_few_units_make_no_interval() {
    let units = vec![made(); 3];
    assert_eq!(exponent_interval(&grid(), &units, (1.0, 80.0), &FitSettings::default()), None);
}

#[test]
fn a_spectrum_that_cannot_be_fitted_says_why() {
    let error = |frequencies: &[f64], power: &[f64], range| {
        fit(frequencies, power, range, &FitSettings::default()).unwrap_err().to_string()
    };
    assert!(error(&grid(), &made(), (1.0, 2.0)).contains("too few frequencies lie in the range: 5"));
    let mut power = made();
    power[40] = 0.0;
    assert!(error(&grid(), &power, (1.0, 80.0)).contains("at 10 Hz: the power is not a positive number: 0"));
    power[40] = f64::NAN;
    assert!(error(&grid(), &power, (1.0, 80.0)).contains("NaN"));
    assert!(error(&grid()[1..], &made(), (1.0, 80.0)).contains("400 and 401"));
    let mut uneven = grid();
    uneven[100] += 0.1;
    assert!(error(&uneven, &made(), (1.0, 80.0)).contains("not evenly spaced"));
}
