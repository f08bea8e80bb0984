//! Objects that keep their label from picture to picture.

use super::rim::wide;
use super::{MOST_OBJECTS, Segments};

/// Coherence from which an object that is sure is told, and down to which one that was told still is.
const SURE: [f32; 2] = [0.85, 0.7];

/// Labels that have a plain colour of their own.
const PLAIN: usize = 7;

/// What was where in the last pictures.
#[derive(Clone, Debug)]
pub struct Follow {
    /// Whether only those that are sure are told.
    sure: bool,
    width: usize,
    /// The label of each pixel; of what is seen no more, where it was.
    last: Vec<u8>,
    /// The labels of the last picture.
    told: [bool; MOST_OBJECTS + 1],
}

/// An object that is followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Object {
    /// From 1 to [`MOST_OBJECTS`]; it keeps it from picture to picture.
    pub label: u8,
    /// Its pixels.
    pub pixels: usize,
    /// How much its oscillators swing as one, 0 to 1.
    pub coherence: f32,
}

impl Follow {
    /// Nothing was seen yet; all that comes is told.
    #[must_use]
    pub fn all() -> Self {
        Self { sure: false, width: 0, last: Vec::new(), told: [false; MOST_OBJECTS + 1] }
    }

    /// Nothing was seen yet; what comes is told from a coherence of 0.85 on, as long as it has 0.7, and where it is more than the
    /// edge between two greys.
    #[must_use]
    pub fn sure() -> Self {
        Self { sure: true, ..Self::all() }
    }

    /// The objects of the next picture, of rows of `width` pixels, by the labels that they have from now on: that of the object with whose
    /// last place each shares the most pixels; a new object has the lowest that is free, if one of the first seven can be had that of none that may come back. Relabels
    /// the segments; what is not told is ground. A picture of another size begins anew.
    pub fn follow(&mut self, segments: &mut Segments, width: usize) -> Vec<Object> {
        if (self.width, self.last.len()) != (width, segments.labels.len()) {
            *self = Self { sure: self.sure, width, last: vec![0; segments.labels.len()], ..Self::all() };
        }
        let labels = self.labels(segments, width);
        let mut pixels = [0; MOST_OBJECTS + 1];
        for label in &mut segments.labels {
            *label = labels[usize::from(*label)];
            pixels[usize::from(*label)] += 1;
        }
        self.told = pixels.map(|pixels| pixels > 0);
        for (last, label) in self.last.iter_mut().zip(&segments.labels) {
            if *label > 0 || self.told[usize::from(*last)] {
                *last = *label;
            }
        }
        let object = |(label, coherence): (&u8, &f32)| Object {
            label: *label,
            pixels: pixels[usize::from(*label)],
            coherence: *coherence,
        };
        let told = labels.iter().skip(1).zip(&segments.coherence).filter(|(label, _)| **label > 0);
        let mut objects: Vec<Object> = told.map(object).collect();
        objects.sort_by_key(|object| object.label);
        objects
    }

    /// The new label of each old one; 0 of what is not told.
    fn labels(&self, segments: &Segments, width: usize) -> Vec<u8> {
        let count = segments.coherence.len();
        let mut shared = vec![0usize; (count + 1) * (MOST_OBJECTS + 1)];
        let mut sizes = vec![0usize; count + 1];
        for (now, last) in segments.labels.iter().zip(&self.last) {
            shared[usize::from(*now) * (MOST_OBJECTS + 1) + usize::from(*last)] += 1;
            sizes[usize::from(*now)] += 1;
        }
        let mut pairs: Vec<(usize, usize, usize)> = (1..=count)
            .flat_map(|now| (1..=MOST_OBJECTS).map(move |last| (now, last)))
            .map(|(now, last)| (shared[now * (MOST_OBJECTS + 1) + last], now, last))
            .filter(|(pixels, ..)| *pixels > 0)
            .collect();
        pairs.sort_by(|one, other| other.0.cmp(&one.0).then(one.cmp(other)));
        let mut labels = vec![0; count + 1];
        let mut taken = [false; MOST_OBJECTS + 1];
        // One that is mostly where it was told needs less to be told again.
        let mut least = vec![SURE[0]; count + 1];
        for (pixels, now, last) in pairs {
            if labels[now] == 0 && !taken[last] {
                (labels[now], taken[last]) = (last as u8, true);
                if self.told[last] && 2 * pixels > sizes[now] {
                    least[now] = SURE[1];
                }
            }
        }
        let mut gone = [false; MOST_OBJECTS + 1];
        self.last.iter().for_each(|label| gone[usize::from(*label)] = true);
        for label in labels.iter_mut().skip(1).filter(|label| **label == 0) {
            let free = || (1..=MOST_OBJECTS).filter(|label| !taken[*label]);
            // The palette's own colours before darker ones.
            let plain = free().take_while(|label| *label <= PLAIN).find(|label| !gone[*label]);
            let new = plain.or_else(|| free().next()).unwrap_or(MOST_OBJECTS);
            (*label, taken[new]) = (new as u8, true);
        }
        if self.sure {
            let thin = thin(&segments.labels, width, count);
            for (now, (coherence, thin)) in (1..).zip(segments.coherence.iter().zip(thin)) {
                if *coherence < least[now] || thin {
                    labels[now] = 0;
                }
            }
        }
        labels
    }
}

/// Of `count` objects, whether less than half of each lies in squares of two by two pixels of its own: an edge that is grey between what
/// lies on its two sides is no object.
fn thin(labels: &[u8], width: usize, count: usize) -> Vec<bool> {
    let mut pixels = vec![[0usize; 2]; count + 1];
    for (label, wide) in labels.iter().zip(wide(labels, width)) {
        pixels[usize::from(*label)][usize::from(wide)] += 1;
    }
    pixels.iter().skip(1).map(|[thin, wide]| thin > wide).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The labels that objects have from now on, and how many pixels.
    fn follow(follow: &mut Follow, labels: &[u8], width: usize) -> (Vec<u8>, Vec<(u8, usize)>) {
        let count = labels.iter().copied().max().unwrap_or(0);
        let coherence = (1..=count).map(f32::from).collect();
        let mut segments = Segments { labels: labels.to_vec(), coherence, ..Segments::default() };
        let objects = follow.follow(&mut segments, width);
        (segments.labels, objects.iter().map(|object| (object.label, object.pixels)).collect())
    }

    #[test]
    fn an_object_that_moves_keeps_its_label_and_a_new_one_gets_another() {
        let mut seen = Follow::all();
        let first = [1, 1, 1, 0, 2, 2, 0, 0];
        assert_eq!(follow(&mut seen, &first, 8), (first.to_vec(), vec![(1, 3), (2, 2)]));
        // The second has become the larger one, and the first has moved.
        let second = [0, 2, 2, 0, 1, 1, 1, 3];
        assert_eq!(
            follow(&mut seen, &second, 8),
            (vec![0, 1, 1, 0, 2, 2, 2, 3], vec![(1, 2), (2, 3), (3, 1)])
        );
        // In another shape nothing is where it was.
        assert_eq!(follow(&mut seen, &second, 4).0, second);
        assert_eq!(follow(&mut seen, &[0; 8], 4), (vec![0; 8], Vec::new()));
        assert_eq!(follow(&mut seen, &[1; 8], 4).0, [1; 8]);
    }

    #[test]
    fn each_object_keeps_its_own_coherence() {
        let mut seen = Follow::all();
        follow(&mut seen, &[1, 1, 2], 3);
        let labels = vec![2, 2, 1];
        let mut segments = Segments { labels, coherence: vec![0.25, 0.5], ..Segments::default() };
        let found: Vec<(u8, f32)> =
            seen.follow(&mut segments, 3).iter().map(|object| (object.label, object.coherence)).collect();
        assert_eq!(found, [(1, 0.5), (2, 0.25)]);
    }

    #[test]
    fn one_that_comes_back_where_it_was_has_its_label_again() {
        let mut seen = Follow::all();
        follow(&mut seen, &[1, 1, 0, 2, 2, 0, 0, 0], 8);
        // The first is hidden, and another comes elsewhere.
        assert_eq!(follow(&mut seen, &[0, 0, 0, 1, 1, 0, 2, 2], 8).0, [0, 0, 0, 2, 2, 0, 3, 3]);
        assert_eq!(follow(&mut seen, &[1, 1, 0, 2, 2, 0, 3, 3], 8).0, [1, 1, 0, 2, 2, 0, 3, 3]);
    }

    #[test]
    fn one_is_told_when_it_swings_as_one_and_as_long_as_it_nearly_does() {
        let mut seen = Follow::sure();
        let mut told = |coherence: f32| {
            let mut segments = Segments {
                labels: vec![1, 1, 0, 1, 1, 0],
                coherence: vec![coherence],
                ..Segments::default()
            };
            let objects = seen.follow(&mut segments, 3);
            assert_eq!(segments.labels.contains(&1), !objects.is_empty());
            objects.len()
        };
        let found: Vec<usize> = [0.8, 0.9, 0.75, 0.71, 0.69, 0.75, 0.86].map(&mut told).to_vec();
        assert_eq!(found, [0, 1, 1, 1, 0, 0, 1]);
    }

    #[test]
    fn an_edge_is_no_object() {
        let labels = [1, 1, 1, 1, 1, 0, 0, 2, 0, 2, 3, 3, 0, 2, 3, 3];
        assert_eq!(thin(&labels, 4, 3), [true, true, false]);
        assert_eq!(thin(&[1; 12], 4, 1), [false]);
    }
}
