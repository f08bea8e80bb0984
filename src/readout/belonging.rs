//! How surely a sound belongs to a picture: templates with the scale of their evidence, learned from recordings and judged on others.
//!
//! ```text
//! e    the template's evidence over a window (see binding)
//! E    = (e - (m₁ + m₀) / 2) / s        in spreads; m₁, m₀, s: means of what belongs together and of what does not, their spread
//! d'   = (m₁ - m₀) / s
//! p    = 1 / (1 + exp(-d' E))          that it belongs together, where either is as likely before and both are normal
//! ```
//!
//! The asynchrony has the same, of the largest evidence among all shifts: m₁ where the shift was met within 20 ms, m₀ where not.

use serde::{Deserialize, Serialize};

use super::binding::{BIN_TICKS, Coherence, MOST_LAG, Template, Track, coherence};
use crate::error::{Error, Result};
use crate::signal::SensesLack;
use crate::time::TICKS_PER_SECOND;

/// Bins of a second.
pub const BINS_PER_SECOND: u64 = TICKS_PER_SECOND / BIN_TICKS as u64;
/// Bins of a window in which it is told whether senses belong together, and by how much one is late.
pub const WINDOW: u64 = 2 * BINS_PER_SECOND;
/// See [`WINDOW`].
pub const LONG: u64 = 10 * BINS_PER_SECOND;
/// Bins before the first window: means and bands must settle.
pub const LEAD: u64 = 2 * BINS_PER_SECOND;
/// Bins from a window that is learned or judged to the next; of long ones.
const STEP: usize = BINS_PER_SECOND as usize;
const LONG_STEP: usize = 5 * STEP;
/// Bins by which a sound is shifted that is not to belong to its picture any more.
pub const SHIFT: i64 = 7 * BINS_PER_SECOND.cast_signed();
/// Bins by which sounds are late or early where that is to be found.
const LATE: [i64; 4] = [-20, -7, 5, 16];
/// A shift that is found within so many milliseconds is met.
const MET_MS: f64 = 20.0;
/// Mean level below which a window is silent, of full scale: -70 dB.
const SILENT: f32 = 3.2e-4;
/// What stops on the mean in a window below which it is still, in burst units.
const STILL: f32 = 0.05;
/// The shortest recording that is learned from, in bins.
pub const LEAST: usize = 30 * BINS_PER_SECOND as usize;
/// The form of the file.
const FORM: &str = "napot-senses-1";

/// What is compared with what stops in the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// The power of the hearing array's differential from its twin in the fastest band.
    Differential,
    /// The level of the sound itself: where no twin runs.
    Level,
}

/// What a recording says, bin by bin of 10 ms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// What stops in the picture, in burst units.
    pub stops: Vec<f32>,
    /// The power of the hearing array's differential, in `E_b`.
    pub differential: Vec<f32>,
    /// The rms of the sound, of full scale.
    pub level: Vec<f32>,
}

impl Said {
    /// Bins that all of it has.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.stops.len().min(self.differential.len()).min(self.level.len())
    }

    /// Whether it can be learned from.
    ///
    /// # Errors
    /// Where it is too short, silent or still throughout; the file `name`, value and bound are named.
    pub fn check(&self, name: &str) -> Result<()> {
        let wrong = |problem: &str| Error::input(name, problem);
        let bins = self.bins();
        let window = WINDOW as usize;
        let tells = |lack: SensesLack| {
            let mut windows = (0..bins / window).map(|at| at * window..(at + 1) * window);
            windows.any(|at| lacking(&self.stops[at.clone()], &self.level[at]) != Some(lack))
        };
        let most = |of: &[f32]| of.iter().copied().fold(0.0, f32::max);
        // What is silent throughout does not get better by being longer.
        if bins >= window && !tells(SensesLack::Silence) {
            let error =
                wrong("its sound is silent").value(format!("a level of {} at most", most(&self.level)));
            return Err(error.bound(format!("{SILENT} of full scale on the mean of 2 s")));
        }
        if bins >= window && !tells(SensesLack::Stillness) {
            let error = wrong("nothing stops in its picture");
            let error = error.value(format!("{} burst units at most", most(&self.stops)));
            return Err(error.bound(format!("{STILL} on the mean of 2 s")));
        }
        if bins < LEAST {
            let error =
                wrong("it is too short to tell whether sound and picture belong together, in seconds");
            let seconds = bins as f64 / BINS_PER_SECOND as f64;
            return Err(error.value(seconds).bound(format!("at least {}", LEAST as u64 / BINS_PER_SECOND)));
        }
        Ok(())
    }

    fn heard(&self, hearing: Hearing) -> &[f32] {
        match hearing {
            Hearing::Differential => &self.differential,
            Hearing::Level => &self.level,
        }
    }
}

/// What a window lacks, by what stops and what sounds in its bins; `None` where there is something to tell.
#[must_use]
pub fn lacking(stops: &[f32], level: &[f32]) -> Option<SensesLack> {
    let mean = |of: &[f32]| of.iter().sum::<f32>() / of.len().max(1) as f32;
    if mean(level) < SILENT {
        Some(SensesLack::Silence)
    } else if mean(stops) < STILL {
        Some(SensesLack::Stillness)
    } else {
        None
    }
}

/// What one number tells of two kinds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Mean where it is so.
    yes: f64,
    /// Mean where it is not.
    no: f64,
    /// The spread of both.
    spread: f64,
}

impl Scale {
    fn of(yes: &[f64], no: &[f64]) -> Option<Self> {
        let ((one, wide), (other, broad)) = (moments(yes)?, moments(no)?);
        let scale = Self { yes: one, no: other, spread: (0.5 * (wide + broad)).sqrt() };
        scale.is_whole().then_some(scale)
    }

    fn is_whole(&self) -> bool {
        [self.yes, self.no, self.spread].iter().all(|x| x.is_finite())
            && self.spread > 0.0
            && self.yes > self.no
    }

    /// How far the kinds are apart, in spreads: d'.
    #[must_use]
    pub fn apart(&self) -> f64 {
        (self.yes - self.no) / self.spread
    }

    /// The number in spreads from the middle of both: above 0 it speaks for yes.
    #[must_use]
    pub fn evidence(&self, number: f64) -> f64 {
        (number - 0.5 * (self.yes + self.no)) / self.spread
    }

    /// The probability of yes, 0 to 1.
    #[must_use]
    pub fn confidence(&self, number: f64) -> f64 {
        1.0 / (1.0 + libm::exp(-self.apart() * self.evidence(number)))
    }
}

/// A template, and what its evidence is worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaled {
    /// What belongs together.
    pub template: Template,
    /// The evidence of a window of 2 s.
    pub belonging: Scale,
    /// The largest evidence of a window of 10 s.
    pub asynchrony: Scale,
}

/// What templates say of recordings that did not teach them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// d' of own against foreign sound, 2 s; `None` of a single recording.
    pub apart_foreign: Option<f64>,
    /// d' of own sound against the same 7 s late, 2 s.
    pub apart_shifted: Option<f64>,
    /// Mean order parameter of own sound.
    pub order_own: f64,
    /// The same of sound that does not belong to the picture.
    pub order_others: f64,
    /// Share of windows in which the right is said: own or not.
    pub right: f64,
    /// Share of asynchronies, of sound shifted by known times, that are found within 20 ms, 10 s.
    pub met: f64,
    /// The same of those that are told with a confidence of a half or more, and the share that these are.
    pub met_of_sure: Option<f64>,
    /// See `met_of_sure`.
    pub sure: f64,
    /// Share of windows with foreign or shifted sound whose asynchrony is told with a confidence of a half or more.
    pub sure_of_others: f64,
    /// Median error of the asynchrony in ms.
    pub error_ms: f64,
}

/// A picture with a sound that is its own or not.
struct Pair<'a> {
    stops: &'a [f32],
    level: Vec<f32>,
    tracks: [Track; 2],
}

impl<'a> Pair<'a> {
    /// The sound comes `late` bins after its time, round and round.
    fn new(seen: &'a Said, heard: &Said, hearing: Hearing, late: i64) -> Self {
        let count = seen.bins().min(heard.bins());
        let turned = |of: &[f32]| {
            let mut of = of[..count].to_vec();
            let by = late.rem_euclid(i64::try_from(count.max(1)).unwrap_or(i64::MAX)) as usize;
            of.rotate_right(by);
            of
        };
        let mut tracks = [Track::new(count), Track::new(count)];
        let sound = turned(heard.heard(hearing));
        for (track, signal) in tracks.iter_mut().zip([&seen.stops[..count], &sound[..]]) {
            for x in signal {
                track.take_bin(*x);
            }
        }
        Self { stops: &seen.stops[..count], level: turned(&heard.level), tracks }
    }

    /// The ends of windows in which there is something to tell.
    fn ends(&self, bins: u64, step: usize) -> impl Iterator<Item = u64> {
        let room = MOST_LAG as u64;
        let ends = (LEAD + bins + room..=(self.stops.len() as u64).saturating_sub(room)).step_by(step);
        ends.filter(move |end| {
            let at = (end - bins) as usize..*end as usize;
            lacking(&self.stops[at.clone()], &self.level[at]).is_none()
        })
    }

    fn windows(&self) -> Vec<Coherence> {
        let [seen, heard] = &self.tracks;
        self.ends(WINDOW, STEP).filter_map(|end| coherence(seen, end, heard, end, WINDOW)).collect()
    }

    /// The asynchrony of every long window in ms, and the evidence for it.
    fn asynchronies(&self, template: &Template) -> Vec<(f64, f64)> {
        self.ends(LONG, LONG_STEP).filter_map(|end| asynchrony(template, &self.tracks, end)).collect()
    }
}

/// The asynchrony in the long window before the bin `end` in ms, and the evidence for it.
#[must_use]
pub fn asynchrony(template: &Template, [seen, heard]: &[Track; 2], end: u64) -> Option<(f64, f64)> {
    template.asynchrony_ms(|lag| coherence(seen, end, heard, end.checked_add_signed(lag)?, LONG))
}

/// Pictures of recordings with their own sound, with the next one's where there are several, and with their own late.
struct Sorts<'a> {
    own: Vec<Pair<'a>>,
    foreign: Vec<Pair<'a>>,
    shifted: Vec<Pair<'a>>,
}

impl<'a> Sorts<'a> {
    fn new(said: &'a [&'a Said], hearing: Hearing) -> Self {
        let late = |by: i64| said.iter().map(|one| Pair::new(one, one, hearing, by)).collect();
        let next =
            (0..said.len()).filter(|_| said.len() > 1).map(|at| (said[at], said[(at + 1) % said.len()]));
        Self {
            own: late(0),
            foreign: next.map(|(seen, heard)| Pair::new(seen, heard, hearing, 0)).collect(),
            shifted: late(SHIFT),
        }
    }

    fn others(&self) -> impl Iterator<Item = &Pair<'a>> {
        self.foreign.iter().chain(&self.shifted)
    }
}

impl Scaled {
    /// From what recordings say; `None` where that does not tell what belongs together from what does not.
    #[must_use]
    pub fn learn(said: &[&Said], hearing: Hearing) -> Option<Self> {
        let sorts = Sorts::new(said, hearing);
        let own: Vec<Coherence> = sorts.own.iter().flat_map(Pair::windows).collect();
        let others: Vec<Coherence> = sorts.others().flat_map(Pair::windows).collect();
        let template = Template::learn(&own, &others)?;
        let evidence = |of: &[Coherence]| of.iter().map(|c| template.evidence(c)).collect::<Vec<f64>>();
        let belonging = Scale::of(&evidence(&own), &evidence(&others))?;
        let found = |pair: &Pair| pair.asynchronies(&template);
        let (met, missed): (Vec<_>, Vec<_>) =
            sorts.own.iter().flat_map(found).partition(|(ms, _)| ms.abs() <= MET_MS);
        let peaks = |of: Vec<(f64, f64)>| of.into_iter().map(|(_, peak)| peak).collect::<Vec<f64>>();
        let others = [missed, sorts.others().flat_map(found).collect()].concat();
        let asynchrony = Scale::of(&peaks(met), &peaks(others))?;
        Some(Self { template, belonging, asynchrony })
    }

    /// What it says of recordings that it did not learn from; `None` where no window of them tells anything.
    #[must_use]
    pub fn judge(&self, said: &[&Said], hearing: Hearing) -> Option<Judged> {
        let sorts = Sorts::new(said, hearing);
        let windows = |of: &[Pair]| of.iter().flat_map(Pair::windows).collect::<Vec<Coherence>>();
        let kinds = [windows(&sorts.own), windows(&sorts.foreign), windows(&sorts.shifted)];
        let [own, foreign, shifted] = kinds.each_ref().map(|of| {
            of.iter().map(|c| self.belonging.evidence(self.template.evidence(c))).collect::<Vec<f64>>()
        });
        let apart = |others: &[f64]| Scale::of(&own, others).map(|scale| scale.apart());
        let order = |of: &[Coherence]| {
            of.iter().map(|c| f64::from(self.template.order(c))).sum::<f64>() / of.len() as f64
        };
        let share = |of: &[f64], is: &dyn Fn(f64) -> bool| {
            of.iter().filter(|x| is(**x)).count() as f64 / of.len().max(1) as f64
        };
        let others = [&foreign[..], &shifted].concat();
        let mut errors = Vec::new();
        for one in said {
            for late in LATE {
                let found = Pair::new(one, one, hearing, late).asynchronies(&self.template);
                errors.extend(found.iter().map(|(ms, peak)| ((ms - 10.0 * late as f64).abs(), *peak)));
            }
        }
        errors.sort_by(|a, b| a.0.total_cmp(&b.0));
        let is_sure = |peak: f64| self.asynchrony.confidence(peak) >= 0.5;
        let met = |of: &[(f64, f64)]| {
            of.iter().filter(|(error, _)| *error <= MET_MS).count() as f64 / of.len() as f64
        };
        let sure: Vec<(f64, f64)> = errors.iter().copied().filter(|(_, peak)| is_sure(*peak)).collect();
        let peaks = sorts.others().flat_map(|pair| pair.asynchronies(&self.template));
        let peaks: Vec<f64> = peaks.map(|(_, peak)| peak).collect();
        Some(Judged {
            apart_foreign: apart(&foreign),
            apart_shifted: apart(&shifted),
            order_own: order(&kinds[0]),
            order_others: order(&kinds[1..].concat()),
            right: 0.5 * (share(&own, &|x| x > 0.0) + share(&others, &|x| x < 0.0)),
            met: met(&errors),
            met_of_sure: (!sure.is_empty()).then(|| met(&sure)),
            sure: sure.len() as f64 / errors.len() as f64,
            sure_of_others: share(&peaks, &is_sure),
            error_ms: errors.get(errors.len() / 2)?.0,
        })
    }

    fn is_whole(&self) -> bool {
        self.template.is_whole() && self.belonging.is_whole() && self.asynchrony.is_whole()
    }
}

/// Mean and variance; `None` of nothing.
fn moments(of: &[f64]) -> Option<(f64, f64)> {
    let count = of.len() as f64;
    let mean = of.iter().sum::<f64>() / count;
    (!of.is_empty()).then(|| (mean, of.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count))
}

/// What is known of sounds that belong to their pictures: by the hearing array, and by the sound's level where no twin runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Templates {
    form: String,
    /// The call that made it.
    pub made: String,
    differential: Scaled,
    level: Scaled,
}

impl Templates {
    /// From what recordings say; the call that makes it in words.
    ///
    /// # Errors
    /// Where they do not tell what belongs together from what does not.
    pub fn learn(said: &[&Said], made: String) -> Result<Self> {
        let learned = |hearing| {
            Scaled::learn(said, hearing).ok_or_else(|| {
                let problem =
                    "these recordings don't tell a sound that belongs to its picture from one that does not";
                let error = Error::call("learn senses", problem).value(format!("{} recordings", said.len()));
                error.help("Give longer ones, in which things are heard as they are seen to stop.")
            })
        };
        let (differential, level) = (learned(Hearing::Differential)?, learned(Hearing::Level)?);
        Ok(Self { form: FORM.to_owned(), made, differential, level })
    }

    /// The template for what is compared.
    #[must_use]
    pub fn of(&self, hearing: Hearing) -> &Scaled {
        match hearing {
            Hearing::Differential => &self.differential,
            Hearing::Level => &self.level,
        }
    }

    /// The text of a file.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn to_text(&self) -> Result<String> {
        serde_json::to_string_pretty(self)
            .map(|text| text + "\n")
            .map_err(|cause| Error::output("template", "it can't be written").value(cause))
    }

    /// From the bytes of the file `name`.
    ///
    /// # Errors
    /// Where that is no template, of another form, or holds what is no number.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self> {
        let templates: Self = serde_json::from_slice(bytes)
            .map_err(|cause| Error::input(name, "this is no template of the senses").value(cause))?;
        if templates.form != FORM {
            let error = Error::input(name, "the template is of another form").value(&templates.form);
            return Err(error.bound(FORM));
        }
        if !(templates.differential.is_whole() && templates.level.is_whole()) {
            let error = Error::input(name, "the template is not whole");
            return Err(error.bound("all its numbers, finite, spreads and distances above 0"));
        }
        Ok(templates)
    }
}

#[cfg(test)]
#[path = "belonging_tests.rs"]
mod tests;
