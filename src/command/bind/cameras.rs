//! What `napot bind` reads of cameras, checked: a `transforms.json` as radiance fields have, whose pictures are sums along rays through a volume.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::super::numbers::Grid;
use super::input::Sight;
use super::{BindArgs, pictures};
use crate::binding::consensus::MOST_ARRAYS;
use crate::binding::pinhole::{Pinhole, Pose};
use crate::error::{Error, Result};

/// The largest file of poses, in bytes.
const MOST_BYTES: u64 = 1 << 22;
/// Voxels along an edge, and an edge's length in the world, where nothing is said.
const SIDE: u32 = 64;
const EXTENT: f64 = 2.0;

/// The file, as far as it is read.
#[derive(Debug, Deserialize)]
struct Transforms {
    #[serde(flatten)]
    lens: Lens,
    frames: Vec<Frame>,
}

#[derive(Debug, Deserialize)]
struct Frame {
    file_path: String,
    transform_matrix: Vec<Vec<f64>>,
    #[serde(flatten)]
    lens: Lens,
}

/// How a camera sees, as far as the file says it: of all cameras, or of one.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Lens {
    /// Of view, across, in radians.
    camera_angle_x: Option<f64>,
    /// The focal length, and where the axis meets the picture, in pixels.
    fl_x: Option<f64>,
    fl_y: Option<f64>,
    cx: Option<f64>,
    cy: Option<f64>,
    /// Columns and rows.
    w: Option<f64>,
    h: Option<f64>,
    /// How it bends.
    k1: Option<f64>,
    k2: Option<f64>,
    k3: Option<f64>,
    k4: Option<f64>,
    p1: Option<f64>,
    p2: Option<f64>,
}

impl Lens {
    /// What is said of one camera, and where nothing is, what is said of `all`.
    fn or(self, all: Self) -> Self {
        // One focal length of its own says nothing by another's.
        let own = self.fl_x.is_some() || self.camera_angle_x.is_some();
        let focal = if own { self } else { all };
        Self {
            camera_angle_x: focal.camera_angle_x,
            fl_x: focal.fl_x,
            fl_y: self.fl_y.or(focal.fl_y),
            cx: self.cx.or(all.cx),
            cy: self.cy.or(all.cy),
            w: self.w.or(all.w),
            h: self.h.or(all.h),
            k1: self.k1.or(all.k1),
            k2: self.k2.or(all.k2),
            k3: self.k3.or(all.k3),
            k4: self.k4.or(all.k4),
            p1: self.p1.or(all.p1),
            p2: self.p2.or(all.p2),
        }
    }

    /// The first number that bends rays, with its name.
    fn bends(&self) -> Option<(&'static str, f64)> {
        let numbers = [
            ("k1", self.k1),
            ("k2", self.k2),
            ("k3", self.k3),
            ("k4", self.k4),
            ("p1", self.p1),
            ("p2", self.p2),
        ];
        let mut told = numbers.into_iter().filter_map(|(name, number)| Some((name, number?)));
        told.find(|(_, number)| *number != 0.0)
    }
}

/// Cameras, each an array.
#[derive(Debug)]
pub(super) struct Cameras {
    /// Voxels along an edge.
    pub side: usize,
    /// The cameras.
    pub all: Vec<Camera>,
    /// Numbers that are not finite.
    pub unseen: usize,
}

/// A camera and its picture.
#[derive(Debug)]
pub(super) struct Camera {
    /// Its file.
    pub file: PathBuf,
    rays: Pinhole,
    values: Vec<f32>,
}

impl Cameras {
    /// Reads the file that the call names, and its pictures.
    pub fn read(args: &BindArgs) -> Result<Self> {
        let file = &args.seen;
        let bytes = pictures::read(file, "the file", "It holds cameras and their pictures.", MOST_BYTES)?;
        let told: Transforms = serde_json::from_slice(&bytes).map_err(|cause| {
            Error::input(file, "it holds no cameras as `transforms.json` does").value(cause)
        })?;
        let count = told.frames.len();
        if !(2..=MOST_ARRAYS).contains(&count) {
            let problem =
                if count == 1 { "one camera alone has nothing to bind to" } else { "so many can't be bound" };
            return Err(Error::input(file, problem).value(count).bound(format!("2 to {MOST_ARRAYS} frames")));
        }
        let side = args.side.unwrap_or(SIDE) as usize;
        let extent = args.extent.unwrap_or(EXTENT);
        let one = |(at, frame): (usize, &Frame)| camera(file, at, (&told, frame), (side, extent));
        let all: Vec<Camera> = told.frames.iter().enumerate().map(one).collect::<Result<_>>()?;
        let unseen = all.iter().flat_map(|one| &one.values).filter(|number| !number.is_finite()).count();
        Ok(Self { side, all, unseen })
    }

    /// What a camera's array looks through, and what it sees.
    pub fn sight(&self, array: usize) -> Sight {
        let Camera { rays, values, .. } = &self.all[array];
        (Box::new(rays.clone()), values.clone())
    }
}

/// The camera of a frame.
fn camera(
    list: &Path,
    at: usize,
    (told, frame): (&Transforms, &Frame),
    cube: (usize, f64),
) -> Result<Camera> {
    let fault = |problem: &str| Error::input(list, problem).at(format!("frame {at}"));
    let matrix = &frame.transform_matrix;
    if matrix.len() < 3 || matrix.iter().take(3).any(|row| row.len() != 4) {
        let shape: Vec<usize> = matrix.iter().map(Vec::len).collect();
        let error = fault("its `transform_matrix` is no pose").value(format!("rows of {shape:?} numbers"));
        return Err(error.bound("3 or 4 rows of 4 numbers"));
    }
    let lens = frame.lens.or(told.lens);
    if let Some((name, number)) = lens.bends() {
        let error = fault("lenses that bend are not known").value(format!("{name} = {number}"));
        return Err(error.bound("0").help("Straighten the pictures first."));
    }
    let named = list.parent().unwrap_or(Path::new("")).join(&frame.file_path);
    // NeRF's own files leave the ending out.
    let file = if named.extension().is_none() { named.with_extension("png") } else { named };
    let Grid { shape: [slices, rows, columns], values, .. } = Grid::of_any(&file)?;
    if slices != 1 {
        return Err(Error::input(&file, "it is no picture but several").value(slices).bound("1"));
    }
    for (name, said, is) in [("w", lens.w, columns), ("h", lens.h, rows)] {
        if let Some(said) = said.filter(|said| (said - is as f64).abs() > 1e-3) {
            let error = fault("its pictures are of another size than the file says").value(is);
            return Err(error.bound(format!("{said}, as `{name}` says")));
        }
    }
    let focal = match (lens.fl_x, lens.camera_angle_x) {
        (Some(focal), _) => focal,
        (None, Some(angle)) => 0.5 * columns as f64 / libm::tan(0.5 * angle),
        (None, None) => {
            return Err(Error::input(list, "it does not say how wide its cameras see")
                .bound("`fl_x` in pixels, or `camera_angle_x` in radians"));
        }
    };
    if let Some(other) = lens.fl_y.filter(|other| (other - focal).abs() > 1e-3 * focal) {
        let error = Error::input(list, "its pixels are not square: `fl_y` is not `fl_x`").value(other);
        return Err(error.bound(focal));
    }
    // Pixels' middles are at whole numbers here, at halves there.
    let middle = [(lens.cy, rows), (lens.cx, columns)]
        .map(|(centre, count)| centre.unwrap_or(0.5 * count as f64) - 0.5);
    let axes = [0, 1, 2].map(|row| [0, 1, 2].map(|column| matrix[row][column]));
    let place = [0, 1, 2].map(|row| matrix[row][3]);
    let pose = Pose { axes, place, focal, middle, shape: (rows, columns) };
    let rays =
        Pinhole::new(cube.0, cube.1, &pose).map_err(|error| error.read_from(list, format!("frame {at}")))?;
    Ok(Camera { file, rays, values: values.into_iter().map(|number| number as f32).collect() })
}
