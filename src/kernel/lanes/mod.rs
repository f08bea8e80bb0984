//! Sixteen lanes of f32 and u32: one set of operations, several ways to run it, equal to the bit.
//!
//! A value of a [`Lanes`] type is the proof that the processor has its instructions, so its operations are
//! safe. Every operation is exact or correctly rounded by IEEE 754; there is no approximate reciprocal here.

#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "aarch64")]
pub use neon::Neon;
pub use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

/// Lanes of a vector.
pub const LANES: usize = 16;

/// Numbers that an instruction takes at once, and what it does with them.
pub trait Register: Copy {
    /// The numbers.
    type F: Copy;
    /// As many in memory: `[f32; WIDTH]`.
    type Slot;
    /// How many there are: a divisor of [`LANES`].
    const WIDTH: usize;
    /// Holds where that is so.
    const PLAIN: () = assert!(
        size_of::<Self::Slot>() == Self::WIDTH * size_of::<f32>()
            && align_of::<Self::Slot>() == align_of::<f32>()
            && !std::mem::needs_drop::<Self::Slot>()
            && LANES.is_multiple_of(Self::WIDTH)
    );

    /// The same number in every lane.
    fn splat(self, a: f32) -> Self::F;
    /// Numbers from memory.
    fn load(self, from: &Self::Slot) -> Self::F;
    /// Numbers to memory.
    fn store(self, to: &mut Self::Slot, a: Self::F);
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
}

/// Sixteen lanes by one instruction set.
pub trait Lanes: Register<Slot = [f32; LANES]> {
    /// Sixteen u32.
    type W: Copy;
    /// One of the registers that hold sixteen f32, for work that would need more of them at once than there are.
    type Part: Register;

    /// See [`Self::Part`].
    fn part(self) -> Self::Part;
    /// Asks the memory for what lies `ahead` numbers after `from`; a hint, nothing is read.
    fn expect(self, from: &[f32; LANES], ahead: usize);
    /// The number of `from` that the lowest five bits of each lane tell.
    fn pick(self, from: &[f32; 2 * LANES], places: Self::F) -> Self::F;

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

/// Operations of [`Lanes`] that are safe because `self` proves that the processor has them.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! proven {
    ($(fn $name:ident $(<const $c:ident: $ct:ty>)? ($self:ident $(, $arg:ident: $type:ty)*) $(-> $out:ty)? $body:block)*) => {
        $(
            #[inline(always)]
            fn $name$(<const $c: $ct>)?($self $(, $arg: $type)*) $(-> $out)? {
                // SAFETY: a value of this type exists only where the processor has the instructions; pointers come from references.
                unsafe { $body }
            }
        )*
    };
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use proven;

/// Which instructions run the kernel. Every choice gives the same bits.
#[derive(Clone, Copy, Debug)]
pub struct Instructions(Set);

/// A set of instructions, with the proof that the processor has it.
#[derive(Clone, Copy, Debug)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2Vaes(Avx2<true>),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2<false>),
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
    Portable(Portable),
}

impl Instructions {
    /// What this processor runs, the fastest first, by the names of [`Self::name`].
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(Avx512::detect().map(Set::Avx512));
            all.extend(Avx2::detect().map(Set::Avx2Vaes));
            all.extend(Avx2::detect().map(Set::Avx2));
        }
        #[cfg(target_arch = "aarch64")]
        all.extend(Neon::detect().map(Set::Neon));
        all.push(Set::Portable(Portable));
        all.into_iter().map(Self).collect()
    }

    /// The fastest that this processor runs.
    #[must_use]
    pub fn best() -> Self {
        Self::all()[0]
    }

    /// Does `work` with these instructions.
    pub(super) fn run<W: Work>(self, work: W) -> W::Output {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a value of the type exists only where the processor has the instructions.
            Set::Avx512(l) => unsafe { avx512(l, work) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Set::Avx2Vaes(l) => unsafe { avx2_vaes(l, work) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Set::Avx2(l) => unsafe { avx2(l, work) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: as above.
            Set::Neon(l) => unsafe { neon(l, work) },
            Set::Portable(l) => work.run(l),
        }
    }

    /// `avx512+vaes`, `avx2+vaes`, `avx2+aes`, `neon+aes` or `portable`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(_) => "avx512+vaes",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2Vaes(_) => "avx2+vaes",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(_) => "avx2+aes",
            #[cfg(target_arch = "aarch64")]
            Set::Neon(_) => "neon+aes",
            Set::Portable(_) => "portable",
        }
    }
}

/// Something to be done in lanes. `run` is to be inlined always: so it is compiled for each set of instructions.
pub(super) trait Work {
    /// What comes of it.
    type Output;

    fn run<L: Lanes>(self, l: L) -> Self::Output;
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,vaes,avx2,fma,aes")]
fn avx512<W: Work>(l: Avx512, work: W) -> W::Output {
    work.run(l)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,aes,vaes")]
fn avx2_vaes<W: Work>(l: Avx2<true>, work: W) -> W::Output {
    work.run(l)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,aes")]
fn avx2<W: Work>(l: Avx2<false>, work: W) -> W::Output {
    work.run(l)
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon,aes")]
fn neon<W: Work>(l: Neon, work: W) -> W::Output {
    work.run(l)
}
