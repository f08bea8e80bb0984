//! What a retina computes at every site of its sheet: log-luminance, changes of it, changes of colour.
//!
//! Products and sums are separate, so that a site computed alone has the bits of a site among others.

use super::logarithm::log2;
use super::wide::compile_wide;

/// Linear light: red, green, blue.
pub type Light = [f32; 3];

/// Half the root of 3: the sine of a third of a turn.
const HALF_ROOT_THREE: f32 = 0.866_025_4;

compile_wide! {
    /// The lin-log of each site's luminance `Y = weights . light`: `ln Y` for `Y >= dark`, `ln dark + Y/dark - 1` below.
    ///
    /// # Panics
    /// Where `out` is shorter than `light`.
    pub fn log_luminance, log_luminance_on(light: &[Light], weights: Light, dark: f32, out: &mut [f32]) = log_luminance_body
}

#[inline(always)]
fn log_luminance_body(light: &[Light], weights: Light, dark: f32, out: &mut [f32]) {
    let log_dark = core::f32::consts::LN_2 * log2(dark);
    for (out, light) in out[..light.len()].iter_mut().zip(light) {
        let y = weights[0] * light[0] + weights[1] * light[1] + weights[2] * light[2];
        let above = core::f32::consts::LN_2 * log2(y.max(dark));
        let below = log_dark + y / dark - 1.0;
        *out = if y >= dark { above } else { below };
    }
}

compile_wide! {
    /// How many thresholds each value lies from `shift`, whole ones and the part of one: `|value - shift| / threshold`.
    ///
    /// # Panics
    /// Where `out` is shorter than `values`.
    pub fn distances, distances_on(values: &[f32], shift: f32, threshold: f32, out: &mut [f32]) = distances_body
}

#[inline(always)]
fn distances_body(values: &[f32], shift: f32, threshold: f32, out: &mut [f32]) {
    for (out, value) in out[..values.len()].iter_mut().zip(values) {
        *out = (value - shift).abs() / threshold;
    }
}

/// The complex chroma of light, `(R + G e^{2 pi i/3} + B e^{-2 pi i/3}) / (R + G + B + 3 dark)`.
#[inline(always)]
#[must_use]
pub fn chroma([red, green, blue]: Light, dark: f32) -> [f32; 2] {
    let scale = 1.0 / (red + green + blue + 3.0 * dark);
    [scale * (red - 0.5 * (green + blue)), scale * HALF_ROOT_THREE * (green - blue)]
}

/// The size of a complex number.
#[inline(always)]
#[must_use]
pub fn size([re, im]: [f32; 2]) -> f32 {
    (re * re + im * im).sqrt()
}

compile_wide! {
    /// How many thresholds each site's chroma lies from its reference: `|chroma - reference| / threshold`.
    ///
    /// # Panics
    /// Where `references` or `out` are shorter than `light`.
    pub fn chroma_distances, chroma_distances_on(
        light: &[Light],
        dark: f32,
        references: &[[f32; 2]],
        threshold: f32,
        out: &mut [f32],
    ) = chroma_distances_body
}

#[inline(always)]
fn chroma_distances_body(
    light: &[Light],
    dark: f32,
    references: &[[f32; 2]],
    threshold: f32,
    out: &mut [f32],
) {
    let count = light.len();
    for ((out, &light), reference) in out[..count].iter_mut().zip(light).zip(&references[..count]) {
        let [re, im] = chroma(light, dark);
        *out = size([re - reference[0], im - reference[1]]) / threshold;
    }
}

#[cfg(test)]
mod tests {
    use super::super::wide::Isa;
    use super::*;
    use crate::random::Stream;

    fn lights(count: usize) -> Vec<Light> {
        let mut draw = Stream::new(3, 0);
        (0..count).map(|_| [0; 3].map(|_| (draw.uniform() * draw.uniform()) as f32)).collect()
    }

    #[test]
    fn the_logarithm_of_light_is_linear_in_the_dark_and_has_no_step() {
        let lights: Vec<Light> = (0..1_000u16).map(|n| [f32::from(n) * 1e-5; 3]).collect();
        let mut out = vec![0.0; 1_000];
        log_luminance(&lights, [0.2126, 0.7152, 0.0722], 0.007, &mut out);
        for (light, &log) in lights.iter().zip(&out) {
            let y = f64::from(light[0]);
            let exact = if y >= 0.007 { y.ln() } else { 0.007f64.ln() + y / 0.007 - 1.0 };
            assert!((f64::from(log) - exact).abs() < 1e-5, "{y}: {log} {exact}");
        }
        assert!(out.windows(2).all(|pair| pair[1] > pair[0]));
    }

    #[test]
    fn grey_has_no_chroma_and_the_primaries_lie_a_third_of_a_turn_apart() {
        assert!(size(chroma([0.4; 3], 0.007)) < 1e-7);
        let primaries = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].map(|light| chroma(light, 0.0));
        for (primary, (re, im)) in primaries.iter().zip([(1.0, 0.0), (-0.5, 0.866), (-0.5, -0.866)]) {
            assert!((primary[0] - re).abs() < 1e-3 && (primary[1] - im).abs() < 1e-3, "{primaries:?}");
        }
    }

    #[test]
    fn no_set_of_vector_instructions_changes_a_bit_and_a_site_alone_has_the_same() {
        let light = lights(1_003);
        let values: Vec<f32> = light.iter().map(|light| light[0] - light[1]).collect();
        let references: Vec<[f32; 2]> = light.iter().rev().map(|&light| chroma(light, 0.01)).collect();
        let run = |isa| {
            let mut out = [0; 3].map(|_| vec![0.0; 1_003]);
            log_luminance_on(isa, &light, [0.2126, 0.7152, 0.0722], 0.007, &mut out[0]);
            distances_on(isa, &values, 0.03, 0.2, &mut out[1]);
            chroma_distances_on(isa, &light, 0.007, &references, 0.1, &mut out[2]);
            out.concat().into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let portable = run(Isa::Portable);
        for &isa in Isa::all() {
            assert_eq!(run(isa), portable, "{isa:?}");
        }
        let [re, im] = chroma(light[500], 0.007);
        let alone = size([re - references[500][0], im - references[500][1]]) / 0.1;
        assert_eq!(alone.to_bits(), portable[2 * 1_003 + 500]);
    }
}
