//! Judges the trials: how bursts fall, and whether a stimulus differs as deviant and as standard, by permutations.

use napot::command::oddball::{BIN, CUT, Fading, Plan, SENSES, Trial, mean};
use napot::random::Stream;

/// Shufflings of which trials were deviants.
const PERMUTATIONS: usize = 4_000;

/// What was found of one sense.
#[derive(serde::Serialize)]
pub struct Found {
    pub sense: &'static str,
    /// Bursts of a standard that entered, mean of the first ten of the first block.
    pub first: f64,
    /// The same of its last hundred.
    pub last: f64,
    /// `1 - last / first`.
    pub fall: f64,
    /// Bursts that the sense raised to each of these last hundred.
    pub raw: f64,
    /// Bursts of a deviant in the last half of both blocks, and what the sense raised.
    pub deviant: f64,
    pub raw_deviant: f64,
    pub electrodes: usize,
    /// At the electrode and time of the largest |t|: deviant less standard, and the standard, in uV.
    pub difference_uv: f64,
    pub standard_uv: f64,
    pub t: f64,
    pub p: f64,
    /// Mean power of the first 80 ms over all electrodes, uV².
    pub power_deviant: f64,
    pub power_standard: f64,
    pub power_t: f64,
    pub power_p: f64,
}

/// Judges both senses.
pub fn judge(plan: &Plan, runs: &[Vec<Trial>; 2]) -> Vec<Found> {
    SENSES.iter().zip(runs).map(|(sense, trials)| of(plan, sense, trials)).collect()
}

fn of(plan: &Plan, sense: &'static str, trials: &[Trial]) -> Found {
    let fading = Fading::of(plan, trials);
    let groups = groups(plan, trials);
    let (place, t, p) = test(&groups, |trial| &trial.response);
    let (_, power_t, power_p) = test(&groups, |trial| &trial.power);
    let of_kind = |deviant: bool, value: &dyn Fn(&Trial) -> f64| {
        mean(groups.iter().flatten().filter(|trial| trial.deviant == deviant).map(|trial| value(trial)))
    };
    let (stimulus, at) = place;
    let there = |deviant: bool| {
        mean(groups[stimulus].iter().filter(|t| t.deviant == deviant).map(|t| f64::from(t.response[at])))
    };
    let power = |trial: &Trial| mean(trial.power.iter().map(|value| f64::from(*value)));
    Found {
        sense,
        first: fading.first,
        last: fading.last,
        fall: fading.fall(),
        raw: fading.raw,
        deviant: fading.deviant,
        raw_deviant: fading.raw_deviant,
        electrodes: trials[0].response.len() / (CUT / BIN),
        difference_uv: there(true) - there(false),
        standard_uv: there(false),
        t,
        p,
        power_deviant: of_kind(true, &power),
        power_standard: of_kind(false, &power),
        power_t,
        power_p,
    }
}

/// By stimulus: the trials in which it was the deviant, and those in which it was the standard and came after a standard.
/// The first hundred trials of a block, in which the rhythm is learnt, are left out.
fn groups<'a>(plan: &Plan, trials: &'a [Trial]) -> [Vec<&'a Trial>; 2] {
    let begin = 100.min(plan.trials / 4);
    let after_a_standard = |pair: &'a [Trial]| {
        let [before, trial] = pair else { return None };
        (trial.number >= begin && !before.deviant).then_some(trial)
    };
    let all: Vec<&Trial> = trials.windows(2).filter_map(after_a_standard).collect();
    [0, 1].map(|stimulus| all.iter().copied().filter(|trial| trial.stimulus == stimulus).collect())
}

/// The place (stimulus, value) of the largest |t| of deviants less standards, it, and its p by shuffling which are which.
fn test(groups: &[Vec<&Trial>; 2], values: impl Fn(&Trial) -> &[f32]) -> ((usize, usize), f64, f64) {
    let mut stream = Stream::new(23, 0);
    let mut labels: [Vec<bool>; 2] = [0, 1].map(|of| groups[of].iter().map(|trial| trial.deviant).collect());
    let largest = |labels: &[Vec<bool>; 2]| {
        let mut best = ((0, 0), 0.0);
        for of in 0..2 {
            for (at, t) in t_values(&groups[of], &labels[of], &values).into_iter().enumerate() {
                if t.abs() > best.1 {
                    best = ((of, at), t.abs());
                }
            }
        }
        best
    };
    let (place, found) = largest(&labels);
    let mut as_large = 1;
    for _ in 0..PERMUTATIONS {
        for labels in &mut labels {
            for n in (1..labels.len()).rev() {
                labels.swap(n, stream.word() as usize % (n + 1));
            }
        }
        as_large += usize::from(largest(&labels).1 >= found);
    }
    (place, found, as_large as f64 / (1 + PERMUTATIONS) as f64)
}

/// Welch's t of every value.
fn t_values(trials: &[&Trial], labels: &[bool], values: &impl Fn(&Trial) -> &[f32]) -> Vec<f64> {
    let width = trials.first().map_or(0, |trial| values(trial).len());
    let mut sums = vec![[[0.0f32; 2]; 2]; width];
    let mut counts = [0.0; 2];
    for (trial, label) in trials.iter().zip(labels) {
        let kind = usize::from(*label);
        counts[kind] += 1.0;
        for (sum, value) in sums.iter_mut().zip(values(trial)) {
            sum[kind][0] += value;
            sum[kind][1] += value * value;
        }
    }
    let of = |sums: &[[f32; 2]; 2]| {
        let [(mean, error), (other, of_other)] = [0, 1].map(|kind| {
            let (sum, squares, count) = (f64::from(sums[kind][0]), f64::from(sums[kind][1]), counts[kind]);
            let mean = sum / count;
            (mean, (squares / count - mean * mean).max(0.0) / (count - 1.0))
        });
        (other - mean) / (error + of_other).sqrt().max(1e-9)
    };
    sums.iter().map(of).collect()
}
