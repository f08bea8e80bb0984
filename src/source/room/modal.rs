//! The modes of each material: at which multiples of its pitch a solid rings, how loudly and how long.
//!
//! Ratios are those of idealised bodies (Fletcher & Rossing, "The physics of musical instruments", 2nd ed.):
//! bars with free ends (section 2.15), free circular plates (3.6), glasses (20.1), bells (21.1). Decay times
//! are chosen by ear within the ranges given there; they fall with frequency by each material's loss.

use super::cast::{Material, Part};

/// One mode of vibration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mode {
    pub(super) frequency_hz: f64,
    /// Seconds to fall by 60 dB.
    pub(super) decay_seconds: f64,
    /// Amplitude when struck by an impulse, relative to the body's loudest.
    pub(super) weight: f32,
}

/// A free bar: squares of 3.011, 5, 7, 9, 11, 13 over the first.
const BAR: [(f64, f32); 6] =
    [(1.0, 1.0), (2.756, 0.55), (5.404, 0.35), (8.933, 0.2), (13.34, 0.12), (18.64, 0.06)];
/// A goblet: its rim in two, three, ... waves.
const GLASS: [(f64, f32); 7] =
    [(1.0, 1.0), (2.32, 0.6), (4.25, 0.42), (6.63, 0.28), (9.38, 0.18), (12.2, 0.1), (15.6, 0.05)];
/// A bell tuned to the minor third: hum, prime, tierce, quint, nominal, and up.
const BELL: [(f64, f32); 11] = [
    (0.5, 0.6),
    (1.0, 0.9),
    (1.2, 0.8),
    (1.5, 0.35),
    (2.0, 1.0),
    (2.514, 0.35),
    (2.662, 0.3),
    (3.011, 0.4),
    (4.166, 0.35),
    (5.433, 0.25),
    (6.796, 0.15),
];
/// A free round plate: nodal diameters and circles (2,0), (0,1), (3,0), (1,1), (4,0), (5,0), (2,1), (0,2).
const PLATE: [(f64, f32); 8] = [
    (1.0, 1.0),
    (1.73, 0.75),
    (2.328, 0.6),
    (3.91, 0.42),
    (4.11, 0.3),
    (6.30, 0.22),
    (6.71, 0.16),
    (7.34, 0.12),
];
/// A rubber ball: few modes, soon gone.
const BALL: [(f64, f32); 6] = [(1.0, 1.0), (1.52, 0.7), (2.1, 0.5), (2.9, 0.3), (4.2, 0.15), (6.1, 0.08)];
/// The boards of the floor, in hertz.
const BOARDS: [(f64, f32); 9] = [
    (64.0, 0.8),
    (91.0, 1.0),
    (127.0, 0.8),
    (178.0, 0.6),
    (243.0, 0.45),
    (331.0, 0.3),
    (468.0, 0.2),
    (655.0, 0.12),
    (940.0, 0.08),
];

/// The modes of a solid, lowest pitch first in its table; none above 18 kHz.
pub(super) fn modes(part: &Part) -> Vec<Mode> {
    // Table, decay of the first mode, loss (how much faster a mode dies an octave up), split of each mode.
    let (table, decay_seconds, loss, split): (&[(f64, f32)], f64, f64, f64) = match part.material {
        Material::Wood => (&BAR, 0.42, 0.85, 0.0),
        Material::Glass => (&GLASS, 1.5, 0.75, 0.0),
        Material::Metal => (&BELL, 2.6, 0.65, 0.0022),
        Material::Ceramic => (&PLATE, 0.75, 0.7, 0.0),
        Material::Rubber => (&BALL, 0.16, 0.6, 0.0),
    };
    let mode = |ratio: f64, weight: f32| Mode {
        frequency_hz: part.pitch_hz * ratio,
        decay_seconds: decay_seconds * libm::pow(ratio.max(0.5), -loss),
        weight,
    };
    let halves = table.iter().flat_map(|&(ratio, weight)| {
        // A bell is never quite round: each mode is two that beat.
        let second = (split > 0.0).then(|| mode(ratio * (1.0 + split), 0.45 * weight));
        let share = if split > 0.0 { 0.55 } else { 1.0 };
        [Some(mode(ratio, share * weight)), second].into_iter().flatten()
    });
    halves.filter(|mode| mode.frequency_hz < 18_000.0).collect()
}

/// The modes of the floor and the walls.
pub(super) fn boards() -> Vec<Mode> {
    let mode = |&(hz, weight): &(f64, f32)| Mode {
        frequency_hz: hz,
        decay_seconds: 0.22 * libm::pow(hz / 64.0, -0.5),
        weight,
    };
    BOARDS.iter().map(mode).collect()
}

/// How loudly a material answers a change of speed of one metre per second, full scale 1.
pub(super) fn loudness(material: Material) -> f32 {
    match material {
        Material::Rubber => 0.046,
        Material::Wood => 0.057,
        Material::Glass => 0.036,
        Material::Metal => 0.028,
        Material::Ceramic => 0.042,
    }
}
