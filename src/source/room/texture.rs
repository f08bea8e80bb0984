//! Paint: the pattern on each solid, soft at its edges by the width of a pixel, so that nothing flickers.

use rapier3d::prelude::Vector;

use super::cast::{Part, Pattern, Solid};
use super::noise;
use super::vector::{absolute, floor, length};

/// The colour of a solid at `point` of its own frame; `pixel` is a pixel's width there in metres.
pub(super) fn paint(part: &Part, point: Vector, pixel: f32) -> Vector {
    let size = match part.solid {
        Solid::Ball { radius } => radius,
        Solid::Block { half } => half.max_element(),
        Solid::Capsule { radius, half_length } => radius + half_length,
    };
    // From here on in units of the solid.
    let (p, pixel) = (point / size, (pixel / size).max(1e-3));
    let mixed = |share: f32| part.accent + (part.colour - part.accent) * share;
    match part.pattern {
        Pattern::Sectors => mixed(sectors(p, pixel)),
        Pattern::Bands => mixed(bands(p.y, 0.42, pixel)),
        Pattern::Checker => mixed(checker(p, pixel)),
        Pattern::Grain => grain(part, p, pixel),
        Pattern::Swirl => mixed(swirl(p)),
        Pattern::Dots => mixed(dots(p, pixel)),
    }
}

/// From 0 to 1 over a pixel as `distance` goes from one side of an edge to the other.
#[inline]
fn edge(distance: f32, pixel: f32) -> f32 {
    (distance / pixel + 0.5).clamp(0.0, 1.0)
}

/// Distance to the nearest change of a square wave of this half period, positive in its even stretches.
#[inline]
fn wave(x: f32, half_period: f32) -> f32 {
    let phase = x / half_period;
    let (number, cell) = floor(phase);
    let inside = (phase - cell).min(1.0 - (phase - cell)) * half_period;
    if number & 1 == 0 { inside } else { -inside }
}

fn sectors(p: Vector, pixel: f32) -> f32 {
    // Three planes through the y axis make six sectors.
    let a = p.z;
    let b = 0.866_025_4 * p.x + 0.5 * p.z;
    let c = 0.866_025_4 * p.x - 0.5 * p.z;
    let nearest = a.abs().min(b.abs()).min(c.abs());
    let odd = (a > 0.0) ^ (b > 0.0) ^ (c > 0.0);
    let sector = edge(if odd { nearest } else { -nearest }, pixel);
    let cap = edge(p.y.abs() - 0.9, pixel);
    sector + cap * (1.0 - sector)
}

fn bands(y: f32, half_period: f32, pixel: f32) -> f32 {
    edge(wave(y + 0.5 * half_period, half_period), pixel)
}

fn checker(p: Vector, pixel: f32) -> f32 {
    // Shifted by half a square, so that no face lies on a change.
    let [x, y, z] = (p + Vector::splat(0.25)).to_array().map(|x| wave(x, 0.5));
    let nearest = x.abs().min(y.abs()).min(z.abs());
    let odd = (x > 0.0) ^ (y > 0.0) ^ (z > 0.0);
    edge(if odd { nearest } else { -nearest }, pixel)
}

fn grain(part: &Part, p: Vector, pixel: f32) -> Vector {
    let bend = noise::space(p * 1.7) * 0.6;
    let radius = ((p.x + 0.9) * (p.x + 0.9) + (p.z - 0.6) * (p.z - 0.6)).sqrt() + bend;
    let ring = wave(radius, 0.1) * 20.0;
    let sharp = (0.08 / (pixel + 0.02)).min(1.0);
    let share = 0.62 + 0.38 * sharp * ring.clamp(-1.0, 1.0);
    part.accent + (part.colour - part.accent) * share
}

fn swirl(p: Vector) -> f32 {
    let bend = Vector::new(noise::space(p * 1.6), noise::space(p * 1.6 + Vector::splat(9.0)), 0.0);
    let vein = wave(p.y + 0.9 * bend.x + 0.6 * p.x * bend.y, 0.34) * 5.0;
    (0.5 + vein).clamp(0.0, 1.0)
}

fn dots(p: Vector, pixel: f32) -> f32 {
    // One spot about each of the twenty corners of a dodecahedron, by its three kinds of corner.
    let q = absolute(p);
    let n = length(q).max(1e-6);
    let cube = (q.x + q.y + q.z) * 0.577_350_3;
    let golden = |a: f32, b: f32| 0.356_822_1 * a + 0.934_172_4 * b;
    let nearest = cube.max(golden(q.x, q.y)).max(golden(q.y, q.z)).max(golden(q.z, q.x)) / n;
    edge((nearest - 0.955) * 3.0, pixel)
}
