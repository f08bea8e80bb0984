//! Clocks: by how much recordings of one event started later than one another.
//!
//! Each pair of recordings tells a lag, where their lines of activity are most alike: their correlation in what both have, times the
//! root of how long that is, for chance is the more alike the shorter it is. A pair is sure where no other lag is half as good, where
//! it shares enough, and where both halves of that are alike; slow trends of pictures, which are alike at many lags, are taken away.
//!
//! Lags of sure pairs are angles of a circle that is twice as long as the longest recording, and all together are synchronised by
//! [`super::sync`], again and again: pairs weigh the less the further they are beside what was found, and what counts as beside halves
//! each time, down to what pairs can tell (graduated non-convexity: Yang, Antonante, Tzoumas and Carlone, IEEE Robot Autom Lett
//! 5:1127, 2020). A sine alone is drawn far too much by pairs that are wrong: a thousandth of the circle is milliseconds. What no sure
//! pair ties stays alone: a false tie is worse than a missing one.

use core::f64::consts::TAU;
use core::ops::Range;

use rustfft::num_complex::Complex64;

use super::activity::Line;
use super::shared::each;
use super::sync::{Differences, Lags, STEPS, highest, lag, turned};

/// The most recordings.
pub const MOST_RECORDINGS: usize = 64;
/// The most milliseconds of all recordings, each counted as long as the longest: their spectra take 32 bytes each.
pub const MOST_MILLISECONDS: usize = 1 << 24;
/// How many times as good as any other a lag is that is sure. Of 2000 pairs of unrelated smooth noise with 5 s in common the best was 1.97.
pub const DISTINCT: f64 = 2.0;
/// Milliseconds that two recordings share at least where a lag is compared ...
const COMPARED: usize = 1_000;
/// ... and where it is sure: of sound, and where one is of pictures.
pub const SHARED: [usize; 2] = [2_000, 5_000];
/// How alike the halves of what they share are at least, in parts of how alike the whole is: one bang is like any other.
const HALVES: f64 = 0.15;
/// The least power of what is compared, in parts of the whole's: silence is like any other.
const QUIET: f64 = 0.1;
/// Milliseconds within which a lag is the same, and how finely both tell beside that.
const SAME: f64 = 100.0;
/// Milliseconds, on each side, whose mean is taken from pictures.
const SLOW: usize = 500;
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
    /// The correlation of what both have there, 0 to 1.
    pub alike: f64,
    /// How many times as good as any other that lag is.
    pub distinct: f64,
    /// Milliseconds that both have there.
    pub shared: f64,
    /// Whether it is sure alone.
    pub sure: bool,
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
    for pair in &mut pairs {
        pair.agrees = pair.sure && near(pair);
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

/// A line to compare.
struct Heard {
    numbers: Vec<f32>,
    grain: f64,
    /// Sums of squares of all numbers before each.
    squares: Vec<f64>,
    spectrum: Vec<Complex64>,
}

impl Heard {
    fn of(line: &Line, lags: &Lags) -> Self {
        let away = if line.grain > 1.0 { SLOW } else { line.numbers.len() };
        let mut numbers = about_the_mean(&line.numbers, away);
        let running = |sum: &mut f64, x: &f32| {
            *sum += f64::from(x * x);
            Some(*sum)
        };
        let squares = core::iter::once(0.0).chain(numbers.iter().scan(0.0, running)).collect();
        let length = numbers.len();
        numbers.resize(lags.circle() / 2, 0.0);
        let spectrum = lags.spectrum(&numbers);
        numbers.truncate(length);
        Self { numbers, grain: line.grain, squares, spectrum }
    }

    /// Which of its numbers and of the other's are of one time, where it lies so many behind on the circle.
    fn shared(&self, other: &Self, at: usize, circle: usize) -> [Range<usize>; 2] {
        let (own, others) = if at <= circle / 2 { (at, 0) } else { (0, circle - at) };
        let (of_own, of_others) =
            (self.numbers.len().saturating_sub(own), other.numbers.len().saturating_sub(others));
        let length = of_own.min(of_others);
        [own..own + length, others..others + length]
    }

    /// What products of parts of both are at most; where both are quiet, more.
    fn scale(&self, other: &Self, [own, others]: &[Range<usize>; 2]) -> f64 {
        let least = |of: &Self| QUIET * of.power(&(0..of.numbers.len())) / of.numbers.len() as f64;
        let quiet = own.len() as f64 * (least(self) * least(other)).sqrt();
        (self.power(own) * other.power(others)).sqrt().max(quiet)
    }

    /// The correlation of parts of both.
    fn alike(&self, other: &Self, shared: [Range<usize>; 2]) -> f64 {
        let scale = self.scale(other, &shared);
        let [own, others] = shared;
        let numbers = self.numbers[own].iter().zip(&other.numbers[others]);
        let sum: f64 = numbers.map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
        if scale > 0.0 { sum / scale } else { 0.0 }
    }

    fn power(&self, part: &Range<usize>) -> f64 {
        if part.is_empty() { 0.0 } else { self.squares[part.end] - self.squares[part.start] }
    }

    /// What a pair tells.
    fn pair(&self, other: &Self, [own, others]: [usize; 2], lags: &Lags) -> Pair {
        let circle = lags.circle();
        let (mut score, _) = lags.products(&[(&self.spectrum, &other.spectrum)]);
        for (at, score) in score.iter_mut().enumerate() {
            let shared = self.shared(other, at, circle);
            let length = shared[0].len();
            let scale = self.scale(other, &shared);
            let compared = length >= COMPARED && scale > 0.0;
            *score = if compared { *score / scale * (length as f64).sqrt() } else { 0.0 };
        }
        let (at, peak) = highest(&score, |_| true);
        let apart = (SAME + self.grain + other.grain) as usize;
        let away = |place: usize| place.abs_diff(at).min(circle - place.abs_diff(at)) > apart;
        let distinct = peak / highest(&score, away).1.max(peak / 1_000.0).max(f64::MIN_POSITIVE);
        let shared = self.shared(other, at, circle);
        let alike = self.alike(other, shared.clone()).max(0.0);
        let length = shared[0].len();
        let half = |from: usize, to: usize| {
            self.alike(other, shared.clone().map(|part| part.start + from..part.start + to)) >= HALVES * alike
        };
        let least = SHARED[usize::from(self.grain.max(other.grain) > 1.0)];
        let sure = distinct >= DISTINCT
            && length >= least
            && alike > 0.0
            && half(0, length / 2)
            && half(length / 2, length);
        // What comes later in a recording was recorded by one that started earlier.
        Pair {
            one: own,
            other: others,
            late: -lag(&score, at),
            alike,
            distinct,
            shared: length as f64,
            sure,
            agrees: false,
        }
    }
}

/// What all pairs tell.
fn pairs(lines: &[Line], threads: usize) -> Vec<Pair> {
    let longest = lines.iter().map(|line| line.numbers.len()).max().unwrap_or_default();
    let lags = Lags::new(longest);
    let heard = each(lines, threads, |line| Heard::of(line, &lags));
    let all: Vec<[usize; 2]> =
        (0..lines.len()).flat_map(|one| (one + 1..lines.len()).map(move |other| [one, other])).collect();
    each(&all, threads, |[one, other]| heard[*one].pair(&heard[*other], [*one, *other], &lags))
}

/// Numbers from the mean of those that are so far away at most.
fn about_the_mean(numbers: &[f32], away: usize) -> Vec<f32> {
    let mut sums = vec![0.0];
    for x in numbers {
        sums.push(sums.last().copied().unwrap_or_default() + f64::from(*x));
    }
    let mean = |at: usize| {
        let (from, to) = (at.saturating_sub(away), (at + away + 1).min(numbers.len()));
        (sums[to] - sums[from]) / (to - from) as f64
    };
    numbers.iter().enumerate().map(|(at, x)| (f64::from(*x) - mean(at)) as f32).collect()
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
        for pair in pairs.iter().filter(|pair| pair.sure) {
            differences.tell(pair.one, pair.other, TAU * pair.late / circle, weight(pair));
        }
        differences
    };
    let worth = |pair: &Pair| pair.alike * pair.alike;
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
    fn who_hears_next_to_nothing_stays_alone_and_the_others_need_it_not() {
        let lines = lines(&STARTS, &[2.0, 0.4, 0.3, 0.3, 0.3, 0.3], 5);
        for way in [Way::Flow, Way::Eigenvector] {
            let found = clocks(&lines, way, 1, 2);
            let wrong = |pair: &&Pair| {
                let of = |at: usize| STARTS.get(at).map_or(f64::NAN, |start| *start as f64);
                (pair.late - (of(pair.one) - of(pair.other))).abs() > 20.0
            };
            let wrong: Vec<Pair> = found.pairs.iter().filter(wrong).copied().collect();
            assert!(!wrong.is_empty() && wrong.iter().all(|pair| !pair.agrees), "{:?}", found.pairs);
            assert_eq!([found.late[0], found.late[6]], [None, None]);
            for (start, late) in STARTS.iter().zip(&found.late).skip(1) {
                assert!((late.unwrap() - *start as f64).abs() < 2.0, "{:?}", found.late);
            }
        }
        assert!(clocks(&lines, Way::First, 1, 2).late.iter().all(Option::is_none));
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
        assert!(found.pairs[0].alike > 0.9 && found.pairs[0].distinct < DISTINCT, "{:?}", found.pairs);
        assert_eq!(found.late, [None, None]);
    }

    /// A line of so many milliseconds that is 1 for 20 ms from each of some on.
    fn bangs(at: &[usize], length: usize, grain: f64) -> Line {
        let loud = |now: usize| at.iter().any(|at| (*at..at + 20).contains(&now));
        Line { numbers: (0..length).map(|now| if loud(now) { 1.0 } else { 0.0 }).collect(), grain }
    }

    #[test]
    fn one_bang_is_like_any_other_and_so_is_silence() {
        let found = clocks(&[bangs(&[3_000], 8_000, 1.0), bangs(&[4_700], 8_000, 1.0)], Way::Flow, 0, 1);
        assert!(found.pairs[0].alike > 0.9 && found.pairs[0].distinct > DISTINCT, "{:?}", found.pairs);
        assert_eq!(found.late, [None, None]);
        // The one is silent at its end, the other at its beginning.
        let mut two = lines(&[0, 1_000], &[0.0; 2], 11);
        two.swap_remove(1);
        two[0].numbers.resize(16_000, 0.0);
        two[1].numbers.splice(0..0, vec![0.0; 8_000]);
        assert_eq!(clocks(&two, Way::Flow, 0, 1).late, [None, None]);
    }

    #[test]
    fn a_pair_is_sure_with_enough_in_common_and_pictures_without_their_slow_trend() {
        let late = |from: usize, grain: f64| {
            let all = [700, 1_900, 2_250, 3_400, 4_050, 5_300, 5_720, 6_900, 7_610];
            let other: Vec<usize> = all.iter().filter(|at| **at >= from).map(|at| at - from).collect();
            clocks(&[bangs(&all, 8_000, grain), bangs(&other, 8_000, grain)], Way::Flow, 0, 1).late[1]
        };
        let near = |late: Option<f64>, wanted: f64| late.is_some_and(|late| (late - wanted).abs() < 1.0);
        assert!(near(late(3_300, 1.0), 3_300.0) && near(late(2_200, 40.0), 2_200.0));
        assert_eq!((late(6_500, 1.0), late(3_300, 40.0)), (None, None));
        let slow = |length: usize| Line {
            numbers: (0..length).map(|at| libm::cosf(at as f32 / 1_500.0) + 1.0).collect(),
            grain: 40.0,
        };
        assert_eq!(clocks(&[slow(8_000), slow(7_000)], Way::Flow, 0, 1).late, [None, None]);
    }
}
