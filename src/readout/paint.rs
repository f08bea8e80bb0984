//! A band as a picture: phase in the frame that rotates with the band, and amplitude.

use crate::signal::{ArrayId, FieldImage};

/// Amplitude 255 stands for this many times the tonic rms.
pub const FULL_SCALE: f32 = 4.0;
/// The same of a difference from the twin, which is fainter.
pub const DIFFERENCE_SCALE: f32 = 1.0;

/// Draws a band of `width` columns, given in the frame that turns with it: what stays in step with the band keeps
/// its colour; amplitude 255 is `full_scale` times the tonic rms. Values that are not finite are drawn as 0.
pub fn paint(
    array: ArrayId,
    width: usize,
    (re, im): (&[f32], &[f32]),
    tonic_variance: f32,
    full_scale: f32,
    image: &mut FieldImage,
) {
    let scale = 255.0 / (full_scale * tonic_variance.max(f32::MIN_POSITIVE).sqrt());
    image.array = array;
    image.width = width;
    image.height = re.len() / width.max(1);
    image.phase_amplitude.clear();
    for (x, y) in re.iter().zip(im) {
        let turns = libm::atan2f(*y, *x) / core::f32::consts::TAU;
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
    fn phase_and_amplitude_are_a_byte_each() {
        for (turns, byte) in [(0.25f32, 64i32), (-0.25, 192), (0.5, 128)] {
            let angle = core::f32::consts::TAU * turns;
            let mut image = FieldImage::default();
            paint(ArrayId(0), 1, (&[2.0 * angle.cos()], &[2.0 * angle.sin()]), 1.0, FULL_SCALE, &mut image);
            assert!((i32::from(image.phase_amplitude[0]) - byte).abs() <= 1, "{turns} turns");
            assert!((i32::from(image.phase_amplitude[1]) - 127).abs() <= 1);
        }
    }

    #[test]
    fn what_is_not_finite_is_drawn_as_nothing() {
        let mut image = FieldImage::default();
        let z = ([f32::NAN, 1e30], [0.0, f32::INFINITY]);
        paint(ArrayId(0), 2, (&z.0, &z.1), 1.0, FULL_SCALE, &mut image);
        assert_eq!(image.phase_amplitude[1], 0);
        assert_eq!(image.phase_amplitude[3], 255);
    }
}
