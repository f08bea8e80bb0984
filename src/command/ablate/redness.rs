//! Colours that appear before an eye, each shown once to be learned, and what is recognised of them later.
//!
//! ```text
//!  grey, a patch of colour on it, grey ─(noise of a camera)─> retina ─> bursts ─> array, twin ─> signature ─> known? ─┐
//!                                           └─> mean colour of the patch's pixels ─> nearest of those taught ────────┴─> right?
//! ```
//!
//! A colour is given by what the retina calls so: its hue and its saturation are angle and size of the complex chroma of linear
//! light, its luminance is that of ITU-R BT.709. The patch has a quarter of the sheet's area; each site is the mean of as many pixels as
//! a camera of 640 x 480 has for a site of the default sheet.

use super::{Figure, Run};
use crate::array::{Array, ArrayParameters};
use crate::error::Result;
use crate::kernel::palette::encode_srgb;
use crate::kernel::team::Team;
use crate::random::Stream;
use crate::readout::signature::known::{Evidence, Known, Part, SURE};
use crate::readout::signature::{AGES, Gauge, Grid, NUMBERS, SLOTS};
use crate::sense::retina::{Retina, RetinaParameters};
use crate::signal::{ArrayId, Burst, Frame, Stamp};
use crate::time::Tick;

/// What is compared.
pub(super) const VARIANTS: [&str; 7] = [
    "as it is",
    "without phase (magnitudes)",
    "without the twin (driven field)",
    "phase not held against the carrier",
    "without cascade (kappa 0)",
    "gain 4.5 (clipped)",
    "pixels, nearest mean (no array)",
];
/// These differ in how a showing is read, not in what the array does.
pub(super) const TOGETHER: [usize; 5] = [AS_IT_IS, MAGNITUDES, DRIVEN, TURNING, PIXELS];
const AS_IT_IS: usize = 0;
const MAGNITUDES: usize = 1;
const DRIVEN: usize = 2;
const TURNING: usize = 3;
const ALONE: usize = 4;
const CLIPPED: usize = 5;
const PIXELS: usize = 6;

/// Hues around the circle.
const HUES: usize = 12;
/// Sizes of the complex chroma; 0.5 is the largest that every hue has.
const SATURATIONS: [f64; 3] = [1.0 / 6.0, 1.0 / 3.0, 0.5];
/// Luminances, white is 1; the ground is grey of the middle one.
const LUMINANCES: [f64; 3] = [0.04, 0.1, 0.25];
/// Standard deviations of a camera's noise, in levels of 255.
const NOISES: [u32; 3] = [8, 32, 64];
/// Sites along a side of the sheet, along one of the patch, and pixels along one of a site.
const SIDE: usize = 32;
const PATCH: usize = 16;
const FINE: usize = 4;
/// Ticks from a picture to the next, of the ground between two patches, and of a patch.
const FRAME: u64 = 33;
const REST: u64 = 15 * FRAME;
const SHOWN: u64 = 5 * FRAME;
/// How often a colour is shown again that nothing noticed, to be taught.
const MOST_TRIES: usize = 20;
/// Slots after which it is said what that slot alone tells.
const LAGS: [(usize, &str); 6] = [
    (0, "hue right, at 1 ms alone"),
    (2, "hue right, at 2-3 ms alone"),
    (4, "hue right, at 5-8 ms alone"),
    (6, "hue right, at 13-21 ms alone"),
    (8, "hue right, at 34-55 ms alone"),
    (10, "hue right, at 89-134 ms alone"),
];

/// A colour: the numbers of its hue, its saturation and its luminance.
type Colour = [usize; 3];

/// The sRGB levels of linear light, 0 to 255.
fn level(linear: f64) -> f64 {
    255.0 * encode_srgb(linear)
}

/// The levels of a colour.
fn levels([hue, saturation, luminance]: Colour) -> [f64; 3] {
    let part = |third: f64| {
        let angle = core::f64::consts::TAU * (hue as f64 / HUES as f64 - third / 3.0);
        (1.0 + 2.0 * SATURATIONS[saturation] * libm::cos(angle)) / 3.0
    };
    let parts = [part(0.0), part(1.0), part(2.0)];
    let own: f64 = parts.iter().zip([0.2126, 0.7152, 0.0722]).map(|(part, weight)| part * weight).sum();
    parts.map(|part| level(part * LUMINANCES[luminance] / own))
}

/// What a showing leaves.
struct Showing {
    /// Slot after slot: of the differential; of the driven field, as if there were no twin; of the differential, turned with the
    /// carriers.
    signatures: [Vec<f32>; 3],
    /// Mean levels of the patch in the first picture that has it.
    pixels: [f64; 3],
}

/// An eye before a screen, and its array.
struct Scene {
    retina: Retina,
    array: Array,
    team: Team,
    tick: Tick,
    frame: Frame,
    draws: Stream,
    noise: Vec<f32>,
    sigma: f64,
}

impl Showing {
    /// Whether there was an onset.
    fn is_noticed(&self) -> bool {
        self.signatures[0].iter().any(|x| *x != 0.0)
    }

    /// What a variant reads.
    fn signature(&self, variant: usize) -> &[f32] {
        let [differential, driven, turned] = &self.signatures;
        match variant {
            DRIVEN => driven,
            TURNING => turned,
            _ => differential,
        }
    }
}

impl Scene {
    fn new(&Run { variant, seed, .. }: &Run<'_>, sigma: f64) -> Result<Self> {
        let mut parameters = ArrayParameters::default();
        match variant {
            ALONE => parameters.kappa = 0.0,
            // The strongest pulses then meet the ceiling as if it stood at four thresholds of the default gain.
            CLIPPED => parameters.burst_gain = 4.5,
            _ => {}
        }
        let side = SIDE * FINE;
        let stamp = Stamp::recorded(Tick(0).start());
        let mut draws = Stream::new(seed, 0);
        Ok(Self {
            retina: Retina::new(&RetinaParameters::default(), SIDE, SIDE, ArrayId(0))?,
            array: Array::new(ArrayId(0), SIDE, SIDE, &parameters, seed, 1)?,
            team: Team::new(1),
            tick: Tick(0),
            frame: Frame { stamp, sequence: 0, width: side, height: side, rgb: vec![0; 3 * side * side] },
            noise: (0..1 << 20).map(|_| draws.normal() as f32).collect(),
            draws,
            sigma,
        })
    }

    /// Whether a pixel lies in the patch.
    fn is_inside(at: usize) -> bool {
        let from = (SIDE - PATCH) / 2 * FINE;
        let inside = from..from + PATCH * FINE;
        inside.contains(&(at / (SIDE * FINE))) && inside.contains(&(at % (SIDE * FINE)))
    }

    /// Takes a picture with noise of its own.
    fn picture(&mut self, colour: Option<Colour>) {
        let ground = [level(LUMINANCES[1]); 3];
        let colour = colour.map_or(ground, levels);
        // A stretch of a long row of draws, begun by chance: as good, and soon done.
        let begin = self.draws.word() as usize % (self.noise.len() - self.frame.rgb.len());
        let noise = self.noise[begin..].chunks_exact(3);
        for (at, (pixel, noise)) in self.frame.rgb.chunks_exact_mut(3).zip(noise).enumerate() {
            let clean = if Self::is_inside(at) { colour } else { ground };
            for ((value, clean), noise) in pixel.iter_mut().zip(clean).zip(noise) {
                // To the nearest.
                *value = ((clean + self.sigma * f64::from(*noise)).clamp(0.0, 255.0) + 0.5) as u8;
            }
        }
        self.frame.stamp = Stamp::recorded(self.tick.start());
        self.frame.sequence += 1;
    }

    /// The mean levels of the patch.
    fn patch(&self) -> [f64; 3] {
        let pixels = self.frame.rgb.chunks_exact(3).enumerate().filter(|(at, _)| Self::is_inside(*at));
        let sums =
            pixels.fold([0u32; 3], |sums, (_, pixel)| [0, 1, 2].map(|c| sums[c] + u32::from(pixel[c])));
        sums.map(|sum| f64::from(sum) / (PATCH * FINE * PATCH * FINE) as f64)
    }

    /// Shows a colour on the ground, or the ground alone.
    fn show(&mut self, colour: Option<Colour>, ticks: u64) -> Showing {
        let mut gauges = [Gauge::new(self.array.shape()), Gauge::new(self.array.shape())];
        let each = gauges[0].grid().slot();
        let mut slots = [vec![0.0; each], vec![0.0; each]];
        let mut showing = Showing { signatures: Default::default(), pixels: [0.0; 3] };
        for at in 0..ticks {
            let mut bursts: Vec<Burst> = Vec::new();
            if at % FRAME == 0 {
                self.picture(colour);
                if at == 0 {
                    showing.pixels = self.patch();
                }
                self.retina.encode(&self.frame, &mut |burst| bursts.push(burst));
            }
            for burst in &bursts {
                self.array.strike(burst);
            }
            self.array.step(self.tick, &mut self.team);
            let (field, twin) = (self.array.field(), self.array.twin());
            let variances = self.array.band_variances();
            let mut ended = None;
            for ((gauge, slot), twin) in gauges.iter_mut().zip(&mut slots).zip([twin.as_ref(), None]) {
                let held = |band: usize| {
                    Some((field.band(band), twin.map(|twin| twin.band(band)), variances[band] as f32))
                };
                ended = gauge.tick(self.tick, bursts.iter(), held, slot);
            }
            if let Some(number) = ended
                && showing.signatures[0].len() == number * each
            {
                let [differential, driven] = &slots;
                let turned = self.turned(number, differential);
                for (signature, slot) in showing.signatures.iter_mut().zip([differential, driven, &turned]) {
                    signature.extend_from_slice(slot);
                }
            }
            self.tick = self.tick.next();
        }
        // An onset that came late leaves less.
        for signature in &mut showing.signatures {
            signature.resize(each * SLOTS, 0.0);
        }
        showing
    }

    /// A slot that ends now, its means turned with the carriers as they stood when each band was looked at.
    fn turned(&self, number: usize, slot: &[f32]) -> Vec<f32> {
        let mut slot = slot.to_vec();
        let bands = self.array.shape().bands;
        let each = slot.len() / bands;
        let began = self.tick.0 + 1 - (AGES[number + 1] - AGES[number]);
        for (band, numbers) in slot.chunks_exact_mut(each).enumerate() {
            let [cos, sin] = self.array.parameters().carrier(band, Tick(began + (bands - 1 - band) as u64));
            let turned = |re: f32, im: f32, [cos, sin]: [f32; 2]| [re * cos - im * sin, re * sin + im * cos];
            for x in numbers.chunks_exact_mut(NUMBERS) {
                let once = turned(x[0], x[1], [cos, sin]);
                let twice = turned(x[2], x[3], [cos * cos - sin * sin, 2.0 * cos * sin]);
                x[..4].copy_from_slice(&[once, twice].concat());
            }
        }
        slot
    }

    /// All colours in an order of chance, and each in its place.
    fn round(&mut self, colours: &[Colour]) -> Vec<Showing> {
        let mut order: Vec<usize> = (0..colours.len()).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, (self.draws.uniform() * (at + 1) as f64) as usize);
        }
        let mut shown: Vec<(usize, Showing)> = order
            .into_iter()
            .map(|at| {
                self.show(None, REST);
                (at, self.show(Some(colours[at]), SHOWN))
            })
            .collect();
        shown.sort_by_key(|(at, _)| *at);
        shown.into_iter().map(|(_, showing)| showing).collect()
    }
}

/// What a showing was taken for.
struct Told {
    /// `None` where it was not even noticed.
    best: Option<usize>,
    /// Ticks until that was decided.
    after: u64,
    foreign: bool,
    /// What each slot alone would say.
    alone: [Option<usize>; SLOTS],
    /// Whether it was told to be nothing that is known by one who had never seen it.
    unknown: bool,
}

/// What is known of one showing each, and what is told of others.
struct Judge {
    known: Known,
    part: Part,
    pixels: Vec<[f64; 3]>,
    variant: usize,
}

impl Judge {
    fn new(grid: Grid, variant: usize, taught: &[Showing]) -> Result<Self> {
        let mut known = Known::new(grid);
        for (name, showing) in taught.iter().enumerate() {
            known.teach(&name.to_string(), showing.signature(variant))?;
        }
        let part = if variant == MAGNITUDES { Part::Magnitude } else { Part::Whole };
        Ok(Self { known, part, pixels: taught.iter().map(|showing| showing.pixels).collect(), variant })
    }

    /// The nearest of the mean levels that were taught.
    fn nearest(&self, pixels: [f64; 3]) -> usize {
        let apart = |a: &[f64; 3]| a.iter().zip(pixels).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        let nearest = self.pixels.iter().enumerate().min_by(|a, b| apart(a.1).total_cmp(&apart(b.1)));
        nearest.map_or(0, |(at, _)| at)
    }

    /// Decides as soon as it is sure, or at the end.
    fn tell(&self, showing: &Showing, truth: usize) -> Told {
        if self.variant == PIXELS {
            let best = self.nearest(showing.pixels);
            return Told {
                best: Some(best),
                after: 0,
                foreign: false,
                alone: [Some(best); SLOTS],
                unknown: false,
            };
        }
        let each = self.known.grid().slot();
        let mut told =
            Told { best: None, after: AGES[SLOTS], foreign: false, alone: [None; SLOTS], unknown: false };
        if !showing.is_noticed() {
            return told;
        }
        let mut evidence = Evidence::new(&self.known, self.part);
        for (slot, numbers) in showing.signature(self.variant).chunks_exact(each).enumerate() {
            let decided = evidence.decided().is_some();
            evidence.take(&self.known, numbers);
            let mut alone = Evidence::at(&self.known, self.part, slot);
            alone.take(&self.known, numbers);
            told.alone[slot] = alone.verdict().map(|verdict| verdict.best);
            if let Some(verdict) = evidence.verdict().filter(|_| !decided) {
                (told.best, told.foreign) = (Some(verdict.best), verdict.is_foreign());
            }
        }
        told.after = evidence.decided().map_or(told.after, |(after, _)| after);
        let others = evidence.without(truth).verdict();
        told.unknown = others.is_none_or(|verdict| verdict.is_foreign() || verdict.confidence < SURE);
        told
    }
}

/// Runs a variant, and those that are read off its run: every colour is taught once and shown twice more, at each level of noise.
pub(super) fn run(run: &Run<'_>) -> Result<Vec<Figure>> {
    let all = (0..HUES * 9).map(|at| [at / 9, at / 3 % 3, at % 3]);
    let colours: Vec<Colour> = all.filter(|[_, s, l]| !run.quick || (*s, *l) == (2, 1)).collect();
    let variants = if run.variant == AS_IT_IS { &TOGETHER[..] } else { &[run.variant] };
    let mut figures = Vec::new();
    for sigma in NOISES {
        let mut scene = Scene::new(run, f64::from(sigma))?;
        scene.show(None, 2 * REST);
        let mut taught = scene.round(&colours);
        // Under strong noise a pale colour may pass unnoticed; it is taught when it is noticed first.
        for (showing, colour) in taught.iter_mut().zip(&colours) {
            for _ in 0..MOST_TRIES {
                if !showing.is_noticed() {
                    scene.show(None, REST);
                    *showing = scene.show(Some(*colour), SHOWN);
                }
            }
        }
        let rounds = if run.quick { 1 } else { 2 };
        let tried: Vec<Showing> = (0..rounds).flat_map(|_| scene.round(&colours)).collect();
        let task = format!("noise {sigma}/255");
        for variant in variants.iter().copied() {
            let judge = Judge::new(Grid::of(scene.array.shape()), variant, &taught)?;
            let truths = (0..colours.len()).cycle();
            let told: Vec<(usize, Told)> =
                truths.zip(&tried).map(|(truth, showing)| (truth, judge.tell(showing, truth))).collect();
            let found = judged(&colours, &told).into_iter();
            figures.extend(found.map(|(metric, value)| Figure {
                variant,
                task: task.clone(),
                metric,
                value,
            }));
        }
    }
    Ok(figures)
}

/// The figures of all that was told.
fn judged(colours: &[Colour], told: &[(usize, Told)]) -> Vec<(&'static str, f64)> {
    let share = |holds: &dyn Fn(&(usize, Told)) -> bool| {
        told.iter().filter(|each| holds(each)).count() as f64 / told.len() as f64
    };
    let apart = |truth: usize, best: Option<usize>| {
        let Some(best) = best else { return usize::MAX };
        let steps = (colours[truth][0] + HUES - colours[best][0]) % HUES;
        steps.min(HUES - steps)
    };
    let mut found = vec![
        ("colour right, of all", share(&|(truth, told)| told.best == Some(*truth))),
        ("hue right, of 12", share(&|(truth, told)| apart(*truth, told.best) == 0)),
        ("hue wrong by 30°", share(&|(truth, told)| apart(*truth, told.best) == 1)),
        ("hue wrong by 60°", share(&|(truth, told)| apart(*truth, told.best) == 2)),
        ("hue wrong by 90° or more", share(&|(truth, told)| (3..HUES).contains(&apart(*truth, told.best)))),
        ("not noticed", share(&|(_, told)| told.best.is_none())),
        (
            "ms until decided, mean",
            told.iter().map(|(_, told)| told.after as f64).sum::<f64>() / told.len() as f64,
        ),
        ("decided within 150 ms", share(&|(_, told)| told.after < AGES[SLOTS])),
        ("taught, told unknown", share(&|(_, told)| told.foreign)),
        ("untaught, told unknown", share(&|(_, told)| told.unknown)),
    ];
    for (slot, metric) in LAGS {
        found.push((metric, share(&|(truth, told)| apart(*truth, told.alone[slot]) == 0)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_retina_sees_the_hue_that_a_colour_was_made_of() {
        use crate::kernel::contrast::chroma;
        for hue in 0..HUES {
            let linear = levels([hue, 2, 1]).map(|level| {
                let coded = level / 255.0;
                (if coded <= 0.040_45 { coded / 12.92 } else { libm::pow((coded + 0.055) / 1.055, 2.4) })
                    as f32
            });
            let [re, im] = chroma(linear, 0.0);
            let turns = libm::atan2f(im, re) / core::f32::consts::TAU * HUES as f32;
            let off = (turns - hue as f32 + 1.5 * HUES as f32).rem_euclid(HUES as f32) - 0.5 * HUES as f32;
            assert!(off.abs() < 1e-3 && (re.hypot(im) - 0.5).abs() < 1e-3, "{hue}: {turns} {re} {im}");
        }
    }

    #[test]
    fn hues_are_told_by_the_phase_of_the_differential_and_not_without_it() {
        let figures = run(&Run { variant: AS_IT_IS, seed: 1, quick: true, pictures: &[] }).unwrap();
        let right = |variant: usize| {
            let mut figures = figures.iter().filter(|figure| figure.variant == variant);
            figures.find(|figure| figure.metric == "hue right, of 12").unwrap().value
        };
        assert!(right(AS_IT_IS) > 0.9);
        assert!(right(MAGNITUDES) < 0.6);
        assert!(right(TURNING) < 0.6);
        assert!(right(PIXELS) > 0.9);
    }
}
