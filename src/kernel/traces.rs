//! What damped oscillators hold of past events, kept cell by cell in closed form, and a line through it; real-time code.
//!
//! ```text
//! y_k(t + n) = y_k(t) E_k(n)                         E_k(n) = e^{(-γ_k + i ω_k) n h}
//! x_k(t + n) = (x_k(t) + γ_k n h y_k(t)) E_k(n)      the second of two equal stages: it rises before it falls
//! an event a:  y_k += a
//! reading:     p = Σ_k w_k x_k
//! learning:    w_k += η (a - p) x̄_k / (ε |a|² + Σ_j |x_j|²)
//! ```
//!
//! A cell costs nothing while nothing happens in it: both stages are brought up to date when an event comes.
//!
//! Sources: the closed form is that of a two-stage gamma filter (de Vries and Principe, Neural Networks 5, 1992) with a
//! complex pole; the rule is the normalised form of the complex least mean squares (Widrow, `McCool` and Ball, Proc. IEEE 63,
//! 1975).

/// Traces of a cell.
pub const TRACES: usize = 8;
/// Numbers of a cell: real and imaginary parts of `y`, `x` and `w`.
pub const CELL: usize = 6 * TRACES;
/// Ticks that the fine table spans, and steps of that many that the coarse one does.
const SPAN: usize = 128;
/// Ticks after which nothing is held any more.
const LONGEST: u64 = (SPAN * SPAN) as u64;
/// A factor below this is 0.
const LEAST: f64 = 1e-9;

type Lanes = [f32; TRACES];
type Complex = [Lanes; 2];

/// How traces fade and turn.
#[derive(Clone, Debug)]
pub struct Ladder {
    fine: Vec<Complex>,
    coarse: Vec<Complex>,
    /// γ in 1/tick.
    gamma: Lanes,
    /// 1 where a trace is in use, else 0.
    used: Lanes,
}

impl Ladder {
    /// For traces with these (γ, ω) in radians a tick; the first eight are taken, and what is missing holds nothing.
    #[must_use]
    pub fn new(rates: &[(f64, f64)]) -> Self {
        let factor = |ticks: f64| {
            let mut out = [[0.0; TRACES]; 2];
            for (k, (gamma, omega)) in rates.iter().take(TRACES).enumerate() {
                let size = libm::exp(-gamma * ticks);
                let cycles = omega * ticks / core::f64::consts::TAU;
                let (sin, cos) = libm::sincos(core::f64::consts::TAU * (cycles - libm::floor(cycles)));
                if size > LEAST {
                    out[0][k] = (size * cos) as f32;
                    out[1][k] = (size * sin) as f32;
                }
            }
            out
        };
        let (mut gamma, mut used) = ([0.0; TRACES], [0.0; TRACES]);
        for (k, (rate, _)) in rates.iter().take(TRACES).enumerate() {
            gamma[k] = *rate as f32;
            used[k] = 1.0;
        }
        let table = |step: usize| (0..SPAN).map(|n| factor((n * step) as f64)).collect();
        Self { fine: table(1), coarse: table(SPAN), gamma, used }
    }

    /// Brings a cell's traces `ticks` further.
    ///
    /// # Panics
    /// Where the cell has fewer than [`CELL`] numbers.
    pub fn advance(&self, cell: &mut [f32], ticks: u64) {
        if ticks == 0 {
            return;
        }
        let (y, x) = cell[..4 * TRACES].split_at_mut(2 * TRACES);
        if ticks >= LONGEST {
            y.fill(0.0);
            x.fill(0.0);
            return;
        }
        let ticks = ticks as usize;
        let (fine, coarse) = (&self.fine[ticks % SPAN], &self.coarse[ticks / SPAN]);
        let elapsed = ticks as f32;
        for k in 0..TRACES {
            let re = fine[0][k] * coarse[0][k] - fine[1][k] * coarse[1][k];
            let im = fine[0][k] * coarse[1][k] + fine[1][k] * coarse[0][k];
            let rise = self.gamma[k] * elapsed;
            let (y_re, y_im) = (y[k], y[TRACES + k]);
            let (x_re, x_im) = (x[k] + rise * y_re, x[TRACES + k] + rise * y_im);
            y[k] = flushed(y_re * re - y_im * im);
            y[TRACES + k] = flushed(y_re * im + y_im * re);
            x[k] = flushed(x_re * re - x_im * im);
            x[TRACES + k] = flushed(x_re * im + x_im * re);
        }
    }

    /// Adds an event to a cell's first stages.
    ///
    /// # Panics
    /// Where the cell has fewer than [`CELL`] numbers.
    pub fn enter(&self, cell: &mut [f32], event: [f32; 2]) {
        for (part, value) in cell[..2 * TRACES].chunks_exact_mut(TRACES).zip(event) {
            for (own, used) in part.iter_mut().zip(self.used) {
                *own += used * value;
            }
        }
    }
}

/// Values too small to matter are 0: below, numbers lose their digits and processors their speed.
fn flushed(value: f32) -> f32 {
    if value.abs() < 1e-15 { 0.0 } else { value }
}

/// What a cell expects now: `Σ w x`, real and imaginary part.
///
/// # Panics
/// Where the cell has fewer than [`CELL`] numbers.
#[must_use]
pub fn read(cell: &[f32]) -> [f32; 2] {
    let (x, w) = cell[2 * TRACES..CELL].split_at(2 * TRACES);
    let mut out = [0.0; 2];
    for k in 0..TRACES {
        let ((x_re, x_im), (w_re, w_im)) = ((x[k], x[TRACES + k]), (w[k], w[TRACES + k]));
        out[0] += w_re * x_re - w_im * x_im;
        out[1] += w_re * x_im + w_im * x_re;
    }
    out
}

/// Moves a cell's weights by `rate` of the way on which `wrong`, what came less what was expected, is put right; `floor`
/// keeps what is hardly remembered from deciding.
///
/// # Panics
/// Where the cell has fewer than [`CELL`] numbers.
pub fn learn(cell: &mut [f32], wrong: [f32; 2], rate: f32, floor: f32) {
    let (x, w) = cell[2 * TRACES..CELL].split_at_mut(2 * TRACES);
    let power: f32 = x.iter().map(|x| x * x).sum();
    let step = rate / (floor + power).max(f32::MIN_POSITIVE);
    for k in 0..TRACES {
        let (x_re, x_im) = (x[k], x[TRACES + k]);
        w[k] += step * (wrong[0] * x_re + wrong[1] * x_im);
        w[TRACES + k] += step * (wrong[1] * x_re - wrong[0] * x_im);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder(turns: f64) -> Ladder {
        let rates: Vec<(f64, f64)> = (0..TRACES)
            .map(|k| {
                let omega = core::f64::consts::TAU * 0.75e-3 * libm::exp2(k as f64);
                (omega / 3.0, turns * omega)
            })
            .collect();
        Ladder::new(&rates)
    }

    #[test]
    fn one_long_step_is_many_short_ones() {
        let ladder = ladder(1.0);
        for ticks in [1_u64, 7, 127, 128, 300, 2_000] {
            let (mut one, mut many) = ([0.0; CELL], [0.0; CELL]);
            ladder.enter(&mut one, [2.0, -1.0]);
            ladder.enter(&mut many, [2.0, -1.0]);
            ladder.advance(&mut one, ticks);
            for _ in 0..ticks {
                ladder.advance(&mut many, 1);
            }
            for (one, many) in one.iter().zip(&many) {
                assert!((one - many).abs() < 2e-4, "{ticks}: {one} {many}");
            }
        }
    }

    #[test]
    fn the_second_stage_peaks_one_time_constant_after_an_event_and_then_all_is_forgotten() {
        let ladder = ladder(0.0);
        let size = |ticks: u64| {
            let mut cell = [0.0; CELL];
            ladder.enter(&mut cell, [1.0, 0.0]);
            ladder.advance(&mut cell, ticks);
            cell[2 * TRACES]
        };
        // 1/γ of the slowest is 637 ticks; a peak of 1/e.
        assert!((size(637) - 0.367_88).abs() < 1e-3 && size(0).to_bits() == 0);
        assert!(size(500) < size(637) && size(800) < size(637));
        assert!(size(LONGEST).to_bits() == 0 && size(u64::MAX).to_bits() == 0);
    }

    #[test]
    fn a_rhythm_is_learnt_to_the_bound_of_the_numbers_and_only_where_it_turns_in_its_time() {
        let expected = |turns: f64, after: u64| {
            let ladder = ladder(turns);
            let mut cell = [0.0; CELL];
            for _ in 0..300 {
                ladder.advance(&mut cell, 500);
                let [re, im] = read(&cell);
                learn(&mut cell, [3.0 - re, -im], 0.2, 0.05 * 9.0);
                ladder.enter(&mut cell, [3.0, 0.0]);
            }
            ladder.advance(&mut cell, after);
            read(&cell)[0] / 3.0
        };
        assert!((expected(1.0, 500) - 1.0).abs() < 1e-3, "{}", expected(1.0, 500));
        assert!(expected(1.0, 250) < 0.3 && expected(1.0, 750).abs() < 0.3, "in time");
        assert!((expected(0.0, 500) - 1.0).abs() < 1e-3);
        assert!(expected(0.0, 250) > 0.7, "without turning, too early is as good: {}", expected(0.0, 250));
    }

    #[test]
    fn what_is_missing_holds_nothing() {
        let ladder = Ladder::new(&[(0.01, 0.1)]);
        let mut cell = [0.0; CELL];
        ladder.enter(&mut cell, [1.0, 1.0]);
        ladder.advance(&mut cell, 20);
        let held = cell.iter().filter(|value| **value != 0.0).count();
        assert_eq!(held, 4);
    }
}
