//! The oddball experiment on the slow memory: plays a rhythm of sounds and pictures, breaks it, and cuts what came of each trial.
//!
//! `make oddball` judges it in full, `napot ablate` takes its parts away one by one.

mod stimuli;

use crate::config::{Config, Session};
use crate::engine::instrument::{Instrument, TickSound};
use crate::engine::{Pace, StageTimer};
use crate::error::Result;
use crate::kernel::team::Team;
use crate::sense::retina::Retina;
use crate::signal::{ArrayId, Burst};
use crate::time::{ManualClock, SAMPLES_PER_TICK, TICKS_PER_SECOND, Tick};
use stimuli::{PICTURES_PER_SECOND, SOUND_FRAMES, deviants, picture, sound};

/// The two senses, by the names of their arrays.
pub const SENSES: [&str; 2] = ["vision", "hearing"];
/// Ticks before the first trial of a block.
const LEAD: u64 = 1_000;
/// Ticks of a trial that are cut.
pub const CUT: usize = 200;
/// Ticks that are one value of a cut.
pub const BIN: usize = 2;
/// Trials with standards at the end of a block by which it is said how much is left of them.
const LAST: usize = 100;
/// Trials with standards at the beginning of a block that say how much there was.
const FIRST: usize = 10;

/// What is played.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Trials of a block, both kinds; one in eight is a deviant.
    pub trials: usize,
    /// Blocks: in every second one standard and deviant are exchanged.
    pub blocks: usize,
    /// Ticks from a trial to the next, 200 or more.
    pub interval_ms: u64,
    /// The seed of the order in which deviants come.
    pub seed: u64,
    /// Settings of one's own, as `key=value`.
    pub overrides: Vec<String>,
}

impl Default for Plan {
    /// Two blocks of 500 standards and 71 deviants, half a second apart.
    fn default() -> Self {
        Self { trials: 571, blocks: 2, interval_ms: 500, seed: 11, overrides: Vec::new() }
    }
}

/// One trial of one sense.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The block, from 0.
    pub block: usize,
    /// Its place in its block.
    pub number: usize,
    /// 0 or 1.
    pub stimulus: usize,
    /// Whether it is the rare one of its block.
    pub deviant: bool,
    /// Bursts that entered.
    pub bursts: u32,
    /// Bursts that the sense raised.
    pub raised: u32,
    /// Electrode by electrode, `CUT / BIN` values of the response in uV.
    pub response: Vec<f32>,
    /// Mean power of the first 80 ms per electrode, uV².
    pub power: Vec<f32>,
}

/// How bursts fade with repetition: means of bursts to a trial.
#[derive(Clone, Copy, Debug)]
pub struct Fading {
    /// Of the first ten standards of the first block: what entered.
    pub first: f64,
    /// Of its last hundred.
    pub last: f64,
    /// What the sense raised to each of these last hundred.
    pub raw: f64,
    /// Of the deviants in the last half of all blocks: what entered.
    pub deviant: f64,
    /// What the sense raised to them.
    pub raw_deviant: f64,
}

impl Fading {
    /// Of the trials of one sense.
    #[must_use]
    pub fn of(plan: &Plan, trials: &[Trial]) -> Self {
        let standards: Vec<&Trial> = trials.iter().filter(|t| t.block == 0 && !t.deviant).collect();
        let tail = &standards[standards.len().saturating_sub(LAST)..];
        let late = |trial: &&Trial| trial.deviant && trial.number >= plan.trials / 2;
        let deviants: Vec<&Trial> = trials.iter().filter(late).collect();
        let entered = |of: &[&Trial]| mean(of.iter().map(|trial| f64::from(trial.bursts)));
        let raised = |of: &[&Trial]| mean(of.iter().map(|trial| f64::from(trial.raised)));
        Self {
            first: entered(&standards[..FIRST.min(standards.len())]),
            last: entered(tail),
            raw: raised(tail),
            deviant: entered(&deviants),
            raw_deviant: raised(&deviants),
        }
    }

    /// How much of the standards' bursts is gone at the end: 1 where all are; below 0 where there are more.
    #[must_use]
    pub fn fall(&self) -> f64 {
        1.0 - self.last / self.first
    }
}

/// The mean; no number where there are none.
pub fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

/// Plays with these settings; gives the trials of each sense.
///
/// # Errors
/// Where a setting is not allowed.
pub fn play(plan: &Plan, settings: &[&str]) -> Result<[Vec<Trial>; 2]> {
    let own = [
        "vision.height=32",
        "vision.width=32",
        "hearing.cochlea.channels=32",
        "hearing.cochlea.rates=2",
        "array.twin=false",
    ];
    let all: Vec<String> =
        own.iter().chain(settings).map(|item| (*item).to_owned()).chain(plan.overrides.clone()).collect();
    let config = Config::load(None, &all)?;
    let session = Session { pace: Pace::Max, seconds: None, tail_seconds: 0.0, layout: None };
    let mut instrument = Instrument::new(&config.plan(&session))?;
    let mut retina =
        Retina::new(&config.vision.retina, config.vision.height, config.vision.width, ArrayId(0))?;
    let sounds = [sound(200.0, 2_000.0, 5), sound(3_000.0, 12_000.0, 6)];
    let (mut team, clock) = (Team::new(1), ManualClock::new());
    let names = instrument.electrode_names().to_vec();
    let hears = names.iter().position(|name| name.starts_with('A') && name.len() == 2).unwrap_or(names.len());
    let electrodes = [0..hears, hears..names.len()];
    let mut trials: [Vec<Trial>; 2] = [Vec::new(), Vec::new()];
    let block_ticks = LEAD + plan.trials as u64 * plan.interval_ms;
    let mut waiting: Vec<Burst> = Vec::new();
    let mut next_picture = 0;
    let orders: Vec<[Vec<bool>; 2]> = (0..plan.blocks as u32)
        .map(|block| [0, 1].map(|sense| deviants(plan.trials, plan.seed, 2 * block + sense)))
        .collect();
    for tick in 0..plan.blocks as u64 * block_ticks {
        let (block, within) = ((tick / block_ticks) as usize, tick % block_ticks);
        let trial = within.checked_sub(LEAD).map(|after| (after / plan.interval_ms) as usize);
        let after = within.checked_sub(LEAD).map_or(0, |after| after % plan.interval_ms);
        let shown = |sense: usize, number: usize| usize::from(orders[block][sense][number]) ^ (block & 1);
        while next_picture * TICKS_PER_SECOND <= tick * u64::from(PICTURES_PER_SECOND) {
            let bright = after < 80;
            let frame = picture(trial.filter(|_| bright).map(|number| shown(0, number)), next_picture);
            retina.encode(&frame, &mut |burst| waiting.push(burst));
            next_picture += 1;
        }
        let mut wave: TickSound = [[0.0; 2]; SAMPLES_PER_TICK];
        let first = after as usize * SAMPLES_PER_TICK;
        if let Some(number) = trial.filter(|_| first < SOUND_FRAMES) {
            let sound = &sounds[shown(1, number)][first..];
            for (frame, value) in wave.iter_mut().zip(sound) {
                *frame = [*value; 2];
            }
        }
        let mut timer = StageTimer::start(&clock);
        let report = instrument.tick(Tick(tick), &wave, &waiting, &mut team, &mut timer);
        waiting.clear();
        let sample = instrument.electrodes();
        let Some(number) = trial else { continue };
        for (sense, trials) in trials.iter_mut().enumerate() {
            if after == 0 {
                let mut trial = Trial::new(block, number, shown(sense, number), orders[block][sense][number]);
                trial.begin(electrodes[sense].len());
                trials.push(trial);
            }
            let Some(trial) = trials.last_mut() else { continue };
            trial.bursts += report.bursts[sense];
            trial.raised += report.bursts[sense] + report.expected[sense];
            trial.cut(after as usize, &sample[electrodes[sense].clone()]);
        }
    }
    Ok(trials)
}

impl Trial {
    fn new(block: usize, number: usize, stimulus: usize, deviant: bool) -> Self {
        let (response, power) = (Vec::new(), Vec::new());
        Self { block, number, stimulus, deviant, bursts: 0, raised: 0, response, power }
    }

    fn begin(&mut self, electrodes: usize) {
        self.response = vec![0.0; electrodes * (CUT / BIN)];
        self.power = vec![0.0; electrodes];
    }

    fn cut(&mut self, after: usize, sample: &[f32]) {
        if after >= CUT {
            return;
        }
        for (electrode, value) in sample.iter().enumerate() {
            self.response[electrode * (CUT / BIN) + after / BIN] += value / BIN as f32;
            if after < 80 {
                self.power[electrode] += value * value / 80.0;
            }
        }
    }
}
