//! The recording of a session: its format, its reader, its export.
//!
//! A session is an MCAP file. It is written by the `mcap` crate and read by [`mcap`], which trusts nothing that a
//! file says about itself.

pub mod mcap;
