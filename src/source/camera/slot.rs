//! A slot of one: the newest item from one thread to another that waits for it; older ones are handed back.
//!
//! Not for items that must all arrive. [`crate::stream::latest`] is for a reader that never waits.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The slot, shared by both threads.
#[derive(Debug)]
pub struct Slot<T> {
    item: Mutex<Option<T>>,
    filled: Condvar,
}

impl<T> Default for Slot<T> {
    /// An empty slot.
    fn default() -> Self {
        Self { item: Mutex::new(None), filled: Condvar::new() }
    }
}

impl<T> Slot<T> {
    /// Puts the newest item in and hands back the one that nobody took.
    pub fn put(&self, item: T) -> Option<T> {
        let older = self.item.lock().unwrap_or_else(PoisonError::into_inner).replace(item);
        self.filled.notify_one();
        older
    }

    /// Takes the item as soon as there is one; `None` where none came within `limit`, or a little earlier.
    pub fn take(&self, limit: Duration) -> Option<T> {
        let mut item = self.item.lock().unwrap_or_else(PoisonError::into_inner);
        if item.is_none() {
            item = self.filled.wait_timeout(item, limit).unwrap_or_else(PoisonError::into_inner).0;
        }
        item.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_slow_taker_gets_the_newest_and_the_older_come_back() {
        let slot = Slot::default();
        assert_eq!(slot.put(1), None);
        assert_eq!(slot.put(2), Some(1));
        assert_eq!(slot.take(Duration::ZERO), Some(2));
        assert_eq!(slot.take(Duration::ZERO), None);
    }

    #[test]
    fn a_taker_that_waits_is_woken() {
        let slot = Arc::new(Slot::default());
        let other = Arc::clone(&slot);
        let putter = std::thread::spawn(move || other.put(7));
        let mut taken = None;
        while taken.is_none() {
            taken = slot.take(Duration::from_secs(1));
        }
        assert_eq!((taken, putter.join().unwrap()), (Some(7), None));
    }
}
