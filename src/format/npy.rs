//! NumPy's array files, strictly: a header that is checked, no byte too few or too many.
//!
//! Format: NEP 1, versions 1.0 to 3.0. Read are little-endian floats (`<f4`, `<f8`) and whole numbers of one or two
//! bytes (`|u1`, `<u2`, `<i2`) and truth values (`|b1`) of at most four axes, row by row, or of two column by column; nothing of the header is run, and no length
//! in it is trusted with memory before the file was measured against it.

use std::path::Path;

use crate::error::{Error, Result};

/// What every file begins with.
const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// The longest header that is read, in bytes.
const MOST_HEADER: usize = 4_096;
/// The most axes.
const MOST_AXES: usize = 4;
/// The most numbers of a file.
pub const MOST_NUMBERS: usize = 1 << 26;

/// The numbers of a file, and how they lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The lengths of the axes, the slowest first; empty for a single number.
    pub shape: Vec<usize>,
    /// Their product of numbers, the last axis fastest.
    pub values: Vec<f64>,
    /// The largest number of their kind, where that is of whole numbers without sign.
    pub largest: Option<f64>,
}

impl Array {
    /// Reads the bytes of a file; `path` is for messages.
    ///
    /// # Errors
    /// Where the bytes are no such file, hold another kind of number, or are not as many as the header says.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self> {
        let (header, start) = header(path, bytes)?;
        let fault = |problem: &str| Error::input(path, problem).at("the header");
        let named = |key: &str| {
            field(header, key)
                .ok_or_else(|| fault("it does not name all that it must").value(format!("no `{key}`")))
        };
        let kind = named("descr")?;
        let (width, largest) = match kind.trim_matches(['\'', '"']) {
            "|b1" => (1, Some(1.0)),
            "|u1" => (1, Some(u8::MAX.into())),
            "<u2" => (2, Some(u16::MAX.into())),
            "<i2" => (2, None),
            "<f4" => (4, None),
            "<f8" => (8, None),
            _ => {
                let error = fault("its numbers are of a kind that is not read").value(kind);
                let error = error.bound("'<f4', '<f8', '|u1', '<u2', '<i2' or '|b1'");
                return Err(error.help("`array.astype('<f4')` makes them such."));
            }
        };
        let text = named("shape")?;
        let shape = shape(text).ok_or_else(|| {
            let bound = format!("lengths of at most {MOST_AXES} axes between brackets");
            fault("its shape can't be read").value(text).bound(bound)
        })?;
        let turned = match named("fortran_order")? {
            "False" => false,
            "True" if shape.len() <= 2 => true,
            _ => {
                let error = fault("its numbers do not lie row by row")
                    .bound("row by row, or column by column of a table");
                return Err(error.help("`numpy.ascontiguousarray(array)` orders them."));
            }
        };
        let count = shape.iter().try_fold(1usize, |count, length| count.checked_mul(*length));
        let wanted = count.and_then(|count| count.checked_mul(width));
        let body = &bytes[start..];
        if let Some(count) = count.filter(|count| *count > MOST_NUMBERS) {
            let error = Error::input(path, "it holds too many numbers").value(count);
            return Err(error.bound(format!("at most {MOST_NUMBERS}")));
        }
        if wanted != Some(body.len()) {
            let error = Error::input(path, "it holds another number of bytes than its header says");
            let bound = wanted.map_or_else(|| "more than fits".to_owned(), |wanted| wanted.to_string());
            return Err(error.at(format!("byte {start}")).value(body.len()).bound(bound));
        }
        let values: Vec<f64> = match width {
            1 => body.iter().map(|byte| f64::from(*byte)).collect(),
            2 if largest.is_none() => {
                body.as_chunks::<2>().0.iter().map(|two| f64::from(i16::from_le_bytes(*two))).collect()
            }
            2 => body.as_chunks::<2>().0.iter().map(|two| f64::from(u16::from_le_bytes(*two))).collect(),
            4 => body.as_chunks::<4>().0.iter().map(|four| f64::from(f32::from_le_bytes(*four))).collect(),
            _ => body.as_chunks::<8>().0.iter().map(|eight| f64::from_le_bytes(*eight)).collect(),
        };
        match shape[..] {
            // What `array.T` saves: a table column by column.
            [rows, columns] if turned => {
                let values = (0..values.len()).map(|at| values[at % columns * rows + at / columns]).collect();
                Ok(Self { shape, values, largest })
            }
            _ => Ok(Self { shape, values, largest }),
        }
    }
}

/// The text of the header, and where the numbers begin.
fn header<'a>(path: &Path, bytes: &'a [u8]) -> Result<(&'a str, usize)> {
    let fault = |problem: &str| Error::input(path, problem).at("byte 0");
    if bytes.len() < 12 || &bytes[..6] != MAGIC {
        return Err(fault("it is no file of NumPy's").bound("bytes 93 4E 55 4D 50 59 first"));
    }
    let (length, first) = match bytes[6] {
        1 => (usize::from(u16::from_le_bytes([bytes[8], bytes[9]])), 10),
        2 | 3 => (u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize, 12),
        version => {
            let error = fault("its version is not known").at("byte 6").value(version);
            return Err(error.bound("1 to 3"));
        }
    };
    if length > MOST_HEADER {
        let error = fault("its header is too long, in bytes").at("byte 8").value(length);
        return Err(error.bound(format!("at most {MOST_HEADER}")));
    }
    if first + length > bytes.len() {
        let error = fault("it ends within its header").at(format!("byte {}", bytes.len()));
        return Err(error.value(bytes.len()).bound(format!("at least {} bytes", first + length)));
    }
    let text = std::str::from_utf8(&bytes[first..first + length]);
    text.map(|text| (text, first + length)).map_err(|_| fault("its header is no text"))
}

/// What stands behind a key of the header's dictionary, up to the next comma outside brackets.
fn field<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let quoted = [format!("'{key}'"), format!("\"{key}\"")];
    let after =
        quoted.iter().find_map(|key| header.find(key.as_str()).map(|at| &header[at + key.len()..]))?;
    let value = after.trim_start().strip_prefix(':')?.trim_start();
    let end = if value.starts_with('(') { value.find(')')? + 1 } else { value.find([',', '}'])? };
    Some(value[..end].trim_end())
}

/// The lengths between brackets.
fn shape(text: &str) -> Option<Vec<usize>> {
    let inside = text.strip_prefix('(')?.strip_suffix(')')?.trim();
    let inside = inside.strip_suffix(',').unwrap_or(inside);
    if inside.is_empty() {
        return Some(Vec::new());
    }
    let lengths: Option<Vec<usize>> = inside.split(',').map(|length| length.trim().parse().ok()).collect();
    lengths.filter(|lengths| lengths.len() <= MOST_AXES)
}

/// The bytes of a file, version 1.0, of `<f4` numbers.
///
/// # Panics
/// Where there are not as many numbers as the shape says, or more than four axes.
#[must_use]
pub fn to_bytes(shape: &[usize], values: &[f32]) -> Vec<u8> {
    assert_eq!(shape.iter().product::<usize>(), values.len(), "a shape's numbers");
    let mut bytes = head(shape);
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// What such a file begins with, up to its first number.
///
/// # Panics
/// Where there are more than four axes.
#[must_use]
pub fn head(shape: &[usize]) -> Vec<u8> {
    assert!(shape.len() <= MOST_AXES, "at most {MOST_AXES} axes");
    let lengths: Vec<String> = shape.iter().map(|length| format!("{length},")).collect();
    let about = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", lengths.join(" "));
    // Magic, version and length take 10 bytes; the numbers begin at a multiple of 64.
    let length = (10 + about.len() + 1).next_multiple_of(64) - 10;
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(format!("{about:<width$}\n", width = length - 1).bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Array> {
        Array::from_bytes(Path::new("a.npy"), bytes)
    }

    /// A file with that dictionary and those bytes behind it.
    fn file(about: &str, body: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((about.len() as u16).to_le_bytes());
        bytes.extend(about.bytes());
        bytes.extend(body);
        bytes
    }

    #[test]
    fn what_is_written_is_read_again_and_starts_where_numpy_wants_it() {
        for shape in [vec![6], vec![2, 3], vec![1, 2, 3]] {
            let values = [0.5, -1.0, 2.25, f32::NAN, 1e-30, 7.0];
            let bytes = to_bytes(&shape, &values);
            assert_eq!((bytes.len() - 24) % 64, 0);
            let found = read(&bytes).unwrap();
            assert_eq!(found.shape, shape);
            let same = found.values.iter().zip(values).all(|(x, y)| (*x as f32).to_bits() == y.to_bits());
            assert!(same, "{found:?}");
        }
    }

    #[test]
    fn doubles_and_the_other_versions_are_read() {
        let about = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }";
        let body = [1.5f64.to_le_bytes(), (-3.0f64).to_le_bytes()].concat();
        assert_eq!(read(&file(about, &body)).unwrap().values, [1.5, -3.0]);
        let mut second = b"\x93NUMPY\x02\x00".to_vec();
        second.extend((about.len() as u32).to_le_bytes());
        second.extend(about.bytes());
        second.extend(&body);
        assert_eq!(read(&second).unwrap().shape, [2]);
    }

    #[test]
    fn whole_numbers_are_read_and_the_largest_of_their_kind_is_known() {
        let about = |kind: &str| format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': (2,), }}");
        for (kind, body, values, largest) in [
            ("|u1", &[7, 255][..], [7.0, 255.0], Some(255.0)),
            ("|b1", &[0, 1], [0.0, 1.0], Some(1.0)),
            ("<u2", &[7, 0, 1, 2], [7.0, 513.0], Some(65_535.0)),
            ("<i2", &[0xFF, 0xFF, 0, 0x80], [-1.0, -32_768.0], None),
            ("<f4", &[0; 8], [0.0; 2], None),
        ] {
            let found = read(&file(&about(kind), body)).unwrap();
            assert_eq!((&found.values[..], found.largest), (&values[..], largest), "{kind}");
        }
    }

    #[test]
    fn a_table_that_was_turned_over_is_read_row_by_row() {
        let about = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }";
        let body: Vec<u8> = [0.0f32, 3.0, 1.0, 4.0, 2.0, 5.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        assert_eq!(read(&file(about, &body)).unwrap().values, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
        let cases = [
            (b"RIFF and so on".to_vec(), "no file of NumPy's"),
            (b"\x93NUMPY\x09\x00\x00\x00\x00\x00".to_vec(), "byte 6: its version is not known: 9"),
            (file(good, &[0; 20]), "another number of bytes than its header says: 20 (allowed: 24)"),
            (file(good, &[0; 28]), "28 (allowed: 24)"),
            (
                file(&good.replace("<f4", ">f4"), &[0; 24]),
                "'>f4' (allowed: '<f4', '<f8', '|u1', '<u2', '<i2' or '|b1')",
            ),
            (file(&good.replace("<f4", "|O"), &[0; 24]), "'|O'"),
            (
                file(&good.replace("False", "True").replace("(2, 3)", "(1, 2, 3)"), &[0; 24]),
                "ascontiguousarray",
            ),
            (file(&good.replace("False", "Maybe"), &[0; 24]), "row by row"),
            (file(&good.replace("(2, 3)", "(2, -3)"), &[0; 24]), "its shape can't be read: (2, -3)"),
            (file(&good.replace("(2, 3)", "(1, 1, 1, 2, 3)"), &[0; 24]), "lengths of at most 4 axes"),
            (file(&good.replace("(2, 3)", "(4294967296, 4294967296)"), &[]), "more than fits"),
            (
                file(&good.replace("(2, 3)", "(8193, 8192)"), &[]),
                "too many numbers: 67117056 (allowed: at most 67108864)",
            ),
            (
                b"\x93NUMPY\x01\x00\xff\xff{'descr'".to_vec(),
                "byte 8: its header is too long, in bytes: 65535 (allowed: at most 4096)",
            ),
            (
                b"\x93NUMPY\x01\x00\x40\x00{'descr'".to_vec(),
                "byte 18: it ends within its header: 18 (allowed: at least 74 bytes)",
            ),
            (file(&good.replace("descr", "kind"), &[0; 24]), "no `descr`"),
        ];
        for (bytes, wanted) in cases {
            let told = read(&bytes).unwrap_err().to_string();
            assert!(told.contains(wanted), "{told}");
        }
    }
}
