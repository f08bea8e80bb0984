//! A camera's picture in memory: its format, and how it becomes red, green and blue, strictly.

use std::path::Path;

use crate::error::{Error, Result};
use crate::source::video::memory::{self, Raw};

/// The pixel formats that are read, by their Video4Linux code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Y, Cb, Y, Cr: 4:2:2 in pairs of pixels, ITU-R BT.601, limited range.
    Yuyv,
    /// Luma, then Cb and Cr in turn: 4:2:0, ITU-R BT.601, limited range.
    Nv12,
    /// Red, green, blue.
    Rgb3,
    /// Blue, green, red.
    Bgr3,
    /// One JPEG picture a frame.
    Mjpg,
    /// Luma only.
    Grey,
}

impl Code {
    /// All of them, the best first: what is not compressed has lost nothing, and costs less to read.
    pub const ALL: [Self; 6] = [Self::Yuyv, Self::Nv12, Self::Rgb3, Self::Bgr3, Self::Mjpg, Self::Grey];

    /// Its four letters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Yuyv => "YUYV",
            Self::Nv12 => "NV12",
            Self::Rgb3 => "RGB3",
            Self::Bgr3 => "BGR3",
            Self::Mjpg => "MJPG",
            Self::Grey => "GREY",
        }
    }
}

/// How a picture lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureFormat {
    /// The pixel format.
    pub code: Code,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bytes from one row to the next (of luma, in NV12); 0 where rows have no padding.
    pub stride: usize,
}

/// Decodes the picture `data` of the device `name`; `place` says in a message which it is.
///
/// Gives `3 * width * height` bytes.
///
/// # Errors
/// Where bytes are missing, the JPEG is damaged, or its size is not the format's.
pub fn decode(name: &str, place: &str, format: PictureFormat, data: &[u8]) -> Result<Vec<u8>> {
    let PictureFormat { code, width, height, stride } = format;
    let raw = |format, row| {
        let step = if stride == 0 { row } else { stride };
        memory::raw(Path::new(name), place, Raw { format, width, height, step, data })
    };
    let (found_width, found_height, rgb) = match code {
        Code::Yuyv => raw("yuyv", 4 * width.div_ceil(2)),
        Code::Rgb3 => raw("rgb8", 3 * width),
        Code::Bgr3 => raw("bgr8", 3 * width),
        Code::Grey => raw("mono8", width),
        Code::Nv12 => raw("nv12", 2 * width.div_ceil(2)),
        Code::Mjpg => jpeg(name, place, data),
    }?;
    if (found_width, found_height) != (width, height) {
        let error = Error::input(name, "the picture has another size than its device said").at(place);
        return Err(error
            .value(format!("{found_width} x {found_height}"))
            .bound(format!("{width} x {height}")));
    }
    Ok(rgb)
}

/// Decodes a JPEG picture of any size: columns, rows, and `3 * columns * rows` bytes.
///
/// # Errors
/// Where it is damaged in any way, or too large.
pub fn jpeg(name: &str, place: &str, data: &[u8]) -> Result<(usize, usize, Vec<u8>)> {
    memory::compressed(Path::new(name), place, "jpeg", data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(code: Code, width: usize, height: usize) -> PictureFormat {
        PictureFormat { code, width, height, stride: 0 }
    }

    #[test]
    fn every_format_gives_its_colours() {
        let red = [[254, 0, 0], [254, 0, 0]];
        let near = |rgb: Vec<u8>| {
            rgb.chunks(3).zip(red).all(|(a, b)| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= 2))
        };
        for (code, data) in [
            (Code::Yuyv, &[81, 90, 81, 240][..]),
            (Code::Nv12, &[81, 81, 90, 240]),
            (Code::Rgb3, &[254, 0, 0, 254, 0, 0]),
            (Code::Bgr3, &[0, 0, 254, 0, 0, 254]),
        ] {
            assert!(near(decode("a", "", format(code, 2, 1), data).unwrap()), "{code:?}");
        }
        assert_eq!(decode("a", "", format(Code::Grey, 2, 1), &[7, 9]).unwrap(), [7, 7, 7, 9, 9, 9]);
    }

    #[test]
    fn padding_at_the_end_of_rows_is_passed_over() {
        let padded = PictureFormat { stride: 4, ..format(Code::Nv12, 2, 2) };
        let plain = decode("a", "", format(Code::Nv12, 2, 2), &[16, 81, 235, 81, 90, 240]).unwrap();
        let data = [16, 81, 0, 0, 235, 81, 0, 0, 90, 240];
        assert_eq!(decode("a", "", padded, &data).unwrap(), plain);
    }

    #[test]
    fn a_picture_that_is_cut_short_is_refused_in_every_format() {
        for code in Code::ALL {
            let error = decode("cam", "picture 3", format(code, 64, 48), &[0xFF, 0xD8, 0xFF]).unwrap_err();
            assert!(error.to_string().contains("cam, at picture 3"), "{error}");
        }
    }

    #[test]
    fn a_jpeg_of_another_size_or_cut_short_is_refused() {
        let mut data = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut data, 90);
        encoder.encode(&[128; 3 * 16 * 16], 16, 16, jpeg_encoder::ColorType::Rgb).unwrap();
        assert!(decode("a", "", format(Code::Mjpg, 16, 16), &data).is_ok());
        let error = decode("a", "b", format(Code::Mjpg, 32, 16), &data).unwrap_err().to_string();
        assert!(error.contains("16 x 16 (allowed: 32 x 16)"), "{error}");
        for length in [1, data.len() / 2, data.len() - 3] {
            assert!(decode("a", "b", format(Code::Mjpg, 16, 16), &data[..length]).is_err(), "{length}");
        }
    }
}
