//! The noise against its definition, the normal law and its neighbours.

use super::*;

const KEY: NoiseKey = NoiseKey { seed: [11, 7], tick: [3, 0], lane: 0x0001_0005 };

fn row(key: NoiseKey, width: usize, y: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut re, mut im) = (vec![0.0; width], vec![0.0; width]);
    fill_row(Instructions::best(), &key, 1.0, y, &mut re, &mut im);
    (re, im)
}

#[test]
fn every_lane_draws_what_the_definition_says() {
    let (keys, shape) = (RoundKeys::new(KEY.seed), Shape::new(1.0));
    for (width, y) in [(1, 0), (16, 3), (37, 2), (256, 255)] {
        for with in Instructions::all() {
            let (mut re, mut im) = (vec![0.0; width], vec![0.0; width]);
            fill_row(with, &KEY, 1.0, y, &mut re, &mut im);
            for x in 0..width {
                let site = at_site((&KEY, &keys, &shape), width, y, x);
                assert_eq!([re[x], im[x]], site, "site {x} of {width} by {}", with.name());
            }
        }
    }
}

#[test]
fn a_site_draws_the_same_however_long_its_first_row_is() {
    let (re, im) = row(KEY, 100, 0);
    for width in [1, 15, 16, 17, 64, 99] {
        assert_eq!(row(KEY, width, 0), (re[..width].to_vec(), im[..width].to_vec()));
    }
}

#[test]
fn no_noise_is_exactly_none() {
    assert!(Shape::new(0.0).is_silent() && !Shape::new(1e-6).is_silent());
    let (mut re, mut im) = (vec![1.0; 20], vec![1.0; 20]);
    fill_row(Instructions::best(), &KEY, 0.0, 0, &mut re, &mut im);
    assert!(re.iter().chain(&im).all(|value| *value == 0.0));
}

/// The law of a sum, level by level: its probability and its value.
fn law() -> Vec<(f64, f64)> {
    let mut sums = vec![1.0];
    for _ in 0..4 {
        let mut next = vec![0.0; sums.len() + 255];
        for (sum, p) in sums.iter().enumerate() {
            (0..256).for_each(|byte| next[sum + byte] += p / 256.0);
        }
        sums = next;
    }
    let shape = Shape::new(1.0);
    let mut levels = Vec::new();
    for (sum, p) in sums.iter().enumerate() {
        for fill in (1..64).step_by(2) {
            let x = (64 * sum + fill) as f32 * SCALE - (32_640.0 + 32.0) * SCALE;
            levels.push((p / 32.0, f64::from(shape.at(x))));
        }
    }
    levels
}

#[test]
fn the_law_of_a_draw_is_normal_to_its_fourth_moment_and_beyond_four_deviations() {
    let law = law();
    assert!(law.windows(2).all(|pair| pair[0].1 < pair[1].1), "more of the sum is more of the noise");
    let moment = |power: i32| law.iter().map(|(p, x)| p * x.powi(power)).sum::<f64>();
    assert!(moment(1).abs() < 1e-7 && moment(3).abs() < 1e-6);
    assert!((moment(2) - 1.0).abs() < 1e-6, "{}", moment(2));
    assert!((moment(4) - 3.0).abs() < 1e-5, "{}", moment(4));
    assert!((moment(6) / 15.0 - 1.0).abs() < 0.01, "{}", moment(6));
    // Twice the normal law's upper tail.
    for (sigma, mass) in [(1.0, 0.317_310_5), (2.0, 0.045_500_3), (3.0, 0.002_699_8), (4.0, 6.334_25e-5)] {
        let tail: f64 = law.iter().filter(|(_, x)| x.abs() > sigma).map(|(p, _)| p).sum();
        assert!((tail / mass - 1.0).abs() < 0.02, "beyond {sigma}: {}", tail / mass);
    }
    let beyond: f64 = law.iter().filter(|(_, x)| x.abs() > 4.5).map(|(p, _)| p).sum();
    assert!((beyond / 6.795e-6 - 1.0).abs() < 0.1, "{beyond}");
}

#[test]
fn neighbours_bands_ticks_parts_and_seeds_are_not_correlated() {
    const WIDTH: usize = 4_096;
    let (mut sums, mut n) = ([0.0; 7], 0.0);
    for tick in 0..60 {
        let key = NoiseKey { tick: [tick, 0], ..KEY };
        let (re, im) = row(key, WIDTH, 1);
        let others = [
            row(key, WIDTH, 2).0,
            row(NoiseKey { lane: KEY.lane + 1, ..key }, WIDTH, 1).0,
            row(NoiseKey { tick: [tick + 1, 0], ..key }, WIDTH, 1).0,
            row(NoiseKey { seed: [12, 7], ..key }, WIDTH, 1).0,
            im.clone(),
        ];
        for x in 0..WIDTH - 1 {
            sums[0] += f64::from(re[x] * re[x + 1]);
            for (sum, other) in sums[1..].iter_mut().zip(&others) {
                *sum += f64::from(re[x] * other[x]);
            }
            // What a shared fill would leave in the sizes of the two parts.
            sums[6] += (f64::from(re[x]).powi(2) - 1.0) * (f64::from(im[x]).powi(2) - 1.0) / 2.0;
            n += 1.0;
        }
    }
    for (pair, sum) in sums.iter().enumerate() {
        assert!((sum / f64::sqrt(n)).abs() < 4.0, "pair {pair}: {} standard errors", sum / f64::sqrt(n));
    }
}
