//! Signatures: the pattern, by band, place and time, in which a driven sheet departs from its tonic baseline when something
//! comes in; [`known`] names and recognises them, [`store`] keeps them.
//!
//! ```text
//! bursts of a tick ─> by place: R = |Σ pulse|² / Σ |pulse|²  >= ONSET in some place: an onset
//! d = (driven - twin) / sqrt(E_b), from the onset on, slot by slot, band by band, place by place:
//!   means over sites of  d,  d²/|d|,  |d|,  |d|²          -> six numbers
//! ```
//!
//! `d` is held in the frame that turns with its band, so its phase is measured against the tonic carrier: the struck band holds the
//! phase of its pulses, a burst of colour its hue. The cascade amplifies in the next band the one quadrature whose doubled phase
//! is the phase above, either sign alike; that is why a mean of `d` is not enough there and `d²/|d|` stands beside it. `|d|²`
//! says how far the sites of a place scatter, and with that how much its means are worth.
//!
//! `R` is 1 on average where phases are random, however strong the bursts, and the number of sites where they agree: noise of a camera opens
//! nothing. Source of the test: Rayleigh's, as in Mardia and Jupp, Directional Statistics, 2000, section 6.3.

pub mod known;
pub mod store;

use crate::kernel::meters::Plane;
use crate::kernel::phase_moments::{MOMENTS, phase_moments};
use crate::signal::{Burst, SheetShape};
use crate::time::Tick;

/// The most rows and columns of places.
pub const PLACES: usize = 4;
/// Slots of a signature.
pub const SLOTS: usize = 12;
/// Ticks from the onset to the beginning of each slot, and to the end of the last: 150 ms. In a slot one band is looked at a tick,
/// the fastest first, as many as there is time for: so no tick does much, and the slow ones are left out while nothing has come
/// down to them.
pub const AGES: [u64; SLOTS + 1] = [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 134, 150];
/// How far the pulses of a place must agree, in units of what random phases give, to be an onset.
pub const ONSET: f32 = 12.0;
/// Numbers of a band and a place in a slot.
pub const NUMBERS: usize = MOMENTS;

/// Where the numbers of a signature come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// The sheet.
    pub shape: SheetShape,
    /// Rows and columns of places: [`PLACES`], or fewer where a place would not have as many sites along a side.
    pub places: (usize, usize),
}

impl Grid {
    /// The places of a sheet.
    #[must_use]
    pub fn of(shape: SheetShape) -> Self {
        let along = |sites: usize| (sites / PLACES).clamp(1, PLACES);
        Self { shape, places: (along(shape.height), along(shape.width)) }
    }

    /// How many places there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.places.0 * self.places.1
    }

    /// Numbers of a slot.
    #[must_use]
    pub fn slot(&self) -> usize {
        self.shape.bands * self.count() * NUMBERS
    }

    /// Rows and columns of a place: the first, and the one after the last.
    fn extent(&self, place: usize) -> [(usize, usize); 2] {
        let edges = |at: usize, length: usize, count: usize| (at * length / count, (at + 1) * length / count);
        let (rows, columns) = self.places;
        [edges(place / columns, self.shape.height, rows), edges(place % columns, self.shape.width, columns)]
    }

    /// Sites of a place.
    #[must_use]
    pub fn sites(&self, place: usize) -> usize {
        self.extent(place).iter().map(|(from, to)| to - from).product()
    }
}

/// What a band is held against: the driven plane, the twin's where one runs, the tonic variance.
pub type Held<'a> = (Plane<'a>, Option<Plane<'a>>, f32);

/// Waits for an onset and takes the slots after it (real-time: nothing is allocated after it was made).
#[derive(Clone, Debug)]
pub struct Gauge {
    grid: Grid,
    place_of_site: Vec<u8>,
    /// Of every place, without colour and of colour: the pulses' sum, real and imaginary part, and the sum of their squares.
    pulses: Vec<[f32; 3]>,
    onset: Option<Tick>,
    agreement: f32,
    hue: Option<f32>,
}

impl Gauge {
    /// A gauge of a sheet.
    #[must_use]
    pub fn new(shape: SheetShape) -> Self {
        let grid = Grid::of(shape);
        let mut place_of_site = vec![0; shape.sites()];
        for place in 0..grid.count() {
            let [(top, bottom), (left, right)] = grid.extent(place);
            for row in top..bottom {
                place_of_site[row * shape.width + left..row * shape.width + right].fill(place as u8);
            }
        }
        let pulses = vec![[0.0; 3]; 2 * grid.count()];
        Self { grid, place_of_site, pulses, onset: None, agreement: 0.0, hue: None }
    }

    /// Its places.
    #[must_use]
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The onset whose slots are being taken.
    #[must_use]
    pub fn onset(&self) -> Option<Tick> {
        self.onset
    }

    /// The hue of the change of colour at the last onset, in degrees from 0 to below 360: red 0, green 120, blue 240, as the angle of
    /// complex chroma. What goes has the opposite hue. `None` where light alone changed, or colours that do not agree.
    #[must_use]
    pub fn hue(&self) -> Option<f32> {
        self.hue
    }

    /// How far the pulses of a place agreed at most, since this was asked last.
    pub fn agreement(&mut self) -> f32 {
        std::mem::take(&mut self.agreement)
    }

    /// Takes its part of a tick that was played, with the array's own bursts of it; `out` holds [`Grid::slot`] numbers. The slot that
    /// this tick completes.
    pub fn tick<'a, 'b>(
        &mut self,
        tick: Tick,
        bursts: impl Iterator<Item = &'b Burst>,
        band: impl Fn(usize) -> Option<Held<'a>>,
        out: &mut [f32],
    ) -> Option<usize> {
        self.hear(tick, bursts);
        let age = tick.0 - self.onset?.0;
        let slot = AGES[1..].iter().position(|end| age < *end)?;
        let (bands, each) = (self.grid.shape.bands, self.grid.count() * NUMBERS);
        let below = (age - AGES[slot]) as usize;
        if below == 0 {
            out.fill(0.0);
        }
        if let Some(at) = (bands - 1).checked_sub(below)
            && let Some(held) = band(at)
        {
            self.take(held, &mut out[at * each..][..each]);
        }
        let done = age + 1 == AGES[slot + 1];
        if done && slot + 1 == SLOTS {
            self.onset = None;
        }
        done.then_some(slot)
    }

    /// Whether the pulses of this tick agree, those of colour and all others each for themselves: they may cancel in the sum.
    fn hear<'b>(&mut self, tick: Tick, bursts: impl Iterator<Item = &'b Burst>) {
        self.pulses.fill([0.0; 3]);
        for burst in bursts {
            let Some(place) = self.place_of_site.get(burst.site as usize) else { continue };
            if !(burst.magnitude.is_finite() && burst.phase.is_finite()) {
                continue;
            }
            let size = burst.sign.factor() * burst.magnitude;
            let coloured = burst.phase != 0.0;
            let (sin, cos) = if coloured { libm::sincosf(burst.phase) } else { (0.0, 1.0) };
            let [re, im, power] = &mut self.pulses[2 * usize::from(*place) + usize::from(coloured)];
            *re += size * cos;
            *im += size * sin;
            *power += size * size;
        }
        let most = self.pulses.iter().map(agreement).fold(0.0, f32::max);
        self.agreement = self.agreement.max(most);
        if self.onset.is_none() && most >= ONSET {
            self.onset = Some(tick);
            self.hue = self.hue_of_pulses();
        }
    }

    /// The hue of this tick's pulses of colour, all places together, where they agree as an onset's do.
    fn hue_of_pulses(&self) -> Option<f32> {
        let coloured = self.pulses.iter().skip(1).step_by(2);
        let sum = coloured.fold([0.0; 3], |sum, part| [0, 1, 2].map(|at| sum[at] + part[at]));
        let hue = libm::atan2f(sum[1], sum[0]).to_degrees().rem_euclid(360.0);
        // A tiny negative angle rounds up to a whole turn.
        (agreement(&sum) >= ONSET).then_some(if hue < 360.0 { hue } else { 0.0 })
    }

    /// The numbers of a band, place by place.
    fn take(&self, (plane, twin, variance): Held<'_>, out: &mut [f32]) {
        let width = self.grid.shape.width;
        let scale = 1.0 / variance.sqrt();
        for (place, out) in out.chunks_exact_mut(NUMBERS).take(self.grid.count()).enumerate() {
            let [(top, bottom), (left, right)] = self.grid.extent(place);
            out.fill(0.0);
            for row in top..bottom {
                let stretch = within(row * width + left..row * width + right);
                let sums = phase_moments(stretch(plane), twin.map(&stretch));
                out.iter_mut().zip(sums).for_each(|(out, sum)| *out += sum);
            }
            let per = 1.0 / ((bottom - top) * (right - left)) as f32;
            out[..5].iter_mut().for_each(|x| *x *= per * scale);
            out[5] *= per * scale * scale;
        }
    }
}

/// How far pulses agree whose sum, real and imaginary part, and sum of squares these are: 1 on average where phases are random.
fn agreement([re, im, power]: &[f32; 3]) -> f32 {
    if *power > 0.0 { (re * re + im * im) / power } else { 0.0 }
}

/// The part of a plane between two sites.
fn within<'a>(sites: std::ops::Range<usize>) -> impl Fn(Plane<'a>) -> Plane<'a> {
    move |(re, im)| (&re[sites.clone()], &im[sites.clone()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::signal::{ArrayId, Sign};

    const SHAPE: SheetShape = SheetShape { height: 16, width: 20, bands: 3 };

    fn burst(site: usize, phase: f32) -> Burst {
        Burst {
            time: Tick(0).start(),
            array: ArrayId(0),
            site: site as u32,
            sign: Sign::On,
            phase,
            magnitude: 2.0,
            surprisal_bits: 1.0,
        }
    }

    /// The slots that a gauge takes of `ticks` ticks, with these bursts in the tenth.
    fn taken(gauge: &mut Gauge, ticks: u64, bursts: &[Burst]) -> Vec<(u64, usize, Vec<f32>)> {
        let (ones, zeros) = (vec![3.0; SHAPE.sites()], vec![0.0; SHAPE.sites()]);
        let mut out = vec![9.0; gauge.grid().slot()];
        let mut slots = Vec::new();
        for tick in 0..ticks {
            let now: &[Burst] = if tick == 10 { bursts } else { &[] };
            // A band shows its number beyond its twin.
            let held = |_: usize| Some(((&ones[..], &zeros[..]), Some((&zeros[..], &zeros[..])), 9.0));
            if let Some(slot) = gauge.tick(Tick(tick), now.iter(), held, &mut out) {
                slots.push((tick, slot, out.clone()));
            }
        }
        slots
    }

    #[test]
    fn pulses_that_agree_open_the_slots_in_their_order_and_in_time() {
        let mut gauge = Gauge::new(SHAPE);
        let all: Vec<Burst> = (0..SHAPE.sites()).map(|site| burst(site, 1.0)).collect();
        let slots = taken(&mut gauge, 300, &all);
        assert_eq!(slots.len(), SLOTS);
        for (number, (tick, slot, numbers)) in slots.iter().enumerate() {
            assert_eq!((*slot, *tick), (number, 10 + AGES[number + 1] - 1));
            // Fastest first, one a tick, as many as there is time for.
            let looked = (AGES[number + 1] - AGES[number]).min(3) as usize;
            let each = numbers.len() / 3;
            for (band, of_band) in numbers.chunks_exact(each).enumerate() {
                let expected = if band + looked >= 3 { [1.0, 0.0, 1.0, 0.0, 1.0, 1.0] } else { [0.0; 6] };
                let near = |x: &[f32]| x.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5);
                assert!(of_band.chunks_exact(NUMBERS).all(near), "slot {number}, band {band}");
            }
        }
        assert!(gauge.onset().is_none() && gauge.agreement() > ONSET);
        let hue = gauge.hue().unwrap();
        assert!((hue - 57.296).abs() < 0.01, "the phase of all pulses is 1: {hue}");
    }

    #[test]
    fn noise_opens_nothing_and_colour_is_not_cancelled_by_light() {
        let mut gauge = Gauge::new(SHAPE);
        let mut draws = Stream::new(1, 0);
        let noise: Vec<Burst> = (0..SHAPE.sites())
            .map(|site| burst(site, draws.between(0.0, f64::from(core::f32::consts::TAU)) as f32))
            .collect();
        assert!(taken(&mut gauge, 300, &noise).is_empty());
        let agreed = gauge.agreement();
        assert!(agreed > 0.0 && agreed < ONSET, "{agreed}");
        let dark = |site: usize| Burst { sign: Sign::Off, ..burst(site, 0.0) };
        let red: Vec<Burst> = (0..SHAPE.sites()).flat_map(|site| [dark(site), burst(site, 1e-3)]).collect();
        assert_eq!(taken(&mut gauge, 300, &red).len(), SLOTS);
        assert!(gauge.hue().unwrap() < 0.1, "light that goes is no colour: {:?}", gauge.hue());
        let light: Vec<Burst> = (0..SHAPE.sites()).map(dark).collect();
        assert_eq!((taken(&mut gauge, 300, &light).len(), gauge.hue()), (SLOTS, None));
        let all_hues = |site: usize| [dark(site), burst(site, 0.1 + 6.0 * (site / 4 % 5) as f32 / 5.0)];
        let many: Vec<Burst> = (0..SHAPE.sites()).flat_map(all_hues).collect();
        assert_eq!((taken(&mut gauge, 300, &many).len(), gauge.hue()), (SLOTS, None), "no hue of them all");
        let broken: Vec<Burst> =
            (0..SHAPE.sites()).map(|site| burst(site + SHAPE.sites(), f32::NAN)).collect();
        assert!(taken(&mut gauge, 300, &broken).is_empty(), "what is beyond the sheet is passed over");
    }

    #[test]
    fn every_site_lies_in_one_place() {
        for (height, width) in [(16, 20), (5, 3), (1, 1), (128, 128), (37, 100)] {
            let grid = Grid::of(SheetShape { height, width, bands: 1 });
            let sites: usize = (0..grid.count()).map(|place| grid.sites(place)).sum();
            assert_eq!(sites, height * width);
        }
    }
}
