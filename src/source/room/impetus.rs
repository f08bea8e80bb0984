//! What keeps the room alive: a slow tilt of gravity, and a seeded rhythm of launches of what lies still.

use rapier3d::prelude::Vector;

use crate::random::Stream;

/// Standard gravity in m/s².
pub(super) const GRAVITY: f64 = 9.806_65;
/// Steps during which the floor under a solid lights up before it is launched.
const WARNING_STEPS: u64 = 260;
/// Steps in which that light fades after the launch.
const FADE_STEPS: u64 = 420;
/// Launch intervals in seconds at pace 1: a beat, its half, its dotted double.
const BEATS: [f64; 5] = [0.9, 1.35, 1.8, 1.35, 2.25];

/// What the launcher needs to know about a solid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition {
    pub(super) position: Vector,
    /// Speed in m/s.
    pub(super) speed: f32,
}

/// A launch that is announced or was just made.
#[derive(Clone, Copy, Debug)]
struct Launch {
    body: usize,
    step: u64,
}

/// The rhythm of launches.
#[derive(Clone, Debug)]
pub(super) struct Impetus {
    stream: Stream,
    pace: f64,
    next: u64,
    left_in_phrase: u32,
    announced: Option<Launch>,
    /// When each solid was last launched.
    last: Vec<u64>,
    tilt_phases: [f64; 4],
}

impl Impetus {
    pub(super) fn new(seed: u64, bodies: usize, pace: f64) -> Self {
        let mut stream = Stream::new(seed, 0x1A7E);
        let tilt_phases = std::array::from_fn(|_| stream.between(0.0, core::f64::consts::TAU));
        // The cast falls in first; the launches begin when the fall has been heard.
        Self {
            stream,
            pace,
            next: 1_900,
            left_in_phrase: 4,
            announced: None,
            last: vec![0; bodies],
            tilt_phases,
        }
    }

    /// Gravity at `seconds`: it leans by up to two degrees, as in a ship's cabin, so that nothing lies for ever.
    pub(super) fn gravity(&self, seconds: f64) -> Vector {
        let wave = |period: f64, phase: f64| libm::sin(core::f64::consts::TAU * seconds / period + phase);
        let [a, b, c, d] = self.tilt_phases;
        let x = 0.022 * wave(11.0, a) + 0.014 * wave(27.0, b);
        let z = 0.018 * wave(13.0, c) + 0.012 * wave(31.0, d);
        Vector::new((GRAVITY * x) as f32, -GRAVITY as f32, (GRAVITY * z) as f32)
    }

    /// The velocity and spin to give to a solid at `step`, if one is due.
    pub(super) fn due(&mut self, step: u64, conditions: &[Condition]) -> Option<(usize, Vector, Vector)> {
        if step + WARNING_STEPS == self.next {
            let body = self.choose(step, conditions);
            self.announced = Some(Launch { body, step: self.next });
        }
        if step < self.next {
            return None;
        }
        self.plan_next(step);
        let Launch { body, .. } = self.announced?;
        self.last[body] = step;
        let (velocity, spin) = self.aim(body, conditions);
        Some((body, velocity, spin))
    }

    /// How brightly the floor under `body` is lit at `step`, 0 to 1.
    pub(super) fn glow(&self, body: usize, step: u64) -> f32 {
        match self.announced {
            Some(launch) if launch.body == body && step < launch.step => {
                let left = launch.step.saturating_sub(step).min(WARNING_STEPS);
                smooth(1.0 - left as f32 / WARNING_STEPS as f32)
            }
            _ if self.last[body] > 0 => {
                let since = step.saturating_sub(self.last[body]).min(FADE_STEPS);
                smooth(1.0 - since as f32 / FADE_STEPS as f32)
            }
            _ => 0.0,
        }
    }

    /// The stillest, longest untouched solid, with some chance in it.
    fn choose(&mut self, step: u64, conditions: &[Condition]) -> usize {
        let mut best = (0, f64::INFINITY);
        for (body, condition) in conditions.iter().enumerate() {
            let idle_seconds = step.saturating_sub(self.last[body]) as f64 * 1e-3;
            let busy = f64::from(condition.speed.min(6.0)) + f64::from(condition.position.y.min(2.5));
            let score = 1.5 * busy - idle_seconds.min(8.0) + self.stream.between(0.0, 2.5);
            if score < best.1 {
                best = (body, score);
            }
        }
        best.0
    }

    /// A ballistic throw at another solid or at a free place, with a spin.
    fn aim(&mut self, body: usize, conditions: &[Condition]) -> (Vector, Vector) {
        let from = conditions[body].position;
        let other = self.stream.word() as usize % conditions.len();
        let target = if other == body || self.stream.uniform() < 0.5 {
            let (x, z) = (self.stream.between(-1.2, 1.2), self.stream.between(-1.1, 0.4));
            Vector::new(x as f32, 0.0, z as f32)
        } else {
            conditions[other].position
        };
        let up = self.stream.between(2.0, 3.6) as f32;
        let flight_seconds = 2.0 * up / GRAVITY as f32;
        let across = |from: f32, to: f32| ((to - from) / flight_seconds).clamp(-2.6, 2.6);
        let velocity = Vector::new(across(from.x, target.x), up, across(from.z, target.z));
        let mut turn = || self.stream.between(-5.0, 5.0) as f32;
        (velocity, Vector::new(turn(), turn(), turn()))
    }

    fn plan_next(&mut self, step: u64) {
        let beat = BEATS[self.stream.word() as usize % BEATS.len()];
        let mut seconds = beat / self.pace;
        if self.left_in_phrase == 0 {
            self.left_in_phrase = 3 + self.stream.word() % 4;
            seconds += self.stream.between(1.1, 2.2) / self.pace;
        } else {
            self.left_in_phrase -= 1;
        }
        self.next = step + ((seconds * 1e3) as u64).max(WARNING_STEPS + 1);
    }
}

fn smooth(x: f32) -> f32 {
    x * x * (3.0 - 2.0 * x)
}
