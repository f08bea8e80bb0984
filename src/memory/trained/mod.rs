//! The trained renderer.

pub mod leaves;
pub mod lessons;
pub mod model;
pub mod network;
pub mod train;
