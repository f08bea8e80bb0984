//! Objects that keep their number from picture to picture.

use super::MOST_OBJECTS;

/// What was where in the last picture.
#[derive(Clone, Debug, Default)]
pub struct Follow {
    last: Vec<u8>,
}

impl Follow {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number that each object of `labels` (1 to [`MOST_OBJECTS`]; 0 is ground) has from now on, by its label: that of the object of the
    /// last picture with which it shares the most pixels; a new object has the lowest that is free. Relabels `labels`.
    pub fn follow(&mut self, labels: &mut [u8]) -> Vec<u8> {
        let count = usize::from(labels.iter().copied().max().unwrap_or(0));
        let mut shared = vec![0usize; (count + 1) * (MOST_OBJECTS + 1)];
        for (now, last) in labels.iter().zip(&self.last) {
            shared[usize::from(*now) * (MOST_OBJECTS + 1) + usize::from(*last)] += 1;
        }
        let mut pairs: Vec<(usize, u8, u8)> = (1..=count)
            .flat_map(|now| (1..=MOST_OBJECTS).map(move |last| (now, last)))
            .map(|(now, last)| (shared[now * (MOST_OBJECTS + 1) + last], now as u8, last as u8))
            .filter(|(pixels, ..)| *pixels > 0)
            .collect();
        pairs.sort_by(|one, other| other.0.cmp(&one.0).then(one.cmp(other)));
        let mut numbers = vec![0u8; count + 1];
        let mut taken = [false; MOST_OBJECTS + 1];
        for (_, now, last) in pairs {
            if numbers[usize::from(now)] == 0 && !taken[usize::from(last)] {
                numbers[usize::from(now)] = last;
                taken[usize::from(last)] = true;
            }
        }
        for number in numbers.iter_mut().skip(1).filter(|number| **number == 0) {
            let free = (1..=MOST_OBJECTS).find(|number| !taken[*number]).unwrap_or(MOST_OBJECTS);
            taken[free] = true;
            *number = free as u8;
        }
        for label in labels.iter_mut() {
            *label = numbers[usize::from(*label)];
        }
        self.last = labels.to_vec();
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_that_moves_keeps_its_number_and_a_new_one_gets_another() {
        let mut follow = Follow::new();
        let mut first = vec![1, 1, 1, 0, 2, 2, 0, 0];
        assert_eq!(follow.follow(&mut first), [0, 1, 2]);
        // The second has become the larger one, and the first has moved.
        let mut second = vec![0, 2, 2, 0, 1, 1, 1, 3];
        assert_eq!(follow.follow(&mut second), [0, 2, 1, 3]);
        assert_eq!(second, [0, 1, 1, 0, 2, 2, 2, 3]);
        let mut nothing = vec![0; 8];
        assert_eq!(follow.follow(&mut nothing), [0]);
        assert_eq!(follow.follow(&mut [1; 8]), [0, 1]);
    }
}
