//! Pictures as the memory has them: a plane of luminance, or three of luminance and complex chroma.
//!
//! ```text
//! Y = (R + G + B) / 3,    c = √2/3 (R + G e^{2πi/3} + B e^{-2πi/3})
//! ```
//!
//! the three-point Fourier transform of RGB, as the retina has it: hue is `arg c`, red is 0. It inverts exactly, and
//! scaled like this white noise of σ in R, G and B is white noise of σ/√3 in all three planes.

/// A number per pixel, row by row from the top left.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Rows, at least 1.
    pub height: usize,
    /// Columns, at least 1.
    pub width: usize,
    /// `height * width` numbers.
    pub values: Vec<f32>,
}

impl Plane {
    /// The same number everywhere.
    #[must_use]
    pub fn flat(height: usize, width: usize, value: f32) -> Self {
        Self { height, width, values: vec![value; height * width] }
    }

    /// From a number for every row and column.
    #[must_use]
    pub fn of(height: usize, width: usize, mut number: impl FnMut(usize, usize) -> f32) -> Self {
        let values = (0..height * width).map(|at| number(at / width, at % width)).collect();
        Self { height, width, values }
    }

    /// Joins two planes of one size, pixel by pixel.
    #[must_use]
    pub fn with(&self, other: &Self, join: impl Fn(f32, f32) -> f32) -> Self {
        let values = self.values.iter().zip(&other.values).map(|(x, y)| join(*x, *y)).collect();
        Self { values, ..*self }
    }

    /// Every number changed.
    #[must_use]
    pub fn map(&self, change: impl Fn(f32) -> f32) -> Self {
        Self { values: self.values.iter().map(|x| change(*x)).collect(), ..*self }
    }

    /// The same of mean 0 and variance 1; all 0 where it is even.
    #[must_use]
    pub fn standardised(&self) -> Self {
        let count = self.values.len() as f32;
        let mean = self.values.iter().sum::<f32>() / count;
        let square = self.values.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / count;
        let scale = if square > 0.0 { 1.0 / square.sqrt() } else { 0.0 };
        self.map(|x| (x - mean) * scale)
    }

    /// Half as high and wide, rounded up: means of 2 x 2 weighted by `weights`, and the weights' sums. Where no weight
    /// is, the mean is 0.
    #[must_use]
    pub fn halved(&self, weights: &Self) -> (Self, Self) {
        let (height, width) = (self.height.div_ceil(2), self.width.div_ceil(2));
        let mut means = Self::flat(height, width, 0.0);
        let mut sums = means.clone();
        for (at, (x, w)) in self.values.iter().zip(&weights.values).enumerate() {
            let to = at / self.width / 2 * width + at % self.width / 2;
            means.values[to] += x * w;
            sums.values[to] += w;
        }
        means.values.iter_mut().zip(&sums.values).for_each(|(x, w)| *x = if *w > 0.0 { *x / w } else { 0.0 });
        (means, sums)
    }

    /// The same picture with `height` rows and `width` columns by the cubic kernel of Keys (1981), widened where it
    /// shrinks, as MATLAB's `imresize` has it; beyond its edges the picture is mirrored.
    #[must_use]
    pub fn resized(&self, height: usize, width: usize) -> Self {
        let turned = transposed(&self.values, self.height, self.width);
        let wide = along(&turned, (self.width, self.height), width);
        let back = transposed(&wide, width, self.height);
        Self { height, width, values: along(&back, (self.height, width), height) }
    }
}

/// Every column of `length` numbers as one of `wanted`, all columns of a row together.
fn along(values: &[f32], (length, columns): (usize, usize), wanted: usize) -> Vec<f32> {
    let scale = length as f32 / wanted as f32;
    let stretch = scale.max(1.0);
    let taps: Vec<Vec<(usize, f32)>> = (0..wanted)
        .map(|to| {
            let centre = (to as f32 + 0.5) * scale - 0.5;
            // Counted from so far before the edge that no place is negative.
            let lead = (2.0 * stretch).ceil() as usize + 1;
            let shifted = centre + lead as f32;
            let first = (shifted - 2.0 * stretch).floor() as usize;
            let last = (shifted + 2.0 * stretch).ceil() as usize;
            let weight = |from: usize| cubic((from as f32 - shifted) / stretch);
            let sum: f32 = (first..=last).map(weight).sum();
            let tap = |from: usize| (mirrored(from, lead, length), weight(from) / sum);
            (first..=last).map(tap).filter(|(_, weight)| *weight != 0.0).collect()
        })
        .collect();
    let mut out = vec![-0.0; wanted * columns];
    for (out, taps) in out.chunks_exact_mut(columns).zip(&taps) {
        for (at, weight) in taps {
            let row = &values[at * columns..][..columns];
            out.iter_mut().zip(row).for_each(|(out, x)| *out += x * weight);
        }
    }
    out
}

fn transposed(values: &[f32], height: usize, width: usize) -> Vec<f32> {
    let mut turned = Vec::with_capacity(height * width);
    for x in 0..width {
        turned.extend((0..height).map(|y| values[y * width + x]));
    }
    turned
}

/// Keys' kernel with a = -1/2.
pub(super) fn cubic(x: f32) -> f32 {
    let x = x.abs();
    if x < 1.0 {
        (1.5 * x - 2.5) * x * x + 1.0
    } else if x < 2.0 {
        ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    } else {
        0.0
    }
}

/// The place `at - before`; beyond an edge its mirror image, the edge itself repeated.
pub(super) fn mirrored(at: usize, before: usize, length: usize) -> usize {
    let period = 2 * length;
    let around = (at + period * (before / period + 1) - before) % period;
    around.min(period - 1 - around)
}

/// One plane, or three.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Luminance, 0 to 1; then, in colour, the real and imaginary part of the chroma.
    pub planes: Vec<Plane>,
}

impl Picture {
    /// From sRGB bytes; one plane where no pixel has a colour and `grey` allows it.
    ///
    /// # Panics
    /// Where there are not `3 * height * width` bytes.
    #[must_use]
    pub fn from_rgb(height: usize, width: usize, rgb: &[u8], grey: bool) -> Self {
        assert_eq!(rgb.len(), 3 * height * width, "three bytes for every pixel");
        let pixels = rgb.as_chunks::<3>().0;
        let colourless = || pixels.iter().all(|[r, g, b]| r == g && g == b);
        let count = if grey && colourless() { 1 } else { 3 };
        let mut planes = vec![Plane::flat(height, width, 0.0); count];
        for (at, pixel) in pixels.iter().enumerate() {
            let parts = split(pixel.map(|part| f32::from(part) / 255.0));
            planes.iter_mut().zip(parts).for_each(|(plane, part)| plane.values[at] = part);
        }
        Self { planes }
    }

    /// As sRGB bytes.
    #[must_use]
    pub fn to_rgb(&self) -> Vec<u8> {
        let byte = |x: f32| (x.clamp(0.0, 1.0) * 255.0).round() as u8;
        let part = |plane: usize, at: usize| self.planes.get(plane).map_or(0.0, |plane| plane.values[at]);
        (0..self.planes[0].values.len())
            .flat_map(|at| joined([part(0, at), part(1, at), part(2, at)]).map(byte))
            .collect()
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.planes[0].height
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.planes[0].width
    }

    /// Whether it has chroma.
    #[must_use]
    pub fn is_colour(&self) -> bool {
        self.planes.len() == 3
    }

    /// Its luminance alone.
    #[must_use]
    pub fn luminance(&self) -> Self {
        Self { planes: vec![self.planes[0].clone()] }
    }

    /// Its luma, `0.299 R + 0.587 G + 0.114 B` (ITU-R BT.601).
    #[must_use]
    pub fn luma(&self) -> Plane {
        let [y, re, im] = &self.planes[..] else { return self.planes[0].clone() };
        let [along, across] = [ROOT * (0.299 - 0.5 * (0.587 + 0.114)), ROOT * SINE * (0.587 - 0.114)];
        y.with(re, |y, re| y + along * re).with(im, |y, im| y + across * im)
    }

    /// Changes luminance so that the luma is `luma`; chroma stays.
    pub fn set_luma(&mut self, luma: &Plane) {
        let found = self.luma();
        let missing = luma.with(&found, |wanted, found| wanted - found);
        self.planes[0] = self.planes[0].with(&missing, |y, missing| y + missing);
    }

    /// Every plane changed.
    #[must_use]
    pub fn map(&self, change: impl Fn(&Plane) -> Plane) -> Self {
        Self { planes: self.planes.iter().map(change).collect() }
    }

    /// Joins two pictures of one size and kind, pixel by pixel.
    #[must_use]
    pub fn with(&self, other: &Self, join: impl Fn(f32, f32) -> f32) -> Self {
        let planes = self.planes.iter().zip(&other.planes).map(|(x, y)| x.with(y, &join));
        Self { planes: planes.collect() }
    }

    /// In another size; see [`Plane::resized`].
    #[must_use]
    pub fn resized(&self, height: usize, width: usize) -> Self {
        self.map(|plane| plane.resized(height, width))
    }

    /// Half the size, by plain means.
    #[must_use]
    pub fn halved(&self) -> Self {
        let even = Plane::flat(self.height(), self.width(), 1.0);
        self.map(|plane| plane.halved(&even).0)
    }
}

/// √2 and √3/2.
const ROOT: f32 = core::f32::consts::SQRT_2;
const SINE: f32 = 0.866_025_4;

/// Luminance and chroma of red, green and blue.
fn split([r, g, b]: [f32; 3]) -> [f32; 3] {
    [(r + g + b) / 3.0, ROOT / 3.0 * (r - 0.5 * (g + b)), ROOT / 3.0 * SINE * (g - b)]
}

/// Red, green and blue of luminance and chroma.
fn joined([y, re, im]: [f32; 3]) -> [f32; 3] {
    [y + ROOT * re, y + ROOT * (SINE * im - 0.5 * re), y - ROOT * (SINE * im + 0.5 * re)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_comes_back_and_red_has_hue_zero() {
        let rgb: Vec<u8> = (0..=255u8).flat_map(|n| [n, n.wrapping_mul(7), 255 - n]).collect();
        let picture = Picture::from_rgb(16, 16, &rgb, true);
        assert!(picture.is_colour());
        assert_eq!(picture.to_rgb(), rgb);
        let [_, re, im] = split([1.0, 0.0, 0.0]);
        assert!(re > 0.4 && im == 0.0);
    }

    #[test]
    fn luma_is_that_of_red_green_and_blue() {
        let luma = Picture::from_rgb(1, 3, &[255, 0, 0, 0, 255, 0, 0, 0, 255], true).luma();
        for (found, wanted) in luma.values.iter().zip([0.299, 0.587, 0.114]) {
            assert!((found - wanted).abs() < 1e-6, "{found}");
        }
    }

    #[test]
    fn a_picture_without_colour_has_one_plane_if_that_is_allowed() {
        let rgb = [7, 7, 7, 200, 200, 200];
        assert_eq!(Picture::from_rgb(1, 2, &rgb, true).planes.len(), 1);
        assert_eq!(Picture::from_rgb(1, 2, &rgb, false).planes.len(), 3);
        assert_eq!(Picture::from_rgb(1, 2, &rgb, true).to_rgb(), rgb);
    }

    #[test]
    fn resizing_keeps_what_is_flat_and_what_rises_evenly() {
        let flat = Plane::flat(9, 7, 0.3);
        assert!(flat.resized(4, 15).values.iter().all(|x| (x - 0.3).abs() < 1e-6));
        let rising = Plane::of(1, 40, |_, x| x as f32);
        let twice = rising.resized(1, 80);
        for x in 10..70 {
            let at = 0.5 * x as f32 - 0.25;
            assert!((twice.values[x] - at).abs() < 1e-4, "{x}");
        }
    }

    #[test]
    fn halves_are_means_by_weight() {
        let plane = Plane::of(2, 3, |y, x| (3 * y + x) as f32);
        let weights = Plane::of(2, 3, |y, _| y as f32);
        let (means, sums) = plane.halved(&weights);
        assert_eq!((means.values, sums.values), (vec![3.5, 5.0], vec![2.0, 1.0]));
    }
}
