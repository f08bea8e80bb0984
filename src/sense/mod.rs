//! Input becomes bursts: retina, cochlea, scalar sensors, one event format for all.
//!
//! To add a sense: write its file here with parameters, `new` and an encoder that emits
//! [`crate::signal::Burst`]s with their [`surprisal`], and name it below.

pub mod cochlea;
pub mod retina;
pub mod scalar;
pub mod surprisal;
