//! One JPEG picture, strictly: what is damaged is refused and never becomes a picture.

use std::borrow::Cow;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::entropy::{self, Damage};
use super::input::{MAX_PIXELS, MAX_SIDE, size_bound};

/// Most bytes of coefficients for pictures in several scans: three components of the largest picture.
const MAX_COEFFICIENT_BYTES: usize = 6 * MAX_PIXELS;

/// A decoded picture.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::source) struct Picture {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `3 * width * height` bytes, sRGB.
    pub rgb: Vec<u8>,
}

/// Why there is no picture.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::source) struct Refusal {
    /// The problem.
    pub problem: String,
    /// Where in the picture's bytes.
    pub at: Option<usize>,
    /// The value that is out of range.
    pub value: Option<String>,
    /// What is allowed.
    pub bound: Option<String>,
}

impl Refusal {
    /// As an error about `path`, at `place`.
    pub fn into_error(self, path: &std::path::Path, place: &str) -> crate::error::Error {
        let mut error = crate::error::Error::input(path, self.problem);
        error = match self.at {
            Some(at) => error.at(format!("{place}byte {at}")),
            None => error.at(format!("{place}its header")),
        };
        if let Some(value) = self.value {
            error = error.value(value);
        }
        if let Some(bound) = self.bound {
            error = error.bound(bound);
        }
        error
    }

    fn damaged(problem: impl Into<String>, at: Option<usize>) -> Self {
        Self { problem: problem.into(), at, value: None, bound: None }
    }

    fn too_large(value: String, bound: String) -> Self {
        let problem = "the picture's size is out of range".into();
        Self { problem, at: None, value: Some(value), bound: Some(bound) }
    }
}

impl From<Damage> for Refusal {
    fn from(damage: Damage) -> Self {
        Self::damaged(format!("the JPEG picture is damaged: {}", damage.problem), Some(damage.at))
    }
}

/// The steps by which the luma of the first picture in `data` was rounded, of a range of 255, in the file's order; `None`
/// where it keeps no luma of its own size.
///
/// # Errors
/// Where the picture is damaged.
pub(super) fn luma_steps(data: &[u8]) -> Result<Option<[u16; 64]>, Refusal> {
    Ok(entropy::survey(&with_tables(data))?.luma_steps)
}

/// What a picture tells beside its pixels.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tags {
    /// A block of Exif.
    pub exif: Option<Vec<u8>>,
    /// A colour profile.
    pub profile: Option<Vec<u8>>,
}

/// What the headers of the first picture in `data` tell; of one that is damaged, what comes before.
pub(super) fn tags(data: &[u8]) -> Tags {
    let mut decoder = JpegDecoder::new(ZCursor::new(data));
    // Damage is told where the picture is decoded.
    let _ = decoder.decode_headers();
    Tags { exif: decoder.exif().cloned(), profile: decoder.icc_profile() }
}

/// Decodes the first picture in `data`; what follows its end marker is not looked at.
///
/// Motion-JPEG leaves out the Huffman tables where they are the standard's (ITU-T T.81, annex K.3):
/// they are put in.
///
/// # Errors
/// Where the picture is damaged, too large, or of a kind that is not read.
pub(in crate::source) fn decode(data: &[u8]) -> Result<Picture, Refusal> {
    let data = with_tables(data);
    let survey = entropy::survey(&data)?;
    let (width, height) = (survey.width, survey.height);
    if width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS {
        return Err(Refusal::too_large(format!("{width} x {height}"), size_bound()));
    }
    if survey.coefficient_bytes > MAX_COEFFICIENT_BYTES {
        return Err(Refusal::too_large(
            format!(
                "{width} x {height} in several scans, {} bytes of coefficients",
                survey.coefficient_bytes
            ),
            format!("at most {MAX_COEFFICIENT_BYTES} bytes of coefficients"),
        ));
    }
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        // Scalar code alone: nothing promises that vector code gives the same bits on every processor.
        .set_use_unsafe(false)
        .set_max_width(MAX_SIDE)
        .set_max_height(MAX_SIDE)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&data[..survey.end]), options);
    let refused = |cause| Refusal::damaged(format!("the JPEG picture is damaged: {cause:?}"), Some(0));
    let rgb = decoder.decode().map_err(refused)?;
    if rgb.len() != 3 * width * height {
        return Err(Refusal::damaged("the JPEG picture's colours are of a kind that is not read", Some(0)));
    }
    Ok(Picture { width, height, rgb })
}

/// `jpeg` with the standard's Huffman tables before its first scan, where it carries none.
fn with_tables(jpeg: &[u8]) -> Cow<'_, [u8]> {
    let mut at = 2;
    while let Some(&[0xFF, code, high, low]) = jpeg.get(at..at + 4) {
        match code {
            0xC4 => return Cow::Borrowed(jpeg),
            0xDA => return Cow::Owned([&jpeg[..at], &standard_tables()[..], &jpeg[at..]].concat()),
            0xFF => at += 1,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    Cow::Borrowed(jpeg)
}

/// The `DHT` segment with the tables K.3 to K.6 of ITU-T T.81.
pub(super) fn standard_tables() -> Vec<u8> {
    let mut segment = vec![0xFF, 0xC4, 0x01, 0xA2];
    for (class, counts, values) in [
        (0x00, &K3_COUNTS, &DC_VALUES[..]),
        (0x10, &K5_COUNTS, &K5_VALUES[..]),
        (0x01, &K4_COUNTS, &DC_VALUES[..]),
        (0x11, &K6_COUNTS, &K6_VALUES[..]),
    ] {
        segment.push(class);
        segment.extend(counts);
        segment.extend(values);
    }
    segment
}

const DC_VALUES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const K3_COUNTS: [u8; 16] = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
const K4_COUNTS: [u8; 16] = [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
const K5_COUNTS: [u8; 16] = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D];
const K6_COUNTS: [u8; 16] = [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77];
#[rustfmt::skip]
const K5_VALUES: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
    0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0, 0x24, 0x33, 0x62, 0x72,
    0x82, 0x09, 0x0A, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x34, 0x35, 0x36, 0x37,
    0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
    0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x83,
    0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3,
    0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3,
    0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xE1, 0xE2,
    0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA,
];
#[rustfmt::skip]
const K6_VALUES: [u8; 162] = [
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
    0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0, 0x15, 0x62, 0x72, 0xD1,
    0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25, 0xF1, 0x17, 0x18, 0x19, 0x1A, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x35, 0x36,
    0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
    0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A,
    0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A,
    0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA,
    0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA,
    0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA,
];
