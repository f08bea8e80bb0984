//! What benches share: the time below which a kernel's multiplications cannot be had on this processor.

use std::hint::black_box;
use std::sync::OnceLock;
use std::time::Instant;

use napot::kernel::bound::{FUSED_PER_ROUND, fused};
use napot::kernel::lanes::{Instructions, LANES};

/// Says the bound of one run of `name` on one core: the time of its `multiplications` of float32, fused with a sum or alone, at the
/// rate that a loop of nothing else was seen to reach. One of float64 counts as two.
pub fn bound(name: &str, multiplications: usize) {
    let us = 1e-3 * nanoseconds() * multiplications as f64 / LANES as f64;
    eprintln!("{name}: bound {us:.3} µs, {multiplications} multiplications on one core");
}

/// The fastest that sixteen lanes were multiplied and added, in ns; measured once.
fn nanoseconds() -> f64 {
    const ROUNDS: usize = 10_000;
    static FASTEST: OnceLock<f64> = OnceLock::new();
    *FASTEST.get_or_init(|| {
        let with = Instructions::best();
        let once = || {
            let start = Instant::now();
            black_box(fused(with, ROUNDS, black_box(0.5)));
            start.elapsed().as_nanos() as f64 / (ROUNDS * FUSED_PER_ROUND) as f64
        };
        (0..200).map(|_| once()).fold(f64::INFINITY, f64::min)
    })
}
