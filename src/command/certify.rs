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
/// See there.
const TICK_MS: f64 = 1.0;
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
            None => sheet.without(kind.name(), why_none(config, kind)),
        }
    }
    round_trip_lines(&mut sheet, measured);
    match measured.devices.iter().find(|device| device.kind == DeviceKind::Camera) {
        Some(device) => camera_lines(&mut sheet, measured, device, config, seconds),
        None => sheet.without("camera", why_none(config, DeviceKind::Camera)),
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

/// Why there is no device of a kind.
fn why_none(config: &Config, kind: DeviceKind) -> &'static str {
    let is_on = match kind {
        DeviceKind::Microphone => config.microphone.enabled && config.hearing.enabled,
        DeviceKind::Speaker => config.speaker.enabled,
        DeviceKind::Camera => config.camera.enabled && config.vision.enabled,
    };
    if is_on { "none could be opened" } else { "the configuration switches it off" }
}

/// The rate that was agreed with a device in Hz; `otherwise` where none was told.
fn rate_of(device: &DeviceFigures, otherwise: f64) -> f64 {
    if device.agreed_hz > 0.0 { device.agreed_hz } else { otherwise }
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
    sheet.line(format!("{name} lost"), f64::from(device.lost), "times", 0.0, 1);
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
    // Each device counts its block at its own rate; a camera has none.
    let blocks = measured.devices.iter().map(|device| {
        ROUND_TRIP_BLOCKS * f64::from(device.block) * 1e3 / rate_of(device, f64::from(SAMPLE_RATE))
    });
    let limit = blocks.fold(0.0, f64::max) + TICK_MS;
    sheet.line("round trip p50", ms(middle), "ms", limit, count as u64);
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
    let wanted = rate_of(device, config.camera.fps) * seconds;
    let short = (1.0 - device.delivered as f64 / wanted).max(0.0) * 100.0;
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
            "{verdict}  {:<36} {:>10.3} {:<9} at most {:<8.3} ({} measured)",
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
    use std::collections::BTreeMap;

    use super::*;
    use crate::engine::Summary;
    use crate::engine::analysis::Analysis;
    use crate::readout::roundtrip::Delay;

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

    fn device(kind: DeviceKind) -> DeviceFigures {
        DeviceFigures { opened: 1, delivered: 3_600, ..DeviceFigures::opening(kind, "one") }
    }

    /// What is certified of a run of two minutes with these devices, whose sound came back after `frames`.
    fn certified(config: &Config, devices: Vec<DeviceFigures>, frames: &[f64]) -> Certificate {
        let summary = Summary {
            ticks: 120_000,
            arrays: Vec::new(),
            electrodes: Vec::new(),
            sources: Vec::new(),
            analysis: Analysis::new(1, 1_000, Vec::new(), false),
            fit: None,
            energy: Vec::new(),
            refused: 0,
            mind: None,
            binding: None,
            objects: None,
            recogniser: None,
            senses: None,
            ledger_hash: String::new(),
            rings: Vec::new(),
            priority: Some("real-time".to_owned()),
            wall_ns: 0,
            failures: Vec::new(),
        };
        let delays = frames.iter().map(|frames| Delay { frames: *frames, ratio: 100.0 }).collect();
        let measured = Measured { summary, devices, hops: BTreeMap::new(), delays };
        certificate(config, &measured, 120.0)
    }

    /// The value and the verdict of a line of the certificate of one device.
    fn line(device: DeviceFigures, name: &str) -> (f64, bool) {
        let certificate = certified(&Config::default(), vec![device], &[]);
        let line = certificate.lines.iter().find(|line| line.name == name).unwrap();
        (line.value, line.pass)
    }

    #[test]
    fn a_device_with_larger_blocks_was_not_lost() {
        let larger = DeviceFigures { opened: 3, ..device(DeviceKind::Speaker) };
        assert_eq!(line(larger.clone(), "speaker lost"), (0.0, true));
        assert_eq!(line(DeviceFigures { lost: 1, ..larger }, "speaker lost"), (1.0, false));
    }

    #[test]
    fn what_was_replaced_before_the_engine_took_pictures_is_not_lost() {
        let start = DeviceFigures { delivered: 90, dropped: 88, missed: 1, ..device(DeviceKind::Camera) };
        let end = DeviceFigures { delivered: 4_090, dropped: 89, missed: 2, ..device(DeviceKind::Camera) };
        assert!(!line(end.clone(), "camera pictures lost").1, "with what came before");
        assert_eq!(line(measure::of_run(&start, end.clone()), "camera pictures lost"), (0.05, true));
        let more = DeviceFigures { dropped: 107, ..end };
        assert_eq!(line(measure::of_run(&start, more), "camera pictures lost"), (0.5, false));
        let microphone = DeviceFigures { dropped: 5, ..device(DeviceKind::Microphone) };
        assert_eq!(measure::of_run(&microphone, microphone.clone()), microphone, "its sums stay whole");
    }

    #[test]
    fn a_camera_is_held_to_the_rate_that_was_agreed() {
        let name = "camera pictures short of its rate";
        let slow = DeviceFigures { delivered: 3_000, ..device(DeviceKind::Camera) };
        assert_eq!(line(DeviceFigures { agreed_hz: 25.0, ..slow.clone() }, name), (0.0, true));
        assert!(!line(slow.clone(), name).1, "without one, to the 30 of the configuration");
        assert!(!line(DeviceFigures { agreed_hz: 26.0, ..slow }, name).1);
    }

    #[test]
    fn blocks_of_a_round_trip_last_as_long_as_at_their_devices_rates() {
        let with = |kind, block, agreed_hz| DeviceFigures { agreed_hz, block, ..device(kind) };
        // Ten milliseconds each: three of them and a tick are 31 ms, or 1,488 frames of the run.
        for devices in [
            vec![with(DeviceKind::Microphone, 441, 44_100.0), with(DeviceKind::Speaker, 960, 96_000.0)],
            vec![with(DeviceKind::Microphone, 80, 8_000.0), with(DeviceKind::Speaker, 96, 48_000.0)],
            vec![with(DeviceKind::Microphone, 480, 0.0), with(DeviceKind::Camera, 0, 30.0)],
        ] {
            for (frames, passes) in [(1_488.0, true), (1_489.0, false)] {
                let certificate = certified(&Config::default(), devices.clone(), &[frames]);
                let line = certificate.lines.iter().find(|line| line.name == "round trip p50").unwrap();
                assert_eq!((line.limit, line.pass), (31.0, passes), "{devices:?}");
            }
        }
    }

    /// Why there is no microphone, speaker and camera, by a configuration that was changed.
    fn why(change: impl FnOnce(&mut Config)) -> [String; 3] {
        let mut config = Config::default();
        change(&mut config);
        let told = certified(&config, Vec::new(), &[]).not_measured;
        ["microphone", "speaker", "camera"].map(|kind| {
            let why = told.iter().find_map(|line| line.strip_prefix(kind)?.strip_prefix(": "));
            why.unwrap().to_owned()
        })
    }

    #[test]
    fn what_is_switched_off_is_told_from_what_could_not_be_opened() {
        let (closed, off) = ("none could be opened", "the configuration switches it off");
        assert_eq!(why(|_| ()), [closed, closed, closed]);
        assert_eq!(why(|config| config.microphone.enabled = false), [off, closed, closed]);
        assert_eq!(why(|config| config.hearing.enabled = false), [off, closed, closed]);
        assert_eq!(why(|config| config.speaker.enabled = false), [closed, off, closed]);
        assert_eq!(why(|config| config.camera.enabled = false), [closed, closed, off]);
        assert_eq!(why(|config| config.vision.enabled = false), [closed, closed, off]);
    }
}
