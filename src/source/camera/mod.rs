//! Cameras: a thread owns the device, and whoever pulls decodes its newest picture.
//!
//! ```text
//!  driver ─> backend ─> owner's thread ═slot of one═> pull: decode ─> Frame
//!            v4l, nokhwa   │ numbers, stamps, silence, loss and return
//!                          └─> DeviceMonitor ─> people
//! ```
//!
//! | file | what for |
//! |---|---|
//! | `parameters` | what is asked of a camera |
//! | `format` | what cameras offer, and the choice |
//! | `backend` | a way to the system's cameras; `v4l` and `nokhwa` are two |
//! | `arrival` | stamps, numbers and gaps |
//! | `owner` | the thread |
//! | `slot`, `picture` | the newest item between two threads, and decoding: for any device that gives pictures |
//!
//! What is known to be damaged is never shown: a picture that its driver marks, that is cut short, or whose JPEG is broken
//! is counted and left out. By `nokhwa` only the last of these is known. Without the feature `camera` only what knows no device is built.
//!
//! To add a way to cameras: implement `Backend` in a file here, and name it in [`CameraBackend`].

mod parameters;
pub mod picture;
pub mod slot;

#[cfg(feature = "camera")]
mod arrival;
#[cfg(feature = "camera")]
mod backend;
#[cfg(feature = "camera")]
mod device;
#[cfg(feature = "camera")]
mod format;
#[cfg(feature = "camera")]
mod nokhwa;
#[cfg(feature = "camera")]
mod owner;
#[cfg(all(feature = "camera", target_os = "linux"))]
mod v4l;

#[cfg(feature = "camera")]
pub use device::{Camera, cameras};
pub use parameters::{CameraBackend, CameraParameters};
