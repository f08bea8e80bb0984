//! The lanes by AVX-512 and by AVX2.

// As in `portable`.
#![allow(clippy::inline_always)]

// Sixty names of instructions, each of them plain by its own name below.
#[allow(clippy::wildcard_imports)]
use std::arch::x86_64::*;

use super::{LANES, Lanes, Register, proven};

/// One register of 512 bits.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

impl Avx512 {
    /// Where the processor has AVX-512 (F, BW, DQ, VL, VNNI) and VAES.
    #[must_use]
    pub fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni")
            && is_x86_feature_detected!("vaes");
        has.then_some(Self(()))
    }
}

/// Two registers of 256 bits; AES by 256 bits where the processor has VAES, by 128 otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Avx2<const VAES: bool>(());

impl<const VAES: bool> Avx2<VAES> {
    /// Where the processor has AVX2, FMA and AES, and VAES if that is asked for.
    #[must_use]
    pub fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("aes")
            && (!VAES || is_x86_feature_detected!("vaes"));
        has.then_some(Self(()))
    }
}

/// One register of 256 bits.
#[derive(Clone, Copy, Debug)]
pub struct Half(());

impl Register for Half {
    type F = __m256;
    type Slot = [f32; 8];
    const WIDTH: usize = 8;

    proven! {
        fn splat(self, a: f32) -> __m256 { _mm256_set1_ps(a) }
        fn load(self, from: &[f32; 8]) -> __m256 { _mm256_loadu_ps(from.as_ptr()) }
        fn store(self, to: &mut [f32; 8], a: __m256) { _mm256_storeu_ps(to.as_mut_ptr(), a) }
        fn add(self, a: __m256, b: __m256) -> __m256 { _mm256_add_ps(a, b) }
        fn sub(self, a: __m256, b: __m256) -> __m256 { _mm256_sub_ps(a, b) }
        fn mul(self, a: __m256, b: __m256) -> __m256 { _mm256_mul_ps(a, b) }
        fn div(self, a: __m256, b: __m256) -> __m256 { _mm256_div_ps(a, b) }
        fn min(self, a: __m256, b: __m256) -> __m256 { _mm256_min_ps(a, b) }
        fn fma(self, a: __m256, b: __m256, c: __m256) -> __m256 { _mm256_fmadd_ps(a, b, c) }
        fn fnma(self, a: __m256, b: __m256, c: __m256) -> __m256 { _mm256_fnmadd_ps(a, b, c) }
        fn fms(self, a: __m256, b: __m256, c: __m256) -> __m256 { _mm256_fmsub_ps(a, b, c) }
        fn after(self, before: __m256, a: __m256) -> __m256 { up_256(before, a) }
        fn ahead(self, a: __m256, next: __m256) -> __m256 { down_256(a, next) }
    }
}

impl Register for Avx512 {
    type F = __m512;
    type Slot = [f32; LANES];
    const WIDTH: usize = LANES;

    proven! {
        fn splat(self, a: f32) -> __m512 { _mm512_set1_ps(a) }
        fn load(self, from: &[f32; LANES]) -> __m512 { _mm512_loadu_ps(from.as_ptr()) }
        fn store(self, to: &mut [f32; LANES], a: __m512) { _mm512_storeu_ps(to.as_mut_ptr(), a) }
        fn add(self, a: __m512, b: __m512) -> __m512 { _mm512_add_ps(a, b) }
        fn sub(self, a: __m512, b: __m512) -> __m512 { _mm512_sub_ps(a, b) }
        fn mul(self, a: __m512, b: __m512) -> __m512 { _mm512_mul_ps(a, b) }
        fn div(self, a: __m512, b: __m512) -> __m512 { _mm512_div_ps(a, b) }
        fn min(self, a: __m512, b: __m512) -> __m512 { _mm512_min_ps(a, b) }
        fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 { _mm512_fmadd_ps(a, b, c) }
        fn fnma(self, a: __m512, b: __m512, c: __m512) -> __m512 { _mm512_fnmadd_ps(a, b, c) }
        fn fms(self, a: __m512, b: __m512, c: __m512) -> __m512 { _mm512_fmsub_ps(a, b, c) }
        fn after(self, before: __m512, a: __m512) -> __m512 {
            _mm512_castsi512_ps(_mm512_alignr_epi32::<15>(_mm512_castps_si512(a), _mm512_castps_si512(before)))
        }
        fn ahead(self, a: __m512, next: __m512) -> __m512 {
            _mm512_castsi512_ps(_mm512_alignr_epi32::<1>(_mm512_castps_si512(next), _mm512_castps_si512(a)))
        }
    }
}

impl Lanes for Avx512 {
    type W = __m512i;
    type Part = Self;

    #[inline(always)]
    fn part(self) -> Self {
        self
    }

    proven! {
        fn expect(self, from: &[f32; LANES], ahead: usize) {
            _mm_prefetch::<_MM_HINT_T0>(from.as_ptr().wrapping_add(ahead).cast());
        }
        fn pick(self, from: &[f32; 2 * LANES], places: __m512) -> __m512 {
            let (low, high) = (_mm512_loadu_ps(from.as_ptr()), _mm512_loadu_ps(from.as_ptr().add(LANES)));
            _mm512_permutex2var_ps(low, _mm512_castps_si512(places), high)
        }
        fn four_words(self, words: [u32; 4]) -> __m512i { _mm512_broadcast_i32x4(_mm_loadu_si128(words.as_ptr().cast())) }
        fn block_numbers(self) -> __m512i { _mm512_setr_epi32(0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0) }
        fn splat_word(self, a: u32) -> __m512i { _mm512_set1_epi32(a.cast_signed()) }
        fn add_words(self, a: __m512i, b: __m512i) -> __m512i { _mm512_add_epi32(a, b) }
        fn xor(self, a: __m512i, b: __m512i) -> __m512i { _mm512_xor_si512(a, b) }
        fn masked(self, a: __m512i, mask: __m512i, set: __m512i) -> __m512i {
            // Truth table of `a & mask | set`.
            _mm512_ternarylogic_epi32::<0b1110_1010>(a, mask, set)
        }
        fn weigh_bytes<const WEIGHT: i8>(self, acc: __m512i, a: __m512i) -> __m512i {
            _mm512_dpbusd_epi32(acc, a, _mm512_set1_epi8(WEIGHT))
        }
        fn as_floats(self, a: __m512i) -> __m512 { _mm512_castsi512_ps(a) }
        fn aes(self, a: __m512i, key: __m512i) -> __m512i { _mm512_aesenc_epi128(a, key) }
        fn aes_last(self, a: __m512i, key: __m512i) -> __m512i { _mm512_aesenclast_epi128(a, key) }
    }
}

/// A pair of halves, each by one instruction.
macro_rules! halves {
    ($name:ident($a:expr)) => {
        ($name($a.0), $name($a.1))
    };
    ($name:ident($a:expr, $b:expr)) => {
        ($name($a.0, $b.0), $name($a.1, $b.1))
    };
    ($name:ident($a:expr, $b:expr, $c:expr)) => {
        ($name($a.0, $b.0, $c.0), $name($a.1, $b.1, $c.1))
    };
}

impl<const VAES: bool> Register for Avx2<VAES> {
    type F = (__m256, __m256);
    type Slot = [f32; LANES];
    const WIDTH: usize = LANES;

    proven! {
        fn splat(self, a: f32) -> Self::F { let a = _mm256_set1_ps(a); (a, a) }
        fn load(self, from: &[f32; LANES]) -> Self::F {
            (_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from.as_ptr().add(8)))
        }
        fn store(self, to: &mut [f32; LANES], a: Self::F) {
            _mm256_storeu_ps(to.as_mut_ptr(), a.0);
            _mm256_storeu_ps(to.as_mut_ptr().add(8), a.1);
        }
        fn add(self, a: Self::F, b: Self::F) -> Self::F { halves!(_mm256_add_ps(a, b)) }
        fn sub(self, a: Self::F, b: Self::F) -> Self::F { halves!(_mm256_sub_ps(a, b)) }
        fn mul(self, a: Self::F, b: Self::F) -> Self::F { halves!(_mm256_mul_ps(a, b)) }
        fn div(self, a: Self::F, b: Self::F) -> Self::F { halves!(_mm256_div_ps(a, b)) }
        fn min(self, a: Self::F, b: Self::F) -> Self::F { halves!(_mm256_min_ps(a, b)) }
        fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F { halves!(_mm256_fmadd_ps(a, b, c)) }
        fn fnma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F { halves!(_mm256_fnmadd_ps(a, b, c)) }
        fn fms(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F { halves!(_mm256_fmsub_ps(a, b, c)) }
        fn after(self, before: Self::F, a: Self::F) -> Self::F {
            (up_256(before.1, a.0), up_256(a.0, a.1))
        }
        fn ahead(self, a: Self::F, next: Self::F) -> Self::F {
            (down_256(a.0, a.1), down_256(a.1, next.0))
        }
    }
}

impl<const VAES: bool> Lanes for Avx2<VAES> {
    type W = (__m256i, __m256i);
    type Part = Half;

    #[inline(always)]
    fn part(self) -> Half {
        Half(())
    }

    proven! {
        fn expect(self, from: &[f32; LANES], ahead: usize) {
            _mm_prefetch::<_MM_HINT_T0>(from.as_ptr().wrapping_add(ahead).cast());
        }
        fn pick(self, from: &[f32; 2 * LANES], places: Self::F) -> Self::F {
            // No place is beyond the numbers: five bits.
            let five = _mm256_set1_epi32(31);
            let of = |a: __m256| _mm256_i32gather_ps::<4>(from.as_ptr(), _mm256_and_si256(_mm256_castps_si256(a), five));
            (of(places.0), of(places.1))
        }
        fn four_words(self, words: [u32; 4]) -> Self::W {
            let words = _mm256_broadcastsi128_si256(_mm_loadu_si128(words.as_ptr().cast()));
            (words, words)
        }
        fn block_numbers(self) -> Self::W {
            (_mm256_setr_epi32(0, 0, 0, 0, 1, 0, 0, 0), _mm256_setr_epi32(2, 0, 0, 0, 3, 0, 0, 0))
        }
        fn splat_word(self, a: u32) -> Self::W { let a = _mm256_set1_epi32(a.cast_signed()); (a, a) }
        fn add_words(self, a: Self::W, b: Self::W) -> Self::W { halves!(_mm256_add_epi32(a, b)) }
        fn xor(self, a: Self::W, b: Self::W) -> Self::W { halves!(_mm256_xor_si256(a, b)) }
        fn masked(self, a: Self::W, mask: Self::W, set: Self::W) -> Self::W {
            halves!(_mm256_or_si256(halves!(_mm256_and_si256(a, mask)), set))
        }
        fn weigh_bytes<const WEIGHT: i8>(self, acc: Self::W, a: Self::W) -> Self::W {
            (weigh_256::<WEIGHT>(acc.0, a.0), weigh_256::<WEIGHT>(acc.1, a.1))
        }
        fn as_floats(self, a: Self::W) -> Self::F { halves!(_mm256_castsi256_ps(a)) }
        fn aes(self, a: Self::W, key: Self::W) -> Self::W {
            if VAES { halves!(_mm256_aesenc_epi128(a, key)) } else { halves!(aes_256(a, key)) }
        }
        fn aes_last(self, a: Self::W, key: Self::W) -> Self::W {
            if VAES { halves!(_mm256_aesenclast_epi128(a, key)) } else { halves!(aes_last_256(a, key)) }
        }
    }
}

/// Lanes of `a` moved up by one, the last of `before` at the bottom.
#[inline]
#[target_feature(enable = "avx2")]
fn up_256(before: __m256, a: __m256) -> __m256 {
    let middle = _mm256_permute2f128_ps::<0x21>(before, a);
    _mm256_castsi256_ps(_mm256_alignr_epi8::<12>(_mm256_castps_si256(a), _mm256_castps_si256(middle)))
}

/// Lanes of `a` moved down by one, the first of `next` at the top.
#[inline]
#[target_feature(enable = "avx2")]
fn down_256(a: __m256, next: __m256) -> __m256 {
    let middle = _mm256_permute2f128_ps::<0x21>(a, next);
    _mm256_castsi256_ps(_mm256_alignr_epi8::<4>(_mm256_castps_si256(middle), _mm256_castps_si256(a)))
}

/// `acc + WEIGHT (sum of bytes)`: pairs of bytes fit 16 bits for weights up to 64.
#[inline]
#[target_feature(enable = "avx2")]
fn weigh_256<const WEIGHT: i8>(acc: __m256i, a: __m256i) -> __m256i {
    const { assert!(WEIGHT >= -64 && WEIGHT <= 64) };
    let pairs = _mm256_maddubs_epi16(a, _mm256_set1_epi8(WEIGHT));
    _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
}

#[inline]
#[target_feature(enable = "avx2,aes")]
fn aes_256(a: __m256i, key: __m256i) -> __m256i {
    let low = _mm_aesenc_si128(_mm256_castsi256_si128(a), _mm256_castsi256_si128(key));
    let high = _mm_aesenc_si128(_mm256_extracti128_si256::<1>(a), _mm256_extracti128_si256::<1>(key));
    _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high)
}

#[inline]
#[target_feature(enable = "avx2,aes")]
fn aes_last_256(a: __m256i, key: __m256i) -> __m256i {
    let low = _mm_aesenclast_si128(_mm256_castsi256_si128(a), _mm256_castsi256_si128(key));
    let high = _mm_aesenclast_si128(_mm256_extracti128_si256::<1>(a), _mm256_extracti128_si256::<1>(key));
    _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high)
}
