//! Pure loops on slices and scalars; they know no clock, configuration or device.
