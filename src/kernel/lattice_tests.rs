//! The lattice kernel against identities, and its two compilations against each other.

use super::*;
use crate::random::Stream;

fn steps(bands: usize) -> Vec<BandStep> {
    (0..bands)
        .map(|band| BandStep {
            diffusion: 0.01 * (band + 1) as f32,
            drive: [0.1, -0.05],
            cascade: if band + 1 < bands { 0.2 } else { 0.0 },
            saturation: 0.01,
            rotation: [0.8, 0.3],
            noise: 0.2,
        })
        .collect()
}

fn random_sheet(bands: usize, height: usize, width: usize) -> (Vec<f32>, Vec<f32>) {
    let mut draws = Stream::new(5, 1);
    let mut plane = || (0..bands * height * width).map(|_| draws.normal() as f32).collect();
    (plane(), plane())
}

fn random_row(bands: usize, width: usize) -> Row {
    let (re, im) = random_sheet(bands, 1, width);
    Row { width, re, im }
}

#[test]
fn both_compilations_give_the_same_bits() {
    for (bands, height, width) in [(1, 1, 1), (3, 2, 2), (8, 5, 37), (8, 3, 128)] {
        let (re, im) = random_sheet(bands, height, width);
        let sheet = Sheet { height, width, re: &re, im: &im };
        let amplitudes: Vec<f32> = (0..width).map(|x| x as f32 * 0.1).collect();
        let belongs: Vec<u8> = (0..width).map(|x| (x % bands) as u8).collect();
        let drive = RowDrive {
            phasic_re: &amplitudes,
            phasic_im: &amplitudes,
            sustained: &amplitudes,
            sustained_band: &belongs,
        };
        let key = NoiseKey { seed: [1, 2], tick: [9, 0], lane: 0 };
        let run = |plain: bool| {
            let (mut noise, mut out) = (Row::new(bands, width), Row::new(bands, width));
            let mut book = vec![BandBook::default(); bands];
            let steps = steps(bands);
            if plain {
                draw_noise_body(key, 1 % height, &mut noise);
                step_row_body(&steps, &sheet, 1 % height, Some(&drive), &noise, &mut out, Some(&mut book));
            } else {
                draw_noise(key, 1 % height, &mut noise);
                step_row(&steps, &sheet, 1 % height, Some(&drive), &noise, &mut out, Some(&mut book));
            }
            (out, book)
        };
        assert_eq!(run(true), run(false), "{bands} bands, {height} x {width}");
    }
}

#[test]
fn the_cascade_conserves_each_pairs_energy_even_at_large_steps() {
    for k in [0.001, 0.2, 5.0] {
        let mut row = random_row(2, 256);
        let before = energy(&row.re, &row.im);
        cascade(k, 0, &mut row, &mut Bookkeeper { book: None });
        let after = energy(&row.re, &row.im);
        assert!((after / before - 1.0).abs() < 1e-6, "k = {k}: {before} became {after}");
    }
}

#[test]
fn the_cascade_follows_its_equation_at_small_steps() {
    let k = 1e-3;
    let mut row = random_row(2, 64);
    let start = row.clone();
    cascade(k, 0, &mut row, &mut Bookkeeper { book: None });
    for x in 0..64 {
        let a = (start.re[x], start.im[x]);
        let c = (start.re[64 + x], start.im[64 + x]);
        let a_slope = add_product((0.0, 0.0), 1.0, c, conjugate(a));
        let c_slope = add_product((0.0, 0.0), -1.0, a, a);
        for (found, began, slope) in [
            (row.re[x], a.0, a_slope.0),
            (row.im[x], a.1, a_slope.1),
            (row.re[64 + x], c.0, c_slope.0),
            (row.im[64 + x], c.1, c_slope.1),
        ] {
            assert!((found - began - k * slope).abs() < 3e-5, "site {x}");
        }
    }
}

#[test]
fn a_silent_pair_stays_silent() {
    let mut row = Row::new(2, 4);
    cascade(0.2, 0, &mut row, &mut Bookkeeper { book: None });
    assert!(row.re.iter().chain(&row.im).all(|v| *v == 0.0));
}

#[test]
fn diffusion_keeps_the_sum_and_leaves_a_flat_sheet_alone() {
    let (height, width) = (6, 9);
    let (re, im) = random_sheet(1, height, width);
    let sheet = Sheet { height, width, re: &re, im: &im };
    let mut sum = 0.0;
    let mut out = vec![0.0; width];
    for y in 0..height {
        diffuse(&re, &sheet, 0, y, 0.2, &mut out);
        sum += out.iter().sum::<f32>();
    }
    assert!((sum - re.iter().sum::<f32>()).abs() < 1e-5);
    let flat = vec![2.5; height * width];
    let sheet = Sheet { height, width, re: &flat, im: &flat };
    diffuse(&flat, &sheet, 0, 3, 0.2, &mut out);
    assert!(out.iter().all(|v| *v == 2.5));
}

#[test]
fn saturation_never_turns_a_huge_value_around() {
    let (mut re, mut im) = ([1e6f32, -3.0], [0.0f32, 4.0]);
    saturate(0.02, &mut re, &mut im);
    assert!(re[0] > 0.0 && re[0] < 8.0, "1e6 became {}", re[0]);
    assert!((re[1] / im[1] + 0.75).abs() < 1e-6);
}

#[test]
fn tiny_values_become_zero() {
    let (mut re, mut im) = ([1e-30f32, 1.0], [1e-30f32, 0.0]);
    rotate([0.9, 0.1], &mut re, &mut im);
    assert_eq!((re[0], im[0]), (0.0, 0.0));
    assert_eq!((re[1], im[1]), (0.9, 0.1));
}

#[test]
fn the_books_causes_sum_to_the_change() {
    let (bands, height, width) = (4, 3, 50);
    let (re, im) = random_sheet(bands, height, width);
    let sheet = Sheet { height, width, re: &re, im: &im };
    let (noise, mut out) = (random_row(bands, width), Row::new(bands, width));
    let row_energy = |band: usize| {
        let start = (band * height + 1) * width;
        energy(&re[start..][..width], &im[start..][..width])
    };
    let mut book: Vec<BandBook> =
        (0..bands).map(|band| BandBook { energy: row_energy(band), ..BandBook::default() }).collect();
    step_row(&steps(bands), &sheet, 1, None, &noise, &mut out, Some(&mut book));
    for (band, entry) in book.iter().enumerate() {
        let range = band * width..(band + 1) * width;
        let after = energy(&out.re[range.clone()], &out.im[range]);
        assert!((after - row_energy(band) - entry.changes.iter().sum::<f64>()).abs() < 1e-9);
        assert_eq!(entry.energy, after, "carried to the next step");
        assert_eq!(entry.changes[1], 0.0, "nothing drove");
    }
    let flux: f64 = book.iter().map(|entry| entry.changes[2].abs()).sum();
    let net: f64 = book.iter().map(|entry| entry.changes[2]).sum();
    assert!(net.abs() <= 1e-4 * flux, "the cascade made {net} of {flux}");
}
