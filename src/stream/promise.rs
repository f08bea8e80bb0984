//! A source's promise: nothing older than this tick will come.
//!
//! The engine runs a tick when every source has promised it; that is what makes a replay's result
//! independent of which thread was faster.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::time::Tick;

#[derive(Debug, Default)]
struct Shared {
    /// Nothing older will come.
    covered: AtomicU64,
    /// How far the source itself has come.
    reached: AtomicU64,
    ended: AtomicBool,
}

/// The promising end.
#[derive(Debug)]
pub struct Promiser(Arc<Shared>);

/// The reading end.
#[derive(Clone, Debug)]
pub struct Promise(Arc<Shared>);

/// A promise that starts at tick 0: anything may still come.
#[must_use]
pub fn promise() -> (Promiser, Promise) {
    let shared = Arc::new(Shared::default());
    (Promiser(Arc::clone(&shared)), Promise(shared))
}

impl Promiser {
    /// Everything for ticks before `tick` has been pushed. Call it after the push.
    pub fn nothing_before(&self, tick: Tick) {
        self.0.reached.fetch_max(tick.0, Ordering::AcqRel);
        self.0.covered.fetch_max(tick.0, Ordering::AcqRel);
    }

    /// No tick waits for this source: what comes enters when it is there.
    pub fn wait_for_nothing(&self) {
        self.0.covered.store(u64::MAX, Ordering::Release);
    }
}

/// The end of a source, or of its thread, promises everything.
impl Drop for Promiser {
    fn drop(&mut self) {
        // A tick that is let through by the end sees that it is the end.
        self.0.ended.store(true, Ordering::Release);
        self.wait_for_nothing();
    }
}

impl Promise {
    /// Whether all input of `tick` has been pushed.
    #[must_use]
    pub fn covers(&self, tick: Tick) -> bool {
        self.0.covered.load(Ordering::Acquire) > tick.0
    }

    /// Whether the source is at its end.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.0.ended.load(Ordering::Acquire)
    }

    /// Whether the source is at its end and all of its own time lies before `tick`, or at it.
    #[must_use]
    pub fn is_over(&self, tick: Tick) -> bool {
        self.is_ended() && tick.0 >= self.0.reached.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_only_grows_and_ends_with_its_source() {
        let (promiser, promise) = promise();
        assert!(!promise.covers(Tick(0)));
        promiser.nothing_before(Tick(5));
        promiser.nothing_before(Tick(3));
        assert!(promise.covers(Tick(4)));
        assert!(!promise.covers(Tick(5)));
        assert!(!promise.is_ended());
        drop(promiser);
        assert!(promise.is_ended() && promise.covers(Tick(1_000_000)));
        assert!(!promise.is_over(Tick(4)), "its own time goes on to tick 5");
        assert!(promise.is_over(Tick(5)));
    }

    #[test]
    fn one_that_nothing_waits_for_still_says_how_long_it_is() {
        let (promiser, promise) = promise();
        promiser.wait_for_nothing();
        promiser.nothing_before(Tick(7));
        assert!(promise.covers(Tick(1_000_000)) && !promise.is_ended());
        drop(promiser);
        assert!(!promise.is_over(Tick(6)) && promise.is_over(Tick(7)));
    }
}
