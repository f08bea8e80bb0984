//! Alignment: by how many elements each array's detector lies beside where it should, and how far its views are turned.
//!
//! Views under nearly one angle look alike, so each pair of arrays that has such tells a lag, by cross-correlation (`lines.rs`); and
//! moments of all lines lie on curves over their angles, so each pair tells a turn (`turns.rs`). What all pairs
//! tell together is synchronised ([`super::sync`]), as angles of a circle that no difference goes round. Views a few degrees apart are
//! not the same, so the arrays are then bound and each is held against what the others of its whole show it, a few times over
//! (reprojection: Dengler, Ultramicroscopy 30:337, 1989).
//!
//! How surely each is told, `sure.rs` says; what is not determined stays at its nominal place.
//!
//! Nothing tells by how much all are shifted or turned alike, so the middle one of them all counts as right.

mod lines;
mod sure;
mod turns;

pub use sure::{Surely, WhyNot};

use super::consensus::{How, Whole, bind};
use super::part::{Part, explained};
use super::projection::{ParallelBeam, Projection};
use super::shared::each;
use super::sync::{Differences, Lags, STEPS, from_the_middle, on_a_circle};
use crate::error::{Error, Result};
use sure::{ALONE, Evidence};

/// The most degrees by which an array's views may be turned, either way.
pub const MOST_TURN: f64 = 15.0;
/// Times that arrays are held against the others; fewer where none moves by more than [`STILL`] elements or degrees.
const ROUNDS: usize = 16;
const STILL: f64 = 0.02;
/// Degrees to either side at which an array is held against the others, and the furthest that it turns in a round.
const ASIDE: f64 = 1.0;
/// How much more than chance an array must fit better between than to either side.
const TELLS: f64 = 4.0;
/// Steps of the pictures meanwhile.
const PICTURE_STEPS: usize = 40;
/// The most others by whose picture an array is judged.
const OTHERS: usize = 32;

/// What an array sees: angles in degrees, and a line of `detectors` numbers for each, one after another.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Angles in degrees.
    pub degrees: Vec<f64>,
    /// Lines.
    pub data: Vec<f32>,
}

/// Where an array really is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// Elements by which its detector lies beside its place.
    pub shift: f64,
    /// Degrees by which its views are turned.
    pub turn: f64,
}

/// What is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Shifts.
    Shift,
    /// Turns.
    Rotation,
    /// Both.
    Both,
}

/// Where an array was found to be, and how surely.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Where it is; what is not determined is 0.
    pub place: Place,
    /// How surely its shift is told, and its turn; of no meaning where that was not to be found.
    pub surely: [Surely; 2],
}

impl Seen {
    /// The array that sees this from that place.
    ///
    /// # Errors
    /// As [`ParallelBeam::shifted`] and [`Part::new`].
    pub fn part(&self, detectors: usize, place: Place) -> Result<Part> {
        Part::new(Box::new(self.beams(detectors, place)?), self.data.clone())
    }

    fn beams(&self, detectors: usize, place: Place) -> Result<ParallelBeam> {
        let degrees: Vec<f64> = self.degrees.iter().map(|degrees| degrees + place.turn).collect();
        ParallelBeam::shifted(detectors, detectors, &degrees, place.shift)
    }

    /// What it would see of a picture from that place.
    fn shown(&self, detectors: usize, place: Place, picture: &[f32]) -> Result<Vec<f32>> {
        let mut shown = vec![0.0; self.data.len()];
        self.beams(detectors, place)?.apply(picture, &mut shown, 1);
        Ok(shown)
    }
}

/// Where all arrays really are against the middle one of them: shifts of at most half of the detector either way, turns of at most
/// [`MOST_TURN`]. What is not to be found is 0.
///
/// # Errors
/// As [`bind`] and [`Seen::part`], and where no two arrays tell of each other.
///
/// # Panics
/// Where an array has not `detectors` numbers for each angle.
pub fn places(arrays: &[Seen], detectors: usize, what: What, how: &How) -> Result<Vec<Place>> {
    let (places, turned) = held(arrays, detectors, what, how)?;
    if what == What::Shift || turned { Ok(places) } else { Err(untold(arrays)) }
}

/// That no two arrays tell how they are turned.
fn untold(arrays: &[Seen]) -> Error {
    let error = Error::call("align", "no two arrays have views that tell how they are turned");
    let error = error.value(format!("{} arrays", arrays.len()));
    error.bound("2 views or more of an array, of something that is not round about the middle")
}

/// Where all arrays are, and whether any two tell how they are turned: else no turn is looked for.
fn held(arrays: &[Seen], detectors: usize, what: What, how: &How) -> Result<(Vec<Place>, bool)> {
    assert!(arrays.iter().all(|seen| seen.data.len() == seen.degrees.len() * detectors), "a line each angle");
    let half = detectors as f64 / 2.0;
    let lags = Lags::new(detectors);
    let mut places = vec![Place::default(); arrays.len()];
    if what != What::Rotation {
        let (differences, told) = lines::told(&lags, arrays, detectors);
        if told.is_empty() {
            let problem = "no two arrays have views of something that are near each other";
            let error = Error::call("align", problem).value(format!("{} arrays", arrays.len()));
            return Err(error.bound(format!("views within {} degrees", lines::NEAR)));
        }
        let found = synchronised(&differences, &told, arrays.len());
        for (array, shift) in told.iter().zip(on_a_circle(&found, lags.circle() as f64)) {
            places[*array].shift = shift.clamp(-half, half);
        }
    }
    let mut turned = false;
    if what != What::Shift {
        let (differences, told) = turns_told(arrays, &places, detectors, how.threads);
        turned = !told.is_empty();
        if !turned && arrays.iter().all(|seen| seen.degrees.len() < 2) {
            return Err(untold(arrays));
        }
        let found = synchronised(&differences, &told, arrays.len());
        for (array, turn) in told.iter().zip(on_a_circle(&found, turns::CIRCLE)) {
            places[*array].turn = turn.clamp(-MOST_TURN, MOST_TURN);
        }
    }
    let what = match what {
        What::Rotation if !turned => return Ok((places, false)),
        What::Both if !turned => What::Shift,
        what => what,
    };
    for _ in 0..ROUNDS {
        let (parts, wholes) = bound(arrays, &places, detectors, how)?;
        let numbers: Vec<usize> = (0..arrays.len()).collect();
        let nearer = each(&numbers, how.threads, |array| {
            let others: Vec<&Part> = others(&wholes, *array).map(|other| &parts[other]).collect();
            if others.is_empty() {
                return Ok(places[*array]);
            }
            let picture = explained(&others, how.most, PICTURE_STEPS);
            nearer(&arrays[*array], &lags, what, places[*array], &picture)
        });
        let mut found = nearer.into_iter().collect::<Result<Vec<Place>>>()?;
        // All turn alike where they please.
        let mut turns: Vec<f64> = found.iter().map(|place| place.turn).collect();
        from_the_middle(&mut turns);
        for (place, turn) in found.iter_mut().zip(turns) {
            place.shift = place.shift.clamp(-half, half);
            place.turn = turn.clamp(-MOST_TURN, MOST_TURN);
        }
        let moved = |(one, other): (&Place, &Place)| {
            (one.shift - other.shift).abs() >= STILL || (one.turn - other.turn).abs() >= STILL
        };
        let still = !found.iter().zip(&places).any(moved);
        places = found;
        if still {
            break;
        }
    }
    Ok((places, turned))
}

/// The arrays as they see from these places, and their wholes.
fn bound(arrays: &[Seen], places: &[Place], detectors: usize, how: &How) -> Result<(Vec<Part>, Vec<Whole>)> {
    let parts = arrays.iter().zip(places).map(|(seen, place)| seen.part(detectors, *place));
    let parts = parts.collect::<Result<Vec<_>>>()?;
    let wholes = bind(&parts, &How { iterations: how.iterations.min(PICTURE_STEPS), ..*how })?.wholes;
    Ok((parts, wholes))
}

/// The same with how surely each is told; what is not determined stays at its nominal place, 0, and so do all turns where no two arrays
/// tell any.
///
/// # Errors
/// As [`places`], but for the last.
///
/// # Panics
/// As [`places`].
pub fn aligned(arrays: &[Seen], detectors: usize, what: What, how: &How) -> Result<Vec<Found>> {
    let (places, turned) = held(arrays, detectors, what, how)?;
    let (parts, wholes) = bound(arrays, &places, detectors, how)?;
    let numbers: Vec<usize> = (0..arrays.len()).collect();
    let told = each(&numbers, how.threads, |array| {
        let others: Vec<&Part> = others(&wholes, *array).map(|other| &parts[other]).collect();
        if others.len() < 2 {
            return Ok(None);
        }
        let half = |first: usize| others.iter().skip(first).step_by(2).copied().collect::<Vec<&Part>>();
        let pictures =
            [others.clone(), half(0), half(1)].map(|some| explained(&some, how.most, PICTURE_STEPS));
        let pictures = pictures.each_ref().map(Vec::as_slice);
        Evidence::of(&arrays[*array], detectors, what, places[*array], pictures, how.sigma).map(Some)
    });
    let told = told.into_iter().collect::<Result<Vec<Option<Evidence>>>>()?;
    let body = |array: usize| {
        [0, 1].map(|at| {
            let peers = whole_of(&wholes, array).arrays.iter().filter_map(|peer| told[*peer]);
            let mut bodies: Vec<f64> = peers.map(|evidence| evidence.body[at]).collect();
            bodies.sort_by(f64::total_cmp);
            bodies.get(bodies.len() / 2).copied().unwrap_or_default()
        })
    };
    let found = places.iter().zip(&told).enumerate().map(|(array, (place, evidence))| {
        let mut surely = evidence.map_or([ALONE; 2], |evidence| evidence.surely(body(array)));
        if !turned {
            surely[1].why_not = surely[1].why_not.or(Some(WhyNot::Alike));
        }
        let known = |at: usize, number: f64| if surely[at].why_not.is_none() { number } else { 0.0 };
        Found { place: Place { shift: known(0, place.shift), turn: known(1, place.turn) }, surely }
    });
    Ok(found.collect())
}

/// What pairs of arrays tell of how far their views are turned, as angles on a circle of 90 degrees, and the arrays that are told
/// anything: before they are held against what the others show.
#[must_use]
pub fn turns_told(
    arrays: &[Seen],
    places: &[Place],
    detectors: usize,
    threads: usize,
) -> (Differences, Vec<usize>) {
    turns::told(arrays, places, detectors, threads)
}

/// Angles of the arrays that are told anything, by the flow.
fn synchronised(differences: &Differences, told: &[usize], arrays: usize) -> Vec<f64> {
    // Differences are small parts of the circle, so the flow begins where there are none; who is told nothing counts as the middle one.
    let mut angles = vec![0.0; arrays];
    differences.follow(&mut angles, STEPS);
    told.iter().map(|array| angles[*array]).collect()
}

/// A place from which an array would rather see this picture.
fn nearer(seen: &Seen, lags: &Lags, what: What, place: Place, picture: &[f32]) -> Result<Place> {
    let detectors = lags.circle() / 2;
    let mut place = place;
    if what != What::Rotation {
        let shown = seen.shown(detectors, place, picture)?;
        let spectra = |data: &[f32]| lines::spectra(lags, &seen.degrees, data, detectors);
        let (own, shown) = (spectra(&seen.data), spectra(&shown));
        place.shift += lags.between(&lines::near(&own, &shown, 0.0)).0;
    }
    if what != What::Shift {
        let left = [-ASIDE, 0.0, ASIDE].map(|aside| -> Result<f64> {
            let shown = seen.shown(detectors, Place { turn: place.turn + aside, ..place }, picture)?;
            let pairs = seen.data.iter().zip(&shown).filter(|(number, _)| number.is_finite());
            Ok(pairs.map(|(number, shown)| f64::from(number - shown) * f64::from(number - shown)).sum())
        });
        let [before, middle, after] = left;
        let (before, middle, after) = (before?, middle?, after?);
        let bend = 0.5 * (before + after) - middle;
        let by_chance = middle / seen.data.len() as f64;
        // Of what looks alike from all sides, and of noise, nothing is told.
        if bend > TELLS * by_chance {
            place.turn += (0.25 * ASIDE * (before - after) / bend).clamp(-ASIDE, ASIDE);
        } else if (before - after).abs() > TELLS * by_chance {
            place.turn += ASIDE.copysign(before - after);
        }
    }
    Ok(place)
}

/// An array's whole, or the largest where it is alone.
fn whole_of(wholes: &[Whole], array: usize) -> &Whole {
    let own = wholes.iter().find(|whole| whole.arrays.contains(&array));
    own.filter(|whole| whole.arrays.len() > 1).unwrap_or(&wholes[0])
}

/// The others of that whole; at most [`OTHERS`].
fn others(wholes: &[Whole], array: usize) -> impl Iterator<Item = usize> {
    let whole = whole_of(wholes, array);
    let thin = whole.arrays.len().div_ceil(OTHERS);
    whole.arrays.iter().copied().filter(move |other| *other != array).step_by(thin)
}

#[cfg(test)]
mod tests;
