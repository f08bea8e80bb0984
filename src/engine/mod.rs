//! Allocates, wires and starts; `realtime` is the real-time thread.
//!
//! ```text
//! source ─pull─> pump (thread each: decode, encode) ═rings═> realtime ═rings═> keeper ─push─> sinks
//!                                                            instrument         └─> what people look at
//! ```
//!
//! [`instrument`] is the whole model as a pure function of its stamped inputs: it knows no thread, ring or clock.
//! `realtime` decides when a tick may run; [`pump`] brings inputs to it, [`keeper`] takes outputs from it.
//! A run at full speed and a paced one go through the same code.
//!
//! To add a sense: a pump that encodes its items into bursts, its array in [`instrument`], its source in
//! [`Inputs`].

mod aim;
pub mod analysis;
mod between;
pub mod binding;
pub mod cores;
mod gathering;
mod hands;
pub mod instrument;
pub mod keeper;
mod ledger;
pub mod memory;
pub mod mind;
pub mod objects;
mod plan;
pub mod pump;
mod realtime;
pub mod recognition;
mod run;
pub mod senses;
mod sights;
mod tempo;
mod tick;
pub mod tuning;

pub use keeper::{Keep, Publish};
pub use ledger::hash_of_state;
pub use plan::{EnginePlan, HearingPlan, Pace, ScalarPlan, VisionPlan};
pub use pump::Inputs;
pub use realtime::{Live, Plays};
pub use run::{Engine, SourceSummary, Summary};
pub use tick::{PLACES, STAGES, Sensed, Stage, StageTimer, TickReport};
