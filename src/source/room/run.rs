//! Eight neighbouring pixels of a row: their rays, what these meet, and the colours of a run that sees one side of the
//! room and nothing else, which most do.

#![allow(clippy::inline_always)] // for `wide`

use rapier3d::prelude::Vector;

use super::camera::{CameraPose, Intrinsics};
use super::light::Lit;
use super::scenery::{Scenery, Surface};
use super::shade::{Hit, Stage, side_light};
use super::wide::{Triple, Wide, Words};
use crate::kernel::wide::compile_wide;

/// Pixels of a run.
pub(super) const RUN: usize = 8;
/// Every second pixel of a run.
pub(super) const HALF: usize = RUN / 2;
/// Brightness before the tone curve.
const EXPOSURE: f32 = 0.62;

/// Where the camera stands, how it is turned, and its lens.
pub(super) struct View {
    pub(super) origin: Vector,
    right: Vector,
    down: Vector,
    forward: Vector,
    lens: Intrinsics,
}

/// A ray from the camera.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ray {
    pub(super) direction: Vector,
    /// Depth along the optical axis per distance along the ray.
    pub(super) scale: f32,
    pub(super) vignette: f32,
}

/// Rays side by side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rays<const N: usize = RUN> {
    pub(super) direction: Triple<N>,
    pub(super) scale: Wide<N>,
    vignette: Wide<N>,
}

impl<const N: usize> Rays<N> {
    #[inline]
    pub(super) fn at(&self, lane: usize) -> Ray {
        let Self { direction, scale, vignette } = self;
        Ray { direction: direction.at(lane), scale: scale.0[lane], vignette: vignette.0[lane] }
    }
}

/// What the rays of a run met.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::large_enum_variant)] // a row of them lies side by side, and its memory is kept
pub(super) enum Seen {
    /// All the same side of the room, at these distances.
    Side(Surface, Wide<RUN>),
    /// Each its own.
    Each([Hit; RUN]),
}

/// A run and what it sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) rays: Rays,
    pub(super) seen: Seen,
}

impl View {
    pub(super) fn new(pose: &CameraPose, lens: Intrinsics) -> Self {
        let [right, down, forward] = [0, 1, 2].map(|column| pose.axis(column));
        Self { origin: Vector::from_array(pose.position), right, down, forward, lens }
    }

    /// The ray through a place of the picture.
    #[inline]
    pub(super) fn ray(&self, u: f32, v: f32) -> Ray {
        self.rays(Wide([u]), v).at(0)
    }

    /// Focal length in pixels.
    #[inline]
    pub(super) fn focal(&self) -> f32 {
        self.lens.fx
    }

    /// How far the rays of a run lean from its middle.
    pub(super) fn slope(&self) -> f32 {
        0.5 * RUN as f32 / self.lens.fx
    }

    /// The rays through places of a row.
    #[inline(always)]
    fn rays<const N: usize>(&self, u: Wide<N>, v: f32) -> Rays<N> {
        let lens = &self.lens;
        let ray = Triple::splat(self.right) * ((u - lens.cx) / lens.fx)
            + Triple::splat(self.down * ((v - lens.cy) / lens.fy))
            + Triple::splat(self.forward);
        let scale = Wide::splat(1.0) / ray.dot(ray).sqrt();
        let (dx, dy) = (u / (2.0 * lens.cx) - 0.5, v / (2.0 * lens.cy) - 0.5);
        let vignette = Wide::splat(1.0) - (dx * dx + dy * dy) * 0.42;
        Rays { direction: ray * scale, scale, vignette }
    }
}

impl Run {
    /// The run of row centre `v` that begins with column `first`.
    pub(super) fn cast(stage: &Stage, view: &View, first: usize, v: f32) -> Self {
        let (rays, side) = set_out(view, first as f32, v);
        let middle = view.ray((first + RUN / 2) as f32, v);
        let near = stage.around(view.origin, middle.direction, view.slope());
        if let (Some((surface, t)), true) = (side, near.is_empty()) {
            return Self { rays, seen: Seen::Side(surface, t) };
        }
        let mut hits = [Hit::on(Surface::Floor, 0.0); RUN];
        let mut alike = true;
        for (lane, hit) in hits.iter_mut().enumerate() {
            let direction = rays.direction.at(lane);
            let behind = match side {
                Some((surface, t)) => Hit::on(surface, t.0[lane]),
                None => stage.cast_room(view.origin, direction),
            };
            *hit = stage.cast_solids(view.origin, direction, near.clone(), behind);
            alike &= hit.label() == 0;
        }
        match side {
            Some((surface, t)) if alike => Self { rays, seen: Seen::Side(surface, t) },
            _ => Self { rays, seen: Seen::Each(hits) },
        }
    }

    /// How far each ray goes, in metres.
    #[inline]
    pub(super) fn distances(&self) -> Wide<RUN> {
        match &self.seen {
            Seen::Side(_, t) => *t,
            Seen::Each(hits) => {
                let mut t = [0.0; RUN];
                for (t, hit) in t.iter_mut().zip(hits) {
                    *t = hit.t;
                }
                Wide(t)
            }
        }
    }

    /// What one of the pixels shows.
    #[inline]
    pub(super) fn hit(&self, lane: usize) -> Hit {
        match &self.seen {
            Seen::Side(surface, t) => Hit::on(*surface, t.0[lane]),
            Seen::Each(hits) => hits[lane],
        }
    }
}

compile_wide! {
    /// The rays of a run and, where they all end there unless a solid is in the way, the side of the room they end on.
    fn set_out, set_out_on(view: &View, first: f32, v: f32) -> (Rays, Option<(Surface, Wide<RUN>)>) = set_out_body
}

#[inline(always)]
fn set_out_body(view: &View, first: f32, v: f32) -> (Rays, Option<(Surface, Wide<RUN>)>) {
    let mut u = [first; RUN];
    for (lane, u) in u.iter_mut().enumerate() {
        *u += lane as f32 + 0.5;
    }
    let rays = view.rays(Wide(u), v);
    let side = Scenery::cast_together(view.origin, &rays.direction);
    (rays, side)
}

/// A run that sees one side of the room.
pub(super) struct Side<'a> {
    pub(super) stage: &'a Stage,
    pub(super) view: &'a View,
    pub(super) rays: &'a Rays,
    pub(super) surface: Surface,
    pub(super) t: Wide<RUN>,
    /// The light on each pixel.
    pub(super) lights: [Lit; RUN],
    /// What the floor's varnish shows; of no account on walls.
    pub(super) mirrored: Triple<RUN>,
}

compile_wide! {
    /// The colours of such a run after the tone curve: red, green, blue, from 0 to `most`.
    pub(super) fn paint_side, paint_side_on(side: &Side<'_>, most: f32) -> [Words<RUN>; 3] = paint_side_body
}

#[inline(always)]
fn paint_side_body(side: &Side<'_>, most: f32) -> [Words<RUN>; 3] {
    let Triple { x, y, z } = tone(side_light(side) * (side.rays.vignette * EXPOSURE));
    let cut = |value: Wide<RUN>| (value * most + 0.5).min(Wide::splat(most)).floor().0;
    [cut(x), cut(y), cut(z)]
}

/// The colour of a hit after the tone curve, linear, 0 to 1; `lit` is the light on it where it is known.
#[inline]
pub(super) fn paint_hit(stage: &Stage, view: &View, ray: &Ray, hit: &Hit, lit: Option<Lit>) -> Vector {
    let light = stage.light(view.origin, ray.direction, hit, ray.scale / view.focal(), lit);
    tone(Triple::<1>::splat(light * (EXPOSURE * ray.vignette))).at(0)
}

/// A film-like curve from light to 0..1 (K. Narkowicz's fit of the ACES reference transform).
#[inline(always)]
fn tone<const N: usize>(x: Triple<N>) -> Triple<N> {
    let plus = |a: f32| Triple::splat(Vector::splat(a));
    let up = x * (x * 2.51 + plus(0.03));
    let down = x * (x * 2.43 + plus(0.59)) + plus(0.14);
    up / down
}

#[cfg(test)]
mod tests {
    use super::super::camera::Path;
    use super::super::parameters::RoomParameters;
    use super::super::world::World;
    use super::*;
    use crate::kernel::wide::Isa;
    use crate::time::Timestamp;

    #[test]
    fn a_run_has_the_bits_of_its_pixels_one_by_one_on_all_instructions() {
        let world = World::new(&RoomParameters::default(), 3);
        let mut stage = Stage::new(3, world.parts());
        stage.set(&world, 0.0);
        let size = 128;
        let view = View::new(&Path::new(3).pose(Timestamp::ZERO), Intrinsics::of(size, size));
        let most = 8191.0;
        let mut surfaces = Vec::new();
        for (first, row) in (0..size).step_by(RUN).flat_map(|first| (0..size).map(move |row| (first, row))) {
            let run = Run::cast(&stage, &view, first, row as f32 + 0.5);
            for lane in 0..RUN {
                let alone = view.ray((first + lane) as f32 + 0.5, row as f32 + 0.5);
                let near = stage.around(view.origin, alone.direction, 0.0);
                let hit = stage.cast(view.origin, alone.direction, near);
                assert_eq!(run.hit(lane), hit, "lane {lane} of the run at {first}, {row}");
            }
            let Seen::Side(surface, t) = run.seen else { continue };
            surfaces.push(surface);
            let points = [0, 1, 2, 3, 4, 5, 6, 7]
                .map(|lane: usize| (run.rays.at(lane), run.hit(lane)))
                .map(|(ray, hit)| (ray, hit, stage.lit(&hit, view.origin + ray.direction * hit.t)));
            let lights = points.map(|(_, _, lit)| lit);
            let mirrored = stage.mirrored_in_varnish(&view, &run.rays, &t);
            let side = Side { stage: &stage, view: &view, rays: &run.rays, surface, t, lights, mirrored };
            let halves = stage.lit_side(&view, &run.rays, surface, t);
            for &isa in Isa::all() {
                let colours = paint_side_on(isa, &side, most);
                for (lane, (ray, hit, lit)) in points.iter().enumerate() {
                    let alone = paint_hit(&stage, &view, ray, hit, Some(*lit)).to_array();
                    let alone = alone.map(|value| (value * most + 0.5) as usize);
                    assert_eq!([0, 1, 2].map(|i: usize| colours[i].at(lane)), alone, "{isa:?}, {surface:?}");
                    assert!(
                        lane % 2 == 1 || halves.at(lane / 2) == *lit,
                        "{isa:?}, {surface:?}, lane {lane}"
                    );
                }
            }
        }
        for surface in [Surface::Floor, Surface::Back] {
            assert!(surfaces.contains(&surface), "no run saw {surface:?}");
        }
        assert!(
            surfaces.contains(&Surface::Left) || surfaces.contains(&Surface::Right),
            "no run saw a side wall"
        );
    }
}
