//! Pure loops on slices and scalars; they know no clock, configuration or device.

pub mod carriers;
pub mod grains;
pub mod turns;
