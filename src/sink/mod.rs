//! Where output goes: WAV, EDF+, pictures, plots.

pub mod wav;
