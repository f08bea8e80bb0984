//! The room itself: floor, walls, rail and pictures, where a ray meets them and what colour they are there.

#![allow(clippy::inline_always)] // for `wide`

use rapier3d::prelude::{Pose, Vector};

use super::cast::{Solid, linear};
use super::noise;
use super::shape::{Placed, Touch};
use super::vector::sign;
use super::wide::{Mask, Triple, Wide, Words};
use super::world::ARENA;
use crate::random::Stream;

/// Low and high of the visible room; it goes on behind the camera.
const ROOM: [[f32; 2]; 3] = [ARENA[0], ARENA[1], [ARENA[2][0], 3.4]];
/// Height of the panelling.
const PANEL: f32 = 0.62;
/// The front rail's half extents; it keeps rolling things in.
const RAIL: Vector = Vector::new(1.7, 0.045, 0.03);

/// A surface of the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surface {
    Left,
    Right,
    Floor,
    Ceiling,
    Back,
    Front,
    Rail,
}

impl Surface {
    /// The normal of a flat side of the room, into the room.
    pub(super) fn normal(self) -> Vector {
        match self {
            Self::Left => Vector::X,
            Self::Right => -Vector::X,
            Self::Floor => Vector::Y,
            Self::Ceiling => -Vector::Y,
            Self::Back | Self::Rail => Vector::Z,
            Self::Front => -Vector::Z,
        }
    }
}

/// A picture on a wall: where, how large, and its colours.
#[derive(Clone, Debug)]
struct Painting {
    /// Along the wall and up, in metres.
    centre: [f32; 2],
    half: [f32; 2],
    colours: [Vector; 4],
    /// Where its inner lines run, as parts of its half extents.
    cross: [f32; 2],
}

/// The room's paint.
#[derive(Clone, Debug)]
pub(super) struct Scenery {
    wall: Vector,
    panel: Vector,
    planks: [Vector; 2],
    back: Vec<Painting>,
    side: Vec<Painting>,
    pub(super) rail: Placed,
}

/// Wall colours with the panel below, sRGB: calm, so that the solids are what shines.
const WALLS: [[[u8; 3]; 2]; 4] = [
    [[118, 164, 170], [222, 214, 198]],
    [[196, 170, 140], [92, 112, 122]],
    [[134, 146, 190], [226, 216, 204]],
    [[150, 176, 140], [232, 222, 200]],
];

/// What the pictures are painted with, sRGB.
const PAINTS: [[u8; 3]; 7] = [
    [236, 226, 200],
    [204, 60, 50],
    [34, 80, 150],
    [244, 190, 60],
    [40, 44, 52],
    [60, 140, 120],
    [226, 140, 110],
];

impl Scenery {
    pub(super) fn new(seed: u64) -> Self {
        let mut stream = Stream::new(seed, 0x5CE0);
        let [wall, panel] = WALLS[stream.word() as usize % WALLS.len()].map(linear);
        let back = [[-0.98, 1.42, 0.34, 0.42], [0.06, 1.5, 0.46, 0.32], [1.02, 1.4, 0.3, 0.4]];
        let side = [[-0.75, 1.4, 0.36, 0.4], [0.45, 1.46, 0.44, 0.34]];
        let mut painting = |[x, y, w, h]: [f32; 4]| Painting {
            centre: [x, y],
            half: [w, h],
            colours: std::array::from_fn(|_| linear(PAINTS[stream.word() as usize % PAINTS.len()])),
            cross: std::array::from_fn(|_| stream.between(-0.5, 0.5) as f32),
        };
        let back = back.map(&mut painting).to_vec();
        let side = side.map(&mut painting).to_vec();
        let centre = Vector::new(0.0, RAIL.y, ARENA[2][1] + RAIL.z);
        Self {
            wall,
            panel,
            planks: [linear([206, 158, 108]), linear([158, 108, 66])],
            back,
            side,
            rail: Placed::new(Solid::Block { half: RAIL }, &Pose::from_translation(centre)),
        }
    }

    /// Where a ray from inside ends on the room; the normal is the room's.
    #[inline]
    pub(super) fn cast(&self, origin: Vector, direction: Vector) -> (Surface, Touch) {
        let wall = |axis: usize| {
            let d = direction[axis];
            let to = ROOM[axis][usize::from(d > 0.0)];
            // A ray along the wall never gets there.
            if d == 0.0 { f32::INFINITY } else { (to - origin[axis]) / d }
        };
        let (x, y, z) = (wall(0), wall(1), wall(2));
        let (t, surface, normal) = if x < y && x < z {
            let surface = if direction.x > 0.0 { Surface::Right } else { Surface::Left };
            (x, surface, Vector::X * -sign(direction.x))
        } else if y < z {
            let surface = if direction.y > 0.0 { Surface::Ceiling } else { Surface::Floor };
            (y, surface, Vector::Y * -sign(direction.y))
        } else {
            let surface = if direction.z > 0.0 { Surface::Front } else { Surface::Back };
            (z, surface, Vector::Z * -sign(direction.z))
        };
        let room = (surface, Touch { t, normal, face: surface as u8 });
        if passes_above_rail(origin, direction) {
            return room;
        }
        self.rail.cast(origin, direction, t).map_or(room, |touch| (Surface::Rail, touch))
    }

    /// The one side of the room on which all rays from `origin` end that pass above the rail, and where;
    /// `None` where they end on several or the rail may be met.
    #[inline(always)]
    pub(super) fn cast_together<const N: usize>(
        origin: Vector,
        direction: &Triple<N>,
    ) -> Option<(Surface, Wide<N>)> {
        let wall = |axis: usize, d: Wide<N>| {
            let [low, high] = ROOM[axis].map(|wall| wall - origin[axis]);
            let ahead = Wide::splat(0.0).below(d);
            let t = Wide::select(ahead, Wide::splat(high), Wide::splat(low)) / d;
            let level = Wide::splat(0.0).below(d.abs());
            (Wide::select(level, t, Wide::splat(f32::INFINITY)), ahead)
        };
        let ((x, right), (y, up), (z, front)) =
            (wall(0, direction.x), wall(1, direction.y), wall(2, direction.z));
        let side = |ahead: Mask<N>, there: Surface, here: Surface| {
            if ahead.all() { Some(there) } else { (!ahead.any()).then_some(here) }
        };
        let across = x.below(y) & x.below(z);
        let upright = !across & y.below(z);
        let (surface, t) = if across.all() {
            (side(right, Surface::Right, Surface::Left)?, x)
        } else if upright.all() {
            (side(up, Surface::Ceiling, Surface::Floor)?, y)
        } else if !across.any() && !upright.any() {
            (side(front, Surface::Front, Surface::Back)?, z)
        } else {
            return None;
        };
        let top = Wide::splat(2.0 * RAIL.y);
        let slope = direction.y / direction.z;
        let [near, far] = rail_depth(origin).map(|z| top.below(slope * z + origin.y));
        (near & far).all().then_some((surface, t))
    }

    /// About what the walls send back into the room.
    pub(super) fn tone(&self) -> Vector {
        (self.wall + self.panel) * 0.42
    }

    /// The colours of points of a surface; `pixel` is a pixel's width there in metres.
    #[inline(always)]
    pub(super) fn paint<const N: usize>(&self, surface: Surface, p: Triple<N>, pixel: Wide<N>) -> Triple<N> {
        match surface {
            Surface::Floor => self.floor(p, pixel),
            Surface::Ceiling => Triple::splat(Vector::splat(0.72)),
            Surface::Back => self.wall(&self.back, p.x, p.y, pixel, 1),
            Surface::Left => self.wall(&self.side, -p.z, p.y, pixel, 2),
            Surface::Right => self.wall(&self.side, p.z + 0.3, p.y, pixel, 3),
            Surface::Front => Triple::splat(self.wall * 0.8),
            Surface::Rail => Triple::splat(self.planks[1] * 0.55),
        }
    }

    /// Planks along x, each of its own tone, with grain and a dark joint.
    #[inline(always)]
    fn floor<const N: usize>(&self, p: Triple<N>, pixel: Wide<N>) -> Triple<N> {
        const WIDTH: f32 = 0.17;
        const LENGTH: f32 = 1.15;
        let (one, number) = (Wide::splat(1.0), Wide::splat);
        let (line, row) = (p.z / WIDTH).floor();
        let shift = noise::uniform(line, Words::splat(7), Words::splat(0)) * LENGTH;
        let (piece, column) = ((p.x + shift) / LENGTH).floor();
        let (u, v) = ((p.x + shift) / LENGTH - column, p.z / WIDTH - row);
        let tone = noise::uniform(line, piece, Words::splat(1));
        let layer = line.times_plus(31, piece);
        let sharp = (number(0.012) / (pixel + 0.004)).min(one);
        let fibre = noise::plane(p.x * 3.0, p.z * 70.0, layer) - 0.5;
        let joint = (u.min(one - u) * LENGTH).min(v.min(one - v) * WIDTH);
        let dark = one
            - ((pixel * 0.7 + 0.004 - joint) / (pixel * 0.7 + 0.002)).clamp()
                * 0.55
                * (number(0.004) / (pixel + 0.001)).min(one);
        let share = (tone * 0.64 + 0.18 + fibre * 0.4 * (sharp * 0.75 + 0.25)).clamp();
        let [light, deep] = self.planks.map(Triple::splat);
        Triple::lerp(light, deep, share) * dark
    }

    /// Boards below, plaster above, pictures on it.
    #[inline(always)]
    fn wall<const N: usize>(
        &self,
        paintings: &[Painting],
        along: Wide<N>,
        up: Wide<N>,
        pixel: Wide<N>,
        layer: i32,
    ) -> Triple<N> {
        let low = up.below(Wide::splat(PANEL));
        if low.all() {
            return self.boards(along, up, pixel, layer);
        }
        let plaster = noise::plane(along * 3.0, up * 3.0, Words::splat(layer)) * 0.6
            + noise::plane(along * 17.0, up * 17.0, Words::splat(layer + 9))
                * 0.4
                * (Wide::splat(0.02) / (pixel + 0.02));
        let mut colour = Triple::splat(self.wall) * Wide::lerp(Wide::splat(0.86), Wide::splat(1.08), plaster);
        for painting in paintings {
            colour = painting.over(colour, self.wall * 0.95, [along, up], pixel);
        }
        if low.any() {
            colour = Triple::select(low, self.boards(along, up, pixel, layer), colour);
        }
        colour
    }

    /// Boards with grooves, a foot and a cap.
    #[inline(always)]
    fn boards<const N: usize>(&self, along: Wide<N>, up: Wide<N>, pixel: Wide<N>, layer: i32) -> Triple<N> {
        let number = Wide::splat;
        let board = along / 0.21;
        let (index, whole) = board.floor();
        let joint = (board - whole - 0.5).abs();
        let tone = noise::uniform(index, Words::splat(layer), Words::splat(5)) * 0.08 + 0.94;
        let groove = ((joint - 0.5) * 0.21 + 0.006 + pixel * 0.7) / (pixel * 0.7 + 0.003);
        let foot = Wide::select(up.below(number(0.1)), number(0.78), number(1.0));
        let cap =
            Wide::select(number(PANEL - 0.05).below(up), number(1.08), number(1.0) - groove.clamp() * 0.35);
        Triple::splat(self.panel) * (tone * foot * cap)
    }
}

/// From a ray's origin to the back and the front of the rail, in metres along z.
#[inline(always)]
fn rail_depth(origin: Vector) -> [f32; 2] {
    [ARENA[2][1] + 2.0 * RAIL.z - origin.z, ARENA[2][1] - origin.z]
}

/// Whether a ray is above the rail's height wherever it is within the rail's depth.
#[inline]
fn passes_above_rail(origin: Vector, direction: Vector) -> bool {
    let top = 2.0 * RAIL.y;
    let [near, far] = rail_depth(origin);
    let slope = direction.y / direction.z;
    origin.y + slope * near > top && origin.y + slope * far > top
}

impl Painting {
    /// The wall's `colour` with this picture over it, at places `[along, up]` of the wall; where the picture's
    /// rim covers a part of a pixel, `beside` is the rest.
    #[inline(always)]
    fn over<const N: usize>(
        &self,
        colour: Triple<N>,
        beside: Vector,
        [along, up]: [Wide<N>; 2],
        pixel: Wide<N>,
    ) -> Triple<N> {
        let number = Wide::splat;
        let (x, y) = (along - self.centre[0], up - self.centre[1]);
        let inset = (number(self.half[0]) - x.abs()).min(number(self.half[1]) - y.abs());
        let outside = inset.below(pixel * -0.5);
        if outside.all() {
            return colour;
        }
        let mount = Triple::splat(Vector::new(0.72, 0.70, 0.64));
        let framed = inset.below(number(0.075) - pixel);
        let mut seen = colour;
        if framed.any() {
            let frame = Triple::splat(Vector::new(0.035, 0.028, 0.022));
            let rim = Triple::lerp(frame, mount, edge(inset - 0.03, pixel));
            seen = Triple::lerp(Triple::splat(beside), rim, edge(inset, pixel));
        }
        if !framed.all() {
            let canvas = self.canvas(x, y, pixel);
            let inner = Triple::lerp(mount, canvas, edge(inset - 0.075, pixel));
            let beside = Triple::splat(beside);
            seen = Triple::select(framed, seen, Triple::lerp(beside, inner, number(1.0)));
        }
        Triple::select(outside, colour, seen)
    }

    /// What is painted at a place from the picture's centre.
    #[inline(always)]
    fn canvas<const N: usize>(&self, x: Wide<N>, y: Wide<N>, pixel: Wide<N>) -> Triple<N> {
        let [first, second, third, round] = self.colours.map(Triple::splat);
        let (a, b) = (x - self.cross[0] * self.half[0], y - self.cross[1] * self.half[1]);
        let (dx, dy) = (x + 0.1 * self.half[0], y - 0.1);
        let tilted = edge(b - a * 0.35, pixel);
        let fields = Triple::lerp(
            Triple::lerp(first, second, tilted),
            Triple::lerp(second, third, tilted),
            edge(a, pixel),
        );
        let disc = edge(Wide::splat(0.148) - (dx * dx + dy * dy).sqrt(), pixel);
        Triple::lerp(fields, round, disc)
    }
}

/// From 0 to 1 over a pixel as `distance` goes from one side of an edge to the other.
#[inline(always)]
fn edge<const N: usize>(distance: Wide<N>, pixel: Wide<N>) -> Wide<N> {
    (distance / pixel + 0.5).clamp()
}
