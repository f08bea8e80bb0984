//! What takes items and keeps or shows them: a file, a speaker, the page.

use crate::error::Result;

/// Takes items in order and is finished once.
pub trait Sink: Send {
    /// What it takes.
    type Item: ?Sized;

    /// Takes one item.
    ///
    /// # Errors
    /// Where it can't be kept; what was taken before stays whole.
    fn push(&mut self, item: &Self::Item) -> Result<()>;

    /// Ends the output and gives it its final name.
    ///
    /// # Errors
    /// Where the end can't be written; then no file of the final name is left behind.
    fn finish(self: Box<Self>) -> Result<()>;
}
