//! The ground: what has the grey that most of the picture's edge has.

/// How far from the edge's grey is still ground, of the picture's range: so many σ of its noise, within these.
const SIGMAS: f32 = 3.0;
const BOUNDS: [f32; 2] = [0.12, 0.25];
/// The share of the edge that must have it; a picture with less has no ground.
const LEAST_SHARE: f32 = 0.5;

/// Whether each pixel of rows of `width` (greys of 0 to 1) is ground; none where the edge is not mostly of one grey.
#[must_use]
pub fn ground(greys: &[f32], width: usize) -> Vec<bool> {
    let calm = median(greys, width);
    let tolerance = (SIGMAS * noise(greys, width)).clamp(BOUNDS[0], BOUNDS[1]);
    let height = greys.len() / width;
    let is_edge = |at: usize| {
        at < width || at >= (height - 1) * width || at.is_multiple_of(width) || at % width == width - 1
    };
    let mut edge: Vec<f32> = (0..calm.len()).filter(|at| is_edge(*at)).map(|at| calm[at]).collect();
    edge.sort_by(f32::total_cmp);
    // The grey around which most of the edge lies, as the middle of the fullest window.
    let within =
        |low: f32| edge.partition_point(|x| *x <= low + 2.0 * tolerance) - edge.partition_point(|x| *x < low);
    let first = edge.iter().copied().fold((0, 0.0), |best: (usize, f32), low| {
        let count = within(low);
        if count > best.0 { (count, low) } else { best }
    });
    let (count, low) = first;
    if (count as f32) < LEAST_SHARE * edge.len() as f32 {
        return vec![false; greys.len()];
    }
    let from = edge.partition_point(|x| *x < low);
    let grey = edge[from + count / 2];
    let apart: Vec<bool> = greys.iter().map(|x| (x - grey).abs() > tolerance).collect();
    // A median would take the corners of objects; so only what no neighbour is like is noise, and undone.
    let is_speck = |at: usize| {
        near(at, (height, width)).into_iter().all(|other| other == at || apart[other] != apart[at])
    };
    (0..greys.len()).map(|at| apart[at] == is_speck(at)).collect()
}

/// A pixel and its neighbours, 3 x 3; beyond the edge the edge goes on.
pub(super) fn near(at: usize, (height, width): (usize, usize)) -> [usize; 9] {
    let (y, x) = (at / width, at % width);
    let clamped = |place: usize, length: usize| place.saturating_sub(1).min(length - 1);
    std::array::from_fn(|near| clamped(y + near / 3, height) * width + clamped(x + near % 3, width))
}

/// σ of white noise by the median of the finest diagonal detail (Donoho and Johnstone, Biometrika 81:425, 1994).
fn noise(greys: &[f32], width: usize) -> f32 {
    let pairs = greys.chunks_exact(width).zip(greys.chunks_exact(width).skip(1)).step_by(2);
    let mut details: Vec<f32> = pairs
        .flat_map(|(upper, lower)| upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0))
        .map(|([a, b], [c, d])| 0.5 * (a - b - c + d).abs())
        .collect();
    details.sort_by(f32::total_cmp);
    details.get(details.len() / 2).map_or(0.0, |median| median / 0.6745)
}

/// The median of each pixel and its neighbours, 3 x 3; beyond the edge the edge goes on.
///
/// # Panics
/// Where the values are no whole number of rows.
#[must_use]
pub fn median(values: &[f32], width: usize) -> Vec<f32> {
    assert!(width > 0 && values.len().is_multiple_of(width), "pixels lie in rows");
    let height = values.len() / width;
    let middle = |at: usize| {
        let mut nine = near(at, (height, width)).map(|near| values[near]);
        nine.sort_unstable_by(f32::total_cmp);
        nine[4]
    };
    (0..values.len()).map(middle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ground_is_the_grey_of_the_edge_within_objects_too() {
        // A ring: what it surrounds is ground as well.
        let ring = |at: usize| (2..14).contains(&(at / 16)) && (2..14).contains(&(at % 16));
        let hole = |at: usize| (5..11).contains(&(at / 16)) && (5..11).contains(&(at % 16));
        let greys: Vec<f32> = (0..256).map(|at| if ring(at) && !hole(at) { 0.9 } else { 0.2 }).collect();
        let found = ground(&greys, 16);
        assert!(found[0] && found[8 * 16 + 8] && !found[3 * 16 + 8]);
    }

    #[test]
    fn specks_are_ground_at_the_edge_too_and_ends_of_lines_are_not() {
        let mut greys = vec![0.2; 256];
        for speck in [0, 7, 16 * 9 + 15, 16 * 5 + 5] {
            greys[speck] = 0.9;
        }
        assert!(ground(&greys, 16).iter().all(|ground| *ground));
        greys[6] = 0.9;
        let found = ground(&greys, 16);
        assert!(!found[6] && !found[7] && found.iter().filter(|ground| !**ground).count() == 2);
    }

    #[test]
    fn an_edge_of_many_greys_is_no_ground() {
        let greys: Vec<f32> = (0..256).map(|at| (at % 16) as f32 / 15.0).collect();
        assert!(ground(&greys, 16).iter().all(|ground| !ground));
    }
}
