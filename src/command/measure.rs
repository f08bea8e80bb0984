//! A live run that is measured: the engine as it is, its speaker with a known sequence, what its microphone heard kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::live::devices;
use super::run::{Piece, Show};
use crate::config::{Config, Session};
use crate::engine::instrument::Instrument;
use crate::engine::{Engine, Inputs, Keep, Pace, Plays, Summary};
use crate::error::{Error, Kind, Result};
use crate::readout::roundtrip::{self, Delay};
use crate::signal::{DeviceFigures, DeviceKind, SessionItem};
use crate::stream::Sink;
use crate::stream::trace::HopReport;

/// The sequence's level: -26 dBFS.
const LEVEL: f32 = 0.05;
/// Seconds before the first delay counts: clocks are being measured, levels found.
const SETTLING: usize = 3;
/// Ticks from a click in which its grain is looked for.
const LISTENED: u64 = 1_000;

/// What a measured run found.
pub(super) struct Measured {
    pub(super) summary: Summary,
    /// Of cameras what was counted during the run alone.
    pub(super) devices: Vec<DeviceFigures>,
    pub(super) hops: BTreeMap<String, HopReport>,
    /// The round trip, once a period of the sequence.
    pub(super) delays: Vec<Delay>,
}

/// Keeps the left channel of what entered.
struct Listener(Arc<Mutex<Vec<f32>>>);

impl Sink for Listener {
    type Item = SessionItem;

    fn push(&mut self, item: &SessionItem) -> Result<()> {
        if let SessionItem::Entered(entered) = item {
            let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            heard.extend(entered.sound.iter().map(|frame| frame[0]));
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// Runs the configured engine on the configured devices for `seconds`.
///
/// # Errors
/// Where a device is missing, or the engine can't start.
pub(super) fn live(config: &Config, seconds: f64) -> Result<Measured> {
    let sequence = roundtrip::sequence(LEVEL);
    let mut piece = Piece::new(Inputs::default(), Show { title: "measurement".to_owned(), length: None });
    piece.inputs.live.plays = Plays::Pattern(sequence.clone());
    let owned = devices::open(config, &mut piece)?;
    if piece.senses.is_some() {
        let error =
            Error::call("camera, microphone", "a browser's devices are not measured").value("browser");
        return Err(error.bound("devices of this machine"));
    }
    if piece.devices.is_empty() {
        let error = Error::new(Kind::Device, "devices", "there is none to measure");
        return Err(error.help("`napot devices` says what is there, and why it can't be opened."));
    }
    let session = Session {
        pace: Pace::Real { thousandths: 1_000 },
        seconds: Some(seconds),
        tail_seconds: 0.0,
        layout: None,
    };
    let plan = config.plan(&session);
    let heard = Arc::<Mutex<Vec<f32>>>::default();
    let keep = Keep {
        session: Some(Box::new(Listener(Arc::clone(&heard)))),
        state_seconds: None,
        ..Keep::default()
    };
    let stop = Arc::clone(&piece.common.stop);
    let trace = Arc::clone(&piece.common.trace);
    let devices = piece.devices;
    let engine = Engine::start(&plan, Instrument::new(&plan)?, piece.inputs, keep, None, piece.common)?;
    let starts: Vec<DeviceFigures> = devices.iter().map(|device| device.figures()).collect();
    let summary = engine.join(&stop)?;
    drop(owned);
    let figures = starts.iter().zip(&devices).map(|(start, device)| of_run(start, device.figures()));
    let figures = figures.collect();
    let heard = std::mem::take(&mut *heard.lock().unwrap_or_else(PoisonError::into_inner));
    let periods = heard.chunks_exact(sequence.len()).skip((SETTLING * 48_000).div_ceil(sequence.len()));
    let delays = periods.filter_map(|period| roundtrip::delay(&sequence, period)).collect();
    Ok(Measured { summary, devices: figures, hops: trace.report(), delays })
}

/// The figures of a device at the end of a run, of a camera without what was counted before its start: until somebody takes
/// pictures, each replaces the one before, and nothing is lost by that.
pub(super) fn of_run(start: &DeviceFigures, end: DeviceFigures) -> DeviceFigures {
    if end.kind != DeviceKind::Camera {
        return end;
    }
    DeviceFigures {
        delivered: end.delivered - start.delivered,
        dropped: end.dropped - start.dropped,
        missed: end.missed - start.missed,
        ..end
    }
}

/// Checks the measurement itself against a known delay; gives what it found for it, in frames.
///
/// # Errors
/// Where it is off by a tenth of a frame or more.
pub(super) fn check_itself(known: usize) -> Result<f64> {
    let sequence = roundtrip::sequence(LEVEL);
    let count = sequence.len();
    let delayed: Vec<f32> = (0..count).map(|index| 0.5 * sequence[(index + count - known) % count]).collect();
    let found = roundtrip::delay(&sequence, &delayed).map(|delay| delay.frames);
    found.filter(|found| (found - known as f64).abs() < 0.1).ok_or_else(|| {
        Error::call("bench latency", "the measurement does not find a known delay")
            .value(format!("{found:?}"))
            .bound(format!("{known} frames"))
    })
}

/// Ticks from a click at the ear to the first grain in the sound of the field: the array's own delay. It is the first
/// tick whose sound differs from that of the same array without the click.
///
/// # Errors
/// Where the instrument can't be built.
pub(super) fn click_to_grain(config: &Config) -> Result<Option<u64>> {
    use crate::engine::StageTimer;
    use crate::kernel::team::Team;
    use crate::time::{ManualClock, SAMPLES_PER_TICK, Tick};
    const LISTENS_FROM: u64 = 500;
    const AUDIBLE: f32 = 1e-4;
    let session = Session { pace: Pace::Max, seconds: None, tail_seconds: 0.0, layout: None };
    let plan = config.plan(&session);
    let clock = ManualClock::new();
    let mut team = Team::starting(1, |_| {});
    let (mut with, mut without) = (Instrument::new(&plan)?, Instrument::new(&plan)?);
    let silence = [[0.0; 2]; SAMPLES_PER_TICK];
    let mut click = silence;
    click[0] = [0.5; 2];
    for tick in 0..LISTENS_FROM + LISTENED {
        let sound = if tick == LISTENS_FROM { &click } else { &silence };
        with.tick(Tick(tick), sound, &[], &mut team, &mut StageTimer::start(&clock));
        without.tick(Tick(tick), &silence, &[], &mut team, &mut StageTimer::start(&clock));
        let pairs = with.sound().iter().flatten().zip(without.sound().iter().flatten());
        if pairs.into_iter().any(|(one, other)| (one - other).abs() > AUDIBLE) {
            return Ok(Some(tick - LISTENS_FROM));
        }
    }
    Ok(None)
}
