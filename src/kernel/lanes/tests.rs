//! Every operation by every instruction set against plain arrays, bit by bit.

use super::*;
use crate::random::Stream;

/// Numbers as they occur and the corners: zeros of both signs, the subnormal, the infinite, no number.
const CORNERS: [f32; 8] = [0.0, -0.0, 1e-40, -3e-42, f32::MAX, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];

/// The results of all operations on one set of operands; what is no number counts as one bit pattern.
struct Everything {
    floats: [[f32; LANES]; 3],
    words: [[u32; 4]; 3],
}

impl Work for Everything {
    type Output = Vec<(&'static str, [u32; LANES])>;

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) -> Self::Output {
        let [a, b, c] = [l.load(&self.floats[0]), l.load(&self.floats[1]), l.load(&self.floats[2])];
        l.expect(&self.floats[0], 1_000_000);
        let both = core::array::from_fn(|at| self.floats[at / LANES][at % LANES]);
        let mut out = Vec::new();
        for (name, value) in [
            ("splat", l.splat(self.floats[0][3])),
            ("load", a),
            ("add", l.add(a, b)),
            ("sub", l.sub(a, b)),
            ("mul", l.mul(a, b)),
            ("div", l.div(a, b)),
            ("min", l.min(a, b)),
            ("fma", l.fma(a, b, c)),
            ("fnma", l.fnma(a, b, c)),
            ("fms", l.fms(a, b, c)),
            ("after", l.after(a, b)),
            ("ahead", l.ahead(a, b)),
            ("pick", l.pick(&both, c)),
        ] {
            let mut lanes = [0.0; LANES];
            l.store(&mut lanes, value);
            out.push((name, lanes.map(|lane| if lane.is_nan() { f32::NAN } else { lane }.to_bits())));
        }
        let [p, q, r] =
            [l.four_words(self.words[0]), l.four_words(self.words[1]), l.four_words(self.words[2])];
        // Blocks that differ, so that none can be taken for another.
        let p = l.add_words(p, l.block_numbers());
        for (name, value) in [
            ("four_words", q),
            ("block_numbers", l.block_numbers()),
            ("splat_word", l.splat_word(self.words[0][0])),
            ("add_words", l.add_words(p, q)),
            ("xor", l.xor(p, q)),
            ("masked", l.masked(p, q, r)),
            ("weigh_bytes", l.weigh_bytes::<64>(q, p)),
            ("weigh_bytes, negative", l.weigh_bytes::<-64>(q, p)),
            ("aes", l.aes(p, q)),
            ("aes, twice", l.aes(l.aes(p, q), r)),
            ("aes_last", l.aes_last(p, q)),
        ] {
            // As bits, whatever numbers they make: a store moves them and no more.
            let mut lanes = [0.0; LANES];
            l.store(&mut lanes, l.as_floats(value));
            out.push((name, lanes.map(f32::to_bits)));
        }
        out
    }
}

#[test]
fn every_operation_gives_the_bits_of_plain_arrays() {
    let mut draws = Stream::new(3, 1);
    for round in 0..500 {
        let mut floats = [[0.0; LANES]; 3];
        for lane in floats.iter_mut().flatten() {
            let corner = draws.uniform() < 0.3;
            *lane = if corner {
                CORNERS[(draws.uniform() * CORNERS.len() as f64) as usize]
            } else {
                draws.normal() as f32
            };
        }
        let mut word = || (draws.uniform() * 4_294_967_296.0) as u32;
        let mut words = [[0; 4]; 3];
        words.iter_mut().flatten().for_each(|each| *each = word());
        if round == 0 {
            // The largest and the smallest sums of bytes.
            words[0] = [u32::MAX, 0, 0xFF00_00FF, u32::MAX];
        }
        let plain = Everything { floats, words }.run(Portable);
        for with in Instructions::all() {
            for (got, expected) in with.run(Everything { floats, words }).iter().zip(&plain) {
                assert_eq!(got, expected, "{} of {floats:?} and {words:x?}", with.name());
            }
        }
    }
}

#[test]
fn the_smaller_is_the_second_where_the_first_is_no_number_or_they_are_equal() {
    struct Min;
    impl Work for Min {
        type Output = [f32; LANES];

        #[inline(always)]
        fn run<L: Lanes>(self, l: L) -> [f32; LANES] {
            let (mut a, mut b) = ([1.0; LANES], [2.0; LANES]);
            (a[0], a[1], b[2], a[3], b[3]) = (f32::NAN, 3.0, f32::NAN, 0.0, -0.0);
            let mut out = [0.0; LANES];
            l.store(&mut out, l.min(l.load(&a), l.load(&b)));
            out
        }
    }
    for with in Instructions::all() {
        let out = with.run(Min);
        assert_eq!(out[..2], [2.0, 2.0], "{}", with.name());
        assert!(out[2].is_nan() && out[3] == 0.0 && out[3].is_sign_negative(), "{}: {out:?}", with.name());
        assert_eq!(out[4..], [1.0; 12], "{}", with.name());
    }
}

#[test]
fn what_the_processor_has_comes_before_plain_arrays() {
    let names: Vec<_> = Instructions::all().into_iter().map(Instructions::name).collect();
    #[cfg(target_arch = "x86_64")]
    let known = ["avx512+vaes", "avx2+vaes", "avx2+aes", "portable"];
    #[cfg(target_arch = "aarch64")]
    let known = ["neon+aes", "portable"];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let known = ["portable"];
    let expected: Vec<_> = known.into_iter().filter(|name| names.contains(name)).collect();
    assert_eq!(names, expected, "in the order of speed");
    assert_eq!(names.last(), Some(&"portable"));
    #[cfg(target_arch = "aarch64")]
    assert_eq!(names.len() == 2, std::arch::is_aarch64_feature_detected!("aes"));
}
