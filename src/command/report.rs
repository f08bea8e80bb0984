//! `report.json`: what a run did and found. A figure that was not measured is `null`, never 0.

mod session;
mod text;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::engine::analysis::{FIT_RANGE_HZ, SecondFigures};
use crate::engine::instrument::ArrayInfo;
use crate::engine::{SourceSummary, Stage, Summary};
use crate::exchange::ExchangeReport;
use crate::kernel::lanes::Instructions;
use crate::signal::{
    BindingFigures, DeviceFigures, MindFigures, ObjectsFigures, Origin, RecognitionFigures, RecordingFigures,
    SensesFigures,
};
use crate::stream::ring::Counts;
use crate::stream::trace::HopReport;
use crate::view::ViewFigures;

pub use session::{SessionReport, VerifiedReport};

/// Spectra are kept up to here.
const SPECTRUM_TOP_HZ: f64 = 150.0;

/// The report of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// NAPOT's version.
    pub version: String,
    /// The seed.
    pub seed: u64,
    /// Hash of the configuration, without what never changes the result.
    pub config_hash: String,
    /// Model time.
    pub seconds: f64,
    /// Ticks played.
    pub ticks: u64,
    /// Model time over the engine's own working time, decoding and waiting excluded.
    pub realtime_factor: Option<f64>,
    /// Wall time of the run.
    pub wall_seconds: f64,
    /// What shared the work; the result does not depend on it.
    pub engine: EngineReport,
    /// The arrays.
    pub arrays: Vec<ArrayInfo>,
    /// Per source.
    pub sources: Vec<SourceReport>,
    /// The phasic side.
    pub bursts: BurstReport,
    /// The tonic side, from the twin's electrodes.
    pub tonic: Option<TonicReport>,
    /// Energy book of each array, in the order of `arrays`.
    pub energy_by_array: Vec<EnergyReport>,
    /// Energy book, all arrays.
    pub energy: EnergyReport,
    /// Rms of `driven - twin` over the tonic rms at the end, all bands, of the array that differs most.
    pub differential: Option<f64>,
    /// Order parameter of the first array per band: mean, and standard deviation over time (metastability).
    pub order: Vec<OrderReport>,
    /// The mind's eye; `null` where there was none.
    #[serde(default)]
    pub mind: Option<MindFigures>,
    /// How arrays bound what was seen; `null` where none did.
    #[serde(default)]
    pub binding: Option<BindingFigures>,
    /// The objects of what was seen; `null` where it was not taken apart.
    #[serde(default)]
    pub objects: Option<ObjectsFigures>,
    /// What was recognised; `null` in a run without signatures.
    #[serde(default)]
    pub recognition: Option<RecognitionFigures>,
    /// Whether sound and picture belong together; `null` in a run that does not both see and hear.
    #[serde(default)]
    pub senses: Option<SensesFigures>,
    /// Latency per hop.
    pub latency_ms: BTreeMap<String, HopReport>,
    /// Mean engine time per tick by stage in microseconds.
    pub stage_us: BTreeMap<String, Option<f64>>,
    /// Ticks (1 ms) that ended more than 10 ms after they were due; `null` in a run that is not paced.
    pub deadline_misses: Option<u64>,
    /// Rings on the way out.
    pub rings: BTreeMap<String, RingReport>,
    /// Bursts and levels that were refused because they were not finite or beyond their sheet.
    pub refused: u64,
    /// The session that was played again; `null` for other inputs.
    pub session: Option<SessionReport>,
    /// What was recorded; `null` where nothing was.
    pub recording: Option<RecordingFigures>,
    /// The devices of a live run.
    pub devices: Vec<DeviceFigures>,
    /// Live exchange with other programs, outlets first.
    pub exchange: Vec<ExchangeReport>,
    /// What the page's server did; `null` where no page was served.
    pub view: Option<ViewFigures>,
    /// Hash of all ledger lines.
    pub ledger_hash: String,
    /// What went wrong, in sentences.
    pub failures: Vec<String>,
    /// Onsets that were heard, in seconds.
    pub onsets: Vec<f64>,
    /// A line per whole second.
    pub each_second: Vec<SecondFigures>,
    /// Mean spectra of the electrodes.
    pub spectrum: Option<SpectrumReport>,
}

/// What shared the work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EngineReport {
    /// Threads that shared the rows of a step evenly; the first is the real-time thread itself.
    pub threads: usize,
    /// The cores that they were to stay on; none left them to the system.
    pub cores: Vec<usize>,
    /// The instructions that ran the kernels.
    pub instructions: String,
    /// The priority of the real-time thread, where it asked for one.
    pub priority: Option<String>,
}

/// A source's part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceReport {
    /// File name, device or `room`.
    pub name: String,
    /// `sound`, `video` or `scalar`.
    pub kind: String,
    /// Its format, for people.
    pub format: String,
    /// Sound frames, pictures or samples that it gave.
    pub produced: u64,
    /// How many of them entered the engine.
    pub delivered: u64,
    /// How many did not: damaged, or left when the run stopped.
    pub dropped: u64,
    /// Where its stamps come from.
    pub origin: String,
    /// Pictures or packets that were damaged.
    pub damaged: u64,
    /// Values that were not finite and were replaced.
    pub not_finite: u64,
    /// Time spent decoding or rendering, outside `realtime_factor`; `null` of a device, for which the time is spent waiting.
    pub decoding_seconds: Option<f64>,
    /// Time spent encoding into bursts, on the source's own thread.
    pub encoding_seconds: f64,
    /// Why it broke off, where it did.
    pub failure: Option<String>,
    /// The ring between it and the engine: sound frames, or bursts.
    pub ring: RingReport,
}

/// A ring's counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RingReport {
    /// Handed to it.
    pub produced: u64,
    /// Taken out.
    pub delivered: u64,
    /// Lost.
    pub dropped: u64,
}

impl From<Counts> for RingReport {
    fn from(counts: Counts) -> Self {
        Self { produced: counts.produced, delivered: counts.delivered, dropped: counts.dropped }
    }
}

/// The phasic side of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BurstReport {
    /// Bursts that entered.
    pub count: u64,
    /// Mean rate.
    pub per_second: Option<f64>,
    /// Mean information rate.
    pub bits_per_second: Option<f64>,
    /// Mean surprisal of a burst; `null` without bursts.
    pub mean_surprisal_bits: Option<f64>,
    /// Bursts per array.
    pub by_array: BTreeMap<String, u64>,
    /// Bits per second per array.
    pub bits_per_second_by_array: BTreeMap<String, f64>,
    /// What the slow memory took away before it entered; `null` where nothing learns.
    #[serde(default)]
    pub explained: Option<ExplainedReport>,
}

/// What was expected of the phasic side, and so did not enter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedReport {
    /// Bursts that were not raised.
    pub count: u64,
    /// Their share of all that the senses raised; `null` where they raised none.
    pub share: Option<f64>,
    /// Mean rate of the bits that were explained away.
    pub bits_per_second: Option<f64>,
    /// Bursts that were not raised, per array.
    pub by_array: BTreeMap<String, u64>,
}

/// The tonic side of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TonicReport {
    /// Aperiodic exponent, fixed model.
    pub exponent: f64,
    /// Its 95 % interval.
    pub exponent_ci: Option<[f64; 2]>,
    /// The range of the fit.
    pub range_hz: [f64; 2],
    /// Largest mean residual of an octave.
    pub max_residual_db: f64,
    /// Exponent of the knee model.
    pub knee_exponent: Option<f64>,
    /// Its knee; `null` where it has none.
    pub knee_hz: Option<f64>,
    /// Mean excess kurtosis of the electrodes.
    pub excess_kurtosis: Option<f64>,
    /// Power in each band's octave in uV², slowest first.
    pub band_power: Vec<Option<f64>>,
}

/// An energy book's sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnergyReport {
    /// Noise and drive.
    #[serde(rename = "in")]
    pub input: f64,
    /// Energy at the end less energy at the start.
    pub stored: f64,
    /// Damping, diffusion and saturation.
    pub dissipated: f64,
    /// What does not add up, relative.
    pub relative_error: f64,
    /// The cascade's sum over bands, relative to its flux.
    pub cascade_error: f64,
}

/// Order of a band.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrderReport {
    /// Mean order parameter.
    pub mean: Option<f64>,
    /// Its standard deviation over time.
    pub metastability: Option<f64>,
}

/// Mean spectra.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpectrumReport {
    /// Frequencies.
    pub hz: Vec<f64>,
    /// Driven electrodes, uV²/Hz.
    pub driven: Vec<f64>,
    /// The twin's, uV²/Hz.
    pub tonic: Option<Vec<f64>>,
    /// The tonic fit at these frequencies.
    pub fit: Option<Vec<f64>>,
}

impl Report {
    /// The report of a run.
    #[must_use]
    pub fn new(config: &Config, summary: &Summary) -> Self {
        let analysis = &summary.analysis;
        let seconds = summary.ticks as f64 / 1_000.0;
        let busy: u64 = analysis.stage_ns.iter().sum();
        let names: Vec<&str> = summary.arrays.iter().map(|array| array.name.as_str()).collect();
        let paced = analysis.late_hop.report().count > 0;
        let mut latency_ms = BTreeMap::from([("engine_tick".to_owned(), analysis.tick_hop.report())]);
        if paced {
            latency_ms.insert("due_to_read".to_owned(), analysis.late_hop.report());
        }
        let rates = (seconds > 0.0).then_some(seconds);
        let count: u64 = analysis.array_bursts.iter().sum();
        let bits: f64 = analysis.array_bits.iter().sum();
        let each = names.iter().map(|name| (*name).to_owned());
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: config.seed,
            config_hash: config.hash(),
            seconds,
            ticks: summary.ticks,
            realtime_factor: (busy > 0).then(|| seconds / (busy as f64 * 1e-9)),
            wall_seconds: summary.wall_ns as f64 * 1e-9,
            engine: EngineReport {
                threads: config.threads(),
                cores: config.engine.cores.clone(),
                instructions: Instructions::best().name().to_owned(),
                priority: summary.priority.clone(),
            },
            session: None,
            recording: None,
            devices: Vec::new(),
            exchange: Vec::new(),
            view: None,
            arrays: summary.arrays.clone(),
            sources: summary.sources.iter().map(source).collect(),
            bursts: BurstReport {
                count,
                per_second: rates.map(|seconds| count as f64 / seconds),
                bits_per_second: rates.map(|seconds| bits / seconds),
                mean_surprisal_bits: (count > 0).then(|| bits / count as f64),
                by_array: each.clone().zip(analysis.array_bursts).collect(),
                explained: config.learning.enabled.then(|| explained(summary, count, rates)),
                bits_per_second_by_array: each
                    .zip(analysis.array_bits.map(|bits| bits / seconds.max(1e-3)))
                    .collect(),
            },
            tonic: tonic(summary),
            energy_by_array: summary.energy.iter().map(energy).collect(),
            energy: total_energy(summary),
            differential: analysis.differential_now(),
            order: analysis
                .order
                .iter()
                .map(|order| OrderReport { mean: order.mean(), metastability: order.standard_deviation() })
                .collect(),
            mind: summary.mind.as_ref().map(|mind| mind.figures().clone()),
            binding: summary.binding.as_ref().map(|world| world.figures().clone()),
            objects: summary.objects.as_ref().map(|objects| objects.figures().clone()),
            recognition: summary.recogniser.as_ref().map(|recogniser| recogniser.figures().clone()),
            senses: summary.senses.as_ref().map(|senses| senses.figures().clone()),
            latency_ms,
            stage_us: Stage::ALL
                .iter()
                .map(|stage| {
                    let ns = analysis.stage_ns[*stage as usize] as f64;
                    let mean = (summary.ticks > 0).then(|| ns / 1_000.0 / summary.ticks as f64);
                    (stage.name().to_owned(), mean)
                })
                .collect(),
            deadline_misses: paced.then_some(analysis.misses),
            rings: summary
                .rings
                .iter()
                .map(|(name, counts)| ((*name).to_owned(), (*counts).into()))
                .collect(),
            refused: summary.refused,
            ledger_hash: summary.ledger_hash.clone(),
            failures: summary.failures.iter().map(ToString::to_string).collect(),
            onsets: analysis.heard.iter().map(|onset| onset.tick.start().seconds_for_print()).collect(),
            each_second: analysis.seconds.clone(),
            spectrum: spectrum(summary),
        }
    }
}

fn explained(summary: &Summary, entered: u64, seconds: Option<f64>) -> ExplainedReport {
    let analysis = &summary.analysis;
    let count: u64 = analysis.array_expected.iter().sum();
    let names = summary.arrays.iter().map(|array| array.name.clone());
    ExplainedReport {
        count,
        share: (count + entered > 0).then(|| count as f64 / (count + entered) as f64),
        bits_per_second: seconds.map(|seconds| analysis.explained.bits() / seconds),
        by_array: names.zip(analysis.array_expected).collect(),
    }
}

fn source(summary: &SourceSummary) -> SourceReport {
    let pump = &summary.pump;
    // Sound is counted by the frame, with the silence that fills gaps, where it enters the ring; what
    // waited when the run ended never entered the engine.
    let sound = pump.info.kind == "sound";
    let (produced, dropped) = if sound {
        (summary.ring.produced + pump.dropped, summary.ring.produced - summary.ring.delivered + pump.dropped)
    } else {
        (pump.produced, pump.dropped)
    };
    SourceReport {
        name: pump.info.name.clone(),
        kind: pump.info.kind.clone(),
        format: pump.info.format.clone(),
        produced,
        delivered: produced - dropped,
        dropped,
        origin: format!("{:?}", pump.info.origin).to_lowercase(),
        damaged: pump.faults.damaged,
        not_finite: pump.faults.not_finite,
        decoding_seconds: (pump.info.origin == Origin::Recorded).then_some(pump.decode_ns as f64 * 1e-9),
        encoding_seconds: pump.encode_ns as f64 * 1e-9,
        failure: pump.failure.as_ref().map(ToString::to_string),
        ring: summary.ring.into(),
    }
}

fn tonic(summary: &Summary) -> Option<TonicReport> {
    let fit = summary.fit.as_ref()?;
    Some(TonicReport {
        exponent: fit.exponent,
        exponent_ci: fit.interval,
        range_hz: [FIT_RANGE_HZ.0, FIT_RANGE_HZ.1],
        max_residual_db: fit.max_residual_db,
        knee_exponent: fit.knee.map(|(exponent, _)| exponent),
        knee_hz: fit.knee.and_then(|(_, hz)| hz),
        excess_kurtosis: summary.analysis.excess_kurtosis(),
        band_power: summary.analysis.band_power().unwrap_or_default(),
    })
}

fn energy(figures: &crate::array::EnergyFigures) -> EnergyReport {
    EnergyReport {
        input: figures.input,
        stored: figures.stored,
        dissipated: figures.dissipated,
        relative_error: figures.relative_error,
        cascade_error: figures.cascade_error,
    }
}

fn total_energy(summary: &Summary) -> EnergyReport {
    let mut total = EnergyReport::default();
    for figures in &summary.energy {
        total.input += figures.input;
        total.stored += figures.stored;
        total.dissipated += figures.dissipated;
        total.cascade_error = total.cascade_error.max(figures.cascade_error);
    }
    let scale = total.input.abs().max(total.dissipated.abs());
    if scale > 0.0 {
        total.relative_error = (total.input - total.dissipated - total.stored).abs() / scale;
    }
    total
}

fn spectrum(summary: &Summary) -> Option<SpectrumReport> {
    let analysis = &summary.analysis;
    let hz: Vec<f64> =
        analysis.driven.frequencies().into_iter().skip(1).take_while(|hz| *hz <= SPECTRUM_TOP_HZ).collect();
    let part = |power: Vec<f64>| power.into_iter().skip(1).take(hz.len()).collect::<Vec<f64>>();
    Some(SpectrumReport {
        driven: part(analysis.driven.mean()?),
        tonic: analysis.twin.as_ref().and_then(crate::readout::spectrum::Welch::mean).map(part),
        fit: summary
            .fit
            .as_ref()
            .map(|fit| fit.line.iter().take(hz.len()).map(|power| f64::from(*power)).collect()),
        hz,
    })
}
