//! The balls around all solids, side by side, so that a ray or a point is tested against eight at a time.

use rapier3d::prelude::Vector;

use super::shape::Placed;

/// Balls tested together.
const LANES: usize = 8;

/// Eight balls.
#[derive(Clone, Copy, Debug)]
struct Group {
    x: [f32; LANES],
    y: [f32; LANES],
    z: [f32; LANES],
    radius: [f32; LANES],
}

/// A set of solids' numbers, 0 to 31.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Numbers(u32);

impl Numbers {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// The same set without `number`.
    #[inline]
    pub(super) fn without(&self, number: Option<usize>) -> Self {
        Self(self.0 & number.map_or(u32::MAX, |number| !(1 << number)))
    }
}

impl Iterator for Numbers {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let number = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(number)
    }
}

/// The balls around all solids; 32 at most.
#[derive(Clone, Debug, Default)]
pub(super) struct Bounds {
    groups: Vec<Group>,
    /// The bits of the lanes in use.
    used: u32,
}

impl Bounds {
    pub(super) fn set(&mut self, placed: &[Placed]) {
        self.groups.clear();
        self.used = ((1u64 << placed.len().min(32)) - 1) as u32;
        for chunk in placed.chunks(LANES) {
            let mut group = Group { x: [0.0; LANES], y: [0.0; LANES], z: [0.0; LANES], radius: [0.0; LANES] };
            for (lane, solid) in chunk.iter().enumerate() {
                (group.x[lane], group.y[lane], group.z[lane]) =
                    (solid.centre.x, solid.centre.y, solid.centre.z);
                group.radius[lane] = solid.bound;
            }
            self.groups.push(group);
        }
    }

    /// The solids that a cone may touch: a ray from `origin` along the unit vector `direction` for `most`
    /// metres that is `width` wide at first, and widens by `slope` metres per metre (both 0: a plain ray).
    #[inline]
    pub(super) fn along(
        &self,
        origin: Vector,
        direction: Vector,
        most: f32,
        slope: f32,
        width: f32,
    ) -> Numbers {
        let mut set = 0;
        for (number, group) in self.groups.iter().enumerate() {
            let [x, y, z] = group.seen_from(origin);
            let mut outside = [0.0; LANES];
            for lane in 0..LANES {
                let radius = group.radius[lane] + width;
                let along = x[lane] * direction.x + y[lane] * direction.y + z[lane] * direction.z;
                let square = x[lane] * x[lane] + y[lane] * y[lane] + z[lane] * z[lane];
                let reach = radius + slope * (along + radius);
                let beside = square - along * along - reach * reach;
                outside[lane] = larger(beside, larger(-radius - along, along - radius - most));
            }
            set |= negative(outside) << (LANES * number);
        }
        Numbers(set & self.used)
    }

    /// The solids whose ball, grown `times` over, comes within `width` of `point`.
    #[inline]
    pub(super) fn near(&self, point: Vector, times: f32, width: f32) -> Numbers {
        let mut set = 0;
        for (number, group) in self.groups.iter().enumerate() {
            let [x, y, z] = group.seen_from(point);
            let mut outside = [0.0; LANES];
            for lane in 0..LANES {
                let reach = times * group.radius[lane] + width;
                let square = x[lane] * x[lane] + y[lane] * y[lane] + z[lane] * z[lane];
                outside[lane] = square - reach * reach;
            }
            set |= negative(outside) << (LANES * number);
        }
        Numbers(set & self.used)
    }
}

impl Group {
    /// The centres relative to `point`.
    #[inline]
    fn seen_from(&self, point: Vector) -> [[f32; LANES]; 3] {
        let from = |mut lanes: [f32; LANES], origin: f32| {
            for lane in &mut lanes {
                *lane -= origin;
            }
            lanes
        };
        [from(self.x, point.x), from(self.y, point.y), from(self.z, point.z)]
    }
}

/// The larger of two; unlike `f32::max` a single instruction, as no NaN comes here.
#[inline]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Each lane's bit.
const BITS: [u32; LANES] = [1, 2, 4, 8, 16, 32, 64, 128];

/// The lanes that are below zero, as bits.
#[inline]
fn negative(lanes: [f32; LANES]) -> u32 {
    let mut bits = [0u32; LANES];
    for lane in 0..LANES {
        // The sign, over the whole word.
        bits[lane] = (lanes[lane].to_bits().cast_signed() >> 31).cast_unsigned() & BITS[lane];
    }
    let [a, b, c, d, e, f, g, h] = bits;
    ((a | e) | (b | f)) | ((c | g) | (d | h))
}

#[cfg(test)]
mod tests {
    use super::super::cast::Solid;
    use super::*;
    use rapier3d::prelude::Pose;

    #[test]
    fn a_ray_finds_exactly_the_balls_on_its_way() {
        let ball = |x: f32, y: f32| {
            let pose = Pose::from_translation(Vector::new(x, y, 0.0));
            Placed::new(Solid::Ball { radius: 0.4 }, &pose)
        };
        let balls: Vec<_> = (0..12).map(|i| ball(i as f32, if i % 3 == 0 { 0.0 } else { 2.0 })).collect();
        let mut bounds = Bounds::default();
        bounds.set(&balls);
        let from = Vector::new(-2.0, 0.1, 0.0);
        let numbers = |most, slope| bounds.along(from, Vector::X, most, slope, 0.0).collect::<Vec<_>>();
        assert_eq!(numbers(100.0, 0.0), [0, 3, 6, 9]);
        assert_eq!(numbers(6.0, 0.0), [0, 3]);
        assert_eq!(numbers(100.0, 0.25), [0, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        let near = bounds.near(Vector::new(3.0, 0.5, 0.0), 2.0, 0.0);
        assert_eq!(near.clone().collect::<Vec<_>>(), [3]);
        assert_eq!(near.without(Some(3)).count(), 0);
    }
}
