//! Pure loops on slices and scalars; they know no clock, configuration or device.

pub mod gammatone;
pub mod modulation;
pub mod resample_area;
