//! The latest: only the newest value, from one thread to one other; the writer never waits.
//!
//! Not for values that must all arrive (use [`super::ring`]).

/// The writing end of a [`latest`].
pub type Writer<T> = triple_buffer::Input<T>;
/// The reading end of a [`latest`].
pub type Reader<T> = triple_buffer::Output<T>;

/// A place for the newest value; `initial` is read until one is written.
///
/// The writer fills [`Writer::input_buffer_mut`] in place and publishes: no allocation.
#[must_use]
pub fn latest<T: Clone + Send>(initial: &T) -> (Writer<T>, Reader<T>) {
    triple_buffer::triple_buffer(initial)
}
