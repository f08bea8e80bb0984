//! Times of a stream: what its stamps leave out, the clock offsets, and the straight line through its jitter.
//!
//! As `pyxdf` does by default: the offsets of a clock are a line through their measurements, robust by Huber's
//! loss (Huber 1964, *Annals of Mathematical Statistics* 35:73) at 0.1 ms; a clock that was set anew begins a new
//! line. Then the stamps of a stream with a rate become the least-squares line over their number, between breaks.

/// Beyond this residual, in seconds, an offset's weight falls: its measurement was held up.
const HUBER_SECONDS: f64 = 1e-4;
/// The most rounds of reweighting; it ends when the line stands still.
const MAX_ROUNDS: usize = 1_000;
/// A clock was set anew where measurements are late by this much, in seconds and in deviations ...
const RESET_TIME: (f64, f64) = (5.0, 5.0);
/// ... and their value has jumped by this much.
const RESET_VALUE: (f64, f64) = (1.0, 10.0);
/// A step in time of more than this many seconds, and samples, is a break.
const BREAK: (f64, f64) = (1.0, 500.0);

/// The times of a stream's samples, one after another, on the recorder's clock.
#[derive(Clone, Debug)]
pub struct Stamps {
    /// The last stamp on the stream's own clock.
    last: f64,
    /// Seconds between samples that have no stamp of their own.
    period: f64,
    spans: Vec<Span>,
    /// The span in which the last stamp lies.
    span: usize,
}

/// Offsets between two settings of a clock: at `t`, `level + slope (t - centre)` is to be added.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    first: f64,
    last: f64,
    centre: f64,
    level: f64,
    slope: f64,
}

impl Stamps {
    /// The stamps of a stream of `rate` samples per second, its `offsets` in the order of the file.
    pub fn new(rate: f64, offsets: &[(f64, f64)]) -> Self {
        let period = if rate > 0.0 { 1.0 / rate } else { 0.0 };
        let spans = settings(offsets).map(Span::through).collect();
        Self { last: 0.0, period, spans, span: 0 }
    }

    /// Begins again at the first sample.
    pub fn restart(&mut self) {
        (self.last, self.span) = (0.0, 0);
    }

    /// The time of the next sample, whose own stamp, where it has one, is `stamp`.
    pub fn next(&mut self, stamp: Option<f64>) -> f64 {
        let time = stamp.unwrap_or(self.last + self.period);
        self.last = time;
        // The next setting begins with the first stamp that is nearer to it.
        while let Some(next) = self.spans.get(self.span + 1)
            && (time - self.spans[self.span].last).abs() >= (time - next.first).abs()
        {
            self.span += 1;
        }
        self.spans.get(self.span).map_or(time, |span| time + (span.level + span.slope * (time - span.centre)))
    }
}

impl Span {
    /// The line of least Huber loss through `offsets`, found by weights that fall with the residual.
    fn through(offsets: &[(f64, f64)]) -> Self {
        let mut span = Self {
            first: offsets.first().map_or(0.0, |o| o.0),
            last: offsets.last().map_or(0.0, |o| o.0),
            ..Self::default()
        };
        for round in 0..MAX_ROUNDS {
            let before = span;
            let weight = |&(time, value): &(f64, f64)| {
                let residual = (value - before.at(time)).abs();
                if round == 0 || residual <= HUBER_SECONDS { 1.0 } else { HUBER_SECONDS / residual }
            };
            let total: f64 = offsets.iter().map(weight).sum();
            let mean = |of: &dyn Fn(&(f64, f64)) -> f64| {
                offsets.iter().map(|offset| weight(offset) * of(offset)).sum::<f64>() / total
            };
            span.centre = mean(&|offset| offset.0);
            span.level = mean(&|offset| offset.1);
            let spread = mean(&|offset| (offset.0 - span.centre) * (offset.0 - span.centre));
            let tilt = mean(&|offset| (offset.0 - span.centre) * (offset.1 - span.level));
            span.slope = if spread > 0.0 { tilt / spread } else { 0.0 };
            let moved = |at: f64| (span.at(at) - before.at(at)).abs();
            if moved(span.first).max(moved(span.last)) < 1e-10 {
                break;
            }
        }
        span
    }

    fn at(&self, time: f64) -> f64 {
        self.level + self.slope * (time - self.centre)
    }
}

/// Parts of `offsets` between which the clock was set anew.
fn settings(offsets: &[(f64, f64)]) -> impl Iterator<Item = &[(f64, f64)]> {
    let steps = |of: fn(&(f64, f64)) -> f64| -> Vec<f64> {
        offsets.windows(2).map(|pair| of(&pair[1]) - of(&pair[0])).collect()
    };
    let times = steps(|offset| offset.0);
    let late = glitches(&times, RESET_TIME);
    let jumped = glitches(&steps(|offset| offset.1), RESET_VALUE);
    let anew = |n: usize| times[n] < 0.0 || late[n] && jumped[n];
    let mut bounds: Vec<usize> = (0..times.len()).filter(|&n| anew(n)).map(|n| n + 1).collect();
    bounds.insert(0, 0);
    bounds.push(offsets.len());
    let spans: Vec<_> = bounds.windows(2).map(|pair| &offsets[pair[0]..pair[1]]).collect();
    spans.into_iter().filter(|span| !span.is_empty())
}

/// Which of `steps` lie far from their median: in seconds, and in median absolute deviations.
fn glitches(steps: &[f64], (seconds, deviations): (f64, f64)) -> Vec<bool> {
    let middle = median(steps.to_vec());
    let spread = median(steps.iter().map(|step| (step - middle).abs()).collect()) + f64::EPSILON;
    let far = |step: &f64| (step - middle).abs() > seconds && (step - middle).abs() / spread > deviations;
    steps.iter().map(far).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    if values.is_empty() { 0.0 } else { f64::midpoint(values[low], values[high]) }
}

/// Samples without a break, the first of them number `from`: number `n` is at `start + period (n - from)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    pub from: u64,
    pub start: f64,
    pub period: f64,
}

impl Stretch {
    /// The time of sample `number` since `origin`.
    pub fn since(&self, origin: f64, number: u64) -> f64 {
        (self.start - origin) + self.period * number.saturating_sub(self.from) as f64
    }
}

/// Finds the stretches of a stream with a rate, stamp by stamp.
#[derive(Clone, Debug)]
pub struct Straightener {
    period: f64,
    longest_step: f64,
    stretches: Vec<Stretch>,
    count: u64,
    last: f64,
    sums: Sums,
}

/// Running means and moments of how far stamps lie from an even grid, which keeps the sums small.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    origin: f64,
    count: f64,
    mean_number: f64,
    mean_rest: f64,
    spread: f64,
    tilt: f64,
}

impl Straightener {
    /// For a stream of `rate` samples per second, above 0.
    pub fn new(rate: f64) -> Self {
        let period = 1.0 / rate;
        let longest_step = (BREAK.1 * period).max(BREAK.0);
        Self { period, longest_step, stretches: Vec::new(), count: 0, last: 0.0, sums: Sums::default() }
    }

    /// Takes the next stamp; whether it begins a stretch.
    pub fn push(&mut self, time: f64) -> bool {
        let begins = self.count == 0 || (time - self.last).abs() > self.longest_step;
        if begins {
            self.close();
            self.stretches.push(Stretch { from: self.count, start: time, period: self.period });
            self.sums = Sums { origin: time, ..Sums::default() };
        }
        let sums = &mut self.sums;
        let number = sums.count;
        let rest = time - (sums.origin + self.period * number);
        sums.count += 1.0;
        let (off_number, off_rest) = (number - sums.mean_number, rest - sums.mean_rest);
        sums.mean_number += off_number / sums.count;
        sums.mean_rest += off_rest / sums.count;
        sums.spread += off_number * (number - sums.mean_number);
        sums.tilt += off_number * (rest - sums.mean_rest);
        self.count += 1;
        self.last = time;
        begins
    }

    fn close(&mut self) {
        let sums = &self.sums;
        if let Some(stretch) = self.stretches.last_mut().filter(|_| sums.spread > 0.0) {
            let slope = sums.tilt / sums.spread;
            stretch.period = self.period + slope;
            stretch.start = sums.origin + (sums.mean_rest - slope * sums.mean_number);
        }
    }

    /// All stretches.
    pub fn finish(mut self) -> Vec<Stretch> {
        self.close();
        self.stretches
    }
}
