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
