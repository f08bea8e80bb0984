//! Light: one soft key with shadows, a cool fill, light from above and below, occlusion, highlights, mirrors.
//!
//! Diffuse light is Lambert's, highlights are Blinn's (1977), mirrors follow Schlick (1994); shadows and
//! occlusion are closed forms per solid, so that a picture needs one sample per pixel and has no grain.

use rapier3d::prelude::Vector;

use super::bounds::{Bounds, Numbers};
use super::cast::{Material, Part, Solid};
use super::scenery::{Scenery, Surface};
use super::shape::Placed;
use super::texture::paint;
use super::vector::{length, unit};
use super::world::{ARENA, World};

/// The key light: a warm lamp up at the front left, and its radius.
const LAMP: Vector = Vector::new(-1.15, 2.45, 0.95);
const LAMP_RADIUS: f32 = 0.24;
const LAMP_COLOUR: Vector = Vector::new(10.2, 9.1, 7.6);
/// The fill: a cool sky from the right.
const FILL: Vector = Vector::new(0.74, 0.32, 0.59);
const FILL_COLOUR: Vector = Vector::new(0.20, 0.26, 0.36);
/// Light from above and from the floor.
const ABOVE: Vector = Vector::new(0.44, 0.46, 0.50);
const BELOW: Vector = Vector::new(0.30, 0.24, 0.19);
/// Mirrors weaker than this are left out.
const LEAST_MIRROR: f32 = 0.05;

/// What a ray met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    Room(Surface),
    Solid(usize),
}

/// Where a ray ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) t: f32,
    pub(super) thing: Thing,
    /// Normal in the room's axes.
    normal: Vector,
    /// Which flat face it is, for the picture's edges.
    face: u8,
}

impl Hit {
    /// A number that differs between neighbouring pixels where an edge runs between them.
    pub(super) fn key(&self) -> u16 {
        let thing = match self.thing {
            Thing::Room(surface) => surface as u16,
            Thing::Solid(index) => 16 + index as u16,
        };
        thing * 8 + u16::from(self.face)
    }

    /// The number of the solid that was met.
    #[inline]
    fn solid(&self) -> Option<usize> {
        match self.thing {
            Thing::Room(_) => None,
            Thing::Solid(index) => Some(index),
        }
    }

    /// The label of what was met: 0 for the room, 1 and up for solids.
    pub(super) fn label(&self) -> u8 {
        match self.thing {
            Thing::Room(_) => 0,
            Thing::Solid(index) => index as u8 + 1,
        }
    }
}

/// Light on the floor under a solid that is about to jump.
#[derive(Clone, Copy, Debug)]
struct Glow {
    place: Vector,
    radius: f32,
    colour: Vector,
}

/// Everything that is lit in one picture.
pub(super) struct Stage {
    scenery: Scenery,
    parts: Vec<Part>,
    placed: Vec<Placed>,
    bounds: Bounds,
    glows: Vec<Glow>,
}

impl Stage {
    pub(super) fn new(seed: u64, parts: &[Part]) -> Self {
        Self {
            scenery: Scenery::new(seed),
            parts: parts.to_vec(),
            placed: Vec::with_capacity(parts.len()),
            bounds: Bounds::default(),
            glows: Vec::with_capacity(parts.len()),
        }
    }

    /// Puts the solids where they are at `fraction` of the world's last step.
    pub(super) fn set(&mut self, world: &World, fraction: f32) {
        self.placed.clear();
        self.glows.clear();
        for (index, part) in self.parts.iter().enumerate() {
            let placed = Placed::new(part.solid, &world.pose_at(index, fraction));
            let glow = world.glow(index);
            if glow > 0.0 {
                let place = Vector::new(placed.centre.x, 0.0, placed.centre.z);
                let colour = (part.colour + Vector::splat(0.12)) * (0.9 * glow);
                self.glows.push(Glow { place, radius: placed.bound * 2.1, colour });
            }
            self.placed.push(placed);
        }
        self.bounds.set(&self.placed);
    }

    /// The solids that rays from `origin` can meet which lean from `direction` by at most `slope`.
    #[inline]
    pub(super) fn around(&self, origin: Vector, direction: Vector, slope: f32) -> Numbers {
        self.bounds.along(origin, direction, f32::INFINITY, slope)
    }

    /// Follows a ray among the solids of `candidates` and the room.
    #[inline]
    pub(super) fn cast(&self, origin: Vector, direction: Vector, candidates: Numbers) -> Hit {
        let (surface, touch) = self.scenery.cast(origin, direction);
        let mut hit = Hit { t: touch.t, thing: Thing::Room(surface), normal: touch.normal, face: touch.face };
        for index in candidates {
            if let Some(touch) = self.placed[index].cast(origin, direction, hit.t) {
                hit = Hit { t: touch.t, thing: Thing::Solid(index), normal: touch.normal, face: touch.face };
            }
        }
        if let Thing::Solid(index) = hit.thing {
            hit.normal = self.placed[index].to_room(hit.normal);
        }
        hit
    }

    /// The light that comes back along a ray; `spread` is a pixel's width at a distance of one metre.
    /// `lit` is the light on the hit, where it is known already.
    pub(super) fn light(
        &self,
        origin: Vector,
        direction: Vector,
        hit: &Hit,
        spread: f32,
        lit: Option<Lit>,
    ) -> Vector {
        let point = origin + direction * hit.t;
        let lit = lit.unwrap_or_else(|| self.lit(hit, point));
        let facing = (-direction.dot(hit.normal)).clamp(0.0, 1.0);
        let colour = self.colour(hit, point, spread * hit.t, facing);
        let finish = self.finish(hit);
        let mut light = colour * lit.light * finish.body;
        if lit.key > 0.0 && finish.highlight > 0.0 {
            let to_lamp = unit(LAMP - point);
            let half = unit(to_lamp - direction);
            let mut shine = half.dot(hit.normal).max(0.0);
            for _ in 0..finish.exponent {
                shine *= shine;
            }
            light += LAMP_COLOUR * (0.55 * finish.highlight * shine * lit.key);
        }
        let grazing = 1.0 - facing;
        let squared = grazing * grazing;
        let mirror =
            finish.mirror + (finish.grazing - finish.mirror).max(0.0) * (squared * squared * grazing);
        if mirror > LEAST_MIRROR {
            let seen = self.mirrored(point, direction, hit);
            let tint = if finish.metal { colour * 0.75 + Vector::splat(0.25) } else { Vector::ONE };
            light = light * (1.0 - 0.5 * mirror) + seen * tint * mirror;
        }
        light
    }

    /// What a mirror at the hit shows: the room and the solids, plainly lit.
    fn mirrored(&self, point: Vector, direction: Vector, hit: &Hit) -> Vector {
        let turned = direction - hit.normal * (2.0 * direction.dot(hit.normal));
        let start = point + hit.normal * 1e-3;
        if hit.thing == Thing::Room(Surface::Floor) {
            return self.mirrored_in_floor(start, turned);
        }
        let others = self.around(start, turned, 0.0).without(hit.solid());
        let seen = self.cast(start, turned, others);
        self.plain(start, turned, &seen)
    }

    /// What the floor's varnish shows: the solids, and of the room no more than its tone.
    fn mirrored_in_floor(&self, start: Vector, direction: Vector) -> Vector {
        let mut nearest = 1e3;
        let mut seen = None;
        for index in self.bounds.along(start, direction, nearest, 0.0) {
            let placed = &self.placed[index];
            if let Some(touch) = placed.cast(start, direction, nearest) {
                nearest = touch.t;
                let thing = Thing::Solid(index);
                seen =
                    Some(Hit { t: touch.t, thing, normal: placed.to_room(touch.normal), face: touch.face });
            }
        }
        seen.map_or(self.scenery.tone(), |seen| self.plain(start, direction, &seen))
    }

    /// The light from a hit without shadows and mirrors.
    fn plain(&self, start: Vector, direction: Vector, seen: &Hit) -> Vector {
        let there = start + direction * seen.t;
        let colour = self.colour(seen, there, 0.03, 1.0);
        let to_lamp = LAMP - there;
        let distance = length(to_lamp);
        let key = (seen.normal.dot(to_lamp) / distance).max(0.0) / (0.6 + distance * distance);
        colour * (ambient(seen.normal) + LAMP_COLOUR * (key * 0.8))
    }

    fn colour(&self, hit: &Hit, point: Vector, pixel: f32, facing: f32) -> Vector {
        let pixel = pixel / facing.max(0.12);
        match hit.thing {
            Thing::Room(surface) => self.scenery.paint(surface, point, pixel),
            Thing::Solid(index) => {
                let placed = &self.placed[index];
                paint(&self.parts[index], placed.to_local(point - placed.centre), pixel)
            }
        }
    }

    fn finish(&self, hit: &Hit) -> Finish {
        match hit.thing {
            Thing::Room(Surface::Floor) => {
                Finish { mirror: 0.03, grazing: 0.6, highlight: 0.10, exponent: 5, body: 1.0, metal: false }
            }
            Thing::Room(_) => {
                Finish { mirror: 0.0, grazing: 0.0, highlight: 0.0, exponent: 0, body: 1.0, metal: false }
            }
            Thing::Solid(index) => {
                let material = self.parts[index].material;
                let (highlight, exponent) = material.highlight();
                let mirror = material.reflectance();
                let metal = material == Material::Metal;
                let grazing = if mirror > 0.0 { 0.6 } else { 0.06 };
                Finish { mirror, grazing, highlight, exponent, body: if metal { 0.7 } else { 1.0 }, metal }
            }
        }
    }

    /// The light that falls on a hit at `point`.
    pub(super) fn lit(&self, hit: &Hit, point: Vector) -> Lit {
        let normal = hit.normal;
        let to_lamp = LAMP - point;
        let distance = length(to_lamp);
        let to_lamp = to_lamp / distance;
        let facing = normal.dot(to_lamp);
        let mut key = 0.0;
        if facing > 0.0 {
            let shadow = self.shadow(hit, point + normal * 2e-3, to_lamp, distance);
            // The lamp's size keeps the square law from running away beneath it.
            key = shadow / (0.6 + distance * distance);
        }
        let (open, bounce) = self.occlusion(hit, point, normal);
        let fill = FILL_COLOUR * (0.5 + 0.5 * normal.dot(FILL)).max(0.0);
        let round = (ambient(normal) + fill) * open + bounce;
        let glow = if hit.thing == Thing::Room(Surface::Floor) { self.glow(point) } else { Vector::ZERO };
        Lit { light: LAMP_COLOUR * (key * facing.max(0.0)) + round + glow, key }
    }

    /// The part of the lamp that a point sees.
    fn shadow(&self, hit: &Hit, point: Vector, to_lamp: Vector, distance: f32) -> f32 {
        let slope = LAMP_RADIUS / distance;
        let mut seen = 1.0;
        let solids = self.bounds.along(point, to_lamp, distance, slope).without(hit.solid());
        let solids = solids.map(|index| &self.placed[index]);
        let rail = (hit.thing != Thing::Room(Surface::Rail)).then_some(&self.scenery.rail);
        let rail = rail.filter(|rail| (point.z - rail.centre.z).abs() < 0.5 && point.y < 0.3);
        for placed in solids.chain(rail) {
            if let Some(clearance) = placed.clearance(point, to_lamp, distance, slope) {
                let part = (0.5 + 0.5 * clearance / slope).clamp(0.0, 1.0);
                seen *= part * part * (3.0 - 2.0 * part);
                if seen < 1e-3 {
                    return 0.0;
                }
            }
        }
        seen
    }

    /// How open a point is to the light around, and the light that near solids throw on it.
    fn occlusion(&self, hit: &Hit, point: Vector, normal: Vector) -> (f32, Vector) {
        let mut open = 1.0;
        let mut bounce = Vector::ZERO;
        for index in self.bounds.near(point, 3.0).without(hit.solid()) {
            let placed = &self.placed[index];
            let offset = placed.centre - point;
            let (offset, radius) = match placed.solid {
                Solid::Ball { radius } => (offset, radius),
                // A block hides about as much as the ball of its volume.
                Solid::Block { half } => (offset, (half.x + half.y + half.z) * 0.4),
                Solid::Capsule { radius, half_length } => {
                    let axis = placed.to_room(Vector::Y);
                    let along = (-offset.dot(axis)).clamp(-half_length, half_length);
                    (offset + axis * along, radius * 1.1)
                }
            };
            let distance = length(offset).max(radius * 1.001);
            let h = distance / radius;
            let up = normal.dot(offset) / distance;
            let hidden = (0.5 * (up * h + 1.0) / (h * h)).clamp(0.0, 1.0);
            let hidden = hidden * hidden.sqrt();
            open *= 1.0 - 0.85 * hidden;
            bounce += self.parts[index].colour * (0.28 * hidden);
        }
        if let Thing::Room(surface) = hit.thing {
            open *= corner(surface, point);
        } else {
            // What lies near the floor gets less light from it.
            let low = (1.0 - point.y / 0.25).clamp(0.0, 1.0);
            open *= 1.0 - 0.45 * low * (0.5 - 0.5 * normal.y);
        }
        (open, bounce)
    }

    fn glow(&self, point: Vector) -> Vector {
        let mut light = Vector::ZERO;
        for glow in &self.glows {
            let part = 1.0 - (point - glow.place).dot(point - glow.place) / (glow.radius * glow.radius);
            if part > 0.0 {
                light += glow.colour * (part * part * 2.2);
            }
        }
        light
    }
}

/// What light does at a surface.
#[derive(Clone, Copy, Debug)]
struct Finish {
    mirror: f32,
    grazing: f32,
    highlight: f32,
    exponent: u32,
    /// Share of the diffuse light that is kept.
    body: f32,
    metal: bool,
}

/// The light on a point.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lit {
    /// From everywhere, per unit of reflectance.
    light: Vector,
    /// Strength of the key light with its shadow.
    key: f32,
}

impl Lit {
    /// The mean of lights.
    pub(super) fn mean<const N: usize>(of: [Self; N]) -> Self {
        let mut sum = Self::default();
        for lit in of {
            sum.light += lit.light;
            sum.key += lit.key;
        }
        let share = 1.0 / N as f32;
        Self { light: sum.light * share, key: sum.key * share }
    }
}

#[inline]
fn ambient(normal: Vector) -> Vector {
    let up = 0.5 + 0.5 * normal.y;
    BELOW + (ABOVE - BELOW) * up
}

/// Corners of the room are darker.
fn corner(surface: Surface, point: Vector) -> f32 {
    let near = |distance: f32| 1.0 - 0.38 / (1.0 + (distance * distance) * 30.0);
    let side = near((point.x - ARENA[0][0]).min(ARENA[0][1] - point.x));
    let floor = near(point.y);
    let back = near(point.z - ARENA[2][0]);
    match surface {
        Surface::Floor | Surface::Ceiling => side * back,
        Surface::Back | Surface::Front => side * floor,
        Surface::Left | Surface::Right => floor * back,
        Surface::Rail => 0.9,
    }
}
