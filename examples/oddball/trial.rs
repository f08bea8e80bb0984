//! Plays two blocks, in the second of which standard and deviant are exchanged, and cuts what came of each trial.

use napot::config::{Config, Session};
use napot::engine::instrument::{Instrument, TickSound};
use napot::engine::{Pace, StageTimer};
use napot::error::Result;
use napot::kernel::team::Team;
use napot::sense::retina::Retina;
use napot::signal::{ArrayId, Burst};
use napot::time::{ManualClock, SAMPLES_PER_TICK, TICKS_PER_SECOND, Tick};

use crate::stimuli::{PICTURES_PER_SECOND, SOUND_FRAMES, deviants, picture, sound};

/// The two senses, by the names of their arrays.
pub const SENSES: [&str; 2] = ["vision", "hearing"];
/// Ticks before the first trial of a block.
const LEAD: u64 = 1_000;
/// Ticks of a trial that are cut.
pub const CUT: usize = 200;
/// Ticks that are one value of a cut.
pub const BIN: usize = 2;

/// What is played.
pub struct Plan {
    /// Trials of a block, both kinds.
    pub trials: usize,
    /// Ticks from a trial to the next.
    pub interval_ms: u64,
    /// Settings of one's own, as `key=value`.
    pub overrides: Vec<String>,
}

impl Default for Plan {
    fn default() -> Self {
        // 500 standards and 71 deviants.
        Self { trials: 571, interval_ms: 500, overrides: Vec::new() }
    }
}

/// One trial of one sense.
#[derive(Clone)]
pub struct Trial {
    pub block: usize,
    /// Its place in its block.
    pub number: usize,
    /// 0 or 1.
    pub stimulus: usize,
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

/// Plays; gives the trials of each sense.
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
    let orders: Vec<[Vec<bool>; 2]> =
        (0..2).map(|block| [0, 1].map(|sense| deviants(plan.trials, 11, 2 * block + sense))).collect();
    for tick in 0..2 * block_ticks {
        let (block, within) = ((tick / block_ticks) as usize, tick % block_ticks);
        let trial = within.checked_sub(LEAD).map(|after| (after / plan.interval_ms) as usize);
        let after = within.checked_sub(LEAD).map_or(0, |after| after % plan.interval_ms);
        let shown = |sense: usize, number: usize| usize::from(orders[block][sense][number]) ^ block;
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
        let sample = instrument.electrodes().unwrap_or(&[]);
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
