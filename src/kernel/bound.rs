//! What the processor's units and its memory can do at most: loops that do nothing else, to be timed.

use super::wide::compile_wide;

/// Sums that run side by side: enough to hide the latency of a multiplication on any processor we know.
const CHAINS: usize = 10;

type Vector = [f32; 16];

compile_wide! {
    /// Fused multiply-adds of sixteen lanes, [`fused_per_round`] in each round.
    #[must_use]
    pub fn fused, fused_on(rounds: usize, factor: f32) -> f32 = fused_body
}

compile_wide! {
    /// As many additions among them: [`mixed_per_round`] operations of sixteen lanes in each round.
    #[must_use]
    pub fn mixed, mixed_on(rounds: usize, factor: f32) -> f32 = mixed_body
}

compile_wide! {
    /// Scales values in place: reads and writes each once.
    pub fn scale, scale_on(values: &mut [f32], factor: f32) = scale_body
}

/// Operations in a round of [`fused`].
#[must_use]
pub fn fused_per_round() -> usize {
    CHAINS
}

/// Operations in a round of [`mixed`].
#[must_use]
pub fn mixed_per_round() -> usize {
    2 * CHAINS
}

#[inline(always)]
fn fused_body(rounds: usize, factor: f32) -> f32 {
    let mut chains: [Vector; CHAINS] = [[1.0; 16]; CHAINS];
    for _ in 0..rounds {
        for chain in &mut chains {
            for lane in chain {
                *lane = lane.mul_add(factor, factor);
            }
        }
    }
    chains.as_flattened().iter().sum()
}

#[inline(always)]
fn mixed_body(rounds: usize, factor: f32) -> f32 {
    let mut products: [Vector; CHAINS] = [[1.0; 16]; CHAINS];
    let mut sums: [Vector; CHAINS] = [[1.0; 16]; CHAINS];
    for _ in 0..rounds {
        for (product, sum) in products.iter_mut().zip(&mut sums) {
            for lane in product {
                *lane = lane.mul_add(factor, factor);
            }
            for lane in sum {
                *lane += factor;
            }
        }
    }
    products.as_flattened().iter().chain(sums.as_flattened()).sum()
}

#[inline(always)]
fn scale_body(values: &mut [f32], factor: f32) {
    for value in values {
        *value *= factor;
    }
}

/// What a step of one band asks of the units for sixteen sites, counted in `lattice::rows` and `noise`: booked, without
/// a drive or a twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Operations of the units that multiply (AES and sums of bytes run there too).
    pub multiplying: usize,
    /// All operations.
    pub all: usize,
    /// Bytes between the nearest caches and the rest: each site read and written once.
    pub bytes: usize,
}

/// A band with the next faster one.
pub const CASCADING: Work = Work { multiplying: 28 + 12 + 38, all: 34 + 22 + 39, bytes: 16 * 16 };
/// The fastest band.
pub const FASTEST: Work = Work { multiplying: 28 + 14, all: 34 + 25, bytes: 16 * 16 };

#[cfg(test)]
mod tests {
    use super::super::wide::Isa;
    use super::*;

    #[test]
    fn the_loops_do_what_they_are_timed_for() {
        for isa in Isa::all() {
            // The fixed point of x = x/2 + 1/2 is 1.
            let sum = fused_on(*isa, 100, 0.5);
            assert!((sum - 16.0 * fused_per_round() as f32).abs() < 1e-3, "{sum}");
            let sum = mixed_on(*isa, 4, 0.5);
            assert!((sum - 8.0 * (1.0 + 3.0) * mixed_per_round() as f32).abs() < 1e-2, "{sum}");
            let mut values = [2.0; 21];
            scale_on(*isa, &mut values, 0.25);
            assert_eq!(values, [0.5; 21]);
        }
    }
}
