//! The counted ring: every value, in order, from one thread to one other, without locks.
//!
//! Not for values of which only the newest matters (use [`super::latest`]), nor between more than
//! two threads (use `crossbeam-channel`). Every ring counts, exactly and always:
//! `produced = delivered + dropped + waiting`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ringbuf::traits::{Consumer as _, Observer, Producer as _, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

/// A ring's counters, readable from any thread.
#[derive(Debug, Default)]
pub struct Counters {
    produced: AtomicU64,
    delivered: AtomicU64,
    dropped: AtomicU64,
}

/// The counts of a ring at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Values handed to the ring, kept or not.
    pub produced: u64,
    /// Values taken out.
    pub delivered: u64,
    /// Values refused because the ring was full, or given up when it closed.
    pub dropped: u64,
}

impl Counters {
    /// The counts now.
    #[must_use]
    pub fn read(&self) -> Counts {
        Counts {
            produced: self.produced.load(Ordering::Acquire),
            delivered: self.delivered.load(Ordering::Acquire),
            dropped: self.dropped.load(Ordering::Acquire),
        }
    }
}

/// The writing end.
pub struct Producer<T> {
    ring: HeapProd<T>,
    counters: Arc<Counters>,
}

/// The reading end. Dropping it counts what still waits as dropped.
pub struct Consumer<T> {
    ring: HeapCons<T>,
    counters: Arc<Counters>,
}

/// A ring for `capacity` values: its two ends and its counters.
#[must_use]
pub fn ring<T>(capacity: usize) -> (Producer<T>, Consumer<T>, Arc<Counters>) {
    let (producer, consumer) = HeapRb::new(capacity.max(1)).split();
    let counters = Arc::new(Counters::default());
    (
        Producer { ring: producer, counters: Arc::clone(&counters) },
        Consumer { ring: consumer, counters: Arc::clone(&counters) },
        counters,
    )
}

impl<T> Producer<T> {
    /// Free places now; only grows until the next push.
    #[must_use]
    pub fn vacant(&self) -> usize {
        self.ring.vacant_len()
    }

    /// Hands over a value, or drops and counts it where the ring is full. Says whether it was kept.
    pub fn push(&mut self, value: T) -> bool {
        self.counters.produced.fetch_add(1, Ordering::AcqRel);
        let kept = self.ring.try_push(value).is_ok();
        if !kept {
            self.counters.dropped.fetch_add(1, Ordering::AcqRel);
        }
        kept
    }

    /// Whether the reading end still exists.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.ring.read_is_held()
    }
}

/// What nobody will take any more counts as dropped.
impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        if !self.is_read() {
            self.counters.dropped.fetch_add(self.ring.occupied_len() as u64, Ordering::AcqRel);
        }
    }
}

impl<T: Copy> Producer<T> {
    /// Hands over as many values from the start of `values` as there is room for; the rest is not
    /// counted, the caller offers it again. Returns how many were kept.
    pub fn push_some(&mut self, values: &[T]) -> usize {
        let kept = self.ring.push_slice(values);
        self.counters.produced.fetch_add(kept as u64, Ordering::AcqRel);
        kept
    }
}

impl<T> Consumer<T> {
    /// Values waiting now; only grows until the next pop.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.ring.occupied_len()
    }

    /// The oldest value, left in place.
    #[must_use]
    pub fn peek(&self) -> Option<&T> {
        self.ring.try_peek()
    }

    /// Takes the oldest value.
    pub fn pop(&mut self) -> Option<T> {
        let value = self.ring.try_pop();
        if value.is_some() {
            self.counters.delivered.fetch_add(1, Ordering::AcqRel);
        }
        value
    }

    /// Whether the writing end still exists. Check it before [`Self::waiting`]: a ring whose writer is
    /// gone and that is then found empty stays empty.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.ring.write_is_held()
    }
}

impl<T: Copy> Consumer<T> {
    /// Fills `values` from the oldest on and returns how many were taken.
    pub fn pop_into(&mut self, values: &mut [T]) -> usize {
        let taken = self.ring.pop_slice(values);
        self.counters.delivered.fetch_add(taken as u64, Ordering::AcqRel);
        taken
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        // The writer may push meanwhile, so what was cleared is counted, not what was seen before. What it pushes after
        // this it counts itself, when it goes.
        let cleared = self.ring.clear();
        self.counters.dropped.fetch_add(cleared as u64, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_ring_drops_and_counts() {
        let (mut producer, mut consumer, counters) = ring(2);
        assert!(producer.push(1));
        assert!(producer.push(2));
        assert!(!producer.push(3));
        assert_eq!(consumer.pop(), Some(1));
        assert_eq!(counters.read(), Counts { produced: 3, delivered: 1, dropped: 1 });
    }

    #[test]
    fn a_closed_ring_accounts_for_what_waited() {
        let (mut producer, consumer, counters) = ring(4);
        assert_eq!(producer.push_some(&[1, 2, 3, 4, 5]), 4);
        drop(consumer);
        assert!(!producer.is_read());
        assert_eq!(counters.read(), Counts { produced: 4, delivered: 0, dropped: 4 });
    }

    #[test]
    fn what_is_pushed_while_the_reader_goes_is_counted_once() {
        for _ in 0..300 {
            let (mut producer, consumer, counters) = ring(4_096);
            // Values that have to be dropped one by one take their time.
            let writer = std::thread::spawn(move || {
                while producer.is_read() {
                    producer.push(Box::new(1));
                }
            });
            while counters.read().produced < 1_000 {
                std::thread::yield_now();
            }
            drop(consumer);
            writer.join().unwrap();
            let counts = counters.read();
            assert_eq!((counts.delivered, counts.produced), (0, counts.dropped));
        }
    }

    #[test]
    fn two_threads_lose_nothing() {
        let (mut producer, mut consumer, counters) = ring(64);
        let writer = std::thread::spawn(move || {
            let mut sent = 0u64;
            while sent < 100_000 {
                sent += producer.push_some(&[sent]) as u64;
            }
        });
        let mut expected = 0;
        loop {
            let open = consumer.is_written();
            match consumer.pop() {
                Some(value) => {
                    assert_eq!(value, expected);
                    expected += 1;
                }
                None if !open => break,
                None => std::thread::yield_now(),
            }
        }
        writer.join().unwrap();
        assert_eq!(expected, 100_000);
        let counts = counters.read();
        assert_eq!(counts.produced, counts.delivered + counts.dropped);
    }
}
