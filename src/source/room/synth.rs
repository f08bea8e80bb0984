//! The synthesiser: banks of damped modes that strikes set ringing, the soft noise of rolling and sliding,
//! the room's echo and a limiter that never lets full scale through.
//!
//! Modal synthesis after van den Doel & Pai, "The sounds of physical shapes", Presence 7(4), 1998: a struck
//! body is a sum of damped sines, each started at its zero by the strike.

use rapier3d::prelude::Vector;

use super::camera::CameraPose;
use super::reverb::{Reverb, flush};
use super::strike::{MOST_MODES, Strike, Striker, hear, rotor};
use super::world::Rub;
use crate::time::{SAMPLE_RATE, SAMPLES_PER_TICK};

/// A mode below this amplitude is at rest.
const REST: f32 = 1e-6;
/// Level of the air in the room: what is heard when nothing is.
const AIR: f32 = 1.8e-3;
/// The limiter is straight up to here and never reaches its ceiling.
const STRAIGHT: f32 = 0.5;
const CEILING: f32 = 0.98;
/// Seconds to fall by 60 dB of a contact's own noise.
const CLICK_SECONDS: f64 = 0.012;

/// One damped mode: a number that turns and shrinks.
#[derive(Clone, Copy, Debug, Default)]
struct Resonator {
    cosine: f32,
    sine: f32,
    re: f32,
    im: f32,
}

/// The modes of one body and its rolling noise.
#[derive(Clone)]
struct Bank {
    modes: Vec<Resonator>,
    ringing: bool,
    gains: [f32; 2],
    noise: Noise,
    /// Smoothed level and brightness of the rolling noise, and its filter's memory.
    roll: f32,
    filter: [f32; 2],
}

/// Turns strikes and motion into sound, one millisecond at a time.
#[derive(Clone)]
pub(super) struct Synth {
    banks: Vec<Bank>,
    /// The boards ring once for each ear, so that each thud stays where it was.
    boards: [Vec<Resonator>; 2],
    boards_ringing: bool,
    click: Click,
    air: [Air; 2],
    reverb: Reverb,
}

impl Synth {
    pub(super) fn new(striker: &Striker, bodies: usize) -> Self {
        let resonators = |body: Option<usize>| -> Vec<Resonator> {
            let resonator = |mode| {
                let [cosine, sine] = rotor(mode);
                Resonator { cosine, sine, re: 0.0, im: 0.0 }
            };
            striker.modes(body).iter().map(resonator).collect()
        };
        let bank = |body: usize| Bank {
            modes: resonators(Some(body)),
            ringing: false,
            gains: [0.0; 2],
            noise: Noise(0x9E37_79B9 ^ (body as u32 + 1).wrapping_mul(0x85EB_CA6B)),
            roll: 0.0,
            filter: [0.0; 2],
        };
        Self {
            banks: (0..bodies).map(bank).collect(),
            boards: [resonators(None), resonators(None)],
            boards_ringing: false,
            click: Click::new(),
            air: [Air::new(0x1234_5677), Air::new(0x7654_3211)],
            reverb: Reverb::new(),
        }
    }

    /// Sets the bodies of a strike ringing, from the next sound frame on.
    pub(super) fn strike(&mut self, strike: &Strike) {
        for excitation in &strike.excitations {
            let amplitudes = &excitation.amplitudes;
            if let Some(body) = excitation.body {
                let bank = &mut self.banks[body];
                excite(&mut bank.modes, amplitudes, 1.0);
                bank.ringing = true;
            } else {
                for (boards, gain) in self.boards.iter_mut().zip(excitation.gains) {
                    excite(boards, amplitudes, gain);
                }
                self.boards_ringing = true;
            }
        }
        self.click.start(strike);
    }

    /// Appends one millisecond of sound to `out`.
    pub(super) fn render(
        &mut self,
        pose: &CameraPose,
        rubs: &[Rub],
        centre: impl Fn(usize) -> Vector,
        out: &mut Vec<[f32; 2]>,
    ) {
        let mut mix = [[0.0f32; 2]; SAMPLES_PER_TICK];
        for (body, bank) in self.banks.iter_mut().enumerate() {
            bank.render(rubs[body], hear(pose, centre(body)).1, &mut mix);
        }
        if self.boards_ringing {
            self.boards_ringing = false;
            for (ear, boards) in self.boards.iter_mut().enumerate() {
                let mut mono = [0.0; SAMPLES_PER_TICK];
                self.boards_ringing |= ring(boards, &mut mono);
                mix.iter_mut().zip(mono).for_each(|(frame, x)| frame[ear] += x);
            }
        }
        self.click.render(&mut mix);
        for frame in mix {
            let wet = self.reverb.next(frame);
            out.push(std::array::from_fn(|ear| limit(frame[ear] + wet[ear] + self.air[ear].next())));
        }
    }
}

impl Bank {
    fn render(&mut self, rub: Rub, target: [f32; 2], mix: &mut [[f32; 2]; SAMPLES_PER_TICK]) {
        let from = self.gains;
        self.gains = target;
        // Louder with speed, up to a bound far below any impact.
        let wanted = 0.006 * rub.roll.min(1.5) + 0.010 * rub.slip.min(1.2);
        let start = self.roll;
        self.roll = flush(self.roll + 0.022 * (wanted - self.roll));
        if !self.ringing && self.roll.max(start) < 1e-5 {
            return;
        }
        let mut mono = [0.0; SAMPLES_PER_TICK];
        if self.roll.max(start) >= 1e-5 {
            self.rumble(start, &mut mono);
        }
        if self.ringing {
            self.ringing = ring(&mut self.modes, &mut mono);
        }
        for (i, (frame, x)) in mix.iter_mut().zip(mono).enumerate() {
            let part = i as f32 / SAMPLES_PER_TICK as f32;
            for ear in 0..2 {
                frame[ear] += x * (from[ear] + (target[ear] - from[ear]) * part);
            }
        }
    }

    /// Adds rolling noise, darker when slow, and lets it shake the body's lowest modes a little.
    fn rumble(&mut self, start: f32, mono: &mut [f32; SAMPLES_PER_TICK]) {
        let brightness = (0.02 + 9.0 * self.roll).min(0.25);
        let mut drive = 0.0;
        for (i, out) in mono.iter_mut().enumerate() {
            let level = start + (self.roll - start) * (i as f32 / SAMPLES_PER_TICK as f32);
            let white = self.noise.next() * level;
            self.filter[0] += brightness * (white - self.filter[0]);
            self.filter[1] += brightness * (self.filter[0] - self.filter[1]);
            *out = self.filter[1] * 2.0;
            drive += self.filter[1];
        }
        self.filter = self.filter.map(flush);
        if let Some(lowest) = self.modes.first_mut() {
            lowest.re += drive * 0.012;
            self.ringing = true;
        }
    }
}

fn excite(modes: &mut [Resonator], amplitudes: &[f32; MOST_MODES], gain: f32) {
    for (mode, amplitude) in modes.iter_mut().zip(amplitudes) {
        mode.re += amplitude * gain;
    }
}

/// Adds a millisecond of the modes to `mono`; says whether any goes on.
fn ring(modes: &mut [Resonator], mono: &mut [f32; SAMPLES_PER_TICK]) -> bool {
    let mut ringing = false;
    for mode in modes {
        let Resonator { cosine, sine, mut re, mut im } = *mode;
        if re == 0.0 && im == 0.0 {
            continue;
        }
        for out in mono.iter_mut() {
            *out += im;
            (re, im) = (re * cosine - im * sine, re * sine + im * cosine);
        }
        if re.abs() + im.abs() < REST {
            (re, im) = (0.0, 0.0);
        } else {
            ringing = true;
        }
        (mode.re, mode.im) = (re, im);
    }
    ringing
}

/// The short noise of a contact itself.
#[derive(Clone)]
struct Click {
    noise: Noise,
    level: [f32; 2],
    decay: f32,
    cutoff: f32,
    filter: f32,
}

impl Click {
    fn new() -> Self {
        let decay = libm::exp(-core::f64::consts::LN_10 * 3.0 / (CLICK_SECONDS * f64::from(SAMPLE_RATE)));
        Self { noise: Noise(0x2545_F491), level: [0.0; 2], decay: decay as f32, cutoff: 0.1, filter: 0.0 }
    }

    fn start(&mut self, strike: &Strike) {
        for (level, gain) in self.level.iter_mut().zip(strike.gains) {
            *level += strike.click * gain;
        }
        let angle = core::f32::consts::TAU * strike.cutoff_hz / SAMPLE_RATE as f32;
        self.cutoff = angle / (1.0 + angle);
    }

    fn render(&mut self, mix: &mut [[f32; 2]; SAMPLES_PER_TICK]) {
        if self.level[0].max(self.level[1]) < REST {
            self.level = [0.0; 2];
            return;
        }
        for frame in mix {
            self.filter = flush(self.filter + self.cutoff * (self.noise.next() - self.filter));
            for (out, level) in frame.iter_mut().zip(&mut self.level) {
                *out += *level * self.filter;
                *level *= self.decay;
            }
        }
    }
}

/// Dark noise so soft that it only takes the edge off silence.
#[derive(Clone)]
struct Air {
    noise: Noise,
    filter: f32,
}

impl Air {
    fn new(seed: u32) -> Self {
        Self { noise: Noise(seed), filter: 0.0 }
    }

    fn next(&mut self) -> f32 {
        self.filter += 0.08 * (self.noise.next() - self.filter);
        self.filter * AIR * 5.0
    }
}

/// White noise from -1 to 1 (Marsaglia, "Xorshift RNGs", 2003).
#[derive(Clone)]
struct Noise(u32);

impl Noise {
    #[inline]
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0.cast_signed() as f32 * (1.0 / 2_147_483_648.0)
    }
}

/// Straight up to half of full scale, then ever flatter.
#[inline]
fn limit(x: f32) -> f32 {
    let over = x.abs() - STRAIGHT;
    if over <= 0.0 {
        return x;
    }
    let room = CEILING - STRAIGHT;
    (STRAIGHT + room * over / (room + over)) * x.signum()
}

#[cfg(test)]
mod tests {
    use super::limit;

    #[test]
    fn the_limiter_leaves_soft_sounds_alone_and_holds_any_other_below_full_scale() {
        assert!((limit(-0.4) + 0.4).abs() < f32::EPSILON);
        assert!(limit(0.6) < 0.6 && limit(0.6) > 0.55);
        assert!(limit(1e6) <= 0.98 && limit(-1e6) >= -0.98);
    }
}
