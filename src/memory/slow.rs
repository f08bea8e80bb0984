//! The slow memory: what repeats is expected and its bursts fade, what deviates brings them back; real-time code.
//!
//! A cell (a site of an eye, a channel of an ear or of a scalar sense) keeps a trace for each of the array's bands: what
//! the band would hold of the cell's bursts without noise, cascade and neighbours. A trace turns and fades with its band,
//! so all together they tell how long ago things happened, the more finely the shorter ago. A line through them expects
//! the next drive:
//!
//! ```text
//! a    = Σ sign m e^{iφ}                     the drive of a cell's bursts in this tick, in thresholds
//! A    = Σ a                                 of a volley: the bursts of a cell that follow its first within 16 ms
//! P    = Σ_b w_b x_b                         expected of a volley, from the traces as it begins
//! ρ    = 1 - Re(r ā) / |a|²  in [0, 2]       left of each burst, r = P less what of it was met: m' = ρ m; below 1/2 none
//! w_b += η (A - P) x̄_b / (0.05 |A|² + Σ |x|²)     once a volley is over, where R ≥ `coherence`
//! x_b  ← x_b + A through two stages at band b's own γ and ω (`kernel::traces`)
//! R    = |Σ u| / Σ |u|                       over the 3 x 3 sites around it, fastest band, after a step that it drove;
//!                                            the largest of a volley
//! ```
//!
//! | symbol | default | unit | meaning |
//! |---|---|---|---|
//! | η | 0.2 | - | share of an error that is put right each time |
//! | `coherence` | 0.5 | - | phase coherence below which nothing is learnt: a lone burst of noise is not |
//!
//! The rule is local: a cell knows its own bursts and the field around it. It learns when a burst comes and only then:
//! silence teaches nothing, and an expected burst that stays away raises none. What came more than some 2 s before decides
//! nothing, because the slowest band has forgotten it. Sustained drive is not expected and not touched.
//!
//! Sources: Rao and Ballard, Nat Neurosci 2:79 (1999), what is expected is taken away; Payeur et al., Nat Neurosci 24:1010
//! (2021), plasticity gated by bursts; Widrow and Hoff 1960, the delta rule. Bands of many time scales as the representation
//! of elapsed time: Ludvig, Sutton and Kehoe, Neural Computation 20:3034 (2008).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::array::ArrayParameters;
use crate::error::{Error, Result};
use crate::kernel::archive::Archive;
use crate::kernel::traces::{CELL, Ladder, TRACES, learn, read};
use crate::signal::{ArrayId, Burst, FieldView, SheetShape};
use crate::time::{TICKS_PER_SECOND, Tick};

/// Share of a burst's own power below which what is remembered decides little.
const FLOOR: f32 = 0.05;
/// The part of a threshold that must be left of a burst.
const LEAST: f32 = 0.5;
/// The most that is left of a burst whose contrary was expected.
const MOST_LEFT: f32 = 2.0;
/// Magnitudes beyond count as this much.
const LARGEST: f32 = 32.0;
/// Ticks of a volley: bursts of a cell that lie closer to its first are one event (1 / 64 Hz, as the cochlea has it).
const VOLLEY: u64 = 16;
/// No place among this tick's cells.
const NOWHERE: u32 = u32::MAX;

/// The slow memory's parameters; see the head of the file for what each does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LearningParameters {
    /// Whether arrays learn to expect their bursts; off, nothing of it is there.
    pub enabled: bool,
    /// Share of an error that is put right each time; 0 to 1. At 0 nothing is learnt, and what was learnt stays.
    pub rate: f64,
    /// Phase coherence of a burst's neighbourhood below which nothing is learnt; 0 to 1. At 0 every burst teaches.
    pub coherence: f64,
    /// Whether traces turn with their bands, which is how they tell time. Without, they only fade.
    pub oscillates: bool,
}

impl Default for LearningParameters {
    fn default() -> Self {
        Self { enabled: false, rate: 0.2, coherence: 0.5, oscillates: true }
    }
}

impl LearningParameters {
    /// Checks every bound.
    ///
    /// # Errors
    /// Names the key (under `learning.`), the value and the bound.
    pub fn check(&self) -> Result<()> {
        for (key, value) in [("rate", self.rate), ("coherence", self.coherence)] {
            if !(0.0..=1.0).contains(&value) {
                let error = Error::configuration(format!("learning.{key}"), "the value is out of bounds");
                return Err(error.value(value).bound("0 to 1"));
            }
        }
        Ok(())
    }
}

/// A cell that something happened in this tick.
#[derive(Clone, Copy, Debug)]
struct Struck {
    cell: u32,
    /// Where its largest burst fell.
    site: u32,
    largest: f32,
    drive: [f32; 2],
    /// Share of its bursts that is left.
    left: f32,
}

/// The newest volley of a cell.
#[derive(Clone, Copy, Debug, Default)]
struct Volley {
    /// The tick of its first burst.
    begun: u64,
    /// The drive that came.
    came: [f32; 2],
    /// The drive that was expected as it began.
    expected: [f32; 2],
    /// What of that has not come yet.
    open: [f32; 2],
    /// The largest coherence around its bursts.
    coherence: f32,
}

/// What was explained away in a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Explained {
    /// Bursts that were not raised.
    pub bursts: u32,
    /// Bits that they, and the parts of others, would have cost.
    pub bits: f32,
}

/// The slow memory of one array.
#[derive(Clone, Debug)]
pub struct SlowMemory {
    array: ArrayId,
    rate: f32,
    coherence: f32,
    ladder: Ladder,
    shape: SheetShape,
    /// Sites of a cell.
    span: usize,
    // State.
    cells: Vec<f32>,
    volleys: Vec<Volley>,
    // Scratch.
    places: Vec<u32>,
    struck: Vec<Struck>,
}

impl SlowMemory {
    /// A memory that expects nothing, for a sheet of `shape` whose cells are `span` sites that follow each other: 1 for an
    /// eye, a row for channels. Allocates all that it will need.
    #[must_use]
    pub fn new(
        parameters: &LearningParameters,
        array: &ArrayParameters,
        id: ArrayId,
        shape: SheetShape,
        span: usize,
    ) -> Self {
        let rates: Vec<(f64, f64)> = (0..shape.bands.min(TRACES))
            .map(|band| {
                let turns = if parameters.oscillates { array.centre(band).radians_per_second() } else { 0.0 };
                (array.gamma(band) / TICKS_PER_SECOND as f64, turns / TICKS_PER_SECOND as f64)
            })
            .collect();
        let span = span.max(1);
        let count = shape.sites().div_ceil(span);
        Self {
            array: id,
            rate: parameters.rate as f32,
            coherence: parameters.coherence as f32,
            ladder: Ladder::new(&rates),
            shape,
            span,
            cells: vec![0.0; count * CELL],
            volleys: vec![Volley::default(); count],
            places: vec![NOWHERE; count],
            struck: Vec::with_capacity(count),
        }
    }

    /// Bytes that the memory of a sheet takes whose cells are `span` sites.
    #[must_use]
    pub fn bytes_of(shape: SheetShape, span: usize) -> u64 {
        let of_cell = CELL * size_of::<f32>() + size_of::<(Volley, u32, Struck)>();
        (shape.sites().div_ceil(span.max(1)) * of_cell) as u64
    }

    /// Goes on learning at another rate.
    pub fn set_rate(&mut self, rate: f64) {
        self.rate = rate as f32;
    }

    /// Takes from a tick's bursts what was expected; one of which nothing is left has magnitude 0 afterwards. Those of other
    /// arrays, and what is not finite or lies beyond the sheet, are left alone. Call [`Self::learn`] after the array's step. Allocates nothing.
    pub fn explain(&mut self, tick: Tick, bursts: &mut [Burst]) -> Explained {
        self.struck.clear();
        for burst in &*bursts {
            self.gather(burst);
        }
        for at in 0..self.struck.len() {
            let struck = self.struck[at];
            self.struck[at].left = self.meet(tick, struck.cell as usize, struck.drive);
        }
        let mut explained = Explained::default();
        for burst in bursts {
            let Some(cell) = self.cell_of(burst) else { continue };
            let left = self.struck[self.places[cell] as usize].left;
            let bits = burst.surprisal_bits;
            burst.magnitude *= left;
            burst.surprisal_bits *= left.min(1.0);
            // What was small already, a light touch, stays.
            if left < 1.0 && burst.magnitude < LEAST {
                burst.magnitude = 0.0;
                burst.surprisal_bits = 0.0;
                explained.bursts += 1;
            }
            explained.bits += bits - burst.surprisal_bits;
        }
        explained
    }

    /// Looks how coherent the field is around this tick's bursts, after the array's step: it learns by that once their volley
    /// is over. Allocates nothing.
    pub fn learn(&mut self, field: &FieldView<'_>) {
        let plane = field.band(self.shape.bands - 1);
        for struck in &self.struck {
            self.places[struck.cell as usize] = NOWHERE;
            let volley = &mut self.volleys[struck.cell as usize];
            volley.coherence =
                volley.coherence.max(coherence_around(plane, self.shape, struck.site as usize));
        }
        self.struck.clear();
    }

    /// Holds what came to a cell against what it expected; the share that is left.
    fn meet(&mut self, tick: Tick, at: usize, drive: [f32; 2]) -> f32 {
        let cell = &mut self.cells[at * CELL..(at + 1) * CELL];
        let volley = &mut self.volleys[at];
        let since = tick.0.saturating_sub(volley.begun);
        if since >= VOLLEY || volley.came.iter().all(|part| *part == 0.0) {
            let ([re, im], [p_re, p_im]) = (volley.came, volley.expected);
            if self.rate > 0.0 && volley.coherence >= self.coherence {
                learn(cell, [re - p_re, im - p_im], self.rate, FLOOR * (re * re + im * im));
            }
            self.ladder.enter(cell, volley.came);
            self.ladder.advance(cell, since);
            let expected = read(cell);
            *volley = Volley { begun: tick.0, came: [0.0; 2], expected, open: expected, coherence: 0.0 };
        }
        let ([re, im], [open_re, open_im]) = (drive, volley.open);
        let power = re * re + im * im;
        // Bursts that cancel each other drive nothing.
        let left = if power > LEAST * LEAST {
            (1.0 - (open_re * re + open_im * im) / power).clamp(0.0, MOST_LEFT)
        } else {
            1.0
        };
        volley.open = [open_re - (1.0 - left) * re, open_im - (1.0 - left) * im];
        volley.came = [volley.came[0] + re, volley.came[1] + im];
        left
    }

    /// Hands all that it remembers to `archive`.
    pub fn archive(&mut self, archive: &mut impl Archive) {
        archive.numbers(&mut self.cells);
        for volley in &mut self.volleys {
            archive.count(&mut volley.begun);
            archive.numbers(&mut volley.came);
            archive.numbers(&mut volley.expected);
            archive.numbers(&mut volley.open);
            archive.number(&mut volley.coherence);
        }
    }

    /// The cell of a burst; `None` where it is not finite, beyond the sheet or another array's.
    fn cell_of(&self, burst: &Burst) -> Option<usize> {
        let site = burst.site as usize;
        let sound = burst.magnitude.is_finite() && burst.phase.is_finite() && site < self.shape.sites();
        (sound && burst.array == self.array).then(|| site / self.span)
    }

    fn gather(&mut self, burst: &Burst) {
        let Some(cell) = self.cell_of(burst) else { return };
        if self.places[cell] == NOWHERE {
            self.places[cell] = self.struck.len() as u32;
            let (cell, site) = (cell as u32, burst.site);
            self.struck.push(Struck { cell, site, largest: 0.0, drive: [0.0; 2], left: 1.0 });
        }
        let struck = &mut self.struck[self.places[cell] as usize];
        let size = burst.magnitude.min(LARGEST);
        if size > struck.largest {
            (struck.largest, struck.site) = (size, burst.site);
        }
        // Bursts without a hue are the most of them.
        let (sin, cos) = if burst.phase == 0.0 { (0.0, 1.0) } else { libm::sincosf(burst.phase) };
        struck.drive[0] += burst.sign.factor() * size * cos;
        struck.drive[1] += burst.sign.factor() * size * sin;
    }
}

/// `|Σ u| / Σ |u|` over the sites around one, as far as the sheet reaches.
fn coherence_around((re, im): (&[f32], &[f32]), shape: SheetShape, site: usize) -> f32 {
    let (row, column) = (site / shape.width, site % shape.width);
    let (mut sum, mut sizes) = ([0.0; 2], 0.0);
    for y in row.saturating_sub(1)..=(row + 1).min(shape.height - 1) {
        for x in column.saturating_sub(1)..=(column + 1).min(shape.width - 1) {
            let (re, im) = (re[y * shape.width + x], im[y * shape.width + x]);
            sum[0] += re;
            sum[1] += im;
            sizes += (re * re + im * im).sqrt();
        }
    }
    if sizes > 0.0 { (sum[0] * sum[0] + sum[1] * sum[1]).sqrt() / sizes } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;
    use crate::kernel::archive::{Keeping, Taking};
    use crate::signal::Sign;

    const SHAPE: SheetShape = SheetShape { height: 4, width: 4, bands: 8 };

    fn memory(change: impl FnOnce(&mut LearningParameters)) -> SlowMemory {
        let mut parameters = LearningParameters { enabled: true, ..Default::default() };
        change(&mut parameters);
        SlowMemory::new(&parameters, &ArrayParameters::default(), ArrayId(1), SHAPE, 1)
    }

    fn burst(site: u32, sign: Sign, phase: f32, magnitude: f32) -> Burst {
        let time = Tick(0).start();
        Burst { time, array: ArrayId(1), site, sign, phase, magnitude, surprisal_bits: 6.0 }
    }

    /// Plays bursts at a tick in a field whose phases agree, or go round; what is left of their magnitudes.
    fn play(memory: &mut SlowMemory, tick: u64, bursts: &[Burst], coherent: bool) -> (Vec<f32>, Explained) {
        let turn =
            |site: usize| core::f32::consts::TAU * site as f32 / 4.0 * if coherent { 0.0 } else { 1.0 };
        let of = |part: fn(f32) -> f32| {
            Array3::from_shape_fn((8, 4, 4), |(_, row, column)| part(turn(row + 2 * column)))
        };
        let (re, im) = (of(libm::cosf), of(libm::sinf));
        let mut bursts = bursts.to_vec();
        let explained = memory.explain(Tick(tick), &mut bursts);
        memory.learn(&FieldView::still(re.view(), im.view()));
        (bursts.iter().map(|burst| burst.magnitude).collect(), explained)
    }

    fn taught(memory: &mut SlowMemory, every: u64, coherent: bool) -> u64 {
        for trial in 0..100 {
            let tick = trial * every;
            let on = [burst(5, Sign::On, 0.0, 4.0), burst(6, Sign::On, 2.0, 2.0)];
            play(memory, tick, &on, coherent);
            play(memory, tick + 50, &[burst(5, Sign::Off, 0.0, 3.0)], coherent);
        }
        100 * every
    }

    #[test]
    fn what_repeats_fades_and_what_deviates_comes_whole() {
        let mut memory = memory(|_| ());
        let first = play(&mut memory, 0, &[burst(5, Sign::On, 0.0, 4.0)], true);
        assert_eq!(first, (vec![4.0], Explained::default()));
        let next = 500 + taught(&mut memory, 500, true);
        let hue = burst(6, Sign::On, 2.0, 2.0);
        let others = [burst(5, Sign::On, 0.0, 4.0), hue, burst(9, Sign::On, 0.0, 4.0)];
        let mut early = memory.clone();
        let (left, explained) = play(&mut memory, next - 500, &others, true);
        assert_eq!(left, [0.0, 0.0, 4.0]);
        assert_eq!(explained, Explained { bursts: 2, bits: 12.0 });
        // Another sign, another hue, another time: each is news.
        let contrary = [burst(5, Sign::Off, 0.0, 4.0), burst(6, Sign::On, 2.0 + 1.6, 2.0)];
        let (left, _) = play(&mut early.clone(), next - 500, &contrary, true);
        assert!(left[0] > 7.0 && left[1] > 1.8, "{left:?}");
        let (left, _) = play(&mut early, next - 730, &others[..1], true);
        assert!(left[0] > 2.0, "{left:?}");
    }

    #[test]
    fn a_pause_of_seconds_brings_it_back() {
        let mut memory = memory(|_| ());
        let next = taught(&mut memory, 500, true);
        let (left, explained) = play(&mut memory, next + 4_000, &[burst(5, Sign::On, 0.0, 4.0)], true);
        assert!(left[0] > 3.5 && explained.bursts == 0, "{left:?}");
    }

    #[test]
    fn without_coherence_or_a_rate_nothing_is_learnt() {
        for (coherent, rate) in [(false, 0.2), (true, 0.0)] {
            let mut memory = memory(|parameters| parameters.rate = rate);
            let next = taught(&mut memory, 500, coherent);
            let bursts = [burst(5, Sign::On, 0.0, 4.0), burst(6, Sign::On, 0.3, 0.2)];
            assert_eq!(play(&mut memory, next, &bursts, coherent), (vec![4.0, 0.2], Explained::default()));
        }
        let mut open = memory(|parameters| parameters.coherence = 0.0);
        let next = taught(&mut open, 500, false);
        assert_eq!(play(&mut open, next, &[burst(5, Sign::On, 0.0, 4.0)], false).0, [0.0]);
    }

    #[test]
    fn what_is_another_arrays_beyond_the_sheet_or_no_number_is_left_alone() {
        let mut memory = memory(|_| ());
        let mut bursts = [burst(16, Sign::On, 0.0, 1.0), burst(3, Sign::On, f32::NAN, 1.0)];
        bursts[0].array = ArrayId(0);
        let before = bursts;
        assert_eq!(memory.explain(Tick(3), &mut bursts), Explained::default());
        assert!(bursts[0] == before[0] && bursts[1].magnitude.to_bits() == before[1].magnitude.to_bits());
        assert!(memory.struck.is_empty());
    }

    #[test]
    fn channels_share_a_cell_along_their_row() {
        let parameters = LearningParameters { enabled: true, ..Default::default() };
        let mut memory = SlowMemory::new(&parameters, &ArrayParameters::default(), ArrayId(1), SHAPE, 4);
        for trial in 0..100 {
            play(&mut memory, 500 * trial, &[burst(4 + (trial % 4) as u32, Sign::On, 0.0, 4.0)], true);
        }
        assert_eq!(play(&mut memory, 50_000, &[burst(7, Sign::On, 0.0, 4.0)], true).0, [0.0]);
    }

    #[test]
    fn what_is_kept_goes_on_to_the_bit_and_what_no_number_is_is_refused() {
        let mut one = memory(|_| ());
        taught(&mut one, 400, true);
        let mut words = Vec::with_capacity(16 * (CELL + 9));
        one.archive(&mut Keeping(&mut words));
        assert_eq!(words.len(), words.capacity());
        let mut other = memory(|_| ());
        let mut taking = Taking::new(&words);
        other.archive(&mut taking);
        assert!(taking.is_whole());
        for trial in 100..140 {
            let bursts = [burst(5, Sign::On, 0.0, 4.0 + (trial % 3) as f32), burst(1, Sign::Off, 0.0, 2.0)];
            let ticks = 400 * trial + trial % 7;
            assert_eq!(play(&mut one, ticks, &bursts, true), play(&mut other, ticks, &bursts, true));
        }
        words[3] = f32::NAN.to_bits();
        let mut taking = Taking::new(&words);
        other.archive(&mut taking);
        assert!(!taking.is_whole());
    }

    #[test]
    fn parameters_out_of_bounds_are_named() {
        for (rate, coherence, part) in [(1.5, 0.5, "learning.rate"), (0.1, f64::NAN, "learning.coherence")] {
            let parameters = LearningParameters { rate, coherence, ..Default::default() };
            let message = parameters.check().unwrap_err().to_string();
            assert!(message.contains(part) && message.contains("0 to 1"), "{message}");
        }
    }
}
