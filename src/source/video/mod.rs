//! video source (empty).
