//! The array on a GPU: ns per oscillator-step, whole submissions and the wait for them included.

use std::time::Duration;

use super::throughput::{Kind, Throughput, turns};
use crate::config::Config;
use crate::engine::memory;
use crate::error::Result;
use crate::gpu::{Gpu, GpuArray, TOLERANCE, Which};
use crate::signal::{ArrayId, SheetShape};
use crate::time::{Clock, Tick, WallClock};

/// Sides of the sheets that are measured, where `--sizes` says nothing; the last two on a GPU of its own only.
const SIDES: [usize; 4] = [256, 1_024, 2_048, 4_096];
/// How many of them adapters that compute on the processor are given.
const SOFTWARE_SIDES: usize = 2;
/// What one measurement takes at least: long against the wait for the device.
const LEAST: Duration = Duration::from_millis(100);
/// What is long against that too.
const LONG: Duration = Duration::from_secs(1);
/// What all measurements of a row take before no other is begun.
const ENOUGH: Duration = Duration::from_secs(10);
/// Measurements of a row: the most, and the fewest.
const ROUNDS: [usize; 2] = [15, 3];

/// An adapter that is measured.
pub(super) struct Device {
    gpu: Gpu,
}

impl Device {
    /// Opens the fastest.
    pub(super) fn open() -> Result<Self> {
        Ok(Self { gpu: Gpu::find(Which::Fastest)? })
    }

    /// Measures sheets of these sides; where there are none, the usual ones as far as they fit.
    pub(super) fn measure(&self, config: &Config, sides: &[usize]) -> Result<Vec<Throughput>> {
        let clock = WallClock::start();
        let usual = if self.gpu.facts().software { &SIDES[..SOFTWARE_SIDES] } else { &SIDES };
        let mut rows = Vec::new();
        for side in if sides.is_empty() { usual } else { sides } {
            for kind in Kind::ALL {
                match self.row(config, &clock, *side, kind) {
                    Ok(row) => rows.push(row),
                    Err(error) if sides.is_empty() && !rows.is_empty() => {
                        tracing::warn!("left out: {side} x {side}: {error}");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(rows)
    }

    fn row(&self, config: &Config, clock: &WallClock, side: usize, kind: Kind) -> Result<Throughput> {
        let parameters = kind.parameters(config);
        let shape = SheetShape { height: side, width: side, bands: parameters.bands };
        memory::check(&[shape], &parameters, 0)?;
        let mut array = GpuArray::new(&self.gpu, ArrayId(0), side, side, &parameters, config.seed)?;
        let (cycle, steps_per_tick) = turns(&parameters, side);
        let mut tick = Tick(0);
        let mut time = |ticks: u64| -> Result<Duration> {
            let start = clock.now();
            for _ in 0..ticks {
                array.step(tick)?;
                tick = tick.next();
            }
            array.finish()?;
            Ok(clock.now() - start)
        };
        let mut ticks = cycle;
        // The first submission compiles the shaders: what it takes says something only where it is long.
        if time(cycle)? < LONG {
            while time(ticks)? < LEAST {
                ticks *= 2;
            }
        }
        let mut taken = Vec::new();
        let [most, fewest] = ROUNDS;
        while taken.len() < fewest || taken.len() < most && taken.iter().sum::<Duration>() < ENOUGH {
            taken.push(time(ticks)?);
        }
        taken.sort_unstable();
        let each = |time: Duration| time.as_nanos() as f64 / (ticks as f64 * steps_per_tick);
        let facts = self.gpu.facts();
        Ok(Throughput {
            sites: [side, side],
            bands: parameters.bands,
            arrays: 1,
            threads: 0,
            isa: format!("wgpu:{}", facts.name),
            bits: false,
            twin: kind.twin,
            multirate: kind.multirate,
            ns_per_oscillator_step: each(taken[0]),
            ns_median: each(taken[taken.len() / 2]),
            us_per_tick: each(taken[0]) * steps_per_tick * 1e-3,
            bound_ns: None,
            share_of_bound: None,
            bound_by: None,
            bytes: GpuArray::bytes_of(shape, kind.twin) as usize,
            count: taken.len() * ticks as usize,
            adapter: serde_json::to_value(facts).ok(),
        })
    }

    /// What was measured, for people.
    pub(super) fn told(&self) -> String {
        let facts = self.gpu.facts();
        format!(
            "GPU: {}; {}, {}; {}. The same equation within {TOLERANCE:.0e} of the tonic rms, not the same bits",
            facts.name,
            facts.backend,
            facts.driver,
            if facts.software { "software: it computes on the processor" } else { "hardware" }
        )
    }
}
