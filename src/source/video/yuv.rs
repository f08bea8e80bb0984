//! YCbCr to RGB in integers, so that the same picture gives the same bits on every processor.
//!
//! A sample triple becomes red, green, blue by ITU-R BT.601, BT.709 or BT.2020 (constant `Kr`, `Kb`):
//!
//! ```text
//! R = y + 2 (1 - Kr) cr          y  = (Y - 16) / 219 or Y / 255
//! B = y + 2 (1 - Kb) cb          cb = (Cb - 128) / 224 or (Cb - 128) / 255
//! G = y - 2 Kb (1 - Kb) / Kg cb - 2 Kr (1 - Kr) / Kg cr
//! ```
//!
//! with 16 fraction bits, rounded to nearest. A chroma sample covers its whole block of pixels.
//! Where a stream names no matrix, the practice of players holds: BT.709 from 720 rows up, BT.601 below;
//! where it names no range, limited (16 to 235).

/// How the samples of a YCbCr picture become red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Matrix {
    luma_offset: i32,
    luma: i32,
    red_cr: i32,
    green_cb: i32,
    green_cr: i32,
    blue_cb: i32,
}

/// What a stream says about its colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ColourTag {
    /// The `MatrixCoefficients` code point of ITU-T H.273; 2 or none: not said.
    pub matrix: Option<u64>,
    /// Whether samples use 0 to 255; none: not said.
    pub full_range: Option<bool>,
}

impl Matrix {
    /// The matrix for a stream of `rows` rows with the tag `tag`.
    pub fn choose(tag: ColourTag, rows: usize) -> Self {
        let (kr, kb) = match tag.matrix {
            Some(1) => BT_709,
            Some(9 | 10) => BT_2020,
            // FCC (4) differs from BT.601 by less than a step; RGB (0) cannot come with YCbCr planes and
            // is what a converter from RGB leaves behind, which uses BT.601.
            Some(0 | 4..=6) => BT_601,
            _ if rows >= 720 => BT_709,
            _ => BT_601,
        };
        Self::new(kr, kb, tag.full_range.unwrap_or(false))
    }

    fn new(kr: f64, kb: f64, full: bool) -> Self {
        let (luma_span, chroma_span) = if full { (255.0, 255.0) } else { (219.0, 224.0) };
        let kg = 1.0 - kr - kb;
        let chroma = 255.0 / chroma_span;
        Self {
            luma_offset: if full { 0 } else { 16 },
            luma: fixed(255.0 / luma_span),
            red_cr: fixed(2.0 * (1.0 - kr) * chroma),
            green_cb: fixed(2.0 * kb * (1.0 - kb) / kg * chroma),
            green_cr: fixed(2.0 * kr * (1.0 - kr) / kg * chroma),
            blue_cb: fixed(2.0 * (1.0 - kb) * chroma),
        }
    }

    fn rgb(self, luma: u8, chroma: Chroma) -> [u8; 3] {
        let luma = (i32::from(luma) - self.luma_offset) * self.luma + HALF;
        [clamp(luma + chroma.red), clamp(luma - chroma.green), clamp(luma + chroma.blue)]
    }

    fn chroma(self, cb: u8, cr: u8) -> Chroma {
        let (cb, cr) = (i32::from(cb) - 128, i32::from(cr) - 128);
        Chroma {
            red: self.red_cr * cr,
            green: self.green_cb * cb + self.green_cr * cr,
            blue: self.blue_cb * cb,
        }
    }
}

/// What a chroma pair adds to its pixels.
#[derive(Clone, Copy)]
struct Chroma {
    red: i32,
    green: i32,
    blue: i32,
}

const BT_601: (f64, f64) = (0.299, 0.114);
const BT_709: (f64, f64) = (0.2126, 0.0722);
const BT_2020: (f64, f64) = (0.2627, 0.0593);
const HALF: i32 = 1 << 15;

fn fixed(value: f64) -> i32 {
    (value * 65_536.0 + 0.5).floor() as i32
}

fn clamp(value: i32) -> u8 {
    (value >> 16).clamp(0, 255) as u8
}

/// How the samples of a raw picture lie in memory, plane by plane, rows from the top, without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Luma only.
    Mono,
    /// Luma, then Cb and Cr at half the columns and half the rows (rounded up).
    Yuv420,
    /// Luma, then Cb and Cr at half the columns (rounded up).
    Yuv422,
    /// Luma, Cb and Cr alike.
    Yuv444,
    /// Blue, green, red and an unused byte for each pixel.
    Bgr0,
}

impl Layout {
    /// Bytes of a picture of `width` x `height`.
    pub fn bytes(self, width: usize, height: usize) -> usize {
        let (columns, rows) = self.chroma_size(width, height);
        match self {
            Self::Mono => width * height,
            Self::Bgr0 => 4 * width * height,
            _ => width * height + 2 * columns * rows,
        }
    }

    /// The layout whose pictures have `bytes` bytes; where two have (one column or one row), they read alike.
    pub fn with_bytes(bytes: usize, width: usize, height: usize) -> Option<Self> {
        [Self::Mono, Self::Yuv420, Self::Yuv422, Self::Yuv444, Self::Bgr0]
            .into_iter()
            .find(|layout| layout.bytes(width, height) == bytes)
    }

    fn chroma_size(self, width: usize, height: usize) -> (usize, usize) {
        match self {
            Self::Yuv420 => (width.div_ceil(2), height.div_ceil(2)),
            Self::Yuv422 => (width.div_ceil(2), height),
            _ => (width, height),
        }
    }
}

/// Red, green and blue of the raw picture `data`, whose length is `layout.bytes(width, height)`.
pub(super) fn to_rgb(data: &[u8], layout: Layout, matrix: Matrix, width: usize, height: usize) -> Vec<u8> {
    let mut rgb = vec![0; 3 * width * height];
    let pixels = rgb.as_chunks_mut::<3>().0;
    match layout {
        Layout::Bgr0 => {
            for (pixel, &[blue, green, red, _]) in pixels.iter_mut().zip(data.as_chunks::<4>().0) {
                *pixel = [red, green, blue];
            }
        }
        Layout::Mono => {
            let flat = matrix.chroma(128, 128);
            for (pixel, &luma) in pixels.iter_mut().zip(data) {
                *pixel = matrix.rgb(luma, flat);
            }
        }
        Layout::Yuv420 | Layout::Yuv422 | Layout::Yuv444 => {
            planes_to_rgb(data, layout, matrix, (width, height), pixels);
        }
    }
    rgb
}

fn planes_to_rgb(data: &[u8], layout: Layout, matrix: Matrix, size: (usize, usize), rgb: &mut [[u8; 3]]) {
    let (width, height) = size;
    let (columns, rows) = layout.chroma_size(width, height);
    let (luma, chroma) = data.split_at(width * height);
    let (cb, cr) = chroma.split_at(columns * rows);
    let down = height.div_ceil(rows);
    let lines = rgb.chunks_exact_mut(width).zip(luma.chunks_exact(width));
    for (y, (pixels, luma)) in lines.enumerate() {
        let from = y / down * columns;
        let pairs = cb[from..from + columns].iter().zip(&cr[from..from + columns]);
        if columns == width {
            for ((pixel, &luma), (&cb, &cr)) in pixels.iter_mut().zip(luma).zip(pairs) {
                *pixel = matrix.rgb(luma, matrix.chroma(cb, cr));
            }
        } else {
            for ((pixels, luma), (&cb, &cr)) in pixels.chunks_mut(2).zip(luma.chunks(2)).zip(pairs) {
                let shared = matrix.chroma(cb, cr);
                for (pixel, &luma) in pixels.iter_mut().zip(luma) {
                    *pixel = matrix.rgb(luma, shared);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(matrix: u64) -> Matrix {
        Matrix::choose(ColourTag { matrix: Some(matrix), full_range: Some(false) }, 100)
    }

    #[test]
    fn black_white_and_grey_carry_no_colour() {
        for matrix in [limited(1), limited(6), limited(9)] {
            assert_eq!(to_rgb(&[16, 128, 128], Layout::Yuv444, matrix, 1, 1), [0, 0, 0]);
            assert_eq!(to_rgb(&[235, 128, 128], Layout::Yuv444, matrix, 1, 1), [255, 255, 255]);
            assert_eq!(to_rgb(&[255], Layout::Mono, matrix, 1, 1), [255, 255, 255]);
        }
        let full = Matrix::choose(ColourTag { matrix: None, full_range: Some(true) }, 100);
        assert_eq!(to_rgb(&[0, 77, 255], Layout::Mono, full, 3, 1), [0, 0, 0, 77, 77, 77, 255, 255, 255]);
    }

    #[test]
    fn primaries_come_back_within_a_step() {
        // Code points of the 100 % colour bars: BT.601 and BT.709, 8 bit, limited range.
        for (matrix, bars) in [
            (
                limited(6),
                [([81, 90, 240], [255, 0, 0]), ([145, 54, 34], [0, 255, 0]), ([41, 240, 110], [0, 0, 255])],
            ),
            (
                limited(1),
                [([63, 102, 240], [255, 0, 0]), ([173, 42, 26], [0, 255, 0]), ([32, 240, 118], [0, 0, 255])],
            ),
        ] {
            for (yuv, want) in bars {
                let got = to_rgb(&yuv, Layout::Yuv444, matrix, 1, 1);
                for (a, b) in got.iter().zip(want) {
                    assert!(a.abs_diff(b) <= 2, "{yuv:?} gave {got:?}, not {want:?}");
                }
            }
        }
    }

    #[test]
    fn an_untagged_stream_is_bt709_from_720_rows_up() {
        let untagged = ColourTag::default();
        assert_eq!(Matrix::choose(untagged, 720), limited(1));
        assert_eq!(Matrix::choose(untagged, 576), limited(6));
        assert_eq!(Matrix::choose(ColourTag { matrix: Some(2), full_range: None }, 1080), limited(1));
    }

    #[test]
    fn a_chroma_sample_covers_its_block_and_odd_sizes_round_up() {
        // 3 x 3, 4:2:0: the chroma planes are 2 x 2; only the bottom right block is red.
        let mut data = vec![81; 9];
        data.extend([128, 128, 128, 90, 128, 128, 128, 240]);
        let rgb = to_rgb(&data, Layout::Yuv420, limited(6), 3, 3);
        let red: Vec<bool> = rgb.chunks(3).map(|p| p[0] > 200 && p[1] < 50).collect();
        assert_eq!(red, [false, false, false, false, false, false, false, false, true]);
        for layout in [Layout::Mono, Layout::Yuv420, Layout::Yuv422, Layout::Yuv444, Layout::Bgr0] {
            assert_eq!(Layout::with_bytes(layout.bytes(35, 21), 35, 21), Some(layout));
        }
    }
}
