//! Power per frequency band, taken from a spectrum: the array's octaves, and the classical bands of the EEG.

use crate::units::Hertz;

/// The classical bands: name, from, to in Hz (International Federation of Clinical Neurophysiology, glossary 2017;
/// gamma ends where the array's tonic range does).
pub const CLASSICAL: [(&str, f64, f64); 5] = [
    ("delta", 1.0, 4.0),
    ("theta", 4.0, 8.0),
    ("alpha", 8.0, 13.0),
    ("beta", 13.0, 30.0),
    ("gamma", 30.0, 80.0),
];

/// The power between two frequencies in the unit of `density` times Hz (uV^2).
///
/// `frequencies` ascend evenly from 0; each bin stands for half a bin to either side, so that neighbouring bands
/// share no power and lose none. `None` where the band has no overlap with the spectrum.
#[must_use]
pub fn band_power(frequencies: &[f64], density: &[f64], from: Hertz, to: Hertz) -> Option<f64> {
    let resolution = frequencies.get(1)? - frequencies[0];
    let mut covered = 0.0;
    let mut power = 0.0;
    for (frequency, density) in frequencies.iter().zip(density) {
        let low = (frequency - resolution / 2.0).max(from.0).max(0.0);
        let high = (frequency + resolution / 2.0).min(to.0);
        if high > low {
            covered += high - low;
            power += density * (high - low);
        }
    }
    (covered > 0.0).then_some(power)
}

/// The power of each of the array's bands, slowest first: from `centre / sqrt(2)` to `centre * sqrt(2)`, an octave
/// each; `None` for a band that the spectrum does not reach.
#[must_use]
pub fn octave_powers(frequencies: &[f64], density: &[f64], centres: &[Hertz]) -> Vec<Option<f64>> {
    let edge = core::f64::consts::SQRT_2;
    let power =
        |centre: &Hertz| band_power(frequencies, density, Hertz(centre.0 / edge), Hertz(centre.0 * edge));
    centres.iter().map(power).collect()
}

/// The power of each of the [`CLASSICAL`] bands, in their order.
#[must_use]
pub fn classical_powers(frequencies: &[f64], density: &[f64]) -> [Option<f64>; 5] {
    CLASSICAL.map(|(_, from, to)| band_power(frequencies, density, Hertz(from), Hertz(to)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Vec<f64> {
        (0..2_049).map(|bin| f64::from(bin) * 0.244_140_625).collect()
    }

    #[test]
    fn octaves_of_pink_noise_hold_equal_power() {
        let frequencies = grid();
        let density: Vec<f64> = frequencies.iter().map(|f| 1.0 / f.max(0.1)).collect();
        let centres = [1.5, 3.0, 6.0, 12.0, 24.0, 48.0, 96.0].map(Hertz);
        for power in octave_powers(&frequencies, &density, &centres) {
            assert!((power.unwrap() - core::f64::consts::LN_2).abs() < 0.02, "{power:?}");
        }
    }

    #[test]
    fn neighbouring_bands_add_up() {
        let frequencies = grid();
        let density: Vec<f64> = frequencies.iter().map(|f| 2.0 + f).collect();
        let parts: f64 = classical_powers(&frequencies, &density).iter().map(|p| p.unwrap()).sum();
        let whole = band_power(&frequencies, &density, Hertz(1.0), Hertz(80.0)).unwrap();
        assert!((parts / whole - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_band_beyond_the_spectrum_is_not_measured_rather_than_zero() {
        assert_eq!(band_power(&grid(), &vec![1.0; 2_049], Hertz(900.0), Hertz(990.0)), None);
        assert_eq!(band_power(&[], &[], Hertz(1.0), Hertz(2.0)), None);
    }
}
