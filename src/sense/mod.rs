//! Input becomes bursts: retina, cochlea, scalar sensors, one event format for all.
