//! What a user would notice of the retina.

use super::*;
use crate::random::Stream;
use crate::signal::Stamp;

const SIDE: usize = 32;

fn frame(number: u64, width: usize, height: usize, pixel: impl Fn(usize, usize) -> [u8; 3]) -> Frame {
    let rgb =
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
    Frame { stamp: Stamp::recorded(Timestamp::from_count(number, 25)), sequence: number, width, height, rgb }
}

fn retina() -> Retina {
    Retina::new(&RetinaParameters::default(), SIDE, SIDE, ArrayId(3)).unwrap()
}

fn see(retina: &mut Retina, frame: &Frame) -> Vec<Burst> {
    let mut bursts = Vec::new();
    retina.encode(frame, &mut |burst| bursts.push(burst));
    bursts
}

/// Smooth texture, made of four waves: what a photograph looks like to an eye that looks for change.
fn texture(x: f64, y: f64) -> u8 {
    let wave = libm::sin(0.11 * x)
        + libm::sin(0.23 * y + 1.0)
        + libm::sin(0.31 * (x + y))
        + libm::sin(0.17 * (x - 2.0 * y));
    (128.0 + 30.0 * wave) as u8
}

fn bits_of(pictures: impl Fn(u64) -> Frame) -> f64 {
    let mut retina = retina();
    // The first second is for learning.
    (0..75)
        .map(|n| (n, see(&mut retina, &pictures(n))))
        .filter(|(n, _)| *n >= 25)
        .fold(0.0, |sum, (_, bursts)| {
            sum + bursts.iter().map(|burst| f64::from(burst.surprisal_bits)).sum::<f64>()
        })
        / 2.0
}

fn random_picture(number: u64) -> Frame {
    let mut stream = Stream::new(number, 9);
    let rgb = (0..3 * 64 * 64).map(|_| stream.word() as u8).collect();
    Frame {
        stamp: Stamp::recorded(Timestamp::from_count(number, 25)),
        sequence: number,
        width: 64,
        height: 64,
        rgb,
    }
}

#[test]
fn a_still_picture_raises_no_bursts() {
    let mut retina = retina();
    for number in 0..50 {
        let bursts = see(&mut retina, &frame(number, 90, 50, |x, y| [texture(x as f64, y as f64), 40, 200]));
        assert!(bursts.is_empty(), "picture {number}: {} bursts", bursts.len());
    }
}

#[test]
fn a_spot_that_lights_up_raises_on_bursts_there_and_off_bursts_when_it_goes() {
    let mut retina = retina();
    let spot = |lit: bool| {
        move |x: usize, y: usize| {
            if lit && (8..12).contains(&x) && (20..24).contains(&y) { [250; 3] } else { [60; 3] }
        }
    };
    see(&mut retina, &frame(0, SIDE, SIDE, spot(false)));
    let lit = see(&mut retina, &frame(1, SIDE, SIDE, spot(true)));
    let centre = 22 * SIDE as u32 + 10;
    let burst = lit.iter().find(|burst| burst.site == centre).expect("the spot raises a burst");
    assert_eq!((burst.sign, burst.time, burst.array), (Sign::On, Timestamp(40_000_000), ArrayId(3)));
    assert!(burst.magnitude >= 8.0 && burst.phase == 0.0 && burst.surprisal_bits > 5.0, "{burst:?}");
    let gone = see(&mut retina, &frame(2, SIDE, SIDE, spot(false)));
    assert!(gone.iter().any(|burst| burst.site == centre && burst.sign == Sign::Off));
    assert!(lit.iter().all(|burst| burst.site != 5), "a far corner stays quiet");
}

#[test]
fn a_doubled_exposure_raises_next_to_nothing_but_a_light_switched_on_is_noticed() {
    let linear = srgb_to_linear();
    let code_of = |light: f32| linear.iter().position(|&l| l >= light).unwrap_or(255) as u8;
    let exposed = |factor: f32| {
        move |x: usize, y: usize| {
            [code_of((0.3 * linear[usize::from(texture(x as f64, y as f64))] + 0.02) * factor); 3]
        }
    };
    let mut retina = retina();
    see(&mut retina, &frame(0, SIDE, SIDE, exposed(1.0)));
    let doubled = see(&mut retina, &frame(1, SIDE, SIDE, exposed(2.0)));
    assert!(doubled.len() < SIDE * SIDE / 50, "{} bursts", doubled.len());

    let mut retina = self::retina();
    see(&mut retina, &frame(0, SIDE, SIDE, |_, _| [0; 3]));
    let lamp = see(&mut retina, &frame(1, SIDE, SIDE, |_, _| [255; 3]));
    assert!(
        lamp.len() >= SIDE * SIDE && lamp.iter().all(|burst| burst.sign == Sign::On && burst.magnitude < 4.0)
    );
}

#[test]
fn noise_in_the_dark_is_not_seen() {
    let mut retina = retina();
    let mut stream = Stream::new(1, 1);
    for number in 0..20 {
        let rgb = (0..3 * SIDE * SIDE).map(|_| 4 + (stream.word() % 5) as u8).collect();
        let stamp = Stamp::recorded(Timestamp::from_count(number, 25));
        let bursts = see(&mut retina, &Frame { stamp, sequence: number, width: SIDE, height: SIDE, rgb });
        assert!(bursts.is_empty(), "{} bursts", bursts.len());
    }
}

#[test]
fn red_that_appears_has_phase_zero_green_a_third_of_a_turn_and_red_that_goes_a_half() {
    let third = core::f32::consts::TAU / 3.0;
    for (to, phase) in [([255, 0, 0], 0.0), ([0, 255, 0], third), ([0, 0, 255], 2.0 * third)] {
        let mut retina = retina();
        see(&mut retina, &frame(0, SIDE, SIDE, |_, _| [128; 3]));
        let bursts = see(&mut retina, &frame(1, SIDE, SIDE, |x, _| if x < 8 { to } else { [128; 3] }));
        let colour: Vec<_> =
            bursts.iter().filter(|burst| burst.site == 2 && burst.sign == Sign::On).collect();
        let burst = colour.last().expect("a colour burst");
        assert!((burst.phase - phase).abs() < 0.02 && burst.magnitude >= 9.0, "{to:?}: {burst:?}");
        let back = see(&mut retina, &frame(2, SIDE, SIDE, |_, _| [128; 3]));
        let burst = back.iter().rfind(|burst| burst.site == 2).expect("a colour burst");
        let opposite = (phase + core::f32::consts::PI) % core::f32::consts::TAU;
        assert!((burst.phase - opposite).abs() < 0.02, "{to:?}: {burst:?}");
    }
}

#[test]
fn a_fresh_random_picture_every_frame_costs_the_most_bits_and_a_still_one_none() {
    let grey = |code: u8| [code; 3];
    let still = bits_of(|n| frame(n, 64, 64, |x, y| grey(texture(x as f64, y as f64))));
    let edge = bits_of(|n| frame(n, 64, 64, |x, _| grey(if (x as u64) < n % 64 { 220 } else { 30 })));
    let pan = bits_of(|n| frame(n, 64, 64, |x, y| grey(texture((x as u64 + 3 * n) as f64, y as f64))));
    let flicker = bits_of(|n| frame(n, 64, 64, |_, _| grey(if n % 2 == 0 { 0 } else { 255 })));
    let checks = bits_of(|n| {
        frame(n, 64, 64, |x, y| grey(if (x / 8 + y / 8 + n as usize).is_multiple_of(2) { 0 } else { 255 }))
    });
    let random = bits_of(random_picture);
    eprintln!(
        "bits/s at 25 fps on {SIDE}x{SIDE}: still {still:.0}, moving edge {edge:.0}, pan {pan:.0}, flicker {flicker:.0}, checks {checks:.0}, random {random:.0}"
    );
    assert!(still == 0.0);
    for other in [edge, pan, flicker, checks] {
        assert!(other > 0.0 && other < 0.5 * random, "{other} against {random}");
    }
}

#[test]
fn a_wide_picture_is_cropped_or_seen_whole_as_asked() {
    let bar = |lit: bool| move |x: usize, _: usize| if lit && x < 8 { [255; 3] } else { [60; 3] };
    let seen = |fit: Fit| {
        let parameters = RetinaParameters { fit, ..RetinaParameters::default() };
        let mut retina = Retina::new(&parameters, SIDE, SIDE, ArrayId(0)).unwrap();
        see(&mut retina, &frame(0, 96, 32, bar(false)));
        let bursts = see(&mut retina, &frame(1, 96, 32, bar(true)));
        (bursts, retina)
    };
    let (none, middle) = seen(Fit::Cover);
    assert!(none.is_empty(), "the bar lies outside the middle third");
    let [left, right] = [0, SIDE as u32 - 1].map(|site| middle.place(site)[0]);
    let half = 0.5 / (3 * SIDE) as f64;
    assert!((left - 1.0 / 3.0 - half).abs() < 1e-9 && (2.0 / 3.0 - half - right).abs() < 1e-9);
    let (whole, retina) = seen(Fit::Contain);
    let brighter = whole.iter().filter(|burst| burst.magnitude > 3.0);
    assert!(brighter.map(|burst| retina.place(burst.site)).all(|[x, _]| x < 0.16));
    assert!(!whole.is_empty());
    assert!(whole.iter().filter(|burst| burst.magnitude > 3.0).all(|burst| burst.site % SIDE as u32 <= 4));
}

#[test]
fn pictures_may_change_their_size_and_damaged_ones_are_passed_over() {
    let mut retina = retina();
    see(&mut retina, &frame(0, 64, 48, |_, _| [90; 3]));
    assert!(see(&mut retina, &frame(1, 3, 2, |_, _| [90; 3])).is_empty());
    let mut damaged = frame(2, 8, 8, |_, _| [255; 3]);
    damaged.rgb.pop();
    assert!(see(&mut retina, &damaged).is_empty());
    assert!(see(&mut retina, &frame(3, 64, 48, |_, _| [90; 3])).is_empty());
}

#[test]
fn a_value_out_of_bounds_is_named_with_its_bound() {
    let parameters = RetinaParameters { threshold: f32::NAN, ..RetinaParameters::default() };
    let message = Retina::new(&parameters, 8, 8, ArrayId(0)).unwrap_err().to_string();
    assert_eq!(message, "vision.retina.threshold: the value is out of range: NaN (allowed: 0.01 to 5)");
    assert!(Retina::new(&RetinaParameters::default(), 0, 8, ArrayId(0)).is_err());
}
