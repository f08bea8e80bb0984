//! The array on a GPU, by the feature `gpu`: the same equation, noise and clock by compute shaders, within a tolerance.
//!
//! ```text
//! host    strike, push, sustain ─> a tick's record: keys, numbers, flags      read ─> planes, as the array has them
//!                                        │ many ticks in one submission            ↑
//! device  drive.wgsl: push ─> step.wgsl: due bands, the fastest first ─> drive.wgsl: fade
//! ```
//!
//! [`GpuArray`] starts from the state of [`crate::array::Array`] and steps by its numbers, so that there is one
//! definition of both; it keeps no energy book. Words of noise are equal to the bit. The state is **not**: a GPU may round a
//! fused product twice, a division in its last two bits, and small numbers to 0, and each maker's differs. What is
//! promised instead is [`TOLERANCE`], and whatever reports figures of a GPU says so.
//!
//! To add a sub-step to the array is to add it to `step.wgsl` too; the comparison in the tests fails until it is there.

mod adapter;
mod array;
mod batch;
mod device;
mod drive;
mod record;

pub use adapter::{AdapterFacts, Gpu, Which};
pub use array::GpuArray;

/// The largest difference of a part of a site from the processor's array over 200 ticks from the same start, in units
/// of its band's tonic rms, at κ up to 2 and under sparse bursts and levels up to the tonic rms.
///
/// It is no bound on a chaotic path: κ beyond about 2.1, or a drive that keeps many sites at several times the tonic rms,
/// makes any rounding grow, between two processors' arrays as between a processor's and a GPU's. Such an array keeps
/// its statistics; its single steps are within the tolerance like any other's.
pub const TOLERANCE: f64 = 1e-4;

#[cfg(test)]
mod tests;
