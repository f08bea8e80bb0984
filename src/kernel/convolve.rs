//! Convolutions of 3 x 3 over sheets of many channels, forwards and backwards, as a trained network runs them.
//!
//! A row's sites are the lanes, sixteen to a vector; weights are broadcast. Every output is summed in one order: inputs,
//! then rows, then columns of the window; so the bits depend neither on the instructions nor on the number of threads.

use super::lanes::{Instructions, LANES, Lanes, Work};

/// Sites of a row that are one vector.
type Each = [f32; LANES];
/// Outputs whose sums are kept in registers together; they are padded to a multiple of the second.
const MANY: usize = 16;
const FEW: usize = 4;
/// The same on the way back.
const SOME: usize = 4;
/// Sites of a window.
pub const WINDOW: usize = 9;

/// Sheets of one size, one per channel, each within a rim of zeros one site wide.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheets {
    channels: usize,
    height: usize,
    width: usize,
    stride: usize,
    values: Vec<f32>,
}

impl Sheets {
    /// Zeros.
    #[must_use]
    pub fn new(channels: usize, height: usize, width: usize) -> Self {
        let stride = width.next_multiple_of(LANES) + 2;
        // A last vector may be read one site beyond the last row.
        let values = vec![0.0; channels * (height + 2) * stride + LANES];
        Self { channels, height, width, stride, values }
    }

    /// How many sheets.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Rows of a sheet.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns of a sheet.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    fn start(&self, channel: usize, y: usize) -> usize {
        (channel * (self.height + 2) + y + 1) * self.stride + 1
    }

    /// A row of a sheet.
    ///
    /// # Panics
    /// Where there is no such row.
    #[must_use]
    pub fn row(&self, channel: usize, y: usize) -> &[f32] {
        assert!(channel < self.channels && y < self.height, "a row of the sheets");
        &self.values[self.start(channel, y)..][..self.width]
    }

    /// A row of a sheet, to be written.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn row_mut(&mut self, channel: usize, y: usize) -> &mut [f32] {
        assert!(channel < self.channels && y < self.height, "a row of the sheets");
        let start = self.start(channel, y);
        &mut self.values[start..][..self.width]
    }

    /// Adds sheets of the same size.
    ///
    /// # Panics
    /// Where they are of another.
    pub fn add(&mut self, other: &Self) {
        assert_eq!(self.values.len(), other.values.len(), "sheets of one size");
        self.values.iter_mut().zip(&other.values).for_each(|(x, y)| *x += y);
    }

    /// Sets to 0 where `passed` is not above 0: the way back through a rectifier that gave `passed`.
    ///
    /// # Panics
    /// Where sizes differ.
    pub fn gate(&mut self, passed: &Self) {
        assert_eq!(self.values.len(), passed.values.len(), "sheets of one size");
        self.values.iter_mut().zip(&passed.values).for_each(|(x, y)| *x = if *y > 0.0 { *x } else { 0.0 });
    }
}

/// Weights as the loops take them: input by input, site by site, all outputs beside each other.
#[derive(Clone, Debug, Default)]
pub struct Packed {
    inputs: usize,
    outputs: usize,
    padded: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Packed {
    /// From weights `outputs x inputs x 3 x 3` and an offset per output.
    ///
    /// # Panics
    /// Where lengths do not agree.
    #[must_use]
    pub fn forwards(weights: &[f32], bias: &[f32]) -> Self {
        let (outputs, inputs) = sides(weights, bias);
        let mut packed = Self::empty(inputs, outputs);
        packed.bias[..outputs].copy_from_slice(bias);
        for (at, weight) in weights.iter().enumerate() {
            let (output, input, site) = (at / WINDOW / inputs, at / WINDOW % inputs, at % WINDOW);
            packed.weights[(input * WINDOW + site) * packed.padded + output] = *weight;
        }
        packed
    }

    /// The same convolution's way back: what its inputs owe to a slope of its outputs.
    ///
    /// # Panics
    /// Where lengths do not agree.
    #[must_use]
    pub fn backwards(weights: &[f32], bias: &[f32]) -> Self {
        let (outputs, inputs) = sides(weights, bias);
        let mut packed = Self::empty(outputs, inputs);
        for (at, weight) in weights.iter().enumerate() {
            let (output, input, site) = (at / WINDOW / inputs, at / WINDOW % inputs, at % WINDOW);
            packed.weights[(output * WINDOW + WINDOW - 1 - site) * packed.padded + input] = *weight;
        }
        packed
    }

    fn empty(inputs: usize, outputs: usize) -> Self {
        let padded = outputs.next_multiple_of(FEW);
        let weights = vec![0.0; inputs * WINDOW * padded];
        Self { inputs, outputs, padded, weights, bias: vec![0.0; padded] }
    }
}

fn sides(weights: &[f32], bias: &[f32]) -> (usize, usize) {
    let outputs = bias.len();
    assert!(outputs > 0 && weights.len().is_multiple_of(outputs * WINDOW), "3 x 3 weights for every output");
    (outputs, weights.len() / outputs / WINDOW)
}

/// Convolves: `out = weights * from + bias`, nothing below 0 where `rectified`.
///
/// # Panics
/// Where sizes do not agree.
pub fn convolve(with: &Packed, from: &Sheets, rectified: bool, out: &mut Sheets) {
    convolve_with(Instructions::best(), with, from, rectified, out);
}

fn convolve_with(by: Instructions, with: &Packed, from: &Sheets, rectified: bool, out: &mut Sheets) {
    assert!(from.channels == with.inputs && out.channels == with.outputs, "as many sheets as weights");
    assert!((from.height, from.width) == (out.height, out.width), "sheets of one size");
    by.run(There { with, from, rectified, out });
}

/// The way there.
struct There<'a> {
    with: &'a Packed,
    from: &'a Sheets,
    rectified: bool,
    out: &'a mut Sheets,
}

impl Work for There<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self, l: L) {
        for y in 0..self.out.height {
            let mut output = 0;
            while output + MANY <= self.with.padded {
                self.line::<L, MANY>(l, y, output);
                output += MANY;
            }
            while output < self.with.padded {
                self.line::<L, FEW>(l, y, output);
                output += FEW;
            }
        }
    }
}

impl There<'_> {
    /// One row of `TILE` outputs from `output` on.
    #[inline(always)]
    fn line<L: Lanes, const TILE: usize>(&mut self, l: L, y: usize, output: usize) {
        let (with, from) = (self.with, self.from);
        let bias: &[f32; TILE] = with.bias[output..].first_chunk().expect("padded outputs");
        let sheet = (from.height + 2) * from.stride;
        for left in (0..self.out.width).step_by(LANES) {
            let mut sums: [L::F; TILE] = core::array::from_fn(|at| l.splat(bias[at]));
            for input in 0..with.inputs {
                for site in 0..WINDOW {
                    let place = input * sheet + (y + site / 3) * from.stride + left + site % 3;
                    let seen = l.load(from.values[place..].first_chunk().expect("a rim"));
                    let at = (input * WINDOW + site) * with.padded + output;
                    let weights: &[f32; TILE] = with.weights[at..].first_chunk().expect("padded outputs");
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum = l.fma(l.splat(*weight), seen, *sum);
                    }
                }
            }
            let wide = LANES.min(self.out.width - left);
            let mut sum = [0.0; LANES];
            for (at, of) in sums.iter().enumerate().take(with.outputs.saturating_sub(output)) {
                l.store(&mut sum, *of);
                let start = self.out.start(output + at, y) + left;
                for (to, sum) in self.out.values[start..][..wide].iter_mut().zip(&sum) {
                    *to = if self.rectified { sum.max(0.0) } else { *sum };
                }
            }
        }
    }
}

/// Adds to `weights`, `outputs x inputs x 3 x 3`, and `bias` what they owe to the slope of a convolution's outputs.
///
/// # Panics
/// Where sizes do not agree.
pub fn owed(from: &Sheets, slope: &Sheets, weights: &mut [f32], bias: &mut [f32]) {
    owed_with(Instructions::best(), from, slope, weights, bias);
}

fn owed_with(by: Instructions, from: &Sheets, slope: &Sheets, weights: &mut [f32], bias: &mut [f32]) {
    assert!((from.height, from.width) == (slope.height, slope.width), "sheets of one size");
    assert!(bias.len() == slope.channels && weights.len() == slope.channels * from.channels * WINDOW);
    for (channel, bias) in bias.iter_mut().enumerate() {
        *bias += (0..slope.height).map(|y| slope.row(channel, y).iter().sum::<f32>()).sum::<f32>();
    }
    by.run(Back { from, slope, weights });
}

/// The weights' way back.
struct Back<'a> {
    from: &'a Sheets,
    slope: &'a Sheets,
    weights: &'a mut [f32],
}

impl Work for Back<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self, l: L) {
        let mut output = 0;
        while output + SOME <= self.slope.channels {
            for input in 0..self.from.channels {
                self.corner::<L, SOME>(l, output, input);
            }
            output += SOME;
        }
        while output < self.slope.channels {
            for input in 0..self.from.channels {
                self.corner::<L, 1>(l, output, input);
            }
            output += 1;
        }
    }
}

impl Back<'_> {
    /// The windows between one input and `TILE` outputs from `output` on.
    #[inline(always)]
    fn corner<L: Lanes, const TILE: usize>(&mut self, l: L, output: usize, input: usize) {
        let (from, slope) = (self.from, self.slope);
        let sheet = (slope.height + 2) * slope.stride;
        for row in 0..3 {
            let mut sums = [[l.splat(0.0); 3]; TILE];
            for y in 0..slope.height {
                let seen = (input * (from.height + 2) + y + row) * from.stride;
                let first = slope.start(output, y);
                for left in (0..slope.width).step_by(LANES) {
                    let load = |column: usize| {
                        l.load(from.values[seen + left + column..].first_chunk().expect("a rim"))
                    };
                    let around = [load(0), load(1), load(2)];
                    for (at, sums) in sums.iter_mut().enumerate() {
                        let place = first + at * sheet + left;
                        let slope = l.load(slope.values[place..].first_chunk().expect("whole vectors"));
                        for (sum, around) in sums.iter_mut().zip(around) {
                            *sum = l.fma(slope, around, *sum);
                        }
                    }
                }
            }
            for (at, of) in sums.iter().enumerate() {
                let start = ((output + at) * from.channels + input) * WINDOW + 3 * row;
                for (column, of) in of.iter().enumerate() {
                    let mut sum = [0.0; LANES];
                    l.store(&mut sum, *of);
                    self.weights[start + column] += total(&sum);
                }
            }
        }
    }
}

/// The sum of a vector, halves first.
#[inline(always)]
fn total(lanes: &Each) -> f32 {
    let eight: [f32; 8] = core::array::from_fn(|at| lanes[at] + lanes[at + 8]);
    let four: [f32; 4] = core::array::from_fn(|at| eight[at] + eight[at + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn filled(draws: &mut Stream, channels: usize, height: usize, width: usize) -> Sheets {
        let mut sheets = Sheets::new(channels, height, width);
        for channel in 0..channels {
            for y in 0..height {
                sheets.row_mut(channel, y).iter_mut().for_each(|x| *x = draws.normal() as f32);
            }
        }
        sheets
    }

    fn numbers(draws: &mut Stream, count: usize) -> Vec<f32> {
        (0..count).map(|_| draws.normal() as f32).collect()
    }

    fn product(one: &Sheets, other: &Sheets) -> f64 {
        let pairs = one.values.iter().zip(&other.values);
        pairs.map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    }

    /// Site by site as it is written in textbooks.
    fn plain(weights: &[f32], bias: &[f32], from: &Sheets, output: usize, y: usize, x: usize) -> f64 {
        let mut sum = f64::from(bias[output]);
        for input in 0..from.channels() {
            for site in 0..WINDOW {
                let (v, u) = ((y + site / 3).checked_sub(1), (x + site % 3).checked_sub(1));
                let (Some(v), Some(u)) = (v, u) else { continue };
                if v < from.height() && u < from.width() {
                    let weight = weights[(output * from.channels() + input) * WINDOW + site];
                    sum += f64::from(weight) * f64::from(from.row(input, v)[u]);
                }
            }
        }
        sum
    }

    #[test]
    fn every_output_is_the_textbooks_sum_whatever_the_instructions() {
        let mut draws = Stream::new(1, 0);
        for (inputs, outputs, height, width) in [(1, 32, 5, 7), (5, 9, 3, 16), (32, 20, 4, 35)] {
            let from = filled(&mut draws, inputs, height, width);
            let (weights, bias) =
                (numbers(&mut draws, outputs * inputs * WINDOW), numbers(&mut draws, outputs));
            let packed = Packed::forwards(&weights, &bias);
            let mut out = Sheets::new(outputs, height, width);
            convolve(&packed, &from, false, &mut out);
            for output in 0..outputs {
                for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                    let wanted = plain(&weights, &bias, &from, output, y, x);
                    assert!((f64::from(out.row(output, y)[x]) - wanted).abs() < 1e-4, "{output} {y} {x}");
                }
            }
            let slope = filled(&mut draws, outputs, height, width);
            let mut found = (vec![0.0; weights.len()], vec![0.0; outputs]);
            owed(&from, &slope, &mut found.0, &mut found.1);
            for by in Instructions::all() {
                let mut same = Sheets::new(outputs, height, width);
                convolve_with(by, &packed, &from, false, &mut same);
                assert_eq!(same, out, "{by:?}");
                let mut again = (vec![0.0; weights.len()], vec![0.0; outputs]);
                owed_with(by, &from, &slope, &mut again.0, &mut again.1);
                assert_eq!(again, found, "{by:?}");
            }
        }
    }

    #[test]
    fn the_ways_back_are_the_adjoints_of_the_way_there() {
        let mut draws = Stream::new(2, 0);
        let (inputs, outputs, height, width) = (6, 13, 6, 19);
        let from = filled(&mut draws, inputs, height, width);
        let slope = filled(&mut draws, outputs, height, width);
        let (weights, bias) = (numbers(&mut draws, outputs * inputs * WINDOW), vec![0.0; outputs]);
        let (mut out, mut back) = (Sheets::new(outputs, height, width), Sheets::new(inputs, height, width));
        convolve(&Packed::forwards(&weights, &bias), &from, false, &mut out);
        convolve(&Packed::backwards(&weights, &bias), &slope, false, &mut back);
        let there = product(&out, &slope);
        assert!((there - product(&back, &from)).abs() < 1e-3, "{there}");
        let (mut owes, mut offsets) = (vec![0.0; weights.len()], vec![0.0; outputs]);
        owed(&from, &slope, &mut owes, &mut offsets);
        let owes: f64 = owes.iter().zip(&weights).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
        assert!((there - owes).abs() < 1e-3, "{there} {owes}");
        let summed: f32 = (0..height).flat_map(|y| slope.row(3, y)).sum();
        assert!((summed - offsets[3]).abs() < 1e-4);
    }

    #[test]
    fn a_rectifier_lets_through_what_is_above_zero_both_ways() {
        let mut draws = Stream::new(3, 0);
        let from = filled(&mut draws, 2, 4, 5);
        let packed = Packed::forwards(&numbers(&mut draws, 2 * 2 * WINDOW), &[0.1, -0.1]);
        let (mut out, mut plain) = (Sheets::new(2, 4, 5), Sheets::new(2, 4, 5));
        convolve(&packed, &from, true, &mut out);
        convolve(&packed, &from, false, &mut plain);
        let mut slope = from.clone();
        slope.gate(&out);
        for y in 0..4 {
            for x in 0..5 {
                assert_eq!(out.row(1, y)[x], plain.row(1, y)[x].max(0.0));
                assert_eq!(slope.row(1, y)[x] != 0.0, plain.row(1, y)[x] > 0.0);
            }
        }
    }
}
