//! Reads a session: what it says of itself, its ledger, its states, and what entered, block after block.

use std::path::{Path, PathBuf};

use super::form;
use super::write::{ELECTRODES, ENTERED, FACTS, FORM, Facts, LEDGER, MARKS, STATE};
use crate::error::{Error, Result};
use crate::format::mcap::{End, Reader, Record};
use crate::signal::{Entered, LedgerLine, Origin, SessionItem, StateItem};
use crate::stream::{Source, SourceInfo};
use crate::time::{SAMPLES_PER_TICK, Tick, Timestamp};

/// A session that was looked through once: what is small is in memory, the rest is read when it is wanted.
#[derive(Clone, Debug)]
pub struct Session {
    path: PathBuf,
    facts: Facts,
    first: Option<Tick>,
    end: Tick,
    lines: Vec<LedgerLine>,
    states: Vec<Tick>,
    marks: Vec<(Timestamp, String)>,
    bursts: u64,
    samples: u64,
    /// Items that are whole, and follow each other without a gap.
    items: usize,
    damage: Option<Error>,
    discarded: u64,
}

impl Session {
    /// Looks through the file at `path`. A file that was cut short or is damaged is read as far as it is whole: see
    /// [`Self::damage`].
    ///
    /// # Errors
    /// Where it can't be read, or is no session of this form.
    pub fn open(path: &Path) -> Result<Self> {
        let mut messages = Messages::open(path)?;
        let facts = messages.facts()?;
        let mut session = Self {
            path: path.to_owned(),
            facts,
            first: None,
            end: Tick(0),
            lines: Vec::new(),
            states: Vec::new(),
            marks: Vec::new(),
            bursts: 0,
            samples: 0,
            items: 0,
            damage: None,
            discarded: 0,
        };
        loop {
            match messages.next() {
                Ok(Some(item)) => {
                    if !session.count(item) {
                        session.damage = Some(messages.wrong("ticks are missing before this block"));
                        break;
                    }
                    session.items += 1;
                }
                Ok(None) => break,
                Err(damage) => {
                    session.damage = Some(damage);
                    break;
                }
            }
        }
        session.discarded = messages.reader.discarded();
        Ok(session)
    }

    /// Counts an item; `false` where what entered has a gap before it.
    fn count(&mut self, item: SessionItem) -> bool {
        match item {
            SessionItem::Entered(entered) => {
                if self.first.is_some() && entered.first != self.end {
                    return false;
                }
                self.first.get_or_insert(entered.first);
                self.end = entered.end();
                self.bursts += entered.bursts.len() as u64;
            }
            SessionItem::Ledger(line) => self.lines.push(line),
            SessionItem::State(state) => self.states.push(state.next),
            SessionItem::Electrodes(_, values) => {
                self.samples += (values.len() / self.facts.electrodes.len().max(1)) as u64;
            }
            SessionItem::Mark(time, text) => self.marks.push((time, text)),
        }
        true
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says of itself.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The first tick, and the one after the last.
    #[must_use]
    pub fn ticks(&self) -> [Tick; 2] {
        [self.first.unwrap_or_default(), self.end]
    }

    /// The ticks before which it holds the state.
    #[must_use]
    pub fn states(&self) -> &[Tick] {
        &self.states
    }

    /// What happened.
    #[must_use]
    pub fn marks(&self) -> &[(Timestamp, String)] {
        &self.marks
    }

    /// The ledger.
    #[must_use]
    pub fn lines(&self) -> &[LedgerLine] {
        &self.lines
    }

    /// Bursts that entered from other senses than the cochlea, and samples of every electrode.
    #[must_use]
    pub fn counts(&self) -> [u64; 2] {
        [self.bursts, self.samples]
    }

    /// Why it ends before its end, where it does, and how many bytes were left unread.
    #[must_use]
    pub fn damage(&self) -> Option<(&Error, u64)> {
        self.damage.as_ref().map(|damage| (damage, self.discarded))
    }

    /// The ledger's line of a tick.
    #[must_use]
    pub fn line(&self, tick: Tick) -> Option<&LedgerLine> {
        self.lines.iter().find(|line| line.tick == tick)
    }

    /// The last line before a tick.
    #[must_use]
    pub fn line_before(&self, tick: Tick) -> Option<&LedgerLine> {
        self.lines.iter().rev().find(|line| line.tick < tick)
    }

    /// The state that was kept before the tick `next`.
    ///
    /// # Errors
    /// Where the file can't be read any more.
    pub fn state(&self, next: Tick) -> Result<Option<StateItem>> {
        for item in self.items()? {
            if let SessionItem::State(state) = item?
                && state.next == next
            {
                return Ok(Some(state));
            }
        }
        Ok(None)
    }

    /// The last tick with a state that is not after `tick`; the first tick where none is.
    #[must_use]
    pub fn state_at_or_before(&self, tick: Tick) -> Tick {
        let before = self.states.iter().rev().find(|state| **state <= tick);
        before.copied().unwrap_or_else(|| self.ticks()[0])
    }

    /// Which place of the arrays a number of the state is, for people.
    #[must_use]
    pub fn place_of(&self, mut at: usize) -> String {
        for sheet in &self.facts.arrays {
            let sites = sheet.height * sheet.width;
            let copies = if sheet.twin { 2 } else { 1 };
            let planes = 2 * sheet.bands * copies + 3;
            if at < planes * sites {
                let (plane, site) = (at / sites, at % sites);
                let place = format!("row {}, column {}", site / sheet.width, site % sheet.width);
                let (copy, plane) = (plane / (2 * sheet.bands), plane % (2 * sheet.bands));
                let copy = match copy {
                    0 => "driven",
                    1 if sheet.twin => "twin",
                    _ => return format!("{}, drive, {place}", sheet.name),
                };
                let part = if plane < sheet.bands { "real part" } else { "imaginary part" };
                return format!("{}, {copy}, band {}, {place}, {part}", sheet.name, plane % sheet.bands);
            }
            at -= planes * sites;
        }
        "beyond the arrays".to_owned()
    }

    /// Every item of the session, as far as it is whole.
    ///
    /// # Errors
    /// Where the file can't be read any more; so are the items.
    pub fn items(&self) -> Result<impl Iterator<Item = Result<SessionItem>> + Send + use<>> {
        let mut messages = Messages::open(&self.path)?;
        messages.facts()?;
        Ok(std::iter::from_fn(move || messages.next().transpose()).take(self.items))
    }

    /// What entered from a tick on.
    ///
    /// # Errors
    /// Where the file can't be read any more.
    pub fn entered(&self, from: Tick) -> Result<Box<dyn Source<Item = Entered>>> {
        let info = SourceInfo {
            name: self.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            kind: "session".to_owned(),
            origin: Origin::Recorded,
            format: format!("session of napot {}", self.facts.version),
        };
        Ok(Box::new(Replay { items: self.items()?, info, from }))
    }
}

/// What entered, as a source.
struct Replay<I> {
    items: I,
    info: SourceInfo,
    from: Tick,
}

impl<I: Iterator<Item = Result<SessionItem>> + Send> Source for Replay<I> {
    type Item = Entered;

    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn pull(&mut self) -> Result<Option<Entered>> {
        for item in &mut self.items {
            if let SessionItem::Entered(entered) = item?
                && entered.end() > self.from
            {
                return Ok(Some(from(entered, self.from)));
            }
        }
        Ok(None)
    }
}

/// What of a block entered from a tick on.
fn from(mut entered: Entered, tick: Tick) -> Entered {
    let skipped = tick.0.saturating_sub(entered.first.0);
    if skipped > 0 {
        let frames = (skipped as usize * SAMPLES_PER_TICK).min(entered.sound.len());
        entered.sound.drain(..frames);
        entered.bursts.retain(|(at, _)| *at >= tick);
        entered.ticks -= skipped as u32;
        entered.first = tick;
    }
    entered
}

/// The items of a file.
struct Messages {
    path: PathBuf,
    reader: Reader,
    /// The topic of each channel, by its number.
    topics: Vec<(u16, String)>,
}

impl Messages {
    fn open(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_owned(), reader: Reader::open(path)?, topics: Vec::new() })
    }

    fn wrong(&self, problem: &str) -> Error {
        Error::input(&self.path, problem).at(format!("byte {}", self.reader.place()))
    }

    /// The facts; they come before all items.
    fn facts(&mut self) -> Result<Facts> {
        let none = |own: &Self| {
            let error = Error::input(&own.path, "this MCAP file is no session of NAPOT");
            Err(error.help("Sessions are made by `--record FILE`."))
        };
        loop {
            match self.reader.next()? {
                Some(Record::Metadata { name, metadata }) if name == FACTS => {
                    let Some(text) = metadata.get("facts") else { return none(self) };
                    let form: serde_json::Value = serde_json::from_str(text).map_err(|cause| {
                        self.wrong("what the session says of itself can't be read").value(cause)
                    })?;
                    let found = form["form"].as_str().unwrap_or_default().to_owned();
                    if found != FORM {
                        return Err(self.wrong("the session has another form").value(found).bound(FORM));
                    }
                    let facts: Facts = serde_json::from_str(text).map_err(|cause| {
                        self.wrong("what the session says of itself can't be read").value(cause)
                    })?;
                    facts
                        .check()
                        .map_err(|(what, value, bound)| self.wrong(what).value(value).bound(bound))?;
                    return Ok(facts);
                }
                Some(Record::Message { .. }) => return none(self),
                Some(_) => {}
                None => match self.damage() {
                    Some(damage) => return Err(damage),
                    None => return none(self),
                },
            }
        }
    }

    /// How the file ended before its end, where it did.
    fn damage(&self) -> Option<Error> {
        match self.reader.end() {
            None | Some(End::Whole) => None,
            Some(End::Cut { at }) => {
                Some(Error::input(&self.path, "the session is cut short").at(format!("byte {at}")))
            }
            Some(End::Damaged { at, what }) => {
                Some(Error::input(&self.path, "the session is damaged").at(format!("byte {at}")).value(what))
            }
        }
    }

    /// The next item; what other topics hold is passed over.
    fn next(&mut self) -> Result<Option<SessionItem>> {
        loop {
            match self.reader.next()? {
                Some(Record::Channel { id, topic, .. }) => self.topics.push((id, topic)),
                Some(Record::Message { channel, data, .. }) => {
                    let topic =
                        self.topics.iter().find(|(id, _)| *id == channel).map(|(_, topic)| &topic[..]);
                    let item = match topic {
                        Some(ENTERED) => form::entered(&data).map(SessionItem::Entered),
                        Some(STATE) => form::state(&data).map(SessionItem::State),
                        Some(ELECTRODES) => form::electrodes(&data)
                            .map(|(first, values)| SessionItem::Electrodes(first, values)),
                        Some(LEDGER) => form::ledger(&data).map(SessionItem::Ledger),
                        Some(MARKS) => form::mark(&data).map(|(time, text)| SessionItem::Mark(time, text)),
                        _ => continue,
                    };
                    return item
                        .map(Some)
                        .map_err(|problem| self.wrong(problem).value(topic.unwrap_or_default()));
                }
                Some(_) => {}
                None => return self.damage().map_or(Ok(None), Err),
            }
        }
    }
}
