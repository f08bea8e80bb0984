//! What people may change of a run while it goes on, and the numbers that follow from it, worked out beside the engine.

use crate::array::{self, ArrayParameters};
use crate::error::{Error, Result};
use crate::memory::slow::LearningParameters;
use crate::signal::{AS_CONFIGURED, LiveParameter, LiveState, SheetShape};

/// The parameters of which some may change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tunable {
    /// Of the arrays.
    pub array: ArrayParameters,
    /// Of what they learn.
    pub learning: LearningParameters,
}

/// A parameter that may change: how it is told, and where it lies.
struct Live {
    told: LiveParameter,
    of: fn(&mut Tunable) -> &mut f64,
}

/// The one that is there only where arrays learn.
const RATE: &str = "learning.rate";

/// The parameters that may change while a run goes on, in the order in which they are told; the rate of learning only where
/// a run `learns`.
fn live(learns: bool) -> impl Iterator<Item = Live> {
    let live = |key, name, unit, low, high, what, of| Live {
        told: LiveParameter { key, name, unit, low, high, default: 0.0, what },
        of,
    };
    let all = [
        live("array.chi", "Exponent χ", "", 0.5, 2.0, "How steeply the tonic spectrum falls", |p| {
            &mut p.array.chi
        }),
        live("array.kappa", "Cascade κ", "", 0.0, 4.0, "How strongly bursts spread to slower bands", |p| {
            &mut p.array.kappa
        }),
        live("array.tonic", "Tonic noise", "× rms", 0.0, 3.0, "How strong the rhythm of its own is", |p| {
            &mut p.array.tonic
        }),
        live("array.burst_gain", "Burst gain", "× rms", 0.0, 12.0, "How hard a burst strikes", |p| {
            &mut p.array.burst_gain
        }),
        live("array.burst_ms", "Burst length", "ms", 1.0, 200.0, "How long a burst drives", |p| {
            &mut p.array.burst_ms
        }),
        live("array.diffusion", "Diffusion", "γ", 0.0, 1.0, "How far a burst spreads over the sheet", |p| {
            &mut p.array.diffusion
        }),
        live(
            "array.saturation",
            "Saturation",
            "γ/E",
            0.0,
            1.0,
            "How hard strong amplitudes are held",
            |p| &mut p.array.saturation,
        ),
        live("array.q", "Quality Q", "", 0.5, 10.0, "How long a band rings", |p| &mut p.array.q),
        live(RATE, "Learning", "η", 0.0, 1.0, "How fast what repeats is expected and fades", |p| {
            &mut p.learning.rate
        }),
    ];
    all.into_iter().filter(move |live| learns || live.told.key != RATE)
}

/// The parameters that may change, each with what it is in `parameters`.
#[must_use]
pub fn live_parameters(parameters: &Tunable) -> Vec<LiveParameter> {
    let mut parameters = parameters.clone();
    let there = live(parameters.learning.enabled);
    there.map(|live| LiveParameter { default: *(live.of)(&mut parameters), ..live.told }).collect()
}

/// States of a brain that the array can take after.
///
/// What is known is the order: spectra grow steeper from waking to REM sleep to deep sleep when fitted broadly (Schneider et
/// al., Front Neuroinform 16:989262, 2022), and deep sleep holds the most power in its slowest bands; over 30 to 45 Hz
/// REM sleep is the steepest (Lendner et al., eLife 9:e55092, 2020). χ keeps the former order in the range that an array
/// has, 0.5 to 2; κ is weak where bursts die near their place, as evoked activity does in deep sleep (Massimini et al.,
/// Science 309:2228, 2005), and beyond the edge of chaos in the dream, which goes on by itself.
#[must_use]
pub fn live_states() -> Vec<LiveState> {
    let state = |name, what, chi, kappa, tonic, burst_gain| LiveState {
        name,
        what,
        values: vec![
            ("array.chi", chi),
            ("array.kappa", kappa),
            ("array.tonic", tonic),
            ("array.burst_gain", burst_gain),
        ],
    };
    vec![
        state(
            "awake",
            "Pink, open to what comes: the edge of chaos; flattest in the order of Schneider et al. 2022",
            1.0,
            2.0,
            1.0,
            3.0,
        ),
        state(
            "drowsy",
            "Steeper; bursts reach less far; between waking and sleep in the order of Schneider et al. 2022",
            1.35,
            1.2,
            1.1,
            2.0,
        ),
        state(
            "deep",
            "Slow waves, steepest (Schneider et al. 2022); bursts die in place (Massimini et al. 2005)",
            1.9,
            0.4,
            1.4,
            1.0,
        ),
        state(
            "dream",
            "Cut off, beyond the edge: it goes on by itself; slope as REM sleep's in Schneider et al. 2022",
            1.5,
            2.6,
            1.2,
            0.5,
        ),
    ]
}

/// New numbers for every array of an engine.
#[derive(Clone, Debug)]
pub struct Tuning {
    pub(super) arrays: Vec<array::Tuning>,
    pub(super) variances: Vec<f32>,
    /// The rate of learning.
    pub(super) rate: f64,
}

/// A change of a run: what a session keeps of it, and what the keeper must know.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// All parameters that may change, as `key=value`, with blanks between.
    pub text: String,
    /// The same.
    pub values: Vec<f64>,
    /// `E_b` of every band, slowest first.
    pub variances: Vec<f32>,
}

/// Works out tunings.
#[derive(Clone, Debug)]
pub struct Tuner {
    configured: Tunable,
    parameters: Tunable,
    shapes: Vec<SheetShape>,
}

impl Tuner {
    /// A tuner of a run's arrays.
    #[must_use]
    pub fn new(configured: &Tunable, shapes: Vec<SheetShape>) -> Self {
        Self { configured: configured.clone(), parameters: configured.clone(), shapes }
    }

    /// The parameters that may change, as they are.
    #[must_use]
    pub fn values(&self) -> Vec<f64> {
        live_parameters(&self.parameters).iter().map(|live| live.default).collect()
    }

    /// Sets parameters; all or none.
    ///
    /// # Errors
    /// Where a key is not one that may change, a value is out of its bounds, or they do not go together.
    pub fn set(&mut self, values: &[(String, f64)]) -> Result<(Tuning, Change)> {
        let mut parameters = self.parameters.clone();
        for (key, value) in values {
            put(&mut parameters, key, *value)?;
        }
        self.tune(parameters)
    }

    /// Takes a change as a session keeps it.
    ///
    /// # Errors
    /// Where it can't be read, or as [`Self::set`].
    pub fn take(&mut self, text: &str) -> Result<(Tuning, Change)> {
        let mut parameters = self.configured.clone();
        if text != AS_CONFIGURED {
            for item in text.split_whitespace() {
                let read = item.split_once('=').and_then(|(key, value)| Some((key, value.parse().ok()?)));
                let Some((key, value)) = read else {
                    return Err(Error::configuration(item, "a change can't be read").bound("key=number"));
                };
                put(&mut parameters, key, value)?;
            }
        }
        self.tune(parameters)
    }

    fn tune(&mut self, parameters: Tunable) -> Result<(Tuning, Change)> {
        parameters.learning.check()?;
        let tunings: Result<Vec<array::Tuning>> = self
            .shapes
            .iter()
            .map(|shape| array::Tuning::new(&parameters.array, shape.height, shape.width))
            .collect();
        let arrays = tunings?;
        let rate = parameters.learning.rate;
        self.parameters = parameters;
        let variances: Vec<f32> =
            arrays.first().map_or(&[][..], array::Tuning::band_variances).iter().map(|e| *e as f32).collect();
        let told = live_parameters(&self.parameters);
        let text: Vec<String> = told.iter().map(|live| format!("{}={}", live.key, live.default)).collect();
        let values = told.iter().map(|live| live.default).collect();
        Ok((
            Tuning { arrays, variances: variances.clone(), rate },
            Change { text: text.join(" "), values, variances },
        ))
    }
}

fn put(parameters: &mut Tunable, key: &str, value: f64) -> Result<()> {
    let there = || live(parameters.learning.enabled);
    let Some(live) = there().find(|live| live.told.key == key) else {
        let keys: Vec<&str> = there().map(|live| live.told.key).collect();
        let error = Error::configuration(key, "this can't be changed while a run goes on");
        return Err(error.bound(keys.join(", ")));
    };
    *(live.of)(parameters) = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuner() -> Tuner {
        let shape = SheetShape { height: 8, width: 8, bands: 8 };
        Tuner::new(&Tunable::default(), vec![shape])
    }

    #[test]
    fn a_change_is_told_whole_and_read_back_to_the_bit() {
        let mut tuner = tuner();
        let (tuning, change) = tuner.set(&[("array.kappa".to_owned(), 0.1 + 0.2)]).unwrap();
        let mut other = self::tuner();
        other.set(&[("array.chi".to_owned(), 1.9)]).unwrap();
        let (again, same) = other.take(&change.text).unwrap();
        assert_eq!(change, same);
        assert_eq!(tuning.variances, again.variances);
        assert_eq!(tuner.values(), other.values());
        let (_, first) = other.take(AS_CONFIGURED).unwrap();
        assert_eq!(first.values, self::tuner().values());
    }

    #[test]
    fn the_rate_of_learning_may_change_where_there_is_any() {
        let change = [("learning.rate".to_owned(), 0.75)];
        assert!(tuner().set(&change).unwrap_err().to_string().contains("can't be changed"));
        let learning = LearningParameters { enabled: true, ..Default::default() };
        let learns = Tunable { learning, ..Tunable::default() };
        let shape = SheetShape { height: 8, width: 8, bands: 8 };
        let mut tuner = Tuner::new(&learns, vec![shape]);
        assert_eq!(tuner.values().len(), 9);
        let (tuning, change) = tuner.set(&change).unwrap();
        assert_eq!(tuning.rate.to_bits(), 0.75f64.to_bits());
        let (again, _) = Tuner::new(&learns, vec![shape]).take(&change.text).unwrap();
        assert_eq!(again.rate.to_bits(), tuning.rate.to_bits());
        assert!(tuner.set(&[("learning.rate".to_owned(), 2.0)]).unwrap_err().to_string().contains("0 to 1"));
    }

    #[test]
    fn a_wrong_change_is_named_and_changes_nothing() {
        let mut tuner = tuner();
        let before = tuner.values();
        for (key, value, part) in [
            ("array.kappa", f64::NAN, "array.kappa"),
            ("array.chi", 2.5, "0.5 to 2"),
            ("array.bands", 4.0, "can't be changed while a run goes on"),
            ("array.diffusion", 900.0, "below 0.25"),
        ] {
            let error = tuner.set(&[("array.tonic".to_owned(), 0.5), (key.to_owned(), value)]).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
            assert_eq!(tuner.values(), before);
        }
        assert!(tuner.take("array.kappa").unwrap_err().to_string().contains("can't be read"));
    }

    #[test]
    fn the_states_and_the_bounds_that_are_told_are_allowed() {
        let mut tuner = tuner();
        for state in live_states() {
            let values: Vec<(String, f64)> =
                state.values.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
            tuner.set(&values).unwrap();
            assert!(state.what.contains("et al. 20"), "{}: the page tells the source", state.name);
        }
        for live in live_parameters(&Tunable::default()) {
            for value in [live.low, live.high] {
                let mut tuner = self::tuner();
                // With a low Q bands lose much in a step and can spread less.
                let result = tuner.set(&[(live.key.to_owned(), value)]);
                assert!(result.is_ok() || live.key == "array.q", "{}={value}", live.key);
            }
            assert!((live.low..=live.high).contains(&live.default), "{}", live.key);
        }
    }
}
