//! Whether what is heard belongs to what is seen, beside a run: what the real-time thread measures of both, and what the keeper finds in it.
//!
//! ```text
//! realtime: sampler ─a tick's report─> keeper: senses ─> figures
//! ```
//!
//! Nothing is handed over but numbers in the report of each tick, and pictures stand where their stamps say: so the same run gives the same
//! figures, and so does each of its replays.

use std::collections::VecDeque;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::instrument::{Instrument, TickSound};
use super::tick::Sensed;
use crate::readout::belonging::{
    BINS_PER_SECOND, Hearing, LEAD, LONG, Said, Scaled, Templates, WINDOW, asynchrony, lacking,
};
use crate::readout::binding::{
    BIN_TICKS, Coherence, MOST_LAG, PLACES, Places, Track, band_hz, coherence, place_of, stopped,
};
use crate::readout::trace::pooled_power;
use crate::signal::{
    ArrayId, Asynchrony, Belonging, Burst, SensesBand, SensesFigures, SensesLack, SheetShape,
};
use crate::time::{SAMPLES_PER_TICK, TICKS_PER_SECOND, Tick};

/// Bins from a window to the next: half a second; from a long one to the next, a second.
const STEP: u64 = BINS_PER_SECOND / 2;
const LONG_STEP: u64 = BINS_PER_SECOND;
/// Windows of ten seconds.
const LATELY: usize = (LONG / STEP) as usize;
/// Bins that are kept: a long window, and five seconds more for pictures that are waited for.
const KEPT: usize = (LONG + 5 * BINS_PER_SECOND) as usize;
/// Ticks after which a picture that has not come is not waited for.
const PATIENCE: u64 = 250;
/// Ticks within which bursts belong to one picture: what people strike has a time of its own.
const AT_ONCE: u64 = 5;
/// A picture without bursts lies where the next one is missing by half the time between two.
const MISSING: f32 = 1.5;
/// How much of a longer time between two pictures is believed at once.
const BELIEVED: f32 = 1.0 / 64.0;
/// Bins of the asynchrony's histogram to a millisecond, and its half width.
const PER_MS: f64 = 0.5;
const WIDEST_MS: f64 = MOST_LAG as f64 * BIN_TICKS as f64 * 1e3 / TICKS_PER_SECOND as f64;

/// Whether sound and picture belong together: whether it is looked at, and by what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SensesParameters {
    /// Whether it is looked at, in a run that both sees and hears. It never changes a run.
    pub enabled: bool,
    /// The file of templates that `napot learn senses` made; empty takes the one that comes with the program, learned from rooms.
    pub template: PathBuf,
}

impl Default for SensesParameters {
    fn default() -> Self {
        Self { enabled: true, template: PathBuf::new() }
    }
}

/// The real-time thread's part.
pub struct Sampler {
    vision: ArrayId,
    shape: (usize, usize),
    hearing: usize,
    width: usize,
    band: usize,
}

impl Sampler {
    /// For an instrument that both sees and hears; `None` for any other.
    #[must_use]
    pub fn of(instrument: &Instrument) -> Option<Self> {
        let (vision, hearing) = (instrument.array_named("vision")?, instrument.array_named("hearing")?);
        let shapes = instrument.shapes();
        let SheetShape { height, width, bands } = shapes[usize::from(vision.0)];
        let hearing = usize::from(hearing.0);
        Some(Self {
            vision,
            shape: (height, width),
            hearing,
            width: shapes[hearing].width,
            band: bands.checked_sub(1)?,
        })
    }

    /// Looks at a tick that was played: at what entered, and what it did.
    #[must_use]
    #[cfg_attr(napot_rtsan, sanitize(realtime = "nonblocking"))]
    pub fn tick(&self, heard: &TickSound, seen: &[Burst], instrument: &Instrument) -> Sensed {
        let mut picture: Option<(Tick, Places)> = None;
        let sites = self.shape.0 * self.shape.1;
        for burst in seen.iter().filter(|burst| burst.array == self.vision && (burst.site as usize) < sites) {
            let at = burst.time.tick_at_or_after();
            let (_, places) = picture.get_or_insert((at, [0.0; PLACES * PLACES]));
            places[place_of(burst.site, self.shape)] += burst.magnitude;
        }
        let mut differential = [0.0];
        let field = instrument.field(self.hearing).zip(instrument.twin(self.hearing));
        if let Some((field, twin)) = field {
            let (plane, twin) = (field.band(self.band), twin.band(self.band));
            let variance = instrument.band_variances()[self.band];
            pooled_power(plane, Some(twin), self.width, variance, (1, 1), &mut differential);
        }
        let square: f32 = heard.as_flattened().iter().map(|x| x * x).sum();
        let level = (square / (2 * SAMPLES_PER_TICK) as f32).sqrt();
        Sensed { picture, differential: differential[0], level }
    }
}

/// Numbers that came tick by tick, in bins.
#[derive(Default)]
struct Bins {
    sum: f32,
    ticks: usize,
    means: VecDeque<f32>,
    /// How many were forgotten.
    first: u64,
}

impl Bins {
    /// Takes a tick's; the mean of the bin that it ends.
    fn take(&mut self, x: f32) -> Option<f32> {
        self.sum += if x.is_finite() { x } else { 0.0 };
        self.ticks += 1;
        if self.ticks < BIN_TICKS {
            return None;
        }
        let mean = self.sum / BIN_TICKS as f32;
        (self.sum, self.ticks) = (0.0, 0);
        self.means.push_back(mean);
        Some(mean)
    }

    fn count(&self) -> u64 {
        self.first + self.means.len() as u64
    }

    fn forget(&mut self, but: usize) {
        while self.means.len() > but {
            self.means.pop_front();
            self.first += 1;
        }
    }

    /// Those before `end`.
    fn last(&self, end: u64, bins: u64) -> Vec<f32> {
        let from = (end - bins).saturating_sub(self.first) as usize;
        self.means.iter().skip(from).take(bins as usize).copied().collect()
    }
}

/// What stops, from pictures that come with their stamps, also those that raise no burst.
struct Sight {
    /// When the last picture was, and whether there was one.
    at: Option<u64>,
    before: Places,
    now: Places,
    /// Ticks between two pictures.
    between: Option<f32>,
    /// The tick up to which it is told.
    told: u64,
}

impl Sight {
    fn new(first: u64) -> Self {
        let still = [0.0; PLACES * PLACES];
        Self { at: None, before: still, now: still, between: None, told: first }
    }

    /// Takes a picture; `out` is given what stopped in each tick before it that was not told yet.
    fn see(&mut self, at: u64, places: &Places, out: &mut impl FnMut(f32)) {
        // One that comes too late stands as early as it still can.
        let at = at.max(self.told);
        if let Some(last) = self.at {
            if at < last + AT_ONCE {
                self.now.iter_mut().zip(places).for_each(|(now, more)| *now += more);
                return;
            }
            let gap = (at - last) as f32;
            let between = self.between.unwrap_or(gap);
            if gap > MISSING * between {
                self.go_dark(last, between, out);
            }
            self.between = Some((between + (gap - between).max(0.0) * BELIEVED).min(gap));
        }
        self.tell(at, out);
        (self.before, self.now, self.at) = (self.now, *places, Some(at));
    }

    /// Takes the picture without bursts after the last one, with which all that moved stops.
    fn go_dark(&mut self, last: u64, between: f32, out: &mut impl FnMut(f32)) {
        let between = (between as u64).max(1);
        self.tell(last + between, out);
        (self.before, self.now) = (self.now, [0.0; PLACES * PLACES]);
        self.tell(last + 2 * between, out);
        (self.before, self.at) = (self.now, Some(last + between));
    }

    /// Tells what need not be waited for any more in the tick `now`.
    fn wait(&mut self, now: u64, out: &mut impl FnMut(f32)) {
        let mut known = (now + 1).saturating_sub(PATIENCE);
        let between = self.between.unwrap_or(PATIENCE as f32 / 4.0);
        if let Some(last) = self.at.filter(|_| self.now.iter().any(|x| *x > 0.0)) {
            if known as f32 > last as f32 + MISSING * between {
                self.go_dark(last, between, out);
            } else {
                // What comes next stands here, if it has no bursts.
                known = known.min(last + between as u64);
            }
        }
        self.tell(known, out);
    }

    fn tell(&mut self, until: u64, out: &mut impl FnMut(f32)) {
        if self.told < until {
            let stops = stopped(&self.before, &self.now);
            (self.told..until).for_each(|_| out(stops));
            self.told = until;
        }
    }
}

/// Sums of what was found.
#[derive(Default)]
struct Sums {
    evidence: f64,
    belongs: u64,
    /// The evidence of the last windows; none where there was nothing to tell.
    lately: VecDeque<Option<f64>>,
    order: f64,
    /// How often each asynchrony was told surely, in steps of 2 ms from -400 ms.
    late: Vec<u64>,
    long: u64,
}

impl Sums {
    /// Takes a window's evidence; the mean of those of the last ten seconds that there are.
    fn lately(&mut self, evidence: Option<f64>) -> Option<f64> {
        self.lately.push_back(evidence);
        if self.lately.len() > LATELY {
            self.lately.pop_front();
        }
        let told = self.lately.iter().flatten();
        let count = told.clone().count();
        (count > 0).then(|| told.sum::<f64>() / count as f64)
    }
}

/// The keeper's part: by templates, or one that only gathers what was said.
pub struct Senses {
    templates: Option<Templates>,
    hearing: Hearing,
    sight: Option<Sight>,
    stops: Bins,
    differential: Bins,
    level: Bins,
    tracks: [Track; 2],
    first: Tick,
    next: u64,
    next_long: u64,
    sums: Sums,
    figures: SensesFigures,
}

impl Senses {
    /// One that tells by templates, or gathers what was said for [`Self::into_said`].
    #[must_use]
    pub fn new(templates: Option<Templates>) -> Self {
        // What is seen may be told later than what is heard by as much as is waited for.
        let room = LONG + 2 * MOST_LAG as u64 + 2 * PATIENCE / BIN_TICKS as u64;
        Self {
            templates,
            hearing: Hearing::Level,
            sight: None,
            stops: Bins::default(),
            differential: Bins::default(),
            level: Bins::default(),
            tracks: [Track::new(room as usize), Track::new(room as usize)],
            first: Tick(0),
            next: LEAD + WINDOW,
            next_long: LEAD + LONG,
            sums: Sums::default(),
            figures: SensesFigures::default(),
        }
    }

    /// The real-time thread's part for an instrument, to which it fits itself; `None` where that does not both see and hear.
    pub(super) fn meet(&mut self, instrument: &Instrument) -> Option<Sampler> {
        let sampler = Sampler::of(instrument)?;
        if instrument.twin(sampler.hearing).is_some() {
            self.hearing = Hearing::Differential;
        }
        Some(sampler)
    }

    /// Takes what was measured in a tick, each after the one before.
    pub fn take(&mut self, tick: Tick, sensed: &Sensed) {
        if self.sight.is_none() {
            self.first = tick;
        }
        let sight = self.sight.get_or_insert_with(|| Sight::new(tick.0));
        let (stops, [track, _]) = (&mut self.stops, &mut self.tracks);
        let mut see = |x: f32| {
            if let Some(bin) = stops.take(x) {
                track.take_bin(bin);
            }
        };
        if let Some((at, places)) = &sensed.picture {
            sight.see(at.0.min(tick.0), places, &mut see);
        }
        sight.wait(tick.0, &mut see);
        let [differential, level] =
            [self.differential.take(sensed.differential), self.level.take(sensed.level)];
        let heard = if self.hearing == Hearing::Level { level } else { differential };
        if let Some(bin) = heard {
            self.tracks[1].take_bin(bin);
        }
        if let Some(templates) = self.templates.take() {
            self.look(templates.of(self.hearing));
            self.templates = Some(templates);
            for bins in [&mut self.stops, &mut self.differential, &mut self.level] {
                bins.forget(KEPT);
            }
        }
    }

    /// Looks at the windows that are whole.
    fn look(&mut self, scaled: &Scaled) {
        let seen = self.stops.count().min(self.level.count());
        while self.next <= seen {
            let end = self.next;
            self.next += STEP;
            self.look_at(scaled, end);
        }
        while self.next_long + MOST_LAG as u64 <= self.level.count() && self.next_long <= seen {
            let end = self.next_long;
            self.next_long += LONG_STEP;
            self.look_back(scaled, end);
        }
    }

    fn lack(&self, end: u64, bins: u64) -> Option<SensesLack> {
        lacking(&self.stops.last(end, bins), &self.level.last(end, bins))
    }

    /// Seconds of model time at the end of a bin.
    fn seconds(&self, end: u64) -> f64 {
        (self.first.0 + end * BIN_TICKS as u64) as f64 / TICKS_PER_SECOND as f64
    }

    /// Whether what was heard in a window belongs to what was seen in it.
    fn look_at(&mut self, scaled: &Scaled, end: u64) {
        let [seen, heard] = &self.tracks;
        let lack = self.lack(end, WINDOW);
        let found = coherence(seen, end, heard, end, WINDOW).filter(|_| lack.is_none());
        self.figures.lack = lack;
        let evidence = found.as_ref().map(|found| scaled.template.evidence(found));
        self.figures.lately = self.sums.lately(evidence.map(|evidence| scaled.belonging.evidence(evidence)));
        let Some((found, evidence)) = found.zip(evidence) else {
            self.figures.untold += 1;
            self.figures.now = None;
            return;
        };
        let now = Belonging {
            seconds: self.seconds(end),
            evidence: scaled.belonging.evidence(evidence),
            confidence: scaled.belonging.confidence(evidence),
            order: scaled.template.order(&found),
            bands: bands(&found, scaled.template.own()),
        };
        let (figures, sums) = (&mut self.figures, &mut self.sums);
        figures.told += 1;
        sums.evidence += now.evidence;
        sums.belongs += u64::from(now.evidence > 0.0);
        sums.order += f64::from(now.order);
        let count = figures.told as f64;
        figures.mean_evidence = Some(sums.evidence / count);
        figures.belongs = Some(sums.belongs as f64 / count);
        figures.mean_order = Some(sums.order / count);
        figures.now = Some(now);
    }

    /// By how much what was heard in a long window was late.
    fn look_back(&mut self, scaled: &Scaled, end: u64) {
        self.figures.asynchrony = None;
        if self.lack(end, LONG).is_some() {
            return;
        }
        let Some((late_ms, peak)) = asynchrony(&scaled.template, &self.tracks, end) else { return };
        let confidence = scaled.asynchrony.confidence(peak);
        self.figures.asynchrony = Some(Asynchrony { seconds: self.seconds(end), late_ms, confidence });
        let sums = &mut self.sums;
        sums.long += 1;
        if confidence >= 0.5 {
            sums.late.resize((2.0 * WIDEST_MS * PER_MS) as usize + 1, 0);
            let step = ((late_ms + WIDEST_MS) * PER_MS).round().max(0.0) as usize;
            let last = sums.late.len() - 1;
            sums.late[step.min(last)] += 1;
            let sure: u64 = sums.late.iter().sum();
            let mut left = sure.div_ceil(2);
            let middle = sums.late.iter().position(|count| {
                left = left.saturating_sub(*count);
                left == 0
            });
            self.figures.median_late_ms = middle.map(|step| step as f64 / PER_MS - WIDEST_MS);
            self.figures.sure[0] = sure;
        }
        self.figures.sure[1] = sums.long;
    }

    /// What was found.
    #[must_use]
    pub fn figures(&self) -> &SensesFigures {
        &self.figures
    }

    /// What was said, of one that gathers.
    #[must_use]
    pub fn into_said(mut self) -> Said {
        // The last picture stands to the end.
        let missing = self.level.count() - self.stops.count();
        let last = self.sight.as_ref().map_or(0.0, |sight| stopped(&sight.before, &sight.now));
        for _ in 0..missing * BIN_TICKS as u64 {
            self.stops.take(last);
        }
        let [stops, differential, level] =
            [self.stops, self.differential, self.level].map(|bins| bins.means.into());
        Said { stops, differential, level }
    }
}

/// Sizes of coherence, and phases against those of what belongs together.
fn bands(found: &Coherence, own: &Coherence) -> Vec<SensesBand> {
    let band = |(band, ([a, b], [c, d])): (usize, (&[f32; 2], &[f32; 2]))| SensesBand {
        hz: band_hz(band),
        coherence: (a * a + b * b).sqrt(),
        phase_degrees: libm::atan2f(b * c - a * d, a * c + b * d).to_degrees(),
    };
    found.iter().zip(own).enumerate().map(band).collect()
}

#[cfg(test)]
#[path = "senses_tests.rs"]
mod tests;
