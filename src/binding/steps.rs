//! The steps of the pictures: each array by its own data, then by the mean of those it swings with ([`super::consensus`] has the equations).

use super::consensus::{ASK, How, Prior, Way};
use super::part::{Momentum, Part};
use crate::error::Result;

/// Steps between new weights of the robust way.
const REWEIGH: usize = 5;
/// What a prior takes for noise at first and at last, of a range of 1.
const SIGMAS: [f64; 2] = [0.1, 0.01];

/// An array on its way.
pub(super) struct State {
    pub(super) x: Vec<f32>,
    ahead: Vec<f32>,
    pull: Vec<f32>,
    scratch: Vec<f32>,
    missed: f64,
}

impl State {
    /// One that begins with a picture.
    pub(super) fn of(picture: Vec<f32>) -> Self {
        let pull = vec![0.0; picture.len()];
        Self { ahead: picture.clone(), x: picture, pull, scratch: Vec::new(), missed: 0.0 }
    }

    pub(super) fn picture(&self) -> &Vec<f32> {
        &self.x
    }
}

/// The pictures on their way.
pub(super) struct Run<'a> {
    pub(super) parts: &'a [Part],
    how: &'a How,
    pub(super) states: Vec<State>,
    momentum: Momentum,
    pub(super) left: Vec<f64>,
    /// Of each group, its picture at the first step at which it left no more than the noise.
    pub(super) fitted: Vec<Option<Vec<f32>>>,
    watch: &'a dyn Fn(usize, f64),
}

impl<'a> Run<'a> {
    pub(super) fn new(parts: &'a [Part], how: &'a How, watch: &'a dyn Fn(usize, f64)) -> Self {
        let dark = |part: &Part| State::of(vec![0.0; part.sight().len()]);
        Self { watch, ..Self::from(parts, how, parts.iter().map(dark).collect()) }
    }

    /// From pictures that are there.
    pub(super) fn from(parts: &'a [Part], how: &'a How, states: Vec<State>) -> Self {
        Self {
            parts,
            how,
            states,
            momentum: Momentum::new(),
            left: Vec::new(),
            fitted: Vec::new(),
            watch: &|_, _| (),
        }
    }

    /// Steps of the arrays that bind as these groups.
    pub(super) fn steps(
        &mut self,
        groups: &[Vec<usize>],
        gates: &mut [f32],
        count: usize,
        prior: Option<&dyn Prior>,
    ) -> Result<()> {
        let numbers = self.parts.iter().map(Part::seen).sum::<usize>() as f64;
        for step in 0..count {
            if self.how.way == Way::Robust && self.left.len() % REWEIGH == REWEIGH - 1 {
                self.reweigh(gates);
            }
            self.pull();
            let (mut coupling, mut by) = (self.how.coupling, self.momentum.next());
            let asked = prior.filter(|_| step % ASK == ASK - 1 && step + 1 < count);
            if asked.is_some() {
                // All go on from its answer: what they remember of their way is of another picture.
                (coupling, by, self.momentum) = (1.0, 0.0, Momentum::new());
            }
            self.fitted.resize(groups.len(), None);
            for (number, group) in groups.iter().enumerate() {
                let mut mean = self.mean(group, gates, |state| &state.pull);
                if prior.is_none() && self.fitted[number].is_none() && self.is_fitted(group) {
                    self.fitted[number] = Some(mean.clone());
                }
                if let Some(prior) = asked {
                    self.ask(prior, &mut mean, step as f64 / count as f64)?;
                }
                for array in group {
                    self.couple(*array, &mean, coupling, by);
                }
            }
            let missed: f64 = self.states.iter().map(|state| state.missed).sum();
            let left = (missed / numbers).sqrt();
            self.left.push(left);
            (self.watch)(self.left.len(), left);
        }
        Ok(())
    }

    /// Whether arrays that are bound leave no more of their data than the noise, where that is known: further steps would draw the noise
    /// (the discrepancy principle: Morozov, Soviet Math Dokl 7:414, 1966).
    fn is_fitted(&self, group: &[usize]) -> bool {
        let Some(sigma) = self.how.sigma.filter(|sigma| *sigma > 0.0 && group.len() > 1) else {
            return false;
        };
        let missed: f64 = group.iter().map(|array| self.states[*array].missed).sum();
        let seen: usize = group.iter().map(|array| self.parts[*array].seen()).sum();
        missed <= sigma * sigma * seen as f64
    }

    /// Holds a whole's picture to the prior, `part` of the way, 0 to 1.
    fn ask(&self, prior: &dyn Prior, mean: &mut [f32], part: f64) -> Result<()> {
        let brightest = mean.iter().fold(f32::MIN_POSITIVE, |most, x| most.max(*x));
        let white = if self.how.most.is_finite() { self.how.most } else { brightest };
        for x in mean.iter_mut() {
            *x /= white;
        }
        let sigma = SIGMAS[0] * libm::pow(SIGMAS[1] / SIGMAS[0], part);
        prior.clean(mean, self.parts[0].size(), sigma as f32)?;
        for x in mean.iter_mut() {
            *x = (*x * white).clamp(0.0, self.how.most);
        }
        Ok(())
    }

    /// Every array by its own data: `u` into `pull`.
    fn pull(&mut self) {
        let (most, threads) = (self.how.most, self.how.threads.clamp(1, self.parts.len()));
        let each = self.parts.len().div_ceil(threads);
        let within = (self.how.threads / self.parts.len()).max(1);
        let work = |parts: &[Part], states: &mut [State]| {
            for (part, state) in parts.iter().zip(states) {
                state.missed = part.pull(&state.ahead, &mut state.scratch, &mut state.pull, within);
                let seen = state.ahead.iter().zip(part.sight());
                for (u, (v, sight)) in state.pull.iter_mut().zip(seen) {
                    let further = if *sight > 0.0 { *u / sight } else { 0.0 };
                    *u = (v + further).clamp(0.0, most);
                }
            }
        };
        if threads == 1 {
            return work(self.parts, &mut self.states);
        }
        std::thread::scope(|scope| {
            for (parts, states) in self.parts.chunks(each).zip(self.states.chunks_mut(each)) {
                scope.spawn(move || work(parts, states));
            }
        });
    }

    pub(super) fn mean(
        &self,
        group: &[usize],
        gates: &[f32],
        picture: impl Fn(&State) -> &Vec<f32>,
    ) -> Vec<f32> {
        mean(self.parts, &self.states, group, gates, picture)
    }

    fn couple(&mut self, array: usize, mean: &[f32], coupling: f32, by: f32) {
        let state = &mut self.states[array];
        let shown = state.x.iter_mut().zip(&mut state.ahead).zip(state.pull.iter().zip(mean));
        for ((x, ahead), (u, mean)) in shown {
            let new = u + coupling * (mean - u);
            *ahead = new + by * (new - *x);
            *x = new;
        }
    }

    /// Weights by what the mean of all leaves of each array's data.
    fn reweigh(&self, gates: &mut [f32]) {
        let all: Vec<usize> = (0..self.parts.len()).collect();
        let mean = self.mean(&all, gates, |state| &state.x);
        let mut scratch = Vec::new();
        let left: Vec<f64> = self
            .parts
            .iter()
            .map(|part| {
                part.missed(&mean, &mut scratch).sqrt()
                    / (part.rms() * part.rms() * part.seen() as f64).sqrt()
            })
            .collect();
        let mut sorted = left.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted[sorted.len() / 2].max(f64::MIN_POSITIVE);
        for (gate, left) in gates.iter_mut().zip(&left) {
            let square = (left / middle) * (left / middle);
            *gate = (1.0 / (1.0 + square * square)) as f32;
        }
    }
}

/// The mean of a group's pictures by gate and sight; where nobody sees, by gate alone.
pub(super) fn mean(
    parts: &[Part],
    states: &[State],
    group: &[usize],
    gates: &[f32],
    picture: impl Fn(&State) -> &Vec<f32>,
) -> Vec<f32> {
    let pixels = parts[0].sight().len();
    let (mut sum, mut weights) = (vec![0.0f32; pixels], vec![0.0f32; pixels]);
    for array in group {
        let shown = picture(&states[*array]).iter().zip(parts[*array].sight());
        // A whole whose gates are all shut would have no picture.
        let gate = gates[*array].max(1e-6);
        for ((sum, weight), (x, sight)) in sum.iter_mut().zip(&mut weights).zip(shown) {
            let own = gate * sight.max(1e-6);
            *sum += own * x;
            *weight += own;
        }
    }
    sum.iter_mut().zip(&weights).for_each(|(sum, weight)| *sum /= weight);
    sum
}
