//! The ledger: hashes of state and inputs, by which two runs are known to be the same.

use std::fmt;

use crate::time::Tick;

/// One line: the state after `tick`, and what entered since the line before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerLine {
    /// The tick after which the state was hashed.
    pub tick: Tick,
    /// BLAKE3 of the state of all arrays, first 16 bytes.
    pub state: [u8; 16],
    /// BLAKE3 of the sound frames and bursts that entered, first 16 bytes.
    pub inputs: [u8; 16],
}

impl fmt::Display for LedgerLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |bytes: [u8; 16]| u128::from_be_bytes(bytes);
        write!(f, "{} {:032x} {:032x}", self.tick.0, hex(self.state), hex(self.inputs))
    }
}

/// The first half of a hash.
#[must_use]
pub(super) fn shorten(hash: &blake3::Hash) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&hash.as_bytes()[..16]);
    short
}

/// Adds numbers to a hash, little-endian whatever the processor.
pub(super) fn hash_values(hasher: &mut blake3::Hasher, values: &[f32]) {
    let mut bytes = [0u8; 4_096];
    for part in values.chunks(bytes.len() / 4) {
        for (slot, value) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(part) {
            *slot = value.to_le_bytes();
        }
        hasher.update(&bytes[..4 * part.len()]);
    }
}
