//! The ledger: hashes of state and inputs, by which two runs are known to be the same.

use crate::signal::Burst;

/// The first half of a hash.
#[must_use]
pub(super) fn shorten(hash: &blake3::Hash) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&hash.as_bytes()[..16]);
    short
}

/// Bytes of a burst in a hash.
const BURST_BYTES: usize = 26;
/// Bursts that are hashed at once: long stretches are what the hash does side by side.
const BURSTS_AT_ONCE: usize = 630;

/// Adds bursts to a hash: time, array, sign, site, phase, magnitude, surprisal, little-endian.
pub(super) fn hash_bursts(hasher: &mut blake3::Hasher, bursts: &[Burst]) {
    if bursts.is_empty() {
        return;
    }
    let mut bytes = [[0u8; BURST_BYTES]; BURSTS_AT_ONCE];
    for part in bursts.chunks(BURSTS_AT_ONCE) {
        for (slot, burst) in bytes.iter_mut().zip(part) {
            slot[..8].copy_from_slice(&burst.time.0.to_le_bytes());
            slot[8] = burst.array.0;
            slot[9] = u8::from(burst.sign.factor() > 0.0);
            slot[10..14].copy_from_slice(&burst.site.to_le_bytes());
            slot[14..18].copy_from_slice(&burst.phase.to_le_bytes());
            slot[18..22].copy_from_slice(&burst.magnitude.to_le_bytes());
            slot[22..].copy_from_slice(&burst.surprisal_bits.to_le_bytes());
        }
        hasher.update(bytes[..part.len()].as_flattened());
    }
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

/// The ledger's hash of a state.
#[must_use]
pub fn hash_of_state(values: &[f32]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hash_values(&mut hasher, values);
    shorten(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{ArrayId, Sign};
    use crate::time::Timestamp;

    #[test]
    fn bursts_hashed_together_are_bursts_hashed_one_by_one() {
        let bursts: Vec<Burst> = (0..2_000u32)
            .map(|n| Burst {
                time: Timestamp(i64::from(n) * 1_000_003),
                array: ArrayId((n % 3) as u8),
                site: n * 7_919,
                sign: if n % 2 == 0 { Sign::On } else { Sign::Off },
                phase: n as f32 * 0.003,
                magnitude: 1.0 + (n % 5) as f32,
                surprisal_bits: n as f32 * 0.01,
            })
            .collect();
        let (mut together, mut single) = (blake3::Hasher::new(), blake3::Hasher::new());
        hash_bursts(&mut together, &bursts);
        for burst in &bursts {
            single.update(&burst.time.0.to_le_bytes());
            single.update(&[burst.array.0, u8::from(burst.sign == Sign::On)]);
            single.update(&burst.site.to_le_bytes());
            hash_values(&mut single, &[burst.phase, burst.magnitude, burst.surprisal_bits]);
        }
        assert_eq!(together.finalize(), single.finalize());
    }
}
