//! Tells what is recorded while a run goes on: once how fast it grows, and each time what was kept of the last seconds.

use std::sync::Arc;

use super::Common;
use crate::signal::RecordingFigures;
use crate::stream::recording::RecordingMonitor;

/// Tells of a run's recorders.
pub(super) struct Teller {
    monitor: Option<Arc<RecordingMonitor>>,
    quiet: bool,
    grows: bool,
    kept: String,
}

impl Teller {
    pub(super) fn new(common: &Common, monitor: Option<Arc<RecordingMonitor>>) -> Self {
        Self { monitor, quiet: common.quiet, grows: false, kept: String::new() }
    }

    /// How long there is room, in a few words; empty where that is not known.
    pub(super) fn short(&self) -> String {
        let figures = self.monitor.as_ref().map(|monitor| monitor.figures());
        let left = figures.and_then(|figures| figures.hours_left);
        left.map_or_else(String::new, |hours| format!(", recorded; {}", room(hours)))
    }

    /// Tells what is new, on standard error.
    pub(super) fn tell(&mut self) {
        let Some(monitor) = &self.monitor else { return };
        let figures = monitor.figures();
        if self.quiet {
            return;
        }
        if let Some(sentence) = growth(&figures).filter(|_| !self.grows) {
            self.grows = true;
            eprintln!("napot: {sentence}");
        }
        if figures.kept != self.kept {
            self.kept = figures.kept;
            // A failure is in the log already.
            if !figures.failed {
                eprintln!("napot: {}", self.kept);
            }
        }
    }
}

/// How fast a session grows.
fn growth(figures: &RecordingFigures) -> Option<String> {
    let (rate, hours) = (figures.bytes_per_second?, figures.hours_left?);
    Some(format!("the session grows by {:.2} MB a second; {}", rate / 1e6, room(hours)))
}

/// How long there is room on the disk.
fn room(hours: f64) -> String {
    if hours >= 2.0 { format!("room for {hours:.0} h") } else { format!("room for {:.0} min", hours * 60.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_and_room_are_told_once_they_are_known() {
        let mut figures = RecordingFigures { bytes: Some(1), ..RecordingFigures::default() };
        assert_eq!(growth(&figures), None);
        figures.bytes_per_second = Some(960_000.0);
        figures.hours_left = Some(1.51);
        assert_eq!(growth(&figures).unwrap(), "the session grows by 0.96 MB a second; room for 91 min");
        figures.hours_left = Some(31.4);
        assert!(growth(&figures).unwrap().ends_with("room for 31 h"));
    }
}
