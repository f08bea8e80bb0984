//! A block of stereo sound at the engine's rate.

use super::Stamp;

/// Consecutive stereo frames at 48 kHz, nominal range -1 to 1, never NaN or infinite.
///
/// Mono sources give the same value left and right; sources with more channels are mixed down.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioBlock {
    /// When the first frame was captured.
    pub stamp: Stamp,
    /// Frames of this source before this block.
    pub position: u64,
    /// Left and right, full scale 1.
    pub frames: Vec<[f32; 2]>,
}
