//! Lays decoded frames on the file's clock: silence where nothing is stored, nothing where too much is.

/// A gap shorter than this, in milliseconds, is the rounding of a container's stamps, not silence.
const TOLERANCE_MS: u32 = 10;
/// The longest silence between two packets, in seconds; a longer one is taken for a damaged stamp.
const LONGEST_GAP_S: i64 = 600;
/// The latest start of a track, in seconds.
const LATEST_START_S: i64 = 6 * 3600;
/// Frames of silence given at a time.
const SILENCE_BLOCK: u64 = 4096;

/// How a packet fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// After what was given before, or at the track's start.
    Next,
    /// After a silence that stands for packets that are missing.
    AfterGap,
    /// Its stamp was not believed: it was put after what was given before.
    Doubted,
}

/// The positions of one track's frames, counted from the file's start at the track's rate.
#[derive(Debug)]
pub struct Timeline {
    /// A gap or an overlap up to this many milliseconds is none.
    tolerance_ms: u32,
    /// The next frame's position.
    position: u64,
    /// Silence to give before anything else.
    gap: u64,
    /// Frames that wait for silence before them to be given.
    waiting: Vec<[f32; 2]>,
    started: bool,
    /// What a stored position is moved by: the edit list's empty time less its start.
    shift: i64,
    /// Positions before this one are not shown.
    from: i64,
    /// Positions from here on are not shown.
    end: Option<u64>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self::tolerant(TOLERANCE_MS)
    }
}

impl Timeline {
    /// A time line on which gaps and overlaps up to so many milliseconds are none.
    #[must_use]
    pub fn tolerant(tolerance_ms: u32) -> Self {
        Self {
            tolerance_ms,
            position: 0,
            gap: 0,
            waiting: Vec::new(),
            started: false,
            shift: 0,
            from: 0,
            end: None,
        }
    }

    /// A time line with `empty` frames first and then the stored ones from `start` on, at most `length`.
    #[must_use]
    pub fn edited(empty: i64, start: i64, length: Option<i64>) -> Self {
        let end = length.map(|length| u64::try_from(empty.saturating_add(length)).unwrap_or(0));
        Self { shift: empty.saturating_sub(start), from: empty, end, ..Self::default() }
    }

    /// The next frame's position.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How many frames are shown of a track that stores `frames`.
    #[must_use]
    pub fn shown(&self, frames: u64) -> u64 {
        let moved = frames.saturating_add_signed(self.shift);
        self.end.map_or(moved, |end| moved.min(end))
    }

    /// Keeps frames that were decoded early; they are given first.
    pub fn keep(&mut self, frames: Vec<[f32; 2]>) {
        self.waiting.splice(0..0, frames);
    }

    /// Gives silence or frames that are due before the next packet; `false` where there are none.
    pub fn silence(&mut self, out: &mut Vec<[f32; 2]>) -> bool {
        if self.gap > 0 {
            let count = self.gap.min(SILENCE_BLOCK);
            self.gap -= count;
            out.resize(out.len() + count as usize, [0.0; 2]);
            return true;
        }
        let any = !self.waiting.is_empty();
        out.append(&mut self.waiting);
        any
    }

    /// Puts `frames`, whose first is stored at `first`, after what has been given.
    pub fn place(&mut self, first: i64, frames: &[[f32; 2]], rate: u32, out: &mut Vec<[f32; 2]>) -> Placed {
        if frames.is_empty() {
            return Placed::Next;
        }
        let at = first.saturating_add(self.shift);
        let from = if self.started { at } else { self.from };
        let hidden = usize::try_from(from.saturating_sub(at)).unwrap_or(0);
        let (at, frames) = (at.max(from), frames.get(hidden..).unwrap_or_default());
        if frames.is_empty() {
            return Placed::Next;
        }
        let ahead = at.saturating_sub(i64::try_from(self.position).unwrap_or(i64::MAX));
        let (longest, tolerance) = if self.started {
            (LONGEST_GAP_S, i64::from(rate) * i64::from(self.tolerance_ms) / 1000)
        } else {
            (LATEST_START_S, 0)
        };
        let believed =
            ahead <= longest * i64::from(rate) && (!self.started || -ahead <= longest * i64::from(rate));
        let ahead = if believed && ahead.abs() > tolerance { ahead } else { 0 };
        let skipped = usize::try_from(-ahead).unwrap_or(0).min(frames.len());
        let kept = &frames[skipped..];
        let placed = match (believed, self.started && ahead > 0) {
            (false, _) => Placed::Doubted,
            (true, true) => Placed::AfterGap,
            (true, false) => Placed::Next,
        };
        self.started |= !kept.is_empty();
        let gap = self.room(u64::try_from(ahead).unwrap_or(0));
        self.gap += gap;
        self.position += gap;
        let count = self.room(kept.len() as u64);
        self.position += count;
        let kept = &kept[..count as usize];
        if self.gap > 0 {
            self.waiting.extend_from_slice(kept);
        } else {
            out.extend_from_slice(kept);
        }
        placed
    }

    /// How many of `count` frames are shown before the end.
    fn room(&self, count: u64) -> u64 {
        self.end.map_or(count, |end| count.min(end.saturating_sub(self.position)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: [f32; 2] = [1.0, 1.0];

    fn given(line: &mut Timeline, first: i64, count: usize) -> Vec<[f32; 2]> {
        let mut out = Vec::new();
        assert_ne!(line.place(first, &vec![ONE; count], 1000, &mut out), Placed::Doubted);
        while line.silence(&mut out) {}
        out
    }

    #[test]
    fn a_late_track_starts_with_silence() {
        let mut line = Timeline::default();
        let out = given(&mut line, 5000, 3);
        assert_eq!(out.len(), 5003);
        assert_eq!(out.iter().filter(|f| **f == ONE).count(), 3);
        assert_eq!(line.position(), 5003);
    }

    #[test]
    fn encoder_delay_before_the_start_is_left_out() {
        let mut line = Timeline::edited(0, 5, None);
        assert!(given(&mut line, 0, 4).is_empty());
        assert_eq!(given(&mut line, 4, 4).len(), 3);
    }

    #[test]
    fn an_edit_ends_the_track() {
        let mut line = Timeline::edited(2, 1, Some(4));
        assert_eq!(given(&mut line, 0, 10), [[0.0; 2], [0.0; 2], ONE, ONE, ONE, ONE]);
        assert!(given(&mut line, 10, 10).is_empty());
        assert_eq!(line.shown(20), 6);
    }

    #[test]
    fn stamps_rounded_to_milliseconds_make_no_gaps_and_lost_packets_do() {
        let mut line = Timeline::default();
        assert_eq!(given(&mut line, 0, 100).len(), 100);
        assert_eq!(given(&mut line, 102, 100).len(), 100);
        assert_eq!(given(&mut line, 250, 10).len(), 60);
    }

    #[test]
    fn an_absurd_stamp_is_not_believed() {
        let mut line = Timeline::default();
        given(&mut line, 0, 10);
        let mut out = Vec::new();
        assert_eq!(line.place(i64::MAX / 2, &[ONE; 10], 1000, &mut out), Placed::Doubted);
        assert_eq!(out.len(), 10);
        assert_eq!(line.place(i64::MIN / 2, &[ONE; 10], 1000, &mut out), Placed::Doubted);
        assert_eq!(out.len(), 20);
    }
}
