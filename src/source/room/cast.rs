//! Who is in the room: each solid's shape, material, colours, pitch and place at the start, from the seed.

use rapier3d::prelude::Vector;

use crate::random::Stream;

/// What a solid is made of: decides density, bounce, looks and sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Material {
    Rubber,
    Wood,
    Glass,
    Metal,
    Ceramic,
}

impl Material {
    /// Kilograms per cubic metre; hollow where the real one would dwarf the rest.
    pub(super) fn density(self) -> f32 {
        match self {
            Self::Rubber => 500.0,
            Self::Wood => 600.0,
            Self::Glass => 900.0,
            Self::Metal => 1200.0,
            Self::Ceramic => 800.0,
        }
    }

    /// Coefficient of restitution.
    pub(super) fn restitution(self) -> f32 {
        match self {
            Self::Rubber => 0.95,
            Self::Wood => 0.25,
            Self::Glass => 0.65,
            Self::Metal => 0.5,
            Self::Ceramic => 0.3,
        }
    }

    /// Coefficient of friction.
    pub(super) fn friction(self) -> f32 {
        match self {
            Self::Rubber => 0.8,
            Self::Wood => 0.45,
            Self::Glass | Self::Metal | Self::Ceramic => 0.25,
        }
    }

    /// Hardness of the surface from 0 (felt) to 1 (steel): short contacts excite high modes.
    pub(super) fn hardness(self) -> f32 {
        match self {
            Self::Rubber => 0.2,
            Self::Wood => 0.55,
            Self::Ceramic => 0.8,
            Self::Glass => 0.85,
            Self::Metal => 0.95,
        }
    }

    /// Mirror reflectance at normal incidence.
    pub(super) fn reflectance(self) -> f32 {
        match self {
            Self::Rubber => 0.0,
            Self::Wood => 0.02,
            Self::Ceramic => 0.05,
            Self::Glass => 0.09,
            Self::Metal => 0.38,
        }
    }

    /// Strength and exponent (a power of two, as its logarithm) of the highlight.
    pub(super) fn highlight(self) -> (f32, u32) {
        match self {
            Self::Rubber => (0.10, 4),
            Self::Wood => (0.16, 5),
            Self::Ceramic => (0.55, 7),
            Self::Glass => (0.9, 8),
            Self::Metal => (0.9, 6),
        }
    }
}

/// A shape, in metres, centred on the origin of its own frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Solid {
    /// A sphere.
    Ball { radius: f32 },
    /// A box with these half extents.
    Block { half: Vector },
    /// A cylinder along y with round ends.
    Capsule { radius: f32, half_length: f32 },
}

impl Solid {
    /// The radius of the smallest sphere about the centre that holds it.
    pub(super) fn bound(self) -> f32 {
        match self {
            Self::Ball { radius } => radius,
            Self::Block { half } => half.length(),
            Self::Capsule { radius, half_length } => radius + half_length,
        }
    }
}

/// How a solid is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// Six sectors with caps, a beach ball.
    Sectors,
    /// Bands across the y axis.
    Bands,
    /// A checker in all three directions.
    Checker,
    /// Year rings.
    Grain,
    /// Veins, a glass marble.
    Swirl,
    /// Round spots.
    Dots,
}

/// One of the cast.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) solid: Solid,
    pub(super) material: Material,
    pub(super) pattern: Pattern,
    /// Main colour, linear light.
    pub(super) colour: Vector,
    /// Second colour, linear light.
    pub(super) accent: Vector,
    /// Lowest tuned mode in hertz.
    pub(super) pitch_hz: f64,
    /// Where its centre starts.
    pub(super) start: Vector,
    /// Its first spin in radians per second.
    pub(super) spin: Vector,
}

/// What takes turns as the cast is filled: material, shape (0 ball, 1 block, 2 capsule), pattern.
const TYPES: [(Material, u8, Pattern); 8] = [
    (Material::Rubber, 0, Pattern::Sectors),
    (Material::Wood, 1, Pattern::Grain),
    (Material::Glass, 0, Pattern::Swirl),
    (Material::Metal, 2, Pattern::Bands),
    (Material::Ceramic, 1, Pattern::Checker),
    (Material::Metal, 0, Pattern::Bands),
    (Material::Wood, 2, Pattern::Bands),
    (Material::Ceramic, 0, Pattern::Dots),
];

/// Saturated colours that keep apart in hue, sRGB.
const COLOURS: [[u8; 3]; 8] = [
    [232, 62, 72],
    [250, 173, 20],
    [0, 160, 150],
    [38, 110, 220],
    [140, 70, 200],
    [98, 180, 50],
    [240, 98, 160],
    [240, 112, 32],
];

/// The major pentatonic scale as frequency ratios: any two notes of it sound well together.
const SCALE: [f64; 5] = [1.0, 9.0 / 8.0, 5.0 / 4.0, 3.0 / 2.0, 5.0 / 3.0];

/// The cast of `count` solids that belongs to `seed`.
pub(super) fn cast(seed: u64, count: usize) -> Vec<Part> {
    let mut stream = Stream::new(seed, 0x0CA5);
    let first_colour = stream.word() as usize;
    let root_hz = 146.83 * libm::exp2(f64::from(stream.word() % 7) / 12.0 - 0.25);
    // With many solids each is smaller, so that the floor never fills up.
    let scale = libm::sqrtf(6.0 / (count.max(6) as f32));
    (0..count).map(|index| part(&mut stream, index, first_colour, root_hz, scale)).collect()
}

fn part(stream: &mut Stream, index: usize, first_colour: usize, root_hz: f64, scale: f32) -> Part {
    let (material, shape, pattern) = TYPES[index % TYPES.len()];
    let mut size = |low: f64, high: f64| stream.between(low, high) as f32 * scale;
    let solid = match shape {
        0 => Solid::Ball { radius: size(0.17, 0.27) },
        1 => Solid::Block { half: Vector::new(size(0.15, 0.25), size(0.13, 0.2), size(0.15, 0.25)) },
        _ => Solid::Capsule { radius: size(0.11, 0.15), half_length: size(0.14, 0.24) },
    };
    let colour = linear(COLOURS[(first_colour + 3 * index) % COLOURS.len()]);
    let accent = match material {
        Material::Wood => colour * 0.42,
        Material::Metal => Vector::new(0.80, 0.78, 0.74),
        Material::Glass => colour * 0.18 + Vector::new(0.02, 0.03, 0.05),
        Material::Rubber | Material::Ceramic => Vector::new(0.86, 0.84, 0.78),
    };
    // A grid of places, so that no two start inside each other; each begins with a fall.
    let (column, row) = ((index % 4) as f32, ((index / 4) % 3) as f32);
    let jitter = stream.between(-0.04, 0.04) as f32;
    let height = 0.5 + 0.8 * ((index / 12) as f32) + 0.07 * ((index % 12) as f32);
    let start = Vector::new(-1.14 + 0.76 * column + jitter, height, -1.1 + 0.7 * row);
    let mut turn = || stream.between(-4.0, 4.0) as f32;
    let spin = Vector::new(turn(), turn(), turn());
    Part {
        solid,
        material,
        pattern,
        colour,
        accent,
        pitch_hz: pitch(material, solid, index, root_hz),
        start,
        spin,
    }
}

/// The note of the scale that lies nearest to what the size asks for, in the material's register.
fn pitch(material: Material, solid: Solid, index: usize, root_hz: f64) -> f64 {
    let register_hz = match material {
        Material::Rubber => 95.0,
        Material::Wood => 330.0,
        Material::Glass => 1250.0,
        Material::Metal => 520.0,
        Material::Ceramic => 760.0,
    };
    // Frequencies of a solid of given proportions go with one over its size.
    let wanted = register_hz * 0.24 / f64::from(solid.bound()).max(0.05);
    let octave = libm::exp2(libm::floor(libm::log2(wanted / root_hz)));
    let mut best = root_hz * octave;
    for (step, ratio) in SCALE.iter().chain([2.0].iter()).enumerate() {
        let note = root_hz * octave * ratio;
        // Neighbours in the cast lean apart, so that six solids make a chord and not one note.
        let lean = 1.0 + 0.04 * ((step + index) % 3) as f64;
        let distance = |hz: f64| libm::fabs(libm::log2(hz / wanted));
        if distance(note) * lean < distance(best) {
            best = note;
        }
    }
    best
}

/// Linear light of an sRGB colour (IEC 61966-2-1).
pub(super) fn linear(srgb: [u8; 3]) -> Vector {
    let channel = |byte: u8| {
        let value = f32::from(byte) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { libm::powf((value + 0.055) / 1.055, 2.4) }
    };
    Vector::new(channel(srgb[0]), channel(srgb[1]), channel(srgb[2]))
}
