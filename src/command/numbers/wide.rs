//! Grey pictures of more than eight bits, PNG, PGM and PAM, as numbers: eight bits would cut what they hold.

use std::io::Cursor;
use std::path::Path;

use image::codecs::pnm::{PnmDecoder, PnmSubtype, SampleEncoding};
use image::{ColorType, ImageDecoder};

use crate::error::{Error, Result};
use crate::format::npy::Array;
use crate::source::video::{MAX_PIXELS, MAX_SIDE, Turn};

/// What a PNG file begins with.
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1A\n";

/// Whether a file that begins like this is one.
pub(super) fn begins(head: &[u8]) -> bool {
    if head.starts_with(SIGNATURE) {
        // Behind the header's length, name and size: bits of a sample, and 0 where samples are of grey alone.
        return head.get(24..26).is_some_and(|kind| kind == [16, 0]);
    }
    matches!(head, [b'P', b'2' | b'5' | b'7', ..])
        && PnmDecoder::new(head).is_ok_and(|decoder| decoder.color_type() == ColorType::L16)
}

/// Its numbers, upright.
pub(super) fn array(path: &Path, bytes: &[u8]) -> Result<Array> {
    if bytes.starts_with(SIGNATURE) { of_png(path, bytes) } else { of_pnm(path, bytes) }
}

fn of_png(path: &Path, bytes: &[u8]) -> Result<Array> {
    let fault = |cause: png::DecodingError| damaged(path, &cause);
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: 1 << 25 });
    decoder.set_ignore_text_chunk(true);
    let header = decoder.read_header_info().map_err(fault)?;
    let (width, height) = (header.width, header.height);
    let count = checked(path, width, height)?;
    let mut reader = decoder.read_info().map_err(fault)?;
    let mut samples = vec![0; 2 * count];
    reader.next_frame(&mut samples).map_err(fault)?;
    // What turns the picture may stand behind it.
    reader.finish().map_err(fault)?;
    let about = reader.info();
    if about.trns.is_some() {
        tracing::warn!("{}: transparent pixels are taken for the numbers that they hold", path.display());
    }
    let turn = Turn::of(about.exif_metadata.as_deref());
    let numbers = samples.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair).into());
    let numbers: Vec<f64> = numbers.collect();
    let ((height, width), values) = turn.turned((height as usize, width as usize), &numbers);
    Ok(Array { shape: vec![height, width], values, largest: Some(u16::MAX.into()) })
}

/// By hand: `image` scales its numbers to 65535, and not all come back.
fn of_pnm(path: &Path, bytes: &[u8]) -> Result<Array> {
    let decoder = PnmDecoder::new(bytes).map_err(|cause| damaged(path, &cause))?;
    let (body, header) = decoder.into_inner();
    let (width, height, white) = (header.width(), header.height(), header.maximal_sample());
    let count = checked(path, width, height)?;
    let values: Vec<f64> = if matches!(header.subtype(), PnmSubtype::Graymap(SampleEncoding::Ascii)) {
        let words = body.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).take(count);
        let number = |word: &[u8]| std::str::from_utf8(word).ok().and_then(|word| word.parse::<u16>().ok());
        let numbers = words.map(|word| number(word).map(f64::from)).collect::<Option<Vec<f64>>>();
        numbers.ok_or_else(|| damaged(path, &"a pixel is no number of 16 bits"))?
    } else {
        let pairs = body.as_chunks::<2>().0.iter().take(count);
        pairs.map(|pair| u16::from_be_bytes(*pair).into()).collect()
    };
    if values.len() < count {
        return Err(damaged(path, &format!("{} of {count} pixels", values.len())));
    }
    Ok(Array { shape: vec![height as usize, width as usize], values, largest: Some(white.into()) })
}

/// How many pixels there are.
fn checked(path: &Path, width: u32, height: u32) -> Result<usize> {
    let (columns, rows) = (width as usize, height as usize);
    let inside = (1..=MAX_SIDE).contains(&columns) && (1..=MAX_SIDE).contains(&rows);
    if inside && columns * rows <= MAX_PIXELS {
        return Ok(columns * rows);
    }
    let error = Error::input(path, "the picture's size is out of range").at("the header");
    let bound = format!("1 to {MAX_SIDE} columns and rows, at most {MAX_PIXELS} pixels");
    Err(error.value(format!("{width} x {height}")).bound(bound))
}

fn damaged(path: &Path, cause: &dyn std::fmt::Display) -> Error {
    Error::input(path, "the picture is damaged or cut short").value(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts of a camera of twelve bits, of two rows.
    const COUNTS: [u16; 6] = [0, 1, 2, 300, 4_094, 4_095];

    fn png(numbers: &[u16], exif: &'static [u8]) -> Vec<u8> {
        let mut about = ::png::Info::with_size(3, 2);
        (about.color_type, about.bit_depth) = (::png::ColorType::Grayscale, ::png::BitDepth::Sixteen);
        about.exif_metadata = (!exif.is_empty()).then_some(exif.into());
        let mut file = Vec::new();
        let mut writer = ::png::Encoder::with_info(&mut file, about).unwrap().write_header().unwrap();
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        writer.write_image_data(&bytes).unwrap();
        writer.finish().unwrap();
        file
    }

    #[test]
    fn every_kind_gives_its_numbers_as_they_are() {
        let raw: Vec<u8> = COUNTS.iter().flat_map(|number| number.to_be_bytes()).collect();
        let plain = b"P2\n# counts\n3 2 4095\n0 1 2\n300 4094 4095\n".to_vec();
        let packed = [&b"P5\n3 2\n4095\n"[..], &raw[..]].concat();
        let tagged =
            [&b"P7\nWIDTH 3\nHEIGHT 2\nDEPTH 1\nMAXVAL 4095\nTUPLTYPE GRAYSCALE\nENDHDR\n"[..], &raw[..]]
                .concat();
        for (file, white) in
            [(plain, 4_095.0), (packed, 4_095.0), (tagged, 4_095.0), (png(&COUNTS, b""), 65_535.0)]
        {
            assert!(begins(&file[..file.len().min(70)]));
            let found = array(Path::new("a"), &file).unwrap();
            assert_eq!((found.shape, found.largest), (vec![2, 3], Some(white)));
            assert_eq!(found.values, COUNTS.map(f64::from));
            let cut = array(Path::new("a.pgm"), &file[..file.len() - 6]).unwrap_err().to_string();
            assert!(cut.contains("a.pgm") && cut.contains("damaged"), "{cut}");
        }
        for other in [&b"P5\n3 2\n255\n"[..], b"P6\n3 2\n4095\n", b"P2", b"\x89PNG\r\n\x1A\n", b"plain"] {
            assert!(!begins(other));
        }
        let vast = array(Path::new("a"), b"P5\n60000 60000\n4095\n").unwrap_err().to_string();
        assert!(vast.contains("60000 x 60000"), "{vast}");
    }

    #[test]
    fn a_png_that_lies_on_its_side_is_turned() {
        let exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let found = array(Path::new("a"), &png(&[1, 2, 3, 4, 5, 6], exif)).unwrap();
        assert_eq!((found.shape, found.values), (vec![3, 2], vec![4.0, 1.0, 5.0, 2.0, 6.0, 3.0]));
    }
}
