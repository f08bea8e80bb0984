//! What waits for one viewer: bounded, the newest first, and every loss counted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use tokio::sync::Notify;

use crate::signal::{Stamp, Status};

/// Sound frames that may wait: 250 ms at 48 kHz.
const SOUND_FRAMES: usize = 12_000;
/// Stretches of traces that may wait: 2 s at one every 50 ms.
const TRACE_CHUNKS: usize = 40;

/// A viewer's counts; at any time `produced = delivered + dropped + waiting`, for fields from the
/// frame that the viewer joined at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Counts {
    /// Field frames since the viewer came.
    pub(super) produced: u64,
    /// Field frames sent.
    pub(super) delivered: u64,
    /// Field frames passed over, since a newer one came before the viewer was ready.
    pub(super) dropped: u64,
    /// Sound frames given up.
    pub(super) sound_dropped: u64,
    /// Stretches of traces given up.
    pub(super) traces_dropped: u64,
}

/// A field frame, and when the picture was captured that has just entered it.
#[derive(Clone, Debug, Default)]
pub(super) struct FieldBytes {
    pub(super) bytes: Bytes,
    pub(super) captured: Option<Stamp>,
}

/// The next thing to send.
#[derive(Clone, Debug)]
pub(super) enum Next {
    /// Bytes as they are.
    Ready(Bytes),
    /// A field frame, preceded by the pictures that belong to it; takes one credit.
    Field {
        /// Its sequence number.
        sequence: u64,
        /// The frame.
        field: FieldBytes,
        /// The newest input picture, the newest of the mind's eye, what arrays bind and what stands out, where they were not sent yet.
        pictures: [Option<Bytes>; 4],
    },
    /// The status, to which the viewer adds its counts.
    Status(Arc<Status>),
}

#[derive(Default)]
struct Waiting {
    field: Option<(u64, FieldBytes)>,
    last_sequence: u64,
    input: Option<Bytes>,
    mind: Option<Bytes>,
    binding: Option<Bytes>,
    objects: Option<Bytes>,
    status: Option<Arc<Status>>,
    traces: VecDeque<Bytes>,
    sound: VecDeque<(usize, Bytes)>,
    sound_frames: usize,
    wants_sound: bool,
    counts: Counts,
}

/// The queue between the pump and one viewer.
#[derive(Default)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

impl Outbox {
    /// Only threads that may wait come here: the engine's never does.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns once something may have come.
    pub(super) async fn filled(&self) {
        self.wake.notified().await;
    }

    /// A new field frame; takes the place of one that still waits. A frame that was offered before is ignored.
    pub(super) fn offer_field(&self, sequence: u64, field: FieldBytes) {
        let mut waiting = self.lock();
        if sequence <= waiting.last_sequence {
            return;
        }
        waiting.counts.produced += match waiting.last_sequence {
            0 => 1,
            last => sequence - last,
        };
        waiting.last_sequence = sequence;
        waiting.field = Some((sequence, field));
        let counts = waiting.counts;
        waiting.counts.dropped = counts.produced - counts.delivered - 1;
        drop(waiting);
        self.wake.notify_one();
    }

    /// A new input picture; it leaves with the next field frame.
    pub(super) fn offer_input(&self, input: Bytes) {
        self.lock().input = Some(input);
    }

    /// A new picture of the mind's eye; it leaves with the next field frame, too.
    pub(super) fn offer_mind(&self, mind: Bytes) {
        self.lock().mind = Some(mind);
    }

    /// New pictures of what arrays bind; they leave with the next field frame, too.
    pub(super) fn offer_binding(&self, binding: Bytes) {
        self.lock().binding = Some(binding);
    }

    /// A new picture of what stands out; it leaves with the next field frame, too.
    pub(super) fn offer_objects(&self, objects: Bytes) {
        self.lock().objects = Some(objects);
    }

    /// A new status.
    pub(super) fn offer_status(&self, status: Arc<Status>) {
        self.lock().status = Some(status);
        self.wake.notify_one();
    }

    /// A stretch of traces; the oldest goes where too many wait.
    pub(super) fn offer_traces(&self, chunk: Bytes) {
        let mut waiting = self.lock();
        waiting.traces.push_back(chunk);
        if waiting.traces.len() > TRACE_CHUNKS {
            waiting.traces.pop_front();
            waiting.counts.traces_dropped += 1;
        }
        drop(waiting);
        self.wake.notify_one();
    }

    /// Sound frames; the oldest go where too many wait. Ignored until the viewer asks for sound.
    pub(super) fn offer_sound(&self, frames: usize, sound: Bytes) {
        let mut waiting = self.lock();
        if !waiting.wants_sound {
            return;
        }
        waiting.sound.push_back((frames, sound));
        waiting.sound_frames += frames;
        while waiting.sound_frames > SOUND_FRAMES {
            let Some((lost, _)) = waiting.sound.pop_front() else { break };
            waiting.sound_frames -= lost;
            waiting.counts.sound_dropped += lost as u64;
        }
        drop(waiting);
        self.wake.notify_one();
    }

    /// Whether the viewer listens.
    pub(super) fn wants_sound(&self) -> bool {
        self.lock().wants_sound
    }

    /// Starts or ends listening; what waited is thrown away.
    pub(super) fn set_sound(&self, wanted: bool) {
        let mut waiting = self.lock();
        waiting.wants_sound = wanted;
        waiting.sound.clear();
        waiting.sound_frames = 0;
    }

    /// What to send next, most urgent first; a field frame only with a credit.
    pub(super) fn take(&self, credit: bool) -> Option<Next> {
        let mut waiting = self.lock();
        if let Some((frames, sound)) = waiting.sound.pop_front() {
            waiting.sound_frames -= frames;
            return Some(Next::Ready(sound));
        }
        if let Some(chunk) = waiting.traces.pop_front() {
            return Some(Next::Ready(chunk));
        }
        if let Some(status) = waiting.status.take() {
            return Some(Next::Status(status));
        }
        if !credit {
            return None;
        }
        let (sequence, field) = waiting.field.take()?;
        waiting.counts.delivered += 1;
        let Waiting { input, mind, binding, objects, .. } = &mut *waiting;
        let pictures = [input, mind, binding, objects].map(Option::take);
        Some(Next::Field { sequence, field, pictures })
    }

    /// The counts now.
    pub(super) fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// The counts at the end: what waits, and a frame whose sending broke off, were not delivered.
    pub(super) fn close(&self, field_broke_off: bool) -> Counts {
        let mut waiting = self.lock();
        waiting.field = None;
        waiting.counts.delivered -= u64::from(field_broke_off);
        waiting.counts.dropped = waiting.counts.produced - waiting.counts.delivered;
        waiting.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_field_wins_and_the_others_are_counted() {
        let outbox = Outbox::default();
        for sequence in 7..=10 {
            outbox.offer_field(sequence, FieldBytes::default());
        }
        assert!(outbox.take(false).is_none());
        assert!(matches!(outbox.take(true), Some(Next::Field { sequence: 10, .. })));
        assert!(outbox.take(true).is_none());
        let counts = outbox.counts();
        assert_eq!((counts.produced, counts.delivered, counts.dropped), (4, 1, 3));
    }

    #[test]
    fn frames_that_the_server_never_saw_still_count_as_dropped() {
        let outbox = Outbox::default();
        outbox.offer_field(1, FieldBytes::default());
        outbox.take(true);
        outbox.offer_field(5, FieldBytes::default());
        let counts = outbox.close(false);
        assert_eq!((counts.produced, counts.delivered, counts.dropped), (5, 1, 4));
    }

    #[test]
    fn a_frame_that_broke_off_was_not_delivered() {
        let outbox = Outbox::default();
        outbox.offer_field(1, FieldBytes::default());
        outbox.take(true);
        let counts = outbox.close(true);
        assert_eq!((counts.produced, counts.delivered, counts.dropped), (1, 0, 1));
    }

    #[test]
    fn sound_older_than_a_quarter_second_is_given_up_and_counted() {
        let outbox = Outbox::default();
        outbox.offer_sound(480, Bytes::new());
        assert!(outbox.take(false).is_none(), "nobody asked for sound");
        outbox.set_sound(true);
        for _ in 0..30 {
            outbox.offer_sound(480, Bytes::new());
        }
        let mut kept = 0;
        while outbox.take(false).is_some() {
            kept += 480;
        }
        assert_eq!(kept, SOUND_FRAMES);
        assert_eq!(outbox.counts().sound_dropped, 30 * 480 - SOUND_FRAMES as u64);
    }
}
