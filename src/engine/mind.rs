//! The mind's eye beside a run: what the real-time thread copies of the field for it, and the thread on which it lives.
//!
//! ```text
//! realtime: probe ═moments═> keeper ─moment, picture─> mind ─latest─> page
//!             ^═══════════════════spare═════════════════┘
//! ```
//!
//! A moment is one band a tick, so that no tick does much for it, and small, however large the sheet is. In a replay the engine waits where no spare moment is left,
//! and none is missing; a paced run has four seconds of them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender};

use super::instrument::Instrument;
use crate::memory::mind::{DREAM_PLANES, MOMENT_TICKS, Mind, MindParameters, Moment, SIDE, TRACE_SIDE};
use crate::readout::trace::{pixel_of, pooled_power};
use crate::signal::{ArrayId, InputPicture, MindFigures, MindPicture, SheetShape};
use crate::stream::latest::Writer;
use crate::stream::ring::{Consumer, Producer, ring};
use crate::time::{Tick, Timestamp};

/// Moments that may wait: four seconds.
const MOMENTS: usize = 40;
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
    filling: Option<Box<Moment>>,
    moments: Producer<Box<Moment>>,
    spare: Consumer<Box<Moment>>,
}

/// The keeper's part.
pub struct Moments {
    waiting: Consumer<Box<Moment>>,
    mind: Sender<(Box<Moment>, Option<Arc<InputPicture>>)>,
    /// Pictures that no moment has come after yet.
    pictures: VecDeque<Arc<InputPicture>>,
    sight: Option<Arc<InputPicture>>,
    figures: Arc<Mutex<MindFigures>>,
}

/// The mind's own part.
pub struct Minder {
    mind: Mind,
    inbox: Receiver<(Box<Moment>, Option<Arc<InputPicture>>)>,
    spare: Producer<Box<Moment>>,
    figures: Arc<Mutex<MindFigures>>,
}

/// All parts, for the array with this index and shape.
///
/// # Panics
/// Where the sheet has no site or no band, or the parameters are out of bounds.
#[must_use]
pub fn mind(
    parameters: &MindParameters,
    (array, shape): (usize, SheetShape),
    seed: u64,
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
    let (moments_in, moments_out, _) = ring(MOMENTS);
    let (mut spare_in, spare_out, _) = ring(MOMENTS);
    let (rows, columns) = (height.min(SIDE), width.min(SIDE));
    let site = |at: usize| at / columns * height / rows * width + at % columns * width / columns;
    let empty = Moment {
        trace: vec![0.0; count * bands],
        impression: vec![0.0; count],
        grain: (rows, columns),
        tonic: std::array::from_fn(|_| vec![0.0; rows * columns]),
        ..Moment::default()
    };
    for _ in 0..MOMENTS {
        spare_in.push(Box::new(empty.clone()));
    }
    let (to_mind, inbox) = crossbeam_channel::bounded(MOMENTS);
    let figures = Arc::<Mutex<MindFigures>>::default();
    let probe = Probe {
        array,
        shape,
        pixels,
        pixel_of_site,
        grain: (0..rows * columns).map(|at| site(at) as u32).collect(),
        share: sites.iter().map(|sites| 1.0 / sites).collect(),
        impression: vec![0.0; count],
        driven: 0.0,
        filling: None,
        moments: moments_in,
        spare: spare_out,
    };
    let moments = Moments {
        waiting: moments_out,
        mind: to_mind,
        pictures: VecDeque::new(),
        sight: None,
        figures: Arc::clone(&figures),
    };
    let mind = Mind::new(parameters, count, bands, seed);
    (probe, moments, Minder { mind, inbox, spare: spare_in, figures })
}

impl Probe {
    /// Whether a tick may run: a moment that it may have to begin can be had, or nobody takes any more.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.filling.is_some() || self.spare.waiting() > 0 || !self.spare.is_written()
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
        self.pictures.push_back(Arc::new(picture.clone()));
    }

    /// Hands on the moments up to the tick that was played last, each with the picture that was in sight.
    pub fn hand_on(&mut self, played: Tick) {
        while self.waiting.peek().is_some_and(|moment| moment.tick <= played) {
            let Some(moment) = self.waiting.pop() else { return };
            self.look_until(moment.tick.start());
            // A mind that has gone takes none, and the engine asks for none any more.
            let _ = self.mind.try_send((moment, self.sight.clone()));
        }
        // Every later moment finds these behind it, whether one comes or not.
        self.look_until(played.start());
    }

    fn look_until(&mut self, time: Timestamp) {
        while let Some(picture) = self.pictures.pop_front_if(|picture| picture.time <= time) {
            self.sight = Some(picture);
        }
    }

    /// What the mind did and holds.
    #[must_use]
    pub fn figures(&self) -> MindFigures {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Minder {
    /// Lives moment by moment until no more come; `shows` takes what is before the eye, and says whether anybody looks.
    pub fn run(mut self, mut shows: Option<(Writer<MindPicture>, Arc<AtomicBool>)>) -> Mind {
        while let Ok((moment, sight)) = self.inbox.recv() {
            let watched = shows.as_ref().is_some_and(|(_, watched)| watched.load(Ordering::Acquire));
            let shown = self.mind.live(&moment, sight.as_deref(), watched);
            if let (Some(picture), Some((writer, _))) = (shown, &mut shows) {
                writer.write(picture);
            }
            self.figures.lock().unwrap_or_else(PoisonError::into_inner).clone_from(self.mind.figures());
            self.spare.push(moment);
        }
        self.mind
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
        let (mut probe, mut moments, minder) = mind(&MindParameters::default(), (0, shape), 1);
        let old = InputPicture { time: Tick(10).start(), width: 1, height: 1, rgb: vec![1; 3] };
        let later = InputPicture { time: Tick(150).start(), ..old.clone() };
        moments.see(&old);
        moments.see(&later);
        // Within the tick before the moment's first band: the whole top row of the sheet.
        let [first, second] = [1, 2].map(|n| Tick(n * MOMENT_TICKS - 1));
        play(&mut instrument, &mut probe, 0..2 * MOMENT_TICKS, first.0 - 8);
        moments.hand_on(first);
        moments.hand_on(second);
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
        let (_probe, mut moments, _minder) = mind(&MindParameters::default(), (0, shape), 1);
        for tick in (0..500).map(Tick) {
            moments.see(&InputPicture { time: tick.start(), ..InputPicture::default() });
            moments.hand_on(tick);
        }
        assert!(moments.pictures.is_empty());
        assert_eq!(moments.sight.map(|picture| picture.time), Some(Tick(499).start()));
    }

    #[test]
    fn a_moment_of_a_large_sheet_is_no_larger() {
        let shape = SheetShape { height: 300, width: 1_000, bands: 8 };
        let (probe, ..) = mind(&MindParameters::default(), (0, shape), 1);
        assert_eq!(probe.grain.len(), SIDE * SIDE);
        assert!(probe.grain.windows(2).all(|sites| sites[0] < sites[1]));
        assert!(probe.grain.iter().all(|site| (*site as usize) < 300 * 1_000));
    }

    #[test]
    fn the_engine_waits_for_a_mind_that_is_behind_and_for_none_that_has_gone() {
        let mut instrument = instrument();
        let shape = instrument.shapes()[0];
        let (mut probe, moments, minder) = mind(&MindParameters::default(), (0, shape), 1);
        play(&mut instrument, &mut probe, 0..MOMENT_TICKS * MOMENTS as u64, u64::MAX);
        assert!(!probe.has_room());
        drop(minder);
        assert!(probe.has_room());
        play(&mut instrument, &mut probe, 0..100, u64::MAX);
        drop(moments);
    }
}
