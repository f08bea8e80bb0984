//! scalar source (empty).
