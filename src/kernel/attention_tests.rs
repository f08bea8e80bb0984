//! Attention against the textbook's sums, and against itself on other instructions and threads.

use super::*;
use crate::kernel::shortlist::nearest;
use crate::random::Stream;

const DIMS: usize = 11;
const WIDTH: usize = 19;

struct Fixture {
    keys: Vec<f32>,
    values: Vec<f32>,
    laws: Vec<Law>,
    asked: Vec<Each>,
    precisions: Vec<Each>,
    open: Vec<Each>,
}

impl Fixture {
    fn new(rows: usize, blocks: usize) -> Self {
        let mut draws = Stream::new(9, 0);
        let mut many = |n: usize| (0..n).map(|_| draws.normal() as f32).collect::<Vec<f32>>();
        let law =
            |x: &[f32]| Law { square: 0.1 * x[0], line: x[1], fixed: x[2], slope: 0.3 * x[3], level: x[4] };
        let (keys, values) = (many(rows * DIMS), many(rows * WIDTH));
        let laws = many(5 * rows).chunks(5).map(law).collect();
        let mut each = |n: usize| many(n * QUERIES).as_chunks::<QUERIES>().0.to_vec();
        let asked = each(blocks * DIMS);
        let square = |each: &Each| each.map(|x| if x > 1.0 { 0.0 } else { x * x });
        let precisions: Vec<Each> = each(blocks * DIMS).iter().map(square).collect();
        let sums = precisions
            .chunks(DIMS)
            .map(|parts| std::array::from_fn(|lane| 1.0 / parts.iter().map(|part| part[lane]).sum::<f32>()));
        let open = sums.collect();
        Self { keys, values, laws, asked, precisions, open }
    }

    fn bank(&self) -> Bank<'_> {
        let (keys, values, laws) = (&self.keys, &self.values, &self.laws);
        Bank { keys, dims: DIMS, values, width: WIDTH, laws }
    }

    fn weighted(&self) -> Weighted<'_> {
        Weighted { precisions: &self.precisions, open: &self.open }
    }

    /// The first half of the numbers of keys and queries.
    fn looks(&self) -> Halves {
        let keys = self.keys.chunks(DIMS).flat_map(|key| key[..DIMS / 2].to_vec()).collect();
        Halves { keys, asked: self.asked.chunks(DIMS).flat_map(|asked| asked[..DIMS / 2].to_vec()).collect() }
    }

    /// The textbook's sums in double precision: values, then the offset.
    fn reference(&self, block: usize, lane: usize, weighted: bool) -> Vec<f64> {
        let part = |of: &[Each], at: usize| f64::from(of[block * DIMS + at][lane]);
        let answers = self.laws.iter().enumerate().map(|(row, law)| {
            let key = |at: usize| f64::from(self.keys[row * DIMS + at]);
            let s: f64 = (0..DIMS).map(|at| part(&self.asked, at) * key(at)).sum();
            let [square, line, fixed, slope, level] =
                [law.square, law.line, law.fixed, law.slope, law.level].map(f64::from);
            if !weighted {
                return ((square * s + line) * s + fixed, slope * s + level, 0.0);
            }
            let w = |at: usize| part(&self.precisions, at);
            let apart: f64 = (0..DIMS).map(|at| part(&self.asked, at) - w(at) * key(at)).sum();
            let squares: f64 = (0..DIMS).map(|at| w(at) * key(at) * key(at)).sum();
            let offset = apart * f64::from(self.open[block][lane]);
            (s - 0.5 * squares + 0.5 * apart * offset + fixed, 1.0, offset)
        });
        let answers: Vec<(f64, f64, f64)> = answers.collect();
        let peak = answers.iter().map(|a| a.0).fold(f64::MIN, f64::max);
        let norm: f64 = answers.iter().map(|a| (a.0 - peak).exp()).sum();
        let mean = |of: &dyn Fn(usize) -> f64| {
            answers.iter().enumerate().map(|(row, a)| (a.0 - peak).exp() * of(row)).sum::<f64>() / norm
        };
        let value = |at: usize| move |row: usize| f64::from(self.values[row * WIDTH + at]);
        let mut out: Vec<f64> = (0..WIDTH).map(|at| mean(&|row| answers[row].1 * value(at)(row))).collect();
        out.push(mean(&|row| answers[row].2));
        out
    }
}

struct Halves {
    keys: Vec<f32>,
    asked: Vec<Each>,
}

impl Halves {
    fn coarse(&self, reach: f32) -> Coarse<'_> {
        Coarse { keys: &self.keys, dims: DIMS / 2, asked: &self.asked, reach }
    }
}

#[test]
fn attention_is_the_weighted_mean_of_the_textbook() {
    for rows in [1, 7, 128, 301] {
        let fixture = Fixture::new(rows, 2);
        for weighted in [false, true] {
            let w = fixture.weighted();
            let found = attend(&fixture.bank(), &fixture.asked, weighted.then_some(&w), 1);
            for (block, lane) in [(0, 0), (0, 31), (1, 17)] {
                let expected = fixture.reference(block, lane, weighted);
                let norm = found.norms[block][lane];
                let of = |at: usize| match found.values.get(block * WIDTH + at) {
                    Some(each) if at < WIDTH => each[lane] / norm,
                    _ => found.offsets[block][lane] / norm,
                };
                for (at, expected) in expected.iter().enumerate() {
                    let apart = (f64::from(of(at)) - expected).abs();
                    assert!(apart < 2e-4, "{rows} rows, {weighted}, {at}: {apart}");
                }
            }
        }
    }
}

#[test]
fn instructions_and_threads_never_change_a_bit() {
    let fixture = Fixture::new(301, 5);
    let looks = fixture.looks();
    for how in [How::Alike, How::Weighted(fixture.weighted()), How::Near(looks.coarse(2.0))] {
        let read = |with, threads| {
            let asked = &fixture.asked;
            let answer = attend_with(with, &fixture.bank(), asked, how, threads);
            let all = [answer.values, answer.norms, answer.peaks, answer.offsets].concat();
            all.into_iter().flatten().map(f32::to_bits).collect::<Vec<u32>>()
        };
        let first = read(Instructions::best(), 1);
        for with in Instructions::all() {
            for threads in [1, 2, 3, 9] {
                assert!(read(with, threads) == first, "{} on {threads}", with.name());
            }
        }
    }
}

#[test]
fn rows_beyond_reach_count_as_nothing_and_with_all_in_reach_all_is_read() {
    let fixture = Fixture::new(301, 3);
    let looks = fixture.looks();
    let all = attend(&fixture.bank(), &fixture.asked, None, 1);
    let whole = attend_near(&fixture.bank(), &fixture.asked, &looks.coarse(1e6), 2);
    assert!(all.values == whole.values && all.norms == whole.norms && all.peaks == whole.peaks);
    // What is left out weighs at most so much: the looks here are the keys' own first numbers.
    let near = attend_near(&fixture.bank(), &fixture.asked, &looks.coarse(1e-3), 2);
    assert!(near.norms != all.norms);
    let sums = |answer: &Answer| answer.norms.iter().flatten().sum::<f32>();
    assert!(sums(&near) < 0.9 * sums(&all), "{} of {}", sums(&near), sums(&all));
}

#[test]
fn a_row_is_near_where_one_query_of_the_block_finds_it_so() {
    // One number each: the look is the key. The logit is the product, and what is read the key.
    let keys: Vec<f32> = (0..200).map(|row| row as f32).collect();
    let law = Law { square: 0.0, line: 1.0, fixed: 0.0, slope: 0.0, level: 1.0 };
    let laws = vec![law; keys.len()];
    let bank = Bank { keys: &keys, dims: 1, values: &keys, width: 1, laws: &laws };
    let mut asked = [[1.0; QUERIES]];
    asked[0][7] = -1.0;
    let coarse = Coarse { keys: &keys, dims: 1, asked: &asked, reach: 2.5 };
    let answer = attend_near(&bank, &asked, &coarse, 1);
    // Near are 0, 1, 2 by one query, 197, 198, 199 by the others; every query reads all six.
    let sum = |lane: usize| -> f32 {
        [0.0f32, 1.0, 2.0, 197.0, 198.0, 199.0]
            .iter()
            .map(|s| (asked[0][lane] * s - answer.peaks[0][lane]).exp())
            .sum()
    };
    for lane in [0, 7, 31] {
        assert!((answer.norms[0][lane] - sum(lane)).abs() < 1e-4, "{} {}", answer.norms[0][lane], sum(lane));
    }
    assert!((answer.values[0][7] / answer.norms[0][7] - 0.424_7).abs() < 1e-2);
}

#[test]
#[should_panic(expected = "coarse.fits")]
fn looks_at_other_rows_are_refused() {
    let fixture = Fixture::new(8, 1);
    let coarse = Coarse { keys: &fixture.keys[..7], dims: 1, asked: &fixture.asked[..1], reach: 1.0 };
    let _ = attend_near(&fixture.bank(), &fixture.asked, &coarse, 1);
}

#[test]
fn the_nearest_row_is_found_with_its_distance() {
    let fixture = Fixture::new(301, 2);
    let found = nearest(&fixture.keys, DIMS, &fixture.asked);
    for (block, (rows, apart)) in found.iter().enumerate() {
        for lane in 0..QUERIES {
            let square = |row: usize| -> f32 {
                let of = |at: usize| fixture.asked[block * DIMS + at][lane] - fixture.keys[row * DIMS + at];
                (0..DIMS).map(|at| of(at) * of(at)).sum()
            };
            let best = (0..301).min_by(|a, b| square(*a).total_cmp(&square(*b))).unwrap();
            assert_eq!(rows[lane] as usize, best);
            assert!((apart[lane] - square(best)).abs() < 1e-4);
        }
    }
}

#[test]
#[should_panic(expected = "at least one row")]
fn a_memory_without_rows_is_refused() {
    let bank = Bank { keys: &[], dims: 1, values: &[], width: 1, laws: &[] };
    let _ = attend(&bank, &[[0.0; QUERIES]], None, 1);
}
