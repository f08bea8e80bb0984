//! The devices of a live run: what was named must be there, what was not may be missing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use super::super::run::Piece;
use crate::config::Config;
use crate::device::browser;
#[cfg(any(feature = "sound", feature = "camera"))]
use crate::error::Error;
use crate::error::Result;
#[cfg(any(feature = "sound", feature = "camera"))]
use crate::signal::DeviceKind;
use crate::source::browser::BrowserCamera;
use crate::view::Senses;

/// The name of the camera and the microphone of whoever opens the page.
pub(in crate::command) const BROWSER: &str = "browser";

/// What must live as long as the run.
#[derive(Default)]
pub(in crate::command) struct Owned {
    #[cfg(feature = "sound")]
    sound: Vec<crate::device::SoundDevice>,
    browser: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

impl Drop for Owned {
    fn drop(&mut self) {
        #[cfg(feature = "sound")]
        self.sound.clear();
        if let Some((stop, thread)) = self.browser.take() {
            stop.store(true, Ordering::Release);
            if thread.join().is_err() {
                tracing::error!("the thread of the browser's microphone had failed");
            }
        }
    }
}

/// Opens what the configuration asks for, into the inputs of `piece`.
///
/// # Errors
/// Where a device that was named is not there or can't be opened.
pub(in crate::command) fn open(config: &Config, piece: &mut Piece) -> Result<Owned> {
    let mut owned = Owned::default();
    open_browser(config, piece, &mut owned)?;
    open_sound(config, piece, &mut owned)?;
    open_camera(config, piece)?;
    Ok(owned)
}

fn open_browser(config: &Config, piece: &mut Piece, owned: &mut Owned) -> Result<()> {
    let sees = config.camera.enabled && config.vision.enabled && config.camera.name == BROWSER;
    let hears = config.microphone.enabled && config.hearing.enabled && config.microphone.name == BROWSER;
    if !(sees || hears) {
        return Ok(());
    }
    let (clock, stop) = (&piece.common.clock, &piece.common.stop);
    let mut senses = Senses::new(Arc::clone(clock));
    if sees {
        let pages = senses.camera();
        piece.devices.push(Arc::clone(&pages.monitor));
        let camera = BrowserCamera::new(pages.items, pages.monitor, Arc::clone(stop));
        piece.inputs.video = Some(Box::new(camera));
    }
    if hears {
        let pages = senses.microphone();
        piece.devices.push(Arc::clone(&pages.monitor));
        // A flag of its own: the run's is set while the engine still plays its fade, and hears meanwhile.
        let ends = Arc::<AtomicBool>::default();
        let opened = browser::microphone(pages.items, pages.monitor, Arc::clone(clock), Arc::clone(&ends))?;
        piece.inputs.live.capture = Some(opened.1);
        owned.browser = Some((ends, opened.0));
    }
    piece.senses = Some(senses);
    Ok(())
}

/// What was not named may be missing; it is told why.
#[cfg(any(feature = "sound", feature = "camera"))]
fn optional<T>(kind: DeviceKind, named: bool, opened: Result<T>) -> Result<Option<T>> {
    match opened {
        Ok(device) => Ok(Some(device)),
        Err(error) if !named => {
            tracing::warn!("{}", told(kind.name(), &error));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Why there is no device of a kind: two that are called alike are told apart by it, unless the error names it itself.
#[cfg(any(feature = "sound", feature = "camera"))]
fn told(kind: &str, error: &Error) -> String {
    if error.subject().contains(kind) { error.to_string() } else { format!("{kind}: {error}") }
}

#[cfg(feature = "sound")]
fn open_sound(config: &Config, piece: &mut Piece, owned: &mut Owned) -> Result<()> {
    use crate::device::{self, SoundDeviceParameters};
    let clock = &piece.common.clock;
    let is_named = |asked: &SoundDeviceParameters| !(asked.name.is_empty() && asked.host.is_empty());
    if config.microphone.enabled && config.hearing.enabled && config.microphone.name != BROWSER {
        let opened = device::microphone(&config.microphone, Arc::clone(clock));
        let opened = optional(DeviceKind::Microphone, is_named(&config.microphone), opened)?;
        if let Some((device, capture)) = opened {
            piece.inputs.live.capture = Some(capture);
            piece.devices.push(Arc::clone(&device.monitor));
            owned.sound.push(device);
        }
    }
    if config.speaker.enabled {
        let opened = device::speaker(&config.speaker, Arc::clone(clock));
        let opened = optional(DeviceKind::Speaker, is_named(&config.speaker), opened)?;
        if let Some((device, playback)) = opened {
            piece.inputs.live.playback = Some(playback);
            piece.devices.push(Arc::clone(&device.monitor));
            owned.sound.push(device);
        }
    }
    Ok(())
}

#[cfg(not(feature = "sound"))]
#[allow(clippy::unnecessary_wraps)] // as in a build with sound
fn open_sound(_: &Config, _: &mut Piece, _: &mut Owned) -> Result<()> {
    Ok(())
}

#[cfg(feature = "camera")]
fn open_camera(config: &Config, piece: &mut Piece) -> Result<()> {
    use crate::source::camera::Camera;
    use crate::stream::device::DeviceMonitor;
    if !(config.camera.enabled && config.vision.enabled) || config.camera.name == BROWSER {
        return Ok(());
    }
    let monitor = Arc::new(DeviceMonitor::new(DeviceKind::Camera, &config.camera.name));
    let (clock, stop) = (Arc::clone(&piece.common.clock), Arc::clone(&piece.common.stop));
    let opened = Camera::open(&config.camera, clock, stop, Arc::clone(&monitor));
    if let Some(camera) = optional(DeviceKind::Camera, !config.camera.name.is_empty(), opened)? {
        piece.inputs.video = Some(Box::new(camera));
        piece.devices.push(monitor);
    }
    Ok(())
}

#[cfg(not(feature = "camera"))]
#[allow(clippy::unnecessary_wraps)] // as in a build with cameras
fn open_camera(_: &Config, _: &mut Piece) -> Result<()> {
    Ok(())
}

#[cfg(all(test, any(feature = "sound", feature = "camera")))]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn what_is_missing_is_told_with_what_it_is() {
        let alike = Error::new(Kind::Device, "Default Audio Device", "its formats can't be listed");
        let heard = told("microphone", &alike);
        assert_eq!(heard, "microphone: Default Audio Device: its formats can't be listed");
        let named = Error::new(Kind::Device, "speaker", "its host did not answer");
        assert_eq!(told("speaker", &named), "speaker: its host did not answer");
        // What was named must be there.
        assert_eq!(optional::<()>(DeviceKind::Speaker, false, Err(alike.clone())), Ok(None));
        assert_eq!(optional::<()>(DeviceKind::Speaker, true, Err(alike.clone())), Err(alike));
    }
}
