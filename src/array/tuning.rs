//! New numbers for a running array: worked out beside it, exchanged between two ticks.

use super::parameters::ArrayParameters;
use super::step::{Array, band_steps};
use super::tonic::Tonic;
use crate::error::{Error, Result};
use crate::kernel::lattice::Factors;

/// What an array runs by besides its state: everything that its parameters decide and that may change while it runs.
#[derive(Clone, Debug)]
pub struct Tuning {
    pub(super) parameters: ArrayParameters,
    pub(super) tonic: Tonic,
    pub(super) factors: Vec<Factors>,
}

impl Tuning {
    /// Works out the numbers for `parameters` on a sheet of `height x width` sites; this takes milliseconds.
    ///
    /// # Errors
    /// Where a parameter is out of bounds.
    pub fn new(parameters: &ArrayParameters, height: usize, width: usize) -> Result<Self> {
        parameters.check()?;
        let tonic = Tonic::solve(parameters, height, width);
        let factors = band_steps(parameters, &tonic).iter().map(Factors::new).collect();
        Ok(Self { parameters: parameters.clone(), tonic, factors })
    }

    /// `E_b` of every band, slowest first.
    #[must_use]
    pub fn band_variances(&self) -> &[f64] {
        &self.tonic.variances
    }
}

impl ArrayParameters {
    /// Checks that an array that runs by these may run on by `others`: its bands, their clocks and its twin are built in.
    ///
    /// # Errors
    /// Names the key that differs, and both values.
    pub fn check_tunable_to(&self, others: &Self) -> Result<()> {
        let built_in = |key: &str, own: String, other: String| {
            if own == other {
                return Ok(());
            }
            let error = Error::configuration(format!("array.{key}"), "a running array can't change this");
            Err(error.value(other).bound(own))
        };
        built_in("bands", self.bands.to_string(), others.bands.to_string())?;
        built_in("lowest_hz", self.lowest_hz.to_string(), others.lowest_hz.to_string())?;
        built_in("steps_per_cycle", self.steps_per_cycle.to_string(), others.steps_per_cycle.to_string())?;
        built_in("twin", self.twin.to_string(), others.twin.to_string())
    }
}

impl Array {
    /// Goes on by the numbers of `tuning`, which takes the present ones. The state stays; its variances then move to the
    /// new ones, each band at its own pace. Real-time: nothing is allocated or freed.
    ///
    /// # Panics
    /// Where the tuning has another number of bands.
    pub fn retune(&mut self, tuning: &mut Tuning) {
        assert!(tuning.factors.len() == self.shape.bands, "a tuning for as many bands");
        std::mem::swap(&mut self.parameters, &mut tuning.parameters);
        std::mem::swap(&mut self.tonic, &mut tuning.tonic);
        std::mem::swap(&mut self.factors, &mut tuning.factors);
        self.drive.retune(&self.parameters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::team::Team;
    use crate::signal::ArrayId;
    use crate::time::Tick;

    fn array(parameters: &ArrayParameters) -> Array {
        Array::new(ArrayId(0), 8, 8, parameters, 3, 1).unwrap()
    }

    fn state(array: &Array) -> Vec<u32> {
        let mut bits = Vec::new();
        array.for_state(|plane| bits.extend(plane.iter().map(|value| value.to_bits())));
        bits
    }

    #[test]
    fn the_same_numbers_again_change_no_bit_and_others_do() {
        let parameters = ArrayParameters::default();
        let steeper = ArrayParameters { chi: 1.5, kappa: 1.0, ..parameters.clone() };
        let run = |tuned: Option<&ArrayParameters>| {
            let (mut array, mut team) = (array(&parameters), Team::new(1));
            for tick in 0..64 {
                if let Some(to) = tuned.filter(|_| tick == 20) {
                    array.retune(&mut Tuning::new(to, 8, 8).unwrap());
                }
                array.step(Tick(tick), &mut team);
            }
            state(&array)
        };
        assert_eq!(run(None), run(Some(&parameters)));
        assert_ne!(run(None), run(Some(&steeper)));
    }

    #[test]
    fn a_tuned_array_runs_as_one_that_was_built_so() {
        let (plain, strong) =
            (ArrayParameters::default(), ArrayParameters { chi: 0.7, burst_gain: 6.0, ..Default::default() });
        let (mut tuned, mut built) = (array(&plain), array(&strong));
        tuned.retune(&mut Tuning::new(&strong, 8, 8).unwrap());
        let mut values = Vec::new();
        built.for_state(|plane| values.extend_from_slice(plane));
        tuned.put_state(&values);
        let (mut one, mut other) = (Team::new(1), Team::new(1));
        for tick in 0..64 {
            tuned.push_site(5, 1.0, 0.0);
            built.push_site(5, 1.0, 0.0);
            tuned.step(Tick(tick), &mut one);
            built.step(Tick(tick), &mut other);
        }
        assert_eq!(state(&tuned), state(&built));
    }

    #[test]
    fn what_is_built_in_can_not_be_tuned() {
        let parameters = ArrayParameters::default();
        for other in [
            ArrayParameters { bands: 7, ..parameters.clone() },
            ArrayParameters { lowest_hz: 1.0, ..parameters.clone() },
            ArrayParameters { steps_per_cycle: 16.0, ..parameters.clone() },
            ArrayParameters { twin: false, ..parameters.clone() },
        ] {
            let error = parameters.check_tunable_to(&other).unwrap_err();
            assert!(error.to_string().contains("a running array can't change this"), "{error}");
        }
        assert!(parameters.check_tunable_to(&ArrayParameters { q: 3.0, ..parameters.clone() }).is_ok());
    }
}
