//! Real-time priority for the calling thread, where the system grants it.

use thread_priority::{ThreadPriority, ThreadPriorityValue};

/// Of 100: below sound servers' own threads, above all that is not real-time.
const SHARE: u8 = 60;

/// Of 100: before what people run beside it (nice -11 on Linux), never before what is real-time.
const LIFTED: u8 = 75;

/// Of 100: after what people run beside it (nice 9 on Linux).
const LOWERED: u8 = 25;

/// Asks for more time than others get, for a thread whose work is needed soon but is not of known length; children
/// inherit no more than that. Where the system refuses, it stays as it is.
pub fn lift() {
    if let Ok(value) = ThreadPriorityValue::try_from(LIFTED) {
        let _ = set_ordinary(ThreadPriority::Crossplatform(value));
    }
}

/// Takes less time than others get, for a thread that only looks on and that nobody waits for: where the processor is full, it
/// falls behind first. Where the system refuses, it stays as it is.
pub fn lower() {
    if let Ok(value) = ThreadPriorityValue::try_from(LOWERED) {
        let _ = set_ordinary(ThreadPriority::Crossplatform(value));
    }
}

#[cfg(unix)]
fn set_ordinary(priority: ThreadPriority) -> Result<(), thread_priority::Error> {
    use thread_priority::unix::{
        NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
    };
    let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
    set_thread_priority_and_policy(thread_native_id(), priority, policy)
}

#[cfg(not(unix))]
fn set_ordinary(priority: ThreadPriority) -> Result<(), thread_priority::Error> {
    thread_priority::set_current_thread_priority(priority)
}

/// Asks for first-in-first-out scheduling of the calling thread.
///
/// # Errors
/// The system's answer where it refuses.
pub fn ask() -> Result<(), String> {
    let value = ThreadPriorityValue::try_from(SHARE)?;
    set(ThreadPriority::Crossplatform(value))
}

#[cfg(unix)]
fn set(priority: ThreadPriority) -> Result<(), String> {
    use thread_priority::unix::{
        RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
    };
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    set_thread_priority_and_policy(thread_native_id(), priority, policy).map_err(|cause| match cause {
        thread_priority::Error::OS(code) => std::io::Error::from_raw_os_error(code).to_string(),
        other => format!("{other:?}"),
    })
}

#[cfg(not(unix))]
fn set(priority: ThreadPriority) -> Result<(), String> {
    thread_priority::set_current_thread_priority(priority).map_err(|cause| format!("{cause:?}"))
}
