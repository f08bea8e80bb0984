//! What a device's own thread tells people of it, and the wish to use another.
//!
//! The device's thread writes the figures, the page and the report read them; the wish goes the other way. The
//! real-time thread touches nothing here but the flag that mutes a speaker.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::signal::{DeviceFigures, DeviceKind, DeviceState};

/// The figures of a device, shared.
#[derive(Debug)]
pub struct DeviceMonitor {
    figures: Mutex<DeviceFigures>,
    wish: Mutex<Option<String>>,
    /// Set while a speaker is muted; what plays on it looks at it at every tick.
    pub muted: Arc<AtomicBool>,
}

impl DeviceMonitor {
    /// The monitor of a device that is being opened.
    #[must_use]
    pub fn new(kind: DeviceKind, name: &str) -> Self {
        let figures = Mutex::new(DeviceFigures::opening(kind, name));
        Self { figures, wish: Mutex::default(), muted: Arc::default() }
    }

    /// The figures of the moment.
    #[must_use]
    pub fn figures(&self) -> DeviceFigures {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the figures.
    pub fn update(&self, change: impl FnOnce(&mut DeviceFigures)) {
        change(&mut self.figures.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// It was opened, and runs. Where it had not been running, a line in the log says that it is back.
    pub fn opened(&self, name: &str, format: &str) {
        self.update(|figures| {
            if matches!(figures.state, DeviceState::Lost | DeviceState::Silent) {
                tracing::warn!("{} {name}: it is back: {format}", figures.kind.name());
            }
            name.clone_into(&mut figures.name);
            format.clone_into(&mut figures.format);
            figures.state = DeviceState::Running;
            figures.opened += 1;
        });
    }

    /// The rate that was agreed with it, in Hz.
    pub fn agreed(&self, hz: f64) {
        self.update(|figures| figures.agreed_hz = hz);
    }

    /// It does not do what it should; one line goes to the log for each change of state.
    pub fn troubled(&self, state: DeviceState, problem: &str) {
        let mut figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        if figures.state != state || figures.problem.as_deref() != Some(problem) {
            tracing::warn!("{} {}: {problem}", figures.kind.name(), figures.name);
        }
        let was_open = matches!(figures.state, DeviceState::Running | DeviceState::Silent);
        figures.lost += u32::from(was_open && state == DeviceState::Lost);
        figures.state = state;
        figures.problem = Some(problem.to_owned());
    }

    /// It runs again without having been opened anew.
    pub fn recovered(&self) {
        self.update(|figures| {
            figures.state = DeviceState::Running;
            tracing::warn!("{} {}: it goes on", figures.kind.name(), figures.name);
        });
    }

    /// Asks for the device of another name.
    pub fn use_another(&self, name: &str) {
        *self.wish.lock().unwrap_or_else(PoisonError::into_inner) = Some(name.to_owned());
    }

    /// The name of the device that was asked for since the last time.
    pub fn take_wish(&self) -> Option<String> {
        self.wish.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Mutes the speakers among `devices`, or has them sound again.
pub fn mute(devices: &[Arc<DeviceMonitor>], muted: bool) {
    for speaker in devices.iter().filter(|device| device.figures().kind == DeviceKind::Speaker) {
        speaker.muted.store(muted, Ordering::Relaxed);
    }
}

/// Whether the speaker among `devices` is muted; `None` where there is none.
#[must_use]
pub fn is_muted(devices: &[Arc<DeviceMonitor>]) -> Option<bool> {
    let speaker = devices.iter().find(|device| device.figures().kind == DeviceKind::Speaker)?;
    Some(speaker.muted.load(Ordering::Relaxed))
}

/// Has a driver do `work` on a thread of its own, for it may never be done with it. `None` where it was not within `limit`,
/// or no thread could be started; what comes of it later is dropped there.
pub fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    // Without room: what nobody takes any more stays with the thread that made it.
    let (answer_in, answer) = crossbeam_channel::bounded(0);
    let thread = std::thread::Builder::new().name("napot-opening".to_owned()).spawn(move || {
        let _ = answer_in.send(work());
    });
    thread.ok().and_then(|_| answer.recv_timeout(limit).ok())
}

/// Drops what a driver holds on a thread of its own, for a driver may never be done with it. Says whether it was within
/// `limit`; otherwise it is left to itself.
pub fn let_go<T: Send + 'static>(held: T, limit: Duration) -> bool {
    let (ended, end) = crossbeam_channel::bounded::<()>(0);
    let closing = std::thread::Builder::new().name("napot-closing".to_owned()).spawn(move || {
        drop(held);
        drop(ended);
    });
    closing.is_ok() && end.recv_timeout(limit) == Err(crossbeam_channel::RecvTimeoutError::Disconnected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hangs_when_it_is_dropped_is_left_behind() {
        /// Waits for its sender to go.
        struct Hangs(crossbeam_channel::Receiver<()>);
        impl Drop for Hangs {
            fn drop(&mut self) {
                let _ = self.0.recv();
            }
        }
        let (sender, hanging) = crossbeam_channel::bounded(0);
        assert!(!let_go(Hangs(hanging), Duration::from_millis(20)));
        drop(sender);
        assert!(let_go(5, Duration::from_mins(1)));
    }

    #[test]
    fn work_that_hangs_is_left_behind_with_what_comes_of_it() {
        assert_eq!(within(Duration::from_mins(1), || 5), Some(5));
        let (sender, hanging) = crossbeam_channel::bounded::<()>(0);
        let made = std::sync::Arc::new(());
        let held = std::sync::Arc::clone(&made);
        assert!(within(Duration::from_millis(20), move || hanging.recv().map_err(|_| held)).is_none());
        drop(sender);
        while std::sync::Arc::strong_count(&made) > 1 {
            std::thread::yield_now();
        }
    }

    #[test]
    fn trouble_and_return_are_told() {
        let monitor = DeviceMonitor::new(DeviceKind::Microphone, "a");
        assert_eq!(monitor.figures().state, DeviceState::Opening);
        monitor.opened("a", "48 kHz");
        monitor.troubled(DeviceState::Lost, "it was unplugged");
        monitor.troubled(DeviceState::Lost, "it is still not there");
        monitor.opened("b", "44.1 kHz");
        // With larger blocks, or another one that was chosen.
        monitor.opened("b", "48 kHz");
        let figures = monitor.figures();
        assert_eq!((figures.state, figures.opened, &figures.name[..]), (DeviceState::Running, 3, "b"));
        assert_eq!(figures.lost, 1);
        assert_eq!(figures.problem.as_deref(), Some("it is still not there"));
    }

    #[test]
    fn speakers_are_muted_and_nothing_else_is() {
        let devices =
            [DeviceKind::Microphone, DeviceKind::Speaker].map(|kind| Arc::new(DeviceMonitor::new(kind, "a")));
        assert_eq!(is_muted(&devices), Some(false));
        mute(&devices, true);
        assert_eq!(is_muted(&devices), Some(true));
        assert!(!devices[0].muted.load(Ordering::Relaxed));
        mute(&devices, false);
        assert_eq!(is_muted(&devices), Some(false));
        assert_eq!(is_muted(&devices[..1]), None);
    }

    #[test]
    fn a_wish_is_taken_once() {
        let monitor = DeviceMonitor::new(DeviceKind::Camera, "a");
        monitor.use_another("b");
        assert_eq!(monitor.take_wish().as_deref(), Some("b"));
        assert_eq!(monitor.take_wish(), None);
    }
}
