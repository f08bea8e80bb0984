//! Allocates, wires and starts; `realtime` is the real-time thread.
