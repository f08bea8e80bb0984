//! Recognition beside a run: what the real-time thread takes of the differential after an onset, and what the keeper makes of it.
//!
//! ```text
//! realtime: feeler ═slots═> keeper: recogniser ─> marks, figures;  taught: a name for what was seen last
//!              ^══spare══════════┘
//! ```
//!
//! In a replay the engine waits where no spare slot is left, and none is missing; a paced run has four seconds of them. A slot is
//! looked at when the tick that ended it was reported: so the same run gives the same marks at the same places.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::instrument::Instrument;
use crate::error::{Error, Result};
use crate::readout::signature::known::{Evidence, Known, Part, Verdict, check_name};
use crate::readout::signature::{AGES, Gauge, ONSET, SLOTS};
use crate::signal::{ArrayId, Recognition, RecognitionFigures, SheetShape};
use crate::stream::ring::{Consumer, Producer, ring};
use crate::time::{TICKS_PER_SECOND, Tick};

/// Slots that may wait: four seconds of one onset after another.
const WAITING: usize = 320;

/// What was taken of a slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    onset: Tick,
    /// The tick that ended it.
    end: Tick,
    number: usize,
    numbers: Vec<f32>,
    /// Of the onset's change of colour, in degrees.
    hue: Option<f32>,
}

/// The real-time thread's part.
pub struct Feeler {
    array: usize,
    gauge: Gauge,
    filling: Option<Box<Slot>>,
    slots: Producer<Box<Slot>>,
    spare: Consumer<Box<Slot>>,
    /// How far pulses agreed at most, as the bits of a number.
    agreement: Arc<AtomicU32>,
}

/// The keeper's part.
pub struct Recogniser {
    known: Known,
    slots: Consumer<Box<Slot>>,
    spare: Producer<Box<Slot>>,
    agreement: Arc<AtomicU32>,
    evidence: Option<Evidence>,
    showing: Vec<f32>,
    first: Option<Vec<f32>>,
    last: Option<Vec<f32>>,
    figures: RecognitionFigures,
}

/// Both parts, for the array with this index and shape.
///
/// # Errors
/// Where the signatures are of another shape of sheet.
pub fn recognition(known: Known, (array, shape): (usize, SheetShape)) -> Result<(Feeler, Recogniser)> {
    known.fits(shape)?;
    let gauge = Gauge::new(shape);
    let empty = Slot { numbers: vec![0.0; gauge.grid().slot()], ..Slot::default() };
    let (slots_in, slots_out, _) = ring(WAITING);
    let (mut spare_in, spare_out, _) = ring(WAITING);
    for _ in 0..WAITING {
        spare_in.push(Box::new(empty.clone()));
    }
    let agreement = Arc::new(AtomicU32::new(0));
    let figures = RecognitionFigures { names: known.names().to_vec(), ..RecognitionFigures::default() };
    let feeler = Feeler {
        array,
        gauge,
        filling: None,
        slots: slots_in,
        spare: spare_out,
        agreement: Arc::clone(&agreement),
    };
    let recogniser = Recogniser {
        known,
        slots: slots_out,
        spare: spare_in,
        agreement,
        evidence: None,
        showing: Vec::new(),
        first: None,
        last: None,
        figures,
    };
    Ok((feeler, recogniser))
}

impl Feeler {
    /// Whether a tick may run: a slot that it may have to fill can be had, or nobody takes any more.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.filling.is_some() || self.spare.waiting() > 0 || !self.spare.is_written()
    }

    /// Takes its part of a tick that was played.
    #[cfg_attr(napot_rtsan, sanitize(realtime = "nonblocking"))]
    pub fn tick(&mut self, tick: Tick, instrument: &Instrument) {
        let Some(mut slot) = self.filling.take().or_else(|| self.spare.pop()) else { return };
        let bursts = instrument.bursts().iter().filter(|burst| burst.array == ArrayId(self.array as u8));
        let (field, twin) = (instrument.field(self.array), instrument.twin(self.array));
        let variances = instrument.band_variances();
        let held = |band: usize| Some((field?.band(band), twin.map(|twin| twin.band(band)), variances[band]));
        let before = self.gauge.onset();
        let ended = self.gauge.tick(tick, bursts, held, &mut slot.numbers);
        self.agreement.fetch_max(self.gauge.agreement().to_bits(), Ordering::Relaxed);
        let Some(number) = ended else {
            self.filling = Some(slot);
            return;
        };
        slot.onset = self.gauge.onset().or(before).unwrap_or(tick);
        (slot.end, slot.number, slot.hue) = (tick, number, self.gauge.hue());
        self.slots.push(slot);
    }
}

impl Recogniser {
    /// Looks at the slots that had ended by the tick that was reported last; what to mark, at its end.
    pub fn look(&mut self, played: Tick) -> Option<String> {
        let mut mark = None;
        while self.slots.peek().is_some_and(|slot| slot.end <= played) {
            let Some(slot) = self.slots.pop() else { break };
            mark = self.take(&slot).or(mark);
            self.spare.push(slot);
        }
        mark
    }

    fn take(&mut self, slot: &Slot) -> Option<String> {
        if slot.number == 0 {
            self.showing.clear();
            self.evidence = Some(Evidence::new(&self.known, Part::Whole));
        }
        self.showing.extend_from_slice(&slot.numbers);
        let evidence = self.evidence.as_mut()?;
        evidence.take(&self.known, &slot.numbers);
        let decided = evidence.decided();
        let verdict = evidence.verdict();
        if slot.number + 1 < SLOTS {
            return None;
        }
        // What was decided stands, but where that name turned out not to fit.
        let told = decided.map(|(_, verdict)| Verdict { misfit: evidence.misfit(verdict.best), ..verdict });
        let told = told.or(verdict);
        let foreign = told.is_none_or(|told| told.is_foreign());
        let seen = Recognition {
            seconds: slot.onset.0 as f64 / TICKS_PER_SECOND as f64,
            nearest: told.map(|told| self.known.names()[told.best].clone()),
            recognised: decided.is_some() && !foreign,
            foreign,
            confidence: told.map(|told| told.confidence),
            misfit: told.map(|told| told.misfit),
            after_ms: decided.map(|(after, _)| after),
            hue_degrees: slot.hue,
        };
        self.evidence = None;
        self.first.get_or_insert_with(|| self.showing.clone());
        self.last = Some(self.showing.clone());
        self.figures.onsets += 1;
        let name = seen.nearest.clone().filter(|_| seen.recognised);
        if let Some(name) = &name {
            self.figures.recognised += 1;
            *self.figures.times.entry(name.clone()).or_default() += 1;
        }
        self.figures.last = Some(seen);
        name.map(|name| format!("recognised: {name}"))
    }

    /// Gives what was seen last a name.
    ///
    /// # Errors
    /// Where the name can't be had, or nothing was seen: then the figure says how far the input was from it.
    pub fn teach(&mut self, name: &str) -> Result<()> {
        let last = self.last.clone();
        self.learn(name, last.as_deref())
    }

    /// Gives what was seen first a name.
    ///
    /// # Errors
    /// As of [`Self::teach`].
    pub fn teach_first(&mut self, name: &str) -> Result<()> {
        let first = self.first.clone();
        self.learn(name, first.as_deref())
    }

    fn learn(&mut self, name: &str, showing: Option<&[f32]>) -> Result<()> {
        check_name(name)?;
        let Some(showing) = showing else {
            let agreement = f32::from_bits(self.agreement.load(Ordering::Relaxed));
            let what = "this is silence: nothing that was seen stood out from the tonic baseline for 150 ms";
            let error = Error::call(format!("name {name:?}"), what);
            let value = format!("pulses of a place agreed by {agreement:.1} at most");
            let error =
                error.value(value).bound(format!("at least {ONSET}, and {} ms from then on", AGES[SLOTS]));
            return Err(error.help("Show something that appears: what stands still raises no bursts."));
        };
        self.known.teach(name, showing)?;
        self.figures.names = self.known.names().to_vec();
        // What is being looked at began with fewer names.
        if self.evidence.is_some() {
            let mut evidence = Evidence::new(&self.known, Part::Whole);
            for slot in self.showing.chunks_exact(self.known.grid().slot()) {
                evidence.take(&self.known, slot);
            }
            self.evidence = Some(evidence);
        }
        Ok(())
    }

    /// What is known.
    #[must_use]
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// What was found; with a sentence on what became of the last wish to teach.
    #[must_use]
    pub fn figures(&self) -> &RecognitionFigures {
        &self.figures
    }

    /// Says what became of a wish to teach.
    pub fn say(&mut self, told: String) {
        self.figures.told = told;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readout::signature::Grid;
    use crate::sense::retina::{Retina, RetinaParameters};
    use crate::signal::{Frame, Stamp};

    const SHAPE: SheetShape = SheetShape { height: 8, width: 8, bands: 2 };

    /// A whole showing, slot by slot, whose means point this way.
    fn show(feeler: &mut Feeler, onset: u64, angle: f32) {
        for number in 0..SLOTS {
            let mut slot = feeler.spare.pop().unwrap();
            (slot.onset, slot.end, slot.number) = (Tick(onset), Tick(onset + AGES[number + 1] - 1), number);
            slot.hue = Some(120.0);
            for mean in slot.numbers.chunks_exact_mut(6) {
                let [once, twice] = [angle, 2.0 * angle].map(|angle| [libm::cosf(angle), libm::sinf(angle)]);
                mean.copy_from_slice(&[once[0], once[1], twice[0], twice[1], 1.0, 1.01]);
            }
            feeler.slots.push(slot);
        }
    }

    #[test]
    fn what_was_seen_is_taught_and_recognised_and_what_was_not_is_refused() {
        let (mut feeler, mut recogniser) = recognition(Known::new(Grid::of(SHAPE)), (0, SHAPE)).unwrap();
        feeler.agreement.store(1.5f32.to_bits(), Ordering::Relaxed);
        let said = recogniser.teach("dark").unwrap_err().to_string();
        assert!(said.contains("silence") && said.contains("1.5") && said.contains("12"), "{said}");
        assert!(recogniser.teach("").unwrap_err().to_string().contains("empty"));
        show(&mut feeler, 100, 0.5);
        assert_eq!(recogniser.look(Tick(200)), None, "slots wait for their ticks");
        assert_eq!(recogniser.look(Tick(249)), None);
        assert_eq!(recogniser.figures().last.as_ref().unwrap().nearest, None);
        recogniser.teach("red").unwrap();
        assert!(recogniser.teach("red").unwrap_err().to_string().contains("known already"));
        show(&mut feeler, 400, 0.5);
        assert_eq!(recogniser.look(Tick(600)).as_deref(), Some("recognised: red"));
        let last = recogniser.figures().last.clone().unwrap();
        assert!(last.recognised && last.seconds == 0.4 && last.after_ms == Some(1), "{last:?}");
        assert_eq!(last.hue_degrees, Some(120.0));
        show(&mut feeler, 700, 2.5);
        assert_eq!(recogniser.look(Tick(900)), None);
        let figures = recogniser.figures();
        assert_eq!((figures.onsets, figures.recognised, figures.times["red"]), (3, 1, 1));
        assert!(!figures.last.as_ref().unwrap().recognised);
    }

    /// The hue of a flash of this colour on black, and whether it was an onset.
    fn flash(colour: [u8; 3]) -> (bool, Option<f32>) {
        let mut retina = Retina::new(&RetinaParameters::default(), 8, 8, ArrayId(0)).unwrap();
        let mut gauge = Gauge::new(SHAPE);
        let mut out = vec![0.0; gauge.grid().slot()];
        for (tick, colour) in [(0, [0; 3]), (40, colour)] {
            let stamp = Stamp::recorded(Tick(tick).start());
            let frame = Frame { stamp, sequence: tick / 40, width: 8, height: 8, rgb: colour.repeat(64) };
            let mut bursts = Vec::new();
            retina.encode(&frame, &mut |burst| bursts.push(burst));
            gauge.tick(Tick(tick), bursts.iter(), |_| None, &mut out);
        }
        (gauge.onset().is_some(), gauge.hue())
    }

    #[test]
    fn flashes_of_red_green_and_blue_have_their_hues_and_grey_has_none() {
        for (colour, expected) in [
            ([255, 0, 0], 0.0),
            ([255, 255, 0], 60.0),
            ([0, 255, 0], 120.0),
            ([0, 0, 255], 240.0),
            ([255, 0, 255], 300.0),
        ] {
            let (seen, hue) = flash(colour);
            let hue = hue.unwrap();
            assert!(seen && (hue - expected).abs() < 1.0, "{colour:?}: {hue}");
        }
        assert_eq!(flash([200; 3]), (true, None));
    }

    #[test]
    fn signatures_of_another_sheet_are_refused_with_both_shapes() {
        let other = SheetShape { width: 9, ..SHAPE };
        let refused = recognition(Known::new(Grid::of(other)), (0, SHAPE)).err().unwrap().to_string();
        assert!(refused.contains("8 x 9, 2 bands") && refused.contains("8 x 8, 2 bands"), "{refused}");
    }

    #[test]
    fn the_engine_waits_for_a_recogniser_that_is_behind_and_for_none_that_has_gone() {
        let (mut feeler, recogniser) = recognition(Known::new(Grid::of(SHAPE)), (0, SHAPE)).unwrap();
        while feeler.spare.pop().is_some() {}
        assert!(!feeler.has_room());
        drop(recogniser);
        assert!(feeler.has_room());
    }
}
