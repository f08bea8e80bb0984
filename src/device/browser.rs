//! The microphone of a browser: chunks of sound that a page sends become what a device's callback gives.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::error::{Error, Kind, Result};
use crate::signal::SoundChunk;
use crate::stream::bridge::{Counts, Margin};
use crate::stream::capture::{self, Capture, Tap};
use crate::stream::device::DeviceMonitor;
use crate::time::{Clock, SAMPLE_RATE, Timestamp};

/// From the end of a chunk to when it counts as come: longer than it mostly takes, so that what arrives sooner or later
/// does not shake the clock.
const ON_THE_WAY: Duration = Duration::from_millis(30);
/// What chunks may be later than that.
const MARGIN: Duration = Duration::from_millis(50);
/// How often the thread looks whether the run has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Hears what pages send until `stop`, which is its own: the engine must have ended before, or what it still takes while
/// the sound fades is in no account.
///
/// # Errors
/// Where no thread can be started.
pub fn microphone(
    chunks: Receiver<SoundChunk>,
    monitor: Arc<DeviceMonitor>,
    clock: Arc<dyn Clock>,
    stop: Arc<AtomicBool>,
) -> Result<(JoinHandle<()>, Capture)> {
    let (mut socket, capture) = capture::capture();
    let (mut tap, link, tally) = capture::link(SAMPLE_RATE, Margin::fixed(MARGIN))?;
    socket.plug(link);
    let thread = std::thread::Builder::new().name("napot-browser".to_owned()).spawn(move || {
        // It must outlive the engine's link.
        let _socket = socket;
        // What the page's server lost is told by itself.
        let mut dropped = 0;
        let mut tell = |counts: Counts| {
            monitor.update(|figures| {
                figures.dropped += counts.dropped.saturating_sub(dropped);
                figures.filled = counts.filled;
                figures.used = counts.used;
                figures.resampled = counts.resampled;
                figures.faults = counts.faults;
                figures.not_finite = counts.not_finite;
                figures.drift_ppm = tally.drift();
            });
            dropped = counts.dropped;
        };
        while !stop.load(Ordering::Acquire) {
            match chunks.recv_timeout(LOOK) {
                Ok(chunk) => give(&mut tap, &chunk, clock.now()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            tell(tally.counts());
        }
        // After the run what waits has no use any more.
        let left = chunks.try_iter().map(|chunk| chunk.frames.len() as u64).sum::<u64>();
        let counts = tally.counts().ended_in();
        tell(Counts { dropped: counts.dropped + left, ..counts });
    });
    let thread = thread.map_err(|cause| {
        Error::new(Kind::Device, "browser microphone", "no thread could be started").value(cause)
    })?;
    Ok((thread, capture))
}

/// Gives what has come by `now`. It counts as come [`ON_THE_WAY`] after its end, sooner or later than it really did: so
/// that is how old it was then. No sound is here before its end.
fn give(tap: &mut Tap, chunk: &SoundChunk, now: Timestamp) {
    let length = Timestamp::from_count(chunk.frames.len() as u64, SAMPLE_RATE) - Timestamp::ZERO;
    let end = (chunk.captured + length).min(now);
    tap.give(chunk.frames.iter().copied(), end + ON_THE_WAY, ON_THE_WAY);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::signal::DeviceKind;
    use crate::stream::capture::Heard;
    use crate::time::{ManualClock, SAMPLES_PER_TICK};

    /// Ns of a chunk.
    const CHUNK: i64 = 10_000_000;

    fn chunk(sequence: u64) -> SoundChunk {
        let captured = Timestamp(sequence.cast_signed() * CHUNK);
        SoundChunk { frames: vec![[0.0; 2]; 480], captured, sequence, lost_before: 0 }
    }

    /// What is found of the clock within a second, and what is told of the last tick, where chunks are stamped `late` ns
    /// later than they were captured, and arrive up to 10 ms after their end.
    fn hear(late: i64) -> (f64, Option<Heard>) {
        let (mut socket, mut capture) = capture::capture();
        let (mut tap, link, tally) = capture::link(SAMPLE_RATE, Margin::fixed(MARGIN)).unwrap();
        socket.plug(link);
        let mut jitter = Stream::new(6, 0);
        let mut out = [[0.0; 2]; SAMPLES_PER_TICK];
        let (mut sequence, mut arrival, mut heard) = (0, 0, None);
        for tick in 0..1_000_i64 {
            let now = Timestamp(tick * 1_000_000);
            loop {
                if arrival == 0 {
                    let end = (sequence + 1_u64).cast_signed() * CHUNK;
                    arrival = end + (jitter.uniform() * 1e7) as i64;
                }
                if arrival > now.0 {
                    break;
                }
                let mut next = chunk(sequence);
                next.captured.0 += late;
                give(&mut tap, &next, Timestamp(arrival));
                (sequence, arrival) = (sequence + 1, 0);
            }
            heard = capture.take(now, &mut out);
        }
        (tally.drift().unwrap(), heard)
    }

    #[test]
    fn chunks_that_come_sooner_or_later_do_not_shake_the_clock() {
        let (drift, heard) = hear(0);
        assert!(drift.abs() < 30.0, "{drift} ppm");
        // A chunk, a tick, the margin, the resampler, and the way: what is told is how old the sound is.
        let heard = heard.unwrap();
        let age = (heard.device + heard.waited).as_secs_f64();
        assert!((age - 0.0913).abs() < 0.001, "{age} s");
    }

    #[test]
    fn a_chunk_that_would_end_after_it_came_is_stamped_by_its_arrival() {
        let (drift, _) = hear(30_000_000);
        assert!(drift.abs() > 30.0, "{drift} ppm: arrivals jitter");
    }

    #[test]
    fn it_hears_until_its_flag_is_set_and_then_accounts_for_all() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
        let (sender, chunks) = crossbeam_channel::unbounded();
        let monitor = Arc::new(DeviceMonitor::new(DeviceKind::Microphone, "browser microphone"));
        let stop = Arc::<AtomicBool>::default();
        let (thread, mut capture) =
            microphone(chunks, Arc::clone(&monitor), Arc::clone(&clock), Arc::clone(&stop)).unwrap();
        let mut out = [[0.0; 2]; SAMPLES_PER_TICK];
        for tick in 0..1_000_u64 {
            let now = Timestamp(tick.cast_signed() * 1_000_000);
            clock.wait_until(now);
            if tick > 0 && tick.is_multiple_of(10) {
                sender.send(chunk(tick / 10 - 1)).unwrap();
                while !sender.is_empty() {
                    std::thread::yield_now();
                }
            }
            capture.take(now, &mut out);
        }
        stop.store(true, Ordering::Release);
        thread.join().unwrap();
        let figures = monitor.figures();
        assert_eq!(99 * 480, figures.used + figures.dropped, "{figures:?}");
        assert_eq!((figures.used + figures.filled).cast_signed() + figures.resampled, 48_000, "{figures:?}");
    }
}
