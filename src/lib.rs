//! NAPOT: a real-time sensory engine. Camera, microphone and recordings drive arrays of noisy oscillators.
//!
//! ```text
//!  recording ─┐  ring   encode        array            read out        ┌─> sound (WAV, page)
//!  room      ─┼─(SPSC)─> retina   ─┐                 ┌─ electrodes ────┼─> page (WebSocket)
//!             │          cochlea  ─┼─bursts─> step ──┼─ spectrum, 1/f  ├─> EDF+, PNG, report, ledger
//!             ┘          scalar   ─┘   1 ms tick     └─ differential  ─┘
//! ```
//!
//! Floors, low to high; a file imports only lower floors (`tests/architecture.rs` keeps it so):
//!
//! | floor | holds |
//! |---|---|
//! | 0 | [`units`], [`time`], [`error`], [`random`] |
//! | 1 | [`signal`]: what flows; [`kernel`]: pure loops; [`stream`]: sources, sinks, rings; [`mod@format`]: file formats that several folders read |
//! | 2 | [`sense`]: input becomes bursts; [`mod@array`]: the oscillators; [`readout`]: what is read from them; [`memory`]: how it decays and the way back; [`binding`]: parts that become wholes; `gpu`, by feature: the array on a GPU |
//! | 3 | [`engine`]: wires and runs; [`source`], [`sink`], [`device`], [`exchange`]: the edges; [`session`]: the recording; [`view`]: the page |
//! | 4 | [`config`], [`command`] |

// For `make check-realtime`, which builds with the real-time sanitizer.
#![cfg_attr(napot_rtsan, feature(sanitize))]
// A count or an index that becomes a float is small against 2^52, and a float that becomes a pixel or a
// sample is clamped first: naming each of these casts would hide the arithmetic.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
// Symbols are the textbook's: `z`, `re`, `im`, `x`, `y`.
#![allow(clippy::many_single_char_names, clippy::similar_names)]
// Tests compare bits on purpose: equal runs are equal to the last one.
#![cfg_attr(test, allow(clippy::float_cmp))]

pub mod array;
pub mod binding;
pub mod command;
pub mod config;
pub mod device;
pub mod engine;
pub mod error;
pub mod exchange;
pub mod format;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod kernel;
pub mod memory;
pub mod random;
pub mod readout;
pub mod sense;
pub mod session;
pub mod signal;
pub mod sink;
pub mod source;
pub mod stream;
pub mod time;
pub mod units;
pub mod view;
