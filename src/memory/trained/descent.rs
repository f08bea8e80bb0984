//! Descent: the slope of a batch by many threads, and Adam, by which a network's numbers follow it.
//!
//! Slopes are summed in the order of their pieces, whoever took them. The rate is even after a start, and falls in a line over the last fifth. Source: Kingma and Ba, "Adam", ICLR 2015.

/// Steps until the rate is whole.
const START: u64 = 200;
/// The last rate, of the whole.
const LAST: f64 = 0.01;
/// Longer slopes are shortened to this.
const MOST_SLOPE: f32 = 0.5;
const BETA: [f32; 2] = [0.9, 0.99];
const TINY: f32 = 1e-8;

/// The sum of the slopes of pieces 0 to `batch` and the means of their errors; the threads do not show.
pub fn slope_of<const ERRORS: usize>(
    batch: usize,
    numbers: usize,
    threads: usize,
    piece: impl Fn(usize) -> (Vec<f32>, [f64; ERRORS]) + Sync,
) -> (Vec<f32>, [f64; ERRORS]) {
    let each = batch.div_ceil(threads.clamp(1, batch.max(1)));
    let mut answers: Vec<Option<(Vec<f32>, [f64; ERRORS])>> = vec![None; batch];
    std::thread::scope(|scope| {
        for (member, answers) in answers.chunks_mut(each.max(1)).enumerate() {
            let piece = &piece;
            scope.spawn(move || {
                for (number, answer) in answers.iter_mut().enumerate() {
                    *answer = Some(piece(member * each + number));
                }
            });
        }
    });
    let (mut slope, mut errors) = (vec![0.0; numbers], [0.0; ERRORS]);
    for (grown, squares) in answers.into_iter().flatten() {
        slope.iter_mut().zip(&grown).for_each(|(sum, x)| *sum += x);
        errors.iter_mut().zip(squares).for_each(|(mean, square)| *mean += square / batch as f64);
    }
    (slope, errors)
}

/// Step number `taken`, from 1, of some numbers along their slope; `means` and `squares` are its moments.
pub fn follow(
    numbers: &mut [f32],
    slope: &mut [f32],
    [means, squares]: &mut [Vec<f32>; 2],
    taken: u64,
    rate: f64,
) {
    let length = slope.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > MOST_SLOPE {
        for x in slope.iter_mut() {
            *x *= MOST_SLOPE / length;
        }
    }
    let taken = taken as f64;
    let [mean, spread] = BETA.map(|beta| (1.0 - libm::pow(f64::from(beta), taken)) as f32);
    let rate = rate as f32 / mean;
    for (((number, slope), m), v) in numbers.iter_mut().zip(slope).zip(means).zip(squares) {
        *m += (1.0 - BETA[0]) * (*slope - *m);
        *v += (1.0 - BETA[1]) * (*slope * *slope - *v);
        *number -= rate * *m / ((*v / spread).sqrt() + TINY);
    }
}

/// The rate of a step, of `whole`, in a training of `steps`.
#[must_use]
pub fn rate(whole: f64, steps: u64, step: u64) -> f64 {
    let start = ((step + 1) as f64 / START as f64).min(1.0);
    let fall = (steps / 5).max(1) as f64;
    let end = (steps.saturating_sub(step) as f64 / fall).clamp(LAST, 1.0);
    whole * start * end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_starts_low_and_ends_low() {
        let rates = [0, 300, 7_000, 9_999].map(|step| rate(2e-3, 10_000, step) / 2e-3);
        assert!(rates[0] < 0.01 && rates[1] == 1.0 && rates[2] == 1.0 && rates[3] < 0.02, "{rates:?}");
    }

    #[test]
    fn numbers_follow_their_slope_down() {
        let (mut numbers, mut moments) = ([3.0, -2.0], [vec![0.0; 2], vec![0.0; 2]]);
        for taken in 1..=2_000 {
            let mut slope = numbers.map(|x| 2.0 * x);
            follow(&mut numbers, &mut slope, &mut moments, taken, 1e-2);
        }
        assert!(numbers.iter().all(|x| x.abs() < 1e-2), "{numbers:?}");
    }
}
