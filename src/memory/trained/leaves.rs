//! Pictures of dead leaves: opaque shapes that fell on one another, of all sizes, the newest on top.
//!
//! Radii have the density `r^-3` between two bounds, so every scale covers as much as any other, and edges, occlusions
//! and sizes have the statistics of photographs. A restorer that is trained on them alone comes near one that is trained
//! on photographs.
//!
//! | part | law |
//! |---|---|
//! | radius | `r^-3`, from a smallest that differs from picture to picture up to half the side |
//! | shape | disc, ellipse, wobbling blob, rectangle, polygon, long strip |
//! | colour | log-normal light; chroma normal along orange-blue and, half as wide, along green-magenta |
//! | on a leaf | a slope of light, and on some a grating or noise of several octaves |
//! | last | means of 2 x 2 points, and on half of the pictures a slight blur |
//!
//! Leaves are laid from the newest down, and each only where nothing lies yet: that is an exact sample of the endless rain
//! (Kendall and Thönnes, Pattern Recognition 32:1569, 1999). Sources: Achddou, Gousseau, Ladjal, "Synthetic images as a
//! regularity prior for image restoration neural networks", SSVM 2021; Lee, Mumford, Huang, IJCV 41:35 (2001); chroma:
//! Ruderman, Cronin, Chiao, J Opt Soc Am A 15:2036 (1998).

use core::f32::consts::TAU;

use crate::random::Stream;

/// Points of a pixel in a row and in a column.
const FINE: usize = 2;
/// The side of the noise that leaves are textured by.
const TILE: usize = 128;
/// Leaves after which what is still bare takes the last one's colour: some hundred times what a picture needs.
const MOST_LEAVES: usize = 4_000_000;
/// Draws of pictures, set apart from other uses of the generator under the same seed.
const LEAVES: u32 = 0x4C45_4146;

/// Number `number` of the pictures of `seed`: `side x side` pixels, three bytes of sRGB each.
#[must_use]
pub fn leaves(seed: u64, number: u32, side: usize) -> Vec<u8> {
    let mut draws = Stream::new(seed ^ (u64::from(LEAVES) << 32), number);
    let points = side * FINE;
    let rain = Rain::of(&mut draws, points);
    let mut bare = vec![true; points * points];
    let mut light = vec![[0.0f32; 3]; points * points];
    let mut left = bare.len();
    for _ in 0..MOST_LEAVES {
        if left == 0 {
            break;
        }
        let leaf = rain.leaf(&mut draws);
        leaf.cover(points, &mut bare, |at, y, x| {
            left -= 1;
            light[at] = leaf.light(&rain, y, x);
        });
    }
    let mut small = gathered(&light, side);
    for _ in 0..rain.blurs {
        small = blurred(&small, side);
    }
    small.into_iter().flatten().map(|x| (x.clamp(0.0, 1.0) * 255.0).round() as u8).collect()
}

/// What all leaves of a picture have in common.
struct Rain {
    points: f32,
    smallest: f32,
    largest: f32,
    /// Middle and spread of the logarithm of light.
    light: [f32; 2],
    chroma: f32,
    /// The share of leaves that have a texture, and how strong it is.
    textured: f32,
    strength: f32,
    round: f32,
    noise: Vec<f32>,
    blurs: usize,
}

impl Rain {
    fn of(draws: &mut Stream, points: usize) -> Self {
        let mut between = |low: f64, high: f64| draws.between(low, high) as f32;
        let smallest = 1.2 * libm::expf(between(0.3, 3.8));
        let (middle, spread) = (between(-1.7, -0.6), between(0.25, 0.8));
        let (chroma, textured) = (between(0.0, 0.14), between(0.0, 0.9));
        let (strength, round) = (between(0.02, 0.25), between(0.0, 1.0));
        let blurs = (between(-1.0, 4.0).max(0.0)) as usize;
        let points = points as f32;
        Self {
            points,
            smallest,
            largest: points / 2.0,
            light: [middle, spread],
            chroma,
            textured,
            strength,
            round,
            noise: octaves(draws),
            blurs,
        }
    }

    /// The next leaf that fell.
    fn leaf(&self, draws: &mut Stream) -> Leaf {
        let u = draws.uniform() as f32;
        let (a, b) = (1.0 / (self.smallest * self.smallest), 1.0 / (self.largest * self.largest));
        let radius = 1.0 / (a + u * (b - a)).sqrt();
        let reach = f64::from(self.points + 2.0 * self.largest.min(2.0 * radius));
        let from = f64::from(self.points) - reach;
        let centre = [0, 1].map(|_| draws.between(from, reach) as f32);
        let turn = draws.between(0.0, f64::from(TAU)) as f32;
        let shape = Shape::of(draws, radius, self.round);
        let level = libm::expf(self.light[0] + self.light[1] * draws.normal() as f32).min(1.05);
        let (warm, green) = (self.chroma * draws.normal() as f32, 0.5 * self.chroma * draws.normal() as f32);
        let ink = [level * (1.0 + warm + green), level * (1.0 - green), level * (1.0 - warm + green)];
        let slope = [0, 1].map(|_| 0.15 * draws.normal() as f32 / radius);
        let texture = if (draws.uniform() as f32) < self.textured {
            let strength = self.strength * draws.normal() as f32;
            if draws.uniform() < 0.35 {
                let period = 3.0 * libm::expf(draws.between(0.0, 2.5) as f32);
                Texture::Grating { strength, wave: TAU / period, along: draws.between(0.0, 3.2) as f32 }
            } else {
                let scale = 0.25 * libm::expf(draws.between(0.0, 1.8) as f32);
                let start = [0, 1].map(|_| draws.between(0.0, TILE as f64) as f32);
                Texture::Noise { strength: 2.0 * strength, scale, start }
            }
        } else {
            Texture::None
        };
        let (sine, cosine) = (libm::sinf(turn), libm::cosf(turn));
        Leaf { centre, turn: [sine, cosine], radius, shape, ink, slope, texture }
    }
}

/// The outline of a leaf, in units of points, before it is turned.
enum Shape {
    Ellipse {
        high: f32,
        wide: f32,
    },
    /// A circle whose radius wobbles.
    Blob {
        radius: f32,
        waves: [(f32, f32); 3],
    },
    Box {
        high: f32,
        wide: f32,
    },
    /// What lies within all of these half-planes: direction and distance.
    Polygon {
        sides: Vec<([f32; 2], f32)>,
    },
    /// A bent strip.
    Strip {
        half: f32,
        wide: f32,
        bend: f32,
    },
}

impl Shape {
    fn of(draws: &mut Stream, radius: f32, round: f32) -> Self {
        let kind = draws.uniform() as f32;
        let ratio = libm::expf(draws.between(-1.1, 0.0) as f32);
        if draws.uniform() < 0.15 {
            let half = (0.04 + 0.2 * draws.uniform() as f32) * radius;
            return Self::Strip {
                half: half.max(0.8),
                wide: 1.6 * radius,
                bend: draws.normal() as f32 * 0.3 / radius,
            };
        }
        if (draws.uniform() as f32) < round {
            return match kind {
                x if x < 0.4 => Self::Ellipse { high: radius, wide: radius },
                x if x < 0.7 => Self::Ellipse { high: radius * ratio, wide: radius },
                _ => {
                    let mut wave = |most: f64| {
                        (draws.between(0.0, most) as f32, draws.between(0.0, f64::from(TAU)) as f32)
                    };
                    Self::Blob { radius, waves: [wave(0.3), wave(0.2), wave(0.1)] }
                }
            };
        }
        if kind < 0.5 {
            return Self::Box { high: 0.9 * radius * ratio, wide: 0.9 * radius };
        }
        let corners = 3 + (draws.uniform() * 4.0) as usize;
        let sides = (0..corners).map(|corner| {
            let angle = (corner as f32 + draws.between(-0.3, 0.3) as f32) * TAU / corners as f32;
            let away = radius * draws.between(0.45, 0.9) as f32;
            ([libm::sinf(angle), libm::cosf(angle)], away)
        });
        Self::Polygon { sides: sides.collect() }
    }

    fn holds(&self, v: f32, u: f32) -> bool {
        match self {
            Self::Ellipse { high, wide } => {
                let (v, u) = (v / high, u / wide);
                v * v + u * u <= 1.0
            }
            Self::Blob { radius, waves } => {
                let angle = libm::atan2f(v, u);
                let wobble: f32 = waves
                    .iter()
                    .zip([2.0, 3.0, 5.0])
                    .map(|((much, phase), n)| much * libm::cosf(n * angle + phase))
                    .sum();
                let edge = radius * (0.75 + 0.6 * wobble);
                v * v + u * u <= edge * edge && edge > 0.0
            }
            Self::Box { high, wide } => v.abs() <= *high && u.abs() <= *wide,
            Self::Polygon { sides } => sides.iter().all(|([a, b], away)| a * v + b * u <= *away),
            Self::Strip { half, wide, bend } => u.abs() <= *wide && (v - bend * u * u).abs() <= *half,
        }
    }
}

/// What is on a leaf.
enum Texture {
    None,
    Grating { strength: f32, wave: f32, along: f32 },
    Noise { strength: f32, scale: f32, start: [f32; 2] },
}

struct Leaf {
    centre: [f32; 2],
    turn: [f32; 2],
    radius: f32,
    shape: Shape,
    ink: [f32; 3],
    slope: [f32; 2],
    texture: Texture,
}

impl Leaf {
    /// Calls `lay` for every bare point that it covers: its place in the sheet, and from the leaf's centre. Most leaves fall where
    /// little is bare, so that is asked first.
    fn cover(&self, points: usize, bare: &mut [bool], mut lay: impl FnMut(usize, f32, f32)) {
        // No shape reaches further than a blob or a strip does.
        let reach = 1.8 * self.radius + 2.0;
        let bounds = |middle: f32| {
            let last = (middle + reach).clamp(-1.0, points as f32 - 1.0);
            ((middle - reach).clamp(0.0, points as f32) as usize, (last + 1.0) as usize)
        };
        let ((top, bottom), (left, right)) = (bounds(self.centre[0]), bounds(self.centre[1]));
        let [sine, cosine] = self.turn;
        for y in top..bottom {
            let dy = y as f32 - self.centre[0];
            for x in left..right {
                let at = y * points + x;
                let dx = x as f32 - self.centre[1];
                if bare[at] && self.shape.holds(cosine * dy - sine * dx, sine * dy + cosine * dx) {
                    bare[at] = false;
                    lay(at, dy, dx);
                }
            }
        }
    }

    fn light(&self, rain: &Rain, dy: f32, dx: f32) -> [f32; 3] {
        let shade = (1.0 + self.slope[0] * dy + self.slope[1] * dx).max(0.1);
        let texture = match &self.texture {
            Texture::None => 1.0,
            Texture::Grating { strength, wave, along } => {
                let place = dy * libm::sinf(*along) + dx * libm::cosf(*along);
                1.0 + strength * libm::sinf(place * wave)
            }
            Texture::Noise { strength, scale, start } => {
                1.0 + strength * looked_up(&rain.noise, start[0] + dy * scale, start[1] + dx * scale)
            }
        };
        self.ink.map(|ink| ink * shade * texture)
    }
}

/// Noise of several octaves on a torus of `TILE x TILE`, each by half as strong as or as strong as the one before.
fn octaves(draws: &mut Stream) -> Vec<f32> {
    let fall = draws.between(0.5, 1.0) as f32;
    let mut sum = vec![0.0; TILE * TILE];
    let (mut cells, mut level, mut power) = (4usize, 1.0f32, 0.0f32);
    while cells <= TILE {
        let grid: Vec<f32> = (0..cells * cells).map(|_| draws.normal() as f32).collect();
        let step = cells as f32 / TILE as f32;
        for (at, sum) in sum.iter_mut().enumerate() {
            let (y, x) = ((at / TILE) as f32 * step, (at % TILE) as f32 * step);
            *sum += level * bilinear(&grid, cells, y, x);
        }
        power += level * level;
        level *= fall;
        cells *= 2;
    }
    let scale = 1.0 / power.sqrt();
    for x in &mut sum {
        *x *= scale;
    }
    sum
}

fn looked_up(tile: &[f32], y: f32, x: f32) -> f32 {
    let side = TILE as f32;
    bilinear(tile, TILE, y - side * (y / side).floor(), x - side * (x / side).floor())
}

/// On a torus, of places from 0 up.
fn bilinear(grid: &[f32], side: usize, y: f32, x: f32) -> f32 {
    let (top, left) = (y as usize, x as usize);
    let (v, u) = (y - top as f32, x - left as f32);
    let at = |y: usize, x: usize| grid[y % side * side + x % side];
    let row = |y: usize| at(y, left) + u * (at(y, left + 1) - at(y, left));
    row(top) + v * (row(top + 1) - row(top))
}

/// Means of every pixel's points.
fn gathered(light: &[[f32; 3]], side: usize) -> Vec<[f32; 3]> {
    let share = 1.0 / (FINE * FINE) as f32;
    let pixel = |at: usize| {
        let (y, x) = (at / side, at % side);
        let mut sum = [0.0; 3];
        for point in 0..FINE * FINE {
            let (v, u) = (y * FINE + point / FINE, x * FINE + point % FINE);
            for (sum, part) in sum.iter_mut().zip(light[v * side * FINE + u]) {
                *sum += share * part;
            }
        }
        sum
    };
    (0..side * side).map(pixel).collect()
}

/// One pass of (1, 4, 1)/6 along rows and columns: σ of 0.58 pixels.
fn blurred(small: &[[f32; 3]], side: usize) -> Vec<[f32; 3]> {
    let pass = |from: &[[f32; 3]], step: usize, place: fn(usize, usize) -> usize| -> Vec<[f32; 3]> {
        let mix = |at: usize| {
            let before = if place(at, side) == 0 { at } else { at - step };
            let after = if place(at, side) == side - 1 { at } else { at + step };
            [0, 1, 2].map(|part| (from[before][part] + 4.0 * from[at][part] + from[after][part]) / 6.0)
        };
        (0..from.len()).map(mix).collect()
    };
    let rows = pass(small, 1, |at, side| at % side);
    pass(&rows, side, |at, side| at / side)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_repeat_by_seed_and_number_and_differ_otherwise() {
        assert_eq!(leaves(3, 5, 24), leaves(3, 5, 24));
        assert_ne!(leaves(3, 5, 24), leaves(3, 6, 24));
        assert_ne!(leaves(3, 5, 24), leaves(4, 5, 24));
        assert_eq!(leaves(3, 5, 24).len(), 3 * 24 * 24);
    }
}
