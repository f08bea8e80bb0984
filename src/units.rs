//! Units that the whole project shares, so that a bare number never has to say what it is.

use std::fmt;

/// A frequency in hertz (cycles per second).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Hertz(pub f64);

impl Hertz {
    /// The angular frequency in radians per second.
    #[must_use]
    pub fn radians_per_second(self) -> f64 {
        core::f64::consts::TAU * self.0
    }
}

impl fmt::Display for Hertz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Hz", self.0)
    }
}

/// A level in decibels relative to full scale or to a reference that the context names.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Decibels(pub f64);

impl Decibels {
    /// The amplitude ratio that this level stands for: `10^(dB/20)`.
    #[must_use]
    pub fn amplitude(self) -> f64 {
        libm::pow(10.0, self.0 / 20.0)
    }

    /// The level of an amplitude ratio; silence is minus infinity.
    #[must_use]
    pub fn from_amplitude(ratio: f64) -> Self {
        Self(20.0 * libm::log10(ratio))
    }
}

impl fmt::Display for Decibels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} dB", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minus_twenty_four_decibels_is_a_sixteenth_of_full_scale() {
        let ratio = Decibels(-24.0).amplitude();
        assert!((ratio - 0.063_095_734).abs() < 1e-9);
        assert!((Decibels::from_amplitude(ratio).0 + 24.0).abs() < 1e-12);
    }
}
