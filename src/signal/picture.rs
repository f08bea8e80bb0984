//! A small picture as JPEG: what a session keeps of what the eye saw, for people.

use jpeg_encoder::{ColorType, Encoder};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::InputPicture;
use crate::time::Timestamp;

/// Quality of 100: at 256 pixels a side no block is seen, in some 10 kB.
const QUALITY: u8 = 80;
/// The longest side that is decoded.
const MOST_SIDE: usize = 4_096;

/// A small picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureItem {
    /// When it was captured.
    pub time: Timestamp,
    /// Baseline JPEG.
    pub jpeg: Vec<u8>,
}

impl PictureItem {
    /// Compresses `picture`; `None` where it is empty or not whole.
    #[must_use]
    pub fn of(picture: &InputPicture) -> Option<Self> {
        let side = |side: usize| u16::try_from(side).ok().filter(|side| *side > 0);
        let (width, height) = (side(picture.width)?, side(picture.height)?);
        let mut jpeg = Vec::new();
        let encoder = Encoder::new(&mut jpeg, QUALITY);
        encoder.encode(&picture.rgb, width, height, ColorType::Rgb).ok()?;
        Some(Self { time: picture.time, jpeg })
    }

    /// The picture again, nearly.
    ///
    /// # Errors
    /// Why it can't be decoded, for people.
    pub fn decode(&self) -> Result<InputPicture, String> {
        let options = DecoderOptions::default()
            .set_strict_mode(true)
            .set_max_width(MOST_SIDE)
            .set_max_height(MOST_SIDE)
            .jpeg_set_out_colorspace(ColorSpace::RGB);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&self.jpeg[..]), options);
        let rgb = decoder.decode().map_err(|cause| cause.to_string())?;
        let info = decoder.info().ok_or("it has no size")?;
        let (width, height) = (usize::from(info.width), usize::from(info.height));
        if rgb.len() != 3 * width * height {
            return Err("it has another size than it says".to_owned());
        }
        Ok(InputPicture { time: self.time, width, height, rgb, bursts: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_comes_back_nearly() {
        let rgb: Vec<u8> = (0..64 * 48).flat_map(|n| [(n % 64 * 4) as u8, (n / 64 * 5) as u8, 128]).collect();
        let picture = InputPicture { time: Timestamp(7), width: 64, height: 48, rgb, bursts: Vec::new() };
        let item = PictureItem::of(&picture).unwrap();
        let back = item.decode().unwrap();
        assert_eq!((back.time, back.width, back.height), (Timestamp(7), 64, 48));
        let off = picture.rgb.iter().zip(&back.rgb).map(|(one, other)| u32::from(one.abs_diff(*other)));
        assert!(off.clone().max().unwrap() < 24 && off.sum::<u32>() < 3 * 64 * 48 * 3);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        assert_eq!(PictureItem::of(&InputPicture::default()), None);
        let short = InputPicture { width: 4, height: 4, rgb: vec![0; 47], ..InputPicture::default() };
        assert_eq!(PictureItem::of(&short), None);
        let whole = PictureItem::of(&InputPicture {
            width: 4,
            height: 4,
            rgb: vec![9; 48],
            ..InputPicture::default()
        })
        .unwrap();
        for end in 0..whole.jpeg.len() / 2 {
            let cut = PictureItem { jpeg: whole.jpeg[..end].to_vec(), ..whole.clone() };
            assert!(cut.decode().is_err(), "{end}");
        }
    }
}
