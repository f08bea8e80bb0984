//! Tests of the projections: adjoints to rounding, threads, and what is known in closed form.

use super::drive::Drive;
use super::pinhole::{Pinhole, Pose};
use super::projection::{ParallelBeam, Projection, Slices};
use super::tile::{Place, Tile};
use crate::kernel::blur::{Blur, half_gaussian};
use crate::random::Stream;

fn noise(count: usize, stream: u32) -> Vec<f32> {
    let mut draws = Stream::new(5, stream);
    (0..count).map(|_| draws.normal() as f32).collect()
}

fn dot(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

fn tile(size: (usize, usize), shape: (usize, usize), corner: (f64, f64), every: f64, blur: f64) -> Tile {
    Tile::new(size, &Place { corner, every, blur }, shape).unwrap()
}

fn drive(weight: f32, sites: f32) -> Drive {
    let place = Place { corner: (2.0, 5.0), every: 1.0, blur: 0.0 };
    Drive::new((30, 40), &place, (20, 24), weight, sites).unwrap()
}

/// A camera two and a half from the origin that looks at it, turned about the y axis.
fn pose(turn: f64) -> Pose {
    let (sin, cos) = (libm::sin(turn), libm::cos(turn));
    Pose {
        axes: [[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]],
        place: [2.5 * sin, 0.0, 2.5 * cos],
        focal: 20.0,
        middle: [7.5, 7.0],
        shape: (16, 15),
    }
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
        ("window", Box::new(tile((30, 40), (11, 20), (3.0, 7.0), 1.0, 0.0))),
        ("window, between pixels", Box::new(tile((30, 40), (11, 20), (3.4, 7.75), 1.0, 0.0))),
        ("thinned", Box::new(tile((31, 45), (10, 15), (1.0, 1.0), 3.0, 1.2))),
        ("thinned, not blurred", Box::new(tile((8, 8), (4, 4), (1.0, 1.0), 2.0, 0.0))),
        ("thinned, large", Box::new(tile((330, 290), (81, 71), (2.5, 1.25), 4.0, 2.0))),
        ("drive", Box::new(drive(0.5, 3.0))),
        ("drive, all surround", Box::new(drive(1.0, 8.0))),
        ("pinhole", Box::new(Pinhole::new(16, 2.0, &pose(0.7)).unwrap())),
        ("pinhole, within the volume", Box::new(Pinhole::new(9, 6.0, &pose(2.1)).unwrap())),
        ("slices", Box::new(Slices::new(ParallelBeam::new(48, 48, &angles).unwrap(), 5).unwrap())),
        ("one slice", Box::new(Slices::new(ParallelBeam::new(96, 96, &angles).unwrap(), 1).unwrap())),
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
fn a_window_and_a_thinned_picture_keep_what_is_flat_and_what_is_even() {
    let flat = vec![0.5; 32 * 32];
    let see = |tile: &Tile, picture: &[f32]| {
        let mut data = vec![0.0; tile.data_len()];
        tile.apply(picture, &mut data, 1);
        data
    };
    let data = see(&tile((32, 32), (8, 8), (2.0, 2.0), 4.0, 1.0), &flat);
    // The inner ones see no edge; of the first, what lies beyond it is dark.
    assert!((data[9] - 0.5).abs() < 1e-6 && data[0] < 0.5, "{data:?}");
    assert_eq!(see(&tile((32, 32), (2, 1), (30.0, 31.0), 1.0, 0.0), &flat), [0.5, 0.5]);
    // Rows and columns of a ramp are where they are said to be, between pixels too.
    let ramp: Vec<f32> = (0..32 * 32).map(|at| (at / 32) as f32 + 100.0 * (at % 32) as f32).collect();
    for (every, blur) in [(1.0, 0.0), (2.5, 0.0), (2.0, 1.1)] {
        let data = see(&tile((32, 32), (3, 3), (6.25, 8.5), every, blur), &ramp);
        for (at, found) in data.iter().enumerate() {
            let wanted = 6.25 + every * (at / 3) as f64 + 100.0 * (8.5 + every * (at % 3) as f64);
            assert!((f64::from(*found) - wanted).abs() < 0.02, "{at}: {found}, not {wanted}");
        }
    }
}

#[test]
fn rays_through_a_flat_volume_are_as_long_as_they_are_in_it() {
    // The middle ray crosses the cube of edge 2 straight on; turned by an eighth, along its diagonal. It enters and leaves half a
    // voxel beyond the first and last planes, where it is read as the dark half of a step.
    for (turn, length) in [(0.0, 2.0), (core::f64::consts::FRAC_PI_4, 2.0 * core::f64::consts::SQRT_2)] {
        let rays = Pinhole::new(40, 2.0, &Pose { middle: [8.0, 7.0], ..pose(turn) }).unwrap();
        let mut data = vec![0.0; rays.data_len()];
        rays.apply(&vec![1.0; 40 * 40 * 40], &mut data, 1);
        let middle = f64::from(data[8 * 15 + 7]);
        assert!((middle - length).abs() < 0.1, "{middle}, not {length}");
    }
    // A point to the right of the axis and above it falls there.
    let mut volume = vec![0.0; 17 * 17 * 17];
    volume[(8 * 17 + 10) * 17 + 11] = 1.0;
    let rays = Pinhole::new(17, 2.0, &Pose { middle: [8.0, 7.0], ..pose(0.0) }).unwrap();
    let mut data = vec![0.0; rays.data_len()];
    rays.apply(&volume, &mut data, 1);
    let brightest = (0..data.len()).max_by(|one, other| data[*one].total_cmp(&data[*other])).unwrap();
    // 2 and 3 voxels of 2 / 17 at a distance of 2.5, by a focal length of 20.
    assert_eq!((brightest / 15, brightest % 15), (8 - 2, 7 + 3));
}

#[test]
fn slices_are_seen_one_by_one() {
    let beams = ParallelBeam::new(16, 16, &[0.0, 30.0]).unwrap();
    let slices = Slices::new(beams.clone(), 3).unwrap();
    assert_eq!(slices.size(), (48, 16));
    let picture = noise(48 * 16, 6);
    let (mut all, mut one) = (vec![0.0; slices.data_len()], vec![0.0; beams.data_len()]);
    slices.apply(&picture, &mut all, 2);
    beams.apply(&picture[2 * 256..], &mut one, 1);
    assert!(all[2 * 32..] == one[..]);
    assert!(Slices::new(beams, 0).unwrap_err().to_string().contains("at least 1"));
}

#[test]
fn what_cannot_be_seen_is_refused_by_name() {
    let tiled = |shape, corner, every, blur| Tile::new((8, 8), &Place { corner, every, blur }, shape).err();
    let refused = [
        (ParallelBeam::new(0, 4, &[0.0]).err(), "side: the beams can't be laid: 0 (allowed: 1 to 4096)"),
        (ParallelBeam::new(4, 5_000, &[0.0]).err(), "detectors"),
        (ParallelBeam::new(4, 4, &[]).err(), "angles: the beams can't be laid: 0"),
        (ParallelBeam::new(4, 4, &[0.0, f64::NAN]).err(), "angles, at view 1: an angle is no number: NaN"),
        (
            Pinhole::new(513, 2.0, &pose(0.0)).err(),
            "side: the volume can't be cut, in voxels: 513 (allowed: 1 to 512)",
        ),
        (Pinhole::new(8, f64::NAN, &pose(0.0)).err(), "extent: the volume has no length: NaN"),
        (
            Pinhole::new(8, 2.0, &Pose { place: [f64::INFINITY, 0.0, 0.0], ..pose(0.0) }).err(),
            "pose: a number of it is none: inf",
        ),
        (
            Pinhole::new(8, 2.0, &Pose { shape: (0, 3), ..pose(0.0) }).err(),
            "pose: its picture is empty: 0 x 3",
        ),
        (tiled((5, 2), (4.0, 0.0), 1.0, 0.0), "5 x 2 at row 4, column 0 (allowed: within 8 x 8)"),
        (tiled((0, 2), (0.0, 0.0), 1.0, 0.0), "0 x 2"),
        (tiled((2, 2), (-1.0, 0.0), 1.0, 0.0), "row: it is out of range, in pixels: -1 (allowed: 0 or more)"),
        (tiled((2, 2), (0.0, f64::NAN), 1.0, 0.0), "column"),
        (tiled((2, 2), (0.0, 0.0), 0.5, 0.0), "every: it is out of range, in pixels: 0.5 (allowed: 1 to 64)"),
        (
            tiled((2, 2), (0.0, 0.0), 1.0, 0.1),
            "blur: it is out of range, in pixels: 0.1 (allowed: 0, or 0.3 to 64)",
        ),
    ];
    for (error, wanted) in refused {
        let told = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(told.contains(wanted), "{told} has no {wanted}");
    }
}

#[test]
fn a_drive_is_the_centre_less_the_blurred_sheet_whose_edges_go_on() {
    let picture = noise(30 * 40, 3);
    let mut driven = vec![0.0; 20 * 24];
    drive(0.5, 3.0).apply(&picture, &mut driven, 1);
    let sheet: Vec<f32> = (0..20).flat_map(|row| picture[(row + 2) * 40 + 5..][..24].to_vec()).collect();
    let mut around = vec![0.0; sheet.len()];
    Blur::new(half_gaussian(3.0), 20, 24).apply(&sheet, &mut around);
    for ((driven, own), around) in driven.iter().zip(&sheet).zip(&around) {
        assert!((driven - (own - 0.5 * around)).abs() < 1e-5, "{driven}");
    }
}

#[test]
fn a_surround_out_of_bounds_is_refused_by_name() {
    let place = Place { corner: (0.0, 0.0), every: 1.0, blur: 0.0 };
    for (weight, sites, named) in
        [(1.5, 3.0, "surround"), (f32::NAN, 3.0, "surround"), (0.5, 0.1, "surround_sites")]
    {
        let error = Drive::new((8, 8), &place, (8, 8), weight, sites).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains(named)), "{named}");
    }
}
