//! What an engine is made from: a checked plan.

use super::binding::BindingParameters;
use super::objects::ObjectsParameters;
use crate::array::ArrayParameters;
use crate::memory::mind::MindParameters;
use crate::memory::slow::LearningParameters;
use crate::readout::electrodes::ElectrodeParameters;
use crate::readout::sonify::SonifyParameters;
use crate::sense::cochlea::CochleaParameters;
use crate::sense::retina::RetinaParameters;
use crate::sense::scalar::ScalarParameters;
use crate::signal::ScalarLayout;
use crate::time::{TICK_NANOSECONDS, Tick, Timestamp};

/// How fast model time runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As fast as inputs and outputs allow.
    Max,
    /// `thousandths / 1000` model seconds a second; 1,000 is real time.
    Real {
        /// Speed in thousandths, at least 1.
        thousandths: u32,
    },
}

impl Pace {
    /// When a tick is due on the run's clock, where ticks are paced.
    #[must_use]
    pub fn due(self, tick: Tick) -> Option<Timestamp> {
        match self {
            Self::Max => None,
            Self::Real { thousandths } => {
                let nanoseconds = i128::from(tick.0) * i128::from(TICK_NANOSECONDS) * 1_000
                    / i128::from(thousandths.max(1));
                Some(Timestamp(i64::try_from(nanoseconds).unwrap_or(i64::MAX)))
            }
        }
    }
}

/// The array that sees.
#[derive(Clone, Debug, PartialEq)]
pub struct VisionPlan {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// The retina.
    pub retina: RetinaParameters,
}

/// The array that hears: as many rows as channels, as many columns as modulation rates.
#[derive(Clone, Debug, PartialEq)]
pub struct HearingPlan {
    /// The cochlea.
    pub cochlea: CochleaParameters,
}

/// The array that scalar channels drive.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalarPlan {
    /// The channels.
    pub layout: ScalarLayout,
    /// The sense.
    pub sense: ScalarParameters,
}

/// Everything that decides an engine's output, besides its inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct EnginePlan {
    /// The seed of all noise.
    pub seed: u64,
    /// Threads that share a step, the engine's own included; never changes the result.
    pub threads: usize,
    /// The cores that these threads stay on, the engine's own first; none leaves them to the system. Never changes
    /// the result.
    pub cores: Vec<usize>,
    /// How fast model time runs; never changes the result.
    pub pace: Pace,
    /// The first tick; above 0 where a run goes on from a kept state.
    pub first: Tick,
    /// The tick before which the run ends; `None` runs to the end of the inputs, or for ever without any.
    pub ticks: Option<u64>,
    /// Ticks to run on after the end of all inputs.
    pub tail_ticks: u64,
    /// The dynamics of all arrays.
    pub array: ArrayParameters,
    /// What they learn to expect.
    pub learning: LearningParameters,
    /// The mind's eye; never changes the result.
    pub mind: MindParameters,
    /// How arrays bind what is seen; never changes the result.
    pub binding: BindingParameters,
    /// How what is seen is taken apart into objects; never changes the result.
    pub objects: ObjectsParameters,
    /// Sight.
    pub vision: Option<VisionPlan>,
    /// Hearing.
    pub hearing: Option<HearingPlan>,
    /// Scalar channels.
    pub scalar: Option<ScalarPlan>,
    /// The electrodes.
    pub electrodes: ElectrodeParameters,
    /// The sound of the field.
    pub sonify: SonifyParameters,
}
