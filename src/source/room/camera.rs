//! The camera: its slow path through the room, its lens, and the projection between the two.
//!
//! Axes are those of computer vision (Hartley & Zisserman, "Multiple view geometry", 2nd ed., section 6.1):
//! x to the right of the picture, y down, z into the scene.

use rapier3d::prelude::Vector;

use crate::random::Stream;
use crate::time::Timestamp;

/// Field of view in degrees over the geometric mean of width and height.
const FIELD_OF_VIEW_DEGREES: f32 = 56.0;
/// What the camera turns about, in metres.
const AIM: Vector = Vector::new(0.0, 0.6, -0.35);

/// Where a camera stands and how it is turned, in the room's axes (x right, y up, z to the front, metres).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CameraPose {
    /// The optical centre in metres.
    pub position: [f32; 3],
    /// Rotation from the camera to the room, by rows: its columns are the room's directions of the
    /// camera's x (right), y (down) and z (forward) axes.
    pub rotation: [[f32; 3]; 3],
}

/// A pinhole lens; pixel (column, row) covers `[column, column + 1) x [row, row + 1)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Intrinsics {
    /// Focal length in pixels, horizontal.
    pub fx: f32,
    /// Focal length in pixels, vertical.
    pub fy: f32,
    /// Principal point, horizontal, in pixels from the left edge.
    pub cx: f32,
    /// Principal point, vertical, in pixels from the upper edge.
    pub cy: f32,
}

impl Intrinsics {
    /// The room's lens for a picture of this size.
    #[must_use]
    pub fn of(width: usize, height: usize) -> Self {
        let (width, height) = (width as f32, height as f32);
        let half = FIELD_OF_VIEW_DEGREES.to_radians() * 0.5;
        let focal = 0.5 * (width * height).sqrt() / libm::tanf(half);
        Self { fx: focal, fy: focal, cx: 0.5 * width, cy: 0.5 * height }
    }
}

impl CameraPose {
    /// The room's point that lies at `depth` metres along the optical axis behind picture point (`u`, `v`).
    #[must_use]
    pub fn unproject(&self, lens: &Intrinsics, u: f32, v: f32, depth: f32) -> [f32; 3] {
        let along = [(u - lens.cx) / lens.fx * depth, (v - lens.cy) / lens.fy * depth, depth];
        std::array::from_fn(|i| {
            let row = self.rotation[i];
            self.position[i] + row[0] * along[0] + row[1] * along[1] + row[2] * along[2]
        })
    }

    /// Picture point and depth in metres of a point of the room; `None` behind the camera.
    #[must_use]
    pub fn project(&self, lens: &Intrinsics, point: [f32; 3]) -> Option<[f32; 3]> {
        let [x, y, z] = self.to_camera(point);
        (z > 1e-6).then(|| [lens.fx * x / z + lens.cx, lens.fy * y / z + lens.cy, z])
    }

    /// A point of the room in the camera's axes, in metres.
    #[must_use]
    pub fn to_camera(&self, point: [f32; 3]) -> [f32; 3] {
        let offset: [f32; 3] = std::array::from_fn(|i| point[i] - self.position[i]);
        std::array::from_fn(|j| (0..3).map(|i| self.rotation[i][j] * offset[i]).sum())
    }

    pub(super) fn axis(&self, column: usize) -> Vector {
        Vector::new(self.rotation[0][column], self.rotation[1][column], self.rotation[2][column])
    }
}

/// The path: a slow orbit with a dolly and a gentle sway, without end and without jumps.
#[derive(Clone, Debug)]
pub(super) struct Path {
    phases: [f64; 6],
}

impl Path {
    pub(super) fn new(seed: u64) -> Self {
        let mut stream = Stream::new(seed, 0x0CA3);
        Self { phases: std::array::from_fn(|_| stream.between(0.0, core::f64::consts::TAU)) }
    }

    /// The pose at `time`.
    pub(super) fn pose(&self, time: Timestamp) -> CameraPose {
        let seconds = time.0 as f64 * 1e-9;
        let wave = |index: usize, period: f64| {
            libm::sin(core::f64::consts::TAU * seconds / period + self.phases[index]) as f32
        };
        let orbit = 0.30 * wave(0, 41.0) + 0.05 * wave(1, 17.0);
        let distance = 2.72 + 0.18 * wave(2, 29.0);
        let height = 1.42 + 0.22 * wave(3, 37.0) + 0.025 * wave(4, 7.0);
        let (sine, cosine) = (libm::sinf(orbit), libm::cosf(orbit));
        let position = Vector::new(AIM.x + distance * sine, height, AIM.z + distance * cosine);
        let aim = AIM + Vector::new(0.06 * wave(5, 19.0), 0.03 * wave(1, 11.0), 0.0);
        look(position, aim, 0.012 * wave(2, 13.0))
    }
}

fn look(position: Vector, aim: Vector, roll: f32) -> CameraPose {
    let forward = (aim - position).normalize();
    let level = forward.cross(Vector::Y).normalize();
    let down = forward.cross(level);
    let right = level + down * roll;
    let right = (right - forward * right.dot(forward)).normalize();
    let down = forward.cross(right);
    let columns = [right, down, forward].map(|axis| axis.to_array());
    CameraPose {
        position: position.to_array(),
        rotation: std::array::from_fn(|i| std::array::from_fn(|j| columns[j][i])),
    }
}
