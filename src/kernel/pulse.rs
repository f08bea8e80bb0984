//! A plane of pulses that fade (real-time: nothing is allocated).

use super::wide::compile_wide;

compile_wide! {
    /// Multiplies every value by `keep`; what has become smaller than `least` becomes 0, which keeps the tail free of tiny
    /// numbers. Tells whether anything is left.
    #[must_use]
    pub fn fade, fade_on(values: &mut [f32], keep: f32, least: f32) -> bool = fade_body
}

#[inline(always)]
fn fade_body(values: &mut [f32], keep: f32, least: f32) -> bool {
    // Bits are gathered, not maxima: a maximum of floats has an order.
    let mut left = 0;
    for value in values {
        let faded = *value * keep;
        *value = if faded.abs() < least { 0.0 } else { faded };
        left |= value.to_bits() << 1;
    }
    left != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pulses_fade_until_nothing_is_left() {
        let mut values = [1.0, -0.5, 0.0, 3e-6];
        assert!(fade(&mut values, 0.5, 1e-5));
        assert_eq!(values, [0.5, -0.25, 0.0, 0.0]);
        let faded = (0..100).take_while(|_| fade(&mut values, 0.5, 1e-5)).count();
        assert_eq!(faded, 15);
        assert!(!fade(&mut [-0.0, 0.0], 0.5, 0.0), "nothing is left of either zero");
    }
}
