//! A band as a picture: phase in the frame that rotates with the band, and amplitude.

use crate::signal::{ArrayId, FieldImage};
use crate::time::{TICKS_PER_SECOND, Tick};
use crate::units::Hertz;

/// Amplitude 255 stands for this many times the tonic rms.
pub const FULL_SCALE: f32 = 4.0;

/// Draws a band of `width` columns after `tick`. `centre` is its frequency: what stays in step with it keeps
/// its colour. Values that are not finite are drawn as 0.
pub fn paint(
    array: ArrayId,
    width: usize,
    (re, im): (&[f32], &[f32]),
    tonic_variance: f32,
    centre: Hertz,
    tick: Tick,
    image: &mut FieldImage,
) {
    let cycles = centre.0 * (tick.0 as f64 / TICKS_PER_SECOND as f64);
    let carrier = (cycles - libm::floor(cycles)) as f32;
    let scale = 255.0 / (FULL_SCALE * tonic_variance.max(f32::MIN_POSITIVE).sqrt());
    image.array = array;
    image.width = width;
    image.height = re.len() / width.max(1);
    image.phase_amplitude.clear();
    for (x, y) in re.iter().zip(im) {
        let turns = libm::atan2f(*y, *x) / core::f32::consts::TAU - carrier;
        let phase = (turns - turns.floor()) * 256.0;
        let amplitude = (x * x + y * y).sqrt() * scale;
        // `as` saturates, and turns NaN into 0.
        image.phase_amplitude.extend_from_slice(&[(phase as u32 & 255) as u8, amplitude as u8]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_in_step_with_the_band_keeps_its_colour() {
        let centre = Hertz(6.0);
        for tick in [0u64, 40, 1_003, 86_400_000] {
            let angle = core::f64::consts::TAU * (6.0 * tick as f64 / 1_000.0 + 0.25);
            let mut image = FieldImage::default();
            let z = ([2.0 * angle.cos() as f32], [2.0 * angle.sin() as f32]);
            paint(ArrayId(0), 1, (&z.0, &z.1), 1.0, centre, Tick(tick), &mut image);
            assert!((i32::from(image.phase_amplitude[0]) - 64).abs() <= 1, "tick {tick}");
            assert!((i32::from(image.phase_amplitude[1]) - 127).abs() <= 1);
        }
    }

    #[test]
    fn what_is_not_finite_is_drawn_as_nothing() {
        let mut image = FieldImage::default();
        let z = ([f32::NAN, 1e30], [0.0, f32::INFINITY]);
        paint(ArrayId(0), 2, (&z.0, &z.1), 1.0, Hertz(6.0), Tick(5), &mut image);
        assert_eq!(image.phase_amplitude[1], 0);
        assert_eq!(image.phase_amplitude[3], 255);
    }
}
