//! A source's promise: nothing older than this tick will come.
//!
//! The engine runs a tick when every source has promised it; that is what makes a replay's result
//! independent of which thread was faster.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::time::Tick;

/// The promising end.
#[derive(Debug)]
pub struct Promiser(Arc<AtomicU64>);

/// The reading end.
#[derive(Clone, Debug)]
pub struct Promise(Arc<AtomicU64>);

/// A promise that starts at tick 0: anything may still come.
#[must_use]
pub fn promise() -> (Promiser, Promise) {
    let shared = Arc::new(AtomicU64::new(0));
    (Promiser(Arc::clone(&shared)), Promise(shared))
}

impl Promiser {
    /// Everything for ticks before `tick` has been pushed. Call it after the push.
    pub fn nothing_before(&self, tick: Tick) {
        self.0.fetch_max(tick.0, Ordering::AcqRel);
    }
}

/// The end of a source, or of its thread, promises everything.
impl Drop for Promiser {
    fn drop(&mut self) {
        self.0.store(u64::MAX, Ordering::Release);
    }
}

impl Promise {
    /// Whether all input of `tick` has been pushed.
    #[must_use]
    pub fn covers(&self, tick: Tick) -> bool {
        self.0.load(Ordering::Acquire) > tick.0
    }

    /// Whether the source is at its end.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.0.load(Ordering::Acquire) == u64::MAX
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
        assert!(promise.is_ended());
    }
}
