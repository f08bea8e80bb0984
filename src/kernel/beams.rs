//! Parallel beams through the lines of a picture, and back: reads between two numbers, sixteen to a vector.
//!
//! Places are fixed-point, 2³² to a number, so that they do not drift along a line. Sixteen places, at most 1.42 apart, lie
//! within 32 numbers that follow one another: one look-up in registers. Every sum has one order, so the bits depend neither
//! on the instructions nor on who computes which row.

use super::lanes::{Instructions, LANES, Lanes, Work};

/// Zeros beside every line, so that a vector of places that touches the line is never out of bounds.
pub const BESIDE: usize = SPAN;
/// Numbers that a vector of places lies within.
const SPAN: usize = 2 * LANES;
/// The largest step between two places.
const MOST_STEP: f64 = 1.5;
/// 1 in fixed point.
const ONE: f64 = 4_294_967_296.0;
/// Added to a number of less than a million, it leaves the nearest whole one in the low bits.
const WHOLE: f32 = 12_582_912.0;

/// Places that are evenly apart along a row, and move evenly from line to line.
#[derive(Clone, Debug)]
pub struct Places {
    first: i64,
    by_line: i64,
    by_vector: i64,
    /// From the lowest of sixteen places to each.
    offsets: [f32; LANES],
}

impl Places {
    /// Place `first + line * by_line + at * step` for number `at` of a row, in numbers of a line.
    ///
    /// # Panics
    /// Where `step` is more than 1.5 either way.
    #[must_use]
    pub fn new(first: f64, by_line: f64, step: f64) -> Self {
        assert!(step.abs() <= MOST_STEP, "sixteen places within {SPAN} numbers");
        let fixed = |place: f64| (place * ONE) as i64;
        let lowest = if step < 0.0 { (LANES - 1) as f64 * step } else { 0.0 };
        Self {
            first: fixed(first + lowest),
            by_line: fixed(by_line),
            by_vector: fixed(LANES as f64 * step),
            offsets: core::array::from_fn(|lane| (lane as f64 * step - lowest) as f32),
        }
    }

    /// The lowest of vector `at` on a line: the whole number below it, and the rest.
    #[inline(always)]
    fn lowest(&self, line: usize, at: usize) -> (i64, f32) {
        let [line, at] = [line, at].map(usize::cast_signed).map(|number| number as i64);
        let place = self.first + line * self.by_line + at * self.by_vector;
        (place >> 32, (place & 0xffff_ffff) as f32 * (1.0 / ONE as f32))
    }
}

/// The window of a line with zeros beside it that a vector of places from `low` on lies in; none where all of it is beside.
#[inline(always)]
fn window(line: &[f32], low: i64) -> Option<&[f32; SPAN]> {
    let start = usize::try_from(low + BESIDE.cast_signed() as i64).ok()?;
    line.get(start..)?.first_chunk()
}

/// The numbers below and above sixteen places of a window, and how far each place is on its way from one to the other, 0 to 1.
#[inline(always)]
fn around<L: Lanes>(l: L, window: &[f32; SPAN], places: L::F) -> [L::F; 3] {
    let whole = l.add(l.sub(places, l.splat(0.5)), l.splat(WHOLE));
    let part = l.sub(places, l.sub(whole, l.splat(WHOLE)));
    [l.pick(window, whole), l.pick(window, l.add(whole, l.splat(1.0))), part]
}

/// Sums `lines`, each with [`BESIDE`] zeros on both sides and `width` numbers in all, read at `places` and weighed alike: `out[e]
/// = weight * sum over lines of lines[line][first + line * by_line + e * step]`, linearly between two numbers.
///
/// # Panics
/// Where there are no whole lines.
pub fn sum_along(
    by: Instructions,
    lines: &[f32],
    width: usize,
    places: &Places,
    weight: f32,
    out: &mut [f32],
) {
    assert!(lines.len().is_multiple_of(width), "whole lines");
    by.run(Along { lines, width, places, weight, out });
}

struct Along<'a> {
    lines: &'a [f32],
    width: usize,
    places: &'a Places,
    weight: f32,
    out: &'a mut [f32],
}

impl Work for Along<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let offsets = l.load(&self.places.offsets);
        for (at, out) in self.out.chunks_mut(LANES).enumerate() {
            let mut sum = l.splat(0.0);
            for (line, numbers) in self.lines.chunks_exact(self.width).enumerate() {
                let (low, part) = self.places.lowest(line, at);
                let Some(window) = window(numbers, low) else { continue };
                let [below, above, part] = around(l, window, l.add(offsets, l.splat(part)));
                sum = l.add(sum, l.fma(part, l.sub(above, below), below));
            }
            let mut sums = [0.0; LANES];
            l.store(&mut sums, l.mul(sum, l.splat(self.weight)));
            out.copy_from_slice(&sums[..out.len()]);
        }
    }
}

/// The way back of [`sum_along`], a row of the picture: what it takes of each line of data, by triangles.
#[derive(Clone, Debug)]
pub struct Shadow {
    /// Of the row's pixels on the line.
    pub places: Places,
    /// One over half the triangle's width, at least 1; its area is 1.
    pub sharp: f32,
}

/// Gathers row `row` of a picture from `lines`, one for each of `shadows`, with zeros beside them as there.
///
/// # Panics
/// Where there is not one line for each shadow.
pub fn gather(
    by: Instructions,
    lines: &[f32],
    width: usize,
    shadows: &[Shadow],
    row: usize,
    out: &mut [f32],
) {
    assert!(lines.len() == width * shadows.len(), "a line for each shadow");
    by.run(Gather { lines, width, shadows, row, out });
}

struct Gather<'a> {
    lines: &'a [f32],
    width: usize,
    shadows: &'a [Shadow],
    row: usize,
    out: &'a mut [f32],
}

impl Work for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let (none, one) = (l.splat(0.0), l.splat(1.0));
        let above_none = |x: L::F| l.sub(x, l.min(x, none));
        for (at, out) in self.out.chunks_mut(LANES).enumerate() {
            let mut sum = none;
            for (numbers, shadow) in self.lines.chunks_exact(self.width).zip(self.shadows) {
                let (low, part) = shadow.places.lowest(self.row, at);
                let Some(window) = window(numbers, low) else { continue };
                let places = l.add(l.load(&shadow.places.offsets), l.splat(part));
                let [below, above, part] = around(l, window, places);
                let sharp = l.splat(shadow.sharp);
                let near = above_none(l.fnma(part, sharp, one));
                let far = above_none(l.fnma(l.sub(one, part), sharp, one));
                let both = l.fma(near, below, l.mul(far, above));
                sum = l.fma(sharp, both, sum);
            }
            let mut sums = [0.0; LANES];
            l.store(&mut sums, sum);
            out.copy_from_slice(&sums[..out.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn lines(count: usize, length: usize) -> Vec<f32> {
        let mut draws = Stream::new(11, length as u32);
        let line = |_| {
            let mut line = vec![0.0; length + 2 * BESIDE];
            line[BESIDE..][..length].iter_mut().for_each(|x| *x = draws.normal() as f32);
            line
        };
        (0..count).flat_map(line).collect()
    }

    /// As it is defined, in f64.
    fn at(line: &[f32], place: f64) -> f64 {
        let read = |at: f64| line.get((at + BESIDE as f64) as usize).map_or(0.0, |x| f64::from(*x));
        let whole = place.floor();
        if whole < -1.0 || place >= line.len() as f64 {
            return 0.0;
        }
        read(whole) + (place - whole) * (read(whole + 1.0) - read(whole))
    }

    #[test]
    fn sums_are_what_they_are_defined_to_be_by_all_instructions() {
        for (length, count, outs, steps) in
            [(64, 64, 64, 1.0), (40, 9, 131, -1.41), (7, 3, 50, 1.2), (300, 5, 17, -1.0), (33, 2, 40, 0.3)]
        {
            let (lines, width) = (lines(count, length), length + 2 * BESIDE);
            for (first, slope) in [(-30.7, 0.9), (0.0, -0.35), (12.25, 0.0), (3_000.0, 1.0), (-3_000.0, 1.0)]
            {
                let places = Places::new(first, slope, steps);
                let run = |by| {
                    let mut out = vec![f32::NAN; outs];
                    sum_along(by, &lines, width, &places, 0.5, &mut out);
                    out
                };
                let all: Vec<Vec<f32>> = Instructions::all().into_iter().map(run).collect();
                assert!(all.iter().all(|out| out == &all[0]), "{length} {first}");
                for (element, sum) in all[0].iter().enumerate() {
                    let place = |line: usize| first + line as f64 * slope + element as f64 * steps;
                    let whole: f64 = lines
                        .chunks_exact(width)
                        .enumerate()
                        .map(|(line, numbers)| at(numbers, place(line)))
                        .sum();
                    assert!(
                        (f64::from(*sum) - 0.5 * whole).abs() < 2e-5,
                        "{length} {first} {element}: {sum} {whole}"
                    );
                }
            }
        }
    }

    #[test]
    fn shadows_are_what_they_are_defined_to_be_by_all_instructions() {
        for (length, outs, step) in [(64, 64, 0.8), (17, 40, -1.0), (90, 33, 0.0), (20, 16, -0.2)] {
            let (lines, width) = (lines(3, length), length + 2 * BESIDE);
            let shadow = |first: f64| Shadow { places: Places::new(first, -0.6, step), sharp: 1.3 };
            let firsts = [-4.1, 20.0, 1e6];
            let shadows = firsts.map(shadow);
            let run = |by| {
                let mut out = vec![f32::NAN; outs];
                gather(by, &lines, width, &shadows, 5, &mut out);
                out
            };
            let all: Vec<Vec<f32>> = Instructions::all().into_iter().map(run).collect();
            assert!(all.iter().all(|out| out == &all[0]), "{length}");
            for (pixel, sum) in all[0].iter().enumerate() {
                let mut whole = 0.0;
                for (line, first) in lines.chunks_exact(width).zip(firsts) {
                    let place = first - 5.0 * 0.6 + pixel as f64 * step;
                    for (element, number) in line[BESIDE..][..length].iter().enumerate() {
                        whole +=
                            1.3 * (1.0 - 1.3 * (place - element as f64).abs()).max(0.0) * f64::from(*number);
                    }
                }
                assert!((f64::from(*sum) - whole).abs() < 2e-5, "{length} {pixel}: {sum} {whole}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "sixteen places")]
    fn places_too_far_apart_are_refused() {
        let _ = Places::new(0.0, 0.0, 1.6);
    }
}
