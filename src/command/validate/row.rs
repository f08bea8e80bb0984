//! A row of the table: a measured figure, what theory says, and the interval in which it must lie.

use serde::Serialize;

/// Standard errors on either side of what is expected.
const STANDARD_ERRORS: f64 = 4.0;

/// A row of the table.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    /// What was measured.
    pub name: String,
    /// The figure.
    pub measured: f64,
    /// The closed form's value, or the bound that is claimed.
    pub expected: f64,
    /// Where the figure must lie, ends included.
    pub interval: [f64; 2],
    /// Whether it does.
    pub pass: bool,
    /// Where the expectation comes from, what it leaves out, and how the standard error was found.
    pub source: String,
}

impl Row {
    /// A figure against a closed form: four standard errors and `approximation`, what the form leaves out.
    pub fn closed(name: String, found: &Estimate, expected: f64, approximation: f64, source: &str) -> Self {
        let reach = STANDARD_ERRORS * found.error + approximation;
        Self::claim(name, found, expected, [expected - reach, expected + reach], source)
    }

    /// A figure against the interval that is claimed for it, widened by nothing.
    pub fn claim(name: String, found: &Estimate, expected: f64, interval: [f64; 2], source: &str) -> Self {
        let inside = found.mean.is_finite() && interval[0] <= found.mean && found.mean <= interval[1];
        let source = match found.units {
            0 => source.to_owned(),
            units => format!("{source}; standard error {} from {units} {}", short(found.error), found.of),
        };
        Self { name, measured: found.mean, expected, interval, pass: inside, source }
    }

    /// A figure that lies below `bound` by four standard errors.
    pub fn below(name: String, found: &Estimate, bound: f64, least: f64, source: &str) -> Self {
        Self::claim(name, found, bound, [least, bound - STANDARD_ERRORS * found.error], source)
    }

    /// A figure that lies above `bound` by four standard errors.
    pub fn above(name: String, found: &Estimate, bound: f64, most: f64, source: &str) -> Self {
        Self::claim(name, found, bound, [bound + STANDARD_ERRORS * found.error, most], source)
    }
}

/// A figure and its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    /// The figure.
    pub mean: f64,
    /// Its standard error; 0 where nothing in it is chance.
    pub error: f64,
    /// How many independent units it was found from; 0 where nothing in it is chance.
    pub units: usize,
    /// What those are.
    pub of: &'static str,
}

impl Estimate {
    /// A figure in which nothing is chance.
    pub fn exact(mean: f64) -> Self {
        Self { mean, error: 0.0, units: 0, of: "" }
    }

    /// The mean of independent units.
    pub fn mean(units: &[f64], of: &'static str) -> Self {
        Self::ratio(units, &vec![1.0; units.len()], of)
    }

    /// The ratio of two sums over independent units, its error to first order (Cochran 1977, section 6.4).
    pub fn ratio(above: &[f64], below: &[f64], of: &'static str) -> Self {
        let n = above.len() as f64;
        let total: f64 = below.iter().sum();
        let mean = above.iter().sum::<f64>() / total;
        let squares: f64 = above.iter().zip(below).map(|(a, b)| (a - mean * b) * (a - mean * b)).sum();
        Self { mean, error: (squares * n / (n - 1.0)).sqrt() / total.abs(), units: above.len(), of }
    }

    /// The ratio of two independent figures.
    pub fn over(&self, other: &Self) -> Self {
        let relative = (self.error / self.mean).hypot(other.error / other.mean);
        let mean = self.mean / other.mean;
        Self { mean, error: (mean * relative).abs(), units: self.units + other.units, of: self.of }
    }
}

/// A number in four figures, without an exponent where it needs none.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e4).contains(&size) {
        format!("{value:.1e}")
    } else {
        let decimals = (3.0 - size.log10().floor()).clamp(0.0, 5.0) as usize;
        let text = format!("{value:.decimals$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_beyond_its_interval_fails_and_so_does_one_that_is_no_number() {
        let found = |mean| Estimate { mean, error: 0.1, units: 9, of: "seeds" };
        assert!(Row::closed(String::new(), &found(1.39), 1.0, 0.0, "").pass);
        assert!(!Row::closed(String::new(), &found(1.41), 1.0, 0.0, "").pass);
        assert!(Row::closed(String::new(), &found(1.41), 1.0, 0.1, "").pass);
        assert!(!Row::closed(String::new(), &found(f64::NAN), 1.0, 9.0, "").pass);
        assert!(!Row::below(String::new(), &found(-0.3), 0.0, -9.0, "").pass);
        assert!(Row::above(String::new(), &found(0.5), 0.0, 9.0, "").pass);
    }

    #[test]
    fn the_standard_error_is_that_of_a_mean_and_of_a_ratio() {
        let mean = Estimate::mean(&[1.0, 2.0, 3.0, 4.0], "blocks");
        assert!((mean.mean - 2.5).abs() < 1e-12 && (mean.error - (5.0f64 / 12.0).sqrt()).abs() < 1e-12);
        let ratio = Estimate::ratio(&[2.0, 4.0, 6.0], &[1.0, 2.0, 3.0], "blocks");
        assert!((ratio.mean - 2.0).abs() < 1e-12 && ratio.error < 1e-12);
    }

    #[test]
    fn numbers_are_short() {
        let shown: Vec<String> = [0.0, 1.0, 0.12345, 12.3456, 1_234.6, 1e-5, 2e7].map(short).into();
        assert_eq!(shown, ["0", "1", "0.1235", "12.35", "1235", "1.0e-5", "2.0e7"]);
    }
}
