//! Where output goes: WAV, EDF+, XDF, pictures, plots.
//!
//! To add an output: write its file here, name it below, and give it its name in the `--out` folder.

pub mod canvas;
pub mod curves;
pub mod edf;
pub mod part;
pub mod picture;
pub mod plot;
pub mod wav;
pub mod xdf;
