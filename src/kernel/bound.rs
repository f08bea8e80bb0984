//! What the processor's units and its memory can do at most: loops that do nothing else, to be timed.

use super::lanes::{Instructions, LANES, Lanes, Register, Work};
use super::wide::compile_wide;

/// Products that run side by side, and sums: enough to hide their latencies, and with the factor in the registers of AVX2.
const PRODUCTS: usize = 8;
const SUMS: usize = 6;

compile_wide! {
    /// Scales values in place: reads and writes each once.
    pub fn scale, scale_on(values: &mut [f32], factor: f32) = scale_body
}

/// Operations in a round of [`fused`].
pub const FUSED_PER_ROUND: usize = PRODUCTS;
/// Operations in a round of [`mixed`].
pub const MIXED_PER_ROUND: usize = PRODUCTS + SUMS;

/// Fused multiply-adds of sixteen lanes, [`FUSED_PER_ROUND`] in each round; the sum of all.
#[must_use]
pub fn fused(with: Instructions, rounds: usize, factor: f32) -> f32 {
    with.run(Loop::<false> { rounds, factor })
}

/// Additions among them: [`MIXED_PER_ROUND`] operations of sixteen lanes in each round; the sum of all.
#[must_use]
pub fn mixed(with: Instructions, rounds: usize, factor: f32) -> f32 {
    with.run(Loop::<true> { rounds, factor })
}

/// A register at a time, as many times in a round as sixteen lanes take.
struct Loop<const MIXED: bool> {
    rounds: usize,
    factor: f32,
}

impl<const MIXED: bool> Work for Loop<MIXED> {
    type Output = f32;

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) -> f32 {
        let p = l.part();
        let (one, factor) = (p.splat(1.0), p.splat(self.factor));
        let (mut products, mut sums) = ([one; PRODUCTS], [one; SUMS]);
        for _ in 0..self.rounds * (LANES / L::Part::WIDTH) {
            for product in &mut products {
                *product = p.fma(*product, factor, factor);
            }
            if MIXED {
                for sum in &mut sums {
                    *sum = p.add(*sum, factor);
                }
            }
        }
        let mut total = p.splat(0.0);
        for lanes in products.into_iter().chain(sums) {
            total = p.add(total, lanes);
        }
        first(p, total)
    }
}

/// The first lane; all are alike here.
#[inline(always)]
fn first<P: Register>(p: P, lanes: P::F) -> f32 {
    const { P::PLAIN };
    let mut out = [0.0; LANES];
    // SAFETY: a slot is at most sixteen plain numbers.
    p.store(unsafe { &mut *out.as_mut_ptr().cast() }, lanes);
    out[0]
}

#[inline(always)]
fn scale_body(values: &mut [f32], factor: f32) {
    for value in values {
        *value *= factor;
    }
}

/// What a step of one band asks of the units for sixteen sites, counted in `lattice::rows` and `noise`: booked, without
/// a drive or a twin. AVX2 takes some more: it has no sum of four bytes, and without VAES half an AES at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Operations of the units that multiply (AES and sums of bytes run there too).
    pub multiplying: usize,
    /// All operations.
    pub all: usize,
    /// Bytes between the nearest caches and the rest: each site read and written once.
    pub bytes: usize,
}

/// A band with the next faster one.
pub const CASCADING: Asked = Asked { multiplying: 28 + 12 + 38, all: 34 + 22 + 39, bytes: 16 * 16 };
/// The fastest band.
pub const FASTEST: Asked = Asked { multiplying: 28 + 14, all: 34 + 25, bytes: 16 * 16 };

#[cfg(test)]
mod tests {
    use super::super::wide::Isa;
    use super::*;

    #[test]
    fn the_loops_do_what_they_are_timed_for() {
        for with in Instructions::all() {
            // The fixed point of x = x/2 + 1/2 is 1, and a sum of nothing is 1.
            assert_eq!(fused(with, 100, 0.5), (PRODUCTS + SUMS) as f32, "{}", with.name());
            // Sixteen lanes take one, two or four registers: so often is one added to.
            let added = (mixed(with, 100, 0.5) - (PRODUCTS + SUMS) as f32) / SUMS as f32 / 50.0;
            assert!([1.0, 2.0, 4.0].contains(&added), "{}: {added}", with.name());
        }
        for isa in Isa::all() {
            let mut values = [2.0; 21];
            scale_on(*isa, &mut values, 0.25);
            assert_eq!(values, [0.5; 21]);
        }
    }
}
