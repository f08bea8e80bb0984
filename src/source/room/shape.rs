//! Rays against solids, and distances to them, each in the solid's own frame.
//!
//! Intersections after Quilez, "Ray-surface intersectors" and "Distance functions" (iquilezles.org).

use rapier3d::prelude::{Pose, Vector};

use super::cast::Solid;
use super::vector::{absolute, length, sign, unit};

/// Where a ray met a solid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Touch {
    /// Distance along the ray.
    pub(super) t: f32,
    /// Outward normal in the solid's frame.
    pub(super) normal: Vector,
    /// Which flat face was met, for edges in the picture; 0 where there is none.
    pub(super) face: u8,
}

/// A solid at a place: its frame as three axes, so that turning a vector is nine products.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub(super) solid: Solid,
    pub(super) centre: Vector,
    pub(super) bound: f32,
    axes: [Vector; 3],
}

impl Placed {
    pub(super) fn new(solid: Solid, pose: &Pose) -> Self {
        let axes = [Vector::X, Vector::Y, Vector::Z].map(|axis| pose.rotation * axis);
        Self { solid, centre: pose.translation, bound: solid.bound(), axes }
    }

    /// A direction of the room in the solid's frame.
    #[inline]
    pub(super) fn to_local(self, v: Vector) -> Vector {
        Vector::new(v.dot(self.axes[0]), v.dot(self.axes[1]), v.dot(self.axes[2]))
    }

    /// A direction of the solid's frame in the room.
    #[inline]
    pub(super) fn to_room(self, v: Vector) -> Vector {
        self.axes[0] * v.x + self.axes[1] * v.y + self.axes[2] * v.z
    }

    /// Where the ray first enters the solid nearer than `most`; the normal is in the solid's frame.
    #[inline]
    pub(super) fn cast(&self, origin: Vector, direction: Vector, most: f32) -> Option<Touch> {
        let to = origin - self.centre;
        let b = to.dot(direction);
        let beside = to.dot(to) - b * b;
        if beside > self.bound * self.bound || -b - self.bound > most {
            return None;
        }
        if let Solid::Ball { radius } = self.solid {
            let t = -b - (radius * radius - beside).sqrt();
            let normal = self.to_local((to + direction * t) / radius);
            return (t > 1e-4 && t < most).then_some(Touch { t, normal, face: 0 });
        }
        let (o, d) = (self.to_local(to), self.to_local(direction));
        let touch = match self.solid {
            Solid::Block { half } => block(o, d, half),
            Solid::Capsule { radius, half_length } => capsule(o, d, radius, half_length),
            Solid::Ball { .. } => None,
        }?;
        (touch.t > 1e-4 && touch.t < most).then_some(touch)
    }

    /// Signed distance of a point of the room to the surface.
    #[cfg(test)]
    pub(super) fn distance(&self, point: Vector) -> f32 {
        let offset = point - self.centre;
        match self.solid {
            Solid::Ball { radius } => length(offset) - radius,
            Solid::Block { half } => outside(self.to_local(offset), half),
            Solid::Capsule { radius, half_length } => {
                let along = offset.dot(self.axes[1]).clamp(-half_length, half_length);
                length(offset - self.axes[1] * along) - radius
            }
        }
    }

    /// How far from the solid a ray passes: the least of distance over the way to there, negative where it
    /// passes through. `None` where it passes by wider than `slope` times that way.
    ///
    /// The distance to a convex solid is a convex function along a ray, so a golden-section search
    /// (Kiefer 1953) finds its least.
    #[inline]
    pub(super) fn clearance(&self, origin: Vector, direction: Vector, most: f32, slope: f32) -> Option<f32> {
        let to = self.centre - origin;
        let along = to.dot(direction);
        if along < -self.bound || along - self.bound > most {
            return None;
        }
        let beside = (to.dot(to) - along * along).max(0.0);
        let reach = self.bound + slope * (along + self.bound);
        if beside > reach * reach {
            return None;
        }
        if let Solid::Ball { radius } = self.solid {
            return (along > 1e-3).then(|| (beside.sqrt() - radius) / along);
        }
        if let Solid::Capsule { radius, half_length } = self.solid {
            let (gap, t) = between_axes(to, direction, self.axes[1], half_length);
            return (t > 1e-3).then(|| (gap - radius) / t);
        }
        let Solid::Block { half } = self.solid else { return None };
        let (o, d) = (self.to_local(-to), self.to_local(direction));
        let at = |t: f32| outside(o + d * t, half);
        let (mut low, mut high) = ((along - self.bound).max(1e-3), (along + self.bound).max(2e-3));
        let (mut left, mut right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
        let (mut at_left, mut at_right) = (at(left), at(right));
        for _ in 0..6 {
            if at_left < at_right {
                (high, right, at_right) = (right, left, at_left);
                left = high - GOLDEN * (high - low);
                at_left = at(left);
            } else {
                (low, left, at_left) = (left, right, at_right);
                right = low + GOLDEN * (high - low);
                at_right = at(right);
            }
        }
        Some(at_left.min(at_right) / left.max(1e-3))
    }
}

/// Signed distance to a block in its own frame.
#[inline]
fn outside(point: Vector, half: Vector) -> f32 {
    let q = absolute(point) - half;
    let out = Vector::new(q.x.max(0.0), q.y.max(0.0), q.z.max(0.0));
    length(out) + q.x.max(q.y).max(q.z).min(0.0)
}

/// The least distance of a ray from the origin to a capsule's axis, and where on the ray it is
/// (Ericson, "Real-time collision detection", section 5.1.9).
#[inline]
fn between_axes(centre: Vector, direction: Vector, axis: Vector, half_length: f32) -> (f32, f32) {
    let lean = direction.dot(axis);
    let (on_ray, on_axis) = (centre.dot(direction), centre.dot(axis));
    let across = (1.0 - lean * lean).max(1e-6);
    let along = ((lean * on_ray - on_axis) / across).clamp(-half_length, half_length);
    let point = centre + axis * along;
    let t = point.dot(direction);
    (length(point - direction * t), t)
}

const GOLDEN: f32 = 0.618_034;
/// Width of a block's rounded edges as a part of its smallest half extent.
const BEVEL: f32 = 0.16;

fn block(o: Vector, d: Vector, half: Vector) -> Option<Touch> {
    let inverse = Vector::new(1.0 / d.x, 1.0 / d.y, 1.0 / d.z);
    let n = inverse * o;
    let k = absolute(inverse) * half;
    let (near, far) = (-n - k, -n + k);
    let t = near.x.max(near.y).max(near.z);
    if t > far.x.min(far.y).min(far.z) {
        return None;
    }
    let (axis, face) = if t <= near.x {
        (Vector::X * -sign(d.x), 1 + u8::from(d.x > 0.0))
    } else if t <= near.y {
        (Vector::Y * -sign(d.y), 3 + u8::from(d.y > 0.0))
    } else {
        (Vector::Z * -sign(d.z), 5 + u8::from(d.z > 0.0))
    };
    // Edges are flat for the ray and round for the light.
    let point = o + d * t;
    let bevel = BEVEL * half.x.min(half.y).min(half.z);
    let lean = |at: f32, half: f32| {
        let over = ((at.abs() - half) / bevel + 1.0).max(0.0);
        0.9 * over * over * sign(at)
    };
    let lean = Vector::new(lean(point.x, half.x), lean(point.y, half.y), lean(point.z, half.z));
    Some(Touch { t, normal: unit(axis + lean), face })
}

fn capsule(o: Vector, d: Vector, radius: f32, half_length: f32) -> Option<Touch> {
    // The side: a quadratic in the plane across y.
    let a = 1.0 - d.y * d.y;
    let b = o.x * d.x + o.z * d.z;
    let c = o.x * o.x + o.z * o.z - radius * radius;
    let h = b * b - a * c;
    if h < 0.0 {
        return None;
    }
    let t = (-b - h.sqrt()) / a.max(1e-9);
    let y = o.y + d.y * t;
    if y.abs() < half_length {
        let normal = Vector::new(o.x + d.x * t, 0.0, o.z + d.z * t) / radius;
        return Some(Touch { t, normal, face: 0 });
    }
    // An end: the ball about the near end of the axis.
    let end = Vector::new(0.0, half_length * sign(y), 0.0);
    let to = o - end;
    let b = to.dot(d);
    let h = b * b - to.dot(to) + radius * radius;
    if h < 0.0 {
        return None;
    }
    let t = -b - h.sqrt();
    Some(Touch { t, normal: (to + d * t) / radius, face: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn solids() -> [Solid; 3] {
        [
            Solid::Ball { radius: 0.3 },
            Solid::Block { half: Vector::new(0.2, 0.15, 0.3) },
            Solid::Capsule { radius: 0.12, half_length: 0.25 },
        ]
    }

    fn direction(stream: &mut Stream) -> Vector {
        Vector::new(stream.normal() as f32, stream.normal() as f32, stream.normal() as f32).normalize()
    }

    #[test]
    fn a_ray_ends_on_the_surface_that_the_distance_names() {
        let mut stream = Stream::new(3, 0);
        for solid in solids() {
            let pose = Pose::new(Vector::new(0.1, 0.2, 0.3), Vector::new(0.4, -0.8, 0.3));
            let placed = Placed::new(solid, &pose);
            let (mut hits, mut misses) = (0, 0);
            for _ in 0..2_000 {
                let origin = placed.centre + direction(&mut stream) * 2.0;
                let aim = placed.centre + direction(&mut stream) * (0.5 * stream.uniform() as f32);
                let ray = (aim - origin).normalize();
                if let Some(touch) = placed.cast(origin, ray, 10.0) {
                    hits += 1;
                    assert!(placed.distance(origin + ray * touch.t).abs() < 1e-4, "{solid:?}");
                    assert!(placed.to_room(touch.normal).dot(ray) < 0.35, "{solid:?}");
                } else {
                    misses += 1;
                    let clearance = placed.clearance(origin, ray, 10.0, 1.0).unwrap_or(1.0);
                    assert!(clearance > -2e-3, "{solid:?} {clearance}");
                }
            }
            assert!(hits > 400 && misses > 100, "{hits} {misses}");
        }
    }
}
