//! Sums over a stretch of sites of what a plane shows beyond another: its mean phasor, once and twice around, its size and
//! its power (real-time: nothing is allocated).
//!
//! Sums run in 16 interleaved partial sums that are added in their order; that is part of the result, the instruction set is not.

use super::meters::{Plane, inverse_root};
use super::wide::compile_wide;

/// Interleaved partial sums.
const LANES: usize = 16;
/// Sums of a stretch, as [`phase_moments`] gives them.
pub const MOMENTS: usize = 6;

compile_wide! {
    /// The sums over sites of `d = a - b`, of `d²/|d|`, of `|d|` and of `|d|²`: real and imaginary part of the first two, so six numbers. A
    /// site at exactly 0 adds nothing.
    #[must_use]
    pub fn phase_moments, phase_moments_on(a: Plane<'_>, b: Option<Plane<'_>>) -> [f32; MOMENTS] = body
}

#[inline(always)]
fn body(a: Plane<'_>, b: Option<Plane<'_>>) -> [f32; MOMENTS] {
    let mut sums = [[0.0; LANES]; MOMENTS];
    let sites = a.0.len().min(a.1.len());
    let mut from = 0;
    while from < sites {
        let to = (from + LANES).min(sites);
        // Zeros add nothing to any sum.
        let [mut re, mut im] = [[0.0f32; LANES]; 2];
        re[..to - from].copy_from_slice(&a.0[from..to]);
        im[..to - from].copy_from_slice(&a.1[from..to]);
        if let Some((b_re, b_im)) = b {
            re.iter_mut().zip(&b_re[from..to]).for_each(|(x, b)| *x -= b);
            im.iter_mut().zip(&b_im[from..to]).for_each(|(x, b)| *x -= b);
        }
        for lane in 0..LANES {
            let (re, im) = (re[lane], im[lane]);
            let power = re.mul_add(re, im * im);
            let inverse = inverse_root(power.clamp(f32::MIN_POSITIVE, 1e38));
            let terms = [
                re,
                im,
                re.mul_add(re, -(im * im)) * inverse,
                2.0 * re * im * inverse,
                power * inverse,
                power,
            ];
            for (sum, term) in sums.iter_mut().zip(terms) {
                sum[lane] += term;
            }
        }
        from = to;
    }
    sums.map(|lanes| lanes.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::wide::Isa;

    #[test]
    fn a_phasor_is_found_once_and_twice_around() {
        let angle = 0.7f32;
        let (re, im) = (vec![2.0 * libm::cosf(angle); 21], vec![2.0 * libm::sinf(angle); 21]);
        let found = phase_moments((&re, &im), None).map(|sum| sum / 21.0);
        let wanted = [2.0 * libm::cosf(angle), 2.0 * libm::sinf(angle)];
        let doubled = [2.0 * libm::cosf(2.0 * angle), 2.0 * libm::sinf(2.0 * angle)];
        let wanted = [wanted[0], wanted[1], doubled[0], doubled[1], 2.0, 4.0];
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-4), "{found:?} {wanted:?}");
        assert_eq!(phase_moments((&re, &im), Some((&re, &im))), [0.0; MOMENTS]);
    }

    #[test]
    fn every_set_of_instructions_gives_the_same_bits() {
        let wave = |k: usize| (0..77).map(|at| libm::sinf((at * k) as f32)).collect::<Vec<f32>>();
        let (a, b) = ((wave(3), wave(5)), (wave(7), wave(11)));
        let of = |isa| phase_moments_on(isa, (&a.0, &a.1), Some((&b.0, &b.1))).map(f32::to_bits);
        assert!(Isa::all().iter().all(|isa| of(*isa) == of(Isa::Portable)));
    }
}
