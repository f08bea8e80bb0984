//! Reads WAV (RIFF, RF64, BW64) strictly and in order, so that each damaged field is named by its place.
//!
//! Sources: Microsoft & IBM, *Multimedia Programming Interface and Data Specifications 1.0* (RIFF);
//! Microsoft, *Multiple channel audio data and WAVE files* (extensible format); Rec. ITU-R BS.2088
//! (RF64/BW64). A length of 2^32-1 in both RIFF and data says that it is unknown: programs that write to a
//! pipe put it there. Recorders write the lengths last: where one died, the data's is 0 and what follows is sound.

use std::io::Read;
use std::path::{Path, PathBuf};

use symphonia::core::audio::{Channels, Position};
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known as codec;

use super::mix::MAX_CHANNELS;
use crate::error::{Error, Result};

/// The highest sample rate that is taken in.
pub const MAX_RATE: u32 = 384_000;
/// Bytes of sound in one packet, about.
const PACKET_BYTES: usize = 16_384;
/// A `fmt ` chunk is 16 to 40 bytes long, or a little more for rare codecs.
const MAX_FORMAT_BYTES: u32 = 4096;

/// A WAV file or stream, opened at its first sample.
pub struct Wave {
    input: Box<dyn Read + Send>,
    path: PathBuf,
    /// Bytes read so far.
    at: u64,
    format: Format,
    /// Bytes of sound left by the header's count; `None` where it doesn't say.
    left: Option<u64>,
    /// Whether the header was never completed, so that the sound goes on to the end of the file.
    unfinished: bool,
    /// Frames handed out.
    frames: u64,
    declared: Option<u64>,
}

/// How the samples are stored.
pub struct Format {
    /// For the decoder.
    pub codec: AudioCodecParameters,
    /// Bytes in one block.
    pub block: usize,
    /// Frames in one block: 1 but for ADPCM.
    pub frames_per_block: u64,
}

/// Consecutive whole blocks.
pub struct Packet {
    /// Number of the first frame.
    pub first: u64,
    /// Frames in it.
    pub frames: u64,
    /// Their bytes.
    pub bytes: Vec<u8>,
}

impl Wave {
    /// Reads the header; `None` where the samples are coded in a way that no decoder here knows.
    ///
    /// # Errors
    /// Where a field is out of range or the file ends within its header.
    pub fn open(path: &Path, input: Box<dyn Read + Send>) -> Result<Option<Self>> {
        let mut head = Header { input, path, at: 0 };
        let riff = head.bytes::<12>()?;
        let riff_length = le32(&riff[4..]);
        let mut long_length = None;
        let mut format = None;
        let mut chunk = head.bytes::<8>()?;
        while &chunk[..4] != b"data" {
            let length = le32(&chunk[4..]);
            match &chunk[..4] {
                b"ds64" if length >= 24 => {
                    let sizes = head.bytes::<24>()?;
                    long_length = Some(u64::from(le32(&sizes[8..])) | u64::from(le32(&sizes[12..])) << 32);
                    head.skip(u64::from(length - 24))?;
                }
                b"fmt " => format = Some(head.format(length)?),
                _ => head.skip(u64::from(length))?,
            }
            head.skip(u64::from(length % 2))?;
            chunk = head.bytes::<8>()?;
        }
        let Some(format) = format else {
            return Err(head
                .wrong("the `fmt ` chunk is missing before the samples")
                .at(format!("byte {}", head.at)));
        };
        let length = le32(&chunk[4..]);
        // Chunks that a RIFF counts behind an empty `data` are not sound.
        let behind = riff_length != u32::MAX && u64::from(riff_length) + 8 > head.at;
        let unfinished = !behind && matches!((length, long_length), (0, _) | (u32::MAX, Some(0)));
        let left = match (length, long_length) {
            _ if unfinished => None,
            (u32::MAX, Some(long)) => Some(long),
            (u32::MAX, None) if riff_length == u32::MAX => None,
            _ => Some(u64::from(length)),
        };
        let Header { input, at, .. } = head;
        Ok(format.map(|format| {
            let declared = left.map(|bytes| bytes / format.block as u64 * format.frames_per_block);
            Self { input, path: path.to_owned(), at, format, left, unfinished, frames: 0, declared }
        }))
    }

    /// How the samples are stored.
    #[must_use]
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// Frames that the header declares; `None` where it leaves that open.
    #[must_use]
    pub fn declared_frames(&self) -> Option<u64> {
        self.declared
    }

    /// The next blocks; `None` at the end.
    ///
    /// # Errors
    /// Where the file ends before the header's count, or holds sound of which the header counts none, once all whole
    /// blocks have been given.
    pub fn packet(&mut self) -> Result<Option<Packet>> {
        let block = self.format.block;
        let most = (PACKET_BYTES / block).max(1) * block;
        let wanted = self.left.map_or(most, |left| most.min(usize::try_from(left).unwrap_or(most)));
        let mut bytes = vec![0; wanted];
        let got = self.fill(&mut bytes)?;
        self.at += got as u64;
        let whole = got / block;
        if whole == 0 {
            return match self.left {
                Some(left) if got < wanted || left >= block as u64 => Err(self.cut(got as u64, left)),
                None if self.unfinished && (got > 0 || self.frames > 0) => Err(self.never_completed()),
                _ => Ok(None),
            };
        }
        bytes.truncate(whole * block);
        // What is left of a block that was cut is met again, as nothing, by the next call.
        self.left = self.left.map(|left| left - (whole * block) as u64);
        let packet =
            Packet { first: self.frames, frames: whole as u64 * self.format.frames_per_block, bytes };
        self.frames += packet.frames;
        Ok(Some(packet))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<usize> {
        let mut got = 0;
        while got < bytes.len() {
            match self.input.read(&mut bytes[got..]) {
                Ok(0) => break,
                Ok(count) => got += count,
                Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
                Err(cause) => {
                    let place = format!("byte {}", self.at + got as u64);
                    return Err(Error::input(&self.path, "the file can't be read on").at(place).value(cause));
                }
            }
        }
        Ok(got)
    }

    /// Where the sound has been read to, for messages.
    fn place(&self) -> String {
        let rate = f64::from(self.format.codec.sample_rate.unwrap_or(1).max(1));
        format!("{:.3} s (byte {})", self.frames as f64 / rate, self.at)
    }

    fn never_completed(&self) -> Error {
        Error::input(&self.path, "the file was cut short: its recorder never wrote how much sound it holds")
            .at(self.place())
            .value(format!("0 bytes in its header, {} frames in the file", self.frames))
            .help("All that it holds was used.")
    }

    fn cut(&self, got: u64, left: u64) -> Error {
        let missing = left.saturating_sub(got);
        Error::input(&self.path, "the file was cut short: samples that its header declares are missing")
            .at(self.place())
            .value(format!("{missing} bytes missing"))
            .help("What came before the cut was used.")
    }
}

/// The header while it is read.
struct Header<'a> {
    input: Box<dyn Read + Send>,
    path: &'a Path,
    at: u64,
}

impl Header<'_> {
    fn wrong(&self, problem: &str) -> Error {
        Error::input(self.path, problem)
    }

    fn ended(&self) -> Error {
        self.wrong("the file was cut short: it ends within its header, before the first sample")
            .at(format!("byte {}", self.at))
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).map_err(|_| self.ended())?;
        self.at += N as u64;
        Ok(bytes)
    }

    /// Reads past `count` bytes: a pipe can't seek.
    fn skip(&mut self, count: u64) -> Result<()> {
        let skipped = std::io::copy(&mut self.input.by_ref().take(count), &mut std::io::sink()).unwrap_or(0);
        self.at += skipped;
        if skipped == count { Ok(()) } else { Err(self.ended()) }
    }

    /// The `fmt ` chunk of `length` bytes.
    fn format(&mut self, length: u32) -> Result<Option<Format>> {
        let start = self.at;
        let field = |path: &Path, problem: &str, offset: u64| {
            Error::input(path, problem).at(format!("byte {}", start + offset))
        };
        if !(16..=MAX_FORMAT_BYTES).contains(&length) {
            let error = self
                .wrong("the length of the `fmt ` chunk is out of range")
                .at(format!("byte {}", start - 4));
            return Err(error.value(length).bound(format!("16 to {MAX_FORMAT_BYTES}")));
        }
        let mut bytes = [0; 40];
        let known = (length as usize).min(40);
        let base = self.bytes::<16>()?;
        bytes[..16].copy_from_slice(&base);
        for byte in &mut bytes[16..known] {
            *byte = self.bytes::<1>()?[0];
        }
        self.skip(u64::from(length) - known as u64)?;

        let channels = le16(&bytes[2..]);
        if !(1..=MAX_CHANNELS).contains(&usize::from(channels)) {
            let error = field(self.path, "the channel count is out of range", 2).value(channels);
            return Err(error.bound(format!("1 to {MAX_CHANNELS}")));
        }
        let rate = le32(&bytes[4..]);
        if !(1..=MAX_RATE).contains(&rate) {
            let error = field(self.path, "the sample rate is out of range", 4).value(format!("{rate} Hz"));
            return Err(error.bound(format!("1 to {MAX_RATE} Hz")));
        }
        let stored = Stored {
            extensible: le16(&bytes) == 0xfffe && known == 40,
            tag: if le16(&bytes) == 0xfffe && known == 40 { le16(&bytes[24..]) } else { le16(&bytes) },
            channels,
            mask: le32(&bytes[20..]),
            block: le16(&bytes[12..]),
            bits: le16(&bytes[14..]),
        };
        stored.format(rate).map_err(|(problem, offset, value, bound)| {
            field(self.path, problem, offset).value(value).bound(bound)
        })
    }
}

/// The fields of `fmt ` that decide how samples are stored.
struct Stored {
    extensible: bool,
    tag: u16,
    channels: u16,
    mask: u32,
    block: u16,
    bits: u16,
}

/// What is wrong, the field's offset in the chunk, its value, and what is allowed.
type Wrong = (&'static str, u64, u16, String);

impl Stored {
    fn format(&self, rate: u32) -> std::result::Result<Option<Format>, Wrong> {
        let bytes = self.bits.div_ceil(8);
        let id = match (self.tag, bytes) {
            (1, 1) => codec::CODEC_ID_PCM_U8,
            (1, 2) => codec::CODEC_ID_PCM_S16LE,
            (1, 3) => codec::CODEC_ID_PCM_S24LE,
            (1, 4) => codec::CODEC_ID_PCM_S32LE,
            (1, _) => return Err(("the bits of a sample are out of range", 14, self.bits, "1 to 32".into())),
            (3, 4) => codec::CODEC_ID_PCM_F32LE,
            (3, 8) => codec::CODEC_ID_PCM_F64LE,
            (3, _) => {
                return Err((
                    "the bits of a float sample are out of range",
                    14,
                    self.bits,
                    "32 or 64".into(),
                ));
            }
            (6, _) => codec::CODEC_ID_PCM_ALAW,
            (7, _) => codec::CODEC_ID_PCM_MULAW,
            (2, _) => codec::CODEC_ID_ADPCM_MS,
            (0x11, _) => codec::CODEC_ID_ADPCM_IMA_WAV,
            _ => return Ok(None),
        };
        let mut params = AudioCodecParameters::new();
        params.for_codec(id).with_sample_rate(rate).with_channels(self.layout());
        let (block, frames_per_block) = match self.tag {
            2 | 0x11 => self.adpcm()?,
            tag => {
                let expected = self.channels * if matches!(tag, 6 | 7) { 1 } else { bytes };
                if self.block != expected {
                    return Err((
                        "the bytes of a frame do not fit its channels and bits",
                        12,
                        self.block,
                        expected.to_string(),
                    ));
                }
                (usize::from(expected), 1)
            }
        };
        params.with_frames_per_block(frames_per_block);
        let blocks = (PACKET_BYTES / block).max(1) as u64;
        params.with_max_frames_per_packet(blocks * frames_per_block);
        Ok(Some(Format { codec: params, block, frames_per_block }))
    }

    /// Block length and frames in a block: a header per channel (7 bytes and 2 samples for Microsoft's,
    /// 4 bytes and 1 sample for IMA's), then 4 bits a sample.
    fn adpcm(&self) -> std::result::Result<(usize, u64), Wrong> {
        if self.bits != 4 {
            return Err(("the bits of an ADPCM sample are out of range", 14, self.bits, "4".into()));
        }
        if self.channels > 2 {
            return Err(("the channel count is out of range for ADPCM", 2, self.channels, "1 or 2".into()));
        }
        let (head, extra) = if self.tag == 2 { (7, 2) } else { (4, 1) };
        let heads = head * self.channels;
        if self.block <= heads {
            return Err((
                "the bytes of an ADPCM block are out of range",
                12,
                self.block,
                format!("more than {heads}"),
            ));
        }
        let frames = u64::from(self.block - heads) * 2 / u64::from(self.channels) + extra;
        Ok((usize::from(self.block), frames))
    }

    /// Loudspeaker positions: as the extensible format's mask says, or in its order for up to 8 channels.
    fn layout(&self) -> Channels {
        let count = u32::from(self.channels);
        let positions = if self.extensible {
            Position::from_wave_channel_mask(self.mask).filter(|p| p.bits().count_ones() == count)
        } else {
            Position::from_wave_channel_count(count).filter(|_| count <= 8)
        };
        positions.map_or(Channels::Discrete(self.channels), Channels::Positioned)
    }
}

fn le16(bytes: &[u8]) -> u16 {
    u16::from_le_bytes([bytes[0], bytes[1]])
}

fn le32(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
