//! The differential from the tonic baseline: driven minus twin (real-time: nothing is allocated).
//!
//! Both have the same noise, so what remains is what the input did: 0 exactly where nothing came in.

use crate::kernel::meters::{Plane, compare};
use crate::signal::FieldView;

/// The rms over sites of `driven - twin` in one band plane, relative to the tonic rms `sqrt(E_b)`: 0 where they are
/// equal, 1 where they differ as much as the tonic rhythm itself varies.
///
/// Planes are real and imaginary parts of equal length; `tonic_variance` is `E_b`, above 0.
#[must_use]
pub fn relative_rms(driven: Plane<'_>, twin: Plane<'_>, tonic_variance: f32) -> f32 {
    let difference = compare(driven, twin, 1.0 / tonic_variance).difference;
    relative_rms_of(difference, driven.0.len(), tonic_variance)
}

/// The same of a summed `|driven - twin|^2` over `sites` sites.
pub(super) fn relative_rms_of(difference: f32, sites: usize, tonic_variance: f32) -> f32 {
    (difference / (sites.max(1) as f32 * tonic_variance)).sqrt()
}

/// The same for every band, into `out` (slowest first), and over all bands together as the result: the rms of the
/// whole difference relative to the whole tonic rms `sqrt(sum of E_b)`.
///
/// # Panics
/// Where the fields' shapes differ, or `tonic_variances` or `out` does not hold one value per band.
pub fn relative_rms_of_bands(
    driven: &FieldView,
    twin: &FieldView,
    tonic_variances: &[f32],
    out: &mut [f32],
) -> f32 {
    let shape = driven.shape();
    assert!(shape == twin.shape(), "driven and twin have one shape");
    assert!(tonic_variances.len() == shape.bands && out.len() == shape.bands, "one value per band");
    let (mut difference, mut tonic) = (0.0, 0.0);
    for (band, (out, variance)) in out.iter_mut().zip(tonic_variances).enumerate() {
        *out = relative_rms(driven.band(band), twin.band(band), *variance);
        difference += *out * *out * variance;
        tonic += variance;
    }
    if tonic > 0.0 { (difference / tonic).sqrt() } else { 0.0 }
}

/// The differential at each site of a band plane, relative to `sqrt(E_b)`, into `out`: the picture of what the
/// input left behind.
pub fn picture(driven: (&[f32], &[f32]), twin: (&[f32], &[f32]), tonic_variance: f32, out: &mut [f32]) {
    let precision = 1.0 / tonic_variance;
    let driven = driven.0.iter().zip(driven.1);
    let twin = twin.0.iter().zip(twin.1);
    for ((out, (a_re, a_im)), (b_re, b_im)) in out.iter_mut().zip(driven).zip(twin) {
        let (re, im) = (a_re - b_re, a_im - b_im);
        *out = ((re * re + im * im) * precision).sqrt();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    #[test]
    fn the_differential_of_equal_fields_is_exactly_nothing() {
        let plane = [0.3f32, -2.0, 7.5];
        assert_eq!(relative_rms((&plane, &plane), (&plane, &plane), 0.5).to_bits(), 0);
    }

    #[test]
    fn a_shift_of_one_tonic_rms_counts_as_one() {
        let twin: Vec<f32> = (0..100).map(|i| i as f32 * 0.1).collect();
        let driven: Vec<f32> = twin.iter().map(|value| value + 0.5).collect();
        assert!((relative_rms((&driven, &twin), (&twin, &twin), 0.25) - 1.0).abs() < 1e-5);
        let mut picture_of = vec![0.0; 100];
        picture((&driven, &twin), (&twin, &twin), 0.25, &mut picture_of);
        assert!(picture_of.iter().all(|value| (value - 1.0).abs() < 1e-4));
    }

    #[test]
    fn the_whole_is_weighted_by_the_bands_variances() {
        let twin = Array3::<f32>::zeros((2, 4, 4));
        let mut driven = twin.clone();
        driven.index_axis_mut(ndarray::Axis(0), 1).fill(3.0);
        let view = |a| FieldView::still(a, twin.view());
        let mut bands = [0.0; 2];
        let whole = relative_rms_of_bands(&view(driven.view()), &view(twin.view()), &[1.0, 9.0], &mut bands);
        assert!(bands[0].abs() < 1e-9 && (bands[1] - 1.0).abs() < 1e-6);
        assert!((whole - 0.9f32.sqrt()).abs() < 1e-6);
    }
}
