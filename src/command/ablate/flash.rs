//! Pictures that are flashed at a sheet, and what its field shows of them later.
//!
//! ```text
//!  dark, picture, dark ─> retina ─> ON bursts, held ─> array ─(lag)─> |z_b|² by pixel ─> line ─> reading ─┐
//!  pictures that are known ─> retina ─> impressions ────────────────────────────────────> dense memory ────┴─> recalled
//! ```
//!
//! The drive that a picture's bursts start is held for as long as the picture is shown, and ends with it: what is read later is in
//! the array's own state. The cascade amplifies one quadrature of a slower band, either sign alike, so below the driven band a
//! burst's sign is gone and a linear read-out of `z_b` finds nothing; its trace is that `|z_b|²` is larger where bursts came. A
//! pixel's reading is a line through the `|z_b|²` of its sites, one weight a band, fitted on flashes of other pictures.
//!
//! The state is kept in frames that turn with their bands, and in them the array's equation has no frequency. So the same array
//! without oscillation is the field as it stands in these frames, and with it the field as its carriers turn it. The power is the same of both:
//! only a linear reading can differ, and both are taken.

use crate::array::{Array, ArrayParameters};
use crate::error::Result;
use crate::kernel::team::Team;
use crate::readout::trace::HELD;
use crate::sense::retina::{Retina, RetinaParameters};
use crate::signal::{ArrayId, Burst, FieldView, Frame, Sign, Stamp};
use crate::time::{TICKS_PER_SECOND, Tick};

/// How pictures are flashed and what is read of them.
#[derive(Clone, Debug)]
pub(super) struct Flash {
    /// Sites along a side of the sheet: a whole number of times `pixels`.
    pub(super) side: usize,
    /// Pixels along a side of what is read back.
    pub(super) pixels: usize,
    /// Dark before a picture, in ticks.
    pub(super) before: u64,
    /// How long it is shown, in ticks.
    pub(super) shown: u64,
    /// When the field is read, in ticks after the picture's end, ascending.
    pub(super) lags: Vec<u64>,
    /// The array.
    pub(super) array: ArrayParameters,
    /// The retina.
    pub(super) retina: RetinaParameters,
}

impl Default for Flash {
    /// 128 x 128 sites, 16 x 16 pixels, 100 ms in the dark, read 50, 100, 200 and 400 ms later. What is lighter by a factor of
    /// `e^0.4` or more than the picture as a whole drives with 12 times the tonic rms, the highest level that an array takes.
    fn default() -> Self {
        Self {
            side: 128,
            pixels: 16,
            before: 200,
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
    /// As many oscillators in one band of `hz`: a larger sheet, for the same pixels.
    pub(super) fn in_one_band(mut self, hz: f64) -> Self {
        let oscillators = self.side * self.side * self.array.bands;
        while self.side * self.side < oscillators {
            self.side += self.pixels;
        }
        (self.array.bands, self.array.lowest_hz) = (1, hz);
        self
    }

    /// Pixels of a reading.
    pub(super) fn area(&self) -> usize {
        self.pixels * self.pixels
    }

    /// What the retina alone makes of a picture out of the dark: the mean magnitude of a pixel's bursts, held at what the
    /// array takes. The picture is `side x side` grey levels.
    ///
    /// # Errors
    /// Where the retina's parameters are out of bounds.
    pub(super) fn impression(&self, picture: &[u8]) -> Result<Vec<f32>> {
        let mut eye = Eye::new(self)?;
        let mut magnitudes = vec![0.0; self.side * self.side];
        let most = crate::array::drive::LEVEL_CEILING / self.array.burst_gain as f32;
        eye.see(self, Tick(0), None, |_| {});
        eye.see(self, Tick(1), Some(picture), |burst| {
            if burst.sign == Sign::On {
                magnitudes[burst.site as usize] = burst.magnitude.min(most);
            }
        });
        Ok(self.pooled(|y, x| magnitudes[y * self.side + x]))
    }

    /// The mean of a picture's grey levels over each pixel, from 0 to 1.
    pub(super) fn grey(&self, picture: &[u8]) -> Vec<f32> {
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
pub(super) struct Trace {
    /// `pixels x bands`: the mean of `|z_b|²` in units of its tonic mean.
    pub(super) envelope: Vec<f32>,
    /// `pixels x 2 bands`: the means of the real and the imaginary parts of `z_b`.
    pub(super) linear: Vec<f32>,
    /// The same without oscillation, in the frames that turn with the bands.
    pub(super) still: Vec<f32>,
}

/// The traces of a flash at one lag.
#[derive(Clone, Debug)]
pub(super) struct Left {
    /// In the field that saw it.
    pub(super) driven: Trace,
    /// In its twin, which never did, where one runs.
    pub(super) twin: Option<Trace>,
}

/// An array that is shown one flash after another.
pub(super) struct Exposure {
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
    pub(super) fn new(flash: &Flash, seed: u64) -> Result<Self> {
        let array = Array::new(ArrayId(0), flash.side, flash.side, &flash.array, seed, 1)?;
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
    pub(super) fn flash(&mut self, picture: &[u8]) -> Vec<Left> {
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
            left.push(Left { driven: self.trace(&self.array.field()), twin });
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
        let still = |band: usize, y: usize, x: usize| [field.re[[band, y, x]], field.im[[band, y, x]]];
        let square = |band: usize, y: usize, x: usize| {
            let [re, im] = still(band, y, x);
            ((re * re + im * im) / self.array.band_variances()[band] as f32).min(HELD)
        };
        let envelope = by_pixel(&by_band(&square));
        let [re, im] = [0, 1].map(|part| by_band(&|band, y, x| still(band, y, x)[part]));
        // A mean turns as its sites do.
        let turned = |band: usize| {
            let [cos, sin] = field.carrier(band);
            let sites = re[band].iter().zip(&im[band]);
            sites.map(|(re, im)| (re * cos - im * sin, re * sin + im * cos)).unzip()
        };
        let (turned_re, turned_im): (Vec<Vec<f32>>, Vec<Vec<f32>>) = (0..bands).map(turned).unzip();
        let linear = by_pixel(&[turned_re, turned_im].concat());
        Trace { envelope, linear, still: by_pixel(&[re, im].concat()) }
    }
}

/// Numbers of each pixel together, from planes.
fn by_pixel(planes: &[Vec<f32>]) -> Vec<f32> {
    (0..planes[0].len()).flat_map(|at| planes.iter().map(move |plane| plane[at])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::trace::{Known, Line, correlation};
    use crate::random::Stream;

    /// Bright and dark squares, 8 x 8 of them.
    fn picture(draws: &mut Stream, side: usize) -> Vec<u8> {
        let squares: Vec<u8> = (0..64).map(|_| if draws.word() & 1 == 0 { 20 } else { 220 }).collect();
        (0..side * side).map(|at| squares[(at / side) * 8 / side * 8 + (at % side) * 8 / side]).collect()
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
            let [impressions, truths] =
                [&impressions[20..], &greys[20..]].map(|of| of.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let known = Known::new(&impressions, &truths);
            let count = |of: fn(&Left) -> &Trace| {
                let chosen = left[20..].iter().map(|left| known.choose(&line, &of(left).envelope));
                chosen.enumerate().filter(|(at, chosen)| at == chosen).count()
            };
            right.push([count(|left| &left.driven), count(|left| left.twin.as_ref().unwrap())]);
            if kappa > 0.0 {
                let recalled = known.recall(&line, &[&left[20].driven.envelope]);
                assert!(correlation(&recalled[0], &greys[20]) > 0.5);
            }
        }
        let [with, without] = right[..] else { unreachable!() };
        assert!(with[0] >= 8, "{with:?} of 12 with the cascade");
        assert!(with[1] <= 2 && without[0] <= 3, "chance: {with:?}, {without:?}");
    }
}
