//! The consensus: every array keeps a picture, pulled by its own data and by the pictures of those it swings with.
//!
//! ```text
//! u_k = clip(v_k + C_k P_kᵀ R_k (y_k - P_k v_k), 0, most)          its own data
//! x_k' = u_k + κ (x̄ - u_k),   x̄ = Σ_j g_j s_j u_j / Σ_j g_j s_j     its whole, over the arrays j that it swings with
//! v_k' = x_k' + β (x_k' - x_k)                                      momentum
//! ```
//!
//! | symbol | default | unit | meaning |
//! |---|---|---|---|
//! | κ | 0.5 | 1 | coupling to the whole, 0 to 1 |
//! | g | | 1 | gate: the cosine of an array's phase against its whole's, not below 0 |
//! | s | | pixels | how much an array sees of a pixel, `Pᵀ 1` |
//! | R, C, β | | | the step and momentum of [`super::part`] |
//!
//! Coupling to a mean that each array moves is the sum over all others, at a cost that grows with the arrays and
//! not with their pairs. After some steps each array is held against its whole: whom the whole's picture does not explain leaves
//! it, for another whole that does explain it, or to stay alone, and the pictures start again; twice at most.
//!
//! A prior, where one is given, takes the mean for a noisy picture every [`ASK`] steps, ever less noisy, and all arrays of the whole
//! go on from its answer (plug and play: Venkatakrishnan, Bouman and Wohlberg, IEEE Global Conf Signal Inf Process, 945, 2013; falling noise: Zhang et al., IEEE
//! Trans Pattern Anal Mach Intell 44:6360, 2022).
//!
//! To compare with: all arrays coupled alike; all weighted by how well the mean explains them (iteratively reweighted least
//! squares, weights that fall by the fourth power); two groups by the agreement's leading eigenvector; chains of agreement without phases.

use std::cmp::Reverse;

use super::agreement::Agreement;
use super::part::Part;
use super::phases;
use super::sheets;
use super::steps::Run;
use crate::error::{Error, Result};

/// Steps after which wholes are held against their arrays.
const CHECK: usize = 40;
/// Times that arrays may change their whole.
const CHANGES: usize = 2;
/// Steps after which wholes are held to a prior: enough that data have their say again, for a prior knows no data.
pub const ASK: usize = 40;
/// Steps below which no prior is asked, whatever the way.
pub const LEAST_WITH_PRIOR: usize = CHECK + ASK + 1;

/// The most arrays.
pub const MOST_ARRAYS: usize = 256;

/// Who is coupled with whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Those whose phases meet.
    Phases,
    /// Those that agree, by chains of pairs: no phases.
    Agreement,
    /// All alike.
    Plain,
    /// All, by how well their mean explains each.
    Robust,
    /// Two groups, by the leading eigenvector.
    Spectral,
}

/// How to bind.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// Who is coupled with whom.
    pub way: Way,
    /// Steps of the pictures, at least 1.
    pub iterations: usize,
    /// κ, 0 to 1.
    pub coupling: f32,
    /// The brightest that a pixel may be.
    pub most: f32,
    /// σ of the data, where it is known.
    pub sigma: Option<f64>,
    /// Of the phases' start.
    pub seed: u64,
    /// Threads; the result is the same for any number.
    pub threads: usize,
}

/// Who knows how pictures look.
pub trait Prior {
    /// Takes white noise of `sigma` out of a picture of that many rows and columns, in place, light from 0 to 1.
    ///
    /// # Errors
    /// Where it knows nothing of such pictures.
    fn clean(&self, picture: &mut [f32], size: (usize, usize), sigma: f32) -> Result<()>;
}

/// Arrays that see one world.
#[derive(Clone, Debug)]
pub struct Whole {
    /// Ascending.
    pub arrays: Vec<usize>,
    /// The mean of their pictures.
    pub picture: Vec<f32>,
    /// 0 to 1: the mean over the arrays of how well the picture explains each, times their order parameter; 0 of one alone,
    /// which nobody confirms.
    pub confidence: f64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The wholes, of most arrays first.
    pub wholes: Vec<Whole>,
    /// Each array's own picture.
    pub pictures: Vec<Vec<f32>>,
    /// Each array's phase in radians.
    pub phases: Vec<f64>,
    /// Kuramoto's order parameter of all phases: 1 where all swing together.
    pub order_parameter: f64,
    /// Steps in all.
    pub iterations: usize,
    /// The root mean square of what is left of all data, step by step of the last start.
    pub left: Vec<f64>,
    /// The evidence.
    pub agreement: Agreement,
}

impl Bound {
    /// Gives a whole another picture, with the confidence that this one earns of the arrays, `parts`, that were bound.
    ///
    /// # Panics
    /// Where there is no such whole, or the picture is of another size.
    pub fn replace(&mut self, number: usize, picture: Vec<f32>, parts: &[Part]) {
        let whole = &mut self.wholes[number];
        whole.confidence = confidence(&whole.arrays, &picture, parts, &self.agreement, &self.phases);
        whole.picture = picture;
    }
}

/// Binds arrays.
///
/// # Errors
/// Where there are fewer than 2 or more than [`MOST_ARRAYS`] arrays, their pictures are of different sizes, or a number of `how` is
/// out of its range.
pub fn bind(parts: &[Part], how: &How) -> Result<Bound> {
    bind_with(parts, how, None, &|_, _| ())
}

/// The same, with a prior that all wholes' pictures are held to; `watch` is told, step by step, how many steps were made since the
/// pictures last started, and the root mean square of what is left of all data.
///
/// # Errors
/// As [`bind`], and where the prior fails.
pub fn bind_with(
    parts: &[Part],
    how: &How,
    prior: Option<&dyn Prior>,
    watch: &dyn Fn(usize, f64),
) -> Result<Bound> {
    check(parts, how)?;
    let arrays = parts.len();
    let settled =
        |agreement: &Agreement| sheets::settled(&agreement.matrix, arrays, !agreement.is_whole(), how.seed);
    let mut agreement = match how.way {
        Way::Phases | Way::Agreement | Way::Spectral => {
            Agreement::of(parts, how.sigma, how.most, how.seed, how.threads)
        }
        // They ask nobody who agrees with whom.
        Way::Plain | Way::Robust => Agreement::of_pairs(parts, &[], how.sigma, how.most, how.threads),
    };
    let mut phases = match how.way {
        Way::Phases | Way::Spectral => settled(&agreement)?,
        Way::Agreement | Way::Plain | Way::Robust => vec![0.0; arrays],
    };
    if how.way == Way::Phases && agreement.is_sparse() {
        agreement.meet(parts, &phases::groups(&agreement.matrix, &phases), how.most, how.threads);
        phases = settled(&agreement)?;
    }
    let mut groups = match how.way {
        Way::Phases | Way::Agreement => phases::groups(&agreement.matrix, &phases),
        Way::Spectral => phases::by_eigenvector(&agreement.matrix, arrays, how.seed),
        Way::Plain | Way::Robust => vec![(0..arrays).collect()],
    };
    let mut gates = gates(&groups, &phases, how.way);
    let mut run = Run::new(parts, how, watch);
    let mut iterations = 0;
    for change in 0..=CHANGES {
        // Pictures of fewer steps explain nobody yet.
        let checks =
            matches!(how.way, Way::Phases | Way::Agreement) && change < CHANGES && how.iterations >= CHECK;
        let first = if checks { CHECK } else { 0 };
        run.steps(&groups, &mut gates, first, None)?;
        iterations += first;
        let changed = first > 0 && regroup(&run, &mut groups, &mut phases, &agreement, &gates);
        if !changed {
            run.steps(&groups, &mut gates, how.iterations - first, prior)?;
            iterations += how.iterations - first;
            break;
        }
        gates = self::gates(&groups, &phases, how.way);
        run = Run::new(parts, how, watch);
    }
    let wholes = wholes(&run, &groups, &gates, &agreement, &phases);
    let order_parameter = phases::order(phases.iter().copied()).0;
    let pictures = run.states.into_iter().map(|state| state.x).collect();
    Ok(Bound { wholes, pictures, phases, order_parameter, iterations, left: run.left, agreement })
}

fn check(parts: &[Part], how: &How) -> Result<()> {
    let fault = |what: &str, problem: &str| Error::call(what, problem);
    if !(2..=MOST_ARRAYS).contains(&parts.len()) {
        let problem =
            if parts.len() == 1 { "one array alone has nothing to bind to" } else { "they can't be bound" };
        return Err(fault("arrays", problem).value(parts.len()).bound(format!("2 to {MOST_ARRAYS}")));
    }
    if let Some(at) = parts.iter().position(|part| part.size() != parts[0].size()) {
        let text = |part: &Part| format!("{} x {}", part.size().0, part.size().1);
        let error = fault("arrays", "they see pictures of different sizes").at(format!("array {at}"));
        return Err(error.value(text(&parts[at])).bound(text(&parts[0])));
    }
    if how.iterations == 0 {
        return Err(fault("iterations", "there are none").value(0).bound("at least 1"));
    }
    if !(0.0..=1.0).contains(&how.coupling) {
        return Err(fault("coupling", "it is out of range").value(how.coupling).bound("0 to 1"));
    }
    if how.most.is_nan() || how.most <= 0.0 {
        return Err(fault("most", "a picture would be dark").value(how.most).bound("above 0"));
    }
    if let Some(sigma) = how.sigma.filter(|sigma| !sigma.is_finite() || *sigma < 0.0) {
        return Err(fault("sigma", "the noise is no size").value(sigma).bound("0 or more"));
    }
    Ok(())
}

/// Each array's weight in its whole, by its phase where phases group.
pub(super) fn gates(groups: &[Vec<usize>], phases: &[f64], way: Way) -> Vec<f32> {
    let mut gates = vec![1.0f32; phases.len()];
    if way == Way::Phases {
        for group in groups {
            let mean = phases::order(group.iter().map(|array| phases[*array])).1;
            for array in group {
                gates[*array] = libm::cos(phases[*array] - mean).max(0.0) as f32;
            }
        }
    }
    gates
}

/// Moves arrays that their whole does not explain, and sets their phase to that of those they join, or half a turn from those
/// they leave to stay alone; whether one was.
fn regroup(
    run: &Run,
    groups: &mut Vec<Vec<usize>>,
    phases: &mut [f64],
    agreement: &Agreement,
    gates: &[f32],
) -> bool {
    let bound: Vec<usize> = (0..groups.len()).filter(|group| groups[*group].len() > 1).collect();
    let means: Vec<Vec<f32>> =
        bound.iter().map(|group| run.mean(&groups[*group], gates, |state| &state.x)).collect();
    let mut scratch = Vec::new();
    let mut moves = Vec::new();
    for (from, group) in groups.iter().enumerate() {
        for array in group {
            let explains: Vec<f64> =
                means.iter().map(|mean| agreement.explains(&run.parts[*array], mean, &mut scratch)).collect();
            let own = bound.iter().position(|group| *group == from);
            if own.is_some_and(|own| explains[own] > 0.0) {
                continue;
            }
            let best = (0..bound.len()).filter(|to| explains[*to] > 0.0);
            let best = best.max_by(|one, other| explains[*one].total_cmp(&explains[*other]));
            if own.is_some() || best.is_some() {
                moves.push((*array, from, best.map(|best| bound[best])));
            }
        }
    }
    for (array, from, to) in &moves {
        groups[*from].retain(|other| other != array);
        let mean = |group: &[usize]| phases::order(group.iter().map(|array| phases[*array])).1;
        if let Some(to) = to {
            phases[*array] = mean(&groups[*to]);
            groups[*to].push(*array);
        } else {
            phases[*array] = mean(&groups[*from]) + core::f64::consts::PI;
            groups.push(vec![*array]);
        }
    }
    groups.retain(|group| !group.is_empty());
    for group in groups.iter_mut() {
        group.sort_unstable();
    }
    groups.sort_unstable();
    !moves.is_empty()
}

/// How sure a whole's picture is: [`Whole::confidence`].
fn confidence(
    arrays: &[usize],
    picture: &[f32],
    parts: &[Part],
    agreement: &Agreement,
    phases: &[f64],
) -> f64 {
    if arrays.len() == 1 {
        return 0.0;
    }
    let mut scratch = Vec::new();
    let mut explained = |array: &usize| agreement.explains(&parts[*array], picture, &mut scratch).max(0.0);
    let all: f64 = arrays.iter().map(&mut explained).sum();
    phases::order(arrays.iter().map(|array| phases[*array])).0 * all / arrays.len() as f64
}

/// Reads the groups out.
fn wholes(
    run: &Run,
    groups: &[Vec<usize>],
    gates: &[f32],
    agreement: &Agreement,
    phases: &[f64],
) -> Vec<Whole> {
    let mut found: Vec<Whole> = groups
        .iter()
        .enumerate()
        .map(|(number, arrays)| {
            let fitted = run.fitted.get(number).cloned().flatten();
            let picture = fitted.unwrap_or_else(|| run.mean(arrays, gates, |state| &state.x));
            let confidence = confidence(arrays, &picture, run.parts, agreement, phases);
            Whole { arrays: arrays.clone(), picture, confidence }
        })
        .collect();
    found.sort_by_key(|whole| (Reverse(whole.arrays.len()), whole.arrays[0]));
    found
}
