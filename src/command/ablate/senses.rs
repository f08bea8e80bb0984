//! Sound and picture of rooms: whether what is heard belongs to what is seen, and by how much it is late.
//!
//! ```text
//!  room k ─> pictures ─> retina ─> bursts ─> what stops, place by place ─> slow bands ─┐
//!  room k, the next one, or room k seven seconds late                                 ├─> coherence ─> own or not, late by
//!         └> sound ─> cochlea ─> array, twin ─> power of the differential ─> slow bands ─┘
//! ```
//!
//! Half of the rooms teach the template, the other half are judged by it, and the other way round.

use std::collections::VecDeque;

use super::{Figure, Run, shared};
use crate::array::{Array, ArrayParameters};
use crate::error::{Error, Result};
use crate::kernel::team::Team;
use crate::random::Stream;
use crate::readout::belonging::{LONG, SHIFT, WINDOW};
use crate::readout::binding::{
    BANDS, BIN_TICKS, Braking, Coherence, MOST_LAG, PLACES, Template, Track, coherence, locking,
};
use crate::readout::trace::pooled_power;
use crate::sense::cochlea::{Cochlea, CochleaParameters};
use crate::sense::retina::{Retina, RetinaParameters};
use crate::signal::{ArrayId, Burst};
use crate::source::room::{Room, RoomParameters};
use crate::stream::Source;
use crate::time::{SAMPLES_PER_TICK, TICKS_PER_SECOND, Tick};

/// The variants by their numbers. All have ten numbers of evidence.
pub(super) const VARIANTS: [&str; 8] = [
    "as it is",
    "without amplitudes (phase locking)",
    "without phase (sizes alone)",
    "bands coupled (0.2 of damping)",
    "what moves, not what stops",
    "no oscillation: ten lags",
    "what stops in the vision array",
    "the sound's level (no hearing array)",
];
const LOCKING: usize = 1;
const SIZES: usize = 2;
const COUPLED: usize = 3;
const MOVES: usize = 4;
const LAGS: usize = 5;
const FIELD: usize = 6;
const LEVEL: usize = 7;

/// Strength of the coupling, of a band's damping.
const STRENGTH: f32 = 0.2;
/// Rooms of a seed, and seconds of each.
const ROOMS: usize = 6;
const SECONDS: u64 = 80;
/// The same where it is to be quick.
const QUICK_ROOMS: usize = 4;
const QUICK_SECONDS: u64 = 18;
const QUICK_SIDE: usize = 16;
/// Sites along a side of the sheet, pixels along one of a site.
const SIDE: usize = 64;
const FINE: usize = 2;
/// Channels and rates of the hearing sheet.
const HEARING: (usize, usize) = (64, 8);
/// The band whose differential is looked at.
const FASTEST: usize = 7;
/// Bins from a window to the next, and before the first: the solids fall in.
const STEP: u64 = 100;
const LEAD: u64 = 400;
/// Bins within which a room's sound is late where that is to be found.
const LATE: f64 = 20.0;
/// Bins between two of the lags that stand for the oscillators: -360 to 360 ms.
const BETWEEN: i64 = 8;

/// What a room says, bin by bin.
struct Said {
    stops: Vec<f32>,
    moves: Vec<f32>,
    stops_in_field: Vec<f32>,
    differential: Vec<f32>,
    level: Vec<f32>,
}

/// Numbers of a tick of what a room says.
const NUMBERS: usize = 5;

/// Draws the rooms of a seed: what each says, tick by tick, as bytes.
pub(super) fn rooms(seed: u64, quick: bool) -> Vec<Vec<u8>> {
    let (count, seconds, side) =
        if quick { (QUICK_ROOMS, QUICK_SECONDS, QUICK_SIDE) } else { (ROOMS, SECONDS, SIDE) };
    let room = |at: usize| say(seed.wrapping_mul(ROOMS as u64).wrapping_add(at as u64), seconds, side).ok();
    let drawn = shared(count, room).into_iter().flatten();
    drawn.map(|values| values.iter().flat_map(|x| x.to_le_bytes()).collect()).collect()
}

/// The senses of a room and their arrays.
struct Scene {
    retina: Retina,
    cochlea: Cochlea,
    vision: Array,
    hearing: Array,
    team: Team,
}

impl Scene {
    fn new(seed: u64, side: usize) -> Result<Self> {
        let parameters = ArrayParameters::default();
        let (channels, rates) = HEARING;
        let cochlea = CochleaParameters { channels, rates, ..CochleaParameters::default() };
        let cochlea = Cochlea::new(&cochlea, ArrayId(1))?;
        let mut hearing = Array::new(ArrayId(1), channels, rates, &parameters, seed, 1)?;
        hearing.tune_columns(|column| cochlea.rate_of_column(column));
        Ok(Self {
            retina: Retina::new(&RetinaParameters::default(), side, side, ArrayId(0))?,
            cochlea,
            vision: Array::new(ArrayId(0), side, side, &parameters, seed, 1)?,
            hearing,
            team: Team::new(1),
        })
    }

    /// One tick; the power of both differentials in the fastest band, the vision's place by place.
    fn tick(&mut self, tick: Tick, seen: &[Burst], heard: &[[f32; 2]; SAMPLES_PER_TICK]) -> (Places, f32) {
        let mut bursts = Vec::with_capacity(4_096);
        self.cochlea.tick(tick, heard, &mut bursts);
        self.hearing.sustain(self.cochlea.sustained());
        for burst in &bursts {
            self.hearing.strike(burst);
        }
        for burst in seen {
            self.vision.strike(burst);
        }
        let (mut places, mut whole) = ([0.0; PLACES * PLACES], [0.0]);
        let pools = [(PLACES, &mut places[..]), (1, &mut whole[..])];
        for (array, (side, out)) in [&mut self.vision, &mut self.hearing].into_iter().zip(pools) {
            array.step(tick, &mut self.team);
            let variance = array.band_variances()[FASTEST] as f32;
            let twin = array.twin().map(|twin| twin.band(FASTEST));
            let width = array.shape().width;
            pooled_power(array.field().band(FASTEST), twin, width, variance, (side, side), out);
        }
        (places, whole[0])
    }
}

/// A number for each place.
type Places = [f32; PLACES * PLACES];

/// What a room says, [`NUMBERS`] numbers a tick, in the order of [`Said`].
fn say(room: u64, seconds: u64, side: usize) -> Result<Vec<f32>> {
    let parameters = RoomParameters { width: FINE * side, height: FINE * side, ..RoomParameters::default() };
    let (mut video, mut sound) = Room::new(&parameters, room)?.into_sources();
    let mut scene = Scene::new(room, side)?;
    let mut braking = [Braking::new(side, side), Braking::new(side, side)];
    let (mut frames, mut picture) = (VecDeque::new(), video.pull()?);
    let mut values = Vec::new();
    let (mut stops, mut moves, mut stops_in_field, mut power) = (0.0, 0.0, 0.0, [0.0; PLACES * PLACES]);
    for tick in (0..seconds * TICKS_PER_SECOND).map(Tick) {
        let mut bursts: Vec<Burst> = Vec::new();
        while let Some(frame) = picture.take_if(|frame| frame.stamp.time < tick.next().start()) {
            bursts.clear();
            scene.retina.encode(&frame, &mut |burst| bursts.push(burst));
            (stops, moves) = braking[0].look(&bursts);
            (stops_in_field, _) = braking[1].look_at(&power);
            power.fill(0.0);
            picture = video.pull()?;
        }
        while frames.len() < SAMPLES_PER_TICK {
            let Some(block) = sound.pull()? else { return Ok(values) };
            frames.extend(block.frames);
        }
        let mut heard = [[0.0; 2]; SAMPLES_PER_TICK];
        for (to, from) in heard.iter_mut().zip(frames.drain(..SAMPLES_PER_TICK)) {
            *to = from;
        }
        let (places, differential) = scene.tick(tick, &bursts, &heard);
        for (power, now) in power.iter_mut().zip(places) {
            *power += now;
        }
        let square: f32 = heard.as_flattened().iter().map(|x| x * x).sum();
        let level = (square / (2 * SAMPLES_PER_TICK) as f32).sqrt();
        values.extend([stops, moves, stops_in_field, differential, level]);
    }
    Ok(values)
}

impl Said {
    fn read(bytes: &[u8]) -> Self {
        let number = |at: &[u8]| f32::from_le_bytes([at[0], at[1], at[2], at[3]]);
        let values: Vec<f32> = bytes.chunks_exact(4).map(number).collect();
        let bins = |of: usize| {
            let bin = |bin: &[f32]| bin.iter().skip(of).step_by(NUMBERS).sum::<f32>() / BIN_TICKS as f32;
            values.chunks_exact(BIN_TICKS * NUMBERS).map(bin).collect()
        };
        Self {
            stops: bins(0),
            moves: bins(1),
            stops_in_field: bins(2),
            differential: bins(3),
            level: bins(4),
        }
    }
}

/// What is seen and what is heard with it.
struct Pair {
    tracks: [Track; 2],
    signals: [Vec<f32>; 2],
    variant: usize,
}

impl Pair {
    /// The sound of `heard` comes `late` bins after its time, round and round.
    fn new(variant: usize, seen: &Said, heard: &Said, late: i64, phases: Option<&Coherence>) -> Self {
        let first = match variant {
            MOVES => &seen.moves,
            FIELD => &seen.stops_in_field,
            _ => &seen.stops,
        };
        let second = if variant == LEVEL { &heard.level } else { &heard.differential };
        let count = first.len().min(second.len());
        let mut sound = second[..count].to_vec();
        let by = late.unsigned_abs() as usize % count.max(1);
        if late < 0 {
            sound.rotate_left(by);
        } else {
            sound.rotate_right(by);
        }
        let signals = [first[..count].to_vec(), sound];
        let mut tracks = [Track::new(count), Track::new(count)];
        for bin in 0..count {
            for (track, signal) in tracks.iter_mut().zip(&signals) {
                for _ in 0..BIN_TICKS {
                    track.take(signal[bin]);
                }
            }
            let [first, second] = &mut tracks;
            if let Some(phases) = phases {
                first.couple(second, STRENGTH, phases);
            }
        }
        Self { tracks, signals, variant }
    }

    fn bins(&self) -> u64 {
        self.signals[0].len() as u64
    }

    /// Ten numbers of the `bins` bins before `end`, the sound's taken `lag` bins later.
    fn numbers(&self, end: u64, lag: i64, bins: u64) -> Option<Coherence> {
        let (seen, heard, other) = (&self.tracks[0], &self.tracks[1], end.checked_add_signed(lag)?);
        match self.variant {
            LOCKING => locking(seen, end, heard, other, bins),
            SIZES => {
                let sizes = coherence(seen, end, heard, other, bins)?.map(|[a, b]| a.hypot(b));
                let powers = sizes.map(|size| size * size);
                Some(std::array::from_fn(|band| [sizes[band], powers[band]]))
            }
            LAGS => {
                let mut found = [[0.0; 2]; BANDS];
                for (found, half) in found.as_flattened_mut().iter_mut().zip((-9..).step_by(2)) {
                    *found = self.correlation(end, other.checked_add_signed(half * BETWEEN / 2)?, bins)?;
                }
                Some(found)
            }
            _ => coherence(seen, end, heard, other, bins),
        }
    }

    /// Pearson's correlation of the signals themselves.
    fn correlation(&self, end: u64, other: u64, bins: u64) -> Option<f32> {
        let part = |of: usize, end: u64| self.signals[of].get(end.checked_sub(bins)? as usize..end as usize);
        let (x, y) = (part(0, end)?, part(1, other)?);
        let mean = |of: &[f32]| of.iter().map(|x| f64::from(*x)).sum::<f64>() / bins as f64;
        let (mean_x, mean_y) = (mean(x), mean(y));
        let mut sums = [0.0f64; 3];
        for (x, y) in x.iter().zip(y) {
            let (x, y) = (f64::from(*x) - mean_x, f64::from(*y) - mean_y);
            sums = [sums[0] + x * y, sums[1] + x * x, sums[2] + y * y];
        }
        let size = (sums[1] * sums[2]).sqrt();
        Some(if size > 0.0 { (sums[0] / size) as f32 } else { 0.0 })
    }

    /// Those of every window.
    fn windows(&self) -> Vec<Coherence> {
        let room = MOST_LAG as u64;
        let ends = (LEAD + WINDOW + room..=self.bins() - room).step_by(STEP as usize);
        ends.filter_map(|end| self.numbers(end, 0, WINDOW)).collect()
    }
}

/// The windows of rooms with their own sound, with another room's, and with their own shifted.
fn sorts(variant: usize, said: &[&Said], phases: Option<&Coherence>) -> [Vec<Coherence>; 3] {
    let mut sorts: [Vec<Coherence>; 3] = Default::default();
    for (room, seen) in said.iter().enumerate() {
        let other = said[(room + 1) % said.len()];
        for (sort, (heard, late)) in sorts.iter_mut().zip([(*seen, 0), (other, 0), (*seen, SHIFT)]) {
            sort.extend(Pair::new(variant, seen, heard, late, phases).windows());
        }
    }
    sorts
}

/// Means a spread apart: d'.
fn apart(own: &[f64], others: &[f64]) -> f64 {
    let moments = |of: &[f64]| {
        let mean = of.iter().sum::<f64>() / of.len() as f64;
        (mean, of.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / of.len() as f64)
    };
    let (one, other) = (moments(own), moments(others));
    (one.0 - other.0) / (0.5 * (one.1 + other.1)).sqrt()
}

/// What half of the rooms say of the other half: d' twice, order parameters twice, and the errors of the asynchrony in ms.
fn judged(
    variant: usize,
    taught: &[&Said],
    tried: &[&Said],
    draws: &mut Stream,
) -> Option<([f64; 4], Vec<f64>)> {
    // Bands are coupled at the phases that own sounds have when nothing couples them.
    let [own, foreign, _] = sorts(variant, taught, None);
    let mut template = Template::learn(&own, &foreign)?;
    let phases = (variant == COUPLED).then_some(*template.own());
    if phases.is_some() {
        let [own, foreign, _] = sorts(variant, taught, phases.as_ref());
        template = Template::learn(&own, &foreign)?;
    }
    let sorts = sorts(variant, tried, phases.as_ref());
    let [own, foreign, shifted] =
        sorts.each_ref().map(|sort| sort.iter().map(|c| template.evidence(c)).collect::<Vec<f64>>());
    let order = |sort: &[Coherence]| {
        sort.iter().map(|c| f64::from(template.order(c))).sum::<f64>() / sort.len() as f64
    };
    let figures = [apart(&own, &foreign), apart(&own, &shifted), order(&sorts[0]), order(&sorts[1])];
    let mut errors = Vec::new();
    for said in tried {
        for _ in 0..3 {
            let late = draws.between(-LATE, LATE + 1.0).floor() as i64;
            let pair = Pair::new(variant, said, said, late, phases.as_ref());
            let room = 2 * MOST_LAG as u64;
            for end in (LEAD + LONG + room..=pair.bins() - room).step_by(LONG as usize / 2) {
                let (found, _) = template.asynchrony_ms(|lag| pair.numbers(end, lag, LONG))?;
                errors.push(found - 10.0 * late as f64);
            }
        }
    }
    Some((figures, errors))
}

/// Runs a variant.
pub(super) fn run(&Run { variant, seed, quick, pictures }: &Run<'_>) -> Result<Vec<Figure>> {
    let count = if quick { QUICK_ROOMS } else { ROOMS };
    if pictures.len() != count {
        let error = Error::configuration("room", "not every room could be drawn").value(pictures.len());
        return Err(error.bound(count));
    }
    let said: Vec<Said> = pictures.iter().map(|room| Said::read(room)).collect();
    let mut draws = Stream::new(seed, 0);
    let all: Vec<&Said> = said.iter().collect();
    let (one, other) = all.split_at(all.len() / 2);
    let (mut figures, mut errors) = ([0.0; 4], Vec::new());
    for (taught, tried) in [(one, other), (other, one)] {
        let (found, late) = judged(variant, taught, tried, &mut draws).unwrap_or(([f64::NAN; 4], Vec::new()));
        figures = std::array::from_fn(|at| figures[at] + 0.5 * found[at]);
        errors.extend(late);
    }
    errors.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let within = errors.iter().filter(|error| error.abs() <= 20.0).count() as f64 / errors.len() as f64;
    let median = errors.get(errors.len() / 2).map_or(f64::NAN, |error| error.abs());
    let metrics = [
        ("d', own and foreign sound, 2 s", figures[0]),
        ("d', own and shifted by 7 s, 2 s", figures[1]),
        ("order parameter, own", figures[2]),
        ("order parameter, foreign", figures[3]),
        ("asynchrony within 20 ms, 10 s", within),
        ("asynchrony's error in ms, median", median),
    ];
    Ok(metrics.map(|(metric, value)| Figure { variant, task: String::from("rooms"), metric, value }).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_that_could_not_be_drawn_is_an_error() {
        assert!(run(&Run { variant: 0, seed: 1, quick: true, pictures: &[] }).is_err());
    }

    /// Rooms in which the same chance events are seen and, 50 ms later, heard.
    fn made_up() -> Vec<Vec<u8>> {
        let room = |number: u32| {
            let mut draws = Stream::new(7, number);
            let mut noise = || 2.0 * draws.normal() as f32;
            let mut values: Vec<[f32; NUMBERS]> =
                (0..40_000).map(|_| [noise(), 0.0, 0.0, noise(), 0.0]).collect();
            let mut at = 200;
            while at + 150 < values.len() {
                for tick in at..at + 100 {
                    values[tick][0] += 1.0;
                    values[tick + 50][3] += 1.0;
                }
                at += draws.between(200.0, 1_500.0) as usize;
            }
            values.as_flattened().iter().flat_map(|x| x.to_le_bytes()).collect()
        };
        (0..ROOMS as u32).map(room).collect()
    }

    #[test]
    fn own_sound_is_told_from_foreign_less_without_phases_and_coupling_locks_all() {
        let pictures = made_up();
        let figures = |variant: usize| {
            let figures = run(&Run { variant, seed: 1, quick: false, pictures: &pictures }).unwrap();
            figures.iter().map(|figure| figure.value).collect::<Vec<f64>>()
        };
        let (own, sizes, coupled) = (figures(0), figures(SIZES), figures(COUPLED));
        assert!(own[0] > 2.0 && own[4] > 0.9, "{own:?}");
        assert!(sizes[0] < own[0] && sizes[4] < 0.8, "{sizes:?}");
        assert!(
            coupled[3] > own[3] + 0.1,
            "foreign sound locks where bands are coupled: {coupled:?} {own:?}"
        );
        // Nothing moves there that does not stop.
        assert!(figures(MOVES)[0].is_nan());
    }

    #[test]
    fn a_room_says_what_stops_what_moves_and_what_sounds() {
        let values = say(1, 2, 32).unwrap();
        assert_eq!(values.len(), 2_000 * NUMBERS);
        for number in 0..NUMBERS {
            assert!(values.iter().skip(number).step_by(NUMBERS).any(|x| *x > 0.0), "{number}");
        }
    }
}
