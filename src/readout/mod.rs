//! What is read out of the field: electrodes, spectra, order, differential, information, sound.
//!
//! To add a read-out: write its file here, name it below, and give it its key in the configuration.

pub mod aperiodic;
pub mod bands;
pub mod belonging;
pub mod binding;
pub mod differential;
pub mod electrodes;
pub mod information;
pub mod look;
pub mod moments;
pub mod onset;
pub mod order;
pub mod paint;
pub mod roundtrip;
pub mod segment;
pub mod signature;
pub mod sonify;
pub mod spectrum;
pub mod trace;
