//! Several recordings one after another on one clock, from a start time on, round and round if asked.

use std::collections::VecDeque;

use crate::error::Result;
use crate::signal::{AudioBlock, Frame, ScalarSample, Stamp};
use crate::stream::{Faults, Source, SourceInfo};
use crate::time::{SAMPLE_RATE, Timestamp};

/// An item that can be moved in time.
pub trait Timed {
    /// When it starts.
    fn start(&self) -> Timestamp;
    /// When it ends; for items without a length, when it starts.
    fn end(&self) -> Timestamp;
    /// Moves it later by `offset`, and drops what then lies before 0; `None` where nothing is left.
    fn moved(self, offset: i64) -> Option<Self>
    where
        Self: Sized;
}

fn shift(stamp: Stamp, offset: i64) -> Stamp {
    Stamp { time: Timestamp(stamp.time.0.saturating_add(offset)), ..stamp }
}

impl Timed for AudioBlock {
    fn start(&self) -> Timestamp {
        Timestamp::from_count(self.position, SAMPLE_RATE)
    }

    fn end(&self) -> Timestamp {
        Timestamp::from_count(self.position + self.frames.len() as u64, SAMPLE_RATE)
    }

    fn moved(mut self, offset: i64) -> Option<Self> {
        // Whole frames, so that no two files overlap by a rounding.
        let frames = i128::from(offset) * i128::from(SAMPLE_RATE) / 1_000_000_000;
        let position = i128::from(self.position) + frames;
        let cut = usize::try_from((-position).max(0)).unwrap_or(usize::MAX).min(self.frames.len());
        self.frames.drain(..cut);
        self.position = u64::try_from(position.max(0)).unwrap_or(u64::MAX);
        self.stamp.time = Timestamp::from_count(self.position, SAMPLE_RATE);
        (!self.frames.is_empty()).then_some(self)
    }
}

impl Timed for Frame {
    fn start(&self) -> Timestamp {
        self.stamp.time
    }

    fn end(&self) -> Timestamp {
        self.stamp.time
    }

    fn moved(mut self, offset: i64) -> Option<Self> {
        self.stamp = shift(self.stamp, offset);
        (self.stamp.time.0 >= 0).then_some(self)
    }
}

impl Timed for ScalarSample {
    fn start(&self) -> Timestamp {
        self.stamp.time
    }

    fn end(&self) -> Timestamp {
        self.stamp.time
    }

    fn moved(mut self, offset: i64) -> Option<Self> {
        self.stamp = shift(self.stamp, offset);
        (self.stamp.time.0 >= 0).then_some(self)
    }
}

/// One recording of a playlist.
pub struct Entry<T> {
    /// The recording.
    pub source: Box<dyn Source<Item = T>>,
    /// How long it holds the clock, where that is known; else until its own end.
    pub duration: Option<Timestamp>,
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
    /// The end of what the current entry gave, on its own clock.
    reached: Timestamp,
    given: u64,
    given_this_round: bool,
    past_faults: Faults,
}

impl<T: Timed> Playlist<T> {
    /// A playlist of `entries` from `start` on; with `reopen` it never ends by itself.
    ///
    /// `None` where there are no entries.
    #[must_use]
    pub fn new(entries: Vec<Entry<T>>, start: Timestamp, reopen: Option<Reopen<T>>) -> Option<Self> {
        let info = entries.first()?.source.info().clone();
        Some(Self {
            info,
            queue: entries.into(),
            reopen,
            offset: start.0.saturating_neg(),
            reached: Timestamp::ZERO,
            given: 0,
            given_this_round: false,
            past_faults: Faults::default(),
        })
    }

    /// Ends the current entry: the next one starts where it ended.
    fn advance(&mut self) {
        if let Some(entry) = self.queue.pop_front() {
            let faults = entry.source.faults();
            self.past_faults.damaged += faults.damaged;
            self.past_faults.not_finite += faults.not_finite;
            let length = entry.duration.unwrap_or_default().max(self.reached);
            self.offset = self.offset.saturating_add(length.0);
            self.reached = Timestamp::ZERO;
        }
    }
}

impl<T: Timed> Source for Playlist<T> {
    type Item = T;

    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn pull(&mut self) -> Result<Option<T>> {
        loop {
            let Some(entry) = self.queue.front_mut() else {
                // A round that gave nothing would go round for ever.
                let Some(reopen) = self.reopen.as_mut().filter(|_| self.given_this_round) else {
                    return Ok(None);
                };
                self.queue = reopen()?.into();
                self.given_this_round = false;
                continue;
            };
            match entry.source.pull() {
                Ok(Some(item)) => {
                    self.reached = self.reached.max(item.end());
                    self.given_this_round = true;
                    if let Some(item) = item.moved(self.offset) {
                        self.given += 1;
                        return Ok(Some(item));
                    }
                }
                Ok(None) => self.advance(),
                Err(failure) => {
                    // The rest of a broken recording is missing; the playlist ends with it.
                    self.advance();
                    self.queue.clear();
                    self.reopen = None;
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
        Entry { source: Box::new(Stills(info, times.iter().copied().collect(), breaks)), duration: None }
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
        first.duration = Some(Timestamp(80_000_000));
        let playlist = Playlist::new(vec![first, stills(&[0, 40], false)], Timestamp::ZERO, None).unwrap();
        assert_eq!(times(playlist, 9), [0, 40, 80, 120]);
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
        assert_eq!(times(playlist, 5), [0, 40, 40, 80, 80]);
        let empty: Reopen<Frame> = Box::new(|| Ok(vec![stills(&[], false)]));
        let playlist = Playlist::new(vec![stills(&[], false)], Timestamp::ZERO, Some(empty)).unwrap();
        assert!(times(playlist, 5).is_empty());
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
        assert!(block.moved(-1_000_000_000).is_none());
    }
}
