//! Finds the decoder of a codec, and checks what a track declares about itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as Fault;

use super::mix::MAX_CHANNELS;
use super::wave::MAX_RATE;
use crate::error::{Error, Result};

/// Runs a decoder of hostile bytes: it is meant not to panic, but nothing proves it (its Microsoft ADPCM
/// does, on an overflow), and a crafted file must not end the engine.
pub fn guard<T>(path: &Path, work: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|_| Error::input(path, "the sound is damaged in a way that its decoder can't handle"))
}

/// There is no decoder, where one was sure to be.
pub fn no_decoder(path: &Path) -> Error {
    Error::input(path, "there is no decoder for this sound")
}

/// The decoder of `params` and its codec's name; `None` where there is none.
pub fn decoder(
    path: &Path,
    params: &AudioCodecParameters,
    gapless: bool,
) -> Result<Option<(Box<dyn AudioDecoder>, String)>> {
    let options = AudioDecoderOptions::default().gapless(gapless);
    let codecs = symphonia::default::get_codecs();
    let Some(known) = codecs.get_audio_decoder(params.codec) else { return Ok(None) };
    let name = known.codec.info.short_name.to_uppercase().replace('_', " ");
    match guard(path, || codecs.make_audio_decoder(params, &options))? {
        Ok(decoder) => Ok(Some((decoder, name))),
        Err(Fault::Unsupported(_)) => Ok(None),
        Err(fault) => Err(Error::input(path, "the sound's decoder can't be set up").value(fault)),
    }
}

/// The channels that a track declares.
pub fn count(params: &AudioCodecParameters) -> usize {
    params.channels.as_ref().map_or(0, Channels::count)
}

/// The most frames of a packet: decoders make room for as many as a header declares. FLAC's and ALAC's longest.
const MOST_PACKET_FRAMES: u64 = 1 << 16;

/// Checks what the container declares, where it does.
pub fn check(path: &Path, params: &AudioCodecParameters) -> Result<()> {
    let frames = params.max_frames_per_packet.max(params.frames_per_block).unwrap_or(1);
    if frames > MOST_PACKET_FRAMES {
        let error = Error::input(path, "the length of a packet is out of range");
        return Err(error.value(format!("{frames} frames")).bound(format!("at most {MOST_PACKET_FRAMES}")));
    }
    checked(path, params.sample_rate.unwrap_or(1), params.channels.as_ref().map_or(1, Channels::count))
}

/// Checks a rate and a channel count against what is taken in.
pub fn checked(path: &Path, rate: u32, channels: usize) -> Result<()> {
    if !(1..=MAX_RATE).contains(&rate) {
        let error = Error::input(path, "the sample rate is out of range").value(format!("{rate} Hz"));
        return Err(error.bound(format!("1 to {MAX_RATE} Hz")));
    }
    if !(1..=MAX_CHANNELS).contains(&channels) {
        let error = Error::input(path, "the channel count is out of range").value(channels);
        return Err(error.bound(format!("1 to {MAX_CHANNELS}")));
    }
    Ok(())
}
