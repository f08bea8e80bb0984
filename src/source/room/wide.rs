//! Numbers side by side: the arithmetic of one pixel on `N` pixels at once, with the bits of one by one.
//!
//! Everything is exact or correctly rounded and nothing is fused, so neither `N` nor the instructions matter.

// What is inlined always is compiled for the instructions of the body that calls it (`kernel::wide`).
#![allow(clippy::inline_always)]

use std::ops::{Add, BitAnd, Div, Mul, Neg, Not, Sub};

use rapier3d::prelude::Vector;

/// `N` numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wide<const N: usize>(pub(super) [f32; N]);

/// `N` words of 32 bits, added and multiplied modulo 2^32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Words<const N: usize>([u32; N]);

/// `N` answers; all bits of a word are set where it is yes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mask<const N: usize>([u32; N]);

/// `N` points, directions or colours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Triple<const N: usize> {
    pub(super) x: Wide<N>,
    pub(super) y: Wide<N>,
    pub(super) z: Wide<N>,
}

/// Adding it to a number below 2^22 leaves the nearest whole number in the low bits (1.5 * 2^23).
const SHIFT: f32 = 12_582_912.0;

#[inline(always)]
fn map<const N: usize, A: Copy, B: Copy + Default>(a: [A; N], f: impl Fn(A) -> B) -> [B; N] {
    let mut out = [B::default(); N];
    for i in 0..N {
        out[i] = f(a[i]);
    }
    out
}

#[inline(always)]
fn join<const N: usize, A: Copy, B: Copy, C: Copy + Default>(
    a: [A; N],
    b: [B; N],
    f: impl Fn(A, B) -> C,
) -> [C; N] {
    let mut out = [C::default(); N];
    for i in 0..N {
        out[i] = f(a[i], b[i]);
    }
    out
}

impl<const N: usize> Wide<N> {
    #[inline(always)]
    pub(super) fn splat(a: f32) -> Self {
        Self([a; N])
    }

    #[inline(always)]
    pub(super) fn sqrt(self) -> Self {
        Self(map(self.0, f32::sqrt))
    }

    #[inline(always)]
    pub(super) fn abs(self) -> Self {
        Self(map(self.0, f32::abs))
    }

    /// The smaller of each pair; no lane may be NaN.
    #[inline(always)]
    pub(super) fn min(self, other: Self) -> Self {
        Self(join(self.0, other.0, |a, b| if a < b { a } else { b }))
    }

    /// The larger of each pair; no lane may be NaN.
    #[inline(always)]
    pub(super) fn max(self, other: Self) -> Self {
        Self(join(self.0, other.0, |a, b| if a > b { a } else { b }))
    }

    /// Held between 0 and 1.
    #[inline(always)]
    pub(super) fn clamp(self) -> Self {
        self.max(Self::splat(0.0)).min(Self::splat(1.0))
    }

    #[inline(always)]
    pub(super) fn below(self, other: Self) -> Mask<N> {
        Mask(join(self.0, other.0, |a, b| if a < b { u32::MAX } else { 0 }))
    }

    /// Of each pair the first where `mask` says yes.
    #[inline(always)]
    pub(super) fn select(mask: Mask<N>, yes: Self, no: Self) -> Self {
        let yes = join(yes.0, mask.0, |yes, mask| yes.to_bits() & mask);
        let no = join(no.0, mask.0, |no, mask| no.to_bits() & !mask);
        Self(join(yes, no, |yes, no| f32::from_bits(yes | no)))
    }

    /// The greatest whole number not above each, as a word and as a number; magnitudes stay below 2^22.
    #[inline(always)]
    pub(super) fn floor(self) -> (Words<N>, Self) {
        let shifted = map(self.0, |x| x + SHIFT);
        let nearest = map(shifted, |x| x - SHIFT);
        let above = join(nearest, self.0, |near, x| if near > x { u32::MAX } else { 0 });
        let words =
            join(shifted, above, |x, above| x.to_bits().wrapping_sub(SHIFT.to_bits()).wrapping_add(above));
        let whole = join(nearest, above, |near, above| near - f32::from_bits(1f32.to_bits() & above));
        (Words(words), Self(whole))
    }

    /// The way from `a` to `b`.
    #[inline(always)]
    pub(super) fn lerp(a: Self, b: Self, t: Self) -> Self {
        a + (b - a) * t
    }
}

impl<const N: usize> Words<N> {
    #[inline(always)]
    pub(super) fn splat(a: i32) -> Self {
        Self([a.cast_unsigned(); N])
    }

    #[inline(always)]
    pub(super) fn at(&self, lane: usize) -> usize {
        self.0[lane] as usize
    }

    /// A mixed word of three, after the finalisers of `MurmurHash3` (A. Appleby).
    #[inline(always)]
    pub(super) fn hash(x: Self, y: Self, z: Self) -> Self {
        let first = join(x.0, y.0, |x, y| x.wrapping_mul(0x9e37_79b9) ^ y.wrapping_mul(0x85eb_ca6b));
        Self(join(first, z.0, |first, z| {
            let mut word = first ^ z.wrapping_mul(0xc2b2_ae35);
            word = (word ^ (word >> 15)).wrapping_mul(0x7feb_352d);
            word = (word ^ (word >> 13)).wrapping_mul(0x846c_a68b);
            word ^ (word >> 16)
        }))
    }

    /// As numbers in `[0, 1)`.
    #[inline(always)]
    pub(super) fn fraction(self) -> Wide<N> {
        Wide(map(self.0, |word| (word >> 8).cast_signed() as f32 * (1.0 / 16_777_216.0)))
    }

    #[inline(always)]
    pub(super) fn plus(self, a: i32) -> Self {
        Self(map(self.0, |word| word.wrapping_add(a.cast_unsigned())))
    }

    /// `a times + b`.
    #[inline(always)]
    pub(super) fn times_plus(self, times: u32, b: Self) -> Self {
        Self(join(self.0, b.0, |a, b| a.wrapping_mul(times).wrapping_add(b)))
    }
}

impl<const N: usize> Mask<N> {
    #[inline(always)]
    pub(super) fn any(self) -> bool {
        let mut some = 0;
        for i in 0..N {
            some |= self.0[i];
        }
        some != 0
    }

    #[inline(always)]
    pub(super) fn all(self) -> bool {
        !(!self).any()
    }
}

impl<const N: usize> Not for Mask<N> {
    type Output = Self;

    #[inline(always)]
    fn not(self) -> Self {
        Self(map(self.0, |a| !a))
    }
}

impl<const N: usize> BitAnd for Mask<N> {
    type Output = Self;

    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        Self(join(self.0, other.0, |a, b| a & b))
    }
}

impl<const N: usize> Triple<N> {
    #[inline(always)]
    pub(super) fn splat(v: Vector) -> Self {
        Self { x: Wide::splat(v.x), y: Wide::splat(v.y), z: Wide::splat(v.z) }
    }

    #[inline(always)]
    pub(super) fn at(&self, lane: usize) -> Vector {
        Vector::new(self.x.0[lane], self.y.0[lane], self.z.0[lane])
    }

    #[inline(always)]
    pub(super) fn set(&mut self, lane: usize, v: Vector) {
        (self.x.0[lane], self.y.0[lane], self.z.0[lane]) = (v.x, v.y, v.z);
    }

    #[inline(always)]
    pub(super) fn dot(self, other: Self) -> Wide<N> {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    #[inline(always)]
    pub(super) fn unit(self) -> Self {
        self * (Wide::splat(1.0) / self.dot(self).sqrt())
    }

    /// Every second one.
    #[inline(always)]
    pub(super) fn evens<const M: usize>(self) -> Triple<M> {
        let evens = |a: Wide<N>| {
            let mut out = [0.0; M];
            for (to, from) in out.iter_mut().zip(a.0.iter().step_by(2)) {
                *to = *from;
            }
            Wide(out)
        };
        Triple { x: evens(self.x), y: evens(self.y), z: evens(self.z) }
    }

    /// Of each pair the first where `mask` says yes.
    #[inline(always)]
    pub(super) fn select(mask: Mask<N>, yes: Self, no: Self) -> Self {
        Self {
            x: Wide::select(mask, yes.x, no.x),
            y: Wide::select(mask, yes.y, no.y),
            z: Wide::select(mask, yes.z, no.z),
        }
    }

    /// The way from `a` to `b`.
    #[inline(always)]
    pub(super) fn lerp(a: Self, b: Self, t: Wide<N>) -> Self {
        a + (b - a) * t
    }
}

/// Operators on every lane, with a `Wide` and with one number for all lanes.
macro_rules! lanewise {
    ($($trait:ident $op:ident),*) => {$(
        impl<const N: usize> $trait for Wide<N> {
            type Output = Self;

            #[inline(always)]
            fn $op(self, other: Self) -> Self {
                Self(join(self.0, other.0, f32::$op))
            }
        }

        impl<const N: usize> $trait<f32> for Wide<N> {
            type Output = Self;

            #[inline(always)]
            fn $op(self, other: f32) -> Self {
                Self(map(self.0, |a| a.$op(other)))
            }
        }

        impl<const N: usize> $trait for Triple<N> {
            type Output = Self;

            #[inline(always)]
            fn $op(self, other: Self) -> Self {
                Self { x: self.x.$op(other.x), y: self.y.$op(other.y), z: self.z.$op(other.z) }
            }
        }

        impl<const N: usize> $trait<Wide<N>> for Triple<N> {
            type Output = Self;

            #[inline(always)]
            fn $op(self, other: Wide<N>) -> Self {
                Self { x: self.x.$op(other), y: self.y.$op(other), z: self.z.$op(other) }
            }
        }

        impl<const N: usize> $trait<f32> for Triple<N> {
            type Output = Self;

            #[inline(always)]
            fn $op(self, other: f32) -> Self {
                Self { x: self.x.$op(other), y: self.y.$op(other), z: self.z.$op(other) }
            }
        }
    )*};
}

lanewise!(Add add, Sub sub, Mul mul, Div div);

impl<const N: usize> Neg for Wide<N> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        Self(map(self.0, |a| -a))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_of_either_sign_are_exact() {
        let numbers = [-3.0, -2.5, -0.499, -0.0, 0.5, 0.999_999_94, 1.0, 4_000_000.5];
        let (words, whole) = Wide(numbers).floor();
        assert_eq!(whole.0, numbers.map(f32::floor));
        assert_eq!(words.0.map(u32::cast_signed), numbers.map(|x| x.floor() as i32));
    }

    #[test]
    fn a_choice_takes_each_lane_of_one_or_the_other() {
        let mask = Wide([1.0, 5.0, 2.0]).below(Wide::splat(2.0));
        assert_eq!(Wide::select(mask, Wide::splat(7.0), Wide([0.0, 1.0, 2.0])).0, [7.0, 1.0, 2.0]);
        assert!(mask.any() && !mask.all());
    }
}
