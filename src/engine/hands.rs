//! People's hands on a run: what they change, strike and slow, on its way to the real-time thread.
//!
//! ```text
//! page ──> Hands (keeper) ──tunings, pokes──> Touched (real-time thread, between two ticks)
//!             ^ told what was applied, and when         │
//!             └────────── changes <──────────── tick report
//! ```
//! In a replay the tunings come from the session, and nobody's hands do.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::binding::{Hold, Holds};
use super::instrument::{Instrument, MOST_BURSTS};
use super::realtime::FIELD_EVERY;
use super::tempo::Tempo;
use super::tuning::{Change, Tunable, Tuner, Tuning, live_parameters, live_states};
use crate::error::{Error, Result};
use crate::signal::{self, ArrayId, Burst, Control, InHand, Poke, SheetShape, Sign};
use crate::stream::ring::{Consumer, Producer, ring};
use crate::time::{Tick, Timestamp};

/// Tunings that may wait: while time stands still they do.
const MOST_TUNINGS: usize = 64;
/// Struck sites that may wait.
const MOST_STRUCK: usize = 8_192;
/// The largest radius of a poke in sites.
const MOST_RADIUS: u8 = 16;
/// The greatest magnitude of a poke in thresholds.
const MOST_MAGNITUDE: f32 = 32.0;

/// The real-time thread's end.
pub(super) struct Touched {
    tunings: Consumer<(Tick, Box<Tuning>)>,
    spent: Producer<Box<Tuning>>,
    pokes: Consumer<Burst>,
}

impl Touched {
    /// Whether all that waits could be taken in one tick.
    pub(super) fn has_room(&self) -> bool {
        self.spent.vacant() >= self.tunings.waiting()
    }

    /// Takes the tunings for this tick; says how many.
    pub(super) fn retune(&mut self, tick: Tick, instrument: &mut Instrument) -> u32 {
        let mut count = 0;
        while self.tunings.peek().is_some_and(|(at, _)| *at <= tick) && self.spent.vacant() > 0 {
            let Some((_, mut tuning)) = self.tunings.pop() else { break };
            instrument.retune(&mut tuning);
            // It is freed where it was made.
            self.spent.push(tuning);
            count += 1;
        }
        count
    }

    /// Adds the sites that were struck to the bursts of this tick.
    pub(super) fn strike(&mut self, tick: Tick, seen: &mut Vec<Burst>) {
        while seen.len() < MOST_BURSTS {
            let Some(burst) = self.pokes.pop() else { break };
            seen.push(Burst { time: tick.start(), ..burst });
        }
    }
}

/// The end that gives tunings.
pub(super) struct Tunings {
    tuner: Tuner,
    ring: Producer<(Tick, Box<Tuning>)>,
    spent: Consumer<Box<Tuning>>,
    changes: Sender<Change>,
    /// What was set last while time stood still: a change is told whole, so the newest is all of them.
    waiting: Option<(Tuning, Change)>,
    /// To those that bind, where any do.
    holds: Option<Holds>,
}

impl Tunings {
    /// Whether another one may be given; frees those that were taken.
    pub(super) fn has_room(&mut self) -> bool {
        while self.spent.pop().is_some() {}
        // As many places on the way back as on the way there: what is taken finds room.
        self.ring.vacant() > 0
    }

    /// Gives a change as a session keeps it, for the tick at which it was made.
    ///
    /// # Errors
    /// Where it can't be read or is out of bounds.
    pub(super) fn give(&mut self, at: Tick, text: &str) -> Result<()> {
        let made = self.tuner.take(text)?;
        self.send(at, made);
        Ok(())
    }

    /// Has an array hold, or see again.
    ///
    /// # Errors
    /// Where there is none of this number.
    pub(super) fn hold(&self, hold: Hold) -> Result<()> {
        let none = || Error::configuration("a hold", "no array binds in this run");
        self.holds.as_ref().ok_or_else(none)?.give(hold)
    }

    fn set(&mut self, values: &[(String, f64)], held: bool) -> Result<()> {
        if held {
            self.waiting = Some(self.tuner.set(values)?);
            return Ok(());
        }
        if !self.has_room() {
            let error = Error::configuration("a change", "too many changes wait");
            return Err(error.value(MOST_TUNINGS).help("Let time go on."));
        }
        let made = self.tuner.set(values)?;
        self.waiting = None;
        self.send(Tick(0), made);
        Ok(())
    }

    /// Sends what waited for time to go on.
    fn go_on(&mut self) {
        if self.has_room()
            && let Some(made) = self.waiting.take()
        {
            self.send(Tick(0), made);
        }
    }

    fn send(&mut self, at: Tick, (tuning, change): (Tuning, Change)) {
        // The receiver outlives the run's threads.
        let _ = self.changes.send(change);
        self.ring.push((at, Box::new(tuning)));
    }
}

/// The keeper's end.
pub(super) struct Hands {
    may: signal::Hands,
    shapes: Vec<SheetShape>,
    tempo: Arc<Tempo>,
    tunings: Option<Tunings>,
    pokes: Producer<Burst>,
    changes: Receiver<Change>,
    values: Vec<f64>,
    refused: String,
}

/// The ends of a run's hands; the giver of tunings is apart where a session is played again.
pub(super) fn hands(
    parameters: &Tunable,
    shapes: &[SheetShape],
    tempo: &Arc<Tempo>,
    [may_slow, is_replay]: [bool; 2],
    holds: Option<Holds>,
) -> (Hands, Option<Tunings>, Touched) {
    let (tunings_in, tunings, _) = ring(MOST_TUNINGS);
    let (spent, spent_out, _) = ring(MOST_TUNINGS);
    let (pokes_in, pokes, _) = ring(MOST_STRUCK);
    let (changes, changes_out) = unbounded();
    let tuner = Tuner::new(parameters, shapes.to_vec());
    let values = tuner.values();
    let may_hold = holds.is_some() && !is_replay;
    let tunings_in = Tunings { tuner, ring: tunings_in, spent: spent_out, changes, waiting: None, holds };
    let may = signal::Hands {
        parameters: if is_replay { Vec::new() } else { live_parameters(parameters) },
        states: if is_replay { Vec::new() } else { live_states() },
        pokes: !is_replay,
        tempo: may_slow,
        holds: may_hold,
    };
    let (own, apart) = if is_replay { (None, Some(tunings_in)) } else { (Some(tunings_in), None) };
    let hands = Hands {
        may,
        shapes: shapes.to_vec(),
        tempo: Arc::clone(tempo),
        tunings: own,
        pokes: pokes_in,
        changes: changes_out,
        values,
        refused: String::new(),
    };
    (hands, apart, Touched { tunings, spent, pokes })
}

impl Hands {
    /// What people may do.
    pub(super) fn may(&self) -> &signal::Hands {
        &self.may
    }

    /// What stands at present, or will when time goes on. Of the speaker its devices tell.
    pub(super) fn in_hand(&self) -> InHand {
        let values = || self.tunings.as_ref().map_or_else(|| self.values.clone(), |own| own.tuner.values());
        InHand {
            values: if self.may.parameters.is_empty() { Vec::new() } else { values() },
            speed: self.tempo.speed(),
            paused: self.tempo.is_held(),
            muted: None,
            refused: self.refused.clone(),
        }
    }

    /// Does what a page asks, where it is one of these; `next` is the tick that comes next.
    pub(super) fn take(&mut self, control: &Control, next: Tick) {
        let done = match control {
            Control::Set(values) => self.set(values),
            Control::Poke(poke) => self.poke(*poke),
            Control::Speed(thousandths) => self.slow(|tempo| tempo.set_speed(*thousandths)),
            Control::Pause(true) => self.slow(|tempo| tempo.hold_at(Tick(0))),
            Control::Pause(false) => self.slow(Tempo::go_on),
            Control::Step => self.slow(|tempo| tempo.hold_at(Tick(next.0 + FIELD_EVERY))),
            _ => return,
        };
        self.refused = done.err().map_or_else(String::new, |error| error.to_string());
    }

    /// Has an array hold, or see again, from the tick that comes next on; what a session is to keep of it.
    pub(super) fn hold(&mut self, array: u8, held: bool, next: Tick) -> Option<String> {
        let hold = Hold { tick: next, array, held };
        let replayed =
            || Error::configuration("a hold", "in a session that is played again no array can be held");
        let done = self.tunings.as_ref().ok_or_else(replayed).and_then(|tunings| tunings.hold(hold));
        self.refused = done.as_ref().err().map_or_else(String::new, ToString::to_string);
        done.is_ok().then(|| hold.text())
    }

    fn set(&mut self, values: &[(String, f64)]) -> Result<()> {
        let Some(tunings) = &mut self.tunings else {
            return Err(Error::configuration("a change", "a session that is played again is not changed"));
        };
        tunings.set(values, self.tempo.is_held())
    }

    fn slow(&mut self, how: impl FnOnce(&Tempo)) -> Result<()> {
        if !self.may.tempo {
            return Err(Error::configuration("speed", "this run's time is not ours to slow")
                .bound("a paced run without devices or `--receive`"));
        }
        // Before time goes on, so that the first tick has it.
        if let Some(tunings) = &mut self.tunings {
            tunings.go_on();
        }
        how(&self.tempo);
        Ok(())
    }

    fn poke(&mut self, poke: Poke) -> Result<()> {
        if !self.may.pokes {
            return Err(Error::configuration("a poke", "a session that is played again is not struck"));
        }
        let bursts = struck(&self.shapes, poke)?;
        if self.pokes.vacant() < bursts.len() {
            return Err(Error::configuration("a poke", "too many sites wait to be struck").value(MOST_STRUCK));
        }
        for burst in bursts {
            self.pokes.push(burst);
        }
        Ok(())
    }

    /// The changes that a tick applied.
    pub(super) fn applied(&mut self, count: u32) -> Vec<Change> {
        let changes: Vec<Change> = self.changes.try_iter().take(count as usize).collect();
        if let Some(last) = changes.last() {
            self.values.clone_from(&last.values);
        }
        changes
    }
}

/// The bursts of a poke: strongest in the middle, which also has the surprise of its place, one of all sites.
fn struck(shapes: &[SheetShape], poke: Poke) -> Result<Vec<Burst>> {
    let wrong = |what: &str, value: String, bound: String| {
        Err(Error::configuration(format!("poke.{what}"), "the value is out of bounds")
            .value(value)
            .bound(bound))
    };
    let Some(shape) = shapes.get(usize::from(poke.array)) else {
        return wrong("array", poke.array.to_string(), format!("below {}", shapes.len()));
    };
    let (row, column) = (usize::from(poke.row), usize::from(poke.column));
    if row >= shape.height || column >= shape.width {
        let bound = format!("rows below {}, columns below {}", shape.height, shape.width);
        return wrong("row, column", format!("{row}, {column}"), bound);
    }
    if poke.radius > MOST_RADIUS {
        return wrong("radius", poke.radius.to_string(), format!("0 to {MOST_RADIUS}"));
    }
    if !(poke.magnitude > 0.0 && poke.magnitude <= MOST_MAGNITUDE) {
        return wrong("magnitude", poke.magnitude.to_string(), format!("above 0, at most {MOST_MAGNITUDE}"));
    }
    let reach = usize::from(poke.radius);
    let edge = ((reach + 1) * (reach + 1)) as f32;
    let mut bursts = Vec::new();
    for y in row.saturating_sub(reach)..=(row + reach).min(shape.height - 1) {
        for x in column.saturating_sub(reach)..=(column + reach).min(shape.width - 1) {
            let (dy, dx) = (y.abs_diff(row), x.abs_diff(column));
            let share = 1.0 - (dy * dy + dx * dx) as f32 / edge;
            if dy * dy + dx * dx > reach * reach {
                continue;
            }
            let middle = dy == 0 && dx == 0;
            bursts.push(Burst {
                time: Timestamp::ZERO,
                array: ArrayId(poke.array),
                site: (y * shape.width + x) as u32,
                sign: Sign::On,
                phase: 0.0,
                magnitude: poke.magnitude * share,
                surprisal_bits: if middle { libm::log2f(shape.sites() as f32) } else { 0.0 },
            });
        }
    }
    Ok(bursts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Pace;

    const SHAPE: SheetShape = SheetShape { height: 8, width: 8, bands: 8 };

    fn made(is_replay: bool, may_slow: bool) -> (Hands, Option<Tunings>, Touched) {
        let tempo = Arc::new(Tempo::new(Pace::Real { thousandths: 1_000 }));
        hands(&Tunable::default(), &[SHAPE], &tempo, [may_slow, is_replay], None)
    }

    fn poke(row: u16, radius: u8, magnitude: f32) -> Poke {
        Poke { array: 0, row, column: 3, radius, magnitude }
    }

    #[test]
    fn a_poke_strikes_a_disc_hardest_in_its_middle() {
        let bursts = struck(&[SHAPE], poke(4, 1, 2.0)).unwrap();
        let sites: Vec<u32> = bursts.iter().map(|burst| burst.site).collect();
        assert_eq!(sites, [27, 34, 35, 36, 43]);
        assert_eq!(bursts[2].magnitude.to_bits(), 2.0f32.to_bits());
        assert!(bursts[0].magnitude < 2.0 && bursts[0].magnitude > 0.0);
        let bits: f32 = bursts.iter().map(|burst| burst.surprisal_bits).sum();
        assert_eq!(bits.to_bits(), 6.0f32.to_bits());
        // At the edge it is cut.
        assert_eq!(struck(&[SHAPE], poke(0, 1, 2.0)).unwrap().len(), 4);
    }

    #[test]
    fn a_poke_beside_the_field_is_refused_with_its_bound() {
        let (mut hands, _, mut touched) = made(false, true);
        for (wrong, part) in [
            (poke(8, 1, 1.0), "rows below 8"),
            (poke(0, 17, 1.0), "0 to 16"),
            (poke(0, 1, f32::NAN), "at most 32"),
            (Poke { array: 2, ..poke(0, 1, 1.0) }, "below 1"),
        ] {
            hands.take(&Control::Poke(wrong), Tick(5));
            assert!(hands.in_hand().refused.contains(part), "{}", hands.in_hand().refused);
        }
        hands.take(&Control::Poke(poke(4, 0, 1.0)), Tick(5));
        assert_eq!(hands.in_hand().refused, "");
        let mut seen = Vec::new();
        touched.strike(Tick(7), &mut seen);
        assert_eq!((seen.len(), seen[0].time), (1, Tick(7).start()));
    }

    #[test]
    fn what_is_played_again_is_not_changed_and_the_time_of_devices_not_slowed() {
        let (mut hands, tunings, _) = made(true, false);
        assert!(tunings.is_some() && hands.may().parameters.is_empty());
        let set = Control::Set(vec![("array.kappa".to_owned(), 1.0)]);
        for control in [set, Control::Poke(poke(1, 1, 1.0)), Control::Pause(true), Control::Speed(100)] {
            hands.take(&control, Tick(0));
            assert_ne!(hands.in_hand().refused, "", "{control:?}");
        }
        assert!(hands.in_hand().refused.contains("--receive"), "{}", hands.in_hand().refused);
        assert!(!hands.in_hand().paused);
    }

    #[test]
    fn what_is_set_while_time_stands_still_is_shown_at_once_and_the_newest_of_it_comes_when_it_goes_on() {
        let (mut hands, _, mut touched) = made(false, true);
        hands.take(&Control::Pause(true), Tick(5));
        let at = hands.may().parameters.iter().position(|live| live.key == "array.kappa").unwrap();
        for step in 1..=100 {
            let kappa = 0.01 * f64::from(step);
            hands.take(&Control::Set(vec![("array.kappa".to_owned(), kappa)]), Tick(5));
            assert_eq!(hands.in_hand().refused, "");
            assert!((hands.in_hand().values[at] - kappa).abs() < 1e-12);
        }
        assert!(touched.tunings.pop().is_none());
        hands.take(&Control::Pause(false), Tick(5));
        assert!(touched.tunings.pop().is_some() && touched.tunings.pop().is_none());
        let applied = hands.applied(1);
        assert!(applied[0].text.contains("array.kappa=1"), "{}", applied[0].text);
    }

    #[test]
    fn changes_that_nobody_takes_are_refused_in_the_end() {
        let (mut hands, _, _touched) = made(false, true);
        let set = |hands: &mut Hands| {
            hands.take(&Control::Set(vec![("array.kappa".to_owned(), 1.0)]), Tick(0));
            hands.in_hand().refused
        };
        for _ in 0..MOST_TUNINGS {
            assert_eq!(set(&mut hands), "");
        }
        assert!(set(&mut hands).contains("too many changes wait"));
    }
}
