//! Objects that keep their label from picture to picture.

use super::{MOST_OBJECTS, Segments};

/// What was where in the last picture.
#[derive(Clone, Debug, Default)]
pub struct Follow {
    width: usize,
    last: Vec<u8>,
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
    /// Nothing was seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The objects of the next picture, of rows of `width` pixels, by the labels that they have from now on: that of the object of the last
    /// picture with which each shares the most pixels; a new object has the lowest that is free. Relabels the segments. A picture of
    /// another size begins anew.
    pub fn follow(&mut self, segments: &mut Segments, width: usize) -> Vec<Object> {
        if (self.width, self.last.len()) != (width, segments.labels.len()) {
            (self.width, self.last) = (width, vec![0; segments.labels.len()]);
        }
        let labels = self.labels(segments);
        let mut pixels = [0; MOST_OBJECTS + 1];
        for label in &mut segments.labels {
            *label = labels[usize::from(*label)];
            pixels[usize::from(*label)] += 1;
        }
        self.last.clone_from(&segments.labels);
        let object = |(label, coherence): (&u8, &f32)| Object {
            label: *label,
            pixels: pixels[usize::from(*label)],
            coherence: *coherence,
        };
        let mut objects: Vec<Object> = labels.iter().skip(1).zip(&segments.coherence).map(object).collect();
        objects.sort_by_key(|object| object.label);
        objects
    }

    /// The new label of each old one.
    fn labels(&self, segments: &Segments) -> Vec<u8> {
        let count = segments.coherence.len();
        let mut shared = vec![0usize; (count + 1) * (MOST_OBJECTS + 1)];
        for (now, last) in segments.labels.iter().zip(&self.last) {
            shared[usize::from(*now) * (MOST_OBJECTS + 1) + usize::from(*last)] += 1;
        }
        let mut pairs: Vec<(usize, u8, u8)> = (1..=count)
            .flat_map(|now| (1..=MOST_OBJECTS).map(move |last| (now, last)))
            .map(|(now, last)| (shared[now * (MOST_OBJECTS + 1) + last], now as u8, last as u8))
            .filter(|(pixels, ..)| *pixels > 0)
            .collect();
        pairs.sort_by(|one, other| other.0.cmp(&one.0).then(one.cmp(other)));
        let mut labels = vec![0u8; count + 1];
        let mut taken = [false; MOST_OBJECTS + 1];
        for (_, now, last) in pairs {
            if labels[usize::from(now)] == 0 && !taken[usize::from(last)] {
                labels[usize::from(now)] = last;
                taken[usize::from(last)] = true;
            }
        }
        for label in labels.iter_mut().skip(1).filter(|label| **label == 0) {
            let free = (1..=MOST_OBJECTS).find(|label| !taken[*label]).unwrap_or(MOST_OBJECTS);
            taken[free] = true;
            *label = free as u8;
        }
        labels
    }
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
        let mut seen = Follow::new();
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
        let mut seen = Follow::new();
        follow(&mut seen, &[1, 1, 2], 3);
        let labels = vec![2, 2, 1];
        let mut segments = Segments { labels, coherence: vec![0.25, 0.5], ..Segments::default() };
        let found: Vec<(u8, f32)> =
            seen.follow(&mut segments, 3).iter().map(|object| (object.label, object.coherence)).collect();
        assert_eq!(found, [(1, 0.5), (2, 0.25)]);
    }
}
