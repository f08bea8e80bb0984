//! Where output goes: WAV, EDF+, pictures, plots.

pub mod canvas;
pub mod edf;
pub mod picture;
pub mod plot;
pub mod wav;
