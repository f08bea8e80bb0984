//! TIFF stacks of grey pages, through the `tiff` crate: numbers as microscopes and scanners write them, and float32 back.
//!
//! Read are one or more pages of one size and one sample a pixel: whole numbers of up to 32 bits, or floats. Nothing in the file is
//! trusted with more memory than [`MOST_NUMBERS`] of them take.

use std::io::Cursor;
use std::path::Path;

use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::encoder::{TiffEncoder, colortype};
use tiff::tags::Tag;

use super::npy::{Array, MOST_NUMBERS};
use crate::error::{Error, Result};

/// Reads the bytes of a file; `path` is for messages. One page has two axes, rows and columns; more have three, pages first.
///
/// # Errors
/// Where the bytes are no such file, its pages are of different sizes or of colours, or they are too much.
pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Array> {
    let fault = |page: usize, cause: &dyn std::fmt::Display| {
        Error::input(path, "its page can't be read").at(format!("page {page}")).value(cause)
    };
    let mut limits = Limits::default();
    limits.decoding_buffer_size = 8 * MOST_NUMBERS;
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(|cause| fault(0, &cause))?.with_limits(limits);
    let (mut values, mut first, mut largest) = (Vec::new(), None, None::<u32>);
    for page in 0.. {
        let size = decoder.dimensions().map_err(|cause| fault(page, &cause))?;
        let (wide, high) = *first.get_or_insert(size);
        if size != (wide, high) {
            let error = Error::input(path, "its pages are of different sizes").at(format!("page {page}"));
            let text = |(wide, high): (u32, u32)| format!("{wide} x {high}");
            return Err(error.value(text(size)).bound(text((wide, high))));
        }
        let colours = decoder.colortype().map_err(|cause| fault(page, &cause))?;
        if !matches!(colours, ColorType::Gray(_)) {
            let error = Error::input(path, "its page is not of grey numbers").at(format!("page {page}"));
            return Err(error.value(format!("{colours:?}")).bound("one sample a pixel"));
        }
        // The crate turns such numbers over, so that they are not the file's.
        let white = decoder.find_tag_unsigned::<u16>(Tag::PhotometricInterpretation);
        if white.map_err(|cause| fault(page, &cause))? == Some(0) {
            let error = Error::input(path, "its numbers count from white").at(format!("page {page}"));
            return Err(error.value("WhiteIsZero").bound("BlackIsZero"));
        }
        let count = wide as usize * high as usize;
        if values.len() + count > MOST_NUMBERS {
            let error = Error::input(path, "it holds too many numbers").at(format!("page {page}"));
            return Err(error.value(values.len() + count).bound(format!("at most {MOST_NUMBERS}")));
        }
        let numbers = numbers(decoder.read_image().map_err(|cause| fault(page, &cause))?);
        let (numbers, kind) = numbers.filter(|(numbers, _)| numbers.len() == count).ok_or_else(|| {
            let error = Error::input(path, "its numbers are of a kind that is not read");
            error
                .at(format!("page {page}"))
                .value(format!("{colours:?}"))
                .bound("whole of 8, 16 or 32 bits, or floats of 32 or 64")
        })?;
        values.extend(numbers);
        largest = largest.max(kind);
        if !decoder.more_images() {
            break;
        }
        decoder.next_image().map_err(|cause| fault(page + 1, &cause))?;
    }
    let (wide, high) = first.map_or((0, 0), |(wide, high)| (wide as usize, high as usize));
    let pages = values.len() / (wide * high).max(1);
    let shape = if pages == 1 { vec![high, wide] } else { vec![pages, high, wide] };
    Ok(Array { shape, values, largest: largest.map(f64::from) })
}

/// As numbers of one kind, and the largest of the kind that they had, where that is of whole numbers without sign.
fn numbers(read: DecodingResult) -> Option<(Vec<f64>, Option<u32>)> {
    fn wide<T: Into<f64>>(numbers: Vec<T>) -> Vec<f64> {
        numbers.into_iter().map(Into::into).collect()
    }
    match read {
        DecodingResult::U8(numbers) => Some((wide(numbers), Some(u8::MAX.into()))),
        DecodingResult::U16(numbers) => Some((wide(numbers), Some(u16::MAX.into()))),
        DecodingResult::U32(numbers) => Some((wide(numbers), Some(u32::MAX))),
        DecodingResult::I8(numbers) => Some((wide(numbers), None)),
        DecodingResult::I16(numbers) => Some((wide(numbers), None)),
        DecodingResult::I32(numbers) => Some((wide(numbers), None)),
        DecodingResult::F32(numbers) => Some((wide(numbers), None)),
        DecodingResult::F64(numbers) => Some((numbers, None)),
        _ => None,
    }
}

/// The bytes of a file of pages of `rows` x `columns` float32 numbers, one after another.
///
/// # Errors
/// Where a length is more than TIFF can say.
pub fn to_bytes((rows, columns): (usize, usize), values: &[f32]) -> Result<Vec<u8>> {
    let fault = |cause: &dyn std::fmt::Display| {
        let error = Error::call("tiff", "pages can't be written").value(cause);
        error.at(format!("{} numbers of {rows} x {columns}", values.len()))
    };
    let length = |length: usize| u32::try_from(length).map_err(|cause| fault(&cause));
    let (high, wide) = (length(rows)?, length(columns)?);
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).map_err(|cause| fault(&cause))?;
    for page in values.chunks((rows * columns).max(1)) {
        encoder.write_image::<colortype::Gray32Float>(wide, high, page).map_err(|cause| fault(&cause))?;
    }
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_come_back_as_they_were_written() {
        let values: Vec<f32> = (0..24).map(|at| at as f32 - 0.5).collect();
        let same =
            |array: &Array| array.values.iter().zip(&values).all(|(one, other)| *one == f64::from(*other));
        let one = from_bytes(Path::new("one.tif"), &to_bytes((4, 6), &values).unwrap()).unwrap();
        assert!(one.shape == [4, 6] && same(&one), "{one:?}");
        let three = from_bytes(Path::new("three.tif"), &to_bytes((4, 2), &values).unwrap()).unwrap();
        assert!(three.shape == [3, 4, 2] && same(&three), "{three:?}");
    }

    #[test]
    fn whole_numbers_are_read_and_what_is_no_stack_of_grey_pages_is_named() {
        let mut bytes = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
        encoder.write_image::<colortype::Gray16>(2, 1, &[7, 65_535]).unwrap();
        let read = |bytes: &[u8]| from_bytes(Path::new("x.tif"), bytes);
        let found = read(bytes.get_ref()).unwrap();
        assert_eq!((&found.values[..], found.largest), (&[7.0, 65_535.0][..], Some(65_535.0)));
        // The tag that says how a page is meant, 262, as a short with the value 1: black is 0.
        let tag = [6, 1, 3, 0, 1, 0, 0, 0, 1, 0];
        let mut turned = bytes.get_ref().clone();
        let at = turned.windows(tag.len()).position(|window| window == tag).unwrap();
        turned[at + tag.len() - 2] = 0;
        let told = read(&turned).unwrap_err().to_string();
        assert!(told.contains("count from white") && told.contains("page 0"), "{told}");
        let mut signed = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut signed).unwrap();
        encoder.write_image::<colortype::GrayI16>(2, 1, &[-1_024, 3_071]).unwrap();
        let found = read(signed.get_ref()).unwrap();
        assert_eq!((&found.values[..], found.largest), (&[-1_024.0, 3_071.0][..], None));
        for (parts, fill) in [
            (&["page 1", "1 x 2", "2 x 1"][..], 0),
            (&["page 0", "RGB", "one sample"], 1),
            (&["page 0", "x.tif"], 2),
            (&["page 0", "Gray(64)", "floats of 32 or 64"], 3),
        ] {
            let mut bytes = Cursor::new(Vec::new());
            let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
            match fill {
                0 => {
                    encoder.write_image::<colortype::Gray8>(2, 1, &[7, 8]).unwrap();
                    encoder.write_image::<colortype::Gray8>(1, 2, &[7, 8]).unwrap();
                }
                1 => encoder.write_image::<colortype::RGB8>(1, 1, &[7, 8, 9]).unwrap(),
                2 => encoder.write_image::<colortype::Gray8>(2, 1, &[7, 8]).unwrap(),
                _ => encoder.write_image::<colortype::Gray64>(2, 1, &[7, 8]).unwrap(),
            }
            let mut bytes = bytes.into_inner();
            if fill == 2 {
                bytes.truncate(12);
            }
            let error = read(&bytes).unwrap_err().to_string();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
        assert!(read(b"no TIFF").is_err());
    }
}
