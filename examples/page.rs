//! Serves the page with a made-up run, for work on the page itself: `cargo run --example page [PORT [SECONDS]]`.
//!
//! Nothing shown is the engine's: the field is smoothed noise with waves through it, the spectrum an
//! exact 1/f, the sound pink noise with grains.

// Pictures and sound from small counts: every cast is of a value that fits.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use std::f32::consts::TAU;
use std::sync::Arc;

use napot::random::Stream;
use napot::signal::{ArrayId, Control, FieldFrame, FieldImage, InputPicture, SheetShape, Status, TraceChunk};
use napot::stream::latest::latest;
use napot::stream::ring::{Producer, ring};
use napot::time::{Clock, Tick, WallClock};
use napot::view::{About, Bell, DEFAULT_PORT, Feeds, ViewParameters, start};

const BANDS_HZ: [f32; 8] = [0.75, 1.5, 3.0, 6.0, 12.0, 24.0, 48.0, 96.0];
const NAMES: [&str; 19] = [
    "Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8", "P7", "P3", "Pz", "P4", "P8",
    "O1", "O2",
];

/// A sheet of complex noise that forgets slowly, stirred by a wave.
struct Sheet {
    width: usize,
    height: usize,
    re: Vec<f32>,
    im: Vec<f32>,
}

impl Sheet {
    fn new(width: usize, height: usize) -> Self {
        Self { width, height, re: vec![0.0; width * height], im: vec![0.0; width * height] }
    }

    fn step(&mut self, noise: &mut Stream, keep: f32) {
        for part in [&mut self.re, &mut self.im] {
            let old = part.clone();
            for (site, value) in part.iter_mut().enumerate() {
                let (x, y) = (site % self.width, site / self.width);
                let at =
                    |x: usize, y: usize| old[y.min(self.height - 1) * self.width + x.min(self.width - 1)];
                let around =
                    at(x + 1, y) + at(x.saturating_sub(1), y) + at(x, y + 1) + at(x, y.saturating_sub(1));
                let mixed = 0.6 * *value + 0.1 * around;
                *value = keep * mixed + 0.45 * (1.0 - keep * keep).sqrt() * gauss(noise);
            }
        }
    }

    fn image(&self, array: u8, seconds: f32) -> FieldImage {
        let mut bytes = Vec::with_capacity(2 * self.re.len());
        let turn = 0.23 * seconds;
        let middle = (0.5 + 0.3 * turn.cos(), 0.5 + 0.3 * (1.3 * turn).sin());
        for site in 0..self.re.len() {
            let x = (site % self.width) as f32 / self.width as f32 - middle.0;
            let y = (site / self.width) as f32 / self.height as f32 - middle.1;
            let distance = x.hypot(y);
            let swell = 2.4 * (-18.0 * (distance - 0.16).powi(2) * 9.0).exp();
            let wave = y.atan2(x) + 14.0 * distance - 3.0 * seconds;
            let re = 2.2 * self.re[site] + swell * wave.cos();
            let im = 2.2 * self.im[site] + swell * wave.sin();
            let phase = im.atan2(re).rem_euclid(TAU) / TAU * 256.0;
            bytes.extend([phase as u8, (re.hypot(im) / 4.0 * 255.0).min(255.0) as u8]);
        }
        FieldImage { array: ArrayId(array), width: self.width, height: self.height, phase_amplitude: bytes }
    }
}

fn uniform(noise: &mut Stream) -> f32 {
    (noise.word() >> 8) as f32 / 16_777_216.0
}

/// About normal: the sum of four uniform draws.
fn gauss(noise: &mut Stream) -> f32 {
    ((0..4).map(|_| uniform(noise)).sum::<f32>() - 2.0) * 1.732
}

/// Pink noise: one leaky random walk per octave.
struct Pink([f32; 10]);

impl Pink {
    fn next(&mut self, noise: &mut Stream) -> f32 {
        for (octave, value) in self.0.iter_mut().enumerate() {
            let keep = 1.0 - 0.7 / f32::from(1u16 << octave);
            *value = keep * *value + (1.0 - keep * keep).sqrt() * gauss(noise);
        }
        self.0.iter().sum::<f32>() / 3.2
    }
}

fn picture(seconds: f32) -> InputPicture {
    let (width, height) = (256usize, 144usize);
    let mut rgb = Vec::with_capacity(3 * width * height);
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (x as f32 / 256.0, y as f32 / 144.0);
            let floor =
                if v > 0.62 { 0.35 + 0.1 * ((u * 20.0 / (v - 0.4)).sin().signum()) } else { 0.62 - 0.3 * v };
            let mut colour = [floor * 0.9, floor * 0.93, floor];
            for (k, tint) in [[0.85, 0.35, 0.25], [0.25, 0.55, 0.8], [0.9, 0.75, 0.3]].iter().enumerate() {
                let phase = seconds * (0.5 + 0.2 * k as f32) + 2.0 * k as f32;
                let (cx, cy) = (0.5 + 0.35 * phase.sin(), 0.68 - 0.35 * (1.7 * phase).sin().abs());
                let (dx, dy) = ((u - cx) * 1.78, v - cy);
                let inside = 0.0169 - dx * dx - dy * dy;
                if inside > 0.0 {
                    let light = 0.25 + 0.75 * ((inside.sqrt() - dx - dy) * 5.0).clamp(0.0, 1.0);
                    colour = tint.map(|part| part * light);
                }
            }
            rgb.extend(colour.map(|part| (part.clamp(0.0, 1.0) * 255.0) as u8));
        }
    }
    InputPicture { width, height, rgb, ..InputPicture::default() }
}

fn status(seconds: f64, noise: &mut Stream) -> Status {
    let spectrum_hz: Vec<f32> = (2..=200).map(|i| i as f32 * 0.5).collect();
    let scatter = |hz: f32, noise: &mut Stream| 120.0 / hz * (0.12 * gauss(noise)).exp();
    let burst = f64::from((0.9 * seconds as f32).sin().max(0.0).powi(6));
    Status {
        seconds,
        realtime_factor: Some(1.0),
        bursts_per_second: 180.0 + 5_200.0 * burst + f64::from(40.0 * uniform(noise)),
        bits_per_second: 900.0 + 31_000.0 * burst + f64::from(200.0 * uniform(noise)),
        bits_held: Some(420.0 + 600.0 * burst),
        spectrum_power: spectrum_hz.iter().map(|hz| scatter(*hz, noise)).collect(),
        spectrum_fit: spectrum_hz.iter().map(|hz| 120.0 / hz).collect(),
        spectrum_hz,
        exponent: (seconds > 3.0).then_some(1.004),
        exponent_interval: Some([0.968, 1.041]),
        order: (0..8)
            .map(|band| 0.08 + 0.04 * band as f32 + 0.05 * (seconds as f32 + band as f32).sin())
            .collect(),
        tick_ms: [Some(0.412), (seconds > 1.0).then_some(0.683)],
        sources: vec![
            ("room picture".into(), (30.0 * seconds) as u64, (30.0 * seconds) as u64, 0),
            ("room sound".into(), (1_000.0 * seconds) as u64, (1_000.0 * seconds) as u64, 0),
        ],
        ..Status::default()
    }
}

/// What goes on from tick to tick.
struct Run {
    noise: Stream,
    sheets: [Sheet; 2],
    pink: [Pink; 2],
    walks: Vec<Pink>,
    chunk: Vec<Vec<f32>>,
    band: usize,
}

impl Run {
    fn new() -> Self {
        let pink = || Pink([0.0; 10]);
        Self {
            noise: Stream::new(1, 0),
            sheets: [Sheet::new(128, 128), Sheet::new(32, 128)],
            pink: [pink(), pink()],
            walks: NAMES.iter().map(|_| pink()).collect(),
            chunk: vec![Vec::new(); NAMES.len()],
            band: 4,
        }
    }

    /// A millisecond of sound: pink noise, and a grain every 700 ms.
    fn sound(&mut self, tick: u64, sound: &mut Producer<[f32; 2]>) {
        let since = (tick % 700) as f32;
        let grain = if since < 120.0 { 0.12 * (-since / 40.0).exp() } else { 0.0 };
        for sample in 0..48 {
            let turns = 523.25 * (tick % 700 * 48 + sample) as f32 / 48_000.0;
            let tone = grain * (TAU * turns).sin();
            let [left, right] = &mut self.pink;
            let (left, right) = (left.next(&mut self.noise), right.next(&mut self.noise));
            sound.push([0.06 * left + tone, 0.06 * right + 0.6 * tone]);
        }
    }

    fn traces(&mut self, tick: u64) -> Option<TraceChunk> {
        if tick.is_multiple_of(4) {
            for (walk, row) in self.walks.iter_mut().zip(&mut self.chunk) {
                row.push(14.0 * walk.next(&mut self.noise));
            }
        }
        (tick % 50 == 49).then(|| TraceChunk {
            first_tick: tick - 49,
            rate_hz: 250,
            names: NAMES.map(String::from).to_vec(),
            microvolts: std::mem::replace(&mut self.chunk, vec![Vec::new(); NAMES.len()]),
            bursts: Vec::new(),
        })
    }

    fn field(&mut self, tick: u64) -> FieldFrame {
        let keep = 1.0 - 0.02 * (1 << self.band.min(5)) as f32 / 8.0;
        for sheet in &mut self.sheets {
            sheet.step(&mut self.noise, keep);
        }
        let seconds = tick as f32 / 1_000.0;
        let images = (0..).zip(&self.sheets).map(|(array, sheet)| sheet.image(array, seconds)).collect();
        FieldFrame { tick: Tick(tick), band: self.band, images, captured: None }
    }
}

fn main() -> napot::error::Result<()> {
    let number = |place| std::env::args().nth(place).and_then(|text| text.parse::<u16>().ok());
    let seconds = u64::from(number(2).unwrap_or(u16::MAX));
    let (mut field, field_out) = latest(&FieldFrame::default());
    let (mut input, input_out) = latest(&InputPicture::default());
    let (mut figures, status_out) = latest(&Status::default());
    let (traces, traces_out) = crossbeam_channel::bounded(64);
    let (mut sound, sound_out, _) = ring(48_000);
    let (control, wishes) = crossbeam_channel::bounded(4);
    let shape = |height, width| SheetShape { height, width, bands: 8 };
    let about = About {
        title: "demo".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        seed: 1,
        arrays: vec![("vision".into(), shape(128, 128)), ("hearing".into(), shape(128, 32))],
        band_hz: BANDS_HZ.to_vec(),
        sources: vec!["made-up room, 256 × 144 at 30 fps".into(), "made-up sound, 48 kHz stereo".into()],
        ..About::default()
    };
    let feeds = Feeds {
        senses: None,
        bell: Bell::default(),
        watched: Arc::default(),
        sent: None,
        field: field_out,
        input: input_out,
        status: status_out,
        traces: traces_out,
        sound: sound_out,
        control,
        about,
    };
    let page = start(
        &ViewParameters { port: number(1).unwrap_or(DEFAULT_PORT), ..ViewParameters::default() },
        feeds,
    )?;
    println!("{}", page.url());

    let clock = WallClock::start();
    let mut run = Run::new();
    for tick in 0..1_000 * seconds {
        clock.wait_until(Tick(tick).start());
        run.sound(tick, &mut sound);
        if let Some(stretch) = run.traces(tick) {
            // A page that takes too little loses traces; the run goes on.
            let _ = traces.try_send(stretch);
        }
        if tick % 33 == 0 {
            for band in wishes.try_iter().filter_map(|wish| match wish {
                Control::ShowBand(band) => Some(band),
                _ => None,
            }) {
                run.band = usize::from(band);
            }
            field.write(run.field(tick));
            input.write(picture(tick as f32 / 1_000.0));
        }
        if tick % 200 == 0 {
            figures.write(status(tick as f64 / 1_000.0, &mut run.noise));
        }
    }
    page.stop();
    Ok(())
}
