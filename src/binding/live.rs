//! Binding tick by tick, of a world that changes: arrays that come to see another scene change their whole.
//!
//! Each tick brings data. Every array is held against the picture of every whole as it was (and those that stay alone against one
//! another, two at a time); what each pair of arrays tells is kept with a memory of some ticks, phases follow it, and who swings
//! together binds for some steps from where the pictures are:
//!
//! ```text
//! J_kj' = J_kj + λ (min(e_k,whole(j), e_j,whole(k)) - J_kj),    sheets: so many ticks on, coupled by J,    x_k: as in the consensus
//! ```
//!
//! So a tick costs a look at each whole and some steps, where finding all groups anew costs a fit for each pair. An array that
//! is to cross to the opposite phase passes through a rhythm of no amplitude; it needs no noise to leave.

use super::agreement::Agreement;
use super::consensus::{How, Way, bind, gates};
use super::part::Part;
use super::phases;
use super::sheets::{SETTLED, Sheets, UPDATE};
use super::steps::{Run, State, mean};
use crate::error::{Error, Result};

/// λ.
const NEW: f64 = 0.5;

/// Arrays that bind as they go.
pub struct Live {
    parts: Vec<Part>,
    how: How,
    states: Vec<State>,
    phases: Vec<f64>,
    groups: Vec<Vec<usize>>,
    agreement: Agreement,
    sheets: Sheets,
    /// Pairs of arrays alone that were held against each other so far.
    tried: usize,
    steps_first: bool,
}

/// Arrays that each go by their own data alone.
pub struct Uncoupled {
    states: Vec<State>,
}

impl Uncoupled {
    /// What an array makes of its own data.
    #[must_use]
    pub fn picture(&self, array: usize) -> &[f32] {
        self.states[array].picture()
    }
}

impl Live {
    /// Binds what the arrays see at first in `first_steps` steps; then `how.iterations` are the steps of each tick.
    ///
    /// # Errors
    /// As [`bind`].
    pub fn new(parts: Vec<Part>, how: &How, first_steps: usize) -> Result<Self> {
        let bound = bind(&parts, &How { iterations: first_steps, ..*how })?;
        let sheets = Sheets::new(parts.len(), !bound.agreement.is_whole(), how.seed)?;
        let mut live = Self {
            states: bound.pictures.into_iter().map(State::of).collect(),
            phases: bound.phases,
            groups: bound.wholes.into_iter().map(|whole| whole.arrays).collect(),
            agreement: bound.agreement,
            sheets,
            tried: 0,
            steps_first: false,
            how: *how,
            parts,
        };
        // From here on what wholes tell counts, not what pairs told.
        live.agreement.matrix = live.told();
        if how.way == Way::Phases {
            live.sheets.swing(&live.agreement.matrix, SETTLED);
            live.phases = live.sheets.phases();
        }
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

    /// How strongly each array's sheet swings as one: see [`Sheets::amplitudes`].
    #[must_use]
    pub fn amplitudes(&self) -> Vec<f64> {
        self.sheets.amplitudes()
    }

    /// The picture of a group of arrays.
    #[must_use]
    pub fn picture(&self, group: &[usize]) -> Vec<f32> {
        mean(&self.parts, &self.states, group, &self.gates(), State::picture)
    }

    /// How well the picture of a group explains its arrays, times their order parameter, 0 to 1; 0 of one alone, which nobody
    /// confirms.
    #[must_use]
    pub fn confidence(&self, group: &[usize]) -> f64 {
        if group.len() < 2 {
            return 0.0;
        }
        let (picture, mut scratch) = (self.picture(group), Vec::new());
        let explained = |array: &usize| self.agreement.explains(&self.parts[*array], &picture, &mut scratch);
        let explained: f64 = group.iter().map(explained).map(|explained| explained.max(0.0)).sum();
        phases::order(group.iter().map(|array| self.phases[*array])).0 * explained / group.len() as f64
    }

    /// What is left of data, of their rms, that still counts as explained from now on.
    pub fn tolerate(&mut self, left: f64) {
        self.agreement.tolerate(left);
    }

    /// Takes the steps of a tick before arrays are held against their wholes instead of after: in a world that moves, a picture
    /// that has not moved with it explains nobody.
    pub fn step_first(&mut self) {
        self.steps_first = true;
    }

    /// The same arrays uncoupled, each by its own data alone, from the dark: to compare with.
    #[must_use]
    pub fn uncoupled(&self) -> Uncoupled {
        let dark = |part: &Part| State::of(vec![0.0; part.sight().len()]);
        Uncoupled { states: self.parts.iter().map(dark).collect() }
    }

    /// The most that is left of an array's data without coupling, of their rms: what so few steps and the world's motion leave
    /// where nobody contradicts.
    #[must_use]
    pub fn left_alone(&self, uncoupled: &Uncoupled) -> f64 {
        let mut scratch = Vec::new();
        let left = self.parts.iter().zip(&uncoupled.states).map(|(part, state)| {
            let left = (part.missed(state.picture(), &mut scratch) / part.seen() as f64).sqrt();
            left / self.agreement.scale(part).max(f64::MIN_POSITIVE)
        });
        left.fold(0.0, f64::max)
    }

    /// As many steps without coupling as a tick has with it, towards what the arrays saw last.
    ///
    /// # Errors
    /// As [`Self::tick`].
    ///
    /// # Panics
    /// Where they are not these arrays.
    pub fn follow(&self, uncoupled: &mut Uncoupled) -> Result<()> {
        assert_eq!(uncoupled.states.len(), self.parts.len(), "the same arrays");
        let alone: Vec<Vec<usize>> = (0..self.parts.len()).map(|array| vec![array]).collect();
        let mut run = Run::from(&self.parts, &self.how, std::mem::take(&mut uncoupled.states));
        run.steps(&alone, &mut vec![1.0; self.parts.len()], self.how.iterations, None)?;
        uncoupled.states = run.states;
        Ok(())
    }

    fn gates(&self) -> Vec<f32> {
        gates(&self.groups, &self.phases, self.how.way)
    }

    /// A tick with what each array sees now; of numbers that are not finite, what was seen last.
    ///
    /// # Errors
    /// Where there are not as many arrays as at first, or one has more or fewer numbers.
    pub fn tick(&mut self, data: &[&[f32]]) -> Result<()> {
        self.see(data)?;
        self.advance()
    }

    /// The first half of a tick: what each array sees now.
    ///
    /// # Errors
    /// As [`Self::tick`].
    pub fn see(&mut self, data: &[&[f32]]) -> Result<()> {
        if data.len() != self.parts.len() {
            let error = Error::call("data", "it is not of as many arrays as before").value(data.len());
            return Err(error.bound(self.parts.len()));
        }
        for (part, data) in self.parts.iter_mut().zip(data) {
            part.see(data)?;
        }
        self.agreement.see(&self.parts);
        Ok(())
    }

    /// The second half: who swings together, and the steps of the pictures.
    ///
    /// # Errors
    /// As [`Self::tick`].
    pub fn advance(&mut self) -> Result<()> {
        if self.steps_first {
            self.step()?;
        }
        let told = self.told();
        for (kept, told) in self.agreement.matrix.iter_mut().zip(told) {
            *kept += NEW * (told - *kept);
        }
        let (matrix, arrays) = (&self.agreement.matrix, self.parts.len());
        let groups = match self.how.way {
            Way::Phases => {
                self.sheets.swing(matrix, UPDATE);
                self.phases = self.sheets.phases();
                phases::groups(matrix, &self.phases)
            }
            Way::Agreement => phases::groups(matrix, &vec![0.0; arrays]),
            Way::Spectral => phases::by_eigenvector(matrix, arrays, self.how.seed),
            Way::Plain | Way::Robust => vec![(0..arrays).collect()],
        };
        self.join(groups);
        if self.steps_first { Ok(()) } else { self.step() }
    }

    /// The steps of a tick.
    fn step(&mut self) -> Result<()> {
        let mut gates = self.gates();
        let mut run = Run::from(&self.parts, &self.how, std::mem::take(&mut self.states));
        run.steps(&self.groups, &mut gates, self.how.iterations, None)?;
        self.states = run.states;
        Ok(())
    }

    /// Takes new groups on: who has come to a whole goes on from its picture.
    fn join(&mut self, groups: Vec<Vec<usize>>) {
        let mut moves = Vec::new();
        for group in groups.iter().filter(|group| group.len() > 1) {
            // The whole goes on as that which most of its arrays were.
            let from = |old: &Vec<usize>| -> Vec<usize> {
                group.iter().copied().filter(|array| old.contains(array)).collect()
            };
            let stayed = self
                .groups
                .iter()
                .map(from)
                .reduce(|most, next| if next.len() > most.len() { next } else { most });
            let Some(stayed) = stayed.filter(|stayed| stayed.len() > 1) else { continue };
            let picture = self.picture(&stayed);
            let came = group.iter().filter(|array| !stayed.contains(array));
            moves.extend(came.map(|array| (*array, picture.clone())));
        }
        for (array, picture) in moves {
            self.states[array] = State::of(picture);
        }
        self.groups = groups;
    }

    /// What each pair of arrays tells now.
    fn told(&mut self) -> Vec<f64> {
        let arrays = self.parts.len();
        let bound: Vec<Vec<usize>> = self.groups.iter().filter(|group| group.len() > 1).cloned().collect();
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
        // Only so many at a time; the others' turn comes in the ticks that follow.
        let from = self.tried % alone.len().max(1);
        alone.rotate_left(from);
        alone.truncate(arrays);
        self.tried += alone.len();
        let found = self.agreement.between(&self.parts, &alone, self.how.most, self.how.threads);
        for ((one, other), told) in alone.into_iter().zip(found) {
            matrix[one * arrays + other] = told;
            matrix[other * arrays + one] = told;
        }
        matrix
    }
}

#[cfg(test)]
mod tests {
    use super::super::phantom::{Scene, psnr};
    use super::super::projection::ParallelBeam;
    use super::*;

    const SIDE: usize = 32;
    const ARRAYS: usize = 10;

    /// What each array sees of two scenes, and the scenes' pictures.
    fn worlds() -> ([Vec<Vec<f32>>; 2], [Vec<f32>; 2]) {
        let scenes = [Scene::drawn(1, SIDE), Scene::drawn(2, SIDE)];
        let seen = |scene: &Scene| (0..ARRAYS).map(|array| scene.sinogram(SIDE, &degrees(array))).collect();
        (scenes.each_ref().map(seen), scenes.each_ref().map(|scene| scene.picture(SIDE)))
    }

    fn degrees(array: usize) -> Vec<f64> {
        (0..4).map(|view| 180.0 * (view * ARRAYS + array) as f64 / (4 * ARRAYS) as f64).collect()
    }

    fn live(way: Way, seen: &[&[f32]]) -> Live {
        let part = |(array, data): (usize, &&[f32])| {
            Part::new(Box::new(ParallelBeam::new(SIDE, SIDE, &degrees(array)).unwrap()), data.to_vec())
                .unwrap()
        };
        let parts = seen.iter().enumerate().map(part).collect();
        let how = How { way, iterations: 2, coupling: 0.5, most: 1.0, sigma: None, seed: 4, threads: 1 };
        Live::new(parts, &how, 60).unwrap()
    }

    #[test]
    fn arrays_that_come_to_see_another_scene_change_their_whole() {
        let (worlds, pictures) = worlds();
        for way in [Way::Phases, Way::Agreement] {
            let mut of: Vec<usize> = (0..ARRAYS).map(|array| array % 2).collect();
            let seen = |of: &[usize]| -> Vec<&[f32]> {
                of.iter().enumerate().map(|(array, of)| worlds[*of][array].as_slice()).collect()
            };
            let mut live = live(way, &seen(&of));
            for changes in [0, 3, 4] {
                of[changes] = 1 - of[changes];
                for _ in 0..12 {
                    live.tick(&seen(&of)).unwrap();
                }
                for (scene, truth) in pictures.iter().enumerate() {
                    let wanted: Vec<usize> = (0..ARRAYS).filter(|array| of[*array] == scene).collect();
                    assert!(live.groups().contains(&wanted), "{way:?}: no {wanted:?} in {:?}", live.groups());
                    let likeness = psnr(&live.picture(&wanted), truth);
                    assert!(likeness > 20.0, "{way:?}, scene {scene}: {likeness} dB");
                }
            }
            if way == Way::Phases {
                let apart = libm::cos(live.phases()[1] - live.phases()[2]);
                assert!((apart < 0.0) == (of[1] != of[2]), "{:?}", live.phases());
            }
        }
    }

    #[test]
    fn a_cut_to_black_tears_no_whole_apart() {
        let (worlds, _) = worlds();
        let seen: Vec<&[f32]> = worlds[0].iter().map(Vec::as_slice).collect();
        let black = vec![0.0f32; seen[0].len()];
        let mut live = live(Way::Phases, &seen);
        live.step_first();
        let mut uncoupled = live.uncoupled();
        let all: Vec<usize> = (0..ARRAYS).collect();
        for tick in 0..60 {
            live.see(&if tick < 10 { seen.clone() } else { vec![black.as_slice(); ARRAYS] }).unwrap();
            live.follow(&mut uncoupled).unwrap();
            live.tolerate((6.0 * live.left_alone(&uncoupled)).max(0.04));
            live.advance().unwrap();
            assert!(live.agreement.matrix.iter().all(|agrees| agrees.is_finite()), "tick {tick}");
            assert_eq!(live.groups(), std::slice::from_ref(&all), "tick {tick}: {:?}", live.agreement.matrix);
        }
    }

    #[test]
    fn data_of_another_shape_are_refused_and_numbers_that_are_missing_stay() {
        let (worlds, _) = worlds();
        let seen: Vec<&[f32]> = worlds[0].iter().map(Vec::as_slice).collect();
        let mut live = live(Way::Phases, &seen);
        let error = live.tick(&seen[1..]).unwrap_err().to_string();
        assert!(error.contains("as many arrays") && error.contains("10"), "{error}");
        let mut short = seen.clone();
        short[3] = &seen[3][1..];
        let error = live.tick(&short).unwrap_err().to_string();
        assert!(error.contains("as many as before") && error.contains("128"), "{error}");
        let nothing = vec![f32::NAN; seen[0].len()];
        live.tick(&[nothing.as_slice(); ARRAYS]).unwrap();
        assert_eq!(live.groups(), [(0..ARRAYS).collect::<Vec<usize>>()]);
    }
}
