//! Work on many things at once, whatever the number of threads.

/// What `work` makes of each of `things`, in their order, by up to `threads` threads; the same for any number of them.
pub(super) fn each<T: Sync, R: Send>(things: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let share = things.len().div_ceil(threads.max(1)).max(1);
    if things.len() <= share {
        return things.iter().map(work).collect();
    }
    let work = &work;
    std::thread::scope(|scope| {
        let shares: Vec<_> = things
            .chunks(share)
            .map(|things| scope.spawn(move || things.iter().map(work).collect::<Vec<R>>()))
            .collect();
        let found = shares.into_iter().map(std::thread::ScopedJoinHandle::join);
        found.flat_map(|found| found.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn all_is_done_in_its_order_by_any_number_of_threads() {
        let things: Vec<usize> = (0..11).collect();
        for threads in [0, 1, 2, 3, 20] {
            assert_eq!(super::each(&things, threads, |x| 2 * x), (0..11).map(|x| 2 * x).collect::<Vec<_>>());
        }
        assert!(super::each(&[0usize; 0], 4, |x| *x).is_empty());
    }
}
