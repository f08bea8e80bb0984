//! A `cpal` stream whose callback moves samples and stamps them, nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{
    Data, Device, ErrorKind, FromSample, I24, Sample, SampleFormat, SizedSample, Stream, StreamConfig,
};

use super::format::Format;
use super::hosts::{is_jack, name_of};
use crate::error::{Error, Kind, Result};
use crate::stream::capture::Tap;
use crate::stream::playback::Spout;
use crate::stream::priority;
use crate::time::{Clock, Timestamp};

/// How long a host may take to open a stream, where it minds that.
const OPENING: Duration = Duration::from_secs(2);

/// What a stream's error callback counts: it may be called a million times a second, and does no more.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    /// Errors that mean that the stream has ended.
    pub(super) ends: AtomicU64,
    /// Errors of the back end, which may be passing or not.
    pub(super) others: AtomicU64,
    /// Blocks that the host says were late.
    pub(super) late: AtomicU64,
    /// Whether real-time priority was refused.
    pub(super) refused: AtomicBool,
}

impl Troubles {
    fn note(&self, kind: ErrorKind) {
        match kind {
            ErrorKind::Xrun => &self.late,
            ErrorKind::RealtimeDenied => return self.refused.store(true, Ordering::Relaxed),
            // The stream goes on.
            ErrorKind::DeviceChanged => return,
            ErrorKind::BackendError => &self.others,
            _ => &self.ends,
        }
        .fetch_add(1, Ordering::Relaxed);
    }
}

/// What is done once by the thread that a host calls back on.
struct First {
    pending: bool,
    troubles: Arc<Troubles>,
}

impl First {
    fn call(&mut self) {
        if std::mem::take(&mut self.pending) && priority::ask().is_err() {
            self.troubles.refused.store(true, Ordering::Relaxed);
        }
    }
}

/// Calls `$body` with the samples of `$data` in their own type.
macro_rules! by_format {
    ($data:ident, $slice:ident, $samples:ident => $body:expr) => {
        by_format!($data, $slice, $samples => $body; F32 f32, F64 f64, I32 i32, I24 I24, I16 i16, I8 i8, U16 u16, U8 u8)
    };
    ($data:ident, $slice:ident, $samples:ident => $body:expr; $($format:ident $type:ty),*) => {
        match $data.sample_format() {
            $(SampleFormat::$format => if let Some($samples) = $data.$slice::<$type>() { $body },)*
            _ => {}
        }
    };
}

/// Hands on a block whose first frame was captured `age` ago. That one is what hosts tell of: ALSA's delay, for one, is
/// asked for before the block is read. A link counts from the end of the last.
fn give<T: SizedSample>(tap: &mut Tap, samples: &[T], config: StreamConfig, clock: &dyn Clock, age: Duration)
where
    f32: FromSample<T>,
{
    let channels = usize::from(config.channels);
    let right = usize::from(channels > 1);
    let frames = samples.chunks_exact(channels.max(1));
    let frames = frames.map(|frame| [f32::from_sample(frame[0]), f32::from_sample(frame[right])]);
    let length = Timestamp::from_count(frames.len() as u64, config.sample_rate) - Timestamp::ZERO;
    tap.give(frames, clock.now(), age.saturating_sub(length));
}

fn fill<T: SizedSample + FromSample<f32>>(
    spout: &mut Spout,
    samples: &mut [T],
    channels: usize,
    clock: &dyn Clock,
    latency: Duration,
) {
    let channels = channels.max(1);
    let now = clock.now();
    spout.fill(samples.len() / channels, now, latency, |index, [left, right]| {
        let frame = &mut samples[index * channels..(index + 1) * channels];
        match frame {
            [only] => *only = T::from_sample(0.5 * (left + right)),
            [first, second, ..] => (*first, *second) = (T::from_sample(left), T::from_sample(right)),
            [] => {}
        }
    });
}

/// Whether a device is a plug-in of ALSA to a sound server. It may spin on errors, and with real-time priority would keep
/// a core from everything else.
pub(super) fn is_plug_in(device: &Device) -> bool {
    let is_hardware =
        |id: &str| ["hw:", "plughw:", "front:", "sysdefault:"].iter().any(|kind| id.starts_with(kind));
    device.id().is_ok_and(|id| id.host().name().eq_ignore_ascii_case("alsa") && !is_hardware(id.id()))
}

/// Whether a host's callbacks need real-time priority and may have it. JACK gives it by itself.
fn asks(device: &Device) -> bool {
    device.id().is_ok_and(|id| !is_jack(id.host())) && !is_plug_in(device)
}

/// What is done at the first call. Who neither asks nor has a host that gives it, has no real-time priority.
fn first(device: &Device, troubles: &Arc<Troubles>) -> First {
    let pending = asks(device);
    let gives = device.id().is_ok_and(|id| is_jack(id.host()));
    troubles.refused.store(!(pending || gives), Ordering::Relaxed);
    First { pending, troubles: Arc::clone(troubles) }
}

/// Opens a stream from `device` into `tap` and lets it run.
///
/// # Errors
/// Why the device could not be opened.
pub(super) fn input(
    device: &Device,
    format: &Format,
    mut tap: Tap,
    clock: Arc<dyn Clock>,
    troubles: &Arc<Troubles>,
) -> Result<Stream> {
    let config = format.config;
    let mut first = first(device, troubles);
    let errors = Arc::clone(troubles);
    let stream = device.build_input_stream_raw(
        config,
        format.sample,
        move |data: &Data, info| {
            first.call();
            let times = info.timestamp();
            let age = times.callback.saturating_duration_since(times.capture);
            by_format!(data, as_slice, samples => give(&mut tap, samples, config, &*clock, age));
        },
        move |error| errors.note(error.kind()),
        Some(OPENING),
    );
    play(device, stream)
}

/// Opens a stream from `spout` to `device` and lets it run.
///
/// # Errors
/// Why the device could not be opened.
pub(super) fn output(
    device: &Device,
    format: &Format,
    mut spout: Spout,
    clock: Arc<dyn Clock>,
    troubles: &Arc<Troubles>,
) -> Result<Stream> {
    let channels = usize::from(format.config.channels);
    let mut first = first(device, troubles);
    let errors = Arc::clone(troubles);
    let stream = device.build_output_stream_raw(
        format.config,
        format.sample,
        move |data: &mut Data, info| {
            first.call();
            let times = info.timestamp();
            let latency = times.playback.saturating_duration_since(times.callback);
            by_format!(data, as_slice_mut, samples => fill(&mut spout, samples, channels, &*clock, latency));
        },
        move |error| errors.note(error.kind()),
        Some(OPENING),
    );
    play(device, stream)
}

fn play(device: &Device, stream: std::result::Result<Stream, cpal::Error>) -> Result<Stream> {
    stream.and_then(|stream| stream.play().map(|()| stream)).map_err(|cause| {
        let problem = match cause.kind() {
            ErrorKind::DeviceBusy => "another program uses it",
            ErrorKind::PermissionDenied => "this user may not use it",
            ErrorKind::DeviceNotAvailable => "it is not there",
            ErrorKind::UnsupportedConfig => "it refuses the format",
            ErrorKind::HostUnavailable => "its server does not answer",
            _ => "it can't be opened",
        };
        Error::new(Kind::Device, name_of(device), problem).value(cause)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::bridge::Margin;
    use crate::stream::capture::{self, Heard};
    use crate::time::{ManualClock, SAMPLES_PER_TICK};

    /// What is told of a tick by a device that gives 480 frames every 10 ms and says that the first of them is so old.
    fn heard_of(age: Duration) -> Heard {
        let (mut socket, mut capture) = capture::capture();
        let (mut tap, link, _tally) = capture::link(48_000, Margin::smallest()).unwrap();
        socket.plug(link);
        let config =
            StreamConfig { channels: 2, sample_rate: 48_000, buffer_size: cpal::BufferSize::Default };
        let clock = ManualClock::new();
        let mut out = [[0.0; 2]; SAMPLES_PER_TICK];
        let mut heard = None;
        for tick in 1..=1_000 {
            clock.advance(Duration::from_millis(1));
            if tick % 10 == 0 {
                give(&mut tap, &[0_i16; 960], config, &clock, age);
            }
            heard = capture.take(clock.now(), &mut out);
        }
        heard.unwrap()
    }

    #[test]
    fn the_age_of_a_block_is_that_of_its_last_frame() {
        assert_eq!(heard_of(Duration::from_millis(12)).device, Duration::from_millis(2));
        assert_eq!(
            heard_of(Duration::from_millis(7)).device,
            Duration::ZERO,
            "a host that says less than a block"
        );
    }
}
