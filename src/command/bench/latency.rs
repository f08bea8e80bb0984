//! `napot bench latency`: the way from microphone to speaker on real devices, hop by hop, with counts.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde::Serialize;

use super::super::measure::{self, Measured};
use super::{Common, print_json, print_line};
use crate::config::Config;
use crate::error::Result;
use crate::signal::DeviceFigures;
use crate::stream::trace::HopReport;
use crate::time::SAMPLE_RATE;

/// Seconds that are measured, where `--for` says nothing.
const SECONDS: f64 = 30.0;
/// The delay that the measurement must find in itself, in frames.
const KNOWN: usize = 1_234;

/// What was measured.
#[derive(Debug, Serialize)]
struct Latency {
    /// The way from microphone to speaker, cable included; `null` where nothing came back.
    round_trip: Option<RoundTrip>,
    /// Frames that the measurement found for a known delay of 1234.
    self_test_frames: f64,
    /// From a click at the ear to the first grain in the sound: the array's own delay, in no device's.
    click_to_grain_ms: Option<u64>,
    /// Real-time priority of the engine's thread.
    priority: Option<String>,
    /// Ticks that ended over 10 ms late.
    deadline_misses: u64,
    devices: Vec<DeviceFigures>,
    /// Per hop, as in `report.json`.
    #[serde(rename = "latency_ms")]
    hops: BTreeMap<String, HopReport>,
}

/// A round trip.
#[derive(Debug, Serialize)]
struct RoundTrip {
    /// Periods of the sequence that were found again.
    count: usize,
    frames_p50: f64,
    frames_min: f64,
    frames_max: f64,
    ms_p50: f64,
}

fn round_trip(measured: &Measured) -> Option<RoundTrip> {
    let mut frames: Vec<f64> = measured.delays.iter().map(|delay| delay.frames).collect();
    frames.sort_by(f64::total_cmp);
    let (first, last) = (*frames.first()?, *frames.last()?);
    let middle = frames[frames.len() / 2];
    Some(RoundTrip {
        count: frames.len(),
        frames_p50: middle,
        frames_min: first,
        frames_max: last,
        ms_p50: middle * 1e3 / f64::from(SAMPLE_RATE),
    })
}

/// Runs the command.
pub(super) fn run(common: &Common, config: &Config) -> Result<ExitCode> {
    let self_test_frames = measure::check_itself(KNOWN)?;
    let measured = measure::live(config, common.seconds.unwrap_or(SECONDS))?;
    let mut hops = measured.hops.clone();
    hops.insert("engine_tick".to_owned(), measured.summary.analysis.tick_hop.report());
    hops.insert("due_to_read".to_owned(), measured.summary.analysis.late_hop.report());
    let latency = Latency {
        round_trip: round_trip(&measured),
        self_test_frames,
        click_to_grain_ms: measure::click_to_grain(config)?,
        priority: measured.summary.priority,
        deadline_misses: measured.summary.analysis.misses,
        devices: measured.devices,
        hops,
    };
    let printed = if common.json { print_json(&latency) } else { print_text(&latency) };
    printed?;
    Ok(ExitCode::SUCCESS)
}

fn print_text(latency: &Latency) -> Result<()> {
    for device in &latency.devices {
        let drift = device.drift_ppm.map_or_else(|| "not known".to_owned(), |ppm| format!("{ppm:+.1} ppm"));
        print_line(&format!("{}: {} ({}), drift {drift}", device.kind.name(), device.name, device.format))?;
    }
    match &latency.round_trip {
        Some(trip) => print_line(&format!(
            "microphone to speaker, cable included: {:.1} frames = {:.2} ms ({:.1} to {:.1}, {} times); 1234 known frames are found as {:.2}",
            trip.frames_p50,
            trip.ms_p50,
            trip.frames_min,
            trip.frames_max,
            trip.count,
            latency.self_test_frames
        ))?,
        None => print_line(
            "microphone to speaker: nothing came back; connect the output to the input by a cable",
        )?,
    }
    if let Some(ms) = latency.click_to_grain_ms {
        print_line(&format!("the array's own delay, from a click to its first grain: {ms} ms"))?;
    }
    let priority = latency.priority.as_deref().unwrap_or("ordinary");
    print_line(&format!("engine: {priority} priority, {} deadline misses", latency.deadline_misses))?;
    print_line("hop                                   count       p50       p99     p99.9       max   ms")?;
    for (name, hop) in &latency.hops {
        let cell = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
        print_line(&format!(
            "{name:<32} {:>10} {:>9} {:>9} {:>9} {:>9}",
            hop.count,
            cell(hop.p50),
            cell(hop.p99),
            cell(hop.p99_9),
            cell(hop.max)
        ))?;
    }
    Ok(())
}
