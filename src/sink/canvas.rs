//! A picture in memory with shapes and text on it, and its way into a PNG file.

use std::path::Path;
use std::sync::Once;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use plotters::coord::Shift;
use plotters::prelude::{BitMapBackend, DrawingArea, IntoDrawingArea, IntoFont, RGBColor, TextStyle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontFamily, FontStyle, register_font};

use super::part::PartFile;
use crate::error::{Error, Result};

/// The colours of the house: dark ground, quiet text, one accent per meaning.
pub(super) mod colour {
    use plotters::prelude::RGBColor;

    /// The ground of every picture.
    pub const GROUND: RGBColor = RGBColor(16, 19, 26);
    /// Frames and axes.
    pub const FRAME: RGBColor = RGBColor(92, 102, 120);
    /// Grid lines.
    pub const GRID: RGBColor = RGBColor(35, 41, 53);
    /// Text that must be read.
    pub const TEXT: RGBColor = RGBColor(226, 231, 240);
    /// Text that may be read.
    pub const QUIET: RGBColor = RGBColor(146, 156, 174);
    /// What was measured.
    pub const DATA: RGBColor = RGBColor(92, 178, 230);
    /// What was fitted, or a second measure.
    pub const FIT: RGBColor = RGBColor(242, 164, 90);
}

/// The family that every text uses.
pub(super) const FONT: &str = "sans-serif";

static FONTS: Once = Once::new();

/// Makes the built-in font known to the plotting library; none needs to be installed.
pub(super) fn register_fonts() {
    FONTS.call_once(|| {
        // A font that is compiled in and fails to parse would be seen by the tests of this folder.
        let _ = register_font(FONT, FontStyle::Normal, dejavu::sans::regular());
        let _ = register_font(FONT, FontStyle::Bold, dejavu::sans::bold());
    });
}

/// A text style of the house: `size` in pixels.
pub(super) fn text_style(
    size: u32,
    bold: bool,
    colour: RGBColor,
    anchor: (HPos, VPos),
) -> TextStyle<'static> {
    let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
    let font = (FontFamily::Name(FONT), size, style).into_font();
    TextStyle { font, color: colour.to_backend_color(), pos: Pos::new(anchor.0, anchor.1) }
}

/// An sRGB picture in memory.
#[derive(Clone, Debug)]
pub struct Canvas {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Canvas {
    /// A canvas of `width` by `height` pixels (at least 1) in the house's ground colour.
    #[must_use]
    pub fn new(width: usize, height: usize) -> Self {
        register_fonts();
        let (width, height) = (width.max(1), height.max(1));
        let ground = [colour::GROUND.0, colour::GROUND.1, colour::GROUND.2];
        Self { width, height, rgb: ground.repeat(width * height) }
    }

    /// Colours one pixel; outside the canvas nothing happens.
    pub fn put(&mut self, x: usize, y: usize, rgb: [u8; 3]) {
        if x < self.width && y < self.height {
            let at = 3 * (y * self.width + x);
            self.rgb[at..at + 3].copy_from_slice(&rgb);
        }
    }

    /// Draws with the plotting library over the whole canvas.
    pub(super) fn draw<T>(
        &mut self,
        draw: impl FnOnce(DrawingArea<BitMapBackend<'_>, Shift>) -> std::result::Result<T, PlotError>,
    ) -> std::result::Result<T, PlotError> {
        let size = (self.width as u32, self.height as u32);
        draw(BitMapBackend::with_buffer(&mut self.rgb, size).into_drawing_area())
    }

    /// Writes the canvas as a PNG file: whole or not at all.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut file = PartFile::create(path)?;
        file.with(|file| {
            PngEncoder::new(file)
                .write_image(&self.rgb, self.width as u32, self.height as u32, ExtendedColorType::Rgb8)
                .map_err(std::io::Error::other)
        })?;
        file.finish()
    }
}

/// What the plotting library says when it fails; an `Error` is made of it where the file is known.
pub(super) type PlotError = plotters::drawing::DrawingAreaErrorKind<
    <BitMapBackend<'static> as plotters::prelude::DrawingBackend>::ErrorType,
>;

/// The error of a plot that could not be drawn.
pub(super) fn not_drawn(path: &Path, error: &PlotError) -> Error {
    Error::output(path, "the picture cannot be drawn").value(error)
}
