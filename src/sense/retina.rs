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
use crate::kernel::blur::{Blur, half_gaussian};
use crate::kernel::contrast::{chroma, chroma_distances, distances, log_luminance, size};
use crate::kernel::resample_area::{Axis, LUMINANCE, area_average, srgb_to_linear};
use crate::signal::{ArrayId, Burst, Frame, Sign};
use crate::time::Timestamp;

/// The most rows or columns of a sheet.
const MOST_SIDE: usize = 4_096;
/// Bursts expected of a site per picture before anything is known.
const PRIOR_RATE: f32 = 0.02;
/// Pictures that the running prediction remembers.
const MEMORY_FRAMES: f32 = 200.0;
/// Sites that are looked at side by side.
const SCANNED: usize = 16;

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
    surround: Blur,
    /// `s`, then `d`.
    signal: Vec<f32>,
    sorted: Vec<f32>,
    /// Thresholds that each site has moved: luminance, colour.
    moved: [Vec<f32>; 2],
}

/// Checks the size of the sheet that is seen with.
///
/// # Errors
/// A sheet without sites or with more than 4096 a side.
pub fn check_sheet(height: usize, width: usize) -> Result<()> {
    for (key, side) in [("vision.height", height), ("vision.width", width)] {
        if !(1..=MOST_SIDE).contains(&side) {
            let error = Error::configuration(key, "the value is out of bounds");
            return Err(error.value(side).bound(format!("1 to {MOST_SIDE}")));
        }
    }
    Ok(())
}

impl Retina {
    /// A retina that has seen nothing, in front of `height` x `width` sites of `array`.
    ///
    /// # Errors
    /// Those of [`RetinaParameters::check`] and [`check_sheet`].
    pub fn new(parameters: &RetinaParameters, height: usize, width: usize, array: ArrayId) -> Result<Self> {
        parameters.check()?;
        check_sheet(height, width)?;
        let sites = height * width;
        Ok(Self {
            derived: Derived { table: srgb_to_linear() },
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
                surround: Blur::new(half_gaussian(parameters.surround_sites), height, width),
                signal: vec![0.0; sites],
                sorted: vec![0.0; sites],
                moved: [vec![0.0; sites], vec![0.0; sites]],
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
        self.measure(&state, common);
        self.emit_changes(&mut state, common, emit);
        for reference in &mut state.reference {
            *reference += absorbed;
        }
        self.state = Some(state);
    }

    /// Pixels per site, the same along both axes, of a picture of `width` by `height` pixels.
    fn scale(&self, width: f64, height: f64) -> f64 {
        let (across, down) = (width / self.width as f64, height / self.height as f64);
        match self.parameters.fit {
            Fit::Cover => across.min(down),
            Fit::Contain => across.max(down),
        }
    }

    /// Where the middle of a site lies on the picture that was seen last, as parts of its width and height from its top left:
    /// 0 to 1 where it lies on it.
    #[must_use]
    pub fn place(&self, site: u32) -> [f64; 2] {
        let (width, height) = (self.scratch.size.0 as f64, self.scratch.size.1 as f64);
        let scale = self.scale(width, height);
        let (row, column) = (site as usize / self.width, site as usize % self.width);
        let part = |at: usize, sites: usize, pixels: f64| {
            0.5 + scale * (at as f64 + 0.5 - 0.5 * sites as f64) / pixels.max(1.0)
        };
        [part(column, self.width, width), part(row, self.height, height)]
    }

    /// Lays the picture on the sheet, in linear light.
    fn project(&mut self, frame: &Frame) {
        let size = (frame.width, frame.height);
        let scale = self.scale(frame.width as f64, frame.height as f64);
        let scratch = &mut self.scratch;
        if scratch.size != size {
            let (width, height) = (frame.width as f64, frame.height as f64);
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
        let scratch = &mut self.scratch;
        log_luminance(&scratch.light, LUMINANCE, self.parameters.dark, &mut scratch.log);
        scratch.surround.apply(&scratch.log, &mut scratch.signal);
        for (signal, log) in scratch.signal.iter_mut().zip(&scratch.log) {
            *signal = log - self.parameters.surround * *signal;
        }
    }

    fn first_look(&self, time: Timestamp) -> State {
        State {
            step: 0,
            time,
            reference: self.scratch.signal.clone(),
            chroma_reference: self
                .scratch
                .light
                .iter()
                .map(|&light| chroma(light, self.parameters.dark))
                .collect(),
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
        let (_, &mut low, above) = sorted.select_nth_unstable_by(last / 4, f32::total_cmp);
        // What lies above the lower quartile holds the upper one; a sheet of one site has one value.
        let beyond = (last - last / 4 - last / 4).checked_sub(1);
        let high = beyond.map_or(low, |beyond| *above.select_nth_unstable_by(beyond, f32::total_cmp).1);
        // Side by side: one sum after the other waits for each addition.
        let mut sums = [0.0f32; SCANNED];
        let (stretches, rest) = signal.as_chunks::<SCANNED>();
        for stretch in stretches {
            for (sum, d) in sums.iter_mut().zip(stretch) {
                *sum += d.clamp(low, high);
            }
        }
        let rest = rest.iter().map(|d| d.clamp(low, high));
        (sums.iter().sum::<f32>() + rest.sum::<f32>()) / signal.len() as f32
    }

    /// How many thresholds each site has moved.
    fn measure(&mut self, state: &State, common: f32) {
        let Self { parameters, scratch, .. } = self;
        let Scratch { light, signal, moved: [luminance, colour], .. } = scratch;
        distances(signal, parameters.gain * common, parameters.threshold, luminance);
        if parameters.chroma {
            let references = &state.chroma_reference;
            chroma_distances(light, parameters.dark, references, parameters.chroma_threshold, colour);
        }
    }

    /// Emits what has moved by a threshold or more: site by site, luminance before colour.
    fn emit_changes(&mut self, state: &mut State, common: f32, emit: &mut dyn FnMut(Burst)) {
        let sites = self.scratch.signal.len();
        for from in (0..sites).step_by(SCANNED) {
            let to = (from + SCANNED).min(sites);
            let [luminance, colour] = &self.scratch.moved;
            // Most of a sheet rests; a maximum over a stretch is quick to find.
            let most =
                luminance[from..to].iter().chain(&colour[from..to]).fold(0.0f32, |most, &d| most.max(d));
            if most < 1.0 {
                continue;
            }
            for site in from..to {
                self.luminance(state, site, common, emit);
                self.colour(state, site, emit);
            }
        }
    }

    fn luminance(&mut self, state: &mut State, site: usize, common: f32, emit: &mut dyn FnMut(Burst)) {
        if self.scratch.moved[0][site] < 1.0 {
            return;
        }
        let threshold = self.parameters.threshold;
        let change = self.scratch.signal[site] - self.parameters.gain * common;
        let units = self.scratch.moved[0][site].floor();
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

    fn colour(&mut self, state: &mut State, site: usize, emit: &mut dyn FnMut(Burst)) {
        if self.scratch.moved[1][site] < 1.0 {
            return;
        }
        let [re, im] = chroma(self.scratch.light[site], self.parameters.dark);
        let reference = &mut state.chroma_reference[site];
        let change = [re - reference[0], im - reference[1]];
        let units = self.scratch.moved[1][site].floor();
        let part = units * self.parameters.chroma_threshold / size(change);
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

/// The angle of a complex number in `(0, 2 pi)`: the purest red has a ten-millionth, for 0 is the phase of light without colour.
fn hue([re, im]: [f32; 2]) -> f32 {
    let angle = libm::atan2f(im, re);
    let turned = if angle < 0.0 { angle + core::f32::consts::TAU } else { angle };
    // A tiny negative angle rounds up to a whole turn.
    if (f32::EPSILON..core::f32::consts::TAU).contains(&turned) { turned } else { f32::EPSILON }
}

#[cfg(test)]
#[path = "retina_tests.rs"]
mod tests;
