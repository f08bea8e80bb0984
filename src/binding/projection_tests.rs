//! Tests of the projections: adjoints to rounding, threads, and what is known in closed form.

use super::projection::{ParallelBeam, Projection, Subsampled, Window};
use crate::random::Stream;

fn noise(count: usize, stream: u32) -> Vec<f32> {
    let mut draws = Stream::new(5, stream);
    (0..count).map(|_| draws.normal() as f32).collect()
}

fn dot(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

fn all() -> Vec<(&'static str, Box<dyn Projection>)> {
    let beam =
        |side, detectors, angles: &[f64]| Box::new(ParallelBeam::new(side, detectors, angles).unwrap());
    let angles: Vec<f64> = (0..24).map(|at| f64::from(at) * 7.5 + 0.3).collect();
    vec![
        ("beams", beam(33, 33, &angles)),
        ("beams, many", beam(96, 96, &angles)),
        ("beams, straight", beam(20, 20, &[0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, -45.0])),
        ("beams, narrow", beam(40, 17, &angles)),
        ("beams, wide", beam(16, 64, &angles)),
        ("beams, one pixel", beam(1, 1, &[10.0])),
        ("window", Box::new(Window::new((30, 40), (3, 7), (11, 20)).unwrap())),
        ("thinned", Box::new(Subsampled::new((31, 45), 3, 1.2).unwrap())),
        ("thinned, not blurred", Box::new(Subsampled::new((8, 8), 2, 0.0).unwrap())),
        ("thinned, large", Box::new(Subsampled::new((130, 90), 4, 2.0).unwrap())),
    ]
}

#[test]
fn what_goes_out_comes_back_by_the_adjoint() {
    for (name, projection) in all() {
        let (height, width) = projection.size();
        let (x, y) = (noise(height * width, 1), noise(projection.data_len(), 2));
        let (mut px, mut pty) = (vec![0.0; y.len()], vec![0.0; x.len()]);
        projection.apply(&x, &mut px, 1);
        projection.adjoint(&y, &mut pty, 1);
        let (one, other) = (dot(&px, &y), dot(&x, &pty));
        let scale = (dot(&px, &px) * dot(&y, &y)).sqrt();
        assert!((one - other).abs() < 2e-6 * scale, "{name}: {one} against {other} of {scale}");
        assert!(scale > 0.0, "{name} sees nothing");
    }
}

#[test]
fn threads_change_no_bit() {
    for (name, projection) in all() {
        let (height, width) = projection.size();
        let (x, y) = (noise(height * width, 3), noise(projection.data_len(), 4));
        let run = |threads: usize| {
            let (mut px, mut pty) = (vec![0.0; y.len()], vec![0.0; x.len()]);
            projection.apply(&x, &mut px, threads);
            projection.adjoint(&y, &mut pty, threads);
            (px, pty)
        };
        let alone = run(1);
        for threads in [2, 3, 7] {
            assert!(run(threads) == alone, "{name}, {threads} threads");
        }
    }
}

#[test]
fn beams_through_a_disc_are_chords() {
    let (side, radius) = (128usize, 40.0f64);
    let inside = |y: f64, x: f64| f32::from(u8::from(y * y + x * x < radius * radius));
    // Sixteen by sixteen points a pixel.
    let pixel = |at: usize| -> f32 {
        let (y, x) = ((at / side) as f64 - 64.0, (at % side) as f64 - 64.0);
        let part = |k: usize| (k as f64 + 0.5) / 16.0 - 0.5;
        (0..256).map(|k| inside(y + part(k / 16), x + part(k % 16))).sum::<f32>() / 256.0
    };
    let picture: Vec<f32> = (0..side * side).map(pixel).collect();
    let angles = [0.0, 17.0, 45.0, 71.5, 90.0, 160.0];
    let beams = ParallelBeam::new(side, side, &angles).unwrap();
    let mut data = vec![0.0; beams.data_len()];
    beams.apply(&picture, &mut data, 1);
    for (view, line) in data.chunks_exact(side).enumerate() {
        let mut worst = 0.0f64;
        for (t, found) in line.iter().enumerate() {
            let t = t as f64 - 64.0;
            // Near the rim a chord is too steep for a ray of a pixel's width.
            if t.abs() < 36.0 {
                let chord = 2.0 * (radius * radius - t * t).sqrt();
                worst = worst.max((f64::from(*found) - chord).abs());
            }
        }
        assert!(worst < 0.8, "view {view}: {worst}");
    }
}

#[test]
fn a_point_lies_where_scikit_image_puts_it() {
    // radon(point at row 10, column 20 of 33 x 33, theta=[0, 90]): columns 20 and 33 // 2 - (10 - 33 // 2) = 22.
    let mut picture = vec![0.0; 33 * 33];
    picture[10 * 33 + 20] = 1.0;
    let beams = ParallelBeam::new(33, 33, &[0.0, 90.0]).unwrap();
    let mut data = vec![0.0; 66];
    beams.apply(&picture, &mut data, 1);
    assert!((data[20] - 1.0).abs() < 1e-5 && (data[33 + 22] - 1.0).abs() < 1e-5, "{data:?}");
    assert!((data.iter().sum::<f32>() - 2.0).abs() < 1e-5);
}

#[test]
fn a_window_and_a_thinned_picture_keep_what_is_flat() {
    let flat = vec![0.5; 32 * 32];
    let thinned = Subsampled::new((32, 32), 4, 1.0).unwrap();
    let mut data = vec![0.0; thinned.data_len()];
    thinned.apply(&flat, &mut data, 1);
    assert_eq!(data.len(), 64);
    // The inner ones see no edge.
    assert!((data[9] - 0.5).abs() < 1e-6, "{}", data[9]);
    let window = Window::new((32, 32), (30, 31), (2, 1)).unwrap();
    let mut data = vec![0.0; 2];
    window.apply(&flat, &mut data, 1);
    assert_eq!(data, [0.5, 0.5]);
}

#[test]
fn what_cannot_be_seen_is_refused_by_name() {
    let refused = [
        (ParallelBeam::new(0, 4, &[0.0]).err(), "side: the beams can't be laid: 0 (allowed: 1 to 4096)"),
        (ParallelBeam::new(4, 5_000, &[0.0]).err(), "detectors"),
        (ParallelBeam::new(4, 4, &[]).err(), "angles: the beams can't be laid: 0"),
        (ParallelBeam::new(4, 4, &[0.0, f64::NAN]).err(), "angles, at view 1: an angle is no number: NaN"),
        (Window::new((8, 8), (4, 0), (5, 2)).err(), "5 x 2 at row 4, column 0 (allowed: within 8 x 8)"),
        (Window::new((8, 8), (usize::MAX, 0), (5, 2)).err(), "window"),
        (Window::new((8, 8), (0, 0), (0, 2)).err(), "0 x 2"),
        (
            Subsampled::new((8, 8), 9, 1.0).err(),
            "every: the picture can't be thinned so far: 9 (allowed: 1 to 8)",
        ),
        (
            Subsampled::new((8, 8), 2, -1.0).err(),
            "sigma: the blur is out of range, in pixels: -1 (allowed: 0 to 64)",
        ),
    ];
    for (error, wanted) in refused {
        let told = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(told.contains(wanted), "{told} has no {wanted}");
    }
}
