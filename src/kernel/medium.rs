//! Oscillators on the pixels of a picture: each turns by its own frequency and is drawn to the mean of those that it hears.
//!
//! What is heard falls off as `keep^distance` along rows, then along columns, and goes through conducting pixels alone: a pixel that
//! does not conduct stops it. Both ways of an axis are one recursion each, so that the reach costs nothing. An oscillator is a unit vector
//! of two complex numbers; eight independent starts lie side by side.

use super::wide::compile_wide;

/// Starts that run side by side.
pub const STARTS: usize = 8;
/// Numbers of a pixel.
pub const LANES: usize = 4 * STARTS;
/// The oscillators of a pixel: the real parts of both components, then the imaginary ones; in each a number for every start.
pub type Lanes = [f32; LANES];

/// Where waves go, and the room that a step takes.
#[derive(Clone, Debug)]
pub struct Medium {
    width: usize,
    conducts: Vec<bool>,
    keep: f32,
    /// 1 over the weight of all that a pixel hears; 0 where it does not conduct.
    shares: Vec<f32>,
    /// What was heard along the rows.
    rows: Vec<Lanes>,
    /// What was heard along both, as a sum.
    heard: Vec<Lanes>,
    /// What a row of pixels hands on to the next.
    carried: Vec<Lanes>,
}

impl Medium {
    /// A picture of rows of `width` pixels, where waves keep the share `keep` (0 to below 1) from pixel to pixel.
    ///
    /// # Panics
    /// Where the pixels are no whole number of rows.
    #[must_use]
    pub fn new(width: usize, conducts: Vec<bool>, keep: f32) -> Self {
        assert!(width > 0 && conducts.len().is_multiple_of(width), "pixels lie in rows");
        let room = vec![[0.0; LANES]; conducts.len()];
        let carried = vec![[0.0; LANES]; width];
        let mut medium = Self {
            width,
            shares: vec![0.0; room.len()],
            rows: room.clone(),
            heard: room,
            carried,
            conducts,
            keep,
        };
        let ones = vec![[1.0; LANES]; medium.conducts.len()];
        hear(&mut medium, &ones);
        let share = |(heard, conducts): (&Lanes, &bool)| if *conducts { heard[0].recip() } else { 0.0 };
        medium.shares = medium.heard.iter().zip(&medium.conducts).map(share).collect();
        medium
    }

    /// Which pixels conduct.
    #[must_use]
    pub fn conducts(&self) -> &[bool] {
        &self.conducts
    }

    /// The mean of what each pixel hears of `state`, 0 where it does not conduct.
    ///
    /// # Panics
    /// Where `state` is of another picture.
    pub fn means(&mut self, state: &[Lanes]) -> impl Iterator<Item = Lanes> + '_ {
        assert_eq!(state.len(), self.conducts.len(), "a number of oscillators for each pixel");
        hear(self, state);
        self.heard.iter().zip(&self.shares).map(|(heard, share)| heard.map(|x| x * share))
    }

    /// A step of all oscillators: turned by `turns` (cosine and sine, a pixel each), then the share `coupling` (0 to 1) of the way to the
    /// mean of what they hear, then back to length 1.
    ///
    /// # Panics
    /// Where `state` or `turns` are of another picture.
    pub fn step(&mut self, state: &mut [Lanes], turns: &[[f32; 2]], coupling: f32) {
        assert!(
            state.len() == self.conducts.len() && turns.len() == state.len(),
            "one of each for each pixel"
        );
        step(self, state, turns, coupling);
    }
}

compile_wide! {
    fn step, step_on(medium: &mut Medium, state: &mut [Lanes], turns: &[[f32; 2]], coupling: f32) = step_body
}

compile_wide! {
    fn hear, hear_on(medium: &mut Medium, state: &[Lanes]) = hear_body
}

#[inline(always)]
fn step_body(medium: &mut Medium, state: &mut [Lanes], turns: &[[f32; 2]], coupling: f32) {
    for ((x, [cos, sin]), conducts) in state.iter_mut().zip(turns).zip(&medium.conducts) {
        if !conducts {
            continue;
        }
        let before = *x;
        let half = LANES / 2;
        *x = core::array::from_fn(|l| {
            if l < half {
                before[l] * cos - before[l + half] * sin
            } else {
                before[l - half] * sin + before[l] * cos
            }
        });
    }
    hear_body(medium, state);
    for ((x, heard), share) in state.iter_mut().zip(&medium.heard).zip(&medium.shares) {
        if *share == 0.0 {
            continue;
        }
        let (own, heard, weight) = (*x, *heard, coupling * share);
        let drawn: Lanes = core::array::from_fn(|l| (1.0 - coupling) * own[l] + weight * heard[l]);
        let square = |l: usize| drawn[l] * drawn[l];
        let scale: [f32; STARTS] = core::array::from_fn(|l| {
            let sum = (square(l) + square(l + STARTS)) + (square(l + 2 * STARTS) + square(l + 3 * STARTS));
            1.0 / sum.max(1e-20).sqrt()
        });
        *x = core::array::from_fn(|l| drawn[l] * scale[l % STARTS]);
    }
}

/// Sums what each pixel hears into `heard`.
#[inline(always)]
fn hear_body(medium: &mut Medium, state: &[Lanes]) {
    let Medium { width, conducts, keep, rows, heard, carried, .. } = medium;
    let (width, keep) = (*width, *keep);
    let lines = rows.chunks_exact_mut(width).zip(state.chunks_exact(width)).zip(conducts.chunks_exact(width));
    for ((out, line), conducts) in lines {
        let mut carried = [0.0; LANES];
        for at in 0..width {
            forth(conducts[at], keep, &line[at], &mut carried, &mut out[at]);
        }
        carried = [0.0; LANES];
        for at in (0..width).rev() {
            back(conducts[at], keep, &line[at], &mut carried, &mut out[at]);
        }
    }
    carried.fill([0.0; LANES]);
    for first in (0..rows.len()).step_by(width) {
        for (x, carried) in carried.iter_mut().enumerate() {
            forth(conducts[first + x], keep, &rows[first + x], carried, &mut heard[first + x]);
        }
    }
    carried.fill([0.0; LANES]);
    for first in (0..rows.len()).step_by(width).rev() {
        for (x, carried) in carried.iter_mut().enumerate() {
            back(conducts[first + x], keep, &rows[first + x], carried, &mut heard[first + x]);
        }
    }
}

/// The pixel itself, and what comes from before it; `out` of a pixel that does not conduct is 0 for ever.
#[inline(always)]
fn forth(conducts: bool, keep: f32, own: &Lanes, carried: &mut Lanes, out: &mut Lanes) {
    if conducts {
        // Whole arrays at once, so that they stay in registers.
        let (own, before) = (*own, *carried);
        let sum: Lanes = core::array::from_fn(|l| own[l] + keep * before[l]);
        *carried = sum;
        *out = sum;
    } else {
        *carried = [0.0; LANES];
    }
}

/// What comes from behind it.
#[inline(always)]
fn back(conducts: bool, keep: f32, own: &Lanes, carried: &mut Lanes, out: &mut Lanes) {
    if conducts {
        let (own, before, own_way) = (*own, *carried, *out);
        let heard: Lanes = core::array::from_fn(|l| keep * before[l]);
        *out = core::array::from_fn(|l| own_way[l] + heard[l]);
        *carried = core::array::from_fn(|l| own[l] + heard[l]);
    } else {
        *carried = [0.0; LANES];
    }
}

#[cfg(test)]
mod tests {
    use super::super::wide::Isa;
    use super::*;

    const KEEP: f32 = 0.7;

    fn state(pixels: usize) -> Vec<Lanes> {
        let number = |at: usize, l: usize| ((at * 7_919 + l * 131) % 1_009) as f32 * 0.002 - 1.0;
        (0..pixels).map(|at| std::array::from_fn(|l| number(at, l))).collect()
    }

    /// The weight that a pixel `from` has for `to` on a line, where all between conduct.
    fn weight(line: &[bool], from: usize, to: usize) -> f32 {
        let between = &line[from.min(to)..=from.max(to)];
        if between.iter().all(|conducts| *conducts) {
            (0..from.abs_diff(to)).map(|_| KEEP).product()
        } else {
            0.0
        }
    }

    #[test]
    fn what_is_heard_falls_off_with_distance_and_stops_where_nothing_conducts() {
        let (height, width) = (5, 7);
        let conducts: Vec<bool> = (0..height * width).map(|at| at % 11 != 3).collect();
        let state = state(height * width);
        let found: Vec<Lanes> = Medium::new(width, conducts.clone(), KEEP).means(&state).collect();
        let row = |y: usize| conducts[y * width..][..width].to_vec();
        let column = |x: usize| (0..height).map(|y| conducts[y * width + x]).collect::<Vec<_>>();
        for (at, found) in found.iter().enumerate() {
            let (y, x) = (at / width, at % width);
            let (mut sum, mut weights) = (0.0, 0.0);
            for (from, state) in state.iter().enumerate() {
                let (v, u) = (from / width, from % width);
                let weight = weight(&row(v), u, x) * weight(&column(x), v, y);
                sum += weight * state[5];
                weights += weight;
            }
            let wanted = if conducts[at] { sum / weights } else { 0.0 };
            assert!((found[5] - wanted).abs() < 1e-5, "{at}: {} {wanted}", found[5]);
        }
    }

    #[test]
    fn oscillators_alone_turn_and_those_that_are_coupled_stay_of_length_one() {
        let turns = vec![[0.6, 0.8]; 12];
        let mut medium = Medium::new(4, vec![true; 12], KEEP);
        let mut state = state(12);
        medium.step(&mut state, &turns, 0.0);
        let before = state.clone();
        medium.step(&mut state, &turns, 0.0);
        let (re, im) = (before[3][1], before[3][1 + LANES / 2]);
        assert!((state[3][1] - (0.6 * re - 0.8 * im)).abs() < 1e-6);
        medium.step(&mut state, &turns, 0.5);
        for start in 0..STARTS {
            let length: f32 = (0..4).map(|part| state[7][part * STARTS + start]).map(|x| x * x).sum();
            assert!((length - 1.0).abs() < 1e-5, "{length}");
        }
    }

    #[test]
    fn no_set_of_vector_instructions_changes_a_bit() {
        let conducts: Vec<bool> = (0..35).map(|at| at % 9 != 2).collect();
        let turns: Vec<[f32; 2]> =
            (0..35).map(|at| if at % 2 == 0 { [0.6, 0.8] } else { [0.0, 1.0] }).collect();
        let run = |isa| {
            let (mut medium, mut state) = (Medium::new(7, conducts.clone(), KEEP), state(35));
            (0..9).for_each(|_| step_on(isa, &mut medium, &mut state, &turns, 0.4));
            hear_on(isa, &mut medium, &state);
            state.iter().chain(&medium.heard).flatten().map(|x| x.to_bits()).collect::<Vec<_>>()
        };
        for &isa in Isa::all() {
            assert!(run(isa) == run(Isa::Portable), "{isa:?}");
        }
    }
}
