//! A session as the input of a replay.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::Common;
use super::report::{SessionReport, VerifiedReport};
use super::run::{Piece, Show};
use crate::config::Config;
use crate::engine::instrument::Instrument;
use crate::engine::{EnginePlan, Inputs};
use crate::error::{Error, Result};
use crate::session::{Difference, Place, Session, Verdict, Verifier};
use crate::signal::{ScalarLayout, StateItem};
use crate::time::{TICKS_PER_SECOND, Tick, Timestamp};

/// A session that is played again.
pub(super) struct Again {
    /// The first tick that is played.
    pub(super) first: Tick,
    /// The tick before which it ends; none where it goes round and round.
    pub(super) end: Option<Tick>,
    /// The state from which it goes on, where it does not begin at its beginning.
    pub(super) state: Option<StateItem>,
    /// What holds the replay against it.
    pub(super) verifier: Option<Verifier>,
    /// What that finds.
    pub(super) verdict: Option<Arc<Mutex<Verdict>>>,
    /// Marks that are no onsets, such as people's notes: no replay makes them again.
    notes: usize,
    /// What the report says of it.
    pub(super) report: SessionReport,
}

/// How a session is played.
pub(super) struct How {
    /// From the last state that it keeps at or before this time.
    pub(super) start: Timestamp,
    /// Held against its ledger.
    pub(super) verify: bool,
    /// Round and round.
    pub(super) again: bool,
}

/// Opens the session at `path`, to be played in its own configuration with the call's overrides.
pub(super) fn open(common: &Common, path: &Path, how: &How) -> Result<(Config, Piece)> {
    let How { start, verify, again } = *how;
    if verify && again {
        let error = Error::call("--verify", "a session that goes round and round can't be verified");
        return Err(error.bound("without --loop"));
    }
    let session = Session::open(path)?;
    if let Some((damage, bytes)) = session.damage() {
        eprintln!("napot: {damage}; {bytes} bytes are not read, what comes before is played");
    }
    let [first, end] = session.ticks();
    if first == end {
        return Err(Error::input(path, "nothing entered in this session"));
    }
    let start = start.tick_at_or_after();
    if start >= end {
        let error = Error::call("--start", "it lies behind the end of the session").value(start.start());
        return Err(error.bound(format!("below {}", end.start())));
    }
    let config = configuration(common, path, &session)?;
    let from = session.state_at_or_before(start.max(first));
    let left = end.0 - from.0;
    if let Some(seconds) = common.seconds.filter(|_| !again)
        && (seconds * TICKS_PER_SECOND as f64).round() as u64 > left
    {
        let error = Error::call("--for", "less of the session is left").value(format!("{seconds} s"));
        return Err(error.bound(format!("up to {}, or `napot replay --loop`", Tick(left).start())));
    }
    let state = if from > Tick(0) { Some(kept(&session, from)?) } else { None };
    let same = config.hash() == session.facts().config_hash;
    if verify && !same {
        let error = Error::call("--verify", "a replay with another configuration can't be verified");
        return Err(error.value(config.hash()).bound(&session.facts().config_hash));
    }
    let report = SessionReport {
        file: path.display().to_string(),
        config_hash: session.facts().config_hash.clone(),
        same_configuration: same,
        first_tick: from.0,
        damage: session.damage().map(|(damage, _)| damage.to_string()),
        verified: None,
    };
    if !same && !common.quiet {
        eprintln!("napot: this replay has another configuration than the session, and another ledger");
    }
    let inputs = Inputs { session: Some(session.input(from, again)?), ..Inputs::default() };
    let layout = session.facts().channels.clone().map(|[names, units]| ScalarLayout { names, units });
    let length = (!again).then(|| Tick(left).start());
    let title = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let noted = |mark: &&(Timestamp, String)| mark.0 >= from.start() && mark.1 != "onset";
    let notes = session.marks().iter().filter(noted).count();
    let (verifier, verdict) = if verify {
        let (verifier, verdict) = Verifier::new(session);
        (Some(verifier), Some(verdict))
    } else {
        (None, None)
    };
    let again = Again { first: from, end: (!again).then_some(end), state, verifier, verdict, notes, report };
    let piece = Piece { layout, again: Some(again), ..Piece::new(inputs, Show { title, length }) };
    Ok((config, piece))
}

/// The session's own configuration, or the file of the call, with the call's overrides.
fn configuration(common: &Common, path: &Path, session: &Session) -> Result<Config> {
    let mut config = match &common.config {
        Some(file) => Config::load(Some(file), &common.overrides)?,
        None => Config::from_text(&session.facts().config, Some(path), &common.overrides)?,
    };
    if let Some(seed) = common.seed {
        config.seed = seed;
    }
    Ok(config)
}

fn kept(session: &Session, at: Tick) -> Result<StateItem> {
    session.state(at)?.ok_or_else(|| {
        let error = Error::input(
            session.path(),
            "the session does not begin at its beginning and keeps no state there",
        );
        error.at(format!("tick {}", at.0))
    })
}

impl Again {
    /// Has a run begin and end where the session is played.
    pub(super) fn set(&self, plan: &mut EnginePlan) {
        plan.first = self.first;
        let asked = plan.ticks.map(|ticks| self.first.0.saturating_add(ticks));
        plan.ticks = asked.or(self.end.map(|end| end.0));
    }

    /// Tells what a recording of the replay lacks.
    pub(super) fn tell_notes(&self) {
        if self.notes > 0 {
            eprintln!("napot: notes of the session are not carried over: {}", self.notes);
        }
    }

    /// Has the model go on from the state with which it begins.
    pub(super) fn restore(&self, instrument: &mut Instrument) -> Result<()> {
        self.state.as_ref().map_or(Ok(()), |state| instrument.restore(&self.report.file, state))
    }

    /// What the report says after the run.
    pub(super) fn report_after(mut self) -> SessionReport {
        self.report.verified = self.verdict.map(|verdict| {
            let verdict = verdict.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let difference = verdict.difference.as_ref().map(sentence);
            VerifiedReport { equal_lines: verdict.equal, difference }
        });
        self.report
    }
}

/// A difference in a sentence.
fn sentence(difference: &Difference) -> String {
    let what = if difference.inputs { "what entered" } else { "the state" };
    let after =
        difference.after.map_or_else(String::new, |tick| format!(" (the line of tick {} is equal)", tick.0));
    let mut text = format!("{what} differs first in the ledger's line of tick {}{after}", difference.tick.0);
    if let Some(Place { next, place, recorded, replayed }) = &difference.place {
        let _ =
            write!(text, "; before tick {}: {place}: {recorded:e} recorded, {replayed:e} replayed", next.0);
    }
    text
}
