//! What an array sees of the world: linear ways from a picture to data, and back, without a matrix.
//!
//! Parallel beams (Joseph, "An improved algorithm for reprojecting rays through pixel images", IEEE Trans Med Imaging 1:192,
//! 1982): the ray at `t` under the angle θ is `(x - c) cos θ - (y - c) sin θ = t - c` with `c = n / 2` rounded down, `y` downward, as
//! scikit-image's `radon` has it. It is walked along the axis that it follows more, a pixel a step, and read linearly between
//! the two pixels beside it. A pixel so throws a triangle of area 1 and half width `max(|cos θ|, |sin θ|)` on the detector,
//! which is how the adjoint gathers. Detector elements are as wide as pixels.
//!
//! Every number of a result is one sum in one order, so that threads that share the numbers never change them.

use crate::error::{Error, Result};
use crate::kernel::beams::{BESIDE, Places, Shadow, gather, sum_along};
use crate::kernel::lanes::Instructions;

/// A linear way from a square or oblong picture to data.
pub trait Projection: Send + Sync {
    /// Rows and columns of the picture.
    fn size(&self) -> (usize, usize);

    /// How many numbers the data have.
    fn data_len(&self) -> usize;

    /// Writes `P x` into `data`, by up to `threads` threads; the same bits for any number of them.
    ///
    /// # Panics
    /// Where `picture` or `data` has another length than [`Self::size`] and [`Self::data_len`] say.
    fn apply(&self, picture: &[f32], data: &mut [f32], threads: usize);

    /// Writes `Pᵀ y` into `picture`; as [`Self::apply`].
    ///
    /// # Panics
    /// As [`Self::apply`].
    fn adjoint(&self, data: &[f32], picture: &mut [f32], threads: usize);

    /// The same way with the sizes of its weights, where some of them are below 0: how far a step may go is by these.
    fn sizes(&self) -> Option<Box<dyn Projection>> {
        None
    }
}

/// Numbers below which threads cost more than they do.
const WORTH_A_THREAD: usize = 1 << 15;

/// Fills the rows of `out`, each `width` long, by `fill(row, numbers)`; rows are shared among threads.
pub(super) fn by_rows(
    out: &mut [f32],
    width: usize,
    work: usize,
    threads: usize,
    fill: impl Fn(usize, &mut [f32]) + Sync,
) {
    let rows = out.len() / width.max(1);
    let threads = threads.min(rows).min(work / WORTH_A_THREAD).max(1);
    let some = |first: usize, part: &mut [f32]| {
        part.chunks_exact_mut(width).enumerate().for_each(|(row, numbers)| fill(first + row, numbers));
    };
    if threads == 1 {
        return some(0, out);
    }
    let each = rows.div_ceil(threads);
    std::thread::scope(|scope| {
        for (part, numbers) in out.chunks_mut(each * width).enumerate() {
            let some = &some;
            scope.spawn(move || some(part * each, numbers));
        }
    });
}

/// The lines of a picture, rows or columns, with zeros beside them.
fn padded(picture: &[f32], width: usize, columns: bool) -> Vec<f32> {
    let (count, length) =
        if columns { (width, picture.len() / width) } else { (picture.len() / width, width) };
    let mut out = vec![0.0; (length + 2 * BESIDE) * count];
    for (at, line) in out.chunks_exact_mut(length + 2 * BESIDE).enumerate() {
        let line = &mut line[BESIDE..][..length];
        if columns {
            line.iter_mut().zip(picture[at..].iter().step_by(width)).for_each(|(to, from)| *to = *from);
        } else {
            line.copy_from_slice(&picture[at * width..][..width]);
        }
    }
    out
}

/// Parallel beams through a square picture, under several angles: line integrals in units of a pixel's side.
///
/// The data are `angles x detectors`, an angle's line after another's.
#[derive(Clone, Debug)]
pub struct ParallelBeam {
    side: usize,
    detectors: usize,
    views: Vec<View>,
    shadows: Vec<Shadow>,
    by: Instructions,
}

/// How the rays of one angle are walked: by the picture's columns instead of its rows, where on its first line each ray is, and
/// the length that a ray walks from line to line.
#[derive(Clone, Debug)]
struct View {
    columns: bool,
    places: Places,
    weight: f32,
}

/// The largest side of a picture and the most detector elements: places are then exact to a thousandth of a pixel.
pub const MOST_SIDE: usize = 4_096;

impl ParallelBeam {
    /// Beams under `degrees` through a picture of `side` x `side` pixels onto `detectors` elements, whose middle, `detectors / 2`
    /// rounded down, is that of the picture.
    ///
    /// # Errors
    /// Where there is no angle, one is not finite, or a length is not 1 to [`MOST_SIDE`].
    pub fn new(side: usize, detectors: usize, degrees: &[f64]) -> Result<Self> {
        Self::shifted(side, detectors, degrees, 0.0)
    }

    /// The same onto a detector that lies `shift` elements beside its place: the picture's middle falls so much further along it.
    ///
    /// # Errors
    /// As [`Self::new`], and where the shift is not within the detector's length either way.
    pub fn shifted(side: usize, detectors: usize, degrees: &[f64], shift: f64) -> Result<Self> {
        for (name, length) in [("side", side), ("detectors", detectors), ("angles", degrees.len())] {
            if !(1..=MOST_SIDE).contains(&length) {
                let error = Error::call(name, "the beams can't be laid").value(length);
                return Err(error.bound(format!("1 to {MOST_SIDE}")));
            }
        }
        if let Some(at) = degrees.iter().position(|angle| !angle.is_finite()) {
            let error = Error::call("angles", "an angle is no number").at(format!("view {at}"));
            return Err(error.value(degrees[at]).bound("finite, in degrees"));
        }
        if !shift.is_finite() || shift.abs() > detectors as f64 {
            let error = Error::call("shift", "the detector would be beside the picture").value(shift);
            return Err(error.bound(format!("-{detectors} to {detectors} elements")));
        }
        let (middle, centre) = ((side / 2) as f64, (detectors / 2) as f64 + shift);
        let turns = degrees.iter().map(|degrees| {
            let angle = degrees.to_radians();
            [libm::cos(angle), libm::sin(angle)]
        });
        // Along rows: x - c = (t + (y - c) sin) / cos; along columns: y - c = (-t + (x - c) cos) / sin.
        let view = |[cos, sin]: [f64; 2]| {
            let columns = cos.abs() < sin.abs();
            let (step, slope) = if columns { (-1.0 / sin, cos / sin) } else { (1.0 / cos, sin / cos) };
            let first = middle - middle * slope - centre * step;
            View { columns, places: Places::new(first, slope, step), weight: step.abs() as f32 }
        };
        let shadow = |[cos, sin]: [f64; 2]| {
            let places = Places::new(centre + middle * sin - middle * cos, -sin, cos);
            Shadow { places, sharp: (1.0 / cos.abs().max(sin.abs())) as f32 }
        };
        let (views, shadows) = turns.map(|turn| (view(turn), shadow(turn))).unzip();
        Ok(Self { side, detectors, views, shadows, by: Instructions::best() })
    }
}

impl Projection for ParallelBeam {
    fn size(&self) -> (usize, usize) {
        (self.side, self.side)
    }

    fn data_len(&self) -> usize {
        self.views.len() * self.detectors
    }

    fn apply(&self, picture: &[f32], data: &mut [f32], threads: usize) {
        let side = self.side;
        assert!(picture.len() == side * side && data.len() == self.data_len(), "a picture and its data");
        let lines = |columns: bool| {
            let used = self.views.iter().any(|view| view.columns == columns);
            if used { padded(picture, side, columns) } else { Vec::new() }
        };
        let (rows, columns) = (lines(false), lines(true));
        by_rows(data, self.detectors, self.views.len() * side * side, threads, |view, out| {
            let view = &self.views[view];
            let lines = if view.columns { &columns } else { &rows };
            sum_along(self.by, lines, side + 2 * BESIDE, &view.places, view.weight, out);
        });
    }

    fn adjoint(&self, data: &[f32], picture: &mut [f32], threads: usize) {
        let side = self.side;
        assert!(picture.len() == side * side && data.len() == self.data_len(), "a picture and its data");
        let (lines, width) = (padded(data, self.detectors, false), self.detectors + 2 * BESIDE);
        by_rows(picture, side, self.views.len() * side * side, threads, |y, out| {
            gather(self.by, &lines, width, &self.shadows, y, out);
        });
    }
}

/// The same way from each of several pictures, one below the other, as the slices of a volume; the data likewise, slice by slice.
#[derive(Clone, Debug)]
pub struct Slices<P> {
    each: P,
    count: usize,
}

impl<P: Projection> Slices<P> {
    /// `count` pictures, at least 1, that `each` sees in turn.
    ///
    /// # Errors
    /// Where there is none.
    pub fn new(each: P, count: usize) -> Result<Self> {
        if count == 0 {
            return Err(Error::call("slices", "there is none").value(count).bound("at least 1"));
        }
        Ok(Self { each, count })
    }
}

impl<P: Projection> Projection for Slices<P> {
    fn size(&self) -> (usize, usize) {
        let (height, width) = self.each.size();
        (self.count * height, width)
    }

    fn data_len(&self) -> usize {
        self.count * self.each.data_len()
    }

    fn apply(&self, picture: &[f32], data: &mut [f32], threads: usize) {
        if self.count == 1 {
            return self.each.apply(picture, data, threads);
        }
        assert!(picture.len() == self.size().0 * self.size().1 && data.len() == self.data_len(), "slices");
        let pixels = picture.len() / self.count;
        by_rows(data, self.each.data_len(), picture.len(), threads, |slice, out| {
            self.each.apply(&picture[slice * pixels..][..pixels], out, 1);
        });
    }

    fn adjoint(&self, data: &[f32], picture: &mut [f32], threads: usize) {
        if self.count == 1 {
            return self.each.adjoint(data, picture, threads);
        }
        assert!(picture.len() == self.size().0 * self.size().1 && data.len() == self.data_len(), "slices");
        let (numbers, pixels) = (self.each.data_len(), picture.len() / self.count);
        by_rows(picture, pixels, picture.len(), threads, |slice, out| {
            self.each.adjoint(&data[slice * numbers..][..numbers], out, 1);
        });
    }
}
