//! Sound into a WAV file: 48 kHz, stereo, 24 bits, written as it comes and named only when it is whole.
//!
//! Format: RIFF/WAVE (Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0"), PCM;
//! beyond 4 GiB, which is four hours, RF64 (EBU Tech 3306), for which a `JUNK` chunk holds the place.

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use super::part::PartFile;
use crate::error::Result;
use crate::stream::Sink;
use crate::time::SAMPLE_RATE;

const CHANNELS: u16 = 2;
const BITS: u16 = 24;
const FRAME_BYTES: u16 = CHANNELS * BITS / 8;
/// Bytes before the first sample: RIFF head 12, `ds64` or `JUNK` 36, `fmt ` 24, `data` head 8.
const HEADER_BYTES: u64 = 80;
/// Full scale of 24 bits.
const FULL: f32 = 8_388_607.0;
/// What RF64 writes where a size stands in its `ds64` chunk.
const IN_DS64: u32 = u32::MAX;

/// Writes `PATH.part`, and names it `PATH` when it is finished; a run that dies leaves only the part.
#[derive(Debug)]
pub struct WavWriter {
    file: PartFile,
    frames: u64,
}

impl WavWriter {
    /// Starts the file at `path`; an older one of that name stays until this one is finished.
    ///
    /// # Errors
    /// Where the part can't be created or written.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let mut file = PartFile::create(path)?;
        file.bytes(&header(0))?;
        Ok(Self { file, frames: 0 })
    }

    /// Appends frames, left and right with full scale 1; beyond it they are clipped, and what is not a
    /// number becomes 0.
    ///
    /// # Errors
    /// Where they can't be written, as on a full disk.
    pub fn push(&mut self, frames: &[[f32; 2]]) -> Result<()> {
        for frame in frames {
            let mut bytes = [0; FRAME_BYTES as usize];
            for (to, &sample) in bytes.chunks_exact_mut(3).zip(frame) {
                to.copy_from_slice(&quantise(sample).to_le_bytes()[..3]);
            }
            self.file.bytes(&bytes)?;
            self.frames += 1;
        }
        Ok(())
    }

    /// Frames taken so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Writes the sizes into the head and gives the file its name.
    ///
    /// # Errors
    /// Where that fails; the part is left, and no file of the final name comes to be.
    pub fn finish(mut self) -> Result<()> {
        self.file.with(|file| {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&header(self.frames))
        })?;
        self.file.finish()
    }
}

impl Sink for WavWriter {
    type Item = [[f32; 2]];

    fn push(&mut self, item: &Self::Item) -> Result<()> {
        Self::push(self, item)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        Self::finish(*self)
    }
}

/// The nearest of 24 bits.
fn quantise(sample: f32) -> i32 {
    // The cast takes NaN to 0.
    (sample.clamp(-1.0, 1.0) * FULL).round() as i32
}

/// The head of a file of `frames` frames.
fn header(frames: u64) -> Vec<u8> {
    let data = frames * u64::from(FRAME_BYTES);
    let riff = HEADER_BYTES - 8 + data;
    let small = u32::try_from(riff).ok().filter(|&size| size != IN_DS64);
    let mut head = Vec::with_capacity(HEADER_BYTES as usize);
    head.extend(if small.is_some() { b"RIFF" } else { b"RF64" });
    head.extend(small.unwrap_or(IN_DS64).to_le_bytes());
    head.extend(b"WAVE");
    head.extend(if small.is_some() { b"JUNK" } else { b"ds64" });
    head.extend(28u32.to_le_bytes());
    let sizes = if small.is_some() { [0; 3] } else { [riff, data, frames] };
    for size in sizes {
        head.extend(size.to_le_bytes());
    }
    head.extend(0u32.to_le_bytes());
    head.extend(b"fmt ");
    head.extend(16u32.to_le_bytes());
    head.extend(1u16.to_le_bytes());
    head.extend(CHANNELS.to_le_bytes());
    head.extend(SAMPLE_RATE.to_le_bytes());
    head.extend((SAMPLE_RATE * u32::from(FRAME_BYTES)).to_le_bytes());
    head.extend(FRAME_BYTES.to_le_bytes());
    head.extend(BITS.to_le_bytes());
    head.extend(b"data");
    head.extend(small.map_or(IN_DS64, |_| data as u32).to_le_bytes());
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_by_another_reader() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound.wav");
        let mut writer = WavWriter::create(&path).unwrap();
        writer.push(&[[0.5, -0.5], [2.0, -2.0]]).unwrap();
        writer.push(&[[f32::NAN, f32::INFINITY]]).unwrap();
        assert!(!path.exists(), "a half-written file must not bear the final name");
        writer.finish().unwrap();
        assert!(!folder.path().join("sound.wav.part").exists());
        let mut reader = hound::WavReader::open(&path).unwrap();
        let spec = reader.spec();
        assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (2, 48_000, 24));
        let samples: Vec<i32> = reader.samples().map(|s| s.unwrap()).collect();
        assert_eq!(samples, [4_194_304, -4_194_304, 8_388_607, -8_388_607, 0, 8_388_607]);
    }

    #[test]
    fn four_hours_and_more_are_declared_as_rf64() {
        let frames = 48_000 * 86_400;
        let head = header(frames);
        assert_eq!(head.len() as u64, HEADER_BYTES);
        assert_eq!((&head[..8], &head[12..16]), (&b"RF64\xff\xff\xff\xff"[..], &b"ds64"[..]));
        assert_eq!(head[28..36], (frames * 6).to_le_bytes());
        assert_eq!(head[36..44], frames.to_le_bytes());
        assert_eq!(head[76..80], [0xff; 4]);
        assert_eq!(&header(1_000)[..4], b"RIFF");
    }
}
