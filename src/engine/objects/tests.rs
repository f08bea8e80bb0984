//! What stands out from a world that moves, and what from one that shows nothing.

use super::*;

const SIDE: usize = 48;

/// Three things of two greys on a dark ground, which pass each other without touching; at each pixel its thing, 0 is ground.
fn things(step: usize) -> Vec<u8> {
    let thing = |at: usize| {
        let (y, x) = (at / SIDE, at % SIDE);
        if (4..14).contains(&y) && (2 + step..14 + step).contains(&x) {
            1
        } else if (18..30).contains(&y) && (34 - step..46 - step).contains(&x) {
            2
        } else if y.abs_diff(39).pow(2) + x.abs_diff(8 + step).pow(2) < 40 {
            3
        } else {
            0
        }
    };
    (0..SIDE * SIDE).map(thing).collect()
}

fn scene(step: usize) -> InputPicture {
    let greys = [20u8, 220, 120, 220];
    let rgb = things(step).iter().flat_map(|thing| [greys[usize::from(*thing)]; 3]).collect();
    InputPicture { width: SIDE, height: SIDE, rgb, ..InputPicture::default() }
}

fn objects(how: &How) -> Objects {
    Objects::new(&ObjectsParameters::default(), how).unwrap()
}

/// The label of most pixels of each thing, seen with `columns` columns and rows.
fn labels(found: &Objects, step: usize, columns: usize) -> Vec<u8> {
    let things = things(step);
    let label = |thing: u8| {
        let mut counts = [0; 256];
        for (at, label) in found.labels().iter().enumerate() {
            let place = |cell: usize| (2 * cell + 1) * SIDE / (2 * columns);
            if things[place(at / columns) * SIDE + place(at % columns)] == thing {
                counts[usize::from(*label)] += 1;
            }
        }
        (0..=u8::MAX).max_by_key(|label| counts[usize::from(*label)]).unwrap()
    };
    (1..4).map(label).collect()
}

#[test]
fn labels_stay_with_their_objects_as_these_move() {
    let mut found = objects(&How::default());
    found.look(&scene(0));
    let first = labels(&found, 0, 32);
    let mut sorted = first.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [1, 2, 3]);
    for step in 1..30 {
        found.look(&scene(step));
        assert_eq!(labels(&found, step, 32), first, "step {step}");
        let told: Vec<u8> = found.figures().objects.iter().map(|object| object.label).collect();
        assert_eq!(told, [1, 2, 3]);
    }
    let figures = found.figures();
    assert_eq!((figures.updates, figures.size, figures.mean_objects), (30, [32, 32], Some(3.0)));
    for object in &figures.objects {
        assert!(object.confidence > 0.8 && (0.03..0.12).contains(&object.share), "{object:?}");
        assert_eq!(object.colour, label_colour(object.label));
    }
}

#[test]
fn without_coupling_nothing_holds_together() {
    let mut found = objects(&How { coupling: 0.0, ..How::default() });
    (0..10).for_each(|step| found.look(&scene(step)));
    let figures = found.figures();
    assert!(figures.mean_objects.unwrap() < 1.0, "{figures:?}");
}

#[test]
fn from_black_and_from_one_value_nothing_stands_out_and_objects_come_back() {
    let mut found = objects(&How::default());
    found.look(&scene(0));
    let before = labels(&found, 0, 32);
    for value in [0, 200] {
        found.look(&InputPicture { rgb: vec![value; 3 * SIDE * SIDE], ..scene(0) });
        assert!(found.figures().objects.is_empty() && found.labels().iter().all(|label| *label == 0));
    }
    found.look(&scene(0));
    assert_eq!(labels(&found, 0, 32), before);
    assert_eq!((found.figures().updates, found.figures().mean_objects), (4, Some(1.5)));
}

#[test]
fn a_picture_keeps_its_proportions_and_one_that_is_not_whole_is_passed_over() {
    let mut found = objects(&How::default());
    found.look(&InputPicture { width: 4, height: 4, rgb: vec![1; 3], ..InputPicture::default() });
    assert_eq!((found.figures().updates, found.picture(Tick(1)).grey.len()), (0, 0));
    let rgb = (0..200 * 100).flat_map(|at| [if at % 200 < 100 { 10 } else { 200 }; 3]).collect();
    found.look(&InputPicture { width: 200, height: 100, rgb, ..InputPicture::default() });
    let shown = found.picture(Tick(7));
    assert_eq!((shown.tick, shown.size, shown.labels.len()), (Tick(7), [16, 32], 512));
    assert_eq!((shown.shown, shown.grey.len(), shown.grey[0], shown.grey[99]), ([50, 100], 5_000, 10, 200));
    assert_eq!(shown.objects, found.figures().objects);
}

#[test]
fn a_side_that_there_is_not_is_refused_by_its_key() {
    let error =
        ObjectsParameters { side: 48, ..ObjectsParameters::default() }.check().unwrap_err().to_string();
    assert!(error.contains("objects.side") && error.contains("48") && error.contains("32 or 64"), "{error}");
}
