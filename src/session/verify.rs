//! Holds a replay against the session that it replays: the ledger line by line, and on the first difference the state.

use std::sync::{Arc, Mutex};

use super::read::Session;
use crate::error::Result;
use crate::signal::{LedgerLine, SessionItem, StateItem};
use crate::stream::Sink;
use crate::time::Tick;

/// What a verification has found so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Lines that were the recorded ones.
    pub equal: u64,
    /// The first difference.
    pub difference: Option<Difference>,
}

/// The first difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The first line that differs; the state before it, and up to the line before, was equal.
    pub tick: Tick,
    /// The line before, which was equal.
    pub after: Option<Tick>,
    /// Whether what entered differs too: then the inputs are at fault, not the array.
    pub inputs: bool,
    /// Where the next kept state differs first.
    pub place: Option<Place>,
}

/// A number of the state that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The tick before which the state was kept.
    pub next: Tick,
    /// Array, copy, band and site, for people.
    pub place: String,
    /// What was recorded.
    pub recorded: f32,
    /// What the replay has.
    pub replayed: f32,
}

/// A sink for a replay's session: it keeps nothing and compares everything.
pub struct Verifier {
    session: Session,
    verdict: Arc<Mutex<Verdict>>,
}

impl Verifier {
    /// A verifier against `session`, and where its verdict can be read when the run has ended.
    #[must_use]
    pub fn new(session: Session) -> (Self, Arc<Mutex<Verdict>>) {
        let verdict = Arc::new(Mutex::new(Verdict::default()));
        (Self { session, verdict: Arc::clone(&verdict) }, verdict)
    }

    fn line(&self, line: &LedgerLine, verdict: &mut Verdict) {
        if verdict.difference.is_some() {
            return;
        }
        // Where a replay ends earlier, its last line has no counterpart.
        let Some(recorded) = self.session.line(line.tick) else { return };
        if recorded == line {
            verdict.equal += 1;
            return;
        }
        verdict.difference = Some(Difference {
            tick: line.tick,
            after: self.session.line_before(line.tick).map(|line| line.tick),
            inputs: recorded.inputs != line.inputs,
            place: None,
        });
    }

    fn state(&self, state: &StateItem, verdict: &mut Verdict) -> Result<()> {
        let Some(difference) = &mut verdict.difference else { return Ok(()) };
        if difference.place.is_some() {
            return Ok(());
        }
        let Some(recorded) = self.session.state(state.next)? else { return Ok(()) };
        let pairs = recorded.values.iter().zip(&state.values);
        let at = pairs.clone().position(|(one, other)| one.to_bits() != other.to_bits());
        difference.place = at.map(|at| Place {
            next: state.next,
            place: self.session.place_of(at),
            recorded: recorded.values[at],
            replayed: state.values[at],
        });
        Ok(())
    }
}

impl Sink for Verifier {
    type Item = SessionItem;

    fn push(&mut self, item: &SessionItem) -> Result<()> {
        let verdict = Arc::clone(&self.verdict);
        let mut verdict = verdict.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match item {
            SessionItem::Ledger(line) => self.line(line, &mut verdict),
            SessionItem::State(state) => self.state(state, &mut verdict)?,
            _ => {}
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Facts, Recorder, Sheet};
    use crate::signal::Entered;

    fn line(tick: u64, state: u8) -> LedgerLine {
        LedgerLine { tick: Tick(tick), state: [state; 16], inputs: [7; 16] }
    }

    /// One array of 2 x 3 sites, 2 bands, with its twin.
    fn facts() -> Facts {
        let sheet = Sheet { name: "vision".to_owned(), height: 2, width: 3, bands: 2, twin: true };
        Facts {
            form: Facts::form(),
            version: "0".to_owned(),
            config: String::new(),
            config_hash: String::new(),
            arrays: vec![sheet],
            electrodes: vec!["Cz".to_owned()],
            rate_hz: 1_000,
            channels: None,
            sources: Vec::new(),
        }
    }

    /// A session of seconds, each with a line at its last tick and a state after it.
    fn session(dir: &std::path::Path, facts: &Facts, seconds: &[u64]) -> crate::error::Result<Session> {
        let path = dir.join("a.mcap");
        let mut recorder =
            Box::new(Recorder::new(facts.clone(), Arc::default()).into_file(&path, true).unwrap());
        for second in seconds {
            let entered = Entered { first: Tick(1_000 * second), ticks: 1_000, ..Entered::default() };
            recorder.push(&SessionItem::Entered(entered)).unwrap();
            recorder.push(&SessionItem::Ledger(line(1_000 * second + 999, 1))).unwrap();
            recorder.push(&SessionItem::State(state(1_000 * (second + 1)))).unwrap();
        }
        recorder.finish().unwrap();
        Session::open(&path)
    }

    fn state(next: u64) -> StateItem {
        StateItem { next: Tick(next), values: vec![0.5; 6 * (8 + 3)], senses: vec![1, 2, 3] }
    }

    #[test]
    fn the_first_difference_is_named_with_its_line_and_the_place_in_the_next_state() {
        let dir = tempfile::tempdir().unwrap();
        let session = session(dir.path(), &facts(), &[0, 1]).unwrap();
        assert_eq!(
            (session.ticks(), session.states()),
            ([Tick(0), Tick(2_000)], &[Tick(1_000), Tick(2_000)][..])
        );
        let (verifier, verdict) = Verifier::new(session);
        let mut verifier = Box::new(verifier);
        let mut other = state(2_000);
        // The twin's fast band, imaginary part, second row: plane 4 + 3 of six sites each.
        other.values[6 * 7 + 4] = 0.75;
        for item in [
            SessionItem::Ledger(line(999, 1)),
            SessionItem::State(state(1_000)),
            SessionItem::Ledger(line(1_999, 2)),
            SessionItem::State(other),
        ] {
            verifier.push(&item).unwrap();
        }
        verifier.finish().unwrap();
        let verdict = verdict.lock().unwrap().clone();
        assert_eq!(verdict.equal, 1);
        let difference = verdict.difference.unwrap();
        assert_eq!(
            (difference.tick, difference.after, difference.inputs),
            (Tick(1_999), Some(Tick(999)), false)
        );
        let place = difference.place.unwrap();
        assert_eq!(place.place, "vision, twin, band 1, row 1, column 1, imaginary part");
        assert_eq!((place.recorded, place.replayed), (0.5, 0.75));
    }

    #[test]
    fn a_session_with_a_gap_ends_before_it_everywhere() {
        let dir = tempfile::tempdir().unwrap();
        let session = session(dir.path(), &facts(), &[0, 1, 3]).unwrap();
        assert!(session.damage().unwrap().0.to_string().contains("ticks are missing"));
        let items: Vec<SessionItem> = session.items().unwrap().collect::<Result<_>>().unwrap();
        assert_eq!(items.len(), 6);
        let ticks = |again, most| {
            let mut source = session.input(Tick(500), again).unwrap();
            let pulled = std::iter::from_fn(|| source.pull().unwrap()).take(most);
            let block = |item| match item {
                SessionItem::Entered(entered) => (entered.first.0, entered.ticks),
                other => panic!("{other:?}"),
            };
            pulled.map(block).collect::<Vec<_>>()
        };
        assert_eq!(ticks(false, 9), [(500, 500), (1_000, 1_000)]);
        let rounds = [(500, 500), (1_000, 1_000), (2_000, 500), (2_500, 1_000), (3_500, 500)];
        assert_eq!(ticks(true, 5), rounds, "round and round, on and on");
    }

    #[test]
    fn facts_that_no_run_has_are_refused_with_value_and_bound() {
        let refused = |change: fn(&mut Facts), part: &str| {
            let dir = tempfile::tempdir().unwrap();
            let mut odd = facts();
            change(&mut odd);
            let message = session(dir.path(), &odd, &[0]).unwrap_err().to_string();
            assert!(message.contains(part) && message.contains("allowed: 1 to"), "{message}");
        };
        refused(|facts| facts.rate_hz = 4_000_000_000, "rate is out of range: 4000000000");
        refused(|facts| facts.electrodes.clear(), "number of electrodes");
        refused(|facts| facts.arrays[0].width = 0, "columns");
        refused(|facts| facts.arrays[0].bands = 0, "bands");
    }
}
