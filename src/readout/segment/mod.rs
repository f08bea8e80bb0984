//! Objects by the phases of oscillators: what swings together is one thing.
//!
//! An oscillator on each pixel is a unit vector `x` of two complex numbers, turned by the pixel's grey and drawn to the mean of those it hears:
//!
//! ```text
//! x_i(k + 1) = unit( (1 - κ) e^{i τ ω_i} x_i(k) + κ Σ_j G_ij e^{i τ ω_j} x_j(k) )
//! ```
//!
//! | symbol | default | what it is |
//! |---|---|---|
//! | ω | | grey, 0 to 1 between the darkest and the brightest of the picture |
//! | τ | 2 | turn of white against black at each step, in radians |
//! | κ | 0.4 | coupling |
//! | G | | weights that fall off along rows and columns by e in 0.14 of the longer side, through objects alone; their sum is 1 |
//!
//! Equal greys lock, unequal ones slip, and an object's parts lock through what lies before it, as what slips adds up to nothing. The ground, the
//! grey of the picture's edge, has no oscillators, so objects of one grey with ground between them keep the phases that they started with.
//!
//! The form is the complex recurrent network of Liboni et al. (PNAS 122:e2321319121, 2025), with ground left out by a first layer and labels read from
//! phases in a second. Other here: its weights are the same everywhere, so that it cannot bridge a gap without joining neighbours; and it is linear,
//! so that the object that decays least drowns the others. Length 1 ends that (as in Miyato et al., ICLR 2025), and with more than one component
//! the phases cannot wind around a point (Markdahl et al., IEEE TAC 63:1664, 2018).
//!
//! Each of several starts gives labels; those of the lowest energy are kept (`energy.rs`), and rims of mixed greys join their objects (`rim.rs`).
//! Nobody tells how many objects there are.

mod energy;
mod follow;
mod ground;
mod groups;
mod measure;
mod rim;
mod seen;

pub use follow::{Follow, Object};
pub use ground::{ground, median};
pub use measure::{OfThings, rand_index};
pub use seen::Seen;

use crate::error::{Error, Kind, Result};
use crate::kernel::medium::{LANES, Lanes, Medium, STARTS};
use crate::random::{philox4x32, split};

/// The shortest and the longest side of a picture, in pixels.
pub const SIDES: [usize; 2] = [8, 128];
/// The most objects.
pub const MOST_OBJECTS: usize = LANES;
/// Steps of all oscillators.
const STEPS: usize = 80;
/// At its end, so many states tell who swings together, so many steps apart.
const LOOKS: usize = 8;
const APART: usize = 4;
/// Where the coupling has fallen to 1/e, of the longer side.
const REACH: f64 = 0.14;
/// One of so many pixels may be brighter than white is taken to be, and one darker than black.
const BEYOND: usize = 200;
/// The least contrast, of a range of 1.
const LEAST_CONTRAST: f32 = 0.02;

/// How a picture is segmented.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct How {
    /// Objects, 1 to [`MOST_OBJECTS`]; as many as there are where nobody says.
    pub objects: Option<usize>,
    /// κ, 0 to 1.
    pub coupling: f32,
    /// τ in radians.
    pub turn: f64,
    /// Starts of which the lowest in energy is kept, 1 to 8.
    pub starts: usize,
    /// The seed of the starts.
    pub seed: u64,
}

impl Default for How {
    fn default() -> Self {
        Self { objects: None, coupling: 0.4, turn: 2.0, starts: STARTS, seed: 0 }
    }
}

/// What stands out from a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Segments {
    /// The object of each pixel, the largest first; 0 is ground.
    pub labels: Vec<u8>,
    /// How much each object swings as one, 0 to 1: the order parameter (Kuramoto 1975) of its oscillators.
    pub coherence: Vec<f32>,
    /// The energy of these labels, before rims joined their objects.
    pub energy: f64,
    /// The energies of all starts, in their order.
    pub energies: Vec<f64>,
}

impl Segments {
    /// A picture of so many pixels from which nothing stands out.
    #[must_use]
    pub fn none(pixels: usize) -> Self {
        Self { labels: vec![0; pixels], ..Self::default() }
    }
}

/// Segments a picture of rows of `width` grey values, 0 to 1; the bits are the same everywhere.
///
/// # Errors
/// Where the picture is too small or too large, holds values that are not finite, or one value alone.
///
/// # Panics
/// Where the values are no whole number of rows.
pub fn segment(values: &[f32], width: usize, how: &How) -> Result<Segments> {
    let omega = frequencies(values, width)?;
    let height = values.len() / width;
    let conducts: Vec<bool> = ground(&omega, width).into_iter().map(|ground| !ground).collect();
    let keep = libm::exp(-1.0 / (REACH * height.max(width) as f64)) as f32;
    let mut medium = Medium::new(width, conducts, keep);
    let looks = settled(&mut medium, &omega, how);
    let mut best: Option<(f64, groups::Groups)> = None;
    let mut energies = Vec::new();
    for start in 0..how.starts.clamp(1, STARTS) {
        let states = groups::States::of(&looks, start, medium.conducts(), width);
        let found = states.groups(how.objects);
        let energy = energy::energy(&mut medium, &found.labels);
        energies.push(energy);
        if best.as_ref().is_none_or(|(least, _)| energy < *least) {
            best = Some((energy, found));
        }
    }
    let (energy, mut found) = best.unwrap_or_default();
    if how.objects.is_none() {
        rim::join(&mut found, &omega, width);
    }
    Ok(Segments { labels: found.labels, coherence: found.coherence, energy, energies })
}

/// Each pixel's frequency: 0 to 1 from the darkest to the brightest of the picture, a few that stick out aside.
///
/// # Errors
/// As [`segment`].
///
/// # Panics
/// Where the values are no whole number of rows.
pub fn frequencies(values: &[f32], width: usize) -> Result<Vec<f32>> {
    assert!(width > 0 && values.len().is_multiple_of(width), "pixels lie in rows");
    let height = values.len() / width;
    let fault = |problem: &str| Error::new(Kind::Input, "the picture", problem);
    let [least, most] = SIDES;
    if !(least..=most).contains(&height.min(width)) || height.max(width) > most {
        let error =
            fault("it is too small or too large to be segmented").value(format!("{width} x {height}"));
        return Err(error.bound(format!("{least} x {least} to {most} x {most}")));
    }
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        let error = fault("a value is not finite").at(format!("row {}, column {}", at / width, at % width));
        return Err(error.value(values[at]));
    }
    // Between quantiles, so that a pixel that sticks out does not press all others together.
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let beyond = values.len() / BEYOND;
    let (low, high) = (sorted[beyond], sorted[values.len() - 1 - beyond]);
    if high - low < LEAST_CONTRAST {
        let error = fault("it has one value all over: nothing stands out")
            .value(format!("a contrast of {}", high - low));
        return Err(error.bound(format!("at least {LEAST_CONTRAST}")));
    }
    Ok(values.iter().map(|value| ((value - low) / (high - low)).clamp(0.0, 1.0)).collect())
}

/// Runs all starts, and gives the states that tell who swings together.
fn settled(medium: &mut Medium, omega: &[f32], how: &How) -> Vec<Vec<Lanes>> {
    let turn = |omega: &f32| {
        let angle = how.turn * f64::from(*omega);
        [libm::cos(angle) as f32, libm::sin(angle) as f32]
    };
    let turns: Vec<[f32; 2]> = omega.iter().map(turn).collect();
    let mut state: Vec<Lanes> =
        medium.conducts().iter().enumerate().map(|(at, conducts)| start(*conducts, at, how.seed)).collect();
    let mut looks = Vec::with_capacity(LOOKS);
    for step in 1..=STEPS {
        medium.step(&mut state, &turns, how.coupling);
        if (STEPS - step).is_multiple_of(APART) && STEPS - step < LOOKS * APART {
            looks.push(state.clone());
        }
    }
    looks
}

/// Where the oscillators of a pixel start: anywhere, for every start by itself.
fn start(conducts: bool, at: usize, seed: u64) -> Lanes {
    let mut lanes = [0.0; LANES];
    if conducts {
        for (block, four) in lanes.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let words = philox4x32([at as u32, block as u32, 0, 0x5345_474D], split(seed));
            *four = words.map(|word| (word >> 8) as f32 / (1 << 23) as f32 - 1.0);
        }
    }
    lanes
}

#[cfg(test)]
mod tests;
