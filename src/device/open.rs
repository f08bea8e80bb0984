//! Opens a sound device, on a thread that may be left behind: a host whose server hangs may never come back.

use std::sync::Arc;

use cpal::Stream;
use cpal::traits::DeviceTrait as _;

use super::SoundDeviceParameters;
use super::format::Format;
use super::hosts::{find, hush, name_of};
use super::stream::{Troubles, input, is_plug_in, output};
use crate::error::{Error, Kind, Result};
use crate::signal::DeviceKind;
use crate::stream::bridge::Tally;
use crate::stream::capture::{self, CaptureLink};
use crate::stream::playback::{self, PlaybackLink};
use crate::time::Clock;

/// The block that plug-ins to sound servers begin with: shorter ones bring some of them to give nothing but errors.
const PLUG_IN_BLOCK: u32 = 512;

/// What is to be opened.
pub(super) struct Attempt {
    pub kind: DeviceKind,
    pub asked: SoundDeviceParameters,
    pub block: u32,
    pub clock: Arc<dyn Clock>,
    pub troubles: Arc<Troubles>,
}

/// The engine's end of a stream.
pub(super) enum Link {
    In(CaptureLink),
    Out(PlaybackLink),
}

/// What an attempt brings; `block` is what was asked for in the end.
pub(super) struct Opened {
    pub host: String,
    pub name: String,
    pub format: Format,
    pub block: u32,
    pub stream: Stream,
    pub link: Link,
    pub tally: Arc<Tally>,
}

impl Attempt {
    /// Finds the device and opens it.
    ///
    /// # Errors
    /// Why that can't be done now.
    pub fn open(self) -> Result<Opened> {
        let Self { kind, asked, mut block, clock, troubles } = self;
        hush();
        let (host, device) = find(kind, &asked)?;
        let name = name_of(&device);
        let refused =
            |cause: cpal::Error| Error::new(Kind::Device, &name, "its formats can't be listed").value(cause);
        let offered: Vec<_> = match kind {
            DeviceKind::Speaker => device.supported_output_configs().map_err(refused)?.collect(),
            _ => device.supported_input_configs().map_err(refused)?.collect(),
        };
        if asked.block_frames == 0 && is_plug_in(&device) {
            block = block.max(PLUG_IN_BLOCK);
        }
        let format = Format::choose(&offered, asked.rate_hz, block)
            .ok_or_else(|| Error::new(Kind::Device, &name, "it offers no format that is read"))?;
        let (rate, margin) = (format.config.sample_rate, asked.margin());
        let (stream, link, tally) = if kind == DeviceKind::Speaker {
            let (spout, link, tally) = playback::link(rate, margin)?;
            (output(&device, &format, spout, clock, &troubles)?, Link::Out(link), tally)
        } else {
            let (tap, link, tally) = capture::link(rate, margin)?;
            (input(&device, &format, tap, clock, &troubles)?, Link::In(link), tally)
        };
        Ok(Opened { host: host.name().to_owned(), name, format, block, stream, link, tally })
    }
}
