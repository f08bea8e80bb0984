//! `napot certify`: whether this machine runs the configured engine on its devices in real time, line by line, and why not.

use std::process::ExitCode;

use serde::Serialize;

use super::measure::{self, Measured};
use super::{Common, print_json, print_line};
use crate::config::Config;
use crate::error::Result;
use crate::signal::{DeviceFigures, DeviceKind};
use crate::stream::trace::HopReport;
use crate::time::SAMPLE_RATE;

/// How long it measures, where `--for` says nothing.
const SECONDS: f64 = 120.0;
/// The engine may begin a tick so late, at the 99th percentile: as long as the margin that begins a run.
const WAKE_UP_MS: f64 = 0.7;
/// Ticks of 10,000 that may end over 10 ms late.
const MISSES: f64 = 1.0;
/// How far a device's clock may be off; a worse one is broken.
const DRIFT_PPM: f64 = 1_000.0;
/// Times in a minute that sound may be missing.
const FAULTS: f64 = 6.0;
/// The round trip may take so many blocks and a tick more.
const ROUND_TRIP_BLOCKS: f64 = 3.0;
/// How far round trips may lie apart.
const ROUND_TRIP_JITTER_MS: f64 = 1.0;
/// Age of a picture once it is decoded, at the 99th percentile.
const CAMERA_MS: f64 = 50.0;
/// From a picture's capture to the tick that it enters, 99th percentile less the median.
const CAMERA_JITTER_MS: f64 = 10.0;
/// Share of pictures or sound frames that may be lost.
const LOST_PERCENT: f64 = 0.1;

/// One thing that must hold.
#[derive(Debug, Serialize)]
struct Line {
    /// What was measured.
    name: String,
    value: f64,
    unit: &'static str,
    /// The most that passes.
    limit: f64,
    /// How many measurements stand behind the value.
    count: u64,
    pass: bool,
}

/// The certificate.
#[derive(Debug, Serialize)]
struct Certificate {
    pass: bool,
    lines: Vec<Line>,
    /// Frames of a block of sound that this machine holds.
    recommended_buffer: u32,
    /// Why that many.
    reason: String,
    /// What could not be measured, and why.
    not_measured: Vec<String>,
    devices: Vec<DeviceFigures>,
}

/// Runs the command: exit code 1 where a line does not pass.
pub(super) fn run(common: &Common) -> Result<ExitCode> {
    let config = common.load()?;
    let seconds = common.seconds.unwrap_or(SECONDS);
    if !(common.quiet || common.json) {
        eprintln!("NAPOT measures this machine for {seconds} s. The speaker plays a quiet noise.");
    }
    let certificate = certificate(&config, &measure::live(&config, seconds)?, seconds);
    let printed = if common.json { print_json(&certificate) } else { print_text(&certificate) };
    printed?;
    Ok(ExitCode::from(u8::from(!certificate.pass)))
}

/// The lines, as they are found.
struct Sheet {
    lines: Vec<Line>,
    not_measured: Vec<String>,
}

impl Sheet {
    fn line(&mut self, name: impl Into<String>, value: f64, unit: &'static str, limit: f64, count: u64) {
        // What is not a number passes nothing.
        let pass = value <= limit;
        self.lines.push(Line { name: name.into(), value, unit, limit, count, pass });
    }

    fn without(&mut self, name: &str, why: &str) {
        self.not_measured.push(format!("{name}: {why}"));
    }

    /// A percentile, or that there were too few measurements for it.
    fn tail(&mut self, name: &str, hop: Option<&HopReport>, limit: f64) {
        match hop.and_then(|hop| hop.p99.map(|p99| (p99, hop.count))) {
            Some((p99, count)) => self.line(format!("{name} p99"), p99, "ms", limit, count),
            None => self.without(name, "fewer than 1,000 were seen"),
        }
    }
}

fn certificate(config: &Config, measured: &Measured, seconds: f64) -> Certificate {
    let mut sheet = Sheet { lines: Vec::new(), not_measured: Vec::new() };
    let summary = &measured.summary;
    let granted = summary.priority.as_deref() == Some("real-time");
    sheet.line("engine without real-time priority", f64::from(u8::from(!granted)), "", 0.0, 1);
    sheet.tail("engine wake-up", measured.hops.get("tick_due_to_begun"), WAKE_UP_MS);
    let ticks = summary.ticks;
    let misses = summary.analysis.misses as f64 / ticks.max(1) as f64 * 1e4;
    sheet.line("deadline misses", misses, "of 10,000", MISSES, ticks);
    for kind in [DeviceKind::Microphone, DeviceKind::Speaker] {
        match measured.devices.iter().find(|device| device.kind == kind) {
            Some(device) => sound_lines(&mut sheet, device, seconds),
            None => sheet.without(kind.name(), "none could be opened"),
        }
    }
    round_trip_lines(&mut sheet, measured);
    match measured.devices.iter().find(|device| device.kind == DeviceKind::Camera) {
        Some(device) => camera_lines(&mut sheet, measured, device, config, seconds),
        None => sheet.without("camera", "none could be opened"),
    }
    let (recommended_buffer, reason) = recommended(measured);
    Certificate {
        pass: sheet.lines.iter().all(|line| line.pass),
        lines: sheet.lines,
        recommended_buffer,
        reason,
        not_measured: sheet.not_measured,
        devices: measured.devices.clone(),
    }
}

fn sound_lines(sheet: &mut Sheet, device: &DeviceFigures, seconds: f64) {
    let name = device.kind.name();
    match device.drift_ppm {
        Some(ppm) => sheet.line(format!("{name} drift"), ppm.abs(), "ppm", DRIFT_PPM, device.delivered),
        None => sheet.without(&format!("{name} drift"), "it did not run long enough"),
    }
    let minutes = (seconds / 60.0).max(1.0 / 60.0);
    sheet.line(
        format!("{name} faults"),
        device.faults as f64 / minutes,
        "a minute",
        FAULTS,
        device.delivered,
    );
    sheet.line(format!("{name} lost"), f64::from(device.opened.saturating_sub(1)), "times", 0.0, 1);
}

fn round_trip_lines(sheet: &mut Sheet, measured: &Measured) {
    let mut frames: Vec<f64> = measured.delays.iter().map(|delay| delay.frames).collect();
    frames.sort_by(f64::total_cmp);
    if frames.is_empty() {
        sheet.without("round trip", "nothing came back: connect the output to the input by a cable");
        return;
    }
    let ms = |frames: f64| frames * 1e3 / f64::from(SAMPLE_RATE);
    let count = frames.len();
    let (middle, tail) = (frames[count / 2], frames[(count * 99 / 100).min(count - 1)]);
    let block = measured.block.max(1);
    let limit = ROUND_TRIP_BLOCKS * f64::from(block) + 48.0;
    sheet.line("round trip p50", ms(middle), "ms", ms(limit), count as u64);
    sheet.line("round trip p99 less p50", ms(tail - middle), "ms", ROUND_TRIP_JITTER_MS, count as u64);
}

fn camera_lines(
    sheet: &mut Sheet,
    measured: &Measured,
    device: &DeviceFigures,
    config: &Config,
    seconds: f64,
) {
    sheet.tail("camera, captured to decoded,", measured.hops.get("picture_captured_to_decoded"), CAMERA_MS);
    match measured.hops.get("picture_captured_to_tick") {
        Some(HopReport { p50: Some(p50), p99: Some(p99), count, .. }) => {
            sheet.line("camera jitter p99 less p50", p99 - p50, "ms", CAMERA_JITTER_MS, *count);
        }
        _ => sheet.without("camera jitter", "fewer than 1,000 pictures that brought bursts"),
    }
    let lost = (device.dropped + device.missed) as f64 / device.delivered.max(1) as f64 * 100.0;
    sheet.line("camera pictures lost", lost, "%", LOST_PERCENT, device.delivered);
    let wanted = config.camera.fps * seconds;
    let short = (1.0 - device.delivered as f64 / wanted).max(0.0) * 100.0;
    // Opening takes its time too.
    sheet.line("camera pictures short of its rate", short, "%", 2.0, device.delivered);
}

/// The smallest block in whose time this machine wakes its threads, twice over.
fn recommended(measured: &Measured) -> (u32, String) {
    let woke = measured.hops.get("tick_due_to_begun");
    let Some((late, which)) =
        woke.and_then(|hop| hop.p99_9.map(|late| (late, "99.9 %")).or(hop.max.map(|late| (late, "all"))))
    else {
        return (1_024, "nothing was measured".to_owned());
    };
    let needed = (2.0 * late * 1e-3 * f64::from(SAMPLE_RATE)).ceil().clamp(32.0, 8_192.0) as u32;
    let block = needed.next_power_of_two().max(64);
    let reason = format!(
        "{which} of the engine's wake-ups are at most {late:.2} ms late, and a block should last twice that"
    );
    (block, reason)
}

fn print_text(certificate: &Certificate) -> Result<()> {
    for device in &certificate.devices {
        print_line(&format!("{}: {} ({})", device.kind.name(), device.name, device.format))?;
    }
    for line in &certificate.lines {
        let verdict = if line.pass { "pass" } else { "FAIL" };
        print_line(&format!(
            "{verdict}  {:<36} {:>10.3} {:<9} at most {:<8} ({} measured)",
            line.name, line.value, line.unit, line.limit, line.count
        ))?;
    }
    for what in &certificate.not_measured {
        print_line(&format!("  --  {what}"))?;
    }
    print_line(&format!(
        "recommended block: {} frames ({})",
        certificate.recommended_buffer, certificate.reason
    ))?;
    print_line(match (certificate.pass, certificate.not_measured.is_empty()) {
        (false, _) => "This machine does NOT pass.",
        (true, true) => "This machine passes.",
        (true, false) => "This machine passes what was measured; the lines with -- were not.",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_passes_at_its_limit_and_not_beyond_or_without_a_value() {
        let mut sheet = Sheet { lines: Vec::new(), not_measured: Vec::new() };
        sheet.line("a", 1.0, "ms", 1.0, 5);
        sheet.line("b", 1.1, "ms", 1.0, 5);
        sheet.line("c", f64::NAN, "ms", 1.0, 0);
        assert_eq!(sheet.lines.iter().map(|line| line.pass).collect::<Vec<_>>(), [true, false, false]);
        sheet.tail("d", None, 1.0);
        assert_eq!(sheet.not_measured, ["d: fewer than 1,000 were seen"]);
    }
}
