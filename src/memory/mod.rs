//! The memory: how pictures decay in the array, what is remembered of them, and the way back.
//!
//! ```text
//!  pictures ─> patches ─> dense memories, a scale each ─┐ renderer
//!  decay: how the array forgets                         ├─> backwards: x_{s-1} = x_s - D(R(x_s),s) + D(R(x_s),s-1)
//!  what is left of a picture ───────────────────────────┘
//! ```
//!
//! Beside it stands the [`slow`] memory, which takes from bursts what was expected. [`decay`] and [`slow`] know the array's
//! numbers; nothing else here knows the array, and the array knows none of this. To add a way of rendering: implement [`backwards::Renderer`].

pub mod backwards;
pub mod decay;
pub mod dense;
mod file;
pub mod film;
pub mod frequencies;
pub mod measure;
pub mod mind;
pub mod motion;
pub mod patches;
pub mod picture;
pub mod quantised;
pub mod reader;
pub mod recall;
pub mod slow;
pub mod smooth;
pub mod store;
pub mod trace;
pub mod trained;
pub mod views;

#[cfg(test)]
mod tests;
