//! The lanes by NEON.

// As in `portable`.
#![allow(clippy::inline_always)]

// Thirty names of instructions, each of them plain by its own name below.
#[allow(clippy::wildcard_imports)]
use std::arch::aarch64::*;
use std::arch::{asm, is_aarch64_feature_detected};

use super::{LANES, Lanes, Register, proven};

/// Four registers of 128 bits.
#[derive(Clone, Copy, Debug)]
pub struct Neon(());

impl Neon {
    /// Where the processor has NEON and AES.
    #[must_use]
    pub fn detect() -> Option<Self> {
        let has = is_aarch64_feature_detected!("neon") && is_aarch64_feature_detected!("aes");
        has.then_some(Self(()))
    }
}

/// One register of 128 bits.
#[derive(Clone, Copy, Debug)]
pub struct Quarter(());

impl Register for Quarter {
    type F = float32x4_t;
    type Slot = [f32; 4];
    const WIDTH: usize = 4;

    proven! {
        fn splat(self, a: f32) -> Self::F { vdupq_n_f32(a) }
        fn load(self, from: &[f32; 4]) -> Self::F { vld1q_f32(from.as_ptr()) }
        fn store(self, to: &mut [f32; 4], a: Self::F) { vst1q_f32(to.as_mut_ptr(), a); }
        fn add(self, a: Self::F, b: Self::F) -> Self::F { vaddq_f32(a, b) }
        fn sub(self, a: Self::F, b: Self::F) -> Self::F { vsubq_f32(a, b) }
        fn mul(self, a: Self::F, b: Self::F) -> Self::F { vmulq_f32(a, b) }
        fn div(self, a: Self::F, b: Self::F) -> Self::F { vdivq_f32(a, b) }
        fn min(self, a: Self::F, b: Self::F) -> Self::F {
            // Not `vminq_f32`: that is no number wherever one of the two is none.
            vbslq_f32(vcltq_f32(a, b), a, b)
        }
        // The instructions take what is added first.
        fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F { vfmaq_f32(c, a, b) }
        fn fnma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F { vfmsq_f32(c, a, b) }
        fn fms(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F { vfmaq_f32(vnegq_f32(c), a, b) }
        fn after(self, before: Self::F, a: Self::F) -> Self::F { up_128(before, a) }
        fn ahead(self, a: Self::F, next: Self::F) -> Self::F { down_128(a, next) }
    }
}

/// Four quarters, each by one instruction.
macro_rules! quarters {
    ($name:ident($a:expr)) => {
        [$name($a[0]), $name($a[1]), $name($a[2]), $name($a[3])]
    };
    ($name:ident($a:expr, $b:expr)) => {
        [$name($a[0], $b[0]), $name($a[1], $b[1]), $name($a[2], $b[2]), $name($a[3], $b[3])]
    };
    ($name:ident($a:expr, $b:expr, $c:expr)) => {
        [
            $name($a[0], $b[0], $c[0]),
            $name($a[1], $b[1], $c[1]),
            $name($a[2], $b[2], $c[2]),
            $name($a[3], $b[3], $c[3]),
        ]
    };
}

impl Register for Neon {
    type F = [float32x4_t; 4];
    type Slot = [f32; LANES];
    const WIDTH: usize = LANES;

    proven! {
        fn splat(self, a: f32) -> Self::F { [vdupq_n_f32(a); 4] }
        fn load(self, from: &[f32; LANES]) -> Self::F {
            let from = from.as_ptr();
            [vld1q_f32(from), vld1q_f32(from.add(4)), vld1q_f32(from.add(8)), vld1q_f32(from.add(12))]
        }
        fn store(self, to: &mut [f32; LANES], a: Self::F) {
            let to = to.as_mut_ptr();
            vst1q_f32(to, a[0]);
            vst1q_f32(to.add(4), a[1]);
            vst1q_f32(to.add(8), a[2]);
            vst1q_f32(to.add(12), a[3]);
        }
        fn add(self, a: Self::F, b: Self::F) -> Self::F { quarters!(vaddq_f32(a, b)) }
        fn sub(self, a: Self::F, b: Self::F) -> Self::F { quarters!(vsubq_f32(a, b)) }
        fn mul(self, a: Self::F, b: Self::F) -> Self::F { quarters!(vmulq_f32(a, b)) }
        fn div(self, a: Self::F, b: Self::F) -> Self::F { quarters!(vdivq_f32(a, b)) }
        fn min(self, a: Self::F, b: Self::F) -> Self::F {
            // Not `vminq_f32`: that is no number wherever one of the two is none.
            quarters!(vbslq_f32(quarters!(vcltq_f32(a, b)), a, b))
        }
        // The instructions take what is added first.
        fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F { quarters!(vfmaq_f32(c, a, b)) }
        fn fnma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F { quarters!(vfmsq_f32(c, a, b)) }
        fn fms(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
            quarters!(vfmaq_f32(quarters!(vnegq_f32(c)), a, b))
        }
        fn after(self, before: Self::F, a: Self::F) -> Self::F {
            quarters!(up_128([before[3], a[0], a[1], a[2]], a))
        }
        fn ahead(self, a: Self::F, next: Self::F) -> Self::F {
            quarters!(down_128(a, [a[1], a[2], a[3], next[0]]))
        }
    }
}

impl Lanes for Neon {
    type W = [uint32x4_t; 4];
    type Part = Quarter;

    #[inline(always)]
    fn part(self) -> Quarter {
        Quarter(())
    }

    #[inline(always)]
    fn pick(self, from: &[f32; 2 * LANES], places: Self::F) -> Self::F {
        let (mut at, mut out) = ([0.0; LANES], [0.0; LANES]);
        self.store(&mut at, places);
        for (out, at) in out.iter_mut().zip(&at) {
            *out = from[at.to_bits() as usize % (2 * LANES)];
        }
        self.load(&out)
    }

    proven! {
        fn expect(self, from: &[f32; LANES], ahead: usize) {
            // The intrinsic is not stable. A hint faults nowhere and no program can see that it read anything.
            asm!(
                "prfm pldl1keep, [{}]",
                in(reg) from.as_ptr().wrapping_add(ahead).addr(),
                options(nomem, nostack, preserves_flags)
            );
        }
        fn four_words(self, words: [u32; 4]) -> Self::W { [vld1q_u32(words.as_ptr()); 4] }
        fn block_numbers(self) -> Self::W {
            let none = vdupq_n_u32(0);
            [none, vsetq_lane_u32::<0>(1, none), vsetq_lane_u32::<0>(2, none), vsetq_lane_u32::<0>(3, none)]
        }
        fn splat_word(self, a: u32) -> Self::W { [vdupq_n_u32(a); 4] }
        fn add_words(self, a: Self::W, b: Self::W) -> Self::W { quarters!(vaddq_u32(a, b)) }
        fn xor(self, a: Self::W, b: Self::W) -> Self::W { quarters!(veorq_u32(a, b)) }
        fn masked(self, a: Self::W, mask: Self::W, set: Self::W) -> Self::W {
            quarters!(vorrq_u32(quarters!(vandq_u32(a, mask)), set))
        }
        fn weigh_bytes<const WEIGHT: i8>(self, acc: Self::W, a: Self::W) -> Self::W {
            let weight = [vdupq_n_u32(i32::from(WEIGHT).cast_unsigned()); 4];
            quarters!(vmlaq_u32(acc, quarters!(sums_128(a)), weight))
        }
        fn as_floats(self, a: Self::W) -> Self::F { quarters!(vreinterpretq_f32_u32(a)) }
        fn aes(self, a: Self::W, key: Self::W) -> Self::W { quarters!(aes_128(a, key)) }
        fn aes_last(self, a: Self::W, key: Self::W) -> Self::W { quarters!(aes_last_128(a, key)) }
    }
}

/// Lanes of `a` moved up by one, the last of `before` at the bottom.
#[inline]
#[target_feature(enable = "neon")]
fn up_128(before: float32x4_t, a: float32x4_t) -> float32x4_t {
    vextq_f32::<3>(before, a)
}

/// Lanes of `a` moved down by one, the first of `next` at the top.
#[inline]
#[target_feature(enable = "neon")]
fn down_128(a: float32x4_t, next: float32x4_t) -> float32x4_t {
    vextq_f32::<1>(a, next)
}

/// The sum of the four bytes of each word.
#[inline]
#[target_feature(enable = "neon")]
fn sums_128(a: uint32x4_t) -> uint32x4_t {
    vpaddlq_u16(vpaddlq_u8(vreinterpretq_u8_u32(a)))
}

/// AESE adds its key before it substitutes: it gets none, and the round's own key is added at the end. The compiler
/// makes the addition one with the AESE of the next round.
#[inline]
#[target_feature(enable = "neon,aes")]
fn aes_128(a: uint32x4_t, key: uint32x4_t) -> uint32x4_t {
    let shifted = vaeseq_u8(vreinterpretq_u8_u32(a), vdupq_n_u8(0));
    veorq_u32(vreinterpretq_u32_u8(vaesmcq_u8(shifted)), key)
}

#[inline]
#[target_feature(enable = "neon,aes")]
fn aes_last_128(a: uint32x4_t, key: uint32x4_t) -> uint32x4_t {
    let shifted = vaeseq_u8(vreinterpretq_u8_u32(a), vdupq_n_u8(0));
    veorq_u32(vreinterpretq_u32_u8(shifted), key)
}
