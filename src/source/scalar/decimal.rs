//! Reads decimal numbers of seconds as whole nanoseconds, without a float's rounding.

/// `text` seconds in nanoseconds, digits beyond the ninth decimal dropped; `None` where it is no number
/// or lies outside `i64`. Exponents are read by way of `f64`.
pub fn nanoseconds(text: &str) -> Option<i64> {
    scaled(text, 9)
}

/// `text` milliseconds in nanoseconds, as [`nanoseconds`].
pub fn nanoseconds_of_ms(text: &str) -> Option<i64> {
    scaled(text, 6)
}

fn scaled(text: &str, decimals: usize) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if !plain(whole) || !plain(part) || whole.len() + part.len() == 0 {
        return by_float(text, decimals);
    }
    let part: String = part.chars().chain(std::iter::repeat('0')).take(decimals).collect();
    let value: i64 = format!("{whole}{part}").parse().ok()?;
    Some(if negative { -value } else { value })
}

fn by_float(text: &str, decimals: usize) -> Option<i64> {
    let value: f64 = text.parse().ok()?;
    let scale = [1e6, 1e9][usize::from(decimals == 9)];
    let value = (value * scale).round();
    // 2^63 is the first float beyond `i64`.
    (value.is_finite() && value.abs() < 9.223_372_036_854_775e18).then_some(value as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_become_exact_nanoseconds() {
        assert_eq!(nanoseconds("1700000000.123456789"), Some(1_700_000_000_123_456_789));
        assert_eq!(nanoseconds("-0.5"), Some(-500_000_000));
        assert_eq!(nanoseconds("+2"), Some(2_000_000_000));
        assert_eq!(nanoseconds_of_ms("1.5"), Some(1_500_000));
        assert_eq!(nanoseconds("1e-3"), Some(1_000_000));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", ".", "-", "nan", "inf", "1e300", "12:30", "99999999999999999999", "é"] {
            assert_eq!(nanoseconds(text), None, "{text}");
        }
    }
}
