//! Pictures in memory, as messages carry them: JPEG and PNG, or pixels as they are.

use std::io::Cursor;
use std::path::Path;

use super::input::{MAX_PACKET, check_size};
use super::jpeg;
use super::pictures;
use super::sniff::{self, Format};
use super::yuv::{ColourTag, Layout, Matrix, to_rgb};
use crate::error::{Error, Result};

/// Columns, rows, and red, green and blue of each pixel, row by row.
pub(in crate::source) type Pixels = (usize, usize, Vec<u8>);

/// Compressed pictures that are read.
const COMPRESSED: &str = "JPEG or PNG";
/// Pixels that are read.
const RAW: &str = "rgb8, bgr8, 8UC3, rgba8, bgra8, mono8, 8UC1, yuv422, uyvy, yuv422_yuy2, yuyv, nv12";

/// Decodes a JPEG or PNG picture, told by its content; `format` is what the message calls it.
///
/// # Errors
/// Where it is damaged, too large, or of another kind.
pub(in crate::source) fn compressed(path: &Path, place: &str, format: &str, data: &[u8]) -> Result<Pixels> {
    if data.len() as u64 > MAX_PACKET {
        let error = Error::input(path, "the picture is too long").at(place);
        let length = format!("{} bytes", data.len());
        return Err(error.value(length).bound(format!("at most {MAX_PACKET} bytes")));
    }
    let picture = match kind(path, place, format, data)? {
        Format::Png => pictures::png(path, Cursor::new(data)).map_err(|error| error.at(place))?,
        _ => jpeg::decode(data).map_err(|refusal| refusal.into_error(path, &format!("{place}, ")))?,
    };
    Ok((picture.width, picture.height, picture.rgb))
}

/// What a compressed picture is, where pictures of its kind are read.
///
/// # Errors
/// Names the format and those that are.
pub(in crate::source) fn check_compressed(
    path: &Path,
    place: &str,
    format: &str,
    data: &[u8],
) -> Result<&'static str> {
    kind(path, place, format, data).map(Format::name)
}

fn kind(path: &Path, place: &str, format: &str, data: &[u8]) -> Result<Format> {
    sniff::picture(data).filter(|kind| matches!(kind, Format::Jpeg | Format::Png)).ok_or_else(|| {
        let error = Error::input(path, "a compressed picture of this kind is not read").at(place);
        error.value(named(format)).bound(COMPRESSED)
    })
}

/// Pixels as they are.
#[derive(Clone, Copy)]
pub(in crate::source) struct Raw<'a> {
    /// Their encoding, as ROS and Foxglove call it.
    pub format: &'a str,
    pub width: usize,
    pub height: usize,
    /// Bytes from one row to the next.
    pub step: usize,
    pub data: &'a [u8],
}

/// Where the samples of a pixel lie among its bytes; a fourth one is not looked at.
enum Order {
    Grey,
    Three([usize; 3]),
    Four([usize; 3]),
    /// Y of two pixels with U and V between, luma first or chroma first.
    Pairs {
        luma: usize,
    },
    /// Luma, then, in half as many rows, Cb and Cr of four pixels in turn.
    Nv12,
}

impl Order {
    fn of(format: &str) -> Option<Self> {
        Some(match format {
            "mono8" | "8UC1" => Self::Grey,
            "rgb8" => Self::Three([0, 1, 2]),
            // OpenCV's order, where no colours are named.
            "bgr8" | "8UC3" => Self::Three([2, 1, 0]),
            "rgba8" => Self::Four([0, 1, 2]),
            "bgra8" => Self::Four([2, 1, 0]),
            "yuv422" | "uyvy" => Self::Pairs { luma: 1 },
            "yuv422_yuy2" | "yuyv" => Self::Pairs { luma: 0 },
            "nv12" => Self::Nv12,
            _ => return None,
        })
    }

    /// Bytes of a row of `width` pixels.
    fn row(&self, width: usize) -> usize {
        match self {
            Self::Grey => width,
            Self::Three(_) => 3 * width,
            Self::Four(_) => 4 * width,
            Self::Pairs { .. } => 4 * width.div_ceil(2),
            Self::Nv12 => 2 * width.div_ceil(2),
        }
    }

    /// Rows of a picture of `height` pixels.
    fn rows(&self, height: usize) -> usize {
        if matches!(self, Self::Nv12) { height + height.div_ceil(2) } else { height }
    }
}

/// Whether pixels in this encoding are read.
///
/// # Errors
/// Names the encoding and those that are.
pub(in crate::source) fn check_raw(path: &Path, place: &str, format: &str) -> Result<()> {
    order(path, place, format).map(|_| ())
}

fn order(path: &Path, place: &str, format: &str) -> Result<Order> {
    Order::of(format).ok_or_else(|| {
        let error = Error::input(path, "pixels in this encoding are not read").at(place);
        error.value(named(format)).bound(RAW)
    })
}

/// Makes a picture of pixels. Alpha is not looked at: cameras leave it at anything.
///
/// # Errors
/// Where the size is out of range, the encoding is not read, or bytes are missing.
pub(in crate::source) fn raw(path: &Path, place: &str, raw: Raw<'_>) -> Result<Pixels> {
    let Raw { format, width, height, step, data } = raw;
    let order = order(path, place, format)?;
    check_size(path, place, width, height)?;
    let (row, lines) = (order.row(width), order.rows(height));
    // Some leave out the last row's padding.
    let needed = step.saturating_mul(lines - 1).saturating_add(row);
    if step < row || data.len() < needed {
        let error = Error::input(path, "the picture has too few bytes").at(place);
        let found = format!("{} in rows of {step}", data.len());
        return Err(error.value(found).bound(format!("{} in rows of {row} at least", row * lines)));
    }
    let rows = data.chunks(step).take(lines).map(|line| &line[..row]);
    let rgb = match order {
        Order::Grey => rows.flatten().flat_map(|grey| [*grey; 3]).collect(),
        Order::Three(at) => rows.flat_map(|row| pixels::<3>(row, at)).collect(),
        Order::Four(at) => rows.flat_map(|row| pixels::<4>(row, at)).collect(),
        Order::Pairs { luma } => {
            let mut planes = vec![0; Layout::Yuv422.bytes(width, height)];
            let (lumas, chromas) = planes.split_at_mut(width * height);
            let (cbs, crs) = chromas.split_at_mut(chromas.len() / 2);
            let columns = width.div_ceil(2);
            for (y, row) in rows.enumerate() {
                for (x, pair) in row.as_chunks::<4>().0.iter().enumerate() {
                    lumas[y * width + 2 * x] = pair[luma];
                    if 2 * x + 1 < width {
                        lumas[y * width + 2 * x + 1] = pair[luma + 2];
                    }
                    cbs[y * columns + x] = pair[1 - luma];
                    crs[y * columns + x] = pair[3 - luma];
                }
            }
            to_rgb(&planes, Layout::Yuv422, as_opencv(height), width, height)
        }
        Order::Nv12 => {
            let lines: Vec<&[u8]> = rows.collect();
            let (lumas, chromas) = lines.split_at(height);
            let mut planes: Vec<u8> = lumas.iter().flat_map(|row| &row[..width]).copied().collect();
            for sample in [0, 1] {
                planes.extend(chromas.iter().flat_map(|row| row.iter().skip(sample).step_by(2)));
            }
            to_rgb(&planes, Layout::Yuv420, as_opencv(height), width, height)
        }
    };
    Ok((width, height, rgb))
}

/// The colours that OpenCV takes samples without a tag for.
fn as_opencv(height: usize) -> Matrix {
    Matrix::choose(ColourTag { matrix: Some(6), full_range: Some(false) }, height)
}

fn pixels<const N: usize>(row: &[u8], at: [usize; 3]) -> impl Iterator<Item = u8> + '_ {
    row.as_chunks::<N>().0.iter().flat_map(move |pixel| at.map(|sample| pixel[sample]))
}

/// A name of the file's, as it may stand in a message.
fn named(name: &str) -> String {
    format!("`{}`", name.chars().take(40).collect::<String>().escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(format: &str, data: &[u8]) -> Vec<u8> {
        raw(Path::new("a"), "here", Raw { format, width: 2, height: 1, step: data.len(), data }).unwrap().2
    }

    #[test]
    fn every_encoding_gives_its_colours() {
        assert_eq!(one("rgb8", &[1, 2, 3, 4, 5, 6]), [1, 2, 3, 4, 5, 6]);
        assert_eq!(one("bgr8", &[1, 2, 3, 4, 5, 6]), [3, 2, 1, 6, 5, 4]);
        assert_eq!(one("rgba8", &[1, 2, 3, 0, 4, 5, 6, 0]), [1, 2, 3, 4, 5, 6]);
        assert_eq!(one("bgra8", &[1, 2, 3, 0, 4, 5, 6, 0]), [3, 2, 1, 6, 5, 4]);
        assert_eq!(one("mono8", &[7, 9]), [7, 7, 7, 9, 9, 9]);
        assert_eq!(one("yuv422", &[128, 16, 128, 235]), [0, 0, 0, 255, 255, 255]);
        assert_eq!(one("yuyv", &[235, 128, 16, 128]), [255, 255, 255, 0, 0, 0]);
        let red = one("yuyv", &[81, 90, 81, 240]);
        assert!(red[0] > 250 && red[1] < 5 && red[2] < 5, "{red:?}");
        assert_eq!(one("uyvy", &[90, 81, 240, 81]), red);
    }

    #[test]
    fn rows_may_have_padding_and_the_last_one_may_lack_it() {
        let picture = Raw { format: "mono8", width: 2, height: 2, step: 3, data: &[1, 2, 0, 3, 4] };
        assert_eq!(raw(Path::new("a"), "", picture).unwrap().2, [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
    }

    #[test]
    fn what_can_not_be_a_picture_is_refused_by_name() {
        let picture = Raw { format: "mono8", width: 2, height: 2, step: 2, data: &[0; 4] };
        for (wrong, said) in [
            (Raw { data: &[0; 3], ..picture }, "3 in rows of 2 (allowed: 4 in rows of 2 at least)"),
            (Raw { step: 1, ..picture }, "4 in rows of 1"),
            (Raw { format: "16UC1", ..picture }, "`16UC1` (allowed: rgb8"),
            (Raw { width: 0, ..picture }, "0 x 2"),
            (Raw { width: usize::MAX, height: usize::MAX, ..picture }, "out of range"),
            (Raw { step: usize::MAX, ..picture }, "in rows of 1844"),
        ] {
            let error = raw(Path::new("a.mcap"), "message 3", wrong).err().unwrap().to_string();
            assert!(error.contains("a.mcap, at message 3: ") && error.contains(said), "{error}");
        }
        let error =
            compressed(Path::new("a"), "message 0", "webp", b"RIFF....WEBP").err().unwrap().to_string();
        assert!(error.contains("`webp` (allowed: JPEG or PNG)"), "{error}");
    }
}
