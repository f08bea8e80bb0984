//! What is left in the field of a picture that was flashed, and how it is read back from the field alone.
//!
//! ```text
//!  dark, picture, dark ─> retina ─> ON bursts, held ─> array ─(lag)─> |z_b|² by pixel ─> line ─> reading ─┐
//!  pictures that are known ─> retina ─> impressions ────────────────────────────────────> dense memory ────┴─> recalled
//! ```
//!
//! The drive that a picture's bursts start is held for as long as the picture is shown, and ends with it: what is read later is in
//! the array's own state. The cascade amplifies one quadrature of a slower band, either sign alike, so below the driven band a burst's sign is gone and
//! a linear read-out of `z_b` finds nothing; its trace is that `|z_b|²` is larger where bursts came. A pixel's reading is a
//! line through the `|z_b|²` of its sites, one weight a band, fitted on flashes of other pictures. What that line explains of an
//! impression, R², makes the memory's temperature: the reading over R² is the impression with noise of the variance
//! `(1 - R²)/R²` times its own, and the memory's softmax is then the posterior over the pictures that it knows.
//!
//! The state is kept in the frame that turns with its band, and in that frame the array's equation has no frequency: the same
//! array without oscillation leaves the same trace to the bit. What counts here is the spread of time constants and the cascade.

use super::dense::{Dense, Projection};
use crate::array::{Array, ArrayParameters};
use crate::error::Result;
use crate::kernel::least_squares::line;
use crate::kernel::team::Team;
use crate::sense::retina::{Retina, RetinaParameters};
use crate::signal::{ArrayId, Burst, FieldView, Frame, Sign, Stamp};
use crate::time::{TICKS_PER_SECOND, Tick};

/// `|z|²` beyond this many times its tonic mean counts as this many: a line must not hang on rare peaks.
const HELD: f32 = 6.0;

/// How pictures are flashed and what is read of them.
#[derive(Clone, Debug)]
pub struct Flash {
    /// Sites along a side of the sheet: a whole number of times `pixels`.
    pub side: usize,
    /// Pixels along a side of what is read back.
    pub pixels: usize,
    /// Dark before a picture, in ticks.
    pub before: u64,
    /// How long it is shown, in ticks.
    pub shown: u64,
    /// When the field is read, in ticks after the picture's end, ascending.
    pub lags: Vec<u64>,
    /// The array.
    pub array: ArrayParameters,
    /// The retina.
    pub retina: RetinaParameters,
}

impl Default for Flash {
    /// 128 x 128 sites, 16 x 16 pixels, 100 ms in the dark, read 50, 100, 200 and 400 ms later. What is lighter by a factor of
    /// `e^0.4` or more than the picture as a whole drives with 12 times the tonic rms, the array's ceiling.
    fn default() -> Self {
        Self {
            side: 128,
            pixels: 16,
            before: 400,
            shown: 100,
            lags: vec![50, 100, 200, 400],
            array: ArrayParameters { burst_gain: 12.0, ..ArrayParameters::default() },
            retina: RetinaParameters {
                threshold: 0.4,
                gain: 1.0,
                surround: 0.0,
                chroma: false,
                ..RetinaParameters::default()
            },
        }
    }
}

impl Flash {
    /// Pixels of a reading.
    #[must_use]
    pub fn area(&self) -> usize {
        self.pixels * self.pixels
    }

    /// What the retina alone makes of a picture out of the dark: the mean magnitude of a pixel's bursts, held at what the
    /// array takes. The picture is `side x side` grey levels.
    ///
    /// # Errors
    /// Where the retina's parameters are out of bounds.
    pub fn impression(&self, picture: &[u8]) -> Result<Vec<f32>> {
        let mut eye = Eye::new(self)?;
        let mut magnitudes = vec![0.0; self.side * self.side];
        let most = crate::array::drive::CEILING / self.array.burst_gain as f32;
        eye.see(self, Tick(0), None, |_| {});
        eye.see(self, Tick(1), Some(picture), |burst| {
            if burst.sign == Sign::On {
                magnitudes[burst.site as usize] = burst.magnitude.min(most);
            }
        });
        Ok(self.pooled(|y, x| magnitudes[y * self.side + x]))
    }

    /// The mean of a picture's grey levels over each pixel, from 0 to 1.
    #[must_use]
    pub fn grey(&self, picture: &[u8]) -> Vec<f32> {
        self.pooled(|y, x| f32::from(picture[y * self.side + x]) / 255.0)
    }

    /// Means over the sites of each pixel.
    fn pooled(&self, value: impl Fn(usize, usize) -> f32) -> Vec<f32> {
        let sites = self.side / self.pixels;
        let mean = |y: usize, x: usize| {
            let sum: f32 =
                (0..sites * sites).map(|i| value(y * sites + i / sites, x * sites + i % sites)).sum();
            sum / (sites * sites) as f32
        };
        (0..self.area()).map(|at| mean(at / self.pixels, at % self.pixels)).collect()
    }
}

/// A retina and the pictures it is shown.
struct Eye {
    retina: Retina,
    frame: Frame,
}

impl Eye {
    fn new(flash: &Flash) -> Result<Self> {
        let side = flash.side;
        let retina = Retina::new(&flash.retina, side, side, ArrayId(0))?;
        let stamp = Stamp::recorded(Tick(0).start());
        let frame = Frame { stamp, sequence: 0, width: side, height: side, rgb: vec![0; 3 * side * side] };
        Ok(Self { retina, frame })
    }

    /// Sees a picture, or the dark.
    fn see(&mut self, flash: &Flash, tick: Tick, picture: Option<&[u8]>, mut emit: impl FnMut(&Burst)) {
        debug_assert!(picture.is_none_or(|picture| picture.len() == flash.side * flash.side));
        self.frame.stamp = Stamp::recorded(tick.start());
        self.frame.sequence += 1;
        for (at, pixel) in self.frame.rgb.chunks_exact_mut(3).enumerate() {
            pixel.fill(picture.map_or(0, |picture| picture[at]));
        }
        self.retina.encode(&self.frame, &mut |burst| emit(&burst));
    }
}

/// What a field shows of itself at one time, by pixel.
#[derive(Clone, Debug)]
pub struct Trace {
    /// `pixels x bands`: the mean of `|z_b|²` in units of its tonic mean.
    pub envelope: Vec<f32>,
    /// `pixels x 2 bands`: the means of the real and the imaginary parts of `z_b`.
    pub linear: Vec<f32>,
}

/// The traces of a flash at one lag.
#[derive(Clone, Debug)]
pub struct Left {
    /// In the field that saw it.
    pub driven: Trace,
    /// In its twin, which never did.
    pub twin: Trace,
}

/// An array that is shown one flash after another.
pub struct Exposure {
    flash: Flash,
    eye: Eye,
    array: Array,
    team: Team,
    tick: Tick,
    /// The drive of every site.
    levels: Vec<f32>,
}

impl Exposure {
    /// An array in its tonic state, in the dark.
    ///
    /// # Errors
    /// Where a parameter is out of bounds.
    pub fn new(flash: &Flash, seed: u64) -> Result<Self> {
        let parameters = ArrayParameters { twin: true, ..flash.array.clone() };
        let array = Array::new(ArrayId(0), flash.side, flash.side, &parameters, seed, 1)?;
        let levels = vec![0.0; flash.side * flash.side];
        let (eye, team) = (Eye::new(flash)?, Team::new(1));
        let mut exposure = Self { flash: flash.clone(), eye, array, team, tick: Tick(0), levels };
        exposure.show(None);
        exposure.wait(TICKS_PER_SECOND);
        Ok(exposure)
    }

    /// Flashes a picture of `side x side` grey levels; what is left of it at every lag.
    ///
    /// # Panics
    /// Where the picture has another size.
    pub fn flash(&mut self, picture: &[u8]) -> Vec<Left> {
        assert_eq!(picture.len(), self.flash.side * self.flash.side, "a grey level a site");
        self.wait(self.flash.before);
        self.show(Some(picture));
        self.wait(self.flash.shown);
        self.show(None);
        let mut waited = 0;
        let mut left = Vec::new();
        for lag in self.flash.lags.clone() {
            self.wait(lag - waited);
            waited = lag;
            let twin = self.array.twin().map(|twin| self.trace(&twin));
            let driven = self.trace(&self.array.field());
            left.push(Left { twin: twin.unwrap_or_else(|| driven.clone()), driven });
        }
        left
    }

    /// Shows a picture, or the dark: what its bursts drive is held up for as long as it is shown, and nothing enters after it.
    fn show(&mut self, picture: Option<&[u8]>) {
        let Self { eye, array, flash, tick, levels, .. } = self;
        levels.fill(0.0);
        let gain = flash.array.burst_gain as f32;
        eye.see(flash, *tick, picture, |burst| {
            if burst.sign == Sign::On {
                levels[burst.site as usize] = gain * burst.magnitude;
            }
        });
        if picture.is_none() {
            levels.fill(0.0);
        }
        array.sustain(levels);
    }

    fn wait(&mut self, ticks: u64) {
        for _ in 0..ticks {
            self.array.step(self.tick, &mut self.team);
            self.tick = self.tick.next();
        }
    }

    fn trace(&self, field: &FieldView<'_>) -> Trace {
        let bands = self.array.band_variances().len();
        let by_band = |of: &dyn Fn(usize, usize, usize) -> f32| -> Vec<Vec<f32>> {
            (0..bands).map(|band| self.flash.pooled(|y, x| of(band, y, x))).collect()
        };
        let square = |band: usize, y: usize, x: usize| {
            let (re, im) = (field.re[[band, y, x]], field.im[[band, y, x]]);
            ((re * re + im * im) / self.array.band_variances()[band] as f32).min(HELD)
        };
        let parts =
            [by_band(&|band, y, x| field.re[[band, y, x]]), by_band(&|band, y, x| field.im[[band, y, x]])];
        Trace { envelope: by_pixel(&by_band(&square)), linear: by_pixel(&parts.concat()) }
    }
}

/// Numbers of each pixel together, from planes.
fn by_pixel(planes: &[Vec<f32>]) -> Vec<f32> {
    (0..planes[0].len()).flat_map(|at| planes.iter().map(move |plane| plane[at])).collect()
}

/// A line from what is left of a pixel to a number of it.
#[derive(Clone, Debug)]
pub struct Line {
    /// A weight for each number that is left, and at the end what is added.
    weights: Vec<f64>,
    /// R²: how much of the number's variance the line explains on flashes that it was not fitted on.
    pub explained: f64,
}

impl Line {
    /// Fits a line on the first half of `traces`, each `pixels x count` numbers, and holds it against the second.
    ///
    /// # Panics
    /// Where lengths do not agree or there are fewer than two traces.
    #[must_use]
    pub fn fit(traces: &[&[f32]], truths: &[&[f32]]) -> Self {
        assert!(traces.len() > 1 && traces.len() == truths.len(), "two traces or more, a truth for each");
        let count = traces[0].len() / truths[0].len();
        let half = traces.len() / 2;
        let rows = |from: &[&[f32]]| -> Vec<f64> {
            let with_one = |row: &[f32]| row.iter().map(|x| f64::from(*x)).chain([1.0]).collect::<Vec<f64>>();
            from.iter().flat_map(|trace| trace.chunks_exact(count).flat_map(with_one)).collect()
        };
        let numbers = |from: &[&[f32]]| -> Vec<f64> {
            from.iter().flat_map(|t| t.iter().map(|x| f64::from(*x))).collect()
        };
        let weights =
            line(&rows(&traces[..half]), &numbers(&truths[..half])).unwrap_or_else(|| vec![0.0; count + 1]);
        let mut fitted = Self { weights, explained: 0.0 };
        let read: Vec<f32> = traces[half..].iter().flat_map(|trace| fitted.read(trace)).collect();
        let r = correlation(&read, &truths[half..].concat());
        fitted.explained = r.max(0.0) * r.max(0.0);
        fitted
    }

    /// The number of every pixel.
    #[must_use]
    pub fn read(&self, trace: &[f32]) -> Vec<f32> {
        let Some((added, weights)) = self.weights.split_last() else { return Vec::new() };
        let number =
            |row: &[f32]| row.iter().zip(weights).map(|(x, w)| f64::from(*x) * w).sum::<f64>() + added;
        trace.chunks_exact(weights.len()).map(|row| number(row) as f32).collect()
    }
}

/// Pictures that are known, by what the retina makes of them.
pub struct Known {
    memory: Dense,
    area: usize,
    mean: f32,
    variance: f32,
}

impl Known {
    /// Learns impressions and pictures in one pass.
    ///
    /// # Panics
    /// Where there are none or lengths differ.
    #[must_use]
    pub fn new(impressions: &[Vec<f32>], pictures: &[Vec<f32>]) -> Self {
        let area = impressions[0].len();
        let mut memory = Dense::new(2 * area, impressions.len(), 0);
        for (impression, picture) in impressions.iter().zip(pictures) {
            assert!(impression.len() == area && picture.len() == area, "pictures of one size");
            memory.append(&[&impression[..], &picture[..]].concat(), 1.0);
        }
        let numbers = || impressions.iter().flatten().copied().map(f64::from);
        let count = (impressions.len() * area) as f64;
        let mean = numbers().sum::<f64>() / count;
        let variance = numbers().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
        Self { memory, area, mean: mean as f32, variance: variance as f32 }
    }

    /// What `line` reads from a trace, as an impression with noise, and the noise's rms.
    fn noisy(&self, line: &Line, trace: &[f32]) -> (Vec<f32>, f32) {
        let explained = line.explained.clamp(1e-6, 0.999_999) as f32;
        let seen = line.read(trace).iter().map(|x| self.mean + (x - self.mean) / explained).collect();
        (seen, (self.variance * (1.0 - explained) / explained).sqrt())
    }

    /// The picture that a trace recalls: the mean of all that are known, each by its posterior probability.
    #[must_use]
    pub fn recall(&self, line: &Line, trace: &[f32]) -> Vec<f32> {
        let (seen, noise) = self.noisy(line, trace);
        let mut look = vec![0.0; self.area * 2 * self.area];
        for at in 0..self.area {
            look[at * 2 * self.area + at] = 1.0;
        }
        let look = Projection::new(look, 2 * self.area);
        self.memory.read(&look, &seen, noise, 1).split_off(self.area)
    }

    /// Which of all known pictures a trace is most likely of.
    #[must_use]
    pub fn choose(&self, line: &Line, trace: &[f32]) -> usize {
        let (seen, _) = self.noisy(line, trace);
        let apart = |row: &[f32]| row.iter().zip(&seen).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
        let distances = self.memory.rows().chunks_exact(2 * self.area).map(|row| apart(&row[..self.area]));
        let nearest = distances.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        nearest.map_or(0, |(at, _)| at)
    }
}

/// Pearson's correlation; 0 where one of both does not vary.
#[must_use]
pub fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let mean = |of: &[f32]| of.iter().map(|x| f64::from(*x)).sum::<f64>() / of.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let [mut ab, mut aa, mut bb] = [0.0; 3];
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (f64::from(*a) - mean_a, f64::from(*b) - mean_b);
        (ab, aa, bb) = (ab + a * b, aa + a * a, bb + b * b);
    }
    if aa > 0.0 && bb > 0.0 { ab / (aa * bb).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// Bright and dark squares, 8 x 8 of them.
    fn picture(draws: &mut Stream, side: usize) -> Vec<u8> {
        let squares: Vec<u8> = (0..64).map(|_| if draws.word() & 1 == 0 { 20 } else { 220 }).collect();
        (0..side * side).map(|at| squares[(at / side) * 8 / side * 8 + (at % side) * 8 / side]).collect()
    }

    #[test]
    fn a_line_finds_the_weights_that_made_its_numbers() {
        let mut draws = Stream::new(1, 1);
        let traces: Vec<Vec<f32>> =
            (0..4).map(|_| (0..200).map(|_| draws.between(0.0, 2.0) as f32).collect()).collect();
        let truth =
            |trace: &Vec<f32>| trace.chunks(2).map(|x| 0.5 * x[0] - 2.0 * x[1] + 1.0).collect::<Vec<f32>>();
        let truths: Vec<Vec<f32>> = traces.iter().map(truth).collect();
        let borrowed = |of: &[Vec<f32>]| -> Vec<Vec<f32>> { of.to_vec() };
        let (a, b) = (borrowed(&traces), borrowed(&truths));
        let line = Line::fit(
            &a.iter().map(Vec::as_slice).collect::<Vec<_>>(),
            &b.iter().map(Vec::as_slice).collect::<Vec<_>>(),
        );
        assert!(line.explained > 0.999_999, "{}", line.explained);
        assert!((line.read(&[1.0, 1.0])[0] + 0.5).abs() < 1e-4);
    }

    #[test]
    fn a_flash_is_recognised_in_the_field_that_saw_it_and_not_in_its_twin_nor_without_the_cascade() {
        let mut right = Vec::new();
        for kappa in [2.0, 0.0] {
            let mut flash = Flash { side: 64, pixels: 8, lags: vec![50], ..Flash::default() };
            flash.array.kappa = kappa;
            let mut draws = Stream::new(7, 0);
            let pictures: Vec<Vec<u8>> = (0..60).map(|_| picture(&mut draws, flash.side)).collect();
            let impressions: Vec<Vec<f32>> =
                pictures.iter().map(|picture| flash.impression(picture).unwrap()).collect();
            let greys: Vec<Vec<f32>> = pictures.iter().map(|picture| flash.grey(picture)).collect();
            let mut exposure = Exposure::new(&flash, 3).unwrap();
            let left: Vec<Left> =
                pictures[..32].iter().map(|picture| exposure.flash(picture).remove(0)).collect();
            let traces: Vec<&[f32]> = left[..20].iter().map(|left| &left.driven.envelope[..]).collect();
            let truths: Vec<&[f32]> = impressions[..20].iter().map(Vec::as_slice).collect();
            let line = Line::fit(&traces, &truths);
            // The last forty are known; the first twelve of them were flashed.
            let known = Known::new(&impressions[20..], &greys[20..]);
            let count = |of: fn(&Left) -> &[f32]| {
                let chosen = left[20..].iter().map(|left| known.choose(&line, of(left)));
                chosen.enumerate().filter(|(at, chosen)| at == chosen).count()
            };
            right.push([count(|left| &left.driven.envelope), count(|left| &left.twin.envelope)]);
            if kappa > 0.0 {
                let recalled = known.recall(&line, &left[20].driven.envelope);
                assert!(correlation(&recalled, &greys[20]) > 0.5);
            }
        }
        let [with, without] = right[..] else { unreachable!() };
        assert!(with[0] >= 8, "{with:?} of 12 with the cascade");
        assert!(with[1] <= 2 && without[0] <= 3, "chance: {with:?}, {without:?}");
    }
}
