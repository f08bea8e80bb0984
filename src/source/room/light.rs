//! The light that falls on a point: the lamp with soft shadows, a cool fill, the light around with what near solids hide
//! and throw back, and what glows. Shadows and occlusion are closed forms per solid, so that a picture needs one sample per
//! pixel and has no grain.

#![allow(clippy::inline_always)] // for `wide`

use rapier3d::prelude::Vector;

use super::cast::Solid;
use super::run::{HALF, RUN, Rays, View};
use super::scenery::Surface;
use super::shade::{Hit, Stage, Thing};
use super::vector::length;
use super::wide::{Triple, Wide};
use super::world::ARENA;
use crate::kernel::wide::compile_wide;

/// The key light: a warm lamp up at the front left, and its radius.
pub(super) const LAMP: Vector = Vector::new(-1.15, 2.45, 0.95);
const LAMP_RADIUS: f32 = 0.24;
pub(super) const LAMP_COLOUR: Vector = Vector::new(10.2, 9.1, 7.6);
/// The fill: a cool sky from the right.
const FILL: Vector = Vector::new(0.74, 0.32, 0.59);
const FILL_COLOUR: Vector = Vector::new(0.20, 0.26, 0.36);
/// Light from above and from the floor.
const ABOVE: Vector = Vector::new(0.44, 0.46, 0.50);
const BELOW: Vector = Vector::new(0.30, 0.24, 0.19);
/// Light on the floor under a solid that is about to jump.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glow {
    pub(super) place: Vector,
    pub(super) radius: f32,
    pub(super) colour: Vector,
}

impl Stage {
    /// The light that falls on a hit at `point`.
    pub(super) fn lit(&self, hit: &Hit, point: Vector) -> Lit {
        let mut shade = Shade::none();
        self.shade(hit, point, 0, &mut shade);
        self.gather(hit.room(), Triple::splat(point), Triple::<1>::splat(hit.normal), &shade).at(0)
    }

    /// The light on every second point where the rays of a run meet one side of the room.
    pub(super) fn lit_side(&self, view: &View, rays: &Rays, surface: Surface, t: Wide<RUN>) -> Lights<HALF> {
        let point = (Triple::splat(view.origin) + rays.direction * t).evens();
        let mut shade = Shade::none();
        let width = length(point.at(HALF - 1) - point.at(0));
        if !self.is_open(surface, point.at(HALF / 2), width) {
            for lane in 0..HALF {
                self.shade(&Hit::on(surface, t.0[2 * lane]), point.at(lane), lane, &mut shade);
            }
        }
        light_side(self, surface, &point, &shade)
    }

    /// Whether no solid shades or comes near to any point of a side within `width` of `point`.
    fn is_open(&self, surface: Surface, point: Vector, width: f32) -> bool {
        let to_lamp = LAMP - point;
        let distance = length(to_lamp);
        let from = point + surface.normal() * 2e-3;
        // The lamp is seen under a somewhat larger angle from the nearest of the points.
        let slope = LAMP_RADIUS / (distance - width).max(LAMP_RADIUS);
        self.bounds.along(from, to_lamp / distance, distance + width, slope, width).is_empty()
            && self.bounds.near(point, 3.0, width).is_empty()
            && !self.is_near_rail(point, width)
    }

    /// What the solids take of the light on a hit, into a lane of `shade`.
    fn shade<const N: usize>(&self, hit: &Hit, point: Vector, lane: usize, shade: &mut Shade<N>) {
        let to_lamp = LAMP - point;
        let distance = length(to_lamp);
        let to_lamp = to_lamp / distance;
        if hit.normal.dot(to_lamp) > 0.0 {
            shade.seen.0[lane] = self.shadow(hit, point + hit.normal * 2e-3, to_lamp, distance);
        }
        let (open, bounce) = self.occlusion(hit, point, hit.normal);
        shade.open.0[lane] = open;
        shade.bounce.set(lane, bounce);
    }

    /// The light on points: `surface` is theirs if they lie on the room.
    #[inline(always)]
    fn gather<const N: usize>(
        &self,
        surface: Option<Surface>,
        point: Triple<N>,
        normal: Triple<N>,
        shade: &Shade<N>,
    ) -> Lights<N> {
        let number = Wide::splat;
        let to_lamp = Triple::splat(LAMP) - point;
        let distance = to_lamp.dot(to_lamp).sqrt();
        let facing = normal.dot(to_lamp / distance).max(number(0.0));
        // The lamp's size keeps the square law from running away beneath it.
        let key = shade.seen / (distance * distance + 0.6);
        let key = Wide::select(number(0.0).below(facing), key, number(0.0));
        let open = if let Some(surface) = surface {
            shade.open * corner(surface, point)
        } else {
            // What lies near the floor gets less light from it.
            let low = (number(1.0) - point.y / 0.25).clamp();
            shade.open * (number(1.0) - low * 0.45 * (number(0.5) - normal.y * 0.5))
        };
        let fill = (normal.dot(Triple::splat(FILL)) * 0.5 + 0.5).max(number(0.0));
        let round = (ambient(normal) + Triple::splat(FILL_COLOUR) * fill) * open + shade.bounce;
        let light = Triple::splat(LAMP_COLOUR) * (key * facing) + round;
        let light = if surface == Some(Surface::Floor) { light + self.glow(point) } else { light };
        Lights { light, key }
    }

    /// The part of the lamp that a point sees.
    fn shadow(&self, hit: &Hit, point: Vector, to_lamp: Vector, distance: f32) -> f32 {
        let slope = LAMP_RADIUS / distance;
        let mut seen = 1.0;
        let solids = self.bounds.along(point, to_lamp, distance, slope, 0.0).without(hit.solid());
        let solids = solids.map(|index| &self.placed[index]);
        let rail = (hit.thing != Thing::Room(Surface::Rail) && self.is_near_rail(point, 0.0))
            .then_some(&self.scenery.rail);
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

    /// Whether the rail may shade points within `width` of `point`.
    fn is_near_rail(&self, point: Vector, width: f32) -> bool {
        (point.z - self.scenery.rail.centre.z).abs() < 0.5 + width && point.y < 0.3 + width
    }

    /// How open a point is to the light around, and the light that near solids throw on it.
    fn occlusion(&self, hit: &Hit, point: Vector, normal: Vector) -> (f32, Vector) {
        let mut open = 1.0;
        let mut bounce = Vector::ZERO;
        for index in self.bounds.near(point, 3.0, 0.0).without(hit.solid()) {
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
        (open, bounce)
    }

    #[inline(always)]
    fn glow<const N: usize>(&self, point: Triple<N>) -> Triple<N> {
        let mut light = Triple::splat(Vector::ZERO);
        for glow in &self.glows {
            let offset = point - Triple::splat(glow.place);
            let part = Wide::splat(1.0) - offset.dot(offset) / (glow.radius * glow.radius);
            let part = part.max(Wide::splat(0.0));
            light = light + Triple::splat(glow.colour) * (part * part * 2.2);
        }
        light
    }
}

/// What the solids leave of the light on points.
struct Shade<const N: usize> {
    /// The part of the lamp that is seen.
    seen: Wide<N>,
    /// The part of the light around.
    open: Wide<N>,
    /// The light that near solids throw.
    bounce: Triple<N>,
}

impl<const N: usize> Shade<N> {
    fn none() -> Self {
        Self { seen: Wide::splat(1.0), open: Wide::splat(1.0), bounce: Triple::splat(Vector::ZERO) }
    }
}

/// The light on points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lights<const N: usize> {
    light: Triple<N>,
    key: Wide<N>,
}

impl<const N: usize> Lights<N> {
    #[inline(always)]
    pub(super) fn at(&self, lane: usize) -> Lit {
        Lit { light: self.light.at(lane), key: self.key.0[lane] }
    }
}

compile_wide! {
    fn light_side, light_side_on(stage: &Stage, surface: Surface, point: &Triple<HALF>, shade: &Shade<HALF>)
        -> Lights<HALF> = light_side_body
}

#[inline(always)]
fn light_side_body(
    stage: &Stage,
    surface: Surface,
    point: &Triple<HALF>,
    shade: &Shade<HALF>,
) -> Lights<HALF> {
    stage.gather(Some(surface), *point, Triple::splat(surface.normal()), shade)
}

/// The light on a point.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Lit {
    /// From everywhere, per unit of reflectance.
    pub(super) light: Vector,
    /// Strength of the key light with its shadow.
    pub(super) key: f32,
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

#[inline(always)]
pub(super) fn ambient<const N: usize>(normal: Triple<N>) -> Triple<N> {
    let up = normal.y * 0.5 + 0.5;
    Triple::splat(BELOW) + Triple::splat(ABOVE - BELOW) * up
}

/// Corners of the room are darker.
#[inline(always)]
fn corner<const N: usize>(surface: Surface, point: Triple<N>) -> Wide<N> {
    let one = Wide::splat(1.0);
    let near = |distance: Wide<N>| one - Wide::splat(0.38) / (distance * distance * 30.0 + 1.0);
    let side = near((point.x - ARENA[0][0]).min(Wide::splat(ARENA[0][1]) - point.x));
    let floor = near(point.y);
    let back = near(point.z - ARENA[2][0]);
    match surface {
        Surface::Floor | Surface::Ceiling => side * back,
        Surface::Back | Surface::Front => side * floor,
        Surface::Left | Surface::Right => floor * back,
        Surface::Rail => Wide::splat(0.9),
    }
}
