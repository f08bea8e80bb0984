//! File formats that more than one folder reads: the bytes alone, not what a file is for.

pub mod mcap;
pub mod npy;
pub mod tiff;
