//! What a listener and a viewer notice of the MCAP files of other programs.
