//! The mind's eye beside a run: what the real-time thread copies of the field for it, and the thread on which it lives.
//!
//! ```text
//! realtime: probe ═moments═> keeper ─moment, picture─> mind ─latest─> page
//!             ^═══════════════════spare═════════════════┘
//! ```
//!
//! In a replay a moment waits for the picture that was in sight, which stands behind it in the session.
//!
//! A moment is one band a tick, so that no tick does much for it, and small, however large the sheet is. A mind that is a second behind is waited for; but
//! not in a paced run: there moments are skipped, and counted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender};

use super::instrument::Instrument;
use super::sights::InSight;
pub use super::sights::PATIENCE;
use crate::error::Error;
use crate::memory::mind::{DREAM_PLANES, MOMENT_TICKS, Mind, MindParameters, Moment, SIDE, TRACE_SIDE};
use crate::readout::trace::{pixel_of, pooled_power};
use crate::signal::{ArrayId, InputPicture, MindFigures, MindPicture, SheetShape};
use crate::stream::Sink;
use crate::stream::latest::Writer;
use crate::stream::priority;
use crate::stream::ring::{Consumer, Producer, ring};
use crate::time::Tick;

/// Moments that may wait: a second.
const MOMENTS: usize = 10;
/// Those that may wait for their pictures besides, in a replay.
const BEHIND: usize = PATIENCE.div_ceil(MOMENT_TICKS) as usize;
/// What is left of an impression after a tick: `e^(-1/20)`, so that it reaches back some 20 ms.
const KEPT: f32 = 0.951_229_4;

/// The real-time thread's part.
pub struct Probe {
    array: usize,
    shape: SheetShape,
    pixels: (usize, usize),
    pixel_of_site: Vec<u16>,
    /// The sites whose tonic rhythm dreams begin with.
    grain: Vec<u32>,
    /// One over the sites of each pixel.
    share: Vec<f32>,
    impression: Vec<f32>,
    driven: f32,
    /// Whether a mind that is behind is waited for.
    waits: bool,
    /// How many moments were skipped.
    skipped: Arc<AtomicU64>,
    filling: Option<Box<Moment>>,
    moments: Producer<Box<Moment>>,
    spare: Consumer<Box<Moment>>,
}

/// The keeper's part.
pub struct Moments {
    waiting: Consumer<Box<Moment>>,
    mind: Sender<(Box<Moment>, Option<Arc<InputPicture>>)>,
    in_sight: InSight,
    figures: Arc<Mutex<MindFigures>>,
}

/// The mind's own part.
pub struct Minder {
    mind: Mind,
    inbox: Receiver<(Box<Moment>, Option<Arc<InputPicture>>)>,
    spare: Producer<Box<Moment>>,
    figures: Arc<Mutex<MindFigures>>,
    waited_for: bool,
    skipped: Arc<AtomicU64>,
}

/// What was before the mind's eye, and what was in sight.
#[derive(Clone, Debug, PartialEq)]
pub struct Recalled {
    /// What was recalled, or dreamt.
    pub picture: MindPicture,
    /// What was seen then.
    pub sight: Arc<InputPicture>,
    /// How like both are: their correlation beyond the mean of what was seen; none of a dream.
    pub alike: Option<f64>,
    /// The same with what was seen ten seconds before: chance; none before that time.
    pub elsewhere: Option<f64>,
}

/// Takes each of them, for a file.
pub type RecallSink = Box<dyn Sink<Item = Recalled>>;

/// Shows the newest, and says whether anybody looks.
pub type Shows = (Writer<MindPicture>, Arc<AtomicBool>);

/// All parts, for the array with this index and shape; in a replay pictures come `behind` their ticks, and a run that is not paced `waits`
/// for the mind.
///
/// # Panics
/// Where the sheet has no site or no band, or the parameters are out of bounds.
#[must_use]
pub fn mind(
    parameters: &MindParameters,
    (array, shape): (usize, SheetShape),
    seed: u64,
    [behind, waits]: [bool; 2],
) -> (Probe, Moments, Minder) {
    let SheetShape { height, width, bands } = shape;
    let sheet = (height, width);
    let pixels = (height.min(TRACE_SIDE), width.min(TRACE_SIDE));
    let count = pixels.0 * pixels.1;
    let pixel_of_site: Vec<u16> =
        (0..height * width).map(|site| pixel_of(site, sheet, pixels) as u16).collect();
    let mut sites = vec![0.0f32; count];
    for pixel in &pixel_of_site {
        sites[usize::from(*pixel)] += 1.0;
    }
    let waiting = MOMENTS + if behind { BEHIND } else { 0 };
    let (moments_in, moments_out, _) = ring(waiting);
    let (mut spare_in, spare_out, _) = ring(waiting);
    let (rows, columns) = (height.min(SIDE), width.min(SIDE));
    let site = |at: usize| at / columns * height / rows * width + at % columns * width / columns;
    let empty = Moment {
        trace: vec![0.0; count * bands],
        impression: vec![0.0; count],
        grain: (rows, columns),
        tonic: std::array::from_fn(|_| vec![0.0; rows * columns]),
        ..Moment::default()
    };
    for _ in 0..waiting {
        spare_in.push(Box::new(empty.clone()));
    }
    let (to_mind, inbox) = crossbeam_channel::bounded(waiting);
    let (figures, skipped) = (Arc::<Mutex<MindFigures>>::default(), Arc::<AtomicU64>::default());
    let probe = Probe {
        array,
        shape,
        pixels,
        pixel_of_site,
        grain: (0..rows * columns).map(|at| site(at) as u32).collect(),
        share: sites.iter().map(|sites| 1.0 / sites).collect(),
        impression: vec![0.0; count],
        driven: 0.0,
        waits,
        skipped: Arc::clone(&skipped),
        filling: None,
        moments: moments_in,
        spare: spare_out,
    };
    let moments = Moments {
        waiting: moments_out,
        mind: to_mind,
        in_sight: InSight::new(behind),
        figures: Arc::clone(&figures),
    };
    let mind = Mind::new(parameters, count, bands, seed);
    (probe, moments, Minder { mind, inbox, spare: spare_in, figures, waited_for: waits, skipped })
}

impl Probe {
    /// Whether a tick may run: a moment that it may have to begin can be had, or nobody takes any more.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.waits || self.filling.is_some() || self.spare.waiting() > 0 || !self.spare.is_written()
    }

    /// Takes its part of a tick that was played.
    #[cfg_attr(napot_rtsan, sanitize(realtime = "nonblocking"))]
    pub fn tick(&mut self, tick: Tick, instrument: &Instrument) {
        self.impression.iter_mut().for_each(|x| *x *= KEPT);
        let mut drive = 0.0;
        for burst in instrument.bursts().iter().filter(|burst| burst.array == ArrayId(self.array as u8)) {
            if let Some(pixel) = self.pixel_of_site.get(burst.site as usize) {
                let pixel = usize::from(*pixel);
                self.impression[pixel] += burst.magnitude * self.share[pixel];
                drive += burst.magnitude;
            }
        }
        self.driven += drive * instrument.parameters(self.array).map_or(0.0, |array| array.burst_gain as f32);
        let bands = self.shape.bands as u64;
        let phase = tick.0 % MOMENT_TICKS;
        let Some(band) = phase.checked_sub(MOMENT_TICKS - bands) else { return };
        if band == 0 {
            self.filling = self.spare.pop();
            if self.filling.is_none() {
                self.skipped.fetch_add(1, Ordering::Relaxed);
            }
        }
        let Some(mut moment) = self.filling.take() else { return };
        self.take_band(&mut moment, band as usize, instrument);
        if band + 1 < bands {
            self.filling = Some(moment);
            return;
        }
        moment.tick = tick;
        moment.impression.copy_from_slice(&self.impression);
        moment.driven = self.driven / self.pixel_of_site.len() as f32;
        self.driven = 0.0;
        self.moments.push(moment);
    }

    /// Copies what a band shows.
    fn take_band(&self, moment: &mut Moment, band: usize, instrument: &Instrument) {
        let Some(field) = instrument.field(self.array) else { return };
        let twin = instrument.twin(self.array).map(|twin| twin.band(band));
        let count = self.impression.len();
        let out = &mut moment.trace[band * count..][..count];
        let variance = instrument.band_variances()[band];
        pooled_power(field.band(band), twin, self.shape.width, variance, self.pixels, out);
        // Three bands of the middle, the last for what is lacking.
        let bands = self.shape.bands;
        let first = (bands / 2).min(bands.saturating_sub(DREAM_PLANES));
        for (plane, tonic) in moment.tonic.iter_mut().enumerate() {
            if (first + plane).min(bands - 1) == band {
                let (re, _) = field.band(band);
                tonic.iter_mut().zip(&self.grain).for_each(|(x, site)| *x = re[*site as usize]);
            }
        }
    }
}

impl Moments {
    /// Takes a picture that was seen, in the order of time.
    pub fn see(&mut self, picture: &InputPicture) {
        self.in_sight.see(picture);
    }

    /// Hands on the moments up to the tick that was played last, each with the picture that was in sight; at the `end` no picture comes any
    /// more.
    pub fn hand_on(&mut self, played: Tick, end: bool) {
        while let Some(tick) = self.waiting.peek().map(|moment| moment.tick).filter(|tick| *tick <= played) {
            if !self.in_sight.is_known(tick, played, end) {
                return;
            }
            let (Some(moment), sight) = (self.waiting.pop(), self.in_sight.at(tick)) else { return };
            // A mind that has gone takes none, and the engine asks for none any more.
            let _ = self.mind.try_send((moment, sight));
        }
        // Every later moment finds these behind it, whether one comes or not.
        self.in_sight.at(played);
    }

    /// What the mind did and holds.
    #[must_use]
    pub fn figures(&self) -> MindFigures {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Minder {
    /// Lives moment by moment until no more come; `shows` takes what is before the eye, and says whether anybody looks, and `kept` takes
    /// all of it. What goes wrong there is told at the end, and nothing more is kept.
    pub fn run(
        mut self,
        (mut shows, mut kept): (Option<Shows>, Option<RecallSink>),
    ) -> (Mind, Option<Error>) {
        if !self.waited_for {
            priority::lower();
        }
        let mut failure = None;
        while let Ok((moment, sight)) = self.inbox.recv() {
            let watched = shows.as_ref().is_some_and(|(_, watched)| watched.load(Ordering::Acquire));
            let shown = self.mind.live(&moment, sight.as_deref(), watched || kept.is_some());
            if let (Some(picture), Some(sight), Some(sink)) = (&shown, sight, &mut kept) {
                let [alike, elsewhere] = self.mind.likeness();
                let recalled = Recalled { picture: picture.clone(), sight, alike, elsewhere };
                if let Err(error) = sink.push(&recalled) {
                    (failure, kept) = (Some(error), None);
                }
            }
            if let (Some(picture), Some((writer, _))) = (shown, &mut shows) {
                writer.write(picture);
            }
            self.mind.set_skipped(self.skipped.load(Ordering::Relaxed));
            self.figures.lock().unwrap_or_else(PoisonError::into_inner).clone_from(self.mind.figures());
            self.spare.push(moment);
        }
        // What was skipped last has no moment behind it.
        self.mind.set_skipped(self.skipped.load(Ordering::Relaxed));
        let failure = failure.or_else(|| kept.and_then(|sink| sink.finish().err()));
        (self.mind, failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::ArrayParameters;
    use crate::engine::binding::BindingParameters;
    use crate::engine::objects::ObjectsParameters;
    use crate::engine::{EnginePlan, Pace, StageTimer, VisionPlan};
    use crate::kernel::team::Team;
    use crate::memory::slow::LearningParameters;
    use crate::readout::electrodes::ElectrodeParameters;
    use crate::readout::sonify::SonifyParameters;
    use crate::sense::retina::RetinaParameters;
    use crate::signal::{Burst, Sign};
    use crate::time::ManualClock;

    fn instrument() -> Instrument {
        let plan = EnginePlan {
            seed: 1,
            threads: 1,
            cores: Vec::new(),
            pace: Pace::Max,
            first: Tick(0),
            ticks: None,
            tail_ticks: 0,
            array: ArrayParameters::default(),
            learning: LearningParameters::default(),
            mind: MindParameters::default(),
            binding: BindingParameters::default(),
            objects: ObjectsParameters::default(),
            vision: Some(VisionPlan { height: 20, width: 33, retina: RetinaParameters::default() }),
            hearing: None,
            scalar: None,
            electrodes: ElectrodeParameters::default(),
            sonify: SonifyParameters::default(),
        };
        Instrument::new(&plan).unwrap()
    }

    fn play(instrument: &mut Instrument, probe: &mut Probe, ticks: std::ops::Range<u64>, struck: u64) {
        let (mut team, clock) = (Team::new(1), ManualClock::new());
        for tick in ticks.map(Tick) {
            let burst = |site| Burst {
                time: tick.start(),
                array: ArrayId(0),
                site,
                sign: Sign::On,
                phase: 0.0,
                magnitude: 4.0,
                surprisal_bits: 1.0,
            };
            let seen: Vec<Burst> = if tick.0 == struck { (0..33).map(burst).collect() } else { Vec::new() };
            let mut timer = StageTimer::start(&clock);
            instrument.tick(tick, &[[0.0; 2]; 48], &seen, &mut team, &mut timer);
            probe.tick(tick, instrument);
        }
    }

    #[test]
    fn a_moment_holds_what_came_where_it_came_and_what_is_left_of_it() {
        let mut instrument = instrument();
        let shape = instrument.shapes()[0];
        let (mut probe, mut moments, minder) = mind(&MindParameters::default(), (0, shape), 1, [false, true]);
        let (time, rgb) = (Tick(10).start(), vec![1; 3]);
        let old = InputPicture { time, width: 1, height: 1, rgb, bursts: Vec::new() };
        let later = InputPicture { time: Tick(150).start(), ..old.clone() };
        moments.see(&old);
        moments.see(&later);
        // Within the tick before the moment's first band: the whole top row of the sheet.
        let [first, second] = [1, 2].map(|n| Tick(n * MOMENT_TICKS - 1));
        play(&mut instrument, &mut probe, 0..2 * MOMENT_TICKS, first.0 - 8);
        moments.hand_on(first, false);
        moments.hand_on(second, false);
        let (moment, sight) = minder.inbox.recv().unwrap();
        assert_eq!((moment.tick, moment.impression.len(), moment.grain), (first, 16 * 16, (20, 33)));
        assert_eq!(sight.as_deref(), Some(&old));
        assert!((moment.driven - 4.0 * 3.0 * 33.0 / (20.0 * 33.0)).abs() < 1e-4, "{}", moment.driven);
        let (top, rest) = moment.impression.split_at(16);
        assert!(top.iter().all(|x| (*x - 4.0 * libm::powf(KEPT, 8.0)).abs() < 0.05), "{top:?}");
        assert_eq!(rest.iter().copied().fold(0.0, f32::max), 0.0);
        // The fastest band, which is taken last, is where bursts enter.
        let band = &moment.trace[7 * 256..];
        let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
        assert!(mean(&band[..16]) > 10.0 * mean(&band[64..]), "{} {}", mean(&band[..16]), mean(&band[64..]));
        assert!(moment.tonic.iter().all(|plane| plane.iter().any(|x| *x != 0.0)));
        let (moment, sight) = minder.inbox.recv().unwrap();
        assert_eq!((moment.tick, sight.as_deref()), (second, Some(&later)));
        assert_eq!(moment.driven, 0.0);
    }

    #[test]
    fn pictures_do_not_pile_up_where_no_moment_comes() {
        let shape = instrument().shapes()[0];
        let (_probe, mut moments, _minder) = mind(&MindParameters::default(), (0, shape), 1, [false, true]);
        for tick in (0..500).map(Tick) {
            moments.see(&InputPicture { time: tick.start(), ..InputPicture::default() });
            moments.hand_on(tick, false);
        }
        assert!(moments.in_sight.is_empty());
        assert_eq!(moments.in_sight.at(Tick(499)).map(|picture| picture.time), Some(Tick(499).start()));
    }

    #[test]
    fn in_a_replay_a_moment_waits_for_the_picture_that_stands_behind_it_in_the_session() {
        let mut instrument = instrument();
        let shape = instrument.shapes()[0];
        let (mut probe, mut moments, minder) = mind(&MindParameters::default(), (0, shape), 1, [true, true]);
        let [first, second] = [1, 2].map(|n| Tick(n * MOMENT_TICKS - 1));
        play(&mut instrument, &mut probe, 0..2 * MOMENT_TICKS, u64::MAX);
        let picture = |tick: Tick| InputPicture { time: tick.start(), ..InputPicture::default() };
        moments.see(&picture(Tick(10)));
        moments.hand_on(second, false);
        assert!(minder.inbox.is_empty(), "a picture of tick 50 could still come");
        moments.see(&picture(Tick(50)));
        moments.see(&picture(Tick(100)));
        moments.hand_on(second, false);
        let (moment, sight) = minder.inbox.recv().unwrap();
        assert_eq!((moment.tick, sight.unwrap().time), (first, Tick(50).start()));
        assert!(minder.inbox.is_empty());
        moments.hand_on(second, true);
        let (moment, sight) = minder.inbox.recv().unwrap();
        assert_eq!((moment.tick, sight.unwrap().time), (second, Tick(100).start()));
    }

    #[test]
    fn a_moment_of_a_large_sheet_is_no_larger() {
        let shape = SheetShape { height: 300, width: 1_000, bands: 8 };
        let (probe, ..) = mind(&MindParameters::default(), (0, shape), 1, [false, true]);
        assert_eq!(probe.grain.len(), SIDE * SIDE);
        assert!(probe.grain.windows(2).all(|sites| sites[0] < sites[1]));
        assert!(probe.grain.iter().all(|site| (*site as usize) < 300 * 1_000));
    }

    #[test]
    fn the_engine_waits_for_a_mind_that_is_behind_and_for_none_that_has_gone() {
        let mut instrument = instrument();
        let shape = instrument.shapes()[0];
        let (mut probe, moments, minder) = mind(&MindParameters::default(), (0, shape), 1, [false, true]);
        play(&mut instrument, &mut probe, 0..MOMENT_TICKS * MOMENTS as u64, u64::MAX);
        assert!(!probe.has_room());
        drop(minder);
        assert!(probe.has_room());
        play(&mut instrument, &mut probe, 0..100, u64::MAX);
        drop(moments);
    }

    #[test]
    fn a_paced_run_skips_moments_that_a_mind_has_no_time_for_and_counts_them() {
        let mut instrument = instrument();
        let shape = instrument.shapes()[0];
        let (mut probe, mut moments, mut minder) =
            mind(&MindParameters::default(), (0, shape), 1, [false, false]);
        let [late, on] = [3, 5].map(|more| MOMENT_TICKS * (MOMENTS as u64 + more));
        play(&mut instrument, &mut probe, 0..late, u64::MAX);
        assert!(probe.has_room());
        moments.hand_on(Tick(late), false);
        // One that was lived: there is room for one more.
        let lived = minder.inbox.recv().unwrap().0;
        minder.spare.push(lived);
        play(&mut instrument, &mut probe, late..on, u64::MAX);
        moments.hand_on(Tick(on), false);
        let come: Vec<u64> =
            minder.inbox.try_iter().map(|(moment, _)| moment.tick.0 / MOMENT_TICKS).collect();
        let (first, next) = (1..MOMENTS as u64, MOMENTS as u64 + 3);
        assert_eq!(come, first.chain([next]).collect::<Vec<_>>());
        drop(moments);
        let (mind, _) = minder.run((None, None));
        assert_eq!(mind.figures().skipped, 4);
    }
}
