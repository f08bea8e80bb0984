//! Sixteen lanes of f32 and u32: one set of operations, three ways to run it, equal to the bit.
//!
//! A value of a [`Lanes`] type is the proof that the processor has its instructions, so its operations are
//! safe. Every operation is exact or correctly rounded by IEEE 754; there is no approximate reciprocal here.

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

/// Lanes of a vector.
pub const LANES: usize = 16;

/// Sixteen lanes by one instruction set.
pub trait Lanes: Copy {
    /// Sixteen f32.
    type F: Copy;
    /// Sixteen u32.
    type W: Copy;

    /// The same number in every lane.
    fn splat(self, a: f32) -> Self::F;
    /// Sixteen numbers from memory.
    fn load(self, from: &[f32; LANES]) -> Self::F;
    /// Sixteen numbers to memory.
    fn store(self, to: &mut [f32; LANES], a: Self::F);
    /// Asks the memory for what lies `ahead` numbers after `from`; a hint, nothing is read.
    fn expect(self, from: &[f32; LANES], ahead: usize);
    /// `a + b`.
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a - b`.
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a b`.
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`.
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// The smaller; `b` where `a` is no number.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a b + c`, rounded once.
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `c - a b`, rounded once.
    fn fnma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `a b - c`, rounded once.
    fn fms(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// Lanes moved up by one; the last of `before` comes in at the bottom.
    fn after(self, before: Self::F, a: Self::F) -> Self::F;
    /// Lanes moved down by one; the first of `next` comes in at the top.
    fn ahead(self, a: Self::F, next: Self::F) -> Self::F;

    /// Four words, four times over.
    fn four_words(self, words: [u32; 4]) -> Self::W;
    /// How far down the sixteen words each block of four lies, in its first word: 0, 1, 2, 3.
    fn block_numbers(self) -> Self::W;
    /// The same word in every lane.
    fn splat_word(self, a: u32) -> Self::W;
    /// `a + b`, modulo 2^32.
    fn add_words(self, a: Self::W, b: Self::W) -> Self::W;
    /// Bits of one or the other.
    fn xor(self, a: Self::W, b: Self::W) -> Self::W;
    /// `a & mask | set`.
    fn masked(self, a: Self::W, mask: Self::W, set: Self::W) -> Self::W;
    /// `acc + WEIGHT (sum of the four bytes of each word)`; `WEIGHT` of -128 to 127.
    fn weigh_bytes<const WEIGHT: i8>(self, acc: Self::W, a: Self::W) -> Self::W;
    /// The bits as numbers.
    fn as_floats(self, a: Self::W) -> Self::F;
    /// One round of AES on each of the four blocks (FIPS 197, section 5.1).
    fn aes(self, a: Self::W, key: Self::W) -> Self::W;
    /// The last round: without the mixing of columns.
    fn aes_last(self, a: Self::W, key: Self::W) -> Self::W;
}
