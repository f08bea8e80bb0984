//! The room itself: floor, walls, rail and pictures, where a ray meets them and what colour they are there.

use rapier3d::prelude::{Pose, Vector};

use super::cast::{Solid, linear};
use super::noise::{self, lerp};
use super::shape::{Placed, Touch};
use super::texture::edge;
use super::vector::{floor, sign};
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

    /// About what the walls send back into the room.
    pub(super) fn tone(&self) -> Vector {
        (self.wall + self.panel) * 0.42
    }

    /// The colour of a surface at a point; `pixel` is a pixel's width there in metres.
    pub(super) fn paint(&self, surface: Surface, point: Vector, pixel: f32) -> Vector {
        match surface {
            Surface::Floor => self.floor(point, pixel),
            Surface::Ceiling => Vector::splat(0.72),
            Surface::Back => self.wall(&self.back, point.x, point.y, pixel, 1),
            Surface::Left => self.wall(&self.side, -point.z, point.y, pixel, 2),
            Surface::Right => self.wall(&self.side, point.z + 0.3, point.y, pixel, 3),
            Surface::Front => self.wall * 0.8,
            Surface::Rail => self.planks[1] * 0.55,
        }
    }

    /// Planks along x, each of its own tone, with grain and a dark joint.
    fn floor(&self, p: Vector, pixel: f32) -> Vector {
        const WIDTH: f32 = 0.17;
        const LENGTH: f32 = 1.15;
        let (line, row) = floor(p.z / WIDTH);
        let shift = noise::uniform(line, 7, 0) * LENGTH;
        let (piece, column) = floor((p.x + shift) / LENGTH);
        let (u, v) = ((p.x + shift) / LENGTH - column, p.z / WIDTH - row);
        let tone = noise::uniform(line, piece, 1);
        let layer = line.wrapping_mul(31).wrapping_add(piece);
        let sharp = (0.012 / (pixel + 0.004)).min(1.0);
        let fibre = noise::plane(p.x * 3.0, p.z * 70.0, layer) - 0.5;
        let joint = (u.min(1.0 - u) * LENGTH).min(v.min(1.0 - v) * WIDTH);
        let dark = 1.0
            - 0.55
                * ((0.004 + 0.7 * pixel - joint) / (0.7 * pixel + 0.002)).clamp(0.0, 1.0)
                * (0.004 / (pixel + 0.001)).min(1.0);
        let share = (0.18 + 0.64 * tone + 0.4 * fibre * (0.25 + 0.75 * sharp)).clamp(0.0, 1.0);
        (self.planks[0] + (self.planks[1] - self.planks[0]) * share) * dark
    }

    /// Boards below, plaster above, pictures on it.
    fn wall(&self, paintings: &[Painting], along: f32, up: f32, pixel: f32, layer: i32) -> Vector {
        if up < PANEL {
            let board = along / 0.21;
            let (number, whole) = floor(board);
            let joint = (board - whole - 0.5).abs();
            let tone = 0.94 + 0.08 * noise::uniform(number, layer, 5);
            let groove = ((joint - 0.5) * 0.21 + 0.006 + 0.7 * pixel) / (0.7 * pixel + 0.003);
            let foot = if up < 0.1 { 0.78 } else { 1.0 };
            let cap = if up > PANEL - 0.05 { 1.08 } else { 1.0 - 0.35 * groove.clamp(0.0, 1.0) };
            return self.panel * (tone * foot * cap);
        }
        let painting = paintings.iter().find_map(|painting| painting.colour(along, up, pixel));
        if let Some((colour, share)) = painting {
            return mix(self.wall * 0.95, colour, share);
        }
        let plaster = noise::plane(along * 3.0, up * 3.0, layer) * 0.6
            + noise::plane(along * 17.0, up * 17.0, layer + 9) * 0.4 * (0.02 / (pixel + 0.02));
        self.wall * lerp(0.86, 1.08, plaster)
    }
}

/// Whether a ray is above the rail's height wherever it is within the rail's depth.
#[inline]
fn passes_above_rail(origin: Vector, direction: Vector) -> bool {
    let top = 2.0 * RAIL.y;
    let (near, far) = (ARENA[2][1] + 2.0 * RAIL.z - origin.z, ARENA[2][1] - origin.z);
    let slope = direction.y / direction.z;
    origin.y + slope * near > top && origin.y + slope * far > top
}

impl Painting {
    /// The colour at a point of the wall and how much of the pixel it covers; `None` beside the picture.
    fn colour(&self, along: f32, up: f32, pixel: f32) -> Option<(Vector, f32)> {
        let (x, y) = (along - self.centre[0], up - self.centre[1]);
        let inset = (self.half[0] - x.abs()).min(self.half[1] - y.abs());
        if inset < -0.5 * pixel {
            return None;
        }
        let frame = Vector::new(0.035, 0.028, 0.022);
        let mount = Vector::new(0.72, 0.70, 0.64);
        if inset < 0.075 - pixel {
            return Some((mix(frame, mount, edge(inset - 0.03, pixel)), edge(inset, pixel)));
        }
        let (a, b) = (x - self.cross[0] * self.half[0], y - self.cross[1] * self.half[1]);
        let (dx, dy) = (x + 0.1 * self.half[0], y - 0.1);
        let below = mix(self.colours[0], self.colours[1], edge(b - 0.35 * a, pixel));
        let above = mix(self.colours[1], self.colours[2], edge(b - 0.35 * a, pixel));
        let fields = mix(below, above, edge(a, pixel));
        let disc = mix(fields, self.colours[3], edge(0.148 - (dx * dx + dy * dy).sqrt(), pixel));
        Some((mix(mount, disc, edge(inset - 0.075, pixel)), 1.0))
    }
}

#[inline]
fn mix(a: Vector, b: Vector, share: f32) -> Vector {
    a + (b - a) * share
}
