//! What the tests listen with: a synthetic tonic field, levels, third-octave spectra.

use ndarray::Array3;

use super::{Sonifier, SonifyParameters, Voice};
use crate::random::philox4x32;
use crate::signal::{Burst, FieldView, SheetShape};
use crate::time::{SAMPLES_PER_TICK, Tick};

/// The default bands.
pub(super) const BANDS_HZ: [f64; 8] = [0.75, 1.5, 3.0, 6.0, 12.0, 24.0, 48.0, 96.0];

/// Independent noise-driven oscillators, exact in their stepping, at the places that a sonifier reads.
pub(super) struct TonicField {
    re: Vec<Array3<f32>>,
    im: Vec<Array3<f32>>,
    /// Per sheet: the places, each with its band.
    places: Vec<Vec<(usize, usize)>>,
    /// Per band, in the frame that turns with it: decay over a tick, noise amplitude.
    step: Vec<(f32, f32)>,
    seed: u32,
    /// Multiplies what is heard: a drive that swells the field.
    pub(super) swell: f32,
}

impl TonicField {
    pub(super) fn new(sonifier: &Sonifier, voices: &[Voice<'_>], variances: &[f32], seed: u32) -> Self {
        let zeros = |s: SheetShape| Array3::zeros((s.bands, s.height, s.width));
        let places = voices.iter().enumerate().map(|(sheet, voice)| {
            let mut at: Vec<usize> = sonifier.tonic.reads(sheet).iter().map(|r| r.source as usize).collect();
            at.dedup();
            at.into_iter().map(|source| (source, source / voice.shape.sites())).collect()
        });
        let step = BANDS_HZ.iter().zip(variances).map(|(&f, &e)| {
            let omega = core::f64::consts::TAU * f * 1e-3;
            let decay = libm::exp(-omega / 3.0);
            let noise = libm::sqrt(f64::from(e) / 2.0 * (1.0 - decay * decay));
            (decay as f32, noise as f32)
        });
        let mut field = Self {
            re: voices.iter().map(|v| zeros(v.shape)).collect(),
            im: voices.iter().map(|v| zeros(v.shape)).collect(),
            places: places.collect(),
            step: step.collect(),
            seed,
            swell: 1.0,
        };
        field.start(variances);
        field
    }

    fn start(&mut self, variances: &[f32]) {
        for sheet in 0..self.places.len() {
            for &(at, band) in &self.places[sheet] {
                let scale = (variances[band] / 2.0).sqrt();
                let [x, y] = normals([at as u32, u32::MAX, sheet as u32, 1], self.seed);
                self.re[sheet].as_slice_mut().unwrap()[at] = scale * x;
                self.im[sheet].as_slice_mut().unwrap()[at] = scale * y;
            }
        }
    }

    pub(super) fn advance(&mut self, tick: u64) {
        for sheet in 0..self.places.len() {
            let re = self.re[sheet].as_slice_mut().unwrap();
            let im = self.im[sheet].as_slice_mut().unwrap();
            for &(at, band) in &self.places[sheet] {
                let (decay, noise) = self.step[band];
                let [x, y] = normals([at as u32, tick as u32, sheet as u32, 0], self.seed);
                re[at] = self.swell * noise * x + decay * re[at];
                im[at] = self.swell * noise * y + decay * im[at];
            }
        }
    }

    pub(super) fn views(&self) -> Vec<FieldView<'_>> {
        self.re.iter().zip(&self.im).map(|(re, im)| FieldView::still(re.view(), im.view())).collect()
    }

    pub(super) fn poison(&mut self, value: f32) {
        for part in self.re.iter_mut().chain(&mut self.im) {
            part.fill(value);
        }
    }
}

/// Two near-normal numbers, each a sum of four uniform ones: what filters them makes them normal.
fn normals(counter: [u32; 4], seed: u32) -> [f32; 2] {
    let words = philox4x32(counter, [seed, 0x5445_5354]);
    let sum = |a: u32, b: u32| {
        let total = (a & 0xffff) + (a >> 16) + (b & 0xffff) + (b >> 16);
        (total as f32 / 65_536.0 - 2.0) * 3.0f32.sqrt()
    };
    [sum(words[0], words[1]), sum(words[2], words[3])]
}

/// The sound of `ticks` ticks; `bursts` gives each tick's.
pub(super) fn listen(
    sonifier: &mut Sonifier,
    field: &mut TonicField,
    ticks: std::ops::Range<u64>,
    mut bursts: impl FnMut(u64) -> Vec<Burst>,
) -> Vec<[f32; 2]> {
    let mut sound = Vec::new();
    let mut block = [[0.0; 2]; SAMPLES_PER_TICK];
    for n in ticks {
        field.advance(n);
        sonifier.tick(Tick(n), &field.views(), &bursts(n), &mut block);
        sound.extend_from_slice(&block);
    }
    sound
}

/// A sonifier of these voices with the default bands, equal variances, and its field.
pub(super) fn pair(parameters: &SonifyParameters, voices: &[Voice<'_>], seed: u32) -> (Sonifier, TonicField) {
    pair_of(parameters, voices, &[1.0; 8], seed)
}

/// As `pair`, with these variances.
pub(super) fn pair_of(
    parameters: &SonifyParameters,
    voices: &[Voice<'_>],
    variances: &[f32],
    seed: u32,
) -> (Sonifier, TonicField) {
    let sonifier = Sonifier::new(parameters, voices, variances, &BANDS_HZ, u64::from(seed)).unwrap();
    let field = TonicField::new(&sonifier, voices, variances, seed);
    (sonifier, field)
}

/// Root mean square of both channels in dB of full scale.
pub(super) fn rms_db(sound: &[[f32; 2]]) -> f64 {
    let sum: f64 = sound.iter().flatten().map(|&x| f64::from(x) * f64::from(x)).sum();
    10.0 * libm::log10(sum / (2.0 * sound.len() as f64))
}

/// The largest step between neighbouring samples of a channel.
pub(super) fn largest_step(sound: &[[f32; 2]]) -> f32 {
    let steps = sound.windows(2).flat_map(|w| [(w[1][0] - w[0][0]).abs(), (w[1][1] - w[0][1]).abs()]);
    steps.fold(0.0, f32::max)
}

/// The largest absolute sample.
pub(super) fn peak(sound: &[[f32; 2]]) -> f32 {
    sound.iter().flatten().fold(0.0, |m, x| m.max(x.abs()))
}

/// Power per bin, mean over half-overlapping Hann windows of `length` frames (Welch 1967).
pub(super) fn spectrum(samples: &[f32], length: usize) -> Vec<f64> {
    let plan = realfft::RealFftPlanner::<f64>::new().plan_fft_forward(length);
    let mut output = plan.make_output_vec();
    let mut power = vec![0.0; output.len()];
    for start in (0..=samples.len() - length).step_by(length / 2) {
        let mut windowed: Vec<f64> = (0..length)
            .map(|n| {
                let turn = core::f64::consts::TAU * n as f64 / length as f64;
                f64::from(samples[start + n]) * (0.5 - 0.5 * libm::cos(turn))
            })
            .collect();
        plan.process(&mut windowed, &mut output).unwrap();
        power.iter_mut().zip(&output).for_each(|(p, z)| *p += z.norm_sqr());
    }
    power
}

/// (nominal centre in Hz, density in dB) of the third-octave bands `1000 * 2^(n/3)` (IEC 61260-1, base 2)
/// for `n` in the range.
pub(super) fn third_octaves(samples: &[f32], range: std::ops::RangeInclusive<i32>) -> Vec<(f64, f64)> {
    let length = 32_768;
    let power = spectrum(samples, length);
    let hz = 48_000.0 / length as f64;
    range
        .map(|n| {
            let centre = 1_000.0 * libm::exp2(f64::from(n) / 3.0);
            let (low, high) = (centre * libm::exp2(-1.0 / 6.0) / hz, centre * libm::exp2(1.0 / 6.0) / hz);
            let mut sum = 0.0;
            // Bins at the edges count by the part that lies inside.
            for (bin, &p) in power.iter().enumerate() {
                let inside = (high.min(bin as f64 + 0.5) - low.max(bin as f64 - 0.5)).clamp(0.0, 1.0);
                sum += inside * p;
            }
            (centre, 10.0 * libm::log10(sum / (high - low)))
        })
        .collect()
}

/// Slope in dB per octave and largest distance in dB of a straight line through (Hz, dB).
pub(super) fn slope(points: &[(f64, f64)]) -> (f64, f64) {
    let n = points.len() as f64;
    let x: Vec<f64> = points.iter().map(|p| libm::log2(p.0)).collect();
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let covariance: f64 = x.iter().zip(points).map(|(x, p)| (x - mean_x) * (p.1 - mean_y)).sum();
    let variance: f64 = x.iter().map(|x| (x - mean_x) * (x - mean_x)).sum();
    let slope = covariance / variance;
    let worst = x.iter().zip(points).map(|(x, p)| (p.1 - mean_y - slope * (x - mean_x)).abs());
    (slope, worst.fold(0.0, f64::max))
}
