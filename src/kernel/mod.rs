//! Pure loops on slices and scalars; they know no clock, configuration or device.
//!
//! The only folder with `unsafe`: compiled twice for processors with and without AVX2 and FMA (the same
//! source, the same bits: a fused multiply-add is exact wherever it runs), and shared rows of a team.
//!
//! To add a kernel: write the loop as an `#[inline(always)]` body over slices, dispatch to it as
//! [`lattice`] does, test it against an identity, name it below.

// A body is compiled once for each set of vector instructions: whatever it calls must be compiled with it.
#![allow(clippy::inline_always)]

pub mod blur;
pub mod carriers;
pub mod contrast;
pub mod decimate;
pub mod gammatone;
pub mod grains;
pub mod lattice;
pub mod least_squares;
pub mod logarithm;
pub mod meters;
pub mod modulation;
pub mod noise;
pub mod palette;
pub mod reduce;
pub mod resample_area;
pub mod sheet;
pub mod team;
pub mod turns;
pub mod wide;
