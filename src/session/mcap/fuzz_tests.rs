//! Inputs by the million for the reader: none makes it panic, hang or take more memory than it may.
