//! The array of noisy oscillators.
