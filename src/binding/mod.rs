//! Binding: arrays that each see a part of the world become one picture, or as many as there are worlds.
//!
//! ```text
//!  part: projection P_k, data y_k ─> agreement: does one picture explain two parts? ─> phases: who agrees swings together
//!     │                                                                                        │ gate
//!     └─────────> consensus: x_k' = P_kᵀ R_k (y_k - P_k x_k) + Σ_j κ_jk (x_j - x_k) <──────────┘ ─> wholes
//! ```
//!
//! [`projection`] is what an array sees, [`tile`] a picture of a part of the whole, [`pinhole`] a camera's of a volume, [`drive`] a retina's, [`part`] an array with its data,
//! [`agreement`] the evidence on the scale of the noise, [`sheets`] the oscillators that swing by it, [`phases`] who does together, [`consensus`] the wholes,
//! [`live`] all of it tick by tick. [`sync`] is Kuramoto's flow, and the eigenvector beside it; they find offsets of arrays,
//! too, by which [`align`] moves detectors and turns views, and [`clocks`] lays recordings by their [`activity`]. [`phantom`] are worlds to try it on. To add a projection: implement [`projection::Projection`].

pub mod activity;
pub mod agreement;
pub mod align;
pub mod clocks;
pub mod consensus;
pub mod drive;
pub mod live;
mod overlap;
pub mod part;
pub mod phantom;
pub mod phases;
pub mod pinhole;
pub mod projection;
mod shared;
pub mod sheets;
mod steps;
pub mod sync;
pub mod tile;

#[cfg(test)]
mod consensus_tests;
#[cfg(test)]
mod projection_tests;
