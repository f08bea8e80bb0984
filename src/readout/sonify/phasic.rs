//! Bursts as grains, short windowed tones at the pitch and place they came from; `add` runs on the real-time thread.
//!
//! * **Which.** Thousands of bursts can share a tick. Each array starts its most surprising few; among equals a
//!   hash of site and tick decides, so that no corner of a sheet is always first.
//! * **Pitch** is the row's; an OFF burst sounds an octave lower. **Place** is the column's.
//! * **Level** grows with surprisal, `bits / (bits + half_bits)`. Grains of all pitches have one energy up to
//!   500 Hz, which above falls by 1.5 dB per octave: where the ear is keenest no grain pierces.
//! * **Length** is 16 periods within 8 to 40 ms, under a squared sine.
//! * **When.** Frame-exact, one tick after the burst's own time; a picture's are scattered over its frame.
//! * **Voices.** Each array has an equal part of them, so that none drowns the others. When all are taken, only
//!   a grain 3.5 dB stronger by its surprisal than the weakest takes its voice: that one fades within a tick,
//!   then the new one starts.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{SonifyParameters, Voice, Voicing, pan};
use crate::kernel::carriers::BLOCK;
use crate::kernel::grains::{self, Grain};
use crate::kernel::turns;
use crate::signal::{Burst, Sign};
use crate::time::{SAMPLE_RATE, TICK_NANOSECONDS, Tick};
use crate::units::Decibels;

/// Frames in a tick, for ages.
const TICK_FRAMES: i32 = 48;
const _: () = assert!(TICK_FRAMES as usize == BLOCK);

/// Periods in a grain.
const PERIODS: f64 = 16.0;
/// Shortest and longest grain in frames: 8 and 40 ms.
const FRAMES: (f64, f64) = (384.0, 1_920.0);
/// Up to here grains have one energy; above, their level falls with the fourth root of frequency.
const EVEN_UP_TO_HZ: f64 = 500.0;
/// The lowest pitch: three periods in the longest grain, fewer are a thump without pitch.
const LOWEST_HZ: f64 = 80.0;
/// How much stronger a grain must be to take another's voice.
const TAKES_OVER: f32 = 1.5;
/// Surprisal steps that count as different when the strongest are chosen, per bit.
const RANKS_PER_BIT: f32 = 4.0;
/// Beyond this, surprisal no longer changes a rank.
const HIGHEST_BITS: f32 = 1e6;

/// How one array's bursts sound.
#[derive(Debug)]
struct Stage {
    /// Grains of a row's ON and OFF bursts, at full level, before panning.
    rows: Vec<[Grain; 2]>,
    columns: Vec<[f32; 2]>,
    scatter_frames: u32,
    /// (rank, burst), the weakest on top.
    strongest: BinaryHeap<Reverse<(u64, u32)>>,
    slots: Vec<Slot>,
}

/// A grain on its way: `age` is negative before its start.
#[derive(Clone, Copy, Debug)]
struct Sounding {
    grain: Grain,
    age: i32,
    /// What decides over voices: its surprisal from 0 to 1, whatever its pitch.
    strength: f32,
}

/// One place in the pool, and who takes it over.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    sounding: Option<Sounding>,
    next: Option<Sounding>,
}

/// The phasic sound.
#[derive(Debug)]
pub(super) struct Phasic {
    stages: Vec<Stage>,
    chosen: Vec<(u64, u32)>,
    starts: usize,
    half_bits: f32,
}

impl Phasic {
    pub(super) fn new(parameters: &SonifyParameters, voices: &[Voice<'_>], rms: f64) -> Self {
        let peak = rms * Decibels(parameters.grain_db).amplitude();
        let starts = parameters.starts_per_tick;
        let share = parameters.voices.div_ceil(voices.len());
        Self {
            stages: voices.iter().map(|v| Stage::new(parameters, v, share, peak)).collect(),
            chosen: Vec::with_capacity(starts),
            starts,
            half_bits: parameters.half_bits as f32,
        }
    }

    /// Starts the grains of this tick's bursts and adds one tick of all that sound.
    pub(super) fn add(
        &mut self,
        tick: Tick,
        bursts: &[Burst],
        left: &mut [f32; BLOCK],
        right: &mut [f32; BLOCK],
    ) {
        self.choose(tick, bursts);
        for stage in &mut self.stages {
            self.chosen.clear();
            self.chosen.extend(stage.strongest.drain().map(|Reverse(ranked)| ranked));
            self.chosen.sort_unstable_by(|a, b| b.cmp(a));
            for &(_, index) in &self.chosen {
                if let Some(sounding) = stage.grain(tick, &bursts[index as usize], self.half_bits) {
                    stage.start(sounding);
                }
            }
            stage.slots.iter_mut().for_each(|slot| slot.play(left, right));
        }
    }

    /// Leaves each stage's strongest bursts in its heap.
    fn choose(&mut self, tick: Tick, bursts: &[Burst]) {
        for (index, burst) in (0u32..).zip(bursts) {
            let Some(stage) = self.stages.get_mut(usize::from(burst.array.0)) else { continue };
            let bits = burst.surprisal_bits;
            if bits.is_nan() || bits <= 0.0 || burst.site as usize >= stage.sites() {
                continue;
            }
            let rank = rank(tick, burst);
            if stage.strongest.len() < self.starts {
                stage.strongest.push(Reverse((rank, index)));
            } else if let Some(mut weakest) = stage.strongest.peek_mut()
                && weakest.0.0 < rank
            {
                *weakest = Reverse((rank, index));
            }
        }
    }
}

impl Slot {
    fn play(&mut self, left: &mut [f32; BLOCK], right: &mut [f32; BLOCK]) {
        let released = self.next.is_some();
        if let Some(sounding) = &mut self.sounding {
            if sounding.age > -TICK_FRAMES {
                grains::add(&sounding.grain, sounding.age, released, left, right);
            }
            sounding.age += TICK_FRAMES;
            if sounding.age >= sounding.grain.frames.cast_signed() {
                self.sounding = None;
            }
        }
        if released {
            self.sounding = self.next.take();
        }
    }
}

impl Stage {
    fn new(parameters: &SonifyParameters, voice: &Voice<'_>, voices: usize, peak: f64) -> Self {
        let (height, width) = (voice.shape.height, voice.shape.width);
        let pitch = |row: usize| match voice.voicing {
            Voicing::Pitches(pitches) => pitches[row],
            Voicing::Picture => {
                let up = 1.0 - (row as f64 + 0.5) / height as f64;
                let ratio = parameters.picture_high_hz / parameters.picture_low_hz;
                parameters.picture_low_hz * libm::pow(ratio, up)
            }
        };
        let scatter_frames = match voice.voicing {
            Voicing::Picture => parameters.picture_scatter_ms * (SAMPLE_RATE / 1_000),
            Voicing::Pitches(_) => 0,
        };
        Self {
            rows: (0..height).map(|r| [shape(pitch(r), peak), shape(pitch(r) / 2.0, peak)]).collect(),
            columns: (0..width).map(|c| pan(voice.voicing.place(c, width)).map(|g| g as f32)).collect(),
            scatter_frames,
            strongest: BinaryHeap::with_capacity(parameters.starts_per_tick),
            slots: vec![Slot::default(); voices],
        }
    }

    fn sites(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    /// Gives a grain a voice: a free one, or the weakest one's if that is much weaker.
    fn start(&mut self, new: Sounding) {
        if let Some(free) = self.slots.iter_mut().find(|s| s.sounding.is_none()) {
            free.sounding = Some(new);
            return;
        }
        let strength = |s: &Slot| s.sounding.as_ref().map_or(0.0, |x| x.strength);
        let open = self.slots.iter_mut().filter(|s| s.next.is_none());
        if let Some(weakest) = open.min_by(|a, b| strength(a).total_cmp(&strength(b)))
            && new.strength > TAKES_OVER * strength(weakest)
        {
            weakest.next = Some(new);
        }
    }

    /// The grain of a burst.
    fn grain(&self, tick: Tick, burst: &Burst, half_bits: f32) -> Option<Sounding> {
        let site = burst.site as usize;
        let row = self.rows.get(site / self.columns.len())?;
        let [left, right] = *self.columns.get(site % self.columns.len())?;
        let mut grain = row[usize::from(burst.sign == Sign::Off)];
        let bits = burst.surprisal_bits.min(HIGHEST_BITS);
        let strength = bits / (bits + half_bits);
        grain.level = [left, right].map(|side| side * strength * grain.level[0]);
        let wait = (u64::from(hash(tick, burst)) * u64::from(self.scatter_frames)) >> 32;
        let delay = frame_in_tick(tick, burst) + wait as i32;
        Some(Sounding { grain, age: -delay, strength })
    }
}

/// A grain of a pitch at full level.
fn shape(pitch_hz: f64, peak: f64) -> Grain {
    let hz = pitch_hz.max(LOWEST_HZ);
    let frames = libm::round((PERIODS * f64::from(SAMPLE_RATE) / hz).clamp(FRAMES.0, FRAMES.1));
    // Shorter grains are stronger, so that all have one energy before the fall with pitch.
    let even = peak * libm::sqrt(FRAMES.1 / frames);
    let level = (even * libm::pow((EVEN_UP_TO_HZ / hz).min(1.0), 0.25)) as f32;
    Grain {
        increment: turns::phase(hz / f64::from(SAMPLE_RATE)),
        window: turns::phase(0.5 / frames),
        frames: frames as u32,
        level: [level; 2],
    }
}

/// Higher for more bits; among equals, by hash.
fn rank(tick: Tick, burst: &Burst) -> u64 {
    let bits = (burst.surprisal_bits.min(HIGHEST_BITS) * RANKS_PER_BIT) as u64;
    bits << 32 | u64::from(hash(tick, burst))
}

/// Even bits of a burst's site and tick: the finaliser of `MurmurHash3` (Appleby, public domain).
fn hash(tick: Tick, burst: &Burst) -> u32 {
    let mut h = burst.site ^ (tick.0 as u32).wrapping_mul(0x9E37_79B9);
    h = (h ^ (h >> 16)).wrapping_mul(0x85EB_CA6B);
    h = (h ^ (h >> 13)).wrapping_mul(0xC2B2_AE35);
    h ^ (h >> 16)
}

/// A burst enters the first tick that starts at or after its time: how many frames into the tick before
/// that was, 0 to 48. Bursts that come late start at once.
fn frame_in_tick(tick: Tick, burst: &Burst) -> i32 {
    let into = burst.time.0.saturating_sub(tick.start().0).saturating_add(TICK_NANOSECONDS);
    (into.clamp(0, TICK_NANOSECONDS) * i64::from(SAMPLE_RATE) / 1_000_000_000) as i32
}
