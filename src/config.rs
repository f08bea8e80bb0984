//! The configuration: a TOML shape, checked into a plan (empty).
