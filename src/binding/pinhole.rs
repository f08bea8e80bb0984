//! A pinhole camera's rays through a volume: what each pixel sees is the sum along its ray, as of X-rays from a point.
//!
//! The volume is a cube of `side` voxels along each edge about the origin; columns go along x, rows along y, slices along z. A camera
//! looks along its own -z, its x is to the right of its picture and its y upward, as OpenGL and the `transforms.json` of radiance
//! fields (Mildenhall et al., ECCV, 2020) have it. A ray is walked along the axis that it follows most, a voxel's length a step, and read
//! linearly between the four voxels beside it (Joseph, IEEE Trans Med Imaging 1:192, 1982); its sum is in units of the world's length.

use super::projection::Projection;
use crate::error::{Error, Result};

/// The most voxels along an edge.
pub const MOST_EDGE: usize = 512;
/// How far the axes of a pose may be from a rotation's.
const TURNED: f64 = 1e-3;

/// Where a camera is, how it looks, and its picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// Columns are the camera's axes in the world: right, up, backward.
    pub axes: [[f64; 3]; 3],
    /// The pinhole in the world.
    pub place: [f64; 3],
    /// The distance of the picture from the pinhole, in pixels, above 0.
    pub focal: f64,
    /// Row and column of the picture where the camera's axis meets it; pixels' middles are at whole numbers.
    pub middle: [f64; 2],
    /// Rows and columns of the picture.
    pub shape: (usize, usize),
}

impl Pose {
    /// # Errors
    /// Where its axes are no rotation, or a number is not finite or out of range.
    fn check(&self) -> Result<()> {
        let all = self.axes.iter().flatten().chain(&self.place).chain(&self.middle);
        if let Some(number) = all.copied().find(|number| !number.is_finite()) {
            return Err(Error::call("pose", "a number of it is none").value(number).bound("finite"));
        }
        let axis = |at: usize| [0, 1, 2].map(|row| self.axes[row][at]);
        let dot = |one: [f64; 3], other: [f64; 3]| one.iter().zip(other).map(|(x, y)| x * y).sum::<f64>();
        let [x, y, z] = [0, 1, 2].map(axis);
        let across = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]];
        let lengths = [x, y, z].into_iter().map(|axis| (dot(axis, axis) - 1.0).abs());
        let off = lengths.chain([dot(x, y).abs(), dot(y, z).abs(), dot(z, x).abs()]).fold(0.0, f64::max);
        if off > TURNED || dot(across, z) < 0.0 {
            let error = Error::call("pose", "its axes are no rotation").value(format!("{:?}", self.axes));
            return Err(error.bound("of length 1, square on each other, right-handed"));
        }
        if !(self.focal.is_finite() && self.focal > 0.0) {
            return Err(Error::call("focal", "the picture would lie in the pinhole, in pixels")
                .value(self.focal)
                .bound("above 0"));
        }
        if self.shape.0 == 0 || self.shape.1 == 0 {
            let value = format!("{} x {}", self.shape.0, self.shape.1);
            return Err(Error::call("pose", "its picture is empty").value(value).bound("1 x 1 or more"));
        }
        Ok(())
    }
}

/// A camera's rays.
#[derive(Clone, Debug)]
pub struct Pinhole {
    side: usize,
    /// The world's length of a voxel.
    voxel: f64,
    pose: Pose,
}

/// A ray from plane to plane of its main axis.
struct Ray {
    /// The steps in the volume along the main axis and the two others.
    strides: [usize; 3],
    /// Where along the two others it meets plane 0, in voxels, and how much further each plane.
    first: [f64; 2],
    slope: [f64; 2],
    planes: std::ops::Range<usize>,
    weight: f32,
}

impl Pinhole {
    /// Rays through a cube of `side` voxels, 1 to [`MOST_EDGE`], whose edge is `extent` long in the world.
    ///
    /// # Errors
    /// Where a length is out of range, or the pose is no camera's.
    pub fn new(side: usize, extent: f64, pose: &Pose) -> Result<Self> {
        if !(1..=MOST_EDGE).contains(&side) {
            let error = Error::call("side", "the volume can't be cut, in voxels").value(side);
            return Err(error.bound(format!("1 to {MOST_EDGE}")));
        }
        if !(extent.is_finite() && extent > 0.0) {
            return Err(Error::call("extent", "the volume has no length").value(extent).bound("above 0"));
        }
        pose.check()?;
        Ok(Self { side, voxel: extent / side as f64, pose: *pose })
    }

    /// The ray of a pixel.
    fn ray(&self, row: usize, column: usize) -> Ray {
        let Pose { axes, place, focal, middle, .. } = &self.pose;
        let own = [(column as f64 - middle[1]) / focal, (middle[0] - row as f64) / focal, -1.0];
        let along = [0, 1, 2].map(|at| axes[at][0] * own[0] + axes[at][1] * own[1] + axes[at][2] * own[2]);
        // In voxels; the first one's middle is 0.
        let start = place.map(|x| x / self.voxel + 0.5 * (self.side as f64 - 1.0));
        let steep = |at: &usize| along[*at].abs();
        let main = (0..3).max_by(|one, other| steep(one).total_cmp(&steep(other))).unwrap_or(2);
        let others = [(main + 1) % 3, (main + 2) % 3];
        let slope = others.map(|at| along[at] / along[main]);
        let first = [0, 1].map(|at| start[others[at]] - slope[at] * start[main]);
        // What lies behind the pinhole is not seen.
        let edge = start[main].clamp(-1.0, self.side as f64);
        let planes = if along[main] > 0.0 {
            (edge.floor() + 1.0).max(0.0) as usize..self.side
        } else {
            0..edge.ceil().max(0.0) as usize
        };
        let length = along.iter().map(|x| x * x).sum::<f64>().sqrt() / along[main].abs();
        let strides = [1, self.side, self.side * self.side];
        Ray {
            strides: [strides[main], strides[others[0]], strides[others[1]]],
            first,
            slope,
            planes,
            weight: (length * self.voxel) as f32,
        }
    }

    /// Gives each voxel beside a ray, with its weight.
    fn walk(&self, ray: &Ray, mut visit: impl FnMut(usize, f32)) {
        let side = i64::try_from(self.side).unwrap_or(i64::MAX);
        for plane in ray.planes.clone() {
            let at = [0, 1].map(|axis| ray.first[axis] + ray.slope[axis] * plane as f64);
            // Rays that miss the volume may lie anywhere.
            if at.iter().any(|at| *at <= -1.0 || *at >= side as f64) {
                continue;
            }
            let low = at.map(|at| at.floor() as i64);
            let part = [0, 1].map(|axis| (at[axis] - low[axis] as f64) as f32);
            for corner in 0..4i64 {
                let [one, other] = [low[0] + corner % 2, low[1] + corner / 2];
                if one < 0 || other < 0 || one >= side || other >= side {
                    continue;
                }
                let share = |further: bool, part: f32| if further { part } else { 1.0 - part };
                let weight = share(corner % 2 == 1, part[0]) * share(corner / 2 == 1, part[1]);
                let place =
                    plane * ray.strides[0] + one as usize * ray.strides[1] + other as usize * ray.strides[2];
                visit(place, ray.weight * weight);
            }
        }
    }

    fn rays(&self) -> impl Iterator<Item = Ray> + '_ {
        let (rows, columns) = self.pose.shape;
        (0..rows * columns).map(move |at| self.ray(at / columns, at % columns))
    }
}

impl Projection for Pinhole {
    /// All slices one below the other.
    fn size(&self) -> (usize, usize) {
        (self.side * self.side, self.side)
    }

    fn data_len(&self) -> usize {
        self.pose.shape.0 * self.pose.shape.1
    }

    fn apply(&self, picture: &[f32], data: &mut [f32], _: usize) {
        assert!(picture.len() == self.side.pow(3) && data.len() == self.data_len(), "a volume and its data");
        for (sum, ray) in data.iter_mut().zip(self.rays()) {
            *sum = 0.0;
            self.walk(&ray, |place, weight| *sum += weight * picture[place]);
        }
    }

    fn adjoint(&self, data: &[f32], picture: &mut [f32], _: usize) {
        assert!(picture.len() == self.side.pow(3) && data.len() == self.data_len(), "a volume and its data");
        picture.fill(0.0);
        for (number, ray) in data.iter().zip(self.rays()) {
            self.walk(&ray, |place, weight| picture[place] += weight * number);
        }
    }
}
