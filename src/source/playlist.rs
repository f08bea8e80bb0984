//! Several recordings one after another on one clock, from a start time on, round and round if asked.

use std::collections::VecDeque;

use super::length::Reached;
use crate::error::Result;
use crate::signal::{AudioBlock, Frame, ScalarSample, Stamp};
use crate::stream::{Faults, Source, SourceInfo};
use crate::time::{SAMPLE_RATE, Timestamp};

/// An item that can be moved in time.
pub trait Timed: Sized {
    /// When it starts.
    fn start(&self) -> Timestamp;
    /// When it ends; `None` for items that have no length of their own.
    fn end(&self) -> Option<Timestamp>;
    /// Moves it later by `offset` nanoseconds, and drops what then lies before 0; `None` where nothing is left.
    fn moved(self, offset: i64) -> Option<Self>;
    /// Leaves out what does not start before `end`; `None` where nothing is left.
    fn until(self, end: Timestamp) -> Option<Self>;
}

/// The sound frame nearest to so many nanoseconds. The time of a frame is rounded down: rounding down once more would
/// lose a frame, and the next file would begin within the last one.
fn frame_at(nanoseconds: i64) -> i64 {
    let doubled = 2 * i128::from(nanoseconds) * i128::from(SAMPLE_RATE);
    // Beyond `i64` only for times that are.
    i64::try_from((doubled + 1_000_000_000).div_euclid(2_000_000_000)).unwrap_or(i64::MAX)
}

fn shift(stamp: Stamp, offset: i64) -> Stamp {
    Stamp { time: Timestamp(stamp.time.0.saturating_add(offset)), ..stamp }
}

impl Timed for AudioBlock {
    fn start(&self) -> Timestamp {
        Timestamp::from_count(self.position, SAMPLE_RATE)
    }

    fn end(&self) -> Option<Timestamp> {
        Some(Timestamp::from_count(self.position + self.frames.len() as u64, SAMPLE_RATE))
    }

    fn moved(mut self, offset: i64) -> Option<Self> {
        // Whole frames, so that no two files overlap by a rounding.
        let position = i128::from(self.position) + i128::from(frame_at(offset));
        let cut = usize::try_from((-position).max(0)).unwrap_or(usize::MAX).min(self.frames.len());
        self.frames.drain(..cut);
        self.position = u64::try_from(position.max(0)).unwrap_or(u64::MAX);
        self.stamp.time = Timestamp::from_count(self.position, SAMPLE_RATE);
        (!self.frames.is_empty()).then_some(self)
    }

    fn until(mut self, end: Timestamp) -> Option<Self> {
        let end = u64::try_from(frame_at(end.0)).unwrap_or(0);
        let kept = usize::try_from(end.saturating_sub(self.position)).unwrap_or(usize::MAX);
        self.frames.truncate(kept);
        (!self.frames.is_empty()).then_some(self)
    }
}

impl Timed for Frame {
    fn start(&self) -> Timestamp {
        self.stamp.time
    }

    fn end(&self) -> Option<Timestamp> {
        None
    }

    fn moved(mut self, offset: i64) -> Option<Self> {
        self.stamp = shift(self.stamp, offset);
        (self.stamp.time.0 >= 0).then_some(self)
    }

    fn until(self, end: Timestamp) -> Option<Self> {
        (self.stamp.time < end).then_some(self)
    }
}

impl Timed for ScalarSample {
    fn start(&self) -> Timestamp {
        self.stamp.time
    }

    fn end(&self) -> Option<Timestamp> {
        None
    }

    fn moved(mut self, offset: i64) -> Option<Self> {
        self.stamp = shift(self.stamp, offset);
        (self.stamp.time.0 >= 0).then_some(self)
    }

    fn until(self, end: Timestamp) -> Option<Self> {
        (self.stamp.time < end).then_some(self)
    }
}

/// How long a recording holds the clock of its playlist.
///
/// Each sense has a playlist of its own, pulled on a thread of its own, and none may wait for another: one that waits
/// can't promise, and the engine would hold the other back for ever. So the senses of one file agree beforehand, by a
/// length that all are given when it is opened, and by nothing that is found out while they play.
///
/// A file that lacks a sense holds that sense's clock all the same where a later file has both: what so passes without
/// it stands [around](Entry::around) the recordings that have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Until its own end, but at least as long as it declares, if it does. The last picture or row lasts as long as the
    /// one before it.
    Own(Option<Timestamp>),
    /// Exactly so long, as its other senses do: sound is cut there, and pictures from there on are left out.
    Shared(Timestamp),
}

/// One recording of a playlist.
pub struct Entry<T> {
    /// The recording.
    pub source: Box<dyn Source<Item = T>>,
    /// How long it holds the clock.
    pub length: Length,
    /// How long nothing plays before it, and after it until the next one: there, files play that lack this sense.
    pub around: [Timestamp; 2],
}

/// Opens the recordings again for another round.
pub type Reopen<T> = Box<dyn FnMut() -> Result<Vec<Entry<T>>> + Send>;

/// Plays entries one after another.
pub struct Playlist<T> {
    info: SourceInfo,
    queue: VecDeque<Entry<T>>,
    reopen: Option<Reopen<T>>,
    /// Where the current entry starts on the playlist's clock, in ns; below 0 while the start is skipped.
    offset: i64,
    /// Where the current round started, as `offset`.
    round: i64,
    /// The end of what the current entry gave, on its own clock.
    reached: Reached,
    given_this_round: bool,
    past_faults: Faults,
    /// Whether faults are told by their file: while several play, the first time round.
    by_file: bool,
    /// Whether it gave something, or it was told why not.
    answered: bool,
}

impl<T: Timed> Playlist<T> {
    /// A playlist of `entries` from `start` on, under the names of all; with `reopen` it never ends by itself.
    ///
    /// `None` where there are no entries.
    #[must_use]
    pub fn new(entries: Vec<Entry<T>>, start: Timestamp, reopen: Option<Reopen<T>>) -> Option<Self> {
        Some(Self {
            info: info_of_all(&entries)?,
            by_file: entries.len() > 1,
            answered: false,
            queue: entries.into(),
            reopen,
            offset: start.0.saturating_neg(),
            round: start.0.saturating_neg(),
            reached: Reached::default(),
            given_this_round: false,
            past_faults: Faults::default(),
        })
    }

    /// Ends the current entry: the next one starts where it ended.
    fn advance(&mut self) {
        if let Some(entry) = self.queue.pop_front() {
            self.tell_faults(&entry);
            let faults = entry.source.faults();
            self.past_faults.damaged += faults.damaged;
            self.past_faults.not_finite += faults.not_finite;
            let reached = std::mem::take(&mut self.reached).end();
            let length = match entry.length {
                Length::Own(declared) => declared.unwrap_or_default().max(reached),
                Length::Shared(length) => length,
            };
            for passed in [entry.around[0], length, entry.around[1]] {
                self.offset = self.offset.saturating_add(passed.0);
            }
        }
    }

    /// What to say where all of it lies before the start, which is no failure but hardly meant.
    fn nothing_plays(&self) -> Option<String> {
        let (start, end) = (Timestamp(self.round.saturating_neg()), self.offset.saturating_sub(self.round));
        let SourceInfo { name, kind, .. } = &self.info;
        let said = !self.answered && self.reopen.is_none() && start > Timestamp::ZERO;
        said.then(|| {
            let end = Timestamp(end);
            format!("{kind}: {name}: nothing of it plays: it ends at {end}, and the run starts at {start}")
        })
    }
}

impl<T> Playlist<T> {
    /// Tells the faults of one of several recordings: the account has only their sum.
    fn tell_faults(&self, entry: &Entry<T>) {
        let said = told_faults(&entry.source.info().name, entry.source.faults());
        if let Some(said) = said.filter(|_| self.by_file) {
            tracing::warn!("{said}");
        }
    }
}

impl<T> Drop for Playlist<T> {
    /// A run may end within a recording.
    fn drop(&mut self) {
        if let Some(entry) = self.queue.front() {
            self.tell_faults(entry);
        }
    }
}

/// What recordings are together: the names of all, in order, and every format among them, once.
fn info_of_all<T>(entries: &[Entry<T>]) -> Option<SourceInfo> {
    let first = entries.first()?.source.info();
    let (mut names, mut formats) = (Vec::new(), Vec::new());
    for entry in entries {
        let info = entry.source.info();
        names.push(&info.name[..]);
        if !formats.contains(&&info.format[..]) {
            formats.push(&info.format[..]);
        }
    }
    Some(SourceInfo { name: names.join(", "), format: formats.join("; "), ..first.clone() })
}

/// The faults of the recording `name` in the words of the report; `None` where there are none.
fn told_faults(name: &str, faults: Faults) -> Option<String> {
    let counts = [(faults.damaged, "damaged"), (faults.not_finite, "not finite")];
    let said: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    (!said.is_empty()).then(|| format!("{name}: {}", said.join(", ")))
}

impl<T: Timed> Source for Playlist<T> {
    type Item = T;

    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn pull(&mut self) -> Result<Option<T>> {
        loop {
            let Some(entry) = self.queue.front_mut() else {
                // A round that gave nothing, or took no time, would go round for ever.
                let went_on = self.given_this_round && self.offset > self.round;
                let Some(reopen) = self.reopen.as_mut().filter(|_| went_on) else {
                    if let Some(said) = self.nothing_plays() {
                        tracing::warn!("{said}");
                    }
                    self.answered = true;
                    return Ok(None);
                };
                self.queue = reopen()?.into();
                self.by_file = false;
                self.given_this_round = false;
                self.round = self.offset;
                continue;
            };
            match entry.source.pull() {
                Ok(Some(item)) => {
                    self.reached.take(item.start(), item.end());
                    self.given_this_round = true;
                    let offset = self.offset.saturating_add(entry.around[0].0);
                    let end = match entry.length {
                        Length::Own(_) => Timestamp(i64::MAX),
                        Length::Shared(length) => Timestamp(offset.saturating_add(length.0)),
                    };
                    if let Some(item) = item.moved(offset).and_then(|item| item.until(end)) {
                        self.answered = true;
                        return Ok(Some(item));
                    }
                }
                Ok(None) => self.advance(),
                Err(failure) => {
                    // The rest of a broken recording is missing; the playlist ends with it.
                    self.advance();
                    self.queue.clear();
                    self.reopen = None;
                    self.answered = true;
                    return Err(failure);
                }
            }
        }
    }

    fn faults(&self) -> Faults {
        let mut faults = self.past_faults;
        if let Some(entry) = self.queue.front() {
            let now = entry.source.faults();
            faults.damaged += now.damaged;
            faults.not_finite += now.not_finite;
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::signal::Origin;

    /// Gives frames of one pixel at the given milliseconds, then breaks off if asked.
    struct Stills(SourceInfo, VecDeque<i64>, bool);

    fn stills(times: &[i64], breaks: bool) -> Entry<Frame> {
        let info = SourceInfo {
            name: "stills".into(),
            kind: "video".into(),
            origin: Origin::Recorded,
            format: String::new(),
        };
        let source = Box::new(Stills(info, times.iter().copied().collect(), breaks));
        Entry { source, length: Length::Own(None), around: [Timestamp::ZERO; 2] }
    }

    impl Source for Stills {
        type Item = Frame;
        fn info(&self) -> &SourceInfo {
            &self.0
        }
        fn pull(&mut self) -> Result<Option<Frame>> {
            let Some(ms) = self.1.pop_front() else {
                return if std::mem::take(&mut self.2) {
                    Err(Error::input("stills", "cut"))
                } else {
                    Ok(None)
                };
            };
            let stamp = Stamp::recorded(Timestamp(ms * 1_000_000));
            Ok(Some(Frame { stamp, sequence: 0, width: 1, height: 1, rgb: vec![0; 3] }))
        }
    }

    fn times(mut playlist: Playlist<Frame>, most: usize) -> Vec<i64> {
        std::iter::from_fn(|| playlist.pull().unwrap())
            .take(most)
            .map(|frame| frame.stamp.time.0 / 1_000_000)
            .collect()
    }

    #[test]
    fn the_second_recording_starts_where_the_first_one_ends() {
        let mut first = stills(&[0, 40], false);
        first.length = Length::Own(Some(Timestamp(100_000_000)));
        let playlist = Playlist::new(vec![first, stills(&[0, 40], false)], Timestamp::ZERO, None).unwrap();
        assert_eq!(times(playlist, 9), [0, 40, 100, 140]);
    }

    #[test]
    fn the_last_picture_lasts_as_long_as_the_one_before_and_a_lone_one_as_in_a_folder() {
        // Declared too short, as where only the first rows were counted: no picture comes twice at one time.
        let mut short = stills(&[0, 10, 20], false);
        short.length = Length::Own(Some(Timestamp(5_000_000)));
        let entries = vec![short, stills(&[0], false), stills(&[0], false)];
        let playlist = Playlist::new(entries, Timestamp::ZERO, None).unwrap();
        assert_eq!(times(playlist, 9), [0, 10, 20, 30, 70]);
    }

    #[test]
    fn a_shared_length_is_kept_whatever_the_recording_holds() {
        let shared = |times: &[i64], ms: i64| Entry {
            length: Length::Shared(Timestamp(ms * 1_000_000)),
            ..stills(times, false)
        };
        let entries = vec![shared(&[0, 40, 80], 60), shared(&[0, 40], 200), shared(&[0], 40)];
        let playlist = Playlist::new(entries, Timestamp(20_000_000), None).unwrap();
        assert_eq!(times(playlist, 9), [20, 40, 80, 240]);
        // A round without length would come to no end.
        let again: Reopen<Frame> = Box::new(move || Ok(vec![shared(&[0], 0)]));
        let playlist = Playlist::new(vec![shared(&[0], 0)], Timestamp::ZERO, Some(again)).unwrap();
        assert!(times(playlist, 5).is_empty());
    }

    #[test]
    fn what_lies_before_the_start_is_skipped() {
        let playlist = Playlist::new(vec![stills(&[0, 40, 80], false)], Timestamp(40_000_000), None).unwrap();
        assert_eq!(times(playlist, 9), [0, 40]);
    }

    #[test]
    fn a_loop_goes_on_until_nobody_asks_and_an_empty_one_ends() {
        let again: Reopen<Frame> = Box::new(|| Ok(vec![stills(&[0, 40], false)]));
        let playlist = Playlist::new(vec![stills(&[0, 40], false)], Timestamp::ZERO, Some(again)).unwrap();
        assert_eq!(times(playlist, 5), [0, 40, 80, 120, 160]);
        let empty: Reopen<Frame> = Box::new(|| Ok(vec![stills(&[], false)]));
        let playlist = Playlist::new(vec![stills(&[], false)], Timestamp::ZERO, Some(empty)).unwrap();
        assert!(times(playlist, 5).is_empty());
    }

    #[test]
    fn what_stands_around_a_recording_passes_without_anything() {
        let among = |times: &[i64], before: i64, after: i64| Entry {
            length: Length::Shared(Timestamp(60_000_000)),
            around: [Timestamp(before * 1_000_000), Timestamp(after * 1_000_000)],
            ..stills(times, false)
        };
        let entries = vec![among(&[0, 40, 80], 100, 200), among(&[0, 40], 10, 0)];
        let playlist = Playlist::new(entries, Timestamp(20_000_000), None).unwrap();
        assert_eq!(times(playlist, 9), [80, 120, 350, 390]);
        // A round is as long as all of it.
        let again: Reopen<Frame> = Box::new(move || Ok(vec![among(&[0], 30, 10)]));
        let playlist = Playlist::new(vec![among(&[0], 30, 10)], Timestamp::ZERO, Some(again)).unwrap();
        assert_eq!(times(playlist, 3), [30, 130, 230]);
    }

    #[test]
    fn recordings_are_told_by_all_their_names() {
        let named = |name: &str, format: &str| {
            let info = SourceInfo {
                name: name.into(),
                kind: "video".into(),
                origin: Origin::Recorded,
                format: format.into(),
            };
            Entry { source: Box::new(Stills(info, VecDeque::new(), false)), ..stills(&[], false) }
        };
        let entries = vec![named("a.gif", "GIF, 2x2"), named("b", "2 pictures"), named("c.gif", "GIF, 2x2")];
        let playlist = Playlist::new(entries, Timestamp::ZERO, None).unwrap();
        let SourceInfo { name, format, .. } = playlist.info();
        assert_eq!((&name[..], &format[..]), ("a.gif, b, c.gif", "GIF, 2x2; 2 pictures"));
        let faults = Faults { damaged: 0, not_finite: 8 };
        assert_eq!(told_faults("b.wav", faults).unwrap(), "b.wav: 8 not finite");
        let faults = Faults { damaged: 2, not_finite: 1 };
        assert_eq!(told_faults("b.wav", faults).unwrap(), "b.wav: 2 damaged, 1 not finite");
        assert_eq!(told_faults("a.wav", Faults::default()), None);
    }

    #[test]
    fn recordings_that_end_before_the_start_are_told_and_others_are_not() {
        let said = |start: i64| {
            let start = Timestamp(start * 1_000_000);
            let mut playlist = Playlist::new(vec![stills(&[0, 40], false)], start, None).unwrap();
            while let Ok(Some(_)) = playlist.pull() {}
            // As at the end, which has told it already.
            let answered = std::mem::replace(&mut playlist.answered, false);
            (answered, playlist.nothing_plays())
        };
        let (answered, told) = said(5_000);
        assert!(answered, "it is told once");
        let told = told.unwrap();
        assert!(told.contains("stills") && told.contains("0.080 s") && told.contains("5.000 s"), "{told}");
        assert_eq!(said(0).1, None);
        // Silent where something played, and where it broke off, of which the failure tells.
        for (start, breaks) in [(40, false), (5_000, true)] {
            let start = Timestamp(start * 1_000_000);
            let mut playlist = Playlist::new(vec![stills(&[0, 40], breaks)], start, None).unwrap();
            let _ = playlist.pull();
            assert_eq!(playlist.nothing_plays(), None, "{start}");
        }
    }

    #[test]
    fn a_recording_that_breaks_off_ends_the_playlist_once() {
        let entries = vec![stills(&[0], true), stills(&[0], false)];
        let mut playlist = Playlist::new(entries, Timestamp::ZERO, None).unwrap();
        assert!(playlist.pull().unwrap().is_some());
        assert!(playlist.pull().is_err());
        assert!(playlist.pull().unwrap().is_none());
    }

    #[test]
    fn sound_is_cut_and_moved_by_whole_frames() {
        let block = AudioBlock {
            stamp: Stamp::recorded(Timestamp::ZERO),
            position: 0,
            frames: (0..100).map(|n| [n as f32; 2]).collect(),
        };
        let cut = block.clone().moved(-1_000_000).unwrap();
        assert_eq!((cut.position, cut.frames.len(), cut.frames[0][0] as u32), (0, 52, 48));
        let later = block.clone().moved(1_000_000).unwrap();
        assert_eq!((later.position, later.frames.len()), (48, 100));
        assert!(block.clone().moved(-1_000_000_000).is_none());
        // 100 frames end at 2083333.3 ns, rounded down: the next file starts with frame 100 and not within frame 99.
        let end = block.end().unwrap();
        assert_eq!(block.clone().moved(end.0).unwrap().position, 100);
        assert_eq!(block.clone().until(end).unwrap().frames.len(), 100);
        assert_eq!(block.clone().until(Timestamp(1_000_000)).unwrap().frames.len(), 48);
        assert!(later.until(Timestamp(1_000_000)).is_none());
    }
}
