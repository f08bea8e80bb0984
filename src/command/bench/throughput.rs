//! The array alone: ns per oscillator-step against what this machine's units and memory can do at most.

use std::hint::black_box;

use serde::Serialize;

use super::print_line;
use crate::array::{Array, ArrayParameters};
use crate::config::Config;
use crate::engine::memory;
use crate::error::Result;
use crate::kernel::bound::{self, Asked, CASCADING, FASTEST};
use crate::kernel::lanes::Instructions;
use crate::kernel::team::Team;
use crate::signal::{ArrayId, SheetShape};
use crate::time::{Clock, Tick, WallClock};

/// Lanes that the bounds' operations are counted in.
const LANES: f64 = 16.0;
/// Oscillator-steps of one measurement: short, so that one of them meets no other program.
const STEPS: f64 = 2e6;
/// Oscillator-steps of a tick below which a smaller sheet takes hardly less time.
const LEAST_STEPS: f64 = 4_096.0;
/// Measurements of one row; they take turns with those of the bounds.
const ROUNDS: usize = 30;
/// Steps per cycle beyond which every band steps every tick.
const SINGLE_RATE: f64 = 1e6;
/// The side of the sheets by which the growth with bands and arrays is seen.
const GROWING: usize = 64;
/// Bands beside those that are configured.
const BANDS: [usize; 3] = [4, 8, 12];
/// Arrays that step one after another in each tick.
const ARRAYS: [u8; 4] = [1, 2, 4, 8];

/// What is measured of a sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub twin: bool,
    /// Slow bands step every few ticks.
    pub multirate: bool,
}

impl Kind {
    /// Every kind that is measured.
    pub const ALL: [Self; 3] = [
        Self { twin: false, multirate: false },
        Self { twin: false, multirate: true },
        Self { twin: true, multirate: true },
    ];

    /// The configured parameters, made of this kind.
    pub fn parameters(self, config: &Config) -> ArrayParameters {
        let given = &config.array;
        let steps_per_cycle = if self.multirate { given.steps_per_cycle } else { SINGLE_RATE };
        ArrayParameters { twin: self.twin, steps_per_cycle, ..given.clone() }
    }
}

/// The ticks after which the bands' turns begin anew, and the mean oscillator-steps of a tick.
pub(super) fn turns(parameters: &ArrayParameters, side: usize) -> (u64, f64) {
    let ticks_per_step = (0..parameters.bands).map(|band| parameters.ticks_per_step(band));
    let steps = ticks_per_step.clone().map(|ticks| (side * side) as f64 / ticks as f64).sum();
    (ticks_per_step.max().unwrap_or(1), steps)
}

/// The ticks of one measurement: whole cycles, so that every one holds the same steps; not more where a tick's own cost is most of it.
fn ticks_for(cycle: u64, steps_per_tick: f64) -> u64 {
    ((STEPS / steps_per_tick.max(LEAST_STEPS) / cycle as f64).round().max(1.0) as u64) * cycle
}

/// The array's cost at one size.
#[derive(Debug, Serialize)]
pub(super) struct Throughput {
    pub sites: [usize; 2],
    pub bands: usize,
    /// Arrays of this size that step in each tick; steps and bytes are those of all of them.
    pub arrays: u8,
    /// The processor's threads that step; 0 for a GPU.
    pub threads: usize,
    /// The instructions; `wgpu:` and the adapter's name for a GPU.
    pub isa: String,
    /// Whether the state is the same to the bit wherever it is computed.
    pub bits: bool,
    pub twin: bool,
    pub multirate: bool,
    /// Time over the oscillator-steps that were made (of one copy), the fastest measurement.
    pub ns_per_oscillator_step: f64,
    /// The median measurement.
    pub ns_median: f64,
    pub us_per_tick: f64,
    /// The most that units and memory allow for such a step, measured in this run; of one copy at single rate.
    pub bound_ns: Option<f64>,
    pub share_of_bound: Option<f64>,
    /// Which of them bounds: `multiply`, `issue` or `memory`.
    pub bound_by: Option<&'static str>,
    /// Bytes that the arrays take.
    pub bytes: usize,
    /// Ticks measured.
    pub count: usize,
    /// What a GPU's adapter says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<serde_json::Value>,
}

/// Which sizes and threads to measure.
pub(super) struct Choice<'a> {
    pub sides: &'a [usize],
    pub threads: &'a [usize],
    /// Whether bands and arrays are varied, too.
    pub growth: bool,
}

/// What is measured in a row: arrays of one size that step one after another in each tick.
struct Sheets {
    side: usize,
    parameters: ArrayParameters,
    arrays: u8,
    threads: usize,
}

/// Sheets with other numbers of bands, and several at once. The fastest band stays where it is, so that each sheet is driven and
/// steps alike; what such an array can't be is left out.
fn growing(config: &Config) -> Vec<Sheets> {
    let given = Kind::ALL[0].parameters(config);
    let fastest = given.centre(given.bands - 1).0;
    let of = |bands: usize| {
        let lowest_hz = fastest * libm::exp2(1.0 - bands as f64);
        (ArrayParameters { bands, lowest_hz, ..given.clone() }, 1)
    };
    let bands = BANDS.into_iter().filter(|bands| *bands != given.bands).map(of);
    let arrays = ARRAYS.into_iter().map(|arrays| (given.clone(), arrays));
    let sheets = |(parameters, arrays)| Sheets { side: GROWING, parameters, arrays, threads: 1 };
    bands.chain(arrays).filter(|(parameters, _)| parameters.check().is_ok()).map(sheets).collect()
}

/// Measures every size with every number of threads.
pub(super) fn measure(config: &Config, choice: &Choice<'_>) -> Result<Vec<Throughput>> {
    let clock = WallClock::start();
    let mut rows = Vec::new();
    for side in choice.sides {
        for threads in choice.threads {
            for kind in Kind::ALL {
                let sheets =
                    Sheets { side: *side, parameters: kind.parameters(config), arrays: 1, threads: *threads };
                rows.push(row(config.seed, &clock, kind, &sheets)?);
            }
        }
    }
    if choice.growth {
        for sheets in growing(config) {
            rows.push(row(config.seed, &clock, Kind::ALL[0], &sheets)?);
        }
    }
    Ok(rows)
}

fn row(seed: u64, clock: &WallClock, kind: Kind, sheets: &Sheets) -> Result<Throughput> {
    let &Sheets { side, ref parameters, arrays: count, threads } = sheets;
    let shape = SheetShape { height: side, width: side, bands: parameters.bands };
    // Several take what one of as many rows takes.
    memory::check_alone(SheetShape { height: side * usize::from(count), ..shape }, parameters)?;
    let bytes = usize::from(count) * Array::bytes_of(shape, kind.twin) as usize;
    let array = |id: u8| Array::new(ArrayId(id), side, side, parameters, seed, threads);
    let mut arrays = (0..count).map(array).collect::<Result<Vec<Array>>>()?;
    let instructions = arrays[0].instructions();
    let mut team = Team::new(threads);
    let (cycle, steps_of_each) = turns(parameters, side);
    let steps_per_tick = steps_of_each * f64::from(count);
    let ticks = ticks_for(cycle, steps_per_tick);
    let mut bounds = Bounds::new(bytes.min(64 << 20));
    let mut tick = Tick(0);
    let mut rounds: Vec<f64> = (0..=ROUNDS)
        .map(|_| {
            bounds.measure(instructions, clock);
            let start = clock.now();
            for _ in 0..ticks {
                for array in &mut arrays {
                    array.step(tick, &mut team);
                }
                tick = tick.next();
            }
            (clock.now() - start).as_nanos() as f64 / (ticks as f64 * steps_per_tick)
        })
        .skip(1)
        .collect();
    rounds.sort_by(f64::total_cmp);
    let fastest = rounds[0];
    let bound = (!kind.twin && !kind.multirate).then(|| bounds.of(parameters.bands, threads));
    Ok(Throughput {
        sites: [side, side],
        bands: parameters.bands,
        arrays: count,
        threads,
        isa: instructions.name().to_owned(),
        bits: true,
        twin: kind.twin,
        multirate: kind.multirate,
        ns_per_oscillator_step: fastest,
        ns_median: rounds[ROUNDS / 2],
        us_per_tick: fastest * steps_per_tick * 1e-3,
        bound_ns: bound.map(|(ns, _)| ns),
        share_of_bound: bound.map(|(ns, _)| ns / fastest),
        bound_by: bound.map(|(_, by)| by),
        bytes,
        count: ROUNDS * ticks as usize,
        adapter: None,
    })
}

/// The fastest that the units and the memory were seen.
struct Bounds {
    values: Vec<f32>,
    /// ns of one operation of sixteen lanes: multiplying alone, and any.
    multiply: f64,
    any: f64,
    /// ns of one byte read or written.
    byte: f64,
}

impl Bounds {
    /// `bytes` is how much memory a step sweeps.
    fn new(bytes: usize) -> Self {
        Self { values: vec![1.0; bytes / 4], multiply: f64::MAX, any: f64::MAX, byte: f64::MAX }
    }

    fn measure(&mut self, with: Instructions, clock: &WallClock) {
        const ROUNDS: usize = 10_000;
        let time = |work: &mut dyn FnMut()| {
            let start = clock.now();
            work();
            (clock.now() - start).as_nanos() as f64
        };
        let factor = black_box(0.5);
        let fused = time(&mut || {
            black_box(bound::fused(with, ROUNDS, factor));
        });
        self.multiply = self.multiply.min(fused / (ROUNDS * bound::FUSED_PER_ROUND) as f64);
        let mixed = time(&mut || {
            black_box(bound::mixed(with, ROUNDS, factor));
        });
        self.any = self.any.min(mixed / (ROUNDS * bound::MIXED_PER_ROUND) as f64);
        let factor = black_box(1.0);
        let swept = time(&mut || bound::scale(&mut self.values, factor));
        self.byte = self.byte.min(swept / (self.values.len() * 8) as f64);
    }

    /// The bound of one oscillator-step in ns, and what bounds.
    fn of(&self, bands: usize, threads: usize) -> (f64, &'static str) {
        let mean = |count: fn(&Asked) -> usize| {
            ((bands - 1) * count(&CASCADING) + count(&FASTEST)) as f64 / bands as f64 / LANES
        };
        let bounds = [
            (mean(|work| work.multiplying) * self.multiply, "multiply"),
            (mean(|work| work.all) * self.any, "issue"),
            (mean(|work| work.bytes) * self.byte, "memory"),
        ];
        let (ns, by) = bounds.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, "issue"));
        (ns / threads as f64, by)
    }
}

/// Prints the rows as a table.
pub(super) fn print(rows: &[Throughput]) -> Result<()> {
    print_line(
        "array        bands  arrays  threads  twin  bands step    ns per oscillator-step (median)   us a tick   share of bound",
    )?;
    for row in rows {
        let share = match (row.share_of_bound, row.bound_by) {
            (Some(share), Some(by)) => format!("{:.0} % ({by})", 100.0 * share),
            _ => String::new(),
        };
        print_line(&format!(
            "{:>4} x {:<4}  {:>5}  {:>6}  {:>7}  {:<4}  {:<12}  {:>14.3} {:>16}  {:>10.1}   {share}",
            row.sites[0],
            row.sites[1],
            row.bands,
            row.arrays,
            if row.bits { row.threads.to_string() } else { "GPU".to_owned() },
            if row.twin { "yes" } else { "no" },
            if row.multirate { "when due" } else { "every tick" },
            row.ns_per_oscillator_step,
            format!("({:.3})", row.ns_median),
            row.us_per_tick
        ))?;
    }
    if let Some(row) = rows.iter().find(|row| row.bits) {
        print_line(&format!("instructions: {}; a twin's steps are not counted, its time is", row.isa))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_of_the_smallest_sheet_is_short_and_those_of_usual_ones_hold_as_many_steps() {
        assert!(ticks_for(1, 8.0) < 500 && ticks_for(32, 2.0) < 520);
        assert_eq!(ticks_for(1, 65_536.0), 31);
        assert_eq!(ticks_for(32, 8_192.0), 256);
    }

    #[test]
    fn bands_and_arrays_grow_one_by_one_and_the_fastest_band_stays() {
        let seen = |config: &Config| -> Vec<(usize, u8)> {
            let sheets = growing(config);
            let fastest = |parameters: &ArrayParameters| parameters.centre(parameters.bands - 1).0;
            let expected = fastest(&config.array);
            assert!(sheets.iter().all(|sheets| (fastest(&sheets.parameters) - expected).abs() < 1e-9));
            sheets.iter().map(|sheets| (sheets.parameters.bands, sheets.arrays)).collect()
        };
        let mut config = Config::default();
        assert_eq!(seen(&config), [(4, 1), (12, 1), (8, 1), (8, 2), (8, 4), (8, 8)]);
        // Twelve bands below 10 Hz would begin below 0.01 Hz.
        (config.array.bands, config.array.lowest_hz) = (2, 5.0);
        assert_eq!(seen(&config), [(4, 1), (8, 1), (2, 1), (2, 2), (2, 4), (2, 8)]);
    }

    #[test]
    fn several_arrays_take_as_many_bytes_and_their_steps_are_all_counted() {
        let config = Config::default();
        let measured = |arrays: u8| {
            let sheets = Sheets { side: 8, parameters: Kind::ALL[0].parameters(&config), arrays, threads: 1 };
            row(1, &WallClock::start(), Kind::ALL[0], &sheets).unwrap()
        };
        let (one, eight) = (measured(1), measured(8));
        assert_eq!((one.arrays, eight.arrays, eight.bytes), (1, 8, 8 * one.bytes));
        // However long they took: a tick of eight is told as eight times the steps of one.
        let steps = |row: &Throughput| 1_000.0 * row.us_per_tick / row.ns_per_oscillator_step;
        let times = steps(&eight) / steps(&one);
        assert!((times - 8.0).abs() < 1e-9, "{times}: {one:?}, {eight:?}");
    }
}
