//! Training: Adam on pieces of pictures, in steps that come out the same for any number of threads.
//!
//! The error of an answer is `sqrt(d² + ε²) - ε`, the square where it is small and the distance where it is large
//! (Charbonnier et al., ICIP 1994).

use super::super::picture::Plane;
use super::descent;
use super::lessons::{Piece, piece};
use super::model::{Job, Model};
use crate::error::{Error, Result};
use crate::kernel::convolve::Sheets;

/// Where the square ends and the distance begins, to enlarge and to clean.
const TURN: [f32; 2] = [0.01, 0.05];
const MOST_STEPS: u64 = 100_000_000;
const MOST_BATCH: usize = 1_024;

/// How it is trained.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Course {
    /// Steps in all.
    pub steps: u64,
    /// Pieces of a step.
    pub batch: usize,
    /// The rate, from 0 up.
    pub rate: f64,
    /// The seed of the first weights and of the pieces.
    pub seed: u64,
    /// Whether enlarging and cleaning are trained.
    pub tasks: [bool; 2],
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
        if self.steps > MOST_STEPS {
            return bad("steps", &self.steps, "0 to 100000000");
        }
        if self.batch == 0 || self.batch > MOST_BATCH {
            return bad("batch", &self.batch, "1 to 1024");
        }
        if !(self.rate > 0.0 && self.rate <= 1.0) {
            return bad("rate", &self.rate, "above 0, at most 1");
        }
        if self.tasks == [false; 2] {
            return bad("tasks", &"none", "at least one");
        }
        Ok(())
    }
}

/// A model on its way: itself, the moments of its slopes, how far it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// The model.
    pub model: Model,
    /// First and second moments of each network's slopes.
    pub moments: [[Vec<f32>; 2]; 2],
    /// Steps that each network took.
    pub taken: [u64; 2],
    /// Steps that were taken.
    pub step: u64,
    /// Mean square error of each step, of a range of 1.
    pub errors: Vec<f32>,
}

impl Training {
    /// From a model.
    #[must_use]
    pub fn of(model: Model) -> Self {
        let zeros = |at: usize| [0, 1].map(|_| vec![0.0; model.networks()[at].numbers().len()]);
        Self { moments: [zeros(0), zeros(1)], model, taken: [0; 2], step: 0, errors: Vec::new() }
    }

    /// What step number `step` trains.
    #[must_use]
    pub fn job(course: &Course, step: u64) -> Job {
        let scale = |at: u64| Job::Grow(2 + (at % 3) as usize);
        match course.tasks {
            [true, true] if step.is_multiple_of(2) => scale(step / 2),
            [true, false] => scale(step),
            _ => Job::Clean,
        }
    }

    /// Takes one step on `threads` threads; returns the mean square error of its pieces before it.
    ///
    /// # Panics
    /// As [`piece`].
    pub fn step(&mut self, course: &Course, pictures: &[Plane], threads: usize) -> f32 {
        let job = Self::job(course, self.step);
        let (at, task) = job.place();
        let lesson = self.model.networks()[at].lesson(task);
        let first = self.step * course.batch as u64;
        let one = |number: usize| {
            let Piece { seen, wanted } = piece(pictures, job, course.seed, (first + number as u64) as u32);
            let mut error = 0.0;
            let slope = lesson.learn(&seen, |out| {
                let (square, slope) = judged(out, &wanted, TURN[at], course.batch);
                error = square;
                slope
            });
            (slope, [error])
        };
        let count = self.model.networks()[at].numbers().len();
        let (mut slope, [error]) = descent::slope_of(course.batch, count, threads, one);
        self.taken[at] += 1;
        let rate = descent::rate(course.rate, course.steps, self.step);
        let numbers = self.model.networks_mut()[at].numbers_mut();
        descent::follow(numbers, &mut slope, &mut self.moments[at], self.taken[at], rate);
        self.step += 1;
        self.errors.push(error as f32);
        error as f32
    }
}

/// The mean square error of an answer, and how the error grows with each of its numbers, as a part of a batch.
fn judged(out: &Sheets, wanted: &Sheets, turn: f32, batch: usize) -> (f64, Sheets) {
    let mut slope = Sheets::new(out.channels(), out.height(), out.width());
    let count = out.channels() * out.height() * out.width();
    let share = 1.0 / (count * batch) as f32;
    let mut square = 0.0;
    for (channel, y) in (0..out.channels()).flat_map(|channel| (0..out.height()).map(move |y| (channel, y))) {
        let pairs = out.row(channel, y).iter().zip(wanted.row(channel, y));
        for (to, (out, wanted)) in slope.row_mut(channel, y).iter_mut().zip(pairs) {
            let off = out - wanted;
            square += f64::from(off * off);
            *to = share * off / (off * off + turn * turn).sqrt();
        }
    }
    (square / count as f64, slope)
}

#[cfg(test)]
mod tests {
    use super::super::leaves::leaves;
    use super::super::lessons::{LEAST_SIDE, luma};
    use super::super::model::Size;
    use super::*;

    fn course(steps: u64) -> Course {
        Course { steps, batch: 4, rate: 2e-3, seed: 3, tasks: [true, true] }
    }

    fn pictures() -> Vec<Plane> {
        (0..2).map(|number| luma(LEAST_SIDE, LEAST_SIDE, &leaves(1, number, LEAST_SIDE))).collect()
    }

    fn trained(steps: u64, threads: usize) -> Training {
        let mut training = Training::of(Model::new(Size { channels: 8, blocks: 1 }, 3));
        let pictures = pictures();
        for _ in 0..steps {
            training.step(&course(steps), &pictures, threads);
        }
        training
    }

    #[test]
    fn the_error_falls_and_threads_do_not_show() {
        let training = trained(240, 1);
        let mean = |errors: &[f32]| errors.iter().sum::<f32>() / errors.len() as f32;
        let (early, late) = (mean(&training.errors[..60]), mean(&training.errors[180..]));
        assert!(late < 0.6 * early, "{late} after {early}");
        assert_eq!(trained(3, 2), trained(3, 3));
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let bad = |change: fn(&mut Course)| {
            let mut course = course(5);
            change(&mut course);
            course.check().unwrap_err().to_string()
        };
        assert!(bad(|course| course.batch = 0).contains("batch"));
        assert!(bad(|course| course.rate = f64::NAN).contains("NaN"));
        assert!(bad(|course| course.tasks = [false; 2]).contains("tasks"));
        assert!(bad(|course| course.steps = u64::MAX).contains("steps"));
    }
}
