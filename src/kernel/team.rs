//! A team of threads that shares the rows of a step; part of it is the real-time thread.
//!
//! The caller works too and waits for the others by spinning, so that a step makes no system call where
//! every worker is awake. Which thread does which rows never shows in the result: rows do not read what
//! other rows write in the same step.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Spins before a waiting thread gives way to others.
const SPINS: u32 = 10_000;
/// Times a worker gives way before it starts to doze.
const YIELDS: u32 = 200;
/// How long a worker dozes at a time: the wake-up costs the caller no system call.
const DOZE: Duration = Duration::from_micros(50);

type Job<'a> = &'a (dyn Fn(usize) + Sync);

struct Shared {
    /// Counts the jobs; a worker runs one when it has changed.
    epoch: AtomicUsize,
    /// Points at the caller's `Job`, valid while `running` is not zero.
    job: AtomicPtr<Job<'static>>,
    running: AtomicUsize,
    stop: AtomicBool,
    panicked: AtomicBool,
}

/// The threads. One member is the caller of [`Team::run`].
pub struct Team {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

impl Team {
    /// A team of `members` threads, the caller included; at least 1.
    ///
    /// # Panics
    /// Where the system refuses a thread.
    #[must_use]
    pub fn new(members: usize) -> Self {
        Self::starting(members, |_| {})
    }

    /// The same; each thread but the caller's calls `start` with its index before its first job.
    ///
    /// # Panics
    /// As [`Self::new`].
    #[must_use]
    pub fn starting(members: usize, start: impl Fn(usize) + Clone + Send + 'static) -> Self {
        let shared = Arc::new(Shared {
            epoch: AtomicUsize::new(0),
            job: AtomicPtr::new(std::ptr::null_mut()),
            running: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            panicked: AtomicBool::new(false),
        });
        let workers = (1..members.max(1))
            .map(|index| {
                let (shared, start) = (Arc::clone(&shared), start.clone());
                std::thread::Builder::new()
                    .name(format!("napot-step-{index}"))
                    .spawn(move || {
                        start(index);
                        work(&shared, index);
                    })
                    .expect("the system gives the team its threads at start-up")
            })
            .collect();
        Self { shared, workers }
    }

    /// How many threads share the work.
    #[must_use]
    pub fn members(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `job` once for every member, with its index, and returns when all are done.
    ///
    /// # Panics
    /// Where a member's job panicked.
    pub fn run(&mut self, job: Job<'_>) {
        if self.workers.is_empty() {
            return job(0);
        }
        let mut erased: Job<'static> =
            // SAFETY: the reference is used only while this call waits below, so it never outlives `job`.
            unsafe { std::mem::transmute::<Job<'_>, Job<'static>>(job) };
        self.shared.job.store(&raw mut erased, Ordering::Relaxed);
        self.shared.running.store(self.workers.len(), Ordering::Relaxed);
        self.shared.epoch.fetch_add(1, Ordering::Release);
        let wait = WaitForWorkers(&self.shared);
        job(0);
        drop(wait);
        assert!(!self.shared.panicked.load(Ordering::Acquire), "a team member panicked");
    }
}

/// Waits for the workers also when the caller's own share panics: they still use its stack.
struct WaitForWorkers<'a>(&'a Shared);

impl Drop for WaitForWorkers<'_> {
    fn drop(&mut self) {
        let mut spins = 0;
        while self.0.running.load(Ordering::Acquire) != 0 {
            spins += 1;
            if spins < SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        for worker in self.workers.drain(..) {
            // A worker catches its job's panics, so it ends by itself.
            let _ = worker.join();
        }
    }
}

fn work(shared: &Shared, index: usize) {
    let mut seen = 0;
    let mut waits = 0u32;
    while !shared.stop.load(Ordering::Acquire) {
        let epoch = shared.epoch.load(Ordering::Acquire);
        if epoch == seen {
            waits = waits.saturating_add(1);
            if waits < SPINS {
                std::hint::spin_loop();
            } else if waits < SPINS + YIELDS {
                std::thread::yield_now();
            } else {
                std::thread::sleep(DOZE);
            }
            continue;
        }
        seen = epoch;
        waits = 0;
        // SAFETY: the epoch changed, so `run` has stored a pointer that stays valid until this worker,
        // among others, has counted itself out of `running`.
        let job = unsafe { *shared.job.load(Ordering::Relaxed) };
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(index)));
        if outcome.is_err() {
            shared.panicked.store(true, Ordering::Release);
        }
        shared.running.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A slice that the members of a team write in disjoint parts.
pub(crate) struct Shares<'a, T> {
    start: *mut T,
    length: usize,
    owner: PhantomData<&'a mut [T]>,
}

// SAFETY: a `Shares` hands out mutable parts only through `part`, whose caller promises disjointness.
unsafe impl<T: Send> Sync for Shares<'_, T> {}
// SAFETY: it stands for the `&mut [T]` that it was made from.
unsafe impl<T: Send> Send for Shares<'_, T> {}

impl<'a, T> Shares<'a, T> {
    /// Shares out `whole`.
    pub(crate) fn new(whole: &'a mut [T]) -> Self {
        Self { start: whole.as_mut_ptr(), length: whole.len(), owner: PhantomData }
    }

    /// The elements `first .. first + count`.
    ///
    /// # Safety
    /// No two parts that live at the same time overlap.
    ///
    /// # Panics
    /// Where the part reaches beyond the slice.
    #[allow(clippy::mut_from_ref)] // that is its purpose; the caller promises disjoint parts
    pub(crate) unsafe fn part(&self, first: usize, count: usize) -> &mut [T] {
        assert!(first.checked_add(count).is_some_and(|end| end <= self.length), "a part beyond its slice");
        // SAFETY: in bounds by the check above, disjoint by the caller's promise, alive for 'a.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(first), count) }
    }
}

/// The rows `from .. to` of `rows` that belong to `member` of `members`.
#[must_use]
pub(crate) fn share(rows: usize, member: usize, members: usize) -> std::ops::Range<usize> {
    rows * member / members..rows * (member + 1) / members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_works_once_per_job() {
        let mut team = Team::new(3);
        let counts = [const { AtomicUsize::new(0) }; 3];
        for _ in 0..500 {
            team.run(&|member| {
                counts[member].fetch_add(1, Ordering::Relaxed);
            });
        }
        assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 500));
    }

    #[test]
    fn shares_cover_every_row_once() {
        for (rows, members) in [(1, 4), (37, 3), (128, 2), (5, 5)] {
            let covered: Vec<usize> = (0..members).flat_map(|member| share(rows, member, members)).collect();
            assert_eq!(covered, (0..rows).collect::<Vec<_>>());
        }
    }

    #[test]
    #[should_panic(expected = "a team member panicked")]
    fn a_panic_in_a_worker_reaches_the_caller() {
        Team::new(2).run(&|member| assert!(member == 0, "planted"));
    }

    #[test]
    #[should_panic(expected = "a part beyond its slice")]
    fn a_part_beyond_its_slice_is_refused() {
        let mut values = [0; 4];
        let shares = Shares::new(&mut values);
        // SAFETY: one part only.
        let _ = unsafe { shares.part(3, 2) };
    }
}
