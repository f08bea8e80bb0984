//! Who swings together: pixels whose oscillators point the same way, look by look, are one object.

use super::{LOOKS, MOST_OBJECTS};
use crate::kernel::medium::{Lanes, STARTS};

/// Numbers of a pixel over all looks.
const NUMBERS: usize = 4 * LOOKS;
/// From which coherence with a group's mean a pixel is of the group.
const TOGETHER: f32 = 0.6;
/// Turns in which a group's mean moves to its pixels.
const TURNS: usize = 4;
/// The fewest pixels of an object, and the smallest share of all that are not ground.
const FEWEST: usize = 6;
const LEAST_SHARE: usize = 50;

/// A pixel's oscillator of one start at all looks, of length 1.
type Numbers = [f32; NUMBERS];

/// Objects as they were found.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    /// The object of each pixel from 1 on, the largest first; 0 is ground.
    pub labels: Vec<u8>,
    /// The length of the mean of each object's oscillators.
    pub coherence: Vec<f32>,
}

impl Groups {
    /// Numbers the objects that have a pixel from 1 on, the largest first.
    pub fn sort(&mut self) {
        let mut sizes = vec![0usize; self.coherence.len()];
        for label in self.labels.iter().filter(|label| **label > 0) {
            sizes[usize::from(*label) - 1] += 1;
        }
        let mut order: Vec<usize> = (0..sizes.len()).filter(|group| sizes[*group] > 0).collect();
        order.sort_by_key(|group| std::cmp::Reverse(sizes[*group]));
        let mut label_of = vec![0u8; sizes.len() + 1];
        order.iter().zip(1..).for_each(|(group, label)| label_of[group + 1] = label);
        self.labels.iter_mut().for_each(|label| *label = label_of[usize::from(*label)]);
        self.coherence = order.iter().map(|group| self.coherence[*group]).collect();
    }
}

/// The oscillators of one start.
pub(super) struct States {
    /// Pixels of the picture.
    size: usize,
    /// The pixels that are not ground.
    places: Vec<usize>,
    numbers: Vec<Numbers>,
    /// How much each pixel and its four neighbours swing as one, 0 to 1.
    calm: Vec<f32>,
}

impl States {
    /// Gathers what belongs to a start.
    pub fn of(looks: &[Vec<Lanes>], start: usize, conducts: &[bool], width: usize) -> Self {
        let places: Vec<usize> = (0..conducts.len()).filter(|at| conducts[*at]).collect();
        let scale = 1.0 / (LOOKS as f32).sqrt();
        let numbers: Vec<Numbers> = places
            .iter()
            .map(|at| std::array::from_fn(|n| scale * looks[n / 4][*at][n % 4 * STARTS + start]))
            .collect();
        let mut of = vec![None; conducts.len()];
        places.iter().enumerate().for_each(|(number, at)| of[*at] = Some(number));
        let calm = |at: &usize| {
            let (left, right) = (!at.is_multiple_of(width), at % width + 1 < width);
            let near = [
                Some(*at),
                left.then(|| at - 1),
                right.then(|| at + 1),
                at.checked_sub(width),
                Some(at + width).filter(|at| *at < conducts.len()),
            ];
            let mut sum = [0.0; NUMBERS];
            for number in near.into_iter().flatten().filter_map(|at| of[at]) {
                add(&mut sum, &numbers[number]);
            }
            length(&sum) / near.len() as f32
        };
        let calm = places.iter().map(calm).collect();
        Self { size: conducts.len(), places, numbers, calm }
    }

    /// The objects, as many as are told where that is.
    pub fn groups(&self, told: Option<usize>) -> Groups {
        let mut means = self.found();
        if let Some(told) = told {
            self.as_many(&mut means, told.clamp(1, MOST_OBJECTS));
        }
        self.labelled(&means)
    }

    /// The means of groups, from the calmest pixel on: each takes all that swing as it does.
    fn found(&self) -> Vec<Numbers> {
        let fewest = FEWEST.max(self.places.len() / LEAST_SHARE);
        let mut left: Vec<usize> = (0..self.places.len()).collect();
        left.sort_by(|one, other| self.calm[*other].total_cmp(&self.calm[*one]).then(one.cmp(other)));
        let mut means = Vec::new();
        while let Some(first) = left.first().copied()
            && means.len() < MOST_OBJECTS
        {
            let mut mean = self.numbers[first];
            for _ in 0..TURNS {
                let mut sum = [0.0; NUMBERS];
                let near = left.iter().map(|number| &self.numbers[*number]);
                near.filter(|numbers| dot(numbers, &mean) > TOGETHER)
                    .for_each(|numbers| add(&mut sum, numbers));
                mean = unit(&sum).unwrap_or(mean);
            }
            let before = left.len();
            left.retain(|number| *number != first && dot(&self.numbers[*number], &mean) <= TOGETHER);
            if before - left.len() >= fewest {
                means.push(mean);
            }
        }
        means
    }

    /// Drops the smallest groups, or adds what is least like any, until there are as many as told.
    fn as_many(&self, means: &mut Vec<Numbers>, told: usize) {
        while means.len() < told {
            let strange = |number: usize| {
                let (_, like) = best(&self.numbers[number], means).unwrap_or((0, -1.0));
                self.calm[number] * (1.0 - like)
            };
            let numbers = 0..self.numbers.len();
            let Some((_, most)) =
                numbers.map(|number| (strange(number), number)).max_by(|a, b| a.0.total_cmp(&b.0))
            else {
                return;
            };
            means.push(self.numbers[most]);
            self.moved(means);
        }
        while means.len() > told {
            let mut counts = vec![0; means.len()];
            self.nearest(means).into_iter().for_each(|group| counts[group] += 1);
            let smallest = (0..means.len()).min_by_key(|group| counts[*group]).unwrap_or_default();
            means.remove(smallest);
        }
        self.moved(means);
    }

    /// Moves every mean to the pixels that are nearest to it.
    fn moved(&self, means: &mut [Numbers]) {
        for _ in 0..TURNS {
            let mut sums = vec![[0.0; NUMBERS]; means.len()];
            for (numbers, group) in self.numbers.iter().zip(self.nearest(means)) {
                add(&mut sums[group], numbers);
            }
            means.iter_mut().zip(&sums).for_each(|(mean, sum)| *mean = unit(sum).unwrap_or(*mean));
        }
    }

    /// The group that each pixel is most like.
    fn nearest(&self, means: &[Numbers]) -> Vec<usize> {
        self.numbers.iter().map(|numbers| best(numbers, means).map_or(0, |(group, _)| group)).collect()
    }

    /// Every pixel to the group that it is most like; the largest is 1.
    fn labelled(&self, means: &[Numbers]) -> Groups {
        let mut labels = vec![0; self.size];
        if means.is_empty() {
            return Groups { labels, coherence: Vec::new() };
        }
        let nearest = self.nearest(means);
        let mut sums = vec![([0.0; NUMBERS], 0usize); means.len()];
        for (numbers, group) in self.numbers.iter().zip(&nearest) {
            add(&mut sums[*group].0, numbers);
            sums[*group].1 += 1;
        }
        self.places.iter().zip(&nearest).for_each(|(at, group)| labels[*at] = *group as u8 + 1);
        let coherence = sums.iter().map(|(sum, pixels)| length(sum) / (*pixels).max(1) as f32).collect();
        let mut groups = Groups { labels, coherence };
        groups.sort();
        groups
    }
}

/// The mean that is most like a pixel, and how much.
fn best(numbers: &Numbers, means: &[Numbers]) -> Option<(usize, f32)> {
    let like = means.iter().map(|mean| dot(numbers, mean)).enumerate();
    like.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// The product of two pixels, in one order.
fn dot(one: &Numbers, other: &Numbers) -> f32 {
    let mut sums = [0.0f32; 8];
    for (one, other) in one.as_chunks::<8>().0.iter().zip(other.as_chunks::<8>().0) {
        for l in 0..8 {
            sums[l] += one[l] * other[l];
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

fn add(sum: &mut Numbers, numbers: &Numbers) {
    sum.iter_mut().zip(numbers).for_each(|(sum, x)| *sum += x);
}

fn length(numbers: &Numbers) -> f32 {
    dot(numbers, numbers).sqrt()
}

fn unit(numbers: &Numbers) -> Option<Numbers> {
    let length = length(numbers);
    (length > 0.0).then(|| numbers.map(|x| x / length))
}
