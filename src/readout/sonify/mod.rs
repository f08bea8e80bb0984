//! The field as sound (empty).
