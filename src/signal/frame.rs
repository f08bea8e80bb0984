//! One picture of a stream.

use super::Stamp;

/// A picture, 8 bits a channel, as sRGB-encoded red, green, blue, row by row from the top left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// When it was captured.
    pub stamp: Stamp,
    /// Its number in its stream, from 0; a gap says that frames were lost before here.
    pub sequence: u64,
    /// Columns, at least 1.
    pub width: usize,
    /// Rows, at least 1.
    pub height: usize,
    /// `3 * width * height` bytes.
    pub rgb: Vec<u8>,
}

impl Frame {
    /// The red, green and blue of a pixel.
    ///
    /// # Panics
    /// Where `x` or `y` lies outside the picture.
    #[must_use]
    pub fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let at = 3 * (y * self.width + x);
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }
}
