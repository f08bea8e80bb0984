//! Binding tick by tick, of a world that changes: arrays that come to see another scene change their whole.
//!
//! Each tick brings data. Every array is held against the picture of every whole as it was (and those that stay alone against one
//! another, two at a time); what each pair of arrays tells is kept with a memory of some ticks, phases follow it, and who swings
//! together binds for some steps from where the pictures are:
//!
//! ```text
//! J_kj' = J_kj + λ (min(e_k,whole(j), e_j,whole(k)) - J_kj),    φ_k' = φ_k + noise + flow of J,    x_k: as in the consensus
//! ```
//!
//! So a tick costs a look at each whole and some steps, where finding all groups anew costs a fit for each pair. Without noise an
//! array that is to cross to the opposite phase would stay, for there nothing pulls.

use super::agreement::Agreement;
use super::consensus::{How, Run, State, Way, bind, gates};
use super::part::Part;
use super::phases;
use super::sync::Differences;
use crate::error::Result;
use crate::random::Stream;

/// λ.
const NEW: f64 = 0.5;
/// Steps of the flow in a tick.
const FLOW: usize = 12;
/// The noise of a phase in a tick, in radians.
const NOISE: f64 = 0.05;

/// Arrays that bind as they go.
pub struct Live {
    parts: Vec<Part>,
    how: How,
    states: Vec<State>,
    phases: Vec<f64>,
    groups: Vec<Vec<usize>>,
    agreement: Agreement,
    noise: Stream,
}

impl Live {
    /// Binds what the arrays see at first in `first_steps` steps; then `how.iterations` are the steps of each tick.
    ///
    /// # Errors
    /// As [`bind`].
    pub fn new(parts: Vec<Part>, how: &How, first_steps: usize) -> Result<Self> {
        let bound = bind(&parts, &How { iterations: first_steps, ..*how })?;
        let mut live = Self {
            states: bound.pictures.into_iter().map(State::of).collect(),
            phases: bound.phases,
            groups: bound.wholes.into_iter().map(|whole| whole.arrays).collect(),
            agreement: bound.agreement,
            noise: Stream::new(how.seed, 3),
            how: *how,
            parts,
        };
        // What was found of pairs at first and what wholes told since then: the latter counts.
        live.agreement.matrix = live.told();
        Ok(live)
    }

    /// The groups, each ascending.
    #[must_use]
    pub fn groups(&self) -> &[Vec<usize>] {
        &self.groups
    }

    /// Each array's phase in radians.
    #[must_use]
    pub fn phases(&self) -> &[f64] {
        &self.phases
    }

    /// The picture of a group of arrays.
    #[must_use]
    pub fn picture(&self, group: &[usize]) -> Vec<f32> {
        super::consensus::mean(&self.parts, &self.states, group, &self.gates(), State::picture)
    }

    fn gates(&self) -> Vec<f32> {
        gates(&self.groups, &self.phases, self.how.way)
    }

    /// A tick with what each array sees now; of numbers that are not finite, what was seen last.
    ///
    /// # Errors
    /// Where an array has more or fewer numbers than at first.
    pub fn tick(&mut self, data: &[&[f32]]) -> Result<()> {
        for (part, data) in self.parts.iter_mut().zip(data) {
            part.see(data)?;
        }
        for (kept, told) in self.told().into_iter().enumerate() {
            let kept = &mut self.agreement.matrix[kept];
            *kept += NEW * (told - *kept);
        }
        let (matrix, arrays) = (&self.agreement.matrix, self.parts.len());
        let groups = match self.how.way {
            Way::Phases => {
                for phase in &mut self.phases {
                    *phase += NOISE * self.noise.normal();
                }
                Differences::of_signs(matrix, arrays).follow(&mut self.phases, FLOW);
                phases::groups(matrix, &self.phases)
            }
            Way::Agreement => phases::groups(matrix, &vec![0.0; arrays]),
            Way::Spectral => phases::by_eigenvector(matrix, arrays, self.how.seed),
            Way::Plain | Way::Robust => vec![(0..arrays).collect()],
        };
        self.join(groups);
        let mut gates = self.gates();
        let mut run = Run::from(&self.parts, &self.how, std::mem::take(&mut self.states));
        run.steps(&self.groups, &mut gates, self.how.iterations, None)?;
        self.states = run.states;
        Ok(())
    }

    /// Takes new groups on: who has come to a whole goes on from its picture.
    fn join(&mut self, groups: Vec<Vec<usize>>) {
        let of = |groups: &[Vec<usize>], array: usize| groups.iter().position(|group| group.contains(&array));
        let mut moves = Vec::new();
        for group in groups.iter().filter(|group| group.len() > 1) {
            // The whole goes on as that which most of its arrays were.
            let mut before: Vec<(usize, usize)> = (0..self.groups.len())
                .map(|old| (group.iter().filter(|array| self.groups[old].contains(array)).count(), old))
                .collect();
            before.sort_unstable_by_key(|(count, old)| (std::cmp::Reverse(*count), *old));
            let Some((count, was)) = before.first().copied().filter(|(count, _)| *count > 1) else {
                continue;
            };
            let stayed: Vec<usize> =
                group.iter().copied().filter(|array| of(&self.groups, *array) == Some(was)).collect();
            debug_assert_eq!(stayed.len(), count);
            let picture = self.picture(&stayed);
            moves.extend(
                group.iter().filter(|array| !stayed.contains(array)).map(|array| (*array, picture.clone())),
            );
        }
        for (array, picture) in moves {
            self.states[array] = State::of(picture);
        }
        self.groups = groups;
    }

    /// What each pair of arrays tells now.
    fn told(&self) -> Vec<f64> {
        let arrays = self.parts.len();
        let bound: Vec<&Vec<usize>> = self.groups.iter().filter(|group| group.len() > 1).collect();
        let of = |array: usize| bound.iter().position(|group| group.contains(&array));
        let mut scratch = Vec::new();
        let pictures: Vec<Vec<f32>> = bound.iter().map(|group| self.picture(group)).collect();
        let explained: Vec<Vec<f64>> = self
            .parts
            .iter()
            .map(|part| {
                pictures.iter().map(|picture| self.agreement.explains(part, picture, &mut scratch)).collect()
            })
            .collect();
        let mut matrix = vec![0.0; arrays * arrays];
        let mut alone = Vec::new();
        for one in 0..arrays {
            for other in one + 1..arrays {
                let ways = [
                    of(other).map(|whole| explained[one][whole]),
                    of(one).map(|whole| explained[other][whole]),
                ];
                let told = ways.into_iter().flatten().min_by(f64::total_cmp);
                if told.is_none() {
                    alone.push((one, other));
                }
                matrix[one * arrays + other] = told.unwrap_or_default();
                matrix[other * arrays + one] = told.unwrap_or_default();
            }
        }
        // More than these must wait until some have found one another.
        alone.truncate(arrays);
        let found = self.agreement.between(&self.parts, &alone, self.how.most, self.how.threads);
        for ((one, other), told) in alone.into_iter().zip(found) {
            matrix[one * arrays + other] = told;
            matrix[other * arrays + one] = told;
        }
        matrix
    }
}
