//! Named signatures: each learned from one showing, recognised slot by slot.
//!
//! ```text
//! z² = (x - t)²/s of every mean,    s = variance of the mean of x + that of t + FLOOR²
//! evidence of a name = -1/2 Σ over slots of Σ z² / DEPENDENT;    confidence: softmax over all names that are known
//! misfit of a name   = the largest mean of z² in a slot: about 1 where both are the same thing; from MISFIT on it is another
//! ```
//!
//! Both showings bring the scale of their own noise along: how far the sites of a place scatter, over how many there are. So one
//! showing is enough, and "nothing that I know" has an absolute bar, which no number of names moves.
//!
//! The logarithm of `s` is left out: that of a single showing is no knowledge, and over hundreds of numbers its chance would decide.
//!
//! Source of deciding while evidence comes in: Wald, Ann Math Statist 16:117 (1945); of several hypotheses by their posterior, Baum and
//! Veeravalli, IEEE Trans Inf Theory 40:1994 (1994).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AGES, Grid, NUMBERS, SLOTS};
use crate::error::{Error, Result};
use crate::signal::SheetShape;

/// The most names that are known at once.
pub const MOST_NAMES: usize = 256;
/// The longest name, in characters.
pub const LONGEST_NAME: usize = 64;
/// Confidence from which on a name is decided for.
pub const SURE: f64 = 0.99;
/// Misfit from which on a showing is nothing that is known.
pub const MISFIT: f64 = 2.0;
/// Mean `|d|` that some place and band of a signature must reach, in tonic rms: less is silence.
pub const LEAST: f32 = 0.1;
/// The largest number of a file.
const LARGEST: f32 = 1e6;

/// Sites that count as one: neighbours scatter together by diffusion and by the surround of the eye.
const TOGETHER: f32 = 1.4;
/// Error that no number of sites averages out, in tonic rms.
const FLOOR: f32 = 0.02;
/// Mean `|d|²` below which a place has nothing, in tonic variances.
const NOTHING: f32 = 1e-4;
/// Slots and numbers that tell the same: what was struck once is seen again in the next slot and the next band.
const DEPENDENT: f64 = 8.0;

/// What of a signature is compared: all of it, but for ablations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// Phases and magnitudes.
    #[default]
    Whole,
    /// `|d|` alone.
    Magnitude,
}

/// What an array is like in which signatures are taken: by it the same showing leaves another signature.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// `array.burst_gain`.
    pub burst_gain: f64,
    /// `array.kappa`.
    pub kappa: f64,
}

impl fmt::Display for Setting {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "array.burst_gain {}, array.kappa {}", self.burst_gain, self.kappa)
    }
}

/// Signatures by their names, all of one sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    grid: Grid,
    /// None where nobody said.
    setting: Option<Setting>,
    names: Vec<String>,
    numbers: Vec<f32>,
}

impl Known {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(grid: Grid) -> Self {
        Self { grid, setting: None, names: Vec::new(), numbers: Vec::new() }
    }

    /// The same, taken in an array like that.
    #[must_use]
    pub fn taken_in(self, setting: Option<Setting>) -> Self {
        Self { setting, ..self }
    }

    /// What the array is like in which they are taken, where somebody said.
    #[must_use]
    pub fn setting(&self) -> Option<Setting> {
        self.setting
    }

    /// The places of its sheet.
    #[must_use]
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The names in the order in which they were taught.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// All signatures, name after name.
    #[must_use]
    pub fn numbers(&self) -> &[f32] {
        &self.numbers
    }

    /// Numbers of a signature: [`SLOTS`] slots of [`Grid::slot`] numbers.
    #[must_use]
    pub fn length(&self) -> usize {
        SLOTS * self.grid.slot()
    }

    /// Learns a name from one showing.
    ///
    /// # Errors
    /// Where the name is empty, too long, holds control characters or is known, there is no room, the numbers are too many or
    /// too few, one is not finite, or nothing departed from the tonic baseline.
    pub fn teach(&mut self, name: &str, signature: &[f32]) -> Result<()> {
        self.has_room(name)?;
        let called = format!("name {name:?}");
        if signature.len() != self.length() {
            let error = Error::call(called, "the signature is not whole").value(signature.len());
            return Err(error.bound(format!("{} numbers", self.length())));
        }
        if let Some(at) = signature.iter().position(|x| !x.is_finite() || x.abs() > LARGEST) {
            let error =
                Error::call(called, "the signature holds what is no reading").at(format!("number {at}"));
            return Err(error.value(signature[at]).bound(format!("finite, at most {LARGEST}")));
        }
        let most = signature.chunks_exact(NUMBERS).map(|numbers| numbers[4]).fold(0.0, f32::max);
        if most < LEAST {
            let error = Error::call(called, "this is silence: nothing departed from the tonic baseline");
            return Err(error
                .value(format!("{most:.3} of the tonic rms"))
                .bound(format!("at least {LEAST}")));
        }
        self.names.push(name.to_owned());
        self.numbers.extend_from_slice(signature);
        Ok(())
    }

    /// Whether a further name can be taught.
    ///
    /// # Errors
    /// Where the name is empty, too long, holds control characters or is known, or there is no room.
    pub fn has_room(&self, name: &str) -> Result<()> {
        check_name(name)?;
        let called = format!("name {name:?}");
        if self.names.iter().any(|known| known == name) {
            let error = Error::call(called, "the name is known already");
            return Err(error.bound("a name for each signature").help("Give another name, or another file."));
        }
        if self.names.len() >= MOST_NAMES {
            let error = Error::call(called, "there is no room for a further name");
            return Err(error.value(self.names.len() + 1).bound(format!("at most {MOST_NAMES}")));
        }
        Ok(())
    }

    /// Whether they are of this shape of sheet.
    ///
    /// # Errors
    /// Where they are of another.
    pub fn fits(&self, shape: SheetShape) -> Result<()> {
        let taught = self.grid.shape;
        if taught == shape {
            return Ok(());
        }
        let text = |shape: SheetShape| format!("{} x {}, {} bands", shape.height, shape.width, shape.bands);
        let error = Error::call("--signatures", "they were taught on another shape of sheet");
        let error = error.value(text(taught)).bound(text(shape));
        Err(error.help("Run with the configuration that they were taught with, or teach them anew."))
    }

    fn slot(&self, name: usize, slot: usize) -> &[f32] {
        let length = self.grid.slot();
        &self.numbers[name * self.length() + slot * length..][..length]
    }
}

/// Refuses what is no name.
///
/// # Errors
/// Where it is empty, longer than [`LONGEST_NAME`], begins or ends with a blank, or holds control characters.
pub fn check_name(name: &str) -> Result<()> {
    let length = name.chars().count();
    if !(1..=LONGEST_NAME).contains(&length) {
        let error = Error::call("name", if length == 0 { "it is empty" } else { "it is too long" });
        return Err(error.value(format!("{length} characters")).bound(format!("1 to {LONGEST_NAME}")));
    }
    if name.trim() != name || name.chars().any(char::is_control) {
        let error = Error::call("name", "it begins or ends with a blank, or holds what can't be printed");
        return Err(error.value(format!("{name:?}")).bound("printed characters"));
    }
    Ok(())
}

/// How well slots fit others.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Fit {
    /// `Σ z²`, and of how many numbers.
    squares: f64,
    count: f64,
    /// The largest mean of `z²` in a slot.
    misfit: f64,
}

impl Fit {
    /// Holds a slot against another of the same grid, where either has anything.
    fn of(grid: &Grid, seen: &[f32], taught: &[f32], part: Part) -> Self {
        let mut fit = Self::default();
        let places = grid.count();
        for (at, (x, t)) in seen.chunks_exact(NUMBERS).zip(taught.chunks_exact(NUMBERS)).enumerate() {
            if x[5].max(t[5]) < NOTHING {
                continue;
            }
            let per = TOGETHER / grid.sites(at % places) as f32;
            let means = [0..2, 2..4, 4..5];
            let skipped = if part == Part::Magnitude { 2 } else { 0 };
            for mean in means.into_iter().skip(skipped) {
                fit.add(&x[mean.clone()], &t[mean], [x[5], t[5]], per);
            }
        }
        fit.misfit = if fit.count > 0.0 { fit.squares / fit.count } else { 0.0 };
        fit
    }

    /// One mean: its parts, here and there, and the powers of the sites that it is a mean over.
    fn add(&mut self, x: &[f32], t: &[f32], powers: [f32; 2], per: f32) {
        let scatter = |mean: &[f32], power: f32| (power - mean.iter().map(|v| v * v).sum::<f32>()).max(0.0);
        let s = (scatter(x, powers[0]) + scatter(t, powers[1])) * per / x.len() as f32 + FLOOR * FLOOR;
        self.squares += f64::from(x.iter().zip(t).map(|(x, t)| (x - t) * (x - t)).sum::<f32>() / s);
        self.count += x.len() as f64;
    }

    fn and(&mut self, other: Self) {
        self.squares += other.squares;
        self.count += other.count;
        self.misfit = self.misfit.max(other.misfit);
    }

    /// `ln p` of what was seen, but for a constant.
    fn log(&self) -> f64 {
        -0.5 * self.squares / DEPENDENT
    }
}

/// What a showing is taken for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// The number of the name that fits best.
    pub best: usize,
    /// Its probability among all that are known; 0 to 1.
    pub confidence: f64,
    /// Its misfit: about 1 where it is the same thing.
    pub misfit: f64,
}

impl Verdict {
    /// Whether it is nothing that is known.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        self.misfit >= MISFIT
    }
}

/// Evidence on what a showing is, as its slots come in.
#[derive(Clone, Debug)]
pub struct Evidence {
    part: Part,
    fits: Vec<Fit>,
    slots: usize,
    /// What was decided first, and how many ticks after the onset.
    decided: Option<(u64, Verdict)>,
}

impl Evidence {
    /// No evidence yet, by the parts that are compared.
    #[must_use]
    pub fn new(known: &Known, part: Part) -> Self {
        Self { part, fits: vec![Fit::default(); known.names().len()], slots: 0, decided: None }
    }

    /// The same, but that it begins with a later slot.
    #[must_use]
    pub fn at(known: &Known, part: Part, slot: usize) -> Self {
        Self { slots: slot, ..Self::new(known, part) }
    }

    /// The same evidence on all names but one.
    #[must_use]
    pub fn without(mut self, name: usize) -> Self {
        self.fits.remove(name);
        self
    }

    /// Takes the next slot, of [`Grid::slot`] numbers.
    ///
    /// # Panics
    /// Where all slots were taken, or more was learned since.
    pub fn take(&mut self, known: &Known, numbers: &[f32]) {
        assert_eq!(self.fits.len(), known.names().len(), "evidence on all that is known");
        for (name, fit) in self.fits.iter_mut().enumerate() {
            fit.and(Fit::of(&known.grid, numbers, known.slot(name, self.slots), self.part));
        }
        self.slots += 1;
        let sure = |verdict: &Verdict| verdict.confidence >= SURE && !verdict.is_foreign();
        if self.decided.is_none() {
            self.decided = self.verdict().filter(sure).map(|verdict| (AGES[self.slots], verdict));
        }
    }

    /// Slots that were taken.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// What was decided for first, by [`SURE`] and [`MISFIT`], and how many ticks after the onset.
    #[must_use]
    pub fn decided(&self) -> Option<(u64, Verdict)> {
        self.decided
    }

    /// How far it is by now from a name that is known, as a [`Verdict`] has it.
    ///
    /// # Panics
    /// Where there is no such name.
    #[must_use]
    pub fn misfit(&self, name: usize) -> f64 {
        self.fits[name].misfit
    }

    /// What it is taken for by now; `None` before the first slot and where nothing is known.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        if self.slots == 0 {
            return None;
        }
        let (best, fit) = self.fits.iter().enumerate().max_by(|a, b| a.1.log().total_cmp(&b.1.log()))?;
        let odds: f64 = self.fits.iter().map(|other| libm::exp(other.log() - fit.log())).sum();
        Some(Verdict { best, confidence: 1.0 / odds, misfit: fit.misfit })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::signal::SheetShape;

    pub(in super::super) fn grid() -> Grid {
        Grid::of(SheetShape { height: 16, width: 16, bands: 2 })
    }

    /// A showing that strikes every place with a phase, its sites scattered.
    pub(in super::super) fn shown(phase: f32, seed: u64) -> Vec<f32> {
        let mut draws = Stream::new(seed, 0);
        let mut numbers = Vec::new();
        for slot in 0..SLOTS {
            for at in 0..2 * grid().count() {
                let (size, angle) = (2.0 * libm::expf(-0.1 * slot as f32), phase / (1 + at / 16) as f32);
                let mut mean = |x: f32| x + 0.07 * draws.normal() as f32;
                let parts = [angle, 2.0 * angle].map(|angle| [libm::cosf(angle), libm::sinf(angle)]);
                let parts = parts.map(|part| part.map(|x| mean(size * x)));
                let size = mean(size).abs();
                // No mean has more than the whole power; what it lacks is how far its sites scatter.
                let square = |part: [f32; 2]| part[0] * part[0] + part[1] * part[1];
                let most = square(parts[0]).max(square(parts[1])).max(size * size);
                numbers.extend(parts.concat());
                numbers.extend([size, most + 0.16]);
            }
        }
        numbers
    }

    fn told(known: &Known, signature: &[f32], part: Part) -> Verdict {
        let mut evidence = Evidence::new(known, part);
        signature.chunks_exact(known.grid().slot()).for_each(|slot| evidence.take(known, slot));
        evidence.verdict().unwrap()
    }

    fn taught() -> Known {
        let mut known = Known::new(grid());
        for hue in 0..6 {
            known.teach(&format!("hue {hue}"), &shown(hue as f32, hue)).unwrap();
        }
        known
    }

    #[test]
    fn what_was_shown_once_is_recognised_and_what_never_was_is_not() {
        let known = taught();
        for hue in 0..6 {
            let verdict = told(&known, &shown(hue as f32, 100 + hue), Part::Whole);
            assert!(verdict.best == hue as usize && verdict.confidence > SURE, "{hue}: {verdict:?}");
            assert!(!verdict.is_foreign() && verdict.misfit > 0.2, "{verdict:?}");
        }
        let verdict = told(&known, &shown(2.5, 7), Part::Whole);
        assert!(verdict.is_foreign(), "{verdict:?}");
    }

    #[test]
    fn without_phase_nothing_tells_hues_apart() {
        let known = taught();
        let right = (0..6).filter(|hue| {
            told(&known, &shown(*hue as f32, 100 + hue), Part::Magnitude).best == *hue as usize
        });
        assert!(right.count() <= 3);
    }

    #[test]
    fn evidence_grows_slot_by_slot_until_it_decides() {
        let known = taught();
        let mut evidence = Evidence::new(&known, Part::Whole);
        assert!(evidence.verdict().is_none() && evidence.decided().is_none());
        for slot in shown(3.0, 55).chunks_exact(known.grid().slot()) {
            evidence.take(&known, slot);
        }
        let (decided, _) = evidence.decided().unwrap();
        assert!(decided <= 50 && AGES[1..].contains(&decided), "{decided}");
        assert!(Evidence::new(&Known::new(grid()), Part::Whole).verdict().is_none());
    }

    #[test]
    fn silence_and_what_is_no_name_are_refused_with_their_figures() {
        let mut known = taught();
        let length = known.length();
        let refused = |known: &mut Known, name: &str, signature: &[f32]| {
            known.teach(name, signature).unwrap_err().to_string()
        };
        let said = refused(&mut known, "dark", &vec![0.0; length]);
        assert!(said.contains("dark") && said.contains("silence") && said.contains("0.000"), "{said}");
        let red = shown(0.0, 1);
        assert!(refused(&mut known, "", &red).contains("empty"));
        assert!(refused(&mut known, &"x".repeat(65), &red).contains("65 characters"));
        assert!(refused(&mut known, " red", &red).contains("blank"));
        assert!(refused(&mut known, "r\u{7}d", &red).contains("printed"));
        assert!(refused(&mut known, "hue 1", &red).contains("known already"));
        assert!(refused(&mut known, "short", &red[1..]).contains("not whole"));
        let mut spoilt = red.clone();
        spoilt[5] = f32::INFINITY;
        assert!(refused(&mut known, "spoilt", &spoilt).contains("number 5"));
        assert_eq!(known.names().len(), 6, "what was refused is not learned");
        for more in 6..MOST_NAMES {
            known.teach(&more.to_string(), &red).unwrap();
        }
        assert!(refused(&mut known, "one more", &red).contains("no room"));
    }
}
