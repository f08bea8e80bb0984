//! The microphone of a browser: chunks of sound that a page sends become what a device's callback gives.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::error::{Error, Kind, Result};
use crate::signal::SoundChunk;
use crate::stream::bridge::{Counts, Margin};
use crate::stream::capture::{self, Capture};
use crate::stream::device::DeviceMonitor;
use crate::time::{Clock, SAMPLE_RATE, Timestamp};

/// From the end of a chunk to when it counts as come: longer than it mostly takes, so that what arrives sooner or later
/// does not shake the clock.
const ON_THE_WAY: Duration = Duration::from_millis(30);
/// What chunks may be later than that.
const MARGIN: Duration = Duration::from_millis(50);
/// How often the thread looks whether the run has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Hears what pages send.
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
                Ok(chunk) => {
                    let length =
                        Timestamp::from_count(chunk.frames.len() as u64, SAMPLE_RATE) - Timestamp::ZERO;
                    let due = (chunk.captured + length + ON_THE_WAY).min(clock.now());
                    tap.give(chunk.frames.iter().copied(), due, ON_THE_WAY);
                }
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
