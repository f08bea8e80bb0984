//! What is read out of the field: electrodes, spectra, order, differential, information, sound.

pub mod onset;
pub mod sonify;
