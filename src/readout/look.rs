//! One look at a band: order, differential and information together, in one pass over its plane (real-time: nothing is
//! allocated).

use super::differential::relative_rms_of;
use super::order::order_of;
use crate::kernel::meters::{Plane, compare, phasors};

/// What a band shows at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// The order parameter, 0 to 1: see [`super::order`].
    pub order: f32,
    /// Against a twin; `None` without one.
    pub against_twin: Option<AgainstTwin>,
}

/// What a band shows against its twin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AgainstTwin {
    /// The rms of `driven - twin` over the tonic rms: see [`super::differential`].
    pub relative_rms: f32,
    /// The bits that the band holds about the input: see [`super::information`].
    pub bits_held: f32,
}

/// Looks at a band plane with tonic variance `tonic_variance`, above 0, and at its twin's where there is one.
#[must_use]
pub fn look(driven: Plane<'_>, twin: Option<Plane<'_>>, tonic_variance: f32) -> Look {
    let sites = driven.0.len();
    let Some(twin) = twin else {
        return Look { order: order_of(phasors(driven), sites), against_twin: None };
    };
    let sums = compare(driven, twin, 1.0 / tonic_variance);
    let relative_rms = relative_rms_of(sums.difference, sites, tonic_variance);
    Look {
        order: order_of(sums.phasor, sites),
        against_twin: Some(AgainstTwin { relative_rms, bits_held: sums.bits }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readout::{differential, information, order};

    #[test]
    fn a_look_sees_what_each_meter_sees() {
        let wave = |step: f32| (0..700).map(|i| libm::sinf(step * i as f32)).collect::<Vec<f32>>();
        let [a, b, c, d] = [0.1, 0.21, 0.32, 0.43].map(wave);
        let (driven, twin) = ((&*a, &*b), (&*c, &*d));
        let both = look(driven, Some(twin), 0.3);
        let against = both.against_twin.unwrap();
        assert_eq!(both.order.to_bits(), order::order_parameter(driven).to_bits());
        let rms = differential::relative_rms(driven, twin, 0.3);
        assert_eq!(against.relative_rms.to_bits(), rms.to_bits());
        assert_eq!(against.bits_held.to_bits(), information::bits_held(driven, twin, 0.3).to_bits());
        assert_eq!(look(driven, None, 0.3), Look { order: both.order, against_twin: None });
    }
}
