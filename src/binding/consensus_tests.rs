//! Tests of the consensus: what arrays that each see a part make of it together, and who is left out.

use super::agreement::Agreement;
use super::consensus::{ASK, Bound, How, Prior, Way, bind, bind_with};
use super::part::{Part, explained};
use super::phantom::{Scene, psnr};
use super::projection::{ParallelBeam, Projection};
use super::tile::{Place, Tile};
use crate::error::{Error, Result};
use crate::random::Stream;

const SIDE: usize = 32;

fn how() -> How {
    How { way: Way::Phases, iterations: 60, coupling: 0.5, most: 1.0, sigma: None, seed: 1, threads: 1 }
}

/// The ellipses of a [`Scene`].
type Ellipses = &'static [[f64; 6]];

const ONE: Ellipses =
    &[[0.8, 0.0, 1.0, 11.0, 8.0, 0.3], [-0.5, 2.0, -2.0, 4.0, 3.0, 0.0], [0.2, -6.0, 3.0, 2.5, 2.5, 0.0]];
const OTHER: Ellipses = &[[0.4, 3.0, -3.0, 6.0, 9.0, 0.9], [0.5, -7.0, 5.0, 3.0, 4.0, 0.0]];

fn chords(scene: Ellipses, degrees: &[f64]) -> Vec<f32> {
    Scene(scene.to_vec()).sinogram(SIDE, degrees)
}

fn drawn(scene: Ellipses) -> Vec<f32> {
    Scene(scene.to_vec()).picture(SIDE)
}

/// Views that belong to an array of `arrays`: every so many.
fn every(array: usize, arrays: usize, views: usize) -> Vec<f64> {
    (array..views).step_by(arrays).map(|view| 180.0 * view as f64 / views as f64).collect()
}

fn part(degrees: &[f64], data: Vec<f32>) -> Part {
    Part::new(Box::new(ParallelBeam::new(SIDE, SIDE, degrees).unwrap()), data).unwrap()
}

fn beams(arrays: usize, views: usize, mut data: impl FnMut(usize, &[f64]) -> Vec<f32>) -> Vec<Part> {
    (0..arrays)
        .map(|array| {
            let degrees = every(array, arrays, views);
            part(&degrees, data(array, &degrees))
        })
        .collect()
}

/// An array for each wedge.
fn wedges() -> Vec<Part> {
    let wedge = |array: usize| {
        let degrees: Vec<f64> = (0..4).map(|view| 5.625 * (4 * array + view) as f64).collect();
        let data = chords(ONE, &degrees);
        part(&degrees, data)
    };
    (0..8).map(wedge).collect()
}

#[test]
fn wedges_that_are_poor_apart_are_one_good_picture_together() {
    let parts = wedges();
    let truth = drawn(ONE);
    let together = bind(&parts, &how()).unwrap();
    assert_eq!(
        together.wholes.len(),
        1,
        "{:?}",
        together.wholes.iter().map(|whole| &whole.arrays).collect::<Vec<_>>()
    );
    let whole = &together.wholes[0];
    let apart = bind(&parts, &How { way: Way::Plain, coupling: 0.0, ..how() }).unwrap();
    let alone = apart.pictures.iter().map(|picture| psnr(picture, &truth)).fold(f64::MIN, f64::max);
    let central = psnr(&explained(&parts.iter().collect::<Vec<_>>(), 1.0, 60), &truth);
    let found = psnr(&whole.picture, &truth);
    assert!(found > central - 0.3, "{found} against one solver's {central}");
    assert!(found > alone + 6.0, "{found} against the best alone, {alone}");
    assert!(
        whole.confidence > 0.5 && together.order_parameter > 0.99,
        "{} {}",
        whole.confidence,
        together.order_parameter
    );
    let [early, late] = [together.left[5], *together.left.last().unwrap()];
    assert!(late < early / 3.0, "{early} to {late}");
}

#[test]
fn two_worlds_become_two_wholes_whatever_the_seed() {
    let (first, second) = (drawn(ONE), drawn(OTHER));
    for seed in 0..10 {
        let mut draws = Stream::new(seed, 7);
        let other: Vec<bool> = (0..12).map(|_| draws.uniform() < 0.4).collect();
        let parts = beams(12, 48, |array, degrees| chords(if other[array] { OTHER } else { ONE }, degrees));
        let bound = bind(&parts, &How { seed, ..how() }).unwrap();
        let expected = |side: bool| (0..12).filter(|array| other[*array] == side).collect::<Vec<_>>();
        for (side, truth) in [(false, &first), (true, &second)] {
            let members = expected(side);
            let whole = bound.wholes.iter().find(|whole| whole.arrays == members);
            let whole = whole.unwrap_or_else(|| panic!("seed {seed}: no whole of {members:?}"));
            let oracle: Vec<&Part> = members.iter().map(|array| &parts[*array]).collect();
            let oracle = psnr(&explained(&oracle, 1.0, 60), truth);
            let found = psnr(&whole.picture, truth);
            assert!(found > oracle - 1.0, "seed {seed}: {found} against {oracle}");
        }
        let spectral = bind(&parts, &How { seed, way: Way::Spectral, ..how() }).unwrap();
        assert_eq!(spectral.wholes.len(), 2);
    }
}

#[test]
fn arrays_that_lie_stay_alone_and_the_rest_binds_on() {
    let truth = drawn(ONE);
    let mut draws = Stream::new(3, 3);
    let parts = beams(12, 48, |array, degrees| {
        let mut data = chords(ONE, degrees);
        match array {
            2 | 5 => data.iter_mut().for_each(|number| *number = 6.0 * draws.normal().abs() as f32),
            7 => data.chunks_exact_mut(SIDE).for_each(|line| line.rotate_right(7)),
            _ => {}
        }
        data
    });
    let bound = bind(&parts, &how()).unwrap();
    assert_eq!(bound.wholes[0].arrays, [0, 1, 3, 4, 6, 8, 9, 10, 11]);
    let lone: Vec<_> =
        bound.wholes[1..].iter().map(|whole| (whole.arrays.clone(), whole.confidence)).collect();
    assert_eq!(lone, [(vec![2], 0.0), (vec![5], 0.0), (vec![7], 0.0)]);
    let by = |way| bind(&parts, &How { way, ..how() }).unwrap();
    let [phases, plain, robust] = [&bound, &by(Way::Plain), &by(Way::Robust)]
        .map(|bound: &Bound| psnr(&bound.wholes[0].picture, &truth));
    assert!(phases > robust - 0.5 && phases > plain + 3.0, "{phases}, robust {robust}, plain {plain}");
}

#[test]
fn one_that_sees_black_where_others_see_something_is_left_out() {
    let none: Ellipses = &[];
    let parts = beams(8, 32, |array, degrees| chords(if array == 3 { none } else { ONE }, degrees));
    let bound = bind(&parts, &how()).unwrap();
    let groups: Vec<&[usize]> = bound.wholes.iter().map(|whole| whole.arrays.as_slice()).collect();
    assert_eq!(groups, [&[0, 1, 2, 4, 5, 6, 7][..], &[3]]);
}

#[test]
fn known_noise_is_the_scale_on_which_arrays_disagree() {
    let sigma = 1.0;
    let mut draws = Stream::new(8, 1);
    let parts = beams(8, 32, |_, degrees| {
        chords(ONE, degrees).iter().map(|x| x + (sigma * draws.normal()) as f32).collect()
    });
    let known = bind(&parts, &How { sigma: Some(sigma), ..how() }).unwrap();
    assert_eq!(known.wholes[0].arrays.len(), 8, "of noise that is known");
    // And no more than the noise is followed.
    let unknown = bind(&parts, &How { way: Way::Plain, ..how() }).unwrap();
    let [stopped, drawn] = [&known, &unknown].map(|bound| psnr(&bound.wholes[0].picture, &drawn(ONE)));
    assert!(stopped > drawn + 1.0, "{stopped} dB, {drawn} dB where the noise is drawn");
    let strict = bind(&parts, &How { sigma: Some(0.0), ..how() }).unwrap();
    assert!(strict.wholes[0].arrays.len() < 8, "noise that is said not to be is disagreement");
}

#[test]
fn threads_change_no_bit_and_seeds_only_the_phases() {
    let parts = wedges();
    let alone = bind(&parts, &how()).unwrap();
    for threads in [2, 3, 16] {
        let several = bind(&parts, &How { threads, ..how() }).unwrap();
        assert!(several.pictures == alone.pictures && several.phases == alone.phases, "{threads} threads");
        assert_eq!(several.left, alone.left);
    }
    assert_ne!(bind(&parts, &How { seed: 2, ..how() }).unwrap().phases, alone.phases);
}

#[test]
fn a_small_picture_and_windows_of_it_bind_too() {
    let truth = drawn(ONE);
    let see = |projection: Box<dyn Projection>| {
        let mut data = vec![0.0; projection.data_len()];
        projection.apply(&truth, &mut data, 1);
        Part::new(projection, data).unwrap()
    };
    let tile = |corner: (f64, f64), every: f64, blur: f64, side: usize| {
        let place = Place { corner, every, blur };
        see(Box::new(Tile::new((SIDE, SIDE), &place, (side, side)).unwrap()))
    };
    let mut parts = vec![tile((1.0, 1.0), 2.0, 1.0, SIDE / 2)];
    for corner in [(0.0, 0.0), (0.0, 12.0), (12.0, 0.0)] {
        parts.push(tile(corner, 1.0, 0.0, 20));
    }
    let bound = bind(&parts, &How { iterations: 100, ..how() }).unwrap();
    assert_eq!(bound.wholes[0].arrays, [0, 1, 2, 3]);
    let found = psnr(&bound.wholes[0].picture, &truth);
    assert!(found > 30.0, "{found}");
}

#[test]
fn numbers_that_are_missing_are_not_believed() {
    let mut parts = wedges();
    let degrees: Vec<f64> = (0..4).map(|view| 5.625 * f64::from(view)).collect();
    let mut data = chords(ONE, &degrees);
    data.iter_mut().step_by(5).for_each(|number| *number = f32::NAN);
    parts[0] = part(&degrees, data);
    assert!(parts[0].seen() < 4 * SIDE);
    let bound = bind(&parts, &how()).unwrap();
    assert_eq!(bound.wholes[0].arrays.len(), 8);
    assert!(psnr(&bound.wholes[0].picture, &drawn(ONE)) > 25.0);
}

#[test]
fn agreement_is_symmetric_and_of_one_sign_with_the_truth() {
    let parts = beams(6, 24, |array, degrees| chords(if array < 2 { OTHER } else { ONE }, degrees));
    let found = Agreement::of(&parts, None, 1.0, 1, 2);
    for one in 0..6 {
        assert_eq!(found.matrix[7 * one], 0.0);
        for other in (0..6).filter(|other| *other != one) {
            let agrees = found.matrix[6 * one + other];
            assert_eq!(agrees, found.matrix[6 * other + one]);
            assert_eq!(agrees > 0.0, (one < 2) == (other < 2), "{one}, {other}: {agrees}");
        }
    }
}

#[test]
fn what_cannot_be_bound_is_refused_by_name() {
    let parts = wedges();
    let told = |parts: &[Part], how: How| bind(parts, &how).unwrap_err().to_string();
    assert_eq!(
        told(&parts[..1], how()),
        "arrays: one array alone has nothing to bind to: 1 (allowed: 2 to 256)"
    );
    assert!(told(&[], how()).contains("2 to 256"));
    assert!(told(&parts, How { iterations: 0, ..how() }).contains("iterations"));
    assert!(
        told(&parts, How { coupling: 1.5, ..how() })
            .contains("coupling: it is out of range: 1.5 (allowed: 0 to 1)")
    );
    assert!(told(&parts, How { most: f32::NAN, ..how() }).contains("most"));
    assert!(told(&parts, How { sigma: Some(-1.0), ..how() }).contains("sigma"));
    let place = Place { corner: (0.0, 0.0), every: 1.0, blur: 0.0 };
    let small = Box::new(Tile::new((8, 8), &place, (4, 4)).unwrap());
    let mixed = [wedges().remove(0), Part::new(small, vec![0.5; 16]).unwrap()];
    assert!(
        told(&mixed, how())
            .contains("array 1: they see pictures of different sizes: 8 x 8 (allowed: 32 x 32)")
    );
}

#[test]
fn an_array_that_sees_nothing_is_refused() {
    let beam = || Box::new(ParallelBeam::new(8, 8, &[0.0]).unwrap());
    let told = |data: Vec<f32>| Part::new(beam(), data).err().unwrap().to_string();
    assert!(told(vec![f32::NAN; 8]).contains("the array sees nothing"));
    assert!(told(vec![0.0; 7]).contains("they are not as many as the projection gives: 7 (allowed: 8)"));
}

#[test]
fn as_many_as_256_arrays_bind() {
    let parts = beams(256, 256, |array, degrees| chords(if array % 8 == 3 { OTHER } else { ONE }, degrees));
    let bound = bind(&parts, &How { iterations: 30, ..how() }).unwrap();
    let sizes: Vec<usize> = bound.wholes.iter().map(|whole| whole.arrays.len()).collect();
    assert_eq!(sizes, [224, 32]);
}

/// Remembers what it was asked, and answers what it was made to.
struct Asked {
    sigmas: std::cell::RefCell<Vec<f32>>,
    fails: bool,
}

impl Prior for Asked {
    fn clean(&self, picture: &mut [f32], size: (usize, usize), sigma: f32) -> Result<()> {
        assert!(picture.len() == size.0 * size.1 && picture.iter().all(|x| (0.0..=1.0).contains(x)));
        self.sigmas.borrow_mut().push(sigma);
        if self.fails { Err(Error::call("prior", "it knows nothing of such pictures")) } else { Ok(()) }
    }
}

#[test]
fn a_prior_is_asked_for_ever_less_noise_and_what_is_wrong_with_it_is_told() {
    let parts = wedges();
    let asked = Asked { sigmas: Vec::new().into(), fails: false };
    // Without a limit light is of the brightest.
    let how = How { iterations: 5 * ASK, most: f32::INFINITY, ..how() };
    let steps = std::cell::RefCell::new(Vec::new());
    let bound =
        bind_with(&parts, &how, Some(&asked), &|step, left| steps.borrow_mut().push((step, left))).unwrap();
    let steps = steps.into_inner();
    assert_eq!(steps.len(), bound.iterations);
    let told: Vec<f64> = steps[steps.len() - bound.left.len()..].iter().map(|(_, left)| *left).collect();
    assert_eq!(told, bound.left);
    let sigmas = asked.sigmas.into_inner();
    assert!(sigmas.len() == 3 && sigmas.windows(2).all(|pair| pair[1] < pair[0]), "{sigmas:?}");
    let fails = Asked { sigmas: Vec::new().into(), fails: true };
    assert!(
        bind_with(&parts, &how, Some(&fails), &|_, _| ()).unwrap_err().to_string().contains("such pictures")
    );
}
