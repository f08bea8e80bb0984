//! Placeholder.
pub mod leaves;
