//! room source (empty).
