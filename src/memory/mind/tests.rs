//! The mind's eye as a function of moments and pictures.

use super::*;
use crate::random::Stream;
use crate::time::Timestamp;

const PIXELS: usize = 64;
const BANDS: usize = 2;

/// One of a few scenes: which of its pixels are struck, and its picture.
struct Scene {
    struck: Vec<f32>,
    picture: InputPicture,
}

fn scenes(count: usize) -> Vec<Scene> {
    let mut draws = Stream::new(11, 0);
    let scene = |_| {
        let struck: Vec<f32> = (0..PIXELS).map(|_| f32::from(draws.word() & 1 == 0)).collect();
        let rgb = (0..32 * 32).flat_map(|at| {
            let block = (at / 32) / 4 * 8 + (at % 32) / 4;
            [(40.0 + 170.0 * struck[block]) as u8, 90, 120]
        });
        let (time, rgb) = (Timestamp(0), rgb.collect());
        let picture = InputPicture { time, width: 32, height: 32, rgb, bursts: Vec::new() };
        Scene { struck, picture }
    };
    (0..count).map(scene).collect()
}

/// The moment that a scene leaves, or none.
fn moment(tick: u64, scene: Option<&Scene>, draws: &mut Stream) -> Moment {
    let struck = |at: usize| scene.map_or(0.0, |scene| scene.struck[at]);
    let trace = (0..BANDS * PIXELS).map(|at| struck(at % PIXELS) + 0.5 * draws.normal() as f32).collect();
    let tonic = std::array::from_fn(|_| (0..16 * 16).map(|_| draws.normal() as f32).collect());
    Moment {
        tick: Tick(tick),
        trace,
        impression: (0..PIXELS).map(struck).collect(),
        driven: if scene.is_some() { 1.0 } else { 0.0 },
        grain: (16, 16),
        tonic,
    }
}

/// Lives `moments` moments of scenes in turn.
fn lived(
    parameters: &MindParameters,
    scenes: &[Scene],
    moments: u64,
    seed: u64,
) -> (Mind, Vec<Option<MindPicture>>) {
    let mut mind = Mind::new(parameters, PIXELS, BANDS, seed);
    let mut draws = Stream::new(2, 0);
    let shown = (0..moments)
        .map(|at| {
            let scene = &scenes[draws.word() as usize % scenes.len()];
            mind.live(&moment(at * MOMENT_TICKS, Some(scene), &mut draws), Some(&scene.picture), true)
        })
        .collect();
    (mind, shown)
}

#[test]
fn what_was_seen_is_recalled_from_its_trace_and_not_learned_twice() {
    let scenes = scenes(12);
    let (mind, shown) = lived(&MindParameters::default(), &scenes, 400, 1);
    let figures = mind.figures();
    assert_eq!(shown[0], None, "nothing is known yet");
    assert!(figures.explained.unwrap() > 0.6, "{figures:?}");
    assert!(figures.alike.unwrap() > 0.9, "{figures:?}");
    assert!(figures.elsewhere.unwrap() < 0.3, "{figures:?}");
    assert_eq!(figures.written + figures.predicted, 400);
    assert!(figures.written < 60, "most are recalled: {figures:?}");
    assert!(
        shown
            .last()
            .unwrap()
            .as_ref()
            .is_some_and(|picture| !picture.dream && picture.rgb.len() == 3 * SIDE * SIDE)
    );
}

#[test]
fn the_same_moments_give_the_same_mind_to_the_bit() {
    let scenes = scenes(30);
    let parameters = MindParameters { episodes: 8, patches: 64, ..MindParameters::default() };
    let (one, shown) = lived(&parameters, &scenes, 150, 7);
    let (other, again) = lived(&parameters, &scenes, 150, 7);
    assert!(one.figures().forgotten > 0, "{:?}", one.figures());
    assert_eq!((shown, one.figures().clone()), (again, other.figures().clone()));
    assert_eq!(one.into_patches(), other.into_patches());
}

#[test]
fn it_dreams_of_what_it_knows_once_little_has_come_for_a_second_and_wakes_at_once() {
    let scenes = scenes(6);
    let (mut mind, _) = lived(&MindParameters::default(), &scenes, 60, 1);
    let mut draws = Stream::new(3, 0);
    let written = mind.figures().written;
    let mut dreams = 0;
    for at in 0..50 {
        let shown = mind.live(&moment(at, None, &mut draws), Some(&scenes[0].picture), at != 30);
        assert_eq!(mind.figures().dreaming, at + 1 >= u64::from(UNTIL_DREAM));
        assert_eq!(shown.is_none(), at == 30, "nobody looks");
        dreams += u32::from(shown.is_some_and(|picture| picture.dream));
    }
    assert_eq!(dreams, 40);
    assert_eq!(mind.figures().dreamt, 41);
    assert_eq!(mind.figures().written, written, "nothing is learned while nothing comes in");
    let stirred = Moment { driven: 0.5, ..moment(98, None, &mut draws) };
    assert!(mind.live(&stirred, Some(&scenes[0].picture), true).unwrap().dream, "it sleeps on");
    let shown = mind.live(&moment(99, Some(&scenes[1]), &mut draws), Some(&scenes[1].picture), true);
    assert!(!shown.unwrap().dream);
}

#[test]
fn a_memory_of_its_patches_is_left() {
    let (mind, _) = lived(&MindParameters::default(), &scenes(4), 30, 1);
    assert_eq!(mind.into_patches().unwrap().planes(), 3);
    let none = MindParameters { patches: 0, ..MindParameters::default() };
    assert!(lived(&none, &scenes(4), 30, 1).0.into_patches().is_none());
    assert!(Mind::new(&MindParameters::default(), PIXELS, BANDS, 1).into_patches().is_none());
}

#[test]
fn bounds_are_named() {
    let few = MindParameters { episodes: 0, ..MindParameters::default() };
    assert!(few.check().unwrap_err().to_string().contains("mind.episodes"));
    let many = MindParameters { patches: 65_537, ..MindParameters::default() };
    assert!(many.check().unwrap_err().to_string().contains("mind.patches"));
    MindParameters::default().check().unwrap();
}
