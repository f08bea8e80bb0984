//! The world: rigid bodies in one-millisecond steps, the impacts of each step, and who rubs along what.
//!
//! Bodies are stepped by `rapier3d` in its cross-platform deterministic build. An impact is an impulse
//! between two bodies that approached each other faster than [`IMPACT_SPEED`]; slower meetings make no sound.

use rapier3d::prelude::{
    ColliderBuilder, ColliderHandle, ContactPair, PhysicsWorld, Pose, RigidBodyBuilder, RigidBodyHandle,
    Vector,
};

use super::cast::{Part, Solid, cast};
use super::impetus::{Condition, Impetus};
use super::parameters::RoomParameters;
use crate::time::{Tick, Timestamp};

/// Steps per second.
pub(super) const STEPS_PER_SECOND: u32 = 1_000;
/// Where bodies may be: low and high of x, y and z in metres. A low rail stands at the front.
pub(super) const ARENA: [[f32; 2]; 3] = [[-1.7, 1.7], [0.0, 2.6], [-1.5, 0.8]];
/// Slowest approach in m/s that counts as an impact.
pub(super) const IMPACT_SPEED: f32 = 0.3;
/// Impacts of the same pair within this many steps are one contact.
const SAME_CONTACT_STEPS: u64 = 30;
/// Bounds of speed (m/s) and spin (rad/s): whatever happens, the energy has a ceiling.
const MOST_SPEED: f32 = 6.5;
const MOST_SPIN: f32 = 30.0;
/// The arena's planes; their numbers follow the solids' in tables of pairs.
const PLANES: usize = 6;
/// Marks a collider as one of the planes: its `user_data` is this plus the plane's number.
const PLANE_MARK: usize = 1_000;

/// What a solid met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Other {
    /// The floor, a wall, the ceiling or the pane at the front.
    Plane(usize),
    /// Another solid.
    Body(usize),
}

/// One impact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Impact {
    /// The solid with the lower number.
    pub(super) body: usize,
    pub(super) other: Other,
    /// Approach along the normal in m/s.
    pub(super) speed: f32,
    /// N s.
    pub(super) impulse: f32,
    /// Where, in metres.
    pub(super) place: Vector,
    /// False where it belongs to a contact that was already told.
    pub(super) first: bool,
}

/// Rolling and sliding of one solid.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rub {
    /// Speed of the centre along the surface in m/s.
    pub(super) roll: f32,
    /// Speed of the touching point along the surface in m/s.
    pub(super) slip: f32,
}

/// What the solver says about a touching pair.
#[derive(Clone, Copy, Debug)]
struct Reading {
    one: Other,
    two: Other,
    /// From one to two.
    normal: Vector,
    place: Vector,
    impulse: f32,
}

/// The world's state after some number of steps.
pub(super) struct World {
    physics: PhysicsWorld,
    parts: Vec<Part>,
    handles: Vec<RigidBodyHandle>,
    impetus: Impetus,
    step: u64,
    /// Derived of the last step.
    previous: Vec<Pose>,
    velocities: Vec<(Vector, Vector)>,
    conditions: Vec<Condition>,
    readings: Vec<Reading>,
    impacts: Vec<Impact>,
    rubs: Vec<Rub>,
    /// Per pair of a solid and a solid or plane: the step of its last told contact.
    told: Vec<u64>,
    rescued: u64,
}

impl World {
    pub(super) fn new(parameters: &RoomParameters, seed: u64) -> Self {
        let parts = cast(seed, parameters.objects);
        let mut physics = PhysicsWorld::new();
        physics.integration_parameters.dt = 1.0 / STEPS_PER_SECOND as f32;
        physics.integration_parameters.num_solver_iterations = 2;
        // Contacts are solved when they are this near: a millisecond at the greatest speed.
        physics.integration_parameters.normalized_prediction_distance = 0.004;
        physics.integration_parameters.normalized_allowed_linear_error = 0.001;
        insert_planes(&mut physics);
        let handles: Vec<_> =
            parts.iter().enumerate().map(|(index, part)| insert_part(&mut physics, index, part)).collect();
        let count = parts.len();
        let mut world = Self {
            impetus: Impetus::new(seed, count, parameters.pace),
            previous: Vec::with_capacity(count),
            velocities: Vec::with_capacity(count),
            conditions: Vec::with_capacity(count),
            readings: Vec::with_capacity(count * 4),
            impacts: Vec::with_capacity(count * 4),
            rubs: vec![Rub::default(); count],
            told: vec![0; count * (count + PLANES)],
            physics,
            parts,
            handles,
            step: 0,
            rescued: 0,
        };
        world.previous.extend(world.handles.iter().map(|handle| *world.physics.bodies[*handle].position()));
        world
    }

    /// Goes one millisecond on.
    pub(super) fn step(&mut self) {
        self.observe();
        self.physics.gravity = self.impetus.gravity(self.step as f64 / f64::from(STEPS_PER_SECOND));
        if let Some((body, velocity, spin)) = self.impetus.due(self.step, &self.conditions) {
            let target = &mut self.physics.bodies[self.handles[body]];
            target.set_linvel(velocity, true);
            target.set_angvel(spin, true);
            self.velocities[body] = (velocity, spin);
        }
        self.physics.step();
        self.step += 1;
        self.keep_bounded();
        self.find_contacts();
    }

    /// Goes on until the world's time is at or after `time`.
    pub(super) fn advance_to(&mut self, time: Timestamp) {
        while self.time() < time {
            self.step();
        }
    }

    /// The time that the state belongs to.
    pub(super) fn time(&self) -> Timestamp {
        Tick(self.step).start()
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The impacts of the last step, ordered by who met whom.
    pub(super) fn impacts(&self) -> &[Impact] {
        &self.impacts
    }

    /// Rolling and sliding in the last step, per solid.
    pub(super) fn rubs(&self) -> &[Rub] {
        &self.rubs
    }

    /// The place of a solid now.
    pub(super) fn pose(&self, body: usize) -> Pose {
        *self.physics.bodies[self.handles[body]].position()
    }

    /// The place of a solid at `fraction` of the last step.
    pub(super) fn pose_at(&self, body: usize, fraction: f32) -> Pose {
        let (from, to) = (&self.previous[body], &self.pose(body));
        if fraction >= 1.0 { *to } else { from.lerp(to, fraction.max(0.0)) }
    }

    /// How brightly the floor under a solid is lit, 0 to 1.
    pub(super) fn glow(&self, body: usize) -> f32 {
        self.impetus.glow(body, self.step)
    }

    /// Solids that had to be put back because they left the arena or were no longer finite; 0 in health.
    #[cfg(test)]
    pub(super) fn rescued(&self) -> u64 {
        self.rescued
    }

    /// Kinetic energy of all solids in J.
    #[cfg(test)]
    pub(super) fn kinetic_energy(&self) -> f32 {
        self.handles.iter().map(|handle| self.physics.bodies[*handle].kinetic_energy()).sum()
    }

    fn observe(&mut self) {
        self.previous.clear();
        self.velocities.clear();
        self.conditions.clear();
        for handle in &self.handles {
            let body = &self.physics.bodies[*handle];
            self.previous.push(*body.position());
            self.velocities.push((body.linvel(), body.angvel()));
            self.conditions
                .push(Condition { position: body.position().translation, speed: body.linvel().length() });
        }
    }

    fn keep_bounded(&mut self) {
        for (handle, part) in self.handles.iter().zip(&self.parts) {
            let body = &mut self.physics.bodies[*handle];
            let place = body.position().translation;
            let (velocity, spin) = (body.linvel(), body.angvel());
            let inside = place.to_array().iter().zip(ARENA).all(|(x, [low, high])| *x > low && *x < high);
            if !inside || !body.position().is_finite() || !velocity.is_finite() || !spin.is_finite() {
                body.set_position(Pose::from_translation(part.start + Vector::Y), true);
                body.set_linvel(Vector::ZERO, true);
                body.set_angvel(Vector::ZERO, true);
                self.rescued += 1;
                continue;
            }
            if velocity.length() > MOST_SPEED {
                body.set_linvel(velocity * (MOST_SPEED / velocity.length()), true);
            }
            if spin.length() > MOST_SPIN {
                body.set_angvel(spin * (MOST_SPIN / spin.length()), true);
            }
        }
    }

    fn find_contacts(&mut self) {
        self.impacts.clear();
        self.rubs.fill(Rub::default());
        let mut readings = std::mem::take(&mut self.readings);
        readings.clear();
        readings
            .extend(self.physics.narrow_phase.contact_pairs().filter_map(|pair| read(&self.physics, pair)));
        for reading in &readings {
            self.interpret(reading);
        }
        self.readings = readings;
        self.impacts.sort_by_key(|impact| (impact.body, impact.other));
    }

    fn interpret(&mut self, reading: &Reading) {
        let &Reading { one, two, normal, place, impulse } = reading;
        let relative = self.point_velocity(one, place) - self.point_velocity(two, place);
        let approach = relative.dot(normal);
        let (body, other) = match (one, two) {
            (Other::Body(a), Other::Body(b)) => (a.min(b), Other::Body(a.max(b))),
            (Other::Body(a), plane) | (plane, Other::Body(a)) => (a, plane),
            (Other::Plane(_), Other::Plane(_)) => return,
        };
        if approach > IMPACT_SPEED {
            let first = self.tell(body, other);
            self.impacts.push(Impact { body, other, speed: approach, impulse, place, first });
        } else {
            let slip = (relative - normal * approach).length();
            self.rub(body, other, normal, slip);
        }
    }

    fn point_velocity(&self, who: Other, place: Vector) -> Vector {
        match who {
            Other::Plane(_) => Vector::ZERO,
            Other::Body(body) => {
                let (velocity, spin) = self.velocities[body];
                velocity + spin.cross(place - self.previous[body].translation)
            }
        }
    }

    /// Whether an impact of this pair now is a new contact.
    fn tell(&mut self, body: usize, other: Other) -> bool {
        let columns = self.parts.len() + PLANES;
        let column = match other {
            Other::Body(other) => other,
            Other::Plane(plane) => self.parts.len() + plane,
        };
        let told = &mut self.told[body * columns + column];
        let new = *told == 0 || self.step > *told + SAME_CONTACT_STEPS;
        if new {
            *told = self.step;
        }
        new
    }

    fn rub(&mut self, body: usize, other: Other, normal: Vector, slip: f32) {
        let solids = [Some(body), if let Other::Body(other) = other { Some(other) } else { None }];
        for solid in solids.into_iter().flatten() {
            let velocity = self.velocities[solid].0;
            let along = (velocity - normal * velocity.dot(normal)).length();
            let rub = &mut self.rubs[solid];
            rub.roll = rub.roll.max(along);
            rub.slip = rub.slip.max(slip);
        }
    }
}

/// The strongest point of a touching pair; `None` where nothing was exchanged.
fn read(physics: &PhysicsWorld, pair: &ContactPair) -> Option<Reading> {
    let impulse = pair.total_impulse_magnitude();
    if impulse <= 0.0 {
        return None;
    }
    let (manifold, point) = pair
        .solver_manifolds()
        .iter()
        .flat_map(|manifold| manifold.points.iter().map(move |point| (manifold, point)))
        .reduce(|best, next| if next.1.data.impulse > best.1.data.impulse { next } else { best })?;
    let place = *physics.colliders[pair.collider1].position() * point.local_p1;
    let (one, two) = (who(physics, pair.collider1), who(physics, pair.collider2));
    Some(Reading { one, two, normal: manifold.data.normal, place, impulse })
}

fn who(physics: &PhysicsWorld, collider: ColliderHandle) -> Other {
    let mark = physics.colliders[collider].user_data as usize;
    if mark >= PLANE_MARK { Other::Plane(mark - PLANE_MARK) } else { Other::Body(mark) }
}

/// Floor, ceiling, walls and the pane at the front: half-spaces, through which nothing can slip.
fn insert_planes(physics: &mut PhysicsWorld) {
    let axes = [Vector::X, Vector::Y, Vector::Z];
    for (axis, [low, high]) in axes.into_iter().zip(ARENA) {
        for (at, normal) in [(low, axis), (high, -axis)] {
            let number = physics.colliders.len();
            let plane = rapier3d::prelude::SharedShape::halfspace(normal);
            let collider = ColliderBuilder::new(plane)
                .translation(axis * at)
                .restitution(0.45)
                .friction(0.5)
                .user_data((PLANE_MARK + number) as u128);
            physics.insert_collider(collider, None);
        }
    }
}

fn insert_part(physics: &mut PhysicsWorld, index: usize, part: &Part) -> RigidBodyHandle {
    let body = RigidBodyBuilder::dynamic()
        .translation(part.start)
        .angvel(part.spin)
        .linear_damping(0.02)
        .angular_damping(match part.solid {
            Solid::Ball { .. } => 0.4,
            Solid::Block { .. } | Solid::Capsule { .. } => 1.2,
        })
        .ccd_enabled(true)
        .can_sleep(false);
    let collider = match part.solid {
        Solid::Ball { radius } => ColliderBuilder::ball(radius),
        Solid::Block { half } => ColliderBuilder::cuboid(half.x, half.y, half.z),
        Solid::Capsule { radius, half_length } => ColliderBuilder::capsule_y(half_length, radius),
    };
    let collider = collider
        .density(part.material.density())
        .restitution(part.material.restitution())
        .friction(part.material.friction())
        .user_data(index as u128);
    physics.insert(body, collider).0
}
