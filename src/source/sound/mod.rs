//! sound source (empty).
