//! The array: a sheet of sites, each with a band of noisy oscillators per octave.
//!
//! Each band is a damped, noise-driven Stuart-Landau oscillator with diffusion and a cascade between
//! octaves (`E` is the tonic variance, `h` one tick):
//!
//! ```text
//! dz_b = [ (-γ_b + i ω_b) z_b - g_b |z_b|² z_b + D_b ∇² z_b + T_b + s_b(x,t) ] dt + c_b sqrt(2 γ_b E_b) dW_b
//! T_b  = κ γ_b z_{b+1} z̄_b / sqrt(E_b)  -  κ γ_{b-1} z_{b-1}² / sqrt(E_{b-1})
//! ```
//!
//! | symbol | default | unit | meaning |
//! |---|---|---|---|
//! | ω_b | 2π · 0.75 · 2^b | rad/s | tonic rhythm of band b |
//! | γ_b | ω_b / (2 Q), Q = 1.5 | 1/s | dissipation; constant Q makes the bands overlap into a smooth 1/f |
//! | E_b | solved for χ = 1 | - | tonic variance `⟨abs(z)²⟩`; see [`tonic`] |
//! | g_b | 0.05 γ_b / E_b | 1/s | saturation |
//! | D_b | 0.3 γ_b | site²/s | diffusion on a torus; explicit, so `D h < 1/4` |
//! | c_b | see [`tonic`] | - | noise compensation: each *site* keeps variance `E_b` against diffusion and saturation |
//! | κ | 2 | - | cascade: a resonant triad of neighbours an octave apart; conserves `Σ abs(z)²` |
//! | s_b | - | 1/s | drive: phasic at the fastest band, sustained at the band it belongs to |
//!
//! The state that is kept is `u_b = e^{-i ω_b t} z_b`: in the frame that turns with its band, ω cancels from every term,
//! the triad's included, because bands are exact octaves. So steps need not follow the rotation: a band steps once
//! in as many ticks as `steps_per_cycle` allows, a power of two, and bands take turns.
//!
//! The 1/f is built in by the spread of time constants; it does not emerge.
//!
//! References: Deco, Kringelbach, Jirsa, Ritter, Sci Rep 7:3095 (2017), whole-brain Hopf model; Aranson and
//! Kramer, Rev Mod Phys 74:99 (2002), complex Ginzburg-Landau equation; `docs/science.md` holds what was
//! measured on this implementation.
//!
//! To add a term: a sub-step in `kernel::lattice`, a [`Cause`] for its energy, its parameter in
//! [`ArrayParameters`], and a test against the identity that it keeps.

// The table's symbols are the textbook's, not code.
#![allow(clippy::doc_markdown)]

pub mod drive;
mod energy;
mod parameters;
mod snapshot;
mod step;
pub mod tonic;
mod tuning;

pub use energy::{Cause, EnergyBook, EnergyFigures};
pub use parameters::ArrayParameters;
pub use step::{Array, SCHEDULE, band_steps, is_due};
pub use tuning::Tuning;

#[cfg(test)]
mod tests;
