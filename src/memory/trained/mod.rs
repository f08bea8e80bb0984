//! The trained renderer: two small residual networks, what they learn from, and their training.
//!
//! ```text
//!  leaves, photographs, the room ─> lessons: pieces, and what is done to them ─> train ─> model ─> store
//!  what is left of a picture ─> renderer: the model's answer, tile by tile ─> the way back
//! ```
//!
//! One network enlarges (2, 3 and 4 times, each with a last layer of its own), one takes noise of a stated σ away. Both work where
//! the picture is small. Their loops are `kernel::convolve`: training and rendering run the same code, and neither the
//! processor's instructions nor the number of threads change a bit.
//!
//! To add a job: its variant of [`model::Job`], what it learns from in [`lessons`], what it answers to in [`renderer`].

pub mod descent;
pub mod leaves;
pub mod lessons;
pub mod model;
pub mod network;
pub mod renderer;
pub mod store;
pub mod train;
