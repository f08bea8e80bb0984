//! Clocks: by how much recordings of one event started later than one another.
//!
//! Each pair of recordings tells a lag, where their lines of activity are most alike. Lags are angles of a circle that is twice as
//! long as the longest recording, and all pairs together are synchronised by [`super::sync`], again and again: pairs
//! weigh the less the further they are beside what was found, and what counts as beside halves each time, down to what pairs can tell
//! (graduated non-convexity: Yang, Antonante, Tzoumas and Carlone, IEEE Robot Autom Lett 5:1127, 2020). A sine alone is drawn far
//! too much by pairs that are wrong: a thousandth of the circle is milliseconds.
//!
//! A recording that is like no other still has pairs that fit: one angle fits one pair, and where others hear the same, several. So a
//! pair ties two recordings where it is sure alone, by how alike they are or how much more than at any other lag, or where half of all
//! others fit both.

use core::f64::consts::TAU;

use rustfft::num_complex::Complex64;

use super::activity::Line;
use super::shared::each;
use super::sync::{Differences, Lags, STEPS, turned};

/// The most recordings.
pub const MOST_RECORDINGS: usize = 64;
/// The most milliseconds of all recordings, each counted as long as the longest: their spectra take 32 bytes each.
pub const MOST_MILLISECONDS: usize = 1 << 24;
/// How alike two recordings are that are sure to be of one event, if also more than by a rhythm at another lag ...
pub const SURE: f64 = 0.45;
const RHYTHM: f64 = 1.1;
/// ... or how many times as alike as at any other lag.
pub const DISTINCT: f64 = 2.0;
/// Others that must fit both of a pair that is not sure alone, at least.
const LEAST_THIRDS: usize = 2;
/// Milliseconds within which a lag is the same, and how finely both tell beside that.
const SAME: f64 = 100.0;
/// Milliseconds by which a pair may be beside what was found, and how finely both tell beside that.
const BESIDE: f64 = 10.0;

/// How pairs become times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Kuramoto's flow.
    Flow,
    /// The leading eigenvector.
    Eigenvector,
    /// What pairs with the first recording tell alone: no synchronisation.
    First,
}

/// What a pair of recordings tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The recordings by their numbers, the lesser first.
    pub one: usize,
    /// See `one`.
    pub other: usize,
    /// By how many milliseconds the one started later than the other, as they alone tell.
    pub late: f64,
    /// The correlation of their lines there, 0 to 1; of what only one of them has, nothing is alike.
    pub alike: f64,
    /// How many times as alike they are there as at any other lag.
    pub distinct: f64,
    /// Whether it is one of those that agree with what all tell.
    pub agrees: bool,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Clocks {
    /// By how many milliseconds each started later than that of `firsts`; none of one that agrees with nobody.
    pub late: Vec<Option<f64>>,
    /// The first of those that each agrees with, directly or by others.
    pub firsts: Vec<usize>,
    /// All pairs.
    pub pairs: Vec<Pair>,
}

/// Finds by how much recordings started later than one another.
///
/// # Panics
/// Where there are fewer than 2, or lines are empty.
#[must_use]
pub fn clocks(lines: &[Line], way: Way, seed: u64, threads: usize) -> Clocks {
    assert!(lines.len() > 1 && lines.iter().all(|line| !line.numbers.is_empty()), "lines to compare");
    let mut pairs = pairs(lines, threads);
    let longest = lines.iter().map(|line| line.numbers.len()).max().unwrap_or_default();
    let circle = 2.0 * longest as f64;
    let tolerance = |pair: &Pair| BESIDE + lines[pair.one].grain + lines[pair.other].grain;
    let angles = settled(&pairs, lines.len(), &tolerance, circle, way, seed);
    let near = |pair: &Pair| pair.alike > 0.0 && beside(pair, &angles, circle).abs() <= tolerance(pair);
    let mut fits = vec![false; lines.len() * lines.len()];
    for pair in &pairs {
        fits[pair.one * lines.len() + pair.other] = near(pair);
        fits[pair.other * lines.len() + pair.one] = near(pair);
    }
    let thirds = |pair: &Pair| {
        let [one, other] = [pair.one, pair.other].map(|at| &fits[at * lines.len()..][..lines.len()]);
        one.iter().zip(other).filter(|(one, other)| **one && **other).count()
    };
    let enough = (lines.len() - 2).div_ceil(2).max(LEAST_THIRDS);
    let sure = |pair: &Pair| pair.alike >= SURE && pair.distinct >= RHYTHM || pair.distinct >= DISTINCT;
    let ties: Vec<bool> =
        pairs.iter().map(|pair| near(pair) && (sure(pair) || thirds(pair) >= enough)).collect();
    for (pair, ties) in pairs.iter_mut().zip(ties) {
        pair.agrees = ties;
    }
    let firsts = firsts(&pairs, lines.len());
    for pair in &mut pairs {
        pair.agrees = near(pair) && firsts[pair.one] == firsts[pair.other];
    }
    let late: Vec<Option<f64>> = (0..lines.len())
        .map(|at| {
            let alone = !pairs.iter().any(|pair| pair.agrees && (pair.one == at || pair.other == at));
            (!alone).then(|| turned(angles[at] - angles[firsts[at]]) / TAU * circle)
        })
        .collect();
    Clocks { late, firsts, pairs }
}

/// What all pairs tell.
fn pairs(lines: &[Line], threads: usize) -> Vec<Pair> {
    let longest = lines.iter().map(|line| line.numbers.len()).max().unwrap_or_default();
    let spectra: Vec<Vec<Complex64>> = each(lines, threads, |line| {
        let mut numbers = about_the_mean(&line.numbers);
        numbers.resize(longest, 0.0);
        Lags::new(longest).spectrum(&numbers)
    });
    let all: Vec<(usize, usize)> =
        (0..lines.len()).flat_map(|one| (one + 1..lines.len()).map(move |other| (one, other))).collect();
    each(&all, threads, |(one, other)| {
        let apart = SAME + lines[*one].grain + lines[*other].grain;
        let spectra = [(spectra[*one].as_slice(), spectra[*other].as_slice())];
        let [lag, alike, distinct] = Lags::new(longest).between_peaks(&spectra, apart as usize);
        // What comes later in a recording was recorded by one that started earlier.
        Pair { one: *one, other: *other, late: -lag, alike, distinct, agrees: false }
    })
}

fn about_the_mean(numbers: &[f32]) -> Vec<f32> {
    let mean = numbers.iter().map(|x| f64::from(*x)).sum::<f64>() / numbers.len().max(1) as f64;
    numbers.iter().map(|x| (f64::from(*x) - mean) as f32).collect()
}

/// By how many milliseconds a pair is beside what was found.
fn beside(pair: &Pair, angles: &[f64], circle: f64) -> f64 {
    turned(TAU * pair.late / circle - (angles[pair.one] - angles[pair.other])) / TAU * circle
}

/// Angles of the recordings on the circle.
fn settled(
    pairs: &[Pair],
    count: usize,
    tolerance: &dyn Fn(&Pair) -> f64,
    circle: f64,
    way: Way,
    seed: u64,
) -> Vec<f64> {
    let told = |weight: &dyn Fn(&Pair) -> f64| {
        let mut differences = Differences::new(count);
        for pair in pairs {
            differences.tell(pair.one, pair.other, TAU * pair.late / circle, weight(pair));
        }
        differences
    };
    // A lag that is one of several tells little.
    let worth = |pair: &Pair| pair.alike * pair.alike * (1.0 - 1.0 / pair.distinct.max(1.0));
    let all = told(&worth);
    let mut angles = match way {
        Way::Flow => all.by_flow(seed),
        Way::Eigenvector => all.by_eigenvector(seed),
        Way::First => return told(&|_| 1.0).of_one(0),
    };
    let mut width = circle / 4.0;
    while width > BESIDE {
        width /= 2.0;
        let now = told(&|pair| {
            let part = beside(pair, &angles, circle) / width.max(tolerance(pair));
            worth(pair) / ((1.0 + part * part) * (1.0 + part * part))
        });
        match way {
            Way::Eigenvector => angles = now.by_eigenvector(seed),
            _ => now.follow(&mut angles, STEPS),
        }
    }
    angles
}

/// The first of all recordings that each is tied to by pairs that agree.
fn firsts(pairs: &[Pair], count: usize) -> Vec<usize> {
    let mut firsts: Vec<usize> = (0..count).collect();
    for _ in 0..count {
        for pair in pairs.iter().filter(|pair| pair.agrees) {
            let first = firsts[pair.one].min(firsts[pair.other]);
            (firsts[pair.one], firsts[pair.other]) = (first, first);
        }
    }
    firsts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// Lines of 8 s each of one event, from these milliseconds on, with noise; the last of something else.
    fn lines(starts: &[usize], noise: &[f64], seed: u64) -> Vec<Line> {
        let mut draws = Stream::new(seed, 0);
        let mut event = |length: usize| {
            let mut line = vec![0.0f32; length];
            for at in 0..length - 20 {
                if draws.uniform() < 0.004 {
                    let height = draws.between(0.5, 2.0);
                    for after in 0..20 {
                        line[at + after] += (height * libm::exp(-0.2 * after as f64)) as f32;
                    }
                }
            }
            line
        };
        let (own, foreign) = (event(16_000), event(8_000));
        let of = |line: &[f32], noise: f64, draws: &mut Stream| Line {
            numbers: line.iter().map(|x| x + (noise * draws.normal()) as f32).collect(),
            grain: 1.0,
        };
        let mut draws = Stream::new(seed, 1);
        let mut found: Vec<Line> = starts
            .iter()
            .zip(noise)
            .map(|(start, noise)| of(&own[*start..start + 8_000], *noise, &mut draws))
            .collect();
        found.push(of(&foreign, 0.1, &mut draws));
        found
    }

    const STARTS: [usize; 6] = [2_000, 0, 5_300, 3_141, 700, 4_444];

    /// The most milliseconds by which what was found is wrong.
    fn worst(found: &Clocks) -> f64 {
        let wrong = STARTS.iter().zip(&found.late).map(|(start, late)| {
            late.map_or(f64::INFINITY, |late| (late - (*start as f64 - STARTS[0] as f64)).abs())
        });
        wrong.fold(0.0, f64::max)
    }

    #[test]
    fn recordings_of_one_event_are_laid_to_a_millisecond_and_another_stays_alone() {
        let lines = lines(&STARTS, &[0.1; 6], 3);
        for way in [Way::Flow, Way::Eigenvector, Way::First] {
            let found = clocks(&lines, way, 1, 1);
            assert!(worst(&found) < 1.0, "{way:?}: {:?}", found.late);
            assert_eq!(found.late[6], None);
            assert_eq!(found, clocks(&lines, way, 1, 5));
            let agrees = |pair: &&Pair| pair.agrees;
            assert_eq!(found.pairs.iter().filter(agrees).count(), 15, "{:?}", found.pairs);
        }
    }

    #[test]
    fn where_pairs_are_wrong_the_others_say_so_and_the_first_alone_does_not() {
        // The first recording hears next to nothing.
        let lines = lines(&STARTS, &[0.9, 0.4, 0.3, 0.3, 0.3, 0.3], 5);
        let found = clocks(&lines, Way::Flow, 1, 2);
        let wrong = |pair: &&Pair| {
            let of = |at: usize| STARTS.get(at).map_or(f64::NAN, |start| *start as f64);
            (pair.late - (of(pair.one) - of(pair.other))).abs() > 20.0
        };
        let wrong: Vec<Pair> = found.pairs.iter().filter(wrong).copied().collect();
        assert!(!wrong.is_empty() && wrong.iter().all(|pair| !pair.agrees), "{:?}", found.pairs);
        assert!(worst(&found) < 2.0, "{:?}", found.late);
        assert!(worst(&clocks(&lines, Way::Eigenvector, 1, 2)) < 2.0);
        assert!(worst(&clocks(&lines, Way::First, 1, 2)) > 20.0);
    }

    #[test]
    fn two_that_share_too_little_or_nothing_agree_with_nobody() {
        let mut two = lines(&[0, 7_500], &[0.05; 2], 7);
        let alone = clocks(&two, Way::Flow, 0, 1);
        assert_eq!(alone.late, [None, None, None]);
        two.truncate(2);
        two[1] = two[0].clone();
        let found = clocks(&two, Way::Flow, 0, 1);
        assert!(
            found.late[0] == Some(0.0) && found.late[1].unwrap().abs() < 1e-6 && found.pairs[0].alike > 0.99
        );
    }

    #[test]
    fn of_a_rhythm_nobody_knows_which_beat_is_which() {
        let beats = |from: usize| Line {
            numbers: (from..from + 8_000).map(|at| if at % 500 < 10 { 1.0 } else { 0.0 }).collect(),
            grain: 1.0,
        };
        let found = clocks(&[beats(0), beats(750)], Way::Flow, 0, 1);
        assert!(found.pairs[0].alike > 0.9 && found.pairs[0].distinct < RHYTHM, "{:?}", found.pairs);
        assert_eq!(found.late, [None, None]);
    }
}
