//! The greys of a picture as it is segmented: luminance, small enough, in its own proportions.

use super::SIDES;
use crate::kernel::palette::encode_srgb;
use crate::kernel::resample_area::{area_luminance, srgb_to_linear};

/// A grey picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Rows and columns.
    pub size: [usize; 2],
    /// Row by row, 0 to 1: luminance as sRGB codes it.
    pub greys: Vec<f32>,
}

impl Seen {
    /// Of a picture of `height` x `width` pixels of sRGB; one whose longer side is beyond `side` is averaged down to it in linear light.
    ///
    /// # Panics
    /// Where there are not `3 * height * width` bytes, or none.
    #[must_use]
    pub fn of(rgb: &[u8], [height, width]: [usize; 2], side: usize) -> Self {
        assert_eq!(rgb.len(), 3 * height * width, "three bytes for every pixel");
        let longer = height.max(width);
        // A narrow picture stays as wide as it must be, or as it is.
        let scaled = |pixels: usize| {
            if longer <= side { pixels } else { (pixels * side / longer).max(SIDES[0].min(pixels)) }
        };
        let size = [height, width].map(scaled);
        let light = area_luminance(&srgb_to_linear(), rgb, width, size);
        Self { size, greys: light.into_iter().map(|light| encode_srgb(f64::from(light)) as f32).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_averaged_to_a_side_and_a_small_one_stays() {
        let half = [[0u8; 3], [255; 3]].concat();
        let seen = Seen::of(&half.repeat(64 * 24), [48, 64], 32);
        assert_eq!((seen.size, seen.greys.len()), ([24, 32], 24 * 32));
        // Half of the light is more than half of the code.
        assert!(seen.greys.iter().all(|grey| (grey - 0.735_36).abs() < 1e-4));
        assert_eq!(Seen::of(&[51; 3 * 80], [8, 10], 32).size, [8, 10]);
        assert_eq!(Seen::of(&vec![51; 3 * 9 * 90], [9, 90], 32).size, [8, 32]);
        let grey = Seen::of(&[51; 3], [1, 1], 32).greys[0];
        assert!((grey - 0.2).abs() < 1e-6, "{grey}");
    }
}
