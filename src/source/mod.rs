//! Where input comes from: sound files, video, tables, biosignals, topics of MCAP files, the room, a browser's camera.
//!
//! To add a source: write its file here, implement [`crate::stream::Source`], name it below and let
//! [`media`] recognise it by its content.

pub mod browser;
pub mod content;
pub mod ffmpeg;
pub mod mcap;
pub mod media;
pub mod playlist;
pub mod room;
pub mod scalar;
pub mod sound;
pub mod video;
