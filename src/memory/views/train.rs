//! Training of the stages as one: the way through them and the steps of data, and the way back.
//!
//! With `S v = v - C N v` for a step of data on a difference, `N = Pᵀ R P`, which is symmetric, the way back of a step is
//! `Sᵀ v = v - N C v`, and that of what a stage sees of the data's pull is `- SEEN N C v`. So all that is asked of a projection on the way
//! back is what is asked on the way there.

use super::super::picture::Plane;
use super::super::trained::descent;
use super::super::trained::model::Size;
use super::super::trained::network::{Held, Lesson};
use super::lessons::lesson;
use super::{Measured, PULLS, SEEN, Views, joined, parted, pulled, seen, started};
use crate::error::{Error, Result};
use crate::kernel::convolve::Sheets;

/// Where the square of an error ends and the distance begins ([`super::super::trained::train`]).
const TURN: f32 = 0.01;
const MOST_STEPS: u64 = 1_000_000;
const MOST_BATCH: usize = 1_024;

/// How it is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// Steps in all.
    pub steps: u64,
    /// Pictures of a step.
    pub batch: usize,
    /// The rate, from 0 up.
    pub rate: f64,
    /// The seed of the lessons.
    pub seed: u64,
}

impl Course {
    /// Whether all is within its bounds.
    ///
    /// # Errors
    /// Names what is not, its value and its bound.
    pub fn check(&self) -> Result<()> {
        let bad = |name: &str, value: &dyn core::fmt::Display, bound: &str| {
            Err(Error::call(name, "the value is out of bounds").value(value).bound(bound))
        };
        if self.steps == 0 || self.steps > MOST_STEPS {
            return bad("--steps", &self.steps, "1 to 1000000");
        }
        if self.batch == 0 || self.batch > MOST_BATCH {
            return bad("--batch", &self.batch, "1 to 1024");
        }
        if !(self.rate > 0.0 && self.rate <= 1.0) {
            return bad("--rate", &self.rate, "above 0, at most 1");
        }
        Ok(())
    }
}

/// Bytes that a step takes: the slopes of a batch, and what the layers hold of a picture on each thread.
#[must_use]
pub fn bytes(size: Size, stages: usize, side: usize, batch: usize, threads: usize) -> usize {
    let numbers = stages.saturating_mul(Views::form(size).len());
    let sites = (side.div_ceil(2)).saturating_mul(side.div_ceil(2));
    let held = stages.saturating_mul(2 * size.blocks + 2).saturating_mul(size.channels).saturating_mul(sites);
    let all = batch.saturating_mul(numbers).saturating_add(threads.min(batch).saturating_mul(held));
    all.saturating_mul(size_of::<f32>())
}

/// A reconstruction on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// The stages.
    pub views: Views,
    moments: Vec<[Vec<f32>; 2]>,
    /// The mean square error of each step before it was learned, and that of the data's first steps alone: means over its
    /// pictures, of the square of each one's brightest pixel.
    pub errors: Vec<[f32; 2]>,
}

impl Training {
    /// From a reconstruction.
    #[must_use]
    pub fn of(views: Views) -> Self {
        let zeros = |stage: &super::Network| [0, 1].map(|_| vec![0.0; stage.numbers().len()]);
        Self { moments: views.stages().iter().map(zeros).collect(), views, errors: Vec::new() }
    }

    /// Whether every number of every stage is one.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.views.stages().iter().flat_map(super::Network::numbers).all(|number| number.is_finite())
    }

    /// Takes one step, by up to `threads` threads, which do not show; `dark` is what looks, with no light on it: `y = 0`.
    ///
    /// # Panics
    /// Where there is no picture or one has another size than `dark`.
    pub fn step(
        &mut self,
        course: &Course,
        pictures: &[Plane],
        dark: &dyn Measured,
        threads: usize,
    ) -> [f32; 2] {
        let lessons: Vec<Lesson> = self.views.stages().iter().map(|stage| stage.lesson(0)).collect();
        let counts: Vec<usize> = self.views.stages().iter().map(|stage| stage.numbers().len()).collect();
        let (step, number) = (self.errors.len() as u64, counts.iter().sum());
        let first = step * course.batch as u64;
        let (mut slope, errors) = descent::slope_of(course.batch, number, threads, |at| {
            let truth = lesson(pictures, course.seed, (first + at as u64) as u32);
            slope(&lessons, &counts, dark, &truth.values, course.batch)
        });
        let rate = descent::rate(course.rate, course.steps, step);
        let mut rest = &mut slope[..];
        for (stage, moments) in self.views.stages.iter_mut().zip(&mut self.moments) {
            let (own, further) = rest.split_at_mut(stage.numbers().len());
            descent::follow(stage.numbers_mut(), own, moments, step + 1, rate);
            rest = further;
        }
        let errors = errors.map(|error| error as f32);
        self.errors.push(errors);
        errors
    }
}

/// What looks, at a picture of which it is known what the data pull on.
struct Lit<'a> {
    dark: &'a dyn Measured,
    pull: Vec<f32>,
}

impl Measured for Lit<'_> {
    fn size(&self) -> (usize, usize) {
        self.dark.size()
    }

    fn pull(&self, picture: &[f32], out: &mut [f32]) {
        self.dark.pull(picture, out);
        out.iter_mut().zip(&self.pull).for_each(|(out, pull)| *out += pull);
    }

    fn share(&self) -> &[f32] {
        self.dark.share()
    }
}

/// How the error of one picture, as a part of a batch, grows with every number of every stage; its mean square error, and that of the
/// start.
fn slope(
    lessons: &[Lesson],
    counts: &[usize],
    dark: &dyn Measured,
    truth: &[f32],
    batch: usize,
) -> (Vec<f32>, [f64; 2]) {
    let mut missed = vec![0.0; truth.len()];
    dark.pull(truth, &mut missed);
    let lit = Lit { dark, pull: missed.iter().map(|missed| -missed).collect() };
    let (mut x, units) = started(&lit);
    let (unit, brightest) = (units[0], truth.iter().fold(0.0f32, |most, x| most.max(*x)));
    let mut slope = vec![0.0; counts.iter().sum()];
    if unit <= 0.0 || brightest <= 0.0 {
        // A dark picture says nothing.
        return (slope, [0.0; 2]);
    }
    let start = square(&x, truth, brightest);
    let mut way: Vec<(Sheets, Held)> = Vec::with_capacity(lessons.len());
    for lesson in lessons {
        lit.pull(&x, &mut missed);
        let input = seen(&x, [&missed, lit.share()], lit.size(), unit);
        let (answer, held) = lesson.there(&input);
        super::add(&mut x, &answer, lit.size(), unit);
        pulled(&lit, &mut x, &mut missed, PULLS);
        way.push((input, held));
    }
    // From here on in units of the picture.
    let share = 1.0 / (truth.len() * batch) as f32;
    let judged = |(x, truth): (&f32, &f32)| {
        let off = (x - truth) / unit;
        share * off / (off * off + TURN * TURN).sqrt()
    };
    let mut back: Vec<f32> = x.iter().zip(truth).map(judged).collect();
    let mut end = slope.len();
    for ((lesson, count), (input, held)) in lessons.iter().zip(counts).zip(&way).rev() {
        for _ in 0..PULLS {
            let pulled = pulled_back(dark, &back);
            back.iter_mut().zip(pulled).for_each(|(back, pulled)| *back += pulled);
        }
        let first = lesson.back(input, held, &joined(&[&back], lit.size()), &mut slope[end - count..end]);
        end -= count;
        if end > 0 {
            let input = lesson.owed_by(&first);
            let [own, pull] = [0, 1].map(|at| parted(&input, at, lit.size()));
            let pulled = pulled_back(dark, &pull);
            for ((back, own), pulled) in back.iter_mut().zip(own).zip(pulled) {
                *back += own + SEEN * pulled;
            }
        }
    }
    (slope, [square(&x, truth, brightest), start])
}

/// `- N C v`.
fn pulled_back(dark: &dyn Measured, v: &[f32]) -> Vec<f32> {
    let shared: Vec<f32> = v.iter().zip(dark.share()).map(|(v, share)| v * share).collect();
    let mut pulled = vec![0.0; v.len()];
    dark.pull(&shared, &mut pulled);
    pulled
}

/// The mean square error, of the brightest pixel's square.
fn square(x: &[f32], truth: &[f32], unit: f32) -> f64 {
    let off = |(x, truth): (&f32, &f32)| f64::from((x - truth) / unit);
    x.iter().zip(truth).map(off).map(|off| off * off).sum::<f64>() / truth.len() as f64
}

#[cfg(test)]
mod tests {
    use super::super::tests::Sums;
    use super::*;
    use crate::random::Stream;

    fn views(stages: usize) -> Views {
        let mut views = Views::new(Size { channels: 5, blocks: 1 }, stages, 3);
        let mut draws = Stream::new(8, 8);
        for stage in &mut views.stages {
            stage.numbers_mut().iter_mut().for_each(|x| *x += 0.05 * draws.normal() as f32);
        }
        views
    }

    fn truth() -> Vec<f32> {
        (0..100).map(|at| libm::sinf(at as f32 * 0.7).max(0.0)).collect()
    }

    /// The error that the slope is of.
    fn error(views: &Views, dark: &Sums, truth: &[f32]) -> f64 {
        let mut missed = vec![0.0; truth.len()];
        dark.pull(truth, &mut missed);
        let lit = Lit { dark, pull: missed.iter().map(|missed| -missed).collect() };
        let (mut x, units) = started(&lit);
        let unit = units[0];
        for stage in &views.stages {
            lit.pull(&x, &mut missed);
            let answer = stage.ready(0).run(&seen(&x, [&missed, lit.share()], lit.size(), unit));
            super::super::add(&mut x, &answer, lit.size(), unit);
            pulled(&lit, &mut x, &mut missed, PULLS);
        }
        let off = |(x, truth): (&f32, &f32)| f64::from((x - truth) / unit);
        let turn = f64::from(TURN);
        let all = x.iter().zip(truth).map(off).map(|off| (off * off + turn * turn).sqrt() - turn);
        all.sum::<f64>() / truth.len() as f64
    }

    #[test]
    fn slopes_are_those_of_small_differences_through_all_stages() {
        let (dark, truth) = (Sums::of(10, &[0.0; 100]), truth());
        let views = views(3);
        let lessons: Vec<Lesson> = views.stages().iter().map(|stage| stage.lesson(0)).collect();
        let counts: Vec<usize> = views.stages().iter().map(|stage| stage.numbers().len()).collect();
        let (slope, _) = slope(&lessons, &counts, &dark, &truth, 1);
        let largest = slope.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        assert!(largest > 1e-3, "{largest}");
        for (stage, at) in (0..3).flat_map(|stage| [3, 171, 402, 577, 640, 795].map(move |at| (stage, at))) {
            let shifted = |by: f32| {
                let mut other = views.clone();
                other.stages[stage].numbers_mut()[at] += by;
                error(&other, &dark, &truth)
            };
            let wanted = (shifted(2e-3) - shifted(-2e-3)) / 4e-3;
            let found = f64::from(slope[stage * counts[0] + at]);
            assert!(
                (found - wanted).abs() < 0.03 * f64::from(largest),
                "stage {stage}, {at}: {found} for {wanted}, largest {largest}"
            );
        }
    }

    #[test]
    fn what_two_views_cannot_tell_is_learned_and_threads_do_not_show() {
        let dark = Sums::of(16, &[0.0; 256]);
        // Discs: the sums of rows and columns alone know no round.
        let disc = |radius: f32| {
            let away = |at: usize| at as f32 - 8.0;
            let inside = move |y, x| away(y).hypot(away(x)) < radius;
            Plane::of(16, 16, |y, x| f32::from(u8::from(inside(y, x))))
        };
        let pictures = [3.0, 4.0, 5.0, 6.0].map(disc);
        let course = Course { steps: 150, batch: 4, rate: 2e-3, seed: 1 };
        let trained = |steps: usize, threads: usize| {
            let mut training = Training::of(Views::new(Size { channels: 8, blocks: 1 }, 2, 3));
            for _ in 0..steps {
                training.step(&course, &pictures, &dark, threads);
            }
            training
        };
        let errors = trained(150, 2).errors;
        let mean = |at: usize| errors[110..].iter().map(|errors| errors[at]).sum::<f32>() / 40.0;
        assert!(mean(0) < 0.8 * mean(1), "{} of {} by the data alone", mean(0), mean(1));
        assert_eq!(trained(2, 1), trained(2, 3));
    }

    #[test]
    fn dark_pictures_teach_nothing() {
        let (dark, course) = (Sums::of(8, &[0.0; 64]), Course { steps: 5, batch: 2, rate: 1e-3, seed: 0 });
        let mut training = Training::of(views(2));
        assert_eq!(training.step(&course, &[Plane::flat(8, 8, 0.0)], &dark, 1), [0.0; 2]);
        assert!(training.views == views(2) && training.is_finite());
        training.views.stages[1].numbers_mut()[7] = f32::NAN;
        assert!(!training.is_finite());
    }

    #[test]
    fn what_a_step_holds_grows_with_all_that_it_holds() {
        let of = |stages, side, batch, threads| {
            bytes(Size { channels: 32, blocks: 3 }, stages, side, batch, threads)
        };
        // 16 slopes of 176,940 numbers; 3 stages of 8 layers of 32 channels of 32 x 32 sites.
        assert_eq!(of(3, 64, 16, 1), 4 * (16 * 176_940 + 3 * 8 * 32 * 1_024));
        assert!(of(3, 64, 16, 2) > of(3, 64, 16, 1) && of(3, 64, 1, 99) < of(3, 64, 2, 99));
        assert_eq!(of(usize::MAX, 64, 2, 1), usize::MAX);
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let bad = |change: fn(&mut Course)| {
            let mut course = Course { steps: 5, batch: 4, rate: 1e-3, seed: 0 };
            change(&mut course);
            course.check().unwrap_err().to_string()
        };
        assert!(bad(|course| course.steps = 0).contains("steps"));
        assert!(bad(|course| course.batch = 9_999).contains("batch"));
        assert!(bad(|course| course.rate = f64::NAN).contains("rate"));
    }
}
