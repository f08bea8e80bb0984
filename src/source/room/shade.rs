//! What a ray meets, and what comes back along it: paint under the light, highlights, mirrors.
//!
//! Diffuse light is Lambert's, highlights are Blinn's (1977), mirrors follow Schlick (1994).

#![allow(clippy::inline_always)] // for `wide`

use rapier3d::prelude::Vector;

use super::bounds::{Bounds, Numbers};
use super::cast::{Material, Part};
use super::light::{Glow, LAMP, LAMP_COLOUR, Lit, ambient};
use super::run::{RUN, Rays, Side, View};
use super::scenery::{Scenery, Surface};
use super::shape::Placed;
use super::texture::paint;
use super::vector::{length, unit};
use super::wide::{Triple, Wide};
use super::world::World;

/// Mirrors weaker than this are left out.
const LEAST_MIRROR: f32 = 0.05;

/// What a ray met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    Room(Surface),
    Solid(usize),
}

/// Where a ray ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hit {
    pub(super) t: f32,
    pub(super) thing: Thing,
    /// Normal in the room's axes.
    pub(super) normal: Vector,
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

    /// A point on a side of the room, at a distance.
    #[inline]
    pub(super) fn on(surface: Surface, t: f32) -> Self {
        Self { t, thing: Thing::Room(surface), normal: surface.normal(), face: surface as u8 }
    }

    /// The surface of the room that was met.
    #[inline]
    pub(super) fn room(&self) -> Option<Surface> {
        match self.thing {
            Thing::Room(surface) => Some(surface),
            Thing::Solid(_) => None,
        }
    }

    /// The flat side of the room that was met.
    #[inline]
    pub(super) fn side(&self) -> Option<Surface> {
        self.room().filter(|&surface| surface != Surface::Rail)
    }

    /// The number of the solid that was met.
    #[inline]
    pub(super) fn solid(&self) -> Option<usize> {
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

/// Everything that is lit in one picture.
pub(super) struct Stage {
    pub(super) scenery: Scenery,
    pub(super) parts: Vec<Part>,
    pub(super) placed: Vec<Placed>,
    pub(super) bounds: Bounds,
    pub(super) glows: Vec<Glow>,
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
        self.bounds.along(origin, direction, f32::INFINITY, slope, 0.0)
    }

    /// Follows a ray among the solids of `candidates` and the room.
    #[inline]
    pub(super) fn cast(&self, origin: Vector, direction: Vector, candidates: Numbers) -> Hit {
        self.cast_solids(origin, direction, candidates, self.cast_room(origin, direction))
    }

    /// Follows a ray through the empty room.
    #[inline]
    pub(super) fn cast_room(&self, origin: Vector, direction: Vector) -> Hit {
        let (surface, touch) = self.scenery.cast(origin, direction);
        Hit { t: touch.t, thing: Thing::Room(surface), normal: touch.normal, face: touch.face }
    }

    /// Follows a ray among the solids of `candidates` as far as what lies `behind` them.
    #[inline]
    pub(super) fn cast_solids(
        &self,
        origin: Vector,
        direction: Vector,
        candidates: Numbers,
        behind: Hit,
    ) -> Hit {
        let mut hit = behind;
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
        let mirror = mirror(finish, Wide([facing])).0[0];
        if mirror > LEAST_MIRROR {
            let seen = self.mirrored(point, direction, hit);
            let tint = if finish.metal { colour * 0.75 + Vector::splat(0.25) } else { Vector::ONE };
            light = light * (1.0 - 0.5 * mirror) + seen * tint * mirror;
        }
        light
    }

    /// What the floor's varnish shows at the points where the rays of a run meet the floor.
    pub(super) fn mirrored_in_varnish(&self, view: &View, rays: &Rays, t: &Wide<RUN>) -> Triple<RUN> {
        let mut seen = Triple::splat(self.scenery.tone());
        // Mirrored rays go on as if they came from the eye's image below the floor.
        let image = |v: Vector| Vector::new(v.x, -v.y, v.z);
        let middle = image(rays.direction.at(RUN / 2));
        // Twice the lean, for the middle is a pixel's centre and the rays begin a little above the floor.
        let solids = self.bounds.along(image(view.origin), middle, f32::INFINITY, 2.0 * view.slope(), 0.0);
        if solids.is_empty() {
            return seen;
        }
        for lane in 0..RUN {
            let direction = rays.direction.at(lane);
            if mirror(FLOOR, Wide([-direction.y])).0[0] > LEAST_MIRROR {
                let start = view.origin + direction * t.0[lane] + Vector::Y * 1e-3;
                seen.set(lane, self.mirrored_in_floor(start, image(direction)));
            }
        }
        seen
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
        for index in self.bounds.along(start, direction, nearest, 0.0, 0.0) {
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
        colour * (ambient(Triple::<1>::splat(seen.normal)).at(0) + LAMP_COLOUR * (key * 0.8))
    }

    fn colour(&self, hit: &Hit, point: Vector, pixel: f32, facing: f32) -> Vector {
        let pixel = pixel / facing.max(0.12);
        match hit.thing {
            Thing::Room(surface) => {
                self.scenery.paint::<1>(surface, Triple::splat(point), Wide::splat(pixel)).at(0)
            }
            Thing::Solid(index) => {
                let placed = &self.placed[index];
                paint(&self.parts[index], placed.to_local(point - placed.centre), pixel)
            }
        }
    }

    fn finish(&self, hit: &Hit) -> Finish {
        match hit.thing {
            Thing::Room(Surface::Floor) => FLOOR,
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

/// The floor: planks under varnish.
const FLOOR: Finish =
    Finish { mirror: 0.03, grazing: 0.6, highlight: 0.10, exponent: 5, body: 1.0, metal: false };

/// The part of the light that a surface mirrors, by the cosine under which it is seen.
#[inline(always)]
fn mirror<const N: usize>(finish: Finish, facing: Wide<N>) -> Wide<N> {
    let grazing = Wide::splat(1.0) - facing;
    let squared = grazing * grazing;
    squared * squared * grazing * (finish.grazing - finish.mirror).max(0.0) + finish.mirror
}

/// The light that comes back to a run from one side of the room, as [`Stage::light`] finds it for one pixel.
#[inline(always)]
pub(super) fn side_light(side: &Side<'_>) -> Triple<RUN> {
    let Side { rays, surface, t, .. } = *side;
    let direction = rays.direction;
    let point = Triple::splat(side.view.origin) + direction * t;
    let normal = Triple::splat(surface.normal());
    let facing = (-direction.dot(normal)).clamp();
    let pixel = rays.scale / side.view.focal() * t / facing.max(Wide::splat(0.12));
    let colour = side.stage.scenery.paint(surface, point, pixel);
    let mut lit = Triple::splat(Vector::ZERO);
    let mut key = Wide::splat(0.0);
    for (lane, on) in side.lights.iter().enumerate() {
        lit.set(lane, on.light);
        key.0[lane] = on.key;
    }
    let light = colour * lit;
    if surface != Surface::Floor {
        return light;
    }
    let to_lamp = (Triple::splat(LAMP) - point).unit();
    let half = (to_lamp - direction).unit();
    let mut shine = half.dot(normal).max(Wide::splat(0.0));
    for _ in 0..FLOOR.exponent {
        shine = shine * shine;
    }
    let light = light + Triple::splat(LAMP_COLOUR) * (shine * (0.55 * FLOOR.highlight) * key);
    let mirror = mirror(FLOOR, facing);
    let varnished = light * (Wide::splat(1.0) - mirror * 0.5) + side.mirrored * mirror;
    Triple::select(Wide::splat(LEAST_MIRROR).below(mirror), varnished, light)
}
