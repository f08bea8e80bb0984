//! The devices of a live run: what was named must be there, what was not may be missing.

use std::sync::Arc;

use super::super::run::Piece;
use crate::config::Config;
use crate::device::{self, SoundDevice, SoundDeviceParameters};
use crate::error::Result;

/// What must live as long as the run.
pub(in crate::command) type Owned = Vec<SoundDevice>;

/// Opens what the configuration asks for, into the inputs of `piece`.
pub(in crate::command) fn open(config: &Config, piece: &mut Piece) -> Result<Owned> {
    let mut owned = Vec::new();
    let clock = &piece.common.clock;
    if config.microphone.enabled && config.hearing.enabled {
        let opened = device::microphone(&config.microphone, Arc::clone(clock));
        if let Some((device, capture)) = optional(&config.microphone, opened)? {
            piece.inputs.live.capture = Some(capture);
            owned.push(device);
        }
    }
    if config.speaker.enabled {
        let opened = device::speaker(&config.speaker, Arc::clone(clock));
        if let Some((device, playback)) = optional(&config.speaker, opened)? {
            piece.inputs.live.playback = Some(playback);
            owned.push(device);
        }
    }
    piece.devices.extend(owned.iter().map(|device| Arc::clone(&device.monitor)));
    Ok(owned)
}

fn optional<T>(asked: &SoundDeviceParameters, opened: Result<T>) -> Result<Option<T>> {
    match opened {
        Ok(device) => Ok(Some(device)),
        Err(error) if asked.name.is_empty() && asked.host.is_empty() => {
            tracing::warn!("{error}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
