//! What a browser gives of its camera and its microphone, before it is a frame or sound on the run's clock.

use super::Origin;
use crate::time::Timestamp;

/// A picture as it came: compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedPicture {
    /// The bytes of one JPEG picture; not looked at yet.
    pub jpeg: Vec<u8>,
    /// When it was captured, on the run's clock.
    pub captured: Timestamp,
    /// Where that time came from: the device, or, where that could not be, its arrival.
    pub origin: Origin,
    /// Its number in the run, from 0; a gap says that pictures were lost before here.
    pub sequence: u64,
}

/// A stretch of sound at 48 kHz by the device's clock.
#[derive(Clone, Debug, PartialEq)]
pub struct SoundChunk {
    /// Left and right, full scale 1, finite; a single channel stands in both.
    pub frames: Vec<[f32; 2]>,
    /// When its first frame was captured, on the run's clock.
    pub captured: Timestamp,
    /// Its number in the run, from 0; a gap says that chunks were lost before here.
    pub sequence: u64,
    /// Frames that were lost between the chunk before and this one, as the page's numbers tell; how long the gap was is
    /// told by `captured`.
    pub lost_before: u64,
}
