//! Pure loops on slices and scalars; they know no clock, configuration or device.

pub mod decimate;
pub mod least_squares;
pub mod palette;
pub mod reduce;
