//! The retina: pictures become ON/OFF bursts of log-luminance and bursts of colour. Runs on the camera's thread.
//!
//! ```text
//! L = ln Y                    for Y >= dark,   ln dark + Y/dark - 1 below           (lin-log)
//! s = L - surround * (Gaussian of L)                                                 (centre-surround)
//! d = s - reference,   g = mean of d clamped to its quartiles,   e = d - gain g      (global gain)
//! ON/OFF: n = floor(|e| / threshold) >= 1  ->  burst of magnitude n, reference += sign(e) n threshold
//! c = (R + G e^{2 pi i/3} + B e^{-2 pi i/3}) / (R + G + B + 3 dark)                  (complex chroma)
//! colour: n = floor(|c - c_ref| / chroma_threshold) >= 1  ->  burst On of magnitude n,
//!         phase arg(c - c_ref), c_ref += n chroma_threshold (c - c_ref)/|c - c_ref|
//! ```
//!
//! | symbol | default | unit | meaning |
//! |---|---|---|---|
//! | `threshold` | 0.2 | nat | change of `s` that is one burst unit |
//! | `dark` | 0.007 | of white | luminance below which the eye is linear, so that darkness does not fire on noise |
//! | `surround` | 0.5 | - | weight of the surround |
//! | `surround_sites` | 3 | sites | its standard deviation |
//! | `gain` | 0.8 | - | part of a common change (exposure, a lamp) that is taken out |
//! | `gain_ms` | 1000 | ms | how fast the references absorb what was taken out |
//! | `chroma_threshold` | 0.1 | - | change of `c` that is one burst unit; pure bright red, green or blue have `\|c\|` near 1 |
//!
//! A doubling of the exposure changes every `d` by 0.35 and every `e` by 0.07: it raises nothing. Black to white raises one
//! to three units at each site. Quartiles, because a thing that moves on less than a quarter of the sheet is no exposure,
//! and because the median of a sheet that changes half up and half down is either. The first picture sets the references without bursts, and a still picture raises
//! none.
//!
//! The phase of a colour burst is the hue of the *change* (red is 0): the bursts of a site add up to its colour, as
//! its ON/OFF bursts add up to its luminance. A red thing that appears has phase 0; when it goes, phase pi.
//!
//! Sources: Lichtsteiner, Posch and Delbruck, IEEE J. Solid-State Circuits 43 (2008) (the event rule);
//! Hu, Liu and Delbruck, "v2e", CVPRW 2021, section 4 (lin-log); Rodieck 1965 (centre-surround).

use serde::{Deserialize, Serialize};

use super::surprisal::Surprisal;
use crate::error::{Error, Result};
use crate::kernel::resample_area::{Axis, area_average, srgb_to_linear};
use crate::signal::{ArrayId, Burst, Frame, Sign};
use crate::time::Timestamp;

/// Bursts expected of a site per picture before anything is known.
const PRIOR_RATE: f32 = 0.02;
/// Pictures that the running prediction remembers.
const MEMORY_FRAMES: f32 = 200.0;
/// Luminance of linear red, green and blue (ITU-R BT.709).
const LUMINANCE: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// How a picture of another shape is laid on the sheet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// The sheet is filled; what hangs over is not seen.
    #[default]
    Cover,
    /// The picture is seen whole; sites beside it see nothing.
    Contain,
}

/// The retina's parameters; see the head of the file for what each does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetinaParameters {
    /// Change of log-luminance that makes one unit of a burst, in nats; 0.01 to 5.
    pub threshold: f32,
    /// Luminance, relative to white, below which response is linear; 0.0001 to 0.5.
    pub dark: f32,
    /// Weight of the surround; 0 to 1.
    pub surround: f32,
    /// Standard deviation of the surround in sites; 0.5 to 32.
    pub surround_sites: f32,
    /// Part of a change common to the sheet that is taken out; 0 to 1.
    pub gain: f32,
    /// Time constant in ms with which the references absorb it; 1 to 100000.
    pub gain_ms: f32,
    /// Whether colour raises bursts.
    pub chroma: bool,
    /// Change of complex chroma that makes one unit of a burst; 0.005 to 2.
    pub chroma_threshold: f32,
    /// How a picture of another shape is laid on the sheet.
    pub fit: Fit,
}

impl Default for RetinaParameters {
    fn default() -> Self {
        Self {
            threshold: 0.2,
            dark: 0.007,
            surround: 0.5,
            surround_sites: 3.0,
            gain: 0.8,
            gain_ms: 1_000.0,
            chroma: true,
            chroma_threshold: 0.1,
            fit: Fit::Cover,
        }
    }
}

impl RetinaParameters {
    /// Whether every value lies within its bounds.
    ///
    /// # Errors
    /// A configuration error that names the key, its value and its bound.
    pub fn check(&self) -> Result<()> {
        let bounded = [
            ("threshold", self.threshold, 0.01, 5.0),
            ("dark", self.dark, 0.000_1, 0.5),
            ("surround", self.surround, 0.0, 1.0),
            ("surround_sites", self.surround_sites, 0.5, 32.0),
            ("gain", self.gain, 0.0, 1.0),
            ("gain_ms", self.gain_ms, 1.0, 100_000.0),
            ("chroma_threshold", self.chroma_threshold, 0.005, 2.0),
        ];
        for (key, value, low, high) in bounded {
            if !(low..=high).contains(&value) {
                return Err(Error::configuration(
                    format!("vision.retina.{key}"),
                    "the value is out of range",
                )
                .value(value)
                .bound(format!("{low} to {high}")));
            }
        }
        Ok(())
    }
}

/// A retina in front of a sheet of sites.
#[derive(Clone, Debug)]
pub struct Retina {
    parameters: RetinaParameters,
    derived: Derived,
    height: usize,
    width: usize,
    array: ArrayId,
    state: Option<State>,
    luminance_surprisal: Surprisal,
    chroma_surprisal: Surprisal,
    scratch: Scratch,
}

#[derive(Clone, Debug)]
struct Derived {
    table: [f32; 256],
    log_dark: f32,
    /// Half of the surround's Gaussian, from its centre on.
    gaussian: Vec<f32>,
}

/// What the retina remembers between pictures.
#[derive(Clone, Debug)]
struct State {
    /// Pictures since the first.
    step: u64,
    time: Timestamp,
    reference: Vec<f32>,
    chroma_reference: Vec<[f32; 2]>,
}

#[derive(Clone, Debug)]
struct Scratch {
    /// The size of picture that the axes were made for.
    size: (usize, usize),
    rows: Axis,
    columns: Axis,
    row: Vec<[f32; 3]>,
    light: Vec<[f32; 3]>,
    log: Vec<f32>,
    blurred: Vec<f32>,
    /// `s`, then `d`.
    signal: Vec<f32>,
    sorted: Vec<f32>,
}

impl Retina {
    /// A retina that has seen nothing, in front of `height` x `width` sites of `array`.
    ///
    /// # Errors
    /// Those of [`RetinaParameters::check`]; a sheet without sites or with more than 2048 a side.
    pub fn new(parameters: &RetinaParameters, height: usize, width: usize, array: ArrayId) -> Result<Self> {
        parameters.check()?;
        for (key, value) in [("vision.height", height), ("vision.width", width)] {
            if !(1..=2_048).contains(&value) {
                return Err(Error::configuration(key, "the sheet's size is out of range")
                    .value(value)
                    .bound("1 to 2048"));
            }
        }
        let sites = height * width;
        Ok(Self {
            derived: Derived {
                table: srgb_to_linear(),
                log_dark: libm::logf(parameters.dark),
                gaussian: half_gaussian(parameters.surround_sites),
            },
            parameters: parameters.clone(),
            height,
            width,
            array,
            state: None,
            luminance_surprisal: Surprisal::new(sites, PRIOR_RATE, MEMORY_FRAMES),
            chroma_surprisal: Surprisal::new(sites, PRIOR_RATE, MEMORY_FRAMES),
            scratch: Scratch {
                size: (0, 0),
                rows: Axis::default(),
                columns: Axis::default(),
                row: vec![[0.0; 3]; width],
                light: vec![[0.0; 3]; sites],
                log: vec![0.0; sites],
                blurred: vec![0.0; sites],
                signal: vec![0.0; sites],
                sorted: vec![0.0; sites],
            },
        })
    }

    /// Sees a picture and emits its bursts, all with the picture's time: site by site, luminance before colour.
    ///
    /// A picture whose bytes do not match its size shows nothing and is passed over.
    pub fn encode(&mut self, frame: &Frame, emit: &mut dyn FnMut(Burst)) {
        let bytes = frame.width.checked_mul(frame.height).and_then(|pixels| pixels.checked_mul(3));
        if bytes != Some(frame.rgb.len()) || frame.rgb.is_empty() {
            return;
        }
        self.project(frame);
        self.contrast();
        let Some(mut state) = self.state.take() else {
            self.state = Some(self.first_look(frame.stamp.time));
            return;
        };
        state.step += 1;
        let common = self.common_change(&state);
        let elapsed_ms = (frame.stamp.time.0.saturating_sub(state.time.0)).max(0) as f32 * 1e-6;
        let absorbed =
            self.parameters.gain * common * (1.0 - libm::expf(-elapsed_ms / self.parameters.gain_ms));
        state.time = frame.stamp.time;
        for site in 0..self.height * self.width {
            self.luminance(&mut state, site, common, emit);
            state.reference[site] += absorbed;
            if self.parameters.chroma {
                self.colour(&mut state, site, emit);
            }
        }
        self.state = Some(state);
    }

    /// Lays the picture on the sheet, in linear light.
    fn project(&mut self, frame: &Frame) {
        let size = (frame.width, frame.height);
        let scratch = &mut self.scratch;
        if scratch.size != size {
            let (width, height) = (frame.width as f64, frame.height as f64);
            let (across, down) = (width / self.width as f64, height / self.height as f64);
            // Pixels per site, the same along both axes.
            let scale = match self.parameters.fit {
                Fit::Cover => across.min(down),
                Fit::Contain => across.max(down),
            };
            let (seen_width, seen_height) = (scale * self.width as f64, scale * self.height as f64);
            scratch.columns = Axis::new(frame.width, 0.5 * (width - seen_width), seen_width, self.width);
            scratch.rows = Axis::new(frame.height, 0.5 * (height - seen_height), seen_height, self.height);
            scratch.size = size;
        }
        let axes = (&scratch.rows, &scratch.columns);
        area_average(
            &self.derived.table,
            &frame.rgb,
            frame.width,
            axes,
            &mut scratch.row,
            &mut scratch.light,
        );
    }

    /// Log-luminance less its surround.
    fn contrast(&mut self) {
        let (dark, log_dark) = (self.parameters.dark, self.derived.log_dark);
        let scratch = &mut self.scratch;
        for (log, light) in scratch.log.iter_mut().zip(&scratch.light) {
            let y = LUMINANCE[0] * light[0] + LUMINANCE[1] * light[1] + LUMINANCE[2] * light[2];
            *log = if y >= dark { libm::logf(y) } else { log_dark + y / dark - 1.0 };
        }
        let gaussian = &self.derived.gaussian;
        blur(&scratch.log, &mut scratch.signal, self.height, self.width, gaussian, &mut scratch.blurred);
        for (signal, log) in scratch.signal.iter_mut().zip(&scratch.log) {
            *signal = log - self.parameters.surround * *signal;
        }
    }

    fn first_look(&self, time: Timestamp) -> State {
        State {
            step: 0,
            time,
            reference: self.scratch.signal.clone(),
            chroma_reference: (0..self.height * self.width).map(|site| self.chroma(site)).collect(),
        }
    }

    /// The sheet's `d`, left in the scratch's signal, and `g`.
    fn common_change(&mut self, state: &State) -> f32 {
        let Scratch { signal, sorted, .. } = &mut self.scratch;
        for (signal, reference) in signal.iter_mut().zip(&state.reference) {
            *signal -= reference;
        }
        sorted.copy_from_slice(signal);
        let last = sorted.len() - 1;
        let low = *sorted.select_nth_unstable_by(last / 4, f32::total_cmp).1;
        let high = *sorted.select_nth_unstable_by(last - last / 4, f32::total_cmp).1;
        signal.iter().map(|d| d.clamp(low, high)).sum::<f32>() / signal.len() as f32
    }

    fn luminance(&mut self, state: &mut State, site: usize, common: f32, emit: &mut dyn FnMut(Burst)) {
        let threshold = self.parameters.threshold;
        let change = self.scratch.signal[site] - self.parameters.gain * common;
        let units = (change.abs() / threshold).floor();
        if units < 1.0 {
            return;
        }
        let sign = if change > 0.0 { Sign::On } else { Sign::Off };
        state.reference[site] += sign.factor() * units * threshold;
        let surprisal_bits = self.luminance_surprisal.bits(site, state.step, sign, units);
        emit(Burst {
            time: state.time,
            array: self.array,
            site: site as u32,
            sign,
            phase: 0.0,
            magnitude: units,
            surprisal_bits,
        });
    }

    /// The complex chroma of a site.
    fn chroma(&self, site: usize) -> [f32; 2] {
        let [red, green, blue] = self.scratch.light[site];
        let scale = 1.0 / (red + green + blue + 3.0 * self.parameters.dark);
        let half_root_three = 0.866_025_4;
        [scale * (red - 0.5 * (green + blue)), scale * half_root_three * (green - blue)]
    }

    fn colour(&mut self, state: &mut State, site: usize, emit: &mut dyn FnMut(Burst)) {
        let threshold = self.parameters.chroma_threshold;
        let [re, im] = self.chroma(site);
        let reference = &mut state.chroma_reference[site];
        let change = [re - reference[0], im - reference[1]];
        let size = (change[0] * change[0] + change[1] * change[1]).sqrt();
        let units = (size / threshold).floor();
        if units < 1.0 {
            return;
        }
        let part = units * threshold / size;
        *reference = [reference[0] + part * change[0], reference[1] + part * change[1]];
        let surprisal_bits = self.chroma_surprisal.bits(site, state.step, Sign::On, units);
        emit(Burst {
            time: state.time,
            array: self.array,
            site: site as u32,
            sign: Sign::On,
            phase: hue(change),
            magnitude: units,
            surprisal_bits,
        });
    }
}

/// The angle of a complex number in `[0, 2 pi)`.
fn hue([re, im]: [f32; 2]) -> f32 {
    let angle = libm::atan2f(im, re);
    let turned = if angle < 0.0 { angle + core::f32::consts::TAU } else { angle };
    // A tiny negative angle rounds up to a whole turn.
    if turned < core::f32::consts::TAU { turned } else { 0.0 }
}

/// The centre and one side of a Gaussian cut at 3 standard deviations, whose whole sums to 1.
fn half_gaussian(deviation: f32) -> Vec<f32> {
    let reach = (3.0 * deviation).ceil() as usize;
    let value =
        |at: usize| libm::exp(-0.5 * (at as f64 / f64::from(deviation)) * (at as f64 / f64::from(deviation)));
    let total = 1.0 + 2.0 * (1..=reach).map(value).sum::<f64>();
    (0..=reach).map(|at| (value(at) / total) as f32).collect()
}

/// Blurs a sheet along its rows, then along its columns; its edges go on as they end.
fn blur(sheet: &[f32], out: &mut [f32], height: usize, width: usize, gaussian: &[f32], scratch: &mut [f32]) {
    for (row, out) in sheet.chunks_exact(width).zip(scratch.chunks_exact_mut(width)) {
        for (x, out) in out.iter_mut().enumerate() {
            *out = gaussian[0] * row[x];
            for (reach, &weight) in gaussian.iter().enumerate().skip(1) {
                *out += weight * (row[x.saturating_sub(reach)] + row[(x + reach).min(width - 1)]);
            }
        }
    }
    for (y, out) in out.chunks_exact_mut(width).enumerate() {
        let row = |y: usize| &scratch[y * width..(y + 1) * width];
        for (out, centre) in out.iter_mut().zip(row(y)) {
            *out = gaussian[0] * centre;
        }
        for (reach, &weight) in gaussian.iter().enumerate().skip(1) {
            let (above, below) = (row(y.saturating_sub(reach)), row((y + reach).min(height - 1)));
            for ((out, above), below) in out.iter_mut().zip(above).zip(below) {
                *out += weight * (above + below);
            }
        }
    }
}

#[cfg(test)]
#[path = "retina_tests.rs"]
mod tests;
