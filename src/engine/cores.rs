//! Which cores the threads of a step stay on, where that was asked for.

use crate::error::{Error, Result};

/// The cores that this process may use, ascending; empty where the system does not tell.
#[must_use]
pub fn available() -> Vec<usize> {
    let mut cores: Vec<usize> =
        core_affinity::get_core_ids().unwrap_or_default().iter().map(|c| c.id).collect();
    cores.sort_unstable();
    cores
}

/// Checks that `cores` are there, each named once, and enough for `threads`.
///
/// # Errors
/// Names `engine.cores`, the core that is wrong, and those that there are.
pub fn check(cores: &[usize], threads: usize) -> Result<()> {
    let there = available();
    let error = |what| Error::configuration("engine.cores", what);
    for (index, core) in cores.iter().enumerate() {
        if !there.contains(core) {
            return Err(error("this process may not use the core").value(core).bound(format!("{there:?}")));
        }
        if cores[..index].contains(core) {
            return Err(error("the core is named twice")
                .value(core)
                .bound("each thread has a core of its own"));
        }
    }
    if !cores.is_empty() && cores.len() < threads {
        let error = error("fewer cores than threads").value(cores.len());
        return Err(error.bound(format!("at least {threads}, as `engine.threads`")));
    }
    Ok(())
}

/// Keeps the calling thread, the team's `member`, on its core; says so where the system refuses.
pub(super) fn pin(cores: &[usize], member: usize) {
    let Some(core) = cores.get(member) else { return };
    if core_affinity::set_for_current(core_affinity::CoreId { id: *core }) {
        tracing::info!(member, core, "a thread of the step stays on its core");
    } else {
        tracing::warn!(member, core, "the system did not let a thread of the step stay on its core");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::team::Team;

    #[test]
    fn cores_that_are_not_there_or_too_few_are_refused_by_name() {
        let there = available();
        let first = there[0];
        let message = |cores: &[usize], threads| check(cores, threads).unwrap_err().to_string();
        assert!(check(&[], 9).is_ok() && check(&there, there.len()).is_ok());
        assert!(message(&[usize::MAX], 1).contains("engine.cores"));
        assert!(message(&[first, first], 2).contains("named twice"));
        assert!(message(&[first], 2).contains("at least 2"));
    }

    /// What the kernel says of the calling thread.
    #[cfg(target_os = "linux")]
    fn allowed() -> String {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        line.unwrap().trim().to_owned()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_member_stays_on_its_core_and_without_cores_goes_where_it_likes() {
        use std::sync::Mutex;
        let core = *available().last().unwrap();
        for cores in [vec![], vec![available()[0], core]] {
            let seen = Mutex::new(String::new());
            let pinned = cores.clone();
            Team::starting(2, move |member| pin(&pinned, member)).run(&|member| {
                if member == 1 {
                    *seen.lock().unwrap() = allowed();
                }
            });
            let here = if cores.is_empty() { allowed() } else { core.to_string() };
            assert_eq!(seen.into_inner().unwrap(), here);
        }
    }
}
