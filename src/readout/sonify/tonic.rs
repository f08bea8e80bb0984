//! The ground: the field's bands carried up into hearing by whole octaves; `play` runs on the real-time thread.
//!
//! ```text
//! sound(t) = Re sum_c g_c e^{i phi_c} u_b(site_c, t) e^{i 2 pi F_c t}
//! F_c = f_b 2^octaves 2^x,   x drawn from  w(x) = cos^2(pi x / 2),  -1 < x < 1
//! ```
//!
//! | symbol | default | unit | meaning |
//! |---|---|---|---|
//! | `f_b` | 0.75 to 96 | Hz | centre of band `b`; `u_b = e^{-i 2 pi f_b t} z_b` is the field in its co-rotating frame |
//! | octaves | 7 | - | 0.75 Hz becomes 96 Hz, 96 Hz becomes 12.3 kHz |
//! | `F_c` | 48 to 18000 | Hz | where carrier `c` sounds |
//! | `g_c` | equal | - | gain; the level is set for the tonic variances `E_b`, so other exponents tilt the sound |
//! | carriers | 256 | 1/octave | see below |
//!
//! * **Pink.** Carriers lie equally dense per octave and have equal power: equal power per octave is -3 dB per
//!   octave in density. A band's carriers spread over an octave to each side under a squared cosine, which
//!   adds up with its neighbours' to an even density: no seam between octaves, and a roll-off over one octave at
//!   both ends, below the slowest band's place and above the fastest's.
//! * **How many.** Heterodyning keeps widths in Hz: a band with Q = 1.5 is `f_b/1.5` wide, 0.52 % of where it
//!   sounds. 64 carriers per octave lie 1.1 % apart: lines with gaps between, a spectrum that ripples by 3 dB
//!   rms when looked at closely. 256 lie 0.27 % apart, half a width, and merge: under 1 dB. The distances are
//!   jittered, so no beat has a period; within a critical band the envelope is that of Gaussian noise.
//! * **Places.** Every carrier reads another site, strata of the sheet with one site drawn from each. Sheets
//!   share each band's carriers by the square root of their sites: a larger sheet has more to say, but does not
//!   drown the smaller. Neighbours in pitch stand far apart on the stage (golden-ratio order), so left,
//!   right and their sum are each pink.
//! * **Cost.** Carriers are summed each tick into sub-bands 125 Hz wide, which move linearly through the tick's
//!   48 frames; only the sub-bands oscillate at 48 kHz. The images this leaves lie 1 kHz away, 46 dB or more below.
//! * **Time.** Phases are whole numbers times the tick: exact for ever, nothing is carried along that could drift.
//! * **Driven**, the field swells, and so does the sound: up to [`SWELL`] times the tonic's amplitude per carrier.

use super::{SonifyParameters, Voice, pan};
use crate::error::{Error, Result};
use crate::kernel::carriers::{self, Amplitude, BLOCK, Bank, LANES, Phasor, Products, VECTORS};
use crate::kernel::turns;
use crate::random::Stream;
use crate::signal::FieldView;
use crate::time::{SAMPLE_RATE, TICKS_PER_SECOND, Tick};

/// Carriers outside are left out: below, speakers and ears end; above, the sampling does.
const RANGE_HZ: (f64, f64) = (30.0, 18_000.0);
/// Width of a sub-band in Hz.
const SUBBAND_HZ: f64 = 125.0;
/// Largest amplitude of a carrier in units of its band's tonic rms: 9.5 dB; the tonic itself, a complex
/// Gaussian, is beyond it one time in 8000.
const SWELL: f32 = 3.0;
/// Centre over width of the tonic bands (the array's design); it only corrects how much a tick's linear
/// movement smooths, 0.3 dB at most.
const QUALITY: f64 = 1.5;
/// The golden ratio's fraction: its multiples modulo 1 spread most evenly.
const GOLDEN: f64 = 0.618_033_988_749_894_9;
/// Which of the seed's streams lays out the carriers.
const LAYOUT_STREAM: u32 = 0x534f_4e49;

/// A carrier as it is laid out.
#[derive(Clone, Copy, Debug)]
struct Carrier {
    band: usize,
    hz: f64,
    place: f64,
    sheet: usize,
    /// `band * sites + site`.
    source: u32,
    phase: u32,
}

/// Where a carrier's modulator is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) source: u32,
    carrier: u32,
}

/// The tonic sound: what was derived from the layout, the last tick's sub-bands, and scratch.
#[derive(Debug)]
pub(super) struct Tonic {
    carriers: usize,
    reads: Vec<Vec<Read>>,
    sizes: Vec<usize>,
    increment: Vec<u32>,
    phase: Vec<u32>,
    left: Vec<f32>,
    right: Vec<f32>,
    power_bound: Vec<f32>,
    /// The band of each carrier.
    bands: Vec<usize>,
    ends: Vec<u32>,
    phasors: Vec<Phasor>,
    /// What turns a sub-band's amplitude back from the end of a tick to its start.
    back: Vec<[f32; 2]>,
    before: Vec<Amplitude>,
    now: Vec<Amplitude>,
    modulator: [Vec<f32>; 2],
    products: [Vec<f32>; 4],
}

impl Tonic {
    pub(super) fn new(
        parameters: &SonifyParameters,
        voices: &[Voice<'_>],
        band_variances: &[f32],
        carrier_hz: &[f64],
        rms: f64,
        seed: u64,
    ) -> Result<Self> {
        let layout = lay_out(parameters, voices, carrier_hz, seed);
        if layout.is_empty() {
            return Err(Error::configuration("sound.octaves_up", "no band lands in the range of hearing")
                .value(parameters.octaves_up)
                .bound(format!("so that a band lands in {} to {} Hz", RANGE_HZ.0, RANGE_HZ.1)));
        }
        // A carrier's real part has half its power, and each side half of that.
        let power: f64 = layout.iter().map(|c| f64::from(band_variances[c.band]) / 4.0).sum();
        let level = rms / libm::sqrt(power);
        let padded = layout.len().next_multiple_of(LANES);
        let mut tonic = Self::empty(layout.len(), padded, voices);
        for (c, carrier) in layout.iter().enumerate() {
            let f = carrier_hz[carrier.band];
            let gains = pan(carrier.place).map(|side| side * level / smoothing(carrier.hz, f));
            tonic.increment[c] = turns::phase(carrier.hz / TICKS_PER_SECOND as f64);
            tonic.phase[c] = carrier.phase;
            tonic.left[c] = gains[0] as f32;
            tonic.right[c] = gains[1] as f32;
            tonic.bands.push(carrier.band);
            tonic.reads[carrier.sheet].push(Read { source: carrier.source, carrier: c as u32 });
        }
        // In the order of memory, so that the processor can run ahead.
        tonic.reads.iter_mut().for_each(|reads| reads.sort_unstable_by_key(|r| (r.source, r.carrier)));
        tonic.retune(band_variances);
        tonic.lay_out_subbands(&layout);
        Ok(tonic)
    }

    fn empty(carriers: usize, padded: usize, voices: &[Voice<'_>]) -> Self {
        Self {
            carriers,
            reads: vec![Vec::new(); voices.len()],
            sizes: voices.iter().map(|v| v.shape.bands * v.shape.sites()).collect(),
            increment: vec![0; padded],
            phase: vec![0; padded],
            left: vec![0.0; padded],
            right: vec![0.0; padded],
            power_bound: vec![0.0; padded],
            bands: Vec::with_capacity(carriers),
            ends: Vec::new(),
            phasors: Vec::new(),
            back: Vec::new(),
            before: Vec::new(),
            now: Vec::new(),
            modulator: [0; 2].map(|_| vec![0.0; padded]),
            products: [0; 4].map(|_| vec![0.0; padded]),
        }
    }

    /// Groups the carriers, ascending in frequency, and tabulates each group's oscillation over one tick.
    fn lay_out_subbands(&mut self, layout: &[Carrier]) {
        let number = |c: &Carrier| (c.hz / SUBBAND_HZ) as u32;
        let mut centres = Vec::new();
        for (c, carrier) in layout.iter().enumerate() {
            let last = layout.get(c + 1).is_none_or(|next| number(next) != number(carrier));
            if last {
                centres.push((f64::from(number(carrier)) + 0.5) * SUBBAND_HZ);
                self.ends.push(c as u32 + 1);
            }
        }
        let turn =
            |hz: f64, frame: usize| hz * frame as f64 / f64::from(SAMPLE_RATE) * core::f64::consts::TAU;
        for v in 0..VECTORS {
            for &hz in &centres {
                let mut phasor = [[0.0; LANES]; 2];
                let [cosines, sines] = &mut phasor;
                for (lane, (cosine, sine)) in cosines.iter_mut().zip(sines).enumerate() {
                    let angle = turn(hz, v * LANES + lane);
                    *cosine = libm::cos(angle) as f32;
                    *sine = libm::sin(angle) as f32;
                }
                self.phasors.push(phasor);
            }
        }
        for &hz in &centres {
            let angle = turn(hz, BLOCK);
            self.back.push([libm::cos(angle) as f32, -libm::sin(angle) as f32]);
        }
        self.before = vec![[0.0; 4]; centres.len()];
        self.now = self.before.clone();
    }

    /// Bounds each carrier by the tonic variance of its band. Its gain stays: the mean of the variances does.
    pub(super) fn retune(&mut self, band_variances: &[f32]) {
        for (bound, band) in self.power_bound.iter_mut().zip(&self.bands) {
            *bound = SWELL * SWELL * band_variances[*band];
        }
    }

    pub(super) fn carriers(&self) -> usize {
        self.carriers
    }

    /// Which values of a sheet's field are heard.
    #[cfg(test)]
    pub(super) fn reads(&self, sheet: usize) -> &[Read] {
        &self.reads[sheet]
    }

    /// Writes one tick of tonic sound: from the last tick's field to this one's.
    pub(super) fn play(
        &mut self,
        tick: Tick,
        fields: &[FieldView<'_>],
        left: &mut [f32; BLOCK],
        right: &mut [f32; BLOCK],
    ) {
        self.read(fields);
        let bank = Bank {
            increment: &self.increment,
            phase: &self.phase,
            left: &self.left,
            right: &self.right,
            power_bound: &self.power_bound,
        };
        let [a, b, c, d] = &mut self.products;
        let mut products = Products { left_re: a, left_im: b, right_re: c, right_im: d };
        // Phases wrap at 2^32, so the tick's low word is all that counts.
        carriers::modulate(tick.0 as u32, &bank, &self.modulator[0], &self.modulator[1], &mut products);
        carriers::gather_subbands(&products, &self.ends, &mut self.now);
        // `now` is at the phase of the tick's end; the block's oscillation starts at the tick's start.
        for (now, &[cosine, sine]) in self.now.iter_mut().zip(&self.back) {
            let [a, b, c, d] = *now;
            let re = [a * cosine - b * sine, c * cosine - d * sine];
            let im = [a * sine + b * cosine, c * sine + d * cosine];
            *now = [re[0], im[0], re[1], im[1]];
        }
        carriers::carry(&self.phasors, &self.before, &self.now, left, right);
        for ((before, now), &[cosine, sine]) in self.before.iter_mut().zip(&self.now).zip(&self.back) {
            // Forth again: the conjugate turn.
            let [a, b, c, d] = *now;
            let re = [a * cosine + b * sine, c * cosine + d * sine];
            let im = [b * cosine - a * sine, d * cosine - c * sine];
            *before = [re[0], im[0], re[1], im[1]];
        }
    }

    fn read(&mut self, fields: &[FieldView<'_>]) {
        let [re, im] = &mut self.modulator;
        for (sheet, (reads, &size)) in self.reads.iter().zip(&self.sizes).enumerate() {
            let field = fields.get(sheet).filter(|field| field.re.len() == size && field.im.len() == size);
            let Some(field) = field else {
                for r in reads {
                    re[r.carrier as usize] = 0.0;
                    im[r.carrier as usize] = 0.0;
                }
                continue;
            };
            let shape = field.shape();
            let mut left = &reads[..];
            // Reads are in the order of memory, so of bands.
            for band in 0..shape.bands {
                let first = band * shape.sites();
                let here = left.partition_point(|r| (r.source as usize) < first + shape.sites());
                let (x, y) = field.band(band);
                for r in &left[..here] {
                    re[r.carrier as usize] = x[r.source as usize - first];
                    im[r.carrier as usize] = y[r.source as usize - first];
                }
                left = &left[here..];
            }
        }
    }
}

/// All carriers, ascending in frequency.
fn lay_out(
    parameters: &SonifyParameters,
    voices: &[Voice<'_>],
    carrier_hz: &[f64],
    seed: u64,
) -> Vec<Carrier> {
    let mut draw = Stream::new(seed, LAYOUT_STREAM);
    let count = parameters.carriers_per_octave;
    let up = libm::exp2(f64::from(parameters.octaves_up));
    let order = golden_order(count);
    let mut layout = Vec::with_capacity(count * carrier_hz.len());
    for (band, &f) in carrier_hz.iter().enumerate() {
        let places = draw_places(voices, count, &mut draw);
        for (k, &rank) in order.iter().enumerate() {
            let quantile = (k as f64 + draw.between(0.25, 0.75)) / count as f64;
            let hz = f * up * libm::exp2(octaves_at(quantile));
            let phase = draw.word();
            let (place, sheet, site) = places[rank];
            let source = (band * voices[sheet].shape.sites() + site) as u32;
            if hz >= RANGE_HZ.0 && hz < RANGE_HZ.1 {
                layout.push(Carrier { band, hz, place, sheet, source, phase });
            }
        }
    }
    layout.sort_by(|a, b| a.hz.total_cmp(&b.hz));
    layout
}

/// `count` sites as (place, sheet, site), from left to right, shared by the sheets and spread over each.
fn draw_places(voices: &[Voice<'_>], count: usize, draw: &mut Stream) -> Vec<(f64, usize, usize)> {
    let shares: Vec<f64> = voices.iter().map(|v| libm::sqrt(v.shape.sites() as f64)).collect();
    let total: f64 = shares.iter().sum();
    let mut places = Vec::with_capacity(count);
    let (mut share, mut first) = (0.0, 0);
    for (sheet, voice) in voices.iter().enumerate() {
        share += shares[sheet];
        let end = if sheet + 1 == voices.len() { count } else { (count as f64 * share / total) as usize };
        let here = end - first;
        let sites = voice.shape.sites();
        for i in 0..here {
            let at = (i as f64 + draw.uniform()) / here as f64 * sites as f64;
            let site = (at as usize).min(sites - 1);
            let place = voice.voicing.place(site % voice.shape.width, voice.shape.width);
            places.push((place, sheet, site));
        }
        first = end;
    }
    places.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    places
}

/// The ranks of the golden ratio's first `count` multiples modulo 1: any run of them spreads over all ranks.
fn golden_order(count: usize) -> Vec<usize> {
    let key = |k: usize| (k as f64 * GOLDEN) % 1.0;
    let mut by_key: Vec<usize> = (0..count).collect();
    by_key.sort_by(|&a, &b| key(a).total_cmp(&key(b)));
    let mut ranks = vec![0; count];
    for (rank, &k) in by_key.iter().enumerate() {
        ranks[k] = rank;
    }
    ranks
}

/// Octaves from the band's place at a quantile of the squared cosine: the inverse of
/// `1/2 + x/2 + sin(pi x)/(2 pi)` by bisection.
fn octaves_at(quantile: f64) -> f64 {
    let (mut low, mut high) = (-1.0, 1.0);
    for _ in 0..50 {
        let x = 0.5 * (low + high);
        let pi = core::f64::consts::PI;
        let below = 0.5 + 0.5 * x + libm::sin(pi * x) / (2.0 * pi);
        if below < quantile { low = x } else { high = x }
    }
    0.5 * (low + high)
}

/// How much of a carrier's amplitude the linear movement within a tick leaves.
///
/// Between two values of correlation `rho` the straight line has mean power `1 - (1 - rho)/3`; `rho` falls
/// with the band's width and with the carrier's distance from its sub-band's centre.
fn smoothing(hz: f64, band_hz: f64) -> f64 {
    let tau = core::f64::consts::TAU;
    let centre = (libm::floor(hz / SUBBAND_HZ) + 0.5) * SUBBAND_HZ;
    let tick = 1.0 / TICKS_PER_SECOND as f64;
    let width = libm::exp(-tau * band_hz / (2.0 * QUALITY) * tick);
    let rho = width * libm::cos(tau * (hz - centre) * tick);
    libm::sqrt(1.0 - (1.0 - rho) / 3.0)
}
