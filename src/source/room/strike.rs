//! From an impact to the amplitudes of the modes it excites, and where between the ears it is heard.

use rapier3d::prelude::Vector;

use super::camera::CameraPose;
use super::cast::{Part, Solid};
use super::modal::{self, Mode};
use super::world::{Impact, Other};
use crate::time::SAMPLE_RATE;

/// Hardness of the floor and the walls.
const BOARD_HARDNESS: f32 = 0.55;
/// Modes of one body at most: the split bell's.
pub(super) const MOST_MODES: usize = 22;
/// Sound frames over which a strike's peak is looked for: 12 ms hold half a period of the lowest mode.
const PEAK_FRAMES: usize = 576;

/// What one body is given by a strike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Excitation {
    /// The solid, or `None` for the boards.
    pub(super) body: Option<usize>,
    /// Amplitude per mode.
    pub(super) amplitudes: [f32; MOST_MODES],
    /// Gains of the two ears.
    pub(super) gains: [f32; 2],
}

/// One impact as the synthesiser takes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strike {
    pub(super) excitations: [Excitation; 2],
    /// Amplitude of the contact's own short noise, and the frequency to which it and the modes reach.
    pub(super) click: f32,
    pub(super) cutoff_hz: f32,
    /// Place between the ears, -1 to 1, and the gains of the ears there.
    pub(super) pan: f32,
    pub(super) gains: [f32; 2],
}

/// Knows all bodies' modes.
#[derive(Clone, Debug)]
pub(super) struct Striker {
    parts: Vec<Part>,
    masses: Vec<f32>,
    modes: Vec<Vec<Mode>>,
    boards: Vec<Mode>,
}

impl Striker {
    pub(super) fn new(parts: &[Part]) -> Self {
        Self {
            masses: parts.iter().map(mass).collect(),
            modes: parts.iter().map(modal::modes).collect(),
            boards: modal::boards(),
            parts: parts.to_vec(),
        }
    }

    pub(super) fn modes(&self, body: Option<usize>) -> &[Mode] {
        body.map_or(&self.boards, |body| &self.modes[body])
    }

    /// What an impact excites, heard from `pose`; `centre` gives where a solid is.
    pub(super) fn strike(
        &self,
        impact: &Impact,
        pose: &CameraPose,
        centre: impl Fn(usize) -> Vector,
    ) -> Strike {
        let hardness = |body: usize| self.parts[body].material.hardness();
        let other = match impact.other {
            Other::Plane(_) => BOARD_HARDNESS,
            Other::Body(other) => hardness(other),
        };
        let own = hardness(impact.body);
        // Two springs in series: the softer decides.
        let hard = 2.0 * own * other / (own + other);
        let brisk = 0.6 + 0.25 * impact.speed.min(4.0);
        let cutoff_hz = 420.0 * libm::exp2f(4.8 * hard) * brisk;
        let (pan, gains) = hear(pose, impact.place);
        let excite = |body: Option<usize>| {
            let ears = body.map_or(gains, |body| hear(pose, centre(body)).1);
            let local = body.map_or(impact.place, |body| impact.place - centre(body));
            self.excite(body, impact.impulse, cutoff_hz, local, ears)
        };
        let second = match impact.other {
            Other::Plane(_) => None,
            Other::Body(other) => Some(other),
        };
        let change = impact.impulse / self.masses[impact.body];
        let click = 0.04 * compress(change) * hard;
        Strike { excitations: [excite(Some(impact.body)), excite(second)], click, cutoff_hz, pan, gains }
    }

    fn excite(
        &self,
        body: Option<usize>,
        impulse: f32,
        cutoff_hz: f32,
        local: Vector,
        gains: [f32; 2],
    ) -> Excitation {
        let level = match body {
            Some(body) => modal::loudness(self.parts[body].material) * compress(impulse / self.masses[body]),
            // Heavy things shake the boards more than light ones.
            None => 0.034 * compress(impulse / 6.0),
        };
        // Where a body is struck decides how much of each mode it answers with.
        let along = (local.x * 3.1 + local.y * 2.3 + local.z * 3.7).abs();
        let mut amplitudes = [0.0; MOST_MODES];
        for (number, (amplitude, mode)) in amplitudes.iter_mut().zip(self.modes(body)).enumerate() {
            let shape = libm::cosf(along + (number * number) as f32 * 1.9);
            let bright = mode.frequency_hz as f32 / cutoff_hz;
            // Modes differ in sign as their shapes do, or all would add up to one thump at the start.
            let share = if shape < 0.0 { shape * 0.55 - 0.45 } else { shape * 0.55 + 0.45 };
            *amplitude = level * mode.weight * share / (1.0 + bright * bright);
        }
        Excitation { body, amplitudes, gains }
    }

    /// The largest amplitude of a strike's sound in the louder ear.
    pub(super) fn peak(&self, strike: &Strike) -> f32 {
        let mut ears = [[0.0f32; 2]; PEAK_FRAMES];
        for excitation in &strike.excitations {
            for (mode, amplitude) in self.modes(excitation.body).iter().zip(excitation.amplitudes) {
                let [cosine, sine] = rotor(mode);
                let (mut re, mut im) = (amplitude, 0.0f32);
                for frame in &mut ears {
                    frame[0] += im * excitation.gains[0];
                    frame[1] += im * excitation.gains[1];
                    (re, im) = (re * cosine - im * sine, re * sine + im * cosine);
                }
            }
        }
        let most = |ear: usize| ears.iter().fold(0.0f32, |most, frame| most.max(frame[ear].abs()));
        let click = strike.click * 0.5;
        (most(0) + click * strike.gains[0]).max(most(1) + click * strike.gains[1])
    }
}

/// A mode's turn per sound frame, damped: its real and imaginary part.
pub(super) fn rotor(mode: &Mode) -> [f32; 2] {
    let rate = f64::from(SAMPLE_RATE);
    // 60 dB are a factor of 1000.
    let radius = libm::exp(-core::f64::consts::LN_10 * 3.0 / (mode.decay_seconds * rate));
    let angle = core::f64::consts::TAU * mode.frequency_hz / rate;
    [(radius * libm::cos(angle)) as f32, (radius * libm::sin(angle)) as f32]
}

/// Place between the ears and the ears' gains of a sound at `place`: equal power, with the distance.
pub(super) fn hear(pose: &CameraPose, place: Vector) -> (f32, [f32; 2]) {
    let [x, y, z] = pose.to_camera(place.to_array());
    let level = (x * x + z * z).sqrt().max(1e-3);
    // A little wider than it is seen.
    let pan = (1.45 * x / level).clamp(-1.0, 1.0);
    let distance = (x * x + y * y + z * z).sqrt();
    let near = (2.5 / distance.max(1e-3)).clamp(0.5, 1.7);
    let angle = (pan + 1.0) * core::f32::consts::FRAC_PI_4;
    (pan, [near * libm::cosf(angle), near * libm::sinf(angle)])
}

/// Changes of speed as the ear is given them: a little closer together than they are.
fn compress(change: f32) -> f32 {
    libm::powf(change.min(12.0), 0.9)
}

/// Mass in kilograms.
fn mass(part: &Part) -> f32 {
    let pi = core::f32::consts::PI;
    let volume = match part.solid {
        Solid::Ball { radius } => 4.0 / 3.0 * pi * radius * radius * radius,
        Solid::Block { half } => 8.0 * half.x * half.y * half.z,
        Solid::Capsule { radius, half_length } => {
            pi * radius * radius * (2.0 * half_length + 4.0 / 3.0 * radius)
        }
    };
    volume * part.material.density()
}
