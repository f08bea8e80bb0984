//! Mean, variance, skewness and excess kurtosis of a stream, in one pass and one place of memory (real-time).
//!
//! Central moments are updated value by value (Terriberry 2007; Pébay 2008, SAND2008-6212, equations 1.1 to 1.6):
//! no difference of large sums, so nothing is lost over days. A Gaussian has skewness 0 and excess kurtosis 0.

/// The first four moments of what was pushed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    /// Sums of powers of the deviation from the mean.
    second: f64,
    third: f64,
    fourth: f64,
}

impl Moments {
    /// No values yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a value; one that is not finite is left out.
    pub fn push(&mut self, value: f64) {
        if value.is_finite() {
            self.merge(&Self { count: 1, mean: value, second: 0.0, third: 0.0, fourth: 0.0 });
        }
    }

    /// Adds what `other` has seen.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (a, b) = (self.count as f64, other.count as f64);
        let n = a + b;
        let delta = other.mean - self.mean;
        let step = delta / n;
        let product = delta * step * a * b;
        self.fourth += other.fourth
            + product * step * step * (a * a - a * b + b * b)
            + 6.0 * step * step * (a * a * other.second + b * b * self.second)
            + 4.0 * step * (a * other.third - b * self.third);
        self.third +=
            other.third + product * step * (a - b) + 3.0 * step * (a * other.second - b * self.second);
        self.second += other.second + product;
        self.mean += step * b;
        self.count += other.count;
    }

    /// Values seen.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean; `None` without values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// The variance (divided by the count, not by one less); `None` without values.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        (self.count > 0).then(|| self.second / self.count as f64)
    }

    /// The standard deviation; `None` without values.
    #[must_use]
    pub fn standard_deviation(&self) -> Option<f64> {
        self.variance().map(libm::sqrt)
    }

    /// The skewness `m3 / m2^(3/2)`; `None` where all values are equal.
    #[must_use]
    pub fn skewness(&self) -> Option<f64> {
        let spread = self.second * libm::sqrt(self.second);
        (spread > 0.0).then(|| libm::sqrt(self.count as f64) * self.third / spread)
    }

    /// The excess kurtosis `m4 / m2^2 - 3`; `None` where all values are equal.
    #[must_use]
    pub fn excess_kurtosis(&self) -> Option<f64> {
        let spread = self.second * self.second;
        (spread > 0.0).then(|| self.count as f64 * self.fourth / spread - 3.0)
    }
}

/// The excess kurtosis of several channels taken together, each by its own mean and variance: the mean of the
/// channels' values; `None` where no channel has one.
#[must_use]
pub fn mean_excess_kurtosis(channels: &[Moments]) -> Option<f64> {
    let mut of_channels = Moments::new();
    for channel in channels {
        if let Some(kurtosis) = channel.excess_kurtosis() {
            of_channels.push(kurtosis);
        }
    }
    of_channels.mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn of(values: impl IntoIterator<Item = f64>) -> Moments {
        let mut moments = Moments::new();
        values.into_iter().for_each(|value| moments.push(value));
        moments
    }

    #[test]
    fn a_gaussian_has_no_excess_and_an_exponential_has_six() {
        let mut stream = Stream::new(1, 0);
        let normal = of((0..400_000).map(|_| 1e6 + stream.normal()));
        assert!(normal.skewness().unwrap().abs() < 0.02 && normal.excess_kurtosis().unwrap().abs() < 0.04);
        let exponential = of((0..400_000).map(|_| -libm::log(1.0 - stream.uniform())));
        assert!((exponential.skewness().unwrap() - 2.0).abs() < 0.1);
        assert!((exponential.excess_kurtosis().unwrap() - 6.0).abs() < 0.6);
    }

    #[test]
    fn the_definitions_are_those_of_scipy() {
        // scipy.stats: skew([1, 2, 4, 8, 16]) and kurtosis([1, 2, 4, 8, 16]).
        let moments = of([1.0, 2.0, 4.0, 8.0, 16.0]);
        assert!((moments.skewness().unwrap() - 0.889_048_134_816_954).abs() < 1e-12);
        assert!((moments.excess_kurtosis().unwrap() + 0.674_059_139_784_947).abs() < 1e-12);
        assert!((moments.variance().unwrap() - 29.76).abs() < 1e-12);
    }

    #[test]
    fn parts_merge_to_the_whole() {
        let mut stream = Stream::new(2, 0);
        let values: Vec<f64> = (0..1_000).map(|_| stream.normal().powi(2)).collect();
        let whole = of(values.iter().copied());
        let mut merged = of(values[..123].iter().copied());
        merged.merge(&of(values[123..].iter().copied()));
        assert!((merged.excess_kurtosis().unwrap() - whole.excess_kurtosis().unwrap()).abs() < 1e-9);
        assert!((merged.skewness().unwrap() - whole.skewness().unwrap()).abs() < 1e-9);
    }

    #[test]
    fn nothing_and_constants_have_no_shape() {
        assert_eq!(Moments::new().mean(), None);
        assert_eq!(of([3.0, 3.0, f64::NAN]).excess_kurtosis(), None);
        assert_eq!(of([3.0, 3.0, f64::NAN]).count(), 2);
        assert_eq!(mean_excess_kurtosis(&[of([1.0]), Moments::new()]), None);
    }
}
