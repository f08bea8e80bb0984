//! The lanes against the reference, and the step against its identities.

use super::reference::{Plane, step_plane};
use super::*;
use crate::kernel::lanes::Instructions;
use crate::kernel::noise::{NoiseKey, RoundKeys};
use crate::random::Stream;

const KEY: NoiseKey = NoiseKey { seed: [1, 2], tick: [9, 0], lane: 3 };

/// A step that leaves everything as it is.
const STILL: BandStep =
    BandStep { diffusion: 0.0, drive: 0.0, saturation: 0.0, damping: 1.0, noise: 0.0, cascade: 0.0 };
const LIVELY: BandStep =
    BandStep { diffusion: 0.04, drive: 0.1, saturation: 0.02, damping: 0.9, noise: 0.3, cascade: 0.4 };

fn plane(height: usize, width: usize, seed: u64) -> Plane {
    let mut draws = Stream::new(seed, 1);
    let mut part = || (0..height * width).map(|_| draws.normal() as f32).collect();
    Plane { width, re: part(), im: part() }
}

fn energy(plane: &Plane) -> f64 {
    plane_energy(&plane.re, &plane.im, plane.width)
}

/// Rows of a sheet of one band.
fn lonely<'a>(plane: &'a mut Plane, north: &'a mut [Vec<f32>; 2], south: &'a [Vec<f32>; 2]) -> Rows<'a> {
    let [north_re, north_im] = north;
    Rows {
        own: [&mut plane.re, &mut plane.im],
        fast: [&mut [], &mut []],
        north: [north_re, north_im],
        south: [&south[0], &south[1]],
    }
}

/// The step of a whole plane as one run of rows.
fn by_rows(
    with: Instructions,
    step: &BandStep,
    drive: Option<&Plane>,
    slow: &mut Plane,
    fast: Option<&mut Plane>,
) -> BandBook {
    let (width, sites) = (slow.width, slow.re.len());
    let factors = Factors::new(step);
    let mut north = [slow.re[sites - width..].to_vec(), slow.im[sites - width..].to_vec()];
    let south = [slow.re[..width].to_vec(), slow.im[..width].to_vec()];
    let mut book = BandBook { energy: energy(slow), ..BandBook::default() };
    let mut fast_book =
        BandBook { energy: fast.as_ref().map_or(0.0, |fast| energy(fast)), ..Default::default() };
    let mut noise = [0, 1].map(|_| vec![0.0; width.next_multiple_of(16)]);
    let [north_re, north_im] = &mut north;
    let [noise_re, noise_im] = &mut noise;
    let has_fast = fast.is_some();
    let mut rows = Rows {
        own: [&mut slow.re, &mut slow.im],
        fast: fast.map_or([&mut [], &mut []], |fast| [&mut fast.re, &mut fast.im]),
        north: [north_re, north_im],
        south: [&south[0], &south[1]],
    };
    let keys = RoundKeys::new(KEY.seed);
    let what = RowsStep { factors: &factors, key: &KEY, keys: &keys, y: 0 };
    let drive = drive.map(|drive| [&drive.re[..], &drive.im[..]]);
    let mut sums = Sums::ZERO;
    step_rows(with, &what, &mut rows, None, drive, [noise_re, noise_im], &mut sums);
    book_step(&factors, drive.is_some(), &sums, &mut book, has_fast.then_some(&mut fast_book));
    book
}

fn reference(step: &BandStep, drive: Option<&Plane>, slow: &mut Plane, fast: Option<&mut Plane>) {
    step_plane(&Factors::new(step), &KEY, drive, slow, fast);
}

#[test]
fn all_instructions_give_the_references_bits() {
    for (height, width) in [(1, 1), (2, 2), (3, 15), (1, 16), (5, 17), (4, 37), (3, 128)] {
        let drive = plane(height, width, 7);
        for step in [LIVELY, BandStep { noise: 0.0, ..LIVELY }, BandStep { cascade: 0.0, ..LIVELY }] {
            for (driven, cascades) in [(true, true), (false, true), (true, false), (false, false)] {
                let drive = driven.then_some(&drive);
                let start = (plane(height, width, 5), plane(height, width, 6));
                let (mut slow, mut fast) = start.clone();
                reference(&step, drive, &mut slow, cascades.then_some(&mut fast));
                for with in Instructions::all() {
                    let (mut a, mut c) = start.clone();
                    by_rows(with, &step, drive, &mut a, cascades.then_some(&mut c));
                    assert_eq!((&a, &c), (&slow, &fast), "{} on {height} x {width}", with.name());
                }
            }
        }
    }
}

#[test]
fn the_twin_is_stepped_like_a_sheet_that_nothing_drives() {
    let (width, drive) = (40, plane(1, 40, 3));
    for with in Instructions::all() {
        let mut alone = plane(1, width, 4);
        by_rows(with, &LIVELY, None, &mut alone, None);
        let (mut driven, mut twin) = (plane(1, width, 5), plane(1, width, 4));
        let mut lines = [&driven, &twin].map(|plane| [plane.re.clone(), plane.im.clone()]);
        let souths = lines.clone();
        let [first, second] = &mut lines;
        let factors = Factors::new(&LIVELY);
        let keys = RoundKeys::new(KEY.seed);
        let what = RowsStep { factors: &factors, key: &KEY, keys: &keys, y: 0 };
        let (mut noise, mut sums) = ([[0.0; 48]; 2], Sums::ZERO);
        let noise = noise.each_mut().map(|row| &mut row[..]);
        let mut other = lonely(&mut twin, second, &souths[1]);
        let mut rows = lonely(&mut driven, first, &souths[0]);
        step_rows(with, &what, &mut rows, Some(&mut other), Some([&drive.re, &drive.im]), noise, &mut sums);
        assert_eq!(twin, alone, "{}", with.name());
    }
}

#[test]
fn the_cascade_conserves_each_pairs_energy_even_at_large_steps() {
    for cascade in [0.001, 0.4, 5.0] {
        let (mut slow, mut fast) = (plane(8, 32, 1), plane(8, 32, 2));
        let before = energy(&slow) + energy(&fast);
        reference(&BandStep { cascade, ..STILL }, None, &mut slow, Some(&mut fast));
        let after = energy(&slow) + energy(&fast);
        assert!((after / before - 1.0).abs() < 1e-6, "k = {cascade}: {before} became {after}");
    }
}

#[test]
fn the_cascade_follows_its_equation_at_small_steps() {
    let k = 1e-3;
    let (start, other) = (plane(1, 64, 1), plane(1, 64, 2));
    let (mut slow, mut fast) = (start.clone(), other.clone());
    reference(&BandStep { cascade: k, ..STILL }, None, &mut slow, Some(&mut fast));
    for x in 0..64 {
        let (a, c) = ([start.re[x], start.im[x]], [other.re[x], other.im[x]]);
        // da = k ā c, dc = -k a².
        let slopes = [
            (slow.re[x] - a[0], a[0] * c[0] + a[1] * c[1]),
            (slow.im[x] - a[1], a[0] * c[1] - a[1] * c[0]),
            (fast.re[x] - c[0], -(a[0] * a[0] - a[1] * a[1])),
            (fast.im[x] - c[1], -2.0 * a[0] * a[1]),
        ];
        for (change, slope) in slopes {
            assert!((change - k * slope).abs() < 3e-5, "site {x}: {change} for {slope}");
        }
    }
}

#[test]
fn the_cascade_leaves_bands_of_equal_variance_at_it() {
    let (mut slow, mut fast) = (plane(400, 400, 1), plane(400, 400, 2));
    let before = energy(&slow);
    reference(&BandStep { cascade: 0.4, ..STILL }, None, &mut slow, Some(&mut fast));
    let moved = energy(&slow) / before - 1.0;
    // Chance moves 2 k Re(ā² c) at a site: 0.8 rms, a 400th of that in the mean of 160,000.
    assert!(moved.abs() < 0.008, "a step moved {moved} of a band's energy");
}

#[test]
fn diffusion_keeps_the_sum_and_leaves_a_flat_sheet_alone() {
    let step = BandStep { diffusion: 0.2, ..STILL };
    let mut rough = plane(6, 9, 3);
    let before: f32 = rough.re.iter().sum();
    reference(&step, None, &mut rough, None);
    assert!((rough.re.iter().sum::<f32>() - before).abs() < 1e-5);
    let mut flat = Plane { width: 9, re: vec![2.5; 54], im: vec![-1.0; 54] };
    reference(&step, None, &mut flat, None);
    assert!(flat.re.iter().all(|re| (re - 2.5).abs() < 1e-6));
}

#[test]
fn saturation_is_the_exact_one_where_it_is_weak_and_never_turns_a_huge_value_around() {
    let step = BandStep { saturation: 0.02, ..STILL };
    let mut sites = Plane { width: 3, re: vec![1e6, -1.5, 0.0], im: vec![0.0, 2.0, 1.0] };
    reference(&step, None, &mut sites, None);
    assert!(sites.re[0] > 0.0 && sites.re[0] < 0.9e6, "1e6 became {}", sites.re[0]);
    assert!((sites.re[1] / sites.im[1] + 0.75).abs() < 1e-6, "the phase stays");
    let exact = 1.0 / 1.02f32.sqrt();
    assert!((sites.im[2] - exact).abs() < 1e-5, "{} for {exact}", sites.im[2]);
}

#[test]
fn a_drive_held_at_resonance_settles_at_its_own_strength() {
    let damping = 0.9f32;
    let step = BandStep { drive: 1.0 / damping - 1.0, damping, ..STILL };
    let drive = Plane { width: 2, re: vec![1.0, 0.0], im: vec![0.0, -2.0] };
    let mut sites = Plane { width: 2, re: vec![0.0; 2], im: vec![0.0; 2] };
    for _ in 0..300 {
        reference(&step, Some(&drive), &mut sites, None);
    }
    assert!((sites.re[0] - 1.0).abs() < 1e-4 && (sites.im[1] + 2.0).abs() < 1e-4, "{sites:?}");
}

#[test]
fn without_noise_what_becomes_tiny_becomes_zero() {
    let mut sites = Plane { width: 2, re: vec![1e-30, 1.0], im: vec![1e-30, 0.0] };
    reference(&BandStep { damping: 0.9, ..STILL }, None, &mut sites, None);
    assert_eq!((sites.re[0], sites.im[0]), (0.0, 0.0));
    assert_eq!((sites.re[1], sites.im[1]), (0.9, 0.0));
}

#[test]
fn the_books_causes_sum_to_the_change() {
    let drive = plane(3, 50, 9);
    for with in Instructions::all() {
        for driven in [true, false] {
            let (mut slow, mut fast) = (plane(3, 50, 1), plane(3, 50, 2));
            let (before, other) = (energy(&slow), energy(&fast));
            let book = by_rows(with, &LIVELY, driven.then_some(&drive), &mut slow, Some(&mut fast));
            let changed = energy(&slow) - before;
            let booked: f64 = book.changes.iter().sum();
            assert!((changed - booked).abs() < 1e-5 * before, "{changed} booked as {booked}");
            assert!((book.energy - energy(&slow)).abs() < 1e-5 * before, "carried to the next step");
            assert_eq!(book.changes[1] != 0.0, driven, "{:?}", book.changes);
            assert!(
                book.changes[0] < 0.0
                    && book.changes[2] < 0.0
                    && book.changes[3] < 0.0
                    && book.changes[4] > 0.0
            );
            let flow = energy(&fast) - other;
            assert!((book.changes[5] + flow).abs() < 1e-5 * before, "what one loses the other has");
        }
    }
}
