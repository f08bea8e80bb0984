//! Few views: a reconstruction whose steps are learned, for pictures of one kind seen under few angles.
//!
//! ```text
//! x_0 = 0, then START steps of data, none below 0
//! x   <- x + N_k(x, 4 C r(x)),   then PULLS steps of data,   k = 1 .. stages
//!
//! a step of data   x <- x + C r(x),   r(x) = Pᵀ R (y - P x)
//! ```
//!
//! Each `N_k` is a small residual network of its own that sees the picture and where the data pull it; they are trained as one, through the
//! steps of data between them, so that each corrects what the others and the data leave. A picture is seen at four times its root
//! mean square after the first steps, so that its units do not count. The form is that of the learned primal-dual reconstruction
//! (Adler and Öktem, IEEE Trans Med Imaging 37:1322, 2018), on the picture's side alone, with SIRT's steps (the binding's `part`) as data.
//!
//! What it learned is of the pictures and the angles of its training: of other kinds it makes things up. Nothing here knows what looks:
//! [`Measured`] is all that the steps ask.

pub mod lessons;
pub mod store;
pub mod train;

use super::picture::Plane;
use super::trained::lessons::{folded, unfolded};
use super::trained::model::Size;
use super::trained::network::{Form, Network};
use crate::kernel::convolve::Sheets;

/// Steps of data before the first stage.
const START: usize = 40;
/// Steps of data after each stage.
const PULLS: usize = 5;
/// How much the networks see of a step of data.
const SEEN: f32 = 4.0;
/// The unit of a picture, of its root mean square.
const UNIT: f32 = 4.0;
/// Pixels in a row and in a column that are one site of a network.
const FOLD: usize = 2;
/// The most stages.
pub const MOST_STAGES: usize = 16;

/// What was measured of a picture, as the steps ask for it.
pub trait Measured: Sync {
    /// Rows and columns of the picture; of a volume, those of one slice after the other.
    fn size(&self) -> (usize, usize);

    /// Writes `r(x) = Pᵀ R (y - P x)`: where the data pull the picture.
    fn pull(&self, picture: &[f32], out: &mut [f32]);

    /// `C`: how far each pixel goes by it; 0 where it is not seen.
    fn share(&self) -> &[f32];
}

/// A trained reconstruction.
#[derive(Clone, Debug, PartialEq)]
pub struct Views {
    size: Size,
    stages: Vec<Network>,
}

impl Views {
    /// The form of every stage.
    #[must_use]
    pub fn form(Size { channels, blocks }: Size) -> Form {
        let count = FOLD * FOLD;
        Form { inputs: 2 * count, channels, blocks, outputs: vec![count] }
    }

    /// One that adds nothing to the data's steps yet.
    ///
    /// # Panics
    /// Where the stages are not 1 to [`MOST_STAGES`].
    #[must_use]
    pub fn new(size: Size, stages: usize, seed: u64) -> Self {
        assert!((1..=MOST_STAGES).contains(&stages), "stages within their bounds");
        let stage = |stage: usize| Network::new(Self::form(size), seed ^ ((stage as u64) << 48));
        Self { size, stages: (0..stages).map(stage).collect() }
    }

    /// Of the numbers of its stages.
    ///
    /// # Panics
    /// Where a stage has more or fewer than its form, or there is none.
    #[must_use]
    pub fn of(size: Size, stages: Vec<Vec<f32>>) -> Self {
        assert!(!stages.is_empty(), "a stage");
        Self { size, stages: stages.into_iter().map(|stage| Network::of(Self::form(size), stage)).collect() }
    }

    /// The sides of a stage.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// The stages.
    #[must_use]
    pub fn stages(&self) -> &[Network] {
        &self.stages
    }

    /// The picture that explains what was measured and looks like those that were learned; nowhere below 0. Of a volume each slice for
    /// itself; one that the data leave dark stays so.
    #[must_use]
    pub fn picture(&self, measured: &dyn Measured) -> Vec<f32> {
        let (mut x, units) = started(measured);
        let mut missed = vec![0.0; x.len()];
        let (height, width) = measured.size();
        for stage in &self.stages {
            let ready = stage.ready(0);
            measured.pull(&x, &mut missed);
            let slices = x.chunks_mut(height * width).zip(missed.chunks(height * width));
            let shares = measured.share().chunks(height * width).zip(&units);
            for ((x, missed), (share, unit)) in slices.zip(shares).filter(|(_, (_, unit))| **unit > 0.0) {
                let answer = ready.run(&seen(x, [missed, share], (height, width), *unit));
                add(x, &answer, (height, width), *unit);
            }
            pulled(measured, &mut x, &mut missed, PULLS);
        }
        dark_below(&mut x);
        x
    }
}

/// Sets to 0 what is below it, and leaves what is no number.
fn dark_below(x: &mut [f32]) {
    for x in x.iter_mut().filter(|x| **x < 0.0) {
        *x = 0.0;
    }
}

/// The picture after the first steps of data, and the unit in which the stages see each slice; 0 of a dark one.
fn started(measured: &dyn Measured) -> (Vec<f32>, Vec<f32>) {
    let mut x = vec![0.0; measured.share().len()];
    let mut missed = vec![0.0; x.len()];
    for _ in 0..START {
        pulled(measured, &mut x, &mut missed, 1);
        dark_below(&mut x);
    }
    let (height, width) = measured.size();
    let unit = |slice: &[f32]| {
        let square = slice.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>() / slice.len() as f64;
        UNIT * libm::sqrt(square) as f32
    };
    let units = x.chunks(height * width).map(unit).collect();
    (x, units)
}

/// Steps of data.
fn pulled(measured: &dyn Measured, x: &mut [f32], missed: &mut [f32], steps: usize) {
    for _ in 0..steps {
        measured.pull(x, missed);
        for ((x, missed), share) in x.iter_mut().zip(&*missed).zip(measured.share()) {
            *x += share * missed;
        }
    }
}

/// What a stage sees of a slice: the picture, and a step of data.
fn seen(x: &[f32], [missed, share]: [&[f32]; 2], size: (usize, usize), unit: f32) -> Sheets {
    let pull = missed.iter().zip(share).map(|(missed, share)| SEEN * share * missed / unit);
    let x: Vec<f32> = x.iter().map(|x| x / unit).collect();
    joined(&[&x, &pull.collect::<Vec<f32>>()], size)
}

/// Planes as sheets, a square of pixels a site, zeros where a side is odd.
fn joined(planes: &[&[f32]], (height, width): (usize, usize)) -> Sheets {
    let even = |n: usize| n.next_multiple_of(FOLD);
    let mut all = Sheets::new(planes.len() * FOLD * FOLD, even(height) / FOLD, even(width) / FOLD);
    for (at, plane) in planes.iter().enumerate() {
        let inside = |y: usize, x: usize| y < height && x < width;
        let plane =
            Plane::of(
                even(height),
                even(width),
                |y, x| {
                    if inside(y, x) { plane[y * width + x] } else { 0.0 }
                },
            );
        let one = folded(&plane, FOLD, None);
        for (channel, y) in (0..FOLD * FOLD).flat_map(|channel| (0..one.height()).map(move |y| (channel, y)))
        {
            all.row_mut(at * FOLD * FOLD + channel, y).copy_from_slice(one.row(channel, y));
        }
    }
    all
}

/// Plane number `at` of sheets: the way back of [`joined`].
fn parted(sheets: &Sheets, at: usize, (height, width): (usize, usize)) -> Vec<f32> {
    let mut one = Sheets::new(FOLD * FOLD, sheets.height(), sheets.width());
    for (channel, y) in (0..FOLD * FOLD).flat_map(|channel| (0..sheets.height()).map(move |y| (channel, y))) {
        one.row_mut(channel, y).copy_from_slice(sheets.row(at * FOLD * FOLD + channel, y));
    }
    let plane = unfolded(&one, FOLD);
    (0..height).flat_map(|y| plane.values[y * plane.width..][..width].to_vec()).collect()
}

/// Adds a stage's answer.
fn add(x: &mut [f32], answer: &Sheets, size: (usize, usize), unit: f32) {
    for (x, answer) in x.iter_mut().zip(parted(answer, 0, size)) {
        *x += unit * answer;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of each column the sum, and of each row: two views, by hand.
    pub(super) struct Sums {
        pub side: usize,
        pub data: [Vec<f32>; 2],
        pub share: Vec<f32>,
    }

    impl Sums {
        pub fn of(side: usize, picture: &[f32]) -> Self {
            let mut sums =
                Self { side, data: [vec![0.0; side], vec![0.0; side]], share: vec![0.5; side * side] };
            sums.data = sums.seen(picture);
            sums
        }

        fn seen(&self, picture: &[f32]) -> [Vec<f32>; 2] {
            let side = self.side;
            [
                (0..side).map(|x| picture.iter().skip(x).step_by(side).sum()).collect(),
                picture.chunks(side).map(|row| row.iter().sum()).collect(),
            ]
        }
    }

    impl Measured for Sums {
        fn size(&self) -> (usize, usize) {
            (self.side, self.side)
        }

        fn pull(&self, picture: &[f32], out: &mut [f32]) {
            let seen = self.seen(picture);
            let off = |view: usize, at: usize| (self.data[view][at] - seen[view][at]) / self.side as f32;
            for (at, out) in out.iter_mut().enumerate() {
                *out = off(0, at % self.side) + off(1, at / self.side);
            }
        }

        fn share(&self) -> &[f32] {
            &self.share
        }
    }

    #[test]
    fn planes_come_back_from_sheets_of_odd_sides_too() {
        let planes = [1.0, 2.0].map(|k: f32| (0..35).map(|at| k * at as f32).collect::<Vec<f32>>());
        let sheets = joined(&[&planes[0], &planes[1]], (5, 7));
        assert_eq!((sheets.channels(), sheets.height(), sheets.width()), (8, 3, 4));
        for (at, plane) in planes.iter().enumerate() {
            assert_eq!(&parted(&sheets, at, (5, 7)), plane);
        }
    }

    #[test]
    fn what_is_not_trained_is_explained_by_the_data_alone() {
        let truth: Vec<f32> = (0..49).map(|at| ((at * at) % 11) as f32).collect();
        let sums = Sums::of(7, &truth);
        let found = Views::new(Size { channels: 4, blocks: 1 }, 2, 0).picture(&sums);
        for (found, truth) in sums.seen(&found).into_iter().flatten().zip(sums.data.iter().flatten()) {
            assert!((found - truth).abs() < 0.05, "{found} for {truth}");
        }
    }

    /// Two slices, of which the first was seen with half the light.
    struct Two([Sums; 2], Vec<f32>);

    impl Measured for Two {
        fn size(&self) -> (usize, usize) {
            self.0[0].size()
        }

        fn pull(&self, picture: &[f32], out: &mut [f32]) {
            let slices = picture.chunks(picture.len() / 2).zip(out.chunks_mut(picture.len() / 2));
            for ((picture, out), sums) in slices.zip(&self.0) {
                sums.pull(picture, out);
            }
        }

        fn share(&self) -> &[f32] {
            &self.1
        }
    }

    #[test]
    fn a_slice_is_made_for_itself_and_a_dark_one_stays_dark() {
        let mut views = Views::new(Size { channels: 4, blocks: 1 }, 2, 5);
        for stage in &mut views.stages {
            stage.numbers_mut().iter_mut().for_each(|x| *x += 0.01);
        }
        let truth: Vec<f32> = (0..64).map(|at| ((at * at) % 7) as f32 / 8.0).collect();
        for other in [truth.iter().map(|x| 9.0 * x).collect(), vec![0.0; 64]] {
            let mut first = Sums::of(8, &other);
            first.share = vec![0.25; 64];
            let share = [first.share.clone(), vec![0.5; 64]].concat();
            let wanted = [views.picture(&first), views.picture(&Sums::of(8, &truth))].concat();
            assert_eq!(views.picture(&Two([first, Sums::of(8, &truth)], share)), wanted);
            assert!(other[1] > 0.0 || wanted[..64].iter().all(|x| *x == 0.0));
        }
    }

    #[test]
    fn units_do_not_count() {
        let truth: Vec<f32> = (0..64).map(|at| ((at * at) % 7) as f32 / 8.0).collect();
        let mut views = Views::new(Size { channels: 4, blocks: 1 }, 2, 5);
        for stage in &mut views.stages {
            stage.numbers_mut().iter_mut().for_each(|x| *x += 0.01);
        }
        let large: Vec<f32> = truth.iter().map(|x| 4096.0 * x).collect();
        let (one, other) = (views.picture(&Sums::of(8, &truth)), views.picture(&Sums::of(8, &large)));
        for (one, other) in one.iter().zip(&other) {
            assert!((4096.0 * one - other).abs() < 1e-2 * 4096.0 * one.abs().max(0.01), "{one} {other}");
        }
    }
}
