//! Pure loops on slices and scalars; they know no clock, configuration or device.
//!
//! The only folder with `unsafe`: one source compiled for several instruction sets (the same bits: a fused multiply-add
//! is exact wherever it runs), and shared rows of a team. [`lattice`], [`attention`] and [`shortlist`] are written in the lanes of [`lanes`]; every other
//! kernel is a plain loop that [`wide`] has compiled three times.
//!
//! To add a kernel: write the loop as an `#[inline(always)]` body over slices, compile it with `compile_wide!`, test it
//! against an identity, name it below.

// A body is compiled once for each set of vector instructions: whatever it calls must be compiled with it.
#![allow(clippy::inline_always)]

pub mod aligned;
pub mod archive;
pub mod ars;
pub mod attention;
pub mod beams;
pub mod blur;
pub mod bound;
pub mod carriers;
pub mod contrast;
pub mod convolve;
pub mod decimate;
pub mod gammatone;
pub mod grains;
pub mod lanes;
pub mod lattice;
pub mod least_squares;
pub mod logarithm;
pub mod medium;
pub mod meters;
pub mod modulation;
pub mod noise;
pub mod palette;
pub mod phase_moments;
pub mod planes;
pub mod pulse;
pub mod reduce;
pub mod resample_area;
pub mod sheet;
pub mod shortlist;
pub mod team;
pub mod traces;
pub mod turns;
pub mod wide;
