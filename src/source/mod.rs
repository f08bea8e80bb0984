//! Where input comes from: sound files, video, tables, biosignals, topics of MCAP files, cameras, a browser's camera, the
//! room.
//!
//! To add a source: write its file here, implement [`crate::stream::Source`], name it below and let
//! [`media`] recognise it by its content.

pub mod browser;
pub mod camera;
pub mod content;
pub mod ffmpeg;
mod length;
pub mod mcap;
pub mod media;
pub mod playlist;
pub mod room;
pub mod scalar;
pub mod sound;
pub mod video;
