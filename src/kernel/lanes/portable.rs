//! The lanes as plain arrays.

// Inlined into the compilation of whoever uses them: that is what makes them lanes.
#![allow(clippy::inline_always)]

use super::super::ars;
use super::{LANES, Lanes, Register};

/// Plain arrays: what any processor runs, and what the others are held against.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

macro_rules! each {
    ($lane:ident => $value:expr) => {
        std::array::from_fn(|$lane| $value)
    };
}

impl Register for Portable {
    type F = [f32; LANES];
    type Slot = [f32; LANES];
    const WIDTH: usize = LANES;

    #[inline(always)]
    fn splat(self, a: f32) -> Self::F {
        [a; LANES]
    }
    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::F {
        *from
    }
    #[inline(always)]
    fn store(self, to: &mut [f32; LANES], a: Self::F) {
        *to = a;
    }
    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        each!(i => a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        each!(i => a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        each!(i => a[i] * b[i])
    }
    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        each!(i => a[i] / b[i])
    }
    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        each!(i => if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        each!(i => a[i].mul_add(b[i], c[i]))
    }
    #[inline(always)]
    fn fnma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        each!(i => (-a[i]).mul_add(b[i], c[i]))
    }
    #[inline(always)]
    fn fms(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        each!(i => a[i].mul_add(b[i], -c[i]))
    }
    #[inline(always)]
    fn after(self, before: Self::F, a: Self::F) -> Self::F {
        each!(i => if i == 0 { before[LANES - 1] } else { a[i - 1] })
    }
    #[inline(always)]
    fn ahead(self, a: Self::F, next: Self::F) -> Self::F {
        each!(i => if i + 1 == LANES { next[0] } else { a[i + 1] })
    }
}

impl Lanes for Portable {
    type W = [u32; LANES];
    type Part = Self;

    #[inline(always)]
    fn part(self) -> Self {
        self
    }
    #[inline(always)]
    fn expect(self, _from: &[f32; LANES], _ahead: usize) {}
    #[inline(always)]
    fn pick(self, from: &[f32; 2 * LANES], places: Self::F) -> Self::F {
        each!(i => from[places[i].to_bits() as usize % (2 * LANES)])
    }
    #[inline(always)]
    fn four_words(self, words: [u32; 4]) -> Self::W {
        each!(i => words[i % 4])
    }
    #[inline(always)]
    fn block_numbers(self) -> Self::W {
        each!(i => if i % 4 == 0 { i as u32 / 4 } else { 0 })
    }
    #[inline(always)]
    fn splat_word(self, a: u32) -> Self::W {
        [a; LANES]
    }
    #[inline(always)]
    fn add_words(self, a: Self::W, b: Self::W) -> Self::W {
        each!(i => a[i].wrapping_add(b[i]))
    }
    #[inline(always)]
    fn xor(self, a: Self::W, b: Self::W) -> Self::W {
        each!(i => a[i] ^ b[i])
    }
    #[inline(always)]
    fn masked(self, a: Self::W, mask: Self::W, set: Self::W) -> Self::W {
        each!(i => a[i] & mask[i] | set[i])
    }
    #[inline(always)]
    fn weigh_bytes<const WEIGHT: i8>(self, acc: Self::W, a: Self::W) -> Self::W {
        each!(i => {
            let [p, q, r, s] = a[i].to_le_bytes().map(i32::from);
            acc[i].wrapping_add((i32::from(WEIGHT) * (p + q + r + s)).cast_unsigned())
        })
    }
    #[inline(always)]
    fn as_floats(self, a: Self::W) -> Self::F {
        each!(i => f32::from_bits(a[i]))
    }
    #[inline(always)]
    fn aes(self, a: Self::W, key: Self::W) -> Self::W {
        blocks(a, key, ars::aes_round)
    }
    #[inline(always)]
    fn aes_last(self, a: Self::W, key: Self::W) -> Self::W {
        blocks(a, key, ars::aes_last_round)
    }
}

#[inline(always)]
fn blocks(
    a: [u32; LANES],
    key: [u32; LANES],
    round: impl Fn([u32; 4], [u32; 4]) -> [u32; 4],
) -> [u32; LANES] {
    let mut out = [0; LANES];
    for block in 0..4 {
        let of = |words: [u32; LANES]| std::array::from_fn(|word| words[4 * block + word]);
        out[4 * block..][..4].copy_from_slice(&round(of(a), of(key)));
    }
    out
}
