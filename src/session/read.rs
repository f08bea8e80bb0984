//! Reads a session: what it says of itself, its ledger, its states, and what entered, block after block.

use std::path::{Path, PathBuf};

use super::cut::{NO_END, Standing, cut};
use super::facts::{FACTS, FORM, Facts};
use super::form::Parsed;
use super::message::{TOPICS, item};
use crate::error::{Error, Result};
use crate::format::mcap::{End, Reader, Record};
use crate::signal::{LedgerLine, Origin, SessionItem, StateItem};
use crate::stream::{Source, SourceInfo};
use crate::time::{Tick, Timestamp};

/// How much of each kind a session holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Bursts that entered from other senses than the cochlea.
    pub bursts: u64,
    /// Samples of every electrode.
    pub samples: u64,
    /// Pictures for people.
    pub pictures: u64,
    /// Ticks whose time was measured.
    pub timed: u64,
    /// Samples of every scalar channel.
    pub channel_samples: u64,
    /// Changes while the run went on.
    pub controls: u64,
}

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
    /// What people changed.
    changes: Vec<(Timestamp, String)>,
    counts: Counts,
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
            changes: Vec::new(),
            counts: Counts::default(),
            items: 0,
            damage: None,
            discarded: 0,
        };
        loop {
            match messages.next() {
                Ok(Some(item)) => {
                    if let Err(problem) = session.count(item) {
                        session.damage = Some(messages.wrong(problem));
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
        session.discarded = messages.reader.left();
        Ok(session)
    }

    /// Counts an item that fits the ones before.
    fn count(&mut self, item: SessionItem) -> Parsed<()> {
        match item {
            SessionItem::Entered(entered) => {
                if self.first.is_some() && entered.first != self.end {
                    return Err("ticks are missing before this block");
                }
                self.first.get_or_insert(entered.first);
                self.end = entered.end();
                self.counts.bursts += entered.bursts.len() as u64;
            }
            SessionItem::Ledger(line) => self.lines.push(line),
            SessionItem::State(state) => self.states.push(state.next),
            SessionItem::Electrodes(_, values) => {
                self.counts.samples += (values.len() / self.facts.electrodes.len().max(1)) as u64;
            }
            SessionItem::Mark(time, text) => self.marks.push((time, text)),
            SessionItem::Picture(_) => self.counts.pictures += 1,
            SessionItem::Latency(latency) => self.counts.timed += latency.ticks.len() as u64,
            SessionItem::Channels(channels) => {
                let width = self.facts.channels.as_ref().map_or(0, |[names, _]| names.len());
                if channels.values.len() != width * channels.times.len() {
                    return Err("samples have another number of channels than the session");
                }
                self.counts.channel_samples += channels.times.len() as u64;
            }
            SessionItem::Control(time, text) => {
                self.counts.controls += 1;
                self.changes.push((time, text));
            }
        }
        Ok(())
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

    /// How much of each kind it holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
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

    /// Every item from a tick to before another, or to the end with what is stamped there, as far as it is whole. It begins with the state at
    /// the first tick, where one is kept there, and what stands of the changes before it.
    ///
    /// # Errors
    /// Where the file can't be read any more; so are the items.
    pub fn part(
        &self,
        from: Tick,
        until: Option<Tick>,
    ) -> Result<impl Iterator<Item = Result<SessionItem>> + Send + use<>> {
        let ticks = [from, until.unwrap_or(NO_END)];
        let state = self.state(from)?.map(SessionItem::State);
        let standing = self.standing(from).items(from.start());
        let (electrodes, rate_hz) = (self.facts.electrodes.len(), self.facts.rate_hz);
        let rest = self.items()?.filter_map(move |found| match found {
            Ok(SessionItem::State(state)) if state.next == from => None,
            Ok(item) => cut(item, ticks, electrodes, rate_hz).map(Ok),
            Err(error) => Some(Err(error)),
        });
        Ok(state.into_iter().chain(standing).map(Ok).chain(rest))
    }

    /// What stands of the changes before `first`.
    fn standing(&self, first: Tick) -> Standing {
        let mut standing = Standing::default();
        let before = self.changes.iter().filter(|(time, _)| *time < first.start());
        before.for_each(|(_, change)| standing.take(change));
        standing
    }

    /// What entered from a tick on, with the changes that were made, and what people are shown of it; round and round from there if `again`.
    ///
    /// # Errors
    /// Where the file can't be read any more.
    pub fn input(&self, from: Tick, again: bool) -> Result<Box<dyn Source<Item = SessionItem>>> {
        let info = SourceInfo {
            name: self.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            kind: "session".to_owned(),
            origin: Origin::Recorded,
            format: format!("session of napot {}", self.facts.version),
        };
        let items = self.input_items(from)?;
        Ok(Box::new(Replay { session: self.clone(), items, info, from, again, round: 0 }))
    }

    fn input_items(&self, from: Tick) -> Result<InputItems> {
        let (electrodes, rate_hz) = (self.facts.electrodes.len(), self.facts.rate_hz);
        let items = self.items()?.filter_map(move |found| match found {
            Ok(
                item @ (SessionItem::Entered(_)
                | SessionItem::Picture(_)
                | SessionItem::Channels(_)
                | SessionItem::Control(..)),
            ) => cut(item, [from, NO_END], electrodes, rate_hz).map(Ok),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        });
        // Every round begins by what this one begins by.
        let mut standing = self.standing(from);
        self.changes.iter().for_each(|(_, change)| standing.take_begun(change));
        Ok(Box::new(standing.items(from.start()).into_iter().map(Ok).chain(items)))
    }
}

type InputItems = Box<dyn Iterator<Item = Result<SessionItem>> + Send>;

/// What entered, as a source.
struct Replay {
    session: Session,
    items: InputItems,
    info: SourceInfo,
    from: Tick,
    again: bool,
    /// Rounds that were played.
    round: u64,
}

impl Source for Replay {
    type Item = SessionItem;

    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn pull(&mut self) -> Result<Option<SessionItem>> {
        let length = self.session.end.0.saturating_sub(self.from.0);
        loop {
            if let Some(item) = self.items.next() {
                return item.map(|item| Some(later(item, self.round * length)));
            }
            if !self.again || length == 0 {
                return Ok(None);
            }
            self.round += 1;
            self.items = self.session.input_items(self.from)?;
        }
    }
}

/// An item so many ticks later.
fn later(item: SessionItem, ticks: u64) -> SessionItem {
    let moved = |time: Timestamp| Timestamp(time.0.saturating_add(Tick(ticks).start().0));
    match item {
        SessionItem::Entered(mut entered) => {
            entered.first.0 += ticks;
            for (tick, burst) in &mut entered.bursts {
                tick.0 += ticks;
                burst.time = moved(burst.time);
            }
            SessionItem::Entered(entered)
        }
        SessionItem::Picture(mut picture) => {
            picture.time = moved(picture.time);
            SessionItem::Picture(picture)
        }
        SessionItem::Channels(mut channels) => {
            channels.times.iter_mut().for_each(|time| *time = moved(*time));
            SessionItem::Channels(channels)
        }
        SessionItem::Control(time, text) => SessionItem::Control(moved(time), text),
        other => other,
    }
}

/// The items of a file.
struct Messages {
    path: PathBuf,
    reader: Reader,
    /// The channels of our topics: the file's number, and the topic's.
    topics: Vec<(u16, usize)>,
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
                Some(Record::Channel { id, topic, .. }) => {
                    let own = TOPICS.iter().position(|own| own.name == topic);
                    self.topics.extend(own.map(|own| (id, own)));
                }
                Some(Record::Message { channel, data, .. }) => {
                    let Some((_, topic)) = self.topics.iter().find(|(id, _)| *id == channel) else {
                        continue;
                    };
                    return item(*topic, &data)
                        .map(Some)
                        .map_err(|problem| self.wrong(problem).value(TOPICS[*topic].name));
                }
                Some(_) => {}
                None => return self.damage().map_or(Ok(None), Err),
            }
        }
    }
}
